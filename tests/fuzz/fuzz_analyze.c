// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a recording, with the seeds of fuzz_record.c, through every analyzer: whatever is said in it, there is
 * a report in the end, and it can be printed. Byte 40 of the file's header, which means nothing, says
 * with which options, and whether with one analyzer only.
 */
#include <sys/mman.h>
#include <stdio.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "render/render.h"
#include "source/file.h"
#include "sym/symbolizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHOICE 40

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct analyzer *a = arg;

	a->ops->consume(a, records, n);
}

static void visit(void *ctx, uint64_t address)
{
	*(uint64_t *)ctx ^= address;
}

static void print(struct report *r, bool text)
{
	const struct render_options options = { .width = 80 };
	_cleanup_free_ char *printed = NULL;
	size_t n;
	FILE *out = open_memstream(&printed, &n);

	if (!out || symbolize_report(NULL, NULL, r) ||
	    renderer_find(text ? "text" : "json")->render(r, &options, out))
		abort();
	fclose(out);
}

static void report(struct analyzer *a, const struct analyzer_options *o)
{
	_cleanup_(report_free) struct report *r = report_new(a->ops->name);
	uint64_t all = 0;

	if (!r || a->ops->report(a, r))
		abort();
	r->interval = 1;
	print(r, !o->all);
	if (a->ops->each_live)
		a->ops->each_live(a, visit, &all);
}

static void trace(struct analyzer *a, const struct analyzer_options *o)
{
	_cleanup_(report_free) struct report *r = report_new(a->ops->name);

	if (!r || a->ops->trace(a, r))
		abort();
	r->piece = true;
	if (r->n_tables)
		print(r, !o->all);
}

static void analyze(const struct analyzer_ops *ops, const struct analyzer_options *o,
		    const char *path)
{
	_cleanup_(source_free) struct source *s = NULL;
	_cleanup_(analyzer_free) struct analyzer *a = NULL;
	struct event_sink sink = { .consume = consume };
	struct failure f;
	int err;

	if (file_open(path, &s, &f))
		return;
	a = ops->create(o);
	if (!a || s->ops->start(s, &f))
		abort();
	sink.arg = a;
	while ((err = s->ops->read(s, &sink)) > 0)
		if (ops->wonder)
			ops->wonder(a);
	if (err)
		abort();
	if (o->trace && ops->trace)
		trace(a, o);
	report(a, o);
}

static void choose(uint8_t choice, struct analyzer_options *o)
{
	o->by = choice % (LEDGER_BY_CGROUP + 1);
	o->objects = o->stacks = choice & 8;
	o->map = o->trace = o->timeline = choice & 16;
	o->all = choice & 32;
	o->top = choice & 64 ? 3 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("recording", MFD_CLOEXEC);
	uint8_t choice = size > CHOICE ? data[CHOICE] : 0;
	struct analyzer_options o = { .stacks = true };
	char path[32];
	size_t i, n = 0;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	choose(choice, &o);
	while (analyzers[n])
		n++;
	for (i = 0; i < n; i++)
		if (!(choice & 128) || i == choice % n)
			analyze(analyzers[i], &o, path);
	return 0;
}
