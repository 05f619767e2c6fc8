// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static const struct {
	enum event_kind kind;
	size_t size;
} known[] = {
	{ EVENT_KMALLOC, sizeof(struct event_alloc) },
	{ EVENT_CACHE_ALLOC, sizeof(struct event_alloc) },
	{ EVENT_KFREE, sizeof(struct event_free) },
	{ EVENT_CACHE_FREE, sizeof(struct event_free) },
	{ EVENT_CACHE, sizeof(struct event_cache) },
	{ EVENT_TASK, sizeof(struct event_task) },
	{ EVENT_TICK, sizeof(struct event_header) },
	{ EVENT_STACK, sizeof(struct event_stack) },
	{ EVENT_COUNTERS, sizeof(struct event_counters) },
	{ EVENT_MISSES, sizeof(struct event_misses) },
	{ EVENT_START, sizeof(struct event_start) },
	{ EVENT_END, sizeof(struct event_header) },
};

static size_t expected_size(unsigned int kind)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].kind == kind)
			return known[i].size;
	return 0;
}

static void test_sizes(void **state _unused_)
{
	struct event_header h = { 0 };
	unsigned int kind;

	for (kind = 0; kind < 256; kind++) {
		h.kind = (uint8_t)kind;
		assert_int_equal(event_size(&h), expected_size(kind));
	}
}

static void test_whole_records_only(void **state _unused_)
{
	struct event_stack room = { 0 }; /* the largest */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		room.h.kind = (uint8_t)known[i].kind;
		assert_true(event_valid(&room.h, known[i].size));
		assert_true(event_valid(&room.h, known[i].size + 8));
		assert_false(event_valid(&room.h, known[i].size - 1));
		assert_false(event_valid(&room.h, 0));
	}
}

static void test_unknown_kind(void **state _unused_)
{
	struct event_stack room = { .h.kind = 0 };

	assert_false(event_valid(&room.h, sizeof(room)));
	room.h.kind = 7;
	assert_false(event_valid(&room.h, sizeof(room)));
	room.h.kind = 255;
	assert_false(event_valid(&room.h, sizeof(room)));
}

static void test_stack_depth(void **state _unused_)
{
	struct event_stack e = { .h.kind = EVENT_STACK, .n = EVENT_STACK_DEPTH };

	assert_true(event_valid(&e.h, sizeof(e)));
	e.n++;
	assert_false(event_valid(&e.h, sizeof(e)));
}

static void test_packed_sizes(void **state _unused_)
{
	uint64_t what = event_pack_sizes(520, 1024);

	assert_int_equal(event_requested(what), 520);
	assert_int_equal(event_given(what), 1024);
	what = event_pack_sizes(UINT32_MAX, UINT32_MAX - 1);
	assert_int_equal(event_requested(what), UINT32_MAX);
	assert_int_equal(event_given(what), UINT32_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),	     cmocka_unit_test(test_whole_records_only),
		cmocka_unit_test(test_unknown_kind), cmocka_unit_test(test_stack_depth),
		cmocka_unit_test(test_packed_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
