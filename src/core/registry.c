// SPDX-License-Identifier: Apache-2.0
/*
 * See registry.h. An entry is a module in this process or the pipe of one outside; both
 * have descriptors and get their turn when one is readable, or at a tick if they have
 * none.
 */
#include "core/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/text.h"
#include "core/external.h"
#include "core/registry_internal.h"

/* ---- batches and events of our own ---- */

static struct lksm_batch *take_batch(struct registry *r)
{
	if (!r->batch)
		r->batch = r->callbacks.get_batch(r->callbacks.context);
	return r->batch;
}

static void hand_over_batch(struct registry *r)
{
	if (!r->batch || !batch_count(r->batch))
		return;
	r->callbacks.put_batch(r->callbacks.context, r->batch);
	r->batch = NULL;
}

static int add_datum(struct lksm_batch *b, const struct datum *datum)
{
	char key[64];

	if (datum->key.len >= sizeof(key))
		return -EINVAL;
	memcpy(key, datum->key.data, datum->key.len);
	key[datum->key.len] = '\0';
	switch (datum->kind) {
	case DATUM_TEXT:
		return batch_add_str(b, key, datum->text.data, datum->text.len);
	case DATUM_INT:
		return batch_add_int(b, key, datum->integer);
	case DATUM_JSON:
		return batch_add_json(b, key, datum->text);
	}
	return -EINVAL;
}

int registry_emit(struct registry *r, struct now now, const char *type,
		  const struct datum *data, size_t n_data)
{
	const struct event_type *row = event_type_find(span_from(type));
	struct lksm_batch *b = take_batch(r);
	int error;

	if (!b)
		return -EAGAIN;
	batch_reset(b, "lksm", true, now);
	error = batch_emit_own(b, type, row ? row->severity : LKSM_INFO);
	for (size_t i = 0; error == 0 && i < n_data; i++)
		error = add_datum(b, &data[i]);
	if (error < 0)
		batch_reset(b, "lksm", true, now);
	hand_over_batch(r);
	return error;
}

static int try_to_emit(struct registry *r, struct now now, const char *type,
		       const char *module, const char *reason)
{
	const struct datum data[] = {
		{ .key = SPAN("module"), .kind = DATUM_TEXT, .text = span_from(module) },
		{ .key = SPAN("reason"), .kind = DATUM_TEXT, .text = span_from(reason) },
	};
	int error = registry_emit(r, now, type, data, ARRAY_SIZE(data));

	if (error < 0 && error != -EAGAIN)
		(void)log_error_errno(error, "cannot report %s of module %s", type,
				      module);
	return error;
}

/* To be told as an event once events can be made. */
static void note(struct registry *r, const char *type, const char *module,
		 const char *reason)
{
	struct notice *notice;

	if (r->n_notices == ARRAY_SIZE(r->notices)) {
		r->n_notices_lost++;
		return;
	}
	notice = &r->notices[r->n_notices++];
	notice->type = type;
	(void)snprintf(notice->module, sizeof(notice->module), "%s", module);
	(void)snprintf(notice->reason, sizeof(notice->reason), "%s", reason);
}

static void note_refusal(struct registry *r, const char *module, const char *reason)
{
	log_warning("module %s: %s", module, reason);
	note(r, "module_refused", module, reason);
}

static void emit_about(struct registry *r, struct now now, const char *type,
		       const char *module, const char *reason)
{
	log_warning("module %s: %s", module, reason);
	if (try_to_emit(r, now, type, module, reason) == -EAGAIN)
		note(r, type, module, reason);
}

static void tell_notices(struct registry *r, struct now now)
{
	size_t n = 0;
	char reason[64];

	for (; n < r->n_notices; n++)
		if (try_to_emit(r, now, r->notices[n].type, r->notices[n].module,
				r->notices[n].reason) == -EAGAIN)
			break;
	r->n_notices -= n;
	memmove(r->notices, r->notices + n, r->n_notices * sizeof(r->notices[0]));
	if (r->n_notices || !r->n_notices_lost)
		return;
	(void)snprintf(reason, sizeof(reason), "%zu more modules were refused",
		       r->n_notices_lost);
	r->n_notices_lost = 0;
	emit_about(r, now, "module_refused", "", reason);
}

/* ---- entries ---- */

int registry_create(const struct registry_callbacks *callbacks, struct registry **ret)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->callbacks = *callbacks;
	*ret = r;
	return 0;
}

static void close_pipes(struct entry *entry)
{
	while (entry->n_pipes)
		(void)close(entry->pipes[--entry->n_pipes]); /* only read from */
}

