// SPDX-License-Identifier: GPL-2.0
#include "probe/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

/* How deep parentheses and unary operators may nest; the kernel's gfp tables go to 17. */
#define MAX_DEPTH 100

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const char *skip_blanks(const char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

/* What follows @prefix at @p, or NULL. */
static const char *after(const char *p, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(p, prefix, n) ? NULL : p + n;
}

/* Cut blanks off the end of @s. */
static void trim_end(char *s)
{
	size_t n = strlen(s);

	while (n && is_blank(s[n - 1]))
		s[--n] = '\0';
}

/* A decimal number of at most 32 bits at *@p; advances *@p. */
static bool take_u32(const char **p, uint32_t *ret)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; is_digit(*s) && v <= UINT32_MAX; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	if (s == *p || v > UINT32_MAX)
		return false;
	*p = s;
	*ret = (uint32_t)v;
	return true;
}

/* «KEY:NUMBER;» at *@p, after blanks; advances *@p. */
static bool take_property(const char **p, const char *key, uint32_t *ret)
{
	const char *s = after(skip_blanks(*p), key);
	uint32_t v;

	if (!s || !take_u32(&s, &v) || *s != ';')
		return false;
	*p = s + 1;
	*ret = v;
	return true;
}

/*
 * Split a declaration such as «const void * ptr», «char comm[16]» or «__data_loc char[] name»,
 * which is changed. 0, -EINVAL or -ENOMEM.
 */
static int parse_declaration(char *decl, struct event_field *field)
{
	size_t n;
	char *bracket;

	trim_end(decl);
	n = strlen(decl);
	if (n && decl[n - 1] == ']') {
		const char *p;

		bracket = strrchr(decl, '[');
		if (!bracket)
			return -EINVAL;
		/* The length can be the name of an enum's constant: then only the size counts. */
		p = bracket + 1;
		if (!take_u32(&p, &field->array_len) || *p != ']')
			field->array_len = 0;
		field->is_array = true;
		*bracket = '\0';
		trim_end(decl);
		n = strlen(decl);
	}
	while (n && is_word(decl[n - 1]))
		n--;
	if (!decl[n] || is_digit(decl[n]))
		return -EINVAL;
	field->name = strdup(decl + n);
	decl[n] = '\0';
	trim_end(decl);
	field->type = strdup(decl);
	if (!field->name || !field->type)
		return -ENOMEM;
	field->is_data_loc = after(decl, "__data_loc ") || after(decl, "__rel_loc ");
	field->is_pointer = !field->is_data_loc && strchr(decl, '*');
	return *decl ? 0 : -EINVAL;
}

/* «field:DECLARATION; offset:N; size:N; signed:N;» from behind «field:» on; @line is changed. */
static int parse_field(char *line, struct event_field *field)
{
	char *semicolon = strchr(line, ';');
	const char *p;
	uint32_t is_signed = 0;

	if (!semicolon)
		return -EINVAL;
	*semicolon = '\0';
	p = semicolon + 1;
	if (!take_property(&p, "offset:", &field->offset) ||
	    !take_property(&p, "size:", &field->size))
		return -EINVAL;
	if (take_property(&p, "signed:", &is_signed))
		field->is_signed = is_signed != 0;
	if (field->offset > FORMAT_MAX_RECORD || field->size > FORMAT_MAX_RECORD - field->offset)
		return -E2BIG;
	return parse_declaration(line, field);
}

