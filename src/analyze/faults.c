// SPDX-License-Identifier: GPL-2.0
#include "analyze/faults.h"

#include <stdio.h>
#include <string.h>

#include "analyze/faults_pending.h"
#include "base/vec.h"
#include "procfs/keys.h"

#define OTHER_NAMES   UINT64_MAX /* a key; names have their highest bit set, too, but not all */
#define FIRST_STEP_NS (10 * NSEC_PER_MSEC)

const char *const vmstat_names[VMSTAT_ITEMS] = {
	[VMSTAT_FAULTS] = "pgfault",
	[VMSTAT_MAJOR] = "pgmajfault",
	[VMSTAT_HUGE] = "thp_fault_alloc",
	[VMSTAT_HUGE_FALLBACK] = "thp_fault_fallback",
	[VMSTAT_HUGE_ZERO] = "thp_zero_page_alloc",
	[VMSTAT_SWAP_IN] = "pswpin",
};

void faults_init(struct faults *f, enum ledger_by by)
{
	memset(f, 0, sizeof(*f));
	stream_init(&f->stream);
	spaces_init(&f->spaces);
	f->by = by;
	f->step_ns = FIRST_STEP_NS;
	f->stream.sampled_otherwise = true;
}

void faults_free(struct faults *f)
{
	struct fault_chain *chain;
	struct fault_row *row;
	size_t i;

	vec_for_each(&f->rows, row)
		spread_free(&row->cost);
	vec_for_each(&f->chains, chain)
		free(chain->frames);
	for (i = 0; i < FAULT_CLASSES; i++)
		spread_free(&f->cost[i]);
	free(f->rows.items);
	free(f->regions.items);
	free(f->sites.items);
	free(f->chains.items);
	free(f->pending.items);
	u64map_free(&f->row_of);
	u64map_free(&f->region_of);
	u64map_free(&f->site_of);
	u64map_free(&f->chain_of);
	spaces_free(&f->spaces);
	stream_free(&f->stream);
	memset(f, 0, sizeof(*f));
}

/* The last one that was added to a vector is the value of @key from now on. */
static void remember(struct faults *f, struct u64map *map, uint64_t key, size_t n)
{
	if (u64map_set(map, key, (uint32_t)(n - 1)))
		f->stream.oom = true;
}

/* --- rows --------------------------------------------------------------------------------------------- */

static uint64_t comm_key(const char comm[16])
{
	uint64_t words[2];

	memcpy(words, comm, sizeof(words));
	return stream_mix(words[0], words[1]) | 1ull << 63;
}

/* The name of @p now, or the one of the task that is known to have run last. */
static void process_comm(const struct faults *f, const struct process *p, uint32_t task,
			 char ret[16])
{
	memcpy(ret, p->comm, 16);
	if (!*ret && task != STREAM_NONE)
		memcpy(ret, f->stream.tasks.items[task].comm, 16);
	ret[15] = '\0';
}

static uint64_t cgroup_of(const struct faults *f, uint32_t task)
{
	return task == STREAM_NONE ? 0 : f->stream.tasks.items[task].cgroup;
}

/* A new row of @p; SPACES_NONE: no memory. */
static uint32_t row_add(struct faults *f, const struct process *p, uint64_t key,
			const char comm[16])
{
	struct fault_row *row = vec_add(&f->rows);

	if (!row) {
		f->stream.oom = true;
		return SPACES_NONE;
	}
	row->key = key;
	row->pid = p->pid;
	row->processes = 1;
	if (f->by != LEDGER_BY_CGROUP)
		memcpy(row->comm, comm, sizeof(row->comm));
	remember(f, &f->row_of, key, f->rows.n);
	return (uint32_t)(f->rows.n - 1);
}

/* By process each name that it has is a row: the program that it becomes, or what it calls itself. */
static uint32_t row_of_process(struct faults *f, const struct process *p, const char comm[16])
{
	uint64_t key = stream_mix(p->birth, comm_key(comm)) & ~(1ull << 63);
	uint32_t found = u64map_get(&f->row_of, key);

	if (found != U64MAP_NONE)
		return found;
	if (f->rows.n < FAULTS_ROWS_MAX)
		return row_add(f, p, key, comm);
	f->rows_full = true;
	return SPACES_NONE;
}

