// SPDX-License-Identifier: GPL-2.0
#include "procfs/keys.h"

#include "procfs/scan.h"

/* What stands behind @key and blanks. */
static bool find_key(const char *text, const char *key, struct scan *ret)
{
	struct scan s;

	while (text && scan_line(&text, &s)) {
		if (!scan_literal(&s, key))
			continue;
		scan_blanks(&s);
		*ret = s;
		return true;
	}
	return false;
}

bool keys_hex(const char *text, const char *key, uint64_t *ret)
{
	struct scan s;

	return find_key(text, key, &s) && scan_hex(&s, ret);
}

bool keys_u64(const char *text, const char *key, uint64_t *ret)
{
	struct scan s;

	if (!find_key(text, key, &s))
		return false;
	return scan_literal(&s, "0x") ? scan_hex(&s, ret) : scan_u64(&s, ret);
}

bool keys_kb(const char *text, const char *key, uint64_t *ret)
{
	uint64_t kb;

	if (!keys_u64(text, key, &kb) || kb > UINT64_MAX / 1024)
		return false;
	*ret = kb * 1024;
	return true;
}
