/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_DURATIONS_H
#define KMSCOPE_ANALYZE_DURATIONS_H
/* Times by order of magnitude: how long something lived, lasted or waited. */
#include "report/report.h"

#define DURATIONS 18 /* buckets: below 1 us, 3 us, 10 us … 100 s, and longer */

/* Upper bound of a bucket, ns; UINT64_MAX for the last. */
static inline uint64_t durations_bound(size_t bucket)
{
	uint64_t bound = NSEC_PER_USEC;
	size_t i;

	if (bucket + 1 >= DURATIONS)
		return UINT64_MAX;
	for (i = 0; i < bucket / 2; i++)
		bound *= 10;
	return bucket % 2 ? bound * 3 : bound;
}

static inline size_t durations_bucket(uint64_t ns)
{
	size_t bucket = 0;

	while (ns >= durations_bound(bucket) && bucket + 1 < DURATIONS)
		bucket++;
	return bucket;
}

/* Add @counts to histogram @h as key @key with @label, each times @scale, unless all are 0. */
static inline void durations_report(const uint64_t counts[DURATIONS], uint64_t scale, uint64_t key,
				    const char *label, struct report *r, struct histogram *h)
{
	uint64_t from = 0, sum = 0;
	size_t i;

	for (i = 0; i < DURATIONS; i++)
		sum += counts[i];
	for (i = 0; i < DURATIONS && sum; i++) {
		struct histogram_bucket bucket = { from, durations_bound(i), counts[i] * scale };

		report_add_bucket(r, h, key, label, bucket);
		from = bucket.to;
	}
}

#endif
