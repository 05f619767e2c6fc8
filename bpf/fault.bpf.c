// SPDX-License-Identifier: GPL-2.0
/*
 * Page faults. perf's software events tell of every fault that a task takes itself: «page-faults» when the
 * architecture's handler begins, «minor-faults» or «major-faults» once it was resolved, after as many
 * tries as it took (since 5.9: mm_account_fault() in mm/memory.c). What lies between the two is
 * what the fault cost. Faults that get_user_pages() takes on a task's behalf raise none of them.
 */
#include "calls.bpf.h"

#include <bpf/bpf_core_read.h>

#include "tracepoints.h"

extern struct calls_map calls SEC(".maps");

/* What bpf/bpf_perf_event.h has for user space: the registers, then period and address. */
struct fault_context {
	struct registers regs;
	__u64 sample_period;
	__u64 addr;
};

/*
 * Faults that have begun, by thread number modulo the slots: two that meet in one cost the time that one
 * of them took, which is then not known. Plain stores, as marks.
 */
#define OPEN_FAULTS (1 << 12)

struct open_fault {
	__u64 began;
	__u64 address;
	__u32 tid; /* 0: resolved */
	__u32 what; /* enum fault_bits */
};

struct open_faults {
	struct open_fault slots[OPEN_FAULTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct open_faults);
} open_faults SEC(".maps");

static __always_inline struct open_fault *open_fault(__u32 tid)
{
	__u32 zero = 0;
	struct open_faults *all = bpf_map_lookup_elem(&open_faults, &zero);

	return all ? &all->slots[tid & (OPEN_FAULTS - 1)] : NULL;
}

/* --- it begins ------------------------------------------------------------------------------------- */

static __always_inline int fault_begin(__u64 address, __u32 what)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct open_fault *f = open_fault(tid);

	if (!f)
		return PASS_ON;
	f->began = bpf_ktime_get_ns();
	f->address = address;
	f->what = what;
	f->tid = tid;
	return PASS_ON;
}

SEC("?perf_event")
int perf_fault_begin(struct fault_context *ctx)
{
	return fault_begin(ctx->addr, 0);
}

/* Intel's manual, volume 3, 4.7: what the processor says of a page fault. */
#define ERROR_PRESENT (1 << 0)
#define ERROR_WRITE   (1 << 1)
#define ERROR_EXEC    (1 << 4)

static __always_inline __u32 x86_access(__u64 error)
{
	__u32 what = FAULT_ACCESS;

	if (error & ERROR_PRESENT)
		what |= FAULT_PRESENT;
	if (error & ERROR_WRITE)
		what |= FAULT_WRITE;
	if (error & ERROR_EXEC)
		what |= FAULT_EXEC;
	return what;
}

SEC("?tp/exceptions/page_fault_user")
int tp_page_fault_user(struct trace_event_raw_page_fault_user *ctx)
{
	__u64 address = ctx->address, error = ctx->error_code;

	return fault_begin(address, x86_access(error));
}

/* From the kernel's own code, mostly when it copies from or to user memory. */
SEC("?tp/exceptions/page_fault_kernel")
int tp_page_fault_kernel(struct trace_event_raw_page_fault_kernel *ctx)
{
	__u64 address = ctx->address, error = ctx->error_code;

	return fault_begin(address, x86_access(error));
}

/* --- how it is resolved: functions that are called meanwhile ---------------------------------------- */

static __always_inline int fault_note(__u32 bit)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct open_fault *f = open_fault(tid);

	if (f && f->tid == tid)
		f->what |= bit;
	return 0;
}

SEC("?kprobe")
int kprobe_fault_copied(void *ctx)
{
	return fault_note(FAULT_COPIED);
}

SEC("?kprobe")
int kprobe_fault_around(void *ctx)
{
	return fault_note(FAULT_AROUND);
}

SEC("?kprobe")
int kprobe_fault_swap(void *ctx)
{
	return fault_note(FAULT_SWAP);
}

/* enum vm_fault_reason, include/linux/mm_types.h */
#define VM_FAULT_MAJOR	  0x4
#define VM_FAULT_RETRY	  0x400
#define VM_FAULT_FALLBACK 0x800
#define VM_FAULT_ERROR	  (0x1 | 0x2 | 0x10 | 0x20 | 0x40 | VM_FAULT_FALLBACK)

SEC("?kretprobe")
int kretprobe_fault_huge(void *ctx)
{
	return return_value(ctx) & VM_FAULT_ERROR ? 0 : fault_note(FAULT_HUGE);
}

/* --- it was resolved --------------------------------------------------------------------------------- */

