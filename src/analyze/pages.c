// SPDX-License-Identifier: GPL-2.0
#include "analyze/pages.h"

#include <errno.h>
#include <string.h>

#include "analyze/page_lists.h"
#include "base/vec.h"

#define STRAYS 4096 /* a power of two */

int pages_init(struct pages *p)
{
	memset(p, 0, sizeof(*p));
	stream_init(&p->stream);
	blocks_init(&p->blocks, &p->frames);
	p->free_block = STREAM_NONE;
	p->series_stride = 1;
	p->recent = calloc(PAGE_LISTS_RECENT, sizeof(*p->recent));
	p->strays = calloc(STRAYS, sizeof(*p->strays));
	if (p->recent && p->strays)
		return 0;
	pages_free(p);
	return -ENOMEM;
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
	free(p->strays);
	free(p->gfp);
	stream_free(&p->stream);
	memset(p, 0, sizeof(*p));
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
	/* a chain that was never told is no chain */
	if (stack < 0 || (size_t)stack >= p->stream.stacks.n ||
	    !p->stream.stacks.items[stack].frames)
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

enum page_end { END_FREED, END_PIECES, END_IMPLIED };

static uint32_t block_new(struct pages *p)
{
	uint32_t i = p->free_block;

	if (i != STREAM_NONE) {
		p->free_block = p->pool.items[i].next;
		return i;
	}
	if (p->pool.n >= STREAM_NONE || !vec_add(&p->pool)) {
		p->stream.oom = true;
		return STREAM_NONE;
	}
	return (uint32_t)(p->pool.n - 1);
}

static void block_release(struct pages *p, uint32_t i)
{
	p->pool.items[i].left = 0;
	p->pool.items[i].next = p->free_block;
	p->free_block = i;
}

static void count_lifetime(struct pages *p, unsigned int order, uint64_t from, uint64_t to)
{
	p->lifetimes[order][durations_bucket(to > from ? to - from : 0)]++;
}

/* The block or part that holds frame @pfn, and where it begins; STREAM_NONE: none that is known. */
static uint32_t block_of(const struct pages *p, uint64_t pfn, uint64_t *ret_first)
{
	unsigned int order;

	for (order = 0; order < BLOCKS_ORDERS; order++) {
		uint64_t first = pfn & ~((1ull << order) - 1);
		uint32_t i = frames_block(&p->frames, first);

		if (i != FRAMES_NONE && pfn - first < 1ull << p->pool.items[i].order) {
			*ret_first = first;
			return i;
		}
	}
	return STREAM_NONE;
}

/* The block that @i is a part of, or @i itself. */
static uint32_t whole_of(const struct pages *p, uint32_t i)
{
	uint32_t whole = p->pool.items[i].next;

	return whole == STREAM_NONE ? i : whole;
}

/* Nothing of block @i is left. */
static void block_end(struct pages *p, uint32_t i, enum page_end how, uint64_t time)
{
	const struct page_block *b = &p->pool.items[i];
	struct page_row *row;

	if (!b->own) {
		row = &p->rows.items[b->row];
		row->live_blocks--;
		row->frees += how == END_FREED;
		row->split_blocks += how == END_PIECES;
		row->implied += how == END_IMPLIED;
		p->stream.quality.frees_implied_reuse += how == END_IMPLIED;
		p->users.items[b->user].frees++;
		if (how != END_IMPLIED)
			count_lifetime(p, b->order, b->time, time);
	}
	block_release(p, i);
}

/* Block or part @i, which begins at @first, is gone. */
static void part_end(struct pages *p, uint32_t i, uint64_t first, enum page_end how, uint64_t time)
{
	uint32_t whole = whole_of(p, i), n = 1u << p->pool.items[i].order;
	struct page_block *b = &p->pool.items[whole];

	frames_set_block(&p->frames, first, FRAMES_NONE);
	if (!b->own) {
		p->rows.items[b->row].live_pages -= n;
		p->users.items[b->user].live_pages -= n;
	}
	b->left -= n;
	if (i != whole)
		block_release(p, i);
	if (!b->left)
		block_end(p, whole, how, time);
}

/* A part of block @whole that begins at @first; STREAM_NONE: memory is short. */
static uint32_t part_new(struct pages *p, uint32_t whole, uint64_t first, unsigned int order)
{
	uint32_t i = block_new(p);

	if (i == STREAM_NONE)
		return STREAM_NONE;
	p->pool.items[i] = p->pool.items[whole];
	p->pool.items[i].left = 1u << order;
	p->pool.items[i].next = whole;
	p->pool.items[i].predecessor = STREAM_NONE;
	p->pool.items[i].order = (uint8_t)order;
	/* where its block stands there is a chunk already */
	frames_set_block(&p->frames, first, i);
	return i;
}

/* Halve @i, which begins at @first, until frame @pfn begins a part of @order; returns that one. */
static uint32_t part_split(struct pages *p, uint32_t i, uint64_t first, uint64_t pfn,
			   unsigned int order)
{
	uint32_t whole = whole_of(p, i);
	unsigned int have = p->pool.items[i].order;

	if (i == whole)
		i = part_new(p, whole, first, have);
	while (i != STREAM_NONE && have > order) {
		uint32_t upper;

		have--;
		upper = part_new(p, whole, first + (1ull << have), have);
		if (upper == STREAM_NONE)
			return STREAM_NONE;
		p->pool.items[i].order = (uint8_t)have;
		p->pool.items[i].left = 1u << have;
		if (pfn - first >= 1ull << have) {
			first += 1ull << have;
			i = upper;
		}
	}
	return i;
}

/* Frames are given out again, or freed as one: what stood there and is live has been freed unseen. */
static uint64_t imply_frees(struct pages *p, uint64_t pfn, unsigned int order, uint64_t time)
{
	uint64_t first, end = pfn + (1ull << order), n = 0;
	uint32_t i = block_of(p, pfn, &first);

	for (; pfn < end; i = ++pfn < end ? frames_block(&p->frames, first = pfn) : FRAMES_NONE) {
		if (i == FRAMES_NONE)
			continue;
		part_end(p, i, first, END_IMPLIED, time);
		n++;
	}
	return n;
}

/* A block among these frames that is younger than @time; STREAM_NONE: there is none. */
static uint32_t younger_block(const struct pages *p, uint64_t pfn, unsigned int order,
			      uint64_t time)
{
	uint64_t first, end = pfn + (1ull << order);
	uint32_t i;

	if (likely(time >= p->stream.last_time))
		return STREAM_NONE;
	i = block_of(p, pfn, &first);
	for (; pfn < end; i = ++pfn < end ? frames_block(&p->frames, pfn) : FRAMES_NONE)
		if (i != FRAMES_NONE && p->pool.items[i].time > time)
			return i;
	return STREAM_NONE;
}

/* --- allocations ------------------------------------------------------------------------------------ */

/* A stray's .block; never 0. */
static uint64_t stray_block(uint64_t pfn, unsigned int order)
{
	return event_pack_block(pfn, order, 1);
}

static struct page_stray *stray_of(const struct pages *p, uint64_t pfn, unsigned int order)
{
	return &p->strays[stream_mix(pfn, order) & (STRAYS - 1)];
}

/* A late allocation whose free has come already: it is complete, and was never live. */
static bool free_came_first(struct pages *p, const struct event_page *e, struct page_row *row,
			    struct page_user *user)
{
	uint64_t pfn = event_pfn(e->block);
	unsigned int order = event_order(e->block);
	struct page_stray *s = stray_of(p, pfn, order);

	if (s->block != stray_block(pfn, order) || s->time < e->h.time)
		return false;
	s->block = 0;
	p->stream.quality.frees_unknown--;
	p->stream.quality.frees_matched++;
	if (s->row != STREAM_NONE)
		p->rows.items[s->row].frees--;
	row->frees++;
	user->frees++;
	count_lifetime(p, order, e->h.time, s->time);
	return true;
}

/* A late allocation that had its frames before what stands there now; its free may still come. */
static bool enter_predecessor(struct pages *p, const struct event_page *e, uint32_t row,
			      uint32_t user)
{
	uint64_t pfn = event_pfn(e->block);
	unsigned int order = event_order(e->block);
	uint32_t i = younger_block(p, pfn, order, e->h.time);
	struct page_block *b;

	if (i == STREAM_NONE)
		return false;
	if (e->h.flags & EVENT_OWN)
		return true;
	b = &p->pool.items[i];
	if (b->order == order && b->predecessor == STREAM_NONE)
		b->predecessor = row;
	p->rows.items[row].implied++;
	p->users.items[user].frees++;
	p->stream.quality.frees_implied_reuse++;
	return true;
}

/* The row of the block that stands at @pfn whole, with the same order; STREAM_NONE: there is none. */
static uint32_t row_before(const struct pages *p, uint64_t pfn, unsigned int order)
{
	uint32_t i = frames_block(&p->frames, pfn);
	const struct page_block *b;

	if (i == FRAMES_NONE)
		return STREAM_NONE;
	b = &p->pool.items[i];
	return b->own || b->order != order || b->next != STREAM_NONE ? STREAM_NONE : b->row;
}

static void block_enter(struct pages *p, const struct event_page *e, uint32_t row, uint32_t user)
{
	uint64_t pfn = event_pfn(e->block);
	unsigned int order = event_order(e->block);
	uint32_t before = row_before(p, pfn, order), i;
	int err;

	imply_frees(p, pfn, order, e->h.time);
	i = block_new(p);
	if (i == STREAM_NONE)
		return;
	p->pool.items[i] = (struct page_block){
		.time = e->h.time,
		.row = row,
		.user = user,
		.left = 1u << order,
		.next = STREAM_NONE,
		.predecessor = before,
		.order = (uint8_t)order,
		.own = e->h.flags & EVENT_OWN,
	};
	err = frames_set_block(&p->frames, pfn, i);
	if (err) {
		/* too many frames to follow: it was allocated, that is all */
		block_release(p, i);
		p->stream.oom |= err == -ENOMEM;
		return;
	}
	if (p->pool.items[i].own)
		return;
	p->rows.items[row].live_blocks++;
	p->rows.items[row].live_pages += 1ull << order;
	p->users.items[user].live_pages += 1ull << order;
}

static void enter_reuse(struct pages *p, const struct event_page *e)
{
	uint64_t pfn = event_pfn(e->block);
	unsigned int order = event_order(e->block);

	p->stream.quality.filtered++;
	if (younger_block(p, pfn, order, e->h.time) == STREAM_NONE)
		imply_frees(p, pfn, order, e->h.time);
}

static bool is_movable(const struct pages *p, unsigned int migratetype)
{
	const struct free_lists *l = &p->types_start;

	if (migratetype >= l->n_migratetypes)
		return migratetype == 1; /* MIGRATE_MOVABLE, include/linux/mmzone.h */
	return !strcmp(l->migratetypes[migratetype], "Movable") ||
	       !strcmp(l->migratetypes[migratetype], "CMA");
}

/* What is told of requests that were served and of those that were not. */
static bool count_alloc(struct pages *p, const struct event_page *e, bool failed, uint16_t zone,
			uint32_t *ret_row, uint32_t *ret_user)
{
	uint32_t row = row_get(p, zone, event_order(e->block), event_migratetype(e->block));
	uint32_t user = user_get(p, e);

	p->stream.quality.analysed++;
	if (row == STREAM_NONE || user == STREAM_NONE)
		return false;
	enter_sample(p, user, e->stack);
	p->rows.items[row].failed += failed;
	p->rows.items[row].allocs += !failed;
	p->users.items[user].failed += failed;
	p->users.items[user].allocs += !failed;
	p->stream.quality.failed += failed;
	p->stream.quality.allocs += !failed;
	*ret_row = row;
	*ret_user = user;
	return true;
}

static void enter_alloc(struct pages *p, const struct event_page *e)
{
	uint64_t pfn = event_pfn(e->block);
	unsigned int order = event_order(e->block);
	bool own = e->h.flags & EVENT_OWN, failed = pfn == EVENT_NO_PFN;
	bool late = e->h.time < p->stream.last_time;
	uint16_t zone = failed ? PAGES_NO_ZONE : page_lists_zone(p, pfn);
	uint32_t row = STREAM_NONE, user = STREAM_NONE;

	if (e->h.flags & EVENT_REUSE) {
		enter_reuse(p, e);
		return;
	}
	if (!failed)
		page_lists_moved(p, e->h.time, zone, 1ull << order, true);
	p->stream.quality.own += own;
	if (!own && !count_alloc(p, e, failed, zone, &row, &user))
		return;
	if (failed ||
	    (late && !own && free_came_first(p, e, &p->rows.items[row], &p->users.items[user])))
		return;
	if (late && enter_predecessor(p, e, row, user))
		return;
	blocks_allocated(&p->blocks, pfn, order, is_movable(p, event_migratetype(e->block)));
	block_enter(p, e, row, user);
}

/* --- frees ------------------------------------------------------------------------------------------ */

/* Whether the kernel side leaves out what was not asked for. */
static bool selective(const struct pages *p)
{
	return p->stream.start.selected || p->stream.start.sample > 1;
}

/* A free that is older than block @i at its frames ended the one before, which was implied free. */
static bool enter_late_free(struct pages *p, uint32_t i, unsigned int order)
{
	struct page_block *b = &p->pool.items[i];

	if (b->predecessor == STREAM_NONE || b->order != order)
		return false;
	p->rows.items[b->predecessor].implied--;
	p->rows.items[b->predecessor].frees++;
	b->predecessor = STREAM_NONE;
	p->stream.quality.frees_implied_reuse--;
	p->stream.quality.frees_matched++;
	return true;
}

static void enter_unknown_free(struct pages *p, const struct event_page_free *e, uint16_t zone)
{
	uint64_t pfn = event_pfn(e->block);
	unsigned int order = event_order(e->block);
	/* marks let some frees pass that no selected allocation goes with */
	uint32_t row = selective(p) ? STREAM_NONE : row_get(p, zone, order, PAGES_NO_TYPE);

	p->stream.quality.frees_unknown++;
	if (row != STREAM_NONE)
		p->rows.items[row].frees++;
	*stray_of(p, pfn, order) = (struct page_stray){
		.block = stray_block(pfn, order),
		.time = e->h.time,
		.row = row,
	};
	/* smaller blocks inside were joined since, and are gone with it */
	if (younger_block(p, pfn, order, e->h.time) == STREAM_NONE)
		p->largest_merges += imply_frees(p, pfn, order, e->h.time);
}

static void enter_free(struct pages *p, const struct event_page_free *e)
{
	uint64_t pfn = event_pfn(e->block), first;
	unsigned int order = event_order(e->block);
	uint16_t zone = page_lists_zone(p, pfn);
	uint32_t i = block_of(p, pfn, &first);
	bool known = i != STREAM_NONE && p->pool.items[i].order >= order;
	bool late = known && e->h.time < p->pool.items[i].time;
	enum page_end how = END_FREED;

	page_lists_moved(p, e->h.time, zone, 1ull << order, false);
	if (!late)
		blocks_freed(&p->blocks, pfn, order);
	if (!known || late) {
		p->stream.quality.analysed++;
		if (!late || !enter_late_free(p, i, order))
			enter_unknown_free(p, e, zone);
		return;
	}
	if (p->pool.items[i].own) {
		p->stream.quality.own++;
	} else {
		p->stream.quality.analysed++;
		p->stream.quality.frees_matched++;
	}
	if (p->pool.items[i].order > order || whole_of(p, i) != i) {
		how = END_PIECES;
		if (!p->pool.items[i].own)
			p->rows.items[p->pool.items[i].row].pieces++;
		i = part_split(p, i, first, pfn, order);
		first = pfn;
	}
	if (i != STREAM_NONE)
		part_end(p, i, first, how, e->h.time);
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

/* Whether an event is of pages that can't be: the buddy allocator's blocks are aligned to their size. */
static bool is_damaged(const struct event_header *h)
{
	uint64_t block, pfn;
	unsigned int order;

	if (h->kind < EVENT_PAGE_ALLOC || h->kind > EVENT_PAGE_DRAIN)
		return false;
	block = ((const struct event_page_free *)h)->block;
	order = event_order(block);
	pfn = event_pfn(block);
	if (order >= BLOCKS_ORDERS || event_migratetype(block) == PAGES_NO_TYPE)
		return true;
	if (pfn == EVENT_NO_PFN)
		return h->kind != EVENT_PAGE_ALLOC || (h->flags & EVENT_REUSE);
	return pfn & ((1ull << order) - 1);
}

static bool enter_page_event(struct pages *p, const struct event_header *h)
{
	const struct event_page_free *block = (const void *)h;

	if (is_damaged(h)) {
		p->damaged++;
		return true;
	}
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
