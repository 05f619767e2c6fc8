// SPDX-License-Identifier: GPL-2.0
/* kmscope vmalloc: who takes areas, which there are, how long they wait to be unmapped. */
#include <errno.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/areas.h"
#include "base/digits.h"
#include "base/vec.h"

#define SHORT_LIVED_NS (100 * NSEC_PER_MSEC)
#define SMALL_PAGES    8 /* PAGE_ALLOC_COSTLY_ORDER is 3: kmalloc() finds so many nearly always */

struct vmalloc_analyzer {
	struct analyzer analyzer;
	struct analyzer_options options;
	struct areas areas;
};

static const struct column range_columns[] = {
	{ "range_bytes", "RANGE", CELL_BYTES, 0, 0 },
	{ "taken_bytes", "TAKEN", CELL_BYTES, 0, 0 },
	{ "taken_pct", "TAKEN%", CELL_PERCENT, 0, 0 },
	{ "areas", "AREAS", CELL_COUNT, 0, 0 },
	{ "page_bytes", "IN PAGES", CELL_BYTES, 0, 2 },
	{ "waiting_bytes", "TO UNMAP", CELL_BYTES, 0, 1 },
	{ "waiting_peak_bytes", "PEAK", CELL_BYTES, 0, 3 },
	{ "waiting_max_bytes", "AT MOST", CELL_BYTES, 0, 3 },
};

static const struct column kind_columns[] = {
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "areas_start", "AT START", CELL_COUNT, 0, 0 },
	{ "areas_end", "NOW", CELL_COUNT, 0, 0 },
	{ "bytes_start", "BYTES AT START", CELL_BYTES, 0, 0 },
	{ "bytes_end", "BYTES NOW", CELL_BYTES, 0, 0 },
};

static const struct column site_columns[] = {
	{ "site", "CALL SITE", CELL_SITE, COLUMN_LEFT, 0 },
	{ "module", "MODULE", CELL_MODULE, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	{ "address", "ADDRESS", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 3 },
	{ "allocs", "ALLOCS", CELL_COUNT, 0, 0 },
	{ "frees", "FREES", CELL_COUNT, 0, 2 },
	{ "implied", "IMPLIED", CELL_COUNT, COLUMN_IF_SET, 5 },
	{ "failed", "FAILED", CELL_COUNT, COLUMN_IF_SET, 0 },
	{ "bytes", "BYTES", CELL_BYTES, 0, 1 },
	{ "bytes_req", "REQUESTED", CELL_BYTES, COLUMN_JSON_ONLY, 0 },
	{ "live_areas", "LIVE", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
	{ "live_bytes", "LIVE", CELL_BYTES, 0, 0 },
	{ "mean_ns", "TAKES", CELL_NS, COLUMN_IF_SET, 4 },
	{ "max_ns", "LONGEST", CELL_NS, COLUMN_IF_SET | COLUMN_JSON_ONLY, 0 },
	{ "lifetime_ns", "LIVES", CELL_NS, 0, 2 },
	{ "advice", "ADVICE", CELL_TEXT, COLUMN_LEFT | COLUMN_SUBLINE, 0 },
	{ "stacks", "STACKS", CELL_STACKS, COLUMN_JSON_ONLY, 0 },
};

static const struct column area_columns[] = {
	{ "address", "ADDRESS", CELL_ADDRESS, 0, 1 },
	{ "bytes", "BYTES", CELL_BYTES, 0, 0 },
	{ "bytes_req", "REQUESTED", CELL_BYTES, COLUMN_JSON_ONLY, 0 },
	{ "pages", "PAGES", CELL_COUNT, COLUMN_IF_SET, 3 },
	{ "physical_runs", "RUNS", CELL_COUNT, COLUMN_IF_SET, 4 },
	{ "huge", "HUGE", CELL_BOOL, COLUMN_JSON_ONLY, 0 },
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "phys", "PHYSICAL", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "site", "CALL SITE", CELL_SITE, COLUMN_LEFT, 0 },
	{ "pid", "PID", CELL_ID, COLUMN_JSON_ONLY, 0 },
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 2 },
	{ "age_ns", "AGE", CELL_NS, COLUMN_IF_SET, 0 },
	{ "live", "LIVE", CELL_BOOL, COLUMN_JSON_ONLY, 0 },
};

