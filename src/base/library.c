// SPDX-License-Identifier: Apache-2.0
/* See library.h. */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"

static void *find_library(const struct library *l, struct buffer *error)
{
	void *handle = NULL;

	for (size_t i = 0; i < LIBRARY_SONAMES_MAX && l->sonames[i] && !handle; i++)
		handle = dlopen(l->sonames[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle)
		buffer_appendf(error,
			       "%s is needed and cannot be loaded: install it (Debian's "
			       "package is %s); the loader says: %s",
			       l->sonames[0], l->package, dlerror());
	return handle;
}

static int find_functions(const struct library *l, void *handle, void **ret,
			  struct buffer *error)
{
	for (size_t i = 0; i < l->n; i++) {
		ret[i] = dlsym(handle, l->names[i]);
		if (ret[i])
			continue;
		buffer_appendf(error,
			       "%s has no %s: install a newer one (Debian's package is "
			       "%s)",
			       l->sonames[0], l->names[i], l->package);
		return -ENOSYS;
	}
	return 0;
}

/* As the linker's own table of functions is (RELRO), for whoever can write anywhere. */
static void protect(void *table)
{
	if (sysconf(_SC_PAGESIZE) == (long)LIBRARY_PAGE)
		(void)mprotect(table, LIBRARY_PAGE, PROT_READ); /* it works without */
}

static int load(const struct library *l, struct buffer *error)
{
	void *found[LIBRARY_PAGE / sizeof(void *)];
	void *handle = find_library(l, error);
	int r = handle ? find_functions(l, handle, found, error) : -ENOENT;

	if (r < 0)
		return r;
	memcpy(l->table, found, l->n * sizeof(found[0]));
	protect(l->table);
	return 0;
}

int library_load(const struct library *l, struct buffer *error)
{
	_cleanup_buffer_ struct buffer own = { 0 };
	void *first;
	int r;

	memcpy(&first, l->table, sizeof(first));
	if (first)
		return 0;
	r = load(l, error ? error : &own);
	if (r < 0 && !error)
		log_error("%.*s", (int)own.len, own.len ? own.data : "");
	return r;
}
