// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes one call in the middle of a kernel function: with to= it leads to that function,
 * else it is a nop. All of it stays within the kernel's own code. By default the security
 * modules are not told any more of a program that has been started.
 */
#include <linux/uaccess.h>

#include "attack.h"

static char *in = "begin_new_exec";
module_param(in, charp, 0);
static char *call = "security_bprm_committed_creds";
module_param(call, charp, 0);
static char *to = "";
module_param(to, charp, 0);

#define CALL_SIZE 5
#define REACH	  16384 /* of the function that is looked through, in bytes */

static const u8 nop[CALL_SIZE] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
static u8 old[CALL_SIZE];
static void *site;

static bool is_call(const u8 *bytes, unsigned long at, unsigned long target)
{
	s32 distance;

	memcpy(&distance, bytes + 1, sizeof(distance));
	return bytes[0] == 0xe8 && at + CALL_SIZE + distance == target;
}

static void *find_call(unsigned long function, unsigned long target)
{
	unsigned long at;

	for (at = function; at < function + REACH; at++) {
		if (!copy_from_kernel_nofault(old, (void *)at, sizeof(old)) &&
		    is_call(old, at, target))
			return (void *)at;
	}
	return NULL;
}

static int change(void)
{
	unsigned long function = attack_symbol(in), target = attack_symbol(call);
	unsigned long other = to[0] ? attack_symbol(to) : 0;
	u8 new[CALL_SIZE] = { 0xe8 };
	s32 distance;

	site = function && target ? find_call(function, target) : NULL;
	if (!site || (to[0] && !other))
		return -ESRCH;
	distance = other - ((unsigned long)site + CALL_SIZE);
	memcpy(new + 1, &distance, sizeof(distance));
	return attack_write(site, other ? new : nop, CALL_SIZE);
}

static void restore(void)
{
	attack_write(site, old, CALL_SIZE);
}

ATTACK(change, restore, "call in the middle of a function");
