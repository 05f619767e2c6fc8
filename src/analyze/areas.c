// SPDX-License-Identifier: GPL-2.0
#include "analyze/areas.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "procfs/keys.h"

const char *const area_kind_names[AREA_KINDS] = {
	[AREA_KIND_OTHER] = "other",	 [AREA_KIND_VMALLOC] = "vmalloc",
	[AREA_KIND_VMAP] = "vmap",	 [AREA_KIND_MAP_RAM] = "vm_map_ram",
	[AREA_KIND_IOREMAP] = "ioremap",
};

void areas_init(struct areas *a)
{
	memset(a, 0, sizeof(*a));
	stream_init(&a->stream);
	a->free_area = STREAM_NONE;
	a->pages_used = a->lazy = a->lazy_max = AREAS_UNKNOWN;
}

void areas_free(struct areas *a)
{
	size_t i;

	for (i = 0; i < a->callers.n; i++)
		free(a->callers.items[i].name);
	free(a->callers.items);
	free(a->sites.items);
	free(a->pool.items);
	free(a->waiting.items);
	free(a->allocators.items);
	u64map_free(&a->site_of);
	u64map_free(&a->area_of);
	free(a->failures.items);
	u64map_free(&a->freed_of);
	u64map_free(&a->before_of);
	u64map_free(&a->own_of);
	stream_free(&a->stream);
	memset(a, 0, sizeof(*a));
}

static enum area_kind kind_named(const char *name)
{
	size_t i;

	for (i = 0; i < AREA_KINDS; i++)
		if (!strcmp(name, area_kind_names[i]))
			return (enum area_kind)i;
	return AREA_KIND_OTHER;
}

static void remember(struct areas *a, struct u64map *map, uint64_t key, uint32_t value)
{
	if (u64map_set(map, key, value))
		a->stream.oom = true;
}

/* --- who asks ------------------------------------------------------------------------------------------ */

static const struct area_allocator *allocator_at(const struct areas *a, uint64_t address)
{
	const struct area_allocator *allocator;

	/* a call may be the last instruction of a function: its return address then is the next one's */
	vec_for_each(&a->allocators, allocator)
		if ((address > allocator->start && address <= allocator->end) ||
		    (allocator->hides && address == allocator->start))
			return allocator;
	return NULL;
}

uint64_t areas_asker(const struct areas *a, int32_t stack, enum area_kind *ret_kind)
{
	const struct stream_stack *s;
	bool inside = false;
	uint32_t i;

	*ret_kind = AREA_KIND_OTHER;
	if (stack < 0 || (size_t)stack >= a->stream.stacks.n)
		return 0;
	s = &a->stream.stacks.items[stack];
	for (i = 0; i < s->n; i++) {
		const struct area_allocator *allocator = allocator_at(a, s->frames[i]);

		if (allocator && allocator->hides)
			return 0;
		if (allocator && allocator->kind != AREA_KIND_OTHER)
			*ret_kind = (enum area_kind)allocator->kind;
		/* the tracer's own frames come before them */
		if (allocator)
			inside = true;
		else if (inside)
			return s->frames[i];
	}
	return 0;
}

static uint32_t site_get(struct areas *a, uint64_t site, enum area_kind kind)
{
	uint64_t key = stream_mix(site, kind);
	uint32_t found;
	struct area_site *s;

	while ((found = u64map_get(&a->site_of, key)) != U64MAP_NONE) {
		s = &a->sites.items[found];
		if (s->site == site && s->kind == kind)
			return found;
		key++;
	}
	s = vec_add(&a->sites);
	if (!s) {
		a->stream.oom = true;
		return STREAM_NONE;
	}
	remember(a, &a->site_of, key, (uint32_t)(a->sites.n - 1));
	s->site = site;
	s->kind = (uint8_t)kind;
	s->stack = STREAM_NONE;
	return (uint32_t)(a->sites.n - 1);
}

