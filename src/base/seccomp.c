// SPDX-License-Identifier: Apache-2.0
/* See seccomp.h: the tables of seccomp_calls.c made into filters by libseccomp. */
#include "base/seccomp.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "base/seccomp_calls.h"

#define OPTIMIZE_AS_TREE 2 /* of SCMP_FLTATR_CTL_OPTIMIZE: a search by halves */

static void release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static uint32_t action_of(enum call_action action, int error)
{
	switch (action) {
	case CALL_ALLOW:
		return SCMP_ACT_ALLOW;
	case CALL_REFUSE:
		return SCMP_ACT_ERRNO((uint16_t)error);
	case CALL_KILL:
		break;
	}
	return SCMP_ACT_KILL_PROCESS;
}

static uint64_t value_of(const struct call_condition *c)
{
	switch (c->value) {
	case SECCOMP_OWN_PID:
		return (uint64_t)getpid();
	case SECCOMP_PARENT_PID:
		return (uint64_t)getppid();
	case SECCOMP_PARENT_GROUP:
		return (uint32_t)-getpgid(getppid());
	default:
		return c->value;
	}
}

static struct scmp_arg_cmp condition_of(const struct call_condition *c)
{
	if (c->is_not)
		return SCMP_CMP64(c->argument, SCMP_CMP_NE, value_of(c), 0);
	return SCMP_CMP64(c->argument, SCMP_CMP_MASKED_EQ, c->mask, value_of(c));
}

static int add(scmp_filter_ctx filter, const struct call *call)
{
	int number = seccomp_syscall_resolve_name(call->name), r;
	struct scmp_arg_cmp conditions[ARRAY_SIZE(call->when)];
	unsigned int n = 0;

	if (number == __NR_SCMP_ERROR) /* libseccomp is older than the call */
		return 0;
	for (; n < ARRAY_SIZE(call->when) && call->when[n].mask; n++)
		conditions[n] = condition_of(&call->when[n]);
	r = seccomp_rule_add_array(filter, action_of(call->action, call->error), number,
				   n, conditions);
	/* -EDOM: a call that this machine's architecture has not */
	return r == -EDOM ? 0 : r;
}

/* Without them, it is slower, or the wrong thread dies: no reason to have none at all. */
static void set_attributes(scmp_filter_ctx filter)
{
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_AS_TREE);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC,
			       1); /* the errno itself */
	/* done before; a filter that is there may not allow to do it again */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
}

int seccomp_restrict(enum seccomp_list list)
{
	const struct call_list *l = &seccomp_lists[list];
	__attribute__((cleanup(release)))
	scmp_filter_ctx filter = seccomp_init(action_of(l->otherwise, 0));
	int r = 0;

	if (!filter)
		return -ENOMEM;
	set_attributes(filter);
	for (size_t i = 0; i < SECCOMP_PARTS_MAX && l->parts[i]; i++)
		for (const struct call *c = l->parts[i]; r == 0 && c->name; c++)
			r = add(filter, c);
	return r < 0 ? r : seccomp_load(filter);
}
