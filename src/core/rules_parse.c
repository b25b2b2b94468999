// SPDX-License-Identifier: Apache-2.0
/*
 * From one rule in YAML to struct rule. The rule's keys are sorted out first (yaml.h),
 * then read in the order in which one depends on another: data needs to know the
 * captures. Whatever is wrong is told, and reading goes on, so that one look at the list
 * is enough.
 */
#include <errno.h>

#include "base/text.h"
#include "core/rules_reader.h"

#define NAME_LENGTH_MAX 63
#define LIST_MAX	64

static const char *const key_names[] = {
	"id",	"for",	    "match", "prefix", "contains", "regex", "int",	"any",
	"type", "severity", "data",  "tags",   "attack",   "drop",  "examples", NULL,
};

static const char *const severity_names[] = { "info", "medium", "high", "critical",
					      NULL };

static const char *const scope_names[] = { "photon_ring", "kernel_log", NULL };

void *reader_alloc(struct reader *rd, size_t n, size_t size)
{
	void *p = rules_alloc(rd->rules, n * size + 1);

	rd->is_out_of_memory |= !p;
	return p;
}

struct span reader_copy(struct reader *rd, struct span s)
{
	struct span copy = { NULL, 0 };

	rd->is_out_of_memory |= rules_copy(rd->rules, s, &copy) < 0;
	return copy;
}

bool reader_is_name(struct span s)
{
	return is_snake_case(s, NAME_LENGTH_MAX);
}

/* A name of our own making: the id or a type. */
struct span reader_name(struct reader *rd, const struct yaml_pair *pair, const char *what)
{
	struct span text;

	if (!yaml_pair_text(rd->yaml, pair, what, &text))
		return (struct span){ NULL, 0 };
	if (reader_is_name(text))
		return reader_copy(rd, text);
	yaml_error_at(rd->yaml, pair->at, "%s must be snake_case, 1 to 63 bytes", what);
	return (struct span){ NULL, 0 };
}

static void read_type(struct reader *rd)
{
	const struct yaml_pair *pair =
		&rd->pairs[reader_has(rd, KEY_TYPE) ? KEY_TYPE : KEY_ID];
	const struct event_type *own;

	rd->rule->type = reader_has(rd, KEY_TYPE) ? reader_name(rd, pair, "type")
						  : rd->rule->id;
	if (!rd->rule->type.data)
		return;
	own = event_type_find(rd->rule->type);
	if (own && span_equal(span_from(own->source), SPAN("lksm")))
		yaml_error_at(rd->yaml, pair->at, "'%s' is an event of LKSM's own",
			      own->name);
}

/* Place of a word in a NULL-terminated list, or -1 after a complaint. */
static int read_choice(struct yaml *yaml, const struct yaml_pair *pair, const char *what,
		       const char *const *names)
{
	struct span text;

	if (!yaml_pair_text(yaml, pair, what, &text))
		return -1;
	for (int i = 0; names[i]; i++)
		if (span_equal(text, span_from(names[i])))
			return i;
	yaml_unknown(yaml, pair->at, what, text, names);
	return -1;
}

int reader_severity(struct reader *rd, const struct yaml_pair *pair)
{
	return read_choice(rd->yaml, pair, "severity", severity_names);
}

static void read_severity(struct reader *rd)
{
	int i;

	if (!reader_has(rd, KEY_SEVERITY))
		return;
	i = reader_severity(rd, &rd->pairs[KEY_SEVERITY]);
	if (i >= 0)
		rd->rule->severity = (enum lksm_severity)i;
}

static void read_scope(struct reader *rd)
{
	int i;

	if (!reader_has(rd, KEY_FOR))
		return;
	i = read_choice(rd->yaml, &rd->pairs[KEY_FOR], "'for'", scope_names);
	if (i >= 0)
		rd->rule->scope = (enum rules_scope)i;
}

static bool read_flag(struct reader *rd, enum key key)
{
	bool flag = false;

	return reader_has(rd, key) &&
	       yaml_bool(rd->yaml, &rd->pairs[key], key_names[key], &flag) && flag;
}

