// SPDX-License-Identifier: GPL-2.0
#include "render/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/digits.h"

#define EXACT_BELOW 10000000000ull /* counts of up to ten digits are shown in full */

/* To the nearest integer, halves away from 0; spares us libm. @v must fit. */
static long long nearest(double v)
{
	return (long long)(v < 0 ? v - 0.5 : v + 0.5);
}

/* @v / @unit in tenths, rounded; @unit is at most 2^60, so nothing overflows. */
static uint64_t tenths(uint64_t v, uint64_t unit)
{
	return v / unit * 10 + (v % unit * 10 + unit / 2) / unit;
}

/* As tenths() with the decimal point set, whatever the locale has for one. */
static void put_tenths(struct units *u, const char *sign, uint64_t n, const char *suffix)
{
	snprintf(u->s, sizeof(u->s), "%s%" PRIu64 ".%" PRIu64 "%s", sign, n / 10, n % 10, suffix);
}

struct units units_exact(uint64_t v)
{
	struct units u;

	snprintf(u.s, sizeof(u.s), "%s", digits_grouped(v).s);
	return u;
}

struct units units_count(uint64_t v)
{
	static const char *const suffixes[] = { "G", "T", "P", "E" };
	uint64_t unit = 1000000000;
	struct units u;
	size_t i = 0;

	if (v < EXACT_BELOW)
		return units_exact(v);
	while (tenths(v, unit) >= 10000 && i + 1 < ARRAY_SIZE(suffixes)) {
		unit *= 1000;
		i++;
	}
	put_tenths(&u, "", tenths(v, unit), suffixes[i]);
	return u;
}

static struct units signed_bytes(const char *sign, uint64_t v, const char *per)
{
	static const char *const suffixes[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t unit = 1024;
	struct units u;
	char suffix[16];
	size_t i = 0;

	if (v < 1024) {
		snprintf(u.s, sizeof(u.s), "%s%" PRIu64 " B%s", sign, v, per);
		return u;
	}
	while (tenths(v, unit) >= 10240 && i + 1 < ARRAY_SIZE(suffixes)) {
		unit *= 1024;
		i++;
	}
	snprintf(suffix, sizeof(suffix), " %s%s", suffixes[i], per);
	put_tenths(&u, sign, tenths(v, unit), suffix);
	return u;
}

struct units units_bytes(uint64_t v)
{
	return signed_bytes("", v, "");
}

static const char *sign_of(int64_t v)
{
	return v > 0 ? "+" : v < 0 ? "-" : "";
}

/* Without its sign; INT64_MIN has one too. */
static uint64_t size_of(int64_t v)
{
	return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

struct units units_delta(int64_t v)
{
	return signed_bytes(sign_of(v), size_of(v), "");
}

struct units units_change(int64_t v)
{
	struct units u;

	snprintf(u.s, sizeof(u.s), "%s%s", sign_of(v), digits_grouped(size_of(v)).s);
	return u;
}

struct units units_rate(double v)
{
	const char *sign = v < 0 ? "-" : "";
	struct units u = { "-" };

	if (!isfinite(v))
		return u;
	v = fabs(v);
	if (v >= 10) /* a slow leak is still one: show less than that in tenths */
		return signed_bytes(sign, v < 0x1p63 ? (uint64_t)nearest(v) : UINT64_MAX, "/s");
	if (v < 0.05)
		return (struct units){ "0 B/s" };
	put_tenths(&u, sign, (uint64_t)nearest(v * 10), " B/s");
	return u;
}

struct units units_frequency(double v)
{
	struct units u = { "-" };

	if (!isfinite(v))
		return u;
	if (v >= 10 && v < 0x1p63)
		return units_count((uint64_t)nearest(v));
	put_tenths(&u, "", (uint64_t)nearest(fabs(v) * 10), "");
	return u;
}

struct units units_percent(double v)
{
	struct units u = { "-" };

	if (!isfinite(v) || fabs(v) >= 1e15)
		return u;
	if (v > 0 && v < 0.05)
		return (struct units){ "<0.1%" };
	put_tenths(&u, v <= -0.05 ? "-" : "", (uint64_t)nearest(fabs(v) * 10), "%");
	return u;
}

struct units units_fraction(double v)
{
	struct units u = { "-" };
	uint64_t thousandths;

	if (!isfinite(v) || fabs(v) > 1e6)
		return u;
	thousandths = (uint64_t)nearest(fabs(v) * 1000);
	snprintf(u.s, sizeof(u.s), "%s%" PRIu64 ".%03" PRIu64, v < 0 && thousandths ? "-" : "",
		 thousandths / 1000, thousandths % 1000);
	return u;
}

struct units units_ns(uint64_t v)
{
	static const struct {
		uint64_t unit;
		const char *suffix;
		uint64_t below; /* in tenths of the unit */
	} small[] = {
		{ NSEC_PER_USEC, " us", 10000 },
		{ NSEC_PER_MSEC, " ms", 10000 },
		{ NSEC_PER_SEC, " s", 600 },
	};
	uint64_t seconds, minutes, hours;
	struct units u;

	if (v < NSEC_PER_USEC) {
		snprintf(u.s, sizeof(u.s), "%" PRIu64 " ns", v);
		return u;
	}
	for (size_t i = 0; i < ARRAY_SIZE(small); i++) {
		uint64_t n = tenths(v, small[i].unit);

		if (n < small[i].below) {
			put_tenths(&u, "", n, small[i].suffix);
			return u;
		}
	}
	seconds = v / NSEC_PER_SEC + (v % NSEC_PER_SEC >= NSEC_PER_SEC / 2);
	minutes = seconds / 60 + (seconds >= 3600 && seconds % 60 >= 30);
	hours = minutes / 60 + (minutes >= 1440 && minutes % 60 >= 30);
	if (minutes < 60)
		snprintf(u.s, sizeof(u.s), "%" PRIu64 " m %02" PRIu64 " s", minutes, seconds % 60);
	else if (hours < 24)
		snprintf(u.s, sizeof(u.s), "%" PRIu64 " h %02" PRIu64 " m", hours, minutes % 60);
	else
		snprintf(u.s, sizeof(u.s), "%" PRIu64 " d %02" PRIu64 " h", hours / 24, hours % 24);
	return u;
}

struct units units_real(double v)
{
	struct units u = { "" };
	long long hundredths;

	if (!isfinite(v))
		return u;
	if (fabs(v) >= 1e15) { /* no decimals left that a double could hold */
		snprintf(u.s, sizeof(u.s), fabs(v) < 1e22 ? "%.0f" : "%.0e", v);
		return u;
	}
	hundredths = nearest(v * 100);
	if (hundredths % 100 == 0)
		snprintf(u.s, sizeof(u.s), "%lld", hundredths / 100);
	else
		snprintf(u.s, sizeof(u.s), "%s%lld.%02lld", hundredths < 0 ? "-" : "",
			 llabs(hundredths) / 100, llabs(hundredths) % 100);
	for (char *end = u.s; hundredths % 100 && *end; end++)
		if (end[0] == '0' && end[1] == '\0' && hundredths % 10 == 0)
			*end = '\0';
	return u;
}
