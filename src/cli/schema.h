/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_SCHEMA_H
#define KMSCOPE_CLI_SCHEMA_H
/* docs/json.md, which is part of the program. */
#include "base/failure.h"

/* Print it. */
int schema_print(struct failure *f);

#endif