/* The row of @p. When there are too many by process, and with --by comm, it is the one of its name. */
static uint32_t row_get(struct faults *f, struct process *p, uint32_t task)
{
	struct fault_row *row;
	char comm[16];
	uint64_t key;
	uint32_t found;

	process_comm(f, p, task, comm);
	if (f->by == LEDGER_BY_PID) {
		found = row_of_process(f, p, comm);
		if (found != SPACES_NONE)
			return found;
	}
	key = f->by == LEDGER_BY_CGROUP ? cgroup_of(f, task) : comm_key(comm);
	found = u64map_get(&f->row_of, key);
	/* names without end: whoever renames itself again and again */
	if (found == U64MAP_NONE && f->rows.n >= FAULTS_NAMES_MAX) {
		f->names_full = true;
		key = OTHER_NAMES;
		memset(comm, 0, sizeof(comm));
		found = u64map_get(&f->row_of, key);
	}
	if (found == U64MAP_NONE)
		return row_add(f, p, key, comm);
	row = &f->rows.items[found];
	/* it may have been another program, or elsewhere, meanwhile */
	if (found != p->entered) {
		row->processes++;
		row->pid = 0;
	}
	return found;
}

/* A thread of another name is the same process; of another cgroup it is not, where those are counted. */
static uint32_t row_of(struct faults *f, struct process *p, uint32_t task)
{
	bool moved = f->by == LEDGER_BY_CGROUP && task != p->task &&
		     cgroup_of(f, task) != cgroup_of(f, p->task);

	if (p->row == SPACES_NONE || moved) {
		p->row = p->entered = row_get(f, p, task);
		p->task = task;
	}
	return p->row;
}

/* --- regions -------------------------------------------------------------------------------------------- */

/* NULL: there is none; *ret_key is free then. */
static struct fault_region *region_find(struct faults *f, uint32_t row, uint32_t object,
					enum region_kind kind, uint64_t *ret_key)
{
	uint64_t key = stream_mix(stream_mix(row, object), kind);
	struct fault_region *r;
	uint32_t found;

	for (; (found = u64map_get(&f->region_of, key)) != U64MAP_NONE; key++) {
		r = &f->regions.items[found];
		if (r->row == row && r->object == object && r->kind == kind)
			return r;
	}
	*ret_key = key;
	return NULL;
}

struct fault_region *faults_region(struct faults *f, uint32_t row, uint32_t object,
				   enum region_kind kind)
{
	uint64_t key;
	struct fault_region *r = region_find(f, row, object, kind, &key);

	if (!r && f->regions.n >= FAULTS_REGIONS_MAX) {
		f->regions_full = true;
		row = object = SPACES_NONE;
		r = region_find(f, row, object, kind, &key);
	}
	if (r)
		return r;
	r = vec_add(&f->regions);
	if (!r) {
		f->stream.oom = true;
		return NULL;
	}
	r->row = row;
	r->object = object;
	r->kind = (uint8_t)kind;
	remember(f, &f->region_of, key, f->regions.n);
	return r;
}

/* --- sites ------------------------------------------------------------------------------------------------ */

/* Where @ip is: in an object's file; where there is none, as in code made at run time, at that address. */
static struct fault_frame frame_of(struct faults *f, const struct process *p, uint64_t ip,
				   bool kernel, uint64_t time)
{
	const struct space_map *map = kernel ? NULL : spaces_find(p, ip);
	enum region_kind kind = spaces_kind(&f->spaces, map);
	struct space_object *o;

	if (kernel)
		return (struct fault_frame){ FAULT_SITE_KERNEL, ip };
	if (!map)
		return (struct fault_frame){ SPACES_NONE, ip };
	o = &f->spaces.objects.items[map->object];
	o->first = o->first ? MIN(o->first, time) : time;
	o->last = MAX(o->last, time);
	/* what is on tmpfs may be a program, too */
	if (kind == REGION_FILE || kind == REGION_VDSO || kind == REGION_SHM)
		ip = ip - map->start + map->offset;
	return (struct fault_frame){ map->object, ip };
}

/* Code that was not seen before: its name is wanted, while it can be had. */
static void note_news(struct faults *f, uint32_t object)
{
	if (object < FAULT_SITE_KERNEL)
		f->spaces.objects.items[object].news = true;
}

