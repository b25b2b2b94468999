// SPDX-License-Identifier: Apache-2.0
/*
 * Preloaded into a daemon under test: fails the n-th call of a kind in one of its processes,
 * once; and plays a clock that is set.
 *
 *	LKSM_FAULT=PROCESS:KIND:N:ERROR	PROCESS: core, web, crossview …, lksm the supervisor
 *		KIND: a name of the table below; ERROR: ENOSPC EIO EINTR ENOMEM EMFILE, or SHORT
 *		(half of a write is done), or HANG (it never returns)
 *	LKSM_FAULT_COUNT=FILE	how many such calls there were: eight bytes, a number
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
#include <link.h>
#include <poll.h>
#include <pwd.h>
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
	int error; /* 0: SHORT, -1: HANG */
	const char *boot_id;
	int clock_set_fd;
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
		       { "ENOMEM", ENOMEM }, { "EMFILE", EMFILE }, { "SHORT", 0 },
		       { "HANG", -1 } };

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

/* Eight bytes that processes share; NULL: there are none. */
static void *map_given(const char *name, int flags, int protection)
{
	int fd = open_given(name, flags);
	void *memory;

	if (fd < 0)
		return NULL;
	memory = (void *)syscall(SYS_mmap, NULL, sizeof(uint64_t), protection, MAP_SHARED,
				 fd, 0);
	(void)syscall(SYS_close, fd);
	return memory == MAP_FAILED ? NULL : memory;
}

/*
 * Libraries that do not survive a malloc that fails, which is not ours to mend: libfyaml 0.7
 * crashes in fy_parse_input_append(), libseccomp 2.5 loops in seccomp_load(), the loader of
 * glibc 2.36 aborts when it makes room for a thread's variables. So does its NSS (see below).
 */
static const char *const fragile[] = { "/libfyaml.", "/libseccomp.", "/ld-linux" };

static struct span {
	uintptr_t begin, end;
} spans[sizeof(fragile) / sizeof(fragile[0])];

static int note_library(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	for (size_t i = 0; i < sizeof(fragile) / sizeof(fragile[0]); i++) {
		const ElfW(Phdr) *last = &info->dlpi_phdr[info->dlpi_phnum];

		if (!strstr(info->dlpi_name, fragile[i]))
			continue;
		spans[i].begin = info->dlpi_addr;
		for (const ElfW(Phdr) *p = info->dlpi_phdr; p < last; p++)
			if (p->p_type == PT_LOAD)
				spans[i].end = info->dlpi_addr + p->p_vaddr + p->p_memsz;
	}
	return 0;
}

__attribute__((constructor)) static void set_up(void)
{
	const char *text = getenv("LKSM_FAULT");
	char error[NAME_SIZE];
	void *caller;

	plan.boot_id = getenv("LKSM_BOOT_ID");
	plan.clock = map_given("LKSM_CLOCK", O_RDONLY, PROT_READ);
	plan.clock_set_fd = open_given("LKSM_CLOCK_SET", O_RDWR | O_NONBLOCK);
	if (!text)
		return;
	if (sscanf(text, "%31[^:]:%31[^:]:%lu:%31s", plan.process, plan.kind, &plan.n,
		   error) != 4) {
		(void)fprintf(stderr, "fault: LKSM_FAULT=%s\n", text);
		_exit(99);
	}
	plan.error = error_number(error);
	(void)dl_iterate_phdr(note_library, NULL);
	(void)backtrace(&caller, 1); /* the first one allocates */
	plan.count = map_given("LKSM_FAULT_COUNT", O_RDWR, PROT_READ | PROT_WRITE);
}

static bool is_counted(const char *kind)
{
	return plan.count && !strcmp(kind, plan.kind) && !strcmp(process, plan.process);
}

/* Is it the turn of this call that counts? Then errno is set. */
static bool is_turn(void)
{
	if (atomic_fetch_add(plan.count, 1) + 1 != plan.n)
		return false;
	while (plan.error < 0)
		(void)poll(NULL, 0, -1);
	errno = plan.error;
	return true;
}

static bool fails(const char *kind)
{
	return is_counted(kind) && is_turn();
}

#define REAL(name)                     \
	static __typeof__(&name) real; \
	if (!real)                     \
	real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define FAULT(kind, type, name, parameters, arguments) \
	type name parameters                           \
	{                                              \
		REAL(name);                            \
		if (fails(#kind))                      \
			return -1;                     \
		return real arguments;                 \
	}

FAULT(fsync, int, fsync, (int fd), (fd))
FAULT(rename, int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d))
FAULT(rename, int, renameat2,
      (int a, const char *b, int c, const char *d, unsigned int flags),
      (a, b, c, d, flags))
FAULT(unlink, int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags))
FAULT(fstat, int, fstatat,
      (int dir, const char *restrict name, struct stat *restrict st, int flags),
      (dir, name, st, flags))
FAULT(truncate, int, ftruncate, (int fd, off_t size), (fd, size))
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

/* An empty file is in most cases one that was just made. */
int fstat(int fd, struct stat *st)
{
	int r;
	REAL(fstat);

	if (fails("fstat"))
		return -1;
	r = real(fd, st);
	return r == 0 && S_ISREG(st->st_mode) && !st->st_size && fails("fstat-empty") ? -1
										      : r;
}

/* Taking out needs no memory, and libmicrohttpd aborts if it fails. */
int epoll_ctl(int epoll, int op, int fd, struct epoll_event *e)
{
	REAL(epoll_ctl);

	return op != EPOLL_CTL_DEL && fails("epoll") ? -1 : real(epoll, op, fd, e);
}

int posix_fallocate(int fd, off_t at, off_t n)
{
	REAL(posix_fallocate);
	return fails("truncate") ? errno : real(fd, at, n);
}

ssize_t write(int fd, const void *data, size_t n)
{
	REAL(write);
	if (fails("write")) {
		if (plan.error)
			return -1;
		n = (n + 1) / 2;
	}
	return real(fd, data, n);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	REAL(writev);
	if (fails("write")) {
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

	if (fails("open"))
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
	if (fails("mmap"))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);
}

static bool is_in_fragile(void)
{
	void *callers[32];
	int n = backtrace(callers, 32);

	for (int i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof(spans) / sizeof(spans[0]); k++)
			if ((uintptr_t)callers[i] >= spans[k].begin &&
			    (uintptr_t)callers[i] < spans[k].end)
				return true;
	return false;
}

static _Thread_local bool is_in_nss;

struct passwd *getpwnam(const char *name)
{
	struct passwd *found;
	REAL(getpwnam);

	is_in_nss = true;
	found = real(name);
	is_in_nss = false;
	return found;
}

static bool is_denied(void)
{
	return is_counted("malloc") && !is_in_nss && !is_in_fragile() && is_turn();
}

/* dlsym() itself allocates: not for these. */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	return is_denied() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return is_denied() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return is_denied() ? NULL : __libc_realloc(p, n);
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
