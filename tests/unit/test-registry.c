// SPDX-License-Identifier: Apache-2.0
/* core/registry: which modules are taken, what they are given, and turn-taking between them. */
#include <string.h>
#include <unistd.h>

#include <fcntl.h>

#include "fake_host.h"

/** What the fake module does next, and what was done to it. */
struct fake_state {
	bool is_on, is_off;
	int64_t number;
	const char *text;
	int source;
	int late;
	const struct lksm_host *host;
};

static struct {
	int start_result, poll_result;
	int n_started, n_polled, n_stopped;
	int n_to_emit; /* at each poll */
	int watched_fd;
	struct fake_state seen;
	struct fake_state *state;
} fake;

static int fake_start(void *state, const struct lksm_host *host)
{
	struct fake_state *s = state;

	s->host = host;
	fake.seen = *s;
	fake.state = s;
	fake.n_started++;
	if (fake.watched_fd >= 0)
		assert_int_equal(host->watch(host, fake.watched_fd), 0);
	return fake.start_result;
}

static int fake_poll(void *state, struct lksm_batch *out)
{
	const struct lksm_host *host = ((struct fake_state *)state)->host;

	fake.n_polled++;
	for (int i = 0; i < fake.n_to_emit; i++)
		(void)host->emit(out, 0, "fake_event", LKSM_INFO);
	return fake.poll_result;
}

static void fake_stop(void *state)
{
	(void)state;
	fake.n_stopped++;
}

static int calm_start(void *state, const struct lksm_host *host)
{
	((struct fake_state *)state)->host = host;
	return 0;
}

static int calm_poll(void *state, struct lksm_batch *out)
{
	const struct lksm_host *host = ((struct fake_state *)state)->host;
	const struct lksm_record record = { .stream = "calm",
					    .text = "line",
					    .text_len = 4 };

	if (host->emit_record(out, &record) < 0)
		(void)host->emit(out, 0, "calm_event", LKSM_INFO);
	return 0;
}

static void calm_stop(void *state)
{
	(void)state;
}

static const struct lksm_option options[] = {
	{ "on", LKSM_OPTION_BOOL, "yes", offsetof(struct fake_state, is_on), "A switch" },
	{ "off", LKSM_OPTION_BOOL, NULL, offsetof(struct fake_state, is_off),
	  "Without default" },
	{ "number", LKSM_OPTION_INT, "-5", offsetof(struct fake_state, number),
	  "A number" },
	{ "text", LKSM_OPTION_TEXT, "default", offsetof(struct fake_state, text),
	  "A text" },
	{ "source", LKSM_OPTION_SOURCE, "/x", offsetof(struct fake_state, source),
	  "A file" },
	{ "proc", LKSM_OPTION_LATE_SOURCE, "/y", offsetof(struct fake_state, late),
	  "A file that may come" },
	{ .name = NULL },
};

#define FAKE_ABI    .abi = LKSM_MODULE_ABI, .state_size = sizeof(struct fake_state)
#define FAKE_START  .start = fake_start
#define FAKE_POLL   .poll = fake_poll
#define FAKE_STOP   .stop = fake_stop
#define FAKE_MODULE FAKE_ABI, FAKE_START, FAKE_POLL, FAKE_STOP

static const struct lksm_module fake_module = { FAKE_MODULE, .name = "fake",
						.options = options };
static const struct lksm_module calm_module = { .abi = LKSM_MODULE_ABI,
						.name = "calm",
						.state_size = sizeof(struct fake_state),
						.start = calm_start,
						.poll = calm_poll,
						.stop = calm_stop };
static const struct lksm_module apart_module = { FAKE_MODULE, .name = "apart",
						 .is_apart = true };
static const struct lksm_module old_module = { .abi = LKSM_MODULE_ABI + 1,
					       .name = "old" };