static void entry_destroy(struct entry *entry)
{
	close_pipes(entry);
	cleanup_close(&entry->given);
	external_destroy(entry->external);
	module_options_deinit(&entry->options);
	free(entry->state);
	free(entry);
}

void registry_destroy(struct registry *r)
{
	if (!r)
		return;
	registry_stop_all(r);
	for (size_t i = 0; i < r->n_entries; i++)
		entry_destroy(r->entries[i]);
	free(r);
}

static struct entry *find(const struct registry *r, const char *name)
{
	for (size_t i = 0; i < r->n_entries; i++)
		if (!strcmp(r->entries[i]->name, name))
			return r->entries[i];
	return NULL;
}

/* Not yet in the table: the caller appends it when it is whole. */
static struct entry *entry_create(struct registry *r, const char *name)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->registry = r;
	entry->host = registry_host_calls;
	entry->given = -1;
	(void)snprintf(entry->name, sizeof(entry->name), "%s", name);
	return entry;
}

static bool is_reserved(const char *name)
{
	return !strcmp(name, REGISTRY_OWN_PIPE) || !strcmp(name, "kernel_log");
}

/* Why @name cannot be given to a new module; NULL if it can. */
static const char *name_fault(const struct registry *r, const char *name)
{
	if (!name || !is_snake_case(span_from(name), NAME_SIZE - 1))
		return "its name is not snake_case of 1 to 31 bytes";
	if (is_reserved(name))
		return "its name is one of LKSM's own sources";
	if (find(r, name))
		return "another module has this name";
	if (r->n_entries == REGISTRY_MODULES_MAX)
		return "there are too many modules";
	return NULL;
}

static int refuse(struct buffer *reason, const char *sentence)
{
	buffer_appendf(reason, "%s", sentence);
	return -EINVAL;
}

/* In this order: nothing behind a wrong ABI number can be relied on. */
static int check(const struct registry *r, const struct lksm_module *module,
		 struct buffer *reason)
{
	const char *fault;

	if (!module)
		return refuse(reason, "it gives no struct lksm_module");
	if (module->abi != LKSM_MODULE_ABI) {
		buffer_appendf(reason,
			       "it was built for module ABI %u, this program speaks %u",
			       module->abi, (unsigned int)LKSM_MODULE_ABI);
		return -EINVAL;
	}
	fault = name_fault(r, module->name);
	if (fault)
		return refuse(reason, fault);
	if (!module->start)
		return refuse(reason, "it has no start callback");
	if (!module->poll)
		return refuse(reason, "it has no poll callback");
	if (!module->stop)
		return refuse(reason, "it has no stop callback");
	return 0;
}

int registry_add(struct registry *r, const struct lksm_module *module, bool is_builtin,
		 struct buffer *reason)
{
	struct entry *entry;
	int error = check(r, module, reason);

	if (error < 0)
		return error;
	entry = entry_create(r, module->name);
	if (!entry)
		return -ENOMEM;
	entry->module = module;
	entry->is_builtin = is_builtin;
	entry->state = calloc(1, module->state_size ? module->state_size : 1);
	error = entry->state ? module_options_fill(&entry->options, module, entry->state,
						   &r->callbacks, reason)
			     : -ENOMEM;
	if (error < 0) {
		entry_destroy(entry);
		return error;
	}
	r->entries[r->n_entries++] = entry;
	return 0;
}

int registry_discover(struct registry *r)
{
	_cleanup_buffer_ struct buffer reason = { 0 };

	for (size_t i = 0; lksm_builtin_modules[i]; i++) {
		const struct lksm_module *module = *lksm_builtin_modules[i];
		const char *name = module && module->abi == LKSM_MODULE_ABI ? module->name
									    : NULL;
		const char *why;
		int error;

		if (name && module->is_apart)
			continue; /* its pipe will be attached */
		buffer_clear(&reason);
		error = registry_add(r, module, true, &reason);
		if (error == -ENOMEM)
			return error;
		if (error == 0)
			continue;
		why = buffer_cstring(&reason);
		note_refusal(r, name ? name : "(unnamed)",
			     why ? why : "(no memory for why)");
	}
	return 0;
}

/* ---- running ---- */

static void entry_stop(struct entry *entry)
{
	if (entry->is_started && entry->module)
		entry->module->stop(entry->state);
	entry->is_started = false;
	entry->is_due = false;
	entry->wants_ticks = false;
	while (entry->n_fds)
		registry_entry_unwatch(entry, entry->fds[0]);
	close_pipes(entry);
}

