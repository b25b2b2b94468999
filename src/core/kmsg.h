/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of /dev/kmsg:
 *
 *	6,339,5140900,-,caller=T1;NET: Registered protocol family 10
 *	 SUBSYSTEM=net
 *
 * Format: linux/Documentation/ABI/testing/dev-kmsg. Pure: bytes in, fields out.
 */
#ifndef CORE_KMSG_H
#define CORE_KMSG_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

/** KMSG_RECORD_MAX - a read(2) buffer that holds any record (the kernel's own is smaller) */
#define KMSG_RECORD_MAX 8192

struct kmsg_record {
	uint32_t priority; /* facility * 8 + level, as printed */
	int level;	   /* 0..7 */
	int facility;	   /* 0 the kernel; 1 and up user space */
	uint64_t seq;
	uint64_t ts_us;
	bool is_fragment;   /* flag 'c' or '+': a piece of a line */
	struct span caller; /* "T123", "C1", or absent */
	struct span
		text; /* up to the first newline (a CR before it is dropped), escaped */
	struct span dictionary; /* the " KEY=value" lines behind it, or empty */
};

/**
 * kmsg_parse() - split one record into its fields
 * @s: the bytes of one read(2), or of one record in a file; 1..KMSG_RECORD_MAX
 * @ret: set on success; its spans point into @s
 *
 * Return: 0; -EBADMSG if the prefix is malformed; -EMSGSIZE if the length is out of range.
 */
int kmsg_parse(struct span s, struct kmsg_record *ret);

/**
 * kmsg_next() - the next whole record in a run of them (a file, a pipe)
 * @s: what is left; advanced past the record on success
 * @is_end: no more bytes will come: a record without its newline is whole
 * @ret: the record's bytes with its dictionary lines, without the last newline
 *
 * A record goes on as long as lines begin with a space. Without @is_end it is whole only
 * when the first byte behind its newline is known not to be a space, or @s ends there and
 * @is_line_end_enough (a writer that gives whole records at once; a dictionary that comes
 * later is then a record of its own, which kmsg_parse() refuses). Empty lines are skipped,
 * and may be taken from @s without a record. A record may be longer than KMSG_RECORD_MAX;
 * one that does not end within the caller's buffer is the caller's to drop, up to and with
 * its newline, or its middle could pass for a record.
 *
 * Return: true if there was one. False without @is_end: read more and call again.
 */
bool kmsg_next(struct span *s, bool is_end, bool is_line_end_enough, struct span *ret);

/**
 * kmsg_unescape() - append @text with its \xNN escapes turned into bytes
 *
 * A broken or cut escape is kept as it stands; "\\" is not an escape (the kernel writes \x5c).
 */
void kmsg_unescape(struct buffer *out, struct span text);

/** kmsg_escape() - append @text escaped as the kernel does: bytes < 0x20, >= 0x7f and '\' */
void kmsg_escape(struct buffer *out, struct span text);

#endif
