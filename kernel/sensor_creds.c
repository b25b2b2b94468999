// SPDX-License-Identifier: GPL-2.0-only
/*
 * Credentials: a task that becomes root. The kernel makes one root by set-user-ID programs
 * and system calls, and every link of the chain of calls is the kernel's then. Whoever
 * becomes root by a foreign module's call of commit_creds(), or by one from memory of
 * nobody's, does not do so lawfully. Each exec comes by here, so who gains nothing is let
 * pass with a look at some words.
 */
#include "sensors.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "callers.h"
#include "committed_creds.h"
#include "emit.h"
#include "owner.h"

static struct {
	struct emit_record told; /* the worker's, as are the next */
	char caller[SYMBOLS_NAME_SIZE];
	char quoted[EMIT_ESCAPED_SIZE];
} state;

/* Makes ready to tell. Return: whether it is worth it */
static bool name_stranger(const struct emit_record *record, struct owner *owner)
{
	int i = callers_find_stranger(record, owner);

	if (i < 0)
		return false;
	state.told = *record;
	strscpy(state.told.module, owner->module, sizeof(state.told.module));
	symbols_describe(state.caller, record->callers[i]);
	emit_quote(state.quoted, sizeof(state.quoted), state.caller);
	return true;
}

static void print_commit(const struct emit_record *record)
{
	char name[4 * TASK_COMM_LEN + 16];
	struct owner owner;

	if (!name_stranger(record, &owner))
		return;
	photon_logfmt(&state.told, EMIT_CRITICAL, "creds_changed",
		      " task=%d name=%s how=commit_creds caller=%s", record->pid,
		      emit_quote(name, sizeof(name), record->comm), state.quoted);
}

static void print_prepare(const struct emit_record *record)
{
	struct owner owner;

	if (!name_stranger(record, &owner))
		return;
	photon_logfmt(&state.told, owner_severity(&owner), "creds_prepared", " caller=%s",
		      state.quoted);
}

static bool is_root(const struct cred *cred)
{
	return uid_eq(cred->uid, GLOBAL_ROOT_UID) ||
	       uid_eq(cred->euid, GLOBAL_ROOT_UID) ||
	       uid_eq(cred->fsuid, GLOBAL_ROOT_UID);
}

static bool is_gain(const struct cred *old, const struct cred *new)
{
	return (is_root(new) && !is_root(old)) ||
	       !cap_issubset(new->cap_effective, old->cap_effective);
}

/* Apart, so that the room on the stack is needed only where something is up. */
static noinline void stage(struct kprobe *kprobe, struct pt_regs *regs,
			   void (*print)(const struct emit_record *record))
{
	struct emit_record record;

	memset(&record, 0, offsetof(struct emit_record, text));
	record.text[0] = '\0';
	record.print = print;
	callers_note(&record, kprobe, regs);
	if (callers_has_outsider(&record))
		emit_stage(&record);
}
NOKPROBE_SYMBOL(stage);

static void print_tampered(const struct emit_record *record)
{
	static const char *const how[CREDS_VERDICT_COUNT] = {
		[CREDS_IN_PLACE] = "in_place",
		[CREDS_OF_INIT] = "init_cred",
		[CREDS_OF_OTHERS] = "shared",
	};
	char name[4 * TASK_COMM_LEN + 16];

	photon_logfmt(record, EMIT_CRITICAL, "creds_changed", " task=%d name=%s how=%s",
		      record->pid, emit_quote(name, sizeof(name), record->comm),
		      how[record->error]);
}

static noinline void stage_tampered(enum creds_verdict verdict)
{
	struct emit_record record;

	memset(&record, 0, sizeof(record));
	record.print = print_tampered;
	record.error = verdict;
	emit_stage(&record);
}
NOKPROBE_SYMBOL(stage_tampered);

static int on_commit(struct kprobe *kprobe, struct pt_regs *regs)
{
	const struct cred *from = (void *)regs_get_kernel_argument(regs, 0);
	enum creds_verdict verdict;
	struct cred new;

	if (copy_from_kernel_nofault(&new, from, sizeof(new)))
		return 0;
	verdict = committed_creds_check(from, &new);
	if (verdict != CREDS_GOOD)
		stage_tampered(verdict);
	if (is_gain(current_cred(), &new))
		stage(kprobe, regs, print_commit);
	return 0;
}
NOKPROBE_SYMBOL(on_commit);

static int on_prepare(struct kprobe *kprobe, struct pt_regs *regs)
{
	if (!owner_is_kernel(regs_get_kernel_stack_nth(regs, 0)))
		stage(kprobe, regs, print_prepare);
	return 0;
}
NOKPROBE_SYMBOL(on_prepare);

static struct entry_probe probes[] = {
	{ .symbol = "commit_creds", .handler = on_commit },
	{ .symbol = "prepare_kernel_cred", .handler = on_prepare },
};

const struct sensor sensor_creds = {
	.name = "creds",
	.without = "tasks that a module makes root will be seen by sweeps only",
	.probes = probes,
	.n_probes = ARRAY_SIZE(probes),
};
