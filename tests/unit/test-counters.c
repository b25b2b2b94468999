// SPDX-License-Identifier: Apache-2.0
/* core/counters: what an event counts for; the table of types is bounded; the view only reads. */
#include "core/counters.h"

#include <signal.h>
#include <sys/wait.h>

#include "expect.h"

struct page {
	struct counters *counters;
	const struct counters *view;
};

static int set_up(void **state)
{
	static struct page page;

	*state = &page;
	return counters_create(&page.counters, &page.view);
}

static int tear_down(void **state)
{
	const struct page *page = *state;

	counters_unmap(page->counters);
	counters_unmap(page->view);
	return 0;
}

static void add(const struct page *page, const char *type, enum lksm_severity severity,
		const char *key, const char *text, int64_t count)
{
	struct lksm_event event;

	event_init(&event);
	event.type = span_from(type);
	event.severity = severity;
	if (key)
		assert_int_equal(event_add_text(&event, span_from(key), span_from(text)),
				 0);
	if (count)
		assert_int_equal(event_add_int(&event, SPAN("count"), count), 0);
	counters_add_event(page->counters, &event);
}

/* How many of @type there are, over all severities; and in how many slots. */
static uint64_t count(const struct page *page, const char *type, size_t *ret_types)
{
	struct counters_type t;
	uint64_t n = 0;

	*ret_types = 0;
	for (size_t i = 0; i <= COUNTERS_TYPES; i++) {
		if (!counters_get_type(page->view, i, &t))
			continue;
		(*ret_types)++;
		for (size_t s = 0; s < EVENT_SEVERITY_COUNT && !strcmp(t.name, type); s++)
			n += t.by_severity[s];
	}
	return n;
}

static void test_events_count_by_type_and_severity(void **state)
{
	const struct page *page = *state;
	struct counters_type t = { 0 };
	size_t n_types;

	add(page, "module_loaded", LKSM_MEDIUM, NULL, NULL, 0);
	add(page, "module_loaded", LKSM_MEDIUM, NULL, NULL, 0);
	add(page, "module_loaded", LKSM_HIGH, NULL, NULL, 0);
	add(page, "", LKSM_HIGH, NULL, NULL, 0);
	assert_int_equal(count(page, "module_loaded", &n_types), 3);
	assert_int_equal(count(page, "other", &n_types), 1);
	assert_int_equal(n_types, 2);
	for (size_t i = 0; strcmp(t.name, "module_loaded") != 0; i++)
		(void)counters_get_type(page->view, i, &t);
	assert_int_equal(t.by_severity[LKSM_MEDIUM], 2);
	assert_int_equal(t.by_severity[LKSM_HIGH], 1);
}

static void test_the_table_of_types_is_bounded(void **state)
{
	const struct page *page = *state;
	size_t n_types;

	for (int i = 0; i < 10 * COUNTERS_TYPES; i++) {
		char type[32];

		(void)snprintf(type, sizeof(type), "made_up_%d", i);
		add(page, type, LKSM_INFO, NULL, NULL, 0);
		add(page, type, LKSM_INFO, NULL, NULL, 0);
	}
	assert_int_equal(count(page, "made_up_0", &n_types), 2);
	assert_int_equal(count(page, "other", &n_types), 2 * 9 * COUNTERS_TYPES);
	assert_int_equal(n_types, COUNTERS_TYPES + 1);
	add(page, "a_name_that_is_far_longer_than_any_that_the_table_has_room_for",
	    LKSM_INFO, NULL, NULL, 0);
	assert_int_equal(count(page, "other", &n_types), 2 * 9 * COUNTERS_TYPES + 1);
}

/* How many events of @rule there are; and in how many slots. */
static uint64_t count_rule(const struct page *page, const char *rule, size_t *ret_rules)
{
	struct counters_type t;
	uint64_t n = 0;

	*ret_rules = 0;
	for (size_t i = 0; i <= COUNTERS_RULES; i++) {
		if (!counters_get_rule(page->view, i, &t))
			continue;
		(*ret_rules)++;
		for (size_t s = 0; s < EVENT_SEVERITY_COUNT && !strcmp(t.name, rule); s++)
			n += t.by_severity[s];
	}
	return n;
}

static void add_named(const struct page *page, const char *rule)
{
	struct lksm_event event;

	event_init(&event);
	event.type = SPAN("module_loaded");
	event.rule = span_from(rule);
	counters_add_event(page->counters, &event);
}

