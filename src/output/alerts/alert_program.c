// SPDX-License-Identifier: Apache-2.0
/* See alert_program.h. */
#include "output/alerts/alert_program.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "output/alerts/alert_format.h"

#define BODY_MAX   ((size_t)160 << 10)
#define TITLE_SIZE 256
#define VALUE_SIZE 96
#define ARGV_MAX   (ALERT_WORDS_MAX + 8)
#define LOOK_US	   10000
#define PATH_VALUE "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The body follows it. */
struct request {
	uint32_t receiver;
	uint32_t severity;
	uint64_t count, first_seq, last_seq;
	char type[ALERT_TYPE_SIZE];
	char title[TITLE_SIZE];
};

enum variable {
	VARIABLE_TYPE,
	VARIABLE_SEVERITY,
	VARIABLE_COUNT,
	VARIABLE_FIRST,
	VARIABLE_LAST,
	VARIABLES,
};

struct environment {
	char values[VARIABLES][VALUE_SIZE];
	char *items[VARIABLES + 8];
};

struct child {
	pid_t pid;
	int input, output; /* our ends; -1: closed */
	struct span body;  /* what is not written yet */
	char said[ALERT_SAYS_SIZE];
	size_t n_said;
};

static void add_command(const struct alert_receiver *r, const char **argv, size_t *n)
{
	argv[(*n)++] = alert_receiver_program(r);
	for (size_t i = 1; i < r->command.n; i++)
		argv[(*n)++] = r->command.items[i];
}

/* Only what the configuration says, and for the desktop a title of ours, is in there. */
static void make_arguments(const struct alert_receiver *r, const struct request *q,
			   const char *argv[static ARGV_MAX])
{
	size_t n = 0;

	if (r->kind == ALERT_EMAIL) {
		add_command(r, argv, &n);
		argv[n++] = "-i"; /* a line with a dot alone does not end it */
		if (r->from) {
			argv[n++] = "-f";
			argv[n++] = r->from;
		}
		argv[n++] = "--";
		argv[n++] = r->to;
	} else if (r->kind == ALERT_DESKTOP) {
		add_command(r, argv, &n);
		argv[n++] = "--app-name=lksm";
		argv[n++] = q->severity >= LKSM_HIGH ? "--urgency=critical"
						     : "--urgency=normal";
		argv[n++] = "--";
		argv[n++] = q->title;
	} else {
		add_command(r, argv, &n);
	}
	argv[n] = NULL;
}

/* What a notification needs to find the screen's session. */
static void add_session(struct environment *e, size_t *n)
{
	static const char *const names[] = { "DISPLAY=", "WAYLAND_DISPLAY=",
					     "DBUS_SESSION_BUS_ADDRESS=",
					     "XDG_RUNTIME_DIR=" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (char **v = environ; *v; v++)
			if (!strncmp(*v, names[i], strlen(names[i])))
				e->items[(*n)++] = *v;
}

static void make_environment(const struct alert_receiver *r, const struct request *q,
			     struct environment *e)
{
	size_t n = 0;

	(void)snprintf(e->values[VARIABLE_TYPE], VALUE_SIZE, "LKSM_TYPE=%s", q->type);
	(void)snprintf(e->values[VARIABLE_SEVERITY], VALUE_SIZE, "LKSM_SEVERITY=%s",
		       severity_name((enum lksm_severity)q->severity));
	(void)snprintf(e->values[VARIABLE_COUNT], VALUE_SIZE, "LKSM_COUNT=%" PRIu64,
		       q->count);
	(void)snprintf(e->values[VARIABLE_FIRST], VALUE_SIZE, "LKSM_FIRST_SEQ=%" PRIu64,
		       q->first_seq);
	(void)snprintf(e->values[VARIABLE_LAST], VALUE_SIZE, "LKSM_LAST_SEQ=%" PRIu64,
		       q->last_seq);
	e->items[n++] = (char *)PATH_VALUE;
	e->items[n++] = (char *)"LANG=C.UTF-8";
	for (size_t i = 0; i < VARIABLES; i++)
		e->items[n++] = e->values[i];
	if (r->kind == ALERT_DESKTOP)
		add_session(e, &n);
	e->items[n] = NULL;
}

/* In the child, between fork() and exec(). */
static _Noreturn void become(const char *const *argv, char *const *environment, int input,
			     int output)
{
	sigset_t none;

	(void)setpgid(0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		_exit(126);
	(void)execve(argv[0], (char *const *)argv, environment);
	(void)dprintf(STDOUT_FILENO, "%s: %s", argv[0], strerror(errno));
	_exit(127);
}

static int start(const char *const *argv, char *const *environment, struct child *ret)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(out, O_CLOEXEC) < 0) {
		(void)close(in[0]);
		(void)close(in[1]);
		return -errno;
	}
	ret->pid = fork();
	if (ret->pid == 0)
		become(argv, environment, in[0], out[1]);
	(void)close(in[0]);
	(void)close(out[1]);
	ret->input = in[1];
	ret->output = out[0];
	(void)fcntl(ret->input, F_SETFL, O_NONBLOCK); /* cannot fail */
	(void)fcntl(ret->output, F_SETFL, O_NONBLOCK);
	return ret->pid < 0 ? -errno : 0;
}

