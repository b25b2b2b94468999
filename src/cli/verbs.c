// SPDX-License-Identifier: Apache-2.0
/* The one table of verbs, and what is made from it: dispatch, help, option parsing. */
#include "cli/verb.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/suggest.h"
#include "cli/view.h"

#define OPTIONS_MAX	 32
#define OPTION_COLUMNS	 24
#define TEXT_COLUMNS	 80 /* where there is no terminal */
#define TEXT_COLUMNS_MAX 100

static const struct verb *const verbs[] = {
	&verb_run,	   &verb_replay, &verb_follow,	&verb_query,
	&verb_stats,	   &verb_top,	 &verb_history, &verb_alert,
	&verb_verify,	   &verb_keys,	 &verb_check,	&verb_test,
	&verb_rules,	   &verb_mute,	 &verb_doctor,	&verb_schema,
	&verb_completion,  &verb_help,	 &verb_version, &verb_man_page,
	&verb_module_host, NULL,
};

const struct verb *const *verbs_all(void)
{
	return verbs;
}

static const struct verb *find(const char *name)
{
	for (size_t i = 0; verbs[i]; i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

static void print_overview(FILE *to)
{
	fprintf(to, "lksm: the Linux Kernel Security Monitor\n\n"
		    "Usage: lksm VERB [OPTION…] [ARGUMENT…]\n\n");
	for (size_t i = 0; verbs[i]; i++)
		if (!verbs[i]->is_internal)
			fprintf(to, "  %-11s %s\n", verbs[i]->name, verbs[i]->summary);
	fprintf(to,
		"\n`lksm help VERB` tells more about one. Exit codes: 0 done, 1 nothing "
		"found or check failed, 2 error.\n");
}

/* A row of the help; "…" is three bytes, but one column. */
static void print_option(FILE *to, const struct verb_option *o)
{
	char left[80];
	int n = snprintf(left, sizeof(left), "--%s%s%s", o->name, o->argument ? " " : "",
			 o->argument ? o->argument : ""),
	    width = 0;

	for (int i = 0; i < n && left[i]; i++)
		width += (left[i] & 0xc0) != 0x80;
	fprintf(to, "  %c%c%c %s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
		o->letter ? ',' : ' ', left);
	if (width > OPTION_COLUMNS)
		fprintf(to, "\n%*s%s\n", OPTION_COLUMNS + 7, "", o->help);
	else
		fprintf(to, "%*s %s\n", OPTION_COLUMNS - width, "", o->help);
}

/* As wide as the terminal, but no wider than is good to read. */
static size_t text_columns(void)
{
	size_t columns = view_columns();

	if (columns == SIZE_MAX)
		return TEXT_COLUMNS;
	return columns < TEXT_COLUMNS_MAX ? columns : TEXT_COLUMNS_MAX;
}

/* A newline of @text ends a line; where a line gets too long, a space does. */
static void print_wrapped(FILE *to, const char *text, size_t columns)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " \n"), width = 0;

		for (size_t i = 0; i < len; i++)
			width += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (column && column + 1 + width > columns) {
			fputc('\n', to);
			column = 0;
		}
		fprintf(to, "%s%.*s", column ? " " : "", (int)len, text);
		column += width + (column ? 1 : 0);
		text += len;
		if (*text == '\n') {
			fputc('\n', to);
			column = 0;
		}
		text += *text != '\0';
	}
	fputc('\n', to);
}

static void print_verb(FILE *to, const struct verb *verb)
{
	const struct verb_option *o = verb->options;

	fprintf(to, "Usage: lksm %s%s%s%s\n\n%s\n", verb->name,
		o && o->name ? " [OPTION…]" : "", *verb->arguments ? " " : "",
		verb->arguments, verb->summary);
	if (verb->detail) {
		fputc('\n', to);
		print_wrapped(to, verb->detail, text_columns());
	}
	fputc('\n', to);
	for (; o && o->name; o++)
		print_option(to, o);
	print_option(to, &(struct verb_option){ "help", 'h', NULL, "Show this help" });
}

static int unknown_verb(const char *name)
{
	const char *names[ARRAY_SIZE(verbs)];
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		names[i] = verbs[i] ? verbs[i]->name : NULL;
	near = suggest(name, names);
	fprintf(stderr, "lksm: there is no verb '%s'", name);
	if (near)
		fprintf(stderr, " (did you mean '%s'?)", near);
	fprintf(stderr, "; see `lksm help`\n");
	return EXIT_TROUBLE;
}

