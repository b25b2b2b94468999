// SPDX-License-Identifier: Apache-2.0
/* core/rules: what is refused and where, what matches and what it gives, and what it
 * costs. */
#include "core/rules.h"

#include <errno.h>

#include "core/rules_internal.h"
#include "fixture.h"

static struct rules *load(const char *name, struct span text)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	struct rules *rules = NULL;

	if (rules_load_text("x.yaml", text, &rules, &errors) < 0)
		fail_msg("%s: %s", name, buffer_cstring(&errors));
	expect_span(name, "warnings", buffer_span(&errors), SPAN(""));
	return rules;
}

/* Rules of one rule, behind its id. */
#define RULE	"rules:\n  - id: a\n"
#define EXAMPLE "    examples: [{line: x}]\n"

static void test_refuses(void **state)
{
	static const struct {
		const char *name, *in, *want;
	} cases[] = {
		{ "syntax", "rules:\n  - id: a\n   b: c\n",
		  "x.yaml:3:4: did not find expected '-' indicator\n" },
		{ "open bracket", "rules: [\n",
		  "x.yaml:2:1: flow sequence without a closing bracket\n" },
		{ "not UTF-8", "rules:\n\n  - \xff", "x.yaml:3:5: not UTF-8\n" },
		{ "control byte", "rules:\x01", "x.yaml:1:7: a control byte\n" },
		{ "two documents", "rules: []\n---\nrules: []\n",
		  "x.yaml:3:1: a second document (a line '---'): one is allowed\n" },
		{ "not a mapping", "- a\n",
		  "x.yaml:1:3: a rules file must be a mapping (key: value)\n" },
		{ "unknown at the top", "ruels: []\n",
		  "x.yaml:1:1: unknown key 'ruels' (did you mean 'rules'?)\n" },
		{ "rules is no list", "rules: 3\n",
		  "x.yaml:1:8: 'rules' must be a list\n" },
		{ "severity", RULE "    any: true\n    severity: hgih\n" EXAMPLE,
		  "x.yaml:4:15: unknown severity 'hgih' (did you mean 'high'?)\n" },
		{ "key", RULE "    any: true\n    severty: high\n" EXAMPLE,
		  "x.yaml:4:5: unknown key 'severty' (did you mean 'severity'?)\n" },
		{ "key twice", RULE "    any: true\n    any: true\n" EXAMPLE,
		  "x.yaml:4:5: 'any' comes twice\n" },
		{ "for", RULE "    for: kernel-log\n    any: true\n" EXAMPLE,
		  "x.yaml:3:10: unknown 'for' 'kernel-log' (did you mean "
		  "'kernel_log'?)\n" },
		{ "no condition", RULE EXAMPLE,
		  "x.yaml:2:5: a rule needs match, contains, regex or any: true\n" },
		{ "any: false", RULE "    any: false\n" EXAMPLE,
		  "x.yaml:2:5: a rule needs match, contains, regex or any: true\n" },
		{ "no examples", RULE "    any: true\n",
		  "x.yaml:2:5: a rule needs examples: a line that it matches\n" },
		{ "no matching example",
		  RULE "    contains: y\n    examples: [{line: x, no_match: true}]\n",
		  "x.yaml:4:17: examples: at least one line that the rule matches\n" },
		{ "id", "rules:\n  - id: A-b\n    any: true\n" EXAMPLE,
		  "x.yaml:2:9: id must be snake_case, 1 to 63 bytes\n" },
		{ "no id", "rules:\n  - any: true\n" EXAMPLE,
		  "x.yaml:2:5: a rule needs an id\n" },
		{ "id twice",
		  RULE "    contains: x\n" EXAMPLE
		       "  - id: a\n    contains: y\n    examples: [{line: y}]\n",
		  "x.yaml:5:9: the id 'a' is taken by the rule at x.yaml:2\n" },
		{ "own type", RULE "    type: records_lost\n    any: true\n" EXAMPLE,
		  "x.yaml:3:11: 'records_lost' is an event of LKSM's own\n" },
		{ "match and regex", RULE "    match: x\n    regex: x\n" EXAMPLE,
		  "x.yaml:3:12: 'match' cannot stand together with 'regex'\n" },
		{ "any and contains", RULE "    any: true\n    contains: x\n" EXAMPLE,
		  "x.yaml:3:10: 'any' cannot stand together with 'contains'\n" },
		{ "prefix alone", RULE "    contains: x\n    prefix: true\n" EXAMPLE,
		  "x.yaml:4:13: 'prefix' needs 'match'\n" },
		{ "prefix is no bool", RULE "    match: x\n    prefix: yes\n" EXAMPLE,
		  "x.yaml:4:13: prefix must be true or false\n" },
		{ "template", RULE "    match: 'a {x:hex}'\n" EXAMPLE,
		  "x.yaml:3:18: match: a placeholder is word, int, text or rest\n" },
		{ "regex", RULE "    regex: 'a(b'\n" EXAMPLE,
		  "x.yaml:3:16: regex: missing closing parenthesis\n" },
		{ "regex name", RULE "    regex: '(?<A>x)'\n" EXAMPLE,
		  "x.yaml:3:13: regex: 'A' cannot be a name here\n" },
		{ "int of nothing",
		  RULE "    regex: '(?<uid>x)'\n    int: [uidd]\n" EXAMPLE,
		  "x.yaml:4:11: unknown placeholder 'uidd' (did you mean 'uid'?)\n" },
		{ "placeholder",
		  RULE
		  "    match: 'x{symbol:rest}'\n    data: {c: 'it is {symbl}'}\n" EXAMPLE,
		  "x.yaml:4:22: unknown placeholder 'symbl' (did you mean 'symbol'?)\n" },
		{ "placeholder left open",
		  RULE "    any: true\n    data: {c: 'it is {text'}\n" EXAMPLE,
		  "x.yaml:4:22: '{' without '}' (a brace itself is written '{{')\n" },
		{ "data key", RULE "    any: true\n    data: {C: 1}\n" EXAMPLE,
		  "x.yaml:4:12: a key of data must be snake_case, 1 to 63 bytes\n" },
		{ "data key twice",
		  RULE "    any: true\n    data: {c: 1, c: 2}\n" EXAMPLE,
		  "x.yaml:4:21: 'c' comes twice\n" },
		{ "data of data", RULE "    any: true\n    data: {c: [1]}\n" EXAMPLE,
		  "x.yaml:4:16: a value of data must be text\n" },
		{ "tag", RULE "    any: true\n    tags: [a b]\n" EXAMPLE,
		  "x.yaml:4:12: a tag is one word, 1 to 63 bytes\n" },
		{ "technique", RULE "    any: true\n    attack: [T14]\n" EXAMPLE,
		  "x.yaml:4:14: attack: 'T14' is not like T1014 or T1547.006\n" },
		{ "alias",
		  RULE "    any: true\n    type: &t b\n    severity: *t\n" EXAMPLE,
		  "x.yaml:5:16: severity: aliases are not supported\n" },
		{ "YAML tag", RULE "    any: true\n    type: !!str b\n" EXAMPLE,
		  "x.yaml:4:17: type: tags are not supported\n" },
		{ "no value", RULE "    any: true\n    type:\n" EXAMPLE,
		  "x.yaml:4:5: type has no value\n" },
		{ "example does not match", RULE "    contains: y\n" EXAMPLE,
		  "x.yaml:4:23: the rule does not match this line\n" },
		{ "example matches after all",
		  RULE
		  "    any: true\n    examples: [{line: x}, {line: y, no_match: true}]\n",
		  "x.yaml:4:34: the rule matches this line, the example says "
		  "no_match\n" },
		{ "example data",
		  RULE "    match: 'uid {uid}'\n    examples: [{line: uid 0, data: {uid: "
		       "0, b: c}}]\n",
		  "x.yaml:4:23: data: uid is the text '0', the example says 0 (a number "
		  "is captured "
		  "by {uid:int}, or 'int: [uid]')\n"
		  "x.yaml:4:23: data: b is absent, the example says the text 'c'\n" },
		{ "example lacks data",
		  RULE
		  "    match: 'uid {uid:int}'\n    examples: [{line: uid 0, data: {}}]\n",
		  "x.yaml:4:23: data: uid is 0, the example says absent\n" },
		{ "example type and severity",
		  RULE
		  "    any: true\n    examples: [{line: x, type: b, severity: high}]\n",
		  "x.yaml:4:23: type is a, the example says b\n"
		  "x.yaml:4:23: severity is info, the example says high\n" },
		{ "example with the tag",
		  RULE "    for: kernel_log\n    any: true\n    examples: [{line: "
		       "'[PHOTON RING] x'}]\n",
		  "x.yaml:5:24: a line with the sensor's tag never comes to a rule for "
		  "kernel_log\n" },
		{ "example that costs too much",
		  RULE "    regex: '^(a+)+$'\n    examples: [{line: a},\n"
		       "      {line: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab, no_match: "
		       "true}]\n",
		  "x.yaml:5:14: the regex is too costly for this line\n" },
		{ "example key", RULE "    any: true\n    examples: [{lines: x}]\n",
		  "x.yaml:4:17: unknown key 'lines' (did you mean 'line'?)\n"
		  "x.yaml:4:17: an example needs a line\n" },
		{ "shadowed",
		  RULE "    contains: x\n" EXAMPLE
		       "  - id: b\n    contains: xy\n    examples: [{line: xyz}]\n",
		  "x.yaml:7:23: the rule 'a' at line 2 matches this line first\n" },
		{ "all of them",
		  RULE "    any: true\n    severity: hgih\n    tags: [a b]\n    drop: "
		       "maybe\n" EXAMPLE,
		  "x.yaml:4:15: unknown severity 'hgih' (did you mean 'high'?)\n"
		  "x.yaml:6:11: drop must be true or false\n"
		  "x.yaml:5:12: a tag is one word, 1 to 63 bytes\n" },
		{ "hostile text in a complaint",
		  RULE "    any: true\n    severity: \"a\\e[31m\"\n" EXAMPLE,
		  "x.yaml:4:16: unknown severity 'a\\x1b[31m'\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer errors = { 0 };
		struct rules *rules = NULL;
		int r = rules_load_text("x.yaml", span_from(cases[i].in), &rules,
					&errors);

		expect_number(cases[i].name, "result", r, -EINVAL);
		expect_span(cases[i].name, "complaints", buffer_span(&errors),
			    span_from(cases[i].want));
		assert_null(rules);
	}
}

static void test_empty(void **state)
{
	static const char *const files[] = { "",     "# nothing\n", "rules: []\n",
					     "{}\n", "---\n",	    "\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct rules *rules = load(files[i], span_from(files[i]));

		assert_int_equal(rules_count(rules), 0);
		assert_false(rules_wants(rules, RULES_PHOTON_RING));
		rules_destroy(rules);
	}
}

static void test_too_large(void **state)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	_cleanup_free_ char *text = calloc(1, YAML_FILE_MAX + 1);
	struct rules *rules = NULL;

	(void)state;
	memset(text, '#', YAML_FILE_MAX + 1);
	assert_int_equal(rules_load_text("x.yaml",
					 (struct span){ text, YAML_FILE_MAX + 1 }, &rules,
					 &errors),
			 -EINVAL);
	expect_span("large", "complaint", buffer_span(&errors),
		    SPAN("x.yaml: larger than 1048576 bytes\n"));
}

