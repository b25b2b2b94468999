// SPDX-License-Identifier: GPL-2.0-only
/*
 * The processors' own words: where interrupts and system calls enter, what protects memory,
 * and breakpoints in debug registers. A key is the processor's number and what it is; gates
 * of the IDT, which all processors share, come without the former.
 *
 * Other processors are asked by an interrupt, but those that run without a tick (nohz_full)
 * only when somebody asks for a scan; until then what they said last is shown again. The
 * same where a virtual machine's own values are loaded.
 *
 * A paravirtual guest of Xen sees the hypervisor's IDT, another one on each processor that
 * it is moved to.
 */
#include "guard.h"

#include <linux/bits.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/perf_event.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/thread_info.h>
#include <linux/tick.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#define N_GATES		  256
#define N_BREAKPOINTS	  4
#define SLOT_DISTANCE_MAX 16

enum word {
	LSTAR,
	CSTAR,
	STAR,
	SFMASK,
	SYSENTER_EIP,
	EFER_BITS,
	N_MSRS,
	IDT_BASE = N_MSRS,
	CR0_BITS,
	CR4_BITS,
	DR0,
	N_WORDS = DR0 + N_BREAKPOINTS
};

#define KEY_CPU_SHIFT 16
#define KEY_GATE      BIT(15)

static const struct model_register {
	const char *name;
	u32 number;
	unsigned long mask; /* what matters of it */
	bool is_address;
} msrs[N_MSRS] = {
	[LSTAR] = { "LSTAR", MSR_LSTAR, ~0ul, true },
	[CSTAR] = { "CSTAR", MSR_CSTAR, ~0ul, true },
	[STAR] = { "STAR", MSR_STAR, ~0ul, false },
	[SFMASK] = { "SFMASK", MSR_SYSCALL_MASK, ~0ul, false },
	[SYSENTER_EIP] = { "SYSENTER_EIP", MSR_IA32_SYSENTER_EIP, ~0ul, true },
	[EFER_BITS] = { "EFER", MSR_EFER, EFER_NX | EFER_SCE, false },
};

static const struct protection {
	const char *name;
	enum word word;
	unsigned long bit;
} protections[] = {
	{ "CR0.WP", CR0_BITS, X86_CR0_WP },
	{ "CR4.SMEP", CR4_BITS, X86_CR4_SMEP },
	{ "CR4.SMAP", CR4_BITS, X86_CR4_SMAP },
};

static struct {
	struct cpu_words {
		bool is_known;
		unsigned long words[N_WORDS];
		unsigned long handlers[N_BREAKPOINTS]; /* who is called, or 0 */
	} * cpus;				       /* nr_cpu_ids of them */
	cpumask_var_t asked;
	gate_desc gates[N_GATES];
} state;

static int cpu_start(void)
{
	if (boot_cpu_has(X86_FEATURE_XENPV))
		return -ENOENT;
	state.cpus = kvcalloc(nr_cpu_ids, sizeof(*state.cpus), GFP_KERNEL);
	if (!state.cpus)
		return -ENOMEM;
	if (zalloc_cpumask_var(&state.asked, GFP_KERNEL))
		return 0;
	kvfree(state.cpus);
	return -ENOMEM;
}

static void cpu_stop(void)
{
	free_cpumask_var(state.asked);
	kvfree(state.cpus);
}

/* KVM leaves its guest's values until the task goes back to user space. */
static bool is_of_guest(void)
{
#ifdef TIF_USER_RETURN_NOTIFY
	return test_thread_flag(TIF_USER_RETURN_NOTIFY);
#else
	return false;
#endif
}

static void read_msrs(unsigned long words[N_MSRS])
{
	u32 low, high;
	size_t i;

	for (i = 0; i < N_MSRS; i++) {
		low = high = 0;
		/* not all have all of them */
		(void)rdmsr_safe(msrs[i].number, &low, &high);
		words[i] = ((unsigned long)high << 32 | low) & msrs[i].mask;
	}
}

