// SPDX-License-Identifier: Apache-2.0
/*
 * The HTTP server's loop: one thread, libmicrohttpd's epoll inside an sd-event loop.
 * Without connections no timer is set, so an idle server never wakes up.
 */
#include "output/dashboard/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/log.h"

#define CONNECTIONS_MAX	  1500
#define CONNECTION_MEMORY ((size_t)32 << 10)

/* IDLE_SECONDS - of silence in the middle of a request, or between two */
#define IDLE_SECONDS 10

#define REQUEST_DEADLINE_US \
	(10 * USEC_PER_SEC)			/* from accept, or from the last answer \
						 */
#define ANSWER_DEADLINE_US (120 * USEC_PER_SEC) /* all of it, unless it is a stream */

/* BURST_SECONDS - a client that was quiet may ask at once what it might in that time */
#define BURST_SECONDS 10

/* TLS_PRIORITIES - nothing older than TLS 1.2, and no key exchange that whoever gets the key
 * later can undo */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA"
#define TLS_OPTIONS    4

/* LAST_TURNS - of the HTTP server, in which the streams say goodbye */
#define LAST_TURNS 8

static void log_http(void *context, const char *format, va_list args)
{
	char text[256];

	(void)context;
	(void)vsnprintf(text, sizeof(text), format, args);
	log_debug("http: %.*s", (int)strcspn(text, "\n"), text);
}

/* Paths and queries are compared as they are: nothing of ours needs an escape. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context, (void)connection;
	return strlen(text);
}

static struct client *client_of(struct MHD_Connection *connection)
{
	return mhd.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

/* Refused without a word, as none that costs little can be said before the handshake. */
static bool may_shake_hands(struct server *server, const struct sockaddr *address)
{
	return !server->options->tls ||
	       !rates_take(server->rates, address, RATE_TLS, clock_now().mono_us);
}

/* Before anything is done for it: a handshake, for instance. */
static enum MHD_Result on_accept(void *context, const struct sockaddr *address,
				 socklen_t len)
{
	struct server *server = context;
	uint64_t most = server->options->connection_limit;
	struct rate_client whose = rate_client_of(address);

	(void)len;
	if ((!most || clients_count(&server->clients, whose) < most) &&
	    may_shake_hands(server, address))
		return MHD_YES;
	server->counters.n_refused++;
	return MHD_NO;
}

static void on_connection(void *context, struct MHD_Connection *connection,
			  void **socket_context, enum MHD_ConnectionNotificationCode code)
{
	struct server *server = context;
	int fd;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		clients_remove(&server->clients, *socket_context);
		*socket_context = NULL;
		return;
	}
	fd = mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
		     ->connect_fd;
	*socket_context = clients_add(&server->clients, fd,
				      rate_client_of(client_address(connection)));
	clients_set_deadline(&server->clients, *socket_context, REQUEST_DEADLINE_US);
}

/* A request's context: this, or the job whose answer it waits for. */
static char has_headers;

static void on_answered(void *context, struct MHD_Connection *connection,
			void **request_context, enum MHD_RequestTerminationCode code)
{
	struct server *server = context;

	(void)code;
	if (*request_context != &has_headers)
		queries_forget(*request_context);
	*request_context = NULL;
	clients_set_deadline(&server->clients, client_of(connection),
			     REQUEST_DEADLINE_US);
}

static enum MHD_Result note_body(void *context, enum MHD_ValueKind kind, const char *key,
				 const char *value)
{
	bool *has_body = context;

	(void)kind;
	if (!strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	    (!strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) &&
	     (!value || strspn(value, "0") != strlen(value))))
		*has_body = true;
	return MHD_YES;
}

/* Every header counts: of two lengths libmicrohttpd takes the first, a proxy the last. */
static bool announces_body(struct MHD_Connection *connection)
{
	bool has_body = false;

	(void)mhd.get_connection_values(connection, MHD_HEADER_KIND, note_body,
					&has_body);
	return has_body;
}

