// SPDX-License-Identifier: GPL-2.0
/* The books, by scripts of events. Numbers are primes, so that a wrong sum can't look right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/ledger.h"
#include "base/vec.h"
#include "fixture.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define START "0 cpu0 start n_cpus=3 gfp_dma=1 gfp_reclaimable=0x10 gfp_account=0x400000\n"
#define END   "9s cpu0 end\n"

/* The books and what stands in a report about them. */
struct books {
	struct ledger ledger;
	struct report *report;
	struct ledger_sums sums; /* of all groups */
};

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	ledger_consume(arg, records, n);
}

static struct books *books_open(enum ledger_by by, const char *script)
{
	struct books *b = calloc(1, sizeof(*b));
	const struct ledger_group *g;
	const struct quality *q;

	assert_int_equal(ledger_init(&b->ledger, by), 0);
	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = &b->ledger });
	b->report = report_new("slab");
	assert_int_equal(stream_describe(&b->ledger.stream, b->report), 0);
	assert_false(b->report->oom);
	vec_for_each(&b->ledger.groups, g)
		ledger_group_sums(&b->ledger, g, &b->sums);
	q = &b->report->quality;
	/* what must hold whatever the script */
	assert_int_equal(q->events,
			 q->analysed + q->lost + q->filtered + q->own +
				 (q->recursion_misses == QUALITY_UNKNOWN ? 0
									 : q->recursion_misses));
	assert_int_equal(b->sums.allocs, q->allocs);
	assert_int_equal(b->sums.frees, q->frees_matched + q->frees_implied_reuse);
	assert_int_equal(b->sums.live, b->sums.allocs - b->sums.frees);
	return b;
}

static void books_close(struct books **b)
{
	ledger_free(&(*b)->ledger);
	report_free(&(*b)->report);
	freep(b);
}

#define _cleanup_books_ _cleanup_(books_close)

static const struct ledger_row *only_row(const struct books *b)
{
	assert_int_equal(b->ledger.rows.n, 1);
	return &b->ledger.rows.items[0];
}

static void test_exact(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE,
		START "repeat 23 step_ns=7 step_ptr=192 1000 cpu0 kmalloc ptr=0x10000 site=0x100 "
		      "req=176 alloc=192\n"
		      "repeat 13 step_ns=7 step_ptr=192 1003 cpu1 kfree ptr=0x10000\n" END);
	const struct quality *q = &b->report->quality;

	assert_int_equal(q->events, 36);
	assert_int_equal(q->analysed, 36);
	assert_int_equal(q->allocs, 23);
	assert_int_equal(q->frees_matched, 13);
	assert_int_equal(q->frees_unknown, 0);
	assert_int_equal(q->late, 0);
	assert_int_equal(b->sums.live, 10);
	assert_int_equal(b->sums.live_bytes, 1920);
	assert_int_equal(b->sums.live_req, 1760);
	assert_int_equal(b->sums.bytes_req, 23 * 176);
	assert_int_equal(b->sums.bytes_alloc, 23 * 192);
	assert_int_equal(only_row(b)->live_bytes, 1920);
	assert_int_equal(b->ledger.n_live, 10);
	assert_int_equal(b->report->start_ns, 0);
	assert_int_equal(b->report->end_ns, 9 * NSEC_PER_SEC);
	assert_true(b->report->final);
}

static void test_peak(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE,
		START "repeat 7 step_ns=10 step_ptr=64 100 cpu0 kmalloc ptr=0x1000 site=1 req=64 "
		      "alloc=64\n"
		      "repeat 5 step_ns=10 step_ptr=64 200 cpu0 kfree ptr=0x1000\n"
		      "repeat 3 step_ns=10 step_ptr=64 300 cpu0 kmalloc ptr=0x2000 site=1 req=64 "
		      "alloc=64\n" END);

	assert_int_equal(only_row(b)->live_bytes, 5 * 64);
	assert_int_equal(only_row(b)->peak_bytes, 7 * 64);
}

