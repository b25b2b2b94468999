// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF: which programs are loaded, and what they are put on. A program does what its helpers
 * let it; two of them change what others see: one writes into user memory, one makes
 * functions of the kernel return what it wants. They are found in the program as the
 * verifier has left it, where a call has the distance to the helper's address.
 *
 * The functions that are probed are called by the kernel alone, with programs that are whole.
 */
#include "sensors.h"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/trace_events.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>

#include "emit.h"

/* As many as the verifier lets through, plus what it adds */
#define INSTRUCTIONS_MAX 2000000
#define CHUNK		 32

#define WRITES_USER 1
#define OVERRIDES   2

static struct symbol_wanted wanted = { .name = "bpf_probe_write_user" };

enum attachment {
	BY_TYPE, /* as the program's type is called */
	KPROBE,
	UPROBE,
	TRACEPOINT,
	RAW_TRACEPOINT,
	KPROBE_MULTI,
	UPROBE_MULTI,
	ATTACHMENT_COUNT
};

static const char *const attachments[ATTACHMENT_COUNT] = {
	[KPROBE] = "kprobe",
	[UPROBE] = "uprobe",
	[TRACEPOINT] = "tracepoint",
	[RAW_TRACEPOINT] = "raw_tracepoint",
	[KPROBE_MULTI] = "kprobe_multi",
	[UPROBE_MULTI] = "uprobe_multi",
};

static struct {
	char name[EMIT_ESCAPED_SIZE]; /* the worker's */
} state;

static const char *const kinds[] = {
	[BPF_PROG_TYPE_SOCKET_FILTER] = "socket_filter",
	[BPF_PROG_TYPE_KPROBE] = "kprobe",
	[BPF_PROG_TYPE_SCHED_CLS] = "sched_cls",
	[BPF_PROG_TYPE_SCHED_ACT] = "sched_act",
	[BPF_PROG_TYPE_TRACEPOINT] = "tracepoint",
	[BPF_PROG_TYPE_XDP] = "xdp",
	[BPF_PROG_TYPE_PERF_EVENT] = "perf_event",
	[BPF_PROG_TYPE_CGROUP_SKB] = "cgroup_skb",
	[BPF_PROG_TYPE_CGROUP_SOCK] = "cgroup_sock",
	[BPF_PROG_TYPE_SOCK_OPS] = "sock_ops",
	[BPF_PROG_TYPE_SK_SKB] = "sk_skb",
	[BPF_PROG_TYPE_CGROUP_DEVICE] = "cgroup_device",
	[BPF_PROG_TYPE_SK_MSG] = "sk_msg",
	[BPF_PROG_TYPE_RAW_TRACEPOINT] = "raw_tracepoint",
	[BPF_PROG_TYPE_CGROUP_SOCK_ADDR] = "cgroup_sock_addr",
	[BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE] = "raw_tracepoint_writable",
	[BPF_PROG_TYPE_CGROUP_SYSCTL] = "cgroup_sysctl",
	[BPF_PROG_TYPE_CGROUP_SOCKOPT] = "cgroup_sockopt",
	[BPF_PROG_TYPE_TRACING] = "tracing",
	[BPF_PROG_TYPE_STRUCT_OPS] = "struct_ops",
	[BPF_PROG_TYPE_EXT] = "ext",
	[BPF_PROG_TYPE_LSM] = "lsm",
};

static const char *kind_name(u32 type)
{
	return type < ARRAY_SIZE(kinds) && kinds[type] ? kinds[type] : "other";
}

/* In a record, asked is the program's type, resolved its id, offset its helpers. */
static void print_loaded(const struct emit_record *record)
{
	static const char *const helpers[] = { "none", "probe_write_user",
					       "override_return",
					       "probe_write_user,override_return" };

	photon_logfmt(record, record->offset ? EMIT_HIGH : EMIT_INFO, "bpf_loaded",
		      " name=%s kind=%s id=%lu helpers=%s",
		      emit_quote(state.name, sizeof(state.name), record->text),
		      kind_name(record->asked), record->resolved,
		      helpers[record->offset]);
}

/* In a record, offset is one of enum attachment, text the target. */
static void print_attached(const struct emit_record *record)
{
	photon_logfmt(record, EMIT_INFO, "bpf_attached", " kind=%s target=%s",
		      record->offset == BY_TYPE ? kind_name(record->asked)
						: attachments[record->offset],
		      emit_quote(state.name, sizeof(state.name), record->text));
}

static bool calls(const struct bpf_insn *instruction, unsigned long helper)
{
	return helper && instruction->code == (BPF_JMP | BPF_CALL) &&
	       instruction->src_reg != BPF_PSEUDO_CALL &&
	       instruction->imm == (s32)(helper - (unsigned long)__bpf_call_base);
}

