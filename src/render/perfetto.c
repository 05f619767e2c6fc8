// SPDX-License-Identifier: GPL-2.0
/*
 * Google's Trace Event Format, which ui.perfetto.dev and chrome://tracing read: the report «tracks» as
 * counters («C»), slices («X») and instants («i») in order of time, a line each, after the names of
 * processes and threads («M»).
 *
 * Times are those of CLOCK_MONOTONIC in microseconds, with the nanoseconds as their fraction: none goes
 * through a double. Viewers take slices of a thread only if none overlaps another one in part. So a
 * thread here stands for a CPU or a process and a kind of event, and there are as many of them, lanes,
 * as that needs.
 */
#include "render/export.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/vec.h"
#include "render/json_string.h"
#include "render/lanes.h"
#include "render/out.h"
#include "render/safe.h"
#include "render/units.h"

/* Numbers of processes are below (PID_MAX_LIMIT, include/linux/threads.h); the others here are above. */
#define PIDS_MAX   (1u << 22)
#define PID_MEMORY (PIDS_MAX + 1) /* counters, and what is of no CPU and no process */
#define PID_CPUS   (PIDS_MAX + 2)
#define FIRST_TID  (PIDS_MAX + 16) /* of lanes: no thread of a process has such a number */

/* --- what is drawn where ---------------------------------------------------------------------------- */

enum place {
	PLACE_CPU, /* with its CPU; of no CPU: with the counters */
	PLACE_PROCESS, /* with its process; of none: as PLACE_CPU */
	PLACE_MARK, /* across the whole of its process */
};

/* Kinds with the same title are drawn together. */
static const struct kind_place {
	const char *kind; /* of table «events» */
	const char *title;
	enum place place;
} kind_places[] = {
	{ "compaction", "compaction and reclaim", PLACE_CPU },
	{ "reclaim", "compaction and reclaim", PLACE_CPU },
	{ "fallback", "fallbacks", PLACE_CPU },
	{ "loss", "lost events", PLACE_CPU },
	{ "failed", "failed allocations", PLACE_PROCESS },
	{ "vmalloc", "vmalloc", PLACE_PROCESS },
	{ "major_fault", "major faults", PLACE_PROCESS },
	{ "ioremap", "ioremap", PLACE_PROCESS },
	{ "iounmap", "ioremap", PLACE_PROCESS },
	{ "register_write", "register writes", PLACE_PROCESS },
	{ "process", "processes", PLACE_MARK },
	{ NULL, "other events", PLACE_PROCESS }, /* the last: any other */
};

/* What Perfetto calls «COUNTER KEY»; series with the same counter that follow each other are drawn together. */
static const struct counter_name {
	const char *series; /* ends with «_»: and any number */
	const char *counter, *key;
} counter_names[] = {
	{ "slab_live_bytes", "slab live", "bytes" },
	{ "slab_live_waste", "slab live waste", "bytes" },
	{ "slab_allocs", "slab allocations", "per second" },
	{ "live_pages", "page allocator live", "pages" },
	{ "page_allocs", "page allocations", "per second" },
	{ "free_bytes", "free memory", "bytes" },
	{ "free_order_", "free pages", "order " },
	{ "vmalloc_live_bytes", "vmalloc live", "bytes" },
	{ "faults_minor", "page faults", "minor per second" },
	{ "faults_major", "page faults", "major per second" },
	{ "register_reads", "register accesses", "reads per second" },
	{ "register_writes", "register accesses", "writes per second" },
	{ NULL, NULL, NULL },
};

/* A counter: series [first, first + n) of the report, with the same steps. */
struct counter {
	const char *name;
	size_t first, n;
	size_t next; /* step that is to be written; the number of values: what holds at the end */
	size_t written; /* the step that was written last */
};

struct process_name {
	uint32_t pid;
	const char *comm; /* NULL: not known */
};

struct event_place {
	uint32_t lane; /* LANES_NONE: none, it is a mark */
	bool slice;
};

struct perfetto {
	const struct report *r;
	struct out o;
	const struct table *tracks, *events; /* events: NULL: none */
	struct lanes lanes;
	struct event_place *places; /* by row of .events */
	struct {
		struct process_name *items;
		size_t n, capacity;
	} processes;
	struct u64map process_of;
	struct {
		struct counter *items;
		size_t n, capacity;
	} counters;
	size_t n_written; /* events */
};

static void perfetto_free(struct perfetto *p)
{
	lanes_free(&p->lanes);
	free(p->places);
	free(p->processes.items);
	free(p->counters.items);
	u64map_free(&p->process_of);
}

