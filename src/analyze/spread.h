/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_SPREAD_H
#define KMSCOPE_ANALYZE_SPREAD_H
/*
 * Times of which percentiles are wanted: counts in eight steps to each power of two, so that a percentile
 * is the middle of a step and off by 1/16 of itself at most.
 */
#include "base/base.h"

#define SPREAD_STEPS 8
#define SPREAD_BUCKETS \
	(SPREAD_STEPS * 40) /* up to 2^42 ns, 73 minutes; what is longer is in the last */

struct spread {
	uint64_t n, sum, max; /* ns */
	uint32_t *counts; /* owned; NULL: none yet */
};

/* Add a time of @ns. 0 or -ENOMEM. */
int spread_add(struct spread *s, uint64_t ns);
void spread_free(struct spread *s);
/* The time that @percent of all are not longer than. Not for an empty one. */
uint64_t spread_percentile(const struct spread *s, unsigned int percent);

#endif
