// SPDX-License-Identifier: GPL-2.0
#include "cli/options.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "bpf/events.h"
#include "cli/parse.h"

enum option_type { TYPE_FLAG, TYPE_U64, TYPE_SIZE, TYPE_DURATION, TYPE_TEXT, TYPE_CHOICE };

struct option_spec {
	const char *name;
	int key; /* the letter, or a number above 255 */
	const char *arg, *doc;
	enum option_type type;
	size_t offset;
	uint64_t min, max;
	const char *const *choices;
	unsigned int commands;
};

#define FOR_OBJECTS    (FOR_SLAB | FOR_LEAKS)
#define FOR_SAMPLED    (FOR_OBJECTS | FOR_BUDDY)
#define FOR_ANALYSIS   (FOR_SAMPLED | FOR_VMALLOC | FOR_MMIO | FOR_FAULTS)
#define FOR_SIZES      (FOR_ANALYSIS & ~FOR_FAULTS)
#define FOR_LIVE       (FOR_ANALYSIS | FOR_RECORD)
#define FOR_REPLAY     (FOR_ANALYSIS | FOR_REPORT | FOR_DIFF)
#define FOR_FILES      (FOR_REPORT | FOR_DIFF | FOR_EXPORT | FOR_ANONYMIZE)
#define FOR_REPORTS    (FOR_ANALYSIS | FOR_REPORT | FOR_DIFF | FOR_DOCTOR | FOR_LAYOUT)
#define FOR_ALL	       (FOR_REPORTS | FOR_FILES | FOR_RECORD)
#define FOR_NO_PROGRAM (FOR_DOCTOR | FOR_LAYOUT | FOR_FILES)
#define LONG_ONLY(id)  (1000 + (id))
#define YEAR_NS	       (365ull * 24 * 3600 * NSEC_PER_SEC)
#define FIELD(name)    offsetof(struct options, name)

static const char *const by_choices[] = { "site", "cache", "comm", "pid", "cgroup", NULL };
static const char *const stacks_choices[] = { "none", "auto", "all", NULL };
static const char *const format_choices[] = { "folded", "pprof", "perfetto", "csv", NULL };
static const char *const probe_choices[] = { "auto", "raw", "classic", NULL };

