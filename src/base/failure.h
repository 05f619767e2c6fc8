/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_FAILURE_H
#define KMSCOPE_BASE_FAILURE_H
/*
 * Why something could not be done, in words for the user. Library layers do not log: they fill a
 * struct failure and return a negative errno, and src/cli prints the one line.
 */
#include "base/base.h"

enum failure_kind {
	FAILURE_INTERNAL = 0, /* exit code 1 */
	FAILURE_USAGE = 1, /* exit code 2: the user asked for something wrong */
	FAILURE_UNSUPPORTED = 2, /* exit code 3: this kernel or these privileges can't do it */
	FAILURE_NOT_EXECUTABLE = 3, /* exit code 126: PROGRAM can't be run */
	FAILURE_NOT_FOUND = 4, /* exit code 127: there is no such PROGRAM */
};

struct failure {
	enum failure_kind kind;
	char text[512]; /* one line: what is wrong, and what to do about it; no newline at its end */
};

/*
 * Fill @f (which may be NULL) and return @err, a negative errno, so that callers can write
 * «return fail(f, FAILURE_USAGE, -EINVAL, "…")».
 */
int fail(struct failure *f, enum failure_kind kind, int err, const char *fmt, ...) _printf_(4, 5);

#endif