/* Called once when the headers are there, and again when there is no more to come. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *upload,
				  size_t *upload_size, void **request_context)
{
	struct server *server = context;
	struct query_job *job = NULL;
	size_t n_streams = server->streams.n;
	enum MHD_Result result;

	(void)version, (void)upload;
	if (!*request_context) {
		*request_context = &has_headers;
		clients_set_deadline(&server->clients, client_of(connection),
				     ANSWER_DEADLINE_US);
		if (!announces_body(connection))
			return MHD_YES;
		/* Answered now, it is not read at all. */
		return routes_answer(server, connection, method, url, true, &job);
	}
	*upload_size = 0;
	if (*request_context != &has_headers) /* it was suspended, and is no more */
		return queries_answer((struct query_job **)request_context);
	result = routes_answer(server, connection, method, url, false, &job);
	if (job)
		*request_context = job;
	if (server->streams.n > n_streams)
		clients_set_deadline(&server->clients, client_of(connection),
				     DEADLINE_NONE);
	return result;
}

/* News are counted in the meantime: nobody has to be woken who has nobody to tell. */
static void listen_for_news(struct server *server)
{
	if (server->news)
		(void)sd.event_source_set_enabled(
			server->news, server->streams.n ? SD_EVENT_ON : SD_EVENT_OFF);
}

static void take_turn(struct server *server)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	if (mhd.run(server->daemon) != MHD_YES) {
		log_error("dashboard: the HTTP server failed; a new one will be started");
		(void)sd.event_exit(server->loop, -EIO);
		return;
	}
	listen_for_news(server);
	if (mhd.get_timeout(server->daemon, &wait_ms) != MHD_YES) {
		(void)sd.event_source_set_enabled(server->turn, SD_EVENT_OFF);
		return;
	}
	(void)sd.event_source_set_time_relative(server->turn, (uint64_t)wait_ms * 1000);
	(void)sd.event_source_set_enabled(server->turn, SD_EVENT_ONESHOT);
}

static int on_http(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)source, (void)fd, (void)events;
	take_turn(context);
	return 0;
}

static int on_turn(sd_event_source *source, uint64_t now_us, void *context)
{
	(void)source, (void)now_us;
	take_turn(context);
	return 0;
}

static int on_news(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct server *server = context;
	uint64_t n;

	(void)source, (void)events;
	if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return log_error_errno(errno, "dashboard: cannot hear of new events");
	streams_wake(&server->streams);
	return 0;
}

static int on_control(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct server *server = context;

	(void)source, (void)events;
	return server->options->control(fd) < 0 ? sd.event_exit(server->loop, 0) : 0;
}

static int watch_signals(struct server *server)
{
	sigset_t ours;
	int r;

	/* Ctrl-C reaches every process of the terminal; who started us stops us in order.
	 */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &ours, NULL) < 0)
		return -errno;
	r = sd.event_add_signal(server->loop, NULL, SIGTERM, NULL, NULL);
	return r < 0 ? r : 0;
}

