// SPDX-License-Identifier: GPL-2.0
/* The books of the page allocator, by scripts of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "analyze/pages.h"
#include "base/vec.h"
#include "fixture.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define START	 "1 cpu0 start n_cpus=2\n"
#define SELECTED "1 cpu0 start n_cpus=2 selected=1\n"
#define END	 "99s cpu0 end\n"

/* The books and what stands in a report about them. */
struct books {
	struct pages pages;
	struct report *report;
	const struct quality *q;
	struct page_row sum; /* of all rows but the frees of unknown blocks */
	uint64_t unknown; /* frees of unknown blocks in rows */
};

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	pages_consume(arg, records, n);
}

/* Σ of the pages that blocks and parts in the frames stand for. */
static uint64_t pages_in_frames(const struct pages *p)
{
	uint64_t sum = 0;
	size_t c, k;

	for (c = 0; c < p->frames.n; c++)
		for (k = 0; k < FRAMES_CHUNK; k++) {
			uint32_t i = p->frames.chunks[c]->block[k];

			if (i && !p->pool.items[i - 1].own)
				sum += 1ull << p->pool.items[i - 1].order;
		}
	return sum;
}

static void sum_rows(struct books *b)
{
	const struct page_row *row;

	vec_for_each(&b->pages.rows, row) {
		assert_true(row->live_pages < 1ull << 40 && row->live_blocks < 1ull << 40);
		if (row->migratetype == PAGES_NO_TYPE) {
			assert_int_equal(row->allocs + row->live_pages + row->failed, 0);
			b->unknown += row->frees;
			continue;
		}
		assert_int_equal(row->allocs,
				 row->frees + row->split_blocks + row->implied + row->live_blocks);
		b->sum.allocs += row->allocs;
		b->sum.failed += row->failed;
		b->sum.frees += row->frees;
		b->sum.pieces += row->pieces;
		b->sum.split_blocks += row->split_blocks;
		b->sum.implied += row->implied;
		b->sum.live_blocks += row->live_blocks;
		b->sum.live_pages += row->live_pages;
	}
}

/* What must hold whatever the script: every event of quality stands in the rows. */
static void expect_sums(struct books *b)
{
	const struct quality *q = b->q;
	const struct page_user *user;
	uint64_t allocs = 0, frees = 0, live = 0;

	sum_rows(b);
	assert_int_equal(q->events,
			 q->analysed + q->lost + q->filtered + q->own +
				 (q->recursion_misses == QUALITY_UNKNOWN ? 0
									 : q->recursion_misses));
	assert_int_equal(b->sum.allocs, q->allocs);
	assert_int_equal(b->sum.failed, q->failed);
	assert_int_equal(b->sum.frees + b->sum.pieces, q->frees_matched);
	assert_int_equal(b->sum.implied, q->frees_implied_reuse);
	if (!b->pages.stream.start.selected)
		assert_int_equal(b->unknown, q->frees_unknown);
	assert_int_equal(b->sum.live_pages, pages_in_frames(&b->pages));
	vec_for_each(&b->pages.users, user) {
		allocs += user->allocs;
		frees += user->frees;
		live += user->live_pages;
	}
	assert_int_equal(allocs, b->sum.allocs);
	assert_int_equal(allocs - frees, b->sum.live_blocks);
	assert_int_equal(live, b->sum.live_pages);
}

static struct books *books_open(const char *script)
{
	struct books *b = calloc(1, sizeof(*b));

	assert_int_equal(pages_init(&b->pages), 0);
	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = &b->pages });
	b->report = report_new("buddy");
	assert_int_equal(stream_describe(&b->pages.stream, b->report), 0);
	assert_false(b->report->oom);
	b->q = &b->report->quality;
	expect_sums(b);
	return b;
}

static void books_close(struct books **b)
{
	pages_free(&(*b)->pages);
	report_free(&(*b)->report);
	freep(b);
}

#define _cleanup_books_ _cleanup_(books_close)

/* The row of an order and type; there must be one. */
static const struct page_row *row_of(const struct books *b, unsigned int order, unsigned int type)
{
	const struct page_row *row;

	vec_for_each(&b->pages.rows, row)
		if (row->order == order && row->migratetype == type)
			return row;
	fail_msg("no row of order %u and type %u", order, type);
	return NULL;
}

