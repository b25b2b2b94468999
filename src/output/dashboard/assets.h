/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page's files, embedded in the binary. The table is made at build time from the
 * files in web/ by script/embed-assets; "/" is index.html.
 */
#ifndef OUTPUT_DASHBOARD_ASSETS_H
#define OUTPUT_DASHBOARD_ASSETS_H

#include <stddef.h>

struct asset {
	const char *path; /* "/style.css" */
	const char *type; /* "text/css; charset=utf-8" */
	const char *etag; /* quoted, a hash of the content */
	const unsigned char *data;
	size_t len;
};

/** assets - in order of path; ends with a row whose path is NULL */
extern const struct asset assets[];

#endif
