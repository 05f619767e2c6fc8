// SPDX-License-Identifier: GPL-2.0
/*
 * The reader on rings made by hand. ring_open() needs a mapping that shows its data twice, which a
 * file can't fake: tests/live covers it.
 */
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "source/ring.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define SIZE 4096

/* The kernel's side of a ring. */
struct fake {
	struct ring ring;
	unsigned long consumer, producer;
	char data[2 * SIZE] __attribute__((aligned(8)));
};

static void fake_init(struct fake *k, unsigned long position)
{
	memset(k, 0, sizeof(*k));
	k->consumer = k->producer = position;
	k->ring = (struct ring){
		.fd = -1,
		.size = SIZE,
		.consumer = &k->consumer,
		.producer = &k->producer,
		.data = k->data,
		.next = position,
	};
}

static void store(struct fake *k, unsigned long position, const void *from, size_t n)
{
	size_t i, at = position & (SIZE - 1);

	memcpy(k->data + at, from, n);
	/* both halves show the same */
	for (i = 0; i < SIZE; i++) {
		if (i >= at && i < at + n)
			k->data[i + SIZE] = k->data[i];
		if (i + SIZE >= at && i + SIZE < at + n)
			k->data[i] = k->data[i + SIZE];
	}
}

/* Returns the record's position. */
static unsigned long put(struct fake *k, const void *record, uint32_t size, uint32_t bits)
{
	uint32_t header[2] = { size | bits, 0 };
	unsigned long position = k->producer;

	store(k, position, header, sizeof(header));
	store(k, position + sizeof(header), record, size);
	k->producer += (size + sizeof(header) + 7) / 8 * 8;
	return position;
}

static unsigned long put_free(struct fake *k, uint64_t ptr, uint32_t bits)
{
	struct event_free e = { .h.kind = EVENT_KFREE, .ptr = ptr };

	return put(k, &e, sizeof(e), bits);
}

static void expect_free(struct fake *k, uint64_t ptr, unsigned long position)
{
	const struct event_header *record;
	uint64_t at;

	assert_int_equal(ring_read(&k->ring, &record, &at), RING_RECORD);
	assert_int_equal(record->kind, EVENT_KFREE);
	assert_int_equal(((const struct event_free *)record)->ptr, ptr);
	assert_int_equal(at, position);
}

static void expect_none(struct fake *k, enum ring_state state)
{
	const struct event_header *record;
	uint64_t at;

	assert_int_equal(ring_read(&k->ring, &record, &at), state);
}

static void test_in_order(void **state _unused_)
{
	struct fake k;
	unsigned long a, b;

	fake_init(&k, 0);
	expect_none(&k, RING_EMPTY);
	a = put_free(&k, 17, 0);
	b = put_free(&k, 19, 0);
	expect_free(&k, 17, a);
	expect_free(&k, 19, b);
	expect_none(&k, RING_EMPTY);
	assert_int_equal(k.consumer, 0); /* nothing is given back by reading */
	ring_release(&k.ring, b);
	assert_int_equal(k.consumer, b);
}

static void test_busy(void **state _unused_)
{
	struct fake k;
	unsigned long a, b;
	uint32_t done = sizeof(struct event_free);

	fake_init(&k, 0);
	a = put_free(&k, 17, BPF_RINGBUF_BUSY_BIT);
	b = put_free(&k, 19, 0);
	expect_none(&k, RING_BUSY);
	expect_none(&k, RING_BUSY);
	assert_int_equal(k.ring.next, a);
	store(&k, a, &done, sizeof(done));
	expect_free(&k, 17, a);
	expect_free(&k, 19, b);
}

static void test_discarded(void **state _unused_)
{
	struct fake k;
	unsigned long b;

	fake_init(&k, 0);
	put_free(&k, 17, BPF_RINGBUF_DISCARD_BIT);
	put_free(&k, 18, BPF_RINGBUF_DISCARD_BIT);
	b = put_free(&k, 19, 0);
	put_free(&k, 20, BPF_RINGBUF_DISCARD_BIT);
	expect_free(&k, 19, b);
	expect_none(&k, RING_EMPTY);
	assert_int_equal(k.ring.next, k.producer);
}

static void test_invalid(void **state _unused_)
{
	struct event_free cut = { .h.kind = EVENT_CACHE }, unknown = { .h.kind = 200 };
	struct event_stack deep = { .h.kind = EVENT_STACK, .n = 65 };
	struct fake k;
	unsigned long b;

	fake_init(&k, 0);
	put(&k, &cut, sizeof(cut), 0);
	put(&k, &unknown, sizeof(unknown), 0);
	put(&k, &deep, sizeof(deep), 0);
	put(&k, "", 0, 0);
	b = put_free(&k, 23, 0);
	expect_free(&k, 23, b);
	expect_none(&k, RING_EMPTY);
}

/* Odd lengths are rounded up to eight. */
static void test_rounding(void **state _unused_)
{
	struct event_free odd[2] = { { .h.kind = EVENT_KFREE, .ptr = 29 } };
	struct fake k;
	unsigned long a, b;

	fake_init(&k, 0);
	a = put(&k, odd, sizeof(odd[0]) + 3, 0);
	b = put_free(&k, 31, 0);
	assert_int_equal(b - a, 40);
	expect_free(&k, 29, a);
	expect_free(&k, 31, b);
}

/* Many times around the ring; records over its end are whole thanks to the second half. */
static void turn_around(unsigned long position)
{
	struct fake k;
	uint64_t i;

	fake_init(&k, position);
	for (i = 0; i < 1009; i++) {
		unsigned long a = put_free(&k, i, 0);

		expect_free(&k, i, a);
		ring_release(&k.ring, k.ring.next);
		assert_int_equal(k.consumer, k.producer);
	}
}

static void test_around_the_end(void **state _unused_)
{
	turn_around(0);
	turn_around(8); /* a header of eight bytes ends the ring, its record begins it */
	turn_around(SIZE - 16);
}

/* Positions wrap, on 32-bit kernels after 4 GiB: only their difference counts. */
static void test_positions_wrap(void **state _unused_)
{
	struct fake k;
	unsigned long a, b;

	turn_around(ULONG_MAX - 2 * SIZE + 1);
	turn_around((unsigned long)LONG_MAX - SIZE + 1);
	fake_init(&k, ULONG_MAX - 31);
	a = put_free(&k, 37, 0);
	b = put_free(&k, 41, 0);
	assert_int_equal(b, 0);
	expect_free(&k, 37, a);
	expect_free(&k, 41, b);
	expect_none(&k, RING_EMPTY);
}

static void test_open_needs_a_ring(void **state _unused_)
{
	_cleanup_close_ int fd = memfd_create("no-ring", MFD_CLOEXEC);
	struct ring r = { .fd = -1 };

	assert_true(fd >= 0);
	assert_int_equal(ring_open(&r, -1, SIZE), -EBADF);
	assert_int_equal(r.fd, -1);
	ring_close(&r); /* never opened */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),       cmocka_unit_test(test_busy),
		cmocka_unit_test(test_discarded),      cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_rounding),       cmocka_unit_test(test_around_the_end),
		cmocka_unit_test(test_positions_wrap), cmocka_unit_test(test_open_needs_a_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
