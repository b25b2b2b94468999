// SPDX-License-Identifier: Apache-2.0
/* See sandbox_page.h. The file is of this machine and this boot only: its layout is ours. */
#include "core/sandbox_page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define MAGIC	    "LKSMsbx2"
#define STATUS_SIZE 4096 /* /proc/PID/status has about 1.5 KiB */

struct sandbox_page {
	char magic[8];
	struct sandbox_row rows[SANDBOX_PAGE_ROWS];
};

static void *map(int fd, int protection)
{
	return mmap(NULL, sizeof(struct sandbox_page), protection, MAP_SHARED, fd, 0);
}

/* Opened again, a descriptor for reading cannot be mapped for writing, ever. */
static const struct sandbox_page *map_view(int fd)
{
	char path[32];
	_cleanup_close_ int view = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	view = open(path, O_RDONLY | O_CLOEXEC);
	return view < 0 ? MAP_FAILED : map(view, PROT_READ);
}

int sandbox_page_map(int fd, struct sandbox_page **ret,
		     const struct sandbox_page **ret_view)
{
	const struct sandbox_page *view;
	struct sandbox_page *page;
	int r;

	if (ftruncate(fd, 0) < 0)
		return -errno;
	r = allocate_file(fd, sizeof(*page));
	if (r < 0)
		return r;
	page = map(fd, PROT_READ | PROT_WRITE);
	if (page == MAP_FAILED)
		return -errno;
	view = map_view(fd);
	if (view == MAP_FAILED) {
		r = -errno;
		sandbox_page_unmap(page);
		return r;
	}
	memcpy(page->magic, MAGIC, sizeof(page->magic));
	*ret = page;
	*ret_view = view;
	return 0;
}

void sandbox_page_unmap(const struct sandbox_page *page)
{
	if (page)
		(void)munmap((void *)(uintptr_t)page, sizeof(*page));
}

bool sandbox_page_row(const struct sandbox_page *page, size_t i, struct sandbox_row *ret)
{
	if (!page || i >= SANDBOX_PAGE_ROWS)
		return false;
	*ret = page->rows[i];
	ret->process[sizeof(ret->process) - 1] = '\0';
	return ret->process[0] && ret->pid > 0;
}

int sandbox_page_read(int fd, struct sandbox_row ret[static SANDBOX_PAGE_ROWS])
{
	struct sandbox_page page;
	ssize_t n = read_full(fd, &page, sizeof(page));
	int n_rows = 0;

	if (n < 0)
		return (int)n;
	if (n != (ssize_t)sizeof(page) || memcmp(page.magic, MAGIC, sizeof(page.magic)))
		return -EBADMSG;
	for (size_t i = 0; i < SANDBOX_PAGE_ROWS; i++)
		n_rows += sandbox_page_row(&page, i, &ret[n_rows]);
	return n_rows;
}

static bool find_number(const char *text, const char *key, int base, uint64_t *ret)
{
	const char *at = strstr(text, key);
	char *end;

	if (!at)
		return false;
	at += strlen(key);
	errno = 0;
	*ret = strtoull(at, &end, base);
	return errno == 0 && end != at;
}

int process_locks_parse(const char *text, struct process_locks *ret)
{
	uint64_t parent, uid, capabilities, no_new_privs, seccomp = 0;
	const char *ids = strstr(text, "\nUid:\t");

	if (!ids || !find_number(text, "\nPPid:\t", 10, &parent) ||
	    !find_number(ids + strlen("\nUid:\t"), "\t", 10, &uid) ||
	    !find_number(text, "\nCapEff:\t", 16, &capabilities) ||
	    !find_number(text, "\nNoNewPrivs:\t", 10, &no_new_privs))
		return -EBADMSG;
	/* a kernel without seccomp has no such line */
	(void)find_number(text, "\nSeccomp:\t", 10, &seccomp);
	*ret = (struct process_locks){ (int32_t)parent, (uint32_t)uid, capabilities,
				       (int32_t)no_new_privs, (int32_t)seccomp };
	return 0;
}

static int read_locks(int fd, struct process_locks *ret)
{
	char text[STATUS_SIZE];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return process_locks_parse(text, ret);
}

int process_locks_read(pid_t pid, struct process_locks *ret)
{
	_cleanup_close_ int fd = -1;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : read_locks(fd, ret);
}

void sandbox_page_enter(struct sandbox_page *page, size_t i,
			const struct sandbox_options *options)
{
	/* opened while it can be; its text is made when it is read */
	_cleanup_close_ int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	struct sandbox_report report;
	struct sandbox_row row = { .pid = getpid() };

	sandbox_enter(options, &report);
	row.landlock = report.landlock;
	row.filter = report.seccomp;
	if (!page || i >= SANDBOX_PAGE_ROWS || status < 0 ||
	    read_locks(status, &row.locks) < 0)
		return;
	(void)snprintf(row.process, sizeof(row.process), "%s", options->name);
	page->rows[i] = row;
}

void sandbox_page_clear(struct sandbox_page *page, size_t i)
{
	if (page && i < SANDBOX_PAGE_ROWS)
		page->rows[i] = (struct sandbox_row){ 0 };
}
