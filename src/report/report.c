// SPDX-License-Identifier: GPL-2.0
#include "report/shapes.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

struct report *report_new(const char *command)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->command = command;
	r->program.exit_code = -1;
	return r;
}

/* Free what @c owns and make it CELL_NULL. */
static void cell_clear(struct cell *c)
{
	if (c->type == CELL_TEXTS) {
		for (size_t i = 0; i < c->list.n; i++)
			free(c->list.items[i]);
		free(c->list.items);
	} else if (c->type == CELL_STACKS) {
		free(c->stacks.items);
	}
	free(c->text);
	memset(c, 0, sizeof(*c));
}

static void table_free_rows(struct table *t, size_t from, size_t to)
{
	for (size_t i = from * t->n_columns; i < to * t->n_columns; i++)
		cell_clear(&t->cells[i]);
}

static void stack_free(struct report_stack *s)
{
	for (size_t i = 0; i < s->n_frames; i++) {
		free(s->frames[i].symbol);
		free(s->frames[i].module);
	}
	free(s->frames);
}

void report_free(struct report **rp)
{
	struct report *r = *rp;

	if (!r)
		return;
	for (size_t i = 0; i < r->n_tables; i++) {
		table_free_rows(&r->tables[i], 0, r->tables[i].n_rows);
		free(r->tables[i].cells);
		free(r->tables[i].depths);
	}
	free(r->tables);
	report_free_shapes(r);
	for (size_t i = 0; i < r->n_stacks; i++)
		stack_free(&r->stacks[i]);
	free(r->stacks);
	free(r->stack_index);
	for (size_t i = 0; i < r->n_objects; i++)
		free(r->objects[i].path);
	free(r->objects);
	for (size_t i = 0; i < r->n_notes; i++)
		free(r->notes[i]);
	free(r->notes);
	free(r->quality.lost_by_cpu);
	free(r->subject);
	free(r->next_hint);
	free(r);
	*rp = NULL;
}

struct table *report_add_table(struct report *r, const char *name, const char *title,
			       const struct column *columns, size_t n_columns)
{
	struct table *t;

	assert(n_columns > 0);
	t = vec_reserve(r->tables, r->n_tables, &r->tables_capacity, 1, sizeof(*t));
	if (!t) {
		r->oom = true;
		return NULL;
	}
	r->tables = t;
	t = &r->tables[r->n_tables++];
	*t = (struct table){
		.name = name,
		.title = title,
		.columns = columns,
		.n_columns = n_columns,
	};
	return t;
}

struct table *report_add_tree(struct report *r, const char *name, const char *title,
			      const struct column *columns, size_t n_columns)
{
	struct table *t = report_add_table(r, name, title, columns, n_columns);

	if (t)
		t->is_tree = true;
	return t;
}

static size_t add_row(struct report *r, struct table *t)
{
	struct cell *cells;

	cells = vec_reserve(t->cells, t->n_rows, &t->rows_capacity, 1,
			    t->n_columns * sizeof(*cells));
	if (!cells) {
		r->oom = true;
		return SIZE_MAX;
	}
	t->cells = cells;
	memset(&cells[t->n_rows * t->n_columns], 0, t->n_columns * sizeof(*cells));
	t->rows_total++;
	return t->n_rows++;
}

size_t report_add_row(struct report *r, struct table *t)
{
	if (!t)
		return SIZE_MAX;
	assert(!t->is_tree);
	return add_row(r, t);
}

/*
 * Make room for one more item in a list that has no capacity member: vec_reserve() grows to powers
 * of two from 8 on, so the number of items tells it.
 */
static void *list_reserve(void *items, size_t n, size_t size)
{
	size_t capacity = n ? MAX(round_up_pow2(n), (uint64_t)8) : 0;

	return vec_reserve(items, n, &capacity, 1, size);
}

