// SPDX-License-Identifier: Apache-2.0
/* base/sandbox where a kernel or a container lacks something: all else is in force. */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"

#define WORKED	0
#define REFUSED 1
#define SKIPPED 77 /* this kernel has no seccomp */

/* As on an old kernel, or where a container forbids it. */
static bool take_away(const char *call, int error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int number = seccomp_syscall_resolve_name(call);

	return filter && number >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t)error), number, 0) ==
		       0 &&
	       seccomp_load(filter) == 0;
}

/* Return: 0 if all else is in force */
static int enter_without(const char *call, int error)
{
	const struct sandbox_options options = { .kind = SANDBOX_WEB, .name = "test" };
	bool is_landlock = !strncmp(call, "landlock", strlen("landlock"));
	struct sandbox_report report;

	if (!take_away(call, error))
		return SKIPPED;
	sandbox_enter(&options, &report);
	if (is_landlock)
		return report.landlock != -error || report.seccomp != 1;
	return report.seccomp >= 0 || report.landlock < 1;
}

/* How a child ended that tried something. */
static int status_of(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	return status;
}

static void test_what_is_missing_is_left_out(void **state)
{
	static const struct {
		const char *call;
		int error;
	} cases[] = {
		{ "landlock_create_ruleset", ENOSYS },
		{ "landlock_create_ruleset", EPERM },
		{ "seccomp", EPERM },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(enter_without(cases[i].call, cases[i].error));
		status = status_of(pid);
		if (status != 0)
			fail_msg("without %s: status 0x%x", cases[i].call, status);
	}
}

static bool is_refused(int status)
{
	return (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED) ||
	       (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static int signal_parent(void)
{
	return kill(getppid(), SIGCONT);
}

static int signal_thread_of_parent(void)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), SIGCONT);
}

static int signal_group_of_parent(void)
{
	return kill(-getpgid(getppid()), SIGCONT);
}

static int signal_all(void)
{
	return kill(-1, SIGCONT);
}

static int signal_parent_by_pidfd(void)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd_open(getppid(), 0), SIGCONT,
			    NULL, 0);
}

static int signal_a_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		for (;;)
			(void)pause();
	return kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid;
}

static int signal_its_group(void)
{
	return kill(0, SIGCONT);
}

/* The kernel would send it when the pipe has something to read. */
static int signal_parent_by_pipe(void)
{
	int fds[2];

	return pipe(fds) || fcntl(fds[0], F_SETOWN, getppid());
}

/* In a process group of its own, as a module is. */
static int be_module(int (*run)(void))
{
	const struct sandbox_options options = { .kind = SANDBOX_MODULE, .name = "test" };
	struct sandbox_report report;

	(void)setpgid(0, 0);
	if (!take_away("landlock_create_ruleset", ENOSYS))
		return SKIPPED;
	sandbox_enter(&options, &report);
	if (report.seccomp < 0)
		return SKIPPED;
	return run() == 0 ? WORKED : REFUSED;
}

/* As on Linux 6.1, where Landlock knows nothing of signals. */
static void test_a_module_signals_not_who_started_it(void **state)
{
	static const struct {
		const char *name;
		int (*run)(void);
		bool works;
	} cases[] = {
		{ "kill", signal_parent, false },
		{ "tgkill", signal_thread_of_parent, false },
		{ "its group", signal_group_of_parent, false },
		{ "all", signal_all, false },
		{ "a pidfd", signal_parent_by_pidfd, false },
		{ "a pipe", signal_parent_by_pipe, false },
		{ "its own", signal_a_child, true },
		{ "its own group", signal_its_group, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(be_module(cases[i].run));
		status = status_of(pid);
		if (cases[i].works ? status != 0 : !is_refused(status))
			fail_msg("%s: status 0x%x", cases[i].name, status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_missing_is_left_out),
		cmocka_unit_test(test_a_module_signals_not_who_started_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
