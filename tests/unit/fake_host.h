/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry without a program around it: everything that is handed over becomes text,
 *
 *	kmsg 12 the record's text
 *	kmsg 13 unverified the record's text
 *	lksm: records_lost high stream=kmsg first=1 last=3 count=3 reason=gap
 *
 * one line each, and what the callbacks are asked for is set by the test.
 */
#ifndef TESTS_UNIT_FAKE_HOST_H
#define TESTS_UNIT_FAKE_HOST_H

#include <errno.h>
#include <inttypes.h>

#include "core/external.h"
#include "core/registry.h"

#include "expect.h"

#define FAKE_WATCHES_MAX 16
#define FAKE_ROUNDS_MAX	 10000

struct fake_host {
	struct registry *registry;
	struct now now;
	struct buffer text;
	size_t n_events; /* handed over so far */
	bool is_quiet;	 /* count, but keep no text */
	int watched[FAKE_WATCHES_MAX];
	size_t n_watched;
	int watch_error; /* given to whoever asks */
	const char *position_stream;
	uint64_t position;
	const char *option_name, *option_value;
	int source_fd;
	int late_fd;   /* of the option proc */
	bool can_look; /* each look is counted, and answered by the test */
	size_t n_looks;
	const char *held_stream;
	uint64_t held;
	struct inbox_set *inboxes; /* of which the test lands what is in flight */
};

static int fake_watch(void *context, int fd)
{
	struct fake_host *f = context;

	if (f->watch_error)
		return f->watch_error;
	assert_true(f->n_watched < FAKE_WATCHES_MAX);
	f->watched[f->n_watched++] = fd;
	return 0;
}

static void fake_unwatch(void *context, int fd)
{
	struct fake_host *f = context;

	for (size_t i = 0; i < f->n_watched; i++) {
		if (f->watched[i] != fd)
			continue;
		f->watched[i] = f->watched[--f->n_watched];
		return;
	}
	fail_msg("descriptor %d was not watched", fd);
}

static int fake_position(void *context, const char *stream, uint64_t *ret)
{
	struct fake_host *f = context;

	if (!f->position_stream || strcmp(stream, f->position_stream) != 0)
		return 0;
	*ret = f->position;
	return 1;
}

static const char *fake_option(void *context, const char *module, const char *option)
{
	struct fake_host *f = context;

	(void)module;
	return f->option_name && !strcmp(option, f->option_name) ? f->option_value : NULL;
}

static int fake_source(void *context, const char *module, const char *option)
{
	struct fake_host *f = context;

	(void)module;
	return strcmp(option, "proc") ? f->source_fd : f->late_fd;
}

static int fake_look(void *context, const char *module, const char *option)
{
	struct fake_host *f = context;

	(void)module;
	(void)option;
	f->n_looks++;
	return f->can_look ? 0 : -EOPNOTSUPP;
}

static int fake_held(void *context, const char *stream, uint64_t from, uint64_t *ret)
{
	struct fake_host *f = context;

	if (!f->held_stream || strcmp(stream, f->held_stream) != 0 || f->held < from)
		return 0;
	*ret = f->held;
	return 1;
}

static struct inbox *fake_inbox(void *context, const char *name)
{
	struct fake_host *f = context;

	return inbox_set_find(f->inboxes, name);
}

static struct lksm_batch *fake_get_batch(void *context)
{
	struct lksm_batch *batch;

	(void)context;
	assert_int_equal(batch_create(&batch), 0);
	return batch;
}

static void fake_append_event(struct buffer *to, const struct lksm_event *event)
{
	buffer_append_span(to, event->source);
	buffer_append_literal(to, ": ");
	buffer_append_span(to, event->type);
	buffer_appendf(to, " %s", severity_name(event->severity));
	for (size_t i = 0; i < event->data.n; i++) {
		const struct datum *datum = &event->data.items[i];

		buffer_append_char(to, ' ');
		buffer_append_span(to, datum->key);
		buffer_append_char(to, '=');
		if (datum->kind == DATUM_INT)
			buffer_append_i64(to, datum->integer);
		else
			buffer_append_span(to, datum->text);
	}
	buffer_append_char(to, '\n');
}

static const char *const fake_verdicts[] = {
	[LKSM_UNJUDGED] = "",
	[LKSM_SENSOR] = "sensor ",
	[LKSM_UNVERIFIED] = "unverified ",
	[LKSM_NO_RECORD] = "no_record ",
	[LKSM_ECHO] = "echo",
	[LKSM_UNDECIDED] = "undecided",
};

static void fake_put_batch(void *context, struct lksm_batch *batch)
{
	struct fake_host *f = context;

	f->n_events += batch_count(batch);
	for (size_t i = 0; !f->is_quiet && i < batch_count(batch); i++) {
		struct lksm_record record;
		struct lksm_event event;

		if (!batch_get(batch, i, &record, &event)) {
			fake_append_event(&f->text, &event);
			continue;
		}
		buffer_appendf(&f->text, "%s %" PRIu64 " %s%.*s\n", record.stream,
			       record.stream_seq, fake_verdicts[record.verdict],
			       (int)record.text_len, record.text);
	}
	batch_destroy(batch);
}

static inline void fake_host_init(struct fake_host *f)
{
	const struct registry_callbacks callbacks = {
		.context = f,
		.watch = fake_watch,
		.unwatch = fake_unwatch,
		.position = fake_position,
		.held = fake_held,
		.look = fake_look,
		.option = fake_option,
		.source = fake_source,
		.get_batch = fake_get_batch,
		.put_batch = fake_put_batch,
		.inbox = fake_inbox,
	};

	*f = (struct fake_host){ .now = { 1000000, 1700000000000000 },
				 .source_fd = -ENOENT,
				 .late_fd = -ENOENT };
	assert_int_equal(registry_create(&callbacks, &f->registry), 0);
}

/* Returns with nothing watched: whoever watches something unwatches it. */
static inline void fake_host_deinit(struct fake_host *f)
{
	registry_destroy(f->registry);
	assert_int_equal(f->n_watched, 0);
	buffer_deinit(&f->text);
}

/* All descriptors are readable and a tick has passed: poll until dry. */
static inline void fake_host_run(struct fake_host *f)
{
	size_t rounds = 0;

	for (size_t i = 0; i < f->n_watched; i++)
		registry_readable(f->registry, f->watched[i]);
	registry_tick(f->registry);
	while (registry_poll_all(f->registry, f->now) > 0)
		assert_true(rounds++ < FAKE_ROUNDS_MAX);
}

static inline void fake_host_expect(struct fake_host *f, const char *name,
				    const char *want)
{
	expect_span(name, "what was handed over", buffer_span(&f->text), span_from(want));
	buffer_clear(&f->text);
}

#endif
