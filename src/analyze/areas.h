/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_AREAS_H
#define KMSCOPE_ANALYZE_AREAS_H
/*
 * The books of the vmalloc range: who took which area, what is still there, what waits to be unmapped, and
 * what /proc/vmallocinfo said was there before. Areas are known by their address.
 */
#include "analyze/durations.h"
#include "analyze/stream.h"
#include "procfs/vmallocinfo.h"

enum area_kind {
	AREA_KIND_OTHER,
	AREA_KIND_VMALLOC,
	AREA_KIND_VMAP,
	AREA_KIND_MAP_RAM,
	AREA_KIND_IOREMAP,
	AREA_KINDS
};
extern const char *const area_kind_names[AREA_KINDS];

#define AREAS_WAITING_MAX 65536 /* areas that wait to be unmapped, of which the times are known */

/* Who asks: by call site and kind. */
struct area_site {
	uint64_t site; /* 0: not known */
	uint8_t kind; /* enum area_kind */
	uint64_t allocs; /* = frees + implied + live */
	uint64_t frees, implied, failed;
	uint64_t bytes, live, live_bytes; /* of address space, without guard pages */
	uint64_t requested; /* bytes asked for, of the .calls */
	uint64_t calls, call_ns,
		call_max_ns; /* that returned, failed ones too, and the time they took */
	uint64_t lifetime_ns; /* sum, of the .frees */
	uint64_t small; /* allocations of at most a page */
	uint32_t stack; /* the newest call chain, or STREAM_NONE */
};

struct area {
	uint64_t address, bytes; /* without the guard page */
	uint64_t time; /* when it was allocated; 0: it was there before */
	uint64_t requested; /* by the call; 0: not told */
	uint64_t phys; /* of a device; see .has_phys */
	uint32_t pages, runs; /* mapped; 0: not told */
	uint32_t site; /* index, or STREAM_NONE: it was there before, .caller has it */
	uint32_t caller; /* … index into .callers */
	uint32_t task, pid;
	uint32_t stack; /* or STREAM_NONE */
	uint32_t next; /* of a free entry of the pool */
	uint8_t kind;
	bool own, huge, has_phys;
};

/* Areas that were there before, by who took them, as /proc/vmallocinfo names it. */
struct area_caller {
	char *name; /* owned; NULL: not told */
	uint8_t kind;
	uint64_t areas, bytes, pages, freed;
};

struct area_waiting {
	uint64_t address, time;
};

/* There was no room just now: the kernel unmaps what waits and tries again, or asks for less. */
struct area_failure {
	uint64_t time, bytes;
	uint32_t site, pid;
};

/* A function that takes areas for others. */
struct area_allocator {
	uint64_t start, end; /* exclusive */
	uint8_t kind; /* AREA_KIND_OTHER: any */
	bool hides; /* it is a return probe's: who called is not in the chain */
};

/* Sums over /proc/vmallocinfo. */
struct area_totals {
	bool known;
	uint64_t all, all_bytes;
	uint64_t areas[AREA_KINDS], bytes[AREA_KINDS]; /* but for kmscope's own */
	uint64_t unpurged, unpurged_bytes;
};

struct areas {
	struct stream stream;
	STREAM_VEC(struct area_site) sites;
	STREAM_VEC(struct area) pool;
	STREAM_VEC(struct area_caller) callers;
	STREAM_VEC(struct area_waiting) waiting; /* in order of .time */
	STREAM_VEC(struct area_allocator) allocators;
	uint32_t free_area; /* head of the pool's free list */
	size_t n_live;
	struct u64map site_of, area_of;
	STREAM_VEC(struct area_failure) failures; /* whose task may be trying again */
	struct u64map freed_of; /* by address: freed since the first look began, until that is read */
	struct u64map before_of; /* by address: there before kmscope loaded anything, hashed or not */
	bool before; /* that is known */
	bool ticked; /* a second has passed */
	struct u64map own_of; /* by address, hashed or not */
	uint64_t own_areas, own_bytes; /* what it took until everything was attached */
	struct area_totals start, end;
	bool looked; /* /proc/vmallocinfo has been read since everything is attached */
	bool hidden; /* … and its addresses are none */
	uint64_t range_bytes; /* of the vmalloc range, by /proc/meminfo; 0: unknown */
	uint64_t pages_used; /* bytes in pages of vmalloc(), by the same; AREAS_UNKNOWN */
	uint64_t lazy, lazy_max; /* pages that wait to be unmapped, as the newest free said */
	uint64_t lazy_time; /* when; older than the newest .purge_time or look, it means nothing */
	uint64_t purge_time, look_time;
	uint64_t unmeasured; /* freed areas that were too many for .waiting */
	uint64_t lazy_peak;
	uint64_t purges, purged, waited_ns, waited_max_ns;
	uint64_t waits[DURATIONS], lifetimes[DURATIONS], costs[DURATIONS];
	uint64_t sizes[64]; /* allocations by pages: 2^i and more, below 2^(i+1) */
};

#define AREAS_UNKNOWN UINT64_MAX

void areas_init(struct areas *a);
void areas_free(struct areas *a);
void areas_consume(struct areas *a, const struct event_header *const *records, size_t n);
void areas_each_live(const struct areas *a, void (*visit)(void *ctx, uint64_t address), void *ctx);

/*
 * The frame of a call chain that is in none of the functions that take areas for others: who asked; 0 if
 * there is none. *@ret_kind is what they say the area is for.
 */
uint64_t areas_asker(const struct areas *a, int32_t stack, enum area_kind *ret_kind);

/* Requests of a site that failed, with those that may still be tried again. */
uint64_t areas_failed(const struct areas *a, uint32_t site);

#define AREA_FREE_ENTRY UINT64_MAX /* .address of a free entry of the pool */

static inline bool area_in_use(const struct area *area)
{
	return area->address != AREA_FREE_ENTRY;
}

#endif
