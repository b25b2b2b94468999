/* SPDX-License-Identifier: Apache-2.0 */
/* What most verbs need first: the configuration and the rules, or a clear message. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "core/config.h"
#include "core/rules.h"
#include "output/dashboard/tls.h"

struct setup {
	struct config config;
	struct rules *rules;
	struct rules_files files; /* what they were made of */
	struct buffer said;	  /* all that was complained of */
};

/**
 * setup_load() - defaults, file, environment, then rules; complains on stderr by itself
 * @config_path: NULL: /etc/lksm/lksm.yaml if it is there
 * @rules_path: a folder or file instead of the configured ones, or NULL
 */
int setup_load(struct setup *s, const char *config_path, const char *rules_path);

/**
 * setup_exit_code() - of what @paths, some of which may be NULL, gave
 * @r: 0, or the error that was said
 *
 * Return: EXIT_DONE; EXIT_NOTHING if they are wrong; EXIT_TROUBLE if one cannot be read.
 */
int setup_exit_code(int r, const char *const *paths, size_t n);

/** setup_load_config(), setup_load_rules() - the two halves, for who sets keys in between */
int setup_load_config(struct setup *s, const char *config_path);
int setup_load_rules(struct setup *s);

/**
 * setup_load_tls() - the dashboard's certificate and key; complains by itself
 * @ret: for tls_pair_deinit(); empty if there are none, or no dashboard
 */
int setup_load_tls(const struct config *c, struct tls_pair *ret);

/** setup_check_alerts() - can all receivers be told, by their files and programs? Complains by
 * itself. Return: 0; -EINVAL; -ENOMEM */
int setup_check_alerts(const struct config *c);

/** setup_check_dashboard() - may it listen where it should? Complains by itself. Return: 0;
 * -EINVAL */
int setup_check_dashboard(const struct config *c);

/** setup_check_mutes() - is the file of mutes good? Complains by itself. Return: 0; -EINVAL; -ENOMEM */
int setup_check_mutes(const struct config *c);

void setup_deinit(struct setup *s);

#endif
