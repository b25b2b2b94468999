// SPDX-License-Identifier: Apache-2.0
/* See replay.h. Blocks are read, whole records are taken from them, the rest is carried.
 */
#include "core/replay.h"

#include <errno.h>

#include "base/file.h"
#include "base/log.h"
#include "core/dmesg.h"
#include "core/kmsg.h"
#include "core/naming.h"
#include "core/skim.h"

#define BLOCK_SIZE  ((size_t)256 << 10)
#define OUTPUT_SIZE ((size_t)256 << 10) /* written when so much has come together */

struct replay {
	const struct replay_options *options;
	enum replay_format format;
	int out_fd;
	struct naming *naming;
	struct lksm_event event; /* naming sets all of it that a saved log tells */
	struct buffer lines;
	uint64_t next_seq;
	struct dmesg_parser dmesg;
	struct buffer joined; /* a dmesg text with its continuation lines */
	uint64_t n_bad;	      /* lines that are no records */
	bool is_skipping;     /* inside a line that is too long */
	char *block;	      /* BLOCK_SIZE + SKIM_SLACK bytes */
	bool is_skimming;     /* only what the sensor says, or might say, is wanted */
	struct skim_shape shape;
};

static int write_lines(struct replay *p)
{
	int r = write_all(p->out_fd, p->lines.data, p->lines.len);

	buffer_clear(&p->lines);
	return r;
}

static int add(struct replay *p, const struct lksm_record *record)
{
	int r = naming_name(p->naming, record, &p->event);

	if (r <= 0)
		return r;
	p->event.seq = p->next_seq++;
	r = event_encode(&p->lines, &p->event, p->options->view);
	return r < 0 || p->lines.len < OUTPUT_SIZE ? r : write_lines(p);
}

static int add_kmsg(struct replay *p, struct span bytes)
{
	struct kmsg_record k;

	if (bytes.len > KMSG_RECORD_MAX || kmsg_parse(bytes, &k) < 0) {
		p->n_bad++;
		return 0;
	}
	return add(p, &(struct lksm_record){
			      .stream = "kmsg",
			      .stream_seq = k.seq,
			      .ts_us = k.ts_us,
			      .level = k.level,
			      .facility = k.facility,
			      .text = k.text.data,
			      .text_len = k.text.len,
		      });
}

static int add_dmesg(struct replay *p, const struct dmesg_record *d)
{
	struct span text = d->text;

	if (d->more.len) {
		buffer_clear(&p->joined);
		dmesg_join(&p->joined, d);
		text = buffer_span(&p->joined);
	}
	if (buffer_error(&p->joined))
		return buffer_error(&p->joined);
	return add(p, &(struct lksm_record){
			      .stream_seq = EVENT_UNSET,
			      .ts_us = d->ts_us,
			      .time_us = d->time_us,
			      .level = d->level,
			      .facility = d->facility,
			      .text = text.data,
			      .text_len = text.len,
		      });
}

/* Pass over what cannot become an event. */
static struct span *skim(struct replay *p, struct span *s)
{
	if (p->is_skimming)
		*s = span_skip(*s, p->format == REPLAY_KMSG
					   ? skim_kmsg(*s)
					   : skim_dmesg(&p->shape, &p->dmesg, *s));
	return s;
}

/* Take the whole records from @s; what is left of it begins the next block. */
static int take_records(struct replay *p, struct span *s, bool is_end)
{
	struct dmesg_record d;
	struct span bytes;
	int r = 0;

	if (p->format == REPLAY_KMSG)
		while (r >= 0 && kmsg_next(skim(p, s), is_end, false, &bytes))
			r = add_kmsg(p, bytes);
	else
		while (r >= 0 && dmesg_next(&p->dmesg, skim(p, s), is_end, &d))
			r = add_dmesg(p, &d);
	return r;
}

static int setup(struct replay *p, struct span first)
{
	struct naming_options options = { .all = p->options->all, .is_replay = true };

	p->format = p->options->format;
	if (p->format == REPLAY_AUTO)
		p->format = dmesg_looks_like(first) ? REPLAY_DMESG : REPLAY_KMSG;
	options.unescape = p->format == REPLAY_KMSG ? kmsg_unescape : dmesg_unescape;
	p->is_skimming = p->options->is_quick && !p->options->all &&
			 !rules_wants(p->options->rules, RULES_KERNEL_LOG);
	event_init(&p->event);
	return naming_create(p->options->rules, &options, &p->naming);
}

/* The rest of a line too long to be a record must not pass for one. */
static void skip_line(struct replay *p, struct span *s)
{
	const char *end = p->is_skipping ? memchr(s->data, '\n', s->len) : NULL;

	if (!p->is_skipping)
		return;
	*s = end ? span_skip(*s, (size_t)(end + 1 - s->data))
		 : (struct span){ s->data, 0 };
	p->is_skipping = !end;
}

static int run(struct replay *p, int in_fd)
{
	size_t kept = 0;
	bool is_end = false;

	while (!is_end) {
		ssize_t n = read_full(in_fd, p->block + kept, BLOCK_SIZE - kept);
		struct span s;
		int r = 0;

		if (n < 0)
			return (int)n;
		is_end = (size_t)n < BLOCK_SIZE - kept;
		s = (struct span){ p->block, kept + (size_t)n };
		skip_line(p, &s);
		if (!p->naming)
			r = setup(p, s);
		if (r >= 0)
			r = take_records(p, &s, is_end);
		if (r < 0)
			return r;
		if (s.len == BLOCK_SIZE) { /* no kernel writes such a line */
			p->is_skipping = true;
			p->n_bad++;
			s.len = 0;
		}
		kept = s.len;
		memmove(p->block, s.data, kept);
	}
	return write_lines(p);
}

int replay(const struct replay_options *options, int in_fd, int out_fd,
	   uint64_t *ret_n_events)
{
	_cleanup_free_ char *block = calloc(1, BLOCK_SIZE + SKIM_SLACK);
	struct replay p = { .options = options, .out_fd = out_fd, .block = block };
	int r = block ? run(&p, in_fd) : -ENOMEM;

	if (p.n_bad)
		log_warning("left out, as no records of a kernel log: %llu line%s",
			    (unsigned long long)p.n_bad, p.n_bad == 1 ? "" : "s");
	*ret_n_events = p.next_seq;
	buffer_deinit(&p.joined);
	buffer_deinit(&p.lines);
	naming_destroy(p.naming);
	return r;
}
