// SPDX-License-Identifier: Apache-2.0
/* core/config: each key's values, the files and the environment they come from, reloads. */
#include "core/config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crossview.h" /* write_below() */
#include "folder.h"

static const struct value_case {
	const char *key, *value;
	const char *want;  /* what it is then */
	const char *error; /* if it is refused */
} value_cases[] = {
	{ "poll_interval", "0.05", "0.050000", NULL },
	{ "poll_interval", "3", "3.000000", NULL },
	{ "poll_interval", "2s", "2.000000", NULL },
	{ "alerts.group_wait", "0", "0.000000", NULL },
	{ "alerts.group_interval", "5m", "300.000000", NULL },
	{ "alerts.retry_for", "1h", "3600.000000", NULL },
	{ "alerts.retry_for", "0", NULL,
	  "'0' is not seconds, e.g. 0.1, or a time such as 5m" },
	{ "poll_interval", "0", NULL,
	  "'0' is not seconds, e.g. 0.1, or a time such as 5m" },
	{ "poll_interval", "-1", NULL,
	  "'-1' is not seconds, e.g. 0.1, or a time such as 5m" },
	{ "poll_interval", "1.2.3", NULL,
	  "'1.2.3' is not seconds, e.g. 0.1, or a time such as 5m" },
	{ "poll_interval", "99999999999999999999", NULL,
	  "'99999999999999999999' is not seconds, e.g. 0.1, or a time such as 5m" },
	{ "output.retention.days", "30", "30", NULL },
	{ "output.retention.days", "x", NULL, "'x' is not a number" },
	{ "output.retention.days", "3d", NULL, "'3d' is not a number" },
	{ "output.retention.days", "10G", NULL, "'10G' is not a number" },
	{ "output.retention.days", "99999999999999999999", NULL,
	  "'99999999999999999999' is not a number" },
	{ "output.retention.size", "10G", "10737418240", NULL },
	{ "output.retention.size", "512MiB", "536870912", NULL },
	{ "output.retention.size", "1kB", "1024", NULL },
	{ "output.retention.size", "7", "7", NULL },
	{ "output.retention.size", "1Gb", NULL, "'1Gb' is not a size, e.g. 512M or 10G" },
	{ "output.retention.size", "99999999T", NULL,
	  "'99999999T' is not a size, e.g. 512M or 10G" },
	{ "output.seal", "no", "false", NULL },
	{ "output.seal", "on", "true", NULL },
	{ "output.seal", "maybe", NULL, "'maybe' is not true or false" },
	{ "output.fsync", "batch", "batch", NULL },
	{ "output.fsync", "always", NULL, "'always' is not never, interval or batch" },
	{ "dashboard.auth", "none", "none", NULL },
	{ "dashboard.auth", "basic", NULL, "'basic' is not token or none" },
	{ "dashboard.hosts", "a,b.example", "a,b.example", NULL },
	{ "dashboard.hosts", ",,a,", "a", NULL },
	{ "dashboard.hosts", "", "", NULL },
	{ "dashboard.hosts", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", NULL,
	  "'1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17' is not a list of at most 16" },
	{ "host", "web-1", "web-1", NULL },
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(value_cases); i++) {
		const struct value_case *v = &value_cases[i];
		_cleanup_buffer_ struct buffer errors = { 0 }, got = { 0 }, want = { 0 };
		struct config c;

		assert_int_equal(config_init(&c), 0);
		expect_number(v->value, "result",
			      config_set(&c, v->key, v->value, "here", &errors),
			      v->error ? -EINVAL : 0);
		if (v->error)
			buffer_appendf(&want, "here: %s: %s\n", v->key, v->error);
		else
			config_append_value(&c, v->key, &got);
		expect_span(v->value, "complaint", buffer_span(&errors),
			    buffer_span(&want));
		if (v->want)
			expect_span(v->value, "value", buffer_span(&got),
				    span_from(v->want));
		config_deinit(&c);
	}
}

