// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a condition, behind one byte that says which values are known. What is accepted is evaluated
 * and explained; together with its opposite it must keep to the rules of logic.
 */
#include <stdio.h>
#include <string.h>

#include "report/condition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct condition_name names[] = {
	{ "free", CONDITION_BYTES, "free memory" },
	{ "leaks.bytes", CONDITION_BYTES, "bytes of leak candidates" },
	{ "leaks.objects", CONDITION_COUNT, "objects of leak candidates" },
	{ "faults.p99", CONDITION_NS, "99 of 100 faults are faster" },
	{ "slab.waste", CONDITION_PERCENT, "waste" },
	{ NULL, CONDITION_COUNT, NULL },
};

static const double values[] = { 70000000, 1572864, 7, 1500000, 12.5 };

/* Bit by bit, @arg says which are known. */
static bool value_of(void *arg, const char *name, double *ret)
{
	const uint8_t *known = arg;
	size_t i = 0;

	while (names[i].name != name)
		i++;
	*ret = values[i];
	return *known >> i & 1;
}

static struct condition *parse(const char *before, const char *text, const char *behind)
{
	_cleanup_free_ char *whole = NULL;
	struct condition *c = NULL;
	struct failure f = { 0 };

	if (asprintf(&whole, "%s%s%s", before, text, behind) < 0)
		abort();
	if (condition_parse(whole, names, &c, &f) && (c || !f.text[0]))
		abort();
	return c;
}

static enum condition_result explain(const struct condition *c, uint8_t *known, size_t size)
{
	char text[8192];
	enum condition_result result = condition_evaluate(c, value_of, known);

	if (condition_explain(c, value_of, known, text, sizeof(text)) != result || !text[0])
		abort();
	/* all are known: so is the result, and what is said about it */
	if ((*known & 31) == 31 && (result == CONDITION_UNKNOWN || strstr(text, "not known")))
		abort();
	condition_explain(c, value_of, known, text, 1 + size % 200);
	if (strlen(text) > size % 200)
		abort();
	return result;
}

/* @text is a condition and as @text stands alone, so it does in parentheses, if it is not too deep. */
static void try_opposite(const char *text, enum condition_result result, uint8_t *known)
{
	_cleanup_(condition_free) struct condition *c = parse("not (", text, ")");
	enum condition_result opposite;

	if (!c)
		return;
	opposite = condition_evaluate(c, value_of, known);
	if (result == CONDITION_UNKNOWN ? opposite != result : opposite == result)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(condition_free) struct condition *c = NULL;
	_cleanup_free_ char *text = NULL;
	uint8_t known;
	size_t i;

	if (!size)
		return 0;
	known = data[0];
	text = strndup((const char *)data + 1, size - 1);
	if (!text)
		abort();
	c = parse("", text, "");
	if (!c)
		return 0;
	for (i = 0; names[i].name; i++)
		if (condition_uses(c, names[i].name) && !strstr(text, names[i].name))
			abort();
	try_opposite(text, explain(c, &known, size), &known);
	return 0;
}
