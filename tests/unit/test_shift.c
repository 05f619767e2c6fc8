// SPDX-License-Identifier: GPL-2.0
/* Addresses put somewhere else: what belongs together stays so, and no more than that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "record/shift.h"
#include "records.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* The same numbers in each run. */
static int draw(void *arg, uint64_t *ret)
{
	*ret = chance_next(arg);
	return 0;
}

struct place {
	uint64_t start, bytes;
	enum shift_kind kind;
};

/* Shift @n places, which ascend; @ret has room for their new starts. */
static void move(const struct place *p, size_t n, unsigned int word_size, uint64_t seed,
		 uint64_t *ret)
{
	struct chance chance = { seed };
	struct shift_random random = { draw, &chance };
	struct shifts *s = shifts_new(word_size);
	size_t i;

	for (i = 0; i < n; i++)
		shifts_note(s, p[i].start, p[i].bytes, p[i].kind);
	assert_int_equal(shifts_plan(s, &random), 0);
	for (i = 0; i < n; i++) {
		ret[i] = shifts_move(s, p[i].start);
		/* what is one piece stays one */
		assert_int_equal(shifts_move(s, p[i].start + p[i].bytes - 1),
				 ret[i] + p[i].bytes - 1);
		assert_int_equal(shifts_move_end(s, p[i].start + p[i].bytes), ret[i] + p[i].bytes);
		assert_int_equal(ret[i] % (2 << 20), p[i].start % (2 << 20));
		assert_true(!i || ret[i - 1] < ret[i]);
	}
	shifts_free(&s);
	assert_null(s);
}

static void test_64(void **state _unused_)
{
	static const struct place places[] = {
		{ 0x400000, 0x3000, SHIFT_USER },
		{ 0x2000000, 0x21000, SHIFT_USER }, /* its heap */
		{ 0x555555554000, 0x3000, SHIFT_USER },
		{ 0x555570000000, 0x21000, SHIFT_USER }, /* its heap */
		{ 0x7ffff7dc0000, 0x200000, SHIFT_USER },
		{ 0x7ffffffde000, 0x21000, SHIFT_USER },
		{ 0xffff888003a40000, 64, SHIFT_OBJECT },
		{ 0xffff88903a400040, 64, SHIFT_OBJECT },
		{ 0xffffc90000001000, 0x5000, SHIFT_AREA },
		{ 0xffffc90000200000, 0x800000, SHIFT_AREA },
		{ 0xffffffff81234567, 1, SHIFT_KERNEL },
		{ 0xffffffff82a34568, 1, SHIFT_CODE },
		{ 0xffffffffc0001234, 1, SHIFT_MODULE },
	};
	size_t n = ARRAY_SIZE(places), moved = 0, i;
	uint64_t to[ARRAY_SIZE(places)], seed;

	for (seed = 1; seed <= 100; seed++) {
		move(places, n, 8, seed, to);
		/* what is near in processes, the direct map, areas, and code */
		assert_int_equal(to[1] - to[0], 0x1c00000);
		assert_int_equal(to[3] - to[2], 0x1aaac000);
		assert_int_equal(to[7] - to[6], 0x10369c0040);
		assert_int_equal(to[9] - to[8], 0x1ff000);
		assert_int_equal(to[11] - to[10], 0x1800001);
		/* where the kernel lies among other things is hidden */
		moved += to[12] - to[10] != places[12].start - places[10].start;
		moved += to[10] - to[8] != places[10].start - places[8].start;
		moved += to[8] - to[6] != places[8].start - places[6].start;
		moved += to[10] != places[10].start;
		for (i = 0; i < 6; i++)
			assert_true(to[i] < 1ull << 47 &&
				    (to[i] >> 32 != 0) == (places[i].start >> 32 != 0));
		for (; i < n; i++)
			assert_true(to[i] >= 0xffff800000000000ull);
	}
	assert_in_range(moved, 395, 400);
}

/* The upper words of user addresses tell images apart. */
static void test_words(void **state _unused_)
{
	static const struct place places[] = {
		{ 0x7ffc00000000, 0x2000, SHIFT_USER },
		{ 0x7ffcffff0000, 0x2000, SHIFT_USER },
		{ 0x7ffd00001000, 0x2000, SHIFT_USER },
		{ 0x7fff00001000, 0x2000, SHIFT_USER },
	};
	uint64_t to[ARRAY_SIZE(places)], seed;

	for (seed = 1; seed <= 100; seed++) {
		move(places, ARRAY_SIZE(places), 8, seed, to);
		assert_int_equal(to[0] >> 32, to[1] >> 32);
		assert_int_equal((to[1] >> 32) + 1, to[2] >> 32);
		assert_true(to[3] >> 32 > (to[2] >> 32) + 1);
		assert_int_equal((uint32_t)to[3], 0x1000);
	}
}

