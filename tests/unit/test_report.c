// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/report.h"

static const struct column columns[] = {
	{ "name", "name", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "n", "n", CELL_COUNT, 0, 0 },
	{ "delta", "delta", CELL_DELTA, 0, 0 },
	{ "rate", "rate", CELL_RATE, 0, 0 },
	{ "site", "site", CELL_SITE, COLUMN_LEFT, 0 },
	{ "evidence", "evidence", CELL_TEXTS, COLUMN_SUBLINE, 0 },
	{ "stacks", "stacks", CELL_STACKS, 0, 0 },
	{ "change", "change", CELL_CHANGE, 0, 0 },
};

static struct table *add_table(struct report *r)
{
	return report_add_table(r, "things", "Things", columns, ARRAY_SIZE(columns));
}

static size_t add_named(struct report *r, struct table *t, const char *name)
{
	size_t row = report_add_row(r, t);

	report_set_text(r, t, row, "name", name);
	return row;
}

/* The names of @t's rows, in order: «abc». */
static void expect_order(const struct table *t, const char *names)
{
	char got[64] = "";

	assert_true(t->n_rows < sizeof(got));
	for (size_t row = 0; row < t->n_rows; row++)
		got[row] = table_cell(t, row, "name")->text[0];
	assert_string_equal(got, names);
}

static void test_cells(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);
	size_t row = report_add_row(r, t);
	struct cell *c;

	assert_int_equal(row, 0);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		assert_int_equal(table_cell(t, row, columns[i].name)->type, CELL_NULL);
	report_set_text(r, t, row, "name", "one");
	report_set_text(r, t, row, "name", "two");
	report_set_text(r, t, row, "name", NULL);
	assert_string_equal(table_cell(t, row, "name")->text, "two");
	report_set_u64(r, t, row, "n", UINT64_MAX);
	c = table_cell(t, row, "n");
	assert_int_equal(c->type, CELL_COUNT);
	assert_true(c->u64 == UINT64_MAX);
	report_set_i64(r, t, row, "delta", INT64_MIN);
	assert_true(table_cell(t, row, "delta")->i64 == INT64_MIN);
	report_set_real(r, t, row, "rate", -1.5);
	assert_true(table_cell(t, row, "rate")->real == -1.5);
	assert_false(r->oom);
}

static void test_site_text_belongs_to_address(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);
	size_t row = report_add_row(r, t);

	report_set_u64(r, t, row, "site", 1);
	report_set_text(r, t, row, "site", "f+0x1");
	assert_true(table_cell(t, row, "site")->u64 == 1);
	assert_string_equal(table_cell(t, row, "site")->text, "f+0x1");
	report_set_u64(r, t, row, "site", 2);
	assert_null(table_cell(t, row, "site")->text);
}

static void test_lists_grow(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("leaks");
	struct table *t = add_table(r);
	size_t row = report_add_row(r, t);
	struct cell *c;

	for (uint32_t i = 0; i < 101; i++) {
		report_add_text(r, t, row, "evidence", "item %u", i);
		report_add_share(r, t, row, "stacks",
				 (struct stack_share){ .stack = i, .objects = i * 3 });
	}
	c = table_cell(t, row, "evidence");
	assert_int_equal(c->type, CELL_TEXTS);
	assert_int_equal(c->list.n, 101);
	assert_string_equal(c->list.items[0], "item 0");
	assert_string_equal(c->list.items[100], "item 100");
	c = table_cell(t, row, "stacks");
	assert_int_equal(c->type, CELL_STACKS);
	assert_int_equal(c->stacks.n, 101);
	assert_int_equal(c->stacks.items[0].stack, 0);
	assert_int_equal(c->stacks.items[100].objects, 300);
}

static void test_many_tables(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");

	for (int i = 0; i < 23; i++) {
		struct table *t = add_table(r);

		for (int j = 0; j < i; j++)
			add_named(r, t, "x");
	}
	assert_int_equal(r->n_tables, 23);
	for (size_t i = 0; i < 23; i++)
		assert_int_equal(r->tables[i].n_rows, i);
	for (int i = 0; i < 20; i++)
		report_add_note(r, "note %d of %s", i, "20");
	assert_int_equal(r->n_notes, 20);
	assert_string_equal(r->notes[19], "note 19 of 20");
}

