// SPDX-License-Identifier: Apache-2.0
/* See lines.h. */
#include "core/lines.h"

#include <errno.h>

#define CAPACITY_FIRST 512

void lines_clear(struct lines *l)
{
	buffer_clear(&l->bytes);
	l->n = 0;
}

void lines_deinit(struct lines *l)
{
	buffer_deinit(&l->bytes);
	free(l->items);
	l->items = NULL;
	l->n = l->capacity = 0;
}

static int reserve_line(struct lines *l)
{
	size_t capacity = l->capacity ? l->capacity * 2 : CAPACITY_FIRST;
	struct line *items;

	if (l->n < l->capacity)
		return 0;
	items = reallocarray(l->items, capacity, sizeof(*items));
	if (!items)
		return -ENOMEM;
	l->items = items;
	l->capacity = capacity;
	return 0;
}

int lines_add_event(struct lines *l, struct lksm_event *event)
{
	size_t offset = l->bytes.len;
	int r = reserve_line(l);

	if (r < 0)
		return r;
	event->seq = l->next_seq;
	event->host = l->host;
	event->boot_id = l->boot_id;
	r = event_encode(&l->bytes, event, EVENT_FULL);
	if (r < 0)
		return r;
	counters_add_event(l->counters, event);
	l->items[l->n++] = (struct line){ NULL, l->bytes.len - offset, l->next_seq++,
					  event_is_routine(event->type, event->source) };
	return 1;
}

/* Name, stamp and encode one; Return: 1, 0 filtered, -ENOMEM. */
static int add_record(struct lines *l, const struct lksm_record *record)
{
	struct lksm_event event;
	int r;

	event_init(&event);
	r = naming_name(l->naming, record, &event);
	return r > 0 ? lines_add_event(l, &event) : r;
}

int lines_add_batch(struct lines *l, struct lksm_batch *batch, struct position *position)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < batch_count(batch); i++) {
		struct lksm_record record;
		struct lksm_event event;

		event_init(&event);
		if (!batch_get(batch, i, &record, &event)) {
			r = lines_add_event(l, &event);
			batch_note_seq(batch, i, event.seq);
			continue;
		}
		if (record.verdict == LKSM_UNDECIDED) {
			position_hold(position, record.stream, record.stream_seq);
		} else {
			r = add_record(l, &record);
			position_release(position, record.stream, record.stream_seq,
					 record.stream_seq);
		}
		position_advance(position, record.stream, record.stream_seq);
	}
	return r < 0 ? r : 0;
}

bool lines_seq(struct span line, uint64_t *ret)
{
	static const struct span start = SPAN("{\"seq\": ");
	uint64_t seq = 0;
	size_t i = start.len;

	if (line.len <= start.len || memcmp(line.data, start.data, start.len) != 0)
		return false;
	for (; i < line.len && line.data[i] >= '0' && line.data[i] <= '9'; i++)
		seq = seq * 10 + (uint64_t)(line.data[i] - '0');
	if (i == start.len)
		return false;
	*ret = seq;
	return true;
}

int lines_split(struct lines *l, struct span bytes)
{
	const char *end;

	while (bytes.len && (end = memchr(bytes.data, '\n', bytes.len))) {
		struct span line = { bytes.data, (size_t)(end + 1 - bytes.data) };
		uint64_t seq = 0;
		int r = reserve_line(l);

		if (r < 0)
			return r;
		(void)lines_seq(line, &seq); /* 0 for a line that is none of ours */
		buffer_append_span(&l->bytes, line);
		l->items[l->n++] = (struct line){ NULL, line.len, seq, false };
		bytes = span_skip(bytes, line.len);
	}
	return buffer_error(&l->bytes);
}

void lines_finish(struct lines *l)
{
	const char *at = l->bytes.data;

	for (size_t i = 0; i < l->n; i++) {
		l->items[i].data = at;
		at += l->items[i].len;
	}
}
