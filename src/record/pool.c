// SPDX-License-Identifier: GPL-2.0
#include "record/pool.h"

#include <errno.h>
#include <string.h>

#include "base/u64map.h"
#include "base/vec.h"

#define CACHES_MAX 65536
#define MAPS_MAX   ((size_t)1 << 20)

struct records {
	struct event_header **items; /* each owned */
	size_t n, capacity;
};

struct process {
	uint32_t pid; /* 0: a free place */
	struct event_process record; /* PROCESS_THERE */
	struct records maps; /* of struct event_map */
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
	uint64_t maps_lost;
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

void pool_free(struct pool **pp)
{
	struct pool *p = *pp;
	size_t i;

	if (!p)
		return;
	for (i = 0; i < SNAPSHOT_MAX; i++)
		free(p->facts[i]);
	for (i = 0; i < p->processes.n; i++)
		records_free(&p->processes.items[i].maps);
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

static struct process *process_get(struct pool *p, uint32_t pid)
{
	struct process *found = process_find(p, pid);
	size_t i;

	if (found)
		return found;
	for (i = 0; i < p->processes.n && p->processes.items[i].pid; i++)
		;
	if (i == p->processes.n && !vec_add(&p->processes))
		return NULL;
	if (u64map_set(&p->process_of, pid, (uint32_t)i))
		return NULL;
	found = &p->processes.items[i];
	found->pid = pid;
	found->record = (struct event_process){
		.h = { .kind = EVENT_PROCESS, .pid = pid },
		.what = PROCESS_THERE,
	};
	return found;
}

static void forget_maps(struct pool *p, struct process *of)
{
	p->n_maps -= of->maps.n;
	records_free(&of->maps);
}

static int add_map(struct pool *p, const struct event_map *e)
{
	struct process *of = process_get(p, e->h.pid);
	size_t i, left = 0;

	if (!of)
		return -ENOMEM;
	for (i = 0; i < of->maps.n; i++) {
		const struct event_map *old = (const struct event_map *)of->maps.items[i];

		if (old->start >= e->start && old->start - e->start < e->bytes &&
		    old->bytes <= e->bytes - (old->start - e->start))
			free(of->maps.items[i]);
		else
			of->maps.items[left++] = of->maps.items[i];
	}
	p->n_maps -= of->maps.n - left;
	of->maps.n = left;
	if (p->n_maps >= MAPS_MAX) {
		p->maps_lost++;
		return 0;
	}
	p->n_maps++;
	return put(&of->maps, of->maps.n, &e->h);
}

static int add_fork(struct pool *p, const struct event_process *e)
{
	const struct process *parent = process_find(p, e->parent);
	size_t i, n = parent ? parent->maps.n : 0, from;
	struct process *child = process_get(p, e->h.pid);
	int err = 0;

	if (!child)
		return -ENOMEM;
	forget_maps(p, child);
	child->record.h.time = e->h.time;
	if (!parent)
		return 0;
	/* the one before may have moved */
	from = (size_t)u64map_get(&p->process_of, e->parent);
	memcpy(child->record.comm, p->processes.items[from].record.comm, sizeof(e->comm));
	child->record.h.flags = p->processes.items[from].record.h.flags;
	for (i = 0; i < n && !err; i++) {
		struct event_map *m;

		err = put(&child->maps, i, p->processes.items[from].maps.items[i]);
		p->n_maps += !err;
		m = err ? NULL : (struct event_map *)child->maps.items[i];
		if (m)
			m->h.pid = e->h.pid;
	}
	return err;
}

static int add_process(struct pool *p, const struct event_process *e)
{
	struct process *of;

	if (e->what == PROCESS_FORK)
		return add_fork(p, e);
	if (e->what == PROCESS_EXIT) {
		of = process_find(p, e->h.pid);
		if (of) {
			forget_maps(p, of);
			of->pid = 0;
			u64map_remove(&p->process_of, e->h.pid);
		}
		return 0;
	}
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
		if (p->caches.n == CACHES_MAX)
			return 0;
		i = (uint32_t)p->caches.n;
		if (u64map_set(&p->cache_of, e->id, i))
			return -ENOMEM;
	}
	return put(&p->caches, i, &e->h);
}

/* What files say that never change. */
static bool is_fact(uint8_t file)
{
	return file == SNAPSHOT_GFP || file == SNAPSHOT_ALLOCATORS || file == SNAPSHOT_IOMEM ||
	       file == SNAPSHOT_DEVICES;
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

static int each_of(const struct records *r, int (*take)(void *arg, const struct event_header *h),
		   void *arg)
{
	size_t i;
	int err = 0;

	for (i = 0; i < r->n && !err; i++)
		if (r->items[i])
			err = take(arg, r->items[i]);
	return err;
}

static size_t maps_bytes(const struct records *maps)
{
	size_t i, n = sizeof(struct event_process);

	for (i = 0; i < maps->n; i++)
		n += event_size(maps->items[i]);
	return n;
}

int pool_each(const struct pool *p, size_t room,
	      int (*take)(void *arg, const struct event_header *h), void *arg)
{
	struct event_maps_lost lost = {
		.h = { .time = p->start.h.time, .kind = EVENT_MAPS_LOST },
		.records = p->maps_lost,
	};
	const struct process *of;
	size_t i, used = 0;
	int err = p->start.h.kind ? take(arg, &p->start.h) : 0;

	for (i = 0; i < SNAPSHOT_MAX && !err; i++)
		if (p->facts[i])
			err = take(arg, p->facts[i]);
	if (!err)
		err = each_of(&p->stacks, take, arg);
	if (!err)
		err = each_of(&p->caches, take, arg);
	vec_for_each(&p->processes, of) {
		if (err || !of->pid)
			continue;
		used += maps_bytes(&of->maps);
		if (used > room) {
			lost.records += 1 + of->maps.n;
			continue;
		}
		err = take(arg, &of->record.h);
		if (!err)
			err = each_of(&of->maps, take, arg);
	}
	return err || !lost.records ? err : take(arg, &lost.h);
}
