// SPDX-License-Identifier: Apache-2.0
/* See utf8.h. */
#include "base/utf8.h"

#include "base/scan.h"

/* Length of the sequence that @c begins, 0 if it cannot begin one. */
static size_t sequence_length(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	if (c >= 0xf0 && c <= 0xf4)
		return 4;
	return 0;
}

size_t utf8_decode(struct span s, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)s.data[0];
	size_t n = sequence_length(first);
	uint32_t code = n == 1 ? first : first & (0xffu >> (n + 1));

	if (n == 0 || n > s.len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if ((c & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (c & 0x3f);
	}
	if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret = code;
	return n;
}

bool utf8_is_valid(struct span s)
{
	uint32_t code;

	for (;;) {
		size_t n = scan_ascii_length(s.data, s.len);

		s = span_skip(s, n);
		if (s.len == 0)
			return true;
		n = utf8_decode(s, &code);
		if (n == 0)
			return false;
		s = span_skip(s, n);
	}
}
