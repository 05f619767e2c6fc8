/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_TEXT_H
#define KMSCOPE_RENDER_TEXT_H
/* What the files of the text renderer share. Nobody else includes this. */
#include "base/base.h"
#include "render/out.h"
#include "render/units.h"
#include "report/report.h"

enum text_style { STYLE_PLAIN, STYLE_BOLD, STYLE_ALARM };

struct text {
	struct out out;
	size_t width;
	bool colour;
	const struct report *report;
};

/* Bracket what is printed in @style; never across a line's end. */
void text_style_on(struct text *t, enum text_style style);
void text_style_off(struct text *t, enum text_style style);

/*
 * Print @s, hostile or not, made safe and broken between words to fit the width; further lines are
 * indented by @indent. @lead, plain ASCII, comes before it on the first line.
 */
void text_paragraph(struct text *t, enum text_style style, const char *lead, size_t indent,
		    const char *s);

/* Print @s, made safe and shortened in its middle to fit the width, on a line indented by @indent. */
void text_line(struct text *t, size_t indent, const char *s);

/*
 * Print @s, from safe_text(), shortened and padded with spaces to exactly @width columns (none if that
 * is 0), aligned left or right.
 */
void text_field(struct text *t, const char *s, size_t width, bool left);

/* A bound of a histogram or a value of a series. */
struct units text_value(enum cell_type unit, uint64_t v);

/* A table or a tree. */
void text_table(struct text *t, const struct table *table);
void text_histogram(struct text *t, const struct histogram *h);
/* All series of the report, a line each. */
void text_series(struct text *t);
void text_grid(struct text *t, const struct grid *g);

#endif
