// SPDX-License-Identifier: Apache-2.0
/* lksm run: the daemon. Flags are configuration keys with a higher rank than the file's. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/setup.h"
#include "cli/verb.h"
#include "core/settings.h"
#include "daemon.h"

#define FLAGS_MAX 16

enum {
	OPTION_CONFIG,
	OPTION_LOG_DIR,
	OPTION_LISTEN,
	OPTION_NO_DASHBOARD,
	OPTION_KMSG,
	OPTION_PROC,
	OPTION_MODULE_DIR,
	OPTION_RULES,
	OPTION_ALL,
};

static const struct verb_option options[] = {
	[OPTION_CONFIG] = { "config", 'c', "FILE", "Read this configuration" },
	[OPTION_LOG_DIR] = { "log-dir", 0, "DIR", "Folder of the logs" },
	[OPTION_LISTEN] = { "listen", 0, "HOST:PORT", "Address of the dashboard" },
	[OPTION_NO_DASHBOARD] = { "no-dashboard", 0, NULL, "Only follow and log" },
	[OPTION_KMSG] = { "kmsg", 0, "PATH",
			  "Kernel log: a device, file, pipe, or - for the standard input "
			  "(/dev/kmsg)" },
	[OPTION_PROC] = { "proc", 0, "PATH",
			  "The sensor's own channel, if it is there (/proc/lksm)" },
	[OPTION_MODULE_DIR] = { "module-dir", 0, "DIR",
				"Folder of modules; may be repeated" },
	[OPTION_RULES] = { "rules", 'r', "PATH", "Rules: a folder or a file" },
	[OPTION_ALL] = { "all", 'a', NULL,
			 "Log every kernel message, not only named ones" },
	{ 0 },
};

/* The key that an option sets; NULL for those with a meaning of their own. */
static const char *const option_keys[] = {
	[OPTION_LOG_DIR] = "output.dir",
	[OPTION_LISTEN] = "dashboard.listen",
	[OPTION_NO_DASHBOARD] = "dashboard.enabled",
	[OPTION_KMSG] = "modules.kprobe_reader.kmsg",
	[OPTION_PROC] = "modules.kprobe_reader.proc",
	[OPTION_MODULE_DIR] = "modules.dirs",
	[OPTION_RULES] = "rules.dirs",
	[OPTION_ALL] = "kernel_log.all",
};

struct flags {
	const char *config_path;
	size_t n;
	struct {
		int option;
		char value[PATH_MAX];
	} items[FLAGS_MAX];
};

static int add_flag(struct flags *f, int option, const char *value)
{
	if (option == OPTION_CONFIG) {
		f->config_path = value;
		return 0;
	}
	for (size_t i = 0; i < f->n; i++) { /* a folder more */
		char *old = f->items[i].value;
		size_t n = strlen(old);

		if (f->items[i].option != option || option != OPTION_MODULE_DIR)
			continue;
		(void)snprintf(old + n, PATH_MAX - n, ",%s", value);
		return 0;
	}
	if (f->n == FLAGS_MAX)
		return -E2BIG;
	if (!value)
		value = option == OPTION_NO_DASHBOARD ? "false" : "true";
	f->items[f->n].option = option;
	(void)snprintf(f->items[f->n++].value, PATH_MAX, "%s", value);
	return 0;
}

static int apply_flags(const struct flags *f, struct config *config,
		       struct buffer *errors)
{
	for (size_t i = 0; i < f->n; i++) {
		char place[64];
		int r;

		(void)snprintf(place, sizeof(place), "--%s",
			       options[f->items[i].option].name);
		r = config_set(config, option_keys[f->items[i].option], f->items[i].value,
			       place, errors);
		if (r < 0)
			return r;
	}
	return 0;
}

static int complain_of_memory(int r)
{
	if (r == -ENOMEM) /* everything else was said where it happened */
		(void)log_error_errno(r, "cannot read the configuration and the rules");
	return r;
}

/* The same steps at start and at SIGHUP: file, environment, flags; then TLS and rules. */
static int load_config(void *context, struct buffer *packed)
{
	_cleanup_(setup_deinit) struct setup setup = { 0 };
	_cleanup_buffer_ struct buffer errors = { 0 };
	const struct flags *f = context;
	int r = setup_load_config(&setup, f->config_path);

	if (r >= 0)
		r = apply_flags(f, &setup.config, &errors);
	if (errors.len)
		fwrite(errors.data, 1, errors.len, stderr);
	if (r >= 0)
		return settings_pack(&setup.config, &setup.files, 0, packed);
	buffer_append_span(packed, buffer_span(&setup.said));
	return complain_of_memory(r);
}

static int load_tls(const struct config *config, int secrets)
{
	_cleanup_tls_pair_ struct tls_pair pair = { 0 };
	int r = setup_load_tls(config, &pair);

	if (r >= 0 && pair.size) {
		r = tls_pair_store(&pair, secrets);
		if (r < 0)
			(void)log_error_errno(r, "cannot hand on the certificate");
	}
	return complain_of_memory(r);
}

static int load_rules(const struct config *config, struct buffer *packed)
{
	struct setup setup = { .config = *config }; /* whose it stays */
	int r = setup_load_rules(&setup);

	if (r >= 0)
		r = settings_pack(config, &setup.files, rules_count(setup.rules), packed);
	else
		buffer_append_span(packed, buffer_span(&setup.said));
	setup.config = (struct config){ 0 };
	setup_deinit(&setup);
	return complain_of_memory(r);
}

static const char *config_path(void *context)
{
	const struct flags *f = context;

	return f->config_path;
}

static int run_run(int argc, char **argv)
{
	static struct flags flags;
	const struct daemon_options daemon = { .load_config = load_config,
					       .load_tls = load_tls,
					       .load_rules = load_rules,
					       .context = &flags,
					       .config_path = config_path };
	const char *value = NULL;
	int option;

	while ((option = verb_next_option(&verb_run, argc, argv, &value)) >= 0)
		if (add_flag(&flags, option, value) < 0)
			return EXIT_TROUBLE;
	if (optind < argc) {
		fprintf(stderr, "lksm: run takes no argument, but was given '%s'\n",
			argv[optind]);
		return EXIT_TROUBLE;
	}
	return daemon_run(&daemon);
}

const struct verb verb_run = {
	.name = "run",
	.arguments = "",
	.summary = "Follow the kernel log, write events, serve the dashboard",
	.detail =
		"Runs until Ctrl-C or SIGTERM; SIGHUP reads configuration and rules "
		"again. A rule file that is saved is read by itself, unless rules.watch "
		"is false.",
	.options = options,
	.run = run_run,
};
