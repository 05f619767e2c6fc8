// SPDX-License-Identifier: GPL-2.0
/* Trees, histograms, series and grids of the text renderer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "render/render.h"
#include "render/safe.h"
#include "render/spark.h"

#define KIB 1024ull
#define MIB (1024 * KIB)

static const struct column tree_columns[] = {
	{ "name", "name", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "start", "start", CELL_ADDRESS, 0, 2 },
	{ "bytes", "bytes", CELL_BYTES, 0, 0 },
	{ "used", "used", CELL_PERCENT, 0, 1 },
	{ "change", "change", CELL_CHANGE, COLUMN_IF_SET, 0 },
	{ "note", "note", CELL_TEXT, COLUMN_SUBLINE, 0 },
};

static const struct grid_class classes[] = {
	{ "free", 'f', 32 },
	{ "movable", 'm', 0 },
	{ "unmovable", 'u', 91 },
	{ "never seen", 'n', 0 },
};

/* What the text renderer makes of @r; the caller frees it. */
static char *render(const struct report *r, int width, bool colour)
{
	const struct render_options options = { .width = width, .colour = colour };
	char *s = NULL;
	size_t n;
	FILE *f = open_memstream(&s, &n);

	assert_int_equal(render_text(r, &options, f), 0);
	fclose(f);
	assert_int_equal(strlen(s), n);
	return s;
}

/* What follows the first line, «x», and the empty one. */
static void expect_text(const struct report *r, int width, const char *expected)
{
	_cleanup_free_ char *got = render(r, width, false);

	assert_int_equal(strncmp(got, "x\n\n", 3), 0);
	assert_string_equal(got + 3, expected);
}

/* Every line fits at every width, and ends with no space. */
static void expect_fits(const struct report *r)
{
	for (int width = 40; width < 140; width++) {
		_cleanup_free_ char *got = render(r, width, false);

		for (char *rest = got, *line; (line = strsep(&rest, "\n"));) {
			size_t n = strlen(line);

			if (text_width(line) > (size_t)width || (n && line[n - 1] == ' '))
				fail_msg("%d: «%s»", width, line);
		}
	}
}

static struct report *new_report(void)
{
	struct report *r = report_new("x");

	r->final = true;
	return r;
}

static size_t add_node(struct report *r, struct table *t, unsigned int depth, const char *name,
		       uint64_t bytes)
{
	size_t row = report_add_node(r, t, depth);

	report_set_text(r, t, row, "name", name);
	report_set_u64(r, t, row, "start", 0xffff888000000000ull + bytes);
	report_set_u64(r, t, row, "bytes", bytes);
	report_set_real(r, t, row, "used", 12.5);
	report_set_i64(r, t, row, "change", 0);
	return row;
}

static struct table *add_tree(struct report *r)
{
	return report_add_tree(r, "physical", "physical memory", tree_columns,
			       ARRAY_SIZE(tree_columns));
}

