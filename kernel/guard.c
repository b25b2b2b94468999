// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compare function. A visit lists a guard's words as they are; the list of the last
 * visit is how they were. Both are in the same order but for what came and went, so one
 * pass with a cursor in the old list finds nearly every word at once:
 *
 *	old:  a=1  b=2  c=3          cursor after each match
 *	new:  a=1  x=7  b=2  c=4     -> x is new, c changed
 */
#include "guard.h"

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sensors.h"

/*
 * one look
 * @words: what was seen; words that found no room are counted only
 * @is_cut: there was more
 */
struct guard_visit {
	enum guard_occasion occasion;
	struct guard_words *words;
	bool is_cut;
};

static const char *const occasions[GUARD_OCCASION_COUNT] = {
	[GUARD_START] = "start",   [GUARD_COMING] = "sweep", [GUARD_INIT] = "init",
	[GUARD_UNLOAD] = "unload", [GUARD_EVENT] = "event",  [GUARD_SWEEP] = "sweep",
	[GUARD_SCAN] = "scan",
};

void guard_word(struct guard_visit *visit, unsigned long key, unsigned long value)
{
	struct guard_words *words = visit->words;

	if (words->n < words->capacity)
		words->word[words->n] = (struct guard_entry){ key, value };
	words->n++;
}

void guard_cut(struct guard_visit *visit)
{
	visit->is_cut = true;
}

enum guard_occasion guard_occasion(const struct guard_visit *visit)
{
	return visit->occasion;
}

unsigned long guard_read(const void *address)
{
	unsigned long value = 0;

	(void)get_kernel_nofault(value, (const unsigned long *)address);
	return value;
}

unsigned long guard_member_key(u8 list, const void *where, unsigned long function)
{
	unsigned long hash = hash_long((unsigned long)where ^ rol64(function, 24), 56);

	return (unsigned long)list << 56 | hash;
}

bool guard_is_lawful(const struct guard_change *change)
{
	struct owner owner;

	if (change->is_gone || !change->new || owner_is_self(change->new))
		return true;
	owner_find(change->new, &owner);
	return owner_severity(&owner) == EMIT_INFO;
}

void guard_name_bits(char *to, size_t size, unsigned long bits, const char *const *names,
		     size_t n)
{
	size_t i, used = 0;

	to[0] = '\0';
	for (i = 0; i < n; i++) {
		if (bits & BIT(i))
			used += scnprintf(to + used, size - used, "%s%s", used ? "," : "",
					  names[i]);
	}
}

const char *guard_quote_address(char *to, char *name, unsigned long address)
{
	symbols_describe(name, address);
	return emit_quote(to, EMIT_ESCAPED_SIZE, name);
}

/* Visits, with more room each time, until all words find some. */
static int visit_all(const struct guard *guard, struct guard_visit *visit)
{
	struct guard_words *words = visit->words;
	size_t n;

	for (;;) {
		words->n = 0;
		guard->visit(visit);
		if (words->n <= words->capacity)
			return 0;
		n = min_t(size_t, roundup_pow_of_two(words->n), GUARD_WORDS_MAX);
		if (n <= words->capacity) {
			words->n = words->capacity;
			guard_cut(visit);
			return 0;
		}
		kvfree(words->word);
		words->word = kvmalloc_array(n, sizeof(*words->word), GFP_KERNEL);
		words->capacity = words->word ? n : 0;
		if (!words->word)
			return -ENOMEM;
	}
}

/* The old word of that key, from the cursor on; the last comes before the first. */
static struct guard_entry *find_old(struct guard_words *old, size_t *cursor,
				    unsigned long key)
{
	size_t i, at;

	for (i = 0; i < old->n; i++) {
		at = *cursor + i;
		if (at >= old->n)
			at -= old->n; /* the cursor is at most n */
		if (old->word[at].key == key && !old->word[at].is_matched) {
			*cursor = at + 1;
			return &old->word[at];
		}
	}
	return NULL;
}

static void report_new(const struct guard *guard, const struct guard_entry *now,
		       const struct guard_entry *before, const struct guard_who *who)
{
	struct guard_change change = {
		.key = now->key,
		.new = now->value,
		.old = before ? before->value : 0,
		.is_new = !before,
		.who = who,
	};

	if (!before || before->value != now->value)
		guard->report(&change);
}

static void report_gone(const struct guard *guard, const struct guard_entry *before,
			const struct guard_who *who)
{
	struct guard_change change = {
		.key = before->key,
		.old = before->value,
		.is_gone = true,
		.who = who,
	};

	guard->report(&change);
}

