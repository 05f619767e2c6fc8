// SPDX-License-Identifier: GPL-2.0
/* kmscope tracks: the events that are shown one by one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/buddy.h"
#include "analyze/tracks.h"
#include "base/digits.h"
#include "base/vec.h"

#define DETAIL_LEN 256

static const struct column event_columns[] = {
	{ "time_ns", "TIME", CELL_NS, 0, 0 },
	{ "duration_ns", "TOOK", CELL_NS, 0, 0 },
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "name", "NAME", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "cpu", "CPU", CELL_ID, 0, 2 },
	{ "pid", "PID", CELL_ID, 0, 2 },
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT, 1 },
	{ "site", "CALL SITE", CELL_SITE, COLUMN_LEFT | COLUMN_IF_SET, 3 },
	{ "address", "ADDRESS", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "detail", "DETAIL", CELL_TEXT, COLUMN_LEFT | COLUMN_SUBLINE, 0 },
};

/* --- what is kept --------------------------------------------------------------------------------------- */

void tracks_events_add(struct tracks *t, const struct track_event *e)
{
	const uint64_t shared =
		TRACKS_EVENTS_MAX - (uint64_t)TRACKS_EVENTS_RESERVED * TRACK_EVENT_KINDS;
	struct track_events *events = &t->events;
	struct track_event *kept;

	if (events->kept[e->kind] >= TRACKS_EVENTS_RESERVED && events->shared >= shared) {
		events->left_out[e->kind]++;
		return;
	}
	kept = vec_add(&events->items);
	if (!kept) {
		t->stream.oom = true;
		return;
	}
	*kept = *e;
	if (events->kept[e->kind]++ >= TRACKS_EVENTS_RESERVED)
		events->shared++;
}

/* The name of process @pid: that of the task that was current, or else what was told of it last. */
static void set_comm(const struct tracks *t, const struct event_header *h, struct track_event *e)
{
	uint32_t task = stream_task(&t->stream, h);
	const struct process *p = spaces_known(&t->spaces, h->pid);

	if (task == STREAM_NONE || t->stream.tasks.items[task].pid != h->pid)
		task = u64map_get(&t->stream.pid_task, h->pid);
	if (p && *p->comm)
		memcpy(e->comm, p->comm, sizeof(e->comm));
	if (task < t->stream.tasks.n)
		memcpy(e->comm, t->stream.tasks.items[task].comm, sizeof(e->comm));
}

struct track_event tracks_event(const struct tracks *t, const struct event_header *h,
				enum track_event_kind kind)
{
	struct track_event e = {
		.time = h->time,
		.pid = h->pid,
		.cpu = h->cpu,
		.kind = (uint8_t)kind,
		.on_cpu = true,
	};

	if (h->pid)
		set_comm(t, h, &e);
	return e;
}

/* It took from @began to its time, if that can be. */
static void set_began(struct track_event *e, uint64_t began)
{
	if (!began || began > e->time)
		return;
	e->ns = e->time - began;
	e->time = began;
	e->timed = true;
}

/* --- records -------------------------------------------------------------------------------------------- */

/*
 * Begin and end go together as in the books: by CPU. What began twice there, or ends without a beginning,
 * has moved to another CPU meanwhile and has no duration.
 */
static void enter_work(struct tracks *t, const struct event_work *w)
{
	bool compaction = w->h.kind == EVENT_COMPACTION;
	const uint64_t *begun = compaction ? t->pages.compacting : t->pages.reclaiming;
	struct track_event e =
		tracks_event(t, &w->h, compaction ? TRACK_EVENT_COMPACTION : TRACK_EVENT_RECLAIM);
	uint64_t since = begun[w->h.cpu % ARRAY_SIZE(t->pages.compacting)];
	uint32_t *order = &t->reclaim_order[w->h.cpu % ARRAY_SIZE(t->reclaim_order)];

	e.address = w->pfn;
	e.value = compaction ? w->status : w->pages;
	e.number = *order;
	if (!w->what) {
		if (!compaction)
			*order = w->order;
		if (!since)
			return;
		e.time = since;
		e.pid = 0;
		e.what = WORK_BEGUN;
		memset(e.comm, 0, sizeof(e.comm));
	} else {
		set_began(&e, since);
		e.what = e.timed ? WORK_WHOLE : WORK_ENDED;
	}
	tracks_events_add(t, &e);
}

