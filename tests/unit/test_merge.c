// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "event/merge.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define SEEN_MAX 100000

/* What came out; .pid says which record it was. */
struct seen {
	uint64_t times[SEEN_MAX];
	uint32_t pids[SEEN_MAX];
	size_t n;
};

struct fixture {
	struct merge *merge;
	struct event_header *records;
	size_t n_records;
	struct seen seen;
	struct event_sink sink;
};

static void collect(void *arg, const struct event_header *const *records, size_t n)
{
	struct seen *s = arg;
	size_t i;

	assert_true(n > 0);
	for (i = 0; i < n; i++) {
		assert_true(s->n < SEEN_MAX);
		s->times[s->n] = records[i]->time;
		s->pids[s->n++] = records[i]->pid;
	}
}

static struct fixture *fixture_new(size_t n_lanes)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->records = calloc(SEEN_MAX, sizeof(*x->records));
	x->merge = merge_new(n_lanes);
	assert_non_null(x->records);
	assert_non_null(x->merge);
	x->sink = (struct event_sink){ .consume = collect, .arg = &x->seen };
	return x;
}

static void fixture_free(struct fixture **x)
{
	merge_free(&(*x)->merge);
	merge_free(&(*x)->merge);
	free((*x)->records);
	freep(x);
}

/* The position of a record is its number. */
static bool push(struct fixture *x, size_t lane, uint64_t time)
{
	size_t i = x->n_records;

	x->records[i] = (struct event_header){ .time = time, .pid = (uint32_t)i };
	if (!merge_push(x->merge, lane, i, &x->records[i]))
		return false;
	x->n_records++;
	return true;
}

static void assert_times(const struct fixture *x, const uint64_t *times, size_t n)
{
	size_t i;

	assert_int_equal(x->seen.n, n);
	for (i = 0; i < n; i++)
		assert_int_equal(x->seen.times[i], times[i]);
}

