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

#define EVENTS_ABI 4u

enum event_kind {
	/* from the kernel's probes */
	EVENT_KMALLOC = 1, /* struct event_alloc, always with EVENT_SIZES */
	EVENT_CACHE_ALLOC = 2, /* struct event_alloc */
	EVENT_KFREE = 3, /* struct event_free */
	EVENT_CACHE_FREE = 4, /* struct event_free */
	EVENT_CACHE = 5, /* struct event_cache: what a cache id stands for */
	EVENT_TASK = 6, /* struct event_task: who runs on this CPU from now on */
	EVENT_PAGE_ALLOC = 7, /* struct event_page */
	EVENT_PAGE_FREE = 8, /* struct event_page_free */
	EVENT_PAGE_FALLBACK = 9, /* struct event_fallback: taken from another migrate type's list */
	EVENT_PAGE_REFILL = 10, /* struct event_page_free: a block left the buddy free lists */
	EVENT_PAGE_DRAIN = 11, /* struct event_page_free: a block went back from a per-CPU list */
	EVENT_PAGE_BULK =
		12, /* struct event_work: pages handed out together, which nothing else tells */
	EVENT_COMPACTION = 13, /* struct event_work: what=0 it begins, 1 it ends */
	EVENT_RECLAIM = 14, /* struct event_work: direct reclaim; what=0 it begins, 1 it ends */
	EVENT_AREA_ALLOC = 15, /* struct event_area: a part of the vmalloc range is taken */
	EVENT_AREA_FREE =
		16, /* struct event_area_free: … and given up; its pages are unmapped later */
	EVENT_AREA_PURGE = 17, /* struct event_area_purge: … which is done for many at once */
	EVENT_AREA_PAGES = 18, /* struct event_area_pages: pages are mapped into an area */
	EVENT_VMALLOC = 19, /* struct event_vmalloc: a call for pages ends */
	EVENT_IOREMAP = 20, /* struct event_ioremap: a device's registers are mapped */
	EVENT_IOUNMAP = 21, /* struct event_free: … and unmapped */
	EVENT_REGISTER = 22, /* struct event_register: one is read or written */
	EVENT_FAULT = 23, /* struct event_fault: a page fault was resolved */
	EVENT_FAULT_COUNTS =
		24, /* struct event_fault_counts: how many the kernel counted of a task */
	/* from user space */
	EVENT_TICK = 32, /* struct event_header: stream time passes (once a second) */
	EVENT_STACK = 33, /* struct event_stack: the frames of a stack id, before its first use */
	EVENT_COUNTERS = 34, /* struct event_counters: what one CPU lost or left out so far */
	EVENT_MISSES = 35, /* struct event_misses: runs that the kernel skipped so far */
	EVENT_START = 36, /* struct event_start: facts about the machine */
	EVENT_END = 37, /* struct event_header: tracing ended */
	EVENT_SNAPSHOT = 38, /* struct event_snapshot: what a file of /proc said */
	EVENT_PROCESS = 39, /* struct event_process: one begins, is another program, or ends */
	EVENT_MAP = 40, /* struct event_map: a part of a process's address space is mapped */
	EVENT_MAPS_LOST =
		41, /* struct event_maps_lost: records of the two kinds above that are missing */
	EVENT_PROGRAM = 42, /* struct event_program: how it goes for PROGRAM; recordings only */
};

