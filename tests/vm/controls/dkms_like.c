// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an honest driver from outside of the kernel's tree does: a device, a file in /proc,
 * and work to be done. It hooks nothing.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

static int on_show(struct seq_file *file, void *unused)
{
	seq_puts(file, "fine\n");
	return 0;
}

static ssize_t on_read(struct file *file, char __user *to, size_t size, loff_t *offset)
{
	return 0;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.read = on_read,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dkms_like",
	.fops = &operations,
};

static void work_run(struct work_struct *unused)
{
}

static DECLARE_WORK(work, work_run);

static int __init dkms_like_init(void)
{
	int r = misc_register(&device);

	if (r)
		return r;
	if (!proc_create_single("dkms_like", 0444, NULL, on_show)) {
		misc_deregister(&device);
		return -ENOMEM;
	}
	schedule_work(&work);
	return 0;
}

static void __exit dkms_like_exit(void)
{
	cancel_work_sync(&work);
	remove_proc_entry("dkms_like", NULL);
	misc_deregister(&device);
}

module_init(dkms_like_init);
module_exit(dkms_like_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VM test: a driver from outside of the tree");
