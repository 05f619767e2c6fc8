// SPDX-License-Identifier: GPL-2.0
#include "analyze/frames.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"

void frames_free(struct frames *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->chunks[i]);
	free(f->chunks);
	u64map_free(&f->chunk_of);
	*f = (struct frames){ 0 };
}

const struct frame_chunk *frames_find(const struct frames *f, uint64_t pfn)
{
	uint64_t number = pfn >> FRAMES_CHUNK_BITS;
	uint32_t at;

	if (likely(f->last && f->last->number == number))
		return f->last;
	at = u64map_get(&f->chunk_of, number);
	return at == U64MAP_NONE ? NULL : f->chunks[at];
}

int frames_get(struct frames *f, uint64_t pfn, struct frame_chunk **ret)
{
	struct frame_chunk *chunk = (struct frame_chunk *)frames_find(f, pfn), **more;
	uint64_t number = pfn >> FRAMES_CHUNK_BITS;

	if (!chunk) {
		if (f->n == (f->limit ? f->limit : FRAMES_CHUNKS_MAX))
			return -E2BIG;
		more = vec_reserve(f->chunks, f->n, &f->capacity, 1, sizeof(struct frame_chunk *));
		if (!more)
			return -ENOMEM;
		f->chunks = more;
		chunk = calloc(1, sizeof(*chunk));
		if (!chunk || u64map_set(&f->chunk_of, number, (uint32_t)f->n)) {
			free(chunk);
			return -ENOMEM;
		}
		chunk->number = number;
		f->chunks[f->n++] = chunk;
	}
	f->last = chunk;
	*ret = chunk;
	return 0;
}

uint64_t frames_next(const struct frames *f, uint64_t pfn)
{
	uint64_t next = UINT64_MAX;
	size_t i;

	if (frames_find(f, pfn))
		return pfn;
	for (i = 0; i < f->n; i++) {
		uint64_t first = f->chunks[i]->number << FRAMES_CHUNK_BITS;

		if (first > pfn)
			next = MIN(next, first);
	}
	return next;
}

uint32_t frames_block(const struct frames *f, uint64_t pfn)
{
	const struct frame_chunk *chunk = frames_find(f, pfn);

	return chunk ? chunk->block[pfn & (FRAMES_CHUNK - 1)] - 1 : FRAMES_NONE;
}

int frames_set_block(struct frames *f, uint64_t pfn, uint32_t block)
{
	struct frame_chunk *chunk;
	int err = frames_get(f, pfn, &chunk);

	if (err)
		return err;
	chunk->block[pfn & (FRAMES_CHUNK - 1)] = block + 1;
	return 0;
}

uint8_t frames_state(const struct frames *f, uint64_t pfn)
{
	const struct frame_chunk *chunk = frames_find(f, pfn);

	return chunk ? chunk->state[pfn & (FRAMES_CHUNK - 1)] : 0;
}

int frames_set_state(struct frames *f, uint64_t pfn, uint64_t n, uint8_t state)
{
	while (n) {
		uint32_t at = pfn & (FRAMES_CHUNK - 1);
		uint64_t here = MIN(n, (uint64_t)(FRAMES_CHUNK - at));
		struct frame_chunk *chunk;
		int err = frames_get(f, pfn, &chunk);

		if (err)
			return err;
		memset(chunk->state + at, state, here);
		pfn += here;
		n -= here;
	}
	return 0;
}
