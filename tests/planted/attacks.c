// SPDX-License-Identifier: Apache-2.0
/*
 * See attacks.h. System calls are made directly, as such code would. What needs a
 * descriptor is tried with every regular file that is open: the log, the ring.
 */
#include "attacks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "privsep/channel.h"

#define FDS_MAX	     256
#define NO_APPEND    0x20 /* RWF_NOAPPEND, Linux 6.9 */
#define IO_URING_FDS 425  /* io_uring_setup */
#define FORGED	     "{\"seq\": 0, \"type\": \"forged\"}\n"

static int result(long r)
{
	return r < 0 ? -errno : 0;
}

static int open_read(void)
{
	return result(syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY));
}

static int open_write(void)
{
	return result(syscall(SYS_openat, AT_FDCWD, "/tmp/lksm-planted",
			      O_WRONLY | O_CREAT, 0600));
}

static int open_handle(void)
{
	return result(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, O_RDONLY));
}

static int remove_file(void)
{
	return result(syscall(SYS_unlinkat, AT_FDCWD, "/tmp/lksm-planted-bait", 0));
}

static int change_mode(void)
{
	return result(syscall(SYS_fchmodat, AT_FDCWD, "/tmp/lksm-planted-bait", 0666));
}

static int run_program(void)
{
	char *const argv[] = { (char *)(uintptr_t) "true", NULL };

	return result(syscall(SYS_execve, "/bin/true", argv, NULL));
}

static int start_process(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return result(pid);
}

static int open_socket(void)
{
	return result(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
}

static int connect_out(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int r = -EBADF;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int fd = 3; r < 0 && fd < FDS_MAX; fd++)
		r = result(syscall(SYS_connect, fd, &to, sizeof(to)));
	return r;
}

/*
 * TCP Fast Open connects without connect(), from a socket that does not listen any more; that
 * nobody is there is an answer from elsewhere, too.
 */
static int connect_fast(long (*send)(int fd, const struct sockaddr_in *to))
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int r = -EBADF;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int fd = 3; r < 0 && fd < FDS_MAX; fd++) {
		int is_listening = 0;
		socklen_t len = sizeof(is_listening);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len) < 0 ||
		    !is_listening)
			continue;
		(void)shutdown(fd, SHUT_RD);
		r = result(send(fd, &to));
		r = r == -ECONNREFUSED ? 0 : r;
	}
	return r;
}

static long send_to(int fd, const struct sockaddr_in *to)
{
	return syscall(SYS_sendto, fd, "", 1, MSG_FASTOPEN | MSG_NOSIGNAL, to,
		       sizeof(*to));
}

static long send_message(int fd, const struct sockaddr_in *to)
{
	struct iovec byte = { (void *)(uintptr_t) "", 1 };
	const struct msghdr message = { .msg_name = (void *)(uintptr_t)to,
					.msg_namelen = sizeof(*to),
					.msg_iov = &byte,
					.msg_iovlen = 1 };

	return syscall(SYS_sendmsg, fd, &message, MSG_FASTOPEN | MSG_NOSIGNAL);
}

static int connect_by_sending(void)
{
	return connect_fast(send_to);
}

static int connect_by_message(void)
{
	return connect_fast(send_message);
}

static int trace_parent(void)
{
	return result(syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int write_parent(void)
{
	char byte = 0;
	struct iovec local = { &byte, 1 }, remote = { &byte, 1 };

	return result(
		syscall(SYS_process_vm_writev, getppid(), &local, 1, &remote, 1, 0));
}

static int kill_parent(void)
{
	return result(syscall(SYS_kill, getppid(), SIGTERM));
}

static int become_root(void)
{
	return result(syscall(SYS_setresuid, 0, 0, 0));
}

static int take_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct all[2] = { { ~0u, ~0u, 0 }, { ~0u, ~0u, 0 } };

	return result(syscall(SYS_capset, &header, all));
}

static int new_namespace(void)
{
	return result(syscall(SYS_unshare, CLONE_NEWUSER));
}

static int use_io_uring(void)
{
	char parameters[120] = { 0 };

	return result(syscall(IO_URING_FDS, 1, parameters));
}

static int make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? -errno
		       : 0;
}

/* In two steps, neither of which has memory that is both. */
static int make_code_later(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	return result(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int raise_limit(void)
{
	struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };

	return result(syscall(SYS_prlimit64, 0, RLIMIT_NPROC, &most, NULL));
}

/* Of another process: what is written there is written for it, too. */
static int find_shared_memory(void)
{
	static char maps[(size_t)64 << 10];
	long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read((int)fd, maps + len, sizeof(maps) - 1 - len)) > 0)
		len += (size_t)n;
	(void)close((int)fd);
	return strstr(maps, " rw-s ") ? 0 : -ENOENT;
}

