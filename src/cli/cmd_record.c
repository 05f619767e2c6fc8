// SPDX-License-Identifier: GPL-2.0
/* kmscope record: a session that analyses as little as it can. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/several.h"
#include "analyze/watch.h"
#include "base/digits.h"
#include "base/log.h"
#include "cli/areas.h"
#include "cli/command.h"
#include "cli/selection.h"
#include "cli/tracing.h"
#include "cli/trigger.h"
#include "probe/survey.h"
#include "render/units.h"

struct record_run {
	const struct options *options;
	unsigned int areas;
	struct capset capset;
	struct program program;
	char *subject;
	struct symbolizer *symbolizer;
	struct user_symbols *user_symbols;
	struct failure names_why;
	struct recording *recording;
	struct analyzer *several;
	const struct watch *watch; /* in it */
	struct trigger trigger;
	bool terminal; /* progress is shown */
	char why[300]; /* the trigger fired */
};

static void record_run_free(struct record_run *r)
{
	recording_free(&r->recording);
	analyzer_free(&r->several);
	trigger_free(&r->trigger);
	symbolizer_free(&r->symbolizer);
	user_symbols_free(&r->user_symbols);
	program_free(&r->program);
	free(r->subject);
}

static void armed(void *arg)
{
	const struct record_run *r = arg;
	const struct options *o = r->options;
	const char *until = o->trigger ? o->trigger : "";

	if (o->program)
		log_info("recording %s while %s runs%s%s", r->subject, o->program[0],
			 *until ? ", or until " : "", until);
	else if (o->duration_ns)
		log_info("recording %s for %.3g s%s%s; Ctrl-C ends it early", r->subject,
			 (double)o->duration_ns / (double)NSEC_PER_SEC, *until ? ", or until " : "",
			 until);
	else
		log_info("recording %s%s%s; Ctrl-C ends it", r->subject, *until ? " until " : "",
			 until);
}

/* Bytes an event takes; 0 while there is none. */
static double bytes_per_event(const struct record_totals *t)
{
	uint64_t kept = t->events - t->dropped;

	return kept ? (double)t->bytes / (double)kept : 0;
}

/* Seconds, of what was recorded. */
static double elapsed(const struct record_run *r)
{
	return (double)(r->watch->end - r->watch->start) / (double)NSEC_PER_SEC;
}

static void show_progress(const struct record_run *r, const struct record_totals *t)
{
	double seconds = elapsed(r);

	fprintf(stderr, "\r\033[K%.0f s  %s events  %s  %.1f B/event  %s/s  %s lost", seconds,
		units_count(t->events).s, units_bytes(t->bytes).s, bytes_per_event(t),
		units_bytes(seconds > 0 ? (uint64_t)((double)t->bytes / seconds) : 0).s,
		units_count(watch_lost(r->watch)).s);
	fflush(stderr);
}

static int show(void *arg, uint64_t number _unused_, bool final, struct failure *f _unused_)
{
	struct record_run *r = arg;
	struct record_totals t;

	recording_totals(r->recording, &t);
	if (!final && r->terminal)
		show_progress(r, &t);
	if (final && r->terminal)
		fputs("\r\033[K", stderr);
	return 0;
}

static bool enough(void *arg)
{
	struct record_run *r = arg;
	struct record_totals t;

	if (r->why[0])
		return true;
	recording_totals(r->recording, &t);
	return trigger_fired(&r->trigger, &t, r->why, sizeof(r->why));
}

/* What was overwritten told more than events; not all of it has room to be said again. */
static void say_left_out(const struct record_totals *t)
{
	static const struct {
		const char *what, *why;
	} whats[LEFT_OUT] = {
		[LEFT_STACKS] = { "call chains", "a larger --keep has room for them" },
		[LEFT_CACHES] = { "caches", "there were too many" },
		[LEFT_MAPS] = { "records of processes and mappings",
				"a larger --keep has room for them" },
	};
	size_t i;

	for (i = 0; i < LEFT_OUT; i++)
		if (t->left_out[i])
			log_info("up to %s %s were overwritten, too: %s",
				 digits_grouped(t->left_out[i]).s, whats[i].what, whats[i].why);
}

