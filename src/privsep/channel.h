/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small messages between our own processes, each with at most one descriptor, over an
 * AF_UNIX SOCK_SEQPACKET pair. The receiver trusts no length and no number in them.
 */
#ifndef PRIVSEP_CHANNEL_H
#define PRIVSEP_CHANNEL_H

#include <stdint.h>

#define CHANNEL_NAME_SIZE 64

enum channel_kind {
	CHANNEL_OPEN_LOG,  /* core → supervisor: open the day's log @name for appending;
			      reply with fd */
	CHANNEL_OPEN_TAIL, /* core → supervisor: open the @number-th newest plain log for
			      reading; reply: name, fd */
	CHANNEL_RESERVE, /* core → supervisor: hold (@number 1) the room for bad times,
			      or give it back (0) */
	CHANNEL_REPLY,	 /* @number: 0 or a positive errno; @detail: bytes cut from a torn
			   last line */
	CHANNEL_MODULE, /* supervisor → core: attach external module @name to this pipe;
			   @number: rate limit */
	CHANNEL_PING, /* supervisor → core: has the writer made progress?; → web: does
			   your loop turn? */
	CHANNEL_PONG,
	CHANNEL_LOOK,	/* core → supervisor: look for source @name, "module.option" */
	CHANNEL_SOURCE, /* supervisor → core: source @name: fd, or @number: errno */
	CHANNEL_KIND_COUNT,
};

struct channel_message {
	enum channel_kind kind;
	char name[CHANNEL_NAME_SIZE]; /* NUL-terminated */
	uint64_t number;
	uint64_t detail;
	int fd; /* -1 for none; the receiver owns what it gets */
};

/** channel_create() - a pair, both ends close-on-exec */
int channel_create(int ret[static 2]);

/** channel_set_nonblocking() - an end that must not keep its owner waiting; 0 or -errno */
int channel_set_nonblocking(int channel);

/** channel_send() - 0 or -errno (-EAGAIN: full); @message->fd stays the caller's */
int channel_send(int channel, const struct channel_message *message);

/**
 * channel_receive() - 1 and @ret; 0 when the other end is closed; -EAGAIN, -EBADMSG (what
 * came was nonsense and is gone), -errno
 */
int channel_receive(int channel, struct channel_message *ret);

#endif
