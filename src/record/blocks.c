// SPDX-License-Identifier: GPL-2.0
#include "record/blocks.h"

#include <errno.h>
#include <zlib.h>

#include "base/vec.h"

/* Bytes that are searched at once: more each time, as gaps may be many or large. */
#define CHUNK_FIRST 256
#define CHUNK	    (64u << 10)

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

/* Read @p as it stands in the file. -EBADMSG if its checksum is wrong. */
static int read_whole(int fd, const struct block_place *p, struct block_bytes *b)
{
	size_t size = p->block.size;
	int err;

	if (!room_for(&b->file, &b->file_room, RECORD_BLOCK_SIZE + size))
		return -ENOMEM;
	err = read_all(fd, b->file, RECORD_BLOCK_SIZE + size, p->offset);
	if (err)
		return err;
	return record_block_right(b->file, b->file + RECORD_BLOCK_SIZE, size) ? 0 : -EBADMSG;
}

int block_read(int fd, const struct block_place *p, struct block_bytes *b, const uint8_t **ret)
{
	const struct record_block *h = &p->block;
	uLongf raw = h->raw;
	int err = read_whole(fd, p, b);

	if (err)
		return err;
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
	uint64_t effort; /* bytes that may still be read: what looks like blocks may be endless */
	struct block_bytes bytes;
};

static bool spend(struct search *s, uint64_t bytes)
{
	if (s->effort < bytes)
		return false;
	s->effort -= bytes;
	return true;
}

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
	bool cut;
	int err = header_at(s, offset, ret, &cut);

	if (err)
		return err;
	if (!spend(s, ret->block.size))
		return -ENOENT;
	err = read_whole(s->fd, ret, &s->bytes);
	return err == -EBADMSG ? -ENOENT : err;
}

/* The next whole block at @from or behind it. 0, -ENOENT, or what reading said. */
static int find_whole(struct search *s, uint64_t from, struct block_place *ret)
{
	static const uint8_t magic[4] = { 'K', 'M', 'S', 'B' };
	uint8_t chunk[CHUNK];
	size_t room = CHUNK_FIRST;

	while (from < s->size) {
		size_t n = (size_t)MIN(s->size - from, (uint64_t)room);
		const uint8_t *p = chunk;
		int err = spend(s, n) ? read_all(s->fd, chunk, n, from) : -ENOENT;

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
		room = MIN(2 * room, (size_t)CHUNK);
	}
	return -ENOENT;
}

static int compare_places(const void *a, const void *b)
{
	const struct block_place *x = a, *y = b;

	if (x->block.sequence != y->block.sequence)
		return CMP(x->block.sequence, y->block.sequence);
	return CMP(x->offset, y->offset);
}

/*
 * Where blocks do not follow each other: the last one may be what is wrong, with a length that leads
 * astray. Returns where to look on from.
 */
static uint64_t doubt_last(struct search *s, struct blocks *b, uint64_t at)
{
	struct block_place *last = b->n ? &b->items[b->n - 1] : NULL;

	if (!last || !spend(s, last->block.size) || read_whole(s->fd, last, &s->bytes) != -EBADMSG)
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
		int err = header_at(s, at, &p, &cut);

		if (err == -ENOENT) {
			uint64_t search = doubt_last(s, b, at);

			err = find_whole(s, search, &p);
			b->cut |= err == -ENOENT && (cut || s->size - at < RECORD_BLOCK_SIZE);
			/* from the end of the one before, or where the one that is none begins */
			b->strange += (err ? s->size : p.offset) - (search < at ? search - 1 : at);
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

/* Of those from @i to @end, which have the same number, the first that is whole; @i if none is. */
static int choose(struct search *s, const struct blocks *b, size_t i, size_t end, size_t *ret)
{
	size_t k;

	*ret = i;
	if (end - i == 1)
		return 0;
	for (k = i; k < end; k++) {
		int err = read_whole(s->fd, &b->items[k], &s->bytes);

		if (err == -EBADMSG)
			continue;
		*ret = k;
		return err;
	}
	return 0;
}

/* There is one of each number. */
static int drop_copies(struct search *s, struct blocks *b)
{
	size_t i, end, chosen, left = 0;

	for (i = 0; i < b->n; i = end) {
		uint64_t bytes = 0;
		int err;

		for (end = i;
		     end < b->n && b->items[end].block.sequence == b->items[i].block.sequence;
		     end++)
			bytes += RECORD_BLOCK_SIZE + b->items[end].block.size;
		err = choose(s, b, i, end, &chosen);
		if (err)
			return err;
		b->strange += bytes - RECORD_BLOCK_SIZE - b->items[chosen].block.size;
		b->items[left++] = b->items[chosen];
	}
	b->n = left;
	return 0;
}

/* A number that is wrong makes a block the first or the last: then it is neither. */
static int drop_ends(struct search *s, struct blocks *b)
{
	size_t first;
	int err = 0;

	while (b->n && (err = read_whole(s->fd, &b->items[b->n - 1], &s->bytes)) == -EBADMSG) {
		b->n--;
		b->bad_last++;
	}
	if (err && err != -EBADMSG)
		return err;
	for (first = 0; first < b->n; first++) {
		err = read_whole(s->fd, &b->items[first], &s->bytes);
		if (err != -EBADMSG)
			break;
	}
	if (err && err != -EBADMSG)
		return err;
	if (first)
		memmove(b->items, b->items + first, (b->n - first) * sizeof(*b->items));
	b->n -= first;
	b->bad_first = first;
	return 0;
}

int blocks_find(int fd, uint64_t from, uint64_t size, bool ring, struct blocks *ret)
{
	struct search s = { .fd = fd, .size = size, .effort = 4 * size + (64u << 20) };
	struct blocks b = { 0 };
	int err = find_all(&s, from, &b);

	if (!err && b.n)
		qsort(b.items, b.n, sizeof(*b.items), compare_places);
	if (!err)
		err = drop_copies(&s, &b);
	if (!err)
		err = drop_ends(&s, &b);
	block_bytes_free(&s.bytes);
	if (err) {
		blocks_free(&b);
		return err;
	}
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
