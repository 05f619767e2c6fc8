// SPDX-License-Identifier: GPL-2.0
/* The books of the vmalloc range: what the golden scripts do not reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/areas.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define PAGE 4096u
#define A    0xffffc90000000000ull

static void enter(struct areas *a, const struct event_header *h)
{
	areas_consume(a, &h, 1);
}

static void begin(struct areas *a, uint32_t hooked)
{
	struct event_start e = { .h = { .time = 1, .kind = EVENT_START },
				 .page_size = PAGE,
				 .n_cpus = 1,
				 .hooked = hooked };

	areas_init(a);
	enter(a, &e.h);
}

static void take(struct areas *a, uint64_t time, uint64_t address, uint64_t bytes, uint8_t flags)
{
	struct event_area e = {
		.h = { .time = time, .kind = EVENT_AREA_ALLOC, .flags = flags, .pid = 7 },
		.address = address,
		.bytes = bytes,
		.stack = -1
	};

	enter(a, &e.h);
}

static void give_up(struct areas *a, uint64_t time, uint64_t address)
{
	struct event_area_free e = { .h = { .time = time, .kind = EVENT_AREA_FREE },
				     .address = address,
				     .lazy = EVENT_AREA_UNKNOWN };

	enter(a, &e.h);
}

static void call(struct areas *a, uint64_t time, uint64_t address, uint64_t site)
{
	struct event_vmalloc e = { .h = { .time = time, .kind = EVENT_VMALLOC, .pid = 7 },
				   .address = address,
				   .bytes = 100,
				   .site = site,
				   .began = time - 5 };

	enter(a, &e.h);
}

static void look(struct areas *a, uint64_t time, const char *text)
{
	char room[sizeof(struct event_snapshot) + 1024] = { 0 };
	struct event_snapshot *e = (void *)room;

	e->h = (struct event_header){ .time = time,
				      .kind = EVENT_SNAPSHOT,
				      .flags = SNAPSHOT_VMALLOCINFO };
	e->size = (uint32_t)strlen(text) + 1;
	memcpy(e->data, text, e->size);
	enter(a, &e->h);
}

static const struct area_site *site_of(const struct areas *a, uint64_t site)
{
	size_t i;

	for (i = 0; i < a->sites.n; i++)
		if (a->sites.items[i].site == site && a->sites.items[i].allocs)
			return &a->sites.items[i];
	return NULL;
}

/* A call tells afterwards who it was: the area is counted there, and nowhere else. */
static void test_call_moves(void **state _unused_)
{
	struct areas a;

	begin(&a, HOOKED_VMALLOC);
	take(&a, 10, A, 2 * PAGE, 0);
	assert_int_equal(site_of(&a, 0)->live_bytes, PAGE);
	call(&a, 11, A, 0x1000);
	assert_null(site_of(&a, 0));
	assert_int_equal(site_of(&a, 0x1000)->allocs, 1);
	assert_int_equal(site_of(&a, 0x1000)->calls, 1);
	assert_int_equal(site_of(&a, 0x1000)->call_ns, 5);
	give_up(&a, 20, A);
	assert_int_equal(site_of(&a, 0x1000)->frees, 1);
	assert_int_equal(site_of(&a, 0x1000)->live_bytes, 0);
	assert_int_equal(a.stream.quality.frees_matched, 1);
	areas_free(&a);
}

static uint64_t failed(const struct areas *a)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < a->sites.n; i++)
		n += areas_failed(a, i);
	assert_int_equal(n, a->stream.quality.failed + a->failures.n);
	return n;
}

/* One failure is told twice or more, by each area that found no room and by the call. */
static void test_failed_once(void **state _unused_)
{
	struct areas a;

	begin(&a, HOOKED_VMALLOC);
	take(&a, 10, 0, 1 << 30, 0);
	take(&a, 11, 0, 1 << 30, 0); /* tried again, after a purge */
	call(&a, 12, 0, 0x1000);
	assert_int_equal(failed(&a), 1);
	call(&a, 13, 0, 0x1000); /* it had room, and no pages */
	assert_int_equal(failed(&a), 2);
	take(&a, 20, 0, 1 << 20, 0); /* tried again, with success */
	take(&a, 21, A, 1 << 20, 0);
	assert_int_equal(failed(&a), 2);
	take(&a, 30, 0, 1 << 21, 0); /* nobody tries again, nor is there a call */
	assert_int_equal(failed(&a), 3);
	take(&a, 40, A + 0x100000, 2 * PAGE, 0); /* something else */
	assert_int_equal(failed(&a), 3);
	assert_int_equal(a.failures.n, 0);
	call(&a, 60, 0, 0x2000); /* has nothing to do with what failed before it began */
	assert_int_equal(failed(&a), 4);
	assert_int_equal(a.stream.quality.allocs, 2);
	areas_free(&a);
}

/* Frees that are older than what lives there, of areas that nobody knows, and of what is given out again. */
static void test_frees(void **state _unused_)
{
	struct areas a;

	begin(&a, 0);
	take(&a, 10, A, 2 * PAGE, 0);
	give_up(&a, 9, A);
	assert_int_equal(a.stream.quality.frees_unknown, 1);
	assert_int_equal(a.n_live, 1);
	take(&a, 20, A, 3 * PAGE, 0);
	assert_int_equal(a.stream.quality.frees_implied_reuse, 1);
	assert_int_equal(site_of(&a, 0)->implied, 1);
	assert_int_equal(site_of(&a, 0)->live_bytes, 2 * PAGE);
	take(&a, 30, A, 4 * PAGE, EVENT_REUSE); /* by somebody who is not selected */
	assert_int_equal(a.n_live, 0);
	assert_int_equal(site_of(&a, 0)->live, 0);
	take(&a, 40, A, 2 * PAGE, EVENT_OWN);
	give_up(&a, 41, A);
	assert_int_equal(a.stream.quality.own, 2);
	assert_int_equal(site_of(&a, 0)->allocs, 2);
	areas_free(&a);
}

