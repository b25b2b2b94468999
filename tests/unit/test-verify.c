// SPDX-License-Identifier: Apache-2.0
/*
 * core/verify: a table of changes and the span that is named for each, and then random
 * ones: every one is found, and the place is right. LKSM_SEAL_EDITS sets how many.
 */
#include "core/verify.h"

#include <errno.h>
#include <stdlib.h>

#include "sealed_log.h"

#define LINES_MAX     256
#define EDITS_DEFAULT 10000

/* Where a line is, and which seal vouches for it; a seal vouches for itself. */
struct place {
	size_t file, at, len;
	uint64_t seq, seal;
	bool is_seal;
};

struct map {
	size_t n;
	struct place places[LINES_MAX];
};

static void map_log(const struct buffer *files, size_t n_files, struct map *map)
{
	size_t n_open = 0;

	map->n = 0;
	for (size_t f = 0; f < n_files; f++) {
		struct span left = buffer_span(&files[f]);

		while (left.len) {
			const char *end = memchr(left.data, '\n', left.len);
			struct place *p = &map->places[map->n++];
			struct span line = { left.data, (size_t)(end + 1 - left.data) };
			struct seal seal;

			assert_true(map->n < LINES_MAX);
			*p = (struct place){ .file = f,
					     .at = (size_t)(line.data - files[f].data),
					     .len = line.len };
			assert_true(lines_seq(line, &p->seq));
			p->is_seal = seal_parse(line, &seal);
			for (; p->is_seal && n_open < map->n; n_open++)
				map->places[n_open].seal = seal.number;
			left = span_skip(left, line.len);
		}
	}
}

/* 3 files, some seals in each; drains of several sizes. */
static void make_log(struct sealed_log *log)
{
	static const size_t drains[] = { 3, 1, 5, 2, 0, 4, 4, 0, 1, 7, 2, 3 };

	log_init(log);
	for (size_t i = 0; i < ARRAY_SIZE(drains); i++) {
		if (!drains[i]) {
			log_next_file(log);
			continue;
		}
		log_events(log, drains[i]);
		if (drains[i] == 4) /* one seal for two drains */
			log_events(log, 2);
		log_seal(log);
	}
}

static void copy_log(const struct sealed_log *log, struct buffer files[LOG_FILES])
{
	for (size_t i = 0; i < log->n_files; i++) {
		buffer_clear(&files[i]);
		buffer_append_span(&files[i], buffer_span(&log->files[i]));
	}
}

static void replace(struct buffer *file, size_t at, size_t n, struct span by)
{
	_cleanup_buffer_ struct buffer rest = { 0 };

	buffer_append(&rest, file->data + at + n, file->len - at - n);
	file->len = at;
	buffer_append_span(file, by);
	buffer_append_span(file, buffer_span(&rest));
}

static struct span line_at(const struct buffer *files, const struct place *p)
{
	return (struct span){ files[p->file].data + p->at, p->len };
}

static void remove_line(struct buffer *files, const struct place *p)
{
	replace(&files[p->file], p->at, p->len, (struct span){ NULL, 0 });
}

static void insert(struct buffer *files, const struct place *before, struct span line)
{
	_cleanup_buffer_ struct buffer copy = { 0 };

	buffer_append_span(&copy, line);
	replace(&files[before->file], before->at, 0, buffer_span(&copy));
}

static void swap(struct buffer *files, const struct place *a, const struct place *b)
{
	_cleanup_buffer_ struct buffer both = { 0 };

	buffer_append_span(&both, line_at(files, b));
	buffer_append_span(&both, line_at(files, a));
	replace(&files[a->file], a->at, both.len, buffer_span(&both));
}

enum change {
	NOTHING,
	REMOVE,
	DUPLICATE,
	SWAP_WITH_NEXT,
	INSERT_SAME_LENGTH_TEXT, /* another line's text instead */
	CUT_HERE,
	FLIP,
	REMOVE_FILE,
	CUT_HEAD, /* all before it in its file */
};

static void apply(enum change change, struct buffer *files, const struct map *map,
		  size_t i, uint32_t random)
{
	const struct place *p = &map->places[i];
	struct buffer *file = &files[p->file];

	switch (change) {
	case NOTHING:
		break;
	case REMOVE:
		remove_line(files, p);
		break;
	case DUPLICATE:
		insert(files, p, line_at(files, p));
		break;
	case SWAP_WITH_NEXT:
		swap(files, p, &map->places[i + 1]);
		break;
	case INSERT_SAME_LENGTH_TEXT:
		insert(files, p, line_at(files, &map->places[random % map->n]));
		break;
	case CUT_HERE:
		file->len = p->at + random % p->len;
		for (size_t f = p->file + 1; f < LOG_FILES; f++)
			files[f].len = 0;
		break;
	case FLIP:
		file->data[p->at + random % p->len] ^= (char)(1 << random / 4096 % 8);
		break;
	case REMOVE_FILE:
		file->len = 0;
		break;
	case CUT_HEAD:
		replace(file, 0, p->at, (struct span){ NULL, 0 });
		break;
	}
}

