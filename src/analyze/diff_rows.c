// SPDX-License-Identifier: GPL-2.0
#include "analyze/diff_rows.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"

/* --- where things are ------------------------------------------------------------------------------ */

const struct report *diff_report_of(const struct diff_side *side, const char *command)
{
	size_t i;

	for (i = 0; i < side->n; i++)
		if (!strcmp(side->reports[i]->command, command))
			return side->reports[i];
	return NULL;
}

static const struct table *find_table(const struct report *r, const char *name)
{
	size_t i;

	for (i = 0; r && i < r->n_tables; i++)
		if (!strcmp(r->tables[i].name, name))
			return &r->tables[i];
	return NULL;
}

/* The column's number, or -1. */
static int find_column(const struct table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n_columns; i++)
		if (!strcmp(t->columns[i].name, name))
			return (int)i;
	return -1;
}

uint64_t diff_page_size(const struct diff_side *side)
{
	const struct table *t = find_table(diff_report_of(side, "buddy"), "orders");
	size_t row;

	if (side->page_size)
		return side->page_size;
	for (row = 0; t && row < t->n_rows; row++) {
		const struct cell *pages = table_cell(t, row, "live_pages");

		if (pages->type != CELL_NULL && pages->u64)
			return table_cell(t, row, "live_bytes")->u64 / pages->u64;
	}
	return 0;
}

uint64_t diff_add(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* --- keys ------------------------------------------------------------------------------------------- */

static size_t hex_length(const char *s)
{
	return strspn(s, "0123456789abcdef");
}

/* Where the offset begins in «name+0x12», «name+0x12/0x34»; sets *@end to behind it. NULL: there is none. */
static const char *find_offset(const char *text, const char **end)
{
	const char *found = NULL, *at = text;

	while ((at = strstr(at, "+0x"))) {
		found = at;
		at += strlen("+0x");
	}
	if (!found || found == text)
		return NULL;
	at = found + strlen("+0x");
	*end = at + hex_length(at);
	if (*end == at)
		return NULL;
	if (!**end || **end == ' ')
		return found;
	/* the size of the function, as the kernel prints it */
	return !strncmp(*end, "/0x", 3) && hex_length(*end + 3) ? found : NULL;
}

static struct diff_key text_key(const char *text, bool code)
{
	struct diff_key k = { .kind = DIFF_KEY_TEXT, .text = text, .n = strlen(text) };
	const char *end, *offset = code ? find_offset(text, &end) : NULL;

	if (offset)
		k.n = (size_t)(end - text);
	k.symbol = offset ? (size_t)(offset - text) : k.n;
	return k;
}

static struct diff_key cell_key(const struct cell *c, bool code)
{
	struct diff_key k = { .kind = DIFF_KEY_NONE };

	switch (c->type) {
	case CELL_SITE:
		if (c->text)
			return text_key(c->text, code);
		return (struct diff_key){ .kind = DIFF_KEY_ADDRESS, .number = c->u64 };
	case CELL_MODULE: /* the path of an object may be another one in each run */
		if (!c->text)
			return k;
		k.kind = DIFF_KEY_TEXT;
		k.text = report_base_name(c->text, &k.n);
		k.symbol = k.n;
		return k;
	case CELL_TEXT:
		return c->text ? text_key(c->text, code) : k;
	case CELL_ID:
	case CELL_COUNT:
		return (struct diff_key){ .kind = DIFF_KEY_NUMBER, .number = c->u64 };
	case CELL_ADDRESS:
		return (struct diff_key){ .kind = DIFF_KEY_ADDRESS, .number = c->u64 };
	default:
		return k;
	}
}

static int compare_texts(const char *a, size_t n, const char *b, size_t m)
{
	int order = MIN(n, m) ? memcmp(a, b, MIN(n, m)) : 0;

	return order ? order : CMP(n, m);
}

static int compare_keys(const struct diff_key *a, const struct diff_key *b, bool symbol)
{
	if (a->kind != b->kind)
		return CMP(a->kind, b->kind);
	if (a->kind != DIFF_KEY_TEXT)
		return CMP(a->number, b->number);
	return compare_texts(a->text, symbol ? a->symbol : a->n, b->text,
			     symbol ? b->symbol : b->n);
}

/* Whether it is the same but for offsets. Only those have another .symbol than .n. */
static int compare_functions(const struct diff_row *a, const struct diff_row *b)
{
	size_t i;
	int order = 0;

	for (i = 0; i < DIFF_KEYS_MAX && !order; i++)
		order = compare_keys(&a->keys[i], &b->keys[i], true);
	return order;
}

/* Those of one function stand together. */
static int compare_rows(const void *pa, const void *pb)
{
	const struct diff_row *a = pa, *b = pb;
	int order = compare_functions(a, b);
	size_t i;

	for (i = 0; i < DIFF_KEYS_MAX && !order; i++)
		order = compare_keys(&a->keys[i], &b->keys[i], false);
	return order;
}

/* --- rows ------------------------------------------------------------------------------------------- */

/* Where in a table of the source things are; -1: nowhere. */
struct places {
	int keys[DIFF_KEYS_MAX], values[2], address;
	uint64_t scale; /* what one of the value's units is */
};

static bool find_places(const struct diff_metric *m, const struct table *t, struct places *ret)
{
	size_t i;

	ret->address = m->keys->address ? find_column(t, m->keys->address) : -1;
	for (i = 0; i < m->keys->n; i++) {
		ret->keys[i] = find_column(t, m->keys->columns[i].name);
		if (ret->keys[i] < 0)
			return false;
	}
	for (i = 0; i < ARRAY_SIZE(m->columns); i++) {
		ret->values[i] = m->columns[i] ? find_column(t, m->columns[i]) : -1;
		if (m->columns[i] && ret->values[i] < 0)
			return false;
	}
	return true;
}

static struct diff_amount amount_of(const struct places *p, const struct cell *cells)
{
	struct diff_amount a = { .known = true };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(p->values); i++) {
		const struct cell *c = p->values[i] < 0 ? NULL : &cells[p->values[i]];

		if (c && c->type == CELL_NULL)
			return (struct diff_amount){ 0 };
		if (c)
			a.n = diff_add(a.n, c->u64);
	}
	if (__builtin_mul_overflow(a.n, p->scale, &a.n))
		a.n = UINT64_MAX;
	return a;
}

