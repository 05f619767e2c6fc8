// SPDX-License-Identifier: GPL-2.0
/* kmscope faults: who takes page faults, where in memory, in which code, how often, and what they cost. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/faults_code.h"
#include "analyze/faults_gup.h"
#include "base/digits.h"
#include "base/vec.h"

#define ROWS_MANY    100
#define NOTED_SHARE  50 /* a fiftieth */
#define CHAINS_SHOWN 3 /* of a site, in text */

struct faults_analyzer {
	struct analyzer analyzer;
	struct analyzer_options options;
	struct faults faults;
};

#define WHAT_COLUMNS                                                                      \
	{ "minor", "MINOR", CELL_COUNT, 0, 0 }, { "major", "MAJOR", CELL_COUNT, 0, 0 },   \
		{ "gup", "GUP", CELL_COUNT, COLUMN_IF_SET, 0 },                           \
		{ "copied", "COPIED", CELL_COUNT, COLUMN_IF_SET, 1 },                     \
		{ "around", "AROUND", CELL_COUNT, COLUMN_IF_SET, 3 },                     \
		{ "huge", "HUGE", CELL_COUNT, COLUMN_IF_SET, 2 },                         \
		{ "swapped", "SWAP-IN", CELL_COUNT, COLUMN_IF_SET, 2 },                   \
		{ "reads", "READS", CELL_COUNT, COLUMN_IF_SET, 5 },                       \
		{ "writes", "WRITES", CELL_COUNT, COLUMN_IF_SET, 5 },                     \
		{ "executes", "EXECS", CELL_COUNT, COLUMN_IF_SET | COLUMN_JSON_ONLY, 6 }, \
	{                                                                                 \
		"in_kernel", "IN KERNEL", CELL_COUNT, COLUMN_IF_SET | COLUMN_JSON_ONLY, 4 \
	}

static const struct column total_columns[] = {
	{ "what", "FAULTS", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "faults", "COUNT", CELL_COUNT, 0, 0 },
	{ "rate", "RATE", CELL_FREQUENCY, 0, 0 },
	{ "p50_ns", "P50", CELL_NS, 0, 0 },
	{ "p99_ns", "P99", CELL_NS, 0, 0 },
	{ "max_ns", "MAX", CELL_NS, 0, 0 },
	{ "total_ns", "TIME", CELL_NS, 0, 0 },
	{ "timed", "TIMED", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
};

static const struct column kind_columns[] = {
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 0 },
	WHAT_COLUMNS,
};

static const struct column process_columns[] = {
	{ "pid", "PID", CELL_ID, COLUMN_IF_SET, 0 },
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 0 },
	{ "cgroup", "CGROUP", CELL_ID, COLUMN_IF_SET, 0 },
	{ "processes", "PROCS", CELL_COUNT, COLUMN_IF_SET, 0 },
	{ "minor", "MINOR", CELL_COUNT, 0, 0 },
	{ "major", "MAJOR", CELL_COUNT, 0, 0 },
	{ "gup", "GUP", CELL_COUNT, COLUMN_IF_SET, 1 },
	{ "rate", "RATE", CELL_FREQUENCY, 0, 0 },
	{ "p50_ns", "P50", CELL_NS, 0, 2 },
	{ "p99_ns", "P99", CELL_NS, 0, 0 },
	{ "max_ns", "MAX", CELL_NS, 0, 1 },
	{ "total_ns", "TIME", CELL_NS, 0, 0 },
	{ "in_kernel", "IN KERNEL", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
};

static const struct column region_columns[] = {
	{ "pid", "PID", CELL_ID, COLUMN_IF_SET, 0 },
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 0 },
	{ "cgroup", "CGROUP", CELL_ID, COLUMN_IF_SET, 0 },
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 0 },
	WHAT_COLUMNS,
	{ "path", "PATH", CELL_TEXT, COLUMN_LEFT, 0 },
};

