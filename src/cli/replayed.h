/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_REPLAYED_H
#define KMSCOPE_CLI_REPLAYED_H
/* Analyses of recordings: -f, report, and what diff and export compare and convert. */
#include "analyze/several.h"
#include "cli/analysis.h"
#include "source/filter.h"

/* A recording, and the analyses of it that are made at once. */
struct replayed {
	struct replay replay;
	const struct options *options;
	const char *path;
	unsigned int areas; /* enum probe_area: what was recorded */
	struct analysis items[SEVERAL_MAX];
	size_t n;
	struct analyzer *several; /* NULL until replayed_run(); has the analyzers */
	struct filter *filter; /* --from, --to, --comm …; NULL: none */
	int exit_code; /* EXIT_DONE or EXIT_LOST */
};

/* Open @path; nothing is replayed yet. @o must stay. */
int replayed_open(const char *path, const struct options *o, struct replayed *ret,
		  struct failure *f);
void replayed_free(struct replayed *r);

/* Whether what @c analyses was recorded. */
bool replayed_fits(const struct replayed *r, const struct command *c);
/* Add an analysis. A failure says what was recorded instead of what @c needs. */
int replayed_add(struct replayed *r, const struct command *c, struct failure *f);
/* Add all that fit; a failure if there are none. */
int replayed_add_all(struct replayed *r, struct failure *f);

/* Replay, and print the reports of all analyses one after the other. */
int replayed_print(struct replayed *r, struct failure *f);

/* Replay, and make the reports: @ret has room for SEVERAL_MAX, and they are the caller's. */
int replayed_make(struct replayed *r, struct report **ret, size_t *ret_n, struct failure *f);

/* -f: the analysis of command @c. 0 or EXIT_LOST, or negative errno with a failure. */
int replayed_analyze(const struct command *c, const struct options *o, struct failure *f);

#endif