/* «allocs frees pieces split implied live_blocks live_pages» of all rows. */
static void expect_books(const struct books *b, const char *expected)
{
	char text[200];

	snprintf(text, sizeof(text), "%d %d %d %d %d %d %d", (int)b->sum.allocs, (int)b->sum.frees,
		 (int)b->sum.pieces, (int)b->sum.split_blocks, (int)b->sum.implied,
		 (int)b->sum.live_blocks, (int)b->sum.live_pages);
	assert_string_equal(text, expected);
}

/* --- whole blocks ----------------------------------------------------------------------------------- */

static void test_exact(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		START "repeat 23 step_ns=7 step_pfn=8 1000 cpu0 page_alloc pfn=64 order=3 "
		      "migratetype=2 gfp=0xdc0\n"
		      "repeat 31 step_ns=7 step_pfn=1 1001 cpu1 page_alloc pfn=4096 "
		      "order=0 migratetype=1 gfp=0x100cca\n"
		      "repeat 13 step_ns=7 step_pfn=8 2000 cpu1 page_free pfn=64 "
		      "order=3\n" END);
	const struct page_row *row = row_of(b, 3, 2);

	expect_books(b, "54 13 0 0 0 41 111");
	assert_int_equal(b->q->analysed, 67);
	assert_int_equal(b->q->late + b->q->own + b->q->frees_unknown, 0);
	assert_int_equal(b->pages.rows.n, 2);
	assert_int_equal(row->allocs, 23);
	assert_int_equal(row->live_pages, 80);
	assert_int_equal(row_of(b, 0, 1)->live_pages, 31);
	assert_int_equal(b->pages.users.n, 2);
	assert_int_equal(b->pages.users.items[0].frees, 13);
	assert_int_equal(b->pages.users.items[0].gfp, 0xdc0);
}

/* Users: a task's name, flags, order, type; a process that is another one of the same name is the same. */
static void test_users(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "2 cpu0 page_alloc pfn=2 order=0\n"
				 "3 cpu0 task pid=17 comm=tcc\n4 cpu0 page_alloc pfn=4 order=0\n"
				 "5 cpu0 task pid=19 comm=tcc\n6 cpu0 page_alloc pfn=6 order=0\n"
				 "7 cpu0 page_alloc pfn=7 order=0 gfp=1\n"
				 "8 cpu0 page_alloc pfn=8 order=1\n"
				 "9 cpu0 page_alloc pfn=10 order=0 migratetype=1\n"
				 "10 cpu1 page_free pfn=6 order=0\n" END);
	char buf[64];

	assert_int_equal(b->pages.users.n, 5);
	assert_int_equal(b->pages.users.items[0].task, STREAM_NONE);
	assert_int_equal(b->pages.users.items[1].allocs, 2);
	/* whoever frees it */
	assert_int_equal(b->pages.users.items[1].frees, 1);
	assert_string_equal(stream_comm(&b->pages.stream, b->pages.users.items[1].task, buf),
			    "tcc");
}

static void test_failed(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "repeat 5 step_pfn=8 2 cpu0 page_alloc pfn=none order=9 gfp=0xd "
				 "stack=-2\n3 cpu0 page_alloc pfn=512 order=9 gfp=0xd\n" END);

	expect_books(b, "1 0 0 0 0 1 512");
	assert_int_equal(b->q->failed, 5);
	assert_int_equal(b->q->analysed, 6);
	assert_int_equal(b->q->stacks_lost, 5);
	assert_int_equal(b->pages.users.items[0].failed, 5);
	assert_int_equal(b->pages.users.items[0].allocs, 1);
	/* a request that fails is in no zone */
	assert_int_equal(b->pages.rows.items[0].zone, PAGES_NO_ZONE);
}

