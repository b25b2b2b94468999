/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tests/fixtures/, found below LKSM_SOURCE_ROOT. */
#ifndef TESTS_UNIT_FIXTURE_H
#define TESTS_UNIT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "expect.h"

static inline void read_fixture(const char *path, struct buffer *ret)
{
	const char *root = getenv("LKSM_SOURCE_ROOT");
	_cleanup_buffer_ struct buffer name = { 0 };
	_cleanup_fclose_ FILE *file = NULL;
	char block[4096];
	size_t n;

	buffer_appendf(&name, "%s/tests/fixtures/%s", root ? root : ".", path);
	file = fopen(buffer_cstring(&name), "re");
	if (!file)
		fail_msg("cannot open %s", name.data);
	while ((n = fread(block, 1, sizeof(block), file)) > 0)
		buffer_append(ret, block, n);
	assert_int_equal(buffer_error(ret), 0);
}

#endif
