// SPDX-License-Identifier: Apache-2.0
/*
 * The only reader of the kernel log and of the sensor's own channel. It hands over every
 * record and accounts for every number between two records: what was not handed over is in
 * a records_lost range.
 *
 * The option proc is the channel (core/sensor_channel.h). It is read first each turn: a
 * flood of the kernel log cannot starve it, and a line of the sensor's in the log is judged
 * by the records. A line that is passed over until its record comes is held (lksm/module.h).
 *
 * The option kmsg is one of three kinds of descriptor:
 *	DEVICE	/dev/kmsg (or a SOCK_SEQPACKET socket): one record for each read(2)
 *	FILE	a saved log of raw records that may grow; read at each tick
 *	STREAM	a FIFO, a pipe or a stream socket: raw records one behind the other
 *
 * Numbers decide what is new, never stamps. In one stream they only grow; where they go
 * back, it is another stream (a file with several boots in it), which is told and named
 * kmsg:1, kmsg:2 …, so that stream and number stay a record's identity.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lksm/module.h"

#include "base/clock.h"
#include "base/span.h"
#include "core/kmsg.h"
#include "core/sensor_channel.h"

#define STREAM_NAME_SIZE 32
#define QUOTE_MAX	 256
#define UNREADABLE_MAX	 4096 /* in a row: that is no kernel log */

/* One turn ends here even if nothing of it took room in the batch. */
#define TURN_READS 1024
#define TURN_FILLS 16

enum source_kind {
	SOURCE_DEVICE,
	SOURCE_FILE,
	SOURCE_STREAM,
};

struct reader {
	int fd; /* the option; the host's, not closed here */
	const struct lksm_host *host;
	struct sensor_channel channel;
	uint64_t now_us; /* of this poll */
	bool is_paused;	 /* the log waits until we know whether there is a channel */
	enum source_kind kind;
	bool is_watched;

	char stream[STREAM_NAME_SIZE];
	unsigned int n_restarts; /* of the numbering */
	bool has_position; /* what the log knows of this stream since before our start */
	uint64_t position;
	bool has_last; /* the last record that was read */
	uint64_t last;
	bool is_caught_up; /* the source's backlog was read to its end once */

	bool is_overrun;       /* since the last record: EPIPE */
	uint64_t n_unreadable; /* since the last record: reads that gave no number */
	uint64_t n_malformed;  /* in this poll, the first being quoted */
	size_t quote_len;
	char quote[QUOTE_MAX];

	off_t offset;	  /* FILE: of the bytes behind those in the buffer */
	size_t len;	  /* FILE, STREAM: bytes in the buffer that are not taken yet */
	bool is_skipping; /* FILE, STREAM: inside a line that is too long */
	char buffer[2 * KMSG_RECORD_MAX];
};

/* ---- telling ---- */

static void add_text(const struct lksm_host *host, struct lksm_batch *out,
		     const char *key, const char *text)
{
	(void)host->add_str(out, key, text,
			    strlen(text)); /* has_room() was asked before */
}

static void add_range(const struct reader *r, struct lksm_batch *out, const char *stream,
		      uint64_t first, uint64_t last)
{
	add_text(r->host, out, "stream", stream);
	(void)r->host->add_int(out, "first", (int64_t)first);
	(void)r->host->add_int(out, "last", (int64_t)last);
	(void)r->host->add_int(out, "count", (int64_t)(last - first + 1));
}

static void tell_lost(const struct reader *r, struct lksm_batch *out, const char *stream,
		      uint64_t first, uint64_t last, const char *reason)
{
	bool is_before_us = !strcmp(reason, "before_start");

	(void)r->host->emit(out, 0, "records_lost", is_before_us ? LKSM_INFO : LKSM_HIGH);
	add_range(r, out, stream, first, last);
	add_text(r->host, out, "reason", reason);
}

static void tell_filtered(const struct reader *r, struct lksm_batch *out, uint64_t first,
			  uint64_t last)
{
	(void)r->host->emit(out, 0, "log_filtered", LKSM_CRITICAL);
	add_range(r, out, r->stream, first, last);
}

