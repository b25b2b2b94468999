// SPDX-License-Identifier: Apache-2.0
/* See yaml.h. libfyaml does the parsing; it is kept from printing anything itself. */
#include "core/yaml.h"

#include <errno.h>
#include <stdarg.h>

#include "base/file.h"
#include "base/planted.h"
#include "base/safe_path.h"
#include "base/suggest.h"
#include "base/utf8.h"

#define COMPLAINT_MAX 1024

static void append_visible(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			buffer_appendf(out, "\\x%02x", c);
		else
			buffer_append_char(out, (char)c);
	}
}

static void complain(struct yaml *y, struct yaml_at at, const char *prefix,
		     const char *format, va_list args)
{
	char text[COMPLAINT_MAX];

	/* a cut complaint is good enough */
	(void)vsnprintf(text, sizeof(text), format, args);
	append_visible(y->errors, y->name);
	if (at.line)
		buffer_appendf(y->errors, ":%d:%d", at.line, at.column);
	buffer_appendf(y->errors, ": %s", prefix);
	append_visible(y->errors, text);
	buffer_append_char(y->errors, '\n');
}

void yaml_error_at(struct yaml *y, struct yaml_at at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(y, at, "", format, args);
	va_end(args);
	y->n_errors++;
}

void yaml_place(struct yaml *y, struct fy_node *node, char *ret, size_t size)
{
	struct yaml_at at = yaml_where(node, (struct yaml_at){ 1, 1 });

	(void)snprintf(ret, size, "%s:%d:%d", y->name, at.line, at.column);
}

void yaml_error(struct yaml *y, struct fy_node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(y, yaml_where(node, (struct yaml_at){ 1, 1 }), "", format, args);
	va_end(args);
	y->n_errors++;
}

void yaml_warning_at(struct yaml *y, struct yaml_at at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(y, at, "warning: ", format, args);
	va_end(args);
}

/* libfyaml takes bytes that are not UTF-8 for the end of the text. */
static bool is_text(struct yaml *y, struct span s)
{
	struct yaml_at at = { 1, 1 };
	uint32_t code;

	while (s.len) {
		size_t n = utf8_decode(s, &code);
		bool is_control = n == 1 && (code < 0x20 || code == 0x7f) &&
				  code != '\t' && code != '\n' && code != '\r';

		if (n == 0 || is_control) {
			yaml_error_at(y, at, n ? "a control byte" : "not UTF-8");
			return false;
		}
		at.column++;
		if (code == '\n')
			at = (struct yaml_at){ at.line + 1, 1 };
		s = span_skip(s, n);
	}
	return true;
}

static int parser_create(struct yaml *y)
{
	struct fy_parse_cfg config = {
		.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_ALLOW_DUPLICATE_KEYS |
			 FYPCF_JSON_NONE,
	};
	struct fy_diag_cfg diag_config;

	fy_diag_cfg_default(&diag_config);
	diag_config.fp = NULL;
	y->diag = fy_diag_create(&diag_config);
	if (!y->diag)
		return -ENOMEM;
	fy_diag_set_collect_errors(y->diag, true);
	config.diag = y->diag;
	y->parser = fy_parser_create(&config);
	return y->parser ? 0 : -ENOMEM;
}

static int take_syntax_errors(struct yaml *y)
{
	const struct fy_diag_error *error;
	void *iterator = NULL;

	if (!fy_parser_get_stream_error(y->parser))
		return 0;
	while ((error = fy_diag_errors_iterate(y->diag, &iterator)))
		yaml_error_at(y, (struct yaml_at){ error->line, error->column }, "%s",
			      error->msg);
	/* of '>0', for one, libfyaml does not say what is wrong */
	if (!y->n_errors)
		yaml_error_at(y, (struct yaml_at){ 0, 0 },
			      "it is not YAML, or there is no memory to read it");
	return -EINVAL;
}

static int parse_documents(struct yaml *y)
{
	struct fy_document *second;
	int r;

	y->document = fy_parse_load_document(y->parser);
	r = take_syntax_errors(y);
	if (r < 0 || !y->document)
		return r;
	y->root = fy_document_root(y->document);
	if (y->root && fy_node_is_null(y->root))
		y->root = NULL;
	second = fy_parse_load_document(y->parser);
	r = take_syntax_errors(y);
	if (!second)
		return r;
	yaml_error_at(y, yaml_where(fy_document_root(second), (struct yaml_at){ 0, 0 }),
		      "a second document (a line '---'): one is allowed");
	fy_parse_document_destroy(y->parser, second);
	return -EINVAL;
}

