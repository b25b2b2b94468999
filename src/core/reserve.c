// SPDX-License-Identifier: Apache-2.0
/* See reserve.h. */
#include "core/reserve.h"

bool reserve_release(struct reserve *r)
{
	if (!r->is_held)
		return false;
	r->is_held = false;
	return r->set(r->context, false) >= 0;
}

void reserve_hold(struct reserve *r, struct now now)
{
	if (r->is_held || now.mono_us < r->next_try_us)
		return;
	r->next_try_us = now.mono_us + USEC_PER_SEC;
	r->is_held = r->set(r->context, true) >= 0;
}