static void test_zero_failed_null(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE,
			   START "repeat 3 1000 cpu0 kmalloc ptr=16 site=0x100 req=0 alloc=0\n"
				 "repeat 5 1000 cpu0 kmalloc ptr=0 site=0x100 req=176 alloc=192\n"
				 "2000 cpu0 kmalloc ptr=0x40 site=0x100 req=176 alloc=192\n"
				 "1s cpu1 counters nulls=7\n" END);
	const struct quality *q = &b->report->quality;

	assert_int_equal(q->analysed, 3 + 5 + 1 + 7);
	assert_int_equal(q->events, 16);
	assert_int_equal(q->allocs, 1);
	assert_int_equal(q->failed, 5);
	assert_int_equal(q->frees_null, 7);
	assert_int_equal(b->sums.failed, 5);
	assert_int_equal(b->sums.bytes_req, 176);
	assert_int_equal(b->sums.live, 1);
}

/* An address that is given out again has been freed, seen or not. */
static void test_implied_by_reuse(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE,
			   START "repeat 5 step_ns=10 100 cpu0 kmalloc ptr=0x40 site=1 req=64 "
				 "alloc=64\n"
				 "200 cpu0 kmalloc ptr=0x40 site=2 req=32 alloc=32\n"
				 "300 cpu0 kfree ptr=0x40\n" END);
	const struct ledger *l = &b->ledger;

	assert_int_equal(b->report->quality.frees_implied_reuse, 5);
	assert_int_equal(b->report->quality.frees_matched, 1);
	assert_int_equal(l->groups.items[0].implied, 5);
	assert_int_equal(l->groups.items[0].frees, 0);
	assert_int_equal(l->groups.items[1].frees, 1);
	assert_int_equal(b->sums.live, 0);
	assert_int_equal(l->n_live, 0);
	assert_int_equal(l->rows.items[0].live_bytes, 0);
	assert_int_equal(l->rows.items[0].peak_bytes, 64);
}

/* 6.18 tells of a large kmalloc twice, the second time with the real call site. */
static void test_large_told_twice(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE,
		START "100 cpu0 kmalloc ptr=0x4000 site=1 req=9000 alloc=16384 pid=7\n"
		      "101 cpu0 kmalloc ptr=0x4000 site=2 req=9000 alloc=16384 pid=7 flags=again\n"
		      /* not these: nothing says that they are the same */
		      "200 cpu0 kmalloc ptr=0x40 site=1 req=64 alloc=64 pid=7\n"
		      "201 cpu0 kmalloc ptr=0x40 site=2 req=64 alloc=64 pid=7\n"
		      "300 cpu0 kmalloc ptr=0x8000 site=1 req=9000 alloc=16384 pid=7\n"
		      "301 cpu0 kmalloc ptr=0x8000 site=2 req=9000 alloc=16384 pid=8\n"
		      "400 cpu0 kmalloc ptr=0xc000 site=1 req=9000 alloc=16384 pid=7\n"
		      "401 cpu0 kmalloc ptr=0xc000 site=2 req=9001 alloc=16384 pid=7\n" END);

	assert_int_equal(b->report->quality.analysed, 8);
	assert_int_equal(b->report->quality.allocs, 7);
	assert_int_equal(b->report->quality.frees_implied_reuse, 3);
	assert_int_equal(b->sums.live, 4);
	assert_int_equal(b->sums.bytes_req, 64 * 2 + 9000 * 4 + 9001);
	assert_int_equal(b->ledger.groups.items[0].site, 1);
	assert_int_equal(b->ledger.groups.items[0].allocs, 2);
	assert_int_equal(b->ledger.groups.items[0].implied, 2);
	assert_int_equal(b->ledger.n_live, 4);
}

/* Allocation and free are told by different CPUs: a free can come after its address's next life. */
static void test_old_free_ends_predecessor(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE,
			   START "100 cpu0 kmalloc ptr=0x40 site=1 req=64 alloc=64\n"
				 "200 cpu0 kmalloc ptr=0x40 site=2 req=64 alloc=64\n"
				 "300 cpu0 tick\n"
				 "150 cpu1 kfree ptr=0x40\n"
				 "160 cpu1 kfree ptr=0x40\n" /* of nothing that we know */
			   END);
	const struct ledger *l = &b->ledger;

	assert_int_equal(b->report->quality.late, 2);
	assert_int_equal(b->report->quality.frees_implied_reuse, 0);
	assert_int_equal(b->report->quality.frees_matched, 1);
	assert_int_equal(b->report->quality.frees_unknown, 1);
	assert_int_equal(l->groups.items[0].frees, 1);
	assert_int_equal(l->groups.items[0].implied, 0);
	assert_int_equal(l->groups.items[1].live, 1);
}

