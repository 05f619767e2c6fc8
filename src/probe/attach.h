/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROBE_ATTACH_H
#define KMSCOPE_PROBE_ATTACH_H
/*
 * Loads the programs that a plan chose, in one or two BPF objects that share their maps, and
 * attaches them. Nothing is pinned: everything goes when the process does.
 */
#include "base/base.h"
#include "base/failure.h"
#include "bpf/config.h"
#include "probe/capset.h"
#include "probe/select.h"

struct attach_options {
	struct config config; /* what the programs are told; .args and offsets are filled in here */
	unsigned int areas; /* enum probe_area */
	size_t ring_size; /* bytes a CPU, a power of two and a multiple of the page size */
	uint32_t n_stacks; /* room for different call chains */
	int cgroup_fd; /* --cgroup, or -1 */
};

struct attachment;

/* Create maps and load programs; attaches nothing yet. */
int attachment_load(const struct probe_plan *plan, const struct capset *c,
		    const struct attach_options *o, struct attachment **ret, struct failure *f);
/* From here on events flow. */
int attachment_attach(struct attachment *a, struct failure *f);
/* No event is produced after this returns, but for programs that are running right now. */
void attachment_detach(struct attachment *a);
void attachment_free(struct attachment **a);

size_t attachment_n_cpus(const struct attachment *a); /* possible CPUs */
/* The ring buffer map of @cpu; owned by the attachment. */
int attachment_ring_fd(const struct attachment *a, size_t cpu);
/*
 * Put a new, empty ring in the place of @cpu's. When this returns, nothing is written to the old one
 * any more; whoever has a descriptor of it can still read it. 0 or negative errno, then the old one
 * stays.
 */
int attachment_renew_ring(struct attachment *a, size_t cpu, size_t ring_size);
/* Mapped memory that the programs write (cpu_states, by CPU) or read and write. */
const struct cpu_state *attachment_cpu_states(const struct attachment *a);
struct shared_state *attachment_shared(const struct attachment *a);
struct marks *attachment_marks(const struct attachment *a);

/* Whether @capability is being told; … by that method. */
bool attachment_has(const struct attachment *a, enum capability capability);
bool attachment_has_by(const struct attachment *a, enum capability capability,
		       enum probe_method method);

/* AREA_FAULTS: from here on no fault is told, and what was counted stays as it is. */
void attachment_quiesce(struct attachment *a);
/* Faults that perf counted on @cpu, and how many of them a program ought to have been run for. */
uint64_t attachment_faults(const struct attachment *a, size_t cpu, uint64_t *ret_runs);

/* Frames of call chain @id, innermost first; returns their number, 0 if it is not there. */
size_t attachment_stack(const struct attachment *a, int32_t id, __u64 *frames, size_t room);
/* Follow thread @tid and its descendants for --child. 0 or negative errno. */
int attachment_follow(const struct attachment *a, uint32_t tid);
/*
 * Runs that the kernel skipped because a program interrupted itself; EVENT_MISSES_UNKNOWN where the
 * kernel doesn't count them.
 */
uint64_t attachment_misses(const struct attachment *a);

#endif
