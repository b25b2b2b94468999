/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one receiver is still to be told: events of one type become one message. A first event
 * waits group_wait for others, the next ones group_interval since the last message; a message
 * that cannot be sent is tried again, and meanwhile the others only grow by count. So there is
 * a bound to what is kept, and no flood when a receiver is back.
 *
 * A state machine without I/O: time comes in.
 */
#ifndef OUTPUT_ALERTS_ALERT_QUEUE_H
#define OUTPUT_ALERTS_ALERT_QUEUE_H

#include "output/alerts/alert_event.h"

/** ALERT_GROUPS_MAX - types that have a message of their own; the rest share one */
#define ALERT_GROUPS_MAX 64

/** ALERT_ITEMS_MAX - events that a message shows; more are only counted */
#define ALERT_ITEMS_MAX 10

/** ALERT_LINE_MAX - of an event as it stands in the log; a longer one shows its summary only */
#define ALERT_LINE_MAX ((size_t)8 << 10)

/** ALERT_OTHER_TYPES - the type of the message that types beyond ALERT_GROUPS_MAX share */
#define ALERT_OTHER_TYPES "other_types"

struct alert_item {
	struct alert_event event;
	char *line; /* owned, without newline; NULL: too long, or no memory */
};

struct alert_group {
	char type[ALERT_TYPE_SIZE];  /* "": a free slot */
	enum lksm_severity severity; /* the highest */
	uint64_t count;		     /* 0: nothing to tell */
	uint64_t first_seq, last_seq;
	uint64_t due_us;
	uint64_t sent_us; /* the last message; 0: none yet */
	size_t n_items;
	struct alert_item items[ALERT_ITEMS_MAX];
};

struct alert_queue {
	const struct alert_receiver *receiver;
	struct alert_group groups[ALERT_GROUPS_MAX];
	struct alert_group flying; /* being sent: count is not 0 */
	uint64_t flying_since_us;
	unsigned int n_tries;  /* of it, that failed */
	uint64_t next_try_us;  /* nothing is sent before */
	uint64_t next_free_us; /* of the rate limit */
	uint64_t next_seq;     /* all events below were offered */
};

void alert_queue_init(struct alert_queue *q, const struct alert_receiver *receiver,
		      uint64_t next_seq);
void alert_queue_deinit(struct alert_queue *q);

/** alert_queue_add() - an event for it; @line is copied */
void alert_queue_add(struct alert_queue *q, const struct alert_event *event,
		     struct span line, uint64_t now_us);

/** alert_queue_seen() - events up to @seq were offered, whomever they were for */
void alert_queue_seen(struct alert_queue *q, uint64_t seq);

/**
 * alert_queue_take() - the message to be sent now, until alert_queue_done() says that it is
 * @ret_due_us: when to ask again, if there is none; UINT64_MAX: when there are more events
 */
const struct alert_group *alert_queue_take(struct alert_queue *q, uint64_t now_us,
					   uint64_t *ret_due_us);

/** alert_queue_done() - it was sent, or is in the dead letters */
void alert_queue_done(struct alert_queue *q, uint64_t now_us);

/**
 * alert_queue_failed() - it was not sent
 * @retry_after_us: what the receiver asked for; 0: nothing
 * @random: any number, for the jitter
 *
 * Return: true: it is tried again later; false: it was tried for long enough.
 */
bool alert_queue_failed(struct alert_queue *q, uint64_t retry_after_us, uint32_t random,
			uint64_t now_us);

/** alert_queue_done_seq() - who starts anew has to begin with this event */
uint64_t alert_queue_done_seq(const struct alert_queue *q);

/** alert_group_add() - one more event; @group may be zeroed */
void alert_group_add(struct alert_group *group, const struct alert_event *event,
		     struct span line);
void alert_group_deinit(struct alert_group *group);

#endif
