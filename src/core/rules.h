/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules turn a line of text into (type, severity, data). They are loaded whole from YAML
 * files or not at all; the first rule that matches, in file and line order, wins.
 *
 *	rules:
 *	  - id: module_loaded
 *	    match: 'Module loaded: {module} by uid {uid:int}'
 *	    severity: medium
 *	    examples:
 *	      - line: 'Module loaded: nf_tables by uid 0'
 *	        data: {module: nf_tables, uid: 0}
 *
 * docs/adding-a-rule.md describes every key.
 */
#ifndef CORE_RULES_H
#define CORE_RULES_H

#include "base/buffer.h"
#include "core/event.h"

struct rules;

/** What a line is: rules ask for one or the other (`for: photon_ring`, `for:
 * kernel_log`). */
enum rules_scope {
	RULES_PHOTON_RING, /* trusted text behind the sensor's tag */
	RULES_KERNEL_LOG,  /* any other kernel-log line */
	RULES_SCOPE_COUNT,
};

/**
 * rules_load() - read every *.yaml of some folders and files, in order of file name
 * @paths: n_paths folders or files; a file name that comes twice: the later folder's wins
 * @ret: the rules; the caller's to rules_destroy()
 * @errors: gets one line each, "rules/x.yaml:12:7: unknown severity 'hgih' (did you mean
 *	'high'?)", newline included; also warnings ("rules/x.yaml:3:5: warning: …"), which
 *	keep nothing from being loaded
 *
 * Examples are run; one that fails is an error like any other. At least one error:
 *nothing is loaded. A rule with `any: true` comes behind all others of its scope.
 *
 * Return: 0; -EINVAL if @errors says why; -ENOMEM.
 */
int rules_load(const char *const *paths, size_t n_paths, struct rules **ret,
	       struct buffer *errors);

/** A file of rules: its text, not understood yet. */
struct rules_file {
	char *path;    /* owned */
	size_t folder; /* which of the caller's paths it came from */
	struct buffer text;
};

struct rules_files {
	size_t n;
	struct rules_file *items; /* in their order */
};

/**
 * rules_read() - the first half of rules_load(): find the files and read them
 * @ret: zeroed before; for rules_files_deinit(), whatever the result is
 *
 * Return: 0; -EINVAL if @errors says why; -ENOMEM.
 */
int rules_read(const char *const *paths, size_t n_paths, struct rules_files *ret,
	       struct buffer *errors);

/** rules_load_files() - the second half, which opens nothing */
int rules_load_files(const struct rules_files *files, struct rules **ret,
		     struct buffer *errors);

/**
 * rules_load_known() - as rules_load_files(), of files that another process has loaded before:
 * examples are not run, and no regex becomes machine code, for who may not make any
 */
int rules_load_known(const struct rules_files *files, struct rules **ret,
		     struct buffer *errors);

/** rules_load_all() - as rules_load(); @ret_files: the files, for rules_files_deinit() */
int rules_load_all(const char *const *paths, size_t n_paths, struct rules **ret,
		   struct rules_files *ret_files, struct buffer *errors);

/**
 * rules_files_add() - one more, without text; of two of the same name the last stays
 * @path: taken, also on failure
 *
 * Return: 0; -ENOMEM; -E2BIG.
 */
int rules_files_add(struct rules_files *files, char *path, size_t folder);

void rules_files_deinit(struct rules_files *files);

/** rules_files_equal() - the same files with the same texts, in the same order */
bool rules_files_equal(const struct rules_files *a, const struct rules_files *b);

/** rules_load_text() - the same for one file's text; @name is what complaints call it */
int rules_load_text(const char *name, struct span text, struct rules **ret,
		    struct buffer *errors);

void rules_destroy(struct rules *rules);

DEFINE_CLEANUP(struct rules *, rules_destroy)

/**
 * rules_find_pack() - the file of a pack that is shipped but off: available/NAME.yaml, or
 * available/NN-NAME.yaml, in one of the folders
 * @ret: its path, for free()
 *
 * Return: 0; -ENOENT; -ENOMEM.
 */
int rules_find_pack(const char *const *folders, size_t n_folders, const char *name,
		    char **ret);

/**
 * rules_list_packs() - the files in available/ of the folders, by name, without their text
 * @ret: zeroed before; for rules_files_deinit(), whatever the result is
 *
 * Return: 0; -ENOMEM. A folder that cannot be read has none.
 */
int rules_list_packs(const char *const *folders, size_t n_folders,
		     struct rules_files *ret);

/** rules_pack_is() - is this the file of the pack called @name? */
bool rules_pack_is(const char *path, const char *name);

/** rules_pack_name() - of its file: "kernel" of available/20-kernel.yaml; points into @path */
struct span rules_pack_name(const char *path);

size_t rules_count(const struct rules *rules);

/** What can be told about a rule; everything lives as long as the rules. */
struct rule_info {
	const char *file;
	int line;
	struct span condition; /* "match 'Module loaded: {module} by uid {uid:int}'" */
	size_t n_examples;
	bool is_any;
	bool is_drop;
	enum rules_scope scope;
	enum lksm_severity severity;
	struct span id, type, tags, attack;
};

/** rules_describe_at() - the rule number @i of rules_count(), in the order of the files */
void rules_describe_at(const struct rules *rules, size_t i, struct rule_info *ret);

/** rules_example() - the line of its example number @i; absent if there is none */
struct span rules_example(const struct rules *rules, struct span id, size_t i);

/** rules_describe() - the rule of this id; false if there is none */
bool rules_describe(const struct rules *rules, struct span id, struct rule_info *ret);

/** rules_wants() - is there any rule for lines of this scope? */
bool rules_wants(const struct rules *rules, enum rules_scope scope);

/** Working memory for rules_match(); one per thread, reused from line to line. */
struct rules_scratch;
int rules_scratch_create(const struct rules *rules, struct rules_scratch **ret);
void rules_scratch_destroy(struct rules_scratch *scratch);

DEFINE_CLEANUP(struct rules_scratch *, rules_scratch_destroy)

struct rules_stats {
	uint64_t lines;	     /* given to rules_match() */
	uint64_t tried;	     /* rules that had to be looked at for them */
	uint64_t limit_hits; /* times a regex took too long, so that its rule was passed
				over */
	size_t n_exhausted;  /* rules that this happened to */
};

const struct rules_stats *rules_scratch_stats(const struct rules_scratch *scratch);

/** rules_next_exhausted() - the id of such a rule, each told once; NULL if there is no
 * more */
const char *rules_next_exhausted(const struct rules *rules,
				 struct rules_scratch *scratch);

/**
 * rules_match() - name a line
 * @text: decoded text, without the tag; any bytes, at most LKSM_VALUE_MAX of them count
 * @event: type, severity, data, rule, tags and attack are set on a match; their spans
 *	point into @text, @rules or @scratch and hold until the next call with @scratch
 *
 * Return: 1 if a rule matched, 2 if it matched and says `drop: true` (of @event only rule
 * is set), 0 if none did; -ENOMEM.
 */
int rules_match(const struct rules *rules, struct rules_scratch *scratch,
		enum rules_scope scope, struct span text, struct lksm_event *event);

#endif
