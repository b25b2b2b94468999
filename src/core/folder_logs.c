// SPDX-License-Identifier: Apache-2.0
/* See folder_logs.h. */
#include "core/folder_logs.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

#define PLAIN_SIZE sizeof("lksm_events_YYYY-MM-DD.jsonl")

static int add(struct folder_logs *l, const char *name)
{
	char(*names)[FOLDER_LOG_SIZE] = reallocarray(l->names, l->n + 1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	l->names = names;
	memcpy(l->names[l->n++], name, strlen(name) + 1);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Sorted, the plain one of a day comes right before its compressed copy. */
static void drop_copies(struct folder_logs *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (n && !strncmp(l->names[n - 1], l->names[i], PLAIN_SIZE - 1))
			continue;
		memmove(l->names[n++], l->names[i], FOLDER_LOG_SIZE);
	}
	l->n = n;
}

int folder_logs_list(int folder, struct folder_logs *ret)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		r = -errno;
		cleanup_close(&fd);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(dir)))
		if (fnmatch(FOLDER_LOG_PATTERN, entry->d_name, 0) == 0 ||
		    fnmatch(FOLDER_LOG_PATTERN FOLDER_LOG_PACKED, entry->d_name, 0) == 0)
			r = add(ret, entry->d_name);
	if (r == 0 && errno)
		r = -errno;
	if (r < 0 || !ret->n)
		return r;
	qsort(ret->names, ret->n, sizeof(*ret->names), compare);
	drop_copies(ret);
	return 0;
}

const char *folder_logs_date(const char *name)
{
	return name + sizeof("lksm_events_") - 1;
}

bool folder_logs_is_packed(const char *name)
{
	size_t len = strlen(name), n = strlen(FOLDER_LOG_PACKED);

	return len > n && !strcmp(name + len - n, FOLDER_LOG_PACKED);
}

int folder_logs_open(int folder, const char *name, char ret_name[static FOLDER_LOG_SIZE])
{
	int fd = open_regular_at(folder, name);

	(void)snprintf(ret_name, FOLDER_LOG_SIZE, "%s", name);
	if (fd != -ENOENT || folder_logs_is_packed(name))
		return fd;
	(void)snprintf(ret_name, FOLDER_LOG_SIZE, "%s" FOLDER_LOG_PACKED, name);
	return open_regular_at(folder, ret_name);
}

void folder_logs_deinit(struct folder_logs *l)
{
	free(l->names);
	*l = (struct folder_logs){ 0 };
}