enum event_flags {
	EVENT_OWN = 1 << 0, /* made by kmscope itself */
	EVENT_SIZES = 1 << 1, /* event_alloc.what holds two sizes, not a cache id */
	EVENT_REUSE = 1 << 2, /* not selected; tells that the address was given out again */
	EVENT_AGAIN = 1 << 3, /* the allocation just told at this address, with its true site; an
			       * unmapping that may be told by its function, too */
	EVENT_ENDING = 1 << 4, /* EVENT_TICK: tracing is about to end; recordings only */
	EVENT_EXECUTED = 1 << 5, /* PROCESS_THERE: its mappings are told from its PROCESS_EXEC on;
				  * recordings only */
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

/*
 * A block of pages in a word: frame number (48 bits; all set: none, the allocation failed), migrate
 * type (8), order (8).
 */
#define EVENT_NO_PFN ((1ull << 48) - 1)

struct event_page {
	struct event_header h;
	__u64 block; /* .migratetype: of the list that was asked for */
	__u32 gfp;
	__s32 stack; /* as in event_alloc */
};

struct event_page_free {
	struct event_header h;
	__u64 block; /* mm_page_free does not tell the migrate type: 0 */
};

struct event_fallback {
	struct event_header h;
	__u64 block; /* what was allocated: order and migrate type asked for */
	__u8 order, migratetype; /* of the free block it was taken from */
	__u8 whole; /* the page block changed its type */
	__u8 unused;
	__s32 stack;
};

struct event_work {
	struct event_header h;
	__u8 what;
	__u8 order; /* EVENT_RECLAIM, what=0 */
	__u8 status; /* EVENT_COMPACTION, what=1: enum compact_result, as the kernel's print format has it */
	__u8 unused;
	__u32 pages; /* EVENT_PAGE_BULK: handed out; EVENT_RECLAIM, what=1: reclaimed */
	__u64 pfn; /* EVENT_COMPACTION: where its zone begins */
};

/* An area begins at a page and ends with a guard page where the kernel puts one. */
struct event_area {
	struct event_header h;
	__u64 address; /* 0: there was no room */
	__u64 bytes; /* with the guard page */
	__s32 stack; /* as in event_alloc */
	__u32 unused;
};

#define EVENT_AREA_UNKNOWN (~0ull)

struct event_area_free {
	struct event_header h;
	__u64 address;
	__u64 lazy,
		lazy_max; /* pages that wait to be unmapped, and how many may; or EVENT_AREA_UNKNOWN */
};

struct event_area_purge {
	struct event_header h;
	__u64 start, end; /* all that waits from here to there is unmapped by now */
	__u64 areas; /* how many, or EVENT_AREA_UNKNOWN */
};

struct event_area_pages {
	struct event_header h;
	__u64 address; /* of the first page */
	__u32 pages;
	__u32 runs; /* of pages that follow each other in physical memory; 0: unknown */
	__u32 shift; /* of the size in which they are mapped: more than a page's for huge ones */
	__u32 unused;
};

struct event_vmalloc {
	struct event_header h; /* when it returned */
	__u64 address; /* 0: it failed */
	__u64 bytes; /* asked for */
	__u64 site; /* return address in the caller; 0: not told */
	__u64 began;
	__u32 gfp;
	__u32 unused;
};

/* The function that told of a mapping: what .mode means depends on it. */
enum ioremap_function {
	IOREMAP_X86, /* __ioremap_caller: enum page_cache_mode */
	IOREMAP_ARM, /* __arm_ioremap_caller: MT_DEVICE… */
	IOREMAP_PROT, /* ioremap_prot and others of arm64: bits of page protection */
	IOREMAP_MODULE, /* kmscope_gpio's own event: none */
	IOREMAP_OTHER, /* something that is not known here */
	IOREMAP_FUNCTIONS,
};

struct event_ioremap {
	struct event_header h;
	__u64 phys;
	__u64 bytes; /* asked for */
	__u64 address; /* 0: it failed */
	__u64 site; /* return address in the caller; 0: not told */
	__u64 mode; /* see enum ioremap_function */
	__s32 stack; /* as in event_alloc */
	__u32 function; /* enum ioremap_function */
};

enum register_source {
	REGISTER_GPIO_MODULE, /* kmscope_gpio: .place is the physical address of the register's block */
	REGISTER_RWMMIO, /* rwmmio: .place is the register's virtual address */
	REGISTER_REGMAP, /* regmap: a device's register by its number */
	REGISTER_GPIO, /* gpio: .offset is the line's number */
	REGISTER_SOURCES,
};

enum register_access {
	REGISTER_READ,
	REGISTER_WRITE,
	REGISTER_INPUT, /* REGISTER_GPIO: made an input; .value 1: that failed */
	REGISTER_OUTPUT, /* … an output */
	REGISTER_ACCESSES,
};

#define REGISTER_NAME_LEN 32

struct event_register {
	struct event_header h;
	__u64 place;
	__u64 value; /* of several registers at once: the first ones' bytes */
	__u64 site; /* address in the caller; 0: not told */
	__u32 offset;
	__u32 bytes;
	__u8 source, access; /* enum register_source, enum register_access */
	__u8 unused[6];
	char name[REGISTER_NAME_LEN]; /* of the device, terminated; empty: not told */
};

/* What is known of a fault. Which page it hit, and what for, are .address and the process's mappings. */
enum fault_bits {
	FAULT_MAJOR = 1 << 0, /* I/O was waited for */
	FAULT_GUP =
		1 << 1, /* taken on the task's behalf by get_user_pages(); not told by perf events */
	FAULT_KERNEL = 1 << 2, /* the instruction is the kernel's: copy_from_user() and the like */
	FAULT_ACCESS = 1 << 3, /* the next three are known */
	FAULT_WRITE = 1 << 4,
	FAULT_EXEC = 1 << 5,
	FAULT_PRESENT = 1 << 6, /* a page was there: the access was not allowed */
	/* told where there are probes for them: enum start_hooked */
	FAULT_COPIED = 1 << 7, /* copy-on-write */
	FAULT_AROUND = 1 << 8, /* cached pages of the file around it were to be mapped, too */
	FAULT_HUGE = 1 << 9, /* a huge page was taken */
	FAULT_SWAP = 1 << 10, /* from swap space, or the cache of it */
};

struct event_fault {
	struct event_header h; /* when it was resolved */
	__u64 address;
	__u64 ip; /* of the instruction; 0: not known */
	__u64 began; /* 0: not known */
	__u32 what; /* enum fault_bits */
	__s32 stack; /* as in event_alloc; user frames */
};

enum fault_counts_of {
	COUNTS_START, /* of the live threads of a process, when tracing began; .tid 0 */
	COUNTS_EXIT, /* of a thread that ended */
	COUNTS_END, /* of the live threads of a process, when tracing ended; .tid 0 */
	COUNTS_KINDS,
};

/* Cumulative over a thread's life, as getrusage() has them: with what get_user_pages() took. */
struct event_fault_counts {
	struct event_header h;
	__u64 minor, major;
	__u32 tid;
	__u8 what; /* enum fault_counts_of */
	__u8 unused[3];
};

/* What a file said at h.time; it was read between .before and h.time. */
enum snapshot_file {
	SNAPSHOT_ZONEINFO, /* /proc/zoneinfo, text */
	SNAPSHOT_BUDDYINFO, /* /proc/buddyinfo, text */
	SNAPSHOT_PAGETYPEINFO, /* /proc/pagetypeinfo, text */
	SNAPSHOT_GFP, /* gfp flags: lines «0xVALUE NAME» in the kernel's order */
	SNAPSHOT_FRAMES, /* /proc/kpageflags: runs of frames of a kind, words of snapshot_run() */
	SNAPSHOT_VMALLOCINFO, /* /proc/vmallocinfo, text */
	SNAPSHOT_MEMINFO, /* /proc/meminfo, text */
	SNAPSHOT_ALLOCATORS, /* lines «0xSTART 0xEND KIND NAME»: functions that take areas for others */
	SNAPSHOT_IOMEM, /* /proc/iomem, text */
	SNAPSHOT_DEVICES, /* see devices.h */
	SNAPSHOT_VMSTAT, /* /proc/vmstat, text */
	SNAPSHOT_MAX,
};

struct event_snapshot {
	struct event_header h; /* .flags: enum snapshot_file */
	__u64 before;
	__u64 first; /* SNAPSHOT_FRAMES: frame that .data begins with */
	__u32 size; /* bytes of .data */
	__u32 last; /* SNAPSHOT_FRAMES: 1 in the last of the records that tell all frames */
	__u8 data[]; /* texts end with NUL, which counts */
};

enum frame_kind {
	FRAME_HOLE, /* no memory, or none that the kernel uses */
	FRAME_FREE, /* on a buddy free list */
	FRAME_MOVABLE, /* of user memory or page cache */
	FRAME_UNMOVABLE, /* the kernel's own */
	FRAME_KINDS,
};

static inline __u64 snapshot_run(enum frame_kind kind, __u64 frames)
{
	return (__u64)kind << 56 | frames;
}

enum process_change {
	PROCESS_THERE, /* it was there before the start; records of its mappings follow */
	PROCESS_FORK, /* it begins, with its parent's mappings */
	PROCESS_EXEC, /* it is another program from here on: no mappings yet */
	PROCESS_NAME, /* its first thread has another name */
	PROCESS_EXIT, /* its last thread that was told has ended */
	PROCESS_CHANGES,
};

struct event_process {
	struct event_header h; /* .pid: the process */
	__u32 parent; /* PROCESS_FORK */
	__u8 what; /* enum process_change */
	__u8 unused[3];
	char comm[16]; /* not PROCESS_FORK, PROCESS_EXIT */
};

#define EVENT_PATH_MAX 4096 /* with its NUL */

struct event_map {
	struct event_header h; /* .pid: the process */
	__u64 start, bytes;
	__u64 offset; /* in the file, bytes */
	__u64 inode; /* 0: no file */
	__u32 major, minor; /* the file's device */
	__u32 protection; /* PROT_READ … */
	__u32 shared; /* 1: MAP_SHARED */
	__u32 size; /* bytes of .path, with its NUL */
	/* Tells files apart that have had one inode by turns. 0: not told, as in all older records. */
	__u32 generation;
	char path[]; /* as /proc/PID/maps has it; «//anon»: nothing is mapped there */
};

/* Since the record of this kind before it. */
struct event_maps_lost {
	struct event_header h;
	__u64 records;
};

/* What is known of PROGRAM, from here on. */
struct event_program {
	struct event_header h; /* .pid: its process */
	__s32 exit_code; /* -1: none yet */
	__s32 signal; /* 0: none */
};

#define EVENT_STACK_DEPTH 64
#define EVENT_STACKS_MAX  65536 /* ids are below */

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
	__u64 after_end; /* events that came while probes were being detached: of no account */
};

