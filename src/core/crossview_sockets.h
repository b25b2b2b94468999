/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hidden sockets: TCP and UDP sockets of our network namespace, as /proc/net lists them
 * and as NETLINK_SOCK_DIAG gives them. One that was in one view before and after the other
 * was read, and not in that, is hidden from it. Sockets without an inode (TIME_WAIT,
 * orphans) belong to nobody and are left out.
 */
#ifndef CORE_CROSSVIEW_SOCKETS_H
#define CORE_CROSSVIEW_SOCKETS_H

#include "core/crossview.h"

enum socket_table_kind {
	SOCKETS_TCP,
	SOCKETS_TCP6,
	SOCKETS_UDP,
	SOCKETS_UDP6,
	SOCKET_TABLES,
};

struct socket_entry {
	uint64_t inode;
	uint64_t cookie; /* 0 where the view has none */
	uint32_t uid;
	uint8_t state;
	uint16_t local_port, remote_port;
	uint8_t local[16], remote[16]; /* of IPv4 the first four bytes */
};

struct socket_list {
	size_t n, capacity;
	struct socket_entry *items; /* owned */
};

void socket_list_deinit(struct socket_list *l);

/** sockets_parse_proc() - add what a file of /proc/net says, whole lines; 0, -EBADMSG, -ENOMEM */
int sockets_parse_proc(struct span text, bool is_v6, struct socket_list *ret);

/**
 * sockets_parse_diag() - add what one answer of NETLINK_SOCK_DIAG says
 * Return: 1 more answers come; 0 that was the last; -errno of the kernel's; -EBADMSG.
 */
int sockets_parse_diag(struct span bytes, struct socket_list *ret);

/** What reads the two views, for tests. Both add to the list; 0 or -errno. */
struct socket_calls {
	void *context;
	int (*read_proc)(void *context, enum socket_table_kind kind,
			 struct socket_list *ret);
	int (*read_diag)(void *context, enum socket_table_kind kind,
			 struct socket_list *ret);
	void (*pause)(void *context);
};

/** socket_calls_kernel - its context is the folder /proc, a descriptor cast to a pointer */
extern const struct socket_calls socket_calls_kernel;

/**
 * sockets_compare() - one round
 * @proc: the folder /proc, for whose the sockets are
 *
 * Return: the number of tables that could be read both ways.
 */
size_t sockets_compare(int proc, const struct socket_calls *calls, struct findings *out);

#endif
