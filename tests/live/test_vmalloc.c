// SPDX-License-Identifier: GPL-2.0
/* kmscope vmalloc: areas are counted exactly, paired, and told apart from what was there before. */
#include "live.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAYS	   101
#define ARRAYS_ARG "101"
#define KEPT	   7
#define KEPT_ARG   "7"
#define MIB	   (1u << 20)

static char areas_path[LIVE_PATH_MAX];

static void find_areas(void)
{
	snprintf(areas_path, sizeof(areas_path), "%.*s/work_areas",
		 (int)(strrchr(live_pipes, '/') - live_pipes), live_pipes);
}

/* A number cannot be negative in JSON's unsigned way of reading: look at the texts. */
static void check_no_negative(const json_t *report)
{
	char *text = json_dumps(report, JSON_COMPACT);
	const char *minus;

	for (minus = text; (minus = strstr(minus, ":-")); minus++)
		fail_msg("a negative number: %.60s", minus);
	free(text);
}

static void check_totals(const json_t *r)
{
	live_check_whole(r);
	check_no_negative(r);
	check(json_array_size(live_table(r, "range")) == 1, "no row of the range");
	check(live_sum(live_table(r, "existing"), "areas") > 0, "nothing was there before");
	check_u64(live_sum(live_table(r, "sites"), "allocs"), live_quality(r, "allocs"),
		  "allocations of all sites");
}

/* Every array takes an area of its size, and gives it up in another task. */
static void test_counts(void **state)
{
	json_t *r = live_run("vmalloc", "--json", "--child", "--min-size", "1M", "--settle", "2",
			     "--", areas_path, ARRAYS_ARG, NULL);
	const json_t *sites = live_table(r, "sites");
	uint64_t bytes = live_sum(sites, "bytes");

	(void)state;
	check_totals(r);
	check_u64(live_quality(r, "allocs"), ARRAYS, "areas");
	check_u64(live_quality(r, "frees_matched"), ARRAYS, "areas that were freed");
	check_u64(live_quality(r, "frees_unknown"), 0, "frees of unknown areas");
	check(bytes >= (uint64_t)ARRAYS * MIB && bytes < (uint64_t)ARRAYS * MIB * 9 / 8,
	      "%llu bytes", (unsigned long long)bytes);
	check_u64(live_sum(sites, "live_bytes"), 0, "live bytes");
	check_u64(json_array_size(live_table(r, "areas")) -
			  live_rows(live_table(r, "areas"), "site", ""),
		  0, "areas without a site");
	if (live_has_stacks()) {
		const json_t *row = json_array_get(sites, 0);

		check(json_array_size(sites) == 1, "%zu sites", json_array_size(sites));
		check(live_text(row, "site") != NULL, "no call site");
		check(!strcmp(live_text(row, "kind"), "vmalloc"), "a %s", live_text(row, "kind"));
	}
	json_decref(r);
}

/* What is held is listed, with who it was. */
static void test_held(void **state)
{
	struct live_how gated = { .in_pipe = true };
	const char *ready = live_temp("made");
	struct live tracer, load;
	size_t i, n = 0;
	const json_t *row;
	json_t *r;

	(void)state;
	live_start(&tracer, "vmalloc", "--json", "--comm", "areas", NULL);
	live_spawn(&load, &gated, areas_path, ARRAYS_ARG, KEPT_ARG, ready, NULL);
	check(live_await(ready, load.pidfd), "the load ended early");
	check(!live_end_by(&tracer, SIGINT), "kmscope ended with %d: %s", tracer.code, tracer.err);
	r = live_final(&tracer);
	check_totals(r);
	check_u64(live_quality(r, "allocs"), ARRAYS, "areas");
	json_array_foreach(live_table(r, "areas"), i, row)
	{
		const char *comm = live_text(row, "comm");

		if (!comm || strcmp(comm, "areas"))
			continue;
		check_u64(live_u64(row, "pid"), (uint64_t)load.pid, "the process");
		check(live_u64(row, "bytes") >= MIB, "%llu bytes",
		      (unsigned long long)live_u64(row, "bytes"));
		n++;
	}
	/* others may not be free yet: that is done in a worker */
	check(n >= KEPT, "%zu areas of the load, not %d", n, KEPT);
	close(load.in_fd);
	load.in_fd = -1;
	check(!live_end(&load), "the load ended with %d: %s", load.code, load.err);
	json_decref(r);
}

/* Reports at intervals: counts only grow, and the last one is final. */
static void test_intervals(void **state)
{
	uint64_t before = 0, allocs;
	struct live tracer;
	size_t n = 0;
	json_t *r;

	(void)state;
	live_start(&tracer, "vmalloc", "--json", "-i", "1", "-d", "3.5", NULL);
	while ((r = live_next(&tracer))) {
		allocs = live_quality(r, "allocs");
		check(allocs >= before, "fewer areas than before");
		check_no_negative(r);
		before = allocs;
		n++;
		json_decref(r);
	}
	check(!live_end(&tracer), "kmscope ended with %d: %s", tracer.code, tracer.err);
	check(n >= 3, "%zu reports", n);
}

/* What this command does not have is refused, not ignored. */
static void test_refused(void **state)
{
	static const char *const options[][2] = { { "--sample", "10" },
						  { "--by", "comm" },
						  { "--cache", "dentry" },
						  { "--probe", "raw" } };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		struct live l;

		live_spawn(&l, NULL, live_kmscope, "vmalloc", options[i][0], options[i][1], NULL);
		check(live_end(&l) == 2, "%s: exit code %d", options[i][0], l.code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		live_test(test_counts, "arrays, one after the other", NULL),
		live_test(test_held, "areas that are held", NULL),
		live_test(test_intervals, "-i", NULL),
		live_test(test_refused, "options of other commands", NULL),
	};

	live_find();
	find_areas();
	return live_main("vmalloc", tests, ARRAY_SIZE(tests));
}
