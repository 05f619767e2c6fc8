// SPDX-License-Identifier: GPL-2.0
/*
 * What the bench measures kmscope against: the cheapest programs that can be attached to the slab
 * and the page tracepoints, and to perf's events of page faults. empty_* do nothing at all (the floor);
 * bare_* stream every event, 48 or 32 bytes each, into this CPU's ring buffer and do nothing else. User
 * space enables one set.
 *
 * The page events are classic tracepoints, because only their records have the page's number (pfn).
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "registers.h"

#define MAX_CPUS 512 /* a power of two: the verifier needs the index masked */

enum {
	KIND_KMALLOC = 1,
	KIND_KFREE,
	KIND_CACHE_ALLOC,
	KIND_CACHE_FREE,
	KIND_PAGE_ALLOC,
	KIND_PAGE_FREE,
	KIND_PAGE_FALLBACK,
	KIND_PAGE_LOCKED,
	KIND_PAGE_DRAIN,
	KIND_FAULT_MINOR,
	KIND_FAULT_MAJOR,
};

struct event {
	__u64 time_ns;
	__u64 ptr;
	__u64 call_site;
	__u64 args[2];
	__u32 kind;
	__u32 cpu;
};

struct page_event {
	__u64 time_ns;
	__u64 pfn;
	__u32 gfp;
	__u16 kind;
	__u16 cpu;
	__u16 order;
	__u16 migratetype;
	__u16 to_order; /* of a fallback */
	__u16 to_migratetype;
};

/* One number in a cache line a CPU, so that no two CPUs write the same line. */
__u64 pending[MAX_CPUS][8] SEC(".bss"); /* bytes submitted since the last wakeup */
__u64 lost[MAX_CPUS][8] SEC(".bss");

/* Wake the consumer each time that many bytes are waiting; set by user space. */
const volatile __u64 wakeup_bytes = 1 << 20;

/* By CPU number. User space makes the rings and says how many there are. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_CPUS);
	__type(key, __u32);
	__type(value, __u32);
} rings SEC(".maps");

/* Room in the ring of @cpu, or NULL, counted as lost. */
static __always_inline void *reserve(__u32 cpu, __u64 size)
{
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	void *e = ring ? bpf_ringbuf_reserve(ring, size, 0) : NULL;

	if (!e)
		__sync_fetch_and_add(lost[cpu & (MAX_CPUS - 1)], 1);
	return e;
}

static __always_inline void submit(__u32 cpu, void *e, __u64 size)
{
	__u64 *waiting = pending[cpu & (MAX_CPUS - 1)];
	__u64 flags = BPF_RB_NO_WAKEUP;

	/* An interrupt's program between the load and the store costs a late wakeup, no more. */
	*waiting += size + BPF_RINGBUF_HDR_SZ;
	if (*waiting >= wakeup_bytes) {
		*waiting = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(e, flags);
}

/* --- slab ------------------------------------------------------------------------------------- */

static __always_inline int stream(__u32 kind, __u64 call_site, __u64 ptr, __u64 arg0, __u64 arg1)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct event *e = reserve(cpu, sizeof(*e));

	if (!e)
		return 0;
	e->time_ns = bpf_ktime_get_ns();
	e->ptr = ptr;
	e->call_site = call_site;
	e->args[0] = arg0;
	e->args[1] = arg1;
	e->kind = kind;
	e->cpu = cpu;
	submit(cpu, e, sizeof(*e));
	return 0;
}