/* type severity rule tags attack {data}, as one text */
static void dump(const struct lksm_event *e, struct buffer *out)
{
	_cleanup_buffer_ struct buffer line = { 0 };
	const char *data, *end;

	buffer_append_span(out, e->type);
	buffer_appendf(out, " %s %.*s [%.*s] [%.*s] ", severity_name(e->severity),
		       (int)e->rule.len, e->rule.data, (int)e->tags.len,
		       e->tags.len ? e->tags.data : "", (int)e->attack.len,
		       e->attack.len ? e->attack.data : "");
	assert_int_equal(event_encode(&line, e, EVENT_SEED), 0);
	data = strstr(buffer_cstring(&line), "\"data\": ") + 8;
	end = strstr(data, ", \"severity\": ");
	buffer_append(out, data, (size_t)(end - data));
}

static const char match_rules[] =
	"rules:\n"
	"  - id: dropped\n    drop: true\n    contains: [noise, more]\n"
	"    examples: [{line: more noise}]\n"
	"  - id: typed\n    type: a_type\n    match: 'mod {module} by {uid:int}'\n    "
	"severity: critical\n"
	"    tags: [one, two.three]\n    attack: [T1014, T1547.006]\n"
	"    examples: [{line: mod x by 0, type: a_type, severity: critical, data: "
	"{module: x, uid: 0}}]\n"
	"  - id: shaped\n    match: 'shape {a} {b:int} {c:rest}'\n"
	"    data: {both: '{a}-{b} ', number: '{b}', whole: '{text}', word: fixed, n: "
	"-7, t: true,\n"
	"      q: '7', brace: '{{{a}}}', empty: ''}\n"
	"    examples: [{line: shape x 1 y}]\n"
	"  - id: expression\n    contains: pid\n    int: [pid]\n"
	"    regex: '(?<comm>\\S+)\\[(?<pid>\\d+)\\](?: at (?<where>.+))?'\n    "
	"severity: high\n"
	"    examples: [{line: 'bash[42] pid', data: {comm: bash, pid: 42}}]\n"
	"  - id: expression_shaped\n    regex: '^maybe (?<x>a)?b'\n    data: {x: '{x}', "
	"y: 'is {x}'}\n"
	"    examples: [{line: maybe b, data: {y: 'is '}}]\n"
	"  - id: rest\n    any: true\n    data: {message: '{text}'}\n    examples: "
	"[{line: x}]\n"
	"  - id: after_any\n    match: 'last'\n    examples: [{line: last}]\n"
	"  - id: kernel\n    for: kernel_log\n    contains: mod\n    examples: [{line: "
	"mod}]\n";

