/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_LOOK_PAGES_H
#define KMSCOPE_SOURCE_LOOK_PAGES_H
/*
 * What /proc says for the page allocator: names and zones before the first event, the free lists once a
 * second, all frames piece by piece. What can't be read is not queued: analyzers say what they lack.
 */
#include "probe/select.h"
#include "source/snapshot.h"

struct page_look {
	struct snapshot_queue *queue; /* the source's */
	bool wanted; /* the run is about pages at all */
	int frames_fd; /* owned; /proc/kpageflags, or -1 */
	uint64_t next_frame, end_frame; /* being read piece by piece; equal: done */
	uint64_t next_lists; /* when the free lists are due */
};

void page_look_init(struct page_look *p, unsigned int areas, struct snapshot_queue *queue);
void page_look_free(struct page_look *p);
/*
 * 0 or -ENOMEM, all of them: before programs are attached, once they are (the free lists are next due at
 * @next_lists), when something is due, and before the end.
 */
int page_look_first(struct page_look *p);
int page_look_start(struct page_look *p, uint64_t next_lists);
int page_look_due(struct page_look *p);
int page_look_end(struct page_look *p);
/* Whether there are frames to be read yet. */
static inline bool page_look_busy(const struct page_look *p)
{
	return p->next_frame < p->end_frame;
}

/* Once more from the first frame on; then piece by piece, NULL: that was all. The caller frees them. */
void page_look_again(struct page_look *p);
struct event_snapshot *page_look_frames(struct page_look *p);

#endif
