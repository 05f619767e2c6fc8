// SPDX-License-Identifier: GPL-2.0
/* What a recording holds over time: steps, which tracks there are, and events one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "analyze/tracks.h"
#include "fixture.h"
#include "render/render.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define START "1 cpu0 start n_cpus=2\n"

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct analyzer *a = arg;

	a->ops->consume(a, records, n);
}

static struct report *report_of(struct analyzer *a)
{
	struct report *r = report_new("tracks");

	assert_int_equal(a->ops->report(a, r), 0);
	return r;
}

static char *as_json(const struct report *r)
{
	char *s = NULL;
	size_t n;
	FILE *f = open_memstream(&s, &n);

	assert_int_equal(renderer_find("json")->render(r, NULL, f), 0);
	fclose(f);
	return s;
}

static struct report *run(const char *script)
{
	struct analyzer *a = tracks_analyzer.create(&(struct analyzer_options){ 0 });
	struct report *r, *again;
	char *x, *y;

	assert_non_null(a);
	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = a });
	/* a report can be asked for at any time, and is the same each time */
	r = report_of(a);
	again = report_of(a);
	x = as_json(r);
	y = as_json(again);
	assert_string_equal(x, y);
	free(x);
	free(y);
	report_free(&again);
	analyzer_free(&a);
	return r;
}

static const struct series *series_of(const struct report *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n_series; i++)
		if (!strcmp(r->series[i].name, name))
			return &r->series[i];
	return NULL;
}

static const struct table *table_of(const struct report *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n_tables; i++)
		if (!strcmp(r->tables[i].name, name))
			return &r->tables[i];
	fail_msg("no table %s", name);
	return NULL;
}

static uint64_t number(const struct table *t, size_t row, const char *column)
{
	const struct cell *c = table_cell(t, row, column);

	assert_int_not_equal(c->type, CELL_NULL);
	return c->u64;
}

static const char *text(const struct table *t, size_t row, const char *column)
{
	const struct cell *c = table_cell(t, row, column);

	return c->type == CELL_NULL ? NULL : c->text;
}

static bool is_null(const struct table *t, size_t row, const char *column)
{
	return table_cell(t, row, column)->type == CELL_NULL;
}

static uint64_t sum(const struct series *s)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		total += s->values[i];
	return total;
}

/* --- steps ---------------------------------------------------------------------------------------------- */

static struct steps *steps_new(uint64_t start)
{
	struct steps *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	steps_begin(s, start);
	return s;
}

static void test_steps(void **state _unused_)
{
	struct steps *s = steps_new(500);

	assert_int_equal(s->n, 1);
	assert_false(steps_due(s, 500 + NSEC_PER_MSEC - 1));
	assert_true(steps_due(s, 500 + NSEC_PER_MSEC));
	steps_set(s, TRACK_SLAB_LIVE, 7);
	steps_pass(s, 500 + 3 * NSEC_PER_MSEC);
	assert_int_equal(s->n, 4);
	assert_int_equal(s->tracks[TRACK_SLAB_LIVE].values[0], 0);
	assert_int_equal(s->tracks[TRACK_SLAB_LIVE].values[1], 7);
	assert_int_equal(s->tracks[TRACK_SLAB_LIVE].values[3], 7);
	/* late: into the step where it belongs; older than all: into the first */
	steps_count(s, TRACK_SLAB_ALLOCS, 500 + NSEC_PER_MSEC, 2);
	steps_count(s, TRACK_SLAB_ALLOCS, 0, 3);
	assert_int_equal(s->tracks[TRACK_SLAB_ALLOCS].values[0], 3);
	assert_int_equal(s->tracks[TRACK_SLAB_ALLOCS].values[1], 2);
	/* levels that nobody has told */
	assert_int_equal(s->tracks[TRACK_FREE].first, STEPS_MAX);
	steps_set(s, TRACK_FREE, 11);
	steps_pass(s, 500 + 4 * NSEC_PER_MSEC);
	assert_int_equal(s->tracks[TRACK_FREE].first, 4);
	free(s);
}

/* A level of i holds from the i-th millisecond on, and there are i % 3 events in it. */
static void fill(struct steps *s, uint64_t milliseconds)
{
	uint64_t i;

	for (i = 0; i < milliseconds; i++) {
		uint64_t time = s->start + i * NSEC_PER_MSEC;

		steps_set(s, TRACK_PAGES_LIVE, i);
		if (i >= 15)
			steps_set(s, TRACK_FREE, i);
		steps_pass(s, time);
		steps_count(s, TRACK_PAGE_ALLOCS, time, i % 3);
	}
}

