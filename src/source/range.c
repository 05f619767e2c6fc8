// SPDX-License-Identifier: GPL-2.0
#include "source/range.h"

#include <errno.h>
#include <string.h>

#include "source/stage.h"

struct range_cpu {
	struct event_task task; /* the newest from before; .h.kind 0: none */
	struct event_counters base, newest; /* as they were told */
};

struct range {
	struct stage stage;
	uint64_t from_ns, to_ns; /* as asked for */
	uint64_t from, to; /* stream time; UINT64_MAX: no end */
	bool started; /* EVENT_START came: the two above are known */
	bool entered; /* a record of the range came */
	bool over; /* one came that is later */
	bool counted; /* … and it was EVENT_COUNTERS */
	bool ended;
	bool zones; /* SNAPSHOT_ZONEINFO from before was passed on */
	bool lists, frames; /* what belongs to a look that began in the range is passed on */
	bool missed; /* EVENT_MISSES came */
	struct event_misses base, newest;
	uint64_t blurred; /* events lost or missed on one side of an end or on the other */
	struct range_cpu *cpus;
	size_t n_cpus;
};

int range_new(uint64_t from_ns, uint64_t to_ns, const struct event_sink *out, struct range **ret)
{
	struct range *r;

	if (to_ns && to_ns <= from_ns)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	stage_init(&r->stage, out);
	r->from_ns = from_ns;
	r->to_ns = to_ns;
	r->to = UINT64_MAX;
	r->entered = !from_ns;
	*ret = r;
	return 0;
}

void range_free(struct range **r)
{
	if (*r) {
		stage_free(&(*r)->stage);
		free((*r)->cpus);
		free(*r);
	}
	*r = NULL;
}

uint64_t range_blurred(const struct range *r)
{
	return r->blurred;
}

bool range_ended(const struct range *r)
{
	return r->ended;
}

bool range_oom(const struct range *r)
{
	return r->stage.oom;
}

static struct range_cpu *cpu_of(struct range *r, uint16_t cpu)
{
	size_t n = MAX(cpu + (size_t)1, r->n_cpus * 2);
	struct range_cpu *more;

	if (cpu < r->n_cpus)
		return &r->cpus[cpu];
	more = reallocarray(r->cpus, n, sizeof(*more));
	if (!more) {
		r->stage.oom = true;
		return NULL;
	}
	memset(more + r->n_cpus, 0, (n - r->n_cpus) * sizeof(*more));
	r->cpus = more;
	r->n_cpus = n;
	return &r->cpus[cpu];
}

/* --- the beginning -------------------------------------------------------------------------------- */

static uint64_t later(uint64_t time, uint64_t ns)
{
	return time + ns < time ? UINT64_MAX : time + ns;
}

static void enter_start(struct range *r, const struct event_start *e)
{
	struct event_start *copy = stage_copy(&r->stage, e, sizeof(*e));

	if (!r->started) {
		r->from = r->from_ns ? later(e->h.time, r->from_ns) : 0;
		r->to = r->to_ns ? later(e->h.time, r->to_ns) : UINT64_MAX;
		r->started = true;
	}
	if (!copy)
		return;
	copy->h.time = MAX(e->h.time, r->from);
	copy->wall_ns = later(e->wall_ns, copy->h.time - e->h.time);
	copy->hooked |= r->from_ns ? HOOKED_PART : 0;
	copy->hooked |= copy->hooked & HOOKED_COUNTS ? HOOKED_COUNTS_CUT : 0;
	copy->hooked &= ~(uint32_t)HOOKED_COUNTS;
}

/* Pass on what is known from before. */
static void pass_before(struct range *r, const struct event_header *h)
{
	size_t size = event_size(h);
	struct event_header *copy = size ? stage_copy(&r->stage, h, size) : NULL;

	if (copy)
		copy->time = r->from;
}

static void range_enter(struct range *r)
{
	size_t i;

	if (r->entered)
		return;
	r->entered = true;
	for (i = 0; i < r->n_cpus; i++)
		if (r->cpus[i].task.h.kind)
			pass_before(r, &r->cpus[i].task.h);
}

static bool snapshot_lasts(struct range *r, enum snapshot_file file)
{
	switch (file) {
	case SNAPSHOT_GFP:
	case SNAPSHOT_ALLOCATORS:
	case SNAPSHOT_IOMEM:
	case SNAPSHOT_DEVICES:
	case SNAPSHOT_PAGETYPEINFO:
		return true;
	case SNAPSHOT_ZONEINFO:
		if (r->zones)
			return false;
		r->zones = true;
		return true;
	default:
		return false;
	}
}

/* Whether all of the look that @e is a part of was taken in the range. */
static bool snapshot_inside(struct range *r, const struct event_snapshot *e)
{
	bool inside = e->before >= r->from;

	switch ((enum snapshot_file)e->h.flags) {
	case SNAPSHOT_ZONEINFO: /* the free lists follow */
		r->lists = inside;
		return inside;
	case SNAPSHOT_BUDDYINFO:
		return inside && r->lists;
	case SNAPSHOT_FRAMES:
		if (!e->first)
			r->frames = inside;
		return r->frames;
	case SNAPSHOT_VMALLOCINFO:
	case SNAPSHOT_VMSTAT:
		return false;
	default:
		return true;
	}
}

static void enter_before(struct range *r, const struct event_header *h)
{
	struct range_cpu *cpu;

	if (event_counts(h) || h->kind == EVENT_FAULT_COUNTS)
		return;
	if (h->kind == EVENT_SNAPSHOT && !snapshot_lasts(r, (enum snapshot_file)h->flags))
		return;
	if (h->kind != EVENT_TASK || r->entered) {
		pass_before(r, h);
		return;
	}
	cpu = cpu_of(r, h->cpu);
	if (cpu)
		cpu->task = *(const struct event_task *)h;
}

