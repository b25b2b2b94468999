// SPDX-License-Identifier: Apache-2.0
/*
 * The file of mutes. What is refused is refused with a word; what is accepted comes out the same
 * when it is written and read again, and mutes nothing that is protected.
 */
#include "core/mutes.h"

#include "fuzz.h"

#define LINE(type)                                                               \
	SPAN("{\"seq\": 7, \"ts\": 1.000002, \"type\": \"" type "\", \"data\": " \
	     "{\"a\": 1}, \"severity\": \"critical\", \"source\": \"lksm\"}")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	_cleanup_buffer_ struct buffer errors = { 0 }, once = { 0 }, twice = { 0 };
	_cleanup_mutes_ struct mutes m = { 0 }, again = { 0 };
	int r = mutes_parse("fuzz.yaml", text, &m, &errors);

	MUST(r == 0 || (errors.len > 0 && m.n == 0));
	if (r < 0)
		return 0;
	mutes_format(&m, &once);
	MUST(mutes_parse("again.yaml", buffer_span(&once), &again, &errors) == 0);
	mutes_format(&again, &twice);
	MUST(span_equal(buffer_span(&once), buffer_span(&twice)));
	MUST(!mutes_match(&m, LINE("sensor_gone"), 0));
	MUST(!mutes_match(&m, LINE("records_lost"), 0));
	(void)mutes_match(&m, LINE("module_loaded"), 0);
	return 0;
}
