// SPDX-License-Identifier: Apache-2.0
/*
 * The reader of the kernel log against the three kinds of source. The device is a
 * SOCK_SEQPACKET socket, whose read(2) is scripted where the kernel's errors are needed.
 */
#define LKSM_BUILTIN

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_host.h"

static ssize_t scripted_read(int fd, void *to, size_t size);
#define read scripted_read
#include "modules/kprobe_reader.c"
#undef read

const struct lksm_module *const *const lksm_builtin_modules[] = {
	&lksm_builtin_kprobe_reader, NULL
};

#define STEPS_MAX 12

/** One read(2): a record, or an error; the zero step and all behind it: EAGAIN. */
struct step {
	const char *record;
	int error;
};

static struct {
	bool is_on;
	const struct step *steps;
	size_t n, at;
} script;

static ssize_t scripted_read(int fd, void *to, size_t size)
{
	const struct step *step = &script.steps[script.at];

	if (!script.is_on)
		return read(fd, to, size);
	if (script.at == script.n || (!step->record && !step->error)) {
		errno = EAGAIN;
		return -1;
	}
	script.at++;
	if (step->error) {
		errno = step->error;
		return -1;
	}
	assert_true(strlen(step->record) <= size);
	memcpy(to, step->record, strlen(step->record));
	return (ssize_t)strlen(step->record);
}

static void begin(struct fake_host *f, int fd)
{
	f->source_fd = fd;
	assert_int_equal(registry_discover(f->registry), 0);
	assert_int_equal(registry_start_all(f->registry, f->now), 0);
}

#define R(seq, text)                              \
	{                                         \
		"6," #seq ",1000,-;" text "\n", 0 \
	}
#define E(error)            \
	{                   \
		NULL, error \
	}