static void enter_fallback(struct tracks *t, const struct event_fallback *f)
{
	struct track_event e = tracks_event(t, &f->h, TRACK_EVENT_FALLBACK);

	e.value = f->block;
	e.number = f->order;
	e.what = f->migratetype;
	e.bytes = f->whole;
	tracks_events_add(t, &e);
}

static void enter_failed_alloc(struct tracks *t, const struct event_alloc *a)
{
	struct track_event e;

	if (a->ptr || a->h.flags & (EVENT_OWN | EVENT_REUSE))
		return;
	e = tracks_event(t, &a->h, TRACK_EVENT_FAILED);
	e.what = a->h.kind == EVENT_KMALLOC ? FAILED_KMALLOC : FAILED_CACHE_ALLOC;
	e.site = a->site;
	e.bytes = a->h.flags & EVENT_SIZES ? event_requested(a->what) : 0;
	e.number = a->gfp;
	tracks_events_add(t, &e);
}

static void enter_failed_pages(struct tracks *t, const struct event_page *p)
{
	struct track_event e;

	if (event_pfn(p->block) != EVENT_NO_PFN || p->h.flags & (EVENT_OWN | EVENT_REUSE))
		return;
	e = tracks_event(t, &p->h, TRACK_EVENT_FAILED);
	e.what = FAILED_PAGES;
	e.value = p->block;
	e.number = p->gfp;
	tracks_events_add(t, &e);
}

static void enter_failed_area(struct tracks *t, const struct event_area *a)
{
	struct track_event e;

	if (a->address || a->h.flags & (EVENT_OWN | EVENT_REUSE))
		return;
	e = tracks_event(t, &a->h, TRACK_EVENT_FAILED);
	e.what = FAILED_AREA;
	e.bytes = a->bytes;
	tracks_events_add(t, &e);
}

static void enter_vmalloc(struct tracks *t, const struct event_vmalloc *v)
{
	uint32_t area = u64map_get(&t->areas.area_of, v->address);
	struct track_event e =
		tracks_event(t, &v->h, v->address ? TRACK_EVENT_VMALLOC : TRACK_EVENT_FAILED);

	/* kmscope's own; or the mark of somebody else's area has let it through */
	if (v->address && (area == U64MAP_NONE ? t->stream.start.selected != SELECTED_ALL
					       : t->areas.pool.items[area].own))
		return;
	e.what = FAILED_VMALLOC;
	e.site = v->site;
	e.address = v->address;
	e.bytes = v->bytes;
	e.number = v->gfp;
	set_began(&e, v->began);
	tracks_events_add(t, &e);
}

static void enter_fault(struct tracks *t, const struct event_fault *f)
{
	struct track_event e;

	if (!(f->what & FAULT_MAJOR) || f->h.flags & EVENT_OWN)
		return;
	e = tracks_event(t, &f->h, TRACK_EVENT_MAJOR_FAULT);
	if (f->what & FAULT_KERNEL)
		e.site = f->ip;
	e.address = f->address;
	e.value = f->ip;
	e.number = f->what;
	set_began(&e, f->began);
	tracks_events_add(t, &e);
}

static void enter_register(struct tracks *t, const struct event_register *g)
{
	struct track_event e;

	if (g->access != REGISTER_WRITE)
		return;
	e = tracks_event(t, &g->h, TRACK_EVENT_REGISTER_WRITE);
	e.what = g->source;
	e.site = g->site;
	e.address = g->place;
	e.value = g->value;
	e.bytes = g->bytes;
	e.number = g->offset;
	memcpy(e.name, g->name, sizeof(e.name));
	e.name[sizeof(e.name) - 1] = '\0';
	tracks_events_add(t, &e);
}

