// SPDX-License-Identifier: GPL-2.0
/* Selections on a stream that was recorded without them: slab objects, tasks, ranges, sums. See filtered.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "filtered.h"

static void analyze(void *arg, const struct event_header *const *records, size_t n)
{
	struct analyzer *a = arg;

	a->ops->consume(a, records, n);
}

/* The report of a selection, or of everything with @o NULL. */
static struct report *report_of(const char *name, const struct filter_options *o,
				const char *script)
{
	_cleanup_(analyzer_free) struct analyzer *a =
		analyzer_find(name)->create(&(struct analyzer_options){ .all = true });
	struct event_sink sink = { .consume = analyze, .arg = a };
	struct report *r = report_new(name);

	assert_true(a && r);
	if (o)
		play(*o, script, &sink);
	else
		fixture_play(script, &sink);
	assert_int_equal(a->ops->report(a, r), 0);
	return r;
}

static void test_arguments(void **state _unused_)
{
	struct filter_options o = { .config = { .select = SELECT_CHILD } };
	struct event_sink out = { 0 };
	struct filter *f = NULL;

	assert_int_equal(filter_new(&o, &out, &f), -ENOTSUP);
	o = (struct filter_options){ .config = { .n_ranges = CONFIG_MAX_RANGES + 1 } };
	assert_int_equal(filter_new(&o, &out, &f), -EINVAL);
	o = (struct filter_options){ .from_ns = 2, .to_ns = 1 };
	assert_int_equal(filter_new(&o, &out, &f), -EINVAL);
	assert_null(f);
	filter_free(&f);
}

/* Nothing is selected: nothing changes. */
static void test_nothing(void **state _unused_)
{
	assert_selected((struct filter_options){ 0 },
			" 1 cpu0 start hooked=65536\n"
			" 2 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 flags=own\n"
			" 3 cpu0 kfree ptr=0x2000\n"
			" 4 cpu0 page_refill pfn=1 order=0\n"
			" 5 cpu0 tick\n"
			" 6 cpu0 end\n");
}

/* --- slab objects ------------------------------------------------------------------------------------- */

/* Frees by whoever; those of others and of what was there before are left out, by the CPU where they are. */
static void test_frees(void **state _unused_)
{
	assert_selected(
		by_pid(7), PROCESS
		" repeat 23 step_ptr=64 1us cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=7\n"
		"-repeat 29 step_ptr=64 2us cpu1 kmalloc ptr=0x9000 site=1 req=33 alloc=64 pid=8\n"
		" repeat 13 step_ptr=64 3us cpu1 kfree ptr=0x1000\n"
		"-repeat 31 step_ptr=64 4us cpu2 kfree ptr=0x9000\n"
		" 5us cpu2 cache_free ptr=0x1340\n"
		/* they are not there any more */
		"-repeat 13 step_ptr=64 6us cpu1 kfree ptr=0x1000\n"
		"-1s cpu0 counters lost=1,2 filtered=3 nulls=5 map_full=7\n"
		"+1s cpu0 counters lost=1,2 filtered=3 nulls=5 map_full=7\n"
		"-1s cpu1 counters filtered=11\n"
		"+1s cpu1 counters filtered=53\n"
		"-1s cpu2 counters\n"
		"+1s cpu2 counters filtered=31\n"
		" 1s cpu0 misses misses=1\n"
		" 1s cpu0 tick\n"
		"-1100ms cpu0 kfree ptr=0x9000\n"
		/* nothing else told of it */
		"+2s cpu0 counters lost=1,2 filtered=4 nulls=5 map_full=7\n"
		" 2s cpu0 tick\n"
		" 2100ms cpu0 kfree ptr=0x1380\n"
		" 3s cpu0 end\n");
}

