// SPDX-License-Identifier: GPL-2.0
/*
 * A condition becomes a list of nodes in which both sides of an «and» or «or» come before it, so that
 * evaluating is one pass over the list, and explaining one pass back.
 */
#include "report/condition.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NODES_MAX   (2 * CONDITION_COMPARISONS_MAX - 1) /* one less «and» and «or» than comparisons */
#define DIGITS_MAX  18 /* of a number: any of them fit 64 bits */
#define LIMIT_SIZE  (DIGITS_MAX + 8) /* with sign, point and unit */
#define NEAREST_MAX 64 /* longer names are compared by so many characters to find the nearest */

enum relation { LESS_EQUAL, GREATER_EQUAL, NOT_EQUAL, LESS, GREATER, EQUAL };

enum node_kind {
	NODE_COMPARISON,
	NODE_AND,
	NODE_OR,
};

struct node {
	enum node_kind kind;
	bool negated; /* an odd number of «not» stands before it */
	/* «and», «or»: what stands on their sides */
	size_t left, right;
	/* a comparison */
	const struct condition_name *name;
	enum relation relation;
	double limit;
	char limit_text[LIMIT_SIZE]; /* as it was written */
};

struct condition {
	struct node nodes[NODES_MAX]; /* the last stands for the whole */
	size_t n;
};

/* --- parsing --------------------------------------------------------------------------------------- */

struct parser {
	const char *text, *p;
	const struct condition_name *names;
	struct condition *c;
	size_t comparisons, depth;
	struct failure *f;
};

/* Those that others begin like come first; for «=» may stand «==». */
static const char *const relations[] = {
	[LESS_EQUAL] = "<=", [GREATER_EQUAL] = ">=", [NOT_EQUAL] = "!=",
	[LESS] = "<",	     [GREATER] = ">",	     [EQUAL] = "=",
};

static const struct {
	const char *is, *takes;
} kinds[] = {
	[CONDITION_COUNT] = { "a count", "no unit" },
	[CONDITION_BYTES] = { "in bytes", "B, K, M, G or T" },
	[CONDITION_NS] = { "a time", "ns, us, ms, s, m or h" },
	[CONDITION_PERCENT] = { "a percentage", "%" },
};

/* M is 1024², m a minute: only k may be written either way. */
static const struct {
	const char *name;
	enum condition_unit kind;
	double factor;
} units[] = {
	{ "", CONDITION_COUNT, 1 },
	{ "", CONDITION_BYTES, 1 },
	{ "", CONDITION_PERCENT, 1 },
	{ "B", CONDITION_BYTES, 1 },
	{ "k", CONDITION_BYTES, 0x1p10 },
	{ "kB", CONDITION_BYTES, 0x1p10 },
	{ "kiB", CONDITION_BYTES, 0x1p10 },
	{ "K", CONDITION_BYTES, 0x1p10 },
	{ "KB", CONDITION_BYTES, 0x1p10 },
	{ "KiB", CONDITION_BYTES, 0x1p10 },
	{ "M", CONDITION_BYTES, 0x1p20 },
	{ "MB", CONDITION_BYTES, 0x1p20 },
	{ "MiB", CONDITION_BYTES, 0x1p20 },
	{ "G", CONDITION_BYTES, 0x1p30 },
	{ "GB", CONDITION_BYTES, 0x1p30 },
	{ "GiB", CONDITION_BYTES, 0x1p30 },
	{ "T", CONDITION_BYTES, 0x1p40 },
	{ "TB", CONDITION_BYTES, 0x1p40 },
	{ "TiB", CONDITION_BYTES, 0x1p40 },
	{ "ns", CONDITION_NS, 1 },
	{ "us", CONDITION_NS, NSEC_PER_USEC },
	{ "ms", CONDITION_NS, NSEC_PER_MSEC },
	{ "s", CONDITION_NS, NSEC_PER_SEC },
	{ "m", CONDITION_NS, 60 * NSEC_PER_SEC },
	{ "h", CONDITION_NS, 3600 * NSEC_PER_SEC },
	{ "%", CONDITION_PERCENT, 1 },
};

/* Not isdigit() and its like: they depend on the locale and on the sign of char. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '.';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t word_length(const char *p)
{
	size_t n = 0;

	while (is_word(p[n]))
		n++;
	return n;
}

/* A piece of what was typed, for a message: not longer than that, and without control characters. */
struct excerpt {
	char s[64];
};

static struct excerpt excerpt(const char *text, size_t n)
{
	static const char dots[] = "…";
	struct excerpt e;
	size_t i, room = sizeof(e.s) - sizeof(dots);

