// SPDX-License-Identifier: Apache-2.0
/* See json_members.h. */
#include "core/json_members.h"

#include <errno.h>
#include <jansson.h>

static void skip_space(struct span *s)
{
	while (s->len && (*s->data == ' ' || *s->data == '\t' || *s->data == '\n' ||
			  *s->data == '\r'))
		*s = span_skip(*s, 1);
}

static bool take_char(struct span *s, char c)
{
	skip_space(s);
	if (!s->len || *s->data != c)
		return false;
	*s = span_skip(*s, 1);
	return true;
}

/* Is the quote at @end escaped? An odd number of backslashes stands before it. */
static bool is_escaped(const char *begin, const char *end)
{
	size_t n = 0;

	while (end - n > begin && end[-(ptrdiff_t)n - 1] == '\\')
		n++;
	return n % 2;
}

/* The length of the string that @s begins with, quotes included; 0 if it has no end. */
static size_t string_length(struct span s)
{
	const char *at = s.data + 1, *end = s.data + s.len;

	while (at < end && (at = memchr(at, '"', (size_t)(end - at)))) {
		if (!is_escaped(s.data + 1, at))
			return (size_t)(at - s.data) + 1;
		at++;
	}
	return 0;
}

/* The same for an object or array. */
static size_t nested_length(struct span s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (c == '"') {
			size_t n = string_length(span_skip(s, i));

			if (n == 0)
				return 0;
			i += n - 1;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

static size_t word_length(struct span s)
{
	size_t n = 0;

	while (n < s.len && !strchr(",}] \t\r\n\"{[:", s.data[n]))
		n++;
	return n;
}

static bool take_value(struct span *s, struct span *ret)
{
	size_t n;

	skip_space(s);
	if (!s->len)
		return false;
	if (*s->data == '"')
		n = string_length(*s);
	else if (*s->data == '{' || *s->data == '[')
		n = nested_length(*s);
	else
		n = word_length(*s);
	*ret = (struct span){ s->data, n };
	*s = span_skip(*s, n);
	return n > 0;
}

void json_members_begin(struct json_members *m, struct span object)
{
	*m = (struct json_members){ .rest = object };
}

int json_members_next(struct json_members *m, struct span *ret_key,
		      struct span *ret_value)
{
	bool is_first = !m->has_begun;

	if (is_first && !take_char(&m->rest, '{'))
		return -EBADMSG;
	m->has_begun = true;
	if (take_char(&m->rest, '}')) {
		skip_space(&m->rest);
		return m->rest.len ? -EBADMSG : 0;
	}
	if (!is_first && !take_char(&m->rest, ','))
		return -EBADMSG;
	skip_space(&m->rest);
	if (!m->rest.len || *m->rest.data != '"' || !take_value(&m->rest, ret_key) ||
	    !take_char(&m->rest, ':') || !take_value(&m->rest, ret_value))
		return -EBADMSG;
	*ret_key = (struct span){ ret_key->data + 1, ret_key->len - 2 };
	return 1;
}

static int decode(struct span value, struct buffer *scratch, struct span *ret)
{
	json_t *text = json_loadb(value.data, value.len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
				  NULL);

	if (!text)
		return -EBADMSG;
	buffer_clear(scratch);
	buffer_append(scratch, json_string_value(text), json_string_length(text));
	json_decref(text);
	*ret = buffer_span(scratch);
	return buffer_error(scratch);
}

int json_member_text(struct span value, struct buffer *scratch, struct span *ret)
{
	*ret = value;
	if (!value.len || *value.data != '"')
		return 0;
	if (memchr(value.data, '\\', value.len))
		return decode(value, scratch, ret);
	*ret = (struct span){ value.data + 1, value.len - 2 };
	return 0;
}
