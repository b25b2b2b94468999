// SPDX-License-Identifier: Apache-2.0
/* lksm check: are the configuration and the rules good? Says all that is wrong, and
 * where. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "base/paths.h"
#include "cli/setup.h"
#include "cli/verb.h"
#include "output/alerts/alert_presence.h"

enum {
	OPTION_CONFIG
};

static const struct verb_option options[] = {
	[OPTION_CONFIG] = { "config", 'c', "FILE", "Check this configuration" },
	{ 0 },
};

static void print_count(const struct rules *rules)
{
	size_t n = rules_count(rules);

	printf("%zu rule%s, every example gives what it should\n", n, n == 1 ? "" : "s");
}

static int check_paths(char **paths, int n)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	struct rules *rules = NULL;
	int r = rules_load((const char *const *)paths, (size_t)n, &rules, &errors);

	if (errors.len)
		(void)fwrite(errors.data, 1, errors.len, stderr);
	else if (r < 0)
		(void)log_error_errno(r, "cannot load rules");
	if (r == 0)
		print_count(rules);
	rules_destroy(rules);
	return setup_exit_code(r, (const char *const *)paths, (size_t)n);
}

/* setup.c has said what is wrong. */
static int check_configured(const char *config)
{
	_cleanup_(setup_deinit) struct setup setup = { 0 };
	_cleanup_tls_pair_ struct tls_pair pair = { 0 };
	int r = setup_load_config(&setup, config);

	if (r == 0)
		r = setup_load_tls(&setup.config, &pair);
	if (r == 0)
		r = setup_check_dashboard(&setup.config);
	if (r == 0)
		r = setup_check_alerts(&setup.config);
	if (r == 0)
		r = setup_check_mutes(&setup.config);
	if (r == 0 && (!setup.config.alerts_enabled || !*paths_checkout()))
		alerts_warn_unsent(&setup.config);
	if (r == 0)
		r = setup_load_rules(&setup);
	if (r == 0)
		printf("configuration: ok\n");
	if (r == 0)
		print_count(setup.rules);
	return setup_exit_code(r, &config, 1);
}

static int check_run(int argc, char **argv)
{
	const char *value = NULL, *config = NULL;

	while (verb_next_option(&verb_check, argc, argv, &value) >= 0)
		config = value;
	if (optind < argc)
		return check_paths(argv + optind, argc - optind);
	return check_configured(config);
}

const struct verb verb_check = {
	.name = "check",
	.arguments = "[RULES…]",
	.summary = "Check the configuration and the rules, with all their examples",
	.detail = "RULES are files or folders to check instead of what the configuration "
		  "names.\n"
		  "Exit code 1 means that something is wrong; each thing is told with "
		  "its place.",
	.options = options,
	.run = check_run,
};
