// SPDX-License-Identifier: GPL-2.0
#include "cli/replayed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/areas.h"
#include "cli/selection.h"

int replayed_open(const char *path, const struct options *o, struct replayed *ret,
		  struct failure *f)
{
	struct replayed r = { .options = o, .path = path };
	int err = replay_open(path, &r.replay, f);

	if (err)
		return err;
	if (areas_parse(replay_text(&r.replay, "areas", ""), &r.areas, NULL)) {
		replayed_free(&r);
		return fail(f, FAILURE_USAGE, -ENODATA,
			    "%.300s does not tell what was recorded: its first block is missing or "
			    "damaged",
			    path);
	}
	*ret = r;
	return 0;
}

void replayed_free(struct replayed *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		analysis_free(&r->items[i]);
	analyzer_free(&r->several);
	filter_free(&r->filter);
	replay_free(&r->replay);
}

/* --- analyses --------------------------------------------------------------------------------------- */

bool replayed_fits(const struct replayed *r, const struct command *c)
{
	return c->areas && (r->areas & c->areas) == c->areas;
}

static bool told(const struct replayed *r, const char *key)
{
	return !strcmp(replay_text(&r->replay, key, "0"), "1");
}

static bool took_stacks(const struct replayed *r, const struct command *c)
{
	const char *key = c->areas & AREA_FAULTS ? "user_stacks" : "stacks";

	return strcmp(replay_text(&r->replay, key, "none"), "none");
}

/* Call chains that were taken are shown if they would have been live, or are asked for. */
static bool shows_stacks(const struct replayed *r, const struct command *c)
{
	bool own = !strcmp(replay_text(&r->replay, "command", ""), c->name);
	bool wanted = own || !c->defaults || c->defaults->stacks != STACKS_NONE;

	if (option_given(r->options, OPTION_STACKS))
		wanted = r->options->stacks != STACKS_NONE;
	return wanted && took_stacks(r, c);
}

/* What options ask for that has to be traced to be known. */
static int check_told(const struct replayed *r, const struct options *o, struct failure *f)
{
	if (o->map && !told(r, "map"))
		return fail(f, FAILURE_USAGE, -ENODATA,
			    "--map: %.300s does not tell what moves between the free lists; record "
			    "with --map",
			    r->path);
	if (o->by == LEDGER_BY_CGROUP && !told(r, "cgroups"))
		return fail(f, FAILURE_USAGE, -ENODATA,
			    "--by cgroup: %.300s does not tell cgroups: use «kmscope record», "
			    "or record with --by cgroup",
			    r->path);
	if ((o->by == LEDGER_BY_COMM || o->objects) && !told(r, "tasks"))
		return fail(f, FAILURE_USAGE, -ENODATA,
			    "%.300s does not tell who ran: use «kmscope record», or record with "
			    "the same --by and --objects",
			    r->path);
	return 0;
}

/* What the report is about, as it was said when it was traced. */
static char *describe(const struct replayed *r, const struct command *c)
{
	_cleanup_free_ char *own = selection_describe(r->options, "");
	char *text;

	if (!own ||
	    asprintf(&text, "%s%s%s", c->traces, replay_text(&r->replay, "selected", ""), own) < 0)
		return NULL;
	return text;
}

int replayed_add(struct replayed *r, const struct command *c, struct failure *f)
{
	struct analysis *a = &r->items[r->n];
	_cleanup_free_ char *have = areas_words(r->areas);
	const char *why = replay_text(&r->replay, "names_why", NULL);
	int err;

	if (!have)
		return -ENOMEM;
	if (c->areas && !replayed_fits(r, c))
		return fail(f, FAILURE_USAGE, -ENODATA, "%.200s has no %s: it has %s", r->path,
			    c->traces, have);
	err = check_told(r, r->options, f);
	if (err)
		return err;
	*a = (struct analysis){
		.command = c,
		.options = r->options,
		.capset = &r->replay.capset,
		.kernel = replay_text(&r->replay, "kernel", NULL),
		.arch = replay_text(&r->replay, "arch", NULL),
		.subject = describe(r, c),
		.program = &r->replay.program,
		.stacks = shows_stacks(r, c),
		.symbolizer = r->replay.memo,
		.user_symbols = r->replay.user,
		.fixed = true,
		.names_why = why ? strdup(why) : NULL,
		.replay = &r->replay,
		.mixed = r->areas & ~c->areas,
	};
	r->n++;
	return a->subject ? analysis_open(a, f) : -ENOMEM;
}

