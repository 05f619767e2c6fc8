/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BPF_STREAM_H
#define KMSCOPE_BPF_STREAM_H
/*
 * The event path of the kernel side: select, reserve in this CPU's ring, fill, submit; losses are
 * counted. Everything is inlined: ARM32's JIT knows no subprogram calls.
 */
#include "maps.bpf.h"
#include "events.h"

extern const volatile struct config config;

#ifdef __TARGET_ARCH_arm
#define POINTER_SIZE 4 /* of the kernel */
#else
#define POINTER_SIZE 8
#endif

#define EEXIST 17 /* as in the kernel everywhere */

/*
 * What programs on classic tracepoints return: perf goes on, so that whoever else counts or records the
 * event gets it, too (kernel/events/core.c, perf_trace_run_bpf_submit()). Others' return means nothing.
 */
#define PASS_ON 1

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* What every event needs to know about where it happens. */
struct here {
	__u32 cpu;
	struct cpu_state *state;
};

static __always_inline bool here_init(struct here *h)
{
	h->cpu = bpf_get_smp_processor_id();
	h->state = bpf_map_lookup_elem(&cpu_states, &h->cpu);
	return h->state;
}

static __always_inline struct shared_state *shared_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&shared, &zero);
}

/*
 * An interrupt may come between the load and the store of a plain increment. ARM32's JIT has no
 * 64-bit atomics, so there a count may, very rarely, miss one.
 */
static __always_inline void count(__u64 *counter)
{
#ifdef __TARGET_ARCH_arm
	(*(volatile __u64 *)counter)++;
#else
	__sync_fetch_and_add(counter, 1);
#endif
}

/* @lost is NULL for what is told again with the next event: that is not an event less. */
static __always_inline void *ring_reserve(const struct here *h, __u64 size, __u64 *lost)
{
	__u32 key = ring_key(h->cpu, POINTER_SIZE);
	void *ring = bpf_map_lookup_elem(&rings, &key);
	void *record = NULL;

	if (likely(ring))
		record = bpf_ringbuf_reserve(ring, size, 0);
	if (unlikely(!record) && lost)
		count(lost);
	return record;
}

/* For tests: reaches 4 GiB of ring positions with few events. Nothing is written or sent. */
static __always_inline void ring_pad(const struct here *h)
{
	__u32 key = ring_key(h->cpu, POINTER_SIZE);
	void *ring = bpf_map_lookup_elem(&rings, &key), *pad;

	if (!ring)
		return;
	pad = bpf_ringbuf_reserve(ring, CONFIG_TEST_PAD, 0);
	if (pad)
		bpf_ringbuf_discard(pad, BPF_RB_FORCE_WAKEUP);
}

/* Submit; wake the reader only now and then: it also looks by itself every few milliseconds. */
static __always_inline void ring_submit(const struct here *h, void *record, __u64 size)
{
	__u64 unwoken = h->state->unwoken + size + BPF_RINGBUF_HDR_SZ;

	if (config.test_pad)
		ring_pad(h);

	if (unlikely(unwoken >= config.wake_bytes)) {
		h->state->unwoken = 0;
		bpf_ringbuf_submit(record, BPF_RB_FORCE_WAKEUP);
	} else {
		h->state->unwoken = unwoken;
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	}
}

static __always_inline void header_fill(struct event_header *header, const struct here *h,
					__u8 kind, __u8 flags, __u32 pid)
{
	header->kind = kind;
	header->flags = flags;
	header->cpu = h->cpu;
	header->pid = pid;
}

/*
 * An event of @size bytes that happens now, without its own fields; NULL: the ring is full, which
 * @lost counts. To be submitted with the same size.
 */
static __always_inline void *event_begin(const struct here *h, __u64 size, __u64 *lost, __u8 kind,
					 __u8 flags, __u32 pid)
{
	struct event_header *header = ring_reserve(h, size, lost);

	if (likely(header)) {
		header->time = bpf_ktime_get_ns();
		header_fill(header, h, kind, flags, pid);
	}
	return header;
}

/* --- marks: which objects are followed when not all are ---------------------------------------- */

static __always_inline __u8 *mark_of(__u64 ptr)
{
	__u32 zero = 0;
	struct marks *m = bpf_map_lookup_elem(&marks, &zero);

	return m ? &m->slots[mark_slot(ptr) & (MARKS - 1)] : NULL;
}

static __always_inline bool marked(__u64 ptr)
{
	struct shared_state *s = shared_state();
	__u8 *mark = mark_of(ptr);

	return s && mark && *mark && (*mark == s->generation || *mark == s->previous);
}

static __always_inline void mark(__u64 ptr)
{
	struct shared_state *s = shared_state();
	__u8 *slot = mark_of(ptr);

	if (s && slot)
		*slot = s->generation;
}

/* True while not every object is followed. */
static __always_inline bool selective(void)
{
	return config.select || config.sample > 1;
}

/* --- selection: about allocations only, their frees follow by the marks ------------------------ */

