// SPDX-License-Identifier: Apache-2.0
/*
 * See echo.h. Mirrors that are awaited stand in a ring, oldest first, and in hash chains;
 * of their texts only a keyed hash of 128 bits is kept. One that was seen leaves its chain
 * at once and the ring when all before it have left.
 */
#include "core/echo.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define N_MIRRORS ECHO_RECORDS_MAX
#define NONE	  UINT32_MAX

_Static_assert((N_MIRRORS & (N_MIRRORS - 1)) == 0, "indices are masked");
_Static_assert(ECHO_KEY_SIZE == crypto_shorthash_siphashx24_KEYBYTES, "one key");

struct hash {
	uint64_t words[2];
};
_Static_assert(sizeof(struct hash) == crypto_shorthash_siphashx24_BYTES, "one hash");

struct mirror {
	struct hash hash;
	uint64_t ts_us;
	uint32_t previous, next; /* in its chain, NONE at the ends */
	bool is_awaited;
};

struct pending {
	struct lksm_record record; /* stream and text are copies, owned */
	struct hash hash;
	uint64_t read_us;
};

enum state {
	NEVER, /* no channel, and none before */
	OPEN,
	CLOSED,
};

struct echo {
	unsigned char key[ECHO_KEY_SIZE];
	enum state state;
	bool is_asked;				/* and not answered */
	bool has_since;				/* of the instance: any record was seen */
	uint64_t since_us;			/* of its oldest that we know */
	uint64_t last_us;			/* of its newest */
	uint64_t doubt_from_us, doubt_until_us; /* lines of lost records may be here */
	uint64_t first, end;			/* of the ring; they count on */
	size_t n_pending;
	struct pending pending[ECHO_PENDING_MAX]; /* in the order of arrival */
	struct pending given;			  /* by the last echo_next_decided() */
	uint32_t chains[N_MIRRORS];
	struct mirror mirrors[N_MIRRORS];
};

int echo_create(const unsigned char key[static ECHO_KEY_SIZE], struct echo **ret)
{
	struct echo *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	memcpy(e->key, key, sizeof(e->key));
	memset(e->chains, 0xff, sizeof(e->chains));
	*ret = e;
	return 0;
}

static void pending_free(struct pending *p)
{
	free((char *)(uintptr_t)p->record.stream);
	free((char *)(uintptr_t)p->record.text);
	*p = (struct pending){ 0 };
}

void echo_destroy(struct echo *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n_pending; i++)
		pending_free(&e->pending[i]);
	pending_free(&e->given);
	free(e);
}

static struct hash hash(const struct echo *e, struct span text)
{
	struct hash h;

	(void)crypto_shorthash_siphashx24((unsigned char *)&h,
					  (const unsigned char *)text.data, text.len,
					  e->key); /* has no way to fail */
	return h;
}

