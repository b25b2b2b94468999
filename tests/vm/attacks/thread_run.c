// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code that goes on running: a kernel thread named like one of the kernel's (kind=thread),
 * a work item (kind=work), or a thread whose code lies in memory that no module owns
 * (kind=orphan).
 */
#include <linux/kthread.h>

#include "attack.h"
#include "orphan.h"

static char *kind = "thread";
module_param(kind, charp, 0);

static struct task_struct *thread;
static bool is_enough;

static int idle(void *unused)
{
	while (!kthread_should_stop())
		msleep(100);
	return 0;
}

static void work_run(struct work_struct *unused)
{
	while (!READ_ONCE(is_enough))
		msleep(100);
}

static DECLARE_WORK(work, work_run);

/* The same as idle(), at any address: the called functions are told as whole numbers. */
static int (*make_orphan(void))(void *)
{
	static const u8 template[] = {
		0x53,		     /* push %rbx, which aligns the stack */
		0xbf, 100,  0, 0, 0, /* 1: mov $100, %edi */
		0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, /* mov $msleep, %rax */
		0xff, 0xd0,			    /* call *%rax */
		0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, /* mov $kthread_should_stop, %rax */
		0xff, 0xd0,			    /* call *%rax */
		0x84, 0xc0,			    /* test %al, %al */
		0x74, 0xdf,			    /* jz 1b */
		0x31, 0xc0,			    /* xor %eax, %eax */
		0x5b, 0xc3,			    /* pop %rbx, ret */
	};
	unsigned long sleep = (unsigned long)msleep;
	unsigned long should_stop = (unsigned long)kthread_should_stop;
	u8 *code = orphan_alloc();

	if (!code)
		return NULL;
	memcpy(code, template, sizeof(template));
	memcpy(code + 8, &sleep, sizeof(sleep));
	memcpy(code + 20, &should_stop, sizeof(should_stop));
	return orphan_protect(code) ? NULL : (void *)code;
}

static int change(void)
{
	int (*function)(void *) = idle;

	if (!strcmp(kind, "work"))
		return schedule_work(&work) ? 0 : -EBUSY;
	if (!strcmp(kind, "orphan"))
		function = make_orphan();
	if (!function)
		return -ENOMEM;
	thread = kthread_run(function, NULL, "kworker/7:%d", 2);
	return PTR_ERR_OR_ZERO(thread);
}

static void restore(void)
{
	WRITE_ONCE(is_enough, true);
	cancel_work_sync(&work);
	if (thread)
		kthread_stop(thread);
}

ATTACK(change, restore, "code that goes on running");
