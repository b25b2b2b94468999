// SPDX-License-Identifier: Apache-2.0
/*
 * See batch.h. The arena is used from both ends: text grows up from its start, the keys
 * of data (struct datum) grow down from its end, so neither needs a limit of its own.
 */
#include "core/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "core/inbox.h"
#include "core/kmsg.h"

#define NAME_MAX_BYTES 63 /* of a type, and of a key */

#define DATA_CAPACITY (BATCH_ARENA_SIZE / sizeof(struct datum))

/* Two records of the longest kind and the few keys of the events that explain a gap. */
#define RESERVE_BYTES \
	(2 * ((size_t)LKSM_VALUE_MAX + 64) + 32 * (sizeof(struct datum) + 64))

struct item {
	bool is_record;
	struct lksm_record record;
	uint64_t ts_us, time_us;
	const char *type, *source, *attack;
	enum lksm_severity severity;
	struct span raw;
	size_t first_datum, n_data;
	size_t arena_used; /* before the item, for batch_cancel() */
};

struct lksm_batch {
	char source[NAME_MAX_BYTES + 1]; /* a copy: the module may be gone first */
	bool is_builtin;
	struct now now;
	struct inbox *inbox; /* NULL: none */
	size_t n_items, n_data, arena_used;
	struct buffer raw;
	struct item items[LKSM_BATCH_EVENTS];
	union {
		char bytes[BATCH_ARENA_SIZE];
		struct datum data[DATA_CAPACITY];
	} arena;
};

