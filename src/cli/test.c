// SPDX-License-Identifier: Apache-2.0
/*
 * lksm test: which rule names a line, and what it gives. Lines go through the same naming
 * as in the daemon; only a bare text without the sensor's tag is tried both ways, as the
 * sensor's and as the kernel's, since people write either.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "base/utf8.h"
#include "cli/verb.h"
#include "core/dmesg.h"
#include "core/kmsg.h"
#include "core/naming.h"

#define TAG "[PHOTON RING]"

enum {
	OPTION_JSON
};

static const struct verb_option options[] = {
	[OPTION_JSON] = { "json", 'j', NULL, "Print one JSON object a line" },
	{ 0 },
};

/* What became of one line. */
struct outcome {
	int result; /* 1 an event, 0 none */
	struct lksm_event event;
	struct rule_info info;
	bool has_info; /* a rule was found */
	bool is_match; /* by a rule, or the line names itself */
	bool is_guess; /* a bare text that only the sensor's catch-all knows */
};

struct tester {
	const struct rules *rules;
	struct naming *kmsg;	/* text escaped as the kernel does */
	struct naming *as_told; /* text as dmesg or a person writes it */
	struct naming *tagged;	/* the same with the tag put before it */
	struct buffer line;	/* for the tag */
	bool is_json;
	bool has_colour;
	bool has_miss; /* some line was matched by nothing */
	uint64_t n;
};

/* Bytes as they may go to a terminal: control characters and reordering ones escaped. */
static void print_visible(struct span s)
{
	while (s.len) {
		uint32_t code = 0;
		size_t n = utf8_decode(s, &code);
		bool is_hidden = n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) ||
				 (code >= 0x2028 && code <= 0x202e) ||
				 (code >= 0x2066 && code <= 0x2069);

		n = n ? n : 1;
		for (size_t i = 0; is_hidden && i < n; i++)
			printf("\\x%02x", (unsigned char)s.data[i]);
		/* the verb looks at stdout's state at its end */
		if (!is_hidden)
			(void)fwrite(s.data, 1, n, stdout);
		s = span_skip(s, n);
	}
}

static const char *colour(const struct tester *t, const char *code)
{
	return t->has_colour ? code : "";
}

static void print_row(const struct tester *t, const char *name, struct span value)
{
	printf("  %s%-8s%s ", colour(t, "\033[2m"), name, colour(t, "\033[0m"));
	print_visible(value);
	putchar('\n');
}

/* The object between `"data": ` and `, "severity": ` of an encoded event. */
static struct span encoded_data(struct span line)
{
	static const struct span before = SPAN("\"data\": "),
				 behind = SPAN(", \"severity\": ");
	const char *begin = memmem(line.data, line.len, before.data, before.len);
	const char *end = line.data + line.len;

	if (!begin)
		return SPAN("{}");
	begin += before.len;
	/* what follows data are words of ours: the last one that looks like it is it */
	while (end > begin &&
	       !span_starts_with(
		       (struct span){ end, (size_t)(line.data + line.len - end) },
		       behind))
		end--;
	return (struct span){ begin, (size_t)(end - begin) };
}

static void print_event(const struct tester *t, const struct lksm_event *event)
{
	static const char *const colours[] = { "\033[36m", "\033[33m", "\033[31m",
					       "\033[1;31m" };
	_cleanup_buffer_ struct buffer line = { 0 };

	printf("  %sevent%s    ", colour(t, "\033[2m"), colour(t, "\033[0m"));
	print_visible(event->type);
	printf("  %s%s%s\n", colour(t, colours[event->severity]),
	       severity_name(event->severity), colour(t, "\033[0m"));
	if (event_encode(&line, event, EVENT_SEED) == 0)
		print_row(t, "data", encoded_data(buffer_span(&line)));
	if (event->tags.data)
		print_row(t, "tags", event->tags);
	if (event->attack.data)
		print_row(t, "attack", event->attack);
}

static void print_rule(const struct tester *t, const struct outcome *o)
{
	printf("  %srule%s     %s", colour(t, "\033[2m"), colour(t, "\033[0m"),
	       colour(t, "\033[1m"));
	print_visible(o->event.rule);
	printf("%s  ", colour(t, "\033[0m"));
	print_visible(span_from(o->info.file));
	printf(":%d\n", o->info.line);
	print_row(t, "because", o->info.condition);
}

