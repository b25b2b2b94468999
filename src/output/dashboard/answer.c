// SPDX-License-Identifier: Apache-2.0
/* See answer.h. */
#include "output/dashboard/answer.h"

#include <errno.h>
#include <string.h>

#define RETRY_SECONDS	"5"
#define CACHE_NEVER	"no-store"
#define CACHE_ASK_FIRST "no-cache" /* keep it, but ask with its ETag each time */

/* Strict-Transport-Security is not among them: it would bind all ports of our host name. */
static const struct {
	const char *name, *value;
} common_headers[] = {
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
	  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors "
	  "'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
};

static int add_header(struct MHD_Response *response, const char *name, const char *value)
{
	return mhd.add_response_header(response, name, value) == MHD_YES ? 0 : -ENOMEM;
}

static int prepare(struct MHD_Response *response, const char *type, const char *cache)
{
	int r = add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, cache);

	if (r == 0 && type)
		r = add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(common_headers); i++)
		r = add_header(response, common_headers[i].name, common_headers[i].value);
	return r;
}

int answer_prepare(struct MHD_Response *response, const char *type)
{
	return prepare(response, type, CACHE_NEVER);
}

enum MHD_Result answer_buffer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, struct buffer *body)
{
	_cleanup_answer_ struct MHD_Response *response = NULL;
	size_t len = body->len;

	if (buffer_error(body))
		return MHD_NO;
	response = mhd.create_response_from_buffer(len, body->data,
						   MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	*body = (struct buffer){ 0 };
	if (answer_prepare(response, type) < 0)
		return MHD_NO;
	if ((status == MHD_HTTP_SERVICE_UNAVAILABLE ||
	     status == MHD_HTTP_TOO_MANY_REQUESTS) &&
	    add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_SECONDS) < 0)
		return MHD_NO;
	return mhd.queue_response(connection, status, response);
}

enum MHD_Result answer_error(struct MHD_Connection *connection, unsigned int status,
			     const char *sentence, const char *header, const char *value)
{
	_cleanup_answer_ struct MHD_Response *response = NULL;
	_cleanup_buffer_ struct buffer body = { 0 };

	buffer_appendf(&body,
		       "{\"type\": \"about:blank\", \"title\": \"%s\", \"status\": %u, "
		       "\"detail\": \"%s\"}\n",
		       mhd.get_reason_phrase_for(status), status, sentence);
	if (buffer_error(&body))
		return MHD_NO;
	response = mhd.create_response_from_buffer(body.len, body.data,
						   MHD_RESPMEM_MUST_COPY);
	if (!response || answer_prepare(response, TYPE_PROBLEM) < 0)
		return MHD_NO;
	if (header && add_header(response, header, value) < 0)
		return MHD_NO;
	return mhd.queue_response(connection, status, response);
}

enum MHD_Result answer_cookie(struct MHD_Connection *connection, const char *cookie)
{
	_cleanup_answer_ struct MHD_Response *response = mhd.create_response_from_buffer(
		0, NULL, MHD_RESPMEM_PERSISTENT);

	if (!response || answer_prepare(response, NULL) < 0 ||
	    add_header(response, MHD_HTTP_HEADER_SET_COOKIE, cookie) < 0)
		return MHD_NO;
	return mhd.queue_response(connection, MHD_HTTP_NO_CONTENT, response);
}

/* If-None-Match: a list of tags, weak ones compare alike (RFC 9110, 13.1.2), or "*". */
static bool has_already(struct MHD_Connection *connection, const struct asset *asset)
{
	const char *tags = mhd.lookup_connection_value(connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_IF_NONE_MATCH);

	return tags && (!strcmp(tags, "*") || strstr(tags, asset->etag));
}

enum MHD_Result answer_asset(struct MHD_Connection *connection, const struct asset *asset)
{
	_cleanup_answer_ struct MHD_Response *response = NULL;
	bool is_unchanged = has_already(connection, asset);

	response = mhd.create_response_from_buffer(
		is_unchanged ? 0 : asset->len, is_unchanged ? NULL : (void *)asset->data,
		MHD_RESPMEM_PERSISTENT);
	if (!response || prepare(response, asset->type, CACHE_ASK_FIRST) < 0 ||
	    add_header(response, MHD_HTTP_HEADER_ETAG, asset->etag) < 0)
		return MHD_NO;
	return mhd.queue_response(
		connection, is_unchanged ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}
