// SPDX-License-Identifier: GPL-2.0
/* A part of a stream by time: what is passed on of the part, and of what comes before and after. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "fixture.h"
#include "heard.h"
#include "source/range.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static void play(const char *script, uint64_t from, uint64_t to, const struct event_sink *out)
{
	struct range *r = NULL;

	assert_int_equal(range_new(from, to, out, &r), 0);
	fixture_play(script, &(struct event_sink){ .consume = range_consume, .arg = r });
	assert_true(range_ended(r));
	assert_false(range_oom(r));
	range_free(&r);
	assert_null(r);
}

static void assert_heard(const char *script, uint64_t from, uint64_t to, const char *expected)
{
	struct heard heard;
	struct event_sink out = heard_begin(&heard);

	play(script, from, to, &out);
	heard_end(&heard);
	assert_string_equal(heard.text, expected);
	heard_free(&heard);
}

static void test_arguments(void **state _unused_)
{
	struct event_sink out = { 0 };
	struct range *r = NULL;

	assert_int_equal(range_new(5, 5, &out, &r), -EINVAL);
	assert_int_equal(range_new(6, 5, &out, &r), -EINVAL);
	assert_null(r);
	range_free(&r);
	assert_int_equal(range_new(6, 0, &out, &r), 0);
	assert_false(range_ended(r));
	range_free(&r);
}

#define EVENTS                          \
	"100 cpu0 start wall_ns=5000\n" \
	"109 cpu0 kfree ptr=0x1000\n"   \
	"110 cpu0 kfree ptr=0x1000\n"   \
	"110 cpu0 tick\n"               \
	"111 cpu0 kfree ptr=0x1000\n"   \
	"120 cpu0 tick\n"               \
	"129 cpu1 kfree ptr=0x1000\n"   \
	"130 cpu1 kfree ptr=0x1000\n"   \
	"130 cpu0 tick\n"               \
	"131 cpu1 kfree ptr=0x1000\n"   \
	"140 cpu0 end\n"

static void test_boundaries(void **state _unused_)
{
	assert_heard(EVENTS, 10, 30,
		     "start@110(wall=5010 selected=0 hooked=262144) kfree@110 kfree@111 tick@120 | "
		     "kfree@129 end@130");
	assert_heard(EVENTS, 0, 9, "start@100(wall=5000 selected=0 hooked=0) end@109");
	assert_heard(EVENTS, 0, 10, "start@100(wall=5000 selected=0 hooked=0) kfree@109 end@110");
	assert_heard(EVENTS, 29, 0,
		     "start@129(wall=5029 selected=0 hooked=262144) kfree@129 kfree@130 tick@130 | "
		     "kfree@131 end@140");
	/* to the very end, and beyond it */
	assert_heard(EVENTS, 31, 40,
		     "start@131(wall=5031 selected=0 hooked=262144) kfree@131 end@140");
	assert_heard(EVENTS, 31, 50,
		     "start@131(wall=5031 selected=0 hooked=262144) kfree@131 end@140");
	assert_heard(EVENTS, 60, 70, "start@160(wall=5060 selected=0 hooked=262144) end@160");
	assert_heard(
		EVENTS, UINT64_MAX, 0,
		"start@18446744073709551615(wall=18446744073709551615 selected=0 hooked=262144) "
		"end@18446744073709551615");
}

/* What a late record was told with does not decide whether it is of the range, nor when that ends. */
static void test_late(void **state _unused_)
{
	assert_heard("100 cpu0 start\n"
		     "120 cpu0 tick\n"
		     "105 cpu0 kfree ptr=0x1000\n"
		     "115 cpu0 kfree ptr=0x1000\n"
		     "130 cpu0 kfree ptr=0x1000\n"
		     "130 cpu0 tick\n"
		     "125 cpu0 kfree ptr=0x1000\n"
		     "131 cpu0 counters\n"
		     "132 cpu0 tick\n"
		     "126 cpu0 kfree ptr=0x1000\n"
		     "140 cpu0 end\n",
		     10, 30,
		     "start@110(wall=10 selected=0 hooked=262144) tick@120 | kfree@115 kfree@125 "
		     "counters@130(cpu0 0,0 0 0 0) end@130");
}

/* --- what is known from before ----------------------------------------------------------------------- */

