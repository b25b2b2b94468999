// SPDX-License-Identifier: GPL-2.0-only
/* Makes a process deaf to all signals, as only the first process is. */
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "attack.h"

static int pid;
module_param(pid, int, 0);

static struct task_struct *task;

static int change(void)
{
	struct pid *found = find_get_pid(pid);

	task = found ? get_pid_task(found, PIDTYPE_PID) : NULL;
	put_pid(found);
	if (!task)
		return -ESRCH;
	task->signal->flags |= SIGNAL_UNKILLABLE;
	return 0;
}

static void restore(void)
{
	task->signal->flags &= ~SIGNAL_UNKILLABLE;
	put_task_struct(task);
}

ATTACK(change, restore, "a process that nothing kills");
