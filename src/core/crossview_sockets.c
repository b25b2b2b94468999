// SPDX-License-Identifier: Apache-2.0
/* See crossview_sockets.h. Formats: Documentation/networking/proc_net_tcp.rst, sock_diag(7). */
#include "core/crossview_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "core/crossview_owner.h"

#define SOCKETS_MAX	((size_t)1 << 20) /* of one table; a larger one is not compared */
#define TABLE_BYTES_MAX (SOCKETS_MAX * 256)
#define ANSWER_SIZE	((size_t)32 << 10) /* the kernel fits its messages into it */

/*
 * TCP: all that is in the tables and has an owner: not TIME_WAIT, not SYN_RECV, and not
 * those that are merely bound (6.8 gives them when asked for all).
 */
#define STATES_TCP                                                          \
	(1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_FIN_WAIT1 | \
	 1u << TCP_FIN_WAIT2 | 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK |  \
	 1u << TCP_LISTEN | 1u << TCP_CLOSING)
#define STATES_UDP (1u << TCP_ESTABLISHED | 1u << TCP_CLOSE)

static const struct {
	const char *name, *path;
	uint8_t family, protocol;
	uint32_t states;
} tables[] = {
	[SOCKETS_TCP] = { "tcp", "net/tcp", AF_INET, IPPROTO_TCP, STATES_TCP },
	[SOCKETS_TCP6] = { "tcp6", "net/tcp6", AF_INET6, IPPROTO_TCP, STATES_TCP },
	[SOCKETS_UDP] = { "udp", "net/udp", AF_INET, IPPROTO_UDP, STATES_UDP },
	[SOCKETS_UDP6] = { "udp6", "net/udp6", AF_INET6, IPPROTO_UDP, STATES_UDP },
};

/* ---- lists ---- */

void socket_list_deinit(struct socket_list *l)
{
	free(l->items);
	*l = (struct socket_list){ 0 };
}

#define _cleanup_list_ _cleanup_(socket_list_deinit)

static int add_entry(struct socket_list *l, const struct socket_entry *entry)
{
	size_t capacity = l->capacity ? 2 * l->capacity : 64;
	struct socket_entry *items;

	if (l->n == SOCKETS_MAX)
		return -E2BIG;
	if (l->n == l->capacity) {
		items = reallocarray(l->items, capacity, sizeof(*items));
		if (!items)
			return -ENOMEM;
		l->items = items;
		l->capacity = capacity;
	}
	l->items[l->n++] = *entry;
	return 0;
}

static int compare_inodes(const void *a, const void *b)
{
	uint64_t x = ((const struct socket_entry *)a)->inode;
	uint64_t y = ((const struct socket_entry *)b)->inode;

	return (x > y) - (x < y);
}

static void sort(struct socket_list *l)
{
	if (l->n)
		qsort(l->items, l->n, sizeof(*l->items), compare_inodes);
}

static const struct socket_entry *find(const struct socket_list *l, uint64_t inode)
{
	const struct socket_entry key = { .inode = inode };

	return l->n ? bsearch(&key, l->items, l->n, sizeof(key), compare_inodes) : NULL;
}

/* ---- /proc/net ---- */

