// SPDX-License-Identifier: Apache-2.0
/*
 * Preloaded into a daemon under test: records what its processes do to files, in the order
 * in which they do it, for power_disk.py to replay a loss of power at any moment of it.
 *
 *	LKSM_POWER_TRACE=FILE	must be there, with room; it is mapped by all processes
 *
 * FILE begins with two numbers of 8 bytes: how many bytes of it are used, these counted; and
 * not 0 if the next process that syncs a file's data is to be killed before it does. Then,
 * each on a multiple of 8:
 *
 *	struct entry, @len bytes of data, its name and a NUL; a second name (rename) follows
 *
 * A process behind its sandbox can open and write nothing more, but it has the mapping. What
 * is written to a file that is mapped (the state page) is no call: that page is looked at
 * with each other entry, and recorded when it changed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define PAGES_MAX  4

enum kind {	     /* as power_disk.py counts them */
	KIND_NONE,   /* not ready: its process was killed */
	KIND_OPEN,   /* dir, name, file; at: its flags; len 0 */
	KIND_WRITE,  /* file, at, data */
	KIND_SIZE,   /* file, at: its size from now on */
	KIND_ROOM,   /* file, at: its size at least */
	KIND_SYNC,   /* file (or folder), at: how far the record was when it began */
	KIND_RENAME, /* dir, name, other name */
	KIND_UNLINK, /* dir, name */
	KIND_MKDIR,  /* name: the path */
	KIND_SHOWN,  /* what was written by now may be seen by others */
};

struct entry {
	uint32_t size; /* of it all, padding included */
	uint16_t kind;
	uint16_t name_len;
	uint64_t time_us;   /* CLOCK_MONOTONIC */
	uint64_t dir, file; /* inodes */
	uint64_t at;
	uint64_t len;
};

static struct trace {
	_Atomic uint64_t used, must_die;
	char entries[];
} * trace;
static uint64_t trace_size;

/* What is mapped for writing, inherited by children; and as it was last recorded. */
static struct mapped {
	uint64_t file;
	const void *memory;
} mapped[PAGES_MAX];
static struct shared {
	pthread_mutex_t lock;
	char seen[PAGES_MAX][PAGE_BYTES];
} * shared;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static struct calls {
	__typeof__(&open) open;
	__typeof__(&openat) openat;
	__typeof__(&write) write;
	__typeof__(&writev) writev;
	__typeof__(&pwrite) pwrite;
	__typeof__(&ftruncate) ftruncate;
	__typeof__(&posix_fallocate) posix_fallocate;
	__typeof__(&fsync) fsync;
	__typeof__(&fdatasync) fdatasync;
	__typeof__(&renameat) renameat;
	__typeof__(&renameat2) renameat2;
	__typeof__(&unlinkat) unlinkat;
	__typeof__(&mkdir) mkdir;
	__typeof__(&mmap) mmap;
	__typeof__(&eventfd_write) eventfd_write;
} found;

/* Another preloaded library may call us before our constructor ran. */
static const struct calls *real(void)
{
	if (found.mmap)
		return &found;
	found.open = REAL(open);
	found.openat = REAL(openat);
	found.write = REAL(write);
	found.writev = REAL(writev);
	found.pwrite = REAL(pwrite);
	found.ftruncate = REAL(ftruncate);
	found.posix_fallocate = REAL(posix_fallocate);
	found.fsync = REAL(fsync);
	found.fdatasync = REAL(fdatasync);
	found.renameat = REAL(renameat);
	found.renameat2 = REAL(renameat2);
	found.unlinkat = REAL(unlinkat);
	found.mkdir = REAL(mkdir);
	found.eventfd_write = REAL(eventfd_write);
	found.mmap = REAL(mmap);
	return &found;
}

static void give_up(const char *what)
{
	(void)fprintf(stderr, "power: %s\n", what);
	_exit(99);
}

static void *map_shared(int fd, size_t size)
{
	int flags = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
	void *memory = (void *)syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE,
				       flags, fd, 0);

	if (memory == MAP_FAILED)
		give_up("cannot map the record");
	return memory;
}

static void make_shared(void)
{
	pthread_mutexattr_t attributes;

	shared = map_shared(-1, sizeof(*shared));
	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	/* its owner may be killed */
	(void)pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	(void)pthread_mutex_init(&shared->lock, &attributes);
}

