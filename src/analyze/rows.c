// SPDX-License-Identifier: GPL-2.0
#include "analyze/rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

#define SHARES_MAX 8 /* call chains of one row in a report */

struct share {
	uint32_t row, stack;
	uint64_t objects;
};

struct rows_shares {
	/* sorted by row, then by objects */
	STREAM_VEC(struct share) shares; /* of live objects */
	STREAM_VEC(struct share) samples; /* of all allocations */
};

void rows_set_name(const struct ledger *l, const struct ledger_row *row, struct report *r,
		   struct table *t, size_t at)
{
	char buf[64];

	if (l->by != LEDGER_BY_SITE) {
		report_set_text(r, t, at, "group", ledger_row_name(l, row, buf));
		if (l->by == LEDGER_BY_PID)
			report_set_text(r, t, at, "comm", stream_comm(&l->stream, row->task, buf));
		return;
	}
	report_set_u64(r, t, at, "site", row->key);
	report_set_u64(r, t, at, "module", row->key);
	report_set_u64(r, t, at, "address", row->key);
}

/* Newton's method: the only root that is needed, not worth linking the mathematics library. */
static double square_root(double x)
{
	double root = x > 1 ? x : 1;
	int i;

	for (i = 0; i < 100; i++)
		root = (root + x / root) / 2;
	return root;
}

bool rows_error_pct(const struct ledger *l, uint64_t n, double *ret)
{
	if (l->stream.start.sample <= 1 || !n)
		return false;
	*ret = 100 * square_root((1 - 1.0 / l->stream.start.sample) / (double)n);
	return true;
}

static int share_compare(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->row != y->row)
		return CMP(x->row, y->row);
	if (x->objects != y->objects)
		return CMP(y->objects, x->objects);
	return CMP(x->stack, y->stack);
}

struct rows_shares *rows_shares_new(const struct ledger *l, uint64_t older_than)
{
	struct rows_shares *s = calloc(1, sizeof(*s));
	struct u64map index = { 0 };
	const struct ledger_sample *sample;
	const struct ledger_object *o;

	if (!s)
		return NULL;
	vec_for_each(&l->samples, sample) {
		struct share *added = vec_add(&s->samples);

		if (!added) {
			rows_shares_free(&s);
			return NULL;
		}
		*added = (struct share){ sample->row, sample->stack, sample->n };
	}
	if (s->samples.n)
		qsort(s->samples.items, s->samples.n, sizeof(*s->samples.items), share_compare);
	if (!older_than)
		return s;
	vec_for_each(&l->objects, o) {
		uint64_t key;
		uint32_t found;

		if (!o->ptr || o->group == LEDGER_NONE || o->stack < 0 || o->time > older_than)
			continue;
		key = (uint64_t)l->groups.items[o->group].row << 32 | (uint32_t)o->stack;
		found = u64map_get(&index, key);
		if (found == U64MAP_NONE) {
			struct share *added = vec_add(&s->shares);

			found = (uint32_t)(s->shares.n - 1);
			if (!added || u64map_set(&index, key, found)) {
				u64map_free(&index);
				rows_shares_free(&s);
				return NULL;
			}
			added->row = l->groups.items[o->group].row;
			added->stack = (uint32_t)o->stack;
		}
		s->shares.items[found].objects++;
	}
	u64map_free(&index);
	if (s->shares.n)
		qsort(s->shares.items, s->shares.n, sizeof(*s->shares.items), share_compare);
	return s;
}

void rows_shares_free(struct rows_shares **s)
{
	if (*s) {
		free((*s)->shares.items);
		free((*s)->samples.items);
	}
	freep(s);
}

uint32_t rows_add_stack(const struct ledger *l, uint32_t stack, struct report *r)
{
	const struct stream_stack *s = &l->stream.stacks.items[stack];

	/* a chain may have no frames */
	return report_add_stack(r, s->frames ? s->frames + s->first : NULL, s->n - s->first);
}

static void add_share(const struct ledger *l, const struct share *share, uint64_t sampled,
		      uint64_t objects, uint64_t bytes, struct report *r, struct table *t,
		      size_t at)
{
	double part = (double)share->objects / (double)sampled;
	struct stack_share cell = {
		.objects = (uint64_t)(part * (double)objects + 0.5),
		.bytes = (uint64_t)(part * (double)bytes + 0.5),
		.estimated = sampled != objects,
	};

	if (share->stack >= l->stream.stacks.n)
		return;
	cell.stack = rows_add_stack(l, share->stack, r);
	report_add_share(r, t, at, "stacks", cell);
}

/* The shares of @row among @n sorted ones; *ret_n is how many. */
static const struct share *shares_of(const struct share *shares, size_t n, uint32_t row,
				     size_t *ret_n)
{
	size_t low = 0, high = n, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (shares[middle].row < row)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < n && shares[end].row == row; end++)
		continue;
	*ret_n = end - low;
	return *ret_n ? shares + low : NULL;
}

void rows_add_shares(const struct rows_shares *s, const struct ledger *l, uint32_t row,
		     uint64_t objects, uint64_t bytes, struct report *r, struct table *t, size_t at)
{
	uint64_t sampled = 0;
	size_t i, n;
	const struct share *shares = shares_of(s->shares.items, s->shares.n, row, &n);

	if (!n)
		shares = shares_of(s->samples.items, s->samples.n, row, &n);
	for (i = 0; i < n; i++)
		sampled += shares[i].objects;
	for (i = 0; i < MIN(n, (size_t)SHARES_MAX); i++)
		add_share(l, &shares[i], sampled, objects, bytes, r, t, at);
}
