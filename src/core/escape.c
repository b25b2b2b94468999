// SPDX-License-Identifier: Apache-2.0
/* See escape.h. */
#include "core/escape.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int escape_byte(struct span s)
{
	int high, low;

	if (s.len < ESCAPE_LENGTH || s.data[0] != '\\' || s.data[1] != 'x')
		return -1;
	high = hex_digit(s.data[2]);
	low = hex_digit(s.data[3]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

void escape_undo(struct buffer *out, struct span text, int (*byte)(struct span s))
{
	while (text.len) {
		const char *backslash = memchr(text.data, '\\', text.len);
		size_t n = backslash ? (size_t)(backslash - text.data) : text.len;
		int value;

		buffer_append(out, text.data, n);
		text = span_skip(text, n);
		if (!backslash)
			return;
		value = byte(text);
		buffer_append_char(out, value < 0 ? '\\' : (char)value);
		text = span_skip(text, value < 0 ? 1 : ESCAPE_LENGTH);
	}
}