static void test_tree(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct table *t = add_tree(r);
	size_t row;

	expect_text(r, 80, "physical memory\n  (none)\n");
	add_node(r, t, 0, "node 0", 512 * MIB);
	add_node(r, t, 1, "zone DMA32", 256 * MIB);
	row = add_node(r, t, 2, "kernel image\033", 32 * MIB);
	report_set_text(r, t, row, "note", "not writable");
	add_node(r, t, 3, "text of the kernel, which takes more than half of the line", 16 * MIB);
	add_node(r, t, 1, "zone Normal", 256 * MIB);
	add_node(r, t, 0, "device", 4 * KIB);
	expect_text(
		r, 80,
		"physical memory\n"
		"name                                                     start      bytes   used\n"
		"node 0                                      0xffff888020000000  512.0 MiB  12.5%\n"
		"  zone DMA32                                0xffff888010000000  256.0 MiB  12.5%\n"
		"    kernel image\\x1b                        0xffff888002000000   32.0 MiB  "
		"12.5%\n"
		"        note: not writable\n"
		"      text of the kernel… half of the line  0xffff888001000000   16.0 MiB  12.5%\n"
		"  zone Normal                               0xffff888010000000  256.0 MiB  12.5%\n"
		"device                                      0xffff888000001000    4.0 KiB  "
		"12.5%\n");
	expect_text(r, 40,
		    "physical memory\n"
		    "name                               bytes\n"
		    "node 0                         512.0 MiB\n"
		    "  zone DMA32                   256.0 MiB\n"
		    "    kernel image\\x1b            32.0 MiB\n"
		    "        note: not writable\n"
		    "      text of the…of the line   16.0 MiB\n"
		    "  zone Normal                  256.0 MiB\n"
		    "device                           4.0 KiB\n");
	report_set_i64(r, t, 0, "change", -12);
	expect_text(r, 120,
		    "physical memory\n"
		    "name                                                                          "
		    " start      bytes   used  change\n"
		    "node 0                                                            "
		    "0xffff888020000000  512.0 MiB  12.5%     -12\n"
		    "  zone DMA32                                                      "
		    "0xffff888010000000  256.0 MiB  12.5%       0\n"
		    "    kernel image\\x1b                                              "
		    "0xffff888002000000   32.0 MiB  12.5%       0\n"
		    "        note: not writable\n"
		    "      text of the kernel, which takes more than half of the line  "
		    "0xffff888001000000   16.0 MiB  12.5%       0\n"
		    "  zone Normal                                                     "
		    "0xffff888010000000  256.0 MiB  12.5%       0\n"
		    "device                                                            "
		    "0xffff888000001000    4.0 KiB  12.5%       0\n");
	expect_fits(r);
}

/* However deep, a row shows its name and keeps the columns in line. */
static void test_deep_tree(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct table *t = add_tree(r);

	for (unsigned int depth = 0; depth < 300; depth++)
		add_node(r, t, depth, depth % 2 ? "odd" : "even nodes", 1);
	expect_fits(r);
	{
		_cleanup_free_ char *got = render(r, 40, false);
		size_t n = strlen(got);

		assert_true(n > 42);
		assert_string_equal(got + n - 42, "\n                         odd         1 B\n");
	}
}

static void add_buckets(struct report *r, struct histogram *h, uint64_t key, const char *label,
			const uint64_t *counts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		report_add_bucket(r, h, key, label,
				  (struct histogram_bucket){
					  i ? KIB << (i - 1) : 0,
					  i + 1 == n ? UINT64_MAX : KIB << i,
					  counts[i],
				  });
}

static void test_bars(void **state _unused_)
{
	static const uint64_t counts[] = { 0, 1, 700, 1000, 500, 0, 250, 0, 0 };
	_cleanup_(report_free) struct report *r = new_report();
	struct histogram *h =
		report_add_histogram(r, "lifetime", "lifetime of objects", NULL, CELL_NS);

	expect_text(r, 80, "lifetime of objects\n  (none)\n");
	add_buckets(r, h, 0, NULL, counts, ARRAY_SIZE(counts));
	expect_text(
		r, 80,
		"lifetime of objects\n"
		"  1.0 us – 2.0 us      1  ▇\n"
		"  2.0 us – 4.1 us    700  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇\n"
		"  4.1 us – 8.2 us  1,000  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇\n"
		" 8.2 us – 16.4 us    500  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇\n"
		"16.4 us – 32.8 us      0\n"
		"32.8 us – 65.5 us    250  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇\n");
	expect_text(r, 40,
		    "lifetime of objects\n"
		    "  1.0 us – 2.0 us      1  ▇\n"
		    "  2.0 us – 4.1 us    700  ▇▇▇▇▇▇▇▇▇▇\n"
		    "  4.1 us – 8.2 us  1,000  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇\n"
		    " 8.2 us – 16.4 us    500  ▇▇▇▇▇▇▇\n"
		    "16.4 us – 32.8 us      0\n"
		    "32.8 us – 65.5 us    250  ▇▇▇▇\n");
	expect_fits(r);
}

