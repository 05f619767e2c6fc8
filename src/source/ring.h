/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_RING_H
#define KMSCOPE_SOURCE_RING_H
/*
 * Reads one BPF ring buffer in place. libbpf's reader gives a record back as soon as its callback
 * returns; ours must be able to hold records until the merge has let them go.
 *
 * Layout of the mapping: kernel/bpf/ringbuf.c; a page with the consumer's position, a page with the
 * producer's, then the data, which the kernel maps twice so that records never wrap.
 */
#include "base/base.h"
#include "event/event.h"

struct ring {
	int fd; /* owned; the ring buffer map */
	size_t size;
	unsigned long *consumer;
	const unsigned long *producer; /* its mapping also holds the data */
	const char *data;
	unsigned long next; /* position of the next record to read */
};

/* Map the ring buffer @fd of @size bytes. Takes @fd over when it succeeds. 0 or negative errno. */
int ring_open(struct ring *r, int fd, size_t size);
/* Does nothing to one that is closed or all zero. */
void ring_close(struct ring *r);

enum ring_state {
	RING_RECORD, /* a record was read */
	RING_EMPTY, /* nothing more for now */
	RING_BUSY, /* the next record is still being written */
};

/* Read the next valid record, which stays valid until released, and its position. */
enum ring_state ring_read(struct ring *r, const struct event_header **ret_record,
			  uint64_t *ret_position);
/* Bytes that have been read but not given back. */
size_t ring_unreleased(const struct ring *r);
/* Give everything before @position back to the kernel. */
void ring_release(struct ring *r, uint64_t position);

#endif
