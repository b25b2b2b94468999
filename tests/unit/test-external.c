// SPDX-License-Identifier: Apache-2.0
/* core/external: the lines of an external module, as a registry reads them from its pipe. */
#include <fcntl.h>
#include <unistd.h>

#include "fake_host.h"

#define BIG (1 << 20) /* capacity of the pipes here */

const struct lksm_module *const *const lksm_builtin_modules[] = { NULL };

static const struct line_case {
	const char *name;
	const char *in; /* without the newline */
	const char *want;
} line_cases[] = {
	{ "least", "{\"type\": \"a\"}", "guest: a info\n" },
	{ "all keys",
	  "{\"type\":\"disk_hot\",\"data\":{\"disk\":\"sda\",\"n\":-7},\"severity\":"
	  "\"high\",\"ts\":1.5}",
	  "guest: disk_hot high disk=sda n=-7\n" },
	{ "blank lines are nothing", "  \t\r", "" },
	{ "carriage return", "{\"type\": \"a\"}\r", "guest: a info\n" },
	{ "nested values in our own style",
	  "{\"type\":\"a\",\"data\":{\"l\":[1,true,null,\"x\\n\\u00e9\"],\"o\":{\"k\":{"
	  "\"m\":0.1}}}}",
	  "guest: a info l=[1, true, null, \"x\\u000a\xc3\xa9\"] o={\"k\": {\"m\": "
	  "0.1}}\n" },
	{ "reals",
	  "{\"type\":\"a\",\"data\":{\"a\":100.0,\"b\":1e300,\"c\":0.30000000000000004}}",
	  "guest: a info a=100.0 b=1e+300 c=0.30000000000000004\n" },
	{ "largest numbers",
	  "{\"type\":\"a\",\"data\":{\"x\":9223372036854775807,\"y\":-"
	  "9223372036854775808}}",
	  "guest: a info x=9223372036854775807 y=-9223372036854775808\n" },
	{ "our own types stay the guest's",
	  "{\"type\":\"log_filtered\",\"severity\":\"critical\"}",
	  "guest: log_filtered critical\n" },
#define NONSENSE(reason, line) \
	"lksm: module_failed high module=guest reason=" reason ": " line " count=1\n"
	{ "no JSON", "hello", NONSENSE("'[' or '{' expected near 'hello'", "hello") },
	{ "cut", "{\"type\": \"a\"",
	  NONSENSE("'}' expected near end of file", "{\"type\": \"a\"") },
	{ "an array", "[1]", NONSENSE("not a JSON object", "[1]") },
	{ "no type", "{}", NONSENSE("type is not snake_case of 1 to 63 bytes", "{}") },
	{ "type in capitals", "{\"type\":\"Disk\"}",
	  NONSENSE("type is not snake_case of 1 to 63 bytes", "{\"type\":\"Disk\"}") },
	{ "NUL in the type", "{\"type\":\"a\\u0000b\"}",
	  NONSENSE("type is not snake_case of 1 to 63 bytes",
		   "{\"type\":\"a\\u0000b\"}") },
	{ "data is a list", "{\"type\":\"a\",\"data\":[]}",
	  NONSENSE("data is not an object", "{\"type\":\"a\",\"data\":[]}") },
	{ "unknown severity", "{\"type\":\"a\",\"severity\":\"hgih\"}",
	  NONSENSE("severity is not info, medium, high or critical",
		   "{\"type\":\"a\",\"severity\":\"hgih\"}") },
	{ "severity is a number", "{\"type\":\"a\",\"severity\":3}",
	  NONSENSE("severity is not info, medium, high or critical",
		   "{\"type\":\"a\",\"severity\":3}") },
	{ "ts before boot", "{\"type\":\"a\",\"ts\":-1}",
	  NONSENSE("ts is not a number of seconds", "{\"type\":\"a\",\"ts\":-1}") },
	{ "ts is text", "{\"type\":\"a\",\"ts\":\"1\"}",
	  NONSENSE("ts is not a number of seconds", "{\"type\":\"a\",\"ts\":\"1\"}") },
	{ "a key we would lose", "{\"type\":\"a\",\"source\":\"lksm\"}",
	  NONSENSE("only type, data, severity, ts and raw may stand in a line",
		   "{\"type\":\"a\",\"source\":\"lksm\"}") },
	{ "a key twice", "{\"type\":\"a\",\"type\":\"b\"}",
	  NONSENSE("duplicate object key near '\"type\"'",
		   "{\"type\":\"a\",\"type\":\"b\"}") },
	{ "number too big", "{\"type\":\"a\",\"data\":{\"n\":9223372036854775808}}",
	  NONSENSE("too big integer near '9223372036854775808'",
		   "{\"type\":\"a\",\"data\":{\"n\":9223372036854775808}}") },
	{ "empty key", "{\"type\":\"a\",\"data\":{\"\":1}}",
	  NONSENSE("a key or value of data is too long, too deep, or there are too many",
		   "{\"type\":\"a\",\"data\":{\"\":1}}") },
	{ "too deep",
	  "{\"type\":\"a\",\"data\":{\"k\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}}",
	  NONSENSE("a key or value of data is too long, too deep, or there are too many",
		   "{\"type\":\"a\",\"data\":{\"k\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}"
		   "}") },
	{ "deep enough",
	  "{\"type\":\"a\",\"data\":{\"k\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}}",
	  "guest: a info k=[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]\n" },
	{ "not UTF-8", "\"\xff",
	  NONSENSE("unable to decode byte 0xff near '\"'", "\"\xff") },
};

