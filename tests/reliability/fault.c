// SPDX-License-Identifier: Apache-2.0
/*
 * Preloaded into a daemon under test: fails the n-th call of a kind in one of its processes,
 * once; and plays a clock that is set.
 *
 *	LKSM_FAULT=PROCESS:KIND:N:ERROR	PROCESS: core, web, crossview …, lksm the supervisor
 *		KIND: a name of the table below; ERROR: ENOSPC EIO EINTR ENOMEM EMFILE, or SHORT
 *		(half of a write is done)
 *	LKSM_FAULT_REPORT=FILE	gets a line when it happened
 *	LKSM_BOOT_ID=FILE	is read in the place of this boot's id
 *	LKSM_CLOCK=FILE	seconds to add to CLOCK_REALTIME: eight bytes, a number
 *	LKSM_CLOCK_SET=FIFO	stands for a timer of that clock; a byte in it: it was set
 *
 * What it needs is opened at once: later the processes are behind their sandboxes.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NAME_SIZE 32

static struct {
	char process[NAME_SIZE], kind[NAME_SIZE];
	unsigned long n;
	int error; /* 0: SHORT */
	const char *boot_id;
	int report_fd, clock_set_fd;
	const _Atomic int64_t *clock; /* NULL: the clock is not played */
	_Atomic unsigned long *count; /* shared by all processes; NULL: nothing fails */
} plan;

static char process[NAME_SIZE] = "lksm"; /* until it gets a name */

static int error_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} errors[] = { { "ENOSPC", ENOSPC }, { "EIO", EIO },	   { "EINTR", EINTR },
		       { "ENOMEM", ENOMEM }, { "EMFILE", EMFILE }, { "SHORT", 0 } };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].number;
	(void)fprintf(stderr, "fault: no error %s\n", name);
	_exit(99);
}

static int open_given(const char *name, int flags)
{
	const char *path = getenv(name);

	return path ? (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600)
		    : -1;
}

static void set_up_clock(void)
{
	int fd = open_given("LKSM_CLOCK", O_RDONLY);
	void *memory;

	plan.clock_set_fd = open_given("LKSM_CLOCK_SET", O_RDWR | O_NONBLOCK);
	if (fd < 0)
		return;
	memory = (void *)syscall(SYS_mmap, NULL, sizeof(*plan.clock), PROT_READ,
				 MAP_SHARED, fd, 0);
	plan.clock = memory == MAP_FAILED ? NULL : memory;
	(void)syscall(SYS_close, fd);
}

