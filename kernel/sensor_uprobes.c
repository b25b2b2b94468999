// SPDX-License-Identifier: GPL-2.0-only
/*
 * Probes on user space: which file, where, and by whom. Debuggers and tracers place them;
 * a module that does reads what programs hold, passwords for one.
 */
#include "sensors.h"

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "callers.h"
#include "emit.h"
#include "guard.h"
#include "owner.h"

#ifdef PHOTON_DENTRY_HAS_D_U
#define D_ALIAS d_u.d_alias
#else
#define D_ALIAS d_alias
#endif

static struct {
	struct emit_record told; /* the worker's, as is the next */
	char path[EMIT_ESCAPED_SIZE];
} state;

/* In a record, text is the path, asked the offset. */
static void print_uprobe(const struct emit_record *record)
{
	enum emit_severity severity = EMIT_INFO;
	struct owner owner;

	state.told = *record;
	if (callers_find_stranger(record, &owner) >= 0) {
		strscpy(state.told.module, owner.module, sizeof(state.told.module));
		severity = owner_severity(&owner);
	}
	photon_logfmt(&state.told, severity, "uprobe_registered", " path=%s offset=0x%lx",
		      emit_quote(state.path, sizeof(state.path), record->text),
		      record->asked);
}

/*
 * Its name, as the file system has it: where that is mounted is not known here. Under RCU
 * a dentry cannot go, and d_path() and its like do not sleep. The inode has not been looked
 * at by anybody yet: the kernel first refuses who asks for nothing.
 */
static void copy_path(char to[EMIT_TEXT_SIZE], const struct inode *inode)
{
	struct dentry *dentry;
	char *path = NULL;

	rcu_read_lock();
	dentry = hlist_entry_safe((void *)guard_read(&inode->i_dentry.first),
				  struct dentry, D_ALIAS);
	if (dentry)
		path = dentry_path_raw(dentry, to, EMIT_TEXT_SIZE);
	if (IS_ERR_OR_NULL(path))
		strscpy(to, dentry ? "..." : "",
			EMIT_TEXT_SIZE); /* too long, or nameless */
	else
		memmove(to, path, strlen(path) + 1);
	rcu_read_unlock();
}
NOKPROBE_SYMBOL(copy_path);

static int on_register(struct kprobe *kprobe, struct pt_regs *regs)
{
	struct emit_record record;

	memset(&record, 0, offsetof(struct emit_record, text));
	record.print = print_uprobe;
	record.asked = regs_get_kernel_argument(regs, 1);
	copy_path(record.text, (void *)regs_get_kernel_argument(regs, 0));
	callers_note(&record, kprobe, regs);
	emit_stage(&record);
	return 0;
}
NOKPROBE_SYMBOL(on_register);

static struct entry_probe probes[] = {
	{ .symbol = "uprobe_register", .handler = on_register },
	/* gone in 6.12 */
	{ .symbol = "uprobe_register_refctr", .handler = on_register, .is_spare = true },
};

const struct sensor sensor_uprobes = {
	.name = "uprobes",
	.without = "uprobes that others register will not be seen",
	.probes = probes,
	.n_probes = ARRAY_SIZE(probes),
};