static const struct column site_columns[] = {
	{ "symbol", "CODE", CELL_SITE, COLUMN_LEFT, 0 },
	{ "object", "OBJECT", CELL_MODULE, COLUMN_LEFT, 0 },
	{ "address", "ADDRESS", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "minor", "MINOR", CELL_COUNT, 0, 0 },
	{ "major", "MAJOR", CELL_COUNT, 0, 0 },
	{ "stacks", "STACKS", CELL_STACKS, COLUMN_SUBLINE, 0 },
};

static const struct column vmstat_columns[] = {
	{ "name", "IN /proc/vmstat", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "change", "CHANGE", CELL_COUNT, 0, 0 },
};

/* --- lifecycle -------------------------------------------------------------------------------------------- */

static void faults_analyzer_free(struct analyzer *a)
{
	faults_free(&((struct faults_analyzer *)a)->faults);
	free(a);
}

static struct analyzer *faults_create(const struct analyzer_options *o)
{
	struct faults_analyzer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->analyzer.ops = &faults_analyzer;
	a->options = *o;
	faults_init(&a->faults, o->by);
	return &a->analyzer;
}

static void faults_analyzer_consume(struct analyzer *a, const struct event_header *const *records,
				    size_t n)
{
	faults_consume(&((struct faults_analyzer *)a)->faults, records, n);
}

static uint32_t faults_analyzer_wonder(struct analyzer *a)
{
	return faults_wonder(&((struct faults_analyzer *)a)->faults);
}

static int faults_analyzer_code(struct analyzer *a,
				bool (*wanted)(void *arg, const struct report_object *o), void *arg,
				struct report *r)
{
	return faults_code(&((struct faults_analyzer *)a)->faults, wanted, arg, r);
}

/* Faults have no life: nothing is followed. */
static void faults_each_live(const struct analyzer *a _unused_,
			     void (*visit)(void *ctx, uint64_t ptr) _unused_, void *ctx _unused_)
{
}

/* --- what all tables have --------------------------------------------------------------------------------- */

/* What is filled in, and into which row. */
struct place {
	const struct faults *f;
	struct report *r;
	struct table *t;
	size_t at;
	uint64_t scale;
	double seconds;
};

static struct place place_row(const struct faults *f, struct report *r, struct table *t)
{
	uint64_t ns = r->end_ns > r->start_ns ? r->end_ns - r->start_ns : 0;

	return (struct place){
		.f = f,
		.r = r,
		.t = t,
		.at = report_add_row(r, t),
		.scale = MAX(f->stream.start.sample, 1u),
		.seconds = (double)ns / (double)NSEC_PER_SEC,
	};
}

static void set_scaled(const struct place *p, const char *column, uint64_t n)
{
	report_set_u64(p->r, p->t, p->at, column, n * p->scale);
}

static void set_classes(const struct place *p, const uint64_t n[FAULT_CLASSES])
{
	set_scaled(p, "minor", n[FAULT_CLASS_MINOR]);
	set_scaled(p, "major", n[FAULT_CLASS_MAJOR]);
}

static void set_what(const struct place *p, const struct fault_tally *t)
{
	static const struct {
		const char *column;
		uint32_t hooked;
		size_t offset;
	} hows[] = {
		{ "copied", HOOKED_COPIED | HOOKED_FAULT_ACCESS,
		  offsetof(struct fault_tally, copied) },
		{ "around", HOOKED_AROUND, offsetof(struct fault_tally, around) },
		{ "huge", HOOKED_HUGE, offsetof(struct fault_tally, huge) },
		{ "swapped", HOOKED_SWAP, offsetof(struct fault_tally, swap) },
		{ "writes", HOOKED_FAULT_ACCESS, offsetof(struct fault_tally, write) },
		{ "executes", HOOKED_FAULT_ACCESS, offsetof(struct fault_tally, exec) },
	};
	uint32_t hooked = p->f->stream.start.hooked;
	size_t i;

	set_classes(p, t->n);
	set_scaled(p, "in_kernel", t->kernel);
	/* regions know it only where calls are told, one by one */
	if (hooked & HOOKED_GUP)
		report_set_u64(p->r, p->t, p->at, "gup", t->gup[0] + t->gup[1]);
	for (i = 0; i < ARRAY_SIZE(hows); i++)
		if (hooked & hows[i].hooked)
			set_scaled(p, hows[i].column,
				   *(const uint64_t *)((const char *)t + hows[i].offset));
	if (hooked & HOOKED_FAULT_ACCESS)
		set_scaled(p, "reads", t->access - t->write - t->exec);
}

