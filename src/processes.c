// SPDX-License-Identifier: Apache-2.0
/*
 * See processes.h. Each begins by closing what is not its own, and goes behind its sandbox
 * before it reads a byte that others chose.
 */
#include "processes.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/log.h"
#include "core/kmsg.h"
#include "core/resume.h"
#include "core/seal.h"
#include "output/dashboard/mhd.h"
#include "output/history/process.h"
#include "pipeline.h"
#include "privsep/channel.h"

/* The pipes of modules that somebody else runs go to core over the channel, each time. */
static void close_pipes(const struct daemon *d)
{
	for (size_t i = 0; i < d->externals.n; i++)
		if (d->externals.items[i].pipe > 0)
			(void)close(d->externals.items[i].pipe);
}

/* WEB_FILES - descriptors that web may have: its connections, and some of its own */
#define WEB_FILES 2048
/* What only history has to do with, and web in part. */
static void close_history(const struct daemon *d)
{
	if (d->logs_fd >= 0)
		(void)close(d->logs_fd);
	if (d->history_fd >= 0)
		(void)close(d->history_fd);
}

struct core {
	const struct daemon *daemon;
	const struct child_channels *channels;
	struct pipeline pipeline;
	struct resume resume;
	struct rules *rules;
	struct naming *naming;
	uint64_t cut_bytes; /* of a torn last line */
	struct seal_resumed sealing;
	unsigned long turns_seen;
};

static const char *module_option(void *context, const char *module, const char *option)
{
	const struct core *c = context;

	return config_module_option(&c->daemon->settings.config, module, option);
}

static int module_source(void *context, const char *module, const char *option)
{
	const struct core *c = context;

	for (size_t i = 0; i < c->daemon->n_sources; i++) {
		const struct source *s = &c->daemon->sources[i];

		if (!strcmp(s->module, module) && !strcmp(s->option, option))
			return s->fd;
	}
	return -ENOENT;
}

bool source_split_name(char *name, const char **ret_option)
{
	char *dot = strchr(name, '.');

	if (!dot)
		return false;
	*dot = '\0';
	*ret_option = dot + 1;
	return true;
}

static int module_look(void *context, const char *module, const char *option)
{
	const struct core *c = context;
	struct channel_message message = { .kind = CHANNEL_LOOK, .fd = -1 };
	int n = snprintf(message.name, sizeof(message.name), "%s.%s", module, option);

	if ((size_t)n >= sizeof(message.name))
		return -ENAMETOOLONG;
	return channel_send(c->channels->control, &message);
}

static void take_source(struct registry *registry, struct channel_message *message)
{
	const char *option;

	if (source_split_name(message->name, &option))
		registry_give_source(registry, message->name, option,
				     message->fd >= 0 ? message->fd
						      : -(int)message->number);
	else if (message->fd >= 0)
		(void)close(message->fd); /* cannot be: the supervisor speaks nonsense */
}

/* A message of the supervisor's; negative when it is gone. */
static int control(void *context, struct registry *registry, int channel)
{
	struct core *c = context;
	struct channel_message message = { .fd = -1 };
	unsigned long turns = atomic_load(&c->pipeline.turns);
	int r = channel_receive(channel, &message);

	if (r <= 0)
		return r == -EAGAIN ? 0 : -EPIPE;
	if (message.kind == CHANNEL_MODULE && message.fd >= 0) {
		r = registry_attach(registry, message.name, message.fd, message.number);
		return r == -ENOMEM ? r : 0; /* a refusal became an event */
	}
	if (message.kind == CHANNEL_SOURCE) {
		if (message.fd >= 0)
			counters_note_channel(c->daemon->counters);
		take_source(registry, &message);
		return 0;
	}
	/* the writer is alive if it rests, or if it got on since it was last asked */
	if (message.kind == CHANNEL_PING && (turns % 2 == 0 || turns != c->turns_seen))
		r = channel_send(channel,
				 &(struct channel_message){ CHANNEL_PONG, .fd = -1 });
	c->turns_seen = turns;
	return r < 0 ? r : 0;
}