struct event_start {
	struct event_header h;
	__u64 wall_ns;
	__u32 page_size;
	__u32 kmalloc_max; /* largest size class, bytes; larger requests take whole pages */
	__u32 gfp_dma, gfp_reclaimable, gfp_account; /* bit masks; 0 if unknown */
	__u32 n_cpus;
	__u32 sample; /* 1: every allocation */
	__u32 selected; /* enum start_selected */
	__u32 bulk_hooked; /* 1: EVENT_PAGE_BULK is told */
	__u32 hooked; /* of enum start_hooked */
};

enum start_selected {
	SELECTED_ALL, /* no selection is in force */
	SELECTED_SOME,
	SELECTED_PROCESS, /* all of one process; its faults' counts are read, nobody else's */
};

/* What is being told of the vmalloc range, of registers and of faults. */
enum start_hooked {
	HOOKED_AREAS = 1 << 0,
	HOOKED_PURGE = 1 << 1,
	HOOKED_PAGES = 1 << 2,
	HOOKED_VMALLOC = 1 << 3,
	HOOKED_IOREMAP = 1 << 4,
	HOOKED_REGMAP = 1 << 5,
	HOOKED_GPIO = 1 << 6,
	HOOKED_RWMMIO = 1 << 7,
	HOOKED_GPIO_MODULE = 1 << 8,
	HOOKED_FAULT_BEGIN = 1 << 9, /* event_fault.began */
	HOOKED_FAULT_ACCESS = 1 << 10, /* FAULT_ACCESS */
	HOOKED_COPIED = 1 << 11,
	HOOKED_AROUND = 1 << 12,
	HOOKED_HUGE = 1 << 13,
	HOOKED_SWAP = 1 << 14,
	HOOKED_GUP = 1 << 15, /* FAULT_GUP */
	HOOKED_COUNTS = 1 << 16, /* EVENT_FAULT_COUNTS */
	HOOKED_MAPS = 1 << 17, /* EVENT_PROCESS, EVENT_MAP */
	/* of a part of a run that was recorded, in place of all of it */
	HOOKED_PART = 1 << 18, /* it begins later than the run: what was there before is not told */
	HOOKED_COUNTS_CUT = 1 << 19, /* HOOKED_COUNTS was set, but a part can't have them */
};

