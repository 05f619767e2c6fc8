// SPDX-License-Identifier: GPL-2.0
/* kmscope buddy: what /proc said of zones and free lists, and what was inferred of free blocks. */
#include <string.h>

#include "analyze/buddy.h"
#include "analyze/page_lists.h"

#define MAP_CELLS   2048 /* at most, over all zones */
#define MAP_COLUMNS 64

static const struct column free_columns[] = {
	{ "node", "NODE", CELL_ID, 0, 2 },
	{ "zone", "ZONE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "order", "ORDER", CELL_ID, 0, 0 },
	{ "free_start", "START", CELL_COUNT, 0, 0 },
	{ "free_end", "END", CELL_COUNT, 0, 0 },
	{ "change", "CHANGE", CELL_CHANGE, 0, 0 },
	{ "fragmentation_index", "INDEX", CELL_FRACTION, COLUMN_IF_SET, 1 },
};

static const struct column zone_columns[] = {
	{ "node", "NODE", CELL_ID, 0, 2 },
	{ "zone", "ZONE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "pages", "PAGES", CELL_COUNT, 0, 0 },
	{ "free_pages", "FREE", CELL_COUNT, 0, 0 },
	{ "percpu_pages", "PER-CPU", CELL_COUNT, 0, 1 },
	{ "free_change", "CHANGE", CELL_CHANGE, 0, 0 },
	{ "fragmentation_index", "INDEX", CELL_FRACTION, COLUMN_IF_SET, 0 },
	{ "fragmentation_order", "OF ORDER", CELL_ID, COLUMN_IF_SET, 3 },
};

static const struct column balance_columns[] = {
	{ "node", "NODE", CELL_ID, 0, 2 },
	{ "zone", "ZONE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "free_change", "FREE", CELL_CHANGE, 0, 0 },
	{ "percpu_change", "PER-CPU", CELL_CHANGE, 0, 0 },
	{ "allocated", "ALLOCATED", CELL_COUNT, 0, 0 },
	{ "freed", "FREED", CELL_COUNT, 0, 0 },
	{ "residual", "RESIDUAL", CELL_CHANGE, 0, 0 },
	{ "bound", "± BOUND", CELL_COUNT, 0, 0 },
};

static const struct column block_columns[] = {
	{ "order", "ORDER", CELL_ID, 0, 0 },
	{ "splits", "SPLITS", CELL_COUNT, 0, 0 },
	{ "merges", "MERGES", CELL_COUNT, 0, 0 },
	{ "model_blocks", "FREE BLOCKS BY MODEL", CELL_COUNT, 0, 0 },
	{ "kernel_blocks", "BY KERNEL", CELL_COUNT, 0, 0 },
	{ "inferred", "", CELL_BOOL, COLUMN_JSON_ONLY, 0 },
};

static void set_zone(struct report *r, struct table *t, size_t at, const struct zone *z)
{
	report_set_u64(r, t, at, "node", (uint64_t)z->node);
	report_set_text(r, t, at, "zone", z->name);
}

/* The order whose fragmentation is told for a zone: that of huge pages and page blocks. */
static unsigned int index_order(const struct pages *p)
{
	unsigned int order = 0;

	while (2ull << order <= p->types_start.pageblock_pages && order + 1 < BLOCKS_ORDERS)
		order++;
	return order			? order
	       : p->start.free.n_orders ? (unsigned int)p->start.free.n_orders - 1
					: 0;
}

/* People read an index only where a request would fail. */
static void set_index(const struct buddy *b, const struct zone *z, unsigned int order,
		      struct report *r, struct table *t, size_t at)
{
	int index = page_lists_fragmentation(&b->pages.newest.free, z->node, z->name, order);

	if (index < 0 && !b->options.all)
		return;
	report_set_real(r, t, at, "fragmentation_index", index / 1000.0);
	if (!strcmp(t->name, "zones"))
		report_set_u64(r, t, at, "fragmentation_order", order);
}

static void report_zones(const struct buddy *b, struct report *r)
{
	const struct pages *p = &b->pages;
	struct table *t =
		report_add_table(r, "zones", "Zones", zone_columns, ARRAY_SIZE(zone_columns));
	size_t i;

	for (i = 0; i < p->newest.zones.n; i++) {
		const struct zone *z = &p->newest.zones.items[i];
		const struct zone *was = zones_named(&p->start.zones, z->node, z->name);
		size_t at;

		if (!z->managed)
			continue;
		at = report_add_row(r, t);
		set_zone(r, t, at, z);
		report_set_u64(r, t, at, "pages", z->managed);
		report_set_u64(r, t, at, "free_pages", page_lists_free_pages(&p->newest.free, z));
		report_set_u64(r, t, at, "percpu_pages", z->percpu);
		if (was)
			report_set_i64(r, t, at, "free_change",
				       (int64_t)(page_lists_free_pages(&p->newest.free, z) -
						 page_lists_free_pages(&p->start.free, z)));
		set_index(b, z, index_order(p), r, t, at);
	}
	if (t)
		t->rows_total = t->n_rows;
}

static bool zone_changed(const struct pages *p, const struct zone *z)
{
	size_t order;

	for (order = 0; order < p->newest.free.n_orders; order++)
		if (free_lists_blocks(&p->start.free, z->node, z->name, order) !=
		    free_lists_blocks(&p->newest.free, z->node, z->name, order))
			return true;
	return false;
}

static void report_free_blocks(const struct buddy *b, struct report *r)
{
	const struct pages *p = &b->pages;
	struct table *t = report_add_table(r, "free", "Free blocks by order", free_columns,
					   ARRAY_SIZE(free_columns));
	size_t i, order;

	for (i = 0; i < p->newest.zones.n; i++) {
		const struct zone *z = &p->newest.zones.items[i];

		/* people see what moves */
		if (!z->managed || (!b->options.all && !zone_changed(p, z)))
			continue;
		for (order = 0; order < p->newest.free.n_orders; order++) {
			uint64_t was = free_lists_blocks(&p->start.free, z->node, z->name, order);
			uint64_t is = free_lists_blocks(&p->newest.free, z->node, z->name, order);
			size_t at = report_add_row(r, t);

			set_zone(r, t, at, z);
			report_set_u64(r, t, at, "order", order);
			report_set_u64(r, t, at, "free_start", was);
			report_set_u64(r, t, at, "free_end", is);
			report_set_i64(r, t, at, "change", (int64_t)(is - was));
			set_index(b, z, (unsigned int)order, r, t, at);
		}
	}
	if (t) {
		t->rows_total = t->n_rows;
		t->empty = "as at the start in every zone";
	}
}

/*
 * What no event explains, beyond what the files can't tell exactly. Where bulk allocations are not
 * hooked, what is missing from the free pages is taken for theirs. If compaction ran, that is no
 * evidence of anything: it frees each page that it moves with an event, and takes the new place without
 * one (mm/compaction.c, compaction_alloc()).
 */
static void add_unexplained(const struct pages *p, const struct page_balance *b, uint64_t room,
			    struct quality *q)
{
	uint64_t off = (uint64_t)(b->residual < 0 ? -b->residual : b->residual);

	if (off <= room || (b->residual < 0 && p->compaction.begun))
		return;
	if (b->residual < 0 && !p->stream.start.bulk_hooked)
		q->bulk_pages += off - room;
	else
		q->pages_unexplained += off - room;
}

/* How far off a zone's balance can be with nothing unknown: what was lost or missed may be of any zone. */
static uint64_t balance_room(const struct pages *p, const struct page_balance *b,
			     const struct quality *q)
{
	uint64_t room = b->bound + q->lost;

	if (q->recursion_misses != QUALITY_UNKNOWN)
		room += q->recursion_misses;
	if (p->stream.start.bulk_hooked)
		room += p->bulk_pages;
	return room;
}

static void report_balance(const struct buddy *b, struct report *r)
{
	const struct pages *p = &b->pages;
	struct table *t;
	struct page_balance sum;
	uint64_t room;
	size_t i, at;

	/* a selection or sampling leaves events out */
	if (p->stream.start.selected || p->stream.start.sample > 1)
		return;
	t = report_add_table(r, "balance", "How the change of free pages adds up", balance_columns,
			     ARRAY_SIZE(balance_columns));
	r->quality.pages_unexplained = 0;
	r->quality.bulk_pages = p->bulk_pages;
	for (i = 0; i < p->zones.n; i++) {
		if (!p->zones.items[i].managed || !page_lists_balance(p, i, &sum))
			continue;
		room = balance_room(p, &sum, &r->quality);
		add_unexplained(p, &sum, room, &r->quality);
		/* people see what moves */
		if (!b->options.all && !sum.free && !sum.percpu && !sum.allocated && !sum.freed)
			continue;
		at = report_add_row(r, t);
		set_zone(r, t, at, &p->zones.items[i]);
		report_set_i64(r, t, at, "free_change", sum.free);
		report_set_i64(r, t, at, "percpu_change", sum.percpu);
		report_set_u64(r, t, at, "allocated", sum.allocated);
		report_set_u64(r, t, at, "freed", sum.freed);
		report_set_i64(r, t, at, "residual", sum.residual);
		report_set_u64(r, t, at, "bound", room);
	}
	if (t)
		t->rows_total = t->n_rows;
}

static uint64_t kernel_blocks(const struct pages *p, size_t order)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < p->newest.zones.n; i++)
		n += free_lists_blocks(&p->newest.free, p->newest.zones.items[i].node,
				       p->newest.zones.items[i].name, order);
	return n;
}

/* Free pages by which the model is off, beyond what the per-CPU lists can explain. */
static uint64_t model_off(const struct pages *p, const struct blocks_count *model)
{
	uint64_t kernel = 0, room = p->newest.in_flight, off;
	size_t i, k;

	for (i = 0; i < p->newest.zones.n; i++)
		room += p->newest.zones.items[i].percpu;
	for (k = 0; k < p->blocks.n_orders; k++)
		kernel += kernel_blocks(p, k) << k;
	off = kernel > model->free_frames ? kernel - model->free_frames
					  : model->free_frames - kernel;
	return off > room ? off - room : 0;
}

static void report_blocks(const struct pages *p, struct report *r)
{
	struct blocks_count model = p->model_end;
	struct table *t;
	size_t k;

	if (!p->frames_loaded || !p->newest.time || p->stream.start.selected ||
	    p->stream.start.sample > 1)
		return;
	if (!p->ending)
		page_lists_count_model(p, &model);
	r->quality.model_off_pages = model_off(p, &model);
	t = report_add_table(r, "blocks", "Splits and merges of free blocks (inferred)",
			     block_columns, ARRAY_SIZE(block_columns));
	for (k = 0; k < p->blocks.n_orders; k++) {
		size_t at = report_add_row(r, t);

		report_set_u64(r, t, at, "order", k);
		report_set_u64(r, t, at, "splits", p->blocks.splits[k]);
		report_set_u64(r, t, at, "merges", p->blocks.merges[k]);
		report_set_u64(r, t, at, "kernel_blocks", kernel_blocks(p, k));
		report_set_u64(r, t, at, "model_blocks", model.free[k]);
		report_set_u64(r, t, at, "inferred", true);
	}
	if (t)
		t->rows_total = t->n_rows;
}

/* --- the map ---------------------------------------------------------------------------------------- */

enum map_class { MAP_HOLE, MAP_FREE, MAP_MOVABLE, MAP_UNMOVABLE, MAP_MIXED, MAP_UNKNOWN };

static const struct grid_class map_classes[] = {
	[MAP_HOLE] = { "hole", '-', 90 },	[MAP_FREE] = { "free", '.', 32 },
	[MAP_MOVABLE] = { "movable", 'm', 34 }, [MAP_UNMOVABLE] = { "unmovable", 'U', 31 },
	[MAP_MIXED] = { "mixed", 'x', 33 },	[MAP_UNKNOWN] = { "unknown", '?', 0 },
};

/* What the frames of a cell are. Free ones don't count beside used ones: what is used decides. */
static enum map_class map_class(const struct pages *p, uint64_t pfn, uint64_t n)
{
	uint64_t kinds[BLOCK_KIND_MASK + 1] = { 0 }, end = pfn + n;

	/* where nothing is known there may be very much of it */
	while ((pfn = frames_next(&p->frames, pfn)) < end) {
		kinds[frames_state(&p->frames, pfn) & BLOCK_KIND_MASK]++;
		pfn++;
	}
	if (kinds[BLOCK_MOVABLE] && kinds[BLOCK_UNMOVABLE])
		return MAP_MIXED;
	if (kinds[BLOCK_MOVABLE])
		return MAP_MOVABLE;
	if (kinds[BLOCK_UNMOVABLE])
		return MAP_UNMOVABLE;
	if (kinds[BLOCK_FREE] || kinds[BLOCK_PERCPU])
		return MAP_FREE;
	return kinds[BLOCK_HOLE] ? MAP_HOLE : MAP_UNKNOWN;
}

static void map_zone(const struct pages *p, const struct zone *z, uint64_t cell, struct report *r,
		     struct grid *g)
{
	uint64_t base = z->start_pfn & ~(cell - 1), end = z->start_pfn + z->spanned, pfn = base;

	while ((pfn = frames_next(&p->frames, pfn)) < end) {
		uint8_t cells[MAP_COLUMNS];
		bool any = false;
		uint64_t first;
		size_t n = 0;

		/* a line begins at a multiple of its length from the zone's beginning */
		pfn -= (pfn - base) % (cell * MAP_COLUMNS);
		first = pfn;
		for (; n < MAP_COLUMNS && pfn < end; n++, pfn += cell) {
			cells[n] = (uint8_t)map_class(p, pfn, cell);
			any |= cells[n] != MAP_HOLE && cells[n] != MAP_UNKNOWN;
		}
		/* a line without memory says nothing */
		if (any)
			report_add_grid_row(r, g, NULL, first * p->stream.start.page_size, cells,
					    n);
	}
}

/* Frames of a page block, a power of two; 1 where the kernel does not say. */
static uint64_t block_frames(const struct pages *p)
{
	uint64_t n = p->types_start.pageblock_pages;

	return n && n <= 1u << BLOCKS_ORDERS && !(n & (n - 1)) ? n : 1;
}

static void report_map(const struct pages *p, struct report *r)
{
	uint64_t cell = block_frames(p), pages = 0;
	struct grid *g;
	size_t i;

	if (!p->frames_loaded && !p->frames_end) {
		report_add_note(r, "--map: %s",
				!p->start.time	  ? "zones are not known"
				: p->stream.ended ? "/proc/kpageflags could not be read (root, "
						    "CONFIG_PROC_PAGE_MONITOR)"
						  : "not all frames have been looked at yet");
		return;
	}
	for (i = 0; i < p->zones.n; i++)
		pages += p->zones.items[i].present;
	while (pages / cell > MAP_CELLS)
		cell *= 2;
	g = report_add_grid(r, "map", "Physical memory", cell * p->stream.start.page_size,
			    map_classes, ARRAY_SIZE(map_classes));
	for (i = 0; i < p->zones.n; i++)
		if (p->zones.items[i].present)
			map_zone(p, &p->zones.items[i], cell, r, g);
}

static void report_series(const struct pages *p, struct report *r)
{
	struct series *s;
	size_t i;

	if (p->n_series < 2)
		return;
	s = report_add_series(r, "free_pages", "Free pages", CELL_COUNT, p->series_start,
			      p->series_stride * NSEC_PER_SEC);
	for (i = 0; i < p->n_series; i++)
		report_add_value(r, s, p->series[i]);
}

void buddy_report_lists(const struct buddy *b, struct report *r)
{
	const struct pages *p = &b->pages;

	if (p->start.time && p->newest.time) {
		report_zones(b, r);
		report_free_blocks(b, r);
		report_balance(b, r);
	} else if (p->stream.ended) {
		report_add_note(r,
				"/proc/zoneinfo and /proc/buddyinfo could not be read: nothing is "
				"known of zones and free lists");
	}
	report_blocks(p, r);
	if (b->options.map && !p->frames_loaded && !p->stream.start.selected)
		report_add_note(r,
				"splits and merges are not known: the run ended before all frames "
				"were read, or /proc/kpageflags can't be read");
}

void buddy_report_state(const struct buddy *b, struct report *r)
{
	const struct pages *p = &b->pages;

	report_series(p, r);
	if (b->options.map)
		report_map(p, r);
}
