// SPDX-License-Identifier: Apache-2.0
/* See schema.h. What a kind looks like in JSON stands once, in KIND_<kind>. */
#include "core/schema.h"

#include "core/event.h"

#define KIND_SEQ      "\"type\": \"integer\",\n      \"minimum\": 0"
#define KIND_SECONDS  "\"type\": \"number\",\n      \"minimum\": 0"
#define KIND_TEXT     "\"type\": \"string\""
#define KIND_DATA     "\"type\": \"object\""
#define KIND_SEVERITY NULL /* its words are listed by append_severities() */
#define KIND_TIME     "\"type\": \"string\",\n      \"format\": \"date-time\""
#define KIND_LIST     "\"type\": \"array\",\n      \"items\": {\"type\": \"string\"}"

#define VIEW_TABLE  "table"
#define VIEW_DETAIL "detail"

struct field {
	const char *name;
	const char *title;
	const char *kind;
	bool is_required;
	const char *view;
	const char *description;
};

static const struct field fields[] = {
#define X(name, title, kind, presence, view, description) \
	{ #name, title, KIND_##kind, EVENT_IS_##presence, VIEW_##view, description },
	LKSM_EVENT_FIELDS(X)
#undef X
};

static void append_severities(struct buffer *out)
{
	buffer_append_literal(out, "\"type\": \"string\",\n      \"enum\": [");
	for (int i = 0; i < EVENT_SEVERITY_COUNT; i++) {
		if (i)
			buffer_append_literal(out, ", ");
		json_append_string(out, severity_span((enum lksm_severity)i));
	}
	buffer_append_char(out, ']');
}

static void append_property(struct buffer *out, const struct field *field)
{
	buffer_append_literal(out, "    ");
	json_append_string(out, span_from(field->name));
	buffer_append_literal(out, ": {\n      \"title\": ");
	json_append_string(out, span_from(field->title));
	buffer_append_literal(out, ",\n      \"description\": ");
	json_append_string(out, span_from(field->description));
	buffer_append_literal(out, ",\n      ");
	if (field->kind)
		buffer_append_span(out, span_from(field->kind));
	else
		append_severities(out);
	buffer_append_literal(out, ",\n      \"x-lksm-view\": ");
	json_append_string(out, span_from(field->view));
	buffer_append_literal(out, "\n    }");
}

static void append_required(struct buffer *out)
{
	bool is_first = true;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!fields[i].is_required)
			continue;
		if (!is_first)
			buffer_append_literal(out, ", ");
		json_append_string(out, span_from(fields[i].name));
		is_first = false;
	}
}

void schema_append_event(struct buffer *out)
{
	buffer_append_literal(
		out,
		"{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
		"  \"title\": \"LKSM event\",\n"
		"  \"description\": \"One line of lksm_events_YYYY-MM-DD.jsonl\",\n"
		"  \"type\": \"object\",\n  \"properties\": {\n");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (i)
			buffer_append_literal(out, ",\n");
		append_property(out, &fields[i]);
	}
	buffer_append_literal(out, "\n  },\n  \"required\": [");
	append_required(out);
	buffer_append_literal(out, "]\n}\n");
}

static void append_type(struct buffer *out, const char *name, const char *attack,
			const char *sentence)
{
	const char *join = "";

	buffer_append_span(out, out->len > 1 ? SPAN(",\n") : SPAN("\n"));
	json_append_string(out, span_from(name));
	buffer_append_literal(out, ": {\"attack\": [");
	while (*attack) {
		size_t n = strcspn(attack, " ");

		buffer_appendf(out, "%s\"%.*s\"", join, (int)n, attack);
		attack += n + (attack[n] == ' ');
		join = ", ";
	}
	buffer_append_literal(out, "], \"sentence\": ");
	json_append_string(out, span_from(sentence));
	buffer_append_char(out, '}');
}

void schema_append_types(struct buffer *out)
{
	buffer_append_char(out, '{');
	for (const struct event_type *t = event_types(); t->name; t++)
		append_type(out, t->name, t->attack, t->sentence);
	for (const struct sensor_type *t = sensor_types(); t->name; t++)
		if (!event_type_find(
			    span_from(t->name))) /* both look for what is hidden */
			append_type(out, t->name, t->attack, t->sentence);
	buffer_append_literal(out, "\n}\n");
}
