// SPDX-License-Identifier: Apache-2.0
/* core/literals: the same answers as looking for each word by itself. */
#include "core/literals.h"

#include "expect.h"

#define WORDS_MAX 200

static void expect_found(const char *name, const struct span *words, size_t n,
			 struct span text)
{
	uint64_t found[(WORDS_MAX + 63) / 64] = { 0 };
	struct literals *l = NULL;

	assert_int_equal(literals_create(words, n, &l), 0);
	literals_scan(l, text, found);
	for (size_t i = 0; i < n; i++) {
		bool want = words[i].len && span_contains(text, words[i]);

		if ((found[i / 64] >> i % 64 & 1) != want)
			fail_msg("%s: '%.*s' in '%.*s': %d is wrong", name,
				 (int)words[i].len, words[i].data, (int)text.len,
				 text.data, !want);
	}
	literals_destroy(l);
}

static void test_words(void **state)
{
	static const struct span words[] = {
		BYTES("he"),
		BYTES("she"),
		BYTES("his"),
		BYTES("hers"),
		BYTES("e"),
		BYTES("sher"),
		BYTES("hers"),
		{ NULL, 0 },
		BYTES("\0x"),
		BYTES("\xff"),
		BYTES("ushe"),
		BYTES("rsx"),
		BYTES("Module loaded: "),
	};
	static const struct span texts[] = {
		BYTES("ushers"),	 BYTES(""),	   BYTES("h"),
		BYTES("a\0x\xff"),	 BYTES("hishers"), BYTES("Module loaded: she"),
		BYTES("Module loaded:"), BYTES("zzz"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		expect_found("words", words, ARRAY_SIZE(words), texts[i]);
	expect_found("no words", words, 0, texts[0]);
}

static uint32_t next_random(uint32_t *state)
{
	return *state = *state * 1664525 + 1013904223;
}

/* Few letters, so that words overlap, nest and repeat all the time. */
static void test_random(void **state)
{
	static char bytes[WORDS_MAX * 8 + 300];
	uint32_t random = 1;

	(void)state;
	for (int round = 0; round < 400; round++) {
		uint32_t letters = 1 + (next_random(&random) >> 16) % 4;
		size_t n = (next_random(&random) >> 16) % WORDS_MAX;
		struct span words[WORDS_MAX];

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)('a' + (next_random(&random) >> 16) % letters);
		for (size_t i = 0; i < n; i++)
			words[i] = (struct span){ bytes + i * 8,
						  1 + (next_random(&random) >> 16) % 8 };
		expect_found("random", words, n,
			     (struct span){ bytes + WORDS_MAX * 8,
					    (next_random(&random) >> 16) % 300 });
	}
}

static void test_every_byte(void **state)
{
	char bytes[256];
	struct span words[WORDS_MAX];

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	for (size_t i = 0; i < WORDS_MAX; i++)
		words[i] = (struct span){ bytes + i, 1 };
	expect_found("bytes", words, WORDS_MAX, (struct span){ bytes + 100, 156 });
	words[0] = (struct span){ bytes, 256 }; /* every byte has a class of its own */
	expect_found("all", words, 2, (struct span){ bytes, 256 });
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests_name("literals", tests, NULL, NULL);
}
