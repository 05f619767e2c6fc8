/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SIDEBAND_PROC_H
#define KMSCOPE_SOURCE_SIDEBAND_PROC_H
/* What /proc says of the processes that are there. */
#include "source/sideband_queue.h"

/*
 * Queue PROCESS_THERE, the threads and the mappings of process @pid, or of all where it is 0; of the
 * latter @n_maps in all at most, what is more is counted as lost. 0 or negative errno: what ends
 * meanwhile is no failure.
 */
int sideband_proc_scan(struct sideband_queue *q, uint32_t pid, size_t n_maps);
/* Queue an EVENT_FAULT_COUNTS of process @pid, or of all where it is 0. */
int sideband_proc_counts(struct sideband_queue *q, enum fault_counts_of what, uint32_t pid);

#endif
