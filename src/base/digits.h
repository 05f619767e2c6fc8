/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_DIGITS_H
#define KMSCOPE_BASE_DIGITS_H
#include <stdint.h>

struct digits {
	char s[32];
};

/* @n in decimal, in groups of three: «1,234,567», whatever the locale. */
struct digits digits_grouped(uint64_t n);

#endif
