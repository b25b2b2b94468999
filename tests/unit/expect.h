/* SPDX-License-Identifier: Apache-2.0 */
/* For table-driven tests: comparisons that fail with the name of the case. */
#ifndef TESTS_UNIT_EXPECT_H
#define TESTS_UNIT_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"

/** BYTES() - a literal that may hold NUL bytes */
#define BYTES(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static inline void expect_span(const char *name, const char *what, struct span got,
			       struct span want)
{
	if (!span_equal(got, want))
		fail_msg("%s: %s is \"%.*s\" (%zu bytes), not \"%.*s\" (%zu)", name, what,
			 (int)got.len, got.len ? got.data : "", got.len, (int)want.len,
			 want.len ? want.data : "", want.len);
}

static inline void expect_text(const char *name, const char *what, struct span got,
			       const char *want)
{
	expect_span(name, what, got, span_from(want));
	if (!got.data != !want)
		fail_msg("%s: %s is %s", name, what, got.data ? "present" : "absent");
}

static inline void expect_number(const char *name, const char *what, int64_t got,
				 int64_t want)
{
	if (got != want)
		fail_msg("%s: %s is %lld, not %lld", name, what, (long long)got,
			 (long long)want);
}

#endif
