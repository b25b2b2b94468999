// SPDX-License-Identifier: Apache-2.0
/* See history.h. */
#include "output/history/history.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lksm/event_fields.h"

/* FNV-1a: two pairs with one hash are told apart by who finds them. */
#define HASH_BASIS UINT64_C(14695981039346656037)
#define HASH_PRIME UINT64_C(1099511628211)

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
	const sqlite3_vfs *usual = sqlite3_vfs_find(NULL);

	if (!usual)
		return -ENOSYS;
	vfs = *usual;
	vfs.zName = HISTORY_VFS;
	vfs.xFullPathname = keep_name;
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
		return -ENOMEM;
	/* whatever it was: the folder's group reads what is made here */
	(void)umask(0027);
	return fchdir(folder) < 0 ? -errno : 0;
}

void history_schema(struct buffer *out)
{
	buffer_append_literal(
		out, "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
		     "CREATE TABLE dims(id INTEGER PRIMARY KEY, severity INTEGER, "
		     "type TEXT, source TEXT, host TEXT, rule TEXT, n INTEGER);"
		     "CREATE TABLE minutes(minute INTEGER, dims INTEGER, n INTEGER, "
		     "first INTEGER, last INTEGER, PRIMARY KEY(minute, dims)) "
		     "WITHOUT ROWID;"
		     "CREATE VIRTUAL TABLE words USING fts5(text, dims, data, "
		     "content='', columnsize=0);"
		     "CREATE TABLE events(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, "
		     "dim INTEGER NOT NULL, line TEXT NOT NULL");
	for (size_t i = 1; i < ARRAY_SIZE(fields); i++) /* seq is there */
		buffer_appendf(out, ", \"%s\" AS (json_extract(line, '$.%s')) VIRTUAL",
			       fields[i], fields[i]);
	buffer_appendf(out,
		       ");CREATE INDEX events_dim ON events(dim, seq, at);"
		       "INSERT INTO words(words, rank) VALUES('hashsize', 16777216);"
		       "INSERT INTO meta VALUES('name', ''), ('offset', 0), "
		       "('next_seq', 0), ('complete', 0);PRAGMA user_version = %d;",
		       HISTORY_VERSION);
}

/* All that the schema says, as one text. */
static int read_schema(sqlite3 *db, struct buffer *out)
{
	sqlite3_stmt *s = NULL;
	int r = sqlite3_prepare_v2(db,
				   "SELECT type, name, tbl_name, sql FROM sqlite_schema "
				   "ORDER BY type, name",
				   -1, &s, NULL);

	while (r == SQLITE_OK && (r = sqlite3_step(s)) == SQLITE_ROW) {
		for (int i = 0; i < 4; i++) {
			const char *text = (const char *)sqlite3_column_text(s, i);

			buffer_appendf(out, "%s\n", text ? text : "");
		}
		r = SQLITE_OK;
	}
	(void)sqlite3_finalize(s);
	return r == SQLITE_DONE ? out->error : history_error(r);
}

/* Once it is known to be ours: some SQLite takes json_extract() for harmful otherwise. */
static int trust_schema(sqlite3 *db)
{
	return history_error(
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL));
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
		       ? history_error(sqlite3_exec(db, schema.data, NULL, NULL, NULL))
		       : -ENOMEM;
}

/* A schema is code that whoever opens the database runs: it has to be what we make. */
static int compare_schema(sqlite3 *db)
{
	_cleanup_buffer_ struct buffer is = { 0 }, wanted = { 0 };
	sqlite3 *model = NULL;
	int r = history_error(sqlite3_open_v2(
		":memory:", &model,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));

	if (r >= 0)
		r = make_schema(model);
	if (r >= 0)
		r = read_schema(model, &wanted);
	(void)sqlite3_close(model);
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
	int r = sqlite3_prepare_v2(db,
				   "SELECT user_version, (SELECT count(*) FROM "
				   "sqlite_schema) FROM pragma_user_version",
				   -1, &s, NULL);
	int version = -1, n_tables = 0;

	if (r == SQLITE_OK && (r = sqlite3_step(s)) == SQLITE_ROW) {
		version = sqlite3_column_int(s, 0);
		n_tables = sqlite3_column_int(s, 1);
	}
	(void)sqlite3_finalize(s);
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

static uint64_t hash(uint64_t h, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.data[i]) * HASH_PRIME;
	return h;
}

void history_token(struct span key, struct span value,
		   char ret[static HISTORY_TOKEN_SIZE])
{
	uint64_t h = hash(hash(hash(HASH_BASIS, key), SPAN("=")), value);

	(void)snprintf(ret, HISTORY_TOKEN_SIZE, "k%016" PRIx64, h);
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
