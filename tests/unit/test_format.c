// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "probe/format.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define DATA "tests/unit/data/format-6.18/"

#define COMMON                                                                         \
	"format:\n"                                                                    \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"         \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"         \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

/* As a 6.1 kernel on ARM32 prints it, the table of names cut short. */
static const char kmalloc_arm_6_1[] =
	"name: kmalloc\nID: 391\n" COMMON
	"\tfield:unsigned long call_site;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:const void * ptr;\toffset:12;\tsize:4;\tsigned:0;\n"
	"\tfield:size_t bytes_req;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:size_t bytes_alloc;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long gfp_flags;\toffset:24;\tsize:4;\tsigned:0;\n"
	"\tfield:int node;\toffset:28;\tsize:4;\tsigned:1;\n\n"
	"print fmt: \"call_site=%pS ptr=%p bytes_req=%zu bytes_alloc=%zu gfp_flags=%s node=%d "
	"accounted=%s\", (void *)REC->call_site, REC->ptr, REC->bytes_req, REC->bytes_alloc, "
	"(REC->gfp_flags) ? __print_flags(REC->gfp_flags, \"|\", "
	"{(unsigned long)(((((( gfp_t)(0x400u|0x800u)) | (( gfp_t)0x40u) | (( gfp_t)0x80u) | "
	"(( gfp_t)0x100000u)) | (( gfp_t)0x02u)) | (( gfp_t)0x08u)) | (( gfp_t)0)), "
	"\"GFP_HIGHUSER_MOVABLE\"}, "
	"{( unsigned long)((( gfp_t)(0x400u|0x800u)) | (( gfp_t)0x40u) | (( gfp_t)0x80u)), "
	"\"GFP_KERNEL\"}, {( unsigned long)(( gfp_t)0x100u), \"__GFP_ZERO\"}, "
	"{( unsigned long)(( gfp_t)0x400000u), \"__GFP_ACCOUNT\"}, "
	"{( unsigned long)SOME_ENUM, \"__GFP_ODD\"}, "
	"{( unsigned long)(( gfp_t)0x2000u), \"__GFP_NOWARN\"}) : \"none\", REC->node, "
	"(IS_ENABLED(CONFIG_MEMCG_KMEM) && (REC->gfp_flags & (( gfp_t)0x400000u))) ? \"true\" : "
	"\"false\"\n";

static struct event_format *parse(const char *text)
{
	struct event_format *fmt = NULL;
	struct failure f = { 0 };
	int err = format_parse(text, strlen(text), &fmt, &f);

	if (err)
		fail_msg("%d: %s", err, f.text);
	return fmt;
}

static struct event_format *parse_file(const char *path)
{
	_cleanup_free_ char *text = calloc(1, 65536);
	FILE *file = fopen(path, "r");

	assert_non_null(text);
	if (!file)
		fail_msg("%s is missing: run the test at the root of the tree", path);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return parse(text);
}

static void assert_field(const struct event_format *fmt, const char *name, const char *type,
			 uint32_t offset, uint32_t size, bool is_signed)
{
	const struct event_field *field = format_field(fmt, name);

	assert_non_null(field);
	assert_string_equal(field->type, type);
	assert_int_equal(field->offset, offset);
	assert_int_equal(field->size, size);
	assert_int_equal(field->is_signed, is_signed);
}

static void test_6_18(void **state _unused_)
{
	_cleanup_(format_free) struct event_format *alloc = parse_file(DATA "kmalloc");
	_cleanup_(format_free) struct event_format *cache = parse_file(DATA "kmem_cache_alloc");
	_cleanup_(format_free) struct event_format *cache_free = parse_file(DATA "kmem_cache_free");
	_cleanup_(format_free) struct event_format *kfree = parse_file(DATA "kfree");

	assert_string_equal(alloc->name, "kmalloc");
	assert_int_equal(alloc->id, 658);
	assert_int_equal(alloc->n_fields, 10);
	assert_field(alloc, "common_pid", "int", 4, 4, true);
	assert_field(alloc, "call_site", "unsigned long", 8, 8, false);
	assert_field(alloc, "ptr", "const void *", 16, 8, false);
	assert_true(format_field(alloc, "ptr")->is_pointer);
	assert_field(alloc, "node", "int", 48, 4, true);
	assert_null(format_field(alloc, "accounted"));
	assert_memory_equal(alloc->print_fmt, "\"call_site=", 11);

	assert_field(cache, "name", "__data_loc char[]", 24, 4, false);
	assert_true(format_field(cache, "name")->is_data_loc);
	assert_false(format_field(cache, "name")->is_array);
	assert_field(cache, "accounted", "bool", 60, 1, false);
	assert_field(cache_free, "name", "__data_loc char[]", 24, 4, false);
	assert_int_equal(kfree->n_fields, 6);
	assert_string_equal(kfree->print_fmt,
			    "\"call_site=%pS ptr=%p\", (void *)REC->call_site, REC->ptr");
}

