// SPDX-License-Identifier: GPL-2.0
/*
 * The report as text for people: what is traced, tables and trees, bars, maps, notes, and last how
 * far to trust it. It is UTF-8 whatever the locale: «…» and bars have no other form.
 */
#include "render/render.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "render/safe.h"
#include "render/text.h"
#include "render/units.h"

#define WIDTH_DEFAULT 80
#define WIDTH_LEAST   40

/* A text that is put together piece by piece. */
struct memory_text {
	char *s;
	size_t n;
	FILE *stream;
};

/* NULL when memory is short. */
static FILE *memory_open(struct memory_text *m)
{
	m->stream = open_memstream(&m->s, &m->n);
	return m->stream;
}

static void memory_close(struct memory_text *m)
{
	if (m->stream)
		fclose(m->stream);
	m->stream = NULL;
	free(m->s);
	m->s = NULL;
}

/* Print what was put together, unless memory ran short on the way. */
static void memory_paragraph(struct text *t, struct memory_text *m, enum text_style style,
			     const char *lead)
{
	if (fflush(m->stream) || ferror(m->stream))
		out_fail(&t->out, -ENOMEM);
	else
		text_paragraph(t, style, lead, strlen(lead), m->s);
}

static bool is_known(uint64_t v)
{
	return v != QUALITY_UNKNOWN;
}

/* Known and not 0. */
static bool is_some(uint64_t v)
{
	return v != 0 && is_known(v);
}

/* A count of the quality record. */
static struct units count(uint64_t v)
{
	return is_known(v) ? units_exact(v) : (struct units){ "unknown" };
}

static void put_subject(struct text *t)
{
	const struct report *r = t->report;
	_cleanup_(memory_close) struct memory_text m = { 0 };
	struct units elapsed = units_ns(r->end_ns > r->start_ns ? r->end_ns - r->start_ns : 0);
	FILE *f = memory_open(&m);

	if (!f) {
		out_fail(&t->out, -ENOMEM);
		return;
	}
	fprintf(f, "%s", r->subject ? r->subject : r->command);
	if (r->interval > 1 || !r->final)
		fprintf(f, ", interval %s%s, after %s", units_exact(r->interval).s,
			r->final ? " (last)" : "", elapsed.s);
	else if (r->end_ns > r->start_ns)
		fprintf(f, ", %s", elapsed.s);
	if (r->interval > 1)
		out_puts(&t->out, "\n"); /* between reports */
	memory_paragraph(t, &m, STYLE_BOLD, "");
}

static void put_program(struct text *t)
{
	const struct program_status *p = &t->report->program;

	if (!p->present)
		return;
	if (p->signal)
		out_printf(&t->out, "program: pid %d, killed by signal %d\n", p->pid, p->signal);
	else if (p->exit_code == -1)
		out_printf(&t->out, "program: pid %d, still running\n", p->pid);
	else
		out_printf(&t->out, "program: pid %d, exit code %d\n", p->pid, p->exit_code);
}

/* A command to copy: never broken. */
static void put_next(struct text *t)
{
	_cleanup_free_ char *hint = NULL;

	if (!t->report->next_hint)
		return;
	hint = safe_text(t->report->next_hint);
	if (hint)
		out_printf(&t->out, "next: %s\n", hint);
	else
		out_fail(&t->out, -ENOMEM);
}

/* Allocators have them, faults have not. */
static void print_frees(FILE *f, const struct quality *q)
{
	fprintf(f, "frees: %s matched, ", count(q->frees_matched).s);
	fprintf(f, "%s of unknown objects, ", count(q->frees_unknown).s);
	if (is_some(q->frees_null))
		fprintf(f, "%s of NULL, ", count(q->frees_null).s);
	fprintf(f, "%s implied by reuse", count(q->frees_implied_reuse).s);
	if (is_some(q->frees_implied_page))
		fprintf(f, ", %s by their page's free", count(q->frees_implied_page).s);
	if (is_some(q->frees_implied_rcu))
		fprintf(f, ", %s by RCU", count(q->frees_implied_rcu).s);
	fprintf(f, "; ");
}

static void print_quality(FILE *f, const struct quality *q)
{
	fprintf(f, "%s events, ", count(q->events).s);
	fprintf(f, "%s analysed, ", count(q->analysed).s);
	fprintf(f, "%s lost, ", count(q->lost).s);
	fprintf(f, "%s late, ", count(q->late).s);
	fprintf(f, "%s filtered; ", count(q->filtered).s);
	if (is_some(q->failed))
		fprintf(f, "%s failed allocations; ", count(q->failed).s);
	if (!is_known(q->maps_lost))
		print_frees(f, q);
	fprintf(f, "%s kmscope's own; ", count(q->own).s);
	if (is_known(q->recursion_misses))
		fprintf(f, "recursion misses %s", count(q->recursion_misses).s);
	else
		fprintf(f, "recursion misses unknown (kernel before 6.7, unreadable, or not "
			   "recorded)");
	if (is_known(q->gup))
		fprintf(f, "; %s by get_user_pages()", count(q->gup).s);
	if (is_known(q->faults_unexplained))
		fprintf(f, "; /proc/vmstat differs by %s", count(q->faults_unexplained).s);
	if (is_some(q->maps_lost))
		fprintf(f, "; %s mappings lost", count(q->maps_lost).s);
	if (is_known(q->pages_unexplained))
		fprintf(f, "; %s pages unexplained", count(q->pages_unexplained).s);
	if (is_some(q->model_off_pages))
		fprintf(f, "; inferred free blocks off by %s pages", count(q->model_off_pages).s);
	if (is_some(q->sample) && q->sample != 1)
		fprintf(f, "; 1 in %s %s sampled", count(q->sample).s,
			is_known(q->maps_lost) ? "faults" : "allocations");
}