static void tell_failed(const struct reader *r, struct lksm_batch *out,
			const char *stream, const char *error)
{
	(void)r->host->emit(out, 0, "source_failed", LKSM_HIGH);
	add_text(r->host, out, "stream", stream);
	add_text(r->host, out, "error", error);
}

/* At most one event for each poll, so that a file of something else does no harm. */
static void tell_malformed(struct reader *r, struct lksm_batch *out)
{
	if (!r->n_malformed)
		return;
	tell_failed(r, out, r->stream, "records that are not in the format of /dev/kmsg");
	(void)r->host->add_int(out, "count", (int64_t)r->n_malformed);
	(void)r->host->add_str(out, "record", r->quote, r->quote_len);
	r->n_malformed = 0;
}

static void note_malformed(struct reader *r, struct span bytes)
{
	r->n_unreadable++;
	if (r->n_malformed++)
		return;
	r->quote_len = bytes.len < QUOTE_MAX ? bytes.len : QUOTE_MAX;
	memcpy(r->quote, bytes.data, r->quote_len);
}

/* ---- numbers ---- */

static void begin_stream(struct reader *r)
{
	if (r->n_restarts)
		(void)snprintf(r->stream, sizeof(r->stream), "kmsg:%u", r->n_restarts);
	else
		(void)snprintf(r->stream, sizeof(r->stream), "kmsg");
	r->has_position = r->host->position(r->host, r->stream, &r->position) > 0;
}

/* Its first record is told of with why; a stream that the log knows was told of before. */
static void restart_numbering(struct reader *r, struct lksm_batch *out, const char *why)
{
	r->host->log(r->host, 4, "%s: %s; read on as stream kmsg:%u", r->stream, why,
		     ++r->n_restarts);
	begin_stream(r);
	r->has_last = false;
	if (!r->has_position)
		tell_failed(r, out, r->stream, why);
}

static uint64_t expected(const struct reader *r)
{
	uint64_t after_last = r->has_last ? r->last + 1 : 0;
	uint64_t after_position = r->has_position ? r->position + 1 : 0;

	return after_last > after_position ? after_last : after_position;
}

static void account_gap(struct reader *r, struct lksm_batch *out, uint64_t first,
			uint64_t last)
{
	bool is_explained = r->is_overrun || last - first + 1 <= r->n_unreadable;
	const char *reason;

	if (!r->has_last)
		reason = r->has_position ? "overwritten" : "before_start";
	else if (r->is_overrun)
		reason = "overrun";
	else if (is_explained)
		reason = "unreadable";
	else
		reason = r->kind == SOURCE_DEVICE ? "filtered" : "gap";
	tell_lost(r, out, r->stream, first, last, reason);
	if (r->has_last && !is_explained && r->kind == SOURCE_DEVICE)
		tell_filtered(r, out, first, last);
}

/* ---- handing over ---- */

static bool is_held(const struct reader *r, uint64_t seq)
{
	uint64_t held;

	return r->host->held(r->host, r->stream, seq, &held) > 0 && held == seq;
}

static enum lksm_verdict judge(struct reader *r, const struct lksm_record *record)
{
	enum lksm_verdict verdict = sensor_channel_judge(&r->channel, record, r->now_us);

	if (verdict == LKSM_UNJUDGED && is_held(r, record->stream_seq))
		return LKSM_UNVERIFIED; /* it was doubtful in our former life */
	return verdict;
}

static void hand_over(struct reader *r, struct lksm_batch *out,
		      const struct kmsg_record *k)
{
	struct lksm_record record = {
		.stream = r->stream,
		.stream_seq = k->seq,
		.ts_us = k->ts_us,
		.level = k->level,
		.facility = k->facility,
		.text = k->text.data,
		.text_len = k->text.len,
	};

	record.verdict = judge(r, &record);
	if (record.verdict == LKSM_UNDECIDED || record.verdict == LKSM_ECHO)
		record.text_len = 0; /* the number alone is of interest */
	if (r->host->emit_record(out, &record) < 0)
		tell_lost(r, out, r->stream, k->seq, k->seq, "refused");
}