static int read_row(const struct diff_metric *m, const struct places *p, const struct cell *cells,
		    struct diff_rows *rows)
{
	struct diff_amount amount = amount_of(p, cells);
	struct diff_row *row;
	size_t i;

	if (!amount.known && m->flags & DIFF_NULL_IS_NONE)
		return 0;
	row = vec_add(rows);
	if (!row)
		return -ENOMEM;
	row->amount = amount;
	for (i = 0; i < m->keys->n; i++)
		row->keys[i] = cell_key(&cells[p->keys[i]], i == 0 && m->keys->code);
	if (row->keys[0].kind == DIFF_KEY_NONE && p->address >= 0)
		row->keys[0] = cell_key(&cells[p->address], false);
	rows->unnamed += row->keys[0].kind == DIFF_KEY_ADDRESS;
	rows->unknown += !amount.known;
	if (amount.known)
		rows->total.n = diff_add(rows->total.n, amount.n);
	return 0;
}

/* Add up neighbours with the same keys. */
static void join_rows(struct diff_rows *rows)
{
	size_t i, n = 0;

	for (i = 0; i < rows->n; i++) {
		struct diff_row *to = n ? &rows->items[n - 1] : NULL, *row = &rows->items[i];

		if (to && !compare_rows(to, row)) {
			to->amount.known &= row->amount.known;
			to->amount.n = diff_add(to->amount.n, row->amount.n);
		} else {
			rows->items[n++] = *row;
		}
	}
	rows->n = n;
}

int diff_rows_read(const struct diff_metric *m, const struct diff_side *side, struct diff_rows *ret)
{
	const struct report *r = diff_report_of(side, m->command);
	const struct table *t = find_table(r, m->source);
	struct places p = { .scale = m->flags & DIFF_PAGES ? diff_page_size(side) : 1 };
	size_t row;

	*ret = (struct diff_rows){ 0 };
	if (!t || !p.scale || !find_places(m, t, &p))
		return 0;
	if (m->flags & DIFF_NEEDS_GUP && r->quality.gup == QUALITY_UNKNOWN)
		return 0;
	for (row = 0; row < t->n_rows; row++)
		if (read_row(m, &p, &t->cells[row * t->n_columns], ret)) {
			diff_rows_free(ret);
			return -ENOMEM;
		}
	ret->present = true;
	ret->total.known = !ret->n || ret->unknown < ret->n;
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_rows);
	join_rows(ret);
	return 0;
}

void diff_rows_free(struct diff_rows *r)
{
	freep(&r->items);
	*r = (struct diff_rows){ 0 };
}

/* --- pairs ------------------------------------------------------------------------------------------ */

static int add_pair(struct diff_pairs *p, const struct diff_row *before,
		    const struct diff_row *after, bool moved)
{
	struct diff_pair *pair = vec_add(p);

	if (!pair)
		return -ENOMEM;
	*pair = (struct diff_pair){ before, after, moved };
	return 0;
}

/* Those that are one function's, or have the same keys: @n of them from @before on, @m from @after on. */
static int pair_function(const struct diff_row *before, size_t n, const struct diff_row *after,
			 size_t m, struct diff_pairs *p)
{
	size_t i = 0, k = 0, same = 0;
	int err = 0;

	if (n == 1 && m == 1)
		return add_pair(p, before, after, compare_rows(before, after) != 0);
	while (!err && (i < n || k < m)) {
		int order = i == n ? 1 : k == m ? -1 : compare_rows(&before[i], &after[k]);

		err = add_pair(p, order <= 0 ? &before[i] : NULL, order >= 0 ? &after[k] : NULL,
			       false);
		i += order <= 0;
		k += order >= 0;
		same += !order;
	}
	p->ambiguous += n && m && !same;
	return err;
}

/* How many rows from @i on are of one function. */
static size_t function_length(const struct diff_rows *r, size_t i)
{
	size_t n = 0;

	while (i + n < r->n && !compare_functions(&r->items[i], &r->items[i + n]))
		n++;
	return n;
}

int diff_pairs_find(const struct diff_rows *before, const struct diff_rows *after,
		    struct diff_pairs *ret)
{
	size_t i = 0, k = 0;
	int err = 0;

	*ret = (struct diff_pairs){ 0 };
	while (!err && (i < before->n || k < after->n)) {
		int order = i == before->n ? 1
			    : k == after->n
				    ? -1
				    : compare_functions(&before->items[i], &after->items[k]);
		size_t n = order <= 0 ? function_length(before, i) : 0;
		size_t m = order >= 0 ? function_length(after, k) : 0;

		err = pair_function(n ? &before->items[i] : NULL, n, m ? &after->items[k] : NULL, m,
				    ret);
		i += n;
		k += m;
	}
	if (err)
		diff_pairs_free(ret);
	return err;
}

void diff_pairs_free(struct diff_pairs *p)
{
	freep(&p->items);
	*p = (struct diff_pairs){ 0 };
}
