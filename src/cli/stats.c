// SPDX-License-Identifier: Apache-2.0
/* lksm stats: how many events there are, by severity, type, source, rule and hour. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/tally.h"
#include "cli/view.h"
#include "core/json_members.h"

#define NAME_WIDTH 32
#define BAR_WIDTH  40
#define BAR_COLUMN 47 /* 12 for the count, the name, and spaces */
#define HOUR_SIZE  (sizeof("2026-02-10T12") - 1)

enum group {
	BY_SEVERITY,
	BY_TYPE,
	BY_SOURCE,
	BY_RULE,
	BY_HOUR,
	GROUP_COUNT,
};

static const char *const group_names[] = {
	[BY_SEVERITY] = "severity", [BY_TYPE] = "type", [BY_SOURCE] = "source",
	[BY_RULE] = "rule",	    [BY_HOUR] = "hour",
};

struct stats {
	struct view view;
	bool is_json;
	uint64_t limit; /* rows of a group */
	uint64_t n_events;
	struct tally groups[GROUP_COUNT];
	struct buffer scratch;
};

static int count_member(struct stats *s, struct span key, struct span value)
{
	enum group group;
	struct span text;
	int r;

	if (span_equal(key, SPAN("severity")))
		group = BY_SEVERITY;
	else if (span_equal(key, SPAN("type")))
		group = BY_TYPE;
	else if (span_equal(key, SPAN("source")))
		group = BY_SOURCE;
	else if (span_equal(key, SPAN("rule")))
		group = BY_RULE;
	else if (span_equal(key, SPAN("time")))
		group = BY_HOUR;
	else
		return 0;
	r = json_member_text(value, &s->scratch, &text);
	if (r < 0)
		return r;
	if (group == BY_HOUR && text.len > HOUR_SIZE)
		text.len = HOUR_SIZE;
	return tally_add(&s->groups[group], text, 1);
}

static int take_line(void *userdata, struct span line)
{
	struct stats *s = userdata;
	struct span key, value;
	struct json_members m;
	int r;

	s->n_events++;
	json_members_begin(&m, line);
	while ((r = json_members_next(&m, &key, &value)) > 0) {
		r = count_member(s, key, value);
		if (r < 0)
			return r;
	}
	return r == -EBADMSG ? 0
			     : r; /* a line that is cut short counts as far as it goes */
}

/* What the terminal has room for. */
static size_t bar_width(void)
{
	size_t columns = view_columns(),
	       room = columns > BAR_COLUMN ? columns - BAR_COLUMN : 0;

	return room < BAR_WIDTH ? room : BAR_WIDTH;
}

/* @most: what the whole @widest stands for */
static void append_bar(struct buffer *out, uint64_t n, uint64_t most, size_t widest)
{
	size_t width = most ? (size_t)(n * widest / most) : 0;

	for (size_t i = 0; i < width; i++)
		buffer_append_literal(out, "▇");
}

static void append_group(struct stats *s, enum group group)
{
	struct tally *t = &s->groups[group];
	struct buffer *out = &s->view.out;
	size_t widest = bar_width();
	uint64_t most = 0;

	if (!t->n)
		return;
	tally_sort(t, group == BY_HOUR);
	for (size_t i = 0; i < t->n; i++)
		most = t->rows[i].count > most ? t->rows[i].count : most;
	buffer_appendf(out, "\n%s%s\n", group_names[group],
		       group == BY_HOUR ? " (UTC)" : "");
	for (size_t i = 0; i < t->n && (group == BY_HOUR || i < s->limit); i++) {
		size_t before;

		buffer_appendf(out, "%12" PRIu64 "  ", t->rows[i].count);
		before = out->len;
		event_line_append_safe(out, tally_name(t, i));
		while (out->len - before < NAME_WIDTH)
			buffer_append_char(out, ' ');
		buffer_append_char(out, ' ');
		append_bar(out, t->rows[i].count, most, widest);
		buffer_append_char(out, '\n');
	}
	if (group != BY_HOUR && t->n > s->limit)
		buffer_appendf(out, "%12s  and %zu more\n", "", t->n - (size_t)s->limit);
}

static void append_text(struct stats *s)
{
	buffer_appendf(&s->view.out, "%12" PRIu64 "  event%s\n", s->n_events,
		       s->n_events == 1 ? "" : "s");
	for (enum group i = 0; i < GROUP_COUNT; i++)
		append_group(s, i);
}

static void append_json(struct stats *s)
{
	struct buffer *out = &s->view.out;

	buffer_appendf(out, "{\"events\": %" PRIu64, s->n_events);
	for (enum group group = 0; group < GROUP_COUNT; group++) {
		struct tally *t = &s->groups[group];

		tally_sort(t, group == BY_HOUR);
		buffer_appendf(out, ", \"%s\": {", group_names[group]);
		for (size_t i = 0; i < t->n; i++) {
			if (i > 0)
				buffer_append_literal(out, ", ");
			json_append_string(out, tally_name(t, i));
			buffer_appendf(out, ": %" PRIu64, t->rows[i].count);
		}
		buffer_append_char(out, '}');
	}
	buffer_append_literal(out, "}\n");
}

enum {
	OPTION_JSON = VIEW_OPTION_COUNT,
	OPTION_LIMIT,
	OPTION_OUTPUT,
};

static const struct verb_option options[] = {
	VIEW_OPTIONS,
	[OPTION_LIMIT] = { "lines", 'n', "N", "At most N rows of a group (20)" },
	VIEW_TABLE_OPTIONS(OPTION_JSON, OPTION_OUTPUT),
	{ 0 },
};

static int take_option(struct stats *s, int option, const char *value)
{
	if (option == OPTION_JSON)
		s->is_json = true;
	else if (option == OPTION_LIMIT)
		return view_take_lines(value, &s->limit);
	else if (option == OPTION_OUTPUT)
		return view_take_table_output(value, &s->is_json);
	else
		return view_take_option(&s->view, option, value);
	return 0;
}

static void stats_deinit(struct stats *s)
{
	for (size_t i = 0; i < GROUP_COUNT; i++)
		tally_deinit(&s->groups[i]);
	buffer_deinit(&s->scratch);
	view_deinit(&s->view);
}

static int run(int argc, char **argv)
{
	_cleanup_(stats_deinit) struct stats s = { .limit = 20 };
	const char *value;
	int option, r = 0;

	view_init(&s.view);
	while (r == 0 &&
	       (option = verb_next_option(&verb_stats, argc, argv, &value)) >= 0)
		r = take_option(&s, option, value);
	if (r == 0)
		r = view_take_operands(&s.view, argc - optind, argv + optind);
	if (r == 0)
		r = view_open(&s.view);
	if (r == 0)
		r = view_read(&s.view, false, take_line, &s);
	if (r == 0 && s.is_json)
		append_json(&s);
	else if (r == 0)
		append_text(&s);
	if (r == 0)
		r = view_flush(&s.view);
	if (r < 0)
		return EXIT_TROUBLE;
	if (r == 0 && !s.n_events)
		view_explain_nothing(&s.view);
	return s.n_events ? EXIT_DONE : EXIT_NOTHING;
}

const struct verb verb_stats = {
	.name = "stats",
	.arguments = "[KEY=VALUE…]",
	.summary = "Count events by severity, type, source, rule and hour",
	.detail = VIEW_FILTER_HELP "\nExit code: 0 found, 1 nothing found, 2 trouble.",
	.options = options,
	.run = run,
};
