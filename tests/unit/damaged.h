/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_UNIT_DAMAGED_H
#define KMSCOPE_TESTS_UNIT_DAMAGED_H
/*
 * Recordings taken apart into blocks and put together otherwise, with checksums that are right. Include
 * before cmocka.h.
 */
#include <sys/mman.h>
#include <zlib.h>

#include "records.h"

struct part {
	struct record_block block;
	uint64_t offset; /* in the file that it was taken from */
	uint8_t *raw; /* owned: the payload, inflated, block.raw bytes */
};

struct parts {
	struct record_header header;
	struct part *items;
	size_t n, capacity;
};

#define _cleanup_parts_ _cleanup_(parts_free)

static inline void parts_free(struct parts *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->items[i].raw);
	free(p->items);
	memset(p, 0, sizeof(*p));
}

/* Take a whole recording apart. */
static inline struct parts parts_of(const uint8_t *bytes, size_t n)
{
	struct parts p = { 0 };
	uint64_t at = RECORD_HEADER_SIZE;

	if (record_unpack_header(bytes, &p.header) != HEADER_FINE)
		abort();
	while (at < n) {
		struct part *to = vec_add(&p);
		const uint8_t *payload = bytes + at + RECORD_BLOCK_SIZE;
		uLongf raw;

		if (!to || !record_unpack_block(bytes + at, &to->block))
			abort();
		to->offset = at;
		to->raw = malloc(to->block.raw + 1);
		raw = to->block.raw;
		if (!(to->block.flags & BLOCK_DEFLATED))
			memcpy(to->raw, payload, raw);
		else if (uncompress(to->raw, &raw, payload, to->block.size) != Z_OK)
			abort();
		at += RECORD_BLOCK_SIZE + to->block.size;
	}
	return p;
}

static inline struct part part_copy(const struct part *from)
{
	struct part to = *from;

	to.raw = malloc(to.block.raw + 1);
	memcpy(to.raw, from->raw, to.block.raw);
	return to;
}

static inline struct parts parts_copy(const struct parts *from)
{
	struct parts to = { .header = from->header };
	size_t i;

	for (i = 0; i < from->n; i++) {
		struct part *part = vec_add(&to);

		*part = part_copy(&from->items[i]);
	}
	return to;
}

static inline void parts_remove(struct parts *p, size_t i)
{
	free(p->items[i].raw);
	memmove(&p->items[i], &p->items[i + 1], (p->n - i - 1) * sizeof(*p->items));
	p->n--;
}

static inline void parts_swap(struct parts *p, size_t i, size_t k)
{
	struct part was = p->items[i];

	p->items[i] = p->items[k];
	p->items[k] = was;
}

/* A file in memory, and a name for it. */
struct memory_file {
	int fd;
	char path[32];
};

static inline struct memory_file memory_file(void)
{
	struct memory_file f = { .fd = memfd_create("recording", MFD_CLOEXEC) };

	if (f.fd < 0)
		abort();
	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
	return f;
}

static inline void memory_write(const struct memory_file *f, const void *bytes, size_t n,
				uint64_t offset)
{
	if (pwrite(f->fd, bytes, n, (off_t)offset) != (ssize_t)n)
		abort();
}

static inline void memory_fill(const struct memory_file *f, const void *bytes, size_t n)
{
	if (ftruncate(f->fd, 0))
		abort();
	memory_write(f, bytes, n, 0);
}

/* Put @part at @at; what its header says of lengths and flags is made right. Returns where it ends. */
static inline uint64_t part_write(const struct memory_file *f, const struct part *part, uint64_t at)
{
	uint8_t header[RECORD_BLOCK_SIZE];
	struct record_block b = part->block;
	uLongf n = compressBound(b.raw);
	_cleanup_free_ uint8_t *deflated = malloc(n);
	const uint8_t *payload = part->raw;

	b.size = b.raw;
	if (b.flags & BLOCK_DEFLATED) {
		if (compress2(deflated, &n, part->raw, b.raw, 1) != Z_OK)
			abort();
		b.size = (uint32_t)n;
		payload = deflated;
	}
	record_pack_block(&b, payload, header);
	memory_write(f, header, sizeof(header), at);
	memory_write(f, payload, b.size, at + sizeof(header));
	return at + sizeof(header) + b.size;
}

