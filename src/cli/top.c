// SPDX-License-Identifier: Apache-2.0
/*
 * lksm top: which types, sources and rules are the noisiest now. On a terminal the table is
 * renewed until Ctrl-C; elsewhere it is printed once.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/tally.h"
#include "cli/view.h"
#include "core/json_members.h"

#define ROWS_DEFAULT  20
#define INTERVAL_S    2
#define INTERVAL_MAX  3600
#define WINDOW_US     (15 * 60 * USEC_PER_SEC)
#define HEAD_LINES    3
#define KEY_SEPARATOR '\t'
#define CLEAR_SCREEN  "\033[H\033[J"

struct top {
	struct view view;
	bool is_once, is_json;
	uint64_t limit, interval_s;
	uint64_t n_events, n_new;
	struct tally all,
		fresh; /* "severity\ttype\tsource\trule": since the start, last time */
	struct buffer key;
};

/* The members that a row is made of, in the order of the line. */
static int take_members(struct span line, struct span ret[static 4])
{
	static const char *const names[] = { "severity", "type", "source", "rule" };
	struct span key, value;
	struct json_members m;
	int r;

	json_members_begin(&m, line);
	while ((r = json_members_next(&m, &key, &value)) > 0)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (span_equal(key, span_from(names[i])) && *value.data == '"')
				ret[i] = (struct span){ value.data + 1, value.len - 2 };
	return r;
}

static int take_line(void *userdata, struct span line)
{
	struct span parts[4] = { 0 };
	struct top *t = userdata;
	int r;

	if (take_members(line, parts) < 0)
		return 0;
	buffer_clear(&t->key);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (i > 0)
			buffer_append_char(&t->key, KEY_SEPARATOR);
		buffer_append_span(&t->key, parts[i]);
	}
	t->n_events++;
	t->n_new++;
	r = buffer_error(&t->key);
	if (r == 0)
		r = tally_add(&t->all, buffer_span(&t->key), 1);
	return r == 0 ? tally_add(&t->fresh, buffer_span(&t->key), 1) : r;
}

static struct span next_part(struct span *key)
{
	const char *end = memchr(key->data, KEY_SEPARATOR, key->len);
	struct span part = { key->data, end ? (size_t)(end - key->data) : key->len };

	*key = span_skip(*key, part.len + (end ? 1 : 0));
	return part;
}

static void append_padded(struct buffer *out, struct span text, size_t width)
{
	size_t before = out->len;

	event_line_append_safe(out, text);
	while (out->len - before < width)
		buffer_append_char(out, ' ');
	buffer_append_char(out, ' ');
}

static uint64_t count_of(const struct tally *t, struct span key)
{
	for (size_t i = 0; i < t->n; i++)
		if (span_equal(tally_name(t, i), key))
			return t->rows[i].count;
	return 0;
}

static void append_row(struct top *t, size_t i)
{
	struct span key = tally_name(&t->all, i);
	struct buffer *out = &t->view.out;

	buffer_appendf(out, "%10" PRIu64 " %8" PRIu64 "  ", t->all.rows[i].count,
		       count_of(&t->fresh, key));
	append_padded(out, next_part(&key), 8);
	append_padded(out, next_part(&key), 28);
	append_padded(out, next_part(&key), 16);
	event_line_append_safe(out, key);
	while (out->len && out->data[out->len - 1] == ' ')
		out->len--;
	buffer_append_char(out, '\n');
}

static void append_table(struct top *t, uint64_t limit)
{
	struct buffer *out = &t->view.out;

	buffer_appendf(out, "%" PRIu64 " event%s since %.19sZ, %" PRIu64 " new\n\n",
		       t->n_events, t->n_events == 1 ? "" : "s", t->view.filter.since,
		       t->n_new);
	buffer_appendf(out, "%10s %8s  %-8s %-28s %-16s %s\n", "EVENTS", "NEW",
		       "SEVERITY", "TYPE", "SOURCE", "RULE");
	for (size_t i = 0; i < t->all.n && i < limit; i++)
		append_row(t, i);
}

/* @text: as it stands in the log, escaped */
static void append_text(struct buffer *out, const char *name, struct span text)
{
	buffer_appendf(out, "\"%s\": \"%.*s\"", name, (int)text.len, text.data);
}

/* {"since": …, "events": …, "rows": [{"events": …, "severity": …, …}]} */
static void append_json(struct top *t)
{
	static const char *const names[] = { "severity", "type", "source", "rule" };
	struct buffer *out = &t->view.out;

	buffer_append_char(out, '{');
	append_text(out, "since", span_from(t->view.filter.since));
	buffer_appendf(out, ", \"events\": %" PRIu64 ", \"rows\": [", t->n_events);
	for (size_t i = 0; i < t->all.n && i < t->limit; i++) {
		struct span key = tally_name(&t->all, i);

		buffer_appendf(out, "%s{\"events\": %" PRIu64, i ? ", " : "",
			       t->all.rows[i].count);
		for (size_t k = 0; k < ARRAY_SIZE(names) && key.len; k++) {
			buffer_append_literal(out, ", ");
			append_text(out, names[k], next_part(&key));
		}
		buffer_append_char(out, '}');
	}
	buffer_append_literal(out, "]}\n");
}

