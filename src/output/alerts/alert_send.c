// SPDX-License-Identifier: Apache-2.0
/* See alert_send.h. */
#include "output/alerts/alert_send.h"

#include "base/gnutls.h"

#include <stdarg.h>
#include <unistd.h>

#include "output/alerts/alert_format.h"
#include "output/alerts/alert_program.h"

void alert_outcome_set(struct alert_outcome *o, enum alert_result result,
		       const char *format, ...)
{
	va_list args;

	o->result = result;
	va_start(args, format);
	(void)vsnprintf(o->says, sizeof(o->says), format, args);
	va_end(args);
	for (char *c = o->says; *c; c++)
		if (*c < 0x20 || *c >= 0x7f)
			*c = *c == '\n' ? ' ' : '?';
}

static void format(const struct alert_receiver *r, const struct alert_group *g,
		   struct buffer *out)
{
	switch (r->kind) {
	case ALERT_WEBHOOK:
	case ALERT_EXEC:
		alert_format_json(r, g, out);
		return;
	case ALERT_SLACK:
		alert_format_slack(g, out);
		return;
	case ALERT_ALERTMANAGER:
		alert_format_alertmanager(g, out);
		return;
	case ALERT_EMAIL:
		alert_format_email(r, g, out);
		return;
	case ALERT_SYSLOG:
		alert_format_syslog(g, getpid(),
				    r->protocol == ALERT_UDP ? ALERT_UDP_MAX : 0, out);
		return;
	case ALERT_DESKTOP: /* no text of an event is on a command line */
	case ALERT_KIND_COUNT:
		return;
	}
}

void alert_load_libraries(const struct alert_config *c)
{
	bool has_http = false, has_tls = false;

	for (size_t i = 0; i < c->n_receivers; i++) {
		const struct alert_receiver *r = &c->receivers[i];

		if (r->kind == ALERT_SYSLOG)
			has_tls |= r->protocol == ALERT_TLS;
		else
			has_http |= !alert_kind_runs_program(r->kind);
	}
	if (has_http)
		(void)alert_http_start(NULL);
	if (has_tls)
		(void)gnutls_load(NULL);
}

void alert_send(const struct alert_config *c, size_t receiver,
		const struct alert_group *g, int launcher, struct alert_outcome *ret)
{
	const struct alert_receiver *r = &c->receivers[receiver];
	_cleanup_buffer_ struct buffer body = { 0 };

	*ret = (struct alert_outcome){ 0 };
	format(r, g, &body);
	if (r->is_given_up)
		alert_outcome_set(ret, ALERT_RETRY,
				  "its files could not be read at the start");
	else if (buffer_error(&body))
		alert_outcome_set(ret, ALERT_RETRY, "out of memory");
	else if (alert_kind_runs_program(r->kind))
		alert_program_send(c, receiver, g, buffer_span(&body), launcher, ret);
	else if (r->kind == ALERT_SYSLOG)
		alert_syslog_send(r, buffer_span(&body), ret);
	else
		alert_http_post(r, buffer_span(&body), ret);
}
