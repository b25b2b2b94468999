/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From symbol to address and back. Addresses stay in here and in comparisons: what is
 * printed is always a name and an offset.
 */
#ifndef PHOTON_RING_SYMBOLS_H
#define PHOTON_RING_SYMBOLS_H

#include <linux/module.h>
#include <linux/types.h>

/* Room for "module:symbol+0xoffset" */
#define SYMBOLS_NAME_SIZE 640

/**
 * struct symbol_range - where a function's code lies
 * @start: first byte
 * @end: first byte after; equal to @start if nothing is known
 */
struct symbol_range {
	unsigned long start;
	unsigned long end;
};

/**
 * symbols_find() - find a function of the kernel, exported or not
 * @name: symbol
 * @ret: set on success
 *
 * Call it before the hook on register_kprobe is armed: it registers (and fails to).
 * Return: 0; -ENOENT if there is no such function; another negative errno if the kernel
 * lets nobody ask
 */
int symbols_find(const char *name, struct symbol_range *ret);

/**
 * struct symbol_wanted - a symbol of the kernel that somebody needs the address of
 * @name: as in kallsyms
 * @address: 0 until it is found
 * @size: up to the next symbol, in bytes; 0 if it is not known
 * @next: symbols_want()'s
 */
struct symbol_wanted {
	const char *name;
	unsigned long address;
	unsigned long size;
	struct symbol_wanted *next;
};

/**
 * symbols_want() - add to what the next symbols_resolve() looks for
 * @wanted: @n of them; the caller's, until symbols_resolve() has returned
 */
void symbols_want(struct symbol_wanted *wanted, size_t n);

/**
 * symbols_resolve() - find the addresses of all that is wanted
 *
 * Of several symbols with one name it takes the one at the lowest address. May sleep, and
 * takes some tenths of a second. Before the hook on register_kprobe is armed, as with
 * symbols_find().
 */
void symbols_resolve(void);

/**
 * symbols_range() - find the function of the kernel image that an address lies in
 * @ret: set on success
 *
 * May be called where printk may. Return: 0 or -ENOENT
 */
int symbols_range(unsigned long address, struct symbol_range *ret);

bool symbols_contains(const struct symbol_range *range, unsigned long address);

/**
 * symbols_module() - name the module that an address lies in
 * @to: "" if there is none; hostile bytes
 *
 * Callable from a kprobe handler. Return: whether there is one
 */
bool symbols_module(char to[MODULE_NAME_LEN], unsigned long address);

/* Is there a symbol for that address? May be called where printk may. */
bool symbols_has(unsigned long address);

/**
 * symbols_describe() - name an address
 * @to: SYMBOLS_NAME_SIZE bytes: "symbol", "symbol+0x10", "module:symbol+0x10" or
 * "unknown"
 *
 * May be called where printk may. Names of modules' symbols are hostile bytes.
 */
void symbols_describe(char to[SYMBOLS_NAME_SIZE], unsigned long address);

#endif
