// SPDX-License-Identifier: GPL-2.0
#include "base/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int fail_open(struct failure *f, const char *path, int err)
{
	return fail(f, FAILURE_INTERNAL, err, "%.300s can't be written: %s", path, strerror(-err));
}

static int fail_exists(struct failure *f, const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return fail_open(f, path, -errno);
	if (S_ISLNK(st.st_mode))
		return fail(f, FAILURE_USAGE, -EEXIST,
			    "%.300s is a symbolic link: name the file itself", path);
	if (S_ISDIR(st.st_mode))
		return fail(f, FAILURE_USAGE, -EISDIR, "%.300s is a directory: name a file", path);
	if (!S_ISREG(st.st_mode))
		return fail(f, FAILURE_USAGE, -EEXIST, "%.300s is no regular file", path);
	return fail(f, FAILURE_USAGE, -EEXIST,
		    "%.300s exists already: use another name, or --force to replace it", path);
}

/* Two who write one file would leave nothing of either. */
static int lock(const char *path, struct newfile *n, struct failure *f)
{
	if (!flock(n->fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
		return 0;
	closep(&n->fd);
	return fail(f, FAILURE_USAGE, -EBUSY, "%.300s is being written by another kmscope", path);
}

int newfile_open(const char *path, bool force, struct newfile *ret, struct failure *f)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!strcmp(path, "-"))
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "«-» is not standard output here: name a file");
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0) {
		*ret = (struct newfile){ TAKE_FD(fd), true };
		return lock(path, ret, f);
	}
	if (errno != EEXIST && errno != EISDIR && errno != ELOOP)
		return fail_open(f, path, -errno);
	/* to open a device may be to do something */
	if (errno != EEXIST || !force || lstat(path, &st) || !S_ISREG(st.st_mode))
		return fail_exists(f, path);
	/* a FIFO would wait for its reader */
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == EISDIR || errno == ELOOP))
		return fail_exists(f, path);
	if (fd < 0 || fstat(fd, &st))
		return fail_open(f, path, -errno);
	if (!S_ISREG(st.st_mode))
		return fail_exists(f, path);
	*ret = (struct newfile){ TAKE_FD(fd), false };
	return lock(path, ret, f);
}