static void compare(const struct guard *guard, struct guard_words *old,
		    const struct guard_words *new, const struct guard_who *who)
{
	struct guard_entry *before;
	size_t i, cursor = 0;

	for (i = 0; i < new->n; i++) {
		cond_resched();
		before = find_old(old, &cursor, new->word[i].key);
		if (before)
			before->is_matched = true;
		report_new(guard, &new->word[i], before, who);
	}
	for (i = 0; i < old->n; i++) {
		if (!old->word[i].is_matched)
			report_gone(guard, &old->word[i], who);
	}
}

int guard_compare(const struct guard *guard, struct guard_words *before,
		  struct guard_words *spare, const struct guard_who *who)
{
	struct guard_visit visit = { .occasion = who->occasion, .words = spare };
	int r;

	r = visit_all(guard, &visit);
	if (r)
		return r; /* no memory: the next occasion comes */
	if (visit.is_cut && !before->is_cut)
		sensors_report_unavailable(guard->name, NULL, -ENOSPC,
					   "not all that there is can be looked at");
	spare->is_cut = visit.is_cut || before->is_cut;
	compare(guard, before, spare, who);
	swap(*before, *spare);
	return 0;
}

void guard_words_deinit(struct guard_words *words)
{
	kvfree(words->word);
	*words = (struct guard_words){ 0 };
}

/* Whose name goes with it: the owner's, or those of the modules that may have done it. */
static void set_module(struct emit_record *record, const struct owner *owner, char *rest,
		       size_t size)
{
	char names[256], quoted[4 * sizeof(names)];
	size_t n;

	rest[0] = record->module[0] = '\0';
	if (owner && owner->module[0]) {
		strscpy(record->module, owner->module, sizeof(record->module));
		return;
	}
	n = roster_suspects(names, sizeof(names));
	if (n == 1)
		strscpy(record->module, names, sizeof(record->module));
	else if (n)
		scnprintf(rest, size, " candidates=%s",
			  emit_quote(quoted, sizeof(quoted), names));
}

/* room to put an event together; too big for a stack */
struct sentence {
	struct emit_record record;
	char rest[1024];
	char old[SYMBOLS_NAME_SIZE];
	char new[SYMBOLS_NAME_SIZE];
	char quoted_old[EMIT_ESCAPED_SIZE];
	char quoted_new[EMIT_ESCAPED_SIZE];
};

static void print(const struct guard_change *change, const struct owner *owner,
		  enum emit_severity severity, const char *type, struct va_format *pairs,
		  const char *more, struct sentence *sentence)
{
	struct emit_record *record = &sentence->record;

	if (change->who->task)
		*record = *change->who->task;
	else
		emit_set_nobody(record);
	set_module(record, owner, sentence->rest, sizeof(sentence->rest));
	photon_logfmt(record, severity, type, "%pV%s when=%s%s", pairs, more,
		      occasions[change->who->occasion], sentence->rest);
}

void guard_print(const struct guard_change *change, const struct owner *owner,
		 enum emit_severity severity, const char *type, const char *format, ...)
{
	struct sentence *sentence = kmalloc(sizeof(*sentence), GFP_KERNEL);
	struct va_format pairs = { .fmt = format };
	va_list args;

	if (!sentence) {
		photon_records_lost(1, "memory");
		return;
	}
	va_start(args, format);
	pairs.va = &args;
	print(change, owner, severity, type, &pairs, "", sentence);
	va_end(args);
	kfree(sentence);
}

void guard_print_target(const struct guard_change *change, enum emit_severity least,
			const char *type, const char *format, ...)
{
	struct sentence *sentence = kmalloc(sizeof(*sentence), GFP_KERNEL);
	struct va_format pairs = { .fmt = format };
	struct owner owner;
	char *more = NULL;
	va_list args;

	owner_find(change->new, &owner);
	if (sentence) {
		guard_quote_address(sentence->quoted_old, sentence->old, change->old);
		guard_quote_address(sentence->quoted_new, sentence->new, change->new);
		more = kasprintf(GFP_KERNEL, "%s%s new=%s", change->is_new ? "" : " old=",
				 change->is_new ? "" : sentence->quoted_old,
				 sentence->quoted_new);
	}
	if (!more) {
		photon_records_lost(1, "memory");
		kfree(sentence);
		return;
	}
	va_start(args, format);
	pairs.va = &args;
	print(change, &owner, max(least, owner_severity(&owner)), type, &pairs, more,
	      sentence);
	va_end(args);
	kfree(more);
	kfree(sentence);
}
