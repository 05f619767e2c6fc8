// SPDX-License-Identifier: GPL-2.0
#include "analyze/pins.h"

#include <string.h>

#include "base/vec.h"

#define FIRST_SLOT_NS NSEC_PER_USEC

void pins_init(struct pins *p)
{
	memset(p, 0, sizeof(*p));
	p->slot_ns = FIRST_SLOT_NS;
}

void pins_free(struct pins *p)
{
	free(p->items);
	u64map_free(&p->pin_of);
	memset(p, 0, sizeof(*p));
}

static enum pin_state level_of(const struct pin *pin)
{
	return !pin->known ? PIN_UNKNOWN : pin->high ? PIN_HIGH : PIN_LOW;
}

/* What it was up to now it was in all slots since. */
static void pin_fill(struct pin *pin, size_t slot)
{
	while (pin->last < slot)
		pin->slots[++pin->last] = (uint8_t)level_of(pin);
}

/*
 * Two slots in one. A change from the first to the second is what a slot with one change shows: the level
 * after it, if the one before it is seen in the slot before.
 */
static uint8_t merge_slots(uint8_t before, uint8_t first, uint8_t second)
{
	if (first == second || first == before || first == PIN_UNKNOWN)
		return second;
	return second == PIN_UNKNOWN ? first : PIN_BOTH;
}

static void pins_double(struct pins *p)
{
	uint8_t before, last;
	struct pin *pin;
	size_t i;

	p->slot_ns *= 2;
	vec_for_each(p, pin) {
		for (i = 0, before = PIN_UNKNOWN; i < PINS_SLOTS; i += 2, before = last) {
			last = pin->slots[i + 1];
			pin->slots[i / 2] = merge_slots(before, pin->slots[i], last);
		}
		memset(pin->slots + PINS_SLOTS / 2, 0, PINS_SLOTS / 2);
		pin->last /= 2;
	}
}

static size_t slot_at(struct pins *p, uint64_t time)
{
	uint64_t since = time > p->first ? time - p->first : 0;

	while (since / p->slot_ns >= PINS_SLOTS)
		pins_double(p);
	return (size_t)(since / p->slot_ns);
}

static struct pin *pin_get(struct pins *p, uint64_t owner, uint32_t number, bool known_only)
{
	uint64_t key = owner << 32 | number;
	uint32_t found = u64map_get(&p->pin_of, key);
	struct pin *pin;

	if (found != U64MAP_NONE)
		return &p->items[found];
	if (known_only)
		return NULL;
	if (p->n >= PINS_MAX) {
		p->untold++;
		return NULL;
	}
	pin = vec_add(p);
	if (!pin || u64map_set(&p->pin_of, key, (uint32_t)(p->n - 1))) {
		p->oom = true;
		return NULL;
	}
	pin->owner = owner;
	pin->number = number;
	return pin;
}

void pins_level(struct pins *p, uint64_t time, uint64_t owner, uint32_t number, bool high,
		bool known_only)
{
	struct pin *pin = pin_get(p, owner, number, known_only);
	bool changed, first;
	size_t slot;

	if (!pin)
		return;
	if (!p->first)
		p->first = p->last = time;
	p->last = MAX(p->last, time);
	slot = slot_at(p, time);
	if (slot > pin->last)
		pin->changed = false;
	pin_fill(pin, slot);
	changed = pin->known && pin->high != high;
	first = !pin->known;
	pin->known = true;
	pin->high = high;
	pin->changes += changed;
	/* a late one tells of a slot that is past */
	if (changed && (pin->changed || slot < pin->last))
		pin->slots[slot] = PIN_BOTH;
	else if (changed || first)
		pin->slots[slot] = (uint8_t)level_of(pin);
	pin->changed |= changed;
}

/* A slot belongs to the part that it ends in; one that is longer than a part to all of its parts. */
enum pin_state pins_state(const struct pins *p, const struct pin *pin, size_t i, size_t n)
{
	uint64_t length = p->last - p->first + 1;
	uint64_t from = length * i / n, end;
	/* the last slot goes on beyond the last level */
	uint64_t to = i + 1 == n ? (length / p->slot_ns + 1) * p->slot_ns : length * (i + 1) / n;
	size_t first = (size_t)(from / p->slot_ns), k;
	uint8_t state = 0;

	for (k = first; k < PINS_SLOTS; k++) {
		end = (k + 1) * p->slot_ns - 1;
		if (end >= to && k > first)
			break;
		state |= k <= pin->last ? pin->slots[k] : level_of(pin);
		if (end >= to)
			break;
	}
	return (enum pin_state)state;
}