/* Of other analyzers: some of it was read before the start, some is told by perf in its own time. */
static void test_other_areas_are_not_late(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE,
			   "10 cpu0 start\n"
			   "5 cpu0 snapshot file=vmstat <<X\npgfault 100\nX\n"
			   "100 cpu0 kmalloc ptr=0x40 site=1 req=64 alloc=64\n"
			   "90 cpu0 process what=there pid=10 comm=sh\n"
			   "91 cpu0 map pid=10 start=0x1000 bytes=4096 path=/bin/sh\n"
			   "92 cpu0 maps_lost records=1\n"
			   "200 cpu0 kfree ptr=0x40\n" END);

	assert_int_equal(b->report->quality.late, 0);
	assert_int_equal(b->report->quality.analysed, 2);
}

/* The free came, the allocation only after it: it was never live. */
static void test_late_alloc_after_its_free(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE,
			   START "150 cpu1 kfree ptr=0x40\n"
				 "300 cpu0 tick\n"
				 "100 cpu0 kmalloc ptr=0x40 site=1 req=64 alloc=64\n" END);

	assert_int_equal(b->report->quality.frees_unknown, 0);
	assert_int_equal(b->report->quality.frees_matched, 1);
	assert_int_equal(b->report->quality.allocs, 1);
	assert_int_equal(b->sums.live, 0);
	assert_int_equal(b->ledger.n_live, 0);
	assert_int_equal(only_row(b)->live_bytes, 0);
}

/* A free before the late allocation is another object's. */
static void test_late_alloc_after_an_older_free(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE,
			   START "50 cpu1 kfree ptr=0x40\n"
				 "300 cpu0 tick\n"
				 "100 cpu0 kmalloc ptr=0x40 site=1 req=64 alloc=64\n" END);

	assert_int_equal(b->report->quality.frees_unknown, 1);
	assert_int_equal(b->report->quality.frees_matched, 0);
	assert_int_equal(b->sums.live, 1);
}

/* What comes at the very time of the free before it is not late. */
static void test_alloc_at_the_time_of_an_unknown_free(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE,
			   START "100 cpu0 kfree ptr=0x40\n"
				 "100 cpu0 kmalloc ptr=0x40 site=1 req=64 alloc=64\n" END);

	assert_int_equal(b->report->quality.frees_unknown, 1);
	assert_int_equal(b->sums.live, 1);
}

/* A late allocation must not take the place of the object that has the address now. */
static void test_late_alloc_before_the_live_object(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE,
			   START "200 cpu0 kmalloc ptr=0x40 site=2 req=32 alloc=32\n"
				 "300 cpu0 tick\n"
				 "100 cpu1 kmalloc ptr=0x40 site=1 req=64 alloc=64\n"
				 "150 cpu1 kfree ptr=0x40\n"
				 "400 cpu0 tick\n" END);
	const struct ledger *l = &b->ledger;

	assert_int_equal(l->groups.items[0].site, 2);
	assert_int_equal(l->groups.items[0].live, 1);
	assert_int_equal(l->groups.items[1].live, 0);
	assert_int_equal(l->groups.items[1].frees, 1);
	assert_int_equal(l->rows.items[1].live_bytes, 0);
	assert_int_equal(b->report->quality.frees_implied_reuse, 0);
	assert_int_equal(b->report->quality.frees_matched, 1);
	assert_int_equal(l->n_live, 1);
}

