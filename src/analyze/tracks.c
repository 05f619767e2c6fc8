// SPDX-License-Identifier: GPL-2.0
/* What a recording holds over time. No command of its own: exporters show it. */
#include "analyze/tracks.h"

#include <errno.h>
#include <string.h>

#include "analyze/page_lists.h"
#include "base/digits.h"
#include "base/vec.h"

/* Told of where somebody asked for it, whether or not it happens. */
#define HOOKED_ANY_VMALLOC (HOOKED_VMALLOC | HOOKED_PAGES | HOOKED_PURGE)
#define HOOKED_ANY_FAULTS                                                                         \
	(HOOKED_FAULT_BEGIN | HOOKED_FAULT_ACCESS | HOOKED_COPIED | HOOKED_AROUND | HOOKED_HUGE | \
	 HOOKED_SWAP | HOOKED_GUP | HOOKED_COUNTS)
#define HOOKED_ANY_REGISTERS (HOOKED_REGMAP | HOOKED_GPIO | HOOKED_RWMMIO | HOOKED_GPIO_MODULE)

static void tracks_free(struct analyzer *a)
{
	struct tracks *t = (struct tracks *)a;

	stream_free(&t->stream);
	ledger_free(&t->ledger);
	pages_free(&t->pages);
	areas_free(&t->areas);
	mappings_free(&t->mappings);
	spaces_free(&t->spaces);
	free(t->events.items.items);
	free(t);
}

static struct analyzer *tracks_create(const struct analyzer_options *o _unused_)
{
	struct tracks *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->analyzer.ops = &tracks_analyzer;
	stream_init(&t->stream);
	t->stream.sampled_otherwise = true;
	t->stream.frees_null = true;
	areas_init(&t->areas);
	mappings_init(&t->mappings);
	spaces_init(&t->spaces);
	if (ledger_init(&t->ledger, LEDGER_BY_SITE) || pages_init(&t->pages)) {
		tracks_free(&t->analyzer);
		return NULL;
	}
	return &t->analyzer;
}

static void tracks_each_live(const struct analyzer *a _unused_,
			     void (*visit)(void *ctx, uint64_t ptr) _unused_, void *ctx _unused_)
{
	/* a recording has all that was selected */
}

/* --- levels --------------------------------------------------------------------------------------------- */

static void set_slab_levels(struct tracks *t)
{
	struct ledger_sums sums = { 0 };
	const struct ledger_group *g;

	vec_for_each(&t->ledger.groups, g)
		ledger_group_sums(&t->ledger, g, &sums);
	steps_set(&t->steps, TRACK_SLAB_LIVE, sums.live_bytes);
	steps_set(&t->steps, TRACK_SLAB_WASTE, sums.live_bytes - sums.live_req);
}

static void set_page_level(struct tracks *t)
{
	const struct page_row *row;
	uint64_t pages = 0;

	vec_for_each(&t->pages.rows, row)
		pages += row->live_pages;
	steps_set(&t->steps, TRACK_PAGES_LIVE, pages);
}

static void set_vmalloc_level(struct tracks *t)
{
	const struct area_site *s;
	uint64_t bytes = 0;

	vec_for_each(&t->areas.sites, s)
		bytes += s->live_bytes;
	steps_set(&t->steps, TRACK_VMALLOC_LIVE, bytes);
}

/* What the books have now. Free memory is set when it is told. */
static void set_levels(struct tracks *t)
{
	if (t->seen[TRACK_SLAB_LIVE])
		set_slab_levels(t);
	if (t->seen[TRACK_PAGES_LIVE])
		set_page_level(t);
	if (t->seen[TRACK_VMALLOC_LIVE])
		set_vmalloc_level(t);
}

/* The kernel's lists, if @e told of them. */
static void set_free_levels(struct tracks *t, const struct event_snapshot *e)
{
	const struct pages *p = &t->pages;
	const struct page_lists *l = p->newest.time ? &p->newest : &p->start;
	uint64_t all = 0;
	size_t order, i;

	if (!l->time || l->time != e->h.time)
		return;
	for (order = 0; order < l->free.n_orders && order < ZONE_ORDERS; order++) {
		uint64_t pages = 0;

		for (i = 0; i < l->free.n; i++)
			pages += l->free.items[i].blocks[order] << order;
		steps_set(&t->steps, TRACK_FREE_ORDER + order, pages);
		t->seen[TRACK_FREE_ORDER + order] = true;
		all += pages;
	}
	steps_set(&t->steps, TRACK_FREE, all * p->stream.start.page_size);
	t->seen[TRACK_FREE] = true;
}

