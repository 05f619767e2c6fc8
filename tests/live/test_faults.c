// SPDX-License-Identifier: GPL-2.0
/*
 * kmscope faults: every fault is counted, exactly, where it was taken, as getrusage() and /proc/vmstat say
 * too. A workload waits at a gate until it is traced, and stays until the tracing has ended, so that
 * neither its beginning nor its end is in the numbers.
 */
#include "live_faults.h"
#include "work.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FAULTS	     1009
#define FAULTS_ARG   "1009"
#define FEWER	     503
#define FEWER_ARG    "503"
#define HUGE	     3
#define HUGE_ARG     "3"
#define HUGE_ENABLED "/sys/kernel/mm/transparent_hugepage/enabled"
#define THREADS	     7
#define THREADS_ARG  "7"

/* --- kinds of memory -------------------------------------------------------------------------------- */

static const struct one_kind {
	const char *mode, *kind;
	const char *also; /* a column that counts as many; NULL: none */
} anon = { "anon", "anon", NULL }, heap = { "heap", "heap", NULL },
  shrink = { "shrink", "heap", NULL }, stack = { "stack", "stack", NULL },
  shm = { "shm", "shm", NULL }, kernel = { "kernel", "anon", "in_kernel" };

/* All faults of one kind, in one region, in one process. */
static void test_kind(void **state)
{
	const struct one_kind *k = *state;
	struct faults_run run;
	json_t *r = faults_gated(&run, NULL, k->mode, FAULTS_ARG, NULL);
	const json_t *row;

	/* 5.10 calls the first touch of shared memory major: all of them, or none */
	check_u64(run.minor + run.major, FAULTS, "getrusage()'s faults");
	check_u64(faults_of(r, k->kind, "minor"), run.minor, "minor faults of the kind");
	check_u64(faults_of(r, k->kind, "major"), run.major, "major faults of the kind");
	check(run.minor == FAULTS || !strcmp(k->mode, "shm"), "%llu major faults",
	      (unsigned long long)run.major);
	row = live_row(live_table(r, "regions"), "kind", k->kind, 0);
	check_u64(live_u64(row, "minor"), run.minor, "minor faults of the region");
	check_u64(live_u64(row, "pid"), run.pid, "the region's process");
	assert_string_equal(live_text(row, "comm"), "faults");
	if (k->also)
		check_u64(live_u64(row, k->also), FAULTS, k->also);
	row = live_row(live_table(r, "processes"), "comm", "faults", 0);
	check_u64(live_u64(row, "pid"), run.pid, "the process");
	check_u64(live_sum(live_table(r, "processes"), "minor"),
		  live_u64(live_row(live_table(r, "totals"), "what", "minor", 0), "faults"),
		  "minor faults of all processes");
	check_u64(live_u64(live_row(live_table(r, "totals"), "what", "minor", 0), "timed"),
		  live_sum(live_table(r, "processes"), "minor"), "faults with a duration");
	json_decref(r);
}

/* Read, it is the zero page; written to afterwards, it is copied. */
static void test_read(void **state _unused_)
{
	struct faults_run run;
	json_t *r = faults_gated(&run, NULL, "read", FAULTS_ARG, NULL);
	uint64_t copied = faults_of(r, "anon", "copied");

	check_u64(run.minor, 2 * FAULTS, "getrusage()'s minor");
	check_u64(faults_of(r, "anon", "minor"), 2 * FAULTS, "minor faults");
	if (copied != LIVE_NULL)
		check_u64(copied, FAULTS, "copied pages");
	json_decref(r);
	if (copied == LIVE_NULL)
		live_need("fault_copied");
}

/* @kind's column of both processes of a fork(): the child's row is the one that is not @parent's. */
static void of_both(const json_t *r, uint64_t parent, const char *column, uint64_t ret[2])
{
	const json_t *row;
	size_t i;

	ret[0] = ret[1] = 0;
	json_array_foreach(live_table(r, "regions"), i, row)
	{
		if (!strcmp(live_text(row, "kind"), "anon"))
			ret[live_u64(row, "pid") != parent] += live_u64(row, column);
	}
}

