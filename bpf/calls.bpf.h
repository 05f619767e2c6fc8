/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BPF_CALLS_H
#define KMSCOPE_BPF_CALLS_H
/*
 * Calls of functions that are probed where they begin and where they return: what the arguments said is
 * kept by task until then. One call of a kind is open in a task at a time.
 */
#include "stream.bpf.h"

#include "registers.h"

enum call_kind { CALL_AREA, CALL_VMALLOC, CALL_VMALLOC_OUTER, CALL_IOREMAP, CALL_GUP };

struct call {
	__u64 began;
	__u64 site;
	__u64 bytes;
	__u64 phys, mode;
	__u32 gfp;
	__s32 stack;
	__u64 told; /* CALL_VMALLOC_OUTER: by a call of the other kind in it; CALL_GUP: to be tried again */
};

struct calls_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct call);
};

extern struct calls_map calls SEC(".maps");

static __always_inline __u64 call_key(enum call_kind kind)
{
	return (__u64)kind << 32 | (__u32)bpf_get_current_pid_tgid();
}

/* Whether a call that begins will be told, as far as that is known by its task. */
static __always_inline bool chain_wanted(void)
{
	return !config.select || task_selected(bpf_get_current_pid_tgid());
}

/* A probe on a function's first instruction. */
static __always_inline int call_begin(enum call_kind kind, struct call *c)
{
	__u64 key = call_key(kind);
	struct here h;

	if (!here_init(&h))
		return 0;
	/* the kernel missed the return of the one before */
	if (unlikely(bpf_map_lookup_elem(&calls, &key)))
		count(&h.state->lost[0]);
	c->began = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&calls, &key, c, BPF_ANY))
		count(&h.state->map_full);
	return 0;
}

/* A probe on its return; false: it was called before there were probes, or is not known. */
static __always_inline bool call_end(enum call_kind kind, struct here *h, struct call *ret)
{
	__u64 key = call_key(kind);
	struct call *c;

	if (!here_init(h))
		return false;
	c = bpf_map_lookup_elem(&calls, &key);
	if (!c)
		return false;
	*ret = *c;
	bpf_map_delete_elem(&calls, &key);
	return true;
}

/* Whether a function that returns a pointer returned an error, or nothing. */
static __always_inline bool is_error(__u64 pointer)
{
	__u64 top = POINTER_SIZE == 4 ? 0xffffffffull : ~0ull;

	return !pointer || pointer > top - 4095;
}

#endif
