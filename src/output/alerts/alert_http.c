// SPDX-License-Identifier: Apache-2.0
/*
 * A POST by libcurl. Redirects are not followed: where a message goes is the configuration's
 * to say. What comes back is looked at only to be shown.
 */
#include <errno.h>
#include <limits.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "output/alerts/alert_send.h"
#include "output/alerts/libcurl.h"

#define ANSWER_SHOWN ((size_t)100)
#define ANSWER_MAX   ((size_t)64 << 10)
#define AGENT	     "lksm/" LKSM_VERSION

static void clean_up(CURL **curl)
{
	if (*curl)
		libcurl.easy_cleanup(*curl);
}

static void free_headers(struct curl_slist **list)
{
	if (*list)
		libcurl.slist_free_all(*list);
}

int alert_http_start(struct buffer *error)
{
	int r = libcurl_load(error);

	if (r < 0 || libcurl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		return r;
	if (error)
		buffer_append_literal(error, "libcurl cannot be set up");
	return -EOPNOTSUPP;
}

struct answer {
	size_t n_bytes;
	char shown[ANSWER_SHOWN + 1];
};

static size_t take_answer(char *data, size_t size, size_t n, void *context)
{
	struct answer *answer = context;
	size_t len = size * n, have = strlen(answer->shown);
	size_t room = ANSWER_SHOWN - have;

	memcpy(answer->shown + have, data, len < room ? len : room);
	answer->shown[have + (len < room ? len : room)] = '\0';
	answer->n_bytes += len;
	return answer->n_bytes <= ANSWER_MAX ? len : 0;
}

static bool add_header(struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = libcurl.slist_append(*list, text);

	if (longer)
		*list = longer;
	return longer != NULL;
}

static bool add_headers(const struct alert_receiver *r, struct curl_slist **list)
{
	_cleanup_buffer_ struct buffer token = { 0 };
	bool is_good = add_header(list, "Content-Type: application/json") &&
		       add_header(list, "Expect:"); /* no waiting for 100 Continue */

	if (!r->token)
		return is_good;
	buffer_appendf(&token, "Authorization: Bearer %s", r->token);
	is_good = is_good && buffer_cstring(&token) && add_header(list, token.data);
	if (token.data)
		explicit_bzero(token.data, token.len);
	return is_good;
}

/* As libcurl would make it, which behind the sandbox cannot change its flags any more. */
static curl_socket_t open_socket(void *context, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	(void)context, (void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      address->protocol);
}

static bool set_up(CURL *curl, const struct alert_receiver *r, struct span body,
		   struct answer *answer)
{
	long timeout_ms = (long)(r->timeout_us / 1000);

	return libcurl.easy_setopt(curl, CURLOPT_URL, r->url) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") ==
		       CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_USERAGENT, AGENT) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) ==
		       CURLE_OK &&
	       (!r->ca_path ||
		libcurl.easy_setopt(curl, CURLOPT_CAINFO, r->ca_path) == CURLE_OK) &&
	       libcurl.easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.len) ==
		       CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_POSTFIELDS, body.data) == CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer) ==
		       CURLE_OK &&
	       libcurl.easy_setopt(curl, CURLOPT_WRITEDATA, answer) == CURLE_OK;
}

/* The statuses after which the same request may succeed: RFC 9110, RFC 6585, RFC 8470. */
static bool is_worth_a_retry(long status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

static void judge_status(CURL *curl, const struct answer *answer,
			 struct alert_outcome *ret)
{
	curl_off_t wait_s = 0;
	long status = 0;

	(void)libcurl.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	(void)libcurl.easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait_s);
	alert_outcome_set(ret,
			  status >= 200 && status < 300 ? ALERT_SENT
			  : is_worth_a_retry(status)	? ALERT_RETRY
							: ALERT_REFUSED,
			  "HTTP %ld%s%s", status, *answer->shown ? ": " : "",
			  answer->shown);
	if (wait_s > 0 && wait_s < INT32_MAX)
		ret->retry_after_us = (uint64_t)wait_s * USEC_PER_SEC;
}

/* The error's own text has no address in it, which may be a secret. */
static void judge(CURL *curl, CURLcode code, const struct answer *answer,
		  struct alert_outcome *ret)
{
	long status = 0;

	(void)libcurl.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && status))
		judge_status(curl, answer, ret);
	else
		alert_outcome_set(ret,
				  code == CURLE_UNSUPPORTED_PROTOCOL ||
						  code == CURLE_URL_MALFORMAT
					  ? ALERT_REFUSED
					  : ALERT_RETRY,
				  "%s", libcurl.easy_strerror(code));
}

void alert_http_post(const struct alert_receiver *r, struct span body,
		     struct alert_outcome *ret)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	bool is_there = libcurl.easy_init || alert_http_start(&error) == 0;
	_cleanup_(clean_up) CURL *curl = is_there ? libcurl.easy_init() : NULL;
	_cleanup_(free_headers) struct curl_slist *headers = NULL;
	struct answer answer = { 0 };

	if (!curl || !add_headers(r, &headers) || !set_up(curl, r, body, &answer) ||
	    libcurl.easy_setopt(curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK) {
		alert_outcome_set(ret, ALERT_RETRY, "%.*s",
				  error.len ? (int)error.len : INT_MAX,
				  error.len ? error.data : "libcurl cannot be set up");
		return;
	}
	judge(curl, libcurl.easy_perform(curl), &answer, ret);
}