static inline void parts_write(const struct memory_file *f, const struct parts *p)
{
	uint8_t header[RECORD_HEADER_SIZE];
	uint64_t at = RECORD_HEADER_SIZE;
	size_t i;

	if (ftruncate(f->fd, 0))
		abort();
	record_pack_header(&p->header, header);
	memory_write(f, header, sizeof(header), 0);
	for (i = 0; i < p->n; i++)
		at = part_write(f, &p->items[i], at);
}

/* --- a recording to begin with ------------------------------------------------------------------------ */

/* Some records of all kinds, as a kernel might have them. */
static inline void add_some(struct chance *c, struct list *l, uint64_t *time, size_t n)
{
	_Alignas(8) uint8_t room[RECORD_ROOM(512)];
	struct event_header *h = (struct event_header *)room;

	while (n--) {
		do
			chance_record(c, all_kinds[chance_below(c, ARRAY_SIZE(all_kinds))],
				      (uint32_t)chance_below(c, 64), h);
		while (h->kind == EVENT_START || h->kind == EVENT_END);
		h->time = *time += chance_below(c, 1000);
		h->cpu %= 4;
		h->pid %= 5;
		if (h->kind == EVENT_STACK) /* analyzers have a table of them */
			((struct event_stack *)h)->id %= 100;
		list_add(l, h);
	}
}

static inline void add_start(struct list *l, uint64_t time)
{
	LIST_ADD(l, event_start, .h = { .time = time, .kind = EVENT_START }, .page_size = 4096,
		 .kmalloc_max = 8192, .n_cpus = 4, .sample = 1);
}

static inline void write_some_names(struct record_writer *w, uint64_t i)
{
	const struct record_symbol s[] = { { i, i, 64, "a_function", "vmlinux" },
					   { i + 64, i + 64, 64, "another", "a_module" } };
	const struct record_code code = { "/bin/true", 8, 1, 77, i, 0, 4096, i, "main", 1, 0 };

	record_writer_names(w, s, ARRAY_SIZE(s), &code, 1);
}

/*
 * Make a recording of some KB in @path with all that one can have: @blocks blocks of events between
 * names, and one of a snapshot. @l gets its records.
 */
static inline void make_some(const char *path, uint64_t seed, size_t blocks, struct list *l)
{
	static const struct record_text texts[] = { { "kernel", "6.12.0" }, { "areas", "slab" } };
	struct record_options o = { .path = path, .force = true };
	struct record_writer *w = begin_at(&o, texts, ARRAY_SIZE(texts));
	_Alignas(8) uint8_t room[RECORD_ROOM(2048)] = { 0 };
	struct event_snapshot *large = (struct event_snapshot *)room;
	struct chance c = { seed };
	uint64_t time = 1000000;
	size_t i, done = 0;

	add_start(l, time);
	for (i = 0; i < blocks; i++) {
		add_some(&c, l, &time, 15);
		if (i == blocks / 2) {
			*large = (struct event_snapshot){ .h = { .time = time,
								 .kind = EVENT_SNAPSHOT,
								 .flags = SNAPSHOT_GFP },
							  .size = 1500 };
			memset(large->data, 'x', 1499);
			list_add(l, large);
		}
		if (i == blocks - 1)
			LIST_ADD(l, event_header, .time = time, .kind = EVENT_END);
		for (; done < l->n; done++)
			record_writer_add(w, (const struct event_header *const *)l->items + done,
					  1);
		record_writer_flush(w);
		write_some_names(w, 4096 + i * 128);
	}
	end_at(w);
}

#endif
