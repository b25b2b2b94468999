// SPDX-License-Identifier: Apache-2.0
/* See sigma.h. */
#include "cli/sigma.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/event_line.h"
#include "cli/setup.h"
#include "cli/verb.h"
#include "core/rules.h"
#include "core/yaml.h"

#define KEYWORDS_MAX 64
#define ID_MAX	     48

struct sigma {
	struct yaml yaml;
	struct buffer *out;
	struct buffer *ids; /* of the rules in @out, a line each */
	char id[ID_MAX + 1];
	struct span title;
	struct buffer attack;
	struct span keywords[KEYWORDS_MAX];
	size_t n_keywords;
	bool is_all; /* every keyword must be there */
};

enum {
	TITLE,
	ID,
	STATUS,
	DESCRIPTION,
	REFERENCES,
	AUTHOR,
	DATE,
	MODIFIED,
	TAGS,
	LOGSOURCE,
	DETECTION,
	FALSEPOSITIVES,
	LEVEL,
	RELATED,
	LICENSE,
	KEY_COUNT,
};

static const char *const key_names[] = {
	[TITLE] = "title",
	[ID] = "id",
	[STATUS] = "status",
	[DESCRIPTION] = "description",
	[REFERENCES] = "references",
	[AUTHOR] = "author",
	[DATE] = "date",
	[MODIFIED] = "modified",
	[TAGS] = "tags",
	[LOGSOURCE] = "logsource",
	[DETECTION] = "detection",
	[FALSEPOSITIVES] = "falsepositives",
	[LEVEL] = "level",
	[RELATED] = "related",
	[LICENSE] = "license",
	[KEY_COUNT] = NULL,
};

static bool is_one_of(struct span word, const char *const *words)
{
	for (; *words; words++)
		if (span_equal(word, span_from(*words)))
			return true;
	return false;
}

/* "Kernel Module: Loaded!" is kernel_module_loaded. */
static void make_id(struct sigma *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->title.len && n < ID_MAX; i++) {
		char c = s->title.data[i];

		if (isalnum((unsigned char)c))
			s->id[n++] = (char)tolower((unsigned char)c);
		else if (n && s->id[n - 1] != '_')
			s->id[n++] = '_';
	}
	while (n && s->id[n - 1] == '_')
		n--;
	s->id[n] = '\0';
	if (!isalpha((unsigned char)s->id[0])) {
		memmove(s->id + 6, s->id, ID_MAX - 6);
		memcpy(s->id, "sigma_", 6);
		s->id[ID_MAX] = '\0';
	}
}

static void read_logsource(struct sigma *s, const struct yaml_pair *pair)
{
	static const char *const names[] = { "product", "service", "definition", NULL };
	static const char *const services[] = { "kernel", "dmesg", "syslog", NULL };
	struct yaml_pair parts[3] = { 0 };
	struct span word;

	if (!yaml_collect(&s->yaml, pair->value, pair->at, "logsource", names, 3, parts))
		return;
	if (!parts[0].key || !yaml_pair_text(&s->yaml, &parts[0], "product", &word) ||
	    !span_equal(word, SPAN("linux")))
		yaml_error_at(&s->yaml, pair->at, "logsource: only product linux");
	if (parts[1].key && yaml_pair_text(&s->yaml, &parts[1], "service", &word) &&
	    !is_one_of(word, services))
		yaml_error_at(&s->yaml, parts[1].at,
			      "service '%.*s': only kernel, dmesg, syslog or none",
			      (int)word.len, word.data);
}

/* Without bytes that a terminal obeys, or that YAML takes for the end of a line. */
static bool is_plain(struct span text)
{
	_cleanup_buffer_ struct buffer safe = { 0 };

	event_line_append_safe(&safe, text);
	return span_equal(buffer_span(&safe), text);
}

static void read_keywords(struct sigma *s, struct fy_node *list, struct yaml_at at)
{
	struct fy_node *item;
	void *iterator = NULL;

	if (!yaml_is_sequence(&s->yaml, list, at, "keywords"))
		return;
	while ((item = yaml_next_item(list, &iterator))) {
		struct yaml_pair pair = { .key = item, .value = item };
		struct span word;

		pair.at = yaml_where(item, at);
		if (!yaml_pair_text(&s->yaml, &pair, "a keyword", &word))
			continue;
		if (!word.len || memchr(word.data, '*', word.len) ||
		    memchr(word.data, '?', word.len) || memchr(word.data, '\\', word.len))
			yaml_error_at(&s->yaml, pair.at,
				      "a keyword with *, ? or \\ cannot be said");
		else if (!is_plain(word))
			yaml_error_at(&s->yaml, pair.at,
				      "a keyword with control bytes cannot be said");
		else if (s->n_keywords == KEYWORDS_MAX)
			yaml_error_at(&s->yaml, pair.at, "more than %d keywords",
				      KEYWORDS_MAX);
		else
			s->keywords[s->n_keywords++] = word;
	}
	if (!s->n_keywords && !s->yaml.n_errors)
		yaml_error_at(&s->yaml, at, "there is no keyword");
}

