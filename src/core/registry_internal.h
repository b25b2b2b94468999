/* SPDX-License-Identifier: Apache-2.0 */
/* What registry.c (whose turn it is) and registry_host.c (what a module may ask) share. */
#ifndef CORE_REGISTRY_INTERNAL_H
#define CORE_REGISTRY_INTERNAL_H

#include "core/module_options.h"
#include "core/registry.h"

#define NAME_SIZE   32 /* with its NUL */
#define FDS_MAX	    8
#define NOTICE_SIZE 512

struct entry {
	struct registry *registry;
	struct lksm_host host;
	char name[NAME_SIZE];
	bool has_failed; /* and is built in */
	bool is_builtin, is_started, is_due, wants_ticks;
	int fds[FDS_MAX]; /* watched */
	size_t n_fds;

	const struct lksm_module *module; /* NULL for an external one */
	struct module_options options;
	void *state;
	int given; /* a late source, owned; -1 for none. A module has one at most */

	struct external *external;
	bool is_waiting; /* for what is in flight; its pipe is not watched meanwhile */
	int pipes[REGISTRY_PIPES_MAX]; /* the first is being read; owned */
	size_t n_pipes;
};

/* What happened where no event could be made yet: too early, or with the queue full. */
struct notice {
	const char *type;
	char module[NAME_SIZE];
	char reason[NOTICE_SIZE];
};

struct registry {
	struct registry_callbacks callbacks;
	struct entry *entries[REGISTRY_MODULES_MAX];
	size_t n_entries;
	struct notice notices[REGISTRY_MODULES_MAX];
	size_t n_notices, n_notices_lost;
	struct lksm_batch *batch; /* empty, kept for the next poll; NULL if none */
};

/** registry_entry_watch(), registry_entry_unwatch() - a descriptor whose readability is its turn */
int registry_entry_watch(struct entry *entry, int fd);
void registry_entry_unwatch(struct entry *entry, int fd);

/** registry_late_source() - where the state keeps a late source; NULL if @option is none */
void *registry_late_source(const struct entry *entry, const char *option);

/** registry_host_calls - the host of every module, copied into its entry */
extern const struct lksm_host registry_host_calls;

#endif
