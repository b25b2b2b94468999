// SPDX-License-Identifier: Apache-2.0
/*
 * lksm: one binary, many verbs; and the daemon put together from its parts: what is opened,
 * which process gets it, what each of them runs. The way of an event is told in pipeline.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "cli/verb.h"
#include "core/kmsg.h"
#include "core/resume.h"
#include "daemon.h"
#include "output/dashboard/dashboard.h"
#include "pipeline.h"
#include "privsep/channel.h"
#include "privsep/module_dir.h"
#include "privsep/supervisor.h"

#define SOURCES_MAX  16
#define ADDRESS_SIZE 128

struct source {
	const char *module;
	const char *option;
	int fd; /* or -errno */
};

struct daemon {
	struct daemon_options *options;
	struct storage *storage;
	struct state_page *page;
	struct live_ring *ring;
	int ring_fd;
	int wake_fd;
	int listen_fd;
	char token[DASHBOARD_TOKEN_SIZE];
	struct module_dir externals;
	size_t n_sources;
	struct source sources[SOURCES_MAX];
};

/* The core process: everything it needs is inherited or asked for over a channel. */
struct core {
	const struct daemon *daemon;
	const struct child_channels *channels;
	struct pipeline pipeline;
	struct resume resume;
	struct naming *naming;
	char boot_id[37];
	uint64_t cut_bytes; /* of a torn last line */
	unsigned long turns_seen;
};