static __always_inline int emit_fault(void *ctx, const struct here *h, const struct event_fault *f,
				      bool user_stack)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct event_fault *e;
	__s32 stack = -1;
	__u8 flags = 0;

	if (unlikely(pid_tgid >> 32 == config.own_pid))
		flags = EVENT_OWN;
	else if (config.select && !task_selected(pid_tgid)) {
		count(&h->state->filtered);
		return 0;
	}
	if (config.want_task)
		emit_task(h, pid_tgid);
	if (user_stack)
		/* the same instruction of another process lies elsewhere, but for its place in the page */
		stack = take_stack_of(ctx, f->ip & 0xfff, config.user_stacks, BPF_F_USER_STACK);
	e = event_begin(h, sizeof(*e), &h->state->lost[0], EVENT_FAULT, flags, pid_tgid >> 32);
	if (unlikely(!e))
		return 0;
	e->address = f->address;
	e->ip = f->ip;
	e->began = f->began;
	e->what = f->what;
	e->stack = stack;
	ring_submit(h, e, sizeof(*e));
	return 0;
}

/* In one page, whatever size that has: ARM32 tells at the end only which one it was. */
static __always_inline bool same_page(__u64 begun, __u64 resolved)
{
	return begun >> 12 == resolved >> 12;
}

static __always_inline int fault_resolved(struct fault_context *ctx, __u32 what)
{
	struct event_fault f = { .address = ctx->addr, .ip = REGISTERS_IP(&ctx->regs) };
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct open_fault *open = open_fault(tid);
	struct here h;

	if (!here_init(&h))
		return 0;
	count(&h.state->runs);
	if (REGISTERS_KERNEL(&ctx->regs))
		what |= FAULT_KERNEL;
	if (likely(open && open->tid == tid && same_page(open->address, f.address))) {
		f.address = open->address;
		f.began = open->began;
		what |= open->what;
		open->tid = 0;
	}
	f.what = what;
	return emit_fault(ctx, &h, &f, true);
}

SEC("?perf_event")
int perf_fault_minor(struct fault_context *ctx)
{
	return fault_resolved(ctx, 0);
}

SEC("?perf_event")
int perf_fault_major(struct fault_context *ctx)
{
	return fault_resolved(ctx, FAULT_MAJOR);
}

/* --- get_user_pages() --------------------------------------------------------------------------------- */

/*
 * handle_mm_fault(vma, address, flags, regs): without registers it is nobody's instruction that faulted. A
 * call that is to be tried again begins again, with the same address.
 */
SEC("?kprobe")
int kprobe_gup(void *ctx)
{
	struct call c = { .bytes = argument(ctx, 2) };
	__u64 key = call_key(CALL_GUP);
	struct call *again;

	again = bpf_map_lookup_elem(&calls, &key);
	if (again && again->told && again->bytes == c.bytes && !argument(ctx, 4)) {
		again->told = 0;
		return 0;
	}
	/* given up, or its return was missed: the next one that returns is another */
	if (again)
		bpf_map_delete_elem(&calls, &key);
	return argument(ctx, 4) ? 0 : call_begin(CALL_GUP, &c);
}

SEC("?kretprobe")
int kretprobe_gup(void *ctx)
{
	__u64 key = call_key(CALL_GUP), ret = return_value(ctx);
	struct call *open = bpf_map_lookup_elem(&calls, &key);
	struct event_fault f = { .what = FAULT_GUP };
	struct here h;
	struct call c;

	/* most calls are for faults that perf tells; a given-up try is not one that is waited for */
	if (!open || open->told)
		return 0;
	if (ret & VM_FAULT_RETRY) {
		open->told = 1;
		open->gfp = ret & VM_FAULT_MAJOR;
		return 0;
	}
	if (!call_end(CALL_GUP, &h, &c) || ret & VM_FAULT_ERROR)
		return 0;
	if (ret & VM_FAULT_MAJOR || c.gfp)
		f.what |= FAULT_MAJOR;
	f.address = c.bytes;
	f.began = c.began;
	/* no stack here: ARM32's 6.1 crashes */
	return emit_fault(ctx, &h, &f, false);
}

/*
 * Where the kernel's BTF says where a task counts its faults: what it has counted when a thread ends. perf
 * told of all of them but those of get_user_pages().
 */
SEC("?tp/sched/sched_process_exit")
int tp_fault_counts(void *ctx)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid(), task = bpf_get_current_task();
	struct event_fault_counts *e;
	__u64 minor = 0, major = 0;
	struct here h;

	/* of all processes: a descendant that is selected may have been taken off the list already */
	if (!here_init(&h))
		return PASS_ON;
	bpf_probe_read_kernel(&minor, POINTER_SIZE, (void *)(task + config.task_minor_offset));
	bpf_probe_read_kernel(&major, POINTER_SIZE, (void *)(task + config.task_major_offset));
	e = event_begin(&h, sizeof(*e), &h.state->lost[1], EVENT_FAULT_COUNTS, 0, pid_tgid >> 32);
	if (unlikely(!e))
		return PASS_ON;
	e->minor = minor;
	e->major = major;
	e->tid = (__u32)pid_tgid;
	e->what = COUNTS_EXIT;
	__builtin_memset(e->unused, 0, sizeof(e->unused));
	ring_submit(&h, e, sizeof(*e));
	return PASS_ON;
}