/* What is said at the end, and what to do next. */
static void say_end(const struct record_run *r)
{
	_cleanup_free_ char *path = tracing_word(r->options->output);
	struct record_totals t;

	recording_totals(r->recording, &t);
	if (r->why[0])
		log_info("ended by --trigger: %s", r->why);
	else if (r->options->trigger)
		log_info("--trigger «%.200s» did not hold until the end", r->options->trigger);
	log_info("recorded %s events in %.1f s: %s, %.1f bytes an event, %s lost, %s missed",
		 digits_grouped(t.events).s, elapsed(r), units_bytes(t.bytes).s,
		 bytes_per_event(&t), digits_grouped(watch_lost(r->watch)).s,
		 digits_grouped(watch_missed(r->watch)).s);
	if (t.dropped)
		log_info("%s events were overwritten by newer ones (--keep)",
			 digits_grouped(t.dropped).s);
	say_left_out(&t);
	log_info("next: kmscope report %s", path ? path : r->options->output);
}

/* --- what has to be known meanwhile ----------------------------------------------------------------- */

/* Of what is selected, the source has to be told what is live: by those who keep books. */
static bool wants_books(const struct record_run *r, const char *name, bool selected)
{
	static const struct {
		const char *name;
		unsigned int areas;
	} books[] = {
		{ "slab", AREA_SLAB },
		{ "buddy", AREA_PAGES },
		{ "vmalloc", AREA_VMALLOC },
		{ "mmio", AREA_REGISTERS },
	};
	size_t i;

	/* who faults, to ask /proc about them, and where, for the names of code */
	if (!strcmp(name, "faults"))
		return r->areas & AREA_FAULTS;
	if (!strcmp(name, "slab") && trigger_needs_ledger(&r->trigger))
		return true;
	for (i = 0; i < ARRAY_SIZE(books); i++)
		if (!strcmp(name, books[i].name))
			return selected && r->areas & books[i].areas;
	return false;
}

static bool selects(const struct options *o)
{
	return option_given(o, OPTION_PID) || o->comm || o->cgroup || o->child ||
	       option_given(o, OPTION_MIN_SIZE) || option_given(o, OPTION_MAX_SIZE) ||
	       o->sample > 1;
}

static int open_analyzers(struct record_run *r)
{
	static const struct analyzer_options all = { .stacks = true },
					     faults = { .by = LEDGER_BY_PID, .stacks = true };
	struct watch *watch = watch_new();
	struct analyzer *parts[SEVERAL_MAX] = { watch ? &watch->analyzer : NULL };
	const struct analyzer_ops *const *ops;
	struct analyzer *slab;
	size_t n = 1;
	bool oom = !watch;

	for (ops = analyzers; *ops && !oom; ops++) {
		if (!wants_books(r, (*ops)->name, selects(r->options)))
			continue;
		parts[n] = (*ops)->create(*ops == &faults_analyzer ? &faults : &all);
		oom = !parts[n++];
	}
	while (oom && n > 0)
		analyzer_free(&parts[--n]);
	r->several = oom ? NULL : several_new(parts, n);
	if (!r->several)
		return -ENOMEM;
	slab = several_find(r->several, "slab");
	r->watch = r->trigger.watch = watch;
	r->trigger.ledger = slab ? &((struct ledger_analyzer *)slab)->ledger : NULL;
	return 0;
}

/* --- running ---------------------------------------------------------------------------------------- */

static int open_recording(struct record_run *r, const struct tracing *t, struct failure *f)
{
	struct kept kept = {
		.path = r->options->output,
		.command = "record",
		.names_why = r->names_why.text,
	};
	int err = tracing_names(&r->symbolizer, &r->user_symbols, &r->names_why);

	if (!err)
		err = tracing_keep(t, &kept, &r->recording, f);
	if (!err)
		recording_names(r->recording, r->symbolizer, r->user_symbols,
				several_find(r->several, "faults"));
	return err;
}