static void test_bars_log_scale(void **state _unused_)
{
	static const uint64_t counts[] = { 1, 32, 1000, 32000, 1, 0, 1001, 0, 3 };
	_cleanup_(report_free) struct report *r = new_report();
	struct histogram *h = report_add_histogram(r, "sizes", NULL, "order", CELL_BYTES);

	add_buckets(r, h, 3, NULL, counts, ARRAY_SIZE(counts));
	expect_text(r, 60,
		    "sizes, order 3 (log scale)\n"
		    "       0 B – 1.0 KiB       1  ▇▇\n"
		    "   1.0 KiB – 2.0 KiB      32  ▇▇▇▇▇▇▇▇▇▇▇\n"
		    "   2.0 KiB – 4.0 KiB   1,000  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇\n"
		    "   4.0 KiB – 8.0 KiB  32,000  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇\n"
		    "  8.0 KiB – 16.0 KiB       1  ▇▇\n"
		    " 16.0 KiB – 32.0 KiB       0\n"
		    " 32.0 KiB – 64.0 KiB   1,001  ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇\n"
		    "64.0 KiB – 128.0 KiB       0\n"
		    "         ≥ 128.0 KiB       3  ▇▇▇▇▇\n");
	expect_fits(r);
}

/* Whole numbers, and the widest that there are. */
static void test_bars_of_counts(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct histogram *h = report_add_histogram(r, "n", "pages", "pid", CELL_COUNT);

	report_add_bucket(r, h, 7, "evil\033", (struct histogram_bucket){ 0, 1, 9999999999ull });
	report_add_bucket(r, h, 7, NULL, (struct histogram_bucket){ 1, 2, 1 });
	report_add_bucket(r, h, 7, NULL, (struct histogram_bucket){ 2, 8, UINT64_MAX });
	report_add_bucket(r, h, 7, NULL,
			  (struct histogram_bucket){ 9999999990ull, 9999999999ull, 0 });
	report_add_bucket(r, h, 7, NULL,
			  (struct histogram_bucket){ UINT64_MAX - 1, UINT64_MAX, 1 });
	expect_text(r, 40,
		    "pages, evil\\x1b (log scale)\n"
		    "                        0  9,999,999,999\n"
		    "                        1              1\n"
		    "                      2–7          18.4E\n"
		    "9,999,999,99…,999,999,998              0\n"
		    "                  ≥ 18.4E              1\n");
	expect_fits(r);
}

static void test_matrix(void **state _unused_)
{
	static const uint64_t counts[][12] = {
		{ 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 },
		{ 0, 100, 50, 25, 12, 6, 3, 1, 0, 0 },
		{ 0 },
		{ 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 1 },
	};
	_cleanup_(report_free) struct report *r = new_report();
	struct histogram *h =
		report_add_histogram(r, "lifetime", "lifetime by order", "order", CELL_NS);

	for (uint64_t key = 0; key < ARRAY_SIZE(counts); key++)
		add_buckets(r, h, key, key == 3 ? "a long name of a process\n" : NULL, counts[key],
			    ARRAY_SIZE(counts[key]));
	expect_text(
		r, 80,
		"lifetime by order\n"
		"order                        count         p50         p90         max\n"
		"0                               36  < 131.1 us  < 524.3 us  < 524.3 us  ▁▃▆█▅\n"
		"1                              197    < 2.0 us   < 16.4 us  < 131.1 us  █▂▁▁\n"
		"2                                0           -           -           -\n"
		"a long name o…a process\\x0a      8   < 16.4 us    < 1.0 ms    < 1.0 ms   █  ▁\n");
	expect_text(r, 60,
		    "lifetime by order\n"
		    "order             count         p50         max\n"
		    "0                    36  < 131.1 us  < 524.3 us   ▁▂▃▄▅▆▇█\n"
		    "1                   197    < 2.0 us  < 131.1 us  █▄▂▁▁▁▁\n"
		    "2                     0           -           -\n"
		    "a long n…ess\\x0a      8   < 16.4 us    < 1.0 ms     █     ▁\n");
	expect_text(r, 40,
		    "lifetime by order\n"
		    "order        count         max\n"
		    "0               36  < 524.3 us  ▁▃▆█▅\n"
		    "1              197  < 131.1 us  █▂▁▁\n"
		    "2                0           -\n"
		    "a lon…s\\x0a      8    < 1.0 ms   █  ▁\n");
	expect_fits(r);
}

