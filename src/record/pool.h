/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_POOL_H
#define KMSCOPE_RECORD_POOL_H
/*
 * What a recording that keeps its newest blocks only has to say again before the old ones are
 * overwritten: facts, call chains, caches, processes and what they have mapped.
 */
#include "event/event.h"
#include "record/format.h"

struct pool;

/* NULL when memory is short. */
struct pool *pool_new(void);
void pool_free(struct pool **p);

/* Take in a record, if it is of a kind that matters. 0 or -ENOMEM. */
int pool_add(struct pool *p, const struct event_header *h);

/*
 * Hand out what there is, EVENT_START first; each with the time that it had. Processes with mappings that
 * have no room in @room bytes are left out, and told as lost; so are, untold, call chains beyond twice as
 * many, and caches that are too many to be kept here. Stops at and returns the first error of @take.
 */
int pool_each(const struct pool *p, size_t room,
	      int (*take)(void *arg, const struct event_header *h), void *arg);

/* How many records that leaves out, by enum record_left_out. A cache counts each time that it was told. */
void pool_left_out(const struct pool *p, size_t room, uint64_t ret[LEFT_OUT]);

#endif