/* It was read before our start. If it was not decided then, it is taken once more. */
static void hand_over_again(struct reader *r, struct lksm_batch *out,
			    const struct kmsg_record *k)
{
	if (is_held(r, k->seq))
		hand_over(r, out, k);
	else
		sensor_channel_known_line(&r->channel, k->facility, k->text, k->ts_us);
}

/* What was not decided before our start, and is overwritten by now. */
static void tell_held_lost(struct reader *r, struct lksm_batch *out, uint64_t before)
{
	uint64_t from = 0, seq;

	while (r->host->has_room(out) &&
	       r->host->held(r->host, r->stream, from, &seq) > 0 && seq < before) {
		tell_lost(r, out, r->stream, seq, seq, "overwritten");
		(void)r->host->emit_record(out,
					   &(struct lksm_record){ .stream = r->stream,
								  .stream_seq = seq,
								  .verdict = LKSM_ECHO });
		from = seq + 1;
	}
}

static void take(struct reader *r, struct lksm_batch *out, struct span bytes)
{
	struct kmsg_record k;
	uint64_t next;

	if (kmsg_parse(bytes, &k) < 0) {
		note_malformed(r, bytes);
		return;
	}
	if (r->has_last && k.seq <= r->last) {
		char why[160];

		(void)snprintf(why, sizeof(why),
			       "the numbers of %s went back from %" PRIu64 " to %" PRIu64,
			       r->stream, r->last, k.seq);
		restart_numbering(r, out, why);
	}
	next = expected(r);
	if (!r->has_last)
		tell_held_lost(r, out, k.seq < next ? k.seq : next);
	if (k.seq > next)
		account_gap(r, out, next, k.seq - 1);
	if (k.seq >= next)
		hand_over(r, out, &k);
	else
		hand_over_again(r, out, &k);
	r->has_last = true;
	r->last = k.seq;
	r->is_overrun = false;
	r->n_unreadable = 0;
}

static void rewind_source(struct reader *r)
{
	/* inherited, it may stand anywhere; a socket cannot */
	(void)lseek(r->fd, 0, SEEK_SET);
	r->offset = 0;
	r->len = 0;
	r->is_skipping = false;
}

/*
 * The first time that nothing more is there: a log that was read up to some record in this
 * boot must still hold it, for the newest are never overwritten. If it does not, this is
 * another one, and all of it is new.
 */
static int caught_up(struct reader *r, struct lksm_batch *out)
{
	char why[160];

	if (r->is_caught_up || !r->has_last)
		return 0;
	if (r->kind == SOURCE_FILE && r->offset == 0)
		return 0; /* it is being written anew: what was read is of the old one */
	r->is_caught_up = true;
	if (r->kind == SOURCE_STREAM || !r->has_position || r->last >= r->position)
		return 0;
	(void)snprintf(why, sizeof(why),
		       "the newest record of %s is %" PRIu64 ", but %" PRIu64
		       " was read from it before",
		       r->stream, r->last, r->position);
	restart_numbering(r, out, why);
	rewind_source(r);
	return 1;
}

/* ---- the three kinds of source ---- */

/* A line that would have to wait, and has no room for it, stays in the kernel log. */
static bool can_take(const struct reader *r, const struct lksm_batch *out)
{
	return r->host->has_room(out) && sensor_channel_can_judge(&r->channel);
}

static int give_up(struct reader *r, struct lksm_batch *out, int error)
{
	tell_failed(r, out, r->stream, strerror(error));
	return -error;
}

/*
 * A FIFO without a writer is at its end and always readable: it is looked at by ticks
 * until there is a writer again.
 */
static void set_watched(struct reader *r, bool is_watched)
{
	if (r->is_watched == is_watched)
		return;
	if (!is_watched)
		r->host->unwatch(r->host, r->fd);
	else if (r->host->watch(r->host, r->fd) < 0)
		return; /* then ticks go on */
	r->is_watched = is_watched;
}

