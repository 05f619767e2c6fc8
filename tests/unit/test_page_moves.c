// SPDX-License-Identifier: GPL-2.0
/* Blocks whose frees nobody saw, and looks at the lists that took long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/page_lists.h"
#include "analyze/pages.h"
#include "base/vec.h"
#include "source/snapshot.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define HUGE_ORDER 9
#define FRAME	   0x40000u
#define KPF_TAIL   (1ull << 16)

static void start(struct pages *p)
{
	struct event_start e = {
		.h.kind = EVENT_START, .page_size = 4096, .n_cpus = 1, .sample = 1
	};
	const struct event_header *h = &e.h;

	assert_int_equal(pages_init(p), 0);
	pages_consume(p, &h, 1);
}

static void alloc(struct pages *p, uint64_t time, uint64_t pfn, unsigned int order, uint8_t flags)
{
	struct event_page e = {
		.h = { .time = time, .kind = EVENT_PAGE_ALLOC, .flags = flags },
		.block = event_pack_block(pfn, order, 1),
		.stack = -1,
	};
	const struct event_header *h = &e.h;

	pages_consume(p, &h, 1);
}

static void free_block(struct pages *p, uint64_t time, uint64_t pfn, unsigned int order)
{
	struct event_page_free e = {
		.h = { .time = time, .kind = EVENT_PAGE_FREE },
		.block = event_pack_block(pfn, order, 0),
	};
	const struct event_header *h = &e.h;

	pages_consume(p, &h, 1);
}

static uint64_t live_pages(const struct pages *p)
{
	const struct page_row *row;
	uint64_t n = 0;

	vec_for_each(&p->rows, row)
		n += row->live_pages;
	return n;
}

/* A block given out over smaller ones, wherever they are in it, ends all of them. */
static void test_larger_over_smaller(void **state)
{
	struct pages p;

	(void)state;
	start(&p);
	alloc(&p, 1, FRAME, 0, 0);
	alloc(&p, 2, FRAME + 7, 0, 0);
	alloc(&p, 3, FRAME + 256, 3, 0);
	alloc(&p, 4, FRAME + 512, 0, 0);
	assert_int_equal(live_pages(&p), 11);
	alloc(&p, 5, FRAME, HUGE_ORDER, 0);
	assert_int_equal(live_pages(&p), 513);
	assert_int_equal(p.stream.quality.frees_implied_reuse, 3);
	free_block(&p, 6, FRAME, HUGE_ORDER);
	assert_int_equal(live_pages(&p), 1);
	pages_free(&p);
}

/* The same for one that is not followed itself. */
static void test_reuse_over_smaller(void **state)
{
	struct pages p;

	(void)state;
	start(&p);
	alloc(&p, 1, FRAME + 3, 0, 0);
	alloc(&p, 2, FRAME, 2, EVENT_REUSE);
	assert_int_equal(live_pages(&p), 0);
	assert_int_equal(p.stream.quality.frees_implied_reuse, 1);
	pages_free(&p);
}

/* How long kmscope's own blocks lived is nobody's business. */
static void test_own_lifetimes(void **state)
{
	struct pages p;
	size_t i;

	(void)state;
	start(&p);
	alloc(&p, 1, FRAME, 0, EVENT_OWN);
	free_block(&p, 2, FRAME, 0);
	for (i = 0; i < DURATIONS; i++)
		assert_int_equal(p.lifetimes[0][i], 0);
	pages_free(&p);
}

static void look(struct pages *p, enum snapshot_file file, uint64_t before, uint64_t time,
		 const char *text)
{
	size_t size = strlen(text) + 1;
	struct event_snapshot *e = calloc(1, sizeof(*e) + size);

	assert_non_null(e);
	e->h = (struct event_header){ .time = time,
				      .kind = EVENT_SNAPSHOT,
				      .flags = (uint8_t)file };
	e->before = before;
	e->size = (uint32_t)size;
	memcpy(e->data, text, size);
	page_lists_snapshot(p, e);
	free(e);
}

#define ZONEINFO                                                                               \
	"Node 0, zone   Normal\n  pages free     64\n        min      1\n        low      1\n" \
	"        high     1\n        spanned  1048576\n        present  1048576\n"             \
	"        managed  1048576\n  start_pfn:           0\n"
#define BUDDYINFO "Node 0, zone   Normal     64      0      0\n"

/* While the files are read, any number of events can come: kmscope may have been stopped in between. */
static void test_long_look(void **state)
{
	struct page_balance b;
	struct pages p;
	uint64_t i;

	(void)state;
	start(&p);
	look(&p, SNAPSHOT_ZONEINFO, 10, 20, ZONEINFO);
	look(&p, SNAPSHOT_BUDDYINFO, 20, 30, BUDDYINFO);
	for (i = 0; i < 3ull * PAGE_LISTS_RECENT; i++)
		alloc(&p, 1000 + i, FRAME + i, 0, 0);
	look(&p, SNAPSHOT_ZONEINFO, 1000, 100000, ZONEINFO);
	look(&p, SNAPSHOT_BUDDYINFO, 100000, 100001, BUDDYINFO);
	assert_true(page_lists_balance(&p, 0, &b));
	assert_int_equal(b.allocated, 3 * PAGE_LISTS_RECENT);
	assert_true(b.bound >= 3 * PAGE_LISTS_RECENT);
	/* and a short one knows better than «everything since the last one» */
	look(&p, SNAPSHOT_ZONEINFO, 200000, 200001, ZONEINFO);
	alloc(&p, 200001, FRAME, 0, 0);
	look(&p, SNAPSHOT_BUDDYINFO, 200001, 200002, BUDDYINFO);
	assert_true(page_lists_balance(&p, 0, &b));
	assert_int_equal(b.bound, 1 + 2 * PAGE_LISTS_BATCH);
	pages_free(&p);
}

/* A piece that begins within a compound page (1 GiB huge pages are longer than one) has no head. */
static void test_tails_first(void **state)
{
	uint64_t flags[4] = { KPF_TAIL, KPF_TAIL, KPF_TAIL, KPF_TAIL };
	struct event_snapshot *e = NULL;
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_int_equal(fwrite(flags, sizeof(flags), 1, f), 1);
	assert_int_equal(fflush(f), 0);
	assert_int_equal(snapshot_frames(fileno(f), 0, 4, &e), 0);
	assert_int_equal(e->size, sizeof(uint64_t));
	assert_int_equal(*(uint64_t *)(void *)e->data, snapshot_run(FRAME_UNMOVABLE, 4));
	free(e);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_larger_over_smaller),
		cmocka_unit_test(test_reuse_over_smaller),
		cmocka_unit_test(test_own_lifetimes),
		cmocka_unit_test(test_long_look),
		cmocka_unit_test(test_tails_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
