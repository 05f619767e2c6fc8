// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "report/report.h"

static const struct grid_class classes[] = {
	{ "free", 'f', 32 },
	{ "movable", 'm', 0 },
	{ "unmovable", 'u', 31 },
};

static void add(struct report *r, struct histogram *h, uint64_t key, const char *label,
		uint64_t from, uint64_t count)
{
	report_add_bucket(r, h, key, label, (struct histogram_bucket){ from, from + 10, count });
}

static void test_histogram_rows(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("buddy");
	struct histogram *h = report_add_histogram(r, "lifetime", "Lifetime", "order", CELL_NS);
	char label[] = "order 7";

	for (uint64_t key = 0; key < 23; key++)
		for (uint64_t i = 0; i <= key; i++)
			add(r, h, key, key == 7 ? label : NULL, i * 10, key * 100 + i);
	label[0] = 'x'; /* it was copied */
	assert_int_equal(r->n_histograms, 1);
	assert_string_equal(h->name, "lifetime");
	assert_string_equal(h->title, "Lifetime");
	assert_string_equal(h->key, "order");
	assert_int_equal(h->unit, CELL_NS);
	assert_int_equal(h->n_rows, 23);
	for (uint64_t key = 0; key < 23; key++) {
		const struct histogram_row *row = &h->rows[key];

		assert_int_equal(row->key, key);
		assert_int_equal(row->n, key + 1);
		for (uint64_t i = 0; i <= key; i++) {
			assert_int_equal(row->buckets[i].from, i * 10);
			assert_int_equal(row->buckets[i].to, i * 10 + 10);
			assert_int_equal(row->buckets[i].count, key * 100 + i);
		}
		if (key == 7)
			assert_string_equal(row->label, "order 7");
		else
			assert_null(row->label);
	}
	assert_false(r->oom);
}

static void test_histogram_without_key(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct histogram *h = report_add_histogram(r, "sizes", NULL, NULL, CELL_BYTES);

	add(r, h, 1, NULL, 0, 3);
	add(r, h, 2, "ignored", 10, 4); /* there is one row */
	report_add_bucket(r, h, 3, NULL, (struct histogram_bucket){ 30, UINT64_MAX, 5 });
	assert_int_equal(h->n_rows, 1);
	assert_int_equal(h->rows[0].n, 3);
	assert_null(h->rows[0].label);
	assert_true(h->rows[0].buckets[2].to == UINT64_MAX);
}

static void test_series(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("mem");
	struct series *s;

	for (int i = 0; i < 11; i++)
		report_add_series(r, "x", NULL, CELL_COUNT, 0, 1);
	s = report_add_series(r, "free", "Free memory", CELL_BYTES, 5, 7);
	for (uint64_t i = 0; i < 1009; i++)
		report_add_value(r, s, i * i);
	assert_int_equal(r->n_series, 12);
	assert_string_equal(r->series[11].name, "free");
	assert_string_equal(r->series[11].title, "Free memory");
	assert_int_equal(s->unit, CELL_BYTES);
	assert_int_equal(s->start_ns, 5);
	assert_int_equal(s->step_ns, 7);
	assert_int_equal(s->n, 1009);
	for (uint64_t i = 0; i < 1009; i++)
		assert_int_equal(s->values[i], i * i);
	assert_int_equal(r->series[10].n, 0);
	assert_false(r->oom);
}

static void test_grid(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("buddy");
	struct grid *g = report_add_grid(r, "map", "Map", 4096, classes, ARRAY_SIZE(classes));
	uint8_t cells[] = { 0, 1, 2, 2, 1 };
	char label[] = "Normal";

	report_add_grid_row(r, g, label, 0x1000, cells, 5);
	memset(cells, 0, sizeof(cells)); /* they were copied */
	label[0] = 'x';
	report_add_grid_row(r, g, NULL, 0x8000, cells, 0);
	for (uint64_t i = 2; i < 23; i++)
		report_add_grid_row(r, g, NULL, i, cells, 1);
	assert_int_equal(r->n_grids, 1);
	assert_int_equal(g->cell_bytes, 4096);
	assert_int_equal(g->n_classes, 3);
	assert_int_equal(g->n_rows, 23);
	assert_string_equal(g->rows[0].label, "Normal");
	assert_int_equal(g->rows[0].address, 0x1000);
	assert_int_equal(g->rows[0].n, 5);
	assert_memory_equal(g->rows[0].cells, ((uint8_t[]){ 0, 1, 2, 2, 1 }), 5);
	assert_null(g->rows[1].label);
	assert_int_equal(g->rows[1].n, 0);
	assert_int_equal(g->rows[22].address, 22);
	assert_false(r->oom);
}

/* Whether memory was said to be short, which is then forgotten. */
static bool took_oom(struct report *r)
{
	bool oom = r->oom;

	r->oom = false;
	return oom;
}

static void test_oom_adding(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("buddy");

	r->n_histograms = SIZE_MAX; /* one more would overflow */
	assert_null(report_add_histogram(r, "x", NULL, NULL, CELL_NS));
	r->n_histograms = 0;
	assert_true(took_oom(r));
	r->n_series = SIZE_MAX;
	assert_null(report_add_series(r, "x", NULL, CELL_NS, 0, 1));
	r->n_series = 0;
	assert_true(took_oom(r));
	r->n_grids = SIZE_MAX;
	assert_null(report_add_grid(r, "x", NULL, 1, classes, 1));
	r->n_grids = 0;
	assert_true(took_oom(r));
}

static void test_oom_filling(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("buddy");
	struct histogram *h = report_add_histogram(r, "h", NULL, "order", CELL_NS);
	struct series *s = report_add_series(r, "s", NULL, CELL_NS, 0, 1);
	struct grid *g = report_add_grid(r, "g", NULL, 1, classes, ARRAY_SIZE(classes));
	static const uint8_t cells[] = { 2 };

	h->key = NULL; /* all are of the row that there is */
	add(r, h, 0, NULL, 0, 1);
	assert_false(took_oom(r));
	h->rows[0].n = SIZE_MAX;
	add(r, h, 0, NULL, 10, 1);
	h->rows[0].n = 1;
	assert_true(took_oom(r));

	s->n = SIZE_MAX;
	report_add_value(r, s, 1);
	s->n = 0;
	assert_true(took_oom(r));

	g->n_rows = SIZE_MAX;
	report_add_grid_row(r, g, "x", 0, cells, 1);
	g->n_rows = 0;
	assert_true(took_oom(r));
	report_add_grid_row(r, g, "x", 0, cells, 1);
	assert_int_equal(g->n_rows, 1);
	assert_false(took_oom(r));
}

static void test_fillers_accept_what_oom_left(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("buddy");

	add(r, NULL, 0, "x", 0, 1);
	report_add_value(r, NULL, 1);
	report_add_grid_row(r, NULL, "x", 0, NULL, 0);
	assert_false(r->oom);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histogram_rows),
		cmocka_unit_test(test_histogram_without_key),
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_grid),
		cmocka_unit_test(test_oom_adding),
		cmocka_unit_test(test_oom_filling),
		cmocka_unit_test(test_fillers_accept_what_oom_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
