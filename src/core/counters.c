// SPDX-License-Identifier: Apache-2.0
/*
 * See counters.h. One thread writes, so no increment has to be a locked one; readers see each
 * number whole, and a type's name before its slot counts.
 */
#include "core/counters.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "base/shared_view.h"

/* What else an event of this type counts for. */
enum meaning {
	PLAIN,
	LOST,
	RESTART,
	SEAL,
	ARMED,
	DISARMED,
	GONE,
};

struct slot {
	char name[COUNTERS_NAME_SIZE];
	_Atomic uint32_t meaning; /* and 1 << 8: the slot is used */
	_Atomic uint64_t by_severity[EVENT_SEVERITY_COUNT];
};

#define IS_USED 0x100

struct counters {
	struct slot slots
		[COUNTERS_TYPES]; /* by the name's hash, then the next that is free */
	struct slot other;
	struct slot rules[COUNTERS_RULES]; /* in the same way */
	struct slot other_rules;
	_Atomic uint64_t lost[COUNTERS_LOST_COUNT];
	_Atomic uint64_t restarts[COUNTERS_PROCESS_COUNT];
	_Atomic uint64_t seals, log_lines, log_bytes, log_failures, sealed_to;
	_Atomic uint32_t sensor;
	_Atomic uint32_t is_blocked; /* the last write to the log failed */
};

static const char *const lost_names[] = {
#define X(name) #name,
	COUNTERS_LOST_REASONS(X)
#undef X
};

static const char *const process_names[] = {
#define X(name) #name,
	COUNTERS_PROCESSES(X)
#undef X
};

static const struct {
	struct span type;
	enum meaning meaning;
} meanings[] = {
	{ SPAN("records_lost"), LOST },	       { SPAN("process_restarted"), RESTART },
	{ SPAN("sandbox_violated"), RESTART }, { SPAN("log_sealed"), SEAL },
	{ SPAN("sensor_started"), ARMED },     { SPAN("sensor_back"), ARMED },
	{ SPAN("sensor_rearmed"), ARMED },     { SPAN("sensor_disarmed"), DISARMED },
	{ SPAN("sensor_gone"), GONE },	       { SPAN("sensor_stopped"), GONE },
};

static uint64_t peek(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static void add(_Atomic uint64_t *p, uint64_t n)
{
	atomic_store_explicit(p, peek(p) + n, memory_order_relaxed);
}

int counters_create(struct counters **ret, const struct counters **ret_view)
{
	void *page;
	const void *view;
	int r = shared_view_create("lksm-counters", sizeof(struct counters), &page,
				   &view);

	if (r < 0)
		return r;
	*ret = page;
	*ret_view = view;
	return 0;
}

void counters_unmap(const struct counters *c)
{
	if (c)
		(void)munmap((void *)(uintptr_t)c, sizeof(*c));
}

static enum meaning find_meaning(struct span type)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (span_equal(meanings[i].type, type))
			return meanings[i].meaning;
	return PLAIN;
}

/* Its ends and its length tell types apart; who chooses them writes rules, and is root. */
static size_t hash(struct span name)
{
	static const uint64_t spread = UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / phi */
	uint64_t begin = 0, end = 0;

	if (name.len >= sizeof(begin)) {
		memcpy(&begin, name.data, sizeof(begin));
		memcpy(&end, name.data + name.len - sizeof(end), sizeof(end));
	} else {
		memcpy(&begin, name.data, name.len);
	}
	begin = (begin ^ name.len) * spread ^ end; /* a difference goes to higher bits, */
	begin = (begin ^ begin >> 32) * spread;	   /* comes down, and goes up again */
	return (size_t)(begin >> 32);
}

static bool is_called(const struct slot *slot, struct span name)
{
	return !memcmp(slot->name, name.data, name.len) && !slot->name[name.len];
}

/* The name's slot of @n; @other if there is none left */
static struct slot *find_slot(struct slot *slots, size_t n, struct slot *other,
			      struct span name)
{
	size_t first;

	if (name.len == 0 || name.len >= COUNTERS_NAME_SIZE)
		return other;
	first = hash(name);
	for (size_t i = 0; i < n; i++) {
		struct slot *slot = &slots[(first + i) % n];

		if (!atomic_load_explicit(&slot->meaning, memory_order_relaxed)) {
			memcpy(slot->name, name.data, name.len);
			atomic_store_explicit(&slot->meaning,
					      IS_USED | (uint32_t)find_meaning(name),
					      memory_order_release);
			return slot;
		}
		if (is_called(slot, name))
			return slot;
	}
	return other;
}

static const struct datum *find_datum(const struct lksm_event *event, struct span key)
{
	for (size_t i = 0; i < event->data.n; i++)
		if (span_equal(event->data.items[i].key, key))
			return &event->data.items[i];
	return NULL;
}

/* Its place in a list of names whose last stands for all others. */
static size_t place_of(const struct lksm_event *event, struct span key,
		       const char *const *names, size_t n)
{
	const struct datum *d = find_datum(event, key);
	size_t i = 0;

	while (i < n - 1 && !(d && span_equal(d->text, span_from(names[i]))))
		i++;
	return i;
}

static void add_lost(struct counters *c, const struct lksm_event *event)
{
	const struct datum *count = find_datum(event, SPAN("count"));
	size_t i = place_of(event, SPAN("reason"), lost_names, COUNTERS_LOST_COUNT);

	if (count && count->kind == DATUM_INT && count->integer > 0)
		add(&c->lost[i], (uint64_t)count->integer);
}