size_t report_add_node(struct report *r, struct table *t, unsigned int depth)
{
	unsigned int deepest;
	uint8_t *depths;
	size_t row;

	if (!t)
		return SIZE_MAX;
	assert(t->is_tree);
	deepest = t->n_rows ? t->depths[t->n_rows - 1] + 1u : 0;
	depth = MIN(depth, (unsigned int)TREE_DEPTH_MAX);
	assert(depth <= deepest || r->oom); /* its parent may be what there was no room for */
	depths = list_reserve(t->depths, t->n_rows, sizeof(*depths));
	if (!depths) {
		r->oom = true;
		return SIZE_MAX;
	}
	t->depths = depths;
	row = add_row(r, t);
	if (row != SIZE_MAX)
		depths[row] = (uint8_t)MIN(depth, deepest);
	return row;
}

static size_t table_column(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (strcmp(t->columns[i].name, name) == 0)
			return i;
	assert(!"no such column");
	abort();
}

struct cell *table_cell(const struct table *t, size_t row, const char *column)
{
	assert(row < t->n_rows);
	return &t->cells[row * t->n_columns + table_column(t, column)];
}

/* What a setter may store in a column. */
enum cell_store { STORE_U64, STORE_I64, STORE_REAL, STORE_TEXT, STORE_TEXTS, STORE_STACKS };

static bool type_stores(enum cell_type type, enum cell_store store)
{
	switch (type) {
	case CELL_COUNT:
	case CELL_ID:
	case CELL_BYTES:
	case CELL_NS:
	case CELL_BOOL:
	case CELL_ADDRESS:
		return store == STORE_U64;
	case CELL_SITE:
	case CELL_MODULE:
		return store == STORE_U64 || store == STORE_TEXT;
	case CELL_DELTA:
	case CELL_CHANGE:
		return store == STORE_I64;
	case CELL_RATE:
	case CELL_PERCENT:
	case CELL_FRACTION:
	case CELL_FREQUENCY:
		return store == STORE_REAL;
	case CELL_TEXT:
		return store == STORE_TEXT;
	case CELL_TEXTS:
		return store == STORE_TEXTS;
	case CELL_STACKS:
		return store == STORE_STACKS;
	case CELL_NULL:
		break;
	}
	return false;
}

/*
 * The cell that a setter is to fill, with the column's type; NULL when there is no such row because
 * memory ran short before.
 */
static struct cell *setter_cell(struct table *t, size_t row, const char *column,
				enum cell_store store)
{
	struct cell *c;
	size_t i;

	if (!t || row == SIZE_MAX)
		return NULL;
	assert(row < t->n_rows);
	i = table_column(t, column);
	assert(type_stores(t->columns[i].type, store));
	c = &t->cells[row * t->n_columns + i];
	c->type = t->columns[i].type;
	return c;
}

void report_set_u64(struct report *r _unused_, struct table *t, size_t row, const char *column,
		    uint64_t v)
{
	struct cell *c = setter_cell(t, row, column, STORE_U64);

	if (!c)
		return;
	freep(&c->text); /* it named the address that was here before */
	c->u64 = v;
}

void report_set_i64(struct report *r _unused_, struct table *t, size_t row, const char *column,
		    int64_t v)
{
	struct cell *c = setter_cell(t, row, column, STORE_I64);

	if (c)
		c->i64 = v;
}

void report_set_real(struct report *r _unused_, struct table *t, size_t row, const char *column,
		     double v)
{
	struct cell *c = setter_cell(t, row, column, STORE_REAL);

	if (c)
		c->real = v;
}

void report_set_text(struct report *r, struct table *t, size_t row, const char *column,
		     const char *text)
{
	struct cell *c;
	char *copy;

	if (!t || row == SIZE_MAX || !text)
		return;
	copy = strdup(text);
	if (!copy) {
		r->oom = true;
		return;
	}
	c = setter_cell(t, row, column, STORE_TEXT);
	free(c->text);
	c->text = copy;
}

void report_add_text(struct report *r, struct table *t, size_t row, const char *column,
		     const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	struct cell *c = setter_cell(t, row, column, STORE_TEXTS);
	char **items;
	va_list args;
	int n;

	if (!c)
		return;
	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		text = NULL; /* undefined after a failure */
	items = text ? list_reserve(c->list.items, c->list.n, sizeof(*items)) : NULL;
	if (!items) {
		r->oom = true;
		return;
	}
	c->list.items = items;
	items[c->list.n++] = TAKE_PTR(text);
}

