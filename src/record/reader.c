// SPDX-License-Identifier: GPL-2.0
#include "record/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "record/blocks.h"

struct record_reader {
	int fd;
	uint64_t size;
	struct record_header header;
	struct blocks blocks;
	struct block_bytes bytes;
	struct decoder *decoder;
	size_t next; /* block */
	bool open; /* a block is being decoded, */
	bool pooled; /* … of a pool */
	uint32_t left; /* … and so many records of it */
	bool lost; /* something between this block and the one before */
	bool preamble; /* the next one is to be told */
	uint64_t sequence; /* of the newest block */
	bool windowed; /* the beginning was overwritten: */
	uint64_t start, from; /* … when it was, and when the rest begins */
	uint64_t end; /* how long after the start the newest record is; 0: not known */
	size_t pool, pool_end; /* .windowed: the blocks of the first whole pool */
	enum { PHASE_FACTS, PHASE_EVENTS } phase;
	uint64_t time; /* of the newest record that was told */
	const struct event_header *picked[DECODER_BATCH];
	struct {
		char *items; /* texts: key, NUL, value, NUL */
		size_t n, capacity;
	} texts;
	struct record_damage damage;
};

/* --- opening ------------------------------------------------------------------------------------------ */

static int fail_read(struct failure *f, const char *path, int err)
{
	return fail(f, err == -ENOENT || err == -EISDIR ? FAILURE_USAGE : FAILURE_INTERNAL, err,
		    "%.300s can't be read: %s", path, strerror(-err));
}

static int open_file(struct record_reader *r, const char *path, struct failure *f)
{
	struct stat st;

	/* a FIFO would wait for its writer */
	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (r->fd < 0)
		return fail_read(f, path, -errno);
	if (fstat(r->fd, &st))
		return fail_read(f, path, -errno);
	if (S_ISDIR(st.st_mode))
		return fail(f, FAILURE_USAGE, -EISDIR, "%.300s is a directory, no recording", path);
	if (!S_ISREG(st.st_mode))
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "%.300s is no regular file: store the recording in one", path);
	if (!st.st_size)
		return fail(f, FAILURE_USAGE, -ENODATA, "%.300s is empty, no recording", path);
	r->size = (uint64_t)st.st_size;
	return 0;
}

static int check_header(struct record_reader *r, const char *path, struct failure *f)
{
	uint8_t bytes[RECORD_HEADER_SIZE] = { 0 };
	ssize_t n = pread(r->fd, bytes, sizeof(bytes), 0);

	if (n < 0)
		return fail_read(f, path, -errno);
	if (n < RECORD_HEADER_SIZE && !memcmp(bytes, RECORD_MAGIC, MIN((size_t)n, 8u)))
		return fail(f, FAILURE_USAGE, -ENODATA,
			    "%.300s ends before its header does: nothing was recorded", path);
	switch (record_unpack_header(bytes, &r->header)) {
	case HEADER_FOREIGN:
		return fail(f, FAILURE_USAGE, -EINVAL, "%.300s is no recording of kmscope", path);
	case HEADER_NEWER:
		if (r->header.byte_order == 2)
			return fail(
				f, FAILURE_USAGE, -EPROTO,
				"%.300s is of a big-endian machine, which this kmscope does not "
				"read",
				path);
		return fail(
			f, FAILURE_USAGE, -EPROTO,
			"%.300s is a recording of version %u.%u; this kmscope reads %u.%u: use the "
			"one that made it",
			path, r->header.version, r->header.abi, RECORD_VERSION, EVENTS_ABI);
	case HEADER_DAMAGED:
		/* it says little: blocks speak for themselves */
		r->header = (struct record_header){ .version = RECORD_VERSION,
						    .abi = EVENTS_ABI,
						    .size = RECORD_HEADER_SIZE,
						    .state = RECORD_ENDED,
						    .keep = 1 };
		r->damage.bytes += RECORD_HEADER_SIZE;
		break;
	default:
		break;
	}
	r->damage.open = r->header.state == RECORD_OPEN;
	r->damage.full = r->header.state == RECORD_FULL;
	return 0;
}

/* --- blocks ------------------------------------------------------------------------------------------- */

/* Block @p can't be used, or from some record on: @records of it are missing. It counts once. */
static void note_bad(struct record_reader *r, struct block_place *p, uint64_t records)
{
	if (p->bad)
		return;
	p->bad = true;
	r->damage.blocks++;
	r->damage.records += records;
}

