/* SPDX-License-Identifier: Apache-2.0 */
/* What fuzz targets share. MUST() aborts, also in a build with NDEBUG. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/span.h"

#define MUST(condition)                                                            \
	do {                                                                       \
		if (!(condition)) {                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, \
				#condition);                                       \
			abort();                                                   \
		}                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Does @part lie in @whole? An absent or empty part lies anywhere. */
static inline bool lies_in(struct span part, struct span whole)
{
	return part.len == 0 || (part.data >= whole.data &&
				 part.data + part.len <= whole.data + whole.len);
}

#endif