static const struct column existing_columns[] = {
	{ "caller", "CALLER", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "areas", "AREAS", CELL_COUNT, 0, 0 },
	{ "bytes", "BYTES", CELL_BYTES, 0, 0 },
	{ "pages", "PAGES", CELL_COUNT, 0, 0 },
	{ "freed", "FREED", CELL_COUNT, 0, 0 },
};

static const struct column purge_columns[] = {
	{ "purges", "PURGES", CELL_COUNT, 0, 0 },      { "areas", "AREAS", CELL_COUNT, 0, 0 },
	{ "mean_ns", "WAITED", CELL_NS, 0, 0 },	       { "max_ns", "LONGEST", CELL_NS, 0, 0 },
	{ "waiting", "STILL WAIT", CELL_COUNT, 0, 0 },
};

static struct analyzer *vmalloc_create(const struct analyzer_options *o)
{
	struct vmalloc_analyzer *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->analyzer.ops = &vmalloc_analyzer;
	v->options = *o;
	areas_init(&v->areas);
	return &v->analyzer;
}

static void vmalloc_free(struct analyzer *a)
{
	areas_free(&((struct vmalloc_analyzer *)a)->areas);
	free(a);
}

static void vmalloc_consume(struct analyzer *a, const struct event_header *const *records, size_t n)
{
	areas_consume(&((struct vmalloc_analyzer *)a)->areas, records, n);
}

static void vmalloc_each_live(const struct analyzer *a, void (*visit)(void *ctx, uint64_t address),
			      void *ctx)
{
	areas_each_live(&((const struct vmalloc_analyzer *)a)->areas, visit, ctx);
}

/* --- the range ----------------------------------------------------------------------------------------- */

static void report_range(const struct areas *a, struct report *r)
{
	struct table *t = report_add_table(r, "range", "The vmalloc range", range_columns,
					   ARRAY_SIZE(range_columns));
	uint64_t page = a->stream.start.page_size, taken = a->end.all_bytes + a->end.unpurged_bytes;
	size_t at = report_add_row(r, t);

	if (a->range_bytes)
		report_set_u64(r, t, at, "range_bytes", a->range_bytes);
	if (a->end.known) {
		report_set_u64(r, t, at, "areas", a->end.all);
		report_set_u64(r, t, at, "taken_bytes", taken);
	}
	if (a->end.known && a->range_bytes)
		report_set_real(r, t, at, "taken_pct",
				100.0 * (double)(taken) / (double)a->range_bytes);
	if (a->pages_used != AREAS_UNKNOWN)
		report_set_u64(r, t, at, "page_bytes", a->pages_used);
	if (a->lazy != AREAS_UNKNOWN) {
		report_set_u64(r, t, at, "waiting_peak_bytes", a->lazy_peak * page);
		report_set_u64(r, t, at, "waiting_max_bytes", a->lazy_max * page);
	}
	/* whoever told last, and of all */
	if (a->lazy != AREAS_UNKNOWN && !a->stream.start.selected &&
	    a->lazy_time > MAX(a->purge_time, a->look_time))
		report_set_u64(r, t, at, "waiting_bytes", a->lazy * page);
	else if (a->end.known && a->look_time > a->purge_time)
		report_set_u64(r, t, at, "waiting_bytes", a->end.unpurged_bytes);
	if (t)
		t->rows_total = t->n_rows;
}

