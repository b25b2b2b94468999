/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean …?": the nearest of some names, for messages about a misspelled one. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

/**
 * suggest() - the name nearest to @wrong by edit distance
 * @names: NULL-terminated
 *
 * Return: one of @names, or NULL if none is near (a third of the longer one's letters).
 */
const char *suggest(const char *wrong, const char *const *names);

/** SUGGEST_SIZE - what suggest_text() needs for names of up to 64 letters */
#define SUGGEST_SIZE 96

/** suggest_text() - " (did you mean 'NAME'?)", or "" if none is near; gives @ret back */
const char *suggest_text(const char *wrong, const char *const *names,
			 char ret[static SUGGEST_SIZE]);

#endif
