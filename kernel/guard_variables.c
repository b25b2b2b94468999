// SPDX-License-Identifier: GPL-2.0-only
/*
 * Switches and strings in the kernel's data that rootkits change: what the kernel runs as
 * root, what it forbids, what it records, and the mask that says it is tainted. A key is a
 * row of the table, a value the switch's, or a hash of the string.
 *
 * Who may change them does so through files, and is seen there (sensor_sysctl.c). Any other
 * change was made in memory.
 */
#include "guard.h"

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringhash.h>
#include <linux/uaccess.h>

#include "guards.h"
#include "sensor_sysctl.h"

#define TEXT_SIZE 128
/* A write may just be under way to those who note it. */
#define NOTE_WAIT_MS 50

enum variable_size {
	IS_TEXT = 0,
	IS_BYTE = 1,
	IS_INT = 4,
	IS_LONG = 8
};

/* What weakens a system. */
enum weakness {
	NOTHING,
	LESS,
	MORE,
	ANYTHING
};

/*
 * symbol, its type, the file through which it may be written, what weakens, and how bad it
 * is if it changes otherwise
 */
#define VARIABLES(X)                                                                   \
	X(tainted_mask, IS_LONG, "tainted", NOTHING, EMIT_CRITICAL)                    \
	X(modprobe_path, IS_TEXT, "modprobe", ANYTHING, EMIT_CRITICAL)                 \
	X(core_pattern, IS_TEXT, "core_pattern", ANYTHING, EMIT_CRITICAL)              \
	X(poweroff_cmd, IS_TEXT, "poweroff_cmd", ANYTHING, EMIT_CRITICAL)              \
	X(uevent_helper, IS_TEXT, "hotplug", ANYTHING, EMIT_CRITICAL)                  \
	X(kernel_locked_down, IS_INT, "lockdown", LESS, EMIT_CRITICAL)                 \
	X(modules_disabled, IS_INT, "modules_disabled", LESS, EMIT_CRITICAL)           \
	X(kexec_load_disabled, IS_INT, "kexec_load_disabled", LESS, EMIT_HIGH)         \
	X(apparmor_enabled, IS_INT, "enabled", LESS, EMIT_CRITICAL)                    \
	X(audit_enabled, IS_INT, "audit_enabled", LESS, EMIT_HIGH)                     \
	X(ftrace_enabled, IS_INT, "ftrace_enabled", LESS, EMIT_HIGH)                   \
	X(kprobes_all_disarmed, IS_BYTE, "", MORE, EMIT_HIGH)                          \
	X(suppress_printk, IS_INT, "", MORE, EMIT_HIGH)                                \
	X(kptr_restrict, IS_INT, "kptr_restrict", LESS, EMIT_HIGH)                     \
	X(dmesg_restrict, IS_INT, "dmesg_restrict", LESS, EMIT_HIGH)                   \
	X(sysctl_perf_event_paranoid, IS_INT, "perf_event_paranoid", LESS, EMIT_HIGH)  \
	X(sysctl_unprivileged_bpf_disabled, IS_INT, "unprivileged_bpf_disabled", LESS, \
	  EMIT_HIGH)                                                                   \
	X(bpf_jit_enable, IS_INT, "bpf_jit_enable", NOTHING, EMIT_HIGH)                \
	X(bpf_jit_harden, IS_INT, "bpf_jit_harden", LESS, EMIT_HIGH)                   \
	X(unprivileged_userns_clone, IS_INT, "unprivileged_userns_clone", MORE,        \
	  EMIT_HIGH)                                                                   \
	X(sysctl_unprivileged_userfaultfd, IS_INT, "unprivileged_userfaultfd", MORE,   \
	  EMIT_HIGH)                                                                   \
	X(sysctl_io_uring_disabled, IS_INT, "io_uring_disabled", LESS, EMIT_HIGH)      \
	X(tty_legacy_tiocsti, IS_BYTE, "legacy_tiocsti", MORE, EMIT_HIGH)              \
	X(randomize_va_space, IS_INT, "randomize_va_space", LESS, EMIT_HIGH)           \
	X(ptrace_scope, IS_INT, "ptrace_scope", LESS, EMIT_HIGH)                       \
	X(mmap_min_addr, IS_LONG, "mmap_min_addr", LESS, EMIT_HIGH)                    \
	X(dac_mmap_min_addr, IS_LONG, "mmap_min_addr", LESS, EMIT_HIGH)                \
	X(suid_dumpable, IS_INT, "suid_dumpable", MORE, EMIT_HIGH)                     \
	X(sysctl_protected_symlinks, IS_INT, "protected_symlinks", LESS, EMIT_HIGH)    \
	X(sysctl_protected_hardlinks, IS_INT, "protected_hardlinks", LESS, EMIT_HIGH)  \
	X(sysctl_protected_fifos, IS_INT, "protected_fifos", LESS, EMIT_HIGH)          \
	X(sysctl_protected_regular, IS_INT, "protected_regular", LESS, EMIT_HIGH)      \
	X(sysrq_enabled, IS_INT, "sysrq", MORE, EMIT_HIGH)                             \
	X(panic_on_oops, IS_INT, "panic_on_oops", NOTHING, EMIT_HIGH)                  \
	X(panic_on_warn, IS_INT, "panic_on_warn", NOTHING, EMIT_HIGH)                  \
	X(panic_timeout, IS_INT, "panic", NOTHING, EMIT_HIGH)                          \
	X(selinux_state, IS_BYTE, "enforce", LESS, EMIT_CRITICAL)

