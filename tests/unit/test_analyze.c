// SPDX-License-Identifier: GPL-2.0
/* The reports of slab and leaks, from scripts of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "fixture.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define START "0 cpu0 start n_cpus=2 gfp_dma=1 gfp_reclaimable=0x10 gfp_account=0x400000\n"
#define END   "10s cpu0 end\n"

struct play {
	struct analyzer *analyzer;
};

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct analyzer *a = ((struct play *)arg)->analyzer;

	a->ops->consume(a, records, n);
}

static struct report *run(const char *name, struct analyzer_options o, const char *script)
{
	const struct analyzer_ops *ops = analyzer_find(name);
	struct play p = { .analyzer = ops->create(&o) };
	struct report *r = report_new(name), *again = report_new(name);

	assert_non_null(p.analyzer);
	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = &p });
	/* a report can be asked for at any time, and does not change what is reported next */
	assert_int_equal(ops->report(p.analyzer, again), 0);
	assert_int_equal(ops->report(p.analyzer, r), 0);
	assert_int_equal(r->n_tables, again->n_tables);
	report_free(&again);
	analyzer_free(&p.analyzer);
	assert_null(p.analyzer);
	return r;
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

static uint64_t sum(const struct table *t, const char *column)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < t->n_rows; i++)
		total += is_null(t, i, column) ? 0 : number(t, i, column);
	return total;
}

static void test_find(void **state _unused_)
{
	assert_ptr_equal(analyzer_find("slab"), &slab_analyzer);
	assert_ptr_equal(analyzer_find("leaks"), &leaks_analyzer);
	assert_null(analyzer_find("slabs"));
	assert_null(analyzer_find(""));
}

/* Two sites, two kinds of cache, several sizes at a site. */
#define MIXED                                                                                  \
	START                                                                                  \
	"1 cpu0 cache id=0xabc object=40 slab=48 name=named\n"                                 \
	"repeat 23 step_ptr=192 100 cpu0 kmalloc ptr=0x10000 site=0x100 req=176 alloc=192\n"   \
	"repeat 13 step_ptr=192 200 cpu1 kfree ptr=0x10000\n"                                  \
	"repeat 7 step_ptr=1024 300 cpu0 kmalloc ptr=0x20000 site=0x100 req=640 alloc=1024\n"  \
	"repeat 5 step_ptr=1024 400 cpu0 kmalloc ptr=0x30000 site=0x200 req=1000 alloc=1024\n" \
	"repeat 17 step_ptr=48 500 cpu1 cache_alloc ptr=0x40000 site=0x200 cache=0xabc\n"      \
	"repeat 2 step_ptr=48 600 cpu1 cache_free ptr=0x40000\n"                               \
	"repeat 3 700 cpu0 kmalloc ptr=0 site=0x200 req=176 alloc=192\n"                       \
	"repeat 3 step_ptr=0x4000 800 cpu0 kmalloc ptr=0x50000 site=0x300 req=9000 "           \
	"alloc=16384\n" END

static void test_slab_tables_agree(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("slab", (struct analyzer_options){ 0 }, MIXED);
	const struct table *sites = table_of(r, "sites"), *classes = table_of(r, "classes"),
			   *caches = table_of(r, "caches");
	const char *const everywhere[] = { "allocs", "frees", "waste", "live_objects" };
	uint64_t waste = 23 * 16 + 7 * 384 + 5 * 24 + 17 * 8 + 3 * (16384 - 9000);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(everywhere); i++) {
		assert_int_equal(sum(sites, everywhere[i]), sum(classes, everywhere[i]));
		assert_int_equal(sum(sites, everywhere[i]), sum(caches, everywhere[i]));
	}
	assert_int_equal(sum(sites, "bytes_req"), sum(classes, "bytes_req"));
	assert_int_equal(sum(sites, "live_bytes"), sum(caches, "live_bytes"));
	assert_int_equal(sum(sites, "allocs"), 23 + 7 + 5 + 17 + 3);
	assert_int_equal(sum(sites, "frees"), 13 + 2);
	assert_int_equal(sum(sites, "waste"), waste);
	assert_int_equal(sum(sites, "bytes_alloc") - sum(sites, "bytes_req"), waste);
	assert_int_equal(sum(sites, "failed"), 3);
	assert_int_equal(r->quality.allocs, sum(sites, "allocs"));
	assert_int_equal(r->quality.frees_matched, sum(sites, "frees"));
}

