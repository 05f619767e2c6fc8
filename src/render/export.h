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
	/* csv: the table to print, «sites» or «slab.sites»; NULL: the only one that there is */
	const char *table;
	/* folded: which number, such as «leaks.bytes»; NULL: the first that there is */
	const char *value;
};

struct exporter {
	const char *name; /* «folded», «pprof», «perfetto», «csv» */
	/*
	 * Write @reports, of which there are @n, all of one recording, symbolised, with all rows and no
	 * two of the same command, to @out, which is flushed once, at the end. Returns 0 or a negative
	 * errno: what the stream failed with (-ENOSPC, -EPIPE, …; the caller ignores SIGPIPE) and
	 * -ENOMEM, also if a report is incomplete (report.oom; then nothing is written), or -EINVAL with
	 * FAILURE_USAGE if the reports don't have what @o asks for. @f is filled in all these cases.
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

/* What exporters have in common. */

/* The report of @command, or NULL. */
const struct report *export_report(const struct report *const *reports, size_t n,
				   const char *command);
/* 0, or -ENOMEM with @f filled if one of @reports is incomplete. */
int export_check(const struct report *const *reports, size_t n, struct failure *f);
/* What became of the export: @err, 0 or a negative errno, and if that is one, @f filled. */
int export_result(int err, struct failure *f);

#endif