static const struct option_spec specs[OPTION_MAX] = {
	[OPTION_DURATION] = { "duration", 'd', "SEC", "End after SEC seconds (0.5, 10, 5m)",
			      TYPE_DURATION, FIELD(duration_ns), 1, YEAR_NS, NULL, FOR_LIVE },
	[OPTION_INTERVAL] = { "interval", 'i', "SEC", "A report every SEC whole seconds",
			      TYPE_DURATION, FIELD(interval_ns), 1, YEAR_NS, NULL,
			      FOR_ANALYSIS | FOR_REPORT },
	[OPTION_SETTLE] = { "settle", LONG_ONLY(OPTION_SETTLE), "SEC",
			    "Go on for SEC seconds after PROGRAM has ended", TYPE_DURATION,
			    FIELD(settle_ns), 0, YEAR_NS, NULL, FOR_LIVE },
	[OPTION_JSON] = { "json", 'j', NULL, "One JSON object a report", TYPE_FLAG, FIELD(json), 0,
			  0, NULL, FOR_REPORTS },
	[OPTION_TOP] = { "top", 'n', "N",
			 "Rows of each table; 0: all (default: 10, with --json all)", TYPE_U64,
			 FIELD(top), 0, 1000000, NULL, FOR_REPLAY },
	[OPTION_BY] = { "by", LONG_ONLY(OPTION_BY), "KEY",
			"Group by site, cache, comm, pid or cgroup (default: site; faults: pid)",
			TYPE_CHOICE, FIELD(by), 0, 0, by_choices, FOR_OBJECTS | FOR_FAULTS },
	[OPTION_QUIET] = { "quiet", 'q', NULL, "Errors and reports only", TYPE_FLAG, FIELD(quiet),
			   0, 0, NULL, FOR_ALL },
	[OPTION_VERBOSE] = { "verbose", 'v', NULL, "Say what is being done", TYPE_FLAG,
			     FIELD(verbose), 0, 0, NULL, FOR_ALL },
	[OPTION_PID] = { "pid", 'p', "PID", "Only what this process does", TYPE_U64, FIELD(pid), 1,
			 INT32_MAX, NULL, FOR_LIVE },
	[OPTION_COMM] = { "comm", LONG_ONLY(OPTION_COMM), "NAME", "Only what tasks of this name do",
			  TYPE_TEXT, FIELD(comm), 1, 15, NULL, FOR_LIVE },
	[OPTION_CGROUP] = { "cgroup", LONG_ONLY(OPTION_CGROUP), "PATH",
			    "Only what is done in this cgroup v2 folder and below", TYPE_TEXT,
			    FIELD(cgroup), 1, 4095, NULL, FOR_LIVE },
	[OPTION_CHILD] = { "child", LONG_ONLY(OPTION_CHILD), NULL,
			   "Only what PROGRAM and its descendants do", TYPE_FLAG, FIELD(child), 0,
			   0, NULL, FOR_LIVE },
	[OPTION_MODULE] = { "module", LONG_ONLY(OPTION_MODULE), "NAME",
			    "Only allocations by this module's code", TYPE_TEXT, FIELD(module), 1,
			    63, NULL, FOR_OBJECTS },
	[OPTION_SITE] = { "site", LONG_ONLY(OPTION_SITE), "SYMBOL",
			  "Only allocations by this kernel function", TYPE_TEXT, FIELD(site), 1,
			  511, NULL, FOR_OBJECTS },
	[OPTION_CACHE] = { "cache", LONG_ONLY(OPTION_CACHE), "NAME",
			   "Only allocations from this cache (dentry, kmalloc-192)", TYPE_TEXT,
			   FIELD(cache), 1, EVENT_NAME_LEN - 1, NULL, FOR_OBJECTS },
	[OPTION_MIN_SIZE] = { "min-size", LONG_ONLY(OPTION_MIN_SIZE), "SIZE",
			      "Only requests of at least SIZE bytes", TYPE_SIZE, FIELD(min_size), 0,
			      UINT32_MAX, NULL, FOR_SIZES | FOR_RECORD },
	[OPTION_MAX_SIZE] = { "max-size", LONG_ONLY(OPTION_MAX_SIZE), "SIZE",
			      "Only requests of at most SIZE bytes", TYPE_SIZE, FIELD(max_size), 0,
			      UINT32_MAX, NULL, FOR_SIZES | FOR_RECORD },
	[OPTION_MIN_AGE] = { "min-age", LONG_ONLY(OPTION_MIN_AGE), "SEC",
			     "Leave out objects younger than SEC (default: 0)", TYPE_DURATION,
			     FIELD(min_age_ns), 0, YEAR_NS, NULL, FOR_LEAKS },
	[OPTION_OBJECTS] = { "objects", LONG_ONLY(OPTION_OBJECTS), NULL, "List the objects too",
			     TYPE_FLAG, FIELD(objects), 0, 0, NULL, FOR_LEAKS },
	[OPTION_STACKS] = { "stacks", LONG_ONLY(OPTION_STACKS), "WHICH",
			    "Call chains: auto (a few a call site, vmalloc: all; the default of "
			    "all but slab), all (each costs some fifteen events) or none",
			    TYPE_CHOICE, FIELD(stacks), 0, 0, stacks_choices, FOR_LIVE },
	[OPTION_SAMPLE] = { "sample", LONG_ONLY(OPTION_SAMPLE), "N",
			    "Follow one allocation in N, taken at random; of faults every Nth "
			    "(default: 1)",
			    TYPE_U64, FIELD(sample), 1, 1000000, NULL,
			    FOR_SAMPLED | FOR_FAULTS | FOR_RECORD },
	[OPTION_BUFFER] = { "buffer", LONG_ONLY(OPTION_BUFFER), "SIZE",
			    "Event buffer of each CPU, a power of two from 4K to 1G (default: "
			    "see doctor)",
			    TYPE_SIZE, FIELD(buffer), 4096, 1ull << 30, NULL, FOR_LIVE },
	[OPTION_STRICT] = { "strict", LONG_ONLY(OPTION_STRICT), NULL,
			    "Exit with 4 if events were lost or late", TYPE_FLAG, FIELD(strict), 0,
			    0, NULL, FOR_LIVE | FOR_REPORT | FOR_DIFF | FOR_EXPORT },
	[OPTION_READY_FILE] = { "ready-file", LONG_ONLY(OPTION_READY_FILE), "PATH",
				"Create PATH once everything is attached", TYPE_TEXT,
				FIELD(ready_file), 1, 4095, NULL, FOR_LIVE },
	[OPTION_DRY_RUN] = { "dry-run", LONG_ONLY(OPTION_DRY_RUN), NULL,
			     "Load everything, attach nothing", TYPE_FLAG, FIELD(dry_run), 0, 0,
			     NULL, FOR_LIVE },
	[OPTION_PROBE] = { "probe", LONG_ONLY(OPTION_PROBE), "METHOD",
			   "Hook by raw or classic tracepoints (default: auto)", TYPE_CHOICE,
			   FIELD(probe), 0, 0, probe_choices,
			   FOR_OBJECTS | FOR_DOCTOR | FOR_RECORD },
	[OPTION_CAPABILITIES] = { "capabilities", LONG_ONLY(OPTION_CAPABILITIES), NULL,
				  "Print the facts about this kernel that the choice rests on",
				  TYPE_FLAG, FIELD(capabilities), 0, 0, NULL, FOR_DOCTOR },
	[OPTION_MAP] = { "map", LONG_ONLY(OPTION_MAP), NULL,
			 "Follow each frame: splits and merges, and a map of memory", TYPE_FLAG,
			 FIELD(map), 0, 0, NULL, FOR_BUDDY | FOR_RECORD },
	[OPTION_ADDRESS] = { "address", LONG_ONLY(OPTION_ADDRESS), "ADDRESS",
			     "Say what this address (0x…) is, virtual or physical", TYPE_TEXT,
			     FIELD(address), 1, 4095, NULL, FOR_LAYOUT },
	[OPTION_TRACE] = { "trace", LONG_ONLY(OPTION_TRACE), NULL,
			   "Print each register access as it happens", TYPE_FLAG, FIELD(trace), 0,
			   0, NULL, FOR_MMIO },
	[OPTION_TIMELINE] = { "timeline", LONG_ONLY(OPTION_TIMELINE), NULL,
			      "Draw the levels of pins over time", TYPE_FLAG, FIELD(timeline), 0, 0,
			      NULL, FOR_MMIO },
	[OPTION_REGISTERS] = { "registers", LONG_ONLY(OPTION_REGISTERS), "FILE",
			       "Names of more registers, see the manual", TYPE_TEXT,
			       FIELD(registers), 1, 4095, NULL, FOR_MMIO },
	[OPTION_INPUT] = { "input", 'f', "FILE",
			   "Analyse this recording instead of the live kernel", TYPE_TEXT,
			   FIELD(input), 1, 4095, NULL, FOR_ANALYSIS },
	[OPTION_WRITE] = { "write", LONG_ONLY(OPTION_WRITE), "FILE",
			   "Keep a recording of this run, too", TYPE_TEXT, FIELD(write), 1, 4095,
			   NULL, FOR_ANALYSIS },
	[OPTION_FORCE] = { "force", LONG_ONLY(OPTION_FORCE), NULL,
			   "Replace the output if there is such a file", TYPE_FLAG, FIELD(force), 0,
			   0, NULL, FOR_LIVE | FOR_EXPORT | FOR_ANONYMIZE },
	[OPTION_OUTPUT] = { "output", 'o', "FILE", "Where to (export: standard output)", TYPE_TEXT,
			    FIELD(output), 1, 4095, NULL, FOR_RECORD | FOR_EXPORT },
	[OPTION_AREAS] = { "areas", LONG_ONLY(OPTION_AREAS), "LIST",
			   "What to record: some of slab, pages, vmalloc, faults, mmio, with "
			   "commas "
			   "(default: all)",
			   TYPE_TEXT, FIELD(areas), 1, 200, NULL, FOR_RECORD },
	[OPTION_KEEP] = { "keep", LONG_ONLY(OPTION_KEEP), "SIZE",
			  "Keep the newest SIZE bytes only, at least 4M", TYPE_SIZE, FIELD(keep),
			  4 << 20, 1ull << 50, NULL, FOR_RECORD },
	[OPTION_TRIGGER] = { "trigger", LONG_ONLY(OPTION_TRIGGER), "CONDITION",
			     "End once this holds, such as «free < 64M»; see the manual", TYPE_TEXT,
			     FIELD(trigger), 1, 4095, NULL, FOR_RECORD },
	[OPTION_DEFLATE] = { "deflate", LONG_ONLY(OPTION_DEFLATE), NULL,
			     "Compress all blocks: half the size, for more time", TYPE_FLAG,
			     FIELD(deflate), 0, 0, NULL, FOR_LIVE },
	[OPTION_FROM] = { "from", LONG_ONLY(OPTION_FROM), "SEC",
			  "Of a recording, only what came later than SEC seconds after its start",
			  TYPE_DURATION, FIELD(from_ns), 0, YEAR_NS, NULL,
			  FOR_REPLAY | FOR_EXPORT },
	[OPTION_TO] = { "to", LONG_ONLY(OPTION_TO), "SEC", "… and earlier than this", TYPE_DURATION,
			FIELD(to_ns), 1, YEAR_NS, NULL, FOR_REPLAY },
	[OPTION_UNTIL] = { "until", LONG_ONLY(OPTION_UNTIL), "SEC", "… and earlier than this",
			   TYPE_DURATION, FIELD(to_ns), 1, YEAR_NS, NULL, FOR_EXPORT },
	[OPTION_SCHEMA] = { "schema", LONG_ONLY(OPTION_SCHEMA), NULL,
			    "Print what --json means: all members and units", TYPE_FLAG,
			    FIELD(schema), 0, 0, NULL, FOR_REPORT },
	[OPTION_INFO] = { "info", LONG_ONLY(OPTION_INFO), NULL,
			  "Say what the recording is: when, where and how it was made, and whether "
			  "it "
			  "is whole",
			  TYPE_FLAG, FIELD(info), 0, 0, NULL, FOR_REPORT },
	[OPTION_FAIL_IF] = { "fail-if", LONG_ONLY(OPTION_FAIL_IF), "CONDITION",
			     "Exit with 1 if this holds, such as «leaks.bytes > 1M»; see the "
			     "manual",
			     TYPE_TEXT, FIELD(fail_if), 1, 4095, NULL, FOR_DIFF },
	[OPTION_AS_MEASURED] = { "as-measured", LONG_ONLY(OPTION_AS_MEASURED), NULL,
				 "Compare counts as they are, not per second", TYPE_FLAG,
				 FIELD(as_measured), 0, 0, NULL, FOR_DIFF },
	[OPTION_FORMAT] = { "to", LONG_ONLY(OPTION_FORMAT), "FORMAT",
			    "folded, pprof, perfetto or csv", TYPE_CHOICE, FIELD(format), 0, 0,
			    format_choices, FOR_EXPORT },
	[OPTION_TABLE] = { "table", LONG_ONLY(OPTION_TABLE), "TABLE",
			   "csv: which table, such as slab.sites", TYPE_TEXT, FIELD(table), 1, 200,
			   NULL, FOR_EXPORT },
	[OPTION_VALUE] = { "value", LONG_ONLY(OPTION_VALUE), "VALUE",
			   "folded: which number, such as leaks.bytes", TYPE_TEXT, FIELD(value), 1,
			   200, NULL, FOR_EXPORT },
};
_Static_assert(OPTION_MAX <= 64, "options.set has a bit for each");

