/* SPDX-License-Identifier: Apache-2.0 */
/* One logged event as one line, for people or for another program. */
#ifndef CLI_EVENT_LINE_H
#define CLI_EVENT_LINE_H

#include "base/buffer.h"
#include "core/event.h"
#include "core/format.h"

struct event_line_options {
	enum format format;
	bool is_coloured;
	bool is_seed;	 /* of FORMAT_JSON, the first six keys only */
	uint64_t now_us; /* since 1970: events of another day have their date */
};

/**
 * event_line_format() - append the line that shows @json
 * @json: one logged line, without its newline; not trusted: what it holds reaches the
 *	terminal free of control bytes
 *
 *	2026-02-10 12:00:00.001 high     suspicious_probe message="kallsyms …" (kprobe_reader)
 *
 * By the local clock, and without the date if that is today.
 *
 * Return: 0; -EBADMSG if it is no event; -ENOMEM.
 */
int event_line_format(struct buffer *out, struct span json,
		      const struct event_line_options *options);

/** event_line_append_safe() - text for the terminal: without control bytes */
void event_line_append_safe(struct buffer *out, struct span text);

#endif
