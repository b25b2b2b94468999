/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The event, once. The struct (core/event.h), the JSON line (core/event.c), the JSON Schema
 * (`lksm schema event`) and so the dashboard's columns expand from this table: a line added
 * here appears in the log files, the API and the table, with no other edit.
 *
 * X(name, title, kind, presence, view, description)
 *	name		the C member and the JSON key
 *	title		the column's heading
 *	kind		SEQ		uint64_t, a number
 *			SECONDS		uint64_t microseconds, printed as seconds with six decimals
 *			TEXT		struct span
 *			DATA		struct event_data, an object
 *			SEVERITY	enum lksm_severity, a word
 *			TIME		uint64_t microseconds since 1970, printed as RFC 3339 UTC
 *			LIST		struct span: words separated by spaces, printed as an array
 *	presence	REQUIRED, or OPTIONAL: the key is absent when the member is unset
 *	view		TABLE: a column of its own; DETAIL: shown with all the rest of one event
 *
 * The first six, their order and their spelling are fixed for ever (the "seed" fields).
 */
#ifndef LKSM_EVENT_FIELDS_H
#define LKSM_EVENT_FIELDS_H

#define LKSM_SEED_FIELDS 6

#define LKSM_EVENT_FIELDS(X)                                                              \
	X(seq, "Seq", SEQ, REQUIRED, TABLE,                                               \
	  "Number of the event in this log: from 0, strictly increasing, never reused")   \
	X(ts, "Since boot", SECONDS, REQUIRED, TABLE,                                     \
	  "Seconds since boot on the source's clock, exact microseconds")                 \
	X(type, "Type", TEXT, REQUIRED, TABLE, "What happened, in snake_case")            \
	X(data, "Data", DATA, REQUIRED, TABLE, "The particulars; keys depend on the type") \
	X(severity, "Severity", SEVERITY, REQUIRED, TABLE,                                \
	  "How much it matters: info, medium, high or critical")                          \
	X(source, "Source", TEXT, REQUIRED, TABLE, "The module that produced the event")  \
	X(time, "Time", TIME, OPTIONAL, TABLE, "Wall-clock time, UTC")                    \
	X(host, "Host", TEXT, OPTIONAL, DETAIL, "Name of the machine")                    \
	X(boot_id, "Boot", TEXT, OPTIONAL, DETAIL,                                        \
	  "The kernel's id of this boot; with stream and stream_seq the record's identity") \
	X(stream, "Stream", TEXT, OPTIONAL, DETAIL,                                       \
	  "Where the record came from: kmsg, or proc: and the sensor's instance id")      \
	X(stream_seq, "Record", SEQ, OPTIONAL, DETAIL, "The record's own number in its stream") \
	X(level, "Level", SEQ, OPTIONAL, DETAIL,                                          \
	  "Kernel log level: 0 emerg … 7 debug (syslog(2))")                              \
	X(facility, "Facility", SEQ, OPTIONAL, DETAIL,                                    \
	  "Syslog facility: 0 the kernel, anything else user space")                      \
	X(rule, "Rule", TEXT, OPTIONAL, DETAIL, "The rule that named the event")          \
	X(tags, "Tags", LIST, OPTIONAL, DETAIL, "Words for grouping, given by the rule")  \
	X(attack, "ATT&CK", LIST, OPTIONAL, DETAIL, "MITRE ATT&CK technique ids")         \
	X(message, "Message", TEXT, OPTIONAL, DETAIL, "The record's whole text")          \
	X(raw, "Raw", TEXT, OPTIONAL, DETAIL,                                             \
	  "The text as the kernel escaped it, when some byte of it is not valid UTF-8")

#endif
