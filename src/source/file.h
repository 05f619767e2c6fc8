/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_FILE_H
#define KMSCOPE_SOURCE_FILE_H
/* A recording as a source: what was delivered when it was made, in the same order. */
#include "record/reader.h"
#include "source/source.h"

/*
 * Open recording @path. What it lacks at its beginning or end is made up for: the stream begins with
 * EVENT_START and ends with EVENT_END in any case. It has EVENT_PROGRAM, which is for the session, not
 * for analyzers. Failures as record_reader_open()'s.
 */
int file_open(const char *path, struct source **ret, struct failure *f);

/* What else the recording says; the source's own. */
struct record_reader *file_reader(struct source *s);

#endif
