// SPDX-License-Identifier: Apache-2.0
/* core/crossview_sockets: the two formats, and what is in one view only. */
#include "core/crossview_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#include "crossview.h"

#define HEADING "  sl  local_address rem_address   st tx_queue rx_queue\n"
#define ROW(local, remote, state, inode)                                                \
	"   0: " local " " remote " " state " 00000000:00000000 00:00000000 00000000  " \
	"1000        0 " inode " 1 0000000000000000 100 0 0 10 0\n"

static const struct proc_case {
	const char *name, *in;
	bool is_v6;
	int want;
	size_t n;
} proc_cases[] = {
	{ "one", HEADING ROW("0100007F:1F90", "00000000:0000", "0A", "4711"), false, 0,
	  1 },
	{ "nobody's", HEADING ROW("0100007F:1F90", "00000000:0000", "06", "0"), false, 0,
	  0 },
	{ "IPv6",
	  HEADING ROW("00000000000000000000000001000000:0016",
		      "00000000000000000000000000000000:0000", "0A", "12"),
	  true, 0, 1 },
	{ "IPv4 where IPv6 is due",
	  HEADING ROW("0100007F:1F90", "00000000:0000", "0A", "1"), true, -EBADMSG, 0 },
	{ "short", HEADING "   0: 0100007F:1F90\n", false, -EBADMSG, 0 },
	{ "not hex", HEADING ROW("0100007G:1F90", "00000000:0000", "0A", "1"), false,
	  -EBADMSG, 0 },
	{ "no number", HEADING ROW("0100007F:1F90", "00000000:0000", "0A", "x"), false,
	  -EBADMSG, 0 },
	{ "only the heading", HEADING, false, 0, 0 },
	{ "empty", "", false, -EBADMSG, 0 },
};

static void test_proc(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(proc_cases); i++) {
		const struct proc_case *c = &proc_cases[i];
		struct socket_list l = { 0 };

		expect_number(c->name, "result",
			      sockets_parse_proc(span_from(c->in), c->is_v6, &l),
			      c->want);
		expect_number(c->name, "entries", (int64_t)l.n, (int64_t)c->n);
		socket_list_deinit(&l);
	}
}

static size_t add_message(char *to, uint16_t type, const void *payload, size_t len)
{
	struct nlmsghdr header = { .nlmsg_len = (uint32_t)(sizeof(header) + len),
				   .nlmsg_type = type };

	memcpy(to, &header, sizeof(header));
	if (len)
		memcpy(to + sizeof(header), payload, len);
	return NLMSG_ALIGN(header.nlmsg_len);
}

static void test_diag(void **state)
{
	struct inet_diag_msg m = { .idiag_inode = 4711, .idiag_state = TCP_LISTEN };
	int error = -ENOENT;
	struct socket_list l = { 0 };
	char bytes[512] = "";
	size_t one, n;

	(void)state;
	m.id.idiag_sport = htons(8080);
	m.id.idiag_cookie[0] = 7;
	one = add_message(bytes, SOCK_DIAG_BY_FAMILY, &m, sizeof(m));
	assert_int_equal(sockets_parse_diag((struct span){ bytes, one }, &l), 1);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.items[0].local_port, 8080);
	assert_int_equal(l.items[0].cookie, 7);
	n = one + add_message(bytes + one, NLMSG_DONE, &error, sizeof(error));
	assert_int_equal(sockets_parse_diag((struct span){ bytes, n }, &l), 0);
	assert_int_equal(l.n, 2);
	n = add_message(bytes, NLMSG_ERROR, &error, sizeof(error));
	assert_int_equal(sockets_parse_diag((struct span){ bytes, n }, &l), -ENOENT);
	n = add_message(bytes, NLMSG_ERROR, &error, 2);
	assert_int_equal(sockets_parse_diag((struct span){ bytes, n }, &l), -EBADMSG);
	n = add_message(bytes, SOCK_DIAG_BY_FAMILY, &m, sizeof(m) - 1);
	assert_int_equal(sockets_parse_diag((struct span){ bytes, n }, &l), -EBADMSG);
	assert_int_equal(sockets_parse_diag((struct span){ bytes, n - 8 }, &l), -EBADMSG);
	assert_int_equal(sockets_parse_diag((struct span){ bytes, 3 }, &l), -EBADMSG);
	socket_list_deinit(&l);
}

