// SPDX-License-Identifier: GPL-2.0
/* kmscope anonymize: a copy of a recording that can be shown to others. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digits.h"
#include "base/log.h"
#include "base/vec.h"
#include "cli/command.h"
#include "cli/tracing.h"
#include "record/anonymize.h"
#include "render/units.h"
#include "session/replay.h"
#include "source/file.h"
#include "source/filter.h"

#define NAMES_MAX 1024 /* in a block */

struct copy {
	const char *from, *to;
	struct anonymizer *anonymizer;
	struct record_writer *writer;
	struct record_header header; /* of the original */
	char damage[1024]; /* what that lacks, in words; empty: nothing */
	bool begun; /* what was there before is gone */
	bool noting; /* the first time: nothing is written yet */
	struct {
		struct record_symbol *items; /* .name and .module are owned */
		size_t n, capacity;
	} symbols;
	struct {
		struct record_code *items;
		size_t n, capacity;
	} code;
	int err;
};

static void copy_free(struct copy *c)
{
	anonymizer_free(&c->anonymizer);
	record_writer_free(&c->writer);
	free(c->symbols.items);
	free(c->code.items);
}

/* --- names ------------------------------------------------------------------------------------------ */

static void write_names(struct copy *c)
{
	size_t i;

	record_writer_names(c->writer, c->symbols.items, c->symbols.n, c->code.items, c->code.n);
	for (i = 0; i < c->symbols.n; i++) {
		free((char *)c->symbols.items[i].name);
		free((char *)c->symbols.items[i].module);
	}
	c->symbols.n = c->code.n = 0;
}

static int add_symbol(void *arg, const struct record_symbol *s)
{
	struct copy *c = arg;
	struct record_symbol other, *to;
	int err;

	if (c->noting) {
		anonymizer_note_symbol(c->anonymizer, s);
		return 0;
	}
	err = anonymizer_symbol(c->anonymizer, s, &other);
	to = err ? NULL : vec_add(&c->symbols);
	if (!to)
		return -ENOMEM;
	*to = other;
	to->name = strdup(other.name);
	to->module = strdup(other.module);
	if (!to->name || !to->module)
		return -ENOMEM;
	if (c->symbols.n == NAMES_MAX)
		write_names(c);
	return 0;
}

static int add_code(void *arg, const struct record_code *code)
{
	struct copy *c = arg;
	struct record_code other, *to;
	int err;

	if (c->noting) {
		anonymizer_note_code(c->anonymizer, code);
		return 0;
	}
	err = anonymizer_code(c->anonymizer, code, &other);
	to = err ? NULL : vec_add(&c->code);
	if (!to)
		return -ENOMEM;
	*to = other;
	if (c->code.n == NAMES_MAX)
		write_names(c);
	return 0;
}

/* --- records ------------------------------------------------------------------------------------------ */

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct copy *c = arg;
	const struct event_header *other;
	size_t i;

	for (i = 0; i < n && !c->err; i++) {
		if (c->noting) {
			anonymizer_note(c->anonymizer, records[i]);
			continue;
		}
		c->err = anonymizer_record(c->anonymizer, records[i], &other);
		if (!c->err && other)
			record_writer_add(c->writer, &other, 1);
	}
}

/* All records of @source that analyses would get. */
static int read_records(struct copy *c, struct source *source)
{
	struct event_sink sink = { consume, c };
	_cleanup_(filter_free) struct filter *filter = NULL;
	struct filter_options options = { 0 };
	int got = SOURCE_AT_ONCE;

	/* the copy is no ring any more: it begins where what was kept does */
	if (record_reader_window(file_reader(source), &options.from_ns)) {
		int err = filter_new(&options, &sink, &filter);

		if (err)
			return err;
		sink = (struct event_sink){ filter_consume, filter };
	}
	while (got > 0 && !c->err)
		got = source->ops->read(source, &sink);
	if (filter && filter_oom(filter))
		return -ENOMEM;
	return got < 0 ? got : c->err;
}

static int begin(struct copy *c, const struct record_reader *reader)
{
	struct record_text texts[32] = { { "anonymized", "1" }, { "damage", c->damage } };
	size_t own = c->damage[0] ? 2 : 1, n = own, i;
	int err = 0;

	for (i = 0; anonymizer_keys[i] && n < ARRAY_SIZE(texts) && !err; i++) {
		const char *value = record_reader_text(reader, anonymizer_keys[i]);

		if (!value)
			continue;
		texts[n].key = anonymizer_keys[i];
		texts[n].value = anonymizer_text(c->anonymizer, texts[n].key, value);
		err = texts[n++].value ? 0 : -ENOMEM;
	}
	c->begun = !err;
	if (!err)
		err = record_writer_begin(c->writer, texts, n);
	for (i = own; i < n; i++)
		free((char *)texts[i].value);
	return err;
}

