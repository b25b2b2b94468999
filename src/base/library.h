/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared libraries that only some processes need, and whose mapping costs each start more
 * than the rest of it: they are mapped when they are needed, before a sandbox forbids it. The
 * functions that are used of one stand in a table, in a header of its own; the compiler knows
 * their types from the library's. So sqlite3_step(s) is written
 *
 *	sqlite.step(s)
 */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include "base/buffer.h"

/** LIBRARY_PAGE - what a table takes: when it is filled, it can be written no more */
#define LIBRARY_PAGE ((size_t)4096)

/** LIBRARY_SONAMES_MAX - under how many names one library is looked for */
#define LIBRARY_SONAMES_MAX 2

struct library {
	const char
		*sonames[LIBRARY_SONAMES_MAX]; /* the first one that is there; or NULL */
	const char *package;		       /* of Debian, with the first one */
	const char *const *names; /* of functions, 1..LIBRARY_PAGE / sizeof(void *) */
	size_t n;
	void *table; /* LIBRARY_PAGE, zero until it has a pointer to each, in that order */
};

/**
 * library_load() - map it and fill its table, unless that was done
 * @error: gets a sentence: what is missing, and the remedy; NULL: that is logged
 *
 * It stays mapped. To be called while there is one thread, and before sandbox_enter(); but for
 * the loader of a certificate, which is sandboxed before it knows that it will need one.
 * Return: 0; -ENOENT if there is no such library; -ENOSYS if it lacks a function.
 */
int library_load(const struct library *library, struct buffer *error);

/*
 * For a header, with a list of functions as  #define LIST(X) X(sqlite3_, step) ...
 *	struct sqlite_calls {
 *		LIST(LIBRARY_MEMBER)
 *	} LIBRARY_TABLE;
 */
#define LIBRARY_MEMBER(prefix, name) __typeof__(prefix##name) *name;
#define LIBRARY_NAME(prefix, name)   #prefix #name,
#define LIBRARY_TABLE		     __attribute__((aligned(LIBRARY_PAGE)))

/**
 * LIBRARY_DEFINE() - the table NAME and the function NAME_load(), which a header declares
 * @list: of functions
 * @debian: the package
 * then the sonames
 */
#define LIBRARY_DEFINE(name, list, debian, ...)                                   \
	struct name##_calls name;                                                 \
	_Static_assert(sizeof(name) == LIBRARY_PAGE, "a table takes a page");     \
	int name##_load(struct buffer *error)                                     \
	{                                                                         \
		static const char *const names[] = { list(LIBRARY_NAME) };        \
		static const struct library library = {                           \
			{ __VA_ARGS__ }, debian, names, ARRAY_SIZE(names), &name, \
		};                                                                \
		return library_load(&library, error);                             \
	}

#endif
