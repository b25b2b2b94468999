/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schemas made from the tables, for `lksm schema` and for the dashboard's columns. */
#ifndef CORE_SCHEMA_H
#define CORE_SCHEMA_H

#include "base/buffer.h"

/**
 * schema_append_event() - the event's JSON Schema (draft 2020-12), one indented document
 *
 * Properties stand in table order; each has title, description, type and x-lksm-view
 * ("table" or "detail").
 */
void schema_append_event(struct buffer *out);

/**
 * schema_append_types() - what the types of LKSM itself and of its sensor mean, as JSON:
 * {"module_hidden": {"attack": ["T1014"], "sentence": "A kernel module is missing …"}, …}
 */
void schema_append_types(struct buffer *out);

#endif
