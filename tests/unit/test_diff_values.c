// SPDX-License-Identifier: GPL-2.0
/* What changed between two runs: time, what is not known, notes, and values for conditions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture.h"

/* It has a macro named fail. */
#include <cmocka.h>

#include "diffs.h"

/* --- time --------------------------------------------------------------------------------------------- */

#define FOR(time, how_many)                                                                    \
	START "repeat " how_many " step_ptr=64 1 cpu0 kmalloc ptr=0x10000 site=0x1010 req=60 " \
	      "alloc=64\n" time " cpu0 end\n"

static void test_durations(void **state _unused_)
{
	static const struct {
		const char *before, *after, *allocs, *live;
		double before_rate; /* 0: null */
	} cases[] = {
		/* twice the time, twice as many */
		{ FOR("10s", "100"), FOR("20s", "200"), "foo+0x10 100 200 +0 same",
		  "foo+0x10 6400 12800 +6400 grew", 10 },
		{ FOR("10s", "100"), FOR("20s", "150"), "foo+0x10 100 150 -50 shrank",
		  "foo+0x10 6400 9600 +3200 grew", 10 },
		{ FOR("20s", "100"), FOR("10s", "100"), "foo+0x10 100 100 +50 grew",
		  "foo+0x10 6400 6400 +0 same", 5 },
		/* equally long, or nearly */
		{ FOR("10s", "100"), FOR("10090ms", "100"), "foo+0x10 100 100 +0 same",
		  "foo+0x10 6400 6400 +0 same", 10 },
		{ FOR("10s", "1000"), FOR("10110ms", "1000"), "foo+0x10 1000 1000 -11 shrank",
		  "foo+0x10 64000 64000 +0 same", 100 },
		/* too short */
		{ FOR("999ms", "100"), FOR("20s", "200"), "foo+0x10 100 200 +100 grew",
		  "foo+0x10 6400 12800 +6400 grew", 0 },
		{ FOR("10s", "100"), FOR("10us", "200"), "foo+0x10 100 200 +100 grew",
		  "foo+0x10 6400 12800 +6400 grew", 0 },
		{ FOR("0", "100"), FOR("0", "200"), "foo+0x10 100 200 +100 grew",
		  "foo+0x10 6400 12800 +6400 grew", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(report_free) struct report *r =
			diff_scripts("slab", cases[i].before, &here, cases[i].after, &here);
		const struct cell *rate = table_cell(find(r, "slab_allocs"), 0, "before_rate");

		assert_string_equal(rows(r, "slab_allocs"), cases[i].allocs);
		assert_string_equal(rows(r, "slab_live_bytes"), cases[i].live);
		assert_int_equal(rate->type, cases[i].before_rate > 0 ? CELL_FREQUENCY : CELL_NULL);
		if (cases[i].before_rate > 0)
			assert_true(rate->real == cases[i].before_rate);
		assert_int_equal(is_known(r, "slab.allocs.after_rate"), cases[i].before_rate > 0);
		assert_int_equal(count_notes(r, "less than a second"), cases[i].before_rate == 0);
	}
}

/* Percentages are of what was expected, which people see. */
static void test_expected(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		diff_scripts("slab", FOR("10s", "100"), &here, FOR("20s", "150"), &here);

	assert_string_equal(cell(find(r, "slab_allocs"), 0, "expected"), "200");
	assert_string_equal(cell(find(r, "slab_allocs"), 0, "change_pct"), "-25.00");
	assert_string_equal(cell(find(r, "slab_live_bytes"), 0, "expected"), "-");
	assert_true(value(r, "slab.allocs.pct") == -25);
	assert_int_equal(count_notes(r, "before took 10 s and after 20 s"), 1);
}

static void test_as_measured(void **state _unused_)
{
	_cleanup_(run_free) struct run a = run_of("slab", FOR("10s", "100"), &here);
	_cleanup_(run_free) struct run b = run_of("slab", FOR("20s", "150"), &here);
	_cleanup_(report_free) struct report *r =
		diff(&a, &b, (struct diff_options){ .as_measured = true });

	assert_string_equal(rows(r, "slab_allocs"), "foo+0x10 100 150 +50 grew");
	assert_true(value(r, "slab.allocs.after_rate") == 7.5);
	assert_int_equal(count_notes(r, "compared as they are"), 1);
}

/* Numbers that no difference fits. */
static void test_huge(void **state _unused_)
{
	static const char *const site[] = { "a+0x1" };
	_cleanup_(run_free) struct run a = made_up(site, 1);
	_cleanup_(run_free) struct run b = made_up(site, 1);
	_cleanup_(report_free) struct report *r = NULL, *back = NULL, *scaled = NULL;

	table_cell(&a.reports[0]->tables[0], 0, "bytes")->u64 = UINT64_MAX;
	r = diff(&a, &b, (struct diff_options){ 0 });
	back = diff(&b, &a, (struct diff_options){ 0 });
	assert_string_equal(rows(r, "leaks_bytes"),
			    "a+0x1 18446744073709551615 1 -9223372036854775807 shrank");
	assert_string_equal(rows(back, "leaks_bytes"),
			    "a+0x1 1 18446744073709551615 +9223372036854775807 grew");
	b.reports[0]->end_ns *= 1000;
	scaled = diff(&a, &b, (struct diff_options){ 0 });
	assert_true(value(scaled, "leaks.bytes") == -0x1p63);
}

/* --- what is not known ---------------------------------------------------------------------------------- */

/* Sizes of a cache that are not known on one side; sums are of what is. */
static void test_unknown(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = diff_scripts(
		"slab",
		START "repeat 2 step_ptr=64 1 cpu0 cache_alloc ptr=0x1000 site=0x1010 cache=0xabc\n"
		      "2 cpu0 kmalloc ptr=0x2000 site=0x2010 req=60 alloc=64\n" END,
		&here,
		START "1 cpu0 cache id=0xabc object=40 slab=48 name=named\n"
		      "repeat 3 step_ptr=64 1 cpu0 cache_alloc ptr=0x1000 site=0x1010 cache=0xabc\n"
		      "2 cpu0 kmalloc ptr=0x2000 site=0x2010 req=62 alloc=64\n" END,
		&here);

	assert_string_equal(rows(r, "slab_waste"), "bar+0x10 4 2 -2 shrank, foo+0x10 - 24 - -");
	assert_string_equal(rows(r, "slab_allocs"), "foo+0x10 2 3 +1 grew, bar+0x10 1 1 +0 same");
	assert_true(value(r, "slab.waste.before") == 4);
	assert_true(value(r, "slab.waste.after") == 26);
	assert_true(value(r, "slab.site.waste") == 0); /* of those that are known */
	assert_int_equal(count_notes(r, "values that are not known"), 1);
}

static void test_nothing_known(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = diff_scripts(
		"slab", START "1 cpu0 cache_alloc ptr=0x1000 site=0x1010 cache=0xabc\n" END, &here,
		START "1 cpu0 kmalloc ptr=0x2000 site=0x2010 req=60 alloc=64\n" END, &here);

	assert_false(is_known(r, "slab.waste"));
	assert_false(is_known(r, "slab.waste.before"));
	assert_false(is_known(r, "slab.waste.pct"));
	assert_true(value(r, "slab.waste.after") == 4);
	assert_true(value(r, "slab.allocs") == 0);
}

static void test_empty_sides(void **state _unused_)
{
	_cleanup_(run_free) struct run none = { 0 };
	_cleanup_(run_free) struct run some = run_of("slab", FOUR_BEFORE, &here);
	_cleanup_(report_free) struct report *r =
		diff(&none, &none, (struct diff_options){ .all = true });
	_cleanup_(report_free) struct report *left =
		diff(&none, &some, (struct diff_options){ .all = true });
	_cleanup_(report_free) struct report *right =
		diff(&some, &none, (struct diff_options){ .all = true });
	_cleanup_(report_free) struct report *same =
		diff_scripts("slab", START END, NULL, START END, NULL);
	int json;

	assert_false(is_known(r, "lost"));
	assert_int_equal(count_notes(r, "nothing in common"), 1);
	assert_true(value(left, "slab.allocs.after") == 18);
	assert_true(value(right, "slab.allocs.before") == 18);
	assert_false(is_known(left, "slab.allocs"));
	assert_false(is_known(right, "slab.allocs"));
	assert_null(find(left, "slab_allocs"));
	assert_int_equal(count_notes(left, "slab is in after only"), 1);
	assert_int_equal(count_notes(right, "slab is in before only"), 1);
	assert_string_equal(rows(same, "slab_allocs"), "");
	assert_true(value(same, "slab.allocs") == 0);
	assert_int_equal(same->n_notes, 0);
	for (json = 0; json < 2; json++) {
		_cleanup_free_ char *text = render(r, json);

		assert_non_null(strstr(text, "before"));
	}
}

/* --- notes ---------------------------------------------------------------------------------------------- */

static void test_quality(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = diff_scripts(
		"leaks",
		"0 cpu0 start sample=8\n"
		"repeat 5 step_ptr=64 1 cpu0 kmalloc ptr=0x1000 site=0x1010 req=60 alloc=64\n" END,
		&here,
		START "1 cpu0 kmalloc ptr=0x1000 site=0x1010 req=60 alloc=64\n"
		      "2 cpu0 counters lost=9,3\n3 cpu0 misses misses=4\n" END,
		&here);

	assert_string_equal(rows(r, "leaks_objects"), "foo+0x10 40 1 -39 shrank");
	assert_int_equal(count_notes(r, "before looked at one in 8"), 1);
	assert_int_equal(count_notes(r, "after lost 16 of 17 events"), 1);
	assert_int_equal(count_notes(r, "leaks of after: frees lost or missed"), 1);
	assert_true(value(r, "lost") == 16); /* with what was missed, as the note has it */
	assert_true(value(r, "lost.before") == 0);
	assert_string_equal(cell(find(r, "runs"), 1, "lost"), "12");
	assert_string_equal(cell(find(r, "runs"), 1, "missed"), "4");
	assert_string_equal(cell(find(r, "runs"), 0, "sample"), "8");
}

static void test_machines(void **state _unused_)
{
	_cleanup_(run_free) struct run a = run_of("slab", FOUR_BEFORE, &here);
	_cleanup_(run_free) struct run b = run_of("slab", FOUR_BEFORE, &here);
	_cleanup_(report_free) struct report *r = NULL;

	strcpy(b.reports[0]->kernel, "6.18");
	strcpy(b.reports[0]->arch, "aarch64");
	a.side.name = "a.kms";
	a.side.page_size = 4096;
	b.side.page_size = 65536;
	b.side.selection = "tasks named pipes";
	r = diff(&a, &b, (struct diff_options){ .all = true });
	assert_int_equal(count_notes(r, "kernels differ: 6.12 in a.kms, 6.18 in after"), 1);
	assert_int_equal(count_notes(r, "architectures differ"), 1);
	assert_int_equal(count_notes(r, "pages differ: 4,096 bytes in a.kms, 65,536 in after"), 1);
	assert_int_equal(count_notes(r, "everything in a.kms, tasks named pipes in after"), 1);
	assert_string_equal(r->kernel, "6.18");
	assert_string_equal(cell(find(r, "runs"), 0, "name"), "a.kms");
	assert_string_equal(cell(find(r, "runs"), 1, "page_size"), "65536");
}

/* Notes of both, whatever their numbers, say nothing about the difference. */
static void test_notes(void **state _unused_)
{
	static const char *const site[] = { "a+0x1" };
	_cleanup_(run_free) struct run a = made_up(site, 1);
	_cleanup_(run_free) struct run b = made_up(site, 1);
	_cleanup_(report_free) struct report *r = NULL;

	report_add_note(a.reports[0], "1,234 things are hidden");
	report_add_note(b.reports[0], "7 things are hidden");
	report_add_note(b.reports[0], "7 things are hidden here");
	r = diff(&a, &b, (struct diff_options){ 0 });
	assert_int_equal(count_notes(r, "hidden"), 1);
	assert_int_equal(count_notes(r, "leaks of after: 7 things are hidden here"), 1);
}

/* --- pages ---------------------------------------------------------------------------------------------- */

#define PAGES(page_size, how_many)                                                          \
	"0 cpu0 start page_size=" page_size "\n"                                            \
	"1 cpu0 task pid=7 tid=7 comm=dd\n"                                                 \
	"repeat " how_many " step_pfn=8 2 cpu0 page_alloc pfn=64 order=1 gfp=0xcc0 pid=7\n" \
	"3 cpu0 page_alloc pfn=none order=4 gfp=0xcc0 pid=7\n"                              \
	"4 cpu0 page_free pfn=9000 order=0\n" END

static void test_page_sizes(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		diff_scripts("buddy", PAGES("4096", "16"), NULL, PAGES("65536", "2"), NULL);
	_cleanup_(report_free) struct report *same =
		diff_scripts("buddy", PAGES("4096", "16"), NULL, PAGES("4096", "2"), NULL);

	/* found from the reports */
	assert_string_equal(cell(find(r, "runs"), 1, "page_size"), "65536");
	assert_true(value(r, "buddy.live_bytes.before") == 16 * 8192);
	assert_true(value(r, "buddy.live_bytes") == 2 * 131072 - 16 * 8192);
	assert_true(value(r, "buddy.comm.bytes") == 2 * 131072 - 16 * 8192);
	assert_string_equal(rows(r, "buddy_bytes"), "dd 131072 262144 +131072 grew");
	assert_false(is_known(r, "buddy.live_pages"));
	assert_null(find(r, "buddy_live_pages"));
	assert_int_equal(count_notes(r, "pages differ"), 1);
	assert_true(value(same, "buddy.live_pages") == -28);
	assert_string_equal(rows(same, "buddy_allocs"), "1 16 2 -14 shrank");
	assert_string_equal(rows(same, "buddy_failed"), "4 1 1 +0 same");
	/* a free of what was there before has no live pages, which is not unknown */
	assert_int_equal(count_notes(same, "not known"), 0);
}

/* --- names for conditions --------------------------------------------------------------------------------- */

static struct run everything(void)
{
	static const char *const scripts[][2] = {
		{ "leaks", "leak" },	  { "slab", "leak" }, { "buddy", "pages" },
		{ "vmalloc", "vmalloc" }, { "mmio", "mmio" }, { "faults", "faults" },
	};
	struct run r = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_free_ char *text = NULL;
		char path[64];

		snprintf(path, sizeof(path), "tests/golden/scripts/%s", scripts[i][1]);
		text = fixture_read(path);
		add(&r, scripts[i][0], text, &here);
	}
	/* scripts of a few microseconds have no rates */
	for (i = 0; i < r.side.n; i++)
		r.reports[i]->end_ns = r.reports[i]->start_ns + 10 * NSEC_PER_SEC;
	return r;
}

