// SPDX-License-Identifier: Apache-2.0
/*
 * See supervisor.h. One sd-event loop; every part of it only says what to do when
 * something has happened. Stopping is a walk through the phases: externals first, so that
 * core still gets their last words, then core, whose requests are served until it is
 * gone, then web and history.
 */
#include "privsep/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/systemd.h"
#include "privsep/clock_watch.h"
#include "privsep/core_link.h"
#include "privsep/externals.h"
#include "privsep/file_watch.h"
#include "privsep/lookout.h"
#include "privsep/mute_watch.h"
#include "privsep/process.h"
#include "privsep/reports.h"
#include "privsep/upkeep.h"
#include "privsep/web_link.h"
#include "privsep/worker.h"

enum phase {
	RUNNING,
	STOPPING_EXTERNALS,
	STOPPING_CORE,
	STOPPING_PARTS,
};

/* A process that may say one thing only: that it is well. */
enum part_kind {
	PART_WEB,
	PART_HISTORY,
	PART_COUNT,
};

struct part {
	struct supervisor *supervisor;
	int (*run)(void *context, const struct child_channels *channels); /* NULL: none */
	struct worker worker;
	struct web_link link;
};

struct supervisor {
	const struct supervisor_options *options;
	sd_event *event;
	enum phase phase;
	struct descriptors inherited; /* the caller's: what the children keep */
	struct reports reports;
	struct externals *externals;
	struct upkeep upkeep;
	struct core_link link;
	struct lookout lookout;
	struct file_watch rules;
	struct mute_watch mutes;
	struct clock_watch clock;
	struct worker core;
	struct part parts[PART_COUNT];
	char *reloaded;		 /* what a reload said, until the new core can tell it */
	bool is_ready;		 /* systemd knows that we are */
	int result;		 /* of supervisor_run(): 1 if core could not finish */
	bool is_own_lost;	 /* before core is started, there is something to renew */
	bool are_parts_outdated; /* to be restarted when the new core is well */
};

static bool are_parts_gone(const struct supervisor *s)
{
	bool are_gone = true;

	for (size_t i = 0; i < PART_COUNT; i++)
		are_gone = are_gone && !s->parts[i].worker.pid;
	return are_gone;
}

static void for_each_part(struct supervisor *s, void (*what)(struct worker *w))
{
	for (size_t i = 0; i < PART_COUNT; i++)
		if (s->parts[i].run)
			what(&s->parts[i].worker);
}

static void kill_now(struct worker *w)
{
	worker_kill(w, NULL);
}

static void forget_pause(struct worker *w)
{
	if (!w->pid)
		worker_forget(w);
}

static void stop_running(struct worker *w)
{
	if (w->pid)
		worker_stop(w);
}

/* The next step of stopping, if what the present one waits for has happened. */
static void advance(struct supervisor *s)
{
	if (s->phase == STOPPING_EXTERNALS && externals_are_gone(s->externals)) {
		s->phase = STOPPING_CORE;
		worker_stop(&s->core);
	}
	if (s->phase == STOPPING_CORE && !s->core.pid) {
		s->phase = STOPPING_PARTS;
		for_each_part(s, worker_stop);
	}
	if (s->phase == STOPPING_PARTS && are_parts_gone(s))
		(void)sd.event_exit(s->event, s->result); /* cannot fail in a callback */
}

static void begin_stop(struct supervisor *s)
{
	if (s->phase != RUNNING) { /* asked twice: someone is in a hurry */
		externals_kill(s->externals);
		worker_kill(&s->core, NULL);
		for_each_part(s, kill_now);
		return;
	}
	(void)sd.notify(0, "STOPPING=1"); /* here and below: nobody may be listening */
	s->phase = STOPPING_EXTERNALS;
	forget_pause(&s->core);
	for_each_part(s, forget_pause);
	externals_stop(s->externals);
	advance(s);
}

/* A part is gone. If it was to go, only to come back with new configuration, it does. */
static void take_end(struct supervisor *s, struct worker *w, const char *reason)
{
	/* a signal to our whole group stops the children before we ask them to */
	if (reason && s->phase != RUNNING && !strcmp(reason, PROCESS_EXITED_CLEANLY))
		reason = NULL;
	if (reason)
		log_error("%s %s", w->name, reason);
	if (reason && s->phase != RUNNING && w == &s->core)
		s->result = 1; /* not everything that it took is in the log */
	if (reason && s->phase == RUNNING)
		reports_add_death(&s->reports, "process_restarted", "process", w->name,
				  reason);
	if (s->phase != RUNNING)
		advance(s);
	else if (w->is_asked)
		worker_start(w);
	else
		worker_start_again(w);
}