int replayed_add_all(struct replayed *r, struct failure *f)
{
	const struct command *c;
	int err = 0;

	for (c = commands; c->name && !err; c++)
		if (replayed_fits(r, c) && c->run == cmd_analyze)
			err = replayed_add(r, c, f);
	if (!err && !r->n)
		err = fail(f, FAILURE_USAGE, -ENODATA,
			   "%.300s has nothing that there is a report of", r->path);
	return err;
}

/* --- replaying -------------------------------------------------------------------------------------- */

/* A range that begins behind the end is a mistake, one that only ends there is no range. */
static int settle_range(const struct replayed *r, struct filter_options *o, struct failure *f)
{
	uint64_t length = record_reader_end(r->replay.reader), window = 0;

	if (!length)
		return 0;
	record_reader_window(r->replay.reader, &window);
	length -= MIN(length, window);
	if (o->from_ns && o->from_ns >= length)
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--from: there is nothing so late; %.300s has %.3g s", r->path,
			    (double)length / (double)NSEC_PER_SEC);
	if (o->to_ns >= length)
		o->to_ns = 0;
	return 0;
}

/* Put the selection and the range between the source and the analyzers, if there are any. */
static int make_filter(struct replayed *r, struct failure *f)
{
	struct filter_options options = {
		.from_ns = r->options->from_ns,
		.to_ns = r->options->to_ns,
	};
	struct event_sink end = { replay_consume, &r->replay.end };
	uint64_t window;
	size_t i;
	bool needed = false;
	int err = selection_replay(r->options, &r->replay, &options, &needed, f);

	if (!err)
		err = settle_range(r, &options, f);
	if (err)
		return err;
	needed |= options.from_ns || options.to_ns;
	if (record_reader_window(r->replay.reader, &window)) {
		/* what was kept is all there is: times count from where it begins */
		options.from_ns += window;
		options.to_ns += options.to_ns ? window : 0;
		needed = true;
	}
	if (!needed)
		return 0;
	/* what others would analyse is not left out of anything */
	for (i = 0; i < r->n; i++)
		options.areas |= r->items[i].command->areas;
	err = filter_new(&options, &end, &r->filter);
	if (err == -EINVAL)
		return fail(f, FAILURE_USAGE, err, "--from has to be before --to");
	r->replay.stage = (struct event_sink){ filter_consume, r->filter };
	return err;
}

static int check_filter(const struct replayed *r, struct failure *f)
{
	static const char *const whats[] = {
		[FILTER_NO_TASKS] = "who ran",
		[FILTER_NO_CGROUPS] = "in which cgroup tasks were",
		[FILTER_NO_CACHES] = "from which cache objects are",
	};
	enum filter_missing missing = r->filter ? filter_missing(r->filter) : FILTER_COMPLETE;

	if (r->filter && filter_oom(r->filter))
		return fail(f, FAILURE_INTERNAL, -ENOMEM, "not enough memory for the selection");
	if (missing == FILTER_NO_SUCH_CACHE)
		return fail(f, FAILURE_USAGE, -ENOENT, "--cache: %.200s has no cache «%.60s»",
			    r->path, r->options->cache);
	if (missing != FILTER_COMPLETE)
		return fail(f, FAILURE_USAGE, -ENODATA,
			    "%.200s does not tell %s: that can't be selected", r->path,
			    whats[missing]);
	return 0;
}

