// SPDX-License-Identifier: GPL-2.0
#include "analyze/spaces.h"

#include <string.h>
#include <sys/mman.h>

#include "base/vec.h"

#define HEAP_REACH    (1ull << 30) /* arm64; x86 has 32 MiB */
#define HEAP_REACH_32 (64ull << 20)

const char *const region_kind_names[REGION_KINDS] = {
	[REGION_UNKNOWN] = "unknown", [REGION_HEAP] = "heap", [REGION_STACK] = "stack",
	[REGION_FILE] = "file",	      [REGION_ANON] = "anon", [REGION_SHM] = "shm",
	[REGION_VDSO] = "vdso",
};

void spaces_init(struct spaces *s)
{
	memset(s, 0, sizeof(*s));
	s->free_process = SPACES_NONE;
}

/* --- sets of mappings ------------------------------------------------------------------------------- */

static void space_put(struct spaces *s, struct space *space)
{
	if (!space || --space->refs)
		return;
	s->n_maps -= space->n;
	free(space->items);
	free(space);
}

/* A set that nobody else has, to be changed: @p's own one, or a copy. NULL: no memory, or no room. */
static struct space *space_own(struct spaces *s, struct process *p)
{
	struct space *space = p->space, *copy;

	if (space && space->refs == 1)
		return space;
	if (space && s->n_maps + space->n > SPACES_MAPS_MAX)
		return NULL;
	copy = calloc(1, sizeof(*copy));
	if (!copy) {
		s->oom = true;
		return NULL;
	}
	copy->refs = 1;
	if (space && space->n) {
		copy->items = reallocarray(NULL, space->n, sizeof(*copy->items));
		if (!copy->items) {
			free(copy);
			s->oom = true;
			return NULL;
		}
		memcpy(copy->items, space->items, space->n * sizeof(*copy->items));
		copy->n = copy->capacity = space->n;
		s->n_maps += copy->n;
	}
	space_put(s, space);
	p->space = copy;
	return copy;
}

