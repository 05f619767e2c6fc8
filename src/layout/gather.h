/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_LAYOUT_GATHER_H
#define KMSCOPE_LAYOUT_GATHER_H
#include "layout/layout.h"

/*
 * Read what there is on this machine. What can't be read is left out, with the reason in its place.
 * -ENOMEM, and then nothing has to be freed; else free with layout_input_free().
 */
int layout_gather(struct layout_input *ret);
/*
 * The files alone, from below @root («» for the machine's own): what tests do with those of other
 * machines. Symbols too.
 */
int layout_gather_files(const char *root, struct layout_input *in);

#endif
