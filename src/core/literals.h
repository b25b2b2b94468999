/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of many words does a text contain? One pass over the text answers for all of them
 * (Aho-Corasick, as a table of states), so the cost is the text's length, however many
 * words there are.
 */
#ifndef CORE_LITERALS_H
#define CORE_LITERALS_H

#include <stdint.h>

#include "base/span.h"

struct literals;

/**
 * literals_create() - build the table
 * @words: the same word may come twice; an empty one is never found. Not kept
 *
 * Return: 0; -E2BIG if the table would be unreasonably large;
 * -ENOMEM.
 */
int literals_create(const struct span *words, size_t n, struct literals **ret);
void literals_destroy(struct literals *l);

/** literals_scan() - set bit i of @found, clear before, for each words[i] that @text
 * contains */
void literals_scan(const struct literals *l, struct span text, uint64_t *found);

#endif