static int attach(struct fake_host *f, const char *name, uint64_t rate_limit)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	(void)fcntl(fds[1], F_SETPIPE_SZ, BIG);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(registry_attach(f->registry, name, fds[0], rate_limit), 0);
	return fds[1];
}

static void put(int fd, const char *text, size_t n)
{
	assert_int_equal(write(fd, text, n), n);
}

static void put_text(int fd, const char *text)
{
	put(fd, text, strlen(text));
}

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(line_cases); i++) {
		struct fake_host f;
		int fd;

		fake_host_init(&f);
		fd = attach(&f, "guest", 0);
		put_text(fd, line_cases[i].in);
		put_text(fd, "\n");
		fake_host_run(&f);
		fake_host_expect(&f, line_cases[i].name, line_cases[i].want);
		(void)close(fd);
		fake_host_deinit(&f);
	}
}

static void test_pieces(void **state)
{
	static const char line[] =
		"{\"type\": \"a\"}\n{\"type\": \"b\"}\n{\"type\": \"c\"}";
	struct fake_host f;
	int fd;

	(void)state;
	fake_host_init(&f);
	fd = attach(&f, "guest", 0);
	for (size_t i = 0; i + 1 < sizeof(line); i++) {
		put(fd, &line[i], 1);
		fake_host_run(&f);
	}
	fake_host_expect(&f, "byte by byte", "guest: a info\nguest: b info\n");
	(void)close(fd);
	fake_host_run(&f);
	fake_host_expect(&f, "the last line ends with the pipe", "guest: c info\n");
	assert_int_equal(f.n_watched, 0);
	assert_false(registry_needs_ticks(f.registry));
	fake_host_deinit(&f);
}

/* Lines of up to 64 KiB pass, a longer one is skipped up to its end. */
static void test_long_lines(void **state)
{
	static char line[EXTERNAL_LINE_MAX * 3];
	static const size_t lengths[] = { EXTERNAL_LINE_MAX - 1, EXTERNAL_LINE_MAX,
					  EXTERNAL_LINE_MAX + 1, EXTERNAL_LINE_MAX + 2,
					  2 * EXTERNAL_LINE_MAX + 5 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		bool fits = lengths[i] <= EXTERNAL_LINE_MAX;
		struct fake_host f;
		int fd;

		memset(line, ' ', sizeof(line));
		memcpy(line, "{\"type\": \"long\"", 15);
		line[lengths[i] - 1] = '}';
		line[lengths[i]] = '\n';
		fake_host_init(&f);
		fd = attach(&f, "guest", 0);
		put(fd, line, lengths[i] + 1);
		put_text(fd, "{\"type\": \"next\"}\n");
		fake_host_run(&f);
		expect_number(
			"long line", "taken",
			span_contains(buffer_span(&f.text), SPAN("guest: long info\n")),
			fits);
		expect_number(
			"long line", "told",
			span_contains(buffer_span(&f.text), SPAN("longer than 64 KiB")),
			!fits);
		assert_true(
			span_contains(buffer_span(&f.text), SPAN("guest: next info\n")));
		expect_number("long line", "told once",
			      span_contains(buffer_span(&f.text), SPAN(" count=1\n")),
			      !fits);
		assert_false(registry_needs_ticks(
			f.registry)); /* its rest is not nonsense, too */
		(void)close(fd);
		fake_host_deinit(&f);
	}
}

