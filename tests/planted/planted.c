// SPDX-License-Identifier: Apache-2.0
/* See base/planted.h: "PLANTED open_read" runs that attack and tells what came of it. */
#include "base/planted.h"

#include <string.h>

#include "attacks.h"
#include "base/log.h"

#define WORD "PLANTED/"

void planted_run(struct span text)
{
	const char *at = text.len ? memmem(text.data, text.len, WORD, strlen(WORD))
				  : NULL;
	struct span name;

	if (!at)
		return;
	name = span_skip(text, (size_t)(at - text.data) + strlen(WORD));
	for (const struct attack *a = attacks; a->name; a++) {
		int r;

		if (!span_equal(name, span_from(a->name)))
			continue;
		r = a->run();
		if (r < 0)
			(void)log_warning_errno(r, "planted: %s was refused", a->name);
		else
			log_error("planted: %s WORKED", a->name);
	}
}
