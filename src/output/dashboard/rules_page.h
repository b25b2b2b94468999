/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /api/v1/rules and /api/v1/rules/test: the rules that are in force, and what they make of a
 * line. Their texts came with the process; they are parsed at the first request, behind the
 * process' locks, and regexes are interpreted, with the limits that they have in core.
 */
#ifndef OUTPUT_DASHBOARD_RULES_PAGE_H
#define OUTPUT_DASHBOARD_RULES_PAGE_H

#include "core/counters.h"
#include "core/rules.h"

/** Begin with { .files, .counters }. */
struct rules_page {
	const struct rules_files *files;
	const struct counters *counters; /* may be NULL */
	struct rules *rules;		 /* NULL: not parsed yet */
};

void rules_page_deinit(struct rules_page *page);

/** rules_page_append_list() - {"rules": [{"id": …, …}]}; 0; -errno */
int rules_page_append_list(struct rules_page *page, struct buffer *out);

/** rules_page_append_test() - as `lksm test --json` (core/line_test.h); 0; -errno */
int rules_page_append_test(struct rules_page *page, struct span line, struct buffer *out);

#endif
