// SPDX-License-Identifier: GPL-2.0-only
/*
 * All code of the kernel image, against a copy from when the sensor was loaded. guard_text
 * looks at the functions that rootkits hook each time; here each sweep has a part, so that
 * all of it is looked at once a minute. A scan has all, and so has a look across the init or
 * exit of a module that is not the kernel's own. A key is an address, a value what is
 * wrong there.
 */
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "code.h"
#include "code_copy.h"
#include "guards.h"
#include "text_report.h"

#define PARTS	     13		/* sweeps that it takes */
#define STEP	     (64 << 10) /* compared without a pause, in bytes */
#define FINDINGS_MAX 64
#define TRIES	     3
/* The copy is not worth more of the machine's memory than one in so many bytes. */
#define MEMORY_SHARE 16
/* Before and behind a difference, what belongs to the same instruction */
#define MARGIN 16

enum {
	START,
	END
};
static struct symbol_wanted wanted[] = {
	[START] = { .name = "_stext" },
	[END] = { .name = "_etext" },
};

/*
 * code that was changed
 * @function: its start
 * @at: the first byte of the change
 * @change: its offset counts from the function's start
 */
struct finding {
	unsigned long function;
	unsigned long at;
	struct code_change change;
};

/*
 * findings of which the first @n are good
 * @is_cut: there were more
 */
struct findings {
	struct finding each[FINDINGS_MAX];
	size_t n;
	bool is_cut;
};

static struct {
	u8 *copy;
	size_t size;
	size_t next;		   /* the sweeps' */
	struct code_traced traced; /* in this look */
	u8 now[CODE_SIZE_MAX];
	struct findings known;
	struct findings fresh;
} state;

static const u8 *image(void)
{
	return (const u8 *)wanted[START].address;
}

static int image_start(void)
{
	unsigned long start = wanted[START].address, end = wanted[END].address;

	if (!start || end <= start)
		return -ENOENT;
	/* The rest of the last page can be run, too. */
	state.size = PAGE_ALIGN(end) - start;
	if (state.size > (totalram_pages() << PAGE_SHIFT) / MEMORY_SHARE)
		return -ENOMEM;
	state.copy = vmalloc(state.size);
	if (!state.copy)
		return -ENOMEM;
	if (code_copy(state.copy, start, state.size)) {
		vfree(state.copy);
		return -ENOMEM;
	}
	return 0;
}

static void image_stop(void)
{
	vfree(state.copy);
}

/* The function that @at is in, or what is known to be in the same one. */
static struct symbol_range function_at(unsigned long at)
{
	unsigned long start = wanted[START].address, end = start + state.size;
	struct symbol_range range;

	if (symbols_range(at, &range) || range.end <= at)
		range = (struct symbol_range){ at, at + MARGIN };
	range.start = max(range.start, start);
	range.end = min(range.end, end);
	return range;
}

/*
 * Judges the code from a difference at @at on. Return: whether it is unlawful, and then
 * @ret is set; @ret_next: up to where it was judged
 */
static bool judge(unsigned long at, struct finding *ret, unsigned long *ret_next)
{
	size_t offset = at - wanted[START].address, size;
	struct symbol_range function;
	unsigned long from;

	*ret_next = at + CODE_CALL_SIZE;
	if (state.size - offset >= CODE_CALL_SIZE &&
	    code_is_traced(at, image() + offset, state.copy + offset, &state.traced))
		return false;
	function = function_at(at);
	from = function.start;
	if (at - from > CODE_SIZE_MAX - 2 * MARGIN)
		from = at - MARGIN;
	size = min_t(size_t, function.end - from, CODE_SIZE_MAX);
	offset = from - wanted[START].address;
	memcpy(state.now, image() + offset, size);
	*ret_next = from + size;
	if (!code_find_change(from, state.now, state.copy + offset, size, &ret->change))
		return false;
	ret->at = from + ret->change.offset;
	/* An instruction that is cut off is judged with its rest. */
	if (ret->at + MARGIN > from + size && from + size < function.end) {
		*ret_next = max(ret->at, at + 1);
		return false;
	}
	if (guard_text_has(ret->at))
		return false;
	*ret_next = function.end;
	ret->function = function.start;
	ret->change.offset = ret->at - function.start;
	return true;
}

static bool leads_out(const struct finding *finding)
{
	struct owner owner;

	if (!finding->change.target)
		return false;
	owner_find(finding->change.target, &owner);
	return owner.kind == OWNER_FOREIGN || owner.kind == OWNER_NOBODY;
}

/* Where there is no room, what leads out of the kernel is kept instead of another. */
static void keep(struct findings *to, const struct finding *finding)
{
	size_t i = to->n;

	if (to->n < FINDINGS_MAX) {
		to->n++;
	} else {
		to->is_cut = true;
		for (i = 0; i < FINDINGS_MAX && leads_out(&to->each[i]); i++)
			;
		if (i == FINDINGS_MAX || !leads_out(finding))
			return;
	}
	to->each[i] = *finding;
}

