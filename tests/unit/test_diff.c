// SPDX-License-Identifier: GPL-2.0
/* What changed between two runs: rows, and which of them belong together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture.h"

/* It has a macro named fail. */
#include <cmocka.h>

#include "diffs.h"

/* --- rows -------------------------------------------------------------------------------------------- */

static void test_rows(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		diff_scripts("slab", FOUR_BEFORE, &here, FOUR_AFTER, &there);

	assert_string_equal(rows(r, "slab_allocs"),
			    "foo+0x10 10 30 +20 grew, baz+0x10 3 0 -3 gone, qux+0x10 0 2 +2 new, "
			    "bar+0x10 5 5 +0 same");
	assert_string_equal(rows(r, "slab_waste"),
			    "foo+0x10 40 120 +80 grew, baz+0x10 72 0 -72 gone, "
			    "qux+0x10 0 48 +48 new, bar+0x10 70 70 +0 same");
	assert_string_equal(rows(r, "slab_failed"), ""); /* 0 in both: no rows */
	assert_string_equal(cell(find(r, "slab_allocs"), 0, "change_pct"), "200.00");
	assert_string_equal(cell(find(r, "slab_allocs"), 0, "before_rate"), "1.00");
	assert_string_equal(cell(find(r, "slab_allocs"), 0, "after_rate"), "3.00");
	assert_string_equal(cell(find(r, "slab_allocs"), 1, "module"), "mod");
	assert_string_equal(cell(find(r, "slab_allocs"), 2, "change_pct"), "-");
	assert_string_equal(cell(find(r, "slab_live_bytes"), 0, "before_rate"), "-");
	assert_string_equal(cell(find(r, "slab_allocs"), 0, "before_site"), "-");
	/* bytes are bytes */
	assert_int_equal(table_cell(find(r, "slab_waste"), 0, "change")->type, CELL_DELTA);
	assert_int_equal(table_cell(find(r, "slab_waste"), 0, "after")->type, CELL_BYTES);
	assert_int_equal(table_cell(find(r, "slab_allocs"), 0, "after")->type, CELL_COUNT);
	assert_int_equal(r->start_ns | r->end_ns, 0);
	assert_false(r->has_quality);
	assert_string_equal(r->subject, "changes from before to after");
	assert_string_equal(r->kernel, "6.12");
	assert_int_equal(r->n_notes, 0);
}

static void test_values(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		diff_scripts("slab", FOUR_BEFORE, &here, FOUR_AFTER, &there);

	assert_true(value(r, "slab.allocs") == 19);
	assert_true(value(r, "slab.allocs.before") == 18);
	assert_true(value(r, "slab.allocs.after") == 37);
	assert_true(value(r, "slab.allocs.before_rate") == 1.8);
	assert_true(value(r, "slab.allocs.after_rate") == 3.7);
	assert_true(fabs(value(r, "slab.allocs.pct") - 100 * 19.0 / 18) < 1e-9);
	assert_true(value(r, "slab.live_bytes") == 19 * 64);
	assert_false(is_known(r, "slab.live_bytes.before_rate")); /* a level has none */
	assert_true(value(r, "slab.site.waste") == 80);
	assert_true(value(r, "slab.site.waste.before") == 40);
	assert_true(value(r, "slab.site.waste.after") == 120);
	assert_true(value(r, "slab.site.waste.pct") == 200);
	assert_true(value(r, "slab.failed") == 0);
	assert_true(value(r, "slab.failed.pct") == 0);
	assert_true(value(r, "lost") == 0);
	assert_false(is_known(r, "leaks.bytes"));
	assert_false(is_known(r, "slab"));
	assert_false(is_known(r, "slab.allocs.more"));
	assert_false(is_known(r, "slab.site.waste.before_rate"));
	assert_false(is_known(r, ""));
	assert_string_equal(cell(find(r, "totals"), 0, "name"), "slab.waste");
	assert_string_equal(cell(find(r, "totals"), 0, "row"), "foo+0x10");
	assert_string_equal(cell(find(r, "totals"), 0, "unit"), "bytes");
}

