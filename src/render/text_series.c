// SPDX-License-Identifier: GPL-2.0
/* Series of the text renderer: a line each, what they have in common below each other. */
#include "render/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/safe.h"
#include "render/spark.h"
#include "render/units.h"

#define GAP	    2
#define TITLE_LEAST 12 /* a title is not shortened below this, */
#define TITLE_PART  3 /*  and never takes more than this part of a wide line */
#define SPARK_LEAST 8

enum figure { FIGURE_MIN, FIGURE_MAX, FIGURE_LAST, N_FIGURES };

static const char *const figure_names[N_FIGURES] = { "min", "max", "last" };

struct figures {
	uint64_t v[N_FIGURES];
};

/* How all series of a report are laid out. */
struct lines {
	size_t title, spark;
	size_t figure[N_FIGURES];
	bool broken; /* too narrow: a line for each of the three */
};

static const char *series_title(const struct series *s)
{
	return s->title ? s->title : s->name;
}

/* @s must have a value. */
static struct figures series_figures(const struct series *s)
{
	struct figures f = { { UINT64_MAX, 0, s->values[s->n - 1] } };

	for (size_t i = 0; i < s->n; i++) {
		f.v[FIGURE_MIN] = MIN(f.v[FIGURE_MIN], s->values[i]);
		f.v[FIGURE_MAX] = MAX(f.v[FIGURE_MAX], s->values[i]);
	}
	return f;
}

static double series_mean(const struct series *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += (double)s->values[i];
	return sum / (double)s->n;
}

/*
 * Of the values that fall into column @i of @n the one that is furthest from @mean: neither a short
 * peak nor a short dip may disappear.
 */
static uint64_t column_value(const struct series *s, size_t i, size_t n, double mean)
{
	size_t from = (size_t)((uint64_t)i * s->n / n);
	size_t to = (size_t)((uint64_t)(i + 1) * s->n / n);
	uint64_t found = s->values[from];

	for (size_t j = from + 1; j < to; j++)
		if (fabs((double)s->values[j] - mean) > fabs((double)found - mean))
			found = s->values[j];
	return found;
}

/* From the least value to the largest, so that small changes of something large are seen. */
static void put_spark(struct text *t, const struct series *s, size_t width)
{
	size_t n = MIN(s->n, width);
	_cleanup_free_ uint8_t *heights = calloc(n, 1);
	struct figures f = series_figures(s);
	uint64_t span = f.v[FIGURE_MAX] - f.v[FIGURE_MIN];
	struct scale scale = { .largest = span };
	double mean = series_mean(s);

	if (!heights) {
		out_fail(&t->out, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t above = column_value(s, i, n, mean) - f.v[FIGURE_MIN];

		heights[i] = (uint8_t)MAX(scale_steps(&scale, above, SPARK_HEIGHTS), (size_t)1);
	}
	spark_put(t, heights, n);
}

/* «min 1.0 GiB  max …», the figures of all series below each other. */
static size_t figures_width(const struct lines *l)
{
	size_t total = 0;

	for (size_t i = 0; i < N_FIGURES; i++)
		total += (i > 0 ? GAP : 0) + strlen(figure_names[i]) + 1 + l->figure[i];
	return total;
}

static int measure(const struct report *r, size_t width, struct lines *ret)
{
	struct lines l = { 0 };
	size_t rest, longest = 0;

	for (size_t i = 0; i < r->n_series; i++) {
		const struct series *s = &r->series[i];
		_cleanup_free_ char *title = safe_text(series_title(s));

		if (!title)
			return -ENOMEM;
		l.title = MAX(l.title, text_width(title));
		longest = MAX(longest, s->n);
		if (s->n == 0)
			continue;
		for (size_t j = 0; j < N_FIGURES; j++) {
			uint64_t v = series_figures(s).v[j];

			l.figure[j] = MAX(l.figure[j], text_width(text_value(s->unit, v).s));
		}
	}
	l.title = MIN(l.title, MAX(width / TITLE_PART, (size_t)TITLE_LEAST));
	rest = figures_width(&l) + 2 * GAP;
	l.broken = MIN(l.title, (size_t)TITLE_LEAST) + SPARK_LEAST + rest > width;
	if (!l.broken) {
		l.title = MIN(l.title, width - rest - SPARK_LEAST);
		l.spark = MIN(longest, width - rest - l.title);
	}
	*ret = l;
	return 0;
}

static void put_line(struct text *t, const struct lines *l, const struct series *s)
{
	_cleanup_free_ char *title = safe_text(series_title(s));
	struct figures f = series_figures(s);

	if (!title) {
		out_fail(&t->out, -ENOMEM);
		return;
	}
	text_field(t, title, l->title, true);
	out_spaces(&t->out, GAP);
	put_spark(t, s, l->spark);
	out_spaces(&t->out, l->spark - MIN(l->spark, s->n));
	for (size_t i = 0; i < N_FIGURES; i++) {
		out_spaces(&t->out, GAP);
		out_printf(&t->out, "%s ", figure_names[i]);
		text_field(t, text_value(s->unit, f.v[i]).s, l->figure[i], false);
	}
	out_puts(&t->out, "\n");
}

static void put_broken(struct text *t, const struct series *s)
{
	struct figures f = series_figures(s);
	char line[N_FIGURES * (sizeof(struct units) + 16)] = "";
	size_t n = 0;

	text_line(t, 0, series_title(s));
	out_spaces(&t->out, GAP);
	put_spark(t, s, t->width - GAP);
	out_puts(&t->out, "\n");
	for (size_t i = 0; i < N_FIGURES; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s %s", i > 0 ? ", " : "",
				      figure_names[i], text_value(s->unit, f.v[i]).s);
	text_paragraph(t, STYLE_PLAIN, "  ", GAP, line);
}

void text_series(struct text *t)
{
	const struct report *r = t->report;
	struct lines l;
	int err = measure(r, t->width, &l);

	if (err) {
		out_fail(&t->out, err);
		return;
	}
	for (size_t i = 0; i < r->n_series && !t->out.err; i++) {
		const struct series *s = &r->series[i];

		if (s->n == 0) {
			text_line(t, 0, series_title(s));
			text_paragraph(t, STYLE_PLAIN, "  ", GAP, "(none)");
		} else if (l.broken) {
			put_broken(t, s);
		} else {
			put_line(t, &l, s);
		}
	}
}
