// SPDX-License-Identifier: Apache-2.0
/*
 * The sensor's channel and the kernel log together, through the module that reads both.
 * Each is a SOCK_SEQPACKET socket, a packet a line; time goes by when a case says so.
 */
#define LKSM_BUILTIN

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_host.h"

static struct now scripted_clock(void);
#define clock_now scripted_clock
#include "modules/kprobe_reader.c"
#undef clock_now

const struct lksm_module *const *const lksm_builtin_modules[] = {
	&lksm_builtin_kprobe_reader, NULL
};

static uint64_t time_us = 1000000;

static struct now scripted_clock(void)
{
	return (struct now){ time_us, time_us };
}

static void begin(struct fake_host *f, int fd)
{
	f->source_fd = fd;
	assert_int_equal(registry_discover(f->registry), 0);
	assert_int_equal(registry_start_all(f->registry, f->now), 0);
}

#define HEADER(instance)                                           \
	"lksm_version=1 sensor=1 instance=00000000000000" instance \
	" boot_id=unknown first=0 next=0\n"
#define MIRRORED(seq, text) \
	"seq=" #seq " ts=5.00000" #seq " mirror=\"" text "\" type=x k=\"" text "\"\n"
#define SAYS(seq, text)	    "proc:00000000000000aa " #seq " sensor type=x k=\"" text "\"\n"
#define LINE(seq, us, text) "4," #seq "," #us ",-;[PHOTON RING] " text "\n"

enum {
	LOG,
	CHANNEL
};

struct act {
	int where;
	const char *packet; /* NULL: none; "": its end is closed */
	uint64_t wait_us;   /* before it */
	const char *want;
};

