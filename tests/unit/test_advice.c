// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/advice.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* NULL: no advice. */
static void expect(const struct advice_case *c, const char *expected, uint64_t saving)
{
	uint64_t got = 0;
	char text[200];

	if (!expected) {
		assert_false(advice_for(c, text, sizeof(text), &got));
		return;
	}
	assert_true(advice_for(c, text, sizeof(text), &got));
	assert_string_equal(text, expected);
	assert_int_equal(got, saving);
}

static struct advice_case kmalloc(uint32_t requested, uint32_t given, uint64_t live)
{
	return (struct advice_case){ .requested = requested,
				     .given = given,
				     .live = live,
				     .page_size = 4096,
				     .smallest_class = 8 };
}

static struct advice_case pages(uint32_t requested, uint32_t given, uint64_t live)
{
	struct advice_case c = kmalloc(requested, given, live);

	c.page_backed = true;
	return c;
}

static void test_a_little_over_a_class(void **state _unused_)
{
	struct advice_case c = kmalloc(520, 1024, 24758);

	expect(&c,
	       "520 B requested → 1024 B: a 520-byte kmem_cache would save 11.9 MiB live; 8 B less "
	       "would fit the 512 B class",
	       24758ull * 504);
}

static void test_far_over_a_class(void **state _unused_)
{
	struct advice_case c = kmalloc(640, 1024, 1000);

	expect(&c, "640 B requested → 1024 B: a 640-byte kmem_cache would save 375.0 KiB live",
	       384000);
	c = kmalloc(576, 1024, 1000); /* 64 over 512 is an eighth: still worth losing */
	expect(&c,
	       "576 B requested → 1024 B: a 576-byte kmem_cache would save 437.5 KiB live; 64 B "
	       "less would fit the 512 B class",
	       448000);
	c.requested = 577;
	expect(&c, "577 B requested → 1024 B: a 577-byte kmem_cache would save 429.7 KiB live",
	       440000);
}

/* What a cache would round up to is not saved. */
static void test_rounds_up_to_words(void **state _unused_)
{
	struct advice_case c = kmalloc(1001, 2048, 100);

	expect(&c, "1001 B requested → 2048 B: a 1001-byte kmem_cache would save 101.6 KiB live",
	       100 * (2048 - 1008));
}

static void test_page_backed(void **state _unused_)
{
	struct advice_case c = pages(9000, 16384, 1009);

	expect(&c,
	       "9000 B requested → 16384 B: alloc_pages_exact() or kvmalloc() would save 3.9 MiB "
	       "live",
	       1009 * 4096);
	c = pages(12289, 16384, 1009); /* needs all four pages */
	expect(&c, NULL, 0);
	c = pages(9000, 16384, 1009);
	c.page_size = 16384;
	expect(&c, NULL, 0);
	c.page_size = 0; /* not known */
	expect(&c, NULL, 0);
}

static void test_threshold(void **state _unused_)
{
	struct advice_case c = kmalloc(512 + 8, 1024, 131);

	assert_true(130 * 504 < ADVICE_MIN_SAVING && 131 * 504 >= ADVICE_MIN_SAVING);
	expect(&c,
	       "520 B requested → 1024 B: a 520-byte kmem_cache would save 64.5 KiB live; 8 B less "
	       "would fit the 512 B class",
	       131 * 504);
	c.live = 130;
	expect(&c, NULL, 0);
	c.live = 0;
	expect(&c, NULL, 0);
}

static void test_nothing_to_gain(void **state _unused_)
{
	struct advice_case c = kmalloc(1024, 1024, 1000000);

	expect(&c, NULL, 0);
	c = kmalloc(0, 8, 1000000);
	expect(&c, NULL, 0);
	c = kmalloc(1000, 1024, 1000000); /* under a sixteenth: 24 of 1024 B */
	expect(&c, NULL, 0);
	c = kmalloc(961, 1024, 1000000); /* 56 after rounding */
	expect(&c, NULL, 0);
	c = kmalloc(960, 1024, 1000000); /* 64: a sixteenth */
	expect(&c, "960 B requested → 1024 B: a 960-byte kmem_cache would save 61.0 MiB live",
	       64000000);
	c = kmalloc(2000, 1024, 1000000); /* nonsense is no advice */
	expect(&c, NULL, 0);
}

/* Where the smallest class is 64 or 128 B there is nothing below to fit in. */
static void test_smallest_class(void **state _unused_)
{
	struct advice_case c = kmalloc(66, 128, 100000);

	c.smallest_class = 64;
	expect(&c, "66 B requested → 128 B: a 66-byte kmem_cache would save 5.3 MiB live", 5600000);
	c.given = 96;
	expect(&c,
	       "66 B requested → 96 B: a 66-byte kmem_cache would save 2.3 MiB live; 2 B less "
	       "would fit the 64 B class",
	       2400000);
	c.smallest_class = 128;
	expect(&c, "66 B requested → 96 B: a 66-byte kmem_cache would save 2.3 MiB live", 2400000);
}

static void test_class_below(void **state _unused_)
{
	static const uint32_t below[][2] = {
		{ 0, 0 },     { 8, 0 },	    { 16, 8 },	   { 32, 16 },
		{ 64, 32 },   { 96, 64 },   { 128, 96 },   { 192, 128 },
		{ 256, 192 }, { 512, 256 }, { 1024, 512 }, { 8192, 4096 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(below); i++)
		assert_int_equal(size_class_below(below[i][0]), below[i][1]);
}

static void test_short_buffer(void **state _unused_)
{
	struct advice_case c = kmalloc(520, 1024, 24758);
	uint64_t saving;
	char text[20];

	assert_true(advice_for(&c, text, sizeof(text), &saving));
	assert_int_equal(strlen(text), 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_little_over_a_class),
		cmocka_unit_test(test_far_over_a_class),
		cmocka_unit_test(test_rounds_up_to_words),
		cmocka_unit_test(test_page_backed),
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_nothing_to_gain),
		cmocka_unit_test(test_smallest_class),
		cmocka_unit_test(test_class_below),
		cmocka_unit_test(test_short_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
