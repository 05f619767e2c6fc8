// SPDX-License-Identifier: GPL-2.0
/* Tables and trees of the text renderer: columns, lines below a row, call chains. */
#include "render/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "render/safe.h"
#include "render/units.h"

#define GAP	    2 /* spaces between columns */
#define LEFT_ENOUGH 32 /* a wider left column gives way before other columns are dropped */
#define LEFT_LEAST  20 /* a left column is never shortened below this */
#define BELOW	    4 /* indentation of lines below a row */
#define BELOW_MOST  20 /* that of a tree's deep rows */
#define FRAMES_MAX  24
#define TREE_STEP   2 /* indentation of a level */
#define TREE_LEAST  8 /* what indentation leaves of the first column */

/* A column that is shown. */
struct shown {
	const struct column *column;
	size_t index; /* in the table */
	size_t natural; /* what its widest cell takes */
	size_t width; /* what it gets */
};

struct layout {
	struct shown *items;
	size_t n;
};

/* A module's name, or the last part of an object's path, safe to print. The caller frees it. */
static char *module_text(const char *module)
{
	size_t n;
	const char *base = report_base_name(module, &n);
	_cleanup_free_ char *name = strndup(base, n);

	return name ? safe_text(name) : NULL;
}

/* The text of a cell that is no list, safe to print; the caller frees it. NULL: out of memory. */
static char *cell_text(const struct cell *c)
{
	char buf[32];

	switch (c->type) {
	case CELL_TEXT:
		return c->text ? safe_text(c->text) : strdup("-");
	case CELL_MODULE:
		return c->text ? module_text(c->text) : strdup("-");
	case CELL_SITE:
		if (c->text)
			return safe_text(c->text);
		snprintf(buf, sizeof(buf), "0x%" PRIx64, report_code_offset(c->u64));
		return strdup(buf);
	case CELL_ADDRESS:
		snprintf(buf, sizeof(buf), "0x%" PRIx64, c->u64);
		return strdup(buf);
	case CELL_ID:
		snprintf(buf, sizeof(buf), "%" PRIu64, c->u64);
		return strdup(buf);
	case CELL_COUNT:
		return strdup(units_count(c->u64).s);
	case CELL_BYTES:
		return strdup(units_bytes(c->u64).s);
	case CELL_DELTA:
		return strdup(units_delta(c->i64).s);
	case CELL_CHANGE:
		return strdup(units_change(c->i64).s);
	case CELL_NS:
		return strdup(units_ns(c->u64).s);
	case CELL_RATE:
		return strdup(units_rate(c->real).s);
	case CELL_PERCENT:
		return strdup(units_percent(c->real).s);
	case CELL_FRACTION:
		return strdup(units_fraction(c->real).s);
	case CELL_FREQUENCY:
		return strdup(units_frequency(c->real).s);
	case CELL_BOOL:
		return strdup(c->u64 ? "yes" : "no");
	case CELL_NULL:
	case CELL_TEXTS:
	case CELL_STACKS:
		break;
	}
	return strdup("-");
}

/* Lists never fit a column: they go below the row, as COLUMN_SUBLINE cells do. */
static bool goes_below(const struct column *c)
{
	return c->flags & COLUMN_SUBLINE || c->type == CELL_TEXTS || c->type == CELL_STACKS;
}

/* How wide @s wants to be, for deciding what to drop. */
static size_t wanted_width(const struct shown *s)
{
	return s->column->flags & COLUMN_LEFT ? MIN(s->natural, (size_t)LEFT_ENOUGH) : s->natural;
}

static size_t total_width(const struct layout *l, bool natural)
{
	size_t total = 0;

	for (size_t i = 0; i < l->n; i++)
		total += (natural ? l->items[i].natural : wanted_width(&l->items[i])) +
			 (i > 0 ? GAP : 0);
	return total;
}

/* Leave out the column that matters least; false if none may be. */
static bool drop_column(struct layout *l)
{
	size_t worst = 0;

	for (size_t i = 1; i < l->n; i++)
		if (l->items[i].column->droppable >= l->items[worst].column->droppable)
			worst = i;
	if (l->n == 0 || l->items[worst].column->droppable == 0)
		return false;
	l->n--;
	memmove(&l->items[worst], &l->items[worst + 1], (l->n - worst) * sizeof(*l->items));
	return true;
}

/* Shorten left columns by @excess in all, the widest first. */
static void shrink_columns(struct layout *l, size_t excess)
{
	while (excess) {
		struct shown *widest = NULL;

		for (size_t i = 0; i < l->n; i++)
			if (l->items[i].column->flags & COLUMN_LEFT &&
			    l->items[i].width > LEFT_LEAST &&
			    (!widest || l->items[i].width > widest->width))
				widest = &l->items[i];
		if (!widest)
			return;
		widest->width--;
		excess--;
	}
}

/* By how much the first column of row @row is indented. */
static size_t row_indent(const struct table *table, size_t row)
{
	return table->is_tree ? (size_t)table->depths[row] * TREE_STEP : 0;
}

