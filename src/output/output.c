// SPDX-License-Identifier: Apache-2.0
/* See output.h. */
#include "output/output.h"

struct output_batch output_batch_from(struct lines *lines, struct now now)
{
	lines_finish(lines);
	return (struct output_batch){ lines->bytes.data, lines->bytes.len, lines->items,
				      lines->n, now };
}

void output_batch_skip(struct output_batch *batch, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		batch->data += batch->lines[i].len;
		batch->len -= batch->lines[i].len;
	}
	batch->lines += n;
	batch->n_lines -= n;
}