	for (i = 0; i < MIN(n, room); i++)
		e.s[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	memcpy(e.s + i, n > room ? dots : "", n > room ? sizeof(dots) : 1);
	return e;
}

/* Says what is wrong at @at. */
static int _printf_(3, 4) wrong(const struct parser *p, const char *at, const char *fmt, ...)
{
	char what[320];
	va_list args;
	size_t column = 1;

	for (const char *s = p->text; s < at; s++)
		column += (*s & 0xc0) != 0x80; /* characters, not bytes */
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return fail(p->f, FAILURE_USAGE, -EINVAL, "condition «%s», column %zu: %s",
		    excerpt(p->text, strlen(p->text)).s, column, what);
}

/* Says that something else than what is there was @expected. */
static int unexpected(const struct parser *p, const char *expected)
{
	size_t n = word_length(p->p);

	if (!*p->p)
		return wrong(p, p->p, "%s is expected, not the end", expected);
	if (!n)
		while (p->p[n] && !is_blank(p->p[n]) && !is_word(p->p[n]))
			n++;
	return wrong(p, p->p, "%s is expected, not «%s»", expected, excerpt(p->p, n).s);
}

static void skip_blanks(struct parser *p)
{
	while (is_blank(*p->p))
		p->p++;
}

/* «and» is not the beginning of «android»; signs may stand before anything. */
static bool take(struct parser *p, const char *what)
{
	size_t n = strlen(what);

	skip_blanks(p);
	if (strncmp(p->p, what, n) || (is_word(*what) && is_word(p->p[n])))
		return false;
	p->p += n;
	return true;
}

/* A name, but not what stands between comparisons. */
static bool is_name(const char *p, size_t n)
{
	return n && !is_digit(*p) && *p != '.' && !(n == 3 && !memcmp(p, "and", n)) &&
	       !(n == 2 && !memcmp(p, "or", n));
}

/* How many characters have to be put in, left out or changed to make @a of @n characters to @b. */
static size_t edit_distance(const char *a, size_t n, const char *b)
{
	size_t row[NEAREST_MAX + 1], m = MIN(strlen(b), (size_t)NEAREST_MAX), i, j;

	n = MIN(n, (size_t)NEAREST_MAX);
	for (j = 0; j <= m; j++)
		row[j] = j;
	for (i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= m; j++) {
			size_t changed = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(changed, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[m];
}

static int unknown_name(const struct parser *p, size_t n)
{
	const struct condition_name *name, *nearest = NULL;
	size_t distance, best = SIZE_MAX;

	for (name = p->names; name->name; name++) {
		const char *dot = strrchr(name->name, '.');

		distance = edit_distance(p->p, n, name->name);
		if (dot) /* «bytes» is nearer to «leaks.bytes» than to «free» */
			distance = MIN(distance, edit_distance(p->p, n, dot + 1) + 1);
		if (distance < best) {
			best = distance;
			nearest = name;
		}
	}
	if (!nearest)
		return wrong(p, p->p, "there is no «%s»", excerpt(p->p, n).s);
	return wrong(p, p->p, "there is no «%s»; the nearest name is «%.64s»", excerpt(p->p, n).s,
		     nearest->name);
}

static int parse_name(struct parser *p, struct node *node)
{
	const struct condition_name *name;
	size_t n;

	skip_blanks(p);
	n = word_length(p->p);
	if (!is_name(p->p, n))
		return unexpected(p, "a name");
	for (name = p->names; name->name; name++)
		if (strlen(name->name) == n && !memcmp(name->name, p->p, n)) {
			node->name = name;
			p->p += n;
			return 0;
		}
	return unknown_name(p, n);
}

static int parse_relation(struct parser *p, struct node *node)
{
	for (size_t i = 0; i < ARRAY_SIZE(relations); i++)
		if (take(p, relations[i])) {
			node->relation = (enum relation)i;
			p->p += i == EQUAL && *p->p == '=';
			return 0;
		}
	return unexpected(p, "one of < <= > >= = !=");
}

/* The unit at @p->p, of the number that is @number in units of its own. */
static int parse_unit(struct parser *p, struct node *node, double number)
{
	size_t n = word_length(p->p), i;

	n += !n && *p->p == '%';
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].kind != node->name->unit || strlen(units[i].name) != n ||
		    memcmp(units[i].name, p->p, n))
			continue;
		node->limit = number * units[i].factor;
		p->p += n;
		return 0;
	}
	if (!n && number == 0) /* no time is the same in all units */
		return 0;
	if (!n)
		return wrong(p, p->p, "the number needs a unit: %.64s is %s and takes %s",
			     node->name->name, kinds[node->name->unit].is,
			     kinds[node->name->unit].takes);
	return wrong(p, p->p, "«%s» does not fit: %.64s is %s and takes %s", excerpt(p->p, n).s,
		     node->name->name, kinds[node->name->unit].is, kinds[node->name->unit].takes);
}