static int measure(const struct table *table, struct shown *s, bool first)
{
	s->natural = MAX(text_width(s->column->title),
			 table->least ? (size_t)table->least[s->index] : 0);
	for (size_t row = 0; row < table->n_rows; row++) {
		_cleanup_free_ char *text =
			cell_text(&table->cells[row * table->n_columns + s->index]);

		if (!text)
			return -ENOMEM;
		s->natural =
			MAX(s->natural, text_width(text) + (first ? row_indent(table, row) : 0));
	}
	return 0;
}

/* Whether column @i holds nothing that its absence would not say as well. */
static bool never_set(const struct table *table, size_t i)
{
	if (!(table->columns[i].flags & COLUMN_IF_SET))
		return false;
	for (size_t row = 0; row < table->n_rows; row++) {
		const struct cell *c = &table->cells[row * table->n_columns + i];

		bool zero =
			(c->type == CELL_COUNT && !c->u64) || (c->type == CELL_CHANGE && !c->i64);

		if (c->type != CELL_NULL && !zero)
			return false;
	}
	return true;
}

/* Choose the columns of @table and their widths. The caller frees ret->items. */
static int layout_table(const struct table *table, size_t width, struct layout *ret)
{
	_cleanup_free_ struct shown *items = calloc(table->n_columns, sizeof(*items));
	struct layout l = { .items = items };
	size_t total;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *c = &table->columns[i];

		if (c->flags & COLUMN_JSON_ONLY || goes_below(c) || never_set(table, i))
			continue;
		items[l.n] = (struct shown){ .column = c, .index = i };
		if (measure(table, &items[l.n], l.n == 0))
			return -ENOMEM;
		l.n++;
	}
	while (total_width(&l, false) > width && drop_column(&l))
		;
	for (size_t i = 0; i < l.n; i++)
		items[i].width = items[i].natural;
	total = total_width(&l, true);
	if (total > width)
		shrink_columns(&l, total - width);
	l.items = TAKE_PTR(items);
	*ret = l;
	return 0;
}

/* Print @s in column @i of @l, indented, without spaces at the line's end. */
static void put_field(struct text *t, const struct layout *l, size_t i, size_t indent,
		      const char *s)
{
	const struct shown *column = &l->items[i];
	_cleanup_free_ char *fit = NULL;
	size_t pad;

	/* A deep row still shows something. */
	indent = MIN(indent, column->width - MIN(column->width, (size_t)TREE_LEAST));
	fit = text_shorten(s, MAX(column->width - indent, (size_t)1));
	if (!fit) {
		out_fail(&t->out, -ENOMEM);
		return;
	}
	pad = column->width - MIN(column->width, indent + text_width(fit));
	if (i > 0)
		out_spaces(&t->out, GAP);
	out_spaces(&t->out, indent);
	if (!(column->column->flags & COLUMN_LEFT))
		out_spaces(&t->out, pad);
	out_puts(&t->out, fit);
	if (column->column->flags & COLUMN_LEFT && i + 1 < l->n)
		out_spaces(&t->out, pad);
}

static void put_row(struct text *t, const struct layout *l, const struct cell *cells, size_t indent)
{
	for (size_t i = 0; i < l->n; i++) {
		_cleanup_free_ char *text = cell_text(&cells[l->items[i].index]);

		if (text)
			put_field(t, l, i, i == 0 ? indent : 0, text);
		else
			out_fail(&t->out, -ENOMEM);
	}
	if (l->n)
		out_puts(&t->out, "\n");
}

/* «name+0x12 [module]», «0xffff… [module]» or «file+0x1234». */
static char *frame_text(const struct frame *f)
{
	bool kernel = f->module && !strcmp(f->module, "vmlinux");
	_cleanup_free_ char *module = NULL;
	char *line = NULL;
	int n;

	if (f->module && !kernel) {
		size_t length;
		const char *base = report_base_name(f->module, &length);

		module = strndup(base, length);
		if (!module)
			return NULL;
	}
	if (f->symbol)
		n = asprintf(&line, "%s+0x%" PRIx64 "%s%s%s", f->symbol, f->offset,
			     module ? " [" : "", module ? module : "", module ? "]" : "");
	else if (report_code_object(f->address) && module)
		n = asprintf(&line, "%s+0x%" PRIx64, module, report_code_offset(f->address));
	else
		n = asprintf(&line, "0x%" PRIx64 "%s%s%s", report_code_offset(f->address),
			     module ? " [" : "", module ? module : "", module ? "]" : "");
	return n < 0 ? NULL : line;
}

static void put_frame(struct text *t, size_t indent, const struct frame *f)
{
	_cleanup_free_ char *line = frame_text(f);

	if (line)
		text_line(t, indent, line);
	else
		out_fail(&t->out, -ENOMEM);
}