static const struct lksm_module *const builtin_fake = &fake_module;
static const struct lksm_module *const builtin_apart = &apart_module;
static const struct lksm_module *const builtin_old = &old_module;
static const struct lksm_module *const builtin_calm = &calm_module;
const struct lksm_module *const *const lksm_builtin_modules[] = {
	&builtin_fake, &builtin_old, &builtin_apart, &builtin_fake, &builtin_calm, NULL
};

static void reset(struct fake_host *f)
{
	memset(&fake, 0, sizeof(fake));
	fake.watched_fd = -1;
	fake_host_init(f);
}

static void test_discover(void **state)
{
	struct fake_host f;

	(void)state;
	reset(&f);
	assert_int_equal(registry_discover(f.registry), 0);
	assert_int_equal(registry_start_all(f.registry, f.now), 0);
	fake_host_expect(&f, "refused",
			 "lksm: module_refused high module=(unnamed) reason=it was built "
			 "for module "
			 "ABI 2, this program speaks 1\n"
			 "lksm: module_refused high module=fake reason=another module "
			 "has this name\n");
	assert_int_equal(registry_count_started(f.registry), 2);
	assert_int_equal(registry_start_all(f.registry, f.now), 0);
	assert_int_equal(fake.n_started, 1);
	registry_stop_all(f.registry);
	registry_stop_all(f.registry);
	assert_int_equal(fake.n_stopped, 1);
	fake_host_deinit(&f);
	assert_int_equal(fake.n_stopped, 1);
}

static const struct lksm_option bad_name[] = { { .name = "Bad" }, { .name = NULL } };
static const struct lksm_option bad_type[] = {
	{ .name = "a", .type = (enum lksm_option_type)99 }, { .name = NULL }
};
static const struct lksm_option bad_offset[] = {
	{ "a", LKSM_OPTION_INT, "1", sizeof(struct fake_state) - 4, "Half outside" },
	{ .name = NULL },
};
static const struct lksm_option bad_default[] = { { "a", LKSM_OPTION_INT, "ten", 0, "" },
						  { .name = NULL } };

static const struct refusal {
	const char *name;
	struct lksm_module in;
	const char *want;
} refusals[] = {
	{ "taken name", { FAKE_MODULE, .name = "calm" }, "another module has this name" },
	{ "no name", { FAKE_MODULE }, "its name is not snake_case of 1 to 31 bytes" },
	{ "capitals",
	  { FAKE_MODULE, .name = "Disk" },
	  "its name is not snake_case of 1 to 31 bytes" },
	{ "too long",
	  { FAKE_MODULE, .name = "x2345678901234567890123456789012" },
	  "its name is not snake_case of 1 to 31 bytes" },
	{ "our own name",
	  { FAKE_MODULE, .name = "lksm" },
	  "its name is one of LKSM's own sources" },
	{ "the kernel log's",
	  { FAKE_MODULE, .name = "kernel_log" },
	  "its name is one of LKSM's own sources" },
	{ "ABI",
	  { .abi = 0, .name = "a", FAKE_START, FAKE_POLL, FAKE_STOP },
	  "it was built for module ABI 0, this program speaks 1" },
	{ "no start",
	  { FAKE_ABI, .name = "a", FAKE_POLL, FAKE_STOP },
	  "it has no start callback" },
	{ "no poll",
	  { FAKE_ABI, .name = "a", FAKE_START, FAKE_STOP },
	  "it has no poll callback" },
	{ "no stop",
	  { FAKE_ABI, .name = "a", FAKE_START, FAKE_POLL },
	  "it has no stop callback" },
	{ "option's name",
	  { FAKE_MODULE, .name = "a", .options = bad_name },
	  "the name of its option 1 is not snake_case" },
	{ "option's type",
	  { FAKE_MODULE, .name = "a", .options = bad_type },
	  "option a: its type is unknown" },
	{ "option's offset",
	  { FAKE_MODULE, .name = "a", .options = bad_offset },
	  "option a: its offset lies outside the state" },
	{ "option's default",
	  { FAKE_MODULE, .name = "a", .options = bad_default },
	  "option a: 'ten' is not a whole number" },
};

