// SPDX-License-Identifier: GPL-2.0
#include "analyze/blocks.h"

#include <errno.h>
#include <string.h>

void blocks_init(struct blocks *b, struct frames *frames)
{
	*b = (struct blocks){ .frames = frames, .percpu_orders = 1 };
}

static void set_state(struct blocks *b, uint64_t pfn, uint64_t n, uint8_t state)
{
	/* frames that are too many to follow stay unknown */
	if (frames_set_state(b->frames, pfn, n, state) == -ENOMEM)
		b->oom = true;
}

/* A free block of @order begins at @pfn. */
static void set_free(struct blocks *b, uint64_t pfn, unsigned int order)
{
	set_state(b, pfn, 1ull << order, BLOCK_FREE);
	set_state(b, pfn, 1, (uint8_t)(BLOCK_FREE | BLOCK_HEAD | order << BLOCK_ORDER_SHIFT));
}

static bool is_free_block(const struct blocks *b, uint64_t pfn, unsigned int order)
{
	return frames_state(b->frames, pfn) ==
	       (BLOCK_FREE | BLOCK_HEAD | order << BLOCK_ORDER_SHIFT);
}

static unsigned int kind_of(const struct blocks *b, uint64_t pfn)
{
	return frames_state(b->frames, pfn) & BLOCK_KIND_MASK;
}

/* The order of the free block that frame @pfn is in, at least @order; BLOCKS_ORDERS: there is none. */
static unsigned int free_block_of(const struct blocks *b, uint64_t pfn, unsigned int order)
{
	for (; order < b->n_orders; order++)
		if (is_free_block(b, pfn & ~((1ull << order) - 1), order))
			return order;
	return BLOCKS_ORDERS;
}

/* Halve the free block of @have that @pfn is in until it is of @want; the other halves stay free. */
static void split(struct blocks *b, uint64_t pfn, unsigned int have, unsigned int want)
{
	while (have > want) {
		uint64_t half;

		b->splits[have]++;
		have--;
		half = pfn & ~((1ull << have) - 1);
		set_free(b, half ^ 1ull << have, have);
		set_free(b, half, have);
	}
}

/* A block that came to the free lists; it joins its buddies. */
static void insert(struct blocks *b, uint64_t pfn, unsigned int order)
{
	while (order + 1 < b->n_orders && is_free_block(b, pfn ^ 1ull << order, order)) {
		set_state(b, pfn ^ 1ull << order, 1, BLOCK_FREE);
		pfn &= ~(1ull << order);
		order++;
		b->merges[order]++;
	}
	set_free(b, pfn, order);
}

/* Free blocks are aligned to their size, and none of them is free beside its free buddy. */
static void load_free(struct blocks *b, uint64_t pfn, uint64_t n)
{
	while (n) {
		unsigned int order = 0;

		while (order + 1 < b->n_orders && !(pfn & ((2ull << order) - 1)) &&
		       2ull << order <= n)
			order++;
		set_free(b, pfn, order);
		pfn += 1ull << order;
		n -= 1ull << order;
	}
}

void blocks_load(struct blocks *b, uint64_t pfn, const uint64_t *runs, size_t n)
{
	static const uint8_t states[FRAME_KINDS] = {
		[FRAME_HOLE] = BLOCK_HOLE,
		[FRAME_FREE] = BLOCK_FREE,
		[FRAME_MOVABLE] = BLOCK_MOVABLE,
		[FRAME_UNMOVABLE] = BLOCK_UNMOVABLE,
	};
	size_t i;

	for (i = 0; i < n && !b->oom; i++) {
		uint64_t length = runs[i] & ((1ull << 56) - 1);
		unsigned int kind = (unsigned int)(runs[i] >> 56);

		/* no record is so long; a damaged one must not fill the memory */
		if (kind >= FRAME_KINDS || length > FRAMES_CHUNK)
			return;
		if (kind == FRAME_FREE)
			load_free(b, pfn, length);
		else if (kind != FRAME_HOLE || frames_find(b->frames, pfn))
			set_state(b, pfn, length, states[kind]);
		pfn += length;
	}
}

/* Take a block off the free lists, if the model has it there. */
static bool take(struct blocks *b, uint64_t pfn, unsigned int order, uint8_t state)
{
	unsigned int have = free_block_of(b, pfn, order);

	if (have == BLOCKS_ORDERS)
		return false;
	split(b, pfn, have, order);
	set_state(b, pfn, 1ull << order, state);
	return true;
}

void blocks_removed(struct blocks *b, uint64_t pfn, unsigned int order)
{
	if (!b->n_orders || order >= b->n_orders)
		return;
	if (take(b, pfn, order, BLOCK_PERCPU))
		return;
	/* freed past the per-CPU lists, which no event tells */
	if (kind_of(b, pfn) != BLOCK_UNKNOWN)
		b->corrections++;
	set_state(b, pfn, 1ull << order, BLOCK_PERCPU);
}

void blocks_drained(struct blocks *b, uint64_t pfn, unsigned int order)
{
	if (!b->n_orders || order >= b->n_orders)
		return;
	b->percpu_orders |= 1u << order;
	if (kind_of(b, pfn) == BLOCK_FREE)
		return; /* taken for freed past the lists */
	insert(b, pfn, order);
}

void blocks_allocated(struct blocks *b, uint64_t pfn, unsigned int order, bool movable)
{
	uint8_t state = movable ? BLOCK_MOVABLE : BLOCK_UNMOVABLE;

	if (!b->n_orders || order >= b->n_orders)
		return;
	/* still free: a fallback that took it without the other event, or that one was lost */
	if (kind_of(b, pfn) == BLOCK_FREE && !take(b, pfn, order, state))
		b->corrections++;
	set_state(b, pfn, 1ull << order, state);
}

void blocks_freed(struct blocks *b, uint64_t pfn, unsigned int order)
{
	if (!b->n_orders || order >= b->n_orders)
		return;
	if (kind_of(b, pfn) == BLOCK_FREE) {
		/* it was not seen to be taken */
		b->corrections++;
		if (!(b->percpu_orders & 1u << order))
			return;
		take(b, pfn, order, BLOCK_PERCPU);
	}
	if (b->percpu_orders & 1u << order)
		set_state(b, pfn, 1ull << order, BLOCK_PERCPU);
	else
		insert(b, pfn, order);
}

void blocks_count(const struct blocks *b, uint64_t from, uint64_t to, struct blocks_count *ret)
{
	uint64_t pfn = from;

	memset(ret, 0, sizeof(*ret));
	while (pfn < to) {
		const struct frame_chunk *chunk = frames_find(b->frames, pfn);
		uint64_t end = MIN((pfn | (FRAMES_CHUNK - 1)) + 1, to);

		if (!chunk) {
			end = MIN(frames_next(b->frames, pfn), to);
			ret->unknown_frames += end - pfn;
			pfn = end;
			continue;
		}
		for (; pfn < end; pfn++) {
			uint8_t state = chunk->state[pfn & (FRAMES_CHUNK - 1)];

			ret->unknown_frames += !(state & BLOCK_KIND_MASK);
			ret->percpu_frames += (state & BLOCK_KIND_MASK) == BLOCK_PERCPU;
			ret->free_frames += (state & BLOCK_KIND_MASK) == BLOCK_FREE;
			if (state & BLOCK_HEAD)
				ret->free[state >> BLOCK_ORDER_SHIFT]++;
		}
	}
}