static void test_own(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE,
		START "repeat 7 step_ptr=64 100 cpu0 kmalloc ptr=0x1000 site=1 req=64 alloc=64 "
		      "flags=own\n"
		      "repeat 3 step_ptr=64 200 cpu1 kfree ptr=0x1000\n"
		      /* two of kmscope's addresses go to others: no free of theirs was seen */
		      "repeat 2 step_ptr=64 300 cpu1 kmalloc ptr=0x10c0 site=2 req=64 alloc=64\n"
		      "400 cpu1 kfree ptr=0x10c0\n"
		      "500 cpu1 kmalloc ptr=16 site=1 req=0 alloc=0 flags=own\n"
		      "500 cpu1 kmalloc ptr=0 site=1 req=8 alloc=8 flags=own\n" END);
	const struct quality *q = &b->report->quality;

	assert_int_equal(q->own, 7 + 3 + 2);
	assert_int_equal(q->analysed, 3);
	assert_int_equal(q->events, 15);
	assert_int_equal(q->allocs, 2);
	assert_int_equal(q->frees_implied_reuse, 0);
	assert_int_equal(q->frees_matched, 1);
	assert_int_equal(q->failed, 0);
	assert_int_equal(b->ledger.rows.n, 1);
	assert_int_equal(b->sums.live, 1);
}

/* kmscope takes an address over whose free was not seen. */
static void test_own_implies_free(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE, START
			   "100 cpu0 kmalloc ptr=0x40 site=1 req=64 alloc=64\n"
			   "200 cpu0 kmalloc ptr=0x40 site=2 req=64 alloc=64 flags=own\n" END);

	assert_int_equal(b->report->quality.frees_implied_reuse, 1);
	assert_int_equal(b->sums.live, 0);
	assert_int_equal(only_row(b)->live_bytes, 0);
}

static void test_reuse(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE,
		START "repeat 3 step_ptr=64 100 cpu0 kmalloc ptr=0x1000 site=1 req=64 alloc=64\n"
		      "repeat 2 step_ptr=64 200 cpu1 kmalloc ptr=0x1000 site=2 req=64 alloc=64 "
		      "flags=reuse\n"
		      "300 cpu1 kmalloc ptr=0x9000 site=2 req=64 alloc=64 flags=reuse\n"
		      "400 cpu1 kfree ptr=0x1000\n" /* the other's, which nobody follows */
		      "5s cpu2 counters filtered=11\n"
		      "50 cpu1 kmalloc ptr=0x1080 site=2 req=64 alloc=64 flags=reuse\n" /* old */
		END);
	const struct quality *q = &b->report->quality;

	assert_int_equal(q->frees_implied_reuse, 2);
	assert_int_equal(q->filtered, 2 + 1 + 1 + 11);
	assert_int_equal(q->analysed, 4);
	assert_int_equal(q->frees_unknown, 1);
	assert_int_equal(b->sums.live, 1);
	assert_int_equal(only_row(b)->key, 1);
}

static void test_losses(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE,
		START "1s cpu0 counters lost=1,1\n1s cpu2 counters lost=2,3 filtered=2 map_full=1\n"
		      "1s cpu0 misses misses=5\n"
		      "2s cpu0 counters lost=7,11 map_full=2\n"
		      "2s cpu2 counters lost=13,17 filtered=19 nulls=23 map_full=3\n"
		      "2s cpu0 misses misses=29\n"
		      "repeat 5 100 cpu0 kmalloc ptr=0x40 site=1 req=8 alloc=8 stack=-2\n" END);
	const struct quality *q = &b->report->quality;

	assert_int_equal(q->n_cpus, 3);
	assert_int_equal(q->lost_by_cpu[0], 18);
	assert_int_equal(q->lost_by_cpu[1], 0);
	assert_int_equal(q->lost_by_cpu[2], 30);
	assert_int_equal(q->recursion_misses, 29);
	assert_int_equal(q->lost, 18 + 30);
	assert_int_equal(q->filtered, 19);
	assert_int_equal(q->map_full, 5);
	assert_int_equal(q->frees_null, 23);
	assert_int_equal(q->stacks_lost, 5);
	assert_int_equal(q->events, 5 + 23 + 18 + 30 + 29 + 19);
}

static void test_misses_unknown(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE, START "1s cpu0 misses misses=unknown\n" END);

	assert_true(b->report->quality.recursion_misses == QUALITY_UNKNOWN);
	assert_int_equal(b->report->quality.lost, 0);
}

