// SPDX-License-Identifier: GPL-2.0
/*
 * lazy FILE: takes 1 MiB of memory in several ways, each in a process of its own that has the way's
 * name, and prints what page faults that took, a line each:
 *
 *	STEP PID MINOR MAJOR ALL_MINOR ALL_MAJOR
 *
 * MINOR and MAJOR are of what the step is about, by getrusage(); ALL_… of the whole process, by wait4().
 * A step that can't be done here is «STEP - REASON». FILE is created, and is left there.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE	    (1u << 20)
#define OWN_MAPPING (128u << 10) /* malloc()ed blocks from this size on are mappings of their own */
#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6

static size_t page;
static const char *path;
static char *volatile block; /* so that the compiler leaves no malloc() out */

/* What a step tells its parent, in memory that both have. */
static struct told {
	struct rusage begin, end;
	char skipped[128];
} * told;

static void begin(void)
{
	getrusage(RUSAGE_SELF, &told->begin);
}

static void end(void)
{
	getrusage(RUSAGE_SELF, &told->end);
}

static void write_pages(volatile char *p, size_t size)
{
	for (size_t i = 0; i < size; i += page)
		p[i] = 1;
}

static void read_pages(volatile char *p, size_t size)
{
	for (size_t i = 0; i < size; i += page)
		(void)p[i];
}

static char *map(int flags, int fd)
{
	char *p = mmap(NULL, SIZE, fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ, flags, fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

/* --- the steps -------------------------------------------------------------------------------- */

/* What each of these processes costs, whatever it does: all others are compared with it. */
static void nothing(void)
{
	begin();
	end();
}

/* malloc() writes one word before the block: that page is touched. */
static void malloc_only(void)
{
	begin();
	block = malloc(SIZE);
	end();
}

/* Fresh memory of the kernel is zero, so there is nothing to clear. */
static void calloc_only(void)
{
	begin();
	block = calloc(1, SIZE);
	end();
}

static void malloc_touch(void)
{
	begin();
	block = malloc(SIZE);
	write_pages(block, SIZE);
	end();
}

static void malloc_half(void)
{
	begin();
	block = malloc(SIZE);
	write_pages(block, SIZE / 2);
	end();
}

/* Reading maps the zero page; the first write to it is a fault again. */
static void read_then_write(void)
{
	char *p = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	begin();
	read_pages(p, SIZE);
	write_pages(p, SIZE);
	end();
}

/* mmap() takes all pages itself: the loop finds them there. */
static void populate(void)
{
	begin();
	write_pages(map(MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1), SIZE);
	end();
}

/* How many pages of the mapped file are in memory. */
static size_t resident(char *p)
{
	unsigned char *in = calloc(SIZE / page, 1);
	size_t n = 0;

	if (!in || mincore(p, SIZE, in))
		err(1, "mincore");
	for (size_t i = 0; i < SIZE / page; i++)
		n += in[i] & 1;
	return n;
}

static void read_file(int drop, int advice)
{
	int fd = open(path, O_RDONLY);
	struct statfs fs;
	char *p;

	if (fd < 0 || fstatfs(fd, &fs) || (drop && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)))
		err(1, "%s", path);
	p = map(MAP_SHARED, fd);
	if (madvise(p, SIZE, advice))
		err(1, "madvise");
	if (drop && resident(p)) {
		const char *why = fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC
					  ? "its file system has it nowhere else"
					  : "the kernel kept it in memory";

		snprintf(told->skipped, sizeof(told->skipped), "the file can't be cold: %s", why);
		return;
	}
	begin();
	read_pages(p, SIZE);
	end();
}

static void file_random(void)
{
	read_file(1, MADV_RANDOM);
}

static void file_cold(void)
{
	read_file(1, MADV_NORMAL);
}

static void file_warm(void)
{
	read_file(0, MADV_NORMAL);
}

/* The names that the processes have, too. */
static const struct step {
	const char *name;
	void (*run)(void);
} steps[] = {
	{ "nothing", nothing },	    { "malloc", malloc_only },
	{ "calloc", calloc_only },  { "touch", malloc_touch },
	{ "half", malloc_half },    { "read-write", read_then_write },
	{ "populate", populate },   { "file-cold", file_cold },
	{ "file-warm", file_warm }, { "file-random", file_random },
};

/* --- running them ----------------------------------------------------------------------------- */

/*
 * In a new process even code is still to be mapped, and each page that it writes to is to be copied.
 * What the steps call is called once before they count.
 */
static void warm_up(void)
{
	begin();
	end();
	block = malloc(OWN_MAPPING);
	free(block);
	block = calloc(1, OWN_MAPPING);
	free(block);
	munmap(map(MAP_PRIVATE | MAP_ANONYMOUS, -1), SIZE);
	*told = (struct told){ 0 };
}

static void run(const struct step *step)
{
	struct rusage all;
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		prctl(PR_SET_NAME, step->name);
		warm_up();
		step->run();
		_exit(0);
	}
	if (wait4(pid, &status, 0, &all) < 0 || status)
		errx(1, "%s failed", step->name);
	if (*told->skipped) {
		printf("%-12s - %s\n", step->name, told->skipped);
		return;
	}
	printf("%-12s %7d %5ld %5ld %9ld %9ld\n", step->name, pid,
	       told->end.ru_minflt - told->begin.ru_minflt,
	       told->end.ru_majflt - told->begin.ru_majflt, all.ru_minflt, all.ru_majflt);
}

static void create_file(void)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	static char data[SIZE];

	memset(data, 'x', SIZE);
	if (fd < 0 || write(fd, data, SIZE) != SIZE || fsync(fd) || close(fd))
		err(1, "%s", path);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: lazy FILE\n");
		return 2;
	}
	page = (size_t)sysconf(_SC_PAGESIZE);
	path = argv[1];
	/* That's the default, but it would grow with the first large block that is freed. */
	mallopt(M_MMAP_THRESHOLD, OWN_MAPPING);
	/* With huge pages a fault may bring 512 pages. A kernel without them refuses this. */
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) && errno != EINVAL)
		err(1, "prctl");
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		err(1, "mmap");
	create_file();
	setlinebuf(stdout); /* a child inherits nothing that is still to be printed */
	printf("%-12s %7s %5s %5s %9s %9s\n", "step", "pid", "minor", "major", "all_minor",
	       "all_major");
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		run(&steps[i]);
	return 0;
}