static void test_state(void **state _unused_)
{
	/* hooked: mappings and counts; of a part counts are cut, as HOOKED_PART is set */
	assert_heard("0 cpu0 start n_cpus=3 hooked=196608\n"
		     "1 cpu0 cache id=0x30 object=10 slab=16 name=x\n"
		     "2 cpu0 task pid=1 comm=old\n"
		     "3 cpu2 task pid=3 comm=two\n"
		     "4 cpu0 stack id=3 frames=1,2\n"
		     "5 cpu0 process what=there pid=1 comm=x\n"
		     "6 cpu0 map pid=1 start=0x1000 bytes=4096 path=/bin/x\n"
		     "6 cpu0 maps_lost records=7\n"
		     "7 cpu0 fault_counts what=start pid=1 minor=5 major=7\n"
		     "7 cpu0 fault address=1 ip=1 pid=1\n"
		     "7 cpu0 area_purge start=0 end=1\n"
		     "8 cpu0 task pid=1 comm=new\n"
		     "9 cpu0 process what=exit pid=1\n"
		     "10 cpu1 task pid=4 comm=one\n"
		     "11 cpu2 kfree ptr=0x1000\n"
		     "12 cpu0 fault_counts what=exit pid=1 minor=5 major=7\n"
		     "13 cpu0 cache id=0x30 object=10 slab=16 name=y\n"
		     "20 cpu0 end\n",
		     10, 0,
		     "start@10(wall=10 selected=0 hooked=917504) cache@10 stack@10 process@10 "
		     "map@10 maps_lost@10 process@10 task@10(cpu0 new) task@10(cpu2 two) "
		     "task@10(cpu1 one) kfree@11 fault_counts@12 cache@13 end@20");
}

/* After the end nothing is told of anything. */
static void test_state_after(void **state _unused_)
{
	assert_heard("0 cpu0 start hooked=65536\n"
		     "1 cpu0 task pid=1 comm=a\n"
		     "10 cpu0 task pid=1 comm=b\n"
		     "10 cpu0 cache id=0x30 object=10 slab=16 name=x\n"
		     "10 cpu0 stack id=3 frames=1,2\n"
		     "10 cpu0 process what=exit pid=1\n"
		     "10 cpu0 snapshot file=gfp <<X\n0x1 A\nX\n"
		     "20 cpu0 end\n",
		     0, 10, "start@0(wall=0 selected=0 hooked=524288) task@1(cpu0 a) end@10");
}

#define TEXT " <<X\nx\nX\n"

static void test_snapshots(void **state _unused_)
{
	static const char script[] =
		"10 cpu0 start\n"
		"4 cpu0 snapshot file=vmallocinfo" TEXT "5 cpu0 snapshot file=gfp" TEXT
		"5 cpu0 snapshot file=pagetypeinfo" TEXT "5 cpu0 snapshot file=allocators" TEXT
		"5 cpu0 snapshot file=iomem" TEXT "5 cpu0 snapshot file=devices" TEXT
		"11 cpu0 snapshot file=zoneinfo" TEXT "11 cpu0 snapshot file=buddyinfo" TEXT
		"12 cpu0 snapshot file=vmallocinfo" TEXT "12 cpu0 snapshot file=meminfo" TEXT
		"12 cpu0 snapshot file=vmstat" TEXT "12 cpu0 snapshot file=frames runs=free:8\n"
		"19 cpu0 snapshot file=zoneinfo" TEXT
		"20 cpu0 snapshot file=frames first=8 runs=free:8 last=1\n"
		"20 cpu0 snapshot file=buddyinfo" TEXT
		"21 cpu0 snapshot file=zoneinfo before=19" TEXT
		"22 cpu0 snapshot file=buddyinfo" TEXT "30 cpu0 snapshot file=zoneinfo" TEXT
		"31 cpu0 snapshot file=buddyinfo" TEXT "32 cpu0 snapshot file=vmallocinfo" TEXT
		"32 cpu0 snapshot file=meminfo" TEXT "32 cpu0 snapshot file=vmstat" TEXT
		"33 cpu0 snapshot file=iomem" TEXT "34 cpu0 snapshot file=pagetypeinfo" TEXT
		"35 cpu0 snapshot file=frames runs=free:8\n"
		"35 cpu0 snapshot file=frames first=8 runs=free:8 last=1\n"
		"40 cpu0 end\n";

	/* what does not change, zones; then looks that began in the range */
	assert_heard(script, 10, 0,
		     "start@20(wall=10 selected=0 hooked=262144) snapshot@20(3) snapshot@20(2) "
		     "snapshot@20(7) snapshot@20(8) snapshot@20(9) snapshot@20(0) snapshot@30(0) "
		     "snapshot@31(1) snapshot@32(6) snapshot@33(8) snapshot@34(2) snapshot@35(4) "
		     "snapshot@35(4) end@40");
	/* from the start all of them are there, also those that were taken before it */
	assert_heard(script, 0, 13,
		     "start@10(wall=0 selected=0 hooked=0) snapshot@4(5) snapshot@5(3) "
		     "snapshot@5(2) snapshot@5(7) snapshot@5(8) snapshot@5(9) snapshot@11(0) "
		     "snapshot@11(1) snapshot@12(5) snapshot@12(6) snapshot@12(10) snapshot@12(4) "
		     "snapshot@19(0) snapshot@20(4) snapshot@20(1) snapshot@21(0) snapshot@22(1) "
		     "end@23");
}

