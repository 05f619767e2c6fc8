/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_FAULTS_PENDING_H
#define KMSCOPE_ANALYZE_FAULTS_PENDING_H
/*
 * Faults of memory that nothing told of, because mremap() raises no event: /proc is asked, and what it says
 * is mapped there is what was there already, unless something else was told to be mapped there meanwhile.
 */
#include "analyze/faults.h"

/* Where a fault of @p at @address, in row @row, waits to be known better; NULL: it does not. */
struct fault_tally *pending_get(struct faults *f, struct process *p, uint32_t row,
				uint64_t address);
/* /proc is to be asked about @p, at @time (of the stream); not for some time after it was. */
void pending_ask(struct faults *f, struct process *p, uint64_t time);
/* What waits of @p from @start up to @end does so no longer; @settle: it is what is mapped there now. */
void pending_end(struct faults *f, struct process *p, uint64_t start, uint64_t end, bool settle);

/* A look at /proc begins to be told, with PROCESS_THERE. */
void pending_scan(struct faults *f, const struct event_header *there);
/* Whether @h still belongs to it: all of a look has one time. */
static inline bool pending_scanning(const struct faults *f, const struct event_header *h)
{
	return f->scan_time && h->kind == EVENT_MAP && h->pid == f->scanned &&
	       h->time == f->scan_time;
}
/* All of it has been told. */
void pending_scanned(struct faults *f);

#endif
