// SPDX-License-Identifier: Apache-2.0
/*
 * The sender: see alerts.h. One thread reads lines and puts them into the receivers' queues;
 * one for each receiver sends what is due. One lock for all that is not sending.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time_text.h"
#include "output/alerts/alert_format.h"
#include "output/alerts/alerts.h"

#define READ_BYTES ((size_t)64 << 10)

/* LETTERS_MAX - of dead letters; then only counted, which says so */
#define LETTERS_MAX ((off_t)16 << 20)

struct sender;

struct post {
	struct sender *sender;
	size_t receiver;
	struct alert_queue queue;
	struct alert_row *row;
	pthread_cond_t news;
	pthread_t thread;
};

struct sender {
	const struct alert_config *config;
	struct alert_page *page;
	struct alert_mutes mutes; /* of the thread that reads */
	int letter_fd, launcher;
	pthread_mutex_t lock;	   /* queues, rows, letters */
	pthread_mutex_t launching; /* one request at a time */
	struct post posts[ALERT_RECEIVERS_MAX];
};

/* An event, for whoever reads our standard output: core, if the daemon started us. */
static void tell(const struct alert_receiver *r, const struct alert_group *g,
		 const struct alert_outcome *o)
{
	_cleanup_buffer_ struct buffer event = { 0 };

	buffer_appendf(&event,
		       "{\"type\": \"" ALERT_UNDELIVERED
		       "\", \"data\": {\"receiver\": \"%s\", "
		       "\"about\": \"%s\", \"count\": %" PRIu64 ", \"first\": %" PRIu64
		       ", \"last\": %" PRIu64 ", \"error\": ",
		       r->name, g->type, g->count, g->first_seq, g->last_seq);
	json_append_string(&event, span_from(o->says));
	buffer_append_literal(&event, "}, \"severity\": \"high\"}\n");
	if (!buffer_error(&event)) /* the log has a line, too */
		(void)write_all(STDOUT_FILENO, event.data, event.len);
}

/* A message that nobody took stays readable, with why. */
static void bury(const struct post *p, const struct alert_group *g,
		 const struct alert_outcome *o)
{
	const struct sender *s = p->sender;
	const struct alert_receiver *r = &s->config->receivers[p->receiver];
	_cleanup_buffer_ struct buffer letter = { 0 };
	off_t size = lseek(s->letter_fd, 0, SEEK_END);
	int error = -EFBIG;

	buffer_append_literal(&letter, "{\"error\": ");
	json_append_string(&letter, span_from(o->says));
	buffer_append_literal(&letter, ", \"message\": ");
	alert_format_json(r, g, &letter);
	buffer_append_literal(&letter, "}\n");
	if (size >= 0 && size < LETTERS_MAX)
		error = buffer_error(&letter)
				? buffer_error(&letter)
				: write_all(s->letter_fd, letter.data, letter.len);
	if (error < 0)
		(void)log_error_errno(error, "alerts: a message to %s is lost", r->name);
	else
		log_warning("alerts: a message to %s is in the dead letters: %s", r->name,
			    o->says);
	atomic_fetch_add(&p->row->n_dead, 1);
	tell(r, g, o);
}

static void note(struct post *p, const struct alert_outcome *o, bool is_trying)
{
	memcpy(p->row->says, o->says, sizeof(o->says));
	atomic_store(&p->row->state, is_trying		       ? ALERT_RETRYING
				     : o->result == ALERT_SENT ? ALERT_WELL
							       : ALERT_FAILING);
	if (o->result != ALERT_SENT) {
		atomic_fetch_add(&p->row->n_failed, 1);
		return;
	}
	atomic_fetch_add(&p->row->n_sent, 1);
	atomic_store(&p->row->sent_real_us, clock_now().real_us);
}

static void judge(struct post *p, const struct alert_group *g,
		  const struct alert_outcome *o)
{
	uint64_t now_us = clock_now().mono_us;
	uint32_t random = 0;
	bool is_over = o->result != ALERT_RETRY;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0; /* as good */
	if (!is_over)
		is_over = !alert_queue_failed(&p->queue, o->retry_after_us, random,
					      now_us);
	note(p, o, !is_over);
	if (!is_over)
		return;
	if (o->result != ALERT_SENT)
		bury(p, g, o);
	alert_queue_done(&p->queue, now_us);
}

static void update(struct post *p)
{
	uint64_t next = alert_queue_done_seq(&p->queue);

	if (next > atomic_load(&p->row->next_seq))
		atomic_store(&p->row->next_seq, next);
}

/* The lock is not held while it is sent: the message is this thread's until it is judged. */
static void send_one(struct post *p, const struct alert_group *g)
{
	struct sender *s = p->sender;
	bool is_program = alert_kind_runs_program(s->config->receivers[p->receiver].kind);
	struct alert_outcome outcome;

	pthread_mutex_unlock(&s->lock);
	if (is_program)
		pthread_mutex_lock(&s->launching);
	alert_send(s->config, p->receiver, g, s->launcher, &outcome);
	if (is_program)
		pthread_mutex_unlock(&s->launching);
	pthread_mutex_lock(&s->lock);
	judge(p, g, &outcome);
	update(p);
}

