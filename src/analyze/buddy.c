// SPDX-License-Identifier: GPL-2.0
/* kmscope buddy: orders, who uses them, and who falls back. */
#include "analyze/buddy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/page_lists.h"
#include "base/digits.h"
#include "base/vec.h"
#include "probe/format.h"

#define CHAINS_MAX  8 /* call chains of a user or a fallback */
#define CHAINS_TEXT 2 /* … for people, */
#define ROWS_TEXT   3 /* who see those of the first rows */

static const struct column order_columns[] = {
	{ "order", "ORDER", CELL_ID, 0, 0 },
	{ "migratetype", "TYPE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "zone", "ZONE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "node", "NODE", CELL_ID, 0, 2 },
	{ "allocs", "ALLOCS", CELL_COUNT, 0, 0 },
	{ "frees", "FREES", CELL_COUNT, 0, 0 },
	{ "pieces", "PIECES", CELL_COUNT, COLUMN_IF_SET, 3 },
	{ "split_blocks", "SPLIT", CELL_COUNT, COLUMN_IF_SET | COLUMN_JSON_ONLY, 0 },
	{ "implied", "IMPLIED", CELL_COUNT, COLUMN_IF_SET, 4 },
	{ "failed", "FAILED", CELL_COUNT, COLUMN_IF_SET, 0 },
	{ "live_blocks", "LIVE", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
	{ "live_pages", "LIVE PAGES", CELL_COUNT, 0, 0 },
	{ "live_bytes", "LIVE", CELL_BYTES, 0, 1 },
};

static const struct column user_columns[] = {
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "order", "ORDER", CELL_ID, 0, 0 },
	{ "migratetype", "TYPE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "allocs", "ALLOCS", CELL_COUNT, 0, 0 },
	{ "pages", "PAGES", CELL_COUNT, 0, 3 },
	{ "frees", "FREES", CELL_COUNT, 0, 2 },
	{ "failed", "FAILED", CELL_COUNT, COLUMN_IF_SET, 0 },
	{ "live_pages", "LIVE PAGES", CELL_COUNT, 0, 0 },
	{ "live_bytes", "LIVE", CELL_BYTES, 0, 1 },
	{ "gfp", "GFP", CELL_TEXT, COLUMN_LEFT | COLUMN_SUBLINE, 0 },
	{ "gfp_value", "", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "stacks", "STACKS", CELL_STACKS, COLUMN_SUBLINE, 0 },
};

static const struct column fallback_columns[] = {
	{ "alloc_order", "ORDER", CELL_ID, 0, 0 },
	{ "alloc_migratetype", "WANTED", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "fallback_order", "FROM ORDER", CELL_ID, 0, 0 },
	{ "fallback_migratetype", "TAKEN FROM", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "count", "COUNT", CELL_COUNT, 0, 0 },
	{ "claimed", "CLAIMED", CELL_COUNT, 0, 1 },
	{ "stacks", "STACKS", CELL_STACKS, COLUMN_SUBLINE, 0 },
};

static const struct column work_columns[] = {
	{ "work", "WORK", CELL_TEXT, COLUMN_LEFT, 0 }, { "count", "COUNT", CELL_COUNT, 0, 0 },
	{ "total_ns", "TIME", CELL_NS, 0, 0 },	       { "max_ns", "LONGEST", CELL_NS, 0, 0 },
	{ "pages", "PAGES", CELL_COUNT, 0, 0 },
};

static struct analyzer *buddy_create(const struct analyzer_options *o)
{
	struct buddy *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->analyzer.ops = &buddy_analyzer;
	b->options = *o;
	if (pages_init(&b->pages)) {
		free(b);
		return NULL;
	}
	return &b->analyzer;
}

static void buddy_free(struct analyzer *a)
{
	pages_free(&((struct buddy *)a)->pages);
	free(a);
}

static void buddy_consume(struct analyzer *a, const struct event_header *const *records, size_t n)
{
	pages_consume(&((struct buddy *)a)->pages, records, n);
}

static void buddy_each_live(const struct analyzer *a, void (*visit)(void *ctx, uint64_t pfn),
			    void *ctx)
{
	pages_each_live(&((const struct buddy *)a)->pages, visit, ctx);
}

const char *buddy_type_name(const struct pages *p, unsigned int type, char buf[32])
{
	if (type < p->types_start.n_migratetypes)
		snprintf(buf, 32, "%s", p->types_start.migratetypes[type]);
	else
		snprintf(buf, 32, "type %u", type);
	return buf;
}

/* What one event stands for. */
static uint64_t scale(const struct pages *p)
{
	return MAX(p->stream.start.sample, 1u);
}

static uint64_t bytes_of(const struct pages *p, uint64_t n)
{
	return n * p->stream.start.page_size;
}

/* --- orders ----------------------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b)
{
	const struct page_row *x = *(const struct page_row *const *)a;
	const struct page_row *y = *(const struct page_row *const *)b;

	if (x->order != y->order)
		return CMP(x->order, y->order);
	if (x->migratetype != y->migratetype)
		return CMP(x->migratetype, y->migratetype);
	return CMP(x->zone, y->zone);
}

static void set_order(const struct buddy *b, const struct page_row *row, struct report *r,
		      struct table *t)
{
	const struct pages *p = &b->pages;
	size_t at = report_add_row(r, t);
	uint64_t each = scale(p);
	char buf[32];

	report_set_u64(r, t, at, "order", row->order);
	if (row->migratetype != PAGES_NO_TYPE)
		report_set_text(r, t, at, "migratetype", buddy_type_name(p, row->migratetype, buf));
	else if (!b->options.all)
		report_set_text(r, t, at, "migratetype", "(before start)");
	if (row->zone != PAGES_NO_ZONE) {
		report_set_text(r, t, at, "zone", p->zones.items[row->zone].name);
		report_set_u64(r, t, at, "node", (uint64_t)p->zones.items[row->zone].node);
	}
	report_set_u64(r, t, at, "allocs", row->allocs * each);
	report_set_u64(r, t, at, "frees", row->frees * each);
	report_set_u64(r, t, at, "pieces", row->pieces * each);
	report_set_u64(r, t, at, "split_blocks", row->split_blocks * each);
	report_set_u64(r, t, at, "implied", row->implied * each);
	report_set_u64(r, t, at, "failed", row->failed * each);
	if (row->migratetype == PAGES_NO_TYPE)
		return; /* what was freed there had been allocated before */
	report_set_u64(r, t, at, "live_blocks", row->live_blocks * each);
	report_set_u64(r, t, at, "live_pages", row->live_pages * each);
	report_set_u64(r, t, at, "live_bytes", bytes_of(p, row->live_pages) * each);
}

