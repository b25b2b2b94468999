// SPDX-License-Identifier: GPL-2.0-only
/*
 * Credentials are never changed once a task has them; who needs others commits a copy. So
 * those that differ from the last look were written to by somebody. A reference is kept
 * from look to look: their memory cannot have become somebody else's meanwhile.
 *
 * What was written between two looks is told by the account that the kernel keeps for
 * each user: it follows the real user id with every system call that changes that, and
 * who overwrites ids forgets it.
 *
 * A process never has the very credentials of another one: copy_creds() copies them, but
 * for threads of one process.
 */
#include "tasks.h"

#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/init_task.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "committed_creds.h"

#define SLOTS_MIN 1024
#define SLOTS_MAX 262144
/* What has no room within that many slots is not remembered. */
#define PROBES_MAX 64

enum judgement {
	IS_GOOD,
	IS_TAMPERED,
	IS_INHERITED, /* a copy of tampered ones, told once */
};

/*
 * @cred: a reference, or NULL
 * @group: of the process that was met with them in this walk
 * @digest: of ids and capabilities as first seen; 0: not looked at
 */
struct known_cred {
	const struct cred *cred;
	const struct signal_struct *group;
	u32 digest;
	enum judgement judgement;
};

struct known_creds {
	struct known_cred *slot;
	size_t n_slots; /* a power of 2, or 0 */
	size_t n;
};

static struct {
	struct known_creds before;
	struct known_creds now;
	const struct cred *of_init;
} state;

static void let_go(struct known_creds *known)
{
	size_t i;

	for (i = 0; i < known->n_slots && known->n; i++) {
		if (!known->slot[i].cred)
			continue;
		put_cred(known->slot[i].cred);
		known->slot[i].cred = NULL;
		known->n--;
	}
}

static void make_room(struct known_creds *known, size_t n_slots)
{
	kvfree(known->slot);
	known->slot = kvcalloc(n_slots, sizeof(*known->slot), GFP_KERNEL);
	known->n_slots = known->slot ? n_slots : 0;
}

void known_creds_begin(void)
{
	size_t n_slots = roundup_pow_of_two(4 * state.before.n + 1);

	n_slots = clamp_t(size_t, n_slots, SLOTS_MIN, SLOTS_MAX);
	let_go(&state.now);
	if (state.now.n_slots < n_slots)
		make_room(&state.now, n_slots);
}

void known_creds_end(void)
{
	let_go(&state.before);
	swap(state.before, state.now);
}

/* Return: where those credentials are, or could be; NULL if there is no room */
static struct known_cred *find(const struct known_creds *known, const struct cred *cred)
{
	size_t i, at = hash_ptr(cred, 32);
	struct known_cred *entry;

	for (i = 0; i < min_t(size_t, known->n_slots, PROBES_MAX); i++) {
		entry = &known->slot[(at + i) & (known->n_slots - 1)];
		if (!entry->cred || entry->cred == cred)
			return entry;
	}
	return NULL;
}

static enum judgement judgement_of(const struct cred *cred)
{
	const struct known_cred *entry = find(&state.now, cred);

	return entry && entry->cred ? entry->judgement : IS_GOOD;
}

/* Does the account belong to the real user id? */
static bool has_own_account(const struct cred *copy)
{
	kuid_t uid;

	return !get_kernel_nofault(uid, &copy->user->uid) && uid_eq(uid, copy->uid);
}

static bool is_child_of_tampered(const struct task_struct *task)
{
	const struct task_struct *parent = rcu_dereference(task->real_parent);

	return judgement_of(rcu_access_pointer(parent->real_cred)) != IS_GOOD;
}

static void judge(struct known_cred *entry, const struct known_cred *before,
		  const struct cred *copy, const struct task_struct *task)
{
	u32 digest = creds_digest(copy);
	bool is_known = before && before->cred && before->digest;

	entry->digest = is_known ? before->digest : digest;
	if (is_known && before->judgement != IS_GOOD)
		entry->judgement = before->judgement;
	else if (is_known && before->digest != digest)
		entry->judgement = IS_TAMPERED;
	else if (!is_known && !has_own_account(copy))
		entry->judgement = is_child_of_tampered(task) ? IS_INHERITED
							      : IS_TAMPERED;
}

static void remember(struct known_cred *entry, const struct cred *cred,
		     const struct task_struct *task)
{
	const struct known_cred *before = find(&state.before, cred);
	struct task_name name;
	struct cred copy;

	/* The kernel allocates them; in a module's constants the count could not be written. */
	if (!virt_addr_valid(cred)) {
		task_name_set(&name, task);
		tasks_found(FOUND_CREDS_IN_PLACE, cred, &name, 0);
		return;
	}
	if (copy_from_kernel_nofault(&copy, cred, sizeof(copy)) || !get_cred_rcu(cred))
		return;
	*entry = (struct known_cred){ .cred = cred, .group = task->signal };
	state.now.n++;
	judge(entry, before, &copy, task);
	if (entry->judgement != IS_TAMPERED)
		return;
	task_name_set(&name, task);
	tasks_found(FOUND_CREDS_IN_PLACE, cred, &name, 0);
}

static bool has_those_of_init(const struct task_struct *task, const struct cred *cred)
{
	/* Kernel threads have copies, and may borrow it for a while. The flag is no proof. */
	return cred == state.of_init || (!(task->flags & PF_KTHREAD) &&
					 rcu_access_pointer(task->cred) == state.of_init);
}

void known_creds_look(const struct task_struct *task)
{
	const struct cred *cred = __task_cred(task);
	struct task_name name;
	struct known_cred *entry;

	if (has_those_of_init(task, cred)) {
		task_name_set(&name, task);
		tasks_found(FOUND_CREDS_INIT, task->signal, &name, 0);
		return;
	}
	entry = find(&state.now, cred);
	if (!entry || !cred)
		return;
	if (!entry->cred) {
		remember(entry, cred, task);
	} else if (entry->group != task->signal) {
		task_name_set(&name, task);
		tasks_found(FOUND_CREDS_SHARED, task->signal, &name, 0);
	}
}

int known_creds_start(void)
{
	state.of_init = rcu_access_pointer(init_task.real_cred);
	return 0;
}

void known_creds_stop(void)
{
	let_go(&state.before);
	let_go(&state.now);
	kvfree(state.before.slot);
	kvfree(state.now.slot);
}
