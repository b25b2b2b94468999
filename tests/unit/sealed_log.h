/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log as the daemon writes it, in memory: lines, seals, several files, restarts. What is
 * killed when is up to the test.
 */
#ifndef TESTS_UNIT_SEALED_LOG_H
#define TESTS_UNIT_SEALED_LOG_H

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "core/seal.h"
#include "core/verify.h"
#include "expect.h"

#define LOG_FILES 6
#define LOG_BOOT  "11111111-0000-4000-8000-000000000000"

struct sealed_log {
	struct buffer files[LOG_FILES]; /* oldest first */
	size_t n_files;
	int key_fd;
	struct sealer *sealer;
	struct seal_resumed resumed;
	struct lines lines;
	const char *boot_id;
	char key_text[SEAL_KEY_TEXT_SIZE]; /* of the first key */
};

static inline int open_log_file(void *context, uint64_t i, char *name, size_t size)
{
	struct sealed_log *log = context;
	struct buffer *bytes;
	int fd;

	if (i >= log->n_files)
		return -ENOENT;
	bytes = &log->files[log->n_files - 1 - i];
	(void)snprintf(name, size, "file%zu", (size_t)(log->n_files - 1 - i));
	fd = memfd_create("log", MFD_CLOEXEC);
	assert_true(fd >= 0 && write(fd, bytes->data, bytes->len) == (ssize_t)bytes->len);
	return fd;
}

/* A daemon's core begins. */
static inline void log_start(struct sealed_log *log)
{
	sealer_destroy(log->sealer);
	assert_int_equal(sealer_create(log->key_fd, &log->sealer), 0);
	assert_int_equal(sealer_resume(log->sealer, open_log_file, log, log->boot_id,
				       strcmp(log->boot_id, LOG_BOOT) != 0,
				       &log->resumed),
			 0);
	log->lines.boot_id = span_from(log->boot_id);
}

static inline void log_init(struct sealed_log *log)
{
	struct seal_key key;

	*log = (struct sealed_log){ .n_files = 1, .boot_id = LOG_BOOT };
	log->key_fd = memfd_create("key", MFD_CLOEXEC);
	assert_int_equal(seal_key_make(&key), 0);
	seal_key_format(&key, log->key_text);
	assert_int_equal(seal_file_store(log->key_fd, &key, false), 0);
	log_start(log);
}

static inline void log_deinit(struct sealed_log *log)
{
	for (size_t i = 0; i < log->n_files; i++)
		buffer_deinit(&log->files[i]);
	sealer_destroy(log->sealer);
	lines_deinit(&log->lines);
	(void)close(log->key_fd);
}

static inline struct buffer *log_newest(struct sealed_log *log)
{
	return &log->files[log->n_files - 1];
}

/* One drain of @n events of type @type. */
static inline void log_write_events(struct sealed_log *log, const char *type, size_t n,
				    const struct datum *data, size_t n_data)
{
	lines_clear(&log->lines);
	for (size_t i = 0; i < n; i++) {
		struct lksm_event event;

		event_init(&event);
		event.ts = log->lines.next_seq * 1000;
		event.time = 1770724800000000 + event.ts;
		event.type = span_from(type);
		event.source = SPAN("lksm");
		event.severity = n_data ? LKSM_HIGH : LKSM_INFO;
		for (size_t d = 0; d < n_data; d++)
			assert_int_equal(
				event_add_int(&event, data[d].key, data[d].integer), 0);
		assert_int_equal(lines_add_event(&log->lines, &event), 1);
	}
	lines_finish(&log->lines);
	buffer_append_span(log_newest(log), buffer_span(&log->lines.bytes));
	sealer_add(log->sealer, buffer_span(&log->lines.bytes), log->lines.items, n);
}

static inline void log_events(struct sealed_log *log, size_t n)
{
	log_write_events(log, "something", n, NULL, 0);
}

/* The first half of sealing: the line is in the log, its key still there. */
static inline void log_seal_line(struct sealed_log *log)
{
	struct now now = { log->lines.next_seq * 1000,
			   1770724800000000 + log->lines.next_seq * 1000 };

	lines_clear(&log->lines);
	assert_int_equal(
		sealer_add_line(log->sealer, &log->lines, log_newest(log)->len, now), 0);
	buffer_append_span(log_newest(log), buffer_span(&log->lines.bytes));
}

static inline void log_seal(struct sealed_log *log)
{
	log_seal_line(log);
	assert_int_equal(sealer_done(log->sealer, false), 0);
}

static inline void log_next_file(struct sealed_log *log)
{
	assert_true(log->n_files < LOG_FILES);
	log->n_files++;
}

/** verify_log() - all its files, in pieces of @piece bytes; @key_text: NULL for none */
static inline struct verify_report verify_log(const struct buffer *files, size_t n_files,
					      const char *key_text, int key_fd,
					      size_t piece)
{
	struct seal_key key = { 0 }, next = { 0 };
	struct verifier *v = NULL;
	struct verify_report report;

	if (key_text)
		assert_int_equal(seal_key_parse(span_from(key_text), &key), 0);
	if (key_fd >= 0)
		assert_int_equal(seal_file_load(key_fd, &next), 0);
	assert_int_equal(verifier_create(&key, key_text ? 1 : 0, 0, &v), 0);
	for (size_t i = 0; i < n_files; i++) {
		struct span left = buffer_span(&files[i]);
		char name[VERIFY_NAME_SIZE];

		(void)snprintf(name, sizeof(name), "file%zu", i);
		verifier_begin(v, name);
		while (left.len) {
			size_t n = left.len < piece ? left.len : piece;

			assert_true(verifier_feed(v, (struct span){ left.data, n }) >= 0);
			left = span_skip(left, n);
		}
	}
	report = *verifier_finish(v, key_fd >= 0 ? &next : NULL);
	verifier_destroy(v);
	return report;
}

#endif
