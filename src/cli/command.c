// SPDX-License-Identifier: GPL-2.0
#include "cli/command.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "analyze/ledger.h"
#include "base/log.h"

static const struct options slab_defaults = { .sample = 1, .max_size = UINT32_MAX };
static const struct options leaks_defaults = { .sample = 1,
					       .max_size = UINT32_MAX,
					       .stacks = STACKS_AUTO };
static const struct options buddy_defaults = { .sample = 1,
					       .max_size = UINT32_MAX,
					       .stacks = STACKS_AUTO };
static const struct options vmalloc_defaults = { .sample = 1,
						 .max_size = UINT32_MAX,
						 .stacks = STACKS_AUTO };
static const struct options mmio_defaults = { .sample = 1,
					      .max_size = UINT32_MAX,
					      .stacks = STACKS_AUTO };
static const struct options faults_defaults = { .sample = 1,
						.max_size = UINT32_MAX,
						.by = LEDGER_BY_PID };
static const struct options record_defaults = { .sample = 1,
						.max_size = UINT32_MAX,
						.stacks = STACKS_AUTO };
static const struct options doctor_defaults = { .sample = 1, .max_size = UINT32_MAX };
static const struct options file_defaults = { .sample = 1, .max_size = UINT32_MAX };
static const struct options layout_defaults = { .sample = 1, .max_size = UINT32_MAX };

const struct command commands[] = {
	{ "slab", FOR_SLAB, "how much memory rounding to size classes wastes, and where",
	  "Traces slab allocations and shows by call site, size class and cache what was "
	  "allocated, "
	  "what rounding to a size class wastes, and what would fix it.",
	  &slab_defaults, AREA_SLAB, "slab allocations", cmd_analyze },
	{ "leaks", FOR_LEAKS, "what was allocated and never freed, and by whom",
	  "Traces slab allocations and frees and lists what has been allocated since the start and "
	  "is still there: candidates for a leak, with their call chains.",
	  &leaks_defaults, AREA_SLAB, "slab allocations", cmd_analyze },
	{ "buddy", FOR_BUDDY, "which orders are allocated, by whom, and how fragmented memory is",
	  "Traces the page allocator and shows by order, migrate type and zone what was allocated, "
	  "freed, is live and failed, who asks for it, who falls back to other lists, and how the "
	  "free lists change meanwhile.",
	  &buddy_defaults, AREA_PAGES, "page allocations", cmd_analyze },
	{ "vmalloc", FOR_VMALLOC,
	  "which vmalloc areas there are, by whom, and how fast they come and go",
	  "Traces the vmalloc range and shows who takes areas, which there are, how large and how "
	  "scattered, how long they live and wait to be unmapped, and how much of the range is "
	  "taken.",
	  &vmalloc_defaults, AREA_VMALLOC | AREA_IOREMAP, "vmalloc areas", cmd_analyze },
	{ "mmio", FOR_MMIO,
	  "which device registers are mapped by whom, and what is read and written",
	  "Shows who maps which device registers, and what is read from and written to them, by "
	  "the "
	  "events of regmap, gpiolib, rwmmio and the module kmscope_gpio.",
	  &mmio_defaults, AREA_IOREMAP | AREA_REGISTERS, "device registers", cmd_analyze },
	{ "faults", FOR_FAULTS,
	  "which processes take page faults, where, in which code, and what they cost",
	  "Shows page faults by process, by the region of memory that they hit (heap, stack, "
	  "file, anonymous, shared) and by the code that took them, minor and major, over time, "
	  "and how long they took. With PROGRAM, those of PROGRAM and its descendants.",
	  &faults_defaults, AREA_FAULTS, "page faults", cmd_analyze },
	{ "record", FOR_RECORD, "keep what happens in a file, to be analysed later and elsewhere",
	  "Records what slab, leaks, buddy, vmalloc, mmio and faults analyse, with all that is "
	  "needed to do that later, on any machine: «kmscope report FILE», «kmscope slab -f FILE».",
	  &record_defaults, 0, NULL, cmd_record },
	{ "report", FOR_REPORT, "what a recording says",
	  "Shows the reports of a recording: those that were, or would have been, shown when it "
	  "was "
	  "made.",
	  &file_defaults, 0, NULL, cmd_report },
	{ "diff", FOR_DIFF, "what changed from one recording to another",
	  "Compares two recordings by call site, order, process and mapping, each count per "
	  "second: "
	  "what grew, what is new, what went.",
	  &file_defaults, 0, NULL, cmd_diff },
	{ "export", FOR_EXPORT, "a recording for flame graphs, pprof, Perfetto or spreadsheets",
	  "Writes what a recording says in another tool's format.", &file_defaults, 0, NULL,
	  cmd_export },
	{ "anonymize", FOR_ANONYMIZE, "a copy of a recording without names, paths and addresses",
	  "Copies recording IN to OUT with other names of processes, files and user functions, and "
	  "other addresses, for bug reports: reports of OUT say what those of IN say. "
	  "docs/anonymize.md tells what stays.",
	  &file_defaults, 0, NULL, cmd_anonymize },
	{ "doctor", FOR_DOCTOR, "what can be traced on this kernel, how, and what is missing",
	  "Shows which probe serves which capability on this kernel, and why.", &doctor_defaults, 0,
	  NULL, cmd_doctor },
	{ "layout", FOR_LAYOUT, "where things are in memory: physical, zones, virtual",
	  "Shows who owns which physical addresses, the zones, the parts of the kernel's address "
	  "space and what an address is. Traces nothing.",
	  &layout_defaults, 0, NULL, cmd_layout },
	{ 0 },
};

