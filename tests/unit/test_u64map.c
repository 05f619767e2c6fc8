// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/u64map.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The @nth key that lives in slot @home of a map of @bits. */
static uint64_t key_at(unsigned int bits, size_t home, unsigned int nth)
{
	struct u64map m = { .bits = bits };
	uint64_t key;

	for (key = 1;; key++)
		if (u64map_home(&m, key) == home && !nth--)
			return key;
}

static void test_empty(void **state _unused_)
{
	struct u64map m = { 0 };

	assert_int_equal(u64map_get(&m, 0), U64MAP_NONE);
	assert_int_equal(u64map_remove(&m, 0), U64MAP_NONE);
	u64map_free(&m);
	u64map_free(&m);
}

static void test_set_replaces(void **state _unused_)
{
	struct u64map m = { 0 };

	assert_int_equal(u64map_set(&m, 0, 7), 0); /* 0 is a key as any other */
	assert_int_equal(u64map_set(&m, UINT64_MAX, 0), 0);
	assert_int_equal(u64map_set(&m, 0, 8), 0);
	assert_int_equal(m.n, 2);
	assert_int_equal(u64map_get(&m, 0), 8);
	assert_int_equal(u64map_get(&m, UINT64_MAX), 0);
	assert_int_equal(u64map_remove(&m, 0), 8);
	assert_int_equal(u64map_remove(&m, 0), U64MAP_NONE);
	assert_int_equal(u64map_get(&m, UINT64_MAX), 0);
	u64map_free(&m);
}

/* Five keys of one slot, over the table's end, with a stranger among them. */
static void test_removal_shifts_back(void **state _unused_)
{
	uint64_t keys[6];
	unsigned int removed, i;

	for (i = 0; i < 5; i++)
		keys[i] = key_at(6, 62, i);
	keys[5] = key_at(6, 0, 0); /* its own slot is taken by the others */
	for (removed = 0; removed < 6; removed++) {
		struct u64map m = { 0 };

		for (i = 0; i < 6; i++)
			assert_int_equal(u64map_set(&m, keys[i], i), 0);
		assert_int_equal(m.bits, 6);
		assert_int_equal(u64map_remove(&m, keys[removed]), removed);
		for (i = 0; i < 6; i++)
			assert_int_equal(u64map_get(&m, keys[i]), i == removed ? U64MAP_NONE : i);
		u64map_free(&m);
	}
}

/* A key at home right behind a run must not be moved before its home. */
static void test_removal_leaves_keys_at_home(void **state _unused_)
{
	uint64_t a = key_at(6, 10, 0), b = key_at(6, 11, 0), c = key_at(6, 10, 1);
	struct u64map m = { 0 };

	assert_int_equal(u64map_set(&m, a, 1), 0);
	assert_int_equal(u64map_set(&m, b, 2), 0);
	assert_int_equal(u64map_set(&m, c, 3), 0);
	assert_int_equal(u64map_remove(&m, a), 1);
	assert_int_equal(u64map_get(&m, b), 2);
	assert_int_equal(u64map_get(&m, c), 3);
	assert_true(m.slots[10].key == c && m.slots[11].key == b);
	u64map_free(&m);
}

#define MODEL_KEYS 701

static void check_model(const struct u64map *m, const uint32_t *model, size_t n)
{
	size_t i;

	assert_int_equal(m->n, n);
	for (i = 0; i < MODEL_KEYS; i++)
		assert_int_equal(u64map_get(m, i * 192), model[i]);
}

/* Few keys and many steps, so that runs collide, grow and are cut again and again. */
static void test_random_against_model(void **state _unused_)
{
	uint32_t model[MODEL_KEYS];
	uint64_t seed = 0x2545f4914f6cdd1d;
	struct u64map m = { 0 };
	size_t i, n = 0;
	int step;

	for (i = 0; i < MODEL_KEYS; i++)
		model[i] = U64MAP_NONE;
	for (step = 0; step < 200000; step++) {
		uint64_t r = next_random(&seed);
		/* waves: the map fills up and is emptied */
		bool set = (r >> 40) % 100 < (step / 5000 % 2 ? 30u : 70u);

		i = r % MODEL_KEYS;
		if (set) {
			n += model[i] == U64MAP_NONE;
			model[i] = (uint32_t)(r >> 20) & 0xffffff;
			assert_int_equal(u64map_set(&m, i * 192, model[i]), 0);
		} else {
			n -= model[i] != U64MAP_NONE;
			assert_int_equal(u64map_remove(&m, i * 192), model[i]);
			model[i] = U64MAP_NONE;
		}
		if (step % 997 == 0)
			check_model(&m, model, n);
	}
	check_model(&m, model, n);
	u64map_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_set_replaces),
		cmocka_unit_test(test_removal_shifts_back),
		cmocka_unit_test(test_removal_leaves_keys_at_home),
		cmocka_unit_test(test_random_against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