void report_add_share(struct report *r, struct table *t, size_t row, const char *column,
		      struct stack_share share)
{
	struct cell *c = setter_cell(t, row, column, STORE_STACKS);
	struct stack_share *items;

	if (!c)
		return;
	items = list_reserve(c->stacks.items, c->stacks.n, sizeof(*items));
	if (!items) {
		r->oom = true;
		return;
	}
	c->stacks.items = items;
	items[c->stacks.n++] = share;
}

static uint64_t hash_step(uint64_t hash, uint64_t address)
{
	hash = (hash ^ address) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

static uint64_t hash_stack(const struct report_stack *s)
{
	uint64_t hash = s->n_frames;

	for (size_t i = 0; i < s->n_frames; i++)
		hash = hash_step(hash, s->frames[i].address);
	return hash;
}

static bool stack_is(const struct report_stack *s, const uint64_t *addresses, size_t n)
{
	if (s->n_frames != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s->frames[i].address != addresses[i])
			return false;
	return true;
}

/* The slot of the stack that is made of @addresses, or the free slot where it belongs. */
static uint32_t *stack_slot(const struct report *r, const uint64_t *addresses, size_t n)
{
	size_t mask = r->stack_index_size - 1;
	uint64_t hash = n;

	for (size_t i = 0; i < n; i++)
		hash = hash_step(hash, addresses[i]);
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		uint32_t *slot = &r->stack_index[i];

		if (!*slot || stack_is(&r->stacks[*slot - 1], addresses, n))
			return slot;
	}
}

/* Keep the hash table at least half empty, with room for one more stack. */
static bool stack_index_grow(struct report *r)
{
	size_t size = MAX(r->stack_index_size * 2, (size_t)64);
	uint32_t *index;

	if (r->n_stacks < r->stack_index_size / 2)
		return true;
	index = calloc(size, sizeof(*index));
	if (!index)
		return false;
	for (size_t id = 0; id < r->n_stacks; id++) {
		size_t i = hash_stack(&r->stacks[id]) & (size - 1);

		while (index[i])
			i = (i + 1) & (size - 1);
		index[i] = (uint32_t)id + 1;
	}
	free(r->stack_index);
	r->stack_index = index;
	r->stack_index_size = size;
	return true;
}

uint32_t report_add_stack(struct report *r, const uint64_t *addresses, size_t n)
{
	struct report_stack *stacks;
	struct frame *frames;
	uint32_t *slot;

	if (r->n_stacks >= UINT32_MAX - 1 || !stack_index_grow(r))
		goto oom;
	slot = stack_slot(r, addresses, n);
	if (*slot)
		return *slot - 1;
	stacks = vec_reserve(r->stacks, r->n_stacks, &r->stacks_capacity, 1, sizeof(*stacks));
	if (!stacks)
		goto oom;
	r->stacks = stacks;
	frames = calloc(MAX(n, (size_t)1), sizeof(*frames));
	if (!frames)
		goto oom;
	for (size_t i = 0; i < n; i++)
		frames[i].address = addresses[i];
	stacks[r->n_stacks] = (struct report_stack){ .frames = frames, .n_frames = n };
	*slot = (uint32_t)++r->n_stacks;
	return *slot - 1;
oom:
	r->oom = true;
	return UINT32_MAX;
}

uint32_t report_add_object(struct report *r, const struct report_object *o)
{
	struct report_object *objects;
	char *path;

	if (r->n_objects >= REPORT_OBJECTS_MAX)
		return 0;
	objects = vec_reserve(r->objects, r->n_objects, &r->objects_capacity, 1, sizeof(*objects));
	if (objects)
		r->objects = objects;
	path = objects ? strdup(o->path) : NULL;
	if (!path) {
		r->oom = true;
		return 0;
	}
	objects[r->n_objects] = *o;
	objects[r->n_objects].path = path;
	return (uint32_t)++r->n_objects;
}

