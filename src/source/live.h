/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_LIVE_H
#define KMSCOPE_SOURCE_LIVE_H
/* The running kernel as a source. */
#include "probe/attach.h"
#include "source/source.h"

#define LIVE_BUFFER_MIN ((size_t)1 << 12)
#define LIVE_BUFFER_MAX ((size_t)1 << 30)

struct live_options {
	unsigned int areas; /* enum probe_area */
	enum probe_choice probe;
	struct config config; /* selection, sampling, stacks */
	size_t ring_size; /* bytes a CPU; 0: live_default_ring_size() */
	int cgroup_fd; /* -1: none */
	uint32_t pid; /* AREA_FAULTS: the only process that there is to know of before the start; 0: all */
	uint64_t renew_after; /* bytes after which a ring is replaced; 0: live_default_renewal() */
};

/* At most 16 MiB a CPU and 1/64 of the memory in all, counted over possible CPUs. */
size_t live_default_ring_size(void);

/*
 * How much a ring may carry. On 32-bit kernels positions are 32 bits wide, and a ring buffer stops for
 * good when they wrap (seen on 6.1 and 6.12): there 3 GiB, elsewhere no limit.
 */
uint64_t live_default_renewal(void);

/*
 * Load everything that @c allows for @o; attaches nothing until start(). A failure says what is
 * missing.
 */
int live_open(const struct capset *c, const struct live_options *o, struct source **ret,
	      struct failure *f);

/* Follow thread @tid and its descendants (live_options.follow_children). */
int live_follow(struct source *s, uint32_t tid);

#endif
