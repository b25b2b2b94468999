// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of the last commit of each task, with one place for each hash: who is pushed out
 * is not known any more, and not judged. Nor is a task that has run another program since,
 * for then its commit was missed while somebody had the probe switched off.
 */
#include "committed_creds.h"

#include <linux/hash.h>
#include <linux/init_task.h>
#include <linux/jhash.h>
#include <linux/kprobes.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#define TABLE_BITS 11

/*
 * @start_time: tells the task from one that had the same memory before
 * @exec_id: of the task at that time
 */
struct commit {
	const struct task_struct *task;
	u64 start_time;
	u64 exec_id;
	const struct cred *cred;
	u32 digest;
};

static struct {
	raw_spinlock_t
		lock; /* of the handler only, which nothing interrupts that takes it */
	struct commit last[1 << TABLE_BITS];
} state = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(state.lock),
};

u32 creds_digest(const struct cred *copy)
{
	const size_t from = offsetof(struct cred, uid);
	u32 digest = jhash((const u8 *)copy + from,
			   offsetofend(struct cred, cap_ambient) - from, 0);

	return digest ? digest : 1;
}
NOKPROBE_SYMBOL(creds_digest);

/* An exec counts before it commits. */
static bool is_about_current(const struct commit *last)
{
	return last->task == current && last->start_time == current->start_time &&
	       current->self_exec_id - last->exec_id <= 1;
}
NOKPROBE_SYMBOL(is_about_current);

static enum creds_verdict judge(const struct commit *last, const struct cred *had)
{
	struct cred copy;

	if (!(current->flags & PF_KTHREAD) && had == init_task.real_cred)
		return CREDS_OF_INIT;
	if (!is_about_current(last))
		return CREDS_GOOD;
	if (last->cred != had)
		return CREDS_OF_OTHERS;
	if (!copy_from_kernel_nofault(&copy, had, sizeof(copy)) &&
	    creds_digest(&copy) != last->digest)
		return CREDS_IN_PLACE;
	return CREDS_GOOD;
}
NOKPROBE_SYMBOL(judge);

enum creds_verdict committed_creds_check(const struct cred *address,
					 const struct cred *copy)
{
	struct commit *last = &state.last[hash_ptr(current, TABLE_BITS)];
	const struct cred *had = rcu_access_pointer(current->real_cred);
	enum creds_verdict verdict;
	unsigned long flags;

	raw_spin_lock_irqsave(&state.lock, flags);
	verdict = judge(last, had);
	*last = (struct commit){
		.task = current,
		.start_time = current->start_time,
		.exec_id = current->self_exec_id,
		.cred = address,
		.digest = creds_digest(copy),
	};
	raw_spin_unlock_irqrestore(&state.lock, flags);
	return verdict;
}
NOKPROBE_SYMBOL(committed_creds_check);
