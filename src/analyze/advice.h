/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_ADVICE_H
#define KMSCOPE_ANALYZE_ADVICE_H
/* What would save the memory that rounding wastes. Pure arithmetic, no kernel access. */
#include "base/base.h"

struct advice_case {
	uint32_t requested; /* bytes, the same for all objects in question */
	uint32_t given; /* bytes */
	uint64_t live; /* objects */
	bool page_backed; /* beyond the largest size class */
	uint32_t page_size;
	uint32_t smallest_class; /* bytes; 8 on x86, 64 or 128 where DMA asks for it */
};

/* Less than this is not worth anybody's time. */
#define ADVICE_MIN_SAVING (64u << 10)

/*
 * Write one sentence about what to do to @buf; false if nothing pays. @ret_saving: bytes that it
 * would save now.
 */
bool advice_for(const struct advice_case *c, char *buf, size_t n, uint64_t *ret_saving);

/* The next smaller kmalloc size class below @size: powers of two, 96 and 192; 0 below 8. */
uint32_t size_class_below(uint32_t size);

#endif