/* --- what was lost ------------------------------------------------------------------------------------ */

#define COUNTED                                                                    \
	"0 cpu0 start n_cpus=2\n"                                                  \
	"10 cpu0 counters lost=1,2 filtered=3 nulls=5 map_full=7\n"                \
	"10 cpu1 counters\n"                                                       \
	"10 cpu0 misses misses=11\n"                                               \
	"10 cpu0 tick\n"                                                           \
	"20 cpu0 counters lost=14,15 filtered=20 nulls=24 map_full=30\n"           \
	"20 cpu1 counters nulls=2\n"                                               \
	"20 cpu0 misses misses=42\n"                                               \
	"20 cpu0 tick\n"                                                           \
	"30 cpu0 counters lost=101,103 filtered=107 nulls=109 map_full=113\n"      \
	"30 cpu1 counters lost=0,1 nulls=3\n"                                      \
	"30 cpu0 misses misses=127 after_end=3\n"                                  \
	"30 cpu0 tick\n"                                                           \
	"40 cpu0 counters lost=1000,1000 filtered=1000 nulls=1000 map_full=1000\n" \
	"40 cpu0 misses misses=1000 after_end=5\n"                                 \
	"40 cpu0 end\n"

static void test_counters(void **state _unused_)
{
	/* from one look to another */
	assert_heard(COUNTED, 10, 30,
		     "start@10(wall=10 selected=0 hooked=262144) counters@20(cpu0 13,13 17 19 23) "
		     "counters@20(cpu1 0,0 0 2 0) misses@20(31 0) tick@20 | "
		     "counters@30(cpu0 100,101 104 104 106) counters@30(cpu1 0,1 0 3 0) "
		     "misses@30(116 3) counters@30(cpu0 100,101 104 104 106) "
		     "counters@30(cpu1 0,1 0 3 0) misses@30(116 3) end@30");
	/* between them losses are rounded up, the rest is not */
	assert_heard(COUNTED, 15, 25,
		     "start@15(wall=15 selected=0 hooked=262144) counters@20(cpu0 13,13 17 19 23) "
		     "counters@20(cpu1 0,0 0 2 0) misses@20(31 0) tick@20 | "
		     "counters@25(cpu0 100,101 17 19 106) counters@25(cpu1 0,1 0 2 0) "
		     "misses@25(116 0) end@25");
	assert_heard(COUNTED, 0, 5,
		     "start@0(wall=0 selected=0 hooked=0) counters@5(cpu0 1,2 0 0 7) "
		     "counters@5(cpu1 0,0 0 0 0) misses@5(11 0) end@5");
	/* up to the end of all */
	assert_heard(
		COUNTED, 35, 0,
		"start@35(wall=35 selected=0 hooked=262144) counters@40(cpu0 899,897 893 891 887) "
		"misses@40(873 5) end@40");
	assert_heard(COUNTED, 35, 39,
		     "start@35(wall=35 selected=0 hooked=262144) counters@39(cpu0 899,897 0 0 887) "
		     "counters@39(cpu1 0,0 0 0 0) misses@39(873 0) end@39");
}

static uint64_t blurred(const char *script, uint64_t from, uint64_t to)
{
	struct heard heard;
	struct event_sink out = heard_begin(&heard);
	struct range *r = NULL;
	uint64_t n;

	assert_int_equal(range_new(from, to, &out, &r), 0);
	fixture_play(script, &(struct event_sink){ .consume = range_consume, .arg = r });
	n = range_blurred(r);
	range_free(&r);
	heard_end(&heard);
	heard_free(&heard);
	return n;
}

