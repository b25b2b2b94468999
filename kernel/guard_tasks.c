// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tasks: who cannot be killed, whose rights are not those that the kernel gave, and which
 * kernel threads run code that is not the kernel's. Words are what must not be; that it is
 * told once, compare makes sure. All tasks are walked by their numbers, some at a time.
 *
 * Work items come and go. One that was seen is taken to be there for some time, or a
 * driver that queues its work again and again would be told as often.
 */
#include "guard.h"

#include <linux/errno.h>
#include <linux/idr.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "tasks.h"

/* Tasks at a time, so that nobody waits long */
#define SLICE	     128
#define FINDINGS_MAX 128
#define KEEP_JIFFIES (600 * HZ)

/*
 * @key: the word's
 * @seen: jiffies
 * @module: whose the address was
 */
struct finding {
	unsigned long key;
	enum finding_kind kind;
	struct task_name name;
	unsigned long address;
	unsigned long seen;
	char module[MODULE_NAME_LEN];
};

static struct {
	struct finding *now; /* FINDINGS_MAX of them */
	struct finding *before;
	size_t n_now;
	size_t n_before;
} state;

static int tasks_start(void)
{
	state.now = kvcalloc(FINDINGS_MAX, sizeof(*state.now), GFP_KERNEL);
	state.before = kvcalloc(FINDINGS_MAX, sizeof(*state.before), GFP_KERNEL);
	if (state.now && state.before)
		return known_creds_start();
	kvfree(state.now);
	kvfree(state.before);
	return -ENOMEM;
}

static void tasks_stop(void)
{
	known_creds_stop();
	kvfree(state.now);
	kvfree(state.before);
}

void task_name_set(struct task_name *to, const struct task_struct *task)
{
	to->pid = task->pid;
	/* May be changed meanwhile: the last byte is never anything but a NUL. */
	memcpy(to->comm, task->comm, sizeof(to->comm));
	to->comm[sizeof(to->comm) - 1] = '\0';
}

static struct finding *find(struct finding *findings, size_t n, unsigned long key)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (findings[i].key == key)
			return &findings[i];
	}
	return NULL;
}

/* Threads of drivers may be many: they leave room for what is worse. */
static size_t room_for(unsigned long address)
{
	return address ? FINDINGS_MAX / 2 : FINDINGS_MAX;
}

void tasks_found(enum finding_kind kind, const void *what, const struct task_name *name,
		 unsigned long address)
{
	unsigned long key = guard_member_key(kind, what, 0);

	if (state.n_now >= room_for(address) || find(state.now, state.n_now, key))
		return;
	state.now[state.n_now++] = (struct finding){
		.key = key,
		.kind = kind,
		.name = *name,
		.address = address,
		.seen = jiffies,
	};
}

/* The first process of a namespace is as the kernel made it: its number is 1 there. */
static bool is_first_process(const struct task_struct *task)
{
	const struct pid *pid = task_tgid((struct task_struct *)task);

	return !pid || pid->numbers[pid->level].nr == 1;
}

static void look_at_flags(const struct task_struct *task)
{
	struct task_name name;

	if (!(READ_ONCE(task->signal->flags) & SIGNAL_UNKILLABLE) ||
	    is_first_process(task))
		return;
	task_name_set(&name, task);
	tasks_found(FOUND_UNKILLABLE, task->signal, &name, 0);
}

/* Return: whether there is room for what another one may have */
static bool look(struct task_struct *task)
{
	known_creds_look(task);
	if (thread_group_leader(task))
		look_at_flags(task);
	/* A process may carry the flag for no good reason. */
	return !(task->flags & PF_KTHREAD) || foreign_threads_look(task);
}