/* An empty report may be what was asked for, or a number that nobody had: it does not tell which. */
static void warn_of_nobody(const struct replayed *r)
{
	const struct options *o = r->options;
	struct options who = { .set = o->set & 1ull << OPTION_PID,
			       .pid = o->pid,
			       .comm = o->comm,
			       .cgroup = o->cgroup };
	_cleanup_free_ char *what = NULL;

	if (!r->filter || !filter_nobody(r->filter))
		return;
	what = selection_describe(&who, r->n == 1 ? r->items[0].command->traces : "events");
	log_warn("no %s in %s%.300s", what ? what : "events",
		 o->from_ns || o->to_ns ? "that part of " : "", r->path);
}

/* Of --from and --to only: where what a ring kept begins, nobody chose. */
static uint64_t blurred(const struct replayed *r)
{
	bool range = r->options->from_ns || r->options->to_ns;

	return r->filter && range ? filter_blurred(r->filter) : 0;
}

static int replay_all(struct replayed *r, struct replay_run *run, struct failure *f)
{
	struct analyzer *parts[SEVERAL_MAX];
	size_t i;
	int err;

	for (i = 0; i < r->n; i++) {
		parts[i] = r->items[i].analyzer;
		r->items[i].borrowed = true;
	}
	r->several = several_new(parts, r->n);
	if (!r->several)
		return -ENOMEM;
	run->analyzer = r->several;
	err = make_filter(r, f);
	return err ? err : replay_run(&r->replay, run, f);
}

static int print_reports(void *arg, uint64_t number, bool final, struct failure *f)
{
	struct replayed *r = arg;
	size_t i;
	int err = final ? check_filter(r, f) : 0;

	if (final && !err)
		warn_of_nobody(r);
	for (i = 0; i < r->n && !err; i++) {
		if (i && !r->options->json)
			putchar('\n');
		r->items[i].blurred = blurred(r);
		err = analysis_report(&r->items[i], number, final, f);
		if (r->items[i].lost)
			r->exit_code = EXIT_LOST;
	}
	return err;
}

/* --to: what follows is not read. */
static bool over(void *arg)
{
	const struct replayed *r = arg;

	return r->filter && filter_ended(r->filter);
}

/* --trace, which only one analysis has. */
static int print_pieces(void *arg, struct failure *f)
{
	return analysis_flush(&((struct replayed *)arg)->items[0], f);
}

int replayed_print(struct replayed *r, struct failure *f)
{
	struct replay_run run = {
		.interval_ticks = r->options->interval_ns / NSEC_PER_SEC,
		.report = print_reports,
		.enough = over,
		.flush = r->options->trace ? print_pieces : NULL,
		.arg = r,
	};

	return replay_all(r, &run, f);
}

int replayed_make(struct replayed *r, struct report **ret, size_t *ret_n, struct failure *f)
{
	struct replay_run run = { .enough = over, .arg = r };
	size_t n;
	int err = replay_all(r, &run, f);

	if (!err)
		err = check_filter(r, f);
	if (!err)
		warn_of_nobody(r);
	for (n = 0; n < r->n; n++)
		ret[n] = NULL;
	for (n = 0; n < r->n && !err; n++) {
		r->items[n].blurred = blurred(r);
		err = analysis_make(&r->items[n], 1, true, &ret[n], f);
		if (r->items[n].lost)
			r->exit_code = EXIT_LOST;
		/* said once of a recording, not of each of its reports */
		if (n + 1 < r->n)
			r->items[n + 1].replay = NULL;
	}
	if (!err) {
		*ret_n = n;
		return 0;
	}
	while (n-- > 0)
		report_free(&ret[n]);
	return err;
}

int replayed_analyze(const struct command *c, const struct options *o, struct failure *f)
{
	struct replayed r;
	int err = replayed_open(o->input, o, &r, f);

	if (err)
		return err;
	if (option_given(o, OPTION_STACKS) && o->stacks != STACKS_NONE && !took_stacks(&r, c))
		err = fail(f, FAILURE_USAGE, -ENODATA,
			   "--stacks: %.300s has no call chains of these: record with --stacks",
			   o->input);
	if (!err)
		err = replayed_add(&r, c, f);
	if (!err)
		err = replayed_print(&r, f);
	replayed_free(&r);
	if (err)
		return err;
	return o->strict ? r.exit_code : EXIT_DONE;
}
