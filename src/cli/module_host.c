// SPDX-License-Identifier: Apache-2.0
/*
 * lksm module-host: what an external module runs in, so that its crash, hang or flood
 * is its own. A .so is loaded and driven here, its events leave as JSON lines on stdout
 * (core/external.h); any other file is a program that prints such lines itself and takes
 * the place of this one. Neither is touched unless it is safe to run. The name of a
 * built-in that runs apart stands for itself.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/safe_path.h"
#include "cli/setup.h"
#include "cli/verb.h"
#include "core/external.h"
#include "core/registry.h"

#define SETTINGS_MAX	      64
#define WATCHES_MAX	      16
#define POLL_INTERVAL_DEFAULT 0.1
#define NAME_SIZE	      32
#define OUTPUT_LIMIT \
	((size_t)16 << 20) /* of one batch as text; 256 events of 64 KiB each */

enum {
	OPTION_SET,
	OPTION_POLL_INTERVAL,
	OPTION_CONFIG,
};

enum {
	PLACE_SIGNAL,
	PLACE_OUTPUT,
	PLACE_INPUT,
	PLACE_WATCHES,
};

struct module_host {
	const char *settings[SETTINGS_MAX]; /* "key=value" */
	size_t n_settings;
	struct setup setup; /* --config: what it says of the module, below the settings */
	int poll_interval_ms;
	char name[NAME_SIZE]; /* by the file's name; the module's must be the same */

	int output; /* the pipe; stdout itself belongs to whatever the module prints */
	bool is_output_closed;
	struct buffer lines;
	const struct lksm_module *module;
	struct registry *registry;
	struct lksm_batch *batch;
	struct pollfd places[PLACE_WATCHES + WATCHES_MAX];
	size_t n_places;
};

/* ---- lines out ---- */

static void write_lines(struct module_host *h)
{
	struct span rest = buffer_span(&h->lines);

	while (rest.len && !h->is_output_closed) {
		/* waits: that is the limit */
		ssize_t n = write(h->output, rest.data, rest.len);

		if (n > 0)
			rest = span_skip(rest, (size_t)n);
		else if (n < 0 && errno != EINTR)
			h->is_output_closed = true;
	}
	buffer_clear(&h->lines);
}

/* Told once and waited: a host that ends is started again, and would tell it again. */
static int refused(struct module_host *h, const char *reason)
{
	struct lksm_event event;
	struct pollfd output = { .fd = h->output };
	struct stat st;

	event_init(&event);
	event.type = SPAN("module_refused");
	event.severity = LKSM_HIGH;
	event.ts = clock_now().mono_us;
	(void)event_add_text(&event, SPAN("module"), span_from(h->name));
	(void)event_add_text(&event, SPAN("reason"), span_from(reason));
	external_append_line(&h->lines, &event);
	write_lines(h);
	log_error("module %s: %s", h->name, reason);
	if (fstat(h->output, &st) == 0 && S_ISFIFO(st.st_mode))
		while (!h->is_output_closed && !(poll(&output, 1, -1) > 0))
			;
	return EXIT_TROUBLE;
}

/* ---- what the registry asks for ---- */

