// SPDX-License-Identifier: GPL-2.0
/* kmscope diff: what changed between two runs. */
#include "analyze/diff.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyze/diff_notes.h"
#include "analyze/diff_rows.h"
#include "base/vec.h"

static const struct column run_columns[] = {
	{ "run", "RUN", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "name", "NAME", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "kernel", "KERNEL", CELL_TEXT, COLUMN_LEFT, 1 },
	{ "arch", "ARCH", CELL_TEXT, COLUMN_LEFT, 2 },
	{ "page_size", "PAGE", CELL_BYTES, COLUMN_JSON_ONLY, 0 },
	{ "start_wall_ns", "", CELL_NS, COLUMN_JSON_ONLY, 0 },
	{ "duration_ns", "TOOK", CELL_NS, 0, 0 },
	{ "lost", "LOST", CELL_COUNT, COLUMN_IF_SET, 0 },
	{ "missed", "MISSED", CELL_COUNT, COLUMN_IF_SET, 0 },
	{ "sample", "ONE IN", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
	{ "selection", "selection", CELL_TEXT, COLUMN_SUBLINE, 0 },
};

static const struct column total_columns[] = {
	{ "name", "IN ALL", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "unit", "", CELL_TEXT, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	{ "before", "BEFORE", CELL_COUNT, 0, 0 },
	{ "expected", "EXPECTED", CELL_COUNT, COLUMN_TEXT_ONLY | COLUMN_IF_SET, 1 },
	{ "after", "AFTER", CELL_COUNT, 0, 0 },
	{ "before_rate", "BEFORE/S", CELL_FREQUENCY, COLUMN_JSON_ONLY, 0 },
	{ "after_rate", "AFTER/S", CELL_FREQUENCY, COLUMN_JSON_ONLY, 0 },
	{ "change", "CHANGE", CELL_CHANGE, 0, 0 },
	{ "change_pct", "%", CELL_PERCENT, COLUMN_IF_SET, 0 },
	{ "row", "", CELL_TEXT, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	{ "row_before", "", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
	{ "row_after", "", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
	{ "row_change", "", CELL_CHANGE, COLUMN_JSON_ONLY, 0 },
	{ "row_change_pct", "", CELL_PERCENT, COLUMN_JSON_ONLY, 0 },
};

/* One run against the other. */
struct differ {
	const struct diff_side *before, *after;
	const struct diff_options *options;
	struct report *report;
	size_t totals; /* its number among the report's tables */
	struct diff_times times;
	struct diff_findings findings;
};

/* --- changes ---------------------------------------------------------------------------------------- */

struct change {
	struct diff_amount before, after;
	bool known; /* both are, and so is what follows */
	double expected; /* .before over as long as the second run took */
	int64_t change;
};

static int64_t nearest(double v)
{
	if (v >= 0x1p63)
		return INT64_MAX;
	if (v <= -0x1p63)
		return INT64_MIN;
	return (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
}

static int64_t difference(uint64_t after, uint64_t before)
{
	uint64_t size = after > before ? after - before : before - after;

	size = MIN(size, (uint64_t)INT64_MAX);
	return after > before ? (int64_t)size : -(int64_t)size;
}

static struct change change_of(const struct differ *d, enum diff_kind kind,
			       struct diff_amount before, struct diff_amount after)
{
	struct change c = { .before = before, .after = after };

	c.known = before.known && after.known;
	if (!c.known)
		return c;
	c.expected = (double)before.n;
	c.change = difference(after.n, before.n);
	if (kind == DIFF_COUNTER && d->times.scaled) {
		c.expected *= d->times.factor;
		c.change = nearest((double)after.n - c.expected);
	}
	return c;
}

static double change_pct(const struct change *c)
{
	return 100 * (double)c->change / c->expected;
}

static const char *status_of(const struct change *c)
{
	if (!c->known)
		return NULL;
	if (!c->change)
		return "same";
	if (!c->before.n)
		return "new";
	if (!c->after.n)
		return "gone";
	return c->change > 0 ? "grew" : "shrank";
}

static uint64_t size_of(int64_t change)
{
	return change < 0 ? 0 - (uint64_t)change : (uint64_t)change;
}

/* Where a row of a table of the diff is filled in. */
struct target {
	const struct differ *d;
	struct table *t;
	size_t at;
};

/* A number of @unit in a column that takes it or a count of the same sign. */
static void set_number(const struct target *to, const char *column, uint64_t v, enum cell_type unit)
{
	report_set_u64(to->d->report, to->t, to->at, column, v);
	if (to->t && to->at != SIZE_MAX)
		table_cell(to->t, to->at, column)->type = unit;
}

static void set_change(const struct target *to, const struct diff_metric *m, const struct change *c)
{
	const struct diff_times *times = &to->d->times;
	struct report *r = to->d->report;
	bool rates = m->kind == DIFF_COUNTER && times->rates;

	if (c->before.known)
		set_number(to, "before", c->before.n, m->unit);
	if (c->after.known)
		set_number(to, "after", c->after.n, m->unit);
	if (rates && c->before.known)
		report_set_real(r, to->t, to->at, "before_rate",
				(double)c->before.n / times->before);
	if (rates && c->after.known)
		report_set_real(r, to->t, to->at, "after_rate", (double)c->after.n / times->after);
	if (!c->known)
		return;
	if (m->kind == DIFF_COUNTER && times->scaled)
		set_number(to, "expected", (uint64_t)nearest(c->expected), m->unit);
	report_set_i64(r, to->t, to->at, "change", c->change);
	if (m->unit == CELL_BYTES && to->t && to->at != SIZE_MAX)
		table_cell(to->t, to->at, "change")->type = CELL_DELTA;
	if (c->before.n)
		report_set_real(r, to->t, to->at, "change_pct", change_pct(c));
}

/* --- rows ------------------------------------------------------------------------------------------- */

/* A row of the diff. */
struct line {
	const struct diff_pair *pair;
	struct change change;
};

/* The largest changes first, then those that are not known; equal ones by their keys. */
static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	uint64_t n = size_of(x->change.change), m = size_of(y->change.change);

	if (x->change.known != y->change.known)
		return x->change.known ? -1 : 1;
	return n != m ? CMP(m, n) : CMP(x->pair, y->pair);
}

/* A key in words; NULL: it is not known. The caller frees it. */
static int key_text(const struct diff_key *k, char **ret)
{
	int n = 0;

	*ret = NULL;
	if (k->kind == DIFF_KEY_NUMBER)
		n = asprintf(ret, "%" PRIu64, k->number);
	else if (k->kind == DIFF_KEY_ADDRESS)
		n = asprintf(ret, "0x%" PRIx64, k->number);
	else if (k->kind == DIFF_KEY_TEXT)
		n = (*ret = strndup(k->text, k->n)) ? 0 : -1;
	if (n < 0)
		*ret = NULL; /* undefined after a failure */
	return n < 0 ? -ENOMEM : 0;
}

static void set_keys(const struct target *to, const struct diff_keys *keys,
		     const struct diff_pair *p)
{
	const struct diff_row *row = p->after ? p->after : p->before;
	struct report *r = to->d->report;
	size_t i;

	for (i = 0; i < keys->n; i++) {
		_cleanup_free_ char *text = NULL;
		const struct column *c = &keys->columns[i];

		if (c->type == CELL_ID && row->keys[i].kind == DIFF_KEY_NUMBER)
			report_set_u64(r, to->t, to->at, c->name, row->keys[i].number);
		if (c->type == CELL_ID)
			continue;
		if (key_text(&row->keys[i], &text))
			r->oom = true;
		report_set_text(r, to->t, to->at, c->name, text);
	}
	if (p->moved) {
		_cleanup_free_ char *text = NULL;

		if (key_text(&p->before->keys[0], &text))
			r->oom = true;
		report_set_text(r, to->t, to->at, "before_site", text);
	}
}

static void add_table(struct differ *d, const struct diff_metric *m, const struct line *lines,
		      size_t n)
{
	size_t i, top = d->options->top ? MIN(n, d->options->top) : n;
	struct target to = { .d = d };

	if (!d->options->all && (!n || m->flags & DIFF_JSON_ONLY))
		return;
	to.t = report_add_table(d->report, m->table, m->title, m->keys->columns,
				m->keys->n_columns);
	for (i = 0; i < top; i++) {
		to.at = report_add_row(d->report, to.t);
		set_keys(&to, m->keys, lines[i].pair);
		set_change(&to, m, &lines[i].change);
		report_set_text(d->report, to.t, to.at, "status", status_of(&lines[i].change));
	}
	if (to.t)
		to.t->rows_total = n;
}

/* What there is to say of a row: nothing if it is 0 in both, and to people only what changed. */
static bool line_counts(struct differ *d, const struct diff_metric *m, const struct change *c)
{
	if (!c->known)
		return true;
	if (!c->before.n && !c->after.n)
		return false;
	if (c->change || d->options->all)
		return true;
	d->findings.same += !(m->flags & DIFF_JSON_ONLY);
	return false;
}

/* The keys of a row in one text, for totals: without those that are not known, or go without saying. */
static int row_text(const struct diff_metric *m, const struct diff_pair *p, char **ret)
{
	const struct diff_row *row = p->after ? p->after : p->before;
	_cleanup_free_ char *all = strdup("");
	size_t i;

	for (i = 0; all && i < m->keys->n; i++) {
		_cleanup_free_ char *text = NULL;
		_cleanup_free_ char *before = TAKE_PTR(all);

		if (key_text(&row->keys[i], &text))
			return -ENOMEM;
		if (text && !strcmp(m->keys->columns[i].name, "module") && !strcmp(text, "vmlinux"))
			freep(&text);
		if (asprintf(&all, "%s%s%s", before, *before && text ? " " : "", text ? text : "") <
		    0)
			all = NULL; /* undefined after a failure */
	}
	*ret = TAKE_PTR(all);
	return *ret ? 0 : -ENOMEM;
}

/* In totals: the row that grew most. */
static void set_grown(const struct target *to, const struct diff_metric *m,
		      const struct line *lines, size_t n)
{
	_cleanup_free_ char *text = NULL;
	struct report *r = to->d->report;
	const struct line *grown = NULL;
	size_t i;

	for (i = 0; i < n && !grown; i++)
		if (lines[i].change.known && lines[i].change.change > 0)
			grown = &lines[i];
	report_set_i64(r, to->t, to->at, "row_change", grown ? grown->change.change : 0);
	if (!grown)
		return;
	if (row_text(m, grown->pair, &text))
		r->oom = true;
	report_set_text(r, to->t, to->at, "row", text);
	report_set_u64(r, to->t, to->at, "row_before", grown->change.before.n);
	report_set_u64(r, to->t, to->at, "row_after", grown->change.after.n);
	if (grown->change.before.n)
		report_set_real(r, to->t, to->at, "row_change_pct", change_pct(&grown->change));
}

/* --- metrics ---------------------------------------------------------------------------------------- */

/* A metric, read from both runs. */
struct reading {
	struct diff_rows before, after;
	struct diff_pairs pairs;
	struct line *lines; /* of what is to be shown, in its order */
	size_t n;
};

static void reading_free(struct reading *r)
{
	diff_rows_free(&r->before);
	diff_rows_free(&r->after);
	diff_pairs_free(&r->pairs);
	freep(&r->lines);
}

static struct diff_amount amount_of(const struct diff_pair *p, bool after)
{
	const struct diff_row *row = after ? p->after : p->before;

	/* what is in no row was not there */
	return row ? row->amount : (struct diff_amount){ .known = true };
}

static int find_lines(struct differ *d, const struct diff_metric *m, struct reading *ret)
{
	size_t i;
	int err = diff_pairs_find(&ret->before, &ret->after, &ret->pairs);

	if (err)
		return err;
	ret->lines = calloc(ret->pairs.n + 1, sizeof(*ret->lines));
	if (!ret->lines)
		return -ENOMEM;
	for (i = 0; i < ret->pairs.n; i++) {
		const struct diff_pair *p = &ret->pairs.items[i];
		struct line line = {
			.pair = p,
			.change = change_of(d, m->kind, amount_of(p, false), amount_of(p, true)),
		};

		if (line_counts(d, m, &line.change))
			ret->lines[ret->n++] = line;
	}
	qsort(ret->lines, ret->n, sizeof(*ret->lines), compare_lines);
	return 0;
}

static bool pages_differ(const struct differ *d)
{
	uint64_t before = diff_page_size(d->before), after = diff_page_size(d->after);

	return before && after && before != after;
}

/* What notes say of the rows; once for all columns of a table. */
static void find(struct differ *d, const struct diff_metric *m, const struct reading *r)
{
	struct diff_findings *f = &d->findings;
	size_t i, unnamed = r->before.unnamed + r->after.unnamed;

	f->unknown += r->before.unknown + r->after.unknown;
	if (m > diff_metrics && m[-1].keys == m->keys && !strcmp(m[-1].command, m->command) &&
	    !strcmp(m[-1].source, m->source))
		return;
	*(m->keys->address ? &f->unplaced : &f->unnamed) += unnamed;
	f->ambiguous += r->pairs.ambiguous;
	for (i = 0; i < r->pairs.n; i++)
		f->moved += r->pairs.items[i].moved;
}

/* A row of totals, which is the table of that number, wherever adding others has moved it. */
static struct target add_total(const struct differ *d, const struct diff_metric *m,
			       const struct change *c)
{
	struct target to = { .d = d, .t = &d->report->tables[d->totals] };

	to.at = report_add_row(d->report, to.t);
	report_set_text(d->report, to.t, to.at, "name", m->name);
	report_set_text(d->report, to.t, to.at, "unit", m->unit == CELL_BYTES ? "bytes" : "count");
	set_change(&to, m, c);
	return to;
}

static int diff_metric(struct differ *d, const struct diff_metric *m)
{
	_cleanup_(reading_free) struct reading reading = { 0 };
	struct change total;
	struct target to;
	bool both;
	int err;

	if (!diff_report_of(d->before, m->command) && !diff_report_of(d->after, m->command))
		return 0;
	err = diff_rows_read(m, d->before, &reading.before);
	if (!err)
		err = diff_rows_read(m, d->after, &reading.after);
	if (err)
		return err;
	if (m->flags & DIFF_SAME_PAGES && pages_differ(d))
		reading.before.present = reading.after.present = false;
	both = reading.before.present && reading.after.present;
	if (!reading.before.present)
		reading.before.total.known = false;
	if (!reading.after.present)
		reading.after.total.known = false;
	/* for people: what there is nothing to compare with is in the notes */
	if (!both && !d->options->all)
		return 0;
	total = change_of(d, m->kind, reading.before.total, reading.after.total);
	to = add_total(d, m, &total);
	if (!both)
		return 0;
	err = find_lines(d, m, &reading);
	if (err)
		return err;
	find(d, m, &reading);
	set_grown(&to, m, reading.lines, reading.n);
	add_table(d, m, reading.lines, reading.n);
	return 0;
}

static void diff_lost(struct differ *d, const struct diff_metric *m)
{
	const struct report *before = diff_worst(d->before), *after = diff_worst(d->after);
	struct diff_amount none = { 0 };
	struct change c =
		change_of(d, m->kind,
			  before ? (struct diff_amount){ true, diff_missing(before) } : none,
			  after ? (struct diff_amount){ true, diff_missing(after) } : none);

	add_total(d, m, &c);
}

/* --- the report ------------------------------------------------------------------------------------- */

static void add_run(const struct differ *d, struct table *t, const char *run,
		    const struct diff_side *side)
{
	const struct report *first = side->n ? side->reports[0] : NULL, *worst = diff_worst(side);
	struct report *r = d->report;
	size_t at = report_add_row(r, t);

	report_set_text(r, t, at, "run", run);
	report_set_text(r, t, at, "name", side->name);
	report_set_text(r, t, at, "selection", side->selection);
	if (diff_page_size(side))
		report_set_u64(r, t, at, "page_size", diff_page_size(side));
	if (!first)
		return;
	report_set_text(r, t, at, "kernel", *first->kernel ? first->kernel : NULL);
	report_set_text(r, t, at, "arch", *first->arch ? first->arch : NULL);
	report_set_u64(r, t, at, "start_wall_ns", first->start_wall_ns);
	report_set_u64(r, t, at, "duration_ns", diff_duration(side));
	report_set_u64(r, t, at, "lost", worst->quality.lost);
	if (worst->quality.recursion_misses != QUALITY_UNKNOWN)
		report_set_u64(r, t, at, "missed", worst->quality.recursion_misses);
	report_set_u64(r, t, at, "sample", first->quality.sample);
}

static void describe(struct differ *d)
{
	const struct diff_side *last = d->after->n ? d->after : d->before;
	struct report *r = d->report;
	struct table *t;

	if (last->n) {
		snprintf(r->kernel, sizeof(r->kernel), "%s", last->reports[0]->kernel);
		snprintf(r->arch, sizeof(r->arch), "%s", last->reports[0]->arch);
	}
	if (!r->subject &&
	    asprintf(&r->subject, "changes from %s to %s", diff_side_name(d->before, "before"),
		     diff_side_name(d->after, "after")) < 0) {
		r->subject = NULL; /* undefined after a failure */
		r->oom = true;
	}
	r->interval = 1;
	r->final = true;
	t = report_add_table(r, "runs", "The runs", run_columns, ARRAY_SIZE(run_columns));
	add_run(d, t, "before", d->before);
	add_run(d, t, "after", d->after);
}

int diff_reports(const struct diff_side *before, const struct diff_side *after,
		 const struct diff_options *o, struct report *ret)
{
	struct differ d = {
		.before = before,
		.after = after,
		.options = o,
		.report = ret,
		.times = diff_times_of(before, after, o),
	};
	const struct diff_metric *m;
	struct table *t;
	int err = 0;

	describe(&d);
	d.totals = ret->n_tables;
	t = report_add_table(ret, "totals", "What changed", total_columns,
			     ARRAY_SIZE(total_columns));
	if (!t)
		return -ENOMEM;
	for (m = diff_metrics; m->name && !err; m++) {
		if (m->command)
			err = diff_metric(&d, m);
		else
			diff_lost(&d, m);
	}
	if (err)
		return err;
	diff_add_notes(before, after, o, &d.times, &d.findings, ret);
	return ret->oom ? -ENOMEM : 0;
}

/* --- values for conditions -------------------------------------------------------------------------- */

/* What a name ends with, and where that is in totals. */
static const struct part {
	const char *end, *total, *row;
} parts[] = {
	{ ".before", "before", "row_before" },	    { ".after", "after", "row_after" },
	{ ".before_rate", "before_rate", NULL },    { ".after_rate", "after_rate", NULL },
	{ ".pct", "change_pct", "row_change_pct" }, { "", "change", "row_change" },
};

static bool number_of(const struct cell *c, double *ret)
{
	switch (c->type) {
	case CELL_COUNT:
	case CELL_BYTES:
		*ret = (double)c->u64;
		return true;
	case CELL_CHANGE:
	case CELL_DELTA:
		*ret = (double)c->i64;
		return true;
	case CELL_FREQUENCY:
	case CELL_PERCENT:
		*ret = c->real;
		return true;
	default:
		return false;
	}
}

/* A null means nothing where the change is known: no row grew, or it grew from nothing. */
static bool part_value(const struct table *t, size_t row, const struct part *p, bool of_row,
		       double *ret)
{
	const char *change = of_row ? "row_change" : "change";
	double changed;

	if (number_of(table_cell(t, row, of_row ? p->row : p->total), ret))
		return true;
	if (!number_of(table_cell(t, row, change), &changed))
		return false;
	if (!strcmp(p->end, ".pct"))
		*ret = changed > 0 ? (double)INFINITY : 0;
	else if (of_row)
		*ret = 0;
	else
		return false;
	return true;
}

bool diff_value(const struct report *diff, const char *name, double *ret)
{
	const struct table *t = NULL;
	size_t i, row;

	for (i = 0; i < diff->n_tables; i++)
		if (!strcmp(diff->tables[i].name, "totals"))
			t = &diff->tables[i];
	for (row = 0; t && row < t->n_rows; row++) {
		const char *total = table_cell(t, row, "name")->text;
		const struct diff_metric *m = diff_metrics;

		while (m->name && total && strcmp(m->name, total))
			m++;
		for (i = 0; m->name && i < ARRAY_SIZE(parts); i++) {
			size_t n = strlen(m->name), n_row = m->row_name ? strlen(m->row_name) : 0;

			if (!strncmp(name, m->name, n) && !strcmp(name + n, parts[i].end))
				return part_value(t, row, &parts[i], false, ret);
			if (n_row && parts[i].row && !strncmp(name, m->row_name, n_row) &&
			    !strcmp(name + n_row, parts[i].end))
				return part_value(t, row, &parts[i], true, ret);
		}
	}
	return false;
}