#define TEN  "a_long_key"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct text_case {
	const char *name, *in, *want; /* complaints */
} text_cases[] = {
	{ "nothing", "", "" },
	{ "a null", "~\n", "x.yaml:1:1: a configuration is a map of keys\n" },
	{ "nested and dotted", "output: {fsync: batch}\noutput.seal: no\n", "" },
	{ "a sequence", "dashboard:\n  hosts: [a, b.example]\n", "" },
	{ "a module's option", "modules:\n  mine:\n    note: hello\n", "" },
	{ "twice, the later counts", "modules.mine.note: x\nmodules.mine.note: hello\n",
	  "" },
	{ "unknown", "pol_interval: 1\n",
	  "x.yaml:1:1: unknown key 'pol_interval' (did you mean 'poll_interval'?)\n" },
	{ "nothing like it", "zzzzzzzz: 1\n", "x.yaml:1:1: unknown key 'zzzzzzzz'\n" },
	{ "each is told", "a: 1\noutput: {seal: x}\n",
	  "x.yaml:1:1: unknown key 'a'\n"
	  "x.yaml:2:10: output.seal: 'x' is not true or false\n" },
	{ "too deep", "a: {b: {c: {d: {e: {f: {g: {h: {i: {j: 1}}}}}}}}}\n",
	  "x.yaml:1:37: unknown key 'j…'\n" },
	{ "too long", "modules:\n  mine:\n    " LONG ": 1\n",
	  "x.yaml:3:5: the key 'modules.mine.a_long_keya_long_ke…' is too long: with "
	  "what it is "
	  "under, it has to have fewer than 128 bytes\n" },
	{ "no map", "- a\n", "x.yaml:1:3: a configuration is a map of keys\n" },
	{ "no value", "host:\n", "x.yaml:1:1: 'host' has no value\n" },
	{ "a comma", "dashboard.hosts: ['a,b']\n",
	  "x.yaml:1:20: a comma cannot stand in 'a,b'\n" },
	{ "no option", "modules.mine: 3\n",
	  "x.yaml:1:1: 'modules.mine' should be modules.MODULE.OPTION\n" },
	{ "no module", "modules:\n  .x: 1\n",
	  "x.yaml:2:3: 'modules..x' should be modules.MODULE.OPTION\n" },
	{ "a NUL", "host: \"a\\0b\"\n",
	  "x.yaml:1:8: host must not contain a NUL byte\n" },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(text_cases); i++) {
		const struct text_case *t = &text_cases[i];
		_cleanup_buffer_ struct buffer errors = { 0 };
		struct config c;

		assert_int_equal(config_init(&c), 0);
		expect_number(t->name, "result",
			      config_load_text(&c, "x.yaml", span_from(t->in), &errors),
			      *t->want ? -EINVAL : 0);
		expect_span(t->name, "complaints", buffer_span(&errors),
			    span_from(t->want));
		config_deinit(&c);
	}
}

static void test_many_options(void **state)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	struct config c;
	char key[64];

	(void)state;
	assert_int_equal(config_init(&c), 0);
	for (int i = 0; i <= CONFIG_MODULE_OPTIONS_MAX; i++) {
		(void)snprintf(key, sizeof(key), "modules.mine.o%d", i);
		assert_int_equal(config_set(&c, key, "1", "here", &errors),
				 i < CONFIG_MODULE_OPTIONS_MAX ? 0 : -EINVAL);
	}
	expect_span("many", "complaint", buffer_span(&errors),
		    SPAN("here: too many options of modules\n"));
	assert_int_equal(config_set(&c, "modules.mine.o0", "2", "here", &errors), 0);
	assert_string_equal(config_module_option(&c, "mine", "o0"), "2");
	assert_null(config_module_option(&c, "mine", "none"));
	config_deinit(&c);
}

