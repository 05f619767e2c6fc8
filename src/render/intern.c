// SPDX-License-Identifier: GPL-2.0
#include "render/intern.h"

#include <string.h>

#include "base/vec.h"

static uint32_t hash_of(const uint8_t *bytes, size_t n)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	size_t i;

	for (i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash;
}

/* Make room for one more; at most half of the slots are taken. */
static bool make_room(struct intern *in)
{
	size_t n_slots = MAX(in->n_slots * 2, (size_t)64), i;
	uint32_t *slots;

	if (in->all.n >= INTERN_NONE - 1)
		return false;
	if ((in->all.n + 1) * 2 <= in->n_slots)
		return true;
	slots = calloc(n_slots, sizeof(*slots));
	if (!slots)
		return false;
	for (i = 0; i < in->all.n; i++) {
		size_t slot = in->all.items[i].hash & (n_slots - 1);

		while (slots[slot])
			slot = (slot + 1) & (n_slots - 1);
		slots[slot] = (uint32_t)i + 1;
	}
	free(in->slots);
	in->slots = slots;
	in->n_slots = n_slots;
	return true;
}

uint32_t intern_add(struct intern *in, const void *bytes, size_t n)
{
	uint32_t hash = hash_of(bytes, n);
	struct intern_item *item;
	size_t slot;
	char *pool;

	if (!make_room(in))
		return INTERN_NONE;
	for (slot = hash & (in->n_slots - 1); in->slots[slot];
	     slot = (slot + 1) & (in->n_slots - 1)) {
		item = &in->all.items[in->slots[slot] - 1];
		if (item->hash == hash && item->n == n &&
		    (!n || memcmp(in->pool.items + item->at, bytes, n) == 0))
			return in->slots[slot] - 1;
	}
	pool = vec_reserve(in->pool.items, in->pool.n, &in->pool.capacity, n + 1, 1);
	if (!pool)
		return INTERN_NONE;
	in->pool.items = pool;
	item = vec_add(&in->all);
	if (!item)
		return INTERN_NONE;
	*item = (struct intern_item){ .at = in->pool.n, .n = n, .hash = hash };
	if (n)
		memcpy(pool + in->pool.n, bytes, n);
	in->pool.n += n;
	in->slots[slot] = (uint32_t)in->all.n;
	return (uint32_t)in->all.n - 1;
}

const void *intern_get(const struct intern *in, size_t number, size_t *ret_n)
{
	*ret_n = in->all.items[number].n;
	return in->pool.items + in->all.items[number].at;
}

void intern_free(struct intern *in)
{
	free(in->all.items);
	free(in->pool.items);
	free(in->slots);
}