static void give(struct child *child)
{
	ssize_t n = write(child->input, child->body.data, child->body.len);

	if (n > 0)
		child->body = span_skip(child->body, (size_t)n);
	/* one that does not read it all has its reasons, and its status */
	if (!child->body.len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		cleanup_close(&child->input);
		child->input = -1;
	}
}

/* The beginning of what it says is kept. Return: false: there is no more now. */
static bool hear(struct child *child)
{
	char data[1024];
	ssize_t n = child->output < 0 ? 0 : read(child->output, data, sizeof(data));
	size_t room = sizeof(child->said) - 1 - child->n_said;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		cleanup_close(&child->output);
		child->output = -1;
		return false;
	}
	room = (size_t)n < room ? (size_t)n : room;
	memcpy(child->said + child->n_said, data, room);
	child->n_said += room;
	return true;
}

/* @ended: a pidfd; -1: the kernel has none, and is asked again soon */
static void wait_for_news(struct child *child, int ended, uint64_t left_us)
{
	struct pollfd fds[] = { { .fd = child->output, .events = POLLIN },
				{ .fd = child->input, .events = POLLOUT },
				{ .fd = ended, .events = POLLIN } };
	uint64_t wait_us = ended < 0 && left_us > LOOK_US ? LOOK_US : left_us;

	if (poll(fds, ARRAY_SIZE(fds), (int)(wait_us / 1000 + 1)) <= 0)
		return;
	if (fds[0].revents)
		(void)hear(child);
	if (fds[1].revents)
		give(child);
}

/*
 * Until it ends: what it left running may keep the output open, and one that closed it may still
 * run. Return: false: it took too long.
 */
static bool talk(struct child *child, uint64_t end_us, int *ret_status)
{
	_cleanup_close_ int ended = pidfd_open(child->pid, 0);

	for (;;) {
		pid_t pid = waitpid(child->pid, ret_status, WNOHANG);
		uint64_t now_us = clock_now().mono_us;

		if (pid == child->pid)
			break;
		if ((pid < 0 && errno != EINTR) || now_us >= end_us)
			return false;
		wait_for_news(child, ended, end_us - now_us);
	}
	while (child->n_said < sizeof(child->said) - 1 && hear(child))
		; /* its last words */
	return true;
}

/* sysexits.h has 75, "temporary failure"; others may be, too. */
static void judge(const struct child *child, int status, struct alert_outcome *ret)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		alert_outcome_set(ret, ALERT_SENT, "%s",
				  child->n_said ? child->said : "exited with status 0");
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		alert_outcome_set(ret, ALERT_RETRY, "cannot be run: %s", child->said);
	else if (WIFEXITED(status))
		alert_outcome_set(ret, ALERT_RETRY, "exited with status %d%s%s",
				  WEXITSTATUS(status), child->n_said ? ": " : "",
				  child->said);
	else
		alert_outcome_set(ret, ALERT_RETRY, "killed by signal %d",
				  WTERMSIG(status));
}

