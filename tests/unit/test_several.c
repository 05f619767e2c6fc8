// SPDX-License-Identifier: GPL-2.0
/* Several analyzers as one, and the numbers that whoever records watches. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/several.h"
#include "analyze/watch.h"
#include "fixture.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* --- several --------------------------------------------------------------------------------------------- */

/* Counts what it gets, and wonders about some processes. */
struct counting {
	struct analyzer analyzer;
	size_t calls, records;
	uint32_t pid; /* wonders about it, and those below */
	uint64_t live;
	int *freed;
};

static void counting_consume(struct analyzer *a, const struct event_header *const *records _unused_,
			     size_t n)
{
	((struct counting *)a)->calls++;
	((struct counting *)a)->records += n;
}

static int counting_report(struct analyzer *a _unused_, struct report *r _unused_)
{
	return -EIO; /* nobody asks */
}

static void counting_each_live(const struct analyzer *a, void (*visit)(void *ctx, uint64_t ptr),
			       void *ctx)
{
	visit(ctx, ((const struct counting *)a)->live);
}

static uint32_t counting_wonder(struct analyzer *a)
{
	struct counting *c = (struct counting *)a;

	return c->pid ? c->pid-- : 0;
}

static void counting_free(struct analyzer *a)
{
	++*((struct counting *)a)->freed;
	free(a);
}

static const struct analyzer_ops counting_ops = {
	.name = "counting",
	.consume = counting_consume,
	.report = counting_report,
	.each_live = counting_each_live,
	.wonder = counting_wonder,
	.free = counting_free,
};

static const struct analyzer_ops careless_ops = {
	.name = "careless",
	.consume = counting_consume,
	.report = counting_report,
	.each_live = counting_each_live,
	.free = counting_free,
};

static struct analyzer *counting_new(const struct analyzer_ops *ops, uint32_t pid, uint64_t live,
				     int *freed)
{
	struct counting *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	*c = (struct counting){ { ops }, .pid = pid, .live = live, .freed = freed };
	return &c->analyzer;
}

static void add_live(void *ctx, uint64_t ptr)
{
	*(uint64_t *)ctx += ptr;
}

static void test_several(void **state _unused_)
{
	int freed = 0;
	struct analyzer *parts[] = { counting_new(&counting_ops, 2, 1, &freed),
				     counting_new(&careless_ops, 9, 10, &freed),
				     counting_new(&counting_ops, 1, 100, &freed) };
	const struct event_free e = { .h.kind = EVENT_KFREE };
	const struct event_header *records[] = { &e.h, &e.h, &e.h };
	struct analyzer *a = several_new(parts, ARRAY_SIZE(parts));
	struct report *r = report_new("several");
	uint64_t live = 0;
	size_t i;

	a->ops->consume(a, records, 3);
	a->ops->consume(a, records, 1);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		assert_int_equal(((struct counting *)parts[i])->calls, 2);
		assert_int_equal(((struct counting *)parts[i])->records, 4);
	}
	a->ops->each_live(a, add_live, &live);
	assert_int_equal(live, 111);
	/* each that wonders, until none does any more */
	assert_int_equal(a->ops->wonder(a), 2);
	assert_int_equal(a->ops->wonder(a), 1);
	assert_int_equal(a->ops->wonder(a), 1);
	assert_int_equal(a->ops->wonder(a), 0);
	assert_int_equal(a->ops->report(a, r), 0);
	assert_int_equal(r->n_tables, 0);
	report_free(&r);
	assert_ptr_equal(several_find(a, "counting"), parts[0]);
	assert_ptr_equal(several_find(a, "careless"), parts[1]);
	assert_null(several_find(a, "several"));
	analyzer_free(&a);
	assert_int_equal(freed, 3);
}

static void test_none(void **state _unused_)
{
	const struct event_header tick = { .kind = EVENT_TICK }, *record = &tick;
	struct analyzer *a = several_new(NULL, 0);
	uint64_t live = 0;

	a->ops->consume(a, &record, 1);
	a->ops->each_live(a, add_live, &live);
	assert_int_equal(live, 0);
	assert_int_equal(a->ops->wonder(a), 0);
	assert_null(several_find(a, "slab"));
	analyzer_free(&a);
}

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct analyzer *a = arg;

	a->ops->consume(a, records, n);
}