static void test_sort_u64_stable(void **state _unused_)
{
	static const uint64_t values[] = { 5, UINT64_MAX, 5, 0, UINT64_MAX, 5, 1ull << 63 };
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		size_t row = add_named(r, t, (char[]){ (char)('a' + i), 0 });

		report_set_u64(r, t, row, "n", values[i]);
	}
	add_named(r, t, "y"); /* null */
	add_named(r, t, "z");
	report_table_sort(t, "n");
	expect_order(t, "begacfdyz");
	report_table_sort(t, "n");
	expect_order(t, "begacfdyz");
	report_add_row(r, t); /* there is room again */
	assert_int_equal(t->n_rows, 10);
}

static void test_sort_null_is_below_zero(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);

	add_named(r, t, "n");
	report_set_u64(r, t, add_named(r, t, "0"), "n", 0);
	report_table_sort(t, "n");
	expect_order(t, "0n");
}

static void test_sort_signed_and_real(void **state _unused_)
{
	static const int64_t deltas[] = { INT64_MIN, -1, INT64_MAX, 0 };
	static const double rates[] = { NAN, -0.5, INFINITY, 0.25 };
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);

	add_named(r, t, "n");
	for (size_t i = 0; i < 4; i++) {
		size_t row = add_named(r, t, (char[]){ (char)('a' + i), 0 });

		report_set_i64(r, t, row, "delta", deltas[i]);
		report_set_i64(r, t, row, "change", -1 - deltas[i]); /* the other way round */
		report_set_real(r, t, row, "rate", rates[i]);
	}
	report_table_sort(t, "delta");
	expect_order(t, "cdban");
	report_table_sort(t, "rate");
	expect_order(t, "cdban");
	report_table_sort(t, "change");
	expect_order(t, "abdcn");
	report_table_sort(t, "rate");
	report_table_sort(t, "name"); /* no number: nothing moves */
	expect_order(t, "cdban");
}

static void test_sort_many_stays_stable(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);
	uint64_t last_key = UINT64_MAX;
	int64_t last_index = -1;

	for (int64_t i = 0; i < 10007; i++) {
		size_t row = report_add_row(r, t);

		report_set_u64(r, t, row, "n", (uint64_t)(i * 7919 % 13));
		report_set_i64(r, t, row, "delta", i);
	}
	report_table_sort(t, "n");
	for (size_t row = 0; row < t->n_rows; row++) {
		uint64_t key = table_cell(t, row, "n")->u64;
		int64_t index = table_cell(t, row, "delta")->i64;

		assert_true(key <= last_key);
		assert_true(key < last_key || index > last_index);
		last_key = key;
		last_index = index;
	}
}

static void test_truncate(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);

	for (int i = 0; i < 10; i++)
		report_add_text(r, t, add_named(r, t, "x"), "evidence", "%d", i);
	report_table_truncate(t, 0);
	assert_int_equal(t->n_rows, 10);
	report_table_truncate(t, 11);
	assert_int_equal(t->n_rows, 10);
	report_table_truncate(t, 3); /* LeakSanitizer watches the others */
	assert_int_equal(t->n_rows, 3);
	assert_int_equal(t->rows_total, 10);
	assert_int_equal(add_named(r, t, "y"), 3);
	assert_int_equal(t->rows_total, 11);
	assert_int_equal(table_cell(t, 3, "evidence")->type, CELL_NULL);
}

/* The depths of @t's rows, as deep as nine: «0112». */
static void expect_depths(const struct table *t, const char *depths)
{
	char got[64] = "";

	assert_true(t->n_rows < sizeof(got));
	for (size_t row = 0; row < t->n_rows; row++)
		got[row] = (char)('0' + t->depths[row]);
	assert_string_equal(got, depths);
}

static size_t add_node(struct report *r, struct table *t, unsigned int depth, const char *name)
{
	size_t row = report_add_node(r, t, depth);

	report_set_text(r, t, row, "name", name);
	return row;
}

