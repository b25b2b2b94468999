// SPDX-License-Identifier: Apache-2.0
/*
 * The lists of system calls, made by running all tests under strace and by reading what
 * libc, libsystemd, libmicrohttpd and GnuTLS do. A call has several names where libc or the
 * architecture may choose: clone3 or clone, fstat or newfstatat, futex or futex_time64.
 */
#include "base/seccomp_calls.h"

#include <asm/sockios.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* CALL, condition…; a condition is WHEN(argument, mask, value) or UNLESS(argument, value). */
#define WHEN(argument_, mask_, value_)                \
	{                                             \
		(argument_), (mask_), (value_), false \
	}
#define UNLESS(argument_, value_)                       \
	{                                               \
		(argument_), UINT64_MAX, (value_), true \
	}
#define ALLOW(text, ...)                                \
	{                                               \
		.name = (text), .when = { __VA_ARGS__ } \
	}
#define KILL(text, ...)                                                      \
	{                                                                    \
		.name = (text), .action = CALL_KILL, .when = { __VA_ARGS__ } \
	}
#define REFUSE(text, number, ...)                                                   \
	{                                                                           \
		.name = (text), .action = CALL_REFUSE, .error = (number), .when = { \
			__VA_ARGS__                                                 \
		}                                                                   \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

#define EXACTLY UINT32_MAX /* these arguments are ints: the upper half is nobody's */
/* O_TMPFILE contains O_DIRECTORY, which reading takes, too. */
#define OPEN_FLAGS   (O_ACCMODE | O_CREAT | O_TRUNC | TMPFILE)
#define TMPFILE	     (O_TMPFILE & ~O_DIRECTORY)
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define NAMESPACE_FLAGS                                                                \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)

/* Its own memory, clocks, signals, and descriptors that are open. */
static const struct call basics[] = {
	ALLOW("read"),
	ALLOW("readv"),
	ALLOW("write"),
	ALLOW("writev"),
	ALLOW("close"),
	ALLOW("fstat"),
	ALLOW("fstat64"),
	ALLOW("lseek"),
	ALLOW("_llseek"),
	ALLOW("brk"),
	ALLOW("munmap"),
	ALLOW("mremap"),
	ALLOW("madvise"),
	ALLOW("mlock"),
	ALLOW("mlock2"),
	ALLOW("munlock"),
	ALLOW("futex"),
	ALLOW("futex_time64"),
	ALLOW("sched_yield"),
	ALLOW("sched_getaffinity",
	      WHEN(0, EXACTLY, 0)), /* malloc(), for the ninth thread */
	ALLOW("membarrier"),
	ALLOW("set_robust_list"),
	ALLOW("rseq"),
	ALLOW("getcpu"),
	ALLOW("sysinfo"),
	ALLOW("clock_gettime"),
	ALLOW("clock_gettime64"),
	ALLOW("clock_getres"),
	ALLOW("clock_getres_time64"),
	ALLOW("gettimeofday"),
	ALLOW("time"),
	ALLOW("nanosleep"),
	ALLOW("clock_nanosleep"),
	ALLOW("clock_nanosleep_time64"),
	ALLOW("restart_syscall"),
	ALLOW("rt_sigaction"),
	ALLOW("rt_sigprocmask"),
	ALLOW("rt_sigreturn"),
	ALLOW("sigreturn"),
	ALLOW("sigaltstack"),
	ALLOW("exit"),
	ALLOW("exit_group"),
	ALLOW("getrandom"),
	ALLOW("uname"),
	ALLOW("getpid"),
	ALLOW("gettid"),
	ALLOW("getppid"),
	ALLOW("getuid"),
	ALLOW("geteuid"),
	ALLOW("getgid"),
	ALLOW("getegid"),
	ALLOW("poll"),
	ALLOW("ppoll"),
	ALLOW("ppoll_time64"),
	ALLOW("tgkill", WHEN(0, EXACTLY, SECCOMP_OWN_PID)), /* abort() */
	/* Flags are not set: without O_APPEND, the log could be overwritten. */
	ALLOW("fcntl", WHEN(1, EXACTLY, F_GETFL)),
	ALLOW("fcntl", WHEN(1, EXACTLY, F_GETFD)),
	ALLOW("fcntl", WHEN(1, EXACTLY, F_SETFD)),
	ALLOW("fcntl", WHEN(1, EXACTLY, F_DUPFD_CLOEXEC)),
	ALLOW("fcntl", WHEN(1, EXACTLY, F_GET_SEALS)),
	ALLOW("fcntl64", WHEN(1, EXACTLY, F_GETFL)),
	ALLOW("fcntl64", WHEN(1, EXACTLY, F_GETFD)),
	ALLOW("fcntl64", WHEN(1, EXACTLY, F_SETFD)),
	ALLOW("fcntl64", WHEN(1, EXACTLY, F_DUPFD_CLOEXEC)),
	ALLOW("fcntl64", WHEN(1, EXACTLY, F_GET_SEALS)),
	/* stdio asks whether it has a terminal; newer libcs name their memory */
	REFUSE("ioctl", ENOTTY),
	REFUSE("prctl", EINVAL),
	END,
};

