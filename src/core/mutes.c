// SPDX-License-Identifier: Apache-2.0
/* See mutes.h. */
#include "core/mutes.h"

#include <errno.h>
#include <fnmatch.h>

#include "base/utf8.h"
#include "core/json_members.h"

void mute_deinit(struct mute *m)
{
	free(m->reason);
	free(m->by);
	filter_deinit(&m->filter);
	*m = (struct mute){ 0 };
}

void mutes_deinit(struct mutes *m)
{
	for (size_t i = 0; i < m->n; i++)
		mute_deinit(&m->items[i]);
	free(m->items);
	*m = (struct mutes){ 0 };
}

int mutes_add(struct mutes *m, struct mute *mute)
{
	struct mute *items;

	if (m->n == MUTES_MAX)
		return -E2BIG;
	items = reallocarray(m->items, m->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	m->items = items;
	items[m->n++] = *mute;
	*mute = (struct mute){ 0 };
	return 0;
}

void mutes_remove(struct mutes *m, size_t i)
{
	mute_deinit(&m->items[i]);
	m->n--;
	memmove(&m->items[i], &m->items[i + 1], (m->n - i) * sizeof(m->items[0]));
}

/* What is no critical event of ours by its table, and tells of the same. */
static const struct span also_protected[] = {
	SPAN("records_lost"),	 SPAN("sensor_disarmed"), SPAN("sensor_stopped"),
	SPAN("sensor_stopping"), SPAN("mute_added"),	  SPAN("mute_removed"),
	SPAN("config_rejected"), SPAN("mutes_in_force"),
};

static bool is_also_protected(struct span type)
{
	for (size_t i = 0; i < ARRAY_SIZE(also_protected); i++)
		if (span_equal(type, also_protected[i]))
			return true;
	return false;
}

static bool is_critical_of_ours(const struct event_type *row)
{
	return row->severity == LKSM_CRITICAL && !strcmp(row->source, "lksm");
}

bool mutes_protects(struct span type)
{
	const struct event_type *row = event_type_find(type);

	return (row && is_critical_of_ours(row)) || is_also_protected(type);
}

static bool takes_in(const struct filter_words *words, struct span type)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%.*s", (int)type.len, type.data);
	for (size_t i = 0; i < words->n; i++)
		if (fnmatch(words->items[i], name, 0) == 0)
			return true;
	return false;
}

/* A protected type that one of these words stands for; absent if there is none. */
static struct span find_protected(const struct filter_words *words)
{
	for (size_t i = 0; i < ARRAY_SIZE(also_protected); i++)
		if (takes_in(words, also_protected[i]))
			return also_protected[i];
	for (const struct event_type *row = event_types(); row->name; row++)
		if (is_critical_of_ours(row) && takes_in(words, span_from(row->name)))
			return span_from(row->name);
	return (struct span){ 0 };
}

int mute_check(const struct mute *m, struct buffer *why)
{
	const struct filter *f = &m->filter;
	struct span type = find_protected(&f->fields[FILTER_TYPE]);

	if (type.data) {
		buffer_appendf(why,
			       "%.*s cannot be muted: it tells that somebody attacks "
			       "LKSM itself, or what it was told",
			       (int)type.len, type.data);
		return -EINVAL;
	}
	if (f->fields[FILTER_TYPE].n || f->fields[FILTER_RULE].n ||
	    f->fields[FILTER_SOURCE].n || f->data.n)
		return 0;
	buffer_append_literal(why, "at least one of type, rule, source and data has to "
				   "say which events");
	return -EINVAL;
}

int mute_check_text(struct span text, size_t max)
{
	if (text.len == 0 || text.len > max || !utf8_is_valid(text))
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		/* U+0080 to U+009F are controls, too */
		bool is_c1 = c == 0xc2 && i + 1 < text.len &&
			     (unsigned char)text.data[i + 1] < 0xa0;

		if (c < 0x20 || c == 0x7f || is_c1)
			return -EINVAL;
	}
	return 0;
}

static const struct {
	const char *name;
	enum filter_field field;
} fields[] = {
	{ "type", FILTER_TYPE },
	{ "rule", FILTER_RULE },
	{ "source", FILTER_SOURCE },
};

static void append_words(const struct filter_words *words, struct buffer *out)
{
	for (size_t i = 0; i < words->n; i++)
		buffer_appendf(out, "%s%s", i ? "," : "", words->items[i]);
}

void mute_append_what(const struct mute *m, struct buffer *out)
{
	const char *join = "";

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct filter_words *words = &m->filter.fields[fields[i].field];

		if (!words->n)
			continue;
		buffer_appendf(out, "%s%s=", join, fields[i].name);
		append_words(words, out);
		join = " ";
	}
	for (size_t i = 0; i < m->filter.data.n; i++, join = " ")
		buffer_appendf(out, "%sdata.%s", join, m->filter.data.items[i]);
}

