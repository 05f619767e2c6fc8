// SPDX-License-Identifier: GPL-2.0
#include "analyze/spread.h"

#include <errno.h>

/* Below SPREAD_STEPS each time has a bucket of its own. */
static size_t bucket_of(uint64_t ns)
{
	unsigned int power;

	if (ns < SPREAD_STEPS)
		return (size_t)ns;
	power = 63 - (unsigned int)__builtin_clzll(ns);
	return MIN((size_t)(power - 2) * SPREAD_STEPS + (ns >> (power - 3)) % SPREAD_STEPS,
		   (size_t)SPREAD_BUCKETS - 1);
}

static uint64_t bucket_middle(size_t bucket)
{
	unsigned int power = (unsigned int)(bucket / SPREAD_STEPS) + 2;
	uint64_t step;

	if (bucket < SPREAD_STEPS)
		return bucket;
	step = 1ull << (power - 3);
	return (SPREAD_STEPS + bucket % SPREAD_STEPS) * step + step / 2;
}

int spread_add(struct spread *s, uint64_t ns)
{
	uint32_t *bucket;

	if (!s->counts) {
		s->counts = calloc(SPREAD_BUCKETS, sizeof(*s->counts));
		if (!s->counts)
			return -ENOMEM;
	}
	bucket = &s->counts[bucket_of(ns)];
	/* of four thousand million times in one step one more makes no difference */
	if (*bucket < UINT32_MAX)
		++*bucket;
	s->n++;
	s->sum += ns;
	s->max = MAX(s->max, ns);
	return 0;
}

void spread_free(struct spread *s)
{
	freep(&s->counts);
	*s = (struct spread){ 0 };
}

uint64_t spread_percentile(const struct spread *s, unsigned int percent)
{
	uint64_t seen = 0, wanted = (s->n * percent + 99) / 100;
	size_t i;

	for (i = 0; i + 1 < SPREAD_BUCKETS; i++) {
		seen += s->counts[i];
		if (seen >= wanted)
			break;
	}
	/* the longest is known better */
	return MIN(bucket_middle(i), s->max);
}