/* A line that is wrapped would push others off the screen. */
static void cut_lines(struct buffer *out, size_t from, size_t columns)
{
	size_t to = from, column = 0;

	for (size_t i = from; i < out->len; i++) {
		unsigned char c = (unsigned char)out->data[i];

		if (c == '\n')
			column = 0;
		else if ((c & 0xc0) != 0x80) /* the first byte of a character */
			column++;
		if (column <= columns)
			out->data[to++] = out->data[i];
	}
	out->len = to;
}

/* Return: rows that fit; SIZE_MAX where there is no terminal. */
static uint64_t rows_that_fit(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row <= HEAD_LINES + 1)
		return UINT64_MAX;
	return size.ws_row - HEAD_LINES - 1u;
}

static int show(struct top *t, bool is_screen)
{
	uint64_t fit = is_screen ? rows_that_fit() : UINT64_MAX;
	size_t from;
	int r;

	tally_clear(&t->fresh);
	t->n_new = 0;
	view_look_at_mutes(&t->view);
	r = view_read_news(&t->view, take_line, t);
	if (r < 0)
		return r;
	tally_sort(&t->all, false);
	if (is_screen)
		buffer_append_literal(&t->view.out, CLEAR_SCREEN);
	from = t->view.out.len;
	if (t->is_json)
		append_json(t);
	else
		append_table(t, t->limit < fit ? t->limit : fit);
	if (is_screen)
		cut_lines(&t->view.out, from, view_columns());
	return view_flush(&t->view);
}

/* Return: 0 when it is time for the next table, 1 at the end. */
static int wait_for_next(int stops, uint64_t interval_s)
{
	struct pollfd fds[] = { { .fd = stops, .events = POLLIN },
				{ .fd = STDOUT_FILENO } };

	return poll(fds, ARRAY_SIZE(fds), (int)interval_s * 1000) != 0;
}

static int top(struct top *t)
{
	bool is_screen = isatty(STDOUT_FILENO) && !t->is_once && !t->is_json;
	_cleanup_close_ int stops = is_screen ? view_open_stops() : -1;
	int r = 0;

	do
		r = show(t, is_screen);
	while (r == 0 && is_screen && wait_for_next(stops, t->interval_s) == 0);
	return r;
}

enum {
	OPTION_INTERVAL = VIEW_OPTION_COUNT,
	OPTION_JSON,
	OPTION_LIMIT,
	OPTION_MUTED,
	OPTION_ONCE,
	OPTION_OUTPUT,
};

static const struct verb_option options[] = {
	VIEW_OPTIONS,
	[OPTION_INTERVAL] = { "interval", 'i', "SECONDS", "Between two tables (2)" },
	[OPTION_LIMIT] = { "lines", 'n', "N", "At most N rows (20)" },
	VIEW_MUTED_OPTION(OPTION_MUTED),
	[OPTION_ONCE] = { "once", '1', NULL, "One table, on a terminal, too" },
	VIEW_TABLE_OPTIONS(OPTION_JSON, OPTION_OUTPUT),
	{ 0 },
};

static int parse_interval(const char *value, uint64_t *ret)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || n < 1 || n > INTERVAL_MAX)
		return log_refusal("--interval %s: not a number from 1 to %d", value,
				   INTERVAL_MAX);
	*ret = n;
	return 0;
}

static int take_option(struct top *t, int option, const char *value)
{
	if (option == OPTION_INTERVAL)
		return parse_interval(value, &t->interval_s);
	if (option == OPTION_LIMIT)
		return view_take_lines(value, &t->limit);
	if (option == OPTION_MUTED)
		t->view.hides_muted = false;
	else if (option == OPTION_ONCE)
		t->is_once = true;
	else if (option == OPTION_JSON)
		t->is_json = true;
	else if (option == OPTION_OUTPUT)
		return view_take_table_output(value, &t->is_json);
	else
		return view_take_option(&t->view, option, value);
	return 0;
}

static void top_deinit(struct top *t)
{
	tally_deinit(&t->all);
	tally_deinit(&t->fresh);
	buffer_deinit(&t->key);
	view_deinit(&t->view);
}

static int run(int argc, char **argv)
{
	_cleanup_(top_deinit) struct top t = { .limit = ROWS_DEFAULT,
					       .interval_s = INTERVAL_S };
	const char *value;
	int option, r = 0;

	view_init(&t.view);
	t.view.hides_muted = true;
	while (r == 0 && (option = verb_next_option(&verb_top, argc, argv, &value)) >= 0)
		r = take_option(&t, option, value);
	if (r == 0)
		r = view_take_operands(&t.view, argc - optind, argv + optind);
	if (r == 0)
		r = view_open(&t.view);
	if (!t.view.filter.since[0])
		time_format(t.view.now_us - WINDOW_US, t.view.filter.since);
	if (r == 0)
		r = top(&t);
	if (r < 0 && r != -EPIPE)
		return EXIT_TROUBLE;
	if (r == 0 && !t.n_events)
		view_explain_nothing(&t.view);
	return t.n_events ? EXIT_DONE : EXIT_NOTHING;
}

const struct verb verb_top = {
	.name = "top",
	.arguments = "[KEY=VALUE…]",
	.summary = "Show what is noisiest, and go on showing it",
	.detail = "Counts from 15 minutes ago on, or from --since. Ctrl-C ends it; "
		  "without a "
		  "terminal, one table is printed.\n" VIEW_FILTER_HELP,
	.options = options,
	.run = run,
};
