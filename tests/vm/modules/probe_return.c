// SPDX-License-Identifier: GPL-2.0-only
/*
 * For the VM tests: a kretprobe, which passes through register_kprobe() too; on a function
 * that nobody runs meanwhile, for an emulator is not exact about code that is patched while
 * another processor runs it.
 */
#include <linux/kprobes.h>
#include <linux/module.h>

static int on_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return 0;
}

static struct kretprobe probe = {
	.kp.symbol_name = "vfs_fallocate",
	.handler = on_return,
	.maxactive = 16,
};

static int __init probe_return_init(void)
{
	return register_kretprobe(&probe);
}

static void __exit probe_return_exit(void)
{
	unregister_kretprobe(&probe);
}

module_init(probe_return_init);
module_exit(probe_return_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: a kretprobe");
