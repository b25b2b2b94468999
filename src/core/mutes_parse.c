// SPDX-License-Identifier: Apache-2.0
/* mutes_parse(): the file of mutes, taken out of its YAML. */
#include <errno.h>

#include "base/text.h"
#include "core/mutes.h"
#include "core/yaml.h"

enum mute_key {
	KEY_ID,
	KEY_TYPE,
	KEY_RULE,
	KEY_SOURCE,
	KEY_DATA,
	KEY_UNTIL,
	KEY_REASON,
	KEY_ADDED,
	KEY_BY,
	KEY_COUNT,
};

static const char *const key_names[] = { "id",	  "type",   "rule",  "source", "data",
					 "until", "reason", "added", "by",     NULL };
static const char *const top_names[] = { "mutes", NULL };

/* What a text has to be, besides being there. @ret: a copy; NULL after a complaint. */
static char *read_text(struct yaml *y, const struct yaml_pair *pair, const char *what,
		       size_t max)
{
	struct span text;

	if (!yaml_pair_text(y, pair, what, &text))
		return NULL;
	if (mute_check_text(text, max) < 0) {
		yaml_error_at(y, pair->at,
			      "%s must be text of 1 to %zu bytes without control "
			      "characters",
			      what, max);
		return NULL;
	}
	return strndup(text.data, text.len);
}

static int read_words(struct yaml *y, const struct yaml_pair *pair, const char *what,
		      enum filter_field field, struct mute *ret)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (!pair->key)
		return 0;
	text = read_text(y, pair, what, FILTER_WORDS_MAX * (MUTE_WORD_MAX + 1));
	r = text ? filter_add(&ret->filter, field, text) : 0;
	if (r == -EINVAL || r == -E2BIG)
		yaml_error_at(y, pair->at, "%s must be 1 to %d words with commas", what,
			      FILTER_WORDS_MAX);
	return r == -ENOMEM ? r : 0;
}

static int read_datum(struct yaml *y, const struct yaml_pair *pair, struct mute *ret)
{
	_cleanup_free_ char *key = yaml_text(y, pair->key, "a key of data");
	_cleanup_free_ char *value = NULL;
	_cleanup_buffer_ struct buffer item = { 0 };
	int r;

	if (!key)
		return 0;
	value = read_text(y, pair, "a value of data", MUTE_WORD_MAX);
	if (!value)
		return 0;
	buffer_appendf(&item, "%s=%s", key, value);
	if (!buffer_cstring(&item))
		return -ENOMEM;
	r = strchr(key, '=') || mute_check_text(span_from(key), MUTE_WORD_MAX) < 0
		    ? -EINVAL
		    : filter_add_data(&ret->filter, item.data);
	if (r == -EINVAL || r == -E2BIG)
		yaml_error_at(y, pair->at, "data: at most %d keys of plain text",
			      FILTER_WORDS_MAX);
	return r == -ENOMEM ? r : 0;
}

static int read_data(struct yaml *y, const struct yaml_pair *data, struct mute *ret)
{
	struct yaml_pair pair;
	void *iterator = NULL;
	int r = 0;

	if (!data->key || !yaml_is_mapping(y, data->value, data->at, "data"))
		return 0;
	while (r == 0 && yaml_next(data->value, &iterator, &pair))
		r = read_datum(y, &pair, ret);
	return r;
}

static void read_id(struct yaml *y, const struct yaml_pair *pair, struct yaml_at at,
		    struct mute *ret)
{
	struct span text;

	if (!pair->key) {
		yaml_error_at(y, at, "a mute needs an id");
		return;
	}
	if (!yaml_pair_text(y, pair, "id", &text))
		return;
	if (!take_number(&text, MUTE_ID_MAX, &ret->id) || text.len || !ret->id)
		yaml_error_at(y, pair->at, "id must be a number from 1 on");
}

