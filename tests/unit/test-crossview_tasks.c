// SPDX-License-Identifier: Apache-2.0
/*
 * core/crossview_tasks: a folder plays /proc, a table the system calls. Whoever is in one
 * and not in the other, and stays so, is found; whoever comes or goes meanwhile is not.
 */
#include "core/crossview_tasks.h"

#include <errno.h>

#include "crossview.h"

#define PID_MAX	    400
#define HANDLES_MAX 64

static struct {
	char proc[64];
	bool is_created;
	uint8_t unknown[PID_MAX + 1]; /* bits of the probes that do not know it */
	bool is_alive[PID_MAX + 1];
	bool is_thread[PID_MAX + 1];
	struct {
		int fd;
		pid_t pid;
	} handles[HANDLES_MAX];
	size_t n_handles;
	unsigned int n_pauses;
	void (*at_pause)(unsigned int n);
} fake;

static int fake_probe(void *context, enum task_probe probe, pid_t pid)
{
	(void)context;
	if (!fake.is_created)
		return pid == getpid() ? 0 : -ESRCH;
	if (pid > PID_MAX || !fake.is_alive[pid])
		return -ESRCH;
	return fake.unknown[pid] & 1u << probe ? -ESRCH : 0;
}

static int fake_hold(void *context, pid_t pid)
{
	int fd;

	(void)context;
	if (fake.is_created && (!fake.is_alive[pid] || fake.is_thread[pid]))
		return fake.is_alive[pid] ? -EINVAL : -ESRCH;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fake.n_handles < HANDLES_MAX);
	fake.handles[fake.n_handles].fd = fd;
	fake.handles[fake.n_handles++].pid = pid;
	return fd;
}

static bool fake_is_held(void *context, int handle)
{
	(void)context;
	for (size_t i = fake.n_handles; i > 0; i--)
		if (fake.handles[i - 1].fd == handle)
			return fake.is_alive[fake.handles[i - 1].pid];
	return false;
}

static void fake_pause(void *context)
{
	(void)context;
	fake.n_pauses++;
	if (fake.at_pause)
		fake.at_pause(fake.n_pauses);
}

static const struct task_calls calls = { NULL, fake_probe, fake_hold, fake_is_held,
					 fake_pause };

static void add_to_proc(pid_t pid, unsigned int start)
{
	char path[32], text[256];

	(void)snprintf(path, sizeof(path), "%d/stat", (int)pid);
	(void)snprintf(text, sizeof(text),
		       "%d (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 %u 20\n",
		       (int)pid, start);
	write_below(fake.proc, path, text);
	(void)snprintf(path, sizeof(path), "%d/status", (int)pid);
	(void)snprintf(text, sizeof(text),
		       "Name:\ta) b\nTgid:\t%d\nUid:\t1000\t0\t0\t0\n", (int)pid);
	write_below(fake.proc, path, text);
}

static void remove_from_proc(pid_t pid)
{
	char path[16];

	(void)snprintf(path, sizeof(path), "%d", (int)pid);
	remove_below(fake.proc, path);
}

static struct tasks *begin(void)
{
	_cleanup_buffer_ struct buffer reason = { 0 };
	struct tasks *t;

	memset(&fake, 0, sizeof(fake));
	(void)snprintf(fake.proc, sizeof(fake.proc), "/tmp/lksm-test-XXXXXX");
	assert_non_null(mkdtemp(fake.proc));
	write_below(fake.proc, "self/status", "Pid:\t300\nNSpid:\t300\n");
	write_below(fake.proc, "self/mountinfo", "");
	write_below(fake.proc, "sys/kernel/pid_max", "400\n");
	write_below(fake.proc, "stat", "cpu 1\nprocesses 4711\n");
	assert_int_equal(tasks_create(fake.proc, &calls, &t, &reason), 0);
	fake.is_created = true;
	for (pid_t pid = 1; pid < 20; pid++) {
		fake.is_alive[pid] = true;
		add_to_proc(pid, 100 + (unsigned int)pid);
	}
	return t;
}

