// SPDX-License-Identifier: GPL-2.0
/*
 * A profile as pprof and continuous profilers read it: profile.proto, compressed with gzip. Of its
 * messages, what is filled in is in the tables and functions below; field numbers are those of
 * https://github.com/google/pprof/blob/main/proto/profile.proto.
 *
 * All texts are made safe for terminals: pprof prints them as they are.
 */
#include "render/export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/vec.h"
#include "render/intern.h"
#include "render/out.h"
#include "render/proto.h"
#include "render/safe.h"
#include "render/samples.h"

#define LABELS_MAX     4
#define GZIP_WINDOW    (15 + 16) /* the largest; 16: with gzip's header, which has no time then */
#define GZIP_LEVEL     6
#define PAGE	       4096ull
#define KERNEL_MAPPING "[kernel.kallsyms]"

enum profile_field {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME_NS = 9,
	PROFILE_DURATION_NS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_TYPE = 14,
};

/*
 * What samples count, in the order of the profile; the first one that is filled is the default. The first
 * four are named as in profiles of Go's heap.
 */
static const struct sample_type {
	const char *name, *unit, *command, *table, *column;
} sample_types[] = {
	{ "inuse_space", "bytes", "leaks", "candidates", "bytes" },
	{ "inuse_objects", "count", "leaks", "candidates", "objects" },
	{ "alloc_space", "bytes", "slab", "sites", "bytes_alloc" },
	{ "alloc_objects", "count", "slab", "sites", "allocs" },
	{ "waste_space", "bytes", "slab", "sites", "waste" },
	{ "inuse_pages", "count", "buddy", "users", "live_pages" },
	{ "alloc_pages", "count", "buddy", "users", "pages" },
	{ "vmalloc_inuse_space", "bytes", "vmalloc", "sites", "live_bytes" },
	{ "vmalloc_alloc_space", "bytes", "vmalloc", "sites", "bytes" },
	{ "minor_faults", "count", "faults", "sites", "minor" },
	{ "major_faults", "count", "faults", "sites", "major" },
};

#define TYPES_MAX ARRAY_SIZE(sample_types)

/* The tables that those are in, and what of their rows, beside the code, becomes a label of a sample. */
static const struct sample_labels {
	const char *command, *table;
	const char *columns[LABELS_MAX]; /* of texts, numbers or addresses; up to a NULL */
} sample_labels[] = {
	{ "leaks", "candidates", { "cache" } },
	{ "slab", "sites", { NULL } },
	{ "buddy", "users", { "comm", "order", "migratetype", "gfp" } },
	{ "vmalloc", "sites", { "kind" } },
	{ "faults", "sites", { NULL } },
};

/* Where code of a mapping was seen. */
struct range {
	uint64_t first, last;
};

/* A profile that is being made. Numbers in it begin with 1, but those of strings. */
struct profile {
	struct intern strings, mappings, functions, locations;
	struct {
		struct range *items; /* by mapping */
		size_t n, capacity;
	} ranges;
	struct proto head, samples, functions_out, locations_out;
	size_t types[TYPES_MAX]; /* which of sample_types are in it */
	size_t n_types;
	int err;
};

/* What samples of one table are added to, and where their values go. */
struct filling {
	struct profile *profile;
	const struct sample_labels *labels;
	size_t at[TYPES_MAX]; /* by value of a sample */
};

static void profile_free(struct profile *p)
{
	intern_free(&p->strings);
	intern_free(&p->mappings);
	intern_free(&p->functions);
	intern_free(&p->locations);
	free(p->ranges.items);
	proto_free(&p->head);
	proto_free(&p->samples);
	proto_free(&p->functions_out);
	proto_free(&p->locations_out);
}

static uint64_t add_bytes(struct profile *p, struct intern *in, const void *bytes, size_t n)
{
	uint32_t number = intern_add(in, bytes, n);

	if (number == INTERN_NONE)
		p->err = -ENOMEM;
	return number == INTERN_NONE ? 0 : number;
}

/* A text that is safe already. */
static uint64_t add_string(struct profile *p, const char *s)
{
	return add_bytes(p, &p->strings, s, strlen(s));
}

static uint64_t add_text(struct profile *p, const char *s)
{
	_cleanup_free_ char *safe = safe_text(s);

	if (!safe)
		p->err = -ENOMEM;
	return safe ? add_string(p, safe) : 0;
}

