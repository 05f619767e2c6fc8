// SPDX-License-Identifier: GPL-2.0
#include "source/filter.h"

#include <errno.h>
#include <string.h>

#include "base/u64map.h"
#include "base/vec.h"
#include "source/page_set.h"
#include "source/range.h"
#include "source/stage.h"

/* What is live at an address. */
enum followed {
	FOLLOWED_SELECTED,
	FOLLOWED_OWN,
	/* mappings of registers: */
	FOLLOWED_MAPPED,
	FOLLOWED_MAPPED_BY_MODULE, /* told by its event only */
	FOLLOWED_UNMAPPED, /* its area is still to be freed */
	FOLLOWED_NOT = U64MAP_NONE,
};

struct filter_cpu {
	struct event_counters counters; /* the newest that came */
	uint64_t filtered; /* left out here */
	uint64_t told; /* … by the newest that was passed on */
	uint64_t task_time; /* of the newest EVENT_TASK */
	uint32_t task_pid;
	bool task_known, task_selected;
};

struct filter_cache {
	uint32_t object_size;
	bool selected;
};

struct filter {
	struct config config;
	uint64_t cgroup;
	uint64_t kinds; /* bits: those that are of interest */
	struct stage stage;
	struct range *range; /* before this; NULL: none */
	uint64_t page_size;
	uint64_t newest; /* time of the kernel's records so far */
	bool late; /* the one at hand is older than that */
	struct u64map objects, areas, mappings; /* enum followed, by address */
	struct page_set pages;
	struct u64map cache_of; /* by id */
	struct {
		struct filter_cache *items;
		size_t n, capacity;
	} caches;
	struct filter_cpu *cpus;
	size_t n_cpus;
	bool nobody; /* no event so far is of a selected task */
	bool asked_task, told_task, told_cgroup, told_cache, untold_cache;
	bool oom;
};

/* --- passing on and leaving out ------------------------------------------------------------------- */

static struct filter_cpu *cpu_more(struct filter *f, uint16_t cpu)
{
	size_t n = MAX(cpu + (size_t)1, f->n_cpus * 2);
	struct filter_cpu *more = reallocarray(f->cpus, n, sizeof(*more));

	if (!more) {
		f->oom = true;
		return NULL;
	}
	memset(more + f->n_cpus, 0, (n - f->n_cpus) * sizeof(*more));
	f->cpus = more;
	f->n_cpus = n;
	return &f->cpus[cpu];
}

/* NULL: no memory. */
static struct filter_cpu *cpu_of(struct filter *f, uint16_t cpu)
{
	return likely(cpu < f->n_cpus) ? &f->cpus[cpu] : cpu_more(f, cpu);
}

static void pass(struct filter *f, const struct event_header *h)
{
	stage_pass(&f->stage, h);
}

static void leave_out(struct filter *f, const struct event_header *h)
{
	struct filter_cpu *cpu = cpu_of(f, h->cpu);

	if (likely(cpu))
		cpu->filtered++;
}

static void pass_if(struct filter *f, const struct event_header *h, bool wanted)
{
	if (wanted)
		pass(f, h);
	else
		leave_out(f, h);
}

/* Tell that what was at its address is gone. */
static void pass_reuse(struct filter *f, const struct event_header *h)
{
	struct event_header *copy = stage_copy(&f->stage, h, event_size(h));

	if (copy)
		copy->flags = (uint8_t)((copy->flags | EVENT_REUSE) & ~EVENT_AGAIN);
}

static enum followed followed(const struct u64map *map, uint64_t address)
{
	return (enum followed)u64map_get(map, address);
}

static void follow(struct filter *f, struct u64map *map, uint64_t address, enum followed what)
{
	if (u64map_set(map, address, (uint32_t)what))
		f->oom = true;
}

/*
 * A record that comes late may be of what was at the address before: nothing is forgotten then. If it was
 * about what is there now, the next free or allocation there is passed on for nothing, as it is by marks.
 */
static void forget(struct filter *f, struct u64map *map, uint64_t address)
{
	if (likely(!f->late))
		u64map_remove(map, address);
}

/* --- what is selected: as in bpf/stream.bpf.h ----------------------------------------------------- */

static bool selects(const struct filter *f, uint32_t flags)
{
	return f->config.select & flags;
}

