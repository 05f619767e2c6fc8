// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "report/condition.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static const struct condition_name names[] = {
	{ "free", CONDITION_BYTES, "free memory" },
	{ "leaks.bytes", CONDITION_BYTES, "bytes of leak candidates" },
	{ "leaks.objects", CONDITION_COUNT, "objects of leak candidates" },
	{ "fallback.order", CONDITION_COUNT, "order of a fallback" },
	{ "faults.p99", CONDITION_NS, "99 of 100 faults are faster" },
	{ "slab.waste", CONDITION_PERCENT, "waste" },
	{ "android", CONDITION_COUNT, "begins with «and»" },
	{ "notes", CONDITION_COUNT, "begins with «not»" },
	{ "t", CONDITION_COUNT, "a name that a test wants to be true: 1" },
	{ "f", CONDITION_COUNT, "… false: 0" },
	{ "u", CONDITION_COUNT, "… not known" },
	{ NULL, CONDITION_COUNT, NULL },
};

/* What names have as values, ended by one without a name. */
struct given {
	const char *name;
	double value;
};

static bool value_of(void *arg, const char *name, double *ret)
{
	const struct given *g;

	for (g = arg; g->name; g++)
		if (!strcmp(g->name, name)) {
			*ret = g->value;
			return true;
		}
	return false;
}

static struct given values[] = {
	{ "free", 70000000 },
	{ "leaks.bytes", 1572864 },
	{ "leaks.objects", 7 },
	{ "fallback.order", 4 },
	{ "faults.p99", 1500000 },
	{ "slab.waste", 12.5 },
	{ "android", 1 },
	{ "notes", 1 },
	{ "t", 1 },
	{ "f", 0 },
	{ NULL, 0 },
};

static struct condition *parse(const char *text)
{
	struct condition *c = NULL;
	struct failure f = { 0 };
	int err = condition_parse(text, names, &c, &f);

	if (err)
		fail_msg("%s: %d: %s", text, err, f.text);
	return c;
}

static enum condition_result evaluate(const char *text)
{
	struct condition *c = parse(text);
	enum condition_result result = condition_evaluate(c, value_of, values);

	condition_free(&c);
	assert_null(c);
	condition_free(&c);
	return result;
}

static void assert_result(const char *text, enum condition_result expected)
{
	enum condition_result result = evaluate(text);

	if (result != expected)
		fail_msg("%s: %d instead of %d", text, (int)result, (int)expected);
}

static void assert_true_text(const char *text)
{
	assert_result(text, CONDITION_TRUE);
}

static void assert_false_text(const char *text)
{
	assert_result(text, CONDITION_FALSE);
}

/* --- comparisons ----------------------------------------------------------------------------------- */