static void test_32(void **state _unused_)
{
	static const struct place places[] = {
		{ 0x10000, 0x3000, SHIFT_USER },      { 0xb6f00000, 0x100000, SHIFT_USER },
		{ 0xbefdf000, 0x21000, SHIFT_USER },  { 0xbf001234, 1, SHIFT_MODULE },
		{ 0xc0101234, 1, SHIFT_KERNEL },      { 0xc1a01240, 64, SHIFT_OBJECT },
		{ 0xdfa01240, 64, SHIFT_OBJECT },     { 0xe0801000, 0x3000, SHIFT_AREA },
		{ 0xe0a00000, 0x400000, SHIFT_AREA },
	};
	size_t i, moved = 0;
	uint64_t to[ARRAY_SIZE(places)], seed;

	for (seed = 1; seed <= 100; seed++) {
		move(places, ARRAY_SIZE(places), 4, seed, to);
		for (i = 0; i < ARRAY_SIZE(places); i++) {
			assert_true(to[i] < 1ull << 32);
			assert_int_equal(to[i] >= 0xbf000000, places[i].start >= 0xbf000000);
			moved += to[i] != places[i].start;
		}
		/* it does not become a heap */
		assert_true(to[1] - to[0] > 64 << 20);
	}
	assert_true(moved > 600);
}

/* Code of a kernel with five levels of page tables is not where its objects are. */
static void test_57(void **state _unused_)
{
	static const struct place places[] = {
		{ 0xff11000012345000, 64, SHIFT_OBJECT },
		{ 0xffa0000000001000, 0x3000, SHIFT_AREA },
		{ 0xffffffff81001234, 1, SHIFT_KERNEL },
	};
	uint64_t to[ARRAY_SIZE(places)], seed;

	for (seed = 1; seed <= 100; seed++) {
		move(places, ARRAY_SIZE(places), 8, seed, to);
		assert_true(to[0] >> 56 == 0xff && to[1] < 0xffff000000000000ull);
		assert_true(to[2] >> 48 == 0xffff);
	}
}

static void test_constants(void **state _unused_)
{
	static const uint64_t constants[] = {
		0, 16, 4095, 0xffffffffff600000, UINT64_MAX - 11, UINT64_MAX
	};
	struct chance chance = { 1 };
	struct shift_random random = { draw, &chance };
	struct shifts *s = shifts_new(8);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(constants); i++)
		shifts_note(s, constants[i], 1, SHIFT_AREA);
	/* ranges that wrap, and larger than anything */
	shifts_note(s, 0x1000, UINT64_MAX, SHIFT_USER);
	shifts_note(s, 0xffff888000000000, UINT64_MAX, SHIFT_AREA);
	assert_int_equal(shifts_plan(s, &random), 0);
	for (i = 0; i < ARRAY_SIZE(constants); i++)
		assert_int_equal(shifts_move(s, constants[i]), constants[i]);
	assert_int_equal(shifts_move_end(s, 4096), 4096);
	shifts_free(&s);
}

/* Whatever is noted: no two addresses become one, and their order stays. */
static void test_chance(void **state _unused_)
{
	struct chance c = { 7 };
	uint64_t round, last = 0, last_to = 0;
	size_t i;

	for (round = 0; round < 300; round++) {
		unsigned int word_size = chance_below(&c, 3) ? 8 : 4;
		struct shift_random random = { draw, &c };
		struct shifts *s = shifts_new(word_size);
		uint64_t values[64];

		for (i = 0; i < ARRAY_SIZE(values); i++) {
			values[i] = chance_value(&c) >> chance_below(&c, 3) * 16;
			shifts_note(s, values[i], chance_below(&c, 8) ? 1 : chance_value(&c),
				    (enum shift_kind)chance_below(&c, SHIFT_KINDS));
		}
		assert_int_equal(shifts_plan(s, &random), 0);
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			uint64_t to = shifts_move(s, values[i]);

			if (i && values[i] != last)
				assert_int_equal(to > last_to, values[i] > last);
			last = values[i];
			last_to = to;
		}
		shifts_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_64),	  cmocka_unit_test(test_words),
		cmocka_unit_test(test_32),	  cmocka_unit_test(test_57),
		cmocka_unit_test(test_constants), cmocka_unit_test(test_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
