/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_RENDER_H
#define KMSCOPE_RENDER_RENDER_H
/* Renderers print a report. They know the report model and nothing of what it is about. */
#include <stdio.h>

#include "base/base.h"
#include "report/report.h"

struct render_options {
	int width; /* columns of the terminal; 0: 80 */
	bool colour; /* escape sequences may be used */
};

struct renderer {
	const char *name; /* «text», «json» */
	/*
	 * Print @r to @out, which is flushed once, at the end. Returns 0 or a negative errno: what the
	 * stream failed with (-ENOSPC, -EPIPE, …; the caller ignores SIGPIPE), or -ENOMEM, with
	 * nothing printed if @r itself is incomplete (report.oom).
	 */
	int (*render)(const struct report *r, const struct render_options *options, FILE *out);
};

/* The renderer named @name, or NULL. */
const struct renderer *renderer_find(const char *name);

int render_text(const struct report *r, const struct render_options *options, FILE *out);
int render_json(const struct report *r, const struct render_options *options, FILE *out);

#endif
