// SPDX-License-Identifier: GPL-2.0
#include "event/event.h"

static const uint16_t event_sizes[] = {
	[EVENT_KMALLOC] = sizeof(struct event_alloc),
	[EVENT_CACHE_ALLOC] = sizeof(struct event_alloc),
	[EVENT_KFREE] = sizeof(struct event_free),
	[EVENT_CACHE_FREE] = sizeof(struct event_free),
	[EVENT_CACHE] = sizeof(struct event_cache),
	[EVENT_TASK] = sizeof(struct event_task),
	[EVENT_TICK] = sizeof(struct event_header),
	[EVENT_STACK] = sizeof(struct event_stack),
	[EVENT_COUNTERS] = sizeof(struct event_counters),
	[EVENT_MISSES] = sizeof(struct event_misses),
	[EVENT_START] = sizeof(struct event_start),
	[EVENT_END] = sizeof(struct event_header),
};

size_t event_size(const struct event_header *h)
{
	return h->kind < ARRAY_SIZE(event_sizes) ? event_sizes[h->kind] : 0;
}

bool event_valid(const struct event_header *h, size_t size)
{
	size_t need;

	if (size < sizeof(*h))
		return false;
	need = event_size(h);
	if (!need || size < need)
		return false;
	if (h->kind == EVENT_STACK)
		return ((const struct event_stack *)h)->n <= EVENT_STACK_DEPTH;
	return true;
}
