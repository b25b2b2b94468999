// SPDX-License-Identifier: Apache-2.0
/* See resume.h. */
#include "core/resume.h"

#include <errno.h>

#include "core/logtail.h"

/* One log's end, put in front of what the newer ones gave. */
static int scan(int fd, size_t n_lines, struct resume *ret, bool *ret_is_done)
{
	_cleanup_buffer_ struct buffer older = { 0 };
	size_t wanted = n_lines > ret->n_lines ? n_lines - ret->n_lines : 0;
	int r = logtail_scan(fd, &ret->position, wanted, &older, ret_is_done);

	if (r < 0)
		return r;
	buffer_append_span(&older, buffer_span(&ret->lines));
	if (buffer_error(&older))
		return buffer_error(&older);
	ret->n_lines += (size_t)r;
	buffer_deinit(&ret->lines);
	ret->lines = older;
	older = (struct buffer){ 0 };
	return 0;
}

int resume_load(const struct state_page *page, const char *boot_id,
		resume_open_fn open_log, void *context, size_t n_lines,
		struct resume *ret)
{
	bool is_done = false;

	*ret = (struct resume){ 0 };
	(void)state_page_load(page, &ret->position); /* zeroed if there is none: fine */
	ret->is_other_boot = strcmp(ret->position.boot_id, boot_id) != 0;
	if (ret->is_other_boot)
		position_set_boot(&ret->position, boot_id);
	for (uint64_t i = 0; !is_done; i++) {
		char name[RESUME_NAME_SIZE] = "";
		_cleanup_close_ int fd = open_log(context, i, name, sizeof(name));
		int r;

		if (fd == -ENOENT)
			break;
		if (fd < 0)
			return fd;
		if (i == 0)
			memcpy(ret->newest, name, sizeof(name));
		r = scan(fd, n_lines, ret, &is_done);
		if (r < 0)
			return r;
	}
	ret->logged_next_seq = ret->position.scan.logged_next_seq;
	return 0;
}

void resume_deinit(struct resume *r)
{
	buffer_deinit(&r->lines);
}
