// SPDX-License-Identifier: Apache-2.0
/* See query.h. Nothing of what a stranger sent becomes SQL: values are bound, and words of
 * the full-text index are quoted. */
#include "output/history/query.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "base/suggest.h"
#include "base/text.h"
#include "base/time_text.h"
#include "core/event.h"

#define LIMIT_DEFAULT	    100
#define EXPORT_DEFAULT	    100000
#define SEVERITIES_ALL	    ((1u << EVENT_SEVERITY_COUNT) - 1)
#define BUCKET_S	    60
#define BUCKETS_SECONDS_MAX UINT64_C(31622400) /* a year */
#define DATA		    "data."
#define NOT_DATA	    "!data."
#define FILTERED	    (QUERY_EVENTS | QUERY_HISTOGRAM | QUERY_FACETS | QUERY_EXPORT)
#define PAGED		    (QUERY_EVENTS | QUERY_EXPORT)
#define STRING		    "{\"type\": \"string\"}"
#define TIME                                                               \
	"{\"type\": \"string\", \"examples\": [\"2026-02-10T12:00:00Z\", " \
	"\"1770724800\"]}"
#define SEVERITY_SCHEMA                                                      \
	"{\"type\": \"string\", \"enum\": [\"info\", \"medium\", \"high\", " \
	"\"critical\"]}"

/* …+01:00 comes as "… 01:00" from who did not write its + as %2B, and can mean nothing else. */
static int parse_time(struct span value, uint64_t *ret_us)
{
	char copy[sizeof("2026-02-10T12:00:00.123456789+01:00")];

	if (value.len < 6 || value.len >= sizeof(copy) ||
	    value.data[value.len - 6] != ' ')
		return time_text_parse(value, ret_us);
	memcpy(copy, value.data, value.len);
	copy[value.len - 6] = '+';
	return time_text_parse((struct span){ copy, value.len }, ret_us);
}

static int take_since(struct query *q, struct span value)
{
	q->has_since = true;
	return parse_time(value, &q->since_us);
}

static int take_until(struct query *q, struct span value)
{
	return parse_time(value, &q->until_us);
}

static struct span next_of_list(struct span *rest)
{
	const char *end = memchr(rest->data, ',', rest->len);
	struct span item = { rest->data, end ? (size_t)(end - rest->data) : rest->len };

	*rest = span_skip(*rest, item.len + (end ? 1 : 0));
	return item;
}

static int take_severity(struct query *q, struct span value)
{
	unsigned int wanted = 0, unwanted = 0;

	do {
		struct span item = next_of_list(&value);
		bool is_not = span_starts_with(item, SPAN("!"));
		enum lksm_severity severity;

		if (severity_parse(span_skip(item, is_not), &severity) < 0)
			return -EINVAL;
		*(is_not ? &unwanted : &wanted) |= 1u << severity;
	} while (value.len);
	q->severities &= (wanted ? wanted : SEVERITIES_ALL) & ~unwanted;
	return 0;
}

static int take_min_severity(struct query *q, struct span value)
{
	enum lksm_severity least;

	if (severity_parse(value, &least) < 0)
		return -EINVAL;
	q->severities &= SEVERITIES_ALL << least;
	return 0;
}

static int take_values(struct query_values *to, struct span value)
{
	do {
		struct span item = next_of_list(&value);
		bool is_not = span_starts_with(item, SPAN("!"));

		if (to->n == QUERY_VALUES_MAX || item.len <= is_not)
			return -EINVAL;
		to->items[to->n].is_not = is_not;
		to->items[to->n++].text = span_skip(item, is_not);
	} while (value.len);
	return 0;
}

