// SPDX-License-Identifier: GPL-2.0-only
#include "members.h"

#include <linux/binfmts.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_ldisc.h>
#include <net/protocol.h>
#include <net/sock.h>

/* clang-format off */
#define SEQ(name) { TABLE_SEQ, offsetof(struct seq_operations, name), #name },
#define FILE(name) { TABLE_FILE, offsetof(struct file_operations, name), #name },
#define PROC(name) { TABLE_PROC, offsetof(struct proc_ops, name), #name },
#define INODE(name) { TABLE_INODE, offsetof(struct inode_operations, name), #name },
#define DENTRY(name) { TABLE_DENTRY, offsetof(struct dentry_operations, name), #name },
#define SUPER(name) { TABLE_SUPER, offsetof(struct super_operations, name), #name },
#ifdef PHOTON_SUPER_HAS_REMOUNT_FS
#define REMOUNT_FS SUPER(remount_fs)
#else
#define REMOUNT_FS
#endif
#define MAPPING(name) { TABLE_MAPPING, offsetof(struct address_space_operations, name), #name },
#define SOCKET(name) { TABLE_SOCKET, offsetof(struct proto_ops, name), #name },
#define PROTO(name) { TABLE_PROTO, offsetof(struct proto, name), #name },
#define NET(name) { TABLE_NET, offsetof(struct net_protocol, name), #name },
#define NET6(name) { TABLE_NET6, offsetof(struct inet6_protocol, name), #name },
#define LDISC(name) { TABLE_LDISC, offsetof(struct tty_ldisc_ops, name), #name },
#define TTY(name) { TABLE_TTY, offsetof(struct tty_operations, name), #name },
#define BINFMT(name) { TABLE_BINFMT, offsetof(struct linux_binfmt, name), #name },

static const struct {
	enum table_type type;
	size_t offset;
	const char *name;
} members[] = {
	SEQ(start) SEQ(stop) SEQ(next) SEQ(show)
	FILE(owner) FILE(llseek) FILE(read) FILE(write) FILE(read_iter) FILE(write_iter)
	FILE(iopoll) FILE(iterate_shared) FILE(poll) FILE(unlocked_ioctl)
	FILE(compat_ioctl) FILE(mmap) FILE(open) FILE(flush) FILE(release) FILE(fsync)
	FILE(fasync) FILE(lock) FILE(get_unmapped_area) FILE(check_flags) FILE(flock)
	FILE(splice_write) FILE(splice_read) FILE(setlease) FILE(fallocate)
	FILE(show_fdinfo) FILE(copy_file_range) FILE(remap_file_range) FILE(fadvise)
	PROC(proc_open) PROC(proc_read) PROC(proc_read_iter) PROC(proc_write)
	PROC(proc_lseek) PROC(proc_release) PROC(proc_poll) PROC(proc_ioctl)
	PROC(proc_mmap) PROC(proc_get_unmapped_area)
	INODE(lookup) INODE(get_link) INODE(permission) INODE(readlink) INODE(create)
	INODE(link) INODE(unlink) INODE(symlink) INODE(mkdir) INODE(rmdir) INODE(mknod)
	INODE(rename) INODE(setattr) INODE(getattr) INODE(listxattr) INODE(fiemap)
	INODE(update_time) INODE(atomic_open) INODE(tmpfile)
	DENTRY(d_revalidate) DENTRY(d_weak_revalidate) DENTRY(d_hash) DENTRY(d_compare)
	DENTRY(d_delete) DENTRY(d_init) DENTRY(d_release) DENTRY(d_prune) DENTRY(d_iput)
	DENTRY(d_dname) DENTRY(d_automount) DENTRY(d_manage) DENTRY(d_real)
	SUPER(alloc_inode) SUPER(destroy_inode) SUPER(free_inode) SUPER(dirty_inode)
	SUPER(write_inode) SUPER(drop_inode) SUPER(evict_inode) SUPER(put_super)
	SUPER(sync_fs) SUPER(statfs) REMOUNT_FS SUPER(umount_begin)
	SUPER(show_options) SUPER(show_devname) SUPER(show_path) SUPER(show_stats)
	MAPPING(writepages) MAPPING(write_begin) MAPPING(write_end) MAPPING(bmap)
	MAPPING(direct_IO) MAPPING(swap_activate) MAPPING(swap_deactivate)
	SOCKET(owner) SOCKET(release) SOCKET(bind) SOCKET(connect) SOCKET(socketpair)
	SOCKET(accept) SOCKET(getname) SOCKET(poll) SOCKET(ioctl) SOCKET(listen)
	SOCKET(shutdown) SOCKET(setsockopt) SOCKET(getsockopt) SOCKET(sendmsg)
	SOCKET(recvmsg) SOCKET(mmap) SOCKET(splice_read) SOCKET(set_peek_off)
	SOCKET(peek_len) SOCKET(read_sock) SOCKET(sendmsg_locked)
	PROTO(close) PROTO(pre_connect) PROTO(connect) PROTO(disconnect) PROTO(accept)
	PROTO(ioctl) PROTO(init) PROTO(destroy) PROTO(shutdown) PROTO(setsockopt)
	PROTO(getsockopt) PROTO(sendmsg) PROTO(recvmsg) PROTO(bind) PROTO(backlog_rcv)
	PROTO(release_cb) PROTO(hash) PROTO(unhash) PROTO(rehash) PROTO(get_port)
	NET(handler) NET(err_handler)
	NET6(handler) NET6(err_handler)
	LDISC(open) LDISC(close) LDISC(flush_buffer) LDISC(read) LDISC(write)
	LDISC(ioctl) LDISC(set_termios) LDISC(poll) LDISC(hangup) LDISC(receive_buf)
	LDISC(write_wakeup) LDISC(dcd_change) LDISC(receive_buf2)
	TTY(lookup) TTY(install) TTY(remove) TTY(open) TTY(close) TTY(shutdown)
	TTY(cleanup) TTY(write) TTY(put_char) TTY(flush_chars) TTY(write_room)
	TTY(chars_in_buffer) TTY(ioctl) TTY(set_termios) TTY(throttle) TTY(unthrottle)
	TTY(hangup)
	BINFMT(load_binary)
};
/* clang-format on */

