// SPDX-License-Identifier: Apache-2.0
/* See web_link.h. */
#include "privsep/web_link.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "privsep/channel.h"

int web_link_open(struct web_link *l, struct child_channels *ret)
{
	int control[2], r;

	web_link_close(l); /* of one that could be started, and not watched */
	r = channel_create(control);
	if (r < 0)
		return r;
	if (channel_set_nonblocking(control[0]) < 0 ||
	    channel_set_nonblocking(control[1]) < 0)
		log_debug("a channel stays blocking"); /* fcntl() cannot fail here */
	l->control_fd = control[0];
	*ret = (struct child_channels){ .control = control[1], .storage = -1 };
	return 0;
}

static int on_control(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct web_link *l = context;
	struct channel_message message = { .fd = -1 };
	int r = channel_receive(fd, &message);
	bool is_answer = r > 0 && message.kind == CHANNEL_PONG && message.fd < 0;

	(void)events;
	if (r == -EAGAIN)
		return 0;
	cleanup_close(&message.fd);
	if (is_answer && pulse_answered(&l->pulse))
		return 0;
	/* closed: it is about to die, of which we will hear */
	if (r != 0)
		l->broken(l->context);
	return sd.event_source_set_enabled(source, SD_EVENT_OFF);
}

int web_link_start(struct web_link *l)
{
	int r = sd.event_add_io(l->event, &l->control, l->control_fd, EPOLLIN, on_control,
				l);

	return r < 0 ? r : pulse_start(&l->pulse, l->control_fd);
}

void web_link_close(struct web_link *l)
{
	l->control = sd.event_source_disable_unref(l->control);
	pulse_stop(&l->pulse);
	cleanup_close(&l->control_fd);
	l->control_fd = -1;
}
