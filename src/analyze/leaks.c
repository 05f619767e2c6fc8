// SPDX-License-Identifier: GPL-2.0
/* kmscope leaks: what was allocated and not freed since. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/rows.h"
#include "base/digits.h"
#include "base/vec.h"

#define LEAKS_COLUMNS                                                                             \
	{ "cache", "CACHE", CELL_TEXT, COLUMN_LEFT, 3 },                                          \
		{ "objects", "OBJECTS", CELL_COUNT, 0, 0 },                                       \
		{ "bytes", "BYTES", CELL_BYTES, 0, 0 }, { "oldest_ns", "OLDEST", CELL_NS, 0, 2 }, \
		{ "youngest_ns", "YOUNGEST", CELL_NS, 0, 4 },                                     \
		{ "growth_bps", "GROWTH", CELL_RATE, COLUMN_IF_SET, 1 },                          \
		{ "confidence", "CONFIDENCE", CELL_PERCENT, COLUMN_JSON_ONLY, 0 },                \
		{ "frees_seen", "", CELL_BOOL, COLUMN_JSON_ONLY, 0 },                             \
		{ "verdict", "VERDICT", CELL_TEXT, COLUMN_JSON_ONLY, 0 },                         \
		{ "error_pct", "±", CELL_PERCENT, COLUMN_IF_SET, 0 },                             \
		{ "evidence", "", CELL_TEXTS, COLUMN_SUBLINE, 0 },                                \
	{                                                                                         \
		"stacks", "STACKS", CELL_STACKS, COLUMN_SUBLINE, 0                                \
	}

static const struct column site_columns[] = { ROW_NAME_COLUMNS, LEAKS_COLUMNS };
static const struct column group_columns[] = { ROW_GROUP_COLUMNS, LEAKS_COLUMNS };

static const struct column object_columns[] = {
	{ "address", "ADDRESS", CELL_ADDRESS, 0, 0 },
	{ "site", "CALL SITE", CELL_SITE, COLUMN_LEFT, 0 },
	{ "site_address", "", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "bytes", "BYTES", CELL_BYTES, 0, 0 },
	{ "age_ns", "AGE", CELL_NS, 0, 0 },
	{ "pid", "PID", CELL_ID, 0, 1 },
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT, 2 },
	{ "stack", "STACK", CELL_ID, COLUMN_JSON_ONLY, 0 },
	{ "rcu_pending", "RCU", CELL_BOOL, COLUMN_JSON_ONLY, 0 },
};

/* What is live in one row, at the age asked for. */
struct leaks_line {
	uint64_t objects, bytes;
	bool unknown; /* some of it has a cache whose sizes are not known */
	uint64_t oldest, youngest; /* times */
	uint32_t cache; /* LEDGER_NONE: several */
	struct ledger_sums sums; /* of the whole run */
	uint64_t implied;
};

static struct analyzer *leaks_create(const struct analyzer_options *o)
{
	return ledger_analyzer_create(&leaks_analyzer, o);
}

/* Objects allocated after this are too young to be listed. */
static uint64_t leaks_cutoff(const struct ledger_analyzer *k, const struct report *r)
{
	return r->end_ns > k->options.min_age_ns ? r->end_ns - k->options.min_age_ns : 0;
}

static bool object_counts(const struct ledger_object *o, uint64_t cutoff)
{
	return o->ptr && o->group != LEDGER_NONE && o->time <= cutoff;
}

static void lines_fill(const struct ledger *l, uint64_t cutoff, struct leaks_line *lines)
{
	const struct ledger_object *o;
	const struct ledger_group *g;

	vec_for_each(&l->groups, g) {
		ledger_group_sums(l, g, &lines[g->row].sums);
		lines[g->row].implied += g->implied;
	}
	vec_for_each(&l->objects, o) {
		struct leaks_line *line;

		if (!object_counts(o, cutoff))
			continue;
		g = &l->groups.items[o->group];
		line = &lines[g->row];
		if (!line->objects) {
			line->oldest = line->youngest = o->time;
			line->cache = g->cache;
		}
		if (line->cache != g->cache)
			line->cache = LEDGER_NONE;
		line->oldest = MIN(line->oldest, o->time);
		line->youngest = MAX(line->youngest, o->time);
		line->objects++;
		line->bytes += l->caches.items[g->cache].slab_size;
		line->unknown |= !l->caches.items[g->cache].known;
	}
}

