// SPDX-License-Identifier: GPL-2.0
/*
 * One table as comma-separated values: a line of names, then a line a row, quoted as RFC 4180 has it, with
 * LF at their ends. Whatever JSON has under a name can be asked for.
 *
 * Texts are made safe for terminals, so that no field has a line break in it. A spreadsheet takes a field
 * that begins with «=» or the like for a formula, and names are chosen by whoever makes them: such a
 * text gets a «'» in front, and so that this can be undone, one that begins with «'» as well.
 */
#include "render/export.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "render/out.h"
#include "render/safe.h"
#include "render/units.h"

/* A line that is being written. */
struct line {
	struct out *o;
	bool begun;
};

/* --- fields ----------------------------------------------------------------------------------------- */

/* An empty one: null. */
static void field_null(struct line *l)
{
	if (l->begun)
		out_puts(l->o, ",");
	l->begun = true;
}

static void field_plain(struct line *l, const char *fmt, ...) _printf_(2, 3);

/* What needs no quotes. */
static void field_plain(struct line *l, const char *fmt, ...)
{
	char buf[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	field_null(l);
	out_puts(l->o, buf);
}

static void field_u64(struct line *l, uint64_t v)
{
	field_plain(l, "%" PRIu64, v);
}

/* NULL and nothing are the same. */
static void field_text(struct line *l, const char *s)
{
	_cleanup_free_ char *safe = s ? safe_text(s) : NULL;
	bool quoted;

	field_null(l);
	if (!s || !*s)
		return;
	if (!safe) {
		out_fail(l->o, -ENOMEM);
		return;
	}
	quoted = strpbrk(safe, "\",") || *safe == ' ' || safe[strlen(safe) - 1] == ' ';
	if (quoted)
		out_puts(l->o, "\"");
	if (strchr("=+-@'", *safe))
		out_puts(l->o, "'");
	for (const char *c = safe; *c; c++) {
		if (*c == '"')
			out_puts(l->o, "\"");
		out_write(l->o, c, 1);
	}
	if (quoted)
		out_puts(l->o, "\"");
}

static void end_line(struct line *l)
{
	out_puts(l->o, "\n");
	l->begun = false;
}

/* Names of columns, up to a NULL. */
static void put_header(struct line *l, const char *const *names)
{
	for (; *names; names++)
		field_text(l, *names);
	end_line(l);
}

/* A field of what @put writes, which is text. */
static void field_list(struct line *l, const struct cell *c, const struct report *r,
		       void (*put)(struct out *, const struct report *, const struct cell *))
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	struct out o = { .file = open_memstream(&text, &n) };

	if (!o.file) {
		out_fail(l->o, -ENOMEM);
		return;
	}
	put(&o, r, c);
	if (fclose(o.file) || o.err)
		out_fail(l->o, -ENOMEM);
	else
		field_text(l, text);
}

static void put_texts(struct out *o, const struct report *r _unused_, const struct cell *c)
{
	size_t i;

	for (i = 0; i < c->list.n; i++) {
		out_puts(o, i ? "; " : "");
		out_puts(o, c->list.items[i]);
	}
}

/* «STACK:OBJECTS:BYTES», with «~» where that is estimated, and no number of a stack that was lost. */
static void put_shares(struct out *o, const struct report *r, const struct cell *c)
{
	size_t i;

	for (i = 0; i < c->stacks.n; i++) {
		const struct stack_share *s = &c->stacks.items[i];

		out_puts(o, i ? "; " : "");
		if (s->stack < r->n_stacks)
			out_printf(o, "%" PRIu32, s->stack);
		out_printf(o, ":%" PRIu64 ":%" PRIu64 "%s", s->objects, s->bytes,
			   s->estimated ? "~" : "");
	}
}

static void field_real(struct line *l, struct units u)
{
	field_plain(l, "%s", u.s);
}

static void put_cell(struct line *l, const struct report *r, const struct cell *c)
{
	switch (c->type) {
	case CELL_COUNT:
	case CELL_ID:
	case CELL_BYTES:
	case CELL_NS:
		field_u64(l, c->u64);
		break;
	case CELL_DELTA:
	case CELL_CHANGE:
		field_plain(l, "%" PRId64, c->i64);
		break;
	case CELL_RATE:
	case CELL_PERCENT:
	case CELL_FREQUENCY:
		field_real(l, units_real(c->real));
		break;
	case CELL_FRACTION:
		field_plain(l, "%s", isfinite(c->real) ? units_fraction(c->real).s : "");
		break;
	case CELL_BOOL:
		field_plain(l, "%s", c->u64 ? "true" : "false");
		break;
	case CELL_ADDRESS:
		field_plain(l, "0x%" PRIx64, c->u64);
		break;
	case CELL_TEXT:
	case CELL_SITE:
	case CELL_MODULE:
		field_text(l, c->text);
		break;
	case CELL_TEXTS:
		field_list(l, c, r, put_texts);
		break;
	case CELL_STACKS:
		field_list(l, c, r, put_shares);
		break;
	case CELL_NULL:
		field_null(l);
		break;
	}
}

