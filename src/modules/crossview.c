// SPDX-License-Identifier: Apache-2.0
/*
 * Looks for what is hidden: processes, sockets, files and kernel modules that some of the
 * kernel's answers show and others do not (core/crossview_*.c).
 *
 * It runs apart, because trying four million process numbers takes a second. A round comes
 * every `interval` seconds, cut into steps that are spread over it; SIGUSR1 asks for one at
 * once, in full, and so does the sensor when it was made to look at everything, or had
 * something bad to tell (core/crossview_sensor.h). What was told is not told again before it
 * was gone for some rounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lksm/module.h"
#include "lksm/wire.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/privilege.h"
#include "base/seccomp.h"
#include "core/crossview_files.h"
#include "core/crossview_modules.h"
#include "core/crossview_sensor.h"
#include "core/crossview_sockets.h"
#include "core/crossview_tasks.h"

#define NICE	     10
#define KNOWN_MAX    1024
#define KNOWN_ROUNDS 12 /* not seen for so long, it is forgotten */
#define FULL_ROUNDS  10 /* every so many, what is costly is done, too */
#define INTERVAL_MAX (24 * 3600)
#define SOON_MS	     1000 /* from something bad to the round that it brings */
#define REST_MS	     5000 /* from one such round to the next */
#define FOLDERS                                                                  \
	"/,/root,/home,/tmp,/var/tmp,/dev,/dev/shm,/run,/proc,/etc,/etc/cron.d," \
	"/etc/systemd/system,/etc/modules-load.d,/opt,/usr,/usr/bin,/usr/sbin,"  \
	"/usr/lib,/usr/local/bin,/usr/local/sbin,/lib/modules,/var,/var/lib"

struct known {
	uint64_t id;
	uint64_t round; /* it was last seen in */
};

struct crossview {
	/* options */
	bool is_enabled; /* the supervisor's affair */
	int64_t interval_s;
	const char *proc, *sys, *folders, *sensor_path;
	bool has_processes, has_sockets, has_files, has_modules;

	const struct lksm_host *host;
	int timer, signals, proc_fd, sys_fd;
	struct sensor_source sensor; /* fd -1: none is loaded */
	struct tasks *tasks;	     /* NULL: not compared */
	uint64_t round;
	size_t n_steps, step; /* of this round */
	bool is_hurried;      /* somebody asked for it */
	bool is_wanted;	      /* the timer is set to the next such one */
	uint64_t hurried_us;  /* CLOCK_MONOTONIC of the last one */
	bool has_begun;
	bool was_told_room;
	struct findings findings;
	size_t n_known;
	struct known known[KNOWN_MAX];
};

/* ---- telling ---- */

/* Return: true if it is new. */
static bool remember(struct crossview *c, uint64_t id)
{
	for (size_t i = 0; i < c->n_known; i++)
		if (c->known[i].id == id) {
			c->known[i].round = c->round;
			return false;
		}
	if (c->n_known < KNOWN_MAX)
		c->known[c->n_known++] = (struct known){ id, c->round };
	else if (!c->was_told_room)
		c->host->log(c->host, 4,
			     "more than %d things are hidden: some will be told again",
			     KNOWN_MAX);
	c->was_told_room |= c->n_known == KNOWN_MAX;
	return true;
}

static void forget_gone(struct crossview *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_known; i++)
		if (c->known[i].round + KNOWN_ROUNDS >= c->round)
			c->known[n++] = c->known[i];
	c->n_known = n;
}

static void emit(struct crossview *c, struct lksm_batch *out, const struct finding *f)
{
	if (c->host->emit(out, 0, f->type, LKSM_CRITICAL) < 0)
		return; /* a turn has room for more than FINDINGS_MAX */
	for (size_t i = 0; i < f->n; i++) {
		const struct finding_datum *d = &f->data[i];

		if (d->is_number)
			(void)c->host->add_int(out, d->key, d->number);
		else
			(void)c->host->add_str(out, d->key, d->text, d->len);
	}
}

static void tell(struct crossview *c, struct lksm_batch *out)
{
	for (size_t i = 0; i < c->findings.n; i++)
		if (remember(c, c->findings.items[i].id))
			emit(c, out, &c->findings.items[i]);
	if (c->findings.n_lost)
		c->host->log(c->host, 4, "%zu more hidden things in one step",
			     c->findings.n_lost);
	c->findings.n = c->findings.n_lost = 0;
}

/* ---- the views ---- */

/* Where nothing answers, each question makes the kernel run modprobe: it is put once. */
static void compare_sockets(struct crossview *c)
{
	struct socket_calls calls = socket_calls_kernel;

	calls.context = (void *)(intptr_t)c->proc_fd;
	c->has_sockets = sockets_compare(c->proc_fd, &calls, &c->findings) > 0;
	if (!c->has_sockets)
		c->host->log(c->host, 4,
			     "sockets are not compared: %s/net or NETLINK_SOCK_DIAG "
			     "cannot be read",
			     c->proc);
}

