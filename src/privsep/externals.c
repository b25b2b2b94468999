// SPDX-License-Identifier: Apache-2.0
/* See externals.h. */
#include "privsep/externals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "core/registry.h"
#include "privsep/process.h"

#define PAUSE_FIRST_US (100 * USEC_PER_SEC / 1000)
#define PAUSE_LAST_US  (60 * USEC_PER_SEC)
#define SETTLED_US     (60 * USEC_PER_SEC) /* having run so long, the pause is short */
#define STOP_US	       (2 * USEC_PER_SEC)
/* half of what core takes: as many again it may not have closed yet, though they are read */
#define UNREAD_MAX (REGISTRY_PIPES_MAX / 2)
#define ORPHANS_US USEC_PER_SEC /* before who could not be ended is looked for again */

struct external {
	struct externals *all;
	const struct supervisor_external *item;
	pid_t pid; /* of it and of its process group; 0: not running */
	/* reading ends: of its last pipe, and before it of those that core has not read */
	int pipes[UNREAD_MAX];
	size_t n_pipes;
	uint64_t started_us;
	uint64_t pause_us; /* before the next start */
	bool was_running;  /* at the last look: */
	uint64_t n_waits;
	bool is_told; /* that it never waits */
	sd_event_source *exit, *timer;
};

struct externals {
	struct externals_options options;
	bool is_stopping;
	bool is_adopting; /* what modules leave behind */
	size_t n_orphans; /* of that, killed and not yet gone */
	sd_event_source *timer, *look, *orphans;
	size_t n;
	struct external items[];
};

static void start(struct external *x);

static int on_start_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	start(context);
	return 0;
}

/* It ended, or could not even begin: say so and try again later. */
static void failed(struct external *x, const char *reason)
{
	int r;

	if (x->all->is_stopping)
		return;
	if (clock_now().mono_us - x->started_us >= SETTLED_US)
		x->pause_us = PAUSE_FIRST_US;
	log_warning("module %s %s; it is started again in %.1f s", x->item->name, reason,
		    (double)x->pause_us / USEC_PER_SEC);
	reports_add_death(x->all->options.reports, "module_failed", "module",
			  x->item->name, reason);
	r = loop_after(x->all->options.event, &x->timer, x->pause_us, on_start_timer, x);
	if (r < 0)
		(void)log_error_errno(r, "module %s stays off", x->item->name);
	x->pause_us = x->pause_us * 2 < PAUSE_LAST_US ? x->pause_us * 2 : PAUSE_LAST_US;
}

static void tell_if_gone(struct externals *e)
{
	if (e->is_stopping && externals_are_gone(e))
		e->options.all_gone(e->options.context);
}

static void end_orphans(struct externals *e);

static int on_orphan_gone(sd_event_source *source, const siginfo_t *info, void *context)
{
	struct externals *e = context;

	(void)info;
	end_orphans(e); /* its own children are ours now */
	(void)sd.event_source_set_floating(source, false); /* and so it goes */
	e->n_orphans--;
	tell_if_gone(e);
	return 0;
}

/* Return: 0; -EBUSY: the loop knows it, so it is no orphan; -errno. */
static int end_orphan(struct externals *e, pid_t pid)
{
	sd_event_source *source;
	int r = sd.event_add_child(e->options.event, &source, pid, WEXITED,
				   on_orphan_gone, e);

	if (r < 0)
		return r;
	(void)sd.event_source_set_floating(source, true);
	(void)sd.event_source_unref(source);
	e->n_orphans++;
	(void)kill(pid, SIGKILL); /* until it is waited for, the pid is its own */
	return 0;
}

static int on_orphans_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	end_orphans(context);
	return 0;
}

static void end_orphans_later(struct externals *e, int error)
{
	(void)log_warning_errno(error, "what a module left behind goes on for now");
	if (loop_after(e->options.event, &e->orphans, ORPHANS_US, on_orphans_timer, e) <
	    0)
		log_warning("and until a module ends");
}

