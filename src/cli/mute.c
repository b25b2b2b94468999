// SPDX-License-Identifier: Apache-2.0
/*
 * lksm mute: what one knows, and wants no more alerts of. It only changes a file, which who sends
 * alerts, who follows and the supervisor look at by themselves.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/event_line.h"
#include "cli/near.h"
#include "cli/setup.h"
#include "cli/verb.h"
#include "core/mutes_file.h"

#define NO_LOGIN UINT32_MAX /* of /proc/self/loginuid: no login led to this process */

enum {
	OPTION_CONFIG,
	OPTION_DATA,
	OPTION_FOR,
	OPTION_LIST,
	OPTION_REASON,
	OPTION_REMOVE,
	OPTION_RULE,
	OPTION_SOURCE,
	OPTION_TYPE,
};

static const struct verb_option options[] = {
	[OPTION_CONFIG] = { "config", 'c', "FILE", "Of whom the file of mutes is" },
	[OPTION_DATA] = { "data", 0, "KEY=VALUE",
			  "Events whose data has that; may be repeated" },
	[OPTION_FOR] = { "for", 0, "TIME", "How long: 90m, 12h, 7d; without, for ever" },
	[OPTION_LIST] = { "list", 'l', NULL, "Show what is muted" },
	[OPTION_REASON] = { "reason", 0, "TEXT", "Why, for who reads it later" },
	[OPTION_REMOVE] = { "remove", 0, "N", "Mute no more what has that number" },
	[OPTION_RULE] = { "rule", 0, "ID,…", "Events that one of these rules named" },
	[OPTION_SOURCE] = { "source", 0, "NAME,…", "Events from one of these sources" },
	[OPTION_TYPE] = { "type", 't', "TYPE,…",
			  "Events of one of these types; module_* for all such" },
	{ 0 },
};

struct muting {
	struct setup setup;
	const char *config_path, *path;
	bool is_list, is_new;
	uint64_t remove; /* 0: nothing */
	uint64_t now_us;
	struct mute mute; /* what is to be added */
	struct mutes mutes;
};

static void muting_deinit(struct muting *m)
{
	mute_deinit(&m->mute);
	mutes_deinit(&m->mutes);
	setup_deinit(&m->setup);
}

static int check_text(const char *option, const char *value, size_t max)
{
	if (mute_check_text(span_from(value), max) == 0)
		return 0;
	return log_refusal("--%s: not text of 1 to %zu bytes without control characters",
			   option, max);
}

static int add_words(struct muting *m, int option, enum filter_field field,
		     const char *value)
{
	const char *name = options[option].name;
	int r = check_text(name, value, MUTE_WORD_MAX);

	if (r == 0 && (*value == '!' || strstr(value, ",!")))
		return log_refusal("--%s '%s': a mute says what is muted; all but "
				   "something cannot be",
				   name, value);
	if (r == 0)
		r = filter_add(&m->mute.filter, field, value);
	if (r == -E2BIG)
		return log_refusal("--%s: more than %d words", name, FILTER_WORDS_MAX);
	if (r == -EINVAL)
		return log_refusal("--%s '%s': an empty word", name, value);
	return r;
}

static int add_data(struct muting *m, const char *value)
{
	int r = check_text("data", value, MUTE_WORD_MAX);

	if (r == 0 && (*value == '!' || strstr(value, "!=")))
		return log_refusal("--data '%s': a mute says what is muted; all but "
				   "something cannot be",
				   value);
	if (r == 0 && (!strchr(value, '=') || !strchr(value, '=')[1]))
		return log_refusal("--data %s: not KEY=VALUE", value);
	if (r == 0)
		r = filter_add_data(&m->mute.filter, value);
	if (r == -EINVAL)
		return log_refusal("--data %s: not KEY=VALUE", value);
	if (r == -E2BIG)
		return log_refusal("--data: more than %d", FILTER_WORDS_MAX);
	return r;
}

/* "7d" is as far ahead as "-7d" is back. */
static int set_end(struct muting *m, const char *value)
{
	char back[32];
	uint64_t then_us;
	int n = snprintf(back, sizeof(back), "-%s", value);

	if (*value < '0' || *value > '9' || (size_t)n >= sizeof(back) ||
	    time_parse(back, m->now_us, &then_us) < 0 || then_us >= m->now_us || !then_us)
		return log_refusal("--for %s: no time such as 90m, 12h, 7d or 2w", value);
	m->mute.until_us = m->now_us + (m->now_us - then_us);
	return 0;
}

static int set_reason(struct muting *m, const char *value)
{
	int r = check_text("reason", value, MUTE_REASON_MAX);

	if (r < 0)
		return r;
	free(m->mute.reason);
	m->mute.reason = strdup(value);
	return m->mute.reason ? 0 : -ENOMEM;
}

