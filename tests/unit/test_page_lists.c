// SPDX-License-Identifier: GPL-2.0
/* What /proc said and how it goes together with events, by scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "analyze/page_lists.h"
#include "fixture.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define START "1 cpu0 start n_cpus=2\n"
#define END   "99s cpu0 end\n"

/* A zone of frames 4096 to 8191; one of node 1 behind it. */
#define ZONE(node, free, start, percpu)                                                          \
	"Node " node ", zone   Normal\n  pages free     " free "\n        min      2\n"          \
	"        low      3\n        high     4\n        spanned  4096\n        present  4000\n" \
	"        managed  3900\n        protection: (0, 0)\n  pagesets\n    cpu: 0\n"            \
	"              count:    " percpu                                                        \
	"\n              high:  9\n  start_pfn:           " start "\n"
#define LOOK(time, before, free, percpu, buddyinfo)                                             \
	time " cpu0 snapshot file=zoneinfo before=" before                                      \
	     " <<E\n" ZONE("0", free, "4096", percpu)                                           \
		     ZONE("1", "0", "8192", "0") "E\n" time                                     \
						 " cpu0 snapshot file=buddyinfo before=" before \
						 " <<E\n"                                       \
						 "Node 0, zone   Normal " buddyinfo             \
						 "\nNode 1, zone   Normal 0 0 0 0\nE\n"

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	pages_consume(arg, records, n);
}

static struct pages *play(const char *script)
{
	struct pages *p = calloc(1, sizeof(*p));

	assert_int_equal(pages_init(p), 0);
	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = p });
	assert_false(p->stream.oom);
	return p;
}

static void close_pages(struct pages **p)
{
	if (*p)
		pages_free(*p);
	freep(p);
}

#define _cleanup_pages_ _cleanup_(close_pages)

/* --- how it adds up --------------------------------------------------------------------------------- */

static void test_balance(void **state _unused_)
{
	/* 17 pages in 5 blocks were free and 3 on per-CPU lists; 1 + 1 + 4 were taken, 2 came back */
	_cleanup_pages_ struct pages *p = play(
		START LOOK("10", "5", "17", "3",
			   "3 1 1 1") "100us cpu0 page_alloc pfn=4100 order=2\n"
				      "101us cpu0 page_alloc pfn=4110 order=0\n"
				      "102us cpu1 page_alloc pfn=4111 order=0\n"
				      "103us cpu1 page_free pfn=4200 order=1\n"
				      "104us cpu1 page_alloc pfn=8192 order=0\n" /* of node 1 */
				      "105us cpu1 page_alloc pfn=100 order=0\n" /* of no zone */
		LOOK("1s", "900ms", "14", "2", "2 2 0 1") END);
	struct page_balance b;

	assert_int_equal(p->zones.n, 2);
	assert_true(page_lists_balance(p, 0, &b));
	assert_true(b.free == -3 && b.percpu == -1);
	assert_true(b.allocated == 6 && b.freed == 2);
	assert_int_equal(b.residual, 0);
	assert_int_equal(b.bound, 2 * PAGE_LISTS_BATCH * 2);
	assert_true(page_lists_balance(p, 1, &b));
	assert_true(b.allocated == 1 && !b.freed && b.residual == 1);
}

/* What is handed out without an event is missing; what comes back without one is too much. */
static void test_residual(void **state _unused_)
{
	_cleanup_pages_ struct pages *p = play(
		START LOOK("10", "5", "17", "0", "3 1 1 1") "100us cpu0 page_bulk pages=13\n" LOOK(
			"1s", "900ms", "4", "0", "0 0 1 0")
			LOOK("2s", "1900ms", "6", "0", "2 0 1 0") END);
	struct page_balance b;

	assert_true(page_lists_balance(p, 0, &b));
	assert_true(b.free == -11 && b.residual == -11);
	assert_int_equal(p->bulk_pages, 13);
}

/* Sums up to the two looks count, not what came before the first or after the last. */
static void test_balance_between(void **state _unused_)
{
	_cleanup_pages_ struct pages *p =
		play(START LOOK("10", "5", "17", "0", "3 1 1 1") /* zones are known from here */
		     END);
	struct page_balance b;

	assert_false(page_lists_balance(p, 0, &b)); /* one look is no change */
	close_pages(&p);
	p = play(START "2 cpu0 snapshot file=zoneinfo <<E\n" ZONE(
		"0", "1", "4096",
		"0") "E\n"
		     "3 cpu0 page_alloc pfn=4097 order=0\n" LOOK(
			     "1s", "900ms", "17", "0",
			     "3 1 1 1") "1001ms cpu0 page_alloc pfn=4098 "
					"order=1\n" LOOK("2s", "1900ms", "15", "0",
							 "3 0 1 1") "2001ms cpu0 "
								    "page_alloc "
								    "pfn=4100 "
								    "order=2\n" END);
	assert_true(page_lists_balance(p, 0, &b));
	assert_true(b.allocated == 2 && b.free == -2 && !b.residual);
}

