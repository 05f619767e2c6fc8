/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_COMMAND_H
#define KMSCOPE_CLI_COMMAND_H
/* The commands of kmscope: one table, one cmd_*.c each. */
#include "base/failure.h"
#include "cli/options.h"
#include "probe/select.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNSUPPORTED = 3,
	EXIT_LOST = 4, /* --strict: data was lost */
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

struct command {
	const char *name;
	enum command_mask mask;
	const char *summary; /* a line */
	const char *doc; /* for --help */
	const struct options *defaults;
	unsigned int areas; /* enum probe_area that it traces; 0: none */
	const char *traces; /* what it follows, in words; NULL: nothing */
	/* 0 or EXIT_LOST, or negative errno with a failure. */
	int (*run)(const struct command *c, const struct options *o, struct failure *f);
};

/* Ends with a name of NULL. */
extern const struct command commands[];

int cmd_analyze(const struct command *c, const struct options *o, struct failure *f);
int cmd_doctor(const struct command *c, const struct options *o, struct failure *f);
int cmd_record(const struct command *c, const struct options *o, struct failure *f);
int cmd_report(const struct command *c, const struct options *o, struct failure *f);
int cmd_diff(const struct command *c, const struct options *o, struct failure *f);
int cmd_export(const struct command *c, const struct options *o, struct failure *f);
int cmd_anonymize(const struct command *c, const struct options *o, struct failure *f);
int cmd_layout(const struct command *c, const struct options *o, struct failure *f);

/* Parse and run «kmscope …»; returns the exit code after having said what went wrong. */
int command_main(int argc, char **argv);

#endif