static uint32_t site_get(struct faults *f, struct fault_frame at)
{
	uint64_t key = stream_mix(at.ip, at.object);
	struct fault_site *s;
	uint32_t found;

	for (; (found = u64map_get(&f->site_of, key)) != U64MAP_NONE; key++) {
		s = &f->sites.items[found];
		if (s->ip == at.ip && s->object == at.object)
			return found;
	}
	if (f->sites.n >= FAULTS_SITES_MAX) {
		f->sites_full = true;
		return SPACES_NONE;
	}
	s = vec_add(&f->sites);
	if (!s) {
		f->stream.oom = true;
		return SPACES_NONE;
	}
	s->object = at.object;
	s->ip = at.ip;
	note_news(f, at.object);
	remember(f, &f->site_of, key, f->sites.n);
	return (uint32_t)(f->sites.n - 1);
}

static bool chain_is(const struct fault_chain *c, uint32_t site, const struct fault_frame *frames,
		     uint32_t n)
{
	uint32_t i;

	if (c->site != site || c->n != n)
		return false;
	for (i = 0; i < n; i++)
		if (c->frames[i].object != frames[i].object || c->frames[i].ip != frames[i].ip)
			return false;
	return true;
}

static void chain_add(struct faults *f, uint32_t site, const struct fault_frame *frames, uint32_t n)
{
	struct fault_chain *c;
	uint64_t key = site;
	uint32_t i, found;

	for (i = 0; i < n; i++)
		key = stream_mix(key, stream_mix(frames[i].object, frames[i].ip));
	for (; (found = u64map_get(&f->chain_of, key)) != U64MAP_NONE; key++) {
		c = &f->chains.items[found];
		if (chain_is(c, site, frames, n)) {
			c->count++;
			return;
		}
	}
	if (f->chains.n >= FAULTS_CHAINS_MAX) {
		f->stream.quality.stacks_lost++;
		return;
	}
	c = vec_add(&f->chains);
	if (c)
		c->frames = reallocarray(NULL, MAX(n, 1u), sizeof(*frames));
	if (!c || !c->frames) {
		f->stream.oom = true;
		return;
	}
	memcpy(c->frames, frames, n * sizeof(*frames));
	for (i = 0; i < n; i++)
		note_news(f, frames[i].object);
	*c = (struct fault_chain){ site, n, 1, c->frames };
	remember(f, &f->chain_of, key, f->chains.n);
}

/* The call chain of a fault, by what is mapped in its process now. */
static void enter_chain(struct faults *f, const struct event_fault *e, const struct process *p,
			struct fault_frame at, uint32_t site)
{
	struct fault_frame frames[EVENT_STACK_DEPTH + 1];
	const struct stream_stack *stack;
	uint32_t i = 0, n = 0;

	if (e->stack == -2)
		f->stream.quality.stacks_lost++;
	if (e->stack < 0 || (size_t)e->stack >= f->stream.stacks.n || site == SPACES_NONE)
		return;
	stack = &f->stream.stacks.items[e->stack];
	/* a chain that was taken without its first frame, or begins where the kernel was entered */
	frames[n++] = at;
	if (stack->n && stack->frames[0] == e->ip)
		i = 1;
	/* code compiled without frame pointers leaves anything there: no call returns to what is no code */
	for (; i < stack->n && n < ARRAY_SIZE(frames); i++) {
		const struct space_map *map = spaces_find(p, stack->frames[i]);

		if (!map || !map->code)
			break;
		frames[n++] = frame_of(f, p, stack->frames[i], false, e->h.time);
	}
	f->sites.items[site].chains++;
	chain_add(f, site, frames, n);
}

/* --- time -------------------------------------------------------------------------------------------------- */

static void halve_steps(struct faults *f)
{
	size_t class, i;

	for (class = 0; class < FAULT_CLASSES; class ++) {
		uint64_t *steps = f->steps[class];

		for (i = 0; i < FAULTS_STEPS / 2; i++)
			steps[i] = steps[2 * i] + steps[2 * i + 1];
		memset(steps + i, 0, i * sizeof(*steps));
	}
	f->step_ns *= 2;
}

