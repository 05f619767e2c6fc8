// SPDX-License-Identifier: GPL-2.0
/* --child: the descendants of the traced program, by thread. */
#include "stream.bpf.h"

#include <bpf/bpf_core_read.h>

#include "tracepoints.h"

SEC("?tp/sched/sched_process_fork")
int tp_sched_process_fork(struct trace_event_raw_sched_process_fork *ctx)
{
	__u32 parent = (__u32)bpf_get_current_pid_tgid(), child = ctx->child_pid;
	__u8 one = 1;
	struct here h;

	if (!bpf_map_lookup_elem(&children, &parent))
		return PASS_ON;
	if (bpf_map_update_elem(&children, &child, &one, BPF_ANY) && here_init(&h))
		count(&h.state->map_full);
	return PASS_ON;
}

SEC("?tp/sched/sched_process_exit")
int tp_sched_process_exit(void *ctx)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&children, &tid);
	return PASS_ON;
}

/* A thread that executes a program takes over the number of its leader, whose exit has come already. */
SEC("?tp/sched/sched_process_exec")
int tp_sched_process_exec(struct trace_event_raw_sched_process_exec *ctx)
{
	__u32 old = ctx->old_pid, pid = ctx->pid;
	__u8 one = 1;
	struct here h;

	if (old == pid || !bpf_map_lookup_elem(&children, &old))
		return PASS_ON;
	bpf_map_delete_elem(&children, &old);
	if (bpf_map_update_elem(&children, &pid, &one, BPF_ANY) && here_init(&h))
		count(&h.state->map_full);
	return PASS_ON;
}
