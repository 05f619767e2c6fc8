// SPDX-License-Identifier: GPL-2.0
/*
 * Slab events by classic tracepoints: for kernels without BTF. Records are read with CO-RE against
 * BTF that user space made from tracefs' format files.
 */
#include "stream.bpf.h"

#include <bpf/bpf_core_read.h>

#include "tracepoints.h"

static __always_inline int tp_sizes(void *ctx, struct request *r, __u64 given)
{
	struct here h;

	if (!here_init(&h))
		return PASS_ON;
	r->flags = EVENT_SIZES;
	r->what = event_pack_sizes(r->requested, given);
	return emit_alloc(ctx, &h, r);
}

#define TP_REQUEST(ctx, event_kind)                                                     \
	{                                                                               \
		.kind = event_kind, .site = (ctx)->call_site, .ptr = (__u64)(ctx)->ptr, \
		.requested = (ctx)->bytes_req, .gfp = (ctx)->gfp_flags,                 \
	}

SEC("?tp/kmem/kmalloc")
int tp_kmalloc(struct trace_event_raw_kmalloc *ctx)
{
	struct request r = TP_REQUEST(ctx, EVENT_KMALLOC);

	return tp_sizes(ctx, &r, ctx->bytes_alloc);
}

SEC("?tp/kmem/kmalloc_node")
int tp_kmalloc_node(struct trace_event_raw_kmalloc_node *ctx)
{
	struct request r = TP_REQUEST(ctx, EVENT_KMALLOC);

	return tp_sizes(ctx, &r, ctx->bytes_alloc);
}

/* A name and two sizes make an id; its upper byte is left to the epoch. */
static __always_inline __u64 name_hash(const __u64 *words, __u64 sizes)
{
	__u64 hash = sizes * 0x9e3779b97f4a7c15ull;

	for (int i = 0; i < EVENT_NAME_LEN / 8; i++)
		hash = (hash ^ words[i]) * 0xff51afd7ed558ccdull;
	return (hash ^ hash >> 32) & ((1ull << 56) - 1);
}

/* As raw_cache() in slab_raw.bpf.c, for a cache known by its @name only. */
static __always_inline bool tp_cache(const struct here *h, __u64 id, const __u64 *name, __u64 sizes)
{
	struct shared_state *s = shared_state();
	__u32 slot = cache_slot(id) & (SHARED_CACHES - 1);
	struct event_cache *e;

	if (!s)
		return false;
	if (likely(s->caches[slot] == cache_key(s, id)))
		return s->selected[slot];
	e = cache_begin(h, id);
	if (!e)
		return false;
	e->object_size = event_requested(sizes);
	e->slab_size = event_given(sizes);
	__builtin_memcpy(e->name, name, EVENT_NAME_LEN);
	cache_submit(h, s, slot, e);
	return s->selected[slot];
}

SEC("?tp/kmem/kmem_cache_alloc")
int tp_kmem_cache_alloc(struct trace_event_raw_kmem_cache_alloc *ctx)
{
	struct request r = TP_REQUEST(ctx, EVENT_CACHE_ALLOC);
	__u64 name[EVENT_NAME_LEN / 8] = {}, sizes;
	struct here h;

	if (!bpf_core_field_exists(ctx->name))
		return tp_sizes(ctx, &r, ctx->bytes_alloc);
	if (!here_init(&h))
		return PASS_ON;
	sizes = event_pack_sizes(r.requested, ctx->bytes_alloc);
	bpf_probe_read_kernel_str(name, sizeof(name), (void *)ctx + (ctx->name & 0xffff));
	r.what = name_hash(name, sizes);
	r.cache_selected = tp_cache(&h, r.what, name, sizes);
	return emit_alloc(ctx, &h, &r);
}

SEC("?tp/kmem/kmem_cache_alloc_node")
int tp_kmem_cache_alloc_node(struct trace_event_raw_kmem_cache_alloc_node *ctx)
{
	struct request r = TP_REQUEST(ctx, EVENT_CACHE_ALLOC);

	return tp_sizes(ctx, &r, ctx->bytes_alloc);
}

SEC("?tp/kmem/kfree")
int tp_kfree(struct trace_event_raw_kfree *ctx)
{
	struct here h;

	return here_init(&h) ? emit_free(&h, EVENT_KFREE, (__u64)ctx->ptr) : PASS_ON;
}

SEC("?tp/kmem/kmem_cache_free")
int tp_kmem_cache_free(struct trace_event_raw_kmem_cache_free *ctx)
{
	struct here h;

	return here_init(&h) ? emit_free(&h, EVENT_CACHE_FREE, (__u64)ctx->ptr) : PASS_ON;
}