static int add_field(struct event_format *fmt, char *line)
{
	struct event_field *items;

	if (fmt->n_fields == FORMAT_MAX_FIELDS)
		return -E2BIG;
	items = vec_reserve(fmt->fields, fmt->n_fields, &fmt->fields_capacity, 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	fmt->fields = items;
	items += fmt->n_fields++;
	*items = (struct event_field){ 0 };
	return parse_field(line, items);
}

static int set_text(char **ret, const char *text)
{
	free(*ret);
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* One line, ended by NUL; it is changed. Lines of no known kind are left alone. */
static int parse_line(struct event_format *fmt, char *line)
{
	const char *p = skip_blanks(line), *rest;

	trim_end(line);
	if ((rest = after(p, "field:")))
		return add_field(fmt, line + (rest - line));
	if ((rest = after(p, "name:")))
		return set_text(&fmt->name, skip_blanks(rest));
	if ((rest = after(p, "print fmt:")))
		return set_text(&fmt->print_fmt, skip_blanks(rest));
	if ((rest = after(p, "ID:"))) {
		rest = skip_blanks(rest);
		return take_u32(&rest, &fmt->id) ? 0 : -EINVAL;
	}
	return 0;
}

static bool is_identifier(const char *s)
{
	if (!*s || is_digit(*s))
		return false;
	while (is_word(*s))
		s++;
	return !*s;
}

/* Parse @text, ended by NUL and changed. */
static int parse_text(struct event_format *fmt, char *text, struct failure *f)
{
	unsigned int number = 1;
	char *line, *next;
	int err;

	for (line = text; line; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		err = parse_line(fmt, line);
		if (err == -ENOMEM)
			return fail(f, FAILURE_INTERNAL, err, "not enough memory");
		if (err)
			return fail(f, FAILURE_UNSUPPORTED, err,
				    "line %u of the event's format file %s", number,
				    err == -E2BIG ? "is beyond what a record can hold"
						  : "can't be understood");
	}
	if (!fmt->name || !is_identifier(fmt->name))
		return fail(f, FAILURE_UNSUPPORTED, -EINVAL,
			    "the event's format file does not name the event");
	if (!fmt->n_fields)
		return fail(f, FAILURE_UNSUPPORTED, -EINVAL,
			    "the event's format file lists no fields");
	if (!fmt->print_fmt && set_text(&fmt->print_fmt, ""))
		return fail(f, FAILURE_INTERNAL, -ENOMEM, "not enough memory");
	return 0;
}

int format_parse(const char *text, size_t len, struct event_format **ret, struct failure *f)
{
	_cleanup_(format_free) struct event_format *fmt = NULL;
	_cleanup_free_ char *copy = NULL;
	int err;

	if (len > FORMAT_MAX_TEXT)
		return fail(f, FAILURE_UNSUPPORTED, -E2BIG,
			    "the event's format file has %zu bytes, more than any event's", len);
	if (len && memchr(text, '\0', len))
		return fail(f, FAILURE_UNSUPPORTED, -EINVAL, "the event's format file is no text");
	copy = malloc(len + 1);
	fmt = calloc(1, sizeof(*fmt));
	if (!copy || !fmt)
		return fail(f, FAILURE_INTERNAL, -ENOMEM, "not enough memory");
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	err = parse_text(fmt, copy, f);
	if (err)
		return err;
	*ret = TAKE_PTR(fmt);
	return 0;
}

void format_free(struct event_format **fmt)
{
	struct event_format *t = *fmt;
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->n_fields; i++) {
		free(t->fields[i].name);
		free(t->fields[i].type);
	}
	free(t->fields);
	free(t->name);
	free(t->print_fmt);
	free(t);
	*fmt = NULL;
}

const struct event_field *format_field(const struct event_format *fmt, const char *name)
{
	size_t i;

	for (i = 0; i < fmt->n_fields; i++)
		if (!strcmp(fmt->fields[i].name, name))
			return &fmt->fields[i];
	return NULL;
}

/*
 * Expressions. Everything is computed in 64 bits; casts to a narrower unsigned type cut. *@p moves
 * behind what has been understood; false when it is not an expression that we know.
 */
static bool take_expression(const char **p, int min_level, int depth, uint64_t *ret);

/* C's binary operators, with how tightly they bind. */
static int take_operator(const char **p, int min_level, char *ret)
{
	static const struct {
		const char *text;
		int level;
	} operators[] = { { "|", 1 },  { "^", 2 }, { "&", 3 }, { "<<", 4 },
			  { ">>", 4 }, { "+", 5 }, { "-", 5 } };
	const char *s = skip_blanks(*p);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(operators); i++) {
		const char *rest = after(s, operators[i].text);

		/* && and || are beyond us. */
		if (!rest || operators[i].level < min_level || *rest == '&' || *rest == '|')
			continue;
		*p = rest;
		*ret = operators[i].text[0];
		return operators[i].level;
	}
	return 0;
}