static void pass_time(struct tracks *t, uint64_t time)
{
	if (!t->steps.begun)
		steps_begin(&t->steps, time);
	if (likely(!steps_due(&t->steps, time)))
		return;
	set_levels(t);
	steps_pass(&t->steps, time);
}

/* --- records -------------------------------------------------------------------------------------------- */

static void enter_slab(struct tracks *t, const struct event_header *h)
{
	uint64_t before = t->ledger.stream.quality.allocs;

	ledger_consume(&t->ledger, &h, 1);
	if (h->kind == EVENT_CACHE)
		return;
	t->seen[TRACK_SLAB_LIVE] = t->seen[TRACK_SLAB_WASTE] = t->seen[TRACK_SLAB_ALLOCS] = true;
	/* none for the second event of an allocation */
	if (t->ledger.stream.quality.allocs != before)
		steps_count(&t->steps, TRACK_SLAB_ALLOCS, h->time, 1);
	tracks_events_enter(t, h);
}

static void enter_pages(struct tracks *t, const struct event_header *h)
{
	uint64_t before = t->pages.stream.quality.allocs, damaged = t->pages.damaged;
	bool work = h->kind == EVENT_COMPACTION || h->kind == EVENT_RECLAIM;

	if (work)
		tracks_events_enter(t, h);
	pages_consume(&t->pages, &h, 1);
	t->seen[TRACK_PAGES_LIVE] = t->seen[TRACK_PAGE_ALLOCS] = true;
	if (t->pages.stream.quality.allocs != before)
		steps_count(&t->steps, TRACK_PAGE_ALLOCS, h->time, 1);
	if (!work && t->pages.damaged == damaged)
		tracks_events_enter(t, h);
}

/* Whether the books of areas are kept: others may have to know of areas that are freed. */
static bool has_areas(const struct tracks *t)
{
	return t->seen[TRACK_VMALLOC_LIVE] || t->stream.start.hooked & HOOKED_ANY_VMALLOC;
}

static void enter_unmap(struct tracks *t, const struct event_header *h, uint64_t address,
			bool iounmap)
{
	uint64_t before = t->stream.quality.frees_matched;
	struct track_event e;
	bool again = h->flags & EVENT_AGAIN;

	t->stream.quality.analysed++;
	if (!mappings_unmap(&t->mappings, &t->stream, h->time, address, again) && iounmap)
		t->stream.quality.frees_unknown++;
	/* told twice, or an area that was no device's */
	if (t->stream.quality.frees_matched == before && (again || !iounmap))
		return;
	e = tracks_event(t, h, TRACK_EVENT_IOUNMAP);
	e.address = address;
	tracks_events_add(t, &e);
}

static void enter_area(struct tracks *t, const struct event_header *h)
{
	if (h->kind == EVENT_AREA_FREE && !has_areas(t)) {
		enter_unmap(t, h, ((const struct event_area_free *)h)->address, false);
		return;
	}
	areas_consume(&t->areas, &h, 1);
	t->seen[TRACK_VMALLOC_LIVE] = true;
	tracks_events_enter(t, h);
}

static void enter_ioremap(struct tracks *t, const struct event_ioremap *i)
{
	uint64_t before = t->stream.quality.allocs, failed = t->stream.quality.failed;
	struct track_event e;

	t->stream.quality.analysed++;
	mappings_enter(&t->mappings, &t->stream, i, 0);
	if (t->stream.quality.allocs == before && t->stream.quality.failed == failed)
		return; /* told by the module, too */
	e = tracks_event(t, &i->h, i->address ? TRACK_EVENT_IOREMAP : TRACK_EVENT_FAILED);
	e.what = FAILED_IOREMAP;
	e.site = i->site;
	e.address = i->address;
	e.value = i->phys;
	e.bytes = i->bytes;
	tracks_events_add(t, &e);
}

static void enter_fault(struct tracks *t, const struct event_fault *f)
{
	t->seen[TRACK_FAULTS_MINOR] = t->seen[TRACK_FAULTS_MAJOR] = true;
	if (f->h.flags & EVENT_OWN) {
		t->stream.quality.own++;
		return;
	}
	t->stream.quality.analysed++;
	/* as in the series of faults: what the task took itself */
	if (!(f->what & FAULT_GUP))
		steps_count(&t->steps,
			    f->what & FAULT_MAJOR ? TRACK_FAULTS_MAJOR : TRACK_FAULTS_MINOR,
			    f->h.time, 1);
	tracks_events_enter(t, &f->h);
}

