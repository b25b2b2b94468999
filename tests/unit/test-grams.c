// SPDX-License-Identifier: Apache-2.0
/* output/history/grams: what is frequent is counted, and says the same as what is found. */
#include "output/history/grams.h"

#include "history_fixture.h"

#define NOW (UINT64_C(20000) * 86400000000)

static int64_t count_buckets(const char *text)
{
	json_t *answer = answer_of(QUERY_HISTOGRAM, text), *bucket;
	int64_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(answer, "buckets"), i, bucket)
		n += sum(bucket); /* its time is no number */
	json_decref(answer);
	return n;
}

/* The table of what is frequent, and that each way to count says the same. */
static void check_frequent(const char *what)
{
	static const char *const ranges[] = {
		"",
		"&since=2026-01-01T01:00:00Z&until=2026-01-01T02:00:00Z",
		"&since=2026-01-01T01:03:00Z&until=2026-01-01T03:58:00Z",
		"&since=2026-01-01T04:07:00Z",
		"&until=2026-01-01T05:31:00Z",
		"&since=2026-01-01T02:01:00Z&until=2026-01-01T02:09:00Z",
	};
	static const char *const questions[] = {
		"q=more",
		"q=-more",
		"q=\"and+more\"",
		"q=\"more+of\"",
		"q=of",
		"q=-of",
		"q=of+word7",
		"q=of+-word7",
		"q=more+-word7+-word8",
		"q=more+-of",
		"q=\"more+of+it\"",
		"q=mor*",
		"q=kind_1",
		"q=of+-kind_1",
		"data.few=0",
		"!data.few=0",
		"data.few=0&q=of",
		"!data.few=0&q=of",
		"data.same=x",
		"!data.same=x&q=more",
		"q=more&boot_id=b1",
		"q=of&boot_id=!b1",
		"q=of&severity=critical",
	};

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ranges); k++) {
			char text[128], all[160], fine[160];
			int64_t n;

			(void)snprintf(text, sizeof(text), "%s%s", questions[i],
				       ranges[k]);
			(void)snprintf(all, sizeof(all), "%s&limit=100000", text);
			(void)snprintf(fine, sizeof(fine), "%s&bucket=60", text);
			n = (int64_t)count_events(all);
			expect_number(text, what, count_facets(text), n);
			expect_number(fine, what, count_buckets(fine), n);
		}
}

/* In how many events a gram is, as the table has it; 0: it is not there. */
static int64_t count_gram(const char *gram)
{
	return index_number("SELECT total(n) FROM gram_counts JOIN grams "
			    "ON id = gram_counts.gram WHERE grams.gram = ?1",
			    gram);
}

/* What is frequent is counted when it is found so, then as it comes, and as it goes. */
static void test_what_is_frequent(void **state)
{
	struct fixture *f = *state;
	int64_t left;

	append(0, GRAMS_FROM);
	start(f, 0, 0);
	take_all(f);
	expect_number("more of", "found", count_gram("more of"), GRAMS_FROM / 5);
	expect_number("word7", "found", count_gram("word7"), 0);
	append(GRAMS_FROM, 1500);
	take_all(f);
	indexer_destroy(f->indexer);
	append(GRAMS_FROM + 1500, 1500);
	start(f, 0, 5000000);
	take_all(f);
	expect_number("more of", "as it comes", count_gram("more of"),
		      (GRAMS_FROM + 3000) / 5);
	check_frequent("as it comes");
	while (indexer_trim(f->indexer, NOW) > 0)
		;
	left = (int64_t)count_events("limit=100000");
	assert_true(left < GRAMS_FROM);
	expect_number("more", "as it goes", count_gram("more"), left);
	check_frequent("as it goes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(test_what_is_frequent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