static void test_tree(void **state _unused_)
{
	static const unsigned int depths[] = { 0, 1, 2, 2, 1, 0, 1, 2, 3, 4, 1, 0, 0 };
	_cleanup_(report_free) struct report *r = report_new("layout");
	struct table *t = report_add_tree(r, "things", "Things", columns, ARRAY_SIZE(columns));

	assert_true(t->is_tree);
	assert_false(add_table(r)->is_tree);
	t = &r->tables[0];
	for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
		char name[] = { (char)('a' + i), 0 };

		assert_int_equal(add_node(r, t, depths[i], name), i);
		report_set_u64(r, t, i, "n", i);
	}
	expect_depths(t, "0122101234100");
	report_table_sort(t, "n"); /* both leave it alone */
	report_table_truncate(t, 3);
	expect_order(t, "abcdefghijklm");
	expect_depths(t, "0122101234100");
	assert_int_equal(t->rows_total, 13);
	assert_false(r->oom);
}

static void test_tree_depth_is_bounded(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("layout");
	struct table *t = report_add_tree(r, "things", NULL, columns, ARRAY_SIZE(columns));

	for (unsigned int i = 0; i < 1009; i++)
		assert_int_equal(report_add_node(r, t, i), i);
	for (unsigned int i = 0; i < 1009; i++)
		assert_int_equal(t->depths[i], MIN(i, (unsigned int)TREE_DEPTH_MAX));
	report_add_node(r, t, 3);
	assert_int_equal(t->depths[1009], 3);
}

static void test_tree_oom(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("layout");
	struct table *t = report_add_tree(r, "things", NULL, columns, ARRAY_SIZE(columns));

	add_node(r, t, 0, "a");
	r->oom = true; /* there was no room for what the next one is below */
	assert_int_equal(add_node(r, t, 2, "b"), 1);
	expect_depths(t, "01");
	assert_true(report_add_node(r, NULL, 0) == SIZE_MAX);

	r->oom = false;
	r->n_tables = SIZE_MAX;
	assert_null(report_add_tree(r, "x", NULL, columns, ARRAY_SIZE(columns)));
	r->n_tables = 1;
	assert_true(r->oom);
}

static void test_stacks_are_shared(void **state _unused_)
{
	static const uint64_t a[] = { 1, 2, 3 }, b[] = { 1, 2 }, c[] = { 3, 2, 1 };
	_cleanup_(report_free) struct report *r = report_new("slab");

	assert_int_equal(report_add_stack(r, a, 3), 0);
	assert_int_equal(report_add_stack(r, b, 2), 1);
	assert_int_equal(report_add_stack(r, c, 3), 2);
	assert_int_equal(report_add_stack(r, NULL, 0), 3);
	assert_int_equal(report_add_stack(r, a, 3), 0);
	assert_int_equal(report_add_stack(r, b, 2), 1);
	assert_int_equal(report_add_stack(r, NULL, 0), 3);
	assert_int_equal(r->n_stacks, 4);
	assert_int_equal(r->stacks[2].n_frames, 3);
	assert_true(r->stacks[2].frames[0].address == 3);
	assert_null(r->stacks[2].frames[0].symbol);
}

static void test_many_stacks(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");

	for (int turn = 0; turn < 2; turn++) {
		for (uint32_t i = 0; i < 20011; i++) {
			uint64_t a[] = { 0xffffffff81000000 + i % 101 * 16, i, 7 };

			assert_int_equal(report_add_stack(r, a, 3), i);
		}
	}
	assert_int_equal(r->n_stacks, 20011);
}

static void test_oom_is_remembered(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);

	t->n_rows = SIZE_MAX; /* one more would overflow */
	assert_true(report_add_row(r, t) == SIZE_MAX);
	t->n_rows = 0;
	assert_true(r->oom);

	r->oom = false;
	r->n_notes = SIZE_MAX;
	report_add_note(r, "x");
	r->n_notes = 0;
	assert_true(r->oom);

	r->oom = false;
	r->n_tables = SIZE_MAX;
	assert_null(add_table(r));
	r->n_tables = 1;
	assert_true(r->oom);

	r->oom = false;
	r->n_stacks = UINT32_MAX;
	assert_true(report_add_stack(r, NULL, 0) == UINT32_MAX);
	r->n_stacks = 0;
	assert_true(r->oom);
}