static void put_type(struct profile *p, struct proto *to, uint32_t field, const char *name,
		     const char *unit)
{
	struct proto type = { 0 };

	proto_uint(&type, 1, add_string(p, name));
	proto_uint(&type, 2, add_string(p, unit));
	proto_message(to, field, &type);
	proto_free(&type);
}

/* --- code --------------------------------------------------------------------------------------------- */

/* The number of the mapping that @c is in, named as perf names it; 0: none that is known. */
static uint64_t add_mapping(struct profile *p, const struct code *c)
{
	_cleanup_free_ char *name = NULL;
	uint64_t address = report_code_offset(c->address), number;
	struct range *range;

	if (!c->module)
		return 0;
	if (strcmp(c->module, "vmlinux") == 0)
		name = strdup(KERNEL_MAPPING);
	else if (report_code_object(c->address))
		name = strdup(c->module);
	else if (asprintf(&name, "[%s]", c->module) < 0)
		name = NULL;
	if (!name) {
		p->err = -ENOMEM;
		return 0;
	}
	number = add_text(p, name);
	number = add_bytes(p, &p->mappings, &number, sizeof(number));
	if (p->err)
		return 0;
	if (number == p->ranges.n) {
		range = vec_add(&p->ranges);
		if (!range) {
			p->err = -ENOMEM;
			return 0;
		}
		*range = (struct range){ address, address };
	}
	range = &p->ranges.items[number];
	range->first = MIN(range->first, address);
	range->last = MAX(range->last, address);
	return number + 1;
}

static uint64_t add_function(struct profile *p, const struct code *c, uint64_t mapping)
{
	_cleanup_free_ char *name = code_name(c);
	size_t before = p->functions.all.n;
	uint64_t key[2] = { name ? add_string(p, *name ? name : "[unknown]") : 0, mapping }, number;
	struct proto function = { 0 };

	if (!name)
		p->err = -ENOMEM;
	number = add_bytes(p, &p->functions, key, sizeof(key)) + 1;
	if (p->functions.all.n == before)
		return number;
	proto_uint(&function, 1, number);
	proto_uint(&function, 2, key[0]);
	proto_uint(&function, 3, key[0]);
	proto_message(&p->functions_out, PROFILE_FUNCTION, &function);
	proto_free(&function);
	return number;
}

static uint64_t add_location(struct profile *p, const struct code *c)
{
	uint64_t mapping = add_mapping(p, c), function = add_function(p, c, mapping);
	uint64_t key[3] = { report_code_offset(c->address), mapping, function }, number;
	struct proto location = { 0 }, line = { 0 };
	size_t before = p->locations.all.n;

	number = add_bytes(p, &p->locations, key, sizeof(key)) + 1;
	if (p->locations.all.n == before)
		return number;
	proto_uint(&location, 1, number);
	proto_uint(&location, 2, mapping);
	proto_uint(&location, 3, key[0]);
	proto_uint(&line, 1, function);
	proto_message(&location, 4, &line);
	proto_message(&p->locations_out, PROFILE_LOCATION, &location);
	proto_free(&location);
	proto_free(&line);
	return number;
}

/* --- samples -------------------------------------------------------------------------------------------- */

/* The text of a cell that can be a label, or NULL; the caller frees it. */
static char *label_text(const struct cell *c)
{
	char *text = NULL;

	if (c->type == CELL_TEXT && c->text)
		return strdup(c->text);
	if (c->type == CELL_ID && asprintf(&text, "%" PRIu64, c->u64) >= 0)
		return text;
	return NULL;
}

/* Labels are texts: what is a number here is a name, not an amount. */
static void put_labels(struct profile *p, const struct sample_labels *l, const struct sample *s,
		       struct proto *out)
{
	struct proto label = { 0 };
	size_t i, j;

	for (i = 0; i < LABELS_MAX && l->columns[i]; i++) {
		for (j = 0; j < s->table->n_columns; j++) {
			_cleanup_free_ char *text = NULL;

			if (strcmp(s->table->columns[j].name, l->columns[i]))
				continue;
			text = label_text(&s->table->cells[s->row * s->table->n_columns + j]);
			if (!text)
				continue;
			proto_uint(&label, 1, add_string(p, l->columns[i]));
			proto_uint(&label, 2, add_text(p, text));
			proto_message(out, 3, &label);
		}
	}
	proto_free(&label);
}