/* Somebody else has the address: its object's free was not seen. */
static void test_reuse(void **state _unused_)
{
	assert_selected(by_pid(7), PROCESS
			" 1 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=7\n"
			"-2 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=8\n"
			"+2 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=8 flags=reuse\n"
			"-3 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=8\n"
			"-4 cpu0 kfree ptr=0x1000\n"
			" 5 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=7\n"
			" 6 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=7\n"
			" 7 cpu0 kfree ptr=0x1000\n"
			/* failed, and of no bytes */
			" 8 cpu0 kmalloc ptr=0 site=1 req=33 alloc=64 pid=7\n"
			"-8 cpu0 kmalloc ptr=0 site=1 req=33 alloc=64 pid=8\n"
			" 9 cpu0 kmalloc ptr=16 site=1 req=0 alloc=0 pid=7\n"
			"-9 cpu0 kmalloc ptr=16 site=1 req=0 alloc=0 pid=8\n"
			/* not recorded but for its address: not selected, whoever it was */
			" 10 cpu0 kmalloc ptr=0x2000 site=1 req=33 alloc=64 pid=7\n"
			" 11 cpu0 kmalloc ptr=0x2000 site=1 req=33 alloc=64 pid=7 flags=reuse\n"
			"-12 cpu0 kmalloc ptr=0x2000 site=1 req=33 alloc=64 pid=7 flags=reuse\n"
			"-13 cpu0 kfree ptr=0x2000\n"
			"+20 cpu0 counters filtered=6\n"
			" 20 cpu0 end\n");
}

/* Ours and their frees stay what they are. */
static void test_own(void **state _unused_)
{
	assert_selected(by_pid(7), PROCESS
			" repeat 17 step_ptr=64 1 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 "
			"pid=9 flags=own\n"
			" repeat 11 step_ptr=64 2 cpu0 kfree ptr=0x1000\n"
			/* over a selected one, and another over ours */
			" 3 cpu0 kmalloc ptr=0x3000 site=1 req=33 alloc=64 pid=7\n"
			" 4 cpu0 kmalloc ptr=0x3000 site=1 req=33 alloc=64 pid=9 flags=own\n"
			"-5 cpu0 kmalloc ptr=0x3000 site=1 req=33 alloc=64 pid=8\n"
			"-6 cpu0 kfree ptr=0x3000\n"
			"-7 cpu0 kmalloc ptr=0x4000 site=1 req=33 alloc=64 pid=9 flags=own,reuse\n"
			"+20 cpu0 counters filtered=3\n"
			" 20 cpu0 end\n");
}

/* Told from inside the allocator first: what is selected by its site is so with the second half only. */
static void test_told_again(void **state _unused_)
{
	struct filter_options o = { .config = {
					    .select = SELECT_SITE,
					    .n_ranges = 2,
					    .ranges = { { 0x100, 0x110 }, { 0x200, 0x210 } } } };

	assert_selected(o, SELECTED
			"-1 cpu0 kmalloc ptr=0x10000 site=0x500 req=9000 alloc=16384\n"
			"-2 cpu0 kmalloc ptr=0x10000 site=0x20f req=9000 alloc=16384 flags=again\n"
			"+2 cpu0 kmalloc ptr=0x10000 site=0x20f req=9000 alloc=16384\n"
			" 3 cpu0 kfree ptr=0x10000\n"
			/* both; and the first one only: then that stands */
			" 4 cpu0 kmalloc ptr=0x10000 site=0x100 req=9000 alloc=16384\n"
			" 5 cpu0 kmalloc ptr=0x10000 site=0x101 req=9000 alloc=16384 flags=again\n"
			" 6 cpu0 kmalloc ptr=0x20000 site=0x100 req=9000 alloc=16384\n"
			"-7 cpu0 kmalloc ptr=0x20000 site=0x110 req=9000 alloc=16384 flags=again\n"
			" 8 cpu0 kfree ptr=0x20000\n"
			/* neither, at the address of a selected one */
			"-9 cpu0 kmalloc ptr=0x10000 site=0x210 req=9000 alloc=16384\n"
			"+9 cpu0 kmalloc ptr=0x10000 site=0x210 req=9000 alloc=16384 flags=reuse\n"
			"-10 cpu0 kmalloc ptr=0x10000 site=0xff req=9000 alloc=16384 flags=again\n"
			"-11 cpu0 kfree ptr=0x10000\n"
			"+20 cpu0 counters filtered=4\n"
			" 20 cpu0 end\n");
}

