// SPDX-License-Identifier: GPL-2.0
#include "record/pool.h"

#include <errno.h>
#include <string.h>

#include "base/u64map.h"
#include "base/vec.h"

#define CACHES_MAX 65536
#define MAPS_MAX   ((size_t)1 << 18) /* in all processes */

struct records {
	struct event_header **items; /* each owned */
	size_t n, capacity;
};

struct process {
	uint32_t pid;
	struct event_process record; /* PROCESS_THERE */
	struct {
		struct map {
			uint64_t start, last; /* byte */
			struct event_map *record; /* owned */
		} * items;
		size_t n, capacity;
	} maps; /* in the order in which they came */
	uint64_t lowest, highest; /* byte that any of them ever had */
};

struct pool {
	struct event_start start;
	struct event_header *facts[SNAPSHOT_MAX];
	struct records stacks, caches;
	struct u64map cache_of, process_of;
	struct {
		struct process *items;
		size_t n, capacity;
	} processes;
	size_t n_maps;
	uint64_t maps_lost, caches_lost; /* that had no room here */
};

struct pool *pool_new(void)
{
	return calloc(1, sizeof(struct pool));
}

static void records_free(struct records *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		free(r->items[i]);
	free(r->items);
	memset(r, 0, sizeof(*r));
}

static void forget_maps(struct pool *p, struct process *of)
{
	size_t i;

	p->n_maps -= of->maps.n;
	for (i = 0; i < of->maps.n; i++)
		free(of->maps.items[i].record);
	free(of->maps.items);
	memset(&of->maps, 0, sizeof(of->maps));
}

void pool_free(struct pool **pp)
{
	struct pool *p = *pp;
	size_t i;

	if (!p)
		return;
	for (i = 0; i < SNAPSHOT_MAX; i++)
		free(p->facts[i]);
	for (i = 0; i < p->processes.n; i++)
		forget_maps(p, &p->processes.items[i]);
	free(p->processes.items);
	records_free(&p->stacks);
	records_free(&p->caches);
	u64map_free(&p->cache_of);
	u64map_free(&p->process_of);
	freep(pp);
}

static struct event_header *copy(const struct event_header *h)
{
	size_t size = event_size(h);
	struct event_header *c = malloc(size);

	if (c)
		memcpy(c, h, size);
	return c;
}

/* Put a copy of @h at place @i. */
static int put(struct records *r, size_t i, const struct event_header *h)
{
	struct event_header *c = copy(h);

	while (c && r->n <= i)
		if (!vec_add(r)) {
			free(c);
			return -ENOMEM;
		}
	if (!c)
		return -ENOMEM;
	free(r->items[i]);
	r->items[i] = c;
	return 0;
}

/* --- processes -------------------------------------------------------------------------------------- */

static struct process *process_find(struct pool *p, uint32_t pid)
{
	uint32_t i = u64map_get(&p->process_of, pid);

	return i == U64MAP_NONE ? NULL : &p->processes.items[i];
}

/* The ones that were found before may move. */
static struct process *process_get(struct pool *p, uint32_t pid)
{
	struct process *of = process_find(p, pid);

	if (of)
		return of;
	of = vec_add(&p->processes);
	if (!of)
		return NULL;
	if (u64map_set(&p->process_of, pid, (uint32_t)(p->processes.n - 1))) {
		p->processes.n--;
		return NULL;
	}
	of->pid = pid;
	of->record = (struct event_process){
		.h = { .kind = EVENT_PROCESS, .pid = pid },
		.what = PROCESS_THERE,
	};
	return of;
}

/* The last one takes its place. */
static int process_remove(struct pool *p, uint32_t pid)
{
	uint32_t i = u64map_remove(&p->process_of, pid);
	struct process *last;

	if (i == U64MAP_NONE)
		return 0;
	forget_maps(p, &p->processes.items[i]);
	last = &p->processes.items[--p->processes.n];
	if (last == &p->processes.items[i])
		return 0;
	p->processes.items[i] = *last;
	return u64map_set(&p->process_of, last->pid, i);
}

