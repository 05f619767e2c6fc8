/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_WATCH_H
#define KMSCOPE_ANALYZE_WATCH_H
/* The few numbers that whoever records wants to see meanwhile: it costs next to nothing, and reports nothing. */
#include "analyze/analyzer.h"

struct watch {
	struct analyzer analyzer;
	uint64_t start, end; /* times; .end of the newest tick, or of EVENT_END */
	uint64_t fallbacks; /* allocations that took another type's block, */
	uint64_t fallback_order; /* … and the largest order that was asked for */
	uint64_t failed_pages; /* page allocations that failed, */
	uint64_t failed_order; /* … and the largest order */
	uint64_t faults; /* not kmscope's own; with --sample an estimate */
	uint32_t sample;
	struct {
		uint64_t *items; /* by CPU */
		size_t n, capacity;
	} lost;
	uint64_t misses; /* EVENT_MISSES_UNKNOWN: not told */
	bool oom;
};

/* NULL: no memory. */
struct watch *watch_new(void);
/* Events that are not in the recording, as of the newest tick: for which rings had no room, … */
uint64_t watch_lost(const struct watch *w);
/* … and which the kernel skipped; 0 where it does not tell. */
uint64_t watch_missed(const struct watch *w);

#endif
