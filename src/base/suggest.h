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

#endif
