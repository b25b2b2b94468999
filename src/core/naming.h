/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Naming: one record of a kernel-log stream becomes an event, or is filtered. Here stands
 * the trust rule: which lines may speak for the sensor.
 */
#ifndef CORE_NAMING_H
#define CORE_NAMING_H

#include "core/event.h"
#include "core/rules.h"

struct naming_options {
	bool all;	/* lines that no rule names become kernel_message */
	bool is_replay; /* a facility that the text does not tell is trusted */
	/* kmsg_unescape() or dmesg_unescape() */
	void (*unescape)(struct buffer *out, struct span text);
};

struct naming;

/** naming_create() - @rules is borrowed and must live as long */
int naming_create(const struct rules *rules, const struct naming_options *options,
		  struct naming **ret);
void naming_destroy(struct naming *n);

/**
 * naming_name() - fill @event's type, data, severity, source, ts, time, stream,
 * stream_seq, level, facility, rule, tags, attack, message and raw from a record
 *
 * A line that begins with the tag "[PHOTON RING]" and comes from facility 0 (or, in a
 * replay, from an unknown one) is the sensor's: it names itself if what follows the tag
 * is logfmt with a type, else rules for RULES_PHOTON_RING name it, and what none of them
 * names is photon_ring_generic. A line that carries the tag otherwise is spoof_suspected
 * {line, reason: facility, or position if the tag is not at the start}. Any other line is
 * for RULES_KERNEL_LOG if it comes from facility 0 (or as above), then for kernel_message
 * if options.all, else filtered.
 *
 * What the reader found out beyond that stands in @record's verdict: LKSM_SENSOR is the
 * sensor's without a tag, LKSM_NO_RECORD is spoof_suspected {line, reason: no_record},
 * LKSM_UNVERIFIED adds that word to the tags, LKSM_ECHO and LKSM_UNDECIDED are filtered.
 *
 * Spans in @event hold until the next call, and while @record's text does. seq, host and
 * boot_id are left alone.
 *
 * Return: 1 event, 0 filtered, -ENOMEM.
 */
int naming_name(struct naming *n, const struct lksm_record *record,
		struct lksm_event *event);

#endif
