// SPDX-License-Identifier: Apache-2.0
/*
 * event_encode() of event.h. Everything about fields expands from the table: a field's kind
 * names the function that prints it, the one that says how many bytes that takes at most,
 * and the one that tells whether it is set.
 *
 * This is the hot path. Room for the worst case is made once for a line, and what prints
 * does not look at it again: each put_*() writes at @to and gives back where it ends.
 * Numbers and dates are made by hand, as printf asks the locale.
 */
#include "core/event.h"

#include <errno.h>

#include "base/clock.h"
#include "base/scan.h"
#include "base/utf8.h"

#define SECS_PER_DAY	      86400
#define DAYS_PER_ERA	      146097 /* 400 years of the Gregorian calendar */
#define LINE_SEPARATOR	      0x2028u
#define PARAGRAPH_SEPARATOR   0x2029u
#define REPLACEMENT_CHARACTER "\xef\xbf\xbd" /* U+FFFD */
#define ESCAPE_LENGTH_MAX     6		     /* \u001b for one byte */
#define NUMBER_LENGTH_MAX     20 /* 18446744073709551615, -9223372036854775808 */
#define PUNCTUATION_MAX	      8	 /* the quotes, ", " and ": " around a thing */

enum {
#define X(name, title, kind, presence, view, description) FIELD_##name,
	LKSM_EVENT_FIELDS(X)
#undef X
};

/* What is cut away, in turn, from an event whose line is too long. */
enum cut {
	CUT_RAW,
	CUT_MESSAGE,
	CUT_DATA,
	CUT_COUNT,
};

#define put_literal(to, literal) put(to, "" literal, sizeof(literal) - 1)

static inline char *put(char *to, const char *from, size_t n)
{
	memcpy(to, from, n);
	return to + n;
}

/*
 * Where to print: behind what @out has; or aside, if the worst case is more than it may
 * have, which need not be so of what comes.
 */
struct room {
	struct buffer *out;
	struct buffer aside;
	char *start;
};

static char *room_open(struct room *r, size_t bound)
{
	size_t limit = r->out->limit ? r->out->limit : BUFFER_LIMIT_DEFAULT;
	bool is_aside = bound > limit || r->out->len > limit - bound;

	r->start = buffer_reserve(is_aside ? &r->aside : r->out, bound);
	return r->start;
}

/* @end: behind the last byte; NULL: there was no room */
static void room_close(struct room *r, const char *end)
{
	size_t n = end ? (size_t)(end - r->start) : 0;

	if (!r->aside.data && !buffer_error(&r->aside)) {
		r->out->len += n;
		return;
	}
	if (!buffer_error(r->out))
		r->out->error = buffer_error(&r->aside);
	buffer_append(r->out, r->start, n);
	buffer_deinit(&r->aside);
}

/* ---- strings ---- */

static size_t bound_string(struct span s)
{
	return ESCAPE_LENGTH_MAX * s.len + PUNCTUATION_MAX;
}

static char *put_u_escape(char *to, uint32_t code)
{
	static const char hex[] = "0123456789abcdef";

	to = put_literal(to, "\\u");
	for (int shift = 12; shift >= 0; shift -= 4)
		*to++ = hex[code >> shift & 15];
	return to;
}

/* The first character of @s, which scan_copy_escaped() left, and which is taken from it. */
static char *put_special(char *to, struct span *s)
{
	uint32_t code;
	size_t n = utf8_decode(*s, &code);

	if (n == 0) {
		*s = span_skip(*s, 1);
		return put_literal(to, REPLACEMENT_CHARACTER);
	}
	if (code < 0x20 || code == 0x7f || code == LINE_SEPARATOR ||
	    code == PARAGRAPH_SEPARATOR) {
		to = put_u_escape(to, code);
	} else {
		to = put(to, s->data, n);
	}
	*s = span_skip(*s, n);
	return to;
}

/* The text without its quotes. */
static char *put_escaped(char *to, struct span s)
{
	while (s.len) {
		s = span_skip(s, scan_copy_escaped(&to, s.data, s.len));
		if (s.len)
			to = put_special(to, &s);
	}
	return to;
}