/* A view is a text: each letter a socket, read by read, "ab;abc": the last one stays. */
struct fake {
	const char *proc, *diag;
};

static int read_next(const char **at, struct socket_list *ret)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	const char *end = strchrnul(*at, ';');

	if (**at == '!')
		return -ENOENT;
	buffer_append_literal(&text, HEADING);
	for (const char *c = *at; c < end; c++)
		buffer_appendf(&text, ROW("0100007F:1F90", "00000000:0000", "0A", "%d"),
			       *c);
	if (*end)
		*at = end + 1;
	return sockets_parse_proc(buffer_span(&text), false, ret);
}

static int fake_proc(void *context, enum socket_table_kind kind, struct socket_list *ret)
{
	struct fake *f = context;

	return kind == SOCKETS_TCP ? read_next(&f->proc, ret) : 0;
}

static int fake_diag(void *context, enum socket_table_kind kind, struct socket_list *ret)
{
	struct fake *f = context;

	return kind == SOCKETS_TCP ? read_next(&f->diag, ret) : 0;
}

static void fake_pause(void *context)
{
	(void)context;
}

#define FOUND(inode, missing, seen)                                                      \
	"socket_hidden protocol=tcp local=127.0.0.1:8080 remote=0.0.0.0:0 state=listen " \
	"uid=1000 inode=" inode " missing=" missing " seen=" seen "\n"

static const struct compare_case {
	const char *name, *proc, *diag, *want;
} compare_cases[] = {
	{ "the same", "abc", "cba", "" },
	{ "none", "", "", "" },
	{ "not in proc", "ac", "abc", FOUND("98", "proc_net", "sock_diag") },
	{ "not in diag", "abc", "ac", FOUND("98", "sock_diag", "proc_net") },
	{ "one in each", "ab", "bc",
	  FOUND("99", "proc_net", "sock_diag") FOUND("97", "sock_diag", "proc_net") },
	{ "closed between the views", "a", "ab;a", "" },
	{ "opened between the views", "ab", "a;ab", "" },
	{ "passed over once", "a;ab", "ab", "" },
	{ "passed over in two looks", "a;a;a;a;ab", "ab", "" },
	{ "all change all the time", "ab;cd;ef;gh;ij;kl", "bc;de;fg;hi;jk;lm", "" },
	{ "no diag", "ab", "!", "" },
};

static void test_compare(void **state)
{
	static struct findings f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(compare_cases); i++) {
		const struct compare_case *c = &compare_cases[i];
		struct fake fake = { c->proc, c->diag };
		const struct socket_calls calls = { &fake, fake_proc, fake_diag,
						    fake_pause };

		expect_number(c->name, "tables", (int64_t)sockets_compare(-1, &calls, &f),
			      *c->diag == '!' ? 3 : 4);
		expect_findings(c->name, &f, c->want);
	}
}

static bool has_inode(const struct socket_list *l, uint64_t inode)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].inode == inode)
			return true;
	return false;
}

/* A socket of ours is in both of the kernel's own views, and so is not hidden. */
static void test_the_kernel_itself(void **state)
{
	const struct socket_calls *real = &socket_calls_kernel;
	_cleanup_close_ int folder = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct socket_list by_proc = { 0 }, by_diag = { 0 };
	struct socket_calls calls = *real;
	static struct findings f;
	struct stat st;

	(void)state;
	calls.context = (void *)(intptr_t)folder;
	assert_true(folder >= 0 && listen(fd, 1) == 0 && fstat(fd, &st) == 0);
	assert_int_equal(real->read_proc(calls.context, SOCKETS_TCP, &by_proc), 0);
	assert_true(has_inode(&by_proc, st.st_ino));
	if (real->read_diag(NULL, SOCKETS_TCP, &by_diag) < 0) {
		socket_list_deinit(&by_proc);
		skip(); /* a kernel without inet_diag, or one that may not be asked */
	}
	assert_true(has_inode(&by_diag, st.st_ino));
	assert_true(sockets_compare(folder, &calls, &f) > 0);
	expect_findings("the kernel", &f, "");
	socket_list_deinit(&by_proc);
	socket_list_deinit(&by_diag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proc),
		cmocka_unit_test(test_diag),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_the_kernel_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
