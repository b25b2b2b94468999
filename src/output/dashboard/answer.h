/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: every one of ours carries the same security headers. Each function queues one
 * answer and gives back what the connection's handler is to return; MHD_NO ends the
 * connection.
 */
#ifndef OUTPUT_DASHBOARD_ANSWER_H
#define OUTPUT_DASHBOARD_ANSWER_H

#include "base/buffer.h"
#include "output/dashboard/assets.h"
#include "output/dashboard/mhd.h"

#define TYPE_JSON    "application/json"
#define TYPE_PROBLEM "application/problem+json"

static inline void answer_destroyp(struct MHD_Response **response)
{
	if (*response)
		mhd.destroy_response(*response);
}

#define _cleanup_answer_ _cleanup_(answer_destroyp)

/**
 * answer_prepare() - the headers that all answers have, and a content type (NULL for
 * none) Return: 0 or -ENOMEM
 */
int answer_prepare(struct MHD_Response *response, const char *type);

/** answer_buffer() - @body's bytes, which are taken over; not to be cached */
enum MHD_Result answer_buffer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, struct buffer *body);

/** answer_error() - RFC 9457, {"detail": "@sentence", …}; with @header: @value, if not NULL */
enum MHD_Result answer_error(struct MHD_Connection *connection, unsigned int status,
			     const char *sentence, const char *header, const char *value);

/** answer_cookie() - 204 with a Set-Cookie */
enum MHD_Result answer_cookie(struct MHD_Connection *connection, const char *cookie);

/** answer_asset() - a file of the page, or 304 */
enum MHD_Result answer_asset(struct MHD_Connection *connection,
			     const struct asset *asset);

#endif
