// SPDX-License-Identifier: Apache-2.0
/* privsep/mute_watch: which events a change of the file becomes. */
#include "privsep/mute_watch.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/systemd.h"
#include "expect.h"

#define FDS_MAX 256
#define NOW_US	((uint64_t)1770724800 * 1000000) /* 2026-02-10T12:00:00Z */
#define ONE	"1\ttype=a\t2026-02-10T12:00:00.000000Z\twhy\troot\t{\"id\": 1}\n"
#define TWO	"2\ttype=b data.k=\"x\"\t\t\t\t{\"id\": 2}\n"
#define ADDED_ONE                                                                   \
	"{\"type\": \"mute_added\", \"data\": {\"id\": 1, \"what\": \"type=a\", "   \
	"\"until\": \"2026-02-10T12:00:00.000000Z\", \"reason\": \"why\", \"by\": " \
	"\"root\"}, \"severity\": \"medium\"}\n"
#define ADDED_TWO                                                              \
	"{\"type\": \"mute_added\", \"data\": {\"id\": 2, \"what\": \"type=b " \
	"data.k=\\\"x\\\"\"}, \"severity\": \"medium\"}\n"
#define REMOVED(id, what, how)                                                      \
	"{\"type\": \"mute_removed\", \"data\": {\"id\": " id ", \"what\": \"" what \
	"\", \"how\": \"" how "\"}, \"severity\": \"info\"}\n"

static const struct change {
	const char *name, *before, *after, *want;
} changes[] = {
	{ "nothing", "", "", "" },
	{ "the same", ONE TWO, ONE TWO, "" },
	{ "another order", ONE TWO, TWO ONE, "" },
	{ "the first", "", ONE, ADDED_ONE },
	{ "one more", ONE, ONE TWO, ADDED_TWO },
	{ "one less", ONE TWO, ONE, REMOVED("2", "type=b data.k=\\\"x\\\"", "removed") },
	{ "over by now", ONE TWO, TWO, REMOVED("1", "type=a", "expired") },
	{ "changed", "2\ttype=a\t\t\t\t{}\n", TWO,
	  REMOVED("2", "type=a", "removed") ADDED_TWO },
	{ "not ours", "", "x\ttype=a\t\t\t\t\n1\ttype=a\n\n1\ta\tb\tc\td\te\tf\n", "" },
	{ "torn", "", "1\ttype=a\t\t\t\t{}", "" },
};

static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change *c = &changes[i];
		struct reports reports;
		sd_event *event;
		char got[4096];
		ssize_t n;

		assert_int_equal(sd_load(NULL), 0);
		assert_true(sd_event_new(&event) >= 0);
		assert_int_equal(reports_open(&reports, event), 0);
		mute_watch_compare(&reports, span_from(c->before), span_from(c->after),
				   NOW_US);
		n = read(reports.read_fd, got, sizeof(got));
		expect_span(c->name, "events",
			    (struct span){ got, n > 0 ? (size_t)n : 0 },
			    span_from(c->want));
		reports_close(&reports);
		(void)sd_event_unref(event);
	}
}

/* What the child that reads the file finds. */
struct disk {
	bool is_broken;
	int n_lines;	/* as no file has them; 0: ONE */
	bool is_silent; /* nothing more comes of it, not even its end */
	int n_reads;
};

static int load(void *context, int secrets, struct buffer *out)
{
	struct disk *disk = context;

	(void)secrets;
	disk->n_reads++;
	if (disk->is_broken)
		return -EIO;
	for (int fd = STDERR_FILENO + 1; disk->is_silent && fd < FDS_MAX; fd++)
		(void)close(fd);
	while (disk->is_silent)
		(void)poll(NULL, 0, -1);
	for (int i = 0; i < disk->n_lines; i++)
		buffer_append_literal(out, "\n");
	if (!disk->n_lines)
		buffer_append_literal(out, ONE);
	return 0;
}

/* Its time to look has come: until it has read the file once more. */
static void look(struct mute_watch *w)
{
	const struct disk *disk = w->context;
	int n_before = disk->n_reads;

	assert_non_null(w->look);
	assert_true(sd_event_source_set_time(w->look, 0) >= 0);
	for (int i = 0; disk->n_reads == n_before && i < 3; i++)
		assert_true(sd_event_run(w->event, 20 * USEC_PER_SEC) > 0);
	assert_int_not_equal(disk->n_reads, n_before);
}

static void expect_told(const struct mute_watch *w, const char *name, const char *want)
{
	char got[4096];
	ssize_t n = read(w->reports->read_fd, got, sizeof(got));

	expect_span(name, "events", (struct span){ got, n > 0 ? (size_t)n : 0 },
		    span_from(want));
}

/* The file is what it was, and yet to be read; that it cannot be is told once. */
static void test_reads_again(void **state)
{
	char path[] = "/tmp/lksm-test-mutes-XXXXXX";
	struct disk *disk = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct reports reports;
	struct mute_watch w = { .reports = &reports, .load = load, .context = disk };
	int fd = mkstemp(path);

	(void)state;
	assert_true(disk != MAP_FAILED && fd >= 0);
	assert_int_equal(sd_load(NULL), 0);
	assert_true(sd_event_new(&w.event) >= 0);
	assert_int_equal(reports_open(&reports, w.event), 0);
	disk->is_broken = true;
	mute_watch_start(&w, path);
	expect_told(&w, "it fails",
		    "{\"type\": \"config_rejected\", \"data\": {\"error\": \"the new "
		    "configuration or rules are not valid\"}, \"severity\": \"high\"}\n");
	look(&w);
	expect_told(&w, "and again", "");
	disk->is_broken = false;
	look(&w);
	expect_told(&w, "now it is there", ADDED_ONE);
	assert_int_equal(write(fd, "#", 1), 1);
	disk->is_broken = true;
	look(&w);
	expect_told(&w, "another one",
		    "{\"type\": \"config_rejected\", \"data\": {\"error\": \"the new "
		    "configuration or rules are not valid\"}, \"severity\": \"high\"}\n");
	disk->is_broken = false;
	disk->is_silent = true;
	assert_int_equal(write(fd, "#", 1), 1);
	(void)alarm(60); /* nobody else would end it */
	look(&w);
	(void)alarm(0);
	expect_told(
		&w, "silence",
		"{\"type\": \"config_rejected\", \"data\": {\"error\": \"the process "
		"that "
		"reads the configuration and rules crashed over them\"}, \"severity\": "
		"\"high\"}\n");
	disk->is_silent = false;
	disk->n_lines = MUTES_MAX + 1;
	assert_int_equal(write(fd, "#", 1), 1);
	look(&w);
	expect_told(
		&w, "nonsense",
		"{\"type\": \"config_rejected\", \"data\": {\"error\": \"cannot read "
		"the configuration or rules: Bad message\"}, \"severity\": \"high\"}\n");
	mute_watch_stop(&w);
	reports_close(&reports);
	(void)sd_event_unref(w.event);
	(void)munmap(disk, sizeof(*disk));
	(void)close(fd);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_changes),
					    cmocka_unit_test(test_reads_again) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
