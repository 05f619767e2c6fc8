// SPDX-License-Identifier: GPL-2.0
#include "base/vec.h"

void *vec_reserve(void *items, size_t n, size_t *capacity, size_t more, size_t size)
{
	size_t need, room;
	void *moved;

	if (__builtin_add_overflow(n, more, &need))
		return NULL;
	if (need <= *capacity)
		return items;
	room = MAX(*capacity, (size_t)8);
	while (room < need)
		if (__builtin_mul_overflow(room, 2, &room))
			return NULL;
	moved = reallocarray(items, room, size);
	if (moved)
		*capacity = room;
	return moved;
}
