// SPDX-License-Identifier: Apache-2.0
/* See folder.h. */
#include "core/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct linux_dirent64: include/linux/dirent.h */
#define RECORD_INODE  0
#define RECORD_OFFSET 8
#define RECORD_LENGTH 16
#define RECORD_TYPE   18
#define RECORD_NAME   19

#define ANSWER_SIZE ((size_t)32 << 10)

int folder_next(struct span *rest, struct folder_record *ret)
{
	size_t room, needed;
	uint16_t len;

	if (!rest->len)
		return 0;
	if (rest->len < RECORD_NAME + 1)
		return -EBADMSG;
	memcpy(&len, rest->data + RECORD_LENGTH, sizeof(len));
	if (len < RECORD_NAME + 1 || len > rest->len)
		return -EBADMSG;
	room = len - RECORD_NAME;
	memcpy(&ret->inode, rest->data + RECORD_INODE, sizeof(ret->inode));
	memcpy(&ret->offset, rest->data + RECORD_OFFSET, sizeof(ret->offset));
	ret->type = (unsigned char)rest->data[RECORD_TYPE];
	ret->name.data = rest->data + RECORD_NAME;
	ret->name.len = strnlen(ret->name.data, room);
	if (ret->name.len == room)
		return -EBADMSG;
	needed = (RECORD_NAME + ret->name.len + 1 + 7) & ~(size_t)7;
	ret->slack = (struct span){ rest->data + len, 0 };
	if (needed < len)
		ret->slack = (struct span){ rest->data + needed, len - needed };
	*rest = span_skip(*rest, len);
	return 1;
}

static ssize_t call_getdents(int fd, void *to, size_t size)
{
	return syscall(SYS_getdents64, fd, to, size);
}

const struct folder_calls folder_calls_kernel = { call_getdents, lseek };

/* The kernel writes where it stopped into the last record: fs/readdir.c, getdents64(). */
static void check_place(int fd, const struct folder_calls *calls, int64_t offset,
			struct folder_end *end)
{
	off_t place = calls->seek(fd, 0, SEEK_CUR);

	end->n_misplaced += place >= 0 && place != offset;
}

int folder_walk(int fd, const struct folder_calls *calls,
		int (*take)(void *context, const struct folder_record *record),
		void *context, struct folder_end *ret_end)
{
	char answer[ANSWER_SIZE];
	struct folder_end end = { 0 };
	ssize_t n;

	if (calls->seek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = calls->getdents(fd, answer, sizeof(answer))) > 0) {
		struct span rest = { answer, (size_t)n };
		struct folder_record record = { 0 };
		int r;

		while ((r = folder_next(&rest, &record)) > 0) {
			end.n_records++;
			r = take(context, &record);
			if (r)
				return r;
		}
		if (r < 0)
			return r;
		check_place(fd, calls, record.offset, &end);
	}
	*ret_end = end;
	return n < 0 ? -errno : 0;
}