/* Return: the number to go on with, or 0 after the last one */
static int walk_slice(int number)
{
	struct task_struct *task;
	struct pid *pid = NULL;
	bool is_room = true;
	size_t i;

	rcu_read_lock();
	for (i = 0; is_room && i < SLICE; i++, number++) {
		pid = idr_get_next(&init_pid_ns.idr, &number);
		if (!pid)
			break;
		task = pid_task(pid, PIDTYPE_PID);
		if (task)
			is_room = look(task);
	}
	rcu_read_unlock();
	return pid ? number : 0;
}

static void walk(bool is_deep)
{
	int number = 1;

	known_creds_begin();
	foreign_threads_begin(is_deep);
	do {
		number = walk_slice(number);
		foreign_threads_judge();
		cond_resched();
	} while (number);
	known_creds_end();
}

/* Is it of a kind that may not be seen now though it is still there? */
static bool is_to_be_kept(const struct finding *finding)
{
	struct owner owner;

	if (finding->kind != FOUND_WORK && finding->kind != FOUND_STACK)
		return false;
	if (time_after(jiffies, finding->seen + KEEP_JIFFIES))
		return false;
	owner_find(finding->address, &owner);
	return !strcmp(owner.module, finding->module);
}

static void keep_some(void)
{
	const struct finding *finding;
	size_t i;

	for (i = 0; i < state.n_before; i++) {
		finding = &state.before[i];
		if (state.n_now < room_for(finding->address) &&
		    !find(state.now, state.n_now, finding->key) && is_to_be_kept(finding))
			state.now[state.n_now++] = *finding;
	}
}

static void tasks_visit(struct guard_visit *visit)
{
	enum guard_occasion occasion = guard_occasion(visit);
	struct finding *finding;
	struct owner owner;
	size_t i;

	swap(state.before, state.now);
	state.n_before = state.n_now;
	state.n_now = 0;
	walk(occasion != GUARD_COMING && occasion != GUARD_INIT &&
	     occasion != GUARD_UNLOAD);
	keep_some();
	for (i = 0; i < state.n_now; i++) {
		finding = &state.now[i];
		if (finding->address && !finding->module[0]) {
			owner_find(finding->address, &owner);
			strscpy(finding->module, owner.module, sizeof(finding->module));
		}
		guard_word(visit, finding->key, finding->address);
	}
}

static const char *how_of(enum finding_kind kind)
{
	static const char *const names[FOUND_KIND_COUNT] = {
		[FOUND_CREDS_IN_PLACE] = "in_place",
		[FOUND_CREDS_INIT] = "init_cred",
		[FOUND_CREDS_SHARED] = "shared",
		[FOUND_THREAD] = "thread",
		[FOUND_WORK] = "work",
		[FOUND_STACK] = "call",
	};

	return names[kind];
}

static void tasks_report(const struct guard_change *change)
{
	const struct finding *finding = find(state.now, state.n_now, change->key);
	char name[4 * TASK_COMM_LEN + 16];

	if (!change->is_new || !finding)
		return;
	emit_quote(name, sizeof(name), finding->name.comm);
	switch (finding->kind) {
	case FOUND_UNKILLABLE:
		guard_print(change, NULL, EMIT_CRITICAL, "task_tampered",
			    " task=%d name=%s flag=SIGNAL_UNKILLABLE", finding->name.pid,
			    name);
		break;
	case FOUND_CREDS_IN_PLACE:
	case FOUND_CREDS_INIT:
	case FOUND_CREDS_SHARED:
		guard_print(change, NULL, EMIT_CRITICAL, "creds_changed",
			    " task=%d name=%s how=%s", finding->name.pid, name,
			    how_of(finding->kind));
		break;
	case FOUND_THREAD:
	case FOUND_WORK:
	case FOUND_STACK:
		guard_print_target(change, EMIT_INFO, "foreign_thread",
				   " task=%d name=%s how=%s", finding->name.pid, name,
				   how_of(finding->kind));
		break;
	case FOUND_KIND_COUNT:
		break;
	}
}

const struct guard guard_tasks = {
	.name = "tasks",
	.start = tasks_start,
	.stop = tasks_stop,
	.visit = tasks_visit,
	.report = tasks_report,
};