/* Events while the files were being read may or may not be in them. */
static void test_bound(void **state _unused_)
{
	_cleanup_pages_ struct pages *p = play(START LOOK(
		"1s", "900ms", "17", "0",
		"3 1 1 1") "1500ms cpu0 page_alloc pfn=4096 order=0\n"
			   "1999ms cpu0 page_alloc pfn=4096 order=2\n"
			   "repeat 5003 step_ns=20 2000ms cpu0 page_free pfn=4200 order=0\n"
			   "2000050us cpu1 page_alloc pfn=4304 order=3\n" LOOK(
				   "2001ms", "2000ms", "17", "0",
				   "3 1 1 1") "2001001us cpu0 page_alloc pfn=4304 order=3\n" END);
	struct page_balance b;

	/* many more events than steps are remembered: all of them count */
	assert_true(page_lists_balance(p, 0, &b));
	assert_int_equal(b.bound, 5003 + 8 + 2 * PAGE_LISTS_BATCH * 2);
	assert_true(5003 > PAGE_LISTS_RECENT);
}

static void test_selections_do_not_add_up(void **state _unused_)
{
	_cleanup_pages_ struct pages *p = NULL;
	struct page_balance b;

	p = play("1 cpu0 start selected=1\n" LOOK("10", "5", "17", "0", "3 1 1 1")
			 LOOK("1s", "900ms", "17", "0", "3 1 1 1") END);
	assert_false(page_lists_balance(p, 0, &b));
	close_pages(&p);
	p = play("1 cpu0 start sample=7\n" LOOK("10", "5", "17", "0", "3 1 1 1")
			 LOOK("1s", "900ms", "17", "0", "3 1 1 1") END);
	assert_false(page_lists_balance(p, 0, &b));
}

/* --- looks that are not whole ----------------------------------------------------------------------- */

static void test_zones(void **state _unused_)
{
	_cleanup_pages_ struct pages *p = play(START LOOK("10", "5", "17", "0", "3 1 1 1") END);

	assert_int_equal(page_lists_zone(p, 4095), PAGES_NO_ZONE);
	assert_int_equal(page_lists_zone(p, 4096), 0);
	assert_int_equal(page_lists_zone(p, 8191), 0);
	assert_int_equal(page_lists_zone(p, 8192), 1);
	assert_int_equal(page_lists_zone(p, 8192 + 4096), PAGES_NO_ZONE);
	assert_int_equal(page_lists_zone(p, UINT64_MAX), PAGES_NO_ZONE);
	assert_int_equal(p->blocks.n_orders, 4);
}

/* A buddyinfo without its zoneinfo says too little; texts that are not understood say nothing. */
static void test_missing_and_damaged(void **state _unused_)
{
	_cleanup_pages_ struct pages *p =
		play(START "2 cpu0 snapshot file=buddyinfo <<E\nNode 0, zone   Normal 1 2 3\nE\n"
			   "3 cpu0 snapshot file=zoneinfo <<E\nnothing\nE\n"
			   "4 cpu0 snapshot file=buddyinfo <<E\nNode 0, zone   Normal 1 2 3\nE\n"
			   "5 cpu0 snapshot file=pagetypeinfo <<E\n\\x00\nE\n"
			   "6 cpu0 snapshot file=gfp <<E\nE\n"
			   "7 cpu0 page_alloc pfn=4097 order=0\n" END);
	struct page_balance b;

	assert_int_equal(p->zones.n, 0);
	assert_false(p->start.time || p->newest.time || p->n_series);
	assert_int_equal(p->blocks.n_orders, 0);
	assert_int_equal(page_lists_zone(p, 4097), PAGES_NO_ZONE);
	assert_int_equal(p->rows.items[0].zone, PAGES_NO_ZONE);
	close_pages(&p);
	/* later looks: a damaged one leaves the one before, a zone that is gone has no balance */
	p = play(START LOOK("10", "5", "17", "0", "3 1 1 1") LOOK(
		"1s", "900ms", "16", "0",
		"2 1 1 1") "2s cpu0 snapshot file=zoneinfo <<E\n" ZONE("0", "9", "4096",
								       "0") "E\n"
									    "2s cpu0 snapshot "
									    "file=buddyinfo "
									    "<<E\nNode 0, zone   "
									    "Normal x\nE\n" END);
	assert_int_equal(p->newest.time, NSEC_PER_SEC);
	close_pages(&p);
	p = play(START LOOK("10", "5", "17", "0",
			    "3 1 1 1") "2s cpu0 snapshot file=zoneinfo "
				       "<<E\n" ZONE("0", "9", "4096",
						    "0") "E\n"
							 "2s cpu0 snapshot "
							 "file=buddyinfo <<E\nNode "
							 "0, zone   Normal 1 1 1 "
							 "1\nE\n" END);
	assert_true(page_lists_balance(p, 0, &b));
	assert_false(page_lists_balance(p, 1, &b));
}

