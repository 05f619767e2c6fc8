/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_FAULTS_GUP_H
#define KMSCOPE_ANALYZE_FAULTS_GUP_H
/*
 * How much is known of what get_user_pages() took. Where its calls are probed (HOOKED_GUP) they are events
 * as others. Elsewhere it is a difference: what tasks counted themselves less what was told of them. Then
 * it is not known of a process before its count is read, at its end or that of the run, and what was lost
 * on the way is in it.
 */
#include "analyze/faults.h"

struct faults_gup {
	bool known; /* of the report as a whole */
	bool rows; /* where it is a difference: of those rows that are not open */
	bool differs; /* it is a difference */
	uint64_t lost; /* events; if it is a difference up to so many of it may be these */
	bool *open; /* owned; rows of which it is not known yet; NULL: none is */
};

/* What is known now; @r's quality is described. 0 or -ENOMEM; to be freed in either case. */
int faults_gup_look(struct faults_gup *ret, const struct faults *f, const struct report *r);
void faults_gup_free(struct faults_gup *g);
/* Whether it is known of row number @row. */
bool faults_gup_of_row(const struct faults_gup *g, size_t row);
/* Say what is not known, and why. */
void faults_gup_note(const struct faults_gup *g, const struct faults *f, struct report *r);

#endif