static void append_list(const char *key, const struct filter_words *words,
			struct buffer *out)
{
	if (!words->n)
		return;
	buffer_appendf(out, ", \"%s\": [", key);
	for (size_t i = 0; i < words->n; i++) {
		buffer_appendf(out, "%s", i ? ", " : "");
		json_append_string(out, span_from(words->items[i]));
	}
	buffer_append_char(out, ']');
}

void mute_append_json(const struct mute *m, struct buffer *out)
{
	char until[TIME_TEXT_SIZE];

	buffer_append_literal(out, "{\"id\": ");
	buffer_append_u64(out, m->id);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		append_list(fields[i].name, &m->filter.fields[fields[i].field], out);
	append_list("data", &m->filter.data, out);
	if (m->until_us) {
		time_format(m->until_us, until);
		json_append_member(out, "until", span_from(until));
	}
	if (m->reason)
		json_append_member(out, "reason", span_from(m->reason));
	if (m->by)
		json_append_member(out, "by", span_from(m->by));
	buffer_append_char(out, '}');
}

void mutes_append_protected(struct buffer *out)
{
	const char *join = "";

	buffer_append_char(out, '[');
	for (size_t i = 0; i < ARRAY_SIZE(also_protected); i++, join = ", ") {
		buffer_appendf(out, "%s", join);
		json_append_string(out, also_protected[i]);
	}
	for (const struct event_type *row = event_types(); row->name; row++)
		if (is_critical_of_ours(row))
			buffer_appendf(out, "%s\"%s\"", join, row->name);
	buffer_append_char(out, ']');
}

static void format_text(const char *key, struct span text, struct buffer *out)
{
	buffer_appendf(out, "    %s: ", key);
	json_append_string(out, text); /* which YAML reads as it is */
	buffer_append_char(out, '\n');
}

static void format_time(const char *key, uint64_t us, struct buffer *out)
{
	char text[TIME_TEXT_SIZE];

	if (!us)
		return;
	time_format(us, text);
	buffer_appendf(out, "    %s: %s\n", key, text);
}

static void format_data(const struct filter_words *data, struct buffer *out)
{
	if (!data->n)
		return;
	buffer_append_literal(out, "    data: {");
	for (size_t i = 0; i < data->n; i++) {
		const char *item = data->items[i], *equals = strchr(item, '=');

		buffer_appendf(out, "%s", i ? ", " : "");
		json_append_string(out, (struct span){ item, (size_t)(equals - item) });
		buffer_append_literal(out, ": ");
		json_append_string(out, span_from(equals + 1));
	}
	buffer_append_literal(out, "}\n");
}

static void format_mute(const struct mute *m, struct buffer *out)
{
	buffer_append_literal(out, "  - id: ");
	buffer_append_u64(out, m->id);
	buffer_append_char(out, '\n');
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		_cleanup_buffer_ struct buffer words = { 0 };

		append_words(&m->filter.fields[fields[i].field], &words);
		if (words.len)
			format_text(fields[i].name, buffer_span(&words), out);
	}
	format_data(&m->filter.data, out);
	format_time("until", m->until_us, out);
	if (m->reason)
		format_text("reason", span_from(m->reason), out);
	format_time("added", m->added_us, out);
	if (m->by)
		format_text("by", span_from(m->by), out);
}

void mutes_format(const struct mutes *m, struct buffer *out)
{
	buffer_append_literal(
		out, "# Events that are muted: `lksm mute` writes this file, and "
		     "docs/daily-work.md tells of it.\n");
	buffer_appendf(out, "mutes:%s\n", m->n ? "" : " []");
	for (size_t i = 0; i < m->n; i++)
		format_mute(&m->items[i], out);
}

static bool is_protected_line(struct span line)
{
	_cleanup_buffer_ struct buffer scratch = { 0 };
	struct span key, value, type;
	struct json_members members;

	json_members_begin(&members, line);
	while (json_members_next(&members, &key, &value) > 0)
		if (span_equal(key, SPAN("type")))
			return json_member_text(value, &scratch, &type) < 0 ||
			       mutes_protects(type);
	return true; /* no event */
}

bool mutes_match(struct mutes *m, struct span line, uint64_t now_us)
{
	for (size_t i = 0; i < m->n; i++)
		if (!mute_is_over(&m->items[i], now_us) &&
		    filter_match(&m->items[i].filter, line) > 0)
			return !is_protected_line(line);
	return false;
}
