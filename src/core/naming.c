// SPDX-License-Identifier: Apache-2.0
/*
 * Naming. Everything is decided on the decoded text; the kernel itself never escapes a
 * byte of the tag, so nothing is won by writing it in escapes.
 */
#include "core/naming.h"

#include <errno.h>

#include "base/log.h"
#include "base/planted.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/utf8.h"
#include "core/kmsg.h"
#include "core/logfmt.h"

#define TYPE_MAX 63

static const struct span tag = { "[PHOTON RING]", 13 };

#define TAG_FIRST  '['
#define TAG_SECOND 'P'

struct naming {
	const struct rules *rules;
	struct naming_options options;
	struct rules_scratch *scratch;
	struct buffer text;   /* the record's, decoded */
	struct buffer values; /* of a logfmt line, unquoted */
	struct buffer raw;    /* when the record's own text cannot serve */
	struct buffer tags;   /* a rule's, and one of ours */
	struct logfmt_line logfmt;
	struct span kernel_type, kernel_source; /* of the row that is wanted most */
	enum lksm_severity kernel_severity;
};

int naming_create(const struct rules *rules, const struct naming_options *options,
		  struct naming **ret)
{
	struct naming *n = calloc(1, sizeof(*n));
	const struct event_type *row;
	int r;

	if (!n)
		return -ENOMEM;
	n->rules = rules;
	n->options = *options;
	row = event_type_find(SPAN("kernel_message"));
	n->kernel_type = span_from(row->name);
	n->kernel_source = span_from(row->source);
	n->kernel_severity = row->severity;
	r = rules_scratch_create(rules, &n->scratch);
	if (r < 0) {
		naming_destroy(n);
		return r;
	}
	*ret = n;
	return 0;
}

void naming_destroy(struct naming *n)
{
	if (!n)
		return;
	rules_scratch_destroy(n->scratch);
	buffer_deinit(&n->text);
	buffer_deinit(&n->values);
	buffer_deinit(&n->raw);
	buffer_deinit(&n->tags);
	free(n);
}

/* Text without a backslash is decoded as it stands. */
static int decode(struct naming *n, struct span escaped, struct span *ret)
{
	if (!memchr(escaped.data, '\\', escaped.len)) {
		*ret = escaped;
		return 0;
	}
	buffer_clear(&n->text);
	n->options.unescape(&n->text, escaped);
	*ret = buffer_span(&n->text);
	return buffer_error(&n->text);
}

static bool is_trusted(const struct naming *n, const struct lksm_record *record)
{
	return record->facility == 0 || (record->facility < 0 && n->options.is_replay);
}

static uint64_t set_or_absent(int value)
{
	return value < 0 ? EVENT_UNSET : (uint64_t)value;
}

/* What holds of every record, whatever its text says. @is_ascii: that is known already */
static int fill_origin(struct naming *n, const struct lksm_record *record,
		       struct span text, bool is_ascii, struct lksm_event *event)
{
	struct span escaped = { record->text, record->text_len };

	event->ts = record->ts_us;
	event->time = record->time_us ? record->time_us : EVENT_UNSET;
	event->stream = span_from(record->stream);
	event->stream_seq = record->stream ? record->stream_seq : EVENT_UNSET;
	event->level = set_or_absent(record->level);
	event->facility = set_or_absent(record->facility);
	event->message = text.data ? text : SPAN("");
	event->raw = (struct span){ NULL, 0 };
	if (is_ascii || utf8_is_valid(text))
		return 0;
	event->raw = escaped;
	if (utf8_is_valid(escaped))
		return 0;
	/* a saved log with the bytes themselves: escape them, so that none is lost */
	buffer_clear(&n->raw);
	kmsg_escape(&n->raw, text);
	event->raw = buffer_span(&n->raw);
	return buffer_error(&n->raw);
}