static bool is_same(const struct hash *a, const struct hash *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/* ---- mirrors that are awaited ---- */

static uint32_t *chain_of(struct echo *e, const struct hash *h)
{
	return &e->chains[h->words[0] & (N_MIRRORS - 1)];
}

static struct mirror *mirror_at(struct echo *e, uint64_t i)
{
	return &e->mirrors[i & (N_MIRRORS - 1)];
}

static void unlink_mirror(struct echo *e, struct mirror *m)
{
	if (m->next != NONE)
		e->mirrors[m->next].previous = m->previous;
	if (m->previous != NONE)
		e->mirrors[m->previous].next = m->next;
	else
		*chain_of(e, &m->hash) = m->next;
	m->is_awaited = false;
}

static void forget_seen(struct echo *e)
{
	while (e->first < e->end && !mirror_at(e, e->first)->is_awaited)
		e->first++;
}

static void await_mirror(struct echo *e, const struct hash *h, uint64_t ts_us)
{
	struct mirror *m;
	uint32_t *chain = chain_of(e, h);

	if (e->end - e->first == N_MIRRORS) { /* forget_seen() has left it: awaited */
		m = mirror_at(e, e->first);
		if (m->ts_us + ECHO_PATIENCE_US > e->since_us)
			e->since_us = m->ts_us + ECHO_PATIENCE_US;
		unlink_mirror(e, m);
		forget_seen(e);
	}
	m = mirror_at(e, e->end);
	*m = (struct mirror){ *h, ts_us, NONE, *chain, true };
	if (*chain != NONE)
		e->mirrors[*chain].previous = (uint32_t)(e->end & (N_MIRRORS - 1));
	*chain = (uint32_t)(e->end++ & (N_MIRRORS - 1));
}

static bool take_mirror(struct echo *e, const struct hash *h)
{
	for (uint32_t i = *chain_of(e, h); i != NONE; i = e->mirrors[i].next) {
		if (!is_same(&e->mirrors[i].hash, h))
			continue;
		unlink_mirror(e, &e->mirrors[i]);
		forget_seen(e);
		return true;
	}
	return false;
}

/* What was not seen by now was lost with a part of the kernel log: nobody may use it. */
static void forget_stale(struct echo *e, uint64_t ts_us)
{
	while (e->first < e->end &&
	       mirror_at(e, e->first)->ts_us + ECHO_STALE_US < ts_us) {
		unlink_mirror(e, mirror_at(e, e->first));
		forget_seen(e);
	}
}

/* ---- the channel ---- */

void echo_asked(struct echo *e)
{
	e->is_asked = true;
}

void echo_opened(struct echo *e, bool is_new)
{
	e->is_asked = false;
	e->state = OPEN;
	if (!is_new)
		return;
	e->has_since = false;
	e->since_us = e->last_us = 0;
	e->doubt_from_us = e->doubt_until_us = 0;
}

static void decide_all(struct echo *e, enum lksm_verdict verdict)
{
	for (size_t i = 0; i < e->n_pending; i++)
		if (e->pending[i].record.verdict == LKSM_UNDECIDED)
			e->pending[i].record.verdict = verdict;
}

void echo_closed(struct echo *e)
{
	e->is_asked = false;
	if (e->state == OPEN)
		e->state = CLOSED;
	decide_all(e, e->state == NEVER ? LKSM_UNJUDGED : LKSM_UNVERIFIED);
}

void echo_lost(struct echo *e, uint64_t ts_us)
{
	uint64_t from = e->has_since ? e->last_us : ts_us;

	/* windows that touch are one; an older one is over with its lines */
	if (!e->doubt_until_us || from > e->doubt_until_us + ECHO_PATIENCE_US)
		e->doubt_from_us = from;
	if (ts_us + ECHO_PATIENCE_US > e->doubt_until_us)
		e->doubt_until_us = ts_us + ECHO_PATIENCE_US;
}

void echo_record(struct echo *e, struct span mirror, uint64_t ts_us)
{
	struct hash h = hash(e, mirror);

	if (!e->has_since)
		e->since_us = ts_us;
	e->has_since = true;
	if (ts_us > e->last_us)
		e->last_us = ts_us;
	for (size_t i = 0; i < e->n_pending; i++) {
		struct pending *p = &e->pending[i];

		if (p->record.verdict != LKSM_UNDECIDED || !is_same(&p->hash, &h))
			continue;
		p->record.verdict = LKSM_ECHO;
		return;
	}
	await_mirror(e, &h, ts_us);
}

/* ---- lines ---- */

static bool is_old(const struct echo *e, uint64_t ts_us)
{
	return !e->has_since || ts_us < e->since_us;
}

static bool is_doubtful(const struct echo *e, uint64_t ts_us)
{
	return e->doubt_until_us && ts_us >= e->doubt_from_us &&
	       ts_us <= e->doubt_until_us;
}

static int keep(struct echo *e, const struct lksm_record *line, const struct hash *h,
		uint64_t now_us)
{
	struct pending p = { *line, *h, now_us };
	char *text = malloc(line->text_len + 1);
	char *stream = strdup(line->stream);

	if (!text || !stream) {
		free(text);
		free(stream);
		return -ENOMEM;
	}
	if (line->text_len)
		memcpy(text, line->text, line->text_len);
	p.record.text = text;
	p.record.stream = stream;
	p.record.verdict = LKSM_UNDECIDED;
	e->pending[e->n_pending++] = p;
	return LKSM_UNDECIDED;
}

int echo_line(struct echo *e, const struct lksm_record *line, struct span text,
	      uint64_t now_us)
{
	struct hash h = hash(e, text);

	forget_stale(e, line->ts_us);
	if (take_mirror(e, &h))
		return LKSM_ECHO;
	if (e->is_asked)
		return keep(e, line, &h, now_us);
	if (e->state == NEVER)
		return LKSM_UNJUDGED;
	if (e->state == CLOSED || (e->has_since && is_old(e, line->ts_us)))
		return LKSM_UNVERIFIED;
	return keep(e, line, &h, now_us);
}

void echo_known_line(struct echo *e, struct span text, uint64_t ts_us)
{
	struct hash h = hash(e, text);

	forget_stale(e, ts_us);
	(void)take_mirror(e, &h); /* forged lines take none */
}

bool echo_is_full(const struct echo *e)
{
	return e->n_pending == ECHO_PENDING_MAX;
}

size_t echo_count_pending(const struct echo *e)
{
	return e->n_pending;
}

static void decide(const struct echo *e, struct pending *p, uint64_t now_us)
{
	uint64_t ts_us = p->record.ts_us;

	if (p->record.verdict != LKSM_UNDECIDED || e->is_asked)
		return;
	if (is_old(e, ts_us))
		p->record.verdict = LKSM_UNVERIFIED;
	else if (now_us - p->read_us >= ECHO_PATIENCE_US ||
		 (p == &e->pending[0] && echo_is_full(e)))
		p->record.verdict = is_doubtful(e, ts_us) ? LKSM_UNVERIFIED
							  : LKSM_NO_RECORD;
}

bool echo_next_decided(struct echo *e, uint64_t now_us, bool is_dry,
		       struct lksm_record *ret)
{
	pending_free(&e->given);
	for (size_t i = 0; i < e->n_pending; i++) {
		struct pending *p = &e->pending[i];

		if (is_dry)
			decide(e, p, now_us);
		if (p->record.verdict == LKSM_UNDECIDED)
			continue;
		e->given = *p;
		memmove(p, p + 1, (--e->n_pending - i) * sizeof(*p));
		*ret = e->given.record;
		return true;
	}
	return false;
}