static void test_sizes(void **state _unused_)
{
	assert_selected(
		by_size(100, 200), SELECTED
		" 1 cpu0 cache id=0xa object=100 slab=104 name=a\n"
		" 1 cpu0 cache id=0xb object=201 slab=208 name=b\n"
		"-repeat 3 step_ptr=64 2 cpu0 kmalloc ptr=0x1000 site=1 req=99 alloc=128\n"
		" repeat 5 step_ptr=64 3 cpu0 kmalloc ptr=0x2000 site=1 req=100 alloc=128\n"
		" repeat 7 step_ptr=64 4 cpu0 cache_alloc ptr=0x3000 site=1 req=200 alloc=256\n"
		"-repeat 11 step_ptr=64 5 cpu0 cache_alloc ptr=0x4000 site=1 req=201 alloc=256\n"
		" repeat 13 step_ptr=128 6 cpu0 cache_alloc ptr=0x5000 site=1 cache=0xa\n"
		"-repeat 17 step_ptr=256 7 cpu0 cache_alloc ptr=0x6000 site=1 cache=0xb\n"
		/* one whose record was lost; one that is another from here on */
		"-7 cpu0 cache_alloc ptr=0x8000 site=1 cache=0xc\n"
		" 8 cpu0 cache id=0xb object=150 slab=160 name=c\n"
		" repeat 19 step_ptr=256 9 cpu0 cache_alloc ptr=0x9000 site=1 cache=0xb\n"
		"+20 cpu0 counters filtered=32\n"
		" 20 cpu0 end\n");
}

static void test_caches(void **state _unused_)
{
	assert_selected(
		by_cache("dentry"), SELECTED
		" 1 cpu0 cache id=0xa object=192 slab=192 name=dentry\n"
		" 1 cpu0 cache id=0xb object=192 slab=192 name=dentry2\n"
		" repeat 5 step_ptr=192 2 cpu0 cache_alloc ptr=0x1000 site=1 cache=0xa\n"
		"-repeat 7 step_ptr=192 3 cpu1 cache_alloc ptr=0x2000 site=1 cache=0xb\n"
		"-4 cpu1 kmalloc ptr=0x3000 site=1 req=192 alloc=192\n"
		"-4 cpu1 cache_alloc ptr=0x4000 site=1 req=192 alloc=192\n"
		" 5 cpu1 cache_free ptr=0x1000\n"
		/* told again: the same; destroyed, and another in its place; the one that was another */
		" 6 cpu1 cache id=0xa object=192 slab=192 name=dentry\n"
		" 7 cpu0 cache_alloc ptr=0x1000 site=1 cache=0xa\n"
		" 8 cpu1 cache id=0xa object=192 slab=192 name=other\n"
		" 8 cpu1 cache id=0xb object=192 slab=192 name=dentry\n"
		"-9 cpu0 cache_alloc ptr=0x5000 site=1 cache=0xa\n"
		" repeat 3 step_ptr=192 10 cpu0 cache_alloc ptr=0x2000 site=1 cache=0xb\n"
		/* objects of the old one */
		" repeat 5 step_ptr=192 11 cpu0 cache_free ptr=0x1000\n"
		"+20 cpu0 counters filtered=1\n"
		"+20 cpu1 counters filtered=9\n"
		" 20 cpu0 end\n");
}

/* A class is a size and a type, which flags decide. */
static void test_kmalloc_class(void **state _unused_)
{
	struct filter_options o = { .config = {
					    .select = SELECT_CACHE,
					    .kmalloc_class = 192,
					    .kmalloc_gfp = 0x400000,
					    .kmalloc_gfp_mask = 0x400011,
				    } };

	assert_selected(o, SELECTED
			" repeat 5 step_ptr=192 2 cpu0 kmalloc ptr=0x1000 site=1 req=129 alloc=192 "
			"gfp=0x400cc0\n"
			"-3 cpu0 kmalloc ptr=0x2000 site=1 req=129 alloc=192 gfp=0xcc0\n"
			"-3 cpu0 kmalloc ptr=0x3000 site=1 req=129 alloc=192 gfp=0x400cd0\n"
			"-3 cpu0 kmalloc ptr=0x4000 site=1 req=129 alloc=256 gfp=0x400cc0\n"
			"-3 cpu0 cache_alloc ptr=0x5000 site=1 req=129 alloc=192 gfp=0x400cc0\n"
			" repeat 5 step_ptr=192 4 cpu1 kfree ptr=0x1000\n"
			"+20 cpu0 counters filtered=4\n"
			" 20 cpu0 end\n");
}