/* The other way round: nothing but qux, now baz, grew. */
static void test_shrunk(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		diff_scripts("slab", FOUR_AFTER, &there, FOUR_BEFORE, &here);

	assert_true(value(r, "slab.allocs") == -19);
	assert_true(value(r, "slab.site.allocs") == 3);
	assert_true(value(r, "slab.site.allocs.pct") == (double)INFINITY); /* from nothing */
	assert_string_equal(cell(find(r, "totals"), 2, "name"), "slab.allocs");
	assert_string_equal(cell(find(r, "totals"), 2, "row"), "baz+0x10 mod");
	assert_string_equal(cell(find(r, "totals"), 2, "row_change_pct"), "-");
}

/* If no row grew, what is asked of it is 0, and the row itself is none. */
static void test_none_grew(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		diff_scripts("slab", FOUR_BEFORE, &here, START END, &there);

	assert_string_equal(rows(r, "slab_allocs"),
			    "foo+0x10 10 0 -10 gone, bar+0x10 5 0 -5 gone, baz+0x10 3 0 -3 gone");
	assert_true(value(r, "slab.site.allocs") == 0);
	assert_true(value(r, "slab.site.allocs.after") == 0);
	assert_true(value(r, "slab.site.allocs.pct") == 0);
	assert_string_equal(cell(find(r, "totals"), 2, "row"), "-");
}

/* For people: no rows in which nothing changed, no tables without rows, not more than .top. */
static void test_people(void **state _unused_)
{
	_cleanup_(run_free) struct run before = run_of("slab", FOUR_BEFORE, &here);
	_cleanup_(run_free) struct run after = run_of("slab", FOUR_AFTER, &there);
	_cleanup_(report_free) struct report *r = diff(&before, &after, (struct diff_options){ 0 });
	_cleanup_(report_free) struct report *top =
		diff(&before, &after, (struct diff_options){ .top = 1 });

	assert_string_equal(rows(r, "slab_allocs"),
			    "foo+0x10 10 30 +20 grew, baz+0x10 3 0 -3 gone, qux+0x10 0 2 +2 new");
	assert_null(find(r, "slab_failed"));
	assert_null(find(r, "slab_bytes_alloc"));
	assert_true(value(r, "slab.site.bytes_alloc") == 20 * 64);
	assert_int_equal(count_notes(r, "nothing changed are left out: 3"), 1);
	assert_string_equal(rows(top, "slab_allocs"), "foo+0x10 10 30 +20 grew");
	assert_int_equal(find(top, "slab_allocs")->rows_total, 3);
	assert_true(value(top, "slab.allocs") == 19);
}

/* --- names -------------------------------------------------------------------------------------------- */

/*
 * foo moved; bar has two sites, of which one is where it was; baz had two and has one elsewhere, qux the
 * other way round.
 */
static void test_moved(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = diff_scripts(
		"slab",
		START
		"1 cpu0 kmalloc ptr=0x1000 site=0x1010 req=8 alloc=8\n"
		"2 cpu0 kmalloc ptr=0x2000 site=0x2010 req=8 alloc=8\n"
		"3 cpu0 kmalloc ptr=0x3000 site=0x2020 req=8 alloc=8\n"
		"repeat 2 step_ptr=8 4 cpu0 kmalloc ptr=0x4000 site=0x3010 req=8 alloc=8\n"
		"repeat 2 step_ptr=8 5 cpu0 kmalloc ptr=0x5000 site=0x3020 req=8 alloc=8\n"
		"repeat 4 step_ptr=8 6 cpu0 kmalloc ptr=0x6000 site=0x4020 req=8 alloc=8\n" END,
		&here,
		START
		"repeat 7 step_ptr=8 1 cpu0 kmalloc ptr=0x1000 site=0x101034 req=8 alloc=8\n"
		"2 cpu0 kmalloc ptr=0x2000 site=0x102010 req=8 alloc=8\n"
		"3 cpu0 kmalloc ptr=0x3000 site=0x102028 req=8 alloc=8\n"
		"repeat 3 step_ptr=8 4 cpu0 kmalloc ptr=0x4000 site=0x103018 req=8 alloc=8\n"
		"repeat 5 step_ptr=8 5 cpu0 kmalloc ptr=0x5000 site=0x104028 req=8 alloc=8\n"
		"repeat 4 step_ptr=8 6 cpu0 kmalloc ptr=0x6000 site=0x104030 req=8 alloc=8\n" END,
		&there);

	assert_string_equal(rows(r, "slab_allocs"),
			    "foo+0x34 1 7 +6 grew, qux+0x28 0 5 +5 new, qux+0x20 4 0 -4 gone, "
			    "qux+0x30 0 4 +4 new, baz+0x18 0 3 +3 new, baz+0x10 2 0 -2 gone, "
			    "baz+0x20 2 0 -2 gone, bar+0x20 1 0 -1 gone, bar+0x28 0 1 +1 new, "
			    "bar+0x10 1 1 +0 same");
	assert_string_equal(cell(find(r, "slab_allocs"), 0, "before_site"), "foo+0x10");
	assert_string_equal(cell(find(r, "slab_allocs"), 1, "before_site"), "-");
	assert_int_equal(count_notes(r, "found by their function's name, at another offset"), 1);
	assert_int_equal(count_notes(r, "none of them at the same offset in both runs: 2"), 1);
	assert_int_equal(r->n_notes, 2);
}

