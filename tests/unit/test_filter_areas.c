// SPDX-License-Identifier: GPL-2.0
/* Selections of what is no slab object: pages, areas, mappings, registers, faults. See filtered.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "filtered.h"

/* --- pages ---------------------------------------------------------------------------------------------- */

static void test_pages(void **state _unused_)
{
	assert_selected(by_pid(7),
			PROCESS " repeat 5 step_pfn=4 1 cpu0 page_alloc pfn=1024 order=2 pid=7\n"
				"-repeat 7 step_pfn=4 2 cpu0 page_alloc pfn=2048 order=2 pid=8\n"
				" 3 cpu0 page_alloc pfn=none order=9 pid=7\n"
				"-3 cpu0 page_alloc pfn=none order=9 pid=8\n"
				" repeat 3 step_pfn=4 4 cpu1 page_free pfn=1024 order=2\n"
				"-repeat 7 step_pfn=4 5 cpu1 page_free pfn=2048 order=2\n"
				"-6 cpu1 page_free pfn=1024 order=2\n"
				/* in pieces: 1 + 2 + 1 pages, the second time of none of them */
				" 7 cpu1 page_free pfn=1036 order=0\n"
				" 7 cpu1 page_free pfn=1038 order=1\n"
				"-8 cpu1 page_free pfn=1036 order=0\n"
				"-8 cpu1 page_free pfn=1039 order=0\n"
				" 9 cpu1 page_free pfn=1037 order=0\n"
				"-9 cpu1 page_free pfn=1037 order=0\n"
				/* more than what is known of */
				" 10 cpu1 page_free pfn=1040 order=3\n"
				"-11 cpu1 page_free pfn=1040 order=2\n"
				/* of nobody; and of everybody */
				"-repeat 11 step_pfn=1 12 cpu2 page_refill pfn=1024 order=0\n"
				"-repeat 13 step_pfn=1 12 cpu2 page_drain pfn=1024 order=0\n"
				" 13 cpu2 page_bulk pages=19\n"
				" 13 cpu2 compaction what=begin\n"
				" 13 cpu2 compaction what=end\n"
				" 13 cpu2 reclaim what=begin order=1\n"
				" 13 cpu2 reclaim what=end pages=3\n"
				"+20 cpu0 counters filtered=8\n"
				"+20 cpu1 counters filtered=12\n"
				"+20 cpu2 counters filtered=24\n"
				" 20 cpu0 end\n");
}

/* Whatever has a frame in common with a selected block that is live. */
static void test_page_reuse(void **state _unused_)
{
	assert_selected(by_pid(7), PROCESS " 1 cpu0 page_alloc pfn=1024 order=9 pid=7\n"
					   " 2 cpu0 page_alloc pfn=4097 order=0 pid=7\n"
					   " 2 cpu0 page_alloc pfn=4098 order=0 pid=7\n"
					   " 2 cpu0 page_alloc pfn=8192 order=0 pid=9 flags=own\n"
					   "-3 cpu0 page_alloc pfn=1025 order=0 pid=8\n"
					   "+3 cpu0 page_alloc pfn=1025 order=0 pid=8 flags=reuse\n"
					   "-4 cpu0 page_alloc pfn=1026 order=0 pid=8\n"
					   "-5 cpu0 page_free pfn=1024 order=9\n"
					   "-6 cpu0 page_alloc pfn=4096 order=2 pid=8\n"
					   "+6 cpu0 page_alloc pfn=4096 order=2 pid=8 flags=reuse\n"
					   "-7 cpu0 page_free pfn=4096 order=2\n"
					   "-8 cpu0 page_alloc pfn=8192 order=3 pid=8\n"
					   "-9 cpu0 page_free pfn=8192 order=0\n"
					   /* its own, larger and smaller */
					   " 10 cpu0 page_alloc pfn=512 order=1 pid=7\n"
					   " 11 cpu0 page_alloc pfn=512 order=4 pid=7\n"
					   " 12 cpu0 page_alloc pfn=520 order=0 pid=7\n"
					   "-13 cpu0 page_free pfn=512 order=3\n"
					   " 14 cpu0 page_free pfn=520 order=0\n"
					   "+20 cpu0 counters filtered=6\n"
					   " 20 cpu0 end\n");
}