static void print_text(const struct tester *t, struct span line, const struct outcome *o)
{
	print_visible(line);
	putchar('\n');
	if (o->has_info)
		print_rule(t, o);
	else if (o->is_match)
		print_row(t, "rule", SPAN("none needed: the line names itself (logfmt)"));
	else
		print_row(t, "rule", SPAN("no rule matched"));
	if (o->result > 0)
		print_event(t, &o->event);
	else if (o->has_info)
		print_row(t, "event", SPAN("none: the rule drops the line"));
	else
		print_row(t, "event", SPAN("none"));
	if (o->is_guess)
		print_row(t, "note",
			  SPAN("so it is if the sensor prints it; no rule knows it as a "
			       "line of the kernel"));
}

static void append_event(struct buffer *out, const struct outcome *o)
{
	if (o->result <= 0) {
		buffer_append_literal(out, "null");
		return;
	}
	if (event_encode(out, &o->event, EVENT_FULL) == 0)
		out->len--; /* its newline */
}

static int print_json(struct span line, const struct outcome *o)
{
	_cleanup_buffer_ struct buffer out = { 0 };

	buffer_append_literal(&out, "{\"line\": ");
	json_append_string(&out, line);
	buffer_appendf(&out,
		       ", \"matched\": %s, \"rule\": ", o->is_match ? "true" : "false");
	if (o->has_info) {
		json_append_string(&out, o->event.rule);
		buffer_append_literal(&out, ", \"file\": ");
		json_append_string(&out, span_from(o->info.file));
		buffer_appendf(&out,
			       ", \"line_number\": %d, \"because\": ", o->info.line);
		json_append_string(&out, o->info.condition);
	} else {
		buffer_append_literal(&out, "null");
	}
	buffer_append_literal(&out, ", \"event\": ");
	append_event(&out, o);
	buffer_append_literal(&out, "}\n");
	if (buffer_error(&out))
		return buffer_error(&out);
	(void)fwrite(out.data, 1, out.len, stdout); /* main() looks at stdout's state */
	return 0;
}

static int name_line(struct tester *t, struct naming *naming,
		     const struct lksm_record *record, struct outcome *o)
{
	event_init(&o->event);
	o->event.seq = t->n;
	o->result = naming_name(naming, record, &o->event);
	o->has_info = o->event.rule.data &&
		      rules_describe(t->rules, o->event.rule, &o->info);
	o->is_match = o->has_info;
	/* without a rule, the sensor's line is generic or has named itself */
	if (o->result > 0 && !o->has_info &&
	    span_equal(o->event.source, SPAN("kprobe_reader")))
		o->is_match = !span_equal(o->event.type, SPAN("photon_ring_generic"));
	return o->result;
}

/* A bare text: the sensor's if more than a catch-all knows it, else the kernel's. */
static int name_bare(struct tester *t, struct lksm_record *record, struct outcome *o,
		     struct outcome *spare)
{
	struct lksm_record tagged = *record;
	int r;

	buffer_clear(&t->line);
	buffer_append_literal(&t->line, TAG " ");
	buffer_append(&t->line, record->text, record->text_len);
	if (buffer_error(&t->line))
		return buffer_error(&t->line);
	tagged.text = t->line.data;
	tagged.text_len = t->line.len;
	r = name_line(t, t->tagged, &tagged, o);
	if (r < 0 || (o->is_match && !(o->has_info && o->info.is_any)))
		return r;
	r = name_line(t, t->as_told, record, spare);
	if (r >= 0 && (spare->is_match || !o->is_match))
		*o = *spare;
	else
		o->is_guess = true;
	return r;
}

static int test_record(struct tester *t, struct span line, struct outcome *o,
		       struct outcome *spare)
{
	struct lksm_record record = { .level = -1, .facility = 0 };
	struct dmesg_parser parser = { 0 };
	struct dmesg_record from_dmesg;
	struct kmsg_record from_kmsg;
	struct span rest = line;

