/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_ANALYSIS_H
#define KMSCOPE_CLI_ANALYSIS_H
/* What a live analysis and one of a recording have in common: an analyzer, and its reports. */
#include "analyze/analyzer.h"
#include "cli/command.h"
#include "probe/capset.h"
#include "session/replay.h"

/* Why there are none on ARM32; with the architecture. */
#define JUNK_STACKS "kernel stacks taken at tracepoints are junk on %s"

struct analysis {
	const struct command *command;
	const struct options *options;
	const struct capset *capset;
	const char *kernel, *arch; /* instead of the capset's; NULL: the capset's */
	char *subject; /* owned */
	struct analyzer *analyzer; /* owned, unless another one has it */
	bool borrowed; /* … which is so */
	const struct program_status *program; /* of PROGRAM; NULL: there is none */
	bool stacks; /* call chains are being taken */
	/* Whom to ask for names. */
	struct symbolizer *symbolizer;
	struct user_symbols *user_symbols; /* NULL until a report has user code in it */
	bool fixed; /* both are somebody else's, and stay as they are */
	char *names_why; /* owned; why kernel addresses have no names; NULL: they have */
	char *registers; /* text of --registers; owned */
	const struct replay *replay; /* NULL: it is live */
	bool mixed; /* the recording has other areas, too */
	uint64_t blurred; /* events lost or missed either in --from to --to or outside of it */
	uint64_t pieces; /* of --trace that were printed */
	bool lost; /* the newest report is of a run that lost data */
};

void analysis_free(struct analysis *a);

/* Read --registers, and make the analyzer. */
int analysis_open(struct analysis *a, struct failure *f);

/* Make a report, with names, for whoever prints it. */
int analysis_make(struct analysis *a, uint64_t number, bool final, struct report **ret,
		  struct failure *f);

/* Make and print one; @arg is the analysis, as session.report wants it. */
int analysis_report(void *arg, uint64_t number, bool final, struct failure *f);
/* Look up, while it can be done, the user code whose files may be gone later; as session.second. */
int analysis_names(void *arg, struct failure *f);
/* --trace: print what was seen since the last time; as session.flush. */
int analysis_flush(void *arg, struct failure *f);

#endif
