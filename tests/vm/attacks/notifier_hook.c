// SPDX-License-Identifier: GPL-2.0-only
/* A notifier: for the keyboard that of a key logger, for modules that of a gate keeper. */
#include <linux/kdebug.h>
#include <linux/keyboard.h>
#include <linux/netdevice.h>
#include <linux/notifier.h>
#include <linux/reboot.h>

#include "attack.h"

static char *what = "keyboard";
module_param(what, charp, 0);

static int on_event(struct notifier_block *block, unsigned long action, void *data)
{
	return NOTIFY_DONE;
}

static struct notifier_block block = { .notifier_call = on_event };

static const struct {
	const char *what;
	int (*add)(struct notifier_block *block);
	int (*remove)(struct notifier_block *block);
} chains[] = {
	{ "keyboard", register_keyboard_notifier, unregister_keyboard_notifier },
	{ "reboot", register_reboot_notifier, unregister_reboot_notifier },
	{ "netdevice", register_netdevice_notifier, unregister_netdevice_notifier },
	{ "module", register_module_notifier, unregister_module_notifier },
	{ "die", register_die_notifier, unregister_die_notifier },
};

static size_t chain;

static int change(void)
{
	for (chain = 0; chain < ARRAY_SIZE(chains); chain++) {
		if (!strcmp(chains[chain].what, what))
			return chains[chain].add(&block);
	}
	return -EINVAL;
}

static void restore(void)
{
	chains[chain].remove(&block);
}

ATTACK(change, restore, "a notifier");
