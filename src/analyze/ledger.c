// SPDX-License-Identifier: GPL-2.0
#include "analyze/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

#define MEMO_SIZE  1024 /* powers of two */
#define STRAY_SIZE 1024
#define SIZES_MAX  64 /* requested sizes of a row that are counted apart */

/* The group of an allocation that looked just the same, to save three look-ups. */
struct ledger_memo {
	uint64_t site, what;
	uint32_t kind, task, group; /* .task is the pid with --by pid */
};

/* Frees of unknown objects: a late allocation may belong to one. */
struct ledger_stray {
	uint64_t ptr, time;
};

int ledger_init(struct ledger *l, enum ledger_by by)
{
	size_t i;

	memset(l, 0, sizeof(*l));
	l->by = by;
	l->free_object = LEDGER_NONE;
	l->object_of.item_size = sizeof(struct ledger_object);
	l->stride = 1;
	stream_init(&l->stream);
	l->stream.frees_null = true;
	l->memo = calloc(MEMO_SIZE, sizeof(*l->memo));
	l->strays = calloc(STRAY_SIZE, sizeof(*l->strays));
	if (!l->memo || !l->strays)
		return -ENOMEM;
	for (i = 0; i < MEMO_SIZE; i++)
		l->memo[i].group = LEDGER_NONE;
	return 0;
}

void ledger_free(struct ledger *l)
{
	size_t i;

	for (i = 0; i < l->rows.n; i++)
		free(l->rows.items[i].samples);
	free(l->rows.items);
	free(l->groups.items);
	free(l->caches.items);
	free(l->objects.items);
	free(l->samples.items);
	u64map_free(&l->row_of);
	u64map_free(&l->group_of);
	u64map_free(&l->cache_of);
	u64index_free(&l->object_of);
	u64map_free(&l->sample_of);
	stream_free(&l->stream);
	free(l->memo);
	free(l->strays);
	memset(l, 0, sizeof(*l));
}

/* --- caches ------------------------------------------------------------------------------------- */

static uint32_t cache_add(struct ledger *l, uint64_t key, const struct ledger_cache *cache)
{
	struct ledger_cache *c = vec_add(&l->caches);

	if (!c || u64map_set(&l->cache_of, key, (uint32_t)(l->caches.n - 1))) {
		l->stream.oom = true;
		return LEDGER_NONE;
	}
	*c = *cache;
	return (uint32_t)(l->caches.n - 1);
}

/* As the kernel names its classes: kmalloc-192, kmalloc-cg-1k; mm/slab_common.c, kmalloc_info[]. */
static void kmalloc_name(const struct ledger *l, uint32_t size, uint32_t gfp, char *buf, size_t n)
{
	const char *type = "";

	if (size > l->stream.start.kmalloc_max && l->stream.start.kmalloc_max) {
		snprintf(buf, n, "kmalloc-large-%uk", size / 1024);
		return;
	}
	/* kmalloc_type() in include/linux/slab.h asks in this order */
	if (gfp & l->stream.start.gfp_dma)
		type = "dma-";
	else if (gfp & l->stream.start.gfp_reclaimable)
		type = "rcl-";
	else if (gfp & l->stream.start.gfp_account)
		type = "cg-";
	if (size >= 1024 && size % 1024 == 0)
		snprintf(buf, n, "kmalloc-%s%uk", type, size / 1024);
	else
		snprintf(buf, n, "kmalloc-%s%u", type, size);
}

/* The flags that decide which kind of kmalloc cache serves a request. */
static uint32_t gfp_type(const struct ledger *l, uint32_t gfp)
{
	if (gfp & l->stream.start.gfp_dma)
		return l->stream.start.gfp_dma;
	if (gfp & l->stream.start.gfp_reclaimable)
		return l->stream.start.gfp_reclaimable;
	return gfp & l->stream.start.gfp_account;
}

static uint32_t cache_of_sizes(struct ledger *l, const struct event_alloc *e)
{
	bool kmalloc = e->h.kind == EVENT_KMALLOC;
	uint32_t given = event_given(e->what);
	uint64_t key = kmalloc ? stream_mix(given, 1ull << 40 | gfp_type(l, e->gfp))
			       : stream_mix(e->what, 1ull << 41);
	uint32_t found = u64map_get(&l->cache_of, key);
	struct ledger_cache cache = {
		.known = true,
		.kmalloc = kmalloc,
		.slab_size = given,
		.object_size = kmalloc ? given : event_requested(e->what),
		.one_size = !kmalloc,
	};

	if (found != U64MAP_NONE)
		return found;
	if (kmalloc) {
		cache.page_backed =
			l->stream.start.kmalloc_max && given > l->stream.start.kmalloc_max;
		kmalloc_name(l, given, e->gfp, cache.name, sizeof(cache.name));
	}
	return cache_add(l, key, &cache);
}

