// SPDX-License-Identifier: GPL-2.0
/* Percentiles of a spread against those of all its times, sorted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "analyze/spread.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define BEYOND (1ull << 42) /* there are no steps for these */

static uint64_t one(uint64_t ns, unsigned int percent)
{
	struct spread s = { 0 };
	uint64_t got;

	assert_int_equal(spread_add(&s, ns), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.sum, ns);
	assert_int_equal(s.max, ns);
	got = spread_percentile(&s, percent);
	spread_free(&s);
	spread_free(&s);
	return got;
}

/* Not more than 1/16 off, and never more than the longest. */
static void assert_near(uint64_t got, uint64_t ns)
{
	if (got > ns + ns / 16 || got + ns / 16 < ns)
		fail_msg("%llu for %llu", (unsigned long long)got, (unsigned long long)ns);
}

/* Short times have a bucket each; of one time every percentile is about that. */
static void test_single(void **state _unused_)
{
	unsigned int power;
	uint64_t ns;

	for (ns = 0; ns < 2 * SPREAD_STEPS; ns++)
		assert_int_equal(one(ns, 50), ns);
	for (power = 4; power < 41; power++)
		for (ns = (1ull << power) - 1; ns <= (1ull << power) + 1; ns++) {
			assert_near(one(ns, 1), ns);
			assert_true(one(ns, 99) <= ns);
			assert_int_equal(one(ns, 1), one(ns, 100));
		}
}

/* There is no bucket for them: they are longer than the last step, and how long the longest was is known. */
static void test_longest(void **state _unused_)
{
	static const uint64_t times[] = { BEYOND - 1, BEYOND, 1ull << 63, UINT64_MAX };
	struct spread s = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		assert_true(one(times[i], 50) >= 1ull << 40);
		assert_true(one(times[i], 50) <= times[i]);
		spread_add(&s, times[i]);
	}
	assert_int_equal(s.max, UINT64_MAX);
	assert_int_equal(s.n, 4);
	assert_true(spread_percentile(&s, 1) >= 1ull << 40);
	spread_free(&s);
	assert_null(s.counts);
	assert_int_equal(s.n, 0);
}

static int compare(const void *a, const void *b)
{
	return CMP(*(const uint64_t *)a, *(const uint64_t *)b);
}

/* What @percent of the sorted times are not longer than. */
static uint64_t exact(const uint64_t *times, size_t n, unsigned int percent)
{
	size_t rank = (n * percent + 99) / 100;

	return times[rank ? rank - 1 : 0];
}

static void assert_percentiles(uint64_t *times, size_t n)
{
	struct spread s = { 0 };
	unsigned int percent;
	uint64_t sum = 0, got;
	size_t i;

	for (i = 0; i < n; i++) {
		assert_int_equal(spread_add(&s, times[i]), 0);
		sum += times[i];
	}
	qsort(times, n, sizeof(*times), compare);
	assert_int_equal(s.sum, sum);
	assert_int_equal(s.max, times[n - 1]);
	for (percent = 1; percent <= 100; percent++) {
		got = spread_percentile(&s, percent);
		assert_near(got, exact(times, n, percent));
		assert_true(got <= times[n - 1]);
	}
	assert_true(spread_percentile(&s, 0) <= spread_percentile(&s, 1));
	spread_free(&s);
}

static void test_against_sorted(void **state _unused_)
{
	uint64_t times[4099];
	size_t i, n, round;

	srandom(4099);
	for (round = 0; round < 200; round++) {
		n = 1 + (size_t)random() % ARRAY_SIZE(times);
		for (i = 0; i < n; i++)
			/* of all orders of magnitude alike */
			times[i] = ((uint64_t)random() << 10 | (uint64_t)random() % 1024) >>
				   random() % 41;
		assert_percentiles(times, n);
	}
}

/* Two heaps far apart: the median is in the one or in the other. */
static void test_two_heaps(void **state _unused_)
{
	uint64_t times[101];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(times); i++)
		times[i] = i < 51 ? 500 : 9000000;
	assert_percentiles(times, 101);
	for (i = 0; i < ARRAY_SIZE(times); i++)
		times[i] = i < 50 ? 500 : 9000000;
	assert_percentiles(times, 101);
	for (i = 0; i < ARRAY_SIZE(times); i++)
		times[i] = 0;
	assert_percentiles(times, 101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_against_sorted),
		cmocka_unit_test(test_two_heaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
