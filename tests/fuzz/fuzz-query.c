// SPDX-License-Identifier: Apache-2.0
/*
 * What a stranger may ask of the history: the first byte is the operation, the rest the query
 * string. What is taken has to be something that FTS5 can read.
 */
#include "output/history/query.h"

#include <errno.h>
#include <sqlite3.h>

#include "fuzz.h"

static sqlite3_stmt *prepare(void)
{
	static sqlite3_stmt *s;
	sqlite3 *db;

	if (s)
		return s;
	MUST(sqlite3_open(":memory:", &db) == SQLITE_OK);
	MUST(sqlite3_exec(db,
			  "CREATE VIRTUAL TABLE words USING fts5(text, dims, data, "
			  "content='', columnsize=0);"
			  "INSERT INTO words(rowid, text) VALUES(1, 'a b c')",
			  NULL, NULL, NULL) == SQLITE_OK);
	MUST(sqlite3_prepare_v2(db, "SELECT rowid FROM words WHERE words MATCH ?1", -1,
				&s, NULL) == SQLITE_OK);
	return s;
}

static void search(const struct buffer *match)
{
	sqlite3_stmt *s = prepare();
	int r;

	if (!match->len)
		return;
	MUST(sqlite3_bind_text(s, 1, match->data, (int)match->len, SQLITE_STATIC) ==
	     SQLITE_OK);
	r = sqlite3_step(s);
	MUST(r == SQLITE_ROW || r == SQLITE_DONE);
	(void)sqlite3_reset(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer error = { 0 };
	struct query q;
	int r;

	if (!size)
		return 0;
	r = query_parse((enum query_operation)(1 << (data[0] % 6)),
			(struct span){ (const char *)data + 1, size - 1 }, &q, &error);
	MUST(r == 0 || (r == -EINVAL && error.len > 0));
	if (r == 0) {
		MUST(q.limit >= 1 && q.limit <= QUERY_EXPORT_MAX && q.bucket_s % 60 == 0);
		MUST(q.n_pairs <= QUERY_VALUES_MAX);
		MUST(q.n_terms <= QUERY_TERMS_MAX);
		for (size_t i = 0; i < q.n_terms; i++) {
			struct buffer term = { 0 };

			query_append_term(&term, &q.terms[i]);
			search(&term);
			(void)query_term_names(&q.terms[i], q.terms[0].text);
			buffer_deinit(&term);
		}
	}
	query_deinit(&q);
	buffer_deinit(&error);
	return 0;
}
