// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bug planted for the debug kernel to find: forgets a page, which kmemleak does not see.
 */
#include <linux/gfp.h>
#include <linux/module.h>

static int __init planted_init(void)
{
	return alloc_page(GFP_KERNEL) ? 0 : -ENOMEM;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: leaks a page");
