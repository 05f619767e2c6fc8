// SPDX-License-Identifier: GPL-2.0
#include "probe/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>

#define TRACEFS_FILE_MAX ((size_t)1 << 20)

static int tracefs_mount_detached(void)
{
	_cleanup_close_ int fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	int mount;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -errno;
	mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
			     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return mount < 0 ? -errno : mount;
}

int tracefs_open(int *ret_fd, const char **ret_how, struct failure *f)
{
	static const char *const places[] = {
		"/sys/kernel/tracing",
		"/sys/kernel/debug/tracing",
	};
	int err = 0, mounted;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_close_ int fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && !faccessat(fd, "events", X_OK, AT_EACCESS)) {
			*ret_fd = TAKE_FD(fd);
			*ret_how = places[i];
			return 0;
		}
		if (errno != ENOENT)
			err = -errno;
	}
	mounted = tracefs_mount_detached();
	if (mounted >= 0) {
		*ret_fd = mounted;
		*ret_how = "not mounted; kmscope uses an instance of its own";
		return 0;
	}
	if (mounted == -ENODEV)
		return fail(
			f, FAILURE_UNSUPPORTED, mounted,
			"this kernel has no tracefs (CONFIG_TRACING): classic tracepoints can't "
			"be used");
	return fail(f, FAILURE_UNSUPPORTED, err ? err : mounted,
		    "tracefs is not readable (%s): as root, run «mount -t tracefs tracefs "
		    "/sys/kernel/tracing»",
		    strerror(err ? -err : -mounted));
}

int tracefs_read(int dirfd, const char *path, char **ret_text, size_t *ret_len)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t room = 0, len = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (len + 1 >= room) {
			char *more;

			room = room ? room * 2 : 8192;
			if (room > TRACEFS_FILE_MAX)
				return -EFBIG;
			more = realloc(text, room);
			if (!more)
				return -ENOMEM;
			text = more;
		}
		n = read(fd, text + len, room - len - 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			break;
		if (n > 0)
			len += (size_t)n;
	}
	text[len] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

int tracefs_read_format(int dirfd, const struct trace_event_name *event, struct event_format **ret)
{
	_cleanup_free_ char *text = NULL;
	char path[128];
	size_t len;
	int err;

	snprintf(path, sizeof(path), "events/%s/%s/format", event->system, event->name);
	err = tracefs_read(dirfd, path, &text, &len);
	return err ? err : format_parse(text, len, ret, NULL);
}