static void test_lifetimes(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		START
		"1000 cpu0 page_alloc pfn=1 order=0\n1999 cpu0 page_free pfn=1 order=0\n"
		"2000 cpu0 page_alloc pfn=1 order=0\n3000 cpu0 page_free pfn=1 order=0\n"
		"4000 cpu0 page_alloc pfn=4 order=2\n7001 cpu0 page_free pfn=4 order=2\n"
		"8000 cpu0 page_alloc pfn=4 order=2\n8100 cpu0 page_free pfn=4 order=1\n"
		"2s cpu0 page_free pfn=6 order=1\n"
		"2s cpu0 page_alloc pfn=9 order=0 flags=own\n3s cpu0 page_free pfn=9 order=0\n"
		"3s cpu0 page_alloc pfn=9 order=0\n4s cpu0 page_alloc pfn=9 order=0\n" END);
	uint64_t sum = 0;
	size_t order, i;

	assert_int_equal(b->pages.lifetimes[0][0], 1); /* 999 ns */
	assert_int_equal(b->pages.lifetimes[0][1], 1); /* 1 us */
	assert_int_equal(b->pages.lifetimes[2][2], 1); /* 3.001 us */
	assert_int_equal(b->pages.lifetimes[2][13], 1); /* almost 2 s, to its last piece */
	for (order = 0; order < BLOCKS_ORDERS; order++)
		for (i = 0; i < DURATIONS; i++)
			sum += b->pages.lifetimes[order][i];
	assert_int_equal(sum, 4); /* neither kmscope's own nor a free that nobody saw */
	assert_true(durations_bound(0) == 1000 && durations_bound(1) == 3000);
	assert_true(durations_bound(16) == 100 * NSEC_PER_SEC);
	assert_true(durations_bound(17) == UINT64_MAX);
}

/* --- pieces ----------------------------------------------------------------------------------------- */

static void test_pieces(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "repeat 2 step_pfn=8 2 cpu0 page_alloc pfn=64 order=3\n"
				 "repeat 8 step_ns=1 step_pfn=1 10 cpu0 page_free pfn=64 order=0\n"
				 "30 cpu0 page_free pfn=77 order=0\n"
				 "31 cpu0 page_free pfn=72 order=1\n" END);

	expect_books(b, "2 0 10 1 0 1 5");
	assert_int_equal(b->pages.users.items[0].frees, 1);
	assert_int_equal(b->pages.users.items[0].live_pages, 5);
}

/* alloc_pages_exact() gives the pages back that it does not need: others get them, the rest stays. */
static void test_pieces_given_out_again(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		START "2 cpu0 page_alloc pfn=8 order=3 gfp=1\n"
		      "3 cpu0 page_free pfn=8 order=0\n"
		      "4 cpu0 page_free pfn=14 order=1\n"
		      "5 cpu0 page_alloc pfn=8 order=0 gfp=2\n"
		      "6 cpu0 page_alloc pfn=14 order=1 gfp=2\n"
		      "7 cpu0 page_free pfn=8 order=0\n"
		      "8 cpu0 page_alloc pfn=8 order=0 gfp=3\n"
		      "repeat 5 step_pfn=1 step_ns=1 20 cpu0 page_free pfn=9 order=0\n" END);

	expect_books(b, "4 1 7 1 0 2 3");
	assert_int_equal(b->q->frees_unknown, 0);
	assert_int_equal(b->pages.users.items[0].live_pages, 0);
}

/* What is gone makes room for what comes. */
static void test_pieces_room(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "repeat 211 step_ns=10us 10 cpu0 page_alloc pfn=16 order=4\n"
				 "repeat 211 step_ns=10us 20 cpu0 page_free pfn=21 order=0\n"
				 "repeat 211 step_ns=10us 30 cpu0 page_free pfn=24 order=3\n"
				 "repeat 211 step_ns=10us 40 cpu0 page_free pfn=16 order=2\n"
				 "repeat 211 step_ns=10us 50 cpu0 page_free pfn=20 order=0\n"
				 "repeat 211 step_ns=10us 60 cpu0 page_free pfn=22 order=1\n" END);

	expect_books(b, "211 0 1055 211 0 0 0");
	assert_in_range(b->pages.pool.n, 1, 8);
}

/* Freed twice: the second free is of nothing that is known. */
static void test_piece_twice(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "2 cpu0 page_alloc pfn=8 order=2\n"
				 "repeat 7 step_ns=1 3 cpu0 page_free pfn=9 order=0\n" END);

	expect_books(b, "1 0 1 0 0 1 3");
	assert_int_equal(b->q->frees_unknown, 6);
}