static uint32_t cache_of_id(struct ledger *l, uint64_t id)
{
	uint32_t found = u64map_get(&l->cache_of, id);
	struct ledger_cache cache = { .one_size = true };

	return found != U64MAP_NONE ? found : cache_add(l, id, &cache);
}

/* What is live in @cache counted for nothing while its sizes were not known. */
static void cache_sized(struct ledger *l, uint32_t cache)
{
	uint64_t size = l->caches.items[cache].slab_size;
	const struct ledger_group *g;

	vec_for_each(&l->groups, g) {
		struct ledger_row *row = &l->rows.items[g->row];

		if (g->cache != cache)
			continue;
		row->live_bytes += g->live * size;
		row->peak_bytes = MAX(row->peak_bytes, row->live_bytes);
	}
}

static void enter_cache(struct ledger *l, const struct event_cache *e)
{
	uint32_t found = u64map_get(&l->cache_of, e->id);
	struct ledger_cache cache = {
		.known = true,
		.object_size = e->object_size,
		.slab_size = e->slab_size,
		.one_size = true,
	};
	struct ledger_cache *old = found != U64MAP_NONE ? &l->caches.items[found] : NULL;
	size_t i;

	memcpy(cache.name, e->name, sizeof(cache.name));
	cache.name[sizeof(cache.name) - 1] = '\0';
	if (old && old->known && old->object_size == cache.object_size &&
	    old->slab_size == cache.slab_size && !strcmp(old->name, cache.name))
		return;
	if (old && !old->known) {
		*old = cache; /* its first allocations came before its name */
		cache_sized(l, found);
		return;
	}
	/* a new cache where one was destroyed: what follows belongs to the new one */
	cache_add(l, e->id, &cache);
	for (i = 0; i < MEMO_SIZE; i++)
		l->memo[i].group = LEDGER_NONE;
}

/* --- rows and groups ------------------------------------------------------------------------------ */

static uint64_t row_key(const struct ledger *l, const struct event_alloc *e, uint32_t cache)
{
	uint32_t task = stream_task(&l->stream, &e->h);
	uint64_t words[2] = { 0 };

	switch (l->by) {
	case LEDGER_BY_SITE:
		break;
	case LEDGER_BY_CACHE:
		return cache;
	case LEDGER_BY_PID:
		return e->h.pid;
	case LEDGER_BY_CGROUP:
		return task == LEDGER_NONE ? 0 : l->stream.tasks.items[task].cgroup;
	case LEDGER_BY_COMM:
		if (task != LEDGER_NONE)
			memcpy(words, l->stream.tasks.items[task].comm, sizeof(words));
		return stream_mix(words[0], words[1]);
	}
	return e->site;
}

static uint32_t row_of(struct ledger *l, uint64_t key, uint32_t task)
{
	struct ledger_row *row;
	uint32_t found;

	/* of names the key is a hash: step on until it is the one meant */
	while ((found = u64map_get(&l->row_of, key)) != U64MAP_NONE) {
		row = &l->rows.items[found];
		if (l->by == LEDGER_BY_COMM && !stream_same_comm(&l->stream, row->task, task)) {
			key++;
			continue;
		}
		row->task = task;
		return found;
	}
	row = vec_add(&l->rows);
	if (!row || u64map_set(&l->row_of, key, (uint32_t)(l->rows.n - 1))) {
		l->stream.oom = true;
		return LEDGER_NONE;
	}
	row->key = key;
	row->task = task;
	return (uint32_t)(l->rows.n - 1);
}