/* Where an event does not say who does it, or its EVENT_TASK was lost: the process's newest anywhere. */
static bool process_selected(const struct filter *f, uint32_t pid)
{
	const struct filter_cpu *newest = NULL;
	size_t i;

	for (i = 0; i < f->n_cpus; i++) {
		const struct filter_cpu *cpu = &f->cpus[i];

		if (cpu->task_known && cpu->task_pid == pid &&
		    (!newest || cpu->task_time > newest->task_time))
			newest = cpu;
	}
	return newest && newest->task_selected;
}

static bool task_selected(struct filter *f, const struct event_header *h)
{
	const struct filter_cpu *cpu;

	if (selects(f, SELECT_PID) && h->pid != f->config.pid)
		return false;
	if (!selects(f, SELECT_COMM | SELECT_CGROUP))
		return true;
	f->asked_task = true;
	cpu = cpu_of(f, h->cpu);
	if (likely(cpu && cpu->task_known && cpu->task_pid == h->pid))
		return cpu->task_selected;
	return process_selected(f, h->pid);
}

static bool size_selected(const struct filter *f, uint64_t size)
{
	return !selects(f, SELECT_SIZE) ||
	       (size >= f->config.min_size && size <= f->config.max_size);
}

static bool site_selected(const struct filter *f, uint64_t site)
{
	uint32_t i;

	for (i = 0; i < f->config.n_ranges; i++)
		if (site >= f->config.ranges[i].start && site < f->config.ranges[i].end)
			return true;
	return false;
}

/* NULL: it was not told. */
static const struct filter_cache *cache_of(const struct filter *f, const struct event_alloc *e)
{
	uint32_t i = e->h.flags & EVENT_SIZES ? U64MAP_NONE : u64map_get(&f->cache_of, e->what);

	return i == U64MAP_NONE ? NULL : &f->caches.items[i];
}

static bool cache_selected(struct filter *f, const struct event_alloc *e)
{
	const struct filter_cache *cache;

	if (f->config.kmalloc_class)
		return e->h.kind == EVENT_KMALLOC &&
		       event_given(e->what) == f->config.kmalloc_class &&
		       (e->gfp & f->config.kmalloc_gfp_mask) == f->config.kmalloc_gfp;
	if (e->h.kind != EVENT_CACHE_ALLOC)
		return false;
	f->untold_cache |= !!(e->h.flags & EVENT_SIZES);
	cache = cache_of(f, e);
	return cache && cache->selected;
}

static bool object_size_selected(const struct filter *f, const struct event_alloc *e)
{
	const struct filter_cache *cache;

	if (e->h.flags & EVENT_SIZES)
		return size_selected(f, event_requested(e->what));
	cache = cache_of(f, e);
	return cache && size_selected(f, cache->object_size);
}

static bool object_selected(struct filter *f, const struct event_alloc *e)
{
	if (selects(f, SELECT_SIZE) && !object_size_selected(f, e))
		return false;
	if (selects(f, SELECT_SITE) && !site_selected(f, e->site))
		return false;
	if (selects(f, SELECT_CACHE) && !cache_selected(f, e))
		return false;
	return task_selected(f, &e->h);
}

/* Neither kmscope's own, nor told for what it ends only. */
static bool is_candidate(const struct event_header *h)
{
	return !(h->flags & (EVENT_OWN | EVENT_REUSE));
}

static bool is_own(const struct event_header *h)
{
	return (h->flags & (EVENT_OWN | EVENT_REUSE)) == EVENT_OWN;
}

/* --- slab objects ------------------------------------------------------------------------------------ */

static void enter_taken(struct filter *f, const struct event_alloc *e, enum followed what,
			enum followed was)
{
	struct event_alloc *copy;

	if (e->ptr > ZERO_SIZE_PTR_VALUE && was != what && (was == FOLLOWED_NOT || !f->late))
		follow(f, &f->objects, e->ptr, what);
	if (likely(!(e->h.flags & EVENT_AGAIN) || was == what)) {
		pass(f, &e->h);
		return;
	}
	/* the first half of it was left out: it had another site */
	copy = stage_copy(&f->stage, e, sizeof(*e));
	if (copy)
		copy->h.flags &= (uint8_t)~EVENT_AGAIN;
}

