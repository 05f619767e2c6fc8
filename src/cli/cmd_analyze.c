// SPDX-License-Identifier: GPL-2.0
/* kmscope slab, leaks, buddy, vmalloc, mmio, faults: a session with one analyzer. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "analyze/register_names.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/selection.h"
#include "probe/survey.h"
#include "session/session.h"
#include "source/live.h"
#include "sym/symbolizer.h"

#define JUNK_STACKS "kernel stacks taken at tracepoints are junk on %s"

struct analysis {
	const struct command *command;
	const struct options *options;
	struct capset capset;
	char *subject;
	struct analyzer *analyzer;
	struct program program;
	struct symbolizer *symbolizer;
	struct user_symbols *user_symbols; /* NULL until a report has user code in it */
	char *registers; /* text of --registers */
	uint64_t pieces; /* of --trace that were printed */
	bool lost; /* the newest report is of a run that lost data */
};

static void analysis_free(struct analysis *a)
{
	free(a->subject);
	free(a->registers);
	analyzer_free(&a->analyzer);
	symbolizer_free(&a->symbolizer);
	user_symbols_free(&a->user_symbols);
	program_free(&a->program);
}

/* Names for addresses; without them the report shows addresses and says why. */
static int resolve(struct analysis *a, struct report *r, bool final)
{
	struct failure why = { 0 };

	/* modules may have come and gone: the last word is a fresh look */
	if (final)
		symbolizer_free(&a->symbolizer);
	if (!a->symbolizer && kallsyms_open("/proc/kallsyms", &a->symbolizer, &why))
		report_add_note(r, "addresses have no names: %s", why.text);
	if (!a->user_symbols && r->n_objects) {
		int err = user_symbols_new(&a->user_symbols);

		if (err)
			return err;
	}
	return symbolize_report(a->symbolizer, a->user_symbols, r);
}

static bool data_lost(const struct quality *q)
{
	bool missed = q->recursion_misses && q->recursion_misses != QUALITY_UNKNOWN;

	return q->lost || q->late || q->map_full || missed;
}

static struct report *report_begin(const struct analysis *a)
{
	struct report *r = report_new(a->command->name);

	if (r) {
		snprintf(r->kernel, sizeof(r->kernel), "%s", a->capset.kernel);
		snprintf(r->arch, sizeof(r->arch), "%s", a->capset.arch);
	}
	return r;
}

/* --trace: what was seen since the last time, in a piece of a report. */
static int analysis_flush(void *arg, struct failure *f)
{
	struct analysis *a = arg;
	_cleanup_(report_free) struct report *r = report_begin(a);
	int err = r ? a->analyzer->ops->trace(a->analyzer, r) : -ENOMEM;

	if (err)
		return fail(f, FAILURE_INTERNAL, err, "not enough memory for --trace");
	if (!r->n_tables)
		return 0;
	r->piece = true;
	r->interval = a->options->json ? 0 : a->pieces;
	a->pieces++;
	return output_report(r, a->options->json, f);
}

static int analysis_report(void *arg, uint64_t number, bool final, struct failure *f)
{
	struct analysis *a = arg;
	_cleanup_(report_free) struct report *r = report_begin(a);
	int err = r ? 0 : -ENOMEM;

	if (a->pieces && !a->options->json)
		putchar('\n');
	if (!err) {
		r->subject = strdup(a->subject);
		r->interval = number;
		r->program = a->program.status;
		err = a->analyzer->ops->report(a->analyzer, r);
	}
	if (!err) {
		r->final = final;
		a->lost = data_lost(&r->quality);
		if (a->options->stacks != STACKS_NONE && !a->capset.stack_traces &&
		    !(a->command->areas & AREA_FAULTS))
			report_add_note(r, "no call chains: " JUNK_STACKS, a->capset.arch);
		err = resolve(a, r, final);
	}
	if (err || r->oom)
		return fail(f, FAILURE_INTERNAL, err ? err : -ENOMEM,
			    "not enough memory for the report: try --top or a selection");
	return output_report(r, a->options->json, f);
}