static void test_steps_grow(void **state _unused_)
{
	static const struct {
		uint64_t ms, step_ms, n;
	} cases[] = {
		{ 2000, 1, 2000 },     { 2001, 10, 201 },     { 20000, 10, 2000 },
		{ 20001, 100, 201 },   { 200000, 100, 2000 }, { 200001, 200, 1001 },
		{ 400001, 400, 1001 },
	};
	size_t c, i;

	for (c = 0; c < ARRAY_SIZE(cases); c++) {
		struct steps *s = steps_new(1000);
		const struct track_values *level = &s->tracks[TRACK_PAGES_LIVE];
		const struct track_values *count = &s->tracks[TRACK_PAGE_ALLOCS];
		uint64_t step = cases[c].step_ms, all = 0, k;

		fill(s, cases[c].ms);
		assert_int_equal(s->step_ns, step * NSEC_PER_MSEC);
		assert_int_equal(s->n, cases[c].n);
		for (i = 0; i < s->n; i++) {
			uint64_t expected = 0;

			for (k = i * step; k < (i + 1) * step && k < cases[c].ms; k++)
				expected += k % 3;
			assert_int_equal(count->values[i], expected);
			assert_int_equal(level->values[i], i * step);
			all += expected;
		}
		assert_int_equal(count->now, all);
		/* what was not known when a step began is not known in it */
		i = s->tracks[TRACK_FREE].first;
		assert_true(i * step >= 15 && (i == 0 || (i - 1) * step < 15));
		assert_int_equal(s->tracks[TRACK_FREE].values[i], i * step);
		free(s);
	}
}

static void test_steps_far(void **state _unused_)
{
	struct steps *s = steps_new(1);

	steps_set(s, TRACK_SLAB_LIVE, 5);
	steps_pass(s, UINT64_MAX);
	assert_true(s->n <= STEPS_MAX && s->n > STEPS_MAX / 2);
	assert_int_equal(s->tracks[TRACK_SLAB_LIVE].values[s->n - 1], 5);
	steps_count(s, TRACK_SLAB_ALLOCS, UINT64_MAX, 1);
	assert_int_equal(s->tracks[TRACK_SLAB_ALLOCS].values[s->n - 1], 1);
	free(s);
}

/* --- tracks --------------------------------------------------------------------------------------------- */

static void test_slab(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run(START "repeat 23 step_ns=100us step_ptr=192 1ms cpu0 kmalloc ptr=0x10000 "
			  "site=0x100 req=176 alloc=192\n"
			  "repeat 13 step_ptr=192 4ms cpu1 kfree ptr=0x10000\n"
			  "5ms cpu0 kmalloc ptr=0x20000 site=0x200 req=9 alloc=16\n"
			  "5ms cpu0 kmalloc ptr=0x20000 site=0x300 req=9 alloc=16 flags=again\n"
			  "6500us cpu0 end\n");
	const struct series *live = series_of(r, "slab_live_bytes");
	const struct series *waste = series_of(r, "slab_live_waste");
	const struct series *allocs = series_of(r, "slab_allocs");
	const struct table *t = table_of(r, "tracks");

	assert_int_equal(r->n_series, 3);
	assert_int_equal(live->start_ns, 1);
	assert_int_equal(live->step_ns, NSEC_PER_MSEC);
	assert_int_equal(live->n, 7);
	assert_int_equal(live->values[3], 20 * 192 + 192);
	assert_int_equal(live->values[4], 10 * 192);
	assert_int_equal(live->values[6], 10 * 192 + 16);
	assert_int_equal(waste->values[6], 10 * 16 + 7);
	/* the second event of an allocation is none more */
	assert_int_equal(sum(allocs), 24);
	assert_int_equal(allocs->n, 7);
	assert_int_equal(t->n_rows, 3);
	assert_string_equal(text(t, 0, "track"), "slab_live_bytes");
	assert_string_equal(text(t, 0, "kind"), "level");
	assert_int_equal(number(t, 0, "last"), 10 * 192 + 16);
	assert_true(is_null(t, 0, "total"));
	assert_string_equal(text(t, 2, "kind"), "count");
	assert_int_equal(number(t, 2, "total"), 24);
	assert_true(is_null(t, 2, "last"));
	assert_int_equal(r->quality.analysed, 23 + 13 + 2);
	assert_int_equal(table_of(r, "events")->n_rows, 0);
}