/* By the bytes of the block; what can't be a block is not followed. */
static void test_page_sizes(void **state _unused_)
{
	assert_selected(by_size(32768, 131072),
			"-0 cpu0 start n_cpus=3 page_size=16384\n"
			"+0 cpu0 start n_cpus=3 page_size=16384 selected=1\n"
			"-1 cpu0 page_alloc pfn=1024 order=0\n"
			" 2 cpu0 page_alloc pfn=1026 order=1\n"
			" 3 cpu0 page_alloc pfn=1032 order=3\n"
			"-4 cpu0 page_alloc pfn=1040 order=4\n"
			" 5 cpu0 page_fallback pfn=1032 order=3 migratetype=0 from_order=9 "
			"from_migratetype=1\n"
			"-6 cpu0 page_fallback pfn=1040 order=4 migratetype=0 from_order=9 "
			"from_migratetype=1\n"
			" 7 cpu0 page_alloc pfn=1033 order=3\n"
			"-8 cpu0 page_free pfn=1033 order=3\n"
			"-9 cpu0 page_alloc pfn=65536 order=17\n"
			"-9 cpu0 page_free pfn=65536 order=17\n"
			" 10 cpu0 page_free pfn=1032 order=3\n"
			"+20 cpu0 counters filtered=6\n"
			" 20 cpu0 end\n");
}

/* --- areas, mappings, and what is in no other key space --------------------------------------------------- */

static void test_areas(void **state _unused_)
{
	assert_selected(by_pid(7), PROCESS
			" 1us cpu0 area_alloc address=0x10000 bytes=8192 pid=7\n"
			" 2us cpu0 area_pages address=0x10000 pages=1\n"
			" 3us cpu0 vmalloc address=0x10000 bytes=100 began=900 pid=7\n"
			"-1us cpu1 area_alloc address=0x20000 bytes=8192 pid=8\n"
			"-2us cpu1 area_pages address=0x20000 pages=1\n"
			"-3us cpu1 vmalloc address=0x20000 bytes=100 began=900 pid=8\n"
			" 4us cpu1 vmalloc address=0 bytes=100 began=900 pid=7\n"
			"-4us cpu1 vmalloc address=0 bytes=100 began=900 pid=8\n"
			" 5us cpu0 area_alloc address=0 bytes=8192 pid=7\n"
			"-5us cpu0 area_alloc address=0 bytes=8192 pid=8\n"
			" 6us cpu0 area_alloc address=0x30000 bytes=8192 pid=9 flags=own\n"
			" 6us cpu0 vmalloc address=0x30000 bytes=100 began=900 pid=9\n"
			" 6us cpu0 area_free address=0x30000\n"
			" 7us cpu1 area_free address=0x10000\n"
			"-8us cpu1 area_free address=0x10000\n"
			"-8us cpu1 area_free address=0x20000\n"
			" 9us cpu1 area_alloc address=0x10000 bytes=8192 pid=7\n"
			"-10us cpu1 area_alloc address=0x10000 bytes=8192 pid=8\n"
			"+10us cpu1 area_alloc address=0x10000 bytes=8192 pid=8 flags=reuse\n"
			"-11us cpu1 vmalloc address=0x10000 bytes=100 began=900 pid=8\n"
			"-12us cpu1 area_free address=0x10000\n"
			" 13us cpu1 area_purge start=0x10000 end=0x30000 areas=3\n"
			"+20us cpu0 counters filtered=1\n"
			"+20us cpu1 counters filtered=8\n"
			" 20us cpu0 end\n");
}

/* A call is by the task that made it where that is not told on this CPU. */
static void test_failed_call(void **state _unused_)
{
	assert_selected(by_comm("a"),
			START("1", "0") " 1us cpu0 task pid=7 tid=7 comm=a\n"
					" 1us cpu1 task pid=8 tid=8 comm=b\n"
					" 2us cpu1 vmalloc address=0 bytes=100 began=900 pid=7\n"
					"-2us cpu0 vmalloc address=0 bytes=100 began=900 pid=8\n"
					" 3us cpu2 task pid=7 tid=9 comm=c\n"
					"-4us cpu1 vmalloc address=0 bytes=100 began=900 pid=7\n"
					"+20us cpu0 counters filtered=1\n"
					"+20us cpu1 counters filtered=1\n"
					" 20us cpu0 end\n");
}

