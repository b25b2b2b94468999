// SPDX-License-Identifier: GPL-2.0-only
/* For the VM tests: several kprobes by one call. */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static struct kprobe first = { .symbol_name = "begin_new_exec" };
static struct kprobe second = { .symbol_name = "kallsyms_lookup_name" };
static struct kprobe third = { .symbol_name = "commit_creds" };
static struct kprobe *probes[] = { &first, &second, &third };

static int __init probe_array_init(void)
{
	return register_kprobes(probes, ARRAY_SIZE(probes));
}

static void __exit probe_array_exit(void)
{
	unregister_kprobes(probes, ARRAY_SIZE(probes));
}

module_init(probe_array_init);
module_exit(probe_array_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: an array of kprobes");