static int set_remove(struct muting *m, const char *value)
{
	char *end;
	unsigned long long n = strtoull(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || !n || n > MUTE_ID_MAX)
		return log_refusal("--remove %s: not a number of `lksm mute --list`",
				   value);
	m->remove = n;
	return 0;
}

static int take_option(struct muting *m, int option, const char *value)
{
	m->is_new |= option != OPTION_CONFIG && option != OPTION_LIST &&
		     option != OPTION_REMOVE;
	switch (option) {
	case OPTION_CONFIG:
		m->config_path = value;
		return 0;
	case OPTION_DATA:
		return add_data(m, value);
	case OPTION_FOR:
		return set_end(m, value);
	case OPTION_LIST:
		m->is_list = true;
		return 0;
	case OPTION_REASON:
		return set_reason(m, value);
	case OPTION_REMOVE:
		return set_remove(m, value);
	case OPTION_RULE:
		return add_words(m, option, FILTER_RULE, value);
	case OPTION_SOURCE:
		return add_words(m, option, FILTER_SOURCE, value);
	case OPTION_TYPE:
		return add_words(m, option, FILTER_TYPE, value);
	}
	return 0;
}

static void append_user(uid_t uid, struct buffer *out)
{
	const struct passwd *user = getpwuid(uid);

	if (user && mute_check_text(span_from(user->pw_name), 64) == 0)
		buffer_appendf(out, "%s (uid %u)", user->pw_name, (unsigned int)uid);
	else
		buffer_appendf(out, "uid %u", (unsigned int)uid);
}

/* Behind sudo and su, the kernel still knows who logged in. */
static int set_by(struct mute *m)
{
	_cleanup_buffer_ struct buffer login = { 0 }, by = { 0 };
	unsigned long uid = NO_LOGIN;

	append_user(getuid(), &by);
	if (read_file("/proc/self/loginuid", 32, &login) == 0 && buffer_cstring(&login))
		uid = strtoul(login.data, NULL, 10);
	if (uid != NO_LOGIN && uid != getuid()) {
		buffer_append_literal(&by, ", logged in as ");
		append_user((uid_t)uid, &by);
	}
	m->by = buffer_cstring(&by) ? strdup(by.data) : NULL;
	return m->by ? 0 : -ENOMEM;
}

static void append_end(const struct mute *m, uint64_t now_us, struct buffer *out)
{
	char until[TIME_TEXT_SIZE];

	if (!m->until_us) {
		buffer_append_literal(out, "for ever");
		return;
	}
	time_format(m->until_us, until);
	buffer_appendf(out, "until %.19sZ", until);
	if (mute_is_over(m, now_us))
		buffer_append_literal(out, ", which is over");
}

static void append_mute(const struct mute *m, uint64_t now_us, struct buffer *out)
{
	_cleanup_buffer_ struct buffer what = { 0 };
	char added[TIME_TEXT_SIZE];

	mute_append_what(m, &what);
	buffer_appendf(out, "%" PRIu64 "  ", m->id);
	event_line_append_safe(out, buffer_span(&what));
	buffer_append_literal(out, "  ");
	append_end(m, now_us, out);
	if (m->by || m->added_us)
		buffer_append_literal(out, "\n   added");
	if (m->by) {
		buffer_append_literal(out, " by ");
		event_line_append_safe(out, span_from(m->by));
	}
	if (m->added_us) {
		time_format(m->added_us, added);
		buffer_appendf(out, " %.19sZ", added);
	}
	if (m->reason) {
		buffer_append_literal(out, "\n   ");
		event_line_append_safe(out, span_from(m->reason));
	}
	buffer_append_char(out, '\n');
}

static int list(struct muting *m)
{
	_cleanup_buffer_ struct buffer out = { 0 };
	int r;

	for (size_t i = 0; i < m->mutes.n; i++)
		append_mute(&m->mutes.items[i], m->now_us, &out);
	if (!m->mutes.n)
		buffer_appendf(&out, "nothing is muted (%s)\n", m->path);
	r = buffer_error(&out);
	if (r == 0)
		r = write_all(STDOUT_FILENO, out.data, out.len);
	if (r < 0)
		return log_error_errno(r, "cannot write the output");
	return m->mutes.n ? EXIT_DONE : EXIT_NOTHING;
}

/* It goes the next time that the file is written. */
static void drop_expired(struct muting *m)
{
	for (size_t i = m->mutes.n; i > 0; i--)
		if (mute_is_over(&m->mutes.items[i - 1], m->now_us))
			mutes_remove(&m->mutes, i - 1);
}

/* What was written is read as those will who go by it: a folder that others than root can write
 * is found out here. */
static int store(struct muting *m)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	_cleanup_mutes_ struct mutes again = { 0 };
	int r;

	drop_expired(m);
	r = mutes_store(m->path, &m->mutes);
	if (r < 0)
		return log_error_errno(r, "cannot write %s", m->path);
	r = mutes_load(m->path, &again, &errors);
	if (r < 0)
		log_error("what was written is not in force: %.*s",
			  errors.len ? (int)errors.len - 1 : 0,
			  errors.len ? errors.data : "");
	return r;
}

