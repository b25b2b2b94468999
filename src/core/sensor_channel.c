// SPDX-License-Identifier: Apache-2.0
/* See sensor_channel.h. */
#include "core/sensor_channel.h"

#include <errno.h>
#include <sys/random.h>

#include "core/kmsg.h"

/* It leaves the kernel log some room in each turn. */
#define TURN_LINES 128

/*
 * While there is none, a line that could be the sensor's makes us ask for it, and the line
 * waits for the answer: the sensor's first lines are then not taken twice.
 */
#define ASK_PERIOD_US 100000

/* No answer by then is a no: the kernel log must not wait for a supervisor that hangs. */
#define ANSWER_US 1000000

#define TAG SPAN("[PHOTON RING]")

/* ---- telling ---- */

static void add_text(const struct sensor_channel *c, struct lksm_batch *out,
		     const char *key, const char *text)
{
	(void)c->host->add_str(out, key, text, strlen(text)); /* has_room() was asked */
}

static void tell_failed(const struct sensor_channel *c, struct lksm_batch *out,
			const char *error)
{
	(void)c->host->emit(out, 0, "source_failed", LKSM_HIGH);
	add_text(c, out, "stream", c->stream.name[0] ? c->stream.name : "proc");
	add_text(c, out, "error", error);
}

static void tell_lost(const struct sensor_channel *c, struct lksm_batch *out,
		      const char *stream, uint64_t first, uint64_t last,
		      const char *reason)
{
	bool is_before_us = !strcmp(reason, "before_start");

	(void)c->host->emit(out, 0, "records_lost", is_before_us ? LKSM_INFO : LKSM_HIGH);
	add_text(c, out, "stream", stream);
	(void)c->host->add_int(out, "first", (int64_t)first);
	(void)c->host->add_int(out, "last", (int64_t)last);
	(void)c->host->add_int(out, "count", (int64_t)(last - first + 1));
	add_text(c, out, "reason", reason);
}

static void tell_sensor(const struct sensor_channel *c, struct lksm_batch *out,
			const char *type, enum lksm_severity severity)
{
	const char *instance = strchr(c->stream.name, ':');

	(void)c->host->emit(out, 0, type, severity);
	add_text(c, out, "instance", instance ? instance + 1 : "");
}

static void tell_gone(struct sensor_channel *c, struct lksm_batch *out)
{
	if (!c->stream.name[0] || c->is_gone)
		return;
	tell_sensor(c, out, "sensor_gone", LKSM_CRITICAL);
	if (c->stream.has_last)
		(void)c->host->add_int(out, "last", (int64_t)c->stream.last);
	c->is_gone = true;
}

static void tell_bad_lines(struct sensor_channel *c, struct lksm_batch *out)
{
	if (!c->n_bad)
		return;
	tell_failed(c, out, "lines that are not in the format of the sensor");
	(void)c->host->add_int(out, "count", (int64_t)c->n_bad);
	c->n_bad = 0;
}

static void emit_record(const struct sensor_channel *c, struct lksm_batch *out,
			const struct lksm_record *record)
{
	if (c->host->emit_record(out, record) < 0)
		tell_lost(c, out, record->stream, record->stream_seq, record->stream_seq,
			  "refused");
}

/* ---- opening and closing ---- */

/* Is it there? Return: 0 if an answer will come, -EAGAIN if it was asked just now, -errno. */
static int ask(struct sensor_channel *c, uint64_t now_us)
{
	int r;

	if (c->is_open || c->is_asked || c->is_refused)
		return -EALREADY;
	if (c->asked_us && now_us - c->asked_us < ASK_PERIOD_US)
		return -EAGAIN;
	r = c->host->look(c->host, SENSOR_CHANNEL_OPTION);
	if (r < 0)
		return r;
	c->is_asked = true;
	c->asked_us = now_us;
	echo_asked(c->echo);
	return 0;
}

static void close_channel(struct sensor_channel *c, uint64_t now_us)
{
	if (c->source.kind != SENSOR_FILE)
		c->host->unwatch(c->host, c->fd);
	c->is_open = c->is_behind = false;
	c->fd = -ENODEV;
	echo_closed(c->echo);
	c->is_wanted = ask(c, now_us) == -EAGAIN;
}