/* What was there before is no allocation, and its free no more than that of an unknown area. */
static void test_existing(void **state _unused_)
{
	struct areas a;

	begin(&a, 0);
	take(&a, 10, A + 0x10000, 2 * PAGE, 0);
	give_up(&a, 11, A + 0x20000);
	/* it was read while these two came: neither is from before */
	look(&a, 12,
	     "0xffffc90000000000-0xffffc90000003000   12288 f+0x1/0x2 pages=2 vmalloc\n"
	     "0xffffc90000010000-0xffffc90000012000    8192 g+0x1/0x2 pages=1 vmalloc\n"
	     "0xffffc90000020000-0xffffc90000022000    8192 g+0x1/0x2 pages=1 vmalloc\n");
	assert_int_equal(a.callers.n, 1);
	assert_string_equal(a.callers.items[0].name, "f+0x1/0x2");
	assert_int_equal(a.callers.items[0].bytes, 2 * PAGE);
	assert_int_equal(a.n_live, 2);
	give_up(&a, 20, A);
	assert_int_equal(a.callers.items[0].freed, 1);
	assert_int_equal(a.stream.quality.frees_unknown, 2);
	assert_int_equal(a.stream.quality.frees_matched, 0);
	assert_int_equal(a.start.areas[AREA_KIND_VMALLOC], 3);
	areas_free(&a);
}

/* A purge ends the waiting of those in its range that were freed before it. */
static void test_purge(void **state _unused_)
{
	struct event_area_purge e = { .h = { .time = 100, .kind = EVENT_AREA_PURGE },
				      .start = A,
				      .end = A + 0x2000,
				      .areas = EVENT_AREA_UNKNOWN };
	struct areas a;

	begin(&a, HOOKED_PURGE);
	give_up(&a, 10, A);
	give_up(&a, 30, A + 0x1000);
	give_up(&a, 40, A + 0x2000);
	enter(&a, &e.h);
	assert_int_equal(a.purged, 2);
	assert_int_equal(a.waited_ns, 90 + 70);
	assert_int_equal(a.waited_max_ns, 90);
	assert_int_equal(a.waiting.n, 1);
	/* what was freed while it ran goes on waiting: it says how many it took */
	give_up(&a, 110, A);
	give_up(&a, 120, A + 0x1000);
	e.h.time = 130;
	e.areas = 1;
	enter(&a, &e.h);
	assert_int_equal(a.purged, 3);
	assert_int_equal(a.waiting.n, 2);
	areas_free(&a);
}

/* The caller behind the allocators, and what they say it is for; the tracer's frames come first. */
static void test_asker(void **state _unused_)
{
	static const struct area_allocator allocators[] = {
		{ 0x1000, 0x1100, AREA_KIND_OTHER, false },
		{ 0x2000, 0x2100, AREA_KIND_VMAP, false },
		{ 0x5000, 0x5100, AREA_KIND_OTHER, true },
	};
	struct {
		struct event_stack e;
	} stack = { .e = { .h = { .time = 2, .kind = EVENT_STACK },
			   .n = 5,
			   .frames = { 0x9000, 0x1010, 0x2100, 0x3000, 0x4000 } } };
	enum area_kind kind;
	struct areas a;

	begin(&a, 0);
	enter(&a, &stack.e.h);
	assert_int_equal(areas_asker(&a, 0, &kind), 0); /* no allocator is known */
	a.allocators.items = calloc(3, sizeof(*a.allocators.items));
	memcpy(a.allocators.items, allocators, sizeof(allocators));
	a.allocators.n = 3;
	/* 0x2100 returns behind the last call of its function: it is still that one */
	assert_int_equal(areas_asker(&a, 0, &kind), 0x3000);
	assert_int_equal(kind, AREA_KIND_VMAP);
	/* a return probe hides who called */
	stack.e.id = 1;
	stack.e.frames[3] = 0x5000;
	enter(&a, &stack.e.h);
	assert_int_equal(areas_asker(&a, 1, &kind), 0);
	assert_int_equal(areas_asker(&a, -2, &kind), 0);
	assert_int_equal(areas_asker(&a, 2, &kind), 0);
	areas_free(&a);
}

/* As large as a recording can say: the distribution ends where numbers do. */
static void test_largest(void **state _unused_)
{
	const struct analyzer_options o = { 0 };
	struct event_start start = { .h.kind = EVENT_START, .page_size = 1 };
	struct event_area area = { .h.kind = EVENT_AREA_ALLOC, .address = A, .bytes = UINT64_MAX };
	const struct event_header *records[] = { &start.h, &area.h };
	struct analyzer *a = vmalloc_analyzer.create(&o);
	struct report *r = report_new("vmalloc");
	const struct histogram_row *sizes;

	a->ops->consume(a, records, 1);
	a->ops->consume(a, records + 1, 1);
	assert_int_equal(a->ops->report(a, r), 0);
	sizes = &r->histograms[0].rows[0];
	assert_int_equal(sizes->buckets[sizes->n - 1].from, 1ull << 63);
	assert_int_equal(sizes->buckets[sizes->n - 1].to, UINT64_MAX);
	assert_int_equal(sizes->buckets[sizes->n - 1].count, 1);
	report_free(&r);
	analyzer_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_moves), cmocka_unit_test(test_failed_once),
		cmocka_unit_test(test_frees),	   cmocka_unit_test(test_existing),
		cmocka_unit_test(test_purge),	   cmocka_unit_test(test_asker),
		cmocka_unit_test(test_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
