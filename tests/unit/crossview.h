/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as text: "process_hidden pid=7 missing=proc_list,proc_name seen=kill", a line each. */
#ifndef TESTS_UNIT_CROSSVIEW_H
#define TESTS_UNIT_CROSSVIEW_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crossview.h"

#include "expect.h"

static inline void expect_findings(const char *name, struct findings *f, const char *want)
{
	_cleanup_buffer_ struct buffer text = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		const struct finding *one = &f->items[i];

		buffer_appendf(&text, "%s", one->type);
		for (size_t j = 0; j < one->n; j++) {
			const struct finding_datum *d = &one->data[j];

			buffer_appendf(&text, " %s=", d->key);
			if (d->is_number)
				buffer_append_i64(&text, d->number);
			else
				buffer_append(&text, d->text, d->len);
		}
		buffer_append_char(&text, '\n');
	}
	expect_span(name, "what was found", buffer_span(&text), span_from(want));
	f->n = f->n_lost = 0;
}

/* A file below @folder, with the folders above it. */
static inline void write_below(const char *folder, const char *path, const char *text)
{
	char name[512];
	FILE *file;

	(void)snprintf(name, sizeof(name), "%s/%s", folder, path);
	for (char *slash = name + strlen(folder) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		(void)mkdir(name, 0755); /* may be there */
		*slash = '/';
	}
	file = fopen(name, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline void remove_below(const char *folder, const char *path)
{
	char command[600];

	assert_true(snprintf(command, sizeof(command), "rm -rf '%s/%s'", folder, path) <
		    (int)sizeof(command));
	assert_int_equal(system(command), 0);
}

#endif
