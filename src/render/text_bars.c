// SPDX-License-Identifier: GPL-2.0
/*
 * Histograms of the text renderer. One with one row is a line a bucket; one with several is a line a
 * row, with the buckets side by side.
 */
#include "render/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "render/safe.h"
#include "render/spark.h"
#include "render/units.h"

#define GAP	    2
#define SPARK_LEAST 8 /* other fields give way before there are less columns for the buckets */
#define KEY_ENOUGH  16 /* a longer key is shortened before other fields go */
#define KEY_LEAST   8

/* A bound or two with their units and what stands between them. */
struct bound_text {
	char s[2 * sizeof(struct units) + 8];
};

static bool is_single(enum cell_type unit, uint64_t from, uint64_t to)
{
	return unit == CELL_COUNT && to - from == 1;
}

/* «1.0 ms – 2.0 ms», «≥ 4.0 s»; of whole numbers «2–3», «1». */
static struct bound_text range_text(enum cell_type unit, uint64_t from, uint64_t to)
{
	struct units first = text_value(unit, from), last;
	struct bound_text b;

	if (to == UINT64_MAX)
		snprintf(b.s, sizeof(b.s), "≥ %s", first.s);
	else if (is_single(unit, from, to))
		snprintf(b.s, sizeof(b.s), "%s", first.s);
	else {
		last = text_value(unit, unit == CELL_COUNT ? to - 1 : to);
		snprintf(b.s, sizeof(b.s), unit == CELL_COUNT ? "%s–%s" : "%s – %s", first.s,
			 last.s);
	}
	return b;
}

/* What is known of a value in bucket @h: «< 2.0 ms», «≥ 4.0 s», «1»; «-» if there is none. */
static struct bound_text upper_text(enum cell_type unit, const struct histogram_bucket *h)
{
	struct bound_text b = { "-" };

