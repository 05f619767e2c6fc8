// SPDX-License-Identifier: GPL-2.0
/*
 * Folded call chains, «outer;inner 12» a line, as flame graph tools read them. Frames are functions
 * without offsets, as those tools have them; there is no suffix such as «_[k]», which perf's scripts
 * write only when asked to: but for faults, all frames are the kernel's.
 */
#include "render/export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "render/out.h"
#include "render/samples.h"

/* What --value can name. The first one that there is a report for is the default. */
static const struct folded_value {
	const char *name, *command, *table;
	const char *columns[2]; /* added up; the second one may be NULL */
} folded_values[] = {
	{ "leaks.bytes", "leaks", "candidates", { "bytes" } },
	{ "leaks.objects", "leaks", "candidates", { "objects" } },
	{ "slab.bytes_alloc", "slab", "sites", { "bytes_alloc" } },
	{ "slab.bytes_req", "slab", "sites", { "bytes_req" } },
	{ "slab.waste", "slab", "sites", { "waste" } },
	{ "slab.allocs", "slab", "sites", { "allocs" } },
	{ "buddy.live_pages", "buddy", "users", { "live_pages" } },
	{ "buddy.pages", "buddy", "users", { "pages" } },
	{ "buddy.allocs", "buddy", "users", { "allocs" } },
	{ "buddy.failed", "buddy", "users", { "failed" } },
	{ "buddy.fallbacks", "buddy", "fallbacks", { "count" } },
	{ "vmalloc.live_bytes", "vmalloc", "sites", { "live_bytes" } },
	{ "vmalloc.bytes", "vmalloc", "sites", { "bytes" } },
	{ "vmalloc.allocs", "vmalloc", "sites", { "allocs" } },
	{ "faults", "faults", "sites", { "minor", "major" } },
	{ "faults.minor", "faults", "sites", { "minor" } },
	{ "faults.major", "faults", "sites", { "major" } },
	{ "mmio.maps", "mmio", "mappings", { "maps" } },
	{ NULL, NULL, NULL, { NULL } },
};

/* A call chain, as text, and its value. */
struct line {
	char *chain;
	uint64_t value;
};

struct lines {
	struct line *items;
	size_t n, capacity;
};

static void lines_free(struct lines *l)
{
	struct line *line;

	vec_for_each(l, line)
		free(line->chain);
	free(l->items);
}

/*
 * A frame's text: «;» would end it, and readers take a number after a space, at the end of the innermost,
 * for a second value.
 */
static void put_frame(struct out *o, char *name)
{
	char *space;

	if (!name) {
		out_fail(o, -ENOMEM);
		return;
	}
	for (char *c = name; *c; c++)
		if (*c == ';')
			*c = ':';
	space = strrchr(name, ' ');
	if (space && space[1 + strspn(space + 1, "0123456789.")] == '\0')
		*space = '_';
	out_puts(o, *name ? name : "[unknown]");
}

/* What stands before a call chain, or in the place of one: whose the row is, or the file of its code. */
static bool put_root(struct out *o, const struct sample *s)
{
	_cleanup_free_ char *name = NULL;
	struct code root = { 0 };

	if (s->kind->comm) {
		root.symbol = sample_text(s, s->kind->comm);
		root.n_symbol = root.symbol ? strlen(root.symbol) : 0;
	} else if (s->kind->user && !s->stack && sample_frames(s)) {
		root = sample_frame(s, 0);
		root.symbol = root.module ? report_base_name(root.module, &root.n_symbol) : NULL;
	} else {
		return false;
	}
	if (!root.symbol)
		root.symbol = "";
	name = code_name(&root);
	put_frame(o, name);
	return true;
}

static int add_line(void *ctx, const struct sample *s)
{
	struct lines *lines = ctx;
	struct line *line = vec_add(lines);
	size_t n = sample_frames(s), length, i;
	struct out o = { 0 };
	bool rooted;

	if (!line)
		return -ENOMEM;
	for (i = 0; i < s->n_values; i++)
		line->value += s->values[i];
	o.file = open_memstream(&line->chain, &length);
	if (!o.file)
		return -ENOMEM;
	rooted = put_root(&o, s);
	for (i = n; i-- > 0;) {
		struct code c = sample_frame(s, i);
		_cleanup_free_ char *name = code_name(&c);

		if (rooted || i + 1 < n)
			out_puts(&o, ";");
		put_frame(&o, name);
	}
	if (!n)
		out_puts(&o, rooted ? ";[no call chain]" : "[no call chain]");
	out_finish(&o);
	if (fclose(o.file))
		out_fail(&o, -ENOMEM);
	return o.err;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->chain, ((const struct line *)b)->chain);
}

/* Lines of one text are one. */
static void put_lines(struct out *o, struct lines *lines)
{
	size_t i, next;

	if (lines->n)
		qsort(lines->items, lines->n, sizeof(*lines->items), compare_lines);
	for (i = 0; i < lines->n && !o->err; i = next) {
		uint64_t value = 0;

		for (next = i;
		     next < lines->n && !compare_lines(&lines->items[i], &lines->items[next]);
		     next++)
			value += lines->items[next].value;
		out_printf(o, "%s %" PRIu64 "\n", lines->items[i].chain, value);
	}
}

/* The values that there are reports for, each after a space. */
static void list_values(const struct report *const *reports, size_t n, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (const struct folded_value *v = folded_values; v->name && used < size; v++)
		if (export_report(reports, n, v->command))
			used += (size_t)snprintf(buf + used, size - used, " %s", v->name);
}

/* NULL, with @f filled: there is none, or not in these reports. */
static const struct folded_value *find_value(const struct report *const *reports, size_t n,
					     const char *name, struct failure *f)
{
	const struct folded_value *v;
	char list[400];

	for (v = folded_values; v->name; v++)
		if (name ? strcmp(v->name, name) == 0
			 : export_report(reports, n, v->command) != NULL)
			break;
	if (v->name && export_report(reports, n, v->command))
		return v;
	list_values(reports, n, list, sizeof(list));
	if (!list[0])
		fail(f, FAILURE_USAGE, -EINVAL, "nothing here has call chains");
	else if (v->name)
		fail(f, FAILURE_USAGE, -EINVAL, "no %s here; there are:%s", v->command, list);
	else
		fail(f, FAILURE_USAGE, -EINVAL, "no value «%.40s»; there are:%s", name, list);
	return NULL;
}

int export_folded(const struct report *const *reports, size_t n, const struct export_options *o,
		  FILE *file, struct failure *f)
{
	_cleanup_(lines_free) struct lines lines = { 0 };
	const struct folded_value *v;
	struct out out = { .file = file };
	int err = export_check(reports, n, f);

	if (err)
		return err;
	v = find_value(reports, n, o->value, f);
	if (!v)
		return -EINVAL;
	err = samples_each(export_report(reports, n, v->command),
			   sample_table_find(v->command, v->table), v->columns,
			   v->columns[1] ? 2 : 1, add_line, &lines);
	if (err)
		return export_result(err, f);
	put_lines(&out, &lines);
	return export_result(out_finish(&out), f);
}
