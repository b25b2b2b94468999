/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is told of what: the alerts.receivers and alerts.routes of the configuration, taken out of
 * its texts by one table of options (alert_config.c).
 *
 *	alerts:
 *	  receivers:
 *	    ops: { type: slack, url_file: /etc/lksm/slack.url }
 *	  routes:
 *	    bad: { severity: high, types: [module_*], receivers: [ops] }
 */
#ifndef OUTPUT_ALERTS_ALERT_CONFIG_H
#define OUTPUT_ALERTS_ALERT_CONFIG_H

#include "core/config.h"
#include "core/event.h"

#define ALERT_RECEIVERS_MAX 16
#define ALERT_ROUTES_MAX    32
#define ALERT_WORDS_MAX	    16
#define ALERT_NAME_SIZE	    32

enum alert_kind {
	ALERT_WEBHOOK,
	ALERT_SLACK,
	ALERT_ALERTMANAGER,
	ALERT_EMAIL,
	ALERT_EXEC,
	ALERT_SYSLOG,
	ALERT_DESKTOP,
	ALERT_KIND_COUNT,
};

enum alert_protocol {
	ALERT_UDP,
	ALERT_TCP,
	ALERT_TLS,
	ALERT_PROTOCOL_COUNT,
};

/** Where a syslog server is. */
struct alert_address {
	char host[256];
	const char *port; /* a number */
};

/** Owned, NULL-terminated: an argument list, or patterns. */
struct alert_words {
	size_t n;
	char *items[ALERT_WORDS_MAX + 1];
};

struct alert_receiver {
	char name[ALERT_NAME_SIZE];
	enum alert_kind kind;
	bool is_given_up;     /* its files could not be read */
	char *url, *url_file; /* the text, or where it stands */
	char *token, *token_file;
	char *ca_path;	 /* a copy of it that can be read behind every lock */
	char *ca_file;	 /* whom TLS trusts; NULL: the system's */
	char *to, *from; /* of e-mail */
	struct alert_words command;
	char *address; /* HOST:PORT of syslog */
	enum alert_protocol protocol;
	uint64_t timeout_us;	/* of one try */
	uint64_t group_wait_us; /* a first event waits so long for others of its type */
	uint64_t group_interval_us; /* and the next ones so long */
	uint64_t rate_limit;	    /* messages a minute; 0: no limit */
	uint64_t retry_for_us;	    /* then it goes to the dead letters */
};

struct alert_route {
	char name[ALERT_NAME_SIZE];
	enum lksm_severity severity;	 /* and above */
	struct alert_words types, rules; /* patterns of fnmatch(3); none: all */
	uint32_t receivers;		 /* a bit for each, by its place */
};

struct alert_config {
	size_t n_receivers;
	struct alert_receiver receivers[ALERT_RECEIVERS_MAX];
	size_t n_routes;
	struct alert_route routes[ALERT_ROUTES_MAX];
};

/**
 * alert_config_parse() - take the texts apart
 * @ret: for alert_config_deinit() in each case. Without a route, one is made that sends what is
 *	high or critical to all receivers
 * @errors: gets a line with its place for each thing wrong
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int alert_config_parse(const struct config *config, struct alert_config *ret,
		       struct buffer *errors);

/**
 * alert_config_read_secrets() - fill url and token from url_file and token_file, and copy
 * ca_file into memory that is open until the process ends
 * @name: of the one receiver to do it for; NULL: all
 * @errors: gets a line with the receiver's name for each that has a bad file, and is given up
 *
 * A file of secrets may not be readable by everybody; for root it has to be safe
 * (base/safe_path.h). Return: 0; -EINVAL: see @errors; the other receivers can be told.
 */
int alert_config_read_secrets(struct alert_config *c, const char *name,
			      struct buffer *errors);

/** alert_config_check_programs() - can they be run, by us? @errors: a line for each that can not.
 * Return: 0; -EINVAL */
int alert_config_check_programs(const struct alert_config *c, struct buffer *errors);

/** alert_config_deinit() - wipe what is secret, free */
void alert_config_deinit(struct alert_config *c);

/** alert_kind_name() - "webhook"; a literal */
const char *alert_kind_name(enum alert_kind kind);

/** alert_kind_runs_program() - is a program of the system run for it? */
bool alert_kind_runs_program(enum alert_kind kind);

/** alert_receiver_program() - its command, or what its kind runs without one; else NULL */
const char *alert_receiver_program(const struct alert_receiver *r);

/** alert_url_fault() - why its url cannot work, to follow its name; NULL: it can */
const char *alert_url_fault(const struct alert_receiver *r);

/** alert_address_split() - "loghost:6514", "[::1]:514"; @ret->port points into @address */
bool alert_address_split(const char *address, struct alert_address *ret);

#define _cleanup_alert_config_ _cleanup_(alert_config_deinit)

#endif
