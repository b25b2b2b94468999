/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far each receiver is told, and how it went: the file .alerts, mapped, so that a number in
 * it outlives a SIGKILL and costs no call. A receiver's next_seq only grows when what is below is
 * delivered or in the dead letters, so whoever starts there leaves nothing out.
 */
#ifndef OUTPUT_ALERTS_ALERT_PAGE_H
#define OUTPUT_ALERTS_ALERT_PAGE_H

#include <stdatomic.h>

#include "core/log_follower.h"
#include "output/alerts/alert_send.h"

#define ALERT_PAGE_NAME	  ".alerts"
#define ALERT_LETTER_NAME "alerts_dead_letters.jsonl"

enum alert_state {
	ALERT_WELL,
	ALERT_RETRYING, /* a message waits for its next try */
	ALERT_FAILING,	/* the last message was given up */
};

struct alert_row {
	char name[ALERT_NAME_SIZE]; /* "": free */
	_Atomic uint64_t next_seq;  /* events below need no telling any more */
	_Atomic uint64_t n_sent, n_failed,
		n_dead;		       /* messages, tries, messages given up */
	_Atomic uint64_t sent_real_us; /* the last one; 0: none */
	_Atomic uint32_t state;	       /* enum alert_state */
	char says[ALERT_SAYS_SIZE];    /* what came of the last try */
};

struct alert_page {
	char magic[8];
	_Atomic int32_t pid; /* who sends; 0: nobody */
	/* where the log was at an event that all receivers know; valid if not 0 */
	_Atomic uint64_t cursor_number;
	struct log_cursor cursor;
	_Atomic uint64_t read_seq; /* events below were read */
	_Atomic uint64_t n_bad;	   /* lines that were no events */
	struct alert_row rows[ALERT_RECEIVERS_MAX];
};

/** alert_page_map() - @fd: open for reading, and for writing if @is_writable; a new file, or
 * one that makes no sense, becomes an empty page. Return: 0; -EBADMSG (reading); -errno */
int alert_page_map(int fd, bool is_writable, struct alert_page **ret);
void alert_page_unmap(struct alert_page *page);

/**
 * alert_page_take_row() - a receiver's row; a new one begins at @next_seq
 *
 * Rows of receivers that @c has not any more make room. NULL: none is free, which cannot be.
 */
struct alert_row *alert_page_take_row(struct alert_page *page,
				      const struct alert_config *c, const char *name,
				      uint64_t next_seq);

/** alert_page_next_seq() - the first event that some receiver of @c may not know; false:
 * there is no row for one of them */
bool alert_page_next_seq(const struct alert_page *page, const struct alert_config *c,
			 uint64_t *ret);

/**
 * alert_page_cursor() - where to begin so that nothing from @next_seq on is left out
 *
 * The page can be written by the sender, who may not choose what the feeder opens: a name that
 * is no log's is not taken.
 */
void alert_page_cursor(const struct alert_page *page, uint64_t next_seq,
		       struct log_cursor *ret);

#endif
