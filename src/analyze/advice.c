// SPDX-License-Identifier: GPL-2.0
#include "analyze/advice.h"

#include <stdio.h>

uint32_t size_class_below(uint32_t size)
{
	uint32_t power;

	/* mm/slab_common.c, kmalloc_info[]: the powers of two from 8, 96 and 192 */
	if (size <= 8)
		return 0;
	power = (uint32_t)round_up_pow2(size) / 2;
	if (size > 192 && size <= 256)
		return 192;
	if (size > 96 && size <= 128)
		return 96;
	return power;
}

static void format_size(char buf[32], uint64_t bytes)
{
	if (bytes >= 10ull << 30)
		snprintf(buf, 32, "%.1f GiB", (double)bytes / (1ull << 30));
	else if (bytes >= 1ull << 20)
		snprintf(buf, 32, "%.1f MiB", (double)bytes / (1 << 20));
	else
		snprintf(buf, 32, "%.1f KiB", (double)bytes / (1 << 10));
}

bool advice_for(const struct advice_case *c, char *buf, size_t n, uint64_t *ret_saving)
{
	uint32_t unit = c->page_backed ? c->page_size : 8; /* what an alternative rounds up to */
	uint32_t below = size_class_below(c->given), needed;
	char saving[32];
	int len;

	if (!c->requested || c->requested >= c->given || !unit)
		return false;
	needed = (c->requested + unit - 1) / unit * unit;
	if (needed >= c->given || (c->given - needed) < c->given / 16)
		return false;
	*ret_saving = c->live * (c->given - needed);
	if (*ret_saving < ADVICE_MIN_SAVING)
		return false;
	format_size(saving, *ret_saving);
	if (c->page_backed) {
		snprintf(buf, n,
			 "%u B requested → %u B: alloc_pages_exact() or kvmalloc() would save %s "
			 "live",
			 c->requested, c->given, saving);
		return true;
	}
	len = snprintf(buf, n, "%u B requested → %u B: a %u-byte kmem_cache would save %s live",
		       c->requested, c->given, c->requested, saving);
	/* a few bytes over a class: the cheapest cure is to lose them */
	if (len > 0 && (size_t)len < n && below >= c->smallest_class && c->requested > below &&
	    c->requested - below <= below / 8)
		snprintf(buf + len, n - (size_t)len, "; %u B less would fit the %u B class",
			 c->requested - below, below);
	return true;
}