/* Nonsense is told at once, then once a second with how often. */
static void test_nonsense_is_counted(void **state)
{
	struct fake_host f;
	int fd;

	(void)state;
	fake_host_init(&f);
	fd = attach(&f, "guest", 0);
	put_text(fd, "x\n");
	fake_host_run(&f);
	fake_host_expect(&f, "the first",
			 "lksm: module_failed high module=guest "
			 "reason='[' or '{' expected near 'x': x count=1\n");
	put_text(fd, "y\nz\n");
	fake_host_run(&f);
	fake_host_expect(&f, "more within the second", "");
	assert_true(registry_needs_ticks(f.registry));
	f.now.mono_us += 999999;
	fake_host_run(&f);
	fake_host_expect(&f, "still within it", "");
	f.now.mono_us += 1;
	fake_host_run(&f);
	fake_host_expect(&f, "then all of them",
			 "lksm: module_failed high module=guest "
			 "reason='[' or '{' expected near 'y': y count=2\n");
	assert_false(registry_needs_ticks(f.registry));
	(void)close(fd);
	fake_host_deinit(&f);
}

static void put_events(int fd, int from, int n)
{
	char line[64];

	for (int i = from; i < from + n; i++) {
		(void)snprintf(line, sizeof(line),
			       "{\"type\": \"e\", \"data\": {\"n\": %d}}\n", i);
		put_text(fd, line);
	}
}

static void test_rate_limit(void **state)
{
	struct fake_host f;
	int fd;

	(void)state;
	fake_host_init(&f);
	fd = attach(&f, "guest", 3);
	put_events(fd, 0, 7);
	fake_host_run(&f);
	fake_host_expect(&f, "a burst of one second's worth",
			 "guest: e info n=0\nguest: e info n=1\nguest: e info n=2\n");
	f.now.mono_us += 500000;
	put_events(fd, 7, 1);
	fake_host_run(&f);
	fake_host_expect(&f, "shut until a second has passed", "");
	assert_true(registry_needs_ticks(f.registry));
	f.now.mono_us += 500000;
	fake_host_run(&f);
	fake_host_expect(
		&f, "the excess, as a range",
		"lksm: records_lost high stream=module:guest first=3 last=7 count=5 "
		"reason=rate_limit\n");
	put_events(fd, 8, 1);
	fake_host_run(&f);
	fake_host_expect(&f, "open again", "guest: e info n=8\n");
	for (int i = 9; i < 29; i++) {
		f.now.mono_us += 333334;
		put_events(fd, i, 1);
		fake_host_run(&f);
	}
	assert_int_equal(f.n_events,
			 3 + 1 + 1 + 20); /* at the limit's pace nothing is lost */
	(void)close(fd);
	fake_host_deinit(&f);
}

