// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways from user space past all modules: the memory devices, and another kernel by kexec.
 * Attempts are told, whatever comes of them: these functions run before anything is refused.
 */
#include "sensors.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/kernel.h>
#include <linux/kexec.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "emit.h"

/* In a record, text is the path, error the severity. */
static void print_opened(const struct emit_record *record)
{
	photon_logfmt(record, record->error, "device_opened", " path=%s", record->text);
}

static void stage_opened(const char *path, enum emit_severity severity)
{
	struct emit_record record;

	memset(&record, 0, offsetof(struct emit_record, text));
	record.print = print_opened;
	record.error = severity;
	emit_copy_text(record.text, path);
	emit_stage(&record);
}
NOKPROBE_SYMBOL(stage_opened);

/* Documentation/admin-guide/devices.txt: 1 char */
static int on_open_port(struct kprobe *unused, struct pt_regs *regs)
{
	const struct inode *inode = (void *)regs_get_kernel_argument(regs, 0);
	dev_t device = 0;

	(void)get_kernel_nofault(device, (dev_t *)&inode->i_rdev);
	stage_opened(MINOR(device) == 1	  ? "/dev/mem"
		     : MINOR(device) == 2 ? "/dev/kmem"
					  : "/dev/port",
		     EMIT_MEDIUM);
	return 0;
}
NOKPROBE_SYMBOL(on_open_port);

/* It can only be read; perf does. */
static int on_open_kcore(struct kprobe *unused, struct pt_regs *regs)
{
	stage_opened("/proc/kcore", EMIT_INFO);
	return 0;
}
NOKPROBE_SYMBOL(on_open_kcore);

/* In a record, offset is the flags, text says how, error is the severity. */
static void print_kexec(const struct emit_record *record)
{
	photon_logfmt(record, record->error, "kexec_load", " how=%s crash=%s",
		      record->text, record->offset & KEXEC_ON_CRASH ? "yes" : "no");
}

static void stage_kexec(const char *how, u32 flags, bool is_unload)
{
	struct emit_record record;

	if (!probe_is_by_capable(CAP_SYS_BOOT))
		return; /* refused, and no danger */
	memset(&record, 0, offsetof(struct emit_record, text));
	record.print = print_kexec;
	record.offset = flags;
	/* For a crash: that is kdump, and an administrator's ordinary tool. */
	record.error = is_unload		? EMIT_INFO
		       : flags & KEXEC_ON_CRASH ? EMIT_MEDIUM
						: EMIT_HIGH;
	emit_copy_text(record.text, is_unload ? "unload" : how);
	emit_stage(&record);
}
NOKPROBE_SYMBOL(stage_kexec);

/* The system call's own registers */
static const struct pt_regs *user_regs(struct pt_regs *regs)
{
	return (void *)regs_get_kernel_argument(regs, 0);
}
NOKPROBE_SYMBOL(user_regs);

static int on_kexec(struct kprobe *unused, struct pt_regs *regs)
{
	unsigned long flags = 0, n_segments = 0;

	(void)get_kernel_nofault(n_segments, (unsigned long *)&user_regs(regs)->si);
	(void)get_kernel_nofault(flags, (unsigned long *)&user_regs(regs)->r10);
	stage_kexec("segments", flags, !n_segments);
	return 0;
}
NOKPROBE_SYMBOL(on_kexec);

static int on_compat_kexec(struct kprobe *unused, struct pt_regs *regs)
{
	unsigned long flags = 0, n_segments = 0;

	(void)get_kernel_nofault(n_segments, (unsigned long *)&user_regs(regs)->cx);
	(void)get_kernel_nofault(flags, (unsigned long *)&user_regs(regs)->si);
	stage_kexec("segments", flags, !(u32)n_segments);
	return 0;
}
NOKPROBE_SYMBOL(on_compat_kexec);

static int on_kexec_file(struct kprobe *unused, struct pt_regs *regs)
{
	unsigned long flags = 0;

	(void)get_kernel_nofault(flags, (unsigned long *)&user_regs(regs)->r8);
	stage_kexec("file", flags & KEXEC_FILE_ON_CRASH ? KEXEC_ON_CRASH : 0,
		    flags & KEXEC_FILE_UNLOAD);
	return 0;
}
NOKPROBE_SYMBOL(on_kexec_file);

static struct entry_probe probes[] = {
	{ .symbol = "open_port", .handler = on_open_port },
	{ .symbol = "open_kcore", .handler = on_open_kcore },
	{ .symbol = "__x64_sys_kexec_load", .handler = on_kexec },
	{ .symbol = "__ia32_compat_sys_kexec_load",
	  .handler = on_compat_kexec,
	  .is_spare = true },
	{ .symbol = "__x64_sys_kexec_file_load", .handler = on_kexec_file },
};

const struct sensor sensor_devices = {
	.name = "devices",
	.without = "memory devices and kexec will not be seen",
	.probes = probes,
	.n_probes = ARRAY_SIZE(probes),
};
