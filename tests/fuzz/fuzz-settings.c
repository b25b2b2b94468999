// SPDX-License-Identifier: Apache-2.0
/* What is accepted as packed settings must come out the same when it is packed again. */
#include "core/settings.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = { (const char *)data, size };
	_cleanup_buffer_ struct buffer errors = { 0 }, packed = { 0 }, again = { 0 };
	struct settings s, t;

	if (settings_unpack(input, &s, &errors) < 0)
		return 0;
	MUST(settings_pack(&s.config, &s.rules, s.n_rules, &packed) == 0);
	MUST(settings_unpack(buffer_span(&packed), &t, &errors) == 0);
	MUST(settings_pack(&t.config, &t.rules, t.n_rules, &again) == 0);
	MUST(span_equal(buffer_span(&packed), buffer_span(&again)));
	settings_deinit(&s);
	settings_deinit(&t);
	return 0;
}