/* A cache whose name comes after its first allocations. */
static void test_cache_named_later(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE,
		START "repeat 7 step_ptr=64 100 cpu0 cache_alloc ptr=0x1000 site=1 cache=0xabc\n"
		      "repeat 2 step_ptr=64 200 cpu0 cache_free ptr=0x1000\n"
		      "300 cpu0 cache id=0xabc object=40 slab=48 name=late_cache\n"
		      "repeat 3 step_ptr=64 400 cpu0 cache_free ptr=0x1080\n"
		      "500 cpu0 cache_alloc ptr=0x3000 site=1 cache=0xabc\n" END);

	assert_int_equal(b->ledger.caches.n, 1);
	assert_string_equal(b->ledger.caches.items[0].name, "late_cache");
	assert_int_equal(b->sums.allocs, 8);
	assert_int_equal(b->sums.bytes_req, 8 * 40);
	assert_int_equal(b->sums.bytes_alloc, 8 * 48);
	assert_int_equal(b->sums.live, 3);
	assert_int_equal(only_row(b)->live_bytes, 3 * 48);
	assert_int_equal(only_row(b)->peak_bytes, 5 * 48);
}

static void test_cache_never_named(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE,
			   START "100 cpu0 cache_alloc ptr=0x1000 site=1 cache=0xabc\n"
				 "200 cpu0 cache_alloc ptr=0x2000 site=1 cache=0xabc\n"
				 "200 cpu0 cache_free ptr=0x2000\n" END);
	struct ledger_sums m = { 0 };

	assert_false(ledger_group_sums(&b->ledger, &b->ledger.groups.items[0], &m));
	assert_int_equal(m.allocs, 2);
	assert_int_equal(m.frees, 1);
	assert_int_equal(m.live, 1);
	assert_int_equal(m.bytes_alloc, 0);
}

/* Destroyed, and another one made at the same address. */
static void test_cache_made_again(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE,
		START "100 cpu0 cache id=0xabc object=40 slab=48 name=first\n"
		      "repeat 5 step_ptr=64 200 cpu0 cache_alloc ptr=0x1000 site=1 cache=0xabc\n"
		      "300 cpu0 cache id=0xabc object=40 slab=48 name=first\n" /* told again */
		      "400 cpu0 cache id=0xabc object=100 slab=104 name=second\n"
		      "repeat 3 step_ptr=128 500 cpu0 cache_alloc ptr=0x4000 site=1 cache=0xabc\n"
		      "600 cpu0 cache_free ptr=0x1000\n"
		      "600 cpu0 cache_free ptr=0x4000\n" END);
	const struct ledger *l = &b->ledger;

	assert_int_equal(l->caches.n, 2);
	assert_string_equal(l->caches.items[0].name, "first");
	assert_string_equal(l->caches.items[1].name, "second");
	assert_int_equal(l->groups.n, 2);
	assert_int_equal(l->groups.items[0].allocs, 5);
	assert_int_equal(l->groups.items[0].live, 4);
	assert_int_equal(l->groups.items[1].allocs, 3);
	assert_int_equal(l->groups.items[1].live, 2);
	assert_int_equal(only_row(b)->live_bytes, 4 * 48 + 2 * 104);
}

/* Sizes in place of a cache pointer, as kernels before 6.1 tell them. */
static void test_cache_by_sizes(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE, START
		"repeat 7 step_ptr=64 100 cpu0 cache_alloc ptr=0x1000 site=1 req=40 alloc=48\n"
		"repeat 2 step_ptr=64 200 cpu0 cache_free ptr=0x1000\n" END);

	assert_int_equal(b->ledger.caches.n, 1);
	assert_string_equal(b->ledger.caches.items[0].name, "");
	assert_false(b->ledger.caches.items[0].kmalloc);
	assert_int_equal(b->sums.bytes_req, 7 * 40);
	assert_int_equal(b->sums.live_req, 5 * 40);
	assert_int_equal(b->sums.live_bytes, 5 * 48);
}