static void set_rate(const struct place *p, uint64_t n)
{
	if (p->seconds > 0)
		report_set_real(p->r, p->t, p->at, "rate",
				(double)n * (double)p->scale / p->seconds);
}

static void set_cost(const struct place *p, const struct spread *s)
{
	if (!s->n)
		return;
	report_set_u64(p->r, p->t, p->at, "p50_ns", spread_percentile(s, 50));
	report_set_u64(p->r, p->t, p->at, "p99_ns", spread_percentile(s, 99));
	report_set_u64(p->r, p->t, p->at, "max_ns", s->max);
	set_scaled(p, "total_ns", s->sum);
}

/* Who it is, in tables of rows. */
static void set_who(const struct place *p, const struct fault_row *row)
{
	if (row->pid)
		report_set_u64(p->r, p->t, p->at, "pid", row->pid);
	if (*row->comm)
		report_set_text(p->r, p->t, p->at, "comm", row->comm);
	if (p->f->by == LEDGER_BY_CGROUP)
		report_set_u64(p->r, p->t, p->at, "cgroup", row->key);
}

static void finish(struct table *t, const char *by, size_t top, const char *empty)
{
	if (!t)
		return;
	t->rows_total = t->n_rows;
	t->empty = empty;
	report_table_sort(t, by);
	report_table_truncate(t, top);
}

/* --- tables ----------------------------------------------------------------------------------------------- */

static void report_totals(const struct faults *f, const struct faults_gup *gup, struct report *r)
{
	static const char *const names[] = { "minor", "major" };
	struct table *t = report_add_table(r, "totals", "How many, how often, and what they cost",
					   total_columns, ARRAY_SIZE(total_columns));
	struct place p;
	size_t class;

	for (class = 0; class < FAULT_CLASSES; class ++) {
		p = place_row(f, r, t);
		report_set_text(r, t, p.at, "what", names[class]);
		set_scaled(&p, "faults", f->tally.n[class]);
		set_rate(&p, f->tally.n[class]);
		set_cost(&p, &f->cost[class]);
		set_scaled(&p, "timed", f->cost[class].n);
	}
	if (gup->known) {
		p = place_row(f, r, t);
		p.scale = 1;
		report_set_text(r, t, p.at, "what", "gup");
		set_scaled(&p, "faults", f->tally.gup[0] + f->tally.gup[1]);
		set_rate(&p, f->tally.gup[0] + f->tally.gup[1]);
	}
	if (t)
		t->rows_total = t->n_rows;
}

static void report_kinds(const struct faults *f, struct report *r)
{
	struct fault_tally sums[REGION_KINDS] = { 0 };
	const struct fault_region *region;
	struct table *t = report_add_table(r, "kinds", "Where in memory", kind_columns,
					   ARRAY_SIZE(kind_columns));
	size_t kind, i;

	vec_for_each(&f->regions, region)
		for (i = 0; i < sizeof(struct fault_tally) / sizeof(uint64_t); i++)
			((uint64_t *)&sums[region->kind])[i] +=
				((const uint64_t *)&region->tally)[i];
	for (kind = 0; kind < REGION_KINDS; kind++) {
		const struct fault_tally *sum = &sums[kind];
		struct place p;

		if (!(sum->n[0] + sum->n[1] + sum->gup[0] + sum->gup[1]))
			continue;
		p = place_row(f, r, t);
		report_set_text(r, t, p.at, "kind", region_kind_names[kind]);
		set_what(&p, sum);
	}
	finish(t, "minor", 0, "no faults");
}