/* A function of the kernel is not one of a module, whatever its name. */
static void test_modules(void **state _unused_)
{
	static const char *const other[] = { "foo mod", NULL };
	struct kernel module = { { &kernel_ops }, 0x1000, other, "", "" };
	_cleanup_(report_free) struct report *r = diff_scripts(
		"slab", START "1 cpu0 kmalloc ptr=0x1000 site=0x1010 req=8 alloc=8\n" END, &here,
		START "1 cpu0 kmalloc ptr=0x1000 site=0x1020 req=8 alloc=8\n" END, &module);

	assert_string_equal(rows(r, "slab_allocs"), "foo+0x20 0 1 +1 new, foo+0x10 1 0 -1 gone");
	assert_string_equal(cell(find(r, "slab_allocs"), 0, "module"), "mod");
	assert_string_equal(cell(find(r, "slab_allocs"), 1, "module"), "vmlinux");
}

static void test_unnamed(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = diff_scripts(
		"slab",
		START "1 cpu0 kmalloc ptr=0x1000 site=0xabc req=8 alloc=8\n"
		      "2 cpu0 kmalloc ptr=0x2000 site=0x1010 req=8 alloc=8\n" END,
		&here,
		START "repeat 3 step_ptr=8 1 cpu0 kmalloc ptr=0x1000 site=0xabc req=8 alloc=8\n"
		      "2 cpu0 kmalloc ptr=0x2000 site=0xdef req=8 alloc=8\n" END,
		&here);

	assert_string_equal(rows(r, "slab_allocs"), "0xabc 1 3 +2 grew, 0xdef 0 1 +1 new, "
						    "foo+0x10 1 0 -1 gone");
	assert_int_equal(count_notes(r, "rows of call sites without a name: 3"), 1);
	/* not a name that moved */
	assert_int_equal(count_notes(r, "offset"), 0);
}

/* Where an offset begins and ends in names that nobody vouches for. */
static void test_offsets(void **state _unused_)
{
	static const char *const before[] = { "a+0x10",	     "operator+0x1+0x2", "+0x10",    "b+0x",
					      "c+0x10/0x20", "d+0xzz",		 "e+0x1 [m]" };
	static const char *const after[] = { "a+0x1",	    "operator+0x1+0x3", "+0x11",    "b+0x1",
					     "c+0x10/0x2c", "d+0xzy",		"e+0x2 [m]" };
	_cleanup_(run_free) struct run a = made_up(before, ARRAY_SIZE(before));
	_cleanup_(run_free) struct run b = made_up(after, ARRAY_SIZE(after));
	_cleanup_(report_free) struct report *r =
		diff(&a, &b, (struct diff_options){ .all = true });

	/* what has no offset has not moved; the size of a function is none of its name */
	assert_string_equal(rows(r, "leaks_bytes"),
			    "d+0xzy 0 32 +32 new, d+0xzz 32 0 -32 gone, b+0x1 0 8 +8 new, "
			    "b+0x 8 0 -8 gone, +0x10 4 0 -4 gone, +0x11 0 4 +4 new, "
			    "a+0x1 1 1 +0 same, c+0x10 16 16 +0 same, e+0x2 64 64 +0 same, "
			    "operator+0x1+0x3 2 2 +0 same");
	assert_string_equal(cell(find(r, "leaks_bytes"), 6, "before_site"), "a+0x10");
	assert_string_equal(cell(find(r, "leaks_bytes"), 9, "before_site"), "operator+0x1+0x2");
}

