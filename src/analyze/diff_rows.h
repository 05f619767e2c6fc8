/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_DIFF_ROWS_H
#define KMSCOPE_ANALYZE_DIFF_ROWS_H
/* The rows of two runs that a metric is made of, and which of them belong together. */
#include "analyze/diff_metrics.h"

enum diff_key_kind {
	DIFF_KEY_NONE, /* not known */
	DIFF_KEY_NUMBER, /* an order, a node */
	DIFF_KEY_ADDRESS, /* for want of a name */
	DIFF_KEY_TEXT,
};

/* Texts are the report's, and not terminated at .n: «name+0x12/0x34» ends before the «/». */
struct diff_key {
	enum diff_key_kind kind;
	uint64_t number;
	const char *text;
	size_t n;
	size_t symbol; /* how much of the text is there without its offset; .n: it has none */
};

/* How much of something: of a row, or of all. */
struct diff_amount {
	bool known;
	uint64_t n;
};

/* A row of the source, or several with the same keys. */
struct diff_row {
	struct diff_key keys[DIFF_KEYS_MAX];
	struct diff_amount amount; /* unknown if that of any is */
};

struct diff_rows {
	bool present; /* there is such a table, with the columns that are needed */
	struct diff_amount total; /* of the rows that are known; unknown if none of them is */
	size_t unknown,
		unnamed; /* rows of the source without an amount, or with an address for a name */
	struct diff_row *items; /* by their keys */
	size_t n, capacity;
};

/* Read what @m is made of from the reports of @side, which have to outlive *@ret. 0 or -ENOMEM. */
int diff_rows_read(const struct diff_metric *m, const struct diff_side *side,
		   struct diff_rows *ret);
void diff_rows_free(struct diff_rows *r);

/* Rows of both runs with the same keys; one of them is NULL where the other run has none. */
struct diff_pair {
	const struct diff_row *before, *after;
	bool moved; /* it is the same function, and the only row of it in both runs, at another offset */
};

struct diff_pairs {
	struct diff_pair *items;
	size_t n, capacity;
	/* functions with several rows, of which none is at the same offset in both runs: none is paired */
	size_t ambiguous;
};

/* Find what belongs together. 0 or -ENOMEM. */
int diff_pairs_find(const struct diff_rows *before, const struct diff_rows *after,
		    struct diff_pairs *ret);
void diff_pairs_free(struct diff_pairs *p);

/* The report of @command in @side, or NULL. */
const struct report *diff_report_of(const struct diff_side *side, const char *command);
/* In bytes; 0: nothing tells. */
uint64_t diff_page_size(const struct diff_side *side);
uint64_t diff_add(uint64_t a, uint64_t b); /* UINT64_MAX where that would be too much */

#endif
