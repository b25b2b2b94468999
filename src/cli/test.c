// SPDX-License-Identifier: Apache-2.0
/* lksm test: which rule names a line, and what it gives (core/line_test.h). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "base/utf8.h"
#include "cli/verb.h"
#include "core/line_test.h"

enum {
	OPTION_JSON
};

static const struct verb_option options[] = {
	[OPTION_JSON] = { "json", 'j', NULL, "Print one JSON object a line" },
	{ 0 },
};

struct tester {
	struct line_test *test;
	bool is_json;
	bool has_colour;
	bool has_miss; /* some line was matched by nothing */
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

static void print_rule(const struct tester *t, const struct line_outcome *o)
{
	printf("  %srule%s     %s", colour(t, "\033[2m"), colour(t, "\033[0m"),
	       colour(t, "\033[1m"));
	print_visible(o->event.rule);
	printf("%s  ", colour(t, "\033[0m"));
	print_visible(span_from(o->info.file));
	printf(":%d\n", o->info.line);
	print_row(t, "because", o->info.condition);
}

static void print_text(const struct tester *t, struct span line,
		       const struct line_outcome *o)
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

static int print_json(struct span line, const struct line_outcome *o)
{
	_cleanup_buffer_ struct buffer out = { 0 };

	line_outcome_append_json(line, o, &out);
	buffer_append_char(&out, '\n');
	if (buffer_error(&out))
		return buffer_error(&out);
	(void)fwrite(out.data, 1, out.len, stdout); /* main() looks at stdout's state */
	return 0;
}

static int test_line(struct tester *t, struct span line)
{
	const struct line_outcome *o;
	int r = line_test_try(t->test, line, &o);

	if (r < 0)
		return r;
	t->has_miss |= !o->is_match;
	if (t->is_json)
		return print_json(line, o);
	print_text(t, line, o);
	return 0;
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
	int r = 0;

	for (; r == 0 && *lines; lines++)
		r = strcmp(*lines, "-") ? test_line(t, span_from(*lines)) : test_input(t);
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
	r = line_test_create(rules, &t.test);
	if (r == 0)
		r = test_all(&t, argv + optind + 1);
	line_test_destroy(t.test);
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
		  "without the "
		  "tag [PHOTON RING], a line of dmesg or a record of /dev/kmsg. Exit "
		  "code 1 means "
		  "that some line was named by no rule.",
	.options = options,
	.run = test_run,
};