static uint32_t caller_get(struct areas *a, const struct vmalloc_area *v)
{
	enum area_kind kind = kind_named(vmalloc_area_kind(v));
	struct area_caller *c;
	size_t i;

	for (i = 0; i < a->callers.n; i++) {
		c = &a->callers.items[i];
		if (c->kind == kind &&
		    (c->name && v->caller ? !strcmp(c->name, v->caller) : c->name == v->caller))
			return (uint32_t)i;
	}
	c = vec_add(&a->callers);
	if (c && v->caller)
		c->name = strdup(v->caller);
	if (!c || (v->caller && !c->name)) {
		a->stream.oom = true;
		return STREAM_NONE;
	}
	c->kind = (uint8_t)kind;
	return (uint32_t)(a->callers.n - 1);
}

/* --- areas --------------------------------------------------------------------------------------------- */

static struct area *area_at(struct areas *a, uint64_t address)
{
	uint32_t found = u64map_get(&a->area_of, address);

	return found == U64MAP_NONE ? NULL : &a->pool.items[found];
}

static struct area *area_new(struct areas *a, uint64_t address, uint64_t bytes)
{
	uint32_t i = a->free_area;
	struct area *area;

	if (i != STREAM_NONE) {
		a->free_area = a->pool.items[i].next;
	} else if (vec_add(&a->pool)) {
		i = (uint32_t)(a->pool.n - 1);
	} else {
		a->stream.oom = true;
		return NULL;
	}
	area = &a->pool.items[i];
	*area = (struct area){
		.address = address,
		.bytes = bytes,
		.site = STREAM_NONE,
		.caller = STREAM_NONE,
		.task = STREAM_NONE,
		.stack = STREAM_NONE,
		.next = STREAM_NONE,
	};
	remember(a, &a->area_of, address, i);
	a->n_live++;
	return area;
}

/* Nothing holds it any more; what that means for the sums is the caller's. */
static void area_drop(struct areas *a, struct area *area)
{
	u64map_remove(&a->area_of, area->address);
	area->address = AREA_FREE_ENTRY;
	area->next = a->free_area;
	a->free_area = (uint32_t)(area - a->pool.items);
	a->n_live--;
}

/* An area is gone at @time, or, with @implied, its address was given out again. */
static void area_end(struct areas *a, struct area *area, uint64_t time, bool implied)
{
	uint64_t age = time > area->time ? time - area->time : 0;

	if (area->caller != STREAM_NONE) {
		a->callers.items[area->caller].freed++;
	} else if (area->site != STREAM_NONE && !area->own) {
		struct area_site *s = &a->sites.items[area->site];

		s->live--;
		s->live_bytes -= area->bytes;
		if (implied) {
			s->implied++;
		} else {
			s->frees++;
			s->lifetime_ns += age;
			a->lifetimes[durations_bucket(age)]++;
		}
	}
	area_drop(a, area);
}

static void site_add(struct area_site *s, const struct area *area, uint64_t page)
{
	s->allocs++;
	s->bytes += area->bytes;
	s->live++;
	s->live_bytes += area->bytes;
	s->small += area->bytes <= page;
}

static void site_remove(struct area_site *s, const struct area *area, uint64_t page)
{
	s->allocs--;
	s->bytes -= area->bytes;
	s->live--;
	s->live_bytes -= area->bytes;
	s->small -= area->bytes <= page;
}

/* Its call or mapping told who asked: count it there instead. */
static void area_move(struct areas *a, struct area *area, uint64_t site, enum area_kind kind)
{
	uint32_t to = site_get(a, site, kind);

	if (to == area->site || to == STREAM_NONE || area->site == STREAM_NONE)
		return;
	site_remove(&a->sites.items[area->site], area, a->stream.start.page_size);
	site_add(&a->sites.items[to], area, a->stream.start.page_size);
	area->site = to;
	area->kind = (uint8_t)kind;
}