/* Where byte @offset of a value stands: exact for text written in the line, unescaped. */
struct yaml_at reader_inside(const struct yaml_pair *pair, size_t offset)
{
	struct yaml_at at = pair->at;

	if (yaml_is_flat(pair->value))
		at.column += (int)offset;
	return at;
}

static void set_literal(struct rule *rule, struct span literal)
{
	if (literal.len > RULE_LITERAL_MAX)
		literal.len = RULE_LITERAL_MAX;
	if (literal.len > rule->literal.len)
		rule->literal = literal;
}

/* match 'x' and contains 'y': what `lksm test` says of a rule */
static void add_condition(struct reader *rd, const char *word, struct span text)
{
	_cleanup_buffer_ struct buffer b = { 0 };

	buffer_append_span(&b, rd->rule->condition);
	buffer_appendf(&b, "%s%s '", b.len ? " and " : "", word);
	buffer_append_span(&b, text);
	buffer_append_char(&b, '\'');
	rd->is_out_of_memory |= buffer_error(&b) != 0;
	rd->rule->condition = reader_copy(rd, buffer_span(&b));
}

static void take_template_captures(struct reader *rd, const struct template *t)
{
	struct rule_capture *captures = reader_alloc(rd, t->n_captures,
						     sizeof(*captures));

	for (size_t i = 0; captures && i < t->n; i++)
		if (t->parts[i].capture >= 0)
			captures[t->parts[i].capture].name = reader_copy(
				rd, t->parts[i].text);
	rd->rule->captures = captures;
	rd->rule->n_captures = captures ? t->n_captures : 0;
}

static void read_match(struct reader *rd)
{
	const struct yaml_pair *pair = &rd->pairs[KEY_MATCH];
	struct template_part parts[TEMPLATE_PARTS_MAX], *kept;
	struct template_error error;
	struct template *t;
	struct span text, pattern;

	if (!reader_has(rd, KEY_MATCH) || !yaml_pair_text(rd->yaml, pair, "match", &text))
		return;
	add_condition(rd, "match", text);
	pattern = reader_copy(rd, text);
	t = reader_alloc(rd, 1, sizeof(*t));
	if (!pattern.data || !t)
		return;
	/* the copy is ours to change */
	if (template_parse((char *)pattern.data, pattern.len, parts, t, &error) < 0) {
		yaml_error_at(rd->yaml, reader_inside(pair, error.offset), "match: %s",
			      error.reason);
		return;
	}
	kept = reader_alloc(rd, t->n, sizeof(*kept));
	if (!kept)
		return;
	memcpy(kept, parts, t->n * sizeof(*kept));
	t->parts = kept;
	t->is_prefix = read_flag(rd, KEY_PREFIX);
	rd->rule->template = t;
	take_template_captures(rd, t);
	set_literal(rd->rule, template_literal(t));
}

static bool is_listed(struct reader *rd, struct fy_node *list, struct span name)
{
	struct fy_node *item;
	void *iterator = NULL;

	while (yaml_is_list(list) && (item = yaml_next_item(list, &iterator))) {
		struct yaml_pair pair = { .value = item,
					  .at = yaml_where(item, rd->rule->at) };
		struct span text;

		if (yaml_pair_text(rd->yaml, &pair, "int", &text) &&
		    span_equal(text, name))
			return true;
	}
	return false;
}

