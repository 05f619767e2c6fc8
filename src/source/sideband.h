/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SIDEBAND_H
#define KMSCOPE_SOURCE_SIDEBAND_H
/*
 * Which processes there are and what they have mapped: by perf's side-band records of what changes, and
 * by /proc for what was there before.
 *
 * A mapping that perf tells of is all of what the kernel has there by then: it may have grown (brk, a
 * stack) or have become one with its neighbours. mprotect() tells of the part that it changed.
 * Not told: munmap(), mremap(), names of anonymous mappings (PR_SET_VMA_ANON_NAME); of a heap the first
 * time it grows that it is one («//anon», later «[heap]»: vma_is_initial_heap() looks at the old end).
 * What a child of vfork() maps before its execve() is told as its own. CPUs that come online later
 * have no buffer.
 */
#include "base/base.h"
#include "event/event.h"

#define SIDEBAND_MAPS_MAX ((size_t)1 << 20) /* for sideband_scan(): some 64 MiB of records */

struct sideband;

/*
 * A buffer for each CPU that is online of @n_cpus; nothing is recorded yet. 0: none, there is only
 * what /proc says. 0 or negative errno: -EACCES and -EPERM where perf events are for others
 * (kernel.perf_event_paranoid), -ENOENT and -ENOSYS where there are none.
 */
int sideband_open(size_t n_cpus, struct sideband **ret);
void sideband_free(struct sideband **s);

/*
 * A descriptor to be polled that is readable once each time a buffer has become half full; -1 where
 * there are none. What is in the buffers should be read every 100 ms anyway.
 */
int sideband_fd(const struct sideband *s);

/* From here on perf records. */
int sideband_start(struct sideband *s);

/*
 * Queue PROCESS_THERE and then the mappings of each process, or of @pid only if it is not 0. They have
 * a time before that of their reading, so that what perf tells of the meantime comes after it, even
 * where that is the same once more. Processes that have ended but for their parent's wait() are not told.
 * Of @n_maps mappings at most, in all; what is more is counted as lost.
 */
int sideband_scan(struct sideband *s, uint32_t pid, size_t n_maps);
/*
 * Queue an EVENT_FAULT_COUNTS of each process, or of @pid only if it is not 0: the sum over its
 * threads, those left out that have ended.
 */
int sideband_counts(struct sideband *s, enum fault_counts_of what, uint32_t pid);

/*
 * Queue what is in perf's buffers. Records have the time when their CPU began to write them: one that
 * was interrupted at it just then may come with the next call only.
 */
void sideband_read(struct sideband *s);

/*
 * The oldest record if it is not younger than @time (UINT64_MAX: any), valid until the next call; NULL
 * if there is none. Times never go back: what comes too late gets the time up to which records have been
 * asked for.
 */
const struct event_header *sideband_next(struct sideband *s, uint64_t time);

#endif
