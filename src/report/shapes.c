// SPDX-License-Identifier: GPL-2.0
/* What a report has besides tables: histograms, series and grids. */
#include "report/shapes.h"

#include <assert.h>
#include <string.h>

#include "base/vec.h"

static void free_histogram(struct histogram *h)
{
	for (size_t i = 0; i < h->n_rows; i++) {
		free(h->rows[i].label);
		free(h->rows[i].buckets);
	}
	free(h->rows);
}

static void free_grid(struct grid *g)
{
	for (size_t i = 0; i < g->n_rows; i++) {
		free(g->rows[i].label);
		free(g->rows[i].cells);
	}
	free(g->rows);
}

void report_free_shapes(struct report *r)
{
	for (size_t i = 0; i < r->n_histograms; i++)
		free_histogram(&r->histograms[i]);
	free(r->histograms);
	for (size_t i = 0; i < r->n_series; i++)
		free(r->series[i].values);
	free(r->series);
	for (size_t i = 0; i < r->n_grids; i++)
		free_grid(&r->grids[i]);
	free(r->grids);
}

/* What bounds and values may be counted in: renderers have words for these only. */
static bool is_unit(enum cell_type type)
{
	return type == CELL_NS || type == CELL_BYTES || type == CELL_COUNT;
}

struct histogram *report_add_histogram(struct report *r, const char *name, const char *title,
				       const char *key, enum cell_type unit)
{
	struct histogram *h;

	assert(is_unit(unit));
	h = vec_reserve(r->histograms, r->n_histograms, &r->histograms_capacity, 1, sizeof(*h));
	if (!h) {
		r->oom = true;
		return NULL;
	}
	r->histograms = h;
	h = &r->histograms[r->n_histograms++];
	*h = (struct histogram){ .name = name, .title = title, .key = key, .unit = unit };
	return h;
}

/* A copy of @s in *@ret_copy, NULL if that is NULL; false when memory is short. */
static bool copy_label(const char *s, char **ret_copy)
{
	char *copy = s ? strdup(s) : NULL;

	if (s && !copy)
		return false;
	*ret_copy = copy;
	return true;
}

/* The row of @key, which is the last one or a new one; NULL when memory is short. */
static struct histogram_row *histogram_row(struct histogram *h, uint64_t key, const char *label)
{
	_cleanup_free_ char *copy = NULL;
	struct histogram_row *rows;

	if (h->n_rows && (!h->key || h->rows[h->n_rows - 1].key == key))
		return &h->rows[h->n_rows - 1];
	if (!copy_label(label, &copy))
		return NULL;
	rows = vec_reserve(h->rows, h->n_rows, &h->rows_capacity, 1, sizeof(*rows));
	if (!rows)
		return NULL;
	h->rows = rows;
	rows[h->n_rows] = (struct histogram_row){ .key = key, .label = TAKE_PTR(copy) };
	return &rows[h->n_rows++];
}

void report_add_bucket(struct report *r, struct histogram *h, uint64_t key, const char *label,
		       struct histogram_bucket bucket)
{
	struct histogram_bucket *buckets;
	struct histogram_row *row;

	if (!h)
		return;
	assert(bucket.from < bucket.to);
	row = histogram_row(h, key, label);
	if (!row) {
		r->oom = true;
		return;
	}
	buckets = vec_reserve(row->buckets, row->n, &row->capacity, 1, sizeof(*buckets));
	if (!buckets) {
		r->oom = true;
		return;
	}
	row->buckets = buckets;
	assert(row->n == 0 || buckets[row->n - 1].to <= bucket.from);
	buckets[row->n++] = bucket;
}

struct series *report_add_series(struct report *r, const char *name, const char *title,
				 enum cell_type unit, uint64_t start_ns, uint64_t step_ns)
{
	struct series *s;

	assert(is_unit(unit));
	s = vec_reserve(r->series, r->n_series, &r->series_capacity, 1, sizeof(*s));
	if (!s) {
		r->oom = true;
		return NULL;
	}
	r->series = s;
	s = &r->series[r->n_series++];
	*s = (struct series){
		.name = name,
		.title = title,
		.unit = unit,
		.start_ns = start_ns,
		.step_ns = step_ns,
	};
	return s;
}

void report_add_value(struct report *r, struct series *s, uint64_t value)
{
	uint64_t *values;

	if (!s)
		return;
	values = vec_reserve(s->values, s->n, &s->capacity, 1, sizeof(*values));
	if (!values) {
		r->oom = true;
		return;
	}
	s->values = values;
	values[s->n++] = value;
}

/* A letter goes unescaped into JSON and onto terminals, and is a member's name: one class each. */
static bool letters_are_good(const struct grid_class *classes, size_t n)
{
	bool seen[128] = { false };

	for (size_t i = 0; i < n; i++) {
		unsigned char letter = (unsigned char)classes[i].letter;

		if (letter <= ' ' || letter >= 127 || letter == '"' || letter == '\\' ||
		    seen[letter])
			return false;
		seen[letter] = true;
	}
	return true;
}

struct grid *report_add_grid(struct report *r, const char *name, const char *title,
			     uint64_t cell_bytes, const struct grid_class *classes,
			     size_t n_classes)
{
	struct grid *g;

	assert(letters_are_good(classes, n_classes));
	g = vec_reserve(r->grids, r->n_grids, &r->grids_capacity, 1, sizeof(*g));
	if (!g) {
		r->oom = true;
		return NULL;
	}
	r->grids = g;
	g = &r->grids[r->n_grids++];
	*g = (struct grid){
		.name = name,
		.title = title,
		.cell_bytes = cell_bytes,
		.classes = classes,
		.n_classes = n_classes,
	};
	return g;
}

/* A copy of @cells, each of which is one of @g's classes; NULL when memory is short. */
static uint8_t *copy_cells(const struct grid *g, const uint8_t *cells, size_t n)
{
	uint8_t *copy = malloc(MAX(n, (size_t)1));

	for (size_t i = 0; copy && i < n; i++) {
		assert(cells[i] < g->n_classes);
		copy[i] = cells[i];
	}
	return copy;
}

void report_add_grid_row(struct report *r, struct grid *g, const char *label, uint64_t address,
			 const uint8_t *cells, size_t n)
{
	_cleanup_free_ uint8_t *cells_copy = NULL;
	_cleanup_free_ char *label_copy = NULL;
	struct grid_row *rows;

	if (!g)
		return;
	rows = vec_reserve(g->rows, g->n_rows, &g->rows_capacity, 1, sizeof(*rows));
	if (rows)
		g->rows = rows;
	cells_copy = rows ? copy_cells(g, cells, n) : NULL;
	if (!cells_copy || !copy_label(label, &label_copy)) {
		r->oom = true;
		return;
	}
	rows[g->n_rows++] = (struct grid_row){
		.label = TAKE_PTR(label_copy),
		.address = address,
		.cells = TAKE_PTR(cells_copy),
		.n = n,
	};
}
