// SPDX-License-Identifier: Apache-2.0
/* See alert_queue.h. */
#include "output/alerts/alert_queue.h"

#include "base/clock.h"

#define MINUTE_US	(60 * USEC_PER_SEC)
#define BACKOFF_MIN_US	USEC_PER_SEC
#define BACKOFF_MAX_US	(5 * MINUTE_US)
#define RETRY_AFTER_MAX (60 * MINUTE_US)

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void alert_group_deinit(struct alert_group *group)
{
	for (size_t i = 0; i < group->n_items; i++)
		free(group->items[i].line);
	*group = (struct alert_group){ 0 };
}

void alert_group_add(struct alert_group *group, const struct alert_event *event,
		     struct span line)
{
	struct alert_item *item;

	if (!group->count) {
		group->first_seq = event->seq;
		group->severity = event->severity;
	}
	if (event->severity > group->severity)
		group->severity = event->severity;
	group->last_seq = event->seq;
	group->count++;
	if (group->n_items == ALERT_ITEMS_MAX)
		return;
	item = &group->items[group->n_items++];
	item->event = *event;
	item->line = line.len <= ALERT_LINE_MAX ? strndup(line.data, line.len) : NULL;
}

void alert_queue_init(struct alert_queue *q, const struct alert_receiver *receiver,
		      uint64_t next_seq)
{
	*q = (struct alert_queue){ .receiver = receiver, .next_seq = next_seq };
}

void alert_queue_deinit(struct alert_queue *q)
{
	for (size_t i = 0; i < ALERT_GROUPS_MAX; i++)
		alert_group_deinit(&q->groups[i]);
	alert_group_deinit(&q->flying);
}

/* Nothing to tell, and no message so young that the next one has to wait for it. */
static bool is_free(const struct alert_queue *q, const struct alert_group *g,
		    uint64_t now_us)
{
	return !*g->type ||
	       (!g->count &&
		(!g->sent_us || now_us >= g->sent_us + q->receiver->group_interval_us));
}

static struct alert_group *find_group(struct alert_queue *q, const char *type,
				      uint64_t now_us)
{
	struct alert_group *free_one = NULL;

	/* the last one is kept for what has no room elsewhere */
	for (size_t i = 0; i < ALERT_GROUPS_MAX - 1; i++) {
		struct alert_group *g = &q->groups[i];

		if (!strcmp(g->type, type))
			return g;
		if (!free_one && is_free(q, g, now_us))
			free_one = g;
	}
	if (!free_one) {
		free_one = &q->groups[ALERT_GROUPS_MAX - 1];
		type = ALERT_OTHER_TYPES;
	}
	if (strcmp(free_one->type, type) != 0) {
		alert_group_deinit(free_one);
		memcpy(free_one->type, type, strlen(type) + 1);
	}
	return free_one;
}

void alert_queue_add(struct alert_queue *q, const struct alert_event *event,
		     struct span line, uint64_t now_us)
{
	const struct alert_receiver *r = q->receiver;
	struct alert_group *g;

	if (event->seq < q->next_seq) /* told before a restart */
		return;
	g = find_group(q, event->type, now_us);
	if (!g->count) {
		g->due_us = now_us + r->group_wait_us;
		if (g->sent_us)
			g->due_us = max(g->due_us, g->sent_us + r->group_interval_us);
	}
	alert_group_add(g, event, line);
}

void alert_queue_seen(struct alert_queue *q, uint64_t seq)
{
	if (seq >= q->next_seq)
		q->next_seq = seq + 1;
}

static struct alert_group *find_due(struct alert_queue *q)
{
	struct alert_group *first = NULL;

	for (size_t i = 0; i < ALERT_GROUPS_MAX; i++) {
		struct alert_group *g = &q->groups[i];

		if (g->count && (!first || g->due_us < first->due_us))
			first = g;
	}
	return first;
}

/* The slot keeps its type and when it was sent. */
static void launch(struct alert_queue *q, struct alert_group *g, uint64_t now_us)
{
	uint64_t limit = q->receiver->rate_limit;

	q->flying = *g;
	g->count = 0;
	g->n_items = 0;
	g->sent_us = now_us;
	q->flying_since_us = now_us;
	q->n_tries = 0;
	if (limit) /* a minute's worth may go at once */
		q->next_free_us = max(q->next_free_us,
				      now_us > MINUTE_US ? now_us - MINUTE_US : 0) +
				  MINUTE_US / limit;
}

const struct alert_group *alert_queue_take(struct alert_queue *q, uint64_t now_us,
					   uint64_t *ret_due_us)
{
	struct alert_group *g = q->flying.count ? NULL : find_due(q);
	uint64_t due_us;

	if (!q->flying.count && !g) {
		*ret_due_us = UINT64_MAX;
		return NULL;
	}
	due_us = max(q->next_try_us, g ? max(g->due_us, q->next_free_us) : 0);
	if (now_us < due_us) {
		*ret_due_us = due_us;
		return NULL;
	}
	if (g)
		launch(q, g, now_us);
	return &q->flying;
}

void alert_queue_done(struct alert_queue *q, uint64_t now_us)
{
	for (size_t i = 0; i < ALERT_GROUPS_MAX; i++)
		if (!strcmp(q->groups[i].type, q->flying.type))
			q->groups[i].sent_us = now_us;
	alert_group_deinit(&q->flying);
	q->n_tries = 0;
	q->next_try_us = 0;
}

bool alert_queue_failed(struct alert_queue *q, uint64_t retry_after_us, uint32_t random,
			uint64_t now_us)
{
	uint64_t pause = BACKOFF_MIN_US << (q->n_tries < 9 ? q->n_tries : 9);

	pause = pause < BACKOFF_MAX_US ? pause : BACKOFF_MAX_US;
	/* so that not all who were sent away come back at once: from half of it to all */
	pause = pause / 2 + (pause / 2) * (random % 1024) / 1023;
	if (retry_after_us > RETRY_AFTER_MAX)
		retry_after_us = RETRY_AFTER_MAX;
	q->n_tries++;
	q->next_try_us = now_us + max(pause, retry_after_us);
	return q->next_try_us < q->flying_since_us + q->receiver->retry_for_us;
}

uint64_t alert_queue_done_seq(const struct alert_queue *q)
{
	uint64_t seq = q->next_seq;

	if (q->flying.count && q->flying.first_seq < seq)
		seq = q->flying.first_seq;
	for (size_t i = 0; i < ALERT_GROUPS_MAX; i++)
		if (q->groups[i].count && q->groups[i].first_seq < seq)
			seq = q->groups[i].first_seq;
	return seq;
}
