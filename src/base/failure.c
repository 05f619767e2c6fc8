// SPDX-License-Identifier: GPL-2.0
#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>

int fail(struct failure *f, enum failure_kind kind, int err, const char *fmt, ...)
{
	va_list args;

	if (!f)
		return err;
	f->kind = kind;
	va_start(args, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
	return err;
}