static const char *module_option(void *context, const char *module, const char *option)
{
	const struct core *c = context;

	return config_module_option(c->daemon->options->config, module, option);
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

/* "kprobe_reader.proc": a module's option, as sources are called on the channel. */
static bool split_name(char *name, const char **ret_option)
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

	if (split_name(message->name, &option))
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

static void started(void *context, struct registry *registry)
{
	struct core *c = context;
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

static int open_log(void *context, const char *name)
{
	struct core *c = context;
	uint64_t cut;

	return storage_request_log(c->channels->storage, name, &cut);
}

static int open_tail(void *context, uint64_t i, char *ret_name, size_t size)
{
	struct core *c = context;

	return storage_request_tail(c->channels->storage, i, ret_name, size);
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
	r = resume_load(c->daemon->page, c->boot_id, open_tail, c, LIVE_EVENTS,
			&c->resume);
	if (r < 0)
		return log_error_errno(r, "cannot learn from the logs where to go on");
	c->pipeline.position = c->resume.position;
	c->pipeline.lines.next_seq = c->resume.position.next_seq;
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

static int core_setup(struct core *c)
{
	const struct daemon_options *o = c->daemon->options;
	const struct naming_options naming = { .all = o->config->kernel_log_all,
					       .unescape = kmsg_unescape };
	const struct json_logger_storage storage = { c, open_log };
	struct pipeline *p = &c->pipeline;
	int r;

	clock_boot_id(c->boot_id);
	p->ring = c->daemon->ring;
	p->wake_fd = c->daemon->wake_fd;
	p->page = c->daemon->page;
	r = core_resume(c);
	if (r >= 0)
		r = core_refill(c);
	if (r >= 0)
		r = queue_create(&p->queue);
	if (r >= 0)
		r = naming_create(o->rules, &naming, &c->naming);
	if (r >= 0)
		r = json_logger_create(&storage, c->resume.newest, &p->logger);
	p->lines.naming = c->naming;
	p->lines.host = span_from(o->config->host);
	p->lines.boot_id = span_from(c->boot_id);
	p->intake = (struct intake_options){
		.context = c,
		.poll_interval_us = o->config->poll_interval_us,
		.option = module_option,
		.source = module_source,
		.look = module_look,
		.started = started,
		.control_fd = c->channels->control,
		.control = control,
	};
	return r;
}

static int core_main(void *context, const struct child_channels *channels)
{
	struct core c = { .daemon = context, .channels = channels };
	sigset_t term;
	int r;

	/* the intake's loop takes it, in whatever thread it would arrive */
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	if (c.daemon->listen_fd >= 0)
		(void)close(c.daemon->listen_fd); /* web's alone */
	r = core_setup(&c);
	if (r >= 0) {
		live_set_writer(c.daemon->ring, getpid(), LKSM_VERSION, clock_now());
		/* streams that came early look again at what was refilled */
		(void)eventfd_write(c.daemon->wake_fd, 1);
		r = pipeline_run(&c.pipeline);
		live_set_state(c.daemon->ring, LIVE_STOPPED);
	}
	if (r < 0)
		(void)log_error_errno(r, "cannot go on");
	json_logger_destroy(c.pipeline.logger);
	queue_destroy(c.pipeline.queue);
	naming_destroy(c.naming);
	lines_deinit(&c.pipeline.lines);
	resume_deinit(&c.resume);
	return r < 0 ? 1 : 0;
}

/* The web process: a read-only view of the ring, a listening socket, the token. */
static int web_main(void *context, const struct child_channels *channels)
{
	struct daemon *d = context;
	const struct config *config = d->options->config;
	struct dashboard_options options = {
		.listen_fd = d->listen_fd,
		.wake_fd = d->wake_fd,
		.stop_fd = channels->control,
		.token = config->dashboard_auth ? d->token : NULL,
		.hosts = (const char *const *)config->dashboard_hosts.items,
	};
	int r;

	live_unmap(d->ring); /* the writable view is not ours */
	r = live_map(d->ring_fd, &options.ring);
	if (r < 0)
		return log_error_errno(r, "cannot map the live ring");
	return dashboard_run(&options) < 0;
}

/* A FIFO is opened for writing, too: it then has a writer, and no end, for ever. */
static int open_source(const char *path, const char *option)
{
	struct stat st;
	bool is_fifo = stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
	int fd = open(path,
		      (is_fifo ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return log_error_errno(
		errno, "cannot read %s (run as root, or choose another with --%s)", path,
		option);
}

static int add_source(struct daemon *d, const struct lksm_module *module,
		      const struct lksm_option *option)
{
	const char *path = config_module_option(d->options->config, module->name,
						option->name);
	int fd;

	if (d->n_sources == SOURCES_MAX)
		return -E2BIG;
	fd = open_source(path ? path : option->fallback, option->name);
	if (fd < 0)
		return fd;
	d->sources[d->n_sources++] = (struct source){ module->name, option->name, fd };
	return 0;
}

/*
 * One of the late sources of our modules: another file is not opened for anybody. Without
 * a sensor there is none, and that is no fault.
 */
static int open_late_source(void *context, const char *name)
{
	const struct daemon *d = context;
	char copy[CHANNEL_NAME_SIZE] = "";
	const char *option, *path;

	(void)snprintf(copy, sizeof(copy), "%s", name);
	if (!split_name(copy, &option))
		return -EINVAL;
	for (size_t m = 0; lksm_builtin_modules[m]; m++) {
		const struct lksm_module *module = *lksm_builtin_modules[m];

		for (const struct lksm_option *o = module->options; o && o->name; o++) {
			int fd;

			if (o->type != LKSM_OPTION_LATE_SOURCE ||
			    strcmp(module->name, copy) || strcmp(o->name, option))
				continue;
			path = config_module_option(d->options->config, copy, option);
			fd = open(path ? path : o->fallback,
				  O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
			return fd < 0 ? -errno : fd;
		}
	}
	return -EINVAL;
}

/* What modules read is opened here, before any of them runs. */
static int open_sources(struct daemon *d)
{
	int r = 0;

	for (size_t m = 0; r >= 0 && lksm_builtin_modules[m]; m++) {
		const struct lksm_module *module = *lksm_builtin_modules[m];

		for (const struct lksm_option *o = module->options;
		     r >= 0 && o && o->name; o++)
			if (o->type == LKSM_OPTION_SOURCE)
				r = add_source(d, module, o);
	}
	return r;
}

static struct storage_options storage_options_from(const struct config *c)
{
	return (struct storage_options){ c->output_dir, c->keep_days, c->keep_bytes,
					 c->compress_after_days };
}

static int open_storage(struct daemon *d)
{
	const struct config *c = d->options->config;
	const struct storage_options options = storage_options_from(c);
	_cleanup_buffer_ struct buffer error = { 0 };
	_cleanup_close_ int page = -1;
	int r = storage_create(&options, &d->storage, &error);

	if (r < 0) {
		log_error("%.*s", (int)error.len, error.data);
		return r;
	}
	page = storage_open_file(d->storage, ".state", O_RDWR | O_CREAT);
	if (page < 0)
		return log_error_errno(page, "cannot open %s/.state", c->output_dir);
	r = state_page_map(page, &d->page);
	return r < 0 ? log_error_errno(r, "cannot use %s/.state", c->output_dir) : 0;
}

static int load_token(struct daemon *d)
{
	_cleanup_close_ int fd = storage_open_file(d->storage, ".dashboard_token",
						   O_RDWR | O_CREAT);
	int r = fd < 0 ? fd : dashboard_token_load(fd, d->token);

	return r < 0 ? log_error_errno(r, "cannot read the dashboard's token in %s",
				       d->options->config->output_dir)
		     : 0;
}

static int open_dashboard(struct daemon *d)
{
	const struct config *c = d->options->config;
	_cleanup_buffer_ struct buffer error = { 0 };
	char address[ADDRESS_SIZE];
	int r;

	d->listen_fd = dashboard_listen(c->dashboard_listen, &error);
	if (d->listen_fd < 0) {
		log_error("%.*s", (int)error.len, error.data);
		return d->listen_fd;
	}
	r = dashboard_address(d->listen_fd, address, sizeof(address));
	if (r < 0)
		return r;
	if (!dashboard_is_loopback(address))
		log_warning(
			"dashboard: %s can be reached from other machines, without TLS",
			address);
	if (c->dashboard_auth)
		r = load_token(d);
	else if (!dashboard_is_loopback(address)) {
		log_error("dashboard.auth: none is possible on loopback only, not on %s",
			  address);
		return -EPERM;
	}
	if (r >= 0)
		log_info("dashboard: http://%s/%s%s", address,
			 c->dashboard_auth ? "#token=" : "", d->token);
	return r;
}

static int open_all(struct daemon *d)
{
	const struct config *c = d->options->config;
	int r = open_sources(d); /* first: it fails for who may not read the kernel log */

	if (r >= 0)
		r = open_storage(d);
	if (r >= 0)
		r = live_create(&d->ring, &d->ring_fd);
	if (r >= 0) {
		d->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		r = d->wake_fd < 0 ? -errno : 0;
	}
	if (r >= 0 && d->options->has_dashboard)
		r = open_dashboard(d);
	for (size_t i = 0; r >= 0 && i < c->module_dirs.n; i++)
		r = module_dir_list(&d->externals, c->module_dirs.items[i], c);
	return r;
}

static int reload(void *context, struct buffer *says)
{
	struct daemon *d = context;
	struct daemon_options *o = d->options;
	struct storage_options storage;
	int r = o->reload(o->config, &o->rules, o->context, says);

	if (r < 0)
		return r;
	storage = storage_options_from(o->config);
	storage_configure(d->storage, &storage);
	return 0;
}

static int supervise(struct daemon *d)
{
	struct supervisor_options options = {
		.context = d,
		.core = core_main,
		.web = d->options->has_dashboard ? web_main : NULL,
		.reload = reload,
		.open_source = open_late_source,
		.storage = d->storage,
		.externals = d->externals.items,
		.n_externals = d->externals.n,
	};

	/* 0 if systemd asks for none */
	(void)sd_watchdog_enabled(0, &options.watchdog_us);
	log_info("logs: %s", d->options->config->output_dir);
	return supervisor_run(&options);
}

int daemon_run(struct daemon_options *options)
{
	struct daemon d = {
		.options = options, .ring_fd = -1, .wake_fd = -1, .listen_fd = -1
	};
	int r = open_all(&d);

	if (r >= 0)
		r = supervise(&d);
	module_dir_deinit(&d.externals);
	for (size_t i = 0; i < d.n_sources; i++)
		(void)close(d.sources[i].fd);
	storage_destroy(d.storage);
	return r ? EXIT_TROUBLE : EXIT_DONE;
}

int main(int argc, char **argv)
{
	log_init();
	return verbs_main(argc, argv);
}
