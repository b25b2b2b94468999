// SPDX-License-Identifier: Apache-2.0
/*
 * See process.h. It sleeps until the log folder has news, waits a moment, so that a flood
 * becomes few large transactions, and takes what is there.
 */
#include "output/history/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/log.h"

#define GATHER_MS 200 /* from the first news to the transaction */
#define TRIM_US	  (60 * USEC_PER_SEC)
#define ASK_MS	  1000 /* without a watch on the folder, and after an error */

struct history {
	const struct history_options *options;
	struct indexer *indexer;
	int signals;
	uint64_t trimmed_us; /* CLOCK_MONOTONIC */
	bool is_renewal_wanted;
};

static bool is_stop(struct history *h)
{
	struct signalfd_siginfo info;

	if (read(h->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	h->is_renewal_wanted = h->is_renewal_wanted || info.ssi_signo == SIGUSR1;
	return info.ssi_signo == SIGTERM;
}

/* Return: 0 go on, 1 stop. */
static int look(struct history *h, int watch, int timeout_ms)
{
	const struct history_options *o = h->options;
	struct pollfd fds[] = { { .fd = h->signals, .events = POLLIN },
				{ .fd = o->control_fd, .events = POLLIN },
				{ .fd = watch, .events = POLLIN } };

	if (poll(fds, ARRAY_SIZE(fds), timeout_ms) < 0 && errno != EINTR)
		return 1;
	if (fds[0].revents && is_stop(h))
		return 1;
	return fds[1].revents && o->control(o->control_fd) < 0;
}

/* Return: how many events were taken or removed, -errno. */
static int work(struct history *h)
{
	struct now now = clock_now();
	int n;

	if (h->is_renewal_wanted) {
		h->is_renewal_wanted = false;
		n = indexer_renew(h->indexer);
		return n < 0 ? n : 1;
	}
	n = indexer_turn(h->indexer);

	if (n == -EUCLEAN || n == -ESTALE) {
		log_warning(n == -ESTALE ? "the log was begun anew"
					 : "the history is damaged");
		n = indexer_renew(h->indexer);
		return n < 0 ? n : 1;
	}
	if (n != 0 || now.mono_us - h->trimmed_us < TRIM_US)
		return n;
	n = indexer_trim(h->indexer, now.real_us);
	if (n == 0)
		h->trimmed_us = now.mono_us;
	return n;
}

static int follow(struct history *h)
{
	int r = 1; /* there may be some already */

	for (;;) {
		int watch = indexer_watch(h->indexer);

		if (r == 0 && look(h, watch, watch < 0 ? ASK_MS : (int)(TRIM_US / 1000)))
			return 0;
		/* news: more of it is on its way; after work, only a look at the others */
		if (look(h, -1, r > 0 ? 0 : r < 0 ? ASK_MS : GATHER_MS))
			return 0;
		r = work(h);
		if (r < 0)
			(void)log_error_errno(r, "the history is not up to date");
	}
}

static int open_signals(void)
{
	sigset_t ours;
	int fd;

	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigaddset(&ours, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &ours, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &ours, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int history_run(const struct history_options *options)
{
	struct history h = { .options = options, .signals = open_signals() };
	int r = h.signals < 0 ? h.signals : indexer_create(&options->indexer, &h.indexer);

	if (r >= 0)
		r = follow(&h);
	indexer_destroy(h.indexer);
	cleanup_close(&h.signals);
	return r;
}