static void test_mappings(void **state _unused_)
{
	assert_selected(
		by_size(1, 4096), SELECTED
		/* by its size, though its area is larger; unmapped, and then freed */
		"-1 cpu0 area_alloc address=0x10000 bytes=8192 pid=7\n"
		" 2 cpu0 ioremap phys=0xfea00010 bytes=4096 address=0x10010 function=x86 pid=7\n"
		" 3 cpu0 iounmap address=0x10010\n"
		" 4 cpu0 area_free address=0x10000\n"
		"-5 cpu0 iounmap address=0x10010\n"
		"-5 cpu0 area_free address=0x10000\n"
		/* by its area's size; it ends without an unmapping */
		" 6 cpu0 area_alloc address=0x20000 bytes=4096 pid=7\n"
		" 7 cpu0 ioremap phys=0xfea00000 bytes=9000 address=0x20000 function=x86 pid=7\n"
		" 8 cpu0 area_free address=0x20000\n"
		"-9 cpu0 iounmap address=0x20000\n"
		"-9 cpu0 ioremap phys=0xfea00000 bytes=9000 address=0x20000 function=x86 pid=7\n"
		"-9 cpu0 iounmap address=0x20000\n"
		" 10 cpu0 ioremap phys=0xfea00000 bytes=100 address=0 function=x86 pid=7\n"
		"-10 cpu0 ioremap phys=0xfea00000 bytes=9000 address=0 function=x86 pid=7\n"
		/* told by the module, too; told by the module only */
		" 11 cpu0 ioremap phys=0xfea00000 bytes=4096 address=0x30000 function=x86 pid=7\n"
		" 11 cpu0 ioremap phys=0xfea00000 bytes=9000 address=0x30000 function=module "
		"pid=7\n"
		" 12 cpu0 iounmap address=0x30000\n"
		" 13 cpu0 ioremap phys=0xfea00000 bytes=4096 address=0x40000 function=module "
		"pid=7\n"
		" 14 cpu0 iounmap address=0x40000\n"
		" 14 cpu0 ioremap phys=0xfea00000 bytes=4096 address=0x60000 function=x86 pid=7\n"
		" 14 cpu0 iounmap address=0x60000\n"
		"-14 cpu0 ioremap phys=0xfea00000 bytes=9000 address=0x60000 function=x86 pid=7\n"
		"-15 cpu0 ioremap phys=0xfea00000 bytes=9000 address=0x50000 function=module "
		"pid=7\n"
		"-15 cpu0 area_alloc address=0x40000 bytes=9000 pid=8\n"
		"+15 cpu0 area_alloc address=0x40000 bytes=9000 pid=8 flags=reuse\n"
		"-16 cpu0 area_free address=0x40000\n"
		"+20 cpu0 counters filtered=10\n"
		" 20 cpu0 end\n");
}

/* The kernel's functions tell of it, and the module does, too, before; its end counts once. */
static void test_unmapped_twice(void **state _unused_)
{
	struct event_start start = { .h.kind = EVENT_START, .page_size = 4096 };
	struct event_ioremap map = { .h = { 1, EVENT_IOREMAP, 0, 0, 7 }, .bytes = 4096 },
			     other = { .h = { 1, EVENT_IOREMAP, 0, 0, 8 }, .bytes = 4096 };
	struct event_ioremap module = { .h = { 1, EVENT_IOREMAP, 0, 0, 7 }, .bytes = 4096 };
	struct event_free unmap = { .h = { 1, EVENT_IOUNMAP, 0, 0, 0 }, .ptr = 0x5000 };
	struct event_free again = { .h = { 1, EVENT_IOUNMAP, EVENT_AGAIN, 0, 0 }, .ptr = 0x5000 };
	const struct event_header *const both[] = { &start.h, &map.h,	&module.h,
						    &again.h, &unmap.h, &unmap.h,
						    &again.h, &other.h, &unmap.h };
	const struct event_header *const one[] = { &start.h, &module.h, &again.h, &unmap.h };
	struct filter_options o = by_pid(7);
	struct filter *f = NULL;
	struct heard heard;
	struct event_sink out = heard_begin(&heard);

	map.address = other.address = module.address = 0x5000;
	module.function = IOREMAP_MODULE;
	assert_int_equal(filter_new(&o, &out, &f), 0);
	filter_consume(f, both, ARRAY_SIZE(both));
	filter_free(&f);
	assert_int_equal(filter_new(&o, &out, &f), 0);
	filter_consume(f, one, ARRAY_SIZE(one));
	filter_free(&f);
	heard_end(&heard);
	assert_string_equal(heard.text,
			    "start@0(wall=0 selected=2 hooked=0) ioremap@1 ioremap@1 "
			    "iounmap@1(again) iounmap@1 start@0(wall=0 selected=2 hooked=0) "
			    "ioremap@1 iounmap@1(again)");
	heard_free(&heard);
}

