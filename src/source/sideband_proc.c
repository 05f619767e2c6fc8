// SPDX-License-Identifier: GPL-2.0
#include "source/sideband_proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define LINES ((size_t)64 << 10) /* a line has a path of 4 KiB at most, with escapes 16 KiB */

struct proc {
	struct sideband_queue *q;
	int fd; /* /proc */
	size_t n_maps; /* that may still be queued */
	enum fault_counts_of counts;
	char *lines; /* LINES bytes */
	union sideband_record *record;
};

/* --- folders and files -------------------------------------------------------------------------- */

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
	*dir = NULL;
}

static DIR *open_folder(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		closep(&fd);
	return dir;
}

/* The number of the next entry that is one, or 0. */
static uint32_t next_number(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		struct scan s = { .p = entry->d_name, .end = strchr(entry->d_name, '\0') };
		uint64_t n;

		if (scan_u64(&s, &n) && scan_done(&s) && n && n < UINT32_MAX)
			return (uint32_t)n;
	}
	return 0;
}

/* At most @size - 1 bytes of a short file, terminated; returns how many, or negative errno. */
static ssize_t read_short(int at, const char *path, char *text, size_t size)
{
	_cleanup_close_ int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	if (got < 0)
		return -errno;
	text[got] = '\0';
	return got;
}

static bool read_stat(int tasks, uint32_t tid, struct sideband_stat *ret)
{
	char path[32], text[1024];

	snprintf(path, sizeof(path), "%u/stat", tid);
	return read_short(tasks, path, text, sizeof(text)) > 0 && sideband_parse_stat(text, ret);
}

/* Its end has been told, though its number is taken until its parent, or the last thread, lets go. */
static bool ended(const struct sideband_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X';
}

static DIR *open_tasks(const struct proc *p, uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "%u/task", pid);
	return open_folder(p->fd, path);
}

/* --- processes and their mappings --------------------------------------------------------------- */

static void put_map(struct proc *p, struct scan line, uint32_t pid, uint64_t time)
{
	if (!p->n_maps || !sideband_from_maps(line, pid, time, p->record)) {
		sideband_queue_lost(p->q, time, 1);
		return;
	}
	p->n_maps--;
	sideband_queue_put(p->q, &p->record->h);
}

/* The whole lines of the first @n bytes. Returns how many bytes are left at the beginning. */
static size_t put_lines(struct proc *p, size_t n, uint32_t pid, uint64_t time)
{
	const char *at = p->lines, *end = p->lines + n, *newline;

	for (; (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1)
		put_map(p, (struct scan){ .p = at, .end = newline }, pid, time);
	n = (size_t)(end - at);
	memmove(p->lines, at, n);
	return n;
}

static void scan_maps(struct proc *p, uint32_t pid, uint64_t time)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	size_t n = 0;
	ssize_t got;

	snprintf(path, sizeof(path), "%u/maps", pid);
	fd = openat(p->fd, path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (got = read(fd, p->lines + n, LINES - n)) > 0) {
		n = put_lines(p, n + (size_t)got, pid, time);
		/* longer than any: what comes of it is no line, and counted as such */
		if (n == LINES)
			n = 0;
	}
}

/*
 * Queue the threads that have not ended. An exiting one is left out: perf may have told of its end
 * before, and an end of what is not known does no harm.
 */
static size_t scan_threads(struct proc *p, DIR *tasks, uint32_t pid, uint64_t time)
{
	struct sideband_thread thread = {
		.h = { .time = time, .kind = SIDEBAND_THREAD, .pid = pid },
	};
	struct sideband_stat stat;
	size_t n = 0;

	while ((thread.tid = next_number(tasks))) {
		if (!read_stat(dirfd(tasks), thread.tid, &stat) || ended(&stat) ||
		    stat.flags & SIDEBAND_PF_EXITING)
			continue;
		sideband_queue_put(p->q, &thread.h);
		n++;
	}
	return n;
}

static void scan_process(struct proc *p, uint32_t pid)
{
	const uint64_t time = clock_monotonic_ns();
	_cleanup_(closedirp) DIR *tasks = open_tasks(p, pid);
	struct event_process there = {
		.h = { .time = time, .kind = EVENT_PROCESS, .pid = pid },
		.what = PROCESS_THERE,
	};
	char path[32], comm[128];
	ssize_t n;

	if (!tasks || !scan_threads(p, tasks, pid, time))
		return;
	snprintf(path, sizeof(path), "%u/comm", pid);
	n = read_short(p->fd, path, comm, sizeof(comm));
	/* names of kernel threads may be longer; in a name, there may be newlines */
	if (n > 0 && comm[n - 1] == '\n')
		comm[--n] = '\0';
	if (n > 0)
		memcpy(there.comm, comm, strnlen(comm, sizeof(there.comm) - 1));
	sideband_queue_put(p->q, &there.h);
	scan_maps(p, pid, time);
}

/* --- how many faults were counted --------------------------------------------------------------- */

static void count_process(struct proc *p, uint32_t pid)
{
	const uint64_t before = clock_monotonic_ns();
	_cleanup_(closedirp) DIR *tasks = open_tasks(p, pid);
	struct event_fault_counts e = {
		.h = { .kind = EVENT_FAULT_COUNTS, .pid = pid },
		.what = (uint8_t)p->counts,
	};
	struct sideband_stat stat;
	size_t n = 0;
	uint32_t tid;

	while (tasks && (tid = next_number(tasks))) {
		if (!read_stat(dirfd(tasks), tid, &stat) || ended(&stat))
			continue;
		e.minor += stat.minor;
		e.major += stat.major;
		n++;
	}
	if (!n)
		return;
	e.h.time = before + (clock_monotonic_ns() - before) / 2;
	sideband_queue_put(p->q, &e.h);
}

/* --- all of them -------------------------------------------------------------------------------- */

static int each_process(struct proc *p, uint32_t pid, void (*each)(struct proc *p, uint32_t pid))
{
	_cleanup_free_ char *lines = malloc(LINES);
	_cleanup_free_ union sideband_record *record = malloc(sizeof(*record));
	_cleanup_(closedirp) DIR *processes = NULL;
	_cleanup_close_ int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (!lines || !record)
		return -ENOMEM;
	p->lines = lines;
	p->record = record;
	p->fd = fd;
	if (pid) {
		each(p, pid);
		return 0;
	}
	processes = open_folder(fd, ".");
	if (!processes)
		return -errno;
	while ((pid = next_number(processes)))
		each(p, pid);
	return 0;
}

int sideband_proc_scan(struct sideband_queue *q, uint32_t pid, size_t n_maps)
{
	struct proc p = { .q = q, .n_maps = n_maps };

	return each_process(&p, pid, scan_process);
}

int sideband_proc_counts(struct sideband_queue *q, enum fault_counts_of what, uint32_t pid)
{
	struct proc p = { .q = q, .counts = what };

	return each_process(&p, pid, count_process);
}
