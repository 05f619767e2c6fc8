// SPDX-License-Identifier: GPL-2.0
#include "render/samples.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "render/safe.h"

#define SHARES_MAX \
	8 /* of a row, in most tables: where there are so many, there may have been more */
#define WEIGHTS_BITS 62 /* what all weights together have to fit into */

static const struct sample_table sample_tables[] = {
	{ .command = "leaks",
	  .table = "candidates",
	  .site = "site",
	  .module = "module",
	  .objects = { "objects" },
	  .bytes = "bytes" },
	{ .command = "slab",
	  .table = "sites",
	  .site = "site",
	  .module = "module",
	  .objects = { "allocs" },
	  .bytes = "bytes_alloc" },
	{ .command = "buddy", .table = "users", .objects = { "allocs", "failed" }, .comm = "comm" },
	{ .command = "buddy", .table = "fallbacks", .objects = { "count" } },
	{ .command = "vmalloc",
	  .table = "sites",
	  .site = "site",
	  .module = "module",
	  .objects = { "allocs" },
	  .bytes = "bytes" },
	{ .command = "mmio",
	  .table = "mappings",
	  .site = "site",
	  .module = "module",
	  .objects = { "maps" } },
	{ .command = "faults",
	  .table = "sites",
	  .site = "symbol",
	  .module = "object",
	  .objects = { "minor", "major" },
	  .user = true },
	{ .command = NULL },
};

const struct sample_table *sample_table_find(const char *command, const char *table)
{
	for (const struct sample_table *t = sample_tables; t->command; t++)
		if (strcmp(t->command, command) == 0 && strcmp(t->table, table) == 0)
			return t;
	return NULL;
}

/* --- cells -------------------------------------------------------------------------------------------- */

static const struct table *find_table(const struct report *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n_tables; i++)
		if (strcmp(r->tables[i].name, name) == 0)
			return &r->tables[i];
	return NULL;
}

/* NULL: there is no such column, or the row does not know. */
static const struct cell *find_cell(const struct table *t, size_t row, const char *column)
{
	size_t i;

	for (i = 0; column && i < t->n_columns; i++) {
		const struct cell *c = &t->cells[row * t->n_columns + i];

		if (strcmp(t->columns[i].name, column) == 0)
			return c->type == CELL_NULL ? NULL : c;
	}
	return NULL;
}

static uint64_t cell_number(const struct cell *c)
{
	if (!c)
		return 0;
	switch (c->type) {
	case CELL_COUNT:
	case CELL_BYTES:
	case CELL_NS:
		return c->u64;
	case CELL_DELTA:
	case CELL_CHANGE:
		return c->i64 > 0 ? (uint64_t)c->i64 : 0;
	default:
		return 0;
	}
}

const char *sample_text(const struct sample *s, const char *column)
{
	const struct cell *c = find_cell(s->table, s->row, column);

	return c ? c->text : NULL;
}

/* --- code --------------------------------------------------------------------------------------------- */

/* A site's text is «function+0x12», or of user code without a known function «file+0xOFFSET». */
static struct code site_code(const struct cell *site, const struct cell *module)
{
	struct code c = { .address = site->u64, .module = module ? module->text : NULL };
	const char *plus = NULL, *next;

	if (!site->text)
		return c;
	for (next = site->text; (next = strstr(next, "+0x")); next++)
		plus = next;
	c.symbol = site->text;
	c.n_symbol = plus ? (size_t)(plus - site->text) : strlen(site->text);
	if (plus && report_code_object(c.address) &&
	    strtoull(plus + 3, NULL, 16) == report_code_offset(c.address))
		c.symbol = NULL;
	return c;
}

size_t sample_frames(const struct sample *s)
{
	if (s->stack)
		return s->stack->n_frames;
	return find_cell(s->table, s->row, s->kind->site) ? 1 : 0;
}

struct code sample_frame(const struct sample *s, size_t i)
{
	const struct frame *f;

