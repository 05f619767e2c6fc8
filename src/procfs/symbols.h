/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROCFS_SYMBOLS_H
#define KMSCOPE_PROCFS_SYMBOLS_H
/*
 * Looking for a few functions among the 200,000 lines of /proc/kallsyms. sscanf() and a comparison with each
 * name take seconds on a slow machine.
 */
#include "base/base.h"

struct symbol_line {
	uint64_t address; /* 0 where addresses are hidden */
	char type;
	const char *name; /* in the line, not empty; as long as that is */
};

/* Take @line apart: «ADDRESS TYPE NAME», and what may follow. It is cut behind the name. */
bool symbol_line_parse(char *line, struct symbol_line *ret);

/* Which names may be among some, by how they begin. */
struct symbol_sieve {
	bool passes[1024];
};

void symbol_sieve_add(struct symbol_sieve *s, const char *name);
/* False: nothing that was added begins as @name does. */
bool symbol_sieve_passes(const struct symbol_sieve *s, const char *name);

#endif