static void test_arm(void **state _unused_)
{
	_cleanup_(format_free) struct event_format *fmt = parse(kmalloc_arm_6_1);

	assert_int_equal(fmt->id, 391);
	assert_field(fmt, "call_site", "unsigned long", 8, 4, false);
	assert_field(fmt, "ptr", "const void *", 12, 4, false);
	assert_field(fmt, "node", "int", 28, 4, true);
}

static void test_declarations(void **state _unused_)
{
	_cleanup_(format_free) struct event_format *fmt =
		parse("name: x\n"
		      "\tfield:char comm[16];\toffset:0;\tsize:16;\tsigned:0;\n"
		      "\tfield:void *tight;\toffset:16;\tsize:8;\tsigned:0;\r\n"
		      "\tfield:unsigned long args [ 6 ];\toffset:24;\tsize:48;\tsigned:0;\n"
		      "\tfield:char named[TASK_COMM_LEN];\toffset:72;\tsize:16;\tsigned:1;\n"
		      "\tfield:__rel_loc u8[] data;\toffset:88;\tsize:4;\n"
		      "\tfield:const char *const * argv;\toffset:96;\tsize:8;\tsigned:0;\n"
		      "\tfield:char buf[];\toffset:104;\tsize:0;\tsigned:0;\n"
		      "a line from the future\n");

	assert_field(fmt, "comm", "char", 0, 16, false);
	assert_int_equal(format_field(fmt, "comm")->array_len, 16);
	assert_field(fmt, "tight", "void *", 16, 8, false);
	assert_true(format_field(fmt, "tight")->is_pointer);
	assert_field(fmt, "args", "unsigned long", 24, 48, false);
	assert_true(format_field(fmt, "args")->is_array);
	assert_field(fmt, "named", "char", 72, 16, true);
	assert_int_equal(format_field(fmt, "named")->array_len, 0);
	assert_true(format_field(fmt, "named")->is_array);
	assert_true(format_field(fmt, "data")->is_data_loc);
	assert_field(fmt, "argv", "const char *const *", 96, 8, false);
	assert_field(fmt, "buf", "char", 104, 0, false);
	assert_string_equal(fmt->print_fmt, "");
}

static void assert_refused(const char *text, size_t len, int err)
{
	struct event_format *fmt = NULL;
	struct failure f = { 0 };

	assert_int_equal(format_parse(text, len, &fmt, &f), err);
	assert_null(fmt);
	assert_true(f.text[0]);
	assert_null(strchr(f.text, '\n'));
	assert_int_equal(format_parse(text, len, &fmt, NULL), err);
}