static const struct table *table_named(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->n_tables; i++)
		if (!strcmp(r->tables[i].name, name))
			return &r->tables[i];
	return NULL;
}

/* A number in column @column of table «events», or @none if it is null. */
static uint64_t event_u64(const struct perfetto *p, size_t row, const char *column, uint64_t none)
{
	const struct cell *c = table_cell(p->events, row, column);

	return c->type == CELL_NULL ? none : c->u64;
}

static const char *event_text(const struct perfetto *p, size_t row, const char *column)
{
	const struct cell *c = table_cell(p->events, row, column);

	return c->type == CELL_NULL ? NULL : c->text;
}

static const struct kind_place *kind_place_of(const struct perfetto *p, size_t row)
{
	const char *kind = event_text(p, row, "kind");
	const struct kind_place *k = kind_places;

	while (k->kind && (!kind || strcmp(k->kind, kind) != 0))
		k++;
	return k;
}

/* The number of a kind's title: that of the first one that has it. */
static uint64_t title_of(const struct kind_place *k)
{
	uint64_t i = 0;

	while (strcmp(kind_places[i].title, k->title) != 0)
		i++;
	return i;
}

/* The process that an event belongs to, as far as there can be such a one; 0: none. */
static uint32_t event_pid(const struct perfetto *p, size_t row)
{
	uint64_t pid = event_u64(p, row, "pid", 0);

	return pid < PIDS_MAX ? (uint32_t)pid : 0;
}

/* A group of lanes: process, CPU and title in a word. */
#define KEY_CPU_SHIFT 8
#define KEY_PID_SHIFT 32
#define NO_CPU	      UINT16_MAX

static uint64_t group_key(const struct perfetto *p, size_t row, const struct kind_place *k)
{
	uint32_t pid = k->place == PLACE_CPU ? 0 : event_pid(p, row);
	uint64_t cpu = event_u64(p, row, "cpu", NO_CPU);

	if (pid || cpu > NO_CPU)
		cpu = NO_CPU;
	if (!pid)
		pid = cpu == NO_CPU ? PID_MEMORY : PID_CPUS;
	return (uint64_t)pid << KEY_PID_SHIFT | cpu << KEY_CPU_SHIFT | title_of(k);
}

static uint32_t key_pid(uint64_t key)
{
	return (uint32_t)(key >> KEY_PID_SHIFT);
}

static uint32_t lane_pid(const struct perfetto *p, uint32_t lane)
{
	return key_pid(p->lanes.groups.items[p->lanes.all.items[lane].group].key);
}

/* The newest name that is known of a process. */
static int name_process(struct perfetto *p, uint32_t pid, const char *comm)
{
	uint32_t i = u64map_get(&p->process_of, pid);
	struct process_name *name;

	if (i == U64MAP_NONE) {
		i = (uint32_t)p->processes.n;
		name = vec_add(&p->processes);
		if (!name || u64map_set(&p->process_of, pid, i))
			return -ENOMEM;
		name->pid = pid;
	}
	if (comm)
		p->processes.items[i].comm = comm;
	return 0;
}

static int place_event(struct perfetto *p, size_t row)
{
	const struct kind_place *k = kind_place_of(p, row);
	struct event_place *place = &p->places[row];
	uint64_t ns = event_u64(p, row, "duration_ns", UINT64_MAX);
	uint32_t pid = event_pid(p, row);
	uint64_t key = group_key(p, row, k);
	int err = 0;

	place->lane = LANES_NONE;
	if (pid && k->place != PLACE_CPU)
		err = name_process(p, pid, event_text(p, row, "comm"));
	if (err || (pid && k->place == PLACE_MARK))
		return err;
	if (ns != UINT64_MAX)
		err = lanes_take(&p->lanes, key, event_u64(p, row, "time_ns", 0), ns, &place->lane);
	place->slice = !err && place->lane != LANES_NONE;
	return err || place->slice ? err : lanes_first(&p->lanes, key, &place->lane);
}

static int place_events(struct perfetto *p)
{
	int err = 0;

	if (!p->events || !p->events->n_rows)
		return 0;
	p->places = calloc(p->events->n_rows, sizeof(*p->places));
	if (!p->places)
		return -ENOMEM;
	for (size_t row = 0; !err && row < p->events->n_rows; row++)
		err = place_event(p, row);
	return err;
}

/* --- counters --------------------------------------------------------------------------------------- */

