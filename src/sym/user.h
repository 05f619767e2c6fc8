/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SYM_USER_H
#define KMSCOPE_SYM_USER_H
/*
 * Names of user code: where in a file a byte lies, to the function that it belongs to.
 *
 * Files are opened only after they were found to be what the kernel said (device, inode and generation),
 * and not to have changed since their code was first seen at work; and as what anybody may have put there:
 * regular files only, read without mapping them, with limits to what is believed. Symbols are those of a
 * debug file (by build ID or .gnu_debuglink), else .symtab, else .dynsym and .gnu_debugdata; nothing is
 * ever fetched from the network. C++ names stay as the linker knows them.
 */
#include "base/base.h"
#include "report/report.h"

struct user_symbols;

/* 0 or -ENOMEM. */
int user_symbols_new(struct user_symbols **ret);
void user_symbols_free(struct user_symbols **s);

/*
 * The function that the byte at @offset of the file of @o is in (of «[vdso]»: at @offset of the
 * mapping), and how far in. *@ret_name is owned by @s and stays until another object is asked for.
 * Files are read once and remembered, the last 512 of them, until they are seen to have changed: then
 * nothing is known. 0, -ENOENT when not known, -ENOMEM.
 */
int user_symbols_lookup(struct user_symbols *s, const struct report_object *o, uint64_t offset,
			const char **ret_name, uint64_t *ret_offset);

/*
 * Whether @o can be looked up as well when no process has it any more: its file is where its path says, as
 * it was, or it is none. Cheap: nothing is read.
 */
bool user_symbols_can_wait(const struct report_object *o);

struct user_memo;

/* Remember from here on what was found, and answer the same whenever it is asked again. Without @files
 * nothing else is known but what user_symbols_learn() was told. */
void user_symbols_remember(struct user_symbols *s, bool files);
/* What is remembered; see user_memo.h. */
const struct user_memo *user_symbols_memo(const struct user_symbols *s);
/* 0 or -ENOMEM. An empty @name takes back what was learned. */
int user_symbols_learn(struct user_symbols *s, const struct report_object *o, uint64_t offset,
		       const char *name, uint64_t into);

#endif
