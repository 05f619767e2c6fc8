/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SIDEBAND_QUEUE_H
#define KMSCOPE_SOURCE_SIDEBAND_QUEUE_H
/*
 * Records that come in the order of neither CPUs nor time and leave in that of time, equal ones as they
 * came. Which threads a process has is followed when they leave: only then is it known what was
 * first.
 */
#include "base/base.h"
#include "base/u64map.h"
#include "source/sideband_records.h"

struct sideband_entry {
	uint64_t time, order;
	struct event_header *record; /* in a chunk */
};

struct sideband_chunk;

struct sideband_queue {
	struct sideband_entry *items; /* [next, n) wait, [next, sorted) in order */
	size_t n, capacity, next, sorted;
	size_t bytes, max_bytes; /* that wait; and at most, 0: SIDEBAND_QUEUE_MAX */
	uint64_t order;
	uint64_t floor; /* all before that has left */
	uint64_t lost, lost_since; /* records that found no room, and when the first one came */
	struct sideband_chunk *filling;
	struct event_header *out; /* left last, to be freed */
	union {
		struct event_process process;
		struct event_maps_lost lost;
	} made; /* … or made for the purpose */
	struct u64map threads; /* process << 32 | thread: 1; with thread 0: how many */
};

#define SIDEBAND_QUEUE_MAX ((size_t)64 << 20)

/* Copies the record. One that finds no room is counted. */
void sideband_queue_put(struct sideband_queue *q, const struct event_header *record);
/* A record of @n that came to nothing at @time. */
void sideband_queue_lost(struct sideband_queue *q, uint64_t time, uint64_t n);
/*
 * The oldest record if it is not younger than @time, else NULL; valid until the next call. One that
 * comes too late, after younger ones or @time had their turn, gets the time of that: times never go
 * back. UINT64_MAX: any.
 */
const struct event_header *sideband_queue_next(struct sideband_queue *q, uint64_t time);
void sideband_queue_free(struct sideband_queue *q);

#endif
