/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_DIFF_METRICS_H
#define KMSCOPE_ANALYZE_DIFF_METRICS_H
/* What diff compares: a table of metrics, each the sum of a column of an analyzer's table. */
#include "analyze/diff.h"

#define DIFF_KEYS_MAX 4

enum diff_kind {
	DIFF_COUNTER, /* counts from the start of the run: compared per second */
	DIFF_LEVEL, /* what there was at one moment: compared as it is */
};

enum diff_flags {
	DIFF_PAGES = 1 << 0, /* the column counts pages; the metric is in bytes */
	DIFF_SAME_PAGES = 1 << 1, /* not known where the runs' pages differ in size */
	DIFF_NULL_IS_NONE = 1 << 2, /* a row without a value is none, rather than unknown */
	DIFF_NEEDS_GUP = 1 << 3, /* not known where quality.gup is not */
	DIFF_JSON_ONLY = 1 << 4, /* text has a table that says nearly the same */
};

/* By what the rows of a table are found again in the other run. */
struct diff_keys {
	const struct column *columns; /* of the diff's table; the first .n have the source's names */
	size_t n_columns, n;
	bool code; /* the first is symbol+offset */
	const char *address; /* the source's column that stands in for a first key that is null */
};

struct diff_metric {
	const char *name; /* for conditions, and of the row in totals */
	const char *row_name; /* for conditions: of the row that grew most; NULL: there are no rows */
	const char *table, *title; /* of the diff */
	const char *command, *source; /* whose report, which table; NULL: quality.lost */
	const struct diff_keys *keys;
	const char *columns[2]; /* the source's; two are added up */
	enum diff_kind kind;
	enum cell_type unit; /* CELL_BYTES or CELL_COUNT */
	unsigned int flags;
};

/* In the order of the report; ends with one whose name is NULL. */
extern const struct diff_metric diff_metrics[];

#endif