/* --- tasks ---------------------------------------------------------------------------------------------- */

static void test_comm(void **state _unused_)
{
	/* what tasks have counted says nothing any more; names are compared whole */
	assert_selected(
		by_comm("pipes"),
		START("1",
		      "0") " 1 cpu0 task pid=7 tid=7 comm=pipes\n"
			   " 1 cpu1 task pid=8 tid=8 comm=pipes2\n"
			   " repeat 5 step_ptr=64 2 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 "
			   "pid=7\n"
			   "-repeat 7 step_ptr=64 2 cpu1 kmalloc ptr=0x2000 site=1 req=33 alloc=64 "
			   "pid=8\n"
			   /* it moves, is called otherwise, and there is another one of that name */
			   " 3 cpu0 task pid=9 tid=9 comm=pipe\n"
			   " 3 cpu1 task pid=7 tid=7 comm=pipes\n"
			   "-4 cpu0 kmalloc ptr=0x3000 site=1 req=33 alloc=64 pid=9\n"
			   " 4 cpu1 kmalloc ptr=0x4000 site=1 req=33 alloc=64 pid=7\n"
			   " 5 cpu1 task pid=7 tid=7 comm=renamed\n"
			   " 6 cpu0 task pid=9 tid=9 comm=pipes\n"
			   "-7 cpu1 kmalloc ptr=0x5000 site=1 req=33 alloc=64 pid=7\n"
			   " 7 cpu0 kmalloc ptr=0x6000 site=1 req=33 alloc=64 pid=9\n"
			   /* its record was lost: the process was last seen elsewhere; or nowhere */
			   " 8 cpu2 kmalloc ptr=0x7000 site=1 req=33 alloc=64 pid=9\n"
			   "-9 cpu0 kmalloc ptr=0x8000 site=1 req=33 alloc=64 pid=10\n"
			   "+20 cpu0 counters filtered=2\n"
			   "+20 cpu1 counters filtered=8\n"
			   " 20 cpu0 end\n");
}

static void test_cgroup(void **state _unused_)
{
	struct filter_options o = { .config = { .select = SELECT_CGROUP }, .cgroup = 17 };

	assert_selected(o,
			START("1", "0") " 1 cpu0 task pid=7 tid=7 cgroup=17 comm=a\n"
					" 2 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=7\n"
					" 3 cpu0 task pid=7 tid=7 cgroup=19 comm=a\n"
					"-repeat 3 step_ptr=64 4 cpu0 kmalloc ptr=0x2000 site=1 "
					"req=33 alloc=64 pid=7\n"
					" 5 cpu0 kfree ptr=0x1000\n"
					"+20 cpu0 counters filtered=3\n"
					" 20 cpu0 end\n");
}

