// SPDX-License-Identifier: Apache-2.0
/* See openapi.h. Parameters stand in query_parameters(), the event in core/schema.h. */
#include "output/dashboard/openapi.h"

#include "core/schema.h"
#include "output/history/query.h"

#define JSON_OF(schema) "\"application/json\": {\"schema\": " schema "}"
#define EVENT_REF	"{\"$ref\": \"#/components/schemas/event\"}"
#define COUNT		"{\"type\": \"integer\", \"minimum\": 0}"
#define COUNTS		"{\"type\": \"object\", \"additionalProperties\": " COUNT "}"
#define VALUES                                                                         \
	"{\"type\": \"array\", \"items\": {\"type\": \"object\", \"required\": "       \
	"[\"value\", \"count\"], \"properties\": {\"value\": {\"type\": \"string\"}, " \
	"\"count\": " COUNT "}}}"
#define WORDS "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}"
#define TEXT  "{\"type\": \"string\"}"
#define TIME  "{\"type\": \"string\", \"format\": \"date-time\"}"

static const struct {
	const char *path;
	enum query_operation operation; /* 0: not of the history */
	const char *summary;
	const char *content;
	const char *parameters; /* where operation is 0; NULL: none */
} operations[] = {
	{ "/api/v1/events", QUERY_EVENTS, "A page of events, the newest first",
	  JSON_OF("{\"type\": \"object\", \"required\": [\"events\"], \"properties\": "
		  "{\"events\": {\"type\": \"array\", \"items\": " EVENT_REF
		  "}, \"next_cursor\": {\"type\": \"string\"}}}") },
	{ "/api/v1/events/{seq}", QUERY_EVENT, "One event, as it was logged",
	  JSON_OF(EVENT_REF) },
	{ "/api/v1/histogram", QUERY_HISTOGRAM,
	  "How many events of each severity in each span of time; empty ones are left "
	  "out",
	  JSON_OF("{\"type\": \"object\", \"required\": [\"since\", \"until\", "
		  "\"bucket\", \"buckets\"], \"properties\": {\"since\": " TIME
		  ", \"until\": " TIME ", \"bucket\": " COUNT
		  ", \"buckets\": {\"type\": \"array\", \"items\": {\"type\": "
		  "\"object\", "
		  "\"required\": [\"time\"], \"properties\": {\"time\": " TIME
		  "}, \"additionalProperties\": " COUNT "}}}}") },
	{ "/api/v1/facets", QUERY_FACETS,
	  "The most frequent values of each field, with their counts",
	  JSON_OF("{\"type\": \"object\", \"properties\": {\"since\": " TIME
		  ", \"until\": " TIME ", \"severity\": " COUNTS ", \"type\": " VALUES
		  ", \"source\": " VALUES ", \"host\": " VALUES ", \"rule\": " VALUES
		  "}}") },
	{ "/api/v1/stats", QUERY_STATS, "What the history holds",
	  JSON_OF("{\"type\": \"object\", \"required\": [\"events\", \"severity\", "
		  "\"next_seq\", \"bytes\", \"complete\"], \"properties\": "
		  "{\"events\": " COUNT ", \"severity\": " COUNTS
		  ", \"first_seq\": " COUNT ", \"last_seq\": " COUNT ", \"since\": " TIME
		  ", \"next_seq\": " COUNT ", \"bytes\": " COUNT
		  ", \"complete\": {\"type\": \"boolean\"}}}") },
	{ "/api/v1/export", QUERY_EXPORT, "Events as a file",
	  "\"application/x-ndjson\": {\"schema\": {\"type\": \"string\"}}, \"text/csv\": "
	  "{\"schema\": {\"type\": \"string\"}}" },
	{ "/api/v1/status", 0, "Is the sensor armed, what is lost, how far is it sealed",
	  JSON_OF("{\"type\": \"object\", \"required\": [\"version\", \"sensor\", "
		  "\"lost\"], \"properties\": {\"version\": " TEXT
		  ", \"sensor\": {\"enum\": [\"armed\", \"disarmed\", \"gone\"]}, "
		  "\"lost\": " COUNTS ", \"newest_seq\": {\"type\": [\"integer\", "
		  "\"null\"]}}}") },
	{ "/api/v1/types", 0, "What the types of events mean",
	  JSON_OF("{\"type\": [\"array\", \"object\"]}") },
	{ "/api/v1/mutes", 0,
	  "What is muted now, and the types that nobody can mute; a word of type, rule, "
	  "source or behind the = of data may be a pattern",
	  JSON_OF("{\"type\": \"object\", \"required\": [\"mutes\", \"protected\"], "
		  "\"properties\": {\"mutes\": {\"type\": \"array\", \"items\": "
		  "{\"type\": \"object\", \"required\": [\"id\"], \"properties\": "
		  "{\"id\": " COUNT ", \"type\": " WORDS ", \"rule\": " WORDS
		  ", \"source\": " WORDS ", \"data\": " WORDS ", \"until\": " TIME
		  ", \"reason\": " TEXT ", \"by\": " TEXT "}}}, \"protected\": " WORDS
		  "}}") },
	{ "/api/v1/rules", 0, "The rules that are in force, in the order of their files",
	  JSON_OF("{\"type\": \"object\", \"required\": [\"rules\"], \"properties\": "
		  "{\"rules\": {\"type\": \"array\", \"items\": {\"type\": \"object\", "
		  "\"required\": [\"id\", \"type\", \"severity\", \"for\", "
		  "\"condition\", \"tags\", \"attack\", \"file\", \"line\", "
		  "\"examples\", \"drop\"], \"properties\": {\"id\": " TEXT
		  ", \"type\": " TEXT ", \"severity\": " TEXT ", \"for\": " TEXT
		  ", \"condition\": " TEXT ", \"tags\": " WORDS ", \"attack\": " WORDS
		  ", \"file\": " TEXT ", \"line\": " COUNT ", \"examples\": " WORDS
		  ", \"drop\": {\"type\": \"boolean\"}, \"matches\": " COUNT "}}}}}") },
	{ "/api/v1/rules/test", 0, "Which rule names a line, and the event that it gives",
	  JSON_OF("{\"type\": \"object\", \"required\": [\"line\", \"matched\", "
		  "\"rule\", \"event\"], \"properties\": {\"line\": " TEXT
		  ", \"matched\": {\"type\": \"boolean\"}, \"rule\": {\"type\": "
		  "[\"string\", \"null\"]}, \"file\": " TEXT ", \"line_number\": " COUNT
		  ", \"because\": " TEXT
		  ", \"event\": {\"type\": [\"object\", \"null\"]}}}"),
	  "{\"name\": \"line\", \"in\": \"query\", \"required\": true, \"schema\": "
	  "{\"type\": \"string\", \"minLength\": 1}, \"example\": \"Module loaded: "
	  "nf_tables by uid 0\", \"description\": \"A text with or without the sensor's "
	  "tag, a line of dmesg or a record of /dev/kmsg\"}" },
};

