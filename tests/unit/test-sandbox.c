// SPDX-License-Identifier: Apache-2.0
/*
 * base/sandbox: each kind is entered in a process of its own, and every attack of
 * tests/planted is tried in it; it ends there with SIGSYS or gets an error. What the kind
 * needs works.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../planted/attacks.h"
#include "expect.h"

#define WORKED	0
#define REFUSED 1
#define SKIPPED 77 /* this kernel has no seccomp or no Landlock */

static const struct privilege_user nobody = { 65533, 65533, false };

/* A file as the log is: only appended to. It is there before the sandbox is. @ret_reader
 * sees what is in it. */
static int open_log(int *ret_reader)
{
	char path[] = "/tmp/lksm-test-sandbox-XXXXXX";
	int made = mkstemp(path), fd;

	assert_true(made >= 0);
	assert_int_equal(write(made, "one\n", 4), 4);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	*ret_reader = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && *ret_reader >= 0);
	(void)unlink(path);
	(void)close(made);
	return fd;
}

static int folder = -1;	     /* SANDBOX_COMPRESSOR's and SANDBOX_HISTORY's */
static int read_folder = -1; /* SANDBOX_HISTORY's and SANDBOX_WEB_HISTORY's */

static void enter(enum sandbox_kind kind)
{
	const struct sandbox_options options = {
		.kind = kind,
		.name = "test",
		.folder = folder,
		.read_folder = read_folder,
		.user = geteuid() == 0 && (kind == SANDBOX_CORE || kind == SANDBOX_WEB)
				? &nobody
				: NULL,
	};
	struct sandbox_report report;

	sandbox_enter(&options, &report);
	if (report.seccomp < 0 || report.landlock < 0)
		_exit(SKIPPED);
	if (kind == SANDBOX_CORE || kind == SANDBOX_WEB_HISTORY)
		sandbox_settle();
}

