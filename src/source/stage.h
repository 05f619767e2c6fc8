/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_STAGE_H
#define KMSCOPE_SOURCE_STAGE_H
/*
 * The way out of a sink that stands between a source and an analyzer: records are passed on as they came,
 * or as copies that are changed. They are gathered and handed over in batches, in the order of the calls.
 */
#include "event/event.h"

#define STAGE_RECORDS 256

struct stage {
	struct event_sink out;
	const struct event_header *records[STAGE_RECORDS];
	size_t n;
	char *room; /* for copies; they stay until the next flush */
	size_t used, capacity;
	bool oom;
};

void stage_init(struct stage *s, const struct event_sink *out);
void stage_free(struct stage *s);

/* Hand over what has been gathered. To be called before what was passed goes away. */
void stage_flush(struct stage *s);

static inline void stage_pass(struct stage *s, const struct event_header *h)
{
	if (unlikely(s->n == STAGE_RECORDS))
		stage_flush(s);
	s->records[s->n++] = h;
}

/*
 * Pass on a copy of @record, of @size bytes, and return it, to be changed until the next call. NULL: memory
 * is short, nothing is passed on and .oom is set.
 */
void *stage_copy(struct stage *s, const void *record, size_t size);

#endif
