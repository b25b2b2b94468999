// SPDX-License-Identifier: GPL-2.0-only
/*
 * For the VM tests: a kprobe by address: of the parameters, or of a function of this
 * module. A failure is what some steps want, and not the module's.
 */
#include <linux/kprobes.h>
#include <linux/module.h>

static unsigned long address;
module_param(address, ulong, 0);
static unsigned int offset;
module_param(offset, uint, 0);

static noinline void probed_here(void)
{
	barrier();
}

static struct kprobe probe;
static bool is_registered;

static int __init probe_address_init(void)
{
	probe.addr = (kprobe_opcode_t *)(address ? address : (unsigned long)probed_here);
	probe.offset = offset;
	is_registered = !register_kprobe(&probe);
	probed_here();
	return 0;
}

static void __exit probe_address_exit(void)
{
	if (is_registered)
		unregister_kprobe(&probe);
}

module_init(probe_address_init);
module_exit(probe_address_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: a kprobe by address");
