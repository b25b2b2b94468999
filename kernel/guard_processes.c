// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that some of the kernel's lists have and others do not. Each process is in the
 * list of all tasks, stands behind its number as a task and as a group of threads, and is a
 * child of somebody's; it enters and leaves them all in one critical section.
 *
 * The lists are walked one after the other, so what is just coming or going may seem to be
 * missing in one: it is looked for again, some times. Most times a sum over each list tells
 * that nothing is missing, and no memory is needed.
 */
#include "guard.h"

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/idr.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "tasks.h"

/* RCU is left for a moment after so many steps. */
#define SLICE_STEPS   512
#define LOOKS	      4
#define LOOK_PAUSE_US 4000
#define HIDDEN_MAX    1024
/* Entries of all lists together, with what comes while they are walked */
#define SPARE_ENTRIES 1024

enum list {
	TASKS,
	PIDS,
	TGIDS,
	CHILDREN,
	LIST_COUNT
};

#define ALL_LISTS (BIT(LIST_COUNT) - 1)

static const char *const list_names[LIST_COUNT] = {
	[TASKS] = "tasks",
	[PIDS] = "pids",
	[TGIDS] = "tgids",
	[CHILDREN] = "children",
};

/*
 * a process in lists
 * @task: its identity only: it may be gone
 */
struct process {
	const struct task_struct *task;
	struct task_name name;
	unsigned int lists;
};

/*
 * one walk over all lists
 * @process: room for @n_max, or NULL: the sums only
 */
struct walk {
	struct process *process;
	size_t n, n_max;
	size_t count[LIST_COUNT];
	unsigned long sum[LIST_COUNT];
};

static struct symbol_wanted wanted = { .name = "tasklist_lock" };

/* what the last visit found */
static struct {
	size_t n;
	struct process hidden[HIDDEN_MAX];
} state;

static void add(struct walk *walk, enum list list, const struct task_struct *task)
{
	struct process *to;

	walk->count[list]++;
	walk->sum[list] += hash_long((unsigned long)task, BITS_PER_LONG);
	if (!walk->process || walk->n == walk->n_max)
		return;
	to = &walk->process[walk->n++];
	to->task = task;
	to->lists = BIT(list);
	task_name_set(&to->name, task);
}

/* Under RCU. */
static void add_children_of(struct walk *walk, const struct task_struct *parent)
{
	rwlock_t *lock = (void *)wanted.address;
	const struct task_struct *child;

	if (list_empty(&parent->children))
		return;
	read_lock(lock);
	list_for_each_entry(child, &parent->children, sibling) add(walk, CHILDREN, child);
	read_unlock(lock);
}

/*
 * Leaves RCU for a moment, and comes back to @task if it is still in its lists. It is held
 * meanwhile.
 */
static bool breathe(struct task_struct *task)
{
	bool is_there;

	get_task_struct(task);
	rcu_read_unlock();
	cond_resched();
	rcu_read_lock();
	is_there = pid_alive(task);
	put_task_struct(task);
	return is_there;
}

/* Return: -EAGAIN if the way was lost */
static int walk_tasks(struct walk *walk)
{
	struct task_struct *process, *thread;
	size_t n = 0;
	int r = 0;

	rcu_read_lock();
	add_children_of(walk, &init_task);
	for_each_process(process)
	{
		add(walk, TASKS, process);
		for_each_thread(process, thread) add_children_of(walk, thread);
		if (++n % SLICE_STEPS == 0 && !breathe(process)) {
			r = -EAGAIN;
			break;
		}
	}
	rcu_read_unlock();
	return r;
}

static void add_number(struct walk *walk, struct pid *pid)
{
	const struct task_struct *task = pid_task(pid, PIDTYPE_PID);
	const struct task_struct *group = pid_task(pid, PIDTYPE_TGID);

	if (task && thread_group_leader((struct task_struct *)task))
		add(walk, PIDS, task);
	if (group)
		add(walk, TGIDS, group);
}

