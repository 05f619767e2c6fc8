// SPDX-License-Identifier: GPL-2.0
#include "source/sideband.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "source/sideband_proc.h"
#include "source/sideband_queue.h"
#include "source/sideband_records.h"
#include "source/sideband_ring.h"

#define BUFFER_MAX	 ((size_t)512 << 10)
#define BUFFER_PAGES_MIN 8
#define MEMORY_SHARE	 512 /* all buffers together take that part of it at most */

/* With less room than that, a record may not have found any: the largest has a path of 4 KiB. */
#define NEARLY_FULL 8192

#ifndef PERF_FORMAT_LOST
#define PERF_FORMAT_LOST (1U << 4) /* since 6.0 */
#endif

struct buffer {
	int fd;
	struct perf_ring ring; /* .control NULL: not mapped */
	bool tells_lost; /* read(fd) does */
	uint64_t lost; /* told of */
	uint64_t lost_ahead; /* … of these the kernel's record is still to come */
};

struct sideband {
	struct buffer *buffers;
	size_t n;
	int epoll;
	struct sideband_queue queue;
	char copy[PERF_RECORD_MAX] __attribute__((aligned(8)));
	union sideband_record record; /* last: it ends with an array of no size */
};

/* --- opening ------------------------------------------------------------------------------------ */

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Of one buffer, a power of two of pages. */
static size_t buffer_size(size_t n_cpus)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * page_size();
	uint64_t share = MIN(memory / MEMORY_SHARE / n_cpus, (uint64_t)BUFFER_MAX);

	return (size_t)MAX(round_up_pow2(share + 1) / 2, (uint64_t)BUFFER_PAGES_MIN * page_size());
}

static int event_open(size_t cpu, size_t size, bool *ret_tells_lost)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = SIDEBAND_SAMPLE,
		.read_format = PERF_FORMAT_LOST,
		.disabled = 1,
		.exclude_kernel = 1,
		.mmap = 1,
		.mmap2 = 1,
		.mmap_data = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.sample_id_all = 1,
		.watermark = 1,
		.wakeup_watermark = (uint32_t)(size / 2),
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	long fd = syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);

	*ret_tells_lost = fd >= 0;
	if (fd < 0 && errno == EINVAL) {
		attr.read_format = 0;
		fd = syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
	}
	return fd < 0 ? -errno : (int)fd;
}

