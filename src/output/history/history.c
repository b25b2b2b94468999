// SPDX-License-Identifier: Apache-2.0
/* See history.h. */
#include "output/history/history.h"

#include <errno.h>
#include <inttypes.h>
#include <assert.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lksm/event_fields.h"

#include "output/history/query.h"

static const char *const fields[] = {
#define X(name, title, kind, presence, view, description) #name,
	LKSM_EVENT_FIELDS(X)
#undef X
};

/* SQLite's own would put the current folder's path in front. */
static int keep_name(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
	(void)vfs;
	if ((size_t)snprintf(ret, (size_t)size, "%s", name) >= (size_t)size)
		return SQLITE_CANTOPEN;
	return SQLITE_OK;
}

int history_enter(int folder)
{
	static sqlite3_vfs vfs; /* SQLite keeps it */
	const sqlite3_vfs *usual;
	int r = sqlite_load(NULL);

	if (r < 0)
		return r;
	usual = sqlite.vfs_find(NULL);
	if (!usual)
		return -ENOSYS;
	vfs = *usual;
	vfs.zName = HISTORY_VFS;
	vfs.xFullPathname = keep_name;
	if (sqlite.vfs_register(&vfs, 0) != SQLITE_OK)
		return -ENOMEM;
	/* whatever it was: the folder's group reads what is made here */
	(void)umask(0027);
	return fchdir(folder) < 0 ? -errno : 0;
}

void history_schema(struct buffer *out)
{
	unsigned char secret[HISTORY_KEY_BYTES];
	char hex[2 * HISTORY_KEY_BYTES + 1];

	randombytes_buf(secret, sizeof(secret));
	(void)sodium_bin2hex(hex, sizeof(hex), secret, sizeof(secret));
	buffer_append_literal(
		out, "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
		     "CREATE TABLE dims(id INTEGER PRIMARY KEY, kind INTEGER, "
		     "n INTEGER, severity INTEGER" QUERY_COLUMNS ");"
		     "CREATE TABLE minutes(minute INTEGER, dims INTEGER, n INTEGER, "
		     "first INTEGER, last INTEGER, PRIMARY KEY(minute, dims)) "
		     "WITHOUT ROWID;"
		     "CREATE TABLE pairs(key TEXT, kind INTEGER, token TEXT, n INTEGER, "
		     "PRIMARY KEY(key, kind, token)) WITHOUT ROWID;"
		     "CREATE TABLE grams(id INTEGER PRIMARY KEY, gram TEXT UNIQUE, "
		     "since INTEGER);"
		     "CREATE TABLE gram_counts(gram INTEGER, dims INTEGER, span INTEGER, "
		     "n INTEGER, PRIMARY KEY(gram, dims, span)) WITHOUT ROWID;"
		     "CREATE VIRTUAL TABLE words USING fts5(text, dims, data, "
		     "content='', columnsize=0);"
		     "CREATE TABLE events(seq INTEGER PRIMARY KEY, at INTEGER NOT "
		     "NULL, "
		     "dim INTEGER NOT NULL, phrases TEXT, line TEXT NOT NULL");
	for (size_t i = 1; i < ARRAY_SIZE(fields); i++) /* seq is there */
		buffer_appendf(out, ", \"%s\" AS (json_extract(line, '$.%s')) VIRTUAL",
			       fields[i], fields[i]);
	buffer_appendf(
		out,
		");CREATE INDEX events_dim ON events(dim, seq, at);"
		"INSERT INTO words(words, rank) VALUES('hashsize', 16777216);"
		"INSERT INTO meta VALUES('name', ''), ('offset', 0), "
		"('next_seq', 0), ('complete', 0), ('pairs_full', 0), ('secret', x'%s');"
		"PRAGMA user_version = %d;",
		hex, HISTORY_VERSION);
}

/* All that the schema says, as one text. */
static int read_schema(sqlite3 *db, struct buffer *out)
{
	sqlite3_stmt *s = NULL;
	int r = sqlite.prepare_v2(db,
				  "SELECT type, name, tbl_name, sql FROM sqlite_schema "
				  "ORDER BY type, name",
				  -1, &s, NULL);

	while (r == SQLITE_OK && (r = sqlite.step(s)) == SQLITE_ROW) {
		for (int i = 0; i < 4; i++) {
			const char *text = (const char *)sqlite.column_text(s, i);

			buffer_appendf(out, "%s\n", text ? text : "");
		}
		r = SQLITE_OK;
	}
	(void)sqlite.finalize(s);
	return r == SQLITE_DONE ? out->error : history_error(r);
}

/* Once it is known to be ours: some SQLite takes json_extract() for harmful otherwise. */
static int trust_schema(sqlite3 *db)
{
	return history_error(
		sqlite.db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL));
}