static void enter_process(struct tracks *t, const struct event_process *p)
{
	struct track_event e;

	if (p->what != PROCESS_EXEC && p->what != PROCESS_EXIT)
		return;
	e = tracks_event(t, &p->h, TRACK_EVENT_PROCESS);
	if (p->what == PROCESS_EXEC)
		memcpy(e.comm, p->comm, sizeof(e.comm));
	e.what = p->what;
	e.on_cpu = false; /* user space tells of it */
	tracks_events_add(t, &e);
}

/* @lost and @more were counted on @h's CPU, or on none that is known, since @before; 0: the start. */
static void add_loss(struct tracks *t, const struct event_header *h, enum track_loss what,
		     uint64_t before, uint64_t lost, uint64_t more)
{
	struct track_event e;

	if (!lost && !more)
		return;
	e = tracks_event(t, h, TRACK_EVENT_LOSS);
	e.time = MIN(before ? before : t->stream.start.h.time, h->time);
	e.ns = h->time - e.time;
	e.timed = true;
	e.what = (uint8_t)what;
	e.on_cpu = what == LOSS_RING;
	e.value = lost;
	e.bytes = more;
	tracks_events_add(t, &e);
}

static uint64_t grown(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static void enter_counters(struct tracks *t, const struct event_counters *c)
{
	static const struct event_counters none;
	const struct event_counters *then =
		c->h.cpu < t->stream.counters.n ? &t->stream.counters.items[c->h.cpu] : &none;

	add_loss(t, &c->h, LOSS_RING, then->h.time, grown(then->lost[0], c->lost[0]),
		 grown(then->lost[1], c->lost[1]));
}

static void enter_misses(struct tracks *t, const struct event_misses *m)
{
	uint64_t before = t->stream.misses == EVENT_MISSES_UNKNOWN ? 0 : t->stream.misses;

	if (m->misses != EVENT_MISSES_UNKNOWN)
		add_loss(t, &m->h, LOSS_MISSES, t->misses_time, grown(before, m->misses), 0);
	t->misses_time = m->h.time;
}

static void enter_maps_lost(struct tracks *t, const struct event_maps_lost *m)
{
	add_loss(t, &m->h, LOSS_MAPS, t->maps_lost_time, m->records, 0);
	t->maps_lost_time = m->h.time;
}

void tracks_events_enter(struct tracks *t, const struct event_header *h)
{
	switch (h->kind) {
	case EVENT_KMALLOC:
	case EVENT_CACHE_ALLOC:
		enter_failed_alloc(t, (const struct event_alloc *)h);
		break;
	case EVENT_PAGE_ALLOC:
		enter_failed_pages(t, (const struct event_page *)h);
		break;
	case EVENT_PAGE_FALLBACK:
		enter_fallback(t, (const struct event_fallback *)h);
		break;
	case EVENT_COMPACTION:
	case EVENT_RECLAIM:
		enter_work(t, (const struct event_work *)h);
		break;
	case EVENT_AREA_ALLOC:
		enter_failed_area(t, (const struct event_area *)h);
		break;
	case EVENT_VMALLOC:
		enter_vmalloc(t, (const struct event_vmalloc *)h);
		break;
	case EVENT_FAULT:
		enter_fault(t, (const struct event_fault *)h);
		break;
	case EVENT_REGISTER:
		enter_register(t, (const struct event_register *)h);
		break;
	case EVENT_PROCESS:
		enter_process(t, (const struct event_process *)h);
		break;
	case EVENT_COUNTERS:
		enter_counters(t, (const struct event_counters *)h);
		break;
	case EVENT_MISSES:
		enter_misses(t, (const struct event_misses *)h);
		break;
	case EVENT_MAPS_LOST:
		enter_maps_lost(t, (const struct event_maps_lost *)h);
		break;
	}
}

/* --- words ---------------------------------------------------------------------------------------------- */

static void compaction_detail(const struct tracks *t _unused_, const struct track_event *e,
			      char buf[DETAIL_LEN])
{
	/* enum compact_result differs between kernels: no names */
	if (e->what != WORK_BEGUN)
		snprintf(buf, DETAIL_LEN, "zone from frame %" PRIu64 ", result %" PRIu64,
			 e->address, e->value);
}

static void reclaim_detail(const struct tracks *t _unused_, const struct track_event *e,
			   char buf[DETAIL_LEN])
{
	if (e->what == WORK_BEGUN)
		snprintf(buf, DETAIL_LEN, "for order %u", e->number);
	else if (e->what == WORK_ENDED)
		snprintf(buf, DETAIL_LEN, "%" PRIu64 " pages", e->value);
	else
		snprintf(buf, DETAIL_LEN, "for order %u, %" PRIu64 " pages", e->number, e->value);
}

static void fallback_detail(const struct tracks *t, const struct track_event *e,
			    char buf[DETAIL_LEN])
{
	char wanted[32], from[32];

	snprintf(buf, DETAIL_LEN, "order %u of %s from order %u of %s%s", event_order(e->value),
		 buddy_type_name(&t->pages, event_migratetype(e->value), wanted), e->number,
		 buddy_type_name(&t->pages, e->what, from),
		 e->bytes ? ", page block changes its type" : "");
}

static void failed_detail(const struct tracks *t, const struct track_event *e, char buf[DETAIL_LEN])
{
	char type[32];

	if (e->what == FAILED_PAGES)
		snprintf(buf, DETAIL_LEN, "order %u of %s, gfp 0x%x", event_order(e->value),
			 buddy_type_name(&t->pages, event_migratetype(e->value), type), e->number);
	else if (e->what == FAILED_AREA)
		snprintf(buf, DETAIL_LEN, "%" PRIu64 " bytes", e->bytes);
	else if (e->what == FAILED_IOREMAP)
		snprintf(buf, DETAIL_LEN, "physical 0x%" PRIx64 ", %" PRIu64 " bytes", e->value,
			 e->bytes);
	else if (e->what == FAILED_CACHE_ALLOC && !e->bytes)
		snprintf(buf, DETAIL_LEN, "gfp 0x%x", e->number);
	else
		snprintf(buf, DETAIL_LEN, "%" PRIu64 " bytes, gfp 0x%x", e->bytes, e->number);
}

static void vmalloc_detail(const struct tracks *t _unused_, const struct track_event *e,
			   char buf[DETAIL_LEN])
{
	snprintf(buf, DETAIL_LEN, "%" PRIu64 " bytes at 0x%" PRIx64 ", gfp 0x%x", e->bytes,
		 e->address, e->number);
}

static void fault_detail(const struct tracks *t _unused_, const struct track_event *e,
			 char buf[DETAIL_LEN])
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = {
		{ FAULT_WRITE, ", write" },	     { FAULT_EXEC, ", execute" },
		{ FAULT_KERNEL, ", in the kernel" }, { FAULT_GUP, ", by get_user_pages()" },
		{ FAULT_SWAP, ", from swap" },	     { FAULT_HUGE, ", huge page" },
	};
	size_t i,
		n = (size_t)snprintf(buf, DETAIL_LEN, "address 0x%" PRIx64 " by code at 0x%" PRIx64,
				     e->address, e->value);

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (e->number & words[i].bit)
			n += (size_t)snprintf(buf + n, DETAIL_LEN - n, "%s", words[i].word);
}

