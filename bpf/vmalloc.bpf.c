// SPDX-License-Identifier: GPL-2.0
/*
 * The vmalloc range: areas by tracepoints where the kernel has them, else by probes on the functions that
 * those are in; calls for pages and what is mapped where by probes on functions.
 */
#include "calls.bpf.h"

#include <bpf/bpf_core_read.h>

#include "tracepoints.h"

struct calls_map calls SEC(".maps");

/*
 * Whether what concerns the area at @address is told. An allocation that nobody selected tells that an
 * address which is followed was given out again.
 */
static __always_inline bool area_follow(__u64 address, __u64 bytes, __u64 pid_tgid, __u8 *flags)
{
	if (!(*flags & EVENT_OWN) && size_selected(bytes) && task_selected(pid_tgid)) {
		mark(address);
		return true;
	}
	*flags |= EVENT_REUSE;
	return address && marked(address);
}

/* @stack: of the call chain; STACK_NOW: it is to be taken. */
#define STACK_NOW -3

static __always_inline int emit_area(void *ctx, const struct here *h, __u64 address, __u64 bytes,
				     __s32 stack)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct event_area *e;
	__u8 flags = 0;

	if (unlikely(pid_tgid >> 32 == config.own_pid))
		flags = EVENT_OWN;
	if (selective() && !area_follow(address, bytes, pid_tgid, &flags)) {
		count(&h->state->filtered);
		return PASS_ON;
	}
	if (config.want_task)
		emit_task(h, pid_tgid);
	if (stack == STACK_NOW)
		stack = take_area_stack(ctx, bytes);
	e = event_begin(h, sizeof(*e), &h->state->lost[0], EVENT_AREA_ALLOC, flags, pid_tgid >> 32);
	if (unlikely(!e))
		return PASS_ON;
	e->address = address;
	e->bytes = bytes;
	e->stack = stack;
	e->unused = 0;
	ring_submit(h, e, sizeof(*e));
	return PASS_ON;
}

static __always_inline int emit_area_free(__u64 address, __u64 lazy, __u64 lazy_max)
{
	struct event_area_free *e;
	struct here h;

	if (!here_init(&h))
		return PASS_ON;
	if (selective() && !marked(address)) {
		count(&h.state->filtered);
		return PASS_ON;
	}
	e = event_begin(&h, sizeof(*e), &h.state->lost[1], EVENT_AREA_FREE, 0, 0);
	if (unlikely(!e))
		return PASS_ON;
	e->address = address;
	e->lazy = lazy;
	e->lazy_max = lazy_max;
	ring_submit(&h, e, sizeof(*e));
	return PASS_ON;
}

static __always_inline int emit_area_purge(__u64 start, __u64 end, __u64 areas)
{
	struct event_area_purge *e;
	struct here h;

	if (!here_init(&h))
		return PASS_ON;
	e = event_begin(&h, sizeof(*e), &h.state->lost[1], EVENT_AREA_PURGE, 0, 0);
	if (unlikely(!e))
		return PASS_ON;
	e->start = start;
	e->end = end;
	e->areas = areas;
	ring_submit(&h, e, sizeof(*e));
	return PASS_ON;
}

/* --- by tracepoints ------------------------------------------------------------------------------- */

SEC("?tp/vmalloc/alloc_vmap_area")
int tp_alloc_vmap_area(struct trace_event_raw_alloc_vmap_area *ctx)
{
	__u64 address = ctx->failed ? 0 : ctx->addr, bytes = ctx->size;
	struct here h;

	if (!here_init(&h))
		return PASS_ON;
	return emit_area(ctx, &h, address, bytes, STACK_NOW);
}

SEC("?tp/vmalloc/free_vmap_area_noflush")
int tp_free_vmap_area_noflush(struct trace_event_raw_free_vmap_area_noflush *ctx)
{
	return emit_area_free(ctx->va_start, ctx->nr_lazy, ctx->nr_lazy_max);
}

