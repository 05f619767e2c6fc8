// SPDX-License-Identifier: GPL-2.0
#include "cli/analysis.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/register_names.h"
#include "base/digits.h"
#include "cli/output.h"

void analysis_free(struct analysis *a)
{
	free(a->subject);
	free(a->registers);
	free(a->names_why);
	if (!a->borrowed)
		analyzer_free(&a->analyzer);
	if (a->fixed)
		return;
	symbolizer_free(&a->symbolizer);
	user_symbols_free(&a->user_symbols);
}

/* --- the analyzer ----------------------------------------------------------------------------------- */

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

/* A report of several analyses has options of none of them. */
static enum ledger_by group_by(const struct analysis *a)
{
	bool own = option_given(a->options, OPTION_BY) || !a->command->defaults;

	return (enum ledger_by)(own ? a->options->by : a->command->defaults->by);
}

int analysis_open(struct analysis *a, struct failure *f)
{
	const struct options *o = a->options;
	struct analyzer_options options = {
		.by = group_by(a),
		.top = option_given(o, OPTION_TOP) ? o->top
		       : o->json		   ? 0
						   : 10,
		.min_age_ns = o->min_age_ns,
		.objects = o->objects,
		.stacks = a->stacks,
		.map = o->map,
		.all = o->json,
		.trace = o->trace,
		.timeline = o->timeline,
	};
	int err = read_registers(a, f);

	if (err)
		return err;
	options.registers = a->registers;
	a->analyzer = analyzer_find(a->command->name)->create(&options);
	return a->analyzer ? 0 : -ENOMEM;
}

/* --- reports ---------------------------------------------------------------------------------------- */

/* What is found stays found, also when the process and its file are gone. */
static int need_user_symbols(struct analysis *a)
{
	int err = a->user_symbols ? 0 : user_symbols_new(&a->user_symbols);

	if (!err && !a->fixed)
		user_symbols_remember(a->user_symbols, true);
	return err;
}

/* Names for addresses; without them the report shows addresses and says why. */
static int resolve(struct analysis *a, struct report *r, bool final)
{
	struct failure why = { 0 };

	if (!a->fixed) {
		/* modules may have come and gone: the last word is a fresh look */
		if (final)
			symbolizer_free(&a->symbolizer);
		if (!a->symbolizer && kallsyms_open("/proc/kallsyms", &a->symbolizer, &why)) {
			free(a->names_why);
			a->names_why = strdup(why.text);
		}
		if (r->n_objects && need_user_symbols(a))
			return -ENOMEM;
	}
	if (a->names_why && (a->fixed || !a->symbolizer))
		report_add_note(r, "addresses have no names: %s", a->names_why);
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
		snprintf(r->kernel, sizeof(r->kernel), "%s",
			 a->kernel ? a->kernel : a->capset->kernel);
		snprintf(r->arch, sizeof(r->arch), "%s", a->arch ? a->arch : a->capset->arch);
	}
	return r;
}

static bool cant_wait(void *arg _unused_, const struct report_object *o)
{
	return !user_symbols_can_wait(o);
}

int analysis_names(void *arg, struct failure *f)
{
	struct analysis *a = arg;
	_cleanup_(report_free) struct report *r = report_begin(a);
	int err = r ? a->analyzer->ops->code(a->analyzer, cant_wait, NULL, r) : -ENOMEM;

	if (!err && r->n_objects)
		err = need_user_symbols(a);
	if (!err)
		err = symbolize_report(NULL, a->user_symbols, r);
	return err ? fail(f, FAILURE_INTERNAL, err, "not enough memory for names") : 0;
}

int analysis_flush(void *arg, struct failure *f)
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

/* Rings and counters are those of all areas. */
static void note_mixed(const struct analysis *a, struct report *r)
{
	const struct quality *q = &r->quality;
	bool missed = q->recursion_misses && q->recursion_misses != QUALITY_UNKNOWN;

	if (a->mixed && (q->lost || q->filtered || missed))
		report_add_note(r,
				"events that were lost, missed or left out are those of all areas "
				"that were recorded, not only of this report's");
}

/* What is lost is counted once a second, not where a range ends. */
static void note_blurred(const struct analysis *a, struct report *r)
{
	if (a->blurred)
		report_add_note(
			r,
			"of the events that were lost or missed, up to %s may have been before "
			"--from or after --to: they are counted once a second",
			digits_grouped(a->blurred).s);
}

static int fill(struct analysis *a, uint64_t number, bool final, struct report *r)
{
	int err;

	r->subject = strdup(a->subject);
	r->interval = number;
	if (a->program)
		r->program = *a->program;
	err = a->analyzer->ops->report(a->analyzer, r);
	if (err)
		return err;
	r->final = final;
	a->lost = data_lost(&r->quality);
	if (a->stacks && !a->capset->stack_traces && !(a->command->areas & AREA_FAULTS))
		report_add_note(r, "no call chains: " JUNK_STACKS,
				a->arch ? a->arch : a->capset->arch);
	note_mixed(a, r);
	note_blurred(a, r);
	err = resolve(a, r, final);
	if (!err && a->replay)
		a->lost |= replay_note_damage(a->replay, r);
	return err;
}

int analysis_make(struct analysis *a, uint64_t number, bool final, struct report **ret,
		  struct failure *f)
{
	_cleanup_(report_free) struct report *r = report_begin(a);
	int err = r ? fill(a, number, final, r) : -ENOMEM;

	if (err || r->oom)
		return fail(f, FAILURE_INTERNAL, err ? err : -ENOMEM,
			    "not enough memory for the report: try --top or a selection");
	*ret = TAKE_PTR(r);
	return 0;
}

int analysis_report(void *arg, uint64_t number, bool final, struct failure *f)
{
	struct analysis *a = arg;
	_cleanup_(report_free) struct report *r = NULL;
	int err = analysis_make(a, number, final, &r, f);

	if (err)
		return err;
	if (a->pieces && !a->options->json)
		putchar('\n');
	return output_report(r, a->options->json, f);
}