/* Both copy the pages that they share. What else they do does not depend on the number of pages. */
static void test_fork(void **state)
{
	static const char *const counts[] = { FAULTS_ARG, FEWER_ARG };
	const struct faults_how named = { .comm = "faults" };
	uint64_t minor[2][2], copied[2][2], told;
	struct faults_run run;
	bool known = false;
	json_t *r;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		r = faults_gated(&run, &named, "fork", counts[i], NULL);
		check_u64(run.minor, i ? FEWER : FAULTS, "getrusage()'s minor");
		of_both(r, run.pid, "minor", minor[i]);
		known = faults_of(r, "anon", "copied") != LIVE_NULL;
		if (known)
			of_both(r, run.pid, "copied", copied[i]);
		json_decref(r);
	}
	/* the parent's area is touched before it is copied */
	check_u64(minor[0][0] - minor[1][0], 2 * (FAULTS - FEWER), "minor faults of the parent");
	check_u64(minor[0][1] - minor[1][1], FAULTS - FEWER, "minor faults of the child");
	if (!known)
		live_need("fault_copied");
	check_u64(copied[0][1] - copied[1][1], FAULTS - FEWER, "copies of the child");
	/*
	 * The child is gone when the parent writes, which then has the pages for itself. Where the function
	 * that copies is looked at it is not called but for a few (15 to a CPU, until 5.18), otherwise all
	 * are told that were there and written to.
	 */
	told = copied[0][0] - copied[1][0];
	if (!live_chosen("fault_copied", "kprobe"))
		check_u64(told, FAULTS - FEWER, "writes of the parent");
	else
		check((int64_t)told <= FAULTS - FEWER + 64, "%lld copies of the parent",
		      (long long)told);
}

/* Stacks of threads are anonymous memory too: what they take is the same in both runs. */
static void test_threads(void **state)
{
	static const char *const counts[] = { FAULTS_ARG, FEWER_ARG };
	struct faults_run run;
	uint64_t minor[2];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		json_t *r = faults_gated(&run, NULL, "threads", counts[i], THREADS_ARG, NULL);

		check_u64(run.minor, (i ? FEWER : FAULTS) * THREADS, "getrusage()'s minor");
		minor[i] = faults_of(r, "anon", "minor");
		check_u64(live_rows(live_table(r, "processes"), "comm", "faults"), 1, "processes");
		json_decref(r);
	}
	check_u64(minor[0] - minor[1], (FAULTS - FEWER) * THREADS, "minor faults of the threads");
}

/* What ends in a signal is no fault that was resolved. */
static void test_segv(void **state)
{
	struct faults_run run;
	json_t *r = faults_gated(&run, NULL, "segv", NULL);
	const json_t *kinds = live_table(r, "kinds");

	(void)state;
	check_u64(run.minor + run.major, 0, "getrusage()'s faults");
	check_u64(live_rows(kinds, "kind", "anon"), 0, "rows of anonymous memory");
	check_u64(live_rows(kinds, "kind", "unknown"), 0, "rows of unknown memory");
	json_decref(r);
}

/* mmap(MAP_POPULATE) has get_user_pages() take them: no instruction of the process does. */
static void test_gup(void **state)
{
	struct faults_run run;
	json_t *r;

	(void)state;
	live_need("gup");
	r = faults_gated(&run, NULL, "gup", FAULTS_ARG, NULL);
	check_u64(run.minor, FAULTS, "getrusage()'s minor");
	check_u64(live_sum(live_table(r, "processes"), "gup"), FAULTS, "gup of the process");
	check_u64(live_quality(r, "gup"), FAULTS, "quality.gup");
	check_u64(live_u64(live_row(live_table(r, "totals"), "what", "gup", 0), "faults"), FAULTS,
		  "gup of all");
	if (live_chosen("gup", "kretprobe"))
		check_u64(faults_of(r, "anon", "gup"), FAULTS, "gup of the kind");
	else
		check_u64(live_rows(live_table(r, "kinds"), "kind", "anon"), 0, "rows of the kind");
	json_decref(r);
}

/* --- a whole life -------------------------------------------------------------------------------------- */

static const struct whole_life {
	const char *words[4];
} lives[] = { { { "anon", FAULTS_ARG } },
	      { { "heap", FAULTS_ARG } },
	      { { "read", FAULTS_ARG } },
	      { { "stack", FEWER_ARG } },
	      { { "shm", FAULTS_ARG } },
	      { { "gup", FAULTS_ARG } },
	      { { "kernel", FAULTS_ARG } },
	      { { "threads", FAULTS_ARG, THREADS_ARG } },
	      { { "segv" } } };

