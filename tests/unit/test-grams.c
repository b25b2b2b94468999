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

/* @n events from @first on: of three frequent words, two stand side by side in one of 200 */
static void append_phrases(uint64_t first, uint64_t n)
{
	_cleanup_fclose_ FILE *log = fopen(LOG, "ae");

	assert_non_null(log);
	for (uint64_t seq = first; seq < first + n; seq++)
		(void)fprintf(
			log,
			"{\"seq\": %llu, \"ts\": 1.0, \"type\": \"kind_%llu\", "
			"\"data\": {\"n\": %llu}, \"severity\": \"%s\", "
			"\"source\": \"s\", \"time\": "
			"\"2026-01-01T%02llu:%02llu:%02lluZ\", \"message\": "
			"\"%s\"}\n",
			(unsigned long long)seq, (unsigned long long)seq % 3,
			(unsigned long long)seq % 300, seq % 10 ? "info" : "critical",
			(unsigned long long)seq / 3600, (unsigned long long)seq / 60 % 60,
			(unsigned long long)seq % 60,
			seq % 200 == 7	   ? "alpha beta tail alpha beta"
			: seq % 200 == 110 ? "beta, beta: alpha"
			: seq % 2	   ? "Alpha then beta"
					   : "beta then alpha");
}

static const struct {
	const char *query;
	const char *
		in_text; /* what the index finds by the words alone; NULL: it says more */
} phrases[] = {
	{ "q=%22alpha+beta%22", "text : \"alpha beta\"" },
	{ "q=alpha-BETA", "text : \"alpha beta\"" },
	{ "q=%22beta+alpha%22", "text : \"beta alpha\"" },
	{ "q=%22beta+beta%22", "text : \"beta beta\"" },
	{ "q=%22alpha+alpha%22", "text : \"alpha alpha\"" },
	{ "q=%22beta+beta+alpha%22", "text : \"beta beta alpha\"" },
	{ "q=%22alpha+beta+alpha%22", "text : \"alpha beta alpha\"" },
	{ "q=%22alpha+beta+tail%22", "text : \"alpha beta tail\"" },
	{ "q=%22alpha+beta+ta%22*", "text : \"alpha beta ta\" *" },
	{ "q=%22alpha+be%22*", "text : \"alpha be\" *" },
	{ "q=%22alpha+beta%22+then", "text : \"alpha beta\" AND text : then" },
	{ "q=%22alpha+beta%22+%22beta+tail%22", "text : \"alpha beta tail\"" },
	{ "q=then+-%22alpha+beta%22", "text : then NOT text : \"alpha beta\"" },
	{ "q=-%22alpha+beta%22", "text : alpha NOT text : \"alpha beta\"" },
	{ "q=-%22beta+beta%22+-%22alpha+beta%22", "text : then" },
	{ "q=%22alpha+then+beta%22", "text : \"alpha then beta\"" },
	{ "q=alpha+-%22alpha+then+beta%22",
	  "text : alpha NOT text : \"alpha then beta\"" },
	{ "q=-%22alpha+beta%22+then", "text : then NOT text : \"alpha beta\"" },
	{ "q=-tail", "text : alpha NOT text : tail" },
	{ "q=alpha+-tail", "text : alpha NOT text : tail" },
	{ "q=%22alpha+beta%22&severity=critical", NULL },
	{ "q=%22beta+beta%22&severity=critical", NULL },
	{ "q=-%22beta+beta%22&severity=critical", NULL },
	{ "q=%22alpha+beta%22&data.n=7", NULL },
	{ "q=%22alpha+beta%22&!data.n=7", NULL },
	{ "q=%22alpha+beta%22+kind_1", NULL },
};

/* Each way to count, and a page in both orders, has what the words alone have. */
static void check_phrases(const char *what)
{
	static const char *const ranges[] = {
		"",
		"&since=2026-01-01T01:03:00Z&until=2026-01-01T07:58:00Z",
		"&since=2026-01-01T06:00:00Z",
		"&until=2026-01-01T02:00:00Z",
	};

	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ranges); k++) {
			char text[160], down[200], up[240], fine[200];
			int64_t n;

			(void)snprintf(text, sizeof(text), "%s%s", phrases[i].query,
				       ranges[k]);
			(void)snprintf(down, sizeof(down), "%s&limit=100000", text);
			(void)snprintf(up, sizeof(up), "%s&order=asc", down);
			n = (int64_t)count_events(down);
			expect_number(up, what, (int64_t)count_events(up), n);
			expect_number(text, what, count_facets(text), n);
			(void)snprintf(fine, sizeof(fine), "%s&bucket=60", text);
			expect_number(fine, what, count_buckets(fine), n);
			if (k == 0 && phrases[i].in_text)
				expect_number(text, what,
					      index_number("SELECT count(*) FROM words "
							   "WHERE words MATCH ?1",
							   phrases[i].in_text),
					      n);
		}
}

/* Events that the index finds by the token of a phrase, if they are no other than have it. */
static int64_t count_tokens(const char *first, const char *second)
{
	char match[64];

	(void)snprintf(match, sizeof(match), "data : \"p%llxx%llx\"",
		       (unsigned long long)index_number(
			       "SELECT id FROM grams WHERE gram = ?1", first),
		       (unsigned long long)index_number(
			       "SELECT id FROM grams WHERE gram = ?1", second));
	return index_number("SELECT count(*) FROM words WHERE words MATCH ?1", match);
}

static int64_t count_from(const char *pattern)
{
	return index_number("SELECT count(*) FROM events WHERE line LIKE ?1 AND seq >= "
			    "(SELECT max(since) FROM grams)",
			    pattern);
}

/* Two frequent words in a row, which are not frequent together, have a token. */
static void test_rare_phrases(void **state)
{
	struct fixture *f = *state;
	int64_t before, other;

	append_phrases(0, GRAMS_FROM + 100);
	start(f, 0, 0);
	take_all(f);
	append_phrases(GRAMS_FROM + 100, 5000);
	take_all(f);
	indexer_destroy(f->indexer);
	append_phrases(GRAMS_FROM + 5100, 5000);
	start(f, 0, 2000000);
	take_all(f);
	assert_true(count_from("%beta tail%") > 20);
	expect_number("alpha beta", "tokens", count_tokens("alpha", "beta"),
		      count_from("%beta tail%"));
	expect_number("beta beta", "tokens", count_tokens("beta", "beta"),
		      count_from("%beta, beta%"));
	expect_number("alpha then", "tokens", count_tokens("alpha", "then"), 0);
	check_phrases("as it comes");
	before = count_tokens("alpha", "beta");
	other = count_tokens("beta", "beta");
	while (indexer_trim(f->indexer, NOW) > 0)
		;
	/* what goes takes its tokens with it; critical ones stay */
	assert_true(count_tokens("alpha", "beta") < before);
	assert_true(count_tokens("beta", "beta") == other);
	expect_number("alpha beta", "tokens left", count_tokens("alpha", "beta"),
		      count_from("%beta tail%"));
	check_phrases("as it goes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(test_what_is_frequent),
		WITH_FOLDER(test_rare_phrases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
