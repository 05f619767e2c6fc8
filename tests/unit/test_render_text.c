// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "render/render.h"
#include "render/safe.h"

static const struct column site_columns[] = {
	{ "site", "site", CELL_SITE, COLUMN_LEFT, 0 },
	{ "address", "address", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "allocs", "allocs", CELL_COUNT, 0, 0 },
	{ "frees", "frees", CELL_COUNT, 0, 4 },
	{ "live_objects", "live", CELL_COUNT, 0, 3 },
	{ "live_bytes", "live bytes", CELL_BYTES, 0, 0 },
	{ "waste", "waste", CELL_BYTES, 0, 0 },
	{ "waste_pct", "of it", CELL_PERCENT, 0, 1 },
	{ "typical_req", "typical", CELL_BYTES, 0, 2 },
	{ "peak_live_bytes", "peak", CELL_BYTES, 0, 5 },
	{ "advice", "advice", CELL_TEXT, COLUMN_SUBLINE, 0 },
	{ "stacks", "stacks", CELL_STACKS, 0, 0 },
};

static const struct column kinds[] = {
	{ "name", "name", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "delta", "delta", CELL_DELTA, 0, 0 },
	{ "age", "age", CELL_NS, 0, 0 },
	{ "rate", "rate", CELL_RATE, 0, 0 },
	{ "live", "live", CELL_BOOL, 0, 0 },
	{ "address", "address", CELL_ADDRESS, 0, 0 },
	{ "evidence", "evidence", CELL_TEXTS, 0, 0 },
	{ "module", "module", CELL_MODULE, COLUMN_LEFT, 0 },
};

/* What the text renderer makes of @r; the caller frees it. */
static char *render(const struct report *r, int width, bool colour)
{
	const struct render_options options = { .width = width, .colour = colour };
	char *s = NULL;
	size_t n;
	FILE *f = open_memstream(&s, &n);

	assert_int_equal(renderer_find("text")->render(r, &options, f), 0);
	fclose(f);
	assert_int_equal(strlen(s), n);
	return s;
}

static void expect_text(const struct report *r, int width, const char *expected)
{
	_cleanup_free_ char *got = render(r, width, false);

	assert_string_equal(got, expected);
}

static struct report *new_report(void)
{
	struct report *r = report_new("slab");

	r->subject = strdup("slab allocations of the whole system");
	r->start_ns = 5 * NSEC_PER_SEC;
	r->end_ns = 15 * NSEC_PER_SEC + 12 * NSEC_PER_MSEC;
	r->interval = 1;
	r->final = true;
	return r;
}

static struct table *add_sites(struct report *r)
{
	return report_add_table(r, "sites", "call sites by wasted bytes", site_columns,
				ARRAY_SIZE(site_columns));
}

static size_t add_site(struct report *r, struct table *t, const char *site, uint64_t allocs,
		       uint64_t frees, uint64_t waste)
{
	size_t row = report_add_row(r, t);

	report_set_u64(r, t, row, "site", 0xffffffffc0a0012cull);
	report_set_text(r, t, row, "site", site);
	report_set_u64(r, t, row, "allocs", allocs);
	report_set_u64(r, t, row, "frees", frees);
	report_set_u64(r, t, row, "live_objects", allocs - frees);
	report_set_u64(r, t, row, "live_bytes", (allocs - frees) * 192);
	report_set_u64(r, t, row, "waste", waste);
	report_set_real(r, t, row, "waste_pct", 8.3);
	report_set_u64(r, t, row, "typical_req", 176);
	report_set_u64(r, t, row, "peak_live_bytes", (allocs - frees) * 200);
	return row;
}

static void fill_sites(struct report *r, struct table *t)
{
	size_t row;

	add_site(r, t, "alloc_pipe_info+0x5a", 1234567, 1234507, 19753072);
	row = add_site(r, t, "__alloc_skb+0x12c", 45678, 45600, 12345);
	report_set_text(r, t, row, "advice",
			"328 B are asked for and 512 B used: a kmem_cache of its own would save "
			"12.8 KiB");
	add_site(r, t, NULL, 7, 0, 0);
	report_add_row(r, t);
}

