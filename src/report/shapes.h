/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_REPORT_SHAPES_H
#define KMSCOPE_REPORT_SHAPES_H
/* What the files of the report model share. Nobody else includes this. */
#include "report/report.h"

/* Free @r's histograms, series and grids. */
void report_free_shapes(struct report *r);

#endif