__attribute__((constructor)) static void set_up(void)
{
	const char *path = getenv("LKSM_POWER_TRACE");
	struct stat st;
	int fd;

	(void)real(); /* nothing is looked up behind a sandbox */
	if (!path)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !st.st_size)
		give_up("cannot open LKSM_POWER_TRACE");
	make_shared();
	trace_size = (uint64_t)st.st_size;
	trace = map_shared(fd, trace_size);
	(void)syscall(SYS_close, fd);
}

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static size_t size_of_name(const char *name)
{
	return name ? strlen(name) + 1 : 0;
}

/* Where there is room for @size bytes more. */
static struct entry *reserve(size_t size)
{
	uint64_t at = atomic_fetch_add(&trace->used, size);

	if (at + size > trace_size)
		give_up("the record is full");
	return (struct entry *)((char *)trace + at);
}

static void put(struct entry e, const struct iovec *data, int n_data, const char *name,
		const char *other)
{
	size_t names = size_of_name(name) + size_of_name(other);
	size_t size = (sizeof(e) + e.len + names + 7) / 8 * 8;
	struct entry *to = reserve(size);
	char *at = (char *)(to + 1);
	size_t left = e.len;

	to->size = (uint32_t)size; /* whoever reads can go on behind it */
	for (int i = 0; i < n_data && left; i++) {
		size_t n = data[i].iov_len < left ? data[i].iov_len : left;

		memcpy(at, data[i].iov_base, n);
		at += n;
		left -= n;
	}
	if (name)
		memcpy(at, name, size_of_name(name));
	if (other)
		memcpy(at + size_of_name(name), other, size_of_name(other));
	e.name_len = (uint16_t)names;
	e.time_us = now_us();
	e.size = (uint32_t)size;
	memcpy(to, &e, sizeof(e));
}

static void look_at_pages(void)
{
	if (pthread_mutex_lock(&shared->lock) == EOWNERDEAD)
		(void)pthread_mutex_consistent(&shared->lock);
	for (size_t i = 0; i < PAGES_MAX && mapped[i].memory; i++) {
		struct iovec page = { shared->seen[i], PAGE_BYTES };

		if (!memcmp(shared->seen[i], mapped[i].memory, PAGE_BYTES))
			continue;
		memcpy(shared->seen[i], mapped[i].memory, PAGE_BYTES);
		put((struct entry){ .kind = KIND_WRITE,
				    .file = mapped[i].file,
				    .len = PAGE_BYTES },
		    &page, 1, NULL, NULL);
	}
	(void)pthread_mutex_unlock(&shared->lock);
}

/* For what changes @fd, a plain file; pipes, sockets and terminals do not count. */
static bool is_plain(int fd, uint64_t *ret_file)
{
	struct stat st;
	int error = errno;
	bool is = trace && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	if (is)
		*ret_file = st.st_ino;
	errno = error;
	return is;
}

static uint64_t inode(int fd)
{
	struct stat st;
	int error = errno;
	uint64_t is = fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;

	errno = error;
	return is;
}

static void record(struct entry e, const struct iovec *data, int n_data, const char *name,
		   const char *other)
{
	int error = errno;

	if (trace) {
		look_at_pages();
		put(e, data, n_data, name, other);
	}
	errno = error;
}

static int note_open(int fd, int dir, const char *path, int flags)
{
	if (fd >= 0 && flags & (O_CREAT | O_TRUNC) && (flags & O_TMPFILE) != O_TMPFILE)
		record((struct entry){ .kind = KIND_OPEN,
				       .dir = inode(dir),
				       .file = inode(fd),
				       .at = (uint64_t)flags },
		       NULL, 0, path, NULL);
	return fd;
}

static unsigned int mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, unsigned int) : 0;
}

int open(const char *path, int flags, ...)
{
	unsigned int mode;
	va_list args;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return note_open(real()->open(path, flags, mode), AT_FDCWD, path, flags);
}

int openat(int dir, const char *path, int flags, ...)
{
	unsigned int mode;
	va_list args;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	return note_open(real()->openat(dir, path, flags, mode), dir, path, flags);
}

static ssize_t note_write(int fd, ssize_t n, const struct iovec *data, int n_data,
			  off_t at)
{
	uint64_t file;

	if (n <= 0 || !is_plain(fd, &file))
		return n;
	if (at < 0) /* behind what was written the position is now */
		at = lseek(fd, 0, SEEK_CUR) - n;
	record((struct entry){ .kind = KIND_WRITE,
			       .file = file,
			       .at = (uint64_t)at,
			       .len = (uint64_t)n },
	       data, n_data, NULL, NULL);
	return n;
}