/* A flood gets one turn a round, and another guest its own. */
static void test_end_tells_what_was_counted(void **state)
{
	static const char lines[] = "{\"type\":\"a\"}\n{\"type\":\"b\"}\n"
				    "{\"type\":\"c\"}\n{\"type\":\"ha";
	struct external *e;
	struct lksm_batch *b;
	struct lksm_event event;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(external_create("guest", false, NULL, &e), 0);
	assert_int_equal(batch_create(&b), 0);
	external_set_rate_limit(e, 1);
	batch_reset(b, "guest", false, clock_now());
	assert_int_equal(write(fds[1], lines, sizeof(lines) - 1), sizeof(lines) - 1);
	assert_int_equal(external_poll(e, fds[0], (struct now){ 1, 1 }, b), EXTERNAL_DRY);
	assert_int_equal(batch_count(b), 1);
	batch_reset(b, "guest", false, clock_now());
	external_end(e, (struct now){ 2, 2 }, b);
	assert_int_equal(batch_count(b), 1);
	(void)batch_get(b, 0, NULL, &event);
	expect_text("excess", "type", event.type, "records_lost");
	expect_number("excess", "count", event.data.items[3].integer, 3);
	assert_false(external_has_pending(e));
	external_destroy(e);
	batch_destroy(b);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_fairness(void **state)
{
	struct fake_host f;
	int flood, calm;

	(void)state;
	fake_host_init(&f);
	flood = attach(&f, "flood", 0);
	calm = attach(&f, "calm", 0);
	put_events(flood, 0, 2000);
	put_text(calm, "{\"type\": \"hello\"}\n");
	assert_int_equal(registry_poll_all(f.registry, f.now), 1);
	assert_true(span_contains(buffer_span(&f.text), SPAN("calm: hello info\n")));
	assert_true(f.n_events <= LKSM_BATCH_EVENTS + 1);
	fake_host_run(&f);
	assert_int_equal(f.n_events, 2001);
	(void)close(flood);
	(void)close(calm);
	fake_host_deinit(&f);
}

/* Lines that become no events are lines all the same: they take turns. */
static void test_turns(void **state)
{
	struct fake_host f;
	int fd;

	(void)state;
	fake_host_init(&f);
	fd = attach(&f, "guest", 1);
	put_events(fd, 0, EXTERNAL_TURN_LINES * 3);
	assert_int_equal(registry_poll_all(f.registry, f.now), 1);
	assert_int_equal(registry_poll_all(f.registry, f.now), 1);
	fake_host_run(&f);
	f.now.mono_us += USEC_PER_SEC;
	fake_host_run(&f);
	fake_host_expect(
		&f, "turns",
		"guest: e info n=0\n"
		"lksm: records_lost high stream=module:guest first=1 last=767 count=767 "
		"reason=rate_limit\n");
	(void)close(fd);
	fake_host_deinit(&f);
}

static void append_many(struct buffer *b, char c, size_t n)
{
	while (n--)
		buffer_append_char(b, c);
}

static void append_event(struct buffer *b, int n_keys, size_t value_size)
{
	buffer_append_literal(b, "{\"type\": \"event\", \"data\": {");
	for (int i = 0; i < n_keys; i++) {
		buffer_appendf(b, "%s\"k%d\": \"", i ? ", " : "", i);
		append_many(b, 'x', value_size);
		buffer_append_char(b, '"');
	}
	buffer_append_literal(b, "}}\n");
}

/* A batch that keys have filled: a big event waits for the next one and is not lost. */
static void test_big_events(void **state)
{
	_cleanup_buffer_ struct buffer lines = { 0 };
	struct fake_host f;
	int fd;

	(void)state;
	for (int group = 0; group < 4; group++) {
		for (int i = 0; i < 38; i++)
			append_event(&lines, EVENT_DATA_MAX, 0);
		append_event(&lines, 6, 8000);
	}
	fake_host_init(&f);
	fd = attach(&f, "guest", 0);
	put(fd, lines.data, lines.len);
	fake_host_run(&f);
	assert_int_equal(f.n_events, 4 * (38 + 1));
	assert_false(span_contains(buffer_span(&f.text), SPAN("module_failed")));
	(void)close(fd);
	fake_host_deinit(&f);
}

static void test_too_much_data(void **state)
{
	_cleanup_buffer_ struct buffer line = { 0 };
	struct fake_host f;
	int fd;

	(void)state;
	fake_host_init(&f);
	fd = attach(&f, "guest", 0);
	buffer_append_literal(
		&line, "{\"type\": \"a\"}\n{\"type\": \"many\", \"data\": {\"k\": 0");
	for (int i = 0; i < EVENT_DATA_MAX; i++)
		buffer_appendf(&line, ", \"k%d\": 0", i);
	buffer_append_literal(&line, "}}\n{\"type\": \"wide\", \"data\": {\"k\": \"");
	append_many(&line, 'x', LKSM_VALUE_MAX + 1);
	buffer_append_literal(&line, "\"}}\n{\"type\": \"deep\", \"data\": {\"k\": [\"");
	append_many(&line, 'x', LKSM_VALUE_MAX);
	buffer_append_literal(&line, "\"]}}\n{\"type\": \"b\"}\n");
	put(fd, line.data, line.len);
	fake_host_run(&f);
	f.now.mono_us += USEC_PER_SEC;
	fake_host_run(&f);
	fake_host_expect(
		&f, "too much",
		"guest: a info\nguest: b info\n"
		"lksm: module_failed high module=guest reason=a key or value of data is "
		"too long, too deep, or there are too many: {\"type\": \"many\", "
		"\"data\": "
		"{\"k\": 0, \"k0\": 0, \"k1\": 0, \"k2\": 0, \"k3\": 0, \"k4\": 0, \" "
		"count=3\n");
	(void)close(fd);
	fake_host_deinit(&f);
}

/* The supervisor's own pipe: no limit, its types are LKSM's, with the severity they have. */
static void test_own_pipe(void **state)
{
	struct fake_host f;
	int fd;

	(void)state;
	fake_host_init(&f);
	fd = attach(&f, REGISTRY_OWN_PIPE, 1);
	put_text(fd,
		 "{\"type\": \"process_restarted\", \"data\": {\"process\": \"web\"}}\n"
		 "{\"type\": \"daemon_stopped\"}\n");
	fake_host_run(&f);
	fake_host_expect(
		&f, "own pipe",
		"lksm: process_restarted high process=web\nlksm: daemon_stopped info\n");
	(void)close(fd);
	fake_host_deinit(&f);
}

/* Told to stop with something in flight: what stands behind it waits, though none is due. */
static void test_end_behind_what_is_in_flight(void **state)
{
	static const char *const names[] = { "guest" };
	struct fake_host f;
	int fd;

	(void)state;
	fake_host_init(&f);
	assert_int_equal(inbox_set_create(names, ARRAY_SIZE(names), &f.inboxes), 0);
	fd = attach(&f, "guest", 1);
	put_text(fd, "{\"type\": \"a\"}\n{\"type\": \"b\"}\n{\"type\": \"c\"}");
	assert_int_equal(registry_poll_all(f.registry, f.now), 0);
	fake_host_expect(&f, "in flight", "guest: a info\n");
	assert_true(registry_is_waiting(f.registry));
	inbox_land(inbox_set_find(f.inboxes, "guest"));
	assert_false(registry_is_waiting(f.registry));
	registry_finish(f.registry, f.now);
	fake_host_expect(&f, "behind it, but for half a line",
			 "lksm: records_lost high stream=module:guest first=1 last=1 "
			 "count=1 reason=rate_limit\n");
	(void)close(fd);
	inbox_set_unmap(f.inboxes);
	fake_host_deinit(&f);
}

/* A module that was started again: what its dead self wrote comes first. */
static void test_reattach(void **state)
{
	struct fake_host f;
	int old, new;

	(void)state;
	fake_host_init(&f);
	old = attach(&f, "guest", 0);
	put_text(old, "{\"type\": \"one\"}\n{\"type\": \"torn");
	new = attach(&f, "guest", 0);
	put_text(new, "{\"type\": \"two\"}\n");
	fake_host_run(&f); /* its grandchild may hold the old pipe open for ever */
	fake_host_run(&f);
	fake_host_expect(&f, "reattached",
			 "guest: one info\n"
			 "lksm: module_failed high module=guest reason=premature end of "
			 "input near "
			 "'\"torn': {\"type\": \"torn count=1\n"
			 "guest: two info\n");
	assert_int_equal(f.n_watched, 1);
	(void)close(old);
	(void)close(new);
	fake_host_deinit(&f);
}

static void test_attach_refused(void **state)
{
	static const char *const names[] = { "", "Guest", "kernel_log", "a-b",
					     "x2345678901234567890123456789012" };
	struct fake_host f;
	int fds[2];

	(void)state;
	fake_host_init(&f);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		expect_number(names[i], "attach",
			      registry_attach(f.registry, names[i], fds[0], 0), -EINVAL);
		assert_int_equal(fcntl(fds[0], F_GETFD), -1); /* taken, and closed */
		(void)close(fds[1]);
	}
	fake_host_run(&f);
	assert_int_equal(f.n_events, ARRAY_SIZE(names));
	assert_true(span_contains(
		buffer_span(&f.text),
		SPAN("lksm: module_refused high module=Guest reason=its name")));
	f.watch_error = -EPERM;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(registry_attach(f.registry, "guest", fds[0], 0), -EPERM);
	(void)close(fds[1]);
	fake_host_deinit(&f);
}