#define ASSERT_TIMES(x, ...)                               \
	assert_times(x, (const uint64_t[]){ __VA_ARGS__ }, \
		     sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void test_lanes_by_time(void **state _unused_)
{
	_cleanup_(fixture_free) struct fixture *x = fixture_new(3);

	push(x, 0, 10);
	push(x, 0, 40);
	push(x, 1, 20);
	push(x, 1, 50);
	push(x, 2, 30);
	push(x, 2, 60);
	merge_emit(x->merge, 45, &x->sink);
	ASSERT_TIMES(x, 10, 20, 30, 40);
	merge_emit(x->merge, 45, &x->sink);
	assert_int_equal(x->seen.n, 4);
	merge_emit(x->merge, UINT64_MAX, &x->sink);
	ASSERT_TIMES(x, 10, 20, 30, 40, 50, 60);
}

static void test_nothing(void **state _unused_)
{
	_cleanup_(fixture_free) struct fixture *x = fixture_new(2);

	merge_emit(x->merge, UINT64_MAX, &x->sink);
	assert_int_equal(x->seen.n, 0);
	assert_int_equal(merge_lane_complete(x->merge, 1), 0);
	assert_int_equal(merge_held(x->merge, 1, 77), 77);
}

/* Interrupts nest between the reservation and the clock: their records stand behind, but are older. */
static void test_nested_interrupts(void **state _unused_)
{
	_cleanup_(fixture_free) struct fixture *x = fixture_new(2);

	push(x, 0, 100); /* task, 100 */
	push(x, 0, 90); /* softirq in it */
	push(x, 0, 80); /* interrupt in that */
	push(x, 1, 85);
	push(x, 0, 110);
	push(x, 0, 95); /* again, one level */
	merge_emit(x->merge, 100, &x->sink);
	ASSERT_TIMES(x, 80, 85, 90, 95, 100);
	merge_emit(x->merge, 110, &x->sink);
	assert_int_equal(x->seen.times[5], 110);
}

static void test_horizon_is_inclusive(void **state _unused_)
{
	_cleanup_(fixture_free) struct fixture *x = fixture_new(1);

	push(x, 0, 5);
	merge_emit(x->merge, 4, &x->sink);
	assert_int_equal(x->seen.n, 0);
	merge_emit(x->merge, 5, &x->sink);
	assert_int_equal(x->seen.n, 1);
}

static void test_equal_times_keep_order(void **state _unused_)
{
	_cleanup_(fixture_free) struct fixture *x = fixture_new(2);
	size_t i;

	push(x, 0, 8);
	for (i = 0; i < 5; i++)
		push(x, 0, 7);
	push(x, 1, 7);
	merge_emit(x->merge, UINT64_MAX, &x->sink);
	assert_int_equal(x->seen.n, 7);
	/* 1 to 5 in this order, wherever the other lane's 6 stands; 0 is last */
	for (i = 1; i < 6; i++)
		if (x->seen.pids[i] != 6 && x->seen.pids[i - 1] != 6)
			assert_true(x->seen.pids[i] == x->seen.pids[i - 1] + 1);
	assert_int_equal(x->seen.pids[6], 0);
}

/* What comes late is delivered late, not lost. */
static void test_late(void **state _unused_)
{
	_cleanup_(fixture_free) struct fixture *x = fixture_new(2);

	push(x, 0, 100);
	merge_emit(x->merge, 100, &x->sink);
	push(x, 1, 50);
	push(x, 0, 110);
	merge_emit(x->merge, 110, &x->sink);
	ASSERT_TIMES(x, 100, 50, 110);
}

static void test_held_positions(void **state _unused_)
{
	_cleanup_(fixture_free) struct fixture *x = fixture_new(2);

	push(x, 0, 100); /* position 0 */
	push(x, 0, 90); /* 1 */
	push(x, 0, 120); /* 2 */
	push(x, 1, 10); /* 3 */
	assert_int_equal(merge_held(x->merge, 0, 9), 0);
	merge_emit(x->merge, 95, &x->sink);
	/* the second record is gone, the first still stands before it in the ring */
	assert_int_equal(merge_held(x->merge, 0, 9), 0);
	assert_int_equal(merge_held(x->merge, 1, 9), 9);
	merge_emit(x->merge, 100, &x->sink);
	assert_int_equal(merge_held(x->merge, 0, 9), 2);
	merge_emit(x->merge, 120, &x->sink);
	assert_int_equal(merge_held(x->merge, 0, 9), 9);
}

/* A full lane takes nothing more, and says how far to go so that it gets emptier. */
static void test_full_lane(void **state _unused_)
{
	_cleanup_(fixture_free) struct fixture *x = fixture_new(2);
	uint64_t complete;
	size_t i;

	push(x, 1, 3);
	push(x, 1, 1000000);
	for (i = 0; i < MERGE_LANE_LENGTH; i++)
		assert_true(push(x, 0, 1000 + i));
	assert_false(push(x, 0, 5000000));
	/* all of it is within the window: the middle counts */
	complete = merge_lane_complete(x->merge, 0);
	assert_int_equal(complete, 1000 + MERGE_LANE_LENGTH / 2);
	merge_emit(x->merge, complete, &x->sink);
	assert_int_equal(x->seen.n, 1 + MERGE_LANE_LENGTH / 2 + 1);
	assert_int_equal(x->seen.times[0], 3); /* the other lane's was older still */
	for (i = 1; i < x->seen.n; i++)
		assert_int_equal(x->seen.times[i], 1000 + i - 1);
	assert_true(push(x, 0, 5000000));
	merge_emit(x->merge, UINT64_MAX, &x->sink);
	assert_int_equal(x->seen.n, x->n_records);
}

/* A lane that is full for other reasons is complete up to its newest record less the window. */
static void test_complete_behind_the_window(void **state _unused_)
{
	_cleanup_(fixture_free) struct fixture *x = fixture_new(1);
	size_t i;

	assert_int_equal(merge_lane_complete(x->merge, 0), 0);
	push(x, 0, MERGE_WINDOW_NS / 2);
	assert_int_equal(merge_lane_complete(x->merge, 0), 0);
	push(x, 0, 3 * MERGE_WINDOW_NS);
	assert_int_equal(merge_lane_complete(x->merge, 0), 2 * MERGE_WINDOW_NS);
	for (i = 2; i < MERGE_LANE_LENGTH; i++)
		push(x, 0, 4 * MERGE_WINDOW_NS);
	/* full, and half of it is not older than the window */
	assert_int_equal(merge_lane_complete(x->merge, 0), 4 * MERGE_WINDOW_NS);
}

/* Room that was given back is used again although the lane never runs empty. */
static void test_lane_moves_up(void **state _unused_)
{
	_cleanup_(fixture_free) struct fixture *x = fixture_new(1);
	size_t i;

	for (i = 0; i < 5 * MERGE_LANE_LENGTH; i++) {
		assert_true(push(x, 0, i));
		if (i >= 3)
			merge_emit(x->merge, i - 3, &x->sink);
	}
	assert_int_equal(x->seen.n, i - 3);
	assert_int_equal(merge_held(x->merge, 0, 0), 0);
	merge_emit(x->merge, UINT64_MAX, &x->sink);
	for (i = 0; i < x->seen.n; i++)
		assert_int_equal(x->seen.times[i], i);
}

static void test_many_lanes_random(void **state _unused_)
{
	enum { LANES = 37, RECORDS = 40000 };
	_cleanup_(fixture_free) struct fixture *x = fixture_new(LANES);
	uint8_t delivered[RECORDS] = { 0 };
	uint64_t clock = 1000, r = 88172645463325252ull;
	size_t i;

	for (i = 0; i < RECORDS; i++) {
		r ^= r << 13, r ^= r >> 7, r ^= r << 17;
		clock += r % 7;
		assert_true(push(x, r >> 32 & 31, clock - (r >> 20) % 50));
		/* nothing younger than what can still come is asked for: all must be in order */
		if (i % 1000 == 999)
			merge_emit(x->merge, clock - 50, &x->sink);
	}
	merge_emit(x->merge, UINT64_MAX, &x->sink);
	assert_int_equal(x->seen.n, RECORDS);
	for (i = 0; i < RECORDS; i++) {
		assert_true(i == 0 || x->seen.times[i] >= x->seen.times[i - 1]);
		assert_int_equal(delivered[x->seen.pids[i]]++, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lanes_by_time),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_nested_interrupts),
		cmocka_unit_test(test_horizon_is_inclusive),
		cmocka_unit_test(test_equal_times_keep_order),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_held_positions),
		cmocka_unit_test(test_full_lane),
		cmocka_unit_test(test_complete_behind_the_window),
		cmocka_unit_test(test_lane_moves_up),
		cmocka_unit_test(test_many_lanes_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
