// SPDX-License-Identifier: GPL-2.0
#include "base/u64map.h"

#include <errno.h>
#include <string.h>

#define U64MAP_MIN_BITS 6

void u64map_free(struct u64map *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

/* The slot of @key, or the free one where it belongs. Needs at least one free slot. */
static struct u64map_slot *u64map_slot_of(const struct u64map *m, uint64_t key)
{
	size_t mask = ((size_t)1 << m->bits) - 1;
	size_t i = u64map_home(m, key);

	while (m->slots[i].value != U64MAP_NONE && m->slots[i].key != key)
		i = (i + 1) & mask;
	return &m->slots[i];
}

static int u64map_grow(struct u64map *m)
{
	struct u64map bigger = { .bits = m->slots ? m->bits + 1 : U64MAP_MIN_BITS, .n = m->n };
	size_t n_slots = (size_t)1 << bigger.bits;
	size_t i;

	bigger.slots = malloc(n_slots * sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; i < n_slots; i++)
		bigger.slots[i].value = U64MAP_NONE;
	for (i = 0; m->slots && i < (size_t)1 << m->bits; i++)
		if (m->slots[i].value != U64MAP_NONE)
			*u64map_slot_of(&bigger, m->slots[i].key) = m->slots[i];
	free(m->slots);
	*m = bigger;
	return 0;
}

int u64map_set(struct u64map *m, uint64_t key, uint32_t value)
{
	struct u64map_slot *slot;

	/* grow at three quarters: linear probing gets slow above */
	if (!m->slots || (m->n + 1) * 4 > ((size_t)1 << m->bits) * 3) {
		int err = u64map_grow(m);

		if (err)
			return err;
	}
	slot = u64map_slot_of(m, key);
	if (slot->value == U64MAP_NONE)
		m->n++;
	slot->key = key;
	slot->value = value;
	return 0;
}

uint32_t u64map_remove(struct u64map *m, uint64_t key)
{
	size_t mask, hole, i;
	uint32_t value;

	if (!m->n)
		return U64MAP_NONE;
	mask = ((size_t)1 << m->bits) - 1;
	hole = (size_t)(u64map_slot_of(m, key) - m->slots);
	value = m->slots[hole].value;
	if (value == U64MAP_NONE)
		return value;
	/* move back what would no longer be reached over the hole */
	for (i = (hole + 1) & mask; m->slots[i].value != U64MAP_NONE; i = (i + 1) & mask) {
		size_t home = u64map_home(m, m->slots[i].key);

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole].value = U64MAP_NONE;
	m->n--;
	return value;
}
