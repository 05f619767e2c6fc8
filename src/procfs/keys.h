/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROCFS_KEYS_H
#define KMSCOPE_PROCFS_KEYS_H
/* Texts of «KEY NUMBER» lines: /proc/meminfo, /proc/vmstat, the notes of VMCOREINFO. */
#include "base/base.h"

/*
 * The number behind @key at the beginning of a line; blanks may stand in between, anything behind.
 * Decimal, or hexadecimal with 0x. False if there is none or it does not fit. @key has its colon or
 * equals sign with it; @text may be NULL.
 */
bool keys_u64(const char *text, const char *key, uint64_t *ret);
/* As keys_u64(), for hexadecimal without 0x. */
bool keys_hex(const char *text, const char *key, uint64_t *ret);
/* «KEY: N kB» in bytes. */
bool keys_kb(const char *text, const char *key, uint64_t *ret);

#endif
