// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "fixture.h"
#include "procfs/zones.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define DATA "tests/unit/data/procfs/"

/* A zone of one page in the kernel's words; what %s stands for comes in front of its end. */
#define SMALL_ZONE(name)                                                                      \
	"Node 0, zone " name "\n  pages free     1\n        min      2\n        low      3\n" \
	"        high     4\n        spanned  9\n        present  8\n        managed  7\n"    \
	"        protection: (0, 0)\n"
#define SMALL_END "  start_pfn:           5\n"

static struct zones zones_of(const char *file)
{
	_cleanup_free_ char *text = fixture_read(file);
	struct zones z = { 0 };
	struct failure f = { 0 };
	int err = zones_parse(text, &z, &f);

	if (err)
		fail_msg("%s: %d: %s", file, err, f.text);
	return z;
}

static struct free_lists lists_of(const char *file,
				  int (*parse)(const char *, struct free_lists *, struct failure *))
{
	_cleanup_free_ char *text = fixture_read(file);
	struct free_lists l = { 0 };
	struct failure f = { 0 };
	int err = parse(text, &l, &f);

	if (err)
		fail_msg("%s: %d: %s", file, err, f.text);
	return l;
}

static void test_this_kernel(void **state)
{
	_cleanup_(zones_free) struct zones z = zones_of(DATA "x86_64-6.18/zoneinfo");
	const struct zone *normal = zones_named(&z, 0, "Normal");

	(void)state;
	assert_int_equal(z.n, 5);
	assert_string_equal(z.items[0].name, "DMA");
	assert_int_equal(z.items[0].start_pfn, 1);
	assert_int_equal(z.items[0].spanned, 4095);
	assert_int_equal(z.items[0].percpu, 0);
	assert_non_null(normal);
	assert_int_equal(normal->start_pfn, 1048576);
	assert_int_equal(normal->spanned, 5505024);
	assert_int_equal(normal->present, 5505024);
	assert_int_equal(normal->managed, 1277952);
	assert_int_equal(normal->min, 10508);
	assert_int_equal(normal->low, 13135);
	assert_int_equal(normal->high, 15762); /* not a per-CPU list's «high:» */
	assert_true(normal->free > 0 && normal->free < normal->managed);
	assert_true(normal->percpu > 0 && normal->percpu < normal->managed);
	assert_string_equal(z.items[4].name, "Device");
	assert_int_equal(z.items[4].present, 0);
	assert_null(zones_named(&z, 1, "Normal"));
	assert_null(zones_named(&z, 0, "HighMem"));
}

static void test_find(void **state)
{
	_cleanup_(zones_free) struct zones z = zones_of(DATA "x86_64-6.18/zoneinfo");

	(void)state;
	assert_null(zones_find(&z, 0));
	assert_string_equal(zones_find(&z, 1)->name, "DMA");
	assert_string_equal(zones_find(&z, 4095)->name, "DMA");
	assert_string_equal(zones_find(&z, 4096)->name, "DMA32");
	assert_string_equal(zones_find(&z, 1048575)->name, "DMA32");
	assert_string_equal(zones_find(&z, 1048576)->name, "Normal");
	assert_string_equal(zones_find(&z, 6553599)->name, "Normal");
	assert_null(zones_find(&z, 6553600)); /* empty zones hold nothing */
	assert_null(zones_find(&z, UINT64_MAX));
}

static void test_highmem(void **state)
{
	_cleanup_(zones_free) struct zones z = zones_of(DATA "armhf-highmem/zoneinfo");

	(void)state;
	assert_int_equal(z.n, 4);
	assert_int_equal(z.items[0].cma_free, 16000);
	assert_int_equal(z.items[0].percpu, 61); /* of two CPUs */
	assert_string_equal(zones_find(&z, 0x40000)->name, "DMA");
	assert_string_equal(zones_find(&z, 0x70000)->name, "HighMem");
	assert_string_equal(zones_find(&z, 0xbffff)->name, "HighMem");
	assert_null(zones_find(&z, 0xc0000));
}

static void test_nodes(void **state)
{
	_cleanup_(zones_free) struct zones z = zones_of(DATA "numa/zoneinfo");

	(void)state;
	assert_int_equal(z.n, 10);
	assert_int_equal(zones_named(&z, 1, "Normal")->managed, 4100000);
	assert_int_equal(zones_named(&z, 0, "Normal")->managed, 7180000);
	assert_int_equal(zones_named(&z, 1, "Movable")->percpu, 3);
	assert_int_equal(zones_find(&z, 12582912)->node, 1);
	assert_string_equal(zones_find(&z, 12582912)->name, "Movable");
}

