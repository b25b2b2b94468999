// SPDX-License-Identifier: Apache-2.0
/* What is accepted as logfmt must be so when it is written again from its pairs. */
#include "core/logfmt.h"

#include "fuzz.h"

static void write_pair(struct buffer *out, const struct logfmt_pair *pair)
{
	static const char hex[] = "0123456789abcdef";
	_cleanup_buffer_ struct buffer value = { 0 };

	logfmt_unquote(&value, pair);
	buffer_append_span(out, pair->key);
	buffer_append_literal(out, "=\"");
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			buffer_append(out,
				      (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
		else
			buffer_append_char(out, (char)c);
	}
	buffer_append_char(out, '"');
}

static void check_same(const struct logfmt_line *a, const struct logfmt_line *b)
{
	MUST(a->n == b->n);
	for (size_t i = 0; i < a->n; i++) {
		_cleanup_buffer_ struct buffer x = { 0 }, y = { 0 };

		logfmt_unquote(&x, &a->pairs[i]);
		logfmt_unquote(&y, &b->pairs[i]);
		MUST(span_equal(a->pairs[i].key, b->pairs[i].key));
		MUST(span_equal(buffer_span(&x), buffer_span(&y)));
	}
}

static void check_integer(const struct logfmt_pair *pair)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	int64_t value;

	if (logfmt_integer(pair, &value) < 0)
		return;
	buffer_append_i64(&text, value);
	MUST(span_equal(buffer_span(&text),
			pair->value)); /* canonical: prints as it stood */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = { (const char *)data, size };
	_cleanup_buffer_ struct buffer written = { 0 };
	struct logfmt_line line, again;

	if (logfmt_parse(input, &line) < 0)
		return 0;
	MUST(line.n >= 1 && line.n <= LOGFMT_PAIRS_MAX);
	for (size_t i = 0; i < line.n; i++) {
		MUST(lies_in(line.pairs[i].key, input) &&
		     lies_in(line.pairs[i].value, input));
		check_integer(&line.pairs[i]);
		if (i)
			buffer_append_char(&written, ' ');
		write_pair(&written, &line.pairs[i]);
	}
	MUST(logfmt_parse(buffer_span(&written), &again) == 0);
	check_same(&line, &again);
	return 0;
}