static void enter_alloc(struct filter *f, const struct event_header *h)
{
	const struct event_alloc *e = (const struct event_alloc *)h;
	enum followed was = FOLLOWED_NOT;

	if (likely(e->ptr > ZERO_SIZE_PTR_VALUE))
		was = followed(&f->objects, e->ptr);
	if (is_own(h)) {
		enter_taken(f, e, FOLLOWED_OWN, was);
		return;
	}
	if (is_candidate(h) && object_selected(f, e)) {
		enter_taken(f, e, FOLLOWED_SELECTED, was);
		return;
	}
	/* told again, from a site that is not selected: what was told first stands */
	if (was == FOLLOWED_SELECTED && h->flags & EVENT_AGAIN) {
		leave_out(f, h);
		return;
	}
	if (was != FOLLOWED_NOT)
		forget(f, &f->objects, e->ptr);
	if (was == FOLLOWED_SELECTED)
		pass_reuse(f, h);
	else
		leave_out(f, h);
}

static void enter_free(struct filter *f, const struct event_header *h)
{
	const struct event_free *e = (const struct event_free *)h;
	bool known = followed(&f->objects, e->ptr) != FOLLOWED_NOT;

	if (known)
		forget(f, &f->objects, e->ptr);
	pass_if(f, h, known);
}

/* --- pages ------------------------------------------------------------------------------------------- */

static bool block_selected(struct filter *f, const struct event_header *h, uint64_t block)
{
	return size_selected(f, f->page_size << (event_order(block) & 31)) && task_selected(f, h);
}

/* Not if it failed, or is none that the page allocator can have: then nothing is followed. */
static bool block_is_real(uint64_t block)
{
	uint64_t pfn = event_pfn(block);

	return pfn != EVENT_NO_PFN && event_order(block) < PAGE_SET_ORDERS &&
	       !(pfn & ((1ull << event_order(block)) - 1));
}

static void enter_page_alloc(struct filter *f, const struct event_header *h)
{
	uint64_t block = ((const struct event_page *)h)->block, pfn = event_pfn(block);
	bool taken = is_own(h) || (is_candidate(h) && block_selected(f, h, block));
	unsigned int was = PAGE_SET_NONE;

	if (likely(block_is_real(block))) {
		was = page_set_overlap(&f->pages, pfn, event_order(block), !f->late);
		if (taken && !(was && f->late) &&
		    page_set_add(&f->pages, pfn, event_order(block),
				 is_own(h) ? PAGE_SET_OWN : PAGE_SET_SELECTED))
			f->oom = true;
	}
	if (!taken && was & PAGE_SET_SELECTED)
		pass_reuse(f, h);
	else
		pass_if(f, h, taken);
}

static void enter_page_free(struct filter *f, const struct event_header *h)
{
	uint64_t block = ((const struct event_page_free *)h)->block, pfn = event_pfn(block);
	unsigned int was = PAGE_SET_NONE, order = event_order(block);

	if (likely(block_is_real(block))) {
		if (unlikely(f->late))
			was = page_set_overlap(&f->pages, pfn, order, false);
		else if (page_set_take(&f->pages, pfn, order, &was))
			f->oom = true;
	}
	pass_if(f, h, was);
}

static void enter_fallback(struct filter *f, const struct event_header *h)
{
	pass_if(f, h, block_selected(f, h, ((const struct event_fallback *)h)->block));
}

/* --- areas ------------------------------------------------------------------------------------------- */

static void enter_area(struct filter *f, const struct event_header *h)
{
	const struct event_area *e = (const struct event_area *)h;
	bool taken =
		is_own(h) || (is_candidate(h) && size_selected(f, e->bytes) && task_selected(f, h));
	enum followed was = FOLLOWED_NOT, mapping = FOLLOWED_NOT;

	if (e->address) {
		was = followed(&f->areas, e->address);
		mapping = followed(&f->mappings, e->address);
	}
	if (mapping != FOLLOWED_NOT)
		forget(f, &f->mappings, e->address);
	if (taken) {
		if (e->address && (was == FOLLOWED_NOT || !f->late))
			follow(f, &f->areas, e->address,
			       is_own(h) ? FOLLOWED_OWN : FOLLOWED_SELECTED);
		pass(f, h);
		return;
	}
	if (was != FOLLOWED_NOT)
		forget(f, &f->areas, e->address);
	if (was == FOLLOWED_SELECTED || mapping != FOLLOWED_NOT)
		pass_reuse(f, h);
	else
		leave_out(f, h);
}

static void enter_area_free(struct filter *f, const struct event_header *h)
{
	uint64_t address = ((const struct event_area_free *)h)->address;
	bool known = followed(&f->areas, address) != FOLLOWED_NOT;
	bool mapped = followed(&f->mappings, address) != FOLLOWED_NOT;

	if (known)
		forget(f, &f->areas, address);
	if (mapped)
		forget(f, &f->mappings, address);
	pass_if(f, h, known || mapped);
}