static void test_old_words(void **state)
{
	/* no boost, no cma, as before Linux 5.8 */
	_cleanup_(zones_free) struct zones z = zones_of(DATA "arm64-64k/zoneinfo");

	(void)state;
	assert_int_equal(z.n, 5);
	assert_int_equal(zones_named(&z, 0, "Normal")->free, 60002);
	assert_int_equal(zones_find(&z, 0x4000)->min, 41);
}

static void test_zoneinfo_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"Linux version 6.18\n",
		"Node 0, zone   Normal\n",
		"Node 0, zone   Normal",
		SMALL_ZONE("DMA"), /* has memory, no start */
		SMALL_ZONE("DMA") SMALL_ZONE("Normal") SMALL_END, /* the first is cut short */
		SMALL_ZONE("DMA") SMALL_END "        min      2\n", /* twice */
		SMALL_ZONE("DMA") "  start_pfn:           -5\n",
		SMALL_ZONE("DMA") "  start_pfn:           5x\n",
		SMALL_ZONE("DMA") "  start_pfn:           70368744177664\n", /* 2^46 */
		SMALL_ZONE("DMA") "  start_pfn:           99999999999999999999999999\n",
		SMALL_ZONE("DMA") SMALL_END "              count:    -1\n",
		SMALL_ZONE("DMA") SMALL_END "              count:    18446744073709551616\n",
		SMALL_ZONE("ANameOfMoreThanFifteen") SMALL_END,
		SMALL_ZONE("DMA") SMALL_END SMALL_ZONE("ANameOfMoreThanFifteen") SMALL_END,
		"Node -1, zone DMA\n",
		"Node 99999999999, zone DMA\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct zones z = { 0 };
		struct failure f = { 0 };

		if (zones_parse(texts[i], &z, &f) != -EINVAL)
			fail_msg("text %zu is accepted", i);
		assert_null(z.items);
		assert_true(f.text[0]);
	}
}

static void test_zoneinfo_accepted(void **state)
{
	struct zones z = { 0 };

	(void)state;
	/* no newline at the end; lines of no interest; the longest name; the largest number */
	assert_int_equal(zones_parse(SMALL_ZONE("AZoneOfFifteen_") "gibberish\n  a b c\n"
								   "  start_pfn:  70368744177663",
				     &z, NULL),
			 0);
	assert_int_equal(z.n, 1);
	assert_string_equal(z.items[0].name, "AZoneOfFifteen_");
	assert_int_equal(z.items[0].start_pfn, ZONE_PAGES_MAX - 1);
	assert_int_equal(z.items[0].managed, 7);
	assert_non_null(zones_find(&z, ZONE_PAGES_MAX + 7));
	assert_null(zones_find(&z, ZONE_PAGES_MAX + 8));
	zones_free(&z);
	zones_free(&z);
}

/* @unit @times times. */
static char *repeat(const char *unit, size_t times)
{
	size_t n = strlen(unit), i;
	char *text = malloc(n * times + 1);

	assert_non_null(text);
	for (i = 0; i < times; i++)
		memcpy(text + n * i, unit, n);
	text[n * times] = '\0';
	return text;
}

static void test_long_texts(void **state)
{
	_cleanup_free_ char *many_zones = repeat(SMALL_ZONE("DMA") SMALL_END, 100000 / 10);
	_cleanup_free_ char *all_zones = repeat(SMALL_ZONE("DMA") SMALL_END, ZONES_MAX);
	_cleanup_free_ char *many_rows = repeat("Node 0, zone DMA 1\n", 100000);
	_cleanup_free_ char *many_orders = repeat("1 ", 100000);
	_cleanup_free_ char *lines = repeat("      count:    70368744177663\n", 100000),
			    *text = NULL;
	struct zones z = { 0 };
	struct free_lists l = { 0 };

	(void)state;
	assert_int_equal(zones_parse(many_zones, &z, NULL), -E2BIG);
	assert_int_equal(zones_parse(all_zones, &z, NULL), 0);
	assert_int_equal(z.n, ZONES_MAX);
	zones_free(&z);

	assert_true(asprintf(&text, "%s%s%s", SMALL_ZONE("DMA"), SMALL_END, lines) > 0);
	assert_int_equal(zones_parse(text, &z, NULL), 0);
	assert_int_equal(z.items[0].percpu, ZONE_PAGES_MAX - 1); /* does not wrap */
	zones_free(&z);

	assert_int_equal(buddyinfo_parse(many_rows, &l, NULL), -E2BIG);
	free(text);
	assert_true(asprintf(&text, "Node 0, zone DMA %s", many_orders) > 0);
	assert_int_equal(buddyinfo_parse(text, &l, NULL), -E2BIG);
	assert_null(l.items);
}

