/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_UNIT_DIFFS_H
#define KMSCOPE_TESTS_UNIT_DIFFS_H
/*
 * Runs for the tests of diff, played from scripts through the real analyzers, and what is in a diff of
 * them. Include after cmocka.h.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/diff.h"
#include "analyze/diff_metrics.h"
#include "render/render.h"
#include "sym/symbolizer.h"

#define START "0 cpu0 start n_cpus=2 gfp_dma=1 gfp_reclaimable=0x10 gfp_account=0x400000\n"
#define END   "10s cpu0 end\n"

/* --- names ------------------------------------------------------------------------------------------ */

/* A kernel of some functions of 4 KiB each. */
struct kernel {
	struct symbolizer symbolizer;
	uint64_t first;
	const char *const *names; /* ends with NULL; «name module» for one of a module */
	char name[64], module[64]; /* of the last answer */
};

static inline int kernel_lookup(struct symbolizer *s, uint64_t address, struct symbol *ret)
{
	struct kernel *k = (struct kernel *)s;
	uint64_t i, n = 0;
	int fields;

	while (k->names[n])
		n++;
	i = (address - k->first) >> 12;
	if (address < k->first || i >= n)
		return -ENOENT;
	fields = sscanf(k->names[i], "%63s %63s", k->name, k->module);
	if (fields < 2)
		strcpy(k->module, "vmlinux");
	*ret = (struct symbol){ k->name, k->module, k->first + (i << 12), 1 << 12 };
	return 0;
}

static const struct symbolizer_ops kernel_ops = { .lookup = kernel_lookup };

static const char *const names[] = { "foo", "bar", "baz mod", "qux", NULL };

/* The same kernel, loaded at two places: addresses of the second are 0x100000 larger. */
static struct kernel here = { { &kernel_ops }, 0x1000, names, "", "" };
static struct kernel there = { { &kernel_ops }, 0x101000, names, "", "" };

/* --- runs ------------------------------------------------------------------------------------------- */

struct run {
	struct diff_side side;
	struct report *reports[8];
};

static inline void consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct analyzer *a = arg;

	a->ops->consume(a, records, n);
}

/* Adds to @r what analyzer @name makes of @script. */
static inline void add(struct run *r, const char *name, const char *script, struct kernel *kernel)
{
	const struct analyzer_ops *ops = analyzer_find(name);
	struct analyzer_options o = { .all = true };
	struct report *report = report_new(name);
	struct analyzer *a;

	assert_true(r->side.n < ARRAY_SIZE(r->reports));
	o.by = ops == &faults_analyzer ? LEDGER_BY_PID : LEDGER_BY_SITE;
	a = ops->create(&o);
	assert_non_null(a);
	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = a });
	strcpy(report->kernel, "6.12");
	strcpy(report->arch, "x86_64");
	assert_int_equal(ops->report(a, report), 0);
	assert_int_equal(symbolize_report(kernel ? &kernel->symbolizer : NULL, NULL, report), 0);
	analyzer_free(&a);
	r->reports[r->side.n++] = report;
	r->side.reports = (const struct report *const *)r->reports;
}

static inline void run_free(struct run *r)
{
	while (r->side.n)
		report_free(&r->reports[--r->side.n]);
}

static inline struct run run_of(const char *name, const char *script, struct kernel *kernel)
{
	struct run r = { 0 };

	add(&r, name, script, kernel);
	/* the array has been copied with the rest: diff() sets where it is now */
	return r;
}

static inline struct report *diff(struct run *before, struct run *after, struct diff_options o)
{
	struct report *d = report_new("diff");

	before->side.reports = (const struct report *const *)before->reports;
	after->side.reports = (const struct report *const *)after->reports;
	assert_int_equal(diff_reports(&before->side, &after->side, &o, d), 0);
	assert_false(d->oom);
	return d;
}

/* What became of one analyzer's report; frees nothing of the caller's. */
static inline struct report *diff_scripts(const char *name, const char *before, struct kernel *old,
					  const char *after, struct kernel *new)
{
	_cleanup_(run_free) struct run a = run_of(name, before, old);
	_cleanup_(run_free) struct run b = run_of(name, after, new);

	return diff(&a, &b, (struct diff_options){ .all = true });
}

/* --- what is in a diff ------------------------------------------------------------------------------- */

static inline const struct table *find(const struct report *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n_tables; i++)
		if (!strcmp(r->tables[i].name, name))
			return &r->tables[i];
	return NULL;
}

