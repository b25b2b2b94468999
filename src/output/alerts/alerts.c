// SPDX-License-Identifier: Apache-2.0
/* See alerts.h: starting the three, and the feeder. */
#include "output/alerts/alerts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "core/lines.h"
#include "core/reverse_lines.h"
#include "output/alerts/alert_program.h"
#include "output/alerts/alert_send.h"

#define FEED_BYTES  ((size_t)64 << 10)
#define LAUNCHER_FD (STDERR_FILENO + 1)
#define LOOK_MS	    1000 /* where nobody tells us of changes */

struct feeder {
	const struct alerts_options *options;
	struct alert_page *page;
	struct mutes_page *mutes;	     /* NULL: nothing is muted */
	const struct mutes_page *mutes_view; /* the sender's */
	struct mutes_file mutes_file;
	struct log_follower *follower;
	int lines;		     /* to the sender */
	int signals;		     /* one of them ends us */
	struct buffer out;	     /* of lines; */
	size_t at;		     /* so much of it is written */
	struct log_cursor candidate; /* kept on the page when all receivers are there */
};

/* The newest event there is; 0: none */
static uint64_t newest_next_seq(int folder, const char *name)
{
	_cleanup_close_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct reverse_lines lines = { .fd = fd };
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	struct span line = { 0 };
	uint64_t seq;
	bool is_found;

	is_found = size > 0 &&
		   reverse_lines_end(fd, (uint64_t)size, &lines.offset) >= 0 &&
		   reverse_lines_previous(&lines, &line) > 0 && line.data &&
		   lines_seq(line, &seq);
	reverse_lines_deinit(&lines);
	return is_found ? seq + 1 : 0;
}

int alerts_log_end(int folder, uint64_t *ret)
{
	struct folder_logs logs = { 0 };
	uint64_t end = 0;
	int r = folder_logs_list(folder, &logs);

	for (size_t i = logs.n; r == 0 && i > 0 && !end; i--)
		end = newest_next_seq(folder, logs.names[i - 1]);
	folder_logs_deinit(&logs);
	*ret = end;
	return r;
}

/*
 * A receiver that is new is told of what happens from now on. So is one that knows of more than
 * there is: the log was cut, or begun anew while nobody sent.
 */
static int prepare_row(const struct alerts_options *o, struct alert_page *page,
		       const char *name, uint64_t newest)
{
	struct alert_row *row = alert_page_take_row(page, o->config, name, newest);

	if (!row)
		return -ENOSPC;
	if (atomic_load(&row->next_seq) <= newest)
		return 0;
	log_warning("alerts: %s was told of events that are not in the log any more",
		    name);
	atomic_store(&row->next_seq, newest);
	atomic_store(&page->cursor_number, 0);
	return 0;
}

static int prepare_rows(const struct alerts_options *o, struct alert_page *page)
{
	uint64_t newest;
	int r = alerts_log_end(o->folder, &newest);

	for (size_t i = 0; r == 0 && i < o->config->n_receivers; i++)
		r = prepare_row(o, page, o->config->receivers[i].name, newest);
	return r;
}

static int open_follower(struct feeder *f)
{
	struct log_cursor from;
	uint64_t next = 0;

	(void)alert_page_next_seq(f->page, f->options->config, &next);
	alert_page_cursor(f->page, next, &from);
	return log_follower_create(f->options->folder, &from, &f->follower);
}

/* It is only a hint, but one that may not be half of another. */
static void keep_cursor(struct feeder *f)
{
	uint64_t next, number = atomic_load(&f->page->cursor_number);

	if (alert_page_next_seq(f->page, f->options->config, &next) &&
	    next >= f->candidate.next_seq && *f->candidate.name) {
		atomic_store(&f->page->cursor_number, 0);
		f->page->cursor = f->candidate;
		atomic_store(&f->page->cursor_number, number + 1);
		*f->candidate.name = '\0';
	}
	if (!*f->candidate.name)
		log_follower_cursor(f->follower, &f->candidate);
}

/* The log begins anew: whatever was told was of another one. */
static void forget(struct feeder *f)
{
	for (size_t i = 0; i < ALERT_RECEIVERS_MAX; i++)
		atomic_store(&f->page->rows[i].next_seq, 0);
	atomic_store(&f->page->cursor_number, 0);
	log_warning("alerts: the log was begun anew, and is read from its beginning");
}

