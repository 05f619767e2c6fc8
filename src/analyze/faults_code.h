/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_FAULTS_CODE_H
#define KMSCOPE_ANALYZE_FAULTS_CODE_H
/* User code that took faults, as reports have it. */
#include "analyze/faults.h"

/* The numbers in a report of the objects that it names. */
struct faults_named {
	uint32_t *numbers; /* by object, as many as there are; 0: not there yet */
	uint32_t unknown;
};

/* What report_code() makes of @ip in @object (fault_frame), which is added to @r if need be. */
uint64_t faults_code_of(const struct faults *f, struct faults_named *names, uint32_t object,
			uint64_t ip, struct report *r);
/* See analyzer_ops.code. */
int faults_code(struct faults *f, bool (*wanted)(void *arg, const struct report_object *o),
		void *arg, struct report *r);

#endif
