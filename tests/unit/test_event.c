// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
	{ EVENT_PAGE_ALLOC, sizeof(struct event_page) },
	{ EVENT_PAGE_FREE, sizeof(struct event_page_free) },
	{ EVENT_PAGE_FALLBACK, sizeof(struct event_fallback) },
	{ EVENT_PAGE_REFILL, sizeof(struct event_page_free) },
	{ EVENT_PAGE_DRAIN, sizeof(struct event_page_free) },
	{ EVENT_PAGE_BULK, sizeof(struct event_work) },
	{ EVENT_COMPACTION, sizeof(struct event_work) },
	{ EVENT_RECLAIM, sizeof(struct event_work) },
	{ EVENT_AREA_ALLOC, sizeof(struct event_area) },
	{ EVENT_AREA_FREE, sizeof(struct event_area_free) },
	{ EVENT_AREA_PURGE, sizeof(struct event_area_purge) },
	{ EVENT_AREA_PAGES, sizeof(struct event_area_pages) },
	{ EVENT_VMALLOC, sizeof(struct event_vmalloc) },
	{ EVENT_IOREMAP, sizeof(struct event_ioremap) },
	{ EVENT_IOUNMAP, sizeof(struct event_free) },
	{ EVENT_REGISTER, sizeof(struct event_register) },
	{ EVENT_FAULT, sizeof(struct event_fault) },
	{ EVENT_FAULT_COUNTS, sizeof(struct event_fault_counts) },
	{ EVENT_PROCESS, sizeof(struct event_process) },
	{ EVENT_MAPS_LOST, sizeof(struct event_maps_lost) },
	{ EVENT_PROGRAM, sizeof(struct event_program) },
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
	struct event_snapshot room = { 0 };
	struct event_map map = { .h.kind = EVENT_MAP, .size = 13 };
	unsigned int kind;

	for (kind = 0; kind < 256; kind++) {
		room.h.kind = (uint8_t)kind;
		if (kind != EVENT_SNAPSHOT && kind != EVENT_MAP)
			assert_int_equal(event_size(&room.h), expected_size(kind));
	}
	room.h.kind = EVENT_SNAPSHOT;
	room.size = 17;
	assert_int_equal(event_size(&room.h), sizeof(room) + 17);
	assert_int_equal(event_size(&map.h), sizeof(map) + 13);
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
	room.h.kind = 31;
	assert_false(event_valid(&room.h, sizeof(room)));
	room.h.kind = 255;
	assert_false(event_valid(&room.h, sizeof(room)));
}

/* Whoever keeps something of each CPU relies on it. */
static void test_cpus(void **state _unused_)
{
	struct event_free e = { .h = { .kind = EVENT_KFREE, .cpu = EVENT_CPUS_MAX - 1 } };

	assert_true(event_valid(&e.h, sizeof(e)));
	e.h.cpu++;
	assert_false(event_valid(&e.h, sizeof(e)));
	e.h.cpu = UINT16_MAX;
	assert_false(event_valid(&e.h, sizeof(e)));
}

static void test_stack_depth(void **state _unused_)
{
	struct event_stack e = { .h.kind = EVENT_STACK, .n = EVENT_STACK_DEPTH };

	assert_true(event_valid(&e.h, sizeof(e)));
	e.n++;
	assert_false(event_valid(&e.h, sizeof(e)));
}

static void test_registers(void **state _unused_)
{
	struct event_register e = { .h.kind = EVENT_REGISTER, .name = "gpio1" };
	struct event_ioremap m = { .h.kind = EVENT_IOREMAP };

	assert_true(event_valid(&e.h, sizeof(e)));
	e.source = REGISTER_SOURCES;
	assert_false(event_valid(&e.h, sizeof(e)));
	e.source = 0;
	e.access = REGISTER_ACCESSES;
	assert_false(event_valid(&e.h, sizeof(e)));
	e.access = 0;
	e.name[REGISTER_NAME_LEN - 1] = 'x'; /* a name without end */
	assert_false(event_valid(&e.h, sizeof(e)));
	m.function = IOREMAP_FUNCTIONS;
	assert_false(event_valid(&m.h, sizeof(m)));
}

static void test_faults(void **state _unused_)
{
	struct event_fault f = { .h.kind = EVENT_FAULT, .stack = 17 };
	struct event_fault_counts c = { .h.kind = EVENT_FAULT_COUNTS };

	assert_true(event_valid(&f.h, sizeof(f)));
	assert_int_equal(event_stack_id(&f.h), 17);
	assert_int_equal(event_stack_id(&c.h), -1);
	/* a fault is an event, what a task says of its faults is none */
	assert_true(event_counts(&f.h));
	assert_false(event_counts(&c.h));
	for (c.what = 0; c.what < COUNTS_KINDS; c.what++)
		assert_true(event_valid(&c.h, sizeof(c)));
	assert_false(event_valid(&c.h, sizeof(c)));
	c.what = 255;
	assert_false(event_valid(&c.h, sizeof(c)));
}

static void test_processes(void **state _unused_)
{
	struct event_process e = { .h.kind = EVENT_PROCESS, .comm = "012345678901234" };

	for (e.what = 0; e.what < PROCESS_CHANGES; e.what++)
		assert_true(event_valid(&e.h, sizeof(e)));
	assert_false(event_valid(&e.h, sizeof(e)));
	e.what = 0;
	assert_false(event_counts(&e.h));
	e.comm[15] = 'x'; /* a name without end */
	assert_false(event_valid(&e.h, sizeof(e)));
}

