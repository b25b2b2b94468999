// SPDX-License-Identifier: GPL-2.0-only
/*
 * For the VM tests: registrations by the thousand. With n_threads=1 they are for an
 * address that is nobody's, and fail faster than anything can be printed; with more,
 * they succeed and meet each other.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

static unsigned int n_threads = 1;
module_param(n_threads, uint, 0);
static unsigned int n_rounds = 100;
module_param(n_rounds, uint, 0);

static struct task_struct *threads[32];
static atomic_t n_done;

static int register_many(void *unused)
{
	unsigned int i;

	for (i = 0; i < n_rounds; i++) {
		struct kprobe probe = {};

		if (n_threads == 1)
			probe.addr = (kprobe_opcode_t *)0x1000;
		else
			probe.symbol_name = "commit_creds";

		if (!register_kprobe(&probe))
			unregister_kprobe(&probe);
		cond_resched();
	}
	atomic_inc(&n_done);
	/* Joined by kthread_stop(), so that no thread outlives the module's code. */
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int __init probe_flood_init(void)
{
	unsigned int i, n = min_t(unsigned int, n_threads, ARRAY_SIZE(threads));
	int n_running = 0;

	for (i = 0; i < n; i++) {
		threads[i] = kthread_create(register_many, NULL, "flood/%u", i);
		if (IS_ERR(threads[i]))
			continue;
		n_running++;
		wake_up_process(threads[i]);
	}
	/* A thread that is stopped before it began would do nothing. */
	while (atomic_read(&n_done) < n_running)
		schedule_timeout_interruptible(1);
	for (i = 0; i < n; i++) {
		if (!IS_ERR(threads[i]))
			kthread_stop(threads[i]);
	}
	return 0;
}

static void __exit probe_flood_exit(void)
{
}

module_init(probe_flood_init);
module_exit(probe_flood_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: very many kprobes");