static void ioremap_detail(const struct tracks *t _unused_, const struct track_event *e,
			   char buf[DETAIL_LEN])
{
	snprintf(buf, DETAIL_LEN, "physical 0x%" PRIx64 ", %" PRIu64 " bytes at 0x%" PRIx64,
		 e->value, e->bytes, e->address);
}

static void iounmap_detail(const struct tracks *t _unused_, const struct track_event *e,
			   char buf[DETAIL_LEN])
{
	snprintf(buf, DETAIL_LEN, "at 0x%" PRIx64, e->address);
}

static void register_detail(const struct tracks *t _unused_, const struct track_event *e,
			    char buf[DETAIL_LEN])
{
	int n = snprintf(buf, DETAIL_LEN, "%s%s", e->name, *e->name ? " " : "");
	size_t left = DETAIL_LEN - (size_t)n;

	if (e->what == REGISTER_GPIO)
		snprintf(buf + n, left, "line %u = %" PRIu64, e->number, e->value);
	else if (e->what == REGISTER_RWMMIO)
		snprintf(buf + n, left, "at 0x%" PRIx64 " = 0x%" PRIx64, e->address, e->value);
	else if (e->what == REGISTER_REGMAP)
		snprintf(buf + n, left, "register 0x%x = 0x%" PRIx64, e->number, e->value);
	else
		snprintf(buf + n, left, "physical 0x%" PRIx64 "+0x%x = 0x%" PRIx64, e->address,
			 e->number, e->value);
}

