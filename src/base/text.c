// SPDX-License-Identifier: Apache-2.0
/* See text.h. */
#include "base/text.h"

#define DIGITS_SAFE 19 /* fit into 64 bits, whatever they are */

bool is_snake_case(struct span s, size_t max)
{
	if (s.len < 1 || s.len > max || s.data[0] < 'a' || s.data[0] > 'z')
		return false;
	for (size_t i = 1; i < s.len; i++) {
		char c = s.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return true;
}

bool take_number(struct span *s, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n = 0;

	for (; n < s->len && s->data[n] >= '0' && s->data[n] <= '9'; n++) {
		uint64_t digit = (uint64_t)(s->data[n] - '0');

		if (n >= DIGITS_SAFE && value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (n == 0 || value > max)
		return false;
	*s = span_skip(*s, n);
	*ret = value;
	return true;
}

static int hex(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool percent_decode(struct span from, char *to, size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < from.len; i++) {
		char c = from.data[i] == '+' ? ' ' : from.data[i];

		if (c == '%') {
			int high = i + 2 < from.len ? hex(from.data[i + 1]) : -1;
			int low = high >= 0 ? hex(from.data[i + 2]) : -1;

			if (low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		to[n++] = c;
	}
	*ret_len = n;
	return true;
}