static void read_time(struct yaml *y, const struct yaml_pair *pair, const char *what,
		      uint64_t *ret)
{
	struct span text;

	if (pair->key && yaml_pair_text(y, pair, what, &text) &&
	    time_text_parse(text, ret) < 0)
		yaml_error_at(y, pair->at, "%s must be a time: 2026-02-10T12:00:00Z",
			      what);
}

static void read_note(struct yaml *y, const struct yaml_pair *pair, const char *what,
		      char **ret)
{
	if (pair->key)
		*ret = read_text(y, pair, what, MUTE_REASON_MAX);
}

static void check(struct yaml *y, struct yaml_at at, const struct mutes *others,
		  const struct mute *m)
{
	_cleanup_buffer_ struct buffer why = { 0 };

	if (mute_check(m, &why) < 0 && buffer_cstring(&why))
		yaml_error_at(y, at, "%s", why.data);
	for (size_t i = 0; i < others->n; i++)
		if (others->items[i].id == m->id)
			yaml_error_at(y, at, "id %llu comes twice",
				      (unsigned long long)m->id);
}

static int read_mute(struct yaml *y, struct fy_node *node, struct mutes *ret)
{
	struct yaml_at at = yaml_where(node, (struct yaml_at){ 1, 1 });
	struct yaml_pair pairs[KEY_COUNT];
	_cleanup_mute_ struct mute m = { 0 };
	size_t before = y->n_errors;
	int r;

	if (!yaml_collect(y, node, at, "a mute", key_names, KEY_COUNT, pairs))
		return 0;
	read_id(y, &pairs[KEY_ID], at, &m);
	r = read_words(y, &pairs[KEY_TYPE], "type", FILTER_TYPE, &m);
	if (r == 0)
		r = read_words(y, &pairs[KEY_RULE], "rule", FILTER_RULE, &m);
	if (r == 0)
		r = read_words(y, &pairs[KEY_SOURCE], "source", FILTER_SOURCE, &m);
	if (r == 0)
		r = read_data(y, &pairs[KEY_DATA], &m);
	read_time(y, &pairs[KEY_UNTIL], "until", &m.until_us);
	read_time(y, &pairs[KEY_ADDED], "added", &m.added_us);
	read_note(y, &pairs[KEY_REASON], "reason", &m.reason);
	read_note(y, &pairs[KEY_BY], "by", &m.by);
	if (r < 0 || y->n_errors > before)
		return r;
	check(y, at, ret, &m);
	r = mutes_add(ret, &m);
	if (r == -E2BIG)
		yaml_error_at(y, at, "more than %d mutes", MUTES_MAX);
	return r == -ENOMEM ? r : 0;
}

static int read_all(struct yaml *y, struct mutes *ret)
{
	const struct yaml_at top = { 1, 1 };
	struct yaml_pair pair;
	struct fy_node *item;
	void *iterator = NULL;
	int r = 0;

	if (!y->root || !yaml_collect(y, y->root, top, "the file", top_names, 1, &pair) ||
	    !pair.key || !yaml_is_sequence(y, pair.value, pair.at, "mutes"))
		return 0;
	while (r == 0 && ret->n < MUTES_MAX + 1 &&
	       (item = yaml_next_item(pair.value, &iterator)))
		r = read_mute(y, item, ret);
	return r;
}

int mutes_parse(const char *name, struct span text, struct mutes *ret,
		struct buffer *errors)
{
	_cleanup_mutes_ struct mutes found = { 0 };
	struct yaml y;
	int r;

	if (text.len > MUTES_FILE_MAX) {
		buffer_appendf(errors, "%s: larger than %zu bytes\n", name,
			       MUTES_FILE_MAX);
		return -EINVAL;
	}
	r = yaml_parse(name, text, errors, &y);
	if (r == 0)
		r = read_all(&y, &found);
	if (r == 0 && y.n_errors)
		r = -EINVAL;
	yaml_deinit(&y);
	if (r < 0)
		return r;
	*ret = found;
	found = (struct mutes){ 0 };
	return 0;
}
