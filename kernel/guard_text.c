// SPDX-License-Identifier: GPL-2.0-only
/*
 * The code of the functions that rootkits hook, against a copy from when the sensor was
 * loaded. What was hooked before that is known by its first instruction. A key is the
 * function's number, a value what is wrong with it: the target of a jump or call, another
 * small number otherwise, 0 for nothing.
 */
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "code.h"
#include "code_copy.h"
#include "guards.h"
#include "text_report.h"
#include "text_watch_list.h"

#define AS_WANTED(function) { .name = #function },
static struct symbol_wanted wanted[] = { TEXT_WATCH_LIST(AS_WANTED) };

static struct {
	u8 *copies; /* of all functions, end to end */
	u8 now[CODE_SIZE_MAX];
	struct code_change changes[ARRAY_SIZE(wanted)];
	bool is_changed[ARRAY_SIZE(wanted)];
	unsigned long values[ARRAY_SIZE(wanted)]; /* the last visit's */
} state;

static size_t size_of(const struct symbol_wanted *function)
{
	return min_t(size_t, function->size, CODE_SIZE_MAX);
}

static int text_start(void)
{
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		n += size_of(&wanted[i]);
	if (!n)
		return -ENOENT;
	state.copies = kvzalloc(n, GFP_KERNEL);
	if (!state.copies)
		return -ENOMEM;
	for (i = 0, n = 0; i < ARRAY_SIZE(wanted); n += size_of(&wanted[i++])) {
		/* It may be of a module that has just gone. */
		if (code_copy(state.copies + n, wanted[i].address, size_of(&wanted[i])))
			wanted[i].size = 0;
	}
	return 0;
}

static void text_stop(void)
{
	kvfree(state.copies);
}

static bool find_change(size_t i, const u8 *copy, bool is_first)
{
	unsigned long address = wanted[i].address;
	size_t size = size_of(&wanted[i]);

	/* The kernel's own code does not go away; that of a module may. */
	if (!is_first && owner_is_kernel(address) &&
	    code_n_same((const u8 *)address, copy, size) == size)
		return false;
	if (copy_from_kernel_nofault(state.now, (void *)address, size))
		return false;
	if (is_first)
		return code_find_hook(address, state.now, size, &state.changes[i]);
	return code_find_change(address, state.now, copy, size, &state.changes[i]);
}

/* After @n looks */
static bool is_in_doubt(size_t i, size_t n)
{
	return state.is_changed[i] && n < code_n_looks(&state.changes[i]) &&
	       code_change_value(&state.changes[i]) != state.values[i];
}

/* @n: looks before this one. Return: whether there has to be another one */
static bool look(bool is_first, size_t n)
{
	const u8 *copy = state.copies;
	bool is_any_in_doubt = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wanted); copy += size_of(&wanted[i++])) {
		if (!size_of(&wanted[i]) || (n && !is_in_doubt(i, n)))
			continue;
		state.is_changed[i] = find_change(i, copy, is_first);
		is_any_in_doubt |= is_in_doubt(i, n + 1);
	}
	return is_any_in_doubt;
}

/*
 * All functions share the pauses, and what the last visit was sure of needs none: whoever
 * patches many must not make a visit take a minute.
 */
static void text_visit(struct guard_visit *visit)
{
	bool is_first = guard_occasion(visit) == GUARD_START;
	unsigned long pause_us = CODE_LOOK_PAUSE_US;
	size_t i, n;

	for (n = 0; look(is_first, n); n++, pause_us *= 2)
		usleep_range(pause_us, 2 * pause_us);
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (!size_of(&wanted[i]))
			continue;
		state.values[i] = state.is_changed[i]
					  ? code_change_value(&state.changes[i])
					  : 0;
		guard_word(visit, i, state.values[i]);
	}
}

static void report(const struct guard_change *change)
{
	text_report(change, wanted[change->key].name, &state.changes[change->key]);
}

bool guard_text_has(unsigned long address)
{
	size_t i;

	for (i = 0; state.copies && i < ARRAY_SIZE(wanted); i++) {
		if (address - wanted[i].address < size_of(&wanted[i]))
			return true;
	}
	return false;
}

const struct guard guard_text = {
	.name = "text",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = text_start,
	.stop = text_stop,
	.visit = text_visit,
	.report = report,
};
