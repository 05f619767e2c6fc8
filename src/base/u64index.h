/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_U64INDEX_H
#define KMSCOPE_BASE_U64INDEX_H
/*
 * As u64map, for items of an array that have their key themselves, at their beginning: a slot takes half
 * the room. Zero-initialise it.
 */
#include <string.h>

#include "base/base.h"

#define U64INDEX_NONE UINT32_MAX /* not the number of an item */

struct u64index_slot {
	uint32_t tag; /* of the key's hash: its home is in the upper bits */
	uint32_t item; /* U64INDEX_NONE: free */
};

struct u64index {
	size_t item_size; /* set once, before the first use */
	struct u64index_slot *slots;
	size_t n;
	unsigned int bits; /* 2^bits slots, at most 2^31; 0: none yet */
};

void u64index_free(struct u64index *x);
/*
 * Enter item @item of @items, whose key is @key, which is not in it yet; the item itself may be written
 * afterwards. 0, or -ENOMEM, then nothing has changed.
 */
int u64index_add(struct u64index *x, uint64_t key, uint32_t item) _must_check_;
/* Take out what u64index_get() found. */
void u64index_remove(struct u64index *x, uint64_t key, uint32_t item);

static inline uint32_t u64index_tag(uint64_t key)
{
	/* as u64map_home() */
	return (uint32_t)(((key ^ key >> 29) * 0x9e3779b97f4a7c15ull) >> 32);
}

/* The number of the item with @key; U64INDEX_NONE: there is none. */
static inline uint32_t u64index_get(const struct u64index *x, const void *items, uint64_t key)
{
	uint32_t tag = u64index_tag(key);
	size_t mask, i;

	if (!x->n)
		return U64INDEX_NONE;
	mask = ((size_t)1 << x->bits) - 1;
	for (i = tag >> (32 - x->bits); x->slots[i].item != U64INDEX_NONE; i = (i + 1) & mask) {
		uint64_t found;

		if (x->slots[i].tag != tag)
			continue;
		memcpy(&found, (const char *)items + x->slots[i].item * x->item_size,
		       sizeof(found));
		if (likely(found == key))
			return x->slots[i].item;
	}
	return U64INDEX_NONE;
}

#endif
