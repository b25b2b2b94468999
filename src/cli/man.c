// SPDX-License-Identifier: Apache-2.0
/*
 * lksm man-page: the source of a man page, for the build: lksm(1), one for each verb,
 * lksm.yaml(5), lksm-events(7). They are made from the tables that the program uses.
 */
#include <ctype.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/file.h"
#include "cli/verb.h"
#include "core/config.h"
#include "core/event.h"
#include "core/registry.h"
#include "lksm/module.h"

/* Of the release, not of the build, which can so be made again byte by byte. */
#define PAGE_DATE "2026-11-28"

/* Of one line or more: escapes for roff, and no line that looks like a request. */
static void append_text(struct buffer *out, const char *text)
{
	bool is_at_start = true;

	for (; *text; text++) {
		if (is_at_start && (*text == '.' || *text == '\''))
			buffer_append_literal(out, "\\&");
		if (*text == '\\')
			buffer_append_literal(out, "\\e");
		else if (*text == '-')
			buffer_append_literal(out, "\\-");
		else if (!strncmp(text, "…", 3)) {
			buffer_append_literal(out, "...");
			text += 2;
		} else
			buffer_append_char(out, *text);
		is_at_start = *text == '\n';
	}
}

static void append_line(struct buffer *out, const char *text)
{
	append_text(out, text);
	buffer_append_char(out, '\n');
}

/* A new line in the text begins a new one on the page. */
static void append_paragraphs(struct buffer *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		_cleanup_buffer_ struct buffer line = { 0 };

		buffer_append(&line, text, n);
		append_line(out, buffer_cstring(&line));
		text += n;
		if (*text)
			buffer_append_literal(out, ".br\n");
		text += *text == '\n';
	}
}

static void append_head(struct buffer *out, const char *name, int section,
			const char *summary)
{
	buffer_appendf(out,
		       ".\\\" made by `lksm man-page`: change the tables in the program\n"
		       ".TH ");
	for (const char *c = name; *c; c++)
		buffer_append_char(out, (char)toupper((unsigned char)*c));
	buffer_appendf(out, " %d " PAGE_DATE " \"lksm %s\" \"LKSM\"\n.SH NAME\n%s \\- ",
		       section, LKSM_VERSION, name);
	append_line(out, summary);
}

static void append_exit(struct buffer *out)
{
	buffer_append_literal(out,
			      ".SH EXIT STATUS\n"
			      ".TP\n0\nDone; something was found.\n"
			      ".TP\n1\nNothing was found, or a check failed.\n"
			      ".TP\n2\nTrouble: what is said on the standard error.\n");
}

static void append_option(struct buffer *out, const struct verb_option *o)
{
	buffer_append_literal(out, ".TP\n\\fB");
	if (o->letter)
		buffer_appendf(out, "\\-%c\\fR, \\fB", o->letter);
	buffer_append_literal(out, "\\-\\-");
	append_text(out, o->name);
	buffer_append_literal(out, "\\fR");
	if (o->argument) {
		buffer_append_literal(out, " \\fI");
		append_text(out, o->argument);
		buffer_append_literal(out, "\\fR");
	}
	buffer_append_char(out, '\n');
	append_line(out, o->help);
}

static void append_verb(struct buffer *out, const struct verb *verb)
{
	static const struct verb_option help = { "help", 'h', NULL, "Show a short help" };
	const struct verb_option *o = verb->options;
	_cleanup_buffer_ struct buffer name = { 0 };

	buffer_appendf(&name, "lksm-%s", verb->name);
	append_head(out, buffer_cstring(&name), 1, verb->summary);
	buffer_appendf(out, ".SH SYNOPSIS\n.B lksm %s\n%s", verb->name,
		       o && o->name ? "[OPTION...]\n" : "");
	if (*verb->arguments)
		append_line(out, verb->arguments);
	buffer_append_literal(out, ".SH DESCRIPTION\n");
	append_text(out, verb->summary);
	buffer_append_literal(out, ".\n");
	if (verb->detail) {
		buffer_append_literal(out, ".PP\n");
		append_paragraphs(out, verb->detail);
	}
	buffer_append_literal(out, ".SH OPTIONS\n");
	for (; o && o->name; o++)
		append_option(out, o);
	append_option(out, &help);
	append_exit(out);
	buffer_append_literal(out,
			      ".SH SEE ALSO\n"
			      ".BR lksm (1),\n.BR lksm.yaml (5),\n.BR lksm-events (7)\n");
}

static void append_overview(struct buffer *out)
{
	append_head(out, "lksm", 1, "the Linux Kernel Security Monitor");
	buffer_append_literal(
		out, ".SH SYNOPSIS\n.B lksm\n.I VERB\n[OPTION...] [ARGUMENT...]\n"
		     ".SH DESCRIPTION\n"
		     "LKSM tells when something tampers with the running kernel of a "
		     "machine. A\n"
		     "kernel module, photon_ring, sees probes, hooks, modules and "
		     "changed code;\n"
		     "this program turns what it and the kernel say into events, appends "
		     "them to\n"
		     "a log of JSON lines, and shows them in a dashboard and on the "
		     "terminal.\n"
		     ".SH VERBS\n");
	for (const struct verb *const *v = verbs_all(); *v; v++) {
		if ((*v)->is_internal)
			continue;
		buffer_append_literal(out, ".TP\n.BR lksm\\-");
		append_text(out, (*v)->name);
		buffer_append_literal(out, " (1)\n");
		append_text(out, (*v)->summary);
		buffer_append_literal(out, ".\n");
	}
	append_exit(out);
	buffer_append_literal(
		out, ".SH FILES\n"
		     ".TP\n.I /etc/lksm/lksm.yaml\nThe configuration, see\n.BR lksm.yaml "
		     "(5).\n"
		     ".TP\n.I /etc/lksm/rules.d/*.yaml\nRules of this machine.\n"
		     ".TP\n.I /var/log/lksm/lksm_events_YYYY\\-MM\\-DD.jsonl\n"
		     "The log of a day, one JSON object a line; older ones end in .zst.\n"
		     ".SH SEE ALSO\n.BR lksm.yaml (5),\n.BR lksm-events (7)\n");
}