/* What is wholly covered from @start to @last is no more. */
static void cover(struct pool *p, struct process *of, uint64_t start, uint64_t last)
{
	size_t i, left = 0;

	for (i = 0; i < of->maps.n; i++) {
		struct map *m = &of->maps.items[i];

		if (m->start >= start && m->last <= last)
			free(m->record);
		else
			of->maps.items[left++] = *m;
	}
	p->n_maps -= of->maps.n - left;
	of->maps.n = left;
}

static int keep_map(struct pool *p, struct process *of, const struct event_map *e)
{
	uint64_t last = e->start + (e->bytes - 1);
	struct map *m;

	if (of->maps.n && e->start <= of->highest && last >= of->lowest)
		cover(p, of, e->start, last);
	if (p->n_maps >= MAPS_MAX) {
		p->maps_lost++;
		return 0;
	}
	of->lowest = of->maps.n ? MIN(of->lowest, e->start) : e->start;
	of->highest = of->maps.n ? MAX(of->highest, last) : last;
	m = vec_add(&of->maps);
	if (!m)
		return -ENOMEM;
	*m = (struct map){ e->start, last, (struct event_map *)copy(&e->h) };
	if (!m->record) {
		of->maps.n--;
		return -ENOMEM;
	}
	m->record->h.pid = of->pid;
	p->n_maps++;
	return 0;
}

static int add_map(struct pool *p, const struct event_map *e)
{
	struct process *of = process_get(p, e->h.pid);

	return of ? keep_map(p, of, e) : -ENOMEM;
}

static int add_fork(struct pool *p, const struct event_process *e)
{
	struct process *child = process_get(p, e->h.pid);
	const struct process *parent = process_find(p, e->parent);
	size_t i;
	int err = 0;

	if (!child)
		return -ENOMEM;
	forget_maps(p, child);
	child->record.h.time = e->h.time;
	if (!parent || parent == child)
		return 0;
	memcpy(child->record.comm, parent->record.comm, sizeof(e->comm));
	child->record.h.flags = parent->record.h.flags;
	for (i = 0; i < parent->maps.n && !err; i++)
		err = keep_map(p, child, parent->maps.items[i].record);
	return err;
}

static int add_process(struct pool *p, const struct event_process *e)
{
	struct process *of;

	if (e->what == PROCESS_FORK)
		return add_fork(p, e);
	if (e->what == PROCESS_EXIT)
		return process_remove(p, e->h.pid);
	of = process_get(p, e->h.pid);
	if (!of)
		return -ENOMEM;
	if (e->what != PROCESS_NAME) {
		forget_maps(p, of);
		of->record.h.flags = e->what == PROCESS_EXEC ? EVENT_EXECUTED : 0;
	}
	memcpy(of->record.comm, e->comm, sizeof(e->comm));
	of->record.h.time = e->h.time;
	return 0;
}

/* --- the others --------------------------------------------------------------------------------------- */

static int add_cache(struct pool *p, const struct event_cache *e)
{
	uint32_t i = u64map_get(&p->cache_of, e->id);

	if (i == U64MAP_NONE) {
		if (p->caches.n == CACHES_MAX) {
			p->caches_lost++;
			return 0;
		}
		i = (uint32_t)p->caches.n;
		if (u64map_set(&p->cache_of, e->id, i))
			return -ENOMEM;
	}
	return put(&p->caches, i, &e->h);
}

/* What files say that never change: as range.c has it. The newest ones, of all that do not matter. */
static bool is_fact(uint8_t file)
{
	return file == SNAPSHOT_GFP || file == SNAPSHOT_ALLOCATORS || file == SNAPSHOT_IOMEM ||
	       file == SNAPSHOT_DEVICES || file == SNAPSHOT_PAGETYPEINFO ||
	       file == SNAPSHOT_ZONEINFO;
}