/* --- the end -------------------------------------------------------------------------------------- */

static uint64_t since(uint64_t value, uint64_t base)
{
	return value > base ? value - base : 0;
}

static void pass_counters(struct range *r, const struct range_cpu *cpu, uint64_t time)
{
	const struct event_counters *now = &cpu->newest, *base = &cpu->base;
	struct event_counters *copy = stage_copy(&r->stage, now, sizeof(*now));

	if (!copy)
		return;
	copy->h.time = time;
	copy->lost[0] = since(now->lost[0], base->lost[0]);
	copy->lost[1] = since(now->lost[1], base->lost[1]);
	copy->filtered = since(now->filtered, base->filtered);
	copy->nulls = since(now->nulls, base->nulls);
	copy->map_full = since(now->map_full, base->map_full);
}

static void pass_misses(struct range *r, uint64_t time)
{
	struct event_misses *copy = stage_copy(&r->stage, &r->newest, sizeof(r->newest));

	if (!copy)
		return;
	copy->h.time = time;
	if (copy->misses != EVENT_MISSES_UNKNOWN && r->base.misses != EVENT_MISSES_UNKNOWN)
		copy->misses = since(copy->misses, r->base.misses);
}

/* Whether one of the range's ends lies between two times of which something was told, and at neither. */
static bool crosses(const struct range *r, uint64_t before, uint64_t now)
{
	if (now > r->to)
		return before != r->to;
	return now > r->from && before < r->from;
}

static void enter_counters(struct range *r, const struct event_counters *e)
{
	struct range_cpu *cpu = cpu_of(r, e->h.cpu);

	r->over |= e->h.time > r->to;
	r->counted |= e->h.time >= r->to;
	if (!cpu)
		return;
	if (crosses(r, cpu->newest.h.time, e->h.time))
		r->blurred +=
			since(e->lost[0] + e->lost[1], cpu->newest.lost[0] + cpu->newest.lost[1]);
	if (e->h.time > r->to) {
		/* how much of it was lost after the end is not known */
		memcpy(cpu->newest.lost, e->lost, sizeof(e->lost));
		cpu->newest.map_full = e->map_full;
		cpu->newest.h = e->h;
		return;
	}
	cpu->newest = *e;
	if (r->from && e->h.time <= r->from) {
		cpu->base = *e;
		return;
	}
	range_enter(r);
	pass_counters(r, cpu, e->h.time);
}

static void enter_misses(struct range *r, const struct event_misses *e)
{
	if (crosses(r, r->newest.h.time, e->h.time) && e->misses != EVENT_MISSES_UNKNOWN &&
	    r->newest.misses != EVENT_MISSES_UNKNOWN)
		r->blurred += since(e->misses, r->newest.misses);
	r->missed = true;
	r->newest = *e;
	if (r->from && e->h.time <= r->from) {
		r->base = *e;
		return;
	}
	if (e->h.time > r->to) {
		r->newest.after_end = 0;
		return;
	}
	range_enter(r);
	pass_misses(r, e->h.time);
}

static void range_finish(struct range *r)
{
	struct event_header end = { .time = r->to, .kind = EVENT_END };
	size_t i;

	for (i = 0; i < r->n_cpus; i++)
		if (r->cpus[i].newest.h.kind)
			pass_counters(r, &r->cpus[i], r->to);
	if (r->missed)
		pass_misses(r, r->to);
	stage_copy(&r->stage, &end, sizeof(end));
	r->ended = true;
}

static void enter_end(struct range *r, const struct event_header *h)
{
	struct event_header end = *h;

	if (r->over || h->time >= r->to) {
		range_finish(r);
		return;
	}
	range_enter(r);
	end.time = MAX(end.time, r->from);
	stage_copy(&r->stage, &end, sizeof(end));
	r->ended = true;
}

/* Always the last one of a batch: it is then that reports are made. */
static void enter_tick(struct range *r, const struct event_header *h)
{
	if (h->time >= r->to) {
		r->over = true;
		if (r->counted)
			range_finish(r);
	} else if (!r->from || h->time > r->from) {
		range_enter(r);
		stage_pass(&r->stage, h);
	}
	stage_flush(&r->stage);
}

/* --- all ------------------------------------------------------------------------------------------ */

static void enter_other(struct range *r, const struct event_header *h)
{
	const struct event_snapshot *e = (const struct event_snapshot *)h;

	if (h->time < r->from) {
		enter_before(r, h);
		return;
	}
	if (h->time >= r->to) {
		r->over = true;
		return;
	}
	if (unlikely(!r->entered))
		range_enter(r);
	if (unlikely(h->kind == EVENT_SNAPSHOT && r->from) && !snapshot_inside(r, e)) {
		if (e->before < r->from)
			enter_before(r, h);
		return;
	}
	stage_pass(&r->stage, h);
}

static void enter(struct range *r, const struct event_header *h)
{
	switch (h->kind) {
	case EVENT_START:
		enter_start(r, (const struct event_start *)h);
		break;
	case EVENT_COUNTERS:
		enter_counters(r, (const struct event_counters *)h);
		break;
	case EVENT_MISSES:
		enter_misses(r, (const struct event_misses *)h);
		break;
	case EVENT_TICK:
		enter_tick(r, h);
		break;
	case EVENT_END:
		enter_end(r, h);
		break;
	default:
		enter_other(r, h);
	}
}

void range_consume(void *range, const struct event_header *const *records, size_t n)
{
	struct range *r = range;
	size_t i;

	for (i = 0; i < n && !r->ended; i++)
		enter(r, records[i]);
	stage_flush(&r->stage);
}
