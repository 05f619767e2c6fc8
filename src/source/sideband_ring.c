// SPDX-License-Identifier: GPL-2.0
#include "source/sideband_ring.h"

#include <string.h>

/*
 * The kernel's position is as wide as its long and wraps; a program of 32 bits reads the 64 bits of the
 * page in two pieces. The low half is enough for both: no buffer has 4 GiB, and that half is one load.
 */
static uint32_t read_head(const struct perf_ring *r)
{
	const volatile __u64 *at = &r->control->data_head;
	uint32_t head = (uint32_t)*at;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return head;
}

uint32_t perf_ring_begin(struct perf_ring *r)
{
	r->head = read_head(r);
	return r->head - (uint32_t)r->tail;
}

enum perf_ring_state perf_ring_next(struct perf_ring *r, void *copy,
				    const struct perf_event_header **ret)
{
	const uint32_t left = r->head - (uint32_t)r->tail, at = (uint32_t)r->tail & (r->size - 1);
	const struct perf_event_header *p = (const void *)(r->data + at);
	uint32_t size;

	if (!left)
		return PERF_RING_EMPTY;
	/* a header never goes over the end: all sizes are multiples of its own */
	size = left >= sizeof(*p) && left <= r->size ? p->size : 0;
	if (size < sizeof(*p) || size > left || size % sizeof(*p)) {
		r->tail += left;
		return PERF_RING_BROKEN;
	}
	r->tail += size;
	if (size > r->size - at) {
		memcpy(copy, p, r->size - at);
		memcpy((char *)copy + (r->size - at), r->data, size - (r->size - at));
		p = copy;
	}
	*ret = p;
	return PERF_RING_RECORD;
}

uint32_t perf_ring_end(struct perf_ring *r)
{
	volatile __u64 *at = &r->control->data_tail;
	uint32_t before = (uint32_t)*at;

	__atomic_thread_fence(__ATOMIC_RELEASE);
	*at = r->tail;
	/* after the store: what comes from here on finds the room */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return read_head(r) - before;
}
