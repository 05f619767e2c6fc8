/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_OUT_H
#define KMSCOPE_RENDER_OUT_H
/*
 * A stream that remembers its first failure, so that a renderer checks once, at the end. After a
 * failure nothing more is written.
 */
#include <stdio.h>

#include "base/base.h"

struct out {
	FILE *file;
	int err; /* 0 or a negative errno */
};

void out_printf(struct out *o, const char *fmt, ...) _printf_(2, 3);
void out_write(struct out *o, const char *s, size_t n);
void out_puts(struct out *o, const char *s);
void out_spaces(struct out *o, size_t n);
void out_fail(struct out *o, int err);

/* Flush. Returns 0 or the first failure. */
int out_finish(struct out *o);

#endif
