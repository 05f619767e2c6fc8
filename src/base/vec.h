/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_VEC_H
#define KMSCOPE_BASE_VEC_H
/*
 * Growable arrays. A vector is any struct with the members «T *items; size_t n, capacity;», all
 * zero when empty. Its owner frees .items.
 */
#include <string.h>

#include "base/base.h"

/*
 * Make room for @more items of @size bytes in an array of @n items and room for *@capacity.
 * Returns the (moved) array, or NULL with everything unchanged when memory is short or the size
 * would overflow.
 */
void *vec_reserve(void *items, size_t n, size_t *capacity, size_t more, size_t size) _must_check_;

/* Append one zeroed item and evaluate to its address, or to NULL when memory is short. */
#define vec_add(v)                                                                              \
	({                                                                                      \
		__typeof__(v) vec_v = (v);                                                      \
		void *vec_items = vec_reserve(vec_v->items, vec_v->n, &vec_v->capacity, 1,      \
					      sizeof(*vec_v->items));                           \
		if (vec_items)                                                                  \
			vec_v->items = vec_items;                                               \
		vec_items ? memset(&vec_v->items[vec_v->n++], 0, sizeof(*vec_v->items)) : NULL; \
	})

/* An empty vector has no items to add 0 to: that is undefined in C (and found by clang's UBSan). */
#define vec_for_each(v, item) \
	for ((item) = (v)->items; (item) && (item) < (v)->items + (v)->n; (item)++)

#endif