static void test_slab_80(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();

	fill_sites(r, add_sites(r));
	r->tables[0].rows_total = 1238;
	report_add_note(r, "names of unloaded modules come from when they were seen first, "
			   "before the run began");
	r->next_hint = strdup("kmscope leaks -d 60");
	expect_text(
		r, 0,
		"slab allocations of the whole system, 10.0 s\n"
		"\n"
		"call sites by wasted bytes\n"
		"site                     allocs  live  live bytes     waste  of it  typical\n"
		"alloc_pipe_info+0x5a  1,234,567    60    11.3 KiB  18.8 MiB   8.3%    176 B\n"
		"__alloc_skb+0x12c        45,678    78    14.6 KiB  12.1 KiB   8.3%    176 B\n"
		"    advice: 328 B are asked for and 512 B used: a kmem_cache of its own would\n"
		"            save 12.8 KiB\n"
		"0xffffffffc0a0012c            7     7     1.3 KiB       0 B   8.3%    176 B\n"
		"-                             -     -           -         -      -        -\n"
		"… 1,234 more rows (-n 0 shows all)\n"
		"\n"
		"note: names of unloaded modules come from when they were seen first, before the\n"
		"      run began\n"
		"next: kmscope leaks -d 60\n");
}

static void test_slab_120_has_all_columns(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();

	add_site(r, add_sites(r), "alloc_pipe_info+0x5a", 1234567, 1234507, 19753072);
	expect_text(r, 120,
		    "slab allocations of the whole system, 10.0 s\n"
		    "\n"
		    "call sites by wasted bytes\n"
		    "site                     allocs      frees  live  live bytes     waste  of it"
		    "  typical      peak\n"
		    "alloc_pipe_info+0x5a  1,234,567  1,234,507    60    11.3 KiB  18.8 MiB   8.3%"
		    "    176 B  11.7 KiB\n");
}

static void test_site_is_shortened_last(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();

	add_site(r, add_sites(r),
		 "a_very_long_name_of_a_function_in_some_driver.constprop.0.isra.0+0x1f4", 12, 0,
		 120);
	expect_text(r, 80,
		    "slab allocations of the whole system, 10.0 s\n"
		    "\n"
		    "call sites by wasted bytes\n"
		    "site                                   allocs  live bytes  waste  of it"
		    "  typical\n"
		    "a_very_long_name_o…rop.0.isra.0+0x1f4      12     2.3 KiB  120 B   8.3%"
		    "    176 B\n");
	expect_text(r, 40,
		    "slab allocations of the whole system,\n"
		    "10.0 s\n"
		    "\n"
		    "call sites by wasted bytes\n"
		    "site                  allocs  live bytes  waste\n"
		    "a_very_lon…a.0+0x1f4      12     2.3 KiB  120 B\n");
}

/* Every line of a report fits, at every width that a terminal can reasonably have. */
static void test_every_width(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct table *t = add_sites(r);

	fill_sites(r, t);
	add_site(r, t, "a_very_long_name_of_a_function_in_some_driver.constprop.0+0x1f4", 1, 0, 1);
	for (int width = 56; width < 140; width++) {
		_cleanup_free_ char *got = render(r, width, false);

		for (char *rest = got, *line; (line = strsep(&rest, "\n"));)
			if (text_width(line) > (size_t)width)
				fail_msg("%d: %s", width, line);
	}
}

