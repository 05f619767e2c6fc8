// SPDX-License-Identifier: GPL-2.0
#include "event/event.h"

#include <string.h>

static const uint16_t event_sizes[] = {
	[EVENT_KMALLOC] = sizeof(struct event_alloc),
	[EVENT_CACHE_ALLOC] = sizeof(struct event_alloc),
	[EVENT_KFREE] = sizeof(struct event_free),
	[EVENT_CACHE_FREE] = sizeof(struct event_free),
	[EVENT_PAGE_ALLOC] = sizeof(struct event_page),
	[EVENT_PAGE_FREE] = sizeof(struct event_page_free),
	[EVENT_PAGE_FALLBACK] = sizeof(struct event_fallback),
	[EVENT_PAGE_REFILL] = sizeof(struct event_page_free),
	[EVENT_PAGE_DRAIN] = sizeof(struct event_page_free),
	[EVENT_PAGE_BULK] = sizeof(struct event_work),
	[EVENT_COMPACTION] = sizeof(struct event_work),
	[EVENT_RECLAIM] = sizeof(struct event_work),
	[EVENT_AREA_ALLOC] = sizeof(struct event_area),
	[EVENT_AREA_FREE] = sizeof(struct event_area_free),
	[EVENT_AREA_PURGE] = sizeof(struct event_area_purge),
	[EVENT_AREA_PAGES] = sizeof(struct event_area_pages),
	[EVENT_VMALLOC] = sizeof(struct event_vmalloc),
	[EVENT_IOREMAP] = sizeof(struct event_ioremap),
	[EVENT_IOUNMAP] = sizeof(struct event_free),
	[EVENT_REGISTER] = sizeof(struct event_register),
	[EVENT_FAULT] = sizeof(struct event_fault),
	[EVENT_FAULT_COUNTS] = sizeof(struct event_fault_counts),
	[EVENT_SNAPSHOT] = sizeof(struct event_snapshot),
	[EVENT_PROCESS] = sizeof(struct event_process),
	[EVENT_MAP] = sizeof(struct event_map),
	[EVENT_MAPS_LOST] = sizeof(struct event_maps_lost),
	[EVENT_PROGRAM] = sizeof(struct event_program),
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
	size_t size = h->kind < ARRAY_SIZE(event_sizes) ? event_sizes[h->kind] : 0;

	if (h->kind == EVENT_SNAPSHOT)
		size += ((const struct event_snapshot *)h)->size;
	else if (h->kind == EVENT_MAP)
		size += ((const struct event_map *)h)->size;
	return size;
}

int32_t event_stack_id(const struct event_header *h)
{
	switch (h->kind) {
	case EVENT_KMALLOC:
	case EVENT_CACHE_ALLOC:
		return ((const struct event_alloc *)h)->stack;
	case EVENT_PAGE_ALLOC:
		return ((const struct event_page *)h)->stack;
	case EVENT_PAGE_FALLBACK:
		return ((const struct event_fallback *)h)->stack;
	case EVENT_AREA_ALLOC:
		return ((const struct event_area *)h)->stack;
	case EVENT_IOREMAP:
		return ((const struct event_ioremap *)h)->stack;
	case EVENT_FAULT:
		return ((const struct event_fault *)h)->stack;
	}
	return -1;
}

bool event_counts(const struct event_header *h)
{
	return h->kind < EVENT_TICK && h->kind != EVENT_CACHE && h->kind != EVENT_TASK &&
	       h->kind != EVENT_FAULT_COUNTS;
}

/* Texts end, runs are whole words of known kinds. */
static bool snapshot_valid(const struct event_snapshot *e, size_t room)
{
	size_t i;

	if (e->size > room || e->h.flags >= SNAPSHOT_MAX)
		return false;
	if (e->h.flags != SNAPSHOT_FRAMES)
		return e->size && !e->data[e->size - 1];
	for (i = 0; i + sizeof(uint64_t) <= e->size; i += sizeof(uint64_t)) {
		uint64_t run;

		memcpy(&run, e->data + i, sizeof(run));
		if (run >> 56 >= FRAME_KINDS)
			return false;
	}
	return i == e->size;
}

/* A path ends, and the addresses do not wrap. */
static bool map_valid(const struct event_map *e, size_t room)
{
	return e->size && e->size <= MIN(room, (size_t)EVENT_PATH_MAX) && !e->path[e->size - 1] &&
	       e->bytes && e->start + (e->bytes - 1) >= e->start;
}

/* @room: bytes behind the fixed part. */
static bool fields_valid(const struct event_header *h, size_t room)
{
	switch (h->kind) {
	case EVENT_REGISTER: {
		const struct event_register *e = (const struct event_register *)h;

		return e->source < REGISTER_SOURCES && e->access < REGISTER_ACCESSES &&
		       !e->name[sizeof(e->name) - 1];
	}
	case EVENT_SNAPSHOT:
		return snapshot_valid((const struct event_snapshot *)h, room);
	case EVENT_IOREMAP:
		return ((const struct event_ioremap *)h)->function < IOREMAP_FUNCTIONS;
	case EVENT_STACK:
		return ((const struct event_stack *)h)->n <= EVENT_STACK_DEPTH &&
		       (uint32_t)((const struct event_stack *)h)->id < EVENT_STACKS_MAX;
	case EVENT_FAULT_COUNTS:
		return ((const struct event_fault_counts *)h)->what < COUNTS_KINDS;
	case EVENT_PROCESS:
		return ((const struct event_process *)h)->what < PROCESS_CHANGES &&
		       !((const struct event_process *)h)->comm[15];
	case EVENT_MAP:
		return map_valid((const struct event_map *)h, room);
	}
	return true;
}

bool event_valid(const struct event_header *h, size_t size)
{
	size_t need;

	if (size < sizeof(*h) || h->cpu >= EVENT_CPUS_MAX)
		return false;
	need = h->kind < ARRAY_SIZE(event_sizes) ? event_sizes[h->kind] : 0;
	if (!need || size < need)
		return false;
	return fields_valid(h, size - need);
}