/* What only failed has no line in the tables of what was given. */
static void test_slab_only_failed(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("slab", (struct analyzer_options){ 0 },
		    START "repeat 3 100 cpu0 kmalloc ptr=0 site=0x100 req=176 alloc=192\n" END);

	assert_int_equal(table_of(r, "sites")->n_rows, 1);
	assert_int_equal(number(table_of(r, "sites"), 0, "failed"), 3);
	assert_int_equal(table_of(r, "classes")->n_rows, 0);
	assert_int_equal(table_of(r, "caches")->n_rows, 0);
}

static void test_slab_sites(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("slab", (struct analyzer_options){ 0 }, MIXED);
	const struct table *t = table_of(r, "sites");

	/* by waste */
	assert_int_equal(t->n_rows, 3);
	assert_int_equal(number(t, 0, "site"), 0x300);
	assert_int_equal(number(t, 1, "site"), 0x100);
	assert_int_equal(number(t, 2, "site"), 0x200);
	assert_int_equal(number(t, 1, "address"), 0x100);
	assert_int_equal(number(t, 1, "allocs"), 30);
	assert_int_equal(number(t, 1, "frees"), 13);
	assert_int_equal(number(t, 1, "bytes_req"), 23 * 176 + 7 * 640);
	assert_int_equal(number(t, 1, "bytes_alloc"), 23 * 192 + 7 * 1024);
	assert_int_equal(number(t, 1, "live_objects"), 17);
	assert_int_equal(number(t, 1, "live_bytes"), 10 * 192 + 7 * 1024);
	assert_int_equal(number(t, 1, "live_waste"), 10 * 16 + 7 * 384);
	assert_int_equal(number(t, 1, "peak_live_bytes"), 10 * 192 + 7 * 1024);
	assert_int_equal(number(t, 1, "typical_req"), 176);
	assert_int_equal(number(t, 2, "typical_req"), 40); /* of the named cache */
	assert_true(table_cell(t, 1, "waste_pct")->real > 26.37 &&
		    table_cell(t, 1, "waste_pct")->real < 26.39); /* 3056 of 11584 */
	assert_true(is_null(t, 0, "advice")); /* 12 KiB: too little */
	assert_true(is_null(t, 0, "error_pct"));
}

static void test_slab_classes_and_caches(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("slab", (struct analyzer_options){ 0 }, MIXED);
	const struct table *t = table_of(r, "classes");

	assert_int_equal(t->n_rows, 4);
	/* the most wasteful first */
	assert_int_equal(number(t, 0, "bytes_alloc"), 16384);
	assert_int_equal(number(t, 0, "page_backed"), 1);
	assert_int_equal(number(t, 1, "bytes_alloc"), 1024);
	assert_int_equal(number(t, 1, "allocs"), 12);
	assert_int_equal(number(t, 1, "page_backed"), 0);
	assert_int_equal(number(t, 2, "bytes_alloc"), 192);
	assert_int_equal(number(t, 3, "bytes_alloc"), 48);
	assert_int_equal(number(t, 3, "live_objects"), 15);
	t = table_of(r, "caches");
	assert_int_equal(t->n_rows, 4);
	assert_string_equal(text(t, 0, "cache"), "kmalloc-192");
	assert_string_equal(text(t, 1, "cache"), "named");
	assert_int_equal(number(t, 1, "object_size"), 40);
	assert_int_equal(number(t, 1, "slab_size"), 48);
	assert_string_equal(text(t, 2, "cache"), "kmalloc-1k");
	assert_string_equal(text(t, 3, "cache"), "kmalloc-large-16k");
}

static void test_slab_top(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("slab", (struct analyzer_options){ .top = 1 }, MIXED);

	assert_int_equal(table_of(r, "sites")->n_rows, 1);
	assert_int_equal(table_of(r, "sites")->rows_total, 3);
	assert_int_equal(number(table_of(r, "sites"), 0, "site"), 0x300);
	assert_int_equal(table_of(r, "caches")->n_rows, 1);
}

static void test_slab_advice(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("slab", (struct analyzer_options){ 0 },
		    START "repeat 24758 step_ns=10 step_ptr=1024 100 cpu0 kmalloc ptr=0x10000000 "
			  "site=0x100 req=520 alloc=1024\n"
			  "repeat 3 step_ns=10 step_ptr=64 1s cpu1 kmalloc ptr=0x1000 site=0x100 "
			  "req=40 alloc=64\n" END);

	assert_string_equal(text(table_of(r, "sites"), 0, "advice"),
			    "520 B requested → 1024 B: a 520-byte kmem_cache would save 11.9 MiB "
			    "live; 8 B less would fit the 512 B class");
}