static void print_usage(FILE *out)
{
	const struct command *c;

	fprintf(out, "Usage: kmscope COMMAND [options] [-- PROGRAM ARGS…]\n"
		     "Shows what the Linux kernel does with memory.\n\n");
	for (c = commands; c->name; c++)
		fprintf(out, "  %-9s  %s\n", c->name, c->summary);
	fprintf(out, "\n«kmscope COMMAND --help» lists a command's options; the manual is "
		     "kmscope(8).\n");
}

static int exit_code_of(const struct failure *f)
{
	static const int codes[] = {
		[FAILURE_INTERNAL] = EXIT_FAILED,
		[FAILURE_USAGE] = EXIT_USAGE,
		[FAILURE_UNSUPPORTED] = EXIT_UNSUPPORTED,
		[FAILURE_NOT_EXECUTABLE] = EXIT_NOT_EXECUTABLE,
		[FAILURE_NOT_FOUND] = EXIT_NOT_FOUND,
	};

	return codes[f->kind];
}

/* Descriptors 0 to 2 must be open, or the first map that is created would become standard output. */
static int check_standard_files(void)
{
	int fd;

	for (fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (fd == 1) {
			log_error(
				"standard output is closed: there is nowhere to write the report");
			return -EBADF;
		}
		if (open("/dev/null", O_RDWR) != fd)
			return -EBADF;
	}
	return 0;
}

static int run_command(const struct command *c, int argc, char **argv)
{
	_cleanup_free_ char *name = NULL;
	struct options options = *c->defaults;
	struct failure f = { 0 };
	int err;

	if (asprintf(&name, "kmscope %s", c->name) < 0)
		return EXIT_FAILED;
	argv[0] = name;
	err = options_parse(argc, argv, c->mask, c->doc, &options, &f);
	if (!err) {
		if (options.quiet || options.verbose)
			log_set_level(options.quiet ? LOG_LEVEL_QUIET : LOG_LEVEL_DEBUG);
		err = c->run(c, &options, &f);
	}
	if (err >= 0)
		return err;
	log_error("%s", f.text[0] ? f.text : strerror(-err));
	return exit_code_of(&f);
}

static int finish_output(void)
{
	if (!fflush(stdout))
		return EXIT_DONE;
	log_error("can't write: %s", strerror(errno));
	return EXIT_FAILED;
}

int command_main(int argc, char **argv)
{
	const struct command *c;

	if (check_standard_files())
		return EXIT_FAILED;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is told by write() */
	signal(SIGCHLD,
	       SIG_DFL); /* ignored by whoever started us, PROGRAM could not be waited for */
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return finish_output();
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("kmscope " KMSCOPE_VERSION);
		return finish_output();
	}
	for (c = commands; c->name; c++)
		if (!strcmp(argv[1], c->name))
			return run_command(c, argc - 1, argv + 1);
	log_error("«%.60s» is not a command; «kmscope --help» lists them", argv[1]);
	return EXIT_USAGE;
}
