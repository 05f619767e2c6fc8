// SPDX-License-Identifier: GPL-2.0
#include "source/synth_values.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of a quoted name at *@from, which moves on; -1: no such escape. */
static int quoted_byte(const char **from)
{
	const char *c = *from;

	if (*c != '\\') {
		*from = c + 1;
		return (unsigned char)*c;
	}
	if (c[1] == '"' || c[1] == '\\') {
		*from = c + 2;
		return (unsigned char)c[1];
	}
	if (c[1] != 'x' || hex_digit(c[2]) < 0 || hex_digit(c[3]) < 0)
		return -1;
	*from = c + 4;
	return hex_digit(c[2]) * 16 + hex_digit(c[3]);
}

int synth_number(const char *text, uint64_t max, uint64_t *ret, const char **ret_end)
{
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || n > max)
		return -EINVAL;
	*ret = n;
	*ret_end = end;
	return 0;
}

int synth_time(const char *text, uint64_t *ret)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", 1 }, { "us", NSEC_PER_USEC }, { "ms", NSEC_PER_MSEC }, { "s", NSEC_PER_SEC }
	};
	const char *end;
	uint64_t n;
	size_t i;

	if (synth_number(text, UINT64_MAX, &n, &end))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(end, units[i].name))
			return __builtin_mul_overflow(n, units[i].ns, ret) ? -EINVAL : 0;
	return -EINVAL;
}

int value_u32(union synth_record *r, size_t offset, const char *value)
{
	const char *end;
	uint64_t n;

	if (synth_number(value, UINT32_MAX, &n, &end) || *end)
		return -EINVAL;
	*(uint32_t *)((char *)r + offset) = (uint32_t)n;
	return 0;
}

int value_u64(union synth_record *r, size_t offset, const char *value)
{
	const char *end;
	uint64_t n;

	if (synth_number(value, UINT64_MAX, &n, &end) || *end)
		return -EINVAL;
	*(uint64_t *)((char *)r + offset) = n;
	return 0;
}

int value_s32(union synth_record *r, size_t offset, const char *value)
{
	const char *end;
	bool negative = *value == '-';
	uint64_t n;

	if (synth_number(value + negative, INT32_MAX, &n, &end) || *end)
		return -EINVAL;
	*(int32_t *)((char *)r + offset) = negative ? -(int32_t)n : (int32_t)n;
	return 0;
}

int value_u8(union synth_record *r, size_t offset, const char *value)
{
	const char *end;
	uint64_t n;

	if (synth_number(value, UINT8_MAX, &n, &end) || *end)
		return -EINVAL;
	*((uint8_t *)r + offset) = (uint8_t)n;
	return 0;
}

int value_time(union synth_record *r, size_t offset, const char *value)
{
	uint64_t n;

	if (synth_time(value, &n))
		return -EINVAL;
	*(uint64_t *)((char *)r + offset) = n;
	return 0;
}

int value_name(union synth_record *r, size_t offset, size_t room, const char *value)
{
	bool quoted = *value == '"';
	char *to = (char *)r + offset;
	size_t n = 0;

	value += quoted;
	while (*value && !(quoted && *value == '"')) {
		int byte = quoted ? quoted_byte(&value) : (unsigned char)*value++;

		if (byte < 0 || n == room)
			return -EINVAL;
		to[n++] = (char)byte;
	}
	if (quoted)
		return strcmp(value, "\"") ? -EINVAL : 0;
	return 0;
}

int value_list(const char *value, uint64_t *to, size_t max)
{
	size_t n = 0;

	for (;;) {
		if (n == max || synth_number(value, UINT64_MAX, &to[n], &value))
			return -EINVAL;
		n++;
		if (!*value)
			return (int)n;
		if (*value++ != ',')
			return -EINVAL;
	}
}

size_t value_place(const char *word, size_t len, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(names[i]) == len && !strncmp(word, names[i], len))
			break;
	return i;
}

int value_choice(union synth_record *r, size_t offset, const char *value, const char *const *names,
		 size_t n)
{
	size_t i = value_place(value, strlen(value), names, n);

	*((uint8_t *)r + offset) = (uint8_t)i;
	return i == n ? -EINVAL : 0;
}

int value_bits(const char *value, const char *const *names, size_t n, uint32_t *ret)
{
	uint32_t bits = 0;
	size_t i, len;

	for (; *value; value += len, value += *value == ',') {
		len = strcspn(value, ",");
		i = len ? value_place(value, len, names, n) : n; /* «» is none */
		if (i == n)
			return -EINVAL;
		bits |= 1u << i;
	}
	*ret = bits;
	return 0;
}