int pool_add(struct pool *p, const struct event_header *h)
{
	struct event_header *c;

	switch (h->kind) {
	case EVENT_START:
		p->start = *(const struct event_start *)h;
		return 0;
	case EVENT_CACHE:
		return add_cache(p, (const struct event_cache *)h);
	case EVENT_STACK:
		return put(&p->stacks, (size_t)((const struct event_stack *)h)->id, h);
	case EVENT_SNAPSHOT:
		if (!is_fact(h->flags))
			return 0;
		c = copy(h);
		if (!c)
			return -ENOMEM;
		free(p->facts[h->flags]);
		p->facts[h->flags] = c;
		return 0;
	case EVENT_PROCESS:
		return add_process(p, (const struct event_process *)h);
	case EVENT_MAP:
		return add_map(p, (const struct event_map *)h);
	}
	return 0;
}

/* Bytes that are told of a record. */
static size_t told_bytes(const struct event_header *h)
{
	if (h->kind == EVENT_STACK)
		return offsetof(struct event_stack, frames) +
		       ((const struct event_stack *)h)->n * sizeof(uint64_t);
	return event_size(h);
}

/* Where to stop before there are more than @room bytes. */
static size_t fitting(const struct records *r, size_t room)
{
	size_t i, used = 0;

	for (i = 0; i < r->n; i++) {
		used += r->items[i] ? told_bytes(r->items[i]) : 0;
		if (used > room)
			break;
	}
	return i;
}

/* The first @n of them. */
static int each_of(const struct records *r, size_t n,
		   int (*take)(void *arg, const struct event_header *h), void *arg)
{
	size_t i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		if (r->items[i])
			err = take(arg, r->items[i]);
	return err;
}

static size_t process_bytes(const struct process *of)
{
	size_t i, n = sizeof(struct event_process);

	for (i = 0; i < of->maps.n; i++)
		n += event_size(&of->maps.items[i].record->h);
	return n;
}

/* Whether it has room, which it takes then. */
static bool process_fits(const struct process *of, size_t *room)
{
	size_t bytes = process_bytes(of);
	bool fits = bytes <= *room;

	*room -= fits ? bytes : 0;
	return fits;
}

static int each_process(const struct pool *p, size_t room,
			int (*take)(void *arg, const struct event_header *h), void *arg)
{
	struct event_maps_lost lost = {
		.h = { .time = p->start.h.time, .kind = EVENT_MAPS_LOST },
		.records = p->maps_lost,
	};
	const struct process *of;
	size_t i;
	int err = 0;

	vec_for_each(&p->processes, of) {
		if (!process_fits(of, &room)) {
			lost.records += 1 + of->maps.n;
			continue;
		}
		err = take(arg, &of->record.h);
		for (i = 0; i < of->maps.n && !err; i++)
			err = take(arg, &of->maps.items[i].record->h);
		if (err)
			return err;
	}
	return lost.records ? take(arg, &lost.h) : 0;
}

static size_t stacks_room(size_t room)
{
	return room > SIZE_MAX / 2 ? SIZE_MAX : 2 * room;
}

int pool_each(const struct pool *p, size_t room,
	      int (*take)(void *arg, const struct event_header *h), void *arg)
{
	size_t i;
	int err = p->start.h.kind ? take(arg, &p->start.h) : 0;

	for (i = 0; i < SNAPSHOT_MAX && !err; i++)
		if (p->facts[i])
			err = take(arg, p->facts[i]);
	if (!err)
		err = each_of(&p->caches, p->caches.n, take, arg);
	if (!err)
		err = each_of(&p->stacks, fitting(&p->stacks, stacks_room(room)), take, arg);
	return err ? err : each_process(p, room, take, arg);
}

void pool_left_out(const struct pool *p, size_t room, uint64_t ret[LEFT_OUT])
{
	const struct process *of;
	size_t i;

	ret[LEFT_STACKS] = 0;
	for (i = fitting(&p->stacks, stacks_room(room)); i < p->stacks.n; i++)
		ret[LEFT_STACKS] += p->stacks.items[i] != NULL;
	ret[LEFT_CACHES] = p->caches_lost;
	ret[LEFT_MAPS] = p->maps_lost;
	vec_for_each(&p->processes, of)
		if (!process_fits(of, &room))
			ret[LEFT_MAPS] += 1 + of->maps.n;
}
