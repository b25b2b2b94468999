// SPDX-License-Identifier: Apache-2.0
/* See words.h. How FTS5's parts are got at: sqlite.org/fts5.html, 7. */
#include "output/history/words.h"

#include <errno.h>
#include <stdlib.h>

struct words {
	fts5_tokenizer tokenizer;
	Fts5Tokenizer *instance; /* owned */
};

struct visit {
	int (*take)(void *context, struct span word);
	void *context;
	int error;
};

/* NULL: there is no FTS5, or no memory. */
static fts5_api *find_api(sqlite3 *db)
{
	fts5_api *api = NULL;
	sqlite3_stmt *s = NULL;

	if (sqlite.prepare_v2(db, "SELECT fts5(?1)", -1, &s, NULL) == SQLITE_OK &&
	    sqlite.bind_pointer(s, 1, &api, "fts5_api_ptr", NULL) == SQLITE_OK)
		(void)sqlite.step(s); /* it fills @api, or does not */
	(void)sqlite.finalize(s);
	return api;
}

int words_create(sqlite3 *db, struct words **ret)
{
	fts5_api *api = find_api(db);
	struct words *w;
	void *context = NULL;

	if (!api)
		return -ENOSYS;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	/* the table words names none: that is the one of FTS5 */
	if (api->xFindTokenizer(api, "unicode61", &context, &w->tokenizer) != SQLITE_OK ||
	    w->tokenizer.xCreate(context, NULL, 0, &w->instance) != SQLITE_OK) {
		free(w);
		return -ENOMEM;
	}
	*ret = w;
	return 0;
}

void words_destroy(struct words *w)
{
	if (w)
		w->tokenizer.xDelete(w->instance);
	free(w);
}

static int take_token(void *context, int flags, const char *token, int len, int begin,
		      int end)
{
	struct visit *v = context;

	(void)flags, (void)begin, (void)end;
	v->error = v->take(v->context, (struct span){ token, (size_t)len });
	return v->error < 0 ? SQLITE_ABORT : SQLITE_OK;
}

int words_each(struct words *w, struct span text,
	       int (*take)(void *context, struct span word), void *context)
{
	struct visit v = { .take = take, .context = context };
	int r = w->tokenizer.xTokenize(w->instance, &v, FTS5_TOKENIZE_DOCUMENT,
				       text.data ? text.data : "", (int)text.len,
				       take_token);

	if (v.error < 0)
		return v.error;
	return r == SQLITE_OK ? 0 : -ENOMEM;
}
