/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_RANGE_H
#define KMSCOPE_SOURCE_RANGE_H
/*
 * A part of a stream, by time, as if tracing had begun at its beginning and ended at its end: from one
 * sink to another. Times are nanoseconds since EVENT_START; a record belongs to the range if
 * from <= its time < to.
 *
 * What comes before:
 *	- events are not passed on: what was allocated there is not known, its frees are those of unknown
 *	  objects, or of ones that are not selected.
 *	- of a call or a fault that began there and ended in the range the end is told, with when it began; live
 *	  that would not be known.
 *	- what is known by then is, with the time of the beginning: caches, call chains, processes and what is
 *	  mapped in them, how many records of mappings were lost, PROGRAM. Of tasks it is the newest of each CPU,
 *	  before the first record of the range.
 *	- snapshots are passed on if they say something that does not change: SNAPSHOT_GFP, _ALLOCATORS, _IOMEM,
 *	  _DEVICES; and, for where zones are and what migrate types are called, _PAGETYPEINFO and the first
 *	  _ZONEINFO, whose numbers are old. No look at the free lists or at frames is passed on of which a part is
 *	  from before. Of files that are read at the start and at the end only (_VMALLOCINFO, _VMSTAT) the last look
 *	  would be taken for the first: a range that does not begin at the start has none of them.
 *
 * EVENT_START has the beginning as its time (.wall_ns, too), before everything else; HOOKED_PART says that it
 * is not the run's. What tasks have counted of faults is of their whole life: HOOKED_COUNTS becomes
 * HOOKED_COUNTS_CUT, also where no more than the end is cut off. Whoever knows that the stream ends before
 * @to_ns asks for no end: record_reader_end().
 *
 * EVENT_COUNTERS and EVENT_MISSES are relative to the beginning. They are told once a second, so that what
 * was lost is rounded up: it may have been lost up to a second before the beginning or after the end;
 * range_blurred() says how much. What is left out and frees of NULL are those between the last records
 * before the beginning and before the end.
 *
 * At the end EVENT_COUNTERS, EVENT_MISSES and EVENT_END have its time. They come with the first EVENT_TICK, of
 * those told with counters, or EVENT_END that is not of the range; later records are passed over. A stream
 * that ends earlier ends as it does, one that ends before the beginning at that. EVENT_TICKs keep their times:
 * they are not at whole seconds of the range.
 */
#include "event/event.h"

struct range;

/*
 * From @from_ns (0: the start) to @to_ns (0: the end), to @out, of which a copy is kept. -EINVAL if that is
 * empty, or -ENOMEM.
 */
int range_new(uint64_t from_ns, uint64_t to_ns, const struct event_sink *out, struct range **ret);
void range_free(struct range **r);

/* An event_sink's; @range: struct range. */
void range_consume(void *range, const struct event_header *const *records, size_t n);

/*
 * Of the events that were lost or missed, so many may have been so outside of the range: their counts were told
 * before and after one of its ends, not at it.
 */
uint64_t range_blurred(const struct range *r);

/* EVENT_END was passed on: nothing follows, whatever is read. */
bool range_ended(const struct range *r);
/* Memory was short: what was passed on is not all. */
bool range_oom(const struct range *r);

#endif
