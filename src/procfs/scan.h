/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROCFS_SCAN_H
#define KMSCOPE_PROCFS_SCAN_H
/*
 * Reading the lines of /proc's texts. A scan is the rest of one line; what is taken moves it on, and
 * where the wanted is not there it stays as it was.
 */
#include "base/base.h"

struct scan {
	const char *p, *end; /* no newline in it */
};

/* The next line at *@text (ended by newline or NUL); moves it on. False at the text's end. */
bool scan_line(const char **text, struct scan *ret);
void scan_blanks(struct scan *s);
/* Nothing is left. */
bool scan_done(const struct scan *s);
/* Exactly @word. */
bool scan_literal(struct scan *s, const char *word);
/* A number of at most 64 bits, without a sign. */
bool scan_u64(struct scan *s, uint64_t *ret);
bool scan_hex(struct scan *s, uint64_t *ret);
/*
 * A name of letters, digits, «_» and «-» that fits @size bytes with its NUL. Longer ones are not
 * cut, they are no name.
 */
bool scan_name(struct scan *s, char *ret, size_t size);

#endif
