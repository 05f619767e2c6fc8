// SPDX-License-Identifier: GPL-2.0
/* kmscope buddy: touched pages are counted exactly, tables add up, and go together with /proc. */
#include "live.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HUGE_SIZE	"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
/*
 * Pages on their way to the LRU lists wait in a batch of each CPU, which holds them beyond the end of
 * their process: PAGEVEC_SIZE, include/linux/pagevec.h, 31 at most in any kernel.
 */
#define LRU_BATCH	31
#define REPORTED_BLOCKS 32u /* at once: PAGE_REPORTING_CAPACITY, include/linux/page_reporting.h */
#define SAMPLE		16
#define SIGMAS		6 /* a sampled count that is right lies further off once in 500 million runs */

static char pages_path[LIVE_PATH_MAX];

/* MiB that are touched: a small machine has no 64 to spare. */
static const char *mib_arg(void)
{
	return live_pace->slow ? "16" : "64";
}

static uint64_t touched_pages(void)
{
	return ((uint64_t)atoi(mib_arg()) << 20) / (uint64_t)sysconf(_SC_PAGESIZE);
}

static void find_pages(void)
{
	snprintf(pages_path, sizeof(pages_path), "%.*s/work_pages",
		 (int)(strrchr(live_pipes, '/') - live_pipes), live_pipes);
}

/*
 * A number of the user «pages» whose requests have @order and @type. Of several kinds of request the most
 * frequent one, which is that of what was touched: a page of a file may be read or written beside it.
 */
static uint64_t of_pages(const json_t *report, uint64_t order, const char *type, const char *column)
{
	const json_t *users = live_table(report, "users"), *row;
	size_t i;

	/* sorted: the first one has most pages */
	json_array_foreach(users, i, row)
	{
		const char *comm = live_text(row, "comm");

		if (comm && !strcmp(comm, "pages") && live_u64(row, "order") == order &&
		    !strcmp(live_text(row, "migratetype"), type))
			return live_u64(row, column);
	}
	return 0;
}

/* The table «orders» is the quality record, told by order. */
static void check_orders(const json_t *report)
{
	const json_t *orders = live_table(report, "orders"), *row;
	uint64_t live = 0;
	size_t i;

	live_check_whole(report);
	check_u64(live_sum(orders, "allocs"), live_quality(report, "allocs"), "allocations");
	check_u64(live_sum(orders, "failed"), live_quality(report, "failed"), "failed ones");
	check_u64(live_sum(orders, "frees") + live_sum(orders, "pieces"),
		  live_quality(report, "frees_matched") + live_quality(report, "frees_unknown"),
		  "frees");
	/* blocks that were there before have no row of their own, and null */
	json_array_foreach(orders, i, row) live +=
		json_is_null(json_object_get(row, "live_pages")) ? 0 : live_u64(row, "live_pages");
	check_u64(live, live_sum(live_table(report, "users"), "live_pages"), "live pages");
}

/* Each page that the program touches is a block of order 0, and gone when it has ended. */
static void test_touched(void **state)
{
	uint64_t live;
	json_t *r;

	(void)state;
	r = live_run("buddy", "--json", "--child", "--settle", live_pace->settle, "--", pages_path,
		     "--mib", mib_arg(), "--turns", "1", NULL);
	live_check_whole(r);
	check_u64(of_pages(r, 0, "Movable", "allocs"), touched_pages(), "touched pages");
	live = of_pages(r, 0, "Movable", "live_pages");
	check_u64(of_pages(r, 0, "Movable", "frees") + live, touched_pages(),
		  "frees and live ones");
	check(live <= LRU_BATCH * (uint64_t)sysconf(_SC_NPROCESSORS_CONF),
	      "%llu pages are live although the program has ended", (unsigned long long)live);
	check(of_pages(r, 0, "Unmovable", "allocs") >= touched_pages() / 1024,
	      "no page tables for what was touched");
	json_decref(r);
}

