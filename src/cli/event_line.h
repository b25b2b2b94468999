/* SPDX-License-Identifier: Apache-2.0 */
/* One logged event as one line for people. */
#ifndef CLI_EVENT_LINE_H
#define CLI_EVENT_LINE_H

#include "base/buffer.h"
#include "core/event.h"

struct event_line_options {
	bool is_coloured;
	bool is_json; /* the logged bytes instead */
	bool is_seed; /* of those, the first six keys only */
	enum lksm_severity severity_min;
};

/**
 * event_line_format() - append the line that shows @json
 * @json: one logged line, without its newline; not trusted: what it holds reaches the
 *	terminal free of control bytes
 *
 *	12:00:00.001 high     suspicious_probe message="kallsyms …" (kprobe_reader)
 *
 * Return: 1; 0 if it is below severity_min; -EBADMSG if it is no event; -ENOMEM.
 */
int event_line_format(struct buffer *out, struct span json,
		      const struct event_line_options *options);

#endif
