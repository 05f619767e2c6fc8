// SPDX-License-Identifier: GPL-2.0
#include "base/digits.h"

#include <inttypes.h>
#include <stdio.h>

struct digits digits_grouped(uint64_t n)
{
	char plain[24];
	struct digits d;
	int len = snprintf(plain, sizeof(plain), "%" PRIu64, n), to = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			d.s[to++] = ',';
		d.s[to++] = plain[i];
	}
	d.s[to] = '\0';
	return d;
}