static void test_refusals(void **state)
{
	struct fake_host f;

	(void)state;
	reset(&f);
	assert_int_equal(registry_add(f.registry, &calm_module, true, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		_cleanup_buffer_ struct buffer reason = { 0 };

		expect_number(refusals[i].name, "add",
			      registry_add(f.registry, &refusals[i].in, true, &reason),
			      -EINVAL);
		expect_text(refusals[i].name, "reason", buffer_span(&reason),
			    refusals[i].want);
	}
	fake_host_deinit(&f);
}

static void test_defaults(void **state)
{
	struct fake_host f;

	(void)state;
	reset(&f);
	f.source_fd = 42;
	assert_int_equal(registry_add(f.registry, &fake_module, true, NULL), 0);
	assert_int_equal(registry_start_all(f.registry, f.now), 0);
	assert_true(fake.seen.is_on);
	assert_false(fake.seen.is_off);
	assert_int_equal(fake.seen.number, -5);
	assert_string_equal(fake.seen.text, "default");
	assert_int_equal(fake.seen.source, 42);
	fake_host_deinit(&f);
}

static void test_options(void **state)
{
	static const struct {
		const char *option, *value;
		const char *want; /* NULL: taken */
	} cases[] = {
		{ "on", "false", NULL },
		{ "on", "maybe", "option on: 'maybe' is not true or false" },
		{ "on", "", "option on: '' is not true or false" },
		{ "number", "9223372036854775807", NULL },
		{ "number", "9223372036854775808",
		  "option number: '9223372036854775808' is not a whole number" },
		{ "number", "7x", "option number: '7x' is not a whole number" },
		{ "number", " 7", "option number: ' 7' is not a whole number" },
		{ "number", "", "option number: '' is not a whole number" },
		{ "text", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer reason = { 0 };
		char value[32];
		struct fake_host f;

		reset(&f);
		(void)snprintf(value, sizeof(value), "%s", cases[i].value);
		f.option_name = cases[i].option;
		f.option_value = value;
		expect_number(cases[i].value, "add",
			      registry_add(f.registry, &fake_module, true, &reason),
			      cases[i].want ? -EINVAL : 0);
		expect_text(cases[i].value, "reason", buffer_span(&reason),
			    cases[i].want);
		memset(value, 'x', sizeof(value) - 1); /* the module's copy is its own */
		(void)registry_start_all(f.registry, f.now);
		if (!cases[i].want && !strcmp(cases[i].option, "text"))
			assert_string_equal(fake.seen.text, "");
		if (!cases[i].want && !strcmp(cases[i].option, "on"))
			assert_false(fake.seen.is_on);
		if (!cases[i].want && !strcmp(cases[i].option, "number"))
			assert_true(fake.seen.number == INT64_MAX);
		fake_host_deinit(&f);
	}
}

static void start_two(struct fake_host *f)
{
	assert_int_equal(registry_add(f->registry, &fake_module, true, NULL), 0);
	assert_int_equal(registry_add(f->registry, &calm_module, true, NULL), 0);
	assert_int_equal(registry_start_all(f->registry, f->now), 0);
}

static void test_start_fails(void **state)
{
	struct fake_host f;

	(void)state;
	reset(&f);
	fake.start_result = -ENODEV;
	fake.watched_fd = 0;
	start_two(&f);
	fake_host_run(&f);
	fake_host_expect(
		&f, "start",
		"lksm: module_failed high module=fake reason=it could not be started: "
		"No such device; it is left out from now on\n"
		"calm 0 line\n");
	assert_int_equal(f.n_watched, 0);
	fake_host_run(&f);
	assert_int_equal(fake.n_polled, 0);
	assert_int_equal(fake.n_stopped,
			 0); /* start() failed: there is nothing to stop */
	fake_host_deinit(&f);
}

static void test_poll_fails(void **state)
{
	struct fake_host f;

	(void)state;
	reset(&f);
	fake.poll_result = -EIO;
	fake.n_to_emit = 1;
	start_two(&f);
	fake_host_run(&f);
	fake_host_expect(&f, "poll",
			 "fake: fake_event info\n"
			 "lksm: module_failed high module=fake reason=it failed: "
			 "Input/output error; it is left out from now on\n"
			 "calm 0 line\n");
	fake_host_run(&f);
	fake_host_expect(&f, "told once, and the others go on", "calm 0 line\n");
	assert_int_equal(fake.n_polled, 1);
	assert_int_equal(fake.n_stopped, 1);
	fake_host_deinit(&f);
	assert_int_equal(fake.n_stopped, 1);
}

/* However much a module has, it is one batch a round, and others get their turn. */
static void test_fairness(void **state)
{
	struct fake_host f;

	(void)state;
	reset(&f);
	fake.n_to_emit = 100000;
	fake.poll_result = 1;
	start_two(&f);
	f.is_quiet = true;
	for (int round = 1; round <= 3; round++) {
		registry_tick(f.registry);
		assert_int_equal(registry_poll_all(f.registry, f.now), 1);
		assert_int_equal(fake.n_polled, round);
		assert_int_equal(f.n_events, round * (LKSM_BATCH_EVENTS + 1));
	}
	fake_host_deinit(&f);
}

/* A module with a descriptor is polled when it is readable, one without at ticks. */
static void test_due(void **state)
{
	struct fake_host f;

	(void)state;
	reset(&f);
	fake.watched_fd = 7;
	assert_int_equal(registry_add(f.registry, &fake_module, true, NULL), 0);
	assert_int_equal(registry_start_all(f.registry, f.now), 0);
	assert_false(registry_needs_ticks(f.registry));
	assert_int_equal(registry_poll_all(f.registry, f.now), 0);
	assert_int_equal(fake.n_polled, 1); /* what was there before the start */
	registry_tick(f.registry);
	registry_readable(f.registry, 8);
	assert_int_equal(registry_poll_all(f.registry, f.now), 0);
	assert_int_equal(fake.n_polled, 1);
	registry_readable(f.registry, 7);
	assert_int_equal(registry_poll_all(f.registry, f.now), 0);
	assert_int_equal(fake.n_polled, 2);
	fake.poll_result = 1;
	registry_readable(f.registry, 7);
	assert_int_equal(registry_poll_all(f.registry, f.now), 1);
	fake.poll_result = 0;
	assert_int_equal(registry_poll_all(f.registry, f.now),
			 0); /* it had said: more to come */
	assert_int_equal(fake.n_polled, 4);
	assert_int_equal(registry_add(f.registry, &calm_module, true, NULL), 0);
	assert_int_equal(registry_start_all(f.registry, f.now), 0);
	assert_true(registry_needs_ticks(f.registry));
	fake_host_deinit(&f);
}

/* Lines of the kernel log are for built-ins only. */
static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* A source that comes, is given back, and comes again; each descriptor is closed once. */
static void test_late_source(void **state)
{
	int fds[3] = { dup(0), dup(0), dup(0) };
	const struct lksm_host *host;
	struct fake_host f;

	(void)state;
	reset(&f);
	f.can_look = true;
	assert_int_equal(registry_discover(f.registry), 0);
	assert_int_equal(registry_start_all(f.registry, f.now), 0);
	host = fake.seen.host;
	assert_int_equal(fake.state->late, -ENOENT);
	assert_int_equal(host->look(host, "source"), -EINVAL);
	assert_int_equal(host->look(host, "proc"), 0);
	assert_int_equal(f.n_looks, 1);
	assert_int_equal(fake.state->late, -EINPROGRESS);
	registry_give_source(f.registry, "fake", "proc", -ENOENT);
	assert_int_equal(fake.state->late, -ENOENT);
	registry_give_source(f.registry, "fake", "proc", -EACCES); /* nobody asked */
	assert_int_equal(fake.state->late, -ENOENT);
	registry_give_source(f.registry, "fake", "proc", fds[0]);
	assert_int_equal(fake.state->late, fds[0]);
	registry_give_source(f.registry, "fake", "proc", fds[1]); /* it has one */
	assert_int_equal(fake.state->late, fds[0]);
	assert_true(is_open(fds[0]) && !is_open(fds[1]));
	assert_int_equal(host->look(host, "proc"), 0);
	assert_false(is_open(fds[0]));
	(void)registry_poll_all(f.registry, f.now);
	fake.n_polled = 0;
	registry_give_source(f.registry, "fake", "proc", fds[2]);
	(void)registry_poll_all(f.registry, f.now);
	assert_int_equal(fake.n_polled, 1);
	registry_give_source(f.registry, "nobody", "proc", dup(0));
	f.can_look = false;
	assert_int_equal(host->look(host, "proc"), -EOPNOTSUPP);
	assert_int_equal(fake.state->late, fds[2]);
	fake_host_deinit(&f);
	assert_false(is_open(fds[2]));
}

/* Who watches something may want to be polled by time as well. */
static void test_ticks(void **state)
{
	const struct lksm_host *host;
	struct fake_host f;

	(void)state;
	reset(&f);
	fake.watched_fd = 0;
	assert_int_equal(registry_add(f.registry, &fake_module, true, NULL), 0);
	assert_int_equal(registry_start_all(f.registry, f.now), 0);
	host = fake.seen.host;
	(void)registry_poll_all(f.registry, f.now);
	fake.n_polled = 0;
	assert_false(registry_needs_ticks(f.registry));
	host->want_ticks(host, true);
	assert_true(registry_needs_ticks(f.registry));
	registry_tick(f.registry);
	(void)registry_poll_all(f.registry, f.now);
	assert_int_equal(fake.n_polled, 1);
	host->want_ticks(host, false);
	registry_tick(f.registry);
	(void)registry_poll_all(f.registry, f.now);
	assert_int_equal(fake.n_polled, 1);
	fake_host_deinit(&f);
}

static void test_guest(void **state)
{
	struct fake_host f;

	(void)state;
	reset(&f);
	assert_int_equal(registry_add(f.registry, &calm_module, false, NULL), 0);
	assert_int_equal(registry_start_all(f.registry, f.now), 0);
	fake_host_run(&f);
	fake_host_expect(&f, "guest", "calm: calm_event info\n");
	fake_host_deinit(&f);
}

static void test_emit(void **state)
{
	const struct datum data[] = {
		{ .key = SPAN("a"), .kind = DATUM_TEXT, .text = SPAN("x") },
		{ .key = SPAN("b"), .kind = DATUM_INT, .integer = 7 },
		{ .key = SPAN("c"), .kind = DATUM_JSON, .text = SPAN("[]") },
	};
	struct fake_host f;

	(void)state;
	reset(&f);
	assert_int_equal(registry_emit(f.registry, f.now, "log_recovered", data, 3), 0);
	assert_int_equal(registry_emit(f.registry, f.now, "daemon_started", NULL, 0), 0);
	assert_int_equal(registry_emit(f.registry, f.now, "Bad", NULL, 0), -EINVAL);
	fake_host_expect(
		&f, "emit",
		"lksm: log_recovered high a=x b=7 c=[]\nlksm: daemon_started info\n");
	fake_host_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_discover),    cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_defaults),    cmocka_unit_test(test_options),
		cmocka_unit_test(test_start_fails), cmocka_unit_test(test_poll_fails),
		cmocka_unit_test(test_fairness),    cmocka_unit_test(test_due),
		cmocka_unit_test(test_late_source), cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_guest),	    cmocka_unit_test(test_emit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