	if (!h)
		return b;
	if (h->to == UINT64_MAX || is_single(unit, h->from, h->to))
		return range_text(unit, h->from, h->to);
	snprintf(b.s, sizeof(b.s), "< %s", text_value(unit, h->to).s);
	return b;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t row_total(const struct histogram_row *row)
{
	uint64_t total = 0;

	for (size_t i = 0; i < row->n; i++)
		total = add_saturated(total, row->buckets[i].count);
	return total;
}

/* The bucket below or in which @percent of the values are; NULL if there are none. */
static const struct histogram_bucket *row_percentile(const struct histogram_row *row,
						     unsigned int percent)
{
	uint64_t total = row_total(row), sum = 0;
	uint64_t need = total / 100 * percent + (total % 100 * percent + 99) / 100;

	for (size_t i = 0; total && i < row->n; i++) {
		sum = add_saturated(sum, row->buckets[i].count);
		if (sum >= need)
			return &row->buckets[i];
	}
	return NULL;
}

/* The heading; @subject, which may be hostile and NULL, takes half of a line at most. */
static void put_title(struct text *t, const struct histogram *h, const char *subject, bool log)
{
	bool some = subject && *subject;
	_cleanup_free_ char *safe = safe_text(some ? subject : "");
	_cleanup_free_ char *fit = safe ? text_shorten(safe, t->width / 2) : NULL;
	_cleanup_free_ char *title = NULL;

	if (!fit || asprintf(&title, "%s%s%s%s", h->title ? h->title : h->name, some ? ", " : "",
			     fit, log ? " (log scale)" : "") < 0) {
		title = NULL; /* undefined after a failure */
		out_fail(&t->out, -ENOMEM);
		return;
	}
	text_paragraph(t, STYLE_BOLD, "", 0, title); /* safe twice, which changes nothing */
}

/* --- one row ------------------------------------------------------------------------------------ */

static void put_bar(struct text *t, size_t n)
{
	if (n)
		out_spaces(&t->out, GAP);
	while (n--)
		out_puts(&t->out, "▇");
	out_puts(&t->out, "\n");
}

/* A line for each of @n buckets. */
static void put_bars(struct text *t, enum cell_type unit, const struct histogram_bucket *buckets,
		     size_t n, const struct scale *scale)
{
	size_t label = 0, count = 0, bar;

	for (size_t i = 0; i < n; i++) {
		const struct histogram_bucket *b = &buckets[i];

		label = MAX(label, text_width(range_text(unit, b->from, b->to).s));
		count = MAX(count, text_width(units_count(b->count).s));
	}
	label = MIN(label, t->width - GAP - count); /* the least width is three counts */
	bar = t->width - label - GAP - count;
	bar -= MIN(bar, (size_t)GAP);
	for (size_t i = 0; i < n && !t->out.err; i++) {
		const struct histogram_bucket *b = &buckets[i];

		text_field(t, range_text(unit, b->from, b->to).s, label, false);
		out_spaces(&t->out, GAP);
		text_field(t, units_count(b->count).s, count, false);
		put_bar(t, scale_steps(scale, b->count, bar));
	}
}

static void put_one_row(struct text *t, const struct histogram *h, const struct histogram_row *row)
{
	size_t first = 0, end = row->n;
	struct scale scale = { 0 };
	char key[64];

	while (end > first && row->buckets[end - 1].count == 0)
		end--;
	while (first < end && row->buckets[first].count == 0)
		first++;
	for (size_t i = first; i < end; i++)
		scale_add(&scale, row->buckets[i].count);
	scale.log = scale_spreads(&scale);
	if (h->key)
		snprintf(key, sizeof(key), "%s %" PRIu64, h->key, row->key);
	put_title(t, h, row->label ? row->label : h->key ? key : NULL, scale.log);
	if (first == end)
		text_paragraph(t, STYLE_PLAIN, "  ", 2, "(none)");
	else
		put_bars(t, h->unit, &row->buckets[first], end - first, &scale);
}

/* --- several rows ------------------------------------------------------------------------------- */

enum matrix_field { FIELD_KEY, FIELD_COUNT, FIELD_P50, FIELD_P90, FIELD_MAX, N_FIELDS };

struct matrix {
	const struct histogram *h;
	uint64_t *bounds; /* where the rows' buckets begin, ascending; those that count nothing */
	size_t n_bounds; /*  at either end left out */
	uint64_t end; /* of the last one */
	bool log;
	size_t width[N_FIELDS]; /* 0: left out */
	size_t spark; /* columns for the buckets, */
	size_t group; /*  as many a column */
};

static int compare_u64(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return CMP(*a, *b);
}

/* Where buckets that count something begin and end; false if there are none. */
static bool matrix_extent(struct matrix *m, uint64_t *ret_first, uint64_t *ret_last)
{
	uint64_t first = UINT64_MAX, last = 0;
	bool any = false;

	for (size_t i = 0; i < m->h->n_rows; i++) {
		const struct histogram_row *row = &m->h->rows[i];
		struct scale scale = { 0 };

		for (size_t j = 0; j < row->n; j++) {
			const struct histogram_bucket *b = &row->buckets[j];

			scale_add(&scale, b->count);
			if (b->count == 0)
				continue;
			any = true;
			first = MIN(first, b->from);
			last = MAX(last, b->from);
			m->end = MAX(m->end, b->to);
		}
		m->log |= scale_spreads(&scale);
	}
	*ret_first = first;
	*ret_last = last;
	return any;
}

/* The buckets that the rows have in common; no bounds if none counts anything. */
static int matrix_bounds(struct matrix *m)
{
	uint64_t first, last;
	size_t n = 0, unique = 0;

	if (!matrix_extent(m, &first, &last))
		return 0;
	for (size_t i = 0; i < m->h->n_rows; i++)
		n += m->h->rows[i].n; /* they are in memory: no overflow */
	m->bounds = calloc(n, sizeof(*m->bounds));
	if (!m->bounds)
		return -ENOMEM;
	for (size_t i = 0; i < m->h->n_rows; i++) {
		const struct histogram_row *row = &m->h->rows[i];

		for (size_t j = 0; j < row->n; j++)
			if (row->buckets[j].from >= first && row->buckets[j].from <= last)
				m->bounds[m->n_bounds++] = row->buckets[j].from;
	}
	qsort(m->bounds, m->n_bounds, sizeof(*m->bounds), compare_u64);
	for (size_t i = 0; i < m->n_bounds; i++)
		if (i == 0 || m->bounds[i] != m->bounds[unique - 1])
			m->bounds[unique++] = m->bounds[i];
	m->n_bounds = unique;
	return 0;
}

/* What stands in a field, safe to print; the caller frees it. NULL: out of memory. */
static char *field_text(const struct matrix *m, const struct histogram_row *row,
			enum matrix_field field)
{
	static const unsigned int percents[N_FIELDS] = {
		[FIELD_P50] = 50,
		[FIELD_P90] = 90,
		[FIELD_MAX] = 100,
	};
	char key[32];

	if (field == FIELD_COUNT)
		return strdup(units_count(row_total(row)).s);
	if (field != FIELD_KEY)
		return strdup(upper_text(m->h->unit, row_percentile(row, percents[field])).s);
	if (row->label)
		return safe_text(row->label);
	snprintf(key, sizeof(key), "%" PRIu64, row->key);
	return strdup(key);
}

static const char *field_title(const struct matrix *m, enum matrix_field field)
{
	static const char *const titles[N_FIELDS] = {
		[FIELD_COUNT] = "count",
		[FIELD_P50] = "p50",
		[FIELD_P90] = "p90",
		[FIELD_MAX] = "max",
	};

	return field == FIELD_KEY ? m->h->key : titles[field];
}

static size_t fields_width(const struct matrix *m)
{
	size_t total = 0;

	for (size_t i = 0; i < N_FIELDS; i++)
		if (m->width[i])
			total += m->width[i] + (i > 0 ? GAP : 0);
	return total;
}

static int matrix_measure(struct matrix *m)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		m->width[i] = text_width(field_title(m, i));
		for (size_t row = 0; row < m->h->n_rows; row++) {
			_cleanup_free_ char *text = field_text(m, &m->h->rows[row], i);

			if (!text)
				return -ENOMEM;
			m->width[i] = MAX(m->width[i], text_width(text));
		}
	}
	return 0;
}