/* All of them together: each must hold. */
static void test_all_at_once(void **state _unused_)
{
	struct filter_options o = by_comm("a");

	o.config.select |= SELECT_PID | SELECT_SIZE | SELECT_SITE | SELECT_CACHE;
	o.config.pid = 7;
	o.config.min_size = o.config.max_size = 192;
	o.config.n_ranges = 1;
	o.config.ranges[0] = (struct site_range){ 5, 6 };
	snprintf(o.config.cache_name, sizeof(o.config.cache_name), "x");
	assert_selected(o, START("2", "0") " 1 cpu0 cache id=0xa object=192 slab=192 name=x\n"
					   " 1 cpu0 cache id=0xb object=192 slab=192 name=y\n"
					   " 1 cpu0 cache id=0xc object=193 slab=200 name=x\n"
					   " 1 cpu0 task pid=7 tid=7 comm=a\n"
					   " 1 cpu1 task pid=7 tid=8 comm=b\n"
					   " 1 cpu2 task pid=9 tid=9 comm=a\n"
					   " 2 cpu0 cache_alloc ptr=0x1000 site=5 cache=0xa pid=7\n"
					   "-3 cpu0 cache_alloc ptr=0x2000 site=6 cache=0xa pid=7\n"
					   "-3 cpu0 cache_alloc ptr=0x3000 site=5 cache=0xb pid=7\n"
					   "-3 cpu0 cache_alloc ptr=0x4000 site=5 cache=0xc pid=7\n"
					   "-3 cpu1 cache_alloc ptr=0x5000 site=5 cache=0xa pid=7\n"
					   "-3 cpu2 cache_alloc ptr=0x6000 site=5 cache=0xa pid=9\n"
					   "+20 cpu0 counters filtered=3\n"
					   "+20 cpu1 counters filtered=1\n"
					   "+20 cpu2 counters filtered=1\n"
					   " 20 cpu0 end\n");
}

static enum filter_missing missing(struct filter_options o, const char *script)
{
	struct heard heard;
	struct event_sink out = heard_begin(&heard);
	enum filter_missing m = play(o, script, &out);

	heard_end(&heard);
	heard_free(&heard);
	return m;
}

static void test_missing(void **state _unused_)
{
	static const char none[] = "0 cpu0 start\n1 cpu0 end\n";
	static const char bare[] = "0 cpu0 start\n"
				   "1 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=7\n"
				   "1 cpu0 cache_alloc ptr=0x2000 site=1 req=33 alloc=64 pid=7\n"
				   "2 cpu0 end\n";
	static const char rich[] = "0 cpu0 start\n"
				   "1 cpu0 cache id=0xa object=192 slab=192 name=x\n"
				   "1 cpu0 task pid=7 tid=7 comm=a\n"
				   "2 cpu0 cache_alloc ptr=0x2000 site=1 cache=0xa pid=7\n"
				   "3 cpu0 end\n";
	struct filter_options cgroup = { .config = { .select = SELECT_CGROUP }, .cgroup = 17 };

	assert_int_equal(missing(by_comm("a"), none), FILTER_COMPLETE);
	assert_int_equal(missing(by_comm("a"), bare), FILTER_NO_TASKS);
	assert_int_equal(missing(by_comm("b"), rich), FILTER_COMPLETE);
	assert_int_equal(missing(by_pid(7), bare), FILTER_COMPLETE);
	assert_int_equal(missing(cgroup, bare), FILTER_NO_TASKS);
	assert_int_equal(missing(cgroup, rich), FILTER_NO_CGROUPS);
	assert_int_equal(missing(by_cache("x"), bare), FILTER_NO_CACHES);
	assert_int_equal(missing(by_cache("x"), rich), FILTER_COMPLETE);
	assert_int_equal(missing(by_cache("y"), rich), FILTER_NO_SUCH_CACHE);
	cgroup.config = (struct config){ .select = SELECT_CACHE, .kmalloc_class = 64 };
	assert_int_equal(missing(cgroup, bare), FILTER_COMPLETE);
}

static bool nobody(struct filter_options o, const char *script)
{
	struct heard heard;
	struct event_sink out = heard_begin(&heard);
	struct filter *f = NULL;
	bool result;

	assert_int_equal(filter_new(&o, &out, &f), 0);
	fixture_play(script, &(struct event_sink){ .consume = filter_consume, .arg = f });
	result = filter_nobody(f);
	filter_free(&f);
	heard_end(&heard);
	heard_free(&heard);
	return result;
}