/* Rows need not have the same buckets, and there may be more of them than columns. */
static void test_matrix_of_many_buckets(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct histogram *h = report_add_histogram(r, "n", "values", "key", CELL_COUNT);

	for (uint64_t i = 0; i < 1000; i++)
		report_add_bucket(r, h, 1, NULL, (struct histogram_bucket){ i, i + 1, i + 1 });
	for (uint64_t i = 500; i < 1009; i += 2)
		report_add_bucket(r, h, 2, NULL, (struct histogram_bucket){ i, i + 2, 1 });
	report_add_bucket(r, h, 3, NULL, (struct histogram_bucket){ 7, UINT64_MAX, UINT64_MAX });
	report_add_bucket(r, h, UINT64_MAX, NULL, (struct histogram_bucket){ 5, 6, 1001 });
	report_add_bucket(r, h, UINT64_MAX, NULL, (struct histogram_bucket){ 6, 7, 1 });
	expect_text(
		r, 80,
		"values (log scale)\n"
		"key                     count    p50    p90      max  ≥ 0\n"
		"1                     500,500    706    948      999  ▅▆▆▇▇▇▇▇▇▇▇▇██████████████\n"
		"2                         255  < 756  < 960  < 1,010              ▅█████████████\n"
		"3                       18.4E    ≥ 7    ≥ 7      ≥ 7  █\n"
		"18446744073709551615    1,002      5      5        6  █\n");
	expect_fits(r);
}

static void test_empty_matrix(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct histogram *h = report_add_histogram(r, "n", NULL, "key", CELL_COUNT);

	for (uint64_t key = 0; key < 3; key++)
		report_add_bucket(r, h, key, NULL, (struct histogram_bucket){ 0, 1, 0 });
	expect_text(r, 80, "n\n  (none)\n");
}

/* It stands in the title: shortened, and only if it says something. */
static void test_label_of_one_row(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct histogram *h = report_add_histogram(r, "n", NULL, "key", CELL_COUNT);

	report_add_bucket(r, h, 0, "onewordthatislongerthanthewidthofanyterminal",
			  (struct histogram_bucket){ 0, 1, 0 });
	h = report_add_histogram(r, "m", NULL, NULL, CELL_COUNT);
	report_add_bucket(r, h, 0, "", (struct histogram_bucket){ 0, 1, 0 });
	expect_text(r, 40,
		    "n, onewordtha…yterminal\n"
		    "  (none)\n"
		    "\n"
		    "m\n"
		    "  (none)\n");
}

static void test_series(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct series *s = report_add_series(r, "free", "free memory", CELL_BYTES, 0, NSEC_PER_SEC);

	for (uint64_t i = 0; i < 300; i++)
		report_add_value(r, s, i == 150 ? 900 * MIB : 1000 * MIB + i * MIB);
	s = report_add_series(r, "rate", NULL, CELL_COUNT, 0, NSEC_PER_SEC);
	for (uint64_t i = 0; i < 9; i++)
		report_add_value(r, s, i % 3 * 7);
	expect_text(
		r, 80,
		"free memory  ▂▂▂▃▃▃▃▄▄▄▄▅▁▅▆▆▆▆▇▇▇▇███  min 900.0 MiB  max 1.3 GiB  last 1.3 GiB\n"
		"rate         ▁▄█▁▄█▁▄█                  min         0  max      14  last      "
		"14\n");
	expect_text(r, 40,
		    "free memory\n"
		    "  ▂▂▂▂▃▃▃▃▃▃▄▄▄▄▄▄▅▅▅▁▅▅▆▆▆▆▆▆▇▇▇▇▇▇████\n"
		    "  min 900.0 MiB, max 1.3 GiB, last 1.3\n"
		    "  GiB\n"
		    "rate\n"
		    "  ▁▄█▁▄█▁▄█\n"
		    "  min 0, max 14, last 14\n");
	report_add_series(r, "none", "nothing\033", CELL_NS, 0, NSEC_PER_SEC);
	s = report_add_series(r, "same", "a title that is much too long for the width of a line",
			      CELL_NS, 0, NSEC_PER_SEC);
	report_add_value(r, s, UINT64_MAX);
	report_add_value(r, s, UINT64_MAX);
	expect_text(r, 100,
		    "free memory                       ▂▃▄▄▁▆▇█  min     900.0 MiB  max       1.3 "
		    "GiB  last       1.3 GiB\n"
		    "rate                              ▁▄█▁▄█▁█  min             0  max            "
		    "14  last            14\n"
		    "nothing\\x1b\n"
		    "  (none)\n"
		    "a title that is …width of a line  ▁▁        min 213504 d 00 h  max 213504 d "
		    "00 h  last 213504 d 00 h\n");
	expect_fits(r);
}

