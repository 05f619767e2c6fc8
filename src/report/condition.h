/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_REPORT_CONDITION_H
#define KMSCOPE_REPORT_CONDITION_H
/*
 * Conditions that people write on the command line, such as «leaks.bytes > 1M and not free < 64M»,
 * about named numbers. docs/conditions.md describes the language. A condition knows only the names;
 * where their values come from is up to who evaluates it.
 */
#include "base/base.h"
#include "base/failure.h"

#define CONDITION_COMPARISONS_MAX 64
#define CONDITION_DEPTH_MAX	  32 /* of parentheses in each other */

/* What a name's value counts, and so which units a number that is compared with it may have. */
enum condition_unit {
	CONDITION_COUNT, /* none: K may mean 1000 or 1024 here */
	CONDITION_BYTES, /* none, B, K, M, G, T, with iB or B behind */
	CONDITION_NS, /* nanoseconds; ns, us, ms, s, m, h; none only of 0 */
	CONDITION_PERCENT, /* none, or % */
};

/* Tables of names end with one that is NULL. They have to live as long as the condition. */
struct condition_name {
	const char *name; /* lower-case words of letters, digits and «_», joined by dots */
	enum condition_unit unit;
	const char *what; /* in words, for --help and docs */
};

enum condition_result {
	CONDITION_FALSE,
	CONDITION_TRUE,
	CONDITION_UNKNOWN, /* it depends on a value that is not known */
};

struct condition;

/* -EINVAL with what is wrong and in which column, or -ENOMEM. Free with condition_free(). */
int condition_parse(const char *text, const struct condition_name *names, struct condition **ret,
		    struct failure *f);
void condition_free(struct condition **c);

/* Whether it compares @name with anything: what it does not use, need not be measured. */
bool condition_uses(const struct condition *c, const char *name);

/*
 * @value gets @arg and one of the table's names, and sets *@ret in the name's unit (bytes, nanoseconds,
 * per cent); false, or NaN, if that is not known. «and» is false as soon as one side is, «or» true as
 * soon as one side is, even if the other side is not known. Otherwise what is not known makes the
 * whole unknown.
 */
enum condition_result condition_evaluate(const struct condition *c,
					 bool (*value)(void *arg, const char *name, double *ret),
					 void *arg);

/*
 * As condition_evaluate(), and why: @buf is filled with the comparisons that decided, in their order,
 * such as «leaks.bytes is 1572864, > 1M; free is 70000000, not < 64M» or «leaks.bytes is not known». Times
 * are rounded («3.2 s»), but never beyond what they are compared with.
 * Where that does not fit @size (1 or more), «…» stands for its end.
 */
enum condition_result condition_explain(const struct condition *c,
					bool (*value)(void *arg, const char *name, double *ret),
					void *arg, char *buf, size_t size);

#endif