static bool has_name(const char *name)
{
	const struct condition_name *n;

	for (n = diff_names; n->name; n++)
		if (!strcmp(n->name, name))
			return true;
	return false;
}

static const char *const endings[] = { ".before_rate", ".after_rate", ".before", ".after", ".pct" };

/* Every name answers where everything is known; the same runs have not changed. */
static void test_all_names(void **state _unused_)
{
	_cleanup_(run_free) struct run a = everything();
	_cleanup_(run_free) struct run b = everything();
	_cleanup_(report_free) struct report *r =
		diff(&a, &b, (struct diff_options){ .all = true });
	_cleanup_(report_free) struct report *text = diff(&a, &b, (struct diff_options){ 0 });
	const struct condition_name *n;
	const struct diff_metric *m;
	size_t i;

	for (n = diff_names; n->name; n++) {
		bool change = true;

		assert_non_null(n->what);
		for (i = 0; i < ARRAY_SIZE(endings); i++)
			change &= !strstr(n->name, endings[i]);
		if (change || strstr(n->name, ".pct"))
			assert_true(value(r, n->name) == 0);
		assert_true(value(r, n->name) == value(text, n->name));
		assert_int_equal(n->unit == CONDITION_PERCENT, strstr(n->name, ".pct") != NULL);
	}
	for (m = diff_metrics; m->name; m++) {
		assert_true(has_name(m->name));
		assert_true(!m->row_name || has_name(m->row_name));
		if (!m->table)
			continue;
		assert_non_null(find(r, m->table));
		/* 0 in all rows would prove little; nothing failed in that script */
		if (strcmp(m->name, "slab.failed") != 0)
			assert_true(find(r, m->table)->n_rows > 0);
		assert_null(find(text, m->table));
	}
}