static void test_stacks(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct table *t = add_sites(r);
	uint64_t deep[31];
	uint32_t id;

	for (size_t i = 0; i < ARRAY_SIZE(deep); i++)
		deep[i] = 0xc0000000 + i;
	id = report_add_stack(r, deep, 3);
	r->stacks[id].frames[0].symbol = strdup("alloc_pipe_info");
	r->stacks[id].frames[0].module = strdup("vmlinux");
	r->stacks[id].frames[0].offset = 0x5a;
	r->stacks[id].frames[1].symbol = strdup("foo_ioctl");
	r->stacks[id].frames[1].module = strdup("foo\033[m");
	r->stacks[id].frames[1].offset = 0x12;
	add_site(r, t, "f+0x1", 1, 0, 0);
	report_add_share(r, t, 0, "stacks", (struct stack_share){ id, 1060, 62, true });
	report_add_share(r, t, 0, "stacks", (struct stack_share){ UINT32_MAX, 1, 38, false });
	expect_text(r, 80,
		    "slab allocations of the whole system, 10.0 s\n"
		    "\n"
		    "call sites by wasted bytes\n"
		    "site   allocs  frees  live  live bytes  waste  of it  typical   peak\n"
		    "f+0x1       1      0     1       192 B    0 B   8.3%    176 B  200 B\n"
		    "    62% of bytes (estimated), 1,060 objects:\n"
		    "        alloc_pipe_info+0x5a\n"
		    "        foo_ioctl+0x12 [foo\\x1b[m]\n"
		    "        0xc0000002\n"
		    "    38% of bytes, 1 object:\n"
		    "        (call chain lost)\n");

	id = report_add_stack(r, deep, ARRAY_SIZE(deep));
	add_site(r, t, "g+0x1", 1, 0, 0);
	report_add_share(r, t, 1, "stacks", (struct stack_share){ id, 5, 0, false });
	{
		_cleanup_free_ char *got = render(r, 80, false);

		assert_non_null(strstr(got, "\n    100% of objects, 5 objects:\n"));
		assert_non_null(strstr(got, "\n        0xc0000017\n        … 7 more frames\n"));
		assert_null(strstr(got, "0xc0000018"));
	}
}

static void test_all_kinds(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct table *t = report_add_table(r, "k", NULL, kinds, ARRAY_SIZE(kinds));
	size_t row = report_add_row(r, t);

	report_set_text(r, t, row, "name", "evil\033]0;x\007\xff");
	report_set_i64(r, t, row, "delta", -1536);
	report_set_u64(r, t, row, "age", 125 * NSEC_PER_SEC);
	report_set_real(r, t, row, "rate", 0.4);
	report_set_u64(r, t, row, "live", 1);
	report_set_u64(r, t, row, "address", UINT64_MAX);
	report_add_text(r, t, row, "evidence", "older than 10 s");
	report_add_text(r, t, row, "evidence", "grows \u202e steadily");
	report_set_text(r, t, row, "module", "ext4");
	row = report_add_row(r, t);
	report_set_text(r, t, row, "name", "漢字");
	report_set_real(r, t, row, "rate", NAN);
	report_set_u64(r, t, row, "live", 0);
	report_set_u64(r, t, row, "module", 1);
	expect_text(r, 100,
		    "slab allocations of the whole system, 10.0 s\n"
		    "\n"
		    "name                     delta       age     rate  live             address"
		    "  module\n"
		    "evil\\x1b]0;x\\x07\\xff  -1.5 KiB  2 m 05 s  0.4 B/s   yes  0xffffffffffffffff"
		    "  ext4\n"
		    "    evidence: older than 10 s\n"
		    "              grows \\xe2\\x80\\xae steadily\n"
		    "漢字                         -         -        -    no                   -"
		    "  -\n");
}

static void test_empty_tables(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();

	add_sites(r)->empty = "no allocations were seen";
	add_sites(r);
	expect_text(r, 80,
		    "slab allocations of the whole system, 10.0 s\n"
		    "\n"
		    "call sites by wasted bytes\n"
		    "  no allocations were seen\n"
		    "\n"
		    "call sites by wasted bytes\n"
		    "  (none)\n");
}

