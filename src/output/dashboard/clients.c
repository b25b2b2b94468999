// SPDX-License-Identifier: Apache-2.0
/* See clients.h. One timer for all, set to the earliest deadline. */
#include "output/dashboard/clients.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

/* SLACK_US - deadlines are no precision work; this lets them be looked at together */
#define SLACK_US (USEC_PER_SEC / 2)

static void set_timer(struct clients *c, uint64_t at_us)
{
	c->timer_us = at_us;
	if (at_us == DEADLINE_NONE) {
		(void)sd.event_source_set_enabled(c->timer, SD_EVENT_OFF);
		return;
	}
	(void)sd.event_source_set_time(c->timer, at_us);
	(void)sd.event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t due_us, void *context)
{
	struct clients *c = context;
	uint64_t earliest = DEADLINE_NONE, now_us = clock_now().mono_us;

	(void)source, (void)due_us;
	for (struct client *i = c->list; i; i = i->next) {
		if (i->deadline_us <= now_us) {
			/* The HTTP server sees the end of the connection and closes it.
			 */
			(void)shutdown(i->fd, SHUT_RDWR);
			i->deadline_us = DEADLINE_NONE;
		}
		if (i->deadline_us < earliest)
			earliest = i->deadline_us;
	}
	set_timer(c, earliest);
	return 0;
}

int clients_init(struct clients *c, sd_event *loop)
{
	int r;

	*c = (struct clients){ .loop = loop, .timer_us = DEADLINE_NONE };
	r = sd.event_add_time(loop, &c->timer, CLOCK_MONOTONIC, 0, SLACK_US, on_timer, c);
	return r < 0 ? r : sd.event_source_set_enabled(c->timer, SD_EVENT_OFF);
}

void clients_deinit(struct clients *c)
{
	while (c->list)
		clients_remove(c, c->list);
	c->timer = sd.event_source_disable_unref(c->timer);
}

struct client *clients_add(struct clients *c, int fd, struct rate_client whose)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	*client = (struct client){
		.next = c->list, .fd = fd, .whose = whose, .deadline_us = DEADLINE_NONE
	};
	if (client->next)
		client->next->previous = client;
	c->list = client;
	return client;
}

size_t clients_count(const struct clients *c, struct rate_client whose)
{
	size_t n = 0;

	for (const struct client *i = c->list; i; i = i->next)
		n += !memcmp(&i->whose, &whose, sizeof(whose));
	return n;
}

void clients_remove(struct clients *c, struct client *client)
{
	if (!client)
		return;
	if (client->previous)
		client->previous->next = client->next;
	else
		c->list = client->next;
	if (client->next)
		client->next->previous = client->previous;
	free(client);
	if (!c->list)
		set_timer(c, DEADLINE_NONE);
}

void clients_set_deadline(struct clients *c, struct client *client, uint64_t in_us)
{
	if (!client)
		return;
	client->deadline_us = in_us == DEADLINE_NONE ? in_us
						     : clock_now().mono_us + in_us;
	if (client->deadline_us < c->timer_us)
		set_timer(c, client->deadline_us);
}