/* Return: its wait status */
static int in_child(enum sandbox_kind kind, int (*run)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		enter(kind);
		_exit(run() == 0 ? WORKED : REFUSED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Return: false if it could not be tried */
static bool is_held(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	return (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED) ||
	       (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

/* As web has one. */
static int listen_somewhere(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* @part: of the attacks' names */
static void try_some(enum sandbox_kind kind, const char *part)
{
	int reader, log = open_log(&reader);
	char text[4];
	int other = memfd_create("other", MFD_CLOEXEC); /* open for all, as the lock is */

	assert_int_equal(ftruncate(other, 4096), 0);
	for (const struct attack *a = attacks; a->name; a++) {
		int status, listener;

		if (!strstr(a->name, part))
			continue;
		listener = listen_somewhere(); /* the attack before may have stopped it */
		status = in_child(kind, a->run);
		(void)close(listener);
		if (!is_held(status))
			fail_msg("%s: %s (status 0x%x)", a->name,
				 WIFEXITED(status) ? "worked" : "ended otherwise",
				 status);
	}
	assert_int_equal(pread(reader, text, sizeof(text), 0), sizeof(text));
	assert_memory_equal(text, "one\n", sizeof(text));
	(void)close(reader);
	(void)close(other);
	(void)close(log);
}

static void try_all(enum sandbox_kind kind)
{
	try_some(kind, "");
}

/* Its dead letters are a file that is only appended to, too. */
static void test_sender_changes_no_letter(void **state)
{
	(void)state;
	try_some(SANDBOX_SENDER, "_log");
}

static void test_core_can_do_nothing(void **state)
{
	(void)state;
	try_all(SANDBOX_CORE);
}

static void test_web_can_do_nothing(void **state)
{
	(void)state;
	try_all(SANDBOX_WEB);
}

static void test_web_with_history_can_do_nothing(void **state)
{
	char path[] = "/tmp/lksm-test-there-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(path));
	read_folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	try_all(SANDBOX_WEB_HISTORY);
	(void)close(read_folder);
	assert_int_equal(rmdir(path), 0);
}

/* ---- what each may do ---- */

static int append_and_wait(void)
{
	struct timespec moment = { 0, 1000 };
	bool is_refused = open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES;

	for (int fd = 3; fd < 64; fd++)
		if (fcntl(fd, F_GETFL) >= 0 && (fcntl(fd, F_GETFL) & O_APPEND) &&
		    write(fd, "two\n", 4) == 4)
			return nanosleep(&moment, NULL) || !is_refused;
	return -EBADF;
}

static int read_a_file(void)
{
	char byte;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : -1;
}

static int read_passwd(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0;
}

/* To a port of this machine where nobody listens. */
static int open_a_socket(void)
{
	const struct sockaddr_in nobody = { .sin_family = AF_INET,
					    .sin_port = htons(1),
					    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ||
	       (connect(fd, (const struct sockaddr *)&nobody, sizeof(nobody)) < 0 &&
		errno != ECONNREFUSED);
}

static int write_a_file(void)
{
	int fd = open("/tmp/lksm-test-sandbox", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)unlink("/tmp/lksm-test-sandbox");
	return fd >= 0 ? 0 : -1;
}

static int write_null(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, "x", 1) == 1 ? 0 : -1;
}

static int write_in_its_folder(void)
{
	int fd = openat(folder, "made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 || renameat(folder, "made", folder, "kept") ||
	       unlinkat(folder, "kept", 0);
}

static int read_there(void)
{
	char byte;
	int fd = openat(read_folder, "there", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : -1;
}

static void make_there(void)
{
	_cleanup_close_ int fd = openat(read_folder, "there",
					O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	assert_int_equal(write(fd, "x", 1), 1);
}

static int write_there(void)
{
	return openat(read_folder, "there", O_WRONLY | O_CLOEXEC) >= 0 ? 0 : -1;
}

/* SQLite tries, and has to go on without */
static int write_there_or_not(void)
{
	return openat(read_folder, "there", O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0 &&
			       errno == EACCES
		       ? read_there()
		       : -1;
}

static int remove_there(void)
{
	return unlinkat(read_folder, "there", 0);
}

static int run_a_program(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", ": </etc/passwd", NULL);
		_exit(1);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static void *nothing(void *context)
{
	return context;
}

static int start_a_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL);
}

static int mount_something(void)
{
	return (int)syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL);
}

/* As a service manager listens, which does what root's processes ask for. */
static int connect_to_a_path(void)
{
	struct sockaddr_un there = { .sun_family = AF_UNIX,
				     .sun_path = "/tmp/lksm-test-sandbox-none" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ||
	       (connect(fd, (const struct sockaddr *)&there, sizeof(there)) < 0 &&
		errno != ENOENT);
}

/* Its limit of processor time would kill it. */
static int limit_the_parent(void)
{
	struct rlimit same;

	return prlimit(getppid(), RLIMIT_CPU, NULL, &same) ||
	       prlimit(getppid(), RLIMIT_CPU, &same, NULL);
}

static int limit_itself(void)
{
	struct rlimit same;

	return getrlimit(RLIMIT_NOFILE, &same) || setrlimit(RLIMIT_NOFILE, &same);
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

/* Of this kernel's Landlock; as SYS_landlock_create_ruleset says it. */
static bool has_landlock(long version)
{
	return syscall(444, NULL, 0, 1) >= version;
}

static int connect_by_tcp(void)
{
	return has_landlock(4) ? open_a_socket() : -ENOSYS;
}

static int signal_another(void)
{
	return has_landlock(6) ? kill(getppid(), 0) : -ENOSYS;
}

static void test_what_each_may_do(void **state)
{
	static const struct {
		const char *name;
		enum sandbox_kind kind;
		int (*run)(void);
		bool works;
	} cases[] = {
		{ "core appends", SANDBOX_CORE, append_and_wait, true },
		{ "core starts no thread when settled", SANDBOX_CORE, start_a_thread,
		  false },
		{ "web starts no thread", SANDBOX_WEB, start_a_thread, false },
		{ "a loader reads", SANDBOX_LOADER, read_a_file, true },
		{ "a loader does not write", SANDBOX_LOADER, write_a_file, false },
		{ "a loader starts nothing", SANDBOX_LOADER, run_a_program, false },
		{ "the compressor works in its folder", SANDBOX_COMPRESSOR,
		  write_in_its_folder, true },
		{ "the compressor writes nowhere else", SANDBOX_COMPRESSOR, write_a_file,
		  false },
		{ "the compressor reads nothing else", SANDBOX_COMPRESSOR, read_a_file,
		  false },
		{ "the compressor starts nothing", SANDBOX_COMPRESSOR, run_a_program,
		  false },
		{ "history works in its folder", SANDBOX_HISTORY, write_in_its_folder,
		  true },
		{ "history reads the logs", SANDBOX_HISTORY, read_there, true },
		{ "history does not write the logs", SANDBOX_HISTORY, write_there,
		  false },
		{ "history removes no log", SANDBOX_HISTORY, remove_there, false },
		{ "history writes nowhere else", SANDBOX_HISTORY, write_a_file, false },
		{ "history reads nothing else", SANDBOX_HISTORY, read_a_file, false },
		{ "history starts nothing", SANDBOX_HISTORY, run_a_program, false },
		{ "history starts no thread", SANDBOX_HISTORY, start_a_thread, false },
		{ "web reads the history", SANDBOX_WEB_HISTORY, read_there, true },
		{ "web does without writing it", SANDBOX_WEB_HISTORY, write_there_or_not,
		  true },
		{ "web does not write it", SANDBOX_WEB_HISTORY, write_there, false },
		{ "web removes no history", SANDBOX_WEB_HISTORY, remove_there, false },
		{ "web reads nothing else", SANDBOX_WEB_HISTORY, read_a_file, false },
		{ "web starts no thread when settled", SANDBOX_WEB_HISTORY,
		  start_a_thread, false },
		{ "web starts nothing", SANDBOX_WEB_HISTORY, run_a_program, false },
		{ "the feeder reads", SANDBOX_FEEDER, read_a_file, true },
		{ "the feeder does not write", SANDBOX_FEEDER, write_a_file, false },
		{ "the feeder connects to nobody", SANDBOX_FEEDER, open_a_socket, false },
		{ "the feeder starts nothing", SANDBOX_FEEDER, run_a_program, false },
		{ "the sender connects", SANDBOX_SENDER, open_a_socket, true },
		{ "the sender starts a thread", SANDBOX_SENDER, start_a_thread, true },
		{ "the sender reads what all do", SANDBOX_SENDER, read_passwd, true },
		{ "the sender reads nothing else", SANDBOX_SENDER, read_a_file, false },
		{ "the sender does not write", SANDBOX_SENDER, write_a_file, false },
		{ "the sender starts nothing", SANDBOX_SENDER, run_a_program, false },
		{ "a module reads", SANDBOX_MODULE, read_a_file, true },
		{ "a module writes /dev/null", SANDBOX_MODULE, write_null, true },
		{ "a module does not write", SANDBOX_MODULE, write_a_file, false },
		{ "a module runs programs", SANDBOX_MODULE, run_a_program, true },
		{ "a module signals what it started", SANDBOX_MODULE, signal_a_child,
		  true },
		{ "a module limits itself", SANDBOX_MODULE, limit_itself, true },
		{ "a module limits nobody else", SANDBOX_MODULE, limit_the_parent,
		  false },
		{ "a module connects to nobody", SANDBOX_MODULE, open_a_socket, false },
		{ "a module connects to no path", SANDBOX_MODULE, connect_to_a_path,
		  false },
		{ "a module mounts nothing", SANDBOX_MODULE, mount_something, false },
		{ "a module connects to nobody", SANDBOX_MODULE, connect_by_tcp, false },
		{ "a module signals no other", SANDBOX_MODULE, signal_another, false },
	};
	char path[] = "/tmp/lksm-test-sandbox-XXXXXX",
	     other[] = "/tmp/lksm-test-there-XXXXXX";
	int reader, log = open_log(&reader);

	(void)state;
	assert_non_null(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_non_null(mkdtemp(other));
	read_folder = open(other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_there();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status = in_child(cases[i].kind, cases[i].run);

		if (cases[i].works ? status != 0 : !is_held(status))
			fail_msg("%s: status 0x%x", cases[i].name, status);
	}
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(unlinkat(read_folder, "there", 0), 0);
	assert_int_equal(rmdir(other), 0);
	(void)close(folder);
	(void)close(read_folder);
	(void)close(reader);
	(void)close(log);
}

/* What a sandbox takes away is there: groups, room for a core dump, being traced. */
static bool begin_with_all(bool is_ordinary)
{
	static const gid_t groups[] = { 1, 2 };
	struct rlimit most;

	if (getrlimit(RLIMIT_CORE, &most) < 0)
		return false;
	most.rlim_cur = most.rlim_max;
	if (setrlimit(RLIMIT_CORE, &most) < 0)
		return false;
	if (geteuid() != 0)
		return true;
	if (setgroups(ARRAY_SIZE(groups), groups) < 0)
		return false;
	if (!is_ordinary)
		return true;
	return setresgid(nobody.gid, nobody.gid, nobody.gid) == 0 &&
	       setresuid(nobody.uid, nobody.uid, nobody.uid) == 0 &&
	       prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* A process behind its sandbox, which waits; Return: its pid. */
static pid_t start_waiting(enum sandbox_kind kind, bool is_ordinary, int ready[2],
			   int over[2])
{
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(over, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char byte = 'x';

		(void)close(over[1]);
		if (!begin_with_all(is_ordinary))
			_exit(REFUSED);
		enter(kind);
		_exit(write(ready[1], &byte, 1) == 1 && read(over[0], &byte, 1) == 0
			      ? WORKED
			      : REFUSED);
	}
	(void)close(ready[1]);
	(void)close(over[0]);
	return pid;
}

/* What stands behind @name in a file of /proc/PID. */
static void find_word(pid_t pid, const char *file, const char *name, char ret[static 64])
{
	char path[64], text[8192];
	int fd;
	ssize_t n;
	const char *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	(void)close(fd);
	text[n] = '\0';
	at = strstr(text, name);
	assert_non_null(at);
	at += strlen(name);
	at += strspn(at, " \t");
	(void)snprintf(ret, 64, "%.*s", (int)strcspn(at, " \t\n"), at);
}

static void expect_word(const char *name, pid_t pid, const char *file, const char *what,
			const char *want)
{
	char got[64];

	find_word(pid, file, what, got);
	expect_span(name, what, span_from(got), span_from(want));
}

/* What is taken from each besides calls and files, as others see it. */
static void test_what_each_is_without(void **state)
{
	static const struct {
		const char *name;
		enum sandbox_kind kind;
		bool has_user, is_ordinary, has_children;
		const char *capabilities; /* of root's, in hexadecimal */
	} cases[] = {
		{ "core", SANDBOX_CORE, true, false, false, "0000000000000000" },
		{ "web", SANDBOX_WEB, true, false, false, "0000000000000000" },
		{ "loader", SANDBOX_LOADER, false, false, false, "0000000000000004" },
		{ "an ordinary user's", SANDBOX_LOADER, false, true, false,
		  "0000000000000000" },
		{ "compress", SANDBOX_COMPRESSOR, false, false, false,
		  "0000000000000002" },
		{ "feeder", SANDBOX_FEEDER, false, false, false, "0000000000000004" },
		{ "sender", SANDBOX_SENDER, false, false, true, "0000000000000000" },
	};
	bool is_root = geteuid() == 0;

	(void)state;
	folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = cases[i].name;
		int ready[2], over[2];
		pid_t pid = start_waiting(cases[i].kind, cases[i].is_ordinary, ready,
					  over);
		char path[32], byte;
		struct stat st;

		if (read(ready[0], &byte, 1) != 1)
			skip(); /* this kernel has not all of it */
		expect_word(name, pid, "status", "NoNewPrivs:", "1");
		expect_word(name, pid, "limits", "Max core file size", "0");
		if (!cases[i].has_children)
			expect_word(name, pid, "limits", "Max processes", "0");
		if (is_root)
			expect_word(name, pid, "status",
				    "CapEff:", cases[i].capabilities);
		if (is_root && cases[i].has_user) {
			expect_word(name, pid, "status", "Groups:", "");
			expect_word(name, pid, "status",
				    "CapPrm:", cases[i].capabilities);
		}
		if (is_root && (cases[i].has_user || cases[i].is_ordinary)) {
			/* root's: who is its user cannot trace it: proc(5) */
			(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
			assert_int_equal(stat(path, &st), 0);
			expect_number(name, "whose", st.st_uid, 0);
		}
		(void)close(over[1]);
		(void)close(ready[0]);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	(void)close(folder);
	folder = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_core_can_do_nothing),
		cmocka_unit_test(test_web_can_do_nothing),
		cmocka_unit_test(test_web_with_history_can_do_nothing),
		cmocka_unit_test(test_sender_changes_no_letter),
		cmocka_unit_test(test_what_each_may_do),
		cmocka_unit_test(test_what_each_is_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
