// SPDX-License-Identifier: GPL-2.0
/* kmscope slab: what rounding to size classes wastes, by call site, size class and cache. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/advice.h"
#include "analyze/analyzer.h"
#include "analyze/rows.h"
#include "base/vec.h"

#define SLAB_SITE_COLUMNS                                                                         \
	{ "allocs", "ALLOCS", CELL_COUNT, 0, 0 }, { "frees", "FREES", CELL_COUNT, 0, 5 },         \
		{ "failed", "FAILED", CELL_COUNT, COLUMN_IF_SET, 0 },                             \
		{ "bytes_req", "REQUESTED", CELL_BYTES, 0, 7 },                                   \
		{ "bytes_alloc", "GIVEN", CELL_BYTES, 0, 8 },                                     \
		{ "waste", "WASTE", CELL_BYTES, 0, 0 }, { "waste_pct", "%", CELL_PERCENT, 0, 1 }, \
		{ "live_objects", "LIVE", CELL_COUNT, 0, 2 },                                     \
		{ "live_bytes", "LIVE BYTES", CELL_BYTES, 0, 3 },                                 \
		{ "live_waste", "LIVE WASTE", CELL_BYTES, 0, 6 },                                 \
		{ "peak_live_bytes", "PEAK", CELL_BYTES, 0, 9 },                                  \
		{ "typical_req", "TYPICAL", CELL_BYTES, 0, 4 },                                   \
		{ "error_pct", "±", CELL_PERCENT, COLUMN_IF_SET, 0 },                             \
		{ "advice", "advice", CELL_TEXT, COLUMN_SUBLINE, 0 },                             \
	{                                                                                         \
		"stacks", "STACKS", CELL_STACKS, COLUMN_SUBLINE, 0                                \
	}

static const struct column site_columns[] = { ROW_NAME_COLUMNS, SLAB_SITE_COLUMNS };
static const struct column group_columns[] = { ROW_GROUP_COLUMNS, SLAB_SITE_COLUMNS };

static const struct column class_columns[] = {
	{ "bytes_alloc", "CLASS (B)", CELL_ID, 0, 0 },
	{ "page_backed", "PAGES", CELL_BOOL, COLUMN_JSON_ONLY, 0 },
	{ "allocs", "ALLOCS", CELL_COUNT, 0, 0 },
	{ "frees", "FREES", CELL_COUNT, 0, 2 },
	{ "bytes_req", "REQUESTED", CELL_BYTES, 0, 3 },
	{ "waste", "WASTE", CELL_BYTES, 0, 0 },
	{ "live_objects", "LIVE", CELL_COUNT, 0, 0 },
};

static const struct column cache_columns[] = {
	{ "cache", "CACHE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "object_size", "OBJECT", CELL_BYTES, 0, 2 },
	{ "slab_size", "SLOT", CELL_BYTES, 0, 3 },
	{ "page_backed", "PAGES", CELL_BOOL, COLUMN_JSON_ONLY, 0 },
	{ "allocs", "ALLOCS", CELL_COUNT, 0, 0 },
	{ "frees", "FREES", CELL_COUNT, 0, 4 },
	{ "waste", "WASTE", CELL_BYTES, 0, 1 },
	{ "live_objects", "LIVE", CELL_COUNT, 0, 0 },
	{ "live_bytes", "LIVE BYTES", CELL_BYTES, 0, 0 },
};

static const struct column total_columns[] = {
	{ "allocs", "ALLOCS", CELL_COUNT, 0, 0 },
	{ "frees", "FREES", CELL_COUNT, 0, 0 },
	{ "failed", "FAILED", CELL_COUNT, COLUMN_IF_SET, 0 },
	{ "bytes_req", "REQUESTED", CELL_BYTES, 0, 0 },
	{ "bytes_alloc", "GIVEN", CELL_BYTES, 0, 0 },
	{ "waste", "WASTE", CELL_BYTES, 0, 0 },
	{ "live_objects", "LIVE", CELL_COUNT, 0, 0 },
	{ "live_bytes", "LIVE BYTES", CELL_BYTES, 0, 0 },
};

/* Sums of what one line of a table stands for. */
struct slab_line {
	struct ledger_sums sums;
	bool unknown; /* some of it has a cache whose sizes are not known */
	const struct ledger_group *typical; /* the most frequent requested size */
	const struct ledger_group *wasting; /* the group that wastes most of what is live */
	uint64_t wasting_live;
	uint64_t implied; /* frees that were not seen */
};