static void test_mappings_by_pid(void **state _unused_)
{
	assert_selected(
		by_pid(7), PROCESS
		" 1 cpu0 ioremap phys=0xfea00000 bytes=4096 address=0x30000 function=x86 pid=7\n"
		/* a static mapping is given to others, too */
		"-2 cpu0 ioremap phys=0xfea00000 bytes=4096 address=0x30000 function=x86 pid=8\n"
		" 3 cpu1 iounmap address=0x30000\n"
		"-4 cpu0 ioremap phys=0xfea00000 bytes=4096 address=0x30000 function=x86 pid=8\n"
		"-5 cpu1 iounmap address=0x30000\n"
		" 6 cpu0 ioremap phys=0xfea00000 bytes=4096 address=0x60000 function=x86 pid=7\n"
		" 7 cpu1 iounmap address=0x60000\n"
		" 8 cpu1 area_free address=0x60000\n"
		/* its area's end was not told */
		" 9 cpu0 ioremap phys=0xfea00000 bytes=4096 address=0x70000 function=x86 pid=7\n"
		" 10 cpu1 iounmap address=0x70000\n"
		"-11 cpu0 ioremap phys=0xfea00000 bytes=4096 address=0x70000 function=x86 pid=8\n"
		"-12 cpu1 iounmap address=0x70000\n"
		"-13 cpu1 area_free address=0x70000\n"
		" 14 cpu0 register source=gpio access=read offset=5 value=1 pid=7\n"
		"-15 cpu0 register source=gpio access=read offset=5 value=1 pid=8\n"
		"+20 cpu0 counters filtered=4\n"
		"+20 cpu1 counters filtered=3\n"
		" 20 cpu0 end\n");
}

/* One number is an object, a frame, an area and a mapping. */
static void test_key_spaces(void **state _unused_)
{
	assert_selected(by_pid(7), PROCESS
			" 1 cpu0 kmalloc ptr=0x10000 site=1 req=33 alloc=64 pid=7\n"
			"-1 cpu0 page_free pfn=0x10000 order=0\n"
			"-1 cpu0 area_free address=0x10000\n"
			"-1 cpu0 iounmap address=0x10000\n"
			"-1 cpu0 area_pages address=0x10000 pages=1\n"
			" 2 cpu0 page_alloc pfn=0x20000 order=0 pid=7\n"
			"-2 cpu0 kfree ptr=0x20000\n"
			"-2 cpu0 area_free address=0x20000\n"
			"-2 cpu0 iounmap address=0x20000\n"
			" 3 cpu0 area_alloc address=0x30000 bytes=4096 pid=7\n"
			"-3 cpu0 kfree ptr=0x30000\n"
			"-3 cpu0 page_free pfn=0x30000 order=0\n"
			" 4 cpu0 ioremap phys=1 bytes=4096 address=0x40000 function=x86 pid=7\n"
			"-4 cpu0 kmalloc ptr=0x40000 site=1 req=33 alloc=64 pid=8\n"
			"-4 cpu0 page_alloc pfn=0x40000 order=0 pid=8\n"
			"-4 cpu0 kfree ptr=0x40000\n"
			"-4 cpu0 page_free pfn=0x40000 order=0\n"
			" 5 cpu0 kfree ptr=0x10000\n"
			" 5 cpu0 page_free pfn=0x20000 order=0\n"
			" 5 cpu0 area_free address=0x30000\n"
			" 5 cpu0 iounmap address=0x40000\n"
			"+20 cpu0 counters filtered=13\n"
			" 20 cpu0 end\n");
}

/* --- faults ----------------------------------------------------------------------------------------------- */