/* Each says what it would have said alone. */
static void test_as_alone(void **state _unused_)
{
	static const char script[] = "0 cpu0 start\n"
				     "1 cpu0 kmalloc ptr=4096 site=64 req=5 alloc=8\n"
				     "1 cpu0 page_alloc pfn=8 order=3\n"
				     "3 cpu0 end\n";
	const struct analyzer_options o = { 0 };
	struct analyzer *parts[] = { slab_analyzer.create(&o), buddy_analyzer.create(&o) };
	struct analyzer *a = several_new(parts, ARRAY_SIZE(parts));
	uint64_t live = 0;

	fixture_play(script, &(struct event_sink){ consume, a });
	a->ops->each_live(a, add_live, &live);
	assert_int_equal(live, 4096 + 8);
	assert_ptr_equal(several_find(a, "slab"), parts[0]);
	assert_ptr_equal(several_find(a, "buddy"), parts[1]);
	analyzer_free(&a);
}

/* --- watch ------------------------------------------------------------------------------------------------ */

static struct watch *watch(const char *script)
{
	struct watch *w = watch_new();

	assert_non_null(w);
	fixture_play(script, &(struct event_sink){ consume, &w->analyzer });
	assert_false(w->oom);
	return w;
}

static void unwatch(struct watch *w)
{
	struct analyzer *a = &w->analyzer;
	struct report *r = report_new("watch");
	uint64_t live = 0;

	a->ops->each_live(a, add_live, &live);
	assert_int_equal(live, 0);
	assert_int_equal(a->ops->report(a, r), 0);
	assert_int_equal(r->n_tables, 0);
	report_free(&r);
	analyzer_free(&a);
}

static void test_watch(void **state _unused_)
{
	struct watch *w = watch("5 cpu0 start n_cpus=2\n"
				"6 cpu0 page_alloc pfn=1 order=9\n"
				"7 cpu1 page_alloc pfn=none order=4\n"
				"8 cpu0 page_alloc pfn=none order=2\n"
				"9 cpu0 page_fallback pfn=8 order=1 migratetype=0 from_order=5 "
				"from_migratetype=2\n"
				"9 cpu0 page_fallback pfn=9 order=3 migratetype=0 from_order=9 "
				"from_migratetype=2\n"
				"10 cpu0 fault address=1 ip=1 pid=1\n"
				"11 cpu0 fault address=2 ip=1 pid=1 what=major\n"
				"12 cpu0 counters lost=1,2\n"
				"12 cpu1 counters lost=30,40\n"
				"13 cpu0 misses misses=5\n"
				"1s cpu0 tick\n"
				"14 cpu1 counters lost=31,40\n"
				"15 cpu0 misses misses=6\n"
				"2s cpu0 end\n");

	assert_int_equal(w->start, 5);
	assert_int_equal(w->end, 2 * NSEC_PER_SEC);
	assert_int_equal(w->failed_pages, 2);
	assert_int_equal(w->failed_order, 4);
	assert_int_equal(w->fallbacks, 2);
	assert_int_equal(w->fallback_order, 3);
	assert_int_equal(w->faults, 2);
	/* what CPUs lost is told as a sum each time */
	assert_int_equal(watch_lost(w), 3 + 71);
	assert_int_equal(watch_missed(w), 6);
	unwatch(w);
}

static void test_watch_nothing(void **state _unused_)
{
	struct watch *w = watch("7 cpu0 start\n"
				"1s cpu0 misses misses=unknown\n"
				"1s cpu0 tick\n"
				"3s cpu0 end\n");

	assert_int_equal(watch_lost(w), 0);
	assert_int_equal(watch_missed(w), 0);
	assert_int_equal(w->misses, EVENT_MISSES_UNKNOWN);
	assert_int_equal(w->failed_pages + w->failed_order + w->fallbacks + w->fallback_order, 0);
	assert_int_equal(w->end, 3 * NSEC_PER_SEC);
	unwatch(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several),	      cmocka_unit_test(test_none),
		cmocka_unit_test(test_as_alone),      cmocka_unit_test(test_watch),
		cmocka_unit_test(test_watch_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