static void test_operators(void **state)
{
	static const struct {
		const char *text;
		bool below, same, above; /* what it is for 6, 7 and 8 */
	} cases[] = {
		{ "leaks.objects < 7", true, false, false },
		{ "leaks.objects <= 7", true, true, false },
		{ "leaks.objects > 7", false, false, true },
		{ "leaks.objects >= 7", false, true, true },
		{ "leaks.objects == 7", false, true, false },
		{ "leaks.objects = 7", false, true, false },
		{ "leaks.objects != 7", true, false, true },
		{ "leaks.objects<7", true, false, false },
		{ "leaks.objects!=7", true, false, true },
		{ "\t leaks.objects\n>=  7\r\n", false, true, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct condition *c = parse(cases[i].text);
		const bool expected[] = { cases[i].below, cases[i].same, cases[i].above };

		for (size_t j = 0; j < ARRAY_SIZE(expected); j++) {
			struct given g[] = { { "leaks.objects", 6 + (double)j }, { NULL, 0 } };

			if (condition_evaluate(c, value_of, g) !=
			    (expected[j] ? CONDITION_TRUE : CONDITION_FALSE))
				fail_msg("%s is wrong for %zu", cases[i].text, 6 + j);
		}
		condition_free(&c);
	}
}

static void assert_limit(const char *name, const char *number, double expected)
{
	struct given g[] = { { name, expected }, { NULL, 0 } };
	struct condition *c;
	char text[100];

	snprintf(text, sizeof(text), "%s = %s", name, number);
	c = parse(text);
	if (condition_evaluate(c, value_of, g) != CONDITION_TRUE)
		fail_msg("%s is not %.17g", number, expected);
	condition_free(&c);
}

static void test_numbers(void **state)
{
	(void)state;
	assert_limit("t", "0", 0);
	assert_limit("t", "007", 7);
	assert_limit("t", "+7", 7);
	assert_limit("t", "-7", -7);
	assert_limit("t", "0.1", 0.1);
	assert_limit("t", "-12.345678", -12.345678);
	assert_limit("t", "9007199254740992", 0x1p53);
	assert_limit("t", "999999999999999999", 999999999999999999.0);
	assert_limit("t", "0.00000000000000001", 0.00000000000000001);
}

static void test_units(void **state)
{
	static const char *const sizes[] = { "K", "M", "G", "T" };
	static const char *const behind[] = { "", "B", "iB" };
	double factor = 1024;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++, factor *= 1024)
		for (size_t j = 0; j < ARRAY_SIZE(behind); j++) {
			char number[20];

			snprintf(number, sizeof(number), "1.5%s%s", sizes[i], behind[j]);
			assert_limit("free", number, 1.5 * factor);
		}
	assert_limit("free", "3k", 3072);
	assert_limit("free", "3kB", 3072);
	assert_limit("free", "3kiB", 3072);
	assert_limit("free", "3B", 3);
	assert_limit("free", "3", 3);
	assert_limit("faults.p99", "3ns", 3);
	assert_limit("faults.p99", "3us", 3e3);
	assert_limit("faults.p99", "3.5ms", 3.5e6);
	assert_limit("faults.p99", "3s", 3e9);
	assert_limit("faults.p99", "3m", 180e9);
	assert_limit("faults.p99", "3h", 3 * 3600e9);
	assert_limit("faults.p99", "0", 0);
	assert_limit("slab.waste", "12.5%", 12.5);
	assert_limit("slab.waste", "-12.5", -12.5);
}

/* --- logic ----------------------------------------------------------------------------------------- */

static void test_precedence(void **state)
{
	(void)state;
	/* (t or (t and f)), not ((t or t) and f) */
	assert_true_text("t=1 or t=1 and f=1");
	assert_false_text("(t=1 or t=1) and f=1");
	assert_true_text("f=1 and t=1 or t=1");
	assert_false_text("f=1 and (t=1 or t=1)");
	/* (not f) or t, not (f or t) */
	assert_true_text("not f=1 or t=1");
	assert_false_text("not (f=1 or t=1)");
	assert_false_text("not t=1 and f=1");
	assert_true_text("not (t=1 and f=1)");
	/* from the left; a few in a row */
	assert_true_text("t=1 and t=1 and t=1 and t=1");
	assert_false_text("t=1 and t=1 and f=1 and t=1");
	assert_true_text("f=1 or f=1 or t=1 or f=1");
	assert_false_text("f=1 or f=1 or f=1 or f=1");
	assert_true_text("((((t=1))))");
	assert_true_text("(f=1 or (t=1 and not (f=1 and t=1)))");
}

static void test_spellings(void **state)
{
	(void)state;
	assert_true_text("t=1&&t=1");
	assert_true_text("f=1||t=1");
	assert_true_text("!f=1");
	assert_true_text("!(f=1)");
	assert_true_text("! f=1 && not f=1");
	assert_true_text("not not t=1");
	assert_false_text("!!!t=1");
	assert_false_text("not not not t=1");
	assert_true_text("not(f=1)and(t=1)or(f=1)");
	/* names that begin like words of the language */
	assert_true_text("not notes=0 and android=1");
	assert_true_text("android=1 and notes=1");
}

