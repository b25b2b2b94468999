// SPDX-License-Identifier: Apache-2.0
/*
 * The first byte says in what pieces the rest arrives: the records must be those of the
 * whole. Each is parsed; its text, escaped again, must stand for the same bytes.
 */
#include "core/kmsg.h"

#include "fuzz.h"

static void check_text(struct span text)
{
	_cleanup_buffer_ struct buffer plain = { 0 }, escaped = { 0 }, again = { 0 };

	kmsg_unescape(&plain, text);
	MUST(plain.len <= text.len);
	kmsg_escape(&escaped, buffer_span(&plain));
	MUST(escaped.len <= 4 * plain.len);
	kmsg_unescape(&again, buffer_span(&escaped));
	MUST(span_equal(buffer_span(&plain), buffer_span(&again)));
}

static void check_record(struct span bytes)
{
	struct kmsg_record r;

	if (kmsg_parse(bytes, &r) < 0)
		return;
	MUST(lies_in(r.text, bytes) && lies_in(r.dictionary, bytes) &&
	     lies_in(r.caller, bytes));
	MUST(r.text.len == 0 || !memchr(r.text.data, '\n', r.text.len));
	MUST(r.level >= 0 && r.level <= 7 && r.facility >= 0);
	MUST((uint32_t)r.facility * 8 + (uint32_t)r.level == r.priority);
	check_text(r.text);
}

/* As a reader does that gets @piece bytes at a time. */
static bool next_in_pieces(struct span *held, struct span file, size_t piece,
			   struct span *ret)
{
	const char *end = file.data + file.len;

	while (!kmsg_next(held, held->data + held->len == end, false, ret)) {
		size_t left = (size_t)(end - (held->data + held->len));

		if (left == 0)
			return false;
		held->len += piece < left ? piece : left;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span file, whole, held, want, got;
	size_t piece;

	if (size < 2)
		return 0;
	piece = (size_t)data[0] + 1;
	file = (struct span){ (const char *)data + 1, size - 1 };
	whole = file;
	held = (struct span){ file.data, 0 };
	while (kmsg_next(&whole, true, false, &want)) {
		MUST(lies_in(want, file) && want.len > 0);
		MUST(next_in_pieces(&held, file, piece, &got));
		MUST(got.data == want.data && got.len == want.len);
		check_record(want);
	}
	MUST(whole.len == 0);
	MUST(!next_in_pieces(&held, file, piece, &got));
	return 0;
}
