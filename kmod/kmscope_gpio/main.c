// SPDX-License-Identifier: GPL-2.0
/*
 * kmscope_gpio: a module that makes traffic on the registers of one GPIO bank, when asked for, and
 * traces each access. It is for boards on a desk and for test machines: whoever may write to
 * /proc/kmscope_gpio can drive the pins that the parameter pins allows.
 *
 * A file in /proc needs nothing mounted that a guest has not, no device node, and is there under
 * lockdown, which closes debugfs.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "gpio.h"

#define NAME	   "kmscope_gpio"
#define LINE_BYTES 128

DEFINE_MUTEX(kgpio_lock);

/* --- /proc/kmscope_gpio ----------------------------------------------------------------------- */

/* An open file holds the module. Traffic does not: unloading stops it. */
static int proc_open(struct inode *inode, struct file *file)
{
	return try_module_get(THIS_MODULE) ? 0 : -ENODEV;
}

static int proc_release(struct inode *inode, struct file *file)
{
	module_put(THIS_MODULE);
	return 0;
}

static ssize_t proc_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	const char *answer;
	size_t length;
	ssize_t n;

	if (mutex_lock_killable(&kgpio_lock))
		return -EINTR;
	answer = kgpio_answer(&length);
	n = simple_read_from_buffer(buf, size, pos, answer, length);
	mutex_unlock(&kgpio_lock);
	return n;
}

static ssize_t proc_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	char line[LINE_BYTES];
	size_t n = min_t(size_t, size, sizeof(line) - 1);
	int err;

	if (copy_from_user(line, buf, n))
		return -EFAULT;
	line[n] = '\0';
	if (n && line[n - 1] == '\n')
		line[n - 1] = '\0';
	if (mutex_lock_killable(&kgpio_lock))
		return -EINTR;
	err = kgpio_execute(n < size || strchr(line, '\n') ? NULL : line);
	*pos = 0; /* a read of the same file gives the whole answer */
	mutex_unlock(&kgpio_lock);
	return err ?: size;
}

static const struct proc_ops operations = {
	.proc_open = proc_open,
	.proc_release = proc_release,
	.proc_read = proc_read,
	.proc_write = proc_write,
	.proc_lseek = default_llseek,
};

/* --- the module ------------------------------------------------------------------------------- */

static int __init kgpio_init(void)
{
	int err = kgpio_bank_init();

	if (err)
		return err;
	if (!proc_create(NAME, 0600, NULL, &operations)) {
		kgpio_bank_exit();
		return -ENOMEM;
	}
	return 0;
}

static void __exit kgpio_exit(void)
{
	remove_proc_entry(NAME, NULL);
	mutex_lock(&kgpio_lock);
	kgpio_traffic_stop();
	mutex_unlock(&kgpio_lock);
	kgpio_bank_exit();
}

module_init(kgpio_init);
module_exit(kgpio_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("traced register traffic on one GPIO bank");
MODULE_VERSION("1.0");
