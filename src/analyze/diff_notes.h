/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_DIFF_NOTES_H
#define KMSCOPE_ANALYZE_DIFF_NOTES_H
/* What has to be said along with a comparison: how far the two runs can be compared at all. */
#include "analyze/diff.h"

/* How long the runs took. */
struct diff_times {
	double before, after; /* seconds */
	bool rates; /* both are long enough for numbers a second to mean anything */
	bool scaled; /* counts are compared as if the first had taken as long as the second: times .factor */
	double factor;
};

/* What was noticed while rows were compared. */
struct diff_findings {
	uint64_t same; /* rows that text leaves out, because nothing changed in them */
	uint64_t moved, ambiguous; /* functions; see struct diff_pairs */
	uint64_t unnamed; /* rows with an address for a call site */
	uint64_t unplaced; /* registers and mappings with an address for a device */
	uint64_t unknown; /* rows without an amount */
};

struct diff_times diff_times_of(const struct diff_side *before, const struct diff_side *after,
				const struct diff_options *o);

/* The name of a side, or @otherwise. */
const char *diff_side_name(const struct diff_side *side, const char *otherwise);
/* The report that lost most, or NULL if there is none at all. */
const struct report *diff_worst(const struct diff_side *side);
/* Events that a report lacks: lost, or skipped by the kernel as far as that is known. */
uint64_t diff_missing(const struct report *r);
uint64_t diff_duration(const struct diff_side *side); /* in nanoseconds */

void diff_add_notes(const struct diff_side *before, const struct diff_side *after,
		    const struct diff_options *o, const struct diff_times *times,
		    const struct diff_findings *found, struct report *r);

#endif
