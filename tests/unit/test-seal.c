// SPDX-License-Identifier: Apache-2.0
/*
 * core/seal: what a seal's line is, and going on after a kill at each step, a crash of the
 * machine, a cut, and with a key that is lost or handed over.
 */
#include "core/seal.h"

#include <errno.h>

#include "sealed_log.h"

#define OTHER_BOOT "22222222-0000-4000-8000-000000000000"

static void test_parse(void **state)
{
#define HEX62 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"
#define LINE(data) \
	"{\"seq\": 42, \"ts\": 12.000001, \"type\": \"log_sealed\", \"data\": " data
#define DATA DATA_WITH("ff")
#define DATA_WITH(last)                                                              \
	"{\"seal\": 7, \"from\": 30, \"to\": 41, \"count\": 12, \"offset\": 18211, " \
	"\"key\": \"0011223344556677\", \"hash\": \"" HEX62                          \
	"ff\", \"previous\": \"" HEX62 "ff\", \"mac\": \"" HEX62 last "\"}"
#define END ", \"severity\": \"info\", \"source\": \"lksm\", \"host\": \"x\"}\n"
	static const struct {
		const char *name, *line;
		bool want;
	} cases[] = {
		{ "as we write it", LINE(DATA) END, true },
		{ "without its newline",
		  LINE(DATA) ", \"severity\": \"info\", \"source\": \"lksm\"}", false },
		{ "a digit as a capital", LINE(DATA_WITH("fF")) END, false },
		{ "of another source",
		  LINE(DATA) ", \"severity\": \"info\", \"source\": \"x\"}\n", false },
		{ "a key too few", LINE("{\"seal\": 7}") END, false },
		{ "a huge number",
		  LINE("{\"seal\": 99999999999999999999, \"from\": 0") END, false },
		{ "in a message",
		  "{\"seq\": 1, \"ts\": 1.000000, \"type\": \"x\", \"data\": " DATA END,
		  false },
		{ "nothing", "", false },
		{ "a newline", "\n", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seal seal;
		bool got = seal_parse(span_from(cases[i].line), &seal);

		expect_number(cases[i].name, "is a seal", got, cases[i].want);
		if (!got)
			continue;
		expect_number(cases[i].name, "number", (int64_t)seal.number, 7);
		expect_number(cases[i].name, "offset", (int64_t)seal.offset, 18211);
		expect_number(cases[i].name, "mac", seal.mac[31], 0xff);
	}
}

static void expect_sound(const char *name, const struct sealed_log *log, uint64_t n_seals)
{
	struct verify_report r = verify_log(log->files, log->n_files, log->key_text,
					    log->key_fd, SIZE_MAX);

	expect_number(name, "fault", r.fault, VERIFY_SOUND);
	expect_number(name, "seals", (int64_t)r.n_seals, (int64_t)n_seals);
	expect_number(name, "authentic seals", (int64_t)r.n_authentic, (int64_t)n_seals);
	expect_number(name, "unsealed lines", (int64_t)r.unsealed.count, 0);
}

enum step {
	AFTER_LINES,
	AFTER_SEAL_LINE,
	AFTER_KEY,
};

/* Killed at each step, with and without a new day in between: all is sealed in the end. */
static void test_kills(void **state)
{
	static const struct {
		const char *name;
		enum step step;
		bool is_new_file;
		uint64_t want_seals;
	} cases[] = {
		{ "lines are written", AFTER_LINES, false, 3 },
		{ "the seal is written", AFTER_SEAL_LINE, false, 3 },
		{ "the key is replaced", AFTER_KEY, false, 3 },
		{ "the seal is written, and the next file made", AFTER_SEAL_LINE, true,
		  3 },
		{ "the key is replaced, and the next file made", AFTER_KEY, true, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sealed_log log;

		log_init(&log);
		log_events(&log, 3);
		log_seal(&log);
		log_events(&log, 4);
		if (cases[i].step == AFTER_SEAL_LINE)
			log_seal_line(&log);
		if (cases[i].step == AFTER_KEY)
			log_seal(&log);
		if (cases[i].is_new_file)
			log_next_file(&log);
		log_start(&log);
		expect_number(cases[i].name, "tail", log.resumed.tail, SEAL_TAIL_THERE);
		expect_number(cases[i].name, "key news", log.resumed.key_news,
			      SEAL_KEY_SAME);
		expect_number(cases[i].name, "needed", sealer_is_needed(log.sealer),
			      cases[i].step == AFTER_LINES);
		if (sealer_is_needed(log.sealer))
			log_seal(&log);
		log_events(&log, 2);
		log_seal(&log);
		expect_sound(cases[i].name, &log, cases[i].want_seals);
		log_deinit(&log);
	}
}

static void test_lines_older_than_seals(void **state)
{
	struct sealed_log log;

	(void)state;
	log_init(&log);
	log_events(&log, 5);
	sealer_destroy(log.sealer);
	log.sealer = NULL;
	log_start(&log); /* as after an update from a version without seals */
	assert_true(sealer_is_needed(log.sealer));
	log_seal(&log);
	expect_sound("sealed later", &log, 1);
	log_deinit(&log);
}

/* Cut the newest file after so many of its lines. */
static void cut(struct sealed_log *log, size_t n_lines)
{
	struct buffer *file = log_newest(log);
	const char *at = file->data;

	while (n_lines--)
		at = memchr(at, '\n', (size_t)(file->data + file->len - at)), at++;
	file->len = (size_t)(at - file->data);
}

static void test_missing_tails(void **state)
{
	static const struct {
		const char *name, *boot_id;
		size_t n_left;	/* of 4 + 1 + 2 + 1 + 2 + 1 lines */
		bool is_synced; /* the last seal, before its key was replaced */
		enum seal_tail want;
		uint64_t want_first, want_last;
	} cases[] = {
		{ "nothing missing", LOG_BOOT, 11, false, SEAL_TAIL_THERE, 0, 0 },
		{ "one seal", LOG_BOOT, 10, false, SEAL_TAIL_MISSING, 2, 2 },
		{ "two seals", LOG_BOOT, 5, false, SEAL_TAIL_MISSING, 1, 2 },
		{ "two seals, and lines are left", LOG_BOOT, 6, false, SEAL_TAIL_MISSING,
		  1, 2 },
		{ "all", LOG_BOOT, 0, false, SEAL_TAIL_THERE, 0, 0 },
		{ "all seals", LOG_BOOT, 2, false, SEAL_TAIL_MISSING, 0, 2 },
		{ "in a crash", OTHER_BOOT, 6, false, SEAL_TAIL_LOST, 1, 2 },
		{ "all seals, in a crash", OTHER_BOOT, 2, false, SEAL_TAIL_LOST, 0, 2 },
		{ "which loses nothing that was synced", OTHER_BOOT, 6, true,
		  SEAL_TAIL_MISSING, 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sealed_log log;

		log_init(&log);
		log_events(&log, 4);
		log_seal(&log);
		log_events(&log, 2);
		log_seal(&log);
		log_events(&log, 2);
		log_seal_line(&log);
		assert_int_equal(sealer_done(log.sealer, cases[i].is_synced), 0);
		cut(&log, cases[i].n_left);
		log.boot_id = cases[i].boot_id;
		log_start(&log);
		expect_number(cases[i].name, "tail", log.resumed.tail, cases[i].want);
		expect_number(cases[i].name, "first", (int64_t)log.resumed.tail_first,
			      (int64_t)cases[i].want_first);
		expect_number(cases[i].name, "last", (int64_t)log.resumed.tail_last,
			      (int64_t)cases[i].want_last);
		log_deinit(&log);
	}
}

/* The daemon says that a crash lost seals: told apart from their having been removed. */
static void test_lost_is_not_removed(void **state)
{
	static const struct {
		const char *name, *type;
		int64_t first, last;
		enum verify_fault want;
		uint64_t want_lost;
	} cases[] = {
		{ "lost", "log_tail_lost", 1, 2, VERIFY_SOUND, 2 },
		{ "missing", "log_tail_missing", 1, 2, VERIFY_REMOVED, 0 },
		{ "nothing said", "something", 1, 2, VERIFY_REMOVED, 0 },
		{ "something else was lost", "log_tail_lost", 2, 2, VERIFY_REMOVED, 0 },
		{ "less was lost", "log_tail_lost", 1, 1, VERIFY_REMOVED, 0 },
		{ "more was lost", "log_tail_lost", 1, 3, VERIFY_REMOVED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct datum data[] = {
			{ .key = SPAN("first"), .integer = cases[i].first },
			{ .key = SPAN("last"), .integer = cases[i].last },
		};
		struct verify_report r;
		struct sealed_log log;

		log_init(&log);
		for (size_t n = 0; n < 3; n++) {
			log_events(&log, 2);
			log_seal(&log);
		}
		cut(&log, 4);
		log_start(&log);
		log_write_events(&log, cases[i].type, 1, data, ARRAY_SIZE(data));
		log_seal(&log);
		r = verify_log(log.files, log.n_files, log.key_text, log.key_fd, 100);
		expect_number(cases[i].name, "fault", r.fault, cases[i].want);
		expect_number(cases[i].name, "lost", (int64_t)r.n_lost,
			      (int64_t)cases[i].want_lost);
		if (r.fault) {
			expect_number(cases[i].name, "first missing", (int64_t)r.seal, 1);
			expect_number(cases[i].name, "last missing", (int64_t)r.last_seal,
				      2);
		}
		log_deinit(&log);
	}
}

static void test_a_lost_key(void **state)
{
	static const struct {
		const char *name;
		bool is_damaged;
		enum seal_key_news want;
	} cases[] = {
		{ "removed", false, SEAL_KEY_MISSING },
		{ "damaged", true, SEAL_KEY_DAMAGED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verify_report r;
		struct sealed_log log;

		log_init(&log);
		log_events(&log, 2);
		log_seal(&log);
		assert_int_equal(ftruncate(log.key_fd, 0), 0);
		if (cases[i].is_damaged)
			assert_int_equal(pwrite(log.key_fd, "x", 1, 600), 1);
		log_start(&log);
		expect_number(cases[i].name, "news", log.resumed.key_news, cases[i].want);
		expect_number(cases[i].name, "first", (int64_t)log.resumed.key_first, 1);
		log_events(&log, 2);
		log_seal(&log);
		r = verify_log(log.files, log.n_files, log.key_text, log.key_fd, 100);
		expect_number(cases[i].name, "fault", r.fault, VERIFY_FOREIGN);
		expect_number(cases[i].name, "seal", (int64_t)r.seal, 1);
		/* the chain of hashes goes on */
		r = verify_log(log.files, log.n_files, NULL, log.key_fd, 100);
		expect_number(cases[i].name, "fault without key", r.fault, VERIFY_SOUND);
		log_deinit(&log);
	}
}

/* A key that is made later is good for what comes, and freezes what is there. */
static void test_a_key_handed_over(void **state)
{
	char text[SEAL_KEY_TEXT_SIZE];
	struct verify_report r;
	struct sealed_log log;
	struct seal_key key;

	(void)state;
	log_init(&log);
	log_events(&log, 2);
	log_seal(&log);
	log_events(&log, 2);
	assert_int_equal(seal_key_make(&key), 0);
	key.is_shown = true;
	assert_int_equal(seal_file_ask(log.key_fd, &key), 0);
	log_start(&log);
	assert_int_equal(log.resumed.key_news, SEAL_KEY_REQUESTED);
	assert_int_equal(log.resumed.key_first, 1);
	assert_true(log.resumed.is_shown);
	log_seal(&log);
	/* as if it had been killed before it could wipe what it was handed */
	assert_int_equal(seal_file_ask(log.key_fd, &key), 0);
	log_start(&log);
	assert_int_equal(log.resumed.key_news, SEAL_KEY_SAME);
	key.start = 1;
	seal_key_format(&key, text);
	r = verify_log(log.files, log.n_files, text, log.key_fd, 100);
	assert_int_equal(r.fault, VERIFY_SOUND);
	assert_int_equal(r.n_seals, 2);
	assert_int_equal(r.n_authentic, 1);
	log.files[0].data[40] ^= 1; /* older than the key */
	r = verify_log(log.files, log.n_files, text, log.key_fd, 100);
	assert_int_equal(r.fault, VERIFY_CHANGED);
	assert_int_equal(r.seal, 0);
	log.files[0].data[40] ^= 1;
	/* and so is the seal itself, of which only the next one knows */
	*strstr(strstr(log.files[0].data, "log_sealed"), "\"time\": \"2") = 'x';
	r = verify_log(log.files, log.n_files, text, log.key_fd, 100);
	assert_int_equal(r.fault, VERIFY_CHANGED);
	assert_int_equal(r.seal, 0);
	log_deinit(&log);
}

/* Lines that only look like seals lead nobody astray. */
static void test_forged_seals_at_the_end(void **state)
{
	struct sealed_log log, other;

	(void)state;
	log_init(&log);
	log_init(&other);
	for (size_t i = 0; i < 4; i++) {
		log_events(&log, 2);
		log_events(&other, 2);
		log_seal(&other);
	}
	log_seal(&log);
	buffer_append_span(log_newest(&log), buffer_span(log_newest(&other)));
	log_start(&log);
	assert_int_equal(log.resumed.tail, SEAL_TAIL_THERE);
	assert_int_equal(log.resumed.key_news, SEAL_KEY_SAME);
	assert_true(sealer_is_needed(log.sealer));
	log_deinit(&log);
	log_deinit(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_kills),
		cmocka_unit_test(test_lines_older_than_seals),
		cmocka_unit_test(test_missing_tails),
		cmocka_unit_test(test_lost_is_not_removed),
		cmocka_unit_test(test_a_lost_key),
		cmocka_unit_test(test_a_key_handed_over),
		cmocka_unit_test(test_forged_seals_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