#define AS_KEY(symbol, ...) KEY_##symbol,
enum {
	VARIABLES(AS_KEY) VARIABLE_COUNT,
	KEY_sig_enforce = VARIABLE_COUNT,
	KEY_COUNT
};

#define AS_WANTED(symbol, ...) { .name = #symbol },
static struct symbol_wanted wanted[] = { VARIABLES(AS_WANTED) };

struct variable {
	const char *name;
	enum variable_size size;
	const char *file;
	enum weakness weakness;
	enum emit_severity severity;
};

#define AS_VARIABLE(symbol, ...) { #symbol, __VA_ARGS__ },
static const struct variable variables[KEY_COUNT] = {
	VARIABLES(AS_VARIABLE)
	/* What it is in is private; but there is a function. */
	{ "sig_enforce", IS_INT, "sig_enforce", LESS, EMIT_CRITICAL },
};

static struct {
	char texts[KEY_COUNT][TEXT_SIZE]; /* as last told of */
	unsigned long lawful[KEY_COUNT];  /* values: the first, or as last written */
	char now[TEXT_SIZE];
} state;

bool guard_variables_knows(const char *name)
{
	size_t i;

	for (i = 0; i < KEY_COUNT; i++) {
		if (*name && !strcmp(variables[i].file, name))
			return true;
	}
	return false;
}

/* struct selinux_state is private. Its first members: bool disabled, bool enforcing. */
static unsigned long address_of(size_t i)
{
	unsigned long address = wanted[i].address;

	if (i != KEY_selinux_state || !address)
		return address;
	if (!IS_ENABLED(CONFIG_SECURITY_SELINUX_DEVELOP))
		return 0;
	return address + IS_ENABLED(CONFIG_SECURITY_SELINUX_DISABLE);
}

static void read_text(char to[TEXT_SIZE], size_t i)
{
	if (copy_from_kernel_nofault(to, (void *)address_of(i), TEXT_SIZE - 1))
		to[0] = '\0';
	to[TEXT_SIZE - 1] = '\0';
}

static unsigned long hash_text(size_t i)
{
	read_text(state.now, i);
	return full_name_hash(NULL, state.now, strlen(state.now));
}

/* With its sign, as an int of the kernel's counts. */
static unsigned long read_int(const int *address)
{
	int value = 0;

	(void)get_kernel_nofault(value, address);
	return value;
}

static unsigned long read_byte(const u8 *address)
{
	u8 value = 0;

	(void)get_kernel_nofault(value, address);
	return value;
}

static unsigned long value_of(size_t i)
{
	const void *address = i < VARIABLE_COUNT ? (void *)address_of(i) : NULL;

	if (i == KEY_sig_enforce)
		return is_module_sig_enforced();
	switch (variables[i].size) {
	case IS_TEXT:
		return hash_text(i);
	case IS_BYTE:
		return read_byte(address);
	case IS_INT:
		return read_int(address);
	case IS_LONG:
		break;
	}
	return guard_read(address);
}

static int variables_start(void)
{
	size_t i;

	for (i = 0; i < VARIABLE_COUNT; i++) {
		if (variables[i].size == IS_TEXT && wanted[i].address)
			read_text(state.texts[i], i);
	}
	return 0;
}

