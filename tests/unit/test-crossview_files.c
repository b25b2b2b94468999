// SPDX-License-Identifier: Apache-2.0
/* core/crossview_files and core/folder: answers of getdents64(2) as they are and as changed. */
#include "core/crossview_files.h"

#include <dirent.h>
#include <errno.h>

#include "crossview.h"

static struct {
	char bytes[4096];
	size_t len;
	off_t place; /* where the folder stands after the answer */
	nlink_t n_links;
	bool is_read;
	unsigned int n_pauses;
	void (*at_pause)(void);
} fake;

/* @room: bytes that the record claims beyond what it needs */
static void add_record(const char *name, unsigned char type, size_t room)
{
	size_t needed = (19 + strlen(name) + 1 + 7) & ~(size_t)7;
	uint16_t len = (uint16_t)(needed + room);
	uint64_t inode = 100 + fake.len;
	int64_t offset = (int64_t)(fake.len + needed);
	char *to = fake.bytes + fake.len;

	memset(to, 0, needed);
	memcpy(to, &inode, 8);
	memcpy(to + 8, &offset, 8);
	memcpy(to + 16, &len, 2);
	to[18] = (char)type;
	memcpy(to + 19, name, strlen(name));
	fake.len += needed;
	fake.place = offset;
}

static ssize_t fake_getdents(int fd, void *to, size_t size)
{
	(void)fd;
	if (fake.is_read)
		return 0;
	assert_true(fake.len <= size);
	memcpy(to, fake.bytes, fake.len);
	fake.is_read = true;
	return (ssize_t)fake.len;
}

static off_t fake_seek(int fd, off_t offset, int whence)
{
	(void)fd;
	(void)offset;
	if (whence == SEEK_SET)
		fake.is_read = false;
	return whence == SEEK_SET ? 0 : fake.place;
}

static int fake_stat(void *context, int fd, struct stat *ret)
{
	(void)context;
	(void)fd;
	*ret = (struct stat){ .st_nlink = fake.n_links };
	return 0;
}

static bool fake_yes(void *context, int fd)
{
	(void)context;
	(void)fd;
	return true;
}

static void fake_pause(void *context)
{
	(void)context;
	fake.n_pauses++;
	if (fake.at_pause)
		fake.at_pause();
}

static const struct file_calls calls = { .folder = { fake_getdents, fake_seek },
					 .stat = fake_stat,
					 .counts_links = fake_yes,
					 .lists_all = fake_yes,
					 .pause = fake_pause };

static void usual(void)
{
	add_record(".", DT_DIR, 0);
	add_record("..", DT_DIR, 0);
	add_record("file", DT_REG, 0);
	add_record("sub", DT_DIR, 0);
	fake.n_links = 3;
}

static void swallowed(void)
{
	add_record(".", DT_DIR, 0);
	add_record("..", DT_DIR, 32);
	add_record("evil.ko", DT_REG, 0);
	add_record("file", DT_REG, 0);
	fake.n_links = 2;
}

static void two_swallowed(void)
{
	add_record(".", DT_DIR, 32 + 32);
	add_record("evil-one", DT_REG, 0);
	add_record("evil-two", DT_REG, 0);
	add_record("file", DT_REG, 0);
	fake.n_links = 2;
}

static void one_by_one_swallowed(void)
{
	add_record(".", DT_DIR, 32 + 32);
	add_record("evil-one", DT_REG, 32); /* it had swallowed the next before */
	add_record("evil-two", DT_REG, 0);
	fake.n_links = 2;
}

static void wiped(void)
{
	add_record(".", DT_DIR, 32);
	add_record("evil.ko", DT_REG, 0);
	memset(fake.bytes + 24, 0, 32);
	add_record("file", DT_REG, 0);
	fake.n_links = 2;
}

static void subfolder_missing(void)
{
	usual();
	fake.n_links = 5;
}