/* Takes a smaller one where the wanted size is not to be had. */
static int buffer_map(struct buffer *b, size_t size)
{
	void *at;

	for (;; size /= 2) {
		at = mmap(NULL, page_size() + size, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
		if (at != MAP_FAILED)
			break;
		if ((errno != EPERM && errno != ENOMEM) ||
		    size / 2 < BUFFER_PAGES_MIN * page_size())
			return -errno;
	}
	b->ring = (struct perf_ring){
		.control = at,
		.data = (const char *)at + page_size(),
		.size = (uint32_t)size,
	};
	return 0;
}

static void buffer_close(struct buffer *b)
{
	if (b->ring.control)
		munmap(b->ring.control, page_size() + b->ring.size);
	b->ring.control = NULL;
	closep(&b->fd);
}

static int buffer_open(struct sideband *s, size_t cpu, size_t size)
{
	struct buffer *b = &s->buffers[s->n];
	struct epoll_event event = { .events = EPOLLIN };
	int err;

	b->fd = event_open(cpu, size, &b->tells_lost);
	if (b->fd < 0)
		return b->fd;
	err = buffer_map(b, size);
	if (!err && epoll_ctl(s->epoll, EPOLL_CTL_ADD, b->fd, &event))
		err = -errno;
	if (err)
		buffer_close(b);
	else
		s->n++;
	return err;
}

static int open_buffers(struct sideband *s, size_t n_cpus)
{
	size_t cpu, size = buffer_size(n_cpus);
	int err;

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	s->buffers = calloc(n_cpus, sizeof(*s->buffers));
	if (!s->buffers)
		return -ENOMEM;
	for (cpu = 0; cpu < n_cpus; cpu++) {
		err = buffer_open(s, cpu, size);
		/* offline */
		if (err && err != -ENODEV)
			return err;
	}
	log_debug("side-band: %zu buffers of %zu bytes", s->n, size);
	return s->n ? 0 : -ENODEV;
}

int sideband_open(size_t n_cpus, struct sideband **ret)
{
	_cleanup_(sideband_free) struct sideband *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->epoll = -1;
	err = n_cpus ? open_buffers(s, n_cpus) : 0;
	if (err)
		return err;
	*ret = TAKE_PTR(s);
	return 0;
}

void sideband_free(struct sideband **s)
{
	size_t i;

	if (!*s)
		return;
	for (i = 0; i < (*s)->n; i++)
		buffer_close(&(*s)->buffers[i]);
	free((*s)->buffers);
	closep(&(*s)->epoll);
	sideband_queue_free(&(*s)->queue);
	freep(s);
}

int sideband_fd(const struct sideband *s)
{
	return s->epoll;
}

int sideband_start(struct sideband *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (ioctl(s->buffers[i].fd, PERF_EVENT_IOC_ENABLE, 0))
			return -errno;
	return 0;
}

/* --- reading ------------------------------------------------------------------------------------ */

/* A record of the kernel's that says how many are missing: some of them may have been told. */
static uint64_t not_told(struct buffer *b, uint64_t lost)
{
	uint64_t told = MIN(lost, b->lost_ahead);

	b->lost_ahead -= told;
	b->lost += lost - told;
	return lost - told;
}

/*
 * That record is written before the next one that finds room, which may never come: ask where it was
 * scarce.
 */
static void ask_lost(struct sideband *s, struct buffer *b)
{
	struct {
		uint64_t value, lost;
	} now;
	uint64_t more;

	if (!b->tells_lost || read(b->fd, &now, sizeof(now)) != sizeof(now) || now.lost <= b->lost)
		return;
	more = now.lost - b->lost;
	b->lost += more;
	b->lost_ahead += more;
	sideband_queue_lost(&s->queue, clock_monotonic_ns(), more);
}

static void take_record(struct sideband *s, struct buffer *b, const struct perf_event_header *p)
{
	union sideband_record *record = &s->record;

	switch (sideband_from_perf(p, record)) {
	case SIDEBAND_NOTHING:
		return;
	case SIDEBAND_BAD:
		sideband_queue_lost(&s->queue, clock_monotonic_ns(), 1);
		return;
	case SIDEBAND_MADE:
		break;
	}
	if (record->h.kind == EVENT_MAPS_LOST) {
		record->lost.records = not_told(b, record->lost.records);
		if (!record->lost.records)
			return;
	}
	sideband_queue_put(&s->queue, &record->h);
}

static void buffer_read(struct sideband *s, struct buffer *b)
{
	const struct perf_event_header *p;
	enum perf_ring_state state;

	perf_ring_begin(&b->ring);
	while ((state = perf_ring_next(&b->ring, s->copy, &p)) == PERF_RING_RECORD)
		take_record(s, b, p);
	if (state == PERF_RING_BROKEN)
		sideband_queue_lost(&s->queue, clock_monotonic_ns(), 1);
	if (perf_ring_end(&b->ring) > b->ring.size - NEARLY_FULL)
		ask_lost(s, b);
}

void sideband_read(struct sideband *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		buffer_read(s, &s->buffers[i]);
}

int sideband_scan(struct sideband *s, uint32_t pid, size_t n_maps)
{
	return sideband_proc_scan(&s->queue, pid, n_maps);
}

int sideband_counts(struct sideband *s, enum fault_counts_of what, uint32_t pid)
{
	return sideband_proc_counts(&s->queue, what, pid);
}

const struct event_header *sideband_next(struct sideband *s, uint64_t time)
{
	return sideband_queue_next(&s->queue, time);
}