static void test_events_count_by_rule_up_to_a_bound(void **state)
{
	const struct page *page = *state;
	size_t n_rules;

	add(page, "module_loaded", LKSM_INFO, NULL, NULL, 0); /* named by none */
	assert_int_equal(count_rule(page, "other", &n_rules), 0);
	assert_int_equal(n_rules, 0);
	add_named(page, "first");
	add_named(page, "first");
	for (int i = 0; i < 2 * COUNTERS_RULES; i++) {
		char rule[32];

		(void)snprintf(rule, sizeof(rule), "rule_%d", i);
		add_named(page, rule);
	}
	assert_int_equal(count_rule(page, "first", &n_rules), 2);
	assert_int_equal(counters_of_rule(page->view, SPAN("first")), 2);
	assert_int_equal(counters_of_rule(page->view, SPAN("rule_0")), 1);
	assert_int_equal(counters_of_rule(page->view, SPAN("rule_1023")), 0);
	assert_int_equal(counters_of_rule(page->view, SPAN("")), 0);
	assert_int_equal(count_rule(page, "other", &n_rules), COUNTERS_RULES + 1);
	assert_int_equal(n_rules, COUNTERS_RULES + 1);
	assert_int_equal(count(page, "module_loaded", &n_rules), 2 * COUNTERS_RULES + 3);
	assert_int_equal(n_rules, 1);
}

static void test_what_own_events_say_is_counted(void **state)
{
	const struct page *page = *state;
	struct counters_values v;

	add(page, "records_lost", LKSM_HIGH, "reason", "overrun", 7);
	add(page, "records_lost", LKSM_HIGH, "reason", "because", 2);
	add(page, "records_lost", LKSM_HIGH, "reason", "gap", -5); /* nonsense */
	add(page, "process_restarted", LKSM_HIGH, "process", "web", 0);
	add(page, "sandbox_violated", LKSM_CRITICAL, "process", "web", 0);
	add(page, "process_restarted", LKSM_HIGH, "process", "my_module", 0);
	add(page, "log_sealed", LKSM_INFO, NULL, NULL, 0);
	counters_add_written(page->counters, 3, 400);
	counters_add_failure(page->counters);
	counters_get(page->view, &v);
	assert_true(v.is_blocked);
	counters_add_written(page->counters, 0, 0);
	counters_get(page->view, &v);
	assert_false(v.is_blocked);
	assert_int_equal(v.lost[COUNTERS_LOST_overrun], 7);
	assert_int_equal(v.lost[COUNTERS_LOST_other], 2);
	assert_int_equal(v.lost[COUNTERS_LOST_gap], 0);
	assert_int_equal(v.restarts[COUNTERS_PROCESS_web], 2);
	assert_int_equal(v.restarts[COUNTERS_PROCESS_other], 1);
	assert_int_equal(v.seals, 1);
	assert_int_equal(v.log_lines, 3);
	assert_int_equal(v.log_bytes, 400);
	assert_int_equal(v.log_failures, 1);
}

static void test_how_far_the_log_is_sealed(void **state)
{
	const struct page *page = *state;
	struct counters_values v;
	struct lksm_event event;

	counters_get(page->view, &v);
	assert_int_equal(v.sealed_to, 0);
	for (int64_t to = 41; to < 100; to += 58) {
		event_init(&event);
		event.type = SPAN("log_sealed");
		assert_int_equal(event_add_int(&event, SPAN("to"), to), 0);
		counters_add_event(page->counters, &event);
	}
	counters_get(page->view, &v);
	assert_int_equal(v.sealed_to, 99);
	assert_int_equal(v.seals, 2);
}

static void test_the_sensor_is_what_was_said_last(void **state)
{
	static const struct {
		const char *type; /* NULL: its channel was opened */
		enum counters_sensor want;
	} steps[] = {
		{ "module_loaded", COUNTERS_SENSOR_GONE },
		{ NULL, COUNTERS_SENSOR_ARMED },
		{ "sensor_disarmed", COUNTERS_SENSOR_DISARMED },
		{ NULL, COUNTERS_SENSOR_DISARMED },
		{ "sensor_rearmed", COUNTERS_SENSOR_ARMED },
		{ "sensor_gone", COUNTERS_SENSOR_GONE },
		{ "sensor_back", COUNTERS_SENSOR_ARMED },
		{ "sensor_stopped", COUNTERS_SENSOR_GONE },
		{ "sensor_started", COUNTERS_SENSOR_ARMED },
	};
	const struct page *page = *state;
	struct counters_values v;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i].type)
			add(page, steps[i].type, LKSM_INFO, NULL, NULL, 0);
		else
			counters_note_channel(page->counters);
		counters_get(page->view, &v);
		assert_int_equal(v.sensor, steps[i].want);
	}
}

/* In a child: it dies of it. */
static void test_the_view_cannot_be_written(void **state)
{
	const struct page *page = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL); /* a sanitizer's own would report it */
		*(volatile char *)(uintptr_t)page->view = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void test_nobody_counts_without_a_page(void **state)
{
	struct lksm_event event;

	(void)state;
	event_init(&event);
	counters_add_event(NULL, &event);
	counters_add_written(NULL, 1, 1);
	counters_add_failure(NULL);
	counters_note_channel(NULL);
	counters_unmap(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_events_count_by_type_and_severity,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_table_of_types_is_bounded,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_events_count_by_rule_up_to_a_bound,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_own_events_say_is_counted,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_how_far_the_log_is_sealed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_the_sensor_is_what_was_said_last,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_view_cannot_be_written, set_up,
						tear_down),
		cmocka_unit_test(test_nobody_counts_without_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
