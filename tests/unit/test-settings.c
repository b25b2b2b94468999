// SPDX-License-Identifier: Apache-2.0
/* core/settings: what is packed comes out the same; whatever else comes is refused. */
#include "core/settings.h"

#include <errno.h>
#include <stdlib.h>

#include "expect.h"

/* Longer than a file may have it: what is packed is not cut. */
#define TEN "a_long_key"
#define LONG                                                                            \
	TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN \
		TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void set(struct config *c, const char *key, const char *value)
{
	_cleanup_buffer_ struct buffer errors = { 0 };

	assert_int_equal(config_set(c, key, value, "--test", &errors), 0);
}

static void add(struct rules_files *files, const char *path, size_t folder,
		const char *text)
{
	assert_int_equal(rules_files_add(files, strdup(path), folder), 0);
	buffer_append_literal(&files->items[files->n - 1].text, "");
	buffer_append_span(&files->items[files->n - 1].text, span_from(text));
}

static void make(struct buffer *packed)
{
	struct settings s = { 0 };

	assert_int_equal(config_init(&s.config), 0);
	set(&s.config, "host", "web-1");
	set(&s.config, "poll_interval", "0.25");
	set(&s.config, "output.retention.size", "10G");
	set(&s.config, "dashboard.auth", "none");
	set(&s.config, "dashboard.enabled", "false");
	set(&s.config, "dashboard.hosts", "a,b.example");
	set(&s.config, "dashboard.tls.certificate", "/etc/lksm/cert.pem");
	set(&s.config, "dashboard.plain_http", "true");
	set(&s.config, "dashboard.rate_limit", "7");
	set(&s.config, "modules.mine.note", "it's, \"here\"");
	set(&s.config, "modules.mine." LONG, "whole");
	set(&s.config, "alerts.receivers." LONG ".type", "webhook");
	add(&s.rules, "/one/10-a.yaml", 0, "rules: []\n");
	add(&s.rules, "/two/20-b.yaml", 1, "");
	assert_int_equal(settings_pack(&s.config, &s.rules, 7, packed), 0);
	settings_deinit(&s);
}

static void test_it_comes_out_the_same(void **state)
{
	_cleanup_buffer_ struct buffer packed = { 0 }, errors = { 0 };
	struct settings s;

	(void)state;
	make(&packed);
	assert_int_equal(settings_unpack(buffer_span(&packed), &s, &errors), 0);
	assert_int_equal(s.n_rules, 7);
	assert_string_equal(s.config.host, "web-1");
	assert_int_equal(s.config.poll_interval_us, 250000);
	assert_int_equal(s.config.keep_bytes, UINT64_C(10) << 30);
	assert_false(s.config.dashboard_auth);
	assert_false(s.config.dashboard_enabled);
	assert_int_equal(s.config.dashboard_hosts.n, 2);
	assert_string_equal(s.config.dashboard_certificate, "/etc/lksm/cert.pem");
	assert_true(config_has_tls(&s.config));
	assert_true(s.config.dashboard_plain_http);
	assert_int_equal(s.config.dashboard_rate_limit, 7);
	assert_int_equal(s.config.dashboard_connection_limit, 250);
	assert_string_equal(s.config.dashboard_hosts.items[1], "b.example");
	assert_string_equal(config_module_option(&s.config, "mine", "note"),
			    "it's, \"here\"");
	assert_string_equal(s.config.module_options[0].place, "--test");
	assert_string_equal(config_module_option(&s.config, "mine", LONG), "whole");
	assert_string_equal(s.config.alert_options[0].key, "receivers." LONG ".type");
	assert_int_equal(s.rules.n, 2);
	assert_string_equal(s.rules.items[1].path, "/two/20-b.yaml");
	assert_int_equal(s.rules.items[1].folder, 1);
	expect_span("rules", "text", buffer_span(&s.rules.items[0].text),
		    SPAN("rules: []\n"));
	settings_deinit(&s);
}

/* Cut at each byte: only between two whole values or files is it settings at all. */
static void test_the_beginning_of_it(void **state)
{
	_cleanup_buffer_ struct buffer packed = { 0 };
	size_t n_good = 0;

	(void)state;
	make(&packed);
	for (size_t i = 0; i < packed.len; i++) {
		_cleanup_buffer_ struct buffer errors = { 0 };
		struct settings s;
		int r = settings_unpack((struct span){ packed.data, i }, &s, &errors);

		assert_true(r == 0 || (r == -EBADMSG && errors.len));
		if (r < 0)
			continue;
		n_good++;
		settings_deinit(&s);
	}
	assert_in_range(n_good, 10, 64);
}

static void test_nonsense(void **state)
{
	static const struct {
		const char *name;
		struct span packed;
		int want;
	} cases[] = {
		{ "nothing", BYTES(""), -EBADMSG },
		{ "a short count", BYTES("N\4\0\0\0\1\0\0\0"), -EBADMSG },
		{ "a length beyond the end",
		  BYTES("N\10\0\0\0\1\0\0\0\0\0\0\0K\377\377\377\377host"), -EBADMSG },
		{ "an unknown key",
		  BYTES("N\10\0\0\0\1\0\0\0\0\0\0\0K\4\0\0\0hotsV\1\0\0\0xL\0\0\0\0"),
		  -EINVAL },
		{ "a value that is none",
		  BYTES("N\10\0\0\0\1\0\0\0\0\0\0\0K\15\0\0\0poll_intervalV\1\0\0\0x"
			"L\0\0\0\0"),
		  -EINVAL },
		{ "a NUL in a value",
		  BYTES("N\10\0\0\0\1\0\0\0\0\0\0\0K\4\0\0\0hostV\3\0\0\0a\0bL\0\0\0\0"),
		  -EBADMSG },
		{ "an unknown tag", BYTES("N\10\0\0\0\1\0\0\0\0\0\0\0Z\0\0\0\0"),
		  -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer errors = { 0 };
		struct settings s;

		expect_number(cases[i].name, "result",
			      settings_unpack(cases[i].packed, &s, &errors),
			      cases[i].want);
		if (!errors.len)
			fail_msg("%s: without a word", cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_comes_out_the_same),
		cmocka_unit_test(test_the_beginning_of_it),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