static const struct channel_case {
	const char *name;
	int64_t position, held; /* of kmsg; -1: none */
	struct act acts[10];
} channel_cases[] = {
	{ "an echo, early and late",
	  -1,
	  -1,
	  { { CHANNEL, HEADER("aa"), 0, "" },
	    { CHANNEL, MIRRORED(0, "a"), 0, SAYS(0, "a") },
	    { LOG, LINE(0, 5000010, "a"), 0, "kmsg 0 echo\n" },
	    { LOG, LINE(1, 5000011, "b"), 0, "kmsg 1 undecided\n" },
	    { CHANNEL, MIRRORED(1, "b"), 1000000, SAYS(1, "b") "kmsg 1 echo\n" },
	    { LOG, NULL, 5000000, "" } } },
	{ "no record, two seconds later",
	  -1,
	  -1,
	  { { CHANNEL, HEADER("aa"), 0, "" },
	    { CHANNEL, MIRRORED(0, "a"), 0, SAYS(0, "a") },
	    { LOG, LINE(0, 5000010, "b"), 0, "kmsg 0 undecided\n" },
	    { LOG, "4,1,5000011,-;usb 1-1\n", 1000000, "kmsg 1 usb 1-1\n" },
	    { LOG, NULL, 999999, "" },
	    { LOG, NULL, 1, "kmsg 0 no_record [PHOTON RING] b\n" } } },
	{ "text is compared as the sensor wrote it",
	  -1,
	  -1,
	  { { CHANNEL, HEADER("aa"), 0, "" },
	    { CHANNEL, MIRRORED(0, "a\\x5cx41"), 0, SAYS(0, "a\\x5cx41") },
	    { LOG, LINE(0, 5000010, "a\\x5cx41"), 0, "kmsg 0 echo\n" } } },
	{ "a line of user space takes no record",
	  -1,
	  -1,
	  { { CHANNEL, HEADER("aa"), 0, "" },
	    { CHANNEL, MIRRORED(0, "a"), 0, SAYS(0, "a") },
	    { LOG, "12,0,5000010,-;[PHOTON RING] a\n", 0, "kmsg 0 [PHOTON RING] a\n" },
	    { LOG, LINE(1, 5000010, "a"), 0, "kmsg 1 echo\n" } } },
	{ "older than the sensor",
	  -1,
	  -1,
	  { { CHANNEL, HEADER("aa"), 0, "" },
	    { CHANNEL, MIRRORED(0, "a"), 0, SAYS(0, "a") },
	    { LOG, LINE(0, 4999999, "b"), 0, "kmsg 0 unverified [PHOTON RING] b\n" } } },
	{ "gone",
	  -1,
	  -1,
	  { { CHANNEL, HEADER("aa"), 0, "" },
	    { CHANNEL, MIRRORED(0, "a"), 0, SAYS(0, "a") },
	    { LOG, LINE(0, 5000010, "b"), 0, "kmsg 0 undecided\n" },
	    { CHANNEL, "", 0,
	      "lksm: sensor_gone critical instance=00000000000000aa last=0\n"
	      "kmsg 0 unverified [PHOTON RING] b\n" },
	    { LOG, LINE(1, 9000010, "c"), 0, "kmsg 1 unverified [PHOTON RING] c\n" } } },
	{ "reloaded in one stream",
	  -1,
	  -1,
	  { { CHANNEL, HEADER("aa"), 0, "" },
	    { CHANNEL, MIRRORED(0, "a"), 0, SAYS(0, "a") },
	    { CHANNEL, HEADER("bb"), 0,
	      "lksm: sensor_gone critical instance=00000000000000aa last=0\n"
	      "lksm: sensor_back info instance=00000000000000bb first=0\n" },
	    { CHANNEL, MIRRORED(0, "b"), 0,
	      "proc:00000000000000bb 0 sensor type=x k=\"b\"\n" } } },
	{ "decided before our start: no more",
	  2,
	  -1,
	  { { CHANNEL, HEADER("aa"), 0, "" },
	    { CHANNEL, MIRRORED(0, "a"), 0, SAYS(0, "a") },
	    { LOG, LINE(2, 5000010, "a"), 0, "" },
	    { LOG, LINE(3, 5000010, "a"), 0, "kmsg 3 undecided\n" } } },
	{ "held since before our start",
	  2,
	  2,
	  { { CHANNEL, HEADER("aa"), 0, "" },
	    { CHANNEL, MIRRORED(0, "a"), 0, SAYS(0, "a") },
	    { LOG, LINE(2, 5000010, "forged"), 0, "kmsg 2 undecided\n" },
	    { LOG, LINE(3, 5000010, "a"), 0, "kmsg 3 echo\n" },
	    { LOG, NULL, 2000000, "kmsg 2 no_record [PHOTON RING] forged\n" } } },
	{ "held, and the channel is gone",
	  2,
	  2,
	  { { LOG, LINE(2, 5000010, "forged"), 0,
	      "kmsg 2 unverified [PHOTON RING] forged\n" } } },
	{ "held, and overwritten",
	  3,
	  2,
	  { { LOG, LINE(4, 5000010, "a"), 0,
	      "lksm: records_lost high stream=kmsg first=2 last=2 count=1 "
	      "reason=overwritten\n"
	      "kmsg 2 echo\nkmsg 4 [PHOTON RING] a\n" } } },
	{ "nonsense",
	  -1,
	  -1,
	  { { CHANNEL, HEADER("aa"), 0, "" },
	    { CHANNEL, "what\n", 0,
	      "lksm: source_failed high stream=proc:00000000000000aa "
	      "error=lines that are not in the format of the sensor count=1\n" },
	    { CHANNEL, MIRRORED(0, "a"), 0, SAYS(0, "a") } } },
};

