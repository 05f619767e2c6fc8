// SPDX-License-Identifier: GPL-2.0
/* kmscope slab, leaks, buddy, vmalloc, mmio, faults: a session with one analyzer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/analysis.h"
#include "cli/command.h"
#include "cli/replayed.h"
#include "cli/selection.h"
#include "cli/tracing.h"
#include "probe/survey.h"
#include "sym/memo.h"

/* A live analysis. */
struct live_run {
	struct analysis analysis;
	struct capset capset;
	struct tracing tracing;
	struct program program;
	struct recording *recording; /* --write; NULL: none */
	struct analyzer *code; /* … of which the names of user code come; or NULL */
};

static void live_run_free(struct live_run *l)
{
	/* names are borrowed by the recording */
	recording_free(&l->recording);
	analyzer_free(&l->code);
	l->analysis.fixed = false;
	analysis_free(&l->analysis);
	program_free(&l->program);
}

static void armed(void *arg)
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

/* --write: names that are found are kept, and reports have the same. */
static int open_recording(struct live_run *l, struct failure *f)
{
	struct analysis *a = &l->analysis;
	struct kept kept = {
		.path = a->options->write,
		.command = a->command->name,
	};
	struct failure why = { 0 };
	int err;

	if (!kept.path)
		return 0;
	err = tracing_names(&a->symbolizer, &a->user_symbols, &why);
	if (err)
		return err;
	a->fixed = true;
	a->names_why = why.text[0] ? strdup(why.text) : NULL;
	kept.names_why = a->names_why;
	err = tracing_keep(&l->tracing, &kept, &l->recording, f);
	if (!err && a->command->areas & AREA_FAULTS)
		err = tracing_code_analyzer(&l->code);
	if (!err)
		recording_names(l->recording, a->symbolizer, a->user_symbols, l->code);
	return err;
}

static int live_run(struct live_run *l, struct failure *f)
{
	struct analysis *a = &l->analysis;
	const struct options *o = a->options;
	_cleanup_(source_free) struct source *source = NULL;
	struct session session = {
		.analyzer = a->analyzer,
		.recording = l->recording,
		.code = l->code,
		.program = o->program ? &l->program : NULL,
		.program_name = o->program ? o->program[0] : NULL,
		.duration_ns = o->duration_ns,
		.interval_ticks = o->interval_ns / NSEC_PER_SEC,
		.settle_ns = o->settle_ns,
		.ready_file = o->ready_file,
		.user_files = a->command->areas & AREA_FAULTS,
		.armed = armed,
		.report = analysis_report,
		.flush = o->trace ? analysis_flush : NULL,
		/* a recording looks up all names itself */
		.second = a->analyzer->ops->code && !l->recording ? analysis_names : NULL,
		.arg = a,
	};
	int err = tracing_check_ready_file(o->ready_file, f);

	if (!err && o->program)
		err = program_fork(o->program, &l->program, f);
	if (!err)
		err = tracing_open(&l->tracing, &source, f);
	if (err || o->dry_run)
		return err;
	session.source = source;
	return session_run(&session, f);
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

static int analyze_live(const struct command *c, const struct options *o, struct failure *f)
{
	struct live_run l = {
		.analysis = { .command = c, .options = o, .stacks = o->stacks != STACKS_NONE },
		.program = { .pidfd = -1, .gate = -1, .trouble = -1 },
	};
	struct analysis *a = &l.analysis;
	const char *tracefs;
	bool lost;
	int err;

	a->capset = &l.capset;
	a->program = &l.program.status;
	a->subject = selection_describe(o, c->traces);
	l.tracing = (struct tracing){
		.options = o,
		.capset = &l.capset,
		.areas = c->areas,
		.program = &l.program,
		.names = !(c->areas & AREA_SLAB), /* reports name tasks */
	};
	err = a->subject ? analysis_open(a, f) : -ENOMEM;
	if (!err) {
		/* takes longer than finding that --registers FILE is wrong */
		survey_kernel(c->areas, &l.capset, &tracefs);
		err = open_recording(&l, f);
	}
	if (!err)
		err = live_run(&l, f);
	if (!err && o->dry_run)
		log_info("everything was loaded; nothing was attached (--dry-run)");
	lost = a->lost;
	live_run_free(&l);
	if (err)
		return err;
	return o->strict && lost ? EXIT_LOST : EXIT_DONE;
}

int cmd_analyze(const struct command *c, const struct options *o, struct failure *f)
{
	struct options own = *o;
	int err = c->areas & AREA_FAULTS ? settle_faults(&own, f) : 0;

	if (err)
		return err;
	return o->input ? replayed_analyze(c, &own, f) : analyze_live(c, &own, f);
}
