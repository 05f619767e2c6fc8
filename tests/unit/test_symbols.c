// SPDX-License-Identifier: GPL-2.0
/* Lines of /proc/kallsyms, and what may be among a few names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "procfs/symbols.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static void test_lines(void **state _unused_)
{
	static const struct {
		const char *line;
		uint64_t address;
		char type;
		const char *name;
	} good[] = {
		{ "ffffffff81000100 T vmalloc\n", 0xffffffff81000100, 'T', "vmalloc" },
		{ "c0101000 t ioremap.part.0\n", 0xc0101000, 't', "ioremap.part.0" },
		{ "bf000000 t truth_leak_site\t[kmscope_truth]\n", 0xbf000000, 't',
		  "truth_leak_site" },
		{ "0000000000000000 W hidden", 0, 'W', "hidden" },
		{ "c0008000 T $a [x]\n", 0xc0008000, 'T', "$a" },
	};
	static const char *const bad[] = { "",		 "\n",	    "c0008000", "c0008000 ",
					   "c0008000 T", "c0 T ",   "c0 T \n",	"T vmalloc",
					   "c0 TT x",	 " c0 T x", "c0g T x" };
	struct symbol_line s;
	char line[80];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(line, sizeof(line), "%s", good[i].line);
		assert_true(symbol_line_parse(line, &s));
		assert_int_equal(s.address, good[i].address);
		assert_int_equal(s.type, good[i].type);
		assert_string_equal(s.name, good[i].name);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "%s", bad[i]);
		assert_false(symbol_line_parse(line, &s));
	}
}

/* Whatever goes on behind the beginning of a name passes; most else does not. */
static void test_sieve(void **state _unused_)
{
	struct symbol_sieve sieve = { 0 };

	symbol_sieve_add(&sieve, "vmalloc");
	symbol_sieve_add(&sieve, "__ioremap");
	assert_true(symbol_sieve_passes(&sieve, "vmalloc"));
	assert_true(symbol_sieve_passes(&sieve, "vmalloc_noprof"));
	assert_true(symbol_sieve_passes(&sieve, "__ioremap.part.0"));
	assert_false(symbol_sieve_passes(&sieve, "kmalloc"));
	assert_false(symbol_sieve_passes(&sieve, "__kmalloc"));
	assert_false(symbol_sieve_passes(&sieve, "_"));
	assert_false(symbol_sieve_passes(&sieve, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_sieve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