static void test_match(void **state)
{
	static const struct {
		const char *name;
		enum rules_scope scope;
		struct span line;
		int result;
		const char *want;
	} cases[] = {
		{ "typed", RULES_PHOTON_RING, BYTES("mod nf by 1000"), 1,
		  "a_type critical typed [one two.three] [T1014 T1547.006] "
		  "{\"module\": \"nf\", \"uid\": 1000}" },
		{ "shaped", RULES_PHOTON_RING, BYTES("shape é -3 a \"b\""), 1,
		  "shaped info shaped [] [] {\"both\": \"é--3 \", \"number\": -3, "
		  "\"whole\": \"shape é -3 a \\\"b\\\"\", \"word\": \"fixed\", \"n\": "
		  "-7, \"t\": true, "
		  "\"q\": \"7\", \"brace\": \"{é}\", \"empty\": \"\"}" },
		{ "dropped", RULES_PHOTON_RING, BYTES("noise, and more"), 2, "dropped" },
		{ "contains wants all", RULES_PHOTON_RING, BYTES("noise"), 1,
		  "rest info rest [] [] {\"message\": \"noise\"}" },
		{ "regex", RULES_PHOTON_RING, BYTES("x[7] at y pid"), 1,
		  "expression high expression [] [] {\"comm\": \"x\", \"pid\": 7, "
		  "\"where\": \"y pid\"}" },
		{ "regex, a group without part", RULES_PHOTON_RING, BYTES("pid x[7]"), 1,
		  "expression high expression [] [] {\"comm\": \"x\", \"pid\": 7}" },
		{ "regex, a number too large stays text", RULES_PHOTON_RING,
		  BYTES("x[99999999999999999999] pid"), 1,
		  "expression high expression [] [] {\"comm\": \"x\", \"pid\": "
		  "\"99999999999999999999\"}" },
		{ "regex, absent value", RULES_PHOTON_RING, BYTES("maybe b"), 1,
		  "expression_shaped info expression_shaped [] [] {\"y\": \"is \"}" },
		{ "regex, present value", RULES_PHOTON_RING, BYTES("maybe ab"), 1,
		  "expression_shaped info expression_shaped [] [] {\"x\": \"a\", \"y\": "
		  "\"is a\"}" },
		{ "regex, not UTF-8", RULES_PHOTON_RING, BYTES("pid \xff[1]\xff"), 1,
		  "rest info rest [] [] {\"message\": \"pid "
		  "\xef\xbf\xbd[1]\xef\xbf\xbd\"}" },
		{ "any is last", RULES_PHOTON_RING, BYTES("last"), 1,
		  "after_any info after_any [] [] {}" },
		{ "any, empty line", RULES_PHOTON_RING, BYTES(""), 1,
		  "rest info rest [] [] {\"message\": \"\"}" },
		{ "NUL byte", RULES_PHOTON_RING, BYTES("a\0b"), 1,
		  "rest info rest [] [] {\"message\": \"a\\u0000b\"}" },
		{ "other scope", RULES_KERNEL_LOG, BYTES("mod nf by 1000"), 1,
		  "kernel info kernel [] [] {}" },
		{ "nothing", RULES_KERNEL_LOG, BYTES("x"), 0, "" },
	};
	struct rules *rules = load("match", span_from(match_rules));
	struct rules_scratch *scratch = NULL;

	(void)state;
	assert_int_equal(rules_scratch_create(rules, &scratch), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer out = { 0 };
		struct lksm_event event;

		event_init(&event);
		expect_number(cases[i].name, "result",
			      rules_match(rules, scratch, cases[i].scope, cases[i].line,
					  &event),
			      cases[i].result);
		if (cases[i].result == 1)
			dump(&event, &out);
		if (cases[i].result == 2)
			buffer_append_span(&out, event.rule);
		expect_span(cases[i].name, "event", buffer_span(&out),
			    span_from(cases[i].want));
	}
	rules_scratch_destroy(scratch);
	rules_destroy(rules);
}

