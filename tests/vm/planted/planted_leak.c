// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bug planted for the debug kernel to find: forgets 20 pieces of memory.
 */
#include <linux/module.h>
#include <linux/slab.h>

static int __init planted_init(void)
{
	for (int i = 0; i < 20; i++) {
		char *text = kmalloc(200, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(text);
	}
	return 0;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: leaks memory");
