// SPDX-License-Identifier: Apache-2.0
/*
 * lksm: one binary, many verbs; and the daemon put together from its parts: what is opened,
 * which process gets it, what each of them runs. The way of an event is told in pipeline.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/systemd.h"
#include "cli/verb.h"
#include "core/registry.h"
#include "core/seal.h"
#include "output/alerts/alert_presence.h"
#include "output/history/history.h"
#include "privsep/channel.h"
#include "privsep/file_watch.h"
#include "privsep/inherited.h"
#include "loading.h"
#include "processes.h"

#define ADDRESS_SIZE 128
#define TOKEN_FILE   ".dashboard_token"
#define HISTORY_MODE (S_ISGID | 0751)	 /* who enters it is not its user yet */
#define WATCHDOG_US  (60 * USEC_PER_SEC) /* without a service manager that has one */
#define BUSY_US	     (300 * USEC_PER_SEC) /* crossview may need a minute of a slow processor */

/*
 * A FIFO is opened for writing, too: it then has a writer, and no end, for ever. "-" is the
 * standard input, which a service manager opened with privilege that we need not have.
 */
static int open_source(const char *path, const char *option)
{
	struct stat st;
	bool is_input = !strcmp(path, "-");
	bool is_fifo = !is_input && stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
	int fd = is_input ? inherited_input()
			  : open(path, (is_fifo ? O_RDWR : O_RDONLY) | O_NONBLOCK |
					       O_NOCTTY | O_CLOEXEC);

	if (is_input && fd < 0)
		return log_error_errno(fd, "cannot read the standard input (--%s -)",
				       option);
	if (fd >= 0)
		return fd;
	return log_error_errno(
		errno, "cannot read %s (run as root, or choose another with --%s)", path,
		option);
}

