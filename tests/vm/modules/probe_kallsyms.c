// SPDX-License-Identifier: GPL-2.0-only
/* For the VM tests: what rootkits do first, a kprobe on kallsyms_lookup_name. */
#include <linux/kprobes.h>
#include <linux/module.h>

static struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };

static int __init probe_kallsyms_init(void)
{
	return register_kprobe(&probe);
}

static void __exit probe_kallsyms_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(probe_kallsyms_init);
module_exit(probe_kallsyms_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: a kprobe on kallsyms_lookup_name");
