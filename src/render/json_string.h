/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_JSON_STRING_H
#define KMSCOPE_RENDER_JSON_STRING_H
#include "render/out.h"

/*
 * Print @s as a JSON string, in quotes, NULL as «null». The output is ASCII and valid JSON whatever @s holds:
 * bytes that are no UTF-8 become U+FFFD.
 */
void json_put_string(struct out *o, const char *s);

#endif