/* Folders that are not there, or not ours to read, are passed over. */
static void compare_files(struct crossview *c)
{
	_cleanup_free_ char *list = strdup(c->folders ? c->folders : "");
	char *rest = list, *folder;

	while (list && (folder = strsep(&rest, ",")))
		if (*folder)
			(void)files_check_folder(folder, &file_calls_kernel,
						 &c->findings);
	(void)files_check_programs(c->proc_fd, &file_calls_kernel, &c->findings);
}

static bool is_full(const struct crossview *c)
{
	return c->is_hurried || c->round % FULL_ROUNDS == 1;
}

static void compare_modules(struct crossview *c)
{
	const struct module_places places = { c->proc_fd, c->sys_fd, is_full(c),
					      crossview_pause };

	(void)modules_compare(&places, &c->findings); /* a kernel may have none */
}

/* ---- the sensor ---- */

/* It may come at any time: each round looks for it. */
static void open_sensor(struct crossview *c)
{
	if (c->sensor.fd < 0 && crossview_sensor_open(&c->sensor, c->sensor_path) == 0)
		(void)c->host->watch(c->host, c->sensor.fd); /* else the rounds do */
}

static void close_sensor(struct crossview *c)
{
	if (c->sensor.fd >= 0)
		c->host->unwatch(c->host, c->sensor.fd);
	cleanup_close(&c->sensor.fd);
	c->sensor.fd = -1;
}

static enum sensor_wish read_sensor(struct crossview *c)
{
	int r = c->sensor.fd < 0 ? SENSOR_WISH_NONE : crossview_sensor_wish(&c->sensor);

	if (r >= 0)
		return (enum sensor_wish)r;
	close_sensor(c);
	return SENSOR_WISH_SOON; /* why is it gone? */
}

/* ---- rounds ---- */

static void begin_round(struct crossview *c)
{
	c->round++;
	forget_gone(c);
	open_sensor(c);
	c->n_steps = c->tasks ? tasks_begin(c->tasks, is_full(c)) : 0;
	c->step = 0;
	if (c->has_sockets)
		compare_sockets(c);
	if (c->has_files)
		compare_files(c);
	if (c->has_modules)
		compare_modules(c);
}

static void do_step(struct crossview *c)
{
	if (c->step >= c->n_steps)
		begin_round(c);
	if (c->tasks)
		(void)tasks_step(c->tasks, &c->findings);
	c->step++;
}

static void set_timer_ms(struct crossview *c, uint64_t ms)
{
	struct itimerspec when = { 0 };

	when.it_value.tv_sec = (time_t)(ms / 1000);
	when.it_value.tv_nsec = (long)(ms % 1000) * 1000000 + 1;
	(void)timerfd_settime(c->timer, 0, &when, NULL); /* all values are good */
}

/* The steps of a round are spread over it, and come when nobody can know. */
static void set_timer(struct crossview *c)
{
	uint64_t steps = c->n_steps ? c->n_steps : 1;
	uint64_t ms = (uint64_t)c->interval_s * 1000 / steps;

	set_timer_ms(c, ms + ms / 10 - (uint64_t)random() % (ms / 5 + 1));
}

/* What came may not have finished what it does, and more of it must not keep us busy. */
static void hurry_soon(struct crossview *c)
{
	uint64_t rested_ms = (clock_now().mono_us - c->hurried_us) / 1000;

	if (c->is_wanted)
		return;
	c->is_wanted = true;
	set_timer_ms(c, rested_ms + SOON_MS < REST_MS ? REST_MS - rested_ms : SOON_MS);
}

static void hurry(struct crossview *c)
{
	c->hurried_us = clock_now().mono_us;
	c->is_wanted = false;
	c->is_hurried = true;
	c->step = c->n_steps;
}

static bool has_expired(const struct crossview *c)
{
	uint64_t n;

	return read(c->timer, &n, sizeof(n)) > 0;
}

static bool was_asked(const struct crossview *c)
{
	struct signalfd_siginfo info;
	bool was = false;

	while (read(c->signals, &info, sizeof(info)) > 0)
		was = true;
	return was;
}

static int crossview_poll(void *state, struct lksm_batch *out)
{
	struct crossview *c = state;
	bool is_due = has_expired(c) || (!c->has_begun && c->interval_s);
	enum sensor_wish wish = read_sensor(c);

	c->has_begun = true;
	if (was_asked(c) || wish == SENSOR_WISH_NOW || (is_due && c->is_wanted))
		hurry(c);
	else if (wish == SENSOR_WISH_SOON)
		hurry_soon(c);
	if (!is_due && !c->is_hurried)
		return 0;
	do_step(c);
	tell(c, out);
	if (c->is_hurried && c->step < c->n_steps)
		return 1;
	c->is_hurried = false;
	if (c->interval_s && !c->is_wanted)
		set_timer(c);
	return 0;
}

