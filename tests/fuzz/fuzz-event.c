// SPDX-License-Identifier: Apache-2.0
/*
 * An event made of arbitrary bytes must be one line of JSON that another reader accepts,
 * and that says what was put in. The input: numbers (8 bytes each), then texts between
 * newlines.
 */
#include "core/event.h"

#include <jansson.h>

#include "base/utf8.h"
#include "fuzz.h"

static uint64_t take_u64(struct span *s)
{
	uint64_t value = 0;
	size_t n = s->len < sizeof(value) ? s->len : sizeof(value);

	memcpy(&value, s->data, n);
	*s = span_skip(*s, n);
	return value;
}

static struct span take_text(struct span *s)
{
	const char *newline = s->len ? memchr(s->data, '\n', s->len) : NULL;
	struct span text = { s->data, newline ? (size_t)(newline - s->data) : s->len };

	*s = span_skip(*s, text.len + (newline ? 1 : 0));
	return text;
}

static void fill(struct lksm_event *e, struct span s)
{
	event_init(e);
	e->seq = take_u64(&s) >> 2; /* jansson's integers are signed */
	e->ts = take_u64(&s);
	e->time = take_u64(&s);
	e->severity = (enum lksm_severity)(take_u64(&s) % EVENT_SEVERITY_COUNT);
	e->stream_seq = take_u64(&s) >> 2;
	(void)event_add_int(e, SPAN("integer"), (int64_t)take_u64(&s));
	e->type = take_text(&s);
	e->tags = take_text(&s);
	e->raw = take_text(&s);
	(void)event_add_text(e, SPAN("text"), take_text(&s));
	(void)event_add_text(e, take_text(&s), SPAN("key"));
	e->message = s;
}

/* A text that is valid UTF-8 comes back as it was. */
static void check_text(const json_t *value, struct span want)
{
	struct span got = { json_string_value(value), json_string_length(value) };

	MUST(json_is_string(value));
	if (utf8_is_valid(want))
		MUST(span_equal(got, want));
	else
		MUST(utf8_is_valid(got));
}

static void check_line(const struct buffer *line, const struct lksm_event *e,
		       bool is_full)
{
	json_t *root;

	MUST(line->len >= 2 && line->len <= EVENT_LINE_MAX);
	MUST(memchr(line->data, '\n', line->len) == line->data + line->len - 1);
	root = json_loadb(line->data, line->len, JSON_ALLOW_NUL, NULL);
	MUST(root);
	MUST((uint64_t)json_integer_value(json_object_get(root, "seq")) == e->seq);
	check_text(json_object_get(root, "type"), e->type);
	MUST(json_is_real(json_object_get(root, "ts")));
	if (is_full)
		check_text(json_object_get(root, "message"), e->message);
	else
		MUST(json_object_size(root) == LKSM_SEED_FIELDS);
	json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct buffer full = { 0 }, seed = { 0 };
	struct lksm_event e;

	if (size < 1 || size > 16384) /* 6 bytes for each, so that nothing is cut */
		return 0;
	fill(&e, (struct span){ (const char *)data, size });
	MUST(event_encode(&full, &e, EVENT_FULL) == 0);
	MUST(event_encode(&seed, &e, EVENT_SEED) == 0);
	check_line(&full, &e, true);
	check_line(&seed, &e, false);
	return 0;
}