const char *argp_program_version = "kmscope " KMSCOPE_VERSION;

const char *option_choice(enum option_id id, uint64_t n)
{
	return specs[id].choices[n];
}

struct parse_state {
	enum command_mask command;
	struct options *options;
	struct failure *failure;
	int error;
};

static int bad_value(struct failure *f, const struct option_spec *s, const char *text,
		     const char *wanted)
{
	return fail(f, FAILURE_USAGE, -EINVAL, "--%s: «%s» is not %s", s->name, text, wanted);
}

static int set_choice(const struct option_spec *s, const char *text, uint64_t *ret,
		      struct failure *f)
{
	char wanted[200] = "one of";
	size_t i;

	for (i = 0; s->choices[i]; i++) {
		size_t len = strlen(wanted);

		if (!strcmp(s->choices[i], text)) {
			*ret = i;
			return 0;
		}
		snprintf(wanted + len, sizeof(wanted) - len, "%s %s", i ? "," : "", s->choices[i]);
	}
	return bad_value(f, s, text, wanted);
}

/* 4096 as «4K», to be read in messages. */
static void size_words(char buf[32], uint64_t n)
{
	static const char units[] = " KMG";
	size_t i = 0;

	while (n && n % 1024 == 0 && i < 3) {
		n /= 1024;
		i++;
	}
	snprintf(buf, 32, i ? "%llu%c" : "%llu", (unsigned long long)n, units[i]);
}

