/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership by scope: a variable marked _cleanup_... releases what it holds when it goes
 * out of scope; take_ptr() and take_fd() hand it over instead.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

#define DEFINE_CLEANUP(type, function)          \
	static inline void function##p(type *p) \
	{                                       \
		if (*p)                         \
			function(*p);           \
	}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		(void)close(
			*fd); /* nothing is owed to a file we only read or gave up on */
}

DEFINE_CLEANUP(FILE *, fclose)
DEFINE_CLEANUP(DIR *, closedir)

#define _cleanup_free_	   _cleanup_(cleanup_free)
#define _cleanup_close_	   _cleanup_(cleanup_close)
#define _cleanup_fclose_   _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)

#define take_ptr(p)                               \
	({                                        \
		__typeof__(p) *take_from = &(p);  \
		__typeof__(p) taken = *take_from; \
		*take_from = NULL;                \
		taken;                            \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
