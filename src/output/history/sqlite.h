/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of SQLite: sqlite3_step() is sqlite.step(). See base/library.h. */
#ifndef OUTPUT_HISTORY_SQLITE_H
#define OUTPUT_HISTORY_SQLITE_H

#include <sqlite3.h>

#include "base/library.h"

/* clang-format off */
#define SQLITE_CALLS(X) \
	X(sqlite3_, bind_int64) \
	X(sqlite3_, bind_pointer) \
	X(sqlite3_, bind_text) \
	X(sqlite3_, bind_text64) \
	X(sqlite3_, busy_timeout) \
	X(sqlite3_, clear_bindings) \
	X(sqlite3_, close) \
	X(sqlite3_, column_blob) \
	X(sqlite3_, column_bytes) \
	X(sqlite3_, column_int) \
	X(sqlite3_, column_int64) \
	X(sqlite3_, column_text) \
	X(sqlite3_, column_type) \
	X(sqlite3_, db_config) \
	X(sqlite3_, errmsg) \
	X(sqlite3_, exec) \
	X(sqlite3_, finalize) \
	X(sqlite3_, hard_heap_limit64) \
	X(sqlite3_, last_insert_rowid) \
	X(sqlite3_, open_v2) \
	X(sqlite3_, prepare_v2) \
	X(sqlite3_, prepare_v3) \
	X(sqlite3_, progress_handler) \
	X(sqlite3_, reset) \
	X(sqlite3_, step) \
	X(sqlite3_, vfs_find) \
	X(sqlite3_, vfs_register) \
	X(sqlite3_, wal_checkpoint_v2)
/* clang-format on */

struct sqlite_calls {
	SQLITE_CALLS(LIBRARY_MEMBER)
} LIBRARY_TABLE;

extern struct sqlite_calls sqlite;

/** sqlite_load() - see library_load(); history_enter() does it */
int sqlite_load(struct buffer *error);

#endif
