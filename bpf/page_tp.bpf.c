// SPDX-License-Identifier: GPL-2.0
/*
 * The page allocator by classic tracepoints: their records have frame numbers, where raw tracepoints
 * have addresses of struct page.
 */
#include "stream.bpf.h"

#include <bpf/bpf_core_read.h>

#include "registers.h"
#include "tracepoints.h"

/* The frame number of a failed allocation: all bits of the kernel's long. */
#define PFN_NONE (POINTER_SIZE == 4 ? 0xffffffffull : ~0ull)

/*
 * Pages have no call site in their event: call chains are granted to each kind of request of each task
 * name, which is what reports list as a user.
 */
static __always_inline __u64 page_budget_key(const struct here *h, __u64 block, __u32 gfp)
{
	const __u64 *comm = h->state->task_comm; /* told just before */

	return comm[0] ^ comm[1] * 31 ^ block >> 48 ^ (__u64)gfp << 20;
}

static __always_inline bool page_selected(__u64 block, __u64 pid_tgid)
{
	return size_selected((__u64)config.page_size << (event_order(block) & 31)) &&
	       task_selected(pid_tgid);
}

/* As emit_alloc(), for a block of pages. False: it is left out. */
static __always_inline bool page_follow(const struct here *h, __u64 block, __u64 pid_tgid,
					__u8 *flags)
{
	__u64 pfn = event_pfn(block);
	bool taken = !(*flags & EVENT_OWN) && page_selected(block, pid_tgid);

	if (taken && config.sample > 1)
		taken = sampled(h->state);
	if (taken) {
		mark(pfn);
		return true;
	}
	*flags |= EVENT_REUSE;
	return pfn != EVENT_NO_PFN && marked(pfn);
}

SEC("?tp/kmem/mm_page_alloc")
int tp_mm_page_alloc(struct trace_event_raw_mm_page_alloc *ctx)
{
	__u64 block = event_pack_block(ctx->pfn == PFN_NONE ? EVENT_NO_PFN : ctx->pfn, ctx->order,
				       ctx->migratetype);
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 gfp = ctx->gfp_flags;
	struct event_page *e;
	__u8 flags = 0;
	struct here h;
	__s32 stack;

	if (!here_init(&h))
		return PASS_ON;
	if (unlikely(pid_tgid >> 32 == config.own_pid))
		flags = EVENT_OWN;
	if (selective() && !page_follow(&h, block, pid_tgid, &flags)) {
		count(&h.state->filtered);
		return PASS_ON;
	}
	if (config.want_task)
		emit_task(&h, pid_tgid);
	stack = take_stack(ctx, page_budget_key(&h, block, gfp));

	e = event_begin(&h, sizeof(*e), &h.state->lost[0], EVENT_PAGE_ALLOC, flags, pid_tgid >> 32);
	if (unlikely(!e))
		return PASS_ON;
	e->block = block;
	e->gfp = gfp;
	e->stack = stack;
	ring_submit(&h, e, sizeof(*e));
	return PASS_ON;
}

#define ORDERS 11 /* that a block of which parts are freed can have; larger ones are freed whole */

/* Whether the block that frame @pfn is in may be followed: it has its mark where it begins. */
static __always_inline bool part_marked(__u64 pfn)
{
	for (int order = 0; order < ORDERS; order++)
		if (marked(pfn & ~((1ull << order) - 1)))
			return true;
	return false;
}

static __always_inline int emit_block(const struct here *h, __u8 kind, __u64 block)
{
	struct event_page_free *e;

	if (selective() && (kind != EVENT_PAGE_FREE || !part_marked(event_pfn(block)))) {
		count(&h->state->filtered);
		return PASS_ON;
	}
	e = event_begin(h, sizeof(*e), &h->state->lost[1], kind, 0, 0);
	if (unlikely(!e))
		return PASS_ON;
	e->block = block;
	ring_submit(h, e, sizeof(*e));
	return PASS_ON;
}

SEC("?tp/kmem/mm_page_free")
int tp_mm_page_free(struct trace_event_raw_mm_page_free *ctx)
{
	struct here h;

	return here_init(&h)
		       ? emit_block(&h, EVENT_PAGE_FREE, event_pack_block(ctx->pfn, ctx->order, 0))
		       : PASS_ON;
}

SEC("?tp/kmem/mm_page_alloc_zone_locked")
int tp_mm_page_alloc_zone_locked(struct trace_event_raw_mm_page_alloc_zone_locked *ctx)
{
	struct here h;

	if (ctx->pfn == PFN_NONE || !here_init(&h))
		return PASS_ON;
	return emit_block(&h, EVENT_PAGE_REFILL,
			  event_pack_block(ctx->pfn, ctx->order, ctx->migratetype));
}