/* The names of a regex's groups; the table's rows are a big-endian number and a name. */
static void take_regex_captures(struct reader *rd, const struct yaml_pair *pair)
{
	struct rule *rule = rd->rule;
	struct rule_capture *captures;
	uint32_t n = 0, size = 0;
	PCRE2_SPTR row = NULL;

	(void)pcre2_pattern_info(rule->regex, PCRE2_INFO_NAMECOUNT, &n); /* cannot fail */
	(void)pcre2_pattern_info(rule->regex, PCRE2_INFO_NAMEENTRYSIZE, &size);
	(void)pcre2_pattern_info(rule->regex, PCRE2_INFO_NAMETABLE, &row);
	if (n > EVENT_DATA_MAX) {
		yaml_error_at(rd->yaml, pair->at, "regex: more than %d names",
			      EVENT_DATA_MAX);
		return;
	}
	captures = reader_alloc(rd, n, sizeof(*captures));
	for (uint32_t i = 0; captures && i < n; i++, row += size) {
		struct span name = span_from((const char *)row + 2);

		if (!reader_is_name(name) || span_equal(name, SPAN("text")))
			yaml_error_at(rd->yaml, pair->at,
				      "regex: '%s' cannot be a name here", name.data);
		captures[i] = (struct rule_capture){
			.name = reader_copy(rd, name),
			.group = (uint32_t)row[0] << 8 | row[1],
			.is_int = reader_has(rd, KEY_INT) &&
				  is_listed(rd, rd->pairs[KEY_INT].value, name),
		};
	}
	rule->captures = captures;
	rule->n_captures = captures ? n : 0;
}

/* PCRE2 lists names by the alphabet; people expect them as they stand in the pattern. */
static void sort_captures(struct rule *rule)
{
	struct rule_capture *captures = (struct rule_capture *)rule->captures;

	for (size_t i = 1; i < rule->n_captures; i++)
		for (size_t k = i; k > 0 && captures[k].group < captures[k - 1].group;
		     k--) {
			struct rule_capture swap = captures[k];

			captures[k] = captures[k - 1];
			captures[k - 1] = swap;
		}
}

static void read_regex(struct reader *rd)
{
	const struct yaml_pair *pair = &rd->pairs[KEY_REGEX];
	char reason[128], literal[RULE_LITERAL_MAX];
	size_t offset = 0;
	struct span text;
	int r;

	if (!reader_has(rd, KEY_REGEX) || !yaml_pair_text(rd->yaml, pair, "regex", &text))
		return;
	if (text.len == 0 || text.len > RULE_PATTERN_MAX) {
		yaml_error_at(rd->yaml, pair->at, "regex: 1 to %d bytes",
			      RULE_PATTERN_MAX);
		return;
	}
	r = rules_compile_regex(text, !rd->rules->is_known, &rd->rule->regex, &offset,
				reason);
	rd->is_out_of_memory |= r == -ENOMEM;
	if (r < 0) {
		yaml_error_at(rd->yaml, reader_inside(pair, offset), "regex: %s", reason);
		return;
	}
	add_condition(rd, "regex", text);
	take_regex_captures(rd, pair);
	sort_captures(rd->rule);
	set_literal(rd->rule,
		    reader_copy(rd, (struct span){ literal,
						   rules_regex_literal(text, literal) }));
}

const struct rule_capture *reader_capture(const struct rule *rule, struct span name)
{
	for (size_t i = 0; i < rule->n_captures; i++)
		if (span_equal(rule->captures[i].name, name))
			return &rule->captures[i];
	return NULL;
}

void reader_complain_capture(struct reader *rd, struct yaml_at at, struct span name)
{
	const char *names[EVENT_DATA_MAX + 2];
	size_t n = 0;

	for (size_t i = 0; i < rd->rule->n_captures; i++)
		names[n++] = rd->rule->captures[i].name.data; /* a copy, with its NUL */
	names[n++] = "text";
	names[n] = NULL;
	yaml_unknown(rd->yaml, at, "placeholder", name, names);
}

static void check_int(struct reader *rd)
{
	const struct yaml_pair *pair = &rd->pairs[KEY_INT];
	struct fy_node *item;
	void *iterator = NULL;

	if (!reader_has(rd, KEY_INT) ||
	    !yaml_is_sequence(rd->yaml, pair->value, pair->at, "int"))
		return;
	while (rd->rule->regex && (item = yaml_next_item(pair->value, &iterator))) {
		struct yaml_pair name = { .value = item,
					  .at = yaml_where(item, pair->at) };
		struct span text;

		if (yaml_pair_text(rd->yaml, &name, "int", &text) &&
		    !reader_capture(rd->rule, text))
			reader_complain_capture(rd, name.at, text);
	}
}