static int set_number(const struct option_spec *s, const char *text, void *field, struct failure *f)
{
	char wanted[120], min[32], max[32];

	switch (s->type) {
	case TYPE_U64:
		if (!parse_u64(text, s->min, s->max, field))
			return 0;
		snprintf(wanted, sizeof(wanted), "a number from %llu to %llu",
			 (unsigned long long)s->min, (unsigned long long)s->max);
		break;
	case TYPE_SIZE:
		if (!parse_size(text, s->min, s->max, field))
			return 0;
		size_words(min, s->min);
		size_words(max, s->max);
		snprintf(wanted, sizeof(wanted), "a size from %s to %s bytes", min, max);
		break;
	default:
		if (!parse_duration(text, s->max, field) && *(uint64_t *)field >= s->min)
			return 0;
		snprintf(wanted, sizeof(wanted), "a time %ssuch as 10, 0.5, 100ms or 5m",
			 s->min ? "above 0 " : "");
		break;
	}
	return bad_value(f, s, text, wanted);
}

static int set_option(struct options *o, enum option_id id, const char *text, struct failure *f)
{
	const struct option_spec *s = &specs[id];
	void *field = (char *)o + s->offset;
	size_t len = text ? strlen(text) : 0;

	o->set |= 1ull << id;
	switch (s->type) {
	case TYPE_FLAG:
		*(bool *)field = true;
		return 0;
	case TYPE_TEXT:
		if (len < s->min || len > s->max)
			return fail(f, FAILURE_USAGE, -EINVAL,
				    "--%s: «%.60s» has %zu characters; %llu to %llu are possible",
				    s->name, text, len, (unsigned long long)s->min,
				    (unsigned long long)s->max);
		*(const char **)field = text;
		return 0;
	case TYPE_CHOICE:
		return set_choice(s, text, field, f);
	default:
		return set_number(s, text, field, f);
	}
}