/* What speaks for and against a leak, in words. Numbers are of the whole run. */
static void set_evidence(const struct ledger *l, const struct leaks_line *line, struct report *r,
			 struct table *t, size_t at)
{
	struct digits allocs = digits_grouped(rows_scale(l, line->sums.allocs));
	struct digits frees = digits_grouped(rows_scale(l, line->sums.frees));

	if (line->sums.allocs == 1)
		report_add_text(r, t, at, "evidence", "the only allocation here");
	else if (!line->sums.frees)
		report_add_text(r, t, at, "evidence", "none of %s allocations was freed", allocs.s);
	else
		report_add_text(r, t, at, "evidence", "%s of %s allocations were freed", frees.s,
				allocs.s);
	/* such objects only look as if they leaked until their address is used again */
	if (ledger_frees_unseen(line->sums.frees, line->implied))
		report_add_text(r, t, at, "evidence",
				"%s of these frees were not seen: objects of this site are freed "
				"by a way that fires no event, as kfree_rcu() or a bulk free",
				digits_grouped(rows_scale(l, line->implied)).s);
	else if (line->implied)
		report_add_text(r, t, at, "evidence",
				"%s of these frees were not seen: in an interrupt that nested in a "
				"probe, or by a way that fires no event",
				digits_grouped(rows_scale(l, line->implied)).s);
}

static void set_line(const struct ledger *l, const struct ledger_row *row,
		     const struct leaks_line *line, struct report *r, struct table *t, size_t at)
{
	double real;

	rows_set_name(l, row, r, t, at);
	if (line->cache != LEDGER_NONE && l->caches.items[line->cache].name[0])
		report_set_text(r, t, at, "cache", l->caches.items[line->cache].name);
	report_set_u64(r, t, at, "objects", rows_scale(l, line->objects));
	if (!line->unknown)
		report_set_u64(r, t, at, "bytes", rows_scale(l, line->bytes));
	report_set_u64(r, t, at, "oldest_ns", r->end_ns - line->oldest);
	report_set_u64(r, t, at, "youngest_ns", r->end_ns - line->youngest);
	if (ledger_growth(l, row, &real))
		report_set_real(r, t, at, "growth_bps", real * (double)rows_scale(l, 1));
	if (rows_error_pct(l, line->objects, &real))
		report_set_real(r, t, at, "error_pct", real);
	report_set_u64(r, t, at, "frees_seen",
		       !ledger_frees_unseen(line->sums.frees, line->implied));
	report_set_text(r, t, at, "verdict", "candidate");
	set_evidence(l, line, r, t, at);
}

/* What it means that there are no candidates. */
static const char *candidates_none(const struct ledger_analyzer *k)
{
	if (!k->ledger.stream.quality.allocs)
		return "no slab allocations were seen";
	if (k->options.min_age_ns)
		return "nothing that was allocated since the start has lived that long";
	return "everything that was allocated since the start has been freed";
}