static void test_setters_accept_what_oom_left(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);

	assert_true(report_add_row(r, NULL) == SIZE_MAX);
	report_set_u64(r, NULL, 0, "n", 1);
	report_set_u64(r, t, SIZE_MAX, "n", 1);
	report_set_i64(r, t, SIZE_MAX, "delta", 1);
	report_set_real(r, t, SIZE_MAX, "rate", 1);
	report_set_text(r, t, SIZE_MAX, "name", "x");
	report_add_text(r, t, SIZE_MAX, "evidence", "x");
	report_add_share(r, t, SIZE_MAX, "stacks", (struct stack_share){ 0 });
	report_table_sort(NULL, "n");
	report_table_truncate(NULL, 1);
	assert_int_equal(t->n_rows, 0);
}

static void test_code(void **state _unused_)
{
	const uint64_t kernel = 0xffffffff81000123, kernel32 = 0xc0101234;
	const uint64_t code = report_code(3, 0x1234), last = report_code(65534, UINT64_MAX);

	assert_int_equal(report_code_object(code), 3);
	assert_int_equal(report_code_offset(code), 0x1234);
	assert_int_equal(report_code_object(last), 65534);
	assert_int_equal(report_code_offset(last), 0xffffffffffff);
	assert_int_equal(report_code_object(kernel), 0);
	assert_int_equal(report_code_offset(kernel), kernel);
	assert_int_equal(report_code_object(kernel32), 0);
	assert_int_equal(report_code_offset(kernel32), kernel32);
}

static void test_objects(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("faults");
	char path[] = "/usr/lib/libc.so.6";
	struct report_object o = { .path = path, .inode = 7 };

	assert_int_equal(report_add_object(r, &o), 1);
	path[0] = 'x';
	assert_int_equal(report_add_object(r, &o), 2);
	assert_string_equal(report_object_of(r, report_code(1, 5))->path, "/usr/lib/libc.so.6");
	assert_string_equal(report_object_of(r, report_code(2, 0))->path, path);
	assert_int_equal(report_object_of(r, report_code(2, 0))->inode, 7);
	assert_null(report_object_of(r, report_code(3, 0)));
	assert_null(report_object_of(r, 0xffffffff81000123));
	assert_null(report_object_of(r, 0));
	while (r->n_objects < REPORT_OBJECTS_MAX)
		assert_int_not_equal(report_add_object(r, &o), 0);
	assert_int_equal(report_add_object(r, &o), 0);
	assert_false(r->oom);
}

static void test_base_name(void **state _unused_)
{
	static const struct {
		const char *path, *name;
	} cases[] = {
		{ "/usr/lib/libc.so.6", "libc.so.6" },
		{ "ext4", "ext4" },
		{ "[vdso]", "[vdso]" },
		{ "/tmp/a b (deleted)", "a b" },
		{ "/memfd:x (deleted)", "memfd:x" },
		{ " (deleted)", " (deleted)" },
		{ "/dir/", "/dir/" },
		{ "/", "/" },
		{ "", "" },
	};
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = report_base_name(cases[i].path, &n);

		assert_int_equal(n, strlen(cases[i].name));
		assert_memory_equal(name, cases[i].name, n);
	}
}

static void test_free_twice(void **state _unused_)
{
	struct report *r = report_new("slab");

	r->subject = strdup("x");
	r->next_hint = strdup("y");
	r->quality.lost_by_cpu = calloc(2, sizeof(uint64_t));
	report_free(&r);
	assert_null(r);
	report_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_site_text_belongs_to_address),
		cmocka_unit_test(test_lists_grow),
		cmocka_unit_test(test_many_tables),
		cmocka_unit_test(test_sort_u64_stable),
		cmocka_unit_test(test_sort_null_is_below_zero),
		cmocka_unit_test(test_sort_signed_and_real),
		cmocka_unit_test(test_sort_many_stays_stable),
		cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_tree_depth_is_bounded),
		cmocka_unit_test(test_tree_oom),
		cmocka_unit_test(test_stacks_are_shared),
		cmocka_unit_test(test_many_stacks),
		cmocka_unit_test(test_oom_is_remembered),
		cmocka_unit_test(test_setters_accept_what_oom_left),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_base_name),
		cmocka_unit_test(test_free_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