static int add_source(struct daemon *d, const struct lksm_module *module,
		      const struct lksm_option *option)
{
	const char *path = config_module_option(&d->settings.config, module->name,
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
	if (!source_split_name(copy, &option))
		return -EINVAL;
	for (size_t m = 0; lksm_builtin_modules[m]; m++) {
		const struct lksm_module *module = *lksm_builtin_modules[m];

		for (const struct lksm_option *o = module->options; o && o->name; o++) {
			int fd;

			if (o->type != LKSM_OPTION_LATE_SOURCE ||
			    strcmp(module->name, copy) || strcmp(o->name, option))
				continue;
			path = config_module_option(&d->settings.config, copy, option);
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

/* Which locks are on is good to know; without, the daemon is as good. */
static void open_sandbox_page(struct daemon *d)
{
	_cleanup_close_ int fd = storage_open_file(d->storage, SANDBOX_PAGE_NAME,
						   O_RDWR | O_CREAT);
	int r = fd < 0 ? fd : sandbox_page_map(fd, &d->sandboxes, &d->sandboxes_view);

	if (r < 0)
		(void)log_warning_errno(r, "cannot use %s/" SANDBOX_PAGE_NAME,
					d->settings.config.output_dir);
}

/*
 * In another boot than the last run's, the log may not be all on the disk. What can be read
 * behind a hole in it was given its numbers, which are not given again; core tells that
 * these events are missing.
 */
static int mend_crash(struct daemon *d)
{
	struct position position;
	uint64_t next_seq = 0;
	int r;

	(void)state_page_load(d->page,
			      &position); /* zeroed if there is none: another boot */
	if (*d->boot_id && !strcmp(position.boot_id, d->boot_id))
		return 0;
	r = storage_mend_crash(d->storage, &next_seq);
	if (r < 0)
		return log_error_errno(r, "cannot mend the log after a crash");
	if (next_seq > position.next_seq) {
		position.next_seq = next_seq;
		state_page_store(d->page, &position);
	}
	return 0;
}

static int open_storage(struct daemon *d)
{
	const struct config *c = &d->settings.config;
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
	open_sandbox_page(d);
	r = state_page_map(page, &d->page);
	return r < 0 ? log_error_errno(r, "cannot use %s/.state", c->output_dir) : 0;
}

static bool is_given(int folder, const struct privilege_user *owner,
		     const struct privilege_user *reader)
{
	struct stat st;

	return fstat(folder, &st) == 0 && (st.st_mode & 07777) == HISTORY_MODE &&
	       (!owner || (st.st_uid == owner->uid && st.st_gid == reader->gid));
}

/* Mode first: as somebody else's, it can only be changed by more power. */
static int give_folder(const char *path, const struct privilege_user *owner,
		       const struct privilege_user *reader)
{
	_cleanup_close_ int fd = open(path,
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fchmod(fd, HISTORY_MODE) < 0)
		return log_error_errno(errno, "cannot set the mode of %s", path);
	if (owner && fchown(fd, owner->uid, reader->gid) < 0)
		return log_error_errno(errno, "cannot give away the folder %s", path);
	return 0;
}

/*
 * What root left there, by `lksm history rebuild` or as the daemon's only user. In a folder
 * that is another user's, a name could be a link to any file: one with no other name is not.
 */
static void give_file(int folder, const char *name, const struct privilege_user *owner,
		      const struct privilege_user *reader)
{
	_cleanup_close_ int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_uid == owner->uid)
		return;
	if (fchownat(fd, "", owner->uid, reader->gid, AT_EMPTY_PATH) < 0)
		(void)log_warning_errno(errno, "cannot give %s of the history away",
					name);
}

static void give_files(int folder, const struct privilege_user *owner,
		       const struct privilege_user *reader)
{
	static const char *const names[] = { HISTORY_FILE, HISTORY_FILE "-wal",
					     HISTORY_FILE "-shm" };

	for (size_t i = 0; owner && i < ARRAY_SIZE(names); i++)
		give_file(folder, names[i], owner, reader);
}

/*
 * The history's folder is its own; web's group may read in it, and what is made there has
 * that group.
 */
static int open_history(struct daemon *d)
{
	const struct config *c = &d->settings.config;
	const struct privilege_user *owner = users_history(&d->users);
	const struct privilege_user *reader = users_web(&d->users);
	_cleanup_buffer_ struct buffer path = { 0 };

	if (!c->history_enabled)
		return 0;
	if (*c->history_dir)
		buffer_appendf(&path, "%s", c->history_dir);
	else
		buffer_appendf(&path, "%s/history", c->output_dir);
	if (!buffer_cstring(&path))
		return -ENOMEM;
	d->logs_fd = open(c->output_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->logs_fd < 0)
		return log_error_errno(errno, "cannot read the folder %s", c->output_dir);
	if (mkdir(path.data, 0700) < 0 && errno != EEXIST)
		return log_error_errno(errno, "cannot make the folder %s", path.data);
	d->history_fd = open(path.data, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->history_fd < 0)
		return log_error_errno(errno, "cannot open the folder %s", path.data);
	give_files(d->history_fd, owner, reader);
	return is_given(d->history_fd, owner, reader)
		       ? 0
		       : give_folder(path.data, owner, reader);
}

/* Events matter more. */
static void drop_history(struct daemon *d)
{
	log_warning("there is no history: the logs have all there is");
	cleanup_close(&d->history_fd);
	d->history_fd = -1;
}

static int open_seal(struct daemon *d)
{
	const struct config *c = &d->settings.config;

	if (!c->seal)
		return 0;
	d->seal_fd = storage_open_file(d->storage, SEAL_FILE_NAME, O_RDWR | O_CREAT);
	if (d->seal_fd < 0)
		return log_error_errno(d->seal_fd, "cannot open %s/" SEAL_FILE_NAME,
				       c->output_dir);
	return 0;
}

static int load_token(struct daemon *d)
{
	_cleanup_close_ int fd = storage_open_file(d->storage, TOKEN_FILE,
						   O_RDWR | O_CREAT);
	int r = fd < 0 ? fd : dashboard_token_load(fd, d->token);

	return r < 0 ? log_error_errno(r, "cannot read the dashboard's token in %s",
				       d->settings.config.output_dir)
		     : 0;
}

/* Does the journal get what we say? systemd.exec(5), JOURNAL_STREAM */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

/* A journal is read by more people than may see the kernel log, and kept. */
static void tell_dashboard(const struct config *c, const char *address, const char *token)
{
	const char *scheme = config_has_tls(c) ? "https" : "http";

	if (c->dashboard_auth && is_journal())
		log_info("dashboard: %s://%s/ (its token is in %s/%s)", scheme, address,
			 c->output_dir, TOKEN_FILE);
	else
		log_info("dashboard: %s://%s/%s%s", scheme, address,
			 c->dashboard_auth ? "#token=" : "", token);
}

static int open_dashboard(struct daemon *d)
{
	const struct config *c = &d->settings.config;
	_cleanup_buffer_ struct buffer error = { 0 };
	char address[ADDRESS_SIZE];
	int r;

	d->listen_fd = inherited_find(INHERITED_DASHBOARD);
	if (d->listen_fd < 0)
		d->listen_fd = dashboard_listen(c->dashboard_listen, &error);
	if (d->listen_fd < 0) {
		log_error("%.*s", (int)error.len, error.data);
		return d->listen_fd;
	}
	r = dashboard_address(d->listen_fd, address, sizeof(address));
	if (r < 0)
		return r;
	r = dashboard_check(c, address, &error);
	if (error.len)
		log_message(r < 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, 0, "%.*s",
			    (int)error.len, error.data);
	if (r >= 0 && c->dashboard_auth)
		r = load_token(d);
	if (r >= 0)
		tell_dashboard(c, address, d->token);
	return r;
}

/* What core and web share; and which boot this is, which decides what was read before. */
static int open_shared(struct daemon *d)
{
	int r = clock_boot_id(d->boot_id);

	if (r < 0 && r != -ENOENT)
		return log_error_errno(r, "cannot read the id of this boot");
	r = live_create(&d->ring, &d->ring_fd);
	if (r < 0)
		return log_error_errno(r, "cannot make the live ring");
	r = counters_create(&d->counters, &d->counters_view);
	if (r < 0)
		return log_error_errno(r, "cannot make the page of counters");
	r = mutes_page_create(&d->mutes, &d->mutes_view);
	if (r < 0)
		(void)log_warning_errno(r, "the dashboard shows what is muted, too");
	d->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return d->wake_fd < 0 ? log_error_errno(errno, "cannot make an eventfd") : 0;
}

/* What core has read of modules, and of us, outlives it. */
static int open_inboxes(struct daemon *d)
{
	const char *names[MODULE_DIR_MAX + 1] = { REGISTRY_OWN_PIPE };
	int r;

	for (size_t i = 0; i < d->externals.n; i++)
		names[1 + i] = d->externals.items[i].name;
	r = inbox_set_create(names, 1 + d->externals.n, &d->inboxes);
	return r < 0 ? log_error_errno(r, "cannot make the modules' inboxes") : 0;
}

static int open_all(struct daemon *d)
{
	const struct config *c = &d->settings.config;
	int r = open_sources(d); /* first: it fails for who may not read the kernel log */

	if (r >= 0)
		r = open_storage(d);
	if (r >= 0)
		r = open_seal(d);
	if (r >= 0)
		r = open_shared(d);
	if (r >= 0)
		r = mend_crash(d);
	if (r >= 0 && d->settings.config.dashboard_enabled)
		r = open_dashboard(d);
	if (d->storage) /* a key or a token that a crash took would be another one then */
		storage_sync_names(d->storage);
	users_choose(&d->users);
	if (r >= 0 && open_history(d) < 0)
		drop_history(d);
	if (r >= 0)
		r = module_dir_add_builtins(&d->externals, c, inherited_find);
	if (r >= 0)
		r = module_dir_add_alerts(&d->externals, c,
					  d->options->config_path(d->options->context));
	if (!c->alerts_enabled) /* somebody else is to tell */
		alerts_warn_unsent(c);
	for (size_t i = 0; r >= 0 && i < c->module_dirs.n; i++)
		r = module_dir_list(&d->externals, c->module_dirs.items[i], c);
	if (r >= 0)
		r = open_inboxes(d);
	if (r == -ENOMEM)
		(void)log_error_errno(r, "cannot open all that the daemon needs");
	return r;
}

static int reload(void *context, struct buffer *says)
{
	struct daemon *d = context;
	struct storage_options storage;
	struct settings fresh = { 0 };
	_cleanup_close_ int tls_fd = -1;
	int r = loading_settings(d, &fresh, &tls_fd, says);

	if (r >= 0)
		r = config_check_reload(&d->settings.config, &fresh.config, says);
	if (r < 0) {
		settings_deinit(&fresh);
		return r;
	}
	buffer_appendf(says, "%zu rules", fresh.n_rules);
	settings_deinit(&d->settings);
	d->settings = fresh;
	cleanup_close(&d->tls_fd);
	d->tls_fd = take_fd(&tls_fd);
	storage = storage_options_from(&d->settings.config);
	storage_configure(d->storage, &storage);
	return 0;
}

/* The configuration that was read along stays unused: it is taken at SIGHUP. */
static int reload_rules(void *context, struct buffer *says)
{
	struct daemon *d = context;
	struct settings fresh = { 0 };
	struct rules_files old;
	int r = loading_saved_rules(d, &fresh, says);

	if (r < 0)
		return r;
	r = !rules_files_equal(&d->settings.rules, &fresh.rules);
	if (r) {
		old = d->settings.rules;
		d->settings.rules = fresh.rules;
		d->settings.n_rules = fresh.n_rules;
		fresh.rules = old;
		buffer_appendf(says, "%zu rules", d->settings.n_rules);
	}
	settings_deinit(&fresh);
	return r;
}

/* The configured folders, and the files of the packs that are on, which are elsewhere. */
static size_t rule_paths(void *context, const char **ret)
{
	const struct daemon *d = context;
	const struct config_list *dirs = &d->settings.config.rules_dirs;
	const struct rules_files *files = &d->settings.rules;
	size_t n = 0;

	if (!d->settings.config.rules_watch)
		return 0;
	for (; n < dirs->n; n++)
		ret[n] = dirs->items[n];
	for (size_t i = 0; i < files->n && n < FILE_WATCH_MAX; i++)
		if (files->items[i].folder >= dirs->n)
			ret[n++] = files->items[i].path;
	return n;
}

/* Somebody took the lock or the state page out of the folder. */
static int renew(void *context)
{
	struct daemon *d = context;
	_cleanup_close_ int page = storage_open_file(d->storage, ".state",
						     O_RDWR | O_CREAT);
	int r = storage_renew_lock(d->storage);

	if (r >= 0)
		r = page < 0 ? page : state_page_renew(d->page, page);
	return r < 0 ? log_error_errno(r, "cannot make .lock and .state again in %s",
				       d->settings.config.output_dir)
		     : 0;
}

static int supervise(struct daemon *d)
{
	const struct config *c = &d->settings.config;
	struct supervisor_options options = {
		.context = d,
		.core = core_main,
		.web = d->settings.config.dashboard_enabled ? web_main : NULL,
		.history = d->history_fd >= 0 ? history_main : NULL,
		.reload = reload,
		.reload_rules = reload_rules,
		.rule_paths = rule_paths,
		.mutes_path = c->mutes,
		.load_mutes = loading_mutes,
		.mutes = d->mutes,
		.renew = renew,
		.open_source = open_late_source,
		.storage = d->storage,
		.externals = d->externals.items,
		.n_externals = d->externals.n,
		.busy_us = BUSY_US,
		.sandboxes = d->sandboxes,
		.sandboxes_first = ROW_MODULES,
	};

	if (sd.watchdog_enabled(0, &options.watchdog_us) <= 0)
		options.watchdog_us = WATCHDOG_US;
	users_tell(&d->users, d->history_fd >= 0,
		   c->alerts_enabled && c->n_alert_options > 0);
	log_info("logs: %s", c->output_dir);
	return supervisor_run(&options);
}

/* Who asks to stop, or to reload, so early is heard when the supervisor listens. */
static void hold_signals(void)
{
	sigset_t ours;

	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &ours, NULL); /* cannot fail */
}

static int start(struct daemon *d)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	int r;

	hold_signals();
	r = sd_load(NULL);
	if (r < 0)
		return r;
	r = loading_settings(d, &d->settings, &d->tls_fd, &errors);
	if (r < 0 && r != -EINVAL) /* else the loader has said why */
		log_error("%.*s", (int)errors.len, errors.data);
	if (r >= 0)
		r = open_all(d);
	return r < 0 ? r : supervise(d);
}

int daemon_run(const struct daemon_options *options)
{
	struct daemon d = {
		.options = options,
		.ring_fd = -1,
		.wake_fd = -1,
		.listen_fd = -1,
		.tls_fd = -1,
		.seal_fd = -1,
		.logs_fd = -1,
		.history_fd = -1,
	};
	int r = start(&d);

	module_dir_deinit(&d.externals);
	inbox_set_unmap(d.inboxes);
	for (size_t i = 0; i < d.n_sources; i++)
		(void)close(d.sources[i].fd);
	storage_destroy(d.storage);
	settings_deinit(&d.settings);
	return r ? EXIT_TROUBLE : EXIT_DONE;
}

int main(int argc, char **argv)
{
	log_init();
	return verbs_main(argc, argv);
}
