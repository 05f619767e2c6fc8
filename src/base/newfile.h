/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_NEWFILE_H
#define KMSCOPE_BASE_NEWFILE_H
/* Files that are written: nothing is overwritten unless that was asked for, and no link is followed. */
#include "base/base.h"
#include "base/failure.h"

struct newfile {
	int fd; /* to read and write; -1: none */
	bool created; /* it was not there before */
};

/*
 * Create @path, for its owner only; with @force open the regular file that is there, and leave what is
 * in it to the caller. @ret is set, to be closed, unless there is a failure that says what to do.
 */
int newfile_open(const char *path, bool force, struct newfile *ret, struct failure *f);

#endif