/* The cache of an unknown name and size: counted, but not in bytes. */
static void test_slab_unknown_cache(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("slab", (struct analyzer_options){ 0 },
		    START
		    "repeat 7 step_ptr=64 100 cpu0 cache_alloc ptr=0x1000 site=1 cache=0xabc\n"
		    "repeat 2 step_ptr=64 200 cpu0 cache_free ptr=0x1000\n" END);
	const struct table *t = table_of(r, "sites");

	assert_int_equal(number(t, 0, "allocs"), 7);
	assert_int_equal(number(t, 0, "live_objects"), 5);
	assert_true(is_null(t, 0, "waste"));
	assert_true(is_null(t, 0, "live_bytes"));
	t = table_of(r, "caches");
	assert_int_equal(number(t, 0, "allocs"), 7);
	assert_true(is_null(t, 0, "cache") && is_null(t, 0, "slab_size"));
}

static void test_leaks_unknown_cache(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = run(
		"leaks", (struct analyzer_options){ .objects = true },
		START
		"repeat 7 step_ptr=64 100 cpu0 cache_alloc ptr=0x1000 site=1 cache=0xabc\n" END);

	assert_int_equal(number(table_of(r, "candidates"), 0, "objects"), 7);
	assert_true(is_null(table_of(r, "candidates"), 0, "bytes"));
	assert_true(is_null(table_of(r, "objects"), 0, "bytes"));
}

static void test_slab_by_cache(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("slab", (struct analyzer_options){ .by = LEDGER_BY_CACHE }, MIXED);
	const struct table *t = table_of(r, "sites");

	assert_int_equal(t->n_rows, 4);
	assert_string_equal(text(t, 0, "group"), "kmalloc-large-16k");
	assert_string_equal(text(t, 1, "group"), "kmalloc-1k");
	assert_int_equal(number(t, 1, "allocs"), 12);
	assert_int_equal(number(t, 1, "waste"), 7 * 384 + 5 * 24);
}

static void test_slab_sampled(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = run(
		"slab", (struct analyzer_options){ 0 },
		"0 cpu0 start sample=10\n"
		"repeat 25 step_ptr=192 100 cpu0 kmalloc ptr=0x10000 site=0x100 req=176 alloc=192\n"
		"repeat 9 step_ptr=192 200 cpu0 kfree ptr=0x10000\n"
		"repeat 3 300 cpu0 kmalloc ptr=0 site=0x100 req=176 alloc=192\n" END);
	const struct table *t = table_of(r, "sites");
	double error = table_cell(t, 0, "error_pct")->real;

	assert_int_equal(number(t, 0, "allocs"), 250);
	assert_int_equal(number(t, 0, "frees"), 90);
	assert_int_equal(number(t, 0, "live_objects"), 160);
	assert_int_equal(number(t, 0, "live_bytes"), 160 * 192);
	assert_int_equal(number(t, 0, "peak_live_bytes"), 250 * 192);
	assert_int_equal(number(t, 0, "waste"), 250 * 16);
	assert_int_equal(number(t, 0, "typical_req"), 176);
	assert_int_equal(number(table_of(r, "classes"), 0, "allocs"), 250);
	assert_int_equal(number(table_of(r, "caches"), 0, "live_bytes"), 160 * 192);
	assert_true(error > 18.97 && error < 18.98); /* 100 × √(0.9 / 25) */
	assert_int_equal(r->quality.sample, 10);
	assert_int_equal(r->quality.allocs, 25); /* what was seen, not what it stands for */
}