/* Sums over the rows of process @pid. */
static void sum_process(const json_t *r, uint64_t pid, uint64_t *ret_all, uint64_t *ret_major)
{
	const json_t *row;
	size_t i;

	*ret_all = *ret_major = 0;
	json_array_foreach(live_table(r, "processes"), i, row)
	{
		if (live_u64(row, "pid") != pid)
			continue;
		*ret_all += live_u64(row, "minor") + live_u64(row, "major") + live_u64(row, "gup");
		*ret_major += live_u64(row, "major");
	}
}

/* From fork() to the end, with all that the dynamic linker does: as many as wait4() says. */
static void test_whole_life(void **state)
{
	struct live tracer, loads[ARRAY_SIZE(lives)];
	uint64_t all, major;
	pid_t pids[ARRAY_SIZE(lives)];
	json_t *r;
	size_t i;

	(void)state;
	live_need("gup");
	live_start(&tracer, "faults", "--json", NULL);
	for (i = 0; i < ARRAY_SIZE(lives); i++) {
		const char *const *w = lives[i].words;

		live_spawn(&loads[i], NULL, faults_path, w[0], w[1], w[2], NULL);
		pids[i] = loads[i].pid;
		check(!live_end(&loads[i]), "%s ended with %d: %s", w[0], loads[i].code,
		      loads[i].err);
	}
	check(!live_end_by(&tracer, SIGINT), "kmscope ended with %d: %s", tracer.code, tracer.err);
	r = live_final(&tracer);
	live_check_whole(r);
	for (i = 0; i < ARRAY_SIZE(lives); i++) {
		const struct rusage *use = &loads[i].usage;

		sum_process(r, (uint64_t)pids[i], &all, &major);
		check_u64(all, (uint64_t)(use->ru_minflt + use->ru_majflt), lives[i].words[0]);
		/* of those that get_user_pages() takes it is not known everywhere */
		check(major <= (uint64_t)use->ru_majflt, "%s: %llu major faults of %ld",
		      lives[i].words[0], (unsigned long long)major, use->ru_majflt);
	}
	json_decref(r);
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* The row of the file; NULL: there is none. */
static const json_t *region_of(const json_t *r, const char *path)
{
	return live_row(live_table(r, "regions"), "path", path, 0);
}

/* What is not in memory is read from the disk: «random» without what is read ahead. */
static void test_cold(void **state)
{
	const char *path = faults_file(FAULTS), *random = *state;
	struct faults_run run;
	const json_t *row;
	json_t *r;

	r = faults_gated(&run, NULL, "file", path, FAULTS_ARG, "cold", random, NULL);
	row = region_of(r, path);
	check(run.major > 0, "nothing was cold");
	check(row, "no region of %s", path);
	check_u64(live_u64(row, "major"), run.major, "major faults of the file");
	check_u64(live_u64(row, "minor"), run.minor, "minor faults of the file");
	assert_string_equal(live_text(row, "kind"), "file");
	check_u64(live_sum(live_table(r, "processes"), "major"),
		  live_u64(live_row(live_table(r, "totals"), "what", "major", 0), "faults"),
		  "major faults of all processes");
	if (random)
		check_u64(run.major + run.minor, FAULTS, "a fault a page");
	print_message("%llu major, %llu minor faults of %d pages\n", (unsigned long long)run.major,
		      (unsigned long long)run.minor, FAULTS);
	json_decref(r);
}

/* What is in memory is mapped, with its neighbours: fewer faults than pages, none of them for I/O. */
static void test_warm(void **state)
{
	const char *path = faults_file(FAULTS);
	struct faults_run run;
	const json_t *row;
	json_t *r;

	(void)state;
	r = faults_gated(&run, NULL, "file", path, FAULTS_ARG, NULL);
	row = region_of(r, path);
	check(row, "no region of %s", path);
	check(run.minor > 0 && run.minor < FAULTS, "%llu minor faults of %d pages",
	      (unsigned long long)run.minor, FAULTS);
	/* one that had to be tried again is major to the kernel, too: seen once, on a busy machine */
	check(run.major <= 1, "%llu major faults", (unsigned long long)run.major);
	check_u64(live_u64(row, "minor"), run.minor, "minor faults of the file");
	check_u64(live_u64(row, "major"), run.major, "major faults of the file");
	if (live_u64(row, "around") != LIVE_NULL && !run.major)
		check_u64(live_u64(row, "around"), run.minor, "faults with their neighbours");
	json_decref(r);
	live_need("fault_around");
}

/* Each page that is written to is copied, where nothing was mapped before. */
static void test_private(void **state _unused_)
{
	const char *path = faults_file(FAULTS);
	struct faults_run run;
	json_t *r = faults_gated(&run, NULL, "private", path, FAULTS_ARG, NULL);
	const json_t *row = region_of(r, path);
	bool told;

	check_u64(run.minor, FAULTS, "getrusage()'s minor");
	check(row, "no region of %s", path);
	check_u64(live_u64(row, "minor"), FAULTS, "minor faults of the file");
	told = live_u64(row, "writes") != LIVE_NULL;
	if (told)
		check_u64(live_u64(row, "copied"), FAULTS, "copies of its pages");
	json_decref(r);
	if (!told)
		live_skip("what faults wanted is not told here");
}

/* Writes where a file is known to be, read-only, are not its own: /proc tells what is there, or nothing. */
static void test_moved(void **state _unused_)
{
	const char *path = faults_file(FAULTS);
	struct faults_run run;
	json_t *r = faults_gated(&run, NULL, "moved", path, FAULTS_ARG, NULL);
	uint64_t anon_faults = faults_of(r, "anon", "minor");
	uint64_t unknown = faults_of(r, "unknown", "minor");
	bool told = faults_of(r, "file", "writes") != LIVE_NULL; /* no such row: it is */

	check_u64(run.minor, FAULTS, "getrusage()'s minor");
	if (told) {
		check(!region_of(r, path), "faults of %s", path);
		check_u64(anon_faults + unknown, FAULTS, "faults of what is there");
		print_message("%llu of %d are known by /proc\n", (unsigned long long)anon_faults,
			      FAULTS);
	}
	json_decref(r);
	if (!told)
		live_skip("what faults wanted is not told here");
}

/* --- huge pages and the swap ------------------------------------------------------------------------------- */

/* One fault brings a huge page; where there was none to be had, its pages come one by one. */
static void test_huge(void **state)
{
	char enabled[64];
	struct faults_run run;
	uint64_t told;
	json_t *r;

	(void)state;
	if (access(WORK_HUGE_SIZE, F_OK))
		live_skip("no huge pages");
	if (live_read_file(HUGE_ENABLED, enabled, sizeof(enabled)) && strstr(enabled, "[never]"))
		live_skip("huge pages are off");
	r = faults_gated(&run, NULL, "huge", HUGE_ARG, NULL);
	check(run.huge > 0 && run.huge <= HUGE, "%llu huge pages", (unsigned long long)run.huge);
	check_u64(run.minor, run.huge + (HUGE - run.huge) * run.huge_pages, "getrusage()'s minor");
	check_u64(faults_of(r, "anon", "minor"), run.minor, "minor faults");
	told = faults_of(r, "anon", "huge");
	if (told != LIVE_NULL)
		check_u64(told, run.huge, "faults that brought a huge page");
	json_decref(r);
	if (told == LIVE_NULL)
		live_need("fault_huge");
}

/* Pages that are in the swap come back by a fault each, but for what is read ahead into its cache. */
static void test_swap(void **state)
{
	struct faults_run run;
	uint64_t told;
	json_t *r;

	(void)state;
	faults_swap(FAULTS);
	r = faults_gated(&run, NULL, "swap", FEWER_ARG, NULL);
	check(run.swapped > 0 && run.swapped <= FEWER, "%llu pages in the swap",
	      (unsigned long long)run.swapped);
	check_u64(run.minor + run.major, run.swapped, "getrusage()'s faults");
	/* each page is written to first */
	check_u64(faults_of(r, "anon", "minor"), FEWER + run.minor, "minor faults");
	check_u64(faults_of(r, "anon", "major"), run.major, "major faults");
	told = faults_of(r, "anon", "swapped");
	if (told != LIVE_NULL)
		check_u64(told, run.swapped, "faults of the swap");
	print_message("%llu of %d pages in the swap, %llu major faults\n",
		      (unsigned long long)run.swapped, FEWER, (unsigned long long)run.major);
	json_decref(r);
	if (told == LIVE_NULL)
		live_need("fault_swap");
}

/* --- many processes ---------------------------------------------------------------------------------------- */

/* Every row has one of the names, each of them is there. */
static void check_names(const json_t *r)
{
	static const char *const names[] = { "kmscope", "work_faults", "faults", "exe" };
	uint64_t seen[ARRAY_SIZE(names)] = { 0 };
	const json_t *row;
	size_t i, k;

	json_array_foreach(live_table(r, "processes"), i, row)
	{
		const char *comm = live_text(row, "comm");

		check(comm && *comm, "row %zu has no name", i);
		for (k = 0; k < ARRAY_SIZE(names) && strcmp(comm, names[k]); k++)
			;
		check(k < ARRAY_SIZE(names), "a process «%s»", comm);
		seen[k]++;
	}
	for (k = 2; k < ARRAY_SIZE(names); k++)
		check(seen[k], "no process «%s»", names[k]);
}

/* Faults of all processes that the storm made. */
static uint64_t storm_sum(const json_t *r, uint64_t pid, uint64_t *ret_processes)
{
	const json_t *row;
	uint64_t sum = 0;
	size_t i;

	*ret_processes = 0;
	json_array_foreach(live_table(r, "processes"), i, row)
	{
		if (live_u64(row, "pid") == pid)
			continue;
		sum += live_u64(row, "minor") + live_u64(row, "major") + live_u64(row, "gup");
		*ret_processes += !strcmp(live_text(row, "comm"), "exe");
	}
	return sum;
}

/* Short lives, one after the other: each has its name, and the sum is what the kernel has counted. */
static void test_storm(void **state)
{
	const char *seconds = live_pace->slow ? "3" : "10", *rate = live_pace->slow ? "13" : "199";
	uint64_t processes;
	struct live l;
	json_t *r;

	(void)state;
	live_need("gup");
	live_spawn(&l, NULL, live_kmscope, "faults", "--json", "--", faults_path, "storm", seconds,
		   rate, NULL);
	check(!live_end(&l), "kmscope ended with %d: %s", l.code, l.err);
	r = live_final(&l);
	live_check_whole(r);
	check_names(r);
	check_u64(storm_sum(r, live_u64(json_object_get(r, "program"), "pid"), &processes),
		  faults_told(l.out, "minor") + faults_told(l.out, "major"), "faults of all");
	check_u64(processes, faults_told(l.out, "processes"), "processes");
	/* of the whole machine's, whoever else maps much */
	print_message("%llu processes, maps_lost %llu\n", (unsigned long long)processes,
		      (unsigned long long)live_quality(r, "maps_lost"));
	json_decref(r);
}

/*
 * What /proc/vmstat's pgfault is: from 6.4 on the faults that were resolved, before also those that failed, and
 * each try of one that was tried again.
 */
static bool counts_resolved(void)
{
	unsigned int major, minor;
	struct utsname u;

	check(!uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2, "no kernel release");
	return major > 6 || (major == 6 && minor >= 4);
}

/* The whole machine, whatever it does: what is told and what /proc/vmstat counts is the same. */
static void test_vmstat(void **state)
{
	const char *seconds = "2", *rate = live_pace->slow ? "7" : "101";
	uint64_t unexplained, told;
	struct live tracer, load;
	const json_t *row;
	json_t *r;
	size_t i;

	(void)state;
	live_need("gup");
	live_start(&tracer, "faults", "--json", "--by", "comm", NULL);
	live_spawn(&load, NULL, faults_path, "storm", seconds, rate, NULL);
	check(!live_end(&load), "the storm ended with %d: %s", load.code, load.err);
	check(!live_end_by(&tracer, SIGINT), "kmscope ended with %d: %s", tracer.code, tracer.err);
	r = live_final(&tracer);
	live_check_whole(r);
	unexplained = live_quality(r, "faults_unexplained");
	told = live_quality(r, "analysed") + live_quality(r, "own");
	if (counts_resolved())
		check_u64(unexplained, 0, "faults_unexplained");
	else
		check(unexplained <= told / 100 + 1, "%llu unexplained faults beside %llu",
		      (unsigned long long)unexplained, (unsigned long long)told);
	print_message("%llu faults, %llu unexplained\n", (unsigned long long)told,
		      (unsigned long long)unexplained);
	json_array_foreach(live_table(r, "processes"), i, row)
	{
		check(live_text(row, "comm") && *live_text(row, "comm"), "row %zu: no name", i);
	}
	check(live_row(live_table(r, "vmstat"), "name", "pgfault", 0), "no pgfault");
	json_decref(r);
}

/*
 * While processes are named they end. What the storm prints goes elsewhere: it could stand amidst a report,
 * which takes more than one write().
 */
static void test_storm_named(void **state)
{
	const char *rate = live_pace->slow ? "13" : "199";
	size_t n = 0, with_code = 0;
	struct live l, load;
	json_t *r;

	(void)state;
	live_start(&l, "faults", "--json", "--stacks", "all", "-i", "1", "--comm", "exe", NULL);
	live_spawn(&load, NULL, faults_path, "storm", "4", rate, NULL);
	check(!live_end(&load), "the storm ended with %d: %s", load.code, load.err);
	check(!live_end_by(&l, SIGINT), "kmscope ended with %d: %s", l.code, l.err);
	while ((r = live_next(&l))) {
		with_code += json_array_size(live_table(r, "sites")) > 0;
		check_u64(live_quality(r, "lost"), 0, "lost");
		n++;
		json_decref(r);
	}
	check(n >= 2 && with_code >= 2, "%zu reports, %zu of them with code", n, with_code);
}

/* --- options ----------------------------------------------------------------------------------------------- */

#define SAMPLED_SLOW 5003
#define SAMPLED	     50021

/*
 * One fault in N on each CPU, others' faults counted along: how many of the workload's are among them is
 * chance, with a standard deviation of 4.5 % for these numbers. The bound is five of them.
 */
static void test_sample(void **state)
{
	bool slow = live_pace->slow;
	const struct faults_how how = { .more = { "--sample", slow ? "11" : "101" } };
	uint64_t wanted = slow ? SAMPLED_SLOW : SAMPLED, found;
	struct faults_run run;
	json_t *r;

	(void)state;
	r = faults_gated(&run, &how, "anon", slow ? "5003" : "50021", NULL);
	check_u64(run.minor, wanted, "getrusage()'s minor");
	found = faults_of(r, "anon", "minor");
	check(found > wanted * 3 / 4 && found < wanted * 5 / 4, "%llu of %llu faults",
	      (unsigned long long)found, (unsigned long long)wanted);
	check_u64(live_quality(r, "sample"), slow ? 11 : 101, "quality.sample");
	check_u64(live_quality(r, "faults_unexplained"), LIVE_NULL, "faults_unexplained");
	json_decref(r);
}

/* Parent and child are two processes of a name. */
static void test_by_comm(void **state)
{
	const struct faults_how how = { .comm = "faults", .more = { "--by", "comm" } };
	struct faults_run run;
	const json_t *row;
	json_t *r;

	(void)state;
	r = faults_gated(&run, &how, "fork", FAULTS_ARG, NULL);
	check_u64(json_array_size(live_table(r, "processes")), 1, "names");
	row = json_array_get(live_table(r, "processes"), 0);
	assert_string_equal(live_text(row, "comm"), "faults");
	check_u64(live_u64(row, "processes"), 2, "processes of the name");
	check(live_u64(row, "minor") >= 3 * FAULTS, "%llu minor faults",
	      (unsigned long long)live_u64(row, "minor"));
	json_decref(r);
}

static void run_another(void)
{
	struct live l;

	live_spawn(&l, NULL, faults_path, "anon", FEWER_ARG, NULL);
	check(!live_end(&l), "the other one ended with %d: %s", l.code, l.err);
}

/* What another process does meanwhile is in nobody's row. */
static void test_pid(void **state)
{
	const struct faults_how how = { .during = run_another };
	struct faults_run run;
	const json_t *row;
	json_t *r;
	size_t i;

	(void)state;
	r = faults_gated(&run, &how, "anon", FAULTS_ARG, NULL);
	check_u64(faults_of(r, "anon", "minor"), FAULTS, "minor faults");
	json_array_foreach(live_table(r, "processes"), i, row)
	{
		check_u64(live_u64(row, "pid"), run.pid, "a process");
	}
	check(live_quality(r, "filtered") >= FEWER, "%llu filtered events",
	      (unsigned long long)live_quality(r, "filtered"));
	json_decref(r);
}

/* Options that it does not have, or can't do. */
static void test_refused(void **state)
{
	static const char *const options[][2] = {
		{ "--by", "site" },	{ "--by", "cache" },  { "--by", "colour" },
		{ "--min-size", "10" }, { "--cache", "x" },   { "--site", "x" },
		{ "--sample", "0" },	{ "--probe", "raw" }, { "--stacks", "some" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		struct live l;

		live_spawn(&l, NULL, live_kmscope, "faults", options[i][0], options[i][1], NULL);
		check(live_end(&l) == 2, "%s %s: exit code %d", options[i][0], options[i][1],
		      l.code);
		check(l.err_len && !l.out_len, "%s %s: no message", options[i][0], options[i][1]);
	}
}

static void test_unprivileged(void **state)
{
	const struct live_how nobody = { .uid = 65534 };
	const char *there = live_temp("kmscope");
	struct live l;

	(void)state;
	faults_copy(live_kmscope, there);
	live_spawn(&l, &nobody, there, "faults", "-d", "1", NULL);
	check(live_end(&l) == 3, "faults of nobody ended with %d: %s", l.code, l.err);
	check(l.err_len && !l.out_len, "it says nothing");
}

/* --- code ------------------------------------------------------------------------------------------------------- */

/* The first frame of a chain. */
static const json_t *frame_of(const json_t *r, uint64_t id)
{
	const json_t *chain = json_array_get(json_object_get(r, "stacks"), id), *first;

	check_u64(live_u64(chain, "id"), id, "a chain's number");
	first = json_array_get(json_object_get(chain, "frames"), 0);
	check(first, "an empty chain");
	return first;
}

/* With --stacks all: the chain of a site begins there. */
static void check_chains(const json_t *r)
{
	const json_t *site, *share;
	size_t i, k, n = 0;

	json_array_foreach(live_table(r, "sites"), i, site)
	{
		json_array_foreach(json_object_get(site, "stacks"), k, share)
		{
			const json_t *first = frame_of(r, live_u64(share, "stack"));

			assert_string_equal(live_text(first, "address"),
					    live_text(site, "address"));
			n++;
		}
	}
	check(n, "no call chains");
}

/* The code that wrote is named: by its function where the program has symbols, by its file at least. */
static void test_sites(void **state)
{
	const struct faults_how how = { .more = { "--stacks", "all" } };
	struct faults_run run;
	const json_t *row;
	json_t *r;

	(void)state;
	r = faults_gated(&run, &how, "anon", FAULTS_ARG, NULL);
	row = json_array_get(live_table(r, "sites"), 0);
	check_u64(live_u64(row, "minor"), FAULTS, "faults of the first site");
	faults_check_site(row, faults_path);
	check_chains(r);
	json_decref(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		live_test(test_kind, "anonymous memory", &anon),
		live_test(test_kind, "the heap", &heap),
		live_test(test_kind, "a heap that begins again", &shrink),
		live_test(test_kind, "the stack", &stack),
		live_test(test_kind, "shared memory", &shm),
		live_test(test_kind, "written by the kernel", &kernel),
		live_test(test_read, "read, then written", NULL),
		live_test(test_fork, "copied after fork()", NULL),
		live_test(test_threads, "threads", NULL),
		live_test(test_segv, "SIGSEGV", NULL),
		live_test(test_gup, "get_user_pages()", NULL),
		live_test(test_whole_life, "whole lives", NULL),
		faults_test(test_warm, "a warm file", NULL),
		faults_test(test_cold, "a cold file", NULL),
		faults_test(test_cold, "a cold file, nothing read ahead", "random"),
		faults_test(test_private, "a private file, written to", NULL),
		faults_test(test_moved, "memory moved to where a file was", NULL),
		live_test(test_huge, "huge pages", NULL),
		faults_test(test_swap, "pages in the swap", NULL),
		live_test(test_storm, "a storm of processes", NULL),
		live_test(test_vmstat, "the whole machine", NULL),
		live_test(test_storm_named, "a storm, -i 1 --stacks all", NULL),
		live_test(test_sample, "--sample", NULL),
		live_test(test_by_comm, "--by comm", NULL),
		live_test(test_pid, "--pid", NULL),
		live_test(test_refused, "options of other commands", NULL),
		live_test(test_unprivileged, "not root", NULL),
		live_test(test_sites, "code, --stacks all", NULL),
	};

	live_find();
	faults_find();
	return live_main("faults", tests, ARRAY_SIZE(tests));
}
