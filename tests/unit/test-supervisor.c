// SPDX-License-Identifier: Apache-2.0
/*
 * privsep/supervisor, with real processes: the supervisor runs in a child of the test,
 * and what it starts are small functions that say what happens to them, a line each, down
 * a pipe. Every wait is for such a line, with a deadline.
 */
#include "privsep/supervisor.h"

#include <sys/ptrace.h>

#include "supervised.h"

static void test_start_and_stop(void **state)
{
	struct fixture *f = *state;

	start(f);
	wait_for_all(f);
	stop(f);
	assert_int_equal(f->shared->n_cores, 1);
	assert_int_equal(f->shared->n_webs, 1);
}

static void test_ctrl_c(void **state)
{
	struct fixture *f = *state;
	pid_t core_pid, web_pid;

	start(f);
	core_pid = wait_for_pid(f, "core up ");
	web_pid = wait_for_pid(f, "web up ");
	(void)wait_for(f, "attached lksm");
	/* a terminal sends it to all, and the supervisor decides */
	assert_int_equal(kill(core_pid, SIGINT) | kill(web_pid, SIGINT), 0);
	assert_int_equal(kill(core_pid, SIGHUP) | kill(web_pid, SIGHUP), 0);
	assert_int_equal(kill(f->supervisor, SIGINT), 0);
	(void)wait_for(f, "core done, served");
	(void)wait_for(f, "supervisor done");
	expect_end(f);
	assert_int_equal(f->shared->n_cores, 1);
}

static void test_core_dies(void **state)
{
	struct fixture *f = *state;

	f->core = ABORTS_ONCE;
	start(f);
	assert_string_equal(
		wait_for(f, "lksm: "),
		"{\"type\": \"process_restarted\", \"data\": {\"process\": \"core\", "
		"\"reason\": \"killed by SIGABRT\"}, \"severity\": \"high\"}");
	(void)wait_for(f, "web up");
	assert_int_equal(f->shared->n_cores, 2);
	assert_int_equal(f->shared->n_webs, 1);
	stop(f);
}

static void test_core_dies_again(void **state)
{
	struct fixture *f = *state;

	f->core = ABORTS_TWICE;
	start(f);
	(void)wait_for(f, "lksm: {\"type\": \"process_restarted\"");
	(void)wait_for(f, "lksm: {\"type\": \"process_restarted\"");
	assert_int_equal(f->shared->n_cores, 3);
	stop(f);
}

static void test_web_dies(void **state)
{
	struct fixture *f = *state;

	f->web = ABORTS_ONCE;
	start(f);
	(void)wait_for(f, "lksm: {\"type\": \"process_restarted\", \"data\": "
			  "{\"process\": \"web\"");
	(void)wait_for(f, "web up");
	(void)wait_for(f, "web up");
	assert_int_equal(f->shared->n_cores, 1);
	stop(f);
}

/* It pauses between its tries, and can be stopped in a pause. */
static void test_core_never_lives(void **state)
{
	struct fixture *f = *state;
	uint64_t begin = now_ms();

	f->core = EXITS_ALWAYS;
	start(f);
	for (int i = 0; i < 6; i++)
		(void)wait_for(f, "core up");
	assert_true(now_ms() - begin >= 50 + 100 + 200 + 400);
	assert_int_equal(kill(f->supervisor, SIGTERM), 0);
	(void)wait_for(f, "supervisor done");
	expect_end(f);
}

static void test_in_a_hurry(void **state)
{
	struct fixture *f = *state;
	uint64_t begin;

	f->core = STUBBORN;
	start(f);
	wait_for_all(f);
	begin = now_ms();
	assert_int_equal(kill(f->supervisor, SIGTERM), 0);
	(void)wait_for(f, "core does not mind");
	assert_int_equal(kill(f->supervisor, SIGTERM), 0);
	(void)wait_for(f, "supervisor done, core was not");
	assert_true(now_ms() - begin < 9000);
	expect_end(f);
}

