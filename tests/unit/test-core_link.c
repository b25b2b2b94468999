// SPDX-License-Identifier: Apache-2.0
/* privsep/core_link, privsep/web_link: nothing is left of one whose process was not watched. */
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "expect.h"
#include "privsep/core_link.h"
#include "privsep/process.h"
#include "privsep/web_link.h"

static size_t count_open(void)
{
	struct descriptors d = { 0 };
	size_t n;

	assert_int_equal(descriptors_list(&d), 0);
	n = d.n;
	descriptors_deinit(&d);
	return n;
}

static void start_core(struct core_link *l)
{
	struct child_channels channels;

	assert_int_equal(core_link_open(l, &channels), 0);
	cleanup_close(&channels.control);
	cleanup_close(&channels.storage);
	assert_true(core_link_start(l) >= 0);
}

static void start_web(struct web_link *l)
{
	struct child_channels channels;

	assert_int_equal(web_link_open(l, &channels), 0);
	cleanup_close(&channels.control);
	assert_true(web_link_start(l) >= 0);
}

static void test_opened_again(void **state)
{
	struct core_link core = { .control_fd = -1, .storage_fd = -1 };
	struct web_link web = { .control_fd = -1 };
	sd_event *event = NULL;
	size_t n;

	(void)state;
	assert_int_equal(sd_load(NULL), 0);
	assert_true(sd_event_new(&event) >= 0);
	core.event = core.pulse.event = web.event = web.pulse.event = event;
	core.pulse.name = web.pulse.name = "test";
	start_core(&core);
	start_web(&web);
	n = count_open();
	start_core(&core);
	start_web(&web);
	assert_int_equal(count_open(), n);
	core_link_close(&core);
	web_link_close(&web);
	assert_int_equal(count_open(), n - 3);
	(void)sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opened_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