/* The value of the digit @c of base 16, or 16 for what is none. */
static unsigned int digit_value(char c)
{
	if (is_digit(c))
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	return c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A') + 10 : 16;
}

static bool take_number(const char **p, uint64_t *ret)
{
	unsigned int base = 10;
	const char *s = *p, *start;
	uint64_t v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	} else if (s[0] == '0') {
		base = 8;
	}
	for (start = s; digit_value(*s) < base; s++)
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, digit_value(*s), &v))
			return false;
	if (s == start)
		return false;
	while (*s == 'u' || *s == 'U' || *s == 'l' || *s == 'L')
		s++;
	if (is_word(*s))
		return false;
	*p = s;
	*ret = v;
	return true;
}

/* How many bits a cast to the type of @n characters at @s leaves. */
static unsigned int type_bits(const char *s, size_t n)
{
	static const struct {
		const char *name;
		unsigned int bits;
	} types[] = {
		{ "gfp_t", 32 }, { "unsigned int", 32 },   { "unsigned", 32 }, { "u32", 32 },
		{ "__u32", 32 }, { "unsigned short", 16 }, { "u16", 16 },      { "__u16", 16 },
		{ "u8", 8 },	 { "unsigned char", 8 },   { "__u8", 8 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i].name) == n && !memcmp(s, types[i].name, n))
			return types[i].bits;
	return 64;
}

/* «( unsigned long)» at *@p, behind its parenthesis. */
static bool take_cast(const char **p, unsigned int *ret_bits)
{
	const char *start = skip_blanks(*p), *s = start, *end;

	if (!is_word(*s) || is_digit(*s))
		return false;
	while (is_word(*s) || is_blank(*s))
		s++;
	if (*s != ')')
		return false;
	for (end = s; is_blank(end[-1]);)
		end--;
	*p = s + 1;
	*ret_bits = type_bits(start, (size_t)(end - start));
	return true;
}

static bool take_operand(const char **p, int depth, uint64_t *ret)
{
	const char *s = skip_blanks(*p);
	unsigned int bits;
	uint64_t v;

	if (depth >= MAX_DEPTH)
		return false;
	switch (*s) {
	case '(':
		s++;
		if (take_cast(&s, &bits)) {
			if (!take_operand(&s, depth + 1, &v))
				return false;
			if (bits < 64)
				v &= (1ull << bits) - 1;
			break;
		}
		if (!take_expression(&s, 1, depth + 1, &v))
			return false;
		s = skip_blanks(s);
		if (*s++ != ')')
			return false;
		break;
	case '~':
	case '-':
	case '+': {
		char sign = *s++;

		if (!take_operand(&s, depth + 1, &v))
			return false;
		v = sign == '~' ? ~v : sign == '-' ? 0 - v : v;
		break;
	}
	default:
		if (!take_number(&s, &v))
			return false;
	}
	*p = s;
	*ret = v;
	return true;
}

static bool take_expression(const char **p, int min_level, int depth, uint64_t *ret)
{
	uint64_t v, right;
	char operator;
	int level;

	if (!take_operand(p, depth, &v))
		return false;
	while ((level = take_operator(p, min_level, &operator))) {
		if (!take_expression(p, level + 1, depth + 1, &right))
			return false;
		if ((operator== '<' || operator== '>') && right > 63)
			return false;
		switch (operator) {
		case '|':
			v |= right;
			break;
		case '^':
			v ^= right;
			break;
		case '&':
			v &= right;
			break;
		case '<':
			v <<= right;
			break;
		case '>':
			v >>= right;
			break;
		case '+':
			v += right;
			break;
		case '-':
			v -= right;
			break;
		}
	}
	*ret = v;
	return true;
}

/* Behind the string literal at @p (which starts with a quote), or NULL if it does not end. */
static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : NULL;
}