static void test_unknown(void **state)
{
	static const char names_of[] = { 'f', 't', 'u' };
	static const enum condition_result results[] = {
		CONDITION_FALSE,
		CONDITION_TRUE,
		CONDITION_UNKNOWN,
	};
	/* by left and right, each false, true, unknown */
	static const char both[] = "fff"
				   "ftu"
				   "fuu";
	static const char either[] = "ftu"
				     "ttt"
				     "utu";

	(void)state;
	for (size_t l = 0; l < 3; l++)
		for (size_t r = 0; r < 3; r++) {
			char text[50];

			snprintf(text, sizeof(text), "%c=1 and %c=1", names_of[l], names_of[r]);
			assert_result(text, results[strchr("ftu", both[l * 3 + r]) - "ftu"]);
			snprintf(text, sizeof(text), "%c=1 or %c=1", names_of[l], names_of[r]);
			assert_result(text, results[strchr("ftu", either[l * 3 + r]) - "ftu"]);
		}
	assert_result("u=1", CONDITION_UNKNOWN);
	assert_result("u!=1", CONDITION_UNKNOWN);
	assert_result("not u=1", CONDITION_UNKNOWN);
	assert_result("not (u=1 and t=1)", CONDITION_UNKNOWN);
	assert_result("not (u=1 and f=1)", CONDITION_TRUE);
	assert_result("u=1 or not u=1", CONDITION_UNKNOWN);
}

static void test_nan_is_unknown(void **state)
{
	struct given g[] = { { "t", NAN }, { "f", INFINITY }, { NULL, 0 } };
	struct condition *c = parse("t > 1 or t <= 1");

	(void)state;
	assert_int_equal(condition_evaluate(c, value_of, g), CONDITION_UNKNOWN);
	condition_free(&c);
	c = parse("f > 999999999999999999");
	assert_int_equal(condition_evaluate(c, value_of, g), CONDITION_TRUE);
	condition_free(&c);
}

static void test_uses(void **state)
{
	struct condition *c = parse("free < 64M or not (fallback.order >= 4 and free > 1)");

	(void)state;
	assert_true(condition_uses(c, "free"));
	assert_true(condition_uses(c, "fallback.order"));
	assert_false(condition_uses(c, "fallback"));
	assert_false(condition_uses(c, "leaks.bytes"));
	assert_false(condition_uses(c, ""));
	condition_free(&c);
}

/* --- what is refused ------------------------------------------------------------------------------- */

static void assert_refused(const char *text, const char *message)
{
	struct condition *c = NULL;
	struct failure f = { .kind = FAILURE_INTERNAL };
	const char *said;
	int err = condition_parse(text, names, &c, &f);

	if (err != -EINVAL || f.kind != FAILURE_USAGE || c)
		fail_msg("%s is accepted, or refused with %d", text, err);
	said = strstr(f.text, "column ");
	if (!said || strcmp(said, message))
		fail_msg("%s: «%s» instead of «%s»", text, f.text, message);
}

static void test_refused_words(void **state)
{
	(void)state;
	assert_refused("", "column 1: a name is expected, not the end");
	assert_refused("  ", "column 3: a name is expected, not the end");
	assert_refused("7 > t", "column 1: a name is expected, not «7»");
	assert_refused(".t > 1", "column 1: a name is expected, not «.t»");
	assert_refused("t=1 and", "column 8: a name is expected, not the end");
	assert_refused("t=1 and and t=1", "column 9: a name is expected, not «and»");
	assert_refused("or t=1", "column 1: a name is expected, not «or»");
	assert_refused("!=1", "column 2: a name is expected, not «=»");
	assert_refused("()", "column 2: a name is expected, not «)»");
	assert_refused("t", "column 2: one of < <= > >= = != is expected, not the end");
	assert_refused("t 1", "column 3: one of < <= > >= = != is expected, not «1»");
	assert_refused("t =", "column 4: a number is expected, not the end");
	assert_refused("t =< 5", "column 4: a number is expected, not «<»");
	assert_refused("t <> 5", "column 4: a number is expected, not «>»");
	assert_refused("t === 5", "column 5: a number is expected, not «=»");
	assert_refused("t > f", "column 5: a number is expected, not «f»");
	assert_refused("t > -", "column 5: a number is expected, not «-»");
	assert_refused("t > --5", "column 5: a number is expected, not «--»");
	assert_refused("t > .5", "column 5: a number is expected, not «.5»");
	assert_refused("t=1 t=1", "column 5: «and», «or» or the end is expected, not «t»");
	assert_refused("t=1 AND t=1", "column 5: «and», «or» or the end is expected, not «AND»");
	assert_refused("t=1 & t=1", "column 5: «and», «or» or the end is expected, not «&»");
	assert_refused("t=1)", "column 4: «and», «or» or the end is expected, not «)»");
	assert_refused("1 < t < 5", "column 1: a name is expected, not «1»");
	assert_refused("(t=1", "column 5: «and», «or» or «)» is expected, not the end");
	assert_refused("(t=1 f=1)", "column 6: «and», «or» or «)» is expected, not «f»");
	/* columns count characters */
	assert_refused("t=1 ü", "column 5: «and», «or» or the end is expected, not «??»");
	assert_refused("t=1 and\u00a0ü", "column 8: a name is expected, not «????»");
}