/* A part's frames are given out again: that part is gone, the others are not. */
static void test_part_implied(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "2 cpu0 page_alloc pfn=8 order=3 gfp=1\n"
				 "3 cpu0 page_free pfn=8 order=0\n"
				 "4 cpu0 page_alloc pfn=12 order=2 gfp=2\n" END);

	expect_books(b, "2 0 1 0 0 2 7");
	assert_int_equal(b->pages.users.items[0].live_pages, 3);
	books_close(&b);
	b = books_open(START "2 cpu0 page_alloc pfn=8 order=1 gfp=1\n"
			     "3 cpu0 page_free pfn=8 order=0\n"
			     "4 cpu0 page_alloc pfn=9 order=0 gfp=2\n" END);
	expect_books(b, "2 0 1 0 1 1 1");
}

/* --- frees without an allocation, allocations without a free ---------------------------------------- */

static void test_unknown(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "repeat 11 step_pfn=4 2 cpu0 page_free pfn=64 order=2\n"
				 "3 cpu0 page_free pfn=7 order=0\n" END);

	assert_int_equal(b->q->frees_unknown, 12);
	assert_int_equal(b->q->analysed, 12);
	assert_int_equal(row_of(b, 2, PAGES_NO_TYPE)->frees, 11);
	assert_int_equal(row_of(b, 0, PAGES_NO_TYPE)->frees, 1);
	assert_int_equal(b->pages.largest_merges, 0);
}

/* A larger block than those that are known is freed: they must have been freed before. */
static void test_larger_free(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "repeat 3 step_pfn=1 2 cpu0 page_alloc pfn=8 order=0\n"
				 "3 cpu0 page_alloc pfn=14 order=1\n"
				 "4 cpu0 page_alloc pfn=16 order=0\n"
				 "5 cpu0 page_alloc pfn=12 order=1 flags=own\n"
				 "6 cpu0 page_free pfn=8 order=3\n" END);

	expect_books(b, "5 0 0 0 4 1 1");
	assert_int_equal(b->q->frees_unknown, 1);
	assert_int_equal(b->q->own, 1);
	assert_int_equal(b->pages.largest_merges, 5);
}

static void test_implied_by_reuse(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "repeat 5 step_ns=1 2 cpu0 page_alloc pfn=8 order=3\n"
				 "20 cpu0 page_alloc pfn=10 order=1\n" END);

	expect_books(b, "6 0 0 0 5 1 2");
	assert_int_equal(b->q->frees_implied_reuse, 5);
	assert_int_equal(b->pages.users.items[0].frees, 5);
}

/* A larger block lies over smaller ones, wherever it begins: they are gone, all of them. */
static void test_larger_over_smaller(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "2 cpu0 page_alloc pfn=8 order=0\n"
				 "3 cpu0 page_alloc pfn=10 order=1\n"
				 "4 cpu0 page_alloc pfn=13 order=0\n"
				 "5 cpu0 page_alloc pfn=14 order=0 flags=own\n"
				 "6 cpu0 page_alloc pfn=16 order=0\n"
				 "7 cpu0 page_alloc pfn=8 order=3\n" END);

	expect_books(b, "5 0 0 0 3 2 9");
	books_close(&b);
	/* none of them begins where it begins */
	b = books_open(START
		       "3 cpu0 page_alloc pfn=10 order=1\n4 cpu0 page_alloc pfn=13 order=0\n"
		       "7 cpu0 page_alloc pfn=8 order=3\n8 cpu0 page_free pfn=8 order=3\n" END);
	expect_books(b, "3 1 0 0 2 0 0");
}

/* --- kmscope's own ---------------------------------------------------------------------------------- */

