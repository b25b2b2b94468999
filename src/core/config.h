/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: lksm.yaml, its drop-ins (files in lksm.yaml.d/ beside it), LKSM_…
 * environment and flags, each above the one before. One table (config.c) holds every key
 * with its type, default and help; an unknown key is an error with its place and the
 * nearest name.
 */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

#define CONFIG_LIST_MAX		  16
#define CONFIG_MODULE_OPTIONS_MAX 64
#define CONFIG_ALERT_OPTIONS_MAX  256

/** Text values; owned by the configuration. */
struct config_list {
	size_t n;
	char *items[CONFIG_LIST_MAX + 1]; /* NULL-terminated */
};

struct config_module_option {
	char *module;
	char *option;
	char *value;
	char *place; /* "lksm.yaml:12:7" or "--kmsg", for messages */
};

/** One text below alerts.receivers or alerts.routes; output/alerts takes them apart. */
struct config_alert_option {
	char *key; /* "receivers.ops.type" */
	char *value;
	char *place;
};

/** When what was written is on the disk (fdatasync) and outlives a crash of the machine. */
enum config_fsync {
	CONFIG_FSYNC_NEVER,    /* when the kernel likes, usually within 30 s */
	CONFIG_FSYNC_INTERVAL, /* a second after it was written at the latest */
	CONFIG_FSYNC_BATCH,    /* before it is shown */
};

struct config {
	uint64_t poll_interval_us;
	char *output_dir;
	uint64_t keep_days;
	uint64_t keep_bytes;
	uint64_t compress_after_days;
	enum config_fsync fsync;
	bool seal;
	uint64_t heartbeat_s; /* 0: none */
	bool dashboard_enabled;
	char *dashboard_listen;
	bool dashboard_auth; /* token or none */
	struct config_list dashboard_hosts;
	char *dashboard_certificate;	     /* path; empty: plain HTTP */
	char *dashboard_key;		     /* path */
	bool dashboard_plain_http;	     /* beyond loopback, too */
	uint64_t dashboard_connection_limit; /* 0: none */
	uint64_t dashboard_rate_limit;	     /* a second; 0: none */
	uint64_t dashboard_failure_limit;    /* a minute; 0: none */
	bool history_enabled;
	char *history_dir;     /* "history" in the log folder unless configured */
	uint64_t history_days; /* 0: no limit */
	uint64_t history_bytes;
	struct config_list rules_dirs;
	struct config_list rules_enable;
	bool rules_watch; /* a rule file that is saved is in force, without SIGHUP */
	char *mutes;	  /* file of muted events; empty: not known yet (cli/setup.h) */
	struct config_list module_dirs;
	uint64_t module_rate_limit;
	bool kernel_log_all;
	char *host; /* name in the events; the machine's unless configured */
	bool alerts_enabled;
	char *alerts_dir; /* empty: output_dir */
	uint64_t alerts_group_wait_us;
	uint64_t alerts_group_interval_us;
	uint64_t alerts_rate_limit; /* a minute; 0: none */
	uint64_t alerts_retry_for_us;
	size_t n_alert_options;
	struct config_alert_option alert_options[CONFIG_ALERT_OPTIONS_MAX];
	size_t n_module_options;
	struct config_module_option module_options[CONFIG_MODULE_OPTIONS_MAX];
};

/** config_init() - the defaults, for a checkout or an installed program (base/paths.h) */
int config_init(struct config *c);
void config_deinit(struct config *c);

/**
 * config_load_file() - read one YAML file and its drop-ins over what is there
 * @errors: gets one line for each thing wrong, "lksm.yaml:3:1: unknown key 'pol_interval'
 *	(did you mean 'poll_interval'?)"
 *
 * Return: 0; -EINVAL if @errors says why; -ENOENT etc. if the file cannot be read.
 */
int config_load_file(struct config *c, const char *path, struct buffer *errors);

/** config_load_text() - the same for what such a file says; @name is for messages */
int config_load_text(struct config *c, const char *name, struct span text,
		     struct buffer *errors);

/** config_load_environment() - LKSM_OUTPUT_DIR=… is output.dir, and so on */
int config_load_environment(struct config *c, struct buffer *errors);

/**
 * config_set() - one key from its text
 * @key: "output.dir", "modules.kprobe_reader.kmsg"
 * @place: for messages
 *
 * Return: 0; -EINVAL with a line in @errors; -ENOMEM.
 */
int config_set(struct config *c, const char *key, const char *value, const char *place,
	       struct buffer *errors);

/** config_has_tls() - is the dashboard to speak TLS? One of its two keys says so */
bool config_has_tls(const struct config *c);

/** config_append_value() - what config_set() would take to make @key what it is */
void config_append_value(const struct config *c, const char *key, struct buffer *out);

/**
 * config_check_reload() - can a daemon that runs with @running go on with @fresh?
 * @errors: gets a sentence for each key that only a start can change
 *
 * Return: 0; -EINVAL.
 */
int config_check_reload(const struct config *running, const struct config *fresh,
			struct buffer *errors);

/** config_has_same_rules() - do both name the same folders and packs of rules? */
bool config_has_same_rules(const struct config *a, const struct config *b);

/** config_module_option() - a module's option as text, NULL if it is not configured */
const char *config_module_option(const struct config *c, const char *module,
				 const char *option);

/** A row of the table of keys, for help and docs; the table ends with a NULL key. */
struct config_key {
	const char *key;
	const char *fallback;
	const char *help;
};
const struct config_key *config_keys(void);

#endif
