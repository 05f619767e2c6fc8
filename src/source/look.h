/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_LOOK_H
#define KMSCOPE_SOURCE_LOOK_H
/* What /proc and /sys say of the vmalloc range, of devices and of faults, when a run begins and ends. */
#include "probe/select.h"
#include "source/snapshot.h"

enum look_when {
	LOOK_FIRST, /* before anything is loaded: what never changes, and what is not ours */
	LOOK_START, /* when everything is: no area can be in neither, it may be in both */
	LOOK_END,
};

/*
 * Queue what a run of @areas (of enum probe_area) needs then. What can't be read is not there: analyzers
 * say what they lack. 0 or -ENOMEM.
 */
int look(enum look_when when, unsigned int areas, struct snapshot_queue *q);

#endif