static bool parse_hex(struct span s, size_t n_digits, uint32_t *ret)
{
	uint32_t value = 0;

	if (s.len < n_digits)
		return false;
	for (size_t i = 0; i < n_digits; i++) {
		char c = s.data[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (c >= 'A' && c <= 'F')
			value = value << 4 | (uint32_t)(c - 'A' + 10);
		else
			return false;
	}
	*ret = value;
	return true;
}

/* 0100007F:1F90: each 32 bits of the address as a number of this machine's. */
static bool parse_address(struct span s, bool is_v6, uint8_t ret[static 16],
			  uint16_t *ret_port)
{
	size_t n_words = is_v6 ? 4 : 1;
	uint32_t value;

	if (s.len != n_words * 8 + 5 || s.data[n_words * 8] != ':')
		return false;
	for (size_t i = 0; i < n_words; i++) {
		if (!parse_hex(span_skip(s, i * 8), 8, &value))
			return false;
		memcpy(ret + i * 4, &value, 4);
	}
	if (!parse_hex(span_skip(s, n_words * 8 + 1), 4, &value))
		return false;
	*ret_port = (uint16_t)value;
	return true;
}

enum {
	WORD_NUMBER,
	WORD_LOCAL,
	WORD_REMOTE,
	WORD_STATE,
	WORD_QUEUES,
	WORD_TIMER,
	WORD_RETRANSMITS,
	WORD_UID,
	WORD_TIMEOUT,
	WORD_INODE,
	WORDS,
};

static int parse_line(struct span line, bool is_v6, struct socket_entry *ret)
{
	struct span words[WORDS];
	uint64_t uid, inode;
	uint32_t state;

	*ret = (struct socket_entry){ 0 };
	for (size_t i = 0; i < WORDS; i++)
		if (!crossview_word(&line, &words[i]))
			return -EBADMSG;
	if (!parse_address(words[WORD_LOCAL], is_v6, ret->local, &ret->local_port) ||
	    !parse_address(words[WORD_REMOTE], is_v6, ret->remote, &ret->remote_port) ||
	    words[WORD_STATE].len != 2 || !parse_hex(words[WORD_STATE], 2, &state) ||
	    !crossview_decimal(words[WORD_UID], UINT32_MAX, &uid) ||
	    !crossview_decimal(words[WORD_INODE], UINT64_MAX, &inode))
		return -EBADMSG;
	ret->state = (uint8_t)state;
	ret->uid = (uint32_t)uid;
	ret->inode = inode;
	return 0;
}

int sockets_parse_proc(struct span text, bool is_v6, struct socket_list *ret)
{
	struct socket_entry entry;
	struct span line;

	if (!crossview_line(&text, &line)) /* the heading */
		return -EBADMSG;
	while (crossview_line(&text, &line)) {
		int r = parse_line(line, is_v6, &entry);

		if (r == 0 && entry.inode)
			r = add_entry(ret, &entry);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_proc(void *context, enum socket_table_kind kind, struct socket_list *ret)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	_cleanup_close_ int fd = openat((int)(intptr_t)context, tables[kind].path,
					O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : read_rest(fd, TABLE_BYTES_MAX, &text);

	return r < 0 ? r
		     : sockets_parse_proc(buffer_span(&text),
					  tables[kind].family == AF_INET6, ret);
}

/* ---- NETLINK_SOCK_DIAG ---- */

static int take_message(const struct nlmsghdr *header, struct span payload,
			struct socket_list *ret)
{
	struct inet_diag_msg m;
	struct socket_entry entry = { 0 };
	int error;

	if (header->nlmsg_type == NLMSG_DONE)
		return 0;
	if (header->nlmsg_type == NLMSG_ERROR) {
		if (payload.len < sizeof(error))
			return -EBADMSG;
		memcpy(&error, payload.data, sizeof(error));
		return error < 0 && error > -4096 ? error : -EBADMSG;
	}
	if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 1;
	if (payload.len < sizeof(m))
		return -EBADMSG;
	memcpy(&m, payload.data, sizeof(m));
	entry.inode = m.idiag_inode;
	entry.cookie = (uint64_t)m.id.idiag_cookie[1] << 32 | m.id.idiag_cookie[0];
	entry.uid = m.idiag_uid;
	entry.state = m.idiag_state;
	entry.local_port = ntohs(m.id.idiag_sport);
	entry.remote_port = ntohs(m.id.idiag_dport);
	memcpy(entry.local, m.id.idiag_src, sizeof(entry.local));
	memcpy(entry.remote, m.id.idiag_dst, sizeof(entry.remote));
	error = entry.inode ? add_entry(ret, &entry) : 0;
	return error < 0 ? error : 1;
}

int sockets_parse_diag(struct span bytes, struct socket_list *ret)
{
	while (bytes.len) {
		struct nlmsghdr header;
		struct span payload;
		size_t step;
		int r;

		if (bytes.len < sizeof(header))
			return -EBADMSG;
		memcpy(&header, bytes.data, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > bytes.len)
			return -EBADMSG;
		payload = (struct span){ bytes.data + sizeof(header),
					 header.nlmsg_len - sizeof(header) };
		r = take_message(&header, payload, ret);
		if (r <= 0)
			return r;
		step = NLMSG_ALIGN(header.nlmsg_len);
		bytes = span_skip(bytes, step < bytes.len ? step : bytes.len);
	}
	return 1;
}

static int read_diag(void *context, enum socket_table_kind kind, struct socket_list *ret)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} ask = {
		.header = { .nlmsg_len = sizeof(ask),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.request = { .sdiag_family = tables[kind].family,
			     .sdiag_protocol = tables[kind].protocol,
			     .idiag_states = tables[kind].states },
	};
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
					NETLINK_SOCK_DIAG);
	char bytes[ANSWER_SIZE];
	int r = 1;

	(void)context;
	if (fd < 0 || send(fd, &ask, sizeof(ask), 0) < 0)
		return -errno;
	while (r > 0) {
		/* the kernel answers in the call itself: this never waits */
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		r = sockets_parse_diag((struct span){ bytes, (size_t)n }, ret);
	}
	return r;
}

static void pause_kernel(void *context)
{
	(void)context;
	crossview_pause();
}

const struct socket_calls socket_calls_kernel = {
	.read_proc = read_proc,
	.read_diag = read_diag,
	.pause = pause_kernel,
};

/* ---- comparing ---- */

/* Both views, one after the other, twice. */
struct reading {
	struct socket_list proc[2], diag[2];
};

static void reading_deinit(struct reading *r)
{
	for (int i = 0; i < 2; i++) {
		socket_list_deinit(&r->proc[i]);
		socket_list_deinit(&r->diag[i]);
	}
}

static int read_both(const struct socket_calls *calls, enum socket_table_kind kind,
		     struct reading *r, int i)
{
	int error = calls->read_diag(calls->context, kind, &r->diag[i]);

	if (error == 0)
		error = calls->read_proc(calls->context, kind, &r->proc[i]);
	sort(&r->diag[i]);
	sort(&r->proc[i]);
	return error;
}

/* Those of @before that are in @after, too, and not in @other, which was read in between. */
static int missing_in(const struct socket_list *before, const struct socket_list *after,
		      const struct socket_list *other, struct socket_list *ret)
{
	for (size_t i = 0; i < before->n; i++) {
		const struct socket_entry *e = &before->items[i];
		const struct socket_entry *later = find(after, e->inode);
		int r;

		if (!later || later->cookie != e->cookie || find(other, e->inode))
			continue;
		r = add_entry(ret, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_same_inodes(const struct socket_list *a, const struct socket_list *b)
{
	bool is_same = a->n == b->n;

	for (size_t i = 0; is_same && i < a->n; i++)
		is_same = a->items[i].inode == b->items[i].inode;
	return is_same;
}

/* What one look finds missing in /proc/net, and in sock_diag. 0 or -errno. */
static int look(const struct socket_calls *calls, enum socket_table_kind kind,
		struct socket_list *no_proc, struct socket_list *no_diag)
{
	_cleanup_(reading_deinit) struct reading r = { 0 };
	int error = read_both(calls, kind, &r, 0);

	if (error < 0 || has_same_inodes(&r.proc[0], &r.diag[0]))
		return error;
	error = read_both(calls, kind, &r, 1);
	if (error == 0)
		error = missing_in(&r.diag[0], &r.diag[1], &r.proc[0], no_proc);
	if (error == 0)
		error = missing_in(&r.proc[0], &r.proc[1], &r.diag[1], no_diag);
	return error;
}

/* Keep of @l what is in @again. */
static void intersect(struct socket_list *l, const struct socket_list *again)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (find(again, l->items[i].inode))
			l->items[n++] = l->items[i];
	l->n = n;
}

static void add_address(struct finding *f, const char *key, uint8_t family,
			const uint8_t *address, uint16_t port)
{
	char ip[INET6_ADDRSTRLEN] = "", text[INET6_ADDRSTRLEN + 16];
	bool is_v6 = family == AF_INET6;
	int n;

	(void)inet_ntop(family, address, ip, sizeof(ip)); /* there is room */
	n = snprintf(text, sizeof(text), is_v6 ? "[%s]:%u" : "%s:%u", ip, port);
	finding_add_text(f, key, (struct span){ text, (size_t)n });
}

static const char *state_name(uint8_t state)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "established", [TCP_SYN_SENT] = "syn_sent",
		[TCP_FIN_WAIT1] = "fin_wait1",	   [TCP_FIN_WAIT2] = "fin_wait2",
		[TCP_CLOSE] = "unconnected",	   [TCP_CLOSE_WAIT] = "close_wait",
		[TCP_LAST_ACK] = "last_ack",	   [TCP_LISTEN] = "listen",
		[TCP_CLOSING] = "closing",
	};

	return state < ARRAY_SIZE(names) && names[state] ? names[state] : "other";
}

static void tell(int proc, enum socket_table_kind kind, const struct socket_entry *e,
		 const char *missing, const char *seen, struct findings *out)
{
	struct finding *f = findings_add(out, "socket_hidden");

	if (!f)
		return;
	finding_identify(f, &e->inode, sizeof(e->inode));
	finding_identify(f, missing, strlen(missing));
	finding_add_text(f, "protocol", span_from(tables[kind].name));
	add_address(f, "local", tables[kind].family, e->local, e->local_port);
	add_address(f, "remote", tables[kind].family, e->remote, e->remote_port);
	finding_add_text(f, "state", span_from(state_name(e->state)));
	finding_add_number(f, "uid", e->uid);
	finding_add_number(f, "inode", (int64_t)e->inode);
	owner_of_socket(proc, e->inode, f);
	finding_add_text(f, "missing", span_from(missing));
	finding_add_text(f, "seen", span_from(seen));
}

static int compare_table(int proc, const struct socket_calls *calls,
			 enum socket_table_kind kind, struct findings *out)
{
	_cleanup_list_ struct socket_list no_proc = { 0 }, no_diag = { 0 };
	int r = look(calls, kind, &no_proc, &no_diag);

	for (int i = 1; i < CROSSVIEW_LOOKS && r == 0 && (no_proc.n || no_diag.n); i++) {
		_cleanup_list_ struct socket_list proc_again = { 0 }, diag_again = { 0 };

		calls->pause(calls->context);
		r = look(calls, kind, &proc_again, &diag_again);
		intersect(&no_proc, &proc_again);
		intersect(&no_diag, &diag_again);
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < no_proc.n; i++)
		tell(proc, kind, &no_proc.items[i], "proc_net", "sock_diag", out);
	for (size_t i = 0; i < no_diag.n; i++)
		tell(proc, kind, &no_diag.items[i], "sock_diag", "proc_net", out);
	return 0;
}

size_t sockets_compare(int proc, const struct socket_calls *calls, struct findings *out)
{
	size_t n = 0;

	for (int kind = 0; kind < SOCKET_TABLES; kind++)
		n += compare_table(proc, calls, (enum socket_table_kind)kind, out) == 0;
	return n;
}
