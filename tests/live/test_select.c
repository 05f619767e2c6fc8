// SPDX-License-Identifier: GPL-2.0
/*
 * Every selection, with the same work going on beside it that it must leave out: exact counts, by
 * raw and by classic tracepoints. Frees of what was selected count, whoever frees.
 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE	    "alloc_pipe_info"
#define GIVEN	    503 /* pipes that one process makes and another closes */
#define CHILDREN    3
#define SAMPLE	    10
#define SAMPLE_SLOW 3 /* of fewer pipes, as many are followed */

/* --- the program itself as a workload ----------------------------------------------------------- */

static void run_pipes(const char *turns)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDOUT_FILENO);
	execl(live_pipes, live_pipes, turns, NULL);
	_exit(99);
}

static int wait_all(void)
{
	int status, bad = 0;

	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}

/* Children that execute a workload, and theirs, some of which outlive their parent. */
static int work_tree(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* wait for grandchildren too */
	for (int i = 0; i < CHILDREN; i++) {
		if (fork())
			continue;
		if (!fork())
			run_pipes(live_pace->grand_arg);
		if (i)
			run_pipes(live_pace->child_arg);
		if (!fork())
			run_pipes(live_pace->child_arg);
		_exit(0);
	}
	return wait_all();
}

/* Make pipes; another process closes them last. One more pipe tells it when. */
static int work_give(void)
{
	int fds[2 * GIVEN], go[2], status;
	char byte;
	pid_t taker;

	prctl(PR_SET_NAME, "giver");
	for (int i = 0; i < GIVEN; i++)
		if (pipe2(fds + 2 * i, O_CLOEXEC))
			return 1;
	if (pipe2(go, O_CLOEXEC))
		return 1;
	taker = fork();
	if (!taker) {
		prctl(PR_SET_NAME, "taker");
		close(go[1]);
		while (read(go[0], &byte, 1) > 0)
			;
		for (int i = 0; i < 2 * GIVEN; i++)
			close(fds[i]);
		_exit(0);
	}
	for (int i = 0; i < 2 * GIVEN; i++)
		close(fds[i]);
	close(go[1]);
	close(go[0]);
	return waitpid(taker, &status, 0) == taker && !status ? 0 : 1;
}

/* --- helpers -------------------------------------------------------------------------------------- */

/* A workload that has begun nothing yet: it waits for the end of its standard input. */
static void start_gated(struct live *l, const char *turns)
{
	const struct live_how gated = { .in_pipe = true };
	const char *ready = live_temp("gated");

	unlink(ready);
	live_spawn(l, &gated, live_pipes, "--gate", "--ready", ready, turns, NULL);
	check(live_await(ready, l->pidfd), "the load ended early");
}

static void finish(struct live *load)
{
	check(!live_end(load), "the load ended with %d: %s", load->code, load->err);
}

static json_t *finish_trace(struct live *l)
{
	check(!live_end_by(l, SIGINT), "kmscope ended with %d: %s", l->code, l->err);
	return live_final(l);
}

static void check_total(const json_t *r, uint64_t n)
{
	uint64_t live, misses;

	live_check_whole(r);
	check(live_quality(r, "filtered") > 0, "nothing was filtered");
	check_u64(live_quality(r, "allocs"), n, "allocations in all");
	check_u64(live_sum(live_table(r, "sites"), "allocs"), n, "allocations of all sites");
	live = live_sum(live_table(r, "sites"), "live_objects");
	misses = live_quality(r, "recursion_misses");
	/* files are freed by RCU, in interrupts: those that nest in the probe are missed, a batch at a time */
	check(live <= (misses == LIVE_NULL ? 0 : misses),
	      "%llu live objects with %llu missed events", (unsigned long long)live,
	      (unsigned long long)misses);
}

/*
 * The --buffer for exact counts of loads that outnumber the CPUs: with its default, a fraction of the
 * memory, a small machine that is busy loses events (and says so). At most 16M, and a quarter of what
 * is free for all CPUs.
 */
