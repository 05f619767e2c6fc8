// SPDX-License-Identifier: GPL-2.0
/* The buffers that side-band records come in, made by hand, and the queue that sorts them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "source/sideband_queue.h"
#include "source/sideband_ring.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* --- buffers ------------------------------------------------------------------------------------ */

#define SIZE 4096

/* The kernel's side of a buffer. */
struct fake {
	struct perf_ring ring;
	struct perf_event_mmap_page control;
	char data[SIZE] __attribute__((aligned(8)));
	char copy[PERF_RECORD_MAX] __attribute__((aligned(8)));
};

static void fake_init(struct fake *k, uint64_t position)
{
	memset(k, 0, sizeof(*k));
	k->control.data_head = k->control.data_tail = position;
	k->ring = (struct perf_ring){
		.control = &k->control,
		.data = k->data,
		.size = SIZE,
		.tail = position,
	};
}

/* A record of @size bytes, the ones behind its header all @fill; it may say that it has @told. */
static void put(struct fake *k, size_t size, size_t told, char fill)
{
	struct perf_event_header h = { .type = 9, .size = (uint16_t)told };
	size_t i;

	for (i = 0; i < size; i++)
		k->data[(k->control.data_head + i) % SIZE] =
			i < sizeof(h) ? ((const char *)&h)[i] : fill;
	k->control.data_head += size;
}

static void expect(struct fake *k, size_t size, char fill)
{
	const struct perf_event_header *p;
	size_t i;

	assert_int_equal(perf_ring_next(&k->ring, k->copy, &p), PERF_RING_RECORD);
	assert_int_equal(p->type, 9);
	assert_int_equal(p->size, size);
	for (i = sizeof(*p); i < size; i++)
		assert_int_equal(((const char *)p)[i], fill);
}

static void expect_state(struct fake *k, enum perf_ring_state state)
{
	const struct perf_event_header *p;

	assert_int_equal(perf_ring_next(&k->ring, k->copy, &p), state);
}

static void test_ring(void **state _unused_)
{
	struct fake k;

	fake_init(&k, 0);
	assert_int_equal(perf_ring_begin(&k.ring), 0);
	expect_state(&k, PERF_RING_EMPTY);
	put(&k, 48, 48, 'a');
	put(&k, 8, 8, 'b');
	assert_int_equal(perf_ring_begin(&k.ring), 56);
	put(&k, 16, 16, 'c'); /* comes too late for this time */
	expect(&k, 48, 'a');
	expect(&k, 8, 'b');
	expect_state(&k, PERF_RING_EMPTY);
	assert_int_equal(k.control.data_tail, 0);
	assert_int_equal(perf_ring_end(&k.ring), 72);
	assert_int_equal(k.control.data_tail, 56);
	assert_int_equal(perf_ring_begin(&k.ring), 16);
	expect(&k, 16, 'c');
}

/* Many times around, with records that go over the end at any place. */
static void turn_around(uint64_t position, bool narrow)
{
	struct fake k;
	size_t i, size;

	fake_init(&k, position);
	for (i = 0; i < 1009; i++) {
		size = 8 + i * 40 % 3001 / 8 * 8;
		put(&k, size, size, (char)i);
		/* a kernel of 32 bits */
		if (narrow)
			k.control.data_head = (uint32_t)k.control.data_head;
		assert_int_equal(perf_ring_begin(&k.ring), size);
		expect(&k, size, (char)i);
		expect_state(&k, PERF_RING_EMPTY);
		perf_ring_end(&k.ring);
		assert_int_equal((uint32_t)k.control.data_tail, (uint32_t)k.control.data_head);
	}
}

static void test_ring_wraps(void **state _unused_)
{
	turn_around(0, false);
	turn_around(SIZE - 8, false);
	turn_around(UINT32_MAX - SIZE * 9ull + 1, false);
	turn_around(UINT32_MAX - SIZE * 9ull + 1, true);
	turn_around(UINT64_MAX - SIZE * 9ull + 1, false);
}

