// SPDX-License-Identifier: GPL-2.0
/*
 * What does more with pages than allocate a block and free it: holding them until there are none,
 * splitting, exact numbers of pages, bulk. And the counters of each order.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/version.h>

#include "truth.h"

#define ORDERS (TRUTH_MAX_ORDER + 1)

struct order_stats {
	u64 tries;
	u64 allocs;
	u64 frees;
	u64 failed;
};

static const enum truth_kind_id page_kinds[] = {
	TRUTH_PAGE,
	TRUTH_PAGE_SPLIT,
	TRUTH_PAGE_EXACT,
	TRUTH_PAGE_BULK,
};

static struct order_stats orders[ARRAY_SIZE(page_kinds)][ORDERS];

/* --- counters of each order ------------------------------------------------------------------- */

static struct order_stats *stats_of(enum truth_kind_id id, unsigned int order)
{
	size_t i = 0;

	while (page_kinds[i] != id)
		i++;
	return &orders[i][order];
}

/* What a kind's counters have gained since then was of this order. */
static void count_order(enum truth_kind_id id, unsigned int order, const struct truth_stats *since)
{
	struct order_stats *s = stats_of(id, order);

	s->tries += truth_stats[id].tries - since->tries;
	s->allocs += truth_stats[id].allocs - since->allocs;
	s->frees += truth_stats[id].frees - since->frees;
	s->failed += truth_stats[id].failed - since->failed;
}

void truth_page_dropped(unsigned int order)
{
	stats_of(TRUTH_PAGE, order)->frees++;
}

void truth_page_reset(void)
{
	memset(orders, 0, sizeof(orders));
}

int truth_run_pages(const struct truth_command *command, const u64 *args)
{
	static const struct order_stats none;
	const struct order_stats *s;
	unsigned int order;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(page_kinds); i++) {
		for (order = 0; order < ORDERS; order++) {
			s = &orders[i][order];
			if (!memcmp(s, &none, sizeof(none)))
				continue;
			truth_say(
				"kind=%s order=%u tries=%llu allocs=%llu frees=%llu failed=%llu\n",
				truth_kinds[page_kinds[i]].name, order, s->tries, s->allocs,
				s->frees, s->failed);
			truth_result.done++;
		}
	}
	return 0;
}

size_t truth_pages_lines(void)
{
	return ARRAY_SIZE(page_kinds) * ORDERS;
}

/* --- page ------------------------------------------------------------------------------------- */

static void free_pages_of(struct list_head *pages, const struct truth_ask *ask)
{
	const struct truth_kind *kind = &truth_kinds[TRUTH_PAGE];
	struct page *page;

	while (!list_empty(pages)) {
		page = list_first_entry(pages, struct page, lru);
		list_del(&page->lru);
		kind->free(page, ask);
		truth_count_free(TRUTH_PAGE, ask->size, ask->size);
		cond_resched();
	}
}

/*
 * Hold pages, at most COUNT of that order, until N tries have failed, then free them. Nothing is
 * reclaimed for it, so memory that is free but for the reserves is what it takes.
 */
static int run_page_fail(const u64 *args)
{
	struct truth_ask ask = {
		.items = 1,
		.order = args[TRUTH_WORD_ORDER],
		.size = PAGE_SIZE << args[TRUTH_WORD_ORDER],
		.gfp = __GFP_NORETRY | __GFP_NOMEMALLOC | __GFP_NOWARN,
	};
	u64 failed = 0;
	u64 n = 0;
	struct page *page;
	LIST_HEAD(pages);

	while (n < args[TRUTH_WORD_COUNT] && failed < args[TRUTH_WORD_FAIL] &&
	       !fatal_signal_pending(current)) {
		page = truth_kinds[TRUTH_PAGE].alloc(&ask);
		if (page) {
			n++;
			list_add(&page->lru, &pages);
			truth_count_alloc(TRUTH_PAGE, ask.size, ask.size);
		} else {
			failed++;
			truth_count_failed(TRUTH_PAGE);
		}
		cond_resched();
	}
	free_pages_of(&pages, &ask);
	if (fatal_signal_pending(current))
		return truth_error(-EINTR, "after %llu of %llu", n, args[TRUTH_WORD_COUNT]);
	return 0;
}

int truth_run_page(const struct truth_command *command, const u64 *args)
{
	const struct truth_stats since = truth_stats[TRUTH_PAGE];
	int err;

	if (args[TRUTH_WORD_FAIL] && args[TRUTH_WORD_KEEP])
		return truth_error(-EINVAL, "fail=N and keep exclude each other");
	err = args[TRUTH_WORD_FAIL] ? run_page_fail(args) : truth_run_plain(command, args);
	count_order(TRUTH_PAGE, args[TRUTH_WORD_ORDER], &since);
	return err;
}

/* --- blocks that are freed page by page: page_split, page_exact -------------------------------- */

static truth_site struct page *truth_page_split_site(unsigned int order)
{
	return alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
}

static truth_site void truth_page_split_free(struct page *page)
{
	__free_pages(page, 0);
}

static truth_site void *truth_page_exact_site(size_t size)
{
	return alloc_pages_exact(size, GFP_KERNEL | __GFP_NOWARN);
}

static truth_site void truth_page_exact_free(void *p, size_t size)
{
	free_pages_exact(p, size);
}

