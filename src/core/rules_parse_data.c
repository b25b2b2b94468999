// SPDX-License-Identifier: Apache-2.0
/* A rule's data, and its examples. */
#include "core/rules_reader.h"

enum example_key {
	EXAMPLE_LINE,
	EXAMPLE_NO_MATCH,
	EXAMPLE_TYPE,
	EXAMPLE_SEVERITY,
	EXAMPLE_DATA,
	EXAMPLE_COUNT,
};

static const char *const example_names[] = { "line",	 "no_match", "type",
					     "severity", "data",     NULL };

static const struct span tag_of_sensor = { "[PHOTON RING]", 13 };

/* 12, true or false without quotes; anything else is text. */
static bool read_fixed(struct reader *rd, struct fy_node *node, struct span text,
		       struct datum *ret)
{
	if (!yaml_is_plain(node))
		return false;
	if (integer_parse(text, &ret->integer) == 0)
		ret->kind = DATUM_INT;
	else if (span_equal(text, SPAN("true")) || span_equal(text, SPAN("false")))
		ret->kind = DATUM_JSON;
	else
		return false;
	ret->text = reader_copy(rd, text);
	return true;
}

/* The name between braces at the front of @s, absent if there is none. */
static struct span placeholder_at(struct span s)
{
	const char *close = memchr(s.data, '}', s.len);

	if (!close)
		return (struct span){ NULL, 0 };
	return (struct span){ s.data + 1, (size_t)(close - s.data) - 1 };
}

static size_t parse_part(struct reader *rd, struct yaml_at at, struct span s,
			 struct rule_part *ret)
{
	const struct rule_capture *capture;
	struct span name;
	size_t n = 0;

	if (s.len > 1 && (s.data[0] == '{' || s.data[0] == '}') &&
	    s.data[1] == s.data[0]) {
		*ret = (struct rule_part){ .kind = PART_LITERAL,
					   .literal = { s.data, 1 } };
		return 2;
	}
	if (s.data[0] != '{') {
		while (n < s.len && s.data[n] != '{' && (n == 0 || s.data[n] != '}'))
			n++;
		*ret = (struct rule_part){ .kind = PART_LITERAL,
					   .literal = { s.data, n } };
		return n;
	}
	name = placeholder_at(s);
	if (!name.data) {
		yaml_error_at(rd->yaml, at,
			      "'{' without '}' (a brace itself is written '{{')");
		return s.len;
	}
	capture = reader_capture(rd->rule, name);
	if (!capture && !span_equal(name, SPAN("text")))
		reader_complain_capture(rd, at, name);
	*ret = (struct rule_part){
		.kind = capture ? PART_CAPTURE : PART_LINE,
		.capture = capture ? (size_t)(capture - rd->rule->captures) : 0
	};
	return name.len + 2;
}

static void parse_value(struct reader *rd, const struct yaml_pair *pair, struct span text,
			struct rule_value *ret)
{
	struct rule_part parts[RULE_VALUE_PARTS_MAX], *kept;
	struct span left = reader_copy(rd, text);
	size_t n = 0;

	while (left.len && n < RULE_VALUE_PARTS_MAX) {
		struct yaml_at at = reader_inside(pair, text.len - left.len);

		left = span_skip(left, parse_part(rd, at, left, &parts[n++]));
	}
	if (left.len)
		yaml_error_at(rd->yaml, pair->at,
			      "data: more than %d pieces in one value",
			      RULE_VALUE_PARTS_MAX);
	kept = reader_alloc(rd, n, sizeof(*kept));
	if (!kept)
		return;
	memcpy(kept, parts, n * sizeof(*kept));
	ret->parts = kept;
	ret->n_parts = n;
}

/* A key of data; false after a complaint. */
static bool read_data_key(struct reader *rd, const struct yaml_pair *pair,
			  struct span *ret)
{
	struct yaml_pair key = { .value = pair->key,
				 .at = yaml_where(pair->key, pair->at) };
	struct span text;

	if (!yaml_pair_text(rd->yaml, &key, "a key of data", &text))
		return false;
	if (!reader_is_name(text)) {
		yaml_error_at(rd->yaml, key.at,
			      "a key of data must be snake_case, 1 to 63 bytes");
		return false;
	}
	*ret = reader_copy(rd, text);
	return true;
}

/* Without data: every capture under its own name. */
static void default_data(struct reader *rd)
{
	size_t n = rd->rule->n_captures;
	struct rule_value *values = reader_alloc(rd, n, sizeof(*values));
	struct rule_part *parts = reader_alloc(rd, n, sizeof(*parts));

	if (!values || !parts)
		return;
	for (size_t i = 0; i < n; i++) {
		parts[i] = (struct rule_part){ .kind = PART_CAPTURE, .capture = i };
		values[i].fixed.key = rd->rule->captures[i].name;
		values[i].parts = &parts[i];
		values[i].n_parts = 1;
	}
	rd->rule->values = values;
	rd->rule->n_values = n;
}