/* Behind the brace that closes the entry which @p stands in, or NULL. */
static const char *skip_entry(const char *p)
{
	while (p && *p && *p != '}')
		p = *p == '"' ? skip_string(p) : p + 1;
	return p && *p ? p + 1 : NULL;
}

/* «value, "NAME"}» at @p, behind its brace. Entries that we don't understand add nothing. */
static int add_flag(struct flag_names *names, const char *p)
{
	struct flag_name *item;
	const char *end;
	uint64_t value;

	if (!take_expression(&p, 1, 0, &value))
		return 0;
	p = skip_blanks(p);
	if (*p++ != ',')
		return 0;
	p = skip_blanks(p);
	if (*p != '"')
		return 0;
	end = skip_string(p);
	if (!end || *skip_blanks(end) != '}')
		return 0;
	item = vec_add(names);
	if (!item)
		return -ENOMEM;
	item->value = value;
	item->name = strndup(p + 1, (size_t)(end - p) - 2);
	return item->name ? 0 : -ENOMEM;
}

/* Behind «__print_flags(REC->@field, "…",» in @print_fmt, or NULL. A cast may stand before REC. */
static const char *find_flags(const char *print_fmt, const char *field)
{
	const char *p = print_fmt, *s;

	while ((p = strstr(p, "__print_flags("))) {
		unsigned int bits;

		p = s = p + strlen("__print_flags(");
		s = skip_blanks(s);
		if (*s == '(') {
			s++;
			if (!take_cast(&s, &bits))
				continue;
			s = skip_blanks(s);
		}
		s = after(s, "REC->");
		s = s ? after(s, field) : NULL;
		if (!s || *(s = skip_blanks(s)) != ',')
			continue;
		s = skip_blanks(s + 1);
		s = *s == '"' ? skip_string(s) : NULL;
		if (!s || *(s = skip_blanks(s)) != ',')
			continue;
		return s + 1;
	}
	return NULL;
}

int flag_names_parse(const struct event_format *fmt, const char *field, struct flag_names **ret)
{
	_cleanup_(flag_names_free) struct flag_names *names = NULL;
	const char *p = find_flags(fmt->print_fmt, field);
	int err;

	if (!p)
		return -ENOENT;
	names = calloc(1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	while (p && *(p = skip_blanks(p)) == '{') {
		err = add_flag(names, p + 1);
		if (err)
			return err;
		p = skip_entry(p + 1);
		if (p && *(p = skip_blanks(p)) == ',')
			p++;
	}
	if (!names->n)
		return -ENOENT;
	*ret = TAKE_PTR(names);
	return 0;
}

void flag_names_free(struct flag_names **names)
{
	struct flag_names *t = *names;
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->n; i++)
		free(t->items[i].name);
	free(t->items);
	free(t);
	*names = NULL;
}

int flag_names_value(const struct flag_names *names, const char *name, uint64_t *ret)
{
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (strcmp(names->items[i].name, name))
			continue;
		*ret = names->items[i].value;
		return 0;
	}
	return -ENOENT;
}

/* Append to @buf of @n bytes, of which @length are (or would be) in use; returns the new length. */
static size_t _printf_(4, 5) append(char *buf, size_t n, size_t length, const char *text, ...)
{
	size_t at = MIN(length, n);
	va_list args;
	int more;

	va_start(args, text);
	more = vsnprintf(n ? buf + at : NULL, n - at, text, args);
	va_end(args);
	return length + (more > 0 ? (size_t)more : 0);
}

size_t flag_names_decode(const struct flag_names *names, uint64_t value, char *buf, size_t n)
{
	const char *separator = "";
	size_t length = 0, i;

	if (!value)
		return append(buf, n, 0, "none");
	for (i = 0; i < names->n && value; i++) {
		uint64_t mask = names->items[i].value;

		/* A flag that this kernel's configuration defines as 0 says nothing. */
		if (!mask || (value & mask) != mask)
			continue;
		length = append(buf, n, length, "%s%s", separator, names->items[i].name);
		value &= ~mask;
		separator = "|";
	}
	if (value)
		length = append(buf, n, length, "%s0x%" PRIx64, separator, value);
	return length;
}