enum filled {
	NOTHING_NOW,
	NOTHING_YET, /* there is more to look through */
	LINES,
};

/* Return: enum filled, -errno. */
static int fill(struct feeder *f)
{
	struct log_line line;
	int r = 0;

	if (f->at < f->out.len)
		return LINES;
	buffer_clear(&f->out);
	f->at = 0;
	while (f->out.len < FEED_BYTES &&
	       (r = log_follower_next(f->follower, &line)) > 0) {
		buffer_append_span(&f->out, line.text);
		buffer_append_char(&f->out, '\n');
	}
	if (r == -ESTALE)
		forget(f);
	/* behind the lines: what was muted before one of them was logged is known by now */
	if (f->out.len)
		alert_mutes_feed(&f->mutes_file, f->mutes);
	if (r < 0 && r != -EAGAIN)
		return r;
	return f->out.len ? LINES : r < 0 ? NOTHING_YET : NOTHING_NOW;
}

static int give(struct feeder *f)
{
	ssize_t n = write(f->lines, f->out.data + f->at, f->out.len - f->at);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	f->at += (size_t)n;
	return 0;
}

/* Return: 1 to go on, 0 asked to stop, -errno; -ECHILD: one of the others ended. */
static int wait_for_more(struct feeder *f, enum filled filled)
{
	int watch = filled == NOTHING_NOW ? log_follower_watch(f->follower) : -1;
	struct pollfd fds[] = {
		{ .fd = f->signals, .events = POLLIN },
		{ .fd = f->lines, .events = filled == LINES ? POLLOUT : 0 },
		{ .fd = watch, .events = POLLIN },
	};
	struct signalfd_siginfo info;
	int timeout_ms = filled == NOTHING_YET		      ? 0
			 : filled == NOTHING_NOW && watch < 0 ? LOOK_MS
							      : -1;

	if (poll(fds, ARRAY_SIZE(fds), timeout_ms) < 0)
		return errno == EINTR ? 1 : -errno;
	if (fds[1].revents & POLLERR)
		return -ECHILD;
	if (fds[0].revents &&
	    read(f->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		return info.ssi_signo == SIGCHLD ? -ECHILD : 0;
	if (fds[2].revents)
		log_follower_clear_watch(f->follower);
	return 1;
}

static int feed(struct feeder *f)
{
	int r;

	do {
		r = fill(f);
		if (r == NOTHING_NOW)
			keep_cursor(f);
		if (r >= 0)
			r = wait_for_more(f, (enum filled)r);
		if (r > 0 && f->at < f->out.len && give(f) < 0)
			r = -ECHILD;
	} while (r > 0);
	return r;
}

/* In a child: the signals are its own again, and it ends with us. */
static void begin_child(const char *name, pid_t parent)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	/* sent to all of us: the feeder ends, and so do we */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)prctl(PR_SET_NAME, name);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	log_set_process(name);
}

static const struct privilege_user *choose_user(struct privilege_user *user)
{
	if (geteuid() != 0)
		return NULL;
	*user = privilege_find_user("lksm-alerts", FALLBACK_ALERTS_UID);
	return user;
}

int alerts_become_user(void)
{
	struct privilege_user user;
	int r;

	if (!choose_user(&user))
		return 0;
	r = privilege_become(&user);
	return r < 0 ? r : privilege_drop_capabilities(NULL, 0);
}

/* Nothing but the standard ones, and the socket, which becomes the next. */
static int keep_only(int socket)
{
	if (dup3(socket, LAUNCHER_FD, O_CLOEXEC) < 0 && socket != LAUNCHER_FD)
		return -errno;
	return close_range(LAUNCHER_FD + 1, UINT32_MAX, 0) < 0 ? -errno : LAUNCHER_FD;
}