/* --- what can be printed ------------------------------------------------------------------------------ */

/* The words for what bounds and values are counted in. */
static const char *unit_name(enum cell_type type)
{
	return type == CELL_NS ? "ns" : type == CELL_BYTES ? "bytes" : "count";
}

/* Of a tree, the depth comes first. */
static void put_table(struct line *l, const struct report *r, size_t number)
{
	const struct table *t = &r->tables[number];
	size_t row, i;

	if (t->is_tree)
		field_text(l, "depth");
	for (i = 0; i < t->n_columns; i++)
		if (!(t->columns[i].flags & COLUMN_TEXT_ONLY))
			field_text(l, t->columns[i].name);
	end_line(l);
	for (row = 0; row < t->n_rows && !l->o->err; row++) {
		if (t->is_tree)
			field_u64(l, t->depths[row]);
		for (i = 0; i < t->n_columns; i++)
			if (!(t->columns[i].flags & COLUMN_TEXT_ONLY))
				put_cell(l, r, &t->cells[row * t->n_columns + i]);
		end_line(l);
	}
}

/* A line a bucket. */
static void put_histogram(struct line *l, const struct report *r, size_t number)
{
	static const char *const names[] = { "label", "from", "to", "count", "unit", NULL };
	const struct histogram *h = &r->histograms[number];
	size_t i, j;

	if (h->key)
		field_text(l, h->key);
	put_header(l, names);
	for (i = 0; i < h->n_rows; i++) {
		for (j = 0; j < h->rows[i].n && !l->o->err; j++) {
			const struct histogram_bucket *b = &h->rows[i].buckets[j];

			if (h->key)
				field_u64(l, h->rows[i].key);
			field_text(l, h->rows[i].label);
			field_u64(l, b->from);
			if (b->to == UINT64_MAX)
				field_null(l);
			else
				field_u64(l, b->to);
			field_u64(l, b->count);
			field_text(l, unit_name(h->unit));
			end_line(l);
		}
	}
}

/* A line a value. */
static void put_series(struct line *l, const struct report *r, size_t number)
{
	static const char *const names[] = { "time_ns", "value", "unit", NULL };
	const struct series *s = &r->series[number];
	size_t i;

	put_header(l, names);
	for (i = 0; i < s->n && !l->o->err; i++) {
		field_u64(l, s->start_ns + i * s->step_ns);
		field_u64(l, s->values[i]);
		field_text(l, unit_name(s->unit));
		end_line(l);
	}
}

/* A line a cell. */
static void put_grid(struct line *l, const struct report *r, size_t number)
{
	static const char *const names[] = { "label", "address", "bytes", "class", NULL };
	const struct grid *g = &r->grids[number];
	size_t i, j;

	put_header(l, names);
	for (i = 0; i < g->n_rows; i++) {
		for (j = 0; j < g->rows[i].n && !l->o->err; j++) {
			uint64_t step = g->cell_bytes ? g->cell_bytes : 1;

			field_text(l, g->rows[i].label);
			field_plain(l, "0x%" PRIx64, g->rows[i].address + j * step);
			field_u64(l, g->cell_bytes);
			field_text(l, g->classes[g->rows[i].cells[j]].name);
			end_line(l);
		}
	}
}

/* A line a frame, innermost first. */
static void put_stacks(struct line *l, const struct report *r, size_t number _unused_)
{
	static const char *const names[] = { "stack",  "frame",	 "address", "symbol",
					     "module", "offset", NULL };
	size_t id, i;

	put_header(l, names);
	for (id = 0; id < r->n_stacks; id++) {
		for (i = 0; i < r->stacks[id].n_frames && !l->o->err; i++) {
			const struct frame *f = &r->stacks[id].frames[i];

			field_u64(l, id);
			field_u64(l, i);
			field_plain(l, "0x%" PRIx64, report_code_offset(f->address));
			field_text(l, f->symbol);
			field_text(l, f->module);
			if (f->symbol)
				field_u64(l, f->offset);
			else
				field_null(l);
			end_line(l);
		}
	}
}