/* By how much that is too high at most: what was lost or missed between the looks around an end. */
static void test_blurred(void **state _unused_)
{
	assert_int_equal(blurred(COUNTED, 10, 30), 0);
	assert_int_equal(blurred(COUNTED, 0, 30), 0);
	assert_int_equal(blurred(COUNTED, 15, 30), 26 + 31);
	assert_int_equal(blurred(COUNTED, 10, 25), 175 + 1 + 85);
	assert_int_equal(blurred(COUNTED, 15, 25), 26 + 31 + 175 + 1 + 85);
	/* both ends between two looks: once */
	assert_int_equal(blurred(COUNTED, 12, 18), 26 + 31);
	assert_int_equal(blurred(COUNTED, 0, 5), 3 + 11);
	assert_int_equal(blurred(COUNTED, 35, 0), 1796 + 873);
	/* nothing was lost around the ends, whatever was before */
	assert_int_equal(
		blurred("0 cpu0 start\n10 cpu0 counters lost=7,0\n10 cpu0 misses misses=7\n"
			"20 cpu0 counters lost=7,0\n20 cpu0 misses misses=7\n20 cpu0 tick\n"
			"30 cpu0 counters lost=9,0\n30 cpu0 tick\n"
			"40 cpu0 counters lost=9,0\n40 cpu0 end\n",
			15, 35),
		0);
	assert_int_equal(blurred("0 cpu0 start\n5 cpu0 misses misses=3\n"
				 "15 cpu0 misses misses=unknown\n20 cpu0 end\n",
				 10, 12),
			 0);
}

static void test_unknown_misses(void **state _unused_)
{
	assert_heard("0 cpu0 start\n5 cpu0 misses misses=unknown\n15 cpu0 misses misses=unknown\n"
		     "20 cpu0 end\n",
		     10, 0,
		     "start@10(wall=10 selected=0 hooked=262144) misses@15(unknown 0) end@20");
	assert_heard("0 cpu0 start\n5 cpu0 misses misses=3\n15 cpu0 misses misses=unknown\n"
		     "20 cpu0 end\n",
		     10, 12,
		     "start@10(wall=10 selected=0 hooked=262144) misses@12(unknown 0) end@12");
}

/* --- as if tracing had begun and ended there ---------------------------------------------------------- */

/* What begins with «-» is of all, with «+» of the part from 200 to 990 ms, with a space of both. */
static const char part[] =
	"-1s cpu0 start n_cpus=2 wall_ns=100 hooked=131072\n"
	"+1200ms cpu0 start n_cpus=2 wall_ns=200000100 hooked=393216\n"
	"-1s cpu0 cache id=0xabc object=40 slab=48 name=named\n"
	"+1200ms cpu0 cache id=0xabc object=40 slab=48 name=named\n"
	"-1001ms cpu0 task pid=3 comm=before\n"
	"-1002ms cpu0 task pid=3 comm=in\n"
	"+1200ms cpu0 task pid=3 comm=in\n"
	"-repeat 20 step_ns=10ms step_ptr=64 1001ms cpu0 kmalloc ptr=0x10000 site=0x100 req=33 "
	"alloc=64\n"
	"-1100ms cpu0 counters lost=3,5 nulls=7\n"
	"-1100ms cpu0 tick\n"
	" repeat 79 step_ns=10ms step_ptr=64 1201ms cpu0 kmalloc ptr=0x10500 site=0x100 req=33 "
	"alloc=64\n"
	" repeat 23 step_ns=10ms step_ptr=64 1202ms cpu1 kfree ptr=0x10000\n"
	" repeat 37 step_ns=10ms step_ptr=64 1503ms cpu1 cache_alloc ptr=0x90000 site=0x200 "
	"cache=0xabc\n"
	" 1800ms cpu0 task pid=5 comm=other\n"
	"-2s cpu0 counters lost=5,8 nulls=18\n"
	"+1990ms cpu0 counters lost=2,3 nulls=0\n"
	"-repeat 19 step_ns=10ms step_ptr=64 1991ms cpu0 kmalloc ptr=0x10f00 site=0x100 req=33 "
	"alloc=64\n"
	"-repeat 17 step_ptr=64 1999ms cpu1 cache_free ptr=0x90000\n"
	"-2s cpu0 tick\n"
	"-3s cpu0 end\n"
	"+1990ms cpu0 end\n";