/* As block_read(); what is damaged is noted. */
static int read_block(struct record_reader *r, size_t i, struct block_bytes *b, const uint8_t **ret)
{
	struct block_place *p = &r->blocks.items[i];
	int err = p->bad ? -EBADMSG : block_read(r->fd, p, b, ret);

	if (err == -EBADMSG)
		note_bad(r, p, p->block.n);
	return err;
}

/* Blocks that are not there, as far as numbers tell; of those at the ends they may not. */
static uint64_t count_missing(const struct record_reader *r)
{
	const struct blocks *b = &r->blocks;
	uint64_t first, last, missing;

	if (!b->n)
		return r->header.last ? r->header.last : b->bad_first + b->bad_last;
	first = b->items[0].block.sequence;
	last = b->items[b->n - 1].block.sequence;
	missing = last - first + 1 - b->n;
	missing += r->header.keep ? b->bad_first : first - MIN(first, (uint64_t)1);
	if (!r->header.last)
		return missing + b->bad_last;
	return missing + r->header.last - MIN(r->header.last, last);
}

/* Those of a type that is not known may have been of another once. */
static int check_unknown(struct record_reader *r)
{
	const uint8_t *payload;
	size_t i;
	int err = 0;

	for (i = 0; i < r->blocks.n && (!err || err == -EBADMSG); i++) {
		uint8_t type = r->blocks.items[i].block.type;

		if (!type || type >= BLOCK_TYPES)
			err = read_block(r, i, &r->bytes, &payload);
	}
	return err == -EBADMSG ? 0 : err;
}

/* The next block from @i on of one of @types (bits); blocks.n: there is none. */
static size_t find_block(const struct record_reader *r, size_t i, unsigned int types)
{
	while (i < r->blocks.n && !(types & 1u << MIN(r->blocks.items[i].block.type, 31u)))
		i++;
	return i;
}

/* The first pool that is all there and whole. */
static int find_pool(struct record_reader *r)
{
	const size_t none = r->blocks.n;
	const uint8_t *payload;
	size_t i, first = none;

	for (i = 0; (i = find_block(r, i, 1u << BLOCK_POOL)) < r->blocks.n; i++) {
		const struct block_place *p = &r->blocks.items[i];
		int err = read_block(r, i, &r->bytes, &payload);

		if (err && err != -EBADMSG)
			return err;
		if (p->block.flags & BLOCK_POOL_FIRST)
			first = i;
		else if (first < none && p->block.sequence != p[-1].block.sequence + 1)
			first = none;
		if (err)
			first = none;
		if (first < none && p->block.flags & BLOCK_POOL_LAST) {
			r->pool = first;
			r->pool_end = i + 1;
			return 0;
		}
	}
	return 0;
}

/* The first record of block @i, until the next block is read; NULL where there is none. */
static int first_record(struct record_reader *r, size_t i, const struct event_header **ret)
{
	const struct event_header *const *records;
	const uint8_t *payload;
	size_t n = 0;
	bool preamble;
	int err = read_block(r, i, &r->bytes, &payload);

	if (!err)
		err = decoder_begin(r->decoder, payload, r->blocks.items[i].block.raw);
	if (!err)
		err = decoder_next(r->decoder, &records, &n, &preamble);
	*ret = n ? records[0] : NULL;
	return err == -EBADMSG ? 0 : err;
}

/*
 * When what is left begins, and when the run did, which its pool tells first. Blocks may be missing and
 * yet no records.
 */
static int find_window(struct record_reader *r)
{
	const struct event_header *h = NULL;
	size_t i;
	int err = 0;

	for (i = 0; (i = find_block(r, i, 1u << BLOCK_EVENTS)) < r->blocks.n && !err; i++) {
		err = first_record(r, i, &h);
		if (h)
			break;
	}
	if (h && h->kind == EVENT_START) {
		r->windowed = false;
		r->start = h->time;
		return 0;
	}
	r->start = r->from = h ? r->blocks.items[i].block.first : 0;
	if (!err)
		err = find_pool(r);
	if (err || r->pool == r->blocks.n)
		return err;
	err = first_record(r, r->pool, &h);
	if (h && h->kind == EVENT_START)
		r->start = h->time;
	return err;
}

/* When the run began, of a recording that has its beginning. */
static int find_start(struct record_reader *r)
{
	const struct event_header *h = NULL;
	size_t i = find_block(r, 0, 1u << BLOCK_EVENTS);
	int err = i < r->blocks.n ? first_record(r, i, &h) : 0;

	if (h && h->kind == EVENT_START)
		r->start = h->time;
	return err;
}

