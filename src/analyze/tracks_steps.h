/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_TRACKS_STEPS_H
#define KMSCOPE_ANALYZE_TRACKS_STEPS_H
/*
 * What kmscope tracks shows over time, in equal steps of time that all tracks share. A track is a level,
 * whose value holds when its step begins, or counts the events of each step. Steps grow with the run, so
 * that there are never more than STEPS_MAX: from 1 ms to 10 ms, to 100 ms, then to twice as much each
 * time. A coarser step begins where a finer one did: levels stay true, counts are summed.
 */
#include "base/base.h"
#include "procfs/zones.h"
#include "report/report.h"

#define STEPS_MAX      2000 /* a multiple of 10: that many finer steps become one */
#define STEPS_FIRST_NS NSEC_PER_MSEC

enum track {
	TRACK_SLAB_LIVE,
	TRACK_SLAB_WASTE,
	TRACK_SLAB_ALLOCS,
	TRACK_PAGES_LIVE,
	TRACK_PAGE_ALLOCS,
	TRACK_FREE,
	TRACK_FREE_ORDER, /* one each order */
	TRACK_FREE_ORDER_LAST = TRACK_FREE_ORDER + ZONE_ORDERS - 1,
	TRACK_VMALLOC_LIVE,
	TRACK_FAULTS_MINOR,
	TRACK_FAULTS_MAJOR,
	TRACK_REGISTER_READS,
	TRACK_REGISTER_WRITES,
	TRACKS,
};

struct track_values {
	uint64_t now; /* of a level: since it was last set */
	bool known; /* .now is */
	size_t first; /* of a level: the step from which on it is known; STEPS_MAX: from none on */
	uint64_t values[STEPS_MAX];
};

struct steps {
	bool begun;
	uint64_t start, step_ns;
	size_t n; /* that have begun */
	struct track_values tracks[TRACKS];
};

/* The first step begins at @start. @s is zeroed; all but the levels of free memory are known, and 0. */
void steps_begin(struct steps *s, uint64_t start);

/* Whether a step has begun by @time that steps_pass() was not told of: levels have to be set before. */
bool steps_due(const struct steps *s, uint64_t time);
/* Time has passed up to @time; what is older than steps that have begun changes nothing. */
void steps_pass(struct steps *s, uint64_t time);

static inline void steps_set(struct steps *s, enum track track, uint64_t level)
{
	s->tracks[track].now = level;
	s->tracks[track].known = true;
}

/* @n events at @time, up to which time has passed. */
void steps_count(struct steps *s, enum track track, uint64_t time, uint64_t n);

/*
 * Add the series of those @tracks that are true, each value times @scale of its track, up to @end, and
 * table «tracks», which says what they are.
 */
void steps_report(const struct steps *s, const bool tracks[TRACKS], const uint64_t scale[TRACKS],
		  uint64_t end, struct report *r);

#endif