static void test_hostile(void **state _unused_)
{
	static const char outside[] = "name: x\nfield:int a;\toffset:65533;\tsize:4;\n";
	static const char huge[] = "name: x\nfield:int a;\toffset:4294967295;\tsize:4294967295;\n";
#define FIELD(rest) "name: x\n\tfield:" rest "\n"
	static const char *const refused[] = {
		"",
		"\n\n",
		"name: x\n",
		"name:\n\tfield:int a;\toffset:0;\tsize:4;\n",
		"name: a b\n\tfield:int a;\toffset:0;\tsize:4;\n",
		"\tfield:int a;\toffset:0;\tsize:4;\n",
		FIELD(""),
		FIELD(";"),
		FIELD("int a"),
		FIELD("int a;"),
		FIELD("int a;\toffset:0;"),
		FIELD("int a;\toffset:0;\tsize:;"),
		FIELD("int a;\toffset:-1;\tsize:4;"),
		FIELD("int a;\toffset:0;\tsize:4294967296;"),
		FIELD("int a;\toffset:0;\tsize:99999999999999999999999;"),
		FIELD("int;\toffset:0;\tsize:4;"),
		FIELD("int a[;\toffset:0;\tsize:4;"),
		FIELD("int ];\toffset:0;\tsize:4;"),
		FIELD("[4];\toffset:0;\tsize:4;"),
		FIELD("int 4a;\toffset:0;\tsize:4;"),
		FIELD("void (*f)(int);\toffset:0;\tsize:8;"),
		"name: x\nID: many\n\tfield:int a;\toffset:0;\tsize:4;\n",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		assert_refused(refused[i], strlen(refused[i]), -EINVAL);
	assert_refused(outside, strlen(outside), -E2BIG);
	assert_refused(huge, strlen(huge), -E2BIG);
	assert_refused("name: x\0\n", 9, -EINVAL);
}

static void test_too_much(void **state _unused_)
{
	_cleanup_free_ char *text = malloc(FORMAT_MAX_TEXT + 1);
	size_t n = 0, i;

	assert_non_null(text);
	n += (size_t)sprintf(text, "name: x\n");
	for (i = 0; i < 10000; i++)
		n += (size_t)sprintf(text + n, "field:int f%zu;\toffset:%zu;\tsize:4;\n", i, i * 4);
	assert_refused(text, n, -E2BIG);
	memset(text, '(', FORMAT_MAX_TEXT + 1);
	assert_refused(text, FORMAT_MAX_TEXT + 1, -E2BIG);
	assert_refused(text, FORMAT_MAX_TEXT, -EINVAL);
}

static uint64_t value_of(const struct flag_names *names, const char *name)
{
	uint64_t v = 0;

	if (flag_names_value(names, name, &v))
		fail_msg("no flag named %s", name);
	return v;
}

static void assert_decoded(const struct flag_names *names, uint64_t value, const char *text)
{
	char buf[256];

	assert_int_equal(flag_names_decode(names, value, buf, sizeof(buf)), strlen(text));
	assert_string_equal(buf, text);
}

static void test_flags_6_18(void **state _unused_)
{
	_cleanup_(format_free) struct event_format *fmt = parse_file(DATA "kmalloc");
	_cleanup_(flag_names_free) struct flag_names *names = NULL;
	uint64_t v = 42;

	assert_int_equal(flag_names_parse(fmt, "gfp_flags", &names), 0);
	assert_int_equal(names->n, 38);
	assert_int_equal(value_of(names, "GFP_KERNEL"), 0xcc0);
	assert_int_equal(value_of(names, "GFP_ATOMIC"), 0x820);
	assert_int_equal(value_of(names, "__GFP_ACCOUNT"), 0x400000);
	assert_int_equal(value_of(names, "GFP_TRANSHUGE_LIGHT"), 0x1c20ca);
	assert_int_equal(value_of(names, "__GFP_NO_OBJ_EXT"), 1u << 24);
	assert_int_equal(flag_names_value(names, "__GFP_NONE", &v), -ENOENT);
	assert_int_equal(v, 42);
	assert_decoded(names, 0, "none");
	assert_decoded(names, 0xcc0, "GFP_KERNEL");
	assert_decoded(names, 0xdc0, "GFP_KERNEL|__GFP_ZERO");
	assert_decoded(names, 0x400cc0, "GFP_KERNEL_ACCOUNT");
	assert_decoded(names, 0x40, "__GFP_IO");
	assert_decoded(names, 0x80000820, "GFP_ATOMIC|0x80000000");
	assert_decoded(names, 1ull << 40, "0x10000000000");
	assert_int_equal(flag_names_parse(fmt, "call_site", &names), -ENOENT);
}

static void test_flags_arm(void **state _unused_)
{
	_cleanup_(format_free) struct event_format *fmt = parse(kmalloc_arm_6_1);
	_cleanup_(flag_names_free) struct flag_names *names = NULL;
	uint64_t v;

	assert_int_equal(flag_names_parse(fmt, "gfp_flags", &names), 0);
	assert_int_equal(value_of(names, "GFP_HIGHUSER_MOVABLE"), 0x100cca);
	assert_int_equal(value_of(names, "GFP_KERNEL"), 0xcc0);
	assert_int_equal(value_of(names, "__GFP_ACCOUNT"), 0x400000);
	assert_int_equal(value_of(names, "__GFP_NOWARN"), 0x2000);
	assert_int_equal(flag_names_value(names, "__GFP_ODD", &v), -ENOENT);
	assert_decoded(names, 0x402cc0, "GFP_KERNEL|__GFP_ACCOUNT|__GFP_NOWARN");
}

static struct flag_names *flags_of(const char *entries)
{
	_cleanup_(format_free) struct event_format *fmt = NULL;
	struct flag_names *names = NULL;
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text,
			     "name: x\nfield:int f; offset:0; size:4;\n"
			     "print fmt: \"%%s\", __print_flags(REC->ff, \"|\", {9, \"NO\"}), "
			     "__print_flags( (unsigned long)REC->f , \"|\" , %s",
			     entries) > 0);
	fmt = parse(text);
	flag_names_parse(fmt, "f", &names);
	return names;
}