static void end(struct tasks *t)
{
	tasks_destroy(t);
	remove_below(fake.proc, "");
	for (size_t i = 0; i < fake.n_handles; i++) /* none was left open */
		assert_int_equal(fcntl(fake.handles[i].fd, F_GETFD), -1);
}

static void run(struct tasks *t, struct findings *f)
{
	fake.n_pauses = 0;
	assert_int_equal(tasks_begin(t, true), 1);
	assert_true(tasks_step(t, f));
	assert_false(tasks_step(t, f));
}

static void hide_at_start(void)
{
	fake.is_alive[77] = true;
}

static void hide_from_kill(void)
{
	fake.unknown[7] = 1u << TASK_KILL;
}

static void hide_from_all(void)
{
	fake.unknown[7] = 0xff;
}

static void one_call_alone_knows(void)
{
	fake.is_alive[77] = true;
	fake.unknown[77] = 0xff & ~(1u << TASK_AFFINITY);
}

static void thread_without_name(void)
{
	fake.is_alive[77] = fake.is_thread[77] = true;
}

static void nothing_over_its_folder(void)
{
	remove_from_proc(7);
	write_below(fake.proc, "7/bait", "");
}

static void another_over_its_folder(void)
{
	write_below(fake.proc, "7/stat",
		    "1 (init) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 5 20\n");
}

/* Out of the table of process ids: the list goes by that of thread groups. */
static void nothing_but_the_list(void)
{
	nothing_over_its_folder();
	hide_from_all();
}

static void be_known_in_time(unsigned int n)
{
	if (n == 2)
		fake.unknown[7] = 0;
}

static void uncover_in_time(unsigned int n)
{
	if (n == 2)
		add_to_proc(7, 107);
}

static void die_covered(unsigned int n)
{
	if (n == 2)
		fake.is_alive[7] = false;
}

static void list_in_time(unsigned int n)
{
	if (n == 2)
		add_to_proc(77, 900);
}

static void die_in_time(unsigned int n)
{
	if (n == 1)
		fake.is_alive[77] = false;
}

static void vanish_in_time(unsigned int n)
{
	if (n == 2)
		remove_from_proc(7);
}

static void be_another_in_time(unsigned int n)
{
	if (n == 1)
		add_to_proc(7, 999);
}

#define HIDDEN_77                                                  \
	"process_hidden pid=77 missing=proc_list,proc_name "       \
	"seen=kill,getpgid,getsid,getpriority,sched_getscheduler," \
	"sched_getaffinity,ioprio_get\n"
#define COVERED_7                                                \
	"process_hidden pid=7 missing=proc_name seen=proc_list," \
	"kill,getpgid,getsid,getpriority,sched_getscheduler,"    \
	"sched_getaffinity,ioprio_get\n"
#define FACTS_7 "process_hidden pid=7 comm=a) b uid=1000 start_ms=1070 "

static const struct task_case {
	const char *name;
	void (*prepare)(void);
	void (*at_pause)(unsigned int n);
	const char *want;
} cases[] = {
	{ "nothing hidden", NULL, NULL, "" },
	{ "not in the list", hide_at_start, NULL, HIDDEN_77 },
	{ "listed late", hide_at_start, list_in_time, "" },
	{ "gone", hide_at_start, die_in_time, "" },
	{ "kill does not know it", hide_from_kill, NULL,
	  FACTS_7 "missing=kill seen=proc_list,proc_name,getpgid,getsid,getpriority,"
		  "sched_getscheduler,sched_getaffinity,ioprio_get\n" },
	{ "no call knows it", hide_from_all, NULL,
	  FACTS_7 "missing=kill,getpgid,getsid,getpriority,sched_getscheduler,"
		  "sched_getaffinity,ioprio_get seen=proc_list,proc_name\n" },
	{ "no call knows it, and it goes", hide_from_all, vanish_in_time, "" },
	{ "another with the same number", hide_from_all, be_another_in_time, "" },
	{ "one call alone knows it", one_call_alone_knows, NULL,
	  "process_hidden pid=77 missing=proc_list,proc_name,kill,getpgid,getsid,"
	  "getpriority,sched_getscheduler,ioprio_get seen=sched_getaffinity\n" },
	{ "a thread without a name", thread_without_name, NULL, HIDDEN_77 },
	{ "a thread that ends", thread_without_name, die_in_time, "" },
	{ "nothing over its folder", nothing_over_its_folder, NULL, COVERED_7 },
	{ "another over its folder", another_over_its_folder, NULL, COVERED_7 },
	{ "nothing but the list knows it", nothing_but_the_list, NULL,
	  "process_hidden pid=7 missing=proc_name,kill,getpgid,getsid,getpriority,"
	  "sched_getscheduler,sched_getaffinity,ioprio_get seen=proc_list\n" },
	{ "nothing but the list, and it goes", nothing_but_the_list, vanish_in_time, "" },
	{ "nothing but the list, for a while", nothing_but_the_list, be_known_in_time,
	  "" },
	{ "uncovered", nothing_over_its_folder, uncover_in_time, "" },
	{ "covered, and it goes", another_over_its_folder, die_covered, "" },
};