static void test_own(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "2 cpu0 page_alloc pfn=8 order=2 flags=own\n"
				 "3 cpu0 page_free pfn=9 order=0\n"
				 "4 cpu0 page_free pfn=10 order=1\n"
				 "5 cpu0 page_free pfn=8 order=0\n"
				 "6 cpu0 page_alloc pfn=16 order=0 flags=own\n"
				 "7 cpu0 page_free pfn=16 order=0\n"
				 "8 cpu0 page_alloc pfn=none order=0 flags=own\n"
				 "9 cpu0 page_alloc pfn=32 order=0 flags=own\n"
				 "10 cpu0 page_alloc pfn=32 order=0\n"
				 "11 cpu0 page_alloc pfn=33 order=0\n"
				 "12 cpu0 page_alloc pfn=32 order=1 flags=own\n" END);

	assert_int_equal(b->q->own, 9);
	assert_int_equal(b->q->analysed, 2);
	assert_int_equal(b->q->failed, 0);
	expect_books(b, "2 0 0 0 2 0 0");
	assert_int_equal(b->pages.users.n, 1);
}

/* The books begin with kmscope's own: there are no rows that they could be entered in. */
static void test_only_own(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "2 cpu0 page_alloc pfn=8 order=0 flags=own\n"
				 "3 cpu0 page_alloc pfn=8 order=0 flags=own\n"
				 "4 cpu0 page_free pfn=8 order=0\n"
				 "5 cpu0 tick\n"
				 "2 cpu1 page_alloc pfn=8 order=0 flags=own\n" END);

	assert_int_equal(b->pages.rows.n, 0);
	assert_int_equal(b->q->own, 4);
}

/* --- late records ----------------------------------------------------------------------------------- */

/* A free that is older than the live block ended the one before. */
static void test_late_free(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "100 cpu0 page_alloc pfn=8 order=1 gfp=1\n"
				 "200 cpu0 page_alloc pfn=8 order=1 gfp=2\n"
				 "300 cpu0 tick\n"
				 "150 cpu1 page_free pfn=8 order=1\n"
				 "160 cpu1 page_free pfn=8 order=1\n" /* of nothing that we know */
				 "170 cpu1 page_free pfn=9 order=0\n" /* and this */
			   END);

	expect_books(b, "2 1 0 0 0 1 2");
	assert_int_equal(b->q->late, 3);
	assert_int_equal(b->q->frees_unknown, 2);
	assert_int_equal(b->pages.users.items[0].frees, 1);
	assert_int_equal(b->pages.users.items[1].live_pages, 2);
}

/* What was implied free for the live block is of another order, or a part: no free of it can be told. */
static void test_late_free_of_another_order(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		START "100 cpu0 page_alloc pfn=8 order=3\n200 cpu0 page_alloc pfn=8 order=0\n"
		      "300 cpu0 tick\n150 cpu1 page_free pfn=8 order=0\n" END);

	expect_books(b, "2 0 0 0 1 1 1");
	assert_int_equal(b->q->frees_unknown, 1);
	books_close(&b);
	b = books_open(START "100 cpu0 page_alloc pfn=8 order=1\n110 cpu0 page_free pfn=9 order=0\n"
			     "200 cpu0 page_alloc pfn=8 order=0\n300 cpu0 tick\n"
			     "150 cpu1 page_free pfn=8 order=0\n" END);
	expect_books(b, "2 0 1 0 1 1 1");
	assert_int_equal(b->q->frees_unknown, 1);
	books_close(&b);
	b = books_open(START
		       "200 cpu0 page_alloc pfn=8 order=0\n300 cpu0 tick\n"
		       "100 cpu1 page_alloc pfn=8 order=2\n150 cpu1 page_free pfn=8 order=0\n" END);
	expect_books(b, "2 0 0 0 1 1 1");
	assert_int_equal(b->q->frees_unknown, 1);
}

/* The free came, the allocation only after it: it was never live. */
static void test_late_alloc_after_its_free(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "150 cpu1 page_free pfn=8 order=1\n300 cpu0 tick\n"
				 "100 cpu0 page_alloc pfn=8 order=1\n" END);

	expect_books(b, "1 1 0 0 0 0 0");
	assert_int_equal(b->q->frees_unknown, 0);
	assert_int_equal(b->pages.lifetimes[1][0], 1);
	books_close(&b);
	/* a free of another order, and one before it, are other blocks' */
	b = books_open(START "150 cpu1 page_free pfn=8 order=0\n50 cpu1 page_free pfn=8 order=1\n"
			     "300 cpu0 tick\n100 cpu0 page_alloc pfn=8 order=1\n" END);
	expect_books(b, "1 0 0 0 0 1 2");
	assert_int_equal(b->q->frees_unknown, 2);
}