static int report_orders(const struct buddy *b, struct report *r)
{
	const struct pages *p = &b->pages;
	struct table *t = report_add_table(r, "orders", "Blocks by order, lowest first",
					   order_columns, ARRAY_SIZE(order_columns));
	_cleanup_free_ const struct page_row **rows = calloc(MAX(p->rows.n, 1u), sizeof(*rows));
	struct histogram *h;
	size_t i;

	if (!rows)
		return -ENOMEM;
	for (i = 0; i < p->rows.n; i++)
		rows[i] = &p->rows.items[i];
	qsort(rows, p->rows.n, sizeof(const struct page_row *), compare_rows);
	for (i = 0; i < p->rows.n; i++)
		set_order(b, rows[i], r, t);
	if (t) {
		t->rows_total = t->n_rows;
		t->empty = "nothing was allocated or freed";
	}
	h = report_add_histogram(r, "orders", "Allocations by order", NULL, CELL_COUNT);
	for (i = 0; i < (p->blocks.n_orders ? p->blocks.n_orders : BLOCKS_ORDERS); i++) {
		struct histogram_bucket bucket = { .from = i, .to = i + 1 };
		const struct page_row *row;

		vec_for_each(&p->rows, row)
			if (row->order == i)
				bucket.count += row->allocs * scale(p);
		report_add_bucket(r, h, 0, NULL, bucket);
	}
	return 0;
}

static void report_lifetimes(const struct pages *p, struct report *r)
{
	struct histogram *h = report_add_histogram(r, "lifetime", "How long blocks lived, by order",
						   "order", CELL_NS);
	size_t order;

	for (order = 0; order < BLOCKS_ORDERS; order++)
		durations_report(p->lifetimes[order], scale(p), order, NULL, r, h);
}

/* --- call chains ------------------------------------------------------------------------------------ */

static int compare_samples(const void *a, const void *b)
{
	const struct page_sample *x = a, *y = b;

	if (x->owner != y->owner)
		return CMP(x->owner, y->owner);
	if (x->n != y->n)
		return CMP(y->n, x->n);
	return CMP(x->stack, y->stack);
}

/* All samples, those of one owner together. */
struct chains {
	struct page_sample *items;
	size_t n;
};

static void chains_free(struct chains *c)
{
	free(c->items);
}

