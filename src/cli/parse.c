// SPDX-License-Identifier: GPL-2.0
#include "cli/parse.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* The digits at @text; moves it behind them. */
static int parse_digits(const char **text, uint64_t *ret)
{
	char *end;
	uint64_t n;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	n = strtoull(*text, &end, !strncmp(*text, "0x", 2) ? 16 : 10);
	if (errno)
		return -EINVAL;
	*text = end;
	*ret = n;
	return 0;
}

int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t n;

	if (parse_digits(&text, &n) || *text || n < min || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

static const struct unit *find_unit(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (!strcasecmp(units->name, name))
			return units;
	return NULL;
}

int parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "K", 1 << 10 },
		{ "KiB", 1 << 10 },
		{ "M", 1 << 20 },
		{ "MiB", 1 << 20 },
		{ "G", 1ull << 30 },
		{ "GiB", 1ull << 30 },
		{ "T", 1ull << 40 },
		{ "TiB", 1ull << 40 },
		{ "B", 1 },
		{ NULL, 0 },
	};
	const struct unit *unit;
	uint64_t n;

	if (parse_digits(&text, &n))
		return -EINVAL;
	unit = find_unit(units, text);
	if (!unit || __builtin_mul_overflow(n, unit->factor, &n) || n < min || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

int parse_duration(const char *text, uint64_t max, uint64_t *ret)
{
	static const struct unit units[] = {
		{ "", NSEC_PER_SEC },	    { "s", NSEC_PER_SEC },	  { "ms", NSEC_PER_MSEC },
		{ "m", 60 * NSEC_PER_SEC }, { "h", 3600 * NSEC_PER_SEC }, { NULL, 0 },
	};
	uint64_t whole, fraction = 0, scale = 1, n;
	const struct unit *unit;

	if (parse_digits(&text, &whole))
		return -EINVAL;
	if (*text == '.')
		for (text++; isdigit((unsigned char)*text); text++) {
			if (scale >= NSEC_PER_SEC)
				return -EINVAL;
			fraction = fraction * 10 + (uint64_t)(*text - '0');
			scale *= 10;
		}
	unit = find_unit(units, text);
	if (!unit || __builtin_mul_overflow(whole, unit->factor, &n))
		return -EINVAL;
	/* 3600e9 × 1e9 would not fit: divide first where the unit is larger than a second */
	n += unit->factor / scale * fraction + unit->factor % scale * fraction / scale;
	if (n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}