static uint64_t tally_sum(const struct fault_tally *t)
{
	return t->n[0] + t->n[1] + t->gup[0] + t->gup[1];
}

static int compare_rows(const void *a, const void *b)
{
	const struct fault_row *x = *(const struct fault_row *const *)a;
	const struct fault_row *y = *(const struct fault_row *const *)b;
	uint64_t n = tally_sum(&x->tally), m = tally_sum(&y->tally);

	return n != m ? CMP(m, n) : CMP(x, y);
}

static int report_processes(const struct faults_analyzer *a, const struct faults_gup *gup,
			    struct report *r)
{
	const struct faults *f = &a->faults;
	_cleanup_free_ const struct fault_row **rows =
		calloc(MAX(f->rows.n, (size_t)1), sizeof(*rows));
	struct table *t;
	size_t i;

	if (!rows)
		return -ENOMEM;
	for (i = 0; i < f->rows.n; i++)
		rows[i] = &f->rows.items[i];
	qsort(rows, f->rows.n, sizeof(const struct fault_row *), compare_rows);
	t = report_add_table(r, "processes", "Who took them, most first", process_columns,
			     ARRAY_SIZE(process_columns));
	for (i = 0; i < f->rows.n && (!a->options.top || i < a->options.top); i++) {
		const struct fault_row *row = rows[i];
		struct place p = place_row(f, r, t);

		set_who(&p, row);
		if (row->processes > 1 || f->by != LEDGER_BY_PID)
			report_set_u64(r, t, p.at, "processes", row->processes);
		set_classes(&p, row->tally.n);
		if (faults_gup_of_row(gup, (size_t)(row - f->rows.items)))
			report_set_u64(r, t, p.at, "gup", row->tally.gup[0] + row->tally.gup[1]);
		set_rate(&p, row->tally.n[0] + row->tally.n[1]);
		set_cost(&p, &row->cost);
		set_scaled(&p, "in_kernel", row->tally.kernel);
	}
	if (!t)
		return -ENOMEM;
	t->rows_total = f->rows.n;
	t->empty = "nobody";
	return 0;
}

static int compare_regions(const void *a, const void *b)
{
	const struct fault_region *x = *(const struct fault_region *const *)a;
	const struct fault_region *y = *(const struct fault_region *const *)b;
	uint64_t n = tally_sum(&x->tally), m = tally_sum(&y->tally);

	return n != m ? CMP(m, n) : CMP(x, y);
}

/* «//anon» stands for no name. */
static const char *shown_path(const struct faults *f, uint32_t object)
{
	const char *path = object == SPACES_NONE ? NULL : f->spaces.objects.items[object].path;

	return path && strcmp(path, "//anon") ? path : NULL;
}

static int report_regions(const struct faults_analyzer *a, struct report *r)
{
	const struct faults *f = &a->faults;
	_cleanup_free_ const struct fault_region **regions =
		calloc(MAX(f->regions.n, (size_t)1), sizeof(*regions));
	struct table *t;
	size_t n = 0, i;

	if (!regions)
		return -ENOMEM;
	/* what was unknown may have become known */
	for (i = 0; i < f->regions.n; i++)
		if (tally_sum(&f->regions.items[i].tally))
			regions[n++] = &f->regions.items[i];
	qsort(regions, n, sizeof(const struct fault_region *), compare_regions);
	t = report_add_table(r, "regions", "Whose memory they were about, most first",
			     region_columns, ARRAY_SIZE(region_columns));
	for (i = 0; i < n && (!a->options.top || i < a->options.top); i++) {
		struct place p = place_row(f, r, t);

		if (regions[i]->row != SPACES_NONE)
			set_who(&p, &f->rows.items[regions[i]->row]);
		report_set_text(r, t, p.at, "kind", region_kind_names[regions[i]->kind]);
		set_what(&p, &regions[i]->tally);
		report_set_text(r, t, p.at, "path", shown_path(f, regions[i]->object));
	}
	if (!t)
		return -ENOMEM;
	t->rows_total = n;
	t->empty = "none";
	return 0;
}