static __attribute__((noinline)) char *put_long_string(char *to, struct span s)
{
	*to++ = '"';
	to = put_escaped(to, s);
	*to++ = '"';
	return to;
}

/* Nearly all are short, but for the message. */
static inline char *put_string(char *to, struct span s)
{
	if (!scan_copy_short(to + 1, s.data, s.len))
		return put_long_string(to, s);
	*to = '"';
	to[s.len + 1] = '"';
	return to + s.len + 2;
}

void json_append_string(struct buffer *out, struct span s)
{
	struct room room = { .out = out };
	char *to = room_open(&room, bound_string(s));

	room_close(&room, to ? put_string(to, s) : NULL);
}

void json_append_member(struct buffer *out, const char *key, struct span text)
{
	buffer_appendf(out, ", \"%s\": ", key);
	json_append_string(out, text.data ? text : SPAN(""));
}

/* ---- numbers ---- */

static const char pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930"
	"31323334353637383940414243444546474849505152535455565758596061"
	"62636465666768697071727374757677787980818283848586878889909192"
	"93949596979899";

/* Two at a time, the last ones first. */
static char *put_digits(char *to, size_t width, uint64_t value)
{
	size_t i = width;

	for (; i >= 2; i -= 2, value /= 100)
		memcpy(to + i - 2, pairs + value % 100 * 2, 2);
	if (i)
		to[0] = (char)('0' + value % 10);
	return to + width;
}

static const uint64_t powers[NUMBER_LENGTH_MAX] = { 0,
						    10,
						    100,
						    1000,
						    10000,
						    100000,
						    1000000,
						    10000000,
						    100000000,
						    1000000000,
						    10000000000,
						    100000000000,
						    1000000000000,
						    10000000000000,
						    100000000000000,
						    1000000000000000,
						    10000000000000000,
						    100000000000000000,
						    1000000000000000000,
						    10000000000000000000u };

static char *put_u64(char *to, uint64_t value)
{
	/* 10 bits are about 3 digits; a width that is one too small is seen below */
	size_t bits = 64 - (size_t)__builtin_clzll(value | 1), width = bits * 1233 >> 12;

	return put_digits(to, width + (value >= powers[width]), value);
}