/* Shorten the key, but not below @enough, until there are @spark columns left of @width. */
static void shorten_key(struct matrix *m, size_t width, size_t spark, size_t enough)
{
	size_t total = fields_width(m) + GAP + spark, key = m->width[FIELD_KEY];

	if (total > width && key > enough)
		m->width[FIELD_KEY] -= MIN(total - width, key - enough);
}

/* Leave out or shorten what does not fit; the key, the count and the maximum always do. */
static void matrix_fit(struct matrix *m, size_t width)
{
	static const enum matrix_field first_to_go[] = { FIELD_P90, FIELD_P50 };
	size_t least = MIN(m->n_bounds, (size_t)SPARK_LEAST), total;

	shorten_key(m, width, least, KEY_ENOUGH);
	for (size_t i = 0; i < ARRAY_SIZE(first_to_go); i++)
		if (fields_width(m) + GAP + least > width)
			m->width[first_to_go[i]] = 0;
	shorten_key(m, width, least, KEY_LEAST);
	total = fields_width(m) + GAP;
	if (total + least > width)
		return;
	/* As many buckets in each column, or the heights would say something else. */
	m->group = (m->n_bounds + width - total - 1) / (width - total);
	m->spark = (m->n_bounds + m->group - 1) / m->group;
}

static void put_fields(struct text *t, const struct matrix *m, const struct histogram_row *row)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		_cleanup_free_ char *text = row ? field_text(m, row, i) : strdup(field_title(m, i));

		if (!text) {
			out_fail(&t->out, -ENOMEM);
			return;
		}
		if (i > 0 && m->width[i])
			out_spaces(&t->out, GAP);
		text_field(t, text, m->width[i], i == FIELD_KEY);
	}
}

static void put_matrix_headings(struct text *t, const struct matrix *m)
{
	struct bound_text range = range_text(m->h->unit, m->bounds[0], m->end);

	text_style_on(t, STYLE_BOLD);
	put_fields(t, m, NULL);
	if (m->spark && fields_width(m) + GAP + text_width(range.s) <= t->width) {
		out_spaces(&t->out, GAP);
		out_puts(&t->out, range.s);
	}
	text_style_off(t, STYLE_BOLD);
	out_puts(&t->out, "\n");
}

/* @row's buckets side by side, each line with a scale of its own. */
static int put_row_spark(struct text *t, const struct matrix *m, const struct histogram_row *row)
{
	_cleanup_free_ uint64_t *sums = calloc(MAX(m->spark, (size_t)1), sizeof(*sums));
	_cleanup_free_ uint8_t *heights = calloc(MAX(m->spark, (size_t)1), 1);
	struct scale scale = { .log = m->log };
	size_t n = 0; /* columns up to the last that is no gap */

	if (!sums || !heights)
		return -ENOMEM;
	for (size_t i = 0; m->spark && i < row->n; i++) {
		const struct histogram_bucket *b = &row->buckets[i];
		const uint64_t *bound =
			bsearch(&b->from, m->bounds, m->n_bounds, sizeof(*m->bounds), compare_u64);
		size_t column;

		if (!bound || b->count == 0)
			continue;
		column = (size_t)(bound - m->bounds) / m->group;
		sums[column] = add_saturated(sums[column], b->count);
		n = column + 1;
	}
	for (size_t i = 0; i < n; i++)
		scale_add(&scale, sums[i]);
	for (size_t i = 0; i < n; i++)
		heights[i] = (uint8_t)scale_steps(&scale, sums[i], SPARK_HEIGHTS);
	out_spaces(&t->out, n ? GAP : 0);
	spark_put(t, heights, n);
	out_puts(&t->out, "\n");
	return 0;
}

static int put_matrix(struct text *t, struct matrix *m)
{
	int err = matrix_bounds(m);

	if (err)
		return err;
	put_title(t, m->h, NULL, m->log);
	if (m->n_bounds == 0) {
		text_paragraph(t, STYLE_PLAIN, "  ", 2, "(none)");
		return 0;
	}
	err = matrix_measure(m);
	if (err)
		return err;
	matrix_fit(m, t->width);
	put_matrix_headings(t, m);
	for (size_t i = 0; i < m->h->n_rows && !err && !t->out.err; i++) {
		put_fields(t, m, &m->h->rows[i]);
		err = put_row_spark(t, m, &m->h->rows[i]);
	}
	return err;
}

void text_histogram(struct text *t, const struct histogram *h)
{
	struct matrix m = { .h = h };
	int err;

	if (h->n_rows == 1) {
		put_one_row(t, h, &h->rows[0]);
		return;
	}
	err = put_matrix(t, &m);
	if (err)
		out_fail(&t->out, err);
	free(m.bounds);
}
