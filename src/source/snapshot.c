// SPDX-License-Identifier: GPL-2.0
#include "source/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/vec.h"

/* Bits of /proc/kpageflags; linux/kernel-page-flags.h of older headers lacks some. */
enum {
	KPF_LRU = 5,
	KPF_SLAB = 7,
	KPF_BUDDY = 10,
	KPF_MMAP = 11,
	KPF_ANON = 12,
	KPF_SWAPCACHE = 13,
	KPF_COMPOUND_TAIL = 16,
	KPF_HWPOISON = 19,
	KPF_NOPAGE = 20,
	KPF_OFFLINE = 23,
};

static struct event_snapshot *snapshot_new(enum snapshot_file file, size_t size)
{
	struct event_snapshot *e = calloc(1, sizeof(*e) + size);

	if (e) {
		e->h.kind = EVENT_SNAPSHOT;
		e->h.flags = (uint8_t)file;
		e->size = (uint32_t)size;
		e->before = clock_monotonic_ns();
	}
	return e;
}

/* Read all of @fd behind the record's head: files in /proc do not tell their size. */
static int read_text(int fd, struct event_snapshot **e)
{
	size_t room = 64 << 10, n = 0;

	for (;;) {
		struct event_snapshot *more = realloc(*e, sizeof(*more) + room + 1);
		ssize_t got;

		if (!more)
			return -ENOMEM;
		*e = more;
		got = read(fd, more->data + n, room - n);
		if (got < 0)
			return -errno;
		n += (size_t)got;
		if (!got)
			break;
		if (n == room && (room *= 2) > SNAPSHOT_TEXT_MAX)
			return -E2BIG;
	}
	(*e)->data[n] = '\0';
	(*e)->size = (uint32_t)n + 1;
	return memchr((*e)->data, '\0', n) ? -EINVAL : 0;
}

int snapshot_text(enum snapshot_file file, const char *path, struct event_snapshot **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ struct event_snapshot *e = NULL;
	int err;

	if (fd < 0)
		return -errno;
	e = snapshot_new(file, 0);
	if (!e)
		return -ENOMEM;
	err = read_text(fd, &e);
	if (err)
		return err;
	e->h.time = clock_monotonic_ns();
	*ret = TAKE_PTR(e);
	return 0;
}

int snapshot_made(enum snapshot_file file, const char *text, struct event_snapshot **ret)
{
	size_t size = strlen(text) + 1;
	struct event_snapshot *e = snapshot_new(file, size);

	if (!e)
		return -ENOMEM;
	memcpy(e->data, text, size);
	e->h.time = clock_monotonic_ns();
	*ret = e;
	return 0;
}

int snapshot_gfp(const struct event_format *format, struct event_snapshot **ret)
{
	_cleanup_(flag_names_free) struct flag_names *names = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size, i;
	FILE *out;
	int err;

	err = flag_names_parse(format, "gfp_flags", &names);
	if (err)
		return err;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	for (i = 0; i < names->n; i++)
		fprintf(out, "0x%llx %s\n", (unsigned long long)names->items[i].value,
			names->items[i].name);
	if (fclose(out))
		return -ENOMEM;
	return snapshot_made(SNAPSHOT_GFP, text, ret);
}

static enum frame_kind frame_kind(uint64_t flags, enum frame_kind before)
{
	const uint64_t gone = 1ull << KPF_NOPAGE | 1ull << KPF_OFFLINE | 1ull << KPF_HWPOISON;
	const uint64_t moves =
		1ull << KPF_LRU | 1ull << KPF_MMAP | 1ull << KPF_ANON | 1ull << KPF_SWAPCACHE;

	if (flags & gone)
		return FRAME_HOLE;
	if (flags & 1ull << KPF_BUDDY)
		return FRAME_FREE;
	if (flags & 1ull << KPF_SLAB)
		return FRAME_UNMOVABLE;
	if (flags & moves)
		return FRAME_MOVABLE;
	/* the pages of a compound page are what its head is; not all kernels say so at each of them */
	if (flags & 1ull << KPF_COMPOUND_TAIL && before == FRAME_MOVABLE)
		return FRAME_MOVABLE;
	return FRAME_UNMOVABLE;
}

int snapshot_frames(int fd, uint64_t first, uint64_t end, struct event_snapshot **ret)
{
	size_t n = (size_t)MIN(end - first, (uint64_t)SNAPSHOT_FRAMES_MAX), i, runs = 0;
	_cleanup_free_ uint64_t *flags = calloc(n, sizeof(*flags));
	_cleanup_free_ struct event_snapshot *e =
		snapshot_new(SNAPSHOT_FRAMES, n * sizeof(uint64_t));
	enum frame_kind kind = FRAME_HOLE, last = FRAME_HOLE;
	struct event_snapshot *less;
	uint64_t *to;
	ssize_t got;

	if (!flags || !e)
		return -ENOMEM;
	got = pread(fd, flags, n * sizeof(*flags), (off_t)(first * sizeof(*flags)));
	if (got < 0)
		return -errno;
	n = MIN(n, (size_t)got / sizeof(*flags));
	e->h.time = clock_monotonic_ns();
	to = (uint64_t *)(void *)e->data;
	for (i = 0; i < n; i++) {
		kind = frame_kind(flags[i], kind);
		if (!runs || kind != last)
			to[runs++] = snapshot_run(kind, 0);
		to[runs - 1]++;
		last = kind;
	}
	e->first = first;
	/* what lies beyond the last frame that the kernel knows is no memory */
	e->last = !n || first + n >= end;
	e->size = (uint32_t)(runs * sizeof(*to));
	less = realloc(e, sizeof(*e) + e->size);
	*ret = less ? less : e;
	TAKE_PTR(e);
	return 0;
}

uint64_t snapshot_n_frames(const struct event_snapshot *e)
{
	const uint64_t *runs = (const void *)e->data;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < e->size / sizeof(*runs); i++)
		n += runs[i] & ((1ull << 56) - 1);
	return n;
}

int snapshot_queue_push(struct snapshot_queue *q, struct event_snapshot *e)
{
	struct event_snapshot **to = vec_add(q);

	if (!to) {
		free(e);
		return -ENOMEM;
	}
	*to = e;
	return 0;
}

struct event_snapshot *snapshot_queue_pop(struct snapshot_queue *q, uint64_t time)
{
	struct event_snapshot *e;

	if (q->next == q->n || q->items[q->next]->h.time > time)
		return NULL;
	e = q->items[q->next++];
	if (q->next == q->n)
		q->n = q->next = 0;
	return e;
}

void snapshot_queue_free(struct snapshot_queue *q)
{
	while (q->next < q->n)
		free(q->items[q->next++]);
	free(q->items);
	*q = (struct snapshot_queue){ 0 };
}
