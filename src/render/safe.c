// SPDX-License-Identifier: GPL-2.0
#include "render/safe.h"

#include <stdio.h>
#include <string.h>

#define ELLIPSIS    "…"
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct range {
	uint32_t first, last;
};

/* Characters that have no picture of their own but change how others look. */
static const struct range hidden[] = {
	{ 0x00, 0x1f },	      { 0x7f, 0x9f }, /* C0; DEL and C1 */
	{ 0xad, 0xad },	      { 0x61c, 0x61c }, /* soft hyphen; Arabic letter mark */
	{ 0x180e, 0x180e }, /* Mongolian vowel separator */
	{ 0x200b, 0x200f }, /* zero width, left and right marks */
	{ 0x2028, 0x202e }, /* line separators, direction overrides */
	{ 0x2060, 0x206f }, /* invisible operators, direction isolates */
	{ 0xfeff, 0xfeff },   { 0xfff9, 0xfffb }, /* byte order mark; annotations */
	{ 0xe0000, 0xe007f }, /* tags */
};

static const struct range zero_width[] = {
	{ 0x300, 0x36f },   { 0x1ab0, 0x1aff }, { 0x20d0, 0x20ff },
	{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
};

/* East Asian wide and fullwidth, and pictographs; whole blocks are close enough to align columns. */
static const struct range double_width[] = {
	{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },	  { 0xa960, 0xa97c },
	{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },	  { 0xff01, 0xff60 },
	{ 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
	{ 0x20000, 0x3fffd },
};

static bool in_ranges(uint32_t code, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

size_t utf8_decode(const char *s, uint32_t *ret_code)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)s[0];
	uint32_t code;
	size_t length;

	if (lead < 0x80) {
		*ret_code = lead;
		return 1;
	}
	if (lead >= 0xc2 && lead <= 0xdf)
		length = 2;
	else if (lead >= 0xe0 && lead <= 0xef)
		length = 3;
	else if (lead >= 0xf0 && lead <= 0xf4)
		length = 4;
	else
		return 0;
	code = lead & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		unsigned char next = (unsigned char)s[i]; /* the final NUL ends this too */

		if ((next & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (next & 0x3f);
	}
	if (code < lowest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return length;
}

char *safe_text(const char *s)
{
	size_t size, left = strlen(s);
	char *copy, *to;

	if (__builtin_mul_overflow(left, 4, &size) || __builtin_add_overflow(size, 1, &size))
		return NULL;
	copy = to = malloc(size);
	if (!copy)
		return NULL;
	while (*s) {
		uint32_t code;
		size_t n = utf8_decode(s, &code);

		if (n && !in_ranges(code, hidden, ARRAY_SIZE(hidden))) {
			to = mempcpy(to, s, n);
			s += n;
			continue;
		}
		for (n = MAX(n, (size_t)1); n; n--) {
			static const char digits[] = "0123456789abcdef";
			unsigned char byte = (unsigned char)*s++;

			*to++ = '\\';
			*to++ = 'x';
			*to++ = digits[byte >> 4];
			*to++ = digits[byte & 15];
		}
	}
	*to = '\0';
	return copy;
}

char *safe_utf8(const char *s)
{
	size_t size, left = strlen(s);
	char *copy, *to;

	if (__builtin_mul_overflow(left, 3, &size) || __builtin_add_overflow(size, 1, &size))
		return NULL;
	copy = to = malloc(size);
	if (!copy)
		return NULL;
	while (*s) {
		uint32_t code;
		size_t n = utf8_decode(s, &code);

		to = n ? mempcpy(to, s, n) : mempcpy(to, REPLACEMENT, strlen(REPLACEMENT));
		s += MAX(n, (size_t)1);
	}
	*to = '\0';
	return copy;
}

/* The length of the character at @s in bytes; its columns in *@ret_width. */
static size_t next_char(const char *s, size_t *ret_width)
{
	uint32_t code;
	size_t n = utf8_decode(s, &code);

	*ret_width = 1;
	if (!n)
		return 1;
	if (in_ranges(code, zero_width, ARRAY_SIZE(zero_width)))
		*ret_width = 0;
	else if (in_ranges(code, double_width, ARRAY_SIZE(double_width)))
		*ret_width = 2;
	return n;
}

size_t text_width(const char *s)
{
	size_t total = 0, width;

	for (; *s; total += width)
		s += next_char(s, &width);
	return total;
}

char *text_shorten(const char *s, size_t width)
{
	size_t total = text_width(s), front = width / 2, back = width - 1 - front;
	size_t used = 0, char_width, n;
	const char *head = s, *tail;
	char *copy;

	if (total <= width)
		return strdup(s);
	while ((n = next_char(head, &char_width)) && used + char_width <= front) {
		head += n;
		used += char_width;
	}
	for (tail = head; total - used > back; used += char_width)
		tail += next_char(tail, &char_width);
	copy = malloc((size_t)(head - s) + strlen(ELLIPSIS) + strlen(tail) + 1);
	if (copy)
		stpcpy(stpcpy(mempcpy(copy, s, (size_t)(head - s)), ELLIPSIS), tail);
	return copy;
}
