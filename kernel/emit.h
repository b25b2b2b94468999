/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out of the kernel. What a sensor sees goes through emit_stage() into per-CPU
 * staging, and a worker prints it; what the module says of itself goes straight to
 * photon_logfmt(). Nothing but photon_printk() and photon_logfmt() prints: each call makes
 * one record in /proc/lksm and its mirror in the kernel log.
 */
#ifndef PHOTON_RING_EMIT_H
#define PHOTON_RING_EMIT_H

#include <linux/compiler.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/types.h>

/* Bytes of a name that are kept, with the NUL: the longest C symbols are 127. */
#define EMIT_TEXT_SIZE 256
/* Bytes of the path of a program, with the NUL; its end is kept. */
#define EMIT_EXE_SIZE 128
/* Return addresses that are kept */
#define EMIT_CALLERS_MAX 12
/* An escaped name, so that with all else in a line it stays within LKSM_MIRROR_MAX. */
#define EMIT_ESCAPED_SIZE 512
/* A sentence with one such name. */
#define EMIT_SENTENCE_SIZE (EMIT_ESCAPED_SIZE + 128)

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
 * @time_ns: set by emit_stage(): local_clock(), as in the kernel log's stamps
 * @print: turns the record into lines, later, where it may sleep
 * @asked: address that the caller named, its offset added, or 0; not to be printed as a
 *	number
 * @resolved: address that the kernel made of it, or 0; likewise
 * @callers: callers_note()'s, the nearest first; behind the last one is a 0, if there is
 *	room
 * @offset: from the symbol in @text, or in @asked already
 * @error: 0 or a negative errno
 * @pid: the task's, as are @uid (in the initial user namespace), @comm and @exe, the end
 *	of the path of what it runs ("" for the kernel's own); -1 if nobody is known
 * @module: whose doing it is, if it is a module's; hostile bytes, NUL-terminated
 * @text: a name as others wrote it: likewise
 */
struct emit_record {
	u64 sequence;
	u64 time_ns;
	void (*print)(const struct emit_record *record);
	unsigned long asked;
	unsigned long resolved;
	unsigned long callers[EMIT_CALLERS_MAX];
	u32 offset;
	s32 error;
	pid_t pid;
	u32 uid;
	char comm[TASK_COMM_LEN];
	char exe[EMIT_EXE_SIZE];
	char module[MODULE_NAME_LEN];
	char text[EMIT_TEXT_SIZE];
};

int emit_init(void);

/* Prints what is staged, then frees; every sensor must be stopped before. */
void emit_deinit(void);

/**
 * emit_stage() - hand over a record; callable from a kprobe handler, even in an NMI
 * @record: copied; its @sequence, time and the task's fields are set here
 *
 * Without room the record is counted as lost, and the count is printed.
 */
void emit_stage(struct emit_record *record);

/* Prints what has been staged up to now, and not what goes on being staged. May sleep. */
void emit_flush(void);

/* Fills in who runs. Callable from a kprobe handler; in an NMI without @exe. */
void emit_set_task(struct emit_record *record);

/* Makes it a record of nobody's, about now; it has no module and no text. */
void emit_set_nobody(struct emit_record *record);

/**
 * emit_copy_text() - copy a string of someone else's without ever faulting
 * @to: always terminated; ends in "..." if @from was longer
 * @from: any pointer at all
 *
 * Callable from a kprobe handler. Unreadable bytes end the string.
 */
void emit_copy_text(char to[EMIT_TEXT_SIZE], const char *from);

/* The same, to @size bytes, at least 4. Return: bytes copied, without the NUL */
size_t emit_copy(char *to, size_t size, const char *from);

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

/**
 * photon_printk() - say something in a sentence of lksm/wire.h
 * @record: what it is about: gives the time, and at the end module=, pid=, comm=, uid=, exe=;
 * NULL if it is the sensor's own and of now
 * @severity: of the event
 * @type: of the event
 * @sentence: for the kernel log; names in it escaped
 * @format: the record's other pairs, each with a space before it; values as emit_quote()
 * makes them
 *
 * May sleep.
 */
__printf(5, 6) void photon_printk(const struct emit_record *record,
				  enum emit_severity severity, const char *type,
				  const char *sentence, const char *format, ...);

/* The same without a sentence: the kernel log, too, has type=… severity=… and the pairs. */
__printf(4, 5) void photon_logfmt(const struct emit_record *record,
				  enum emit_severity severity, const char *type,
				  const char *format, ...);

/* photon_logfmt() about the task that runs. */
__printf(3, 4) void photon_logfmt_by_task(enum emit_severity severity, const char *type,
					  const char *format, ...);

/* type=records_lost: @count records are gone, because of @reason. */
void photon_records_lost(unsigned long count, const char *reason);

#endif
