// SPDX-License-Identifier: GPL-2.0
#include "sym/user_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <zlib.h>

#include "sym/user_image.h"

#define FILE_MOST (4ull << 30) /* bytes; debug files of browsers have 2 GB */
#define VDSO_MOST (64u << 10)

#define OVERLAYFS_MAGIC 0x794c7630
#define BTRFS_MAGIC	0x9123683e

#define DEBUG_ROOT "/usr/lib/debug"

/*
 * Open @path for reading if it is a regular file, without opening anything else: that can start a
 * watchdog or wait for the other end of a pipe.
 */
static int open_regular(const char *path, struct stat *ret_st)
{
	_cleanup_close_ int place = open(path, O_PATH | O_CLOEXEC);
	char again[64];
	int fd;

	if (place < 0 || fstat(place, ret_st))
		return -ENOENT;
	if (!S_ISREG(ret_st->st_mode) || ret_st->st_size < EI_NIDENT ||
	    (uint64_t)ret_st->st_size > FILE_MOST)
		return -ENOENT;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", place);
	fd = open(again, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -ENOENT : fd;
}

enum sameness { SAME, OTHER, UNTOLD };

/*
 * Whether the file @fd is the object. What the kernel tells of mappings is the superblock's device: of
 * btrfs, fstat() tells another, a subvolume's; of overlayfs, fstat() tells the overlay's device and
 * sometimes inode, the mapping is of the file below.
 */
static enum sameness compare(const struct report_object *o, int fd, const struct stat *st)
{
	struct statfs fs;

	if (!o->inode)
		return UNTOLD;
	if (st->st_ino == o->inode && major(st->st_dev) == o->major &&
	    minor(st->st_dev) == o->minor)
		return SAME;
	if (fstatfs(fd, &fs))
		return OTHER;
	if ((uint32_t)fs.f_type == OVERLAYFS_MAGIC)
		return UNTOLD;
	return (uint32_t)fs.f_type == BTRFS_MAGIC && st->st_ino == o->inode ? UNTOLD : OTHER;
}

/* The inode's generation, too, where the file system tells it: of files that had one inode by turns. */
static bool is_other_generation(const struct report_object *o, int fd)
{
	long room = 0; /* it is asked for a long, and most say an int */
	int told;

	if (!o->known_generation || ioctl(fd, FS_IOC_GETVERSION, &room))
		return false;
	memcpy(&told, &room, sizeof(told));
	return (uint32_t)told != o->known_generation;
}

/* --- whether it has changed ---------------------------------------------------------------------- */

/*
 * Whether what happened at @t may have happened since the object's code was first at work. Files have times
 * of a clock that goes in steps: where a process came later, a step that both are in may be either.
 */
static bool is_since(const struct report_object *o, int64_t seconds, uint32_t ns)
{
	struct timespec step = { 0 };
	uint64_t at = (uint64_t)seconds * NSEC_PER_SEC + ns;

	if (o->seen_wall_ns > o->first_wall_ns)
		clock_getres(CLOCK_REALTIME_COARSE, &step);
	return seconds < 0 || at + (uint64_t)step.tv_nsec > o->first_wall_ns;
}

static bool is_born_since(const struct report_object *o, int fd)
{
	struct statx st;

	return !statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) && st.stx_mask & STATX_BTIME &&
	       is_since(o, st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
}

/* Whether the file @st is at @path, seen from @root. */
static bool lies_at(const char *root, const char *path, const struct stat *st)
{
	_cleanup_free_ char *text = NULL;
	struct stat there;

	if (asprintf(&text, "%s%s", root, path) < 0) {
		text = NULL; /* undefined after a failure */
		return true;
	}
	return !stat(text, &there) && there.st_dev == st->st_dev && there.st_ino == st->st_ino;
}

/* As a path was before the kernel put «\012» for each newline; NULL: it has none, or no memory. */
static char *with_newlines(const char *told)
{
	char *path = strstr(told, "\\012") ? strdup(told) : NULL, *at = path;

	while (at && (at = strstr(at, "\\012"))) {
		*at++ = '\n';
		memmove(at, at + 3, strlen(at + 3) + 1);
	}
	return path;
}

/* Whether the file is not to be found by the object's path any more, as far as its process sees. */
static bool is_gone(const struct report_object *o, const struct stat *st)
{
	_cleanup_free_ char *path = with_newlines(o->path);
	char root[32];

	snprintf(root, sizeof(root), "/proc/%" PRIu32 "/root", o->pid);
	return !st->st_nlink || !(lies_at(root, o->path, st) || (path && lies_at(root, path, st)));
}

/*
 * Whether something may have been written to the file since. The time of the last write can be set by anybody
 * who may write, that of the last change can't; but deleting and renaming a file changes it, too.
 */
static bool has_changed(const struct report_object *o, int fd, const struct stat *st)
{
	if (is_since(o, st->st_mtim.tv_sec, (uint32_t)st->st_mtim.tv_nsec))
		return true;
	if (!is_since(o, st->st_ctim.tv_sec, (uint32_t)st->st_ctim.tv_nsec))
		return false;
	return !is_gone(o, st) || is_born_since(o, fd);
}

/* --- finding it -------------------------------------------------------------------------------------- */

static bool link_tells(const char *path, const char *target)
{
	_cleanup_free_ char *text = malloc(strlen(target) + 2);
	ssize_t n = text ? readlink(path, text, strlen(target) + 1) : -1;

	return n >= 0 && (size_t)n == strlen(target) && !memcmp(text, target, (size_t)n);
}

/* Open what a link of /proc leads to, which is what a process has now, wherever that lies. */
static int open_link(const struct report_object *o, const char *path)
{
	_cleanup_free_ char *target = with_newlines(o->path);
	_cleanup_close_ int fd = -1;
	enum sameness same;
	struct stat st;

	fd = open_regular(path, &st);
	if (fd < 0)
		return fd;
	same = compare(o, fd, &st);
	if (same == OTHER || (same == SAME && is_other_generation(o, fd)))
		return -ENOENT;
	if (same == UNTOLD && !link_tells(path, o->path) && !(target && link_tells(path, target)))
		return -ENOENT;
	return has_changed(o, fd, &st) ? -ESTALE : TAKE_FD(fd);
}

/*
 * Open what is at @path now: it has to be there, unchanged, since the object's code was seen. @exact: to be
 * the same by its inode, and not by its path alone.
 */
static int open_path(const struct report_object *o, const char *path, bool exact)
{
	_cleanup_close_ int fd = -1;
	enum sameness same;
	struct stat st;

	fd = open_regular(path, &st);
	if (fd < 0)
		return fd;
	same = compare(o, fd, &st);
	if (same == OTHER || (same == UNTOLD && exact) ||
	    (same == SAME && is_other_generation(o, fd)))
		return -ENOENT;
	if (is_since(o, st.st_ctim.tv_sec, (uint32_t)st.st_ctim.tv_nsec))
		return same == SAME ? -ESTALE : -ENOENT;
	return TAKE_FD(fd);
}

static bool is_deleted(const char *path)
{
	static const char mark[] = " (deleted)";
	size_t n = strlen(path), n_mark = sizeof(mark) - 1;

	return n > n_mark && !strcmp(path + n - n_mark, mark);
}

static int open_mapped(const struct report_object *o)
{
	char link[96];
	int fd = -ENOENT;

	if (o->pid && o->end) {
		snprintf(link, sizeof(link), "/proc/%" PRIu32 "/map_files/%" PRIx64 "-%" PRIx64,
			 o->pid, o->start, o->end);
		fd = open_link(o, link);
	}
	if (fd == -ENOENT && o->pid && is_deleted(o->path)) {
		snprintf(link, sizeof(link), "/proc/%" PRIu32 "/exe", o->pid);
		fd = open_link(o, link);
	}
	return fd;
}

/* By @path as the object's process sees it, and as we do. */
static int open_by_path(const struct report_object *o, const char *path, bool exact)
{
	_cleanup_free_ char *inside = NULL;
	int fd;

	if (asprintf(&inside, "/proc/%" PRIu32 "/root%s", o->pid, path) < 0) {
		inside = NULL; /* undefined after a failure */
		return -ENOMEM;
	}
	fd = o->pid ? open_path(o, inside, exact) : -ENOENT;
	return fd == -ENOENT ? open_path(o, path, exact) : fd;
}

int user_file_open(const struct report_object *o, int *ret_fd)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (o->path[0] != '/')
		return -ENOENT;
	fd = open_mapped(o);
	/* files may have such names as the kernel gives to others */
	if (fd == -ENOENT)
		fd = open_by_path(o, o->path, is_deleted(o->path));
	if (fd == -ENOENT && (path = with_newlines(o->path)))
		fd = open_by_path(o, path, true);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

bool user_file_stays(const struct report_object *o)
{
	_cleanup_close_ int place = open(o->path, O_PATH | O_CLOEXEC);
	struct stat st;

	return place >= 0 && !fstat(place, &st) && S_ISREG(st.st_mode) &&
	       compare(o, place, &st) != OTHER &&
	       !is_since(o, st.st_ctim.tv_sec, (uint32_t)st.st_ctim.tv_nsec);
}

/* --- debug files ------------------------------------------------------------------------------- */

/* What a debug file has to be. */
struct wanted {
	struct user_build_id id; /* .n 0: its checksum tells */
	uint32_t crc;
	struct stat main; /* not this one again */
};

static bool has_checksum(int fd, uint32_t wanted)
{
	static const size_t n_buf = 64 << 10;
	_cleanup_free_ uint8_t *buf = malloc(n_buf);
	uLong crc = crc32(0, Z_NULL, 0);
	off_t at = 0;
	ssize_t n;

	if (!buf)
		return false;
	while ((n = pread(fd, buf, n_buf, at)) > 0 && (uint64_t)at <= FILE_MOST) {
		crc = crc32(crc, buf, (uInt)n);
		at += n;
	}
	return !n && crc == wanted;
}

static bool has_build_id(int fd, const struct user_build_id *wanted)
{
	struct user_build_id id;
	Elf *elf;

	if (user_image_open(fd, &elf))
		return false;
	user_image_build_id(elf, &id);
	user_image_close(&elf);
	return id.n == wanted->n && !memcmp(id.bytes, wanted->bytes, id.n);
}

/* Try @folder/@name as process @pid sees it (0: as we do). */
static int try_debug(const struct wanted *w, uint32_t pid, const char *folder, const char *name,
		     int *ret_fd)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	char root[32] = "";
	struct stat st;

	if (pid)
		snprintf(root, sizeof(root), "/proc/%" PRIu32 "/root", pid);
	if (asprintf(&path, "%s%s/%s", root, folder, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open_regular(path, &st);
	if (fd < 0 || (st.st_dev == w->main.st_dev && st.st_ino == w->main.st_ino))
		return -ENOENT;
	if (w->id.n ? !has_build_id(fd, &w->id) : !has_checksum(fd, w->crc))
		return -ENOENT;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int open_by_id(const struct wanted *w, uint32_t pid, int *ret_fd)
{
	char name[2 * USER_BUILD_ID_MAX + 8], *p = name;
	int err;

	for (size_t i = 0; i < w->id.n; i++)
		p += sprintf(p, "%02x%s", w->id.bytes[i], i ? "" : "/");
	strcpy(p, ".debug");
	err = try_debug(w, 0, DEBUG_ROOT "/.build-id", name, ret_fd);
	if (err == -ENOENT && pid)
		err = try_debug(w, pid, DEBUG_ROOT "/.build-id", name, ret_fd);
	return err;
}

/* Beside the file, in .debug there, or in the same folder below /usr/lib/debug. */
static int open_by_link(const struct wanted *w, const struct report_object *o, const char *name,
			int *ret_fd)
{
	static const char *const before[] = { "", "", DEBUG_ROOT };
	static const char *const after[] = { "", "/.debug", "" };
	const char *slash = strrchr(o->path, '/');
	int err = -ENOENT;

	if (!slash)
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_SIZE(before) && err == -ENOENT; i++) {
		_cleanup_free_ char *folder = NULL;

		if (asprintf(&folder, "%s%.*s%s", before[i], (int)(slash - o->path), o->path,
			     after[i]) < 0) {
			folder = NULL;
			return -ENOMEM;
		}
		err = o->pid ? try_debug(w, o->pid, folder, name, ret_fd) : -ENOENT;
		if (err == -ENOENT)
			err = try_debug(w, 0, folder, name, ret_fd);
	}
	return err;
}

int user_file_open_debug(const struct report_object *o, int fd, Elf *elf, int *ret_fd)
{
	struct wanted w = { 0 };
	char name[256];
	int err = -ENOENT;

	if (fstat(fd, &w.main))
		return -ENOENT;
	user_image_build_id(elf, &w.id);
	if (w.id.n)
		err = open_by_id(&w, o->pid, ret_fd);
	if (err == -ENOENT && user_image_debug_link(elf, name, sizeof(name), &w.crc))
		err = open_by_link(&w, o, name, ret_fd);
	return err;
}

/* --- the kernel's own -------------------------------------------------------------------------- */

typedef ElfW(Ehdr) elf_header;
typedef ElfW(Phdr) elf_segment;

/* How many bytes the image at @base has, as far as its headers tell. */
static size_t image_size(const elf_header *base)
{
	const elf_segment *phdr = (const void *)((const char *)base + base->e_phoff);
	size_t n = base->e_shoff + (size_t)base->e_shnum * base->e_shentsize;

	for (size_t i = 0; i < base->e_phnum; i++)
		n = MAX(n, (size_t)(phdr[i].p_offset + phdr[i].p_filesz));
	return n;
}

int user_file_vdso(const struct report_object *o, char **ret, size_t *ret_n)
{
	const void *base = (const void *)getauxval(AT_SYSINFO_EHDR); /* NULL: there is none */
	size_t n = base ? image_size(base) : 0, page = (size_t)sysconf(_SC_PAGESIZE);
	char *copy;

	if (!n || n > VDSO_MOST)
		return -ENOENT;
	/* Processes of the other word size have another one. */
	if (o->end && (o->end - o->start != (n + page - 1) / page * page ||
		       (sizeof(long) == 8 && o->end <= UINT32_MAX)))
		return -ENOENT;
	copy = malloc(n);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, base, n);
	*ret = copy;
	*ret_n = n;
	return 0;
}