static void find_end(struct record_reader *r)
{
	const struct block_place *p;
	uint64_t newest = 0;

	vec_for_each(&r->blocks, p)
		if (p->block.type == BLOCK_EVENTS && p->block.n)
			newest = MAX(newest, p->block.last);
	if (r->start && newest > r->start)
		r->end = newest - r->start;
}

/* What there is to be read, and what is missing. */
static int find_all(struct record_reader *r)
{
	int err = blocks_find(r->fd, RECORD_HEADER_SIZE, r->size, r->header.keep, &r->blocks);

	if (err)
		return err;
	r->damage.cut = r->blocks.cut;
	r->damage.bytes += r->blocks.strange;
	r->pool = r->pool_end = r->blocks.n;
	r->windowed = r->header.keep && r->blocks.n && r->blocks.items[0].block.sequence > 1;
	r->damage.blocks = count_missing(r);
	err = check_unknown(r);
	if (err)
		return err;
	if (!r->windowed) {
		err = find_start(r);
		find_end(r);
		return err;
	}
	r->sequence = r->blocks.items[0].block.sequence - 1;
	err = find_window(r);
	find_end(r);
	r->preamble = r->windowed;
	if (r->pool < r->blocks.n) {
		r->phase = PHASE_FACTS;
		r->next = r->pool;
	}
	return err;
}

int record_reader_open(const char *path, struct record_reader **ret, struct failure *f)
{
	struct record_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->fd = -1;
	r->phase = PHASE_EVENTS;
	r->decoder = decoder_new();
	err = r->decoder ? open_file(r, path, f) : -ENOMEM;
	if (!err)
		err = check_header(r, path, f);
	if (!err) {
		err = find_all(r);
		if (err)
			fail_read(f, path, err);
	}
	if (err)
		record_reader_free(&r);
	else
		*ret = r;
	return err;
}

void record_reader_free(struct record_reader **pr)
{
	struct record_reader *r = *pr;

	if (!r)
		return;
	closep(&r->fd);
	blocks_free(&r->blocks);
	block_bytes_free(&r->bytes);
	decoder_free(&r->decoder);
	free(r->texts.items);
	freep(pr);
}

const struct record_header *record_reader_header(const struct record_reader *r)
{
	return &r->header;
}

uint64_t record_reader_size(const struct record_reader *r)
{
	return r->size;
}

bool record_reader_window(const struct record_reader *r, uint64_t *ret_ns)
{
	if (!r->windowed || r->from < r->start)
		return false;
	*ret_ns = r->from - r->start;
	return true;
}

uint64_t record_reader_end(const struct record_reader *r)
{
	return r->end;
}

/* --- texts and names ---------------------------------------------------------------------------------- */

/* Texts and numbers of a payload, until something makes no sense. */
struct cursor {
	struct record_cursor at;
	bool bad;
};

static uint64_t take_number(struct cursor *c)
{
	uint64_t v = 0;

	c->bad |= !record_take_varint(&c->at, &v);
	return v;
}

/* A copy that ends with NUL, to be freed; NULL with .bad or for lack of memory. */
static char *take_string(struct cursor *c)
{
	uint64_t n = take_number(c);
	char *s;

	if (c->bad || n > (size_t)(c->at.end - c->at.p)) {
		c->bad = true;
		return NULL;
	}
	s = strndup((const char *)c->at.p, n);
	c->at.p += n;
	c->bad |= !s;
	return s;
}

static void skip_string(struct cursor *c)
{
	uint64_t n = take_number(c);

	c->bad |= n > (size_t)(c->at.end - c->at.p);
	if (!c->bad)
		c->at.p += n;
}

static int add_text(struct record_reader *r, const char *s)
{
	size_t n = strlen(s) + 1;
	char *items = vec_reserve(r->texts.items, r->texts.n, &r->texts.capacity, n, 1);

	if (!items)
		return -ENOMEM;
	r->texts.items = items;
	memcpy(items + r->texts.n, s, n);
	r->texts.n += n;
	return 0;
}

