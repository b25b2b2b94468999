// SPDX-License-Identifier: Apache-2.0
/* lksm replay: a saved kernel log, through the same path as the live one. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cli/setup.h"
#include "cli/verb.h"
#include "core/replay.h"

#define PIPE_SIZE (1 << 20) /* what anyone may ask for: /proc/sys/fs/pipe-max-size */

enum {
	OPTION_FORMAT,
	OPTION_ALL,
	OPTION_FIELDS,
	OPTION_OUTPUT,
	OPTION_RULES,
	OPTION_CONFIG
};

static const struct verb_option options[] = {
	[OPTION_FORMAT] = { "format", 'f', "FORMAT",
			    "auto, dmesg or kmsg (default: auto)" },
	[OPTION_ALL] = { "all", 'a', NULL,
			 "Make every record an event (kernel_message)" },
	[OPTION_FIELDS] = { "fields", 0, "FIELDS",
			    "seed: the first six keys only; full (default)" },
	[OPTION_OUTPUT] = { "output", 'o', "FILE",
			    "Write there instead of standard output" },
	[OPTION_RULES] = { "rules", 'r', "PATH", "Rules: a folder or a file" },
	[OPTION_CONFIG] = { "config", 'c', "FILE", "Read this configuration" },
	{ 0 },
};

struct arguments {
	struct replay_options replay;
	const char *output;
	const char *rules;
	const char *config;
};

static int choose(const char *option, const char *value, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(value, names[i]))
			return i;
	fprintf(stderr, "lksm: --%s %s: must be one of", option, value);
	for (int i = 0; names[i]; i++)
		fprintf(stderr, "%s %s", i ? "," : "", names[i]);
	fprintf(stderr, "\n");
	return -EINVAL;
}

static int parse(int argc, char **argv, struct arguments *a)
{
	static const char *const formats[] = { "auto", "dmesg", "kmsg", NULL };
	static const char *const views[] = { "full", "seed", NULL };
	const char *value = NULL;
	int option, got = 0;

	while ((option = verb_next_option(&verb_replay, argc, argv, &value)) >= 0) {
		if (option == OPTION_FORMAT)
			got = choose("format", value, formats),
			a->replay.format = (unsigned)got;
		else if (option == OPTION_FIELDS)
			got = choose("fields", value, views),
			a->replay.view = (unsigned)got;
		else if (option == OPTION_ALL)
			a->replay.all = true;
		else if (option == OPTION_OUTPUT)
			a->output = value;
		else if (option == OPTION_RULES)
			a->rules = value;
		else
			a->config = value;
		if (got < 0)
			return got;
	}
	if (optind + 1 == argc)
		return 0;
	fprintf(stderr, "lksm: replay takes one file, or - for standard input\n");
	return -EINVAL;
}

static int open_input(const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);

	/* Who writes and who reads wait for each other less often. Fails if it is no pipe. */
	if (fd >= 0)
		(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
	return fd >= 0 ? fd : log_error_errno(errno, "cannot open %s", path);
}

/* O_TRUNC would empty it before it is read. */
static bool is_same_file(int in, const char *path)
{
	struct stat a, b;

	return fstat(in, &a) == 0 && stat(path, &b) == 0 && S_ISREG(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int open_output(const char *path, int in)
{
	int fd;

	if (path && strcmp(path, "-") && is_same_file(in, path)) {
		log_error("%s is what is read: give --output another file", path);
		return -EINVAL;
	}

	if (!path || !strcmp(path, "-"))
		fd = dup(STDOUT_FILENO);
	else
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	return fd >= 0 ? fd : log_error_errno(errno, "cannot open %s", path);
}

static int replay_run(int argc, char **argv)
{
	struct arguments a = { .replay.is_quick = true };
	_cleanup_(setup_deinit) struct setup setup = { 0 };
	_cleanup_close_ int in = -1, out = -1;
	uint64_t n;
	int r;

	if (parse(argc, argv, &a) < 0 || setup_load(&setup, a.config, a.rules) < 0)
		return EXIT_TROUBLE;
	a.replay.rules = setup.rules;
	in = open_input(argv[optind]);
	if (in < 0)
		return EXIT_TROUBLE;
	out = open_output(a.output, in);
	if (out < 0)
		return EXIT_TROUBLE;
	r = replay(&a.replay, in, out, &n);
	if (r == -EPIPE)
		return EXIT_DONE; /* `lksm replay … | head` */
	if (r < 0) {
		(void)log_error_errno(r, "replay of %s stopped", argv[optind]);
		return EXIT_TROUBLE;
	}
	return n ? EXIT_DONE : EXIT_NOTHING;
}

const struct verb verb_replay = {
	.name = "replay",
	.arguments = "FILE|-",
	.summary =
		"Turn a saved kernel log (dmesg text or /dev/kmsg records) into events",
	.detail =
		"Takes what dmesg, dmesg --decode, dmesg -x, dmesg -T, cat /dev/kmsg and "
		"journalctl -k print, and a kern.log (zcat kern.log.2.gz | lksm replay "
		"-). Who may write to such a log can put into it what looks like the "
		"kernel's: logger -t kernel is told from it by nothing. Exit code 1 "
		"means "
		"that no line became an event.",
	.options = options,
	.run = replay_run,
};
