// SPDX-License-Identifier: GPL-2.0
#include "event/merge.h"

#include <string.h>

#define MERGE_BATCH 256

struct merge_entry {
	uint64_t time;
	uint64_t position;
	const struct event_header *record;
};

/* entries[head .. tail) are held, sorted by time; equal times keep their order. */
struct merge_lane {
	struct merge_entry *entries;
	size_t head, tail;
	uint64_t newest;
};

struct merge {
	size_t n_lanes;
	struct merge_lane **heap; /* lanes with something due, the oldest head first */
	size_t n_heap;
	struct merge_lane lanes[];
};

struct merge *merge_new(size_t n_lanes)
{
	struct merge *m = calloc(1, sizeof(*m) + n_lanes * sizeof(m->lanes[0]));
	size_t i;

	if (!m)
		return NULL;
	m->n_lanes = n_lanes;
	m->heap = calloc(n_lanes, sizeof(m->heap[0]));
	if (!m->heap)
		goto error;
	for (i = 0; i < n_lanes; i++) {
		/* touched only as far as it is used: an idle CPU's lane costs nothing */
		m->lanes[i].entries = malloc(MERGE_LANE_LENGTH * sizeof(struct merge_entry));
		if (!m->lanes[i].entries)
			goto error;
	}
	return m;
error:
	merge_free(&m);
	return NULL;
}

void merge_free(struct merge **pm)
{
	struct merge *m = *pm;
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->n_lanes; i++)
		free(m->lanes[i].entries);
	free(m->heap);
	freep(pm);
}

bool merge_push(struct merge *m, size_t lane, uint64_t position, const struct event_header *record)
{
	struct merge_lane *l = &m->lanes[lane];
	struct merge_entry *e = l->entries;
	uint64_t time = record->time;
	size_t i;

	if (l->tail == MERGE_LANE_LENGTH) {
		if (!l->head)
			return false;
		l->tail -= l->head;
		memmove(e, e + l->head, l->tail * sizeof(*e));
		l->head = 0;
	}
	for (i = l->tail; unlikely(i > l->head && e[i - 1].time > time); i--)
		e[i] = e[i - 1];
	e[i] = (struct merge_entry){ .time = time, .position = position, .record = record };
	l->tail++;
	if (time > l->newest)
		l->newest = time;
	return true;
}

uint64_t merge_lane_complete(const struct merge *m, size_t lane)
{
	const struct merge_lane *l = &m->lanes[lane];
	uint64_t complete = l->newest > MERGE_WINDOW_NS ? l->newest - MERGE_WINDOW_NS : 0;

	if (l->tail - l->head == MERGE_LANE_LENGTH)
		complete = MAX(complete, l->entries[l->head + MERGE_LANE_LENGTH / 2].time);
	return complete;
}

static uint64_t lane_time(const struct merge_lane *l)
{
	return l->entries[l->head].time;
}

/* Restore the heap below slot @i, whose lane may have become younger. */
static void heap_sift(struct merge *m, size_t i)
{
	struct merge_lane *lane = m->heap[i];
	size_t child;

	while ((child = 2 * i + 1) < m->n_heap) {
		if (child + 1 < m->n_heap &&
		    lane_time(m->heap[child + 1]) < lane_time(m->heap[child]))
			child++;
		if (lane_time(lane) <= lane_time(m->heap[child]))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = lane;
}

static void heap_build(struct merge *m, uint64_t horizon)
{
	size_t i;

	m->n_heap = 0;
	for (i = 0; i < m->n_lanes; i++) {
		struct merge_lane *l = &m->lanes[i];

		if (l->head < l->tail && lane_time(l) <= horizon)
			m->heap[m->n_heap++] = l;
	}
	for (i = m->n_heap / 2; i-- > 0;)
		heap_sift(m, i);
}

/* How long the first lane of the heap stays the oldest one. */
static uint64_t heap_bound(const struct merge *m, uint64_t horizon)
{
	uint64_t bound = horizon;
	size_t i;

	for (i = 1; i < MIN(m->n_heap, (size_t)3); i++)
		bound = MIN(bound, lane_time(m->heap[i]));
	return bound;
}

void merge_emit(struct merge *m, uint64_t horizon, const struct event_sink *sink)
{
	const struct event_header *batch[MERGE_BATCH];
	size_t n = 0, i;

	heap_build(m, horizon);
	while (m->n_heap) {
		struct merge_lane *l = m->heap[0];
		uint64_t bound = heap_bound(m, horizon);

		while (l->head < l->tail && l->entries[l->head].time <= bound) {
			batch[n++] = l->entries[l->head++].record;
			if (n == MERGE_BATCH) {
				sink->consume(sink->arg, batch, n);
				n = 0;
			}
		}
		if (l->head == l->tail || lane_time(l) > horizon)
			m->heap[0] = m->heap[--m->n_heap];
		if (m->n_heap)
			heap_sift(m, 0);
	}
	if (n)
		sink->consume(sink->arg, batch, n);
	for (i = 0; i < m->n_lanes; i++)
		if (m->lanes[i].head == m->lanes[i].tail)
			m->lanes[i].head = m->lanes[i].tail = 0;
}

uint64_t merge_held(const struct merge *m, size_t lane, uint64_t otherwise)
{
	const struct merge_lane *l = &m->lanes[lane];
	uint64_t lowest = otherwise;
	size_t i;

	for (i = l->head; i < l->tail; i++)
		lowest = MIN(lowest, l->entries[i].position);
	return lowest;
}