/* Memory is data or code, and code is there from the start; so is what others see, too. */
static const struct call data_memory[] = {
	ALLOW("mmap", WHEN(2, PROT_EXEC, 0), WHEN(3, MAP_SHARED, 0)),
	ALLOW("mmap2", WHEN(2, PROT_EXEC, 0), WHEN(3, MAP_SHARED, 0)),
	ALLOW("mprotect", WHEN(2, PROT_EXEC, 0)),
	END,
};

/* Regular expressions are compiled to code, by who loads rules. */
static const struct call any_memory[] = {
	ALLOW("mmap", WHEN(3, MAP_SHARED, 0)),
	ALLOW("mmap2", WHEN(3, MAP_SHARED, 0)),
	ALLOW("mprotect"),
	END,
};

static const struct call loop[] = {
	ALLOW("epoll_create1"),
	ALLOW("epoll_ctl"),
	ALLOW("epoll_wait"),
	ALLOW("epoll_pwait"),
	ALLOW("epoll_pwait2"),
	ALLOW("timerfd_create"),
	ALLOW("timerfd_settime"),
	ALLOW("timerfd_settime64"),
	ALLOW("timerfd_gettime"),
	ALLOW("timerfd_gettime64"),
	ALLOW("signalfd4"),
	ALLOW("eventfd2"),
	ALLOW("recvmsg"),
	/* it would connect, which neither connect() nor Landlock's hook of it hears of */
	ALLOW("sendmsg", WHEN(2, MSG_FASTOPEN, 0)),
	END,
};

/* To look at an open descriptor is not to look for a file. To write one is no accident. */
static const struct call no_files[] = {
	ALLOW("newfstatat", WHEN(3, AT_EMPTY_PATH, AT_EMPTY_PATH)),
	ALLOW("fstatat64", WHEN(3, AT_EMPTY_PATH, AT_EMPTY_PATH)),
	ALLOW("statx", WHEN(2, AT_EMPTY_PATH, AT_EMPTY_PATH)),
	REFUSE("newfstatat", EACCES, WHEN(3, AT_EMPTY_PATH, 0)),
	REFUSE("fstatat64", EACCES, WHEN(3, AT_EMPTY_PATH, 0)),
	REFUSE("statx", EACCES, WHEN(2, AT_EMPTY_PATH, 0)),
	REFUSE("openat", EACCES, WHEN(2, OPEN_FLAGS, O_RDONLY)),
	REFUSE("open", EACCES, WHEN(1, OPEN_FLAGS, O_RDONLY)),
	REFUSE("stat", EACCES),
	REFUSE("lstat", EACCES),
	REFUSE("access", EACCES),
	REFUSE("faccessat", EACCES),
	REFUSE("faccessat2", EACCES),
	REFUSE("readlink", EACCES),
	REFUSE("readlinkat", EACCES),
	END,
};

static const struct call core[] = {
	ALLOW("pread64"),
	/* for the log, pwrite() only appends: pwrite(2), BUGS */
	ALLOW("pwrite64"),
	ALLOW("fsync"),
	ALLOW("fdatasync"),
	ALLOW("fstatfs"),
	ALLOW("fstatfs64"),
	ALLOW("getsockopt"),
	/* a thread may stand back, and nothing else */
	ALLOW("sched_setscheduler", WHEN(0, EXACTLY, 0), WHEN(1, EXACTLY, SCHED_BATCH)),
	/* clone3() has its flags in memory, where no filter can see them */
	REFUSE("clone3", ENOSYS),
	ALLOW("clone", WHEN(0, THREAD_FLAGS | NAMESPACE_FLAGS, THREAD_FLAGS)),
	ALLOW("seccomp"),
	ALLOW("prlimit64", WHEN(0, EXACTLY, 0)),
	END,
};