SEC("?tp/vmalloc/purge_vmap_area_lazy")
int tp_purge_vmap_area_lazy(struct trace_event_raw_purge_vmap_area_lazy *ctx)
{
	return emit_area_purge(ctx->start, ctx->end, ctx->npurged);
}

/* --- by functions, before 6.2 --------------------------------------------------------------------- */

/*
 * struct vmap_area begins with va_start and va_end, two longs, at least from 5.2 on. Its flags and list
 * come later and are of no interest here.
 */
static __always_inline __u64 area_word(__u64 area, int n)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, POINTER_SIZE, (void *)(area + (__u64)n * POINTER_SIZE));
	return value;
}

/* alloc_vmap_area(size, align, vstart, vend, node, gfp, …) */
SEC("?kprobe")
int kprobe_alloc_vmap_area(void *ctx)
{
	struct call c = { .bytes = argument(ctx, 1) };

	/* not in the return probe: ARM32's 6.1 crashes there */
	c.stack = chain_wanted() ? take_area_stack(ctx, c.bytes) : -1;
	return call_begin(CALL_AREA, &c);
}

SEC("?kretprobe")
int kretprobe_alloc_vmap_area(void *ctx)
{
	__u64 area = return_value(ctx), address = 0;
	struct here h;
	struct call c;

	if (!call_end(CALL_AREA, &h, &c))
		return 0;
	if (!is_error(area)) {
		address = area_word(area, 0);
		c.bytes = area_word(area, 1) - address;
	}
	return emit_area(ctx, &h, address, c.bytes, c.stack);
}

/* free_vmap_area_noflush(area) */
SEC("?kprobe")
int kprobe_free_vmap_area_noflush(void *ctx)
{
	return emit_area_free(area_word(argument(ctx, 1), 0), EVENT_AREA_UNKNOWN,
			      EVENT_AREA_UNKNOWN);
}

/* __purge_vmap_area_lazy(start, end) takes all that waits, before it looks at its arguments. */
SEC("?kprobe")
int kprobe_purge_vmap_area_lazy(void *ctx)
{
	return emit_area_purge(0, ~0ull, EVENT_AREA_UNKNOWN);
}

/* --- calls for pages ------------------------------------------------------------------------------- */

/*
 * __vmalloc_node_range(size, align, start, end, gfp, prot, vm_flags, node, caller). On ARM32 with LPAE
 * prot takes two places, which must be even ones, and what follows is two places further: where the
 * caller would be there are flags then, which are no address in the kernel.
 */
SEC("?kprobe")
int kprobe_vmalloc(void *ctx)
{
	struct call c = { .bytes = argument(ctx, 1), .gfp = argument(ctx, 5) };

	c.site = argument(ctx, 9);
#ifdef __TARGET_ARCH_arm
	if (c.site < 1 << 30)
		c.site = argument(ctx, 11);
#endif
	return call_begin(CALL_VMALLOC, &c);
}

/* The task is done with call @c; what it returned is @address. */
static __always_inline int emit_vmalloc(const struct here *h, const struct call *c, __u64 address)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct event_vmalloc *e;

	/* its area has been marked, if it was selected; it may have been somebody else's before */
	if (selective() &&
	    !(task_selected(pid_tgid) && (address ? marked(address) : size_selected(c->bytes)))) {
		count(&h->state->filtered);
		return 0;
	}
	e = event_begin(h, sizeof(*e), &h->state->lost[0], EVENT_VMALLOC, 0, pid_tgid >> 32);
	if (unlikely(!e))
		return 0;
	e->address = address;
	e->bytes = c->bytes;
	e->site = c->site;
	e->began = c->began;
	e->gfp = c->gfp;
	e->unused = 0;
	ring_submit(h, e, sizeof(*e));
	return 0;
}

SEC("?kretprobe")
int kretprobe_vmalloc(void *ctx)
{
	__u64 key = call_key(CALL_VMALLOC_OUTER);
	struct call c, *outer;
	struct here h;

	if (!call_end(CALL_VMALLOC, &h, &c))
		return 0;
	/* vmalloc() took its return address for the caller's, in place of which there is the probe's */
	outer = bpf_map_lookup_elem(&calls, &key);
	if (outer) {
		outer->told = 1;
		c.site = outer->site;
	}
	return emit_vmalloc(&h, &c, return_value(ctx));
}

