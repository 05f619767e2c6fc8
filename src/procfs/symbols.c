// SPDX-License-Identifier: GPL-2.0
#include "procfs/symbols.h"

/* 16: no digit. The kernel writes small letters. */
static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 16;
}

bool symbol_line_parse(char *line, struct symbol_line *ret)
{
	uint64_t address = 0;
	unsigned int digit;
	char *p = line, *name;

	for (; (digit = digit_of(*p)) < 16; p++)
		address = address << 4 | digit;
	if (p == line || p[0] != ' ' || !p[1] || p[2] != ' ')
		return false;
	name = p + 3;
	for (p = name; *p && *p != ' ' && *p != '\t' && *p != '\n'; p++)
		;
	*p = '\0';
	*ret = (struct symbol_line){ address, name[-2], name };
	return p > name;
}

/* Of up to three characters; no function in question has fewer. */
static size_t beginning_of(const char *name)
{
	size_t n = 0, i;

	for (i = 0; i < 3 && name[i]; i++)
		n = n * 31 + (unsigned char)name[i];
	return n % ARRAY_SIZE(((struct symbol_sieve *)NULL)->passes);
}

void symbol_sieve_add(struct symbol_sieve *s, const char *name)
{
	s->passes[beginning_of(name)] = true;
}

bool symbol_sieve_passes(const struct symbol_sieve *s, const char *name)
{
	return s->passes[beginning_of(name)];
}
