/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_PAGE_LISTS_H
#define KMSCOPE_ANALYZE_PAGE_LISTS_H
/* What /proc told of zones and free lists, and how it goes together with what events tell. */
#include "analyze/pages.h"

/*
 * Pages that a CPU may have told as freed but not put on a list yet: frees come in batches of up to 31
 * (PAGEVEC_SIZE, include/linux/pagevec.h), all of which are told first.
 */
#define PAGE_LISTS_BATCH  31
#define PAGE_LISTS_RECENT 4096 /* newest events whose pages are remembered; a power of two */

void page_lists_free(struct pages *p);
void page_lists_snapshot(struct pages *p, const struct event_snapshot *e);

/* The place of the zone that frame @pfn is in, or PAGES_NO_ZONE. */
uint16_t page_lists_zone(const struct pages *p, uint64_t pfn);
/* An event at @time moved @n pages of @zone out of the lists or back to them. */
void page_lists_moved(struct pages *p, uint64_t time, uint16_t zone, uint64_t n, bool out);

/* All pages on the free lists of a zone, exactly: /proc/zoneinfo's counter lags behind on each CPU. */
uint64_t page_lists_free_pages(const struct free_lists *l, const struct zone *z);

/* The model's free blocks of all zones. */
void page_lists_count_model(const struct pages *p, struct blocks_count *ret);

/*
 * How the change of a zone between the first and the newest snapshot adds up, pages:
 * residual = free + percpu + allocated - freed, which is 0 if events tell everything. Bulk allocations,
 * which fire no event, make it smaller. It is known up to .bound: what events moved while the files
 * were being read, and what was on its way to the lists.
 */
struct page_balance {
	int64_t free, percpu;
	uint64_t allocated, freed;
	int64_t residual;
	uint64_t bound;
};
/* False: there are no two snapshots, or not every event of them was analysed. */
bool page_lists_balance(const struct pages *p, size_t zone, struct page_balance *ret);

/*
 * The kernel's fragmentation index of a zone for @order, in thousandths: -1000 where a request would be
 * served; towards 0 a failure would be for lack of memory, towards 1000 for fragmentation.
 * mm/vmstat.c, __fragmentation_index().
 */
int page_lists_fragmentation(const struct free_lists *l, int node, const char *zone,
			     unsigned int order);

#endif