static void test_first_line(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("doctor");

	r->final = true;
	expect_text(r, 80, "doctor\n");
	r->subject = strdup("evil\033[2J");
	r->interval = 1;
	r->final = false;
	r->end_ns = 5 * NSEC_PER_SEC;
	expect_text(r, 80, "evil\\x1b[2J, interval 1, after 5.0 s\n");
	r->interval = 2;
	expect_text(r, 80, "\nevil\\x1b[2J, interval 2, after 5.0 s\n");
	r->final = true;
	expect_text(r, 80, "\nevil\\x1b[2J, interval 2 (last), after 5.0 s\n");
	r->start_ns = 6 * NSEC_PER_SEC; /* a clock that went back */
	expect_text(r, 80, "\nevil\\x1b[2J, interval 2 (last), after 0 ns\n");
}

static void test_program(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");

	r->final = true;
	r->program = (struct program_status){ true, 7, 3, 0 };
	expect_text(r, 80, "slab\n\nprogram: pid 7, exit code 3\n");
	r->program = (struct program_status){ true, 7, -1, 9 };
	expect_text(r, 80, "slab\n\nprogram: pid 7, killed by signal 9\n");
	r->program = (struct program_status){ true, 7, -1, 0 };
	expect_text(r, 80, "slab\n\nprogram: pid 7, still running\n");
}

static struct report *new_quality(void)
{
	struct report *r = report_new("slab");

	r->final = true;
	r->has_quality = true;
	r->quality = (struct quality){
		.events = 1234567,
		.analysed = 1234567,
		.frees_matched = 600000,
		.frees_unknown = 31,
		.frees_implied_reuse = 2,
		.frees_implied_page = QUALITY_UNKNOWN,
		.frees_implied_rcu = QUALITY_UNKNOWN,
		.own = 25,
		.sample = 1,
		.gup = QUALITY_UNKNOWN,
		.faults_unexplained = QUALITY_UNKNOWN,
		.maps_lost = QUALITY_UNKNOWN,
		.pages_unexplained = QUALITY_UNKNOWN,
		.bulk_pages = QUALITY_UNKNOWN,
		.model_off_pages = QUALITY_UNKNOWN,
	};
	return r;
}

static void test_quality(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_quality();

	expect_text(
		r, 80,
		"slab\n"
		"\n"
		"quality: 1,234,567 events, 1,234,567 analysed, 0 lost, 0 late, 0 filtered;\n"
		"         frees: 600,000 matched, 31 of unknown objects, 2 implied by reuse; 25\n"
		"         kmscope's own; recursion misses 0\n");
	r->quality.recursion_misses = QUALITY_UNKNOWN;
	r->quality.failed = 3;
	r->quality.frees_null = 4;
	r->quality.frees_implied_page = 5;
	r->quality.frees_implied_rcu = 6;
	r->quality.sample = 1000;
	expect_text(r, 400,
		    "slab\n"
		    "\n"
		    "quality: 1,234,567 events, 1,234,567 analysed, 0 lost, 0 late, 0 filtered; "
		    "3 failed allocations; frees: 600,000 matched, 31 of unknown objects, "
		    "4 of NULL, 2 implied by reuse, 5 by their page's free, 6 by RCU; "
		    "25 kmscope's own; recursion misses unknown (kernel before 6.7, unreadable, or "
		    "not recorded); "
		    "1 in 1,000 allocations sampled\n");
}

/* Of a page report: what does not add up is told, also that nothing does not. */
static void test_quality_of_pages(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_quality();
	_cleanup_free_ char *none = NULL, *some = NULL;

	r->quality.pages_unexplained = r->quality.model_off_pages = 0;
	none = render(r, 400, false);
	assert_non_null(strstr(none, "recursion misses 0; 0 pages unexplained\n"));
	r->quality.pages_unexplained = 1709;
	r->quality.model_off_pages = 31;
	some = render(r, 400, false);
	assert_non_null(strstr(some, "recursion misses 0; 1,709 pages unexplained; "
				     "inferred free blocks off by 31 pages\n"));
}

