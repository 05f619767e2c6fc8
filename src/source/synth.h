/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SYNTH_H
#define KMSCOPE_SOURCE_SYNTH_H
/*
 * A source that plays a script: records as text, one a line. The same script always gives the same
 * stream.
 *
 *	TIME cpuN KIND [key=value …]
 *	repeat TIMES [step_ns=N] [step_ptr=N] TIME cpuN KIND [key=value …]
 *
 * TIME is in nanoseconds, or with a suffix us, ms or s. A repeated record is that many records, the
 * time and the pointer of each a step further than those of the one before. Numbers are decimal or
 * 0x…; names stand in quotes if they hold spaces, with \", \\ and \xNN for any other byte. What
 * follows a # at the start of a word is a comment.
 *
 *	start		page_size kmalloc_max gfp_dma gfp_reclaimable gfp_account n_cpus sample selected
 *			wall_ns (4096, 8192, 0, 0, 0, 1, 1, 0, 0 unless given)
 *	kmalloc		ptr site req alloc [gfp pid stack flags=own,reuse,again]
 *	cache_alloc	ptr site, and cache=ID or req alloc; else as kmalloc
 *	kfree, cache_free	ptr [pid]
 *	cache		id object slab [name]
 *	task		pid tid cgroup comm
 *	stack		id frames=ADDRESS,…
 *	counters	lost=ALLOCS,FREES filtered nulls map_full
 *	misses		misses=N or misses=unknown
 *	tick, end
 *
 * The first record is start and the last one end. Allocations, frees, cache and task records go
 * through a merge with a lane a CPU, as those of the live kernel do; a CPU's records stand in the
 * order of its ring, so that their times may go back. The other kinds are made by user space: they
 * are delivered where they stand, after everything above them that is not younger than they are.
 * What follows one and is older than it therefore comes late; so does what stands more than
 * MERGE_LANE_LENGTH records too low in its CPU's order.
 */
#include "source/source.h"

/*
 * A source that plays @text, which is not needed afterwards. One read() delivers up to the next
 * record that user space makes. -EINVAL, with a failure that names the line, or -ENOMEM.
 */
int synth_open(const char *text, struct source **ret, struct failure *f);

#endif
