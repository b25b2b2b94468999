// SPDX-License-Identifier: Apache-2.0
/* core/crossview_modules: folders that play /proc and /sys. */
#include "core/crossview_modules.h"

#include <errno.h>

#include "crossview.h"

#define LINE(name, state) name " 16384 1 other, " state " 0x0000000000000000 (OE)\n"
#define SYMBOL(name)	  "0000000000000000 t f\t[" name "]\n"

static char folder[64];
static void (*at_pause)(void);

static void fake_pause(void)
{
	if (at_pause)
		at_pause();
}

static void list_late(void)
{
	write_below(folder, "proc/modules", LINE("a", "Live") LINE("late", "Live"));
}

static void leave(void)
{
	remove_below(folder, "sys/module/late");
}

static const struct module_case {
	const char *name;
	const char *modules, *symbols;
	const char *sysfs[4];
	void (*at_pause)(void);
	const char *want;
} cases[] = {
	{ "all there", LINE("a", "Live"), SYMBOL("a"), { "a" }, NULL, "" },
	{ "none", "", "0 T start\n", { NULL }, NULL, "" },
	{ "not in the list",
	  LINE("a", "Live"),
	  SYMBOL("a"),
	  { "a", "evil" },
	  NULL,
	  "module_hidden module=evil missing=proc_modules,kallsyms seen=sysfs\n" },
	{ "not in sysfs",
	  LINE("a", "Live") LINE("evil", "Live"),
	  SYMBOL("evil"),
	  { "a" },
	  NULL,
	  "module_hidden module=evil missing=sysfs seen=proc_modules,kallsyms\n" },
	{ "only its symbols",
	  LINE("a", "Live"),
	  SYMBOL("evil"),
	  { "a" },
	  NULL,
	  "module_hidden module=evil missing=proc_modules,sysfs seen=kallsyms\n" },
	{ "on its way in",
	  LINE("a", "Live") LINE("late", "Loading"),
	  "",
	  { "a" },
	  NULL,
	  "" },
	{ "listed late", LINE("a", "Live"), "", { "a", "late" }, list_late, "" },
	{ "gone", LINE("a", "Live"), "", { "a", "late" }, leave, "" },
	{ "no modules of ours",
	  "",
	  SYMBOL("bpf") SYMBOL("__builtin__ftrace"),
	  { NULL },
	  NULL,
	  "" },
};

static void test_compare(void **state)
{
	static struct findings f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct module_case *c = &cases[i];
		struct module_places places = { .has_symbols = true,
						.pause = fake_pause };
		char path[128];

		(void)snprintf(folder, sizeof(folder), "/tmp/lksm-test-XXXXXX");
		assert_non_null(mkdtemp(folder));
		write_below(folder, "proc/modules", c->modules);
		write_below(folder, "proc/kallsyms", c->symbols);
		write_below(folder, "sys/module/builtin/parameters/x", "1\n");
		for (size_t j = 0; c->sysfs[j]; j++) {
			(void)snprintf(path, sizeof(path), "sys/module/%s/initstate",
				       c->sysfs[j]);
			write_below(folder, path, "live\n");
		}
		(void)snprintf(path, sizeof(path), "%s/proc", folder);
		places.proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)snprintf(path, sizeof(path), "%s/sys", folder);
		places.sys = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		at_pause = c->at_pause;
		expect_number(c->name, "result", modules_compare(&places, &f), 0);
		expect_findings(c->name, &f, c->want);
		remove_below(folder, "proc/modules");
		expect_number(c->name, "without modules", modules_compare(&places, &f),
			      -ENOENT);
		expect_findings(c->name, &f, "");
		(void)close(places.proc);
		(void)close(places.sys);
		remove_below(folder, "");
	}
}

static void test_parse(void **state)
{
	struct module_list l = { 0 };

	(void)state;
	assert_int_equal(modules_parse_proc(SPAN("a 1 2 -\n"), &l), -EBADMSG);
	assert_int_equal(modules_parse_proc(SPAN("\n"), &l), -EBADMSG);
	assert_int_equal(modules_parse_kallsyms(SPAN("]\nx ]\n[]\n0 t a [b]\n"), &l), 0);
	assert_int_equal(l.n, 1);
	module_list_deinit(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
