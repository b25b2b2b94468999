// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sees every kprobe that anyone registers. One hook is enough: kretprobes, arrays of
 * probes, tracefs and perf events all pass through register_kprobe().
 *
 * The hook is a kretprobe, although an entry probe is sturdier as such. Whether a
 * registration succeeded is known for sure only by its return value: an entry probe
 * would need a worker to look afterwards, when the struct kprobe may be freed already,
 * another probe may sit at the same address, and the functions that could tell
 * (get_kprobe() and its like) are not exported. The price is that a kretprobe can track
 * only so many callers at once. register_kprobe() takes its callers one by one under a
 * mutex, so it takes max_active tasks registering at the same moment to miss one. The
 * kernel counts the misses, but with a plain ++ that loses one of two at the same instant;
 * so a plain kprobe beside the hook counts the calls, and sensors.c prints the difference.
 *
 * What was asked for is copied on entry, because the caller can change it meanwhile;
 * what came of it is read on return.
 */
#include "sensors.h"

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "emit.h"
#include "guard.h"
#include "kprobe_table.h"
#include "lksm/wire.h"
#include "owner.h"
#include "symbols.h"

/* The VM tests build the module once with a symbol that does not exist. */
#ifndef SENSOR_KPROBES_SYMBOL
#define SENSOR_KPROBES_SYMBOL "register_kprobe"
#endif

static unsigned int max_active = 128;
module_param(max_active, uint, 0444);
MODULE_PARM_DESC(max_active, "tasks inside register_kprobe() that can be told apart");

/* A call on this CPU was counted, and the hook has not had its turn yet. */
static DEFINE_PER_CPU(bool, is_due);

static struct symbol_wanted wanted = { .name = "pre_handler_kretprobe" };

/* Addresses that tell whose it is: in a record, they are its callers. */
enum clue {
	STRUCT, /* may be in memory of nobody's */
	CALLER,
	PRE_HANDLER,
	POST_HANDLER,
	RETURN_HANDLER, /* a kretprobe's, as is the next */
	ENTRY_HANDLER,
	CLUE_COUNT
};

static struct {
	atomic_long_t n_calls;
	atomic_long_t n_tracked; /* of these */
	long n_missed;		 /* the last that is known; sensors.c's */
	struct symbol_range kallsyms;
	struct emit_record told; /* the worker's, as are the next; there is one */
	char symbol[SYMBOLS_NAME_SIZE];
	char escaped[EMIT_ESCAPED_SIZE];
	char sentence[EMIT_SENTENCE_SIZE];
} state;

/**
 * struct attempt - what is kept from entry to return
 * @probe: the caller's, read only without faulting
 * @place: of the note that it is told of here
 * @caller: of register_kprobe()
 * @record: becomes the record
 */
struct attempt {
	const struct kprobe *probe;
	unsigned int place;
	unsigned long caller;
	struct emit_record record;
};

static bool is_kallsyms(const struct emit_record *record)
{
	return !strcmp(record->text, LKSM_SYMBOL_KALLSYMS) ||
	       symbols_contains(&state.kallsyms, record->asked) ||
	       symbols_contains(&state.kallsyms, record->resolved);
}

/* By name if it was asked for by name; otherwise the address is given one. */
static void describe(char to[SYMBOLS_NAME_SIZE], const struct emit_record *record)
{
	if (!record->text[0])
		symbols_describe(to, record->asked);
	else if (record->offset)
		scnprintf(to, SYMBOLS_NAME_SIZE, "%s+0x%x", record->text, record->offset);
	else
		strscpy(to, record->text, SYMBOLS_NAME_SIZE);
}

static void print_hunt(const struct emit_record *record)
{
	bool is_told = record->text[0] && !record->asked && record->resolved;

	photon_logfmt(record, EMIT_MEDIUM, "symbol_hunt",
		      " symbol=%s error=%d resolved=%s",
		      emit_quote(state.escaped, sizeof(state.escaped), state.symbol),
		      record->error, is_told ? "yes" : "no");
}

/* Names the module, also one that the kernel's own look-ups do not know any more. */
static enum emit_severity judge(struct emit_record *told)
{
	struct owner owner;
	enum clue i;

	for (i = 0; i < CLUE_COUNT; i++) {
		if (!told->callers[i])
			continue;
		owner_find(told->callers[i], &owner);
		if (owner.kind != OWNER_FOREIGN &&
		    (owner.kind != OWNER_NOBODY || i == STRUCT))
			continue;
		if (owner.module[0])
			strscpy(told->module, owner.module, sizeof(told->module));
		return owner_severity(&owner);
	}
	return owner_is_foreign(told->module) ? EMIT_HIGH : EMIT_INFO;
}

static void print_attempt(const struct emit_record *staged)
{
	const struct emit_record *record = &state.told;
	bool is_suspicious = is_kallsyms(staged);
	enum emit_severity severity;

	state.told = *staged;
	severity = judge(&state.told);
	describe(state.symbol, record);
	if (record->error && !is_suspicious) {
		print_hunt(record);
		return;
	}
	scnprintf(state.sentence, sizeof(state.sentence), LKSM_MESSAGE_KPROBE_REGISTERED,
		  emit_escape(state.escaped, sizeof(state.escaped), state.symbol));
	emit_quote(state.escaped, sizeof(state.escaped), state.symbol);
	photon_printk(record, severity, "kprobe_registered", state.sentence, " symbol=%s",
		      state.escaped);
	if (is_suspicious)
		photon_printk(record, EMIT_HIGH, "suspicious_probe",
			      LKSM_MESSAGE_KALLSYMS_PROBE, " message=\"%s\" symbol=%s",
			      LKSM_MESSAGE_KALLSYMS_PROBE, state.escaped);
}