static void enter_register(struct tracks *t, const struct event_register *g)
{
	t->seen[TRACK_REGISTER_READS] = t->seen[TRACK_REGISTER_WRITES] = true;
	t->stream.quality.analysed++;
	if (g->access == REGISTER_READ)
		steps_count(&t->steps, TRACK_REGISTER_READS, g->h.time, 1);
	else if (g->access == REGISTER_WRITE)
		steps_count(&t->steps, TRACK_REGISTER_WRITES, g->h.time, 1);
	tracks_events_enter(t, &g->h);
}

static void enter_process(struct tracks *t, const struct event_process *p)
{
	tracks_events_enter(t, &p->h);
	if (p->what == PROCESS_EXIT)
		spaces_forget(&t->spaces, p->h.pid);
	else
		spaces_enter(&t->spaces, &p->h);
}

static void enter_snapshot(struct tracks *t, const struct event_snapshot *e)
{
	switch ((enum snapshot_file)e->h.flags) {
	case SNAPSHOT_BUDDYINFO:
		page_lists_snapshot(&t->pages, e);
		set_free_levels(t, e);
		break;
	case SNAPSHOT_ZONEINFO:
		page_lists_snapshot(&t->pages, e);
		break;
	case SNAPSHOT_PAGETYPEINFO:
		/* for the names of types; the one at the end would have all frames counted */
		if (!t->pages.start.time)
			page_lists_snapshot(&t->pages, e);
		break;
	default: /* of no track */
		break;
	}
}

/* What is of no area. Books learn what they need: no tasks and call chains, by which nothing is told here. */
static void enter_common(struct tracks *t, const struct event_header *h)
{
	switch (h->kind) {
	case EVENT_STACK:
	case EVENT_MAP:
	case EVENT_FAULT_COUNTS:
		return;
	case EVENT_PROCESS:
		enter_process(t, (const struct event_process *)h);
		return;
	case EVENT_SNAPSHOT:
		enter_snapshot(t, (const struct event_snapshot *)h);
		return;
	case EVENT_START:
		ledger_consume(&t->ledger, &h, 1);
		pages_consume(&t->pages, &h, 1);
		areas_consume(&t->areas, &h, 1);
		break;
	case EVENT_TICK:
		areas_consume(&t->areas, &h, 1);
		break;
	case EVENT_COUNTERS:
	case EVENT_MISSES:
		tracks_events_enter(t, h);
		break;
	case EVENT_MAPS_LOST:
		tracks_events_enter(t, h);
		spaces_enter(&t->spaces, h);
		return;
	}
	stream_enter(&t->stream, h);
}

static void enter(struct tracks *t, const struct event_header *h)
{
	pass_time(t, h->time);
	switch (h->kind) {
	case EVENT_KMALLOC:
	case EVENT_CACHE_ALLOC:
	case EVENT_KFREE:
	case EVENT_CACHE_FREE:
	case EVENT_CACHE:
		enter_slab(t, h);
		break;
	case EVENT_PAGE_ALLOC:
	case EVENT_PAGE_FREE:
	case EVENT_PAGE_FALLBACK:
	case EVENT_PAGE_REFILL:
	case EVENT_PAGE_DRAIN:
	case EVENT_PAGE_BULK:
	case EVENT_COMPACTION:
	case EVENT_RECLAIM:
		enter_pages(t, h);
		break;
	case EVENT_AREA_ALLOC:
	case EVENT_AREA_FREE:
	case EVENT_AREA_PURGE:
	case EVENT_AREA_PAGES:
	case EVENT_VMALLOC:
		enter_area(t, h);
		break;
	case EVENT_IOREMAP:
		enter_ioremap(t, (const struct event_ioremap *)h);
		break;
	case EVENT_IOUNMAP:
		enter_unmap(t, h, ((const struct event_free *)h)->ptr, true);
		break;
	case EVENT_FAULT:
		enter_fault(t, (const struct event_fault *)h);
		break;
	case EVENT_REGISTER:
		enter_register(t, (const struct event_register *)h);
		break;
	default:
		enter_common(t, h);
		return;
	}
	stream_order(&t->stream, h);
}

static void tracks_consume(struct analyzer *a, const struct event_header *const *records, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		enter((struct tracks *)a, records[i]);
}

/* --- the report ----------------------------------------------------------------------------------------- */