static void add_seal(struct counters *c, const struct lksm_event *event)
{
	const struct datum *to = find_datum(event, SPAN("to"));

	add(&c->seals, 1);
	if (to && to->kind == DATUM_INT && to->integer > 0)
		atomic_store_explicit(&c->sealed_to, (uint64_t)to->integer,
				      memory_order_relaxed);
}

static void add_meaning(struct counters *c, const struct lksm_event *event,
			enum meaning meaning)
{
	switch (meaning) {
	case PLAIN:
		return;
	case LOST:
		add_lost(c, event);
		return;
	case RESTART:
		add(&c->restarts[place_of(event, SPAN("process"), process_names,
					  COUNTERS_PROCESS_COUNT)],
		    1);
		return;
	case SEAL:
		add_seal(c, event);
		return;
	case ARMED:
		atomic_store(&c->sensor, COUNTERS_SENSOR_ARMED);
		return;
	case DISARMED:
		atomic_store(&c->sensor, COUNTERS_SENSOR_DISARMED);
		return;
	case GONE:
		atomic_store(&c->sensor, COUNTERS_SENSOR_GONE);
		return;
	}
}

static void add_one(struct slot *slot, enum lksm_severity severity)
{
	add(&slot->by_severity[severity % EVENT_SEVERITY_COUNT], 1);
}

void counters_add_event(struct counters *c, const struct lksm_event *event)
{
	struct slot *slot;
	uint32_t meaning;

	if (!c)
		return;
	slot = find_slot(c->slots, COUNTERS_TYPES, &c->other, event->type);
	meaning = atomic_load_explicit(&slot->meaning, memory_order_relaxed) & ~IS_USED;
	add_one(slot, event->severity);
	if (event->rule.len)
		add_one(find_slot(c->rules, COUNTERS_RULES, &c->other_rules, event->rule),
			event->severity);
	if (meaning != PLAIN)
		add_meaning(c, event, (enum meaning)meaning);
}

void counters_add_written(struct counters *c, size_t n_lines, size_t n_bytes)
{
	if (!c)
		return;
	add(&c->log_lines, n_lines);
	add(&c->log_bytes, n_bytes);
	if (atomic_load_explicit(&c->is_blocked, memory_order_relaxed))
		atomic_store(&c->is_blocked, 0);
}

void counters_add_failure(struct counters *c)
{
	if (!c)
		return;
	add(&c->log_failures, 1);
	atomic_store(&c->is_blocked, 1);
}

void counters_note_channel(struct counters *c)
{
	uint32_t gone = COUNTERS_SENSOR_GONE;

	if (c) /* if it says that it is disarmed, that stands */
		(void)atomic_compare_exchange_strong(&c->sensor, &gone,
						     COUNTERS_SENSOR_ARMED);
}

void counters_get(const struct counters *c, struct counters_values *ret)
{
	for (size_t i = 0; i < COUNTERS_LOST_COUNT; i++)
		ret->lost[i] = peek(&c->lost[i]);
	for (size_t i = 0; i < COUNTERS_PROCESS_COUNT; i++)
		ret->restarts[i] = peek(&c->restarts[i]);
	ret->seals = peek(&c->seals);
	ret->sealed_to = peek(&c->sealed_to);
	ret->log_lines = peek(&c->log_lines);
	ret->log_bytes = peek(&c->log_bytes);
	ret->log_failures = peek(&c->log_failures);
	ret->is_blocked = atomic_load(&c->is_blocked);
	ret->sensor = (enum counters_sensor)atomic_load(&c->sensor);
}

/* @slot: NULL: @other, which is always there */
static bool get_slot(const struct slot *slot, const struct slot *other,
		     struct counters_type *ret)
{
	uint64_t sum = 0;

	if (slot && !atomic_load_explicit(&slot->meaning, memory_order_acquire))
		return false;
	memcpy(ret->name, slot ? slot->name : "other",
	       slot ? sizeof(ret->name) : sizeof("other"));
	ret->name[sizeof(ret->name) - 1] = '\0';
	if (!slot)
		slot = other;
	for (size_t s = 0; s < EVENT_SEVERITY_COUNT; s++) {
		ret->by_severity[s] = peek(&slot->by_severity[s]);
		sum += ret->by_severity[s];
	}
	return sum > 0;
}

bool counters_get_type(const struct counters *c, size_t i, struct counters_type *ret)
{
	return get_slot(i < COUNTERS_TYPES ? &c->slots[i] : NULL, &c->other, ret);
}

bool counters_get_rule(const struct counters *c, size_t i, struct counters_type *ret)
{
	return get_slot(i < COUNTERS_RULES ? &c->rules[i] : NULL, &c->other_rules, ret);
}

uint64_t counters_of_rule(const struct counters *c, struct span rule)
{
	struct counters_type values;
	uint64_t sum = 0;
	size_t first;

	if (rule.len == 0 || rule.len >= COUNTERS_NAME_SIZE)
		return 0;
	first = hash(rule);
	for (size_t i = 0; i < COUNTERS_RULES; i++) {
		if (!counters_get_rule(c, (first + i) % COUNTERS_RULES, &values))
			return 0;
		if (!span_equal(span_from(values.name), rule))
			continue;
		for (size_t s = 0; s < EVENT_SEVERITY_COUNT; s++)
			sum += values.by_severity[s];
		return sum;
	}
	return 0;
}

const char *counters_lost_name(enum counters_lost reason)
{
	return lost_names[reason];
}

const char *counters_process_name(enum counters_process process)
{
	return process_names[process];
}