static void test_reload(void **state)
{
	struct fixture *f = *state;

	start(f);
	wait_for_all(f);
	assert_int_equal(kill(f->supervisor, SIGHUP), 0);
	(void)wait_for(f, "core done, served");
	(void)wait_for(f, "core up ");
	(void)wait_for(f, "attached lksm");
	assert_string_equal(
		wait_for(f, "lksm: "),
		"{\"type\": \"config_reloaded\", \"data\": {\"rules\": \"12 rules\"}, "
		"\"severity\": \"info\"}");
	(void)wait_for(f, "web done");
	(void)wait_for(f, "web up ");
	assert_int_equal(f->shared->n_cores, 2);
	assert_int_equal(f->shared->n_webs, 2);
	stop(f);
}

static void test_reload_refused(void **state)
{
	struct fixture *f = *state;

	f->reload_result = -EINVAL;
	start(f);
	wait_for_all(f);
	assert_int_equal(kill(f->supervisor, SIGHUP), 0);
	assert_string_equal(
		wait_for(f, "lksm: "),
		"{\"type\": \"config_rejected\", \"data\": {\"error\": \"x.yaml:1:1: bad "
		"\\\"word\\\"\"}, \"severity\": \"high\"}");
	stop(f);
	assert_int_equal(f->shared->n_cores, 1);
	assert_int_equal(f->shared->n_webs, 1);
}

static void test_hung_core(void **state)
{
	struct fixture *f = *state;

	f->core = FALLS_ASLEEP;
	f->watchdog_us = 400000;
	start(f);
	(void)wait_for(f, "lksm: {\"type\": \"process_restarted\", \"data\": "
			  "{\"process\": \"core\", "
			  "\"reason\": \"hung\"}");
	assert_int_equal(f->shared->n_cores, 2);
	stop(f);
}

static void test_hung_web(void **state)
{
	struct fixture *f = *state;

	f->web = FALLS_ASLEEP;
	f->watchdog_us = 2000000; /* core has to answer in time, on a busy machine, too */
	start(f);
	(void)wait_for(f, "lksm: {\"type\": \"process_restarted\", \"data\": "
			  "{\"process\": \"web\", "
			  "\"reason\": \"hung\"}");
	(void)wait_for(f, "web up");
	(void)wait_for(f, "web up");
	assert_int_equal(f->shared->n_cores, 1);
	stop(f);
}

/* Who speaks with strangers is not listened to beyond what it was asked. */
static void test_talking_web(void **state)
{
	struct fixture *f = *state;

	f->web = TALKS;
	start(f);
	(void)wait_for(f, "lksm: {\"type\": \"process_restarted\", \"data\": "
			  "{\"process\": \"web\", "
			  "\"reason\": \"spoke nonsense\"}");
	(void)wait_for(f, "web up");
	(void)wait_for(f, "web up");
	stop(f);
}

/* As a debugger does; its parent would have it go on after a SIGSTOP. */
static void hold(pid_t pid)
{
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, NULL, __WALL), pid);
}

static void let_go(pid_t pid)
{
	assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
}

/* The supervisor does nothing until then, and has its turn after it. */
static void hold_up(struct fixture *f, uint64_t until_ms)
{
	uint64_t deadline_ms;
	long n;

	assert_int_equal(kill(f->supervisor, SIGSTOP), 0);
	wait_until(until_ms);
	n = count_sleeps(f->supervisor);
	assert_int_equal(kill(f->supervisor, SIGCONT), 0);
	deadline_ms = now_ms() + DEADLINE_MS;
	while (count_sleeps(f->supervisor) <= n && now_ms() < deadline_ms)
		(void)poll(NULL, 0, 1);
}

/*
 * A machine that stands still, however long, and goes on: nobody hangs. The supervisor
 * wakes first, and finds a question that was put long ago.
 */
static void test_machine_stands_still(void **state)
{
	struct fixture *f = *state;
	uint64_t begin, turn_ms = 1000;
	pid_t core_pid, web_pid;

	f->watchdog_us = 4 * turn_ms * 1000;
	f->is_web_heard = true;
	start(f);
	core_pid = wait_for_pid(f, "core up ");
	web_pid = wait_for_pid(f, "web up ");
	(void)wait_for(f, "web answered");
	(void)wait_for(f, "attached lksm");
	begin = now_ms();
	hold(core_pid);
	hold(web_pid);
	wait_until(begin + turn_ms * 3 / 2); /* they are asked meanwhile */
	hold_up(f, begin + turn_ms * 4);
	let_go(core_pid);
	let_go(web_pid);
	(void)wait_for(f, "web answered");
	(void)wait_for(f, "web answered");
	assert_int_equal(f->shared->n_cores, 1);
	assert_int_equal(f->shared->n_webs, 1);
	stop(f);
}