/* How many files a command takes. */
static size_t files_of(enum command_mask command)
{
	if (command & (FOR_REPORT | FOR_EXPORT))
		return 1;
	return command & (FOR_DIFF | FOR_ANONYMIZE) ? 2 : 0;
}

static error_t parse_key(int key, char *arg, struct argp_state *state)
{
	struct parse_state *p = state->input;
	size_t i;

	if (key == ARGP_KEY_ARG && p->options->n_files < files_of(p->command)) {
		p->options->files[p->options->n_files++] = arg;
		return 0;
	}
	if (key == ARGP_KEY_ARG && files_of(p->command)) {
		p->error = fail(p->failure, FAILURE_USAGE, -EINVAL, "«%.100s» is one file too many",
				arg);
		return EINVAL;
	}
	if (key == ARGP_KEY_ARG) {
		p->error = fail(p->failure, FAILURE_USAGE, -EINVAL,
				"«%.100s» is not an option; a program to run follows «--»", arg);
		return EINVAL;
	}
	for (i = 0; i < OPTION_MAX; i++) {
		if (specs[i].key != key || !(specs[i].commands & p->command))
			continue;
		p->error = set_option(p->options, (enum option_id)i, arg, p->failure);
		return p->error ? EINVAL : 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* What says how to trace says nothing of a recording, which is made already. */
static int check_input(const struct options *o, enum command_mask command, struct failure *f)
{
	static const enum option_id live[] = {
		OPTION_DURATION, OPTION_SETTLE,	    OPTION_CHILD,   OPTION_SAMPLE,
		OPTION_BUFFER,	 OPTION_READY_FILE, OPTION_DRY_RUN, OPTION_PROBE,
		OPTION_WRITE,	 OPTION_DEFLATE,    OPTION_FORCE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(live); i++)
		if (o->input && option_given(o, live[i]))
			return fail(f, FAILURE_USAGE, -EINVAL,
				    "--%s says how to trace; with --input that is done already",
				    specs[live[i]].name);
	if (o->input && o->program)
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "with --input there is no program to run: leave out what follows «--»");
	if (!o->input && !files_of(command) &&
	    (option_given(o, OPTION_FROM) || option_given(o, OPTION_TO)))
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--from and --to are about a recording: add --input FILE");
	if (option_given(o, OPTION_FORCE) && !o->write && !o->output && o->n_files < 2)
		return fail(f, FAILURE_USAGE, -EINVAL, "--force: there is no output file");
	if (option_given(o, OPTION_DEFLATE) && !o->write && !o->output)
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--deflate is about a recording: add --write FILE");
	if (o->to_ns && o->from_ns >= o->to_ns)
		return fail(f, FAILURE_USAGE, -EINVAL, "--from has to be before --%s",
			    specs[command & FOR_EXPORT ? OPTION_UNTIL : OPTION_TO].name);
	return 0;
}

/* What options say together. */
static int check_together(const struct options *o, enum command_mask command, struct failure *f)
{
	int err = check_input(o, command, f);

	if (err)
		return err;
	if (o->child && !o->program)
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--child needs a program to follow: add «-- PROGRAM»");
	if (option_given(o, OPTION_SETTLE) && !o->program)
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--settle is about the time after PROGRAM: add «-- PROGRAM»");
	if (o->interval_ns % NSEC_PER_SEC)
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--interval takes whole seconds: reports are made at full seconds");
	if (o->buffer & (o->buffer - 1))
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--buffer: %llu is not a power of two; the next one is %llu",
			    (unsigned long long)o->buffer,
			    (unsigned long long)round_up_pow2(o->buffer));
	if (o->min_size > o->max_size)
		return fail(f, FAILURE_USAGE, -EINVAL, "--min-size is above --max-size");
	if (o->quiet && o->verbose)
		return fail(f, FAILURE_USAGE, -EINVAL, "--quiet and --verbose exclude each other");
	return 0;
}