/* Whether there is anybody at all of those that are selected: whatever else is. */
static void test_nobody(void **state _unused_)
{
	static const char script[] =
		"0 cpu0 start\n"
		"1 cpu0 task pid=7 tid=7 comm=a cgroup=17\n"
		"1 cpu1 task pid=9 tid=9 comm=b cgroup=18\n"
		"2 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=7\n"
		"3 cpu0 kfree ptr=0x5000 pid=8\n"
		"4 cpu1 kmalloc ptr=0x2000 site=1 req=33 alloc=64 pid=9 flags=own\n"
		"5 cpu0 page_alloc pfn=8 order=0 pid=5\n"
		"6 cpu0 end\n";
	struct filter_options o = { .config = { .select = SELECT_CGROUP }, .cgroup = 17 };

	assert_false(nobody(by_pid(7), script));
	assert_false(nobody(by_pid(8), script)); /* who only frees is somebody */
	assert_true(nobody(by_pid(9), script)); /* kmscope itself */
	assert_true(nobody(by_pid(10), script));
	assert_false(nobody(by_comm("a"), script));
	assert_true(nobody(by_comm("c"), script));
	assert_false(nobody(o, script));
	o.cgroup = 19;
	assert_true(nobody(o, script));
	/* of a size that nothing has */
	assert_false(nobody(by_size(1000, 1000), script));
	o = by_pid(7);
	o.config.select |= SELECT_SIZE;
	o.config.min_size = o.config.max_size = 1000;
	assert_false(nobody(o, script));
	/* in others' areas, or at other times */
	o = by_pid(5);
	assert_false(nobody(o, script));
	o.areas = AREA_SLAB;
	assert_true(nobody(o, script));
	o = by_pid(7);
	o.from_ns = 3;
	assert_true(nobody(o, script));
}

/* By process, with what get_user_pages() took of it and nobody else's. */
static void test_fault_counts(void **state _unused_)
{
	static const char script[] = "0 cpu0 start hooked=196608\n"
				     "1 cpu0 process what=there pid=7 comm=a\n"
				     "1 cpu0 process what=there pid=8 comm=b\n"
				     "2 cpu0 fault_counts what=start pid=7 minor=100 major=0\n"
				     "2 cpu0 fault_counts what=start pid=8 minor=100 major=0\n"
				     "repeat 5 3 cpu0 fault address=1 ip=1 pid=7\n"
				     "repeat 7 3 cpu0 fault address=1 ip=1 pid=8\n"
				     "6 cpu0 fault_counts what=end pid=7 minor=116 major=0\n"
				     "6 cpu0 fault_counts what=end pid=8 minor=120 major=0\n"
				     "20 cpu0 end\n";
	struct filter_options o = by_pid(7);
	struct report *r = report_of("faults", &o, script);

	assert_int_equal(r->quality.gup, 11);
	assert_int_equal(r->quality.analysed, 5);
	assert_int_equal(r->quality.filtered, 7);
	report_free(&r);
	r = report_of("faults", NULL, script);
	assert_int_equal(r->quality.gup, 11 + 13);
	report_free(&r);
}

/* --- late records ----------------------------------------------------------------------------------------- */

/* A late record may be of what was there before: what is there now is not forgotten for it. */
static void test_late(void **state _unused_)
{
	assert_selected(by_pid(7), PROCESS
			" 1us cpu0 area_purge start=0 end=1\n"
			" 50us cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=7\n"
			" 50us cpu0 page_alloc pfn=1024 order=1 pid=7\n"
			" 50us cpu0 area_alloc address=0x1000 bytes=8192 pid=7\n"
			" 50us cpu0 ioremap phys=1 bytes=4096 address=0x9000 function=x86 pid=7\n"
			" 60us cpu0 tick\n"
			" 20us cpu0 kfree ptr=0x1000\n"
			" 21us cpu0 page_free pfn=1025 order=0\n"
			" 22us cpu0 area_free address=0x1000\n"
			" 23us cpu0 iounmap address=0x9000\n"
			"-30us cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=8\n"
			"+30us cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=8 flags=reuse\n"
			"-31us cpu0 page_alloc pfn=1024 order=2 pid=8\n"
			"+31us cpu0 page_alloc pfn=1024 order=2 pid=8 flags=reuse\n"
			"-32us cpu0 area_alloc address=0x1000 bytes=8192 pid=8\n"
			"+32us cpu0 area_alloc address=0x1000 bytes=8192 pid=8 flags=reuse\n"
			" 33us cpu0 page_alloc pfn=1025 order=0 pid=7\n"
			" 70us cpu0 kfree ptr=0x1000\n"
			" 70us cpu0 page_free pfn=1024 order=1\n"
			" 70us cpu0 area_free address=0x1000\n"
			" 70us cpu0 iounmap address=0x9000\n"
			"-80us cpu0 kfree ptr=0x1000\n"
			"-80us cpu0 page_free pfn=1024 order=1\n"
			"-80us cpu0 area_free address=0x1000\n"
			"+90us cpu0 counters filtered=3\n"
			" 90us cpu0 end\n");
}

