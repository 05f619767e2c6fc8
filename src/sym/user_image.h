/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SYM_USER_IMAGE_H
#define KMSCOPE_SYM_USER_IMAGE_H
/*
 * An ELF file that is open for reading, checked as far as its readers rely on it. Nothing is mapped:
 * a file that is cut short under a mapping would end us with SIGBUS.
 */
#include <gelf.h>

#include "base/base.h"
#include "sym/user_table.h"

#define USER_BUILD_ID_MAX 64

struct user_build_id {
	uint8_t bytes[USER_BUILD_ID_MAX];
	size_t n; /* 0: it has none */
};

/* 0, or -ENOENT for what is no program or library, or one that makes no sense. @fd stays the caller's. */
int user_image_open(int fd, Elf **ret);
/* The same for @n bytes of memory, which must stay. */
int user_image_memory(char *bytes, size_t n, Elf **ret);
void user_image_close(Elf **elf);

/* Whether it has a .symtab with something in it, which only complete files have. */
bool user_image_has_symtab(Elf *elf);
void user_image_build_id(Elf *elf, struct user_build_id *ret);
/* The name in .gnu_debuglink, which has no «/», and the checksum. @name has @size bytes. */
bool user_image_debug_link(Elf *elf, char *name, size_t size, uint32_t *ret_crc);
/* The section named @name, which has contents. */
Elf_Scn *user_image_section(Elf *elf, const char *name);

/*
 * Add the functions of @elf's symbol tables to @t. One of user_dw.c (libdw: also .gnu_debugdata) and
 * user_elf.c (MINIMAL=1) is in the program. 0, -ENOENT, -E2BIG, -ENOMEM; @t may have some in any case.
 */
int user_image_symbols(Elf *elf, struct user_table *t);

#endif