static void append_parameter(struct buffer *out, const char *name, const char *in,
			     const char *schema, const char *description)
{
	buffer_appendf(
		out,
		"{\"name\": \"%s\", \"in\": \"%s\", \"required\": %s, \"schema\": %s, "
		"\"description\": \"%s\"}",
		name, in, *in == 'p' ? "true" : "false", schema, description);
}

static void append_parameters(struct buffer *out, enum query_operation operation)
{
	const char *join = "";

	for (const struct query_parameter *p = query_parameters(); p->name; p++) {
		if (!(p->operations & (unsigned int)operation))
			continue;
		buffer_appendf(out, "%s\n        ", join);
		append_parameter(out, p->name, "query", p->schema, p->description);
		join = ",";
	}
	if (operation == QUERY_EVENT)
		append_parameter(out, "seq", "path", COUNT, "Number of the event");
}

static void append_operation(struct buffer *out, size_t i)
{
	buffer_appendf(out, "%s\n    \"%s\": {\"get\": {\n      \"summary\": \"%s\",\n",
		       i ? "," : "", operations[i].path, operations[i].summary);
	buffer_append_literal(out, "      \"parameters\": [");
	if (operations[i].operation)
		append_parameters(out, operations[i].operation);
	else if (operations[i].parameters)
		buffer_appendf(out, "%s", operations[i].parameters);
	buffer_appendf(
		out,
		"],\n      \"responses\": {\n        \"200\": {\"description\": "
		"\"What was asked for\", \"content\": {%s}},\n        \"default\": "
		"{\"$ref\": \"#/components/responses/problem\"}\n      }\n    }}",
		operations[i].content);
}

void openapi_append(struct buffer *out)
{
	buffer_append_literal(out,
			      "{\n  \"openapi\": \"3.1.0\",\n  \"info\": {\"title\": "
			      "\"LKSM\", \"version\": \"" LKSM_VERSION "\"},\n"
			      "  \"security\": [{\"bearer\": []}, {\"cookie\": []}],\n"
			      "  \"paths\": {");
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		append_operation(out, i);
	buffer_append_literal(
		out,
		"\n  },\n  \"components\": {\n    \"securitySchemes\": {\n"
		"      \"bearer\": {\"type\": \"http\", \"scheme\": \"bearer\"},\n"
		"      \"cookie\": {\"type\": \"apiKey\", \"in\": \"cookie\", \"name\": "
		"\"lksm_session\"}\n    },\n    \"responses\": {\"problem\": "
		"{\"description\": \"What is wrong (RFC 9457)\", \"content\": "
		"{\"application/problem+json\": {\"schema\": {\"type\": \"object\", "
		"\"required\": [\"title\", \"status\", \"detail\"], \"properties\": "
		"{\"type\": {\"type\": \"string\"}, \"title\": {\"type\": \"string\"}, "
		"\"status\": {\"type\": \"integer\"}, \"detail\": {\"type\": "
		"\"string\"}}}}}}},\n    \"schemas\": {\"event\": ");
	schema_append_event(out);
	buffer_append_literal(out, "}\n  }\n}\n");
}
