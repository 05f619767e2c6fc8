// SPDX-License-Identifier: GPL-2.0
#include "cli/info.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/digits.h"
#include "cli/areas.h"
#include "cli/output.h"

static const struct column columns[] = {
	{ "name", "WHAT", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "value", "VALUE", CELL_TEXT, COLUMN_LEFT, 0 },
};

/* Texts of the recording that are shown as they are, and what they are. */
static const struct {
	const char *key, *name;
} texts[] = {
	{ "kmscope", "made by kmscope" }, { "command_line", "command line" },
	{ "kernel", "kernel" },		  { "arch", "architecture" },
	{ "selected", "selected" },	  { "stacks", "call chains" },
	{ "user_stacks", "… of faults" }, { "names_why", "no names because" },
	{ "anonymized", "anonymized" },	  { "damage", "its original lacks" },
};

static void add(struct report *r, struct table *t, const char *name, const char *value)
{
	size_t at = report_add_row(r, t);

	report_set_text(r, t, at, "name", name);
	report_set_text(r, t, at, "value", value);
	if (t)
		t->rows_total = t->n_rows;
}

static void add_number(struct report *r, struct table *t, const char *name, uint64_t value)
{
	add(r, t, name, digits_grouped(value).s);
}

static void add_seconds(struct report *r, struct table *t, const char *name, uint64_t ns)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f", (double)ns / (double)NSEC_PER_SEC);
	add(r, t, name, text);
}

static void add_times(const struct replayed *file, struct report *r, struct table *t)
{
	struct record_reader *reader = file->replay.reader;
	const struct record_header *h = record_reader_header(reader);
	time_t seconds = (time_t)(h->wall_ns / NSEC_PER_SEC);
	uint64_t length = record_reader_end(reader), window;
	char text[64] = "";
	struct tm tm;

	if (h->wall_ns && gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		add(r, t, "begun", text);
	if (length)
		add_seconds(r, t, "seconds", length);
	if (record_reader_window(reader, &window))
		add_seconds(r, t, "of which overwritten", window);
	add_number(r, t, "bytes", record_reader_size(reader));
}

/* What a ring had no room to say again, if anything. */
static void add_left_out(const struct replayed *file, struct report *r, struct table *t)
{
	static const char *const names[LEFT_OUT] = {
		[LEFT_STACKS] = "call chains left out",
		[LEFT_CACHES] = "caches left out",
		[LEFT_MAPS] = "mappings left out",
	};
	size_t i;

	for (i = 0; i < LEFT_OUT; i++) {
		uint64_t n = record_reader_left_out(file->replay.reader, (enum record_left_out)i);

		if (n)
			add_number(r, t, names[i], n);
	}
}

/* How many modules were loaded, a line each. */
static void add_modules(const struct replayed *file, struct report *r, struct table *t)
{
	const char *modules = replay_text(&file->replay, "modules", "");
	unsigned int n = 0;

	for (; *modules; modules++)
		n += *modules == '\n';
	add_number(r, t, "modules loaded", n);
}

/* All records, for their number and for what can't be read. */
static int read_all(const struct replayed *file, uint64_t *ret)
{
	const struct event_header *const *records;
	size_t n, i;
	int err;

	while (!(err = record_reader_next(file->replay.reader, &records, &n)) && n)
		for (i = 0; i < n; i++)
			*ret += event_counts(records[i]);
	return err;
}

static int fill(const struct replayed *file, struct report *r)
{
	struct table *t =
		report_add_table(r, "recording", "The recording", columns, ARRAY_SIZE(columns));
	_cleanup_free_ char *areas = areas_names(file->areas);
	uint64_t events = 0;
	size_t i;
	int err = read_all(file, &events);

	if (err || !areas)
		return err ? err : -ENOMEM;
	add(r, t, "file", file->path);
	add_times(file, r, t);
	add_number(r, t, "events", events);
	add(r, t, "recorded", *areas ? areas : NULL);
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *value = replay_text(&file->replay, texts[i].key, NULL);

		/* « of tasks named …», as it follows what was traced */
		if (value)
			add(r, t, texts[i].name, value + strspn(value, " ,"));
	}
	add_modules(file, r, t);
	add_left_out(file, r, t);
	add(r, t, "whole", replay_note_damage(&file->replay, r) ? "no: see below" : "yes");
	return r->oom ? -ENOMEM : 0;
}

int info_print(struct replayed *file, struct failure *f)
{
	_cleanup_(report_free) struct report *r = report_new("report");
	int err;

	if (!r)
		return -ENOMEM;
	snprintf(r->kernel, sizeof(r->kernel), "%s", replay_text(&file->replay, "kernel", ""));
	snprintf(r->arch, sizeof(r->arch), "%s", replay_text(&file->replay, "arch", ""));
	r->subject = strdup("what this recording is");
	r->interval = 1;
	r->final = true;
	err = fill(file, r);
	if (err)
		return fail(f, FAILURE_INTERNAL, err, "%.300s can't be read: %s", file->path,
			    strerror(-err));
	return output_report(r, file->options->json, f);
}
