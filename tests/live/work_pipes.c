// SPDX-License-Identifier: GPL-2.0
/*
 * The workload that tests and the bench count and time: pipe2() and close of both ends, which
 * allocates and frees the same slab objects each turn. Its name (comm) is «pipes». Last line of
 * output: «turns N»; loops also print «ns_per_turn X cpu_ns_per_turn Y».
 */
#include <getopt.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "work.h"

#define LOCKS_PER_FILE 500

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

	if (o->gate)
		work_wait_gate();
	cpu = work_now_ns(CLOCK_PROCESS_CPUTIME_ID);
	begin = end = work_now_ns(CLOCK_MONOTONIC);
	if (o->seconds > 0) {
		uint64_t limit = begin + (uint64_t)(o->seconds * 1e9);

		do {
			for (int i = 0; i < 100; i++, turns++)
				if (turn())
					return work_fail("pipe2");
			end = work_now_ns(CLOCK_MONOTONIC);
		} while (end < limit);
	} else {
		for (; turns < o->turns; turns++)
			if (turn())
				return work_fail("pipe2");
		end = work_now_ns(CLOCK_MONOTONIC);
	}
	cpu = work_now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
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
		return work_fail("memory");
	for (unsigned long i = 0; i < n; i++, h->n += 2)
		if (pipe2(h->fds + h->n, O_CLOEXEC))
			return work_fail("pipe2");
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
		return work_fail("memory");
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
				return work_fail("memfd_create");
			h->fds[h->n++] = fd;
		}
		if (fcntl(h->fds[h->n - 1], F_SETLK, &lock))
			return work_fail("fcntl(F_SETLK)");
	}
	return 0;
}

static void release(struct held *h)
{
	while (h->n)
		close(h->fds[--h->n]);
}

/* SIGUSR1 releases what is held; the other signals or the file --until end the wait. */
static int hold(const struct options *o)
{
	struct held h = { 0 };
	sigset_t signals;
	unsigned long n = o->objects ? o->objects : o->hold;
	int ret;

	work_block(&signals);
	ret = o->objects ? hold_locks(&h, n) : hold_pipes(&h, n);
	if (!ret && o->ready && work_create(o->ready))
		ret = work_fail(o->ready);
	while (!ret && work_wait(&signals, o->until))
		release(&h);
	release(&h);
	free(h.fds);
	if (!ret)
		printf("turns %lu\n", n);
	return ret;
}

static int set_up(const struct options *o)
{
	struct rlimit files;

	if (o->cpu >= 0 && work_pin(o->cpu))
		return 1;
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
			ok = work_parse_count(optarg, &o->hold) && o->hold;
		else if (opt == 'o')
			ok = work_parse_count(optarg, &o->objects) && o->objects;
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
	return optind == argc - 1 && work_parse_count(argv[optind], &o->turns);
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
	if (o.ready && work_create(o.ready))
		return work_fail(o.ready);
	return loop(&o);
}
