/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SIDEBAND_RECORDS_H
#define KMSCOPE_SOURCE_SIDEBAND_RECORDS_H
/*
 * What perf's records and the lines of /proc/PID say, as records of ours. Pure functions that trust
 * none of it: perf's records are read from memory that is shared with the kernel, and names and paths
 * are whatever somebody chose.
 */
#include <linux/perf_event.h>

#include "base/base.h"
#include "event/event.h"
#include "procfs/scan.h"

/*
 * Kinds of the records that only the queue knows: threads begin and end. Processes are told of
 * outside, but one ends with its last thread.
 */
enum {
	SIDEBAND_THREAD = 254, /* struct sideband_thread: one begins, or is there */
	SIDEBAND_THREAD_EXIT = 255, /* … ends */
};

struct sideband_thread {
	struct event_header h; /* .pid: its process */
	uint32_t tid;
	uint32_t unused;
};

/* Room for any of them. */
union sideband_record {
	struct event_header h;
	struct event_process process;
	struct event_map map;
	struct event_maps_lost lost;
	struct event_fault_counts counts;
	struct sideband_thread thread;
	char room[sizeof(struct event_map) + EVENT_PATH_MAX];
};

/* The bytes that one of these records takes. */
size_t sideband_size(const struct event_header *h);

/* What all of perf's records must end with: attr.sample_id_all with these of attr.sample_type. */
#define SIDEBAND_SAMPLE (PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU)

enum sideband_made {
	SIDEBAND_NOTHING, /* it tells nothing that is wanted */
	SIDEBAND_MADE,
	SIDEBAND_BAD, /* it tells something that can't be true, or is cut */
};

/* One of perf's records, whole, in one piece and aligned. */
enum sideband_made sideband_from_perf(const struct perf_event_header *p,
				      union sideband_record *ret);

/* A line of /proc/@pid/maps, read at about @time. False if it is none. */
bool sideband_from_maps(struct scan line, uint32_t pid, uint64_t time, union sideband_record *ret);

struct sideband_stat {
	char state;
	uint64_t flags; /* PF_EXITING … */
	uint64_t minor, major; /* faults */
};

#define SIDEBAND_PF_EXITING 0x4 /* include/linux/sched.h */

/* /proc/PID/task/TID/stat. False if it is none. */
bool sideband_parse_stat(const char *text, struct sideband_stat *ret);

#endif
