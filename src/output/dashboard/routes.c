// SPDX-License-Identifier: Apache-2.0
/*
 * The routes and their guards. Each guard is one function that answers and so ends the
 * request, or lets it pass; their order is that of routes_answer().
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include "lksm/module.h"

#include "base/clock.h"
#include "base/planted.h"
#include "base/text.h"
#include "core/schema.h"
#include "output/dashboard/answer.h"
#include "output/dashboard/http_host.h"
#include "output/dashboard/http_value.h"
#include "output/dashboard/openapi.h"
#include "output/dashboard/server.h"

enum method {
	METHOD_GET = 1 << 0,
	METHOD_HEAD = 1 << 1,
	METHOD_POST = 1 << 2,
	METHOD_DELETE = 1 << 3,
};

/* What the guards look at. */
struct request {
	struct server *server;
	struct MHD_Connection *connection;
	enum method method; /* 0: one that no route knows */
	const char *path;
	struct span host; /* absent unless there is exactly one */
	const struct route *route;
	struct query_job **ret_job; /* of what is asked of the history */
	bool is_known; /* it has the token, or the cookie that stands for it */
};

struct route {
	const char *path;
	const char *allow; /* for 405 */
	unsigned int methods;
	bool needs_auth;
	enum MHD_Result (*answer)(const struct request *request);
	enum query_operation operation; /* answer_query()'s */
};

struct header_search {
	const char *name;
	struct span value;
	size_t n;
};

static enum MHD_Result note_header(void *context, enum MHD_ValueKind kind,
				   const char *key, size_t key_len, const char *value,
				   size_t value_len)
{
	struct header_search *search = context;

	(void)kind;
	if (key_len != strlen(search->name) ||
	    strncasecmp(key, search->name, key_len) != 0)
		return MHD_YES;
	search->value = (struct span){ value ? value : "", value ? value_len : 0 };
	search->n++;
	return MHD_YES;
}

/* The header's value; absent if it is not there, or more than once, which may not be. */
static struct span find_header(struct MHD_Connection *connection, const char *name,
			       size_t *ret_n)
{
	struct header_search search = { .name = name };

	(void)mhd.get_connection_values_n(connection, MHD_HEADER_KIND, note_header,
					  &search);
	*ret_n = search.n;
	return search.n == 1 ? search.value : (struct span){ 0 };
}

static enum MHD_Result answer_events(const struct request *request)
{
	return snapshots_answer(&request->server->snapshots, request->connection);
}

static enum MHD_Result answer_stream(const struct request *request)
{
	struct MHD_Connection *connection = request->connection;
	struct span text;
	const char *query;
	uint64_t after;
	size_t n;

	/* The header is the later word: a browser sends it when it comes back by itself.
	 */
	text = find_header(connection, "Last-Event-ID", &n);
	if (n == 0) {
		query = mhd.lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND,
						    "last_event_id");
		text = span_from(query);
		n = query ? 1 : 0;
	}
	if (n == 0)
		return streams_answer(&request->server->streams, connection, NULL);
	if (!http_parse_u64(text, &after))
		return answer_error(connection, MHD_HTTP_BAD_REQUEST,
				    "the id to resume after is no number", NULL, NULL);
	return streams_answer(&request->server->streams, connection, &after);
}

static enum MHD_Result answer_schema(const struct request *request)
{
	_cleanup_buffer_ struct buffer body = { 0 };

	schema_append_event(&body);
	return answer_buffer(request->connection, MHD_HTTP_OK, "application/schema+json",
			     &body);
}

static enum MHD_Result answer_health(const struct request *request)
{
	_cleanup_buffer_ struct buffer body = { 0 };
	unsigned int status = health_append(request->server->options, &body);

	return answer_buffer(request->connection, status, TYPE_JSON, &body);
}

static enum MHD_Result answer_status(const struct request *request)
{
	_cleanup_buffer_ struct buffer body = { 0 };

