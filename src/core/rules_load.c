// SPDX-License-Identifier: Apache-2.0
/*
 * Loading: each file in its order, and then the rules' own examples, each tried
 * against its rule and against all of them.
 */
#include <errno.h>

#include "core/rules.h"
#include "core/rules_internal.h"

static void complain(struct buffer *errors, const char *path, const char *text)
{
	struct yaml here = { .name = path, .errors = errors };

	yaml_error_at(&here, (struct yaml_at){ 0, 0 }, "%s", text);
}

static int load_file(struct rules *rules, const struct rules_file *file,
		     struct buffer *errors)
{
	struct span name;
	struct yaml yaml;
	int r = rules_copy(rules, span_from(file->path), &name);

	if (r < 0)
		return r;
	r = yaml_parse(name.data, buffer_span(&file->text), errors, &yaml);
	if (r == 0)
		r = rules_parse(rules, &yaml, name.data, file->folder);
	if (r == 0 && yaml.n_errors)
		r = -EINVAL;
	yaml_deinit(&yaml);
	return r;
}

/* One run of the examples. */
struct checker {
	const struct rules *rules;
	struct rules_scratch *scratch;
	struct lksm_event *event;
	struct yaml *complaints;
};

static void describe_datum(struct buffer *out, const struct datum *d)
{
	if (!d) {
		buffer_append_literal(out, "absent");
	} else if (d->kind == DATUM_TEXT) {
		buffer_append_literal(out, "the text '");
		buffer_append_span(out, d->text);
		buffer_append_char(out, '\'');
	} else if (d->kind == DATUM_INT) {
		buffer_append_i64(out, d->integer);
	} else {
		buffer_append_span(out, d->text);
	}
}

static const struct datum *find_datum(const struct datum *items, size_t n,
				      struct span key)
{
	for (size_t i = 0; i < n; i++)
		if (span_equal(items[i].key, key))
			return &items[i];
	return NULL;
}

static bool is_same_datum(const struct datum *a, const struct datum *b)
{
	if (!a || !b || a->kind != b->kind)
		return false;
	return a->kind == DATUM_INT ? a->integer == b->integer
				    : span_equal(a->text, b->text);
}

static void complain_datum(struct checker *c, struct yaml_at at, struct span key,
			   const struct datum *got, const struct datum *want)
{
	_cleanup_buffer_ struct buffer text = { 0 };

	buffer_append_span(&text, key);
	buffer_append_literal(&text, " is ");
	describe_datum(&text, got);
	buffer_append_literal(&text, ", the example says ");
	describe_datum(&text, want);
	if (got && want && got->kind == DATUM_TEXT && want->kind == DATUM_INT)
		buffer_appendf(&text,
			       " (a number is captured by {%.*s:int}, or 'int: [%.*s]')",
			       (int)key.len, key.data, (int)key.len, key.data);
	yaml_error_at(c->complaints, at, "data: %s",
		      buffer_cstring(&text) ? text.data : "differs");
}

static void check_data(struct checker *c, const struct rule_example *example)
{
	const struct event_data *data = &c->event->data;

	for (size_t i = 0; i < example->n_data; i++) {
		const struct datum *want = &example->data[i];
		const struct datum *got = find_datum(data->items, data->n, want->key);

		if (!is_same_datum(got, want))
			complain_datum(c, example->at, want->key, got, want);
	}
	for (size_t i = 0; i < data->n; i++) {
		const struct datum *got = &data->items[i];

		if (!find_datum(example->data, example->n_data, got->key))
			complain_datum(c, example->at, got->key, got, NULL);
	}
}

static int check_event(struct checker *c, const struct rule *rule,
		       const struct rule_example *example)
{
	int r = rule_fill(rule, c->scratch, example->line, c->event);

	if (r < 0)
		return r;
	if (example->type.data && !span_equal(example->type, rule->type))
		yaml_error_at(c->complaints, example->at,
			      "type is %s, the example says %s", rule->type.data,
			      example->type.data);
	if (example->severity >= 0 &&
	    (enum lksm_severity)example->severity != rule->severity)
		yaml_error_at(c->complaints, example->at,
			      "severity is %s, the example says %s",
			      severity_name(rule->severity),
			      severity_name((enum lksm_severity)example->severity));
	if (example->has_data)
		check_data(c, example);
	return 0;
}

/*
 * Another rule takes the line first. In the same file that is a mistake; a rule in a
 * later folder, or in another file, may well be there to do just that.
 */
static void check_shadow(struct checker *c, const struct rule *rule,
			 const struct rule_example *example)
{
	const struct rule *winner = rules_find(c->rules, c->scratch, rule->scope,
					       example->line);

	if (!winner || winner == rule || winner->folder > rule->folder)
		return;
	if (winner->file == rule->file)
		yaml_error_at(c->complaints, example->at,
			      "the rule '%s' at line %d matches this line first",
			      winner->id.data, winner->at.line);
	else
		yaml_warning_at(c->complaints, example->at,
				"the rule '%s' at %s:%d matches this line first",
				winner->id.data, winner->file, winner->at.line);
}

