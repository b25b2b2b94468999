// SPDX-License-Identifier: GPL-2.0-only
/*
 * User-mode helpers: programs that the kernel runs as root, modprobe for one. Rootkits run
 * theirs the same way, and then a foreign module is among the callers. One that asks the
 * kernel for a module (request_module) is not: that is what the kernel does by itself then.
 */
#include "sensors.h"

#include <linux/kernel.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/umh.h>

#include "callers.h"
#include "emit.h"
#include "owner.h"

/* Of the room for text: the path first, and behind its NUL the arguments */
#define PATH_SIZE     96
#define ARGUMENTS_MAX 6
/* Of each as it is printed: who did it stands behind them, and a line has an end. */
#define QUOTED_SIZE 256

static struct symbol_wanted wanted = { .name = "__request_module" };

static struct {
	struct emit_record told; /* the worker's, as are the next */
	char path[QUOTED_SIZE];
	char arguments[QUOTED_SIZE];
} state;

/* Did one of the first @n callers ask for a module? */
static bool is_module_request(const struct emit_record *record, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (record->callers[i] - wanted.address < wanted.size)
			return true;
	}
	return false;
}

static void print_helper(const struct emit_record *record)
{
	enum emit_severity severity = EMIT_INFO;
	struct owner owner;
	int i;

	state.told = *record;
	i = callers_find_stranger(record, &owner);
	if (i >= 0) {
		strscpy(state.told.module, owner.module, sizeof(state.told.module));
		if (!is_module_request(record, i))
			severity = owner_severity(&owner);
	}
	photon_logfmt(&state.told, severity, "usermodehelper_run",
		      " path=%s arguments=%s",
		      emit_quote(state.path, sizeof(state.path), record->text),
		      emit_quote(state.arguments, sizeof(state.arguments),
				 record->text + strlen(record->text) + 1));
}

static void copy_arguments(char *to, size_t size, char *const *from)
{
	char *argument = NULL;
	size_t i, n = 0;

	to[0] = '\0';
	/* The first one is the path once more. */
	for (i = 1; i <= ARGUMENTS_MAX && size - n > 8; i++) {
		if (get_kernel_nofault(argument, (char **)&from[i]) || !argument)
			break;
		if (n)
			to[n++] = ' ';
		n += emit_copy(to + n, size - n, argument);
	}
}
NOKPROBE_SYMBOL(copy_arguments);

static int on_run(struct kprobe *kprobe, struct pt_regs *regs)
{
	const struct subprocess_info *info = (void *)regs_get_kernel_argument(regs, 0);
	struct emit_record record;
	const char *path = NULL;
	char **arguments = NULL;
	size_t n;

	memset(&record, 0, offsetof(struct emit_record, text));
	record.print = print_helper;
	(void)get_kernel_nofault(path, &info->path);
	(void)get_kernel_nofault(arguments, &info->argv);
	n = emit_copy(record.text, PATH_SIZE, path) + 1;
	copy_arguments(record.text + n, sizeof(record.text) - n, arguments);
	callers_note(&record, kprobe, regs);
	emit_stage(&record);
	return 0;
}
NOKPROBE_SYMBOL(on_run);

static struct entry_probe probes[] = {
	{ .symbol = "call_usermodehelper_exec", .handler = on_run },
};

const struct sensor sensor_helpers = {
	.name = "helpers",
	.without = "programs that the kernel runs will not be seen",
	.wanted = &wanted,
	.n_wanted = 1,
	.probes = probes,
	.n_probes = ARRAY_SIZE(probes),
};
