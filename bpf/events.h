/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BPF_EVENTS_H
#define KMSCOPE_BPF_EVENTS_H
/*
 * The wire contract between the kernel side, user space and recordings: numbered kinds and records
 * of fixed-width fields in the machine's byte order. Numbers are never used again for something
 * else. Any change of a layout or a meaning raises EVENTS_ABI, which is compared when a BPF object
 * is loaded.
 */
#include <linux/types.h>

#define EVENTS_ABI 1u

enum event_kind {
	/* from the kernel's probes */
	EVENT_KMALLOC = 1, /* struct event_alloc, always with EVENT_SIZES */
	EVENT_CACHE_ALLOC = 2, /* struct event_alloc */
	EVENT_KFREE = 3, /* struct event_free */
	EVENT_CACHE_FREE = 4, /* struct event_free */
	EVENT_CACHE = 5, /* struct event_cache: what a cache id stands for */
	EVENT_TASK = 6, /* struct event_task: who runs on this CPU from now on */
	/* from user space */
	EVENT_TICK = 32, /* struct event_header: stream time passes (once a second) */
	EVENT_STACK = 33, /* struct event_stack: the frames of a stack id, before its first use */
	EVENT_COUNTERS = 34, /* struct event_counters: what one CPU lost or left out so far */
	EVENT_MISSES = 35, /* struct event_misses: runs that the kernel skipped so far */
	EVENT_START = 36, /* struct event_start: facts about the machine */
	EVENT_END = 37, /* struct event_header: tracing ended */
};

enum event_flags {
	EVENT_OWN = 1 << 0, /* made by kmscope itself */
	EVENT_SIZES = 1 << 1, /* event_alloc.what holds two sizes, not a cache id */
	EVENT_REUSE = 1 << 2, /* not selected; tells that the address was given out again */
	EVENT_AGAIN = 1 << 3, /* the allocation just told at this address, with its true site */
};

struct event_header {
	__u64 time; /* CLOCK_MONOTONIC, nanoseconds */
	__u8 kind;
	__u8 flags;
	__u16 cpu;
	__u32 pid; /* process (thread group) of the current task; 0 where not needed */
};

struct event_alloc {
	struct event_header h;
	__u64 ptr; /* 0: failed; 16: ZERO_SIZE_PTR */
	__u64 site; /* return address in the caller */
	__u64 what; /* EVENT_SIZES: requested << 32 | given; else the cache's id */
	__u32 gfp;
	__s32 stack; /* id of the call chain; -1: none asked for; -2: could not be taken */
};

struct event_free {
	struct event_header h;
	__u64 ptr;
};

#define EVENT_NAME_LEN 48

struct event_cache {
	struct event_header h;
	__u64 id;
	__u32 object_size; /* what callers get, bytes */
	__u32 slab_size; /* what an object takes with alignment and metadata, bytes */
	char name[EVENT_NAME_LEN]; /* terminated; empty: the kernel does not tell */
};

struct event_task {
	struct event_header h; /* .pid is the process */
	__u32 tid;
	__u32 unused;
	__u64 cgroup; /* cgroup v2 id; 0 if unknown */
	char comm[16];
};

#define EVENT_STACK_DEPTH 64

struct event_stack {
	struct event_header h;
	__s32 id;
	__u32 n;
	__u64 frames[EVENT_STACK_DEPTH]; /* innermost first; only .n of them are there */
};

/* Cumulative since the start, one CPU (h.cpu). */
struct event_counters {
	struct event_header h;
	__u64 lost[2]; /* ring full: [0] allocations, [1] frees */
	__u64 filtered; /* allocations and frees that no selection asked for */
	__u64 nulls; /* frees of NULL and ZERO_SIZE_PTR */
	__u64 map_full;
};

#define EVENT_MISSES_UNKNOWN (~0ull)

struct event_misses {
	struct event_header h;
	__u64 misses; /* EVENT_MISSES_UNKNOWN where the kernel can't tell */
};

struct event_start {
	struct event_header h;
	__u64 wall_ns;
	__u32 page_size;
	__u32 kmalloc_max; /* largest size class, bytes; larger requests take whole pages */
	__u32 gfp_dma, gfp_reclaimable, gfp_account; /* bit masks; 0 if unknown */
	__u32 n_cpus;
	__u32 sample; /* 1: every allocation */
	__u32 selected; /* 1: a selection is in force */
};

#define ZERO_SIZE_PTR_VALUE 16 /* include/linux/slab.h: kmalloc(0) */

static inline __u64 event_pack_sizes(__u32 requested, __u32 given)
{
	return (__u64)requested << 32 | given;
}

static inline __u32 event_requested(__u64 what)
{
	return (__u32)(what >> 32);
}

static inline __u32 event_given(__u64 what)
{
	return (__u32)what;
}

_Static_assert(sizeof(struct event_header) == 16, "event_header");
_Static_assert(sizeof(struct event_alloc) == 48, "event_alloc");
_Static_assert(sizeof(struct event_free) == 24, "event_free");
_Static_assert(sizeof(struct event_cache) == 80, "event_cache");
_Static_assert(sizeof(struct event_task) == 48, "event_task");
_Static_assert(sizeof(struct event_stack) == 24 + 8 * EVENT_STACK_DEPTH, "event_stack");
_Static_assert(sizeof(struct event_counters) == 56, "event_counters");
_Static_assert(sizeof(struct event_misses) == 24, "event_misses");
_Static_assert(sizeof(struct event_start) == 56, "event_start");

#endif