	if (line.len && kmsg_parse(line, &from_kmsg) == 0) {
		record.ts_us = from_kmsg.ts_us;
		record.level = from_kmsg.level;
		record.facility = from_kmsg.facility;
		record.text = from_kmsg.text.data;
		record.text_len = from_kmsg.text.len;
		return name_line(t, t->kmsg, &record, o);
	}
	if (line.len && dmesg_next(&parser, &rest, true, &from_dmesg) &&
	    parser.has_prefix) {
		record.ts_us = from_dmesg.ts_us;
		record.level = from_dmesg.level;
		record.facility = from_dmesg.facility;
		record.text = from_dmesg.text.data;
		record.text_len = from_dmesg.text.len;
		return name_line(t, t->as_told, &record, o);
	}
	record.text = line.data;
	record.text_len = line.len;
	if (span_contains(line, SPAN(TAG)))
		return name_line(t, t->as_told, &record, o);
	return name_bare(t, &record, o, spare);
}

static int test_line(struct tester *t, struct span line)
{
	_cleanup_free_ struct outcome *o = calloc(2, sizeof(*o));
	int r;

	if (!o)
		return -ENOMEM;
	if (line.len > LKSM_VALUE_MAX)
		line.len = LKSM_VALUE_MAX; /* as the kernel's records are */
	r = test_record(t, line, &o[0], &o[1]);
	if (r < 0)
		return r;
	t->has_miss |= !o->is_match;
	if (t->is_json)
		r = print_json(line, o);
	else
		print_text(t, line, o);
	t->n++;
	return r < 0 ? r : 0;
}

static int test_input(struct tester *t)
{
	_cleanup_free_ char *line = NULL;
	size_t capacity = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = getline(&line, &capacity, stdin)) > 0) {
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			n--;
		r = test_line(t, (struct span){ line, (size_t)n });
	}
	return r;
}

static int test_all(struct tester *t, char **lines)
{
	struct naming_options told = { .is_replay = true, .unescape = dmesg_unescape };
	struct naming_options kmsg = { .is_replay = true, .unescape = kmsg_unescape };
	int r = naming_create(t->rules, &kmsg, &t->kmsg);

	if (r == 0)
		r = naming_create(t->rules, &told, &t->as_told);
	if (r == 0)
		r = naming_create(t->rules, &told, &t->tagged);
	for (; r == 0 && *lines; lines++)
		r = strcmp(*lines, "-") ? test_line(t, span_from(*lines)) : test_input(t);
	naming_destroy(t->kmsg);
	naming_destroy(t->as_told);
	naming_destroy(t->tagged);
	buffer_deinit(&t->line);
	return r;
}

static int load_rules(const char *path, struct rules **ret)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	const char *paths[] = { path };
	int r = rules_load(paths, 1, ret, &errors);

	if (errors.len)
		(void)fwrite(errors.data, 1, errors.len, stderr);
	else if (r < 0)
		(void)log_error_errno(r, "%s: cannot load rules", path);
	return r;
}

static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
}

static int test_run(int argc, char **argv)
{
	_cleanup_(rules_destroyp) struct rules *rules = NULL;
	struct tester t = { .has_colour = wants_colour() };
	const char *value;
	int option, r;

	while ((option = verb_next_option(&verb_test, argc, argv, &value)) >= 0)
		t.is_json = option == OPTION_JSON;
	if (argc - optind < 2) {
		fprintf(stderr, "lksm: test takes rules (a file or a folder) and lines, "
				"or - to read "
				"lines from standard input\n");
		return EXIT_TROUBLE;
	}
	if (load_rules(argv[optind], &rules) < 0)
		return EXIT_TROUBLE;
	t.rules = rules;
	r = test_all(&t, argv + optind + 1);
	if (r < 0 || fflush(stdout) == EOF) {
		(void)log_error_errno(r < 0 ? r : errno, "test stopped");
		return EXIT_TROUBLE;
	}
	return t.has_miss ? EXIT_NOTHING : EXIT_DONE;
}

const struct verb verb_test = {
	.name = "test",
	.arguments = "RULES LINE…|-",
	.summary = "Show which rule names a line of the kernel log, and what it gives",
	.detail = "RULES is a file or a folder. A LINE may be the text alone, with or "
		  "without the\n"
		  "tag [PHOTON RING], a line of dmesg or a record of /dev/kmsg. Exit "
		  "code 1 means\n"
		  "that some line was named by no rule.",
	.options = options,
	.run = test_run,
};