static int parse_number(struct parser *p, struct node *node)
{
	uint64_t digits = 0, scale = 1;
	bool negative, fraction = false;
	const char *start;
	size_t n = 0;
	int err;

	skip_blanks(p);
	start = p->p;
	negative = *start == '-';
	p->p += *start == '-' || *start == '+';
	if (!is_digit(*p->p)) {
		p->p = start;
		return unexpected(p, "a number");
	}
	for (; is_digit(*p->p) || (!fraction && *p->p == '.' && is_digit(p->p[1])); p->p++) {
		if (*p->p == '.') {
			fraction = true;
			continue;
		}
		if (++n > DIGITS_MAX)
			return wrong(p, start, "the number has more than %d digits", DIGITS_MAX);
		digits = digits * 10 + (uint64_t)(*p->p - '0');
		scale *= fraction ? 10 : 1;
	}
	/* one division of whole numbers: 0.1 becomes what 0.1 is elsewhere, whatever the locale */
	err = parse_unit(p, node, (negative ? -1.0 : 1.0) * (double)digits / (double)scale);
	if (!err)
		snprintf(node->limit_text, sizeof(node->limit_text), "%.*s", (int)(p->p - start),
			 start);
	return err;
}

/* There is room: there are at most CONDITION_COMPARISONS_MAX comparisons. */
static size_t add_node(struct parser *p, const struct node *node)
{
	p->c->nodes[p->c->n] = *node;
	return p->c->n++;
}

static int parse_comparison(struct parser *p, size_t *ret)
{
	struct node node = { .kind = NODE_COMPARISON };
	const char *start;
	int err;

	skip_blanks(p);
	start = p->p;
	err = parse_name(p, &node);
	if (!err)
		err = parse_relation(p, &node);
	if (!err)
		err = parse_number(p, &node);
	if (err)
		return err;
	if (p->comparisons++ == CONDITION_COMPARISONS_MAX)
		return wrong(p, start, "there are more than %d comparisons",
			     CONDITION_COMPARISONS_MAX);
	*ret = add_node(p, &node);
	return 0;
}

static int parse_either(struct parser *p, size_t *ret);

/* A comparison or something in parentheses, and any number of «not» before it. */
static int parse_factor(struct parser *p, size_t *ret)
{
	bool negated = false;
	int err;

	while (take(p, "not") || take(p, "!"))
		negated = !negated;
	if (!take(p, "(")) {
		err = parse_comparison(p, ret);
	} else {
		if (p->depth++ == CONDITION_DEPTH_MAX)
			return wrong(p, p->p - 1, "more than %d parentheses are in each other",
				     CONDITION_DEPTH_MAX);
		err = parse_either(p, ret);
		if (!err && !take(p, ")"))
			err = unexpected(p, "«and», «or» or «)»");
		p->depth--;
	}
	if (!err)
		p->c->nodes[*ret].negated ^= negated;
	return err;
}

static int parse_both(struct parser *p, size_t *ret)
{
	struct node node = { .kind = NODE_AND };
	int err = parse_factor(p, &node.left);

	while (!err && (take(p, "and") || take(p, "&&"))) {
		err = parse_factor(p, &node.right);
		if (!err)
			node.left = add_node(p, &node);
	}
	if (!err)
		*ret = node.left;
	return err;
}

static int parse_either(struct parser *p, size_t *ret)
{
	struct node node = { .kind = NODE_OR };
	int err = parse_both(p, &node.left);

	while (!err && (take(p, "or") || take(p, "||"))) {
		err = parse_both(p, &node.right);
		if (!err)
			node.left = add_node(p, &node);
	}
	if (!err)
		*ret = node.left;
	return err;
}

int condition_parse(const char *text, const struct condition_name *names, struct condition **ret,
		    struct failure *f)
{
	_cleanup_(condition_free) struct condition *c = calloc(1, sizeof(*c));
	struct parser p = { .text = text, .p = text, .names = names, .c = c, .f = f };
	size_t whole;
	int err;

	if (!c)
		return fail(f, FAILURE_INTERNAL, -ENOMEM, "not enough memory for a condition");
	err = parse_either(&p, &whole);
	if (err)
		return err;
	skip_blanks(&p);
	if (*p.p)
		return unexpected(&p, "«and», «or» or the end");
	*ret = TAKE_PTR(c);
	return 0;
}

