// SPDX-License-Identifier: Apache-2.0
/*
 * See kmsg.h. The prefix is everything before the first ';'; behind flags, which may hold
 * more fields one day, only "caller=" is known and the rest is passed over.
 */
#include "core/kmsg.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/escape.h"

static bool take_comma(struct span *s)
{
	if (s->len == 0 || s->data[0] != ',')
		return false;
	*s = span_skip(*s, 1);
	return true;
}

/* Up to the next comma, which is taken, too, or the end. */
static struct span take_field(struct span *s)
{
	const char *comma = s->len ? memchr(s->data, ',', s->len) : NULL;
	struct span field = { s->data, comma ? (size_t)(comma - s->data) : s->len };

	*s = span_skip(*s, field.len + (comma ? 1 : 0));
	return field;
}

static bool parse_prefix(struct span s, struct kmsg_record *r)
{
	struct span flags, field;
	uint64_t priority;

	if (!take_number(&s, UINT32_MAX, &priority) || !take_comma(&s) ||
	    !take_number(&s, UINT64_MAX, &r->seq) || !take_comma(&s) ||
	    !take_number(&s, UINT64_MAX, &r->ts_us))
		return false;
	if (s.len && !take_comma(&s))
		return false;
	r->priority = (uint32_t)priority;
	flags = take_field(&s);
	/* 'c' begins a line in pieces; kernels before 4.10 mark the later pieces '+' */
	r->is_fragment = flags.len && (memchr(flags.data, 'c', flags.len) ||
				       memchr(flags.data, '+', flags.len));
	while (s.len) {
		field = take_field(&s);
		if (span_starts_with(field, SPAN("caller=")))
			r->caller = span_skip(field, strlen("caller="));
	}
	return true;
}

static struct span without_cr(struct span s)
{
	if (s.len && s.data[s.len - 1] == '\r')
		s.len--;
	return s;
}

/*
 * "6,7,5140900,-;", which nearly all records begin with: three numbers of so many digits that
 * they fit, and no flag. Return: its length; 0 for anything else, @ret being as it was.
 */
static size_t parse_usual_prefix(struct span s, struct kmsg_record *ret)
{
	static const size_t digits_max[] = { 9, 19, 19 };
	uint64_t numbers[ARRAY_SIZE(digits_max)];
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(digits_max); i++) {
		size_t first = at;

		for (numbers[i] = 0; at < s.len && is_digit(s.data[at]); at++)
			numbers[i] = numbers[i] * 10 + (uint64_t)(s.data[at] - '0');
		if (at == first || at > first + digits_max[i] || at == s.len ||
		    s.data[at++] != ',')
			return 0;
	}
	if (s.len < at + 2 || s.data[at] != '-' || s.data[at + 1] != ';')
		return 0;
	ret->priority = (uint32_t)numbers[0];
	ret->seq = numbers[1];
	ret->ts_us = numbers[2];
	ret->is_fragment = false;
	ret->caller = (struct span){ NULL, 0 };
	return at + 2;
}

/* Return: the length of the prefix, its semicolon included; 0 if it is malformed. */
static size_t parse_any_prefix(struct span s, struct kmsg_record *ret)
{
	const char *newline = memchr(s.data, '\n', s.len);
	size_t len = newline ? (size_t)(newline - s.data) : s.len;
	const char *semicolon = memchr(s.data, ';', len);
	struct kmsg_record r = { 0 };

	if (!semicolon ||
	    !parse_prefix((struct span){ s.data, (size_t)(semicolon - s.data) }, &r))
		return 0;
	*ret = r;
	return (size_t)(semicolon - s.data) + 1;
}

int kmsg_parse(struct span s, struct kmsg_record *ret)
{
	struct span text, rest;
	const char *newline;
	size_t prefix_len;

	if (s.len == 0 || s.len > KMSG_RECORD_MAX)
		return -EMSGSIZE;
	prefix_len = parse_usual_prefix(s, ret);
	if (!prefix_len)
		prefix_len = parse_any_prefix(s, ret);
	if (!prefix_len)
		return -EBADMSG;
	text = rest = span_skip(s, prefix_len);
	newline = memchr(text.data, '\n', text.len);
	if (newline)
		text.len = (size_t)(newline - text.data);
	rest = span_skip(rest, text.len + (newline ? 1 : 0));
	if (rest.len && rest.data[rest.len - 1] == '\n')
		rest.len--;
	ret->level = (int)(ret->priority & 7);
	ret->facility = (int)(ret->priority >> 3);
	ret->text = without_cr(text);
	ret->dictionary = without_cr(rest);
	return 0;
}

static void skip_empty_lines(struct span *s)
{
	for (;;) {
		if (s->len >= 1 && s->data[0] == '\n')
			*s = span_skip(*s, 1);
		else if (s->len >= 2 && s->data[0] == '\r' && s->data[1] == '\n')
			*s = span_skip(*s, 2);
		else
			return;
	}
}

bool kmsg_next(struct span *s, bool is_end, bool is_line_end_enough, struct span *ret)
{
	size_t at = 0;

	skip_empty_lines(s);
	if (s->len == 0)
		return false;
	for (;;) {
		const char *newline = memchr(s->data + at, '\n', s->len - at);

		if (!newline && !is_end)
			return false;
		at = newline ? (size_t)(newline - s->data) + 1 : s->len;
		if (at < s->len && s->data[at] == ' ')
			continue;
		if (at == s->len && newline && !is_end && !is_line_end_enough)
			return false;
		*ret = (struct span){ s->data, newline ? at - 1 : at };
		*s = span_skip(*s, at);
		return true;
	}
}

void kmsg_unescape(struct buffer *out, struct span text)
{
	escape_undo(out, text, escape_byte);
}

void kmsg_escape(struct buffer *out, struct span text)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c >= 0x20 && c < 0x7f && c != '\\')
			buffer_append_char(out, (char)c);
		else
			buffer_append(out,
				      (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] },
				      ESCAPE_LENGTH);
	}
}