/* Leaks: one object a second at 0x100; 0x200 frees all; 0x300 is given out again without a free. */
#define LEAKING                                                                                    \
	START "1 cpu0 task pid=42 tid=42 comm=leaky\n"                                             \
	      "repeat 10 step_ns=1s step_ptr=192 500ms cpu0 kmalloc ptr=0x10000 site=0x100 "       \
	      "req=176 alloc=192 pid=42\n"                                                         \
	      "repeat 11 step_ns=10 step_ptr=64 600ms cpu1 kmalloc ptr=0x20000 site=0x200 req=64 " \
	      "alloc=64 pid=43\n"                                                                  \
	      "repeat 11 step_ns=10 step_ptr=64 700ms cpu1 kfree ptr=0x20000\n"                    \
	      "repeat 5 step_ns=1ms 800ms cpu1 kmalloc ptr=0x30000 site=0x300 req=32 alloc=32 "    \
	      "pid=43\n"                                                                           \
	      "1s cpu0 tick\n2s cpu0 tick\n3s cpu0 tick\n4s cpu0 tick\n5s cpu0 tick\n"             \
	      "6s cpu0 tick\n7s cpu0 tick\n8s cpu0 tick\n9s cpu0 tick\n10s cpu0 tick\n" END

static void test_leaks(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("leaks", (struct analyzer_options){ 0 }, LEAKING);
	const struct table *t = table_of(r, "candidates");

	assert_int_equal(t->n_rows, 2);
	assert_int_equal(number(t, 0, "site"), 0x100);
	assert_string_equal(text(t, 0, "cache"), "kmalloc-192");
	assert_int_equal(number(t, 0, "objects"), 10);
	assert_int_equal(number(t, 0, "bytes"), 1920);
	assert_int_equal(number(t, 0, "oldest_ns"), 9500 * NSEC_PER_MSEC);
	assert_int_equal(number(t, 0, "youngest_ns"), 500 * NSEC_PER_MSEC);
	assert_true(table_cell(t, 0, "growth_bps")->real > 191.99 &&
		    table_cell(t, 0, "growth_bps")->real < 192.01);
	assert_string_equal(text(t, 0, "verdict"), "candidate");
	assert_int_equal(table_cell(t, 0, "evidence")->list.n, 1);
	assert_string_equal(table_cell(t, 0, "evidence")->list.items[0],
			    "none of 10 allocations was freed");
	assert_int_equal(number(t, 1, "site"), 0x300);
	assert_int_equal(number(t, 1, "objects"), 1);
	assert_int_equal(number(t, 1, "bytes"), 32);
	assert_int_equal(table_cell(t, 1, "evidence")->list.n, 2);
	assert_string_equal(table_cell(t, 1, "evidence")->list.items[0],
			    "4 of 5 allocations were freed");
	assert_non_null(strstr(table_cell(t, 1, "evidence")->list.items[1], "4 of these frees"));
	assert_int_equal(r->n_tables, 1);
	assert_int_equal(r->n_notes, 0);
}

static void test_leaks_min_age(void **state _unused_)
{
	struct analyzer_options o = { .min_age_ns = 4500 * NSEC_PER_MSEC };
	_cleanup_(report_free) struct report *r = run("leaks", o, LEAKING);
	const struct table *t = table_of(r, "candidates");

	/* 9.5 s to 4.5 s: what is just as old counts */
	assert_int_equal(number(t, 0, "objects"), 6);
	assert_int_equal(number(t, 0, "bytes"), 6 * 192);
	assert_int_equal(number(t, 0, "oldest_ns"), 9500 * NSEC_PER_MSEC);
	assert_int_equal(number(t, 0, "youngest_ns"), 4500 * NSEC_PER_MSEC);
	assert_int_equal(r->n_notes, 1);
	report_free(&r);
	o.min_age_ns = 20 * NSEC_PER_SEC; /* longer than the run */
	r = run("leaks", o, LEAKING);
	assert_int_equal(table_of(r, "candidates")->n_rows, 0);
	assert_non_null(strstr(table_of(r, "candidates")->empty, "has lived that long"));
}

static void test_leaks_objects(void **state _unused_)
{
	struct analyzer_options o = { .objects = true, .top = 3 };
	_cleanup_(report_free) struct report *r = run("leaks", o, LEAKING);
	const struct table *t = table_of(r, "objects");

	assert_int_equal(t->rows_total, 11);
	assert_int_equal(t->n_rows, 3);
	/* oldest first */
	assert_int_equal(number(t, 0, "address"), 0x10000);
	assert_int_equal(number(t, 0, "age_ns"), 9500 * NSEC_PER_MSEC);
	assert_int_equal(number(t, 0, "bytes"), 192);
	assert_int_equal(number(t, 0, "pid"), 42);
	assert_string_equal(text(t, 0, "comm"), "leaky");
	assert_int_equal(number(t, 1, "address"), 0x30000);
	assert_true(is_null(t, 1, "comm")); /* nobody told the name of 43 */
	assert_int_equal(number(t, 2, "address"), 0x10000 + 192);
}