/* Read the texts of the first block that has any. A block of records may be open. */
static int read_texts(struct record_reader *r)
{
	_cleanup_(block_bytes_free) struct block_bytes bytes = { 0 };
	size_t i;

	for (i = 0; (i = find_block(r, i, 1u << BLOCK_CONTEXT)) < r->blocks.n; i++) {
		struct cursor c = { 0 };
		uint64_t n;
		int err = read_block(r, i, &bytes, &c.at.p);

		if (err == -EBADMSG)
			continue;
		if (err)
			return err;
		c.at.end = c.at.p + r->blocks.items[i].block.raw;
		for (n = 2 * take_number(&c); n && !c.bad && !err; n--) {
			_cleanup_free_ char *s = take_string(&c);

			err = s ? add_text(r, s) : -EBADMSG;
		}
		return err == -EBADMSG ? 0 : err;
	}
	return 0;
}

const char *record_reader_text(const struct record_reader *reader, const char *key)
{
	struct record_reader *r =
		(struct record_reader *)reader; /* texts are read when asked for */
	const char *p, *value;

	if (!r->texts.n && read_texts(r))
		return NULL;
	for (p = r->texts.items; p && p < r->texts.items + r->texts.n;
	     p = value + strlen(value) + 1) {
		value = p + strlen(p) + 1;
		if (value >= r->texts.items + r->texts.n)
			break;
		if (!strcmp(p, key))
			return value;
	}
	return NULL;
}

uint64_t record_reader_left_out(const struct record_reader *r, enum record_left_out what)
{
	const char *text = r->windowed ? record_reader_text(r, record_left_out_keys[what]) : NULL;

	/* a text that is no number is as good as none */
	if (!text || text[strspn(text, "0123456789")])
		return 0;
	return strtoull(text, NULL, 10);
}

static int visit_symbols(struct cursor *c, const struct record_names_visitor *v)
{
	uint64_t n;
	int err = 0;

	for (n = take_number(c); n && !c->bad && !err; n--) {
		struct record_symbol s = { .address = take_number(c) };
		_cleanup_free_ char *name = NULL, *module = NULL;

		s.start = take_number(c);
		s.size = take_number(c);
		s.name = name = take_string(c);
		s.module = module = c->bad ? NULL : take_string(c);
		if (!c->bad)
			err = v->symbol(v->arg, &s);
	}
	return err;
}

/* What follows @n places: their generations, which are not in older recordings. */
static struct cursor generations_of(struct cursor places, uint64_t n)
{
	size_t i;

	for (; n && !places.bad; n--) {
		skip_string(&places);
		for (i = 0; i < 7; i++)
			take_number(&places);
		skip_string(&places);
		take_number(&places);
	}
	return places;
}

static int visit_code(struct cursor *c, const struct record_names_visitor *v)
{
	uint64_t n = take_number(c);
	struct cursor generations = generations_of(*c, n);
	bool told = !generations.bad && generations.at.p < generations.at.end;
	int err = 0;

	for (; n && !c->bad && !err; n--) {
		_cleanup_free_ char *path = take_string(c), *name = NULL;
		struct record_code code = { .path = path };

		code.major = (uint32_t)take_number(c);
		code.minor = (uint32_t)take_number(c);
		code.pid = (uint32_t)take_number(c);
		code.inode = take_number(c);
		code.start = take_number(c);
		code.end = take_number(c);
		code.offset = take_number(c);
		code.name = name = c->bad ? NULL : take_string(c);
		code.into = take_number(c);
		code.generation = told ? (uint32_t)take_number(&generations) : 0;
		c->bad |= generations.bad && told;
		if (!c->bad)
			err = v->code(v->arg, &code);
	}
	return err;
}

int record_reader_names(struct record_reader *r, const struct record_names_visitor *v)
{
	_cleanup_(block_bytes_free) struct block_bytes bytes = { 0 };
	size_t i;

	for (i = 0; (i = find_block(r, i, 1u << BLOCK_NAMES)) < r->blocks.n; i++) {
		struct cursor c = { 0 };
		int err = read_block(r, i, &bytes, &c.at.p);

		if (err == -EBADMSG)
			continue;
		c.at.end = c.at.p + (err ? 0 : r->blocks.items[i].block.raw);
		if (!err)
			err = visit_symbols(&c, v);
		if (!err && !c.bad)
			err = visit_code(&c, v);
		if (err)
			return err;
		if (c.bad)
			note_bad(r, &r->blocks.items[i], 0);
	}
	return 0;
}

/* --- records ------------------------------------------------------------------------------------------ */

/* Block @p is the next in the file's order: what is told again at its beginning may be missing. */
static void advance(struct record_reader *r, const struct block_place *p)
{
	r->lost |= p->block.sequence > r->sequence + 1;
	r->sequence = MAX(r->sequence, p->block.sequence);
}

