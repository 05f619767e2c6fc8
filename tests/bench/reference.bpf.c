// SPDX-License-Identifier: GPL-2.0
/*
 * What the bench measures kmscope against: the cheapest programs that can be attached to the four
 * slab tracepoints. empty_* do nothing at all (the floor); bare_* stream every event, 48 bytes
 * each, into this CPU's ring buffer and do nothing else. User space enables one set.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MAX_CPUS 512 /* a power of two: the verifier needs the index masked */

enum { KIND_KMALLOC = 1, KIND_KFREE, KIND_CACHE_ALLOC, KIND_CACHE_FREE };

struct event {
	__u64 time_ns;
	__u64 ptr;
	__u64 call_site;
	__u64 args[2];
	__u32 kind;
	__u32 cpu;
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

static __always_inline int stream(__u32 kind, __u64 call_site, __u64 ptr, __u64 arg0, __u64 arg1)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 *waiting = pending[cpu & (MAX_CPUS - 1)];
	__u64 flags = BPF_RB_NO_WAKEUP;
	struct event *e;
	void *ring;

	ring = bpf_map_lookup_elem(&rings, &cpu);
	e = ring ? bpf_ringbuf_reserve(ring, sizeof(*e), 0) : NULL;
	if (!e) {
		__sync_fetch_and_add(lost[cpu & (MAX_CPUS - 1)], 1);
		return 0;
	}
	e->time_ns = bpf_ktime_get_ns();
	e->ptr = ptr;
	e->call_site = call_site;
	e->args[0] = arg0;
	e->args[1] = arg1;
	e->kind = kind;
	e->cpu = cpu;

	/* An interrupt's program between the load and the store costs a late wakeup, no more. */
	*waiting += sizeof(*e) + BPF_RINGBUF_HDR_SZ;
	if (*waiting >= wakeup_bytes) {
		*waiting = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(e, flags);
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

char LICENSE[] SEC("license") = "GPL";
