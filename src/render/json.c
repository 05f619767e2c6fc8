// SPDX-License-Identifier: GPL-2.0
/*
 * One JSON object on one line (docs/json.md). Members are written as they come, so that memory does
 * not grow with the report; jansson encodes the strings. Output is ASCII: harmless on a terminal.
 *
 * Integers are written exactly, also above INT64_MAX; a reader with 64-bit signed integers or
 * doubles may not take those, which no real count reaches. A list is an array, empty if unset.
 */
#include "render/render.h"

#include <errno.h>
#include <math.h>
#include <inttypes.h>

#include "render/json_string.h"
#include "render/out.h"
#include "render/units.h"

#define JSON_SCHEMA 1

static void put_u64(struct out *o, uint64_t v)
{
	out_printf(o, "%" PRIu64, v);
}

static void put_address(struct out *o, uint64_t v)
{
	out_printf(o, "\"0x%" PRIx64 "\"", v);
}

static void put_real(struct out *o, double v)
{
	struct units u = units_real(v);

	out_puts(o, u.s[0] ? u.s : "null");
}

/* A separator before every item but the first. */
static void put_comma(struct out *o, size_t i)
{
	if (i > 0)
		out_puts(o, ",");
}

/* A member of an object that is already open and not empty. */
static void member_string(struct out *o, const char *name, const char *s)
{
	out_printf(o, ",\"%s\":", name);
	json_put_string(o, s && *s ? s : NULL);
}

static void member_u64(struct out *o, const char *name, uint64_t v)
{
	out_printf(o, ",\"%s\":%" PRIu64, name, v);
}

static void member_quality(struct out *o, const char *name, uint64_t v)
{
	if (v == QUALITY_UNKNOWN)
		out_printf(o, ",\"%s\":null", name);
	else
		member_u64(o, name, v);
}

static void put_texts(struct out *o, const struct cell *c)
{
	out_puts(o, "[");
	for (size_t i = 0; c->type == CELL_TEXTS && i < c->list.n; i++) {
		put_comma(o, i);
		json_put_string(o, c->list.items[i]);
	}
	out_puts(o, "]");
}

static void put_shares(struct out *o, const struct report *r, const struct cell *c)
{
	out_puts(o, "[");
	for (size_t i = 0; c->type == CELL_STACKS && i < c->stacks.n; i++) {
		const struct stack_share *s = &c->stacks.items[i];

		put_comma(o, i);
		if (s->stack < r->n_stacks)
			out_printf(o, "{\"stack\":%" PRIu32, s->stack);
		else
			out_puts(o, "{\"stack\":null"); /* its call chain was lost */
		member_u64(o, "objects", s->objects);
		member_u64(o, "bytes", s->bytes);
		out_printf(o, ",\"estimated\":%s}", s->estimated ? "true" : "false");
	}
	out_puts(o, "]");
}

static void put_cell(struct out *o, const struct report *r, const struct column *column,
		     const struct cell *c)
{
	if (column->type == CELL_TEXTS) {
		put_texts(o, c);
		return;
	}
	if (column->type == CELL_STACKS) {
		put_shares(o, r, c);
		return;
	}
	switch (c->type) {
	case CELL_COUNT:
	case CELL_ID:
	case CELL_BYTES:
	case CELL_NS:
		put_u64(o, c->u64);
		break;
	case CELL_DELTA:
	case CELL_CHANGE:
		out_printf(o, "%" PRId64, c->i64);
		break;
	case CELL_RATE:
	case CELL_PERCENT:
	case CELL_FREQUENCY:
		put_real(o, c->real);
		break;
	case CELL_FRACTION:
		out_puts(o, isfinite(c->real) ? units_fraction(c->real).s : "null");
		break;
	case CELL_BOOL:
		out_puts(o, c->u64 ? "true" : "false");
		break;
	case CELL_ADDRESS:
		put_address(o, c->u64);
		break;
	case CELL_TEXT:
	case CELL_SITE:
	case CELL_MODULE:
		json_put_string(o, c->text);
		break;
	case CELL_NULL:
	case CELL_TEXTS:
	case CELL_STACKS:
		out_puts(o, "null");
		break;
	}
}

/* The members of a row, without its braces. */
static void put_row(struct out *o, const struct report *r, const struct table *t, size_t row)
{
	for (size_t i = 0, n = 0; i < t->n_columns; i++) {
		if (t->columns[i].flags & COLUMN_TEXT_ONLY)
			continue;
		put_comma(o, n++);
		out_printf(o, "\"%s\":", t->columns[i].name);
		put_cell(o, r, &t->columns[i], &t->cells[row * t->n_columns + i]);
	}
}

static void put_table(struct out *o, const struct report *r, const struct table *t)
{
	out_printf(o, "\"%s\":[", t->name);
	for (size_t row = 0; row < t->n_rows && !o->err; row++) {
		put_comma(o, row);
		out_puts(o, "{");
		put_row(o, r, t, row);
		out_puts(o, "}");
	}
	out_puts(o, "]");
}