/* Again and again it has no time for core, which has an answer, or waits for one. */
static void test_supervisor_is_busy(void **state)
{
	struct fixture *f = *state;
	uint64_t turn_ms = 1000;
	pid_t core_pid;

	f->watchdog_us = 4 * turn_ms * 1000;
	start(f);
	core_pid = wait_for_pid(f, "core up ");
	(void)wait_for(f, "attached lksm");
	wait_until(now_ms() + turn_ms / 2); /* it has answered once */
	hold(core_pid);
	for (int i = 0; i < 4; i++)
		hold_up(f, now_ms() + turn_ms * 2);
	let_go(core_pid);
	wait_until(now_ms() + turn_ms * 2);
	assert_int_equal(f->shared->n_cores, 1);
	stop(f);
}

/* Who asks for something, and waits for it, does not hang. */
static void test_core_that_asks(void **state)
{
	struct fixture *f = *state;
	uint64_t begin;

	f->core = ONLY_ASKS;
	f->watchdog_us = 4000000;
	start(f);
	(void)wait_for(f, "attached lksm");
	begin = now_ms();
	while (now_ms() < begin + 4000)
		(void)wait_for(f, "core asked, served");
	assert_int_equal(f->shared->n_cores, 1);
	stop(f);
}

/* Nobody may go on writing, or serving, without a supervisor. */
static void test_supervisor_is_killed(void **state)
{
	struct fixture *f = *state;
	int status;

	start(f);
	wait_for_all(f);
	assert_int_equal(kill(f->supervisor, SIGKILL), 0);
	assert_int_equal(waitpid(f->supervisor, &status, 0), f->supervisor);
	f->supervisor = 0;
	while (read_line(f)) /* ends when all who have the pipe are dead */
		;
}

static void test_descriptors(void **state)
{
	struct fixture *f = *state;

	start_with(f, (struct supervisor_options){ .core = core_that_tells,
						   .web = web_that_tells });
	wait_for_all(f);
	(void)wait_for(f, "core has /.lock");
	(void)wait_for(f, "core has 2 sockets");
	(void)wait_for(f, "web has 1 sockets");
	for (size_t i = 0; i < f->n_lines; i++)
		if (!f->is_used[i] && strstr(f->lines[i], " has "))
			fail_msg("%s", f->lines[i]);
	stop(f);
}

static void expect_gone(pid_t pid)
{
	uint64_t deadline_ms = now_ms() + DEADLINE_MS;

	while (kill(pid, 0) == 0 && now_ms() < deadline_ms) {
		(void)waitpid(pid, NULL, WNOHANG); /* ours, if the supervisor is gone */
		(void)poll(NULL, 0, 10);
	}
	assert_int_equal(kill(pid, 0), -1);
}

/* A program that prints, whose child would outlive it, and that dies of a signal. */
static void test_external(void **state)
{
	static const char *const argv[] = {
		"/bin/sh", "-c",
		"(exec sleep 1000) & echo \"left $!\"; echo \"main $$\"; exec sleep 1000",
		NULL
	};
	struct fixture *f = *state;
	pid_t main_pid, left;

	f->external = (struct supervisor_external){ "mine", argv, 250 };
	start(f);
	(void)wait_for(f, "attached mine, limit 250");
	left = wait_for_pid(f, "mine: left ");
	main_pid = wait_for_pid(f, "mine: main ");
	assert_int_equal(kill(main_pid, SIGSEGV), 0);
	assert_string_equal(wait_for(f, "lksm: "),
			    "{\"type\": \"module_failed\", \"data\": {\"module\": "
			    "\"mine\", \"reason\": "
			    "\"killed by SIGSEGV\"}, \"severity\": \"high\"}");
	expect_gone(left);
	left = wait_for_pid(f, "mine: left "); /* over a new pipe */
	stop(f);
	expect_gone(left);
}

