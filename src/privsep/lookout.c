// SPDX-License-Identifier: Apache-2.0
/* See lookout.h. */
#include "privsep/lookout.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Return: was it there? */
static bool look(struct lookout *l, const char *name, bool is_asked)
{
	_cleanup_close_ int fd = l->open(l->context, name);

	if (fd >= 0 || is_asked)
		l->give(l->context, name, fd);
	if (fd < 0 && fd != -ENOENT && fd != l->said)
		(void)log_warning_errno(fd, "cannot open the source %s", name);
	l->said = fd < 0 ? fd : 0;
	return fd >= 0;
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	struct lookout *l = context;
	size_t n_kept = 0;

	(void)source;
	(void)time_us;
	for (size_t i = 0; i < l->n; i++)
		if (!look(l, l->names[i], false))
			memmove(l->names[n_kept++], l->names[i], sizeof(l->names[0]));
	l->n = n_kept;
	if (!l->n)
		return 0;
	return loop_after(l->event, &l->timer, LOOKOUT_PERIOD_US, on_timer, l);
}

static size_t find(const struct lookout *l, const char *name)
{
	size_t i = 0;

	while (i < l->n && strcmp(l->names[i], name) != 0)
		i++;
	return i;
}

void lookout_ask(struct lookout *l, const char *name)
{
	size_t i = find(l, name);
	bool is_found = look(l, name, true);
	int r;

	if (is_found && i < l->n)
		memmove(l->names[i], l->names[--l->n], sizeof(l->names[0]));
	if (is_found || i < l->n)
		return;
	if (l->n == LOOKOUT_SOURCES_MAX) {
		log_warning("too many sources are looked for; %s is not", name);
		return;
	}
	memcpy(l->names[l->n++], name, strnlen(name, CHANNEL_NAME_SIZE - 1) + 1);
	if (l->n > 1)
		return;
	r = loop_after(l->event, &l->timer, LOOKOUT_PERIOD_US, on_timer, l);
	if (r < 0)
		(void)log_error_errno(r, "the source %s is not looked for", name);
}

void lookout_stop(struct lookout *l)
{
	l->n = 0;
	l->timer = sd.event_source_disable_unref(l->timer);
}
