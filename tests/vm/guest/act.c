// SPDX-License-Identifier: Apache-2.0
/*
 * What the rows of the attacks and controls need and busybox has not:
 *
 *	act as-user UID COMMAND...	runs it as that user
 *	act become-root			for a copy that is set-user-id: is it root now?
 *	act forks N			so many processes that run a program
 *	act bpf-write			loads a BPF program that may write user memory
 *	act bpf-kprobe SYMBOL		a harmless BPF program on a kprobe, for a moment
 *	act bpf-socket			a harmless BPF program on a socket
 *	act perf-kprobe SYMBOL		a kprobe by perf_event_open(2), for a moment
 *	act perf-uprobe FILE OFFSET	a uprobe, likewise
 *	act kexec			loads (and unloads) a kernel that is none
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/kexec.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOLD_US	  300000
#define UNLOAD_MS 20000

static int fail(const char *what)
{
	fprintf(stderr, "act: %s: %s\n", what, strerror(errno));
	return 1;
}

static int run_as_user(int argc, char **argv)
{
	uid_t uid = argc > 3 ? (uid_t)strtoul(argv[2], NULL, 10) : 0;

	if (argc < 4 || setgid(uid) || setuid(uid))
		return fail("as-user");
	execvp(argv[3], argv + 3);
	return fail(argv[3]);
}

static int become_root(void)
{
	if (setresuid(0, 0, 0))
		return fail("become-root");
	execlp("id", "id", "-u", NULL);
	return fail("id");
}

static int listen_at(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, 1))
		return fail("listen");
	for (;;)
		pause();
}

static int print_entry(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Phdr segment = { 0 };
	Elf64_Ehdr header;
	ssize_t n;

	if (fd < 0 || pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return fail("entry");
	for (int i = 0; i < header.e_phnum; i++) {
		n = pread(fd, &segment, sizeof(segment),
			  (off_t)(header.e_phoff + (size_t)i * sizeof(segment)));
		if (n == sizeof(segment) && segment.p_type == PT_LOAD &&
		    header.e_entry - segment.p_vaddr < segment.p_filesz)
			break;
	}
	printf("0x%lx\n", header.e_entry - segment.p_vaddr + segment.p_offset);
	return 0;
}

static int unload(const char *module)
{
	for (int ms = 0; ms < UNLOAD_MS; ms += 100) {
		if (!syscall(SYS_delete_module, module, O_NONBLOCK))
			return 0;
		usleep(100 * 1000);
	}
	return fail("unload");
}

static int fork_often(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t child = fork();

		if (child == 0) {
			execlp("true", "true", NULL);
			_exit(1);
		}
		if (child < 0 || waitpid(child, NULL, 0) != child)
			return fail("fork");
	}
	return 0;
}

#define INSN(c, d, s, o, i)                                                         \
	{                                                                           \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) \
	}

static int load_program(enum bpf_prog_type type, const struct bpf_insn *insns, size_t n)
{
	static char log[4096];
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uint64_t)(uintptr_t)insns,
		.insn_cnt = (uint32_t)n,
		.license = (uint64_t)(uintptr_t) "GPL",
		.log_buf = (uint64_t)(uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd;

	strcpy(attr.prog_name, "lksm_vm");
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		fprintf(stderr, "%s\n", log);
	return fd;
}

static const struct bpf_insn harmless[] = {
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
	INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
};

static const struct bpf_insn writing[] = {
	INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 0),
	INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
	INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -8),
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 0),
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 8),
	INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_write_user),
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
	INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
};

static int load_writing_program(void)
{
	if (load_program(BPF_PROG_TYPE_KPROBE, writing,
			 sizeof(writing) / sizeof(writing[0])) < 0)
		return fail("bpf-write");
	usleep(HOLD_US);
	return 0;
}

static int filter_socket(void)
{
	int sockets[2], program = load_program(BPF_PROG_TYPE_SOCKET_FILTER, harmless, 2);

	if (program < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets) ||
	    setsockopt(sockets[0], SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)))
		return fail("bpf-socket");
	usleep(HOLD_US);
	return 0;
}

static int read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int number = -1;

	if (file && fscanf(file, "%d", &number) != 1)
		number = -1;
	if (file)
		fclose(file);
	return number;
}

/* @what: "kprobe", of the symbol @name; or "uprobe", of the file @name at @offset */
static int open_probe(const char *what, const char *name, uint64_t offset)
{
	char path[96];
	struct perf_event_attr attr = { .size = sizeof(attr), .sample_period = 1 };
	int type;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", what);
	type = read_number(path);
	if (type < 0)
		return -1;
	attr.type = (uint32_t)type;
	attr.config1 = (uint64_t)(uintptr_t)name;
	attr.config2 = offset;
	return (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
}

static int hold_probe(const char *what, const char *name, const char *offset)
{
	if (open_probe(what, name, strtoull(offset, NULL, 0)) < 0)
		return fail(what);
	usleep(HOLD_US);
	return 0;
}

static int run_program_on_kprobe(const char *symbol)
{
	int program = load_program(BPF_PROG_TYPE_KPROBE, harmless, 2);
	int probe = open_probe("kprobe", symbol, 0);

	if (program < 0 || probe < 0 || ioctl(probe, PERF_EVENT_IOC_SET_BPF, program) ||
	    ioctl(probe, PERF_EVENT_IOC_ENABLE, 0))
		return fail("bpf-kprobe");
	usleep(HOLD_US);
	return 0;
}

static int load_kernel(void)
{
	static char code[4096];
	struct {
		const void *from;
		size_t size;
		const void *to;
		size_t room;
	} segment = { code, sizeof(code), (void *)0x2000000, sizeof(code) };

	if (syscall(SYS_kexec_load, 0x2000000UL, 1UL, &segment, KEXEC_ARCH_DEFAULT))
		return fail("kexec_load");
	if (syscall(SYS_kexec_load, 0UL, 0UL, NULL, KEXEC_ARCH_DEFAULT))
		return fail("kexec_load, to unload");
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	char *what = argc > 2 ? argv[2] : "", *more = argc > 3 ? argv[3] : "0";

	if (!strcmp(verb, "as-user"))
		return run_as_user(argc, argv);
	if (!strcmp(verb, "become-root"))
		return become_root();
	if (!strcmp(verb, "entry"))
		return print_entry(what);
	if (!strcmp(verb, "unload"))
		return unload(what);
	if (!strcmp(verb, "listen"))
		return listen_at(atoi(what));
	if (!strcmp(verb, "forks"))
		return fork_often(atoi(what));
	if (!strcmp(verb, "bpf-write"))
		return load_writing_program();
	if (!strcmp(verb, "bpf-kprobe"))
		return run_program_on_kprobe(what);
	if (!strcmp(verb, "bpf-socket"))
		return filter_socket();
	if (!strcmp(verb, "perf-kprobe"))
		return hold_probe("kprobe", what, more);
	if (!strcmp(verb, "perf-uprobe"))
		return hold_probe("uprobe", what, more);
	if (!strcmp(verb, "kexec"))
		return load_kernel();
	fprintf(stderr, "usage: see the top of act.c\n");
	return 2;
}
