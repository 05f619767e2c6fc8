/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_PARSE_H
#define KMSCOPE_CLI_PARSE_H
/*
 * What people type, to numbers. All return 0 or -EINVAL and then leave the output alone. Nothing may
 * follow the number but its unit; signs, blanks and empty texts are refused.
 */
#include "base/base.h"

/* Decimal, or hexadecimal with 0x. */
int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
/* Bytes, with an optional K, M or G (1024-based; also KiB and so on). */
int parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
/* Seconds with up to nine decimals, or a number with ms, s, m or h; nanoseconds. */
int parse_duration(const char *text, uint64_t max, uint64_t *ret);

#endif
