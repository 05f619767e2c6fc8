/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_SELECTION_H
#define KMSCOPE_CLI_SELECTION_H
/* From --pid, --comm, --site … to what the kernel side compares with. */
#include "bpf/config.h"
#include "cli/options.h"
#include "probe/capset.h"
#include "session/replay.h"
#include "source/filter.h"

/*
 * Fill in @config's selection and *ret_cgroup (a descriptor, or -1). -EINVAL or -ENOENT with a
 * failure when something named does not exist.
 */
int selection_make(const struct options *o, const struct capset *c, struct config *config,
		   int *ret_cgroup, struct failure *f);

/* The same of recording @r: fill in @ret's selection, and set *@ret_needed if there is any. */
int selection_replay(const struct options *o, const struct replay *r, struct filter_options *ret,
		     bool *ret_needed, struct failure *f);

/* What is traced, in words: «slab allocations of tasks named pipes»; @what: «slab allocations». The caller
 * frees it. */
char *selection_describe(const struct options *o, const char *what);

#endif