static bool any_cpu_lost(const struct quality *q)
{
	for (size_t cpu = 0; q->lost_by_cpu && cpu < q->n_cpus; cpu++)
		if (q->lost_by_cpu[cpu])
			return true;
	return false;
}

static void put_lost(struct text *t, const struct quality *q)
{
	_cleanup_(memory_close) struct memory_text m = { 0 };
	FILE *f = memory_open(&m);

	if (!f) {
		out_fail(&t->out, -ENOMEM);
		return;
	}
	fprintf(f, "%s of %s events", count(q->lost).s, count(q->events).s);
	if (is_some(q->events))
		fprintf(f, " (%s)", units_percent(100.0 * (double)q->lost / (double)q->events).s);
	if (any_cpu_lost(q)) {
		fprintf(f, "; lost by CPU:");
		for (size_t cpu = 0; cpu < q->n_cpus; cpu++)
			if (q->lost_by_cpu[cpu])
				fprintf(f, " %zu:%" PRIu64, cpu, q->lost_by_cpu[cpu]);
		fprintf(f, "; try a larger --buffer");
	}
	memory_paragraph(t, &m, STYLE_ALARM, "LOST: ");
}

/* A line for each way in which the report is not complete. */
static void put_alarms(struct text *t, const struct quality *q)
{
	const struct {
		uint64_t n;
		const char *lead, *noun, *rest;
	} others[] = {
		{ q->recursion_misses, "MISSED: ", "event",
		  "in what interrupted or preempted the probe (recursion misses)" },
		{ q->late, "LATE: ", "event", "arrived after younger ones had been analysed" },
		{ q->map_full, "LOST: ", "time", "a kernel map of kmscope had no room (map_full)" },
		{ q->stacks_lost, "LOST: ", "call chain", "that could not be taken" },
	};

	if (is_some(q->lost))
		put_lost(t, q);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		char line[160];

		if (!is_some(others[i].n))
			continue;
		snprintf(line, sizeof(line), "%s %s%s %s", units_exact(others[i].n).s,
			 others[i].noun, others[i].n == 1 ? "" : "s", others[i].rest);
		text_paragraph(t, STYLE_ALARM, others[i].lead, strlen(others[i].lead), line);
	}
}

static void put_quality(struct text *t)
{
	_cleanup_(memory_close) struct memory_text m = { 0 };
	const struct quality *q = &t->report->quality;
	FILE *f = memory_open(&m);

	if (!f) {
		out_fail(&t->out, -ENOMEM);
		return;
	}
	print_quality(f, q);
	memory_paragraph(t, &m, STYLE_PLAIN, "quality: ");
	put_alarms(t, q);
}

/* All that the report is about, an empty line before each. */
static void put_shapes(struct text *t)
{
	const struct report *r = t->report;

	for (size_t i = 0; i < r->n_tables; i++) {
		out_puts(&t->out, "\n");
		text_table(t, &r->tables[i]);
	}
	for (size_t i = 0; i < r->n_histograms; i++) {
		out_puts(&t->out, "\n");
		text_histogram(t, &r->histograms[i]);
	}
	if (r->n_series) {
		out_puts(&t->out, "\n");
		text_series(t);
	}
	for (size_t i = 0; i < r->n_grids; i++) {
		out_puts(&t->out, "\n");
		text_grid(t, &r->grids[i]);
	}
}

int render_text(const struct report *r, const struct render_options *options, FILE *file)
{
	int width = options->width > 0 ? options->width : WIDTH_DEFAULT;
	struct text t = {
		.out.file = file,
		.width = (size_t)MAX(width, WIDTH_LEAST),
		.colour = options->colour,
		.report = r,
	};

	if (r->oom)
		return -ENOMEM;
	for (size_t i = 0; r->piece && i < r->n_tables; i++)
		text_table(&t, &r->tables[i]);
	if (r->piece)
		return out_finish(&t.out);
	put_subject(&t);
	put_shapes(&t);
	if (r->n_notes || r->program.present || r->next_hint || r->has_quality)
		out_puts(&t.out, "\n");
	for (size_t i = 0; i < r->n_notes; i++)
		text_paragraph(&t, STYLE_PLAIN, "note: ", strlen("note: "), r->notes[i]);
	put_program(&t);
	put_next(&t);
	if (r->has_quality)
		put_quality(&t);
	return out_finish(&t.out);
}