/* "keywords: [a, b]", or "keywords: {'|all': [a, b]}" */
static void read_selection(struct sigma *s, const struct yaml_pair *pair)
{
	struct yaml_pair part;
	void *iterator = NULL;
	struct span word;

	if (!yaml_is_map(pair->value)) {
		read_keywords(s, pair->value, pair->at);
		return;
	}
	s->is_all = true;
	while (yaml_next(pair->value, &iterator, &part)) {
		struct yaml_pair key = { part.key, part.key, part.at };

		if (!yaml_pair_text(&s->yaml, &key, "a name", &word))
			return;
		if (span_equal(word, SPAN("|all")))
			read_keywords(s, part.value, part.at);
		else
			yaml_error_at(&s->yaml, part.at,
				      "only keywords can be said, not the field '%.*s'",
				      (int)word.len, word.data);
	}
}

static void read_detection(struct sigma *s, const struct yaml_pair *pair)
{
	struct yaml_pair part, selection = { 0 }, condition = { 0 };
	struct span name = { NULL, 0 }, word;
	void *iterator = NULL;

	if (!yaml_is_mapping(&s->yaml, pair->value, pair->at, "detection"))
		return;
	while (yaml_next(pair->value, &iterator, &part)) {
		struct yaml_pair key = { part.key, part.key, part.at };

		if (!yaml_pair_text(&s->yaml, &key, "a name", &word))
			return;
		if (span_equal(word, SPAN("condition"))) {
			condition = part;
		} else if (selection.key) {
			yaml_error_at(&s->yaml, part.at,
				      "more than one selection cannot be said");
			return;
		} else {
			selection = part;
			name = word;
		}
	}
	if (!condition.key || !selection.key) {
		yaml_error_at(&s->yaml, pair->at,
			      "detection needs a selection and a condition");
		return;
	}
	if (yaml_pair_text(&s->yaml, &condition, "condition", &word) &&
	    !span_equal(word, name))
		yaml_error_at(
			&s->yaml, condition.at,
			"condition '%.*s': only the name of the selection can be said",
			(int)word.len, word.data);
	read_selection(s, &selection);
}

static bool has_digits(struct span s, size_t at, size_t n)
{
	if (s.len < at + n)
		return false;
	for (size_t i = at; i < at + n; i++)
		if (!isdigit((unsigned char)s.data[i]))
			return false;
	return true;
}

/* attack.t1547, attack.t1547.006: nothing else gets into what we print */
static bool is_technique(struct span tag)
{
	const size_t start = sizeof("attack.t") - 1, whole = start + 4;

	if (!span_starts_with(tag, SPAN("attack.t")) || !has_digits(tag, start, 4))
		return false;
	return tag.len == whole || (tag.len == whole + 4 && tag.data[whole] == '.' &&
				    has_digits(tag, whole + 1, 3));
}

/* attack.t1547.006 is a technique, and other words of attack. tactics, which are left out. */
static void read_tags(struct sigma *s, const struct yaml_pair *pair)
{
	struct fy_node *item;
	void *iterator = NULL;

	if (!pair->key || !yaml_is_sequence(&s->yaml, pair->value, pair->at, "tags"))
		return;
	while ((item = yaml_next_item(pair->value, &iterator))) {
		struct yaml_pair tag = { item, item, yaml_where(item, pair->at) };
		struct span word;

		if (!yaml_pair_text(&s->yaml, &tag, "a tag", &word) ||
		    !is_technique(word))
			continue;
		buffer_appendf(&s->attack, "%sT%.*s", s->attack.len ? ", " : "",
			       (int)word.len - 8, word.data + 8);
	}
}

static const char *severity_of(struct sigma *s, const struct yaml_pair *pair)
{
	static const struct {
		const char *level, *severity;
	} rows[] = {
		{ "informational", "info" }, { "low", "info" },
		{ "medium", "medium" },	     { "high", "high" },
		{ "critical", "critical" },
	};
	struct span word;

	if (!pair->key)
		return "medium";
	if (!yaml_pair_text(&s->yaml, pair, "level", &word))
		return "";
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (span_equal(word, span_from(rows[i].level)))
			return rows[i].severity;
	yaml_error_at(&s->yaml, pair->at, "level '%.*s' is none of Sigma's",
		      (int)word.len, word.data);
	return "";
}

static void append_quoted(struct buffer *out, struct span text)
{
	buffer_append_char(out, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\'')
			buffer_append_char(out, '\'');
		buffer_append_char(out, text.data[i]);
	}
	buffer_append_char(out, '\'');
}

/* One list of keywords is a rule for each. */
static void append_id(const struct sigma *s, struct buffer *to, size_t first, size_t n)
{
	buffer_appendf(to, "%s", s->id);
	if (n < s->n_keywords)
		buffer_appendf(to, "_%zu", first + 1);
	buffer_append_char(to, '\n');
}

