// SPDX-License-Identifier: Apache-2.0
/* See filter.h. */
#include "core/filter.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "core/json_members.h"

#define WORD_MAX 255 /* of a value that is compared with a pattern */

/* What is still open about a line; each text and each KEY=VALUE has a bit. */
struct verdict {
	bool needs_time, needs_severity, needs_data, is_routine_type;
	unsigned int fields;	 /* bits of enum filter_field */
	unsigned int not_fields; /* the same; they may be absent */
	unsigned int texts;
	unsigned int data;
};

static void words_deinit(struct filter_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->items[i]);
	words->n = 0;
}

void filter_deinit(struct filter *f)
{
	for (size_t i = 0; i < FILTER_FIELD_COUNT; i++) {
		words_deinit(&f->fields[i]);
		words_deinit(&f->not_fields[i]);
	}
	words_deinit(&f->texts);
	words_deinit(&f->data);
	words_deinit(&f->not_data);
	buffer_deinit(&f->scratch);
}

static int words_add(struct filter_words *words, const char *text, size_t len)
{
	if (len == 0)
		return -EINVAL;
	if (words->n == FILTER_WORDS_MAX)
		return -E2BIG;
	words->items[words->n] = strndup(text, len);
	return words->items[words->n] ? (words->n++, 0) : -ENOMEM;
}

/* @unwanted: of the words that begin with a "!"; NULL: that is a letter like others */
static int add_list(struct filter_words *wanted, struct filter_words *unwanted,
		    const char *list)
{
	int r = 0;

	for (; r == 0; list++) {
		size_t len = strcspn(list, ",");
		bool is_not = unwanted && *list == '!';

		r = words_add(is_not ? unwanted : wanted, list + is_not, len - is_not);
		list += len;
		if (!*list)
			break;
	}
	return r;
}

int filter_add(struct filter *f, enum filter_field field, const char *list)
{
	return add_list(&f->fields[field], NULL, list);
}

int filter_choose(struct filter *f, enum filter_field field, const char *list)
{
	return add_list(&f->fields[field], &f->not_fields[field], list);
}

int filter_add_severities(struct filter *f, const char *list)
{
	enum lksm_severity severity;

	for (;; list++) {
		size_t len = strcspn(list, ",");
		bool is_not = *list == '!';

		if (severity_parse((struct span){ list + is_not, len - is_not },
				   &severity) < 0)
			return -EINVAL;
		*(is_not ? &f->unwanted : &f->severities) |= 1U << severity;
		list += len;
		if (!*list)
			return 0;
	}
}

int filter_add_min_severity(struct filter *f, const char *word)
{
	enum lksm_severity severity;

	if (severity_parse(span_from(word), &severity) < 0)
		return -EINVAL;
	f->unwanted |= (1U << severity) - 1;
	return 0;
}

int filter_add_text(struct filter *f, const char *text)
{
	return words_add(&f->texts, text, strlen(text));
}

int filter_add_data(struct filter *f, const char *assignment)
{
	const char *equals = strchr(assignment, '=');

	if (!equals || equals == assignment)
		return -EINVAL;
	return words_add(&f->data, assignment, strlen(assignment));
}

int filter_choose_data(struct filter *f, const char *assignment)
{
	bool is_not = *assignment == '!';
	const char *key = assignment + is_not, *equals = strchr(key, '=');
	size_t len = equals ? (size_t)(equals - key) : 0;
	struct filter_words *words;
	int r;

	if (len > 5 && !strncmp(key, "data.", 5)) {
		key += 5;
		len -= 5;
	}
	if (len && key[len - 1] == '!') {
		is_not = !is_not;
		len--;
	}
	if (!len)
		return -EINVAL;
	words = is_not ? &f->not_data : &f->data;
	if (words->n == FILTER_WORDS_MAX)
		return -E2BIG;
	r = asprintf(&words->items[words->n], "%.*s%s", (int)len, key, equals);
	return r < 0 ? -ENOMEM : (words->n++, 0);
}