/* Say in one line what the original lacks, which the copy does not: there it is a text. */
static int tell_damage(struct copy *c, struct record_reader *reader)
{
	_cleanup_(report_free) struct report *r = report_new("anonymize");
	struct replay replay = { .reader = reader };
	size_t i, n = 0;

	if (!r)
		return -ENOMEM;
	replay_note_damage(&replay, r);
	for (i = 0; i < r->n_notes && n < sizeof(c->damage); i++)
		n += (size_t)snprintf(c->damage + n, sizeof(c->damage) - n, "%s%s", i ? "; " : "",
				      r->notes[i]);
	if (n)
		log_warn("%s: %s; the rest is copied", c->from, c->damage);
	return 0;
}

/* Read it all, to note or to replace what there is. */
static int read_recording(struct copy *c, struct failure *f)
{
	struct record_names_visitor names = { add_symbol, add_code, c };
	_cleanup_(source_free) struct source *source = NULL;
	struct record_reader *reader;
	int err = file_open(c->from, &source, f);

	if (err)
		return err;
	reader = file_reader(source);
	c->header = *record_reader_header(reader);
	if (c->noting)
		c->anonymizer = anonymizer_new(&c->header, NULL);
	err = !c->anonymizer ? -ENOMEM : c->noting ? 0 : begin(c, reader);
	if (!err)
		err = read_records(c, source);
	if (!err)
		err = record_reader_names(reader, &names);
	if (!c->noting)
		write_names(c);
	if (!err && c->writer)
		err = record_writer_error(c->writer);
	return err || !c->noting ? err : tell_damage(c, reader);
}

/* --- the file ------------------------------------------------------------------------------------------- */

/* The header is to say of which machine the original is, and whether that was ended; not when. */
static int write_header(const struct copy *c)
{
	_cleanup_close_ int fd = open(c->to, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	uint8_t bytes[RECORD_HEADER_SIZE];
	struct record_header h;

	if (fd < 0)
		return -errno;
	if (pread(fd, bytes, sizeof(bytes), 0) != sizeof(bytes) ||
	    record_unpack_header(bytes, &h) != HEADER_FINE)
		return -EIO;
	h.word_size = c->header.word_size;
	h.page_size = c->header.page_size;
	h.state = c->header.state;
	h.wall_ns = 0;
	record_pack_header(&h, bytes);
	return pwrite(fd, bytes, sizeof(bytes), 0) == sizeof(bytes) ? 0 : -EIO;
}

static int copy_recording(struct copy *c, struct failure *f)
{
	int err;

	c->noting = true;
	err = read_recording(c, f);
	if (!err)
		err = anonymizer_plan(c->anonymizer);
	c->noting = false;
	if (!err)
		err = read_recording(c, f);
	if (!err)
		err = record_writer_end(c->writer);
	if (!err)
		err = write_header(c);
	/* half a copy is none */
	if (err && c->begun)
		unlink(c->to);
	if (err && !f->text[0])
		fail(f, FAILURE_INTERNAL, err, "%.200s can't be copied to %.200s: %s", c->from,
		     c->to, strerror(-err));
	return err;
}

/* Whether both are one file, which would be gone before it is read. */
static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void say_end(const struct copy *c)
{
	_cleanup_free_ char *word = tracing_word(c->to);
	struct record_totals t;

	record_writer_totals(c->writer, &t);
	log_info("anonymized %s events: %s, %s", digits_grouped(t.events).s, c->to,
		 units_bytes(t.bytes).s);
	log_info("next: kmscope report %s, and see what it still says before others do",
		 word ? word : c->to);
}

int cmd_anonymize(const struct command *cmd _unused_, const struct options *o, struct failure *f)
{
	struct record_options options = { .force = o->force, .deflate = true };
	struct copy c = { 0 };
	int err;

	if (o->n_files < 2)
		return fail(f, FAILURE_USAGE, -EINVAL, "%s",
			    o->n_files ? "where to? add OUT, the name of the copy"
				       : "which recording, and where to? add IN OUT");
	c.from = o->files[0];
	options.path = c.to = o->files[1];
	if (same_file(c.from, c.to))
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "%.200s is the recording itself: use another name for the copy", c.to);
	/* what is wrong with the copy's name is said before time is spent */
	err = record_writer_open(&options, &c.writer, f);
	if (!err)
		err = copy_recording(&c, f);
	if (!err)
		say_end(&c);
	copy_free(&c);
	return err;
}
