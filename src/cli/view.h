/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs that show events share: the options that choose them, and the log folder. */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include "cli/event_line.h"
#include "cli/log_lines.h"
#include "cli/verb.h"
#include "core/filter.h"
#include "core/folder_logs.h"
#include "core/mutes_file.h"

struct view {
	struct filter filter;
	struct event_line_options format;
	uint64_t now_us;
	bool has_header; /* it was written */
	bool has_told;	 /* the output cannot be written: it was said */
	const char *log_dir, *config_path;
	char *folder_path; /* owned */
	int folder;	   /* -1 until view_open() */
	struct buffer out;
	const char *name; /* of the log that is being read */
	log_line_taker *take;
	void *userdata;
	char last[FOLDER_LOG_SIZE]; /* view_read_news(): the log it stands in */
	uint64_t offset;	    /* and where */
	bool hides_muted;
	struct mutes mutes;
	struct mutes_file mutes_file; /* its path is owned; NULL: there is none */
};

/** The first rows of such a verb's table; its own come from VIEW_OPTION_COUNT on. */
enum view_option {
	VIEW_ALL,
	VIEW_CONFIG,
	VIEW_HOST,
	VIEW_LOG_DIR,
	VIEW_MIN_SEVERITY,
	VIEW_RULE,
	VIEW_SEVERITY,
	VIEW_SINCE,
	VIEW_SOURCE,
	VIEW_TEXT,
	VIEW_TYPE,
	VIEW_UNTIL,
	VIEW_OPTION_COUNT,
};

#define VIEW_SEVERITIES "info|medium|high|critical"

#define VIEW_OPTIONS                                                               \
	[VIEW_ALL] = { "all", 'a', NULL, "Seals and heartbeats, too" },            \
	[VIEW_CONFIG] = { "config", 'c', "FILE",                                   \
			  "Take output.dir from this configuration" },             \
	[VIEW_HOST] = { "host", 0, "NAME,…", "Only of these machines" },           \
	[VIEW_LOG_DIR] = { "log-dir", 0, "FOLDER", "The log folder" },             \
	[VIEW_MIN_SEVERITY] = { "min-severity", 's', VIEW_SEVERITIES,              \
				"Only this severity and those above" },            \
	[VIEW_RULE] = { "rule", 0, "ID,…", "Only what these rules named" },        \
	[VIEW_SEVERITY] = { "severity", 0, VIEW_SEVERITIES ",…",                   \
			    "Only these severities" },                             \
	[VIEW_SINCE] = { "since", 'S', "TIME",                                     \
			 "From then on: \"2 hours ago\", today, …" },              \
	[VIEW_SOURCE] = { "source", 0, "NAME,…", "Only from these sources" },      \
	[VIEW_TEXT] = { "text", 'q', "TEXT",                                       \
			"Only with this in type, data or message" },               \
	[VIEW_TYPE] = { "type", 't', "TYPE,…",                                     \
			"Only these types; log_* for all such, !log_* for none" }, \
	[VIEW_UNTIL] = { "until", 'U', "TIME", "Before then" }

/** VIEW_OUTPUT_OPTIONS - of the verbs that show event by event */
#define VIEW_OUTPUT_OPTIONS(color, fields, json, output)                                 \
	[color] = { "color", 0, "auto|always|never", "Colours: auto is on a terminal" }, \
	[fields] = { "fields", 0, "seed|full",                                           \
		     "With json: the first six keys, or all" },                          \
	[json] = { "json", 0, NULL, "The logged lines as they are: -o json" },           \
	[output] = { "output", 'o', FORMAT_WORDS, "How an event is written" }

/** VIEW_FILTER_HELP - a paragraph for the verb's detail */
#define VIEW_FILTER_HELP                                                                 \
	"KEY=VALUE chooses events whose data has that, KEY!=VALUE those whose data has " \
	"not. What is chosen fulfils all options, and of a list with commas one word, "  \
	"and "                                                                           \
	"none that a ! stands before: --type '!module_*'. TIME is 2026-02-10, "          \
	"\"2026-02-10 12:00\" (local), 2026-02-10T12:00:00Z, \"90 min ago\", 2h, "       \
	"today, "                                                                        \
	"yesterday, 12:00 or @SECONDS since 1970; the units are s, m, h, d, w."

/** view_init() - now is the time that --since "2 hours ago" counts from */
void view_init(struct view *v);
void view_deinit(struct view *v);

/** view_take_option() - of enum view_option; 0, or -EINVAL after saying why */
int view_take_option(struct view *v, int option, const char *value);

/** view_take_operands() - KEY=VALUE, KEY!=VALUE…; 0, or -EINVAL after saying why */
int view_take_operands(struct view *v, int n, char **operands);

/** view_take_color(), _fields(), _output(), _lines() - one option's value; 0, or -EINVAL after saying why */
int view_take_color(struct view *v, const char *value);
int view_take_fields(struct view *v, const char *value);
int view_take_output(struct view *v, const char *value);
int view_take_lines(const char *value, uint64_t *ret);

/** VIEW_MUTED_OPTION - of the verbs that hide what is muted; given, it clears v->hides_muted */
#define VIEW_MUTED_OPTION(muted) \
	[muted] = { "muted", 0, NULL, "What is muted, too (see `lksm mute --list`)" }

/** VIEW_TABLE_OPTIONS - of the verbs that count */
#define VIEW_TABLE_OPTIONS(json, output)                                       \
	[json] = { "json", 0, NULL, "One JSON object: -o json" }, [output] = { \
		"output", 'o', "text|json", "For people, or one JSON object"   \
	}

/** view_take_table_output() - text or json of VIEW_TABLE_OPTIONS; 0, or -EINVAL after saying why */
int view_take_table_output(const char *value, bool *ret_is_json);

/** view_columns() - how wide the terminal is that is written to; SIZE_MAX if there is none */
size_t view_columns(void);

/**
 * view_open() - the log folder of the options or the configuration; complains by itself
 *
 * With v->hides_muted, the mutes are those of the configuration; of a folder that was named
 * without one, nothing is muted.
 */
int view_open(struct view *v);

/** view_look_at_mutes() - read them again if they are others; what is wrong is said, and those
 * before stay */
void view_look_at_mutes(struct view *v);

/** view_match() - filter_match(), and not muted; returns as it does */
int view_match(struct view *v, struct span line);

/**
 * view_read() - give each chosen line of the log to @take, oldest or newest first
 *
 * Return: 0; what @take returned; -errno after saying why (but for -EPIPE).
 */
int view_read(struct view *v, bool is_back, log_line_taker *take, void *userdata);

/** view_explain_nothing() - nothing was chosen: say it if there is a likely reason for that */
void view_explain_nothing(const struct view *v);

/** view_read_news() - as view_read(), oldest first: at first all, then what was added since */
int view_read_news(struct view *v, log_line_taker *take, void *userdata);

/**
 * view_show() - append the line that shows @line to v->out, with what stands before the first
 *
 * Return: 0; -EBADMSG if it is no event; -ENOMEM.
 */
int view_show(struct view *v, struct span line);

/** view_open_stops() - a signalfd of SIGINT and SIGTERM, which are blocked; -errno */
int view_open_stops(void);

/** view_flush() - write v->out to the standard output; 0; -errno after saying why (but for -EPIPE) */
int view_flush(struct view *v);

#endif
