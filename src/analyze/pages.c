// SPDX-License-Identifier: GPL-2.0
#include "analyze/pages.h"

#include <errno.h>
#include <string.h>

#include "analyze/page_lists.h"
#include "base/vec.h"

#define ORDERS_MAX 32 /* more than any event can mean */

int pages_init(struct pages *p)
{
	memset(p, 0, sizeof(*p));
	stream_init(&p->stream);
	blocks_init(&p->blocks, &p->frames);
	p->free_block = STREAM_NONE;
	p->series_stride = 1;
	p->recent = calloc(PAGE_LISTS_RECENT, sizeof(*p->recent));
	return p->recent ? 0 : -ENOMEM;
}

void pages_free(struct pages *p)
{
	free(p->rows.items);
	free(p->users.items);
	free(p->fallbacks.items);
	free(p->pool.items);
	free(p->samples.items);
	u64map_free(&p->row_of);
	u64map_free(&p->user_of);
	u64map_free(&p->fallback_of);
	u64map_free(&p->sample_of);
	frames_free(&p->frames);
	page_lists_free(p);
	free(p->recent);
	free(p->gfp);
	stream_free(&p->stream);
	memset(p, 0, sizeof(*p));
}

uint64_t pages_lifetime_bound(size_t bucket)
{
	uint64_t bound = NSEC_PER_USEC;
	size_t i;

	if (bucket + 1 >= PAGES_LIFETIMES)
		return UINT64_MAX;
	for (i = 0; i < bucket / 2; i++)
		bound *= 10;
	return bucket % 2 ? bound * 3 : bound;
}

/* --- rows, users, call chains --------------------------------------------------------------------- */

static uint32_t row_get(struct pages *p, uint16_t zone, unsigned int order, unsigned int type)
{
	uint64_t key = (uint64_t)zone << 16 | order << 8 | type;
	uint32_t found = u64map_get(&p->row_of, key);
	struct page_row *row;

	if (found != U64MAP_NONE)
		return found;
	row = vec_add(&p->rows);
	if (!row || u64map_set(&p->row_of, key, (uint32_t)(p->rows.n - 1))) {
		p->stream.oom = true;
		return STREAM_NONE;
	}
	row->zone = zone;
	row->order = (uint8_t)order;
	row->migratetype = (uint8_t)type;
	return (uint32_t)(p->rows.n - 1);
}

static uint32_t user_get(struct pages *p, const struct event_page *e)
{
	uint32_t task = stream_task(&p->stream, &e->h), found;
	unsigned int order = event_order(e->block), type = event_migratetype(e->block);
	struct page_user *user;
	uint64_t words[2] = { 0 }, key;

	if (task != STREAM_NONE)
		memcpy(words, p->stream.tasks.items[task].comm, sizeof(words));
	key = stream_mix(stream_mix(words[0], words[1]),
			 (uint64_t)e->gfp << 16 | order << 8 | type);
	/* the key is a hash: step on until it is the one meant */
	while ((found = u64map_get(&p->user_of, key)) != U64MAP_NONE) {
		user = &p->users.items[found];
		if (user->gfp == e->gfp && user->order == order && user->migratetype == type &&
		    stream_same_comm(&p->stream, user->task, task))
			return found;
		key++;
	}
	user = vec_add(&p->users);
	if (!user || u64map_set(&p->user_of, key, (uint32_t)(p->users.n - 1))) {
		p->stream.oom = true;
		return STREAM_NONE;
	}
	user->gfp = e->gfp;
	user->task = task;
	user->order = (uint8_t)order;
	user->migratetype = (uint8_t)type;
	return (uint32_t)(p->users.n - 1);
}

static void enter_sample(struct pages *p, uint32_t owner, int32_t id)
{
	int32_t stack = stream_stack(&p->stream, id, 0);
	uint64_t key = (uint64_t)owner << 32 | (uint32_t)stack;
	struct page_sample *s;
	uint32_t found;

	if (id == -2)
		p->stream.quality.stacks_lost++;
	if (stack < 0)
		return;
	found = u64map_get(&p->sample_of, key);
	if (found == U64MAP_NONE) {
		s = vec_add(&p->samples);
		found = (uint32_t)(p->samples.n - 1);
		if (!s || u64map_set(&p->sample_of, key, found)) {
			p->stream.oom = true;
			return;
		}
		s->owner = owner;
		s->stack = (uint32_t)stack;
	}
	p->samples.items[found].n++;
}

