/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is said of an object that has another table of functions than it had.
 */
#ifndef PHOTON_RING_TABLE_REPORT_H
#define PHOTON_RING_TABLE_REPORT_H

#include "guard.h"
#include "members.h"

/* Bytes of what= that are kept, with the NUL */
#define TABLE_WHAT_SIZE 128

/**
 * table_is_lawful() - may an object have what lies at that address?
 * @home: an address in what the object belongs to: of a foreign module's objects the tables
 * may be that module's; or 0
 *
 * May sleep.
 */
bool table_is_lawful(unsigned long address, unsigned long home);

/**
 * table_report_hooked() - pointer_hooked
 * @change: its values are tables
 * @what: "/proc.i_fop"; hostile bytes
 * @type: TABLE_OTHER if it is none whose members are known
 *
 * A table that is nobody's tells whose it is by the functions in it that are not the
 * kernel's. May sleep.
 */
void table_report_hooked(const struct guard_change *change, const char *what,
			 enum table_type type);

/* pointer_restored. May sleep. */
void table_report_restored(const struct guard_change *change, const char *what);

#endif