/* Time zero and frame zero are not «none». */
static void test_late_at_zero(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open("0 cpu0 start\n5 cpu0 tick\n0 cpu0 page_alloc pfn=0 order=0\n"
			   "0 cpu0 page_free pfn=0 order=0\n" END);

	expect_books(b, "1 1 0 0 0 0 0");
}

/* A late allocation must not take the place of the block that has the frames now. */
static void test_late_alloc_before_the_live_block(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "200 cpu0 page_alloc pfn=8 order=1 gfp=2\n300 cpu0 tick\n"
				 "100 cpu1 page_alloc pfn=8 order=1 gfp=1\n"
				 "150 cpu1 page_free pfn=8 order=1\n400 cpu0 tick\n" END);

	expect_books(b, "2 1 0 0 0 1 2");
	assert_int_equal(b->pages.users.items[0].live_pages, 2);
	assert_int_equal(b->pages.users.items[1].frees, 1);
	books_close(&b);
	/* over smaller ones that are younger, too; kmscope's own as well */
	b = books_open(START "200 cpu0 page_alloc pfn=10 order=0 gfp=2\n300 cpu0 tick\n"
			     "100 cpu1 page_alloc pfn=8 order=2 gfp=1\n"
			     "110 cpu1 page_alloc pfn=8 order=2 flags=own\n400 cpu0 tick\n"
			     "120 cpu1 page_free pfn=8 order=2\n" END);
	expect_books(b, "2 0 0 0 1 1 1");
	assert_int_equal(b->q->frees_unknown, 1);
}

/* --- a selection ------------------------------------------------------------------------------------ */

static void test_reuse(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(SELECTED "2 cpu0 page_alloc pfn=8 order=1\n"
				    "3 cpu0 page_alloc pfn=10 order=0\n"
				    "4 cpu0 page_alloc pfn=12 order=0\n"
				    "5 cpu0 page_alloc pfn=8 order=2 flags=reuse\n"
				    "6 cpu0 page_free pfn=8 order=2\n" /* let through by a mark */
				    "7 cpu0 page_alloc pfn=64 order=0 flags=own,reuse\n"
				    "10 cpu0 tick\n"
				    "2 cpu1 page_alloc pfn=12 order=0 flags=reuse\n" /* too old */
				    "1s cpu1 counters filtered=7\n" END);

	expect_books(b, "3 0 0 0 2 1 1");
	assert_int_equal(b->q->filtered, 3 + 7);
	assert_int_equal(b->q->frees_unknown, 1);
	/* it may be anybody's: no row is made for it */
	assert_int_equal(b->pages.rows.n, 2);
	assert_int_equal(b->unknown, 0);
}

/* They are slab's, in a recording of both; without slab there are none. */
static void test_frees_of_null(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(START "2 cpu0 page_alloc pfn=8 order=0\n"
							   "1s cpu1 counters nulls=7\n" END);

	assert_int_equal(b->q->frees_null, 0);
	assert_int_equal(b->q->analysed, 1);
	assert_int_equal(b->q->events, 1);
}

/* --- call chains, fallbacks, waiting ---------------------------------------------------------------- */

static void test_stacks(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		START "1 cpu0 stack id=3 frames=1,2\n1 cpu0 stack id=4 frames=1,2\n"
		      "repeat 5 step_pfn=1 2 cpu0 page_alloc pfn=64 order=0 stack=3\n"
		      "3 cpu0 page_alloc pfn=80 order=0 stack=4\n"
		      "3 cpu0 page_alloc pfn=81 order=0 stack=-2\n"
		      "4 cpu0 page_alloc pfn=82 order=0 stack=1\n" /* none of that number */
		      "5 cpu0 page_alloc pfn=83 order=0 stack=2000000000\n"
		      "6 cpu0 page_fallback pfn=512 order=0 migratetype=1 from_order=9 "
		      "from_migratetype=0 stack=4\n"
		      "7 cpu0 page_fallback pfn=512 order=0 migratetype=1 from_order=9 "
		      "from_migratetype=0 stack=77\n" END);

	assert_int_equal(b->pages.samples.n, 2);
	assert_int_equal(b->pages.samples.items[0].n, 6);
	assert_int_equal(b->pages.samples.items[0].stack, 3);
	assert_int_equal(b->pages.samples.items[1].owner, PAGE_SAMPLE_FALLBACK);
	assert_int_equal(b->q->stacks_lost, 1);
}