static const struct device_case {
	const char *name;
	int64_t position; /* of kmsg; -1: none is known */
	struct step steps[STEPS_MAX];
	const char *want;
} device_cases[] = {
	{ "from the first record", -1, { R(0, "a"), R(1, "b") }, "kmsg 0 a\nkmsg 1 b\n" },
	{ "gone before our first look",
	  -1,
	  { R(7, "a") },
	  "lksm: records_lost info stream=kmsg first=0 last=6 count=7 "
	  "reason=before_start\n"
	  "kmsg 7 a\n" },
	{ "resume skips what is in the log",
	  1,
	  { R(0, "a"), R(1, "b"), R(2, "c") },
	  "kmsg 2 c\n" },
	{ "resume with nothing new", 1, { R(0, "a"), R(1, "b") }, "" },
	{ "resume right behind the last", 4, { R(5, "a") }, "kmsg 5 a\n" },
	{ "overwritten while we were away",
	  4,
	  { R(9, "a"), R(10, "b") },
	  "lksm: records_lost high stream=kmsg first=5 last=8 count=4 "
	  "reason=overwritten\n"
	  "kmsg 9 a\nkmsg 10 b\n" },
	{ "overwritten, and overrun in the first read",
	  4,
	  { E(EPIPE), R(9, "a") },
	  "lksm: records_lost high stream=kmsg first=5 last=8 count=4 "
	  "reason=overwritten\n"
	  "kmsg 9 a\n" },
	{ "overrun",
	  -1,
	  { R(0, "a"), E(EPIPE), R(5, "b"), R(6, "c") },
	  "kmsg 0 a\n"
	  "lksm: records_lost high stream=kmsg first=1 last=4 count=4 reason=overrun\n"
	  "kmsg 5 b\nkmsg 6 c\n" },
	{ "overrun while skipping",
	  3,
	  { R(2, "a"), E(EPIPE), R(6, "b") },
	  "lksm: records_lost high stream=kmsg first=4 last=5 count=2 reason=overrun\n"
	  "kmsg 6 b\n" },
	{ "an overrun explains one gap only",
	  -1,
	  { R(0, "a"), E(EPIPE), R(2, "b"), R(4, "c") },
	  "kmsg 0 a\n"
	  "lksm: records_lost high stream=kmsg first=1 last=1 count=1 reason=overrun\n"
	  "kmsg 2 b\n"
	  "lksm: records_lost high stream=kmsg first=3 last=3 count=1 reason=filtered\n"
	  "lksm: log_filtered critical stream=kmsg first=3 last=3 count=1\n"
	  "kmsg 4 c\n" },
	{ "overrun that lost nothing",
	  -1,
	  { R(0, "a"), E(EPIPE), R(1, "b") },
	  "kmsg 0 a\nkmsg 1 b\n" },
	{ "filtered",
	  -1,
	  { R(0, "a"), R(3, "b") },
	  "kmsg 0 a\n"
	  "lksm: records_lost high stream=kmsg first=1 last=2 count=2 reason=filtered\n"
	  "lksm: log_filtered critical stream=kmsg first=1 last=2 count=2\n"
	  "kmsg 3 b\n" },
	{ "filtered among what is skipped ends at the known",
	  4,
	  { R(2, "a"), R(6, "b") },
	  "lksm: records_lost high stream=kmsg first=5 last=5 count=1 reason=filtered\n"
	  "lksm: log_filtered critical stream=kmsg first=5 last=5 count=1\n"
	  "kmsg 6 b\n" },
	{ "interrupted",
	  -1,
	  { E(EINTR), R(0, "a"), E(EINTR), R(1, "b") },
	  "kmsg 0 a\nkmsg 1 b\n" },
	{ "too long for the buffer",
	  -1,
	  { R(0, "a"), E(EINVAL), R(2, "b") },
	  "kmsg 0 a\n"
	  "lksm: records_lost high stream=kmsg first=1 last=1 count=1 reason=unreadable\n"
	  "kmsg 2 b\n" },
	{ "one unreadable does not explain two",
	  -1,
	  { R(0, "a"), E(EINVAL), R(3, "b") },
	  "kmsg 0 a\n"
	  "lksm: records_lost high stream=kmsg first=1 last=2 count=2 reason=filtered\n"
	  "lksm: log_filtered critical stream=kmsg first=1 last=2 count=2\n"
	  "kmsg 3 b\n" },
	{ "an unreadable explains one gap only",
	  -1,
	  { R(0, "a"), E(EINVAL), R(2, "b"), R(4, "c") },
	  "kmsg 0 a\n"
	  "lksm: records_lost high stream=kmsg first=1 last=1 count=1 reason=unreadable\n"
	  "kmsg 2 b\n"
	  "lksm: records_lost high stream=kmsg first=3 last=3 count=1 reason=filtered\n"
	  "lksm: log_filtered critical stream=kmsg first=3 last=3 count=1\n"
	  "kmsg 4 c\n" },
	{ "malformed",
	  -1,
	  { R(0, "a"), { "nonsense\n", 0 }, R(2, "b") },
	  "kmsg 0 a\n"
	  "lksm: records_lost high stream=kmsg first=1 last=1 count=1 reason=unreadable\n"
	  "kmsg 2 b\n"
	  "lksm: source_failed high stream=kmsg "
	  "error=records that are not in the format of /dev/kmsg count=1 "
	  "record=nonsense\n\n" },
	{ "numbers go back",
	  -1,
	  { R(0, "a"), R(1, "b"), R(0, "c"), R(1, "d") },
	  "kmsg 0 a\nkmsg 1 b\n"
	  "lksm: source_failed high stream=kmsg:1 "
	  "error=the numbers of kmsg went back from 1 to 0\n"
	  "kmsg:1 0 c\nkmsg:1 1 d\n" },
	{ "a number twice",
	  -1,
	  { R(0, "a"), R(0, "b") },
	  "kmsg 0 a\n"
	  "lksm: source_failed high stream=kmsg:1 "
	  "error=the numbers of kmsg went back from 0 to 0\n"
	  "kmsg:1 0 b\n" },
	{ "the device goes away",
	  -1,
	  { R(0, "a"), E(ENODEV) },
	  "kmsg 0 a\n"
	  "lksm: source_failed high stream=kmsg error=No such device\n"
	  "lksm: module_failed high module=kprobe_reader "
	  "reason=it failed: No such device; it is left out from now on\n" },
	{ "fragments and unknown fields pass",
	  -1,
	  { { "6,0,5,c,caller=T1,more=2;piece\n", 0 },
	    { "4,1,5,-;a;b\n KEY=value\n", 0 } },
	  "kmsg 0 piece\nkmsg 1 a;b\n" },
};