/* Children that left its process group, and whose parents are gone. */
static void test_external_leaves_daemons(void **state)
{
	static const char *const argv[] = {
		"/bin/sh", "-c",
		"(setsid sh -c 'setsid sleep 1000 & echo \"inner $!\"; exec sleep 1000' "
		"&); "
		"(setsid sh -c 'echo \"outer $$\"; exec sleep 1000' &); "
		"echo \"main $$\"; exec sleep 1000",
		NULL
	};
	struct fixture *f = *state;
	pid_t pids[2], main_pid;

	f->external = (struct supervisor_external){ "mine", argv, 250 };
	start(f);
	pids[0] = wait_for_pid(f, "mine: inner ");
	pids[1] = wait_for_pid(f, "mine: outer ");
	main_pid = wait_for_pid(f, "mine: main ");
	assert_int_equal(kill(pids[0], 0) | kill(pids[1], 0), 0);
	assert_int_equal(kill(main_pid, SIGSEGV), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		expect_gone(pids[i]);
	pids[0] = wait_for_pid(f, "mine: inner ");
	pids[1] = wait_for_pid(f, "mine: outer ");
	assert_int_equal(f->shared->n_cores, 1); /* nobody else is meant */
	assert_int_equal(f->shared->n_webs, 1);
	stop(f);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		expect_gone(pids[i]);
}

/* The lowest number that is no descriptor of it. */
static unsigned int first_free_descriptor(pid_t pid)
{
	unsigned int n = 0;
	char path[64];

	do
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int)pid, n++);
	while (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return n - 1;
}

/* It cannot look for orphans, or not wait for one, as it has no descriptor left for that. */
static void test_external_leaves_a_daemon_in_want(void **state)
{
	static const char *const argv[] = {
		"/bin/sh", "-c",
		"(setsid sh -c 'echo \"left $$\"; exec sleep 1000' &); "
		"echo \"main $$\"; exec sleep 1000",
		NULL
	};
	struct fixture *f = *state;
	struct rlimit before;

	f->external = (struct supervisor_external){ "mine", argv, 250 };
	start(f);
	assert_int_equal(prlimit(f->supervisor, RLIMIT_NOFILE, NULL, &before), 0);
	for (unsigned int n_free = 0; n_free < 2; n_free++) {
		pid_t left = wait_for_pid(f, "mine: left ");
		pid_t main_pid = wait_for_pid(f, "mine: main ");
		struct rlimit limit = before;

		limit.rlim_cur = first_free_descriptor(f->supervisor) + n_free;
		assert_int_equal(prlimit(f->supervisor, RLIMIT_NOFILE, &limit, NULL), 0);
		assert_int_equal(kill(main_pid, SIGSEGV), 0);
		(void)wait_for(f, "lksm: {\"type\": \"module_failed\"");
		assert_int_equal(kill(left, 0), 0);
		assert_int_equal(prlimit(f->supervisor, RLIMIT_NOFILE, &before, NULL), 0);
		expect_gone(left);
	}
	stop(f);
}

/* In an endless loop it says nothing, and ends as little: told, and again when it did
 * something else meanwhile. */
static void test_external_never_waits(void **state)
{
	static const char *const argv[] = { "/bin/sh", "-c",
					    "trap 'sleep 2' USR1; echo \"main $$\"; "
					    "while :; do :; done",
					    NULL };
	static const char told[] =
		"lksm: {\"type\": \"module_failed\", \"data\": {\"module\": \"mine\", "
		"\"reason\": \"has not waited for anything in ";
	struct fixture *f = *state;
	pid_t main_pid;

	f->busy_us = 300000;
	f->external = (struct supervisor_external){ "mine", argv, 0 };
	start(f);
	main_pid = wait_for_pid(f, "mine: main ");
	(void)wait_for(f, told);
	assert_int_equal(kill(main_pid, SIGUSR1), 0);
	(void)wait_for(f, told);
	assert_false(was_said(f, "mine: main")); /* it is the same process */
	stop(f);
}