static void fill_type(struct lksm_event *event, struct span type,
		      enum lksm_severity severity, struct span source)
{
	event->type = type;
	event->severity = severity;
	event->source = source;
	event->rule = (struct span){ NULL, 0 };
	event->tags = (struct span){ NULL, 0 };
	event->attack = (struct span){ NULL, 0 };
	event->data.n = 0;
}

/* An event of LKSM's own, as its row in event_types.h says. */
static void fill_own(struct lksm_event *event, const struct event_type *row)
{
	fill_type(event, span_from(row->name), row->severity, span_from(row->source));
	if (row->attack[0])
		event->attack = span_from(row->attack);
}

static int name_spoof(struct lksm_event *event, struct span text, struct span reason)
{
	fill_own(event, event_type_find(SPAN("spoof_suspected")));
	(void)event_add_text(event, SPAN("line"), text); /* two keys have room */
	(void)event_add_text(event, SPAN("reason"), reason);
	return 1;
}

/* The values in one buffer, which must not move once the event points into it. */
static int unquote_all(struct naming *n, struct span text, struct span *ret)
{
	buffer_clear(&n->values);
	if (!buffer_reserve(&n->values, text.len + 1)) /* unquoting never makes longer */
		return -ENOMEM;
	for (size_t i = 0; i < n->logfmt.n; i++) {
		size_t begin = n->values.len;

		logfmt_unquote(&n->values, &n->logfmt.pairs[i]);
		ret[i] = (struct span){ n->values.data + begin, n->values.len - begin };
	}
	return buffer_error(&n->values);
}

/* Return: 1 if the line is logfmt with a type, and so names itself; 0 if not; -ENOMEM. */
static int name_logfmt(struct naming *n, struct span text, struct lksm_event *event)
{
	struct span values[LOGFMT_PAIRS_MAX], type = { NULL, 0 };
	enum lksm_severity severity = LKSM_INFO;
	size_t severity_at = LOGFMT_PAIRS_MAX;
	const struct sensor_type *row;

	if (!memchr(text.data, '=', text.len) || logfmt_parse(text, &n->logfmt) < 0)
		return 0;
	if (unquote_all(n, text, values) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n->logfmt.n; i++) {
		struct span key = n->logfmt.pairs[i].key;

		if (span_equal(key, SPAN("type")))
			type = values[i];
		if (span_equal(key, SPAN("severity")) &&
		    severity_parse(values[i], &severity) == 0)
			severity_at = i; /* an unknown one stays in data */
	}
	if (!is_snake_case(type, TYPE_MAX))
		return 0;
	fill_type(event, type, severity, SPAN("kprobe_reader"));
	row = sensor_type_find(type);
	if (row && row->attack[0])
		event->attack = span_from(row->attack);
	for (size_t i = 0; i < n->logfmt.n; i++) {
		const struct logfmt_pair *pair = &n->logfmt.pairs[i];
		int64_t integer;

		if (i == severity_at || span_equal(pair->key, SPAN("type")))
			continue;
		/* there is room for all pairs */
		if (logfmt_integer(pair, &integer) == 0)
			(void)event_add_int(event, pair->key, integer);
		else
			(void)event_add_text(event, pair->key, values[i]);
	}
	return 1;
}

/* A rule whose regex gave up is told of once; its lines go on to the next rule. */
static void tell_exhausted(struct naming *n)
{
	const char *id;

	while ((id = rules_next_exhausted(n->rules, n->scratch)))
		log_warning("rules: the regex of '%s' is too costly for some lines, "
			    "which it now "
			    "passes over; this is told once",
			    id);
}

static int name_by_rules(struct naming *n, enum rules_scope scope, struct span text,
			 struct span source, struct lksm_event *event)
{
	int r;

	fill_type(event, (struct span){ NULL, 0 }, LKSM_INFO, source);
	r = rules_match(n->rules, n->scratch, scope, text, event);
	tell_exhausted(n);
	return r;
}

