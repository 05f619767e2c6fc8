/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_UNIT_RECORDS_H
#define KMSCOPE_TESTS_UNIT_RECORDS_H
/*
 * What tests of recordings need: records of all kinds with chance values that are the same in each run,
 * lists of records, and files of them. Include before cmocka.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "event/event.h"
#include "record/reader.h"
#include "record/writer.h"

/* --- chance ------------------------------------------------------------------------------------------ */

struct chance {
	uint64_t state; /* whatever it begins with is its seed */
};

static inline uint64_t chance_next(struct chance *c)
{
	uint64_t x = c->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* Below @n, which is not 0. */
static inline uint64_t chance_below(struct chance *c, uint64_t n)
{
	return chance_next(c) % n;
}

/* Of all sizes, with those at the edges more often than others. */
static inline uint64_t chance_value(struct chance *c)
{
	static const uint64_t edges[] = {
		0,	   1,	       0x7f,	   0x80, UINT32_MAX, 1ull << 32, EVENT_NO_PFN,
		INT64_MAX, 1ull << 63, UINT64_MAX,
	};
	uint64_t v = chance_next(c);

	switch (chance_below(c, 4)) {
	case 0:
		return edges[v % ARRAY_SIZE(edges)];
	case 1:
		return 0xffff888000000000ull + (v & 0xffff8);
	case 2:
		return v >> v % 64;
	}
	return v;
}

/* --- records ----------------------------------------------------------------------------------------- */

/* Room for any record with a tail of up to @tail bytes. */
#define RECORD_ROOM(tail) (sizeof(struct event_stack) + (tail))

static const uint8_t all_kinds[] = {
	EVENT_KMALLOC,	     EVENT_CACHE_ALLOC, EVENT_KFREE,	  EVENT_CACHE_FREE,
	EVENT_CACHE,	     EVENT_TASK,	EVENT_PAGE_ALLOC, EVENT_PAGE_FREE,
	EVENT_PAGE_FALLBACK, EVENT_PAGE_REFILL, EVENT_PAGE_DRAIN, EVENT_PAGE_BULK,
	EVENT_COMPACTION,    EVENT_RECLAIM,	EVENT_AREA_ALLOC, EVENT_AREA_FREE,
	EVENT_AREA_PURGE,    EVENT_AREA_PAGES,	EVENT_VMALLOC,	  EVENT_IOREMAP,
	EVENT_IOUNMAP,	     EVENT_REGISTER,	EVENT_FAULT,	  EVENT_FAULT_COUNTS,
	EVENT_TICK,	     EVENT_STACK,	EVENT_COUNTERS,	  EVENT_MISSES,
	EVENT_START,	     EVENT_END,		EVENT_SNAPSHOT,	  EVENT_PROCESS,
	EVENT_MAP,	     EVENT_MAPS_LOST,	EVENT_PROGRAM,
};

static inline void chance_bytes(struct chance *c, void *to, size_t n)
{
	uint8_t *p = to;

	while (n--)
		*p++ = (uint8_t)chance_next(c);
}

static inline void chance_text(struct chance *c, char *to, size_t n)
{
	size_t i;

	for (i = 0; i + 1 < n; i++)
		to[i] = (char)(1 + chance_below(c, 255));
	to[n - 1] = '\0';
}

static inline void chance_snapshot(struct chance *c, struct event_snapshot *e, uint32_t size)
{
	uint32_t i;

	e->h.flags = (uint8_t)chance_below(c, SNAPSHOT_MAX);
	e->size = size;
	if (e->h.flags != SNAPSHOT_FRAMES) {
		e->size = MAX(e->size, 1u);
		chance_text(c, (char *)e->data, e->size);
		return;
	}
	e->size &= ~7u;
	for (i = 0; i < e->size; i += 8) {
		uint64_t run = snapshot_run((enum frame_kind)chance_below(c, FRAME_KINDS),
					    chance_next(c) >> 8);

		memcpy(e->data + i, &run, sizeof(run));
	}
}

static inline void chance_map(struct chance *c, struct event_map *e, uint32_t size)
{
	e->size = MAX(MIN(size, (uint32_t)EVENT_PATH_MAX), 1u);
	chance_text(c, e->path, e->size);
	e->bytes = MAX(e->bytes, 1ull);
	if (e->start + (e->bytes - 1) < e->start)
		e->start = 0 - e->bytes;
}

/* Make the fields of a record what event_valid() asks for. */
static inline void chance_bound(struct chance *c, struct event_header *h, uint32_t tail)
{
	struct event_register *reg = (void *)h;
	struct event_stack *stack = (void *)h;

	switch (h->kind) {
	case EVENT_REGISTER:
		reg->source %= REGISTER_SOURCES;
		reg->access %= REGISTER_ACCESSES;
		reg->name[sizeof(reg->name) - 1] = '\0';
		break;
	case EVENT_IOREMAP:
		((struct event_ioremap *)h)->function %= IOREMAP_FUNCTIONS;
		break;
	case EVENT_FAULT_COUNTS:
		((struct event_fault_counts *)h)->what %= COUNTS_KINDS;
		break;
	case EVENT_PROCESS:
		((struct event_process *)h)->what %= PROCESS_CHANGES;
		((struct event_process *)h)->comm[15] = '\0';
		break;
	case EVENT_STACK:
		stack->id = (int32_t)((uint32_t)stack->id % EVENT_STACKS_MAX);
		stack->n = MIN(tail / 8, (uint32_t)EVENT_STACK_DEPTH);
		memset(stack->frames + stack->n, 0, sizeof(stack->frames) - 8 * stack->n);
		break;
	case EVENT_SNAPSHOT:
		chance_snapshot(c, (struct event_snapshot *)h, tail);
		break;
	case EVENT_MAP:
		chance_map(c, (struct event_map *)h, tail);
		break;
	}
}

/* A record of @kind in @to, which has RECORD_ROOM(tail), with a tail of about @tail bytes. */
static inline void chance_record(struct chance *c, uint8_t kind, uint32_t tail,
				 struct event_header *to)
{
	uint64_t *words = (uint64_t *)to;
	struct event_header h = { .kind = kind };
	size_t i, n;

	*to = h;
	if (kind == EVENT_SNAPSHOT)
		((struct event_snapshot *)to)->size = 0;
	if (kind == EVENT_MAP)
		((struct event_map *)to)->size = 0;
	n = event_size(to) / 8;
	for (i = 2; i < n; i++)
		words[i] = chance_value(c);
	to->time = chance_value(c);
	to->flags = (uint8_t)chance_value(c);
	to->cpu = (uint16_t)chance_below(c, EVENT_CPUS_MAX);
	to->pid = (uint32_t)chance_value(c);
	chance_bound(c, to, tail);
}

/* --- lists ------------------------------------------------------------------------------------------- */

struct list {
	struct event_header **items; /* each owned */
	size_t n, capacity;
};

static inline struct event_header *list_add(struct list *l, const void *record)
{
	struct event_header **to = vec_add(l);
	size_t size = event_size(record);

	if (!to || !(*to = malloc(size)))
		abort();
	memcpy(*to, record, size);
	return *to;
}

#define LIST_ADD(l, type, ...) list_add(l, &(struct type){ __VA_ARGS__ })

static inline void list_free(struct list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->items[i]);
	free(l->items);
	memset(l, 0, sizeof(*l));
}