static void test_ring_full(void **state _unused_)
{
	struct fake k;

	fake_init(&k, 24);
	put(&k, SIZE, SIZE, 'f');
	assert_int_equal(perf_ring_begin(&k.ring), SIZE);
	expect(&k, SIZE, 'f');
	expect_state(&k, PERF_RING_EMPTY);
	assert_int_equal(perf_ring_end(&k.ring), SIZE);
}

/* Whatever a size is, reading ends and goes on behind it. */
static void test_ring_broken(void **state _unused_)
{
	static const size_t told[] = { 0, 1, 7, 9, 12, 40, 72, 65528, 65535 };
	struct fake k;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(told); i++) {
		fake_init(&k, SIZE - 16);
		put(&k, 16, 16, 'a');
		put(&k, 32, told[i], 'b');
		assert_int_equal(perf_ring_begin(&k.ring), 48);
		expect(&k, 16, 'a');
		expect_state(&k, PERF_RING_BROKEN);
		expect_state(&k, PERF_RING_EMPTY);
		perf_ring_end(&k.ring);
		put(&k, 24, 24, 'c');
		assert_int_equal(perf_ring_begin(&k.ring), 24);
		expect(&k, 24, 'c');
	}
	/* more than there can be */
	fake_init(&k, 0);
	k.control.data_head = SIZE + 8;
	perf_ring_begin(&k.ring);
	expect_state(&k, PERF_RING_BROKEN);
	expect_state(&k, PERF_RING_EMPTY);
}

/* --- the queue ---------------------------------------------------------------------------------- */

static void put_name(struct sideband_queue *q, uint64_t time, uint32_t pid)
{
	struct event_process e = { .h = { .time = time, .kind = EVENT_PROCESS, .pid = pid },
				   .what = PROCESS_NAME };

	sideband_queue_put(q, &e.h);
}

static void put_process(struct sideband_queue *q, uint64_t time, uint32_t pid,
			enum process_change what)
{
	struct event_process e = { .h = { .time = time, .kind = EVENT_PROCESS, .pid = pid },
				   .what = (uint8_t)what };

	sideband_queue_put(q, &e.h);
}

static void put_thread(struct sideband_queue *q, uint64_t time, uint32_t pid, uint32_t tid,
		       bool exits)
{
	struct sideband_thread e = {
		.h = { .time = time,
		       .kind = exits ? SIDEBAND_THREAD_EXIT : SIDEBAND_THREAD,
		       .pid = pid },
		.tid = tid,
	};

	sideband_queue_put(q, &e.h);
}

/* The next one that is there is @pid's, of @time. */
static void expect_pid(struct sideband_queue *q, uint64_t until, uint64_t time, uint32_t pid)
{
	const struct event_header *h = sideband_queue_next(q, until);

	assert_non_null(h);
	assert_int_equal(h->pid, pid);
	assert_int_equal(h->time, time);
}

static void expect_lost(struct sideband_queue *q, uint64_t time, uint64_t n)
{
	const struct event_header *h = sideband_queue_next(q, UINT64_MAX);

	assert_non_null(h);
	assert_int_equal(h->kind, EVENT_MAPS_LOST);
	assert_int_equal(h->time, time);
	assert_int_equal(((const struct event_maps_lost *)h)->records, n);
}

static void test_queue_order(void **state _unused_)
{
	_cleanup_(sideband_queue_free) struct sideband_queue q = { 0 };

	assert_null(sideband_queue_next(&q, UINT64_MAX));
	put_name(&q, 20, 1); /* a CPU */
	put_name(&q, 40, 2);
	put_name(&q, 40, 3);
	put_name(&q, 10, 4); /* another one */
	put_name(&q, 40, 5);
	put_name(&q, 60, 6);
	assert_null(sideband_queue_next(&q, 9));
	expect_pid(&q, 10, 10, 4);
	assert_null(sideband_queue_next(&q, 19));
	expect_pid(&q, 50, 20, 1);
	put_name(&q, 30, 7);
	put_name(&q, 40, 8);
	expect_pid(&q, 50, 30, 7);
	expect_pid(&q, 50, 40, 2);
	expect_pid(&q, 50, 40, 3);
	expect_pid(&q, 50, 40, 5);
	expect_pid(&q, 50, 40, 8);
	assert_null(sideband_queue_next(&q, 59));
	expect_pid(&q, UINT64_MAX, 60, 6);
	assert_null(sideband_queue_next(&q, UINT64_MAX));
}

