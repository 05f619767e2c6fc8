// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/u64index.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define ITEMS 4099

struct item {
	uint64_t key; /* 0: not in the index */
	uint64_t other;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void test_empty(void **state _unused_)
{
	struct u64index x = { .item_size = sizeof(struct item) };

	assert_int_equal(u64index_get(&x, NULL, 7), U64INDEX_NONE);
	u64index_free(&x);
	u64index_free(&x);
}

/* Keys of one home, next to each other in the table. */
static void test_same_home(void **state _unused_)
{
	struct u64index x = { .item_size = sizeof(struct item) };
	struct item items[3] = { { .key = 1 } };
	uint64_t key = 1;
	uint32_t i;

	for (i = 1; i < 3; i++) {
		uint64_t random = 0x2545f4914f6cdd1dull + i;

		do
			key = next_random(&random) & 0xffffff;
		while (u64index_tag(key) >> 16 != u64index_tag(1) >> 16 || key == items[i - 1].key);
		items[i].key = key;
	}
	for (i = 0; i < 3; i++)
		assert_int_equal(u64index_add(&x, items[i].key, i), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(u64index_get(&x, items, items[i].key), i);
	u64index_remove(&x, items[0].key, 0);
	assert_int_equal(u64index_get(&x, items, items[0].key), U64INDEX_NONE);
	assert_int_equal(u64index_get(&x, items, items[1].key), 1);
	assert_int_equal(u64index_get(&x, items, items[2].key), 2);
	u64index_remove(&x, items[0].key, 0); /* it is not there */
	assert_int_equal(x.n, 2);
	u64index_free(&x);
}

/* A hundred thousand times one comes or goes; now and then all are looked for. */
static void test_random(void **state _unused_)
{
	static struct item items[ITEMS];
	struct u64index x = { .item_size = sizeof(struct item) };
	uint64_t random = 88172645463325252ull;
	size_t n = 0, turn;
	uint32_t i;

	for (turn = 0; turn < 100003; turn++) {
		i = (uint32_t)(next_random(&random) % ITEMS);
		if (items[i].key) {
			u64index_remove(&x, items[i].key, i);
			items[i].key = 0;
			n--;
		} else {
			/* neighbours, as objects of a slab are */
			uint64_t key = 0xffff888000000000ull + i * 192;

			assert_int_equal(u64index_add(&x, key, i), 0);
			items[i].key = key;
			n++;
		}
		assert_int_equal(x.n, n);
		if (turn % 10007)
			continue;
		for (i = 0; i < ITEMS; i++)
			assert_int_equal(u64index_get(&x, items, 0xffff888000000000ull + i * 192),
					 items[i].key ? i : U64INDEX_NONE);
	}
	assert_true(n > ITEMS / 3);
	u64index_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_same_home),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