/* Rules tried for a line that some rule in the middle names, with n rules in all. */
static uint64_t count_tried(size_t n)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	struct rules_scratch *scratch = NULL;
	struct lksm_event event;
	struct rules *rules;
	uint64_t tried;

	buffer_append_literal(&text, "rules:\n");
	for (size_t i = 0; i < n; i++)
		buffer_appendf(&text,
			       "  - id: rule_%zu\n    %s: 'thing %zu done%s'\n"
			       "    examples: [{line: thing %zu done x}]\n",
			       i,
			       i % 3   ? "contains"
			       : i % 2 ? "match"
				       : "regex",
			       i, i % 3 || i % 2 == 0 ? "" : " {x}", i);
	buffer_append_literal(&text,
			      "  - id: rest\n    any: true\n    examples: [{line: x}]\n");
	rules = load("many", buffer_span(&text));
	assert_int_equal(rules_count(rules), n + 1);
	assert_int_equal(rules_scratch_create(rules, &scratch), 0);
	assert_int_equal(rules_match(rules, scratch, RULES_PHOTON_RING,
				     SPAN("nothing of it"), &event),
			 1);
	expect_text("many", "rule", event.rule, "rest");
	assert_int_equal(rules_scratch_stats(scratch)->tried, 1); /* the catch-all */
	assert_int_equal(rules_match(rules, scratch, RULES_PHOTON_RING,
				     SPAN("thing 8 done y"), &event),
			 1);
	expect_text("many", "rule", event.rule, "rule_8");
	tried = rules_scratch_stats(scratch)->tried - 1;
	rules_scratch_destroy(scratch);
	rules_destroy(rules);
	return tried;
}

