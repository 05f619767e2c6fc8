/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_FRAMES_H
#define KMSCOPE_ANALYZE_FRAMES_H
/*
 * What is known of each page frame: which live block begins there, and what it is used for. Five bytes a
 * frame, in chunks that exist where there were events, so that sparse memory costs nothing.
 */
#include "base/base.h"
#include "base/u64map.h"

#define FRAMES_CHUNK_BITS 16
#define FRAMES_CHUNK	  (1u << FRAMES_CHUNK_BITS) /* frames */
#define FRAMES_CHUNKS_MAX 65536 /* 16 TiB of 4 KiB pages; beyond that frames are not followed */
#define FRAMES_NONE	  UINT32_MAX

struct frame_chunk {
	uint64_t number; /* frame >> FRAMES_CHUNK_BITS */
	uint32_t block[FRAMES_CHUNK]; /* block + 1 that begins here; 0: none */
	uint8_t state[FRAMES_CHUNK]; /* see blocks.h */
};

struct frames {
	struct frame_chunk **chunks;
	size_t n, capacity;
	struct u64map chunk_of; /* by number */
	struct frame_chunk *last; /* the one used last */
	size_t limit; /* chunks at most; 0: FRAMES_CHUNKS_MAX */
};

void frames_free(struct frames *f);
/* The chunk of frame @pfn, or NULL if it does not exist. */
const struct frame_chunk *frames_find(const struct frames *f, uint64_t pfn);
/* The same, made if need be. 0, -ENOMEM, or -E2BIG when there are too many. */
int frames_get(struct frames *f, uint64_t pfn, struct frame_chunk **ret);
/* The first frame from @pfn on whose chunk exists; UINT64_MAX: there is none. */
uint64_t frames_next(const struct frames *f, uint64_t pfn);

/* The block that begins at @pfn, or FRAMES_NONE. */
uint32_t frames_block(const struct frames *f, uint64_t pfn);
/* Set it, to FRAMES_NONE too. Errors as frames_get(). */
int frames_set_block(struct frames *f, uint64_t pfn, uint32_t block);

/* 0 where nothing is known. */
uint8_t frames_state(const struct frames *f, uint64_t pfn);
/* Set the state of @n frames. Errors as frames_get(), with what comes before set. */
int frames_set_state(struct frames *f, uint64_t pfn, uint64_t n, uint8_t state);

#endif
