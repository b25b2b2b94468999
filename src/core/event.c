// SPDX-License-Identifier: Apache-2.0
/*
 * See event.h. Everything about fields expands from the table: a field's kind names the
 * function that prints it and the one that tells whether it is set. Numbers and dates are
 * made by hand: this is the hot path, and printf asks the locale.
 */
#include "core/event.h"

#include <errno.h>

#include "base/clock.h"
#include "base/utf8.h"

#define SECS_PER_DAY	      86400
#define DAYS_PER_ERA	      146097 /* 400 years of the Gregorian calendar */
#define LINE_SEPARATOR	      0x2028u
#define PARAGRAPH_SEPARATOR   0x2029u
#define REPLACEMENT_CHARACTER "\xef\xbf\xbd" /* U+FFFD */

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

static const char *const severity_names[EVENT_SEVERITY_COUNT] = {
	[LKSM_INFO] = "info",
	[LKSM_MEDIUM] = "medium",
	[LKSM_HIGH] = "high",
	[LKSM_CRITICAL] = "critical",
};

static const struct event_type types[] = {
#define X(type, severity, source, attack, keys, sentence) \
	{ #type, LKSM_##severity, #source, attack, keys, sentence },
	LKSM_EVENT_TYPES(X)
#undef X
		{ .name = NULL },
};

static const struct sensor_type of_sensor[] = {
#define X(type, attack, keys, sentence) { #type, attack, keys, sentence },
	LKSM_SENSOR_TYPES(X)
#undef X
		{ .name = NULL },
};

/*
 * Eight bytes at a time: is any of them a control byte, a quote, a backslash, DEL or
 * beyond ASCII? The usual test for a byte below n, (x - n) & ~x & 0x80; a borrow can only
 * make it say yes too often, and then the bytes are looked at one by one.
 */
static bool is_plain_word(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	uint64_t quote = x ^ (ones * '"'), backslash = x ^ (ones * '\\');
	uint64_t del = x ^ (ones * 0x7f);

	return !((x | ((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) |
		  ((backslash - ones) & ~backslash) | ((del - ones) & ~del)) &
		 high);
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f && c != '"' &&
	       c != '\\';
}

/* Length of the plain bytes at the front of @s. */
static size_t plain_length(struct span s)
{
	size_t n = 0;
	uint64_t word;

	for (; n + sizeof(word) <= s.len; n += sizeof(word)) {
		memcpy(&word, s.data + n, sizeof(word));
		if (!is_plain_word(word))
			break;
	}
	while (n < s.len && is_plain(s.data[n]))
		n++;
	return n;
}

static void append_u_escape(struct buffer *out, uint32_t code)
{
	static const char hex[] = "0123456789abcdef";

	buffer_append(out,
		      (char[]){ '\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15],
				hex[code >> 4 & 15], hex[code & 15] },
		      6);
}

/* The first character of @s, which is not plain; Return: its length. */
static size_t append_special(struct buffer *out, struct span s)
{
	uint32_t code;
	size_t n = utf8_decode(s, &code);

	if (n == 0) {
		buffer_append_literal(out, REPLACEMENT_CHARACTER);
		return 1;
	}
	if (code == '"' || code == '\\')
		buffer_append(out, (char[]){ '\\', (char)code }, 2);
	else if (code < 0x20 || code == 0x7f || code == LINE_SEPARATOR ||
		 code == PARAGRAPH_SEPARATOR)
		append_u_escape(out, code);
	else
		buffer_append(out, s.data, n);
	return n;
}

void json_append_string(struct buffer *out, struct span s)
{
	buffer_append_char(out, '"');
	while (s.len) {
		size_t n = plain_length(s);

		buffer_append(out, s.data, n);
		if (n < s.len)
			n += append_special(out, span_skip(s, n));
		s = span_skip(s, n);
	}
	buffer_append_char(out, '"');
}

static void put_digits(char *to, size_t width, uint64_t value)
{
	while (width) {
		to[--width] = (char)('0' + value % 10);
		value /= 10;
	}
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

/* For each kind of the table: how a member begins, whether it is set, how it is printed.
 */

static void init_SEQ(uint64_t *value, bool is_required)
{
	*value = is_required ? 0 : EVENT_UNSET;
}

static bool is_set_SEQ(const uint64_t *value)
{
	return *value != EVENT_UNSET;
}

static void append_SEQ(struct buffer *out, const uint64_t *value)
{
	buffer_append_u64(out, *value);
}

static void init_SECONDS(uint64_t *value, bool is_required)
{
	*value = is_required ? 0 : EVENT_UNSET;
}

static bool is_set_SECONDS(const uint64_t *value)
{
	return *value != EVENT_UNSET;
}

static void append_SECONDS(struct buffer *out, const uint64_t *value)
{
	char fraction[] = ".000000";

	put_digits(fraction + 1, 6, *value % USEC_PER_SEC);
	buffer_append_u64(out, *value / USEC_PER_SEC);
	buffer_append(out, fraction, sizeof(fraction) - 1);
}

static void init_TEXT(struct span *value, bool is_required)
{
	*value = is_required ? SPAN("") : (struct span){ 0 };
}

static bool is_set_TEXT(const struct span *value)
{
	return value->data;
}

static void append_TEXT(struct buffer *out, const struct span *value)
{
	json_append_string(out, *value);
}

static void init_DATA(struct event_data *value, bool is_required)
{
	(void)is_required;
	value->n = 0; /* only the first n items count: no need to clear them all */
}

static bool is_set_DATA(const struct event_data *value)
{
	return value->n > 0;
}

static void append_datum(struct buffer *out, const struct datum *datum)
{
	json_append_string(out, datum->key);
	buffer_append_literal(out, ": ");
	switch (datum->kind) {
	case DATUM_TEXT:
		json_append_string(out, datum->text);
		break;
	case DATUM_INT:
		buffer_append_i64(out, datum->integer);
		break;
	case DATUM_JSON:
		buffer_append_span(out, datum->text);
		break;
	}
}

static void append_DATA(struct buffer *out, const struct event_data *value)
{
	buffer_append_char(out, '{');
	for (size_t i = 0; i < value->n; i++) {
		if (i)
			buffer_append_literal(out, ", ");
		append_datum(out, &value->items[i]);
	}
	buffer_append_char(out, '}');
}

void event_append_data(struct buffer *out, const struct event_data *data)
{
	append_DATA(out, data);
}

static void init_SEVERITY(enum lksm_severity *value, bool is_required)
{
	(void)is_required;
	*value = LKSM_INFO;
}

static bool is_set_SEVERITY(const enum lksm_severity *value)
{
	return (unsigned)*value < EVENT_SEVERITY_COUNT;
}

static void append_SEVERITY(struct buffer *out, const enum lksm_severity *value)
{
	json_append_string(out, span_from(severity_name(*value)));
}

static void init_TIME(uint64_t *value, bool is_required)
{
	*value = is_required ? 0 : EVENT_UNSET;
}

static bool is_set_TIME(const uint64_t *value)
{
	return *value != EVENT_UNSET;
}

static void append_TIME(struct buffer *out, const uint64_t *value)
{
	char text[] = "\"0000-00-00T00:00:00.000000Z\"";
	uint64_t s = *value / USEC_PER_SEC, of_day = s % SECS_PER_DAY, year, month, day;

	civil_from_days(s / SECS_PER_DAY, &year, &month, &day);
	if (year > 9999) {
		buffer_append_literal(out, "\"9999-12-31T23:59:59.999999Z\"");
		return;
	}
	put_digits(text + 1, 4, year);
	put_digits(text + 6, 2, month);
	put_digits(text + 9, 2, day);
	put_digits(text + 12, 2, of_day / 3600);
	put_digits(text + 15, 2, of_day / 60 % 60);
	put_digits(text + 18, 2, of_day % 60);
	put_digits(text + 21, 6, *value % USEC_PER_SEC);
	buffer_append(out, text, sizeof(text) - 1);
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

static void init_LIST(struct span *value, bool is_required)
{
	*value = is_required ? SPAN("") : (struct span){ 0 };
}

static bool is_set_LIST(const struct span *value)
{
	struct span rest = *value;

	return rest.data && take_word(&rest).len > 0;
}

static void append_LIST(struct buffer *out, const struct span *value)
{
	struct span rest = *value, word = take_word(&rest);

	buffer_append_char(out, '[');
	while (word.len) {
		json_append_string(out, word);
		word = take_word(&rest);
		if (word.len)
			buffer_append_literal(out, ", ");
	}
	buffer_append_char(out, ']');
}

#define IS_REQUIRED_REQUIRED true
#define IS_REQUIRED_OPTIONAL false

static void append_line(struct buffer *out, const struct lksm_event *event,
			enum event_view view)
{
	const char *separator = "{";

#define X(name, title, kind, presence, view_, description)             \
	if ((FIELD_##name < LKSM_SEED_FIELDS || view == EVENT_FULL) && \
	    (IS_REQUIRED_##presence || is_set_##kind(&event->name))) { \
		buffer_append(out, separator, separator[1] ? 2 : 1);   \
		buffer_append_literal(out, "\"" #name "\": ");         \
		append_##kind(out, &event->name);                      \
		separator = ", ";                                      \
	}
	LKSM_EVENT_FIELDS(X)
#undef X
	buffer_append_literal(out, "}\n");
}

/* Replace data by how many bytes it would have taken. */
static void cut_data(struct lksm_event *event)
{
	_cleanup_buffer_ struct buffer data = { 0 };
	size_t n_bytes;

	append_DATA(&data, &event->data);
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

static int encode_cut(struct buffer *out, const struct lksm_event *event,
		      enum event_view view)
{
	struct lksm_event rest = *event;
	size_t start = out->len;

	for (enum cut what = 0; what < CUT_COUNT; what++) {
		cut_event(&rest, what);
		append_line(out, &rest, view);
		if (buffer_error(out))
			break;
		if (out->len - start <= EVENT_LINE_MAX)
			return 0;
		out->len = start;
	}
	out->len = start;
	return buffer_error(out) ? buffer_error(out) : -EMSGSIZE;
}

int event_encode(struct buffer *out, const struct lksm_event *event, enum event_view view)
{
	size_t start = out->len;

	append_line(out, event, view);
	if (!buffer_error(out) && out->len - start <= EVENT_LINE_MAX)
		return 0;
	out->len = start;
	return buffer_error(out) ? buffer_error(out) : encode_cut(out, event, view);
}

void event_init(struct lksm_event *event)
{
#define X(name, title, kind, presence, view, description) \
	init_##kind(&event->name, IS_REQUIRED_##presence);
	LKSM_EVENT_FIELDS(X)
#undef X
}

static int add_datum(struct lksm_event *event, struct datum datum)
{
	if (event->data.n == EVENT_DATA_MAX)
		return -ENOSPC;
	if (datum.key.len && memchr(datum.key.data, '\0', datum.key.len))
		return -EINVAL; /* JSON has such keys, but C readers of it (jansson) do
				   not */
	event->data.items[event->data.n++] = datum;
	return 0;
}

int event_add_text(struct lksm_event *event, struct span key, struct span value)
{
	return add_datum(event,
			 (struct datum){ .key = key, .kind = DATUM_TEXT, .text = value });
}

int event_add_int(struct lksm_event *event, struct span key, int64_t value)
{
	return add_datum(
		event, (struct datum){ .key = key, .kind = DATUM_INT, .integer = value });
}

int event_add_json(struct lksm_event *event, struct span key, struct span json)
{
	return add_datum(event,
			 (struct datum){ .key = key, .kind = DATUM_JSON, .text = json });
}

const char *severity_name(enum lksm_severity severity)
{
	return (unsigned)severity < EVENT_SEVERITY_COUNT ? severity_names[severity]
							 : "info";
}

int severity_parse(struct span name, enum lksm_severity *ret)
{
	for (unsigned i = 0; i < EVENT_SEVERITY_COUNT; i++) {
		if (span_equal(name, span_from(severity_names[i]))) {
			*ret = (enum lksm_severity)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool event_is_routine(struct span type, struct span source)
{
	return span_equal(source, SPAN("lksm")) &&
	       (span_equal(type, SPAN("log_sealed")) ||
		span_equal(type, SPAN("heartbeat")));
}

const struct event_type *event_type_find(struct span name)
{
	for (const struct event_type *type = types; type->name; type++) {
		if (span_equal(name, span_from(type->name)))
			return type;
	}
	return NULL;
}

const struct event_type *event_types(void)
{
	return types;
}

const struct sensor_type *sensor_type_find(struct span name)
{
	for (const struct sensor_type *type = of_sensor; type->name; type++) {
		if (span_equal(name, span_from(type->name)))
			return type;
	}
	return NULL;
}

const struct sensor_type *sensor_types(void)
{
	return of_sensor;
}