int yaml_parse(const char *name, struct span text, struct buffer *errors,
	       struct yaml *ret)
{
	int r;

	*ret = (struct yaml){ .name = name, .errors = errors };
	if (text.len > YAML_FILE_MAX) {
		yaml_error_at(ret, (struct yaml_at){ 0, 0 }, "larger than %zu bytes",
			      YAML_FILE_MAX);
		return -EINVAL;
	}
	if (!is_text(ret, text))
		return -EINVAL;
	if (text.len == 0)
		return 0;
	planted_run(text);
	r = parser_create(ret);
	if (r == 0 && fy_parser_set_string(ret->parser, text.data, text.len) < 0)
		r = -ENOMEM;
	return r < 0 ? r : parse_documents(ret);
}

static int refuse_file(const char *path, struct buffer *errors, const char *why)
{
	struct yaml y = { .name = path, .errors = errors };

	yaml_error_at(&y, (struct yaml_at){ 0, 0 }, "cannot read it: %s", why);
	return -EINVAL;
}

int yaml_read(const char *path, struct buffer *ret, struct buffer *errors)
{
	_cleanup_buffer_ struct buffer reason = { 0 };
	_cleanup_close_ int fd = safe_path_open(path, safe_path_is_strict(path), &reason);
	int r;

	if (fd == -EACCES && buffer_cstring(&reason))
		return refuse_file(path, errors, reason.data);
	ret->limit = YAML_FILE_MAX + 1;
	r = fd < 0 ? fd : read_rest(fd, YAML_FILE_MAX, ret);
	return r < 0 && r != -ENOMEM ? refuse_file(path, errors, strerror(-r)) : r;
}

int yaml_load(const char *path, struct buffer *errors, struct yaml *ret)
{
	struct buffer file = { 0 };
	int r = yaml_read(path, &file, errors);

	if (r < 0)
		*ret = (struct yaml){ .name = path, .errors = errors };
	else
		r = yaml_parse(path, buffer_span(&file), errors, ret);
	ret->file = file;
	return r;
}

void yaml_deinit(struct yaml *y)
{
	if (y->document)
		fy_parse_document_destroy(y->parser, y->document);
	if (y->parser)
		fy_parser_destroy(y->parser);
	if (y->diag)
		fy_diag_destroy(y->diag);
	buffer_deinit(&y->file);
	*y = (struct yaml){ 0 };
}

/* Where a node's first scalar stands; a mapping or sequence has no place of its own. */
struct yaml_at yaml_where(struct fy_node *node, struct yaml_at fallback)
{
	const struct fy_mark *mark;
	struct fy_token *token;

	while (node && !fy_node_is_scalar(node)) {
		struct fy_node_pair *pair;
		void *iterator = NULL;

		if (fy_node_is_sequence(node)) {
			node = fy_node_sequence_iterate(node, &iterator);
			continue;
		}
		pair = fy_node_mapping_iterate(node, &iterator);
		node = pair ? fy_node_pair_key(pair) : NULL;
	}
	token = node ? fy_node_get_scalar_token(node) : NULL;
	mark = token ? fy_token_start_mark(token) : NULL;
	if (!mark)
		return fallback;
	return (struct yaml_at){ mark->line + 1, mark->column + 1 };
}

bool yaml_is_list(struct fy_node *node)
{
	return node && fy_node_is_sequence(node);
}

bool yaml_is_map(struct fy_node *node)
{
	return node && fy_node_is_mapping(node);
}

bool yaml_is_mapping(struct yaml *y, struct fy_node *node, struct yaml_at at,
		     const char *what)
{
	if (yaml_is_map(node))
		return true;
	yaml_error_at(y, at, "%s must be a mapping (key: value)", what);
	return false;
}

bool yaml_is_sequence(struct yaml *y, struct fy_node *node, struct yaml_at at,
		      const char *what)
{
	if (yaml_is_list(node))
		return true;
	yaml_error_at(y, at, "%s must be a list", what);
	return false;
}

bool yaml_next(struct fy_node *mapping, void **iterator, struct yaml_pair *ret)
{
	struct fy_node_pair *pair = fy_node_mapping_iterate(mapping, iterator);
	struct yaml_at at;

	if (!pair)
		return false;
	ret->key = fy_node_pair_key(pair);
	ret->value = fy_node_pair_value(pair);
	at = yaml_where(ret->key, yaml_where(mapping, (struct yaml_at){ 0, 0 }));
	ret->at = yaml_where(ret->value, at);
	return true;
}