static int run(struct record_run *r, const struct tracing *t, struct failure *f)
{
	const struct options *o = r->options;
	_cleanup_(source_free) struct source *source = NULL;
	struct session session = {
		.analyzer = r->several,
		.recording = r->recording,
		.only_recording = true,
		.program = o->program ? &r->program : NULL,
		.program_name = o->program ? o->program[0] : NULL,
		.duration_ns = o->duration_ns,
		.interval_ticks = 1,
		.settle_ns = o->settle_ns,
		.ready_file = o->ready_file,
		.user_files = r->areas & AREA_FAULTS,
		.armed = armed,
		.report = show,
		.enough = enough,
		.arg = r,
	};
	int err = tracing_check_ready_file(o->ready_file, f);

	if (!err && o->program)
		err = program_fork(o->program, &r->program, f);
	if (!err)
		err = tracing_open(t, &source, f);
	if (err || o->dry_run)
		return err;
	session.source = source;
	return session_run(&session, f);
}

/* What this kernel can tell of; otherwise why it can't. */
static unsigned int traceable(const struct record_run *r, const struct probe_plan *plan, bool say,
			      struct failure *f)
{
	const struct recorded_area *area;
	unsigned int areas = 0;

	for (area = recorded_areas; area->name; area++) {
		struct failure why = { 0 };

		if (!probe_plan_check(plan, &r->capset, area->areas, &why))
			areas |= area->areas;
		else if (say)
			log_info("%s are left out: %s", area->what, why.text);
		/* the first one says why nothing can be traced */
		else if (area == recorded_areas && f)
			*f = why;
	}
	return areas;
}

/* Those that were named; otherwise all that can be traced. */
static int choose_areas(struct record_run *r, struct failure *f)
{
	const struct recorded_area *area;
	struct probe_plan plan = { 0 };
	const char *tracefs;
	int err;

	if (r->options->areas)
		return areas_parse(r->options->areas, &r->areas, f);
	for (area = recorded_areas; area->name; area++)
		r->areas |= area->areas;
	survey_kernel(r->areas, &r->capset, &tracefs);
	err = probe_plan_make(&r->capset, (enum probe_choice)r->options->probe, &plan);
	if (err)
		return err;
	r->areas = traceable(r, &plan, false, f);
	if (r->areas)
		traceable(r, &plan, true, NULL);
	probe_plan_free(&plan);
	return r->areas ? 0 : -ENOTSUP;
}

static int record(struct record_run *r, struct failure *f)
{
	_cleanup_free_ char *words = NULL;
	struct tracing tracing = {
		.options = r->options,
		.capset = &r->capset,
		.areas = r->areas,
		.program = &r->program,
		.names = true,
		.cgroups = true, /* 2 % more than without them */
	};
	const char *tracefs;
	int err;

	words = areas_words(r->areas);
	r->subject = words ? selection_describe(r->options, words) : NULL;
	if (!r->subject)
		return -ENOMEM;
	survey_kernel(r->areas, &r->capset, &tracefs);
	err = trigger_parse(r->options->trigger, r->areas, &r->trigger, f);
	if (!err)
		err = open_analyzers(r);
	if (!err)
		err = open_recording(r, &tracing, f);
	if (!err)
		err = run(r, &tracing, f);
	return err;
}

int cmd_record(const struct command *c _unused_, const struct options *o, struct failure *f)
{
	struct record_run r = {
		.options = o,
		.program = { .pidfd = -1, .gate = -1, .trouble = -1 },
		.terminal = isatty(STDERR_FILENO) && !o->quiet && !o->verbose,
	};
	uint64_t lost = 0;
	int err;

	if (!o->output)
		return fail(f, FAILURE_USAGE, -EINVAL, "where to? add --output FILE");
	err = choose_areas(&r, f);
	if (!err)
		err = record(&r, f);
	if (!err && o->dry_run)
		log_info("everything was loaded; nothing was attached (--dry-run)");
	else if (!err) {
		say_end(&r);
		lost = watch_lost(r.watch) + watch_missed(r.watch);
	}
	record_run_free(&r);
	if (err)
		return err;
	return o->strict && lost ? EXIT_LOST : EXIT_DONE;
}