/* --- with a range ----------------------------------------------------------------------------------------- */

/* The selection begins with it; what it needs to know from before it does. */
static void test_range(void **state _unused_)
{
	struct filter_options o = by_comm("a");

	o.config.select |= SELECT_CACHE;
	snprintf(o.config.cache_name, sizeof(o.config.cache_name), "x");
	o.from_ns = 10;
	o.to_ns = 20;
	assert_selected(
		o, "-100 cpu0 start n_cpus=2 wall_ns=5 hooked=65536\n"
		   "+110 cpu0 start n_cpus=2 wall_ns=15 selected=1 hooked=786432\n"
		   "-101 cpu0 cache id=0xa object=192 slab=192 name=x\n"
		   "+110 cpu0 cache id=0xa object=192 slab=192 name=x\n"
		   "-102 cpu0 task pid=7 tid=7 comm=a\n"
		   "+110 cpu0 task pid=7 tid=7 comm=a\n"
		   "-repeat 3 step_ptr=192 103 cpu0 cache_alloc ptr=0x1000 site=1 cache=0xa pid=7\n"
		   "-104 cpu0 counters lost=3,5 filtered=7\n"
		   "-110 cpu1 kfree ptr=0x1000\n"
		   " repeat 5 step_ptr=192 111 cpu0 cache_alloc ptr=0x2000 site=1 cache=0xa pid=7\n"
		   " 112 cpu1 cache_free ptr=0x2000\n"
		   "-113 cpu0 cache_alloc ptr=0x3000 site=1 cache=0xb pid=7\n"
		   "-114 cpu0 counters lost=6,7 filtered=20\n"
		   "+114 cpu0 counters lost=3,2 filtered=14\n"
		   "-115 cpu0 cache_alloc ptr=0x3000 site=1 cache=0xb pid=7\n"
		   "-120 cpu1 cache_free ptr=0x20c0\n"
		   "+120 cpu0 counters lost=3,2 filtered=15\n"
		   "+120 cpu1 counters filtered=1\n"
		   "-130 cpu0 end\n"
		   "+120 cpu0 end\n");
}

static void test_range_alone(void **state _unused_)
{
	assert_selected((struct filter_options){ .from_ns = 10 },
			"-100 cpu0 start wall_ns=5 selected=2 hooked=65536\n"
			"+110 cpu0 start wall_ns=15 selected=2 hooked=786432\n"
			"-102 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64\n"
			" 112 cpu0 kfree ptr=0x1000\n"
			" 113 cpu0 page_refill pfn=1 order=0\n"
			" 130 cpu0 end\n");
}

/* --- whole scripts, with analyzers ------------------------------------------------------------------------- */

static struct report *golden_report(const char *name, const char *script,
				    const struct filter_options *o)
{
	char path[128];
	_cleanup_free_ char *text = NULL;

	snprintf(path, sizeof(path), "tests/golden/scripts/%s", script);
	text = fixture_read(path);
	return report_of(name, o, text);
}

/* No event is forgotten: each is analysed, or counted as ours, as lost or as left out. */
static void assert_sum(const char *name, const char *script, struct filter_options o)
{
	_cleanup_(report_free) struct report *all = golden_report(name, script, NULL);
	_cleanup_(report_free) struct report *some = golden_report(name, script, &o);
	const struct quality *q = &some->quality;

	assert_int_equal(q->events,
			 q->analysed + q->lost + q->filtered + q->own +
				 (q->recursion_misses == QUALITY_UNKNOWN ? 0
									 : q->recursion_misses));
	assert_int_equal(q->events, all->quality.events);
	assert_true(q->analysed < all->quality.analysed);
	assert_int_equal(q->lost, all->quality.lost);
	assert_int_equal(q->own, all->quality.own);
}

