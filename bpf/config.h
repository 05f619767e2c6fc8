/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BPF_CONFIG_H
#define KMSCOPE_BPF_CONFIG_H
/*
 * What user space tells the kernel side: a read-only configuration, set before loading, so that the
 * verifier removes what is not asked for; and the memory that both sides share while running.
 */
#include <linux/types.h>

#define CONFIG_MAX_RANGES 32 /* site ranges of --site and --module */
#define CONFIG_TEST_PAD	  (1 << 20)
#define CONFIG_NO_ARG	  0xff

enum select_flags {
	SELECT_PID = 1 << 0,
	SELECT_COMM = 1 << 1,
	SELECT_CGROUP = 1 << 2,
	SELECT_CHILD = 1 << 3,
	SELECT_SIZE = 1 << 4,
	SELECT_SITE = 1 << 5,
	SELECT_CACHE = 1 << 6,
};

/* Where a raw tracepoint's arguments are, from the kernel's BTF; CONFIG_NO_ARG: not there. */
struct raw_args {
	__u8 site, ptr, cache, requested, given, gfp;
	__u8 unused[2];
};

enum raw_event {
	RAW_KMALLOC,
	RAW_KMALLOC_NODE,
	RAW_CACHE_ALLOC,
	RAW_CACHE_ALLOC_NODE,
	RAW_KFREE,
	RAW_CACHE_FREE,
	RAW_EVENT_MAX,
};

struct site_range {
	__u64 start, end; /* start <= site < end */
};

struct config {
	__u32 own_pid; /* kmscope's process */
	__u32 select; /* enum select_flags; 0: everything */
	__u32 pid; /* SELECT_PID */
	__u32 n_ranges; /* SELECT_SITE */
	__u32 kmalloc_max; /* largest kmalloc size class, bytes */
	__u32 min_size, max_size; /* SELECT_SIZE, bytes requested, inclusive */
	__u32 kmalloc_class; /* SELECT_CACHE on a kmalloc class: its size; 0: a named cache */
	__u32 kmalloc_gfp_mask, kmalloc_gfp; /* … and its type: gfp & mask == gfp */
	__u32 sample; /* mean number of allocations per one taken; 1: all */
	__u32 wake_bytes; /* wake the reader each time this much has been written on a CPU */
	__u32 stacks; /* of slab and page allocations; 0: none, 1: by budget, 2: all */
	__u32 area_stacks,
		user_stacks; /* of vmalloc areas and mappings; of page faults: the same */
	__u32 want_task; /* emit EVENT_TASK records */
	__u32 want_cgroup; /* … with the cgroup, whose changes then count, too */
	__u32 page_size; /* bytes */
	__u32 page_struct; /* size of struct page; 0 if unknown */
	__u32 test_pad; /* tests only: let each event's ring advance by CONFIG_TEST_PAD too */
	__u32 task_minor_offset, task_major_offset; /* struct task_struct: min_flt, maj_flt */
	__u32 cache_name_offset, cache_object_size_offset,
		cache_size_offset; /* struct kmem_cache */
	char comm[16]; /* SELECT_COMM, zero padded */
	char cache_name[48]; /* SELECT_CACHE, zero padded */
	struct raw_args args[RAW_EVENT_MAX];
	struct site_range ranges[CONFIG_MAX_RANGES];
};

/* One a CPU, in a mappable array. Written by its CPU only, except where stated. */
struct cpu_state {
	__u64 lost[2];
	__u64 filtered;
	__u64 nulls;
	__u64 map_full;
	__u64 unwoken; /* bytes since the last wakeup */
	__u64 skip; /* allocations still to be left out by sampling */
	__u64 task, task_cgroup; /* the last EVENT_TASK of this CPU */
	__u64 task_comm[2];
	__u64 large_ptr, large_site, large_what; /* the last kmalloc() of whole pages told here */
	__u64 large_taken; /* … and whether its event was sent */
	__u64 runs; /* of programs on minor-faults and major-faults */
};

#define SHARED_CACHES	   1024 /* slots of announced caches; powers of two */
#define SHARED_BUDGETS	   4096 /* slots of stack budgets */
#define SHARED_BUDGET_INIT 4

/* One, in a mappable array. */
struct shared_state {
	__u64 caches[SHARED_CACHES]; /* id ^ epoch of the cache announced in this slot */
	__u8 budgets[SHARED_BUDGETS]; /* stacks that may still be taken; refilled by user space */
	__u8 selected[SHARED_CACHES]; /* 1: the cache in this slot has the selected name */
	__u64 epoch; /* raised by user space: caches are announced again */
	__u8 generation; /* 1 to 255: what a fresh mark holds; the one before is valid too */
	__u8 previous;
	__u8 unused[6];
};

/*
 * Where the ring of @cpu stands in the array of rings. 32-bit kernels store the entries of an array
 * of maps 4 bytes apart (array->ptrs[key]), but look them up 8 bytes apart (elem_size is rounded up
 * to 8): asked for K they find what was stored as 2K. There a ring is stored as both, and no K is
 * another CPU's 2K: it is found with and without this bug.
 */
#define RING_KEY_FIRST 32 /* 32-bit ARM has at most 32 CPUs */

static inline __u32 ring_key(__u32 cpu, int pointer_size)
{
	return pointer_size == 4 ? RING_KEY_FIRST + cpu : cpu;
}

/* How many keys the array of rings needs. */
static inline __u32 ring_keys(__u32 n_cpus, int pointer_size)
{
	return pointer_size == 4 ? 2 * ring_key(n_cpus, 4) : n_cpus;
}

#define MARKS (1 << 17)

/*
 * Which objects user space follows when it does not follow all: a byte a slot, written by plain
 * stores. A slot counts as marked while it holds the current or the previous generation.
 */
struct marks {
	__u8 slots[MARKS];
};

/* Slot of a call site in shared_state.budgets. */
static inline __u32 budget_slot(__u64 site)
{
	return (__u32)((site * 0x9e3779b97f4a7c15ull) >> 52);
}

/* Slot of a cache id in shared_state.caches. */
static inline __u32 cache_slot(__u64 id)
{
	return (__u32)((id * 0x9e3779b97f4a7c15ull) >> 54);
}

/* Slot of an object address among the marks. */
static inline __u32 mark_slot(__u64 ptr)
{
	return (__u32)((ptr * 0x9e3779b97f4a7c15ull) >> 47);
}

_Static_assert(sizeof(struct cpu_state) == 128, "cpu_state is a power of two: see cpu_states");
_Static_assert(SHARED_BUDGETS == 1 << 12 && SHARED_CACHES == 1 << 10 && MARKS == 1 << 17,
	       "slots match the shifts");

#endif
