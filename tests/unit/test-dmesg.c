// SPDX-License-Identifier: Apache-2.0
/* core/dmesg: each layout that dmesg(1) prints, what only resembles one, and the escapes.
 */
#include "core/dmesg.h"

#include <stdlib.h>
#include <time.h>

#include "expect.h"
#include "fixture.h"

#define NOON 1770724800000000 /* 2026-02-10T12:00:00Z in microseconds */

/* One line that is a record of its own. */
static void test_prefix(void **state)
{
	static const struct {
		const char *name, *in;
		int level, facility;
		uint64_t ts_us, time_us;
		const char *caller, *text;
	} cases[] = {
		{ "plain", "[    5.140900] usb", -1, -1, 5140900, 0, NULL, "usb" },
		{ "zero", "[    0.000000] a", -1, -1, 0, 0, NULL, "a" },
		{ "narrow", "[0.000001] a", -1, -1, 1, 0, NULL, "a" },
		{ "wide", "[123456789.000001] a", -1, -1, 123456789000001, 0, NULL, "a" },
		{ "empty text", "[    5.140900] ", -1, -1, 5140900, 0, NULL, "" },
		{ "empty text, trimmed", "[    5.140900]", -1, -1, 5140900, 0, NULL, "" },
		{ "indented text", "[    5.140900]  ? f+0x1", -1, -1, 5140900, 0, NULL,
		  " ? f+0x1" },
		{ "bracket in the text", "[    5.140900] [PHOTON RING] x", -1, -1,
		  5140900, 0, NULL, "[PHOTON RING] x" },
		{ "stamp in the text", "[    5.140900] [    9.000000] x", -1, -1, 5140900,
		  0, NULL, "[    9.000000] x" },
		{ "decode", "kern  :info  : [    5.140900] usb", 6, 0, 5140900, 0, NULL,
		  "usb" },
		{ "decode, narrow", "kern:info: [5.140900] usb", 6, 0, 5140900, 0, NULL,
		  "usb" },
		{ "decode, wide", "authpriv:emerg : [    5.140900] a", 0, 10, 5140900, 0,
		  NULL, "a" },
		{ "decode, ftp", "ftp   :notice: [    5.140900] a", 5, 11, 5140900, 0,
		  NULL, "a" },
		{ "decode, local7", "local7:alert : [    5.140900] a", 1, 23, 5140900, 0,
		  NULL, "a" },
		{ "decode, no stamp", "daemon:crit  : a b", 2, 3, 0, 0, NULL, "a b" },
		{ "caller", "kern  :info  : [    5.140900] [T1] usb", 6, 0, 5140900, 0,
		  "T1", "usb" },
		{ "caller, padded", "[    5.140900] [   C13] usb", -1, -1, 5140900, 0,
		  "C13", "usb" },
		{ "caller on the console", "[    5.140900][    T1] usb", -1, -1, 5140900,
		  0, "T1", "usb" },
		{ "caller, empty text", "[    5.140900][    T1]", -1, -1, 5140900, 0,
		  "T1", "" },
		{ "no caller", "[    5.140900] [T1x] usb", -1, -1, 5140900, 0, NULL,
		  "[T1x] usb" },
		{ "raw", "<6>[    5.140900] usb", 6, 0, 5140900, 0, NULL, "usb" },
		{ "raw, daemon", "<28>[    5.140900] usb", 4, 3, 5140900, 0, NULL,
		  "usb" },
		{ "raw, no stamp", "<3>usb", 3, 0, 0, 0, NULL, "usb" },
		{ "raw, facility 255", "<2047>[    5.140900] usb", 7, 255, 5140900, 0,
		  NULL, "usb" },
		{ "raw, unknown to dmesg", "<-1>[    5.140900] usb", -1,
		  DMESG_FACILITY_OTHER, 5140900, 0, NULL, "usb" },
		{ "ctime", "[Tue Feb 10 12:00:00 2026] a", -1, -1, 0, NOON, NULL, "a" },
		{ "ctime, one-digit day", "[Sun Feb  1 12:00:00 2026] a", -1, -1, 0,
		  NOON - 9 * 86400000000, NULL, "a" },
		{ "ctime, leap day", "[Thu Feb 29 00:00:00 2024] a", -1, -1, 0,
		  1709164800000000, NULL, "a" },
		{ "decode and ctime", "kern  :err   : [Tue Feb 10 12:00:00 2026] a", 3, 0,
		  0, NOON, NULL, "a" },
		{ "ISO", "2026-02-10T12:00:00,140900+00:00 a", -1, -1, 0, NOON + 140900,
		  NULL, "a" },
		{ "ISO, east", "2026-02-10T13:00:00,140900+01:00 a", -1, -1, 0,
		  NOON + 140900, NULL, "a" },
		{ "ISO, west, short", "2026-02-10T08:30:00.140900-0330 a", -1, -1, 0,
		  NOON + 140900, NULL, "a" },
		{ "ISO, Z, no fraction", "2026-02-10T12:00:00Z a", -1, -1, 0, NOON, NULL,
		  "a" },
		{ "decode and ISO", "kern  :info  : 2026-02-10T12:00:00,000000+00:00 a",
		  6, 0, 0, NOON, NULL, "a" },
		{ "delta", "[    5.140900 <    0.000123>] a", -1, -1, 5140900, 0, NULL,
		  "a" },
		{ "ctime and delta", "[Tue Feb 10 12:00:00 2026 <    0.026285>] a", -1,
		  -1, 0, NOON, NULL, "a" },
		{ "delta alone", "[<    0.000123>] a", -1, -1, 123, 0, NULL, "a" },
		{ "reltime, minute", "[Feb10 12:00] a", -1, -1, 0, 0, NULL, "a" },
		{ "syslog, ISO",
		  "2026-02-10T12:00:00.140900+00:00 web-1 kernel: [    5.140900] a", -1,
		  -1, 5140900, NOON + 140900, NULL, "a" },
		{ "syslog, ISO, no boot", "2026-02-10T12:00:00+0000 web-1 kernel: a b",
		  -1, -1, 0, NOON, NULL, "a b" },
		{ "syslog", "Feb 10 12:00:00 web-1 kernel: [    5.140900] [T1] a", -1, -1,
		  5140900, 0, "T1", "a" },
		{ "syslog, as the kernel has callers",
		  "Feb 10 12:00:00 web-1 kernel: [    5.140900][  T123] a", -1, -1,
		  5140900, 0, "T123", "a" },
		{ "syslog, no caller behind it",
		  "Feb 10 12:00:00 web-1 kernel: [    5.140900][x] a", -1, -1, 0, 0, NULL,
		  "[    5.140900][x] a" },
		{ "syslog, one-digit day",
		  "Feb  1 12:00:00 web-1 kernel: [    5.140900] a", -1, -1, 5140900, 0,
		  NULL, "a" },
		{ "journalctl", "Feb 10 12:00:00 web-1 kernel: a", -1, -1, 0, 0, NULL,
		  "a" },
		{ "journalctl, precise", "Feb 10 12:00:00.123456 web-1 kernel: a", -1, -1,
		  0, 0, NULL, "a" },
		{ "journalctl, empty text", "Feb 10 12:00:00 web-1 kernel:", -1, -1, 0, 0,
		  NULL, "" },
		{ "syslog, another program", "Feb 10 12:00:00 web-1 sshd[7]: kernel: a",
		  -1, -1, 0, 0, NULL, "web-1 sshd[7]: kernel: a" },
		{ "syslog, nearly the kernel", "Feb 10 12:00:00 web-1 kernel:x a", -1, -1,
		  0, 0, NULL, "web-1 kernel:x a" },
		{ "ISO, another program", "2026-02-10T12:00:00+00:00 web-1 a: kernel: b",
		  -1, -1, 0, NOON, NULL, "web-1 a: kernel: b" },
		{ "ISO, no host", "2026-02-10T12:00:00+00:00 kernel: a", -1, -1, 0, NOON,
		  NULL, "kernel: a" },
		{ "syslog, no stamp behind it", "Feb 10 12:00:00 web-1 kernel: [1.5] a",
		  -1, -1, 0, 0, NULL, "[1.5] a" },
		{ "reltime, delta", "[  +0.000123] a", -1, -1, 123, 0, NULL, "a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = cases[i].name;
		struct span s = span_from(cases[i].in);
		struct dmesg_parser p = { 0 };
		struct dmesg_record r;

		expect_number(name, "result", dmesg_next(&p, &s, true, &r), true);
		expect_number(name, "has_prefix", p.has_prefix, true);
		expect_number(name, "level", r.level, cases[i].level);
		expect_number(name, "facility", r.facility, cases[i].facility);
		expect_number(name, "ts", (int64_t)r.ts_us, (int64_t)cases[i].ts_us);
		expect_number(name, "time", (int64_t)r.time_us,
			      (int64_t)cases[i].time_us);
		expect_text(name, "caller", r.caller, cases[i].caller);
		expect_text(name, "text", r.text, cases[i].text);
		expect_number(name, "bytes left", (int64_t)s.len, 0);
	}
}

/* Lines that only resemble a prefix: text, and behind another line its continuation. */
static void test_not_a_prefix(void **state)
{
	static const char *const cases[] = {
		"[1.2.3] a",
		"Feb 10 12:00 web-1 kernel: a",
		"Feb 32 12:00:00 web-1 kernel: a",
		"Feb10 12:00:00 web-1 kernel: a",
		"Feb 10 12:00:00",
		"[999999999999999999999.000000] a",
		"[18446744073709.999999] a",
		"[    5.14090] a",
		"[    5.1409000] a",
		"[    5.140900]a",
		"[    5.140900 a",
		"[-5.140900] a",
		"[+5.14] a",
		"[0x5.140900] a",
		"[5] a",
		"[.140900] a",
		"[] a",
		" [    5.140900] a",
		"\t[    5.140900] a",
		"               [    9.900000] [PHOTON RING] a",
		"kern  :info  :[    5.140900] a",
		"kern  :loud  : [    5.140900] a",
		"kernel:info  : [    5.140900] a",
		"KERN  :info  : [    5.140900] a",
		"kern  :info a",
		"kern",
		"<6[    5.140900] a",
		"<>[    5.140900] a",
		"<-2>[    5.140900] a",
		"<4294967296>[    5.140900] a",
		"[Tue Feb 30 12:00:00 2026] a",
		"[Thu Feb 29 12:00:00 2026] a",
		"[Tue Feb 10 24:00:00 2026] a",
		"[Tue Feb 10 12:60:00 2026] a",
		"[Tue Feb 10 12:00:00 1969] a",
		"[Tue Feb 10 12:00:00 20260] a",
		"[Tue Foo 10 12:00:00 2026] a",
		"[Die Feb 10 12:00:00 2026] a",
		"2026-02-10T12:00:00,140900 a",
		"2026-02-10T12:00:00,1409+00:00 a",
		"2026-13-10T12:00:00,140900+00:00 a",
		"2026-02-10 12:00:00,140900+00:00 a",
		"1970-01-01T00:00:00,000000+01:00 a",
		"[    5.140900 <    0.123>] a",
		"[Feb10 12:0] a",
		"\x0b[    5.140900] a",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer file = { 0 };
		struct dmesg_parser p = { 0 };
		struct dmesg_record r;
		struct span s = span_from(cases[i]);

		expect_number(cases[i], "alone", dmesg_next(&p, &s, true, &r), true);
		expect_number(cases[i], "has_prefix", p.has_prefix, false);
		expect_text(cases[i], "text", r.text, cases[i]);
		expect_number(cases[i], "facility", r.facility, -1);

		buffer_appendf(&file, "[    1.000000] first\n%s\n", cases[i]);
		s = buffer_span(&file);
		expect_number(cases[i], "behind", dmesg_next(&p, &s, true, &r), true);
		expect_text(cases[i], "first text", r.text, "first");
		expect_text(cases[i], "continuation", r.more, cases[i]);
		expect_number(cases[i], "bytes left", (int64_t)s.len, 0);
	}
}

/* "level facility ts_us time_us caller|text with its lines joined", a line each */
static void dump(struct span s, struct buffer *out)
{
	struct dmesg_parser p = { 0 };
	struct dmesg_record r;

	while (dmesg_next(&p, &s, true, &r)) {
		buffer_appendf(out, "%d %d %llu %llu %.*s|", r.level, r.facility,
			       (unsigned long long)r.ts_us, (unsigned long long)r.time_us,
			       (int)r.caller.len, r.caller.len ? r.caller.data : "");
		dmesg_join(out, &r);
		buffer_append_literal(out, "$\n");
	}
	assert_int_equal(s.len, 0);
}

static void test_files(void **state)
{
	static const struct {
		const char *name, *want;
	} cases[] = {
		{ "dmesg/plain.txt",
		  "-1 -1 0 0 |Linux version 6.1.0-42-amd64 "
		  "(debian-kernel@lists.debian.org)$\n"
		  "-1 -1 5140900 0 |usb 1-1: new high-speed USB device number 2 using "
		  "xhci_hcd$\n"
		  "-1 -1 5140901 0 | ? vfs_read+0x1f/0x3c0$\n"
		  "-1 -1 12345678901 0 |[PHOTON RING] Kprobe registered for symbol: "
		  "do_init_module$\n"
		  "-1 -1 12345678900 0 |Q first line\nsecond line \\x1b \\xff\n[    "
		  "9.900000] "
		  "[PHOTON RING] Kprobe registered for symbol: forged\n\nfifth$\n"
		  "-1 -1 1234567000001 0 |wide$\n"
		  "-1 -1 12345678910 0 |$\n" },
		{ "dmesg/decode.txt",
		  "5 0 0 0 |Linux version 6.1.0-42-amd64$\n"
		  "6 0 5140900 0 |usb 1-1: Product: G\xc3\xbcnstige Kamera$\n"
		  "4 1 1576226992 0 |two lines\nthe other$\n"
		  "4 10 1576226993 0 |login$\n"
		  "7 16 1576226994 0 |of syslog(3)$\n"
		  "-1 -1 1576227027 0 |facility unknown to dmesg$\n"
		  "3 0 1576227028 0 T1|called$\n" },
		{ "dmesg/ctime.txt", "-1 -1 0 1770724800000000 |first$\n"
				     "-1 -1 1000000 1770724801000000 |second\nmore$\n"
				     "-1 -1 0 1770724799000000 |before the first$\n"
				     "-1 -1 1598400000000 1772323200000000 |March$\n" },
		{ "dmesg/crlf.txt", "-1 -1 1000000 0 |one$\n"
				    "-1 -1 2000000 0 |two\nmore$\n"
				    "-1 -1 3000000 0 |three$\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer file = { 0 }, out = { 0 };

		read_fixture(cases[i].name, &file);
		dump(buffer_span(&file), &out);
		expect_text(cases[i].name, "records", buffer_span(&out), cases[i].want);
	}
}

static void test_runs(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		const char *want;
	} cases[] = {
		{ "nothing", BYTES(""), "" },
		{ "empty lines only", BYTES("\n\r\n\n"), "" },
		{ "bare lines are records until one has a prefix",
		  BYTES("one\ntwo\n[    3.000000] three\nfour\n"),
		  "-1 -1 0 0 |one$\n-1 -1 0 0 |two$\n-1 -1 3000000 0 |three\nfour$\n" },
		{ "only newlines end a line",
		  BYTES("[    1.000000] a\x0b"
			"b\x85"
			"c\xe2\x80\xa8"
			"d\x0c\re\n"),
		  "-1 -1 1000000 0 |a\x0b"
		  "b\x85"
		  "c\xe2\x80\xa8"
		  "d\x0c\re$\n" },
		{ "one CR is dropped", BYTES("[    1.000000] a\r\r\n"),
		  "-1 -1 1000000 0 |a\r$\n" },
		{ "deltas add up",
		  BYTES("[Feb10 12:00] a\n[  +0.000003] b\n[  +1.000000] c\n"),
		  "-1 -1 0 0 |a$\n-1 -1 3 0 |b$\n-1 -1 1000003 0 |c$\n" },
		{ "a record without a stamp", BYTES("<4>[    1.000000] a\n<4>b\n"),
		  "4 0 1000000 0 |a$\n4 0 1000000 0 |b$\n" },
		{ "deeper indentation is kept",
		  BYTES("[    1.000000] a\n                 b\n  c\n"),
		  "-1 -1 1000000 0 |a\n  b\n  c$\n" },
		{ "stamps may go back", BYTES("[    2.000000] a\n[    1.000000] b\n"),
		  "-1 -1 2000000 0 |a$\n-1 -1 1000000 0 |b$\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer out = { 0 };

		buffer_append_literal(&out, "");
		dump(cases[i].in, &out);
		expect_span(cases[i].name, "records", buffer_span(&out),
			    span_from(cases[i].want));
	}
}

/* A file in pieces of any size gives the records of the whole file. */
static void test_in_pieces(void **state)
{
	_cleanup_buffer_ struct buffer file = { 0 };

	(void)state;
	read_fixture("dmesg/plain.txt", &file);
	for (size_t piece = 1; piece < 90; piece++) {
		struct span whole = buffer_span(&file), held = { file.data, 0 };
		struct dmesg_parser of_whole = { 0 }, of_held = { 0 };
		struct dmesg_record want, got;

		while (dmesg_next(&of_whole, &whole, true, &want)) {
			while (!dmesg_next(&of_held, &held,
					   held.data + held.len == file.data + file.len,
					   &got)) {
				size_t left = file.len -
					      (size_t)(held.data + held.len - file.data);

				assert_true(left > 0);
				held.len += piece < left ? piece : left;
			}
			expect_span("in pieces", "text", got.text, want.text);
			expect_span("in pieces", "more", got.more, want.more);
			assert_int_equal(got.ts_us, want.ts_us);
		}
	}
}

/* Lines beyond the limit come as records without a beginning, which nobody can mistake.
 */
static void test_long_record(void **state)
{
	_cleanup_buffer_ struct buffer file = { 0 };
	struct dmesg_parser p = { 0 };
	struct dmesg_record r;
	size_t n_records = 0, n_bytes = 0;
	struct span s;

	(void)state;
	buffer_append_literal(&file, "kern  :info  : [    1.000000] first\n");
	for (int i = 0; i < 1000; i++)
		buffer_append_literal(&file,
				      "[PHOTON RING] Kprobe registered for symbol: x\n");
	s = buffer_span(&file);
	while (dmesg_next(&p, &s, true, &r)) {
		expect_text("long", "text", r.text, n_records ? "" : "first");
		assert_true(r.more.len <= DMESG_RECORD_MAX + 50);
		assert_int_equal(r.ts_us, 1000000);
		n_bytes += r.more.len + 1;
		n_records++;
	}
	assert_int_equal(n_bytes, 1000 * 46);
	assert_int_equal(n_records, 6);
}

static void test_local_time(void **state)
{
	static const struct {
		const char *name, *zone, *in;
		uint64_t want_time_us;
	} cases[] = {
		{ "west", "XXX5", "[Tue Feb 10 07:00:00 2026] a", NOON },
		{ "east", "XXX-1", "[Tue Feb 10 13:00:00 2026] a", NOON },
		{ "east of the beginning", "XXX-1", "[Thu Jan  1 00:30:00 1970] a", 0 },
		{ "summer", "CET-1CEST,M3.5.0,M10.5.0/3", "[Wed Jul  1 12:00:00 2026] a",
		  1782900000000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct span s = span_from(cases[i].in);
		struct dmesg_parser p = { 0 };
		struct dmesg_record r;

		assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
		tzset();
		assert_true(dmesg_next(&p, &s, true, &r));
		expect_number(cases[i].name, "time", (int64_t)r.time_us,
			      (int64_t)cases[i].want_time_us);
	}
	assert_int_equal(setenv("TZ", "UTC0", 1), 0);
	tzset();
}

static void test_unescape(void **state)
{
	static const struct {
		const char *name;
		struct span in, want;
	} cases[] = {
		{ "control bytes", BYTES("a\\x00b\\x0a\\x1b[31m\\x7f"),
		  BYTES("a\0b\n\x1b[31m\x7f") },
		{ "beyond DEL stays", BYTES("\\xff\\x80\\xc3\\xa9"),
		  BYTES("\\xff\\x80\\xc3\\xa9") },
		{ "printable stays", BYTES("C:\\x41\\x20\\x5c\\x7e"),
		  BYTES("C:\\x41\\x20\\x5c\\x7e") },
		{ "capital digits stay", BYTES("\\x1B\\x7F"), BYTES("\\x1B\\x7F") },
		{ "raw UTF-8", BYTES("caf\xc3\xa9\\t"), BYTES("caf\xc3\xa9\\t") },
		{ "cut", BYTES("\\x01\\x0"), BYTES("\x01\\x0") },
		{ "backslash before an escape", BYTES("\\\\x1b"), BYTES("\\\x1b") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer b = { 0 };

		dmesg_unescape(&b, cases[i].in);
		expect_span(cases[i].name, "text", buffer_span(&b), cases[i].want);
	}
}

static void test_looks_like(void **state)
{
	static const struct {
		const char *name, *in;
		bool want;
	} cases[] = {
		{ "dmesg", "[    1.000000] a\n", true },
		{ "decode", "kern  :info  : [    1.000000] a\n", true },
		{ "kmsg", "6,1,2,-;a\n", false },
		{ "kmsg behind a cut record", " SUBSYSTEM=usb\n6,1,2,-;a\n", false },
		{ "kmsg behind a cut line", "ew device\r\n6,1,2,-;a\r\n", false },
		{ "a kmsg record in the text of dmesg", "[    1.000000] a\n6,1,2,-;a\n",
		  true },
		{ "neither", "some text\n", true },
		{ "nothing", "", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_number(cases[i].name, "answer",
			      dmesg_looks_like(span_from(cases[i].in)), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix),	   cmocka_unit_test(test_not_a_prefix),
		cmocka_unit_test(test_files),	   cmocka_unit_test(test_runs),
		cmocka_unit_test(test_in_pieces),  cmocka_unit_test(test_long_record),
		cmocka_unit_test(test_local_time), cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_looks_like),
	};

	(void)setenv("TZ", "UTC0", 1); /* or the machine's zone would show in dmesg -T */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