static void count_size(struct areas *a, uint64_t bytes)
{
	uint64_t pages = bytes / MAX(a->stream.start.page_size, 1u);

	a->sizes[pages ? 63 - __builtin_clzll(pages) : 0]++;
}

static struct area_failure *failure_of(struct areas *a, uint32_t pid)
{
	struct area_failure *f;

	vec_for_each(&a->failures, f)
		if (f->pid == pid)
			return f;
	return NULL;
}

static void failure_drop(struct areas *a, struct area_failure *f)
{
	*f = a->failures.items[--a->failures.n];
}

static void count_failure(struct areas *a, uint32_t site)
{
	a->stream.quality.failed++;
	a->sites.items[site].failed++;
}

/* It was not tried again: the request failed. */
static void failure_commit(struct areas *a, struct area_failure *f)
{
	count_failure(a, f->site);
	failure_drop(a, f);
}

/* There is no room for @e, asked for at @site: it may be tried again. */
static void enter_failure(struct areas *a, const struct event_area *e, uint32_t site)
{
	struct area_failure *f = failure_of(a, e->h.pid);

	if (f && f->bytes == e->bytes)
		failure_drop(a, f);
	else if (f)
		failure_commit(a, f);
	f = vec_add(&a->failures);
	if (f)
		*f = (struct area_failure){ e->h.time, e->bytes, site, e->h.pid };
	else
		a->stream.oom = true;
}

static void enter_alloc(struct areas *a, const struct event_area *e)
{
	struct quality *q = &a->stream.quality;
	uint64_t page = a->stream.start.page_size;
	enum area_kind kind;
	uint64_t asker = areas_asker(a, e->stack, &kind), bytes = e->bytes;
	struct area_failure *failure;
	struct area *area;

	stream_order(&a->stream, &e->h);
	/* the guard page, which all others have that were not asked for with VM_NO_GUARD */
	if (kind != AREA_KIND_MAP_RAM && bytes > page)
		bytes -= page;
	if (e->h.flags & EVENT_OWN)
		q->own++;
	else
		q->analysed++;
	area = e->address ? area_at(a, e->address) : NULL;
	if (area) {
		q->frees_implied_reuse += area->time && !area->own;
		area_end(a, area, e->h.time, true);
	}
	if (e->h.flags & EVENT_REUSE)
		return;
	if (!e->address) {
		uint32_t site = site_get(a, asker, kind);

		if (e->h.flags & EVENT_OWN || site == STREAM_NONE)
			return;
		enter_failure(a, e, site);
		return;
	}
	failure = failure_of(a, e->h.pid);
	if (failure && failure->bytes == e->bytes)
		failure_drop(a, failure);
	else if (failure)
		failure_commit(a, failure);
	area = area_new(a, e->address, bytes);
	if (!area)
		return;
	area->time = e->h.time;
	area->kind = (uint8_t)kind;
	area->pid = e->h.pid;
	area->task = stream_task(&a->stream, &e->h);
	area->own = e->h.flags & EVENT_OWN;
	area->stack = e->stack < 0 ? STREAM_NONE : (uint32_t)e->stack;
	if (area->own)
		return;
	q->allocs++;
	area->site = site_get(a, asker, kind);
	if (area->site == STREAM_NONE)
		return;
	site_add(&a->sites.items[area->site], area, page);
	if (area->stack != STREAM_NONE)
		a->sites.items[area->site].stack = area->stack;
	count_size(a, bytes);
}

static void wait_for_purge(struct areas *a, const struct event_area_free *e)
{
	struct area_waiting *w;

	if (!(a->stream.start.hooked & HOOKED_PURGE))
		return;
	if (a->waiting.n >= AREAS_WAITING_MAX) {
		a->unmeasured++;
		return;
	}
	w = vec_add(&a->waiting);
	if (w)
		*w = (struct area_waiting){ e->address, e->h.time };
	else
		a->stream.oom = true;
}