static void test_huge(void **state)
{
	uint64_t size, order = 0;
	char text[32];
	json_t *r;

	(void)state;
	if (!live_read_file(HUGE_SIZE, text, sizeof(text)))
		live_skip("this kernel has no transparent huge pages");
	size = strtoull(text, NULL, 10);
	while ((uint64_t)sysconf(_SC_PAGESIZE) << order < size)
		order++;
	r = live_run("buddy", "--json", "--child", "--", pages_path, "--huge", "--mib", mib_arg(),
		     "--turns", "1", NULL);
	live_check_whole(r);
	/* memory may be too fragmented for some of them: those are touched page by page */
	check_u64((of_pages(r, order, "Movable", "allocs") << order) +
			  of_pages(r, 0, "Movable", "allocs"),
		  touched_pages(), "touched pages");
	check(of_pages(r, order, "Movable", "allocs") > touched_pages() >> order >> 1,
	      "most of the area is not in huge pages");
	json_decref(r);
}

/* While it is held it is live, with its call chain. */
static void test_held(void **state)
{
	struct live l, holder;
	json_t *r;

	(void)state;
	live_start(&l, "buddy", "--json", "--comm", "pages", NULL);
	live_spawn(&holder, NULL, pages_path, "--mib", mib_arg(), "--ready", live_temp("held"),
		   "--until", live_temp("until"), NULL);
	check(live_await(live_temp("held"), holder.pidfd), "the load ended early");
	check(!live_end_by(&l, SIGINT), "kmscope ended with %d: %s", l.code, l.err);
	fclose(fopen(live_temp("until"), "we"));
	check(!live_end(&holder), "the load ended with %d: %s", holder.code, holder.err);
	r = live_final(&l);
	live_check_whole(r);
	check(live_quality(r, "filtered") > 0, "nothing was filtered");
	check_u64(of_pages(r, 0, "Movable", "live_pages"), touched_pages(), "live pages");
	check_u64(live_sum(live_table(r, "orders"), "live_pages"),
		  live_sum(live_table(r, "users"), "live_pages"), "live pages by order");
	check(live_has_stacks() == (json_array_size(json_object_get(r, "stacks")) > 0),
	      "call chains are not as doctor says");
	json_decref(r);
}

/* Events, free lists and per-CPU lists add up; idle or not. */
static void check_balance(const json_t *report)
{
	const json_t *row;
	uint64_t misses = live_quality(report, "recursion_misses"), most;
	size_t i, n = 0;

	check_orders(report);
	json_array_foreach(live_table(report, "balance"), i, row)
	{
		json_int_t residual = json_integer_value(json_object_get(row, "residual"));
		json_int_t right = json_integer_value(json_object_get(row, "free_change")) +
				   json_integer_value(json_object_get(row, "percpu_change")) +
				   json_integer_value(json_object_get(row, "allocated")) -
				   json_integer_value(json_object_get(row, "freed"));

		check(residual == right, "a residual is %lld, not %lld", (long long)residual,
		      (long long)right);
		n++;
	}
	check(n > 0, "no zone has a balance");
	/* each event that was missed may have been a block of any order */
	most = misses == LIVE_NULL ? 0 : misses << 10;
	/* a virtual machine tells its host of free blocks, and has them off the lists meanwhile */
	if (!access("/sys/module/page_reporting", F_OK))
		most += REPORTED_BLOCKS << 10;
	check(live_quality(report, "pages_unexplained") <= most,
	      "%llu pages unexplained, at most %llu can be",
	      (unsigned long long)live_quality(report, "pages_unexplained"),
	      (unsigned long long)most);
}

static void test_idle(void **state)
{
	json_t *r;

	(void)state;
	r = live_run("buddy", "--json", "-d", "2", NULL);
	check_balance(r);
	json_decref(r);
}

static void test_busy(void **state)
{
	json_t *r;

	(void)state;
	r = live_run("buddy", "--json", "--", pages_path, "--mib", mib_arg(), "--turns", "7", NULL);
	check_balance(r);
	check(of_pages(r, 0, "Movable", "allocs") >= 7 * touched_pages(),
	      "not all that was touched is there");
	json_decref(r);
}