/* Find or make the group of @row, @cache, @requested, site and task of @e. */
static uint32_t group_get(struct ledger *l, const struct event_alloc *e, uint32_t row,
			  uint32_t cache, uint32_t requested)
{
	uint32_t task = l->by == LEDGER_BY_SITE ? LEDGER_NONE : stream_task(&l->stream, &e->h);
	uint64_t key = stream_mix(stream_mix(e->site, row),
				  stream_mix((uint64_t)cache << 32 | requested, task));
	uint32_t found;
	struct ledger_group *g;

	/* the key is a hash: step on until it is the group meant */
	while ((found = u64map_get(&l->group_of, key)) != U64MAP_NONE) {
		g = &l->groups.items[found];
		if (g->site == e->site && g->row == row && g->cache == cache &&
		    g->requested == requested && g->task == task)
			return found;
		key++;
	}
	if (requested != LEDGER_MIXED_SIZES && l->rows.items[row].n_sizes >= SIZES_MAX)
		return group_get(l, e, row, cache, LEDGER_MIXED_SIZES);
	g = vec_add(&l->groups);
	if (!g || u64map_set(&l->group_of, key, (uint32_t)(l->groups.n - 1))) {
		l->stream.oom = true;
		return LEDGER_NONE;
	}
	*g = (struct ledger_group){
		.row = row, .cache = cache, .requested = requested, .task = task, .site = e->site
	};
	l->rows.items[row].n_sizes++;
	return (uint32_t)(l->groups.n - 1);
}

static uint32_t group_find(struct ledger *l, const struct event_alloc *e)
{
	uint32_t cache = e->h.flags & EVENT_SIZES ? cache_of_sizes(l, e) : cache_of_id(l, e->what);
	uint32_t requested = e->h.flags & EVENT_SIZES ? event_requested(e->what) : 0;
	uint32_t row;

	if (cache == LEDGER_NONE)
		return LEDGER_NONE;
	row = row_of(l, row_key(l, e, cache), stream_task(&l->stream, &e->h));
	return row == LEDGER_NONE ? row : group_get(l, e, row, cache, requested);
}

static uint32_t group_of(struct ledger *l, const struct event_alloc *e)
{
	uint32_t kind = e->h.kind | gfp_type(l, e->gfp) << 8 | (e->h.flags & EVENT_SIZES) << 6;
	uint32_t task = l->by == LEDGER_BY_SITE	 ? LEDGER_NONE
			: l->by == LEDGER_BY_PID ? e->h.pid
						 : stream_task(&l->stream, &e->h);
	uint64_t hash = (e->site ^ e->what * 31) * 0x9e3779b97f4a7c15ull;
	struct ledger_memo *m = &l->memo[hash >> 54 & (MEMO_SIZE - 1)];

	if (likely(m->group != LEDGER_NONE && m->site == e->site && m->what == e->what &&
		   m->kind == kind && m->task == task))
		return m->group;
	*m = (struct ledger_memo){
		.site = e->site,
		.what = e->what,
		.kind = kind,
		.task = task,
		.group = group_find(l, e),
	};
	return m->group;
}

/* --- objects ---------------------------------------------------------------------------------------- */

static uint32_t object_new(struct ledger *l)
{
	uint32_t i = l->free_object;

	if (i != LEDGER_NONE) {
		l->free_object = l->objects.items[i].next_free;
		return i;
	}
	if (l->objects.n >= LEDGER_NONE || !vec_add(&l->objects)) {
		l->stream.oom = true;
		return LEDGER_NONE;
	}
	return (uint32_t)(l->objects.n - 1);
}

static void object_release(struct ledger *l, uint32_t i)
{
	struct ledger_object *o = &l->objects.items[i];

	o->ptr = 0;
	o->next_free = l->free_object;
	l->free_object = i;
	l->n_live--;
}

/* Take the object at pool place @i off its group; whether it was freed or implied is the caller's. */
static void group_remove(struct ledger *l, const struct ledger_object *o)
{
	struct ledger_group *g = &l->groups.items[o->group];

	g->live--;
	g->live_req -= o->requested;
	l->rows.items[g->row].live_bytes -= l->caches.items[g->cache].slab_size;
}

static void enter_sample(struct ledger *l, uint32_t row, int32_t stack)
{
	uint64_t key = (uint64_t)row << 32 | (uint32_t)stack;
	uint32_t found = u64map_get(&l->sample_of, key);

	if (found == U64MAP_NONE) {
		struct ledger_sample *s = vec_add(&l->samples);

		found = (uint32_t)(l->samples.n - 1);
		if (!s || u64map_set(&l->sample_of, key, found)) {
			l->stream.oom = true;
			return;
		}
		s->row = row;
		s->stack = (uint32_t)stack;
	}
	l->samples.items[found].n++;
}

/* The address is in use although no free of its last object was seen. */
static uint32_t imply_free(struct ledger *l, struct ledger_object *o)
{
	uint32_t predecessor = o->group;

	if (predecessor == LEDGER_NONE)
		return LEDGER_NONE; /* kmscope's own */
	group_remove(l, o);
	l->groups.items[predecessor].implied++;
	l->stream.quality.frees_implied_reuse++;
	return predecessor;
}

