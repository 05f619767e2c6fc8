// SPDX-License-Identifier: GPL-2.0
#include "base/u64index.h"

#include <errno.h>

#define MIN_BITS 6
#define MAX_BITS 31

void u64index_free(struct u64index *x)
{
	free(x->slots);
	memset(x, 0, sizeof(*x));
}

/* Put @slot where it belongs. Needs a free one. */
static void place(struct u64index *x, struct u64index_slot slot)
{
	size_t mask = ((size_t)1 << x->bits) - 1, i = slot.tag >> (32 - x->bits);

	while (x->slots[i].item != U64INDEX_NONE)
		i = (i + 1) & mask;
	x->slots[i] = slot;
}

static int grow(struct u64index *x)
{
	struct u64index bigger = *x;
	size_t n_slots, i;

	bigger.bits = x->slots ? x->bits + 1 : MIN_BITS;
	if (bigger.bits > MAX_BITS)
		return -ENOMEM;
	n_slots = (size_t)1 << bigger.bits;
	bigger.slots = malloc(n_slots * sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	memset(bigger.slots, 0xff, n_slots * sizeof(*bigger.slots));
	for (i = 0; x->slots && i < (size_t)1 << x->bits; i++)
		if (x->slots[i].item != U64INDEX_NONE)
			place(&bigger, x->slots[i]);
	free(x->slots);
	*x = bigger;
	return 0;
}

int u64index_add(struct u64index *x, uint64_t key, uint32_t item)
{
	/* grow at three quarters: linear probing gets slow above */
	if (!x->slots || (x->n + 1) * 4 > ((size_t)1 << x->bits) * 3) {
		int err = grow(x);

		if (err)
			return err;
	}
	place(x, (struct u64index_slot){ u64index_tag(key), item });
	x->n++;
	return 0;
}

void u64index_remove(struct u64index *x, uint64_t key, uint32_t item)
{
	size_t mask = ((size_t)1 << x->bits) - 1, hole, i;

	for (hole = u64index_tag(key) >> (32 - x->bits); x->slots[hole].item != item;
	     hole = (hole + 1) & mask)
		if (x->slots[hole].item == U64INDEX_NONE)
			return;
	/* move back what would no longer be reached over the hole */
	for (i = (hole + 1) & mask; x->slots[i].item != U64INDEX_NONE; i = (i + 1) & mask) {
		size_t home = x->slots[i].tag >> (32 - x->bits);

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			x->slots[hole] = x->slots[i];
			hole = i;
		}
	}
	x->slots[hole].item = U64INDEX_NONE;
	x->n--;
}
