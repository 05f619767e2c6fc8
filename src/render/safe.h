/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_SAFE_H
#define KMSCOPE_RENDER_SAFE_H
/*
 * Names from the kernel (tasks, modules, caches, paths) are chosen by whoever makes them and may
 * hold anything: escape sequences, broken UTF-8, characters that reorder or hide a line's text.
 */
#include "base/base.h"

/*
 * Decode the UTF-8 character at @s (not at its end). Returns its length in bytes, or 0 if it is
 * malformed: truncated, overlong, a surrogate or above U+10FFFF.
 */
size_t utf8_decode(const char *s, uint32_t *ret_code);

/*
 * A copy of @s for a terminal: control characters (C0, DEL, C1), malformed bytes and invisible or
 * direction-changing characters appear as «\xNN», byte by byte; everything else stays. The caller
 * frees it; NULL when memory is short.
 */
char *safe_text(const char *s) _must_check_;

/*
 * A copy of @s in which each malformed byte is U+FFFD. Control characters stay: the JSON library
 * escapes them. The caller frees it; NULL when memory is short.
 */
char *safe_utf8(const char *s) _must_check_;

/* Terminal columns that @s, valid UTF-8 from safe_text(), takes. */
size_t text_width(const char *s);

/*
 * A copy of @s, valid UTF-8, that takes at most @width (1 or more) terminal columns: «…» stands for
 * what is left out in its middle. The caller frees it; NULL when memory is short.
 */
char *text_shorten(const char *s, size_t width) _must_check_;

#endif