/* A late allocation whose free has come already: it is complete, and was never live. */
static bool free_came_first(struct ledger *l, const struct event_alloc *e)
{
	struct ledger_stray *s = &l->strays[stream_mix(e->ptr, 0) & (STRAY_SIZE - 1)];

	if (e->h.time >= l->stream.last_time || s->ptr != e->ptr || s->time < e->h.time)
		return false;
	s->ptr = 0;
	l->stream.quality.frees_unknown--;
	l->stream.quality.frees_matched++;
	return true;
}

static void group_add(struct ledger *l, uint32_t group, uint32_t requested)
{
	struct ledger_group *g = &l->groups.items[group];
	struct ledger_row *row = &l->rows.items[g->row];

	g->live++;
	g->live_req += requested;
	row->live_bytes += l->caches.items[g->cache].slab_size;
	if (row->live_bytes > row->peak_bytes)
		row->peak_bytes = row->live_bytes;
}

/* A late allocation of @group had the address before @o: its free is not seen, or still to come. */
static void enter_predecessor(struct ledger *l, struct ledger_object *o, uint32_t group)
{
	if (group == LEDGER_NONE)
		return; /* kmscope's own */
	l->groups.items[group].implied++;
	l->stream.quality.frees_implied_reuse++;
	if (o->predecessor == LEDGER_NONE)
		o->predecessor = group;
}

/* Whether @e, marked EVENT_AGAIN, is about @o: its first half may have been lost. */
static bool same_allocation(const struct ledger *l, const struct ledger_object *o,
			    const struct event_alloc *e, uint32_t requested)
{
	return o->group != LEDGER_NONE && o->requested == requested && o->pid == e->h.pid &&
	       l->groups.items[o->group].allocs;
}

/* As if @o had never been allocated. */
static void undo_alloc(struct ledger *l, const struct ledger_object *o)
{
	struct ledger_group *g = &l->groups.items[o->group];

	group_remove(l, o);
	g->allocs--;
	g->bytes_req -= o->requested;
	l->stream.quality.allocs--;
}

/* Make @e the object at its address. */
static void object_enter(struct ledger *l, const struct event_alloc *e, uint32_t group)
{
	uint32_t i = u64index_get(&l->object_of, l->objects.items, e->ptr),
		 predecessor = LEDGER_NONE;
	uint32_t requested = e->h.flags & EVENT_SIZES ? event_requested(e->what) : 0;

	if (i != U64INDEX_NONE && unlikely(e->h.time < l->objects.items[i].time)) {
		enter_predecessor(l, &l->objects.items[i], group);
		return;
	}
	if (i != U64INDEX_NONE && unlikely(e->h.flags & EVENT_AGAIN) &&
	    same_allocation(l, &l->objects.items[i], e, requested)) {
		predecessor = l->objects.items[i].predecessor;
		undo_alloc(l, &l->objects.items[i]);
	} else if (i != U64INDEX_NONE) {
		predecessor = imply_free(l, &l->objects.items[i]);
	} else {
		i = object_new(l);
		if (i == LEDGER_NONE)
			return;
		if (u64index_add(&l->object_of, e->ptr, i)) {
			l->stream.oom = true;
			return;
		}
		l->n_live++;
	}
	l->objects.items[i] = (struct ledger_object){
		.ptr = e->ptr,
		.time = e->h.time,
		.group = group,
		.requested = requested,
		.stack = stream_stack(&l->stream, e->stack, e->site),
		.pid = e->h.pid,
		.predecessor = predecessor,
		.next_free = LEDGER_NONE,
	};
	if (group != LEDGER_NONE)
		group_add(l, group, requested);
}

static void enter_reuse(struct ledger *l, const struct event_alloc *e)
{
	uint32_t i = u64index_get(&l->object_of, l->objects.items, e->ptr);

	l->stream.quality.filtered++;
	if (i == U64INDEX_NONE || e->h.time < l->objects.items[i].time)
		return;
	u64index_remove(&l->object_of, e->ptr, i);
	imply_free(l, &l->objects.items[i]);
	object_release(l, i);
}

