// SPDX-License-Identifier: GPL-2.0
#include "source/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

int ring_open(struct ring *r, int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;
	int err;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		err = -errno;
		munmap(consumer, page);
		return err;
	}
	*r = (struct ring){
		.fd = fd,
		.size = size,
		.consumer = consumer,
		.producer = producer,
		.data = (const char *)producer + page,
	};
	return 0;
}

void ring_close(struct ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!r->consumer)
		return;
	munmap(r->consumer, page);
	munmap((void *)r->producer, page + 2 * r->size);
	closep(&r->fd);
	memset(r, 0, sizeof(*r));
	r->fd = -1;
}

enum ring_state ring_read(struct ring *r, const struct event_header **ret_record,
			  uint64_t *ret_position)
{
	unsigned long produced = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);

	/* positions are as wide as the kernel's long and wrap: compare their difference */
	while ((long)(produced - r->next) > 0) {
		const char *at = r->data + (r->next & (r->size - 1));
		uint32_t word = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
		uint32_t len = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		const struct event_header *record = (const void *)(at + BPF_RINGBUF_HDR_SZ);

		if (word & BPF_RINGBUF_BUSY_BIT)
			return RING_BUSY;
		*ret_position = r->next;
		r->next += (len + BPF_RINGBUF_HDR_SZ + 7) & ~7u;
		if (word & BPF_RINGBUF_DISCARD_BIT || !event_valid(record, len))
			continue;
		*ret_record = record;
		return RING_RECORD;
	}
	return RING_EMPTY;
}

size_t ring_unreleased(const struct ring *r)
{
	return r->next - __atomic_load_n(r->consumer, __ATOMIC_RELAXED);
}

void ring_release(struct ring *r, uint64_t position)
{
	__atomic_store_n(r->consumer, (unsigned long)position, __ATOMIC_RELEASE);
}