	if (!s->stack)
		return site_code(find_cell(s->table, s->row, s->kind->site),
				 find_cell(s->table, s->row, s->kind->module));
	f = &s->stack->frames[i];
	return (struct code){ .address = f->address,
			      .symbol = f->symbol,
			      .n_symbol = f->symbol ? strlen(f->symbol) : 0,
			      .module = f->module };
}

char *code_name(const struct code *c)
{
	_cleanup_free_ char *name = NULL;
	uint64_t offset = report_code_offset(c->address);
	size_t n = 0;

	if (c->symbol) {
		name = strndup(c->symbol, c->n_symbol);
	} else if (c->module) {
		const char *base = report_base_name(c->module, &n);
		bool bare = base[0] != '['; /* «[vdso]» has some already */

		if (asprintf(&name, "%s%.*s%s+0x%" PRIx64, bare ? "[" : "", (int)MIN(n, 4096u),
			     base, bare ? "]" : "", offset) < 0)
			name = NULL;
	} else if (asprintf(&name, "0x%" PRIx64, offset) < 0) {
		name = NULL;
	}
	return name ? safe_text(name) : NULL;
}

/* --- shares ------------------------------------------------------------------------------------------- */

/* A part of a row: one of its shares, or, as the last one, what none stands for. */
struct part {
	size_t index;
	uint64_t weight;
	uint64_t value;
	uint64_t remainder; /* of the division that .value came from */
};

struct splitter {
	const struct report *report;
	const struct table *table;
	const struct sample_table *kind;
	struct {
		struct part *items;
		size_t n, capacity;
	} parts;
	struct {
		uint64_t *items; /* by part, then by column */
		size_t n, capacity;
	} values;
};

/* @value × @part / @whole without ever overflowing; @part <= @whole < 2^62, @whole > 0. */
static uint64_t part_of(uint64_t value, uint64_t part, uint64_t whole, uint64_t *ret_remainder)
{
	uint64_t quotient = 0, rest = 0;
	int bit;

	/* long division by hand: 32-bit machines have no 128-bit integers */
	for (bit = 63; bit >= 0; bit--) {
		rest = 2 * rest + (value >> bit & 1 ? part : 0);
		quotient = 2 * quotient + rest / whole;
		rest %= whole;
	}
	*ret_remainder = rest;
	return quotient;
}

static int compare_remainders(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->remainder != y->remainder ? CMP(y->remainder, x->remainder)
					    : CMP(x->index, y->index);
}

/* Shift all weights right until they and @whole are small enough to be added up; returns the sum. */
static uint64_t fit_weights(struct splitter *s, uint64_t *whole)
{
	const uint64_t most = 1ull << WEIGHTS_BITS;

	for (;;) {
		bool fits = *whole < most / 2;
		uint64_t sum = 0;
		struct part *p;

		vec_for_each(&s->parts, p) {
			fits = fits && p->weight < most / 2 - sum;
			sum += fits ? p->weight : 0;
		}
		if (fits)
			return sum;
		vec_for_each(&s->parts, p)
			p->weight /= 2;
		*whole /= 2;
	}
}

/*
 * Give the last part its weight: what the shares leave of @whole. Shares are rounded one by one, so that
 * all of them together may be off by one each: that much is not taken for a rest, unless some may have
 * been left out.
 */
static uint64_t weigh_rest(struct splitter *s, uint64_t whole)
{
	struct part *rest = &s->parts.items[s->parts.n - 1];
	size_t shares = s->parts.n - 1;
	uint64_t sum = fit_weights(s, &whole), left = whole > sum ? whole - sum : 0;

	if (!sum || left >= shares || shares == SHARES_MAX)
		rest->weight += left;
	else
		left = 0;
	sum += left;
	if (!sum)
		sum = rest->weight = 1;
	return sum;
}

/* Distribute @value over the parts, whose weights add up to @sum, into column @column of @n. */
static void distribute(struct splitter *s, uint64_t value, uint64_t sum, size_t column, size_t n)
{
	uint64_t left = value;
	struct part *p;

	vec_for_each(&s->parts, p) {
		p->value = part_of(value, p->weight, sum, &p->remainder);
		left -= p->value;
	}
	qsort(s->parts.items, s->parts.n, sizeof(*s->parts.items), compare_remainders);
	vec_for_each(&s->parts, p)
		s->values.items[p->index * n + column] =
			p->value + ((size_t)(p - s->parts.items) < left ? 1 : 0);
}

