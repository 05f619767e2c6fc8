// SPDX-License-Identifier: GPL-2.0
#include "render/spark.h"

#include <assert.h>

#define SPREAD 1000

void scale_add(struct scale *s, uint64_t v)
{
	if (v == 0)
		return;
	s->largest = MAX(s->largest, v);
	s->smallest = s->smallest ? MIN(s->smallest, v) : v;
}

bool scale_spreads(const struct scale *s)
{
	/* largest > smallest × SPREAD, which might overflow */
	return s->largest && (s->largest - 1) / SPREAD >= s->smallest;
}

/* 1 + log2(@v) in 256ths, between powers of two linear: near enough, and spares us libm. */
static uint64_t log2_256ths(uint64_t v)
{
	unsigned int exponent = 63 - (unsigned int)__builtin_clzll(v);
	uint64_t mantissa = v << (63 - exponent); /* its first bit is always set */

	return (exponent + 1) * 256 + (mantissa << 1 >> 56);
}

size_t scale_steps(const struct scale *s, uint64_t v, size_t steps)
{
	double part;

	if (v == 0 || s->largest == 0)
		return 0;
	v = MIN(v, s->largest);
	if (s->log)
		part = (double)log2_256ths(v) / (double)log2_256ths(s->largest);
	else
		part = (double)v / (double)s->largest;
	return MIN(MAX((size_t)(part * (double)steps + 0.5), (size_t)1), steps);
}

void spark_put(struct text *t, const uint8_t *heights, size_t n)
{
	static const char *const bars[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };

	static_assert(ARRAY_SIZE(bars) == SPARK_HEIGHTS + 1, "a bar for each height");
	for (size_t i = 0; i < n; i++)
		out_puts(&t->out, bars[MIN(heights[i], (uint8_t)SPARK_HEIGHTS)]);
}