/* The file, then its drop-ins by name, then the environment. */
static void test_files(void **state)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	char folder[] = "/tmp/lksm-test-XXXXXX", path[64];
	struct config c;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/lksm.yaml", folder);
	assert_int_equal(config_init(&c), 0);
	assert_int_equal(config_load_file(&c, path, &errors), -ENOENT);
	write_below(folder, "lksm.yaml", "host: one\noutput.seal: no\n");
	write_below(folder, "lksm.yaml.d/20.yaml", "host: three\n");
	write_below(folder, "lksm.yaml.d/10.yaml", "host: two\noutput.fsync: batch\n");
	write_below(folder, "lksm.yaml.d/.hidden.yaml", "host: hidden\n");
	write_below(folder, "lksm.yaml.d/30.yaml~", "host: backup\n");
	assert_int_equal(config_load_file(&c, path, &errors), 0);
	assert_string_equal(c.host, "three");
	assert_false(c.seal);
	assert_int_equal(c.fsync, CONFIG_FSYNC_BATCH);
	assert_int_equal(setenv("LKSM_HOST", "four", 1), 0);
	assert_int_equal(config_load_environment(&c, &errors), 0);
	assert_string_equal(c.host, "four");
	assert_int_equal(setenv("LKSM_OUTPUT_RETENTION_DAYS", "x", 1), 0);
	assert_int_equal(config_load_environment(&c, &errors), -EINVAL);
	expect_span("environment", "complaint", buffer_span(&errors),
		    SPAN("LKSM_OUTPUT_RETENTION_DAYS: output.retention.days: 'x' is not "
			 "a number\n"));
	buffer_clear(&errors);
	write_below(folder, "lksm.yaml.d/20.yaml", "hots: three\n");
	assert_int_equal(config_load_file(&c, path, &errors), -EINVAL);
	assert_non_null(memmem(errors.data, errors.len, "did you mean 'host'?", 20));
	config_deinit(&c);
	(void)unsetenv("LKSM_HOST");
	(void)unsetenv("LKSM_OUTPUT_RETENTION_DAYS");
	remove_folder(folder);
}

/* What only a start can change, and what a reload can. */
static const struct reload_case {
	const char *key, *value;
	bool is_refused;
} reload_cases[] = {
	{ "poll_interval", "2", false },	{ "host", "other", false },
	{ "rules.enable", "a,b", false },	{ "output.fsync", "batch", false },
	{ "output.dir", "/elsewhere", true },	{ "output.seal", "false", true },
	{ "dashboard.enabled", "false", true }, { "dashboard.auth", "none", true },
	{ "modules.dirs", "/m", true },		{ "modules.rate_limit", "7", true },
	{ "mutes", "/elsewhere", true },	{ "rules.watch", "no", false },
	{ "modules.mine.note", "bye", true },	{ "modules.mine.more", "1", true },
};

static void test_reloads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reload_cases); i++) {
		const struct reload_case *r = &reload_cases[i];
		_cleanup_buffer_ struct buffer errors = { 0 }, want = { 0 };
		struct config running, fresh;

		assert_int_equal(config_init(&running), 0);
		assert_int_equal(config_init(&fresh), 0);
		(void)config_set(&running, "modules.mine.note", "hello", "", &errors);
		(void)config_set(&fresh, "modules.mine.note", "hello", "", &errors);
		expect_number(r->key, "the same",
			      config_check_reload(&running, &fresh, &errors), 0);
		(void)config_set(&fresh, r->key, r->value, "", &errors);
		expect_number(r->key, "result",
			      config_check_reload(&running, &fresh, &errors),
			      r->is_refused ? -EINVAL : 0);
		if (r->is_refused)
			buffer_appendf(
				&want,
				"%s cannot change while the daemon runs: restart it",
				r->key);
		expect_span(r->key, "complaint", buffer_span(&errors),
			    buffer_span(&want));
		config_deinit(&running);
		config_deinit(&fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	     cmocka_unit_test(test_texts),
		cmocka_unit_test(test_many_options), cmocka_unit_test(test_files),
		cmocka_unit_test(test_reloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