static int add_sample(void *ctx, const struct sample *s)
{
	static const char none[] = "[no call chain]";
	const struct filling *f = ctx;
	struct profile *p = f->profile;
	size_t n = sample_frames(s), i;
	_cleanup_free_ uint64_t *locations = calloc(n + 1, sizeof(*locations));
	uint64_t values[TYPES_MAX] = { 0 };
	struct proto sample = { 0 };

	if (!locations)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		struct code c = sample_frame(s, i);

		locations[i] = add_location(p, &c);
	}
	if (!n) {
		struct code c = { .symbol = none, .n_symbol = sizeof(none) - 1 };

		locations[n++] = add_location(p, &c);
	}
	for (i = 0; i < s->n_values; i++) /* the reader's are signed */
		values[f->at[i]] = MIN(s->values[i], (uint64_t)INT64_MAX);
	proto_packed(&sample, 1, locations, n);
	proto_packed(&sample, 2, values, p->n_types);
	put_labels(p, f->labels, s, &sample);
	proto_message(&p->samples, PROFILE_SAMPLE, &sample);
	proto_free(&sample);
	return p->err;
}

/* All samples of one table, with all its values at once. */
static int fill(struct profile *p, const struct report *r, const struct sample_labels *labels)
{
	struct filling f = { .profile = p, .labels = labels };
	const char *columns[TYPES_MAX];
	size_t n = 0, i;

	for (i = 0; i < p->n_types; i++) {
		const struct sample_type *t = &sample_types[p->types[i]];

		if (strcmp(t->command, labels->command) || strcmp(t->table, labels->table))
			continue;
		columns[n] = t->column;
		f.at[n++] = i;
	}
	return samples_each(r, sample_table_find(labels->command, labels->table), columns, n,
			    add_sample, &f);
}

/* --- the profile ---------------------------------------------------------------------------------------- */

static void put_comment(struct profile *p, const char *fmt, ...) _printf_(2, 3);

static void put_comment(struct profile *p, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		proto_uint(&p->head, PROFILE_COMMENT, add_text(p, text));
	else
		p->err = -ENOMEM;
}

static bool is_used(const struct report *r)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sample_labels); i++)
		if (strcmp(sample_labels[i].command, r->command) == 0)
			return r->has_quality;
	return false;
}

/* All areas share buffers and counters: each report has what all of them lost. */
static uint64_t count_lost(const struct report *const *reports, size_t n)
{
	uint64_t most = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct quality *q = &reports[i]->quality;
		uint64_t lost = q->lost;

		if (q->recursion_misses != QUALITY_UNKNOWN)
			lost += q->recursion_misses;
		if (is_used(reports[i]))
			most = MAX(most, lost);
	}
	return most;
}

/* pprof prints them above every table: no more than who made it, and what is missing. */
static void put_comments(struct profile *p, const struct report *const *reports, size_t n)
{
	uint64_t lost = count_lost(reports, n);
	size_t i;

	put_comment(p, "kmscope " KMSCOPE_VERSION ", Linux %s %s", reports[0]->kernel,
		    reports[0]->arch);
	if (lost)
		put_comment(p,
			    "%" PRIu64 " event%s lost or missed, of all areas that were recorded",
			    lost, lost == 1 ? "" : "s");
	else
		put_comment(p, "no events lost");
	for (i = 0; i < n; i++) {
		const struct quality *q = &reports[i]->quality;

		if (is_used(reports[i]) && (lost || q->sample > 1))
			put_comment(p, "%s: %" PRIu64 " events analysed, sample 1 in %" PRIu64,
				    reports[i]->command, q->analysed, MAX(q->sample, (uint64_t)1));
	}
}