static int report_candidates(const struct ledger_analyzer *k, struct report *r)
{
	const struct ledger *l = &k->ledger;
	_cleanup_free_ struct leaks_line *lines = calloc(l->rows.n + 1, sizeof(*lines));
	_cleanup_(rows_shares_free) struct rows_shares *shares = NULL;
	uint64_t cutoff = leaks_cutoff(k, r);
	bool by_site = l->by == LEDGER_BY_SITE;
	struct table *t;
	size_t i;
	int err = 0;

	if (k->options.stacks)
		shares = rows_shares_new(l, cutoff);
	if (!lines || (k->options.stacks && !shares))
		return -ENOMEM;
	lines_fill(l, cutoff, lines);
	t = report_add_table(r, "candidates", "Allocated since the start, and no free seen",
			     by_site ? site_columns : group_columns,
			     by_site ? ARRAY_SIZE(site_columns) : ARRAY_SIZE(group_columns));
	for (i = 0; t && i < l->rows.n; i++) {
		size_t at;

		if (!lines[i].objects)
			continue;
		at = report_add_row(r, t);
		set_line(l, &l->rows.items[i], &lines[i], r, t, at);
		if (shares && at != SIZE_MAX)
			rows_add_shares(shares, l, (uint32_t)i, rows_scale(l, lines[i].objects),
					rows_scale(l, lines[i].bytes), r, t, at);
	}
	if (t) {
		t->empty = candidates_none(k);
		/* first what may well have leaked, then what only looks like it */
		report_table_sort(t, "bytes");
		report_table_sort(t, "frees_seen");
		report_table_truncate(t, k->options.top);
	}
	return err;
}

static void report_objects(const struct ledger_analyzer *k, struct report *r)
{
	const struct ledger *l = &k->ledger;
	uint64_t cutoff = leaks_cutoff(k, r);
	const struct ledger_object *o;
	struct table *t = report_add_table(r, "objects", "Objects", object_columns,
					   ARRAY_SIZE(object_columns));
	char comm[64];

	vec_for_each(&l->objects, o) {
		const struct ledger_group *g;
		size_t at;

		if (!object_counts(o, cutoff))
			continue;
		g = &l->groups.items[o->group];
		at = report_add_row(r, t);
		report_set_u64(r, t, at, "address", o->ptr);
		report_set_u64(r, t, at, "site", g->site);
		report_set_u64(r, t, at, "site_address", g->site);
		if (l->caches.items[g->cache].known)
			report_set_u64(r, t, at, "bytes", l->caches.items[g->cache].slab_size);
		report_set_u64(r, t, at, "age_ns", r->end_ns > o->time ? r->end_ns - o->time : 0);
		report_set_u64(r, t, at, "pid", o->pid);
		report_set_text(r, t, at, "comm",
				stream_comm(&l->stream, u64map_get(&l->stream.pid_task, o->pid),
					    comm));
		if (o->stack >= 0 && (size_t)o->stack < l->stream.stacks.n)
			report_set_u64(r, t, at, "stack", rows_add_stack(l, (uint32_t)o->stack, r));
	}
	if (!t)
		return;
	t->empty = "none";
	report_table_sort(t, "age_ns");
	report_table_truncate(t, k->options.top);
}

/* A free that was lost or missed leaves an object that only looks as if it leaked. */
static void note_unseen_frees(const struct ledger *l, struct report *r)
{
	const struct event_counters *c;
	uint64_t unseen = r->quality.recursion_misses;

	if (unseen == QUALITY_UNKNOWN)
		unseen = 0;
	vec_for_each(&l->stream.counters, c)
		unseen += c->lost[1];
	if (unseen)
		report_add_note(r,
				"frees lost or missed: at most %s; as many objects may be listed "
				"although they were freed",
				digits_grouped(unseen).s);
}

static int leaks_report(struct analyzer *a, struct report *r)
{
	struct ledger_analyzer *k = (struct ledger_analyzer *)a;
	int err;

	err = stream_describe(&k->ledger.stream, r);
	if (!err)
		err = report_candidates(k, r);
	if (!err && k->options.objects)
		report_objects(k, r);
	if (!err && k->options.min_age_ns)
		report_add_note(r, "objects younger than %.3g s are left out (--min-age)",
				(double)k->options.min_age_ns / (double)NSEC_PER_SEC);
	if (!err)
		note_unseen_frees(&k->ledger, r);
	return err ? err : r->oom ? -ENOMEM : 0;
}

const struct analyzer_ops leaks_analyzer = {
	.name = "leaks",
	.create = leaks_create,
	.consume = ledger_analyzer_consume,
	.report = leaks_report,
	.each_live = ledger_analyzer_each_live,
	.free = ledger_analyzer_free,
};
