/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out of the kernel. What a sensor sees goes through emit_stage() into per-CPU
 * staging, and a worker prints it; what the module says of itself goes straight to
 * photon_printk() or photon_logfmt(). Nothing else in this module prints.
 */
#ifndef PHOTON_RING_EMIT_H
#define PHOTON_RING_EMIT_H

#include <linux/compiler.h>
#include <linux/sched.h>
#include <linux/types.h>

/* Bytes of a name that are kept, with the NUL: the longest C symbols are 127. */
#define EMIT_TEXT_SIZE 256
/* An escaped name, so that the longest line stays below the 992 that 5.10 can hold. */
#define EMIT_ESCAPED_SIZE 640

enum emit_severity {
	EMIT_INFO,
	EMIT_MEDIUM,
	EMIT_HIGH,
	EMIT_CRITICAL,
	EMIT_SEVERITY_COUNT
};

/**
 * struct emit_record - what a handler may say: a fixed size, no pointers to others
 * @sequence: set by emit_stage(); the order in which records are printed
 * @print: turns the record into lines, later, where it may sleep
 * @asked: address that the caller named, its offset added, or 0; not to be printed as a
 *	number
 * @resolved: address that the kernel made of it, or 0; likewise
 * @offset: from the symbol in @text, or in @asked already
 * @error: 0 or a negative errno
 * @pid: the task's, as are @uid (in the initial user namespace) and @comm
 * @text: a name as others wrote it: hostile bytes, NUL-terminated
 */
struct emit_record {
	u64 sequence;
	void (*print)(const struct emit_record *record);
	unsigned long asked;
	unsigned long resolved;
	u32 offset;
	s32 error;
	pid_t pid;
	u32 uid;
	char comm[TASK_COMM_LEN];
	char text[EMIT_TEXT_SIZE];
};

int emit_init(void);

/* Prints what is staged, then frees; every sensor must be stopped before. */
void emit_deinit(void);

/**
 * emit_stage() - hand over a record; callable from a kprobe handler, even in an NMI
 * @record: copied; its @sequence and the task's fields are filled in here
 *
 * Without room the record is counted as lost, and the count is printed.
 */
void emit_stage(struct emit_record *record);

/**
 * emit_copy_text() - copy a string of someone else's without ever faulting
 * @to: always terminated; ends in "..." if @from was longer
 * @from: any pointer at all
 *
 * Callable from a kprobe handler. Unreadable bytes end the string.
 */
void emit_copy_text(char to[EMIT_TEXT_SIZE], const char *from);

/**
 * emit_escape() - write a name as one word that is harmless inside a sentence
 * @to: filled and terminated; what has no room is replaced by "..."
 * @size: of @to, at least 16
 * @from: any bytes, NUL-terminated
 *
 * Return: @to
 */
const char *emit_escape(char *to, size_t size, const char *from);

/* The same as a logfmt value: bare if it can be, otherwise in double quotes. */
const char *emit_quote(char *to, size_t size, const char *from);

/* One line, tagged: a sentence of lksm/wire.h. May be called where printk may. */
__printf(2, 3) void photon_printk(enum emit_severity severity, const char *format, ...);

/* One line, tagged: type=… severity=… and then @format, which begins with a space. */
__printf(3, 4) void photon_logfmt(enum emit_severity severity, const char *type,
				  const char *format, ...);

/* type=records_lost: @count records are gone, because of @reason. */
void photon_records_lost(unsigned long count, const char *reason);

#endif
