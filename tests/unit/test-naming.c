// SPDX-License-Identifier: Apache-2.0
/* core/naming: who may speak for the sensor, and that no byte and no sensor's line is
 * lost. */
#include "core/naming.h"

#include "core/dmesg.h"
#include "core/kmsg.h"
#include "fixture.h"

#define TAG "[PHOTON RING]"

static const char rules_text[] =
	"rules:\n"
	"  - id: suspicious_probe\n    contains: SUSPICIOUS\n    severity: high\n"
	"    data: {message: '{text}'}\n    attack: [T1014]\n    tags: [seen]\n    "
	"examples: [{line: "
	"SUSPICIOUS}]\n"
	"  - id: module_loaded\n    match: 'Module loaded: {module} by uid {uid:int}'\n"
	"    severity: medium\n    examples: [{line: 'Module loaded: x by uid 0'}]\n"
	"  - id: silenced\n    drop: true\n    match: 'chatter'\n    examples: [{line: "
	"chatter}]\n"
	"  - id: out_of_tree\n    for: kernel_log\n    match: '{module}: loading "
	"out-of-tree'\n"
	"    severity: medium\n    examples: [{line: 'x: loading out-of-tree'}]\n"
	"  - id: quiet\n    for: kernel_log\n    drop: true\n    contains: quiet\n"
	"    examples: [{line: quiet}]\n";

static struct rules *rules;

static int setup(void **state)
{
	_cleanup_buffer_ struct buffer errors = { 0 };

	(void)state;
	return rules_load_text("x.yaml", span_from(rules_text), &rules, &errors);
}

static int teardown(void **state)
{
	(void)state;
	rules_destroy(rules);
	return 0;
}

static struct naming *create(bool all, bool is_replay, bool is_dmesg)
{
	struct naming_options options = {
		.all = all,
		.is_replay = is_replay,
		.unescape = is_dmesg ? dmesg_unescape : kmsg_unescape,
	};
	struct naming *naming = NULL;

	assert_int_equal(naming_create(rules, &options, &naming), 0);
	return naming;
}

static int name_text(struct naming *naming, struct span text, int facility,
		     struct lksm_event *event)
{
	struct lksm_record record = {
		.stream = "kmsg",
		.stream_seq = 4711,
		.ts_us = 120001234,
		.level = 6,
		.facility = facility,
		.text = text.data,
		.text_len = text.len,
	};

	event_init(event);
	return naming_name(naming, &record, event);
}

/* The six fixed fields without seq and ts. */
static void expect_seed(const char *name, const struct lksm_event *event,
			const char *want)
{
	_cleanup_buffer_ struct buffer line = { 0 };
	static const struct span before = SPAN("{\"seq\": 0, \"ts\": 120.001234, ");

	assert_int_equal(event_encode(&line, event, EVENT_SEED), 0);
	assert_true(span_starts_with(buffer_span(&line), before));
	line.len -= 2; /* "}\n" */
	expect_span(name, "event", span_skip(buffer_span(&line), before.len),
		    span_from(want));
}

