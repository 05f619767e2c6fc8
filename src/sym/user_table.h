/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SYM_USER_TABLE_H
#define KMSCOPE_SYM_USER_TABLE_H
/* The functions of one ELF file, kept when the file is long closed. */
#include <gelf.h>

#include "base/base.h"

struct user_function {
	uint64_t start, size;
	uint32_t name; /* into names */
	uint8_t rank; /* of several at one address the lowest wins */
	bool guessed; /* its size: up to the next one */
};

struct user_segment {
	uint64_t offset, n; /* in the file */
	uint64_t address;
	bool code;
};

/* Zero when empty. Addresses are those of the file's program headers. */
struct user_table {
	struct {
		struct user_function *items;
		size_t n, capacity;
	} functions;
	struct {
		char *items;
		size_t n, capacity;
	} names;
	struct {
		struct user_segment *items;
		size_t n, capacity;
	} segments;
	unsigned int machine; /* EM_… */
	uint64_t bias; /* what symbols that are added lack */
};

void user_table_free(struct user_table *t);
/* Remember where @elf's segments are: comes first. 0, -ENOENT if there are none with code, -ENOMEM. */
int user_table_add_segments(struct user_table *t, Elf *elf);
/* The lowest address of @elf's segments, UINT64_MAX if there are none. */
uint64_t user_lowest_address(Elf *elf);
/*
 * Add @sym if it is a function's. @name may be read for @most bytes, and ends before. 0, -E2BIG for
 * names that nobody would give or too many of them, -ENOMEM.
 */
int user_table_add(struct user_table *t, const GElf_Sym *sym, const char *name, size_t most);
/* Make it ready for user_table_lookup(), after the last was added. */
void user_table_finish(struct user_table *t);
/* Bytes that it takes. */
size_t user_table_size(const struct user_table *t);
/* As user_symbols_lookup(). */
int user_table_lookup(const struct user_table *t, uint64_t offset, const char **ret_name,
		      uint64_t *ret_offset);

#endif
