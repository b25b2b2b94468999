// SPDX-License-Identifier: Apache-2.0
/*
 * core/skim: a replay that passes over lines writes the same bytes, and complains of the
 * same lines, as one that parses them all; and each way to look gives the same result. The
 * texts are put together, at random, from what kernel logs and those who forge them have.
 */
#include "core/skim.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/replay.h"
#include "core/rules.h"

#include "expect.h"

#define ROUNDS	     3000
#define LARGE_ROUNDS 12
#define LARGE_BYTES  ((size_t)700 << 10) /* more than two of replay's blocks */

static const char *const dmesg_pieces[] = {
	"kern  :info  : [    5.140900] usb 1-1: new device\n",
	"kern  :info  : [    5.140900] usb 1-1: new device\n",
	"kern  :warn  : [    6.000001] nft-drop: IN=eth0 [x] OUT=\n",
	"kern  :info  : [    6.000002] [PHOTON RING] Module loaded: x by uid 0\n",
	"kern  :info  : [    6.000002] a [PHOTON RING] in the middle\n",
	"kern  :info  : [123456.000002] a larger number\n",
	"kern  :info  : [123456.000003] [PHOTON RING] behind a larger number\n",
	"user  :info  : [    7.000000] [PHOTON RING] by a user\n",
	"daemon:info  : [    7.000000] systemd[1]: hello\n",
	"[    5.140900] without names\n",
	"[    5.140901] [PHOTON RING] Kprobe registered for symbol: a\n",
	"<6>[    5.140902] raw\n",
	"<6>[    5.140903] [PHOTON RING] raw\n",
	"<12>[1.123456] [    5.123456] two stamps\n",
	"<1>[+1.123456] [    5.123456] a difference\n",
	"               continued\n",
	"               [PHOTON RING] continued\n",
	"continued [PHOTON RING]\n",
	"\n",
	"\r\n",
	"kern  :info  : [    5.140900] with CR\r\n",
	"kern  :info  : [    5.140900] \\x5bPHOTON RING] escaped\n",
	"kern  :info  : [    5.140900] \\x1b[0m\n",
	"kern  :info  : [ (12)4.123456] no stamp\n",
	"kern  :info  : [    5.14090x] no stamp\n",
	"kern  :info  : [    5.140900]no space\n",
	"kern  :junk  : [    5.140900] no level\n",
	"xxxxxxxxxxxxxxx[    5.140900] no names\n",
	"xxxxxxxxxxxxxxx[    5.140900] [PHOTON RING] no names\n",
	"kern  :info  : [    5.140900] [    T1] by a thread\n",
	"kern  :info  : [    5.140900] [    T1] [PHOTON RING] by a thread\n",
	"[Tue Feb 10 12:00:00 2026] wall clock\n",
	"[Tue Feb 10 12:00:01 2026] [PHOTON RING] wall clock\n",
	"[Tue Feb 10 12:00:02 2026] [    5.123456] two stamps\n",
	"kern  :info  : [Tue Feb 10 12:00:03 2026] wall clock\n",
	"kern  :info  : [Tue Feb 10 12:00:04 2026] [PHOTON RING] wall clock\n",
	"kern  :info  : [ab.cd.123456] no stamp\n",
	"2026-02-10T12:00:00,140900+00:00 iso\n",
	"<6>2026-02-10T12:00:09.140900Z iso, with its dot where large numbers have it\n",
	"<6>2026-02-10T12:00:10.140900Z [PHOTON RING] iso\n",
	"2026-02-10T12:00:07,140900+00:00 [PHOTON RING] iso\n",
	"[<    0.000123>] [PHOTON RING] delta\n",
	"[  +0.000123] delta\n",
	"[  +0.000123] [PHOTON RING] delta\n",
	"[PHOTON RING] alone\n",
	"kern  :info  : [    5.140900] cut",
	"[",
	"[P",
};

static const char *const kmsg_pieces[] = {
	"6,1,1000,-;usb 1-1: new device\n",
	"6,2,2000,-;usb 1-1: new device\n",
	"4,3,3000,-;nft-drop: IN=eth0 [x] OUT=\n",
	"6,4,4000,-;[PHOTON RING] Module loaded: x by uid 0\n",
	"6,5,5000,-;a [PHOTON RING] in the middle\n",
	"14,6,6000,-;[PHOTON RING] by a user\n",
	"6,7,7000,c;a fragment\n",
	"6,8,8000,-,caller=T1;[PHOTON RING] by a thread\n",
	"6,9,9000,-;with a dictionary\n SUBSYSTEM=usb\n DEVICE=c189:1\n",
	"6,10,9000,-;a tag there\n KEY=[PHOTON RING]\n",
	" KEY=alone\n",
	"6,11,1,-;\\x5bPHOTON RING] escaped\n",
	"6,11,1,-;[PHOTON\\x20RING] escaped\n",
	"6,12,1,-;tab\\x09tab\n",
	"6,12,1,-;C:\\x5cx5bPHOTON RING]\n",
	"no record\n",
	"6,13,;no time\n",
	"6,14,1;no flags\n",
	"6,15,1,;empty flags\n",
	"4294967296,16,1,-;too large\n",
	"4294967295,16,1,-;[PHOTON RING] as large as can be\n",
	"6,18446744073709551616,1,-;too large\n",
	"6,17,1,-;\n",
	"6,18,1,-;with CR\r\n",
	"\n",
	"\r\n",
	"[PHOTON RING] alone\n",
	"6,19,1,-;cut",
};