/* One text or a list of them, each handed to take(). */
static void read_texts(struct reader *rd, const struct yaml_pair *pair, const char *what,
		       void (*take)(struct reader *, const struct yaml_pair *,
				    struct span))
{
	struct fy_node *item;
	struct span text;
	void *iterator = NULL;
	size_t n = 0;

	if (!yaml_is_list(pair->value)) {
		if (yaml_pair_text(rd->yaml, pair, what, &text))
			take(rd, pair, text);
		return;
	}
	while ((item = yaml_next_item(pair->value, &iterator))) {
		struct yaml_pair one = { .value = item,
					 .at = yaml_where(item, pair->at) };

		if (n++ == LIST_MAX)
			yaml_error_at(rd->yaml, one.at, "%s: more than %d", what,
				      LIST_MAX);
		if (n <= LIST_MAX && yaml_pair_text(rd->yaml, &one, what, &text))
			take(rd, &one, text);
	}
	if (n == 0)
		yaml_error_at(rd->yaml, pair->at, "%s has no value", what);
}

static void take_contains(struct reader *rd, const struct yaml_pair *pair,
			  struct span text)
{
	struct rule *rule = rd->rule;
	struct span *contains = (struct span *)rule->contains;

	if (text.len == 0 || text.len > RULE_PATTERN_MAX) {
		yaml_error_at(rd->yaml, pair->at, "contains: 1 to %d bytes",
			      RULE_PATTERN_MAX);
		return;
	}
	if (!contains)
		rule->contains = contains = reader_alloc(rd, LIST_MAX, sizeof(*contains));
	if (!contains)
		return;
	add_condition(rd, "contains", text);
	contains[rule->n_contains] = reader_copy(rd, text);
	set_literal(rule, contains[rule->n_contains++]);
}

static void append_word(struct reader *rd, struct span *list, struct span word)
{
	char *joined = reader_alloc(rd, list->len + word.len + 1, 1);

	if (!joined)
		return;
	if (list->len) {
		memcpy(joined, list->data, list->len);
		joined[list->len++] = ' ';
	}
	memcpy(joined + list->len, word.data, word.len);
	*list = (struct span){ joined, list->len + word.len };
}

static void take_tag(struct reader *rd, const struct yaml_pair *pair, struct span text)
{
	bool is_good = text.len >= 1 && text.len <= NAME_LENGTH_MAX;

	for (size_t i = 0; i < text.len; i++)
		is_good = is_good && (unsigned char)text.data[i] > ' ' &&
			  text.data[i] != 0x7f;
	if (is_good)
		append_word(rd, &rd->rule->tags, text);
	else
		yaml_error_at(rd->yaml, pair->at, "a tag is one word, 1 to 63 bytes");
}

/* T1014 or T1547.006 */
static bool is_technique(struct span s)
{
	static const char shape[] = "T0000.000";

	if (s.len != 5 && s.len != 9)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool is_digit = s.data[i] >= '0' && s.data[i] <= '9';

		if (shape[i] == '0' ? !is_digit : s.data[i] != shape[i])
			return false;
	}
	return true;
}

static void take_technique(struct reader *rd, const struct yaml_pair *pair,
			   struct span text)
{
	if (is_technique(text))
		append_word(rd, &rd->rule->attack, text);
	else
		yaml_error_at(rd->yaml, pair->at,
			      "attack: '%.*s' is not like T1014 or T1547.006",
			      (int)(text.len < 64 ? text.len : 64), text.data);
}