static struct analyzer *slab_create(const struct analyzer_options *o)
{
	return ledger_analyzer_create(&slab_analyzer, o);
}

static void line_add(const struct ledger *l, struct slab_line *line, const struct ledger_group *g)
{
	uint64_t live_waste = line->sums.live_bytes - line->sums.live_req;

	if (!ledger_group_sums(l, g, &line->sums))
		line->unknown = true;
	line->implied += g->implied;
	live_waste = line->sums.live_bytes - line->sums.live_req - live_waste;
	if (g->requested != LEDGER_MIXED_SIZES &&
	    (!line->typical || g->allocs > line->typical->allocs))
		line->typical = g;
	if (live_waste > line->wasting_live) {
		line->wasting = g;
		line->wasting_live = live_waste;
	}
}

static uint32_t group_requested(const struct ledger *l, const struct ledger_group *g)
{
	const struct ledger_cache *c = &l->caches.items[g->cache];

	return c->one_size ? c->object_size : g->requested;
}

static void set_advice(const struct ledger_analyzer *s, const struct slab_line *line,
		       struct report *r, struct table *t, size_t at)
{
	const struct ledger *l = &s->ledger;
	const struct ledger_group *g = line->wasting;
	uint64_t saving;
	char text[200];

	if (ledger_frees_unseen(line->sums.frees, line->implied)) {
		/* what was freed unseen only looks as if it were still there */
		report_set_text(
			r, t, at, "advice",
			"most frees here fire no event (kfree_rcu, bulk): LIVE is too high");
		return;
	}
	if (!g || g->requested == LEDGER_MIXED_SIZES || !l->caches.items[g->cache].kmalloc)
		return;
	if (advice_for(&(struct advice_case){ .requested = g->requested,
					      .given = l->caches.items[g->cache].slab_size,
					      .live = rows_scale(l, g->live),
					      .page_backed = l->caches.items[g->cache].page_backed,
					      .page_size = l->stream.start.page_size,
					      .smallest_class = 8 },
		       text, sizeof(text), &saving))
		report_set_text(r, t, at, "advice", text);
}

static void set_line(const struct ledger_analyzer *s, const struct ledger_row *row,
		     const struct slab_line *line, struct report *r, struct table *t, size_t at)
{
	const struct ledger *l = &s->ledger;
	const struct ledger_sums *m = &line->sums;
	double error;

	rows_set_name(l, row, r, t, at);
	report_set_u64(r, t, at, "allocs", rows_scale(l, m->allocs));
	report_set_u64(r, t, at, "frees", rows_scale(l, m->frees));
	report_set_u64(r, t, at, "failed", rows_scale(l, m->failed));
	report_set_u64(r, t, at, "live_objects", rows_scale(l, m->live));
	if (rows_error_pct(l, m->allocs, &error))
		report_set_real(r, t, at, "error_pct", error);
	if (line->unknown)
		return;
	report_set_u64(r, t, at, "bytes_req", rows_scale(l, m->bytes_req));
	report_set_u64(r, t, at, "bytes_alloc", rows_scale(l, m->bytes_alloc));
	report_set_u64(r, t, at, "waste", rows_scale(l, m->bytes_alloc - m->bytes_req));
	if (m->bytes_alloc)
		report_set_real(r, t, at, "waste_pct",
				100.0 * (double)(m->bytes_alloc - m->bytes_req) /
					(double)m->bytes_alloc);
	report_set_u64(r, t, at, "live_bytes", rows_scale(l, m->live_bytes));
	report_set_u64(r, t, at, "live_waste", rows_scale(l, m->live_bytes - m->live_req));
	report_set_u64(r, t, at, "peak_live_bytes", rows_scale(l, row->peak_bytes));
	if (line->typical && line->typical->allocs)
		report_set_u64(r, t, at, "typical_req", group_requested(l, line->typical));
	set_advice(s, line, r, t, at);
}