static void test_refused_names(void **state)
{
	static const struct condition_name none[] = { { NULL, CONDITION_COUNT, NULL } };
	struct condition *c = NULL;
	struct failure f;

	(void)state;
	assert_refused("t=1 or leak.byte > 1",
		       "column 8: there is no «leak.byte»; the nearest name is «leaks.bytes»");
	assert_refused("Free < 1", "column 1: there is no «Free»; the nearest name is «free»");
	assert_refused("leaks.bytes. > 1",
		       "column 1: there is no «leaks.bytes.»; the nearest name is «leaks.bytes»");
	assert_refused("order > 1",
		       "column 1: there is no «order»; the nearest name is «fallback.order»");
	assert_int_equal(condition_parse("x > 1", none, &c, &f), -EINVAL);
	assert_string_equal(f.text, "condition «x > 1», column 1: there is no «x»");
	assert_int_equal(condition_parse("x > 1", none, &c, NULL), -EINVAL);
	assert_null(c);
}

static void test_refused_units(void **state)
{
	(void)state;
	assert_refused("leaks.objects > 5ms", "column 18: «ms» does not fit: leaks.objects is a "
					      "count and takes no unit");
	assert_refused("leaks.objects > 5K", "column 18: «K» does not fit: leaks.objects is a "
					     "count and takes no unit");
	assert_refused("leaks.objects > 5%", "column 18: «%» does not fit: leaks.objects is a "
					     "count and takes no unit");
	assert_refused("free > 5m",
		       "column 9: «m» does not fit: free is in bytes and takes B, K, M, G or T");
	assert_refused("free > 5%",
		       "column 9: «%» does not fit: free is in bytes and takes B, K, M, G or T");
	assert_refused("free > 5Mi",
		       "column 9: «Mi» does not fit: free is in bytes and takes B, K, M, G or T");
	assert_refused("free > 5.", "column 9: «.» does not fit: free is in bytes and takes B, K, "
				    "M, G or T");
	assert_refused("free > 5.1.2M", "column 11: «.2M» does not fit: free is in bytes and "
					"takes B, K, M, G or T");
	assert_refused("free > 0x10", "column 9: «x10» does not fit: free is in bytes and takes "
				      "B, K, M, G or T");
	assert_refused("free > 1e3",
		       "column 9: «e3» does not fit: free is in bytes and takes B, K, M, G or T");
	assert_refused("faults.p99 > 5M", "column 15: «M» does not fit: faults.p99 is a time and "
					  "takes ns, us, ms, s, m or h");
	assert_refused("faults.p99 > 5 and t=1",
		       "column 15: the number needs a unit: faults.p99 is a time and takes ns, us, "
		       "ms, s, m or h");
	assert_refused("slab.waste > 5K",
		       "column 15: «K» does not fit: slab.waste is a percentage and takes %");
	assert_refused("t > 5 M", "column 7: «and», «or» or the end is expected, not «M»");
	assert_refused("t > 1000000000000000000", "column 5: the number has more than 18 digits");
	assert_refused("t > -0.000000000000000001", "column 5: the number has more than 18 digits");
}

