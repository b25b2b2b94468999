// SPDX-License-Identifier: Apache-2.0
/* lksm rules: which rules there are, how often they named a line, and rules from Sigma. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/suggest.h"
#include "cli/packs.h"
#include "cli/setup.h"
#include "cli/sigma.h"
#include "cli/tally.h"
#include "cli/view.h"
#include "core/json_members.h"
#include "core/rules_json.h"

struct listing {
	struct view view;
	struct setup setup;
	bool counts, is_json;
	const char *rules_path;
	struct tally tally;
	struct buffer scratch;
};

static int count_rule(void *userdata, struct span line)
{
	struct listing *l = userdata;
	struct span key, value, id;
	struct json_members m;
	int r;

	json_members_begin(&m, line);
	while ((r = json_members_next(&m, &key, &value)) > 0) {
		if (!span_equal(key, SPAN("rule")))
			continue;
		r = json_member_text(value, &l->scratch, &id);
		return r < 0 ? r : tally_add(&l->tally, id, 1);
	}
	return 0;
}

static uint64_t count_of(const struct listing *l, struct span id)
{
	for (size_t i = 0; i < l->tally.n; i++)
		if (span_equal(tally_name(&l->tally, i), id))
			return l->tally.rows[i].count;
	return 0;
}

static void append_json(struct listing *l, const struct rule_info *info)
{
	uint64_t matches = count_of(l, info->id);

	rules_append_json(l->setup.rules, info, l->counts ? &matches : NULL,
			  &l->view.out);
	buffer_append_char(&l->view.out, '\n');
}

static void append_row(struct listing *l, const struct rule_info *info)
{
	struct buffer *out = &l->view.out;

	if (l->counts)
		buffer_appendf(out, "%9" PRIu64 "  ", count_of(l, info->id));
	buffer_appendf(out, "%-28.*s %-8s %-11s %-22.*s %s:%d\n", (int)info->id.len,
		       info->id.data,
		       info->is_drop ? "(drop)" : severity_name(info->severity),
		       info->scope == RULES_KERNEL_LOG ? "kernel_log" : "photon_ring",
		       (int)info->attack.len, info->attack.len ? info->attack.data : "",
		       info->file, info->line);
}

static int list(struct listing *l)
{
	const struct rules *rules = l->setup.rules;
	int r = l->counts ? view_open(&l->view) : 0;

	if (r == 0 && l->counts)
		r = view_read(&l->view, false, count_rule, l);
	for (size_t i = 0; r == 0 && i < rules_count(rules); i++) {
		struct rule_info info;

		rules_describe_at(rules, i, &info);
		if (l->is_json)
			append_json(l, &info);
		else
			append_row(l, &info);
	}
	if (r == 0 && !l->is_json)
		r = packs_append(&l->setup.config, &l->view.out);
	if (r == 0)
		r = view_flush(&l->view);
	if (r < 0)
		return EXIT_TROUBLE;
	return rules_count(rules) ? EXIT_DONE : EXIT_NOTHING;
}

static void append_line(struct buffer *out, const char *name, struct span text)
{
	if (!text.len)
		return;
	buffer_appendf(out, "%-10s ", name);
	event_line_append_safe(out, text);
	buffer_append_char(out, '\n');
}

/* The ids are spans of the rules' own; suggest() wants strings. */
static int refuse_rule(const struct listing *l, const char *id)
{
	size_t n = rules_count(l->setup.rules);
	char **names = calloc(n + 1, sizeof(*names)), near[SUGGEST_SIZE] = "";
	struct rule_info info;

	for (size_t i = 0; names && i < n; i++) {
		rules_describe_at(l->setup.rules, i, &info);
		names[i] = strndup(info.id.data, info.id.len);
		n = names[i] ? n : i;
	}
	log_error("there is no rule '%s'%s; see `lksm rules list`", id,
		  names ? suggest_text(id, (const char *const *)names, near) : "");
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free((void *)names);
	return 0;
}

static int tell_missing(const struct listing *l, const char *id)
{
	_cleanup_free_ char *pack = NULL;
	int r = packs_find_rule(&l->setup.config, id, &pack);

	if (r > 0)
		log_error("the rule '%s' is in the pack %s, which is not on: rules: "
			  "{enable: [%s]}",
			  id, pack, pack);
	else if (r == 0)
		r = refuse_rule(l, id);
	return r < 0 ? EXIT_TROUBLE : EXIT_NOTHING;
}

