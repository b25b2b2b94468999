// SPDX-License-Identifier: Apache-2.0
/*
 * See landlock.h. libc has no wrappers, and headers are older than kernels: the numbers of
 * include/uapi/linux/landlock.h stand here.
 */
#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The same on every architecture. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule	    445
#define SYS_landlock_restrict_self  446
#endif

#define ASK_ABI		  1u /* flag of landlock_create_ruleset() */
#define RULE_PATH_BENEATH 1
#define TCP_CONNECT	  (UINT64_C(1) << 1)

#define FS_EXECUTE    (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE  (UINT64_C(1) << 2)
#define FS_READ_DIR   (UINT64_C(1) << 3)
#define FS_READ	      (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR)

struct ruleset {
	uint64_t files;
	uint64_t tcp;	/* since ABI 4 */
	uint64_t scope; /* since ABI 6 */
};

struct path_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* All that the kernel of this ABI can deny. */
static const struct {
	struct ruleset denied;
	size_t size; /* of struct ruleset, as that kernel knows it */
} abis[] = {
	{ { (UINT64_C(1) << 13) - 1, 0, 0 }, offsetof(struct ruleset, tcp) },
	{ { (UINT64_C(1) << 14) - 1, 0, 0 }, offsetof(struct ruleset, tcp) }, /* REFER */
	{ { (UINT64_C(1) << 15) - 1, 0, 0 },
	  offsetof(struct ruleset, tcp) }, /* TRUNCATE */
	{ { (UINT64_C(1) << 15) - 1, 3, 0 }, offsetof(struct ruleset, scope) }, /* TCP */
	{ { (UINT64_C(1) << 16) - 1, 3, 0 },
	  offsetof(struct ruleset, scope) },			       /* IOCTL_DEV */
	{ { (UINT64_C(1) << 16) - 1, 3, 3 }, sizeof(struct ruleset) }, /* scopes */
};

static int allow_open(int ruleset, int fd, uint64_t allowed)
{
	struct path_beneath rule = { .allowed = allowed, .fd = fd };

	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0
		       ? -errno
		       : 0;
}

static int allow(int ruleset, const char *path, uint64_t allowed)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : allow_open(ruleset, fd, allowed);
}

/* What a resolver and a TLS library read. Not all of it is on each machine. */
static void allow_client(int ruleset)
{
	static const char *const folders[] = { "/etc",
					       "/usr",
					       "/lib",
					       "/lib64",
					       "/run/systemd/resolve",
					       "/run/resolvconf",
					       "/run/NetworkManager" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		(void)allow(ruleset, folders[i], FS_READ_FILE | FS_READ_DIR);
}

int landlock_restrict(enum landlock_files files, int folder, int read_folder)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_ABI);
	_cleanup_close_ int ruleset = -1;
	struct ruleset denied;
	size_t i;
	int r = 0;

	if (abi < 1)
		return abi < 0 ? -errno : -ENOSYS;
	i = (size_t)abi < ARRAY_SIZE(abis) ? (size_t)abi - 1 : ARRAY_SIZE(abis) - 1;
	denied = abis[i].denied;
	if (files == LANDLOCK_FILES_CLIENT)
		denied.tcp &= ~TCP_CONNECT;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &denied, abis[i].size, 0);
	if (ruleset < 0)
		return -errno;
	if (files == LANDLOCK_FILES_READ) {
		r = allow(ruleset, "/", FS_READ);
		if (r == 0 &&
		    allow(ruleset, "/dev/null", FS_READ_FILE | FS_WRITE_FILE) < 0)
			r = 0; /* a folder without it is as good */
	}
	if (files == LANDLOCK_FILES_CLIENT)
		allow_client(ruleset);
	if (files == LANDLOCK_FILES_FOLDER || files == LANDLOCK_FILES_FOLDERS)
		r = allow_open(ruleset, folder, abis[i].denied.files);
	if (r == 0 &&
	    (files == LANDLOCK_FILES_FOLDERS || files == LANDLOCK_FILES_FOLDER_READ))
		r = allow_open(ruleset, read_folder, FS_READ_FILE | FS_READ_DIR);
	if (r < 0)
		return r;
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : (int)abi;
}