static void test_kmalloc_names(void **state _unused_)
{
	static const char *const names[] = {
		"kmalloc-192", "kmalloc-cg-192", "kmalloc-rcl-192",   "kmalloc-dma-192",
		"kmalloc-1k",  "kmalloc-8k",	 "kmalloc-large-16k",
	};
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE, START
			   "1 cpu0 kmalloc ptr=0x1000 site=1 req=176 alloc=192 gfp=0xcc0\n"
			   "2 cpu0 kmalloc ptr=0x2000 site=1 req=176 alloc=192 gfp=0x400cc0\n"
			   "3 cpu0 kmalloc ptr=0x3000 site=1 req=176 alloc=192 gfp=0x400cd0\n"
			   "4 cpu0 kmalloc ptr=0x4000 site=1 req=176 alloc=192 gfp=0x400cd1\n"
			   "5 cpu0 kmalloc ptr=0x5000 site=1 req=1000 alloc=1024\n"
			   "6 cpu0 kmalloc ptr=0x6000 site=1 req=8192 alloc=8192\n"
			   "7 cpu0 kmalloc ptr=0x8000 site=1 req=9000 alloc=16384\n"
			   "8 cpu0 kmalloc ptr=0x7000 site=2 req=17 alloc=192 gfp=0x500cd1\n" END);
	size_t i;

	assert_int_equal(b->ledger.caches.n, ARRAY_SIZE(names));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		assert_string_equal(b->ledger.caches.items[i].name, names[i]);
		assert_true(b->ledger.caches.items[i].page_backed == (i == 6));
	}
}

/* Every size of a site apart, up to a limit; all further ones together, and none is lost. */
static void test_many_sizes(void **state _unused_)
{
	char *script = calloc(1, 1 << 16);
	size_t n = 0;
	uint64_t requested = 0;
	unsigned int size;

	n += (size_t)sprintf(script, START);
	for (size = 1; size <= 97; size++) {
		requested += size;
		n += (size_t)sprintf(script + n, "%u cpu0 kmalloc ptr=%u site=7 req=%u alloc=%u\n",
				     size, 0x1000 * size, size, size <= 64 ? 64 : 128);
	}
	sprintf(script + n, END);
	_cleanup_books_ struct books *b = books_open(LEDGER_BY_SITE, script);
	const struct ledger_group *last = &b->ledger.groups.items[b->ledger.groups.n - 1];

	free(script);
	assert_int_equal(b->ledger.groups.n, 64 + 1);
	assert_int_equal(last->requested, LEDGER_MIXED_SIZES);
	assert_int_equal(last->allocs, 97 - 64);
	assert_int_equal(b->sums.allocs, 97);
	assert_int_equal(b->sums.bytes_req, requested);
	assert_int_equal(b->sums.live_req, requested);
	assert_int_equal(b->sums.live_bytes, 64 * 64 + 33 * 128);
	assert_int_equal(only_row(b)->live_bytes, b->sums.live_bytes);
}

#define TASKS                                                                                   \
	START "1 cpu0 task pid=11 tid=11 cgroup=101 comm=alpha\n"                               \
	      "1 cpu1 task pid=13 tid=17 cgroup=103 comm=beta\n"                                \
	      "repeat 3 step_ptr=64 10 cpu0 kmalloc ptr=0x1000 site=1 req=64 alloc=64 pid=11\n" \
	      "repeat 5 step_ptr=64 11 cpu1 kmalloc ptr=0x2000 site=1 req=64 alloc=64 pid=13\n" \
	      "20 cpu0 task pid=13 tid=13 cgroup=103 comm=beta\n"                               \
	      "repeat 7 step_ptr=64 30 cpu0 kmalloc ptr=0x3000 site=2 req=64 alloc=64 pid=13\n" \
	      "40 cpu0 task pid=19 tid=19 cgroup=101 comm=alpha\n"                              \
	      "repeat 2 step_ptr=64 50 cpu0 kmalloc ptr=0x4000 site=1 req=64 alloc=64 "         \
	      "pid=19\n" END

static void expect_row(const struct books *b, size_t i, const char *name, uint64_t objects)
{
	char buf[64];
	const char *got = ledger_row_name(&b->ledger, &b->ledger.rows.items[i], buf);

	if (name)
		assert_string_equal(got, name);
	else
		assert_null(got);
	assert_int_equal(b->ledger.rows.items[i].live_bytes, objects * 64);
}