/* Rows that are the same by their names are added up, in any order. */
static void test_shared(void **state _unused_)
{
	static const char *const before[] = { "a+0x10", "b+0x10", "a+0x10", "b+0x10", "a+0x10" };
	static const char *const after[] = { "b+0x10", "a+0x10" };
	_cleanup_(run_free) struct run a = made_up(before, ARRAY_SIZE(before));
	_cleanup_(run_free) struct run b = made_up(after, ARRAY_SIZE(after));
	_cleanup_(report_free) struct report *r =
		diff(&a, &b, (struct diff_options){ .all = true });

	assert_string_equal(rows(r, "leaks_bytes"),
			    "a+0x10 21 2 -19 shrank, b+0x10 10 1 -9 shrank");
	assert_true(value(r, "leaks.bytes.before") == 31);
}

/* A sum of which a part is not known is not known. */
static void test_shared_unknown(void **state _unused_)
{
	static const char *const before[] = { "a+0x10", "", "a+0x10" };
	static const char *const after[] = { "a+0x10", "" };
	_cleanup_(run_free) struct run a = made_up(before, ARRAY_SIZE(before));
	_cleanup_(run_free) struct run b = made_up(after, ARRAY_SIZE(after));
	_cleanup_(report_free) struct report *r = NULL;

	table_cell(&a.reports[0]->tables[0], 2, "bytes")->type = CELL_NULL;
	r = diff(&a, &b, (struct diff_options){ .all = true });
	assert_string_equal(rows(r, "leaks_bytes"), " 2 2 +0 same, a+0x10 - 1 - -");
	assert_string_equal(rows(r, "leaks_objects"), "a+0x10 2 1 -1 shrank,  1 1 +0 same");
	assert_true(value(r, "leaks.bytes.before") == 3);
}

/* Processes are the same by name. */
#define PROCESSES(first, second, how_many)                                 \
	"0 cpu0 start n_cpus=1\n"                                          \
	"1 cpu0 process what=there pid=" first " comm=sh\n"                \
	"2 cpu0 process what=there pid=" second " comm=sh\n"               \
	"3 cpu0 fault address=1 ip=1 pid=" first "\n"                      \
	"repeat " how_many " 4 cpu0 fault address=1 ip=1 pid=" second "\n" \
	"5 cpu0 fault address=1 ip=1 what=major pid=" second "\n" END

static void test_processes(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = diff_scripts(
		"faults", PROCESSES("10", "11", "3"), NULL, PROCESSES("20", "30", "8"), NULL);

	assert_string_equal(rows(r, "faults_minor"), "sh 4 9 +5 grew");
	assert_string_equal(rows(r, "faults_major"), "sh 1 1 +0 same");
	assert_string_equal(rows(r, "faults_all"), "sh 5 10 +5 grew");
	/* get_user_pages() is not probed: not 0, but not known */
	assert_false(is_known(r, "faults.gup"));
	assert_null(find(r, "faults_gup"));
}

static void test_hostile(void **state _unused_)
{
	static const char *const before[] = { "\x1b[31m+0x10", "\xff\xfe+0x1", "a\nb+0x2" };
	_cleanup_(run_free) struct run a = made_up(before, ARRAY_SIZE(before));
	_cleanup_(run_free) struct run b = made_up(before, 1);
	_cleanup_(report_free) struct report *r = NULL;
	int json;

	a.side.name = "\x1b]0;evil\x07";
	b.side.selection = "tasks named \x1b[2J";
	r = diff(&a, &b, (struct diff_options){ .all = true });
	assert_string_equal(rows(r, "leaks_objects"),
			    "a\nb+0x2 1 0 -1 gone, \xff\xfe+0x1 1 0 -1 gone, "
			    "\x1b[31m+0x10 1 1 +0 same");
	for (json = 0; json < 2; json++) {
		_cleanup_free_ char *text = render(r, json);
		const char *c;

		for (c = text; *c; c++)
			assert_true(*c == '\n' || (unsigned char)*c >= ' ');
		assert_non_null(strstr(text, "evil"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	       cmocka_unit_test(test_values),
		cmocka_unit_test(test_shrunk),	       cmocka_unit_test(test_none_grew),
		cmocka_unit_test(test_people),	       cmocka_unit_test(test_moved),
		cmocka_unit_test(test_modules),	       cmocka_unit_test(test_unnamed),
		cmocka_unit_test(test_offsets),	       cmocka_unit_test(test_shared),
		cmocka_unit_test(test_shared_unknown),

		cmocka_unit_test(test_processes),      cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
