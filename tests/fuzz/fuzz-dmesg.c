// SPDX-License-Identifier: Apache-2.0
/*
 * The first byte says in what pieces the rest arrives: the records must be those of the
 * whole, and no byte but white space and prefixes may be missing from them.
 */
#include "core/dmesg.h"

#include "fuzz.h"

static void check_record(const struct dmesg_record *r, struct span file)
{
	_cleanup_buffer_ struct buffer joined = { 0 }, plain = { 0 };

	MUST(lies_in(r->text, file) && lies_in(r->more, file) &&
	     lies_in(r->caller, file));
	MUST(r->text.len == 0 || !memchr(r->text.data, '\n', r->text.len));
	MUST(r->level >= -1 && r->level <= 7 && r->facility >= -1);
	dmesg_join(&joined, r);
	MUST(joined.len <= r->text.len + r->more.len + 1);
	dmesg_unescape(&plain, buffer_span(&joined));
	MUST(plain.len <= joined.len);
}

static bool next_in_pieces(struct dmesg_parser *p, struct span *held, struct span file,
			   size_t piece, struct dmesg_record *ret)
{
	const char *end = file.data + file.len;

	while (!dmesg_next(p, held, held->data + held->len == end, ret)) {
		size_t left = (size_t)(end - (held->data + held->len));

		if (left == 0)
			return false;
		held->len += piece < left ? piece : left;
	}
	return true;
}

/* Nothing but empty lines, and a prefix in front of the text, may stand between records.
 */
static void check_gap(const char *from, const struct dmesg_record *r)
{
	const char *to = r->text.data;

	while (from < to && (*from == '\n' || *from == '\r'))
		from++;
	MUST(from + r->indent == to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dmesg_parser of_whole = { 0 }, of_held = { 0 };
	struct span file, whole, held, before;
	struct dmesg_record want, got;
	size_t piece;

	if (size < 2)
		return 0;
	piece = (size_t)data[0] + 1;
	file = before = whole = (struct span){ (const char *)data + 1, size - 1 };
	held = (struct span){ file.data, 0 };
	(void)dmesg_looks_like(file);
	while (dmesg_next(&of_whole, &whole, true, &want)) {
		check_gap(before.data, &want);
		check_record(&want, file);
		MUST(whole.len < before.len);
		MUST(next_in_pieces(&of_held, &held, file, piece, &got));
		MUST(got.text.data == want.text.data && got.text.len == want.text.len);
		MUST(span_equal(got.more, want.more));
		MUST(got.ts_us == want.ts_us && got.time_us == want.time_us);
		MUST(got.level == want.level && got.facility == want.facility);
		before = whole;
	}
	MUST(whole.len == 0);
	MUST(!next_in_pieces(&of_held, &held, file, piece, &got));
	return 0;
}
