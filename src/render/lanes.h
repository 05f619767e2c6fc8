/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_LANES_H
#define KMSCOPE_RENDER_LANES_H
/*
 * Where events of a trace are drawn: groups of them, such as the major faults of a process, and in each
 * as many lanes as need be so that no two events of a lane overlap, which viewers of traces do not take.
 */
#include "base/base.h"
#include "base/u64map.h"

#define LANES_MAX  64 /* of a group */
#define LANES_NONE UINT32_MAX

struct lane {
	uint32_t group;
	uint32_t number; /* in its group, from 0 */
	uint32_t next; /* of its group, or LANES_NONE */
	uint64_t end; /* of what it holds */
};

struct lane_group {
	uint64_t key;
	uint32_t first; /* lane */
};

/* Zero-initialise it. */
struct lanes {
	struct {
		struct lane *items;
		size_t n, capacity;
	} all; /* in order of their first use */
	struct {
		struct lane_group *items;
		size_t n, capacity;
	} groups;
	struct u64map group_of;
};

void lanes_free(struct lanes *l);

/*
 * A lane of group @key for what happens from @start on for @ns. Called in order of @start. 0, or -ENOMEM;
 * *@ret is LANES_NONE if all lanes that a group may have are taken just then.
 */
int lanes_take(struct lanes *l, uint64_t key, uint64_t start, uint64_t ns, uint32_t *ret);
/* The first lane of group @key, for what has no length. 0 or -ENOMEM. */
int lanes_first(struct lanes *l, uint64_t key, uint32_t *ret);

#endif
