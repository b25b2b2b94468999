// SPDX-License-Identifier: Apache-2.0
/* See inbox.h. The intake changes an inbox with nothing in flight, the writer lands it. */
#include "core/inbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/log.h"

#define FLIGHT_SHIFT 32

/* All but the items is each process's own. */
struct inbox_set {
	size_t n;
	struct inbox *items;
	char names[][INBOX_NAME_SIZE];
};

int inbox_set_create(const char *const names[], size_t n, struct inbox_set **ret)
{
	const size_t size = sizeof(struct inbox_set) + n * INBOX_NAME_SIZE;
	_cleanup_free_ struct inbox_set *set = calloc(1, size);

	if (!set)
		return -ENOMEM;
	set->n = n;
	for (size_t i = 0; i < n; i++)
		(void)snprintf(set->names[i], INBOX_NAME_SIZE, "%s", names[i]);
	set->items = mmap(NULL, n * sizeof(struct inbox), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (set->items == MAP_FAILED)
		return -errno;
	*ret = take_ptr(set);
	return 0;
}

void inbox_set_unmap(struct inbox_set *set)
{
	if (!set)
		return;
	/* fails for a wrong address only */
	(void)munmap(set->items, set->n * sizeof(struct inbox));
	free(set);
}

struct inbox *inbox_set_find(struct inbox_set *set, const char *name)
{
	for (size_t i = 0; set && i < set->n; i++)
		if (!strncmp(set->names[i], name, INBOX_NAME_SIZE))
			return &set->items[i];
	return NULL;
}

/* ---- marks ---- */

static uint64_t load(const struct inbox *inbox)
{
	return atomic_load_explicit(&inbox->at, memory_order_acquire);
}

static void store(struct inbox *inbox, uint64_t at, uint64_t n_in_flight)
{
	atomic_store_explicit(&inbox->at, at | n_in_flight << FLIGHT_SHIFT,
			      memory_order_release);
}

static size_t valid_at(const struct inbox *inbox)
{
	return (uint32_t)load(inbox);
}

static size_t count_in_flight(const struct inbox *inbox)
{
	return load(inbox) >> FLIGHT_SHIFT;
}

static size_t behind(size_t at, size_t n)
{
	return (at + n) % INBOX_MARKS;
}

const struct inbox_mark *inbox_mark(const struct inbox *inbox)
{
	return &inbox->marks[valid_at(inbox)];
}

size_t inbox_end(const struct inbox *inbox)
{
	const struct inbox_mark *mark = inbox_mark(inbox);
	size_t end = INBOX_SIDE;

	/* zeros that are done with were said, too */
	while (end > mark->start && !inbox->sides[mark->side][end - 1])
		end--;
	return end;
}

void inbox_put_mark(struct inbox *inbox, size_t i, const struct inbox_mark *mark)
{
	inbox->marks[behind(valid_at(inbox), 1 + i)] = *mark;
}

void inbox_commit(struct inbox *inbox, const struct inbox_mark *mark)
{
	inbox_put_mark(inbox, 0, mark);
	store(inbox, behind(valid_at(inbox), 1), 0);
}

void inbox_take_off(struct inbox *inbox, size_t n)
{
	for (size_t i = 0; i < n; i++)
		inbox->seqs[i] = UINT64_MAX;
	store(inbox, valid_at(inbox), n);
}

void inbox_note_seq(struct inbox *inbox, size_t i, uint64_t seq)
{
	inbox->seqs[i] = seq;
}

void inbox_land(struct inbox *inbox)
{
	atomic_store_explicit(&inbox->n_tries, 0, memory_order_relaxed);
	store(inbox, behind(valid_at(inbox), count_in_flight(inbox)), 0);
}

bool inbox_is_in_flight(const struct inbox *inbox)
{
	return count_in_flight(inbox) > 0;
}

/* ---- a new core ---- */

static bool is_sound(const struct inbox *inbox)
{
	size_t at = valid_at(inbox), n = count_in_flight(inbox);

	if (at >= INBOX_MARKS || n > INBOX_FLIGHT_MAX)
		return false;
	for (size_t i = 0; i <= n; i++) {
		const struct inbox_mark *mark = &inbox->marks[behind(at, i)];

		if (mark->side > 1 || mark->start > INBOX_SIDE || mark->is_skipping > 1)
			return false;
	}
	return true;
}

/* Events have rising numbers, so those that the log has are the first. */
static size_t count_logged(const struct inbox *inbox, uint64_t next_seq)
{
	size_t n = 0;

	while (n < count_in_flight(inbox) && inbox->seqs[n] < next_seq)
		n++;
	return n;
}

static size_t count_lines(const struct inbox *inbox, const struct inbox_mark *mark,
			  size_t end)
{
	size_t n = 0;

	for (size_t i = mark->start; i < end; i++)
		n += inbox->sides[mark->side][i] == '\n';
	return n;
}

/* Whole lines over which one core after the other ended: the next is to have others. */
static void give_up(struct inbox *inbox, const char *name, size_t n_lines, size_t end)
{
	struct inbox_mark mark = *inbox_mark(inbox);
	const char *bytes = inbox->sides[mark.side];

	while (end > mark.start && bytes[end - 1] != '\n')
		end--;
	if (!mark.n_given_up)
		mark.first_given_up = mark.n_lines;
	mark.n_given_up += n_lines;
	mark.n_lines += n_lines;
	mark.start = (uint32_t)end;
	inbox_commit(inbox, &mark);
	atomic_store_explicit(&inbox->n_tries, 0, memory_order_relaxed);
	log_error("%zu lines of module %s are given up: core ended over them %d times",
		  n_lines, name, INBOX_TRIES_MAX);
}

static void settle(struct inbox *inbox, const char *name, uint64_t next_seq)
{
	size_t n_logged = count_logged(inbox, next_seq), end, n_lines;
	uint32_t n_tries = atomic_load_explicit(&inbox->n_tries, memory_order_relaxed);

	store(inbox, behind(valid_at(inbox), n_logged), 0);
	end = inbox_end(inbox);
	n_lines = count_lines(inbox, inbox_mark(inbox), end);
	n_tries = n_logged || !n_lines ? 0 : n_tries + 1;
	atomic_store_explicit(&inbox->n_tries, n_tries, memory_order_relaxed);
	if (n_tries >= INBOX_TRIES_MAX)
		give_up(inbox, name, n_lines, end);
}

static void empty(struct inbox *inbox, const char *name)
{
	static const char reason[] = "what core left of it made no sense";

	log_error("module %s: %s", name, reason);
	memset(inbox->marks, 0, sizeof(inbox->marks));
	memset(inbox->sides, 0, sizeof(inbox->sides));
	memcpy(inbox->reason, reason, sizeof(reason));
	inbox->marks[0].n_nonsense = 1;
	atomic_store_explicit(&inbox->n_tries, 0, memory_order_relaxed);
	store(inbox, 0, 0);
}

void inbox_set_settle(struct inbox_set *set, uint64_t next_seq)
{
	for (size_t i = 0; set && i < set->n; i++) {
		struct inbox *inbox = &set->items[i];

		inbox->reason[INBOX_REASON_SIZE - 1] = '\0';
		if (is_sound(inbox))
			settle(inbox, set->names[i], next_seq);
		else
			empty(inbox, set->names[i]);
	}
}

void inbox_set_end_well(struct inbox_set *set)
{
	for (size_t i = 0; set && i < set->n; i++)
		atomic_store_explicit(&set->items[i].n_tries, 0, memory_order_relaxed);
}
