/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_PAGES_H
#define KMSCOPE_ANALYZE_PAGES_H
/*
 * The books of the page allocator: who was given blocks of which order, what of them is still there, and
 * what the kernel's own lists said meanwhile. Blocks are known by their frame number; a block that is
 * freed in pieces stays until its last page is freed. Events of blocks that no buddy allocator has (an
 * order of BLOCKS_ORDERS or more, a frame that is not aligned to it) are left out and counted.
 */
#include "analyze/blocks.h"
#include "analyze/durations.h"
#include "analyze/stream.h"
#include "procfs/zones.h"

#define PAGES_SERIES  256 /* values kept of what is seen once a second */
#define PAGES_NO_ZONE UINT16_MAX
#define PAGES_NO_TYPE 0xff

/* One line of the table of orders. */
struct page_row {
	uint16_t zone; /* index into pages.zones, or PAGES_NO_ZONE */
	uint8_t order,
		migratetype; /* the type asked for, PAGES_NO_TYPE: a free of an unknown block */
	uint64_t allocs, failed; /* allocs = frees + split_blocks + implied + live_blocks */
	uint64_t frees; /* of whole blocks */
	uint64_t pieces; /* events that freed a part of a block */
	uint64_t split_blocks; /* blocks whose last page was freed by a piece */
	uint64_t implied; /* the last frames were given out again with no free seen */
	uint64_t live_blocks, live_pages;
};

/* Requests of one kind by tasks of one name. */
struct page_user {
	uint32_t gfp;
	uint32_t task; /* one of that name, or STREAM_NONE */
	uint8_t order, migratetype;
	uint64_t allocs, failed, live_pages;
	uint64_t frees; /* blocks that are gone: whole, in pieces, or implied */
};

struct page_fallback {
	uint8_t order, from_order, migratetype, from_migratetype;
	uint64_t count;
	uint64_t whole; /* times in which the page block changed its type */
};

/*
 * A block stands in the frames at its first one while all of it is live. Once a piece of it is freed it
 * stands nowhere and counts down; what is left stands there as parts, blocks as buddies are halved.
 */
struct page_block {
	uint64_t time;
	uint32_t row, user;
	uint32_t left; /* pages that are still live; 0: a free pool entry */
	uint32_t next; /* of a part: its block; of a free entry: the next one; else STREAM_NONE */
	uint32_t predecessor; /* row of the block whose free its allocation implied, or STREAM_NONE */
	uint8_t order;
	bool own; /* kmscope's; .row and .user mean nothing */
};

/* A free of a block that is not known: the allocation may come late. */
struct page_stray {
	uint64_t block, time; /* .block 0: none */
	uint32_t row; /* where it was counted, or STREAM_NONE */
};

/* How often a call chain was taken for a user or a fallback. */
struct page_sample {
	uint32_t owner; /* its number; fallbacks: PAGE_SAMPLE_FALLBACK added */
	uint32_t stack;
	uint64_t n;
};
#define PAGE_SAMPLE_FALLBACK (1u << 31)

/* Compaction and direct reclaim. */
struct page_work {
	uint64_t begun, ended;
	uint64_t total_ns, max_ns; /* of those whose begin and end were seen */
	uint64_t pages; /* reclaimed */
};

struct page_zone_sums {
	uint64_t allocated, freed; /* pages in all events, kmscope's own too */
};

/* The kernel's lists at a moment, and what events had told by then. */
struct page_lists {
	struct zones zones;
	struct free_lists free;
	uint64_t before, time; /* read between these */
	uint64_t in_flight; /* pages that events moved meanwhile */
	struct page_zone_sums *sums; /* by zone */
	size_t n_sums;
};

/* Pages moved by events between these times. */
struct page_recent {
	uint64_t first, last;
	uint64_t pages;
};

struct pages {
	struct stream stream;
	struct frames frames;
	struct blocks blocks;
	bool frames_loaded; /* all frames of the starting snapshot are in */
	bool frames_end; /* all frames of the last one are in */
	bool ending; /* the last look at the lists has been taken: frames that follow are the end's */
	struct blocks_count model_end; /* what the model had by then */
	STREAM_VEC(struct page_row) rows;
	STREAM_VEC(struct page_user) users;
	STREAM_VEC(struct page_fallback) fallbacks;
	STREAM_VEC(struct page_block) pool;
	STREAM_VEC(struct page_sample) samples;
	uint32_t free_block; /* head of the pool's free list */
	struct page_stray *strays; /* by hash of the block */
	struct u64map row_of, user_of, fallback_of, sample_of;
	struct zones zones; /* of the first snapshot: zones keep their places */
	struct page_zone_sums *sums; /* by zone, and one more for none */
	struct page_lists start, newest; /* .time 0: not there */
	struct zones pending; /* zoneinfo waiting for its buddyinfo */
	uint64_t pending_before;
	struct free_lists types_start, types_end; /* pagetypeinfo */
	char *gfp; /* text of SNAPSHOT_GFP */
	uint64_t lifetimes[BLOCKS_ORDERS][DURATIONS];
	uint64_t refills, drains, bulk_pages;
	uint64_t damaged; /* events of blocks that can't be */
	uint64_t largest_merges; /* frees that covered more than the block that was known */
	struct page_work compaction, reclaim;
	uint64_t compacting[64], reclaiming[64]; /* when it began, by CPU modulo 64; 0: it is not */
	struct page_recent *recent; /* what was moved lately, a ring */
	size_t n_recent;
	uint64_t series[PAGES_SERIES]; /* free pages of all zones */
	size_t n_series;
	uint64_t series_stride, series_seen, series_start;
};

int pages_init(struct pages *p);
void pages_free(struct pages *p);
void pages_consume(struct pages *p, const struct event_header *const *records, size_t n);
void pages_each_live(const struct pages *p, void (*visit)(void *ctx, uint64_t pfn), void *ctx);

#endif
