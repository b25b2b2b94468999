// SPDX-License-Identifier: Apache-2.0
/*
 * insmod-as UID FILE [PARAMETERS]: loads a module with this real user id and root's
 * power, as a set-user-id program would. (busybox's insmod would give the power up.)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: insmod-as UID FILE [PARAMETERS]\n");
		return 2;
	}
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror("insmod-as: open");
		return 1;
	}
	if (setresuid((uid_t)strtoul(argv[1], NULL, 10), 0, 0)) {
		perror("insmod-as: setresuid");
		return 1;
	}
	if (syscall(SYS_finit_module, fd, argc > 3 ? argv[3] : "", 0)) {
		perror("insmod-as: finit_module");
		return 1;
	}
	return 0;
}
