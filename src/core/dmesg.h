/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saved kernel logs as text, as util-linux's dmesg(1) prints them, and as syslog daemons and
 * journalctl(1) do:
 *
 *	[    5.140900] usb 1-1: new device				dmesg
 *	kern  :info  : [    5.140900] usb 1-1: new device		dmesg --decode, dmesg -x
 *	kern  :info  : [    5.140900] [T1] usb 1-1: new device		… with a caller column
 *	[Tue Feb 10 12:00:00 2026] usb 1-1: new device			dmesg -T
 *	2026-02-10T12:00:00,140900+00:00 usb 1-1: new device		dmesg --time-format iso
 *	<6>[    5.140900] usb 1-1: new device				dmesg --raw
 *	[    5.140900 <    0.000123>] usb 1-1: new device		dmesg -d
 *	[<    0.000123>] usb 1-1: new device				dmesg -d -t
 *	[Feb10 12:00] usb 1-1: new device				dmesg -e
 *	[  +0.000123] usb 1-1: new device				dmesg -e, the lines after it
 *	2026-02-10T12:00:00.140900+00:00 web-1 kernel: [    5.140900] usb 1-1: new device   kern.log
 *	Feb 10 12:00:00 web-1 kernel: [    5.140900] usb 1-1: new device	kern.log, older
 *	Feb 10 12:00:00 web-1 kernel: usb 1-1: new device		journalctl -k
 *	Feb 10 12:00:00.140900 web-1 kernel: usb 1-1: new device	journalctl -k -o short-precise
 *
 * Lines of other programs in such a file are records, too, whose text begins with the host.
 *
 * A line without any prefix continues the record before it; dmesg indents such lines by the
 * width of the prefix, so a stamp that does not stand in the first column is text. CRLF and
 * a missing last newline are borne; '\n' alone ends a line. Bytes in, fields out; the time
 * zone of dmesg -T, which prints local time and does not say which, is this machine's.
 */
#ifndef CORE_DMESG_H
#define CORE_DMESG_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

/** DMESG_RECORD_MAX - with so many bytes a record takes no more lines */
#define DMESG_RECORD_MAX 8192

/** DMESG_FACILITY_OTHER - dmesg -r says <-1>: not one that dmesg knows, so not the kernel's */
#define DMESG_FACILITY_OTHER 255

struct dmesg_record {
	int level;	/* 0..7, -1 unknown */
	int facility;	/* -1 unknown */
	uint64_t ts_us; /* since boot; for wall-clock stamps alone since the first one */
	uint64_t
		time_us; /* since 1970 when the line tells (dmesg -T: local time), else 0 */
	struct span caller; /* "T1", "C0", or absent */
	struct span text;   /* first line of the text, as dmesg wrote it (escapes kept) */
	struct span
		more;  /* continuation lines as they stand, or empty; see dmesg_join() */
	size_t indent; /* width of the prefix */
};

enum dmesg_stamp {
	DMESG_STAMP_NONE,
	DMESG_STAMP_BOOT,  /* us: since boot */
	DMESG_STAMP_LOCAL, /* us: local time, since 1970-01-01 there */
	DMESG_STAMP_UTC,   /* us: since 1970 UTC */
	DMESG_STAMP_BOTH, /* us: since 1970 UTC; a syslog's line with the other behind it */
	DMESG_STAMP_DELTA, /* us: since the record before; 0 where only a minute is told */
};

/** What stands before the text of a line. */
struct dmesg_prefix {
	int level;
	int facility;
	enum dmesg_stamp kind;
	uint64_t us;
	uint64_t
		boot_us; /* since boot, if a syslog's line has that behind its own time */
	bool has_boot;
	struct span caller;
	size_t names_len; /* of "kern  :info  : ", if dmesg_usual_prefix() found it */
	size_t len;
};

struct dmesg_parser {
	uint64_t first_time_us; /* of the first wall-clock stamp */
	bool has_first_time;
	uint64_t last_ts_us;   /* given to a record that has no stamp of its own */
	bool has_prefix;       /* some line had one: bare lines continue it */
	uint64_t zone_slot;    /* the quarter of an hour (+ 1) for which ... */
	int64_t zone_offset_s; /* ... local time is so far ahead of UTC */
	struct span ahead;     /* the line behind the last record, and its prefix */
	struct dmesg_prefix ahead_prefix;
};

/**
 * dmesg_next() - the next whole record
 * @p: zeroed before the first call
 * @s: what is left; advanced past the record on success, where the next call begins,
 *	though the bytes may have been moved
 * @is_end: no more bytes will come
 * @ret: spans point into @s's bytes
 *
 * Empty lines before a record are skipped. Beyond DMESG_RECORD_MAX the lines that follow
 * come as records of their own, whose text is empty: it is in @more, so that nothing in the
 * middle of a record can pass for a beginning. A line that does not end within the caller's
 * buffer is the caller's to drop, up to its newline.
 *
 * Return: true if there was one. False without @is_end: read more and call again.
 */
bool dmesg_next(struct dmesg_parser *p, struct span *s, bool is_end,
		struct dmesg_record *ret);

/**
 * dmesg_any_prefix() - what stands before the text of a line, in any of the forms above
 *
 * Return: false if it has none, @ret being as it was.
 */
bool dmesg_any_prefix(struct span line, struct dmesg_prefix *ret);

/**
 * dmesg_usual_prefix() - the same of "kern  :info  : [    5.140900] text", with the names or
 * without, which is what nearly all lines are; false for any other
 */
bool dmesg_usual_prefix(struct span line, struct dmesg_prefix *ret);

/**
 * dmesg_join() - append the whole text of a record: its lines without the indentation that
 * dmesg gave them, newlines between them, escapes kept
 */
void dmesg_join(struct buffer *out, const struct dmesg_record *record);

/**
 * dmesg_unescape() - append @text with dmesg's own escapes undone
 *
 * dmesg writes \xNN only for what is not printable, and leaves a literal backslash alone;
 * so only \x00-\x1f and \x7f are decoded, everything else stays as it stands.
 */
void dmesg_unescape(struct buffer *out, struct span text);

/**
 * dmesg_looks_like() - is this text of dmesg rather than raw kmsg records?
 * @s: the first few KiB of a file
 */
bool dmesg_looks_like(struct span s);

#endif
