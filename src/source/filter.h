/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_FILTER_H
#define KMSCOPE_SOURCE_FILTER_H
/*
 * A selection, made on a stream that was recorded without it (or with a wider one): from one sink to another.
 * What comes out is what the live source would have delivered with this selection, but that marks are exact:
 * see «Selection and sampling» in docs/architecture.md.
 *
 *	slab objects	an allocation is selected by size, call site, cache and task; its free goes with it,
 *			whoever does it; an allocation at the address of a selected object that is live is
 *			passed on as EVENT_REUSE
 *	pages		by size and task; a free of any of a selected block's frames goes with it, an allocation
 *			of any of them while it is live is passed on as EVENT_REUSE. Not EVENT_PAGE_REFILL and
 *			EVENT_PAGE_DRAIN, which are of nobody
 *	areas		by size and task, with what is told of them afterwards; a call that failed by the same
 *	mappings	by task and size, or with their area
 *	registers, faults, fallbacks	by task, fallbacks by size, too
 *
 * All other records are passed on: caches, tasks, call chains, processes and their mappings, snapshots, times,
 * compaction, reclaim, bulk allocations, purges. What tasks have counted of faults is with SELECT_PID that of
 * the process only; with SELECT_COMM or SELECT_CGROUP HOOKED_COUNTS is taken away.
 *
 * Events that are left out are counted, by CPU, in .filtered of the EVENT_COUNTERS that follow, and before an
 * EVENT_TICK or EVENT_END where none did. Those of kmscope itself (EVENT_OWN), and the frees of them, are
 * passed on as they are.
 *
 * Not as live:
 *	- there, kmscope's own allocations are counted as left out.
 *	- a cgroup is the one of that number, not also those below it, of which a recording does not tell.
 *	- the size of an object of a cache that was not told (its EVENT_CACHE was lost) is not known, nor is its
 *	  cache: it is not selected.
 *	- who runs is told by EVENT_TASK: where that was lost, nobody is known to run until it is told again. A
 *	  vmalloc() that failed is told without one: it is the process's newest on any CPU.
 *	- an allocation that comes so late that its free came before is taken for live.
 */
#include "bpf/config.h"
#include "event/event.h"
#include "probe/select.h"

struct filter;

struct filter_options {
	/*
	 * As selection_make() fills it in: .select with .pid, .comm, .n_ranges and .ranges, .min_size and .max_size,
	 * .kmalloc_class with .kmalloc_gfp and .kmalloc_gfp_mask, .cache_name. Nothing else counts. No SELECT_CHILD.
	 */
	struct config config;
	uint64_t cgroup; /* SELECT_CGROUP: its number (cgroup v2) */
	uint64_t from_ns, to_ns; /* see range.h: the selection begins with the range; 0, 0: all */
	/*
	 * Of enum probe_area: what a live run would trace. With a selection, events of no such area are not passed on
	 * and not counted as left out. 0: all.
	 */
	unsigned int areas;
};

/*
 * To @out, of which a copy is kept. -EINVAL: an empty range, or more site ranges than there can be;
 * -ENOTSUP: SELECT_CHILD; -ENOMEM.
 */
int filter_new(const struct filter_options *o, const struct event_sink *out, struct filter **ret);
void filter_free(struct filter **f);

/* An event_sink's; @filter: struct filter. A batch that is passed on ends with each EVENT_TICK. */
void filter_consume(void *filter, const struct event_header *const *records, size_t n);

/* What the selection needs and the stream up to now does not tell. */
enum filter_missing {
	FILTER_COMPLETE,
	FILTER_NO_TASKS, /* who runs, for SELECT_COMM and SELECT_CGROUP */
	FILTER_NO_CGROUPS, /* … but in which cgroup */
	FILTER_NO_CACHES, /* from which cache objects are, for .cache_name */
	FILTER_NO_SUCH_CACHE, /* no cache of that name was told */
};
enum filter_missing filter_missing(const struct filter *f);

/*
 * Tasks are selected (SELECT_PID, _COMM, _CGROUP), and no event of .areas in the range is of one of them, be it
 * selected otherwise or not.
 */
bool filter_nobody(const struct filter *f);

/* As range_blurred(); 0 without a range. */
uint64_t filter_blurred(const struct filter *f);
/* The end of the range was passed on: nothing follows, whatever is read. */
bool filter_ended(const struct filter *f);
/* Memory was short: what was passed on is not all. */
bool filter_oom(const struct filter *f);

#endif