static void report_kinds(const struct areas *a, struct report *r)
{
	struct table *t;
	size_t kind;

	if (!a->start.known)
		return;
	t = report_add_table(r, "kinds", "What the areas are for", kind_columns,
			     ARRAY_SIZE(kind_columns));
	for (kind = 0; kind < AREA_KINDS; kind++) {
		size_t at;

		if (!a->start.areas[kind] && !a->end.areas[kind])
			continue;
		at = report_add_row(r, t);
		report_set_text(r, t, at, "kind", area_kind_names[kind]);
		report_set_u64(r, t, at, "areas_start", a->start.areas[kind]);
		report_set_u64(r, t, at, "areas_end", a->end.areas[kind]);
		report_set_u64(r, t, at, "bytes_start", a->start.bytes[kind]);
		report_set_u64(r, t, at, "bytes_end", a->end.bytes[kind]);
	}
	if (!t)
		return;
	t->rows_total = t->n_rows;
	report_table_sort(t, "bytes_end");
}

static void report_purges(const struct vmalloc_analyzer *v, struct report *r)
{
	const struct areas *a = &v->areas;
	struct table *t;
	size_t at;

	if (!(a->stream.start.hooked & HOOKED_PURGE) ||
	    (!a->purges && !a->waiting.n && !v->options.all))
		return;
	t = report_add_table(r, "purges", "How long freed areas waited to be unmapped",
			     purge_columns, ARRAY_SIZE(purge_columns));
	at = report_add_row(r, t);
	report_set_u64(r, t, at, "purges", a->purges);
	report_set_u64(r, t, at, "areas", a->purged);
	if (a->purged) {
		report_set_u64(r, t, at, "mean_ns", a->waited_ns / a->purged);
		report_set_u64(r, t, at, "max_ns", a->waited_max_ns);
	}
	report_set_u64(r, t, at, "waiting", a->waiting.n);
	if (t)
		t->rows_total = t->n_rows;
}

/* --- sites --------------------------------------------------------------------------------------------- */

/*
 * What fits a page is better off in kmalloc(): an area costs a page table walk, a guard page, and a flush
 * of all CPUs' TLBs in the end. What is a little larger and gone at once, too, if it is there.
 */
static const char *advice_of(const struct areas *a, const struct area_site *s)
{
	uint64_t page = a->stream.start.page_size;

	if (s->kind != AREA_KIND_VMALLOC || !s->allocs)
		return NULL;
	if (s->small == s->allocs)
		return "fits a page: kmalloc() would need no area, guard page or TLB flush";
	if (s->bytes / s->allocs <= SMALL_PAGES * page && s->frees &&
	    s->lifetime_ns / s->frees < SHORT_LIVED_NS && !s->live)
		return "small and short-lived: unless it needs the guard page, kvmalloc() tries "
		       "kmalloc() "
		       "first";
	return NULL;
}

static void set_site(const struct areas *a, const struct area_site *s, struct report *r,
		     struct table *t)
{
	size_t at = report_add_row(r, t);

	if (s->site) {
		report_set_u64(r, t, at, "site", s->site);
		report_set_u64(r, t, at, "module", s->site);
		report_set_u64(r, t, at, "address", s->site);
	}
	report_set_text(r, t, at, "kind", area_kind_names[s->kind]);
	report_set_u64(r, t, at, "allocs", s->allocs);
	report_set_u64(r, t, at, "frees", s->frees);
	report_set_u64(r, t, at, "implied", s->implied);
	report_set_u64(r, t, at, "failed", areas_failed(a, (uint32_t)(s - a->sites.items)));
	report_set_u64(r, t, at, "bytes", s->bytes);
	if (s->requested)
		report_set_u64(r, t, at, "bytes_req", s->requested);
	if (s->calls) {
		report_set_u64(r, t, at, "mean_ns", s->call_ns / s->calls);
		report_set_u64(r, t, at, "max_ns", s->call_max_ns);
	}
	report_set_u64(r, t, at, "live_areas", s->live);
	report_set_u64(r, t, at, "live_bytes", s->live_bytes);
	if (s->frees)
		report_set_u64(r, t, at, "lifetime_ns", s->lifetime_ns / s->frees);
	report_set_text(r, t, at, "advice", advice_of(a, s));
	if (s->stack != STREAM_NONE && s->stack < a->stream.stacks.n) {
		const struct stream_stack *chain = &a->stream.stacks.items[s->stack];
		struct stack_share share = {
			.stack = report_add_stack(r, chain->frames, chain->n),
			.objects = s->allocs,
			.bytes = s->bytes,
			.estimated = true,
		};

		report_add_share(r, t, at, "stacks", share);
	}
}

