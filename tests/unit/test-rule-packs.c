// SPDX-License-Identifier: Apache-2.0
/*
 * The shipped rules against names that others chose. The kernel prints names of processes, of
 * USB devices and paths; whoever calls his like one of its messages must not get the event
 * of that message. Each example of each rule is such a name.
 */
#include <stdlib.h>

#include "core/rules.h"
#include "core/rules_internal.h"
#include "expect.h"

#define COMM_MAX 15
#define USB_MAX	 126

/* Lines of Linux that begin with, or hold, what somebody chose; %.*s is that. */
static const struct {
	const char *format;
	size_t max;
	const char *type; /* what it is, "" for no event */
} carriers[] = {
	{ "%.*s[7]: segfault at 0 ip 0000000000001149 sp 00007ffc8a2d2c40 error 4 in "
	  "a[1+1]",
	  COMM_MAX, "segfault" },
	{ "%.*s[7]: segfault at 0 ip 0000000000000000 sp 00007ffc8a2d2c40 error 14",
	  COMM_MAX, "segfault" },
	{ "traps: %.*s[7] trap invalid opcode ip:1149 sp:7ffc8a2d2c40 error:0 in a[1+1]",
	  COMM_MAX, "trap" },
	{ "%.*s[7] overflowed sigaltstack", COMM_MAX, "" },
	{ "%.*s[7] bad frame in rt_sigreturn frame:0000 ip:1 sp:2 orax:3", COMM_MAX, "" },
	{ "%.*s invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, "
	  "oom_score_adj=0",
	  COMM_MAX, "" },
	{ "%.*s: page allocation failure: order:4, mode:0x40dc0, nodemask=(null)",
	  COMM_MAX, "" },
	{ "%.*s (7): drop_caches: 3", COMM_MAX, "" },
	{ "%.*s (7) used greatest stack depth: 11136 bytes left", COMM_MAX, "" },
	{ "%.*s/7: potentially unexpected fatal signal 11.", COMM_MAX, "" },
	{ "Out of memory: Killed process 7 (%.*s) total-vm:1kB, anon-rss:2kB, "
	  "file-rss:0kB, "
	  "shmem-rss:0kB, UID:0 pgtables:8kB oom_score_adj:0",
	  COMM_MAX, "oom_killed" },
	{ "INFO: task %.*s:7 blocked for more than 120 seconds.", COMM_MAX, "hung_task" },
	{ "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [%.*s:7]", COMM_MAX,
	  "soft_lockup" },
	{ "Lockdown: %.*s: /dev/mem is restricted; see man kernel_lockdown.7", COMM_MAX,
	  "lockdown_denied" },
	{ "CPU: 0 PID: 7 Comm: %.*s Tainted: G           OE      6.1.0-18-amd64",
	  COMM_MAX, "" },
	{ "usb 1-1: Product: %.*s", USB_MAX, "" },
	{ "usb 1-1: Manufacturer: %.*s", USB_MAX, "" },
	{ "usb 1-1: SerialNumber: %.*s", USB_MAX, "" },
	{ "input: %.*s as /devices/pci0000:00/usb1/1-1/input/input7", USB_MAX, "" },
	{ "hid-generic 0003:0781:5581.0001: input,hidraw0: USB HID v1.11 Keyboard [%.*s] "
	  "on "
	  "usb-0000:00:14.0-1/input0",
	  USB_MAX, "" },
	{ "scsi 6:0:0:0: Direct-Access     %.*s             1.00 PQ: 0 ANSI: 6", 24, "" },
	{ "process '/tmp/%.*s' started with executable stack", USB_MAX, "" },
	{ "ptrace attach of \"%.*s\"[7] was attempted by \"x\"[8]", USB_MAX,
	  "ptrace_refused" },
	{ "EXT4-fs error (device sda1): f:1: inode #2: comm %.*s: checksum invalid",
	  COMM_MAX, "ext4_error" },
};

static struct rules *load(void)
{
	const char *root = getenv("LKSM_SOURCE_ROOT");
	_cleanup_buffer_ struct buffer on = { 0 }, available = { 0 }, errors = { 0 };
	struct rules *rules = NULL;

	buffer_appendf(&on, "%s/rules", root ? root : ".");
	buffer_appendf(&available, "%s/available", buffer_cstring(&on));
	const char *paths[] = { buffer_cstring(&on), buffer_cstring(&available) };
	if (rules_load(paths, 2, &rules, &errors) < 0)
		fail_msg("%s", buffer_cstring(&errors));
	return rules;
}

static void expect_type(struct rules *rules, struct rules_scratch *scratch,
			struct span line, const char *want)
{
	struct lksm_event event;
	int r;

	event_init(&event);
	r = rules_match(rules, scratch, RULES_KERNEL_LOG, line, &event);
	assert_true(r >= 0);
	if (!span_equal(r == 1 ? event.type : SPAN(""), span_from(want)))
		fail_msg("'%.*s' is '%.*s', not '%s'", (int)line.len, line.data,
			 r == 1 ? (int)event.type.len : 0, event.type.data, want);
}

static void carry(struct rules *rules, struct rules_scratch *scratch, struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(carriers); i++) {
		_cleanup_buffer_ struct buffer line = { 0 };
		size_t n = name.len < carriers[i].max ? name.len : carriers[i].max;

		buffer_appendf(&line, carriers[i].format, (int)n, name.data);
		expect_type(rules, scratch, buffer_span(&line), carriers[i].type);
	}
}

static void test_names_are_no_messages(void **state)
{
	struct rules_scratch *scratch = NULL;
	struct rules *rules = load();
	size_t n_names = 0;

	(void)state;
	assert_int_equal(rules_scratch_create(rules, &scratch), 0);
	for (size_t i = 0; i < rules->n; i++)
		for (size_t k = 0; k < rules->items[i]->n_examples; k++) {
			struct span line = rules->items[i]->examples[k].line;

			for (; line.len; line = span_skip(line, 1), n_names++)
				carry(rules, scratch, line);
		}
	assert_true(n_names > 1000);
	carry(rules, scratch, SPAN("a\nBUG: b\n"));
	carry(rules, scratch, SPAN(""));
	rules_scratch_destroy(scratch);
	rules_destroy(rules);
}

/* With a text that each of its lines contains, a rule costs the others nothing. */
static void test_each_has_a_literal(void **state)
{
	struct rules *rules = load();

	(void)state;
	for (size_t i = 0; i < rules->n; i++)
		if (!rules->items[i]->literal.len && !rules->items[i]->is_any)
			fail_msg("%s is tried on every line", rules->items[i]->id.data);
	rules_destroy(rules);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_no_messages),
		cmocka_unit_test(test_each_has_a_literal),
	};

	return cmocka_run_group_tests_name("rule-packs", tests, NULL, NULL);
}