static void enter_free(struct areas *a, const struct event_area_free *e)
{
	struct quality *q = &a->stream.quality;
	struct area *area = area_at(a, e->address);

	stream_order(&a->stream, &e->h);
	if (e->lazy != EVENT_AREA_UNKNOWN) {
		a->lazy = e->lazy;
		a->lazy_max = e->lazy_max;
		a->lazy_time = e->h.time;
		a->lazy_peak = MAX(a->lazy_peak, e->lazy);
	}
	wait_for_purge(a, e);
	if (!a->looked && !a->ticked)
		remember(a, &a->freed_of, e->address, 1);
	u64map_remove(&a->own_of, e->address);
	if (area && area->own) {
		q->own++;
		area_end(a, area, e->h.time, false);
		return;
	}
	q->analysed++;
	/* older than what lives there now: its own area's allocation is not known */
	if (!area || area->time > e->h.time) {
		q->frees_unknown++;
		return;
	}
	if (area->time)
		q->frees_matched++;
	else
		q->frees_unknown++;
	area_end(a, area, e->h.time, false);
}

/*
 * It is told when it has ended, and took what waited when it began: the oldest ones, as many as it says,
 * so that areas that were freed meanwhile go on waiting.
 */
static void enter_purge(struct areas *a, const struct event_area_purge *e)
{
	uint64_t most = e->areas; /* EVENT_AREA_UNKNOWN: all */
	size_t i, left = 0;

	stream_order(&a->stream, &e->h);
	a->stream.quality.analysed++;
	a->purges++;
	a->purge_time = e->h.time;
	for (i = 0; i < a->waiting.n; i++) {
		struct area_waiting *w = &a->waiting.items[i];
		uint64_t waited = e->h.time - w->time;

		if (!most || w->time > e->h.time || w->address < e->start || w->address >= e->end) {
			a->waiting.items[left++] = *w;
			continue;
		}
		most--;
		a->purged++;
		a->waited_ns += waited;
		a->waited_max_ns = MAX(a->waited_max_ns, waited);
		a->waits[durations_bucket(waited)]++;
	}
	a->waiting.n = left;
}

static void enter_pages(struct areas *a, const struct event_area_pages *e)
{
	struct area *area = area_at(a, e->address);
	uint64_t page = MAX(a->stream.start.page_size, 1u);

	stream_order(&a->stream, &e->h);
	if (area && area->own) {
		a->stream.quality.own++;
		return;
	}
	a->stream.quality.analysed++;
	if (!area)
		return;
	area->pages = e->pages;
	area->runs = e->runs;
	area->huge = e->shift && 1ull << (e->shift & 63) > page;
}

/* Pages were asked for: by whom, how many bytes, and how long it took. */
static void enter_call(struct areas *a, const struct event_vmalloc *e)
{
	struct area *area = e->address ? area_at(a, e->address) : NULL;
	struct area_failure *failure = failure_of(a, e->h.pid);
	uint64_t took = e->h.time > e->began ? e->h.time - e->began : 0;
	struct area_site *s;
	uint32_t at;

	stream_order(&a->stream, &e->h);
	if (area && area->own) {
		a->stream.quality.own++;
		return;
	}
	a->stream.quality.analysed++;
	/* no room for one of its attempts: it is the call that failed, or not */
	if (failure && failure->time >= e->began)
		failure_drop(a, failure);
	/* the mark of somebody else's area may have let it through */
	if (e->address && !area && a->stream.start.selected)
		return;
	/* a call chain tells more, as the site may be in a function that is called for others */
	if (area && area->site != STREAM_NONE && a->sites.items[area->site].site)
		at = area->site;
	else
		at = site_get(a, e->site, AREA_KIND_VMALLOC);
	if (at == STREAM_NONE)
		return;
	if (area) {
		area->requested = e->bytes;
		area_move(a, area, a->sites.items[at].site, AREA_KIND_VMALLOC);
		at = area->site == STREAM_NONE ? at : area->site;
	}
	if (!e->address)
		count_failure(a, at);
	s = &a->sites.items[at];
	s->calls++;
	s->requested += e->bytes;
	s->call_ns += took;
	s->call_max_ns = MAX(s->call_max_ns, took);
	a->costs[durations_bucket(took)]++;
}