/* Of the probes at one address the latest comes first; no other CPU takes over between. */
static int on_call(struct kprobe *unused, struct pt_regs *regs)
{
	atomic_long_inc(&state.n_calls);
	__this_cpu_write(is_due, true);
	return 0;
}
NOKPROBE_SYMBOL(on_call);

static int on_entry(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct attempt *attempt = (struct attempt *)instance->data;
	struct emit_record *record = &attempt->record;
	const struct kprobe *probe = (void *)regs_get_kernel_argument(regs, 0);
	const char *name = NULL;
	kprobe_opcode_t *address = NULL;

	/* It was not if this call came before the counting. */
	if (__this_cpu_read(is_due))
		atomic_long_inc(&state.n_tracked);
	__this_cpu_write(is_due, false);
	if (within_module((unsigned long)probe, THIS_MODULE))
		return 1; /* our own: no record, no return handler */
	memset(record, 0, offsetof(struct emit_record, text));
	attempt->probe = probe;
	attempt->place = kprobe_table_note_asked((unsigned long)probe);
	attempt->caller = regs_get_kernel_stack_nth(regs, 0);
	record->print = print_attempt;
	record->text[0] = '\0';
	/* What cannot be read counts as not given. */
	(void)get_kernel_nofault(address, &probe->addr);
	(void)get_kernel_nofault(record->offset, &probe->offset);
	(void)get_kernel_nofault(name, &probe->symbol_name);
	if (name)
		emit_copy_text(record->text, name);
	/* As register_kprobe() adds them; one alone would name the wrong symbol. */
	if (address)
		record->asked = (unsigned long)address + record->offset;
	return 0;
}
NOKPROBE_SYMBOL(on_entry);

/*
 * Whose probe it is: the module that the struct lies in, else the one that called. Now,
 * because a caller in a module's init function is nameless soon after.
 */
static void name_module(struct attempt *attempt)
{
	char *to = attempt->record.module;

	if (!symbols_module(to, (unsigned long)attempt->probe))
		(void)symbols_module(to, attempt->caller); /* it may be no module's */
}
NOKPROBE_SYMBOL(name_module);

static void note_clues(unsigned long to[CLUE_COUNT], const struct attempt *attempt)
{
	const struct kprobe *probe = attempt->probe;
	const struct kretprobe *kretprobe = container_of(probe, struct kretprobe, kp);

	to[STRUCT] = (unsigned long)probe;
	to[CALLER] = attempt->caller;
	to[PRE_HANDLER] = guard_read(&probe->pre_handler);
	to[POST_HANDLER] = guard_read(&probe->post_handler);
	if (!to[PRE_HANDLER] || to[PRE_HANDLER] != wanted.address)
		return;
	to[RETURN_HANDLER] = guard_read(&kretprobe->handler);
	to[ENTRY_HANDLER] = guard_read(&kretprobe->entry_handler);
}
NOKPROBE_SYMBOL(note_clues);

static int on_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct attempt *attempt = (struct attempt *)instance->data;
	kprobe_opcode_t *address = NULL;

	(void)get_kernel_nofault(address, &attempt->probe->addr);
	attempt->record.resolved = (unsigned long)address;
	attempt->record.error = (int)regs_return_value(regs);
	name_module(attempt);
	note_clues(attempt->record.callers, attempt);
	kprobe_table_note_answer(attempt->place, (unsigned long)attempt->probe,
				 !attempt->record.error);
	emit_stage(&attempt->record);
	return 0;
}
NOKPROBE_SYMBOL(on_return);

static struct kretprobe hook = {
	.kp.symbol_name = SENSOR_KPROBES_SYMBOL,
	.entry_handler = on_entry,
	.handler = on_return,
	.data_size = sizeof(struct attempt),
};

static struct kprobe counter = {
	.symbol_name = SENSOR_KPROBES_SYMBOL,
	.pre_handler = on_call,
};

static int kprobes_start(void)
{
	int r;

	r = symbols_find(LKSM_SYMBOL_KALLSYMS, &state.kallsyms);
	if (r)
		sensors_report_unavailable("kprobes", LKSM_SYMBOL_KALLSYMS, r,
					   "only probes by name are known to be on it");
	hook.maxactive = clamp_t(unsigned int, max_active, 1, 4096);
	r = register_kretprobe(&hook);
	if (r)
		return r;
	r = register_kprobe(&counter);
	if (r)
		unregister_kretprobe(&hook);
	return r;
}

static void kprobes_stop(void)
{
	unregister_kprobe(&counter);
	unregister_kretprobe(&hook);
}

static long n_untracked(long n_calls)
{
	return n_calls - atomic_long_read(&state.n_tracked);
}

/* May sleep. */
static unsigned long kprobes_n_missed(void)
{
	long n_calls = atomic_long_read(&state.n_calls);

	if (n_untracked(n_calls) > state.n_missed) {
		/* Until then every call that was counted has been tracked, or missed. */
		synchronize_rcu();
		state.n_missed = max(n_untracked(n_calls), state.n_missed);
	}
	return state.n_missed + hook.kp.nmissed;
}

static bool kprobes_is_working(void)
{
	return probe_is_working(&hook.kp) && probe_is_working(&counter);
}

const struct sensor sensor_kprobes = {
	.name = "kprobes",
	.symbol = SENSOR_KPROBES_SYMBOL,
	.without = "kprobes that others register will not be seen",
	.wanted = &wanted,
	.n_wanted = 1,
	.start = kprobes_start,
	.stop = kprobes_stop,
	.n_missed = kprobes_n_missed,
	.is_working = kprobes_is_working,
};
