// SPDX-License-Identifier: GPL-2.0
/*
 * The workload of page faults: takes a known number of them in one way after the other MODE, and tells
 * what getrusage() says of them. Its name (comm) is «faults». Huge pages are off for its memory but in the
 * mode of that name. Prints, as the last line:
 *
 *	faults MODE minor=N major=N [NAME=N…] [address=0x…]
 *
 * minor and major are what exactly the work took: all else that it needs is touched before, by doing
 * the same once with a page elsewhere. They are this process's, in the mode storm its children's.
 * The kernel counts a fault that get_user_pages() takes here, too; perf's events do not.
 */
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "work.h"

#define SEGFAULTS   7
#define MAX_SECONDS 3600
#define MAX_THREADS 10000
#define MAX_RATE    100000
#define FRAME	    512 /* bytes of stack, see grow() */
#define FRAME_LEAVE 1024
#define STACK_PAGES 16 /* more than anything here needs, below main() */
#define STACK_SPARE \
	(1ul << 20) /* bytes of the limit for what the stack has, environment included */
#define SELF "/proc/self/exe"

struct count {
	unsigned long minor, major;
};

struct args {
	char **argv; /* of the whole program */
	size_t page;
	unsigned long n, m; /* the mode's numbers */
	const char *path;
	bool random, cold;
};

struct done {
	struct count took;
	volatile char *area; /* or NULL */
	char more[128]; /* « NAME=N…» */
};

struct mode {
	const char *name;
	const char *usage;
	int numbers;
	unsigned long max[2]; /* 0: as many pages as half of what can be addressed has */
	bool path; /* PATH comes first */
	bool rehearse; /* with one page */
	int (*run)(const struct args *a, struct done *d);
};

static char out_buffer[BUFSIZ];
static sigjmp_buf caught;
static void *heap_begin; /* before the rehearsal */
static uintptr_t stack_floor; /* the lowest page of the stack that the rehearsal touched */

/* --- what all use ------------------------------------------------------------------------------- */

static struct count count(int who)
{
	struct rusage use;

	getrusage(who, &use);
	return (struct count){ (unsigned long)use.ru_minflt, (unsigned long)use.ru_majflt };
}

static struct count since(struct count begin, struct count end)
{
	return (struct count){ end.minor - begin.minor, end.major - begin.major };
}

/* A kernel that has no huge pages knows neither of the two calls. */
static int no_huge(void *p, size_t size)
{
	return madvise(p, size, MADV_NOHUGEPAGE) && errno != EINVAL && errno != ENOSYS
		       ? work_fail("madvise(MADV_NOHUGEPAGE)")
		       : 0;
}

/* NULL, after a message. */
static volatile char *map(const struct args *a, unsigned long pages, int protection, int flags)
{
	char *p = mmap(NULL, pages * a->page, protection, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		       0);

	if (p == MAP_FAILED) {
		work_fail("mmap");
		return NULL;
	}
	return no_huge(p, pages * a->page) ? NULL : p;
}

static void write_each(volatile char *p, unsigned long pages, size_t page)
{
	for (unsigned long i = 0; i < pages; i++)
		p[i * page] = 1;
}

static void read_each(const volatile char *p, unsigned long pages, size_t page)
{
	for (unsigned long i = 0; i < pages; i++)
		(void)p[i * page];
}

static int write_area(const struct args *a, struct done *d)
{
	struct count begin;

	if (!d->area)
		return 1;
	begin = count(RUSAGE_SELF);
	write_each(d->area, a->n, a->page);
	d->took = since(begin, count(RUSAGE_SELF));
	return 0;
}

/* --- the modes ---------------------------------------------------------------------------------- */