static void test_device(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(device_cases); i++) {
		const struct device_case *c = &device_cases[i];
		struct fake_host f;
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
		fake_host_init(&f);
		f.position_stream = c->position >= 0 ? "kmsg" : NULL;
		f.position = (uint64_t)c->position;
		script.is_on = true;
		script.steps = c->steps;
		script.n = STEPS_MAX;
		script.at = 0;
		begin(&f, pair[0]);
		fake_host_run(&f);
		fake_host_expect(&f, c->name, c->want);
		fake_host_run(&f);
		fake_host_expect(&f, c->name, "");
		fake_host_deinit(&f);
		script.is_on = false;
		(void)close(pair[0]);
		(void)close(pair[1]);
	}
}

/* One record for each read(2), as from the device; the descriptor stays the host's. */
static void test_socket(void **state)
{
	struct fake_host f;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	fake_host_init(&f);
	begin(&f, pair[0]);
	assert_int_equal(f.n_watched, 1);
	assert_false(registry_needs_ticks(f.registry));
	assert_int_equal(write(pair[1], "6,0,1,-;one\n", 12), 12);
	assert_int_equal(write(pair[1], "6,1,1,-;two\n", 12), 12);
	fake_host_run(&f);
	fake_host_expect(&f, "socket", "kmsg 0 one\nkmsg 1 two\n");
	(void)close(pair[1]);
	fake_host_run(&f);
	assert_int_equal(f.n_watched,
			 0); /* at its end it is always readable: no spinning */
	fake_host_deinit(&f);
	assert_true(fcntl(pair[0], F_GETFD) >= 0);
	(void)close(pair[0]);
}

