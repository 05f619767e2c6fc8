// SPDX-License-Identifier: GPL-2.0
#include "procfs/scan.h"

#include <string.h>

bool scan_line(const char **text, struct scan *ret)
{
	if (!**text)
		return false;
	ret->p = *text;
	ret->end = strchrnul(*text, '\n');
	*text = *ret->end ? ret->end + 1 : ret->end;
	return true;
}

void scan_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
}

bool scan_done(const struct scan *s)
{
	return s->p == s->end;
}

bool scan_literal(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n))
		return false;
	s->p += n;
	return true;
}

/* 16 or more: no digit. Not isdigit(): that depends on the locale and on the sign of char. */
static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

static bool scan_number(struct scan *s, unsigned int base, uint64_t *ret)
{
	const char *p = s->p;
	uint64_t n = 0;

	for (; p < s->end && digit_of(*p) < base; p++)
		if (__builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, digit_of(*p), &n))
			return false;
	if (p == s->p)
		return false;
	s->p = p;
	*ret = n;
	return true;
}

bool scan_u64(struct scan *s, uint64_t *ret)
{
	return scan_number(s, 10, ret);
}

bool scan_hex(struct scan *s, uint64_t *ret)
{
	return scan_number(s, 16, ret);
}

static bool is_name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '-';
}

bool scan_name(struct scan *s, char *ret, size_t size)
{
	const char *p = s->p;
	size_t n;

	while (p < s->end && is_name_char(*p))
		p++;
	n = (size_t)(p - s->p);
	if (!n || n >= size)
		return false;
	memcpy(ret, s->p, n);
	ret[n] = '\0';
	s->p = p;
	return true;
}
