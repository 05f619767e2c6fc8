// SPDX-License-Identifier: GPL-2.0
#include "source/file.h"

#include <errno.h>

#define FILE_BATCHES 64 /* of the reader's, in one read() */

struct file {
	struct source source;
	struct record_reader *reader;
	const struct event_sink *sink; /* during read() */
	uint64_t newest; /* time */
	bool begun, ended, stopped;
};

static void file_send(struct file *s, const struct event_header *h)
{
	s->sink->consume(s->sink->arg, &h, 1);
}

/* The beginning is damaged: little is known of the machine. */
static void make_start(struct file *s, uint64_t time)
{
	const struct record_header *header = record_reader_header(s->reader);
	struct event_start e = {
		.h = { .time = time, .kind = EVENT_START },
		.wall_ns = header->wall_ns,
		.page_size = header->page_size ? header->page_size : 4096,
		.kmalloc_max = 8192,
		.n_cpus = 1,
		.sample = 1,
	};

	file_send(s, &e.h);
}

static void make_end(struct file *s)
{
	struct event_header h = { .time = s->newest, .kind = EVENT_END };

	if (!s->begun)
		make_start(s, 0);
	file_send(s, &h);
	s->ended = true;
}

/* Pass on @n records, but for what must be there once. */
static void file_consume(struct file *s, const struct event_header *const *records, size_t n)
{
	size_t i, sent = 0;

	if (!s->begun && records[0]->kind != EVENT_START)
		make_start(s, records[0]->time);
	s->begun = true;
	for (i = 0; i < n && !s->ended; i++) {
		s->newest = MAX(s->newest, records[i]->time);
		s->ended = records[i]->kind == EVENT_END;
		/* whoever takes ticks and the like expects them alone */
		if (likely(records[i]->kind < EVENT_TICK))
			continue;
		if (i > sent)
			s->sink->consume(s->sink->arg, records + sent, i - sent);
		s->sink->consume(s->sink->arg, records + i, 1);
		sent = i + 1;
	}
	if (i > sent)
		s->sink->consume(s->sink->arg, records + sent, i - sent);
}

static int file_read(struct source *source, const struct event_sink *sink)
{
	struct file *s = (struct file *)source;
	const struct event_header *const *records;
	size_t i, n;
	int err;

	s->sink = sink;
	for (i = 0; i < FILE_BATCHES && !s->ended; i++) {
		err = s->stopped ? 0 : record_reader_next(s->reader, &records, &n);
		if (err)
			return err;
		if (s->stopped || !n)
			make_end(s);
		else
			file_consume(s, records, n);
	}
	return s->ended ? SOURCE_ENDED : SOURCE_AT_ONCE;
}

static int file_start(struct source *source _unused_, struct failure *f _unused_)
{
	return 0;
}

static int file_fd(const struct source *source _unused_)
{
	return -1;
}

static void file_stop(struct source *source)
{
	((struct file *)source)->stopped = true;
}

static void file_free(struct source *source)
{
	struct file *s = (struct file *)source;

	record_reader_free(&s->reader);
	free(s);
}

static const struct source_ops file_ops = {
	.start = file_start,
	.fd = file_fd,
	.read = file_read,
	.stop = file_stop,
	.free = file_free,
};

int file_open(const char *path, struct source **ret, struct failure *f)
{
	struct file *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->source.ops = &file_ops;
	err = record_reader_open(path, &s->reader, f);
	if (err) {
		free(s);
		return err;
	}
	*ret = &s->source;
	return 0;
}

struct record_reader *file_reader(struct source *s)
{
	return ((struct file *)s)->reader;
}