static const size_t sizes[TABLE_TYPE_COUNT] = {
	[TABLE_SEQ] = sizeof(struct seq_operations),
	[TABLE_FILE] = sizeof(struct file_operations),
	[TABLE_PROC] = sizeof(struct proc_ops),
	[TABLE_INODE] = sizeof(struct inode_operations),
	[TABLE_DENTRY] = sizeof(struct dentry_operations),
	[TABLE_SUPER] = sizeof(struct super_operations),
	[TABLE_MAPPING] = sizeof(struct address_space_operations),
	[TABLE_SOCKET] = sizeof(struct proto_ops),
	[TABLE_PROTO] = sizeof(struct proto),
	[TABLE_NET] = sizeof(struct net_protocol),
	[TABLE_NET6] = sizeof(struct inet6_protocol),
	[TABLE_LDISC] = sizeof(struct tty_ldisc_ops),
	[TABLE_TTY] = sizeof(struct tty_operations),
	[TABLE_BINFMT] = sizeof(struct linux_binfmt),
};

size_t members_size(enum table_type type)
{
	return sizes[type];
}

const char *members_find(enum table_type type, size_t offset)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(members); i++) {
		if (members[i].type == type && members[i].offset == offset)
			return members[i].name;
	}
	return NULL;
}

void members_describe(char to[MEMBERS_NAME_SIZE], const char *table, enum table_type type,
		      size_t offset)
{
	const char *name = members_find(type, offset);

	if (name)
		scnprintf(to, MEMBERS_NAME_SIZE, "%s.%s", table, name);
	else if (type == TABLE_SLOTS)
		scnprintf(to, MEMBERS_NAME_SIZE, "%s[%zu]", table, offset / sizeof(long));
	else
		scnprintf(to, MEMBERS_NAME_SIZE, "%s+0x%zx", table, offset);
}
