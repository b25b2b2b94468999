// SPDX-License-Identifier: Apache-2.0
/* See worker.h. */
#include "privsep/worker.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/log.h"
#include "privsep/process.h"

#define SETTLED_US \
	(10 * USEC_PER_SEC) /* having run so long, its next death is its first */
#define PAUSE_FIRST_US (50 * USEC_PER_SEC / 1000)
#define PAUSE_LAST_US  USEC_PER_SEC
#define FAILURES_MANY  10

/* SIGTERM ends a child that is not yet, or no longer, prepared for it: as good. */
static bool has_obeyed(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? info->si_status == 0
					   : info->si_status == SIGTERM;
}

static int on_exit_signal(sd_event_source *source, const siginfo_t *info, void *context)
{
	struct worker *w = context;
	bool is_clean = w->is_asked && has_obeyed(info);
	char reason[64];

	if (info->si_code == CLD_STOPPED) {
		(void)kill(w->pid, SIGCONT);
		w->stopped(w->context, w);
		return sd.event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	process_reason(info, reason, sizeof(reason));
	if (w->accused)
		(void)snprintf(reason, sizeof(reason), "%s", w->accused);
	w->pid = 0;
	w->accused = NULL;
	w->exit = sd.event_source_unref(w->exit);
	w->timer = sd.event_source_disable_unref(w->timer);
	w->ended(w->context, w, is_clean ? NULL : reason);
	return 0;
}

static int on_start_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)source;
	(void)time_us;
	worker_start(context);
	return 0;
}

static void start_after(struct worker *w, uint64_t pause_us)
{
	int r = loop_after(w->event, &w->timer, pause_us, on_start_timer, w);

	if (r < 0)
		(void)log_error_errno(r, "cannot start %s again", w->name);
}

void worker_start(struct worker *w)
{
	pid_t pid;
	int r;

	w->timer = sd.event_source_disable_unref(w->timer);
	w->is_asked = false;
	w->started_us = clock_now().mono_us;
	pid = w->start(w->context);
	if (pid < 0) {
		(void)log_error_errno(pid, "cannot start %s; trying again", w->name);
		start_after(w, PAUSE_LAST_US);
		return;
	}
	r = sd.event_add_child(w->event, &w->exit, pid, WEXITED | WSTOPPED,
			       on_exit_signal, w);
	if (r < 0) {
		(void)log_error_errno(r, "cannot watch %s; trying again", w->name);
		(void)kill(pid, SIGKILL); /* unwatched, it would not be replaced */
		(void)waitpid(pid, NULL, 0);
		start_after(w, PAUSE_LAST_US);
		return;
	}
	w->pid = pid;
}

void worker_start_again(struct worker *w)
{
	uint64_t pause_us = PAUSE_FIRST_US;

	if (clock_now().mono_us - w->started_us >= SETTLED_US)
		w->n_failures = 0;
	if (w->n_failures++ == 0) {
		worker_start(w);
		return;
	}
	for (unsigned int i = 2; i < w->n_failures && pause_us < PAUSE_LAST_US; i++)
		pause_us *= 2;
	if (pause_us > PAUSE_LAST_US)
		pause_us = PAUSE_LAST_US;
	if (w->n_failures == FAILURES_MANY)
		log_error("%s died %d times in a row; it is tried once a second", w->name,
			  FAILURES_MANY);
	start_after(w, pause_us);
}

static int on_stop_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	struct worker *w = context;

	(void)source;
	(void)time_us;
	log_warning("%s does not stop: killed", w->name);
	worker_kill(w, "did not stop in time");
	return 0;
}

void worker_stop(struct worker *w)
{
	w->is_asked = true;
	if (w->pid <= 0)
		return;
	(void)kill(w->pid, SIGTERM); /* until it is waited for, the pid is its own */
	if (loop_after(w->event, &w->timer, WORKER_STOP_US, on_stop_timer, w) < 0)
		worker_kill(w, NULL);
}

void worker_kill(struct worker *w, const char *why)
{
	if (w->pid <= 0)
		return;
	w->accused = why;
	(void)kill(w->pid, SIGKILL);
}

void worker_forget(struct worker *w)
{
	w->exit = sd.event_source_disable_unref(w->exit);
	w->timer = sd.event_source_disable_unref(w->timer);
}
