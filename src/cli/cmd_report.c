// SPDX-License-Identifier: GPL-2.0
/* kmscope report, diff and export: what recordings say. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/diff.h"
#include "base/log.h"
#include "base/newfile.h"
#include "cli/command.h"
#include "cli/info.h"
#include "cli/output.h"
#include "cli/replayed.h"
#include "cli/schema.h"
#include "render/export.h"

static const struct command *find_command(const char *name)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

/* The command's own report, or those of all areas that were recorded. */
static int add_analyses(struct replayed *r, struct failure *f)
{
	const struct command *c = find_command(replay_text(&r->replay, "command", ""));

	return c && replayed_fits(r, c) ? replayed_add(r, c, f) : replayed_add_all(r, f);
}

int cmd_report(const struct command *c _unused_, const struct options *o, struct failure *f)
{
	struct replayed r;
	int err;

	if (o->schema && !o->n_files)
		return schema_print(f);
	if (o->schema)
		return fail(f, FAILURE_USAGE, -EINVAL, "--schema is about no FILE: leave it out");
	if (!o->n_files)
		return fail(f, FAILURE_USAGE, -EINVAL, "of which recording? add FILE");
	err = replayed_open(o->files[0], o, &r, f);
	if (err)
		return err;
	err = o->info ? info_print(&r, f) : add_analyses(&r, f);
	if (!err && !o->info)
		err = replayed_print(&r, f);
	replayed_free(&r);
	if (err)
		return err;
	return o->strict ? r.exit_code : EXIT_DONE;
}

/* --- all reports of a recording --------------------------------------------------------------------- */

struct reports {
	struct report *items[SEVERAL_MAX];
	size_t n;
	uint64_t page_size;
	char *selection; /* in words; NULL: everything */
	bool damaged; /* not all of the recording could be read */
	bool lost; /* … or its events are not all there are */
};

static void reports_free(struct reports *r)
{
	while (r->n > 0)
		report_free(&r->items[--r->n]);
	free(r->selection);
}

/* @tracks: of the analyzer for time lines only. */
static int read_reports(const char *path, const struct options *o, bool tracks, struct reports *ret,
			struct failure *f)
{
	static const struct command tracks_command = { .name = "tracks", .traces = "events" };
	struct options all = *o;
	struct replayed r;
	int err;

	/* all rows, with their call chains, and tables that are empty */
	all.top = 0;
	all.set |= 1ull << OPTION_TOP | 1ull << OPTION_STACKS;
	all.stacks = STACKS_AUTO;
	all.json = true;
	all.by = LEDGER_BY_SITE;
	err = replayed_open(path, &all, &r, f);
	if (err)
		return err;
	err = tracks ? replayed_add(&r, &tracks_command, f) : replayed_add_all(&r, f);
	if (!err)
		err = replayed_make(&r, ret->items, &ret->n, f);
	if (!err) {
		const char *selected = replay_text(&r.replay, "selected", NULL);

		ret->page_size = record_reader_header(r.replay.reader)->page_size;
		selected += selected ? strspn(selected, " ,") : 0;
		ret->selection = selected ? strdup(selected) : NULL;
		ret->damaged = replay_damaged(&r.replay);
		ret->lost = r.exit_code == EXIT_LOST;
	}
	replayed_free(&r);
	return err;
}

/* --- diff --------------------------------------------------------------------------------------------- */

static bool get_difference(void *arg, const char *name, double *ret)
{
	return diff_value(arg, name, ret);
}

/* --fail-if: say why, on standard error; 1, 0, or negative errno. */
static int judge(const struct condition *c, const struct report *diff,
		 const struct reports sides[2])
{
	char why[400];

	/* what is missing would make every number a guess */
	if (sides[0].damaged || sides[1].damaged) {
		log_error("--fail-if can't be decided: not all of the recordings can be read");
		return EXIT_FAILED;
	}
	switch (condition_explain(c, get_difference, (void *)diff, why, sizeof(why))) {
	case CONDITION_TRUE:
		log_error("--fail-if holds: %s", why);
		return EXIT_FAILED;
	case CONDITION_UNKNOWN:
		log_error("--fail-if can't be decided: %s", why);
		return EXIT_FAILED;
	default:
		return EXIT_DONE;
	}
}

static struct diff_side side_of(const char *path, const struct reports *r)
{
	return (struct diff_side){
		.name = path,
		.reports = (const struct report *const *)r->items,
		.n = r->n,
		.page_size = r->page_size,
		.selection = r->selection,
	};
}

static int compare(const struct options *o, struct reports sides[2], bool all, struct report **ret)
{
	struct diff_options options = {
		.top = option_given(o, OPTION_TOP) ? o->top
		       : o->json		   ? 0
						   : 10,
		.all = all,
		.as_measured = o->as_measured,
	};
	_cleanup_(report_free) struct report *r = report_new("diff");
	struct diff_side before = side_of(o->files[0], &sides[0]);
	struct diff_side after = side_of(o->files[1], &sides[1]);
	int err = r ? diff_reports(&before, &after, &options, r) : -ENOMEM;

	if (err)
		return err;
	*ret = TAKE_PTR(r);
	return 0;
}