/* Reading ended: the sensor was unloaded, or its channel fails, which comes to the same. */
static void channel_ended(struct sensor_channel *c, struct lksm_batch *out, int error,
			  uint64_t now_us)
{
	c->is_refused = error == -EPROTONOSUPPORT;
	if (c->is_refused)
		tell_failed(c, out, "it speaks another version of the format");
	else if (error != -EIO)
		tell_failed(c, out, strerror(-error));
	tell_gone(c, out);
	close_channel(c, now_us);
}

static void open_channel(struct sensor_channel *c, struct lksm_batch *out)
{
	int error = sensor_source_open(&c->source, c->fd);

	if (error == 0 && c->source.kind != SENSOR_FILE)
		error = c->host->watch(c->host, c->fd);
	if (error < 0) {
		tell_failed(c, out, strerror(-error));
		c->fd = -ENODEV;
		echo_closed(c->echo);
		return;
	}
	c->is_open = c->is_behind = true;
	c->is_refused = false;
	c->behind_until = 0;
}

/* What the host has found out since the last turn. */
static void look_at_option(struct sensor_channel *c, struct lksm_batch *out,
			   uint64_t now_us)
{
	bool is_late = c->is_asked && now_us - c->asked_us >= ANSWER_US;

	if (c->is_open)
		return;
	if (c->fd >= 0)
		open_channel(c, out);
	else if (c->is_asked && (c->fd != -EINPROGRESS || is_late))
		echo_closed(c->echo);
	else if (c->is_wanted)
		c->is_wanted = ask(c, now_us) == -EAGAIN;
	if (c->fd != -EINPROGRESS || is_late)
		c->is_asked = false;
}

int sensor_channel_init(struct sensor_channel *c, const struct lksm_host *host,
			uint64_t now_us)
{
	unsigned char key[ECHO_KEY_SIZE];
	int r;

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return -errno;
	r = echo_create(key, &c->echo);
	if (r < 0)
		return r;
	c->host = host;
	if (c->fd < 0)
		(void)ask(c, now_us); /* if that cannot be, there is none */
	return 0;
}

void sensor_channel_deinit(struct sensor_channel *c)
{
	if (c->is_open && c->source.kind != SENSOR_FILE)
		c->host->unwatch(c->host, c->fd);
	c->is_open = false;
	echo_destroy(c->echo);
	c->echo = NULL;
	buffer_deinit(&c->text);
}

/* ---- reading ---- */

static void begin_instance(struct sensor_channel *c, struct lksm_batch *out,
			   const struct sensor_line *header)
{
	struct sensor_stream next = c->stream;
	bool is_new = sensor_stream_begin(&next, header);
	uint64_t position;

	c->behind_until = header->next;
	if (is_new)
		tell_gone(c, out); /* if that was not told: another one in its place */
	c->stream = next;
	if (is_new && c->host->position(c->host, c->stream.name, &position) > 0)
		sensor_stream_resume(&c->stream, position);
	if (c->is_gone) {
		tell_sensor(c, out, "sensor_back", LKSM_INFO);
		(void)c->host->add_int(out, "first", (int64_t)header->first);
	}
	c->is_gone = false;
	echo_opened(c->echo, is_new);
}

static struct span mirror_of(struct sensor_channel *c, const struct sensor_line *line)
{
	if (!line->has_mirror)
		return line->text;
	buffer_clear(&c->text);
	logfmt_unquote(&c->text, &line->mirror);
	return buffer_span(&c->text);
}

static void hand_over_record(const struct sensor_channel *c, struct lksm_batch *out,
			     const struct sensor_line *line)
{
	emit_record(c, out,
		    &(struct lksm_record){ .stream = c->stream.name,
					   .stream_seq = line->seq,
					   .ts_us = line->ts_us,
					   .level = -1,
					   .facility = -1,
					   .text = line->text.data,
					   .text_len = line->text.len,
					   .verdict = LKSM_SENSOR });
}

static int take_numbered(struct sensor_channel *c, struct lksm_batch *out,
			 const struct sensor_line *line)
{
	struct sensor_step step;
	int error = sensor_stream_step(&c->stream, line, &step);

	if (error < 0)
		return error;
	if (step.has_gap)
		tell_lost(c, out, c->stream.name, step.first, step.last, step.reason);
	if (c->stream.last + 1 >= c->behind_until)
		c->is_behind = false;
	if (line->kind != SENSOR_RECORD || step.is_repeated)
		return 0;
	if (step.is_after_loss)
		echo_lost(c->echo, line->ts_us);
	echo_record(c->echo, mirror_of(c, line), line->ts_us);
	if (!step.is_known)
		hand_over_record(c, out, line);
	return 0;
}

