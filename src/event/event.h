/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_EVENT_EVENT_H
#define KMSCOPE_EVENT_EVENT_H
/*
 * Records as they come from a source. Whoever takes them gets batches of pointers in time order;
 * the records are only valid during the call.
 */
#include "base/base.h"
#include "bpf/events.h"

struct event_sink {
	void (*consume)(void *arg, const struct event_header *const *records, size_t n);
	void *arg;
};

#define EVENT_CPUS_MAX 8192 /* the most that any kernel can be built for: numbers are below */

/*
 * Whether @size bytes hold a whole record of the kind that its header names, and it says nothing that
 * can't be.
 */
bool event_valid(const struct event_header *h, size_t size);

/* The id of the call chain that a record names; negative: none. */
int32_t event_stack_id(const struct event_header *h);

/* Whether a record is an event of the kernel's: others tell of caches and tasks, or are user space's. */
bool event_counts(const struct event_header *h);

/* The bytes that a record takes; 0 for an unknown kind. */
size_t event_size(const struct event_header *h);

#endif