static const struct call web[] = {
	ALLOW("accept4"),
	ALLOW("accept"),
	ALLOW("recvfrom"),
	/* to who has connected */
	ALLOW("sendto", WHEN(3, MSG_FASTOPEN, 0), WHEN(4, UINT64_MAX, 0)),
	ALLOW("shutdown"),
	ALLOW("getsockname"),
	ALLOW("getpeername"),
	ALLOW("getsockopt"),
	ALLOW("setsockopt", WHEN(1, EXACTLY, IPPROTO_TCP), WHEN(2, EXACTLY, TCP_NODELAY)),
	ALLOW("setsockopt", WHEN(1, EXACTLY, IPPROTO_TCP), WHEN(2, EXACTLY, TCP_CORK)),
	/* GnuTLS, where its configuration has the kernel encrypt, can do without */
	REFUSE("setsockopt", ENOPROTOOPT, WHEN(1, EXACTLY, IPPROTO_TCP),
	       WHEN(2, EXACTLY, TCP_ULP)),
	ALLOW("kill", WHEN(1, EXACTLY, 0)), /* does core live? */
	END,
};

static const struct call read_files[] = {
	ALLOW("openat", WHEN(2, OPEN_FLAGS, O_RDONLY)),
	ALLOW("open", WHEN(1, OPEN_FLAGS, O_RDONLY)),
	ALLOW("newfstatat"),
	ALLOW("fstatat64"),
	ALLOW("statx"),
	ALLOW("stat"),
	ALLOW("lstat"),
	ALLOW("statfs"),
	ALLOW("statfs64"),
	ALLOW("fstatfs"),
	ALLOW("fstatfs64"),
	ALLOW("access"),
	ALLOW("faccessat"),
	ALLOW("faccessat2"),
	ALLOW("readlink"),
	ALLOW("readlinkat"),
	ALLOW("getdents64"),
	ALLOW("getcwd"),
	ALLOW("pread64"),
	ALLOW("dup"),
	END,
};

/* Of who asks for names and connects; its threads are for itself, and for each name. */
static const struct call client[] = {
	ALLOW("socket", WHEN(0, EXACTLY, AF_INET)),
	ALLOW("socket", WHEN(0, EXACTLY, AF_INET6)),
	ALLOW("socket", WHEN(0, EXACTLY, AF_UNIX)), /* nscd, systemd-resolved */
	ALLOW("socket",
	      WHEN(0, EXACTLY, AF_NETLINK)), /* which addresses has this machine? */
	ALLOW("socketpair"),
	ALLOW("pipe2"),
	ALLOW("bind"),
	ALLOW("connect"),
	ALLOW("sendto"),
	ALLOW("sendmmsg"),
	ALLOW("recvfrom"),
	ALLOW("shutdown"),
	ALLOW("getsockname"),
	ALLOW("getpeername"),
	ALLOW("getsockopt"),
	ALLOW("setsockopt"),
	ALLOW("getrusage"),
	/* libcurl tries it, on sockets that are as it wants them already */
	REFUSE("fcntl", EPERM, WHEN(1, EXACTLY, F_SETFL)),
	REFUSE("fcntl64", EPERM, WHEN(1, EXACTLY, F_SETFL)),
	REFUSE("clone3", ENOSYS),
	ALLOW("clone", WHEN(0, THREAD_FLAGS | NAMESPACE_FLAGS, THREAD_FLAGS)),
	END,
};

static const struct call write_files[] = {
	ALLOW("openat"),
	ALLOW("renameat"),
	ALLOW("renameat2"),
	ALLOW("unlinkat"),
	ALLOW("fchmod"),
	ALLOW("fsync"),
	ALLOW("fdatasync"),
	ALLOW("fcntl", WHEN(1, EXACTLY, F_SETFL)),
	ALLOW("fcntl64", WHEN(1, EXACTLY, F_SETFL)),
	END,
};

static const struct call crossview[] = {
	ALLOW("kill", WHEN(1, EXACTLY, 0)),
	ALLOW("getpgid"),
	ALLOW("getsid"),
	ALLOW("getpriority", WHEN(0, EXACTLY, PRIO_PROCESS)),
	ALLOW("sched_getscheduler"),
	ALLOW("sched_getaffinity"),
	ALLOW("ioprio_get"),
	ALLOW("pidfd_open"),
	ALLOW("pidfd_send_signal", WHEN(1, EXACTLY, 0)),
	ALLOW("socket", WHEN(0, EXACTLY, AF_NETLINK)),
	ALLOW("bind"),
	ALLOW("sendto"),
	ALLOW("recvfrom"),
	ALLOW("setsockopt"),
	ALLOW("getsockname"),
	ALLOW("capget"),
	END,
};

