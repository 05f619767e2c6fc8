/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_SPARK_H
#define KMSCOPE_RENDER_SPARK_H
/* Numbers as lengths and heights, in integers and IEEE arithmetic that all machines share. */
#include "base/base.h"
#include "render/text.h"

/* What lengths are relative to. All zero: nothing has been added yet. */
struct scale {
	uint64_t largest, smallest; /* smallest but 0; both 0 while there is nothing but 0 */
	bool log; /* decided by the user of this, see scale_spreads() */
};

void scale_add(struct scale *s, uint64_t v);

/* Whether the numbers are more than a thousandfold apart, so that a linear scale hides the small ones. */
bool scale_spreads(const struct scale *s);

/*
 * How many of @steps @v gets: none if it is 0, all if it is the largest, and at least one otherwise.
 * Logarithmic if s->log, with the first step for 1 whatever the smallest is.
 */
size_t scale_steps(const struct scale *s, uint64_t v, size_t steps);

#define SPARK_HEIGHTS 8

/* Print @n bars of @heights, 0 (a gap) to SPARK_HEIGHTS. */
void spark_put(struct text *t, const uint8_t *heights, size_t n);

#endif