static char *put_i64(char *to, int64_t value)
{
	if (value < 0)
		*to++ = '-';
	return put_u64(to, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* A day's date: days since 1970-01-01 to year, month and day (Gregorian, from March on).
 */
static void civil_from_days(uint64_t days, uint64_t *year, uint64_t *month, uint64_t *day)
{
	uint64_t since_0000_03_01 = days + 719468;
	uint64_t era = since_0000_03_01 / DAYS_PER_ERA;
	uint64_t of_era = since_0000_03_01 % DAYS_PER_ERA;
	uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 -
				of_era / (DAYS_PER_ERA - 1)) /
			       365;
	uint64_t of_year = of_era -
			   (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint64_t from_march = (5 * of_year + 2) / 153;

	*day = of_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = era * 400 + year_of_era + (*month <= 2 ? 1 : 0);
}

/* ---- the kinds of the table: is it set, how long at most, how is it printed ---- */

static bool is_set_SEQ(const uint64_t *value)
{
	return *value != EVENT_UNSET;
}

static size_t bound_SEQ(const uint64_t *value)
{
	(void)value;
	return NUMBER_LENGTH_MAX;
}

static char *put_SEQ(char *to, const uint64_t *value)
{
	return put_u64(to, *value);
}

static bool is_set_SECONDS(const uint64_t *value)
{
	return *value != EVENT_UNSET;
}

static size_t bound_SECONDS(const uint64_t *value)
{
	(void)value;
	return NUMBER_LENGTH_MAX + 1;
}

static char *put_SECONDS(char *to, const uint64_t *value)
{
	to = put_u64(to, *value / USEC_PER_SEC);
	*to++ = '.';
	return put_digits(to, 6, *value % USEC_PER_SEC);
}

static bool is_set_TEXT(const struct span *value)
{
	return value->data;
}

static size_t bound_TEXT(const struct span *value)
{
	return bound_string(*value);
}

static char *put_TEXT(char *to, const struct span *value)
{
	return put_string(to, *value);
}

static bool is_set_DATA(const struct event_data *value)
{
	return value->n > 0;
}

static size_t bound_DATA(const struct event_data *value)
{
	size_t n = PUNCTUATION_MAX;

	for (size_t i = 0; i < value->n; i++)
		n += bound_string(value->items[i].key) +
		     bound_string(value->items[i].text) + NUMBER_LENGTH_MAX;
	return n;
}

static char *put_datum(char *to, const struct datum *datum)
{
	to = put_string(to, datum->key);
	to = put_literal(to, ": ");
	switch (datum->kind) {
	case DATUM_TEXT:
		return put_string(to, datum->text);
	case DATUM_INT:
		return put_i64(to, datum->integer);
	case DATUM_JSON:
		return put(to, datum->text.data, datum->text.len);
	}
	return to;
}

static char *put_DATA(char *to, const struct event_data *value)
{
	*to++ = '{';
	for (size_t i = 0; i < value->n; i++) {
		if (i)
			to = put_literal(to, ", ");
		to = put_datum(to, &value->items[i]);
	}
	*to++ = '}';
	return to;
}

void event_append_data(struct buffer *out, const struct event_data *data)
{
	struct room room = { .out = out };
	char *to = room_open(&room, bound_DATA(data));

	room_close(&room, to ? put_DATA(to, data) : NULL);
}

static bool is_set_SEVERITY(const enum lksm_severity *value)
{
	return (unsigned)*value < EVENT_SEVERITY_COUNT;
}

static size_t bound_SEVERITY(const enum lksm_severity *value)
{
	return bound_string(severity_span(*value));
}

static char *put_SEVERITY(char *to, const enum lksm_severity *value)
{
	return put_string(to, severity_span(*value));
}

static const char latest[] = "\"9999-12-31T23:59:59.999999Z\"";

static bool is_set_TIME(const uint64_t *value)
{
	return *value != EVENT_UNSET;
}

static size_t bound_TIME(const uint64_t *value)
{
	(void)value;
	return sizeof(latest);
}

static char *put_TIME(char *to, const uint64_t *value)
{
	uint64_t s = *value / USEC_PER_SEC, of_day = s % SECS_PER_DAY, year, month, day;

	civil_from_days(s / SECS_PER_DAY, &year, &month, &day);
	if (year > 9999)
		return put(to, latest, sizeof(latest) - 1);
	(void)put_literal(to, "\"0000-00-00T00:00:00.000000Z\"");
	(void)put_digits(to + 1, 4, year);
	(void)put_digits(to + 6, 2, month);
	(void)put_digits(to + 9, 2, day);
	(void)put_digits(to + 12, 2, of_day / 3600);
	(void)put_digits(to + 15, 2, of_day / 60 % 60);
	(void)put_digits(to + 18, 2, of_day % 60);
	(void)put_digits(to + 21, 6, *value % USEC_PER_SEC);
	return to + sizeof(latest) - 1;
}

/* The next word of @s, which is advanced past it; empty when there is none. */
static struct span take_word(struct span *s)
{
	struct span word;
	size_t start = 0, end;

	while (start < s->len && s->data[start] == ' ')
		start++;
	for (end = start; end < s->len && s->data[end] != ' ';)
		end++;
	word = (struct span){ s->data + start, end - start };
	s->data += end;
	s->len -= end;
	return word;
}

static bool is_set_LIST(const struct span *value)
{
	struct span rest = *value;

	return rest.data && take_word(&rest).len > 0;
}

/* "a b" and "["a", "b"]": a word of one byte and its space become at most ten bytes. */
static size_t bound_LIST(const struct span *value)
{
	return ESCAPE_LENGTH_MAX * value->len + 2 * value->len + PUNCTUATION_MAX;
}

static char *put_LIST(char *to, const struct span *value)
{
	struct span rest = *value, word = take_word(&rest);

	*to++ = '[';
	while (word.len) {
		to = put_string(to, word);
		word = take_word(&rest);
		if (word.len)
			to = put_literal(to, ", ");
	}
	*to++ = ']';
	return to;
}

/* ---- the line ---- */

#define IS_SHOWN(name, kind, presence)                              \
	((FIELD_##name < LKSM_SEED_FIELDS || view == EVENT_FULL) && \
	 (EVENT_IS_##presence || is_set_##kind(&event->name)))

/* How many bytes the line takes at most. */
static inline size_t bound_line(const struct lksm_event *event, enum event_view view)
{
	size_t n = sizeof("}\n");

#define X(name, title, kind, presence, view_, description) \
	if (IS_SHOWN(name, kind, presence))                \
		n += sizeof(", \"" #name "\": ") + bound_##kind(&event->name);
	LKSM_EVENT_FIELDS(X)
#undef X
	return n;
}

static inline char *put_line(char *to, const struct lksm_event *event,
			     enum event_view view)
{
#define X(name, title, kind, presence, view_, description)               \
	if (IS_SHOWN(name, kind, presence)) {                            \
		to = FIELD_##name ? put_literal(to, ", \"" #name "\": ") \
				  : put_literal(to, "{\"" #name "\": "); \
		to = put_##kind(to, &event->name);                       \
	}
	LKSM_EVENT_FIELDS(X)
#undef X
	return put_literal(to, "}\n");
}

/* Replace data by how many bytes it would have taken. */
static void cut_data(struct lksm_event *event)
{
	_cleanup_buffer_ struct buffer data = { 0 };
	size_t n_bytes;

	event_append_data(&data, &event->data);
	n_bytes = buffer_error(&data) ? BUFFER_LIMIT_DEFAULT : data.len;
	event->data.n = 0;
	(void)event_add_int(event, SPAN("truncated"),
			    (int64_t)n_bytes); /* has room now */
}

static void cut_event(struct lksm_event *event, enum cut what)
{
	switch (what) {
	case CUT_RAW:
		event->raw = (struct span){ 0 };
		break;
	case CUT_MESSAGE:
		event->message = (struct span){ 0 };
		break;
	case CUT_DATA:
		cut_data(event);
		break;
	case CUT_COUNT:
		break;
	}
}

/* Return: 1 if the line is appended, 0 if it is too long, the buffer's error. */
static inline __attribute__((always_inline)) int append_view(
	struct buffer *out, const struct lksm_event *event, enum event_view view)
{
	struct room room = { .out = out };
	char *start = room_open(&room, bound_line(event, view));
	char *end = start ? put_line(start, event, view) : NULL;
	bool is_too_long = end && (size_t)(end - start) > EVENT_LINE_MAX;
	size_t before = out->len;

	room_close(&room, is_too_long ? start : end);
	if (buffer_error(out))
		out->len = before;
	return buffer_error(out) ? buffer_error(out) : !is_too_long;
}

/* Which fields are shown is decided here once, not at each of them. */
static int append_line(struct buffer *out, const struct lksm_event *event,
		       enum event_view view)
{
	return view == EVENT_SEED ? append_view(out, event, EVENT_SEED)
				  : append_view(out, event, EVENT_FULL);
}

static int encode_cut(struct buffer *out, const struct lksm_event *event,
		      enum event_view view)
{
	struct lksm_event rest = *event;

	for (enum cut what = CUT_RAW; what < CUT_COUNT; what++) {
		int r;

		cut_event(&rest, what);
		r = append_line(out, &rest, view);
		if (r)
			return r < 0 ? r : 0;
	}
	return -EMSGSIZE;
}

int event_encode(struct buffer *out, const struct lksm_event *event, enum event_view view)
{
	int r = append_line(out, event, view);

	if (r)
		return r < 0 ? r : 0;
	return encode_cut(out, event, view);
}