static int check_example(struct checker *c, const struct rule *rule,
			 const struct rule_example *example)
{
	int r = rule_matches(rule, c->scratch, example->line);

	if (r < 0)
		yaml_error_at(c->complaints, example->at,
			      "the regex is too costly for this line");
	else if (r && example->is_no_match)
		yaml_error_at(c->complaints, example->at,
			      "the rule matches this line, the example says no_match");
	else if (!r && !example->is_no_match)
		yaml_error_at(c->complaints, example->at,
			      "the rule does not match this line");
	else if (r) {
		r = check_event(c, rule, example);
		if (r < 0)
			return r;
		check_shadow(c, rule, example);
	}
	return 0;
}

static int check_examples(const struct rules *rules, struct buffer *errors)
{
	_cleanup_(rules_scratch_destroyp) struct rules_scratch *scratch = NULL;
	_cleanup_free_ struct lksm_event *event = calloc(1, sizeof(*event));
	struct yaml complaints = { .errors = errors };
	struct checker c = { rules, NULL, event, &complaints };
	int r = event ? rules_scratch_create(rules, &scratch) : -ENOMEM;

	c.scratch = scratch;
	for (size_t i = 0; r == 0 && i < rules->n; i++) {
		const struct rule *rule = rules->items[i];

		complaints.name = rule->file;
		for (size_t k = 0; r == 0 && k < rule->n_examples; k++)
			r = check_example(&c, rule, &rule->examples[k]);
	}
	return r == 0 && complaints.n_errors ? -EINVAL : r;
}

static int finish(struct rules *rules, struct buffer *errors)
{
	int r = rules_build_index(rules);

	if (r == -E2BIG) {
		complain(errors, "rules",
			 "too many rules with too many different literals");
		return -EINVAL;
	}
	return r < 0 || rules->is_known ? r : check_examples(rules, errors);
}

static int load_files(const struct rules_files *files, bool is_known, struct rules **ret,
		      struct buffer *errors)
{
	_cleanup_(rules_destroyp) struct rules *rules = NULL;
	int r = rules_create(&rules), result = 0;

	if (r < 0)
		return r;
	rules->is_known = is_known;
	for (size_t i = 0; result != -ENOMEM && i < files->n; i++) {
		r = load_file(rules, &files->items[i], errors);
		if (r < 0)
			result = r;
	}
	if (result == 0)
		result = finish(rules, errors);
	if (result < 0)
		return errors->error == -ENOMEM ? -ENOMEM : result;
	*ret = take_ptr(rules);
	return 0;
}

int rules_load_files(const struct rules_files *files, struct rules **ret,
		     struct buffer *errors)
{
	return load_files(files, false, ret, errors);
}

int rules_load_known(const struct rules_files *files, struct rules **ret,
		     struct buffer *errors)
{
	return load_files(files, true, ret, errors);
}

int rules_load_all(const char *const *paths, size_t n_paths, struct rules **ret,
		   struct rules_files *ret_files, struct buffer *errors)
{
	struct rules_files files = { 0 };
	struct rules *rules = NULL;
	int read = rules_read(paths, n_paths, &files, errors);
	/* what is wrong in the others is told in the same breath */
	int r = read == -ENOMEM ? read : rules_load_files(&files, &rules, errors);

	if (read < 0 || r < 0) {
		rules_destroy(rules);
		rules_files_deinit(&files);
		return read < 0 && r != -ENOMEM ? read : r;
	}
	*ret = rules;
	*ret_files = files;
	return 0;
}

int rules_load(const char *const *paths, size_t n_paths, struct rules **ret,
	       struct buffer *errors)
{
	struct rules_files files = { 0 };
	int r = rules_load_all(paths, n_paths, ret, &files, errors);

	rules_files_deinit(&files);
	return r;
}

int rules_load_text(const char *name, struct span text, struct rules **ret,
		    struct buffer *errors)
{
	_cleanup_(rules_destroyp) struct rules *rules = NULL;
	struct span file;
	struct yaml yaml;
	int r = rules_create(&rules);

	if (r < 0 || (r = rules_copy(rules, span_from(name), &file)) < 0)
		return r;
	r = yaml_parse(file.data, text, errors, &yaml);
	if (r == 0)
		r = rules_parse(rules, &yaml, file.data, 0);
	if (r == 0 && yaml.n_errors)
		r = -EINVAL;
	yaml_deinit(&yaml);
	if (r == 0)
		r = finish(rules, errors);
	if (r < 0)
		return r;
	*ret = take_ptr(rules);
	return 0;
}
