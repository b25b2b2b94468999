// SPDX-License-Identifier: Apache-2.0
/* See core_link.h. */
#include "privsep/core_link.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "privsep/channel.h"
#include "privsep/logfiles.h"

int core_link_open(struct core_link *l, struct child_channels *ret)
{
	int control[2], storage[2], r;

	core_link_close(l); /* of a core that could be started, and not watched */
	r = channel_create(control);
	if (r < 0)
		return r;
	r = channel_create(storage);
	if (r < 0) {
		cleanup_close(&control[0]);
		cleanup_close(&control[1]);
		return r;
	}
	/* Nothing that core does or leaves undone may keep us waiting. */
	if (channel_set_nonblocking(control[0]) < 0 ||
	    channel_set_nonblocking(control[1]) < 0 ||
	    channel_set_nonblocking(storage[0]) < 0)
		log_debug("a channel stays blocking"); /* fcntl() cannot fail here */
	l->control_fd = control[0];
	l->storage_fd = storage[0];
	*ret = (struct child_channels){ .control = control[1], .storage = storage[1] };
	return 0;
}

static int on_control(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct core_link *l = context;
	struct channel_message message = { .fd = -1 };
	int r = channel_receive(fd, &message);

	(void)events;
	if (r == -EAGAIN || r == -EBADMSG)
		return 0;
	if (r <= 0) /* it is about to die, of which we will hear */
		return sd.event_source_set_enabled(source, SD_EVENT_OFF);
	cleanup_close(&message.fd); /* nobody asked for it */
	if (message.kind == CHANNEL_LOOK)
		l->look(l->context, message.name);
	if (message.kind == CHANNEL_PONG && pulse_answered(&l->pulse))
		l->answered(l->context);
	return 0;
}

static int on_request(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct core_link *l = context;
	int r = storage_serve(l->storage, fd, logfile_date(clock_now().real_us));

	(void)events;
	pulse_served(&l->pulse); /* that may have taken long */
	if (r >= 0)
		return 0;
	if (r != -EPIPE) { /* it waits for an answer that will not come */
		(void)log_error_errno(r, "core cannot be answered");
		l->pulse.hung(l->pulse.context);
	}
	return sd.event_source_set_enabled(source, SD_EVENT_OFF);
}

int core_link_start(struct core_link *l)
{
	int r;

	r = sd.event_add_io(l->event, &l->control, l->control_fd, EPOLLIN, on_control, l);
	if (r >= 0)
		r = sd.event_add_io(l->event, &l->requests, l->storage_fd, EPOLLIN,
				    on_request, l);
	return r < 0 ? r : pulse_start(&l->pulse, l->control_fd);
}

void core_link_attach(struct core_link *l, const char *name, int fd, uint64_t rate_limit)
{
	struct channel_message message = { .kind = CHANNEL_MODULE,
					   .number = rate_limit,
					   .fd = fd };
	int r;

	if (l->control_fd < 0)
		return;
	(void)snprintf(message.name, sizeof(message.name), "%s", name);
	r = channel_send(l->control_fd, &message);
	if (r < 0)
		(void)log_warning_errno(r, "core does not get the events of module %s",
					name);
}

void core_link_give(struct core_link *l, const char *name, int fd)
{
	struct channel_message message = { .kind = CHANNEL_SOURCE,
					   .number = fd < 0 ? (uint64_t)-fd : 0,
					   .fd = fd < 0 ? -1 : fd };
	int r;

	if (l->control_fd < 0)
		return;
	(void)snprintf(message.name, sizeof(message.name), "%s", name);
	r = channel_send(l->control_fd, &message);
	if (r < 0)
		(void)log_warning_errno(r, "core does not get the source %s", name);
}

void core_link_close(struct core_link *l)
{
	l->control = sd.event_source_disable_unref(l->control);
	l->requests = sd.event_source_disable_unref(l->requests);
	pulse_stop(&l->pulse);
	cleanup_close(&l->control_fd);
	cleanup_close(&l->storage_fd);
	l->control_fd = l->storage_fd = -1;
}
