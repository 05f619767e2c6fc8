/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_EVENT_MERGE_H
#define KMSCOPE_EVENT_MERGE_H
/*
 * Merges lanes of records, one a CPU, into one stream ordered by time.
 *
 * A lane is nearly sorted. Programs reserve room in the ring, then read the clock, then submit; an
 * interrupt between the first two puts its own, older record behind. What a reader may rely on: once
 * it has read the clock and then found no unfinished record in a ring, nothing older than that clock
 * can follow from there. MERGE_WINDOW_NS is held back on top of that, for clocks of different CPUs
 * that differ. Records stay where they are: the merge keeps pointers only, and merge_held() says
 * which ones it still needs.
 */
#include "event/event.h"

#define MERGE_WINDOW_NS	  (1 * NSEC_PER_MSEC)
#define MERGE_LANE_LENGTH 16384 /* records that a lane can hold back */

struct merge;

/* NULL when memory is short. */
struct merge *merge_new(size_t n_lanes);
void merge_free(struct merge **m);

/*
 * Add a record to @lane. @position is the record's place in its ring, growing with each push. False
 * when the lane is full: emit first.
 */
bool merge_push(struct merge *m, size_t lane, uint64_t position, const struct event_header *record);

/*
 * Up to which time @lane is complete although its ring has more to read: its newest record less the
 * window, but at least the middle of what it holds, so that a full lane always gets emptier.
 */
uint64_t merge_lane_complete(const struct merge *m, size_t lane);

/* Deliver everything that is not younger than @horizon, oldest first. */
void merge_emit(struct merge *m, uint64_t horizon, const struct event_sink *sink);

/* The lowest position of @lane that is still needed, or @otherwise if it holds nothing. */
uint64_t merge_held(const struct merge *m, size_t lane, uint64_t otherwise);

#endif