/* No lock but its user: a sendmail that is setgid would be none behind one. */
static _Noreturn void launch(struct feeder *f, int socket, pid_t parent)
{
	const struct alerts_options *o = f->options;

	begin_child("alerts-launch", parent);
	alert_page_unmap(f->page);
	mutes_page_unmap(f->mutes);
	mutes_page_unmap(f->mutes_view);
	socket = keep_only(socket);
	if (socket < 0) {
		(void)log_error_errno(socket, "alerts: cannot close what is not ours");
		_exit(1);
	}
	if (alerts_become_user() < 0) {
		log_error(
			"alerts: programs are not run as root, and there is no way down");
		_exit(1);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* forgotten with the old user */
	(void)prctl(PR_SET_DUMPABLE, 0); /* the programs have its user, and it secrets */
	/* A mail may be on its way when who was given it has ended: it is left alone, while
	 * what modules leave behind is killed (privsep/externals.c). */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* cannot fail */
	alert_program_serve(o->config, socket);
	_exit(0);
}

static _Noreturn void send_all(struct feeder *f, int lines, int launcher, pid_t parent)
{
	const struct alerts_options *o = f->options;
	struct sandbox_report report;
	struct privilege_user user;

	begin_child("alerts-send", parent);
	log_follower_destroy(f->follower);
	(void)close(f->signals);
	(void)close(o->folder);
	(void)close(o->page_fd); /* it is mapped */
	mutes_page_unmap(f->mutes);
	alert_load_libraries(o->config);
	atomic_store(&f->page->pid, getpid());
	sandbox_enter(&(struct sandbox_options){ .kind = SANDBOX_SENDER,
						 .name = "alerts-send",
						 .user = choose_user(&user) },
		      &report);
	_exit(alerts_send_lines(o->config, f->page, f->mutes_view, lines, o->letter_fd,
				launcher) < 0);
}

static bool has_programs(const struct alert_config *c)
{
	for (size_t i = 0; i < c->n_receivers; i++)
		if (alert_kind_runs_program(c->receivers[i].kind))
			return true;
	return false;
}

/* @ret: the sender's end of the socket; -1: no program is configured */
static int start_launcher(struct feeder *f, int *ret)
{
	int pair[2];
	pid_t parent = getpid(), pid;

	*ret = -1;
	if (!has_programs(f->options->config))
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		(void)close(pair[0]);
		launch(f, pair[1], parent);
	}
	(void)close(pair[1]);
	*ret = pair[0];
	return pid < 0 ? -errno : 0;
}

static int start_sender(struct feeder *f, int launcher)
{
	pid_t parent = getpid(), pid;
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		(void)close(pair[1]);
		send_all(f, pair[0], launcher, parent);
	}
	(void)close(pair[0]);
	f->lines = pair[1];
	if (pid < 0 || fcntl(f->lines, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* Before the children are there, so that no end of one is missed. */
static int open_signals(void)
{
	/* a child that is only stopped goes on when somebody lets it */
	const struct sigaction ends_only = { .sa_handler = SIG_DFL,
					     .sa_flags = SA_NOCLDSTOP };
	sigset_t ours;

	(void)sigaction(SIGCHLD, &ends_only, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &ours, NULL) < 0)
		return -errno;
	return signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int start(struct feeder *f)
{
	const struct alerts_options *o = f->options;
	struct sandbox_report report;
	int r = prepare_rows(o, f->page), launcher = -1;

	if (r >= 0)
		r = open_follower(f);
	if (r >= 0)
		r = f->signals = open_signals();
	if (r >= 0)
		r = start_launcher(f, &launcher);
	if (r >= 0)
		r = start_sender(f, launcher);
	cleanup_close(&launcher);
	if (r < 0)
		return r;
	sandbox_enter(
		&(struct sandbox_options){ .kind = SANDBOX_FEEDER, .name = "alerts" },
		&report);
	return feed(f);
}

int alerts_run(const struct alerts_options *options)
{
	struct feeder f = { .options = options,
			    .mutes_file = { .path = options->mutes_path },
			    .lines = -1,
			    .signals = -1 };
	int error = mutes_page_create(&f.mutes, &f.mutes_view);
	int r = alert_page_map(options->page_fd, true, &f.page);

	(void)prctl(PR_SET_NAME, "alerts"); /* not the "exe" that we were started by */
	if (error < 0)
		(void)log_warning_errno(error, "alerts: what is muted is told, too");
	if (r >= 0)
		r = start(&f);
	if (r == -ECHILD)
		log_error("alerts: one of the processes ended");
	if (f.page)
		atomic_store(&f.page->pid, 0);
	cleanup_close(&f.lines);
	cleanup_close(&f.signals);
	log_follower_destroy(f.follower);
	buffer_deinit(&f.out);
	alert_page_unmap(f.page);
	mutes_page_unmap(f.mutes);
	mutes_page_unmap(f.mutes_view);
	return r;
}