struct request {
	__u64 ptr, site, what;
	__u32 requested; /* bytes; 0 if not known here */
	__u32 gfp;
	__u8 kind, flags;
	bool cache_selected;
};

static __always_inline bool select_comm(void)
{
	__u64 comm[2] = {};
	const volatile __u64 *want = (const volatile __u64 *)config.comm;

	bpf_get_current_comm(comm, sizeof(comm));
	return comm[0] == want[0] && comm[1] == want[1];
}

static __always_inline bool select_site(__u64 site)
{
	for (__u32 i = 0; i < CONFIG_MAX_RANGES; i++) {
		if (i >= config.n_ranges)
			break;
		if (site >= config.ranges[i].start && site < config.ranges[i].end)
			return true;
	}
	return false;
}

static __always_inline bool select_cache(const struct request *r)
{
	if (!config.kmalloc_class)
		return r->cache_selected;
	return r->kind == EVENT_KMALLOC && event_given(r->what) == config.kmalloc_class &&
	       (r->gfp & config.kmalloc_gfp_mask) == config.kmalloc_gfp;
}

/* What is selected about the task that does it. */
static __always_inline bool task_selected(__u64 pid_tgid)
{
	__u32 tid = (__u32)pid_tgid;

	if ((config.select & SELECT_PID) && config.pid != pid_tgid >> 32)
		return false;
	if ((config.select & SELECT_COMM) && !select_comm())
		return false;
	if ((config.select & SELECT_CHILD) && !bpf_map_lookup_elem(&children, &tid))
		return false;
	if ((config.select & SELECT_CGROUP) && bpf_current_task_under_cgroup(&cgroups, 0) != 1)
		return false;
	return true;
}

static __always_inline bool size_selected(__u64 size)
{
	return !(config.select & SELECT_SIZE) ||
	       (size >= config.min_size && size <= config.max_size);
}

static __always_inline bool selected(const struct request *r, __u64 pid_tgid)
{
	if (!size_selected(r->requested))
		return false;
	if ((config.select & SELECT_SITE) && !select_site(r->site))
		return false;
	if ((config.select & SELECT_CACHE) && !select_cache(r))
		return false;
	return task_selected(pid_tgid);
}

/* One allocation in config.sample, by a random skip of that mean: no period to fall in step with. */
static __always_inline bool sampled(struct cpu_state *state)
{
	if (config.sample <= 1)
		return true;
	if (state->skip) {
		state->skip--;
		return false;
	}
	/* uniform from 0 to 2 × sample - 2, without a division */
	state->skip = (__u64)bpf_get_prandom_u32() * (2ull * config.sample - 1) >> 32;
	return true;
}

/* --- who: a record each time the task on this CPU differs from the one told last --------------- */

static __always_inline void emit_task(const struct here *h, __u64 pid_tgid)
{
	struct cpu_state *state = h->state;
	__u64 comm[2] = {}, cgroup = config.want_cgroup ? bpf_get_current_cgroup_id() : 0;
	struct event_task *e;

	bpf_get_current_comm(comm, sizeof(comm));
	if (state->task == pid_tgid && state->task_comm[0] == comm[0] &&
	    state->task_comm[1] == comm[1] && state->task_cgroup == cgroup)
		return;
	e = ring_reserve(h, sizeof(*e), NULL);
	if (!e)
		return;
	e->h.time = bpf_ktime_get_ns();
	header_fill(&e->h, h, EVENT_TASK, 0, pid_tgid >> 32);
	e->tid = (__u32)pid_tgid;
	e->unused = 0;
	e->cgroup = cgroup;
	__builtin_memcpy(e->comm, comm, sizeof(comm));
	ring_submit(h, e, sizeof(*e));
	state->task = pid_tgid;
	state->task_comm[0] = comm[0];
	state->task_comm[1] = comm[1];
	state->task_cgroup = cgroup;
}

/* --- stacks ------------------------------------------------------------------------------------- */

/* @wanted: config.stacks and its like; @user: 0 or BPF_F_USER_STACK */
static __always_inline __s32 take_stack_of(void *ctx, __u64 site, __u32 wanted, __u64 user)
{
	long id;

	if (!wanted)
		return -1;
	if (wanted == 1) {
		struct shared_state *s = shared_state();
		__u8 *budget;

		if (!s)
			return -1;
		budget = &s->budgets[budget_slot(site) & (SHARED_BUDGETS - 1)];
		if (likely(!*budget))
			return -1;
		(*budget)--;
	}
	id = bpf_get_stackid(ctx, &stacks, user);
	/* another chain has the place that this one's hash points to: without a frame it is elsewhere */
	if (unlikely(id == -EEXIST))
		id = bpf_get_stackid(ctx, &stacks, user | 1);
	return id < 0 ? -2 : (__s32)id;
}

static __always_inline __s32 take_stack(void *ctx, __u64 site)
{
	return take_stack_of(ctx, site, config.stacks, 0);
}

