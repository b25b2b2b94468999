// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bug planted for the debug kernel to find: reads memory that was freed.
 */
#include <linux/module.h>
#include <linux/slab.h>

static int __init planted_init(void)
{
	int *number = kmalloc(sizeof(*number), GFP_KERNEL);

	if (!number)
		return -ENOMEM;
	WRITE_ONCE(*number, 1);
	kfree(number);
	OPTIMIZER_HIDE_VAR(number);
	return READ_ONCE(*number) == 2 ? -EINVAL : 0;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: reads freed memory");