static int take_number(struct muting *m)
{
	m->mute.id = 1;
	for (size_t i = 0; i < m->mutes.n; i++)
		if (m->mutes.items[i].id >= m->mute.id)
			m->mute.id = m->mutes.items[i].id + 1;
	if (m->mute.id > MUTE_ID_MAX)
		return log_refusal("the number %" PRIu64 " is taken, and the last there "
				   "is: give that mute a smaller one in %s",
				   m->mute.id - 1, m->path);
	m->mute.added_us = m->now_us;
	return set_by(&m->mute);
}

/* A rule of the user's may make such a type, so it is muted all the same. */
static void append_misspelled(const struct filter_words *types, struct buffer *out)
{
	char near[SUGGEST_SIZE];

	for (size_t i = 0; i < types->n; i++) {
		if (!*near_type(types->items[i], near))
			continue;
		buffer_append_literal(out, "   LKSM and its sensor have no type ");
		event_line_append_safe(out, span_from(types->items[i]));
		buffer_appendf(out, "%s\n", near);
	}
}

static int add(struct muting *m)
{
	_cleanup_buffer_ struct buffer said = { 0 }, why = { 0 };
	int r = take_number(m);

	if (r == 0 && mute_check(&m->mute, &why) < 0)
		return log_refusal("%.*s", (int)why.len, why.data);
	buffer_append_literal(&said, "muted: ");
	append_mute(&m->mute, m->now_us, &said);
	append_misspelled(&m->mute.filter.fields[FILTER_TYPE], &said);
	if (!m->mute.filter.fields[FILTER_TYPE].n)
		buffer_append_literal(&said, "   but for what tells of an attack on LKSM "
					     "itself, which cannot be muted\n");
	if (r == 0)
		r = mutes_add(&m->mutes, &m->mute);
	if (r == -E2BIG)
		return log_refusal("%d are muted, and there is no room for more: remove "
				   "some",
				   MUTES_MAX);
	if (r == 0)
		r = store(m);
	if (r == 0)
		r = write_all(STDOUT_FILENO, said.data, said.len);
	return r;
}

static int remove_one(struct muting *m)
{
	for (size_t i = 0; i < m->mutes.n; i++) {
		if (m->mutes.items[i].id != m->remove)
			continue;
		mutes_remove(&m->mutes, i);
		return store(m) < 0 ? EXIT_TROUBLE : EXIT_DONE;
	}
	log_error("there is no mute %" PRIu64 "; see `lksm mute --list`", m->remove);
	return EXIT_NOTHING;
}

static int load(struct muting *m)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	int r = mutes_load(m->path, &m->mutes, &errors);

	if (errors.len)
		fwrite(errors.data, 1, errors.len, stderr);
	return r;
}

static int change(struct muting *m)
{
	_cleanup_close_ int lock = mutes_lock(m->path);

	if (lock < 0) {
		(void)log_error_errno(lock, "cannot use the folder of %s", m->path);
		return EXIT_TROUBLE;
	}
	if (load(m) < 0)
		return EXIT_TROUBLE;
	if (m->remove)
		return remove_one(m);
	return add(m) < 0 ? EXIT_TROUBLE : EXIT_DONE;
}

static int dispatch(struct muting *m)
{
	if (m->is_list + m->is_new + (m->remove != 0) != 1) {
		log_error("mute takes what is to be muted, or --list, or --remove N; see "
			  "`lksm help mute`");
		return EXIT_TROUBLE;
	}
	if (setup_load_config(&m->setup, m->config_path) < 0)
		return EXIT_TROUBLE;
	m->path = m->setup.config.mutes;
	if (!m->is_list)
		return change(m);
	return load(m) < 0 ? EXIT_TROUBLE : list(m);
}

static int run(int argc, char **argv)
{
	_cleanup_(muting_deinit) struct muting m = { .now_us = clock_now().real_us };
	const char *value;
	int option, r = 0;

	while (r == 0 && (option = verb_next_option(&verb_mute, argc, argv, &value)) >= 0)
		r = take_option(&m, option, value);
	if (r < 0)
		return EXIT_TROUBLE;
	if (optind < argc) {
		log_error("mute takes no argument, but was given '%s'", argv[optind]);
		return EXIT_TROUBLE;
	}
	return dispatch(&m);
}

const struct verb verb_mute = {
	.name = "mute",
	.arguments = "",
	.summary = "Send no alerts of events that are known",
	.detail =
		"Events that fulfil all that is given are logged as always, and found by "
		"query; no alert is sent, and follow and top leave them out unless "
		"--muted is given. What tells that LKSM itself is attacked cannot be "
		"muted. See docs/daily-work.md.",
	.options = options,
	.run = run,
};
