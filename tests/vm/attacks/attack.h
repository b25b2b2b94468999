/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the attacks have in common. Each of them makes one change to a running kernel, by
 * the means that rootkits use, so that the tests can see whether the sensor sees it. What
 * is hooked calls through to what was there, and unloading puts everything back. They are
 * for throw-away guests only.
 *
 * An attack is two functions, and ATTACK(change, restore, "description"). The parameters
 * say when:
 *
 *	kallsyms=ADDRESS	of kallsyms_lookup_name, so that none needs a kprobe for that
 *	after_ms=N		not in init, but N ms later
 *	sleep_ms=N		init does not return for N ms
 *	undo=1			written to /sys/module/NAME/parameters: put back before rmmod,
 *				for those that cannot be unloaded otherwise
 *
 * "attack: now" in the kernel log is the moment from which the sensor's time counts.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/stop_machine.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <asm/processor-flags.h>

static unsigned long kallsyms;
module_param(kallsyms, ulong, 0);
static unsigned int after_ms;
module_param(after_ms, uint, 0);
static unsigned int sleep_ms;
module_param(sleep_ms, uint, 0);

/* 0 if there is none; whoever calls it gives up then. */
static inline unsigned long attack_symbol(const char *name)
{
	unsigned long (*lookup)(const char *) = (void *)kallsyms;
	unsigned long address = kallsyms ? lookup(name) : 0;

	if (!address)
		pr_info("attack: no symbol %s\n", name);
	return address;
}

static inline void attack_now(void)
{
	pr_info("attack: now\n");
}

struct attack_bytes {
	void *to;
	const void *from;
	size_t size;
};

/* Lifts the write protection as rootkits do: past the kernel's own, which pins the bit. */
static inline int attack_write_stopped(void *data)
{
	struct attack_bytes *bytes = data;
	unsigned long cr0;

	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %0, %%cr0" : : "r"(cr0 & ~X86_CR0_WP) : "memory");
	memcpy(bytes->to, bytes->from, bytes->size);
	asm volatile("mov %0, %%cr0" : : "r"(cr0) : "memory");
	return 0;
}

/* Overwrites anything, code too: the other processors do not look meanwhile. */
static inline int attack_write(void *to, const void *from, size_t size)
{
	struct attack_bytes bytes = { to, from, size };

	return stop_machine(attack_write_stopped, &bytes, NULL);
}

static inline int attack_write_pointer(void *to, const void *pointer)
{
	return attack_write(to, &pointer, sizeof(pointer));
}

#define ATTACK(change, restore, description)                                             \
	static bool is_changed;                                                          \
	static void attack_undo(void)                                                    \
	{                                                                                \
		if (is_changed)                                                          \
			restore();                                                       \
		is_changed = false;                                                      \
	}                                                                                \
	static int attack_set_undo(const char *value, const struct kernel_param *unused) \
	{                                                                                \
		attack_undo();                                                           \
		return 0;                                                                \
	}                                                                                \
	static const struct kernel_param_ops attack_undo_ops = {                         \
		.set = attack_set_undo,                                                  \
	};                                                                               \
	module_param_cb(undo, &attack_undo_ops, NULL, 0200);                             \
	static int attack_change(void)                                                   \
	{                                                                                \
		int r;                                                                   \
                                                                                         \
		attack_now();                                                            \
		r = change();                                                            \
		is_changed = !r;                                                         \
		if (r)                                                                   \
			pr_info("attack: failed: %d\n", r);                              \
		return r;                                                                \
	}                                                                                \
	static void attack_work_run(struct work_struct *unused)                          \
	{                                                                                \
		(void)attack_change();                                                   \
	}                                                                                \
	static DECLARE_DELAYED_WORK(attack_work, attack_work_run);                       \
	static int __init attack_init(void)                                              \
	{                                                                                \
		int r = 0;                                                               \
                                                                                         \
		if (after_ms)                                                            \
			schedule_delayed_work(&attack_work, msecs_to_jiffies(after_ms)); \
		else                                                                     \
			r = attack_change();                                             \
		if (sleep_ms)                                                            \
			msleep(sleep_ms);                                                \
		return r;                                                                \
	}                                                                                \
	static void __exit attack_exit(void)                                             \
	{                                                                                \
		cancel_delayed_work_sync(&attack_work);                                  \
		attack_undo();                                                           \
	}                                                                                \
	module_init(attack_init);                                                        \
	module_exit(attack_exit);                                                        \
	MODULE_LICENSE("GPL");                                                           \
	MODULE_DESCRIPTION("VM test: " description)

#endif