static bool word_matches(const char *pattern, struct span value)
{
	char word[WORD_MAX + 1];

	if (!strpbrk(pattern, "*?["))
		return span_equal(span_from(pattern), value);
	if (value.len > WORD_MAX || memchr(value.data, '\0', value.len))
		return false;
	memcpy(word, value.data, value.len);
	word[value.len] = '\0';
	return fnmatch(pattern, word, 0) == 0;
}

static bool words_match(const struct filter_words *words, struct span value)
{
	for (size_t i = 0; i < words->n; i++)
		if (word_matches(words->items[i], value))
			return true;
	return false;
}

/* strcasestr(3) for bytes that do not end in a NUL; letters of ASCII only */
static bool contains_folded(struct span s, struct span needle)
{
	while (s.len >= needle.len) {
		size_t i = 0;

		while (i < needle.len && tolower((unsigned char)s.data[i]) ==
						 tolower((unsigned char)needle.data[i]))
			i++;
		if (i == needle.len)
			return true;
		s = span_skip(s, 1);
	}
	return false;
}

static int find_texts(struct filter *f, struct span value, struct verdict *v)
{
	struct span text;
	int r;

	if (!v->texts)
		return 0;
	r = json_member_text(value, &f->scratch, &text);
	for (size_t i = 0; r == 0 && i < f->texts.n; i++)
		if (contains_folded(text, span_from(f->texts.items[i])))
			v->texts &= ~(1U << i);
	return r;
}

static bool hides_routine(const struct filter *f)
{
	return f->hides_routine && !f->fields[FILTER_TYPE].n;
}

/* Return: 1 if it may still be one, 0 if it is none, or -errno. */
static int match_field(struct filter *f, enum filter_field field, struct span value,
		       struct verdict *v)
{
	struct span text;
	int r = json_member_text(value, &f->scratch, &text);

	if (r < 0)
		return r;
	if (f->fields[field].n && !words_match(&f->fields[field], text))
		return 0;
	if (v->not_fields && words_match(&f->not_fields[field], text))
		return 0;
	v->fields &= ~(1U << field);
	v->not_fields &= ~(1U << field);
	if (field == FILTER_TYPE && hides_routine(f))
		v->is_routine_type = event_is_routine(text, SPAN("lksm"));
	if (field == FILTER_SOURCE && v->is_routine_type &&
	    span_equal(text, SPAN("lksm")))
		return 0;
	return 1;
}

/* Return: 1 if @word, KEY=VALUE, is that; 0 if its value is another; -ENOENT if its key is. */
static int match_word(struct filter *f, const char *word, struct span key,
		      struct span value)
{
	struct span wanted = span_from(word), text;
	int r;

	if (wanted.len <= key.len || wanted.data[key.len] != '=' ||
	    !span_starts_with(wanted, key))
		return -ENOENT;
	r = json_member_text(value, &f->scratch, &text);
	return r < 0 ? r : word_matches(wanted.data + key.len + 1, text);
}

static int match_datum(struct filter *f, struct span key, struct span value,
		       struct verdict *v)
{
	int r;

