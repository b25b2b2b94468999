// SPDX-License-Identifier: Apache-2.0
/* output/alerts/alert_format: each form as a whole, and text that would like to be more. */
#include "output/alerts/alert_format.h"

#include "alert.h"

#define EVIL "<!here> & \"]\\ Bcc: eve"

static struct alert_receiver receiver = { .name = "r" };
static struct alert_group group;

static int set_up(void **state)
{
	struct alert_event e = make_event(41, "module_hidden", LKSM_CRITICAL);

	(void)state;
	memcpy(group.type, "module_hidden", sizeof("module_hidden"));
	(void)snprintf(e.summary, sizeof(e.summary), "%s", EVIL);
	(void)snprintf(e.rule, sizeof(e.rule), "my_rule");
	alert_group_add(&group, &e, SPAN("{\"seq\": 41}"));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	alert_group_deinit(&group);
	return 0;
}

static void expect(struct buffer *got, const char *want)
{
	expect_text("the message", "all of it", buffer_span(got), want);
	buffer_deinit(got);
}

static void test_json(void **state)
{
	struct buffer got = { 0 };

	(void)state;
	alert_format_json(&receiver, &group, &got);
	expect(&got,
	       "{\"receiver\": \"r\", \"type\": \"module_hidden\", \"severity\": "
	       "\"critical\", "
	       "\"count\": 1, \"first_seq\": 41, \"last_seq\": 41, \"host\": \"web-1\", "
	       "\"time\": \"2026-11-28T00:00:00.000001Z\", \"summary\": \"<!here> & "
	       "\\\"]\\\\ "
	       "Bcc: eve\", \"events\": [{\"seq\": 41}]}");
}

static void test_slack(void **state)
{
	struct buffer got = { 0 };

	(void)state;
	group.count = 3;
	alert_format_slack(&group, &got);
	expect(&got,
	       "{\"text\": \"*critical: module_hidden on web-1 (3 events)*\\u000a"
	       "• 2026-11-28T00:00:00.000001Z #41 &lt;!here&gt; &amp; \\\"]\\\\ Bcc: "
	       "eve\\u000a• and 2 more, up to #41\"}");
}

static void test_alertmanager(void **state)
{
	struct buffer got = { 0 };

	(void)state;
	alert_format_alertmanager(&group, &got);
	expect(&got,
	       "[{\"labels\": {\"alertname\": \"module_hidden\", \"severity\": "
	       "\"critical\", \"rule\": \"my_rule\", \"instance\": \"web-1\", \"job\": "
	       "\"lksm\"}, \"annotations\": {\"summary\": \"<!here> & \\\"]\\\\ Bcc: "
	       "eve\", \"count\": \"1\", \"first_seq\": \"41\", \"last_seq\": \"41\"}, "
	       "\"startsAt\": \"2026-11-28T00:00:00.000001Z\"}]");
}

static void test_email(void **state)
{
	struct buffer got = { 0 };

	(void)state;
	receiver.to = (char *)"ops@example.org\nBcc: eve@example.org";
	alert_format_email(&receiver, &group, &got);
	receiver.to = NULL;
	expect(&got,
	       "To: ops@example.org?Bcc: eve@example.org\n"
	       "Subject: [lksm] critical: module_hidden on web-1\n"
	       "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
	       "Content-Type: text/plain; charset=utf-8\n"
	       "Content-Transfer-Encoding: 8bit\n\n"
	       "critical: module_hidden on web-1\n\n"
	       "  2026-11-28T00:00:00.000001Z #41 " EVIL "\n\n"
	       "The events 41 to 41 are in the log; `lksm follow` and the dashboard show "
	       "them.\n");
}

static void test_syslog(void **state)
{
	struct buffer got = { 0 };

	(void)state;
	(void)snprintf(group.items[0].event.rule, ALERT_TYPE_SIZE, "a\"]\\b");
	alert_format_syslog(&group, 7, 0, &got);
	expect(&got,
	       "<82>1 2026-11-28T00:00:00.000001Z web-1 lksm 7 module_hidden "
	       "[lksm@32473 type=\"module_hidden\" severity=\"critical\" "
	       "rule=\"a\\\"\\]\\\\b\" count=\"1\" first_seq=\"41\" last_seq=\"41\"] "
	       "\xef\xbb\xbf" EVIL);
}

static void test_syslog_is_cut_between_characters(void **state)
{
	struct buffer whole = { 0 }, got = { 0 };

	(void)state;
	(void)snprintf(group.items[0].event.summary, ALERT_SUMMARY_SIZE, "€€€");
	alert_format_syslog(&group, 7, 0, &whole);
	for (size_t limit = whole.len - 8; limit <= whole.len; limit++) {
		alert_format_syslog(&group, 7, limit, &got);
		assert_true(got.len <= limit && (whole.len - got.len) % 3 == 0);
		buffer_deinit(&got);
	}
	buffer_deinit(&whole);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_json),  T(test_slack),  T(test_alertmanager),
		T(test_email), T(test_syslog), T(test_syslog_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