static void test_faults(void **state _unused_)
{
	/* what others counted is not read, but when they end it is told */
	assert_selected(by_pid(7),
			START("2",
			      "65536") " 1 cpu0 process what=there pid=7 comm=a\n"
				       " 1 cpu0 process what=there pid=8 comm=b\n"
				       " 1 cpu0 map pid=8 start=0x1000 bytes=4096 path=/bin/x\n"
				       " 2 cpu0 fault_counts what=start pid=7 minor=5 major=7\n"
				       "-2 cpu0 fault_counts what=start pid=8 minor=5 major=7\n"
				       " repeat 5 3 cpu0 fault address=1 ip=1 pid=7\n"
				       "-repeat 7 3 cpu0 fault address=1 ip=1 pid=8\n"
				       " repeat 3 4 cpu0 fault address=1 ip=1 pid=9 flags=own\n"
				       " 5 cpu0 fault_counts what=exit pid=8 minor=5 major=7\n"
				       " 6 cpu0 fault_counts what=end pid=7 minor=5 major=7\n"
				       "-6 cpu0 fault_counts what=end pid=9 minor=5 major=7\n"
				       " 7 cpu0 maps_lost records=3\n"
				       "+20 cpu0 counters filtered=7\n"
				       " 20 cpu0 end\n");
}

/* What is recorded beside what a command is about does not count as left out by it. */
static void test_other_areas(void **state _unused_)
{
	static const char script[] = "-0 cpu0 start\n+0 cpu0 start selected=2\n"
				     " 1 cpu0 task pid=7 tid=7 comm=a\n"
				     "s1 cpu0 kmalloc ptr=0x1000 site=1 req=33 alloc=64 pid=7\n"
				     "-2 cpu0 kmalloc ptr=0x2000 site=1 req=33 alloc=64 pid=8\n"
				     "p3 cpu0 page_alloc pfn=7 order=0 pid=7\n"
				     "p4 cpu0 page_bulk pages=3\n"
				     "-5 cpu0 page_alloc pfn=8 order=0 pid=8\n"
				     "-6 cpu0 page_refill pfn=8 order=0\n"
				     "-7 cpu0 area_alloc address=0x5000 bytes=8192 pid=8\n"
				     "i8 cpu0 ioremap phys=1 bytes=4096 address=0x5000 pid=7\n"
				     "i9 cpu0 area_free address=0x5000\n"
				     "-9 cpu0 register source=gpio access=read value=1 pid=7\n"
				     "-9 cpu0 fault address=1 ip=1 pid=7\n"
				     "-9 cpu0 fault_counts what=exit pid=8 minor=5 major=7\n"
				     "S20 cpu0 counters filtered=1\n"
				     " 20 cpu0 end\n";
	static const struct {
		unsigned int areas;
		const char *signs; /* of what is passed on */
		unsigned int filtered;
	} cases[] = {
		{ AREA_SLAB, "s", 1 },
		{ AREA_PAGES, "p", 1 },
		{ AREA_PAGES | AREA_FRAMES, "p", 2 },
		{ AREA_IOREMAP, "i", 0 },
		{ AREA_VMALLOC | AREA_IOREMAP, "i", 1 },
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct filter_options o = by_pid(7);
		char copy[sizeof(script) + 1], line[64];

		o.areas = cases[i].areas;
		memcpy(copy, script, sizeof(script));
		snprintf(line, sizeof(line), "filtered=%u", cases[i].filtered);
		memcpy(strstr(copy, "filtered="), line, strlen(line));
		*strstr(copy, "S20") = cases[i].filtered ? '+' : '#';
		/* the signs that are not of this case are of the recording only */
		for (k = 1; copy[k]; k++)
			if (copy[k - 1] == '\n' && strchr("spi", copy[k]))
				copy[k] = strchr(cases[i].signs, copy[k]) ? ' ' : '-';
		assert_selected(o, copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),		cmocka_unit_test(test_page_reuse),
		cmocka_unit_test(test_page_sizes),	cmocka_unit_test(test_areas),
		cmocka_unit_test(test_failed_call),	cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_mappings_by_pid), cmocka_unit_test(test_key_spaces),
		cmocka_unit_test(test_faults),		cmocka_unit_test(test_unmapped_twice),
		cmocka_unit_test(test_other_areas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
