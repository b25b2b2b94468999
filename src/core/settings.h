/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration and rules as one flat text, from the process that parsed YAML to the one
 * that must not. It is a sequence of texts, each with its length before it; whoever takes
 * it apart trusts none of them: a value passes the same checks as one from the
 * environment, and rules are only bytes, for core to parse.
 *
 *	'N' 8 12  'K' 4 "host"  'V' 5 "web-1"  …  'P' 30 "/etc/lksm/rules.d/10-mine.yaml"  'T' 812 "rules: …"
 */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include "core/config.h"
#include "core/rules.h"

struct settings {
	struct config config;
	struct rules_files rules;
	size_t n_rules; /* in them */
};

void settings_deinit(struct settings *s);

/** settings_pack() - append all of it; 0 or -ENOMEM */
int settings_pack(const struct config *config, const struct rules_files *rules,
		  size_t n_rules, struct buffer *ret);

/**
 * settings_unpack() - the other way
 * @ret: set on success; for settings_deinit()
 * @errors: gets a line on what no settings_pack() has made
 *
 * Return: 0; -EBADMSG; -EINVAL; -ENOMEM.
 */
int settings_unpack(struct span packed, struct settings *ret, struct buffer *errors);

#endif
