// SPDX-License-Identifier: GPL-2.0
/* Who else watches the same events gets them while kmscope does: by perf's counters. */
#include "live.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TOUCHED 211 /* pages */
#define PIPES	223

/* A tracefs of our own, mounted nowhere. */
static int open_tracefs(void)
{
	int fs = (int)syscall(SYS_fsopen, "tracefs", 0), mount;

	check(fs >= 0 && !syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0),
	      "no tracefs");
	mount = (int)syscall(SYS_fsmount, fs, 0, 0);
	check(mount >= 0, "no tracefs");
	close(fs);
	return mount;
}

/* The number of the tracepoint @name. */
static uint64_t tracepoint_id(const char *name)
{
	int tracefs = open_tracefs(), file;
	char path[128], text[32] = "";

	snprintf(path, sizeof(path), "events/%s/id", name);
	file = openat(tracefs, path, O_RDONLY);
	check(file >= 0 && read(file, text, sizeof(text) - 1) > 0, "no %s", path);
	close(file);
	close(tracefs);
	return strtoull(text, NULL, 10);
}

/* A counter of this process's events of @name; NULL: of its page faults. */
static int open_counter(const char *name)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr) };
	int fd;

	if (name)
		attr.config = tracepoint_id(name);
	else
		attr.type = PERF_TYPE_SOFTWARE, attr.config = PERF_COUNT_SW_PAGE_FAULTS;
	fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	check(fd >= 0, "can't count %s", name ? name : "page faults");
	return fd;
}

static uint64_t counted(int fd)
{
	uint64_t n = 0;

	check(read(fd, &n, sizeof(n)) == sizeof(n), "can't read a counter");
	return n;
}

static void touch_pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	char *p = mmap(NULL, TOUCHED * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	check(p != MAP_FAILED, "no memory");
	madvise(p, TOUCHED * page, MADV_NOHUGEPAGE);
	for (i = 0; i < TOUCHED; i++)
		p[i * page] = 1;
	munmap(p, TOUCHED * page);
}

static void make_pipes(void)
{
	int fds[2], i;

	for (i = 0; i < PIPES; i++) {
		check(!pipe(fds), "no pipe");
		close(fds[0]);
		close(fds[1]);
	}
}

static const struct other {
	const char *event; /* NULL: perf's own, page faults */
	void (*work)(void);
	uint64_t least; /* events that the work makes */
	const char *command, *probe; /* NULL: the command has no choice */
} others[] = {
	{ "kmem/mm_page_alloc", touch_pages, TOUCHED, "buddy", NULL },
	{ "kmem/kmalloc", make_pipes, 2 * PIPES, "slab", "classic" },
	{ "kmem/kmalloc", make_pipes, 2 * PIPES, "slab", "raw" },
	{ NULL, touch_pages, TOUCHED, "faults", NULL },
};

static void test_others(void **state)
{
	const struct other *other = *state;
	struct live l;
	uint64_t n;
	int fd;

	if (other->probe)
		live_need_probe(other->probe);
	fd = open_counter(other->event);
	if (other->probe)
		live_start(&l, other->command, "--json", "--probe", other->probe, NULL);
	else
		live_start(&l, other->command, "--json", NULL);
	n = counted(fd);
	other->work();
	n = counted(fd) - n;
	close(fd);
	check(!live_end_by(&l, SIGINT), "kmscope ended with %d: %s", l.code, l.err);
	check(n >= other->least, "perf counted %llu of at least %llu events", (unsigned long long)n,
	      (unsigned long long)other->least);
	json_decref(live_final(&l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		live_test(test_others, "perf beside buddy", &others[0]),
		live_test(test_others, "perf beside slab, classic", &others[1]),
		live_test(test_others, "perf beside slab, raw", &others[2]),
		live_test(test_others, "perf beside faults", &others[3]),
	};

	return live_main("others", tests, ARRAY_SIZE(tests));
}