static struct verify_report verify(const struct sealed_log *log,
				   const struct buffer *files, size_t piece)
{
	return verify_log(files, log->n_files, log->key_text, log->key_fd, piece);
}

/* The log of make_log(): lines 0-2, seal 0 (3), line 4, seal 1 (5), lines 6-10, seal 2 (11),
 * 12-13, seal 3 (14) | 15-20, seal 4 (21), 22-27, seal 5 (28) | 29, seal 6 (30), 31-37, seal
 * 7 (38), 39-40, seal 8 (41), 42-44, seal 9 (45); the index of a line is its seq. */
static void test_changes(void **state)
{
	static const struct {
		const char *name;
		enum change change;
		size_t line;
		uint32_t random;
		enum verify_fault want;
		uint64_t want_seal, want_last, want_from, want_to;
	} cases[] = {
		{ "nothing", NOTHING, 0, 0, VERIFY_SOUND, 0, 0, 0, 0 },
		{ "a byte", FLIP, 8, 30, VERIFY_CHANGED, 2, 2, 6, 10 },
		{ "a byte of a seal's time", FLIP, 11, 490, VERIFY_FORGED, 2, 2, 6, 10 },
		{ "a byte of the last seal", FLIP, 45, 490, VERIFY_FORGED, 9, 9, 42, 44 },
		{ "a line", REMOVE, 9, 0, VERIFY_REMOVED, 2, 2, 6, 10 },
		{ "the first line", REMOVE, 0, 0, VERIFY_REMOVED, 0, 0, 0, 2 },
		{ "a seal", REMOVE, 11, 0, VERIFY_REMOVED, 2, 2, 6, 13 },
		{ "the last seal of a file", REMOVE, 14, 0, VERIFY_REMOVED, 3, 3, 12,
		  20 },
		{ "the last seal", REMOVE, 45, 0, VERIFY_CUT, 9, 9, 42, 44 },
		{ "a line twice", DUPLICATE, 9, 0, VERIFY_ADDED, 2, 2, 6, 10 },
		{ "a seal twice", DUPLICATE, 11, 0, VERIFY_ADDED, 3, 3, 11, 11 },
		{ "two lines", SWAP_WITH_NEXT, 7, 0, VERIFY_REORDERED, 2, 2, 6, 10 },
		{ "a line and its seal", SWAP_WITH_NEXT, 10, 0, VERIFY_REMOVED, 2, 2, 6,
		  10 },
		{ "a seal and a line", SWAP_WITH_NEXT, 11, 0, VERIFY_ADDED, 2, 2, 6, 10 },
		{ "a day", REMOVE_FILE, 16, 0, VERIFY_REMOVED, 4, 5, 29, 29 },
		{ "the last day", REMOVE_FILE, 40, 0, VERIFY_CUT, 6, 9, 0, 0 },
		{ "the oldest day", REMOVE_FILE, 0, 0, VERIFY_SOUND, 0, 0, 0, 0 },
		{ "a file's head, up to a seal", CUT_HEAD, 22, 0, VERIFY_REMOVED, 4, 4,
		  22, 27 },
		{ "the oldest file's head, up to a seal", CUT_HEAD, 12, 0, VERIFY_REMOVED,
		  3, 3, 12, 13 },
		{ "the end, in a line", CUT_HERE, 40, 20, VERIFY_CUT, 8, 9, 39, 40 },
		{ "the end, behind a seal", CUT_HERE, 39, 0, VERIFY_CUT, 8, 9, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer files[LOG_FILES] = { 0 };
		struct verify_report r;
		struct sealed_log log;
		struct map map;

		make_log(&log);
		copy_log(&log, files);
		map_log(files, log.n_files, &map);
		apply(cases[i].change, files, &map, cases[i].line, cases[i].random);
		r = verify(&log, files, SIZE_MAX);
		expect_number(cases[i].name, "fault", r.fault, cases[i].want);
		if (cases[i].want) {
			expect_number(cases[i].name, "seal", (int64_t)r.seal,
				      (int64_t)cases[i].want_seal);
			expect_number(cases[i].name, "last seal", (int64_t)r.last_seal,
				      (int64_t)cases[i].want_last);
			expect_number(cases[i].name, "from", (int64_t)r.span.from,
				      (int64_t)cases[i].want_from);
			expect_number(cases[i].name, "to", (int64_t)r.span.to,
				      (int64_t)cases[i].want_to);
		}
		for (size_t f = 0; f < LOG_FILES; f++)
			buffer_deinit(&files[f]);
		log_deinit(&log);
	}
}

static void test_pieces(void **state)
{
	struct sealed_log log;

	(void)state;
	make_log(&log);
	for (size_t piece = 1; piece < 1200; piece += 1 + piece / 8) {
		struct verify_report r = verify(&log, log.files, piece);

		expect_number("in pieces", "fault", r.fault, VERIFY_SOUND);
		expect_number("in pieces", "seals", (int64_t)r.n_authentic, 10);
	}
	log_deinit(&log);
}

static void test_long_lines(void **state)
{
	static char text[EVENT_LINE_MAX * 2];
	struct verify_report r;
	struct sealed_log log;
	struct line line = { text, sizeof(text), 3, false };

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	log_init(&log);
	log_events(&log, 3);
	buffer_append(log_newest(&log), text, sizeof(text));
	sealer_add(log.sealer, (struct span){ text, sizeof(text) }, &line, 1);
	log_events(&log, 3);
	log_seal(&log);
	for (size_t piece = 1000; piece < sizeof(text) * 2; piece *= 3) {
		r = verify(&log, log.files, piece);
		expect_number("a long line", "fault", r.fault, VERIFY_SOUND);
		expect_number("a long line", "seals", (int64_t)r.n_authentic, 1);
	}
	log_deinit(&log);
}

/* Who has the key of now makes all seals anew: only the key from elsewhere tells. */
static void test_made_anew(void **state)
{
	struct sealed_log log, forged;
	struct verify_report r;

	(void)state;
	make_log(&log);
	make_log(&forged);
	r = verify_log(forged.files, forged.n_files, forged.key_text, forged.key_fd, 100);
	assert_int_equal(r.fault, VERIFY_SOUND);
	r = verify_log(forged.files, forged.n_files, NULL, forged.key_fd, 100);
	assert_int_equal(r.fault, VERIFY_SOUND);
	r = verify_log(forged.files, forged.n_files, log.key_text, forged.key_fd, 100);
	assert_int_equal(r.fault, VERIFY_FOREIGN);
	/* and a key file that is put back to an earlier number */
	r = verify_log(log.files, 1, log.key_text, forged.key_fd, 100);
	assert_int_equal(r.fault, VERIFY_CUT);
	log_deinit(&log);
	log_deinit(&forged);
}

/* A cut log with a key file made to fit has a key in it that nobody can make. */
static void test_a_key_file_made_to_fit(void **state)
{
	struct sealed_log log;
	struct verify_report r;
	struct seal_key key;

	(void)state;
	make_log(&log);
	assert_int_equal(seal_file_load(log.key_fd, &key), 0);
	key.number = 4;
	assert_int_equal(seal_file_store(log.key_fd, &key, false), 0);
	r = verify_log(log.files, 1, log.key_text, log.key_fd, 100);
	assert_int_equal(r.fault, VERIFY_REPLACED);
	log_deinit(&log);
}

/* A log that ends before the key that was given begins has lost its end. */
static void test_a_log_older_than_the_key(void **state)
{
	struct seal_key key;
	char text[SEAL_KEY_TEXT_SIZE];
	struct sealed_log log;
	struct verify_report r;

	(void)state;
	make_log(&log);
	assert_int_equal(seal_key_make(&key), 0);
	key.start = 20;
	seal_key_format(&key, text);
	r = verify_log(log.files, log.n_files, text, log.key_fd, 100);
	assert_int_equal(r.fault, VERIFY_CUT);
	assert_int_equal(r.seal, 10);
	assert_int_equal(r.last_seal, 19);
	log_deinit(&log);
}

/* The key file holds another key than those that were given: just made, or put there. */
static void test_a_key_file_of_another_key(void **state)
{
	struct sealed_log log;
	struct verify_report r;
	struct seal_key key;

	(void)state;
	make_log(&log);
	assert_int_equal(seal_key_make(&key), 0);
	key.start = key.number = 10;
	assert_int_equal(seal_file_store(log.key_fd, &key, false), 0);
	r = verify(&log, log.files, 100);
	assert_int_equal(r.fault, VERIFY_FOREIGN);
	assert_int_equal(r.seal, 10);
	log_deinit(&log);
}

/* The way to a far key is long: no seal is believed that there was no time for. */
static void test_more_seals_than_seconds(void **state)
{
	const uint64_t first_us = UINT64_C(1767225600) * USEC_PER_SEC; /* 2026 */
	const struct {
		const char *name;
		uint64_t now_us;
		enum verify_fault want;
	} cases[] = {
		{ "any number", 0, VERIFY_SOUND },
		{ "a clock that is wrong", first_us - 1, VERIFY_SOUND },
		{ "time for all", first_us + 5 * USEC_PER_SEC, VERIFY_SOUND },
		{ "not for the last", first_us + 4 * USEC_PER_SEC, VERIFY_FORGED },
	};
	struct seal_key key;
	struct sealed_log log;

	(void)state;
	make_log(&log);
	assert_int_equal(seal_key_parse(span_from(log.key_text), &key), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verifier *v = NULL;

		assert_int_equal(verifier_create(&key, 1, cases[i].now_us, &v), 0);
		for (size_t f = 0; f < log.n_files; f++) {
			verifier_begin(v, "log");
			assert_true(verifier_feed(v, buffer_span(&log.files[f])) >= 0);
		}
		expect_number(cases[i].name, "fault", verifier_finish(v, NULL)->fault,
			      cases[i].want);
		verifier_destroy(v);
	}
	log_deinit(&log);
}

static void test_lines_without_a_seal(void **state)
{
	struct sealed_log log;
	struct verify_report r;

	(void)state;
	make_log(&log);
	log_events(&log, 2);
	r = verify(&log, log.files, 100);
	assert_int_equal(r.fault, VERIFY_SOUND);
	assert_int_equal(r.unsealed.count, 2);
	assert_int_equal(r.unsealed.from, 46);
	log_next_file(&log); /* which the daemon never does without a seal */
	log_events(&log, 2);
	r = verify(&log, log.files, 100);
	assert_int_equal(r.fault, VERIFY_ADDED);
	assert_int_equal(r.span.from, 46);
	log_deinit(&log);
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* What a change did, as far as the lines go: is there one at all? */
static bool is_same_log(const struct sealed_log *log, const struct buffer *files)
{
	for (size_t i = 0; i < log->n_files; i++)
		if (!span_equal(buffer_span(&log->files[i]), buffer_span(&files[i])))
			return false;
	return true;
}

/*
 * The seal that is named is that of the changed line, or the one after a seal doubled; before
 * the first seal, where any number may come, it may be that of a seal that was put there.
 */
static void expect_found(const char *name, const struct verify_report *r,
			 const struct place *p)
{
	uint64_t last = r->last_seal + (r->fault == VERIFY_ADDED ? 1 : 0);
	bool names_seal = p->seal == 0 || (r->seal <= p->seal + 1 && p->seal <= last);
	bool names_line = r->span.from <= p->seq && p->seq <= r->span.to;

	if (r->fault == VERIFY_SOUND && r->unsealed.count == 0)
		fail_msg("%s: not found, seq %llu", name, (unsigned long long)p->seq);
	if (r->fault && !names_seal && !names_line)
		fail_msg("%s: seals %llu-%llu are named, not %llu", name,
			 (unsigned long long)r->seal, (unsigned long long)r->last_seal,
			 (unsigned long long)p->seal);
}

static void test_random_edits(void **state)
{
	static const enum change kinds[] = { REMOVE,	     DUPLICATE,
					     SWAP_WITH_NEXT, INSERT_SAME_LENGTH_TEXT,
					     CUT_HERE,	     FLIP };
	const char *wanted = getenv("LKSM_SEAL_EDITS");
	size_t n_edits = wanted ? strtoul(wanted, NULL, 10) : EDITS_DEFAULT, n = 0;
	struct buffer files[LOG_FILES] = { 0 };
	uint32_t random = 20261127;
	struct sealed_log log;
	struct map map;

	(void)state;
	make_log(&log);
	map_log(log.files, log.n_files, &map);
	while (n < n_edits) {
		enum change kind = kinds[next_random(&random) % ARRAY_SIZE(kinds)];
		size_t i = next_random(&random) % map.n;
		struct verify_report r;
		char name[64];

		if (kind == SWAP_WITH_NEXT &&
		    (i + 1 == map.n || map.places[i].file != map.places[i + 1].file))
			continue;
		copy_log(&log, files);
		apply(kind, files, &map, i, next_random(&random));
		if (is_same_log(&log, files))
			continue;
		n++;
		(void)snprintf(name, sizeof(name), "edit %zu, kind %d, line %zu", n, kind,
			       i);
		r = verify(&log, files, 1 + next_random(&random) % 4096);
		expect_found(name, &r, &map.places[i]);
	}
	print_message("# %zu edits, all found\n", n);
	for (size_t f = 0; f < LOG_FILES; f++)
		buffer_deinit(&files[f]);
	log_deinit(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_made_anew),
		cmocka_unit_test(test_a_key_file_made_to_fit),
		cmocka_unit_test(test_a_key_file_of_another_key),
		cmocka_unit_test(test_a_log_older_than_the_key),
		cmocka_unit_test(test_more_seals_than_seconds),
		cmocka_unit_test(test_lines_without_a_seal),
		cmocka_unit_test(test_random_edits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
