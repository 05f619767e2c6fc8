/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_OPTIONS_H
#define KMSCOPE_CLI_OPTIONS_H
/* The options of all commands: one table, from which parsing, help and checks come. */
#include "base/base.h"
#include "base/failure.h"

enum option_id {
	OPTION_DURATION,
	OPTION_INTERVAL,
	OPTION_SETTLE,
	OPTION_JSON,
	OPTION_TOP,
	OPTION_BY,
	OPTION_QUIET,
	OPTION_VERBOSE,
	OPTION_PID,
	OPTION_COMM,
	OPTION_CGROUP,
	OPTION_CHILD,
	OPTION_MODULE,
	OPTION_SITE,
	OPTION_CACHE,
	OPTION_MIN_SIZE,
	OPTION_MAX_SIZE,
	OPTION_MIN_AGE,
	OPTION_OBJECTS,
	OPTION_STACKS,
	OPTION_SAMPLE,
	OPTION_BUFFER,
	OPTION_STRICT,
	OPTION_READY_FILE,
	OPTION_DRY_RUN,
	OPTION_PROBE,
	OPTION_CAPABILITIES,
	OPTION_MAP,
	OPTION_ADDRESS,
	OPTION_TRACE,
	OPTION_TIMELINE,
	OPTION_REGISTERS,
	OPTION_INPUT,
	OPTION_WRITE,
	OPTION_FORCE,
	OPTION_OUTPUT,
	OPTION_AREAS,
	OPTION_KEEP,
	OPTION_TRIGGER,
	OPTION_DEFLATE,
	OPTION_FROM,
	OPTION_TO,
	OPTION_UNTIL,
	OPTION_SCHEMA,
	OPTION_INFO,
	OPTION_FAIL_IF,
	OPTION_AS_MEASURED,
	OPTION_FORMAT,
	OPTION_TABLE,
	OPTION_VALUE,
	OPTION_MAX,
};

/* Which commands know an option. */
enum command_mask {
	FOR_SLAB = 1 << 0,
	FOR_LEAKS = 1 << 1,
	FOR_DOCTOR = 1 << 2,
	FOR_BUDDY = 1 << 3,
	FOR_LAYOUT = 1 << 4,
	FOR_VMALLOC = 1 << 5,
	FOR_MMIO = 1 << 6,
	FOR_FAULTS = 1 << 7,
	FOR_RECORD = 1 << 8,
	FOR_REPORT = 1 << 9,
	FOR_DIFF = 1 << 10,
	FOR_EXPORT = 1 << 11,
	FOR_ANONYMIZE = 1 << 12,
};

enum stacks_choice { STACKS_NONE, STACKS_AUTO, STACKS_ALL };

struct options {
	uint64_t set; /* bit by enum option_id: given on the command line */
	uint64_t duration_ns, interval_ns, settle_ns, min_age_ns;
	uint64_t top, by, pid, min_size, max_size, stacks, sample, buffer, probe;
	bool json, quiet, verbose, child, objects, strict, dry_run, capabilities, map;
	bool trace, timeline, force, deflate, schema, info, as_measured;
	uint64_t keep, from_ns, to_ns, format;
	const char *input, *write, *output, *areas, *trigger, *fail_if, *table, *value;
	const char *files[2]; /* words that are no options */
	size_t n_files;
	const char *comm, *cgroup, *module, *site, *cache, *ready_file, *address, *registers;
	char **program; /* ends with NULL; NULL: none */
};

static inline bool option_given(const struct options *o, enum option_id id)
{
	return o->set & 1ull << id;
}

/* The word for value @n of an option that takes one of several words. */
const char *option_choice(enum option_id id, uint64_t n);

/*
 * Parse the @argc words behind the command's name (argv[0] is «kmscope COMMAND»). @o holds the
 * command's defaults. Prints help and exits with 0 if asked to. -EINVAL with a failure otherwise.
 */
int options_parse(int argc, char **argv, enum command_mask command, const char *summary,
		  struct options *o, struct failure *f);

#endif
