/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SOURCE_H
#define KMSCOPE_SOURCE_SOURCE_H
/*
 * Where records come from: the live kernel (live.h), or a script of events (synth.h). All of them
 * deliver in time order, beginning with EVENT_START and ending with EVENT_END.
 */
#include "base/base.h"
#include "base/failure.h"
#include "event/event.h"

struct source;

enum source_state {
	SOURCE_ENDED = 0, /* EVENT_END has been delivered */
	SOURCE_LATER, /* call again when fd() is readable, or after a tenth of a second */
	SOURCE_AT_ONCE, /* there is more already */
	SOURCE_SOON, /* call again within a millisecond: a buffer is filling up */
};

struct source_ops {
	/* Begin: attach, open. Nothing is delivered before. */
	int (*start)(struct source *s, struct failure *f);
	/* A descriptor that polls readable when read() should be called; -1: call it at once. */
	int (*fd)(const struct source *s);
	/* Deliver what is there. Returns an enum source_state or negative errno. */
	int (*read)(struct source *s, const struct event_sink *sink);
	/*
	 * Called between ticks: a source that follows selected objects only may have to be told
	 * which are still there. It calls @each, which calls mark(ctx, address) for every live
	 * object. NULL where nothing is selected by the source.
	 */
	void (*age)(struct source *s,
		    void (*each)(void *arg, void (*mark)(void *ctx, uint64_t ptr), void *ctx),
		    void *arg);
	/*
	 * What is mapped in process @pid is to be told again, soon, if it can be; whoever still wants to
	 * know after some time asks again. NULL: it can't be told.
	 */
	void (*look)(struct source *s, uint32_t pid);
	/* End at this moment: detach; read() then delivers the rest up to EVENT_END. */
	void (*stop)(struct source *s);
	void (*free)(struct source *s);
};

struct source {
	const struct source_ops *ops;
};

static inline void source_free(struct source **s)
{
	if (*s)
		(*s)->ops->free(*s);
	*s = NULL;
}

#endif