/* A row stays open until the next one that is not below it: no recursion, however deep. */
static void put_tree(struct out *o, const struct report *r, const struct table *t)
{
	unsigned int open = 0; /* rows */

	out_printf(o, "\"%s\":[", t->name);
	for (size_t row = 0; row < t->n_rows && !o->err; row++) {
		bool sibling = open > t->depths[row];

		for (; open > t->depths[row]; open--)
			out_puts(o, "]}");
		out_puts(o, sibling ? ",{" : "{");
		put_row(o, r, t, row);
		out_puts(o, ",\"children\":[");
		open++;
	}
	for (; open; open--)
		out_puts(o, "]}");
	out_puts(o, "]");
}

/* What has a name: «tables» if they are no trees, or «trees». */
static void put_tables(struct out *o, const struct report *r, bool trees)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_tables; i++) {
		if (r->tables[i].is_tree != trees)
			continue;
		put_comma(o, n++);
		if (trees)
			put_tree(o, r, &r->tables[i]);
		else
			put_table(o, r, &r->tables[i]);
	}
}

/* The words for what bounds and values are counted in. */
static const char *unit_name(enum cell_type type)
{
	return type == CELL_NS ? "ns" : type == CELL_BYTES ? "bytes" : "count";
}

static void put_bucket(struct out *o, const struct histogram_bucket *b)
{
	out_printf(o, "{\"from\":%" PRIu64, b->from);
	if (b->to == UINT64_MAX)
		out_puts(o, ",\"to\":null");
	else
		member_u64(o, "to", b->to);
	member_u64(o, "count", b->count);
	out_puts(o, "}");
}

static void put_histogram(struct out *o, const struct histogram *h)
{
	out_printf(o, "\"%s\":{\"unit\":\"%s\",\"rows\":[", h->name, unit_name(h->unit));
	for (size_t i = 0; i < h->n_rows && !o->err; i++) {
		const struct histogram_row *row = &h->rows[i];

		put_comma(o, i);
		out_puts(o, "{");
		if (h->key)
			out_printf(o, "\"%s\":%" PRIu64 ",", h->key, row->key);
		out_puts(o, "\"label\":");
		json_put_string(o, row->label);
		out_puts(o, ",\"buckets\":[");
		for (size_t j = 0; j < row->n; j++) {
			put_comma(o, j);
			put_bucket(o, &row->buckets[j]);
		}
		out_puts(o, "]}");
	}
	out_puts(o, "]}");
}

static void put_series(struct out *o, const struct series *s)
{
	out_printf(o, "\"%s\":{\"unit\":\"%s\"", s->name, unit_name(s->unit));
	member_u64(o, "start_ns", s->start_ns);
	member_u64(o, "step_ns", s->step_ns);
	out_puts(o, ",\"values\":[");
	for (size_t i = 0; i < s->n && !o->err; i++) {
		put_comma(o, i);
		put_u64(o, s->values[i]);
	}
	out_puts(o, "]}");
}

static void put_grid_row(struct out *o, const struct grid *g, const struct grid_row *row)
{
	out_puts(o, "{\"address\":");
	put_address(o, row->address);
	out_puts(o, ",\"label\":");
	json_put_string(o, row->label);
	out_puts(o, ",\"cells\":\"");
	for (size_t i = 0; i < row->n && !o->err; i++)
		out_write(o, &g->classes[row->cells[i]].letter, 1);
	out_puts(o, "\"}");
}

static void put_grid(struct out *o, const struct grid *g)
{
	out_printf(o, "\"%s\":{\"cell_bytes\":%" PRIu64 ",\"classes\":{", g->name, g->cell_bytes);
	for (size_t i = 0; i < g->n_classes; i++) {
		put_comma(o, i);
		out_printf(o, "\"%c\":", g->classes[i].letter);
		json_put_string(o, g->classes[i].name);
	}
	out_puts(o, "},\"rows\":[");
	for (size_t i = 0; i < g->n_rows && !o->err; i++) {
		put_comma(o, i);
		put_grid_row(o, g, &g->rows[i]);
	}
	out_puts(o, "]}");
}

/* Everything that has a name, in objects by kind. */
static void put_named(struct out *o, const struct report *r)
{
	out_puts(o, ",\"tables\":{");
	put_tables(o, r, false);
	out_puts(o, "},\"histograms\":{");
	for (size_t i = 0; i < r->n_histograms; i++) {
		put_comma(o, i);
		put_histogram(o, &r->histograms[i]);
	}
	out_puts(o, "},\"series\":{");
	for (size_t i = 0; i < r->n_series; i++) {
		put_comma(o, i);
		put_series(o, &r->series[i]);
	}
	out_puts(o, "},\"grids\":{");
	for (size_t i = 0; i < r->n_grids; i++) {
		put_comma(o, i);
		put_grid(o, &r->grids[i]);
	}
	out_puts(o, "},\"trees\":{");
	put_tables(o, r, true);
	out_puts(o, "}");
}

