// SPDX-License-Identifier: Apache-2.0
/*
 * See queries.h. A job is the loop's, or the thread's while it is in the list `waiting` or in
 * work; an eventfd says that some are `done`. An export is a job that goes round once for
 * each page, while its response is being sent.
 */
#include "output/dashboard/queries.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "output/dashboard/answer.h"
#include "output/history/reader.h"

#define EXPORT_PAGE 500
#define BLOCK_SIZE  ((size_t)32 << 10)
#define QUERY_BYTES ((size_t)16 << 10)
#define WAIT_US	    (10 * USEC_PER_SEC) /* who asked has given up by then */

struct query_job {
	struct query_job *next;
	struct queries *owner;
	struct MHD_Connection *connection;
	struct client *client; /* the connection's */
	int fd;		       /* open while the connection is suspended */
	struct rate_client whose;
	uint64_t late_us; /* CLOCK_MONOTONIC: then it is not worth an answer */
	struct query query;
	struct answer_text answer;
	int error;		  /* out of memory */
	bool is_out;		  /* with the thread, and the connection is suspended */
	atomic_bool is_forgotten; /* nobody waits for it any more */
	uint64_t left;		  /* of an export: events; and of the page, bytes: */
	size_t sent;
};

struct list {
	struct query_job *first, **last;
};

struct queries {
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t mutex; /* for what the two share: */
	pthread_cond_t is_wanted;
	struct list waiting, done;
	size_t n_waiting;
	bool is_stopping;

	int done_fd;
	sd_event_source *on_done, *turn;
	struct clients *clients;
	struct reader *reader;		 /* the thread's, as */
	const struct query_job *at_work; /* what it answers */
};

static void list_add(struct list *l, struct query_job *job)
{
	job->next = NULL;
	*l->last = job;
	l->last = &job->next;
}

static void list_add_first(struct list *l, struct query_job *job)
{
	job->next = l->first;
	l->first = job;
	if (!job->next)
		l->last = &job->next;
}

static size_t list_count(const struct list *l, const struct rate_client *whose)
{
	size_t n = 0;

	for (const struct query_job *job = l->first; job; job = job->next)
		n += !memcmp(&job->whose, whose, sizeof(*whose));
	return n;
}

static struct query_job *list_take(struct list *l)
{
	struct query_job *job = l->first;

	if (!job)
		return NULL;
	l->first = job->next;
	if (!l->first)
		l->last = &l->first;
	return job;
}

static void job_free(struct query_job *job)
{
	query_deinit(&job->query);
	buffer_deinit(&job->answer.body);
	free(job);
}

static struct query_job *next_job(struct queries *q)
{
	struct query_job *job = NULL;

	(void)pthread_mutex_lock(&q->mutex); /* these cannot fail as they are used */
	while (!q->is_stopping && !(job = list_take(&q->waiting)))
		(void)pthread_cond_wait(&q->is_wanted, &q->mutex);
	q->n_waiting -= job != NULL;
	(void)pthread_mutex_unlock(&q->mutex);
	return job;
}