static void enter_step(struct faults *f, uint64_t time, enum fault_class class)
{
	uint64_t since = time > f->stream.start.h.time ? time - f->stream.start.h.time : 0;

	while (since / f->step_ns >= FAULTS_STEPS)
		halve_steps(f);
	f->steps[class][since / f->step_ns]++;
}

/* --- faults ------------------------------------------------------------------------------------------------ */

/*
 * What is mapped where @e hit. A write that was resolved where none was allowed hit something else than what
 * was told: mprotect() is told, munmap() and mremap() are not. An execution proves nothing: x86 looks at
 * PROT_EXEC only when the page is there.
 */
static const struct space_map *map_of(struct faults *f, struct process *p,
				      const struct event_fault *e)
{
	const struct space_map *map = spaces_find(p, e->address);

	if (!map || map->write || !(e->what & FAULT_WRITE))
		return map;
	spaces_drop(&f->spaces, p, e->address);
	return NULL;
}

static bool is_private_file(const struct faults *f, const struct space_map *map)
{
	enum region_kind kind = spaces_kind(&f->spaces, map);

	/* private memory of tmpfs: it is a file, too */
	return map && !map->shared && (kind == REGION_FILE || kind == REGION_SHM);
}

/*
 * Whether a page was copied because it was written to. Into a private mapping of a file the first write
 * copies the page of the page cache (mm/memory.c: do_cow_fault(), which no probe tells of), but for one that
 * comes back from swap space. Of a page that was there a probe tells; where there is none, it is a write to
 * what a private mapping keeps read-only as long as others may have it.
 */
static bool is_copy(const struct faults *f, const struct event_fault *e,
		    const struct space_map *map)
{
	if (e->what & FAULT_COPIED && f->stream.start.hooked & HOOKED_COPIED)
		return true;
	if (!(e->what & FAULT_WRITE) || !map || map->shared)
		return false;
	if (e->what & FAULT_PRESENT)
		return !(f->stream.start.hooked & HOOKED_COPIED);
	return !(e->what & FAULT_SWAP) && is_private_file(f, map);
}

static void tally_add(struct fault_tally *t, uint32_t what, bool copied)
{
	enum fault_class class = what & FAULT_MAJOR ? FAULT_CLASS_MAJOR : FAULT_CLASS_MINOR;

	if (what & FAULT_GUP)
		t->gup[class]++;
	else
		t->n[class]++;
	t->kernel += what & FAULT_KERNEL ? 1 : 0;
	t->access += what & FAULT_ACCESS ? 1 : 0;
	t->write += what & FAULT_WRITE ? 1 : 0;
	t->exec += what & FAULT_EXEC ? 1 : 0;
	t->copied += copied;
	t->around += what & FAULT_AROUND && !(what & FAULT_MAJOR);
	t->huge += what & FAULT_HUGE ? 1 : 0;
	t->swap += what & FAULT_SWAP ? 1 : 0;
}

static void enter_cost(struct faults *f, const struct event_fault *e, struct fault_row *row,
		       enum fault_class class)
{
	uint64_t ns = e->h.time - e->began;

	if (!e->began || e->began > e->h.time)
		return;
	if (spread_add(&row->cost, ns) || spread_add(&f->cost[class], ns))
		f->stream.oom = true;
	f->durations[class][durations_bucket(ns)]++;
}

static void enter_fault(struct faults *f, const struct event_fault *e)
{
	struct process *p = spaces_process(&f->spaces, e->h.pid);
	enum fault_class class = e->what & FAULT_MAJOR ? FAULT_CLASS_MAJOR : FAULT_CLASS_MINOR;
	const struct space_map *map;
	struct fault_region *region;
	struct fault_frame at;
	uint32_t row, site;
	bool copied;

	stream_order(&f->stream, &e->h);
	f->newest[f->told++ % ARRAY_SIZE(f->newest)] = e->h.time;
	f->gup += e->what & FAULT_GUP ? 1 : 0;
	if (!p)
		return;
	if (!(e->what & FAULT_GUP))
		p->told[class]++;
	if (e->h.flags & EVENT_OWN) {
		f->stream.quality.own++;
		p->own = true;
		return;
	}
	f->stream.quality.analysed++;
	row = row_of(f, p, stream_task(&f->stream, &e->h));
	if (row == SPACES_NONE)
		return;
	map = map_of(f, p, e);
	copied = is_copy(f, e, map);
	tally_add(&f->tally, e->what, copied);
	tally_add(&f->rows.items[row].tally, e->what, copied);
	region = faults_region(f, row, map ? map->object : SPACES_NONE,
			       spaces_kind(&f->spaces, map));
	if (region)
		tally_add(&region->tally, e->what, copied);
	if (!map) {
		struct fault_tally *pending = pending_get(f, p, row, e->address);

		if (pending)
			tally_add(pending, e->what, copied);
		pending_ask(f, p, e->h.time);
	}
	if (e->what & FAULT_GUP)
		return;
	enter_cost(f, e, &f->rows.items[row], class);
	enter_step(f, e->h.time, class);
	at = frame_of(f, p, e->ip, e->what & FAULT_KERNEL, e->h.time);
	site = site_get(f, at);
	if (site != SPACES_NONE)
		f->sites.items[site].n[class]++;
	enter_chain(f, e, p, at, site);
}

