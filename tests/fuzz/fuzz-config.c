// SPDX-License-Identifier: Apache-2.0
/*
 * lksm.yaml. What is refused is refused with a word; what is accepted comes out the same
 * when each value is written and set again, and when all are packed for another process.
 */
#include "core/settings.h"

#include "fuzz.h"

/* What has no key of its own: alerts.receivers.NAME.KEY, modules.NAME.OPTION, … */
static void set_options(struct config *to, const struct config *from,
			struct buffer *errors)
{
	for (size_t i = 0; i < from->n_alert_options; i++) {
		const struct config_alert_option *o = &from->alert_options[i];
		_cleanup_buffer_ struct buffer key = { 0 };

		buffer_appendf(&key, "alerts.%s", o->key);
		MUST(buffer_cstring(&key));
		MUST(config_set(to, key.data, o->value, "again", errors) == 0);
	}
	for (size_t i = 0; i < from->n_module_options; i++) {
		const struct config_module_option *o = &from->module_options[i];
		_cleanup_buffer_ struct buffer key = { 0 };

		buffer_appendf(&key, "modules.%s.%s", o->module, o->option);
		MUST(buffer_cstring(&key));
		MUST(config_set(to, key.data, o->value, "again", errors) == 0);
	}
}

static void check_values(const struct config *c)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	struct config again;

	MUST(config_init(&again) == 0);
	for (const struct config_key *k = config_keys(); k->key; k++) {
		_cleanup_buffer_ struct buffer value = { 0 };

		config_append_value(c, k->key, &value);
		MUST(buffer_cstring(&value));
		MUST(config_set(&again, k->key, value.data, "again", &errors) == 0);
	}
	set_options(&again, c, &errors);
	MUST(config_check_reload(c, &again, &errors) == 0);
	config_deinit(&again);
}

static void check_packed(const struct config *c)
{
	_cleanup_buffer_ struct buffer errors = { 0 }, packed = { 0 }, again = { 0 };
	const struct rules_files none = { 0 };
	struct settings s;

	MUST(settings_pack(c, &none, 0, &packed) == 0);
	MUST(settings_unpack(buffer_span(&packed), &s, &errors) == 0);
	MUST(settings_pack(&s.config, &s.rules, s.n_rules, &again) == 0);
	MUST(span_equal(buffer_span(&packed), buffer_span(&again)));
	settings_deinit(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	_cleanup_buffer_ struct buffer errors = { 0 };
	struct config c;
	int r;

	MUST(config_init(&c) == 0);
	r = config_load_text(&c, "fuzz.yaml", text, &errors);
	MUST(r == 0 || errors.len > 0);
	if (r == 0) {
		check_values(&c);
		check_packed(&c);
	}
	config_deinit(&c);
	return 0;
}