	status_append(request->server->options, &body);
	return answer_buffer(request->connection, MHD_HTTP_OK, TYPE_JSON, &body);
}

static enum MHD_Result answer_types(const struct request *request)
{
	_cleanup_buffer_ struct buffer body = { 0 };

	schema_append_types(&body);
	return answer_buffer(request->connection, MHD_HTTP_OK, TYPE_JSON, &body);
}

static enum MHD_Result answer_metrics(const struct request *request)
{
	const struct server *server = request->server;
	const struct dashboard_options *options = server->options;
	const struct metrics_source source = {
		.ring = options->ring,
		.counters = options->counters,
		.http = &server->counters,
		.n_streams = server->streams.n,
		.n_missed = server->streams.n_missed,
		.is_up = health_is_up(options),
	};
	_cleanup_buffer_ struct buffer body = { 0 };

	metrics_append(&source, clock_now(), &body);
	return answer_buffer(request->connection, MHD_HTTP_OK, METRICS_TYPE, &body);
}

/* In how many microseconds the client may come again; 0: it is served now. */
static uint64_t take_token(const struct request *request, enum rate_kind kind)
{
	return rates_take(request->server->rates, client_address(request->connection),
			  kind, clock_now().mono_us);
}

static enum MHD_Result answer_too_many(const struct request *request, uint64_t wait_us)
{
	char seconds[24];

	(void)snprintf(seconds, sizeof(seconds), "%" PRIu64,
		       (wait_us + USEC_PER_SEC - 1) / USEC_PER_SEC);
	return answer_error(request->connection, MHD_HTTP_TOO_MANY_REQUESTS,
			    "too many requests from this address",
			    MHD_HTTP_HEADER_RETRY_AFTER, seconds);
}

/* Wrong tokens are counted. The right one is 256 bits that nobody guesses, so who has it is
 * let in however often others at his address were wrong. */
static enum MHD_Result answer_unauthorized(const struct request *request)
{
	uint64_t wait_us = take_token(request, RATE_FAILURE);

	if (wait_us)
		return answer_too_many(request, wait_us);
	return answer_error(
		request->connection, MHD_HTTP_UNAUTHORIZED,
		"a token is needed: open the address that lksm printed, or send "
		"Authorization: Bearer TOKEN",
		MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"lksm\"");
}

/* @value: NULL takes the cookie away. By TLS it came, and only by TLS it goes back. */
static enum MHD_Result answer_session_cookie(const struct request *request,
					     const char *value)
{
	_cleanup_buffer_ struct buffer cookie = { 0 };

	buffer_appendf(&cookie, AUTH_COOKIE "=%s; %sHttpOnly; SameSite=Strict; Path=/%s",
		       value ? value : "", value ? "" : "Max-Age=0; ",
		       request->server->options->tls ? "; Secure" : "");
	return buffer_cstring(&cookie) ? answer_cookie(request->connection, cookie.data)
				       : MHD_NO;
}

/* POST trades the token for the cookie, DELETE signs out. */
static enum MHD_Result answer_session(const struct request *request)
{
	const struct auth *auth = &request->server->auth;
	size_t n;

	if (request->method == METHOD_DELETE)
		return answer_session_cookie(request, NULL);
	if (!auth_has_bearer(auth, find_header(request->connection,
					       MHD_HTTP_HEADER_AUTHORIZATION, &n)))
		return answer_unauthorized(request);
	return answer_session_cookie(request, auth->is_on ? auth->cookie_value : "none");
}

/* "/api/v1/events/4711": what stands behind the path is a number. */
static bool find_seq(const struct request *request, uint64_t *ret)
{
	*ret = 0;
	return request->route->operation != QUERY_EVENT ||
	       http_parse_u64(span_from(request->path + strlen(request->route->path)),
			      ret);
}

static enum MHD_Result answer_query(const struct request *request)
{
	uint64_t seq;

