/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML files as people write them: read whole, with a position for every complaint, and
 * with the habits of all our files: keys are known words, none twice, no aliases, no
 * tags, one document. All complaints of a file are collected, not just the first.
 */
#ifndef CORE_YAML_H
#define CORE_YAML_H

#include <libfyaml.h>
#include <stdint.h>

#include "base/buffer.h"

/** YAML_FILE_MAX - larger files are refused */
#define YAML_FILE_MAX ((size_t)1 << 20)

/** A place in a file, both counted from 1. */
struct yaml_at {
	int line;
	int column;
};

struct yaml {
	const char *name;      /* as complaints call the file */
	struct buffer *errors; /* gets "name:line:column: text\n" */
	size_t n_errors;
	struct fy_node *root; /* NULL: the file holds nothing */
	struct fy_parser *parser;
	struct fy_diag *diag;
	struct fy_document *document;
	struct buffer file; /* what yaml_load() read */
};

/** One "key: value" of a mapping. */
struct yaml_pair {
	struct fy_node *key; /* NULL: not there */
	struct fy_node *value;
	struct yaml_at at; /* of the value, or of the key if the value is nothing */
};

/**
 * yaml_parse() - parse @text, which must outlive @ret, as does @name
 *
 * Return: 0; -EINVAL with complaints in @errors; -ENOMEM. yaml_deinit() is due in each
 * case.
 */
int yaml_parse(const char *name, struct span text, struct buffer *errors,
	       struct yaml *ret);

/**
 * yaml_read() - append a file's text, if it may be believed (base/safe_path.h)
 *
 * Return: 0; -EINVAL with a complaint in @errors; -ENOMEM.
 */
int yaml_read(const char *path, struct buffer *ret, struct buffer *errors);

/** yaml_load() - read and parse a file; a file that cannot be read is a complaint, too */
int yaml_load(const char *path, struct buffer *errors, struct yaml *ret);
void yaml_deinit(struct yaml *y);

/** yaml_error(), yaml_error_at() - complain; control bytes are shown escaped */
void yaml_error(struct yaml *y, struct fy_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void yaml_error_at(struct yaml *y, struct yaml_at at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** yaml_warning_at() - the same, but not an error: "name:1:2: warning: text" */
void yaml_warning_at(struct yaml *y, struct yaml_at at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** yaml_unknown() - complain that @word is not one of @names (NULL-terminated), name the
 * nearest */
void yaml_unknown(struct yaml *y, struct yaml_at at, const char *what, struct span word,
		  const char *const *names);

/** yaml_where() - a node's place, @fallback if it has none (an empty value) */
struct yaml_at yaml_where(struct fy_node *node, struct yaml_at fallback);

/** yaml_is_mapping(), yaml_is_sequence() - complain if @node is not; @what names it */
bool yaml_is_mapping(struct yaml *y, struct fy_node *node, struct yaml_at at,
		     const char *what);
bool yaml_is_sequence(struct yaml *y, struct fy_node *node, struct yaml_at at,
		      const char *what);

/**
 * yaml_collect() - sort a mapping's pairs by known keys
 * @names: n of them and a NULL
 * @ret: n places, filled
 *
 * Complains of unknown keys (naming the nearest), keys that come twice, and keys that are
 * not plain words. Return: false if @node is not a mapping.
 */
bool yaml_collect(struct yaml *y, struct fy_node *node, struct yaml_at at,
		  const char *what, const char *const *names, size_t n,
		  struct yaml_pair *ret);

/** yaml_next() - the next pair of a mapping; @iterator NULL at first; false at the end */
bool yaml_next(struct fy_node *mapping, void **iterator, struct yaml_pair *ret);

/** yaml_next_item() - the next item of a sequence, NULL at the end */
struct fy_node *yaml_next_item(struct fy_node *sequence, void **iterator);

/** yaml_place() - "path:line:column" of a node, for messages made elsewhere */
void yaml_place(struct yaml *y, struct fy_node *node, char *ret, size_t size);

/** yaml_text() - a copy of a scalar's text, for free(); NULL after a complaint */
char *yaml_text(struct yaml *y, struct fy_node *node, const char *what);

/** yaml_pair_text() - a value's text, which lives as long as @y; complains if it is none
 */
bool yaml_pair_text(struct yaml *y, const struct yaml_pair *pair, const char *what,
		    struct span *ret);

/** yaml_bool() - true or false, written bare */
bool yaml_bool(struct yaml *y, const struct yaml_pair *pair, const char *what, bool *ret);

/** yaml_is_plain() - a scalar without quotes: 12 and true, not '12' */
bool yaml_is_plain(struct fy_node *node);

/** yaml_is_flat() - a scalar written in the line, not a block of lines */
bool yaml_is_flat(struct fy_node *node);

/** yaml_is_list(), yaml_is_map() - without complaint */
bool yaml_is_list(struct fy_node *node);
bool yaml_is_map(struct fy_node *node);

#endif
