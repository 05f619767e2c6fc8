/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SESSION_RECORDING_H
#define KMSCOPE_SESSION_RECORDING_H
/* What is kept of a run: its records, and the names of all code that they speak of. */
#include "analyze/analyzer.h"
#include "record/writer.h"
#include "report/report.h"
#include "sym/symbolizer.h"

struct recording;

/* As record_writer_open(). */
int recording_open(const struct record_options *o, struct recording **ret, struct failure *f);
void recording_free(struct recording **r);

/* Say @value of @key; both are copied. 0 or -ENOMEM. */
int recording_describe(struct recording *r, const char *key, const char *value);

/*
 * Whom to ask for names: a memo (sym/memo.h), and user_symbols that remember; each may be NULL, and stays
 * the caller's. @code, an analyzer that gets the records too, knows the user code there is; or NULL.
 */
void recording_names(struct recording *r, struct symbolizer *memo, struct user_symbols *user,
		     struct analyzer *code);

int recording_begin(struct recording *r, struct failure *f);
void recording_consume(struct recording *r, const struct event_header *const *records, size_t n);
/* A second has passed: all that was consumed is written. @ending: no report is made at this one. */
void recording_tick(struct recording *r, const struct event_header *tick, bool ending);
void recording_program(struct recording *r, const struct program_status *p);
/* All records have been consumed: learn the names that are not known yet. */
void recording_settle(struct recording *r);
/* Write what is left. With a failure that says what became of the file. */
int recording_end(struct recording *r, struct failure *f);

/* 0, or why nothing more is written. */
int recording_error(const struct recording *r);
void recording_totals(const struct recording *r, struct record_totals *ret);

#endif
