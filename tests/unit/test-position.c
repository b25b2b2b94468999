// SPDX-License-Identifier: Apache-2.0
/* core/position: what the page keeps, what a torn or hostile page gives, the rules of
 * advancing. */
#include "core/position.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "expect.h"

#define PAGE_BYTES 4096
#define COPY_BYTES 2048
#define BOOT_A	   "aaaaaaaa-0000-4000-8000-000000000000"
#define BOOT_B	   "bbbbbbbb-0000-4000-8000-000000000000"

static int new_file(size_t size)
{
	int fd = memfd_create("state", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static struct state_page *map(int fd)
{
	struct state_page *page = NULL;

	assert_int_equal(state_page_map(fd, &page), 0);
	return page;
}

static struct position sample(uint64_t next_seq, uint64_t kmsg)
{
	struct position p = { .next_seq = next_seq };

	position_set_boot(&p, BOOT_A);
	position_advance(&p, "kmsg", kmsg);
	position_advance(&p, "proc:1f", kmsg * 2);
	return p;
}

static void test_new_file_is_empty(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, PAGE_BYTES, 3 * PAGE_BYTES };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_close_ int fd = new_file(sizes[i]);
		struct state_page *page = map(fd);
		struct position p = { .next_seq = 7 };
		struct stat st;

		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_size, PAGE_BYTES);
		/* before it is touched: on a full disk, a hole would be a SIGBUS */
		assert_int_equal(st.st_blocks * S_BLKSIZE, PAGE_BYTES);
		assert_false(state_page_load(page, &p));
		assert_int_equal(p.next_seq, 0);
		state_page_unmap(page);
	}
}

static void test_not_a_file(void **state)
{
	struct state_page *page;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(state_page_map(fds[0], &page), -EINVAL);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_comes_back(void **state)
{
	_cleanup_close_ int fd = new_file(0);
	struct state_page *page = map(fd);
	struct position p, got;
	uint64_t last;

	(void)state;
	for (uint64_t i = 1; i <= 5; i++) {
		p = sample(i * 10, i * 1000);
		state_page_store(page, &p);
	}
	state_page_unmap(page);
	page = map(fd);
	assert_true(state_page_load(page, &got));
	assert_int_equal(got.next_seq, 50);
	assert_string_equal(got.boot_id, BOOT_A);
	assert_true(position_find(&got, "kmsg", &last));
	assert_int_equal(last, 5000);
	assert_true(position_find(&got, "proc:1f", &last));
	assert_int_equal(last, 10000);
	assert_false(position_find(&got, "proc:2e", &last));
	state_page_unmap(page);
}

/* A kill can leave a copy torn at any byte: then the other one counts. */
static void test_torn_copy(void **state)
{
	(void)state;
	for (size_t at = 0; at < 592; at++) {
		_cleanup_close_ int fd = new_file(0);
		struct state_page *page = map(fd);
		struct position p = sample(1, 100), got;
		unsigned char byte;

		state_page_store(page, &p);
		p = sample(2, 200);
		state_page_store(page, &p);
		/* the second store wrote one copy: spoil a byte of it */
		for (off_t copy = 0; copy < PAGE_BYTES; copy += COPY_BYTES) {
			uint64_t generation;

			assert_int_equal(pread(fd, &generation, 8, copy + 16), 8);
			if (generation != 2)
				continue;
			assert_int_equal(pread(fd, &byte, 1, copy + (off_t)at), 1);
			byte ^= 0x40;
			assert_int_equal(pwrite(fd, &byte, 1, copy + (off_t)at), 1);
			break;
		}
		assert_true(state_page_load(page, &got));
		expect_number("torn", "next_seq", (int64_t)got.next_seq, 1);
		/* and the next store replaces the torn one, not the good one */
		p = sample(3, 300);
		state_page_store(page, &p);
		assert_true(state_page_load(page, &got));
		expect_number("stored again", "next_seq", (int64_t)got.next_seq, 3);
		state_page_unmap(page);
	}
}

/* Whatever the file says, loading it is safe: here with a right checksum over wrong
 * content. */
static void test_hostile(void **state)
{
	_cleanup_close_ int fd = new_file(0);
	struct state_page *page = map(fd);
	unsigned int seed = 1;
	struct position got;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		unsigned char bytes[PAGE_BYTES];

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)rand_r(&seed);
		if (round % 2) {
			memcpy(bytes, "LKSMpos\0\1\0\0\0", 12);
			memset(bytes + 12, 0xff, 4);
		}
		assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
		assert_false(state_page_load(page, &got));
		assert_int_equal(got.n_streams, 0);
	}
	state_page_unmap(page);
}

/* Shared over fork(), and it survives the death of who stored it. */
static void test_survives_sigkill(void **state)
{
	_cleanup_close_ int fd = new_file(0);
	struct state_page *page = map(fd);
	struct position p = sample(42, 4711), got;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		state_page_store(page, &p);
		(void)raise(SIGKILL);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(state_page_load(page, &got));
	assert_int_equal(got.next_seq, 42);
	state_page_unmap(page);
}

