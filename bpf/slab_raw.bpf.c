// SPDX-License-Identifier: GPL-2.0
/*
 * Slab events by raw tracepoints: the cheapest hook. Uses no CO-RE on kernel structs, so that it
 * loads beside a synthesised BTF; argument positions and offsets come from the kernel's BTF through
 * the configuration.
 */
#include "stream.bpf.h"

#ifdef __TARGET_ARCH_arm
typedef __u32 kernel_long;
#else
typedef __u64 kernel_long;
#endif

#define RAW_ARG(n)                                                                       \
	case n:                                                                          \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(v) : "r"(ctx), "i"(n * 8)); \
		break

/*
 * Argument @n of the event. Context must be read at constant offsets; @n is a constant for the
 * verifier, which removes all cases but one, and the assembler keeps the compiler from merging them.
 */
static __always_inline __u64 raw_arg(struct bpf_raw_tracepoint_args *ctx, __u8 n)
{
	__u64 v = 0;

	switch (n) {
		RAW_ARG(0);
		RAW_ARG(1);
		RAW_ARG(2);
		RAW_ARG(3);
		RAW_ARG(4);
		RAW_ARG(5);
		RAW_ARG(6);
	}
	return v;
}

static __always_inline int raw_kmalloc(struct bpf_raw_tracepoint_args *ctx, enum raw_event event)
{
	struct request r = { .kind = EVENT_KMALLOC, .flags = EVENT_SIZES };
	struct here h;

	if (!here_init(&h))
		return 0;
	r.site = raw_arg(ctx, config.args[event].site);
	r.ptr = raw_arg(ctx, config.args[event].ptr);
	r.requested = raw_arg(ctx, config.args[event].requested);
	r.what = event_pack_sizes(r.requested, raw_arg(ctx, config.args[event].given));
	r.gfp = raw_arg(ctx, config.args[event].gfp);
	return emit_alloc(ctx, &h, &r);
}

static __always_inline __u32 cache_u32(__u64 cache, __u32 offset)
{
	__u32 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), (void *)(cache + offset));
	return v;
}

/* Tell what @cache is if that has not been done in this epoch; returns whether --cache names it. */
static __always_inline bool raw_cache(const struct here *h, __u64 cache)
{
	struct shared_state *s = shared_state();
	__u32 slot = cache_slot(cache) & (SHARED_CACHES - 1);
	struct event_cache *e;
	kernel_long name = 0;

	if (!s)
		return false;
	if (likely(s->caches[slot] == cache_key(s, cache)))
		return s->selected[slot];
	e = cache_begin(h, cache);
	if (!e)
		return false;
	e->object_size = cache_u32(cache, config.cache_object_size_offset);
	e->slab_size = cache_u32(cache, config.cache_size_offset);
	bpf_probe_read_kernel(&name, sizeof(name), (void *)(cache + config.cache_name_offset));
	bpf_probe_read_kernel_str(e->name, sizeof(e->name), (void *)(__u64)name);
	cache_submit(h, s, slot, e);
	return s->selected[slot];
}

static __always_inline int raw_cache_alloc(struct bpf_raw_tracepoint_args *ctx,
					   enum raw_event event)
{
	struct request r = { .kind = EVENT_CACHE_ALLOC };
	struct here h;

	if (!here_init(&h))
		return 0;
	r.site = raw_arg(ctx, config.args[event].site);
	r.ptr = raw_arg(ctx, config.args[event].ptr);
	r.gfp = raw_arg(ctx, config.args[event].gfp);
	if (config.args[event].cache != CONFIG_NO_ARG) {
		r.what = raw_arg(ctx, config.args[event].cache);
		r.cache_selected = raw_cache(&h, r.what);
		if (config.select & SELECT_SIZE)
			r.requested = cache_u32(r.what, config.cache_object_size_offset);
	} else {
		r.flags = EVENT_SIZES;
		r.requested = raw_arg(ctx, config.args[event].requested);
		r.what = event_pack_sizes(r.requested, raw_arg(ctx, config.args[event].given));
	}
	return emit_alloc(ctx, &h, &r);
}

/*
 * The kernel skips a program that interrupts itself: frees by softirqs that come while this runs are
 * missed, and counted by the kernel. A second program on the event could report most of them, but
 * with two programs an event costs 70 ns more on the machine where that was measured.
 */
static __always_inline int raw_free(struct bpf_raw_tracepoint_args *ctx, enum raw_event event,
				    __u8 kind)
{
	struct here h;

	return here_init(&h) ? emit_free(&h, kind, raw_arg(ctx, config.args[event].ptr)) : 0;
}

SEC("?raw_tp/kmalloc")
int raw_tp_kmalloc(struct bpf_raw_tracepoint_args *ctx)
{
	return raw_kmalloc(ctx, RAW_KMALLOC);
}

SEC("?raw_tp/kmalloc_node")
int raw_tp_kmalloc_node(struct bpf_raw_tracepoint_args *ctx)
{
	return raw_kmalloc(ctx, RAW_KMALLOC_NODE);
}

SEC("?raw_tp/kmem_cache_alloc")
int raw_tp_kmem_cache_alloc(struct bpf_raw_tracepoint_args *ctx)
{
	return raw_cache_alloc(ctx, RAW_CACHE_ALLOC);
}

SEC("?raw_tp/kmem_cache_alloc_node")
int raw_tp_kmem_cache_alloc_node(struct bpf_raw_tracepoint_args *ctx)
{
	return raw_cache_alloc(ctx, RAW_CACHE_ALLOC_NODE);
}

SEC("?raw_tp/kfree")
int raw_tp_kfree(struct bpf_raw_tracepoint_args *ctx)
{
	return raw_free(ctx, RAW_KFREE, EVENT_KFREE);
}

SEC("?raw_tp/kmem_cache_free")
int raw_tp_kmem_cache_free(struct bpf_raw_tracepoint_args *ctx)
{
	return raw_free(ctx, RAW_CACHE_FREE, EVENT_CACHE_FREE);
}
