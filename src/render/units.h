/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_UNITS_H
#define KMSCOPE_RENDER_UNITS_H
/*
 * Numbers for people. Never depends on the locale. Results are returned by value, to be used in
 * place: printf("%s", units_bytes(n).s).
 */
#include "base/base.h"

struct units {
	char s[40];
};

/* «1,234,567», however large. */
struct units units_exact(uint64_t v);
/* «1,234,567»; «12.3G» above ten digits. */
struct units units_count(uint64_t v);
/* «176 B», «1.5 KiB», «11.9 MiB». */
struct units units_bytes(uint64_t v);
/* «+1.5 KiB», «-176 B», «0 B». */
struct units units_delta(int64_t v);
/* «+1,234», «-3», «0», however large. */
struct units units_change(int64_t v);
/* «1.5 KiB/s», «-0.4 B/s»; «-» if not finite. */
struct units units_rate(double v);
/* «12.3%», «<0.1%» for a little more than nothing; «-» if not finite. */
/* 0.5, 12, 1,234,567: how many a second, without saying so. */
struct units units_frequency(double v);
struct units units_percent(double v);
/* «0.123», «-1.000»; «-» if not finite. */
struct units units_fraction(double v);
/* «999 ns», «1.2 ms», «3.4 s», «2 m 05 s», «3 h 04 m», «2 d 03 h». */
struct units units_ns(uint64_t v);
/* At most two decimals and none that is 0: «12.34», «12.5», «12»; empty if not finite. For JSON. */
struct units units_real(double v);

#endif