static int report_sites(const struct ledger_analyzer *s, struct report *r)
{
	static const char *const titles[] = {
		[LEDGER_BY_SITE] = "Rounding waste by call site",
		[LEDGER_BY_CACHE] = "Rounding waste by cache",
		[LEDGER_BY_COMM] = "Rounding waste by process name",
		[LEDGER_BY_PID] = "Rounding waste by process",
		[LEDGER_BY_CGROUP] = "Rounding waste by cgroup",
	};
	const struct ledger *l = &s->ledger;
	_cleanup_free_ struct slab_line *lines = calloc(l->rows.n + 1, sizeof(*lines));
	_cleanup_(rows_shares_free) struct rows_shares *shares = NULL;
	bool by_site = l->by == LEDGER_BY_SITE;
	const struct ledger_group *g;
	struct table *t;
	size_t i;
	int err = 0;

	if (s->options.stacks)
		shares = rows_shares_new(l, 0);
	if (!lines || (s->options.stacks && !shares))
		return -ENOMEM;
	vec_for_each(&l->groups, g)
		line_add(l, &lines[g->row], g);
	t = report_add_table(r, "sites", titles[l->by], by_site ? site_columns : group_columns,
			     by_site ? ARRAY_SIZE(site_columns) : ARRAY_SIZE(group_columns));
	for (i = 0; t && i < l->rows.n; i++) {
		size_t at;

		if (!lines[i].sums.allocs && !lines[i].sums.failed)
			continue; /* an event that was told twice */
		at = report_add_row(r, t);
		set_line(s, &l->rows.items[i], &lines[i], r, t, at);
		if (shares && at != SIZE_MAX)
			rows_add_shares(shares, l, (uint32_t)i, rows_scale(l, lines[i].sums.allocs),
					rows_scale(l, lines[i].sums.bytes_alloc), r, t, at);
	}
	if (t) {
		t->empty = "no slab allocations were seen";
		report_table_sort(t, "allocs");
		report_table_sort(t, "waste");
		report_table_truncate(t, s->options.top);
	}
	return err;
}

struct slab_class {
	uint32_t size;
	bool page_backed;
	struct ledger_sums sums;
};

static int class_compare(const void *a, const void *b)
{
	const struct slab_class *x = a, *y = b;

	return CMP(x->size, y->size);
}

/* Size classes, also those of named caches, so that the sums agree. */
static int report_classes(const struct ledger_analyzer *s, struct report *r)
{
	const struct ledger *l = &s->ledger;
	_cleanup_free_ struct slab_class *classes = calloc(l->caches.n + 1, sizeof(*classes));
	struct u64map index = { 0 };
	const struct ledger_group *g;
	struct table *t;
	size_t n = 0, i;

	if (!classes)
		return -ENOMEM;
	vec_for_each(&l->groups, g) {
		const struct ledger_cache *c = &l->caches.items[g->cache];
		uint32_t found = u64map_get(&index, c->slab_size);

		if (!c->known || !g->allocs)
			continue;
		if (found == U64MAP_NONE) {
			found = (uint32_t)n;
			if (u64map_set(&index, c->slab_size, found))
				break;
			classes[n++].size = c->slab_size;
		}
		classes[found].page_backed |= c->page_backed;
		ledger_group_sums(l, g, &classes[found].sums);
	}
	u64map_free(&index);
	qsort(classes, n, sizeof(*classes), class_compare);
	t = report_add_table(r, "classes", "By size class", class_columns,
			     ARRAY_SIZE(class_columns));
	for (i = 0; t && i < n; i++) {
		const struct ledger_sums *m = &classes[i].sums;
		size_t at = report_add_row(r, t);

		report_set_u64(r, t, at, "bytes_alloc", classes[i].size);
		report_set_u64(r, t, at, "page_backed", classes[i].page_backed);
		report_set_u64(r, t, at, "allocs", rows_scale(l, m->allocs));
		report_set_u64(r, t, at, "frees", rows_scale(l, m->frees));
		report_set_u64(r, t, at, "bytes_req", rows_scale(l, m->bytes_req));
		report_set_u64(r, t, at, "waste", rows_scale(l, m->bytes_alloc - m->bytes_req));
		report_set_u64(r, t, at, "live_objects", rows_scale(l, m->live));
	}
	if (t) {
		report_table_sort(t, "allocs");
		report_table_sort(t, "waste");
		report_table_truncate(t, s->options.top);
	}
	return 0;
}

