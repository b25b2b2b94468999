// SPDX-License-Identifier: Apache-2.0
/* core/intake: its loop and its end, with modules that do what they should not. */
#include "core/intake.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/systemd.h"
#include "expect.h"

#define PATIENCE_US  (10 * USEC_PER_SEC)
#define ROUNDS	     100 /* of which the writer sleeps in most */
#define SILENT_TURNS 100

/* Has always more, which is seldom a thing: when the last is taken, and some time after. */
struct endless {
	const struct lksm_host *host;
	size_t n_spoken, n_silent;
};

static atomic_size_t n_taken;

static int endless_start(void *state, const struct lksm_host *host)
{
	((struct endless *)state)->host = host;
	return 0;
}

static int endless_poll(void *state, struct lksm_batch *out)
{
	struct endless *e = state;

	if (e->n_spoken > atomic_load(&n_taken) || e->n_silent++ < SILENT_TURNS)
		return 1;
	e->n_silent = 0;
	e->n_spoken++;
	(void)e->host->emit(out, 0, "spoken", LKSM_INFO);
	return 1;
}

static void endless_stop(void *state)
{
	(void)state;
}

static const struct lksm_module endless = { .abi = LKSM_MODULE_ABI,
					    .name = "endless",
					    .state_size = sizeof(struct endless),
					    .start = endless_start,
					    .poll = endless_poll,
					    .stop = endless_stop };
/* Woken by its pipe, once the loop has slept, it goes on by ticks. */
struct late {
	const struct lksm_host *host;
	size_t n_turns;
	bool has_read;
};

static int late_pipe[2];

static int late_start(void *state, const struct lksm_host *host)
{
	((struct late *)state)->host = host;
	return host->watch(host, late_pipe[0]);
}

static int late_poll(void *state, struct lksm_batch *out)
{
	struct late *l = state;
	char byte;

	if (l->has_read) {
		(void)l->host->emit(out, 0, "spoken", LKSM_INFO);
		l->host->want_ticks(l->host, false);
		return 0;
	}
	if (l->n_turns++ == 0 || read(late_pipe[0], &byte, 1) != 1)
		return 0; /* the first turn is everybody's */
	l->has_read = true;
	l->host->unwatch(l->host, late_pipe[0]);
	return 0;
}

static const struct lksm_module late = { .abi = LKSM_MODULE_ABI,
					 .name = "late",
					 .state_size = sizeof(struct late),
					 .start = late_start,
					 .poll = late_poll,
					 .stop = endless_stop };

static const struct lksm_module *builtin;
const struct lksm_module *const *const lksm_builtin_modules[] = { &builtin, NULL };

struct writer {
	struct queue *queue;
	bool was_woken; /* each time, not only when its patience was at an end */
};

static bool take_some(struct writer *w)
{
	struct lksm_batch *full[QUEUE_TAKE_MAX];
	uint64_t until_us = clock_now().mono_us + PATIENCE_US;
	int n = queue_take_full(w->queue, until_us, full);

	for (int i = 0; i < n; i++)
		queue_put_empty(w->queue, full[i]);
	return n > 0 && clock_now().mono_us < until_us;
}

static void *write_all(void *context)
{
	struct writer *w = context;

	w->was_woken = true;
	for (size_t i = 0; i < ROUNDS && w->was_woken; i++) {
		w->was_woken = take_some(w);
		atomic_fetch_add(&n_taken, 1);
	}
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	while (take_some(w))
		;
	return NULL;
}

static void *write_one(void *context)
{
	struct writer *w = context;

	assert_int_equal(write(late_pipe[1], "x", 1), 1);
	w->was_woken = take_some(w);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	while (take_some(w))
		;
	return NULL;
}

/* Return: whether the writer, which ends it, always was woken. */
static bool run(const struct lksm_module *module, void *(*write)(void *))
{
	const struct position position = { 0 };
	struct intake_options options = { .position = &position,
					  .poll_interval_us = 1000,
					  .landed_fd = -1,
					  .control_fd = -1 };
	struct writer w = { 0 };
	pthread_t thread;
	sigset_t term;

	builtin = module;
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &term, NULL), 0);
	assert_int_equal(queue_create(&w.queue), 0);
	options.queue = w.queue;
	assert_int_equal(pthread_create(&thread, NULL, write, &w), 0);
	assert_int_equal(sd_load(NULL), 0);
	assert_int_equal(intake_run(&options), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	queue_destroy(w.queue);
	return w.was_woken;
}

/* One that says nothing, but has always more, does not keep the writer asleep. */
static void test_the_writer_is_woken_for_what_is_there(void **state)
{
	(void)state;
	assert_true(run(&endless, write_all));
}

static void test_ticks_that_come_later(void **state)
{
	(void)state;
	assert_int_equal(pipe2(late_pipe, O_NONBLOCK | O_CLOEXEC), 0);
	assert_true(run(&late, write_one));
	(void)close(late_pipe[0]);
	(void)close(late_pipe[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_writer_is_woken_for_what_is_there),
		cmocka_unit_test(test_ticks_that_come_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