/* More orders than the model has, and another number of them later. */
static void test_orders(void **state _unused_)
{
	_cleanup_pages_ struct pages *p = play(START LOOK(
		"10", "5", "17", "0",
		"0 0 0 0") "1s cpu0 snapshot file=zoneinfo <<E\n" ZONE("0", "9", "4096",
								       "0") "E\n1s cpu0 snapshot "
									    "file=buddyinfo <<E\n"
									    "Node 0, zone   Normal "
									    "0 0 0 0 0 0 0 0 0 0 0 "
									    "0 0 0 0 0 0 0 0 1\n"
									    "E\n" END);
	struct page_balance b;

	assert_int_equal(p->blocks.n_orders, BLOCKS_ORDERS);
	assert_true(page_lists_balance(p, 0, &b));
	assert_int_equal(b.free, 1 << 19);
}

static void test_types(void **state _unused_)
{
	static const char types[] = "Page block order: 9\nPages per block:  512\n\n"
				    "Free pages count per migrate type at order       0      1\n"
				    "Node    0, zone   Normal, type    Unmovable      1      2\n"
				    "Node    0, zone   Normal, type          CMA      3      4\n";
	_cleanup_pages_ struct pages *p = NULL;
	char script[4096];

	snprintf(script, sizeof(script),
		 START "2 cpu0 snapshot file=pagetypeinfo <<E\n%sE\n" LOOK(
			 "10", "5", "17", "0",
			 "0 0 0 0") "11 cpu0 snapshot file=frames first=4096 last=0 "
				    "runs=unmovable:8\n"
				    "11 cpu0 snapshot file=frames first=4104 last=1 runs=free:8\n"
				    "12 cpu0 page_alloc pfn=4104 order=0 migratetype=1\n"
				    "13 cpu0 page_alloc pfn=4105 order=0 migratetype=0\n"
				    "14 cpu0 page_alloc pfn=4106 order=0 migratetype=7\n" LOOK(
					    "1s", "900ms", "17", "0",
					    "0 0 0 0") "2s cpu0 snapshot file=pagetypeinfo "
						       "<<E\n%sE\n"
						       "2s cpu0 snapshot file=frames first=4096 "
						       "last=1 runs=movable:16\n" END,
		 types, types);
	p = play(script);
	assert_int_equal(p->types_start.n_migratetypes, 2);
	assert_int_equal(p->types_start.pageblock_pages, 512);
	assert_true(p->frames_loaded && p->frames_end && p->ending);
	/* the model's count is of the end of events, not of the frames that came after */
	assert_int_equal(p->model_end.free_frames, 5);
	assert_int_equal(frames_state(&p->frames, 4105) & BLOCK_KIND_MASK, BLOCK_MOVABLE);
	/* type 1 is CMA here */
	close_pages(&p);
	snprintf(script, sizeof(script),
		 START "2 cpu0 snapshot file=pagetypeinfo <<E\n%sE\n" LOOK(
			 "10", "5", "17", "0",
			 "0 0 0 0") "12 cpu0 page_alloc pfn=4104 order=0 migratetype=1\n"
				    "13 cpu0 page_alloc pfn=4105 order=0 migratetype=0\n"
				    "14 cpu0 page_alloc pfn=4106 order=0 migratetype=7\n" END,
		 types);
	p = play(script);
	assert_int_equal(frames_state(&p->frames, 4104), BLOCK_MOVABLE);
	assert_int_equal(frames_state(&p->frames, 4105), BLOCK_UNMOVABLE);
	assert_int_equal(frames_state(&p->frames, 4106), BLOCK_UNMOVABLE);
}

