// SPDX-License-Identifier: GPL-2.0
/* What this kernel really tells: by perf, where events can be opened, and by /proc. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "source/sideband.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* --- perf -------------------------------------------------------------------------------------- */

/* Started, or NULL where that is not allowed: the test is to be skipped. */
static struct sideband *sideband_here(void)
{
	struct sideband *s = NULL;
	int err = sideband_open((size_t)sysconf(_SC_NPROCESSORS_CONF), &s);

	if (err == -EACCES || err == -EPERM || err == -ENOENT || err == -ENOSYS) {
		print_message("# perf events can't be opened: %s; kernel.perf_event_paranoid, or "
			      "root is needed\n",
			      strerror(-err));
		return NULL;
	}
	assert_int_equal(err, 0);
	assert_int_equal(sideband_start(s), 0);
	return s;
}

/* Some records are for the next call. */
static void read_all(struct sideband *s)
{
	sideband_read(s);
	usleep(20000);
	sideband_read(s);
}

static const struct event_process *as_process(const struct event_header *h)
{
	return h->kind == EVENT_PROCESS ? (const void *)h : NULL;
}

static const struct event_map *as_map(const struct event_header *h)
{
	return h->kind == EVENT_MAP ? (const void *)h : NULL;
}

#define CHILDREN 17

struct child {
	pid_t pid;
	unsigned int forks, execs, exits, maps;
};

static void count(struct child *c, const struct event_header *h, const char *program)
{
	const struct event_process *process = as_process(h);
	const struct event_map *map = as_map(h);

	if (map) {
		c->maps += c->execs && !c->exits && !strcmp(map->path, program);
	} else if (process && process->what == PROCESS_FORK) {
		assert_int_equal(c->forks++ + c->execs + c->exits, 0);
		assert_int_equal(process->parent, getpid());
	} else if (process && process->what == PROCESS_EXEC) {
		assert_int_equal(c->forks, 1);
		assert_int_equal(c->execs++ + c->exits, 0);
		assert_memory_equal(process->comm, strrchr(program, '/') + 1, 4);
	} else if (process && process->what == PROCESS_EXIT) {
		assert_int_equal(c->execs, 1);
		c->exits++;
	}
}

