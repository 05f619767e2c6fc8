/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_DIFF_H
#define KMSCOPE_ANALYZE_DIFF_H
/*
 * kmscope diff: what changed from one run to another, from the reports of both. Rows are found again by
 * name (symbol+offset, process, device), never by address: the runs may be of two boots or two kernels.
 * Counts are compared per second, levels as they are; docs/diff.md says which is which.
 */
#include "report/condition.h"
#include "report/report.h"

/* A run, as its analyzers reported it. */
struct diff_side {
	const char *name; /* for words, hostile; NULL: «before» or «after» */
	/*
	 * The last report of each analyzer, with all rows (analyzer_options.all, no .top) and all names.
	 * They have to live until diff_reports() returns.
	 */
	const struct report *const *reports;
	size_t n;
	uint64_t page_size; /* in bytes; 0: found from the reports, if they tell */
	const char *selection; /* what was traced, in words; NULL: everything */
};

struct diff_options {
	size_t top; /* rows of the tables of what changed; 0: all */
	bool all; /* for programs: tables and rows in which nothing changed, too */
	bool as_measured; /* compare counts as they are, not per second: both runs did the same work */
};

/*
 * Fill @ret, from report_new("diff"). Its subject, if it has none yet, is made from the sides' names. Areas
 * that only one side has are in its notes and in no table of rows. 0, or -ENOMEM with part of it missing.
 */
int diff_reports(const struct diff_side *before, const struct diff_side *after,
		 const struct diff_options *o, struct report *ret);

/* Every name that diff_value() knows; ends with one that is NULL. */
extern const struct condition_name diff_names[];

/*
 * What @name is in @diff, from diff_reports(), in the unit of diff_names: «leaks.bytes» is a change,
 * «leaks.bytes.before» and so on what it is made of, «leaks.site.bytes» the change of the row that grew
 * most, 0 if none grew. What grew from nothing grew by infinitely many per cent. False: there is no such
 * name, or not both runs tell.
 */
bool diff_value(const struct report *diff, const char *name, double *ret);

#endif