static void close_pair(int pair[2])
{
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void say(int fd, const char *packet)
{
	assert_int_equal(write(fd, packet, strlen(packet)), strlen(packet));
}

static void act(struct fake_host *f, const char *name, const struct act *a, int fd)
{
	time_us += a->wait_us;
	if (a->packet && a->packet[0])
		say(fd, a->packet);
	else if (a->packet)
		assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	fake_host_run(f);
	fake_host_expect(f, name, a->want);
}

static void test_channel(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(channel_cases); i++) {
		const struct channel_case *c = &channel_cases[i];
		int log[2], channel[2];
		struct fake_host f;

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, log), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), 0);
		fake_host_init(&f);
		f.position_stream = c->position >= 0 ? "kmsg" : NULL;
		f.position = (uint64_t)c->position;
		f.held_stream = c->held >= 0 ? "kmsg" : NULL;
		f.held = (uint64_t)c->held;
		if (c->acts[0].where == CHANNEL)
			f.late_fd = channel[0];
		begin(&f, log[0]);
		for (const struct act *a = c->acts; a->want; a++)
			act(&f, c->name, a, a->where == LOG ? log[1] : channel[1]);
		fake_host_deinit(&f);
		close_pair(log);
		close_pair(channel);
	}
}

/* While it is not known whether there is a channel, the log waits, but not for ever. */
static void test_asking(void **state)
{
	int log[2], channel[2];
	struct fake_host f;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, log), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), 0);
	fake_host_init(&f);
	f.can_look = true;
	begin(&f, log[0]);
	assert_int_equal(f.n_looks, 1);
	say(log[1], LINE(0, 10, "a"));
	fake_host_run(&f);
	fake_host_expect(&f, "asked at start", "");
	assert_int_equal(f.n_watched, 0); /* or it would be readable all the time */
	time_us += 1000000;
	fake_host_run(&f);
	fake_host_expect(&f, "no answer is a no, and the line asks again",
			 "kmsg 0 undecided\n");
	assert_int_equal(f.n_looks, 2);
	registry_give_source(f.registry, "kprobe_reader", "proc", -ENOENT);
	fake_host_run(&f);
	fake_host_expect(&f, "there is none", "kmsg 0 [PHOTON RING] a\n");
	assert_int_equal(f.n_watched, 1);
	assert_false(registry_needs_ticks(f.registry));
	say(log[1], LINE(1, 10, "b"));
	fake_host_run(&f);
	fake_host_expect(&f, "not asked so soon again", "kmsg 1 [PHOTON RING] b\n");
	time_us += 100000;
	say(log[1], LINE(2, 5000009, "c"));
	fake_host_run(&f);
	say(channel[1], HEADER("aa"));
	say(channel[1], MIRRORED(0, "c"));
	registry_give_source(f.registry, "kprobe_reader", "proc", channel[0]);
	fake_host_run(&f);
	fake_host_expect(&f, "a sensor's first line finds its channel",
			 "kmsg 2 undecided\n" SAYS(0, "c") "kmsg 2 echo\n");
	assert_int_equal(f.n_looks, 3);
	fake_host_deinit(&f);
	assert_int_equal(fcntl(channel[0], F_GETFD), -1);
	(void)close(channel[1]);
	close_pair(log);
}

/* Forged lines without end: each is decided, and their number in waiting is bounded. */
static void test_flood_of_forgeries(void **state)
{
	int log[2], channel[2];
	struct fake_host f;
	char line[64];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, log), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), 0);
	fake_host_init(&f);
	f.late_fd = channel[0];
	say(channel[1], HEADER("aa"));
	say(channel[1], MIRRORED(0, "a"));
	begin(&f, log[0]);
	for (int i = 0; i < 400; i++) {
		(void)snprintf(line, sizeof(line), "4,%d,5000010,-;[PHOTON RING] x\n", i);
		say(log[1], line);
		fake_host_run(&f);
	}
	/* the record, each line undecided, and those for which there was no room decided */
	assert_int_equal(f.n_events, 1 + 400 + 400 - (ECHO_PENDING_MAX - 1));
	time_us += ECHO_PATIENCE_US;
	fake_host_run(&f);
	assert_int_equal(f.n_events, 1 + 400 + 400);
	fake_host_deinit(&f);
	close_pair(log);
	close_pair(channel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_channel),
		cmocka_unit_test(test_asking),
		cmocka_unit_test(test_flood_of_forgeries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
