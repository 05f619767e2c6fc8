/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SYM_MEMO_H
#define KMSCOPE_SYM_MEMO_H
/*
 * A symbolizer that remembers what it was asked: what a recording has to know of kernel addresses, and
 * what it knows when it is read. The first answer stays: code that a module had must not get the name of
 * what lies there later.
 */
#include "sym/symbolizer.h"

/* What was found at an address. */
struct memo_entry {
	uint64_t address;
	uint64_t start, size;
	const char *name, *module; /* the memo's */
};

/*
 * @inner answers what is not known yet, and belongs to the memo from here on, also if this fails; NULL:
 * only what memo_learn() was told is known. 0 or -ENOMEM.
 */
int memo_new(struct symbolizer *inner, struct symbolizer **ret);

/* Ask @inner from here on, which now belongs to the memo; what is known stays. */
void memo_renew(struct symbolizer *memo, struct symbolizer *inner);

/* 0 or -ENOMEM; what is known already stays as it is. */
int memo_learn(struct symbolizer *memo, const struct memo_entry *e);

/* The entries, in the order in which they became known; those before stay where they are. */
size_t memo_count(const struct symbolizer *memo);
const struct memo_entry *memo_entry(const struct symbolizer *memo, size_t i);

#endif
