// SPDX-License-Identifier: Apache-2.0
/* core/kmsg: the record format of /dev/kmsg, records in a run of bytes, and the escapes.
 */
#include "core/kmsg.h"

#include <errno.h>

#include "expect.h"
#include "fixture.h"

static void test_parse(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		uint32_t priority;
		int level, facility;
		uint64_t seq, ts_us;
		const char *text, *dictionary, *caller;
		bool is_fragment;
	} cases[] = {
		{ "plain", BYTES("6,339,5140900,-;NET: Registered\n"), 6, 6, 0, 339,
		  5140900, "NET: Registered", "", NULL, false },
		{ "no newline", BYTES("6,1,2,-;text"), 6, 6, 0, 1, 2, "text", "", NULL,
		  false },
		{ "CRLF", BYTES("6,1,2,-;text\r\n A=b\r\n"), 6, 6, 0, 1, 2, "text",
		  " A=b", NULL, false },
		{ "empty text", BYTES("4,1,2,-;\n"), 4, 4, 0, 1, 2, "", "", NULL, false },
		{ "empty text, no newline", BYTES("4,1,2,-;"), 4, 4, 0, 1, 2, "", "",
		  NULL, false },
		{ "semicolons in the text", BYTES("4,1,2,-;a;b;;c\n"), 4, 4, 0, 1, 2,
		  "a;b;;c", "", NULL, false },
		{ "dictionary", BYTES("6,1,2,-;usb\n SUBSYSTEM=usb\n DEVICE=c189:1\n"), 6,
		  6, 0, 1, 2, "usb", " SUBSYSTEM=usb\n DEVICE=c189:1", NULL, false },
		{ "caller", BYTES("6,1,2,-,caller=T123;x\n"), 6, 6, 0, 1, 2, "x", "",
		  "T123", false },
		{ "unknown fields", BYTES("6,1,2,-,new=1,caller=C0,,other;x\n"), 6, 6, 0,
		  1, 2, "x", "", "C0", false },
		{ "fragment", BYTES("6,1,2,c;x\n"), 6, 6, 0, 1, 2, "x", "", NULL, true },
		{ "later fragment", BYTES("6,1,2,+;x\n"), 6, 6, 0, 1, 2, "x", "", NULL,
		  true },
		{ "no flags", BYTES("6,1,2;x\n"), 6, 6, 0, 1, 2, "x", "", NULL, false },
		{ "no c in the flags, but in a field", BYTES("6,1,2,-,c;x\n"), 6, 6, 0, 1,
		  2, "x", "", NULL, false },
		{ "user space", BYTES("14,1,2,-;x\n"), 14, 6, 1, 1, 2, "x", "", NULL,
		  false },
		{ "facility 255", BYTES("2047,1,2,-;x\n"), 2047, 7, 255, 1, 2, "x", "",
		  NULL, false },
		{ "largest numbers",
		  BYTES("4294967295,18446744073709551615,18446744073709551615,-;x\n"),
		  UINT32_MAX, 7, 536870911, UINT64_MAX, UINT64_MAX, "x", "", NULL,
		  false },
		{ "as many digits as surely fit",
		  BYTES("999999999,9999999999999999999,9999999999999999999,-;x\n"),
		  999999999, 7, 124999999, 9999999999999999999u, 9999999999999999999u,
		  "x", "", NULL, false },
		{ "leading zeros", BYTES("0000000006,1,00000000000000000002,-;x\n"), 6, 6,
		  0, 1, 2, "x", "", NULL, false },
		{ "microseconds beyond 32 bits", BYTES("6,1,4294967296,-;x\n"), 6, 6, 0,
		  1, 4294967296, "x", "", NULL, false },
		{ "escapes are kept", BYTES("6,1,2,-;a\\x0ab\\\n"), 6, 6, 0, 1, 2,
		  "a\\x0ab\\", "", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = cases[i].name;
		struct kmsg_record r;

		expect_number(name, "result", kmsg_parse(cases[i].in, &r), 0);
		expect_number(name, "priority", r.priority, cases[i].priority);
		expect_number(name, "level", r.level, cases[i].level);
		expect_number(name, "facility", r.facility, cases[i].facility);
		expect_number(name, "seq", (int64_t)r.seq, (int64_t)cases[i].seq);
		expect_number(name, "ts", (int64_t)r.ts_us, (int64_t)cases[i].ts_us);
		expect_number(name, "is_fragment", r.is_fragment, cases[i].is_fragment);
		expect_text(name, "text", r.text, cases[i].text);
		expect_text(name, "dictionary", r.dictionary, cases[i].dictionary);
		expect_text(name, "caller", r.caller, cases[i].caller);
	}
}

