// SPDX-License-Identifier: GPL-2.0
/* The model of free blocks. Frames are small numbers: 64 of them make up the memory of most tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "analyze/blocks.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define MEMORY 64

struct model {
	struct frames frames;
	struct blocks blocks;
};

static struct model *model_open(unsigned int n_orders)
{
	struct model *m = calloc(1, sizeof(*m));

	blocks_init(&m->blocks, &m->frames);
	m->blocks.n_orders = n_orders;
	return m;
}

static void model_close(struct model **m)
{
	assert_false((*m)->blocks.oom);
	frames_free(&(*m)->frames);
	freep(m);
}

#define _cleanup_model_ _cleanup_(model_close)

/* Memory that is free from its first frame to its last. */
static struct model *model_free(unsigned int n_orders)
{
	struct model *m = model_open(n_orders);
	uint64_t run = snapshot_run(FRAME_FREE, MEMORY);

	blocks_load(&m->blocks, 0, &run, 1);
	return m;
}

/*
 * Every frame as a letter: . free, m movable, U unmovable, p on a per-CPU list, - a hole, ? unknown; a
 * free block begins with its order. Frames of a free block must all be free.
 */
static void expect_frames(const struct model *m, const char *expected)
{
	static const char letters[] = "?-.mUp";
	char text[MEMORY + 1] = "";
	size_t n = strlen(expected), pfn;

	for (pfn = 0; pfn < n; pfn++) {
		uint8_t state = frames_state(&m->frames, pfn);

		text[pfn] = letters[state & BLOCK_KIND_MASK];
		if (state & BLOCK_HEAD)
			text[pfn] = (char)('0' + (state >> BLOCK_ORDER_SHIFT));
	}
	assert_string_equal(text, expected);
}

/* Σ of the blocks is Σ of the frames, whatever happened. */
static struct blocks_count count_all(const struct model *m)
{
	struct blocks_count c;
	uint64_t sum = 0;
	size_t k;

	blocks_count(&m->blocks, 0, MEMORY, &c);
	for (k = 0; k < BLOCKS_ORDERS; k++)
		sum += c.free[k] << k;
	assert_int_equal(sum, c.free_frames);
	return c;
}

static void expect_moves(const uint64_t moves[BLOCKS_ORDERS], const char *expected)
{
	char text[512] = "";
	size_t k, n = 0;

	for (k = 0; k < BLOCKS_ORDERS; k++)
		if (moves[k])
			n += (size_t)sprintf(text + n, "%s%zu:%d", n ? " " : "", k, (int)moves[k]);
	assert_string_equal(text, expected);
}

/* --- splits and merges ------------------------------------------------------------------------------ */

static void test_splits(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_open(4);
	const uint64_t runs[] = { snapshot_run(FRAME_FREE, 8), snapshot_run(FRAME_UNMOVABLE, 8) };

	blocks_load(&m->blocks, 0, runs, 2);
	expect_frames(m, "3.......UUUUUUUU");
	blocks_removed(&m->blocks, 0, 0);
	expect_frames(m, "p01.2...UUUUUUUU");
	expect_moves(m->blocks.splits, "1:1 2:1 3:1");
	/* of the smallest block that is large enough: no split */
	blocks_removed(&m->blocks, 1, 0);
	blocks_removed(&m->blocks, 2, 1);
	expect_frames(m, "pppp2...UUUUUUUU");
	expect_moves(m->blocks.splits, "1:1 2:1 3:1");
	assert_int_equal(m->blocks.corrections, 0);
	assert_int_equal(count_all(m).percpu_frames, 4);
}

/* Not the lowest frame of its block: what is below and above stays free. */
static void test_split_in_the_middle(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_open(4);
	uint64_t run = snapshot_run(FRAME_FREE, 8);

	blocks_load(&m->blocks, 0, &run, 1);
	blocks_removed(&m->blocks, 5, 0);
	expect_frames(m, "2...0p1.");
	expect_moves(m->blocks.splits, "1:1 2:1 3:1");
	blocks_removed(&m->blocks, 2, 1);
	expect_frames(m, "1.pp0p1.");
	expect_moves(m->blocks.splits, "1:1 2:2 3:1");
}

