// SPDX-License-Identifier: Apache-2.0
/* See line_test.h. */
#include "core/line_test.h"

#include <errno.h>

#include "core/dmesg.h"
#include "core/kmsg.h"
#include "core/naming.h"

#define TAG "[PHOTON RING]"

struct line_test {
	const struct rules *rules;
	struct naming *kmsg;	/* text escaped as the kernel does */
	struct naming *as_told; /* text as dmesg or a person writes it */
	struct naming *tagged;	/* the same with the tag put before it */
	struct buffer line;	/* for the tag */
	uint64_t n;
	struct line_outcome outcomes[2];
};

void line_test_destroy(struct line_test *t)
{
	if (!t)
		return;
	naming_destroy(t->kmsg);
	naming_destroy(t->as_told);
	naming_destroy(t->tagged);
	buffer_deinit(&t->line);
	free(t);
}

int line_test_create(const struct rules *rules, struct line_test **ret)
{
	const struct naming_options told = { .is_replay = true,
					     .unescape = dmesg_unescape };
	const struct naming_options kmsg = { .is_replay = true,
					     .unescape = kmsg_unescape };
	_cleanup_(line_test_destroyp) struct line_test *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->rules = rules;
	r = naming_create(rules, &kmsg, &t->kmsg);
	if (r == 0)
		r = naming_create(rules, &told, &t->as_told);
	if (r == 0)
		r = naming_create(rules, &told, &t->tagged);
	if (r == 0)
		*ret = take_ptr(t);
	return r;
}

static int name_line(struct line_test *t, struct naming *naming,
		     const struct lksm_record *record, struct line_outcome *o)
{
	event_init(&o->event);
	o->event.seq = t->n;
	o->result = naming_name(naming, record, &o->event);
	o->has_info = o->event.rule.data &&
		      rules_describe(t->rules, o->event.rule, &o->info);
	o->is_match = o->has_info;
	/* without a rule, the sensor's line is generic or has named itself */
	if (o->result > 0 && !o->has_info &&
	    span_equal(o->event.source, SPAN("kprobe_reader")))
		o->is_match = !span_equal(o->event.type, SPAN("photon_ring_generic"));
	return o->result;
}

/* A bare text: the sensor's if more than a catch-all knows it, else the kernel's. */
static int name_bare(struct line_test *t, struct lksm_record *record,
		     struct line_outcome *o, struct line_outcome *spare)
{
	struct lksm_record tagged = *record;
	int r;

	buffer_clear(&t->line);
	buffer_append_literal(&t->line, TAG " ");
	buffer_append(&t->line, record->text, record->text_len);
	if (buffer_error(&t->line))
		return buffer_error(&t->line);
	tagged.text = t->line.data;
	tagged.text_len = t->line.len;
	r = name_line(t, t->tagged, &tagged, o);
	if (r < 0 || (o->is_match && !(o->has_info && o->info.is_any)))
		return r;
	r = name_line(t, t->as_told, record, spare);
	if (r >= 0 && (spare->is_match || !o->is_match))
		*o = *spare;
	else
		o->is_guess = true;
	return r;
}

static int try_record(struct line_test *t, struct span line, struct line_outcome *o,
		      struct line_outcome *spare)
{
	struct lksm_record record = { .level = -1, .facility = 0 };
	struct dmesg_parser parser = { 0 };
	struct dmesg_record from_dmesg;
	struct kmsg_record from_kmsg;
	struct span rest = line;

	if (line.len && kmsg_parse(line, &from_kmsg) == 0) {
		record.ts_us = from_kmsg.ts_us;
		record.level = from_kmsg.level;
		record.facility = from_kmsg.facility;
		record.text = from_kmsg.text.data;
		record.text_len = from_kmsg.text.len;
		return name_line(t, t->kmsg, &record, o);
	}
	if (line.len && dmesg_next(&parser, &rest, true, &from_dmesg) &&
	    parser.has_prefix) {
		record.ts_us = from_dmesg.ts_us;
		record.level = from_dmesg.level;
		record.facility = from_dmesg.facility;
		record.text = from_dmesg.text.data;
		record.text_len = from_dmesg.text.len;
		return name_line(t, t->as_told, &record, o);
	}
	record.text = line.data;
	record.text_len = line.len;
	if (span_contains(line, SPAN(TAG)))
		return name_line(t, t->as_told, &record, o);
	return name_bare(t, &record, o, spare);
}

int line_test_try(struct line_test *t, struct span line, const struct line_outcome **ret)
{
	struct line_outcome *o = t->outcomes;
	int r;

	if (line.len > LKSM_VALUE_MAX)
		line.len = LKSM_VALUE_MAX; /* as the kernel's records are */
	memset(t->outcomes, 0, sizeof(t->outcomes));
	r = try_record(t, line, &o[0], &o[1]);
	if (r < 0)
		return r;
	t->n++;
	*ret = o;
	return 0;
}

static void append_event(struct buffer *out, const struct line_outcome *o)
{
	if (o->result <= 0) {
		buffer_append_literal(out, "null");
		return;
	}
	if (event_encode(out, &o->event, EVENT_FULL) == 0)
		out->len--; /* its newline */
	else
		buffer_append_literal(out, "null");
}

void line_outcome_append_json(struct span line, const struct line_outcome *o,
			      struct buffer *out)
{
	buffer_append_literal(out, "{\"line\": ");
	json_append_string(out, line);
	buffer_appendf(out,
		       ", \"matched\": %s, \"rule\": ", o->is_match ? "true" : "false");
	if (o->has_info) {
		json_append_string(out, o->event.rule);
		buffer_append_literal(out, ", \"file\": ");
		json_append_string(out, span_from(o->info.file));
		buffer_appendf(out, ", \"line_number\": %d, \"because\": ", o->info.line);
		json_append_string(out, o->info.condition);
	} else {
		buffer_append_literal(out, "null");
	}
	buffer_append_literal(out, ", \"event\": ");
	append_event(out, o);
	buffer_append_char(out, '}');
}