static void test_queue_late(void **state _unused_)
{
	_cleanup_(sideband_queue_free) struct sideband_queue q = { 0 };

	put_name(&q, 20, 1);
	put_name(&q, 90, 2);
	expect_pid(&q, 50, 20, 1);
	assert_null(sideband_queue_next(&q, 50));
	put_name(&q, 40, 3);
	put_name(&q, 30, 4);
	expect_pid(&q, 60, 50, 4);
	expect_pid(&q, 60, 50, 3);
	expect_pid(&q, UINT64_MAX, 90, 2);
	assert_null(sideband_queue_next(&q, UINT64_MAX));
	put_name(&q, 80, 5);
	expect_pid(&q, UINT64_MAX, 90, 5);
}

/* More than one chunk, in any order, many times: all come, in order, and memory is given back. */
static void test_queue_many(void **state _unused_)
{
	_cleanup_(sideband_queue_free) struct sideband_queue q = { 0 };
	const struct event_header *h;
	uint64_t round, i, before = 0, n = 0;

	for (round = 0; round < 7; round++) {
		for (i = 0; i < 10007; i++)
			put_name(&q, round * 5000 + i * 7919 % 10007, (uint32_t)i);
		while ((h = sideband_queue_next(&q, round * 5000 + 6000))) {
			assert_true(h->time >= before);
			before = h->time;
			n++;
		}
	}
	while ((h = sideband_queue_next(&q, UINT64_MAX)))
		n++;
	assert_int_equal(n, 7 * 10007);
	assert_int_equal(q.bytes, 0);
	assert_null(q.items);
}

static void test_queue_freed_full(void **state _unused_)
{
	struct sideband_queue q = { 0 };
	size_t i;

	for (i = 0; i < 10007; i++)
		put_name(&q, i, 1);
	expect_pid(&q, 5, 0, 1);
	sideband_queue_free(&q);
	sideband_queue_free(&q);
}

static void test_queue_bound(void **state _unused_)
{
	const size_t one = sizeof(struct event_process) + sizeof(struct sideband_entry);
	_cleanup_(sideband_queue_free) struct sideband_queue q = { .max_bytes = 11 * one };
	size_t i;

	for (i = 0; i < 11 + 13; i++)
		put_name(&q, 100 + i, (uint32_t)i);
	for (i = 0; i < 11; i++)
		expect_pid(&q, UINT64_MAX, 100 + i, (uint32_t)i);
	expect_lost(&q, 111, 13);
	assert_null(sideband_queue_next(&q, UINT64_MAX));
	/* there is room again; losses come where they belong, and what is said of others adds up */
	put_name(&q, 200, 1);
	put_name(&q, 300, 2);
	sideband_queue_lost(&q, 250, 17);
	sideband_queue_lost(&q, 260, 2);
	expect_pid(&q, 249, 200, 1);
	assert_null(sideband_queue_next(&q, 249));
	expect_lost(&q, 250, 19);
	expect_pid(&q, UINT64_MAX, 300, 2);
}

static void test_queue_lost_of_lost(void **state _unused_)
{
	struct event_maps_lost e = { .h = { .time = 7, .kind = EVENT_MAPS_LOST }, .records = 1013 };
	_cleanup_(sideband_queue_free) struct sideband_queue q = { .max_bytes = 1 };

	sideband_queue_put(&q, &e.h);
	put_name(&q, 8, 1);
	expect_lost(&q, 7, 1014);
}

