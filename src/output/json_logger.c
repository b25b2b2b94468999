// SPDX-License-Identifier: Apache-2.0
/*
 * See json_logger.h. The descriptor can only append, so a line that was written in part
 * can only be completed. Its rest is remembered and goes out first with the next drain;
 * until it is out, the line does not count as written and the file is not changed for
 * another.
 */
#include "output/json_logger.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "core/event.h"

#define REOPEN_AFTER_US \
	USEC_PER_SEC /* a day's log that cannot be opened is tried again */

struct json_logger {
	struct json_logger_storage storage;
	char name[JSON_LOGGER_NAME_SIZE];	 /* of the newest log; "" for none yet */
	char todays_name[JSON_LOGGER_NAME_SIZE]; /* "" if there is none */
	uint64_t name_minute; /* of the wall clock, which it holds for; 0: unknown */
	int fd;		      /* -1 until the first drain */
	nlink_t n_names;      /* of its file when it was opened */
	uint64_t size;	      /* of its file, by what we wrote */
	uint64_t n_reopen;    /* the last wish that was fulfilled */
	uint64_t looked_us;   /* CLOCK_MONOTONIC: at its names, too */
	struct log_progress *progress;	  /* never NULL */
	struct log_progress own_progress; /* if nobody looks */
	uint64_t next_try_us;		  /* CLOCK_MONOTONIC: after a failed open */
	struct buffer torn; /* what is missing of a line, newline included */
	uint64_t torn_seq;
};

int json_logger_create(const struct json_logger_storage *storage, const char *newest,
		       struct json_logger **ret)
{
	struct json_logger *l = calloc(1, sizeof(*l));
	size_t len = strlen(newest);

	if (!l)
		return -ENOMEM;
	/* Once something is written there is no way back: the room for a rest comes
	 * first. */
	if (!buffer_reserve(&l->torn, EVENT_LINE_MAX)) {
		free(l);
		return -ENOMEM;
	}
	tzset(); /* reads the zone's file now, while it still can be opened */
	l->storage = *storage;
	l->progress = storage->progress ? storage->progress : &l->own_progress;
	l->fd = -1;
	if (len < sizeof(l->name))
		memcpy(l->name, newest, len);
	*ret = l;
	return 0;
}

void json_logger_destroy(struct json_logger *l)
{
	if (!l)
		return;
	cleanup_close(&l->fd);
	buffer_deinit(&l->torn);
	free(l);
}

/* Return: false if there is no such date. */
static bool format_name(uint64_t real_us, char ret[static JSON_LOGGER_NAME_SIZE])
{
	time_t seconds = (time_t)(real_us / USEC_PER_SEC);
	struct tm tm;

	return localtime_r(&seconds, &tm) &&
	       snprintf(ret, JSON_LOGGER_NAME_SIZE, JSON_LOGGER_NAME_FORMAT,
			tm.tm_year + 1900, tm.tm_mon + 1,
			tm.tm_mday) == JSON_LOGGER_NAME_SIZE - 1;
}

/*
 * The name for a moment's local date; "" if it has none. Names compare as their dates do. It
 * is asked for with each drain; a date begins with a minute in every time zone of today.
 */
static const char *name_for(struct json_logger *l, struct now now)
{
	uint64_t minute = now.real_us / (60 * USEC_PER_SEC);

	if (minute != l->name_minute || !minute) {
		if (!format_name(now.real_us, l->todays_name))
			l->todays_name[0] = '\0';
		l->name_minute = minute;
	}
	return l->todays_name;
}

static int open_named(struct json_logger *l, const char *name)
{
	uint64_t n_reopen = atomic_load(&l->progress->n_reopen);
	_cleanup_close_ int fd = l->storage.open(l->storage.context, name);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	cleanup_close(&l->fd);
	l->fd = take_fd(&fd);
	l->n_names = st.st_nlink;
	l->size = (uint64_t)st.st_size;
	l->n_reopen = n_reopen;
	atomic_store(&l->progress->size, l->size);
	if (name != l->name)
		memcpy(l->name, name, sizeof(l->name));
	return 0;
}

/*
 * Is what we write to no longer the log, or not what we made of it? Of a file that does not
 * even tell its size, the next write will tell more. While drains follow one another only the
 * size is asked for, at a fraction of the cost.
 */
static bool is_tampered(struct json_logger *l, struct now now)
{
	struct stat st;

	if (l->n_reopen != atomic_load(&l->progress->n_reopen))
		return true;
	if (now.mono_us - l->looked_us < JSON_LOGGER_NAMES_US) {
		off_t size = lseek(l->fd, 0, SEEK_END);

		return size >= 0 && (uint64_t)size != l->size;
	}
	l->looked_us = now.mono_us;
	return fstat(l->fd, &st) == 0 &&
	       (st.st_nlink != l->n_names || (uint64_t)st.st_size != l->size);
}

/* What is missing of a torn line is missing no more: it is written whole, elsewhere. */
static int open_again(struct json_logger *l)
{
	int r = open_named(l, l->name);

	if (r >= 0)
		buffer_clear(&l->torn);
	return r;
}

