// SPDX-License-Identifier: Apache-2.0
/*
 * Matching. A line is read once for the literals that the rules need (literals.h); only
 * the rules whose literal was seen, and those that have none, are tried, in order. Each of a
 * few rules is asked by itself: one pass takes a step a byte, a search many bytes a step.
 */
#include "core/rules.h"

#include <errno.h>

#include "base/scan.h"
#include "core/rules_internal.h"

#define BLOCK_SIZE ((size_t)64 << 10)
#define FEW	   8 /* rules, which are quicker asked one by one */

/* What one regex may cost on one line, counted by PCRE2 for each place it begins at. */
#define REGEX_MATCH_LIMIT 10000
#define REGEX_DEPTH_LIMIT 1000
#define REGEX_HEAP_KIB	  1024

/* Memory is handed out from blocks, newest first, and freed with the rules. */
struct rules_block {
	struct rules_block *older;
	size_t used;
	size_t size;
	max_align_t data[];
};

struct rules_scratch {
	struct rules_stats stats;
	pcre2_match_data *match;
	pcre2_match_context *context;
	uint64_t *candidates; /* a bitmap for the larger scope */
	uint64_t *limit_hits; /* [rule] */
	size_t n_reported;    /* see rules_next_exhausted() */
	struct buffer text;   /* values put together from parts */
	struct captured captures[EVENT_DATA_MAX];
	struct template_memo memo;
};