/* A process ends with its last thread, whichever that is and wherever it was told. */
static void test_threads(void **state _unused_)
{
	_cleanup_(sideband_queue_free) struct sideband_queue q = { 0 };
	const struct event_header *h;

	put_thread(&q, 40, 10, 10, true); /* another CPU, read first */
	put_thread(&q, 60, 10, 12, true);
	put_process(&q, 10, 10, PROCESS_FORK);
	put_thread(&q, 20, 10, 11, false);
	put_thread(&q, 30, 10, 12, false);
	put_thread(&q, 50, 10, 11, true);
	expect_pid(&q, 59, 10, 10);
	assert_null(sideband_queue_next(&q, 59));
	h = sideband_queue_next(&q, 60);
	assert_non_null(h);
	assert_int_equal(h->time, 60);
	assert_int_equal(h->kind, EVENT_PROCESS);
	assert_int_equal(((const struct event_process *)h)->what, PROCESS_EXIT);
	assert_null(sideband_queue_next(&q, UINT64_MAX));
	assert_int_equal(q.threads.n, 0);
}

/* What /proc tells overlaps with what perf tells. */
static void test_threads_twice(void **state _unused_)
{
	_cleanup_(sideband_queue_free) struct sideband_queue q = { 0 };

	put_thread(&q, 10, 10, 10, false); /* it was there */
	put_thread(&q, 10, 10, 12, false);
	put_thread(&q, 11, 10, 12, false); /* it began after the time of reading */
	put_thread(&q, 12, 10, 13, true); /* it had ended when that was read */
	put_thread(&q, 13, 10, 12, true);
	assert_null(sideband_queue_next(&q, 13));
	put_thread(&q, 14, 10, 10, true);
	expect_pid(&q, UINT64_MAX, 14, 10);
	/* nothing is known of this one */
	put_thread(&q, 15, 20, 21, true);
	assert_null(sideband_queue_next(&q, 15));
	put_thread(&q, 16, 20, 20, true);
	expect_pid(&q, 16, 16, 20);
	assert_int_equal(q.threads.n, 0);
}

/* Another thread than the first calls execve(): it takes over the first one's number. */
static void test_threads_exec(void **state _unused_)
{
	_cleanup_(sideband_queue_free) struct sideband_queue q = { 0 };

	put_process(&q, 10, 10, PROCESS_FORK);
	put_thread(&q, 20, 10, 11, false);
	put_thread(&q, 20, 10, 12, false);
	put_thread(&q, 30, 10, 10, true);
	put_thread(&q, 31, 10, 12, true);
	put_process(&q, 40, 10, PROCESS_EXEC);
	put_thread(&q, 50, 10, 10, true);
	expect_pid(&q, UINT64_MAX, 10, 10);
	expect_pid(&q, UINT64_MAX, 40, 10);
	expect_pid(&q, UINT64_MAX, 50, 10);
	assert_null(sideband_queue_next(&q, UINT64_MAX));
	assert_int_equal(q.threads.n, 0);
	/* its end was lost, the number is used again */
	put_process(&q, 60, 10, PROCESS_FORK);
	put_thread(&q, 61, 10, 11, false);
	put_process(&q, 70, 10, PROCESS_FORK);
	put_thread(&q, 71, 10, 10, true);
	expect_pid(&q, UINT64_MAX, 60, 10);
	expect_pid(&q, UINT64_MAX, 70, 10);
	expect_pid(&q, UINT64_MAX, 71, 10);
	assert_int_equal(q.threads.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring),	     cmocka_unit_test(test_ring_wraps),
		cmocka_unit_test(test_ring_full),    cmocka_unit_test(test_ring_broken),
		cmocka_unit_test(test_queue_order),  cmocka_unit_test(test_queue_late),
		cmocka_unit_test(test_queue_many),   cmocka_unit_test(test_queue_freed_full),
		cmocka_unit_test(test_queue_bound),  cmocka_unit_test(test_queue_lost_of_lost),
		cmocka_unit_test(test_threads),	     cmocka_unit_test(test_threads_twice),
		cmocka_unit_test(test_threads_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