static const struct counter_name *counter_name_of(const struct series *s)
{
	const struct counter_name *c;

	for (c = counter_names; c->series; c++) {
		size_t n = strlen(c->series);

		if (!strcmp(c->series, s->name) ||
		    (c->series[n - 1] == '_' && !strncmp(c->series, s->name, n)))
			break;
	}
	return c;
}

/* The row of table «tracks» that says what a series is, or SIZE_MAX. */
static size_t track_row(const struct perfetto *p, const struct series *s)
{
	for (size_t row = 0; p->tracks && row < p->tracks->n_rows; row++) {
		const struct cell *c = table_cell(p->tracks, row, "track");

		if (c->type != CELL_NULL && !strcmp(c->text, s->name))
			return row;
	}
	return SIZE_MAX;
}

/* The level that a series ends with, in *@ret; false if it is none. */
static bool last_level(const struct perfetto *p, const struct series *s, uint64_t *ret)
{
	size_t row = track_row(p, s);
	const struct cell *c = row == SIZE_MAX ? NULL : table_cell(p->tracks, row, "last");

	if (!c || c->type == CELL_NULL)
		return false;
	*ret = c->u64;
	return true;
}

static int plan_counters(struct perfetto *p)
{
	const struct series *all = p->r->series;

	for (size_t i = 0; i < p->r->n_series; i++) {
		const char *name = counter_name_of(&all[i])->counter;
		struct counter *c = p->counters.n ? &p->counters.items[p->counters.n - 1] : NULL;
		const struct series *before = c ? &all[c->first] : NULL;

		name = name ? name : all[i].title;
		if (c && !strcmp(c->name, name) && before->start_ns == all[i].start_ns &&
		    before->step_ns == all[i].step_ns && before->n == all[i].n) {
			c->n++;
			continue;
		}
		c = vec_add(&p->counters);
		if (!c)
			return -ENOMEM;
		*c = (struct counter){ .name = name, .first = i, .n = 1, .written = SIZE_MAX };
	}
	return 0;
}

/* When the next step of a counter is; UINT64_MAX: there is none. */
static uint64_t counter_time(const struct perfetto *p, const struct counter *c)
{
	const struct series *s = &p->r->series[c->first];
	uint64_t level;

	if (c->next < s->n)
		return s->start_ns + c->next * s->step_ns;
	if (c->next > s->n || !last_level(p, s, &level))
		return UINT64_MAX;
	/* what a level is at the end is known, unless a step falls on it */
	return !s->n || s->start_ns + (s->n - 1) * s->step_ns < p->r->end_ns ? p->r->end_ns
									     : UINT64_MAX;
}

/* What @s is in a counter's next step. */
static uint64_t counter_value(const struct perfetto *p, const struct counter *c,
			      const struct series *s)
{
	uint64_t value = 0;

	if (c->next < s->n)
		return s->values[c->next];
	last_level(p, s, &value);
	return value;
}

/* --- output ----------------------------------------------------------------------------------------- */

/* @ns in microseconds, exactly. */
static void put_us(struct out *o, uint64_t ns)
{
	out_printf(o, "%" PRIu64, ns / 1000);
	if (ns % 1000)
		out_printf(o, ".%03u", (unsigned int)(ns % 1000));
}

/* Names are chosen by whoever makes them: nothing in them is to hide or turn what a viewer shows. */
static void put_text(struct out *o, const char *s)
{
	_cleanup_free_ char *safe = safe_text(s);

	if (safe)
		json_put_string(o, safe);
	else
		out_fail(o, -ENOMEM);
}

/* The members that all events have; its braces are left open. */
static void begin_event(struct perfetto *p, const char *phase, uint32_t pid, uint32_t tid,
			const char *name)
{
	out_printf(&p->o, "%s\n{\"ph\":\"%s\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32 ",\"name\":",
		   p->n_written++ ? "," : "", phase, pid, tid);
	put_text(&p->o, name ? name : "?");
}

static void put_metadata(struct perfetto *p, const char *what, uint32_t pid, uint32_t tid,
			 const char *name)
{
	begin_event(p, "M", pid, tid, what);
	out_puts(&p->o, ",\"args\":{\"name\":");
	put_text(&p->o, name);
	out_puts(&p->o, "}}");
}

static void put_sort_index(struct perfetto *p, const char *what, uint32_t pid, uint32_t tid,
			   uint64_t index)
{
	begin_event(p, "M", pid, tid, what);
	out_printf(&p->o, ",\"args\":{\"sort_index\":%" PRIu64 "}}", index);
}