static struct span without_tag(struct span text)
{
	text = span_skip(text, tag.len);
	while (text.len && text.data[0] == ' ')
		text = span_skip(text, 1);
	return text;
}

static int name_sensor(struct naming *n, struct span text, struct lksm_event *event)
{
	int r;

	r = name_logfmt(n, text, event);
	if (r == 0)
		r = name_by_rules(n, RULES_PHOTON_RING, text, SPAN("kprobe_reader"),
				  event);
	if (r)
		return r == 2 ? 0 : r;
	/* rules without a catch-all: what the sensor says is never dropped in silence */
	fill_type(event, SPAN("photon_ring_generic"), LKSM_INFO, SPAN("kprobe_reader"));
	(void)event_add_text(event, SPAN("message"), text);
	return 1;
}

/* What user space wrote into the kernel's log speaks for nobody: no rule sees it. */
static int name_kernel(struct naming *n, const struct lksm_record *record,
		       struct span text, struct lksm_event *event)
{
	int r = 0;

	if (is_trusted(n, record) && rules_wants(n->rules, RULES_KERNEL_LOG))
		r = name_by_rules(n, RULES_KERNEL_LOG, text, SPAN("kernel_log"), event);
	if (r)
		return r == 2 ? 0 : r;
	if (!n->options.all)
		return 0;
	fill_type(event, n->kernel_type, n->kernel_severity, n->kernel_source);
	event_put_text(event, SPAN("message"), event->message);
	return 1;
}

static int name_tagged(struct naming *n, const struct lksm_record *record,
		       struct span text, struct lksm_event *event)
{
	if (!is_trusted(n, record))
		return name_spoof(event, text, SPAN("facility"));
	if (record->verdict == LKSM_NO_RECORD)
		return name_spoof(event, text, SPAN("no_record"));
	return name_sensor(n, without_tag(text), event);
}

static int add_tag(struct naming *n, struct span word, struct lksm_event *event)
{
	buffer_clear(&n->tags);
	buffer_append_span(&n->tags, event->tags);
	if (event->tags.len)
		buffer_append_char(&n->tags, ' ');
	buffer_append_span(&n->tags, word);
	event->tags = buffer_span(&n->tags);
	return buffer_error(&n->tags);
}

/*
 * Most texts, but for a tag that they begin with, are ASCII without a backslash and without
 * what a tag begins with: they mean what they say, and have no tag elsewhere.
 */
static bool is_simple(struct span escaped)
{
	bool is_tagged = span_starts_with(escaped, tag);

	return scan_is_simple(span_skip(escaped, is_tagged ? tag.len : 0), TAG_FIRST,
			      TAG_SECOND);
}

int naming_name(struct naming *n, const struct lksm_record *record,
		struct lksm_event *event)
{
	struct span escaped = { record->text_len ? record->text : "", record->text_len };
	struct span text = escaped; /* the channel has no escapes but those of logfmt */
	bool is_plain = is_simple(escaped);
	int r;

	if (record->verdict == LKSM_ECHO || record->verdict == LKSM_UNDECIDED)
		return 0;
	if (record->verdict != LKSM_SENSOR && !is_plain && decode(n, escaped, &text) < 0)
		return -ENOMEM;
	event->message = text;
	planted_run(text);
	if (record->verdict == LKSM_SENSOR)
		r = name_sensor(n, text, event);
	else if (span_starts_with(text, tag))
		r = name_tagged(n, record, text, event);
	else if (!is_plain && scan_find(text, tag))
		r = name_spoof(event, text, SPAN("position"));
	else
		r = name_kernel(n, record, text, event);
	if (r <= 0)
		return r;
	if (record->verdict == LKSM_UNVERIFIED &&
	    add_tag(n, SPAN("unverified"), event) < 0)
		return -ENOMEM;
	return fill_origin(n, record, text, is_plain, event) < 0 ? -ENOMEM : 1;
}