#define ZERO_SIZE_PTR_VALUE 16 /* include/linux/slab.h: kmalloc(0) */

static inline __u64 event_pack_sizes(__u32 requested, __u32 given)
{
	return (__u64)requested << 32 | given;
}

static inline __u64 event_pack_block(__u64 pfn, __u32 order, __u32 migratetype)
{
	return (__u64)(order & 0xff) << 56 | (__u64)(migratetype & 0xff) << 48 |
	       (pfn & EVENT_NO_PFN);
}

static inline __u64 event_pfn(__u64 block)
{
	return block & EVENT_NO_PFN;
}

static inline __u32 event_order(__u64 block)
{
	return (__u32)(block >> 56);
}

static inline __u32 event_migratetype(__u64 block)
{
	return (__u32)(block >> 48) & 0xff;
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
_Static_assert(sizeof(struct event_page) == 32, "event_page");
_Static_assert(sizeof(struct event_page_free) == 24, "event_page_free");
_Static_assert(sizeof(struct event_fallback) == 32, "event_fallback");
_Static_assert(sizeof(struct event_work) == 32, "event_work");
_Static_assert(sizeof(struct event_area) == 40, "event_area");
_Static_assert(sizeof(struct event_area_free) == 40, "event_area_free");
_Static_assert(sizeof(struct event_area_purge) == 40, "event_area_purge");
_Static_assert(sizeof(struct event_area_pages) == 40, "event_area_pages");
_Static_assert(sizeof(struct event_vmalloc) == 56, "event_vmalloc");
_Static_assert(sizeof(struct event_ioremap) == 64, "event_ioremap");
_Static_assert(sizeof(struct event_register) == 88, "event_register");
_Static_assert(sizeof(struct event_snapshot) == 40, "event_snapshot");
_Static_assert(sizeof(struct event_fault) == 48, "event_fault");
_Static_assert(sizeof(struct event_fault_counts) == 40, "event_fault_counts");
_Static_assert(sizeof(struct event_process) == 40, "event_process");
_Static_assert(sizeof(struct event_map) == 72, "event_map");
_Static_assert(sizeof(struct event_maps_lost) == 24, "event_maps_lost");
_Static_assert(sizeof(struct event_program) == 24, "event_program");
_Static_assert(sizeof(struct event_cache) == 80, "event_cache");
_Static_assert(sizeof(struct event_task) == 48, "event_task");
_Static_assert(sizeof(struct event_stack) == 24 + 8 * EVENT_STACK_DEPTH, "event_stack");
_Static_assert(sizeof(struct event_counters) == 56, "event_counters");
_Static_assert(sizeof(struct event_misses) == 32, "event_misses");
_Static_assert(sizeof(struct event_start) == 64, "event_start");

#endif