static int run_anon(const struct args *a, struct done *d)
{
	d->area = map(a, a->n, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	return write_area(a, d);
}

static int run_shm(const struct args *a, struct done *d)
{
	d->area = map(a, a->n, PROT_READ | PROT_WRITE, MAP_SHARED);
	return write_area(a, d);
}

static int run_heap(const struct args *a, struct done *d)
{
	/* from a page's beginning: what is before may have been touched */
	uintptr_t end = (uintptr_t)sbrk(0);
	size_t to_page = (a->page - end % a->page) % a->page;

	if (sbrk((intptr_t)(to_page + a->n * a->page)) == (void *)-1)
		return work_fail("sbrk");
	d->area = (char *)(end + to_page);
	return no_huge((char *)d->area, a->n * a->page) ?: write_area(a, d);
}

/* The heap ends where it began, and begins there again: the rehearsal has told of it. */
static int run_shrink(const struct args *a, struct done *d)
{
	if (!heap_begin)
		heap_begin = sbrk(0);
	else if (brk(heap_begin))
		return work_fail("brk");
	return run_heap(a, d);
}

/* Fresh memory that is read is the zero page, until it is written. */
static int run_read(const struct args *a, struct done *d)
{
	struct count begin, middle, end;

	d->area = map(a, a->n, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (!d->area)
		return 1;
	begin = count(RUSAGE_SELF);
	read_each(d->area, a->n, a->page);
	middle = count(RUSAGE_SELF);
	write_each(d->area, a->n, a->page);
	end = count(RUSAGE_SELF);
	d->took = since(begin, end);
	snprintf(d->more, sizeof(d->more), " read=%lu written=%lu", middle.minor - begin.minor,
		 end.minor - middle.minor);
	return 0;
}

/*
 * Grows the stack into the page at @floor and no further: a frame is less than a page, so that none is
 * left out, and below the last one there are FRAME_LEAVE bytes of that page for the calls that it makes.
 */
static void __attribute__((noinline, noclone)) grow(uintptr_t floor)
{
	volatile char frame[FRAME];

	frame[0] = 1;
	if ((uintptr_t)frame - FRAME_LEAVE > floor)
		grow(floor);
	frame[FRAME - 1] = 1; /* used after the call, so that the call is no jump */
}

/* The limit counts when a program starts: then the room below the stack is laid out. */
static int allow_stack(const struct args *a)
{
	size_t wanted = (a->n + 2 * STACK_PAGES) * a->page + STACK_SPARE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit))
		return work_fail("getrlimit");
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted)
		return 0;
	limit.rlim_cur = wanted;
	if (setrlimit(RLIMIT_STACK, &limit))
		return work_fail("setrlimit(RLIMIT_STACK)");
	execv(SELF, a->argv);
	return work_fail(SELF);
}

static int run_stack(const struct args *a, struct done *d)
{
	struct count begin;

	if (allow_stack(a))
		return 1;
	begin = count(RUSAGE_SELF);
	grow(stack_floor - a->n * a->page);
	d->took = since(begin, count(RUSAGE_SELF));
	d->area = (char *)(stack_floor - a->n * a->page);
	return 0;
}

/* In the child: rehearsed here, too, because its pages are all to be copied now. */
static int write_in_child(const struct args *a, volatile char *spare, struct done *d, int to)
{
	for (int turn = 0; turn < 2; turn++) {
		struct count begin = count(RUSAGE_SELF);

		write_each(turn ? d->area : spare, turn ? a->n : 1, a->page);
		d->took = since(begin, count(RUSAGE_SELF));
	}
	return write(to, &d->took, sizeof(d->took)) != sizeof(d->took);
}