/* --- code --------------------------------------------------------------------------------------------------- */

static void add_chain(const struct faults *f, struct faults_named *names,
		      const struct fault_chain *c, const struct place *p)
{
	const struct fault_site *site = &f->sites.items[c->site];
	uint64_t frames[EVENT_STACK_DEPTH + 1], all = site->n[0] + site->n[1];
	struct stack_share share = { .estimated = site->chains != all || p->scale > 1 };
	uint32_t i;

	for (i = 0; i < c->n; i++)
		frames[i] = faults_code_of(f, names, c->frames[i].object, c->frames[i].ip, p->r);
	share.stack = report_add_stack(p->r, frames, c->n);
	share.objects = all * p->scale * c->count / MAX(site->chains, (uint64_t)1);
	report_add_share(p->r, p->t, p->at, "stacks", share);
}

static int compare_sites(const void *a, const void *b)
{
	const struct fault_site *x = *(const struct fault_site *const *)a;
	const struct fault_site *y = *(const struct fault_site *const *)b;
	uint64_t n = x->n[0] + x->n[1], m = y->n[0] + y->n[1];

	return n != m ? CMP(m, n) : CMP(x, y);
}

static int compare_chains(const void *a, const void *b)
{
	const struct fault_chain *x = *(const struct fault_chain *const *)a;
	const struct fault_chain *y = *(const struct fault_chain *const *)b;

	if (x->site != y->site)
		return CMP(x->site, y->site);
	return x->count != y->count ? CMP(y->count, x->count) : CMP(x, y);
}

/* The first of @n chains in order that is of @site; @n: none. */
static size_t chains_of(const struct fault_chain *const *chains, size_t n, uint32_t site)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (chains[middle]->site < site)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int report_sites(const struct faults_analyzer *a, struct report *r)
{
	const struct faults *f = &a->faults;
	size_t n = f->sites.n, n_chains = f->chains.n, i, k, first;
	_cleanup_free_ const struct fault_site **sites = calloc(n + 1, sizeof(*sites));
	_cleanup_free_ const struct fault_chain **chains = calloc(n_chains + 1, sizeof(*chains));
	_cleanup_free_ uint32_t *numbers = calloc(f->spaces.objects.n + 1, sizeof(*numbers));
	struct faults_named names = { .numbers = numbers };
	struct table *t;

	if (!sites || !chains || !numbers)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		sites[i] = &f->sites.items[i];
	for (i = 0; i < n_chains; i++)
		chains[i] = &f->chains.items[i];
	qsort(sites, n, sizeof(const struct fault_site *), compare_sites);
	qsort(chains, n_chains, sizeof(const struct fault_chain *), compare_chains);
	t = report_add_table(r, "sites", "Which code took them, most first", site_columns,
			     ARRAY_SIZE(site_columns));
	for (i = 0; i < n && (!a->options.top || i < a->options.top); i++) {
		const struct fault_site *site = sites[i];
		uint32_t number = (uint32_t)(site - f->sites.items);
		struct place p = place_row(f, r, t);
		uint64_t code = faults_code_of(f, &names, site->object, site->ip, r);

		report_set_u64(r, t, p.at, "symbol", code);
		report_set_u64(r, t, p.at, "object", code);
		report_set_u64(r, t, p.at, "address", site->ip);
		set_classes(&p, site->n);
		first = chains_of(chains, n_chains, number);
		for (k = first; k < n_chains && chains[k]->site == number &&
				(a->options.all || k < first + CHAINS_SHOWN);
		     k++)
			add_chain(f, &names, chains[k], &p);
	}
	if (!t)
		return -ENOMEM;
	t->rows_total = n;
	t->noun = "fault";
	t->empty = "none";
	return 0;
}