static const char *large_buffer(void)
{
	uint64_t share = 0, free_kb, size = 64 << 10;
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	static char text[24];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %" SCNu64, &free_kb) == 1)
			share = free_kb * 1024 / 4 / (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
	if (f)
		fclose(f);
	while (size * 2 <= share && size < 16 << 20)
		size *= 2;
	snprintf(text, sizeof(text), "%" PRIu64, size);
	return text;
}

/* --- by task -------------------------------------------------------------------------------------- */

static void test_pid(void **state)
{
	struct live l, load, beside;
	char pid[16];
	json_t *r;

	live_need_probe(*state);
	start_gated(&load, LIVE_TURNS_ARG);
	start_gated(&beside, live_pace->beside_arg);
	snprintf(pid, sizeof(pid), "%d", (int)load.pid);
	live_start(&l, "slab", "--json", "--probe", *state, "--pid", pid, NULL);
	/* the end of its input lets each of them begin */
	close(beside.in_fd);
	beside.in_fd = -1;
	finish(&load);
	finish(&beside);
	r = finish_trace(&l);
	live_check_whole(r);
	live_check_pipes(r, LIVE_TURNS, 0);
	json_decref(r);
}

static void test_comm(void **state)
{
	struct live l, load, beside;
	json_t *r;

	live_need_probe(*state);
	live_start(&l, "slab", "--json", "--probe", *state, "--comm", "giver", NULL);
	live_spawn(&beside, NULL, live_pipes, live_pace->beside_arg, NULL);
	live_spawn(&load, NULL, live_self, "give", NULL);
	finish(&load);
	finish(&beside);
	r = finish_trace(&l);
	live_check_whole(r);
	live_check_pipes(r, GIVEN + 1, 0);
	json_decref(r);
}

/* The taker's frees, of what the giver allocated, leave nothing that looks like a leak. */
static void test_freed_by_others(void **state)
{
	json_t *r;

	live_need_probe(*state);
	r = live_run("leaks", "--json", "--probe", *state, "--comm", "giver", "--site",
		     "alloc_pipe_info", "--", live_self, "give", NULL);

	live_check_whole(r);
	check_u64(json_array_size(live_table(r, "candidates")), 0, "candidates");
	check_u64(live_quality(r, "allocs"), 2 * (GIVEN + 1), "allocations");
	check_u64(live_quality(r, "frees_matched"), 2 * (GIVEN + 1), "frees");
	json_decref(r);
}

static void test_child(void **state)
{
	const uint64_t n = CHILDREN * (live_pace->child + live_pace->grand);
	struct live l, beside;
	json_t *r;

	live_need_probe(*state);
	start_gated(&beside, live_pace->beside_arg);
	live_spawn(&l, NULL, live_kmscope, "slab", "--json", "--probe", *state, "--child",
		   "--buffer", large_buffer(), "--ready-file", live_temp("ready"), "--", live_self,
		   "tree", NULL);
	check(live_await(live_temp("ready"), l.pidfd), "kmscope ended early: %s", l.err);
	finish(&beside);
	check(!live_end(&l), "kmscope ended with %d: %s", l.code, l.err);
	r = live_final(&l);
	check_u64(live_u64(json_object_get(r, "program"), "exit_code"), 0, "program.exit_code");
	live_check_whole(r);
	live_check_pipes(r, n, 0);
	json_decref(r);
}

/* --- by cgroup ------------------------------------------------------------------------------------ */

static bool find_cgroup2(char *ret, size_t size)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[1024], path[LIVE_PATH_MAX], type[64];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %511s %63s", path, type) == 2 && !strcmp(type, "cgroup2")) {
			snprintf(ret, size, "%s", path);
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

static void join_cgroup(const char *folder, pid_t pid)
{
	char path[LIVE_PATH_MAX + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	check(fd >= 0 && dprintf(fd, "%d", (int)pid) > 0, "%s: %s", path, strerror(errno));
	close(fd);
}

static void test_cgroup(void **state)
{
	char mount[LIVE_PATH_MAX], folder[LIVE_PATH_MAX + 32], below[LIVE_PATH_MAX + 40];
	struct live l, load, deeper, beside;
	json_t *r;

	live_need_probe(*state);
	if (!find_cgroup2(mount, sizeof(mount)))
		live_skip("no cgroup v2 is mounted");
	snprintf(folder, sizeof(folder), "%s/kmscope-%d", mount, (int)getpid());
	snprintf(below, sizeof(below), "%s/below", folder);
	if (mkdir(folder, 0755) && errno == EROFS)
		live_skip("cgroup v2 is mounted read-only");
	live_remove_later(folder);
	check(!mkdir(below, 0755), "%s: %s", below, strerror(errno));
	live_remove_later(below);
	start_gated(&load, LIVE_TURNS_ARG);
	start_gated(&deeper, live_pace->child_arg);
	start_gated(&beside, live_pace->beside_arg);
	join_cgroup(folder, load.pid);
	join_cgroup(below, deeper.pid);
	live_start(&l, "slab", "--json", "--probe", *state, "--cgroup", folder, NULL);
	finish(&beside);
	finish(&deeper);
	finish(&load);
	check(!rmdir(below) && !rmdir(folder), "%s: %s", folder, strerror(errno));
	r = finish_trace(&l);
	live_check_whole(r);
	live_check_pipes(r, LIVE_TURNS + live_pace->child, 0);
	json_decref(r);
}

/* --- by what is allocated; by --child too, whatever else is named so --------------------------------- */

static void test_site(void **state)
{
	json_t *r;

	live_need_probe(*state);
	r = live_run("slab", "--json", "--probe", *state, "--settle", live_pace->settle, "--site",
		     "alloc_pipe_info", "--comm", "pipes", "--child", "--", live_pipes,
		     LIVE_TURNS_ARG, NULL);
	check_total(r, 2 * LIVE_TURNS);
	live_check_pipes(r, LIVE_TURNS, 0);
	json_decref(r);
	/* without --comm: others are there, and told apart by --by */
	r = live_run("slab", "--json", "--probe", *state, "--site", "alloc_pipe_info", "--by",
		     "pid", "--", live_pipes, LIVE_TURNS_ARG, NULL);
	live_check_whole(r);
	for (size_t i = 0;; i++) {
		json_t *row = json_array_get(live_table(r, "sites"), i);
		char pid[24];

		check(row, "the program has no row");
		snprintf(pid, sizeof(pid), "%llu",
			 (unsigned long long)live_u64(json_object_get(r, "program"), "pid"));
		if (!live_text(row, "group") || strcmp(live_text(row, "group"), pid))
			continue;
		check_u64(live_u64(row, "allocs"), 2 * LIVE_TURNS, "allocations of the program");
		break;
	}
	json_decref(r);
}

static void check_cache(const char *probe, const char *name, uint64_t n)
{
	json_t *r = live_run("slab", "--json", "--probe", probe, "--settle", live_pace->settle,
			     "--cache", name, "--comm", "pipes", "--child", "--", live_pipes,
			     LIVE_TURNS_ARG, NULL);
	const json_t *caches = live_table(r, "caches");

	check_total(r, n);
	check_u64(json_array_size(caches), 1, "caches");
	assert_string_equal(live_text(json_array_get(caches, 0), "cache"), name);
	json_decref(r);
}

/* Whatever caches a pipe's objects come from on this kernel, by the names that a report shows. */
static void test_cache(void **state)
{
	const json_t *caches;
	bool named;
	json_t *r;

	live_need_probe(*state);
	r = live_run("slab", "--json", "--probe", *state, "--site", "alloc_pipe_info", "--comm",
		     "pipes", "--child", "--", live_pipes, "101", NULL);
	caches = live_table(r, "caches");
	check_u64(live_rows(caches, "cache", "kmalloc-"), 2, "caches of a pipe's site");
	check_cache(*state, live_text(live_row(caches, "cache", "kmalloc-", 0), "cache"),
		    LIVE_TURNS);
	check_cache(*state, live_text(live_row(caches, "cache", "kmalloc-", 1), "cache"),
		    LIVE_TURNS);
	json_decref(r);
	r = live_run("slab", "--json", "--probe", *state, "--comm", "pipes", "--child", "--",
		     live_pipes, "101", NULL);
	named = live_rows(live_table(r, "caches"), "cache", "filp") > 0;
	json_decref(r);
	check(live_refuses_cache(*state, "filp") == !named,
	      "names of caches are %sshown, but --cache filp is %srefused", named ? "" : "not ",
	      named ? "" : "not ");
	if (!named)
		live_skip("this kernel's tracepoints do not tell names of caches; "
			  "size classes were checked, and that others are refused");
	check_cache(*state, "filp", 2 * LIVE_TURNS);
}

/* Each of a pipe's two sizes alone, by the sizes that a report shows. */
static void test_size(void **state)
{
	json_t *all;

	live_need_probe(*state);
	all = live_run("slab", "--json", "--probe", *state, "--comm", "pipes", "--child", "--",
		       live_pipes, "101", NULL);
	for (size_t i = 0; i < 2; i++) {
		json_t *row = live_site(live_table(all, "sites"), PIPE, i), *r, *other;
		char size[24];

		snprintf(size, sizeof(size), "%llu",
			 (unsigned long long)live_u64(row, "typical_req"));
		r = live_run("slab", "--json", "--probe", *state, "--settle", live_pace->settle,
			     "--min-size", size, "--max-size", size, "--comm", "pipes", "--child",
			     "--", live_pipes, LIVE_TURNS_ARG, NULL);
		live_check_whole(r);
		check_u64(live_sites(live_table(r, "sites"), PIPE), 1,
			  "sites of alloc_pipe_info() of one size");
		row = live_site(live_table(r, "sites"), PIPE, 0);
		check_u64(live_u64(row, "allocs"), LIVE_TURNS, "allocations of one size");
		check_u64(live_u64(row, "frees"), LIVE_TURNS, "frees of one size");
		for (size_t k = 0; (other = json_array_get(live_table(r, "sites"), k)); k++)
			check_u64(live_u64(other, "bytes_req"),
				  strtoull(size, NULL, 10) * live_u64(other, "allocs"),
				  "bytes requested by a site");
		json_decref(r);
	}
	json_decref(all);
}

/* --- sampling ------------------------------------------------------------------------------------- */

static void test_sample(void **state)
{
	const unsigned int sample = live_pace->slow ? SAMPLE_SLOW : SAMPLE;
	char arg[12];
	json_t *r;

	live_need_probe(*state);
	snprintf(arg, sizeof(arg), "%u", sample);
	r = live_run("slab", "--json", "--probe", *state, "--settle", live_pace->settle, "--sample",
		     arg, "--buffer", large_buffer(), "--comm", "pipes", "--child", "--",
		     live_pipes, live_pace->sampled_arg, NULL);
	live_check_whole(r);
	check_u64(live_quality(r, "sample"), sample, "quality.sample");
	for (size_t i = 0; i < 2; i++) {
		json_t *row = live_site(live_table(r, "sites"), PIPE, i);
		double n = (double)live_u64(row, "allocs"), off = n - live_pace->sampled;
		double error = json_number_value(json_object_get(row, "error_pct")) / 100 * n;

		check(error > 0 && error < n / 50, "a standard error of %.0f in %.0f", error, n);
		check((off < 0 ? -off : off) <= 5 * error,
		      "%.0f allocations are estimated, with a standard error of %.0f; %u were made",
		      n, error, live_pace->sampled);
		check_u64(live_u64(row, "live_objects"), 0, "live objects of a sampled site");
	}
	json_decref(r);
	r = live_run("leaks", "--json", "--probe", *state, "--settle", live_pace->settle,
		     "--sample", arg, "--buffer", large_buffer(), "--comm", "pipes", "--child",
		     "--", live_pipes, live_pace->sampled_arg, NULL);
	check_u64(live_sites(live_table(r, "candidates"), PIPE), 0, "false leaks");
	json_decref(r);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_pid, "--pid, raw", "raw"),
		live_test(test_pid, "--pid, classic", "classic"),
		live_test(test_comm, "--comm, raw", "raw"),
		live_test(test_comm, "--comm, classic", "classic"),
		live_test(test_freed_by_others, "freed by others, raw", "raw"),
		live_test(test_freed_by_others, "freed by others, classic", "classic"),
		live_test(test_child, "--child, raw", "raw"),
		live_test(test_child, "--child, classic", "classic"),
		live_test(test_cgroup, "--cgroup, raw", "raw"),
		live_test(test_cgroup, "--cgroup, classic", "classic"),
		live_test(test_site, "--site, raw", "raw"),
		live_test(test_site, "--site, classic", "classic"),
		live_test(test_cache, "--cache, raw", "raw"),
		live_test(test_cache, "--cache, classic", "classic"),
		live_test(test_size, "sizes, raw", "raw"),
		live_test(test_size, "sizes, classic", "classic"),
		live_test(test_sample, "--sample, raw", "raw"),
		live_test(test_sample, "--sample, classic", "classic"),
	};

	live_find();
	if (argc == 2 && !strcmp(argv[1], "tree"))
		return work_tree();
	if (argc == 2 && !strcmp(argv[1], "give"))
		return work_give();
	return live_main("select", tests, ARRAY_SIZE(tests));
}