static struct rules *rules;

static int new_file(void)
{
	int fd = memfd_create("replay", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static struct buffer contents(int fd)
{
	struct buffer b = { 0 };
	struct stat info;
	char *to;

	assert_int_equal(fstat(fd, &info), 0);
	to = buffer_reserve(&b, (size_t)info.st_size + 1);
	assert_int_equal(pread(fd, to, (size_t)info.st_size, 0), info.st_size);
	b.len = (size_t)info.st_size;
	return b;
}

/* What comes out, and what is said of it on standard error. */
static void replay_text(struct span text, enum replay_format format, bool is_quick,
			struct buffer *out, struct buffer *said)
{
	struct replay_options options = { .rules = rules,
					  .format = format,
					  .is_quick = is_quick };
	_cleanup_close_ int in = new_file(), to = new_file(), log = new_file();
	_cleanup_close_ int old = dup(STDERR_FILENO);
	uint64_t n;

	assert_int_equal(write(in, text.data, text.len), (ssize_t)text.len);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	assert_true(dup2(log, STDERR_FILENO) >= 0);
	assert_int_equal(replay(&options, in, to, &n), 0);
	assert_true(dup2(old, STDERR_FILENO) >= 0);
	*out = contents(to);
	*said = contents(log);
}

static void expect_ways_agree(struct span text, enum replay_format format)
{
	_cleanup_buffer_ struct buffer padded = { 0 };
	struct skim_shape shape = { 0 };
	const struct skim *const *ways;
	size_t n_ways, first = 0;

	buffer_append_span(&padded, text);
	memset(buffer_reserve(&padded, SKIM_SLACK), '5', SKIM_SLACK);
	ways = skim_ways(&n_ways);
	for (size_t i = 0; i < n_ways; i++) {
		struct skim_shape own = shape;
		struct dmesg_parser parser = { 0 };
		struct span s = { padded.data, text.len };
		size_t n = format == REPLAY_KMSG
				   ? skim_kmsg_by(ways[i], s)
				   : skim_dmesg_by(ways[i], &own, &parser, s);

		first = i ? first : n;
		expect_number(ways[i]->name, "passed over", (int64_t)n, (int64_t)first);
	}
}

static void expect_same(struct span text, enum replay_format format)
{
	_cleanup_buffer_ struct buffer quick = { 0 }, slow = { 0 };
	_cleanup_buffer_ struct buffer quick_said = { 0 }, slow_said = { 0 };

	replay_text(text, format, true, &quick, &quick_said);
	replay_text(text, format, false, &slow, &slow_said);
	if (!span_equal(buffer_span(&quick), buffer_span(&slow)))
		print_error("text:\n%.*s\n", (int)(text.len < 4000 ? text.len : 4000),
			    text.data);
	expect_span("replay", "what comes out", buffer_span(&quick), buffer_span(&slow));
	expect_span("replay", "what is said", buffer_span(&quick_said),
		    buffer_span(&slow_said));
	expect_ways_agree(text, format);
}

/* Mostly the same piece again and again, with others among them; now and then a broken byte. */
static void make_text(struct buffer *text, const char *const *pieces, size_t n_pieces,
		      size_t length)
{
	size_t usual = (size_t)random() % n_pieces, odds = 1 + (size_t)random() % 30;

	buffer_clear(text);
	while (text->len < length) {
		const char *piece = (size_t)random() % odds
					    ? pieces[usual]
					    : pieces[(size_t)random() % n_pieces];

		buffer_append_span(text, span_from(piece));
		if (random() % 200 == 0)
			text->data[(size_t)random() % text->len] =
				"\n [].P;,\\0\r"[random() % 11];
	}
}

static void test_fuzzed(void **state)
{
	static const struct {
		enum replay_format format;
		const char *const *pieces;
		size_t n;
	} forms[] = {
		{ REPLAY_DMESG, dmesg_pieces,
		  sizeof(dmesg_pieces) / sizeof(dmesg_pieces[0]) },
		{ REPLAY_KMSG, kmsg_pieces,
		  sizeof(kmsg_pieces) / sizeof(kmsg_pieces[0]) },
	};
	_cleanup_buffer_ struct buffer text = { 0 };

	(void)state;
	srandom(20260210);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < 2; i++) {
			size_t length = round < LARGE_ROUNDS ? LARGE_BYTES
							     : (size_t)random() % 2000;

			make_text(&text, forms[i].pieces, forms[i].n, length);
			expect_same(buffer_span(&text), forms[i].format);
		}
}

/* A wall-clock stamp that is passed over would not be the one that the later ones count from. */
static void test_wall_clocks(void **state)
{
#define SHAPE "kern  :info  : [123456.000002] a larger number\n"
	static const char *const texts[] = {
		SHAPE SHAPE
		"<6>2026-02-10T12:00:09.140900Z its dot where that has one\n" SHAPE SHAPE
		"<6>2026-02-10T12:00:10.140900Z [PHOTON RING] iso\n",
		SHAPE SHAPE
		"kern  :info  : [Tue Feb 10 12:00:03 2026] its bracket\n" SHAPE SHAPE
		"[Tue Feb 10 12:00:04 2026] [PHOTON RING] local\n",
	};
#undef SHAPE

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_same(span_from(texts[i]), REPLAY_DMESG);
}

/* A record with more lines, or a longer dictionary, than any record may have. */
static void test_long_records(void **state)
{
	_cleanup_buffer_ struct buffer text = { 0 };

	(void)state;
	for (int times = 80; times < 700; times += 37) {
		buffer_clear(&text);
		buffer_append_literal(&text, "6,1,1,-;first\n6,2,2,-;long\n");
		for (int i = 0; i < times; i++)
			buffer_append_literal(&text, " KEY=the same again\n");
		buffer_append_literal(&text, "6,3,3,-;[PHOTON RING] x\n");
		expect_same(buffer_span(&text), REPLAY_KMSG);
		buffer_clear(&text);
		buffer_append_literal(&text, "[    1.000000] a\n[    2.000000] long\n");
		for (int i = 0; i < times; i++)
			buffer_append_literal(&text, "[ (12)4.123456] line\n");
		buffer_append_literal(&text, "[PHOTON RING] x\n[    3.000000] b\n");
		expect_same(buffer_span(&text), REPLAY_DMESG);
	}
}

/* The point of it: of a usual log nearly all is passed over at once. */
static void test_passes_over(void **state)
{
	static const char dull[] = "kern  :info  : [    5.140900] usb 1-1: new device\n";
	_cleanup_buffer_ struct buffer text = { 0 };
	struct skim_shape shape = { 0 };
	struct dmesg_parser parser = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buffer_append_literal(
			&text, "kern  :info  : [    5.140900] usb 1-1: new device\n");
	memset(buffer_reserve(&text, SKIM_SLACK), 0, SKIM_SLACK);
	assert_int_equal(skim_dmesg(&shape, &parser, buffer_span(&text)),
			 999 * (sizeof(dull) - 1));
}

/* Behind the last record may stand what was read before. */
static void test_nothing_left(void **state)
{
	static const char old[2 * SKIM_SLACK] = "kern  :info  : [    5.140900] old\n";
	static const char old_kmsg[2 * SKIM_SLACK] = "6,1,1000,-;old\n";
	const struct skim *const *ways;
	size_t n_ways;

	(void)state;
	ways = skim_ways(&n_ways);
	for (size_t i = 0; i < n_ways; i++) {
		struct skim_shape shape = { .bracket = 15, .dot = 21 };
		struct dmesg_parser parser = { 0 };

		assert_int_equal(
			skim_dmesg_by(ways[i], &shape, &parser, (struct span){ old, 0 }),
			0);
		assert_int_equal(skim_kmsg_by(ways[i], (struct span){ old_kmsg, 0 }), 0);
	}
}

static int load_rules(void **state)
{
	static const char yaml[] = "rules:\n"
				   "  - id: everything\n"
				   "    for: photon_ring\n"
				   "    any: true\n"
				   "    severity: info\n"
				   "    data: {message: '{text}'}\n"
				   "    examples:\n"
				   "      - line: '[PHOTON RING] x'\n"
				   "        data: {message: x}\n";
	struct rules_file file = { .path = "test.yaml" };
	struct rules_files files = { 1, &file };
	struct buffer errors = { 0 };
	int r;

	(void)state;
	buffer_append_span(&file.text, span_from(yaml));
	r = rules_load_files(&files, &rules, &errors);
	print_message("%s", errors.len ? buffer_cstring(&errors) : "");
	buffer_deinit(&file.text);
	buffer_deinit(&errors);
	return r;
}

static int free_rules(void **state)
{
	(void)state;
	rules_destroy(rules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fuzzed),	     cmocka_unit_test(test_wall_clocks),
		cmocka_unit_test(test_long_records), cmocka_unit_test(test_passes_over),
		cmocka_unit_test(test_nothing_left),
	};

	return cmocka_run_group_tests(tests, load_rules, free_rules);
}
