// SPDX-License-Identifier: Apache-2.0
/* What the registry does for a module: the calls of struct lksm_host (lksm/module.h). */
#include "core/registry_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* ---- descriptors ---- */

int registry_entry_watch(struct entry *entry, int fd)
{
	int r;

	if (entry->n_fds == FDS_MAX)
		return -ENOSPC;
	r = entry->registry->callbacks.watch(entry->registry->callbacks.context, fd);
	if (r < 0)
		return r;
	entry->fds[entry->n_fds++] = fd;
	return 0;
}

void registry_entry_unwatch(struct entry *entry, int fd)
{
	for (size_t i = 0; i < entry->n_fds; i++) {
		if (entry->fds[i] != fd)
			continue;
		entry->registry->callbacks.unwatch(entry->registry->callbacks.context,
						   fd);
		entry->fds[i] = entry->fds[--entry->n_fds];
		return;
	}
}

/* ---- what a module is given ---- */

static struct entry *entry_of(const struct lksm_host *host)
{
	return (struct entry *)((char *)(uintptr_t)host - offsetof(struct entry, host));
}

static int host_watch(const struct lksm_host *host, int fd)
{
	return registry_entry_watch(entry_of(host), fd);
}

static void host_unwatch(const struct lksm_host *host, int fd)
{
	registry_entry_unwatch(entry_of(host), fd);
}

static int host_position(const struct lksm_host *host, const char *stream, uint64_t *ret)
{
	const struct registry_callbacks *callbacks = &entry_of(host)->registry->callbacks;

	return callbacks->position ? callbacks->position(callbacks->context, stream, ret)
				   : 0;
}

static void host_want_ticks(const struct lksm_host *host, bool is_wanted)
{
	entry_of(host)->wants_ticks = is_wanted;
}

/* Where the descriptor of a late source stands; NULL if the module has no such option. */
void *registry_late_source(const struct entry *entry, const char *option)
{
	const struct lksm_option *row = entry->module ? entry->module->options : NULL;

	for (; row && row->name; row++)
		if (row->type == LKSM_OPTION_LATE_SOURCE && !strcmp(row->name, option))
			return (char *)entry->state + row->offset;
	return NULL;
}

static int host_look(const struct lksm_host *host, const char *option)
{
	struct entry *entry = entry_of(host);
	const struct registry_callbacks *callbacks = &entry->registry->callbacks;
	void *to = registry_late_source(entry, option);
	int r;

	if (!to)
		return -EINVAL;
	if (!callbacks->look)
		return -EOPNOTSUPP;
	r = callbacks->look(callbacks->context, entry->name, option);
	if (r < 0)
		return r;
	cleanup_close(&entry->given);
	entry->given = -1;
	memcpy(to, &(int){ -EINPROGRESS }, sizeof(int));
	return 0;
}

static int host_held(const struct lksm_host *host, const char *stream, uint64_t from,
		     uint64_t *ret)
{
	const struct registry_callbacks *callbacks = &entry_of(host)->registry->callbacks;

	return callbacks->held ? callbacks->held(callbacks->context, stream, from, ret)
			       : 0;
}

__attribute__((format(printf, 3, 4))) static void host_log(const struct lksm_host *host,
							   int level, const char *format,
							   ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (level < LOG_LEVEL_ERROR)
		level = LOG_LEVEL_ERROR;
	if (level > LOG_LEVEL_DEBUG)
		level = LOG_LEVEL_DEBUG;
	log_message((enum log_level)level, 0, "%s: %s", entry_of(host)->name, text);
}

const struct lksm_host registry_host_calls = {
	.abi = LKSM_MODULE_ABI,
	.watch = host_watch,
	.unwatch = host_unwatch,
	.has_room = batch_has_room,
	.emit = batch_emit,
	.add_str = batch_add_str,
	.add_int = batch_add_int,
	.emit_record = batch_emit_record,
	.position = host_position,
	.log = host_log,
	.want_ticks = host_want_ticks,
	.look = host_look,
	.held = host_held,
};