static int watch(struct server *server)
{
	const struct dashboard_options *options = server->options;
	const union MHD_DaemonInfo *info = mhd.get_daemon_info(server->daemon,
							       MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	if (!info)
		return -EIO;
	r = sd.event_add_io(server->loop, NULL, info->epoll_fd, EPOLLIN, on_http, server);
	if (r >= 0 && options->wake_fd >= 0)
		r = sd.event_add_io(server->loop, &server->news, options->wake_fd,
				    EPOLLIN, on_news, server);
	listen_for_news(server);
	if (r >= 0 && options->control_fd >= 0)
		r = sd.event_add_io(server->loop, NULL, options->control_fd, EPOLLIN,
				    on_control, server);
	if (r >= 0)
		r = sd.event_add_time(server->loop, &server->turn, CLOCK_MONOTONIC, 0, 1,
				      on_turn, server);
	if (r >= 0)
		r = sd.event_source_set_enabled(server->turn, SD_EVENT_OFF);
	server->streams.turn = server->turn;
	return r < 0 ? r : watch_signals(server);
}

static void set_hosts(struct server *server)
{
	const char *const *given = server->options->hosts;
	size_t n = 0;

	if (gethostname(server->hostname, sizeof(server->hostname) - 1) == 0 &&
	    server->hostname[0] != '\0')
		server->hosts[n++] = server->hostname;
	for (; given && *given && n < SERVER_HOSTS_MAX; given++)
		server->hosts[n++] = *given;
	if (given && *given)
		log_warning("dashboard: too many names in dashboard.hosts: '%s' and "
			    "those after "
			    "it are left out",
			    *given);
}

/* None of them without @pair: an array may end at once. */
static void set_tls(const struct tls_pair *pair,
		    struct MHD_OptionItem ret[static TLS_OPTIONS])
{
	size_t n = 0;

	if (pair) {
		ret[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0,
						    pair->certificate };
		ret[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0,
						    pair->key };
		ret[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0,
						    (void *)TLS_PRIORITIES };
	}
	ret[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
}

static int start_http(struct server *server)
{
	/* libmicrohttpd closes what it is given. */
	_cleanup_close_ int fd = fcntl(server->options->listen_fd, F_DUPFD_CLOEXEC, 0);
	struct MHD_OptionItem tls[TLS_OPTIONS];

	if (fd < 0)
		return -errno;
	set_tls(server->options->tls, tls);
	server->daemon = mhd.start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
			(server->options->tls ? MHD_USE_TLS : 0),
		0, on_accept, server, on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
		log_http, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
		MHD_OPTION_NOTIFY_COMPLETED, on_answered, server, MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
	if (!server->daemon)
		return -EIO;
	(void)take_fd(&fd);
	if (server->options->tls)
		tls_pair_deinit(server->options->tls); /* GnuTLS has its own form of it */
	return 0;
}

static int set_rates(struct server *server)
{
	const struct dashboard_options *options = server->options;
	uint64_t a_second = options->rate_limit, a_minute = options->failure_limit;
	struct rate_limit limits[RATE_KIND_COUNT] = { 0 };

	if (a_second)
		limits[RATE_STRANGER] = limits[RATE_KNOWN] = limits[RATE_TLS] =
			(struct rate_limit){ USEC_PER_SEC / a_second,
					     a_second * BURST_SECONDS };
	if (a_minute)
		limits[RATE_FAILURE] = (struct rate_limit){ 60 * USEC_PER_SEC / a_minute,
							    a_minute };
	return rates_create(limits, &server->rates);
}

int server_init(struct server *server, const struct dashboard_options *options)
{
	int r;

	*server = (struct server){ .options = options,
				   .rules = { options->rules, options->counters } };
	set_hosts(server);
	r = mhd_load(NULL);
	if (r == 0)
		r = auth_init(&server->auth, options->token);
	if (r == 0)
		r = set_rates(server);
	if (r == 0)
		r = sd.event_new(&server->loop);
	if (r >= 0)
		r = clients_init(&server->clients, server->loop);
	server->snapshots.ring = options->ring;
	server->streams.ring = options->ring;
	server->streams.loop = server->loop;
	if (r >= 0)
		r = start_http(server);
	if (r >= 0)
		r = watch(server);
	if (r >= 0 && options->has_history)
		r = queries_create(server->loop, server->turn, &server->clients,
				   &server->queries);
	if (r >= 0 && options->started)
		options->started();
	return r;
}

static void stop_http(struct server *server)
{
	int fd;

	if (!server->daemon)
		return;
	/* No shutdown(2): the socket is also the next server's. */
	fd = mhd.quiesce_daemon(server->daemon);
	streams_stop(&server->streams);
	queries_stop(server->queries);
	for (int i = 0; i < LAST_TURNS; i++)
		(void)mhd.run(server->daemon);
	snapshots_deinit(&server->snapshots);
	mhd.stop_daemon(server->daemon);
	cleanup_close(&fd);
}

void server_deinit(struct server *server)
{
	stop_http(server);
	queries_destroy(server->queries);
	streams_deinit(&server->streams);
	clients_deinit(&server->clients);
	(void)sd.event_source_unref(server->turn);
	(void)sd.event_source_unref(server->news);
	(void)sd.event_unref(server->loop);
	rates_destroy(server->rates);
	rules_page_deinit(&server->rules);
	auth_deinit(&server->auth);
}

int dashboard_run(const struct dashboard_options *options)
{
	struct server server;
	int r;

	r = server_init(&server, options);
	if (r < 0)
		(void)log_error_errno(r, "dashboard: cannot start the HTTP server");
	else
		r = sd.event_loop(server.loop);
	server_deinit(&server);
	return r < 0 ? r : 0;
}