SEC("?tp/kmem/mm_page_pcpu_drain")
int tp_mm_page_pcpu_drain(struct trace_event_raw_mm_page_pcpu_drain *ctx)
{
	struct here h;

	return here_init(&h) ? emit_block(&h, EVENT_PAGE_DRAIN,
					  event_pack_block(ctx->pfn, ctx->order, ctx->migratetype))
			     : PASS_ON;
}

/*
 * Fallbacks are rare and matter: each comes with its call chain while there is a budget. They happen in
 * the task that allocates, so a selection is about them, too; sampling is not.
 */
SEC("?tp/kmem/mm_page_alloc_extfrag")
int tp_mm_page_alloc_extfrag(struct trace_event_raw_mm_page_alloc_extfrag *ctx)
{
	__u64 block = event_pack_block(ctx->pfn, ctx->alloc_order, ctx->alloc_migratetype);
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct event_fallback *e;
	struct here h;
	__s32 stack;

	if (!here_init(&h))
		return PASS_ON;
	if (config.select && !page_selected(block, pid_tgid)) {
		count(&h.state->filtered);
		return PASS_ON;
	}
	if (config.want_task)
		emit_task(&h, pid_tgid);
	stack = take_stack(ctx, (block >> 48) * 31 + ctx->fallback_migratetype);
	e = event_begin(&h, sizeof(*e), &h.state->lost[0], EVENT_PAGE_FALLBACK, 0, pid_tgid >> 32);
	if (unlikely(!e))
		return PASS_ON;
	e->block = block;
	e->order = ctx->fallback_order;
	e->migratetype = ctx->fallback_migratetype;
	e->whole = !!ctx->change_ownership;
	e->unused = 0;
	e->stack = stack;
	ring_submit(&h, e, sizeof(*e));
	return PASS_ON;
}

static __always_inline int emit_work(__u8 kind, const struct event_work *what)
{
	struct event_work *e;
	struct here h;

	if (!here_init(&h))
		return PASS_ON;
	if (config.want_task)
		emit_task(&h, bpf_get_current_pid_tgid());
	e = event_begin(&h, sizeof(*e), &h.state->lost[0], kind, 0,
			bpf_get_current_pid_tgid() >> 32);
	if (unlikely(!e))
		return PASS_ON;
	e->what = what->what;
	e->order = what->order;
	e->status = what->status;
	e->unused = 0;
	e->pages = what->pages;
	e->pfn = what->pfn;
	ring_submit(&h, e, sizeof(*e));
	return PASS_ON;
}

SEC("?tp/compaction/mm_compaction_begin")
int tp_mm_compaction_begin(struct trace_event_raw_mm_compaction_begin *ctx)
{
	struct event_work e = { .pfn = ctx->zone_start };

	return emit_work(EVENT_COMPACTION, &e);
}

SEC("?tp/compaction/mm_compaction_end")
int tp_mm_compaction_end(struct trace_event_raw_mm_compaction_end *ctx)
{
	struct event_work e = { .what = 1, .status = ctx->status, .pfn = ctx->zone_start };

	return emit_work(EVENT_COMPACTION, &e);
}

SEC("?tp/vmscan/mm_vmscan_direct_reclaim_begin")
int tp_direct_reclaim_begin(struct trace_event_raw_mm_vmscan_direct_reclaim_begin *ctx)
{
	struct event_work e = { .order = ctx->order };

	return emit_work(EVENT_RECLAIM, &e);
}

SEC("?tp/vmscan/mm_vmscan_direct_reclaim_end")
int tp_direct_reclaim_end(struct trace_event_raw_mm_vmscan_direct_reclaim_end *ctx)
{
	struct event_work e = { .what = 1, .pages = ctx->nr_reclaimed };

	return emit_work(EVENT_RECLAIM, &e);
}

/*
 * alloc_pages_bulk() fires no event for what it hands out: its return is hooked. What it returns is how
 * many entries of the caller's array are filled, so entries that were filled before count again. No call
 * chain: taking one in a return probe crashes ARM32's 6.1.
 */
SEC("?kretprobe")
int kretprobe_alloc_pages_bulk(void *ctx)
{
	struct event_work e = { .pages = return_value(ctx) };

	if (e.pages)
		emit_work(EVENT_PAGE_BULK, &e);
	return 0; /* the event is ours alone */
}