/* What module-host prints, this reads: the two directions fit each other. */
static void test_round_trip(void **state)
{
	_cleanup_buffer_ struct buffer line = { 0 };
	struct lksm_event event;
	struct fake_host f;
	int fd;

	(void)state;
	event_init(&event);
	event.type = SPAN("it");
	event.severity = LKSM_HIGH;
	event.ts = 1000001;
	event.raw = SPAN("a=\\xff");
	assert_int_equal(
		event_add_text(&event, SPAN("a"), SPAN("\xff\n\"\\ \xe2\x80\xa8")), 0);
	assert_int_equal(event_add_int(&event, SPAN("b"), -1), 0);
	assert_int_equal(event_add_json(&event, SPAN("c"), SPAN("[1, null]")), 0);
	external_append_line(&line, &event);
	fake_host_init(&f);
	fd = attach(&f, "guest", 0);
	put(fd, line.data, line.len);
	fake_host_run(&f);
	fake_host_expect(
		&f, "round trip",
		"guest: it high a=\xef\xbf\xbd\n\"\\ \xe2\x80\xa8 b=-1 c=[1, null]\n");
	(void)close(fd);
	fake_host_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_nonsense_is_counted),
		cmocka_unit_test(test_rate_limit),
		cmocka_unit_test(test_end_tells_what_was_counted),
		cmocka_unit_test(test_fairness),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_big_events),
		cmocka_unit_test(test_too_much_data),
		cmocka_unit_test(test_own_pipe),
		cmocka_unit_test(test_end_behind_what_is_in_flight),
		cmocka_unit_test(test_reattach),
		cmocka_unit_test(test_attach_refused),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