static void test_buddyinfo(void **state)
{
	_cleanup_(free_lists_free) struct free_lists l =
		lists_of(DATA "x86_64-6.18/buddyinfo", buddyinfo_parse);

	(void)state;
	assert_int_equal(l.n, 3);
	assert_int_equal(l.n_orders, 11);
	assert_int_equal(l.pageblock_pages, 0);
	assert_int_equal(l.n_migratetypes, 0);
	assert_int_equal(free_lists_blocks(&l, 0, "DMA", 10), 3);
	assert_int_equal(free_lists_blocks(&l, 0, "DMA", 11), 0);
	assert_int_equal(free_lists_blocks(&l, 1, "DMA", 10), 0);
	assert_int_equal(free_lists_blocks(&l, 0, "Movable", 10), 0);
	assert_string_equal(l.items[0].migratetype, "");
}

static void test_orders(void **state)
{
	_cleanup_(free_lists_free) struct free_lists k64 =
		lists_of(DATA "arm64-64k/buddyinfo", buddyinfo_parse);
	_cleanup_(free_lists_free) struct free_lists k16 =
		lists_of(DATA "arm64-16k/buddyinfo", buddyinfo_parse);
	_cleanup_(free_lists_free) struct free_lists types =
		lists_of(DATA "arm64-64k/pagetypeinfo", pagetypeinfo_parse);

	(void)state;
	assert_int_equal(k64.n_orders, 14);
	assert_int_equal(free_lists_blocks(&k64, 0, "Normal", 13), 7);
	assert_int_equal(k16.n_orders, 12);
	assert_int_equal(free_lists_blocks(&k16, 0, "DMA", 11), 12);
	assert_int_equal(types.n_orders, 14);
	assert_int_equal(types.pageblock_pages, 8192);
	assert_int_equal(types.n_migratetypes, 6);
	assert_int_equal(free_lists_blocks(&types, 0, "DMA", 13), (1 + 2 + 3 + 4 + 5 + 6) * 14);
}

static void test_pagetypeinfo(void **state)
{
	_cleanup_(free_lists_free) struct free_lists l =
		lists_of(DATA "x86_64-6.18/pagetypeinfo", pagetypeinfo_parse);
	_cleanup_(zones_free) struct zones z = zones_of(DATA "x86_64-6.18/zoneinfo");
	uint64_t pages = 0;
	size_t i, type;

	(void)state;
	assert_int_equal(l.n, 15);
	assert_int_equal(l.n_orders, 11);
	assert_int_equal(l.pageblock_pages, 512);
	assert_int_equal(l.n_migratetypes, 5);
	assert_string_equal(l.migratetypes[0], "Unmovable");
	assert_string_equal(l.migratetypes[1], "Movable");
	assert_string_equal(l.migratetypes[4], "Isolate");
	assert_int_equal(l.n_types, 3);
	assert_string_equal(l.types[1].zone, "DMA32");
	assert_int_equal(l.types[1].blocks[1], 1528);
	assert_string_equal(l.items[6].migratetype, "Movable");
	/* DMA32 did not change between the readings of the two files */
	for (i = 0; i < l.n_orders; i++)
		pages += free_lists_blocks(&l, 0, "DMA32", i) << i;
	assert_int_equal(pages, zones_named(&z, 0, "DMA32")->free);
	for (type = 0, pages = 0; type < l.n_migratetypes; type++)
		pages += l.types[0].blocks[type] * l.pageblock_pages;
	assert_int_equal(pages, 4096); /* the DMA zone: 16 MiB less the first page */
}

static void test_capped_counts(void **state)
{
	_cleanup_(free_lists_free) struct free_lists l =
		lists_of(DATA "numa/pagetypeinfo", pagetypeinfo_parse);
	const struct free_list *list;
	size_t n_capped = 0;

	(void)state;
	vec_for_each(&l, list)
		n_capped += list->capped;
	assert_int_equal(n_capped, 2);
	assert_int_equal(free_lists_blocks(&l, 0, "Normal", 0), 100000 + 1 + 3 + 4 + 5 + 6);
	assert_int_equal(l.n, 5 * 6);
	assert_int_equal(l.n_types, 5); /* not the mixed blocks, which follow */
	assert_int_equal(l.types[4].node, 1);
	assert_int_equal(l.types[4].blocks[5], 16);
	assert_string_equal(l.migratetypes[4], "CMA");
}

#define PAGETYPE_HEAD                                    \
	"Page block order: 9\nPages per block:  512\n\n" \
	"Free pages count per migrate type at order       0      1\n"
