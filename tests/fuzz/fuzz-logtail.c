// SPDX-License-Identifier: Apache-2.0
/*
 * core/logtail on any bytes: repairing leaves whole lines only and takes nothing more
 * than the torn one; scanning gives back lines that are in the file, and the same if
 * asked again.
 */
#include "core/logtail.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "fuzz.h"

#define BOOT "aaaaaaaa-0000-4000-8000-000000000000"

static uint64_t size_of(int fd)
{
	struct stat st;

	MUST(fstat(fd, &st) == 0);
	return (uint64_t)st.st_size;
}

static int scan(int fd, struct position *position, struct buffer *lines)
{
	bool is_done;
	int n;

	*position = (struct position){ .next_seq = 3 };
	position_set_boot(position, BOOT);
	n = logtail_scan(fd, position, 5, lines, &is_done);
	MUST(n >= 0 && n <= 5);
	MUST(position->next_seq >= 3 && position->n_streams <= POSITION_STREAMS_MAX);
	MUST(n == 0 || lines->data[lines->len - 1] == '\n');
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);
	_cleanup_buffer_ struct buffer before = { 0 }, after = { 0 };
	struct position first, second;
	uint64_t cut;
	int n;

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	n = scan(fd, &first, &before);
	MUST(logtail_repair(fd, &cut) == 0);
	MUST(size_of(fd) + cut == size);
	MUST(size == cut || data[size - cut - 1] == '\n');
	MUST(cut == 0 || !memchr(data + size - cut, '\n', cut));
	MUST(scan(fd, &second, &after) ==
	     n); /* the torn line was no line before, either */
	MUST(first.next_seq == second.next_seq && first.bad_lines == second.bad_lines);
	MUST(span_equal(buffer_span(&before), buffer_span(&after)));
	return 0;
}
