/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_NUMBERS_H
#define KMSCOPE_RECORD_NUMBERS_H
/* How numbers stand in recordings, and in the fields of records; bytes that grow. */
#include <string.h>

#include "base/vec.h"

static inline uint64_t record_zigzag(uint64_t difference)
{
	return difference << 1 ^ (uint64_t)((int64_t)difference >> 63);
}

static inline uint64_t record_unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

#define RECORD_VARINT_MAX 10 /* bytes */

/* Seven bits a byte, the lowest first; all but the last have the highest bit set. */
static inline uint8_t *record_put_varint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)v | 0x80;
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

static inline uint8_t *record_put(uint8_t *p, uint64_t v, unsigned int bytes)
{
	while (bytes--) {
		*p++ = (uint8_t)v;
		v >>= 8;
	}
	return p;
}

static inline uint64_t record_get(const uint8_t *p, unsigned int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

/* What is still to be read. */
struct record_cursor {
	const uint8_t *p, *end;
};

/* False where there is none: the bytes end, or it has more than 64 bits. */
static inline bool record_take_varint(struct record_cursor *c, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned int shift;

	if (likely(c->p < c->end && *c->p < 0x80)) {
		*ret = *c->p++;
		return true;
	}
	for (shift = 0; shift < 64 && c->p < c->end; shift += 7) {
		uint8_t byte = *c->p++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* A record's field of 4 or 8 bytes, in the machine's order. */
static inline uint64_t record_load(const void *p, unsigned int size)
{
	uint64_t v;
	uint32_t half;

	if (size == 8) {
		memcpy(&v, p, 8);
		return v;
	}
	memcpy(&half, p, 4);
	return half;
}

static inline void record_store(void *p, uint64_t v, unsigned int size)
{
	uint32_t half = (uint32_t)v;

	if (size == 8)
		memcpy(p, &v, 8);
	else
		memcpy(p, &half, 4);
}

/* Zero when empty; its owner frees .items. */
struct record_bytes {
	uint8_t *items;
	size_t n, capacity;
};

/* Make room for @more; false: no memory. */
static inline bool record_reserve(struct record_bytes *b, size_t more)
{
	uint8_t *items = vec_reserve(b->items, b->n, &b->capacity, more, 1);

	if (!items)
		return false;
	b->items = items;
	return true;
}

#endif