/* The client has closed its end: nobody would read the answer. */
static bool is_abandoned(const struct query_job *job)
{
	char byte;

	return recv(job->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Whoever asks anew, as a page at each letter, leaves what was asked before. */
static bool is_in_vain(void *context)
{
	const struct query_job *job = ((const struct queries *)context)->at_work;

	return job->is_forgotten || is_abandoned(job);
}

static void find_answer(struct queries *q, struct query_job *job)
{
	q->at_work = job;
	if (job->is_forgotten)
		return;
	if (clock_now().mono_us > job->late_us || is_abandoned(job))
		reader_problem(&job->answer, MHD_HTTP_SERVICE_UNAVAILABLE,
			       "Too many questions at once",
			       SPAN("those of others took too long: come again"));
	else
		job->error = reader_answer(q->reader, &job->query, &job->answer);
}

static void *work(void *context)
{
	struct queries *q = context;
	struct query_job *job;

	while ((job = next_job(q))) {
		find_answer(q, job);
		(void)pthread_mutex_lock(&q->mutex);
		list_add(&q->done, job);
		(void)pthread_mutex_unlock(&q->mutex);
		(void)eventfd_write(q->done_fd, 1); /* full is as good */
	}
	return NULL;
}

/* With the mutex: what is asked for often and answered at once goes first. */
static void add_waiting(struct queries *q, struct query_job *job)
{
	if (job->query.operation == QUERY_STATS || job->query.operation == QUERY_EVENT)
		list_add_first(&q->waiting, job);
	else
		list_add(&q->waiting, job);
	q->n_waiting++;
	(void)pthread_cond_signal(&q->is_wanted);
}

/* Give a job to the thread; 0, -EBUSY: too many wait, -EDQUOT: too many of this client's. */
static int hand_out(struct query_job *job, size_t client_max)
{
	struct queries *q = job->owner;
	int r = 0;

	(void)pthread_mutex_lock(&q->mutex);
	if (q->n_waiting >= QUERIES_MAX || q->is_stopping)
		r = -EBUSY;
	else if (list_count(&q->waiting, &job->whose) >= client_max)
		r = -EDQUOT;
	else
		add_waiting(q, job);
	(void)pthread_mutex_unlock(&q->mutex);
	if (r == 0) {
		job->is_out = true;
		mhd.suspend_connection(job->connection);
	}
	return r;
}

static void take_back(struct queries *q, struct query_job *job)
{
	job->is_out = false;
	if (job->is_forgotten) {
		job_free(job);
		return;
	}
	mhd.resume_connection(job->connection);
	/* No descriptor tells the loop of that: libmicrohttpd must be run. */
	(void)sd.event_source_set_time(q->turn, 0);
	(void)sd.event_source_set_enabled(q->turn, SD_EVENT_ONESHOT);
}

static void take_back_all(struct queries *q, struct list *from)
{
	struct query_job *job;

	do {
		(void)pthread_mutex_lock(&q->mutex);
		job = list_take(from);
		(void)pthread_mutex_unlock(&q->mutex);
		if (job)
			take_back(q, job);
	} while (job);
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct queries *q = context;
	eventfd_t n;

	(void)source, (void)events;
	(void)eventfd_read(fd, &n); /* nothing to read is as good */
	take_back_all(q, &q->done);
	return 0;
}

/* Signals are the loop's. */
static int start_thread(struct queries *q)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	r = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (r == 0)
		r = pthread_create(&q->thread, NULL, work, q);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	q->has_thread = r == 0;
	return -r;
}

int queries_create(sd_event *loop, sd_event_source *turn, struct clients *clients,
		   struct queries **ret)
{
	struct queries *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	q->waiting.last = &q->waiting.first;
	q->done.last = &q->done.first;
	q->turn = turn;
	q->clients = clients;
	(void)pthread_mutex_init(&q->mutex, NULL);
	(void)pthread_cond_init(&q->is_wanted, NULL);
	q->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r = q->done_fd < 0 ? -errno : reader_create(READER_LIMIT_MS, &q->reader);
	if (r >= 0)
		reader_watch(q->reader, is_in_vain, q);
	if (r >= 0)
		r = sd.event_add_io(loop, &q->on_done, q->done_fd, EPOLLIN, on_done, q);
	if (r >= 0)
		r = start_thread(q);
	if (r < 0) {
		queries_destroy(q);
		return r;
	}
	*ret = q;
	return 0;
}

void queries_stop(struct queries *q)
{
	if (!q || !q->has_thread)
		return;
	(void)pthread_mutex_lock(&q->mutex);
	q->is_stopping = true;
	(void)pthread_cond_signal(&q->is_wanted);
	(void)pthread_mutex_unlock(&q->mutex);
	(void)pthread_join(q->thread, NULL);
	q->has_thread = false;
	take_back_all(q, &q->waiting);
	take_back_all(q, &q->done);
}

void queries_destroy(struct queries *q)
{
	if (!q)
		return;
	queries_stop(q);
	(void)sd.event_source_disable_unref(q->on_done);
	cleanup_close(&q->done_fd);
	reader_destroy(q->reader);
	(void)pthread_cond_destroy(&q->is_wanted);
	(void)pthread_mutex_destroy(&q->mutex);
	free(q);
}

/* libmicrohttpd has taken the query apart, but undone no escape (keep_escapes()). */
static enum MHD_Result note_argument(void *context, enum MHD_ValueKind kind,
				     const char *key, size_t key_len, const char *value,
				     size_t value_len)
{
	struct buffer *text = context;

	(void)kind;
	if (text->len)
		buffer_append_char(text, '&');
	buffer_append(text, key, key_len);
	if (value) {
		buffer_append_char(text, '=');
		buffer_append(text, value, value_len);
	}
	return MHD_YES;
}

static enum MHD_Result answer_problem(struct MHD_Connection *connection,
				      unsigned int status, const char *title,
				      struct span detail)
{
	struct answer_text answer = { 0 };
	enum MHD_Result result;

	reader_problem(&answer, status, title, detail);
	result = answer_buffer(connection, answer.status, answer.type, &answer.body);
	buffer_deinit(&answer.body);
	return result;
}

static int parse(struct query_job *job, enum query_operation operation, uint64_t seq,
		 struct buffer *error)
{
	_cleanup_buffer_ struct buffer text = { .limit = QUERY_BYTES };
	int r;

	(void)mhd.get_connection_values_n(job->connection, MHD_GET_ARGUMENT_KIND,
					  note_argument, &text);
	if (text.error == -EMSGSIZE)
		buffer_append_literal(error, "the query is too long");
	r = text.error == -EMSGSIZE
		    ? -EINVAL
		    : query_parse(operation, buffer_span(&text), &job->query, error);
	if (r < 0 || operation != QUERY_EXPORT) {
		job->query.seq = seq;
		return r;
	}
	job->left = job->query.limit;
	job->query.limit = job->left < EXPORT_PAGE ? job->left : EXPORT_PAGE;
	return 0;
}

static enum MHD_Result answer_refusal(struct MHD_Connection *connection, int error,
				      struct span detail)
{
	if (error == -EINVAL)
		return answer_problem(connection, MHD_HTTP_BAD_REQUEST,
				      "This cannot be asked", detail);
	if (error == -EDQUOT)
		return answer_problem(connection, MHD_HTTP_TOO_MANY_REQUESTS,
				      "Too many questions at once",
				      SPAN("two of yours wait already: ask for one after "
					   "the other"));
	if (error == -EBUSY)
		return answer_problem(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				      "Too many questions at once",
				      SPAN("come again in a second"));
	return MHD_NO;
}

static struct query_job *new_job(struct queries *q, struct MHD_Connection *connection)
{
	struct query_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->owner = q;
	job->connection = connection;
	job->client = mhd.get_connection_info(connection,
					      MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			      ->socket_context;
	job->fd = mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			  ->connect_fd;
	if (job->client)
		job->whose = job->client->whose;
	job->late_us = clock_now().mono_us + WAIT_US;
	return job;
}

enum MHD_Result queries_ask(struct queries *q, struct MHD_Connection *connection,
			    enum query_operation operation, uint64_t seq,
			    struct query_job **ret_job)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	struct query_job *job = new_job(q, connection);
	enum MHD_Result result;
	int r;

	if (!job)
		return MHD_NO;
	r = parse(job, operation, seq, &error);
	if (r == 0)
		r = hand_out(job, QUERIES_CLIENT_MAX);
	if (r == 0) {
		*ret_job = job;
		return MHD_YES;
	}
	result = answer_refusal(connection, r, buffer_span(&error));
	job_free(job);
	return result;
}

/* More of an export, for libmicrohttpd to send. */
static ssize_t read_export(void *context, uint64_t position, char *data, size_t size)
{
	struct query_job *job = context;
	struct answer_text *a = &job->answer;
	size_t n = a->body.len - job->sent;

	(void)position;
	if (job->error || a->status != MHD_HTTP_OK)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n > 0) {
		n = n < size ? n : size;
		memcpy(data, a->body.data + job->sent, n);
		job->sent += n;
		return (ssize_t)n;
	}
	job->left -= a->n < job->left ? a->n : job->left;
	if (!a->has_more || !job->left)
		return MHD_CONTENT_READER_END_OF_STREAM;
	job->query.has_cursor = true;
	job->query.cursor = a->next;
	job->query.limit = job->left < EXPORT_PAGE ? job->left : EXPORT_PAGE;
	buffer_deinit(&a->body);
	*a = (struct answer_text){ 0 }; /* which is an error, if nobody fills it */
	job->sent = 0;
	/* it goes on for as long as the client takes it */
	clients_set_deadline(job->owner->clients, job->client, QUERIES_PAGE_US);
	job->late_us = UINT64_MAX;
	return hand_out(job, SIZE_MAX) == 0 ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_export(void *context)
{
	queries_forget(context);
}

static enum MHD_Result answer_export(struct query_job **job)
{
	_cleanup_answer_ struct MHD_Response *response = NULL;
	struct query_job *j = *job;
	bool is_csv = j->query.is_csv;

	response = mhd.create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE,
						     read_export, j, free_export);
	if (!response)
		return MHD_NO;
	*job = NULL; /* it is the response's from now on */
	if (answer_prepare(response, j->answer.type) < 0 ||
	    mhd.add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
				    is_csv ? "attachment; filename=\"events.csv\""
					   : "attachment; filename=\"events.jsonl\"") !=
		    MHD_YES)
		return MHD_NO;
	return mhd.queue_response(j->connection, MHD_HTTP_OK, response);
}

enum MHD_Result queries_answer(struct query_job **job)
{
	struct query_job *j = *job;

	if (j->error)
		return MHD_NO;
	if (!j->answer.status) /* we are stopping */
		return answer_problem(j->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				      "The server is stopping", SPAN("come again"));
	if (j->query.operation == QUERY_EXPORT && j->answer.status == MHD_HTTP_OK)
		return answer_export(job);
	return answer_buffer(j->connection, j->answer.status, j->answer.type,
			     &j->answer.body);
}

void queries_forget(struct query_job *job)
{
	if (!job)
		return;
	if (job->is_out)
		job->is_forgotten = true; /* the thread has it: it is freed afterwards */
	else
		job_free(job);
}