static void loss_detail(const struct tracks *t _unused_, const struct track_event *e,
			char buf[DETAIL_LEN])
{
	if (e->what == LOSS_RING)
		snprintf(buf, DETAIL_LEN,
			 "%" PRIu64 " allocations and %" PRIu64
			 " frees or the like: no room in the ring buffer",
			 e->value, e->bytes);
	else if (e->what == LOSS_MISSES)
		snprintf(buf, DETAIL_LEN, "%" PRIu64 " events: a probe interrupted itself",
			 e->value);
	else
		snprintf(buf, DETAIL_LEN, "%" PRIu64 " records of processes and mappings",
			 e->value);
}

struct kind_words {
	const char *kind; /* as in JSON */
	const char *const *names; /* by .what; NULL: as .kind, with spaces */
	size_t n_names;
	void (*detail)(const struct tracks *t, const struct track_event *e, char buf[DETAIL_LEN]);
};

static const char *const compaction_names[] = { "compaction", "compaction begins",
						"compaction ends" };
static const char *const reclaim_names[] = { "direct reclaim", "direct reclaim begins",
					     "direct reclaim ends" };
static const char *const failed_names[] = {
	[FAILED_KMALLOC] = "kmalloc failed", [FAILED_CACHE_ALLOC] = "kmem_cache_alloc failed",
	[FAILED_PAGES] = "no pages",	     [FAILED_AREA] = "no room for an area",
	[FAILED_VMALLOC] = "vmalloc failed", [FAILED_IOREMAP] = "ioremap failed",
};
static const char *const process_names[PROCESS_CHANGES] = {
	[PROCESS_EXEC] = "exec", [PROCESS_EXIT] = "exit"
};
static const char *const loss_names[] = {
	[LOSS_RING] = "lost events",
	[LOSS_MISSES] = "missed events",
	[LOSS_MAPS] = "lost records",
};

static const struct kind_words kinds[TRACK_EVENT_KINDS] = {
	[TRACK_EVENT_COMPACTION] = { "compaction", compaction_names, ARRAY_SIZE(compaction_names),
				     compaction_detail },
	[TRACK_EVENT_RECLAIM] = { "reclaim", reclaim_names, ARRAY_SIZE(reclaim_names),
				  reclaim_detail },
	[TRACK_EVENT_FALLBACK] = { "fallback", NULL, 0, fallback_detail },
	[TRACK_EVENT_FAILED] = { "failed", failed_names, ARRAY_SIZE(failed_names), failed_detail },
	[TRACK_EVENT_VMALLOC] = { "vmalloc", NULL, 0, vmalloc_detail },
	[TRACK_EVENT_MAJOR_FAULT] = { "major_fault", NULL, 0, fault_detail },
	[TRACK_EVENT_IOREMAP] = { "ioremap", NULL, 0, ioremap_detail },
	[TRACK_EVENT_IOUNMAP] = { "iounmap", NULL, 0, iounmap_detail },
	[TRACK_EVENT_REGISTER_WRITE] = { "register_write", NULL, 0, register_detail },
	[TRACK_EVENT_PROCESS] = { "process", process_names, ARRAY_SIZE(process_names), NULL },
	[TRACK_EVENT_LOSS] = { "loss", loss_names, ARRAY_SIZE(loss_names), loss_detail },
};

/* --- the report ----------------------------------------------------------------------------------------- */

static void set_name(const struct track_event *e, struct report *r, struct table *t, size_t at)
{
	const struct kind_words *k = &kinds[e->kind];
	char name[32], *c;

	report_set_text(r, t, at, "kind", k->kind);
	if (k->names) {
		report_set_text(r, t, at, "name", e->what < k->n_names ? k->names[e->what] : NULL);
		return;
	}
	snprintf(name, sizeof(name), "%s", k->kind);
	for (c = name; *c; c++)
		*c = *c == '_' ? ' ' : *c;
	report_set_text(r, t, at, "name", name);
}