static void find_all(unsigned long from, unsigned long to, struct findings *ret)
{
	unsigned long at = from, next;
	struct finding found;
	size_t offset;

	ret->n = 0;
	ret->is_cut = false;
	state.traced = (struct code_traced){ 0 };
	for (; at < to; cond_resched()) {
		offset = at - wanted[START].address;
		at += code_n_same(image() + offset, state.copy + offset,
				  min_t(size_t, STEP, to - at));
		offset = at - wanted[START].address;
		if (at >= to || image()[offset] == state.copy[offset])
			continue;
		if (judge(at, &found, &next) && found.at >= from && found.at < to)
			keep(ret, &found);
		at = next;
	}
}

static bool is_known(const struct finding *finding)
{
	size_t i;

	for (i = 0; i < state.known.n; i++) {
		if (state.known.each[i].at == finding->at &&
		    code_change_value(&state.known.each[i].change) ==
			    code_change_value(&finding->change))
			return true;
	}
	return false;
}

/* After @n looks */
static bool is_any_in_doubt(const struct findings *fresh, size_t n)
{
	size_t i;

	for (i = 0; i < fresh->n; i++) {
		if (n < code_n_looks(&fresh->each[i].change) &&
		    !is_known(&fresh->each[i]))
			return true;
	}
	return false;
}

/* Looks again at what was not known, and drops what is lawful now. */
static void settle(struct findings *fresh)
{
	unsigned long unused;
	size_t i, n = 0;

	state.traced = (struct code_traced){ 0 };
	for (i = 0; i < fresh->n; i++) {
		if (is_known(&fresh->each[i]))
			fresh->each[n++] = fresh->each[i];
		else if (judge(fresh->each[i].at, &fresh->each[n], &unused))
			n++;
	}
	fresh->n = n;
}

/* Each time, so that what was put back is told soon. */
static void forget_restored(struct findings *known)
{
	unsigned long unused;
	size_t i, n = 0;

	for (i = 0; i < known->n; i++) {
		if (judge(known->each[i].at, &known->each[n], &unused))
			n++;
	}
	known->n = n;
}

static void forget(unsigned long from, unsigned long to, struct findings *known)
{
	size_t i, n = 0;

	for (i = 0; i < known->n; i++) {
		if (known->each[i].at < from || known->each[i].at >= to)
			known->each[n++] = known->each[i];
	}
	known->n = n;
}

static void find_lasting(unsigned long from, unsigned long to, struct findings *ret)
{
	unsigned long pause_us = CODE_LOOK_PAUSE_US;
	size_t n;

	find_all(from, to, ret);
	for (n = 1; is_any_in_doubt(ret, n); n++, pause_us *= 2) {
		usleep_range(pause_us, 2 * pause_us);
		settle(ret);
	}
}

static void look(unsigned long from, unsigned long to)
{
	struct findings *fresh = &state.fresh, *known = &state.known;
	size_t i = 0;

	/* What the kernel was patching may have left no room for the rest. */
	do
		find_lasting(from, to, fresh);
	while (fresh->is_cut && fresh->n < FINDINGS_MAX && ++i < TRIES);
	forget(from, to, known);
	for (i = 0; i < fresh->n; i++)
		keep(known, &fresh->each[i]);
	known->is_cut = known->n == FINDINGS_MAX;
}

static void look_at_next_part(void)
{
	size_t part = DIV_ROUND_UP(state.size, PARTS);
	unsigned long from = wanted[START].address + state.next;

	look(from, from + min(part, state.size - state.next));
	state.next += part;
	if (state.next >= state.size)
		state.next = 0;
}

static int is_suspect(struct roster_module *module, void *unused)
{
	return module->is_foreign && (module->is_starting || module->is_leaving);
}

static bool wants_all(enum guard_occasion occasion)
{
	if (occasion == GUARD_INIT || occasion == GUARD_UNLOAD)
		return roster_each(is_suspect, NULL);
	return occasion == GUARD_SCAN;
}

static void image_visit(struct guard_visit *visit)
{
	size_t i;

	forget_restored(&state.known);
	if (guard_occasion(visit) == GUARD_SWEEP)
		look_at_next_part();
	else if (wants_all(guard_occasion(visit)))
		look(wanted[START].address, wanted[START].address + state.size);
	if (state.known.is_cut)
		guard_cut(visit);
	for (i = 0; i < state.known.n; i++)
		guard_word(visit, state.known.each[i].at,
			   code_change_value(&state.known.each[i].change));
}

static const struct finding *find_known(unsigned long at)
{
	size_t i;

	for (i = 0; i < state.known.n; i++) {
		if (state.known.each[i].at == at)
			return &state.known.each[i];
	}
	return NULL;
}

static void image_report(const struct guard_change *change)
{
	const struct finding *finding = find_known(change->key);
	char name[SYMBOLS_NAME_SIZE];

	symbols_describe(name, finding ? finding->function : change->key);
	text_report(change, name, finding ? &finding->change : NULL);
}

const struct guard guard_image = {
	.name = "image",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = image_start,
	.stop = image_stop,
	.visit = image_visit,
	.report = image_report,
};
