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
 * mutex, so it takes max_active tasks registering at the same moment to miss one; and
 * the kernel counts the misses (with a plain ++, so two at the same instant may count as
 * one, but never as none), and sensors.c prints the count.
 *
 * What was asked for is copied on entry, because the caller can change it meanwhile;
 * what came of it is read on return.
 */
#include "sensors.h"

#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "emit.h"
#include "lksm/wire.h"
#include "symbols.h"

/* The VM tests build the module once with a symbol that does not exist. */
#ifndef SENSOR_KPROBES_SYMBOL
#define SENSOR_KPROBES_SYMBOL "register_kprobe"
#endif

static unsigned int max_active = 128;
module_param(max_active, uint, 0444);
MODULE_PARM_DESC(max_active, "tasks inside register_kprobe() that can be told apart");

static struct {
	struct symbol_range kallsyms;
	char symbol[SYMBOLS_NAME_SIZE]; /* the worker's, as are the next; there is one */
	char escaped[EMIT_ESCAPED_SIZE];
	char sentence[EMIT_SENTENCE_SIZE];
} state;

/**
 * struct attempt - what is kept from entry to return
 * @probe: the caller's, read only without faulting
 * @caller: of register_kprobe()
 * @record: becomes the record
 */
struct attempt {
	const struct kprobe *probe;
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

static void print_attempt(const struct emit_record *record)
{
	bool is_suspicious = is_kallsyms(record);

	describe(state.symbol, record);
	if (record->error && !is_suspicious) {
		print_hunt(record);
		return;
	}
	scnprintf(state.sentence, sizeof(state.sentence), LKSM_MESSAGE_KPROBE_REGISTERED,
		  emit_escape(state.escaped, sizeof(state.escaped), state.symbol));
	emit_quote(state.escaped, sizeof(state.escaped), state.symbol);
	photon_printk(record, EMIT_INFO, "kprobe_registered", state.sentence,
		      " symbol=%s", state.escaped);
	if (is_suspicious)
		photon_printk(record, EMIT_HIGH, "suspicious_probe",
			      LKSM_MESSAGE_KALLSYMS_PROBE, " message=\"%s\" symbol=%s",
			      LKSM_MESSAGE_KALLSYMS_PROBE, state.escaped);
}

static int on_entry(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct attempt *attempt = (struct attempt *)instance->data;
	struct emit_record *record = &attempt->record;
	const struct kprobe *probe = (void *)regs_get_kernel_argument(regs, 0);
	const char *name = NULL;
	kprobe_opcode_t *address = NULL;

	if (within_module((unsigned long)probe, THIS_MODULE))
		return 1; /* our own: no record, no return handler */
	memset(record, 0, offsetof(struct emit_record, text));
	attempt->probe = probe;
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

static int on_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct attempt *attempt = (struct attempt *)instance->data;
	kprobe_opcode_t *address = NULL;

	(void)get_kernel_nofault(address, &attempt->probe->addr);
	attempt->record.resolved = (unsigned long)address;
	attempt->record.error = (int)regs_return_value(regs);
	name_module(attempt);
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

static int kprobes_start(void)
{
	int r;

	r = symbols_find(LKSM_SYMBOL_KALLSYMS, &state.kallsyms);
	if (r)
		sensors_report_unavailable("kprobes", LKSM_SYMBOL_KALLSYMS, r,
					   "only probes by name are known to be on it");
	hook.maxactive = clamp_t(unsigned int, max_active, 1, 4096);
	return register_kretprobe(&hook);
}

static void kprobes_stop(void)
{
	unregister_kretprobe(&hook);
}

static unsigned long kprobes_n_missed(void)
{
	return hook.nmissed + hook.kp.nmissed;
}

const struct sensor sensor_kprobes = {
	.name = "kprobes",
	.symbol = SENSOR_KPROBES_SYMBOL,
	.without = "kprobes that others register will not be seen",
	.start = kprobes_start,
	.stop = kprobes_stop,
	.n_missed = kprobes_n_missed,
};