static void report_sites(const struct vmalloc_analyzer *v, struct report *r)
{
	struct table *t = report_add_table(r, "sites", "Who took areas, most bytes first",
					   site_columns, ARRAY_SIZE(site_columns));
	const struct area_site *s;

	vec_for_each(&v->areas.sites, s)
		if (s->allocs || s->calls ||
		    areas_failed(&v->areas, (uint32_t)(s - v->areas.sites.items)))
			set_site(&v->areas, s, r, t);
	if (!t)
		return;
	t->rows_total = t->n_rows;
	t->empty = "nobody since the start";
	report_table_sort(t, "bytes");
	report_table_truncate(t, v->options.top);
}

/* --- areas --------------------------------------------------------------------------------------------- */

static void set_area(const struct areas *a, const struct area *area, uint64_t now, struct report *r,
		     struct table *t)
{
	size_t at = report_add_row(r, t);
	char buf[64];

	report_set_u64(r, t, at, "address", area->address);
	report_set_u64(r, t, at, "bytes", area->bytes);
	if (area->requested)
		report_set_u64(r, t, at, "bytes_req", area->requested);
	if (area->pages)
		report_set_u64(r, t, at, "pages", area->pages);
	if (area->runs) {
		report_set_u64(r, t, at, "physical_runs", area->runs);
		report_set_u64(r, t, at, "huge", area->huge);
	}
	report_set_text(r, t, at, "kind", area_kind_names[area->kind]);
	if (area->has_phys)
		report_set_u64(r, t, at, "phys", area->phys);
	if (area->caller != STREAM_NONE)
		report_set_text(r, t, at, "site", a->callers.items[area->caller].name);
	else if (area->site != STREAM_NONE && a->sites.items[area->site].site)
		report_set_u64(r, t, at, "site", a->sites.items[area->site].site);
	report_set_u64(r, t, at, "live", 1);
	if (!area->time)
		return;
	report_set_u64(r, t, at, "pid", area->pid);
	report_set_text(r, t, at, "comm", stream_comm(&a->stream, area->task, buf));
	report_set_u64(r, t, at, "age_ns", now > area->time ? now - area->time : 0);
}

static int compare_areas(const void *a, const void *b)
{
	const struct area *x = *(const struct area *const *)a;
	const struct area *y = *(const struct area *const *)b;

	return x->bytes != y->bytes ? CMP(y->bytes, x->bytes) : CMP(x->address, y->address);
}

static int report_areas(const struct vmalloc_analyzer *v, struct report *r)
{
	const struct areas *a = &v->areas;
	_cleanup_free_ const struct area **items =
		calloc(MAX(a->n_live, (size_t)1), sizeof(*items));
	const struct area *area;
	size_t n = 0, i;
	struct table *t;

	if (!items)
		return -ENOMEM;
	vec_for_each(&a->pool, area)
		if (area_in_use(area) && !area->own)
			items[n++] = area;
	qsort(items, n, sizeof(const struct area *), compare_areas);
	t = report_add_table(r, "areas",
			     a->hidden || a->stream.start.selected
				     ? "Areas taken since the start, largest first"
				     : "Areas, largest first",
			     area_columns, ARRAY_SIZE(area_columns));
	for (i = 0; i < n && (!v->options.top || i < v->options.top); i++)
		set_area(a, items[i], r->end_ns, r, t);
	if (!t)
		return -ENOMEM;
	t->rows_total = n;
	t->empty = "none";
	return 0;
}