static void run(const struct alert_receiver *r, const struct request *q, struct span body,
		struct alert_outcome *ret)
{
	const char *argv[ARGV_MAX] = { NULL };
	struct environment environment = { 0 };
	struct child child = { .input = -1, .output = -1, .body = body };
	uint64_t end_us = clock_now().mono_us + r->timeout_us;
	int error, status = 0;

	make_arguments(r, q, argv);
	make_environment(r, q, &environment);
	error = start(argv, environment.items, &child);
	if (error < 0) {
		alert_outcome_set(ret, ALERT_RETRY, "cannot be run: %s",
				  strerror(-error));
	} else if (talk(&child, end_us, &status)) {
		judge(&child, status, ret);
	} else {
		(void)kill(-child.pid, SIGKILL);
		(void)waitpid(child.pid, &status, 0);
		alert_outcome_set(ret, ALERT_RETRY, "took too long, and was killed");
	}
	cleanup_close(&child.input);
	cleanup_close(&child.output);
}

static void ask(int launcher, const struct request *q, struct span body,
		struct alert_outcome *ret)
{
	struct iovec parts[] = { { (void *)(uintptr_t)q, sizeof(*q) },
				 { (void *)(uintptr_t)body.data, body.len } };
	const struct msghdr message = { .msg_iov = parts,
					.msg_iovlen = ARRAY_SIZE(parts) };
	struct alert_outcome outcome;

	if (sendmsg(launcher, &message, MSG_NOSIGNAL) < 0 ||
	    recv(launcher, &outcome, sizeof(outcome), 0) != (ssize_t)sizeof(outcome)) {
		alert_outcome_set(ret, ALERT_RETRY, "the launcher does not answer");
		return;
	}
	outcome.says[sizeof(outcome.says) - 1] = '\0';
	alert_outcome_set(ret,
			  outcome.result <= ALERT_REFUSED ? outcome.result : ALERT_RETRY,
			  "%s", outcome.says);
}

void alert_program_send(const struct alert_config *c, size_t receiver,
			const struct alert_group *g, struct span body, int launcher,
			struct alert_outcome *ret)
{
	_cleanup_buffer_ struct buffer title = { 0 };
	struct request q = { .receiver = (uint32_t)receiver,
			     .severity = g->severity,
			     .count = g->count,
			     .first_seq = g->first_seq,
			     .last_seq = g->last_seq };

	alert_format_title(g, &title);
	memcpy(q.type, g->type, sizeof(q.type));
	(void)snprintf(q.title, sizeof(q.title), "LKSM: %s",
		       buffer_cstring(&title) ? title.data : "");
	if (body.len > BODY_MAX)
		alert_outcome_set(ret, ALERT_REFUSED, "too long");
	else if (launcher >= 0)
		ask(launcher, &q, body, ret);
	else
		run(&c->receivers[receiver], &q, body, ret);
}

/* What comes over the socket is believed in no more than in being a request. */
static bool is_good(const struct alert_config *c, const struct request *q, ssize_t n)
{
	return n >= (ssize_t)sizeof(*q) && q->receiver < c->n_receivers &&
	       alert_kind_runs_program(c->receivers[q->receiver].kind) &&
	       q->severity < EVENT_SEVERITY_COUNT &&
	       memchr(q->type, '\0', sizeof(q->type)) &&
	       memchr(q->title, '\0', sizeof(q->title));
}

void alert_program_serve(const struct alert_config *c, int socket)
{
	static union {
		struct request request;
		char bytes[sizeof(struct request) + BODY_MAX];
	} message;
	ssize_t n;

	while ((n = recv(socket, &message, sizeof(message), 0)) > 0) {
		const struct request *q = &message.request;
		struct alert_outcome outcome = { 0 };

		if (!is_good(c, q, n))
			break;
		run(&c->receivers[q->receiver], q,
		    (struct span){ message.bytes + sizeof(*q), (size_t)n - sizeof(*q) },
		    &outcome);
		if (send(socket, &outcome, sizeof(outcome), MSG_NOSIGNAL) < 0)
			break;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			; /* what it left behind, and that has ended by now */
	}
}