/* Events that the state page knows to be written are in no log any more. */
static void tell_missing(struct core *c, struct registry *registry)
{
	uint64_t first = c->resume.logged_next_seq, next = c->resume.position.next_seq;
	const struct datum data[] = {
		{ SPAN("file"), DATUM_TEXT, span_from(c->resume.newest), 0 },
		{ SPAN("first"), DATUM_INT, { 0 }, (int64_t)first },
		{ SPAN("last"), DATUM_INT, { 0 }, (int64_t)next - 1 },
		{ SPAN("count"), DATUM_INT, { 0 }, (int64_t)(next - first) },
		{ SPAN("reason"), DATUM_TEXT, SPAN("missing_at_start"), 0 },
	};

	if (first >= next)
		return;
	log_error("the events %" PRIu64 " to %" PRIu64
		  " were written, and are in no log that can be read",
		  first, next - 1);
	(void)registry_emit(registry, clock_now(), "log_lines_lost", data,
			    ARRAY_SIZE(data));
}

static void tell_cut(struct core *c, struct registry *registry)
{
	const struct datum data[] = {
		{ SPAN("file"), DATUM_TEXT, span_from(c->resume.newest), 0 },
		{ SPAN("bytes"), DATUM_INT, { 0 }, (int64_t)c->cut_bytes },
	};

	if (!c->cut_bytes)
		return;
	log_warning("cut a torn last line of %llu bytes from %s",
		    (unsigned long long)c->cut_bytes, c->resume.newest);
	(void)registry_emit(registry, clock_now(), "log_recovered", data,
			    ARRAY_SIZE(data));
}

static void tell_tail(const struct core *c, struct registry *registry)
{
	const struct seal_resumed *s = &c->sealing;
	bool is_missing = s->tail == SEAL_TAIL_MISSING;
	const struct datum data[] = {
		{ SPAN("first"), DATUM_INT, { 0 }, (int64_t)s->tail_first },
		{ SPAN("last"), DATUM_INT, { 0 }, (int64_t)s->tail_last },
	};

	if (s->tail == SEAL_TAIL_THERE)
		return;
	log_warning("the log's end is gone, which had seals %llu to %llu%s",
		    (unsigned long long)s->tail_first, (unsigned long long)s->tail_last,
		    is_missing ? "" : "; a crash of the machine explains it");
	(void)registry_emit(registry, clock_now(),
			    is_missing ? "log_tail_missing" : "log_tail_lost", data,
			    ARRAY_SIZE(data));
}

static void tell_key(const struct core *c, struct registry *registry)
{
	const struct seal_resumed *s = &c->sealing;
	const struct datum data[] = {
		{ SPAN("key"), DATUM_TEXT, span_from(s->key), 0 },
		{ SPAN("first"), DATUM_INT, { 0 }, (int64_t)s->key_first },
		{ SPAN("reason"), DATUM_TEXT,
		  span_from(s->key_news == SEAL_KEY_DAMAGED ? "damaged" : "missing"), 0 },
	};
	bool is_requested = s->key_news == SEAL_KEY_REQUESTED;

	if (!s->is_shown)
		log_info(
			"the log is sealed; `lksm keys` makes the key to verify it with");
	if (s->key_news == SEAL_KEY_SAME || s->key_news == SEAL_KEY_FIRST)
		return;
	(void)registry_emit(registry, clock_now(),
			    is_requested ? "seal_key_changed" : "seal_key_lost", data,
			    is_requested ? 2 : 3);
}

static void started(void *context, struct registry *registry)
{
	struct core *c = context;

	tell_missing(c, registry);
	sandbox_settle();
	tell_cut(c, registry);
	if (!c->pipeline.sealer)
		return;
	tell_tail(c, registry);
	tell_key(c, registry);
}

static int open_log(void *context, const char *name)
{
	struct core *c = context;
	uint64_t cut;

	return storage_request_log(c->channels->storage, name, &cut);
}

static int set_reserve(void *context, bool is_held)
{
	struct core *c = context;

	return storage_request_reserve(c->channels->storage, is_held);
}

static int open_tail(void *context, uint64_t i, char *ret_name, size_t size)
{
	struct core *c = context;

	return storage_request_tail(c->channels->storage, i, ret_name, size);
}