static void test_many_rules(void **state)
{
	(void)state;
	assert_int_equal(count_tried(10), 1);
	assert_int_equal(count_tried(1000), 1);
}

static void test_hostile_regex(void **state)
{
	static const char text[] =
		"rules:\n  - id: costly\n    regex: '^(a+)+$'\n    examples: [{line: "
		"aaa}]\n"
		"  - id: next\n    any: true\n    examples: [{line: x}]\n";
	static char line[4096];
	struct rules *rules = load("hostile", span_from(text));
	struct rules_scratch *scratch = NULL;
	struct lksm_event event;

	(void)state;
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = 'b';
	assert_int_equal(rules_scratch_create(rules, &scratch), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rules_match(rules, scratch, RULES_PHOTON_RING,
					     (struct span){ line, sizeof(line) }, &event),
				 1);
		expect_text("hostile", "rule", event.rule, "next");
	}
	assert_int_equal(rules_scratch_stats(scratch)->limit_hits, 3);
	assert_string_equal(rules_next_exhausted(rules, scratch), "costly");
	assert_null(rules_next_exhausted(rules, scratch));
	rules_scratch_destroy(scratch);
	rules_destroy(rules);
}

static void add_file(struct rules_files *files, const char *path, const char *rules)
{
	assert_int_equal(rules_files_add(files, strdup(path), 0), 0);
	buffer_append_span(&files->items[files->n - 1].text, span_from(rules));
}

