// SPDX-License-Identifier: Apache-2.0
/*
 * The dashboard's server over a ring that a test fills: for
 * tests/integration/test-dashboard.py. Its arguments are those of struct dashboard_options:
 *
 *	[token=TOKEN] [connections=N] [rate=N] [failures=N] [certificate=FILE key=FILE]
 *
 * Prints "listening HOST:PORT PID-OF-THE-SERVER" and then "done" after each command on
 * stdin:
 *
 *	push N [PAD]	N more events, each with PAD bytes of padding
 *	text TEXT	an event whose message is TEXT, as it is
 *	refill FROM N	what a restarted writer does, with the events FROM … FROM+N-1
 *	state 0|1|2	starting, running, stopped
 *	writer PID	who /healthz is to believe writes
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/systemd.h"
#include "output/dashboard/dashboard.h"

#define COMMAND_MAX 4096

struct pushed {
	struct buffer bytes;
	size_t n;
	struct line items[4096];
};

static void add_line(struct pushed *l, uint64_t seq, const char *message,
		     unsigned int pad)
{
	struct line *line = &l->items[l->n];
	size_t from = l->bytes.len;

	if (l->n == ARRAY_SIZE(l->items))
		return;
	buffer_appendf(&l->bytes,
		       "{\"seq\": %" PRIu64 ", \"ts\": %" PRIu64
		       ".000001, \"type\": \"test\", "
		       "\"data\": {\"message\": \"%s\", \"pad\": \"%*s\"}, \"severity\": "
		       "\"info\", "
		       "\"source\": \"test\"}\n",
		       seq, seq, message, (int)pad, "");
	*line = (struct line){ .len = l->bytes.len - from, .seq = seq };
	l->n++;
}

static struct output_batch batch_of(struct pushed *l)
{
	size_t at = 0;

	for (size_t i = 0; i < l->n; i++) {
		l->items[i].data = l->bytes.data + at;
		at += l->items[i].len;
	}
	return (struct output_batch){ l->bytes.data, l->bytes.len, l->items, l->n,
				      clock_now() };
}

static bool obey(const char *command, struct live_ring *ring, uint64_t *next)
{
	static struct pushed lines;
	struct output_batch batch;
	unsigned int pad = 0;
	uint64_t n = 0, from;
	int state, pid;

	buffer_clear(&lines.bytes);
	lines.n = 0;
	if (sscanf(command, "push %" SCNu64 " %u", &n, &pad) >= 1) {
		for (uint64_t i = 0; i < n; i++)
			add_line(&lines, (*next)++, "pushed", pad);
	} else if (!strncmp(command, "text ", 5)) {
		add_line(&lines, (*next)++, command + 5, 0);
	} else if (sscanf(command, "refill %" SCNu64 " %" SCNu64, &from, &n) == 2) {
		for (uint64_t i = 0; i < n; i++)
			add_line(&lines, from + i, "pushed", 0);
		*next = from + n;
		batch = batch_of(&lines);
		live_refill(ring, &batch);
		return true;
	} else if (sscanf(command, "state %d", &state) == 1) {
		live_set_state(ring, (enum live_state)state);
	} else if (sscanf(command, "writer %d", &pid) == 1) {
		live_set_writer(ring, pid, "0.0-test", clock_now());
	} else {
		return false;
	}
	batch = batch_of(&lines);
	dashboard_push_events(ring, &batch);
	return true;
}

static void wake(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		perror("dashboard-server: wake");
}

static void follow_commands(struct live_ring *ring, int wake_fd)
{
	char command[COMMAND_MAX];
	uint64_t next = 0;

	while (fgets(command, sizeof(command), stdin)) {
		command[strcspn(command, "\n")] = '\0';
		puts(obey(command, ring, &next) ? "done" : "what?");
		(void)fflush(stdout);
		wake(wake_fd);
	}
}

static int has_ended(int control)
{
	char ignored;

	return read(control, &ignored, sizeof(ignored)) > 0 ? 0 : -EPIPE;
}

static _Noreturn void serve(struct dashboard_options options, struct live_ring *mine,
			    int ring_fd)
{
	int r;

	live_unmap(mine);
	r = sd_load(NULL);
	if (r == 0)
		r = live_map(ring_fd, &options.ring);
	if (r == 0)
		r = dashboard_run(&options);
	live_unmap(options.ring);
	exit(r < 0);
}

/* NULL: it was not given */
static const char *argument(char **argv, const char *name)
{
	for (char **a = argv + 1; *a; a++)
		if (!strncmp(*a, name, strlen(name)))
			return *a + strlen(name);
	return NULL;
}

static uint64_t number(char **argv, const char *name)
{
	const char *text = argument(argv, name);

	return text ? strtoull(text, NULL, 10) : 0;
}

static void load_tls(char **argv, struct dashboard_options *options)
{
	static struct tls_pair pair;
	const char *certificate = argument(argv, "certificate=");
	_cleanup_buffer_ struct buffer error = { 0 };
	int64_t expires_s;

	if (!certificate)
		return;
	if (tls_pair_read(certificate, argument(argv, "key="), &pair, &expires_s,
			  &error) < 0) {
		(void)fprintf(stderr, "%.*s\n", (int)error.len, error.data);
		exit(1);
	}
	options->tls = &pair;
}

int main(int argc, char **argv)
{
	static const char *const hosts[] = { "lksm.example", NULL };
	_cleanup_buffer_ struct buffer error = { 0 };
	struct live_ring *ring;
	int ring_fd, control[2], status;
	char address[64];
	pid_t server;
	struct dashboard_options options = {
		.hosts = hosts,
		.token = argument(argv, "token="),
		.connection_limit = number(argv, "connections="),
		.rate_limit = number(argv, "rate="),
		.failure_limit = number(argv, "failures="),
		.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		.listen_fd = dashboard_listen("127.0.0.1:0", &error),
	};

	(void)argc;
	log_init();
	load_tls(argv, &options);
	if (options.listen_fd < 0 || live_create(&ring, &ring_fd) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control) < 0 ||
	    dashboard_address(options.listen_fd, address, sizeof(address)) < 0) {
		(void)fprintf(stderr, "dashboard-server: cannot start\n");
		return 1;
	}
	live_set_writer(ring, getpid(), "0.0-test", clock_now());
	server = fork();
	if (server == 0) {
		(void)close(control[0]);
		options.control_fd = control[1];
		options.control = has_ended;
		serve(options, ring, ring_fd);
	}
	(void)close(control[1]);
	printf("listening %s %d\n", address, (int)server);
	(void)fflush(stdout);
	follow_commands(ring, options.wake_fd);
	(void)close(control[0]);
	live_unmap(ring);
	return waitpid(server, &status, 0) == server && WIFEXITED(status)
		       ? WEXITSTATUS(status)
		       : 1;
}