static void variables_visit(struct guard_visit *visit)
{
	size_t i;

	for (i = 0; i < KEY_COUNT; i++) {
		if (i >= VARIABLE_COUNT || address_of(i))
			guard_word(visit, i, value_of(i));
	}
}

/* As /proc/sys/kernel/tainted counts the bits, and oopses show them. */
static const char *name_taints(char to[BITS_PER_LONG + 1], unsigned long mask)
{
	static const char letters[] = "PFSRMBUDAWCIOELKXTNJ";
	size_t i, n = 0;

	for (i = 0; i < sizeof(letters) - 1; i++) {
		if (mask & BIT(i))
			to[n++] = letters[i];
	}
	to[n] = '\0';
	return n ? to : "none";
}

static void report_taint(const struct guard_change *change)
{
	char old[BITS_PER_LONG + 1], new[BITS_PER_LONG + 1], gone[BITS_PER_LONG + 1];

	if (!(change->old & ~change->new))
		return;
	guard_print(change, NULL, EMIT_CRITICAL, "taint_cleared",
		    " old=%s new=%s cleared=%s", name_taints(old, change->old),
		    name_taints(new, change->new),
		    name_taints(gone, change->old & ~change->new));
}

static bool is_weaker(const struct variable *variable, const struct guard_change *change)
{
	long old = change->old, new = change->new;

	switch (variable->weakness) {
	case NOTHING:
		break;
	case LESS:
		return new < old;
	case MORE:
		return new > old;
	case ANYTHING:
		return true;
	}
	return false;
}

/* room for what is said; too big for a stack */
struct sentence {
	struct emit_record writer;
	char old[4 * TEXT_SIZE + 16];
	char new[4 * TEXT_SIZE + 16];
};

static void name_values(struct sentence *to, const struct guard_change *change)
{
	size_t i = change->key;

	if (variables[i].size != IS_TEXT) {
		scnprintf(to->old, sizeof(to->old), "%ld", change->old);
		scnprintf(to->new, sizeof(to->new), "%ld", change->new);
		return;
	}
	emit_quote(to->old, sizeof(to->old), state.texts[i]);
	read_text(state.texts[i], i);
	emit_quote(to->new, sizeof(to->new), state.texts[i]);
}

static bool find_writer(size_t i, struct emit_record *ret)
{
	const char *file = variables[i].file;

	BUILD_BUG_ON(KEY_COUNT > BITS_PER_LONG);
	if (!file[0])
		return false;
	if (sysctl_take_writer(file, i, ret))
		return true;
	msleep(NOTE_WAIT_MS);
	return sysctl_take_writer(file, i, ret);
}

static void report_value(const struct guard_change *change, struct sentence *sentence)
{
	const struct variable *variable = &variables[change->key];
	bool is_lawful = find_writer(change->key, &sentence->writer);

	name_values(sentence, change);
	if (is_lawful) {
		state.lawful[change->key] = change->new;
		photon_logfmt(&sentence->writer,
			      is_weaker(variable, change) ? EMIT_MEDIUM : EMIT_INFO,
			      "sysctl_written", " name=%s old=%s value=%s",
			      variable->name, sentence->old, sentence->new);
	} else if (change->new == state.lawful[change->key]) {
		guard_print(change, NULL, EMIT_INFO, "variable_restored",
			    " name=%s old=%s new=%s", variable->name, sentence->old,
			    sentence->new);
	} else {
		guard_print(change, NULL,
			    sysctl_is_watched() ? variable->severity : EMIT_MEDIUM,
			    "variable_changed", " name=%s old=%s new=%s", variable->name,
			    sentence->old, sentence->new);
	}
}

static void variables_report(const struct guard_change *change)
{
	struct sentence *sentence;

	if (change->is_new)
		state.lawful[change->key] = change->new;
	if (change->is_new || change->is_gone)
		return;
	if (change->key == KEY_tainted_mask) {
		report_taint(change);
		return;
	}
	sentence = kzalloc(sizeof(*sentence), GFP_KERNEL);
	if (!sentence) {
		photon_records_lost(1, "memory");
		return;
	}
	report_value(change, sentence);
	kfree(sentence);
}

const struct guard guard_variables = {
	.name = "variables",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = variables_start,
	.visit = variables_visit,
	.report = variables_report,
};