/* Of the channel over which core asks for logs, which waits for its answer. */
static int ask_for_log(int fd, const char *name)
{
	struct channel_message message = { .kind = CHANNEL_OPEN_LOG, .fd = -1 };
	int type = 0, r;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    type != SOCK_SEQPACKET || fcntl(fd, F_GETFL) & O_NONBLOCK)
		return -EBADF;
	(void)snprintf(message.name, sizeof(message.name), "%s", name);
	r = channel_send(fd, &message);
	if (r == 0)
		r = channel_receive(fd, &message);
	return r < 0 ? r : -(int)message.number;
}

/* Behind which there is no other day. */
static int begin_last_log(void)
{
	int r = -EBADF;

	for (int fd = 3; r == -EBADF && fd < FDS_MAX; fd++)
		r = ask_for_log(fd, "lksm_events_9999-12-31.jsonl");
	return r;
}

/* ---- with what is open ---- */

static int each_file(int (*try)(int fd))
{
	struct stat st;
	int r = -EBADF;

	for (int fd = 3; r < 0 && fd < FDS_MAX; fd++)
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			r = try(fd);
	return r;
}

static int truncate_one(int fd)
{
	return result(syscall(SYS_ftruncate, fd, 0));
}

static int punch_one(int fd)
{
	return result(syscall(SYS_fallocate, fd,
			      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
}

/* pwrite(2), BUGS: with O_APPEND it appends, which core may. What is there must stay. */
static int overwrite_one(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat before, after;

	if (flags < 0 || !(flags & O_APPEND) || fstat(fd, &before) < 0)
		return -EBADF;
	if (syscall(SYS_pwrite64, fd, FORGED, strlen(FORGED), 0) < 0 ||
	    fstat(fd, &after) < 0)
		return -errno;
	return after.st_size > before.st_size ? -EPERM : 0;
}

static int overwrite_flagged(int fd)
{
	struct iovec forged = { (void *)(uintptr_t)FORGED, strlen(FORGED) };

	return result(syscall(SYS_pwritev2, fd, &forged, 1, 0, 0, NO_APPEND));
}

static int clear_append(int fd)
{
	int r = result(syscall(SYS_fcntl, fd, F_SETFL, 0));

	if (r < 0)
		return r;
	(void)lseek(fd, 0, SEEK_SET);
	return result(write(fd, FORGED, strlen(FORGED)));
}

static int map_one(int fd)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED
		       ? -errno
		       : 0;
}

static int open_again(int fd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return result(syscall(SYS_openat, AT_FDCWD, path, O_RDWR));
}

static int change_owner(int fd)
{
	return result(syscall(SYS_fchown, fd, getuid(), -1));
}

static int truncate_log(void)
{
	return each_file(truncate_one);
}
static int punch_log(void)
{
	return each_file(punch_one);
}
static int overwrite_log(void)
{
	return each_file(overwrite_one);
}
static int overwrite_log_flagged(void)
{
	return each_file(overwrite_flagged);
}
static int unappend_log(void)
{
	return each_file(clear_append);
}
static int map_files(void)
{
	return each_file(map_one);
}
static int open_log_again(void)
{
	return each_file(open_again);
}
static int own_log(void)
{
	return each_file(change_owner);
}

const struct attack attacks[] = {
	{ "open_read", open_read },
	{ "open_write", open_write },
	{ "open_handle", open_handle },
	{ "remove_file", remove_file },
	{ "change_mode", change_mode },
	{ "run_program", run_program },
	{ "start_process", start_process },
	{ "open_socket", open_socket },
	{ "connect_out", connect_out },
	{ "connect_by_sending", connect_by_sending },
	{ "connect_by_message", connect_by_message },
	{ "trace_parent", trace_parent },
	{ "write_parent", write_parent },
	{ "kill_parent", kill_parent },
	{ "become_root", become_root },
	{ "take_capabilities", take_capabilities },
	{ "new_namespace", new_namespace },
	{ "use_io_uring", use_io_uring },
	{ "make_code", make_code },
	{ "make_code_later", make_code_later },
	{ "raise_limit", raise_limit },
	{ "find_shared_memory", find_shared_memory },
	{ "begin_last_log", begin_last_log },
	{ "truncate_log", truncate_log },
	{ "punch_log", punch_log },
	{ "overwrite_log", overwrite_log },
	{ "overwrite_log_flagged", overwrite_log_flagged },
	{ "unappend_log", unappend_log },
	{ "map_files", map_files },
	{ "open_log_again", open_log_again },
	{ "own_log", own_log },
	{ NULL, NULL },
};
