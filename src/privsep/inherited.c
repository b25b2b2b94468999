// SPDX-License-Identifier: Apache-2.0
/* See inherited.h. */
#include "privsep/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/systemd.h"

static int set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return fd;
}

int inherited_find(const char *name)
{
	char **names = NULL;
	int n = sd.listen_fds_with_names(0, &names), fd = -ENOENT;

	for (int i = 0; i < n; i++) {
		if (fd < 0 && !strcmp(names[i], name))
			fd = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	return fd < 0 ? fd : set_flags(fd);
}

int inherited_input(void)
{
	_cleanup_close_ int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	_cleanup_close_ int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* no other process of ours is to have it by accident */
	if (fd < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0)
		return -errno;
	return set_flags(fd) < 0 ? -errno : take_fd(&fd);
}
