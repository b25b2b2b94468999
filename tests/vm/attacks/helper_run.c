// SPDX-License-Identifier: GPL-2.0-only
/* Has the kernel start a program as root. */
#include <linux/umh.h>

#include "attack.h"

static char *path = "/bin/true";
module_param(path, charp, 0);

static int change(void)
{
	char *argv[] = { path, NULL };
	char *envp[] = { "PATH=/bin", NULL };

	return call_usermodehelper(path, argv, envp, UMH_WAIT_EXEC);
}

static void restore(void)
{
}

ATTACK(change, restore, "a program that the kernel starts");