/* Which blocks matter where we are: a pool only once, and only if the beginning is missing. */
static size_t find_next(struct record_reader *r)
{
	size_t i = r->next;

	if (r->phase == PHASE_FACTS) {
		i = find_block(r, i, 1u << BLOCK_POOL);
		if (i < r->pool_end)
			return i;
		r->phase = PHASE_EVENTS;
		i = 0;
	}
	for (; i < r->blocks.n; i++) {
		const struct block_place *p = &r->blocks.items[i];

		/* names may stand between the blocks of a pool */
		if (p->block.type == BLOCK_EVENTS ||
		    (p->block.type == BLOCK_POOL && i >= r->pool && i < r->pool_end))
			break;
		advance(r, p);
	}
	return i;
}

/* Begin with the next block that can be read; *@ret_more: there is one. */
static int begin_block(struct record_reader *r, bool *ret_more)
{
	size_t i;

	while ((i = find_next(r)) < r->blocks.n) {
		struct block_place *p = &r->blocks.items[i];
		const uint8_t *payload;
		int err = read_block(r, i, &r->bytes, &payload);

		r->next = i + 1;
		if (!err)
			err = decoder_begin(r->decoder, payload, p->block.raw);
		if (err == -EBADMSG)
			note_bad(r, p, p->block.n);
		if (r->phase == PHASE_EVENTS)
			advance(r, p);
		if (err == -EBADMSG) {
			r->lost = true;
			continue;
		}
		if (err)
			return err;
		r->pooled = p->block.type == BLOCK_POOL;
		r->left = p->block.n;
		r->preamble |= r->lost; /* of a pool: of the block behind it */
		r->lost = false;
		*ret_more = r->open = true;
		return 0;
	}
	*ret_more = false;
	return 0;
}

/* Whether a record of a pool is told where we are: facts first, processes where they belong. */
static bool pool_wants(const struct record_reader *r, const struct event_header *h)
{
	bool process =
		h->kind == EVENT_PROCESS || h->kind == EVENT_MAP || h->kind == EVENT_MAPS_LOST;

	return process == (r->phase == PHASE_EVENTS);
}

/* Take from a pool what is wanted, none of it younger than what comes next. */
static void pick(struct record_reader *r, const struct event_header *const **records, size_t *n)
{
	uint64_t limit = r->time;
	size_t i, left = 0;

	if (r->phase == PHASE_FACTS)
		limit = r->from;
	for (i = 0; i < *n; i++) {
		struct event_header *h = (struct event_header *)(*records)[i];

		if (!pool_wants(r, h))
			continue;
		h->time = MIN(h->time, limit);
		r->picked[left++] = h;
	}
	*records = r->picked;
	*n = left;
}

/* What is told again has the time of its block's first record, which need not be the oldest that is left. */
static void precede(const struct record_reader *r, const struct event_header *const *records,
		    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct event_header *h = (struct event_header *)records[i];

		h->time = MIN(h->time, r->from);
	}
}

/* What the decoder handed out, if it is to be told. */
static bool take(struct record_reader *r, const struct event_header *const **records, size_t *n,
		 bool preamble)
{
	if (r->pooled) {
		pick(r, records, n);
		return *n;
	}
	if (preamble) {
		if (r->windowed && !r->time)
			precede(r, *records, *n);
		return *n && r->preamble;
	}
	r->preamble = false;
	r->left -= (uint32_t)MIN((size_t)r->left, *n);
	if (*n)
		r->time = MAX(r->time, (*records)[*n - 1]->time);
	return *n;
}

int record_reader_next(struct record_reader *r, const struct event_header *const **ret,
		       size_t *ret_n)
{
	for (;;) {
		bool more = true, preamble, told;
		int err = r->open ? 0 : begin_block(r, &more);

		if (err || !more) {
			*ret_n = 0;
			return err;
		}
		err = decoder_next(r->decoder, ret, ret_n, &preamble);
		if (err == -ENOMEM)
			return err;
		r->open = !err && *ret_n;
		told = take(r, ret, ret_n, preamble);
		if (err) {
			note_bad(r, &r->blocks.items[r->next - 1], r->left);
			r->lost = true;
		}
		if (told)
			return 0;
	}
}

void record_reader_damage(const struct record_reader *r, struct record_damage *ret)
{
	*ret = r->damage;
}
