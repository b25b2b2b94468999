// SPDX-License-Identifier: GPL-2.0-only
/*
 * For the VM tests: a function that the sensor probes is called `rate` times a second, by
 * one thread for each processor, from the load to the unload of this module, which says how
 * often it was. The call is one that the kernel refuses at once.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/livepatch.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#define THREADS_MAX 8
#define PAUSE_US    500

static unsigned int rate = 100000;
module_param(rate, uint, 0);

static struct task_struct *threads[THREADS_MAX];
static unsigned int n_threads;
static atomic_long_t n_hits;
static u64 start_ns;

static void hit(void)
{
	struct klp_patch nothing = {};

	(void)klp_enable_patch(&nothing); /* -EINVAL */
	atomic_long_inc(&n_hits);
}

/* Return: how many calls of one thread are due by now */
static u64 n_due(void)
{
	return div_u64((ktime_get_ns() - start_ns) / NSEC_PER_USEC * rate,
		       n_threads * USEC_PER_SEC);
}

static int storm(void *unused)
{
	u64 n = 0;

	while (!kthread_should_stop()) {
		for (; n < n_due() && !kthread_should_stop(); n++) {
			hit();
			cond_resched();
		}
		usleep_range(PAUSE_US, 2 * PAUSE_US);
	}
	return 0;
}

static void stop_threads(void)
{
	unsigned int i;

	for (i = 0; i < n_threads; i++) {
		if (threads[i])
			kthread_stop(threads[i]);
	}
}

static int __init probe_storm_init(void)
{
	unsigned int i;

	n_threads = min_t(unsigned int, num_online_cpus(), THREADS_MAX);
	start_ns = ktime_get_ns();
	for (i = 0; i < n_threads; i++) {
		struct task_struct *thread = kthread_run(storm, NULL, "storm/%u", i);

		if (IS_ERR(thread)) {
			stop_threads();
			return PTR_ERR(thread);
		}
		threads[i] = thread;
	}
	return 0;
}

static void __exit probe_storm_exit(void)
{
	u64 seconds;

	stop_threads();
	seconds = max_t(u64, 1, div_u64(ktime_get_ns() - start_ns, NSEC_PER_SEC));
	pr_info("probe_storm: hits=%ld in %llu s\n", atomic_long_read(&n_hits), seconds);
}

module_init(probe_storm_init);
module_exit(probe_storm_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: a storm of hits of a probe");