static void enter_alloc(struct ledger *l, const struct event_alloc *e)
{
	struct ledger_group *g;
	uint32_t group;

	if (unlikely(e->h.flags & (EVENT_OWN | EVENT_REUSE))) {
		if (e->h.flags & EVENT_REUSE) {
			enter_reuse(l, e);
			return;
		}
		l->stream.quality.own++;
		if (e->ptr > ZERO_SIZE_PTR_VALUE)
			object_enter(l, e, LEDGER_NONE);
		return;
	}
	l->stream.quality.analysed++;
	if (unlikely(e->ptr == ZERO_SIZE_PTR_VALUE))
		return;
	group = group_of(l, e);
	if (group == LEDGER_NONE)
		return;
	g = &l->groups.items[group];
	if (unlikely(!e->ptr)) {
		g->failed++;
		l->stream.quality.failed++;
		return;
	}
	l->stream.quality.allocs++;
	g->allocs++;
	g->bytes_req += e->h.flags & EVENT_SIZES ? event_requested(e->what) : 0;
	if (e->stack >= 0)
		enter_sample(l, g->row, stream_stack(&l->stream, e->stack, e->site));
	else if (e->stack == -2)
		l->stream.quality.stacks_lost++;
	if (unlikely(free_came_first(l, e)))
		g->frees++;
	else
		object_enter(l, e, group);
}

static void enter_free(struct ledger *l, const struct event_free *e)
{
	uint32_t i = u64index_get(&l->object_of, l->objects.items, e->ptr);
	struct ledger_object *o = i == U64INDEX_NONE ? NULL : &l->objects.items[i];

	if (o && o->group == LEDGER_NONE && e->h.time >= o->time) {
		l->stream.quality.own++;
		u64index_remove(&l->object_of, e->ptr, i);
		object_release(l, i);
		return;
	}
	l->stream.quality.analysed++;
	if (!o) {
		struct ledger_stray *s = &l->strays[stream_mix(e->ptr, 0) & (STRAY_SIZE - 1)];

		*s = (struct ledger_stray){ .ptr = e->ptr, .time = e->h.time };
		l->stream.quality.frees_unknown++;
		return;
	}
	if (unlikely(e->h.time < o->time)) {
		/* older than the live object: it ended the one before, which was implied free */
		if (o->predecessor == LEDGER_NONE) {
			l->stream.quality.frees_unknown++;
			return;
		}
		l->groups.items[o->predecessor].implied--;
		l->groups.items[o->predecessor].frees++;
		o->predecessor = LEDGER_NONE;
		l->stream.quality.frees_implied_reuse--;
		l->stream.quality.frees_matched++;
		return;
	}
	l->stream.quality.frees_matched++;
	l->groups.items[o->group].frees++;
	group_remove(l, o);
	u64index_remove(&l->object_of, e->ptr, i);
	object_release(l, i);
}

/* --- the other records ------------------------------------------------------------------------------ */

/* Note what is live in each row. When the room is used up every other sample is dropped. */
static void enter_tick(struct ledger *l)
{
	struct ledger_row *row;
	uint64_t i;

	if (l->n_ticks++ % l->stride)
		return;
	if (l->n_samples == LEDGER_SAMPLES) {
		vec_for_each(&l->rows, row)
			for (i = 0; row->samples && i < LEDGER_SAMPLES / 2; i++)
				row->samples[i] = row->samples[2 * i];
		l->n_samples /= 2;
		l->stride *= 2;
	}
	vec_for_each(&l->rows, row) {
		if (!row->samples && row->live_bytes) {
			row->samples = calloc(LEDGER_SAMPLES, sizeof(*row->samples));
			if (!row->samples)
				l->stream.oom = true;
		}
		if (row->samples)
			row->samples[l->n_samples] = row->live_bytes;
	}
	l->n_samples++;
}

static void enter(struct ledger *l, const struct event_header *h)
{
	switch (h->kind) {
	case EVENT_KMALLOC:
	case EVENT_CACHE_ALLOC:
		enter_alloc(l, (const struct event_alloc *)h);
		break;
	case EVENT_KFREE:
	case EVENT_CACHE_FREE:
		enter_free(l, (const struct event_free *)h);
		break;
	case EVENT_CACHE:
		enter_cache(l, (const struct event_cache *)h);
		break;
	case EVENT_TICK:
		enter_tick(l);
		stream_enter(&l->stream, h);
		return;
	default:
		stream_enter(&l->stream, h);
		return;
	}
	stream_order(&l->stream, h);
}

void ledger_consume(struct ledger *l, const struct event_header *const *records, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		enter(l, records[i]);
}