static __always_inline __s32 take_area_stack(void *ctx, __u64 site)
{
	return take_stack_of(ctx, site, config.area_stacks, 0);
}

/* --- large kmallocs ----------------------------------------------------------------------------- */

/*
 * A kmalloc() of whole pages is told twice by recent kernels (seen on 6.18): first from inside
 * __kmalloc(), then by __kmalloc() with its caller as the site. Whether this is the second time.
 */
static __always_inline bool large_again(struct cpu_state *state, const struct request *r)
{
	/* not by time: the CPU may be taken away between the two */
	bool again = state->large_ptr == r->ptr && state->large_what == r->what &&
		     state->large_site != r->site;

	state->large_ptr = again ? 0 : r->ptr;
	state->large_site = r->site;
	state->large_what = r->what;
	return again;
}

static __always_inline bool is_large(const struct request *r)
{
	return r->kind == EVENT_KMALLOC && event_given(r->what) > config.kmalloc_max;
}

/* --- the two records that matter ------------------------------------------------------------------ */

static __always_inline int emit_alloc(void *ctx, const struct here *h, struct request *r)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct event_alloc *e;
	bool again = false;
	__s32 stack;

	if (unlikely(pid_tgid >> 32 == config.own_pid))
		r->flags |= EVENT_OWN;
	if (unlikely(is_large(r)))
		again = large_again(h->state, r);
	if (selective()) {
		bool taken = !(r->flags & EVENT_OWN) && selected(r, pid_tgid);

		/* one allocation is drawn once, however often it is told */
		if (taken && config.sample > 1)
			taken = again ? h->state->large_taken : sampled(h->state);
		if (unlikely(is_large(r))) {
			again &= h->state->large_taken;
			h->state->large_taken = taken;
		}
		if (taken) {
			mark(r->ptr);
		} else if (!again && marked(r->ptr)) {
			r->flags |= EVENT_REUSE;
		} else {
			count(&h->state->filtered);
			return PASS_ON;
		}
	}
	if (unlikely(again))
		r->flags |= EVENT_AGAIN;
	if (config.want_task)
		emit_task(h, pid_tgid);
	stack = take_stack(ctx, r->site);

	e = ring_reserve(h, sizeof(*e), &h->state->lost[0]);
	if (unlikely(!e))
		return PASS_ON;
	e->h.time = bpf_ktime_get_ns();
	header_fill(&e->h, h, r->kind, r->flags, pid_tgid >> 32);
	e->ptr = r->ptr;
	e->site = r->site;
	e->what = r->what;
	e->gfp = r->gfp;
	e->stack = stack;
	ring_submit(h, e, sizeof(*e));
	return PASS_ON;
}

static __always_inline int emit_free(const struct here *h, __u8 kind, __u64 ptr)
{
	struct event_free *e;

	if (unlikely(ptr <= ZERO_SIZE_PTR_VALUE)) {
		count(&h->state->nulls);
		return PASS_ON;
	}
	if (unlikely(ptr == h->state->large_ptr))
		h->state->large_ptr = 0;
	if (selective() && !marked(ptr)) {
		count(&h->state->filtered);
		return PASS_ON;
	}
	e = ring_reserve(h, sizeof(*e), &h->state->lost[1]);
	if (unlikely(!e))
		return PASS_ON;
	e->h.time = bpf_ktime_get_ns();
	header_fill(&e->h, h, kind, 0, 0);
	e->ptr = ptr;
	ring_submit(h, e, sizeof(*e));
	return PASS_ON;
}

/* --- caches: what an id stands for, told once and again in each epoch ---------------------------- */

/* The upper byte tells epochs apart: kernel addresses have the same there, hashes have none. */
static __always_inline __u64 cache_key(const struct shared_state *s, __u64 id)
{
	return id ^ s->epoch << 56;
}

/* Start a CACHE record for @slot; the caller fills in sizes and name. */
static __always_inline struct event_cache *cache_begin(const struct here *h, __u64 id)
{
	struct event_cache *e = ring_reserve(h, sizeof(*e), NULL);

	if (!e)
		return NULL;
	__builtin_memset(e, 0, sizeof(*e));
	e->h.time = bpf_ktime_get_ns();
	header_fill(&e->h, h, EVENT_CACHE, 0, 0);
	e->id = id;
	return e;
}

/* Compares with --cache NAME, notes the result for the slot, and submits. */
static __always_inline void cache_submit(const struct here *h, struct shared_state *s, __u32 slot,
					 struct event_cache *e)
{
	__u64 id = e->id;

	if (config.select & SELECT_CACHE) {
		const volatile __u64 *want = (const volatile __u64 *)config.cache_name;
		const __u64 *have = (const __u64 *)e->name;
		bool same = true;

		for (int i = 0; i < EVENT_NAME_LEN / 8; i++)
			same &= have[i] == want[i];
		s->selected[slot] = same;
	}
	ring_submit(h, e, sizeof(*e));
	s->caches[slot] = cache_key(s, id);
}

#endif
