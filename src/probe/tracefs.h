/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROBE_TRACEFS_H
#define KMSCOPE_PROBE_TRACEFS_H
/*
 * Reads tracefs, mounted or not. Where it is not mounted, an instance is made that is attached to
 * no path (fsopen(2), since Linux 5.2): nobody else sees it and nothing is left behind.
 */
#include "base/base.h"
#include "base/failure.h"
#include "probe/capset.h"
#include "probe/format.h"

/*
 * Open tracefs' root folder. *ret_how (static text) says where it was found. -EACCES, -EPERM,
 * -ENOENT … with a failure that says what to do.
 */
int tracefs_open(int *ret_fd, const char **ret_how, struct failure *f);

/* Read a whole (small) file below the folder @dirfd into a terminated buffer. */
int tracefs_read(int dirfd, const char *path, char **ret_text, size_t *ret_len);
/* The format of an event; -ENOENT if this kernel has no such event. */
int tracefs_read_format(int dirfd, const struct trace_event_name *event, struct event_format **ret);

#endif
