// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bug planted for the debug kernel to find: a probe's handler takes a mutex, which may
 * sleep. Nobody else holds it, so nothing but the checker notices.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>

static DEFINE_MUTEX(mutex);

static noinline void probed_here(void)
{
	barrier();
}

static int on_hit(struct kprobe *probe, struct pt_regs *regs)
{
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	return 0;
}

static struct kprobe probe = {
	.addr = (kprobe_opcode_t *)probed_here,
	.pre_handler = on_hit,
};

static int __init planted_init(void)
{
	int r = register_kprobe(&probe);

	if (!r)
		probed_here();
	return r;
}

static void __exit planted_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: sleeps in a probe's handler");