static void run_child(struct child *c, const char *program)
{
	int status;

	c->pid = fork();
	assert_true(c->pid >= 0);
	if (!c->pid) {
		execl(program, "true", NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_int_equal(status, 0);
}

static void test_children(void **state _unused_)
{
	_cleanup_(sideband_free) struct sideband *s = sideband_here();
	char program[PATH_MAX];
	struct child children[CHILDREN] = { 0 };
	const struct event_header *h;
	uint64_t before = 0;
	size_t i;

	if (!s || !realpath("/bin/true", program))
		skip();
	for (i = 0; i < CHILDREN; i++)
		run_child(&children[i], program);
	read_all(s);
	while ((h = sideband_next(s, UINT64_MAX))) {
		assert_int_not_equal(h->kind, EVENT_MAPS_LOST);
		assert_true(h->time >= before);
		before = h->time;
		for (i = 0; i < CHILDREN; i++)
			if (h->pid == (uint32_t)children[i].pid)
				count(&children[i], h, program);
	}
	for (i = 0; i < CHILDREN; i++) {
		assert_int_equal(children[i].forks, 1);
		assert_int_equal(children[i].execs, 1);
		assert_int_equal(children[i].exits, 1);
		assert_true(children[i].maps > 0);
	}
}

/* The next mapping of our own that has @address in it. */
static const struct event_map *next_own_map(struct sideband *s, const void *address)
{
	const struct event_header *h;

	while ((h = sideband_next(s, UINT64_MAX))) {
		const struct event_map *map = as_map(h);

		if (map && h->pid == (uint32_t)getpid() && map->start <= (uintptr_t)address &&
		    (uintptr_t)address - map->start < map->bytes)
			return map;
	}
	return NULL;
}

static void test_own_mappings(void **state _unused_)
{
	_cleanup_(sideband_free) struct sideband *s = sideband_here();
	_cleanup_close_ int fd = -1;
	const struct event_map *map;
	uint64_t before, after;
	char *file, *anon;

	if (!s)
		skip();
	fd = memfd_create("a\nb", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	before = clock_monotonic_ns();
	file = mmap(NULL, 1 << 18, PROT_READ, MAP_SHARED, fd, 1 << 16);
	after = clock_monotonic_ns();
	/* neighbours would be one mapping with it */
	anon = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(file != MAP_FAILED && anon != MAP_FAILED);
	read_all(s);
	map = next_own_map(s, file);
	assert_non_null(map);
	assert_in_range(map->h.time, before, after);
	assert_int_equal(map->start, (uintptr_t)file);
	assert_int_equal(map->bytes, 1 << 18);
	assert_int_equal(map->offset, 1 << 16);
	assert_int_equal(map->protection, PROT_READ);
	assert_int_equal(map->shared, 1);
	assert_int_not_equal(map->inode, 0);
	assert_string_equal(map->path, "/memfd:a\\012b (deleted)");
	map = next_own_map(s, anon + (1 << 19));
	assert_non_null(map);
	assert_true(map->start <= (uintptr_t)anon);
	assert_true(map->start + map->bytes >= (uintptr_t)anon + (1 << 20));
	assert_int_equal(map->offset, 0);
	assert_int_equal(map->inode, 0);
	assert_int_equal(map->shared, 0);
	assert_int_equal(map->protection, PROT_READ | PROT_WRITE);
	assert_string_equal(map->path, "//anon");
	munmap(file, 1 << 18);
	munmap(anon, 1 << 20);
}

/* --- /proc ---------------------------------------------------------------------------------------- */

/* A process that does nothing, and will not have done anything from here on. */
static pid_t idle_child(void)
{
	int fds[2];
	pid_t pid;
	char c = 0;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		/* a test that fails leaves it behind, and whoever reads our output would wait for it */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(fds[1], &c, 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static char *maps_of(pid_t pid)
{
	const size_t size = 1 << 20;
	char path[64], *text = calloc(1, size);
	size_t n = 0;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_non_null(text);
	assert_true(fd >= 0);
	while ((got = read(fd, text + n, size - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	return text;
}

/* The line as /proc/PID/maps would have it, the blanks before the path left out. */
static void print_map(const struct event_map *map, char *text, size_t size)
{
	snprintf(text, size, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu %s", map->start,
		 map->start + map->bytes, map->protection & PROT_READ ? 'r' : '-',
		 map->protection & PROT_WRITE ? 'w' : '-', map->protection & PROT_EXEC ? 'x' : '-',
		 map->shared ? 's' : 'p', map->offset, map->major, map->minor, map->inode,
		 strcmp(map->path, "//anon") ? map->path : "");
}

/* Takes the next line off @text, the blanks before its path made one. */
static char *next_line(char **text)
{
	char *line = strsep(text, "\n"), *path = line;
	int i;

	for (i = 0; i < 5; i++)
		path = strchr(path, ' ') + 1;
	memmove(path, path + strspn(path, " "), strlen(path + strspn(path, " ")) + 1);
	return line;
}

static void expect_maps(struct sideband *s, pid_t pid, char *text)
{
	static char line[EVENT_PATH_MAX + 256];
	const struct event_header *h = sideband_next(s, UINT64_MAX);
	uint64_t time;

	assert_non_null(h);
	assert_non_null(as_process(h));
	assert_int_equal(as_process(h)->what, PROCESS_THERE);
	assert_string_equal(as_process(h)->comm, "a) name\nof 15 b");
	time = h->time;
	while ((h = sideband_next(s, UINT64_MAX))) {
		assert_non_null(as_map(h));
		assert_int_equal(h->time, time);
		assert_int_equal(h->pid, pid);
		print_map(as_map(h), line, sizeof(line));
		assert_string_equal(line, next_line(&text));
	}
	assert_string_equal(text, "");
}

/* Nothing of perf is needed. The process is a copy of this one, which changes by being read. */
static void test_scan_lines(void **state _unused_)
{
	_cleanup_(sideband_free) struct sideband *s = NULL;
	_cleanup_free_ char *text = NULL;
	pid_t pid;

	prctl(PR_SET_NAME, "a) name\nof 15 bytes");
	pid = idle_child();
	assert_int_equal(sideband_open(0, &s), 0);
	assert_int_equal(sideband_fd(s), -1);
	assert_int_equal(sideband_start(s), 0);
	assert_int_equal(sideband_scan(s, (uint32_t)pid, SIDEBAND_MAPS_MAX), 0);
	sideband_read(s);
	text = maps_of(pid);
	end_child(pid);
	expect_maps(s, pid, text);
}

/* Who has ended but for being waited for is not there. Others are, and who is not asked for is not. */
static void test_scan_others(void **state _unused_)
{
	_cleanup_(sideband_free) struct sideband *s = NULL;
	pid_t ended = fork(), there;
	const struct event_header *h;
	size_t n_there = 0, n = 0;
	siginfo_t info;

	if (!ended)
		_exit(0);
	there = idle_child();
	assert_int_equal(waitid(P_PID, (id_t)ended, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(sideband_open(0, &s), 0);
	assert_int_equal(sideband_scan(s, 0, SIDEBAND_MAPS_MAX), 0);
	while ((h = sideband_next(s, UINT64_MAX))) {
		assert_int_not_equal(h->pid, ended);
		n_there += as_process(h) && h->pid == (uint32_t)there;
		n += as_process(h) && h->pid == (uint32_t)getpid();
	}
	assert_int_equal(n_there, 1);
	assert_int_equal(n, 1);
	assert_int_equal(sideband_scan(s, (uint32_t)ended, SIDEBAND_MAPS_MAX), 0);
	assert_int_equal(sideband_counts(s, COUNTS_START, (uint32_t)ended), 0);
	assert_null(sideband_next(s, UINT64_MAX));
	end_child(there);
	assert_int_equal(waitpid(ended, NULL, 0), ended);
	assert_int_equal(sideband_scan(s, (uint32_t)ended, SIDEBAND_MAPS_MAX), 0);
	assert_null(sideband_next(s, UINT64_MAX));
}

#define PAGES 1009

struct toucher {
	pthread_t thread;
	pthread_barrier_t touched, counted;
};

static void *touch(void *arg)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	struct toucher *t = arg;
	char *p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	madvise(p, PAGES * page, MADV_NOHUGEPAGE);
	for (i = 0; i < PAGES; i++)
		p[i * page] = 1;
	pthread_barrier_wait(&t->touched);
	pthread_barrier_wait(&t->counted);
	munmap(p, PAGES * page);
	return NULL;
}

static struct event_fault_counts own_counts(enum fault_counts_of what)
{
	_cleanup_(sideband_free) struct sideband *s = NULL;
	const struct event_header *h;
	struct event_fault_counts e;

	assert_int_equal(sideband_open(0, &s), 0);
	assert_int_equal(sideband_counts(s, what, (uint32_t)getpid()), 0);
	h = sideband_next(s, UINT64_MAX);
	assert_non_null(h);
	assert_int_equal(h->kind, EVENT_FAULT_COUNTS);
	e = *(const struct event_fault_counts *)h;
	assert_null(sideband_next(s, UINT64_MAX));
	assert_int_equal(e.what, what);
	assert_int_equal(e.tid, 0);
	assert_int_equal(e.h.pid, getpid());
	return e;
}

/* The sum over two threads is what getrusage() has, as long as none has ended. */
static void test_counts(void **state _unused_)
{
	struct event_fault_counts first = own_counts(COUNTS_START), e;
	struct rusage before, after;
	uint64_t time_before, time_after;
	struct toucher t;

	pthread_barrier_init(&t.touched, NULL, 2);
	pthread_barrier_init(&t.counted, NULL, 2);
	assert_int_equal(pthread_create(&t.thread, NULL, touch, &t), 0);
	pthread_barrier_wait(&t.touched);
	getrusage(RUSAGE_SELF, &before);
	time_before = clock_monotonic_ns();
	e = own_counts(COUNTS_END);
	time_after = clock_monotonic_ns();
	getrusage(RUSAGE_SELF, &after);
	pthread_barrier_wait(&t.counted);
	pthread_join(t.thread, NULL);
	assert_in_range(e.h.time, time_before, time_after);
	assert_in_range(e.minor, before.ru_minflt, after.ru_minflt);
	assert_in_range(e.major, before.ru_majflt, after.ru_majflt);
	assert_true(e.minor >= first.minor + PAGES);
	pthread_barrier_destroy(&t.touched);
	pthread_barrier_destroy(&t.counted);
}

/* --- more than there is room for ---------------------------------------------------------------- */

#define CHANGES 10007 /* twice of what a buffer holds */

struct totals {
	uint64_t maps, lost;
};

static void add_totals(struct sideband *s, struct totals *t)
{
	const struct event_header *h;

	read_all(s);
	while ((h = sideband_next(s, UINT64_MAX))) {
		if (h->kind == EVENT_MAPS_LOST)
			t->lost += ((const struct event_maps_lost *)h)->records;
		else
			t->maps += as_map(h) && h->pid == (uint32_t)getpid();
	}
}

/* What is lost is told, and told once. Records of others may be among that. */
static void test_overflow(void **state _unused_)
{
	_cleanup_(sideband_free) struct sideband *s = sideband_here();
	struct totals t = { 0 };
	uint64_t lost;
	cpu_set_t old, one;
	char *p;
	int i;

	if (!s)
		skip();
	assert_int_equal(sched_getaffinity(0, sizeof(old), &old), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(p != MAP_FAILED);
	for (i = 0; i < CHANGES; i++)
		mprotect(p, 4096, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE);
	add_totals(s, &t);
	lost = t.lost;
	assert_in_range(t.maps, 1, CHANGES - 1);
	/* kernels before 6.0 tell of it with the next record only */
	mprotect(p, 4096, PROT_READ | PROT_WRITE);
	add_totals(s, &t);
	assert_true(lost == 0 || t.lost == lost);
	assert_true(t.maps + t.lost >= CHANGES + 2);
	assert_true(t.lost < CHANGES);
	munmap(p, 4096);
	sched_setaffinity(0, sizeof(old), &old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_lines),   cmocka_unit_test(test_scan_others),
		cmocka_unit_test(test_counts),	     cmocka_unit_test(test_children),
		cmocka_unit_test(test_own_mappings), cmocka_unit_test(test_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