	if (!find_seq(request, &seq) || seq > INT64_MAX)
		return answer_error(request->connection, MHD_HTTP_NOT_FOUND,
				    "there is no such page", NULL, NULL);
	if (!request->server->queries)
		return answer_error(request->connection, MHD_HTTP_NOT_FOUND,
				    "there is no history here (history.enabled)", NULL,
				    NULL);
	return queries_ask(request->server->queries, request->connection,
			   request->route->operation, seq, request->ret_job);
}

static enum MHD_Result answer_openapi(const struct request *request)
{
	_cleanup_buffer_ struct buffer body = { 0 };

	openapi_append(&body);
	return answer_buffer(request->connection, MHD_HTTP_OK, TYPE_JSON, &body);
}

static enum MHD_Result answer_rules_error(const struct request *request)
{
	return answer_error(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			    "the rules cannot be shown now", NULL, NULL);
}

static enum MHD_Result answer_rules(const struct request *request)
{
	_cleanup_buffer_ struct buffer body = { 0 };

	if (!request->server->rules.files ||
	    rules_page_append_list(&request->server->rules, &body) < 0)
		return answer_rules_error(request);
	return answer_buffer(request->connection, MHD_HTTP_OK, TYPE_JSON, &body);
}

/* The one argument that /api/v1/rules/test has. */
struct line_argument {
	struct span line;
	size_t n, n_others;
};

static enum MHD_Result note_argument(void *context, enum MHD_ValueKind kind,
				     const char *key, size_t key_len, const char *value,
				     size_t value_len)
{
	struct line_argument *argument = context;

	(void)kind;
	if (!span_equal((struct span){ key, key_len }, SPAN("line"))) {
		argument->n_others++;
		return MHD_YES;
	}
	argument->line = (struct span){ value ? value : "", value ? value_len : 0 };
	argument->n++;
	return MHD_YES;
}

/* @ret: gets the line; false: it is not what is asked for */
static bool find_line(const struct request *request, struct buffer *ret)
{
	struct line_argument argument = { 0 };
	char *to;

	(void)mhd.get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND,
					  note_argument, &argument);
	if (argument.n != 1 || argument.n_others)
		return false;
	to = buffer_reserve(ret, argument.line.len + 1);
	return to && percent_decode(argument.line, to, &ret->len) && ret->len &&
	       ret->len <= LKSM_VALUE_MAX;
}

/* No page takes a body, so the line stands in the address. */
static enum MHD_Result answer_rules_test(const struct request *request)
{
	_cleanup_buffer_ struct buffer line = { 0 }, body = { 0 };
	struct rules_page *rules = &request->server->rules;

	if (!find_line(request, &line))
		return answer_error(request->connection, MHD_HTTP_BAD_REQUEST,
				    "what is asked for is one line=TEXT, of at most 8192 "
				    "bytes, and nothing else",
				    NULL, NULL);
	if (!rules->files || rules_page_append_test(rules, buffer_span(&line), &body) < 0)
		return answer_rules_error(request);
	return answer_buffer(request->connection, MHD_HTTP_OK, TYPE_JSON, &body);
}

/* What is there was made where the file is read: it is copied. */
static enum MHD_Result answer_mutes(const struct request *request)
{
	const struct mutes_page *page = request->server->options->mutes;
	_cleanup_buffer_ struct buffer body = { 0 };

	buffer_append_literal(&body, "{\"mutes\": [");
	if (page && mutes_page_number(page) && !mutes_page_read(page, &body))
		return answer_error(request->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				    "what is muted changes just now", NULL, NULL);
	buffer_append_literal(&body, "], \"protected\": ");
	mutes_append_protected(&body);
	buffer_append_literal(&body, "}\n");
	return answer_buffer(request->connection, MHD_HTTP_OK, TYPE_JSON, &body);
}