/* What another process has loaded: its examples are not tried again, and it matches the same. */
static void test_known(void **state)
{
	static const char text[] =
		"rules:\n  - id: one\n    regex: '^a(?<x>b+)$'\n"
		"    examples: [{line: c}]\n"; /* which it does not match */
	_cleanup_(rules_scratch_destroyp) struct rules_scratch *scratch = NULL;
	_cleanup_(rules_destroyp) struct rules *rules = NULL;
	_cleanup_buffer_ struct buffer errors = { 0 };
	struct rules_files files = { 0 };
	struct lksm_event event;

	(void)state;
	add_file(&files, "x.yaml", text);
	assert_int_equal(rules_load_files(&files, &rules, &errors), -EINVAL);
	assert_int_equal(rules_load_known(&files, &rules, &errors), 0);
	assert_int_equal(rules_scratch_create(rules, &scratch), 0);
	event_init(&event);
	assert_int_equal(
		rules_match(rules, scratch, RULES_PHOTON_RING, SPAN("abb"), &event), 1);
	expect_text("known", "x", event.data.items[0].text, "bb");
	rules_files_deinit(&files);
}

static void test_the_same_files(void **state)
{
	struct rules_files a = { 0 }, b = { 0 };

	(void)state;
	assert_true(rules_files_equal(&a, &b));
	add_file(&a, "x.yaml", "rules: []");
	assert_false(rules_files_equal(&a, &b));
	add_file(&b, "x.yaml", "rules: []");
	assert_true(rules_files_equal(&a, &b));
	add_file(&a, "y.yaml", "");
	add_file(&b, "z.yaml", "");
	assert_false(rules_files_equal(&a, &b)); /* another name */
	rules_files_deinit(&b);
	add_file(&b, "x.yaml", "rules: []");
	add_file(&b, "y.yaml", "");
	assert_true(rules_files_equal(&a, &b));
	buffer_append_char(&b.items[1].text, '#');
	assert_false(rules_files_equal(&a, &b)); /* another text */
	rules_files_deinit(&a);
	rules_files_deinit(&b);
}