static void without_types(void)
{
	add_record(".", DT_UNKNOWN, 0);
	fake.n_links = 5;
}

static void links_not_counted(void)
{
	usual();
	fake.n_links = 1;
}

static void last_removed(void)
{
	usual();
	fake.place += 24;
}

static void mend(void)
{
	fake.len = 0;
	usual();
}

static const struct file_case {
	const char *name;
	void (*prepare)(void);
	void (*at_pause)(void);
	const char *want;
} cases[] = {
	{ "usual", usual, NULL, "" },
	{ "swallowed", swallowed, NULL,
	  "file_hidden folder=/tmp name=evil.ko how=record_swallowed inode=148\n" },
	{ "only for a moment", swallowed, mend, "" },
	{ "two swallowed", two_swallowed, NULL,
	  "file_hidden folder=/tmp name=evil-one how=record_swallowed inode=124\n"
	  "file_hidden folder=/tmp name=evil-two how=record_swallowed inode=156\n" },
	{ "one by one", one_by_one_swallowed, NULL,
	  "file_hidden folder=/tmp name=evil-one how=record_swallowed inode=124\n"
	  "file_hidden folder=/tmp name=evil-two how=record_swallowed inode=156\n" },
	{ "wiped", wiped, NULL, "file_hidden folder=/tmp how=record_swallowed\n" },
	{ "a folder is missing", subfolder_missing, NULL,
	  "file_hidden folder=/tmp how=subfolders count=2\n" },
	{ "links change", subfolder_missing, mend, "" },
	{ "records without types", without_types, NULL, "" },
	{ "links that do not count", links_not_counted, NULL, "" },
	{ "the last one removed", last_removed, NULL,
	  "file_hidden folder=/tmp how=position\n" },
};

static void test_folders(void **state)
{
	static struct findings f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&fake, 0, sizeof(fake));
		cases[i].prepare();
		fake.at_pause = cases[i].at_pause;
		expect_number(cases[i].name, "result",
			      files_check_folder("/tmp", &calls, &f), 0);
		expect_findings(cases[i].name, &f, cases[i].want);
	}
	assert_int_equal(files_check_folder("/nowhere", &calls, &f), -ENOENT);
}

/* A folder of this machine, as it is. */
static void test_the_kernel_itself(void **state)
{
	char folder[] = "/tmp/lksm-test-XXXXXX";
	static struct findings f;

	(void)state;
	assert_non_null(mkdtemp(folder));
	write_below(folder, "file", "");
	write_below(folder, "one/file", "");
	write_below(folder, "two/file", "");
	assert_int_equal(files_check_folder(folder, &file_calls_kernel, &f), 0);
	expect_findings("a folder", &f, "");
	remove_below(folder, "");
}

static void test_bad_records(void **state)
{
	static struct findings f;
	uint16_t bad[] = { 0, 19, 20, 23, 4096 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&fake, 0, sizeof(fake));
		usual();
		memset(fake.bytes + 19, 'x', 5); /* a name without its NUL */
		memcpy(fake.bytes + 16, &bad[i], 2);
		assert_int_equal(files_check_folder("/tmp", &calls, &f), -EBADMSG);
		assert_int_equal(f.n, 0);
	}
}

/* The process itself is what is looked for; its program's folder is the one of the tests. */
static void test_programs(void **state)
{
	static struct findings f;
	struct file_calls blind = calls;
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct file_calls real = file_calls_kernel;

	(void)state;
	real.lists_all = fake_yes;
	assert_true(files_check_programs(proc, &real, &f) > 0);
	expect_findings("programs", &f, "");
	memset(&fake, 0, sizeof(fake));
	usual(); /* and not one program in it */
	assert_true(files_check_programs(proc, &blind, &f) > 0);
	assert_true(f.n > 0);
	assert_string_equal(f.items[0].type, "file_hidden");
	(void)close(proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_the_kernel_itself),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
