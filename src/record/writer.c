// SPDX-License-Identifier: GPL-2.0
#include "record/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/newfile.h"
#include "base/vec.h"
#include "record/encode.h"
#include "record/pool.h"

#define SNAPSHOT_LARGE 1024 /* bytes: a text or a map that is worth deflating */

/* The newest of what a block's preamble tells, by CPU. */
struct cpu_known {
	bool has_task, has_counters;
	struct event_task task;
	struct event_counters counters;
};

struct record_writer {
	struct newfile file;
	char *path;
	bool begun;
	bool deflate, wrapped, forgot;
	uint64_t keep;
	uint64_t offset, size; /* where the next block goes; of the file */
	uint64_t sequence;
	struct record_header header;
	struct encoder *encoder;
	struct record_bytes deflated, text;
	struct record_bytes context; /* what is said of the recording: */
	size_t n_texts; /* … pairs of texts */
	struct {
		struct cpu_known *items;
		size_t n, capacity;
	} cpus;
	struct event_misses misses;
	bool has_misses;
	struct pool *pool; /* .keep only */
	uint64_t pool_at; /* bytes that had been written at the last one */
	uint64_t left_out[LEFT_OUT]; /* … what it had no room for */
	uint64_t written; /* in all */
	struct {
		struct kept {
			uint64_t offset, size, events;
		} * items;
		size_t n, capacity;
	} kept; /* .keep: blocks that are in the file */
	uint64_t block_events; /* of the block being made */
	struct record_totals totals;
	void (*full)(void *arg);
	void *full_arg;
	int err;
};

/* --- the file --------------------------------------------------------------------------------------- */

int record_writer_open(const struct record_options *o, struct record_writer **ret,
		       struct failure *f)
{
	struct record_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->file.fd = -1;
	w->deflate = o->deflate;
	w->keep = o->keep;
	w->encoder = encoder_new();
	w->path = strdup(o->path);
	w->pool = o->keep ? pool_new() : NULL;
	err = w->encoder && w->path && (w->pool || !o->keep) ? 0 : -ENOMEM;
	if (!err)
		err = newfile_open(o->path, o->force, &w->file, f);
	if (err)
		record_writer_free(&w);
	else
		*ret = w;
	return err;
}

void record_writer_free(struct record_writer **pw)
{
	struct record_writer *w = *pw;

	if (!w)
		return;
	if (w->file.created && !w->begun)
		unlink(w->path);
	closep(&w->file.fd);
	encoder_free(&w->encoder);
	pool_free(&w->pool);
	free(w->path);
	free(w->deflated.items);
	free(w->text.items);
	free(w->context.items);
	free(w->cpus.items);
	free(w->kept.items);
	freep(pw);
}