/* The names of what there is; NULL: no more. */
static const char *table_name(const struct report *r, size_t i)
{
	return i < r->n_tables ? r->tables[i].name : NULL;
}

static const char *histogram_name(const struct report *r, size_t i)
{
	return i < r->n_histograms ? r->histograms[i].name : NULL;
}

static const char *series_name(const struct report *r, size_t i)
{
	return i < r->n_series ? r->series[i].name : NULL;
}

static const char *grid_name(const struct report *r, size_t i)
{
	return i < r->n_grids ? r->grids[i].name : NULL;
}

static const char *stacks_name(const struct report *r, size_t i)
{
	return r->n_stacks && i == 0 ? "stacks" : NULL;
}

/* In the order in which a name is looked for: a table comes before a histogram of the same name. */
static const struct kind {
	const char *name; /* the member of JSON; trees are among the tables here */
	const char *(*name_of)(const struct report *r, size_t i); /* NULL: there are only so many */
	void (*put)(struct line *l, const struct report *r, size_t i);
} kinds[] = {
	{ "tables", table_name, put_table },   { "histograms", histogram_name, put_histogram },
	{ "series", series_name, put_series }, { "grids", grid_name, put_grid },
	{ "stacks", stacks_name, put_stacks },
};

/* --- which one ---------------------------------------------------------------------------------------- */

struct chosen {
	const struct report *report; /* NULL: none */
	const struct kind *kind;
	size_t number;
	bool ambiguous; /* another report has it too */
};

/* What follows @part and a «.» at the beginning of @s; @s itself if it does not begin so. */
static const char *after_part(const char *s, const char *part)
{
	size_t n = strlen(part);

	return strncmp(s, part, n) == 0 && s[n] == '.' ? s + n + 1 : s;
}

/* Does @s, «[COMMAND.][KIND.]NAME», name this? */
static bool is_named(const char *s, const struct report *r, const struct kind *kind,
		     const char *name)
{
	return strcmp(after_part(after_part(s, r->command), kind->name), name) == 0;
}

/* Of @r, what @table names, or, if that is NULL, whatever is there. */
static void choose_of(const struct report *r, const char *table, struct chosen *c)
{
	const char *name;
	size_t k, i;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (i = 0; (name = kinds[k].name_of(r, i)); i++) {
			if (table && !is_named(table, r, &kinds[k], name))
				continue;
			if (!c->report)
				*c = (struct chosen){ r, &kinds[k], i, false };
			else if (c->report != r || !table)
				c->ambiguous = true;
		}
	}
}

static bool is_twin(const struct report *r, size_t kind, const char *name)
{
	const char *other;
	size_t k, i;

	for (k = 0; k < kind; k++)
		for (i = 0; (other = kinds[k].name_of(r, i)); i++)
			if (strcmp(other, name) == 0)
				return true;
	return false;
}

/* «slab: totals sites; leaks: candidates»: what there is, as it can be asked for. */
static void list_names(const struct report *const *reports, size_t n, char *buf, size_t size)
{
	FILE *f = fmemopen(buf, size, "w");
	const char *name;
	size_t i, k, j;

	buf[0] = '\0';
	for (i = 0; f && i < n; i++) {
		fprintf(f, "%s%s:", i ? "; " : "", reports[i]->command);
		for (k = 0; k < ARRAY_SIZE(kinds); k++)
			for (j = 0; (name = kinds[k].name_of(reports[i], j)); j++)
				fprintf(f, is_twin(reports[i], k, name) ? " %s.%s" : " %.0s%s",
					kinds[k].name, name);
	}
	if (f)
		fclose(f);
	buf[size - 1] = '\0';
}

int export_csv(const struct report *const *reports, size_t n, const struct export_options *o,
	       FILE *file, struct failure *f)
{
	struct out out = { .file = file };
	struct line line = { .o = &out };
	struct chosen c = { NULL, NULL, 0, false };
	char list[440];
	size_t i;
	int err = export_check(reports, n, f);

	if (err)
		return err;
	for (i = 0; i < n; i++)
		choose_of(reports[i], o->table, &c);
	if (!c.report || c.ambiguous) {
		list_names(reports, n, list, sizeof(list));
		if (!o->table)
			return fail(f, FAILURE_USAGE, -EINVAL, "which table? There are %s", list);
		if (!c.report)
			return fail(f, FAILURE_USAGE, -EINVAL, "no table «%.30s»; there are %s",
				    o->table, list);
		return fail(f, FAILURE_USAGE, -EINVAL, "several have a table «%.30s»: %s", o->table,
			    list);
	}
	c.kind->put(&line, c.report, c.number);
	return export_result(out_finish(&out), f);
}