/*
 * A module is gone, and so are those of its process group. Who left the group is our child
 * now, and the only one that is not waited for yet: of all others the loop knows.
 */
static void end_orphans(struct externals *e)
{
	_cleanup_fclose_ FILE *children = e->is_adopting ? process_open_children() : NULL;
	int error = e->is_adopting && !children ? -errno : 0;
	pid_t pid;

	while (children && fscanf(children, "%d", &pid) == 1) {
		int r = end_orphan(e, pid);

		if (r < 0 && r != -EBUSY)
			error = r;
	}
	if (error)
		end_orphans_later(e, error);
}

static int on_exit_signal(sd_event_source *source, const siginfo_t *info, void *context)
{
	struct external *x = context;
	char reason[64];

	if (info->si_code == CLD_STOPPED) {
		(void)kill(x->pid, SIGCONT);
		log_warning("module %s was stopped, and goes on", x->item->name);
		reports_add_stop(x->all->options.reports, x->item->name);
		return sd.event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	process_reason(info, reason, sizeof(reason));
	/* What it left behind; the group's number is ours until the leader is waited for. */
	(void)kill(-x->pid, SIGKILL);
	end_orphans(x->all);
	x->pid = 0;
	x->exit = sd.event_source_unref(x->exit);
	failed(x, reason);
	tell_if_gone(x->all);
	return 0;
}

/* ---- modules that are busy with themselves ---- */

static void tell_busy(const struct external *x)
{
	char reason[96];
	const struct report_datum data[2] = { { "module", x->item->name },
					      { "reason", reason } };

	(void)snprintf(reason, sizeof(reason),
		       "has not waited for anything in %.0f s: an endless loop?",
		       (double)x->all->options.busy_us / USEC_PER_SEC);
	log_warning("module %s %s", x->item->name, reason);
	reports_add(x->all->options.reports, "module_failed", data);
}

/* Who runs, and has not waited since the last look, has read and written nothing that mattered,
 * however little of the processors it got. */
static void look_at(struct external *x)
{
	uint64_t n_waits = 0;
	bool is_running = x->pid && process_count_waits(x->pid, &n_waits) > 0;
	bool is_busy = is_running && x->was_running && n_waits == x->n_waits;

	if (is_busy && !x->is_told)
		tell_busy(x);
	x->is_told = is_busy;
	x->was_running = is_running;
	x->n_waits = n_waits;
}

static int on_look(sd_event_source *source, uint64_t time_us, void *context)
{
	struct externals *e = context;

	(void)source;
	(void)time_us;
	for (size_t i = 0; i < e->n; i++)
		look_at(&e->items[i]);
	return loop_after(e->options.event, &e->look, e->options.busy_us, on_look, e);
}

/* ---- starting ---- */

/* In the child, before it becomes the program. */
static void enter_sandbox(void *context)
{
	const struct external *x = context;
	const struct externals_options *o = &x->all->options;
	size_t row = o->sandboxes_first + (size_t)(x - x->all->items);

	if (x->item->is_sandboxed)
		sandbox_page_enter(o->sandboxes, row, &x->item->sandbox);
	else
		sandbox_page_clear(o->sandboxes, row);
}

static int spawn(struct external *x, int *ret_fd)
{
	_cleanup_close_ int output = -1;
	_cleanup_close_ int input = -1;
	int fds[2], r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	input = fds[0];
	output = fds[1];
	if (fcntl(input, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	pid = process_spawn(x->item->argv, output, enter_sandbox, x);
	if (pid < 0)
		return (int)pid;
	r = sd.event_add_child(x->all->options.event, &x->exit, pid, WEXITED | WSTOPPED,
			       on_exit_signal, x);
	if (r < 0) {
		(void)kill(-pid, SIGKILL); /* unwatched, it would not be replaced */
		(void)waitpid(pid, NULL, 0);
		return r;
	}
	x->pid = pid;
	x->was_running = x->is_told = false;
	*ret_fd = take_fd(&input);
	return 0;
}

/* What its earlier selves said and core has not read is for the next core, if this one dies. */
static void forget_read_pipes(struct external *x)
{
	size_t kept = 0;

	for (size_t i = 0; i < x->n_pipes; i++) {
		int n_bytes = 0;

		if (ioctl(x->pipes[i], FIONREAD, &n_bytes) == 0 && n_bytes)
			x->pipes[kept++] = x->pipes[i];
		else
			cleanup_close(&x->pipes[i]);
	}
	x->n_pipes = kept;
}

static void start(struct external *x)
{
	int fd = -1, r;

	x->timer = sd.event_source_disable_unref(x->timer);
	x->started_us = clock_now().mono_us;
	forget_read_pipes(x);
	if (x->n_pipes == UNREAD_MAX) {
		failed(x, "has said what core does not read");
		return;
	}
	r = spawn(x, &fd);
	if (r < 0) {
		char reason[128];

		(void)snprintf(reason, sizeof(reason), "cannot be run: %s", strerror(-r));
		failed(x, reason);
		return;
	}
	x->pipes[x->n_pipes++] = fd;
	x->all->options.attach(x->all->options.context, x->item, fd);
}

/* Of a module that is not ours to run; closed as those of ours are. */
static void add_given_pipe(struct external *x)
{
	int fd = x->item->pipe > 0
			 ? fcntl(x->item->pipe, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
			 : -1;

	if (fd >= 0)
		x->pipes[x->n_pipes++] = fd;
}

int externals_create(const struct externals_options *options, struct externals **ret)
{
	struct externals *e = calloc(1,
				     sizeof(*e) + options->n_items * sizeof(e->items[0]));

	if (!e)
		return -ENOMEM;
	e->options = *options;
	e->is_adopting = process_adopt();
	e->n = options->n_items;
	for (size_t i = 0; i < e->n; i++) {
		e->items[i] = (struct external){ .all = e,
						 .item = &options->items[i],
						 .pause_us = PAUSE_FIRST_US };
		add_given_pipe(&e->items[i]);
	}
	*ret = e;
	return 0;
}

void externals_destroy(struct externals *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n; i++) {
		(void)sd.event_source_disable_unref(e->items[i].exit);
		(void)sd.event_source_disable_unref(e->items[i].timer);
		for (size_t j = 0; j < e->items[i].n_pipes; j++)
			cleanup_close(&e->items[i].pipes[j]);
	}
	(void)sd.event_source_disable_unref(e->timer);
	(void)sd.event_source_disable_unref(e->look);
	(void)sd.event_source_disable_unref(e->orphans);
	free(e);
}

void externals_start(struct externals *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->items[i].item->pipe <= 0)
			start(&e->items[i]);
	if (e->n && e->options.busy_us &&
	    loop_after(e->options.event, &e->look, e->options.busy_us, on_look, e) < 0)
		log_warning("modules in endless loops are not told");
}

void externals_attach_all(struct externals *e)
{
	for (size_t i = 0; i < e->n; i++)
		for (size_t j = 0; j < e->items[i].n_pipes; j++)
			e->options.attach(e->options.context, e->items[i].item,
					  e->items[i].pipes[j]);
}

static void signal_all(struct externals *e, int signal)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->items[i].pid > 0)
			(void)kill(-e->items[i].pid, signal); /* gone already: as good */
}

static int on_stop_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	externals_kill(context);
	return 0;
}

void externals_stop(struct externals *e)
{
	e->is_stopping = true;
	for (size_t i = 0; i < e->n; i++)
		e->items[i].timer = sd.event_source_disable_unref(e->items[i].timer);
	signal_all(e, SIGTERM);
	if (externals_are_gone(e))
		return;
	if (loop_after(e->options.event, &e->timer, STOP_US, on_stop_timer, e) < 0)
		externals_kill(e);
}

void externals_kill(struct externals *e)
{
	signal_all(e, SIGKILL);
}

bool externals_are_gone(const struct externals *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->items[i].pid > 0)
			return false;
	return !e->n_orphans;
}
