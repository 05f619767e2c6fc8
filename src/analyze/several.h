/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_SEVERAL_H
#define KMSCOPE_ANALYZE_SEVERAL_H
/* Several analyzers, or none, as one that gets all records once. */
#include "analyze/analyzer.h"

#define SEVERAL_MAX 16

/*
 * Takes over @n (at most SEVERAL_MAX) of them, also if it fails. It reports nothing itself. NULL: no
 * memory.
 */
struct analyzer *several_new(struct analyzer *const *parts, size_t n);

/* The analyzer named @name among them, its own; or NULL. */
struct analyzer *several_find(struct analyzer *several, const char *name);

#endif
