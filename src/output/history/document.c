// SPDX-License-Identifier: Apache-2.0
/* See document.h. */
#include "output/history/document.h"

#include <errno.h>

#include "output/history/dims.h"

void document_deinit(struct document *d)
{
	buffer_deinit(&d->text);
	buffer_deinit(&d->data);
	buffer_deinit(&d->phrases);
}

int document_fill(struct document *d, const json_t *event,
		  const unsigned char secret[static HISTORY_KEY_BYTES],
		  struct pairs *pairs, int64_t kind, int n)
{
	json_t *data = json_object_get(event, "data"), *value;
	const char *key;
	struct span message = dims_member(event, "message");

	buffer_clear(&d->text);
	buffer_clear(&d->data);
	buffer_clear(&d->phrases);
	buffer_append_span(&d->text, message);
	json_object_foreach(data, key, value)
	{
		char number[32], token[HISTORY_TOKEN_SIZE];
		struct span text;

		if (!history_scalar(value, number, &text))
			continue;
		if (!span_contains(message, text)) {
			buffer_append_char(&d->text, ' ');
			buffer_append_span(&d->text, text);
		}
		if (history_token(secret, span_from(key), text, token) < 0)
			return -ENOMEM;
		if (pairs_add(pairs, kind, span_from(key), span_from(token), n) < 0)
			return -ENOMEM;
		buffer_append_char(&d->data, ' ');
		buffer_append_span(&d->data, span_from(token));
	}
	return d->text.error ? d->text.error : d->data.error;
}

static int take_grams(struct document *d, struct grams *g,
		      const struct gram_source *source, int n)
{
	struct gram_source whole = *source;

	whole.text = buffer_span(&d->text);
	whole.data = buffer_span(&d->data);
	return grams_add(g, &whole, n, n > 0 ? &d->phrases : NULL);
}

int document_count(struct document *d, struct grams *g, const struct gram_source *source)
{
	int r = take_grams(d, g, source, 1);

	buffer_append_span(&d->data, buffer_span(&d->phrases));
	if (r < 0)
		return r;
	return d->phrases.error ? d->phrases.error : d->data.error;
}

int document_uncount(struct document *d, struct grams *g,
		     const struct gram_source *source, struct span phrases)
{
	int r = take_grams(d, g, source, -1);

	buffer_append_span(&d->data, phrases);
	return r < 0 ? r : d->data.error;
}