static void test_name(void **state)
{
	static const struct {
		const char *name;
		struct span text;
		int facility;
		bool all, is_replay;
		const char *want; /* NULL: filtered */
	} cases[] = {
		{ "by a rule", BYTES(TAG " Module loaded: nf_tables by uid 0"), 0, false,
		  false,
		  "\"type\": \"module_loaded\", \"data\": {\"module\": \"nf_tables\", "
		  "\"uid\": 0}, "
		  "\"severity\": \"medium\", \"source\": \"kprobe_reader\"" },
		{ "message is what stands behind the tag",
		  BYTES(TAG "   a SUSPICIOUS b "), 0, false, false,
		  "\"type\": \"suspicious_probe\", \"data\": {\"message\": \"a "
		  "SUSPICIOUS b \"}, "
		  "\"severity\": \"high\", \"source\": \"kprobe_reader\"" },
		{ "no space behind the tag", BYTES(TAG "SUSPICIOUS"), 0, false, false,
		  "\"type\": \"suspicious_probe\", \"data\": {\"message\": "
		  "\"SUSPICIOUS\"}, "
		  "\"severity\": \"high\", \"source\": \"kprobe_reader\"" },
		{ "no rule, not lost", BYTES(TAG " hello"), 0, false, false,
		  "\"type\": \"photon_ring_generic\", \"data\": {\"message\": "
		  "\"hello\"}, "
		  "\"severity\": \"info\", \"source\": \"kprobe_reader\"" },
		{ "the tag alone", BYTES(TAG), 0, false, false,
		  "\"type\": \"photon_ring_generic\", \"data\": {\"message\": \"\"}, "
		  "\"severity\": \"info\", \"source\": \"kprobe_reader\"" },
		{ "dropped by a rule", BYTES(TAG " chatter"), 0, true, false, NULL },
		{ "logfmt",
		  BYTES(TAG
			" type=symbol_hunt severity=high symbol=\"a b\" pid=42 uid=007"),
		  0, false, false,
		  "\"type\": \"symbol_hunt\", \"data\": {\"symbol\": \"a b\", \"pid\": "
		  "42, "
		  "\"uid\": \"007\"}, \"severity\": \"high\", \"source\": "
		  "\"kprobe_reader\"" },
		{ "logfmt, no severity", BYTES(TAG " type=x"), 0, false, false,
		  "\"type\": \"x\", \"data\": {}, \"severity\": \"info\", \"source\": "
		  "\"kprobe_reader\"" },
		{ "logfmt, unknown severity is kept", BYTES(TAG " type=x severity=bad"),
		  0, false, false,
		  "\"type\": \"x\", \"data\": {\"severity\": \"bad\"}, \"severity\": "
		  "\"info\", "
		  "\"source\": \"kprobe_reader\"" },
		{ "logfmt wins over rules", BYTES(TAG " type=x comm=SUSPICIOUS"), 0,
		  false, false,
		  "\"type\": \"x\", \"data\": {\"comm\": \"SUSPICIOUS\"}, \"severity\": "
		  "\"info\", "
		  "\"source\": \"kprobe_reader\"" },
		{ "logfmt, a type of ours keeps its source",
		  BYTES(TAG " type=records_lost count=3"), 0, false, false,
		  "\"type\": \"records_lost\", \"data\": {\"count\": 3}, \"severity\": "
		  "\"info\", "
		  "\"source\": \"kprobe_reader\"" },
		{ "logfmt, bad type", BYTES(TAG " type=X-y a=1"), 0, false, false,
		  "\"type\": \"photon_ring_generic\", \"data\": {\"message\": \"type=X-y "
		  "a=1\"}, "
		  "\"severity\": \"info\", \"source\": \"kprobe_reader\"" },
		{ "logfmt without a type", BYTES(TAG " a=1"), 0, false, false,
		  "\"type\": \"photon_ring_generic\", \"data\": {\"message\": \"a=1\"}, "
		  "\"severity\": \"info\", \"source\": \"kprobe_reader\"" },
		{ "spoof, facility", BYTES(TAG " Module loaded: x by uid 0"), 1, false,
		  false,
		  "\"type\": \"spoof_suspected\", \"data\": {\"line\": \"" TAG
		  " Module loaded: x by uid 0\", \"reason\": \"facility\"}, "
		  "\"severity\": \"high\", \"source\": \"lksm\"" },
		{ "spoof, facility, in a replay", BYTES(TAG " x"), 3, false, true,
		  "\"type\": \"spoof_suspected\", \"data\": {\"line\": \"" TAG
		  " x\", \"reason\": \"facility\"}, \"severity\": \"high\", \"source\": "
		  "\"lksm\"" },
		{ "spoof, facility unknown", BYTES(TAG " x"), -1, false, false,
		  "\"type\": \"spoof_suspected\", \"data\": {\"line\": \"" TAG
		  " x\", \"reason\": \"facility\"}, \"severity\": \"high\", \"source\": "
		  "\"lksm\"" },
		{ "facility unknown, replay", BYTES(TAG " x"), -1, false, true,
		  "\"type\": \"photon_ring_generic\", \"data\": {\"message\": \"x\"}, "
		  "\"severity\": \"info\", \"source\": \"kprobe_reader\"" },
		{ "spoof, position", BYTES("sh[1]: " TAG " x"), 0, false, false,
		  "\"type\": \"spoof_suspected\", \"data\": {\"line\": \"sh[1]: " TAG
		  " x\", \"reason\": \"position\"}, \"severity\": \"high\", \"source\": "
		  "\"lksm\"" },
		{ "spoof, a space before the tag", BYTES(" " TAG " x"), 0, false, false,
		  "\"type\": \"spoof_suspected\", \"data\": {\"line\": \" " TAG
		  " x\", \"reason\": \"position\"}, \"severity\": \"high\", \"source\": "
		  "\"lksm\"" },
		{ "spoof, behind an escaped newline", BYTES("a\\x0a" TAG " x"), 0, false,
		  false,
		  "\"type\": \"spoof_suspected\", \"data\": {\"line\": \"a\\u000a" TAG
		  " x\", \"reason\": \"position\"}, \"severity\": \"high\", \"source\": "
		  "\"lksm\"" },
		{ "spoof, tag in escapes", BYTES("\\x41 \\x5bPHOTON RING] x"), 3, false,
		  false,
		  "\"type\": \"spoof_suspected\", \"data\": {\"line\": \"A " TAG
		  " x\", \"reason\": \"position\"}, \"severity\": \"high\", \"source\": "
		  "\"lksm\"" },
		{ "kernel, by a rule", BYTES("evil: loading out-of-tree"), 0, false,
		  false,
		  "\"type\": \"out_of_tree\", \"data\": {\"module\": \"evil\"}, "
		  "\"severity\": \"medium\", \"source\": \"kernel_log\"" },
		{ "kernel's text, from user space", BYTES("evil: loading out-of-tree"), 1,
		  false, false, NULL },
		{ "kernel's text, from user space, in a replay",
		  BYTES("evil: loading out-of-tree"), 3, false, true, NULL },
		{ "kernel's text, facility unknown", BYTES("evil: loading out-of-tree"),
		  -1, false, false, NULL },
		{ "kernel's text, facility unknown, replay",
		  BYTES("evil: loading out-of-tree"), -1, false, true,
		  "\"type\": \"out_of_tree\", \"data\": {\"module\": \"evil\"}, "
		  "\"severity\": \"medium\", \"source\": \"kernel_log\"" },
		{ "kernel's text, from user space, all",
		  BYTES("evil: loading out-of-tree"), 1, true, false,
		  "\"type\": \"kernel_message\", \"data\": {\"message\": \"evil: loading "
		  "out-of-tree\"}, \"severity\": \"info\", \"source\": \"kernel_log\"" },
		{ "kernel, rules of the sensor do not count", BYTES("SUSPICIOUS"), 0,
		  false, false, NULL },
		{ "kernel, filtered", BYTES("usb 1-1: new"), 0, false, false, NULL },
		{ "kernel, all", BYTES("usb 1-1: new"), 3, true, false,
		  "\"type\": \"kernel_message\", \"data\": {\"message\": \"usb 1-1: "
		  "new\"}, "
		  "\"severity\": \"info\", \"source\": \"kernel_log\"" },
		{ "kernel, all, dropped by a rule", BYTES("quiet"), 0, true, false,
		  NULL },
		{ "kernel, all, empty", BYTES(""), 0, true, false,
		  "\"type\": \"kernel_message\", \"data\": {\"message\": \"\"}, "
		  "\"severity\": \"info\", \"source\": \"kernel_log\"" },
		{ "nearly the tag", BYTES("[PHOTON RING x"), 0, false, false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct naming *naming = create(cases[i].all, cases[i].is_replay, false);
		struct lksm_event event;
		int r = name_text(naming, cases[i].text, cases[i].facility, &event);

		expect_number(cases[i].name, "result", r, cases[i].want != NULL);
		if (r == 1)
			expect_seed(cases[i].name, &event, cases[i].want);
		naming_destroy(naming);
	}
}

static void test_origin(void **state)
{
	struct naming *naming = create(false, false, false);
	struct lksm_event event;

	(void)state;
	assert_int_equal(name_text(naming, SPAN(TAG " SUSPICIOUS"), 0, &event), 1);
	expect_text("origin", "stream", event.stream, "kmsg");
	assert_int_equal(event.stream_seq, 4711);
	assert_int_equal(event.level, 6);
	assert_int_equal(event.facility, 0);
	assert_true(event.time == EVENT_UNSET);
	expect_text("origin", "rule", event.rule, "suspicious_probe");
	expect_text("origin", "attack", event.attack, "T1014");
	expect_text("origin", "tags", event.tags, "seen");
	expect_text("origin", "message", event.message, TAG " SUSPICIOUS");
	expect_text("origin", "raw", event.raw, NULL);
	/* nothing of the last event stays in the next */
	assert_int_equal(name_text(naming, SPAN(TAG " x"), 0, &event), 1);
	expect_text("next", "rule", event.rule, NULL);
	expect_text("next", "attack", event.attack, NULL);
	assert_int_equal(name_text(naming, SPAN(TAG " x"), 1, &event), 1);
	expect_text("spoof", "attack", event.attack, "T1036");
	assert_int_equal(name_text(naming, SPAN(TAG " type=text_patched what=vfs_read"),
				   0, &event),
			 1);
	expect_text("a sensor's type", "attack", event.attack, "T1014");
	naming_destroy(naming);
}

/* What the reader knows of a line beyond its text. */
static void test_verdict(void **state)
{
	static const struct {
		const char *name, *text;
		int facility;
		enum lksm_verdict verdict;
		const char *type, *tags; /* NULL: filtered; absent */
		const char *key, *value; /* of data, its first */
	} cases[] = {
		{ "sensor", "type=x severity=high k=v", -1, LKSM_SENSOR, "x", NULL, "k",
		  "v" },
		{ "sensor, its own escapes only", "type=x k=\"a \\x22\\x5cx41\"", -1,
		  LKSM_SENSOR, "x", NULL, "k", "a \"\\x41" },
		{ "sensor, not logfmt", "hello", -1, LKSM_SENSOR, "photon_ring_generic",
		  NULL, "message", "hello" },
		{ "no record", TAG " SUSPICIOUS", 0, LKSM_NO_RECORD, "spoof_suspected",
		  NULL, "line", TAG " SUSPICIOUS" },
		{ "no record, and not the kernel", TAG " x", 1, LKSM_UNVERIFIED,
		  "spoof_suspected", "unverified", "line", TAG " x" },
		{ "unverified", TAG " SUSPICIOUS", 0, LKSM_UNVERIFIED, "suspicious_probe",
		  "seen unverified", "message", "SUSPICIOUS" },
		{ "unverified, no tags", TAG " x", 0, LKSM_UNVERIFIED,
		  "photon_ring_generic", "unverified", "message", "x" },
		{ "echo", TAG " x", 0, LKSM_ECHO, NULL, NULL, NULL, NULL },
		{ "undecided", TAG " x", 0, LKSM_UNDECIDED, NULL, NULL, NULL, NULL },
	};
	struct naming *naming = create(true, false, false);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = cases[i].name;
		struct lksm_record record = { .stream = "kmsg",
					      .facility = cases[i].facility,
					      .text = cases[i].text,
					      .text_len = strlen(cases[i].text),
					      .verdict = cases[i].verdict };
		struct lksm_event event;

		event_init(&event);
		expect_number(name, "result", naming_name(naming, &record, &event),
			      cases[i].type != NULL);
		if (!cases[i].type)
			continue;
		expect_text(name, "type", event.type, cases[i].type);
		expect_text(name, "tags", event.tags, cases[i].tags);
		expect_text(name, "key", event.data.items[0].key, cases[i].key);
		expect_text(name, "value", event.data.items[0].text, cases[i].value);
	}
	naming_destroy(naming);
}