struct fy_node *yaml_next_item(struct fy_node *sequence, void **iterator)
{
	return fy_node_sequence_iterate(sequence, iterator);
}

static bool scalar_text(struct fy_node *node, struct span *ret)
{
	if (!node || !fy_node_is_scalar(node) || fy_node_is_alias(node) ||
	    fy_node_get_tag_token(node))
		return false;
	ret->data = fy_node_get_scalar(node, &ret->len);
	return ret->data != NULL;
}

bool yaml_pair_text(struct yaml *y, const struct yaml_pair *pair, const char *what,
		    struct span *ret)
{
	if (pair->value && fy_node_is_scalar(pair->value) &&
	    fy_node_is_alias(pair->value))
		yaml_error_at(y, pair->at, "%s: aliases are not supported", what);
	else if (pair->value && fy_node_get_tag_token(pair->value))
		yaml_error_at(y, pair->at, "%s: tags are not supported", what);
	else if (!pair->value || fy_node_is_null(pair->value))
		yaml_error_at(y, pair->at, "%s has no value", what);
	else if (!scalar_text(pair->value, ret))
		yaml_error_at(y, pair->at, "%s must be text", what);
	else
		return true;
	return false;
}

char *yaml_text(struct yaml *y, struct fy_node *node, const char *what)
{
	struct yaml_pair pair = { .value = node,
				  .at = yaml_where(node, (struct yaml_at){ 0, 0 }) };
	struct span text;
	char *copy;

	if (!yaml_pair_text(y, &pair, what, &text))
		return NULL;
	if (memchr(text.data, '\0', text.len)) {
		yaml_error_at(y, pair.at, "%s must not contain a NUL byte", what);
		return NULL;
	}
	copy = strndup(text.data, text.len);
	if (!copy)
		yaml_error_at(y, pair.at, "out of memory");
	return copy;
}

bool yaml_bool(struct yaml *y, const struct yaml_pair *pair, const char *what, bool *ret)
{
	struct span text;

	if (!yaml_pair_text(y, pair, what, &text))
		return false;
	*ret = span_equal(text, SPAN("true"));
	if (yaml_is_plain(pair->value) && (*ret || span_equal(text, SPAN("false"))))
		return true;
	yaml_error_at(y, pair->at, "%s must be true or false", what);
	return false;
}

bool yaml_is_plain(struct fy_node *node)
{
	return fy_node_get_style(node) == FYNS_PLAIN;
}

bool yaml_is_flat(struct fy_node *node)
{
	enum fy_node_style style = fy_node_get_style(node);

	return style == FYNS_PLAIN || style == FYNS_SINGLE_QUOTED ||
	       style == FYNS_DOUBLE_QUOTED;
}

void yaml_unknown(struct yaml *y, struct yaml_at at, const char *what, struct span word,
		  const char *const *names)
{
	char text[COMPLAINT_MAX / 2];
	const char *near;

	(void)snprintf(text, sizeof(text), "%.*s", (int)word.len, word.data);
	near = suggest(text, names);
	if (near)
		yaml_error_at(y, at, "unknown %s '%s' (did you mean '%s'?)", what, text,
			      near);
	else
		yaml_error_at(y, at, "unknown %s '%s'", what, text);
}

static void collect_pair(struct yaml *y, const struct yaml_pair *pair,
			 const char *const *names, size_t n, struct yaml_pair *ret)
{
	struct yaml_at at = yaml_where(pair->key, pair->at);
	struct span word;

	if (!scalar_text(pair->key, &word)) {
		yaml_error_at(y, at, "a key must be a word");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!span_equal(word, span_from(names[i])))
			continue;
		if (ret[i].key)
			yaml_error_at(y, at, "'%s' comes twice", names[i]);
		ret[i] = *pair;
		return;
	}
	yaml_unknown(y, at, "key", word, names);
}

bool yaml_collect(struct yaml *y, struct fy_node *node, struct yaml_at at,
		  const char *what, const char *const *names, size_t n,
		  struct yaml_pair *ret)
{
	struct yaml_pair pair;
	void *iterator = NULL;

	memset(ret, 0, n * sizeof(*ret));
	if (!yaml_is_mapping(y, node, at, what))
		return false;
	while (yaml_next(node, &iterator, &pair))
		collect_pair(y, &pair, names, n, ret);
	return true;
}