static void test_leaks_by_pid(void **state _unused_)
{
	struct analyzer_options o = { .by = LEDGER_BY_PID };
	_cleanup_(report_free) struct report *r = run("leaks", o, LEAKING);
	const struct table *t = table_of(r, "candidates");

	assert_int_equal(t->n_rows, 2);
	assert_string_equal(text(t, 0, "group"), "42");
	assert_string_equal(text(t, 1, "group"), "43");
	assert_string_equal(table_cell(t, 1, "evidence")->list.items[0],
			    "15 of 16 allocations were freed");
}

static void test_leaks_by_comm(void **state _unused_)
{
	struct analyzer_options o = { .by = LEDGER_BY_COMM };
	_cleanup_(report_free) struct report *r = run("leaks", o, LEAKING);
	const struct table *t = table_of(r, "candidates");

	assert_string_equal(text(t, 0, "group"), "leaky");
	assert_true(is_null(t, 1, "group"));
}

static void test_leaks_nothing(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("leaks", (struct analyzer_options){ .objects = true }, START END);

	assert_int_equal(table_of(r, "candidates")->n_rows, 0);
	assert_string_equal(table_of(r, "candidates")->empty, "no slab allocations were seen");
	assert_int_equal(table_of(r, "objects")->n_rows, 0);
	assert_int_equal(r->quality.events, 0);
}

/* Of 20 live objects 4 carry a stack: 3 of one, 1 of another. */
#define STACKS                                                                                 \
	START "1 cpu0 stack id=1 frames=0x100,0x1000,0x2000\n"                                 \
	      "1 cpu0 stack id=2 frames=0x100,0x1000,0x3000\n"                                 \
	      "repeat 3 step_ptr=64 10 cpu0 kmalloc ptr=0x10000 site=0x100 req=64 alloc=64 "   \
	      "stack=1\n"                                                                      \
	      "20 cpu0 kmalloc ptr=0x20000 site=0x100 req=64 alloc=64 stack=2\n"               \
	      "repeat 16 step_ptr=64 30 cpu0 kmalloc ptr=0x30000 site=0x100 req=64 alloc=64\n" \
	      "40 cpu0 kmalloc ptr=0x40000 site=0x200 req=64 alloc=64 stack=2\n" END

static void test_stack_shares(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("leaks", (struct analyzer_options){ .stacks = true }, STACKS);
	const struct cell *c = table_cell(table_of(r, "candidates"), 0, "stacks");

	assert_int_equal(c->stacks.n, 2);
	assert_int_equal(c->stacks.items[0].objects, 15);
	assert_int_equal(c->stacks.items[0].bytes, 15 * 64);
	assert_true(c->stacks.items[0].estimated);
	assert_int_equal(c->stacks.items[1].objects, 5);
	assert_int_equal(r->stacks[c->stacks.items[0].stack].frames[2].address, 0x2000);
	c = table_cell(table_of(r, "candidates"), 1, "stacks");
	assert_int_equal(c->stacks.n, 1);
	assert_int_equal(c->stacks.items[0].objects, 1);
	assert_false(c->stacks.items[0].estimated);
}

static void test_no_stacks_unless_asked_for(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		run("leaks", (struct analyzer_options){ 0 }, STACKS);

	assert_true(is_null(table_of(r, "candidates"), 0, "stacks"));
	assert_int_equal(r->n_stacks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_slab_tables_agree),
		cmocka_unit_test(test_slab_only_failed),
		cmocka_unit_test(test_slab_sites),
		cmocka_unit_test(test_slab_classes_and_caches),
		cmocka_unit_test(test_slab_top),
		cmocka_unit_test(test_slab_advice),
		cmocka_unit_test(test_slab_unknown_cache),
		cmocka_unit_test(test_leaks_unknown_cache),
		cmocka_unit_test(test_slab_by_cache),
		cmocka_unit_test(test_slab_sampled),
		cmocka_unit_test(test_leaks),
		cmocka_unit_test(test_leaks_min_age),
		cmocka_unit_test(test_leaks_objects),
		cmocka_unit_test(test_leaks_by_pid),
		cmocka_unit_test(test_leaks_by_comm),
		cmocka_unit_test(test_leaks_nothing),
		cmocka_unit_test(test_stack_shares),
		cmocka_unit_test(test_no_stacks_unless_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