/* A database of SQLite's, with others that read it: the locks and the index of the write-ahead
 * log are shared. */
static const struct call database[] = {
	ALLOW("fcntl", WHEN(1, EXACTLY, F_SETLK)),
	ALLOW("fcntl", WHEN(1, EXACTLY, F_GETLK)),
	ALLOW("fcntl64", WHEN(1, EXACTLY, F_SETLK)),
	ALLOW("fcntl64", WHEN(1, EXACTLY, F_GETLK)),
	END,
};

static const struct call write_database[] = {
	ALLOW("mmap", WHEN(2, PROT_EXEC, 0)),
	ALLOW("mmap2", WHEN(2, PROT_EXEC, 0)),
	ALLOW("mprotect", WHEN(2, PROT_EXEC, 0)),
	ALLOW("open"),
	ALLOW("pwrite64"),
	ALLOW("ftruncate"),
	ALLOW("ftruncate64"),
	ALLOW("fallocate"),
	ALLOW("unlink"),
	ALLOW("fchown"),
	ALLOW("inotify_init1"),
	ALLOW("inotify_add_watch"),
	END,
};

/* In a thread, until it settles (core). */
static const struct call read_database[] = {
	/* SQLite tries to open the log for writing, and is content with less */
	REFUSE("openat", EACCES, WHEN(2, O_ACCMODE, O_RDWR)),
	REFUSE("open", EACCES, WHEN(1, O_ACCMODE, O_RDWR)),
	ALLOW("mmap", WHEN(2, PROT_EXEC | PROT_WRITE, 0)),
	ALLOW("mmap2", WHEN(2, PROT_EXEC | PROT_WRITE, 0)),
	REFUSE("clone3", ENOSYS),
	ALLOW("clone", WHEN(0, THREAD_FLAGS | NAMESPACE_FLAGS, THREAD_FLAGS)),
	ALLOW("seccomp"),
	ALLOW("prlimit64", WHEN(0, EXACTLY, 0)),
	END,
};

/*
 * In somebody's module, which is root's like many others, among them who started it: signals
 * to that one, limits of others, and connections, of which a service manager's is as good as
 * all privilege. Landlock keeps some of it away, from Linux 6.7 or 6.12 on.
 */
static const struct call outreaching[] = {
	REFUSE("connect", EACCES),
	REFUSE("sendto", EACCES, WHEN(3, MSG_FASTOPEN, MSG_FASTOPEN)),
	REFUSE("sendmsg", EACCES, WHEN(2, MSG_FASTOPEN, MSG_FASTOPEN)),
	REFUSE("sendmmsg", EACCES, WHEN(3, MSG_FASTOPEN, MSG_FASTOPEN)),
	REFUSE("kill", EPERM, WHEN(0, EXACTLY, SECCOMP_PARENT_PID), UNLESS(1, 0)),
	REFUSE("kill", EPERM, WHEN(0, EXACTLY, SECCOMP_PARENT_GROUP), UNLESS(1, 0)),
	REFUSE("kill", EPERM, WHEN(0, EXACTLY, UINT32_MAX /* all */), UNLESS(1, 0)),
	REFUSE("tkill", EPERM, WHEN(0, EXACTLY, SECCOMP_PARENT_PID)),
	REFUSE("tgkill", EPERM, WHEN(0, EXACTLY, SECCOMP_PARENT_PID)),
	REFUSE("rt_sigqueueinfo", EPERM, WHEN(0, EXACTLY, SECCOMP_PARENT_PID)),
	REFUSE("rt_tgsigqueueinfo", EPERM, WHEN(0, EXACTLY, SECCOMP_PARENT_PID)),
	/* a folder of /proc is as good as a pidfd */
	REFUSE("pidfd_send_signal", ENOSYS, UNLESS(1, 0)),
	REFUSE("fcntl", EPERM, WHEN(1, EXACTLY, F_SETOWN)),
	REFUSE("fcntl", EPERM, WHEN(1, EXACTLY, F_SETOWN_EX)),
	REFUSE("ioctl", EPERM, WHEN(1, EXACTLY, FIOSETOWN)),
	REFUSE("ioctl", EPERM, WHEN(1, EXACTLY, SIOCSPGRP)),
	/* of processor time: one second, and it is killed */
	REFUSE("prlimit64", EPERM, UNLESS(0, 0)),
	END,
};

