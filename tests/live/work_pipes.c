// SPDX-License-Identifier: GPL-2.0
/*
 * The workload that tests and the bench count and time: pipe2() and close of both ends, which
 * allocates and frees the same slab objects each turn. Its name (comm) is «pipes». Last line of
 * output: «turns N»; loops also print «ns_per_turn X cpu_ns_per_turn Y».
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LOCKS_PER_FILE 500
#define POLL_MS	       10

struct options {
	unsigned long turns; /* the loop's length, if seconds is 0 */
	double seconds;
	unsigned long hold; /* pipes to keep open */
	unsigned long objects; /* kernel objects to keep alive */
	const char *ready; /* created when everything is held, or before the loop begins */
	const char *until; /* held until this file exists */
	int cpu;
	bool gate; /* wait for the end of standard input before the loop begins */
};

/* Everything that is held: file descriptors, and how many of them there are. */
struct held {
	int *fds;
	unsigned long n;
};

static int fail(const char *what)
{
	fprintf(stderr, "work_pipes: %s: %s\n", what, strerror(errno));
	return 1;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -1;
	return close(fd);
}

static int turn(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static int loop(const struct options *o)
{
	uint64_t begin, end, cpu;
	unsigned long turns = 0;
	char byte;

	if (o->gate)
		while (read(STDIN_FILENO, &byte, 1) > 0)
			;
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	begin = end = now_ns(CLOCK_MONOTONIC);
	if (o->seconds > 0) {
		uint64_t limit = begin + (uint64_t)(o->seconds * 1e9);

		do {
			for (int i = 0; i < 100; i++, turns++)
				if (turn())
					return fail("pipe2");
			end = now_ns(CLOCK_MONOTONIC);
		} while (end < limit);
	} else {
		for (; turns < o->turns; turns++)
			if (turn())
				return fail("pipe2");
		end = now_ns(CLOCK_MONOTONIC);
	}
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (turns)
		printf("ns_per_turn %.1f cpu_ns_per_turn %.1f\n",
		       (double)(end - begin) / (double)turns, (double)cpu / (double)turns);
	printf("turns %lu\n", turns);
	return 0;
}

static int hold_pipes(struct held *h, unsigned long n)
{
	h->fds = calloc(n * 2, sizeof(*h->fds));
	if (!h->fds)
		return fail("memory");
	for (unsigned long i = 0; i < n; i++, h->n += 2)
		if (pipe2(h->fds + h->n, O_CLOEXEC))
			return fail("pipe2");
	return 0;
}

/*
 * One struct file_lock an object: byte-range locks that do not touch stay apart, and a file may
 * have any number of them. They are spread over files because the kernel keeps them in lists.
 */
static int hold_locks(struct held *h, unsigned long n)
{
	h->fds = calloc(n / LOCKS_PER_FILE + 1, sizeof(*h->fds));
	if (!h->fds)
		return fail("memory");
	for (unsigned long i = 0; i < n; i++) {
		struct flock lock = {
			.l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = (off_t)(i % LOCKS_PER_FILE) * 2,
			.l_len = 1,
		};

		if (i % LOCKS_PER_FILE == 0) {
			int fd = memfd_create("work_pipes", MFD_CLOEXEC);

			if (fd < 0)
				return fail("memfd_create");
			h->fds[h->n++] = fd;
		}
		if (fcntl(h->fds[h->n - 1], F_SETLK, &lock))
			return fail("fcntl(F_SETLK)");
	}
	return 0;
}

static void release(struct held *h)
{
	while (h->n)
		close(h->fds[--h->n]);
}

/* SIGUSR1 releases what is held; SIGUSR2, SIGTERM, SIGINT or the file end the wait. */
static void wait_until(const struct options *o, struct held *h, const sigset_t *signals)
{
	const struct timespec poll = { .tv_nsec = POLL_MS * 1000000l };

	for (;;) {
		int sig = sigtimedwait(signals, NULL, o->until ? &poll : NULL);

		if (sig == SIGUSR1)
			release(h);
		else if (sig > 0 || (o->until && !access(o->until, F_OK)))
			return;
	}
}

static int hold(const struct options *o)
{
	struct held h = { 0 };
	sigset_t signals;
	unsigned long n = o->objects ? o->objects : o->hold;
	int ret;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	ret = o->objects ? hold_locks(&h, n) : hold_pipes(&h, n);
	if (!ret && o->ready && create(o->ready))
		ret = fail(o->ready);
	if (!ret)
		wait_until(o, &h, &signals);
	release(&h);
	free(h.fds);
	if (!ret)
		printf("turns %lu\n", n);
	return ret;
}

static int set_up(const struct options *o)
{
	struct rlimit files;

	if (o->cpu >= 0) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET(o->cpu, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus))
			return fail("sched_setaffinity");
	}
	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: work_pipes [--cpu K] [--gate] [--ready FILE] TURNS | --seconds S\n"
			"       work_pipes [--cpu K] --hold PIPES | --objects N [--ready FILE]"
			" [--until FILE]\n");
	return 2;
}

static bool parse_count(const char *text, unsigned long *ret_n)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-')
		return false;
	*ret_n = n;
	return true;
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "hold", required_argument, NULL, 'h' },
		{ "objects", required_argument, NULL, 'o' },
		{ "seconds", required_argument, NULL, 's' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "ready", required_argument, NULL, 'r' },
		{ "until", required_argument, NULL, 'u' },
		{ "gate", no_argument, NULL, 'g' },
		{ 0 },
	};
	bool ok = true;
	int opt;

	while (ok && (opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt == 'h')
			ok = parse_count(optarg, &o->hold) && o->hold;
		else if (opt == 'o')
			ok = parse_count(optarg, &o->objects) && o->objects;
		else if (opt == 's')
			ok = (o->seconds = strtod(optarg, NULL)) > 0;
		else if (opt == 'c')
			o->cpu = atoi(optarg);
		else if (opt == 'r')
			o->ready = optarg;
		else if (opt == 'u')
			o->until = optarg;
		else if (opt == 'g')
			o->gate = true;
		else
			ok = false;
	}
	if (!ok)
		return false;
	if (o->hold || o->objects || o->seconds > 0)
		return optind == argc;
	return optind == argc - 1 && parse_count(argv[optind], &o->turns);
}

int main(int argc, char **argv)
{
	struct options o = { .cpu = -1 };

	prctl(PR_SET_NAME, "pipes");
	if (!parse(argc, argv, &o))
		return usage();
	if (set_up(&o))
		return 1;
	if (o.hold || o.objects)
		return hold(&o);
	if (o.ready && create(o.ready))
		return fail(o.ready);
	return loop(&o);
}
