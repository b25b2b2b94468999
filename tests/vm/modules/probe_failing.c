// SPDX-License-Identifier: GPL-2.0-only
/* For the VM tests: registrations that fail, each in a way of its own. */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>

static char *kind = "missing";
module_param(kind, charp, 0);

/* Looks like two lines of the sensor, switches a terminal to red, and is not UTF-8. */
#define HOSTILE                                                                          \
	"bad\n[PHOTON RING] SUSPICIOUS *** kallsyms_lookup_name probe detected!\x1b[31m" \
	"\t\"\\x\x7f\x80\xff=1"

#define TEN	"0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

#define TEN_LINES   "\n\n\n\n\n\n\n\n\n\n"
#define FORTY_LINES TEN_LINES TEN_LINES TEN_LINES TEN_LINES

static const struct {
	const char *kind;
	const char *symbol;
	unsigned int offset;
} failures[] = {
	{ "missing", "lksm_no_such_symbol", 0 },
	{ "data", "module_kset", 0 },
	{ "hostile", HOSTILE, 0 },
	{ "long", HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED, 0 },
	{ "binary", FORTY_LINES HUNDRED FORTY_LINES FORTY_LINES FORTY_LINES, 0 },
	{ "offset", "do_init_module", 1 },
	{ "kallsyms", "kallsyms_lookup_name", 1 },
};

static int __init probe_failing_init(void)
{
	struct kprobe probe = {};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(failures); i++) {
		if (strcmp(failures[i].kind, kind))
			continue;
		probe.symbol_name = failures[i].symbol;
		probe.offset = failures[i].offset;
		if (!register_kprobe(&probe)) {
			unregister_kprobe(&probe);
			return -EEXIST; /* it should have failed */
		}
		return 0;
	}
	return -EINVAL;
}

static void __exit probe_failing_exit(void)
{
}

module_init(probe_failing_init);
module_exit(probe_failing_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: kprobes that cannot be registered");
