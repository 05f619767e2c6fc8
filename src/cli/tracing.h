/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_TRACING_H
#define KMSCOPE_CLI_TRACING_H
/* From options to what traces the live kernel, and to what is kept of it. */
#include "cli/options.h"
#include "probe/capset.h"
#include "session/recording.h"
#include "session/session.h"

struct tracing {
	const struct options *options;
	const struct capset *capset;
	unsigned int areas; /* enum probe_area: what is analysed or recorded */
	struct program *program; /* forked, if options have one */
	bool names; /* reports name tasks, whatever they are grouped by */
	bool cgroups; /* … and their cgroups */
};

/* Make the source. */
int tracing_open(const struct tracing *t, struct source **ret, struct failure *f);

/* --ready-file: whether it can be made; better now than after everything has been attached. */
int tracing_check_ready_file(const char *path, struct failure *f);

/* What a recording is told of a run. */
struct kept {
	const char *path, *command;
	const char *names_why; /* why addresses have no names; NULL: they have */
};

int tracing_keep(const struct tracing *t, const struct kept *k, struct recording **ret,
		 struct failure *f);

/*
 * Whom a recording asks for names, and remembers what they said. @why is filled in if the kernel's can't be
 * read. 0 or -ENOMEM.
 */
int tracing_names(struct symbolizer **ret_memo, struct user_symbols **ret_user,
		  struct failure *why);
/* An analyzer that knows all user code that faults; see recording_names(). */
int tracing_code_analyzer(struct analyzer **ret);

/* @word as a shell would take it; the caller frees it. NULL: no memory. */
char *tracing_word(const char *word);
/* The command line that kmscope was started with, as a shell would take it; the caller frees it. */
char *tracing_command_line(void);

#endif