static void test_merges(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_open(4);
	uint64_t run = snapshot_run(FRAME_FREE, 8);

	blocks_load(&m->blocks, 0, &run, 1);
	blocks_removed(&m->blocks, 5, 0);
	blocks_removed(&m->blocks, 6, 0);
	expect_frames(m, "2...0pp0");
	blocks_drained(&m->blocks, 6, 0);
	expect_frames(m, "2...0p1.");
	expect_moves(m->blocks.merges, "1:1");
	blocks_drained(&m->blocks, 5, 0);
	expect_frames(m, "3.......");
	expect_moves(m->blocks.merges, "1:2 2:1 3:1");
	assert_int_equal(count_all(m).free[3], 1);
}

/* A neighbour that is no buddy, and a buddy of another order, are left alone. */
static void test_no_merge(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_open(4);
	const uint64_t runs[] = { snapshot_run(FRAME_UNMOVABLE, 1), snapshot_run(FRAME_FREE, 1),
				  snapshot_run(FRAME_UNMOVABLE, 2), snapshot_run(FRAME_FREE, 1),
				  snapshot_run(FRAME_UNMOVABLE, 3) };

	blocks_load(&m->blocks, 0, runs, 5);
	expect_frames(m, "U0UU0UUU");
	blocks_drained(&m->blocks, 2, 0);
	expect_frames(m, "U00U0UUU");
	blocks_drained(&m->blocks, 6, 1);
	expect_frames(m, "U00U0U1.");
	expect_moves(m->blocks.merges, "");
}

/* The largest order has buddies too, and they stay apart. */
static void test_largest_order(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_free(3);
	struct blocks_count c = count_all(m);

	assert_int_equal(c.free[2], MEMORY / 4);
	blocks_removed(&m->blocks, 4, 2);
	blocks_drained(&m->blocks, 4, 2);
	expect_frames(m, "2...2...2...");
	expect_moves(m->blocks.merges, "");
	/* beyond the kernel's orders: not understood, not entered */
	blocks_removed(&m->blocks, 0, 3);
	blocks_allocated(&m->blocks, 0, 3, true);
	blocks_drained(&m->blocks, 0, 255);
	blocks_freed(&m->blocks, 0, 255);
	expect_frames(m, "2...2...2...");
}

/* --- loading ---------------------------------------------------------------------------------------- */

/* A run of free frames is the largest blocks that are aligned and fit. */
static void test_load_aligned(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_open(4);
	const uint64_t runs[] = { snapshot_run(FRAME_UNMOVABLE, 3), snapshot_run(FRAME_FREE, 18),
				  snapshot_run(FRAME_MOVABLE, 2), snapshot_run(FRAME_HOLE, 2),
				  snapshot_run(FRAME_FREE, 1) };

	blocks_load(&m->blocks, 0, runs, 5);
	expect_frames(m, "UUU02...3.......2...0mm--0");
	assert_int_equal(count_all(m).free_frames, 19);
	assert_int_equal(count_all(m).unknown_frames, MEMORY - 26);
}

/* What the next look says counts; holes of memory that nothing is known of cost nothing. */
static void test_load_again(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_free(4);
	const uint64_t runs[] = { snapshot_run(FRAME_MOVABLE, 8), snapshot_run(FRAME_FREE, 8) };
	const uint64_t hole = snapshot_run(FRAME_HOLE, FRAMES_CHUNK);

	blocks_load(&m->blocks, 0, runs, 2);
	expect_frames(m, "mmmmmmmm3.......3.......");
	blocks_load(&m->blocks, 5ull * FRAMES_CHUNK, &hole, 1);
	assert_int_equal(m->frames.n, 1);
}

static void test_load_damaged(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_open(11);
	const uint64_t kind[] = { snapshot_run(FRAME_FREE, 2), 0xffull << 56 | 4,
				  snapshot_run(FRAME_FREE, 4) };
	const uint64_t length[] = { snapshot_run(FRAME_FREE, 2),
				    snapshot_run(FRAME_FREE, (1ull << 56) - 1),
				    snapshot_run(FRAME_FREE, 4) };
	const uint64_t empty[] = { snapshot_run(FRAME_FREE, 0), snapshot_run(FRAME_MOVABLE, 1) };

	/* what follows a damaged run can't be placed */
	blocks_load(&m->blocks, 0, kind, 3);
	expect_frames(m, "1.????");
	blocks_load(&m->blocks, 4, length, 3);
	expect_frames(m, "1.??1.????");
	blocks_load(&m->blocks, 8, empty, 2);
	expect_frames(m, "1.??1.??m?");
	/* the last frames that there can be */
	blocks_load(&m->blocks, UINT64_MAX - 1, kind, 1);
	blocks_load(&m->blocks, UINT64_MAX, empty, 2);
	blocks_load(&m->blocks, 0, NULL, 0);
	assert_int_equal(m->frames.n, 2);
}