/* Have the right day's log open, or any that takes lines. */
static int open_for(struct json_logger *l, struct now now)
{
	const char *name = name_for(l, now);
	int r;

	if (l->fd >= 0 && is_tampered(l, now)) {
		int error = open_again(l);

		if (error < 0)
			return error;
	}

	if (strcmp(name, l->name) < 0) /* the clock was set back, or has no date */
		name = l->name;
	if (l->fd >= 0 &&
	    (!strcmp(name, l->name) || l->torn.len || now.mono_us < l->next_try_us))
		return 0;
	if (!*name)
		return -EOVERFLOW;
	r = open_named(l, name);
	if (r < 0)
		l->next_try_us = now.mono_us + REOPEN_AFTER_US;
	return r < 0 && l->fd < 0 ? r : 0;
}

bool json_logger_is_leaving(struct json_logger *l, struct now now)
{
	return *l->name && !l->torn.len && now.mono_us >= l->next_try_us &&
	       strcmp(name_for(l, now), l->name) > 0;
}

int json_logger_end(struct json_logger *l, uint64_t *ret)
{
	int r = open_for(l, JSON_LOGGER_STAY); /* which compares the size */

	if (r >= 0)
		*ret = l->size;
	return r;
}

int json_logger_sync(struct json_logger *l)
{
	return l->fd >= 0 && fdatasync(l->fd) < 0 ? -errno : 0;
}

/* Write it all, going on after a short write. Return: 0 or -errno; @ret_done bytes are
 * out. */
static int write_iov(int fd, struct iovec iov[static 2], size_t *ret_done)
{
	size_t done = 0;
	int i = 0;

	while (i < 2) {
		ssize_t n;

		if (iov[i].iov_len == 0) {
			i++;
			continue;
		}
		n = writev(fd, iov + i, 2 - i);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*ret_done = done;
			return n < 0 ? -errno : -EIO;
		}
		done += (size_t)n;
		for (; i < 2 && (size_t)n >= iov[i].iov_len; i++)
			n -= (ssize_t)iov[i].iov_len;
		if (i < 2) {
			iov[i].iov_base = (char *)iov[i].iov_base + n;
			iov[i].iov_len -= (size_t)n;
		}
	}
	*ret_done = done;
	return 0;
}

static int write_all(struct json_logger *l, struct iovec iov[static 2], size_t *ret_done)
{
	int r;

	atomic_fetch_add(&l->progress->n_begun, 1);
	r = write_iov(l->fd, iov, ret_done);
	l->size += *ret_done;
	atomic_store(&l->progress->size, l->size);
	atomic_fetch_add(&l->progress->n_done, 1);
	return r;
}

static void forget_front(struct buffer *b, size_t n)
{
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

/*
 * @done bytes of these lines are out: how many lines is that? The rest of one that is
 * torn is remembered.
 */
static int settle(struct json_logger *l, const struct line *lines, size_t n_lines,
		  size_t done, int *ret_n)
{
	size_t i = 0;

	for (; i < n_lines && done >= lines[i].len; i++)
		done -= lines[i].len;
	if (i < n_lines && done) {
		buffer_append(&l->torn, lines[i].data + done, lines[i].len - done);
		l->torn_seq = lines[i].seq;
	}
	*ret_n += (int)i;
	return buffer_error(&l->torn);
}

/* What the supervisor may want to say of a log that is gone. */
static void note_progress(struct json_logger *l, const struct output_batch *batch,
			  bool is_first, int n)
{
	if (is_first && batch->n_lines)
		atomic_store(&l->progress->first_seq, batch->lines[0].seq);
	if (n > 0)
		atomic_store(&l->progress->next_seq, batch->lines[n - 1].seq + 1);
}

/* Return: as json_logger_log_events(), which has opened the log. */
static int write_lines(struct json_logger *l, const struct output_batch *batch)
{
	bool is_resumed = l->torn.len && batch->n_lines &&
			  batch->lines[0].seq == l->torn_seq;
	const struct line *lines = batch->lines + (is_resumed ? 1 : 0);
	size_t n_lines = batch->n_lines - (is_resumed ? 1 : 0), done = 0, from_torn;
	struct iovec iov[2];
	int n = 0, r, error;

	iov[0] = (struct iovec){ l->torn.data, l->torn.len };
	iov[1] = (struct iovec){ 0 };
	if (n_lines)
		iov[1] = (struct iovec){ (void *)lines[0].data,
					 (size_t)(batch->data + batch->len -
						  lines[0].data) };
	error = write_all(l, iov, &done);
	from_torn = done < l->torn.len ? done : l->torn.len;
	if (from_torn)
		forget_front(&l->torn, from_torn);
	if (l->torn.len)
		return error;
	n = is_resumed ? 1 : 0;
	r = settle(l, lines, n_lines, done - from_torn, &n);
	if (r < 0)
		return r;
	return n ? n : error;
}

int json_logger_log_events(struct json_logger *l, const struct output_batch *batch)
{
	bool is_first;
	int r;

	if (!batch->n_lines && !l->torn.len)
		return 0;
	r = open_for(l, batch->now);
	if (r < 0)
		return r;
	is_first = l->size == 0;
	r = write_lines(l, batch);
	note_progress(l, batch, is_first, r);
	return r;
}
