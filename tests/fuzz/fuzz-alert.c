// SPDX-License-Identifier: Apache-2.0
/*
 * A line of a log, taken apart and put into each form: no control is in a summary, a mail's
 * headers are ours, a datagram has its length, Slack is given nothing to follow.
 */
#include "fuzz.h"
#include "output/alerts/alert_format.h"

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static void check_email(const struct alert_receiver *r, const struct alert_group *g)
{
	_cleanup_buffer_ struct buffer out = { 0 };
	const char *end, *at;
	int n_lines = 0;

	alert_format_email(r, g, &out);
	MUST(buffer_cstring(&out));
	end = strstr(out.data, "\n\n");
	MUST(end);
	for (at = out.data; at < end; at++) {
		MUST(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
		n_lines += *at == '\n';
	}
	MUST(n_lines == 5);
}

static void check_rest(const struct alert_receiver *r, const struct alert_group *g)
{
	_cleanup_buffer_ struct buffer slack = { 0 }, syslog = { 0 }, json = { 0 };

	alert_format_slack(g, &slack);
	MUST(!memchr(slack.data, '<', slack.len) && !memchr(slack.data, '>', slack.len));
	alert_format_syslog(g, 1, ALERT_UDP_MAX, &syslog);
	MUST(syslog.len <= ALERT_UDP_MAX && !memchr(syslog.data, '\n', syslog.len));
	alert_format_json(r, g, &json);
	MUST(!memchr(json.data, '\n', json.len));
	buffer_clear(&json);
	alert_format_alertmanager(g, &json);
	MUST(!memchr(json.data, '\n', json.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct alert_receiver receiver = { .name = "r", .to = (char *)"a@b" };
	struct span line = { (const char *)data, size };
	struct alert_group group = { 0 };
	struct alert_event event;

	if (alert_event_parse(line, &event) < 0)
		return 0;
	MUST(!has_control(event.summary) && !has_control(event.host) &&
	     !has_control(event.time) && !has_control(event.rule));
	memcpy(group.type, event.type, sizeof(group.type));
	alert_group_add(&group, &event, SPAN("{}"));
	check_email(&receiver, &group);
	check_rest(&receiver, &group);
	alert_group_deinit(&group);
	return 0;
}