static void put_frame(struct out *o, const struct frame *f)
{
	out_puts(o, "{\"address\":");
	put_address(o, report_code_offset(f->address));
	member_string(o, "symbol", f->symbol);
	member_string(o, "module", f->module);
	if (f->symbol)
		member_u64(o, "offset", f->offset);
	else
		out_puts(o, ",\"offset\":null");
	out_puts(o, ",\"file\":null,\"line\":null}");
}

static void put_stacks(struct out *o, const struct report *r)
{
	out_puts(o, ",\"stacks\":[");
	for (size_t id = 0; id < r->n_stacks && !o->err; id++) {
		const struct report_stack *s = &r->stacks[id];

		put_comma(o, id);
		out_printf(o, "{\"id\":%zu,\"frames\":[", id);
		for (size_t i = 0; i < s->n_frames; i++) {
			put_comma(o, i);
			put_frame(o, &s->frames[i]);
		}
		out_puts(o, "]}");
	}
	out_puts(o, "]");
}

static void put_program(struct out *o, const struct program_status *p)
{
	if (!p->present) {
		out_puts(o, ",\"program\":null");
		return;
	}
	out_printf(o, ",\"program\":{\"pid\":%d", p->pid);
	if (p->exit_code == -1)
		out_puts(o, ",\"exit_code\":null");
	else
		out_printf(o, ",\"exit_code\":%d", p->exit_code);
	if (p->signal == 0)
		out_puts(o, ",\"signal\":null}");
	else
		out_printf(o, ",\"signal\":%d}", p->signal);
}

static void put_quality(struct out *o, const struct report *r)
{
	const struct quality *q = &r->quality;

	if (!r->has_quality) {
		out_puts(o, ",\"quality\":null");
		return;
	}
	if (q->events == QUALITY_UNKNOWN)
		out_puts(o, ",\"quality\":{\"events\":null");
	else
		out_printf(o, ",\"quality\":{\"events\":%" PRIu64, q->events);
	member_quality(o, "analysed", q->analysed);
	member_quality(o, "lost", q->lost);
	out_puts(o, ",\"lost_by_cpu\":[");
	for (size_t i = 0; q->lost_by_cpu && i < q->n_cpus; i++) {
		put_comma(o, i);
		put_u64(o, q->lost_by_cpu[i]);
	}
	out_puts(o, "]");
	member_quality(o, "late", q->late);
	member_quality(o, "filtered", q->filtered);
	member_quality(o, "own", q->own);
	member_quality(o, "allocs", q->allocs);
	member_quality(o, "failed", q->failed);
	member_quality(o, "frees_matched", q->frees_matched);
	member_quality(o, "frees_unknown", q->frees_unknown);
	member_quality(o, "frees_null", q->frees_null);
	out_puts(o, ",\"frees_implied\":{\"reuse\":");
	if (q->frees_implied_reuse == QUALITY_UNKNOWN)
		out_puts(o, "null");
	else
		put_u64(o, q->frees_implied_reuse);
	member_quality(o, "page", q->frees_implied_page);
	member_quality(o, "rcu", q->frees_implied_rcu);
	out_puts(o, "}");
	member_quality(o, "map_full", q->map_full);
	member_quality(o, "stacks_lost", q->stacks_lost);
	member_quality(o, "recursion_misses", q->recursion_misses);
	member_quality(o, "after_end", q->after_end);
	member_quality(o, "sample", q->sample);
	member_quality(o, "gup", q->gup);
	member_quality(o, "faults_unexplained", q->faults_unexplained);
	member_quality(o, "maps_lost", q->maps_lost);
	member_quality(o, "pages_unexplained", q->pages_unexplained);
	member_quality(o, "bulk_pages", q->bulk_pages);
	member_quality(o, "model_off_pages", q->model_off_pages);
	out_puts(o, "}");
}

int render_json(const struct report *r, const struct render_options *options _unused_, FILE *file)
{
	struct out o = { .file = file };

	if (r->oom)
		return -ENOMEM;
	out_printf(&o, "{\"schema\":%d", JSON_SCHEMA);
	member_string(&o, "command", r->command);
	member_string(&o, "kernel", r->kernel);
	member_string(&o, "arch", r->arch);
	member_u64(&o, "start_ns", r->start_ns);
	member_u64(&o, "end_ns", r->end_ns);
	member_u64(&o, "start_wall_ns", r->start_wall_ns);
	member_u64(&o, "interval", r->interval);
	out_printf(&o, ",\"final\":%s", r->final ? "true" : "false");
	put_program(&o, &r->program);
	put_quality(&o, r);
	put_named(&o, r);
	put_stacks(&o, r);
	out_puts(&o, ",\"notes\":[");
	for (size_t i = 0; i < r->n_notes; i++) {
		put_comma(&o, i);
		json_put_string(&o, r->notes[i]);
	}
	out_puts(&o, "]}\n");
	return out_finish(&o);
}
