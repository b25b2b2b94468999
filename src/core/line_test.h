/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rule names a line, and what it gives: for who writes rules. Lines go through the same
 * naming as in the daemon; only a bare text without the sensor's tag is tried both ways, as the
 * sensor's and as the kernel's, since people write either.
 */
#ifndef CORE_LINE_TEST_H
#define CORE_LINE_TEST_H

#include "core/event.h"
#include "core/rules.h"

/** What became of one line. */
struct line_outcome {
	int result; /* 1 an event, 0 none */
	struct lksm_event event;
	struct rule_info info;
	bool has_info; /* a rule was found */
	bool is_match; /* by a rule, or the line names itself */
	bool is_guess; /* a bare text that only the sensor's catch-all knows */
};

struct line_test;

/** line_test_create() - @rules is borrowed and must live as long */
int line_test_create(const struct rules *rules, struct line_test **ret);
void line_test_destroy(struct line_test *t);

DEFINE_CLEANUP(struct line_test *, line_test_destroy)

/**
 * line_test_try() - one line
 * @line: a text, a line of dmesg or a record of /dev/kmsg; of more than LKSM_VALUE_MAX bytes,
 *	only the first
 * @ret: valid until the next call, and while @line is; its event's seq counts the calls
 *
 * Return: 0; -ENOMEM.
 */
int line_test_try(struct line_test *t, struct span line, const struct line_outcome **ret);

/** line_outcome_append_json() - {"line": …, "matched": true, "rule": …, "event": …} */
void line_outcome_append_json(struct span line, const struct line_outcome *o,
			      struct buffer *out);

#endif
