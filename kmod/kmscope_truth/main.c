// SPDX-License-Identifier: GPL-2.0
/*
 * kmscope_truth: a module that allocates and frees exactly what it is told, counts it, and answers
 * with the numbers, which tests compare kmscope's with. It is for test machines: whoever may write
 * to /proc/kmscope_truth can use up memory.
 *
 * A file in /proc needs nothing mounted that a guest has not, no device node, and is there under
 * lockdown, which closes debugfs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "truth.h"

#define NAME	   "kmscope_truth"
#define LINE_BYTES 128

static bool leak_on_unload;
module_param(leak_on_unload, bool, 0644);
MODULE_PARM_DESC(leak_on_unload, "leave what «leak» allocated when unloaded (default N)");

static DEFINE_MUTEX(truth_lock);
static char line[LINE_BYTES];

/* --- /proc/kmscope_truth ---------------------------------------------------------------------- */

/* An open file holds the module: rmmod says that it is in use, also while a command runs. */
static int truth_open(struct inode *inode, struct file *file)
{
	return try_module_get(THIS_MODULE) ? 0 : -ENODEV;
}

static int truth_release(struct inode *inode, struct file *file)
{
	module_put(THIS_MODULE);
	return 0;
}

static ssize_t truth_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	const char *answer;
	size_t length;
	ssize_t n;

	if (mutex_lock_killable(&truth_lock))
		return -EINTR;
	answer = truth_answer(&length);
	n = simple_read_from_buffer(buf, size, pos, answer, length);
	mutex_unlock(&truth_lock);
	return n;
}

static int execute(const char __user *buf, size_t size)
{
	size_t n = min_t(size_t, size, sizeof(line) - 1);

	if (copy_from_user(line, buf, n))
		return -EFAULT;
	line[n] = '\0';
	if (n && line[n - 1] == '\n')
		line[n - 1] = '\0';
	return truth_execute(n < size || strchr(line, '\n') ? NULL : line);
}

static ssize_t truth_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	int err;

	if (mutex_lock_killable(&truth_lock))
		return -EINTR;
	err = execute(buf, size);
	*pos = 0; /* a read of the same file gives the whole answer */
	mutex_unlock(&truth_lock);
	return err ?: size;
}

static const struct proc_ops truth_ops = {
	.proc_open = truth_open,
	.proc_release = truth_release,
	.proc_read = truth_read,
	.proc_write = truth_write,
	.proc_lseek = default_llseek,
};

/* --- the module ------------------------------------------------------------------------------- */

/* Undoes as much as has been done. */
static void undo(void)
{
	unsigned int lost = truth_keep_exit(leak_on_unload);

	if (lost)
		pr_notice("%u leaks are left behind, as leak_on_unload says\n", lost);
	truth_context_exit();
	truth_rcu_exit();
	truth_slab_exit();
	truth_command_exit();
}

static int __init truth_init(void)
{
	int (*const steps[])(void) = {
		truth_ioremap_init, truth_keep_init, truth_command_init,
		truth_slab_init,    truth_rcu_init,
	};
	size_t i;
	int err;

	truth_context_init();
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		err = steps[i]();
		if (err)
			goto fail;
	}
	err = -ENOMEM;
	if (!proc_create(NAME, 0600, NULL, &truth_ops))
		goto fail;
	return 0;

fail:
	undo();
	return err;
}

static void __exit truth_exit(void)
{
	remove_proc_entry(NAME, NULL);
	undo();
}

module_init(truth_init);
module_exit(truth_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("exact, counted allocations to test kmscope with");
