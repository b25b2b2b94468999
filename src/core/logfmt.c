// SPDX-License-Identifier: Apache-2.0
/* See logfmt.h. Strict on purpose: a line that is almost logfmt is somebody's text. */
#include "core/logfmt.h"

#include <errno.h>

#include "core/escape.h"

#define KEY_MAX	     63
#define I64_TEXT_MAX 20 /* -9223372036854775808 */

static bool is_key_byte(char c, bool is_first)
{
	return (c >= 'a' && c <= 'z') || c == '_' || (!is_first && c >= '0' && c <= '9');
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/*
 * The escape that @s, which begins with a backslash, begins with.
 * Return: its length and the byte in @ret; 0 if it is none.
 */
static size_t decode_escape(struct span s, char *ret)
{
	static const char from[] = "\"\\ntr", to[] = "\"\\\n\t\r";
	const char *found;
	int byte = escape_byte(s);

	if (s.len < 2)
		return 0;
	if (byte >= 0) {
		*ret = (char)byte;
		return ESCAPE_LENGTH;
	}
	found = memchr(from, s.data[1], sizeof(from) - 1);
	if (!found)
		return 0;
	*ret = to[found - from];
	return 2;
}

/* Take "key=" from the front of @s. */
static bool take_key(struct span *s, struct span *ret)
{
	size_t n = 0;

	while (n < s->len && is_key_byte(s->data[n], n == 0))
		n++;
	if (n == 0 || n > KEY_MAX || n == s->len || s->data[n] != '=')
		return false;
	*ret = (struct span){ s->data, n };
	*s = span_skip(*s, n + 1);
	return true;
}

static bool take_bare(struct span *s, struct span *ret)
{
	size_t n = 0;

	for (; n < s->len && s->data[n] != ' '; n++) {
		if (s->data[n] == '"' || s->data[n] == '=' || is_control(s->data[n]))
			return false;
	}
	*ret = (struct span){ s->data, n };
	*s = span_skip(*s, n);
	return true;
}

/* @s begins behind the opening quote; the closing one is taken. */
static bool take_quoted(struct span *s, struct span *ret)
{
	size_t n = 0;

	while (n < s->len && s->data[n] != '"') {
		size_t step = 1;
		char byte;

		if (is_control(s->data[n]))
			return false;
		if (s->data[n] == '\\')
			step = decode_escape(span_skip(*s, n), &byte);
		if (step == 0)
			return false;
		n += step;
	}
	if (n == s->len)
		return false;
	*ret = (struct span){ s->data, n };
	*s = span_skip(*s, n + 1);
	return true;
}

static bool take_pair(struct span *s, struct logfmt_pair *ret)
{
	if (!take_key(s, &ret->key))
		return false;
	ret->is_quoted = s->len && s->data[0] == '"';
	if (!ret->is_quoted)
		return take_bare(s, &ret->value);
	*s = span_skip(*s, 1);
	return take_quoted(s, &ret->value);
}

/* At least one space and something behind it, or the end. */
static bool take_gap(struct span *s)
{
	size_t n = 0;

	while (n < s->len && s->data[n] == ' ')
		n++;
	if (s->len && (n == 0 || n == s->len))
		return false;
	*s = span_skip(*s, n);
	return true;
}

static bool has_key(const struct logfmt_line *line, struct span key)
{
	for (size_t i = 0; i < line->n; i++) {
		if (span_equal(line->pairs[i].key, key))
			return true;
	}
	return false;
}

int logfmt_parse(struct span line, struct logfmt_line *ret)
{
	struct logfmt_pair pair;

	ret->n = 0;
	do {
		if (!take_pair(&line, &pair) || !take_gap(&line) ||
		    has_key(ret, pair.key))
			return -EBADMSG;
		if (ret->n == LOGFMT_PAIRS_MAX)
			return -E2BIG;
		ret->pairs[ret->n++] = pair;
	} while (line.len);
	return 0;
}

void logfmt_unquote(struct buffer *out, const struct logfmt_pair *pair)
{
	struct span s = pair->value;

	while (s.len) {
		const char *backslash = pair->is_quoted ? memchr(s.data, '\\', s.len)
							: NULL;
		size_t n = backslash ? (size_t)(backslash - s.data) : s.len;
		char byte = '\\';

		buffer_append(out, s.data, n);
		s = span_skip(s, n);
		if (!backslash)
			return;
		n = decode_escape(s, &byte);
		buffer_append_char(out, byte);
		s = span_skip(s, n ? n : 1);
	}
}

int logfmt_integer(const struct logfmt_pair *pair, int64_t *ret)
{
	struct span s = pair->value;
	bool is_negative = s.len && s.data[0] == '-';
	uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0), value = 0;

	if (pair->is_quoted || s.len > I64_TEXT_MAX)
		return -EINVAL;
	if (is_negative)
		s = span_skip(s, 1);
	/* "0" is canonical; "-0", "007" and "" are words */
	if (s.len == 0 || (s.data[0] == '0' && (s.len > 1 || is_negative)))
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)(s.data[i] - '0');

		if (s.data[i] < '0' || s.data[i] > '9' || value > (limit - digit) / 10)
			return -EINVAL;
		value = value * 10 + digit;
	}
	*ret = is_negative ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}
