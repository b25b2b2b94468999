// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/lksm. The file position is the number of the next record, so that reading needs
 * no state but one flag; a read copies lines out of the store into memory of its own
 * first, so that a reader whose pages are missing stops nobody but itself.
 *
 * Unloading while others hold the file is where such files kill kernels. procfs keeps
 * calls out of a module that goes, and waits for those that are in it. But who polls
 * leaves an entry in our wait queue that stays there between calls, and procfs knows
 * nothing of it: it is unlinked when the poller wakes up, or, for epoll, when the file is
 * closed, days later. Therefore:
 *
 *  1. The head of the queue is no part of the module: it is allocated.
 *  2. From `is_going` on nobody joins the queue; the gate tells that from a call that
 *     is about to.
 *  3. A wake-up with POLLFREE makes epoll, aio and io_uring unlink their entries at once.
 *  4. Sleepers in poll(2) unlink their own when they have woken up. One that does not
 *     (its cgroup is frozen) makes us leave the head to it, and the few bytes are lost.
 *  5. The entry of epoll may be looked at under RCU until then: synchronize_rcu().
 */
#include "procfs.h"

#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "guards.h"
#include "lksm/wire.h"
#include "record.h"
#include "sensors.h"

#define READ_SIZE_MAX	 (16 * 1024)
#define FAREWELL_TIME_MS 250
#define BOOT_ID_PATH	 "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LENGTH	 36

/* Without it, epoll cannot be made to let go, and the head is left to it. */
#ifdef POLLFREE
#define FAREWELL_EVENTS (EPOLLHUP | POLLFREE)
#else
#define FAREWELL_EVENTS EPOLLHUP
#endif

/**
 * struct reader - an open file
 * @has_header: it has been read
 * @is_watching: it has been polled, and does not know yet that the sensor goes
 */
struct reader {
	bool has_header;
	atomic_t is_watching;
};

static struct {
	wait_queue_head_t *head;
	struct rw_semaphore gate;
	bool is_going; /* written with the gate closed */
	atomic_t n_watching;
	u64 instance;
	char boot_id[BOOT_ID_LENGTH + 1];
} state;

static void set_watching(struct reader *reader, int is_watching)
{
	if (atomic_xchg(&reader->is_watching, is_watching) != is_watching)
		atomic_add(is_watching ? 1 : -1, &state.n_watching);
}

static int lksm_open(struct inode *inode, struct file *file)
{
	struct reader *reader;

	/* As for /dev/kmsg: root in a container is not meant. */
	if (!capable(CAP_SYSLOG))
		return -EPERM;
	reader = kzalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	file->private_data = reader;
	file->f_pos = record_bounds().first;
	return 0;
}

static int lksm_release(struct inode *inode, struct file *file)
{
	set_watching(file->private_data, 0);
	kfree(file->private_data);
	return 0;
}

/* One byte more than @size is there, in put_header() and put_lost(): for the NUL. */
static size_t put_header(char *to, size_t size)
{
	struct record_bounds bounds = record_bounds();
	size_t n;

	n = snprintf(to, size + 1, LKSM_PROC_HEADER, LKSM_PROC_VERSION,
		     PHOTON_RING_VERSION, state.instance, state.boot_id, bounds.first,
		     bounds.next);
	return n <= size ? n : 0;
}

/* Up to @number, if that is gone, nothing is left. */
static size_t put_lost(u64 *number, char *to, size_t size)
{
	u64 first = record_bounds().first;
	size_t n;

	n = snprintf(to, size + 1, LKSM_PROC_LOST, *number, first - 1, first - *number);
	if (n > size)
		return 0;
	*number = first;
	return n;
}

/* Lines from @number on. Return: bytes; 0 if there is nothing; -EMSGSIZE if none fits. */
static ssize_t put_records(u64 *number, char *to, size_t size)
{
	size_t n = 0, n_lost;
	ssize_t r;

	/* Again, if the writer was faster than our way from put_lost() to here. */
	while ((r = record_read(number, to + n, size - n)) == -EOVERFLOW) {
		n_lost = put_lost(number, to + n, size - n);
		if (!n_lost)
			return n ? n : -EMSGSIZE;
		n += n_lost;
	}
	return n && r < 0 ? n : n + r;
}

static bool has_more(const struct reader *reader, u64 number)
{
	return !reader->has_header || number < record_bounds().next;
}

/* Return: bytes to give; 0 if there are none for now; -EIO if there will be none. */
static ssize_t fill(struct reader *reader, u64 *number, char *to, size_t size)
{
	bool is_going = READ_ONCE(state.is_going); /* before the last look at the store */
	size_t n = 0;
	ssize_t r;

	if (!reader->has_header) {
		n = put_header(to, size);
		if (!n)
			return -EINVAL;
	}
	r = put_records(number, to + n, size - n);
	if (n || r > 0)
		return r > 0 ? n + r : n;
	if (r < 0)
		return -EINVAL;
	if (!is_going)
		return 0;
	set_watching(reader, 0);
	return -EIO;
}