/* Before the number of orders is known nothing is: frames are free one by one, events are not entered. */
static void test_no_orders(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_open(0);
	uint64_t run = snapshot_run(FRAME_FREE, 4);

	blocks_removed(&m->blocks, 0, 0);
	blocks_drained(&m->blocks, 0, 0);
	blocks_allocated(&m->blocks, 0, 0, true);
	blocks_freed(&m->blocks, 0, 0);
	assert_int_equal(m->frames.n, 0);
	blocks_load(&m->blocks, 0, &run, 1);
	expect_frames(m, "0000?");
}

static void test_too_many_frames(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_open(4);
	uint64_t run = snapshot_run(FRAME_FREE, 8);

	m->frames.limit = 1;
	blocks_load(&m->blocks, 0, &run, 1);
	blocks_load(&m->blocks, 3ull * FRAMES_CHUNK, &run, 1);
	blocks_removed(&m->blocks, 3ull * FRAMES_CHUNK, 0);
	blocks_drained(&m->blocks, 3ull * FRAMES_CHUNK, 3);
	expect_frames(m, "3.......");
	assert_false(m->blocks.oom);
}

/* --- allocations and frees -------------------------------------------------------------------------- */

static void test_life_of_a_page(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_free(3);

	blocks_removed(&m->blocks, 0, 0);
	blocks_allocated(&m->blocks, 0, 0, true);
	expect_frames(m, "m01.2...");
	blocks_freed(&m->blocks, 0, 0);
	expect_frames(m, "p01.2...");
	blocks_allocated(&m->blocks, 0, 0, false);
	expect_frames(m, "U01.2...");
	blocks_freed(&m->blocks, 0, 0);
	blocks_drained(&m->blocks, 0, 0);
	expect_frames(m, "2...2...");
	assert_int_equal(m->blocks.corrections, 0);
}

/* Which orders per-CPU lists keep is learned from what comes back from them. */
static void test_percpu_orders(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_free(4);

	blocks_removed(&m->blocks, 0, 1);
	blocks_allocated(&m->blocks, 0, 1, true);
	blocks_freed(&m->blocks, 0, 1);
	expect_frames(m, "3.......");
	blocks_removed(&m->blocks, 0, 1);
	blocks_drained(&m->blocks, 0, 1);
	blocks_removed(&m->blocks, 0, 1);
	blocks_allocated(&m->blocks, 0, 1, true);
	blocks_freed(&m->blocks, 0, 1);
	expect_frames(m, "pp1.2...");
	assert_int_equal(m->blocks.corrections, 0);
}

/* Freed past the per-CPU lists, and taken from the free lists again: the model had it elsewhere. */
static void test_freed_past_the_lists(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_free(3);

	blocks_removed(&m->blocks, 0, 0);
	blocks_allocated(&m->blocks, 0, 0, true);
	blocks_freed(&m->blocks, 0, 0);
	blocks_removed(&m->blocks, 0, 0);
	expect_frames(m, "p01.2...");
	assert_int_equal(m->blocks.corrections, 1);
	/* what nothing is known of contradicts nothing */
	blocks_removed(&m->blocks, MEMORY, 0);
	assert_int_equal(m->blocks.corrections, 1);
}

/* Frames of a drained block may be free already. */
static void test_drained_already_free(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_free(3);

	blocks_drained(&m->blocks, 0, 0);
	blocks_drained(&m->blocks, 6, 1);
	expect_frames(m, "2...2...");
	expect_moves(m->blocks.merges, "");
	count_all(m);
}