static int show(struct listing *l, const char *id)
{
	struct buffer *out = &l->view.out;
	struct rule_info info;

	if (!rules_describe(l->setup.rules, span_from(id), &info))
		return tell_missing(l, id);
	append_line(out, "rule", info.id);
	buffer_appendf(out, "%-10s %s:%d\n", "file", info.file, info.line);
	append_line(out, "for",
		    info.scope == RULES_KERNEL_LOG ? SPAN("kernel_log")
						   : SPAN("photon_ring"));
	append_line(out, "because", info.condition);
	append_line(out, "event", info.is_drop ? SPAN("none: dropped") : info.type);
	append_line(out, "severity", severity_span(info.severity));
	append_line(out, "tags", info.tags);
	append_line(out, "attack", info.attack);
	for (size_t i = 0; i < info.n_examples; i++)
		append_line(out, "example", rules_example(l->setup.rules, info.id, i));
	return view_flush(&l->view) < 0 ? EXIT_TROUBLE : EXIT_DONE;
}

enum {
	OPTION_CONFIG,
	OPTION_COUNTS,
	OPTION_JSON,
	OPTION_LOG_DIR,
	OPTION_RULES,
	OPTION_SINCE,
};

static const struct verb_option options[] = {
	[OPTION_CONFIG] = { "config", 'c', "FILE",
			    "Rules and logs of this configuration" },
	[OPTION_COUNTS] = { "counts", 0, NULL,
			    "With how many events each named in the log" },
	[OPTION_JSON] = { "json", 0, NULL, "One JSON object a line" },
	[OPTION_LOG_DIR] = { "log-dir", 0, "FOLDER", "The log folder, for --counts" },
	[OPTION_RULES] = { "rules", 0, "PATH", "These rules, a folder or file, instead" },
	[OPTION_SINCE] = { "since", 0, "TIME",
			   "Count from then on, e.g. \"2 hours ago\"" },
	{ 0 },
};

static int take_option(struct listing *l, int option, const char *value)
{
	switch (option) {
	case OPTION_CONFIG:
		return view_take_option(&l->view, VIEW_CONFIG, value);
	case OPTION_LOG_DIR:
		return view_take_option(&l->view, VIEW_LOG_DIR, value);
	case OPTION_SINCE:
		return view_take_option(&l->view, VIEW_SINCE, value);
	case OPTION_COUNTS:
		l->counts = true;
		return 0;
	case OPTION_JSON:
		l->is_json = true;
		return 0;
	case OPTION_RULES:
		l->rules_path = value;
		return 0;
	}
	return 0;
}

static void listing_deinit(struct listing *l)
{
	tally_deinit(&l->tally);
	buffer_deinit(&l->scratch);
	setup_deinit(&l->setup);
	view_deinit(&l->view);
}

static int run(int argc, char **argv)
{
	_cleanup_(listing_deinit) struct listing l = { 0 };
	static const char *const words[] = { "list", "show", "import-sigma", NULL };
	const char *value, *action;
	int option, r = 0;

	view_init(&l.view);
	while (r == 0 &&
	       (option = verb_next_option(&verb_rules, argc, argv, &value)) >= 0)
		r = take_option(&l, option, value);
	if (r < 0)
		return EXIT_TROUBLE;
	action = optind < argc ? argv[optind] : "";
	if (!strcmp(action, "import-sigma") && optind + 1 < argc)
		return sigma_import(argv + optind + 1, (size_t)(argc - optind - 1));
	if (!(!strcmp(action, "list") && optind + 1 == argc) &&
	    !(!strcmp(action, "show") && optind + 2 == argc))
		return verb_refuse(&verb_rules, argc - optind, argv + optind, words);
	if (setup_load(&l.setup, l.view.config_path, l.rules_path) < 0)
		return EXIT_TROUBLE;
	return !strcmp(action, "list") ? list(&l) : show(&l, argv[optind + 1]);
}

const struct verb verb_rules = {
	.name = "rules",
	.arguments = "list | show ID | import-sigma FILE…",
	.summary = "List the rules, show one, or make rules from Sigma's",
	.detail = "import-sigma prints rules for the kernel's log, made from Sigma rules "
		  "whose "
		  "detection is a list of keywords; what cannot be said so is refused "
		  "with its "
		  "place. See docs/adding-a-rule.md.",
	.options = options,
	.run = run,
};
