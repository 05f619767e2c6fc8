// SPDX-License-Identifier: GPL-2.0
#include "render/lanes.h"

#include <errno.h>

#include "base/vec.h"

void lanes_free(struct lanes *l)
{
	free(l->all.items);
	free(l->groups.items);
	u64map_free(&l->group_of);
	memset(l, 0, sizeof(*l));
}

/* A new lane behind @last of @group; LANES_NONE: it is the first, or memory is short. */
static uint32_t lane_add(struct lanes *l, uint32_t group, uint32_t last)
{
	struct lane *lane = vec_add(&l->all);
	uint32_t i = (uint32_t)(l->all.n - 1);

	if (!lane)
		return LANES_NONE;
	lane->group = group;
	lane->next = LANES_NONE;
	if (last == LANES_NONE)
		return i;
	lane->number = l->all.items[last].number + 1;
	l->all.items[last].next = i;
	return i;
}

int lanes_first(struct lanes *l, uint64_t key, uint32_t *ret)
{
	uint32_t group = u64map_get(&l->group_of, key), first;
	struct lane_group *g;

	if (group != U64MAP_NONE) {
		*ret = l->groups.items[group].first;
		return 0;
	}
	group = (uint32_t)l->groups.n;
	g = vec_add(&l->groups);
	if (!g || u64map_set(&l->group_of, key, group))
		return -ENOMEM;
	first = lane_add(l, group, LANES_NONE);
	if (first == LANES_NONE)
		return -ENOMEM;
	g->key = key;
	g->first = first;
	*ret = first;
	return 0;
}

int lanes_take(struct lanes *l, uint64_t key, uint64_t start, uint64_t ns, uint32_t *ret)
{
	uint64_t end = start + ns < start ? UINT64_MAX : start + ns;
	uint32_t i, last = LANES_NONE;
	int err = lanes_first(l, key, &i);

	if (err)
		return err;
	for (; i != LANES_NONE && l->all.items[i].end > start; i = l->all.items[i].next)
		last = i;
	if (i == LANES_NONE && l->all.items[last].number + 1 < LANES_MAX) {
		i = lane_add(l, l->all.items[last].group, last);
		if (i == LANES_NONE)
			return -ENOMEM;
	}
	if (i != LANES_NONE)
		l->all.items[i].end = end;
	*ret = i;
	return 0;
}