static void fail(struct entry *entry, struct now now, const char *what, int error)
{
	char reason[128];

	entry_stop(entry);
	entry->has_failed = entry->is_builtin;
	(void)snprintf(reason, sizeof(reason), "%s: %s; it is left out from now on", what,
		       strerror(-error));
	emit_about(entry->registry, now, "module_failed", entry->name, reason);
}

int registry_start_all(struct registry *r, struct now now)
{
	tell_notices(r, now);
	for (size_t i = 0; i < r->n_entries; i++) {
		struct entry *entry = r->entries[i];
		int error;

		if (entry->is_started || !entry->module)
			continue;
		error = entry->module->start(entry->state, &entry->host);
		if (error < 0) {
			fail(entry, now, "it could not be started", error);
			continue;
		}
		entry->is_started = true;
		entry->is_due = true; /* what is there already */
	}
	return 0;
}

void registry_give_source(struct registry *r, const char *module, const char *option,
			  int fd)
{
	_cleanup_close_ int source = fd;
	struct entry *entry = find(r, module);
	void *to = entry ? registry_late_source(entry, option) : NULL;
	int now;

	if (!to)
		return;
	memcpy(&now, to, sizeof(now));
	/* it has one, or did not ask and gets none: nothing to do */
	if (now >= 0 || (fd < 0 && now != -EINPROGRESS))
		return;
	entry->given = fd < 0 ? -1 : take_fd(&source);
	memcpy(to, &fd, sizeof(fd));
	entry->is_due = entry->is_started;
}

void registry_readable(struct registry *r, int fd)
{
	for (size_t i = 0; i < r->n_entries; i++)
		for (size_t j = 0; j < r->entries[i]->n_fds; j++)
			if (r->entries[i]->fds[j] == fd)
				r->entries[i]->is_due = true;
}

static bool needs_ticks(const struct entry *entry)
{
	if (!entry->is_started)
		return false;
	if (entry->external)
		return !entry->is_waiting && (external_has_pending(entry->external) ||
					      (entry->n_pipes && !entry->n_fds));
	return entry->wants_ticks || !entry->n_fds;
}

bool registry_needs_ticks(const struct registry *r)
{
	for (size_t i = 0; i < r->n_entries; i++)
		if (needs_ticks(r->entries[i]))
			return true;
	return r->n_notices > 0;
}

void registry_tick(struct registry *r)
{
	for (size_t i = 0; i < r->n_entries; i++)
		if (needs_ticks(r->entries[i]))
			r->entries[i]->is_due = true;
}

bool registry_has_failed(const struct registry *r)
{
	for (size_t i = 0; i < r->n_entries; i++)
		if (r->entries[i]->has_failed)
			return true;
	return false;
}

size_t registry_count_started(const struct registry *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_entries; i++)
		n += r->entries[i]->is_started;
	return n;
}

/* Its first pipe is read from now on. */
static int begin_pipe(struct entry *entry)
{
	struct stat st;

	if (fstat(entry->pipes[0], &st) < 0)
		return -errno;
	external_set_pipe(entry->external, st.st_ino);
	return registry_entry_watch(entry, entry->pipes[0]);
}

/* The first pipe is done with; Return: whether another waits. */
static bool next_pipe(struct entry *entry)
{
	registry_entry_unwatch(entry, entry->pipes[0]);
	(void)close(entry->pipes[0]); /* only read from */
	entry->n_pipes--;
	memmove(entry->pipes, entry->pipes + 1, entry->n_pipes * sizeof(entry->pipes[0]));
	/* unwatched, it lives by ticks: see needs_ticks() */
	if (entry->n_pipes)
		(void)begin_pipe(entry);
	return entry->n_pipes > 0;
}

static int poll_external(struct entry *entry, struct now now, struct lksm_batch *out)
{
	int result = external_poll(entry->external, entry->n_pipes ? entry->pipes[0] : -1,
				   now, out);

	if (result < 0 || result == EXTERNAL_MORE ||
	    (result == EXTERNAL_DRY && entry->n_pipes <= 1))
		return result;
	if (!entry->n_pipes)
		return 0;
	/* The old process is dead: what a child of it may still write is not waited for.
	 */
	if (result == EXTERNAL_DRY)
		external_finish(entry->external, out);
	return batch_count(out) || next_pipe(entry); /* what was taken is logged first */
}

static bool is_in_flight(const struct entry *entry)
{
	return entry->external && external_is_in_flight(entry->external);
}

