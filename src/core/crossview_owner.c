// SPDX-License-Identifier: Apache-2.0
/* See crossview_owner.h. */
#include "core/crossview_owner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/folder.h"

struct search {
	int proc;
	int descriptors; /* of the process that is looked at */
	char want[64];	 /* "socket:[4711]" */
	int64_t pid;	 /* of the process found, 0 before */
};

static int take_descriptor(void *context, const struct folder_record *record)
{
	const struct search *s = context;
	char target[sizeof(s->want)];
	ssize_t n;

	n = readlinkat(s->descriptors, record->name.data, target, sizeof(target));
	return span_equal((struct span){ target, n > 0 ? (size_t)n : 0 },
			  span_from(s->want));
}

static int take_process(void *context, const struct folder_record *record)
{
	struct search *s = context;
	struct folder_end end;
	char path[32];
	uint64_t pid;
	int found;

	if (!crossview_decimal(record->name, INT32_MAX, &pid))
		return 0;
	(void)snprintf(path, sizeof(path), "%d/fd", (int)pid);
	s->descriptors = openat(s->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->descriptors < 0)
		return 0;
	found = folder_walk(s->descriptors, &folder_calls_kernel, take_descriptor, s,
			    &end);
	(void)close(s->descriptors);
	if (found > 0)
		s->pid = (int64_t)pid;
	return found > 0;
}

static void add_link(int proc, int64_t pid, const char *name, struct finding *f)
{
	char path[64], text[FINDING_TEXT_MAX];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	n = readlinkat(proc, path, text, sizeof(text));
	if (n > 0)
		finding_add_text(f, name, (struct span){ text, (size_t)n });
}

void owner_of_socket(int proc, uint64_t inode, struct finding *f)
{
	struct search s = { .proc = proc };
	struct folder_end end;
	char path[64], comm[64];
	ssize_t n;

	(void)snprintf(s.want, sizeof(s.want), "socket:[%llu]",
		       (unsigned long long)inode);
	if (proc < 0 ||
	    folder_walk(proc, &folder_calls_kernel, take_process, &s, &end) <= 0)
		return;
	finding_add_number(f, "pid", s.pid);
	(void)snprintf(path, sizeof(path), "%d/comm", (int)s.pid);
	n = crossview_read(proc, path, comm, sizeof(comm));
	if (n > 1)
		finding_add_text(f, "comm", (struct span){ comm, (size_t)n - 1 });
	add_link(proc, s.pid, "exe", f);
}
