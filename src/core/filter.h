/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events somebody wants to see. A filter looks at a logged line's own bytes and
 * stops at the first member that decides, so most lines of a log are never parsed.
 */
#ifndef CORE_FILTER_H
#define CORE_FILTER_H

#include "base/buffer.h"
#include "base/time_text.h"
#include "core/event.h"

#define FILTER_WORDS_MAX 16

enum filter_field {
	FILTER_TYPE,
	FILTER_SOURCE,
	FILTER_HOST,
	FILTER_RULE,
	FILTER_FIELD_COUNT,
};

struct filter_words {
	size_t n;
	char *items[FILTER_WORDS_MAX]; /* owned */
};

/** Begin with { 0 }, which lets everything pass. */
struct filter {
	char since[TIME_TEXT_SIZE]; /* included; "": from the beginning */
	char until[TIME_TEXT_SIZE]; /* not included; "": to the end */
	unsigned int severities;    /* 1 << LKSM_HIGH …; 0: all */
	unsigned int unwanted;	    /* the same; none of these */
	struct filter_words fields[FILTER_FIELD_COUNT];
	struct filter_words not_fields[FILTER_FIELD_COUNT]; /* none of these */
	struct filter_words texts;    /* all of them must be there */
	struct filter_words data;     /* KEY=VALUE, all of them */
	struct filter_words not_data; /* KEY=VALUE, none of them */
	bool hides_routine; /* seals and heartbeats, unless a type asks for them */
	struct buffer scratch;
};

/** filter_deinit() - free what it owns */
void filter_deinit(struct filter *f);

/**
 * filter_add() - one of the words of @list is enough for @field; * and ? stand for any text
 * @list: separated by commas
 *
 * Return: 0; -E2BIG beyond FILTER_WORDS_MAX; -EINVAL for an empty word; -ENOMEM.
 */
int filter_add(struct filter *f, enum filter_field field, const char *list);

/**
 * filter_choose() - as filter_add(), and "!word" is one that @field must not be
 *
 * An event that lacks the field passes "!word", as in the API.
 */
int filter_choose(struct filter *f, enum filter_field field, const char *list);

/** filter_add_severities() - "high,critical", "!info"; 0 or -EINVAL */
int filter_add_severities(struct filter *f, const char *list);

/** filter_add_min_severity() - none below that; 0 or -EINVAL */
int filter_add_min_severity(struct filter *f, const char *word);

/**
 * filter_add_text() - in the type, data, rule, tags or message, whatever its letters' case
 *
 * Return: as filter_add().
 */
int filter_add_text(struct filter *f, const char *text);

/** filter_add_data() - "KEY=VALUE": data.KEY is that text or number; as filter_add() */
int filter_add_data(struct filter *f, const char *assignment);

/**
 * filter_choose_data() - as filter_add_data(); "KEY!=VALUE" or "!KEY=VALUE" is what must not be
 * there, and the API's "data.KEY" is KEY
 */
int filter_choose_data(struct filter *f, const char *assignment);

/**
 * filter_match() - is this line one of them?
 * @line: a logged line, with or without its newline; not trusted
 *
 * An event without a time is never in a range of times.
 *
 * Return: 1, 0; -EBADMSG if the line is no event as far as it was looked at; -ENOMEM.
 */
int filter_match(struct filter *f, struct span line);

/**
 * filter_skips_day() - can no event in the log of that day be one of them?
 * @date: "2026-02-10", by which a log is named
 *
 * An event is never newer than its log's date, but may be much older: at a start, all that
 * the kernel still holds is logged.
 */
bool filter_skips_day(const struct filter *f, const char *date);

#endif
