// SPDX-License-Identifier: Apache-2.0
/*
 * The dashboard's server, with all that it does, and a client that sends it anything.
 * The first byte says in what pieces, the second how many events come meanwhile. Nobody
 * sees an event who has neither the token nor the cookie; a connection that is closed
 * leaves nothing behind. Both secrets are those of the corpus.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "output/dashboard/server.h"

#include "fuzz.h"

#define TOKEN  "7777777777777777777777777777777777777777777777777777777777777777"
#define SECRET "nobody-else-sees-it"

#define REQUEST_MAX 8192
#define PIECES_MAX  16
#define TURNS_MAX   2000
#define EVENTS	    3 /* there before the request */

static bool contains(struct span whole, const char *part)
{
	return whole.len && memmem(whole.data, whole.len, part, strlen(part));
}

static void push(struct live_ring *ring, uint64_t seq)
{
	_cleanup_buffer_ struct buffer bytes = { 0 };
	struct line line = { .seq = seq };
	struct output_batch batch;

	buffer_appendf(&bytes, "{\"seq\": %llu, \"type\": \"" SECRET "\"}\n",
		       (unsigned long long)seq);
	MUST(!buffer_error(&bytes));
	line.data = bytes.data;
	line.len = bytes.len;
	batch = (struct output_batch){ bytes.data, bytes.len, &line, 1, { 0, 0 } };
	dashboard_push_events(ring, &batch);
}

/* What the server does now, and what it sends. */
static void run(struct server *server, int fd, struct buffer *answers)
{
	char block[4096];
	ssize_t n = 1;
	int turns = 0;

	while (sd_event_run(server->loop, 0) > 0)
		MUST(++turns < TURNS_MAX);
	while (fd >= 0 && n > 0) {
		n = recv(fd, block, sizeof(block), MSG_DONTWAIT);
		if (n > 0)
			buffer_append(answers, block, (size_t)n);
	}
}

static void speak(struct server *server, int fd, struct span request, size_t piece,
		  struct buffer *answers)
{
	while (request.len) {
		size_t n = request.len < piece ? request.len : piece;

		if (send(fd, request.data, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			MUST(errno == EPIPE || errno == ECONNRESET || errno == EAGAIN);
		request = span_skip(request, n);
		run(server, fd, answers);
	}
}

static void converse(struct server *server, struct live_ring *ring, struct span request,
		     size_t piece, unsigned int n_events)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_buffer_ struct buffer answers = { 0 };
	int fds[2], turns = 0;

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) ==
	     0);
	MUST(MHD_add_connection(server->daemon, fds[0], (const struct sockaddr *)&address,
				sizeof(address)) == MHD_YES);
	speak(server, fds[1], request, piece, &answers);
	for (unsigned int i = 0; i < n_events; i++)
		push(ring, EVENTS + 2 * i); /* a number in two is that of a seal */
	streams_wake(&server->streams);
	run(server, fds[1], &answers);
	MUST(shutdown(fds[1], SHUT_WR) == 0);
	run(server, fds[1], &answers);
	(void)close(fds[1]);
	while (server->clients.list || server->streams.n) {
		MUST(++turns < TURNS_MAX);
		MUST(sd_event_run(server->loop, 1000) >= 0);
	}
	MUST(answers.len == 0 || !strncmp(answers.data, "HTTP/1.", strlen("HTTP/1.")));
	if (!contains(request, TOKEN) && !contains(request, server->auth.cookie_value))
		MUST(!contains(buffer_span(&answers), SECRET));
}

static const char rule[] =
	"rules: [{id: a, regex: '^(?<x>(a+)+)$', tags: [b, c], examples: "
	"[{line: a}, {line: b, no_match: true}]}]";

static const struct rules_files *rules(void)
{
	static struct rules_file file = { .text = { .data = (char *)rule,
						    .len = sizeof(rule) - 1 } };
	static const struct rules_files files = { 1, &file };

	file.path = "a.yaml";
	return &files;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const hosts[] = { "lksm.example", NULL };
	static struct dashboard_options options = { .listen_fd = -1,
						    .wake_fd = -1,
						    .control_fd = -1,
						    .token = TOKEN,
						    .hosts = hosts };
	_cleanup_buffer_ struct buffer error = { 0 };
	struct span request = { (const char *)data + 2, size - 2 };
	_cleanup_close_ int ring_fd = -1;
	struct live_ring *ring;
	struct server server;
	size_t piece;

	if (size < 2 || size > REQUEST_MAX)
		return 0;
	options.rules = rules();
	if (options.listen_fd < 0)
		options.listen_fd = dashboard_listen("127.0.0.1:0", &error);
	MUST(options.listen_fd >= 0);
	MUST(live_create(&ring, &ring_fd) == 0 && live_map(ring_fd, &options.ring) == 0);
	live_set_writer(ring, 1, "0.0", (struct now){ 1, 1 });
	for (unsigned int i = 0; i < EVENTS; i++)
		push(ring, i);
	MUST(sd_load(NULL) == 0);
	MUST(server_init(&server, &options) == 0);
	piece = 1 + request.len / (1 + data[0] % PIECES_MAX);
	converse(&server, ring, request, piece, data[1] % 8);
	server_deinit(&server);
	live_unmap(options.ring);
	live_unmap(ring);
	return 0;
}