static int report_caches(const struct ledger_analyzer *s, struct report *r)
{
	const struct ledger *l = &s->ledger;
	_cleanup_free_ struct ledger_sums *sums = calloc(l->caches.n + 1, sizeof(*sums));
	const struct ledger_group *g;
	struct table *t;
	size_t i;

	if (!sums)
		return -ENOMEM;
	vec_for_each(&l->groups, g)
		ledger_group_sums(l, g, &sums[g->cache]);
	t = report_add_table(r, "caches", "By cache", cache_columns, ARRAY_SIZE(cache_columns));
	for (i = 0; t && i < l->caches.n; i++) {
		const struct ledger_cache *c = &l->caches.items[i];
		size_t at;

		if (!sums[i].allocs)
			continue;
		at = report_add_row(r, t);
		report_set_text(r, t, at, "cache", c->name[0] ? c->name : NULL);
		report_set_u64(r, t, at, "page_backed", c->page_backed);
		report_set_u64(r, t, at, "allocs", rows_scale(l, sums[i].allocs));
		report_set_u64(r, t, at, "frees", rows_scale(l, sums[i].frees));
		report_set_u64(r, t, at, "live_objects", rows_scale(l, sums[i].live));
		if (!c->known)
			continue;
		report_set_u64(r, t, at, "object_size", c->object_size);
		report_set_u64(r, t, at, "slab_size", c->slab_size);
		report_set_u64(r, t, at, "waste",
			       rows_scale(l, sums[i].bytes_alloc - sums[i].bytes_req));
		report_set_u64(r, t, at, "live_bytes", rows_scale(l, sums[i].live_bytes));
	}
	if (t) {
		report_table_sort(t, "allocs");
		report_table_truncate(t, s->options.top);
	}
	return 0;
}

/* Of everything, however few rows the other tables show. */
static void report_totals(const struct ledger_analyzer *s, struct report *r)
{
	const struct ledger *l = &s->ledger;
	struct table *t =
		report_add_table(r, "totals", "In all", total_columns, ARRAY_SIZE(total_columns));
	size_t at = report_add_row(r, t);
	struct ledger_sums m = { 0 };
	const struct ledger_group *g;

	vec_for_each(&l->groups, g)
		ledger_group_sums(l, g, &m);
	report_set_u64(r, t, at, "allocs", rows_scale(l, m.allocs));
	report_set_u64(r, t, at, "frees", rows_scale(l, m.frees));
	report_set_u64(r, t, at, "failed", rows_scale(l, m.failed));
	report_set_u64(r, t, at, "bytes_req", rows_scale(l, m.bytes_req));
	report_set_u64(r, t, at, "bytes_alloc", rows_scale(l, m.bytes_alloc));
	report_set_u64(r, t, at, "waste", rows_scale(l, m.bytes_alloc - m.bytes_req));
	report_set_u64(r, t, at, "live_objects", rows_scale(l, m.live));
	report_set_u64(r, t, at, "live_bytes", rows_scale(l, m.live_bytes));
	if (t)
		t->rows_total = t->n_rows;
}

static int slab_report(struct analyzer *a, struct report *r)
{
	struct ledger_analyzer *s = (struct ledger_analyzer *)a;
	int err;

	err = stream_describe(&s->ledger.stream, r);
	if (!err) {
		report_totals(s, r);
		err = report_sites(s, r);
	}
	if (!err)
		err = report_classes(s, r);
	if (!err)
		err = report_caches(s, r);
	return err ? err : r->oom ? -ENOMEM : 0;
}

const struct analyzer_ops slab_analyzer = {
	.name = "slab",
	.create = slab_create,
	.consume = ledger_analyzer_consume,
	.report = slab_report,
	.each_live = ledger_analyzer_each_live,
	.free = ledger_analyzer_free,
};
