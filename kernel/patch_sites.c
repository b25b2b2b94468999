// SPDX-License-Identifier: GPL-2.0-only
#include "patch_sites.h"

#include <linux/errno.h>
#include <linux/jump_label.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sort.h>
#include <linux/static_call_types.h>

#include "owner.h"
#include "sensors.h"
#include "symbols.h"

enum {
	LABELS,
	LABELS_END,
	CALLS,
	CALLS_END,
	TRAMPOLINES,
	TRAMPOLINES_END,
	FTRACE
};
static struct symbol_wanted wanted[] = {
	[LABELS] = { .name = "__start___jump_table" },
	[LABELS_END] = { .name = "__stop___jump_table" },
	[CALLS] = { .name = "__start_static_call_sites" },
	[CALLS_END] = { .name = "__stop_static_call_sites" },
	/* of static calls */
	[TRAMPOLINES] = { .name = "__static_call_text_start" },
	[TRAMPOLINES_END] = { .name = "__static_call_text_end" },
	/* Where ftrace's own code goes on to whoever traces. */
	[FTRACE] = { .name = "ftrace_call" },
	{ .name = "ftrace_regs_call" },
	{ .name = "ftrace_graph_call" },
};

/* Addresses, in ascending order */
static struct {
	unsigned long *sites;
	size_t n;
} state;

static const void *table(size_t which, size_t entry_size, size_t *ret_n)
{
	unsigned long start = wanted[which].address, end = wanted[which + 1].address;

	*ret_n = start && end > start ? (end - start) / entry_size : 0;
	return (const void *)start;
}

/* @to: or NULL, to count only. Return: how many there are */
static size_t copy_labels(unsigned long *to)
{
#ifdef CONFIG_JUMP_LABEL
	const struct jump_entry *labels;
	size_t i, n;

	labels = table(LABELS, sizeof(*labels), &n);
	for (i = 0; to && i < n; i++)
		to[i] = jump_entry_code(&labels[i]);
	return n;
#else
	return 0;
#endif
}

static size_t copy_calls(unsigned long *to)
{
	const struct static_call_site *calls;
	size_t i, n;

	calls = table(CALLS, sizeof(*calls), &n);
	for (i = 0; to && i < n; i++)
		to[i] = (unsigned long)&calls[i].addr + calls[i].addr;
	return n;
}

static int compare(const void *a, const void *b)
{
	unsigned long left = *(const unsigned long *)a, right = *(const unsigned long *)b;

	return left < right ? -1 : left > right;
}

void patch_sites_want(void)
{
	symbols_want(wanted, ARRAY_SIZE(wanted));
}

void patch_sites_start(void)
{
	size_t n_labels = copy_labels(NULL), n_calls = copy_calls(NULL);
	size_t n = n_labels + n_calls;

	/* Of this kernel's kinds of sites all have to be known. */
	if ((!n_labels && IS_ENABLED(CONFIG_JUMP_LABEL)) ||
	    (!n_calls && IS_ENABLED(CONFIG_HAVE_STATIC_CALL_INLINE)) || !n)
		return;
	state.sites = kvmalloc_array(n, sizeof(*state.sites), GFP_KERNEL);
	if (!state.sites) {
		sensors_report_unavailable(
			"patch_sites", NULL, -ENOMEM,
			"more patches of the kernel's code are taken for lawful");
		return;
	}
	state.n = n;
	(void)copy_labels(state.sites);
	(void)copy_calls(state.sites + n_labels);
	sort(state.sites, n, sizeof(*state.sites), compare, NULL);
}

void patch_sites_stop(void)
{
	kvfree(state.sites);
	state.sites = NULL;
	state.n = 0;
}

bool patch_sites_find(unsigned long address, unsigned long *ret)
{
	size_t low = 0, high = state.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (state.sites[middle] <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - state.sites[low - 1] >= PATCH_SITE_SIZE)
		return false;
	*ret = state.sites[low - 1];
	return true;
}

bool patch_sites_is_of_ftrace(unsigned long address)
{
	size_t i;

	for (i = FTRACE; i < ARRAY_SIZE(wanted); i++) {
		if (address == wanted[i].address)
			return true;
	}
	return false;
}

static bool is_trampoline(unsigned long address)
{
	return address >= wanted[TRAMPOLINES].address &&
	       address < wanted[TRAMPOLINES_END].address;
}

bool patch_sites_has(unsigned long address)
{
	unsigned long site;

	return patch_sites_is_of_ftrace(address) || is_trampoline(address) ||
	       (patch_sites_find(address, &site) && site == address);
}

bool patch_sites_are_known(unsigned long address)
{
	return state.n && owner_is_kernel(address);
}
