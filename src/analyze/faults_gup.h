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
	bool hooked; /* it can be known here at all */
	bool differs; /* it is a difference: */
	bool drowned; /* … of which a tenth or more may be events that were lost */
	uint64_t lost; /* how many were lost or missed */
	bool *open; /* … owned; by row, whether it is still to come of a process in it; NULL: of none */
};

/* What is known now; @r's quality is described. 0 or -ENOMEM; to be freed in either case. */
int faults_gup_look(struct faults_gup *ret, const struct faults *f, const struct report *r);
void faults_gup_free(struct faults_gup *g);
/* Whether it is known of row number @row. */
bool faults_gup_of_row(const struct faults_gup *g, size_t row);
/* Say what is not known, and why. */
void faults_gup_note(const struct faults_gup *g, const struct faults *f, struct report *r);

#endif