/* A mapping with a path of @size bytes, all but the last «a», in a record with @room for it. */
static bool map_valid(uint64_t start, uint64_t bytes, uint32_t size, size_t room)
{
	static union {
		struct event_map e;
		char bytes[sizeof(struct event_map) + 2 * EVENT_PATH_MAX];
	} u;
	char *path = u.bytes + sizeof(u.e);

	memset(path, 'a', 2 * EVENT_PATH_MAX);
	if (size && size <= 2 * EVENT_PATH_MAX)
		path[size - 1] = '\0';
	u.e = (struct event_map){
		.h.kind = EVENT_MAP, .start = start, .bytes = bytes, .size = size
	};
	return event_valid(&u.e.h, sizeof(u.e) + room);
}

static void test_maps(void **state _unused_)
{
	struct event_map e = { .h.kind = EVENT_MAP, .bytes = 1, .size = 1 };
	struct {
		struct event_map e;
		char path[8];
	} open = { .e = { .h.kind = EVENT_MAP, .bytes = 1, .size = 8 },
		   .path = { 'w', 'i', 't', 'h', 'o', 'u', 't', '!' } };

	assert_true(map_valid(0x1000, 0x1000, 8, 8));
	assert_true(map_valid(0x1000, 0x1000, 8, 16));
	assert_true(map_valid(0x1000, 0x1000, 1, 8)); /* no name */
	assert_false(map_valid(0x1000, 0x1000, 0, 8)); /* no end */
	assert_false(map_valid(0x1000, 0x1000, 9, 8)); /* more than there is */
	assert_false(map_valid(0x1000, 0x1000, UINT32_MAX, 64));
	assert_true(map_valid(0x1000, 0x1000, EVENT_PATH_MAX, EVENT_PATH_MAX));
	assert_false(map_valid(0x1000, 0x1000, EVENT_PATH_MAX + 1, 2 * EVENT_PATH_MAX));
	assert_false(event_valid(&open.e.h, sizeof(open)));
	open.path[7] = '\0';
	assert_true(event_valid(&open.e.h, sizeof(open)));
	/* its fixed part alone is too short */
	assert_false(event_valid(&e.h, sizeof(e)));
	assert_false(event_valid(&e.h, sizeof(e) - 1));
	/* addresses: none, the first, the last, and beyond it */
	assert_false(map_valid(0x1000, 0, 8, 8));
	assert_true(map_valid(0, 1, 8, 8));
	assert_true(map_valid(0, UINT64_MAX, 8, 8));
	assert_true(map_valid(0xfffffffffffff000, 0x1000, 8, 8));
	assert_false(map_valid(0xfffffffffffff000, 0x1001, 8, 8));
	assert_false(map_valid(0x8000000000000000, 0x8000000000000001, 8, 8));
	assert_false(map_valid(2, UINT64_MAX, 8, 8));
}

/* A snapshot with @size bytes of data, of which all but the last are @fill. */
static bool snapshot_valid(enum snapshot_file file, uint8_t fill, uint32_t size, size_t room)
{
	union {
		struct event_snapshot e;
		uint8_t bytes[sizeof(struct event_snapshot) + 64];
	} u = { .e = { .h = { .kind = EVENT_SNAPSHOT, .flags = (uint8_t)file }, .size = size } };
	uint32_t i;

	for (i = 0; i + 1 < size && i < 64; i++)
		u.bytes[sizeof(u.e) + i] = fill;
	return event_valid(&u.e.h, sizeof(u.e) + room);
}

static void test_snapshots(void **state _unused_)
{
	assert_true(snapshot_valid(SNAPSHOT_ZONEINFO, 'a', 8, 8));
	assert_false(snapshot_valid(SNAPSHOT_ZONEINFO, 'a', 9, 8)); /* more than there is */
	assert_false(snapshot_valid(SNAPSHOT_ZONEINFO, 'a', 0, 8)); /* no end */
	assert_false(snapshot_valid(SNAPSHOT_ZONEINFO, 'a', UINT32_MAX, 64));
	assert_true(snapshot_valid(SNAPSHOT_FRAMES, 0, 16, 16));
	assert_true(snapshot_valid(SNAPSHOT_FRAMES, 0, 0, 16));
	assert_false(snapshot_valid(SNAPSHOT_FRAMES, 0, 12, 16)); /* half a run */
	assert_false(snapshot_valid(SNAPSHOT_FRAMES, FRAME_KINDS, 16, 16)); /* no such kind */
	assert_false(snapshot_valid(SNAPSHOT_MAX, 'a', 8, 8));
}

static void test_blocks(void **state _unused_)
{
	uint64_t block = event_pack_block(0x123456, 10, 1);

	assert_int_equal(event_pfn(block), 0x123456);
	assert_int_equal(event_order(block), 10);
	assert_int_equal(event_migratetype(block), 1);
	assert_int_equal(event_pfn(event_pack_block(~0ull, 3, 2)), EVENT_NO_PFN);
	assert_int_equal(event_order(event_pack_block(~0ull, 3, 2)), 3);
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
		cmocka_unit_test(test_unknown_kind), cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_stack_depth),  cmocka_unit_test(test_registers),
		cmocka_unit_test(test_snapshots),    cmocka_unit_test(test_faults),
		cmocka_unit_test(test_processes),    cmocka_unit_test(test_maps),
		cmocka_unit_test(test_blocks),	     cmocka_unit_test(test_packed_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