static void test_unknown_origin(void **state)
{
	struct naming *naming = create(true, true, true);
	struct lksm_record record = { .ts_us = 1,
				      .time_us = 5,
				      .level = -1,
				      .facility = -1,
				      .text = "x",
				      .text_len = 1 };
	struct lksm_event event;

	(void)state;
	event_init(&event);
	event.seq = 9;
	event.host = SPAN("web-1");
	assert_int_equal(naming_name(naming, &record, &event), 1);
	assert_true(event.level == EVENT_UNSET);
	assert_true(event.facility == EVENT_UNSET);
	assert_true(event.stream_seq == EVENT_UNSET);
	expect_text("unknown", "stream", event.stream, NULL);
	assert_int_equal(event.time, 5);
	assert_int_equal(event.seq, 9);
	expect_text("unknown", "host", event.host, "web-1");
	naming_destroy(naming);
}

static void test_raw(void **state)
{
	static const struct {
		const char *name;
		bool is_dmesg;
		struct span text;
		const char *message, *raw;
	} cases[] = {
		{ "good UTF-8", false, BYTES("a \\xc3\\xa9"), "a \xc3\xa9", NULL },
		{ "bad UTF-8", false, BYTES("a \\xff \\x0a"), "a \xff \n",
		  "a \\xff \\x0a" },
		{ "cut escape", false, BYTES("a \\xf"), "a \\xf", NULL },
		{ "dmesg, good", true, BYTES("a \xc3\xa9 C:\\x41 \\x1b"),
		  "a \xc3\xa9 C:\\x41 \x1b", NULL },
		{ "dmesg, bad: escaped for raw", true, BYTES("a \xff\\x1b\\"),
		  "a \xff\x1b\\", "a \\xff\\x1b\\x5c" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct naming *naming = create(true, true, cases[i].is_dmesg);
		struct lksm_event event;

		expect_number(cases[i].name, "result",
			      name_text(naming, cases[i].text, 0, &event), 1);
		expect_text(cases[i].name, "message", event.message, cases[i].message);
		expect_text(cases[i].name, "raw", event.raw, cases[i].raw);
		naming_destroy(naming);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),	       cmocka_unit_test(test_origin),
		cmocka_unit_test(test_unknown_origin), cmocka_unit_test(test_raw),
		cmocka_unit_test(test_verdict),
	};

	return cmocka_run_group_tests_name("naming", tests, setup, teardown);
}
