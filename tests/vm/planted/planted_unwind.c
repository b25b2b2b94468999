// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bug planted for the debug kernel to find: when its second allocation fails, the first
 * is forgotten. Only an injected failure shows it.
 */
#include <linux/module.h>
#include <linux/slab.h>

static void *first;
static void *second;

static int __init planted_init(void)
{
	first = kmalloc(200, GFP_KERNEL);
	if (!first)
		return -ENOMEM;
	second = kmalloc(200, GFP_KERNEL);
	return second ? 0 : -ENOMEM;
}

static void __exit planted_exit(void)
{
	kfree(second);
	kfree(first);
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: leaks when memory is short");