/* ---- the module ---- */

/* It gives way to others, but who keeps the processors busy does not keep it from looking. */
static void be_modest(void)
{
	/* both are courtesy, and not possible everywhere */
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		      IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_BE_NR - 1));
}

/* To look everywhere is enough. */
static int drop_privilege(void)
{
	static const int keep[] = { CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE };
	int r = privilege_drop_capabilities(keep, ARRAY_SIZE(keep));

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return r < 0 ? r : seccomp_restrict(SECCOMP_CROSSVIEW);
}

static int open_signals(struct crossview *c)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return c->signals < 0 ? -errno : c->host->watch(c->host, c->signals);
}

static int open_timer(struct crossview *c)
{
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return c->timer < 0 ? -errno : c->host->watch(c->host, c->timer);
}

static void open_views(struct crossview *c)
{
	_cleanup_buffer_ struct buffer reason = { 0 };

	c->proc_fd = open(c->proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->sys_fd = open(c->sys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (geteuid() != 0)
		c->host->log(c->host, 4,
			     "not root: what only root may see is not compared");
	if (!c->has_processes ||
	    tasks_create(c->proc, &task_calls_kernel, &c->tasks, &reason) == 0)
		return;
	c->host->log(c->host, 4, "processes are not compared: %s",
		     reason.len ? buffer_cstring(&reason) : "no memory");
}

static void crossview_stop(void *state)
{
	struct crossview *c = state;
	int *fds[] = { &c->timer, &c->signals };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (*fds[i] >= 0)
			c->host->unwatch(c->host, *fds[i]);
	close_sensor(c);
	cleanup_close(&c->timer);
	cleanup_close(&c->signals);
	cleanup_close(&c->proc_fd);
	cleanup_close(&c->sys_fd);
	tasks_destroy(c->tasks);
}

static int crossview_start(void *state, const struct lksm_host *host)
{
	struct crossview *c = state;
	int r;

	c->host = host;
	c->timer = c->signals = c->proc_fd = c->sys_fd = c->sensor.fd = -1;
	if (c->interval_s < 0 || c->interval_s > INTERVAL_MAX) {
		host->log(host, 3, "interval is 0 to %d seconds", INTERVAL_MAX);
		return -EINVAL;
	}
	srandom((unsigned int)getpid()); /* jitter, no secret */
	be_modest();
	open_views(c);
	open_sensor(c);
	r = open_timer(c);
	if (r == 0)
		r = open_signals(c);
	if (r < 0) {
		crossview_stop(c);
		return r;
	}
	(void)prctl(PR_SET_NAME, "crossview"); /* it can be asked from now on */
	r = drop_privilege();
	if (r < 0)
		host->log(host, 4, "it keeps its privilege: %s", strerror(-r));
	return 0;
}

#define OPTION(text_name, kind, member, default_text, help_text)                         \
	{                                                                                \
		.name = text_name, .type = LKSM_OPTION_##kind, .fallback = default_text, \
		.offset = offsetof(struct crossview, member), .help = help_text,         \
	}

static const struct lksm_option options[] = {
	OPTION("enabled", BOOL, is_enabled, "true", "Look for what is hidden"),
	OPTION("interval", INT, interval_s, "60",
	       "Seconds between two rounds; 0: only on SIGUSR1"),
	OPTION("processes", BOOL, has_processes, "true", "Compare processes"),
	OPTION("sockets", BOOL, has_sockets, "true", "Compare TCP and UDP sockets"),
	OPTION("files", BOOL, has_files, "true", "Look closely at folders"),
	OPTION("modules", BOOL, has_modules, "true", "Compare kernel modules"),
	OPTION("folders", TEXT, folders, FOLDERS, "The folders, separated by commas"),
	OPTION("proc", TEXT, proc, "/proc", "Where procfs is"),
	OPTION("sensor", TEXT, sensor_path, LKSM_PROC_PATH,
	       "Where the sensor's channel is"),
	OPTION("sys", TEXT, sys, "/sys", "Where sysfs is"),
	{ .name = NULL },
};

static const struct lksm_module crossview = {
	.abi = LKSM_MODULE_ABI,
	.name = "crossview",
	.options = options,
	.state_size = sizeof(struct crossview),
	.start = crossview_start,
	.poll = crossview_poll,
	.stop = crossview_stop,
	.is_apart = true,
};

LKSM_MODULE(crossview)
