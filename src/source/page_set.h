/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_PAGE_SET_H
#define KMSCOPE_SOURCE_PAGE_SET_H
/*
 * A set of blocks of pages, which may be freed in parts: of a block of which a part is taken out, what is
 * left stays as parts, as buddies are halved. A byte a frame, in chunks for the regions that have any.
 * Zero-initialise it.
 */
#include "base/base.h"
#include "base/u64map.h"

#define PAGE_SET_ORDERS 16
#define PAGE_SET_CHUNK	64 /* frames */

/* What is known of a block, or of several: bits. */
enum page_set_what {
	PAGE_SET_NONE = 0,
	PAGE_SET_SELECTED = 1 << 0,
	PAGE_SET_OWN = 1 << 1,
};

struct page_set_chunk {
	uint8_t parts[PAGE_SET_CHUNK]; /* where one begins: its order + 1, PAGE_SET_IS_OWN; else 0 */
};

struct page_set {
	struct u64map chunk_of; /* by frame / PAGE_SET_CHUNK */
	struct page_set_chunk *items;
	size_t n, capacity;
	uint64_t count[PAGE_SET_ORDERS]; /* parts by order */
	uint32_t orders; /* bits: those of which there is one */
};

void page_set_free(struct page_set *s);

/* Of all that follow: @order is below PAGE_SET_ORDERS, @pfn is aligned to it and below 2^48. */

/* Add a block where there is none: PAGE_SET_SELECTED or PAGE_SET_OWN. 0 or -ENOMEM. */
int page_set_add(struct page_set *s, uint64_t pfn, unsigned int order, enum page_set_what what);

/* The block or part that frame @pfn is in. */
enum page_set_what page_set_at(const struct page_set *s, uint64_t pfn);

/* Of all blocks and parts that have a frame in common with these; @remove takes them out, whole. */
unsigned int page_set_overlap(struct page_set *s, uint64_t pfn, unsigned int order, bool remove);

/*
 * These frames are free: takes them out of the block or part that they are in, or else takes out what
 * page_set_overlap() would; that is what they were, in *@ret_what. 0, or -ENOMEM: then more of it may be gone.
 */
int page_set_take(struct page_set *s, uint64_t pfn, unsigned int order, unsigned int *ret_what);

#endif