/* In somebody's module: what changes the system, or reaches into other processes. */
static const struct call harmful[] = {
	KILL("ptrace"),
	KILL("process_vm_readv"),
	KILL("process_vm_writev"),
	KILL("process_madvise"),
	KILL("kcmp"),
	KILL("pidfd_getfd"),
	KILL("bpf"),
	KILL("userfaultfd"),
	KILL("io_uring_setup"),
	KILL("io_uring_enter"),
	KILL("io_uring_register"),
	KILL("init_module"),
	KILL("finit_module"),
	KILL("delete_module"),
	KILL("kexec_load"),
	KILL("kexec_file_load"),
	KILL("reboot"),
	KILL("mount"),
	KILL("umount"),
	KILL("umount2"),
	KILL("move_mount"),
	KILL("open_tree"),
	KILL("fsopen"),
	KILL("fsmount"),
	KILL("fspick"),
	KILL("fsconfig"),
	KILL("mount_setattr"),
	KILL("pivot_root"),
	KILL("chroot"),
	KILL("swapon"),
	KILL("swapoff"),
	KILL("acct"),
	KILL("quotactl"),
	KILL("quotactl_fd"),
	KILL("settimeofday"),
	KILL("stime"),
	KILL("clock_settime"),
	KILL("clock_settime64"),
	KILL("adjtimex"),
	KILL("clock_adjtime"),
	KILL("clock_adjtime64"),
	KILL("sethostname"),
	KILL("setdomainname"),
	KILL("unshare"),
	KILL("setns"),
	KILL("iopl"),
	KILL("ioperm"),
	KILL("vhangup"),
	KILL("open_by_handle_at"),
	KILL("add_key"),
	KILL("request_key"),
	KILL("keyctl"),
	KILL("lookup_dcookie"),
	KILL("nfsservctl"),
	KILL("vm86"),
	KILL("vm86old"),
	KILL("clone", WHEN(0, CLONE_NEWUSER, CLONE_NEWUSER)),
	REFUSE("clone3", ENOSYS), /* its flags cannot be seen */
	END,
};

static const struct call settled[] = {
	KILL("clone"),
	KILL("prlimit64"),
	KILL("seccomp"),
	KILL("mmap", WHEN(2, PROT_EXEC, PROT_EXEC)),
	KILL("mmap2", WHEN(2, PROT_EXEC, PROT_EXEC)),
	KILL("mprotect", WHEN(2, PROT_EXEC, PROT_EXEC)),
	END,
};

/* The sanitizers' run time reads its own maps, and asks for more when it complains. */
static const struct call sanitizers[] = {
#ifdef LKSM_SANITIZED
	ALLOW("getrusage"),
	ALLOW("tkill"),
	ALLOW("sched_getaffinity"),
	ALLOW("getcwd"),
	ALLOW("getdents64"),
#endif
	END,
};

const struct call_list seccomp_lists[SECCOMP_COUNT] = {
	[SECCOMP_CORE] = { CALL_KILL,
			   { basics, loop, no_files, any_memory, core, sanitizers } },
	[SECCOMP_WEB] = { CALL_KILL,
			  { basics, loop, no_files, data_memory, web, sanitizers } },
	[SECCOMP_LOADER] = { CALL_KILL, { basics, read_files, any_memory, sanitizers } },
	[SECCOMP_COMPRESSOR] = { CALL_KILL,
				 { basics, read_files, write_files, data_memory,
				   sanitizers } },
	[SECCOMP_CROSSVIEW] = { CALL_KILL,
				{ basics, loop, read_files, data_memory, crossview,
				  sanitizers } },
	[SECCOMP_HISTORY] = { CALL_KILL,
			      { basics, loop, read_files, write_files, database,
				write_database, sanitizers } },
	[SECCOMP_WEB_HISTORY] = { CALL_KILL,
				  { basics, loop, read_files, data_memory, web, database,
				    read_database, sanitizers } },
	[SECCOMP_FEEDER] = { CALL_KILL,
			     { basics, loop, read_files, data_memory, sanitizers } },
	[SECCOMP_SENDER] = { CALL_KILL,
			     { basics, loop, read_files, data_memory, client,
			       sanitizers } },
	[SECCOMP_MODULE] = { CALL_ALLOW, { harmful, outreaching } },
	[SECCOMP_SETTLED] = { CALL_ALLOW, { settled } },
};