static int watch(void *context, int fd)
{
	struct module_host *h = context;

	if (h->n_places == ARRAY_SIZE(h->places))
		return -ENOSPC;
	h->places[h->n_places++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return 0;
}

static void unwatch(void *context, int fd)
{
	struct module_host *h = context;

	for (size_t i = PLACE_WATCHES; i < h->n_places; i++) {
		if (h->places[i].fd != fd)
			continue;
		h->places[i] = h->places[--h->n_places];
		return;
	}
}

static const char *option(void *context, const char *module, const char *name)
{
	struct module_host *h = context;
	size_t n = strlen(name);

	for (size_t i = h->n_settings; i > 0; i--) /* the last one counts */
		if (!strncmp(h->settings[i - 1], name, n) && h->settings[i - 1][n] == '=')
			return h->settings[i - 1] + n + 1;
	return config_module_option(&h->setup.config, module, name);
}

static struct lksm_batch *get_batch(void *context)
{
	return ((struct module_host *)context)->batch;
}

static void put_batch(void *context, struct lksm_batch *batch)
{
	struct module_host *h = context;

	for (size_t i = 0; i < batch_count(batch); i++) {
		struct lksm_record
			record; /* refused before: the module is none of ours */
		struct lksm_event event;

		if (!batch_get(batch, i, &record, &event))
			external_append_line(&h->lines, &event);
	}
	write_lines(h);
	batch_reset(batch, "", false, (struct now){ 0, 0 });
}

static const char *fallback(const struct lksm_module *module, const char *name)
{
	for (const struct lksm_option *row = module->options; row && row->name; row++)
		if (!strcmp(row->name, name))
			return row->fallback;
	return NULL;
}

static int source(void *context, const char *module, const char *name)
{
	struct module_host *h = context;
	const char *path = option(h, module, name);
	int fd;

	path = path ? path : fallback(h->module, name);
	if (!path)
		return -ENOENT;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* ---- the loop ---- */

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int setup_loop(struct module_host *h)
{
	sigset_t signals;
	int fd;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	h->places[PLACE_SIGNAL] = (struct pollfd){ .fd = fd, .events = POLLIN };
	h->places[PLACE_OUTPUT] = (struct pollfd){
		.fd = h->output
	}; /* POLLERR: nobody reads */
	h->places[PLACE_INPUT] = (struct pollfd){ .fd = is_pipe(STDIN_FILENO)
								? STDIN_FILENO
								: -1 };
	h->n_places = PLACE_WATCHES;
	return 0;
}

static int loop(struct module_host *h)
{
	while (!h->is_output_closed) {
		bool has_more = registry_poll_all(h->registry, clock_now()) > 0;
		bool needs_ticks = registry_needs_ticks(h->registry);
		int timeout = has_more ? 0 : needs_ticks ? h->poll_interval_ms : -1;
		int n;

		if (!registry_count_started(h->registry))
			return EXIT_TROUBLE; /* it failed, and the reason is on its way */
		n = poll(h->places, h->n_places, timeout);
		if (n < 0 && errno != EINTR)
			return EXIT_TROUBLE;
		if (n == 0)
			registry_tick(h->registry);
		for (size_t i = 0; n > 0 && i < PLACE_WATCHES; i++)
			if (h->places[i].revents)
				return EXIT_DONE;
		for (size_t i = PLACE_WATCHES; n > 0 && i < h->n_places; i++)
			if (h->places[i].revents)
				registry_readable(h->registry, h->places[i].fd);
	}
	return EXIT_DONE;
}

static int drive(struct module_host *h, const struct lksm_module *module)
{
	const struct registry_callbacks callbacks = {
		.context = h,
		.watch = watch,
		.unwatch = unwatch,
		.option = option,
		.source = source,
		.get_batch = get_batch,
		.put_batch = put_batch,
	};
	_cleanup_buffer_ struct buffer reason = { 0 };
	int r = registry_create(&callbacks, &h->registry);

	if (r < 0)
		return EXIT_TROUBLE;
	h->module = module;
	if (registry_add(h->registry, module, false, &reason) < 0)
		return refused(h, reason.len ? buffer_cstring(&reason) : "out of memory");
	if (strcmp(module->name, h->name) != 0) {
		buffer_appendf(&reason, "it calls itself %s, so its file must be %s.so",
			       module->name, module->name);
		return refused(h, buffer_cstring(&reason));
	}
	if (setup_loop(h) < 0)
		return EXIT_TROUBLE;
	(void)registry_start_all(h->registry, clock_now());
	r = loop(h);
	registry_stop_all(h->registry);
	return r;
}

/* ---- loading ---- */

static int load(struct module_host *h, int fd)
{
	const struct lksm_module *(*create)(void);
	_cleanup_buffer_ struct buffer reason = { 0 };
	char path[32];
	void *library;

	/* the file that was checked, whatever its name leads to by now */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		buffer_appendf(&reason, "it cannot be loaded: %s", dlerror());
		return refused(h, buffer_cstring(&reason));
	}
	create = (const struct lksm_module *(*)(void))dlsym(library, "create_module");
	if (!create)
		return refused(h, "it has no create_module(): it lacks LKSM_MODULE(…)");
	return drive(h, create());
}

/* The program speaks for itself from here on. */
static int run_program(struct module_host *h, const char *path)
{
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	_cleanup_buffer_ struct buffer reason = { 0 };

	(void)signal(SIGPIPE, SIG_DFL);
	(void)dup2(h->output, STDOUT_FILENO);
	(void)execv(path, argv);
	buffer_appendf(&reason, "it cannot be run: %s", strerror(errno));
	return refused(h, buffer_cstring(&reason));
}

/* "/etc/lksm/modules/disk-heat.sh" gives disk_heat. */
static void set_name(struct module_host *h, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *from = slash ? slash + 1 : path;
	size_t n = strcspn(from, ".");

	if (n >= sizeof(h->name))
		n = sizeof(h->name) - 1;
	for (size_t i = 0; i < n; i++)
		h->name[i] = (char)(from[i] == '-' ? '_' : from[i]);
	h->name[n] = '\0';
}

static const struct lksm_module *find_builtin(const char *name)
{
	for (size_t i = 0; lksm_builtin_modules[i]; i++) {
		const struct lksm_module *module = *lksm_builtin_modules[i];

		if (module->is_apart && !strcmp(module->name, name))
			return module;
	}
	return NULL;
}

static int host_file(struct module_host *h, const char *path)
{
	_cleanup_buffer_ struct buffer reason = { 0 };
	_cleanup_close_ int fd = -1;
	const struct lksm_module *builtin = find_builtin(path);
	size_t n = strlen(path);

	set_name(h, path);
	h->output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (h->output < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return EXIT_TROUBLE;
	(void)signal(SIGPIPE, SIG_IGN);
	if (batch_create(&h->batch) < 0)
		return EXIT_TROUBLE;
	if (builtin)
		return drive(h, builtin);
	fd = safe_path_open(path, geteuid() == 0, &reason);
	if (fd < 0)
		return refused(h, buffer_cstring(&reason));
	return n > 3 && !strcmp(path + n - 3, ".so") ? load(h, fd) : run_program(h, path);
}

static const struct verb_option options[] = {
	[OPTION_SET] = { "set", 's', "KEY=VALUE",
			 "An option of the module; may be repeated" },
	[OPTION_POLL_INTERVAL] = { "poll-interval", 'p', "SECONDS",
				   "Between two polls of a module that watches nothing "
				   "(0.1)" },
	[OPTION_CONFIG] = { "config", 'c', "FILE",
			    "Take the module's options from this configuration" },
	{ 0 },
};

static int parse_interval(const char *text, int *ret_ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.001 && seconds <= 3600))
		return -EINVAL;
	*ret_ms = (int)lround(seconds * 1000);
	return 0;
}