/* A track for what is hooked though nothing happens, and none for what is not. */
static void test_which(void **state _unused_)
{
	static const struct {
		const char *record, *track;
	} cases[] = {
		{ "start hooked=8\n", "vmalloc_live_bytes" },
		{ "start hooked=512\n", "faults_minor" },
		{ "start hooked=64\n", "register_writes" },
		{ "start\n2us cpu0 page_free pfn=8 order=0\n", "live_pages" },
		{ "start\n2us cpu0 kfree ptr=8\n", "slab_live_bytes" },
		{ "start hooked=1\n", NULL },
		{ "start\n", NULL },
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(report_free) struct report *r = NULL;
		char script[256];

		snprintf(script, sizeof(script), "1us cpu0 %s9us cpu0 end\n", cases[i].record);
		r = run(script);
		for (k = 0; k < ARRAY_SIZE(cases) - 2; k++)
			assert_true(!series_of(r, cases[k].track) ==
				    (!cases[i].track || strcmp(cases[k].track, cases[i].track)));
		assert_int_equal(table_of(r, "tracks")->n_rows, r->n_series);
	}
}

static void test_sampled(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("1 cpu0 start sample=10\n"
		    "1ms cpu0 kmalloc ptr=0x10000 site=0x100 req=90 alloc=96\n"
		    "2ms cpu0 register source=gpio access=write value=1\n"
		    "3ms cpu0 end\n");

	assert_int_equal(sum(series_of(r, "slab_allocs")), 10);
	assert_int_equal(number(table_of(r, "tracks"), 0, "last"), 960);
	assert_int_equal(sum(series_of(r, "register_writes")), 1);
	assert_int_equal(r->n_notes, 1);
}

#define ZONEINFO                                                            \
	"Node 0, zone   Normal\n  pages free     100\n        min      1\n" \
	"        low      2\n        high     3\n        spanned  4096\n"   \
	"        present  4096\n        managed  4096\n  start_pfn: 0\nEND\n"
#define LOOK(time, blocks)                                        \
	time " cpu0 snapshot file=zoneinfo <<END\n" ZONEINFO time \
	     " cpu0 snapshot file=buddyinfo <<END\nNode 0, zone   Normal " blocks "\nEND\n"

/* The kernel's lists hold from one look to the next, and are not known before the first. */
static void test_free_memory(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("1us cpu0 start\n" LOOK("2500us", "4 2 1")
			    LOOK("4500us", "1 0 3") "5500us cpu0 end\n");
	const struct series *free = series_of(r, "free_bytes");
	const struct series *order2 = series_of(r, "free_order_2");

	assert_non_null(free);
	assert_int_equal(r->n_series, 4);
	assert_int_equal(free->start_ns, 3001000);
	assert_int_equal(free->n, 3);
	assert_int_equal(free->values[0], 12 * 4096);
	assert_int_equal(free->values[1], 12 * 4096);
	assert_int_equal(free->values[2], 13 * 4096);
	assert_int_equal(order2->start_ns, free->start_ns);
	assert_int_equal(order2->values[0], 4);
	assert_int_equal(order2->values[2], 12);
}

/* --- events --------------------------------------------------------------------------------------------- */

static void test_work(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = run(
		START "1ms cpu0 task pid=7 comm=seven\n"
		      "2ms cpu0 compaction what=begin pfn=4096\n"
		      "3ms cpu1 reclaim what=begin order=3\n"
		      "5ms cpu0 compaction what=end pfn=4096 status=4\n"
		      "6ms cpu0 compaction what=end status=1\n" /* begun elsewhere */
		      "7ms cpu1 reclaim what=begin order=5\n" /* the one before went elsewhere */
		      "8ms cpu1 reclaim what=end pages=31\n"
		      "9ms cpu0 compaction what=begin\n" /* it goes on */
		      "10ms cpu0 end\n");
	const struct table *t = table_of(r, "events");

	assert_int_equal(t->n_rows, 5);
	assert_int_equal(number(t, 0, "time_ns"), 2000000);
	assert_int_equal(number(t, 0, "duration_ns"), 3000000);
	assert_string_equal(text(t, 0, "name"), "compaction");
	assert_string_equal(text(t, 0, "detail"), "zone from frame 4096, result 4");
	assert_string_equal(text(t, 1, "name"), "direct reclaim begins");
	assert_true(is_null(t, 1, "duration_ns"));
	assert_string_equal(text(t, 1, "detail"), "for order 3");
	assert_string_equal(text(t, 2, "name"), "compaction ends");
	assert_true(is_null(t, 2, "duration_ns"));
	assert_string_equal(text(t, 3, "detail"), "for order 5, 31 pages");
	assert_int_equal(number(t, 3, "duration_ns"), 1000000);
	assert_string_equal(text(t, 4, "name"), "compaction begins");
	assert_int_equal(number(t, 4, "time_ns"), 9000000);
}