static int print_difference(const struct options *o, const struct condition *c,
			    struct reports sides[2], struct failure *f)
{
	_cleanup_(report_free) struct report *shown = NULL, *all = NULL;
	int err = compare(o, sides, o->json, &shown);

	if (!err)
		err = output_report(shown, o->json, f);
	if (err || !c)
		return err;
	/* what people are not shown can be asked for all the same */
	err = compare(o, sides, true, &all);
	return err ? err : judge(c, all, sides);
}

int cmd_diff(const struct command *cmd _unused_, const struct options *o, struct failure *f)
{
	struct reports sides[2] = { 0 };
	struct condition *c = NULL;
	struct failure why;
	int err = 0;

	if (o->n_files < 2)
		return fail(f, FAILURE_USAGE, -EINVAL, "diff compares two recordings: add %s",
			    o->n_files ? "the other one" : "BEFORE AFTER");
	if (o->fail_if && condition_parse(o->fail_if, diff_names, &c, &why))
		return fail(f, FAILURE_USAGE, -EINVAL, "--fail-if: %s", why.text);
	err = read_reports(o->files[0], o, false, &sides[0], f);
	if (!err)
		err = read_reports(o->files[1], o, false, &sides[1], f);
	if (!err)
		err = print_difference(o, c, sides, f);
	if (!err && o->strict && (sides[0].lost || sides[1].lost))
		err = EXIT_LOST;
	reports_free(&sides[0]);
	reports_free(&sides[1]);
	condition_free(&c);
	return err;
}

/* --- export ------------------------------------------------------------------------------------------- */

/* Where to: --output, whose contents stay until the export is made, or standard output. */
static int open_output(const struct options *o, struct newfile *ret_file, FILE **ret,
		       struct failure *f)
{
	struct stat in, out;
	int err;

	*ret = stdout;
	if (!o->output)
		return 0;
	err = newfile_open(o->output, o->force, ret_file, f);
	if (err)
		return err;
	if (!stat(o->files[0], &in) && !fstat(ret_file->fd, &out) && in.st_dev == out.st_dev &&
	    in.st_ino == out.st_ino)
		return fail(f, FAILURE_USAGE, -EINVAL, "%.300s is the recording: use another name",
			    o->output);
	*ret = fdopen(ret_file->fd, "we");
	return *ret ? 0 : -ENOMEM;
}

/* Cut off what was there before and is longer. Of what failed, nothing new is left. */
static int end_output(const struct options *o, const struct newfile *file, FILE *out, int err,
		      struct failure *f)
{
	int failed = fflush(out) || ftruncate(file->fd, ftello(out)) ? -errno : 0;

	if (!err && failed)
		err = fail(f, FAILURE_INTERNAL, failed, "%.300s can't be written: %s", o->output,
			   strerror(-failed));
	if (err && file->created)
		unlink(o->output);
	return err;
}

static int export_reports(const struct options *o, const struct reports *r, struct failure *f)
{
	struct export_options options = { .table = o->table, .value = o->value };
	const struct exporter *e = exporter_find(option_choice(OPTION_FORMAT, o->format));
	struct newfile file = { .fd = -1 };
	FILE *out;
	int err = open_output(o, &file, &out, f);

	if (err) {
		closep(&file.fd);
		return err;
	}
	err = e->write((const struct report *const *)r->items, r->n, &options, out, f);
	if (out == stdout)
		return err;
	/* what was there stays until there is something else */
	if (!err || file.created || ftello(out) > 0)
		err = end_output(o, &file, out, err, f);
	fclose(out);
	return err;
}

static int check_export(const struct options *o, struct failure *f)
{
	const char *format;

	if (!o->n_files)
		return fail(f, FAILURE_USAGE, -EINVAL, "which recording? add FILE");
	if (!option_given(o, OPTION_FORMAT))
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "into what? add --to folded, pprof, perfetto or csv");
	format = option_choice(OPTION_FORMAT, o->format);
	if (o->table && strcmp(format, "csv"))
		return fail(f, FAILURE_USAGE, -EINVAL, "--table is for --to csv, not for %s",
			    format);
	if (o->value && strcmp(format, "folded"))
		return fail(f, FAILURE_USAGE, -EINVAL, "--value is for --to folded, not for %s",
			    format);
	if (!o->output && isatty(STDOUT_FILENO) && !strcmp(format, "pprof"))
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "a pprof profile is nothing for a terminal: add --output FILE");
	return 0;
}

int cmd_export(const struct command *c _unused_, const struct options *o, struct failure *f)
{
	struct reports r = { 0 };
	int err = check_export(o, f);
	bool tracks;

	if (err)
		return err;
	tracks = !strcmp(option_choice(OPTION_FORMAT, o->format), "perfetto");
	err = read_reports(o->files[0], o, tracks, &r, f);
	if (!err)
		err = export_reports(o, &r, f);
	if (!err && o->strict && r.lost)
		err = EXIT_LOST;
	reports_free(&r);
	return err;
}
