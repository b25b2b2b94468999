/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far we are: the next seq and, for each stream of this boot, the last record that is
 * in the log or was filtered. Kept in a state page, a small file that is mapped: updating
 * it costs no system call and survives SIGKILL.
 *
 * A record may be held: passed over, but not decided yet. It is behind the stream's last
 * one and yet not done with; a program that is killed meanwhile finds it again by this.
 *
 * The page holds two copies, each with a checksum and a generation; an update writes the
 * older one, so that a process killed in the middle leaves the other whole.
 */
#ifndef CORE_POSITION_H
#define CORE_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#define POSITION_STREAMS_MAX 8
#define POSITION_STREAM_SIZE 56 /* a stream's name with its NUL */
#define POSITION_HELD_MAX    64

struct position_stream {
	char name[POSITION_STREAM_SIZE];
	uint64_t last_seq;
};

struct position {
	char boot_id[40];  /* of the streams below, NUL-terminated */
	uint64_t next_seq; /* of the log's next event */
	uint32_t n_streams;
	struct position_stream streams[POSITION_STREAMS_MAX];
	char held_stream[POSITION_STREAM_SIZE]; /* only one stream holds at a time */
	uint32_t n_held;
	uint64_t held[POSITION_HELD_MAX]; /* in the order in which they were held */
	uint64_t bad_lines; /* found in the log by logtail_scan(); not kept in the page */
	struct { /* logtail_scan()'s, from one file to the next; not kept either */
		bool is_begun;
		bool has_streams;	  /* some were known before the first file */
		uint64_t next_seq;	  /* as it was before the first file */
		uint64_t logged_next_seq; /* behind the last event that is in a file */
	} scan;
};

struct state_page;

/**
 * state_page_map() - map a state file, made and sized if it is new
 * @fd: open for reading and writing; not taken
 *
 * The mapping is shared over fork(). Return: 0 or -errno.
 */
int state_page_map(int fd, struct state_page **ret);
void state_page_unmap(struct state_page *page);

/**
 * state_page_renew() - what it holds into another file, mapped at the same address from now
 * on; 0, or -errno and all is as before
 */
int state_page_renew(struct state_page *page, int fd);

/** state_page_load() - the newest whole copy; false (and @ret zeroed) if there is none */
bool state_page_load(const struct state_page *page, struct position *ret);

void state_page_store(struct state_page *page, const struct position *position);

/** position_find() - the last record of a stream; false if it is not known */
bool position_find(const struct position *position, const char *stream, uint64_t *ret);

/**
 * position_advance() - note a record; never goes back. With all places taken, the oldest
 * stream of a sensor ("proc:…") is forgotten, its instance being long gone; if there is
 * none, the one that was first. A name that is too long for POSITION_STREAM_SIZE is not
 * kept.
 */
void position_advance(struct position *position, const char *stream, uint64_t seq);

/**
 * position_hold() - note a record that is not decided. What another stream held is
 * forgotten; beyond POSITION_HELD_MAX, the one that was held first.
 */
void position_hold(struct position *position, const char *stream, uint64_t seq);

/** position_release() - whatever of @first..@last was held is decided */
void position_release(struct position *position, const char *stream, uint64_t first,
		      uint64_t last);

/** position_next_held() - the smallest number that is held, @from or beyond; false: none */
bool position_next_held(const struct position *position, const char *stream,
			uint64_t from, uint64_t *ret);

/** position_hold_all() - hold what @from holds, too. Return: was any of it new? */
bool position_hold_all(struct position *position, const struct position *from);

/**
 * position_set_boot() - this is the boot now; if it is another one than before, the
 * streams and what is held are forgotten and next_seq goes on. "" (unknown) is always another.
 */
void position_set_boot(struct position *position, const char *boot_id);

#endif
