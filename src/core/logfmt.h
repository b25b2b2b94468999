/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logfmt, as the sensor writes it:  type=symbol_hunt severity=medium symbol="a b" pid=42
 *
 * Keys: [a-z_][a-z0-9_]*, 1..63 bytes. A value is bare (no space, quote, '=' or control
 * byte) or quoted, with \" \\ \n \t \r and \xNN inside the quotes. One space between pairs
 * at least; nothing else on the line. A bare value may be empty.
 */
#ifndef CORE_LOGFMT_H
#define CORE_LOGFMT_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

#define LOGFMT_PAIRS_MAX 64

struct logfmt_pair {
	struct span key;
	struct span value; /* as it stands, without its quotes; see logfmt_unquote() */
	bool is_quoted;
};

struct logfmt_line {
	size_t n;
	struct logfmt_pair pairs[LOGFMT_PAIRS_MAX];
};

/**
 * logfmt_parse() - split a line that is logfmt from its first byte to its last
 *
 * Return: 0; -EBADMSG if it is not; -E2BIG beyond LOGFMT_PAIRS_MAX. A key that comes twice
 * is not logfmt. @ret holds nothing of use unless 0 is returned.
 */
int logfmt_parse(struct span line, struct logfmt_line *ret);

/** logfmt_unquote() - append a value with its escapes undone (a bare one as it stands) */
void logfmt_unquote(struct buffer *out, const struct logfmt_pair *pair);

/** logfmt_integer() - 0 and @ret if the value is bare, canonical decimal and fits; else -EINVAL */
int logfmt_integer(const struct logfmt_pair *pair, int64_t *ret);

#endif
