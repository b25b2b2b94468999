/* SPDX-License-Identifier: Apache-2.0 */
/* What was probably meant, when an event that was asked for is not there. */
#ifndef CLI_NEAR_H
#define CLI_NEAR_H

#include "base/suggest.h"
#include "core/filter.h"

/**
 * near_type() - as suggest_text(), of the types of LKSM and its sensor; "" if @type is one of
 * these, or a pattern
 */
const char *near_type(const char *type, char ret[static SUGGEST_SIZE]);

/**
 * near_explain() - nothing was found: say what of the filter looks like a slip
 *
 * A type that is nearly one of ours, or KEY=VALUE whose KEY has an option of its own
 * (severity=high). Says nothing else: grep(1) is silent, too.
 */
void near_explain(const struct filter *f);

#endif
