// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/frames.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static void test_empty(void **state _unused_)
{
	struct frames f = { 0 };

	assert_null(frames_find(&f, 0));
	assert_int_equal(frames_block(&f, 0), FRAMES_NONE);
	assert_int_equal(frames_block(&f, UINT64_MAX), FRAMES_NONE);
	assert_int_equal(frames_state(&f, 17), 0);
	assert_true(frames_next(&f, 0) == UINT64_MAX);
	frames_free(&f);
	frames_free(&f);
}

static void test_blocks(void **state _unused_)
{
	struct frames f = { 0 };

	assert_int_equal(frames_set_block(&f, 5, 0), 0);
	assert_int_equal(frames_set_block(&f, 7, 31), 0);
	assert_int_equal(frames_block(&f, 5), 0);
	assert_int_equal(frames_block(&f, 6), FRAMES_NONE);
	assert_int_equal(frames_block(&f, 7), 31);
	/* the same place in another chunk is another frame */
	assert_int_equal(frames_block(&f, FRAMES_CHUNK + 7), FRAMES_NONE);
	assert_int_equal(frames_set_block(&f, 7, FRAMES_NONE), 0);
	assert_int_equal(frames_block(&f, 7), FRAMES_NONE);
	assert_int_equal(frames_set_block(&f, 5, UINT32_MAX - 1), 0);
	assert_int_equal(frames_block(&f, 5), UINT32_MAX - 1);
	assert_int_equal(f.n, 1);
	frames_free(&f);
}

/* States are set across chunks, and to no frame beside them. */
static void test_states(void **state _unused_)
{
	struct frames f = { 0 };

	assert_int_equal(frames_set_state(&f, FRAMES_CHUNK - 3, FRAMES_CHUNK + 7, 11), 0);
	assert_int_equal(f.n, 3);
	assert_int_equal(frames_state(&f, FRAMES_CHUNK - 4), 0);
	assert_int_equal(frames_state(&f, FRAMES_CHUNK - 3), 11);
	assert_int_equal(frames_state(&f, FRAMES_CHUNK), 11);
	assert_int_equal(frames_state(&f, 2 * FRAMES_CHUNK + 3), 11);
	assert_int_equal(frames_state(&f, 2 * FRAMES_CHUNK + 4), 0);
	assert_int_equal(frames_set_state(&f, 7 * FRAMES_CHUNK, 0, 1), 0);
	assert_int_equal(f.n, 3);
	frames_free(&f);
}

static void test_next(void **state _unused_)
{
	struct frames f = { 0 };

	assert_int_equal(frames_set_block(&f, 9 * FRAMES_CHUNK + 5, 1), 0);
	assert_int_equal(frames_set_block(&f, 3 * FRAMES_CHUNK + 5, 2), 0);
	assert_int_equal(frames_next(&f, 0), 3 * FRAMES_CHUNK);
	assert_int_equal(frames_next(&f, 3 * FRAMES_CHUNK + 7), 3 * FRAMES_CHUNK + 7);
	assert_int_equal(frames_next(&f, 4 * FRAMES_CHUNK - 1), 4 * FRAMES_CHUNK - 1);
	assert_int_equal(frames_next(&f, 4 * FRAMES_CHUNK), 9 * FRAMES_CHUNK);
	assert_true(frames_next(&f, 10 * FRAMES_CHUNK) == UINT64_MAX);
	frames_free(&f);
}

/* The largest numbers that an event can hold, far apart. */
static void test_sparse(void **state _unused_)
{
	struct frames f = { 0 };

	assert_int_equal(frames_set_block(&f, (1ull << 48) - 2, 3), 0);
	assert_int_equal(frames_set_block(&f, 0, 4), 0);
	assert_int_equal(frames_set_block(&f, UINT64_MAX, 5), 0);
	assert_int_equal(frames_block(&f, (1ull << 48) - 2), 3);
	assert_int_equal(frames_block(&f, 0), 4);
	assert_int_equal(frames_block(&f, UINT64_MAX), 5);
	assert_int_equal(f.n, 3);
	frames_free(&f);
}

/* Too many chunks is not a lack of memory: those that are there go on. */
static void test_limit(void **state _unused_)
{
	struct frames f = { .limit = 2 };

	assert_int_equal(frames_set_block(&f, 0, 1), 0);
	assert_int_equal(frames_set_state(&f, FRAMES_CHUNK, 2 * FRAMES_CHUNK, 7), -E2BIG);
	assert_int_equal(frames_state(&f, 2 * FRAMES_CHUNK - 1), 7);
	assert_int_equal(frames_state(&f, 2 * FRAMES_CHUNK), 0);
	assert_int_equal(frames_set_block(&f, 5 * FRAMES_CHUNK, 1), -E2BIG);
	assert_int_equal(frames_set_block(&f, FRAMES_CHUNK + 1, 13), 0);
	assert_int_equal(frames_block(&f, FRAMES_CHUNK + 1), 13);
	assert_int_equal(f.n, 2);
	frames_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),  cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_states), cmocka_unit_test(test_next),
		cmocka_unit_test(test_sparse), cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