static int poll_device(struct reader *r, struct lksm_batch *out)
{
	for (int turn = 0; turn < TURN_READS && can_take(r, out); turn++) {
		ssize_t n = read(r->fd, r->buffer, KMSG_RECORD_MAX);

		if (n > 0) {
			take(r, out, (struct span){ r->buffer, (size_t)n });
			continue;
		}
		if (n == 0 || errno == EAGAIN) {
			set_watched(r, n < 0);
			return 0;
		}
		if (errno == EPIPE)
			r->is_overrun = true;
		else if (errno == EINVAL)
			r->n_unreadable++; /* too long for us: the kernel has moved on */
		else if (errno != EINTR)
			return give_up(r, out, errno);
	}
	return 1;
}

/* What fills the buffer and is no whole record is none: it is dropped and counted. */
static void drop_overlong(struct reader *r)
{
	const char *end = memrchr(r->buffer, '\n', r->len);

	note_malformed(r, (struct span){ r->buffer, r->len });
	r->is_skipping = !end;
	r->len = end ? (size_t)(r->buffer + r->len - (end + 1)) : 0;
	if (end)
		memmove(r->buffer, end + 1, r->len);
}

/* Take the whole records out of the buffer. Return: false if there was no room for all. */
static bool take_buffered(struct reader *r, struct lksm_batch *out, bool is_end,
			  bool is_dry)
{
	struct span rest = { r->buffer, r->len }, record;
	bool has_room;

	while ((has_room = can_take(r, out)) && kmsg_next(&rest, is_end, is_dry, &record))
		take(r, out, record);
	memmove(r->buffer, rest.data, rest.len);
	r->len = rest.len;
	if (has_room && r->len == sizeof(r->buffer))
		drop_overlong(r);
	return has_room;
}

/* Behind a line that was too long: its rest goes the same way. */
static void skip_rest_of_line(struct reader *r)
{
	const char *end = memchr(r->buffer, '\n', r->len);

	r->is_skipping = !end;
	r->len = end ? (size_t)(r->buffer + r->len - (end + 1)) : 0;
	if (end)
		memmove(r->buffer, end + 1, r->len);
}

/* More bytes into the buffer, which is not full. Return: how many, 0 at the end, -errno. */
static ssize_t fill(struct reader *r)
{
	char *to = r->buffer + r->len;
	size_t room = sizeof(r->buffer) - r->len;
	ssize_t n = r->kind == SOURCE_FILE ? pread(r->fd, to, room, r->offset)
					   : read(r->fd, to, room);

	if (n <= 0)
		return n < 0 ? -errno : 0;
	r->offset += n;
	r->len += (size_t)n;
	if (r->is_skipping)
		skip_rest_of_line(r);
	return n;
}

/*
 * Was it not the end of the file, where nothing came? It may have grown since. One that
 * became shorter was written anew: it is read from its start.
 */
static bool has_more(struct reader *r)
{
	struct stat st;

	if (fstat(r->fd, &st) < 0 || st.st_size == r->offset)
		return false;
	if (st.st_size > r->offset)
		return true;
	r->host->log(r->host, 5, "%s: the file became shorter; read from its start",
		     r->stream);
	rewind_source(r);
	return true;
}

static int poll_file(struct reader *r, struct lksm_batch *out)
{
	for (int turn = 0; turn < TURN_FILLS && take_buffered(r, out, false, false);
	     turn++) {
		ssize_t n = fill(r);

		if (n > 0 || n == -EINTR)
			continue;
		if (n < 0)
			return give_up(r, out, (int)-n);
		if (!take_buffered(r, out, false, true))
			return 1;
		if (!has_more(r))
			return 0;
	}
	return 1;
}

static int poll_stream(struct reader *r, struct lksm_batch *out)
{
	for (int turn = 0; turn < TURN_FILLS && take_buffered(r, out, false, false);
	     turn++) {
		ssize_t n = fill(r);

		if (n > 0 || n == -EINTR)
			continue;
		if (n < 0 && n != -EAGAIN)
			return give_up(r, out, (int)-n);
		set_watched(r, n < 0);
		return take_buffered(r, out, n == 0, true) ? 0 : 1;
	}
	return 1;
}

static int poll_source(struct reader *r, struct lksm_batch *out)
{
	switch (r->kind) {
	case SOURCE_DEVICE:
		return poll_device(r, out);
	case SOURCE_FILE:
		return poll_file(r, out);
	case SOURCE_STREAM:
		return poll_stream(r, out);
	}
	return -EINVAL;
}

