/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An output takes the events of one drain as encoded lines: the same bytes for all.
 */
#ifndef OUTPUT_OUTPUT_H
#define OUTPUT_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/lines.h"

/** The events of one drain, in order of seq, back to back in one buffer. */
struct output_batch {
	const char *data;
	size_t len;
	const struct line *lines;
	size_t n_lines;
	struct now now;
};

/** output_batch_from() - all of @lines; it borrows from them until they are cleared */
struct output_batch output_batch_from(struct lines *lines, struct now now);

/** output_batch_skip() - leave out the first @n lines, which are done with */
void output_batch_skip(struct output_batch *batch, size_t n);

#endif