static inline const char *cell(const struct table *t, size_t row, const char *column)
{
	static char texts[8][64];
	static unsigned int next;
	const struct cell *c = table_cell(t, row, column);
	char *buf = texts[next++ % 8];

	switch (c->type) {
	case CELL_NULL:
		return "-";
	case CELL_TEXT:
		return c->text;
	case CELL_CHANGE:
	case CELL_DELTA:
		snprintf(buf, 64, "%+lld", (long long)c->i64);
		return buf;
	case CELL_PERCENT:
	case CELL_FREQUENCY:
		snprintf(buf, 64, "%.2f", c->real);
		return buf;
	default:
		snprintf(buf, 64, "%llu", (unsigned long long)c->u64);
		return buf;
	}
}

/* «KEY BEFORE AFTER CHANGE STATUS», row by row. */
static inline const char *rows(const struct report *r, const char *name)
{
	const struct table *t = find(r, name);
	static char text[4096];
	size_t n = 0, i;

	if (!t)
		return "no table";
	text[0] = '\0';
	for (i = 0; i < t->n_rows; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s %s %s %s", i ? ", " : "",
				      cell(t, i, t->columns[0].name), cell(t, i, "before"),
				      cell(t, i, "after"), cell(t, i, "change"),
				      cell(t, i, "status"));
		assert_true(n < sizeof(text));
	}
	return text;
}

static inline double value(const struct report *r, const char *name)
{
	double v = NAN;

	if (!diff_value(r, name, &v))
		fail_msg("%s is not known", name);
	return v;
}

static inline bool is_known(const struct report *r, const char *name)
{
	double v = 5;
	bool known = diff_value(r, name, &v);

	assert_true(known || v == 5);
	return known;
}

static inline size_t count_notes(const struct report *r, const char *part)
{
	size_t i, n = 0;

	for (i = 0; i < r->n_notes; i++)
		n += strstr(r->notes[i], part) != NULL;
	return n;
}

static inline char *render(const struct report *r, bool json)
{
	struct render_options options = { .width = 80 };
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	assert_int_equal((json ? render_json : render_text)(r, &options, f), 0);
	fclose(f);
	return text;
}

/* A report of rows that a test makes up. */
static inline struct run made_up(const char *const *sites, size_t n)
{
	static const struct column columns[] = {
		{ "site", "", CELL_SITE, 0, 0 },   { "module", "", CELL_MODULE, 0, 0 },
		{ "bytes", "", CELL_BYTES, 0, 0 }, { "objects", "", CELL_COUNT, 0, 0 },
		{ "waste", "", CELL_BYTES, 0, 0 },
	};
	struct report *r = report_new("leaks");
	struct table *t = report_add_table(r, "candidates", "Rows", columns, ARRAY_SIZE(columns));
	struct run run = { .reports = { r }, .side.n = 1 };
	size_t i;

	r->end_ns = 10 * NSEC_PER_SEC;
	r->has_quality = true;
	for (i = 0; i < n; i++) {
		size_t at = report_add_row(r, t);

		report_set_text(r, t, at, "site", sites[i]);
		report_set_u64(r, t, at, "bytes", 1ull << i);
		report_set_u64(r, t, at, "objects", 1);
	}
	return run;
}

/* foo grows, bar stays, baz goes, qux comes; the second kernel is loaded elsewhere. */
#define FOUR_BEFORE                                                                            \
	START "repeat 10 step_ptr=64 1 cpu0 kmalloc ptr=0x10000 site=0x1010 req=60 alloc=64\n" \
	      "repeat 5 step_ptr=64 2 cpu0 kmalloc ptr=0x20000 site=0x2010 req=50 alloc=64\n"  \
	      "repeat 3 step_ptr=64 3 cpu0 kmalloc ptr=0x30000 site=0x3010 req=40 alloc=64\n" END
#define FOUR_AFTER                                                                               \
	START "repeat 30 step_ptr=64 1 cpu0 kmalloc ptr=0x10000 site=0x101010 req=60 alloc=64\n" \
	      "repeat 5 step_ptr=64 2 cpu0 kmalloc ptr=0x20000 site=0x102010 req=50 alloc=64\n"  \
	      "repeat 2 step_ptr=64 3 cpu0 kmalloc ptr=0x30000 site=0x104010 req=40 "            \
	      "alloc=64\n" END

#endif
