// SPDX-License-Identifier: GPL-2.0-only
/* For the VM tests: an ordinary kprobe by name. */
#include <linux/kprobes.h>
#include <linux/module.h>

static struct kprobe probe = { .symbol_name = "do_init_module" };

static int __init probe_init_module_init(void)
{
	return register_kprobe(&probe);
}

static void __exit probe_init_module_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(probe_init_module_init);
module_exit(probe_init_module_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: a kprobe on do_init_module");