static void test_expressions(void **state _unused_)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "1", 1 },
		{ "0", 0 },
		{ "010", 8 },
		{ "0X1fUL", 31 },
		{ "18446744073709551615ull", UINT64_MAX },
		{ "1 << 2 | 1", 5 },
		{ "1 | 1 << 2", 5 },
		{ "6 & 3 | 8", 10 },
		{ "8 | 6 & 3", 10 },
		{ "1 << 1 + 1", 4 },
		{ "7 ^ 2", 5 },
		{ "8 - 2 - 1", 5 },
		{ "256 >> 4 >> 1", 8 },
		{ "-1", UINT64_MAX },
		{ "~0", UINT64_MAX },
		{ "( gfp_t)~0", UINT32_MAX },
		{ "(u8)(unsigned  long)0x1ff", 0xff },
		{ "((((1UL))) << (63))", 1ull << 63 },
		{ "+ + 3", 3 },
	};
	static const char *const bad[] = {
		"",
		"X",
		"1 +",
		"(1",
		"1)",
		"1 2",
		"1 << 64",
		"1 << -1",
		"0x",
		"1z",
		"09",
		"f(1)",
		"1 && 1",
		"1 || 1",
		"1 * 2",
		"~",
		"(int)",
		"sizeof(int)",
		"0x10000000000000000",
		"18446744073709551616",
		"\x10",
		"{",
	};
	char text[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_(flag_names_free) struct flag_names *names = NULL;

		snprintf(text, sizeof(text), "{ %s , \"F\" } )", good[i].text);
		names = flags_of(text);
		assert_non_null(names);
		if (value_of(names, "F") != good[i].value)
			fail_msg("%s is not 0x%llx", good[i].text,
				 (unsigned long long)value_of(names, "F"));
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(flag_names_free) struct flag_names *names = NULL;

		snprintf(text, sizeof(text), "{ %s, \"F\" }, { 2, \"G}\\\"\" } )", bad[i]);
		names = flags_of(text);
		if (!names || names->n != 1)
			fail_msg("«%s» was not left out alone", bad[i]);
		assert_int_equal(names->items[0].value, 2);
	}
}

static void test_hostile_flags(void **state _unused_)
{
	static const char *const tables[] = {
		"",	    "{",	 "{1",	"{1,",	   "{1,\"", "{1,\"A", "{1,\"A\\",
		"{1,\"A\"", "{1 \"A\"}", "{,}", "{\"A\"}", "1}",    "{1, 2}", "{1,\"A\" \"B\"}"
	};
	_cleanup_free_ char *deep = malloc(100001);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		assert_null(flags_of(tables[i]));
	assert_non_null(deep);
	memset(deep, '(', 100000);
	deep[0] = '{';
	deep[100000] = '\0';
	assert_null(flags_of(deep));
	memset(deep + 1, '~', 99999);
	assert_null(flags_of(deep));
	for (i = 1; i < 100000; i += 5)
		memcpy(deep + i, i + 5 < 100000 ? "(int)" : "(int", 4 + (i + 5 < 100000));
	assert_null(flags_of(deep));
}

static void test_decode_short(void **state _unused_)
{
	_cleanup_(flag_names_free) struct flag_names *names =
		flags_of("{0, \"ZERO\"}, {3, \"BOTH\"}, {1, \"ONE\"}, {2, \"TWO\"}");
	char buf[6] = "xxxxx";

	assert_non_null(names);
	assert_decoded(names, 7, "BOTH|0x4");
	assert_int_equal(flag_names_decode(names, 7, buf, sizeof(buf)), 8);
	assert_string_equal(buf, "BOTH|");
	assert_int_equal(flag_names_decode(names, 7, buf, 1), 8);
	assert_string_equal(buf, "");
	assert_int_equal(flag_names_decode(names, 7, NULL, 0), 8);
	assert_int_equal(flag_names_decode(names, 0, NULL, 0), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_6_18),	      cmocka_unit_test(test_arm),
		cmocka_unit_test(test_declarations),  cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_too_much),      cmocka_unit_test(test_flags_6_18),
		cmocka_unit_test(test_flags_arm),     cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_hostile_flags), cmocka_unit_test(test_decode_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