static ssize_t lksm_read(struct file *file, char __user *to, size_t size,
			 loff_t *position)
{
	struct reader *reader = file->private_data;
	u64 number = *position;
	char *buffer;
	ssize_t n;

	size = min_t(size_t, size, READ_SIZE_MAX);
	buffer = kvmalloc(size + 1, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	n = fill(reader, &number, buffer, size);
	if (n > 0 && copy_to_user(to, buffer, n))
		n = -EFAULT;
	kvfree(buffer);
	if (n > 0) {
		reader->has_header = true;
		*position = number;
	}
	return n;
}

/* The looks are taken in the writer's time: when it is back, what they found is there. */
static ssize_t lksm_write(struct file *file, const char __user *from, size_t size,
			  loff_t *position)
{
	const struct guard_who who = { .occasion = GUARD_SCAN };
	char word[sizeof(LKSM_PROC_SCAN) + 1] = "";

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (size >= sizeof(word) || copy_from_user(word, from, size) ||
	    strcmp(strim(word), LKSM_PROC_SCAN))
		return -EINVAL;
	guards_check(&who);
	watched_work_look_closely(&guards_sweep_work);
	watched_work_look_closely(&sensor_canary_work);
	/* Who reads the channel may have looks of its own to take (the daemon has). */
	photon_logfmt_by_task(EMIT_INFO, "scan_done", "%s", "");
	return size;
}

static loff_t lksm_lseek(struct file *file, loff_t offset, int whence)
{
	loff_t next = record_bounds().next;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		offset += file->f_pos;
		break;
	case SEEK_END:
		offset += next;
		break;
	default:
		return -EINVAL;
	}
	return vfs_setpos(file, offset, next);
}

static __poll_t lksm_poll(struct file *file, poll_table *wait)
{
	struct reader *reader = file->private_data;
	__poll_t events = 0;
	bool is_going;

	down_read(&state.gate);
	is_going = state.is_going;
	if (!is_going) {
		poll_wait(file, state.head, wait);
		set_watching(reader, 1);
	}
	up_read(&state.gate);
	if (has_more(reader, file->f_pos))
		events |= EPOLLIN | EPOLLRDNORM;
	if (is_going)
		events |= EPOLLHUP;
	if (events == EPOLLHUP)
		set_watching(reader, 0);
	return events;
}

static const struct proc_ops operations = {
	.proc_open = lksm_open,
	.proc_release = lksm_release,
	.proc_read = lksm_read,
	.proc_write = lksm_write,
	.proc_lseek = lksm_lseek,
	.proc_poll = lksm_poll,
};

void procfs_wake(void)
{
	wake_up_interruptible_poll(state.head, EPOLLIN | EPOLLRDNORM);
}

/* The kernel keeps it to itself; but the file tells everyone. */
static void read_boot_id(void)
{
	struct file *file = filp_open(BOOT_ID_PATH, O_RDONLY, 0);
	char *byte = state.boot_id;
	loff_t position = 0;
	ssize_t n = -ENOENT;

	if (!IS_ERR(file)) {
		n = kernel_read(file, state.boot_id, BOOT_ID_LENGTH, &position);
		(void)filp_close(file, NULL); /* nothing was written */
	}
	while (n == BOOT_ID_LENGTH && (isxdigit(*byte) || *byte == '-'))
		byte++;
	/* Whoever loads us may have put anything there. */
	if (byte != state.boot_id + BOOT_ID_LENGTH)
		strscpy(state.boot_id, "unknown", sizeof(state.boot_id));
}

int procfs_init(void)
{
	state.head = kmalloc(sizeof(*state.head), GFP_KERNEL);
	if (!state.head)
		return -ENOMEM;
	init_waitqueue_head(state.head);
	init_rwsem(&state.gate);
	get_random_bytes(&state.instance, sizeof(state.instance));
	read_boot_id();
	if (!proc_create(LKSM_PROC_NAME, 0600, NULL, &operations)) {
		kfree(state.head);
		return -ENOMEM;
	}
	return 0;
}

/* With the lock: who has just unlinked its entry may still be about to release it. */
static bool has_sleepers(void)
{
	bool has;

	spin_lock_irq(&state.head->lock);
	has = waitqueue_active(state.head);
	spin_unlock_irq(&state.head->lock);
	return has;
}

/* Not a condition of safety, but of being told by EPOLLHUP rather than by surprise. */
static void say_farewell(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(FAREWELL_TIME_MS);

	for (;;) {
		__wake_up(state.head, TASK_NORMAL, 0, poll_to_key(FAREWELL_EVENTS));
		if (!atomic_read(&state.n_watching) && !has_sleepers())
			break;
		if (time_after(jiffies, end))
			break;
		usleep_range(1000, 2000);
	}
}

void procfs_deinit(void)
{
	down_write(&state.gate);
	WRITE_ONCE(state.is_going, true);
	up_write(&state.gate);
	say_farewell();
	remove_proc_entry(LKSM_PROC_NAME, NULL);
	synchronize_rcu();
	if (!has_sleepers())
		kfree(state.head);
}
