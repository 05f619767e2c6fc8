// SPDX-License-Identifier: GPL-2.0
#include "record/blocks.h"

#include <errno.h>
#include <zlib.h>

#include "base/vec.h"

#define CHUNK (64u << 10) /* that is searched at once */

/* All of @n bytes at @offset, or -EIO for fewer. */
static int read_all(int fd, void *to, size_t n, uint64_t offset)
{
	uint8_t *p = to;

	while (n) {
		ssize_t got = pread(fd, p, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		p += got;
		n -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

static bool room_for(uint8_t **p, size_t *room, size_t n)
{
	uint8_t *more;

	if (n <= *room)
		return true;
	more = realloc(*p, n);
	if (!more)
		return false;
	*p = more;
	*room = n;
	return true;
}

void block_bytes_free(struct block_bytes *b)
{
	free(b->file);
	free(b->raw);
	memset(b, 0, sizeof(*b));
}

int block_read(int fd, const struct block_place *p, struct block_bytes *b, const uint8_t **ret)
{
	const struct record_block *h = &p->block;
	uLongf raw = h->raw;
	int err;

	if (!room_for(&b->file, &b->file_room, RECORD_BLOCK_SIZE + (size_t)h->size))
		return -ENOMEM;
	err = read_all(fd, b->file, RECORD_BLOCK_SIZE + (size_t)h->size, p->offset);
	if (err)
		return err;
	if (!record_block_right(b->file, b->file + RECORD_BLOCK_SIZE, h->size))
		return -EBADMSG;
	*ret = b->file + RECORD_BLOCK_SIZE;
	if (!(h->flags & BLOCK_DEFLATED))
		return 0;
	if (!room_for(&b->raw, &b->raw_room, h->raw + 1))
		return -ENOMEM;
	if (uncompress(b->raw, &raw, *ret, h->size) != Z_OK || raw != h->raw)
		return -EBADMSG;
	*ret = b->raw;
	return 0;
}

/* --- finding ---------------------------------------------------------------------------------------- */

struct search {
	int fd;
	uint64_t size;
	uint64_t effort; /* bytes that may still be checked: what looks like blocks may be endless */
	struct block_bytes bytes;
};

/* Whether a block's header is at @offset, and the whole block in the file. */
static int header_at(const struct search *s, uint64_t offset, struct block_place *ret,
		     bool *ret_cut)
{
	uint8_t header[RECORD_BLOCK_SIZE];
	struct block_place p = { .offset = offset };
	int err;

	if (s->size - offset < sizeof(header))
		return -ENOENT;
	err = read_all(s->fd, header, sizeof(header), offset);
	if (err)
		return err;
	if (!record_unpack_block(header, &p.block))
		return -ENOENT;
	*ret_cut = p.block.size > s->size - offset - sizeof(header);
	if (*ret_cut)
		return -ENOENT;
	*ret = p;
	return 0;
}

static int whole_at(struct search *s, uint64_t offset, struct block_place *ret)
{
	const uint8_t *payload;
	bool cut;
	int err = header_at(s, offset, ret, &cut);

	if (err)
		return err;
	if (s->effort < ret->block.size)
		return -ENOENT;
	s->effort -= ret->block.size;
	err = block_read(s->fd, ret, &s->bytes, &payload);
	return err == -EBADMSG ? -ENOENT : err;
}

/* The next whole block at @from or behind it. 0, -ENOENT, or what reading said. */
static int find_whole(struct search *s, uint64_t from, struct block_place *ret)
{
	static const uint8_t magic[4] = { 'K', 'M', 'S', 'B' };
	uint8_t chunk[CHUNK];

	while (from < s->size) {
		size_t n = (size_t)MIN(s->size - from, (uint64_t)CHUNK);
		const uint8_t *p = chunk;
		int err = read_all(s->fd, chunk, n, from);

		if (err)
			return err;
		while ((p = memmem(p, (size_t)(chunk + n - p), magic, sizeof(magic)))) {
			err = whole_at(s, from + (uint64_t)(p - chunk), ret);
			if (err != -ENOENT)
				return err;
			p++;
		}
		if (n <= sizeof(magic))
			break;
		from += n - (sizeof(magic) - 1);
	}
	return -ENOENT;
}

static int compare_places(const void *a, const void *b)
{
	const struct block_place *x = a, *y = b;

	return CMP(x->block.sequence, y->block.sequence);
}

/*
 * Where blocks do not follow each other: the last one may be what is wrong, with a length that leads
 * astray. Returns where to look on from.
 */
static uint64_t doubt_last(struct search *s, struct blocks *b, uint64_t at)
{
	struct block_place *last = b->n ? &b->items[b->n - 1] : NULL;
	const uint8_t *payload;

	if (!last || block_read(s->fd, last, &s->bytes, &payload) != -EBADMSG)
		return at;
	b->n--;
	return last->offset + 1;
}

static int find_all(struct search *s, uint64_t from, struct blocks *b)
{
	uint64_t at = from;

	while (at < s->size) {
		struct block_place p, *to;
		bool cut = false;
		uint64_t end = b->n ? b->items[b->n - 1].offset : from;
		int err = header_at(s, at, &p, &cut);

		if (err == -ENOENT) {
			uint64_t doubted = doubt_last(s, b, at);

			err = find_whole(s, doubted, &p);
			b->cut |= err == -ENOENT && (cut || s->size - at < RECORD_BLOCK_SIZE);
			end = doubted > at ? at : doubted == at ? at : doubted - 1;
			b->strange += (err ? s->size : p.offset) - end;
		}
		if (err)
			return err == -ENOENT ? 0 : err;
		to = vec_add(b);
		if (!to)
			return -ENOMEM;
		*to = p;
		at = p.offset + RECORD_BLOCK_SIZE + p.block.size;
	}
	return 0;
}

int blocks_find(int fd, uint64_t from, uint64_t size, bool ring, struct blocks *ret)
{
	struct search s = { .fd = fd, .size = size, .effort = 4 * size + (64u << 20) };
	struct blocks b = { 0 };
	int err = find_all(&s, from, &b);

	block_bytes_free(&s.bytes);
	if (err) {
		blocks_free(&b);
		return err;
	}
	if (b.n)
		qsort(b.items, b.n, sizeof(*b.items), compare_places);
	if (ring)
		b.strange = 0;
	*ret = b;
	return 0;
}

void blocks_free(struct blocks *b)
{
	free(b->items);
	memset(b, 0, sizeof(*b));
}