int verb_refuse(const struct verb *verb, int n, char **operands, const char *const *words)
{
	char near[SUGGEST_SIZE] = "";
	bool is_known = false;

	for (size_t i = 0; n && words[i]; i++)
		is_known |= !strcmp(operands[0], words[i]);
	if (n == is_known) /* nothing, or nothing behind it */
		fprintf(stderr, "lksm: %s takes one of: %s", verb->name, verb->arguments);
	else if (is_known)
		fprintf(stderr, "lksm: %s %s takes no '%s'", verb->name, operands[0],
			operands[n - 1]);
	else
		fprintf(stderr, "lksm: %s knows no '%s'%s, only: %s", verb->name,
			operands[0], suggest_text(operands[0], words, near),
			verb->arguments);
	fprintf(stderr, "; see `lksm help %s`\n", verb->name);
	return EXIT_TROUBLE;
}

static size_t fill_getopt(const struct verb *verb, struct option *longs, char *shorts)
{
	size_t n = 0;

	*shorts++ = ':'; /* tell a missing value from an unknown option */
	*shorts++ = 'h';
	for (const struct verb_option *o = verb->options; o && o->name; o++, n++) {
		longs[n] = (struct option){ o->name,
					    o->argument ? required_argument : no_argument,
					    NULL, o->letter ? o->letter : 256 + (int)n };
		if (o->letter)
			*shorts++ = o->letter;
		if (o->letter && o->argument)
			*shorts++ = ':';
	}
	longs[n] = (struct option){ "help", no_argument, NULL, 'h' };
	longs[n + 1] = (struct option){ 0 };
	*shorts = '\0';
	return n;
}

/* What getopt_long() did not take, said in our own words, with the nearest option. */
static void complain(const struct verb *verb, const struct option *longs, size_t n,
		     const char *word, int got)
{
	const char *names[OPTIONS_MAX + 1], *near = NULL;

	for (size_t i = 0; i < n; i++)
		names[i] = longs[i].name;
	names[n] = NULL;
	if (got == ':') {
		fprintf(stderr, "lksm: %s needs a value", word);
	} else {
		fprintf(stderr, "lksm: %s has no option '%s'", verb->name, word);
		if (!strncmp(word, "--", 2))
			near = suggest(word + 2, names);
	}
	if (near)
		fprintf(stderr, " (did you mean '--%s'?)", near);
	fprintf(stderr, "; see `lksm help %s`\n", verb->name);
}

/* What a full disk did not take is told, as by the verbs that write by themselves. */
static int finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno != EPIPE)
		(void)log_error_errno(errno, "cannot write the output");
	return EXIT_TROUBLE;
}

/* Of a verb that has no options of its own. */
static void take_help(const struct verb *verb, int argc, char **argv)
{
	const char *value;

	(void)verb_next_option(verb, argc, argv, &value);
}

int verb_next_option(const struct verb *verb, int argc, char **argv,
		     const char **ret_value)
{
	struct option longs[OPTIONS_MAX + 2];
	char shorts[2 * OPTIONS_MAX + 3];
	size_t n = fill_getopt(verb, longs, shorts);
	int got;

	opterr = 0;
	got = getopt_long(argc, argv, shorts, longs, NULL);
	if (got == -1)
		return -1;
	if (got == 'h') {
		print_verb(stdout, verb);
		exit(finish(EXIT_DONE));
	}
	for (size_t i = 0; i < n; i++) {
		if (longs[i].val != got)
			continue;
		*ret_value = optarg;
		return (int)i;
	}
	complain(verb, longs, n, argv[optind - 1], got);
	exit(EXIT_TROUBLE);
}

static int help_run(int argc, char **argv)
{
	const struct verb *verb;

	if (argc > 1)
		take_help(&verb_help, argc, argv);
	if (argc < 2) {
		print_overview(stdout);
		return EXIT_DONE;
	}
	verb = find(argv[1]);
	if (!verb)
		return unknown_verb(argv[1]);
	print_verb(stdout, verb);
	return EXIT_DONE;
}

int verbs_main(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		print_overview(stderr);
		return EXIT_TROUBLE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return finish(help_run(argc - 1, argv + 1));
	else if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		verb = &verb_version;
	else
		verb = find(argv[1]);
	if (!verb)
		return unknown_verb(argv[1]);
	return finish(verb->run(argc - 1, argv + 1));
}

const struct verb verb_help = {
	.name = "help",
	.arguments = "[VERB]",
	.summary = "Show the verbs, or one of them in full",
	.run = help_run,
};

static int version_run(int argc, char **argv)
{
	take_help(&verb_version, argc, argv);
	printf("lksm %s\n", LKSM_VERSION);
	return EXIT_DONE;
}

const struct verb verb_version = {
	.name = "version",
	.arguments = "",
	.summary = "Show the version",
	.run = version_run,
};