/* --- time, and what the kernel counted ---------------------------------------------------------------------- */

static void report_times(const struct faults *f, struct report *r)
{
	struct histogram *h =
		report_add_histogram(r, "cost", "What a fault cost", "class", CELL_NS);
	uint64_t scale = MAX(f->stream.start.sample, 1u);

	durations_report(f->durations[FAULT_CLASS_MINOR], scale, 0, "minor faults", r, h);
	durations_report(f->durations[FAULT_CLASS_MAJOR], scale, 1, "major faults", r, h);
}

/* The last step is shorter than the others, unless there is no other. */
static void report_series(const struct faults_analyzer *a, struct report *r)
{
	const struct faults *f = &a->faults;
	static const char *const names[] = { "minor", "major" };
	static const char *const titles[] = { "minor faults a second", "major faults a second" };
	uint64_t ns = r->end_ns > r->start_ns ? r->end_ns - r->start_ns : 0;
	size_t steps = MIN((size_t)(ns / f->step_ns), (size_t)FAULTS_STEPS), class, i;

	for (class = 0; class < FAULT_CLASSES && steps; class ++) {
		struct series *s;

		if (!f->tally.n[class] && !a->options.all)
			continue;
		s = report_add_series(r, names[class], titles[class], CELL_COUNT, r->start_ns,
				      f->step_ns);
		for (i = 0; i < steps; i++)
			report_add_value(r, s,
					 f->steps[class][i] * MAX(f->stream.start.sample, 1u) *
						 NSEC_PER_SEC / f->step_ns);
	}
}

static uint64_t vmstat_change(const struct faults *f, enum vmstat_item item)
{
	uint64_t before = f->start.items[item], after = f->end.items[item];

	if (before == UINT64_MAX || after == UINT64_MAX || after < before)
		return UINT64_MAX;
	return after - before;
}

static void report_vmstat(const struct faults_analyzer *a, struct report *r)
{
	const struct faults *f = &a->faults;
	struct table *t;
	size_t i;

	if (!f->start.known || !f->end.known || f->stream.start.selected)
		return;
	t = report_add_table(r, "vmstat", "What the kernel counted meanwhile, of all",
			     vmstat_columns, ARRAY_SIZE(vmstat_columns));
	for (i = 0; i < VMSTAT_ITEMS; i++) {
		uint64_t change = vmstat_change(f, (enum vmstat_item)i);
		size_t at;

		if (change == UINT64_MAX || (!change && !a->options.all))
			continue;
		at = report_add_row(r, t);
		report_set_text(r, t, at, "name", vmstat_names[i]);
		report_set_u64(r, t, at, "change", change);
	}
	if (t)
		t->rows_total = t->n_rows;
}

static void set_quality(const struct faults *f, const struct faults_gup *gup, struct quality *q)
{
	uint64_t change, told = f->end.told - f->start.told + f->gup_counted;

	q->maps_lost = f->spaces.lost + f->spaces.left_out;
	if (gup->known)
		q->gup = f->tally.gup[0] + f->tally.gup[1];
	if (!f->start.known || !f->end.known || f->stream.start.selected ||
	    f->stream.start.sample > 1 || !gup->known)
		return;
	change = vmstat_change(f, VMSTAT_FAULTS);
	if (change == UINT64_MAX)
		return;
	/* what came while /proc/vmstat was read may be in it or not, at the start and at the end */
	q->faults_unexplained = 0;
	if (change > told + f->start.unsure)
		q->faults_unexplained = change - told - f->start.unsure;
	else if (told > change + f->end.unsure)
		q->faults_unexplained = told - change - f->end.unsure;
}

