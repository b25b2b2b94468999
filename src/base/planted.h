/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a test plants code: nothing, but in the program that tests/meson.build makes with
 * LKSM_PLANTED, which is never installed. There, a text that names an attack of
 * tests/planted/attacks.c is the exploit that runs it.
 */
#ifndef BASE_PLANTED_H
#define BASE_PLANTED_H

#include "base/span.h"

#ifdef LKSM_PLANTED
void planted_run(struct span text);
#else
static inline void planted_run(struct span text)
{
	(void)text;
}
#endif

#endif
