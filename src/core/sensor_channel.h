/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor's channel as a source of events: opened when it is there, read, told of when
 * it goes (sensor_gone) and comes back (sensor_back), and asked about every line of the
 * kernel log that claims to be the sensor's (core/echo.h).
 *
 * All records that it holds are read at start, also those that are in the log already:
 * their mirrors may not have been read yet. The records and the lines that are still there
 * are all that is needed to know which lines have a record.
 */
#ifndef CORE_SENSOR_CHANNEL_H
#define CORE_SENSOR_CHANNEL_H

#include "lksm/module.h"

#include "base/buffer.h"
#include "core/echo.h"
#include "core/sensor_source.h"
#include "core/sensor_stream.h"

/** SENSOR_CHANNEL_OPTION - of the module, a LATE_SOURCE that lies in struct sensor_channel */
#define SENSOR_CHANNEL_OPTION "proc"

struct sensor_channel {
	int fd; /* the option; the host's, not closed here; -errno: none */
	const struct lksm_host *host;
	bool is_open;
	bool is_dry;	 /* all there is was read in this turn */
	bool is_behind;	 /* what it held when it was opened is not read yet */
	bool is_gone;	 /* stream is of an instance whose end was told */
	bool is_asked;	 /* whether it is there, and not answered yet */
	bool is_wanted;	 /* ask again when it is time */
	bool is_refused; /* it speaks another version: left alone */
	uint64_t asked_us;
	uint64_t behind_until; /* number of the record that ends is_behind */
	uint64_t n_bad;	       /* lines in this turn that are not in its format */
	struct sensor_source source;
	struct sensor_stream stream;
	struct echo *echo;
	struct buffer text; /* unquoted or unescaped */
};

/** sensor_channel_init() - all but fd is set; 0 or -errno */
int sensor_channel_init(struct sensor_channel *c, const struct lksm_host *host,
			uint64_t now_us);
void sensor_channel_deinit(struct sensor_channel *c);

/**
 * sensor_channel_poll() - one turn: records, and lines that are decided
 *
 * Return: 1 if there is more, 0 if not. It never fails: without it the log is still there.
 */
int sensor_channel_poll(struct sensor_channel *c, struct lksm_batch *out,
			uint64_t now_us);

/** sensor_channel_is_ready() - may the kernel log be read in this turn? */
bool sensor_channel_is_ready(const struct sensor_channel *c);

/** sensor_channel_is_asked() - it may not, until the host answers */
bool sensor_channel_is_asked(const struct sensor_channel *c);

/** sensor_channel_needs_ticks() - time has something to decide */
bool sensor_channel_needs_ticks(const struct sensor_channel *c);

/** sensor_channel_can_judge() - is there room for one more line that has to wait? */
bool sensor_channel_can_judge(const struct sensor_channel *c);

/** sensor_channel_judge() - a line of the kernel log, escaped as /dev/kmsg does */
enum lksm_verdict sensor_channel_judge(struct sensor_channel *c,
				       const struct lksm_record *line, uint64_t now_us);

/** sensor_channel_known_line() - one that was decided before our start */
void sensor_channel_known_line(struct sensor_channel *c, int facility, struct span text,
			       uint64_t ts_us);

#endif