/* A block that contains free ones takes them in. */
static void test_drained_around_free(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_open(4);
	const uint64_t runs[] = { snapshot_run(FRAME_UNMOVABLE, 4), snapshot_run(FRAME_FREE, 2),
				  snapshot_run(FRAME_UNMOVABLE, 2) };

	blocks_load(&m->blocks, 0, runs, 3);
	blocks_drained(&m->blocks, 0, 3);
	expect_frames(m, "3.......");
	count_all(m);
}

static void test_allocated_while_free(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_free(4);

	blocks_allocated(&m->blocks, 12, 2, false);
	expect_frames(m, "3.......2...UUUU");
	expect_moves(m->blocks.splits, "3:1");
	assert_int_equal(m->blocks.corrections, 0);
	/* no free block is that large, smaller ones are */
	blocks_allocated(&m->blocks, 8, 3, true);
	expect_frames(m, "3.......mmmmmmmm");
	assert_int_equal(m->blocks.corrections, 1);
	count_all(m);
}

/* Freed, though the model never saw it taken: no frame may count twice, whatever block it is in. */
static void test_freed_while_free(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_free(4);

	blocks_freed(&m->blocks, 5, 0);
	expect_frames(m, "2...0p1.");
	assert_int_equal(m->blocks.corrections, 1);
	assert_int_equal(count_all(m).percpu_frames, 1);
	blocks_freed(&m->blocks, 8, 2);
	expect_frames(m, "2...0p1.3.......");
	assert_int_equal(m->blocks.corrections, 2);
	count_all(m);
}

/* --- what must hold always -------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static void expect_merged(const struct model *m)
{
	uint64_t pfn;

	for (pfn = 0; pfn < MEMORY; pfn++) {
		uint8_t state = frames_state(&m->frames, pfn);
		unsigned int order = state >> BLOCK_ORDER_SHIFT;

		if (state & BLOCK_HEAD && order + 1 < m->blocks.n_orders)
			assert_int_not_equal(frames_state(&m->frames, pfn ^ 1ull << order), state);
	}
}

/* Events in any order, most of them contradictions: frames add up, and no two buddies are both free. */
static void test_any_events(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_free(5);
	uint32_t x = 2463534242u, i;

	for (i = 0; i < 20011; i++) {
		unsigned int order = next_random(&x) % 5;
		uint64_t pfn = next_random(&x) % MEMORY >> order << order;

		switch (next_random(&x) % 4) {
		case 0:
			blocks_removed(&m->blocks, pfn, order);
			break;
		case 1:
			blocks_drained(&m->blocks, pfn, order);
			break;
		case 2:
			blocks_allocated(&m->blocks, pfn, order, i % 2);
			break;
		default:
			blocks_freed(&m->blocks, pfn, order);
		}
		if (i % 7 == 0)
			count_all(m);
		expect_merged(m);
	}
}

static void test_count_ranges(void **state _unused_)
{
	_cleanup_model_ struct model *m = model_free(4);
	struct blocks_count c;

	blocks_count(&m->blocks, 16, 24, &c);
	assert_int_equal(c.free[3], 1);
	assert_int_equal(c.free_frames, 8);
	/* memory of which nothing is known is passed over at once */
	blocks_count(&m->blocks, 0, 1ull << 52, &c);
	assert_int_equal(c.free_frames, MEMORY);
	assert_true(c.unknown_frames == (1ull << 52) - MEMORY);
	blocks_count(&m->blocks, 8, 8, &c);
	assert_int_equal(c.free_frames + c.unknown_frames, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_split_in_the_middle),
		cmocka_unit_test(test_merges),
		cmocka_unit_test(test_no_merge),
		cmocka_unit_test(test_largest_order),
		cmocka_unit_test(test_load_aligned),
		cmocka_unit_test(test_load_again),
		cmocka_unit_test(test_load_damaged),
		cmocka_unit_test(test_no_orders),
		cmocka_unit_test(test_too_many_frames),
		cmocka_unit_test(test_life_of_a_page),
		cmocka_unit_test(test_percpu_orders),
		cmocka_unit_test(test_freed_past_the_lists),
		cmocka_unit_test(test_drained_already_free),
		cmocka_unit_test(test_drained_around_free),
		cmocka_unit_test(test_allocated_while_free),
		cmocka_unit_test(test_freed_while_free),
		cmocka_unit_test(test_any_events),
		cmocka_unit_test(test_count_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
