// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring of bytes with the lines, end to end, and a ring of slots that says where each of
 * them is, so that a reader gets from number to line in one step:
 *
 *	slots: ... | 17: start, size | 18: start, size | ...	(number & slot_mask)
 *	bytes: ...seq=17 ts=...\nseq=18 ts=...\n...		(start & byte_mask)
 *
 * Both sides hold the lock for a copy at most, of memory that cannot fault: what a reader
 * does with its copy is its own affair.
 */
#include "record.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/vmalloc.h>

#include "lksm/wire.h"

/* Slots are for lines of this length; if they are shorter, slots run out before bytes. */
#define TYPICAL_LINE_SIZE 128

static unsigned int store_kib = 4096;
module_param(store_kib, uint, 0444);
MODULE_PARM_DESC(store_kib,
		 "room for records in /proc/lksm, KiB, rounded up to a power of 2");

/**
 * struct slot - where one line is
 * @start: position of its first byte; positions count on, and wrap at 2^32
 * @size: with its newline
 */
struct slot {
	u32 start;
	u32 size;
};

static struct {
	spinlock_t lock;
	char *bytes;
	struct slot *slots;
	u32 byte_mask;
	u32 slot_mask;
	u32 n_used; /* bytes */
	u32 end;    /* position */
	struct record_bounds bounds;
} store;

static struct slot *slot_of(u64 number)
{
	return &store.slots[number & store.slot_mask];
}

static void forget_oldest(void)
{
	store.n_used -= slot_of(store.bounds.first)->size;
	store.bounds.first++;
}

static bool has_room(u32 size)
{
	return store.n_used + size <= store.byte_mask + 1 &&
	       store.bounds.next - store.bounds.first <= store.slot_mask;
}

static void put(const char *from, u32 size)
{
	u32 at = store.end & store.byte_mask;
	u32 n = min(size, store.byte_mask + 1 - at);

	memcpy(store.bytes + at, from, n);
	memcpy(store.bytes, from + n, size - n);
	store.end += size;
	store.n_used += size;
}

static void get(char *to, const struct slot *slot)
{
	u32 at = slot->start & store.byte_mask;
	u32 n = min(slot->size, store.byte_mask + 1 - at);

	memcpy(to, store.bytes + at, n);
	memcpy(to + n, store.bytes, slot->size - n);
}

void record_append(u64 time_ns, const char *text, size_t size)
{
	u32 ns, prefix_size, line_size;
	u64 s = div_u64_rem(time_ns, NSEC_PER_SEC, &ns);
	char prefix[RECORD_PREFIX_SIZE];

	prefix_size = scnprintf(prefix, sizeof(prefix), "seq=%llu ts=%llu.%06u ",
				store.bounds.next, s, ns / (u32)NSEC_PER_USEC);
	line_size = prefix_size + size + 1;
	if (WARN_ON_ONCE(line_size > LKSM_LINE_MAX))
		return;
	spin_lock(&store.lock);
	while (!has_room(line_size))
		forget_oldest();
	*slot_of(store.bounds.next) = (struct slot){ store.end, line_size };
	put(prefix, prefix_size);
	put(text, size);
	put("\n", 1);
	store.bounds.next++;
	spin_unlock(&store.lock);
}

struct record_bounds record_bounds(void)
{
	struct record_bounds bounds;

	spin_lock(&store.lock);
	bounds = store.bounds;
	spin_unlock(&store.lock);
	return bounds;
}

ssize_t record_read(u64 *number, char *to, size_t size)
{
	const struct slot *slot;
	ssize_t n = 0;

	spin_lock(&store.lock);
	if (*number < store.bounds.first)
		n = -EOVERFLOW;
	for (; n >= 0 && *number < store.bounds.next; (*number)++) {
		slot = slot_of(*number);
		if (slot->size > size - n) {
			n = n ? n : -EMSGSIZE;
			break;
		}
		get(to + n, slot);
		n += slot->size;
	}
	spin_unlock(&store.lock);
	return n;
}

int record_init(void)
{
	/* At least the longest line; at most what positions can tell apart. */
	u32 size = roundup_pow_of_two(clamp(store_kib, 4U, 1U << 20)) << 10;
	u32 n_slots = size / TYPICAL_LINE_SIZE;

	spin_lock_init(&store.lock);
	store.bytes = vmalloc(size);
	store.slots = vmalloc(array_size(n_slots, sizeof(*store.slots)));
	if (!store.bytes || !store.slots) {
		record_deinit();
		return -ENOMEM;
	}
	store.byte_mask = size - 1;
	store.slot_mask = n_slots - 1;
	return 0;
}

void record_deinit(void)
{
	vfree(store.slots);
	vfree(store.bytes);
}
