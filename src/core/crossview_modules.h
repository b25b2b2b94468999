/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hidden kernel modules, as user space can see them: /proc/modules, the folders of
 * /sys/module that belong to loaded modules, and the owners named in /proc/kallsyms.
 */
#ifndef CORE_CROSSVIEW_MODULES_H
#define CORE_CROSSVIEW_MODULES_H

#include "core/crossview.h"

#define MODULE_NAME_MAX 63

enum module_view {
	MODULES_PROC = 1,
	MODULES_SYSFS = 2,
	MODULES_KALLSYMS = 4,
};

struct module_seen {
	size_t len;
	char name[MODULE_NAME_MAX];
	unsigned int n_live; /* times that /proc/modules said so */
	unsigned int views;
};

struct module_list {
	size_t n, capacity;
	struct module_seen *items; /* owned */
};

void module_list_deinit(struct module_list *l);

/** modules_note() - @name was seen in @view; 0, -EINVAL for a strange name, -ENOMEM */
int modules_note(struct module_list *l, struct span name, enum module_view view,
		 bool is_live);

/** modules_parse_proc(), modules_parse_kallsyms() - whole lines; 0, -EBADMSG, -ENOMEM */
int modules_parse_proc(struct span text, struct module_list *ret);
int modules_parse_kallsyms(struct span text, struct module_list *ret);

/** Folders and files, for tests: /proc and /sys are descriptors. */
struct module_places {
	int proc, sys;
	bool has_symbols; /* read kallsyms, too: some 30 ms */
	void (*pause)(void);
};

/**
 * modules_compare() - one round
 * Return: 0; -ENOENT: this kernel takes no modules; -errno.
 */
int modules_compare(const struct module_places *places, struct findings *out);

#endif