/* A pipe that nobody reads now would wake us again and again. */
static bool waits_for_flight(struct entry *entry)
{
	entry->is_waiting = is_in_flight(entry);
	if (entry->is_waiting)
		while (entry->n_fds)
			registry_entry_unwatch(entry, entry->fds[0]);
	else if (entry->external && entry->n_pipes && !entry->n_fds)
		(void)registry_entry_watch(entry, entry->pipes[0]); /* or at a tick */
	return entry->is_waiting;
}

bool registry_is_waiting(const struct registry *r)
{
	for (size_t i = 0; i < r->n_entries; i++)
		if (is_in_flight(r->entries[i]))
			return true;
	return false;
}

/* Return: 1 if it has more to come. */
static int poll_one(struct registry *r, struct entry *entry, struct now now)
{
	struct lksm_batch *out = take_batch(r);
	int result;

	if (!out)
		return 0;
	batch_reset(out, entry->name, entry->is_builtin, now);
	entry->is_due = false;
	result = entry->external ? poll_external(entry, now, out)
				 : entry->module->poll(entry->state, out);
	if (entry->external)
		external_take_off(entry->external, out);
	hand_over_batch(r);
	if (result < 0)
		fail(entry, now, "it failed", result);
	entry->is_due = entry->is_started && (result > 0 || entry->is_due);
	return result > 0;
}

int registry_poll_all(struct registry *r, struct now now)
{
	int has_more = 0;

	if (r->n_notices)
		tell_notices(r, now);
	for (size_t i = 0; i < r->n_entries; i++)
		if (r->entries[i]->is_started && r->entries[i]->is_due &&
		    !waits_for_flight(r->entries[i]))
			has_more |= poll_one(r, r->entries[i], now);
	return has_more;
}

void registry_finish(struct registry *r, struct now now)
{
	if (r->n_notices)
		tell_notices(r, now);
	for (size_t i = 0; i < r->n_entries; i++) {
		struct entry *entry = r->entries[i];
		struct lksm_batch *out = entry->external && !is_in_flight(entry)
						 ? take_batch(r)
						 : NULL;

		if (!out)
			continue;
		batch_reset(out, entry->name, false, now);
		external_end(entry->external, now, out);
		external_take_off(entry->external, out);
		hand_over_batch(r);
	}
}

void registry_stop_all(struct registry *r)
{
	for (size_t i = 0; i < r->n_entries; i++)
		entry_stop(r->entries[i]);
	if (r->batch) {
		r->callbacks.put_batch(r->callbacks.context, r->batch);
		r->batch = NULL;
	}
}

/* ---- external modules ---- */

static struct entry *attach_new(struct registry *r, const char *name, int *ret_error)
{
	bool is_own = !strcmp(name, REGISTRY_OWN_PIPE);
	const char *fault = is_own && r->n_entries < REGISTRY_MODULES_MAX
				    ? NULL
				    : name_fault(r, name);
	struct entry *entry;

	*ret_error = fault ? -EINVAL : -ENOMEM;
	if (fault)
		note_refusal(r, name, fault);
	entry = fault ? NULL : entry_create(r, name);
	if (!entry)
		return NULL;
	if (external_create(name, is_own,
			    r->callbacks.inbox
				    ? r->callbacks.inbox(r->callbacks.context, name)
				    : NULL,
			    &entry->external) < 0) {
		entry_destroy(entry);
		return NULL;
	}
	r->entries[r->n_entries++] = entry;
	return entry;
}

static int attach_pipe(struct entry *entry, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (entry->n_pipes == REGISTRY_PIPES_MAX)
		return -EBUSY;
	/* whoever opened it has done so: a sandbox may forbid it here */
	if (flags < 0 ||
	    (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return -errno;
	entry->pipes[entry->n_pipes] = fd;
	if (!entry->n_pipes) {
		int error = begin_pipe(entry);

		if (error < 0)
			return error;
	}
	entry->n_pipes++;
	entry->is_started = true;
	entry->is_due = true;
	return 0;
}

int registry_attach(struct registry *r, const char *name, int fd, uint64_t rate_limit)
{
	_cleanup_close_ int pipe = fd;
	struct entry *entry = find(r, name);
	int error = 0;

	if (entry && !entry->external) {
		note_refusal(r, name, "another module has this name");
		return -EINVAL;
	}
	if (!entry)
		entry = attach_new(r, name, &error);
	if (!entry)
		return error;
	external_set_rate_limit(entry->external,
				strcmp(name, REGISTRY_OWN_PIPE) ? rate_limit : 0);
	error = attach_pipe(entry, pipe);
	if (error == 0)
		(void)take_fd(&pipe);
	else
		note_refusal(r, name, "its pipe cannot be read");
	return error;
}
