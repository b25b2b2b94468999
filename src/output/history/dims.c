// SPDX-License-Identifier: Apache-2.0
/* See dims.h. */
#include "output/history/dims.h"

#include <errno.h>

int dims_init(struct dims *d)
{
	*d = (struct dims){ .rows = json_object(), .kinds = json_object() };
	return d->rows && d->kinds ? 0 : -ENOMEM;
}

void dims_deinit(struct dims *d)
{
	json_decref(d->rows);
	json_decref(d->kinds);
	buffer_deinit(&d->key);
	buffer_deinit(&d->attack);
	buffer_deinit(&d->tags);
}

void dims_clear(struct dims *d)
{
	(void)json_object_clear(d->rows); /* it is one */
	(void)json_object_clear(d->kinds);
}

/* Lengths are part of it: no two combinations have one key. NULL: no memory. */
static const char *make_key(struct dims *d, const struct span parts[static DIMS_PARTS])
{
	buffer_clear(&d->key);
	for (size_t i = 0; i < DIMS_PARTS; i++) {
		buffer_append_u64(&d->key, parts[i].len);
		buffer_append_char(&d->key, ':');
		buffer_append_span(&d->key, parts[i]);
	}
	return buffer_cstring(&d->key);
}

/* Not the boot, nor the instance in "proc:4f2a": words are looked for by the kind, and there
 * would be ever more of them. */
static const char *make_kind_key(struct dims *d,
				 const struct span parts[static DIMS_PARTS])
{
	struct span common[DIMS_PARTS], *stream = &common[1 + QUERY_STREAM];
	const char *colon;

	memcpy(common, parts, sizeof(common));
	common[1 + QUERY_BOOT_ID] = SPAN("");
	colon = stream->len ? memchr(stream->data, ':', stream->len) : NULL;
	if (colon)
		stream->len = (size_t)(colon - stream->data);
	return make_key(d, common);
}

int dims_note(struct dims *d, const struct dims_row *row)
{
	const char *key = make_kind_key(d, row->parts);

	if (!key || json_object_setn_new_nocheck(d->kinds, key, d->key.len,
						 json_integer(row->kind)) < 0)
		return -ENOMEM;
	key = make_key(d, row->parts);
	return key && json_object_setn_new_nocheck(d->rows, key, d->key.len,
						   json_pack("[I, I]",
							     (json_int_t)row->id,
							     (json_int_t)row->kind)) == 0
		       ? 0
		       : -ENOMEM;
}

struct span dims_member(const json_t *event, const char *key)
{
	const json_t *value = json_object_get(event, key);
	const char *text = json_string_value(value);

	return (struct span){ text ? text : "", text ? json_string_length(value) : 0 };
}

/* The words of a list, as dims has them. */
static struct span list_member(const json_t *event, const char *key, struct buffer *words)
{
	const json_t *list = json_object_get(event, key), *word;
	size_t i;

	if (json_is_string(list))
		return dims_member(event, key);
	buffer_clear(words);
	json_array_foreach(list, i, word)
	{
		if (i)
			buffer_append_char(words, QUERY_SEPARATOR);
		if (json_is_string(word))
			buffer_append(words, json_string_value(word),
				      json_string_length(word));
	}
	return words->len ? buffer_span(words) : SPAN("");
}

/* They are numbered from 1 as they come; none ever goes. */
static int64_t find_kind(struct dims *d, const struct span parts[static DIMS_PARTS])
{
	const char *key = make_kind_key(d, parts);
	const json_t *known = key ? json_object_getn(d->kinds, key, d->key.len) : NULL;

	if (!key)
		return -ENOMEM;
	return known ? json_integer_value(known)
		     : (int64_t)json_object_size(d->kinds) + 1;
}

static const char *const names[] = {
#define X(name, column) #column,
	QUERY_FIELDS(X)
#undef X
};

static int take_parts(struct dims *d, const json_t *event, enum lksm_severity severity,
		      struct span ret[static DIMS_PARTS])
{
	static const char digits[] = "0123456789";

	ret[0] = (struct span){ &digits[severity], 1 };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ret[1 + i] = dims_member(event, names[i]);
	ret[1 + QUERY_ATTACK] = list_member(event, "attack", &d->attack);
	ret[1 + QUERY_TAGS] = list_member(event, "tags", &d->tags);
	return d->attack.error || d->tags.error ? -ENOMEM : 0;
}

int dims_find(struct dims *d, const json_t *event, enum lksm_severity severity,
	      struct dims_row *ret)
{
	int r = take_parts(d, event, severity, ret->parts);
	const char *key = r < 0 ? NULL : make_key(d, ret->parts);
	const json_t *known = key ? json_object_getn(d->rows, key, d->key.len) : NULL;

	if (!key)
		return -ENOMEM;
	if (known) {
		ret->id = json_integer_value(json_array_get(known, 0));
		ret->kind = json_integer_value(json_array_get(known, 1));
		return 0;
	}
	ret->kind = find_kind(d, ret->parts);
	return ret->kind < 0 ? -ENOMEM : -ENOENT;
}
