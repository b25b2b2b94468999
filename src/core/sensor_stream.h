/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of the sensor's channel (format: lksm/wire.h), and which numbers of its
 * records were seen, were known before, or are lost. Pure: lines in, accounts out.
 */
#ifndef CORE_SENSOR_STREAM_H
#define CORE_SENSOR_STREAM_H

#include "core/logfmt.h"

/** SENSOR_INSTANCE_SIZE - 16 hexadecimal digits and a NUL */
#define SENSOR_INSTANCE_SIZE 17

/** SENSOR_NUMBER_MAX - a larger number is nonsense: no log could keep it */
#define SENSOR_NUMBER_MAX ((uint64_t)1 << 53)

enum sensor_line_kind {
	SENSOR_HEADER,
	SENSOR_RECORD,
	SENSOR_LOST,
};

struct sensor_line {
	enum sensor_line_kind kind;
	struct span instance; /* header */
	uint64_t first,
		next;	     /* header: what it holds; lost: first, and behind the last */
	uint64_t seq, ts_us; /* record */
	struct span text;    /* record: "type=…" to the end */
	bool has_mirror;     /* record: the mirror is not the text */
	struct logfmt_pair mirror; /* see logfmt_unquote() */
};

/**
 * sensor_line_parse() - one line without its newline; spans in @ret lie in it
 *
 * Return: 0; -EBADMSG if it is none of the three; -EPROTONOSUPPORT for a header of another
 * version of the format.
 */
int sensor_line_parse(struct span line, struct sensor_line *ret);

struct sensor_stream {
	char name
		[5 +
		 SENSOR_INSTANCE_SIZE]; /* "proc:" and the instance; "" before the first */
	bool has_last, has_position;
	bool is_overrun;   /* since the last record: some were lost */
	uint64_t last;	   /* the last record that was read */
	uint64_t position; /* what the log knows since before our start */
};

/** What a line means beyond itself. */
struct sensor_step {
	bool has_gap; /* these are lost, which is to be told before the record */
	uint64_t first, last;
	const char *reason; /* a literal */
	bool is_after_loss; /* we have not read the record before this one */
	bool is_repeated;   /* a record that was read before, by us */
	bool is_known;	    /* a record that was in the log before our start */
};

/** sensor_stream_begin() - a header; Return: is it another instance than before? */
bool sensor_stream_begin(struct sensor_stream *s, const struct sensor_line *header);

/** sensor_stream_resume() - right behind: the last record of s->name in the log */
void sensor_stream_resume(struct sensor_stream *s, uint64_t position);

/** sensor_stream_step() - a record or a line about lost ones; -EBADMSG before any header */
int sensor_stream_step(struct sensor_stream *s, const struct sensor_line *line,
		       struct sensor_step *ret);

#endif