const struct report_object *report_object_of(const struct report *r, uint64_t code)
{
	uint32_t number = report_code_object(code);

	return number && number <= r->n_objects ? &r->objects[number - 1] : NULL;
}

const char *report_base_name(const char *path, size_t *ret_n)
{
	static const char deleted[] = " (deleted)";
	const size_t n_deleted = sizeof(deleted) - 1;
	const char *slash = strrchr(path, '/'), *name = slash && slash[1] ? slash + 1 : path;
	size_t n = strlen(name);

	if (n > n_deleted && !strcmp(name + n - n_deleted, deleted))
		n -= n_deleted;
	*ret_n = n;
	return name;
}

void report_add_note(struct report *r, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	char **notes;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		text = NULL; /* undefined after a failure */
	notes = text ? vec_reserve(r->notes, r->n_notes, &r->notes_capacity, 1, sizeof(*notes))
		     : NULL;
	if (!notes) {
		r->oom = true;
		return;
	}
	r->notes = notes;
	notes[r->n_notes++] = TAKE_PTR(text);
}

/* Larger numbers first; null, NaN and whatever is no number last. */
static int compare_cells(const struct cell *a, const struct cell *b)
{
	bool a_real = type_stores(a->type, STORE_REAL), b_real = type_stores(b->type, STORE_REAL);
	bool a_signed = type_stores(a->type, STORE_I64), b_signed = type_stores(b->type, STORE_I64);
	bool a_last = !(type_stores(a->type, STORE_U64) || a_signed || (a_real && !isnan(a->real)));
	bool b_last = !(type_stores(b->type, STORE_U64) || b_signed || (b_real && !isnan(b->real)));

	if (a_last || b_last)
		return CMP(a_last, b_last);
	if (a_real)
		return CMP(b->real, a->real);
	if (a_signed)
		return CMP(b->i64, a->i64);
	return CMP(b->u64, a->u64);
}

struct sort_row {
	const struct cell *key;
	size_t row; /* where it was: makes the sort stable, as qsort() need not be */
};

static int compare_rows(const void *pa, const void *pb)
{
	const struct sort_row *a = pa, *b = pb;
	int order = compare_cells(a->key, b->key);

	return order ? order : CMP(a->row, b->row);
}

/* Needs no memory: for when there is none. Wrong order would make a truncated table lie. */
static void table_sort_slowly(struct table *t, size_t column)
{
	size_t n = t->n_columns;

	for (size_t row = 1; row < t->n_rows; row++) {
		for (size_t i = row; i > 0; i--) {
			struct cell *below = &t->cells[i * n], *above = below - n;

			if (compare_cells(&above[column], &below[column]) <= 0)
				break;
			for (size_t c = 0; c < n; c++) {
				struct cell swap = above[c];

				above[c] = below[c];
				below[c] = swap;
			}
		}
	}
}

void report_table_sort(struct table *t, const char *column)
{
	_cleanup_free_ struct sort_row *order = NULL;
	struct cell *sorted;
	size_t key;

	if (!t || t->is_tree || t->n_rows < 2)
		return;
	key = table_column(t, column);
	order = calloc(t->n_rows, sizeof(*order));
	/* calloc(): checks the product, which fits since the cells do. */
	sorted = calloc(t->n_rows, t->n_columns * sizeof(*sorted));
	if (!order || !sorted) {
		free(sorted);
		table_sort_slowly(t, key);
		return;
	}
	for (size_t row = 0; row < t->n_rows; row++) {
		order[row].key = &t->cells[row * t->n_columns + key];
		order[row].row = row;
	}
	qsort(order, t->n_rows, sizeof(*order), compare_rows);
	for (size_t row = 0; row < t->n_rows; row++)
		memcpy(&sorted[row * t->n_columns], &t->cells[order[row].row * t->n_columns],
		       t->n_columns * sizeof(*sorted));
	free(t->cells);
	t->cells = sorted;
	t->rows_capacity = t->n_rows;
}

void report_table_truncate(struct table *t, size_t top)
{
	if (!t || t->is_tree || top == 0 || top >= t->n_rows)
		return;
	table_free_rows(t, top, t->n_rows);
	t->n_rows = top;
}
