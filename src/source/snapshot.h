/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SNAPSHOT_H
#define KMSCOPE_SOURCE_SNAPSHOT_H
/* Records of what /proc says, for those who analyse page events: see struct event_snapshot. */
#include "event/event.h"
#include "probe/format.h"

#define SNAPSHOT_TEXT_MAX ((size_t)8 << 20)

/*
 * Frames that a record of /proc/kpageflags tells at most. Reading takes milliseconds: it is done in
 * pieces, so that events can be taken from the rings between them.
 */
#define SNAPSHOT_FRAMES_MAX 65536

/* The text of file @path. *@ret is the caller's, to be freed with free(). 0 or negative errno. */
int snapshot_text(enum snapshot_file file, const char *path, struct event_snapshot **ret);

/* @text, which nobody but us wrote. Otherwise as snapshot_text(). */
int snapshot_made(enum snapshot_file file, const char *text, struct event_snapshot **ret);

/* The names of the allocation flags, as @format (of kmem:mm_page_alloc) prints them. */
int snapshot_gfp(const struct event_format *format, struct event_snapshot **ret);

/*
 * What frames from @first on are, as far as the end @end of all frames and SNAPSHOT_FRAMES_MAX; @fd is
 * of /proc/kpageflags. Flags: include/uapi/linux/kernel-page-flags.h, Documentation/admin-guide/mm/
 * pagemap.rst.
 */
int snapshot_frames(int fd, uint64_t first, uint64_t end, struct event_snapshot **ret);

/* Frames that a record of SNAPSHOT_FRAMES tells. */
uint64_t snapshot_n_frames(const struct event_snapshot *e);

/* Snapshots that wait for their place in the stream, oldest first. */
struct snapshot_queue {
	struct event_snapshot **items;
	size_t n, capacity;
	size_t next;
};

/* Takes *@e over, also when it fails with -ENOMEM. */
int snapshot_queue_push(struct snapshot_queue *q, struct event_snapshot *e);
/* The oldest one if it is not younger than @time, or NULL; the caller frees it. */
struct event_snapshot *snapshot_queue_pop(struct snapshot_queue *q, uint64_t time);
void snapshot_queue_free(struct snapshot_queue *q);

#endif
