// SPDX-License-Identifier: GPL-2.0
#include "source/page_set.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"

#define IS_OWN	   0x80
#define ORDER_MASK 0x1f

void page_set_free(struct page_set *s)
{
	u64map_free(&s->chunk_of);
	free(s->items);
	memset(s, 0, sizeof(*s));
}

static uint64_t first_of(uint64_t pfn, unsigned int order)
{
	return pfn & ~((1ull << order) - 1);
}

static unsigned int order_of(uint8_t part)
{
	return (part & ORDER_MASK) - 1u;
}

static enum page_set_what what_of(uint8_t part)
{
	if (!part)
		return PAGE_SET_NONE;
	return part & IS_OWN ? PAGE_SET_OWN : PAGE_SET_SELECTED;
}

/* NULL: nothing ever began in it. */
static struct page_set_chunk *chunk_find(const struct page_set *s, uint64_t pfn)
{
	uint32_t i = u64map_get(&s->chunk_of, pfn / PAGE_SET_CHUNK);

	return i == U64MAP_NONE ? NULL : &s->items[i];
}

static struct page_set_chunk *chunk_get(struct page_set *s, uint64_t pfn)
{
	struct page_set_chunk *chunk = chunk_find(s, pfn);

	if (chunk)
		return chunk;
	chunk = vec_add(s);
	if (!chunk || u64map_set(&s->chunk_of, pfn / PAGE_SET_CHUNK, (uint32_t)(s->n - 1)))
		return NULL;
	return chunk;
}

static void part_set(struct page_set *s, struct page_set_chunk *chunk, uint64_t pfn, uint8_t part)
{
	chunk->parts[pfn % PAGE_SET_CHUNK] = part;
	s->count[order_of(part)]++;
	s->orders |= 1u << order_of(part);
}

static void part_drop(struct page_set *s, struct page_set_chunk *chunk, uint64_t pfn)
{
	unsigned int order = order_of(chunk->parts[pfn % PAGE_SET_CHUNK]);

	chunk->parts[pfn % PAGE_SET_CHUNK] = 0;
	if (!--s->count[order])
		s->orders &= ~(1u << order);
}

int page_set_add(struct page_set *s, uint64_t pfn, unsigned int order, enum page_set_what what)
{
	struct page_set_chunk *chunk = chunk_get(s, pfn);

	if (!chunk)
		return -ENOMEM;
	part_set(s, chunk, pfn, (uint8_t)((order + 1) | (what == PAGE_SET_OWN ? IS_OWN : 0)));
	return 0;
}

/* The chunk where the part begins that frame @pfn is in, and its first frame; NULL: it is in none. */
static struct page_set_chunk *holder_of(const struct page_set *s, uint64_t pfn, uint64_t *ret_first)
{
	struct page_set_chunk *chunk = NULL;
	uint64_t known = UINT64_MAX;
	uint32_t orders = s->orders;

	while (orders) {
		unsigned int order = (unsigned int)__builtin_ctz(orders);
		uint64_t first = first_of(pfn, order);

		orders &= orders - 1;
		if (first / PAGE_SET_CHUNK != known) {
			known = first / PAGE_SET_CHUNK;
			chunk = chunk_find(s, first);
		}
		if (chunk && (chunk->parts[first % PAGE_SET_CHUNK] & ORDER_MASK) == order + 1) {
			*ret_first = first;
			return chunk;
		}
	}
	return NULL;
}

enum page_set_what page_set_at(const struct page_set *s, uint64_t pfn)
{
	uint64_t first;
	const struct page_set_chunk *chunk = holder_of(s, pfn, &first);

	return chunk ? what_of(chunk->parts[first % PAGE_SET_CHUNK]) : PAGE_SET_NONE;
}

/* Those that begin in @chunk between frames @pfn and @end. */
static unsigned int overlap_in(struct page_set *s, struct page_set_chunk *chunk, uint64_t pfn,
			       uint64_t end, bool remove)
{
	unsigned int what = PAGE_SET_NONE;

	for (; pfn < end; pfn++) {
		uint8_t part = chunk->parts[pfn % PAGE_SET_CHUNK];

		if (!part)
			continue;
		what |= what_of(part);
		if (remove)
			part_drop(s, chunk, pfn);
	}
	return what;
}

unsigned int page_set_overlap(struct page_set *s, uint64_t pfn, unsigned int order, bool remove)
{
	uint64_t first, end = pfn + (1ull << order);
	struct page_set_chunk *chunk = holder_of(s, pfn, &first);
	unsigned int what = PAGE_SET_NONE;

	if (chunk && order_of(chunk->parts[first % PAGE_SET_CHUNK]) >= order)
		return overlap_in(s, chunk, first, first + 1, remove);
	/* none that begins before them reaches them: all are smaller, and aligned */
	while (pfn < end && s->orders & ((1u << order) - 1)) {
		uint64_t stop = MIN((pfn | (PAGE_SET_CHUNK - 1)) + 1, end);

		chunk = chunk_find(s, pfn);
		if (chunk)
			what |= overlap_in(s, chunk, pfn, stop, remove);
		pfn = stop;
	}
	return what;
}

int page_set_take(struct page_set *s, uint64_t pfn, unsigned int order, unsigned int *ret_what)
{
	uint64_t first;
	struct page_set_chunk *chunk = holder_of(s, pfn, &first);
	uint8_t part = chunk ? chunk->parts[first % PAGE_SET_CHUNK] : 0;
	unsigned int have = part ? order_of(part) : 0;
	int err = 0;

	if (!part || have < order) {
		*ret_what = page_set_overlap(s, pfn, order, true);
		return 0;
	}
	part_drop(s, chunk, first);
	while (!err && have > order) {
		uint64_t half = first + (1ull << --have);

		err = page_set_add(s, pfn < half ? half : first, have, what_of(part));
		if (pfn >= half)
			first = half;
	}
	*ret_what = what_of(part);
	return err;
}
