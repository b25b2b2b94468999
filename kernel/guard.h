/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is compared. A guard is a family of words of the kernel's memory (or of the
 * processor's) that nobody has to change behind its back: slots of tables, members of
 * lists, code, switches. Each has one function that shows the words as they are now; the
 * rest is one table of how they were, and one compare function (guard.c), used at every
 * occasion:
 *
 *	start, COMING, LIVE, GOING of each module, 1 s and 10 s after COMING, sweeps,
 *	"scan" written to /proc/lksm, and at once where a probe sees that something is up
 *
 * A new one is a file guard_<what>.c that ends with a const struct guard, and a row in
 * the table of guards.c.
 */
#ifndef PHOTON_RING_GUARD_H
#define PHOTON_RING_GUARD_H

#include <linux/types.h>

#include "emit.h"
#include "owner.h"
#include "symbols.h"

/* Words of one guard; more are not looked at, and that is said once. */
#define GUARD_WORDS_MAX 65536

enum guard_occasion {
	GUARD_START,  /* the first look: what was there before us */
	GUARD_COMING, /* before a module's init: what others did up to now */
	GUARD_INIT,   /* across a module's init */
	GUARD_UNLOAD, /* across a module's exit, or after an init that failed */
	GUARD_EVENT,  /* a probe saw somebody at it */
	GUARD_SWEEP,
	GUARD_SCAN,
	GUARD_OCCASION_COUNT
};

/**
 * struct guard_who - on whose account
 * @occasion: why we look
 * @task: who does it, as emit_set_task() sets it; NULL if nobody knows
 */
struct guard_who {
	enum guard_occasion occasion;
	const struct emit_record *task;
};

/**
 * struct guard_change - one word that is not as it was
 * @key: which; the guard's own number
 * @old: 0 if it was not there
 * @new: 0 if it is gone
 * @is_new: it was not there, or this is the first look
 * @is_gone: it is not there any more
 * @who: whose doing it may be
 */
struct guard_change {
	unsigned long key;
	unsigned long old;
	unsigned long new;
	bool is_new;
	bool is_gone;
	const struct guard_who *who;
};

struct guard_visit;

/**
 * struct guard - a family of words
 * @name: as in coverage
 * @wanted: symbols that it needs; n_wanted of them
 * @start: after the symbols are known; -ENOENT if this kernel has no such thing; or NULL
 * @stop: or NULL
 * @visit: calls guard_word() for each word as it is now, always in the same order as far
 *	as it can; may sleep, guard_word() does not
 * @report: says what a change means, or nothing if it is lawful; may sleep
 */
struct guard {
	const char *name;
	struct symbol_wanted *wanted;
	size_t n_wanted;
	int (*start)(void);
	void (*stop)(void);
	void (*visit)(struct guard_visit *visit);
	void (*report)(const struct guard_change *change);
};

/* Callable with preemption off. */
void guard_word(struct guard_visit *visit, unsigned long key, unsigned long value);

/* Not all that there is was shown: that is told once. Callable with preemption off. */
void guard_cut(struct guard_visit *visit);

/* Why this visit is made. */
enum guard_occasion guard_occasion(const struct guard_visit *visit);

/**
 * guard_print() - say what a change is
 * @change: gives who, when=, and old= and new= as names if @target is set
 * @owner: whose doing it is: gives module=; NULL if no address tells, then it is the only
 *	module whose init or exit runs, or candidates=
 * @severity: of the event
 * @type: of the event
 * @format: the particulars, each with a space before it, values quoted
 *
 * May sleep.
 */
__printf(5, 6) void guard_print(const struct guard_change *change,
				const struct owner *owner, enum emit_severity severity,
				const char *type, const char *format, ...);

/**
 * guard_print_target() - the same, of a word that is an address of code: severity by the
 * owner of the new one, at least @least; adds old= and new=
 */
__printf(4, 5) void guard_print_target(const struct guard_change *change,
				       enum emit_severity least, const char *type,
				       const char *format, ...);

/**
 * struct guard_words - the words of one guard at one time
 */
struct guard_words {
	struct guard_entry {
		unsigned long key;
		unsigned long value;
		bool is_matched;
	} * word;
	size_t n;
	size_t capacity;
	bool is_cut; /* this time or before */
};

/**
 * guard_compare() - look at a guard's words, and report what changed since the last time
 * @before: the last time's; becomes this one's
 * @spare: memory to be used
 *
 * May sleep. Return: 0, or -ENOMEM, and nothing was looked at
 */
int guard_compare(const struct guard *guard, struct guard_words *before,
		  struct guard_words *spare, const struct guard_who *who);

void guard_words_deinit(struct guard_words *words);

/**
 * guard_member_key() - key of a function in a list whose other members come and go
 * @list: which list; guard_member_list() gives it back
 * @where: what else tells this member from the others
 */
unsigned long guard_member_key(u8 list, const void *where, unsigned long function);

static inline u8 guard_member_list(unsigned long key)
{
	return key >> 56;
}

/**
 * guard_name_bits() - "a,b" for those that are set
 * @names: of bits 0 to @n - 1
 */
void guard_name_bits(char *to, size_t size, unsigned long bits, const char *const *names,
		     size_t n);

/**
 * guard_quote_address() - symbols_describe(), quoted
 * @to: EMIT_ESCAPED_SIZE bytes
 * @name: room for SYMBOLS_NAME_SIZE bytes in between
 *
 * Return: @to
 */
const char *guard_quote_address(char *to, char *name, unsigned long address);

/**
 * guard_is_lawful() - has a change that is about an address of code nothing bad in it?
 *
 * So it is if something went away, or if the new one is the kernel's, a signed module's or
 * ours. May sleep.
 */
bool guard_is_lawful(const struct guard_change *change);

/* Reads a word that may not be there. Return: 0 if it is not. */
unsigned long guard_read(const void *address);

/*
 * Walks a list of the kernel's that may end anywhere, or never: @at is a node of @head's,
 * @n counts them up to @n_max.
 */
#define guard_for_each_node(at, head, n, n_max)                 \
	for ((n) = 0, (at) = (void *)guard_read(&(head)->next); \
	     (at) && (at) != (head) && (n) < (n_max);           \
	     (n)++, (at) = (void *)guard_read(&(at)->next))

#endif
