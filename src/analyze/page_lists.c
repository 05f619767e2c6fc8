// SPDX-License-Identifier: GPL-2.0
#include "analyze/page_lists.h"

#include <errno.h>
#include <string.h>

static void lists_free(struct page_lists *l)
{
	zones_free(&l->zones);
	free_lists_free(&l->free);
	free(l->sums);
	memset(l, 0, sizeof(*l));
}

void page_lists_free(struct pages *p)
{
	lists_free(&p->start);
	lists_free(&p->newest);
	zones_free(&p->zones);
	zones_free(&p->pending);
	free_lists_free(&p->types_start);
	free_lists_free(&p->types_end);
	free(p->sums);
}

uint16_t page_lists_zone(const struct pages *p, uint64_t pfn)
{
	size_t i;

	for (i = 0; i < p->zones.n && i < PAGES_NO_ZONE; i++)
		if (p->zones.items[i].spanned && pfn >= p->zones.items[i].start_pfn &&
		    pfn - p->zones.items[i].start_pfn < p->zones.items[i].spanned)
			return (uint16_t)i;
	return PAGES_NO_ZONE;
}

void page_lists_moved(struct pages *p, uint64_t time, uint16_t zone, uint64_t n, bool out)
{
	struct page_recent *recent = &p->recent[(p->n_recent - 1) & (PAGE_LISTS_RECENT - 1)];

	if (!p->n_recent || time < recent->first || time - recent->first >= PAGE_LISTS_STEP) {
		recent = &p->recent[p->n_recent++ & (PAGE_LISTS_RECENT - 1)];
		*recent = (struct page_recent){ .first = time };
	}
	recent->last = MAX(recent->last, time);
	recent->pages += n;
	if (!p->sums || zone == PAGES_NO_ZONE)
		return;
	if (out)
		p->sums[zone].allocated += n;
	else
		p->sums[zone].freed += n;
}

/* Pages that events moved since @before, and up to PAGE_LISTS_STEP before it. */
static uint64_t moved_since(const struct pages *p, uint64_t before)
{
	size_t i, n = MIN(p->n_recent, (size_t)PAGE_LISTS_RECENT);
	uint64_t pages = 0;

	for (i = 0; i < n; i++)
		if (p->recent[i].last >= before)
			pages += p->recent[i].pages;
	return pages;
}

static bool parsed(int err, struct pages *p)
{
	if (err == -ENOMEM) /* what can't be understood is left out */
		p->stream.oom = true;
	return !err;
}

static void enter_zoneinfo(struct pages *p, const struct event_snapshot *e)
{
	zones_free(&p->pending);
	if (!parsed(zones_parse((const char *)e->data, &p->pending, NULL), p))
		return;
	p->pending_before = e->before;
	if (p->zones.n)
		return;
	/* the first one: zones keep these places */
	if (!parsed(zones_parse((const char *)e->data, &p->zones, NULL), p))
		return;
	p->sums = calloc(p->zones.n + 1, sizeof(*p->sums));
	if (!p->sums)
		p->stream.oom = true;
}

/* A look each second goes into the series; one in between, as the last one is, does not. */
static void enter_series(struct pages *p, const struct page_lists *l)
{
	uint64_t free = 0;
	size_t i;

	for (i = 0; i < l->zones.n; i++)
		free += l->zones.items[i].free;
	if (!p->series_seen)
		p->series_start = l->time;
	if (l->time + NSEC_PER_SEC / 2 < p->series_start + p->series_seen * NSEC_PER_SEC)
		return;
	if (p->series_seen++ % p->series_stride)
		return;
	if (p->n_series == PAGES_SERIES) {
		for (i = 0; i < PAGES_SERIES / 2; i++)
			p->series[i] = p->series[2 * i];
		p->n_series /= 2;
		p->series_stride *= 2;
	}
	p->series[p->n_series++] = free;
}

/* With the zoneinfo before it this is a look at all lists. */
static void enter_buddyinfo(struct pages *p, const struct event_snapshot *e)
{
	struct page_lists now = { .before = p->pending_before, .time = e->h.time };

	if (!p->pending.n || !p->sums ||
	    !parsed(buddyinfo_parse((const char *)e->data, &now.free, NULL), p))
		return;
	now.sums = calloc(p->zones.n + 1, sizeof(*now.sums));
	if (!now.sums) {
		p->stream.oom = true;
		free_lists_free(&now.free);
		return;
	}
	now.n_sums = p->zones.n;
	memcpy(now.sums, p->sums, now.n_sums * sizeof(*now.sums));
	now.zones = p->pending;
	p->pending = (struct zones){ 0 };
	now.in_flight = moved_since(p, now.before);
	p->blocks.n_orders = (unsigned int)MIN(now.free.n_orders, (size_t)BLOCKS_ORDERS);
	enter_series(p, &now);
	if (!p->start.time) {
		p->start = now;
		return;
	}
	lists_free(&p->newest);
	p->newest = now;
}