void condition_free(struct condition **c)
{
	freep(c);
}

bool condition_uses(const struct condition *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->nodes[i].kind == NODE_COMPARISON && !strcmp(c->nodes[i].name->name, name))
			return true;
	return false;
}

/* --- evaluating ------------------------------------------------------------------------------------ */

/* What became of every node. */
struct outcome {
	enum condition_result plain[NODES_MAX]; /* without the «not» before it */
	double values[NODES_MAX]; /* of comparisons that are known */
};

static enum condition_result compare(enum relation relation, double value, double limit)
{
	const bool holds[] = {
		[LESS] = value<limit, [LESS_EQUAL] = value <= limit, [GREATER] = value> limit,
		[GREATER_EQUAL] = value >= limit,
		[EQUAL] = value == limit,
		[NOT_EQUAL] = value != limit,
	};

	return holds[relation] ? CONDITION_TRUE : CONDITION_FALSE;
}

static enum condition_result opposite(enum condition_result r)
{
	static const enum condition_result results[] = {
		[CONDITION_FALSE] = CONDITION_TRUE,
		[CONDITION_TRUE] = CONDITION_FALSE,
		[CONDITION_UNKNOWN] = CONDITION_UNKNOWN,
	};

	return results[r];
}

/* @decides is what one side alone makes of the whole: false of an «and», true of an «or». */
static enum condition_result join(enum condition_result decides, enum condition_result left,
				  enum condition_result right)
{
	if (left == decides || right == decides)
		return decides;
	return left == CONDITION_UNKNOWN ? left : right;
}

static enum condition_result result_of(const struct condition *c, const struct outcome *o, size_t i)
{
	return c->nodes[i].negated ? opposite(o->plain[i]) : o->plain[i];
}

static void evaluate(const struct condition *c,
		     bool (*value)(void *arg, const char *name, double *ret), void *arg,
		     struct outcome *o)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct node *n = &c->nodes[i];
		double v = 0;

		if (n->kind != NODE_COMPARISON) {
			o->plain[i] = join(n->kind == NODE_AND ? CONDITION_FALSE : CONDITION_TRUE,
					   result_of(c, o, n->left), result_of(c, o, n->right));
			continue;
		}
		o->plain[i] = CONDITION_UNKNOWN;
		if (value(arg, n->name->name, &v) && v == v) { /* NaN is not */
			o->plain[i] = compare(n->relation, v, n->limit);
			o->values[i] = v;
		}
	}
}

enum condition_result condition_evaluate(const struct condition *c,
					 bool (*value)(void *arg, const char *name, double *ret),
					 void *arg)
{
	struct outcome o;

	evaluate(c, value, arg, &o);
	return result_of(c, &o, c->n - 1);
}

/* --- explaining ------------------------------------------------------------------------------------ */

struct text {
	char *buf;
	size_t size, n; /* n is what it would have been with room for it */
};

static void _printf_(2, 3) put(struct text *t, const char *fmt, ...)
{
	size_t at = MIN(t->n, t->size - 1);
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->buf + at, t->size - at, fmt, args);
	va_end(args);
	t->n += n > 0 ? (size_t)n : 0;
}

/* All of it, in as few digits as tell it from its neighbours. */
static void put_value(struct text *t, double v, enum condition_unit unit)
{
	static const char *const behind[] = {
		[CONDITION_COUNT] = "",
		[CONDITION_BYTES] = "",
		[CONDITION_NS] = " ns",
		[CONDITION_PERCENT] = "%",
	};
	char digits[40];

	if (v > -0x1p63 && v < 0x1p63 && v == (double)(int64_t)v)
		snprintf(digits, sizeof(digits), "%lld", (long long)v);
	else
		for (int precision = 6; precision <= 17; precision++) {
			snprintf(digits, sizeof(digits), "%.*g", precision, v);
			if (strtod(digits, NULL) == v)
				break;
		}
	put(t, "%s%s", digits, behind[unit]);
}

/* How people say times, the longest first. */
struct time_form {
	uint64_t from; /* ns, as are all */
	uint64_t unit, step; /* what it is told in, and rounded to */
	int width; /* digits of less than a unit */
	const char *name;
};