static void put_process(struct perfetto *p, uint32_t pid, const char *name, uint64_t index)
{
	put_metadata(p, "process_name", pid, pid, name);
	put_sort_index(p, "process_sort_index", pid, pid, index);
}

static void put_lane(struct perfetto *p, uint32_t i)
{
	const struct lane *lane = &p->lanes.all.items[i];
	uint64_t key = p->lanes.groups.items[lane->group].key;
	uint32_t cpu = key >> KEY_CPU_SHIFT & NO_CPU, tid = FIRST_TID + i;
	uint64_t title = key & ((1u << KEY_CPU_SHIFT) - 1);
	uint64_t index = (cpu == NO_CPU ? 0 : cpu) * ARRAY_SIZE(kind_places) + title;
	char name[128], number[16] = "";

	if (lane->number)
		snprintf(number, sizeof(number), " (%" PRIu32 ")", lane->number + 1);
	if (cpu == NO_CPU)
		snprintf(name, sizeof(name), "%s%s", kind_places[title].title, number);
	else
		snprintf(name, sizeof(name), "CPU %" PRIu32 " %s%s", cpu, kind_places[title].title,
			 number);
	put_metadata(p, "thread_name", key_pid(key), tid, name);
	put_sort_index(p, "thread_sort_index", key_pid(key), tid, index * LANES_MAX + lane->number);
}

static void put_names(struct perfetto *p)
{
	bool cpus = false;

	for (size_t i = 0; i < p->lanes.groups.n; i++)
		cpus |= key_pid(p->lanes.groups.items[i].key) == PID_CPUS;
	put_process(p, PID_MEMORY, "kernel memory", 0);
	if (cpus)
		put_process(p, PID_CPUS, "kernel memory by CPU", 1);
	for (size_t i = 0; i < p->processes.n && !p->o.err; i++)
		put_process(p, p->processes.items[i].pid,
			    p->processes.items[i].comm ? p->processes.items[i].comm
						       : "unknown process",
			    2 + i);
	for (size_t i = 0; i < p->lanes.all.n && !p->o.err; i++)
		put_lane(p, (uint32_t)i);
}

static bool counter_changed(const struct perfetto *p, const struct counter *c)
{
	const struct series *s = &p->r->series[c->first];

	if (c->written == SIZE_MAX || c->next >= s->n)
		return true;
	for (size_t i = 0; i < c->n; i++)
		if (s[i].values[c->next] != s[i].values[c->written])
			return true;
	return false;
}

/* Events of a step as so many a second; they may be none: 400 ms have 2.5 of each. */
static void put_value(struct perfetto *p, const struct series *s, uint64_t value)
{
	size_t row = track_row(p, s);
	const struct cell *kind = row == SIZE_MAX ? NULL : table_cell(p->tracks, row, "kind");

	if (kind && kind->type != CELL_NULL && !strcmp(kind->text, "count") && s->step_ns)
		out_puts(&p->o, units_real((double)value * 1e9 / (double)s->step_ns).s);
	else
		out_printf(&p->o, "%" PRIu64, value);
}

/* A step of a counter, unless it is as the one before. */
static void put_counter(struct perfetto *p, struct counter *c)
{
	if (counter_changed(p, c)) {
		begin_event(p, "C", PID_MEMORY, PID_MEMORY, c->name);
		out_puts(&p->o, ",\"ts\":");
		put_us(&p->o, counter_time(p, c));
		out_puts(&p->o, ",\"args\":{");
		for (size_t i = 0; i < c->n; i++) {
			const struct series *s = &p->r->series[c->first + i];
			const struct counter_name *name = counter_name_of(s);
			size_t prefix = name->series ? strlen(name->series) : 0;

			out_printf(&p->o, "%s\"%s%s\":", i ? "," : "",
				   name->key ? name->key : "value", prefix ? s->name + prefix : "");
			put_value(p, s, counter_value(p, c, s));
		}
		out_puts(&p->o, "}}");
		c->written = c->next;
	}
	c->next++;
}

static void put_event_args(struct perfetto *p, size_t row)
{
	static const char *const texts[] = { "detail", "site", "comm" };
	const struct cell *address = table_cell(p->events, row, "address");
	size_t n = 0;

	out_puts(&p->o, ",\"args\":{");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = event_text(p, row, texts[i]);

		if (!text)
			continue;
		out_printf(&p->o, "%s\"%s\":", n++ ? "," : "", texts[i]);
		put_text(&p->o, text);
	}
	if (address->type != CELL_NULL)
		out_printf(&p->o, "%s\"address\":\"0x%" PRIx64 "\"", n++ ? "," : "", address->u64);
	for (size_t i = 0; i < 2; i++) {
		static const char *const numbers[] = { "cpu", "pid" };
		uint64_t number = event_u64(p, row, numbers[i], UINT64_MAX);

		if (number != UINT64_MAX)
			out_printf(&p->o, "%s\"%s\":%" PRIu64, n++ ? "," : "", numbers[i], number);
	}
	out_puts(&p->o, "}}");
}