/* Which types of samples there are, when, and what a reader should know. */
static void put_head(struct profile *p, const struct report *const *reports, size_t n)
{
	size_t i;

	add_string(p, ""); /* number 0 */
	for (i = 0; i < TYPES_MAX; i++) {
		if (!export_report(reports, n, sample_types[i].command))
			continue;
		p->types[p->n_types++] = i;
		put_type(p, &p->head, PROFILE_SAMPLE_TYPE, sample_types[i].name,
			 sample_types[i].unit);
	}
	if (!p->n_types)
		return;
	proto_uint(&p->head, PROFILE_TIME_NS, reports[0]->start_wall_ns);
	proto_uint(&p->head, PROFILE_DURATION_NS,
		   reports[0]->end_ns > reports[0]->start_ns
			   ? reports[0]->end_ns - reports[0]->start_ns
			   : 0);
	put_type(p, &p->head, PROFILE_PERIOD_TYPE, "events", "count");
	proto_uint(&p->head, PROFILE_PERIOD, MAX(reports[0]->quality.sample, (uint64_t)1));
	proto_uint(&p->head, PROFILE_DEFAULT_TYPE, add_string(p, sample_types[p->types[0]].name));
	put_comments(p, reports, n);
}

/* As far as code of it was seen, in whole pages: nothing tells more. */
static void put_mapping(const struct profile *p, size_t i, uint64_t name, struct proto *out)
{
	const struct range *r = &p->ranges.items[i];
	struct proto mapping = { 0 };

	proto_uint(&mapping, 1, i + 1);
	proto_uint(&mapping, 2, r->first & ~(PAGE - 1));
	proto_uint(&mapping, 3, MAX((r->last | (PAGE - 1)) + 1, r->last));
	proto_uint(&mapping, 5, name);
	proto_uint(&mapping, 7, 1); /* functions are known: pprof need not look for them */
	proto_message(out, PROFILE_MAPPING, &mapping);
	proto_free(&mapping);
}

/* The first one is what a reader calls the profile's program: the kernel, if it is there. */
static void put_mappings(const struct profile *p, struct proto *out)
{
	size_t i, n;

	for (int kernel = 1; kernel >= 0; kernel--) {
		for (i = 0; i < p->ranges.n; i++) {
			const uint64_t *name = intern_get(&p->mappings, i, &n);
			const char *text = intern_get(&p->strings, *name, &n);
			bool is_kernel =
				n == strlen(KERNEL_MAPPING) && memcmp(text, KERNEL_MAPPING, n) == 0;

			if (is_kernel == kernel)
				put_mapping(p, i, *name, out);
		}
	}
}

/* The whole message into @out, in the order of its fields. */
static void put_profile(const struct profile *p, struct proto *out)
{
	size_t i, n;

	proto_append(out, &p->head);
	proto_append(out, &p->samples);
	put_mappings(p, out);
	proto_append(out, &p->locations_out);
	proto_append(out, &p->functions_out);
	for (i = 0; i < p->strings.all.n; i++) {
		const void *s = intern_get(&p->strings, i, &n);

		proto_bytes(out, PROFILE_STRING, s, n);
	}
}

static int write_gzip(const struct proto *p, FILE *file)
{
	struct out out = { .file = file };
	z_stream z = { .next_in = p->items };
	uint8_t buf[16384];
	size_t left = p->n;
	int end;

	if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	do {
		if (!z.avail_in) { /* its count has fewer bits than ours */
			z.avail_in = (uInt)MIN(left, (size_t)1 << 30);
			left -= z.avail_in;
		}
		z.next_out = buf;
		z.avail_out = sizeof(buf);
		end = deflate(&z, left ? Z_NO_FLUSH : Z_FINISH);
		out_write(&out, (const char *)buf, sizeof(buf) - z.avail_out);
	} while (end != Z_STREAM_END && !out.err);
	deflateEnd(&z);
	return out_finish(&out);
}

int export_pprof(const struct report *const *reports, size_t n,
		 const struct export_options *o _unused_, FILE *file, struct failure *f)
{
	_cleanup_(profile_free) struct profile p = { 0 };
	_cleanup_(proto_free) struct proto whole = { 0 };
	int err = export_check(reports, n, f);
	size_t i;

	if (err)
		return err;
	put_head(&p, reports, n);
	if (!p.n_types && !p.err)
		return fail(f, FAILURE_USAGE, -EINVAL, "nothing here has call chains");
	for (i = 0; i < ARRAY_SIZE(sample_labels) && !p.err; i++) {
		const struct report *r = export_report(reports, n, sample_labels[i].command);

		if (r)
			p.err = fill(&p, r, &sample_labels[i]);
	}
	if (!p.err) {
		put_profile(&p, &whole);
		p.err = whole.oom ? -ENOMEM : write_gzip(&whole, file);
	}
	return export_result(p.err, f);
}