static void analysis_armed(void *arg)
{
	const struct analysis *a = arg;
	const struct options *o = a->options;

	if (o->program)
		log_info("tracing %s while %s runs", a->subject, o->program[0]);
	else if (o->duration_ns)
		log_info("tracing %s for %.3g s; Ctrl-C ends it early", a->subject,
			 (double)o->duration_ns / (double)NSEC_PER_SEC);
	else
		log_info("tracing %s; Ctrl-C ends it with a report", a->subject);
}

static int open_analyzer(struct analysis *a)
{
	const struct options *o = a->options;
	struct analyzer_options options = {
		.by = (enum ledger_by)o->by,
		.top = option_given(o, OPTION_TOP) ? o->top
		       : o->json		   ? 0
						   : 10,
		.min_age_ns = o->min_age_ns,
		.objects = o->objects,
		.stacks = o->stacks != STACKS_NONE,
		.map = o->map,
		.all = o->json,
		.trace = o->trace,
		.timeline = o->timeline,
		.registers = a->registers,
	};

	a->analyzer = analyzer_find(a->command->name)->create(&options);
	return a->analyzer ? 0 : -ENOMEM;
}

/* Two knobs of tests, which have to see rings being renewed without carrying gigabytes. */
static void test_knobs(struct live_options *live)
{
	const char *renew = getenv("KMSCOPE_TEST_RENEW"), *pad = getenv("KMSCOPE_TEST_PAD");

	if (renew)
		parse_size(renew, 4096, 3ull << 30, &live->renew_after);
	live->config.test_pad = pad && !strcmp(pad, "1");
}

static int open_live(struct analysis *a, struct source **ret, struct failure *f)
{
	const struct options *o = a->options;
	_cleanup_close_ int cgroup = -1;
	struct live_options live = {
		.probe = (enum probe_choice)o->probe,
		.ring_size = o->buffer,
		.areas = a->command->areas | (o->child ? AREA_TASKS : 0) |
			 (o->map ? AREA_FRAMES : 0),
		.cgroup_fd = -1,
	};
	bool faults = a->command->areas & AREA_FAULTS;
	bool named = !(a->command->areas & AREA_SLAB); /* reports name tasks */
	bool tasks = named || o->objects || o->by == LEDGER_BY_COMM || o->by == LEDGER_BY_PID ||
		     o->by == LEDGER_BY_CGROUP;
	int err;

	err = selection_make(o, &a->capset, &live.config, &cgroup, f);
	if (err)
		return err;
	live.cgroup_fd = cgroup;
	live.config.sample = (uint32_t)o->sample;
	live.config.want_task = tasks;
	live.config.want_cgroup = o->by == LEDGER_BY_CGROUP;
	/* faults have user code's call chains, which are fine everywhere */
	live.config.stacks = a->capset.stack_traces || faults ? (uint32_t)o->stacks : STACKS_NONE;
	live.pid = o->child ? (uint32_t)a->program.pid : (uint32_t)o->pid;
	/* areas and mappings are few, and nothing else may tell who took them */
	if (a->command->areas & (AREA_VMALLOC | AREA_IOREMAP) && live.config.stacks == STACKS_AUTO)
		live.config.stacks = STACKS_ALL;
	test_knobs(&live);
	/* auto leaves them out and says so; who wants every one has to know before, not after */
	if (o->stacks == STACKS_ALL && !a->capset.stack_traces && !faults)
		return fail(f, FAILURE_UNSUPPORTED, -ENOTSUP,
			    "--stacks all: " JUNK_STACKS "; use --stacks none", a->capset.arch);
	return live_open(&a->capset, &live, ret, f);
}

/* Better now than after everything has been attached. */
static int check_ready_file(const char *path, struct failure *f)
{
	_cleanup_free_ char *copy = path ? strdup(path) : NULL;

	if (!path)
		return 0;
	if (!copy)
		return -ENOMEM;
	if (access(dirname(copy), W_OK))
		return fail(f, FAILURE_INTERNAL, -errno, "--ready-file: can't create %s: %s", path,
			    strerror(errno));
	return 0;
}