ssize_t write(int fd, const void *data, size_t n)
{
	struct iovec iov = { (void *)data, n };

	return note_write(fd, real()->write(fd, data, n), &iov, 1, -1);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return note_write(fd, real()->writev(fd, iov, n), iov, n, -1);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
	struct iovec iov = { (void *)data, n };

	return note_write(fd, real()->pwrite(fd, data, n, at), &iov, 1, at);
}

static void note_size(enum kind kind, int fd, off_t size)
{
	uint64_t file;

	if (is_plain(fd, &file))
		record((struct entry){ .kind = (uint16_t)kind,
				       .file = file,
				       .at = (uint64_t)size },
		       NULL, 0, NULL, NULL);
}

int ftruncate(int fd, off_t size)
{
	int r = real()->ftruncate(fd, size);

	if (r == 0)
		note_size(KIND_SIZE, fd, size);
	return r;
}

int posix_fallocate(int fd, off_t at, off_t n)
{
	int r = real()->posix_fallocate(fd, at, n);

	if (r == 0)
		note_size(KIND_ROOM, fd, at + n);
	return r;
}

static int note_sync(int (*sync_file)(int), int fd)
{
	uint64_t begin = 0;
	int r;

	if (trace) {
		look_at_pages(); /* what is on the page now goes along */
		begin = atomic_load(&trace->used);
	}
	r = sync_file(fd);
	if (r == 0)
		record((struct entry){ .kind = KIND_SYNC,
				       .file = inode(fd),
				       .at = begin },
		       NULL, 0, NULL, NULL);
	return r;
}

int fsync(int fd)
{
	return note_sync(real()->fsync, fd);
}

int fdatasync(int fd)
{
	if (trace && atomic_exchange(&trace->must_die, 0))
		(void)raise(SIGKILL);
	return note_sync(real()->fdatasync, fd);
}

static int note_rename(int r, int dir, const char *from, const char *to)
{
	if (r == 0)
		record((struct entry){ .kind = KIND_RENAME, .dir = inode(dir) }, NULL, 0,
		       from, to);
	return r;
}

int renameat(int a, const char *from, int b, const char *to)
{
	return note_rename(real()->renameat(a, from, b, to), b, from, to);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned int flags)
{
	return note_rename(real()->renameat2(a, from, b, to, flags), b, from, to);
}

int unlinkat(int dir, const char *name, int flags)
{
	int r = real()->unlinkat(dir, name, flags);

	if (r == 0)
		record((struct entry){ .kind = KIND_UNLINK, .dir = inode(dir) }, NULL, 0,
		       name, NULL);
	return r;
}

int mkdir(const char *path, mode_t mode)
{
	int r = real()->mkdir(path, mode);

	if (r == 0)
		record((struct entry){ .kind = KIND_MKDIR }, NULL, 0, path, NULL);
	return r;
}

int eventfd_write(int fd, eventfd_t value)
{
	record((struct entry){ .kind = KIND_SHOWN }, NULL, 0, NULL, NULL);
	return real()->eventfd_write(fd, value);
}

static void note_mapped(const void *memory, int fd)
{
	size_t i = 0;
	uint64_t file;

	if (!is_plain(fd, &file))
		return;
	while (i < PAGES_MAX && mapped[i].memory && mapped[i].memory != memory)
		i++;
	if (i == PAGES_MAX)
		give_up("too many mappings");
	mapped[i] = (struct mapped){ file, memory };
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	void *memory = real()->mmap(at, n, protection, flags, fd, offset);

	/* only the state page is of this size */
	if (memory != MAP_FAILED && fd >= 0 && n == PAGE_BYTES && flags & MAP_SHARED &&
	    protection & PROT_WRITE)
		note_mapped(memory, fd);
	return memory;
}

/* What a program calls that was built with 64-bit offsets, which ours are anyway. */
#define ALIAS(name) \
	extern void name##_64(void) __asm__(#name "64") __attribute__((alias(#name)))
ALIAS(open);
ALIAS(openat);
ALIAS(ftruncate);
ALIAS(posix_fallocate);
ALIAS(pwrite);
ALIAS(mmap);
