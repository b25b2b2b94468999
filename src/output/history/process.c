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
#define FULL_US	  (600 * USEC_PER_SEC) /* a disk that was full is left alone */

struct history {
	const struct history_options *options;
	struct indexer *indexer; /* NULL: not opened yet, or in vain */
	int signals;
	uint64_t trimmed_us, full_until_us; /* CLOCK_MONOTONIC */
	bool is_trim_turn, has_trimmed, is_renewal_wanted;
	enum room room; /* what was said last: this, and */
	int error;
};

static bool is_stop(struct history *h)
{
	struct signalfd_siginfo info;

	if (read(h->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	h->is_renewal_wanted = h->is_renewal_wanted || info.ssi_signo == SIGUSR1;
	return info.ssi_signo == SIGTERM;
}

/* Return: 0 go on, 1 stop; @ret_is_news: it was not only somebody who asks how we are. */
static int look(struct history *h, int watch, int timeout_ms, bool *ret_is_news)
{
	const struct history_options *o = h->options;
	struct pollfd fds[] = { { .fd = h->signals, .events = POLLIN },
				{ .fd = o->control_fd, .events = POLLIN },
				{ .fd = watch, .events = POLLIN } };

	if (poll(fds, ARRAY_SIZE(fds), timeout_ms) < 0 && errno != EINTR)
		return 1;
	if (fds[0].revents && is_stop(h))
		return 1;
	*ret_is_news = fds[0].revents || fds[2].revents;
	return fds[1].revents && o->control(o->control_fd) < 0;
}

/* Until there is news, or time to look for what is too old. Return: as look(). */
static int rest(struct history *h, int watch)
{
	uint64_t now_us = clock_now().mono_us;
	uint64_t end_us = now_us + (watch < 0 ? (uint64_t)ASK_MS * 1000 : TRIM_US);
	bool is_news = false;

	for (; now_us < end_us && !is_news; now_us = clock_now().mono_us)
		if (look(h, watch, (int)((end_us - now_us + 999) / 1000), &is_news))
			return 1;
	return 0;
}

/* News: more of it is on its way. After work there is only a look at the others. */
static int gather(struct history *h, int r)
{
	bool is_news;

	return look(h, -1, r > 0 ? 0 : r < 0 ? ASK_MS : GATHER_MS, &is_news);
}

static void close_indexer(struct history *h)
{
	indexer_destroy(h->indexer);
	h->indexer = NULL;
}

static int renew(struct history *h)
{
	int r = indexer_renew(h->indexer);

	h->is_renewal_wanted = false;
	if (r < 0)
		close_indexer(h);
	return r < 0 ? r : 1;
}

/* Some of what is too old or too much; 0: nothing is, for a while. */
static int trim(struct history *h, struct now now)
{
	int n;

	if (now.mono_us - h->trimmed_us < TRIM_US)
		return 0;
	n = indexer_trim(h->indexer, now.real_us);
	if (n == 0) {
		h->trimmed_us = now.mono_us;
		if (h->has_trimmed)
			indexer_tidy(h->indexer);
	}
	h->has_trimmed = n > 0;
	return n;
}

static int take(struct history *h)
{
	int n = indexer_turn(h->indexer);

	if (n != -EUCLEAN && n != -ESTALE && n != -EACCES)
		return n;
	log_warning(n == -ESTALE   ? "the log was begun anew"
		    : n == -EACCES ? "the history may not be written"
				   : "the history is damaged");
	return renew(h);
}

/* While events keep coming, every other turn is for those that are to go. */
static int take_turn(struct history *h, struct now now)
{
	int n = h->is_trim_turn ? trim(h, now) : 0;

	h->is_trim_turn = !h->is_trim_turn;
	if (n == 0)
		n = take(h);
	return n == 0 && h->indexer ? trim(h, now) : n;
}

/* An index only: the room it has is worth more to the logs. */
static void make_room(struct history *h, struct now now)
{
	log_warning("the disk is full: the database of the history is removed, and made "
		    "anew later");
	close_indexer(h);
	(void)history_remove(); /* as good as it gets */
	h->full_until_us = now.mono_us + FULL_US;
}

/* Once, when it changes. */
static void tell(struct history *h, enum room room, int r)
{
	r = r < 0 ? r : 0;
	if (room == h->room && r == h->error)
		return;
	h->room = room;
	h->error = r;
	if (room == ROOM_NONE)
		log_warning("there is no history: its file system is too small for more "
			    "than the logs");
	else if (room == ROOM_LITTLE)
		log_warning("the history waits until there is more room on its disk: "
			    "what is left is for the logs");
	else if (r < 0)
		(void)log_error_errno(r, "the history is not up to date");
	else
		log_info("the history goes on");
}

/* Return: how many events were taken or removed, -errno. */
static int work(struct history *h)
{
	const struct history_options *o = h->options;
	struct now now = clock_now();
	enum room room = room_here(&o->room);
	int r = 0;

	if (room == ROOM_ENOUGH && now.mono_us < h->full_until_us)
		room = ROOM_LITTLE;
	if (room != ROOM_ENOUGH)
		r = -ENOSPC;
	else if (!h->indexer)
		r = indexer_create(&o->indexer, &h->indexer);
	if (r >= 0)
		r = h->is_renewal_wanted ? renew(h) : take_turn(h, now);
	if (r == -ENOSPC && room == ROOM_ENOUGH) {
		make_room(h, now);
		room = ROOM_LITTLE;
	}
	tell(h, room, r);
	return r;
}

static int follow(struct history *h)
{
	int r = 1; /* there may be some already */

	for (;;) {
		if (r == 0 && rest(h, indexer_watch(h->indexer)))
			return 0;
		if (gather(h, r))
			return 0;
		r = work(h);
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
	int r = h.signals < 0 ? h.signals : follow(&h);

	close_indexer(&h);
	cleanup_close(&h.signals);
	return r;
}
