/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All memory with code that somebody is known to have, as ranges in ascending order: what
 * is left of the executable pages is hidden. For guard_hidden_code.c, one look at a time.
 */
#ifndef PHOTON_RING_CODE_OWNERS_H
#define PHOTON_RING_CODE_OWNERS_H

#include <linux/module.h>
#include <linux/types.h>

/* Says which symbols it needs, before symbols_resolve(). */
void code_owners_want(void);

int code_owners_start(void);
void code_owners_stop(void);

/**
 * code_owners_collect() - ask everybody what they have
 * @is_start: the sensor has just come: modules have what they say that they have
 *
 * May sleep. Return: 0; -ENOSPC if it is too much
 */
int code_owners_collect(bool is_start);

/**
 * code_owners_find() - find the first piece of a range that nobody has
 * @start: moves to where that is
 * @end: of the range; of several ranges between two collects the addresses go up
 * @ret_end: end of the piece
 *
 * Return: whether there is one
 */
bool code_owners_find(unsigned long *start, unsigned long end, unsigned long *ret_end);

/**
 * code_owners_know() - is a page lawful by what it is?
 * @start: of the piece that it is in
 * @end: of the piece
 *
 * May sleep.
 */
bool code_owners_know(unsigned long page, unsigned long start, unsigned long end);

/**
 * code_owners_name() - find the struct module that says that it has this code
 * @to: its name, hostile bytes; "" if there is none
 *
 * May sleep, and takes a while.
 */
void code_owners_name(char to[MODULE_NAME_LEN], unsigned long start, unsigned long end);

#endif
