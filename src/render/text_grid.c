// SPDX-License-Identifier: GPL-2.0
/* Grids of the text renderer: a letter a cell, an address before each line, a legend below. */
#include "render/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "render/safe.h"
#include "render/units.h"

#define GAP	   2
#define CELLS_STEP 16 /* a line's cells, if more are to follow, are a multiple of this */
#define FRONT_MOST 18 /* any address; or a third of the line, for labels */

/* How a grid is laid out. */
struct lines {
	size_t front; /* columns for the label or address */
	size_t cells; /* of a line */
};

/* The address of cell @i of @row. */
static uint64_t cell_address(const struct grid *g, const struct grid_row *row, size_t i)
{
	return row->address + i * MAX(g->cell_bytes, (uint64_t)1);
}

/* What stands before the line that begins with cell @i, safe to print; the caller frees it. */
static char *line_front(const struct grid *g, const struct grid_row *row, size_t i)
{
	char address[32];

	if (i == 0 && row->label)
		return safe_text(row->label);
	snprintf(address, sizeof(address), "0x%" PRIx64, cell_address(g, row, i));
	return strdup(address);
}

/* Make room for the front of cell @i's line. */
static int measure_front(const struct grid *g, const struct grid_row *row, size_t i, size_t *front)
{
	_cleanup_free_ char *text = line_front(g, row, i);

	if (!text)
		return -ENOMEM;
	*front = MAX(*front, text_width(text));
	return 0;
}

static int measure(const struct grid *g, size_t width, struct lines *ret)
{
	size_t longest = 0, most = MAX(width / 3, (size_t)FRONT_MOST);
	struct lines l = { 0 };

	for (size_t i = 0; i < g->n_rows; i++) {
		longest = MAX(longest, g->rows[i].n);
		if (measure_front(g, &g->rows[i], 0, &l.front))
			return -ENOMEM;
	}
	/* Only lines that go on have an address besides a label. */
	for (size_t i = 0; longest > width - GAP - MIN(l.front, most) && i < g->n_rows; i++) {
		const struct grid_row *row = &g->rows[i];

		if (row->n && measure_front(g, row, row->n - 1, &l.front))
			return -ENOMEM;
	}
	l.front = MIN(l.front, most);
	l.cells = width - GAP - l.front;
	if (longest > l.cells) /* then with addresses that are easy to count by */
		l.cells -= l.cells % CELLS_STEP;
	*ret = l;
	return 0;
}

/* Change from the colour that is on to @colour; 0 is none. */
static void put_colour(struct text *t, unsigned int *on, unsigned int colour)
{
	if (!t->colour || *on == colour)
		return;
	if (*on)
		out_puts(&t->out, "\033[0m");
	if (colour)
		out_printf(&t->out, "\033[%um", colour);
	*on = colour;
}

static void put_cells(struct text *t, const struct grid *g, const uint8_t *cells, size_t n)
{
	unsigned int on = 0;

	for (size_t i = 0; i < n; i++) {
		const struct grid_class *class = &g->classes[cells[i]];

		put_colour(t, &on, class->colour);
		out_write(&t->out, &class->letter, 1);
	}
	put_colour(t, &on, 0);
	out_puts(&t->out, "\n");
}

static void put_row(struct text *t, const struct lines *l, const struct grid *g,
		    const struct grid_row *row)
{
	for (size_t i = 0; i < row->n && !t->out.err; i += l->cells) {
		_cleanup_free_ char *front = line_front(g, row, i);

		if (!front) {
			out_fail(&t->out, -ENOMEM);
			return;
		}
		text_field(t, front, l->front, true);
		out_spaces(&t->out, GAP);
		put_cells(t, g, &row->cells[i], MIN(row->n - i, l->cells));
	}
}

/* An item of the legend, on a new line if it does not fit this one, of which @used is taken. */
static void put_item(struct text *t, size_t *used, char letter, unsigned int colour,
		     const char *text)
{
	size_t width = text_width(text) + (letter ? 2 : 0);
	unsigned int on = 0;

	if (*used && *used + GAP + width > t->width) {
		out_puts(&t->out, "\n");
		*used = 0;
	}
	out_spaces(&t->out, *used ? GAP : 0);
	*used += width + (*used ? GAP : 0);
	if (letter) {
		put_colour(t, &on, colour);
		out_write(&t->out, &letter, 1);
		put_colour(t, &on, 0);
		out_puts(&t->out, " ");
	}
	out_puts(&t->out, text);
}

/* The classes that there are, with their shares of @total cells, one or more. */
static void put_legend(struct text *t, const struct grid *g, uint64_t total)
{
	uint64_t counts[UINT8_MAX + 1] = { 0 };
	size_t used = 0;

	for (size_t i = 0; i < g->n_rows; i++)
		for (size_t j = 0; j < g->rows[i].n; j++)
			counts[g->rows[i].cells[j]]++;
	for (size_t i = 0; i < MIN(g->n_classes, ARRAY_SIZE(counts)); i++) {
		double percent = 100.0 * (double)counts[i] / (double)total;
		_cleanup_free_ char *name = safe_text(g->classes[i].name);
		_cleanup_free_ char *item = NULL;

		if (counts[i] == 0)
			continue;
		if (!name || asprintf(&item, "%s %s", name, units_percent(percent).s) < 0) {
			item = NULL; /* undefined after a failure */
			out_fail(&t->out, -ENOMEM);
			return;
		}
		put_item(t, &used, g->classes[i].letter, g->classes[i].colour, item);
	}
	if (g->cell_bytes) {
		char item[64];

		snprintf(item, sizeof(item), "(a cell: %s)", units_bytes(g->cell_bytes).s);
		put_item(t, &used, '\0', 0, item);
	}
	out_puts(&t->out, "\n");
}

void text_grid(struct text *t, const struct grid *g)
{
	uint64_t total = 0;
	struct lines l;

	text_paragraph(t, STYLE_BOLD, "", 0, g->title ? g->title : g->name);
	for (size_t i = 0; i < g->n_rows; i++)
		total += g->rows[i].n;
	if (total == 0) {
		text_paragraph(t, STYLE_PLAIN, "  ", GAP, "(none)");
		return;
	}
	if (measure(g, t->width, &l)) {
		out_fail(&t->out, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < g->n_rows && !t->out.err; i++)
		put_row(t, &l, g, &g->rows[i]);
	put_legend(t, g, total);
}