#define PAGETYPE_ROW "Node    0, zone      DMA, type    Unmovable      1      2\n"
#define BLOCKS_HEAD  "Number of blocks type     Unmovable\n"

static void test_lists_refused(void **state)
{
	static const struct {
		int (*parse)(const char *, struct free_lists *, struct failure *);
		const char *text;
		int err;
	} cases[] = {
		{ buddyinfo_parse, "", -EINVAL },
		{ buddyinfo_parse, "\n", -EINVAL },
		{ buddyinfo_parse, "Node 0, zone DMA\n", -EINVAL },
		{ buddyinfo_parse, "Node 0, zone DMA 1 2\nNode 0, zone Normal 1\n", -EINVAL },
		{ buddyinfo_parse, "Node 0, zone DMA 1 -2\n", -EINVAL },
		{ buddyinfo_parse, "Node 0, zone DMA 1 2x\n", -EINVAL },
		{ buddyinfo_parse, "Node 0, zone DMA 99999999999999999999999\n", -EINVAL },
		/* more blocks of order 1 than there can be pages */
		{ buddyinfo_parse, "Node 0, zone DMA 0 35184372088832\n", -EINVAL },
		{ buddyinfo_parse, "Node 0, zone ANameOfMoreThanFifteen 1\n", -EINVAL },
		{ pagetypeinfo_parse, "", -EINVAL },
		{ pagetypeinfo_parse, PAGETYPE_HEAD, -EINVAL },
		{ pagetypeinfo_parse, PAGETYPE_ROW, -EINVAL },
		{ pagetypeinfo_parse, PAGETYPE_HEAD "Node 0, zone DMA 1 2\n", -EINVAL },
		{ pagetypeinfo_parse, PAGETYPE_HEAD "Node 0, zone DMA, type\n", -EINVAL },
		{ pagetypeinfo_parse, PAGETYPE_HEAD "Node 0, zone DMA, type A >x 2\n", -EINVAL },
		{ pagetypeinfo_parse, PAGETYPE_HEAD "Node, zone DMA, type A 1 2\n", -EINVAL },
		{ pagetypeinfo_parse, "Pages per block:  many\n", -EINVAL },
		{ pagetypeinfo_parse, "Pages per block:  70368744177664\n", -EINVAL },
		{ pagetypeinfo_parse, PAGETYPE_HEAD PAGETYPE_ROW BLOCKS_HEAD "Node 0, zone DMA\n",
		  -EINVAL },
		{ pagetypeinfo_parse,
		  PAGETYPE_HEAD PAGETYPE_ROW BLOCKS_HEAD "Node 0, zone DMA 1 2\n", -EINVAL },
		{ pagetypeinfo_parse,
		  PAGETYPE_HEAD PAGETYPE_ROW "Number of blocks type a b c d e f g h i j k l m n o "
					     "p\n",
		  -E2BIG },
		{ pagetypeinfo_parse,
		  PAGETYPE_HEAD PAGETYPE_ROW "Number of blocks type Unmovable Unmovable Unmovable "
					     "Unmovable Unmovable Unmovable Unmovable Unmovable "
					     "Unmovable Unmovable Unmovable Unmovable Unmovable "
					     "Unmovable Unmovable Unmovable Unmovable\n",
		  -E2BIG },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct free_lists l = { 0 };
		struct failure f = { 0 };
		int err = cases[i].parse(cases[i].text, &l, &f);

		if (err != cases[i].err)
			fail_msg("case %zu: %d: %s", i, err, f.text);
		assert_null(l.items);
		assert_null(l.types);
		assert_true(f.text[0]);
	}
}

static void test_pagetypeinfo_accepted(void **state)
{
	struct free_lists l = { 0 };

	(void)state;
	/* no newline at the end, cut off in front of the page blocks */
	assert_int_equal(pagetypeinfo_parse(PAGETYPE_HEAD "Node    0, zone      DMA, type    "
							  "Unmovable      1   >100000",
					    &l, NULL),
			 0);
	assert_int_equal(l.n_orders, 2);
	assert_true(l.items[0].capped);
	assert_int_equal(l.items[0].blocks[1], 100000);
	assert_int_equal(l.n_types, 0);
	free_lists_free(&l);
	free_lists_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this_kernel),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_highmem),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_old_words),
		cmocka_unit_test(test_zoneinfo_refused),
		cmocka_unit_test(test_zoneinfo_accepted),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_buddyinfo),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_pagetypeinfo),
		cmocka_unit_test(test_capped_counts),
		cmocka_unit_test(test_lists_refused),
		cmocka_unit_test(test_pagetypeinfo_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
