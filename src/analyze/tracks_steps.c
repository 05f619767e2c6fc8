// SPDX-License-Identifier: GPL-2.0
#include "analyze/tracks_steps.h"

#include <assert.h>
#include <string.h>

#define COARSE_NS (100 * NSEC_PER_MSEC) /* from here on steps double, below they grow tenfold */

struct track_description {
	bool counts;
	enum cell_type unit;
	const char *name, *title;
};

#define FREE_ORDER(n)                                                     \
	[TRACK_FREE_ORDER + (n)] = { false, CELL_COUNT, "free_order_" #n, \
				     "Free pages of order " #n }

static const struct track_description descriptions[] = {
	[TRACK_SLAB_LIVE] = { false, CELL_BYTES, "slab_live_bytes", "Live slab bytes" },
	[TRACK_SLAB_WASTE] = { false, CELL_BYTES, "slab_live_waste", "Waste in live slab bytes" },
	[TRACK_SLAB_ALLOCS] = { true, CELL_COUNT, "slab_allocs", "Slab allocations" },
	[TRACK_PAGES_LIVE] = { false, CELL_COUNT, "live_pages", "Live pages" },
	[TRACK_PAGE_ALLOCS] = { true, CELL_COUNT, "page_allocs", "Page allocations" },
	[TRACK_FREE] = { false, CELL_BYTES, "free_bytes", "Free memory" },
	FREE_ORDER(0),
	FREE_ORDER(1),
	FREE_ORDER(2),
	FREE_ORDER(3),
	FREE_ORDER(4),
	FREE_ORDER(5),
	FREE_ORDER(6),
	FREE_ORDER(7),
	FREE_ORDER(8),
	FREE_ORDER(9),
	FREE_ORDER(10),
	FREE_ORDER(11),
	FREE_ORDER(12),
	FREE_ORDER(13),
	FREE_ORDER(14),
	FREE_ORDER(15),
	FREE_ORDER(16),
	FREE_ORDER(17),
	FREE_ORDER(18),
	FREE_ORDER(19),
	[TRACK_VMALLOC_LIVE] = { false, CELL_BYTES, "vmalloc_live_bytes", "Live vmalloc bytes" },
	[TRACK_FAULTS_MINOR] = { true, CELL_COUNT, "faults_minor", "Minor faults" },
	[TRACK_FAULTS_MAJOR] = { true, CELL_COUNT, "faults_major", "Major faults" },
	[TRACK_REGISTER_READS] = { true, CELL_COUNT, "register_reads", "Register reads" },
	[TRACK_REGISTER_WRITES] = { true, CELL_COUNT, "register_writes", "Register writes" },
};
static_assert(ARRAY_SIZE(descriptions) == TRACKS, "each track is described");
static_assert(ZONE_ORDERS == 20, "each order is described");

static const struct column track_columns[] = {
	{ "track", "TRACK", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "last", "AT END", CELL_COUNT, 0, 0 },
	{ "total", "IN ALL", CELL_COUNT, 0, 0 },
};

static bool is_free_level(size_t track)
{
	return track >= TRACK_FREE && track <= TRACK_FREE_ORDER_LAST;
}

void steps_begin(struct steps *s, uint64_t start)
{
	size_t i;

	s->begun = true;
	s->start = start;
	s->step_ns = STEPS_FIRST_NS;
	for (i = 0; i < TRACKS; i++) {
		s->tracks[i].known = !is_free_level(i);
		s->tracks[i].first = STEPS_MAX;
	}
	steps_pass(s, start);
}

/* The step of @time, which may be one that has not begun yet. */
static uint64_t step_of(const struct steps *s, uint64_t time)
{
	return time > s->start ? (time - s->start) / s->step_ns : 0;
}

bool steps_due(const struct steps *s, uint64_t time)
{
	return step_of(s, time) >= s->n;
}

static void coarsen_track(struct track_values *t, bool counts, size_t factor)
{
	size_t i, k, n = STEPS_MAX / factor;

	for (i = 0; i < n; i++) {
		uint64_t value = t->values[i * factor];

		for (k = 1; counts && k < factor; k++)
			value += t->values[i * factor + k];
		t->values[i] = value;
	}
	memset(t->values + n, 0, (STEPS_MAX - n) * sizeof(*t->values));
	if (t->first < STEPS_MAX)
		t->first = (t->first + factor - 1) / factor;
}

static void coarsen(struct steps *s)
{
	size_t i, factor = s->step_ns < COARSE_NS ? 10 : 2;

	for (i = 0; i < TRACKS; i++)
		coarsen_track(&s->tracks[i], descriptions[i].counts, factor);
	s->n = STEPS_MAX / factor;
	s->step_ns *= factor;
}

static void begin_step(struct steps *s)
{
	size_t i;

	for (i = 0; i < TRACKS; i++) {
		struct track_values *t = &s->tracks[i];

		if (!t->known || descriptions[i].counts)
			continue;
		t->values[s->n] = t->now;
		t->first = MIN(t->first, s->n);
	}
	s->n++;
}

void steps_pass(struct steps *s, uint64_t time)
{
	while (steps_due(s, time)) {
		if (s->n == STEPS_MAX)
			coarsen(s);
		else
			begin_step(s);
	}
}

void steps_count(struct steps *s, enum track track, uint64_t time, uint64_t n)
{
	s->tracks[track].now += n;
	s->tracks[track].values[step_of(s, time)] += n;
}

/* Steps of a track up to @end; one that only begins there says something of a level only. */
static size_t steps_until(const struct steps *s, const struct track_values *t, bool counts,
			  uint64_t end)
{
	size_t n = s->n;

	while (n && s->start + (n - 1) * s->step_ns > end)
		n--;
	if (counts && n && s->start + (n - 1) * s->step_ns == end && !t->values[n - 1])
		n--;
	return n;
}

static void report_track(const struct steps *s, size_t track, uint64_t scale, uint64_t end,
			 struct report *r, struct table *table)
{
	const struct track_description *d = &descriptions[track];
	const struct track_values *t = &s->tracks[track];
	size_t at = report_add_row(r, table), n = steps_until(s, t, d->counts, end);
	size_t i = d->counts ? 0 : MIN(t->first, n);
	struct series *series;

	report_set_text(r, table, at, "track", d->name);
	report_set_text(r, table, at, "kind", d->counts ? "count" : "level");
	if (t->known)
		report_set_u64(r, table, at, d->counts ? "total" : "last", t->now * scale);
	series = report_add_series(r, d->name, d->title, d->unit, s->start + i * s->step_ns,
				   s->step_ns);
	for (; i < n; i++)
		report_add_value(r, series, t->values[i] * scale);
}

void steps_report(const struct steps *s, const bool tracks[TRACKS], const uint64_t scale[TRACKS],
		  uint64_t end, struct report *r)
{
	struct table *t = report_add_table(r, "tracks", "What the series are", track_columns,
					   ARRAY_SIZE(track_columns));
	size_t i;

	for (i = 0; i < TRACKS; i++)
		if (tracks[i])
			report_track(s, i, scale[i], end, r, t);
	if (!t)
		return;
	t->rows_total = t->n_rows;
	t->empty = "nothing was traced that is shown over time";
}