/* --- blocks ----------------------------------------------------------------------------------------- */

static uint32_t block_new(struct pages *p)
{
	uint32_t i = p->free_block;

	if (i != STREAM_NONE) {
		p->free_block = p->pool.items[i].next_free;
		return i;
	}
	if (p->pool.n >= STREAM_NONE || !vec_add(&p->pool)) {
		p->stream.oom = true;
		return STREAM_NONE;
	}
	return (uint32_t)(p->pool.n - 1);
}

/* Block @i, which begins at @pfn, is gone. */
static void block_release(struct pages *p, uint32_t i, uint64_t pfn)
{
	frames_set_block(&p->frames, pfn, FRAMES_NONE);
	p->pool.items[i].left = 0;
	p->pool.items[i].next_free = p->free_block;
	p->free_block = i;
}

static void count_lifetime(struct pages *p, const struct page_block *b, uint64_t time)
{
	uint64_t age = time > b->time ? time - b->time : 0;
	size_t bucket = 0;

	if (b->own)
		return;
	while (age >= pages_lifetime_bound(bucket) && bucket + 1 < PAGES_LIFETIMES)
		bucket++;
	p->lifetimes[MIN(b->order, BLOCKS_ORDERS - 1)][bucket]++;
}

/* Take @n pages of block @i off the books. */
static void live_less(struct pages *p, const struct page_block *b, uint64_t n)
{
	if (b->own)
		return;
	p->rows.items[b->row].live_pages -= n;
	p->users.items[b->user].live_pages -= n;
}

/* The block that holds frame @pfn, and where it begins; STREAM_NONE: none that is known. */
static uint32_t block_of(const struct pages *p, uint64_t pfn, uint64_t *ret_first)
{
	unsigned int order;

	for (order = 0; order < BLOCKS_ORDERS; order++) {
		uint64_t first = pfn & ~((1ull << order) - 1);
		uint32_t i = frames_block(&p->frames, first);

		if (i != FRAMES_NONE && p->pool.items[i].order >= order &&
		    pfn - first < 1ull << p->pool.items[i].order) {
			*ret_first = first;
			return i;
		}
	}
	return STREAM_NONE;
}

/* The frames of a block are given out again: no free of it was seen. */
static void imply_free(struct pages *p, uint32_t i, uint64_t first)
{
	struct page_block *b = &p->pool.items[i];

	live_less(p, b, b->left);
	if (!b->own) {
		p->rows.items[b->row].live_blocks--;
		p->rows.items[b->row].implied++;
		p->stream.quality.frees_implied_reuse++;
	}
	block_release(p, i, first);
}

/* The same for all blocks that have frames among the 2^@order from @pfn on; how many that were. */
static uint64_t imply_frees(struct pages *p, uint64_t pfn, unsigned int order)
{
	uint64_t first, end = pfn + (1ull << MIN(order, BLOCKS_ORDERS - 1u)), n = 0;
	uint32_t i = block_of(p, pfn, &first);

	if (i != STREAM_NONE) {
		imply_free(p, i, first);
		n++;
	}
	for (pfn++; pfn < end; pfn++) {
		i = frames_block(&p->frames, pfn);
		if (i == FRAMES_NONE)
			continue;
		imply_free(p, i, pfn);
		n++;
	}
	return n;
}

static void block_enter(struct pages *p, const struct event_page *e, uint32_t row, uint32_t user)
{
	uint64_t pfn = event_pfn(e->block);
	unsigned int order = event_order(e->block);
	uint32_t i;

	imply_frees(p, pfn, order);
	i = block_new(p);
	if (i == STREAM_NONE)
		return;
	if (frames_set_block(&p->frames, pfn, i)) {
		p->stream.oom = true;
		return;
	}
	p->pool.items[i] = (struct page_block){
		.time = e->h.time,
		.row = row,
		.user = user,
		.left = 1u << order,
		.next_free = STREAM_NONE,
		.order = (uint8_t)order,
		.own = e->h.flags & EVENT_OWN,
	};
	if (p->pool.items[i].own)
		return;
	p->rows.items[row].live_blocks++;
	p->rows.items[row].live_pages += 1ull << order;
	p->users.items[user].live_pages += 1ull << order;
}

static void enter_reuse(struct pages *p, const struct event_page *e)
{
	p->stream.quality.filtered++;
	imply_frees(p, event_pfn(e->block), event_order(e->block));
}