int batch_create(struct lksm_batch **ret)
{
	struct lksm_batch *b = malloc(sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->raw = (struct buffer){ .limit = EVENT_LINE_MAX };
	batch_reset(b, "", false, (struct now){ 0, 0 });
	*ret = b;
	return 0;
}

void batch_destroy(struct lksm_batch *b)
{
	if (!b)
		return;
	buffer_deinit(&b->raw);
	free(b);
}

void batch_reset(struct lksm_batch *b, const char *source, bool is_builtin,
		 struct now now)
{
	size_t len = strnlen(source, sizeof(b->source) - 1);

	memcpy(b->source, source, len);
	b->source[len] = '\0';
	b->is_builtin = is_builtin;
	b->now = now;
	b->inbox = NULL;
	b->n_items = 0;
	b->n_data = 0;
	b->arena_used = 0;
}

size_t batch_count(const struct lksm_batch *b)
{
	return b->n_items;
}

static struct datum *datum_at(struct lksm_batch *b, size_t i)
{
	return &b->arena.data[DATA_CAPACITY - 1 - i];
}

static size_t room(const struct lksm_batch *b)
{
	return (DATA_CAPACITY - b->n_data) * sizeof(struct datum) - b->arena_used;
}

bool batch_has_room(const struct lksm_batch *b)
{
	return b->n_items + BATCH_RESERVE_ITEMS <= LKSM_BATCH_EVENTS &&
	       room(b) >= RESERVE_BYTES;
}

/* A copy with a NUL behind it. */
static const char *keep(struct lksm_batch *b, const char *data, size_t n)
{
	char *to = b->arena.bytes + b->arena_used;

	if (n >= room(b))
		return NULL;
	if (n)
		memcpy(to, data, n);
	to[n] = '\0';
	b->arena_used += n + 1;
	return to;
}

/* Wall-clock time of something that happened at @ts_us, by the offset of this drain. */
static uint64_t wall_time(struct now now, uint64_t ts_us)
{
	uint64_t age = ts_us < now.mono_us ? now.mono_us - ts_us : 0;

	return age < now.real_us ? now.real_us - age : now.real_us;
}

static struct item *begin_item(struct lksm_batch *b)
{
	struct item *item = &b->items[b->n_items];

	if (b->n_items == LKSM_BATCH_EVENTS)
		return NULL;
	*item = (struct item){ .source = b->source,
			       .first_datum = b->n_data,
			       .arena_used = b->arena_used };
	return item;
}

static int emit(struct lksm_batch *b, uint64_t ts_us, const char *type,
		enum lksm_severity severity, bool is_own)
{
	struct span name = span_from(type);
	struct item *item = begin_item(b);
	const struct event_type *row;

	if (!is_snake_case(name, NAME_MAX_BYTES) ||
	    (unsigned int)severity > LKSM_CRITICAL)
		return -EINVAL;
	if (!item)
		return -ENOSPC;
	item->type = keep(b, name.data, name.len);
	if (!item->type)
		return -ENOSPC;
	row = event_type_find(name);
	/* of LKSM's types, a module has those that are its own */
	if (row && (is_own || !strcmp(row->source, b->source))) {
		item->source = row->source;
		item->attack = row->attack;
	}
	item->ts_us = ts_us ? ts_us : b->now.mono_us;
	item->time_us = wall_time(b->now, item->ts_us);
	item->severity = severity;
	b->n_items++;
	return 0;
}

int batch_emit(struct lksm_batch *b, uint64_t ts_us, const char *type,
	       enum lksm_severity severity)
{
	return emit(b, ts_us, type, severity, b->is_builtin);
}

int batch_emit_own(struct lksm_batch *b, const char *type, enum lksm_severity severity)
{
	return emit(b, 0, type, severity, true);
}

void batch_cancel(struct lksm_batch *b)
{
	struct item *item;

	if (!b->n_items)
		return;
	item = &b->items[--b->n_items];
	b->n_data = item->first_datum;
	b->arena_used = item->arena_used;
}

/* The event that keys are being added to. */
static struct item *open_event(struct lksm_batch *b)
{
	struct item *item = b->n_items ? &b->items[b->n_items - 1] : NULL;

	return item && !item->is_record ? item : NULL;
}

static bool has_key(struct lksm_batch *b, const struct item *item, struct span key)
{
	for (size_t i = 0; i < item->n_data; i++)
		if (span_equal(datum_at(b, item->first_datum + i)->key, key))
			return true;
	return false;
}

static int add(struct lksm_batch *b, const char *key, const struct datum *value)
{
	struct item *item = open_event(b);
	struct span name = span_from(key);
	size_t before = b->arena_used;
	struct datum datum = *value;

	if (!item || name.len < 1 || name.len > NAME_MAX_BYTES || !utf8_is_valid(name) ||
	    has_key(b, item, name) || value->text.len > LKSM_VALUE_MAX)
		return -EINVAL;
	/* +2: a NUL behind the key and the text each */
	if (item->n_data == EVENT_DATA_MAX ||
	    room(b) < sizeof(datum) + name.len + value->text.len + 2)
		return -ENOSPC;
	datum.key.data = keep(b, name.data, name.len);
	datum.key.len = name.len;
	if (value->kind != DATUM_INT)
		datum.text.data = keep(b, value->text.data, value->text.len);
	if (!datum.key.data || (value->kind != DATUM_INT && !datum.text.data)) {
		b->arena_used = before;
		return -ENOSPC;
	}
	*datum_at(b, b->n_data++) = datum;
	item->n_data++;
	return 0;
}

int batch_add_str(struct lksm_batch *b, const char *key, const char *value, size_t len)
{
	if (!value)
		return -EINVAL;
	return add(b, key, &(struct datum){ .kind = DATUM_TEXT, .text = { value, len } });
}

int batch_add_int(struct lksm_batch *b, const char *key, int64_t value)
{
	return add(b, key, &(struct datum){ .kind = DATUM_INT, .integer = value });
}

int batch_add_json(struct lksm_batch *b, const char *key, struct span json)
{
	return add(b, key, &(struct datum){ .kind = DATUM_JSON, .text = json });
}

int batch_set_raw(struct lksm_batch *b, struct span raw)
{
	struct item *item = open_event(b);
	const char *kept;

	if (!item)
		return -EINVAL;
	kept = keep(b, raw.data, raw.len);
	if (!kept)
		return -ENOSPC;
	item->raw = (struct span){ kept, raw.len };
	return 0;
}

int batch_emit_record(struct lksm_batch *b, const struct lksm_record *record)
{
	struct item *item = begin_item(b);

	if (!b->is_builtin)
		return -EOPNOTSUPP;
	if (!record->stream || (!record->text && record->text_len) ||
	    record->text_len > LKSM_VALUE_MAX)
		return -EINVAL;
	if (!item)
		return -ENOSPC;
	item->is_record = true;
	item->record = *record;
	item->record.stream = keep(b, record->stream, strlen(record->stream));
	item->record.text = keep(b, record->text, record->text_len);
	if (!item->record.stream || !item->record.text) {
		b->arena_used = item->arena_used;
		return -ENOSPC;
	}
	if (!record->time_us)
		item->record.time_us = wall_time(b->now, record->ts_us);
	b->n_items++;
	return 0;
}

/* No byte is lost: what U+FFFD will stand for in data is kept, escaped, in raw. */
static void append_raw(struct buffer *raw, const struct datum *datum)
{
	if (datum->kind != DATUM_TEXT || utf8_is_valid(datum->text))
		return;
	if (raw->len)
		buffer_append_char(raw, ' ');
	buffer_append_span(raw, datum->key);
	buffer_append_char(raw, '=');
	kmsg_escape(raw, datum->text);
}

static void fill_event(struct lksm_batch *b, const struct item *item,
		       struct lksm_event *event)
{
	event_init(event);
	event->type = span_from(item->type);
	event->severity = item->severity;
	event->source = span_from(item->source);
	if (item->attack && item->attack[0])
		event->attack = span_from(item->attack);
	event->ts = item->ts_us;
	event->time = item->time_us;
	buffer_clear(&b->raw);
	for (size_t i = 0; i < item->n_data; i++) {
		const struct datum *datum = datum_at(b, item->first_datum + i);

		event->data.items[event->data.n++] = *datum;
		append_raw(&b->raw, datum);
	}
	if (item->raw.data)
		event->raw = item->raw;
	else if (b->raw.len && !buffer_error(&b->raw))
		event->raw = buffer_span(&b->raw);
}

bool batch_get(struct lksm_batch *b, size_t i, struct lksm_record *record,
	       struct lksm_event *event)
{
	const struct item *item = &b->items[i];

	if (item->is_record)
		*record = item->record;
	else
		fill_event(b, item, event);
	return item->is_record;
}

void batch_set_inbox(struct lksm_batch *b, struct inbox *inbox)
{
	b->inbox = inbox;
}

void batch_note_seq(struct lksm_batch *b, size_t i, uint64_t seq)
{
	if (b->inbox)
		inbox_note_seq(b->inbox, i, seq);
}

bool batch_land(struct lksm_batch *b)
{
	if (!b->inbox)
		return false;
	inbox_land(b->inbox);
	b->inbox = NULL;
	return true;
}