#define _cleanup_list_ _cleanup_(list_free)

/* What lies behind the frames of a call chain means nothing. */
static inline size_t record_bytes(const struct event_header *h)
{
	if (h->kind == EVENT_STACK)
		return offsetof(struct event_stack, frames) +
		       ((const struct event_stack *)h)->n * sizeof(uint64_t);
	return event_size(h);
}

static inline bool same_record(const struct event_header *a, const struct event_header *b)
{
	return a->kind == b->kind && event_size(a) == event_size(b) &&
	       !memcmp(a, b, record_bytes(a));
}

/* --- files ------------------------------------------------------------------------------------------- */

/* A folder of its own for each test program; what it has is removed at the end. */
struct folder {
	char path[64];
	char file[128]; /* newest of folder_name() */
};

static inline void folder_make(struct folder *f)
{
	snprintf(f->path, sizeof(f->path), "/tmp/kmscope-unit-XXXXXX");
	if (!mkdtemp(f->path))
		abort();
}

static inline const char *folder_name(struct folder *f, const char *name)
{
	snprintf(f->file, sizeof(f->file), "%s/%s", f->path, name);
	return f->file;
}

static inline void folder_remove(struct folder *f, const char *name)
{
	unlink(folder_name(f, name));
}

static inline struct record_writer *begin_at(const struct record_options *o,
					     const struct record_text *texts, size_t n)
{
	struct record_writer *w = NULL;
	struct failure f = { .text = "out of memory" };

	if (record_writer_open(o, &w, &f) || record_writer_begin(w, texts, n)) {
		fprintf(stderr, "%s\n", f.text);
		abort();
	}
	return w;
}

static inline void add_list(struct record_writer *w, const struct list *l)
{
	record_writer_add(w, (const struct event_header *const *)l->items, l->n);
}

static inline void end_at(struct record_writer *w)
{
	if (record_writer_end(w))
		abort();
	record_writer_free(&w);
}

static inline struct record_reader *open_at(const char *path)
{
	struct record_reader *r = NULL;
	struct failure f = { .text = "out of memory" };

	if (record_reader_open(path, &r, &f)) {
		fprintf(stderr, "%s\n", f.text);
		abort();
	}
	return r;
}

/* All that @r still has, appended to @l; each record has to be valid. */
static inline void read_rest(struct record_reader *r, struct list *l)
{
	const struct event_header *const *records;
	size_t n, i;

	for (;;) {
		if (record_reader_next(r, &records, &n))
			abort();
		if (!n)
			return;
		for (i = 0; i < n; i++) {
			if (!event_valid(records[i], event_size(records[i])))
				abort();
			list_add(l, records[i]);
		}
	}
}

static inline struct list read_at(const char *path, struct record_damage *ret)
{
	struct record_reader *r = open_at(path);
	struct list l = { 0 };

	read_rest(r, &l);
	if (ret)
		record_reader_damage(r, ret);
	record_reader_free(&r);
	return l;
}

/* A whole file, to be freed. */
static inline uint8_t *load_file(const char *path, size_t *ret_n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes;

	if (fd < 0 || fstat(fd, &st) || !(bytes = malloc((size_t)st.st_size + 1)) ||
	    read(fd, bytes, (size_t)st.st_size) != st.st_size)
		abort();
	*ret_n = (size_t)st.st_size;
	return bytes;
}

static inline void store_file(const char *path, const uint8_t *bytes, size_t n)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		abort();
}

#endif