static void enter_area_pages(struct filter *f, const struct event_header *h)
{
	uint64_t address = ((const struct event_area_pages *)h)->address;

	pass_if(f, h, followed(&f->areas, address) != FOLLOWED_NOT);
}

/* It comes when it returned: its area, if it got one, was told before, by the same task. */
static void enter_vmalloc(struct filter *f, const struct event_header *h)
{
	const struct event_vmalloc *e = (const struct event_vmalloc *)h;

	if (e->address)
		pass_if(f, h, followed(&f->areas, e->address) != FOLLOWED_NOT);
	else
		pass_if(f, h, size_selected(f, e->bytes) && task_selected(f, h));
}

/* --- mappings ---------------------------------------------------------------------------------------- */

static uint64_t page_of(const struct filter *f, uint64_t address)
{
	return address & ~(f->page_size - 1);
}

static bool is_mapped(enum followed what)
{
	return what == FOLLOWED_MAPPED || what == FOLLOWED_MAPPED_BY_MODULE;
}

static void enter_ioremap(struct filter *f, const struct event_header *h)
{
	const struct event_ioremap *e = (const struct event_ioremap *)h;
	uint64_t page = page_of(f, e->address);
	enum followed was = FOLLOWED_NOT;
	bool marked = false, module = e->function == IOREMAP_MODULE;

	if (e->address) {
		was = followed(&f->mappings, page);
		marked = is_mapped(was) || followed(&f->areas, page) == FOLLOWED_SELECTED;
	}
	if (!task_selected(f, h) || !(marked || size_selected(f, e->bytes))) {
		if (was == FOLLOWED_UNMAPPED)
			forget(f, &f->mappings, page);
		leave_out(f, h);
		return;
	}
	/* the module tells of it, too, after the function it called */
	if (e->address && !(module && was == FOLLOWED_MAPPED))
		follow(f, &f->mappings, page, module ? FOLLOWED_MAPPED_BY_MODULE : FOLLOWED_MAPPED);
	pass(f, h);
}

/* Where areas are told the mapping's is freed next, which goes with it: until then it is not forgotten. */
static void enter_iounmap(struct filter *f, const struct event_header *h)
{
	uint64_t page = page_of(f, ((const struct event_free *)h)->ptr);
	enum followed was = followed(&f->mappings, page);
	bool ends = was == FOLLOWED_MAPPED_BY_MODULE ||
		    (was == FOLLOWED_MAPPED && !(h->flags & EVENT_AGAIN));

	if (ends && !f->late)
		follow(f, &f->mappings, page, FOLLOWED_UNMAPPED);
	pass_if(f, h, is_mapped(was) || followed(&f->areas, page) == FOLLOWED_SELECTED);
}

/* --- registers and faults ---------------------------------------------------------------------------- */

static void enter_register(struct filter *f, const struct event_header *h)
{
	pass_if(f, h, task_selected(f, h));
}

static void enter_fault(struct filter *f, const struct event_header *h)
{
	pass_if(f, h, h->flags & EVENT_OWN || task_selected(f, h));
}

/* Of one process live, too, no other's are read; what threads counted when they ended is told of all. */
static void enter_fault_counts(struct filter *f, const struct event_header *h)
{
	const struct event_fault_counts *e = (const struct event_fault_counts *)h;

	if (e->what == COUNTS_EXIT || !selects(f, SELECT_PID) || h->pid == f->config.pid)
		pass(f, h);
}

/* --- the other records ------------------------------------------------------------------------------- */

static void enter_start(struct filter *f, const struct event_header *h)
{
	struct event_start *copy = stage_copy(&f->stage, h, sizeof(*copy));

	if (!copy)
		return;
	f->page_size = round_up_pow2(MAX(copy->page_size, 1u));
	copy->selected = selects(f, SELECT_PID) ? SELECTED_PROCESS : SELECTED_SOME;
	/* what a task has counted says something only beside all of its faults */
	if (selects(f, SELECT_COMM | SELECT_CGROUP))
		copy->hooked &= ~(uint32_t)HOOKED_COUNTS;
}

/* One that is told again may be another one, where the first was destroyed. */
static void enter_cache(struct filter *f, const struct event_header *h)
{
	const struct event_cache *e = (const struct event_cache *)h;
	uint32_t i = u64map_get(&f->cache_of, e->id);
	struct filter_cache *cache;

	pass(f, h);
	if (i == U64MAP_NONE) {
		if (!vec_add(&f->caches) ||
		    u64map_set(&f->cache_of, e->id, (uint32_t)(f->caches.n - 1))) {
			f->oom = true;
			return;
		}
		i = (uint32_t)(f->caches.n - 1);
	}
	cache = &f->caches.items[i];
	cache->object_size = e->object_size;
	cache->selected = !strncmp(e->name, f->config.cache_name, sizeof(e->name));
	f->told_cache |= cache->selected;
}