static bool has_call(const struct bpf_prog *program, u32 n, unsigned long helper)
{
	struct bpf_insn chunk[CHUNK];
	u32 i, j, n_chunk;

	for (i = 0; i < min_t(u32, n, INSTRUCTIONS_MAX); i += n_chunk) {
		n_chunk = min_t(u32, n - i, CHUNK);
		if (copy_from_kernel_nofault(chunk, &program->insnsi[i],
					     n_chunk * sizeof(chunk[0])))
			return false;
		for (j = 0; j < n_chunk; j++) {
			if (calls(&chunk[j], helper))
				return true;
		}
	}
	return false;
}
NOKPROBE_SYMBOL(has_call);

static u32 find_helpers(const struct bpf_prog *program)
{
	return (has_call(program, program->len, wanted.address) ? WRITES_USER : 0) |
	       (program->kprobe_override ? OVERRIDES : 0);
}
NOKPROBE_SYMBOL(find_helpers);

/* The last step of loading; parts of a program come by here as well, without an id. */
static int on_load(struct kprobe *unused, struct pt_regs *regs)
{
	const struct bpf_prog *program = (void *)regs_get_kernel_argument(regs, 0);
	struct emit_record record;

	if (!program->aux->id)
		return 0;
	memset(&record, 0, offsetof(struct emit_record, text));
	record.print = print_loaded;
	record.asked = program->type;
	record.resolved = program->aux->id;
	record.offset = find_helpers(program);
	emit_copy_text(record.text, program->aux->name);
	emit_stage(&record);
	return 0;
}
NOKPROBE_SYMBOL(on_load);

static void stage_attached(enum attachment attachment, u32 type, const char *target)
{
	struct emit_record record;

	memset(&record, 0, offsetof(struct emit_record, text));
	record.print = print_attached;
	record.asked = type;
	record.offset = attachment;
	emit_copy_text(record.text, target);
	emit_stage(&record);
}
NOKPROBE_SYMBOL(stage_attached);

static int on_perf_event(struct kprobe *unused, struct pt_regs *regs)
{
	const struct perf_event *event = (void *)regs_get_kernel_argument(regs, 0);
	struct trace_event_call *call = event->tp_event;

	if (call)
		stage_attached(call->flags & TRACE_EVENT_FL_KPROBE   ? KPROBE
			       : call->flags & TRACE_EVENT_FL_UPROBE ? UPROBE
								     : TRACEPOINT,
			       0, trace_event_name(call));
	return 0;
}
NOKPROBE_SYMBOL(on_perf_event);

static int on_raw_tracepoint(struct kprobe *unused, struct pt_regs *regs)
{
	const struct bpf_raw_event_map *map = (void *)regs_get_kernel_argument(regs, 0);

	stage_attached(RAW_TRACEPOINT, 0, map->tp->name);
	return 0;
}
NOKPROBE_SYMBOL(on_raw_tracepoint);

/* The functions are in an array of user space's: the program's name has to do. */
static int on_multi(struct kprobe *kprobe, struct pt_regs *regs)
{
	const struct bpf_prog *program = (void *)regs_get_kernel_argument(regs, 1);

	stage_attached(kprobe->symbol_name[4] == 'k' ? KPROBE_MULTI : UPROBE_MULTI, 0,
		       program->aux->name);
	return 0;
}
NOKPROBE_SYMBOL(on_multi);

/* LSM hooks, entries and exits of functions, other programs */
static int on_trampoline(struct kprobe *unused, struct pt_regs *regs)
{
	const struct bpf_prog *program = (void *)regs_get_kernel_argument(regs, 0);

	stage_attached(BY_TYPE, program->type, program->aux->attach_func_name);
	return 0;
}
NOKPROBE_SYMBOL(on_trampoline);

static struct entry_probe probes[] = {
	{ .symbol = "bpf_prog_kallsyms_add", .handler = on_load },
	{ .symbol = "perf_event_attach_bpf_prog", .handler = on_perf_event },
	{ .symbol = "bpf_probe_register", .handler = on_raw_tracepoint },
	{ .symbol = "bpf_tracing_prog_attach", .handler = on_trampoline },
	/* since 5.18 and 6.6 */
	{ .symbol = "bpf_kprobe_multi_link_attach",
	  .handler = on_multi,
	  .is_spare = true },
	{ .symbol = "bpf_uprobe_multi_link_attach",
	  .handler = on_multi,
	  .is_spare = true },
};

const struct sensor sensor_bpf = {
	.name = "bpf",
	.without = "BPF programs that are loaded will not be seen",
	.wanted = &wanted,
	.n_wanted = 1,
	.probes = probes,
	.n_probes = ARRAY_SIZE(probes),
};