/* The first mapping that ends above @address; .n: there is none. */
static size_t space_search(const struct space *space, uint64_t address)
{
	size_t low = 0, high = space->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Make @n_new places of @n_old at @at. False: no memory, or no room. */
static bool space_resize(struct spaces *s, struct space *space, size_t at, size_t n_old,
			 size_t n_new)
{
	void *items;

	if (n_new > n_old) {
		if (s->n_maps + n_new - n_old > SPACES_MAPS_MAX) {
			s->left_out++;
			return false;
		}
		items = vec_reserve(space->items, space->n, &space->capacity, n_new - n_old,
				    sizeof(*space->items));
		if (!items) {
			s->oom = true;
			return false;
		}
		space->items = items;
	}
	memmove(space->items + at + n_new, space->items + at + n_old,
		(space->n - at - n_old) * sizeof(*space->items));
	space->n += n_new - n_old;
	s->n_maps += n_new - n_old;
	return true;
}

/* Whether @b goes on where @a ends, in the same file and with the same rights. */
static bool maps_join(const struct space_map *a, const struct space_map *b, bool in_file)
{
	return a->end == b->start && a->object == b->object && a->shared == b->shared &&
	       a->write == b->write && a->code == b->code &&
	       (!in_file || a->offset + (a->end - a->start) == b->offset);
}

/* Put @map in place of whatever was there: of what it covers in part, the other parts stay. */
static void space_insert(struct spaces *s, struct space *space, struct space_map map, bool in_file)
{
	size_t first = space_search(space, map.start), last = first, n = 0;
	struct space_map parts[3];

	while (last < space->n && space->items[last].start < map.end)
		last++;
	if (first < last && space->items[first].start < map.start) {
		parts[n] = space->items[first];
		parts[n++].end = map.start;
	} else if (first && maps_join(&space->items[first - 1], &map, in_file)) {
		first--;
		map.offset = space->items[first].offset;
		map.start = space->items[first].start;
	}
	parts[n++] = map;
	if (first < last && space->items[last - 1].end > map.end) {
		parts[n] = space->items[last - 1];
		parts[n].offset += map.end - parts[n].start;
		parts[n++].start = map.end;
	}
	if (space_resize(s, space, first, last - first, n))
		memcpy(space->items + first, parts, n * sizeof(*parts));
}

/* Nothing is known to be mapped there any more. Without room for two parts of one the upper one goes, too. */
static void space_cut(struct spaces *s, struct space *space, uint64_t start, uint64_t end)
{
	size_t first = space_search(space, start), last = first, n = 0;
	struct space_map parts[2];

	while (last < space->n && space->items[last].start < end)
		last++;
	if (first == last)
		return;
	if (space->items[first].start < start) {
		parts[n] = space->items[first];
		parts[n++].end = start;
	}
	if (space->items[last - 1].end > end &&
	    (n == 0 || last - first > 1 || s->n_maps < SPACES_MAPS_MAX)) {
		parts[n] = space->items[last - 1];
		parts[n].offset += end - parts[n].start;
		parts[n++].start = end;
	}
	if (space_resize(s, space, first, last - first, n))
		memcpy(space->items + first, parts, n * sizeof(*parts));
}

/* --- what is mapped ------------------------------------------------------------------------------------ */

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Names as the kernel gives them: fs/proc/task_mmu.c, kernel/events/core.c, mm/shmem.c, ipc/shm.c. */
static enum region_kind kind_of(const char *path)
{
	static const struct {
		const char *begin;
		enum region_kind kind;
	} kinds[] = {
		{ "[heap]", REGION_HEAP },	   { "[stack", REGION_STACK },
		{ "[vdso]", REGION_VDSO },	   { "[vvar", REGION_VDSO },
		{ "[vsyscall]", REGION_VDSO },	   { "[sigpage]", REGION_VDSO },
		{ "[vectors]", REGION_VDSO },	   { "[uprobes]", REGION_VDSO },
		{ "[anon_shmem:", REGION_SHM },	   { "[", REGION_ANON },
		{ "//anon", REGION_ANON },	   { "//", REGION_UNKNOWN },
		{ "/SYSV", REGION_SHM },	   { "/memfd:", REGION_SHM },
		{ "/dev/shm/", REGION_SHM },	   { "/dev/zero", REGION_SHM },
		{ "/anon_hugepage", REGION_ANON },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (starts(path, kinds[i].begin))
			return kinds[i].kind;
	return REGION_FILE;
}

enum region_kind spaces_kind(const struct spaces *s, const struct space_map *map)
{
	enum region_kind kind = map ? s->objects.items[map->object].kind : REGION_UNKNOWN;

	if (kind == REGION_ANON && map->shared)
		return REGION_SHM;
	/* a private mapping of /dev/zero is memory as any */
	if (kind == REGION_SHM && !map->shared &&
	    starts(s->objects.items[map->object].path, "/dev/zero"))
		return REGION_ANON;
	return kind;
}

static bool is_heap(const struct spaces *s, const struct process *p, uint64_t address)
{
	const struct space_map *map = spaces_find(p, address);

	return map && s->objects.items[map->object].kind == REGION_HEAP;
}

/*
 * The kernel puts the heap above the program, at random up to HEAP_REACH away (arch_randomize_brk()), and
 * mmap() elsewhere, far away. perf calls it «[heap]» only when it grows for the second time (seen on 6.18:
 * vma_is_initial_heap() looks at mm->brk, which brk() sets afterwards), nor when it shrank to nothing and
 * begins again where it began, nor where it grows by a mapping of its own: what is there is advised otherwise.
 * What lies next to the program is bss.
 */
static const char *true_path(const struct spaces *s, struct process *p, const struct event_map *e)
{
	const struct space *space = p->space;
	/* a 64-bit program has its stack and libraries far up, wherever it is itself */
	bool wide = space && space->n && space->items[space->n - 1].end >> 32;
	uint64_t reach = wide ? HEAP_REACH : HEAP_REACH_32;
	/* nothing in the heap is executed or closed to access */
	bool usual = e->protection == (PROT_READ | PROT_WRITE);

	if (strcmp(e->path, "//anon") || e->shared)
		return e->path;
	if ((e->start && is_heap(s, p, e->start - 1)) || (usual && is_heap(s, p, e->start)))
		return "[heap]";
	if (p->program == SPACES_NONE)
		return e->path;
	if (e->start == p->program_end) {
		p->program_end += e->bytes;
		return e->path;
	}
	/* there is one heap */
	if (p->has_heap || !usual || e->start < p->program_end ||
	    e->start - p->program_end >= reach)
		return e->path;
	return "[heap]";
}

/* The first file that is mapped after execve() is the program. */
static void note_program(struct spaces *s, struct process *p, uint32_t object, uint64_t end)
{
	if (p->program == SPACES_NONE && p->executed &&
	    s->objects.items[object].kind == REGION_FILE)
		p->program = object;
	if (p->program == object)
		p->program_end = MAX(p->program_end, end);
}

static uint64_t hash_object(const struct event_map *e, const char *path)
{
	uint64_t hash = stream_mix(e->inode, (uint64_t)e->major << 32 | e->minor);
	const char *c;

	for (c = path; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3ull;
	return hash;
}

static bool is_nameless(const char *path)
{
	return starts(path, "/dev/zero (deleted)") || starts(path, "/SYSV") ||
	       starts(path, "/memfd:") || starts(path, "/anon_hugepage");
}

/*
 * The object that @e maps, called @path; U64MAP_NONE: it is new, and belongs at *@ret_key. What does not tell
 * the inode's generation, as /proc does not, is of the newest file that has the inode. The first generation
 * that is told of one without is taken for its own: whoever looks the file up sees whether it has changed.
 */
static uint32_t object_find(struct spaces *s, const struct event_map *e, const char *path,
			    uint64_t *ret_key)
{
	uint64_t key = hash_object(e, path);
	uint32_t found, newest = U64MAP_NONE;

	for (; (found = u64map_get(&s->object_of, key)) != U64MAP_NONE; key++) {
		struct space_object *o = &s->objects.items[found];

		if (o->inode != e->inode || o->major != e->major || o->minor != e->minor ||
		    strcmp(o->path, path))
			continue;
		newest = found;
		if (!e->generation)
			continue;
		if (!o->known)
			o->known = e->generation;
		if (o->known == e->generation)
			return found;
	}
	*ret_key = key;
	return e->generation ? U64MAP_NONE : newest;
}

/* The number of what @told maps, called @path; SPACES_NONE: no memory, or no room. */
static uint32_t object_get(struct spaces *s, const struct event_map *told, const char *path)
{
	struct event_map e = *told;
	uint64_t key;
	struct space_object *o;
	uint32_t found;

	/* memory without a lasting name: a number each would make each mapping another file */
	if (is_nameless(path))
		e.inode = e.generation = 0;
	found = object_find(s, &e, path, &key);
	if (found != U64MAP_NONE)
		return found;
	if (s->objects.n >= SPACES_OBJECTS_MAX) {
		s->left_out++;
		return SPACES_NONE;
	}
	o = vec_add(&s->objects);
	if (o)
		o->path = strdup(path);
	if (!o || !o->path || u64map_set(&s->object_of, key, (uint32_t)(s->objects.n - 1))) {
		s->oom = true;
		return SPACES_NONE;
	}
	o->major = e.major;
	o->minor = e.minor;
	o->inode = e.inode;
	o->generation = o->known = e.generation;
	o->kind = (uint8_t)kind_of(o->path);
	return (uint32_t)(s->objects.n - 1);
}

static void enter_map(struct spaces *s, const struct event_map *e)
{
	struct process *p = spaces_process(s, e->h.pid);
	struct space *space = p ? space_own(s, p) : NULL;
	struct space_map map = {
		.start = e->start,
		.end = e->start + e->bytes,
		.offset = e->offset,
		.shared = e->shared,
		.write = e->protection & PROT_WRITE,
		.code = e->protection & PROT_EXEC,
	};
	struct space_object *o;

	/* no room for a list of its own: its parent's is wrong from here on */
	if (!space) {
		s->left_out++;
		if (p) {
			space_put(s, p->space);
			p->space = NULL;
		}
		return;
	}
	if (map.end < map.start) {
		s->left_out++;
		return;
	}
	map.object = object_get(s, e, true_path(s, p, e));
	/* what was there before is not there any more, even if it is not known what is */
	if (map.object == SPACES_NONE || s->n_maps + 2 > SPACES_MAPS_MAX) {
		space_cut(s, space, map.start, map.end);
		if (map.object == SPACES_NONE)
			return;
	}
	o = &s->objects.items[map.object];
	o->pid = e->h.pid;
	o->start = map.start;
	o->end = map.end;
	o->time = e->h.time;
	note_program(s, p, map.object, map.end);
	p->has_heap |= o->kind == REGION_HEAP;
	space_insert(s, space, map, o->kind == REGION_FILE);
}

/* --- processes ------------------------------------------------------------------------------------------ */

struct process *spaces_known(const struct spaces *s, uint32_t pid)
{
	uint32_t found = u64map_get(&s->process_of, pid);

	return found == U64MAP_NONE ? NULL : &s->processes.items[found];
}

struct process *spaces_process(struct spaces *s, uint32_t pid)
{
	struct process *p = spaces_known(s, pid);

	if (p)
		return p;
	if (s->free_process != SPACES_NONE) {
		p = &s->processes.items[s->free_process];
		s->free_process = p->row;
	} else {
		p = vec_add(&s->processes);
	}
	if (!p || u64map_set(&s->process_of, pid, (uint32_t)(p - s->processes.items))) {
		s->oom = true;
		return NULL;
	}
	*p = (struct process){ .pid = pid,
			       .birth = s->births++,
			       .program = SPACES_NONE,
			       .row = SPACES_NONE,
			       .task = SPACES_NONE,
			       .entered = SPACES_NONE };
	return p;
}

void spaces_forget(struct spaces *s, uint32_t pid)
{
	uint32_t at = u64map_remove(&s->process_of, pid);
	struct process *p;

	if (at == U64MAP_NONE)
		return;
	p = &s->processes.items[at];
	space_put(s, p->space);
	*p = (struct process){ .row = s->free_process };
	s->free_process = at;
}

static void process_begins(struct spaces *s, const struct event_process *e)
{
	struct process *p, *parent;

	/* the end of whoever had the number before was not told */
	spaces_forget(s, e->h.pid);
	p = spaces_process(s, e->h.pid);
	parent = p ? spaces_known(s, e->parent) : NULL;
	if (!p)
		return;
	p->counted = s->tracing;
	if (!parent)
		return;
	p->program = parent->program;
	p->program_end = parent->program_end;
	p->has_heap = parent->has_heap;
	memcpy(p->comm, parent->comm, sizeof(p->comm));
	p->space = parent->space;
	if (p->space)
		p->space->refs++;
}

/* What it maps is told anew. */
static void process_empty(struct spaces *s, struct process *p)
{
	space_put(s, p->space);
	p->space = NULL;
	p->program = SPACES_NONE;
	p->program_end = 0;
	p->has_heap = false;
}

static void enter_process(struct spaces *s, const struct event_process *e)
{
	struct process *p;

	if (e->what == PROCESS_FORK) {
		process_begins(s, e);
		return;
	}
	p = spaces_process(s, e->h.pid);
	if (!p)
		return;
	/* it may be told again that it is there, after records were lost; and be given the name that it has */
	if (e->what == PROCESS_EXEC || memcmp(p->comm, e->comm, sizeof(p->comm)))
		p->row = p->task = SPACES_NONE;
	memcpy(p->comm, e->comm, sizeof(p->comm));
	if (e->what != PROCESS_NAME)
		process_empty(s, p);
	if (e->what == PROCESS_EXEC || e->h.flags & EVENT_EXECUTED)
		p->executed = true;
}

void spaces_enter(struct spaces *s, const struct event_header *h)
{
	switch (h->kind) {
	case EVENT_PROCESS:
		enter_process(s, (const struct event_process *)h);
		break;
	case EVENT_MAP:
		enter_map(s, (const struct event_map *)h);
		break;
	case EVENT_MAPS_LOST:
		s->lost += ((const struct event_maps_lost *)h)->records;
		break;
	}
}

const struct space_map *spaces_find(const struct process *p, uint64_t address)
{
	size_t at;

	if (!p->space)
		return NULL;
	at = space_search(p->space, address);
	if (at == p->space->n || p->space->items[at].start > address)
		return NULL;
	return &p->space->items[at];
}

void spaces_drop(struct spaces *s, struct process *p, uint64_t address)
{
	const struct space_map *map = spaces_find(p, address);
	struct space *space;
	uint64_t start, end;

	if (!map)
		return;
	start = map->start;
	end = map->end;
	space = space_own(s, p);
	/* without room for a list of its own it goes on with what it had: each fault tells anew */
	if (space)
		space_cut(s, space, start, end);
}

void spaces_free(struct spaces *s)
{
	size_t i;

	for (i = 0; i < s->processes.n; i++)
		space_put(s, s->processes.items[i].space);
	for (i = 0; i < s->objects.n; i++)
		free(s->objects.items[i].path);
	free(s->processes.items);
	free(s->objects.items);
	u64map_free(&s->process_of);
	u64map_free(&s->object_of);
	memset(s, 0, sizeof(*s));
}