static int make_schema(sqlite3 *db)
{
	_cleanup_buffer_ struct buffer schema = { 0 };
	int r = trust_schema(db);

	if (r < 0)
		return r;
	buffer_append_literal(&schema, "BEGIN;");
	history_schema(&schema);
	buffer_append_literal(&schema, "COMMIT;");
	return buffer_cstring(&schema)
		       ? history_error(sqlite.exec(db, schema.data, NULL, NULL, NULL))
		       : -ENOMEM;
}

/* A schema is code that whoever opens the database runs: it has to be what we make. */
static int compare_schema(sqlite3 *db)
{
	_cleanup_buffer_ struct buffer is = { 0 }, wanted = { 0 };
	sqlite3 *model = NULL;
	int r = history_error(sqlite.open_v2(
		":memory:", &model,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));

	if (r >= 0)
		r = make_schema(model);
	if (r >= 0)
		r = read_schema(model, &wanted);
	(void)sqlite.close(model);
	if (r >= 0)
		r = read_schema(db, &is);
	if (r < 0)
		return r;
	return span_equal(buffer_span(&is), buffer_span(&wanted)) ? trust_schema(db)
								  : -EUCLEAN;
}

int history_prepare(sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int r = sqlite.prepare_v2(db,
				  "SELECT user_version, (SELECT count(*) FROM "
				  "sqlite_schema) FROM pragma_user_version",
				  -1, &s, NULL);
	int version = -1, n_tables = 0;

	if (r == SQLITE_OK && (r = sqlite.step(s)) == SQLITE_ROW) {
		version = sqlite.column_int(s, 0);
		n_tables = sqlite.column_int(s, 1);
	}
	(void)sqlite.finalize(s);
	if (r != SQLITE_ROW)
		return history_error(r);
	if (version == 0 && n_tables == 0)
		return make_schema(db);
	return version == HISTORY_VERSION ? compare_schema(db) : -EUCLEAN;
}

int history_remove(void)
{
	static const char *const names[] = { HISTORY_FILE "-wal", HISTORY_FILE "-shm",
					     HISTORY_FILE "-journal", HISTORY_FILE };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (unlink(names[i]) < 0 && errno != ENOENT)
			return -errno;
	return 0;
}

int history_error(int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_ERROR: /* a table of ours is not there */
		return -EUCLEAN;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EAGAIN;
	case SQLITE_INTERRUPT:
		return -ETIME;
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return -EACCES;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	default:
		return -EIO;
	}
}

int history_load_key(sqlite3 *db, unsigned char ret[static HISTORY_KEY_BYTES])
{
	sqlite3_stmt *s = NULL;
	int r = sqlite.prepare_v2(db, "SELECT value FROM meta WHERE key = 'secret'", -1,
				  &s, NULL);
	int e = history_error(r);

	if (r == SQLITE_OK)
		e = history_error(r = sqlite.step(s));
	if (e == 0 && (r != SQLITE_ROW || sqlite.column_bytes(s, 0) != HISTORY_KEY_BYTES))
		e = -EUCLEAN;
	if (e == 0)
		memcpy(ret, sqlite.column_blob(s, 0), HISTORY_KEY_BYTES);
	(void)sqlite.finalize(s);
	return e;
}

/* The key's length stands before it: no two pairs are one text. */
int history_token(const unsigned char secret[static HISTORY_KEY_BYTES], struct span key,
		  struct span value, char ret[static HISTORY_TOKEN_SIZE])
{
	_cleanup_buffer_ struct buffer pair = { 0 };
	unsigned char hash[crypto_shorthash_BYTES];

	static_assert(crypto_shorthash_KEYBYTES == HISTORY_KEY_BYTES, "SipHash");
	buffer_append_u64(&pair, key.len);
	buffer_append_char(&pair, ':');
	buffer_append_span(&pair, key);
	buffer_append_span(&pair, value);
	if (buffer_error(&pair))
		return -ENOMEM;
	(void)crypto_shorthash(hash, (const unsigned char *)pair.data, pair.len, secret);
	*ret = 'k';
	(void)sodium_bin2hex(ret + 1, HISTORY_TOKEN_SIZE - 1, hash, sizeof(hash));
	return 0;
}

bool history_scalar(const void *json, char number[static 32], struct span *ret)
{
	const json_t *value = json;

	if (json_is_string(value))
		*ret = (struct span){ json_string_value(value),
				      json_string_length(value) };
	else if (json_is_integer(value))
		*ret = (struct span){ number, (size_t)snprintf(
						      number, 32, "%" JSON_INTEGER_FORMAT,
						      json_integer_value(value)) };
	else if (json_is_boolean(value))
		*ret = json_is_true(value) ? SPAN("true") : SPAN("false");
	else
		return false;
	return true;
}