static void report_existing(const struct vmalloc_analyzer *v, struct report *r)
{
	const struct area_caller *c;
	struct table *t;

	if (!v->areas.looked)
		return;
	t = report_add_table(r, "existing", "Areas that were there before, by caller",
			     existing_columns, ARRAY_SIZE(existing_columns));
	vec_for_each(&v->areas.callers, c) {
		size_t at = report_add_row(r, t);

		report_set_text(r, t, at, "caller", c->name);
		report_set_text(r, t, at, "kind", area_kind_names[c->kind]);
		report_set_u64(r, t, at, "areas", c->areas);
		report_set_u64(r, t, at, "bytes", c->bytes);
		report_set_u64(r, t, at, "pages", c->pages);
		if (!v->areas.hidden && !v->areas.stream.start.selected)
			report_set_u64(r, t, at, "freed", c->freed);
	}
	if (!t)
		return;
	t->rows_total = t->n_rows;
	t->empty = "none";
	report_table_sort(t, "bytes");
	report_table_truncate(t, v->options.top);
}

/* --- distributions --------------------------------------------------------------------------------------- */

static void report_sizes(const struct areas *a, struct report *r)
{
	struct histogram *h =
		report_add_histogram(r, "sizes", "Areas taken, by pages", NULL, CELL_COUNT);
	size_t i, last = 0;

	for (i = 0; i < ARRAY_SIZE(a->sizes); i++)
		if (a->sizes[i])
			last = i + 1;
	for (i = 0; i < last; i++) {
		struct histogram_bucket bucket = { 1ull << i, i < 63 ? 2ull << i : UINT64_MAX,
						   a->sizes[i] };

		report_add_bucket(r, h, 0, NULL, bucket);
	}
}

static void report_times(const struct areas *a, struct report *r)
{
	struct histogram *h =
		report_add_histogram(r, "times", "How long things took", "what", CELL_NS);

	durations_report(a->costs, 1, 0, "vmalloc() calls", r, h);
	durations_report(a->lifetimes, 1, 1, "areas lived", r, h);
	durations_report(a->waits, 1, 2, "waited to be unmapped", r, h);
}

static void note_gaps(const struct areas *a, struct report *r)
{
	uint32_t hooked = a->stream.start.hooked;

	if (!a->looked && hooked & HOOKED_PART)
		report_add_note(r, "a part of a recording: what was there before it is not known");
	else if (!a->looked)
		report_add_note(r,
				"/proc/vmallocinfo can't be read: what was there before the start "
				"is not known");
	else if (a->hidden)
		report_add_note(
			r, "/proc/vmallocinfo hides addresses: areas from before the start are "
			   "known by their callers only (sysctl kernel.kptr_restrict=1 shows "
			   "them to root)");
	if (a->own_areas)
		report_add_note(
			r,
			"areas of kmscope's own buffers and programs: %s, %s bytes; they are in "
			"no table but the first",
			digits_grouped(a->own_areas).s, digits_grouped(a->own_bytes).s);
	if (!(hooked & HOOKED_VMALLOC))
		report_add_note(
			r, "vmalloc() itself can't be probed here: no requested bytes, no time "
			   "that calls take, and call sites by call chains only");
	if (!(hooked & HOOKED_PAGES))
		report_add_note(
			r, "physical_runs is not known here: see «kmscope doctor», area_pages");
	if (a->unmeasured)
		report_add_note(r,
				"more than %s freed areas waited to be unmapped: how long is not "
				"known of %s",
				digits_grouped(AREAS_WAITING_MAX).s,
				digits_grouped(a->unmeasured).s);
}

static int vmalloc_report(struct analyzer *analyzer, struct report *r)
{
	const struct vmalloc_analyzer *v = (const struct vmalloc_analyzer *)analyzer;
	const struct areas *a = &v->areas;
	int err = stream_describe(&a->stream, r);

	if (err)
		return err;
	r->quality.failed += a->failures.n;
	report_range(a, r);
	report_kinds(a, r);
	report_sites(v, r);
	err = report_areas(v, r);
	if (err)
		return err;
	report_existing(v, r);
	report_purges(v, r);
	report_sizes(a, r);
	report_times(a, r);
	note_gaps(a, r);
	return r->oom ? -ENOMEM : 0;
}

const struct analyzer_ops vmalloc_analyzer = {
	.name = "vmalloc",
	.create = vmalloc_create,
	.consume = vmalloc_consume,
	.report = vmalloc_report,
	.each_live = vmalloc_each_live,
	.free = vmalloc_free,
};
