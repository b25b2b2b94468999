// SPDX-License-Identifier: Apache-2.0
/* lksm schema: the formats, made from the tables that the program itself uses. */
#include "core/schema.h"

#include <stdio.h>

#include "cli/verb.h"
#include "core/event.h"

static int print(struct buffer *text)
{
	bool is_done = !buffer_error(text) &&
		       fwrite(text->data, 1, text->len, stdout) == text->len;

	return is_done && fflush(stdout) == 0 ? EXIT_DONE : EXIT_TROUBLE;
}

static void append_types(struct buffer *text)
{
	for (const struct event_type *t = event_types(); t->name; t++)
		buffer_appendf(text, "%-18s %-9s %-11s %s\n", t->name,
			       severity_name(t->severity), t->attack, t->sentence);
	for (const struct sensor_type *t = sensor_types(); t->name; t++)
		buffer_appendf(text, "%-18s %-9s %-11s %s\n", t->name, "", t->attack,
			       t->sentence);
}

static int schema_run(int argc, char **argv)
{
	static const char *const words[] = { "event", "types", NULL };
	_cleanup_buffer_ struct buffer text = { 0 };
	const char *value;

	(void)verb_next_option(&verb_schema, argc, argv, &value);
	if (argc == 2 && !strcmp(argv[1], "event"))
		schema_append_event(&text);
	else if (argc == 2 && !strcmp(argv[1], "types"))
		append_types(&text);
	else
		return verb_refuse(&verb_schema, argc - 1, argv + 1, words);
	return print(&text);
}

const struct verb verb_schema = {
	.name = "schema",
	.arguments = "event|types",
	.summary = "Print the event's JSON Schema, or the types of LKSM and its sensor",
	.run = schema_run,
};
