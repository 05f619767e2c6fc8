/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_ROWS_H
#define KMSCOPE_ANALYZE_ROWS_H
/* What the analyzers on the ledger have in common: naming rows, stacks, sampling. */
#include "analyze/ledger.h"

/* The columns that name a row, at the head of a table's columns; see rows_set_name(). */
#define ROW_NAME_COLUMNS                                                                \
	{ "site", "CALL SITE", CELL_SITE, COLUMN_LEFT, 0 },                             \
		{ "module", "MODULE", CELL_MODULE, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 }, \
	{                                                                               \
		"address", "ADDRESS", CELL_ADDRESS, COLUMN_JSON_ONLY, 0                 \
	}

/* The same with --by something else than site. */
#define ROW_GROUP_COLUMNS                                                 \
	{ "group", "GROUP", CELL_TEXT, COLUMN_LEFT, 0 },                  \
	{                                                                 \
		"comm", "COMM", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 0 \
	}

void rows_set_name(const struct ledger *l, const struct ledger_row *row, struct report *r,
		   struct table *t, size_t at);

/* Counts and bytes of a sampled run stand for that many times more. */
static inline uint64_t rows_scale(const struct ledger *l, uint64_t n)
{
	return n * (l->stream.start.sample ? l->stream.start.sample : 1);
}

/*
 * Relative standard error, in percent, of a total that was estimated from @n sampled events; false
 * with every event seen. An event of a row is taken with probability 1/N whatever the others do, so
 * that the number taken has the variance n·(1 - 1/N).
 */
bool rows_error_pct(const struct ledger *l, uint64_t n, double *ret);

/*
 * Add call chain @stack (below l->stream.stacks.n) to @r, from its call site on: the frames before that are
 * the allocator's and the tracer's own. Returns its id in the report.
 */
uint32_t rows_add_stack(const struct ledger *l, uint32_t stack, struct report *r);

/*
 * Call chains by row: of the live objects that are not younger than @older_than (a time), or, with 0,
 * of all allocations.
 */
struct rows_shares;
struct rows_shares *rows_shares_new(const struct ledger *l, uint64_t older_than);
void rows_shares_free(struct rows_shares **s);

/*
 * Add to cell «stacks» what each call chain of @row stands for. Where some of the objects were
 * sampled, their shares are scaled up to @objects and @bytes and marked as estimated; where none
 * was, the chains of all samples of the row serve.
 */
void rows_add_shares(const struct rows_shares *s, const struct ledger *l, uint32_t row,
		     uint64_t objects, uint64_t bytes, struct report *r, struct table *t,
		     size_t at);

#endif