static const struct time_form time_forms[] = {
	{ 60 * NSEC_PER_SEC, NSEC_PER_SEC, NSEC_PER_SEC, 9, "s" }, /* behind hours and minutes */
	{ NSEC_PER_SEC, NSEC_PER_SEC, NSEC_PER_SEC / 10, 9, "s" },
	{ NSEC_PER_MSEC, NSEC_PER_MSEC, NSEC_PER_MSEC / 10, 6, "ms" },
	{ NSEC_PER_USEC, NSEC_PER_USEC, NSEC_PER_USEC / 10, 3, "us" },
	{ 0, 1, 1, 0, "ns" },
};

static const struct time_form *time_form_of(uint64_t ns)
{
	const struct time_form *form = time_forms;

	while (ns < form->from)
		form++;
	return form;
}

/* «999 ns», «1.5 ms», «3.0 s», «3.046 s», «2 m 05 s», «1 h 00 m 07.25 s»: all of it. */
static void put_time(struct text *t, uint64_t ns)
{
	const struct time_form *form = time_form_of(ns);
	uint64_t minutes = ns / (60 * NSEC_PER_SEC), left = ns % (60 * NSEC_PER_SEC);
	size_t least = form->step < form->unit ? 1 : 0, n;
	char digits[24];

	if (minutes >= 60)
		put(t, "%" PRIu64 " h %02" PRIu64 " m ", minutes / 60, minutes % 60);
	else if (minutes)
		put(t, "%" PRIu64 " m ", minutes);
	snprintf(digits, sizeof(digits), "%0*" PRIu64, form->width, left % form->unit);
	for (n = strlen(digits); n > least && digits[n - 1] == '0'; n--)
		digits[n - 1] = '\0';
	put(t, "%0*" PRIu64 "%s%s %s", minutes ? 2 : 1, left / form->unit, n ? "." : "", digits,
	    form->name);
}

/* Rounded, but not so that it is on the limit's other side: nobody should read «is 3.0 s, > 3s». */
static uint64_t round_time(const struct node *n, enum condition_result plain, uint64_t ns)
{
	uint64_t step = time_form_of(ns)->step, shown = ns;

	for (; step > 1; step /= 10) {
		shown = (ns + step / 2) / step * step;
		if (compare(n->relation, (double)shown, n->limit) == plain)
			return shown;
	}
	return ns;
}

static void put_comparison(struct text *t, const struct node *n, enum condition_result plain,
			   double value)
{
	put(t, "%s%s is ", t->n ? "; " : "", n->name->name);
	if (plain == CONDITION_UNKNOWN) {
		put(t, "not known");
		return;
	}
	if (n->name->unit == CONDITION_NS && value >= 0 && value < 0x1p63 &&
	    value == (double)(uint64_t)value)
		put_time(t, round_time(n, plain, (uint64_t)value));
	else
		put_value(t, value, n->name->unit);
	put(t, ", %s%s %s", plain == CONDITION_TRUE ? "" : "not ", relations[n->relation],
	    n->limit_text);
}

/* One of the comparisons before @i said already that its value is not known. */
static bool said(const struct condition *c, const struct outcome *o, const bool *decided, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (decided[j] && c->nodes[j].kind == NODE_COMPARISON &&
		    o->plain[j] == CONDITION_UNKNOWN && c->nodes[j].name == c->nodes[i].name)
			return true;
	return false;
}

/* A side decided, if the whole did and is what the side is: both then, or the only one that is so. */
static void find_decided(const struct condition *c, const struct outcome *o, bool *decided)
{
	decided[c->n - 1] = true;
	for (size_t i = c->n; i-- > 0;) {
		const struct node *n = &c->nodes[i];

		if (!decided[i] || n->kind == NODE_COMPARISON)
			continue;
		decided[n->left] = result_of(c, o, n->left) == o->plain[i];
		decided[n->right] = result_of(c, o, n->right) == o->plain[i];
	}
}

enum condition_result condition_explain(const struct condition *c,
					bool (*value)(void *arg, const char *name, double *ret),
					void *arg, char *buf, size_t size)
{
	static const char dots[] = "…";
	struct text t = { .buf = buf, .size = size };
	bool decided[NODES_MAX] = { false };
	struct outcome o;

	evaluate(c, value, arg, &o);
	find_decided(c, &o, decided);
	buf[0] = '\0';
	for (size_t i = 0; i < c->n; i++) {
		if (!decided[i] || c->nodes[i].kind != NODE_COMPARISON)
			continue;
		if (o.plain[i] != CONDITION_UNKNOWN || !said(c, &o, decided, i))
			put_comparison(&t, &c->nodes[i], o.plain[i], o.values[i]);
	}
	if (t.n >= size && size >= sizeof(dots))
		memcpy(buf + size - sizeof(dots), dots, sizeof(dots));
	return result_of(c, &o, c->n - 1);
}