static void read_data(struct reader *rd)
{
	const struct yaml_pair *data = &rd->pairs[KEY_DATA];
	struct rule_value *values = reader_alloc(rd, EVENT_DATA_MAX, sizeof(*values));
	struct yaml_pair pair;
	void *iterator = NULL;
	size_t n = 0;

	if (!values || !yaml_is_mapping(rd->yaml, data->value, data->at, "data"))
		return;
	while (yaml_next(data->value, &iterator, &pair)) {
		struct span key, text;

		if (!read_data_key(rd, &pair, &key) ||
		    !yaml_pair_text(rd->yaml, &pair, "a value of data", &text))
			continue;
		for (size_t i = 0; i < n; i++)
			if (span_equal(values[i].fixed.key, key))
				yaml_error_at(rd->yaml, pair.at, "'%s' comes twice",
					      key.data);
		if (n == EVENT_DATA_MAX) {
			yaml_error_at(rd->yaml, pair.at, "data: more than %d keys",
				      EVENT_DATA_MAX);
			return;
		}
		values[n].fixed.key = key;
		values[n].is_fixed = read_fixed(rd, pair.value, text, &values[n].fixed);
		if (!values[n].is_fixed)
			parse_value(rd, &pair, text, &values[n]);
		n++;
	}
	rd->rule->values = values;
	rd->rule->n_values = n;
}

void reader_data(struct reader *rd)
{
	if (reader_has(rd, KEY_DATA))
		read_data(rd);
	else
		default_data(rd);
}

/* The data that an example expects: fixed values only. */
static void read_example_data(struct reader *rd, const struct yaml_pair *data,
			      struct rule_example *ret)
{
	struct datum *items = reader_alloc(rd, EVENT_DATA_MAX, sizeof(*items));
	struct yaml_pair pair;
	void *iterator = NULL;
	size_t n = 0;

	if (!items || !yaml_is_mapping(rd->yaml, data->value, data->at, "data"))
		return;
	while (n < EVENT_DATA_MAX && yaml_next(data->value, &iterator, &pair)) {
		struct datum *item = &items[n];
		struct span text;

		if (!read_data_key(rd, &pair, &item->key) ||
		    !yaml_pair_text(rd->yaml, &pair, "a value of data", &text))
			continue;
		if (!read_fixed(rd, pair.value, text, item))
			*item = (struct datum){ .key = item->key,
						.text = reader_copy(rd, text) };
		n++;
	}
	ret->has_data = true;
	ret->data = items;
	ret->n_data = n;
}

/* People paste whole lines; the rules see what stands behind the tag. */
static struct span without_tag(struct reader *rd, const struct yaml_pair *pair,
			       struct span line)
{
	if (!span_starts_with(line, tag_of_sensor))
		return line;
	if (rd->rule->scope == RULES_KERNEL_LOG)
		yaml_error_at(rd->yaml, pair->at,
			      "a line with the sensor's tag never comes to a rule for "
			      "kernel_log");
	line = span_skip(line, tag_of_sensor.len);
	while (line.len && line.data[0] == ' ')
		line = span_skip(line, 1);
	return line;
}

static void read_example(struct reader *rd, struct fy_node *node,
			 struct rule_example *ret)
{
	struct yaml_pair pairs[EXAMPLE_COUNT];
	struct yaml_at at = yaml_where(node, rd->pairs[KEY_EXAMPLES].at);
	struct span text;

	*ret = (struct rule_example){ .at = at, .severity = -1 };
	if (!yaml_collect(rd->yaml, node, at, "an example", example_names, EXAMPLE_COUNT,
			  pairs))
		return;
	if (!pairs[EXAMPLE_LINE].key)
		yaml_error_at(rd->yaml, at, "an example needs a line");
	else if (yaml_pair_text(rd->yaml, &pairs[EXAMPLE_LINE], "line", &text)) {
		ret->line = reader_copy(rd, without_tag(rd, &pairs[EXAMPLE_LINE], text));
		ret->at = pairs[EXAMPLE_LINE].at;
	}
	if (pairs[EXAMPLE_NO_MATCH].key)
		(void)yaml_bool(rd->yaml, &pairs[EXAMPLE_NO_MATCH], "no_match",
				&ret->is_no_match);
	if (pairs[EXAMPLE_TYPE].key)
		ret->type = reader_name(rd, &pairs[EXAMPLE_TYPE], "type");
	if (pairs[EXAMPLE_SEVERITY].key)
		ret->severity = reader_severity(rd, &pairs[EXAMPLE_SEVERITY]);
	if (pairs[EXAMPLE_DATA].key)
		read_example_data(rd, &pairs[EXAMPLE_DATA], ret);
}

static size_t count_items(struct fy_node *sequence)
{
	void *iterator = NULL;
	size_t n = 0;

	while (yaml_next_item(sequence, &iterator))
		n++;
	return n;
}

void reader_examples(struct reader *rd)
{
	const struct yaml_pair *pair = &rd->pairs[KEY_EXAMPLES];
	struct rule_example *examples;
	struct fy_node *item;
	void *iterator = NULL;
	bool has_match = false;
	size_t n = 0;

	if (!reader_has(rd, KEY_EXAMPLES)) {
		yaml_error_at(rd->yaml, rd->rule->at,
			      "a rule needs examples: a line that it matches");
		return;
	}
	if (!yaml_is_sequence(rd->yaml, pair->value, pair->at, "examples"))
		return;
	examples = reader_alloc(rd, count_items(pair->value), sizeof(*examples));
	while (examples && (item = yaml_next_item(pair->value, &iterator))) {
		read_example(rd, item, &examples[n]);
		has_match |= !examples[n++].is_no_match;
	}
	rd->rule->examples = examples;
	rd->rule->n_examples = n;
	if (examples && !has_match)
		yaml_error_at(rd->yaml, pair->at,
			      "examples: at least one line that the rule matches");
}