void page_lists_count_model(const struct pages *p, struct blocks_count *ret)
{
	size_t i, k;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < p->zones.n; i++) {
		const struct zone *z = &p->zones.items[i];
		struct blocks_count here;

		blocks_count(&p->blocks, z->start_pfn, z->start_pfn + z->spanned, &here);
		for (k = 0; k < BLOCKS_ORDERS; k++)
			ret->free[k] += here.free[k];
		ret->free_frames += here.free_frames;
		ret->percpu_frames += here.percpu_frames;
		ret->unknown_frames += here.unknown_frames;
	}
}

static void enter_pagetypeinfo(struct pages *p, const struct event_snapshot *e)
{
	bool end =
		p->start.time; /* read before the first look at the lists, and after the last one */
	struct free_lists *to = end ? &p->types_end : &p->types_start;

	if (end && !p->ending) {
		p->ending = true;
		page_lists_count_model(p, &p->model_end);
	}
	free_lists_free(to);
	parsed(pagetypeinfo_parse((const char *)e->data, to, NULL), p);
}

static void enter_frames(struct pages *p, const struct event_snapshot *e)
{
	blocks_load(&p->blocks, e->first, (const void *)e->data, e->size / sizeof(uint64_t));
	if (!e->last)
		return;
	if (p->ending)
		p->frames_end = true;
	else
		p->frames_loaded = true;
}

void page_lists_snapshot(struct pages *p, const struct event_snapshot *e)
{
	switch ((enum snapshot_file)e->h.flags) {
	case SNAPSHOT_ZONEINFO:
		enter_zoneinfo(p, e);
		break;
	case SNAPSHOT_BUDDYINFO:
		enter_buddyinfo(p, e);
		break;
	case SNAPSHOT_PAGETYPEINFO:
		enter_pagetypeinfo(p, e);
		break;
	case SNAPSHOT_GFP:
		free(p->gfp);
		p->gfp = strdup((const char *)e->data);
		if (!p->gfp)
			p->stream.oom = true;
		break;
	case SNAPSHOT_FRAMES:
		enter_frames(p, e);
		break;
	default: /* not of pages */
		break;
	}
}

uint64_t page_lists_free_pages(const struct free_lists *l, const struct zone *z)
{
	uint64_t n = 0;
	size_t order;

	for (order = 0; order < l->n_orders; order++)
		n += free_lists_blocks(l, z->node, z->name, order) << order;
	return n;
}

bool page_lists_balance(const struct pages *p, size_t zone, struct page_balance *ret)
{
	const struct page_lists *a = &p->start, *b = &p->newest;
	const struct zone *z = &p->zones.items[zone], *was, *is;

	if (!a->time || !b->time || p->stream.start.selected || p->stream.start.sample > 1)
		return false;
	was = zones_named(&a->zones, z->node, z->name);
	is = zones_named(&b->zones, z->node, z->name);
	if (!was || !is || zone >= a->n_sums || zone >= b->n_sums)
		return false;
	*ret = (struct page_balance){
		.free = (int64_t)(page_lists_free_pages(&b->free, z) -
				  page_lists_free_pages(&a->free, z)),
		.percpu = (int64_t)(is->percpu - was->percpu),
		.allocated = b->sums[zone].allocated - a->sums[zone].allocated,
		.freed = b->sums[zone].freed - a->sums[zone].freed,
		.bound = a->in_flight + b->in_flight +
			 2ull * PAGE_LISTS_BATCH * p->stream.start.n_cpus,
	};
	/* hotplug and deferred initialisation add pages that nobody frees, balloons take some away */
	ret->bound += is->managed > was->managed ? is->managed - was->managed
						 : was->managed - is->managed;
	ret->residual = ret->free + ret->percpu + (int64_t)(ret->allocated - ret->freed);
	return true;
}

int page_lists_fragmentation(const struct free_lists *l, int node, const char *zone,
			     unsigned int order)
{
	uint64_t blocks = 0, pages = 0, suitable = 0, requested = 1ull << order;
	unsigned int k;

	for (k = 0; k < l->n_orders; k++) {
		uint64_t n = free_lists_blocks(l, node, zone, k);

		blocks += n;
		pages += n << k;
		if (k >= order)
			suitable += n << (k - order);
	}
	if (!blocks)
		return 0;
	if (suitable)
		return -1000;
	return (int)(1000 - (int64_t)((1000 + pages * 1000 / requested) / blocks));
}
