// SPDX-License-Identifier: GPL-2.0
#include "analyze/mappings.h"

#include <string.h>

#include "base/vec.h"

#define FREE_ENTRY UINT64_MAX /* .virt of a free entry of the pool */

void mappings_init(struct mappings *m)
{
	memset(m, 0, sizeof(*m));
	m->free_mapped = STREAM_NONE;
}

void mappings_free(struct mappings *m)
{
	struct mapping *item;

	vec_for_each(&m->items, item)
		free(item->caller);
	free(m->items.items);
	free(m->pool.items);
	u64map_free(&m->mapping_of);
	u64map_free(&m->mapped_of);
	memset(m, 0, sizeof(*m));
}

static uint64_t page_of(const struct stream *s, uint64_t address)
{
	return address & ~((uint64_t)MAX(s->start.page_size, 1u) - 1);
}

static bool same_caller(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static uint64_t text_hash(const char *text)
{
	uint64_t hash = 0;

	for (; text && *text; text++)
		hash = stream_mix(hash, (unsigned char)*text);
	return hash;
}

/* The entry like @like, made if need be; STREAM_NONE: no memory. */
static uint32_t mapping_get(struct mappings *m, struct stream *s, const struct mapping *like)
{
	uint64_t key = stream_mix(stream_mix(like->phys, like->bytes),
				  stream_mix(like->site ^ text_hash(like->caller),
					     like->mode << 8 | like->function));
	struct mapping *item;
	uint32_t found;

	while ((found = u64map_get(&m->mapping_of, key)) != U64MAP_NONE) {
		item = &m->items.items[found];
		if (item->phys == like->phys && item->bytes == like->bytes &&
		    item->site == like->site && item->mode == like->mode &&
		    item->function == like->function && same_caller(item->caller, like->caller))
			return found;
		key++;
	}
	item = vec_add(&m->items);
	if (!item || u64map_set(&m->mapping_of, key, (uint32_t)(m->items.n - 1))) {
		s->oom = true;
		return STREAM_NONE;
	}
	*item = *like;
	item->task = item->stack = STREAM_NONE;
	if (like->caller) {
		item->caller = strdup(like->caller);
		s->oom |= !item->caller;
	}
	return (uint32_t)(m->items.n - 1);
}

static void mapped_drop(struct mappings *m, uint32_t i)
{
	struct mapped *mapped = &m->pool.items[i];

	u64map_remove(&m->mapped_of, mapped->virt);
	m->items.items[mapped->mapping].live--;
	mapped->virt = FREE_ENTRY;
	mapped->next = m->free_mapped;
	m->free_mapped = i;
}

static void mapped_add(struct mappings *m, struct stream *s, const struct mapped *what)
{
	uint32_t i = m->free_mapped;

	if (i != STREAM_NONE) {
		m->free_mapped = m->pool.items[i].next;
	} else if (vec_add(&m->pool)) {
		i = (uint32_t)(m->pool.n - 1);
	} else {
		s->oom = true;
		return;
	}
	m->pool.items[i] = *what;
	m->items.items[what->mapping].live++;
	if (u64map_set(&m->mapped_of, what->virt, i))
		s->oom = true;
}

void mappings_enter(struct mappings *m, struct stream *s, const struct event_ioremap *e,
		    uint64_t asker)
{
	struct mapping like = {
		.phys = e->phys,
		.bytes = e->bytes,
		.site = asker ? asker : e->site,
		.mode = e->mode,
		.function = (uint8_t)e->function,
		.has_phys = true,
	};
	uint64_t virt = page_of(s, e->address);
	uint32_t i, before;
	struct mapping *item;

	/* the module tells of it, too, after the function it called */
	if (e->address && e->function == IOREMAP_MODULE &&
	    u64map_get(&m->mapped_of, virt) != U64MAP_NONE)
		return;
	i = mapping_get(m, s, &like);
	if (i == STREAM_NONE)
		return;
	item = &m->items.items[i];
	if (!e->address) {
		item->failed++;
		s->quality.failed++;
		return;
	}
	before = u64map_get(&m->mapped_of, virt);
	/* a static mapping is given out again and again, and never unmapped */
	if (before != U64MAP_NONE)
		mapped_drop(m, before);
	item->maps++;
	item->virt = e->address;
	item->time = e->h.time;
	item->task = stream_task(s, &e->h);
	item->pid = e->h.pid;
	if (e->stack >= 0)
		item->stack = (uint32_t)e->stack;
	s->quality.allocs++;
	mapped_add(m, s,
		   &(struct mapped){ .virt = virt,
				     .phys = e->phys - (e->address - virt),
				     .bytes = e->bytes + (e->address - virt),
				     .time = e->h.time,
				     .mapping = i });
}

bool mappings_unmap(struct mappings *m, struct stream *s, uint64_t time, uint64_t address,
		    bool again)
{
	uint32_t i = u64map_get(&m->mapped_of, page_of(s, address));
	struct mapping *item;

	if (i == U64MAP_NONE || m->pool.items[i].time > time)
		return false;
	item = &m->items.items[m->pool.items[i].mapping];
	if (again && item->function != IOREMAP_MODULE)
		return true;
	item->unmaps++;
	s->quality.frees_matched++;
	mapped_drop(m, i);
	return true;
}

static bool is_static(const char *caller)
{
	return !strncmp(caller, "iotable_init+", 13);
}

/* What a line of /proc/vmallocinfo stands for. */
static struct mapping like_area(const struct stream *s, const struct vmalloc_area *v)
{
	struct mapping like = {
		.phys = v->phys,
		.bytes = v->bytes,
		.function = MAPPING_EXISTING,
		.caller = v->caller,
		.has_phys = v->has_phys,
	};

	/* the guard page, which the static mappings of ARM32's machines have not */
	if (like.bytes > s->start.page_size && (!v->caller || !is_static(v->caller)))
		like.bytes -= s->start.page_size;
	return like;
}

static void first_look(struct mappings *m, struct stream *s, const struct vmallocinfo *info)
{
	const struct vmalloc_area *v;

	/* with hidden addresses or a selection nothing tells of their end: they are counted again */
	m->looked = true;
	m->hidden = info->hidden;
	m->recount = info->hidden || s->start.selected;
	vec_for_each(info, v) {
		struct mapping like = like_area(s, v);
		uint32_t i;

		if (!v->ioremap || v->unpurged ||
		    (!info->hidden && u64map_get(&m->mapped_of, v->start) != U64MAP_NONE))
			continue;
		i = mapping_get(m, s, &like);
		if (i == STREAM_NONE)
			return;
		m->items.items[i].existing++;
		if (!info->hidden)
			m->items.items[i].virt = v->start;
		if (m->recount)
			m->items.items[i].live++;
		else
			mapped_add(m, s,
				   &(struct mapped){ .virt = v->start,
						     .phys = v->phys,
						     .bytes = like.bytes,
						     .mapping = i });
	}
}

/* How many of those from before are still there: at most as many as were, as new ones look the same. */
static void count_again(struct mappings *m, struct stream *s, const struct vmallocinfo *info)
{
	const struct vmalloc_area *v;
	struct mapping *item;

	vec_for_each(&m->items, item)
		if (item->existing)
			item->live = 0;
	vec_for_each(info, v) {
		struct mapping like = like_area(s, v);
		uint32_t i;

		if (!v->ioremap || v->unpurged)
			continue;
		i = mapping_get(m, s, &like);
		if (i == STREAM_NONE)
			return;
		item = &m->items.items[i];
		item->live += item->live < item->existing;
	}
}

void mappings_look(struct mappings *m, struct stream *s, const char *text)
{
	_cleanup_(vmallocinfo_free) struct vmallocinfo info = { 0 };

	if (vmallocinfo_parse(text, &info, NULL))
		return;
	if (!m->looked)
		first_look(m, s, &info);
	else if (m->recount)
		count_again(m, s, &info);
}

const struct mapping *mappings_at(const struct mappings *m, uint64_t page_size, uint64_t address,
				  uint64_t *ret_phys)
{
	uint32_t i = u64map_get(&m->mapped_of, address & ~(page_size - 1));
	const struct mapped *mapped;

	/* beyond the first page of one: they are few */
	if (i == U64MAP_NONE) {
		vec_for_each(&m->pool, mapped)
			if (mapped->virt != FREE_ENTRY && address >= mapped->virt &&
			    address - mapped->virt < mapped->bytes)
				i = (uint32_t)(mapped - m->pool.items);
	}
	if (i == U64MAP_NONE || !m->items.items[m->pool.items[i].mapping].has_phys)
		return NULL;
	mapped = &m->pool.items[i];
	*ret_phys = mapped->phys + (address - mapped->virt);
	return &m->items.items[mapped->mapping];
}

void mappings_each_live(const struct mappings *m, void (*visit)(void *ctx, uint64_t address),
			void *ctx)
{
	const struct mapped *mapped;

	vec_for_each(&m->pool, mapped)
		if (mapped->virt != FREE_ENTRY)
			visit(ctx, mapped->virt);
}

/*
 * x86: enum page_cache_mode (arch/x86/include/asm/pgtable_types.h). ARM32: arch/arm/include/asm/mach/map.h.
 * arm64: bits 2 to 4 are the index into MAIR_EL1 (arch/arm64/include/asm/memory.h), whose order changed in
 * 2021, as did the function that is probed (IOREMAP_OTHER is the one from before).
 */
const char *mapping_mode(const struct mapping *m)
{
	static const char *const x86[] = { "write-back", "write-combining", "uncached-minus",
					   "uncached",	 "write-through",   "write-protected" };
	static const char *const arm[] = { "device", "device-nonshared", "device-cached",
					   "write-combining", "uncached" };
	static const char *const arm64[] = { "normal", "normal-tagged", "normal-uncached",
					     "device-nGnRnE", "device-nGnRE" };

	switch ((enum ioremap_function)m->function) {
	case IOREMAP_X86:
		return m->mode < ARRAY_SIZE(x86) ? x86[m->mode] : NULL;
	case IOREMAP_ARM:
		return m->mode < ARRAY_SIZE(arm) ? arm[m->mode] : NULL;
	case IOREMAP_PROT:
		return (m->mode >> 2 & 7) < ARRAY_SIZE(arm64) ? arm64[m->mode >> 2 & 7] : NULL;
	default:
		return NULL;
	}
}