static void repeat(char *buf, const char *what, size_t times)
{
	while (times--)
		buf = stpcpy(buf, what);
}

static void test_bounds(void **state)
{
	static char text[200000];
	char *end;

	(void)state;
	repeat(text, "t=1 and ", CONDITION_COMPARISONS_MAX - 1);
	assert_true_text(strcat(text, "t=1"));
	assert_refused(strcat(text, " and t=1"), "column 513: there are more than 64 comparisons");
	repeat(text, "(", CONDITION_DEPTH_MAX);
	strcat(text, "t=1");
	end = text + strlen(text);
	repeat(end, ")", CONDITION_DEPTH_MAX);
	assert_true_text(text);
	/* not how many, but how many in each other */
	strcat(text, " and ");
	strcpy(end = text + strlen(text), "((t=1))");
	assert_true_text(text);
	repeat(text, "(", CONDITION_DEPTH_MAX + 1);
	assert_refused(text, "column 33: more than 32 parentheses are in each other");
	/* what has no bound takes no room */
	repeat(text, "not ", 40000);
	assert_true_text(strcat(text, "t=1"));
	repeat(text, "(", 199999);
	assert_refused(text, "column 33: more than 32 parentheses are in each other");
	repeat(text, "x", 199999);
	assert_refused(text, "column 1: there is no "
			     "«xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…»; "
			     "the nearest name is «free»");
}

static void test_hostile_text(void **state)
{
	struct condition *c = NULL;
	struct failure f;

	(void)state;
	assert_int_equal(condition_parse("t > 1\33[2J\n\x80", names, &c, &f), -EINVAL);
	assert_string_equal(f.text, "condition «t > 1?[2J??», column 6: «and», «or» or the end is "
				    "expected, not «?[»");
	for (const char *p = f.text; *p; p++)
		assert_true((unsigned char)*p >= ' ');
}

/* --- explaining ------------------------------------------------------------------------------------ */

static void assert_explained(const char *text, const char *expected)
{
	struct condition *c = parse(text);
	char buf[1000];

	assert_int_equal(condition_explain(c, value_of, values, buf, sizeof(buf)),
			 condition_evaluate(c, value_of, values));
	assert_string_equal(buf, expected);
	condition_free(&c);
}

static void test_explain(void **state)
{
	(void)state;
	assert_explained("leaks.bytes > 1M", "leaks.bytes is 1572864, > 1M");
	assert_explained("leaks.bytes > 2M", "leaks.bytes is 1572864, not > 2M");
	assert_explained("leaks.bytes == 1.5MiB", "leaks.bytes is 1572864, = 1.5MiB");
	assert_explained("faults.p99 >= 1ms", "faults.p99 is 1.5 ms, >= 1ms");
	assert_explained("slab.waste>+10%", "slab.waste is 12.5%, > +10%");
	assert_explained("u > 1", "u is not known");
	/* only what decided */
	assert_explained("leaks.bytes > 1M or free < 64M", "leaks.bytes is 1572864, > 1M");
	assert_explained("leaks.bytes > 1M or free > 64M",
			 "leaks.bytes is 1572864, > 1M; free is 70000000, > 64M");
	assert_explained("leaks.bytes > 1M and free < 64M", "free is 70000000, not < 64M");
	assert_explained("not free < 64M and t = 1", "free is 70000000, not < 64M; t is 1, = 1");
	assert_explained("not (t = 1 and free > 64M)", "t is 1, = 1; free is 70000000, > 64M");
	assert_explained("not (f = 1 or u = 1) or t = 1", "t is 1, = 1");
	assert_explained("(t = 0 and u > 1) or (f = 0 and not t = 2)",
			 "f is 0, = 0; t is 1, not = 2");
	assert_explained("u > 1 and t = 1", "u is not known");
	assert_explained("u > 1 or u < 1 or t = 2", "u is not known");
	assert_explained("u > 1 or t = 1", "t is 1, = 1");
}

