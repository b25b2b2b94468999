/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor's tests supervise: small processes that say what happens to them, a
 * line each, down a pipe; and the fixture that starts a supervisor over them and waits for
 * such lines, each wait with a deadline.
 */
#ifndef TESTS_UNIT_SUPERVISED_H
#define TESTS_UNIT_SUPERVISED_H

#include "privsep/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/systemd.h"
#include "expect.h"
#include "folder.h"
#include "privsep/channel.h"

#define DEADLINE_MS 20000
#define LOG_NAME    "lksm_events_2026-11-22.jsonl"
#define MODULES_MAX 8
#define LINES_MAX   256

/* How a core or a web behaves that is not the good one. */
enum manner {
	GOOD,
	ABORTS_ONCE,  /* the first one */
	ABORTS_TWICE, /* the first and the second one */
	EXITS_ALWAYS,
	STUBBORN,      /* does not mind SIGTERM */
	FALLS_ASLEEP,  /* the first one answers one question and no more */
	ONLY_ASKS,     /* so does the first one, but asks for the log again and again */
	TALKS,	       /* the first one says more than it was asked */
	READS_NOTHING, /* the first one, of modules */
};

struct fixture {
	enum manner core, web;
	bool is_web_heard; /* it says each time that it answered */
	int reload_result;
	uint64_t watchdog_us, busy_us;
	struct supervisor_external external;

	char folder[64];
	int says[2]; /* lines: who says them writes to [1] */
	char *lines[LINES_MAX];
	bool is_used[LINES_MAX]; /* somebody waited for it */
	size_t n_lines;
	pid_t supervisor;
	struct {
		int n_cores, n_webs;
	} * shared;
	struct storage *storage;
};

static void say(struct fixture *f, const char *format, ...)
{
	char line[4096];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	line[n] = '\n';
	if (write(f->says[1], line, (size_t)n + 1) != n + 1)
		_exit(99);
}

/* Which files of the folder, and which of the supervisor's things, does this process
 * have? */