/* A turn ends when the batch is full, and nothing is lost between two turns. */
static void test_many(void **state)
{
	static struct step steps[1000];
	static char texts[1000][32];
	struct fake_host f;
	int pair[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "6,%zu,1,-;x\n", i);
		steps[i].record = texts[i];
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	fake_host_init(&f);
	f.is_quiet = true;
	script.is_on = true;
	script.steps = steps;
	script.n = ARRAY_SIZE(steps);
	script.at = 0;
	begin(&f, pair[0]);
	assert_int_equal(registry_poll_all(f.registry, f.now), 1);
	assert_in_range(f.n_events, 200, LKSM_BATCH_EVENTS);
	fake_host_run(&f);
	assert_int_equal(f.n_events, ARRAY_SIZE(steps));
	fake_host_deinit(&f);
	script.is_on = false;
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* What is no kernel log at all is given up, not read for ever. */
static void test_nonsense_for_ever(void **state)
{
	static struct step steps[6000];
	struct fake_host f;
	int pair[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		steps[i].record = "y";
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	fake_host_init(&f);
	script.is_on = true;
	script.steps = steps;
	script.n = ARRAY_SIZE(steps);
	script.at = 0;
	begin(&f, pair[0]);
	fake_host_run(&f);
	assert_true(script.at < ARRAY_SIZE(steps));
	assert_int_equal(registry_count_started(f.registry), 0);
	assert_true(span_contains(buffer_span(&f.text), SPAN("error=Bad message")));
	fake_host_deinit(&f);
	script.is_on = false;
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static int temporary_file(void)
{
	char path[] = "/tmp/lksm-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	(void)unlink(path);
	return fd;
}

static void append(int fd, const char *text)
{
	assert_true(lseek(fd, 0, SEEK_END) >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_file(void **state)
{
	struct fake_host f;
	int fd = temporary_file();

	(void)state;
	append(fd, "6,0,1,-;zero\n6,1,2,-;one\n KEY=value\n6,2,3,-;tw");
	fake_host_init(&f);
	begin(&f, fd);
	assert_int_equal(f.n_watched, 0);
	assert_true(registry_needs_ticks(f.registry));
	fake_host_run(&f);
	fake_host_expect(&f, "a partial last record waits", "kmsg 0 zero\nkmsg 1 one\n");
	append(fd, "o\n");
	fake_host_run(&f);
	fake_host_expect(&f, "until it is whole", "kmsg 2 two\n");
	append(fd, "6,5,4,-;five\n");
	fake_host_run(&f);
	fake_host_expect(
		&f, "a gap in a file",
		"lksm: records_lost high stream=kmsg first=3 last=4 count=2 reason=gap\n"
		"kmsg 5 five\n");
	assert_int_equal(ftruncate(fd, 0), 0);
	append(fd, "6,0,1,-;again\n");
	fake_host_run(&f);
	fake_host_expect(&f, "truncated: from its start",
			 "lksm: source_failed high stream=kmsg:1 "
			 "error=the numbers of kmsg went back from 5 to 0\n"
			 "kmsg:1 0 again\n");
	fake_host_deinit(&f);
	(void)close(fd);
}

/*
 * A file of what was read before is emptied while it is passed over, and written anew a
 * moment later: it is the same log, of which some is lost.
 */
static void test_file_that_is_emptied(void **state)
{
	struct fake_host f;
	int fd = temporary_file();

	(void)state;
	for (int i = 0; i < 40000; i++)
		(void)dprintf(fd, "6,%d,%d,-;old\n", i, i);
	fake_host_init(&f);
	f.position_stream = "kmsg";
	f.position = 50000;
	begin(&f, fd);
	registry_tick(f.registry);
	assert_true(registry_poll_all(f.registry, f.now) > 0); /* not all of it */
	assert_int_equal(ftruncate(fd, 0), 0);
	fake_host_run(&f);
	fake_host_expect(&f, "empty", "");
	append(fd, "6,50003,1,-;new\n");
	fake_host_run(&f);
	fake_host_expect(&f, "written anew",
			 "lksm: records_lost high stream=kmsg first=50001 last=50002 "
			 "count=2 reason=gap\n"
			 "kmsg 50003 new\n");
	fake_host_deinit(&f);
	(void)close(fd);
}

/* The log knows record 9 of a file that ends at 1: it is another file, all of it new. */
static void test_replaced_file(void **state)
{
	struct fake_host f;
	int fd = temporary_file();

	(void)state;
	append(fd, "6,0,1,-;zero\n6,1,2,-;one\n");
	fake_host_init(&f);
	f.position_stream = "kmsg";
	f.position = 9;
	begin(&f, fd);
	fake_host_run(&f);
	fake_host_expect(
		&f, "replaced",
		"lksm: source_failed high stream=kmsg:1 error=the newest record of kmsg "
		"is 1, but 9 was read from it before\n"
		"kmsg:1 0 zero\nkmsg:1 1 one\n");
	append(fd, "6,2,1,-;two\n");
	fake_host_run(&f);
	fake_host_expect(&f, "goes on", "kmsg:1 2 two\n");
	fake_host_deinit(&f);
	(void)close(fd);
}

static void test_fifo(void **state)
{
	char path[] = "/tmp/lksm-test-XXXXXX";
	char fifo[64];
	struct fake_host f;
	int fd, writer;

	(void)state;
	assert_non_null(mkdtemp(path));
	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	writer = open(fifo, O_WRONLY | O_CLOEXEC);
	fake_host_init(&f);
	begin(&f, fd);
	assert_int_equal(f.n_watched, 1);
	assert_int_equal(write(writer, "6,0,1,-;zero\n6,1,1,-;o", 22), 22);
	fake_host_run(&f);
	fake_host_expect(&f, "whole records", "kmsg 0 zero\n");
	(void)close(writer);
	fake_host_run(&f);
	fake_host_expect(&f, "the last one ends with its writer", "kmsg 1 o\n");
	assert_int_equal(f.n_watched, 0);
	assert_true(registry_needs_ticks(f.registry));
	writer = open(fifo, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(writer, "6,2,1,-;two\n", 12), 12);
	fake_host_run(&f);
	fake_host_expect(&f, "the next writer", "kmsg 2 two\n");
	assert_int_equal(f.n_watched, 1);
	fake_host_deinit(&f);
	(void)close(writer);
	(void)close(fd);
	(void)unlink(fifo);
	(void)rmdir(path);
}

static void append_many(int fd, char c, size_t n)
{
	char block[1000];

	memset(block, c, sizeof(block));
	for (; n >= sizeof(block); n -= sizeof(block))
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
}

/* Neither a line without an end nor a record of endless lines stops the reader. */
static void test_overlong(void **state)
{
	struct fake_host f;
	int fd = temporary_file();

	(void)state;
	append(fd, "6,0,1,-;zero\n6,1,1,-;");
	append_many(fd, 'x', 60000);
	append(fd, "\n6,2,1,-;two\n");
	for (int i = 0; i < 4000; i++)
		append(fd, " KEY=value\n");
	append(fd, "6,3,1,-;three\n");
	fake_host_init(&f);
	begin(&f, fd);
	fake_host_run(&f);
	assert_true(span_contains(buffer_span(&f.text), SPAN("kmsg 0 zero\n")));
	assert_true(span_contains(buffer_span(&f.text), SPAN("record=6,1,1,-;xxx")));
	assert_true(span_contains(
		buffer_span(&f.text),
		SPAN("first=1 last=2 count=2 reason=unreadable\nkmsg 3 three\n")));
	fake_host_deinit(&f);
	(void)close(fd);
}

static void test_long_line(void **state)
{
	struct fake_host f;
	int fd = temporary_file();

	(void)state;
	append(fd, "6,0,1,-;");
	append_many(fd, 'x', 60000);
	append(fd, "\n6,1,1,-;one\n");
	fake_host_init(&f);
	begin(&f, fd);
	fake_host_run(&f);
	assert_true(span_contains(buffer_span(&f.text), SPAN("kmsg 1 one\n")));
	assert_true(
		span_contains(buffer_span(&f.text), SPAN(" count=1 record=6,0,1,-;xxx")));
	fake_host_deinit(&f);
	(void)close(fd);
}

static void test_long_file(void **state)
{
	struct fake_host f;
	int fd = temporary_file();
	char line[32];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(line, sizeof(line), "6,%d,1,-;x\n", i);
		append(fd, line);
	}
	fake_host_init(&f);
	f.is_quiet = true;
	begin(&f, fd);
	fake_host_run(&f);
	assert_int_equal(f.n_events, 3000);
	fake_host_deinit(&f);
	(void)close(fd);
}

static void test_no_source(void **state)
{
	struct fake_host f;

	(void)state;
	fake_host_init(&f);
	begin(&f, -EACCES);
	fake_host_expect(
		&f, "cannot be opened",
		"lksm: module_failed high module=kprobe_reader reason=it could not be "
		"started: Permission denied; it is left out from now on\n");
	assert_int_equal(registry_count_started(f.registry), 0);
	fake_host_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_socket),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_nonsense_for_ever),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_that_is_emptied),
		cmocka_unit_test(test_replaced_file),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_overlong),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_long_file),
		cmocka_unit_test(test_no_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