/* Of faults: they are not freed, and who took some of them is known by a difference only. */
static void test_quality_of_faults(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_quality();

	r->quality.maps_lost = 0;
	r->quality.gup = 1801;
	r->quality.faults_unexplained = 0;
	expect_text(r, 400,
		    "slab\n"
		    "\n"
		    "quality: 1,234,567 events, 1,234,567 analysed, 0 lost, 0 late, 0 filtered; "
		    "25 kmscope's own; recursion misses 0; 1,801 by get_user_pages(); "
		    "/proc/vmstat differs by 0\n");
	r->quality.gup = r->quality.faults_unexplained = QUALITY_UNKNOWN;
	r->quality.maps_lost = 17;
	r->quality.sample = 100;
	expect_text(r, 400,
		    "slab\n"
		    "\n"
		    "quality: 1,234,567 events, 1,234,567 analysed, 0 lost, 0 late, 0 filtered; "
		    "25 kmscope's own; recursion misses 0; 17 mappings lost; "
		    "1 in 100 faults sampled\n");
}

static void test_quality_all_unknown(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_quality();

	memset(&r->quality, 0xff, sizeof(r->quality));
	r->quality.lost_by_cpu = NULL;
	expect_text(r, 400,
		    "slab\n"
		    "\n"
		    "quality: unknown events, unknown analysed, unknown lost, unknown late, "
		    "unknown filtered; frees: unknown matched, unknown of unknown objects, "
		    "unknown implied by reuse; unknown kmscope's own; "
		    "recursion misses unknown (kernel before 6.7, unreadable, or not recorded)\n");
}

static void test_loss_stands_out(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_quality();
	_cleanup_free_ char *coloured = NULL;

	r->quality.lost = 42;
	r->quality.lost_by_cpu = calloc(32, sizeof(uint64_t));
	r->quality.n_cpus = 32;
	r->quality.lost_by_cpu[0] = 12;
	r->quality.lost_by_cpu[17] = 30;
	r->quality.late = 1;
	r->quality.map_full = 7;
	r->quality.stacks_lost = 9;
	r->quality.recursion_misses = 5;
	expect_text(
		r, 80,
		"slab\n"
		"\n"
		"quality: 1,234,567 events, 1,234,567 analysed, 42 lost, 1 late, 0 filtered;\n"
		"         frees: 600,000 matched, 31 of unknown objects, 2 implied by reuse; 25\n"
		"         kmscope's own; recursion misses 5\n"
		"LOST: 42 of 1,234,567 events (<0.1%); lost by CPU: 0:12 17:30; try a larger\n"
		"      --buffer\n"
		"MISSED: 5 events in what interrupted or preempted the probe (recursion misses)\n"
		"LATE: 1 event arrived after younger ones had been analysed\n"
		"LOST: 7 times a kernel map of kmscope had no room (map_full)\n"
		"LOST: 9 call chains that could not be taken\n");
	coloured = render(r, 80, true);
	assert_non_null(strstr(coloured, "\n\033[1;31mLOST: 42 of"));
	assert_non_null(strstr(coloured, "larger\033[0m\n      \033[1;31m--buffer\033[0m\n"));
}

static void test_colour(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_quality();
	struct table *t = report_add_table(r, "k", "kinds", kinds, 2);
	size_t row = report_add_row(r, t);
	_cleanup_free_ char *coloured = NULL;

	report_set_text(r, t, row, "name", "x");
	report_set_i64(r, t, row, "delta", 5);
	coloured = render(r, 400, true);
	assert_string_equal(coloured,
			    "\033[1mslab\033[0m\n"
			    "\n"
			    "\033[1mkinds\033[0m\n"
			    "\033[1mname  delta\033[0m\n"
			    "x      +5 B\n"
			    "\n"
			    "quality: 1,234,567 events, 1,234,567 analysed, 0 lost, 0 late, "
			    "0 filtered; frees: 600,000 matched, 31 of unknown objects, "
			    "2 implied by reuse; 25 kmscope's own; recursion misses 0\n");
}

