/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is said of code of the kernel's that is not as it was.
 */
#ifndef PHOTON_RING_TEXT_REPORT_H
#define PHOTON_RING_TEXT_REPORT_H

#include "code.h"
#include "guard.h"

/**
 * text_report() - text_patched, or text_restored
 * @change: its values are code_change_value(), or 0 for code that is as it was
 * @function: name of the function; hostile bytes
 * @what: is there now; not read if nothing is
 *
 * May sleep.
 */
void text_report(const struct guard_change *change, const char *function,
		 const struct code_change *what);

#endif
