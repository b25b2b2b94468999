/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of the command line: one file each, one table (cli/verbs.c), from which help
 * is made.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes, as grep's. */
#define EXIT_DONE    0
#define EXIT_NOTHING 1 /* nothing found, or a check failed */
#define EXIT_TROUBLE 2

/** One option of a verb; ends with a row whose name is NULL. */
struct verb_option {
	const char *name;     /* long name, without the dashes */
	char letter;	      /* short name, 0 for none */
	const char *argument; /* "FILE"; NULL for a flag */
	const char *help;
};

struct verb {
	const char *name;
	const char *arguments; /* "FILE|-"; "" for none */
	const char *summary;   /* one line for `lksm help` */
	const char *detail;    /* a paragraph or two for `lksm help VERB`, or NULL */
	const struct verb_option *options;
	bool is_internal; /* not shown */
	int (*run)(int argc, char **argv);
};

/**
 * verb_next_option() - getopt_long(3) over a verb's own table
 * @ret_value: the option's argument, or NULL
 *
 * Handles --help itself (prints and exits 0) and complains of unknown options (exits 2).
 * Return: index into verb->options; -1 at the end, optind then being the first operand.
 */
int verb_next_option(const struct verb *verb, int argc, char **argv,
		     const char **ret_value);

/**
 * verb_refuse() - complain of operands that are not what the verb takes
 * @words: what the first may be; ends with NULL
 *
 * Return: EXIT_TROUBLE.
 */
int verb_refuse(const struct verb *verb, int n, char **operands,
		const char *const *words);

extern const struct verb verb_run, verb_replay, verb_follow, verb_query, verb_stats,
	verb_top, verb_history, verb_alert, verb_verify, verb_keys, verb_check, verb_test,
	verb_rules, verb_mute, verb_doctor, verb_schema, verb_completion, verb_help,
	verb_version, verb_man_page, verb_module_host;

/** verbs_all() - the table; ends with NULL */
const struct verb *const *verbs_all(void);

/** verbs_main() - find argv[1] in the table and run it */
int verbs_main(int argc, char **argv);

#endif