/* ---- the module ---- */

static int poll_log(struct reader *r, struct lksm_batch *out)
{
	int result = poll_source(r, out);

	if (result == 0)
		result = caught_up(r, out);
	else if (result > 0 && r->n_unreadable > UNREADABLE_MAX)
		result = give_up(r, out, EBADMSG);
	tell_malformed(r, out);
	return result;
}

/* While an answer is awaited, the kernel log would be readable all the time. */
static void pause_log(struct reader *r, bool is_paused)
{
	if (is_paused && r->is_watched) {
		set_watched(r, false);
		r->is_paused = true;
	} else if (!is_paused && r->is_paused) {
		set_watched(r, true);
		r->is_paused = false;
	}
}

static int reader_poll(void *state, struct lksm_batch *out)
{
	struct reader *r = state;
	int has_more, result = 0;

	r->now_us = clock_now().mono_us;
	has_more = sensor_channel_poll(&r->channel, out, r->now_us);
	if (sensor_channel_is_ready(&r->channel))
		result = poll_log(r, out);
	pause_log(r, sensor_channel_is_asked(&r->channel));
	r->host->want_ticks(r->host, sensor_channel_needs_ticks(&r->channel) ||
					     (!r->is_watched && !r->is_paused));
	return result < 0 ? result : result | has_more;
}

static int find_kind(int fd, enum source_kind *ret)
{
	struct stat st;
	int type = 0;
	socklen_t size = sizeof(type);

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		*ret = SOURCE_FILE;
	else if (S_ISCHR(st.st_mode) ||
		 (S_ISSOCK(st.st_mode) &&
		  !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
		  type == SOCK_SEQPACKET))
		*ret = SOURCE_DEVICE;
	else if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		*ret = SOURCE_STREAM;
	else
		return -ENOTSUP;
	return 0;
}

/* What watch() cannot watch (a file, /dev/null) is looked at by ticks. */
static int open_source(struct reader *r)
{
	int flags = fcntl(r->fd, F_GETFL);
	int error = find_kind(r->fd, &r->kind);

	if (error < 0)
		return error;
	if (r->kind == SOURCE_FILE)
		return 0;
	if (flags < 0 ||
	    (!(flags & O_NONBLOCK) && fcntl(r->fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return -errno;
	if (r->kind == SOURCE_DEVICE)
		rewind_source(r);
	error = r->host->watch(r->host, r->fd);
	r->is_watched = error == 0;
	return error == -EPERM ? 0 : error;
}

static int reader_start(void *state, const struct lksm_host *host)
{
	struct reader *r = state;
	int error;

	r->host = host;
	error = r->fd < 0 ? r->fd : open_source(r);
	if (error == 0)
		error = sensor_channel_init(&r->channel, host, clock_now().mono_us);
	if (error < 0) {
		host->log(host, 3, "the kernel log cannot be read: %s", strerror(-error));
		return error;
	}
	begin_stream(r);
	return 0;
}

static void reader_stop(void *state)
{
	struct reader *r = state;

	set_watched(r, false); /* the descriptors themselves are the host's */
	sensor_channel_deinit(&r->channel);
}

static const struct lksm_option options[] = {
	{
		.name = "kmsg",
		.type = LKSM_OPTION_SOURCE,
		.fallback = "/dev/kmsg",
		.offset = offsetof(struct reader, fd),
		.help = "The kernel log: the device, a file of its raw records, or a "
			"FIFO",
	},
	{
		.name = SENSOR_CHANNEL_OPTION,
		.type = LKSM_OPTION_LATE_SOURCE,
		.fallback = "/proc/lksm",
		.offset = offsetof(struct reader, channel.fd),
		.help = "The sensor's own channel; it is looked for until it is there",
	},
	{ .name = NULL },
};

static const struct lksm_module kprobe_reader = {
	.abi = LKSM_MODULE_ABI,
	.name = "kprobe_reader",
	.options = options,
	.state_size = sizeof(struct reader),
	.start = reader_start,
	.poll = reader_poll,
	.stop = reader_stop,
};

LKSM_MODULE(kprobe_reader)