static void test_sums(void **state _unused_)
{
	assert_sum("slab", "pipes", by_size(200, 1000));
	assert_sum("slab", "waste", by_pid(UINT32_MAX));
	assert_sum("slab", "waste", by_cache("dentry"));
	assert_sum("slab", "loss", by_pid(1));
	assert_sum("leaks", "leak", by_size(1, 100));
	assert_sum("buddy", "pages", by_comm("nobody"));
	assert_sum("buddy", "pages", by_size(8192, 16384));
	assert_sum("vmalloc", "vmalloc", by_pid(700));
	assert_sum("vmalloc", "vmalloc", by_size(1, 8192));
	assert_sum("mmio", "mmio", by_pid(701));
	assert_sum("mmio", "mmio", by_comm("loader"));
	assert_sum("faults", "faults", by_comm("sh"));
}

/* Who does something else, of whom together there is all. */
#define CROWD                                                                                    \
	"0 cpu0 start n_cpus=4\n"                                                                \
	"repeat 101 step_ns=70 step_ptr=64 1us cpu0 kmalloc ptr=0x10000 site=1 req=33 alloc=64 " \
	"pid=1\n"                                                                                \
	"repeat 103 step_ns=70 step_ptr=64 1us cpu1 kmalloc ptr=0x20000 site=1 req=40 alloc=64 " \
	"pid=2\n"                                                                                \
	"repeat 107 step_ns=70 step_ptr=64 1us cpu2 kmalloc ptr=0x30000 site=2 req=50 alloc=64 " \
	"pid=3\n"                                                                                \
	"repeat 61 step_ns=70 step_ptr=64 2us cpu3 kfree ptr=0x10000\n"                          \
	"repeat 67 step_ns=70 step_ptr=64 2us cpu0 kfree ptr=0x20000\n"                          \
	"repeat 71 step_ns=70 step_ptr=64 2us cpu1 kfree ptr=0x30000\n"                          \
	"repeat 31 step_ns=70 step_ptr=64 20us cpu1 kmalloc ptr=0x11300 site=1 req=40 alloc=64 " \
	"pid=2\n"                                                                                \
	"repeat 31 step_ns=70 step_ptr=64 30us cpu2 kfree ptr=0x11300\n"                         \
	"1s cpu0 counters\n1s cpu1 counters\n1s cpu2 counters\n1s cpu3 counters\n1s cpu0 end\n"

static void test_crowd(void **state _unused_)
{
	static const uint64_t allocs[] = { 101, 103 + 31, 107 }, frees[] = { 61, 67 + 31, 71 };
	static const uint64_t implied[] = { 25, 0, 0 };
	struct report *all = report_of("slab", NULL, CROWD);
	size_t i;

	assert_int_equal(all->quality.frees_implied_reuse, 25);
	for (i = 0; i < ARRAY_SIZE(allocs); i++) {
		struct filter_options o = by_pid((uint32_t)i + 1);
		struct report *r = report_of("slab", &o, CROWD);

		assert_int_equal(r->quality.allocs, allocs[i]);
		assert_int_equal(r->quality.frees_matched, frees[i]);
		assert_int_equal(r->quality.frees_implied_reuse, implied[i]);
		assert_int_equal(r->quality.frees_unknown, 0);
		assert_int_equal(r->quality.events, all->quality.events);
		report_free(&r);
	}
	report_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),     cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_frees),	      cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_own),	      cmocka_unit_test(test_told_again),
		cmocka_unit_test(test_sizes),	      cmocka_unit_test(test_caches),
		cmocka_unit_test(test_kmalloc_class), cmocka_unit_test(test_comm),
		cmocka_unit_test(test_cgroup),	      cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_missing),	      cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_fault_counts),  cmocka_unit_test(test_late),
		cmocka_unit_test(test_range),	      cmocka_unit_test(test_range_alone),
		cmocka_unit_test(test_sums),	      cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
