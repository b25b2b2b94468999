// SPDX-License-Identifier: Apache-2.0
/*
 * What the sensor costs, in instructions; PID 1 of the guest that tests/vm/cost boots. The
 * emulator is told that an instruction takes 1 ns and idle time passes at once, so that
 * the time stamp counter counts instructions, unless the processor is idle.
 *
 * Measures each thing with the sensor unloaded, then loaded, and this three times over.
 * Lines on the second serial port, of one measurement each:
 *
 *	WHAT off|on NUMBER
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define N_ROUNDS 3
#define N_LOADS	 8
#define IDLE_S	 20
#define AFTER_S	 12 /* the last check that follows a load comes after 10 s */
#define SLICE_S	 6  /* a sweep takes 5 s */

static FILE *out;
static const char *mode;

static _Noreturn void end(const char *complaint)
{
	if (complaint)
		fprintf(out, "failed: %s: %m\n", complaint);
	fprintf(out, "end\n");
	fflush(out);
	fsync(fileno(out));
	reboot(RB_POWER_OFF);
	exit(1);
}

static void tell(const char *what, uint64_t number)
{
	fprintf(out, "%s %s %llu\n", what, mode, (unsigned long long)number);
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		end(path);
	close(fd);
}

static void unload(const char *name)
{
	if (syscall(SYS_delete_module, name, O_NONBLOCK))
		end(name);
}

static void wait_s(int seconds)
{
	struct timespec pause = { .tv_sec = seconds };

	nanosleep(&pause, NULL);
}

static void spawn(void)
{
	pid_t pid = fork();

	if (pid < 0)
		end("fork");
	if (pid == 0) {
		execl("/init", "init", "exit", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static void open_close(void)
{
	close(open("/init", O_RDONLY | O_CLOEXEC));
}

static void get_pid(void)
{
	syscall(SYS_getpid);
}

static const struct loop {
	const char *name;
	void (*run)(void);
	int n;
} loops[] = {
	{ "fork+exec+exit", spawn, 300 },
	{ "open+close", open_close, 20000 },
	{ "getpid", get_pid, 200000 },
};

/* Per turn, of the best of five batches, for a timer's tick falls into any of them. */
static void measure_loop(const struct loop *loop)
{
	uint64_t best = UINT64_MAX;

	for (int batch = 0; batch < 5; batch++) {
		uint64_t start = __rdtsc(), taken;

		for (int i = 0; i < loop->n / 5; i++)
			loop->run();
		taken = __rdtsc() - start;
		if (taken < best)
			best = taken;
	}
	/* In thousandths: getpid has few instructions. */
	tell(loop->name, best * 1000 / (uint64_t)(loop->n / 5));
}

static void measure_module_load(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < N_LOADS; i++) {
		uint64_t start = __rdtsc(), taken;

		load("/other.ko");
		taken = __rdtsc() - start;
		if (taken < best)
			best = taken;
		unload("dummy");
	}
	tell("module_load", best);
}

/* Nanoseconds that the processor was idle; exact, unlike /proc/stat. */
static uint64_t idle_ns(void)
{
	FILE *f = fopen("/proc/timer_list", "re");
	unsigned long long ns = 0;
	char line[256];
	bool is_found = false;

	if (!f)
		end("/proc/timer_list");
	while (!is_found && fgets(line, sizeof(line), f))
		is_found = sscanf(line, " .idle_sleeptime : %llu", &ns) == 1;
	fclose(f);
	if (!is_found)
		end("no idle_sleeptime in /proc/timer_list");
	return ns;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* How long the processor is busy while this program sleeps. */
static void measure_idle(const char *what, int seconds, bool with_load)
{
	uint64_t start = now_ns(), idle = idle_ns();

	if (with_load)
		load("/other.ko");
	wait_s(seconds);
	idle = idle_ns() - idle;
	tell(what, now_ns() - start - idle);
	if (with_load)
		unload("dummy");
}

/*
 * The longest time that a program of the lowest rank waits while it wants to run: the
 * longest slice of the sweeps, or of whatever else there is.
 */
static void measure_slice(void)
{
	struct sched_param zero = { 0 };
	uint64_t first = __rdtsc(), last = first, longest = 0;

	sched_setscheduler(0, SCHED_IDLE, &zero);
	while (last - first < SLICE_S * 1000000000ULL) {
		uint64_t now = __rdtsc();

		if (now - last > longest)
			longest = now - last;
		last = now;
	}
	sched_setscheduler(0, SCHED_OTHER, &zero);
	tell("longest_slice", longest);
}

static void measure_all(int round)
{
	/* What follows a load is over. */
	wait_s(AFTER_S);
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++)
		measure_loop(&loops[i]);
	measure_module_load();
	wait_s(AFTER_S);
	measure_idle("idle", IDLE_S, false);
	measure_idle("load_and_after", AFTER_S, true);
	if (round == 0)
		measure_slice();
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exit"))
		_exit(0);
	mkdir("/proc", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	out = fopen("/dev/ttyS1", "we");
	if (!out)
		out = stdout;
	setvbuf(out, NULL, _IOLBF, 0);
	for (int round = 0; round < N_ROUNDS; round++) {
		mode = "off";
		measure_all(round);
		mode = "on";
		load("/photon_ring.ko");
		measure_all(round);
		unload("photon_ring");
	}
	end(NULL);
}
