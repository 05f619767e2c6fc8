/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SESSION_PROGRAM_H
#define KMSCOPE_SESSION_PROGRAM_H
/*
 * The PROGRAM after «--». It is forked early, waits until everything is attached, and then runs as
 * it would without kmscope: own signal mask, own descriptors, all privileges.
 */
#include "base/base.h"
#include "base/failure.h"
#include "report/report.h"

struct program {
	int pid;
	int pidfd; /* readable once it has ended */
	int gate; /* written to: go; closed: give up */
	int trouble; /* delivers the errno of a failed execve() */
	struct program_status status;
};

/* Exit code 127 or 126 in the failure if @argv[0] can't be found or run. */
int program_fork(char *const argv[], struct program *ret, struct failure *f);
/* Let it go; waits until it has been executed or that has failed. */
int program_run(struct program *p, const char *name, struct failure *f);
/* Take its exit status if it has ended. */
void program_reap(struct program *p);
/* Ends it if it was never let go; otherwise it lives on. */
void program_free(struct program *p);

#endif