static void test_by_comm(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(LEDGER_BY_COMM, TASKS);

	assert_int_equal(b->ledger.rows.n, 2);
	expect_row(b, 0, "alpha", 3 + 2);
	expect_row(b, 1, "beta", 5 + 7);
}

static void test_by_pid(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(LEDGER_BY_PID, TASKS);

	assert_int_equal(b->ledger.rows.n, 3);
	expect_row(b, 0, "11", 3);
	expect_row(b, 1, "13", 5 + 7);
	expect_row(b, 2, "19", 2);
}

/* The task record may have been lost: the pid stands in every allocation. */
static void test_by_pid_without_tasks(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_PID, START
			   "repeat 3 step_ptr=64 10 cpu0 kmalloc ptr=0x1000 site=1 req=64 alloc=64 "
			   "pid=11\n"
			   "repeat 5 step_ptr=64 20 cpu0 kmalloc ptr=0x2000 site=1 req=64 alloc=64 "
			   "pid=13\n" END);

	assert_int_equal(b->ledger.rows.n, 2);
	expect_row(b, 0, "11", 3);
	expect_row(b, 1, "13", 5);
}

static void test_by_cgroup(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(LEDGER_BY_CGROUP, TASKS);

	assert_int_equal(b->ledger.rows.n, 2);
	expect_row(b, 0, "101", 5);
	expect_row(b, 1, "103", 12);
}

static void test_by_cache(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_CACHE,
		START "1 cpu0 cache id=0xabc object=64 slab=64 name=named\n"
		      "repeat 3 step_ptr=64 10 cpu0 cache_alloc ptr=0x1000 site=1 cache=0xabc\n"
		      "repeat 5 step_ptr=64 20 cpu0 kmalloc ptr=0x2000 site=1 req=60 alloc=64\n"
		      "repeat 7 step_ptr=64 30 cpu0 kmalloc ptr=0x3000 site=2 req=50 alloc=64\n"
		      "40 cpu0 cache_alloc ptr=0x4000 site=1 cache=0xdef\n" END);

	assert_int_equal(b->ledger.rows.n, 3);
	expect_row(b, 0, "named", 3);
	expect_row(b, 1, "kmalloc-64", 12);
	expect_row(b, 2, NULL, 0);
}

/* Grows by @objects of 64 B every second for @seconds, with a tick a second. */
static struct books *growing(unsigned int seconds, unsigned int objects)
{
	char *script = calloc(1, 1 << 20);
	struct books *b;
	unsigned int s;
	size_t n = (size_t)sprintf(script, START);

	for (s = 1; s <= seconds; s++)
		n += (size_t)sprintf(script + n,
				     "repeat %u step_ptr=64 %u000ms cpu0 kmalloc ptr=0x%x0000 "
				     "site=1 req=64 alloc=64\n%us cpu0 tick\n",
				     objects, s - 1, s, s);
	sprintf(script + n, "%us cpu0 end\n", seconds);
	b = books_open(LEDGER_BY_SITE, script);
	free(script);
	return b;
}

static void test_growth(void **state _unused_)
{
	_cleanup_books_ struct books *b = growing(10, 3);
	double growth = 0;

	assert_int_equal(b->ledger.n_samples, 10);
	assert_true(ledger_growth(&b->ledger, only_row(b), &growth));
	assert_true(growth > 191.999 && growth < 192.001);
}

/* With fewer than three samples in its newer half nothing is known. */
static void test_growth_needs_time(void **state _unused_)
{
	_cleanup_books_ struct books *b = growing(4, 3);
	_cleanup_books_ struct books *enough = growing(5, 3);
	double growth = 42;

	assert_false(ledger_growth(&b->ledger, only_row(b), &growth));
	assert_true(growth == 42);
	assert_true(ledger_growth(&enough->ledger, only_row(enough), &growth));
}