static void enter_ioremap(struct areas *a, const struct event_ioremap *e)
{
	uint64_t page = MAX(a->stream.start.page_size, 1u);
	struct area *area = e->address ? area_at(a, e->address & ~(page - 1)) : NULL;
	enum area_kind kind;
	uint64_t asker = areas_asker(a, e->stack, &kind);

	stream_order(&a->stream, &e->h);
	a->stream.quality.analysed++;
	if (!area)
		return;
	area->has_phys = true;
	area->phys = e->phys;
	area->requested = e->bytes;
	area_move(a, area, asker ? asker : e->site, AREA_KIND_IOREMAP);
	if (area->site != STREAM_NONE)
		a->sites.items[area->site].requested += e->bytes;
}

/* --- what /proc says ----------------------------------------------------------------------------------- */

/* Lines «0xSTART 0xEND KIND NAME». */
static void enter_allocators(struct areas *a, const char *text)
{
	while (*text) {
		struct area_allocator *allocator;
		uint64_t start, end;
		char kind[16];

		if (sscanf(text, "0x%" SCNx64 " 0x%" SCNx64 " %15s", &start, &end, kind) == 3) {
			allocator = vec_add(&a->allocators);
			if (!allocator) {
				a->stream.oom = true;
				return;
			}
			*allocator = (struct area_allocator){
				.start = start,
				.end = end,
				.kind = (uint8_t)kind_named(kind),
				.hides = !strcmp(kind, "hidden"),
			};
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}

/* Whether an area that came while programs were loaded is for them: others come meanwhile, too. */
static bool is_bpf(const char *caller)
{
	static const char *const words[] = { "bpf",	  "ringbuf_",  "htab_", "array_map",
					     "stack_map", "prealloc_", "perf_", "rb_alloc" };
	size_t i;

	for (i = 0; caller && i < ARRAY_SIZE(words); i++)
		if (strstr(caller, words[i]))
			return true;
	return false;
}

/* An area that was there before, unless events have told of it, or of its end. */
static void enter_existing(struct areas *a, const struct vmalloc_area *v, bool hidden)
{
	uint64_t page = a->stream.start.page_size, bytes = v->bytes;
	uint32_t caller;
	struct area *area;

	if (!hidden && (area_at(a, v->start) || u64map_get(&a->freed_of, v->start) != U64MAP_NONE))
		return;
	if (!v->map_ram && bytes > page)
		bytes -= page;
	/* hashed addresses stay the same until the next boot: they tell areas apart all the same */
	if (a->before && is_bpf(v->caller) && u64map_get(&a->before_of, v->start) == U64MAP_NONE) {
		a->own_areas++;
		a->own_bytes += bytes;
		remember(a, &a->own_of, v->start, 1);
		return;
	}
	caller = caller_get(a, v);
	if (caller == STREAM_NONE)
		return;
	a->callers.items[caller].areas++;
	a->callers.items[caller].bytes += bytes;
	a->callers.items[caller].pages += v->pages;
	/* with a selection its free is not told */
	if (hidden || a->stream.start.selected)
		return;
	area = area_new(a, v->start, bytes);
	if (!area)
		return;
	area->caller = caller;
	area->kind = a->callers.items[caller].kind;
	area->phys = v->phys;
	area->has_phys = v->has_phys;
	area->pages = (uint32_t)v->pages;
}

static void add_totals(struct areas *a, const struct vmallocinfo *info)
{
	struct area_totals *t = &a->end;
	const struct vmalloc_area *v;

	memset(t, 0, sizeof(*t));
	t->known = true;
	vec_for_each(info, v) {
		enum area_kind kind = kind_named(vmalloc_area_kind(v));
		uint64_t bytes = v->bytes;

		if (v->unpurged) {
			t->unpurged++;
			t->unpurged_bytes += bytes;
			continue;
		}
		t->all++;
		t->all_bytes += bytes;
		if (u64map_get(&a->own_of, v->start) != U64MAP_NONE)
			continue;
		t->areas[kind]++;
		t->bytes[kind] += bytes;
	}
}

static void enter_vmallocinfo(struct areas *a, const struct event_snapshot *e)
{
	_cleanup_(vmallocinfo_free) struct vmallocinfo info = { 0 };
	const struct vmalloc_area *v;

	if (vmallocinfo_parse((const char *)e->data, &info, NULL))
		return;
	if (e->h.time < a->stream.start.h.time) {
		vec_for_each(&info, v)
			remember(a, &a->before_of, v->start, 1);
		a->before = true;
		return;
	}
	if (!a->looked) {
		a->hidden = info.hidden;
		vec_for_each(&info, v)
			if (!v->unpurged)
				enter_existing(a, v, info.hidden);
	}
	add_totals(a, &info);
	a->look_time = e->h.time;
	if (a->looked)
		return;
	a->start = a->end;
	a->looked = true;
	u64map_free(&a->freed_of);
	a->freed_of = (struct u64map){ 0 };
}

static void enter_snapshot(struct areas *a, const struct event_snapshot *e)
{
	const char *text = (const char *)e->data;

	switch ((enum snapshot_file)e->h.flags) {
	case SNAPSHOT_ALLOCATORS:
		enter_allocators(a, text);
		break;
	case SNAPSHOT_VMALLOCINFO:
		enter_vmallocinfo(a, e);
		break;
	case SNAPSHOT_MEMINFO:
		keys_kb(text, "VmallocTotal:", &a->range_bytes);
		keys_kb(text, "VmallocUsed:", &a->pages_used);
		break;
	default: /* not of areas */
		break;
	}
}

void areas_consume(struct areas *a, const struct event_header *const *records, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct event_header *h = records[i];

		switch (h->kind) {
		case EVENT_AREA_ALLOC:
			enter_alloc(a, (const struct event_area *)h);
			break;
		case EVENT_AREA_FREE:
			enter_free(a, (const struct event_area_free *)h);
			break;
		case EVENT_AREA_PURGE:
			enter_purge(a, (const struct event_area_purge *)h);
			break;
		case EVENT_AREA_PAGES:
			enter_pages(a, (const struct event_area_pages *)h);
			break;
		case EVENT_VMALLOC:
			enter_call(a, (const struct event_vmalloc *)h);
			break;
		case EVENT_IOREMAP:
			enter_ioremap(a, (const struct event_ioremap *)h);
			break;
		case EVENT_IOUNMAP: /* its area is freed next, which is told */
			stream_order(&a->stream, h);
			a->stream.quality.analysed++;
			break;
		case EVENT_SNAPSHOT:
			enter_snapshot(a, (const struct event_snapshot *)h);
			break;
		case EVENT_TICK: /* nobody will ask any more what was freed before the first look */
			a->ticked = true;
			u64map_free(&a->freed_of);
			a->freed_of = (struct u64map){ 0 };
			stream_enter(&a->stream, h);
			break;
		default:
			stream_enter(&a->stream, h);
		}
	}
}

uint64_t areas_failed(const struct areas *a, uint32_t site)
{
	uint64_t n = a->sites.items[site].failed;
	const struct area_failure *f;

	vec_for_each(&a->failures, f)
		n += f->site == site;
	return n;
}

void areas_each_live(const struct areas *a, void (*visit)(void *ctx, uint64_t address), void *ctx)
{
	const struct area *area;

	vec_for_each(&a->pool, area)
		if (area_in_use(area))
			visit(ctx, area->address);
}
