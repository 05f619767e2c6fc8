/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_EXPORT_H
#define KMSCOPE_RENDER_EXPORT_H
/*
 * Exporters write reports in the formats of other tools (docs/export.md). They know the report model
 * and, by name, commands, tables and columns as docs/json.md has them; what is not there they leave
 * out. The same reports give the same bytes.
 */
#include <stdio.h>

#include "base/base.h"
#include "base/failure.h"
#include "report/report.h"

struct export_options {
	const char *
		table; /* csv: the table to print, «sites» or «slab.sites»; NULL: if there is one only */
	const char *value; /* folded: which number, «leaks.bytes»; NULL: the first that there is */
};

struct exporter {
	const char *name; /* «folded», «pprof», «perfetto», «csv» */
	/*
	 * Write @reports, of which there are @n, all of one recording, symbolised, with all rows and no
	 * two of the same command, to @out, which is flushed once, at the end. Returns 0 or a negative
	 * errno: what the stream failed with (-ENOSPC, -EPIPE, …; the caller ignores SIGPIPE) and
	 * -ENOMEM, also if a report is incomplete (report.oom; then nothing is written), or -EINVAL with
	 * FAILURE_USAGE if the reports don't have what @options ask for. @f is filled in all these cases.
	 */
	int (*write)(const struct report *const *reports, size_t n, const struct export_options *o,
		     FILE *out, struct failure *f);
};

/* Ends with a NULL name. */
extern const struct exporter exporters[];

/* The exporter named @name, or NULL. */
const struct exporter *exporter_find(const char *name);

int export_folded(const struct report *const *reports, size_t n, const struct export_options *o,
		  FILE *out, struct failure *f);
int export_pprof(const struct report *const *reports, size_t n, const struct export_options *o,
		 FILE *out, struct failure *f);
int export_perfetto(const struct report *const *reports, size_t n, const struct export_options *o,
		    FILE *out, struct failure *f);
int export_csv(const struct report *const *reports, size_t n, const struct export_options *o,
	       FILE *out, struct failure *f);

#endif