__attribute__((constructor)) static void set_up(void)
{
	const char *text = getenv("LKSM_FAULT");
	char error[NAME_SIZE];
	void *memory;

	plan.report_fd = open_given("LKSM_FAULT_REPORT", O_WRONLY | O_CREAT | O_APPEND);
	plan.boot_id = getenv("LKSM_BOOT_ID");
	set_up_clock();
	if (!text)
		return;
	if (sscanf(text, "%31[^:]:%31[^:]:%lu:%31s", plan.process, plan.kind, &plan.n,
		   error) != 4) {
		(void)fprintf(stderr, "fault: LKSM_FAULT=%s\n", text);
		_exit(99);
	}
	plan.error = error_number(error);
	memory = mmap(NULL, sizeof(*plan.count), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	plan.count = memory == MAP_FAILED ? NULL : memory;
}

static void report(const char *what)
{
	(void)!syscall(SYS_write, plan.report_fd, what, strlen(what));
	(void)!syscall(SYS_write, plan.report_fd, "\n", 1);
}

/* Is it this call's turn to fail? Then errno is set. */
static bool fails(const char *kind, const char *what)
{
	if (!plan.count || strcmp(kind, plan.kind) != 0 ||
	    strcmp(process, plan.process) != 0 ||
	    atomic_fetch_add(plan.count, 1) + 1 != plan.n)
		return false;
	report(what);
	errno = plan.error;
	return true;
}

#define REAL(name)                     \
	static __typeof__(&name) real; \
	if (!real)                     \
	real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define FAULT(kind, type, name, parameters, arguments) \
	type name parameters                           \
	{                                              \
		REAL(name);                            \
		if (fails(#kind, #name))               \
			return -1;                     \
		return real arguments;                 \
	}

FAULT(fsync, int, fsync, (int fd), (fd))
FAULT(rename, int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d))
FAULT(rename, int, renameat2,
      (int a, const char *b, int c, const char *d, unsigned int flags),
      (a, b, c, d, flags))
FAULT(unlink, int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags))
FAULT(fstat, int, fstat, (int fd, struct stat *st), (fd, st))
FAULT(fstat, int, fstatat,
      (int dir, const char *restrict name, struct stat *restrict st, int flags),
      (dir, name, st, flags))
FAULT(truncate, int, ftruncate, (int fd, off_t size), (fd, size))
FAULT(epoll, int, epoll_ctl, (int epoll, int op, int fd, struct epoll_event *e),
      (epoll, op, fd, e))
FAULT(epoll, int, epoll_create1, (int flags), (flags))
FAULT(wait, int, epoll_wait, (int epoll, struct epoll_event *e, int n, int ms),
      (epoll, e, n, ms))
FAULT(wait, int, epoll_pwait2,
      (int epoll, struct epoll_event *e, int n, const struct timespec *t,
       const sigset_t *s),
      (epoll, e, n, t, s))
FAULT(read, ssize_t, read, (int fd, void *to, size_t n), (fd, to, n))
FAULT(read, ssize_t, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
FAULT(message, ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags),
      (fd, m, flags))
FAULT(message, ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
FAULT(fork, pid_t, fork, (void), ())

FAULT(write, ssize_t, pwrite, (int fd, const void *data, size_t n, off_t at),
      (fd, data, n, at))

int posix_fallocate(int fd, off_t at, off_t n)
{
	REAL(posix_fallocate);
	return fails("truncate", "posix_fallocate") ? errno : real(fd, at, n);
}

ssize_t write(int fd, const void *data, size_t n)
{
	REAL(write);
	if (fails("write", "write")) {
		if (plan.error)
			return -1;
		n = (n + 1) / 2;
	}
	return real(fd, data, n);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	REAL(writev);
	if (fails("write", "writev")) {
		if (plan.error)
			return -1;
		for (int i = 0; i < n; i++)
			if (iov[i].iov_len)
				return write(fd, iov[i].iov_base,
					     (iov[i].iov_len + 1) / 2);
	}
	return real(fd, iov, n);
}

static int open_with(int dir, const char *path, int flags, va_list args)
{
	unsigned int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, unsigned int)
							  : 0;

	if (fails("open", path))
		return -1;
	if (plan.boot_id && !strcmp(path, "/proc/sys/kernel/random/boot_id"))
		path = plan.boot_id;
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = open_with(AT_FDCWD, path, flags, args);
	va_end(args);
	return fd;
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = open_with(dir, path, flags, args);
	va_end(args);
	return fd;
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	if (fails("mmap", "mmap"))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);
}

/* libfyaml does not survive it (0.7, fy_parse_input_append), which is not ours to mend. */
static bool is_in_libfyaml(void)
{
	void *callers[32];
	int n = backtrace(callers, 32);
	Dl_info info;

	for (int i = 0; i < n; i++)
		if (dladdr(callers[i], &info) && info.dli_fname &&
		    strstr(info.dli_fname, "libfyaml"))
			return true;
	return false;
}

static bool is_denied(const char *what)
{
	return fails("malloc", what) && !is_in_libfyaml();
}

/* dlsym() itself allocates: not for these. */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	return is_denied("malloc") ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return is_denied("calloc") ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return is_denied("realloc") ? NULL : __libc_realloc(p, n);
}

/* A process of the daemon gets its name so. */
int prctl(int option, ...)
{
	unsigned long a[4];
	va_list args;

	va_start(args, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(args, unsigned long);
	va_end(args);
	if (option == PR_SET_NAME)
		(void)snprintf(process, sizeof(process), "%s", (const char *)a[0]);
	return (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
}

/* ---- the clock ---- */

int clock_gettime(clockid_t id, struct timespec *ret)
{
	int r = (int)syscall(SYS_clock_gettime, id, ret);

	if (r >= 0 && id == CLOCK_REALTIME && plan.clock)
		ret->tv_sec += atomic_load(plan.clock);
	return r;
}

int timerfd_create(int id, int flags)
{
	if (id != CLOCK_REALTIME || plan.clock_set_fd < 0)
		return (int)syscall(SYS_timerfd_create, id, flags);
	return (int)syscall(SYS_fcntl, plan.clock_set_fd, F_DUPFD_CLOEXEC, 0);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *t, struct itimerspec *old)
{
	/* The FIFO is no timer. */
	return (int)syscall(SYS_timerfd_settime, fd, flags, t, old) < 0 && errno != EINVAL
		       ? -1
		       : 0;
}

/* What a program calls that was built with 64-bit offsets, which ours are anyway. */
#define ALIAS(name) \
	extern void name##_64(void) __asm__(#name "64") __attribute__((alias(#name)))
ALIAS(open);
ALIAS(openat);
ALIAS(fstat);
ALIAS(fstatat);
ALIAS(ftruncate);
ALIAS(posix_fallocate);
ALIAS(pread);
ALIAS(pwrite);
ALIAS(mmap);
