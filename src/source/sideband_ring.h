/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SIDEBAND_RING_H
#define KMSCOPE_SOURCE_SIDEBAND_RING_H
/*
 * Reads a buffer of perf events: a page with positions, then the data. Unlike a BPF ring buffer it
 * is not mapped twice: records that go over its end are copied.
 */
#include <linux/perf_event.h>

#include "base/base.h"

#define PERF_RECORD_MAX 65536 /* perf_event_header.size has 16 bits */

struct perf_ring {
	struct perf_event_mmap_page *control;
	const char *data;
	uint32_t size; /* a power of two */
	uint32_t head; /* of what is being read */
	uint64_t tail; /* of the next record */
};

/* Have what is there by now read by perf_ring_next(). Returns how many bytes that are. */
uint32_t perf_ring_begin(struct perf_ring *r);

enum perf_ring_state {
	PERF_RING_EMPTY, /* nothing more that was there when reading began */
	PERF_RING_RECORD,
	PERF_RING_BROKEN, /* no record can be here: all that was there has been skipped */
};

/*
 * The next record. It stays valid until the next call of any of these, or in @copy, which is aligned
 * and has PERF_RECORD_MAX bytes, until that is used again.
 */
enum perf_ring_state perf_ring_next(struct perf_ring *r, void *copy,
				    const struct perf_event_header **ret);

/* Give back what was read. Returns how full it had been by then, with what had come meanwhile. */
uint32_t perf_ring_end(struct perf_ring *r);

#endif
