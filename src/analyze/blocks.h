/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_BLOCKS_H
#define KMSCOPE_ANALYZE_BLOCKS_H
/*
 * A model of the buddy allocator's free blocks: positions from a snapshot of all frames, then events.
 * Splits and merges follow from it; no event tells them. As mm/page_alloc.c does it: a request takes
 * the lowest block of the smallest order that is large enough, halving it down (expand()); a block that
 * comes back joins its buddy, the block whose frame number differs in the one bit of its order, while
 * that is free and of the same order (__free_one_page()).
 *
 * What the model can't see: pages that compaction and memory hotplug take from the lists, blocks freed
 * past the per-CPU lists by kernels that keep lists of their order, and lost events. It puts itself
 * right where an event contradicts it, and counts that.
 */
#include "analyze/frames.h"
#include "bpf/events.h"

#define BLOCKS_ORDERS 16

/* In a frame's state: what it is used for, whether a free block begins here, and of which order. */
enum block_state {
	BLOCK_UNKNOWN,
	BLOCK_HOLE,
	BLOCK_FREE,
	BLOCK_MOVABLE,
	BLOCK_UNMOVABLE,
	BLOCK_PERCPU, /* on a per-CPU list */
	BLOCK_KIND_MASK = 7,
	BLOCK_HEAD = 8,
	BLOCK_ORDER_SHIFT = 4,
};

struct blocks {
	struct frames *frames; /* not owned; blocks use .state */
	unsigned int n_orders; /* of this kernel, at most BLOCKS_ORDERS; 0: not known yet */
	uint64_t splits[BLOCKS_ORDERS]; /* a free block of that order was halved */
	uint64_t merges[BLOCKS_ORDERS]; /* two buddies became a block of that order */
	uint64_t corrections; /* events that contradicted the model */
	uint32_t percpu_orders; /* bits: per-CPU lists keep blocks of that order */
	bool oom;
};

void blocks_init(struct blocks *b, struct frames *frames);
/* Frames of a snapshot from @pfn on are what its runs say. */
void blocks_load(struct blocks *b, uint64_t pfn, const uint64_t *runs, size_t n);

/* A block left the free lists (mm_page_alloc_zone_locked). */
void blocks_removed(struct blocks *b, uint64_t pfn, unsigned int order);
/* A block came back to them from a per-CPU list (mm_page_pcpu_drain). */
void blocks_drained(struct blocks *b, uint64_t pfn, unsigned int order);
void blocks_allocated(struct blocks *b, uint64_t pfn, unsigned int order, bool movable);
void blocks_freed(struct blocks *b, uint64_t pfn, unsigned int order);

/* Free blocks by order, and frames on per-CPU lists, among frames @from to @to. */
struct blocks_count {
	uint64_t free[BLOCKS_ORDERS];
	uint64_t free_frames, percpu_frames, unknown_frames;
};
void blocks_count(const struct blocks *b, uint64_t from, uint64_t to, struct blocks_count *ret);

#endif