static void on_core_ended(void *context, struct worker *w, const char *reason)
{
	struct supervisor *s = context;

	core_link_close(&s->link);
	lookout_stop(&s->lookout);
	storage_writer_gone(s->options->storage);
	take_end(s, w, reason);
}

static void on_part_ended(void *context, struct worker *w, const char *reason)
{
	struct part *p = context;

	web_link_close(&p->link);
	take_end(p->supervisor, w, reason);
}

static void take_stop(struct supervisor *s, const struct worker *w)
{
	log_warning("%s was stopped, and goes on", w->name);
	reports_add_stop(&s->reports, w->name);
}

static void on_core_stopped(void *context, struct worker *w)
{
	take_stop(context, w);
}

static void on_part_stopped(void *context, struct worker *w)
{
	const struct part *p = context;

	take_stop(p->supervisor, w);
}

static void attach(void *context, const struct supervisor_external *item, int fd)
{
	struct supervisor *s = context;

	core_link_attach(&s->link, item->name, fd, item->rate_limit);
}

/* The old core is gone: whoever reads the event may rely on the new rules. */
static void tell_reloaded(struct supervisor *s)
{
	if (!s->reloaded)
		return;
	reports_add(&s->reports, "config_reloaded",
		    (struct report_datum[2]){ { "rules", s->reloaded } });
	free(s->reloaded);
	s->reloaded = NULL;
}

static pid_t start_core(void *context)
{
	struct supervisor *s = context;
	struct child_channels channels;
	int r = core_link_open(&s->link, &channels);
	pid_t pid;

	if (r < 0)
		return r;
	tell_reloaded(s);
	if (s->is_own_lost)
		s->is_own_lost = s->options->renew(s->options->context) < 0;
	pid = process_fork("core");
	if (pid == 0) {
		storage_leave(s->options->storage, true);
		process_keep_only(&s->inherited, channels.control, channels.storage);
		_exit(s->options->core(s->options->context, &channels));
	}
	cleanup_close(&channels.control);
	cleanup_close(&channels.storage);
	r = pid < 0 ? (int)pid : core_link_start(&s->link);
	if (r < 0) {
		if (pid > 0)
			(void)log_error_errno(r, "core is not served, and ends");
		core_link_close(&s->link);
		return pid;
	}
	core_link_attach(&s->link, REPORTS_NAME, s->reports.read_fd, 0);
	externals_attach_all(s->externals);
	return pid;
}

static pid_t start_part(void *context)
{
	struct part *p = context;
	struct supervisor *s = p->supervisor;
	struct child_channels channels;
	int r = web_link_open(&p->link, &channels);
	pid_t pid;

	if (r < 0)
		return r;
	pid = process_fork(p->worker.name);
	if (pid == 0) {
		process_unspare();
		storage_leave(s->options->storage, false);
		process_keep_only(&s->inherited, channels.control, -1);
		_exit(p->run(s->options->context, &channels));
	}
	cleanup_close(&channels.control);
	r = pid < 0 ? (int)pid : web_link_start(&p->link);
	if (r < 0) {
		if (pid > 0) /* its channel ends, and so does it */
			(void)log_error_errno(r, "%s is not watched, and ends",
					      p->worker.name);
		web_link_close(&p->link);
	}
	return pid;
}

static void on_answered(void *context)
{
	struct supervisor *s = context;

	if (!s->is_ready)
		(void)sd.notify(0, "READY=1");
	else if (s->options->watchdog_us)
		(void)sd.notify(0, "WATCHDOG=1");
	s->is_ready = true;
	if (s->are_parts_outdated && s->phase == RUNNING)
		for_each_part(s, stop_running);
	s->are_parts_outdated = false;
}

static void on_hung(void *context)
{
	struct supervisor *s = context;

	log_error("core does not answer: killed");
	worker_kill(&s->core, "hung");
}

static void on_part_hung(void *context)
{
	struct part *p = context;

	log_error("%s does not answer: killed", p->worker.name);
	worker_kill(&p->worker, "hung");
}

static void on_part_broken(void *context)
{
	struct part *p = context;

	log_error("%s says what nobody asked: killed", p->worker.name);
	worker_kill(&p->worker, "spoke nonsense");
}

static void on_look(void *context, const char *name)
{
	struct supervisor *s = context;

	lookout_ask(&s->lookout, name);
}

static int open_source(void *context, const char *name)
{
	struct supervisor *s = context;

	return s->options->open_source
		       ? s->options->open_source(s->options->context, name)
		       : -ENOENT;
}