static void append_key(struct buffer *out, const char *key, const char *fallback,
		       const char *help)
{
	buffer_append_literal(out, ".TP\n\\fB");
	append_text(out, key);
	buffer_append_literal(out, "\\fR");
	if (fallback && *fallback) {
		buffer_append_literal(out, " (");
		append_text(out, fallback);
		buffer_append_char(out, ')');
	}
	buffer_append_char(out, '\n');
	append_text(out, help);
	buffer_append_literal(out, ".\n");
}

static void append_module(struct buffer *out, const struct lksm_module *module)
{
	for (const struct lksm_option *o = module->options; o && o->name; o++) {
		_cleanup_buffer_ struct buffer key = { 0 };

		buffer_appendf(&key, "modules.%s.%s", module->name, o->name);
		append_key(out, buffer_cstring(&key), o->fallback, o->help);
	}
}

static void append_config(struct buffer *out)
{
	append_head(out, "lksm.yaml", 5, "the configuration of lksm");
	buffer_append_literal(
		out,
		".SH DESCRIPTION\n"
		"A file in YAML. The keys are shown with their default. A key such as\n"
		".B output.dir\nis written with its parts one below the other, or as it "
		"is\n"
		"here. Files in\n.I lksm.yaml.d/\nbeside it, variables of the "
		"environment\n"
		"(LKSM_OUTPUT_DIR is output.dir) and options stand above it. An unknown "
		"key\n"
		"is an error. SIGHUP has it read again: all of it, or, if something is\n"
		"wrong with it, nothing.\n"
		".SH KEYS\n");
	for (const struct config_key *k = config_keys(); k->key; k++)
		append_key(out, k->key, k->fallback, k->help);
	for (size_t i = 0; lksm_builtin_modules[i]; i++)
		append_module(out, *lksm_builtin_modules[i]);
	buffer_append_literal(out, ".SH SEE ALSO\n.BR lksm (1),\n.BR lksm-check (1)\n");
}

static void append_type(struct buffer *out, const char *name, const char *severity,
			const char *keys, const char *attack, const char *sentence)
{
	buffer_appendf(out, ".TP\n\\fB%s\\fR", name);
	if (severity)
		buffer_appendf(out, " (%s)", severity);
	buffer_append_char(out, '\n');
	append_text(out, sentence);
	buffer_append_literal(out, ".\n");
	if (*keys) {
		buffer_append_literal(out, "Data:\n.IR ");
		append_text(out, keys);
		buffer_append_literal(out, " .\n");
	}
	if (*attack) {
		buffer_append_literal(out, "ATT&CK: ");
		append_text(out, attack);
		buffer_append_literal(out, ".\n");
	}
}

static void append_events(struct buffer *out)
{
	append_head(out, "lksm-events", 7, "what an event of lksm has, and its types");
	buffer_append_literal(
		out, ".SH DESCRIPTION\n"
		     "An event is a JSON object on a line of its own. Its members, in\n"
		     "their order:\n");
#define X(name, title, kind, presence, view, description) \
	append_key(out, #name, NULL, description);
	LKSM_EVENT_FIELDS(X)
#undef X
	buffer_append_literal(out, ".SH TYPES OF LKSM ITSELF\n");
	for (const struct event_type *t = event_types(); t->name; t++)
		append_type(out, t->name, severity_name(t->severity), t->keys, t->attack,
			    t->sentence);
	buffer_append_literal(out, ".SH TYPES OF THE SENSOR\n"
				   "Severity follows who owns what was found.\n");
	for (const struct sensor_type *t = sensor_types(); t->name; t++)
		append_type(out, t->name, NULL, t->keys, t->attack, t->sentence);
	buffer_append_literal(out, ".SH TYPES OF RULES\n"
				   "Rules name lines of the kernel's log;\n"
				   ".B lksm rules list\nshows theirs.\n"
				   ".SH SEE ALSO\n.BR lksm (1),\n.BR lksm-rules (1)\n");
}

static const struct verb *find(const char *name)
{
	for (const struct verb *const *v = verbs_all(); *v; v++)
		if (!strcmp((*v)->name, name))
			return *v;
	return NULL;
}

static int run(int argc, char **argv)
{
	_cleanup_buffer_ struct buffer out = { 0 };
	const char *page = argc == 2 ? argv[1] : "";

	if (!strcmp(page, "lksm"))
		append_overview(&out);
	else if (!strcmp(page, "lksm.yaml"))
		append_config(&out);
	else if (!strcmp(page, "lksm-events"))
		append_events(&out);
	else if (!strncmp(page, "lksm-", 5) && find(page + 5))
		append_verb(&out, find(page + 5));
	if (!out.len) {
		fprintf(stderr,
			"lksm: man-page takes one of: lksm, lksm-VERB, lksm.yaml, "
			"lksm-events\n");
		return EXIT_TROUBLE;
	}
	return buffer_error(&out) || write_all(STDOUT_FILENO, out.data, out.len) < 0
		       ? EXIT_TROUBLE
		       : EXIT_DONE;
}

const struct verb verb_man_page = {
	.name = "man-page",
	.arguments = "PAGE",
	.summary = "Print a man page's source",
	.is_internal = true,
	.run = run,
};