static void enter_task(struct filter *f, const struct event_header *h)
{
	const struct event_task *e = (const struct event_task *)h;
	struct filter_cpu *cpu = cpu_of(f, h->cpu);

	pass(f, h);
	f->told_task = true;
	f->told_cgroup |= e->cgroup != 0;
	if (!cpu)
		return;
	cpu->task_known = true;
	cpu->task_time = h->time;
	cpu->task_pid = h->pid;
	cpu->task_selected =
		(!selects(f, SELECT_COMM) || !memcmp(e->comm, f->config.comm, sizeof(e->comm))) &&
		(!selects(f, SELECT_CGROUP) || e->cgroup == f->cgroup);
}

/* What the source counted, and what was left out since. */
static void pass_counters(struct filter *f, struct filter_cpu *cpu)
{
	struct event_counters *copy = stage_copy(&f->stage, &cpu->counters, sizeof(*copy));

	if (!copy)
		return;
	copy->filtered += cpu->filtered;
	cpu->told = cpu->filtered;
}

static void enter_counters(struct filter *f, const struct event_header *h)
{
	struct filter_cpu *cpu = cpu_of(f, h->cpu);

	if (!cpu)
		return;
	cpu->counters = *(const struct event_counters *)h;
	pass_counters(f, cpu);
}

/* A report may be made now: what it says is all that there was. */
static void enter_pause(struct filter *f, const struct event_header *h)
{
	size_t i;

	for (i = 0; i < f->n_cpus; i++) {
		struct filter_cpu *cpu = &f->cpus[i];

		if (cpu->told == cpu->filtered)
			continue;
		cpu->counters.h.kind = EVENT_COUNTERS;
		cpu->counters.h.cpu = (uint16_t)i;
		cpu->counters.h.time = h->time;
		pass_counters(f, cpu);
	}
	pass(f, h);
	stage_flush(&f->stage);
}

/* --- all --------------------------------------------------------------------------------------------- */

/* What is not in it is passed on. */
static void (*const enter[])(struct filter *f, const struct event_header *h) = {
	[EVENT_KMALLOC] = enter_alloc,
	[EVENT_CACHE_ALLOC] = enter_alloc,
	[EVENT_KFREE] = enter_free,
	[EVENT_CACHE_FREE] = enter_free,
	[EVENT_CACHE] = enter_cache,
	[EVENT_TASK] = enter_task,
	[EVENT_PAGE_ALLOC] = enter_page_alloc,
	[EVENT_PAGE_FREE] = enter_page_free,
	[EVENT_PAGE_FALLBACK] = enter_fallback,
	[EVENT_PAGE_REFILL] = leave_out,
	[EVENT_PAGE_DRAIN] = leave_out,
	[EVENT_AREA_ALLOC] = enter_area,
	[EVENT_AREA_FREE] = enter_area_free,
	[EVENT_AREA_PAGES] = enter_area_pages,
	[EVENT_VMALLOC] = enter_vmalloc,
	[EVENT_IOREMAP] = enter_ioremap,
	[EVENT_IOUNMAP] = enter_iounmap,
	[EVENT_REGISTER] = enter_register,
	[EVENT_FAULT] = enter_fault,
	[EVENT_FAULT_COUNTS] = enter_fault_counts,
	[EVENT_TICK] = enter_pause,
	[EVENT_COUNTERS] = enter_counters,
	[EVENT_START] = enter_start,
	[EVENT_END] = enter_pause,
};