/*
 * What the last core wrote, and was killed before it could sync, is shown now, and a key that
 * follows its seals stored.
 */
static void core_sync(const struct core *c, int log)
{
	if (log >= 0 && c->daemon->settings.config.fsync != CONFIG_FSYNC_NEVER &&
	    fdatasync(log) < 0)
		(void)log_error_errno(errno, "the log cannot be synced to the disk");
}

/* Mend the newest log, learn from it where to go on, show its last events again. */
static int core_resume(struct core *c)
{
	char newest[RESUME_NAME_SIZE] = "";
	_cleanup_close_ int tail = open_tail(c, 0, newest, sizeof(newest));
	_cleanup_close_ int mended = -1;
	int r;

	if (tail < 0 && tail != -ENOENT)
		return log_error_errno(tail, "cannot read the log folder");
	if (tail >= 0)
		mended = storage_request_log(c->channels->storage, newest, &c->cut_bytes);
	core_sync(c, mended);
	r = resume_load(c->daemon->page, c->daemon->boot_id, open_tail, c, LIVE_EVENTS,
			&c->resume);
	if (r < 0)
		return log_error_errno(r, "cannot learn from the logs where to go on");
	c->pipeline.position = c->resume.position;
	c->pipeline.lines.next_seq = c->resume.position.next_seq;
	inbox_set_settle(c->daemon->inboxes, c->resume.position.next_seq);
	return 0;
}

static int core_refill(struct core *c)
{
	struct lines old = { 0 };
	struct output_batch batch;
	int r = lines_split(&old, buffer_span(&c->resume.lines));

	if (r >= 0) {
		batch = output_batch_from(&old, clock_now());
		live_refill(c->daemon->ring, &batch);
	}
	lines_deinit(&old);
	return r;
}

/* The loader has parsed them before; its complaints were told. */
static int core_load_rules(struct core *c)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	int r = rules_load_files(&c->daemon->settings.rules, &c->rules, &errors);

	return r < 0 ? log_error_errno(r,
				       "cannot load the rules that were good before: "
				       "%.*s",
				       (int)errors.len, errors.len ? errors.data : "")
		     : 0;
}

/* A log without seals is better than none: what is wrong becomes an event. */
static void core_seal(struct core *c)
{
	struct pipeline *p = &c->pipeline;
	int r;

	p->fsync = c->daemon->settings.config.fsync;
	if (c->daemon->seal_fd < 0)
		return;
	r = sealer_create(c->daemon->seal_fd, &p->sealer);
	if (r >= 0)
		r = sealer_resume(p->sealer, open_tail, c, c->daemon->boot_id,
				  c->resume.is_other_boot, &c->sealing);
	if (r >= 0)
		return;
	p->seal_error = log_error_errno(r, "the log is not sealed");
	sealer_destroy(p->sealer);
	p->sealer = NULL;
}

static int core_setup(struct core *c)
{
	const struct config *config = &c->daemon->settings.config;
	const struct naming_options naming = { .all = config->kernel_log_all,
					       .unescape = kmsg_unescape };
	const struct json_logger_storage storage = {
		c, open_log, storage_progress(c->daemon->storage)
	};
	struct pipeline *p = &c->pipeline;
	int r;

	p->ring = c->daemon->ring;
	p->wake_fd = c->daemon->wake_fd;
	p->page = c->daemon->page;
	p->reserve = (struct reserve){ set_reserve, c };
	reserve_hold(&p->reserve, clock_now());
	r = core_resume(c);
	if (r >= 0)
		r = core_refill(c);
	if (r >= 0)
		core_seal(c);
	if (r >= 0)
		r = queue_create(&p->queue);
	if (r >= 0)
		r = core_load_rules(c);
	if (r >= 0)
		r = naming_create(c->rules, &naming, &c->naming);
	if (r >= 0)
		r = json_logger_create(&storage, c->resume.newest, &p->logger);
	p->lines.naming = c->naming;
	p->lines.counters = c->daemon->counters;
	p->lines.host = span_from(config->host);
	p->lines.boot_id = span_from(c->daemon->boot_id);
	p->intake = (struct intake_options){
		.context = c,
		.inboxes = c->daemon->inboxes,
		.landed_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		.poll_interval_us = config->poll_interval_us,
		.option = module_option,
		.source = module_source,
		.look = module_look,
		.started = started,
		.heartbeat_s = config->heartbeat_s,
		.control_fd = c->channels->control,
		.control = control,
	};
	return r < 0 || p->intake.landed_fd >= 0
		       ? r
		       : log_error_errno(errno, "cannot make an eventfd");
}