static const char *args_of(enum command_mask command)
{
	if (command & FOR_DIFF)
		return "BEFORE AFTER";
	if (command & FOR_ANONYMIZE)
		return "IN OUT";
	if (command & FOR_FILES)
		return "FILE";
	return command & FOR_NO_PROGRAM ? "" : "[-- PROGRAM ARGS…]";
}

int options_parse(int argc, char **argv, enum command_mask command, const char *summary,
		  struct options *o, struct failure *f)
{
	struct argp_option list[OPTION_MAX + 1] = { 0 };
	struct parse_state state = { .command = command, .options = o, .failure = f };
	struct argp argp = {
		.options = list,
		.parser = parse_key,
		.args_doc = args_of(command),
		.doc = summary,
	};
	size_t n = 0, i;
	int k;

	for (i = 0; i < OPTION_MAX; i++)
		if (specs[i].commands & command)
			list[n++] = (struct argp_option){ .name = specs[i].name,
							  .key = specs[i].key,
							  .arg = specs[i].arg,
							  .doc = specs[i].doc };
	/* PROGRAM's own options are none of argp's business */
	for (k = 1; k < argc; k++)
		if (!strcmp(argv[k], "--"))
			break;
	if (k < argc && !(command & FOR_NO_PROGRAM)) {
		if (k + 1 == argc)
			return fail(f, FAILURE_USAGE, -EINVAL, "there is no program after «--»");
		o->program = argv + k + 1;
	}
	if (k < argc && command & FOR_NO_PROGRAM)
		return fail(f, FAILURE_USAGE, -EINVAL, "%s runs no program",
			    strchr(argv[0], ' ') ? strchr(argv[0], ' ') + 1 : argv[0]);
	argp_err_exit_status = 2;
	if (argp_parse(&argp, k, argv, 0, NULL, &state))
		return state.error ? state.error
				   : fail(f, FAILURE_USAGE, -EINVAL, "bad command line");
	return check_together(o, command, f);
}