static int take_option(struct module_host *h, int index, const char *value)
{
	if (index == OPTION_POLL_INTERVAL &&
	    parse_interval(value, &h->poll_interval_ms) < 0)
		fprintf(stderr, "lksm: '%s' is not a number of seconds, 0.001 to 3600\n",
			value);
	else if (index == OPTION_SET && !strchr(value, '='))
		fprintf(stderr, "lksm: --set wants KEY=VALUE, not '%s'\n", value);
	else if (index == OPTION_SET && h->n_settings == SETTINGS_MAX)
		fprintf(stderr, "lksm: --set was given more than %d times\n",
			SETTINGS_MAX);
	else if (index == OPTION_CONFIG)
		return setup_load_config(&h->setup, value);
	else {
		if (index == OPTION_SET)
			h->settings[h->n_settings++] = value;
		return 0;
	}
	return -EINVAL;
}

static int run_module_host(int argc, char **argv)
{
	static struct module_host host = { .lines = { .limit = OUTPUT_LIMIT } };
	const char *value = NULL;
	int option_index, r;

	host.poll_interval_ms = (int)(POLL_INTERVAL_DEFAULT * 1000);
	while ((option_index = verb_next_option(&verb_module_host, argc, argv, &value)) >=
	       0)
		if (take_option(&host, option_index, value) < 0)
			return EXIT_TROUBLE;
	if (argc - optind != 1) {
		fprintf(stderr, "lksm: module-host wants one FILE; see `lksm help "
				"module-host`\n");
		return EXIT_TROUBLE;
	}
	r = host_file(&host, argv[optind]);
	registry_destroy(host.registry);
	batch_destroy(host.batch);
	buffer_deinit(&host.lines);
	setup_deinit(&host.setup);
	return r;
}

const struct verb verb_module_host = {
	.name = "module-host",
	.arguments = "FILE",
	.summary = "Run one external module, its events on stdout",
	.detail = "The daemon starts one for each file in its module folders. FILE is a "
		  ".so, a "
		  "program that prints events itself, or the name of a built-in that "
		  "runs apart; "
		  "see docs/adding-a-module.md.",
	.options = options,
	.is_internal = true,
	.run = run_module_host,
};