/* Weigh the shares of @shares by objects or bytes; what has no call chain goes to the rest. */
static void weigh(struct splitter *s, const struct cell *shares, bool by_bytes)
{
	size_t i;

	for (i = 0; i < s->parts.n; i++)
		s->parts.items[i] = (struct part){ .index = i };
	for (i = 0; i + 1 < s->parts.n; i++) {
		const struct stack_share *share = &shares->stacks.items[i];
		bool lost = share->stack >= s->report->n_stacks;

		s->parts.items[lost ? s->parts.n - 1 : i].weight +=
			by_bytes ? share->bytes : share->objects;
	}
}

static bool has_bytes(const struct cell *shares)
{
	size_t i;

	for (i = 0; shares && i < shares->stacks.n; i++)
		if (shares->stacks.items[i].bytes)
			return true;
	return false;
}

static void split_column(struct splitter *s, size_t row, const struct cell *shares,
			 const char *column, size_t at, size_t n)
{
	const struct sample_table *k = s->kind;
	const struct cell *c = find_cell(s->table, row, column);
	uint64_t bytes = cell_number(find_cell(s->table, row, k->bytes)), whole;
	bool by_bytes = c && c->type == CELL_BYTES && bytes && has_bytes(shares);

	whole = by_bytes ? bytes
			 : cell_number(find_cell(s->table, row, k->objects[0])) +
				   cell_number(find_cell(s->table, row, k->objects[1]));
	weigh(s, shares, by_bytes);
	distribute(s, cell_number(c), weigh_rest(s, whole), at, n);
}

/* Room for @parts parts of @n values each. */
static int reserve(struct splitter *s, size_t parts, size_t n)
{
	size_t values;
	void *items;

	if (__builtin_mul_overflow(parts, n, &values))
		return -ENOMEM;
	items = vec_reserve(s->parts.items, 0, &s->parts.capacity, parts, sizeof(*s->parts.items));
	if (!items)
		return -ENOMEM;
	s->parts.items = items;
	s->parts.n = parts;
	items = vec_reserve(s->values.items, 0, &s->values.capacity, values,
			    sizeof(*s->values.items));
	if (!items)
		return -ENOMEM;
	s->values.items = items;
	s->values.n = values;
	return 0;
}

static int split_row(struct splitter *s, size_t row, const char *const *columns, size_t n,
		     int (*visit)(void *ctx, const struct sample *s), void *ctx)
{
	const struct cell *shares = find_cell(s->table, row, "stacks");
	size_t n_shares = shares && shares->type == CELL_STACKS ? shares->stacks.n : 0, i, j;
	int err = reserve(s, n_shares + 1, n);

	for (j = 0; j < n && !err; j++)
		split_column(s, row, n_shares ? shares : NULL, columns[j], j, n);
	for (i = 0; i <= n_shares && !err; i++) {
		struct sample sample = { .kind = s->kind,
					 .report = s->report,
					 .table = s->table,
					 .row = row,
					 .values = s->values.items + i * n,
					 .n_values = n };

		if (i < n_shares && shares->stacks.items[i].stack < s->report->n_stacks)
			sample.stack = &s->report->stacks[shares->stacks.items[i].stack];
		for (j = 0; j < n && !sample.values[j]; j++)
			continue;
		if (j < n)
			err = visit(ctx, &sample);
	}
	return err;
}

int samples_each(const struct report *r, const struct sample_table *kind,
		 const char *const *columns, size_t n,
		 int (*visit)(void *ctx, const struct sample *s), void *ctx)
{
	struct splitter s = { .report = r, .kind = kind, .table = find_table(r, kind->table) };
	size_t row;
	int err = 0;

	for (row = 0; s.table && row < s.table->n_rows && !err; row++)
		err = split_row(&s, row, columns, n, visit, ctx);
	free(s.parts.items);
	free(s.values.items);
	return err;
}
