/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_SAMPLES_H
#define KMSCOPE_RENDER_SAMPLES_H
/*
 * A table's rows taken apart by call chain, for formats that are made of call chains and values: what
 * flame graphs and profiles have in common.
 */
#include "base/base.h"
#include "report/report.h"

/* A place in code, with its name as far as that is known. */
struct code {
	uint64_t address; /* as frames hold it, see report_code() */
	const char *symbol; /* @n_symbol bytes, not terminated; NULL: unknown */
	size_t n_symbol;
	const char *module; /* as frames have it; NULL: unknown */
};

/*
 * «function», or where that is unknown «[file]+0x1234» of user code and «0x…» of the kernel's; safe for
 * terminals. The caller frees it; NULL when memory is short.
 */
char *code_name(const struct code *c) _must_check_;

/* The table of a report that rows are taken from, and what its columns mean. */
struct sample_table {
	const char *command, *table;
	const char *site, *module; /* columns: the code that a row is about; NULL: none */
	/* Columns of which the shares' objects are a part, added up; the second one may be NULL. */
	const char *objects[2];
	const char *bytes; /* the same of the shares' bytes; NULL: they have none */
	const char *comm; /* column: whose rows they are; NULL: not told */
	bool user; /* rows are mostly about user code */
};

/* NULL if rows of this table have no call chains. */
const struct sample_table *sample_table_find(const char *command, const char *table);

/* What a call chain stands for in a row, or, of each row, what none does. */
struct sample {
	const struct sample_table *kind;
	const struct report *report;
	const struct table *table;
	size_t row;
	const struct report_stack *stack; /* NULL: none */
	const uint64_t *values; /* by column that was asked for */
	size_t n_values;
};

/* How many frames: of the call chain, or without one 1 or 0: the row's own code, if it has any. */
size_t sample_frames(const struct sample *s);
/* Frame @i, innermost first. */
struct code sample_frame(const struct sample *s, size_t i);
/* The text of the row's cell in @column; NULL: unknown, or there is no such column. */
const char *sample_text(const struct sample *s, const char *column);

/*
 * Call @visit for every sample of @r's table @kind of which one of the values in the @n @columns is not 0,
 * in the rows' order; it stops at the first that does not return 0, and returns that. Over the samples
 * of a row, the values of a column add up to exactly what is in its cell: they are distributed in
 * proportion to the shares, bytes by the shares' bytes, anything else by their objects, and rounded so
 * that nothing is lost (largest remainder). A null, or what is negative, is 0. -ENOMEM when memory is
 * short; 0 if @r has no such table.
 */
int samples_each(const struct report *r, const struct sample_table *kind,
		 const char *const *columns, size_t n,
		 int (*visit)(void *ctx, const struct sample *s), void *ctx);

#endif