static void test_parse_refuses(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		int want;
	} cases[] = {
		{ "nothing", BYTES(""), -EMSGSIZE },
		{ "no semicolon", BYTES("6,1,2,-\n"), -EBADMSG },
		{ "semicolon on the second line", BYTES("6,1,2,-\n A=b;c\n"), -EBADMSG },
		{ "priority beyond 32 bits", BYTES("4294967296,1,2,-;x\n"), -EBADMSG },
		{ "number beyond 64 bits", BYTES("6,18446744073709551616,2,-;x\n"),
		  -EBADMSG },
		{ "time beyond 64 bits", BYTES("6,1,99999999999999999999,-;x\n"),
		  -EBADMSG },
		{ "negative priority", BYTES("-1,1,2,-;x\n"), -EBADMSG },
		{ "plus sign", BYTES("6,+1,2,-;x\n"), -EBADMSG },
		{ "space before a number", BYTES("6, 1,2,-;x\n"), -EBADMSG },
		{ "hexadecimal", BYTES("6,0x1,2,-;x\n"), -EBADMSG },
		{ "fraction", BYTES("6,1,2.5,-;x\n"), -EBADMSG },
		{ "no number", BYTES("6,,2,-;x\n"), -EBADMSG },
		{ "two fields", BYTES("6,1;x\n"), -EBADMSG },
		{ "dictionary line alone", BYTES(" SUBSYSTEM=usb\n"), -EBADMSG },
		{ "text of dmesg", BYTES("[    1.000000] a;b\n"), -EBADMSG },
		{ "NUL in the prefix", BYTES("6,1\0,2,-;x\n"), -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kmsg_record r = { .seq = 12345 };

		expect_number(cases[i].name, "result", kmsg_parse(cases[i].in, &r),
			      cases[i].want);
		expect_number(cases[i].name, "the untouched seq", (int64_t)r.seq, 12345);
	}
}

static void test_parse_length(void **state)
{
	char bytes[KMSG_RECORD_MAX + 1];
	struct kmsg_record r;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, "6,1,2,-;", 8);
	assert_int_equal(kmsg_parse((struct span){ bytes, KMSG_RECORD_MAX }, &r), 0);
	assert_int_equal(r.text.len, KMSG_RECORD_MAX - 8);
	assert_int_equal(kmsg_parse((struct span){ bytes, KMSG_RECORD_MAX + 1 }, &r),
			 -EMSGSIZE);
}

static void test_next(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		bool is_end, is_line_end_enough;
		const char *want; /* NULL: no whole record */
		const char *rest;
	} cases[] = {
		{ "nothing", BYTES(""), true, true, NULL, "" },
		{ "another behind it", BYTES("a\nb\n"), false, false, "a", "b\n" },
		{ "newline, more may come", BYTES("a\n"), false, false, NULL, "a\n" },
		{ "newline is enough", BYTES("a\n"), false, true, "a", "" },
		{ "newline at the end", BYTES("a\n"), true, false, "a", "" },
		{ "no newline", BYTES("a"), false, true, NULL, "a" },
		{ "no newline at the end", BYTES("a"), true, false, "a", "" },
		{ "dictionary", BYTES("a\n B=c\n D=e\nf\n"), false, false,
		  "a\n B=c\n D=e", "f\n" },
		{ "cut in the dictionary", BYTES("a\n B="), false, true, NULL, "a\n B=" },
		{ "dictionary at the end", BYTES("a\n B=c"), true, false, "a\n B=c", "" },
		{ "dictionary, newline enough", BYTES("a\n B=c\n"), false, true,
		  "a\n B=c", "" },
		{ "empty lines before it", BYTES("\n\r\n\na\nb"), false, false, "a",
		  "b" },
		{ "empty line behind it", BYTES("a\n\nb"), false, false, "a", "\nb" },
		{ "only empty lines", BYTES("\n\r\n\n"), true, true, NULL, "" },
		{ "not only newlines are white",
		  BYTES("a\x0b"
			"b\x85"
			"c\xe2\x80\xa8\x0c\rd\ne"),
		  false, false,
		  "a\x0b"
		  "b\x85"
		  "c\xe2\x80\xa8\x0c\rd",
		  "e" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct span s = cases[i].in, got = { 0 };
		bool has_one = kmsg_next(&s, cases[i].is_end, cases[i].is_line_end_enough,
					 &got);

		expect_number(cases[i].name, "result", has_one, cases[i].want != NULL);
		expect_text(cases[i].name, "record", got, cases[i].want);
		expect_text(cases[i].name, "rest", s, cases[i].rest);
	}
}