static int chains_sort(const struct pages *p, struct chains *ret)
{
	ret->n = p->samples.n;
	ret->items = calloc(MAX(ret->n, 1u), sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	if (ret->n)
		memcpy(ret->items, p->samples.items, ret->n * sizeof(*ret->items));
	qsort(ret->items, ret->n, sizeof(*ret->items), compare_samples);
	return 0;
}

static size_t chains_first(const struct chains *c, uint32_t owner)
{
	size_t from = 0, to = c->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (c->items[middle].owner < owner)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* What each call chain of @owner stands for among @n requests, which got @bytes in all. */
static void add_chains(const struct buddy *b, const struct chains *c, uint32_t owner, uint64_t n,
		       uint64_t bytes, struct report *r, struct table *t, size_t at)
{
	size_t first = chains_first(c, owner), i, most = b->options.all ? CHAINS_MAX : CHAINS_TEXT;
	const struct pages *p = &b->pages;
	uint64_t taken = 0;

	if (!b->options.all && at >= ROWS_TEXT)
		return;

	for (i = first; i < c->n && c->items[i].owner == owner; i++)
		taken += c->items[i].n;
	for (i = first; i < c->n && c->items[i].owner == owner && i < first + most; i++) {
		const struct stream_stack *s = &p->stream.stacks.items[c->items[i].stack];
		double share_of = (double)c->items[i].n / (double)taken;
		struct stack_share share = {
			.stack = report_add_stack(r, s->frames, s->n),
			.objects = (uint64_t)((double)n * share_of),
			.bytes = (uint64_t)((double)bytes * share_of),
			.estimated = taken < n,
		};

		report_add_share(r, t, at, "stacks", share);
	}
}

/* --- users, fallbacks, waiting ------------------------------------------------------------------------ */

/* The lines «0xVALUE NAME» of a snapshot, in their order. */
static int gfp_names(const struct pages *p, struct flag_names *ret)
{
	const char *line = p->gfp;

	while (line && *line) {
		size_t len = strcspn(line, "\n");
		struct flag_name *name;
		char text[64];
		unsigned long long value;

		if (len < 128 && sscanf(line, "0x%llx %63[A-Za-z0-9_]", &value, text) == 2) {
			name = vec_add(ret);
			if (!name)
				return -ENOMEM;
			name->value = value;
			name->name = strdup(text);
			if (!name->name)
				return -ENOMEM;
		}
		line += len + (line[len] == '\n');
	}
	return 0;
}

static void gfp_names_free(struct flag_names *n)
{
	size_t i;

	for (i = 0; i < n->n; i++)
		free(n->items[i].name);
	free(n->items);
}

static void set_user(const struct buddy *b, const struct page_user *u, const struct flag_names *gfp,
		     const struct chains *chains, struct report *r, struct table *t)
{
	const struct pages *p = &b->pages;
	uint64_t each = scale(p), n = u->allocs + u->failed;
	size_t at = report_add_row(r, t);
	char buf[512];

	report_set_text(r, t, at, "comm", stream_comm(&p->stream, u->task, buf));
	report_set_u64(r, t, at, "order", u->order);
	report_set_text(r, t, at, "migratetype", buddy_type_name(p, u->migratetype, buf));
	report_set_u64(r, t, at, "allocs", u->allocs * each);
	report_set_u64(r, t, at, "pages", (u->allocs * each) << (u->order & 31));
	report_set_u64(r, t, at, "frees", u->frees * each);
	report_set_u64(r, t, at, "failed", u->failed * each);
	report_set_u64(r, t, at, "live_pages", u->live_pages * each);
	report_set_u64(r, t, at, "live_bytes", bytes_of(p, u->live_pages) * each);
	report_set_u64(r, t, at, "gfp_value", u->gfp);
	if (gfp->n) {
		flag_names_decode(gfp, u->gfp, buf, sizeof(buf));
		report_set_text(r, t, at, "gfp", buf);
	}
	add_chains(b, chains, (uint32_t)(u - p->users.items), n * each,
		   bytes_of(p, (u->allocs * each) << (u->order & 31)), r, t, at);
}

/* Most pages first; then those who ask for the larger blocks, in vain too. */
static int compare_users(const void *a, const void *b)
{
	const struct page_user *x = *(const struct page_user *const *)a;
	const struct page_user *y = *(const struct page_user *const *)b;
	uint64_t pages_x = x->allocs << (x->order & 31), pages_y = y->allocs << (y->order & 31);

	if (pages_x != pages_y)
		return CMP(pages_y, pages_x);
	if (x->order != y->order)
		return CMP(y->order, x->order);
	return CMP(x, y);
}

static int report_users(const struct buddy *b, const struct chains *chains, struct report *r)
{
	_cleanup_(gfp_names_free) struct flag_names gfp = { 0 };
	const struct pages *p = &b->pages;
	_cleanup_free_ const struct page_user **users = calloc(MAX(p->users.n, 1u), sizeof(*users));
	size_t i, n = b->options.top ? MIN(p->users.n, b->options.top) : p->users.n;
	struct table *t;
	int err = users ? gfp_names(p, &gfp) : -ENOMEM;

	if (err)
		return err;
	for (i = 0; i < p->users.n; i++)
		users[i] = &p->users.items[i];
	qsort(users, p->users.n, sizeof(const struct page_user *), compare_users);
	t = report_add_table(r, "users", "Who allocates blocks, most pages first", user_columns,
			     ARRAY_SIZE(user_columns));
	for (i = 0; i < n; i++)
		set_user(b, users[i], &gfp, chains, r, t);
	if (!t)
		return -ENOMEM;
	t->empty = "nobody";
	t->noun = "request";
	t->rows_total = p->users.n;
	return 0;
}

static void report_fallbacks(const struct buddy *b, const struct chains *chains, struct report *r)
{
	const struct pages *p = &b->pages;
	const struct page_fallback *f;
	struct table *t;
	char buf[32];

	if (!p->fallbacks.n && !b->options.all)
		return;
	t = report_add_table(r, "fallbacks", "Blocks taken from another migrate type's lists",
			     fallback_columns, ARRAY_SIZE(fallback_columns));
	vec_for_each(&p->fallbacks, f) {
		size_t at = report_add_row(r, t);

		report_set_u64(r, t, at, "alloc_order", f->order);
		report_set_u64(r, t, at, "fallback_order", f->from_order);
		report_set_text(r, t, at, "alloc_migratetype",
				buddy_type_name(p, f->migratetype, buf));
		report_set_text(r, t, at, "fallback_migratetype",
				buddy_type_name(p, f->from_migratetype, buf));
		report_set_u64(r, t, at, "count", f->count);
		report_set_u64(r, t, at, "claimed", f->whole);
		add_chains(b, chains, (uint32_t)(f - p->fallbacks.items) | PAGE_SAMPLE_FALLBACK,
			   f->count, bytes_of(p, f->count << (f->order & 31)), r, t, at);
	}
	if (!t)
		return;
	t->rows_total = t->n_rows;
	t->empty = "none";
	t->noun = "fallback";
	report_table_sort(t, "count");
	report_table_truncate(t, b->options.top);
}

static void set_work(struct report *r, struct table *t, const char *name, const struct page_work *w,
		     bool pages)
{
	size_t at = report_add_row(r, t);

	report_set_text(r, t, at, "work", name);
	report_set_u64(r, t, at, "count", MAX(w->begun, w->ended));
	report_set_u64(r, t, at, "total_ns", w->total_ns);
	report_set_u64(r, t, at, "max_ns", w->max_ns);
	if (pages)
		report_set_u64(r, t, at, "pages", w->pages);
}

static void report_work(const struct buddy *b, struct report *r)
{
	const struct pages *p = &b->pages;
	struct table *t;

	if (!p->compaction.begun && !p->reclaim.begun && !b->options.all)
		return;
	t = report_add_table(r, "waits", "Compaction and direct reclaim", work_columns,
			     ARRAY_SIZE(work_columns));
	set_work(r, t, "compaction", &p->compaction, false);
	set_work(r, t, "direct reclaim", &p->reclaim, true);
	if (t)
		t->rows_total = t->n_rows;
}

static void note_gaps(const struct pages *p, struct report *r)
{
	uint64_t bulk = r->quality.bulk_pages == QUALITY_UNKNOWN ? 0 : r->quality.bulk_pages;

	if (bulk)
		report_add_note(
			r,
			"%s%s pages were handed out in bulk, which fires no event: they are "
			"not in the tables, their frees are those of unknown blocks",
			p->stream.start.bulk_hooked ? "" : "about ", digits_grouped(bulk).s);
	if (p->compaction.begun)
		report_add_note(
			r, "compaction ran: it takes the frames that it moves pages to with no "
			   "event and frees the old ones with one, so that a block that was "
			   "moved is told as freed, and is unknown where it is now");
	if (p->damaged)
		report_add_note(r,
				"%s events named blocks that no page allocator has: they were left "
				"out",
				digits_grouped(p->damaged).s);
	if (p->largest_merges)
		report_add_note(r, "%s blocks were freed as parts of larger ones",
				digits_grouped(p->largest_merges).s);
}

static int buddy_report(struct analyzer *a, struct report *r)
{
	_cleanup_(chains_free) struct chains chains = { 0 };
	struct buddy *b = (struct buddy *)a;
	const struct pages *p = &b->pages;
	int err = stream_describe(&p->stream, r);

	if (!err)
		err = chains_sort(p, &chains);
	if (!err)
		err = report_orders(b, r);
	if (err)
		return err;
	buddy_report_lists(b, r);
	report_fallbacks(b, &chains, r);
	report_work(b, r);
	err = report_users(b, &chains, r);
	if (err)
		return err;
	report_lifetimes(p, r);
	buddy_report_state(b, r);
	note_gaps(p, r);
	return r->oom ? -ENOMEM : 0;
}

const struct analyzer_ops buddy_analyzer = {
	.name = "buddy",
	.create = buddy_create,
	.consume = buddy_consume,
	.report = buddy_report,
	.each_live = buddy_each_live,
	.free = buddy_free,
};