static void put_event(struct perfetto *p, size_t row)
{
	const struct event_place *place = &p->places[row];
	bool mark = place->lane == LANES_NONE;
	uint32_t pid = mark ? event_pid(p, row) : lane_pid(p, place->lane);

	begin_event(p, place->slice ? "X" : "i", pid, mark ? pid : FIRST_TID + place->lane,
		    event_text(p, row, "name"));
	out_puts(&p->o, ",\"cat\":");
	json_put_string(&p->o, event_text(p, row, "kind"));
	out_puts(&p->o, ",\"ts\":");
	put_us(&p->o, event_u64(p, row, "time_ns", 0));
	if (place->slice) {
		out_puts(&p->o, ",\"dur\":");
		put_us(&p->o, event_u64(p, row, "duration_ns", 0));
	} else {
		out_printf(&p->o, ",\"s\":\"%s\"", mark ? "p" : "t");
	}
	put_event_args(p, row);
}

/* All that has a time, oldest first; counters before events. */
static void put_timeline(struct perfetto *p)
{
	size_t row = 0, n = p->events ? p->events->n_rows : 0;

	while (!p->o.err) {
		uint64_t event = row < n ? event_u64(p, row, "time_ns", 0) : UINT64_MAX;
		uint64_t soonest = UINT64_MAX, time;
		struct counter *c, *next = NULL;

		vec_for_each(&p->counters, c) {
			time = counter_time(p, c);
			if (time < soonest) {
				soonest = time;
				next = c;
			}
		}
		if (next && soonest <= event)
			put_counter(p, next);
		else if (row < n)
			put_event(p, row++);
		else
			break;
	}
}

/* Numbers of 64 bits are strings here: those who read this know doubles only. */
static void put_other_data(struct perfetto *p)
{
	const struct report *r = p->r;
	struct out *o = &p->o;

	out_puts(o, "{\"tool\":\"kmscope\",\"kernel\":");
	json_put_string(o, r->kernel);
	out_puts(o, ",\"arch\":");
	json_put_string(o, r->arch);
	out_puts(o, ",\"subject\":");
	json_put_string(o, r->subject);
	out_printf(o,
		   ",\"clock\":\"CLOCK_MONOTONIC\",\"start_ns\":\"%" PRIu64
		   "\",\"end_ns\":\"%" PRIu64 "\",\"start_wall_ns\":\"%" PRIu64 "\"",
		   r->start_ns, r->end_ns, r->start_wall_ns);
	if (r->has_quality)
		out_printf(o,
			   ",\"events\":\"%" PRIu64 "\",\"lost\":\"%" PRIu64
			   "\",\"filtered\":\"%" PRIu64 "\"",
			   r->quality.events, r->quality.lost, r->quality.filtered);
	out_puts(o, ",\"notes\":[");
	for (size_t i = 0; i < r->n_notes; i++) {
		out_puts(o, i ? "," : "");
		json_put_string(o, r->notes[i]);
	}
	out_puts(o, "]}");
}

int export_perfetto(const struct report *const *reports, size_t n,
		    const struct export_options *o _unused_, FILE *file, struct failure *f)
{
	_cleanup_(perfetto_free) struct perfetto p = { .r = export_report(reports, n, "tracks"),
						       .o = { .file = file } };
	int err = export_check(reports, n, f);

	if (err)
		return err;
	if (!p.r)
		return fail(f, FAILURE_USAGE, -EINVAL, "there is nothing that goes over time");
	p.tracks = table_named(p.r, "tracks");
	p.events = table_named(p.r, "events");
	err = place_events(&p);
	if (!err)
		err = plan_counters(&p);
	if (err)
		return export_result(err, f);
	out_puts(&p.o, "{\"displayTimeUnit\":\"ms\",\"otherData\":");
	put_other_data(&p);
	out_puts(&p.o, ",\"traceEvents\":[");
	put_names(&p);
	put_timeline(&p);
	out_puts(&p.o, "\n]}\n");
	return export_result(out_finish(&p.o), f);
}
