/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /proc/lksm, through which the records get out; lksm/wire.h says how it behaves.
 */
#ifndef PHOTON_RING_PROCFS_H
#define PHOTON_RING_PROCFS_H

/* After record_init(). */
int procfs_init(void);

/**
 * procfs_deinit() - take the file away from everyone who has it open
 *
 * Pollers are told first, and get a moment to read what is left. When it returns, no
 * code or data of this module is in use through the file. May take 250 ms; may sleep.
 */
void procfs_deinit(void);

/* There is a new record. May be called where one may wake others. */
void procfs_wake(void);

#endif
