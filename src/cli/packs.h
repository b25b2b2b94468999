/* SPDX-License-Identifier: Apache-2.0 */
/* The rule packs that are shipped but off: what can be told of them. */
#ifndef CLI_PACKS_H
#define CLI_PACKS_H

#include "base/buffer.h"
#include "core/config.h"

/**
 * packs_append() - a line for each pack that rules.enable does not name
 *
 *	pack kernel is not on (rules.enable): 47 rules in rules/available/20-kernel.yaml
 *
 * One that cannot be loaded is left out.
 *
 * Return: 0; -ENOMEM.
 */
int packs_append(const struct config *c, struct buffer *out);

/**
 * packs_find_rule() - the pack, of those that are off, with the rule @id
 * @ret: its name, for free()
 *
 * Return: 1 if there is one; 0; -ENOMEM.
 */
int packs_find_rule(const struct config *c, const char *id, char **ret);

#endif