/* What traces them; other records are of interest to all. */
static const unsigned int areas_of[] = {
	[EVENT_KMALLOC] = AREA_SLAB,	    [EVENT_CACHE_ALLOC] = AREA_SLAB,
	[EVENT_KFREE] = AREA_SLAB,	    [EVENT_CACHE_FREE] = AREA_SLAB,
	[EVENT_PAGE_ALLOC] = AREA_PAGES,    [EVENT_PAGE_FREE] = AREA_PAGES,
	[EVENT_PAGE_FALLBACK] = AREA_PAGES, [EVENT_PAGE_REFILL] = AREA_FRAMES,
	[EVENT_PAGE_DRAIN] = AREA_FRAMES,   [EVENT_PAGE_BULK] = AREA_PAGES,
	[EVENT_COMPACTION] = AREA_PAGES,    [EVENT_RECLAIM] = AREA_PAGES,
	[EVENT_AREA_ALLOC] = AREA_VMALLOC,  [EVENT_AREA_FREE] = AREA_VMALLOC | AREA_IOREMAP,
	[EVENT_AREA_PURGE] = AREA_VMALLOC,  [EVENT_AREA_PAGES] = AREA_VMALLOC,
	[EVENT_VMALLOC] = AREA_VMALLOC,	    [EVENT_IOREMAP] = AREA_IOREMAP,
	[EVENT_IOUNMAP] = AREA_IOREMAP,	    [EVENT_REGISTER] = AREA_REGISTERS,
	[EVENT_FAULT] = AREA_FAULTS,	    [EVENT_FAULT_COUNTS] = AREA_FAULTS,
};

static uint64_t kinds_of(unsigned int areas)
{
	uint64_t kinds = UINT64_MAX;
	size_t i;

	for (i = 0; areas && i < ARRAY_SIZE(areas_of); i++)
		if (areas_of[i] && !(areas_of[i] & areas))
			kinds &= ~(1ull << i);
	return kinds;
}

static void select_consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct filter *f = arg;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct event_header *h = records[i];

		if (h->kind < EVENT_TICK) {
			if (!(f->kinds >> h->kind & 1))
				continue;
			f->late = h->time < f->newest;
			f->newest = MAX(f->newest, h->time);
			if (unlikely(f->nobody) && event_counts(h) && is_candidate(h))
				f->nobody = !task_selected(f, h);
		}
		if (h->kind < ARRAY_SIZE(enter) && enter[h->kind])
			enter[h->kind](f, h);
		else
			pass(f, h);
	}
	stage_flush(&f->stage);
}

void filter_consume(void *filter, const struct event_header *const *records, size_t n)
{
	struct filter *f = filter;

	if (f->range)
		range_consume(f->range, records, n);
	else if (f->config.select)
		select_consume(f, records, n);
	else
		f->stage.out.consume(f->stage.out.arg, records, n);
}

int filter_new(const struct filter_options *o, const struct event_sink *out, struct filter **ret)
{
	struct filter *f;
	int err = 0;

	if (o->config.select & SELECT_CHILD)
		return -ENOTSUP;
	if (o->config.n_ranges > CONFIG_MAX_RANGES)
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->config = o->config;
	f->cgroup = o->cgroup;
	f->kinds = kinds_of(o->areas);
	f->page_size = 1;
	f->nobody = selects(f, SELECT_PID | SELECT_COMM | SELECT_CGROUP);
	stage_init(&f->stage, out);
	if (o->from_ns || o->to_ns)
		err = range_new(o->from_ns, o->to_ns,
				o->config.select ? &(struct event_sink){ select_consume, f } : out,
				&f->range);
	if (err) {
		filter_free(&f);
		return err;
	}
	*ret = f;
	return 0;
}

void filter_free(struct filter **f)
{
	if (*f) {
		range_free(&(*f)->range);
		stage_free(&(*f)->stage);
		u64map_free(&(*f)->objects);
		u64map_free(&(*f)->areas);
		u64map_free(&(*f)->mappings);
		u64map_free(&(*f)->cache_of);
		page_set_free(&(*f)->pages);
		free((*f)->caches.items);
		free((*f)->cpus);
		free(*f);
	}
	*f = NULL;
}

enum filter_missing filter_missing(const struct filter *f)
{
	bool named = selects(f, SELECT_CACHE) && !f->config.kmalloc_class;

	if (f->asked_task && !f->told_task)
		return FILTER_NO_TASKS;
	if (f->asked_task && selects(f, SELECT_CGROUP) && !f->told_cgroup)
		return FILTER_NO_CGROUPS;
	if (named && !f->told_cache)
		return f->untold_cache ? FILTER_NO_CACHES : FILTER_NO_SUCH_CACHE;
	return FILTER_COMPLETE;
}

bool filter_nobody(const struct filter *f)
{
	return f->nobody;
}

uint64_t filter_blurred(const struct filter *f)
{
	return f->range ? range_blurred(f->range) : 0;
}

bool filter_ended(const struct filter *f)
{
	return f->range && range_ended(f->range);
}

bool filter_oom(const struct filter *f)
{
	return f->oom || f->stage.oom || (f->range && range_oom(f->range));
}