static const struct route routes[] = {
	{ "/api/events", "GET, HEAD", METHOD_GET, true, answer_events },
	{ "/api/v1/events", "GET, HEAD", METHOD_GET, true, answer_query, QUERY_EVENTS },
	{ "/api/v1/events/", "GET, HEAD", METHOD_GET, true, answer_query, QUERY_EVENT },
	{ "/api/v1/histogram", "GET, HEAD", METHOD_GET, true, answer_query,
	  QUERY_HISTOGRAM },
	{ "/api/v1/facets", "GET, HEAD", METHOD_GET, true, answer_query, QUERY_FACETS },
	{ "/api/v1/stats", "GET, HEAD", METHOD_GET, true, answer_query, QUERY_STATS },
	{ "/api/v1/export", "GET, HEAD", METHOD_GET, true, answer_query, QUERY_EXPORT },
	{ "/api/v1/openapi.json", "GET, HEAD", METHOD_GET, true, answer_openapi },
	{ "/api/v1/mutes", "GET, HEAD", METHOD_GET, true, answer_mutes },
	{ "/api/v1/rules", "GET, HEAD", METHOD_GET, true, answer_rules },
	{ "/api/v1/rules/test", "GET, HEAD", METHOD_GET, true, answer_rules_test },
	{ "/api/v1/stream", "GET, HEAD", METHOD_GET, true, answer_stream },
	{ "/api/v1/schema", "GET, HEAD", METHOD_GET, true, answer_schema },
	{ "/api/v1/status", "GET, HEAD", METHOD_GET, true, answer_status },
	{ "/api/v1/types", "GET, HEAD", METHOD_GET, true, answer_types },
	{ "/api/v1/session", "POST, DELETE", METHOD_POST | METHOD_DELETE, false,
	  answer_session },
	{ "/metrics", "GET, HEAD", METHOD_GET, true, answer_metrics },
	{ "/healthz", "GET, HEAD", METHOD_GET, false, answer_health },
};

static const struct route *find_route(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (!strcmp(routes[i].path, path) ||
		    (routes[i].operation == QUERY_EVENT &&
		     span_starts_with(span_from(path), span_from(routes[i].path))))
			return &routes[i];
	return NULL;
}

static const struct asset *find_asset(const char *path)
{
	if (!strcmp(path, "/"))
		path = "/index.html";
	for (const struct asset *a = assets; a->path; a++)
		if (!strcmp(a->path, path))
			return a;
	return NULL;
}