static void add_quality(struct quality *sum, const struct quality *q)
{
	sum->analysed += q->analysed;
	sum->own += q->own;
	sum->filtered += q->filtered;
	sum->allocs += q->allocs;
	sum->failed += q->failed;
	sum->frees_matched += q->frees_matched;
	sum->frees_unknown += q->frees_unknown;
	sum->frees_implied_reuse += q->frees_implied_reuse;
	sum->stacks_lost += q->stacks_lost;
}

/* As the streams of all books were one. */
static int describe(const struct tracks *t, struct report *r)
{
	struct stream all = t->stream;
	int err;

	add_quality(&all.quality, &t->ledger.stream.quality);
	add_quality(&all.quality, &t->pages.stream.quality);
	add_quality(&all.quality, &t->areas.stream.quality);
	all.oom |=
		t->ledger.stream.oom || t->pages.stream.oom || t->areas.stream.oom || t->spaces.oom;
	err = stream_describe(&all, r);
	if (!err && (t->seen[TRACK_FAULTS_MINOR] || t->stream.start.hooked & HOOKED_MAPS))
		r->quality.maps_lost = t->spaces.lost;
	return err;
}

/* The tracks of what was told, or would have been. */
static void choose_tracks(const struct tracks *t, bool ret[TRACKS])
{
	uint32_t hooked = t->stream.start.hooked;

	memcpy(ret, t->seen, sizeof(t->seen));
	ret[TRACK_VMALLOC_LIVE] |= (hooked & HOOKED_ANY_VMALLOC) != 0;
	ret[TRACK_FAULTS_MINOR] |= (hooked & HOOKED_ANY_FAULTS) != 0;
	ret[TRACK_FAULTS_MAJOR] |= (hooked & HOOKED_ANY_FAULTS) != 0;
	ret[TRACK_REGISTER_READS] |= (hooked & HOOKED_ANY_REGISTERS) != 0;
	ret[TRACK_REGISTER_WRITES] |= (hooked & HOOKED_ANY_REGISTERS) != 0;
}

/* What one event stands for: nobody samples areas and registers, and free memory is the kernel's number. */
static void choose_scales(const struct tracks *t, uint64_t ret[TRACKS])
{
	static const enum track sampled[] = { TRACK_SLAB_LIVE,	 TRACK_SLAB_WASTE,
					      TRACK_SLAB_ALLOCS, TRACK_PAGES_LIVE,
					      TRACK_PAGE_ALLOCS, TRACK_FAULTS_MINOR,
					      TRACK_FAULTS_MAJOR };
	size_t i;

	for (i = 0; i < TRACKS; i++)
		ret[i] = 1;
	for (i = 0; i < ARRAY_SIZE(sampled); i++)
		ret[sampled[i]] = MAX(t->stream.start.sample, 1u);
}

static void note_limits(const struct tracks *t, struct report *r)
{
	const struct ledger_group *g;
	struct ledger_sums sums = { 0 };
	uint64_t unknown = 0;

	if (t->stream.start.sample > 1)
		report_add_note(r,
				"one allocation or fault in %s was followed: tracks of slab, pages "
				"and faults are estimates, and events are those that were followed",
				digits_grouped(t->stream.start.sample).s);
	vec_for_each(&t->ledger.groups, g)
		unknown += ledger_group_sums(&t->ledger, g, &sums) ? 0 : g->live;
	if (unknown)
		report_add_note(r,
				"the size of %s live slab objects never became known: they are not "
				"in the tracks of bytes",
				digits_grouped(unknown).s);
	if (t->pages.damaged)
		report_add_note(r,
				"%s events named blocks that no page allocator has: they were left "
				"out",
				digits_grouped(t->pages.damaged).s);
}

static int tracks_report(struct analyzer *a, struct report *r)
{
	struct tracks *t = (struct tracks *)a;
	bool chosen[TRACKS];
	uint64_t scales[TRACKS];
	int err = describe(t, r);

	if (err)
		return err;
	set_levels(t);
	choose_tracks(t, chosen);
	choose_scales(t, scales);
	steps_report(&t->steps, chosen, scales, r->end_ns, r);
	err = tracks_events_report(t, r);
	note_limits(t, r);
	return err ? err : r->oom ? -ENOMEM : 0;
}

const struct analyzer_ops tracks_analyzer = {
	.name = "tracks",
	.create = tracks_create,
	.consume = tracks_consume,
	.report = tracks_report,
	.each_live = tracks_each_live,
	.free = tracks_free,
};
