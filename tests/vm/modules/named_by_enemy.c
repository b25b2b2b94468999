// SPDX-License-Identifier: GPL-2.0-only
/* For the VM tests: does nothing; its name is changed in the finished file. */
#include <linux/module.h>

static int __init named_by_enemy_init(void)
{
	return 0;
}

static void __exit named_by_enemy_exit(void)
{
}

module_init(named_by_enemy_init);
module_exit(named_by_enemy_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: a module without a purpose");
