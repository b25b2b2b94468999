/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Muted events: what somebody knows, and need not be told of again. They are logged as always,
 * and found by a query; no alert is sent, and who watches does not see them unless he asks. A mute
 * says which events by at least one criterion, for how long, why, and who said so; they stand in
 * one file, which `lksm mute` writes (core/mutes_file.h):
 *
 *	mutes:
 *	  - id: 1
 *	    type: module_loaded
 *	    data: {module: nf_tables}
 *	    until: 2026-12-05T04:06:58Z
 *	    reason: the firewall's own
 *	    added: 2026-11-28T04:06:58Z
 *	    by: root (uid 0)
 *
 * What tells that the sensor, the log or the daemon is attacked is never muted, whatever stands
 * there: mutes_protect().
 */
#ifndef CORE_MUTES_H
#define CORE_MUTES_H

#include "core/filter.h"

#define MUTES_MAX	200
#define MUTES_FILE_MAX	((size_t)256 << 10)
#define MUTE_WORD_MAX	255 /* bytes of a criterion */
#define MUTE_REASON_MAX 500
#define MUTE_ID_MAX	UINT32_MAX

struct mute {
	uint64_t id;		     /* from 1 */
	uint64_t until_us, added_us; /* since 1970; 0: for ever, not known */
	char *reason, *by;	     /* owned; NULL: none */
	struct filter filter;	     /* types, rules, sources and data only */
};

/** Begin with { 0 }. */
struct mutes {
	size_t n;
	struct mute *items; /* owned */
};

void mute_deinit(struct mute *m);
void mutes_deinit(struct mutes *m);

#define _cleanup_mute_	_cleanup_(mute_deinit)
#define _cleanup_mutes_ _cleanup_(mutes_deinit)

/**
 * mutes_parse() - the text of such a file
 * @name: what complaints call it
 * @ret: set on success; for mutes_deinit()
 * @errors: gets a line with its place for each thing wrong
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int mutes_parse(const char *name, struct span text, struct mutes *ret,
		struct buffer *errors);

/** mutes_format() - the other way: append the whole file */
void mutes_format(const struct mutes *m, struct buffer *out);

/**
 * mutes_add() - one more, at the end
 * @mute: taken on success
 *
 * Return: 0; -E2BIG; -ENOMEM.
 */
int mutes_add(struct mutes *m, struct mute *mute);

/** mutes_remove() - take the one of place @i out */
void mutes_remove(struct mutes *m, size_t i);

/**
 * mute_check() - may it be in force? It needs a criterion, and may not be for what is protected
 * @why: gets a sentence, if not
 *
 * Return: 0; -EINVAL.
 */
int mute_check(const struct mute *m, struct buffer *why);

/** mute_check_text() - UTF-8 of at most @max bytes, not empty, without controls: 0 or -EINVAL */
int mute_check_text(struct span text, size_t max);

static inline bool mute_is_over(const struct mute *m, uint64_t now_us)
{
	return m->until_us && m->until_us <= now_us;
}

/** mute_append_what() - its criteria: "type=module_loaded data.module=nf_tables" */
void mute_append_what(const struct mute *m, struct buffer *out);

/** mute_append_json() - for programs: {"id": 1, "type": ["module_loaded"], "data":
 * ["module=nf_tables"], "until": "2026-12-05T04:06:58.000000Z", "reason": "…", "by": "…"}; what it
 * has not is not there */
void mute_append_json(const struct mute *m, struct buffer *out);

/** mutes_append_protected() - the types that nobody can mute: ["sensor_gone", …] */
void mutes_append_protected(struct buffer *out);

/** mutes_protects() - is this type one that nobody can mute? */
bool mutes_protects(struct span type);

/**
 * mutes_match() - is this event muted at @now_us?
 * @line: a logged line; not trusted. What is no event is not muted
 */
bool mutes_match(struct mutes *m, struct span line, uint64_t now_us);

#endif