static void test_explained_values(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ -0.0, "0" },
		{ -3, "-3" },
		{ 0x1p60, "1152921504606846976" },
		{ 1e19, "1e+19" },
		{ INFINITY, "inf" },
		{ 0.1, "0.1" },
		{ 33.333333333333336, "33.333333333333336" },
		/* nobody should read «is 10, not = 10» */
		{ 10.000000000000002, "10.000000000000002" },
	};
	struct condition *c = parse("t != 77");
	char buf[100], expected[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct given g[] = { { "t", cases[i].value }, { NULL, 0 } };

		snprintf(expected, sizeof(expected), "t is %s, != 77", cases[i].text);
		assert_int_equal(condition_explain(c, value_of, g, buf, sizeof(buf)),
				 CONDITION_TRUE);
		assert_string_equal(buf, expected);
	}
	condition_free(&c);
}

/* As people say times, in as few digits as show that the comparison holds or does not. */
static void test_explained_times(void **state)
{
	static const struct {
		double value;
		const char *comparison, *text;
	} cases[] = {
		{ 0, "!= 77h", "0 ns" },
		{ 0.5, "> 0", "0.5 ns" },
		{ 999, "!= 77h", "999 ns" },
		{ 1000, "!= 77h", "1.0 us" },
		{ 999949, "!= 77h", "999.9 us" },
		{ 999950, "!= 77h", "1.0 ms" },
		{ 1234567, "!= 77h", "1.2 ms" },
		{ 3200112233, "> 3s", "3.2 s" },
		{ 3046112233, "> 3s", "3.05 s" },
		{ 3000000001, "> 3s", "3.000000001 s" },
		{ 3000000000, ">= 3s", "3.0 s" },
		{ 2999999999, "< 3s", "2.999999999 s" },
		{ 2970000000, "< 3s", "2.97 s" },
		{ 59949999999, "!= 77h", "59.9 s" },
		{ 59950000000, "!= 77h", "1 m 00 s" },
		{ 60000000000, "= 1m", "1 m 00 s" },
		{ 60020000000, "> 1m", "1 m 00.02 s" },
		{ 125400000000, "> 2m", "2 m 05 s" },
		{ 3600050000000, "> 1h", "1 h 00 m 00.1 s" },
		{ 7384600000000, "> 1h", "2 h 03 m 05 s" },
		{ 0x1p62, "> 1h", "1281023 h 53 m 38 s" },
		{ 0x1p63, "> 1h", "9.223372036854776e+18 ns" },
		{ -1.5e9, "< 1h", "-1500000000 ns" },
	};
	char buf[100], condition[40], expected[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct given g[] = { { "faults.p99", cases[i].value }, { NULL, 0 } };
		struct condition *c;

		snprintf(condition, sizeof(condition), "faults.p99 %s", cases[i].comparison);
		c = parse(condition);
		snprintf(expected, sizeof(expected), "faults.p99 is %s, %s", cases[i].text,
			 cases[i].comparison);
		condition_explain(c, value_of, g, buf, sizeof(buf));
		assert_string_equal(buf, expected);
		condition_free(&c);
	}
}

static void test_explained_in_little_room(void **state)
{
	static const char whole[] = "t is 1, = 1; leaks.objects is 7, = 7";
	struct condition *c = parse("t = 1 and leaks.objects = 7");
	char *buf;

	(void)state;
	for (size_t size = 1; size <= sizeof(whole) + 1; size++) {
		buf = malloc(size); /* ASan sees every byte beyond */
		assert_non_null(buf);
		assert_int_equal(condition_explain(c, value_of, values, buf, size), CONDITION_TRUE);
		if (size >= sizeof(whole)) {
			assert_string_equal(buf, whole);
		} else {
			assert_int_equal(strlen(buf), size - 1);
			assert_memory_equal(buf, whole, size >= 4 ? size - 4 : size - 1);
			if (size >= 4)
				assert_string_equal(buf + size - 4, "…");
		}
		free(buf);
	}
	condition_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operators),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_nan_is_unknown),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_refused_words),
		cmocka_unit_test(test_refused_names),
		cmocka_unit_test(test_refused_units),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_explained_times),
		cmocka_unit_test(test_explained_values),
		cmocka_unit_test(test_explained_in_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
