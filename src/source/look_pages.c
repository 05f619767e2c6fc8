// SPDX-License-Identifier: GPL-2.0
#include "source/look_pages.h"

#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "probe/tracefs.h"
#include "procfs/zones.h"

void page_look_init(struct page_look *p, unsigned int areas, struct snapshot_queue *queue)
{
	*p = (struct page_look){ .queue = queue, .wanted = areas & AREA_PAGES, .frames_fd = -1 };
	if (areas & AREA_FRAMES)
		p->frames_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
}

void page_look_free(struct page_look *p)
{
	closep(&p->frames_fd);
}

static int look_text(struct page_look *p, enum snapshot_file file, const char *path)
{
	struct event_snapshot *e;
	int err = snapshot_text(file, path, &e);

	if (err)
		log_debug("%s: %s", path, strerror(-err));
	return err ? 0 : snapshot_queue_push(p->queue, e);
}

/* The free lists with what lies on the per-CPU ones: two files, read at about the same time. */
static int look_lists(struct page_look *p)
{
	int err = look_text(p, SNAPSHOT_ZONEINFO, "/proc/zoneinfo");

	return err ? err : look_text(p, SNAPSHOT_BUDDYINFO, "/proc/buddyinfo");
}

static int look_gfp(struct page_look *p)
{
	_cleanup_(format_free) struct event_format *format = NULL;
	_cleanup_close_ int tracefs = -1;
	struct event_snapshot *e;
	const char *how;

	if (tracefs_open(&tracefs, &how, NULL) ||
	    tracefs_read_format(tracefs, &trace_event_names[TRACE_PAGE_ALLOC], &format) ||
	    snapshot_gfp(format, &e))
		return 0;
	return snapshot_queue_push(p->queue, e);
}

/* Where memory ends, by the newest /proc/zoneinfo; 0 if that is not known. */
static uint64_t end_of_frames(const struct snapshot_queue *q)
{
	struct zones zones = { 0 };
	uint64_t end = 0;
	size_t i;

	for (i = q->next; i < q->n && !zones.n; i++)
		if (q->items[i]->h.flags == SNAPSHOT_ZONEINFO)
			zones_parse((const char *)q->items[i]->data, &zones, NULL);
	for (i = 0; i < zones.n; i++)
		if (zones.items[i].present)
			end = MAX(end, zones.items[i].start_pfn + zones.items[i].spanned);
	zones_free(&zones);
	return end;
}

int page_look_first(struct page_look *p)
{
	int err = p->wanted ? look_gfp(p) : 0;

	if (!err && p->wanted)
		err = look_text(p, SNAPSHOT_PAGETYPEINFO, "/proc/pagetypeinfo");
	if (!err && p->wanted)
		err = look_text(p, SNAPSHOT_ZONEINFO, "/proc/zoneinfo");
	if (p->frames_fd >= 0)
		p->end_frame = end_of_frames(p->queue);
	return err;
}

int page_look_start(struct page_look *p, uint64_t next_lists)
{
	p->next_lists = next_lists;
	return p->wanted ? look_lists(p) : 0;
}

void page_look_again(struct page_look *p)
{
	p->next_frame = p->frames_fd >= 0 ? 0 : p->end_frame;
}

struct event_snapshot *page_look_frames(struct page_look *p)
{
	struct event_snapshot *e;
	int err;

	if (!page_look_busy(p))
		return NULL;
	err = snapshot_frames(p->frames_fd, p->next_frame, p->end_frame, &e);
	if (err) {
		log_debug("/proc/kpageflags: %s", strerror(-err));
		closep(&p->frames_fd);
		p->next_frame = p->end_frame;
		return NULL;
	}
	p->next_frame = e->last ? p->end_frame : p->next_frame + snapshot_n_frames(e);
	return e;
}

int page_look_due(struct page_look *p)
{
	struct event_snapshot *e = page_look_frames(p);

	if (e)
		return snapshot_queue_push(p->queue, e);
	if (!p->wanted || clock_monotonic_ns() < p->next_lists)
		return 0;
	p->next_lists += NSEC_PER_SEC;
	return look_lists(p);
}

int page_look_end(struct page_look *p)
{
	int err = p->wanted ? look_lists(p) : 0;

	return err || !p->wanted ? err : look_text(p, SNAPSHOT_PAGETYPEINFO, "/proc/pagetypeinfo");
}