static void test_rounds(void **state)
{
	static struct findings f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tasks *t = begin();
		uint64_t id;

		if (cases[i].prepare)
			cases[i].prepare();
		fake.at_pause = cases[i].at_pause;
		run(t, &f);
		id = f.items[0].id;
		expect_findings(cases[i].name, &f, cases[i].want);
		fake.at_pause = NULL;
		if (*cases[i].want) { /* the same one again, by its id */
			run(t, &f);
			assert_int_equal(f.items[0].id, id);
			expect_findings(cases[i].name, &f, cases[i].want);
		}
		end(t);
	}
}

static void test_storm(void **state)
{
	static struct findings f;
	struct tasks *t = begin();

	(void)state;
	for (pid_t pid = 100; pid < 350; pid++) /* all born after the list was read */
		fake.is_alive[pid] = true;
	fake.at_pause = NULL;
	tasks_begin(t, true);
	for (pid_t pid = 100; pid < 350; pid++)
		add_to_proc(pid, 5);
	assert_true(tasks_step(t, &f));
	expect_findings("storm", &f, "");
	assert_int_equal(fake.n_pauses, 0);
	end(t);
}

static void test_range(void **state)
{
	struct tasks *t = begin();

	(void)state;
	write_below(fake.proc, "sys/kernel/pid_max", "4194304\n");
	assert_int_equal(tasks_begin(t, true), 16);
	assert_int_equal(tasks_begin(t, false), 1); /* 4711 forks so far */
	write_below(fake.proc, "stat", "cpu 1\nprocesses 9999999\n");
	assert_int_equal(tasks_begin(t, false), 16);
	write_below(fake.proc, "stat", "none\n");
	assert_int_equal(tasks_begin(t, false), 16);
	end(t);
}

static void test_other_namespace(void **state)
{
	_cleanup_buffer_ struct buffer reason = { 0 };
	struct tasks *t = begin();

	(void)state;
	end(t);
	(void)snprintf(fake.proc, sizeof(fake.proc), "/tmp/lksm-test-XXXXXX");
	assert_non_null(mkdtemp(fake.proc));
	write_below(fake.proc, "self/status", "Pid:\t300\nNSpid:\t300\t1\n");
	fake.is_created = false;
	assert_int_equal(tasks_create(fake.proc, &calls, &t, &reason), -EOPNOTSUPP);
	expect_span("namespace", "reason", buffer_span(&reason),
		    SPAN("/proc is that of another PID namespace"));
	remove_below(fake.proc, "");
}

static void test_no_proc(void **state)
{
	_cleanup_buffer_ struct buffer reason = { 0 };
	struct tasks *t = NULL;

	(void)state;
	assert_int_equal(tasks_create("/nowhere", &calls, &t, &reason), -EOPNOTSUPP);
	expect_span("no /proc", "reason", buffer_span(&reason),
		    SPAN("/nowhere: No such file or directory"));
}

static int no_hold(void *context, pid_t pid)
{
	(void)context, (void)pid;
	return -ENOSYS;
}

