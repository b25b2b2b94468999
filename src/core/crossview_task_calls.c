// SPDX-License-Identifier: Apache-2.0
/* The kernel's own answers about processes: task_calls_kernel of crossview_tasks.h. */
#include "core/crossview_tasks.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int ask(enum task_probe probe, pid_t pid)
{
	unsigned long cpus[128];

	switch (probe) {
	case TASK_KILL:
		return kill(pid, 0);
	case TASK_GETPGID:
		return getpgid(pid) < 0 ? -1 : 0;
	case TASK_GETSID:
		return getsid(pid) < 0 ? -1 : 0;
	case TASK_PRIORITY:
		return syscall(SYS_getpriority, PRIO_PROCESS, pid) < 0 ? -1 : 0;
	case TASK_SCHEDULER:
		return sched_getscheduler(pid) < 0 ? -1 : 0;
	case TASK_AFFINITY:
		return syscall(SYS_sched_getaffinity, pid, sizeof(cpus), cpus) < 0 ? -1
										   : 0;
	case TASK_IOPRIO:
		return syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid) < 0 ? -1 : 0;
	case TASK_PROBES:
		break;
	}
	errno = EINVAL;
	return -1;
}

static int kernel_probe(void *context, enum task_probe probe, pid_t pid)
{
	(void)context;
	if (ask(probe, pid) == 0 || errno == EPERM || errno == EACCES)
		return 0; /* who may not ask is told that it is there */
	return -errno;
}

static int kernel_hold(void *context, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	(void)context;
	return fd < 0 ? -errno : fd;
}

static bool kernel_is_held(void *context, int handle)
{
	(void)context;
	return syscall(SYS_pidfd_send_signal, handle, 0, NULL, 0) == 0 || errno == EPERM;
}

static void kernel_pause(void *context)
{
	(void)context;
	crossview_pause();
}

const struct task_calls task_calls_kernel = {
	.probe = kernel_probe,
	.hold = kernel_hold,
	.is_held = kernel_is_held,
	.pause = kernel_pause,
};
