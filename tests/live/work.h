/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_WORK_H
#define KMSCOPE_TESTS_WORK_H
/* What the counted and timed workloads (work_*.c) have in common. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORK_POLL_MS   10
#define WORK_HUGE_SIZE "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

/* Says on standard error what went wrong, after errno; the exit code. */
static inline int work_fail(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	return 1;
}

static inline uint64_t work_now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int work_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -1;
	return close(fd);
}

/* A decimal number and nothing else. */
static inline bool work_parse_count(const char *text, unsigned long *ret_n)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9')
		return false;
	*ret_n = n;
	return true;
}

/* Bytes of a transparent huge page, or 0 where there are none. */
static inline size_t work_huge_size(void)
{
	FILE *f = fopen(WORK_HUGE_SIZE, "re");
	unsigned long n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%lu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

static inline int work_pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) ? work_fail("sched_setaffinity") : 0;
}

/* --gate: until standard input ends. */
static inline void work_wait_gate(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

/* SIGUSR1, SIGUSR2, SIGTERM and SIGINT wait for work_wait(). */
static inline void work_block(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGUSR1);
	sigaddset(signals, SIGUSR2);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigprocmask(SIG_BLOCK, signals, NULL);
}

/* True for SIGUSR1; false when another of the signals came, or the file @until (or NULL) exists. */
static inline bool work_wait(const sigset_t *signals, const char *until)
{
	const struct timespec poll = { .tv_nsec = WORK_POLL_MS * 1000000l };

	for (;;) {
		int sig = sigtimedwait(signals, NULL, until ? &poll : NULL);

		if (sig > 0)
			return sig == SIGUSR1;
		if (until && !access(until, F_OK))
			return false;
	}
}

#endif