/* A file in pieces of any size gives the records of the whole file. */
static void test_next_in_pieces(void **state)
{
	_cleanup_buffer_ struct buffer file = { 0 };

	(void)state;
	read_fixture("kmsg/mixed.kmsg", &file);
	for (size_t piece = 1; piece < 70; piece++) {
		struct span whole = buffer_span(&file), want, got,
			    held = { file.data, 0 };
		size_t n_records = 0;

		while (kmsg_next(&whole, true, false, &want)) {
			while (!kmsg_next(&held,
					  held.data + held.len == file.data + file.len,
					  false, &got)) {
				size_t left = file.len -
					      (size_t)(held.data + held.len - file.data);

				assert_true(left > 0);
				held.len += piece < left ? piece : left;
			}
			expect_span("in pieces", "record", got, want);
			n_records++;
		}
		assert_int_equal(n_records, 11);
	}
}

static void test_unescape(void **state)
{
	static const struct {
		const char *name;
		struct span in, want;
	} cases[] = {
		{ "nothing", BYTES(""), BYTES("") },
		{ "plain", BYTES("plain"), BYTES("plain") },
		{ "newline, NUL and ESC", BYTES("a\\x0ab\\x00c\\x1b"),
		  BYTES("a\nb\0c\x1b") },
		{ "UTF-8", BYTES("caf\\xc3\\xa9"), BYTES("caf\xc3\xa9") },
		{ "capital digits", BYTES("\\xC3\\xA9"), BYTES("\xc3\xa9") },
		{ "backslash", BYTES("C:\\x5cx41"), BYTES("C:\\x41") },
		{ "a backslash of nobody's", BYTES("a\\nb\\\\c"), BYTES("a\\nb\\\\c") },
		{ "not hexadecimal", BYTES("\\xg0\\x0g"), BYTES("\\xg0\\x0g") },
		{ "cut behind the backslash", BYTES("a\\x01\\"), BYTES("a\x01\\") },
		{ "cut behind the x", BYTES("a\\x"), BYTES("a\\x") },
		{ "cut behind one digit", BYTES("a\\x0"), BYTES("a\\x0") },
		{ "backslash before an escape", BYTES("\\\\x41"), BYTES("\\A") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer b = { 0 };

		kmsg_unescape(&b, cases[i].in);
		expect_span(cases[i].name, "text", buffer_span(&b), cases[i].want);
	}
}

static void test_escape_is_undone(void **state)
{
	_cleanup_buffer_ struct buffer escaped = { 0 }, back = { 0 };
	char all[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	kmsg_escape(&escaped, (struct span){ all, sizeof(all) });
	for (size_t i = 0; i < escaped.len; i++)
		assert_in_range(escaped.data[i], 0x20, 0x7e);
	kmsg_unescape(&back, buffer_span(&escaped));
	expect_span("all bytes", "text", buffer_span(&back),
		    (struct span){ all, sizeof(all) });
	buffer_clear(&escaped);
	kmsg_escape(&escaped, SPAN("a\t\\\x7f\xc3z"));
	expect_text("spelling", "text", buffer_span(&escaped), "a\\x09\\x5c\\x7f\\xc3z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_parse_length),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_next_in_pieces),
		cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_escape_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
