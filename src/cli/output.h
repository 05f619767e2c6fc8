/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_OUTPUT_H
#define KMSCOPE_CLI_OUTPUT_H
#include "base/failure.h"
#include "report/report.h"

/* Print @r on standard output, as JSON or as text that suits the terminal. */
int output_report(const struct report *r, bool json, struct failure *f);

#endif
