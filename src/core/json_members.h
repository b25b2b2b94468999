/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a JSON object, one after another, without building a tree: quick enough
 * to pass over most lines of a large log. Only quotes, escapes and brackets are looked
 * at, so what comes from it is for choosing lines; who shows one parses it.
 */
#ifndef CORE_JSON_MEMBERS_H
#define CORE_JSON_MEMBERS_H

#include "base/buffer.h"
#include "base/span.h"

struct json_members {
	struct span rest;
	bool has_begun;
};

/** json_members_begin() - @object, e.g. a logged line, must live as long as @m */
void json_members_begin(struct json_members *m, struct span object);

/**
 * json_members_next() - the next member
 * @ret_key: as it stands between its quotes
 * @ret_value: as it stands: "text" with its quotes, 12, {…}
 *
 * Return: 1; 0 at the end of the object; -EBADMSG if it is none.
 */
int json_members_next(struct json_members *m, struct span *ret_key,
		      struct span *ret_value);

/**
 * json_member_text() - a value as text: a string without quotes and escapes, anything
 * else as it stands
 * @scratch: holds the text if there was an escape in it
 *
 * Return: 0; -EBADMSG; -ENOMEM.
 */
int json_member_text(struct span value, struct buffer *scratch, struct span *ret);

#endif