/* Only the kernel's addresses: those of user space are debuggers'. */
static void read_breakpoints(unsigned long words[N_BREAKPOINTS])
{
	unsigned long control, address[N_BREAKPOINTS];
	size_t i;

	get_debugreg(control, 7);
	get_debugreg(address[0], 0);
	get_debugreg(address[1], 1);
	get_debugreg(address[2], 2);
	get_debugreg(address[3], 3);
	for (i = 0; i < N_BREAKPOINTS; i++)
		words[i] = control >> (2 * i) & 3 && (long)address[i] < 0 ? address[i]
									  : 0;
}

/*
 * Who is called at a breakpoint that was set as it should be, or 0. bp_per_reg is private,
 * but lies beside cpu_dr7 in arch/x86/kernel/hw_breakpoint.c; that it is the right event
 * is seen by its address. To be asked at once: one of a task's goes away with the task.
 */
static unsigned long handler_of(unsigned long address)
{
	const unsigned long *slot = this_cpu_ptr(&cpu_dr7);
	const struct perf_event *event;
	long i;

	for (i = -SLOT_DISTANCE_MAX; i <= SLOT_DISTANCE_MAX; i++) {
		event = (void *)guard_read(slot + i);
		if (event && guard_read(&event->attr.bp_addr) == address)
			return guard_read(&event->overflow_handler);
	}
	return 0;
}

/* On the processor itself, with interrupts off. */
static void read_words(void *unused)
{
	struct cpu_words *cpu = &state.cpus[smp_processor_id()];
	struct desc_ptr idt;
	size_t i;

	if (!is_of_guest() || !cpu->is_known)
		read_msrs(cpu->words);
	store_idt(&idt);
	cpu->words[IDT_BASE] = idt.address;
	cpu->words[CR0_BITS] = native_read_cr0() & X86_CR0_WP;
	cpu->words[CR4_BITS] = __read_cr4() & (X86_CR4_SMEP | X86_CR4_SMAP);
	read_breakpoints(&cpu->words[DR0]);
	for (i = 0; i < N_BREAKPOINTS; i++)
		cpu->handlers[i] = cpu->words[DR0 + i] ? handler_of(cpu->words[DR0 + i])
						       : 0;
	cpu->is_known = true;
}

static void ask(bool is_everyone)
{
	int cpu;

	cpumask_clear(state.asked);
	for_each_online_cpu(cpu)
	{
		if (is_everyone || !tick_nohz_full_cpu(cpu))
			cpumask_set_cpu(cpu, state.asked);
	}
	preempt_disable();
	smp_call_function_many(state.asked, read_words, NULL, true);
	local_irq_disable();
	if (cpumask_test_cpu(smp_processor_id(), state.asked))
		read_words(NULL);
	local_irq_enable();
	preempt_enable();
}

static void visit_gates(struct guard_visit *visit)
{
	struct desc_ptr idt;
	size_t i;

	store_idt(&idt);
	if (copy_from_kernel_nofault(state.gates, (void *)idt.address,
				     sizeof(state.gates)))
		return;
	for (i = 0; i < N_GATES; i++)
		guard_word(visit, KEY_GATE | i,
			   state.gates[i].bits.p ? gate_offset(&state.gates[i]) : 0);
}

static void cpu_visit(struct guard_visit *visit)
{
	enum guard_occasion occasion = guard_occasion(visit);
	size_t i;
	int cpu;

	visit_gates(visit);
	cpus_read_lock();
	ask(occasion == GUARD_SCAN || occasion == GUARD_START);
	for_each_online_cpu(cpu)
	{
		for (i = 0; i < N_WORDS && state.cpus[cpu].is_known; i++)
			guard_word(visit, (unsigned long)cpu << KEY_CPU_SHIFT | i,
				   state.cpus[cpu].words[i]);
	}
	cpus_read_unlock();
}

/* Nothing else may be the owner of what the processor itself enters. */
static bool is_of_kernel(unsigned long address)
{
	struct owner owner;

	owner_find(address, &owner);
	return owner.kind == OWNER_KERNEL;
}