static bool is_movable(const struct pages *p, unsigned int migratetype)
{
	const struct free_lists *l = &p->types_start;

	if (migratetype >= l->n_migratetypes)
		return migratetype == 1; /* MIGRATE_MOVABLE, include/linux/mmzone.h */
	return !strcmp(l->migratetypes[migratetype], "Movable") ||
	       !strcmp(l->migratetypes[migratetype], "CMA");
}

static void enter_alloc(struct pages *p, const struct event_page *e)
{
	uint64_t pfn = event_pfn(e->block);
	unsigned int order = event_order(e->block), type = event_migratetype(e->block);
	bool own = e->h.flags & EVENT_OWN, failed = pfn == EVENT_NO_PFN;
	uint16_t zone = failed ? PAGES_NO_ZONE : page_lists_zone(p, pfn);
	uint32_t row = 0, user = 0;

	if (order >= ORDERS_MAX)
		return;
	if (e->h.flags & EVENT_REUSE) {
		enter_reuse(p, e);
		return;
	}
	if (!failed) {
		page_lists_moved(p, e->h.time, zone, 1ull << order, true);
		blocks_allocated(&p->blocks, pfn, order, is_movable(p, type));
	}
	if (own) {
		p->stream.quality.own++;
	} else {
		p->stream.quality.analysed++;
		row = row_get(p, zone, order, type);
		user = user_get(p, e);
		if (row == STREAM_NONE || user == STREAM_NONE)
			return;
		enter_sample(p, user, e->stack);
		if (failed) {
			p->rows.items[row].failed++;
			p->users.items[user].failed++;
			p->stream.quality.failed++;
			return;
		}
		p->rows.items[row].allocs++;
		p->users.items[user].allocs++;
		p->stream.quality.allocs++;
	}
	if (!failed)
		block_enter(p, e, row, user);
}

/* A part of block @i is freed: @n pages, or all that is left of it. */
static void free_piece(struct pages *p, uint32_t i, uint64_t first, uint64_t n, uint64_t time)
{
	struct page_block *b = &p->pool.items[i];

	n = MIN(n, (uint64_t)b->left);
	live_less(p, b, n);
	b->left -= (uint32_t)n;
	if (!b->own)
		p->rows.items[b->row].pieces++;
	if (b->left)
		return;
	if (!b->own) {
		p->rows.items[b->row].live_blocks--;
		p->rows.items[b->row].split_blocks++;
	}
	count_lifetime(p, b, time);
	block_release(p, i, first);
}

static void free_whole(struct pages *p, uint32_t i, uint64_t first, uint64_t time)
{
	struct page_block *b = &p->pool.items[i];

	live_less(p, b, b->left);
	if (!b->own) {
		p->rows.items[b->row].live_blocks--;
		p->rows.items[b->row].frees++;
		p->users.items[b->user].frees++;
	}
	count_lifetime(p, b, time);
	block_release(p, i, first);
}

/* Whether the kernel side leaves out what was not asked for. */
static bool selective(const struct pages *p)
{
	return p->stream.start.selected || p->stream.start.sample > 1;
}

static void enter_free(struct pages *p, const struct event_page_free *e)
{
	uint64_t pfn = event_pfn(e->block), first;
	unsigned int order = event_order(e->block);
	uint16_t zone = page_lists_zone(p, pfn);
	uint32_t i, row;

	if (order >= ORDERS_MAX)
		return;
	page_lists_moved(p, e->h.time, zone, 1ull << order, false);
	blocks_freed(&p->blocks, pfn, order);
	i = block_of(p, pfn, &first);
	if (i != STREAM_NONE && p->pool.items[i].own)
		p->stream.quality.own++;
	else
		p->stream.quality.analysed++;
	if (i != STREAM_NONE && first == pfn && p->pool.items[i].order == order &&
	    p->pool.items[i].left == 1u << order) {
		p->stream.quality.frees_matched += !p->pool.items[i].own;
		free_whole(p, i, first, e->h.time);
		return;
	}
	if (i != STREAM_NONE && p->pool.items[i].order >= order) {
		p->stream.quality.frees_matched += !p->pool.items[i].own;
		free_piece(p, i, first, 1ull << order, e->h.time);
		return;
	}
	if (i != STREAM_NONE && p->pool.items[i].own)
		p->stream.quality.own--, p->stream.quality.analysed++;
	p->stream.quality.frees_unknown++;
	/* marks let some frees pass that no selected allocation goes with */
	row = selective(p) ? STREAM_NONE : row_get(p, zone, order, PAGES_NO_TYPE);
	if (row != STREAM_NONE)
		p->rows.items[row].frees++;
	/* smaller blocks inside one that is freed as a whole were joined since, and are gone with it */
	if (order)
		p->largest_merges += imply_frees(p, pfn, order);
}