/* Conditions and keys that contradict each other, or do nothing. */
static void check_combination(struct reader *rd)
{
	static const struct {
		enum key key, other;
		bool is_needed; /* key asks for other; else key forbids it */
	} rows[] = {
		{ KEY_PREFIX, KEY_MATCH, true }, { KEY_INT, KEY_REGEX, true },
		{ KEY_MATCH, KEY_REGEX, false }, { KEY_ANY, KEY_MATCH, false },
		{ KEY_ANY, KEY_REGEX, false },	 { KEY_ANY, KEY_CONTAINS, false },
		{ KEY_DROP, KEY_DATA, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!reader_has(rd, rows[i].key) ||
		    reader_has(rd, rows[i].other) == rows[i].is_needed)
			continue;
		yaml_error_at(rd->yaml, rd->pairs[rows[i].key].at,
			      rows[i].is_needed ? "'%s' needs '%s'"
						: "'%s' cannot stand together with '%s'",
			      key_names[rows[i].key], key_names[rows[i].other]);
	}
	if (!reader_has(rd, KEY_MATCH) && !reader_has(rd, KEY_CONTAINS) &&
	    !reader_has(rd, KEY_REGEX) && !rd->rule->is_any)
		yaml_error_at(rd->yaml, rd->rule->at,
			      "a rule needs match, contains, regex or any: true");
}

static void check_id(struct reader *rd)
{
	for (size_t i = 0; i < rd->rule->index; i++) {
		const struct rule *other = rd->rules->items[i];

		if (rd->rule->id.data && other->id.data &&
		    span_equal(other->id, rd->rule->id))
			yaml_error_at(rd->yaml, rd->pairs[KEY_ID].at,
				      "the id '%s' is taken by the rule at %s:%d",
				      other->id.data, other->file, other->at.line);
	}
}

static void read_rule(struct reader *rd)
{
	struct rule *rule = rd->rule;

	if (reader_has(rd, KEY_ID))
		rule->id = reader_name(rd, &rd->pairs[KEY_ID], "id");
	else
		yaml_error_at(rd->yaml, rule->at, "a rule needs an id");
	check_id(rd);
	read_type(rd);
	read_scope(rd);
	read_severity(rd);
	rule->is_drop = read_flag(rd, KEY_DROP);
	rule->is_any = read_flag(rd, KEY_ANY);
	if (rule->is_any)
		rule->condition = SPAN("any line");
	if (reader_has(rd, KEY_CONTAINS))
		read_texts(rd, &rd->pairs[KEY_CONTAINS], "contains", take_contains);
	read_match(rd);
	read_regex(rd);
	check_int(rd);
	check_combination(rd);
	if (reader_has(rd, KEY_TAGS))
		read_texts(rd, &rd->pairs[KEY_TAGS], "tags", take_tag);
	if (reader_has(rd, KEY_ATTACK))
		read_texts(rd, &rd->pairs[KEY_ATTACK], "attack", take_technique);
	reader_data(rd);
	reader_examples(rd);
}

int rules_parse(struct rules *rules, struct yaml *yaml, const char *file, size_t folder)
{
	static const char *const top_names[] = { "rules", NULL };
	struct reader rd = { .rules = rules, .yaml = yaml };
	struct yaml_at at = yaml_where(yaml->root, (struct yaml_at){ 1, 1 });
	struct yaml_pair top;
	struct fy_node *item;
	void *iterator = NULL;

	if (!yaml->root ||
	    !yaml_collect(yaml, yaml->root, at, "a rules file", top_names, 1, &top) ||
	    !top.key || !yaml_is_sequence(yaml, top.value, top.at, "'rules'"))
		return 0;
	while ((item = yaml_next_item(top.value, &iterator))) {
		at = yaml_where(item, top.at);
		if (rules->n == RULES_MAX) {
			yaml_error_at(yaml, at, "more than %d rules", RULES_MAX);
			return 0;
		}
		if (!yaml_collect(yaml, item, at, "a rule", key_names, KEY_COUNT,
				  rd.pairs))
			continue;
		rd.rule = rules_add(rules);
		if (!rd.rule)
			return -ENOMEM;
		rd.rule->file = file;
		rd.rule->folder = folder;
		rd.rule->at = at;
		read_rule(&rd);
		if (rd.is_out_of_memory)
			return -ENOMEM;
	}
	return 0;
}
