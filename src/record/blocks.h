/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_BLOCKS_H
#define KMSCOPE_RECORD_BLOCKS_H
/* Which blocks a file has, and their payloads. */
#include "record/format.h"

struct block_place {
	struct record_block block;
	uint64_t offset; /* of its header in the file */
	bool bad; /* for whoever reads it: it can't be */
};

struct blocks {
	struct block_place *items; /* by .sequence, which is different in each */
	size_t n, capacity;
	bool cut; /* the file ends in the middle of one */
	uint64_t strange; /* bytes that belong to none */
	size_t bad_first, bad_last; /* damaged ones at both ends, which were left out */
};

/*
 * Find the blocks of @fd, a file of @size bytes whose first block is at @from. Where one does not follow
 * another, the next that is whole is looked for. @ring: what lies between is no surprise. Only the first
 * and the last are sure to be whole. What is read for that is bounded by a few times @size. 0, -ENOMEM,
 * or what pread() said.
 */
int blocks_find(int fd, uint64_t from, uint64_t size, bool ring, struct blocks *ret);
void blocks_free(struct blocks *b);

struct block_bytes {
	uint8_t *file, *raw; /* owned */
	size_t file_room, raw_room;
};

/*
 * Read the payload of @p, inflated: *@ret, of p->block.raw bytes, is in @b. -EBADMSG if it is not what
 * was written.
 */
int block_read(int fd, const struct block_place *p, struct block_bytes *b, const uint8_t **ret);
void block_bytes_free(struct block_bytes *b);

#endif