/* --- the other events ------------------------------------------------------------------------------- */

static void enter_fallback(struct pages *p, const struct event_fallback *e)
{
	unsigned int order = event_order(e->block), type = event_migratetype(e->block);
	uint64_t key =
		(uint64_t)order << 24 | (uint64_t)e->order << 16 | type << 8 | e->migratetype;
	uint32_t found = u64map_get(&p->fallback_of, key);
	struct page_fallback *f;

	p->stream.quality.analysed++;
	blocks_removed(&p->blocks, event_pfn(e->block), order);
	if (found == U64MAP_NONE) {
		f = vec_add(&p->fallbacks);
		found = (uint32_t)(p->fallbacks.n - 1);
		if (!f || u64map_set(&p->fallback_of, key, found)) {
			p->stream.oom = true;
			return;
		}
		f->order = (uint8_t)order;
		f->from_order = e->order;
		f->migratetype = (uint8_t)type;
		f->from_migratetype = e->migratetype;
	}
	p->fallbacks.items[found].count++;
	p->fallbacks.items[found].whole += e->whole != 0;
	enter_sample(p, found | PAGE_SAMPLE_FALLBACK, e->stack);
}

/*
 * Begin and end come on the CPU where the task runs, which may change between: an end without its begin
 * on the same CPU counts, but has no duration.
 */
static void enter_work(struct page_work *w, uint64_t begun[64], const struct event_work *e)
{
	uint64_t *since = &begun[e->h.cpu % 64];

	if (!e->what) {
		w->begun++;
		*since = e->h.time;
		return;
	}
	w->ended++;
	w->pages += e->pages;
	if (*since && e->h.time >= *since) {
		w->total_ns += e->h.time - *since;
		w->max_ns = MAX(w->max_ns, e->h.time - *since);
	}
	*since = 0;
}

static bool enter_page_event(struct pages *p, const struct event_header *h)
{
	const struct event_page_free *block = (const void *)h;

	switch (h->kind) {
	case EVENT_PAGE_ALLOC:
		enter_alloc(p, (const struct event_page *)h);
		return true;
	case EVENT_PAGE_FREE:
		enter_free(p, block);
		return true;
	case EVENT_PAGE_FALLBACK:
		enter_fallback(p, (const struct event_fallback *)h);
		return true;
	case EVENT_PAGE_REFILL:
		p->refills++;
		blocks_removed(&p->blocks, event_pfn(block->block), event_order(block->block));
		break;
	case EVENT_PAGE_DRAIN:
		p->drains++;
		blocks_drained(&p->blocks, event_pfn(block->block), event_order(block->block));
		break;
	case EVENT_PAGE_BULK:
		p->bulk_pages += ((const struct event_work *)h)->pages;
		break;
	case EVENT_COMPACTION:
		enter_work(&p->compaction, p->compacting, (const struct event_work *)h);
		break;
	case EVENT_RECLAIM:
		enter_work(&p->reclaim, p->reclaiming, (const struct event_work *)h);
		break;
	default:
		return false;
	}
	p->stream.quality.analysed++;
	return true;
}

void pages_consume(struct pages *p, const struct event_header *const *records, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (enter_page_event(p, records[i]))
			stream_order(&p->stream, records[i]);
		else if (records[i]->kind == EVENT_SNAPSHOT)
			page_lists_snapshot(p, (const struct event_snapshot *)records[i]);
		else
			stream_enter(&p->stream, records[i]);
	}
	if (p->blocks.oom)
		p->stream.oom = true;
}

void pages_each_live(const struct pages *p, void (*visit)(void *ctx, uint64_t pfn), void *ctx)
{
	size_t c, k;

	for (c = 0; c < p->frames.n; c++)
		for (k = 0; k < FRAMES_CHUNK; k++)
			if (p->frames.chunks[c]->block[k])
				visit(ctx, (p->frames.chunks[c]->number << FRAMES_CHUNK_BITS) + k);
}
