// SPDX-License-Identifier: GPL-2.0
#include "render/out.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

void out_fail(struct out *o, int err)
{
	if (!o->err)
		o->err = err;
}

static void out_fail_errno(struct out *o)
{
	out_fail(o, errno ? -errno : -EIO);
}

void out_printf(struct out *o, const char *fmt, ...)
{
	va_list args;

	if (o->err)
		return;
	va_start(args, fmt);
	if (vfprintf(o->file, fmt, args) < 0)
		out_fail_errno(o);
	va_end(args);
}

void out_write(struct out *o, const char *s, size_t n)
{
	if (o->err)
		return;
	if (fwrite(s, 1, n, o->file) != n)
		out_fail_errno(o);
}

void out_puts(struct out *o, const char *s)
{
	out_write(o, s, strlen(s));
}

void out_spaces(struct out *o, size_t n)
{
	while (n-- && !o->err)
		out_write(o, " ", 1);
}

int out_finish(struct out *o)
{
	if (!o->err && fflush(o->file))
		out_fail_errno(o);
	if (!o->err && ferror(o->file))
		out_fail(o, -EIO); /* failed before we came: its errno is gone */
	return o->err;
}