static void give_source(void *context, const char *name, int fd)
{
	struct supervisor *s = context;

	core_link_give(&s->link, name, fd);
}

static void on_externals_gone(void *context)
{
	advance(context);
}

/* Call @read, a reload(); what it opens is the children's, too. */
static int read_again(struct supervisor *s,
		      int (*read)(void *context, struct buffer *says),
		      struct buffer *says)
{
	struct descriptors before = { 0 }, after = { 0 };
	int listed = descriptors_list(&before), r;

	r = read(s->options->context, says);
	if (listed >= 0)
		listed = descriptors_list(&after);
	if (listed >= 0)
		listed = descriptors_update(&s->inherited, &before, &after);
	descriptors_deinit(&before);
	descriptors_deinit(&after);
	return r < 0 || listed >= 0 ? r : listed;
}

static void restart_all(struct supervisor *s)
{
	s->are_parts_outdated = true;
	if (s->core.pid)
		worker_stop(&s->core);
	else
		worker_start(&s->core); /* it waits out a pause: now there is a reason */
}

static void watch_rules(struct supervisor *s)
{
	const char *paths[FILE_WATCH_MAX];

	if (s->options->rule_paths)
		file_watch_start(&s->rules, paths,
				 s->options->rule_paths(s->options->context, paths));
}

static void refuse(struct supervisor *s, const char *text)
{
	log_error("configuration refused, the running one stays: %s", text);
	reports_add(&s->reports, "config_rejected",
		    (struct report_datum[2]){ { "error", text } });
}

static void renew_all(struct supervisor *s, const char *text)
{
	log_notice("configuration read again");
	free(s->reloaded);
	s->reloaded = strdup(text);
	s->is_ready = false;
	watch_rules(s);
	restart_all(s);
}

static void reload(struct supervisor *s)
{
	_cleanup_buffer_ struct buffer says = { 0 };
	const char *text;
	int r;

	(void)sd.notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now().mono_us);
	file_watch_forget(&s->rules);
	r = read_again(s, s->options->reload, &says);
	text = buffer_cstring(&says) ? says.data : "";
	if (r >= 0) {
		renew_all(s, text);
		return;
	}
	refuse(s, text);
	(void)sd.notify(0, "READY=1");
}

/* Watched before it is read: what is saved meanwhile is another notice. */
static void on_rules_saved(void *context)
{
	_cleanup_buffer_ struct buffer says = { 0 };
	struct supervisor *s = context;
	const char *text;
	int r;

	if (s->phase != RUNNING)
		return;
	watch_rules(s);
	r = read_again(s, s->options->reload_rules, &says);
	text = buffer_cstring(&says) ? says.data : "";
	if (r < 0)
		refuse(s, text);
	else if (r > 0)
		renew_all(s, text);
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info,
			  void *context)
{
	(void)source;
	(void)info;
	begin_stop(context);
	return 0;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info,
		     void *context)
{
	struct supervisor *s = context;

	(void)source;
	if (info->ssi_code == SI_KERNEL) /* our terminal is gone, which nobody sent */
		begin_stop(s);
	else if (s->phase == RUNNING && s->options->reload)
		reload(s);
	return 0;
}

/* What core inherits is in no folder any more: it gets what is. */
static void on_own_lost(void *context)
{
	struct supervisor *s = context;

	s->is_own_lost = s->options->renew != NULL;
	if (s->is_own_lost && s->phase == RUNNING && s->core.pid)
		worker_stop(&s->core);
}

static void init_part(struct supervisor *s, enum part_kind kind, const char *name,
		      int (*run)(void *context, const struct child_channels *channels))
{
	struct part *p = &s->parts[kind];

	*p = (struct part){ .supervisor = s, .run = run };
	p->link = (struct web_link){ .event = s->event,
				     .pulse = { .event = s->event,
						.name = name,
						.watchdog_us = s->options->watchdog_us,
						.context = p,
						.hung = on_part_hung,
						.channel = -1 },
				     .context = p,
				     .broken = on_part_broken,
				     .control_fd = -1 };
	p->worker = (struct worker){ .name = name,
				     .event = s->event,
				     .context = p,
				     .start = start_part,
				     .ended = on_part_ended,
				     .stopped = on_part_stopped };
}

