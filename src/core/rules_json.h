/* SPDX-License-Identifier: Apache-2.0 */
/* A rule for other programs: one shape, wherever it is shown. */
#ifndef CORE_RULES_JSON_H
#define CORE_RULES_JSON_H

#include "core/rules.h"

/**
 * rules_append_json() - a rule as an object: id, type, severity, for, condition, tags, attack
 * (lists), file, line, examples (a list of their lines), drop, and matches, if they are known
 * @matches: how many events it named; NULL: not counted
 */
void rules_append_json(const struct rules *rules, const struct rule_info *info,
		       const uint64_t *matches, struct buffer *out);

#endif