static void test_write_errors(void **state _unused_)
{
	static const struct render_options options = { 0 };
	_cleanup_(report_free) struct report *r = new_report();
	struct table *t = add_sites(r);
	FILE *full = fopen("/dev/full", "w");
	FILE *broken;
	int fds[2];

	assert_non_null(full);
	assert_int_equal(render_text(r, &options, full), -ENOSPC); /* fails in the flush */
	for (int i = 0; i < 1009; i++)
		fill_sites(r, t);
	assert_int_equal(render_text(r, &options, full), -ENOSPC); /* fails on the way */
	fclose(full);

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	broken = fdopen(fds[1], "w");
	assert_int_equal(render_text(r, &options, broken), -EPIPE);
	fclose(broken);
}

static void test_user_code(void **state _unused_)
{
	static const struct column columns[] = {
		{ "site", "site", CELL_SITE, COLUMN_LEFT, 0 },
		{ "module", "module", CELL_MODULE, COLUMN_LEFT, 0 },
		{ "stacks", "stacks", CELL_STACKS, 0, 0 },
	};
	_cleanup_(report_free) struct report *r = new_report();
	struct table *t = report_add_table(r, "sites", "sites", columns, ARRAY_SIZE(columns));
	uint64_t chain[] = { report_code(1, 0x1234), report_code(1, 0x5678), report_code(1, 9) };
	_cleanup_free_ char *got = NULL;
	size_t row = report_add_row(r, t);
	struct frame *frames;

	report_set_u64(r, t, row, "site", chain[0]);
	report_set_u64(r, t, row, "module", chain[0]);
	report_set_text(r, t, row, "module", "/usr/lib/libc\033.so.6");
	assert_int_equal(report_add_stack(r, chain, ARRAY_SIZE(chain)), 0);
	report_add_share(r, t, row, "stacks", (struct stack_share){ 0, 1, 0, false });
	frames = r->stacks[0].frames;
	frames[0].symbol = strdup("memcpy");
	frames[0].offset = 0x12;
	frames[0].module = strdup("/usr/lib/libc.so.6");
	frames[1].module = strdup("/opt/my prog (deleted)");
	got = render(r, 80, false);
	assert_non_null(strstr(got, "\n0x1234  libc\\x1b.so.6\n"));
	assert_non_null(strstr(got, " memcpy+0x12 [libc.so.6]\n"));
	assert_non_null(strstr(got, " my prog+0x5678\n"));
	assert_non_null(strstr(got, " 0x9\n"));
}

static void test_oom_prints_nothing(void **state _unused_)
{
	static const struct render_options options = { 0 };
	_cleanup_(report_free) struct report *r = new_report();
	char *s = NULL;
	size_t n;
	FILE *f = open_memstream(&s, &n);

	r->oom = true;
	assert_int_equal(render_text(r, &options, f), -ENOMEM);
	fclose(f);
	assert_int_equal(n, 0);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slab_80),
		cmocka_unit_test(test_slab_120_has_all_columns),
		cmocka_unit_test(test_site_is_shortened_last),
		cmocka_unit_test(test_every_width),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_all_kinds),
		cmocka_unit_test(test_empty_tables),
		cmocka_unit_test(test_first_line),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_quality),
		cmocka_unit_test(test_quality_of_pages),
		cmocka_unit_test(test_quality_of_faults),
		cmocka_unit_test(test_quality_all_unknown),
		cmocka_unit_test(test_loss_stands_out),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_write_errors),
		cmocka_unit_test(test_user_code),
		cmocka_unit_test(test_oom_prints_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