static void test_own_and_doubled(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("1 cpu0 start hooked=8\n"
		    "1ms cpu0 page_alloc pfn=none order=4 pid=3 flags=own\n"
		    "2ms cpu0 fault address=0x1000 ip=0x2000 what=major pid=3 flags=own\n"
		    "3ms cpu0 area_alloc address=0x10000 bytes=8192 flags=own\n"
		    "4ms cpu0 vmalloc address=0x10000 bytes=100 began=3ms\n"
		    /* the module tells what ioremap() has told; iounmap() is told twice */
		    "5ms cpu0 ioremap phys=0x1000 bytes=16 address=0x20000 function=x86\n"
		    "6ms cpu0 ioremap phys=0x1000 bytes=16 address=0x20000 function=module\n"
		    "7ms cpu0 iounmap address=0x20000\n"
		    "9ms cpu0 end\n");
	const struct table *t = table_of(r, "events");

	assert_int_equal(t->n_rows, 2);
	assert_string_equal(text(t, 0, "kind"), "ioremap");
	assert_string_equal(text(t, 1, "kind"), "iounmap");
	assert_int_equal(r->quality.own, 4);
	assert_int_equal(r->quality.analysed, 3);
	assert_int_equal(sum(series_of(r, "faults_major")), 0);
}

static void test_loss(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = run(START "1s cpu0 counters lost=3,2\n"
							    "1s cpu1 counters\n"
							    "1s cpu0 misses misses=0\n"
							    "2s cpu0 counters lost=3,2\n"
							    "2s cpu1 counters lost=0,5\n"
							    "2s cpu0 misses misses=7\n"
							    "2s cpu0 maps_lost records=11\n"
							    "2s cpu0 end\n");
	const struct table *t = table_of(r, "events");

	assert_int_equal(t->n_rows, 4);
	/* it lies between two records of the counters of a CPU */
	assert_int_equal(number(t, 0, "time_ns"), 1);
	assert_int_equal(number(t, 0, "duration_ns"), 999999999);
	assert_int_equal(number(t, 0, "cpu"), 0);
	assert_string_equal(text(t, 1, "name"), "lost records");
	assert_true(is_null(t, 1, "cpu"));
	assert_int_equal(number(t, 2, "time_ns"), 1000000000);
	assert_int_equal(number(t, 2, "duration_ns"), 1000000000);
	assert_int_equal(number(t, 2, "cpu"), 1);
	assert_string_equal(text(t, 3, "name"), "missed events");
	assert_int_equal(r->quality.lost, 10);
	assert_int_equal(r->quality.recursion_misses, 7);
}

/* Any one kind gets what is not reserved for others, and they get theirs. */
static void test_bound(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run(START
		    "repeat 200003 step_ns=10 1ms cpu0 register source=gpio access=write value=1\n"
		    "repeat 5003 step_ns=10 2s cpu0 page_fallback pfn=8 order=1 migratetype=0 "
		    "from_order=3 from_migratetype=1\n"
		    "3s cpu0 end\n");
	const struct table *t = table_of(r, "events");
	uint64_t shared = TRACKS_EVENTS_MAX - TRACKS_EVENTS_RESERVED * TRACK_EVENT_KINDS;
	uint64_t kept = TRACKS_EVENTS_RESERVED + shared;

	assert_int_equal(t->n_rows, kept + TRACKS_EVENTS_RESERVED);
	assert_int_equal(t->rows_total, 200003 + 5003);
	assert_int_equal(r->n_notes, 2);
	assert_non_null(strstr(r->notes[0], "3 events of kind «fallback»"));
	assert_non_null(strstr(r->notes[1], "events of kind «register_write»"));
	/* the track has them all */
	assert_int_equal(sum(series_of(r, "register_writes")), 200003);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),		cmocka_unit_test(test_steps_grow),
		cmocka_unit_test(test_steps_far),	cmocka_unit_test(test_slab),
		cmocka_unit_test(test_which),		cmocka_unit_test(test_sampled),
		cmocka_unit_test(test_free_memory),	cmocka_unit_test(test_work),
		cmocka_unit_test(test_own_and_doubled), cmocka_unit_test(test_loss),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
