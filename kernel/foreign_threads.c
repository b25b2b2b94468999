// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel threads that run code of a foreign module's or of nobody's: by their function, by
 * the function of the work item that a worker is busy with, and by who has called what
 * they sleep in.
 *
 * A look only collects addresses outside of the kernel image. Whose they are is asked
 * afterwards, where it may sleep; lawful ones are kept in mind, so that the threads of a
 * signed module cost nothing. A word on a stack may be left over from long ago: when it
 * would be bad, the unwinder has to confirm it.
 */
#include "tasks.h"

#include <linux/hash.h>
#include <linux/idr.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <asm/pgtable.h>
#include <asm/unwind.h>

#include "guard.h"
#include "owner.h"

#define SUSPECTS_MAX 64
/* of one thread: its function or its work's, and words on its stack */
#define SUSPECTS_EACH 5
#define STACK_WORDS   256
#define FRAMES_MAX    64
#define LAWFUL_BITS   8
/* What was lawful may have become somebody else's. */
#define WALKS_TO_FORGET 16

/*
 * The beginning of struct worker of kernel/workqueue_internal.h, which has been so since
 * 3.9; read without faulting.
 */
struct worker_head {
	struct list_head entry;
	struct work_struct *current_work;
	work_func_t current_func;
};

/*
 * @what: of a call the task, else the function
 */
struct suspect {
	enum finding_kind kind;
	const void *what;
	struct task_name name;
	unsigned long address;
};

static struct {
	struct suspect suspect[SUSPECTS_MAX];
	size_t n_suspects;
	unsigned long lawful[1 << LAWFUL_BITS];
	unsigned long words[STACK_WORDS];
	unsigned int n_walks;
	bool is_deep;
} state;

static unsigned long *lawful_slot(unsigned long address)
{
	return &state.lawful[hash_long(address, LAWFUL_BITS)];
}

static bool is_suspicious(unsigned long address)
{
	return address && !owner_is_kernel(address) && !owner_is_self(address) &&
	       *lawful_slot(address) != address;
}

static bool suspect(enum finding_kind kind, const struct task_struct *task,
		    unsigned long address)
{
	const void *what = kind == FOUND_STACK ? task : (void *)address;
	struct suspect *suspect;

	if (!is_suspicious(address) || state.n_suspects == SUSPECTS_MAX)
		return false;
	suspect = &state.suspect[state.n_suspects++];
	*suspect = (struct suspect){ .kind = kind, .what = what, .address = address };
	task_name_set(&suspect->name, task);
	return true;
}

static unsigned long work_of(struct task_struct *task)
{
	const struct worker_head *worker;

	if (!(task->flags & PF_WQ_WORKER))
		return 0;
	worker = kthread_data(task);
	return worker ? guard_read(&worker->current_func) : 0;
}

/* Only what modules have: stacks are full of other addresses. */
static bool is_of_modules(unsigned long address)
{
	return address >= MODULES_VADDR && address < MODULES_END;
}

static void look_at_stack(const struct task_struct *task)
{
	unsigned long sp = READ_ONCE(task->thread.sp);
	unsigned long start = (unsigned long)task_stack_page(task);
	size_t i, n, n_found = 0;

	if (task == current || sp - start >= THREAD_SIZE)
		return;
	n = min_t(size_t, (start + THREAD_SIZE - sp) / sizeof(long), STACK_WORDS);
	if (copy_from_kernel_nofault(state.words, (void *)sp, n * sizeof(long)))
		return;
	for (i = 0; i < n && n_found < SUSPECTS_EACH - 1; i++) {
		if (is_of_modules(state.words[i]))
			n_found += suspect(FOUND_STACK, task, state.words[i]);
	}
}

/*
 * The kernel's functions believe what the flag says. But somebody may have put it on a task
 * of user space, to make it look like a thread of the kernel's, and then what they follow is
 * an address of user space, or nothing. Who exits is marked before the memory is let go.
 */
static bool is_kthread(const struct task_struct *task)
{
	bool has_memory = READ_ONCE(task->mm);

	smp_rmb();
	return !has_memory && !(READ_ONCE(task->flags) & PF_EXITING);
}

bool foreign_threads_look(struct task_struct *task)
{
	bool is_true = is_kthread(task);
	unsigned long function = is_true ? (unsigned long)kthread_func(task) : 0;
	unsigned long work;

	if (suspect(FOUND_THREAD, task, function))
		goto out;
	work = is_true ? work_of(task) : 0;
	if (!suspect(FOUND_WORK, task, work) && state.is_deep)
		look_at_stack(task);
out:
	return state.n_suspects + SUSPECTS_EACH <= SUSPECTS_MAX;
}

#if defined(CONFIG_UNWINDER_ORC) || defined(CONFIG_UNWINDER_FRAME_POINTER)
/*
 * The unwinder keeps within what the stack was at the beginning, and the task is one that
 * was asleep just now; should it run, it is given up.
 */
static bool unwind_to(struct task_struct *task, unsigned long address)
{
	struct unwind_state frame;
	bool is_found = false;
	size_t n = 0;

	for (unwind_start(&frame, task, NULL, NULL);
	     !unwind_done(&frame) && !is_found && n < FRAMES_MAX; n++) {
		is_found = unwind_get_return_address(&frame) == address ||
			   frame.ip == address;
		unwind_next_frame(&frame);
	}
	return is_found;
}
#else
static bool unwind_to(struct task_struct *task, unsigned long address)
{
	return false;
}
#endif

/*
 * The stack of a task that ends is freed before the task is, and the unwinder reads without
 * asking; hence the reference. put_task_stack() is not for modules: should ours be the last,
 * the stack is lost, which is some KiB once in a blue moon.
 */
static bool is_on_stack(pid_t pid, unsigned long address)
{
	struct task_struct *task;
	bool is_found = false;

	rcu_read_lock();
	task = pid_task(idr_find(&init_pid_ns.idr, pid), PIDTYPE_PID);
	if (task && task != current && try_get_task_stack(task)) {
		is_found = unwind_to(task, address);
		if (refcount_dec_and_test(&task->stack_refcount))
			is_found = false; /* it has ended */
	}
	rcu_read_unlock();
	return is_found;
}

static void judge(const struct suspect *suspect)
{
	struct owner owner;

	owner_find(suspect->address, &owner);
	if (owner_severity(&owner) == EMIT_INFO)
		*lawful_slot(suspect->address) = suspect->address;
	else if (suspect->kind != FOUND_STACK ||
		 is_on_stack(suspect->name.pid, suspect->address))
		tasks_found(suspect->kind, suspect->what, &suspect->name,
			    suspect->address);
}

void foreign_threads_judge(void)
{
	size_t i;

	for (i = 0; i < state.n_suspects; i++)
		judge(&state.suspect[i]);
	state.n_suspects = 0;
}

void foreign_threads_begin(bool is_deep)
{
	state.is_deep = is_deep;
	state.n_suspects = 0;
	if (!(state.n_walks++ % WALKS_TO_FORGET))
		memset(state.lawful, 0, sizeof(state.lawful));
}