static bool is_restored(const struct guard_change *change)
{
	return !change->is_new && is_of_kernel(change->new) && !is_of_kernel(change->old);
}

static void report_gate(const struct guard_change *change)
{
	unsigned long gate = change->key & ~KEY_GATE;

	if (change->is_new && (!change->new || is_of_kernel(change->new)))
		return;
	if (is_restored(change))
		guard_print_target(change, EMIT_INFO, "idt_restored", " what=idt[%lu]",
				   gate);
	else
		guard_print_target(change, EMIT_CRITICAL, "idt_hooked", " what=idt[%lu]",
				   gate);
}

static void report_msr(const struct guard_change *change, enum word word,
		       unsigned long cpu)
{
	const char *name = msrs[word].name;

	if (!msrs[word].is_address)
		guard_print(change, NULL, EMIT_CRITICAL, "msr_changed",
			    " what=%s cpu=%lu old=0x%lx new=0x%lx", name, cpu,
			    change->old, change->new);
	else if (is_restored(change))
		guard_print_target(change, EMIT_INFO, "msr_restored", " what=%s cpu=%lu",
				   name, cpu);
	else
		guard_print_target(change, EMIT_CRITICAL, "msr_changed",
				   " what=%s cpu=%lu", name, cpu);
}

/* One that has just come is as the others are, or somebody was faster than the sensor. */
static bool is_good_msr(enum word word, unsigned long value)
{
	if (!msrs[word].is_address || !value)
		return true;
	return is_of_kernel(value);
}

static void report_protection(const struct guard_change *change, enum word word,
			      unsigned long cpu)
{
	unsigned long lost = change->is_new ? 0 : change->old & ~change->new;
	size_t i;

	if (change->is_new && word == CR0_BITS)
		lost = X86_CR0_WP & ~change->new;
	for (i = 0; i < ARRAY_SIZE(protections); i++) {
		if (protections[i].word == word && (lost & protections[i].bit))
			guard_print(change, NULL, EMIT_CRITICAL, "cpu_protection_off",
				    " what=%s cpu=%lu", protections[i].name, cpu);
	}
}

static void report_breakpoint(const struct guard_change *change, enum word word,
			      unsigned long cpu)
{
	unsigned long handler = state.cpus[cpu].handlers[word - DR0];
	char symbol[SYMBOLS_NAME_SIZE], quoted[EMIT_ESCAPED_SIZE];
	struct guard_change to = *change;

	if (!change->new)
		return;
	symbols_describe(symbol, change->new);
	emit_quote(quoted, sizeof(quoted), symbol);
	to.new = handler;
	to.is_new = true; /* the old value is no address of code */
	if (handler)
		guard_print_target(&to, EMIT_INFO, "debug_register",
				   " what=DR%d cpu=%lu symbol=%s", word - DR0, cpu,
				   quoted);
	else
		guard_print(change, NULL, EMIT_HIGH, "debug_register",
			    " what=DR%d cpu=%lu symbol=%s", word - DR0, cpu, quoted);
}

static void cpu_report(const struct guard_change *change)
{
	enum word word = change->key & ~(~0ul << KEY_CPU_SHIFT);
	unsigned long cpu = change->key >> KEY_CPU_SHIFT;

	if (change->is_gone)
		return; /* the processor, too */
	if (change->key & KEY_GATE) {
		report_gate(change);
	} else if (word < N_MSRS) {
		if (!change->is_new || !is_good_msr(word, change->new))
			report_msr(change, word, cpu);
	} else if (word == IDT_BASE) {
		if (!change->is_new)
			guard_print(change, NULL, EMIT_CRITICAL, "idt_hooked",
				    " what=IDTR cpu=%lu", cpu);
	} else if (word >= DR0) {
		report_breakpoint(change, word, cpu);
	} else {
		report_protection(change, word, cpu);
	}
}

const struct guard guard_cpu = {
	.name = "cpu",
	.start = cpu_start,
	.stop = cpu_stop,
	.visit = cpu_visit,
	.report = cpu_report,
};