static int write_all(int fd, const uint8_t *p, size_t n, uint64_t offset)
{
	while (n) {
		ssize_t done = pwrite(fd, p, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		p += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

static int write_header(struct record_writer *w, enum record_state state)
{
	uint8_t bytes[RECORD_HEADER_SIZE];

	w->header.state = (uint8_t)state;
	w->header.last = state == RECORD_OPEN ? 0 : w->sequence;
	record_pack_header(&w->header, bytes);
	return write_all(w->file.fd, bytes, sizeof(bytes), 0);
}

/* Nothing can be written any more: what is not whole is cut off, and the header says so. */
static void give_up(struct record_writer *w, int err)
{
	if (w->err)
		return;
	w->err = err;
	if (!w->wrapped && ftruncate(w->file.fd, (off_t)w->offset))
		w->err = err; /* readers find out by themselves */
	write_header(w, RECORD_FULL);
}

/* --- blocks ----------------------------------------------------------------------------------------- */

/* The blocks that stand where the next one of @n bytes goes are no more. */
static void overwrite(struct record_writer *w, uint64_t n)
{
	size_t i, left = 0;

	for (i = 0; i < w->kept.n; i++) {
		struct kept *k = &w->kept.items[i];

		if (k->offset < w->offset + n && w->offset < k->offset + k->size)
			w->totals.dropped += k->events;
		else
			w->kept.items[left++] = *k;
	}
	w->kept.n = left;
}

/* Where the next block of @n bytes goes. */
static int make_room(struct record_writer *w, uint64_t n, uint64_t events)
{
	struct kept *k;

	if (!w->keep)
		return 0;
	if (w->offset + n > w->keep && w->offset > RECORD_HEADER_SIZE) {
		/* what would be left of the round before does not follow anything */
		if (ftruncate(w->file.fd, (off_t)w->offset))
			return -errno;
		for (k = w->kept.items; k < w->kept.items + w->kept.n; k++)
			if (k->offset >= w->offset)
				w->totals.dropped += k->events, k->events = 0;
		w->size = w->offset;
		w->offset = RECORD_HEADER_SIZE;
		w->wrapped = true;
	}
	overwrite(w, n);
	k = vec_add(&w->kept);
	if (!k)
		return -ENOMEM;
	*k = (struct kept){ w->offset, n, events };
	return 0;
}

static int deflate_payload(struct record_writer *w, const uint8_t **payload, struct record_block *b)
{
	uLongf n = compressBound(b->raw);

	w->deflated.n = 0;
	if (!record_reserve(&w->deflated, n))
		return -ENOMEM;
	if (compress2(w->deflated.items, &n, *payload, b->raw, 1) != Z_OK)
		return -ENOMEM;
	if (n >= b->raw)
		return 0;
	b->flags |= BLOCK_DEFLATED;
	b->size = (uint32_t)n;
	*payload = w->deflated.items;
	return 0;
}

static void write_block(struct record_writer *w, struct record_block b, const uint8_t *payload,
			size_t n, bool deflate)
{
	uint64_t events = b.type == BLOCK_EVENTS ? w->block_events : 0;
	uint8_t header[RECORD_BLOCK_SIZE];
	int err = 0;

	if (w->err)
		return;
	if (n > RECORD_PAYLOAD_MAX)
		err = -EFBIG; /* nobody could read it */
	b.size = b.raw = (uint32_t)n;
	b.sequence = w->sequence + 1;
	if (!err && (deflate || w->deflate))
		err = deflate_payload(w, &payload, &b);
	if (!err)
		err = make_room(w, RECORD_BLOCK_SIZE + b.size, events);
	if (!err) {
		record_pack_block(&b, payload, header);
		err = write_all(w->file.fd, header, sizeof(header), w->offset);
	}
	if (!err)
		err = write_all(w->file.fd, payload, b.size, w->offset + RECORD_BLOCK_SIZE);
	if (err) {
		give_up(w, err);
		return;
	}
	w->sequence = b.sequence;
	w->offset += RECORD_BLOCK_SIZE + b.size;
	w->written += RECORD_BLOCK_SIZE + b.size;
	w->size = MAX(w->size, w->offset);
	w->block_events -= events;
}

/* --- texts ------------------------------------------------------------------------------------------ */

static bool put_number(struct record_bytes *b, uint64_t v)
{
	if (!record_reserve(b, RECORD_VARINT_MAX))
		return false;
	b->n = (size_t)(record_put_varint(b->items + b->n, v) - b->items);
	return true;
}

static bool put_string(struct record_bytes *b, const char *s)
{
	size_t n = strlen(s);

	if (!put_number(b, n) || !record_reserve(b, n + 1))
		return false;
	memcpy(b->items + b->n, s, n);
	b->n += n;
	return true;
}

/* What is said of the recording, and what the pool that comes next has no room for. */
static void write_context(struct record_writer *w)
{
	struct record_block b = { .type = BLOCK_CONTEXT };
	struct record_bytes *to = &w->text;
	uint64_t n = w->n_texts;
	bool fine;
	size_t i;

	for (i = 0; i < LEFT_OUT; i++)
		n += w->left_out[i] != 0;
	to->n = 0;
	fine = put_number(to, n) && record_reserve(to, w->context.n);
	if (fine && w->context.n) {
		memcpy(to->items + to->n, w->context.items, w->context.n);
		to->n += w->context.n;
	}
	for (i = 0; i < LEFT_OUT && fine; i++) {
		char text[24];

		snprintf(text, sizeof(text), "%" PRIu64, w->left_out[i]);
		if (w->left_out[i])
			fine = put_string(to, record_left_out_keys[i]) && put_string(to, text);
	}
	if (fine)
		write_block(w, b, to->items, to->n, true);
	else
		give_up(w, -ENOMEM);
}

/* --- records ---------------------------------------------------------------------------------------- */

/* What a reader has to know that has not read what was before. */
static int add_preamble(struct record_writer *w, uint64_t time)
{
	size_t i;
	int err = 0;

	for (i = 0; i < w->cpus.n && !err; i++) {
		struct cpu_known *c = &w->cpus.items[i];

		c->task.h.time = c->counters.h.time = time;
		if (c->has_task)
			err = encoder_add(w->encoder, &c->task.h);
		if (c->has_counters && !err)
			err = encoder_add(w->encoder, &c->counters.h);
	}
	w->misses.h.time = time;
	if (w->has_misses && !err)
		err = encoder_add(w->encoder, &w->misses.h);
	return err;
}

static struct cpu_known *cpu_known(struct record_writer *w, const struct event_header *h)
{
	while (w->cpus.n <= h->cpu)
		if (!vec_add(&w->cpus))
			return NULL;
	return &w->cpus.items[h->cpu];
}

static int note(struct record_writer *w, const struct event_header *h)
{
	struct cpu_known *c;

	if (w->pool && pool_add(w->pool, h))
		return -ENOMEM;
	if (h->kind == EVENT_MISSES) {
		w->misses = *(const struct event_misses *)h;
		w->has_misses = true;
	}
	if (h->kind != EVENT_TASK && h->kind != EVENT_COUNTERS)
		return 0;
	c = cpu_known(w, h);
	if (!c)
		return -ENOMEM;
	if (h->kind == EVENT_TASK) {
		c->task = *(const struct event_task *)h;
		c->has_task = true;
	} else {
		c->counters = *(const struct event_counters *)h;
		c->has_counters = true;
	}
	return 0;
}

static void end_block(struct record_writer *w, struct record_block b, bool deflate)
{
	const uint8_t *payload;
	size_t n;

	if (w->full)
		w->full(w->full_arg);
	encoder_describe(w->encoder, &b);
	payload = encoder_payload(w->encoder, &n);
	if (payload)
		write_block(w, b, payload, n, deflate);
	else
		give_up(w, -ENOMEM);
	encoder_reset(w->encoder);
}

struct pooling {
	struct record_writer *w;
	uint8_t flags;
};

static int add_pooled(void *arg, const struct event_header *h)
{
	struct pooling *p = arg;
	int err = encoder_add(p->w->encoder, h);

	if (err || (encoder_records(p->w->encoder) < RECORD_BLOCK_RECORDS &&
		    encoder_bytes(p->w->encoder) < RECORD_BLOCK_BYTES))
		return err;
	end_block(p->w, (struct record_block){ .type = BLOCK_POOL, .flags = p->flags }, true);
	p->flags = 0;
	return p->w->err;
}

/* What the oldest blocks said and those that follow them rely on, before they are overwritten. */
static void write_pool(struct record_writer *w)
{
	struct pooling p = { .w = w, .flags = BLOCK_POOL_FIRST };
	size_t room = (size_t)MIN(w->keep / 8, (uint64_t)SIZE_MAX);
	int err;

	if (!w->pool || w->written - w->pool_at < w->keep / 4)
		return;
	w->pool_at = w->written;
	pool_left_out(w->pool, room, w->left_out);
	write_context(w);
	encoder_begin(w->encoder);
	err = pool_each(w->pool, room, add_pooled, &p);
	if (err)
		give_up(w, err);
	end_block(w,
		  (struct record_block){ .type = BLOCK_POOL,
					 .flags = (uint8_t)(p.flags | BLOCK_POOL_LAST) },
		  true);
	w->forgot = true;
}

static void flush(struct record_writer *w, bool deflate)
{
	if (w->err || !encoder_records(w->encoder))
		return;
	end_block(w, (struct record_block){ .type = BLOCK_EVENTS }, deflate);
	write_pool(w);
}

static bool is_large(const struct event_header *h)
{
	return h->kind == EVENT_SNAPSHOT &&
	       ((const struct event_snapshot *)h)->size >= SNAPSHOT_LARGE;
}

static int add_record(struct record_writer *w, const struct event_header *h)
{
	int err = 0;

	/* a large text is deflated, and nothing else with it */
	if (unlikely(is_large(h)))
		flush(w, false);
	if (!encoder_records(w->encoder)) {
		err = add_preamble(w, h->time);
		encoder_begin(w->encoder);
	}
	if (!err)
		err = encoder_add(w->encoder, h);
	if (!err &&
	    unlikely(h->kind >= EVENT_TICK || h->kind == EVENT_TASK || h->kind == EVENT_CACHE))
		err = note(w, h);
	w->block_events += event_counts(h);
	w->totals.events += event_counts(h);
	w->totals.records++;
	if (!err && unlikely(is_large(h)))
		flush(w, true);
	else if (!err && unlikely(encoder_records(w->encoder) == RECORD_BLOCK_RECORDS ||
				  encoder_bytes(w->encoder) >= RECORD_BLOCK_BYTES))
		flush(w, false);
	return err;
}

void record_writer_add(struct record_writer *w, const struct event_header *const *records, size_t n)
{
	size_t i;
	int err = 0;

	for (i = 0; i < n && !w->err && !err; i++)
		err = add_record(w, records[i]);
	if (err)
		give_up(w, err);
}

void record_writer_flush(struct record_writer *w)
{
	flush(w, false);
	/* let the disk begin: a loss of power costs seconds, not all that the kernel would hold back */
	if (!w->err)
		sync_file_range(w->file.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

void record_writer_each_site(const struct record_writer *w,
			     void (*visit)(void *arg, uint64_t address), void *arg)
{
	encoder_each_site(w->encoder, visit, arg);
}

void record_writer_watch(struct record_writer *w, void (*full)(void *arg), void *arg)
{
	w->full = full;
	w->full_arg = arg;
}

/* --- the beginning, names ------------------------------------------------------------------------------ */

int record_writer_begin(struct record_writer *w, const struct record_text *texts, size_t n)
{
	bool fine = true;
	size_t i;
	int err;

	for (i = 0; i < n && fine; i++)
		fine = put_string(&w->context, texts[i].key) &&
		       put_string(&w->context, texts[i].value);
	if (!fine)
		return -ENOMEM;
	w->n_texts = n;
	w->header = (struct record_header){
		.version = RECORD_VERSION,
		.size = RECORD_HEADER_SIZE,
		.abi = EVENTS_ABI,
		.byte_order = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 2 : 1,
		.word_size = sizeof(long),
		.page_size = (uint32_t)sysconf(_SC_PAGESIZE),
		.keep = w->keep,
		.wall_ns = clock_wall_ns(),
	};
	if (ftruncate(w->file.fd, 0))
		return -errno;
	err = write_header(w, RECORD_OPEN);
	if (err)
		return err;
	w->offset = w->size = RECORD_HEADER_SIZE;
	write_context(w);
	w->begun = !w->err;
	return w->err;
}

void record_writer_names(struct record_writer *w, const struct record_symbol *symbols,
			 size_t n_symbols, const struct record_code *code, size_t n_code)
{
	struct record_block b = { .type = BLOCK_NAMES };
	struct record_bytes *to = &w->text;
	uint64_t before = w->written;
	size_t i;
	bool fine;

	if (w->err || (!n_symbols && !n_code))
		return;
	to->n = 0;
	fine = put_number(to, n_symbols);
	for (i = 0; i < n_symbols && fine; i++) {
		const struct record_symbol *s = &symbols[i];

		fine = put_number(to, s->address) && put_number(to, s->start) &&
		       put_number(to, s->size) && put_string(to, s->name) &&
		       put_string(to, s->module);
	}
	fine = fine && put_number(to, n_code);
	for (i = 0; i < n_code && fine; i++) {
		const struct record_code *c = &code[i];

		fine = put_string(to, c->path) && put_number(to, c->major) &&
		       put_number(to, c->minor) && put_number(to, c->pid) &&
		       put_number(to, c->inode) && put_number(to, c->start) &&
		       put_number(to, c->end) && put_number(to, c->offset) &&
		       put_string(to, c->name) && put_number(to, c->into);
	}
	for (i = 0; i < n_code && fine; i++)
		fine = put_number(to, code[i].generation);
	if (fine)
		write_block(w, b, to->items, to->n, true);
	else
		give_up(w, -ENOMEM);
	/* names are told after a pool: counted, many of them would bring about the next one */
	w->pool_at += w->written - before;
}

bool record_writer_forgot(struct record_writer *w)
{
	bool forgot = w->forgot;

	w->forgot = false;
	return forgot;
}

int record_writer_end(struct record_writer *w)
{
	flush(w, false);
	/* a recording whose first block is damaged can be read by this one */
	write_context(w);
	if (!w->err && fdatasync(w->file.fd) && errno != EINVAL)
		give_up(w, -errno);
	if (!w->err)
		w->err = write_header(w, RECORD_ENDED);
	return w->err;
}

bool record_writer_removed(const struct record_writer *w)
{
	struct stat st;

	return !fstat(w->file.fd, &st) && !st.st_nlink;
}

int record_writer_error(const struct record_writer *w)
{
	return w->err;
}

void record_writer_totals(const struct record_writer *w, struct record_totals *ret)
{
	*ret = w->totals;
	ret->bytes = w->size;
	/* before that all of it can still be read where it was told */
	if (w->wrapped)
		memcpy(ret->left_out, w->left_out, sizeof(w->left_out));
}