/* One value among many that is larger, or smaller, is seen. */
static void test_series_peak(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct series *s = report_add_series(r, "s", "s", CELL_COUNT, 0, NSEC_PER_SEC);
	_cleanup_free_ char *got = NULL;

	for (uint64_t i = 0; i < 10007; i++)
		report_add_value(r, s, i == 5003);
	s = report_add_series(r, "d", "d", CELL_COUNT, 0, NSEC_PER_SEC);
	for (uint64_t i = 0; i < 10007; i++)
		report_add_value(r, s, i != 5003);
	got = render(r, 80, false);
	assert_non_null(strstr(got, "▁▁█▁▁"));
	assert_non_null(strstr(got, "min 0  max 1  last 0\n"));
	assert_non_null(strstr(got, "██▁██"));
	assert_non_null(strstr(got, "min 0  max 1  last 1\n"));
	expect_fits(r);
}

static void add_grid_rows(struct report *r, struct grid *g, const char *label, size_t n)
{
	uint8_t cells[256];

	assert_true(n <= sizeof(cells));
	for (size_t i = 0; i < n; i++)
		cells[i] = (uint8_t)(i / 10 % 3);
	report_add_grid_row(r, g, label, 0xffff888000000000ull, cells, n);
}

static void test_grid(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct grid *g = report_add_grid(r, "map", "map of zone Normal", 2 * MIB, classes,
					 ARRAY_SIZE(classes));

	expect_text(r, 80, "map of zone Normal\n  (none)\n");
	add_grid_rows(r, g, NULL, 100);
	add_grid_rows(r, g, "evil\033", 20);
	add_grid_rows(r, g, NULL, 0);
	add_grid_rows(r, g, "a label that is longer than an address", 1);
	expect_text(r, 80,
		    "map of zone Normal\n"
		    "0xffff888000000000          ffffffffffmmmmmmmmmmuuuuuuuuuuffffffffffmmmmmmmm\n"
		    "0xffff888006000000          mmuuuuuuuuuuffffffffffmmmmmmmmmmuuuuuuuuuuffffff\n"
		    "0xffff88800c000000          ffff\n"
		    "evil\\x1b                    ffffffffffmmmmmmmmmm\n"
		    "a label that …n an address  f\n"
		    "f free 42.1%  m movable 33.1%  u unmovable 24.8%  (a cell: 2.0 MiB)\n");
	expect_text(r, 40,
		    "map of zone Normal\n"
		    "0xffff888000000000  ffffffffffmmmmmm\n"
		    "0xffff888002000000  mmmmuuuuuuuuuuff\n"
		    "0xffff888004000000  ffffffffmmmmmmmm\n"
		    "0xffff888006000000  mmuuuuuuuuuuffff\n"
		    "0xffff888008000000  ffffffmmmmmmmmmm\n"
		    "0xffff88800a000000  uuuuuuuuuuffffff\n"
		    "0xffff88800c000000  ffff\n"
		    "evil\\x1b            ffffffffffmmmmmm\n"
		    "0xffff888002000000  mmmm\n"
		    "a label t… address  f\n"
		    "f free 42.1%  m movable 33.1%\n"
		    "u unmovable 24.8%  (a cell: 2.0 MiB)\n");
	expect_fits(r);
}

static void test_grid_that_need_not_wrap(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct grid *g = report_add_grid(r, "map", NULL, 0, classes, ARRAY_SIZE(classes));

	add_grid_rows(r, g, "cpu 0", 33);
	add_grid_rows(r, g, "cpu 10", 9);
	expect_text(r, 41,
		    "map\n"
		    "cpu 0   ffffffffffmmmmmmmmmmuuuuuuuuuufff\n"
		    "cpu 10  fffffffff\n"
		    "f free 52.4%  m movable 23.8%\n"
		    "u unmovable 23.8%\n");
	expect_fits(r);
}