static bool value_of(void *arg, const char *name, double *ret)
{
	return diff_value(arg, name, ret);
}

static void test_conditions(void **state _unused_)
{
	static const struct {
		const char *text;
		enum condition_result result;
	} cases[] = {
		{ "slab.allocs = 19 and slab.site.allocs.pct > 10", CONDITION_TRUE },
		{ "slab.waste > 1K", CONDITION_FALSE },
		{ "slab.failed.pct > 0", CONDITION_FALSE },
		{ "leaks.bytes > 1M", CONDITION_UNKNOWN },
		{ "lost.after > 0 or slab.waste.before_rate >= 18.2", CONDITION_TRUE },
	};
	_cleanup_(report_free) struct report *r =
		diff_scripts("slab", FOUR_BEFORE, &here, FOUR_AFTER, &there);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(condition_free) struct condition *c = NULL;
		struct failure f = { 0 };

		if (condition_parse(cases[i].text, diff_names, &c, &f))
			fail_msg("%s", f.text);
		assert_int_equal(condition_evaluate(c, value_of, r), cases[i].result);
	}
}

/* docs/diff.md has a row for each metric, says the same of it, and has no other. */
static void test_document(void **state _unused_)
{
	_cleanup_free_ char *text = fixture_read("docs/diff.md");
	const char *table = strstr(text, "| name | of a row |"), *at;
	const struct diff_metric *m;
	size_t n = 0;

	assert_non_null(table);
	for (m = diff_metrics; m->name; m++, n++) {
		_cleanup_free_ char *line = NULL;
		char begins[160], has[80];

		snprintf(begins, sizeof(begins), m->row_name ? "\n| `%s` | `%s` |" : "\n| `%s` | |",
			 m->name, m->row_name);
		snprintf(has, sizeof(has), "| %s | %s |", m->unit == CELL_BYTES ? "bytes" : "count",
			 m->kind == DIFF_LEVEL ? "as it is" : "per second");
		at = strstr(table, begins);
		if (!at)
			fail_msg("docs/diff.md has no «%s»", begins + 1);
		line = strndup(at + 1, strcspn(at + 1, "\n"));
		if (!strstr(line, has))
			fail_msg("docs/diff.md: no «%s» in «%s»", has, line);
	}
	for (at = table; (at = strstr(at, "\n| `")); at++)
		n--;
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),   cmocka_unit_test(test_expected),
		cmocka_unit_test(test_as_measured), cmocka_unit_test(test_huge),
		cmocka_unit_test(test_unknown),	    cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_empty_sides), cmocka_unit_test(test_quality),
		cmocka_unit_test(test_machines),    cmocka_unit_test(test_notes),
		cmocka_unit_test(test_page_sizes),  cmocka_unit_test(test_all_names),
		cmocka_unit_test(test_conditions),  cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