static void walk_numbers(struct walk *walk)
{
	struct pid *pid;
	int number = 1;
	size_t n = 0;

	rcu_read_lock();
	while ((pid = idr_get_next(&init_pid_ns.idr, &number))) {
		add_number(walk, pid);
		number++;
		if (++n % SLICE_STEPS)
			continue;
		rcu_read_unlock();
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
}

static int walk_all(struct walk *walk)
{
	int r = walk_tasks(walk);

	if (!r)
		walk_numbers(walk);
	return r;
}

static bool is_even(const struct walk *walk)
{
	enum list i;

	for (i = 1; i < LIST_COUNT; i++) {
		if (walk->count[i] != walk->count[0] || walk->sum[i] != walk->sum[0])
			return false;
	}
	return true;
}

static int compare_processes(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	if (x->task != y->task)
		return x->task < y->task ? -1 : 1;
	return x->name.pid - y->name.pid;
}

/* Makes one of all entries of a process, and keeps those that are not in all lists. */
static void keep_uneven(struct walk *walk)
{
	struct process *p = walk->process;
	size_t i, n = 0, kept = 0;

	sort(p, walk->n, sizeof(*p), compare_processes, NULL);
	for (i = 0; i < walk->n; i = n) {
		for (n = i + 1; n < walk->n && !compare_processes(&p[i], &p[n]); n++)
			p[i].lists |= p[n].lists;
		if (p[i].lists != ALL_LISTS)
			p[kept++] = p[i];
	}
	walk->n = kept;
}

/* What the last look found stays if this one found it as well. */
static void keep_again(const struct walk *walk)
{
	size_t i, at, n = 0;

	for (i = 0; i < state.n; i++) {
		for (at = 0; at < walk->n; at++) {
			if (!compare_processes(&state.hidden[i], &walk->process[at]))
				break;
		}
		if (at == walk->n)
			continue;
		state.hidden[n] = state.hidden[i];
		state.hidden[n++].lists |= walk->process[at].lists;
	}
	state.n = n;
}

static void look(struct walk *walk, bool is_first)
{
	walk->n = 0;
	if (walk_all(walk) || walk->n == walk->n_max) {
		state.n = 0; /* nothing is sure: the next visit comes */
		return;
	}
	keep_uneven(walk);
	if (!is_first) {
		keep_again(walk);
		return;
	}
	state.n = min_t(size_t, walk->n, HIDDEN_MAX);
	memcpy(state.hidden, walk->process, state.n * sizeof(*state.hidden));
}

/* @n: processes that there are, about */
static void look_closely(size_t n)
{
	struct walk walk = { .n_max = LIST_COUNT * n + SPARE_ENTRIES };
	size_t i;

	walk.process = kvmalloc_array(walk.n_max, sizeof(*walk.process), GFP_KERNEL);
	if (!walk.process)
		return;
	for (i = 0; i < LOOKS; i++) {
		if (i)
			usleep_range(LOOK_PAUSE_US, 2 * LOOK_PAUSE_US);
		look(&walk, !i);
		if (!state.n)
			break;
	}
	kvfree(walk.process);
}

static void processes_visit(struct guard_visit *visit)
{
	struct walk walk = { 0 };
	size_t i;

	state.n = 0;
	if (walk_all(&walk) || !is_even(&walk))
		look_closely(walk.count[TASKS]);
	for (i = 0; i < state.n; i++) {
		if (state.hidden[i].lists != ALL_LISTS)
			guard_word(visit, state.hidden[i].name.pid,
				   ALL_LISTS & ~state.hidden[i].lists);
	}
}

static const struct process *find_hidden(unsigned long pid)
{
	size_t i;

	for (i = 0; i < state.n; i++) {
		if (state.hidden[i].name.pid == (pid_t)pid)
			return &state.hidden[i];
	}
	return NULL;
}

static void processes_report(const struct guard_change *change)
{
	const struct process *process = find_hidden(change->key);
	char missing[64], name[4 * TASK_COMM_LEN + 16];

	/* It ended, or is in its lists again. */
	if (change->is_gone || !process)
		return;
	guard_name_bits(missing, sizeof(missing), change->new, list_names, LIST_COUNT);
	guard_print(change, NULL, EMIT_CRITICAL, "process_hidden",
		    " task=%d name=%s missing=%s", process->name.pid,
		    emit_quote(name, sizeof(name), process->name.comm), missing);
}

static int processes_start(void)
{
	return wanted.address ? 0 : -ENOENT;
}

const struct guard guard_processes = {
	.name = "processes",
	.wanted = &wanted,
	.n_wanted = 1,
	.start = processes_start,
	.visit = processes_visit,
	.report = processes_report,
};