static void test_no_pidfd(void **state)
{
	_cleanup_buffer_ struct buffer reason = { 0 };
	struct task_calls old = task_calls_kernel;
	struct tasks *t = NULL;

	(void)state;
	old.hold = no_hold;
	assert_int_equal(tasks_create("/proc", &old, &t, &reason), -EOPNOTSUPP);
	assert_true(reason.len > 0);
}

/* Ourselves, and a number that no process can have (PID_MAX_LIMIT is 4,194,304). */
static void test_the_kernel_itself(void **state)
{
	const struct task_calls *real = &task_calls_kernel;
	int handle;

	(void)state;
	for (int probe = 0; probe < TASK_PROBES; probe++) {
		expect_number("ourselves", "known",
			      real->probe(NULL, (enum task_probe)probe, getpid()), 0);
		expect_number("nobody", "known",
			      real->probe(NULL, (enum task_probe)probe, 4194305), -ESRCH);
	}
	handle = real->hold(NULL, getpid());
	if (handle == -ENOSYS)
		skip(); /* Linux before 5.3, Valgrind */
	assert_true(handle >= 0);
	assert_true(real->is_held(NULL, handle));
	(void)close(handle);
	assert_true(real->hold(NULL, 4194305) < 0);
}

/* Nothing is hidden in the numbers around our own; it takes three looks to say so. */
static void test_a_round_over_the_kernel(void **state)
{
	_cleanup_buffer_ struct buffer reason = { 0 };
	static struct findings f;
	struct tasks *t = NULL;
	int handle = task_calls_kernel.hold(NULL, getpid());

	(void)state;
	if (handle < 0)
		skip(); /* as above */
	(void)close(handle);
	assert_int_equal(tasks_create("/proc", &task_calls_kernel, &t, &reason), 0);
	assert_true(tasks_begin(t, false) >= 1);
	while (tasks_step(t, &f))
		;
	expect_findings("the kernel", &f, "");
	tasks_destroy(t);
}

static const struct parse_case {
	const char *name, *in;
	int want;
	uint64_t value;
} stat_cases[] = {
	{ "usual", "1 (a) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 4711 5", 0, 4711 },
	{ "name with all",
	  "1 (a) S (\n) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 4711 5", 0, 4711 },
	{ "too short", "1 (a) S 1 1", -EBADMSG, 0 },
	{ "no name", "1 S 1 1", -EBADMSG, 0 },
	{ "not a number", "1 (a) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 x", -EBADMSG, 0 },
	{ "empty", "", -EBADMSG, 0 },
}, status_cases[] = {
	{ "usual", "Name:\tx\nTgid:\t5\nPid:\t6\nUid:\t0\t0\t0\t0\n", 0, 5 },
	{ "escaped name", "Name:\tx\\nTgid:\t7\nTgid:\t5\nUid:\t0\t0\n", 0, 5 },
	{ "no uid", "Name:\tx\nTgid:\t5\n", -EBADMSG, 0 },
	{ "large", "Name:\tx\nTgid:\t99999999\nUid:\t0\n", -EBADMSG, 0 },
	{ "empty", "", -EBADMSG, 0 },
};

static void test_parse(void **state)
{
	struct task_facts facts;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stat_cases); i++) {
		const struct parse_case *c = &stat_cases[i];

		facts = (struct task_facts){ 0 };
		expect_number(c->name, "result",
			      task_parse_stat(span_from(c->in), &facts), c->want);
		expect_number(c->name, "start", (int64_t)facts.start, (int64_t)c->value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(status_cases); i++) {
		const struct parse_case *c = &status_cases[i];

		facts = (struct task_facts){ 0 };
		expect_number(c->name, "result",
			      task_parse_status(span_from(c->in), &facts), c->want);
		if (!c->want)
			expect_number(c->name, "tgid", facts.tgid, (int64_t)c->value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_other_namespace),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_no_proc),
		cmocka_unit_test(test_no_pidfd),
		cmocka_unit_test(test_the_kernel_itself),
		cmocka_unit_test(test_a_round_over_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