/* The keywords from @first on, as a list and, as an example, one after the other. */
static void append_rule(struct sigma *s, size_t first, size_t n, const char *severity)
{
	struct buffer *out = s->out;

	append_id(s, s->ids, first, n);
	buffer_append_literal(out, "  - id: ");
	append_id(s, out, first, n);
	buffer_appendf(out, "    for: kernel_log\n    type: %s\n    severity: %s\n",
		       s->id, severity);
	buffer_append_literal(out, "    tags: [sigma]\n");
	if (s->attack.len)
		buffer_appendf(out, "    attack: [%.*s]\n", (int)s->attack.len,
			       s->attack.data);
	buffer_append_literal(out, "    contains: [");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buffer_append_literal(out, ", ");
		append_quoted(out, s->keywords[first + i]);
	}
	buffer_append_literal(out, "]\n    data: {message: '{text}'}\n    examples:\n"
				   "      - line: ");
	for (size_t i = 0; i < n; i++) {
		size_t begin = out->len;

		append_quoted(out, s->keywords[first + i]);
		if (i > 0) /* 'a' 'b' is no text of YAML: 'a b' is */
			out->data[begin] = ' ';
		if (i + 1 < n)
			out->len--;
	}
	buffer_append_literal(out, "\n");
}

static void convert(struct sigma *s, const char *path)
{
	struct yaml_pair parts[KEY_COUNT] = { 0 };
	struct yaml_at top = { 1, 1 };
	const char *severity;

	if (!yaml_collect(&s->yaml, s->yaml.root, top, "a Sigma rule", key_names,
			  KEY_COUNT, parts))
		return;
	if (!parts[TITLE].key || !parts[LOGSOURCE].key || !parts[DETECTION].key) {
		yaml_error_at(&s->yaml, top,
			      "a Sigma rule has title, logsource and detection");
		return;
	}
	if (yaml_pair_text(&s->yaml, &parts[TITLE], "title", &s->title))
		make_id(s);
	read_logsource(s, &parts[LOGSOURCE]);
	read_detection(s, &parts[DETECTION]);
	read_tags(s, &parts[TAGS]);
	severity = severity_of(s, &parts[LEVEL]);
	if (s->yaml.n_errors)
		return;
	buffer_append_literal(s->out, "  # from ");
	event_line_append_safe(s->out, span_from(path));
	buffer_append_char(s->out, '\n');
	if (s->is_all)
		append_rule(s, 0, s->n_keywords, severity);
	for (size_t i = 0; !s->is_all && i < s->n_keywords; i++)
		append_rule(s, i, 1, severity);
}

/* Return: 0; -EINVAL if it was refused; another -errno if it cannot be read. */
static int import(const char *path, struct buffer *out, struct buffer *ids,
		  struct buffer *errors)
{
	struct sigma s = { .out = out, .ids = ids };
	int r = yaml_load(path, errors, &s.yaml);

	if (r == 0)
		convert(&s, path);
	if (r == 0 && s.yaml.n_errors)
		r = -EINVAL;
	yaml_deinit(&s.yaml);
	buffer_deinit(&s.attack);
	return r;
}

/* Whatever a rule of Sigma's holds: what is printed are the rules that we made, and no more. */
static int check_made(const struct buffer *out, const struct buffer *ids,
		      struct buffer *errors)
{
	_cleanup_(rules_destroyp) struct rules *rules = NULL;
	_cleanup_buffer_ struct buffer found = { 0 };
	int r = rules_load_text("what was made", buffer_span(out), &rules, errors);

	if (r < 0)
		return r;
	for (size_t i = 0; i < rules_count(rules); i++) {
		struct rule_info info;

		rules_describe_at(rules, i, &info);
		buffer_append_span(&found, info.id);
		buffer_append_char(&found, '\n');
	}
	if (buffer_error(&found) || buffer_error(ids))
		return -ENOMEM;
	if (!span_equal(buffer_span(&found), buffer_span(ids)))
		return log_refusal("what was made has other rules than it should");
	return 0;
}

static int import_all(char **paths, size_t n, struct buffer *out, struct buffer *errors)
{
	_cleanup_buffer_ struct buffer ids = { 0 };
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		int e = import(paths[i], out, &ids, errors);

		if (e < 0 && (r == 0 || r == -EINVAL))
			r = e;
	}
	return r < 0 ? r : check_made(out, &ids, errors);
}

int sigma_import(char **paths, size_t n)
{
	_cleanup_buffer_ struct buffer out = { 0 }, errors = { 0 };
	int r;

	buffer_append_literal(&out, "# made by `lksm rules import-sigma`\nrules:\n");
	r = import_all(paths, n, &out, &errors);
	if (errors.len)
		(void)fwrite(errors.data, 1, errors.len, stderr);
	if (r < 0)
		return setup_exit_code(r, (const char *const *)paths, n);
	return buffer_error(&out) || write_all(STDOUT_FILENO, out.data, out.len) < 0
		       ? EXIT_TROUBLE
		       : EXIT_DONE;
}