static void init_parts(struct supervisor *s)
{
	const struct supervisor_options *o = s->options;

	s->upkeep = (struct upkeep){ .event = s->event,
				     .storage = o->storage,
				     .context = s,
				     .own_lost = on_own_lost };
	s->link = (struct core_link){ .event = s->event,
				      .storage = o->storage,
				      .pulse = { .event = s->event,
						 .name = "core",
						 .watchdog_us = o->watchdog_us,
						 .context = s,
						 .hung = on_hung,
						 .channel = -1 },
				      .context = s,
				      .answered = on_answered,
				      .look = on_look,
				      .control_fd = -1,
				      .storage_fd = -1 };
	s->lookout = (struct lookout){
		.event = s->event, .context = s, .open = open_source, .give = give_source
	};
	s->rules = (struct file_watch){ .event = s->event,
					.context = s,
					.changed = on_rules_saved };
	s->mutes = (struct mute_watch){ .event = s->event,
					.reports = &s->reports,
					.load = o->load_mutes,
					.context = o->context,
					.page = o->mutes };
	s->clock = (struct clock_watch){ .event = s->event,
					 .reports = &s->reports,
					 .fd = -1 };
	s->core = (struct worker){ .name = "core",
				   .event = s->event,
				   .context = s,
				   .start = start_core,
				   .ended = on_core_ended,
				   .stopped = on_core_stopped };
	init_part(s, PART_WEB, "web", o->web);
	init_part(s, PART_HISTORY, "history", o->history);
}

static int watch_signals(struct supervisor *s)
{
	static const int stops[] = { SIGTERM, SIGINT };
	int r = sd.event_add_signal(s->event, NULL, SIGHUP, on_hangup, s);

	/* Sent to the whole group, SIGTERM also ends our children: that we are to stop must
	 * be known before their ends are looked at. */
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(stops); i++) {
		sd_event_source *source;

		r = sd.event_add_signal(s->event, &source, stops[i], on_stop_signal, s);
		if (r < 0)
			break;
		(void)sd.event_source_set_floating(source, true);
		r = sd.event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT);
		sd.event_source_unref(source);
	}
	return r;
}

static int set_up(struct supervisor *s)
{
	struct externals_options externals = {
		.reports = &s->reports,
		.items = s->options->externals,
		.n_items = s->options->n_externals,
		.busy_us = s->options->busy_us,
		.sandboxes = s->options->sandboxes,
		.sandboxes_first = s->options->sandboxes_first,
		.context = s,
		.attach = attach,
		.all_gone = on_externals_gone
	};
	int r = descriptors_list(&s->inherited);

	if (r < 0)
		return r;
	r = sd.event_new(&s->event);
	if (r < 0)
		return r;
	init_parts(s);
	externals.event = s->event;
	r = watch_signals(s);
	if (r >= 0)
		r = reports_open(&s->reports, s->event);
	if (r >= 0)
		storage_watch(s->options->storage, &s->reports);
	if (r >= 0)
		r = externals_create(&externals, &s->externals);
	return r;
}

static void tear_down(struct supervisor *s)
{
	free(s->reloaded);
	externals_destroy(s->externals);
	upkeep_stop(&s->upkeep);
	lookout_stop(&s->lookout);
	file_watch_stop(&s->rules);
	mute_watch_stop(&s->mutes);
	clock_watch_stop(&s->clock);
	core_link_close(&s->link);
	worker_forget(&s->core);
	for (size_t i = 0; i < PART_COUNT; i++)
		if (s->parts[i].run)
			web_link_close(&s->parts[i].link);
	for_each_part(s, worker_forget);
	reports_close(&s->reports);
	descriptors_deinit(&s->inherited);
	(void)sd.event_unref(s->event);
}

static int run(struct supervisor *s)
{
	int r = set_up(s);

	if (r < 0)
		return log_error_errno(r, "cannot set up the supervisor");
	clock_watch_start(&s->clock);
	worker_start(&s->core);
	for_each_part(s, worker_start);
	externals_start(s->externals);
	upkeep_start(&s->upkeep);
	watch_rules(s);
	if (s->options->mutes_path)
		mute_watch_start(&s->mutes, s->options->mutes_path);
	r = sd.event_loop(s->event);
	return r < 0 ? log_error_errno(r, "the supervisor cannot go on") : r;
}

int supervisor_run(const struct supervisor_options *options)
{
	struct supervisor s = { .options = options,
				.reports = { -1, -1 },
				.clock = { .fd = -1 },
				.link = { .control_fd = -1, .storage_fd = -1 } };
	sigset_t ours, before;
	int r;

	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &ours, &before) < 0)
		return -errno;
	r = run(&s);
	tear_down(&s);
	(void)sigprocmask(SIG_SETMASK, &before, NULL); /* cannot fail */
	return r;
}