static void test_describe(void **state)
{
	struct rules *rules = load("describe",
				   SPAN("rules:\n"
					"  - id: first\n"
					"    contains: x\n" EXAMPLE "  - id: last\n"
					"    any: true\n"
					"    examples: [{line: y}]\n"));
	struct rule_info info;

	(void)state;
	assert_int_equal(rules_count(rules), 2);
	assert_true(rules_describe(rules, SPAN("first"), &info));
	assert_string_equal(info.file, "x.yaml");
	assert_int_equal(info.line, 2);
	assert_int_equal(info.n_examples, 1);
	assert_false(info.is_any);
	expect_span("first", "condition", info.condition, SPAN("contains 'x'"));
	assert_true(rules_describe(rules, SPAN("last"), &info));
	assert_int_equal(info.line, 5);
	assert_true(info.is_any);
	assert_false(rules_describe(rules, SPAN("firs"), &info));
	rules_destroy(rules);
}

/* A literal that a regex does not need would lose events: better none than a wrong one.
 */
static void test_regex_literal(void **state)
{
	static const struct {
		const char *pattern, *want;
	} cases[] = {
		{ "abc", "abc" },
		{ "^abc$", "abc" },
		{ "abc|d", "" },
		{ "ab(c|d)efg", "efg" },
		{ "abc?de", "ab" },
		{ "abcd?e", "abc" },
		{ "abc*", "ab" },
		{ "abc+d", "abc" },
		{ "abc{0,3}de", "ab" },
		{ "a.bc", "bc" },
		{ "a\\.b", "a.b" },
		{ "a\\dbc", "bc" },
		{ "a[bc]def", "def" },
		{ "a[]bc]de", "de" },
		{ "[^]x]yz", "yz" },
		{ "[[:alpha:]x]yz", "yz" },
		{ "[[:](:]foo]barbar)?yz", "yz" },
		{ "a[\\]]bcd", "bcd" },
		{ "(?i)abc", "" },
		{ "ab(?i)c", "" },
		{ "(?i:ab)cd", "" },
		{ "(?<name>x)yz", "yz" },
		{ "(?!bad)good", "good" },
		{ "\\Qa.b\\E", "" },
		{ "(*ACCEPT)abc", "" },
		{ "a(?#b)c", "" },
		{ "\\x41bc", "" },
		{ "é?abc", "abc" },
		{ "(abc)?d", "d" },
		{ "a\\bc", "a" },
		{ "0123456789abcdef0123", "0123456789abcdef" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char literal[RULE_LITERAL_MAX];
		size_t n = rules_regex_literal(span_from(cases[i].pattern), literal);

		expect_span(cases[i].pattern, "literal", (struct span){ literal, n },
			    span_from(cases[i].want));
	}
}

static void append_root(struct buffer *out, const char *path)
{
	const char *root = getenv("LKSM_SOURCE_ROOT");

	buffer_appendf(out, "%s/%s", root ? root : ".", path);
	assert_non_null(buffer_cstring(out));
}

static void expect_rule(const struct rules *rules, const char *line, const char *want)
{
	struct rules_scratch *scratch = NULL;
	struct lksm_event event;

	assert_int_equal(rules_scratch_create(rules, &scratch), 0);
	assert_int_equal(
		rules_match(rules, scratch, RULES_PHOTON_RING, span_from(line), &event),
		1);
	expect_text(line, "rule", event.rule, want);
	rules_scratch_destroy(scratch);
}

/* base/10-first, local/05-earlier, 20-masked of both, local/30-later */
static void test_folders(void **state)
{
	_cleanup_buffer_ struct buffer base = { 0 }, local = { 0 }, errors = { 0 },
				       want = { 0 };
	struct rules *rules = NULL;

	(void)state;
	append_root(&base, "tests/fixtures/rules/base");
	append_root(&local, "tests/fixtures/rules/local");
	const char *paths[] = { base.data, local.data };
	assert_int_equal(rules_load(paths, 2, &rules, &errors), 0);
	assert_int_equal(rules_count(rules), 5);
	expect_rule(rules, "an apple", "local_override");
	expect_rule(rules, "apple", "base_first");
	expect_rule(rules, "a plum", "local_masking");
	expect_rule(rules, "a pear", "base_any");
	buffer_appendf(
		&want,
		"%s/notes.yml: warning: ignored, a file of rules is called *.yaml\n"
		"%s/30-later.yaml:5:23: warning: the rule 'base_first' at "
		"%s/10-first.yaml:3 matches this line first\n",
		local.data, local.data, base.data);
	expect_span("folders", "warnings", buffer_span(&errors), buffer_span(&want));
	rules_destroy(rules);
}

static void test_missing(void **state)
{
	static const char *const paths[] = { "/nonexistent/rules", "/nonexistent/more" };
	_cleanup_buffer_ struct buffer errors = { 0 };
	struct rules *rules = NULL;

	(void)state;
	assert_int_equal(rules_load(paths, 2, &rules, &errors), -EINVAL);
	expect_span("missing", "complaints", buffer_span(&errors),
		    SPAN("/nonexistent/rules: No such file or directory\n"
			 "/nonexistent/more: No such file or directory\n"));
}

static void test_packs(void **state)
{
	static const struct {
		const char *name;
		int result;
	} cases[] = {
		{ "extra", 0 },
		{ "40-extra", 0 },
		{ "extr", -ENOENT },
		{ "", -ENOENT },
		{ "../base/10-first", -ENOENT },
	};
	_cleanup_buffer_ struct buffer folder = { 0 };

	(void)state;
	append_root(&folder, "tests/fixtures/rules/packs");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *folders[] = { "/nonexistent", folder.data };
		_cleanup_free_ char *path = NULL;

		expect_number(cases[i].name, "result",
			      rules_find_pack(folders, 2, cases[i].name, &path),
			      cases[i].result);
		if (path)
			assert_non_null(strstr(path, "/available/40-extra.yaml"));
	}
}