static void say_descriptors(struct fixture *f, const char *who)
{
	_cleanup_closedir_ DIR *stream = opendir("/proc/self/fd");
	struct dirent *entry;
	int n_sockets = 0;

	while ((entry = readdir(stream))) {
		char target[256] = "";

		if (readlinkat(dirfd(stream), entry->d_name, target, sizeof(target) - 1) <
		    0)
			continue;
		n_sockets += strtol(entry->d_name, NULL, 10) > 2 &&
			     !strncmp(target, "socket:", 7);
		if (!strncmp(target, f->folder, strlen(f->folder)) ||
		    !strncmp(target, "anon_inode:", 11))
			say(f, "%s has %s", who,
			    strrchr(target, '/') ? strrchr(target, '/') : target);
	}
	say(f, "%s has %d sockets", who, n_sockets);
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

struct core {
	struct fixture *f;
	int storage;
	bool is_asleep;
	struct {
		char name[CHANNEL_NAME_SIZE];
		FILE *file;
	} modules[MODULES_MAX];
	nfds_t n_modules;
};

static int on_message(struct core *c, int control)
{
	struct channel_message message;
	int r = channel_receive(control, &message);

	if (r <= 0)
		return r == -EAGAIN ? 0 : -EPIPE;
	if (message.kind == CHANNEL_PING && !c->is_asleep) {
		message = (struct channel_message){ .kind = CHANNEL_PONG, .fd = -1 };
		(void)channel_send(control, &message);
		c->is_asleep = (c->f->core == FALLS_ASLEEP || c->f->core == ONLY_ASKS) &&
			       c->f->shared->n_cores == 1;
	} else if (message.kind == CHANNEL_MODULE) {
		nfds_t i = 0;

		while (i < c->n_modules && c->modules[i].file)
			i++;
		c->n_modules += i == c->n_modules;
		memcpy(c->modules[i].name, message.name, CHANNEL_NAME_SIZE);
		c->modules[i].file = fdopen(message.fd, "r");
		say(c->f, "attached %s, limit %d", message.name, (int)message.number);
	}
	return 0;
}

static void relay(struct core *c, nfds_t i)
{
	char line[4096];

	while (c->modules[i].file && fgets(line, sizeof(line), c->modules[i].file)) {
		line[strcspn(line, "\n")] = '\0';
		say(c->f, "%s: %s", c->modules[i].name, line);
	}
	if (!c->modules[i].file || !feof(c->modules[i].file))
		return;
	(void)fclose(c->modules[i].file);
	c->modules[i].file = NULL;
}

/* Asked to go: one more request has to be served. */
static int finish(struct core *c)
{
	uint64_t cut;
	int fd;

	if (c->f->core == STUBBORN) {
		say(c->f, "core does not mind");
		return 1;
	}
	fd = storage_request_log(c->storage, LOG_NAME, &cut);
	say(c->f, "core done, %s", fd >= 0 ? "served" : strerror(-fd));
	return 0;
}

static void ask_for_the_log(struct core *c)
{
	uint64_t cut;
	int fd = storage_request_log(c->storage, LOG_NAME, &cut);

	say(c->f, "core asked, %s", fd >= 0 ? "served" : strerror(-fd));
	cleanup_close(&fd);
}

static bool is_read(const struct core *c, nfds_t i)
{
	return c->modules[i].file &&
	       (c->f->core != READS_NOTHING || c->f->shared->n_cores > 1);
}

static int core_loop(struct core *c, int control, int signals)
{
	for (;;) {
		struct pollfd fds[2 + MODULES_MAX] = { { control, POLLIN, 0 },
						       { signals, POLLIN, 0 } };
		struct signalfd_siginfo info;

		for (nfds_t i = 0; i < c->n_modules; i++)
			fds[2 + i] = (struct pollfd){
				is_read(c, i) ? fileno(c->modules[i].file) : -1, POLLIN, 0
			};
		if (poll(fds, 2 + c->n_modules,
			 c->f->core == ONLY_ASKS && c->is_asleep ? 100 : -1) == 0)
			ask_for_the_log(c);
		for (nfds_t i = 0; i < c->n_modules; i++)
			if (fds[2 + i].revents)
				relay(c, i);
		if (fds[0].revents && on_message(c, control) < 0)
			return 0;
		if (fds[1].revents && read(signals, &info, sizeof(info)) > 0 &&
		    finish(c) == 0)
			return 0;
	}
}

static int core(void *context, const struct child_channels *channels)
{
	struct core c = { .f = context, .storage = channels->storage };
	int n = ++c.f->shared->n_cores, signals = open_signals();

	say(c.f, "core up %d", (int)getpid());
	if (n <= (c.f->core == ABORTS_TWICE ? 2 : c.f->core == ABORTS_ONCE))
		abort();
	if (c.f->core == EXITS_ALWAYS)
		return 3;
	return core_loop(&c, channels->control, signals);
}

static void on_web_message(struct fixture *f, int control, int *n_answers)
{
	struct channel_message message;
	bool is_first = f->shared->n_webs == 1;
	int n = is_first && f->web == TALKS ? 2 : 1;

	if (channel_receive(control, &message) <= 0)
		_exit(0);
	if (message.kind != CHANNEL_PING ||
	    (is_first && f->web == FALLS_ASLEEP && *n_answers > 0))
		return;
	message = (struct channel_message){ .kind = CHANNEL_PONG, .fd = -1 };
	for (; n > 0; n--, ++*n_answers)
		(void)channel_send(control, &message);
	if (f->is_web_heard)
		say(f, "web answered");
}

static int web(void *context, const struct child_channels *channels)
{
	struct fixture *f = context;
	int n = ++f->shared->n_webs, signals = open_signals(), n_answers = 0;

	say(f, "web up %d", (int)getpid());
	if (channels->storage >= 0 || (f->web == ABORTS_ONCE && n == 1))
		abort();
	for (;;) {
		struct pollfd fds[] = { { channels->control, POLLIN, 0 },
					{ signals, POLLIN, 0 } };

		(void)poll(fds, ARRAY_SIZE(fds), -1);
		if (fds[1].revents)
			break;
		on_web_message(f, channels->control, &n_answers);
	}
	say(f, "web done");
	return 0;
}

static int core_that_tells(void *context, const struct child_channels *channels)
{
	say_descriptors(context, "core");
	return core(context, channels);
}

static int web_that_tells(void *context, const struct child_channels *channels)
{
	say_descriptors(context, "web");
	return web(context, channels);
}

static int reload(void *context, struct buffer *says)
{
	struct fixture *f = context;

	buffer_appendf(says, "%s",
		       f->reload_result ? "x.yaml:1:1: bad \"word\"" : "12 rules");
	return f->reload_result;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)strcpy(f->folder, "/tmp/lksm-test-supervisor-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_int_equal(pipe2(f->says, O_CLOEXEC), 0);
	f->shared = mmap(NULL, sizeof(*f->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(f->shared != MAP_FAILED);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->supervisor > 0) {
		(void)kill(f->supervisor, SIGKILL);
		(void)waitpid(f->supervisor, NULL, 0);
	}
	(void)close(f->says[0]);
	for (size_t i = 0; i < f->n_lines; i++)
		free(f->lines[i]);
	(void)munmap(f->shared, sizeof(*f->shared));
	remove_folder(f->folder);
	free(f);
	return 0;
}

static void supervise(struct fixture *f, struct supervisor_options options)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	struct storage_options storage = { .folder = f->folder };
	int r;

	(void)close(f->says[0]);
	if (sd_load(&error) < 0 || storage_create(&storage, &f->storage, &error) < 0)
		_exit(98);
	options.context = f;
	options.storage = f->storage;
	options.reload = reload;
	options.watchdog_us = f->watchdog_us;
	options.busy_us = f->busy_us;
	if (f->external.name) {
		options.externals = &f->external;
		options.n_externals = 1;
	}
	r = supervisor_run(&options);
	storage_destroy(f->storage);
	say(f, r > 0 ? "supervisor done, core was not" : "supervisor done");
	_exit(r < 0 ? 97 : 0);
}

static void start_with(struct fixture *f, struct supervisor_options options)
{
	f->supervisor = fork();
	if (f->supervisor == 0)
		supervise(f, options);
	assert_true(f->supervisor > 0);
	(void)close(f->says[1]);
}

static void start(struct fixture *f)
{
	start_with(f, (struct supervisor_options){ .core = core, .web = web });
}

static uint64_t now_ms(void)
{
	return clock_now().mono_us / 1000;
}

/* One more line; false when nobody is left to say anything. */
static bool read_line(struct fixture *f)
{
	uint64_t deadline = now_ms() + DEADLINE_MS;
	char line[4096];
	size_t n = 0;

	for (; n < sizeof(line) - 1; n++) {
		struct pollfd fd = { f->says[0], POLLIN, 0 };
		uint64_t now = now_ms();

		if (now >= deadline || poll(&fd, 1, (int)(deadline - now)) <= 0)
			fail_msg("nothing happens any more");
		if (read(f->says[0], line + n, 1) <= 0)
			return false;
		if (line[n] == '\n')
			break;
	}
	line[n] = '\0';
	fprintf(stderr, "# %s\n", line);
	assert_true(f->n_lines < LINES_MAX);
	f->lines[f->n_lines++] = strdup(line);
	return true;
}

/* The first line that begins so and was not waited for yet; its rest. */
static const char *wait_for(struct fixture *f, const char *beginning)
{
	size_t i = 0;

	do
		for (; i < f->n_lines; i++) {
			if (f->is_used[i] ||
			    strncmp(f->lines[i], beginning, strlen(beginning)) != 0)
				continue;
			f->is_used[i] = true;
			return f->lines[i] + strlen(beginning);
		}
	while (read_line(f));
	fail_msg("no \"%s\" until the end", beginning);
	return NULL;
}

static pid_t wait_for_pid(struct fixture *f, const char *beginning)
{
	return (pid_t)strtol(wait_for(f, beginning), NULL, 10);
}

static void wait_until(uint64_t time_ms)
{
	while (now_ms() < time_ms)
		(void)poll(NULL, 0, 10);
}

/* How often a process has gone to sleep. */
static long count_sleeps(pid_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64], line[256];
	long n = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && n < 0 && fgets(line, sizeof(line), file))
		(void)sscanf(line, "voluntary_ctxt_switches: %ld", &n);
	return n;
}

static void wait_for_all(struct fixture *f)
{
	(void)wait_for(f, "core up");
	(void)wait_for(f, "web up");
	(void)wait_for(f, "attached lksm");
}

/* Has such a line been heard, and not waited for? */
static bool was_said(struct fixture *f, const char *beginning)
{
	for (size_t i = 0; i < f->n_lines; i++)
		if (!f->is_used[i] && !strncmp(f->lines[i], beginning, strlen(beginning)))
			return true;
	return false;
}

static void expect_end(struct fixture *f)
{
	int status;

	assert_int_equal(waitpid(f->supervisor, &status, 0), f->supervisor);
	f->supervisor = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void stop(struct fixture *f)
{
	assert_int_equal(kill(f->supervisor, SIGTERM), 0);
	(void)wait_for(f, "core done, served");
	assert_false(was_said(f, "web done")); /* web goes last */
	(void)wait_for(f, "web done");
	(void)wait_for(f, "supervisor done");
	expect_end(f);
}

#endif