static void test_grid_colour(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = new_report();
	struct grid *g = report_add_grid(r, "map", "map", 4096, classes, ARRAY_SIZE(classes));
	_cleanup_free_ char *got = NULL;

	report_add_grid_row(r, g, NULL, 0x1000, (const uint8_t[]){ 0, 0, 1, 2, 0, 1 }, 6);
	report_add_grid_row(r, g, NULL, 0x7000, (const uint8_t[]){ 2 }, 1);
	got = render(r, 80, true);
	assert_string_equal(got, "\033[1mx\033[0m\n"
				 "\n"
				 "\033[1mmap\033[0m\n"
				 "0x1000  \033[32mff\033[0mm\033[91mu\033[0m\033[32mf\033[0mm\n"
				 "0x7000  \033[91mu\033[0m\n"
				 "\033[32mf\033[0m free 42.9%  m movable 28.6%  "
				 "\033[91mu\033[0m unmovable 28.6%  (a cell: 4.0 KiB)\n");
}

static void test_order(void **state _unused_)
{
	static const char *const titles[] = { "tree 1", "table", "tree 2", "histogram",
					      "series", "grid",	 "note: " };
	_cleanup_(report_free) struct report *r = new_report();
	_cleanup_free_ char *got = NULL;
	const char *at;

	report_add_note(r, "x");
	report_add_grid(r, "a", "grid", 1, classes, 1);
	report_add_series(r, "a", "series", CELL_NS, 0, 1);
	report_add_histogram(r, "a", "histogram", NULL, CELL_NS);
	report_add_tree(r, "a", "tree 1", tree_columns, ARRAY_SIZE(tree_columns));
	report_add_table(r, "a", "table", tree_columns, ARRAY_SIZE(tree_columns));
	report_add_tree(r, "b", "tree 2", tree_columns, ARRAY_SIZE(tree_columns));
	at = got = render(r, 80, false);
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
		at = strstr(at, titles[i]);
		assert_non_null(at);
		assert_memory_equal(at - 2, "\n\n", 2);
	}
}

static void test_scale(void **state _unused_)
{
	struct scale s = { 0 };

	assert_int_equal(scale_steps(&s, 5, 8), 0);
	assert_false(scale_spreads(&s));
	scale_add(&s, 0);
	scale_add(&s, 3);
	scale_add(&s, 3000);
	assert_int_equal(s.smallest, 3);
	assert_false(scale_spreads(&s)); /* a thousandfold is not more than that */
	scale_add(&s, 3001);
	assert_true(scale_spreads(&s));
	for (int log = 0; log < 2; log++) {
		size_t last = 0;

		s.log = log;
		assert_int_equal(scale_steps(&s, 0, 60), 0);
		assert_int_equal(scale_steps(&s, 1, 60), log ? 5 : 1);
		assert_int_equal(scale_steps(&s, 3001, 60), 60);
		assert_int_equal(scale_steps(&s, 3001, 0), 0);
		for (uint64_t v = 0; v <= 3001; v++) {
			assert_true(scale_steps(&s, v, 60) >= last);
			last = scale_steps(&s, v, 60);
		}
	}
	scale_add(&s, UINT64_MAX);
	assert_true(scale_spreads(&s));
	assert_int_equal(scale_steps(&s, UINT64_MAX, 60), 60);
	assert_int_equal(scale_steps(&s, UINT64_MAX / 2 + 1, 64), 63);
	s.log = false;
	assert_int_equal(scale_steps(&s, UINT64_MAX / 2, 60), 30);
	s = (struct scale){ 0 };
	scale_add(&s, UINT64_MAX - 1);
	scale_add(&s, UINT64_MAX / 2);
	assert_false(scale_spreads(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_deep_tree),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_bars_log_scale),
		cmocka_unit_test(test_bars_of_counts),
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_matrix_of_many_buckets),
		cmocka_unit_test(test_empty_matrix),
		cmocka_unit_test(test_label_of_one_row),
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_series_peak),
		cmocka_unit_test(test_grid),
		cmocka_unit_test(test_grid_that_need_not_wrap),
		cmocka_unit_test(test_grid_colour),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_scale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