int rules_create(struct rules **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void rules_destroy(struct rules *rules)
{
	struct rules_block *block, *older;

	if (!rules)
		return;
	for (size_t i = 0; i < rules->n; i++)
		pcre2_code_free(rules->items[i]->regex);
	for (size_t i = 0; i < RULES_SCOPE_COUNT; i++)
		literals_destroy(rules->scopes[i].literals);
	for (block = rules->blocks; block; block = older) {
		older = block->older;
		free(block);
	}
	free(rules->items);
	free(rules);
}

void *rules_alloc(struct rules *rules, size_t size)
{
	struct rules_block *block = rules->blocks;
	char *data;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (!block || block->size - block->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

		block = calloc(1, sizeof(*block) + room);
		if (!block)
			return NULL;
		block->older = rules->blocks;
		block->size = room;
		rules->blocks = block;
	}
	data = (char *)block->data + block->used;
	block->used += size;
	return data;
}

int rules_copy(struct rules *rules, struct span s, struct span *ret)
{
	char *copy = rules_alloc(rules, s.len + 1);

	if (!copy)
		return -ENOMEM;
	if (s.len)
		memcpy(copy, s.data, s.len);
	*ret = (struct span){ copy, s.len };
	return 0;
}

struct rule *rules_add(struct rules *rules)
{
	struct rule *rule;

	if (rules->n == rules->capacity) {
		size_t capacity = rules->capacity ? 2 * rules->capacity : 64;
		struct rule **items = realloc(rules->items,
					      capacity * sizeof(struct rule *));

		if (!items)
			return NULL;
		rules->items = items;
		rules->capacity = capacity;
	}
	rule = rules_alloc(rules, sizeof(*rule));
	if (!rule)
		return NULL;
	rule->index = rules->n;
	rules->items[rules->n++] = rule;
	return rule;
}

static size_t bitmap_words(size_t n)
{
	return (n + 63) / 64;
}

/* Catch-alls come last, wherever they stand: a file added later is not eaten by them. */
static int order_scope(struct rules *rules, enum rules_scope scope)
{
	struct rules_index *index = &rules->scopes[scope];

	index->order = rules_alloc(rules, (rules->n + 1) * sizeof(struct rule *));
	index->always = rules_alloc(rules,
				    (bitmap_words(rules->n) + 1) * sizeof(uint64_t));
	if (!index->order || !index->always)
		return -ENOMEM;
	for (int is_any = 0; is_any <= 1; is_any++)
		for (size_t i = 0; i < rules->n; i++) {
			struct rule *rule = rules->items[i];

			if (rule->scope != scope || rule->is_any != is_any)
				continue;
			if (!rule->literal.len)
				index->always[index->n / 64] |= (uint64_t)1
								<< index->n % 64;
			index->order[index->n++] = rule;
		}
	return 0;
}

int rules_build_index(struct rules *rules)
{
	for (size_t scope = 0; scope < RULES_SCOPE_COUNT; scope++) {
		struct rules_index *index = &rules->scopes[scope];
		_cleanup_free_ struct span *words = calloc(rules->n + 1, sizeof(*words));
		int r = words ? order_scope(rules, (enum rules_scope)scope) : -ENOMEM;

		if (r < 0)
			return r;
		for (size_t i = 0; i < index->n; i++)
			words[i] = index->order[i]->literal;
		r = literals_create(words, index->n, &index->literals);
		if (r < 0)
			return r;
	}
	return 0;
}

size_t rules_count(const struct rules *rules)
{
	return rules->n;
}

void rules_describe_at(const struct rules *rules, size_t i, struct rule_info *ret)
{
	const struct rule *rule = rules->items[i];

	*ret = (struct rule_info){
		.file = rule->file,
		.line = rule->at.line,
		.condition = rule->condition,
		.n_examples = rule->n_examples,
		.is_any = rule->is_any,
		.is_drop = rule->is_drop,
		.scope = rule->scope,
		.severity = rule->severity,
		.id = rule->id,
		.type = rule->type,
		.tags = rule->tags,
		.attack = rule->attack,
	};
}

static const struct rule *find_rule(const struct rules *rules, struct span id)
{
	for (size_t i = 0; i < rules->n; i++)
		if (span_equal(rules->items[i]->id, id))
			return rules->items[i];
	return NULL;
}

bool rules_describe(const struct rules *rules, struct span id, struct rule_info *ret)
{
	const struct rule *rule = find_rule(rules, id);

	if (rule)
		rules_describe_at(rules, rule->index, ret);
	return rule != NULL;
}

struct span rules_example(const struct rules *rules, struct span id, size_t i)
{
	const struct rule *rule = find_rule(rules, id);

	return rule && i < rule->n_examples ? rule->examples[i].line
					    : (struct span){ NULL, 0 };
}

bool rules_wants(const struct rules *rules, enum rules_scope scope)
{
	return rules->scopes[scope].n > 0;
}

static uint32_t most_groups(const struct rules *rules)
{
	uint32_t most = 0;

	for (size_t i = 0; i < rules->n; i++) {
		uint32_t n = 0;

		if (rules->items[i]->regex &&
		    pcre2_pattern_info(rules->items[i]->regex, PCRE2_INFO_CAPTURECOUNT,
				       &n) == 0 &&
		    n > most)
			most = n;
	}
	return most;
}

static int scratch_init(const struct rules *rules, struct rules_scratch *s)
{
	s->match = pcre2_match_data_create(most_groups(rules) + 1, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->candidates = calloc(bitmap_words(rules->n) + 1, sizeof(*s->candidates));
	s->limit_hits = calloc(rules->n + 1, sizeof(*s->limit_hits));
	if (!s->match || !s->context || !s->candidates || !s->limit_hits)
		return -ENOMEM;
	/* these always return 0 */
	(void)pcre2_set_match_limit(s->context, REGEX_MATCH_LIMIT);
	(void)pcre2_set_depth_limit(s->context, REGEX_DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(s->context, REGEX_HEAP_KIB);
	return 0;
}

int rules_scratch_create(const struct rules *rules, struct rules_scratch **ret)
{
	struct rules_scratch *scratch = calloc(1, sizeof(*scratch));
	int r = scratch ? scratch_init(rules, scratch) : -ENOMEM;

	if (r < 0)
		rules_scratch_destroy(scratch);
	else
		*ret = scratch;
	return r;
}

void rules_scratch_destroy(struct rules_scratch *scratch)
{
	if (!scratch)
		return;
	pcre2_match_data_free(scratch->match);
	pcre2_match_context_free(scratch->context);
	free(scratch->candidates);
	free(scratch->limit_hits);
	buffer_deinit(&scratch->text);
	free(scratch);
}

const struct rules_stats *rules_scratch_stats(const struct rules_scratch *scratch)
{
	return &scratch->stats;
}

const char *rules_next_exhausted(const struct rules *rules, struct rules_scratch *scratch)
{
	if (scratch->n_reported == scratch->stats.n_exhausted)
		return NULL;
	for (size_t i = 0; i < rules->n; i++)
		if (scratch->limit_hits[i] &&
		    !(scratch->limit_hits[i] & RULES_REPORTED)) {
			scratch->limit_hits[i] |= RULES_REPORTED;
			scratch->n_reported++;
			return rules->items[i]->id.data;
		}
	return NULL;
}

static void take_group(const struct rule_capture *capture, const size_t *offsets,
		       struct span text, struct captured *ret)
{
	size_t begin = offsets[2 * capture->group], end = offsets[2 * capture->group + 1];

	*ret = (struct captured){ 0 };
	if (begin == PCRE2_UNSET || end < begin || end > text.len)
		return;
	ret->text = (struct span){ text.data + begin, end - begin };
	ret->is_int = capture->is_int && integer_parse(ret->text, &ret->integer) == 0;
}

static int regex_matches(const struct rule *rule, struct rules_scratch *scratch,
			 struct span text)
{
	const size_t *offsets = pcre2_get_ovector_pointer(scratch->match);
	int r = pcre2_match(rule->regex, (PCRE2_SPTR)text.data, text.len, 0, 0,
			    scratch->match, scratch->context);

	if (r == PCRE2_ERROR_NOMATCH)
		return 0;
	if (r < 0) {
		scratch->stats.limit_hits++;
		if (scratch->limit_hits[rule->index]++ == 0)
			scratch->stats.n_exhausted++;
		return r;
	}
	for (size_t i = 0; i < rule->n_captures; i++)
		take_group(&rule->captures[i], offsets, text, &scratch->captures[i]);
	return 1;
}

int rule_matches(const struct rule *rule, struct rules_scratch *scratch, struct span text)
{
	for (size_t i = 0; i < rule->n_contains; i++)
		if (!span_contains(text, rule->contains[i]))
			return 0;
	if (rule->template)
		return template_match(rule->template, text, &scratch->memo,
				      scratch->captures);
	if (rule->regex)
		return regex_matches(rule, scratch, text);
	return 1;
}

/* What every line that matches has: its begin, or some bytes. */
static bool may_match(const struct rule *rule, struct span text)
{
	const struct template_part *first = rule->template ? rule->template->parts : NULL;

	if (first && first->kind == TEMPLATE_LITERAL)
		return span_starts_with(text, first->text);
	return rule->literal.len < 2 || scan_find(text, rule->literal);
}

static const struct rule *find_among_few(const struct rules_index *index,
					 struct rules_scratch *scratch, struct span text)
{
	for (size_t i = 0; i < index->n; i++) {
		if (!may_match(index->order[i], text))
			continue;
		scratch->stats.tried++;
		if (rule_matches(index->order[i], scratch, text) > 0)
			return index->order[i];
	}
	return NULL;
}

const struct rule *rules_find(const struct rules *rules, struct rules_scratch *scratch,
			      enum rules_scope scope, struct span text)
{
	const struct rules_index *index = &rules->scopes[scope];
	size_t n_words = bitmap_words(index->n);

	scratch->stats.lines++;
	if (index->n <= FEW)
		return find_among_few(index, scratch, text);
	memcpy(scratch->candidates, index->always, n_words * sizeof(uint64_t));
	literals_scan(index->literals, text, scratch->candidates);
	for (size_t w = 0; w < n_words; w++)
		for (uint64_t bits = scratch->candidates[w]; bits; bits &= bits - 1) {
			size_t i = w * 64 + (size_t)__builtin_ctzll(bits);

			scratch->stats.tried++;
			if (rule_matches(index->order[i], scratch, text) > 0)
				return index->order[i];
		}
	return NULL;
}

static struct span part_text(const struct rule_part *part,
			     const struct rules_scratch *scratch, struct span line)
{
	switch (part->kind) {
	case PART_LITERAL:
		return part->literal;
	case PART_CAPTURE:
		return scratch->captures[part->capture].text;
	case PART_LINE:
		return line;
	}
	return (struct span){ NULL, 0 };
}

/* A value of one part is that part, with its type; absent if the capture is. */
static int fill_single(const struct rule_value *value,
		       const struct rules_scratch *scratch, struct span line,
		       struct lksm_event *event)
{
	const struct rule_part *part = &value->parts[0];
	struct span text = part_text(part, scratch, line);

	if (part->kind == PART_CAPTURE && !text.data)
		return 0;
	if (part->kind == PART_CAPTURE && scratch->captures[part->capture].is_int)
		return event_add_int(event, value->fixed.key,
				     scratch->captures[part->capture].integer);
	return event_add_text(event, value->fixed.key, text);
}

/* The room was reserved before: appending does not move what stands there. */
static int fill_joined(const struct rule_value *value, struct rules_scratch *scratch,
		       struct span line, struct lksm_event *event)
{
	struct buffer *out = &scratch->text;
	size_t begin = out->len;

	for (size_t i = 0; i < value->n_parts; i++)
		buffer_append_span(out, part_text(&value->parts[i], scratch, line));
	return event_add_text(event, value->fixed.key,
			      (struct span){ out->data + begin, out->len - begin });
}

static int reserve_text(const struct rule *rule, struct rules_scratch *scratch,
			struct span line)
{
	size_t need = 1;

	for (size_t i = 0; i < rule->n_values; i++)
		for (size_t k = 0;
		     rule->values[i].n_parts > 1 && k < rule->values[i].n_parts; k++)
			need += part_text(&rule->values[i].parts[k], scratch, line).len;
	buffer_clear(&scratch->text);
	return buffer_reserve(&scratch->text, need) ? 0 : -ENOMEM;
}

static int fill_fixed(const struct datum *fixed, struct lksm_event *event)
{
	if (fixed->kind == DATUM_INT)
		return event_add_int(event, fixed->key, fixed->integer);
	if (fixed->kind == DATUM_JSON)
		return event_add_json(event, fixed->key, fixed->text);
	return event_add_text(event, fixed->key, fixed->text);
}

int rule_fill(const struct rule *rule, struct rules_scratch *scratch, struct span text,
	      struct lksm_event *event)
{
	int r = reserve_text(rule, scratch, text);

	event->data.n = 0;
	for (size_t i = 0; r == 0 && i < rule->n_values; i++) {
		const struct rule_value *value = &rule->values[i];

		if (value->is_fixed)
			r = fill_fixed(&value->fixed, event);
		else if (value->n_parts == 1)
			r = fill_single(value, scratch, text, event);
		else
			r = fill_joined(value, scratch, text, event);
	}
	event->type = rule->type;
	event->severity = rule->severity;
	event->rule = rule->id;
	event->tags = rule->tags;
	event->attack = rule->attack;
	return r;
}

int rules_match(const struct rules *rules, struct rules_scratch *scratch,
		enum rules_scope scope, struct span text, struct lksm_event *event)
{
	const struct rule *rule;
	int r;

	if (text.len > LKSM_VALUE_MAX)
		text.len = LKSM_VALUE_MAX;
	rule = rules_find(rules, scratch, scope, text);
	if (!rule)
		return 0;
	if (rule->is_drop) {
		event->rule = rule->id;
		return 2;
	}
	r = rule_fill(rule, scratch, text, event);
	return r < 0 ? r : 1;
}
