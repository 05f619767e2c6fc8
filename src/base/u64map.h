/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_U64MAP_H
#define KMSCOPE_BASE_U64MAP_H
/*
 * A hash map from 64-bit keys to 32-bit values: open addressing with linear probing, deletion by
 * shifting back, so that it stays fast however often entries come and go. Zero-initialise it.
 */
#include "base/base.h"

#define U64MAP_NONE UINT32_MAX /* not a value */

struct u64map_slot {
	uint64_t key;
	uint32_t value; /* U64MAP_NONE: free */
	uint32_t unused;
};

struct u64map {
	struct u64map_slot *slots;
	size_t n;
	unsigned int bits; /* 2^bits slots; 0: none yet */
};

void u64map_free(struct u64map *m);
/* Set @key to @value (not U64MAP_NONE). 0 or -ENOMEM, then nothing has changed. */
int u64map_set(struct u64map *m, uint64_t key, uint32_t value) _must_check_;
/* Remove @key; returns its value, or U64MAP_NONE if there was none. */
uint32_t u64map_remove(struct u64map *m, uint64_t key);

static inline size_t u64map_home(const struct u64map *m, uint64_t key)
{
	/* Fibonacci hashing after a fold: kernel addresses differ in their middle bits */
	return (size_t)(((key ^ key >> 29) * 0x9e3779b97f4a7c15ull) >> (64 - m->bits));
}

static inline uint32_t u64map_get(const struct u64map *m, uint64_t key)
{
	size_t mask, i;

	if (!m->n)
		return U64MAP_NONE;
	mask = ((size_t)1 << m->bits) - 1;
	for (i = u64map_home(m, key); m->slots[i].value != U64MAP_NONE; i = (i + 1) & mask)
		if (m->slots[i].key == key)
			return m->slots[i].value;
	return U64MAP_NONE;
}

#endif