SEC("?raw_tp/kmalloc")
int empty_kmalloc(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("?raw_tp/kfree")
int empty_kfree(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("?raw_tp/kmem_cache_alloc")
int empty_cache_alloc(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("?raw_tp/kmem_cache_free")
int empty_cache_free(struct bpf_raw_tracepoint_args *ctx)
{
	return 0;
}

SEC("?raw_tp/kmalloc")
int bare_kmalloc(struct bpf_raw_tracepoint_args *ctx)
{
	return stream(KIND_KMALLOC, ctx->args[0], ctx->args[1], ctx->args[2], ctx->args[3]);
}

SEC("?raw_tp/kfree")
int bare_kfree(struct bpf_raw_tracepoint_args *ctx)
{
	return stream(KIND_KFREE, ctx->args[0], ctx->args[1], 0, 0);
}

SEC("?raw_tp/kmem_cache_alloc")
int bare_cache_alloc(struct bpf_raw_tracepoint_args *ctx)
{
	return stream(KIND_CACHE_ALLOC, ctx->args[0], ctx->args[1], ctx->args[2], ctx->args[3]);
}

SEC("?raw_tp/kmem_cache_free")
int bare_cache_free(struct bpf_raw_tracepoint_args *ctx)
{
	return stream(KIND_CACHE_FREE, ctx->args[0], ctx->args[1], 0, 0);
}

/* --- pages ------------------------------------------------------------------------------------ */

/*
 * Fields of the records, found by CO-RE in BTF that user space made from the running kernel's format
 * files. Unsigned all: libbpf then reads them with the size that they have there.
 */
#define RECORD __attribute__((preserve_access_index))

struct trace_event_raw_mm_page_alloc {
	unsigned long pfn;
	unsigned int order;
	unsigned long gfp_flags;
	unsigned int migratetype;
} RECORD;

struct trace_event_raw_mm_page_free {
	unsigned long pfn;
	unsigned int order;
} RECORD;

struct trace_event_raw_mm_page_alloc_extfrag {
	unsigned long pfn;
	unsigned int alloc_order;
	unsigned int fallback_order;
	unsigned int alloc_migratetype;
	unsigned int fallback_migratetype;
} RECORD;

struct trace_event_raw_mm_page_alloc_zone_locked {
	unsigned long pfn;
	unsigned int order;
	unsigned int migratetype;
} RECORD;

struct trace_event_raw_mm_page_pcpu_drain {
	unsigned long pfn;
	unsigned int order;
	unsigned int migratetype;
} RECORD;

static __always_inline int stream_page(const struct page_event *what)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct page_event *e = reserve(cpu, sizeof(*e));

	if (!e)
		return 0;
	*e = *what;
	e->time_ns = bpf_ktime_get_ns();
	e->cpu = (__u16)cpu;
	submit(cpu, e, sizeof(*e));
	return 0;
}

SEC("?tp/kmem/mm_page_alloc")
int empty_page_alloc(void *ctx)
{
	return 0;
}

SEC("?tp/kmem/mm_page_free")
int empty_page_free(void *ctx)
{
	return 0;
}

SEC("?tp/kmem/mm_page_alloc_extfrag")
int empty_page_fallback(void *ctx)
{
	return 0;
}

SEC("?tp/kmem/mm_page_alloc_zone_locked")
int empty_page_locked(void *ctx)
{
	return 0;
}

SEC("?tp/kmem/mm_page_pcpu_drain")
int empty_page_drain(void *ctx)
{
	return 0;
}

SEC("?tp/kmem/mm_page_alloc")
int bare_page_alloc(struct trace_event_raw_mm_page_alloc *ctx)
{
	const struct page_event e = {
		.pfn = ctx->pfn,
		.kind = KIND_PAGE_ALLOC,
		.gfp = (__u32)ctx->gfp_flags,
		.order = ctx->order,
		.migratetype = ctx->migratetype,
	};

	return stream_page(&e);
}

SEC("?tp/kmem/mm_page_free")
int bare_page_free(struct trace_event_raw_mm_page_free *ctx)
{
	const struct page_event e = {
		.pfn = ctx->pfn,
		.kind = KIND_PAGE_FREE,
		.order = ctx->order,
	};

	return stream_page(&e);
}

SEC("?tp/kmem/mm_page_alloc_extfrag")
int bare_page_fallback(struct trace_event_raw_mm_page_alloc_extfrag *ctx)
{
	const struct page_event e = {
		.pfn = ctx->pfn,
		.kind = KIND_PAGE_FALLBACK,
		.order = ctx->alloc_order,
		.migratetype = ctx->alloc_migratetype,
		.to_order = ctx->fallback_order,
		.to_migratetype = ctx->fallback_migratetype,
	};

	return stream_page(&e);
}

SEC("?tp/kmem/mm_page_alloc_zone_locked")
int bare_page_locked(struct trace_event_raw_mm_page_alloc_zone_locked *ctx)
{
	const struct page_event e = {
		.pfn = ctx->pfn,
		.kind = KIND_PAGE_LOCKED,
		.order = ctx->order,
		.migratetype = ctx->migratetype,
	};

	return stream_page(&e);
}

SEC("?tp/kmem/mm_page_pcpu_drain")
int bare_page_drain(struct trace_event_raw_mm_page_pcpu_drain *ctx)
{
	const struct page_event e = {
		.pfn = ctx->pfn,
		.kind = KIND_PAGE_DRAIN,
		.order = ctx->order,
		.migratetype = ctx->migratetype,
	};

	return stream_page(&e);
}

/* --- page faults ------------------------------------------------------------------------------ */

/* What bpf/bpf_perf_event.h has for user space. */
struct fault_context {
	struct registers regs;
	__u64 sample_period;
	__u64 addr;
};

SEC("?perf_event")
int empty_fault_begin(void *ctx)
{
	return 0;
}

SEC("?perf_event")
int empty_fault_minor(void *ctx)
{
	return 0;
}

SEC("?perf_event")
int empty_fault_major(void *ctx)
{
	return 0;
}

/* Nothing is known when a fault begins that is not known when it ends, but for the time. */
SEC("?perf_event")
int bare_fault_begin(void *ctx)
{
	return 0;
}

SEC("?perf_event")
int bare_fault_minor(struct fault_context *ctx)
{
	return stream(KIND_FAULT_MINOR, REGISTERS_IP(&ctx->regs), ctx->addr,
		      bpf_get_current_pid_tgid(), 0);
}

SEC("?perf_event")
int bare_fault_major(struct fault_context *ctx)
{
	return stream(KIND_FAULT_MAJOR, REGISTERS_IP(&ctx->regs), ctx->addr,
		      bpf_get_current_pid_tgid(), 0);
}

char LICENSE[] SEC("license") = "GPL";
