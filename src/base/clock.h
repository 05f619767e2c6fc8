/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_CLOCK_H
#define KMSCOPE_BASE_CLOCK_H
#include <stdint.h>
#include <time.h>

#include "base/base.h"

/* Nanoseconds of CLOCK_MONOTONIC, the clock that bpf_ktime_get_ns() reads. */
static inline uint64_t clock_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* Nanoseconds since 1970-01-01 UTC. */
static inline uint64_t clock_wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

#endif
