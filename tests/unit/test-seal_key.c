// SPDX-License-Identifier: Apache-2.0
/*
 * core/seal_key: the text of a verification key, the one-way step, and the key file after
 * a kill or a crash at any step of replacing the key.
 */
#include "core/seal_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buffer.h"

#include "expect.h"

#define SLOT 512

/* What was done to the file, in order; "slot 0", "wipe 1", "sync", in the library's place. */
static struct buffer *calls;

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	static const char zeros[SLOT];

	if (calls)
		buffer_appendf(calls, "%s %d, ",
			       n <= SLOT && !memcmp(bytes, zeros, n) ? "wipe" : "slot",
			       (int)(at / SLOT));
	return syscall(SYS_pwrite64, fd, bytes, n, at);
}

int fdatasync(int fd)
{
	if (calls)
		buffer_append_literal(calls, "sync, ");
	return (int)syscall(SYS_fdatasync, fd);
}

static int key_file(void)
{
	int fd = memfd_create("key", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static struct seal_key make(void)
{
	struct seal_key key;

	assert_int_equal(seal_key_make(&key), 0);
	return key;
}

static bool is_same(const struct seal_key *a, const struct seal_key *b)
{
	return a->start == b->start && a->number == b->number &&
	       !memcmp(a->secret, b->secret, sizeof(a->secret)) &&
	       !memcmp(a->id, b->id, sizeof(a->id));
}

static void test_text(void **state)
{
	static const struct {
		const char *name;
		size_t at; /* the character that is replaced; 0: none */
		char by;
		int want;
	} cases[] = {
		{ "as it was given out", 0, 0, 0 },
		{ "another version", 4, '2', -EINVAL },
		{ "no number", 6, 'x', -EINVAL },
		{ "a digit of the secret", 20, '?', -EINVAL },
		{ "cut in the id", 80, '\0', -EINVAL },
		{ "cut in the secret", 30, '\0', -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seal_key key = make(), got;
		char text[SEAL_KEY_TEXT_SIZE];

		key.start = key.number = 1234;
		seal_key_format(&key, text);
		if (cases[i].at)
			text[cases[i].at] = cases[i].by;
		expect_number(cases[i].name, "return",
			      seal_key_parse(span_from(text), &got), cases[i].want);
		if (!cases[i].want)
			assert_true(is_same(&key, &got));
	}
}

static void test_each_digit_counts(void **state)
{
	struct seal_key key = make(), got;
	char text[SEAL_KEY_TEXT_SIZE];
	size_t start = strlen("lksm1-0-");

	(void)state;
	seal_key_format(&key, text);
	for (size_t i = start; text[i]; i++) {
		char was = text[i];

		text[i] = was == '0' ? '1' : '0';
		if (seal_key_parse(span_from(text), &got) != -EINVAL)
			fail_msg("digit %zu may be another", i);
		text[i] = was;
	}
}

static void test_steps(void **state)
{
	struct seal_key a = make(), b = a;

	(void)state;
	for (uint64_t i = 1; i <= 10; i++)
		assert_int_equal(seal_key_advance(&a, i), 0);
	assert_int_equal(seal_key_advance(&b, 10), 0);
	assert_true(is_same(&a, &b));
	assert_int_equal(seal_key_advance(&b, 9), -ERANGE);
	assert_int_equal(seal_key_advance(&b, SEAL_NUMBER_MAX + 1), -ERANGE);
	assert_int_equal(seal_key_advance(&b, UINT64_MAX), -ERANGE);
	assert_true(is_same(&a, &b));
}

static bool file_holds(int fd, const struct seal_key *key)
{
	char bytes[4 * SLOT];
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);

	return n > 0 && memmem(bytes, (size_t)n, key->secret, sizeof(key->secret));
}

static void test_old_keys_are_wiped(void **state)
{
	struct seal_key key = make(), old, got;
	int fd = key_file();

	(void)state;
	assert_int_equal(seal_file_load(fd, &got), -ENOENT);
	assert_int_equal(seal_file_store(fd, &key, false), 0);
	for (uint64_t i = 1; i < 5; i++) {
		old = key;
		assert_int_equal(seal_key_advance(&key, i), 0);
		assert_int_equal(seal_file_store(fd, &key, i % 2), 0);
		assert_false(file_holds(fd, &old));
		assert_int_equal(seal_file_load(fd, &got), 0);
		assert_true(is_same(&key, &got));
	}
	(void)close(fd);
}

/*
 * At any moment of a crash of the machine one of them is on the disk, and when it is over the
 * old one is not.
 */
static void test_the_order_on_the_disk(void **state)
{
	static const struct {
		const char *name;
		bool must_sync;
		const char *want;
	} cases[] = {
		{ "synced", true, "slot 1, sync, wipe 0, sync, " },
		{ "back in the first slot", true, "slot 0, sync, wipe 1, sync, " },
		{ "never", false, "slot 1, wipe 0, " },
	};
	struct seal_key key = make();
	int fd = key_file();

	(void)state;
	assert_int_equal(seal_file_store(fd, &key, true), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer got = { 0 };

		calls = &got;
		assert_int_equal(seal_file_store(fd, &key, cases[i].must_sync), 0);
		calls = NULL;
		expect_span(cases[i].name, "calls", buffer_span(&got),
			    span_from(cases[i].want));
	}
	(void)close(fd);
}

/* What a kill between the writes, or a crash in the middle of one, leaves. */
static void test_torn_files(void **state)
{
	enum {
		OLD,
		NEW,
		NONE
	};
	static const struct {
		const char *name;
		bool has_old; /* it is not wiped yet */
		size_t n_new; /* bytes of the new slot that got there */
		int want;
	} cases[] = {
		{ "nothing new yet", true, 0, OLD },
		{ "the new one in part", true, 60, OLD },
		{ "the new one, the old one still there", true, 128, NEW },
		{ "done", false, 128, NEW },
		{ "the old one gone, the new one in part", false, 60, NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seal_key keys[2] = { make() }, got;
		char before[2 * SLOT] = "", after[2 * SLOT] = "";
		int fd = key_file(), r;

		assert_int_equal(seal_file_store(fd, &keys[OLD], false), 0);
		assert_true(pread(fd, before, sizeof(before), 0) > 0);
		keys[NEW] = keys[OLD];
		assert_int_equal(seal_key_advance(&keys[NEW], 1), 0);
		assert_int_equal(seal_file_store(fd, &keys[NEW], false), 0);
		assert_true(pread(fd, after, sizeof(after), 0) > 0);
		/* the first key of a file lies in its first slot */
		if (!cases[i].has_old)
			memset(before, 0, SLOT);
		memcpy(before + SLOT, after + SLOT, cases[i].n_new);
		assert_int_equal(pwrite(fd, before, sizeof(before), 0), sizeof(before));
		r = seal_file_load(fd, &got);
		expect_number(cases[i].name, "return", r,
			      cases[i].want == NONE ? -EBADMSG : 0);
		if (r == 0 && !is_same(&got, &keys[cases[i].want]))
			fail_msg("%s: the wrong key", cases[i].name);
		/* and whatever it was, it can go on */
		assert_int_equal(seal_file_store(fd, &keys[NEW], false), 0);
		assert_int_equal(seal_file_load(fd, &got), 0);
		assert_true(is_same(&got, &keys[NEW]));
		(void)close(fd);
	}
}

static void test_asking(void **state)
{
	struct seal_key key = make(), asked = make(), got;
	int fd = key_file();

	(void)state;
	assert_int_equal(seal_file_asked(fd, &got), -ENOENT);
	assert_int_equal(seal_file_store(fd, &key, false), 0);
	assert_int_equal(seal_file_asked(fd, &got), -ENOENT);
	assert_int_equal(seal_file_ask(fd, &asked), 0);
	assert_int_equal(seal_file_asked(fd, &got), 0);
	assert_true(is_same(&got, &asked));
	assert_int_equal(seal_file_load(fd, &got), 0);
	assert_true(is_same(&got, &key));
	assert_int_equal(seal_file_answer(fd), 0);
	assert_false(file_holds(fd, &asked));
	assert_int_equal(seal_file_asked(fd, &got), -ENOENT);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_each_digit_counts),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_old_keys_are_wiped),
		cmocka_unit_test(test_the_order_on_the_disk),
		cmocka_unit_test(test_torn_files),
		cmocka_unit_test(test_asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
