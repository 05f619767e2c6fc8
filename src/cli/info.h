/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_INFO_H
#define KMSCOPE_CLI_INFO_H
/* report --info: what a recording is, without what it says. */
#include "cli/replayed.h"

/* Print it; all blocks are looked at, so that damage is told. */
int info_print(struct replayed *r, struct failure *f);

#endif