/* --- what tasks have counted -------------------------------------------------------------------------------- */

/* get_user_pages() has taken so many of the faults of @row, which may be nobody. */
static void add_gup(struct faults *f, uint32_t row, const uint64_t gup[FAULT_CLASSES])
{
	size_t class;

	for (class = 0; class < FAULT_CLASSES; class ++) {
		f->gup_counted += gup[class];
		if (row == SPACES_NONE)
			continue;
		f->rows.items[row].tally.gup[class] += gup[class];
		f->tally.gup[class] += gup[class];
	}
}

bool faults_is_nobodys(const struct faults *f, const struct process *p)
{
	if (p->row != SPACES_NONE)
		return false;
	return f->stream.start.selected == SELECTED_PROCESS ? !p->read : f->stream.start.selected;
}

/*
 * get_user_pages() has taken what the kernel counted and no event told. *ret_missing: the other way round,
 * while some of its threads have not told what they have counted.
 */
static void settle_counts(struct faults *f, struct process *p, uint64_t ret_missing[FAULT_CLASSES])
{
	uint64_t gup[FAULT_CLASSES];
	uint32_t row = p->row;
	size_t class;

	p->counted = false;
	p->settled = true;
	for (class = 0; class < FAULT_CLASSES; class ++) {
		uint64_t before = p->base[class] + p->told[class], ended = p->ended[class];

		gup[class] = ended > before ? ended - before : 0;
		ret_missing[class] = before > ended ? before - ended : 0;
	}
	/* ours count in the sum only; others may have taken none but these */
	if (row == SPACES_NONE && !p->own && (gup[0] || gup[1]))
		row = row_of(f, p, u64map_get(&f->stream.pid_task, p->pid));
	add_gup(f, row, gup);
}

/*
 * What the last thread of a process counted, after perf has told its end: do_exit() comes to the tracepoint
 * after that on 6.1 and 6.12 (seen there; not on 5.10, 6.18 and 7.2).
 */
static void enter_late_counts(struct faults *f, uint32_t pid, const uint64_t counts[FAULT_CLASSES])
{
	struct fault_ended *e = &f->ended[pid % FAULTS_ENDED];
	uint64_t gup[FAULT_CLASSES];
	size_t class;

	if (!pid || e->pid != pid)
		return;
	for (class = 0; class < FAULT_CLASSES; class ++) {
		uint64_t known = MIN(counts[class], e->missing[class]);

		e->missing[class] -= known;
		gup[class] = counts[class] - known;
	}
	add_gup(f, e->row, gup);
	f->gup_unknown -= e->unknown;
	e->unknown = false;
}

static void enter_counts(struct faults *f, const struct event_fault_counts *e)
{
	const uint64_t counts[FAULT_CLASSES] = { e->minor, e->major };
	uint64_t missing[FAULT_CLASSES];
	struct process *p;
	size_t class;

	/* of one fault in many the others were not told either */
	if (!(f->stream.start.hooked & HOOKED_COUNTS) || f->stream.start.sample > 1)
		return;
	p = e->what == COUNTS_START ? spaces_process(&f->spaces, e->h.pid)
				    : spaces_known(&f->spaces, e->h.pid);
	if (!p && e->what == COUNTS_EXIT)
		enter_late_counts(f, e->h.pid, counts);
	if (!p || (e->what == COUNTS_START && p->counted))
		return;
	for (class = 0; class < FAULT_CLASSES; class ++) {
		if (e->what == COUNTS_START) {
			p->base[class] = counts[class];
			/* what ended before is in no reading, what was told before is in this one */
			p->told[class] = p->ended[class] = 0;
		} else {
			p->ended[class] += counts[class];
		}
	}
	if (e->what == COUNTS_START)
		p->counted = p->read = true;
	if (e->what == COUNTS_END && p->counted && !faults_is_nobodys(f, p))
		settle_counts(f, p, missing);
}