/* It and its pipe outlive core. */
static void test_external_and_a_new_core(void **state)
{
	static const char *const argv[] = { "/bin/sh", "-c",
					    "trap 'echo again' USR1; echo \"main $$\"; "
					    "while :; do sleep 1000 & wait; done",
					    NULL };
	struct fixture *f = *state;
	pid_t core_pid, main_pid;

	f->external = (struct supervisor_external){ "mine", argv, 0 };
	start(f);
	core_pid = wait_for_pid(f, "core up ");
	main_pid = wait_for_pid(f, "mine: main ");
	(void)wait_for(f, "attached mine");
	assert_int_equal(kill(core_pid, SIGKILL), 0);
	(void)wait_for(f, "core up ");
	(void)wait_for(f, "attached mine");
	assert_int_equal(kill(main_pid, SIGUSR1), 0);
	(void)wait_for(f, "mine: again");
	assert_false(was_said(f, "mine: main"));
	stop(f);
}

/* What it said before it died is for the next core, if this one has not read it. */
static void test_external_dies_unread(void **state)
{
	struct fixture *f = *state;
	char command[256];
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };
	pid_t core_pid;

	(void)snprintf(command, sizeof(command),
		       "echo >>%s/lives; echo life $(wc -l <%s/lives)", f->folder,
		       f->folder);
	f->core = READS_NOTHING;
	f->external = (struct supervisor_external){ "mine", argv, 0 };
	start(f);
	core_pid = wait_for_pid(f, "core up ");
	for (int i = 0; i < 3; i++)
		(void)wait_for(f, "attached mine");
	assert_int_equal(kill(core_pid, SIGKILL), 0);
	(void)wait_for(f, "mine: life 1");
	(void)wait_for(f, "mine: life 2");
	stop(f);
}

static void test_external_cannot_run(void **state)
{
	static const char *const argv[] = { "/nonexistent/program", NULL };
	struct fixture *f = *state;

	f->external = (struct supervisor_external){ "mine", argv, 0 };
	start(f);
	for (int i = 0; i < 3; i++) /* it is tried again */
		assert_string_equal(
			wait_for(f, "lksm: "),
			"{\"type\": \"module_failed\", \"data\": {\"module\": \"mine\", "
			"\"reason\": \"cannot be run: No such file or directory\"}, "
			"\"severity\": \"high\"}");
	stop(f);
}

static void expect_notice(int fd, const char *want)
{
	char got[256];

	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t n;

		if (poll(&p, 1, DEADLINE_MS) <= 0)
			fail_msg("systemd is not told %s", want);
		n = recv(fd, got, sizeof(got) - 1, 0);
		assert_true(n >= 0);
		got[n] = '\0';
		fprintf(stderr, "# notified: %s\n", got);
		if (!strncmp(got, want, strlen(want)))
			return;
	}
}

static void test_systemd(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify",
		       f->folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	f->watchdog_us = 400000;
	start(f);
	expect_notice(fd, "READY=1");
	expect_notice(fd, "WATCHDOG=1");
	assert_int_equal(kill(f->supervisor, SIGHUP), 0);
	expect_notice(fd, "RELOADING=1\nMONOTONIC_USEC=");
	expect_notice(fd, "READY=1");
	expect_notice(fd, "WATCHDOG=1");
	assert_int_equal(kill(f->supervisor, SIGTERM), 0);
	expect_notice(fd, "STOPPING=1");
	(void)wait_for(f, "supervisor done");
	expect_end(f);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_start_and_stop),
		test(test_ctrl_c),
		test(test_core_dies),
		test(test_core_dies_again),
		test(test_web_dies),
		test(test_core_never_lives),
		test(test_in_a_hurry),
		test(test_reload),
		test(test_reload_refused),
		test(test_hung_core),
		test(test_hung_web),
		test(test_talking_web),
		test(test_machine_stands_still),
		test(test_supervisor_is_busy),
		test(test_core_that_asks),
		test(test_supervisor_is_killed),
		test(test_descriptors),
		test(test_external),
		test(test_external_leaves_daemons),
		test(test_external_leaves_a_daemon_in_want),
		test(test_external_never_waits),
		test(test_external_and_a_new_core),
		test(test_external_dies_unread),
		test(test_external_cannot_run),
		test(test_systemd),
	};

	log_init();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
