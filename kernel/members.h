/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of functions by the type that they have in C, and the names of their members.
 * Members that not every kernel has are left out: they have an offset instead of a name.
 */
#ifndef PHOTON_RING_MEMBERS_H
#define PHOTON_RING_MEMBERS_H

#include <linux/types.h>

/* "table.member", "table[3]" or "table+0x10" */
#define MEMBERS_NAME_SIZE 96

enum table_type {
	TABLE_SEQ,     /* struct seq_operations */
	TABLE_FILE,    /* struct file_operations */
	TABLE_PROC,    /* struct proc_ops */
	TABLE_INODE,   /* struct inode_operations */
	TABLE_DENTRY,  /* struct dentry_operations */
	TABLE_SUPER,   /* struct super_operations */
	TABLE_MAPPING, /* struct address_space_operations */
	TABLE_SOCKET,  /* struct proto_ops */
	TABLE_PROTO,   /* struct proto */
	TABLE_NET,     /* struct net_protocol */
	TABLE_NET6,    /* struct inet6_protocol */
	TABLE_LDISC,   /* struct tty_ldisc_ops */
	TABLE_TTY,     /* struct tty_operations */
	TABLE_BINFMT,  /* struct linux_binfmt */
	TABLE_SLOTS,   /* an array of pointers */
	TABLE_OTHER,   /* an array of anything */
	TABLE_TYPE_COUNT
};

/* 0 for an array, whose size the type does not tell */
size_t members_size(enum table_type type);

/* Return: NULL if the member has no name here */
const char *members_find(enum table_type type, size_t offset);

/* Writes what stands @offset bytes behind the begin of @table. */
void members_describe(char to[MEMBERS_NAME_SIZE], const char *table, enum table_type type,
		      size_t offset);

#endif
