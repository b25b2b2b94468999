// SPDX-License-Identifier: Apache-2.0
/* Core's half of storage.h: what it cannot open it asks for, and waits. */
#include <errno.h>
#include <stdio.h>

#include "privsep/channel.h"
#include "privsep/storage.h"

/* Ask and wait. Return: 0; -errno, and no descriptor in @ret. */
static int ask(int channel, const struct channel_message *question,
	       struct channel_message *ret)
{
	int r = channel_send(channel, question);

	if (r < 0)
		return r;
	r = channel_receive(channel, ret);
	if (r <= 0)
		return r ? r : -EPIPE;
	if (ret->kind == CHANNEL_REPLY && ret->number == 0)
		return 0;
	cleanup_close(&ret->fd);
	if (ret->kind != CHANNEL_REPLY || ret->number > INT16_MAX)
		return -EBADMSG;
	return -(int)ret->number;
}

/* Return: the descriptor or -errno. */
static int request(int channel, const struct channel_message *question,
		   struct channel_message *ret)
{
	int r = ask(channel, question, ret);

	if (r < 0)
		return r;
	return ret->fd >= 0 ? ret->fd : -EBADMSG;
}

int storage_request_log(int channel, const char *name, uint64_t *ret_cut)
{
	struct channel_message question = { .kind = CHANNEL_OPEN_LOG, .fd = -1 };
	struct channel_message answer;
	int fd;

	(void)snprintf(question.name, sizeof(question.name), "%s", name);
	fd = request(channel, &question, &answer);
	if (fd >= 0)
		*ret_cut = answer.detail;
	return fd;
}

int storage_request_tail(int channel, uint64_t i, char *ret_name, size_t size)
{
	struct channel_message question = { .kind = CHANNEL_OPEN_TAIL,
					    .number = i,
					    .fd = -1 };
	struct channel_message answer;
	int fd = request(channel, &question, &answer);

	if (fd >= 0)
		(void)snprintf(ret_name, size, "%s", answer.name);
	return fd;
}

int storage_request_reserve(int channel, bool is_held)
{
	struct channel_message question = { .kind = CHANNEL_RESERVE,
					    .number = is_held ? 1 : 0,
					    .fd = -1 };
	struct channel_message answer;
	int r = ask(channel, &question, &answer);

	if (r >= 0)
		cleanup_close(&answer.fd);
	return r;
}
