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

/*
 * libfyaml 0.7 loses a piece of memory over a word with many quotes in it. No process of ours
 * that lives long parses more than a file now and then.
 */
const char *__lsan_default_suppressions(void);
__attribute__((weak)) const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so";
}

/* Does @part lie in @whole? An absent or empty part lies anywhere. */
static inline bool lies_in(struct span part, struct span whole)
{
	return part.len == 0 || (part.data >= whole.data &&
				 part.data + part.len <= whole.data + whole.len);
}

#endif
