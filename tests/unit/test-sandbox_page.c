// SPDX-License-Identifier: Apache-2.0
/* core/sandbox_page: a process says which locks are on, and who reads the page sees it. */
#include "core/sandbox_page.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"

static const struct privilege_user nobody = { 65533, 65533, false };

static void test_the_page_tells(void **state)
{
	char path[] = "/tmp/lksm-test-sandbox-XXXXXX";
	int fd = mkstemp(path), status;
	const struct sandbox_options options = { .kind = SANDBOX_CORE,
						 .name = "core",
						 .user = geteuid() == 0 ? &nobody
									: NULL };
	static struct sandbox_row rows[SANDBOX_PAGE_ROWS];
	const struct sandbox_page *view;
	struct sandbox_page *page;
	pid_t pid;

	(void)state;
	(void)unlink(path);
	assert_int_equal(sandbox_page_map(fd, &page, &view), 0);
	assert_int_equal(mprotect((void *)(uintptr_t)view, 1, PROT_READ | PROT_WRITE),
			 -1);
	pid = fork();
	if (pid == 0) {
		sandbox_page_enter(page, 3, &options);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(sandbox_page_read(fd, rows), 1);
	assert_string_equal(rows[0].process, "core");
	assert_int_equal(rows[0].pid, pid);
	assert_int_equal(rows[0].locks.parent, getpid());
	assert_int_equal(rows[0].locks.capabilities, 0);
	assert_int_equal(rows[0].locks.no_new_privs, 1);
	assert_int_equal(rows[0].locks.seccomp, 2);
	assert_int_equal(rows[0].filter, 1);
	assert_int_equal(rows[0].locks.uid, geteuid() == 0 ? nobody.uid : geteuid());
	assert_true(sandbox_page_row(view, 3, &rows[1]));
	sandbox_page_clear(page, 3);
	assert_false(sandbox_page_row(view, 3, &rows[1]));
	sandbox_page_unmap(page);
	sandbox_page_unmap(view);
	(void)close(fd);
}

static void test_status_is_parsed(void **state)
{
	static const struct {
		const char *name, *text;
		int want;
		uint32_t uid;
	} cases[] = {
		{ "whole",
		  "Name:\tx\nPPid:\t7\nUid:\t1\t2\t3\t4\nCapEff:\t00f\nNoNewPrivs:\t1\n"
		  "Seccomp:\t2\n",
		  0, 2 },
		{ "without seccomp",
		  "Name:\tx\nPPid:\t7\nUid:\t1\t2\t3\t4\nCapEff:\t00f\nNoNewPrivs:\t1\n",
		  0, 2 },
		{ "empty", "", -EBADMSG, 0 },
		{ "cut", "Name:\tx\nPPid:\t7\nUid:\t1", -EBADMSG, 0 },
		{ "no number",
		  "Name:\tx\nPPid:\tx\nUid:\t1\t2\nCapEff:\t0\nNoNewPrivs:\t1\n",
		  -EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct process_locks locks = { 0 };

		expect_number(cases[i].name, "result",
			      process_locks_parse(cases[i].text, &locks), cases[i].want);
		expect_number(cases[i].name, "uid", locks.uid, cases[i].uid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_page_tells),
		cmocka_unit_test(test_status_is_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