int core_main(void *context, const struct child_channels *channels)
{
	struct core c = { .daemon = context, .channels = channels };
	sigset_t term;
	int r;

	/* the intake's loop takes it, in whatever thread it would arrive */
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	if (c.daemon->listen_fd >= 0)
		(void)close(c.daemon->listen_fd); /* web's alone, as is the next */
	if (c.daemon->tls_fd >= 0)
		(void)close(c.daemon->tls_fd);
	close_pipes(c.daemon);
	close_history(c.daemon);
	(void)close(c.daemon->ring_fd); /* it is mapped */
	sandbox_page_enter(
		c.daemon->sandboxes, ROW_CORE,
		&(struct sandbox_options){ .kind = SANDBOX_CORE,
					   .name = "core",
					   .user = users_core(&c.daemon->users) });
	sandbox_page_unmap(c.daemon->sandboxes); /* the others' rows are not core's */
	mutes_page_unmap(c.daemon->mutes);
	mutes_page_unmap(c.daemon->mutes_view);
	r = core_setup(&c);
	if (r >= 0) {
		live_set_writer(c.daemon->ring, getpid(), LKSM_VERSION, clock_now());
		/* streams that came early look again at what was refilled */
		(void)eventfd_write(c.daemon->wake_fd, 1);
		r = pipeline_run(&c.pipeline);
		if (r >= 0)
			inbox_set_end_well(c.daemon->inboxes);
		live_set_state(c.daemon->ring, LIVE_STOPPED);
	}
	if (r < 0)
		(void)log_error_errno(r, "cannot go on");
	json_logger_destroy(c.pipeline.logger);
	sealer_destroy(c.pipeline.sealer);
	queue_destroy(c.pipeline.queue);
	naming_destroy(c.naming);
	rules_destroy(c.rules);
	lines_deinit(&c.pipeline.lines);
	resume_deinit(&c.resume);
	return r < 0 ? 1 : 0;
}

/* The supervisor asks whether our loop turns: that it is heard says so. */
static int answer_ping(int channel)
{
	struct channel_message message = { .fd = -1 };
	int r = channel_receive(channel, &message);

	if (r <= 0)
		return r == -EAGAIN ? 0 : -EPIPE;
	cleanup_close(&message.fd); /* it sends none */
	if (message.kind != CHANNEL_PING)
		return 0;
	return channel_send(channel, &(struct channel_message){ CHANNEL_PONG, .fd = -1 });
}

/* A thousand streams, and others: the usual limit of 1,024 is too low. */
static void allow_connections(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= WEB_FILES)
		return;
	limit.rlim_cur = limit.rlim_max < WEB_FILES ? limit.rlim_max : WEB_FILES;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		(void)log_warning_errno(errno, "few clients can connect at a time");
}

/* Code in the web process before could shut down what is also ours. */
static void listen_again(int fd)
{
	int r = dashboard_listen_again(fd);

	if (r < 0)
		(void)log_error_errno(r, "the dashboard's socket does not listen");
	if (r > 0)
		log_warning("the dashboard's socket was shut down, and listens again");
}

