// SPDX-License-Identifier: Apache-2.0
/* See pairs.h. */
#include "output/history/pairs.h"

#include <errno.h>

#include "base/buffer.h"
#include "base/text.h"
#include "output/history/history.h"

int pairs_init(struct pairs *p)
{
	*p = (struct pairs){ .keys = json_object(), .changed = json_object() };
	return p->keys && p->changed ? 0 : -ENOMEM;
}

void pairs_deinit(struct pairs *p)
{
	json_decref(p->keys);
	json_decref(p->changed);
}

static void clear(struct pairs *p)
{
	(void)json_object_clear(p->keys); /* it is one */
	(void)json_object_clear(p->changed);
	p->is_full = false;
}

static int note_change(struct pairs *p, struct span name)
{
	return json_object_setn_new_nocheck(p->changed, name.data, name.len,
					    json_true()) < 0
		       ? -ENOMEM
		       : 0;
}

static int set_values(struct pairs *p, struct span name, json_t *values)
{
	return json_object_setn_new_nocheck(p->keys, name.data, name.len, values) < 0
		       ? -ENOMEM
		       : note_change(p, name);
}

static int add_value(struct pairs *p, struct span name, json_t *values, struct span token,
		     int64_t n)
{
	json_t *count = json_object_getn(values, token.data, token.len);

	if (count)
		(void)json_integer_set(count, json_integer_value(count) + n);
	else if (json_object_size(values) == PAIRS_VALUES)
		return set_values(p, name, json_null());
	else if (json_object_setn_new_nocheck(values, token.data, token.len,
					      json_integer(n)) < 0)
		return -ENOMEM;
	return note_change(p, name);
}

static int add(struct pairs *p, struct span name, struct span token, int64_t n)
{
	json_t *values = json_object_getn(p->keys, name.data, name.len);

	if (json_is_null(values))
		return 0;
	if (!token.len)
		return set_values(p, name, json_null());
	if (!values && json_object_size(p->keys) == PAIRS_KEYS) {
		p->is_full = true;
		return 0;
	}
	if (!values) {
		int r = set_values(p, name, json_object());

		if (r < 0)
			return r;
		values = json_object_getn(p->keys, name.data, name.len);
	}
	return add_value(p, name, values, token, n);
}

int pairs_add(struct pairs *p, int64_t kind, struct span key, struct span token,
	      int64_t n)
{
	_cleanup_buffer_ struct buffer name = { 0 };

	buffer_append_u64(&name, (uint64_t)kind);
	buffer_append_char(&name, ':');
	buffer_append_span(&name, key);
	return buffer_error(&name) ? -ENOMEM : add(p, buffer_span(&name), token, n);
}

static void finalize(sqlite3_stmt **s)
{
	(void)sqlite.finalize(*s);
}

static int store_value(sqlite3_stmt *s, struct span key, uint64_t kind, struct span token,
		       int64_t n)
{
	int r;

	(void)sqlite.bind_text(s, 1, key.data, (int)key.len, SQLITE_STATIC);
	(void)sqlite.bind_int64(s, 2, (int64_t)kind);
	(void)sqlite.bind_text(s, 3, token.data, (int)token.len, SQLITE_STATIC);
	(void)sqlite.bind_int64(s, 4, n);
	r = sqlite.step(s);
	(void)sqlite.reset(s); /* says again what step() said */
	return history_error(r);
}

/* Too many stand as one row, in the place of those that there were. */
static int store_too_many(sqlite3 *db, sqlite3_stmt *set, struct span key, uint64_t kind)
{
	_cleanup_(finalize) sqlite3_stmt *s = NULL;
	int r = history_error(sqlite.prepare_v2(
		db, "DELETE FROM pairs WHERE key = ?1 AND kind = ?2", -1, &s, NULL));

	if (r < 0)
		return r;
	(void)sqlite.bind_text(s, 1, key.data, (int)key.len, SQLITE_STATIC);
	(void)sqlite.bind_int64(s, 2, (int64_t)kind);
	r = history_error(sqlite.step(s));
	return r < 0 ? r : store_value(set, key, kind, SPAN(""), -1);
}

/* @name: "KIND:KEY" */
static int store_key(struct pairs *p, sqlite3 *db, sqlite3_stmt *set, struct span name)
{
	json_t *values = json_object_getn(p->keys, name.data, name.len), *n;
	const char *token;
	uint64_t kind = 0;
	size_t len;
	int r = 0;

	(void)take_number(&name, INT64_MAX, &kind); /* we wrote it */
	name = span_skip(name, 1);
	if (json_is_null(values))
		return store_too_many(db, set, name, kind);
	json_object_keylen_foreach(values, token, len, n)
	{
		r = store_value(set, name, kind, (struct span){ token, len },
				json_integer_value(n));
		if (r < 0)
			break;
	}
	return r;
}

int pairs_store(struct pairs *p, sqlite3 *db)
{
	_cleanup_(finalize) sqlite3_stmt *set = NULL;
	const char *name;
	json_t *value;
	size_t len;
	int r;

	if (!json_object_size(p->changed))
		return 0;
	r = history_error(sqlite.prepare_v2(db,
					    "INSERT INTO pairs VALUES(?1, ?2, ?3, ?4) "
					    "ON CONFLICT DO UPDATE SET n = ?4",
					    -1, &set, NULL));
	json_object_keylen_foreach(p->changed, name, len, value)
	{
		if (r >= 0)
			r = store_key(p, db, set, (struct span){ name, len });
	}
	if (r >= 0 && p->is_full)
		r = history_error(sqlite.exec(
			db, "UPDATE meta SET value = 1 WHERE key = 'pairs_full'", NULL,
			NULL, NULL));
	if (r >= 0)
		(void)json_object_clear(p->changed);
	return r;
}

static struct span column(sqlite3_stmt *s, int i)
{
	const char *text = (const char *)sqlite.column_text(s, i);

	return (struct span){ text ? text : "", (size_t)sqlite.column_bytes(s, i) };
}

static int load_full(struct pairs *p, sqlite3 *db)
{
	_cleanup_(finalize) sqlite3_stmt *s = NULL;
	int r = history_error(sqlite.prepare_v2(
		db, "SELECT value FROM meta WHERE key = 'pairs_full'", -1, &s, NULL));

	if (r < 0)
		return r;
	r = sqlite.step(s);
	p->is_full = r == SQLITE_ROW && sqlite.column_int(s, 0);
	return history_error(r);
}

int pairs_load(struct pairs *p, sqlite3 *db)
{
	_cleanup_(finalize) sqlite3_stmt *s = NULL;
	int step = SQLITE_DONE;
	int r = history_error(sqlite.prepare_v2(
		db, "SELECT key, kind, token, n FROM pairs", -1, &s, NULL));

	clear(p);
	while (r == 0 && (step = sqlite.step(s)) == SQLITE_ROW)
		r = pairs_add(p, sqlite.column_int64(s, 1), column(s, 0), column(s, 2),
			      sqlite.column_int64(s, 3));
	(void)json_object_clear(p->changed); /* the database has them */
	if (r == 0)
		r = history_error(step);
	return r < 0 ? r : load_full(p, db);
}