static void test_never_back(void **state)
{
	struct position p = sample(0, 10);
	uint64_t last;

	(void)state;
	position_advance(&p, "kmsg", 9);
	assert_true(position_find(&p, "kmsg", &last));
	assert_int_equal(last, 10);
	position_advance(&p, "kmsg", 11);
	assert_true(position_find(&p, "kmsg", &last));
	assert_int_equal(last, 11);
}

static void test_first_is_forgotten(void **state)
{
	struct position p = { 0 };
	uint64_t last;

	(void)state;
	for (uint64_t i = 0; i < POSITION_STREAMS_MAX + 2; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "proc:%u", (unsigned int)i);
		position_advance(&p, name, i);
	}
	assert_int_equal(p.n_streams, POSITION_STREAMS_MAX);
	assert_false(position_find(&p, "proc:1", &last));
	assert_true(position_find(&p, "proc:2", &last));
	assert_true(position_find(&p, "proc:9", &last));
	assert_int_equal(last, 9);
}

/* Sensors come and go; the kernel log stays. */
static void test_kmsg_is_not_forgotten(void **state)
{
	struct position p = { 0 };
	uint64_t last;

	(void)state;
	position_advance(&p, "kmsg", 7);
	for (uint64_t i = 0; i < 3 * POSITION_STREAMS_MAX; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "proc:%u", (unsigned int)i);
		position_advance(&p, name, i);
	}
	assert_true(position_find(&p, "kmsg", &last));
	assert_int_equal(last, 7);
	assert_true(position_find(&p, "proc:23", &last));
	assert_false(position_find(&p, "proc:16", &last));
}

static void expect_held(const char *name, const struct position *p, const char *stream,
			const char *want)
{
	char got[64] = "";
	uint64_t seq = 0;

	for (; position_next_held(p, stream, seq, &seq); seq++)
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u ",
			       (unsigned int)seq);
	expect_span(name, "held", span_from(got), span_from(want));
}

static void test_held(void **state)
{
	_cleanup_close_ int fd = new_file(0);
	struct state_page *page = map(fd);
	struct position p = sample(1, 10), got;

	(void)state;
	position_hold(&p, "kmsg", 12);
	position_hold(&p, "kmsg", 5);
	position_hold(&p, "kmsg", 12);
	position_hold(&p, "kmsg", 0);
	expect_held("held", &p, "kmsg", "0 5 12 ");
	expect_held("of another stream", &p, "proc:1f", "");
	state_page_store(page, &p);
	assert_true(state_page_load(page, &got));
	expect_held("kept in the page", &got, "kmsg", "0 5 12 ");
	position_release(&p, "proc:1f", 0, 100);
	position_release(&p, "kmsg", 5, 5);
	expect_held("released", &p, "kmsg", "0 12 ");
	assert_true(position_hold_all(&p, &got));
	assert_false(position_hold_all(&p, &got));
	expect_held("held together", &p, "kmsg", "0 5 12 ");
	position_release(&p, "kmsg", 0, 11);
	expect_held("a range", &p, "kmsg", "12 ");
	position_hold(&p, "kmsg:1", 3);
	expect_held("one stream at a time", &p, "kmsg", "");
	expect_held("the other", &p, "kmsg:1", "3 ");
	position_set_boot(&p, BOOT_B);
	expect_held("another boot", &p, "kmsg:1", "");
	for (uint64_t i = 0; i < POSITION_HELD_MAX + 5; i++)
		position_hold(&p, "kmsg", i);
	assert_int_equal(p.n_held, POSITION_HELD_MAX);
	position_release(&p, "kmsg", 6, 1000);
	expect_held("the first are forgotten", &p, "kmsg", "5 ");
	state_page_unmap(page);
}

static void test_long_name(void **state)
{
	char name[POSITION_STREAM_SIZE + 1];
	struct position p = { 0 };
	uint64_t last;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[POSITION_STREAM_SIZE] = '\0';
	position_advance(&p, name, 1);
	assert_int_equal(p.n_streams, 0);
	name[POSITION_STREAM_SIZE - 1] = '\0';
	position_advance(&p, name, 1);
	assert_true(position_find(&p, name, &last));
}

static void test_boots(void **state)
{
	static const struct {
		const char *name, *before, *after;
		uint32_t n_streams;
	} cases[] = {
		{ "same", BOOT_A, BOOT_A, 2 },	  { "another", BOOT_A, BOOT_B, 0 },
		{ "unknown now", BOOT_A, "", 0 }, { "unknown before and now", "", "", 0 },
		{ "known now", "", BOOT_A, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct position p = { .next_seq = 5 };

		position_set_boot(&p, cases[i].before);
		position_advance(&p, "kmsg", 1);
		position_advance(&p, "proc:1", 1);
		position_set_boot(&p, cases[i].after);
		expect_number(cases[i].name, "n_streams", p.n_streams,
			      cases[i].n_streams);
		expect_number(cases[i].name, "next_seq", (int64_t)p.next_seq, 5);
		assert_string_equal(p.boot_id, cases[i].after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_file_is_empty),
		cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_torn_copy),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_survives_sigkill),
		cmocka_unit_test(test_never_back),
		cmocka_unit_test(test_first_is_forgotten),
		cmocka_unit_test(test_kmsg_is_not_forgotten),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_boots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
