// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing is lost at full rate; what is lost is counted, to the event. The truth is the kernel's own
 * count of how often kmscope's programs ran.
 */
#include "live.h"

#include <bpf/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int first_cpu(int *ret_n)
{
	cpu_set_t cpus;
	int cpu = 0;

	check(!sched_getaffinity(0, sizeof(cpus), &cpus), "sched_getaffinity failed");
	*ret_n = CPU_COUNT(&cpus);
	while (!CPU_ISSET(cpu, &cpus))
		cpu++;
	return cpu;
}

static int count_runs(void)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (fd < 0)
		live_skip("this kernel does not count runs of BPF programs (Linux 5.8)");
	return fd;
}

static uint64_t turns_of(const struct live *l)
{
	const char *at = l->out ? strstr(l->out, "turns ") : NULL;

	check(at, "the load printed no count of turns");
	return strtoull(at + strlen("turns "), NULL, 10);
}

/*
 * Every run of a program is in the report: as analysed, lost, filtered, kmscope's own, or as one that
 * came while it was being detached.
 */
static void check_runs(const json_t *r, const struct live_programs *p)
{
	uint64_t told = live_quality(r, "events") + live_quality(r, "after_end");
	uint64_t runs, misses;

	live_programs_read(p, &runs, &misses);
	check(runs, "the kernel counted no runs");
	if (live_quality(r, "recursion_misses") == LIVE_NULL)
		misses = 0;
	else
		check(live_quality(r, "recursion_misses") <= misses, "more misses than there were");
	check_u64(told, runs + misses, "events against runs of the programs");
}

/* The ring is small and nobody reads while a load runs; then everything that is lost is counted. */
static void lose(const char *const *options, json_t **ret, struct live_programs *p)
{
	struct live l, load;
	int stats = count_runs(), n;
	char cpu[16];

	snprintf(cpu, sizeof(cpu), "%d", first_cpu(&n));
	live_start(&l, "slab", "--json", "--strict", "--buffer", "64K", options[0], options[1],
		   options[2], options[3], NULL);
	live_programs_open(p, l.pid);
	live_stop(&l);
	live_spawn(&load, NULL, live_pipes, "--cpu", cpu, live_pace->lossy_arg, NULL);
	check(!live_end(&load), "the load ended with %d", load.code);
	kill(l.pid, SIGCONT);
	live_end_by(&l, SIGINT);
	check(l.code == 4, "--strict ended with %d: %s", l.code, l.err);
	*ret = live_final(&l);
	close(stats);
}

static void test_lost(void **state)
{
	struct live_programs p;
	const json_t *by_cpu;
	uint64_t sum = 0;
	json_t *r;
	size_t i;

	live_need_probe(*state);
	lose((const char *[]){ "--probe", *state, NULL, NULL }, &r, &p);
	check(live_quality(r, "lost") > 2 * live_pace->lossy, "only %llu events were lost",
	      (unsigned long long)live_quality(r, "lost"));
	by_cpu = json_object_get(json_object_get(r, "quality"), "lost_by_cpu");
	for (i = 0; i < json_array_size(by_cpu); i++)
		sum += (uint64_t)json_integer_value(json_array_get(by_cpu, i));
	check_u64(sum, live_quality(r, "lost"), "sum of lost_by_cpu");
	check_runs(r, &p);
	live_programs_close(&p);
	json_decref(r);
}

static void test_lost_selected(void **state)
{
	struct live_programs p;
	json_t *r;

	live_need_probe(*state);
	lose((const char *[]){ "--probe", *state, "--comm", "pipes" }, &r, &p);
	check(live_quality(r, "lost") > 2 * live_pace->lossy, "only %llu events were lost",
	      (unsigned long long)live_quality(r, "lost"));
	check(live_quality(r, "filtered") > 0, "nothing was filtered");
	check_runs(r, &p);
	live_programs_close(&p);
	json_decref(r);
}

/* A second of pipes as fast as they go, on a CPU of their own, with the default buffer. */
static void test_full_rate(void **state)
{
	struct live_programs p;
	struct live l, load;
	int stats, n;
	char cpu[16];
	uint64_t turns;
	json_t *r;

	live_need_probe(*state);
	stats = count_runs();
	snprintf(cpu, sizeof(cpu), "%d", first_cpu(&n));
	if (n < 2)
		live_skip("one CPU only: the load would keep the reader from reading");
	live_start(&l, "slab", "--json", "--probe", *state, NULL);
	live_programs_open(&p, l.pid);
	live_spawn(&load, NULL, live_pipes, "--cpu", cpu, "--seconds", "1.5", NULL);
	check(!live_end(&load), "the load ended with %d", load.code);
	turns = turns_of(&load);
	check(!live_end_by(&l, SIGINT), "kmscope ended with %d: %s", l.code, l.err);
	r = live_final(&l);
	live_check_whole(r);
	/* what else runs may make pipes too */
	check(live_u64(live_site(live_table(r, "sites"), "alloc_pipe_info", 0), "allocs") >= turns,
	      "fewer than %llu pipes were seen", (unsigned long long)turns);
	check_runs(r, &p);
	live_programs_close(&p);
	close(stats);
	json_decref(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_full_rate, "full rate, raw", "raw"),
		live_test(test_full_rate, "full rate, classic", "classic"),
		live_test(test_lost, "a small buffer, raw", "raw"),
		live_test(test_lost, "a small buffer, classic", "classic"),
		live_test(test_lost_selected, "a small buffer and a selection, raw", "raw"),
		live_test(test_lost_selected, "a small buffer and a selection, classic", "classic"),
	};

	return live_main("loss", tests, ARRAY_SIZE(tests));
}
