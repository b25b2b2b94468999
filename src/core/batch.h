/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one poll() of one module handed over: at most LKSM_BATCH_EVENTS items in one arena,
 * filled by the intake through struct lksm_host, emptied by the writer. Fixed memory.
 */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include "lksm/module.h"

#include "base/clock.h"
#include "core/event.h"

/** BATCH_ARENA_SIZE - bytes of text and keys in one batch */
#define BATCH_ARENA_SIZE ((size_t)512 << 10)

/**
 * BATCH_RESERVE_ITEMS - batch_has_room() promises so many more items, and two of the longest
 * records, so that a reader can tell of a gap before the record that showed it
 */
#define BATCH_RESERVE_ITEMS 8

struct inbox;
struct lksm_batch;

int batch_create(struct lksm_batch **ret);
void batch_destroy(struct lksm_batch *b);

/**
 * batch_reset() - empty it for a poll of one module
 * @source: the module's name; must outlive the batch's use
 * @is_builtin: it may hand over records, and its types that stand in event_types.h are
 *	LKSM's own (source "lksm")
 */
void batch_reset(struct lksm_batch *b, const char *source, bool is_builtin,
		 struct now now);

size_t batch_count(const struct lksm_batch *b);

/* The calls of struct lksm_host that fill a batch. */
bool batch_has_room(const struct lksm_batch *b);
int batch_emit(struct lksm_batch *b, uint64_t ts_us, const char *type,
	       enum lksm_severity severity);
int batch_add_str(struct lksm_batch *b, const char *key, const char *value, size_t len);
int batch_add_int(struct lksm_batch *b, const char *key, int64_t value);
int batch_emit_record(struct lksm_batch *b, const struct lksm_record *record);

/** batch_add_json() - a value encoded in our own style, at most LKSM_VALUE_MAX bytes */
int batch_add_json(struct lksm_batch *b, const char *key, struct span json);

/** batch_set_raw() - the event's raw text, given by who saw the bytes; else made from them */
int batch_set_raw(struct lksm_batch *b, struct span raw);

/** batch_emit_own() - an event of LKSM's own about this module, whatever the batch's source */
int batch_emit_own(struct lksm_batch *b, const char *type, enum lksm_severity severity);

/** batch_cancel() - take back the last item; only one, and only before the next emit */
void batch_cancel(struct lksm_batch *b);

/**
 * batch_get() - the i-th item, 0 <= i < batch_count()
 * @record: set if the item is a record for naming_name(). Its time_us is what the record
 *	says itself, else derived from its ts_us and the two clocks when it was read
 * @event: else filled: type, severity, data, source, ts, time, and raw if some text of
 *	data is not valid UTF-8: then "key=text" with the text escaped as the kernel
 *	would, for each such key
 *
 * Everything points into the batch; raw only until the next call. Return: true if it is
 * a record.
 */
bool batch_get(struct lksm_batch *b, size_t i, struct lksm_record *record,
	       struct lksm_event *event);

/** batch_set_inbox() - it is a turn of an external module's; until batch_reset() */
void batch_set_inbox(struct lksm_batch *b, struct inbox *inbox);

/** batch_note_seq() - the i-th event is about to be logged as @seq */
void batch_note_seq(struct lksm_batch *b, size_t i, uint64_t seq);

/** batch_land() - all of it is in the log. Return: whether an external module waits for that */
bool batch_land(struct lksm_batch *b);

#endif