static void test_fallbacks(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "repeat 3 step_pfn=4 2 cpu0 page_fallback pfn=512 order=2 "
				 "migratetype=0 from_order=9 from_migratetype=1 whole=1\n"
				 "3 cpu0 page_fallback pfn=1024 order=2 migratetype=0 from_order=9 "
				 "from_migratetype=1\n"
				 "4 cpu0 page_fallback pfn=1024 order=2 migratetype=0 from_order=8 "
				 "from_migratetype=1\n"
				 "5 cpu0 page_fallback pfn=1024 order=2 migratetype=2 from_order=9 "
				 "from_migratetype=1 whole=7\n" END);
	const struct page_fallback *f = b->pages.fallbacks.items;

	assert_int_equal(b->pages.fallbacks.n, 3);
	assert_true(f[0].count == 4 && f[0].whole == 3 && f[0].from_order == 9);
	assert_true(f[1].count == 1 && !f[1].whole && f[1].from_order == 8);
	assert_true(f[2].count == 1 && f[2].whole == 1 && f[2].migratetype == 2);
	assert_int_equal(b->q->analysed, 6);
}

static void test_moves(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "repeat 3 step_pfn=1 2 cpu0 page_refill pfn=64 order=0\n"
				 "repeat 5 step_pfn=1 3 cpu0 page_drain pfn=64 order=0\n"
				 "repeat 7 4 cpu0 page_bulk pages=31\n" END);

	assert_int_equal(b->pages.refills, 3);
	assert_int_equal(b->pages.drains, 5);

	assert_int_equal(b->pages.bulk_pages, 7 * 31);
	assert_int_equal(b->q->analysed, 15);
	assert_int_equal(b->q->events, 15);
}

static void test_waiting(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(START "100 cpu0 compaction what=begin\n105 cpu1 compaction what=begin\n"
				 "112 cpu1 compaction what=end\n117 cpu0 compaction what=end\n"
				 "200 cpu0 reclaim what=begin order=3\n"
				 "213 cpu0 reclaim what=end pages=31\n"
				 /* it went on on another CPU; one without its begin */
				 "300 cpu0 reclaim what=begin order=3\n"
				 "350 cpu1 reclaim what=end pages=11\n" END);
	const struct page_work *c = &b->pages.compaction, *r = &b->pages.reclaim;

	assert_true(c->begun == 2 && c->ended == 2);
	assert_true(c->total_ns == 24 && c->max_ns == 17);
	assert_true(r->begun == 2 && r->ended == 2 && r->pages == 42);
	assert_true(r->total_ns == 13 && r->max_ns == 13);
	assert_int_equal(b->q->analysed, 8);
	books_close(&b);
	/* a clock that goes back */
	b = books_open(START "100 cpu64 compaction what=begin\n300 cpu0 tick\n"
			     "50 cpu64 compaction what=end\n" END);
	assert_true(b->pages.compaction.ended == 1 && !b->pages.compaction.total_ns);
}

/* --- hostile ---------------------------------------------------------------------------------------- */