static void count_pieces(enum truth_kind_id id, const struct truth_ask *ask)
{
	u64 given = (u64)PAGE_SIZE << ask->order;

	truth_count_alloc(id, ask->size, given);
	truth_count_free(id, ask->size, given);
	truth_stats[id].frees += (1ULL << ask->order) - 1; /* one is counted already */
	truth_stats[id].pieces += (1ULL << ask->order) - 1;
}

static void split_step(void *context, u64 n)
{
	const struct truth_ask *ask = context;
	struct page *page;
	size_t i;

	for (; n; n--) {
		page = truth_page_split_site(ask->order);
		if (!page) {
			truth_count_failed(TRUTH_PAGE_SPLIT);
			continue;
		}
		split_page(page, ask->order);
		for (i = 0; i < 1UL << ask->order; i++)
			truth_page_split_free(page + i);
		count_pieces(TRUTH_PAGE_SPLIT, ask);
	}
}

/* alloc_pages_exact() splits a block, and frees at once the pages that are too many. */
static void exact_step(void *context, u64 n)
{
	const struct truth_ask *ask = context;
	void *p;

	for (; n; n--) {
		p = truth_page_exact_site(ask->size);
		if (!p) {
			truth_count_failed(TRUTH_PAGE_EXACT);
			continue;
		}
		truth_page_exact_free(p, ask->size);
		count_pieces(TRUTH_PAGE_EXACT, ask);
	}
}

/* The blocks are of one order, the pages that they are freed as of order 0. */
static void count_pieces_orders(enum truth_kind_id id, unsigned int order,
				const struct truth_stats *since)
{
	u64 frees = truth_stats[id].frees - since->frees;

	count_order(id, order, since);
	stats_of(id, order)->frees -= frees;
	stats_of(id, 0)->frees += frees;
}

int truth_run_page_pieces(const struct truth_command *command, const u64 *args)
{
	bool split = command->id == TRUTH_PAGE_SPLIT;
	const struct truth_stats since = truth_stats[command->id];
	struct truth_ask ask = { .size = args[TRUTH_WORD_SIZE], .items = 1 };
	int err;

	ask.order = split ? args[TRUTH_WORD_ORDER] : get_order(ask.size);
	if (split)
		ask.size = PAGE_SIZE << ask.order;
	err = truth_check_total(args[TRUTH_WORD_COUNT], (u64)PAGE_SIZE << ask.order,
				TRUTH_MAX_TURNED);
	if (err)
		return err;
	err = truth_repeat(args[TRUTH_WORD_COUNT], split ? split_step : exact_step, &ask);
	count_pieces_orders(command->id, ask.order, &since);
	return err;
}

/* --- page_bulk -------------------------------------------------------------------------------- */

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 13, 0)

static struct page *batch[TRUTH_BATCH];

static truth_site unsigned long truth_page_bulk_site(unsigned long n)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
	/* 6bf9b5b40af3 ("mm: alloc_pages_bulk: rename API") */
	return alloc_pages_bulk(gfp, n, batch);
#else
	/* 0f87d9d30f21 ("mm/page_alloc: add an array-based interface to the bulk page allocator") */
	return alloc_pages_bulk_array(gfp, n, batch);
#endif
}

static truth_site void truth_page_bulk_free(struct page *page)
{
	__free_pages(page, 0);
}

struct page_bulk {
	u64 single; /* pages that came one by one */
};

/* The kernel fills the empty places of the array: all of them are. */
static void bulk_batch(struct page_bulk *b, unsigned long n)
{
	unsigned long got = truth_page_bulk_site(n);
	unsigned long i;

	/* Where it can't get several pages, it gets one in the usual way. */
	b->single += got == 1;
	for (i = got; i < n; i++)
		truth_count_failed(TRUTH_PAGE_BULK);
	for (i = 0; i < got; i++) {
		truth_count_alloc(TRUTH_PAGE_BULK, PAGE_SIZE, PAGE_SIZE);
		truth_page_bulk_free(batch[i]);
		truth_count_free(TRUTH_PAGE_BULK, PAGE_SIZE, PAGE_SIZE);
		batch[i] = NULL;
	}
}

static void bulk_step(void *context, u64 n)
{
	unsigned long now;

	for (; n; n -= now) {
		now = min_t(u64, n, TRUTH_BATCH);
		now -= n - now == 1;
		bulk_batch(context, now);
	}
}

/* No call is for one page alone: that is an ordinary allocation, with an event. */
int truth_run_page_bulk(const struct truth_command *command, const u64 *args)
{
	const struct truth_stats since = truth_stats[TRUTH_PAGE_BULK];
	u64 count = args[TRUTH_WORD_COUNT];
	struct page_bulk b = { 0 };
	int err;

	if (count == 1)
		return truth_error(-ERANGE, "COUNT is 1, may be 2 to %u", TRUTH_MAX_COUNT);
	if (count % TRUTH_CHUNK == 1) {
		bulk_batch(&b, 3);
		count -= 3;
	}
	err = truth_repeat(count, bulk_step, &b);
	count_order(TRUTH_PAGE_BULK, 0, &since);
	snprintf(truth_result.text, sizeof(truth_result.text), " single=%llu", b.single);
	return err;
}

#else

int truth_run_page_bulk(const struct truth_command *command, const u64 *args)
{
	/* 387ba26fb1cb ("mm/page_alloc: add a bulk page allocator") came in 5.13. */
	return truth_error(-EOPNOTSUPP, "alloc_pages_bulk() is there from 5.13 on");
}

#endif