/* What comes late has been overtaken by what is in the model. */
static void test_late_events_leave_the_model(void **state _unused_)
{
	_cleanup_pages_ struct pages *p = play(
		START LOOK("10", "5", "17", "0",
			   "0 0 0 0") "100us cpu0 page_alloc pfn=4100 order=2 migratetype=1\n"
				      "150us cpu0 page_free pfn=4200 order=0\n300us cpu0 tick\n"
				      "50us cpu1 page_alloc pfn=4100 order=2\n60us cpu1 page_free "
				      "pfn=4100 order=2\n"
				      "100us cpu1 page_alloc pfn=4200 order=0\n"
				      /* late, but the first that is told of its frames */
				      "120us cpu1 page_alloc pfn=4300 order=0\n" END);

	assert_int_equal(p->stream.quality.late, 4);
	assert_int_equal(frames_state(&p->frames, 4100), BLOCK_MOVABLE);
	assert_int_equal(frames_state(&p->frames, 4103), BLOCK_MOVABLE);
	assert_int_equal(frames_state(&p->frames, 4200), BLOCK_PERCPU);
	assert_int_equal(frames_state(&p->frames, 4300), BLOCK_UNMOVABLE);
}

/* --- the series ------------------------------------------------------------------------------------- */

#define AT(time, free) LOOK(time, time, free, "0", "0 0 0 0")

/* From the first look on, one a second; the last look, in between, has no place in it. */
static void test_series(void **state _unused_)
{
	_cleanup_pages_ struct pages *p =
		play(START AT("1s", "101") AT("2s", "102") AT("2990ms", "103") AT("4010ms", "104")
			     AT("4300ms", "999") END);

	assert_int_equal(p->n_series, 4);
	assert_int_equal(p->series_start, NSEC_PER_SEC);
	assert_true(p->series[0] == 101 && p->series[1] == 102 && p->series[2] == 103 &&
		    p->series[3] == 104);
}

/* When the room is used up, every other value goes. */
static void test_long_series(void **state _unused_)
{
	_cleanup_pages_ struct pages *p = NULL;
	_cleanup_free_ char *script = malloc(1 << 20);
	size_t n = (size_t)sprintf(script, START), i;

	for (i = 0; i < PAGES_SERIES + 3; i++)
		n += (size_t)sprintf(script + n,
				     "%zus cpu0 snapshot file=zoneinfo <<E\n"
				     "Node 0, zone   Normal\n  pages free     %zu\n  min 2\n"
				     "  low 3\n  high 4\n  spanned 0\n  present 0\n  managed 0\nE\n"
				     "%zus cpu0 snapshot file=buddyinfo <<E\n"
				     "Node 0, zone   Normal 0\nE\n",
				     i + 1, i, i + 1);
	sprintf(script + n, "999s cpu0 end\n");
	p = play(script);
	assert_int_equal(p->series_stride, 2);
	assert_int_equal(p->n_series, PAGES_SERIES / 2 + 2);
	for (i = 0; i < p->n_series; i++)
		assert_int_equal(p->series[i], 2 * i);
}

/* --- fragmentation ---------------------------------------------------------------------------------- */

static int fragmentation(const char *blocks, unsigned int order)
{
	_cleanup_(free_lists_free) struct free_lists l = { 0 };
	char text[200];

	snprintf(text, sizeof(text), "Node 0, zone   Normal %s\n", blocks);
	assert_int_equal(buddyinfo_parse(text, &l, NULL), 0);
	return page_lists_fragmentation(&l, 0, "Normal", order);
}

/* 1000 - (1000 + pages * 1000 / requested) / blocks, in integers; worked out by hand. */
static void test_fragmentation(void **state _unused_)
{
	assert_int_equal(fragmentation("0 0 0 0", 3), 0); /* nothing is free */
	assert_int_equal(fragmentation("9 0 0 1", 3), -1000); /* it would be served */
	assert_int_equal(fragmentation("1 0 0 0", 0), -1000);
	assert_int_equal(fragmentation("0 0 1 0", 3), -500); /* 1000 - (1000 + 500) / 1 */
	assert_int_equal(fragmentation("8 0 0 0", 3), 750); /* 1000 - (1000 + 1000) / 8 */
	assert_int_equal(fragmentation("1024 0 0 0", 3), 875); /* 1000 - 129000 / 1024 = 125 */
	assert_int_equal(fragmentation("7 5 3 0", 3), 692); /* 29 pages: 1000 - 4625 / 15 = 308 */
	assert_int_equal(fragmentation("3018 2271 0 0 0 0 0 0 0 0 0", 9),
			 998); /* 15765 / 5289 = 2 */
	/* all of memory, as much as /proc may say */
	assert_int_equal(fragmentation("70368744177663 0 0", 2), 750);
	assert_int_equal(fragmentation("1 0 0 0", 63), 0); /* 1000 - (1000 + 0) / 1 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_residual),
		cmocka_unit_test(test_balance_between),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_selections_do_not_add_up),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_missing_and_damaged),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_late_events_leave_the_model),
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_long_series),
		cmocka_unit_test(test_fragmentation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