/* A count from samples is right within its error, and says so. */
static void test_sampled(void **state)
{
	uint64_t n = touched_pages(), found, off;
	json_t *r;

	(void)state;
	r = live_run("buddy", "--json", "--child", "--sample", "16", "--", pages_path, "--mib",
		     mib_arg(), "--turns", "1", NULL);
	live_check_whole(r);
	found = of_pages(r, 0, "Movable", "allocs");
	off = found > n ? found - n : n - found;
	check(found % SAMPLE == 0, "%llu is no multiple of the sampling rate",
	      (unsigned long long)found);
	/* the variance of an estimate from one in SAMPLE is n (SAMPLE - 1) */
	check(off * off <= (uint64_t)SIGMAS * SIGMAS * n * (SAMPLE - 1),
	      "%llu pages estimated, %llu were touched", (unsigned long long)found,
	      (unsigned long long)n);
	json_decref(r);
}

static void test_map(void **state)
{
	const json_t *map, *row;
	size_t i, cells = 0, used = 0;
	json_t *r;

	(void)state;
	r = live_run("buddy", "--json", "--map", "-d", "1", NULL);
	map = json_object_get(json_object_get(r, "grids"), "map");
	check(map, "there is no map");
	json_array_foreach(json_object_get(map, "rows"), i, row)
	{
		const char *text = live_text(row, "cells");

		cells += strlen(text);
		used += strspn(text, "-.mUx?");
	}
	check(cells > 0 && cells == used, "%zu of %zu cells are of a known class", used, cells);
	check(live_u64(map, "cell_bytes") * cells >=
		      (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2,
	      "the map is too small");
	json_decref(r);
}

/* A report each second, whose counts grow; free pages over time in the last one. */
static void test_intervals(void **state)
{
	uint64_t last = 0, reports = 0;
	struct live l;
	json_t *r, *series = NULL;

	(void)state;
	live_start(&l, "buddy", "--json", "-i", "1", "-d", "4", NULL);
	while ((r = live_next(&l))) {
		check(live_quality(r, "allocs") >= last, "counts shrink");
		last = live_quality(r, "allocs");
		json_decref(series);
		series = json_incref(json_object_get(json_object_get(r, "series"), "free_pages"));
		reports++;
		json_decref(r);
	}
	check(!live_end(&l), "kmscope ended with %d: %s", l.code, l.err);
	check(reports >= 3, "only %llu reports", (unsigned long long)reports);
	check(json_array_size(json_object_get(series, "values")) >= 2, "no series of free pages");
	json_decref(series);
}

/*
 * A program that goes on when tracing ends: detaching takes long, and ends with the frees. What is seen
 * of them after the allocations are gone must not count.
 */
static void test_end(void **state)
{
	uint64_t allocs;
	json_t *r;

	(void)state;
	r = live_run("buddy", "--json", "--child", "-d", "1", "--stacks", "none", "--", pages_path,
		     "--mib", mib_arg(), "--seconds", "3", "--silent", NULL);
	live_check_whole(r);
	allocs = live_quality(r, "allocs");
	/* some are of other programs' frames, by marks that collide; without the end it is a quarter */
	check(live_quality(r, "frees_unknown") < allocs / 8 + 50,
	      "%llu frees of unknown blocks with %llu allocations",
	      (unsigned long long)live_quality(r, "frees_unknown"), (unsigned long long)allocs);
	json_decref(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		live_test(test_touched, "touched page by page", NULL),
		live_test(test_huge, "touched in huge pages", NULL),
		live_test(test_held, "held", NULL),
		live_test(test_idle, "balance of an idle machine", NULL),
		live_test(test_busy, "balance of a busy machine", NULL),
		live_test(test_sampled, "--sample", NULL),
		live_test(test_map, "--map", NULL),
		live_test(test_intervals, "-i", NULL),
		live_test(test_end, "ending while blocks come and go", NULL),
	};

	live_find();
	find_pages();
	return live_main("buddy", tests, ARRAY_SIZE(tests));
}
