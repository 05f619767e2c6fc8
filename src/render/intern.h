/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_INTERN_H
#define KMSCOPE_RENDER_INTERN_H
/* Numbers, from 0, for byte strings, the same for equal ones, in the order of their first use. */
#include "base/base.h"

#define INTERN_NONE UINT32_MAX

struct intern_item {
	size_t at, n; /* in the pool */
	uint32_t hash;
};

/* Zero-initialise it. */
struct intern {
	struct {
		struct intern_item *items;
		size_t n, capacity;
	} all;
	struct {
		char *items;
		size_t n, capacity;
	} pool;
	uint32_t *slots; /* hash table of numbers + 1; 0: free */
	size_t n_slots;
};

/* The number of the @n bytes at @bytes, which are copied; INTERN_NONE when memory is short. */
uint32_t intern_add(struct intern *in, const void *bytes, size_t n);
/* The @number'th of them, *@ret_n bytes, until the next one is added. */
const void *intern_get(const struct intern *in, size_t number, size_t *ret_n);
void intern_free(struct intern *in);

#endif
