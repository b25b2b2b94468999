// SPDX-License-Identifier: Apache-2.0
/*
 * Loading: which files, in which order, and then the rules' own examples, each tried
 * against its rule and against all of them.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "core/rules.h"
#include "core/rules_internal.h"

#define FILES_MAX 1024

struct found_file {
	char *path;
	const char *name; /* the last part of it: what the order goes by */
	size_t folder;	  /* which of the caller's paths it came from */
};

struct file_list {
	struct found_file files[FILES_MAX];
	size_t n;
};

static void file_list_deinit(struct file_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->files[i].path);
	list->n = 0;
}

static void complain(struct buffer *errors, const char *path, const char *text)
{
	struct yaml here = { .name = path, .errors = errors };

	yaml_error_at(&here, (struct yaml_at){ 0, 0 }, "%s", text);
}

/* A name that is there already: this one stands in its place. */
static int add_file(struct file_list *list, char *path, size_t folder)
{
	const char *slash = strrchr(path, '/');
	struct found_file file = { path, slash ? slash + 1 : path, folder };

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->files[i].name, file.name) == 0) {
			free(list->files[i].path);
			list->files[i] = file;
			return 0;
		}
	if (list->n == FILES_MAX) {
		free(path);
		return -E2BIG;
	}
	list->files[list->n++] = file;
	return 0;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), n_end = strlen(end);

	return n > n_end && strcmp(name + n - n_end, end) == 0;
}

static int add_entry(struct file_list *list, const char *folder_path, const char *name,
		     size_t folder, struct buffer *errors)
{
	char *path;

	if (name[0] == '.' || !(ends_with(name, ".yaml") || ends_with(name, ".yml")))
		return 0;
	if (asprintf(&path, "%s%s%s", folder_path, ends_with(folder_path, "/") ? "" : "/",
		     name) < 0)
		return -ENOMEM;
	if (ends_with(name, ".yaml"))
		return add_file(list, path, folder);
	complain(errors, path, "warning: ignored, a file of rules is called *.yaml");
	free(path);
	return 0;
}

static int add_folder(struct file_list *list, const char *path, size_t folder,
		      struct buffer *errors)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		r = add_entry(list, path, entry->d_name, folder, errors);
	}
	return r;
}

static int add_path(struct file_list *list, const char *path, size_t folder,
		    struct buffer *errors)
{
	struct stat st;
	char *copy;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return add_folder(list, path, folder, errors);
	copy = strdup(path);
	return copy ? add_file(list, copy, folder) : -ENOMEM;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct found_file *)a)->name,
		      ((const struct found_file *)b)->name);
}

static int find_files(const char *const *paths, size_t n_paths, struct file_list *list,
		      struct buffer *errors)
{
	int r, result = 0;

	for (size_t i = 0; i < n_paths; i++) {
		r = add_path(list, paths[i], i, errors);
		if (r == -ENOMEM)
			return r;
		if (r < 0) {
			complain(errors, paths[i],
				 r == -E2BIG ? "too many files" : strerror(-r));
			result = -EINVAL;
		}
	}
	qsort(list->files, list->n, sizeof(list->files[0]), compare_files);
	return result;
}

/* The pack's file is called name.yaml or, as all rules are ordered by name, 20-name.yaml.
 */
static bool is_pack(const char *file, const char *name)
{
	size_t digits = strspn(file, "0123456789");
	size_t n = strlen(name);

	if (strncmp(file, name, n) != 0 && digits && file[digits] == '-')
		file += digits + 1;
	return strncmp(file, name, n) == 0 && strcmp(file + n, ".yaml") == 0;
}

static int find_pack_in(const char *folder, const char *name, char **ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;

	if (asprintf(&path, "%s/available", folder) < 0) {
		path = NULL; /* undefined after a failure */
		return -ENOMEM;
	}
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (is_pack(entry->d_name, name)) {
			int n = asprintf(ret, "%s/%s", path, entry->d_name);

			return n < 0 ? -ENOMEM : 0;
		}
	return -ENOENT;
}

int rules_find_pack(const char *const *folders, size_t n_folders, const char *name,
		    char **ret)
{
	int r = -ENOENT;

	for (size_t i = n_folders; r == -ENOENT && i > 0;
	     i--) /* later folders come first */
		r = find_pack_in(folders[i - 1], name, ret);
	return r;
}

static int load_file(struct rules *rules, const struct found_file *file,
		     struct buffer *errors)
{
	struct span name;
	struct yaml yaml;
	int r = rules_copy(rules, span_from(file->path), &name);

	if (r < 0)
		return r;
	r = yaml_load(name.data, errors, &yaml);
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
	return r < 0 ? r : check_examples(rules, errors);
}

int rules_load(const char *const *paths, size_t n_paths, struct rules **ret,
	       struct buffer *errors)
{
	_cleanup_(rules_destroyp) struct rules *rules = NULL;
	_cleanup_(file_list_deinit) struct file_list list;
	int r = rules_create(&rules);
	int result;

	list.n = 0;
	if (r < 0)
		return r;
	result = find_files(paths, n_paths, &list, errors);
	for (size_t i = 0; result != -ENOMEM && i < list.n; i++) {
		r = load_file(rules, &list.files[i], errors);
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