static void *deliver(void *context)
{
	struct post *p = context;

	pthread_mutex_lock(&p->sender->lock);
	for (;;) {
		uint64_t due_us;
		const struct alert_group *g = alert_queue_take(
			&p->queue, clock_now().mono_us, &due_us);
		const struct timespec due = { (time_t)(due_us / USEC_PER_SEC),
					      (long)(due_us % USEC_PER_SEC) * 1000 };

		if (g)
			send_one(p, g);
		else if (due_us == UINT64_MAX)
			pthread_cond_wait(&p->news, &p->sender->lock);
		else
			pthread_cond_timedwait(&p->news, &p->sender->lock, &due);
	}
	return NULL;
}

static void take_event(struct sender *s, const struct alert_event *event,
		       struct span line, uint32_t receivers)
{
	uint64_t now_us = clock_now().mono_us;

	for (size_t i = 0; i < s->config->n_receivers; i++) {
		struct post *p = &s->posts[i];

		if (receivers & UINT32_C(1) << i) {
			alert_queue_add(&p->queue, event, line, now_us);
			pthread_cond_signal(&p->news);
		}
		alert_queue_seen(&p->queue, event->seq);
		update(p);
	}
	atomic_store(&s->page->read_seq, event->seq + 1);
}

static void take_line(struct sender *s, struct span line)
{
	struct alert_event event;
	uint32_t receivers;

	if (alert_event_parse(line, &event) < 0) {
		atomic_fetch_add(&s->page->n_bad, 1);
		return;
	}
	alert_mutes_look(&s->mutes);
	receivers = alert_event_receivers(s->config, &event);
	if (receivers && mutes_match(&s->mutes.mutes, line, clock_now().real_us))
		receivers = 0;
	pthread_mutex_lock(&s->lock);
	take_event(s, &event, line, receivers);
	pthread_mutex_unlock(&s->lock);
}

static void take_lines(struct sender *s, struct buffer *pending)
{
	struct span rest = buffer_span(pending);
	const char *end;

	while (rest.len && (end = memchr(rest.data, '\n', rest.len))) {
		struct span line = { rest.data, (size_t)(end - rest.data) };

		take_line(s, line);
		rest = span_skip(rest, line.len + 1);
	}
	if (rest.len)
		memmove(pending->data, rest.data, rest.len);
	pending->len = rest.len;
}

static int read_lines(struct sender *s, int fd)
{
	_cleanup_buffer_ struct buffer pending = { .limit = 2 * EVENT_LINE_MAX };

	for (;;) {
		char *to = buffer_reserve(&pending, READ_BYTES);
		ssize_t n = to ? read(fd, to, READ_BYTES) : 0;

		if (!to)
			return buffer_error(&pending);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		pending.len += n > 0 ? (size_t)n : 0;
		take_lines(s, &pending);
	}
}

static int start_post(struct sender *s, size_t i)
{
	struct post *p = &s->posts[i];
	const struct alert_receiver *r = &s->config->receivers[i];
	pthread_condattr_t monotonic;
	int error;

	p->sender = s;
	p->receiver = i;
	p->row = alert_page_take_row(s->page, s->config, r->name, 0);
	if (!p->row)
		return -ENOSPC;
	alert_queue_init(&p->queue, r, atomic_load(&p->row->next_seq));
	error = pthread_condattr_init(&monotonic);
	if (!error)
		error = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	if (!error)
		error = pthread_cond_init(&p->news, &monotonic);
	if (!error)
		error = pthread_create(&p->thread, NULL, deliver, p);
	return -error;
}

int alerts_send_lines(const struct alert_config *c, struct alert_page *page,
		      const struct mutes_page *mutes, int lines, int letter_fd,
		      int launcher)
{
	/* its threads never end before the process does, and no stack has room for it */
	static struct sender s = { .lock = PTHREAD_MUTEX_INITIALIZER,
				   .launching = PTHREAD_MUTEX_INITIALIZER };
	int r = 0;

	s.config = c;
	s.page = page;
	s.mutes.page = mutes;
	s.letter_fd = letter_fd;
	s.launcher = launcher;
	for (size_t i = 0; r == 0 && i < c->n_receivers; i++)
		r = start_post(&s, i);
	if (r < 0)
		return log_error_errno(r, "alerts: cannot start the senders");
	return read_lines(&s, lines);
}

void alerts_send_test(const struct alert_config *c, size_t receiver,
		      struct alert_outcome *ret)
{
	const struct span line = SPAN(
		"{\"seq\": 0, \"ts\": 0.000000, \"type\": \"test_alert\", \"data\": "
		"{\"message\": \"A test by lksm alert test\"}, \"severity\": \"high\", "
		"\"source\": \"lksm\"}");
	struct alert_group group = { .type = "test_alert" };
	struct alert_event event;

	*ret = (struct alert_outcome){ 0 };
	if (alert_event_parse(line, &event) < 0 ||
	    gethostname(event.host, sizeof(event.host) - 1) < 0)
		return;
	time_format(clock_now().real_us, event.time);
	alert_group_add(&group, &event, line);
	alert_send(c, receiver, &group, -1, ret);
	alert_group_deinit(&group);
}