/* What is shipped loads without a complaint, and each pack, too. */
static void test_shipped(void **state)
{
	static const char *const packs[] = { "rules/available/20-kernel.yaml",
					     "rules/available/30-lkrg.yaml" };
	_cleanup_buffer_ struct buffer rules_path = { 0 }, errors = { 0 };
	struct rules *rules = NULL;

	(void)state;
	append_root(&rules_path, "rules");
	for (size_t i = 0; i <= ARRAY_SIZE(packs); i++) {
		_cleanup_buffer_ struct buffer pack = { 0 };

		append_root(&pack, packs[i ? i - 1 : 0]);
		const char *paths[] = { rules_path.data, pack.data };
		if (rules_load(paths, i ? 2 : 1, &rules, &errors) < 0)
			fail_msg("%s", buffer_cstring(&errors));
		expect_span("shipped", "warnings", buffer_span(&errors), SPAN(""));
		assert_true(rules_wants(rules, RULES_PHOTON_RING));
		assert_int_equal(rules_wants(rules, RULES_KERNEL_LOG), i > 0);
		rules_destroy(rules);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses),	   cmocka_unit_test(test_empty),
		cmocka_unit_test(test_too_large),  cmocka_unit_test(test_match),
		cmocka_unit_test(test_many_rules), cmocka_unit_test(test_hostile_regex),
		cmocka_unit_test(test_known),	   cmocka_unit_test(test_the_same_files),
		cmocka_unit_test(test_describe),   cmocka_unit_test(test_regex_literal),
		cmocka_unit_test(test_folders),	   cmocka_unit_test(test_missing),
		cmocka_unit_test(test_packs),	   cmocka_unit_test(test_shipped),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
