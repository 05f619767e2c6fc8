/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_ALIASES_H
#define KMSCOPE_RECORD_ALIASES_H
/* Other names for names, and other numbers for numbers: the same for the same, in order of appearance. */
#include "base/base.h"
#include "base/u64map.h"

/* Zero when empty, but for .prefix. */
struct aliases {
	const char *prefix; /* aliases are «prefix-1», «prefix-2», … */
	struct {
		struct alias {
			char *name, *alias; /* owned */
		} * items;
		size_t n, capacity;
	} all;
	struct u64map alias_of; /* by hash */
};

/* The alias of the first @n bytes of @name, which stays. NULL: no memory. */
const char *aliases_get(struct aliases *a, const char *name, size_t n);
/* The one that @name has; NULL: none. */
const char *aliases_known(const struct aliases *a, const char *name);
/* Give @name, which has none, @alias, which is taken over; it is returned. NULL, too, is no memory. */
const char *aliases_set(struct aliases *a, const char *name, char *alias);
void aliases_free(struct aliases *a);

/* The number for @number, from 1 on; 0 stays 0, and is what comes back when memory is short. */
uint32_t aliases_number(struct u64map *m, uint64_t number);

#endif