static void set_event(const struct tracks *tracks, const struct track_event *e, struct report *r,
		      struct table *t)
{
	size_t at = report_add_row(r, t);
	char buf[DETAIL_LEN];

	report_set_u64(r, t, at, "time_ns", e->time);
	if (e->timed)
		report_set_u64(r, t, at, "duration_ns", e->ns);
	set_name(e, r, t, at);
	if (e->on_cpu)
		report_set_u64(r, t, at, "cpu", e->cpu);
	if (e->pid)
		report_set_u64(r, t, at, "pid", e->pid);
	if (*e->comm) {
		snprintf(buf, sizeof(buf), "%.16s", e->comm);
		report_set_text(r, t, at, "comm", buf);
	}
	if (e->site) {
		report_set_u64(r, t, at, "site", e->site);
		report_set_u64(r, t, at, "address", e->site);
	}
	if (!kinds[e->kind].detail)
		return;
	*buf = '\0';
	kinds[e->kind].detail(tracks, e, buf);
	report_set_text(r, t, at, "detail", *buf ? buf : NULL);
}

struct sorted {
	const struct track_event *event;
	size_t place; /* in the stream */
};

static int compare_events(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;

	if (x->event->time != y->event->time)
		return CMP(x->event->time, y->event->time);
	return CMP(x->place, y->place);
}

#define OPEN_MAX 128 /* CPUs that the books tell apart, times two kinds */

/* Compaction and reclaim that have not ended. Who it is was not kept. */
static size_t open_works(const struct tracks *t, struct track_event ret[OPEN_MAX])
{
	size_t n = 0, cpu;

	for (cpu = 0; cpu < ARRAY_SIZE(t->pages.compacting); cpu++) {
		struct track_event e = {
			.cpu = (uint16_t)cpu,
			.what = WORK_BEGUN,
			.on_cpu = t->stream.start.n_cpus <= ARRAY_SIZE(t->pages.compacting),
		};

		if (t->pages.compacting[cpu]) {
			ret[n] = e;
			ret[n].kind = TRACK_EVENT_COMPACTION;
			ret[n++].time = t->pages.compacting[cpu];
		}
		if (t->pages.reclaiming[cpu]) {
			ret[n] = e;
			ret[n].kind = TRACK_EVENT_RECLAIM;
			ret[n].number = t->reclaim_order[cpu];
			ret[n++].time = t->pages.reclaiming[cpu];
		}
	}
	return n;
}

static void note_left_out(const struct track_events *events, struct report *r)
{
	size_t i;

	for (i = 0; i < TRACK_EVENT_KINDS; i++)
		if (events->left_out[i])
			report_add_note(
				r,
				"%s events of kind «%s» had no room in the table of events; "
				"the first %s are there",
				digits_grouped(events->left_out[i]).s, kinds[i].kind,
				digits_grouped(events->kept[i]).s);
}

int tracks_events_report(const struct tracks *t, struct report *r)
{
	const struct track_events *events = &t->events;
	struct track_event open[OPEN_MAX];
	size_t n_open = open_works(t, open), n = events->items.n + n_open, i;
	_cleanup_free_ struct sorted *sorted = calloc(MAX(n, (size_t)1), sizeof(*sorted));
	struct table *table;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		sorted[i].event =
			i < events->items.n ? &events->items.items[i] : &open[i - events->items.n];
		sorted[i].place = i;
	}
	qsort(sorted, n, sizeof(*sorted), compare_events);
	table = report_add_table(r, "events", "Events, oldest first", event_columns,
				 ARRAY_SIZE(event_columns));
	for (i = 0; i < n && !r->oom; i++)
		set_event(t, sorted[i].event, r, table);
	if (!table)
		return -ENOMEM;
	table->rows_total = table->n_rows;
	for (i = 0; i < TRACK_EVENT_KINDS; i++)
		table->rows_total += events->left_out[i];
	table->empty = "none";
	table->noun = "event";
	note_left_out(events, r);
	return 0;
}