/* «62% of bytes»: @part of @total, in whole percents that never hide something. */
static void put_share_of(struct text *t, double part, double total, const char *what)
{
	double percent = total > 0 ? 100 * part / total : 0;

	if (percent > 0 && percent < 0.5)
		out_printf(&t->out, "<1%% of %s", what);
	else
		out_printf(&t->out, "%d%% of %s", (int)(percent + 0.5), what);
}

static void put_stack(struct text *t, size_t indent, uint32_t id)
{
	const struct report_stack *s;

	if (id >= t->report->n_stacks) {
		text_line(t, indent, "(call chain lost)");
		return;
	}
	s = &t->report->stacks[id];
	for (size_t i = 0; i < MIN(s->n_frames, (size_t)FRAMES_MAX); i++)
		put_frame(t, indent, &s->frames[i]);
	if (s->n_frames > FRAMES_MAX) {
		out_spaces(&t->out, indent);
		out_printf(&t->out, "… %zu more frames\n", s->n_frames - FRAMES_MAX);
	}
}

static void put_shares(struct text *t, const struct table *table, size_t indent,
		       const struct cell *c)
{
	const char *noun = table->noun ? table->noun : "object";
	char nouns[32];
	double bytes = 0, objects = 0;

	snprintf(nouns, sizeof(nouns), "%ss", noun);

	for (size_t i = 0; i < c->stacks.n; i++) {
		bytes += (double)c->stacks.items[i].bytes;
		objects += (double)c->stacks.items[i].objects;
	}
	for (size_t i = 0; i < c->stacks.n; i++) {
		const struct stack_share *s = &c->stacks.items[i];

		out_spaces(&t->out, indent);
		if (bytes > 0)
			put_share_of(t, (double)s->bytes, bytes, "bytes");
		else
			put_share_of(t, (double)s->objects, objects, nouns);
		out_printf(&t->out, "%s, %s %s%s:\n", s->estimated ? " (estimated)" : "",
			   units_exact(s->objects).s, noun, s->objects == 1 ? "" : "s");
		put_stack(t, indent + 4, s->stack);
	}
}

/* One item a line, the column's title before the first. */
static void put_subline(struct text *t, size_t below, const struct column *column,
			const struct cell *c)
{
	bool titled = column->title && *column->title;
	size_t indent = below + (titled ? strlen(column->title) + 2 : 0);
	size_t n = c->type == CELL_TEXTS ? c->list.n : 1;
	char lead[128];

	snprintf(lead, sizeof(lead), "%*s%s%s", (int)below, "", titled ? column->title : "",
		 titled ? ": " : "");
	if (c->type == CELL_TEXTS) {
		for (size_t i = 0; i < n; i++) {
			text_paragraph(t, STYLE_PLAIN, lead, indent, c->list.items[i]);
			snprintf(lead, sizeof(lead), "%*s", (int)indent, "");
		}
	} else {
		/* Made safe twice, which changes nothing. */
		_cleanup_free_ char *text = cell_text(c);

		if (text)
			text_paragraph(t, STYLE_PLAIN, lead, indent, text);
		else
			out_fail(&t->out, -ENOMEM);
	}
}

static void put_below(struct text *t, const struct table *table, size_t row)
{
	const struct cell *cells = &table->cells[row * table->n_columns];
	size_t indent = MIN(BELOW + row_indent(table, row), (size_t)BELOW_MOST);

	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];

		if (column->flags & COLUMN_JSON_ONLY || !goes_below(column) ||
		    cells[i].type == CELL_NULL)
			continue;
		if (cells[i].type == CELL_STACKS)
			put_shares(t, table, indent, &cells[i]);
		else
			put_subline(t, indent, column, &cells[i]);
	}
}

static void put_headings(struct text *t, const struct layout *l)
{
	text_style_on(t, STYLE_BOLD);
	for (size_t i = 0; i < l->n; i++)
		put_field(t, l, i, 0, l->items[i].column->title);
	text_style_off(t, STYLE_BOLD);
	if (l->n)
		out_puts(&t->out, "\n");
}

void text_table(struct text *t, const struct table *table)
{
	_cleanup_free_ struct shown *items = NULL;
	struct layout l = { 0 };
	int err;

	if (table->title)
		text_paragraph(t, STYLE_BOLD, "", 0, table->title);
	if (table->n_rows == 0) {
		text_paragraph(t, STYLE_PLAIN, "  ", 2, table->empty ? table->empty : "(none)");
		return;
	}
	err = layout_table(table, t->width, &l);
	if (err) {
		out_fail(&t->out, err);
		return;
	}
	items = l.items;
	if (!t->report->piece || !t->report->interval)
		put_headings(t, &l);
	for (size_t row = 0; row < table->n_rows && !t->out.err; row++) {
		const struct cell *cells = &table->cells[row * table->n_columns];

		put_row(t, &l, cells, row_indent(table, row));
		put_below(t, table, row);
	}
	if (table->rows_total > table->n_rows)
		out_printf(&t->out, "… %s more row%s (-n 0 shows all)\n",
			   units_exact(table->rows_total - table->n_rows).s,
			   table->rows_total - table->n_rows == 1 ? "" : "s");
}