static enum method parse_method(const char *name)
{
	static const struct {
		const char *name;
		enum method method;
	} methods[] = {
		{ "GET", METHOD_GET },
		{ "HEAD", METHOD_HEAD },
		{ "POST", METHOD_POST },
		{ "DELETE", METHOD_DELETE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (!strcmp(methods[i].name, name))
			return methods[i].method;
	return (enum method)0;
}

/* Listening on every address, each that a client reached us by is ours, as a literal. */
static bool is_local_address(const struct request *request)
{
	int fd = mhd.get_connection_info(request->connection,
					 MHD_CONNECTION_INFO_CONNECTION_FD)
			 ->connect_fd;
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char text[INET6_ADDRSTRLEN];
	const char *names[] = { text, NULL };
	const void *bytes;

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return false;
	if (address.ss_family == AF_INET)
		bytes = &((struct sockaddr_in *)&address)->sin_addr;
	else if (address.ss_family == AF_INET6)
		bytes = &((struct sockaddr_in6 *)&address)->sin6_addr;
	else
		return false;
	return inet_ntop(address.ss_family, bytes, text, sizeof(text)) &&
	       http_host_is_ours(request->host, names);
}

static bool has_our_host(const struct request *request)
{
	return request->host.data &&
	       (http_host_is_ours(request->host, request->server->hosts) ||
		is_local_address(request));
}

/* Did a page of another site send this? Only /api and requests that change something
 * care. */
static bool is_cross_site(const struct request *request)
{
	bool is_reading = request->method == METHOD_GET || request->method == METHOD_HEAD;
	const struct dashboard_options *options = request->server->options;
	struct span origin, site;
	size_t n_origins, n_sites;

	if (is_reading && strncmp(request->path, "/api/", strlen("/api/")) != 0)
		return false;
	origin = find_header(request->connection, MHD_HTTP_HEADER_ORIGIN, &n_origins);
	if (n_origins > 0 && !http_origin_is_ours(origin, request->host, options->hosts,
						  options->tls != NULL))
		return true;
	site = find_header(request->connection, "Sec-Fetch-Site", &n_sites);
	return n_sites > 0 && !span_equal(site, SPAN("same-origin")) &&
	       !span_equal(site, SPAN("none"));
}

static bool has_auth(const struct request *request)
{
	const struct auth *auth = &request->server->auth;
	struct span bearer, cookies;
	size_t n;

	bearer = find_header(request->connection, MHD_HTTP_HEADER_AUTHORIZATION, &n);
	cookies = find_header(request->connection, MHD_HTTP_HEADER_COOKIE, &n);
	return auth_has_bearer(auth, bearer) || auth_has_cookie(auth, cookies);
}

static enum MHD_Result dispatch(struct request *request)
{
	struct MHD_Connection *connection = request->connection;
	const struct route *route = find_route(request->path);
	const struct asset *asset = route ? NULL : find_asset(request->path);
	unsigned int allowed = route ? route->methods : METHOD_GET;

	if (!route && !asset)
		return answer_error(connection, MHD_HTTP_NOT_FOUND,
				    "there is no such page", NULL, NULL);
	if (allowed & METHOD_GET)
		allowed |= METHOD_HEAD;
	if (!(allowed & request->method))
		return answer_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				    "this page does not take that method",
				    MHD_HTTP_HEADER_ALLOW,
				    route ? route->allow : "GET, HEAD");
	if (is_cross_site(request))
		return answer_error(connection, MHD_HTTP_FORBIDDEN,
				    "requests of other sites' pages are refused", NULL,
				    NULL);
	if (asset)
		return answer_asset(connection, asset);
	if (route->needs_auth && !request->is_known)
		return answer_unauthorized(request);
	request->route = route;
	return route->answer(request);
}

const struct sockaddr *client_address(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = mhd.get_connection_info(
		connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info ? info->client_addr : NULL;
}

/* The guards, in their order. */
static enum MHD_Result answer(struct request *request, bool has_body)
{
	struct MHD_Connection *connection = request->connection;
	uint64_t wait_us;
	size_t n;

	request->is_known = has_auth(request);
	wait_us = take_token(request, request->is_known ? RATE_KNOWN : RATE_STRANGER);
	if (wait_us)
		return answer_too_many(request, wait_us);
	if (has_body)
		return answer_error(connection, MHD_HTTP_CONTENT_TOO_LARGE,
				    "no page takes a body", MHD_HTTP_HEADER_CONNECTION,
				    "close");
	planted_run(span_from(request->path));
	request->host = find_header(connection, MHD_HTTP_HEADER_HOST, &n);
	if (!has_our_host(request))
		return answer_error(
			connection, MHD_HTTP_MISDIRECTED_REQUEST,
			"this server does not go by that name; if it should, add "
			"the name to dashboard.hosts",
			NULL, NULL);
	return dispatch(request);
}

enum MHD_Result routes_answer(struct server *server, struct MHD_Connection *connection,
			      const char *method, const char *path, bool has_body,
			      struct query_job **ret_job)
{
	struct request request = {
		.server = server,
		.connection = connection,
		.method = parse_method(method),
		.path = path,
		.ret_job = ret_job,
	};
	enum MHD_Result result = answer(&request, has_body);
	const union MHD_ConnectionInfo *info = mhd.get_connection_info(
		connection, MHD_CONNECTION_INFO_HTTP_STATUS);

	http_counters_add(&server->counters, info ? info->http_status : 0);
	return result;
}