static void test_part(void **state _unused_)
{
	_cleanup_free_ char *all = script_part(part, '-'), *some = script_part(part, '+');
	struct heard got, expected;
	struct event_sink out = heard_begin(&got);

	play(all, 200 * NSEC_PER_MSEC, 990 * NSEC_PER_MSEC, &out);
	heard_end(&got);
	out = heard_begin(&expected);
	fixture_play(some, &out);
	heard_end(&expected);
	assert_string_equal(got.text, expected.text);
	assert_int_equal(got.events, 79 + 23 + 37);
	assert_int_equal(got.n_bytes, expected.n_bytes);
	assert_memory_equal(got.bytes, expected.bytes, got.n_bytes);
	heard_free(&got);
	heard_free(&expected);
}

static void analyze(void *arg, const struct event_header *const *records, size_t n)
{
	struct analyzer *a = arg;

	a->ops->consume(a, records, n);
}

/* What was allocated before is not known, what was lost is. */
static void test_report(void **state _unused_)
{
	_cleanup_free_ char *all = script_part(part, '-');
	_cleanup_(report_free) struct report *r = report_new("slab");
	_cleanup_(analyzer_free) struct analyzer *a =
		analyzer_find("slab")->create(&(struct analyzer_options){ .all = true });

	play(all, 200 * NSEC_PER_MSEC, 990 * NSEC_PER_MSEC,
	     &(struct event_sink){ .consume = analyze, .arg = a });
	assert_int_equal(a->ops->report(a, r), 0);
	assert_true(r->start_ns == 1200 * NSEC_PER_MSEC && r->end_ns == 1990 * NSEC_PER_MSEC);
	assert_true(r->start_wall_ns == 200000100 && r->final);
	assert_int_equal(r->quality.allocs, 79 + 37);
	assert_int_equal(r->quality.frees_matched, 3);
	assert_int_equal(r->quality.frees_unknown, 20);
	assert_int_equal(r->quality.lost, 5);
	assert_int_equal(r->quality.frees_null, 0);
	assert_int_equal(r->quality.late, 0);
	assert_int_equal(r->quality.events, 79 + 23 + 37 + 5);
}

/* Whether the report of @analyzer on a part of @script says @note. */
static bool notes(const char *analyzer, const char *script, uint64_t from, uint64_t to,
		  const char *note)
{
	_cleanup_(report_free) struct report *r = report_new(analyzer);
	_cleanup_(analyzer_free) struct analyzer *a =
		analyzer_find(analyzer)->create(&(struct analyzer_options){ .all = true });
	bool found = false;
	size_t i;

	play(script, from, to, &(struct event_sink){ .consume = analyze, .arg = a });
	assert_int_equal(a->ops->report(a, r), 0);
	for (i = 0; i < r->n_notes; i++)
		found |= strstr(r->notes[i], note) != NULL;
	return found;
}

/* What is not known of a part is not what could not be read. */
static void test_reasons(void **state _unused_)
{
	static const char script[] = "100 cpu0 start hooked=65536\n120 cpu0 tick\n140 cpu0 end\n";
	static const char *const unread[] = { "vmalloc", "mmio" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unread); i++) {
		assert_true(notes(unread[i], script, 0, 0, "/proc/vmallocinfo can't be read"));
		assert_true(notes(unread[i], script, 0, 30, "/proc/vmallocinfo can't be read"));
		assert_false(notes(unread[i], script, 10, 0, "/proc/vmallocinfo"));
		assert_true(notes(unread[i], script, 10, 0, "a part of a recording: what was "));
	}
	assert_true(notes("faults", script, 10, 0, "took is not known of a part of a recording"));
	assert_true(notes("faults", script, 0, 30, "took is not known of a part of a recording"));
	/* where it was never known a part has no part in it */
	assert_true(notes("faults", "100 cpu0 start\n140 cpu0 end\n", 10, 0,
			  "took is not known: see «kmscope doctor», gup"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),   cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_late),	    cmocka_unit_test(test_state),
		cmocka_unit_test(test_state_after), cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_counters),    cmocka_unit_test(test_unknown_misses),
		cmocka_unit_test(test_blurred),	    cmocka_unit_test(test_part),
		cmocka_unit_test(test_report),	    cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