int web_main(void *context, const struct child_channels *channels)
{
	struct daemon *d = context;
	const struct config *config = &d->settings.config;
	struct dashboard_options options = {
		.listen_fd = d->listen_fd,
		.wake_fd = d->wake_fd,
		.control_fd = channels->control,
		.control = answer_ping,
		.token = config->dashboard_auth ? d->token : NULL,
		.hosts = (const char *const *)config->dashboard_hosts.items,
		.connection_limit = config->dashboard_connection_limit,
		.rate_limit = config->dashboard_rate_limit,
		.failure_limit = config->dashboard_failure_limit,
		.sandboxes = d->sandboxes_view,
		.has_history = d->history_fd >= 0,
		.started = d->history_fd >= 0 ? sandbox_settle : NULL,
		.counters = d->counters_view,
		.rules = &d->settings.rules,
		.mutes = d->mutes_view,
	};
	struct tls_pair pair = { 0 };
	int r;

	allow_connections();
	listen_again(d->listen_fd);
	if (d->seal_fd >= 0)
		(void)close(d->seal_fd); /* core's alone */
	live_unmap(d->ring);		 /* the writable view is not ours */
	state_page_unmap(d->page);
	inbox_set_unmap(d->inboxes);
	counters_unmap(d->counters);
	for (size_t i = 0; i < d->n_sources; i++)
		(void)close(d->sources[i].fd);
	close_pipes(d);
	if (d->logs_fd >= 0)
		(void)close(d->logs_fd);
	mutes_page_unmap(d->mutes);
	r = live_map(d->ring_fd, &options.ring);
	if (r < 0)
		return log_error_errno(r, "cannot map the live ring");
	if (d->tls_fd >= 0) {
		r = tls_pair_load(d->tls_fd, &pair);
		if (r < 0)
			return log_error_errno(r, "cannot read the certificate");
		(void)close(d->tls_fd);
		options.tls = &pair;
	}
	if (mhd_load(NULL) < 0)
		return 1;
	if (options.has_history && history_enter(d->history_fd) < 0)
		return log_error_errno(-EACCES, "cannot use the folder of the history");
	sandbox_page_enter(
		d->sandboxes, ROW_WEB,
		&(struct sandbox_options){
			.kind = options.has_history ? SANDBOX_WEB_HISTORY : SANDBOX_WEB,
			.name = "web",
			.read_folder = d->history_fd,
			.user = users_web(&d->users) });
	sandbox_page_unmap(d->sandboxes); /* it has a view of it */
	return dashboard_run(&options) < 0;
}

/* Its own user, with the group that may read the logs. */
static void history_enter_sandbox(const struct daemon *d)
{
	const struct privilege_user *chosen = users_history(&d->users);
	struct privilege_user user = chosen ? *chosen : (struct privilege_user){ 0 };
	struct stat st;

	if (fstat(d->logs_fd, &st) == 0)
		user.gid = st.st_gid;
	sandbox_page_enter(d->sandboxes, ROW_HISTORY,
			   &(struct sandbox_options){ .kind = SANDBOX_HISTORY,
						      .name = "history",
						      .user = chosen ? &user : NULL,
						      .folder = d->history_fd,
						      .read_folder = d->logs_fd });
	sandbox_page_unmap(d->sandboxes);
}

int history_main(void *context, const struct child_channels *channels)
{
	struct daemon *d = context;
	const struct config *config = &d->settings.config;
	const struct history_options options = {
		.indexer = { .log_folder = d->logs_fd,
			     .keep_days = config->history_days,
			     .keep_bytes = config->history_bytes },
		.room = ROOM_LIMITS,
		.control_fd = channels->control,
		.control = answer_ping,
	};
	int r = history_enter(d->history_fd);

	if (r < 0)
		return log_error_errno(r, "cannot use the folder of the history") < 0;
	live_unmap(d->ring);
	(void)close(d->ring_fd);
	(void)close(d->wake_fd);
	counters_unmap(d->counters);
	state_page_unmap(d->page);
	inbox_set_unmap(d->inboxes);
	mutes_page_unmap(d->mutes);
	mutes_page_unmap(d->mutes_view);
	if (d->seal_fd >= 0)
		(void)close(d->seal_fd);
	if (d->listen_fd >= 0)
		(void)close(d->listen_fd);
	if (d->tls_fd >= 0)
		(void)close(d->tls_fd);
	for (size_t i = 0; i < d->n_sources; i++)
		(void)close(d->sources[i].fd);
	close_pipes(d);
	explicit_bzero(d->token, sizeof(d->token));
	history_enter_sandbox(d);
	return history_run(&options) < 0;
}
