// SPDX-License-Identifier: Apache-2.0
/* See near.h. */
#include "cli/near.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/event.h"

static size_t count_types(void)
{
	size_t n = 0;

	for (const struct event_type *t = event_types(); t->name; t++)
		n++;
	for (const struct sensor_type *t = sensor_types(); t->name; t++)
		n++;
	return n;
}

const char *near_type(const char *type, char ret[static SUGGEST_SIZE])
{
	const char **names;
	size_t n = 0;

	ret[0] = '\0';
	if (strpbrk(type, "*?[") || event_type_find(span_from(type)) ||
	    sensor_type_find(span_from(type)))
		return ret;
	names = calloc(count_types() + 1, sizeof(*names));
	if (!names)
		return ret;
	for (const struct event_type *t = event_types(); t->name; t++)
		names[n++] = t->name;
	for (const struct sensor_type *t = sensor_types(); t->name; t++)
		names[n++] = t->name;
	(void)suggest_text(type, names, ret);
	free((void *)names);
	return ret;
}

static void explain_type(const char *type)
{
	char near[SUGGEST_SIZE];

	if (*near_type(type, near))
		log_notice("nothing of type '%s' was found%s", type, near);
}

static void explain_datum(const char *datum)
{
	static const char *const names[] = { "type", "severity", "source", "host",
					     "rule", "since",	 "until",  "text" };
	const char *equals = strchr(datum, '=');
	size_t len = (size_t)(equals - datum);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !strncmp(names[i], datum, len))
			log_notice("nothing was found whose data has %s; did you mean "
				   "--%s %s?",
				   datum, names[i], equals + 1);
}

void near_explain(const struct filter *f)
{
	for (size_t i = 0; i < f->fields[FILTER_TYPE].n; i++)
		explain_type(f->fields[FILTER_TYPE].items[i]);
	for (size_t i = 0; i < f->data.n; i++)
		explain_datum(f->data.items[i]);
}
