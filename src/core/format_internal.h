/* SPDX-License-Identifier: Apache-2.0 */
/* What the formats share: an event's values, with the types that they want. */
#ifndef CORE_FORMAT_INTERNAL_H
#define CORE_FORMAT_INTERNAL_H

#include "core/event.h"
#include "core/format.h"

/* Who made the event, as the formats want to know. */
#define FORMAT_PRODUCT "lksm"
#define FORMAT_VENDOR  "LKSM"

/** format_text() - a text of the event; data is NULL if it has none of this name */
struct span format_text(const json_t *event, const char *name);

/** format_severity() - 0 and @ret, or -EBADMSG */
int format_severity(const json_t *event, enum lksm_severity *ret);

/** format_time_us() - since 1970; false: the event has no time */
bool format_time_us(const json_t *event, uint64_t *ret);

/** format_append_escaped() - text without control bytes (#012, as rsyslog) and with @escape
 * before each byte of @special */
void format_append_escaped(struct buffer *out, struct span text, const char *special,
			   char escape);

/**
 * format_append_member() - the event's member of this name: a text as it is, words with
 * spaces between them, seconds with six decimals, else JSON; nothing if it is absent
 *
 * Return: 0; -ENOMEM.
 */
int format_append_member(struct buffer *out, const json_t *event, const char *name);

/** format_put() - put a member that may be NULL (then it is left out); @value is taken */
void format_put(json_t *object, const char *key, json_t *value);

/** format_copy() - the event's member of this name, for format_put(), or NULL */
json_t *format_copy(const json_t *event, const char *name);

/** format_append_json() - dump and release; 0, -EBADMSG if it is NULL, -ENOMEM */
int format_append_json(struct buffer *out, json_t *object);

int format_csv(struct buffer *out, json_t *event);
int format_ecs(struct buffer *out, json_t *event);
int format_ocsf(struct buffer *out, json_t *event);
int format_cef(struct buffer *out, json_t *event);
int format_otlp(struct buffer *out, json_t *event);
int format_syslog(struct buffer *out, json_t *event);

#endif