/* Longer than there is room for samples: every other one is dropped, and the slope stays. */
static void test_growth_over_hours(void **state _unused_)
{
	_cleanup_books_ struct books *b = growing(64, 3);
	_cleanup_books_ struct books *longer = growing(1009, 3);
	const uint64_t *samples = only_row(longer)->samples;
	double growth = 0;
	uint64_t i;

	assert_int_equal(b->ledger.stride, 1);
	assert_int_equal(b->ledger.n_samples, 64);
	assert_int_equal(longer->ledger.stride, 16);
	assert_int_equal(longer->ledger.n_samples, 64);
	for (i = 0; i < longer->ledger.n_samples; i++)
		assert_int_equal(samples[i], 192 * (16 * i + 1));
	assert_true(ledger_growth(&longer->ledger, only_row(longer), &growth));
	assert_true(growth > 191.999 && growth < 192.001);
}

/* What only filled up at the start does not grow. */
static void test_growth_that_stopped(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE,
		START "repeat 97 step_ptr=64 100ms cpu0 kmalloc ptr=0x1000 site=1 req=64 alloc=64\n"
		      "1s cpu0 tick\n2s cpu0 tick\n3s cpu0 tick\n4s cpu0 tick\n5s cpu0 tick\n"
		      "6s cpu0 tick\n" END);
	double growth = 1;

	assert_true(ledger_growth(&b->ledger, only_row(b), &growth));
	assert_true(growth > -0.001 && growth < 0.001);
}

static void test_stacks(void **state _unused_)
{
	_cleanup_books_ struct books *b = books_open(
		LEDGER_BY_SITE, START
		"1 cpu0 stack id=3 frames=0x10,0x20,0x30\n"
		"2 cpu0 stack id=5 frames=0x10\n"
		"2 cpu0 stack id=5 frames=0x40,0x50\n" /* replaced */
		"repeat 3 step_ptr=64 10 cpu0 kmalloc ptr=0x1000 site=1 req=64 alloc=64 "
		"stack=3\n"
		"repeat 7 step_ptr=64 20 cpu0 kmalloc ptr=0x2000 site=1 req=64 alloc=64\n" END);
	const struct ledger *l = &b->ledger;

	assert_int_equal(l->stream.stacks.n, 6);
	assert_int_equal(l->stream.stacks.items[3].n, 3);
	assert_int_equal(l->stream.stacks.items[3].frames[2], 0x30);
	assert_int_equal(l->stream.stacks.items[5].n, 2);
	assert_int_equal(l->stream.stacks.items[5].frames[0], 0x40);
	assert_int_equal(l->samples.n, 1);
	assert_int_equal(l->samples.items[0].n, 3);
	assert_int_equal(l->samples.items[0].stack, 3);
}

static void test_sampled(void **state _unused_)
{
	_cleanup_books_ struct books *b =
		books_open(LEDGER_BY_SITE, "0 cpu0 start sample=100\n9s cpu0 end");

	assert_int_equal(b->report->quality.sample, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_peak),
		cmocka_unit_test(test_zero_failed_null),
		cmocka_unit_test(test_implied_by_reuse),
		cmocka_unit_test(test_large_told_twice),
		cmocka_unit_test(test_old_free_ends_predecessor),
		cmocka_unit_test(test_other_areas_are_not_late),
		cmocka_unit_test(test_late_alloc_after_its_free),
		cmocka_unit_test(test_late_alloc_after_an_older_free),
		cmocka_unit_test(test_alloc_at_the_time_of_an_unknown_free),
		cmocka_unit_test(test_late_alloc_before_the_live_object),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_own_implies_free),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_misses_unknown),
		cmocka_unit_test(test_cache_named_later),
		cmocka_unit_test(test_cache_never_named),
		cmocka_unit_test(test_cache_made_again),
		cmocka_unit_test(test_cache_by_sizes),
		cmocka_unit_test(test_kmalloc_names),
		cmocka_unit_test(test_many_sizes),
		cmocka_unit_test(test_by_comm),
		cmocka_unit_test(test_by_pid),
		cmocka_unit_test(test_by_pid_without_tasks),
		cmocka_unit_test(test_by_cgroup),
		cmocka_unit_test(test_by_cache),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_growth_needs_time),
		cmocka_unit_test(test_growth_over_hours),
		cmocka_unit_test(test_growth_that_stopped),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_sampled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