static void enter_exit(struct faults *f, uint32_t pid)
{
	struct fault_ended *e = &f->ended[pid % FAULTS_ENDED];
	struct process *p = spaces_known(&f->spaces, pid);
	bool ended = p && (p->ended[0] || p->ended[1]);

	if (e->pid == pid)
		e->pid = 0;
	if (p && p->counted && !faults_is_nobodys(f, p)) {
		*e = (struct fault_ended){ .pid = pid, .unknown = !ended && p->row != SPACES_NONE };
		settle_counts(f, p, e->missing);
		e->row = p->row;
		f->gup_unknown += e->unknown;
	} else if (p && !p->settled && p->row != SPACES_NONE &&
		   f->stream.start.hooked & HOOKED_COUNTS) {
		f->gup_unknown++;
	}
	spaces_forget(&f->spaces, pid);
}

/* --- the other records -------------------------------------------------------------------------------------- */

static void enter_vmstat(struct faults *f, const struct event_snapshot *e)
{
	struct vmstat_look *look = f->start.known ? &f->end : &f->start;
	size_t i;

	for (i = 0; i < VMSTAT_ITEMS; i++) {
		char key[32]; /* one name may be the beginning of another */

		snprintf(key, sizeof(key), "%s ", vmstat_names[i]);
		if (!keys_u64((const char *)e->data, key, &look->items[i]))
			look->items[i] = UINT64_MAX;
	}
	look->known = look->items[VMSTAT_FAULTS] != UINT64_MAX;
	look->told = f->told;
	f->spaces.tracing = true;
	/* those that came while it was read are counted there or are not */
	for (i = 0; i < ARRAY_SIZE(f->newest); i++)
		look->unsure += f->newest[i] > e->before;
}

static void enter_process(struct faults *f, const struct event_process *e)
{
	struct process *p = spaces_known(&f->spaces, e->h.pid);

	/* its memory is another one, or gone */
	if (p && (e->what == PROCESS_FORK || e->what == PROCESS_EXEC || e->what == PROCESS_EXIT))
		pending_end(f, p, 0, UINT64_MAX, false);
	if (e->what == PROCESS_EXIT)
		enter_exit(f, e->h.pid);
	else
		spaces_enter(&f->spaces, &e->h);
	if (e->what == PROCESS_THERE)
		pending_scan(f, &e->h);
}

static void enter_map(struct faults *f, const struct event_map *e)
{
	struct process *p = spaces_known(&f->spaces, e->h.pid);

	/* mapped since the fault, and so not what it hit */
	if (p && p->n_pending && !pending_scanning(f, &e->h))
		pending_end(f, p, e->start, e->start + e->bytes, false);
	spaces_enter(&f->spaces, &e->h);
}

static void consume(struct faults *f, const struct event_header *h)
{
	if (f->scan_time && !pending_scanning(f, h))
		pending_scanned(f);
	switch (h->kind) {
	case EVENT_FAULT:
		enter_fault(f, (const struct event_fault *)h);
		return;
	case EVENT_FAULT_COUNTS:
		enter_counts(f, (const struct event_fault_counts *)h);
		return;
	case EVENT_PROCESS:
		enter_process(f, (const struct event_process *)h);
		return;
	case EVENT_MAP:
		enter_map(f, (const struct event_map *)h);
		return;
	case EVENT_MAPS_LOST:
		spaces_enter(&f->spaces, h);
		return;
	case EVENT_SNAPSHOT:
		if (h->flags == SNAPSHOT_VMSTAT)
			enter_vmstat(f, (const struct event_snapshot *)h);
		return;
	}
	stream_enter(&f->stream, h);
}

void faults_consume(struct faults *f, const struct event_header *const *records, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		consume(f, records[i]);
}