static uint64_t faults_in_unknown(const struct faults *f)
{
	const struct fault_region *region;
	uint64_t n = 0;

	vec_for_each(&f->regions, region)
		if (region->kind == REGION_UNKNOWN)
			n += tally_sum(&region->tally);
	return n;
}

static void add_notes(const struct faults *f, const struct faults_gup *gup, struct report *r)
{
	uint32_t hooked = f->stream.start.hooked;
	uint64_t unknown = hooked & HOOKED_MAPS ? faults_in_unknown(f) : 0;
	uint64_t all = tally_sum(&f->tally);

	if (f->stream.start.sample > 1)
		report_add_note(r,
				"one fault in %u was looked at, on each CPU: numbers are estimates",
				f->stream.start.sample);
	faults_gup_note(gup, f, r);
	if (!(hooked & HOOKED_MAPS))
		report_add_note(r, "what is mapped in processes is not known here: regions are "
				   "unknown, code has no names");
	if (unknown * NOTED_SHARE > all && unknown)
		report_add_note(r,
				"%s faults hit memory that nothing told of: mremap(), with which "
				"realloc() moves large blocks, raises no event",
				digits_grouped(unknown * MAX(f->stream.start.sample, 1u)).s);
	if (f->by == LEDGER_BY_PID && f->rows.n > ROWS_MANY)
		report_add_note(r, "%s processes and programs: --by comm counts them by name",
				digits_grouped(f->rows.n).s);
	if (f->spaces.lost)
		report_add_note(
			r,
			"%s records of processes and mappings were lost: regions told before "
			"the next look at /proc may be another program's, and what "
			"get_user_pages() took of processes whose end was lost is missing",
			digits_grouped(f->spaces.lost).s);
	if (f->spaces.left_out)
		report_add_note(r, "%s mappings had no room: what lies there is unknown",
				digits_grouped(f->spaces.left_out).s);
	if (f->rows_full)
		report_add_note(r,
				"more than %s processes and names: later ones are counted by name",
				digits_grouped(FAULTS_ROWS_MAX).s);
	if (f->names_full)
		report_add_note(r, "more than %s names: later ones are in one row",
				digits_grouped(FAULTS_NAMES_MAX).s);
	if (f->regions_full)
		report_add_note(r, "more than %s regions: later ones are counted by kind",
				digits_grouped(FAULTS_REGIONS_MAX).s);
	if (f->sites_full)
		report_add_note(r, "more than %s places in code: later ones are in no row",
				digits_grouped(FAULTS_SITES_MAX).s);
}

static int faults_report(struct analyzer *analyzer, struct report *r)
{
	const struct faults_analyzer *a = (const struct faults_analyzer *)analyzer;
	_cleanup_(faults_gup_free) struct faults_gup gup = { 0 };
	const struct faults *f = &a->faults;
	int err = stream_describe(&f->stream, r);

	if (!err)
		err = faults_gup_look(&gup, f, r);
	if (err)
		return err;
	set_quality(f, &gup, &r->quality);
	report_totals(f, &gup, r);
	report_kinds(f, r);
	err = report_processes(a, &gup, r);
	if (!err)
		err = report_regions(a, r);
	if (!err)
		err = report_sites(a, r);
	if (err)
		return err;
	report_vmstat(a, r);
	report_times(f, r);
	report_series(a, r);
	add_notes(f, &gup, r);
	return r->oom || f->spaces.oom ? -ENOMEM : 0;
}

const struct analyzer_ops faults_analyzer = {
	.name = "faults",
	.create = faults_create,
	.consume = faults_analyzer_consume,
	.report = faults_report,
	.each_live = faults_each_live,
	.wonder = faults_analyzer_wonder,
	.code = faults_analyzer_code,
	.free = faults_analyzer_free,
};