static int analysis_run(struct analysis *a, struct failure *f)
{
	const struct options *o = a->options;
	_cleanup_(source_free) struct source *source = NULL;
	struct session session = {
		.analyzer = a->analyzer,
		.program = o->program ? &a->program : NULL,
		.program_name = o->program ? o->program[0] : NULL,
		.duration_ns = o->duration_ns,
		.interval_ticks = o->interval_ns / NSEC_PER_SEC,
		.settle_ns = o->settle_ns,
		.ready_file = o->ready_file,
		.user_files = a->command->areas & AREA_FAULTS,
		.armed = analysis_armed,
		.report = analysis_report,
		.flush = o->trace ? analysis_flush : NULL,
		.arg = a,
	};
	int err;

	err = check_ready_file(o->ready_file, f);
	if (err)
		return err;
	if (o->program) {
		err = program_fork(o->program, &a->program, f);
		if (err)
			return err;
	}
	err = open_live(a, &source, f);
	if (!err && o->child) {
		err = live_follow(source, (uint32_t)a->program.pid);
		if (err)
			fail(f, FAILURE_INTERNAL, err, "--child: %s", strerror(-err));
	}
	if (err || o->dry_run)
		return err;
	session.source = source;
	return session_run(&session, f);
}

#define REGISTERS_MAX (1 << 20) /* bytes of --registers FILE */

/* What --registers FILE says, which must be right: it is parsed here, and once more by the analyzer. */
static int read_registers(struct analysis *a, struct failure *f)
{
	const char *path = a->options->registers;
	struct register_names names = { 0 };
	FILE *file;
	size_t n;
	int err;

	if (!path)
		return 0;
	file = fopen(path, "re");
	if (!file)
		return fail(f, FAILURE_USAGE, -errno, "--registers: can't read %s: %s", path,
			    strerror(errno));
	a->registers = calloc(1, REGISTERS_MAX + 1);
	if (!a->registers) {
		fclose(file);
		return -ENOMEM;
	}
	n = fread(a->registers, 1, REGISTERS_MAX, file);
	err = ferror(file) ? -EISDIR : 0;
	fclose(file);
	if (err)
		return fail(f, FAILURE_USAGE, err, "--registers: can't read %s: %s", path,
			    strerror(-err));
	if (n == REGISTERS_MAX || strlen(a->registers) != n)
		return fail(f, FAILURE_USAGE, -EINVAL, "--registers: %s is no text, or over 1 MiB",
			    path);
	err = register_names_add(&names, a->registers, path, f);
	register_names_free(&names);
	return err;
}

/* What goes without saying for faults: those of PROGRAM, as those of the others would drown them. */
static int settle_faults(struct options *o, struct failure *f)
{
	bool selected = option_given(o, OPTION_PID) || o->comm || o->cgroup;

	if (o->by < LEDGER_BY_COMM)
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--by: faults are grouped by comm, pid or cgroup, not by %s",
			    option_choice(OPTION_BY, o->by));
	if (o->program && !selected)
		o->child = true;
	return 0;
}

int cmd_analyze(const struct command *c, const struct options *o, struct failure *f)
{
	struct analysis a = {
		.command = c,
		.options = o,
		.program = { .pidfd = -1, .gate = -1, .trouble = -1 },
	};
	const char *tracefs;
	struct options own = *o;
	int err;

	err = c->areas & AREA_FAULTS ? settle_faults(&own, f) : 0;
	if (err)
		return err;
	a.options = o = &own;
	survey_kernel(c->areas, &a.capset, &tracefs);
	a.subject = selection_describe(o, c->traces);
	err = a.subject ? read_registers(&a, f) : -ENOMEM;
	if (!err)
		err = open_analyzer(&a);
	if (!err)
		err = analysis_run(&a, f);
	if (!err && o->dry_run)
		log_info("everything was loaded; nothing was attached (--dry-run)");
	analysis_free(&a);
	if (err)
		return err;
	return o->strict && a.lost ? EXIT_LOST : EXIT_DONE;
}