/* Return: 0, or -errno if the line is nothing that a sensor of ours would say. */
static int take_line(struct sensor_channel *c, struct lksm_batch *out, struct span bytes)
{
	struct sensor_line line;
	int error = sensor_line_parse(bytes, &line);

	if (error < 0)
		return error;
	if (line.kind != SENSOR_HEADER)
		return take_numbered(c, out, &line);
	begin_instance(c, out, &line);
	return 0;
}

/* Return: 1 more, 0 dry, -errno: it ended. */
static int read_lines(struct sensor_channel *c, struct lksm_batch *out)
{
	for (int turn = 0; turn < TURN_LINES && c->host->has_room(out); turn++) {
		struct span line;
		int r = sensor_source_next(&c->source, &line);

		if (r <= 0)
			return r;
		r = take_line(c, out, line);
		if (r == -EPROTONOSUPPORT)
			return r;
		if (r < 0)
			c->n_bad++;
	}
	return 1;
}

static int read_channel(struct sensor_channel *c, struct lksm_batch *out, uint64_t now_us)
{
	int r = read_lines(c, out);

	c->is_dry = r == 0;
	if (r == 0)
		c->is_behind = false;
	tell_bad_lines(c, out);
	if (r < 0)
		channel_ended(c, out, r, now_us);
	return r > 0;
}

static void hand_over_decided(struct sensor_channel *c, struct lksm_batch *out,
			      uint64_t now_us)
{
	bool is_dry = c->is_dry || !c->is_open;
	struct lksm_record record;

	while (c->host->has_room(out) &&
	       echo_next_decided(c->echo, now_us, is_dry, &record)) {
		if (record.verdict == LKSM_ECHO)
			record.text_len = 0; /* the number alone is of interest */
		emit_record(c, out, &record);
	}
}

int sensor_channel_poll(struct sensor_channel *c, struct lksm_batch *out, uint64_t now_us)
{
	int has_more = 0;

	look_at_option(c, out, now_us);
	if (c->is_open)
		has_more = read_channel(c, out, now_us);
	hand_over_decided(c, out, now_us);
	return has_more;
}

/* ---- lines of the kernel log ---- */

bool sensor_channel_is_ready(const struct sensor_channel *c)
{
	return !c->is_asked && !c->is_behind;
}

bool sensor_channel_is_asked(const struct sensor_channel *c)
{
	return c->is_asked;
}

bool sensor_channel_needs_ticks(const struct sensor_channel *c)
{
	return c->is_asked || c->is_wanted || echo_count_pending(c->echo) ||
	       (c->is_open && c->source.kind == SENSOR_FILE);
}

bool sensor_channel_can_judge(const struct sensor_channel *c)
{
	return !c->is_asked && !echo_is_full(c->echo);
}

static bool is_tagged(int facility, struct span text)
{
	return facility == 0 && span_starts_with(text, TAG);
}

/* What stands behind the tag, as the sensor wrote it: the kernel never escapes the tag. */
static struct span without_tag(struct sensor_channel *c, struct span text)
{
	buffer_clear(&c->text);
	kmsg_unescape(&c->text, span_skip(text, TAG.len));
	text = buffer_span(&c->text);
	return span_starts_with(text, SPAN(" ")) ? span_skip(text, 1) : text;
}

enum lksm_verdict sensor_channel_judge(struct sensor_channel *c,
				       const struct lksm_record *line, uint64_t now_us)
{
	struct span text = { line->text, line->text_len };
	int verdict;

	if (!is_tagged(line->facility, text))
		return LKSM_UNJUDGED;
	(void)ask(c, now_us); /* if that cannot be, it is judged without */
	verdict = echo_line(c->echo, line, without_tag(c, text), now_us);
	return verdict < 0 ? LKSM_UNVERIFIED : (enum lksm_verdict)verdict;
}

void sensor_channel_known_line(struct sensor_channel *c, int facility, struct span text,
			       uint64_t ts_us)
{
	if (is_tagged(facility, text))
		echo_known_line(c->echo, without_tag(c, text), ts_us);
}