#define X(name, column)                                              \
	static int take_##column(struct query *q, struct span value) \
	{                                                            \
		return take_values(&q->fields[QUERY_##name], value); \
	}
QUERY_FIELDS(X)
#undef X

/* A word or a "phrase" at the front of @rest, without its quotes. */
static struct span next_term(struct span *rest)
{
	bool is_phrase = span_starts_with(*rest, SPAN("\""));
	struct span term;
	size_t n = 0;

	if (is_phrase)
		*rest = span_skip(*rest, 1);
	while (n < rest->len && rest->data[n] != (is_phrase ? '"' : ' '))
		n++;
	term = (struct span){ rest->data, n };
	*rest = span_skip(*rest, n + (n < rest->len));
	return term;
}

static void append_quoted(struct buffer *out, struct span term)
{
	buffer_append_char(out, '"');
	for (size_t i = 0; i < term.len; i++) {
		char c = term.data[i] ? term.data[i] : ' ';

		buffer_append(out, "\"\"", c == '"' ? 2 : 0);
		if (c != '"')
			buffer_append_char(out, c);
	}
	buffer_append_char(out, '"');
}

void query_append_term(struct buffer *out, const struct query_term *term)
{
	buffer_append_literal(out, "text : ");
	append_quoted(out, term->text);
	if (term->is_prefix)
		buffer_append_char(out, '*');
}

static bool is_of_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* The next word of @rest, which may be empty at its end. */
static struct span next_word(struct span *rest)
{
	struct span word;
	size_t n = 0;

	while (rest->len && !is_of_word(*rest->data))
		*rest = span_skip(*rest, 1);
	while (n < rest->len && is_of_word(rest->data[n]))
		n++;
	word = (struct span){ rest->data, n };
	*rest = span_skip(*rest, n);
	return word;
}

/* Does @name begin with the words of @term? */
static bool begins_with(struct span name, const struct query_term *term)
{
	struct span rest = term->text, want;

	while ((want = next_word(&rest)).len) {
		struct span word = next_word(&name), after = rest;
		bool is_last = !next_word(&after).len;

		if (is_last && term->is_prefix && word.len > want.len)
			word.len = want.len;
		if (word.len != want.len || strncasecmp(word.data, want.data, want.len))
			return false;
	}
	return true;
}

bool query_term_names(const struct query_term *term, struct span name)
{
	do {
		struct span rest = name;

		if (!next_word(&rest).len)
			return false;
		if (begins_with(name, term))
			return true;
		name = rest;
	} while (true);
}

/* The index knows of letters and digits only: what has none would match nothing. */
static bool has_word(struct span term)
{
	return next_word(&term).len > 0;
}

static int take_q(struct query *q, struct span value)
{
	while (value.len) {
		bool is_not = value.len > 1 && *value.data == '-', is_prefix, is_star;
		struct span term;

		value = span_skip(value, is_not);
		term = next_term(&value);
		is_star = span_starts_with(value, SPAN("*"));
		is_prefix = is_star || (term.len > 1 && term.data[term.len - 1] == '*');
		value = span_skip(value, is_star);
		if (!has_word(term))
			continue;
		if (q->n_terms == QUERY_TERMS_MAX)
			q->has_too_much = true;
		else
			q->terms[q->n_terms++] = (struct query_term){ term, is_prefix,
								      is_not };
	}
	return 0;
}

static int take_data(struct query *q, struct span name, struct span value)
{
	bool is_not = span_starts_with(name, SPAN("!"));
	struct span key = span_skip(name, strlen(DATA) + is_not);

	if (q->n_pairs == QUERY_VALUES_MAX || !key.len)
		return -EINVAL;
	q->pairs[q->n_pairs++] = (struct query_pair){ key, value, is_not };
	return 0;
}

static int take_limit(struct query *q, struct span value)
{
	uint64_t most = q->operation == QUERY_EXPORT ? QUERY_EXPORT_MAX : QUERY_LIMIT_MAX;

	return take_number(&value, most, &q->limit) && !value.len && q->limit ? 0
									      : -EINVAL;
}

static int take_cursor(struct query *q, struct span value)
{
	q->has_cursor = true;
	return take_number(&value, (uint64_t)1 << 53, &q->cursor) && !value.len ? 0
										: -EINVAL;
}

static int take_order(struct query *q, struct span value)
{
	q->is_ascending = span_equal(value, SPAN("asc"));
	return q->is_ascending || span_equal(value, SPAN("desc")) ? 0 : -EINVAL;
}

static int take_bucket(struct query *q, struct span value)
{
	return take_number(&value, BUCKETS_SECONDS_MAX, &q->bucket_s) && !value.len &&
			       q->bucket_s && q->bucket_s % BUCKET_S == 0
		       ? 0
		       : -EINVAL;
}

static int take_format(struct query *q, struct span value)
{
	q->is_csv = span_equal(value, SPAN("csv"));
	return q->is_csv || span_equal(value, SPAN("jsonl")) ? 0 : -EINVAL;
}

/* What a parameter takes, for who gave it another value. */
#define TIMES	   "RFC 3339 (2026-02-10T12:00:00Z), or seconds since 1970"
#define SEVERITIES "info, medium, high or critical"
#define WORDS	   "up to 16 values: a,b; or !a for all others"
#define PAIRS	   "up to 16 pairs, each with a key"

static const struct query_parameter parameters[] = {
	{ "since", FILTERED, TIME,
	  "Events of that time or later: RFC 3339, or seconds since 1970", TIMES,
	  take_since },
	{ "until", FILTERED, TIME, "Events before that time", TIMES, take_until },
	{ "severity", FILTERED, STRING,
	  "info, medium, high or critical; several: a,b; all others: !a",
	  SEVERITIES ", several: a,b; or !a for all others", take_severity },
	{ "min_severity", FILTERED, SEVERITY_SCHEMA, "This severity or worse", SEVERITIES,
	  take_min_severity },
	{ "type", FILTERED, STRING, "This type; several: a,b; all others: !a", WORDS,
	  take_type },
	{ "source", FILTERED, STRING, "This source; as type", WORDS, take_source },
	{ "host", FILTERED, STRING, "This host; as type", WORDS, take_host },
	{ "rule", FILTERED, STRING, "This rule; as type", WORDS, take_rule },
	{ "attack", FILTERED, STRING, "This MITRE ATT&CK id, of those it has; as type",
	  WORDS, take_attack },
	{ "tags", FILTERED, STRING, "This tag, of those it has; as type", WORDS,
	  take_tags },
	{ "stream", FILTERED, STRING, "This stream; as type", WORDS, take_stream },
	{ "boot_id", FILTERED, STRING, "This boot; as type", WORDS, take_boot_id },
	{ "q", FILTERED, STRING,
	  "Words in the message, values of data, type or rule: all of them; "
	  "\\\"a phrase\\\", "
	  "begin*, -not",
	  "words, \"a phrase\", begin*, -not", take_q },
	{ DATA "KEY", FILTERED, STRING, "The value of a key of data, exactly", PAIRS,
	  NULL },
	{ NOT_DATA "KEY", FILTERED, STRING,
	  "Events whose data has not this value under that key", PAIRS, NULL },
	{ "limit", PAGED, "{\"type\": \"integer\", \"minimum\": 1}",
	  "Most events of the answer: 100 and at most 1000; of an export 100000, at most "
	  "1000000",
	  "1 to 1000, and up to 1000000 for an export", take_limit },
	{ "cursor", PAGED, "{\"type\": \"string\"}",
	  "next_cursor of the answer before: what follows it. New events change nothing "
	  "about it",
	  "the next_cursor of an answer", take_cursor },
	{ "order", PAGED, "{\"type\": \"string\", \"enum\": [\"asc\", \"desc\"]}",
	  "By seq: the newest first (desc), or the oldest", "asc or desc", take_order },
	{ "bucket", QUERY_HISTOGRAM,
	  "{\"type\": \"integer\", \"minimum\": 60, \"multipleOf\": 60}",
	  "Seconds of one bucket; else what makes at most 100 of them",
	  "a multiple of 60 seconds, up to a year", take_bucket },
	{ "format", QUERY_EXPORT,
	  "{\"type\": \"string\", \"enum\": [\"jsonl\", \"csv\"]}",
	  "The logged lines as they are, or a table", "jsonl or csv", take_format },
	{ 0 },
};

const struct query_parameter *query_parameters(void)
{
	return parameters;
}

/* Undo %XX and + of @from in *@to, which has room for it and is moved on; false: a % alone. */
static bool decode(struct span from, char **to, struct span *ret)
{
	size_t len;

	if (!percent_decode(from, *to, &len))
		return false;
	*ret = (struct span){ *to, len };
	*to += len;
	return true;
}

static void append_shown(struct buffer *out, struct span s)
{
	for (size_t i = 0; i < s.len && i < 64; i++)
		buffer_append_char(out, s.data[i] >= ' ' && s.data[i] < 0x7f ? s.data[i]
									     : '?');
}

static int refuse_name(const struct query *q, struct span key, struct buffer *error)
{
	const char *names[ARRAY_SIZE(parameters)];
	char given[SUGGEST_SIZE], near[SUGGEST_SIZE];
	size_t n = 0;

	for (const struct query_parameter *p = parameters; p->name; p++)
		if (p->take && p->operations & (unsigned int)q->operation)
			names[n++] = p->name;
	names[n] = NULL;
	(void)snprintf(given, sizeof(given), "%.*s", (int)key.len, key.data);
	buffer_append_literal(error, "there is no parameter ");
	append_shown(error, key);
	if (key.len > 1) /* one letter is near to any other */
		buffer_appendf(error, "%s", suggest_text(given, names, near));
	return -EINVAL;
}

static int take_pair(struct query *q, struct span key, struct span value,
		     struct buffer *error)
{
	const struct query_parameter *p = parameters;
	bool is_data = span_starts_with(key, SPAN(DATA)) ||
		       span_starts_with(key, SPAN(NOT_DATA));
	int r;

	while (p->name && !(is_data ? !p->take : span_equal(span_from(p->name), key)))
		p++;
	if (!p->name || !(p->operations & (unsigned int)q->operation))
		return refuse_name(q, key, error);
	r = p->take ? p->take(q, value) : take_data(q, key, value);
	if (r < 0) {
		buffer_append_literal(error, "this is no value for ");
		append_shown(error, key);
		buffer_append_literal(error, ": ");
		append_shown(error, value);
		buffer_appendf(error, "; it takes %s", p->takes);
	}
	return r;
}

static int take_all(struct query *q, struct span text, struct buffer *error)
{
	char *to = q->text;
	int r = 0;

	while (r == 0 && text.len) {
		const char *end = memchr(text.data, '&', text.len), *equals;
		struct span pair = { text.data,
				     end ? (size_t)(end - text.data) : text.len };
		struct span key = pair, value = { pair.data, 0 };

		text = span_skip(text, pair.len + (end ? 1 : 0));
		if (!pair.len)
			continue;
		equals = memchr(pair.data, '=', pair.len);
		if (equals) {
			key.len = (size_t)(equals - pair.data);
			value = span_skip(pair, key.len + 1);
		}
		if (!decode(key, &to, &key) || !decode(value, &to, &value)) {
			buffer_append_literal(error, "a % has no two digits behind it");
			return -EINVAL;
		}
		r = take_pair(q, key, value, error);
	}
	return r;
}

int query_parse(enum query_operation operation, struct span text, struct query *ret,
		struct buffer *error)
{
	int r;

	*ret = (struct query){
		.operation = operation,
		.until_us = UINT64_MAX,
		.severities = SEVERITIES_ALL,
		.limit = operation == QUERY_EXPORT ? EXPORT_DEFAULT : LIMIT_DEFAULT,
		.text = malloc(text.len + 1),
	};
	if (!ret->text)
		return -ENOMEM;
	r = take_all(ret, text, error);
	if (r == 0 && ret->has_too_much) {
		buffer_append_literal(error, "too much is looked for at once");
		return -EINVAL;
	}
	return r;
}

void query_deinit(struct query *q)
{
	free(q->text);
	q->text = NULL;
}

bool query_needs_words(const struct query *q)
{
	return q->n_terms || q->n_pairs;
}

bool query_field_is_list(enum query_field field)
{
	return field == QUERY_ATTACK || field == QUERY_TAGS;
}

static bool has_word_of_list(struct span list, struct span word)
{
	while (list.len) {
		const char *end = memchr(list.data, QUERY_SEPARATOR, list.len);
		struct span one = { list.data,
				    end ? (size_t)(end - list.data) : list.len };

		if (span_equal(one, word))
			return true;
		list = span_skip(list, one.len + (end ? 1 : 0));
	}
	return false;
}

static bool takes_value(const struct query_values *values, struct span text, bool is_list)
{
	bool has_wanted = false, is_wanted = false;

	for (size_t i = 0; i < values->n; i++) {
		struct span want = values->items[i].text;
		bool is_same = is_list ? has_word_of_list(text, want)
				       : span_equal(want, text);

		if (values->items[i].is_not && is_same)
			return false;
		has_wanted = has_wanted || !values->items[i].is_not;
		is_wanted = is_wanted || (is_same && !values->items[i].is_not);
	}
	return is_wanted || !has_wanted;
}

bool query_takes(const struct query *q, unsigned int severity,
		 const struct span fields[static QUERY_FIELD_COUNT])
{
	bool takes = severity < EVENT_SEVERITY_COUNT && (q->severities >> severity & 1);

	for (size_t i = 0; takes && i < QUERY_FIELD_COUNT; i++)
		takes = takes_value(&q->fields[i], fields[i],
				    query_field_is_list((enum query_field)i));
	for (size_t i = 0; takes && i < q->n_terms; i++)
		takes = !q->terms[i].is_not ||
			!(query_term_names(&q->terms[i], fields[QUERY_TYPE]) ||
			  query_term_names(&q->terms[i], fields[QUERY_RULE]));
	return takes;
}