	for (size_t i = 0; i < f->data.n; i++) {
		r = match_word(f, f->data.items[i], key, value);
		if (r > 0)
			v->data &= ~(1U << i);
		else if (r != -ENOENT)
			return r;
	}
	for (size_t i = 0; i < f->not_data.n; i++) {
		r = match_word(f, f->not_data.items[i], key, value);
		if (r > 0)
			return 0;
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 1;
}

static int match_data(struct filter *f, struct span object, struct verdict *v)
{
	struct span key, value;
	struct json_members m;
	int r;

	if (!v->data && !v->texts && !v->needs_data)
		return 1;
	v->needs_data = false;
	json_members_begin(&m, object);
	while ((r = json_members_next(&m, &key, &value)) > 0) {
		r = match_datum(f, key, value, v);
		if (r <= 0)
			return r;
		r = find_texts(f, value, v);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : !v->data;
}

static int match_severity(const struct filter *f, struct span value, struct verdict *v)
{
	enum lksm_severity severity;

	if (!v->needs_severity)
		return 1;
	v->needs_severity = false;
	return value.len > 2 &&
	       severity_parse((struct span){ value.data + 1, value.len - 2 },
			      &severity) == 0 &&
	       (!f->severities || f->severities & (1U << severity)) &&
	       !(f->unwanted & (1U << severity));
}

/* Both are RFC 3339 in UTC with six decimals, so the order of bytes is that of times. */
static int match_time(const struct filter *f, struct span value, struct verdict *v)
{
	const char *text = value.data + 1;
	size_t len = TIME_TEXT_SIZE - 1;

	if (!v->needs_time)
		return 1;
	v->needs_time = false;
	return value.len == len + 2 &&
	       (!f->since[0] || memcmp(text, f->since, len) >= 0) &&
	       (!f->until[0] || memcmp(text, f->until, len) < 0);
}

static bool is_key(struct span key, const char *name)
{
	return span_equal(key, span_from(name));
}

static int match_member(struct filter *f, struct span key, struct span value,
			struct verdict *v)
{
	int r = 1;

	if (is_key(key, "type"))
		r = match_field(f, FILTER_TYPE, value, v);
	else if (is_key(key, "data"))
		return match_data(f, value, v);
	else if (is_key(key, "severity"))
		return match_severity(f, value, v);
	else if (is_key(key, "source"))
		return match_field(f, FILTER_SOURCE, value, v);
	else if (is_key(key, "time"))
		return match_time(f, value, v);
	else if (is_key(key, "host"))
		return match_field(f, FILTER_HOST, value, v);
	else if (is_key(key, "rule"))
		r = match_field(f, FILTER_RULE, value, v);
	else if (!is_key(key, "tags") && !is_key(key, "message"))
		return 1;
	return r <= 0 ? r : find_texts(f, value, v) < 0 ? -EBADMSG : 1;
}

static bool is_decided(const struct verdict *v)
{
	return !v->needs_time && !v->needs_severity && !v->needs_data && !v->fields &&
	       !v->not_fields && !v->texts && !v->data;
}

static struct verdict open_verdict(const struct filter *f)
{
	struct verdict v = { .needs_time = f->since[0] || f->until[0],
			     .needs_severity = f->severities || f->unwanted,
			     .needs_data = f->not_data.n != 0,
			     .texts = (1U << f->texts.n) - 1,
			     .data = (1U << f->data.n) - 1 };

	for (unsigned int i = 0; i < FILTER_FIELD_COUNT; i++) {
		v.fields |= f->fields[i].n ? 1U << i : 0;
		v.not_fields |= f->not_fields[i].n ? 1U << i : 0;
	}
	if (hides_routine(f))
		v.fields |= 1U << FILTER_TYPE | 1U << FILTER_SOURCE;
	return v;
}

/* The end of the object is reached, and something is still open. */
static int judge_rest(const struct verdict *v)
{
	bool lacks_type = (v->fields | v->not_fields) &
			  (1U << FILTER_TYPE | 1U << FILTER_SOURCE);

	if (lacks_type || v->needs_severity || v->needs_data)
		return -EBADMSG; /* an event has these */
	return !v->needs_time && !v->fields && !v->texts && !v->data;
}

int filter_match(struct filter *f, struct span line)
{
	struct verdict v = open_verdict(f);
	struct span key, value;
	struct json_members m;

	json_members_begin(&m, line);
	while (!is_decided(&v)) {
		int r = json_members_next(&m, &key, &value);

		if (r == 0)
			return judge_rest(&v);
		if (r > 0)
			r = match_member(f, key, value, &v);
		if (r <= 0)
			return r;
	}
	return 1;
}

bool filter_skips_day(const struct filter *f, const char *date)
{
	char before[sizeof("YYYY-MM-DD")];
	uint64_t since_us;
	time_t seconds;
	struct tm tm;

	if (!f->since[0] || time_parse(f->since, 0, &since_us) < 0)
		return false;
	/* two days: logs are named by the local day, and the machine may have moved */
	seconds = (time_t)(since_us / USEC_PER_SEC) - 2 * 86400;
	if (seconds < 0 || !gmtime_r(&seconds, &tm) ||
	    strftime(before, sizeof(before), "%Y-%m-%d", &tm) == 0)
		return false;
	return strncmp(date, before, sizeof(before) - 1) < 0;
}