/* vmalloc(size), which the other may be a part of */
SEC("?kprobe")
int kprobe_vmalloc_outer(void *ctx)
{
	struct call c = { .bytes = argument(ctx, 1), .site = return_address(ctx) };

	return call_begin(CALL_VMALLOC_OUTER, &c);
}

SEC("?kretprobe")
int kretprobe_vmalloc_outer(void *ctx)
{
	struct here h;
	struct call c;

	if (!call_end(CALL_VMALLOC_OUTER, &h, &c) || c.told)
		return 0;
	return emit_vmalloc(&h, &c, return_value(ctx));
}

/* --- which pages an area has ------------------------------------------------------------------------ */

#define RUN_CHUNK  32 /* pages looked at together */
#define RUN_CHUNKS 128 /* more pages than both make are not counted into runs */

/* Keeps the compiler from seeing what a value is made of: it would make a comparison of it, and a jump. */
#define OPAQUE(value) asm volatile("" : "+r"(value))

/*
 * In how many runs of neighbours the pages lie whose struct pages @pages points to. Those of neighbours
 * are neighbours, too. Without jumps: the verifier would follow each of 2^4096 ways.
 */
static __always_inline __u32 count_runs(__u64 pages, __u32 n)
{
	__u64 chunk[RUN_CHUNK] = {}, last = 0, runs = 0;

	for (__u32 i = 0; i < RUN_CHUNKS; i++) {
		__u32 first = i * RUN_CHUNK, bytes = sizeof(chunk);

		if (first >= n)
			break;
		if (n - first < RUN_CHUNK)
			bytes = (n - first) * 8 & (sizeof(chunk) - 1);
		if (bpf_probe_read_kernel(chunk, bytes, (void *)(pages + (__u64)first * 8)))
			return 0;
		for (__u32 k = 0; k < RUN_CHUNK; k++) {
			__u64 away = chunk[k] - last - config.page_struct;
			__u64 other = -away, inside = (__u64)(first + k);

			/* the top bits: it is not the neighbour of the one before; it is one at all */
			OPAQUE(other);
			other |= away;
			OPAQUE(inside);
			inside -= n;
			OPAQUE(inside);
			other &= inside;
			OPAQUE(other);
			runs += other >> 63;
			last = chunk[k];
		}
	}
	return runs;
}

static __always_inline int emit_pages(__u64 address, __u64 bytes, __u64 pages, __u32 shift)
{
	struct event_area_pages *e;
	struct here h;
	__u32 n = bytes / config.page_size, runs = 0;

	if (!here_init(&h))
		return 0;
	if (selective() && !marked(address)) {
		count(&h.state->filtered);
		return 0;
	}
	if (n <= RUN_CHUNK * RUN_CHUNKS)
		runs = count_runs(pages, n);
	e = event_begin(&h, sizeof(*e), &h.state->lost[0], EVENT_AREA_PAGES, 0, 0);
	if (unlikely(!e))
		return 0;
	e->address = address;
	e->pages = n;
	e->runs = runs;
	e->shift = shift;
	e->unused = 0;
	ring_submit(&h, e, sizeof(*e));
	return 0;
}

/* Only loaded where config.page_struct is known, which is where there is BTF: not on ARM32. */

/* vmap_pages_range_noflush(start, end, prot, pages, page_shift), since 5.13 */
SEC("?kprobe")
int kprobe_vmap_pages_range(void *ctx)
{
	__u64 start = argument(ctx, 1);

	return emit_pages(start, argument(ctx, 2) - start, argument(ctx, 4), argument(ctx, 5));
}

/* map_kernel_range_noflush(start, size, prot, pages), until 5.12 */
SEC("?kprobe")
int kprobe_map_kernel_range(void *ctx)
{
	return emit_pages(argument(ctx, 1), argument(ctx, 2), argument(ctx, 4), 0);
}