/* Blocks that can't be are left out, and what they would lie over stays. */
static void test_damaged(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		START "2 cpu0 page_alloc pfn=8 order=0\n3 cpu0 page_alloc pfn=0 order=16\n"
		      "4 cpu0 page_alloc pfn=0 order=255\n5 cpu0 page_free pfn=0 order=31\n"
		      "6 cpu0 page_free pfn=0 order=255\n7 cpu0 page_alloc pfn=9 order=1\n"
		      "8 cpu0 page_free pfn=none order=0\n9 cpu0 page_refill pfn=6 order=2\n"
		      "10 cpu0 page_drain pfn=none order=0\n"
		      "11 cpu0 page_fallback pfn=1 order=64 migratetype=255 from_order=255 "
		      "from_migratetype=255\n"
		      "12 cpu0 page_alloc pfn=none order=200\n"
		      "13 cpu0 page_alloc pfn=none order=0 flags=reuse\n"
		      "14 cpu0 page_alloc pfn=64 order=0 migratetype=255\n" END);

	expect_books(b, "1 0 0 0 0 1 1");
	assert_int_equal(b->pages.damaged, 12);
	assert_int_equal(b->q->events, 1);
}

static void test_extremes(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		"1 cpu0 start page_size=4294967295 n_cpus=4294967295\n"
		"2 cpu0 page_alloc pfn=0xfffffffffffe order=0 migratetype=254 gfp=0xffffffff "
		"pid=4294967295\n"
		"3 cpu0 page_alloc pfn=0 order=15 migratetype=254\n"
		"4 cpu0 page_alloc pfn=0xffffffff8000 order=14\n"
		"5 cpu0 page_free pfn=0x7fff order=0\n"
		"6 cpu0 page_bulk pages=4294967295\n"
		"18446744073709551615 cpu0 page_free pfn=0xfffffffffffe order=0\n"
		"18446744073709551615 cpu0 end\n");

	assert_int_equal(b->q->allocs, 3);
	assert_int_equal(b->sum.live_pages, 32767 + 16384);
	assert_int_equal(b->q->frees_matched, 2);
	assert_int_equal(b->q->n_cpus, 65536);
}

static uint32_t next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Any events in any order, late ones too: the sums hold. */
static void test_any_events(void **state _unused_)
{
	_cleanup_free_ char *script = malloc(1 << 20);
	uint32_t x = 2463534242u, round, i;

	for (round = 0; round < 13; round++) {
		_cleanup_books_ struct books *b = NULL;
		size_t n = (size_t)sprintf(script, START);

		for (i = 0; i < 3001; i++) {
			unsigned int order = next_random(&x) % 5;
			unsigned int pfn = next_random(&x) % 128 >> order << order;
			unsigned int what = next_random(&x) % 8;

			if (i % 5 == 0)
				n += (size_t)sprintf(script + n, "%u cpu0 tick\n", 100 + i);
			n += (size_t)sprintf(script + n, "%u cpu%u %s pfn=%u order=%u%s\n",
					     100 + i - next_random(&x) % 20, what % 2,
					     what < 4 ? "page_alloc" : "page_free", pfn, order,
					     what == 3 ? " flags=own" : "");
		}
		sprintf(script + n, END);
		b = books_open(script);
		assert_int_equal(b->q->events, 3001);
	}
}

static void count_live(void *ctx, uint64_t pfn)
{
	uint64_t *sum = ctx;

	*sum += pfn;
}

/* What is live, with the parts of what is freed in pieces. */
static void test_each_live(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		START "2 cpu0 page_alloc pfn=0x100000 order=3\n"
		      "3 cpu0 page_alloc pfn=8 order=2\n4 cpu0 page_alloc pfn=3 order=0\n"
		      "5 cpu0 page_free pfn=3 order=0\n6 cpu0 page_free pfn=10 order=0\n" END);
	uint64_t sum = 0;

	pages_each_live(&b->pages, count_live, &sum);
	assert_int_equal(sum, 0x100000 + 8 + 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_lifetimes),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_pieces_given_out_again),
		cmocka_unit_test(test_pieces_room),
		cmocka_unit_test(test_piece_twice),
		cmocka_unit_test(test_part_implied),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_larger_free),
		cmocka_unit_test(test_implied_by_reuse),
		cmocka_unit_test(test_larger_over_smaller),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_only_own),
		cmocka_unit_test(test_late_free),
		cmocka_unit_test(test_late_free_of_another_order),
		cmocka_unit_test(test_late_alloc_after_its_free),
		cmocka_unit_test(test_late_at_zero),
		cmocka_unit_test(test_late_alloc_before_the_live_block),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_frees_of_null),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_fallbacks),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_any_events),
		cmocka_unit_test(test_each_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