static int run_fork(const struct args *a, struct done *d)
{
	volatile char *spare = map(a, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	struct count child;
	int ends[2], status;
	pid_t pid;

	d->area = map(a, a->n, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (!spare || !d->area)
		return 1;
	if (pipe(ends))
		return work_fail("pipe");
	write_each(spare, 1, a->page);
	write_each(d->area, a->n, a->page);
	pid = fork();
	if (pid < 0)
		return work_fail("fork");
	if (!pid)
		_exit(write_in_child(a, spare, d, ends[1]));
	close(ends[1]);
	if (read(ends[0], &child, sizeof(child)) != sizeof(child) ||
	    waitpid(pid, &status, 0) != pid || status) {
		errno = ECHILD;
		return work_fail("the writing child");
	}
	close(ends[0]);
	write_each(spare, 1, a->page);
	snprintf(d->more, sizeof(d->more), " child_minor=%lu child_major=%lu", child.minor,
		 child.major);
	return write_area(a, d);
}

/* Of as many pages as are wanted at least. */
static int open_file(const struct args *a)
{
	int fd = open(a->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return work_fail(a->path), -1;
	if ((uint64_t)st.st_size < (uint64_t)a->n * a->page) {
		errno = ENODATA;
		return work_fail(a->path), -1;
	}
	return fd;
}

/* A page that is dirty or mapped somewhere is not dropped. */
static int drop_file(int fd)
{
	int err;

	if (fsync(fd))
		return work_fail("fsync");
	err = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (!err)
		return 0;
	errno = err;
	return work_fail("posix_fadvise");
}

static int run_file(const struct args *a, struct done *d)
{
	int fd = open_file(a);
	struct count begin;
	void *p;

	if (fd < 0 || (a->cold && drop_file(fd)))
		return 1;
	p = mmap(NULL, a->n * a->page, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return work_fail("mmap");
	if (no_huge(p, a->n * a->page))
		return 1;
	if (a->random && madvise(p, a->n * a->page, MADV_RANDOM))
		return work_fail("madvise(MADV_RANDOM)");
	d->area = p;
	begin = count(RUSAGE_SELF);
	read_each(d->area, a->n, a->page);
	d->took = since(begin, count(RUSAGE_SELF));
	close(fd);
	return 0;
}

/* Each write copies a page of the file, which stays as it is. */
static int run_private(const struct args *a, struct done *d)
{
	int fd = open_file(a);
	void *p;

	if (fd < 0)
		return 1;
	p = mmap(NULL, a->n * a->page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return work_fail("mmap");
	close(fd);
	d->area = p;
	return write_area(a, d);
}

/* Memory that is moved to where a file was mapped read-only: nothing tells that it is not there any more. */
static int run_moved(const struct args *a, struct done *d)
{
	int fd = open_file(a);
	volatile char *from = map(a, a->n, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	void *p;

	if (fd < 0 || !from)
		return 1;
	p = mmap(NULL, a->n * a->page, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return work_fail("mmap");
	close(fd);
	d->area = mremap((char *)from, a->n * a->page, a->n * a->page,
			 MREMAP_MAYMOVE | MREMAP_FIXED, p);
	return d->area == MAP_FAILED ? work_fail("mremap") : write_area(a, d);
}

/* mmap() itself faults the pages in, by get_user_pages(). */
static int run_gup(const struct args *a, struct done *d)
{
	struct count begin = count(RUSAGE_SELF);

	d->area = map(a, a->n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
	d->took = since(begin, count(RUSAGE_SELF));
	return !d->area;
}

/* The kernel's own instructions write to the pages. */
static int run_kernel(const struct args *a, struct done *d)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	struct count begin;

	if (fd < 0)
		return work_fail("/dev/zero");
	d->area = map(a, a->n, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (!d->area)
		return 1;
	begin = count(RUSAGE_SELF);
	for (unsigned long i = 0; i < a->n; i++)
		if (read(fd, (char *)d->area + i * a->page, 1) != 1)
			return work_fail("read");
	d->took = since(begin, count(RUSAGE_SELF));
	close(fd);
	return 0;
}

static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(caught, 1);
}

/* In turn where nothing may be read, and where nothing is mapped. */
static int run_segv(const struct args *a, struct done *d)
{
	const struct sigaction action = { .sa_handler = on_segv };
	volatile unsigned long handled = 0; /* it changes between sigsetjmp() and siglongjmp() */
	struct count begin;

	d->area = map(a, 2, PROT_NONE, MAP_PRIVATE);
	if (!d->area)
		return 1;
	if (munmap((char *)d->area + a->page, a->page))
		return work_fail("munmap");
	if (sigaction(SIGSEGV, &action, NULL))
		return work_fail("sigaction");
	if (!sigsetjmp(caught, 1))
		raise(SIGSEGV); /* the rehearsal, without a fault */
	begin = count(RUSAGE_SELF);
	while (handled < SEGFAULTS)
		if (!sigsetjmp(caught, 1))
			(void)d->area[handled % 2 * a->page];
		else
			handled++;
	d->took = since(begin, count(RUSAGE_SELF));
	snprintf(d->more, sizeof(d->more), " segfaults=%lu", handled);
	return 0;
}

static int start_one(void)
{
	char *const argv[] = { "faults", "none", NULL };
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return work_fail("fork");
	if (!pid) {
		execv(SELF, argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status) {
		errno = ECHILD;
		return work_fail(SELF);
	}
	return 0;
}

/* One after the other, at even distances; fewer than asked for if the machine does not keep up. */
static int run_storm(const struct args *a, struct done *d)
{
	uint64_t start = work_now_ns(CLOCK_MONOTONIC), step = 1000000000u / a->m;
	unsigned long i, processes = a->n * a->m;
	struct count begin = count(RUSAGE_CHILDREN);

	for (i = 0; i < processes; i++) {
		uint64_t at = start + i * step;
		const struct timespec t = { .tv_sec = (time_t)(at / 1000000000u),
					    .tv_nsec = (long)(at % 1000000000u) };

		if (work_now_ns(CLOCK_MONOTONIC) >= start + (uint64_t)a->n * 1000000000u)
			break;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		if (start_one())
			return 1;
	}
	d->took = since(begin, count(RUSAGE_CHILDREN));
	snprintf(d->more, sizeof(d->more), " processes=%lu", i);
	return 0;
}

/* kB of huge pages in the mapping that has @address, by /proc/self/smaps; 0 if that can't be read. */
static unsigned long huge_kib(uintptr_t address)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long from, to, kib = 0;
	bool inside = false;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = address >= from && address < to;
		else if (inside && sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* Each page of N huge ones; where one can't be had, all the pages in it fault. */
static int run_huge(const struct args *a, struct done *d)
{
	size_t size = work_huge_size();
	struct args all = *a;
	char *p;

	if (!size) {
		errno = EOPNOTSUPP;
		return work_fail(WORK_HUGE_SIZE);
	}
	if (prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0))
		return work_fail("prctl(PR_SET_THP_DISABLE)");
	p = mmap(NULL, (a->n + 1) * size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return work_fail("mmap");
	p += (size - (uintptr_t)p % size) % size;
	if (madvise(p, a->n * size, MADV_HUGEPAGE))
		return work_fail("madvise(MADV_HUGEPAGE)");
	d->area = p;
	all.n *= size / a->page;
	if (write_area(&all, d))
		return 1;
	snprintf(d->more, sizeof(d->more), " huge=%lu of=%zu",
		 (huge_kib((uintptr_t)p) << 10) / size, size / a->page);
	return 0;
}

/* How many pages of the area are in the swap: bit 62 of /proc/self/pagemap's entries. */
static unsigned long count_swapped(const struct args *a, uintptr_t area)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned long swapped = 0;
	uint64_t entry;

	for (unsigned long i = 0; fd >= 0 && i < a->n; i++)
		if (pread(fd, &entry, sizeof(entry),
			  (off_t)((area / a->page + i) * sizeof(entry))) == sizeof(entry))
			swapped += entry >> 62 & 1;
	if (fd >= 0)
		close(fd);
	return swapped;
}

/* Written to, then moved to the swap, then read: no fault but for what really was there. */
static int run_swap(const struct args *a, struct done *d)
{
	unsigned long swapped;
	struct count begin;

	d->area = map(a, a->n, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (!d->area)
		return 1;
	/* no two pages alike, none of a single value: some kernels keep these elsewhere */
	for (unsigned long i = 0; i < a->n * a->page; i += sizeof(unsigned int))
		*(volatile unsigned int *)(d->area + i) = (unsigned int)i * 2654435761u;
	if (madvise((char *)d->area, a->n * a->page, MADV_PAGEOUT))
		return work_fail("madvise(MADV_PAGEOUT)");
	swapped = count_swapped(a, (uintptr_t)d->area);
	begin = count(RUSAGE_SELF);
	read_each(d->area, a->n, a->page);
	d->took = since(begin, count(RUSAGE_SELF));
	snprintf(d->more, sizeof(d->more), " swapped=%lu", swapped);
	return 0;
}

struct threads {
	const struct args *a;
	pthread_barrier_t barrier;
};

/* Main counts between the first and the second time that all meet, while these do nothing else. */
static void *touch_in_thread(void *arg)
{
	struct threads *t = arg;
	volatile char *spare = map(t->a, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	volatile char *area = map(t->a, t->a->n, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	if (!spare || !area)
		exit(1);
	write_each(spare, 1, t->a->page);
	for (int meet = 0; meet < 2; meet++) /* the first is the rehearsal of waiting */
		pthread_barrier_wait(&t->barrier);
	write_each(area, t->a->n, t->a->page);
	pthread_barrier_wait(&t->barrier);
	return NULL;
}

static int run_threads(const struct args *a, struct done *d)
{
	struct threads t = { .a = a };
	pthread_t *ids = calloc(a->m, sizeof(*ids));
	struct count begin;

	if (!ids)
		return work_fail("calloc");
	pthread_barrier_init(&t.barrier, NULL, (unsigned int)a->m + 1);
	for (unsigned long i = 0; i < a->m; i++) {
		errno = pthread_create(&ids[i], NULL, touch_in_thread, &t);
		if (errno)
			return work_fail("pthread_create");
	}
	pthread_barrier_wait(&t.barrier);
	begin = count(RUSAGE_SELF);
	pthread_barrier_wait(&t.barrier);
	pthread_barrier_wait(&t.barrier);
	d->took = since(begin, count(RUSAGE_SELF));
	for (unsigned long i = 0; i < a->m; i++)
		pthread_join(ids[i], NULL);
	free(ids);
	snprintf(d->more, sizeof(d->more), " threads=%lu", a->m);
	return 0;
}

/* Neighbours have other rights than each other, so that the kernel does not make one of them. */
static int run_maps(const struct args *a, struct done *d)
{
	volatile char *spare = map(a, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	unsigned long made = 0;
	struct count begin;

	if (!spare)
		return 1;
	while (made < a->n) {
		int protection = made % 2 ? PROT_READ : PROT_READ | PROT_EXEC;
		char *p = mmap(NULL, a->page, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED && errno == ENOMEM && made)
			break; /* vm.max_map_count, or the address space */
		if (p == MAP_FAILED)
			return work_fail("mmap");
		d->area = p;
		made++;
	}
	read_each(spare, 1, a->page);
	begin = count(RUSAGE_SELF);
	read_each(d->area, 1, a->page);
	d->took = since(begin, count(RUSAGE_SELF));
	snprintf(d->more, sizeof(d->more), " maps=%lu", made);
	return 0;
}

static int run_none(const struct args *a, struct done *d)
{
	(void)a;
	(void)d;
	return 0;
}

static const struct mode modes[] = {
	{ "anon", "N", 1, { 0 }, false, true, run_anon },
	{ "heap", "N", 1, { 0 }, false, true, run_heap },
	{ "shrink", "N", 1, { 0 }, false, true, run_shrink },
	{ "read", "N", 1, { 0 }, false, true, run_read },
	{ "stack", "N", 1, { 0 }, false, false, run_stack },
	{ "fork", "N", 1, { 0 }, false, true, run_fork },
	{ "file", "PATH N [cold] [random]", 1, { 0 }, true, true, run_file },
	{ "private", "PATH N", 1, { 0 }, true, true, run_private },
	{ "moved", "PATH N", 1, { 0 }, true, true, run_moved },
	{ "shm", "N", 1, { 0 }, false, true, run_shm },
	{ "gup", "N", 1, { 0 }, false, true, run_gup },
	{ "kernel", "N", 1, { 0 }, false, true, run_kernel },
	{ "segv", "", 0, { 0 }, false, false, run_segv },
	{ "storm", "SECONDS RATE", 2, { MAX_SECONDS, MAX_RATE }, false, false, run_storm },
	{ "huge", "N", 1, { 4096 }, false, true, run_huge },
	{ "swap", "N", 1, { 0 }, false, true, run_swap },
	{ "threads", "N THREADS", 2, { 0, MAX_THREADS }, false, true, run_threads },
	{ "maps", "N", 1, { ULONG_MAX }, false, false, run_maps },
	{ "none", "", 0, { 0 }, false, false, run_none },
};

/* --- main ------------------------------------------------------------------------------------- */

static int print(FILE *to, const struct mode *mode, const struct args *a, const struct done *d)
{
	fprintf(to, "faults %s minor=%lu major=%lu", mode->name, d->took.minor, d->took.major);
	if (a->n && mode->run != run_maps && mode->run != run_storm)
		fprintf(to, " pages=%lu", a->n);
	fputs(d->more, to);
	if (d->area)
		fprintf(to, " address=0x%llx", (unsigned long long)(uintptr_t)d->area);
	fputs("\n", to);
	return fflush(to) ? work_fail("output") : 0;
}

/* Do once what will be done, so that no page of the stack, of libc or of a buffer is new then. */
static int rehearse(const struct mode *mode, const struct args *a)
{
	struct args small = *a;
	struct done d = { 0 };
	char here;

	stack_floor = (uintptr_t)&here / a->page * a->page - STACK_PAGES * a->page;
	grow(stack_floor);
	memset(out_buffer, 0, sizeof(out_buffer));
	setvbuf(stdout, out_buffer, _IOFBF, sizeof(out_buffer));
	count(RUSAGE_SELF);
	count(RUSAGE_CHILDREN);
	small.n = small.m = 1;
	small.path = SELF;
	return mode->rehearse ? mode->run(&small, &d) : 0;
}

static int usage(void)
{
	/* each READY is created there; then input is waited for, its next byte or its end */
	fprintf(stderr, "usage: work_faults [--gate READY] [--hold READY] MODE; modes:\n");
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		fprintf(stderr, "  %s %s\n", modes[i].name, modes[i].usage);
	return 2;
}

static bool parse_mode(char **words, const struct mode **ret_mode, struct args *a)
{
	unsigned long *numbers[] = { &a->n, &a->m };
	const struct mode *mode = NULL;

	for (size_t i = 0; *words && i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(*words, modes[i].name))
			mode = &modes[i];
	if (!mode)
		return false;
	words++;
	if (mode->path && !(a->path = *words++))
		return false;
	for (int i = 0; i < mode->numbers; i++, words++)
		if (!*words || !work_parse_count(*words, numbers[i]) || !*numbers[i] ||
		    *numbers[i] > (mode->max[i] ?: SIZE_MAX / 2 / a->page))
			return false;
	for (; mode->path && *words; words++)
		if (!strcmp(*words, "cold"))
			a->cold = true;
		else if (!strcmp(*words, "random"))
			a->random = true;
		else
			return false;
	*ret_mode = mode;
	return !*words;
}

/* READY exists: told to go on by a byte of input, or by its end. */
static int wait_at(const char *ready, bool for_end)
{
	char byte;

	if (!ready)
		return 0;
	if (work_create(ready))
		return work_fail(ready);
	if (for_end)
		work_wait_gate();
	else if (read(STDIN_FILENO, &byte, 1) < 0)
		return work_fail("input");
	return 0;
}

int main(int argc, char **argv)
{
	struct args a = { .argv = argv, .page = (size_t)sysconf(_SC_PAGESIZE) };
	const char *gate = NULL, *hold = NULL;
	const struct mode *mode;
	struct done d = { 0 };
	char **words = argv + !!argc;

	for (; words[0] && words[1] && *words[0] == '-'; words += 2)
		if (!strcmp(words[0], "--gate"))
			gate = words[1];
		else if (!strcmp(words[0], "--hold"))
			hold = words[1];
		else
			return usage();
	if (!parse_mode(words, &mode, &a))
		return usage();
	if (mode->run == run_none)
		return 0;
	prctl(PR_SET_NAME, "faults");
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) && errno != EINVAL && errno != ENOSYS)
		return work_fail("prctl(PR_SET_THP_DISABLE)");
	if (rehearse(mode, &a) || wait_at(gate, false))
		return 1;
	if (mode->run(&a, &d) || print(stdout, mode, &a, &d))
		return 1;
	return wait_at(hold, true);
}
