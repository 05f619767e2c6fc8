// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/vec.h"
#include "sym/user_table.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static void table_begin(struct user_table *t, unsigned int machine)
{
	struct user_segment *s;

	memset(t, 0, sizeof(*t));
	t->machine = machine;
	s = vec_add(&t->segments);
	assert_non_null(s);
	/* data and code share a page of the file */
	*s = (struct user_segment){ .offset = 0, .n = 0x2000, .address = 0x400000 };
	s = vec_add(&t->segments);
	assert_non_null(s);
	*s = (struct user_segment){
		.offset = 0x1000, .n = 0x20000, .address = 0x11000, .code = true
	};
}

static void add(struct user_table *t, uint64_t at, uint64_t size, int type, int bind,
		const char *name)
{
	GElf_Sym sym = {
		.st_value = at,
		.st_size = size,
		.st_info = (unsigned char)GELF_ST_INFO(bind, type),
		.st_shndx = 7,
	};

	assert_int_equal(user_table_add(t, &sym, name, strlen(name) + 1), 0);
}

static void assert_name(const struct user_table *t, uint64_t address, const char *name, uint64_t in)
{
	const char *found = NULL;
	uint64_t offset = 0;
	int err = user_table_lookup(t, address - 0x10000, &found, &offset);

	if (!name) {
		assert_int_equal(err, -ENOENT);
		return;
	}
	assert_int_equal(err, 0);
	assert_string_equal(found, name);
	assert_int_equal(offset, in);
}

static void test_table(void **state _unused_)
{
	struct user_table t;

	table_begin(&t, EM_X86_64);
	add(&t, 0x11100, 0x40, STT_FUNC, STB_GLOBAL, "__read");
	add(&t, 0x11100, 0x40, STT_FUNC, STB_WEAK, "read");
	add(&t, 0x11100, 0x40, STT_FUNC, STB_LOCAL, "local_read");
	add(&t, 0x11200, 0x100, STT_FUNC, STB_LOCAL, "outer");
	add(&t, 0x11280, 0, STT_NOTYPE, STB_LOCAL, "label");
	add(&t, 0x12000, 0, STT_NOTYPE, STB_GLOBAL, "_start");
	add(&t, 0x12010, 8, STT_GNU_IFUNC, STB_GLOBAL, "memcpy@@GLIBC_2.14");
	add(&t, 0x12100, 0, STT_FUNC, STB_GLOBAL, "last");
	/* data, another's, no name, marks */
	add(&t, 0x11300, 8, STT_OBJECT, STB_GLOBAL, "table");
	add(&t, 0x400010, 8, STT_FUNC, STB_GLOBAL, "not_code");
	add(&t, 0x12200, 8, STT_FUNC, STB_GLOBAL, "");
	add(&t, 0x12300, 0, STT_NOTYPE, STB_LOCAL, ".annobin_x");
	add(&t, 0x12300, 0, STT_NOTYPE, STB_LOCAL, "$d");
	user_table_finish(&t);
	assert_name(&t, 0x110ff, NULL, 0);
	assert_name(&t, 0x11100, "read", 0);
	assert_name(&t, 0x1113f, "read", 0x3f);
	assert_name(&t, 0x11140, NULL, 0);
	assert_name(&t, 0x1127f, "outer", 0x7f);
	assert_name(&t, 0x11290, "outer", 0x90);
	assert_name(&t, 0x11300, "label", 0x80); /* it goes on to the next function */
	assert_name(&t, 0x12004, "_start", 4);
	assert_name(&t, 0x12011, "memcpy", 1);
	assert_name(&t, 0x12018, NULL, 0);
	assert_name(&t, 0x12305, "last", 0x205);
	assert_name(&t, 0x12100 + 0xffff, "last", 0xffff);
	assert_name(&t, 0x12100 + 0x10000, NULL, 0);
	user_table_free(&t);
	user_table_free(&t);
}

static void test_arm(void **state _unused_)
{
	struct user_table t;

	table_begin(&t, EM_ARM);
	add(&t, 0x11101, 0x40, STT_FUNC, STB_GLOBAL, "thumb");
	add(&t, 0x11100, 0, STT_NOTYPE, STB_LOCAL, "$t");
	add(&t, 0x11120, 0, STT_NOTYPE, STB_LOCAL, "$d.12");
	add(&t, 0x11140, 0x40, STT_FUNC, STB_GLOBAL, "arm");
	add(&t, 0x11140, 0, STT_NOTYPE, STB_LOCAL, "$a");
	user_table_finish(&t);
	assert_name(&t, 0x11100, "thumb", 0);
	assert_name(&t, 0x11130, "thumb", 0x30);
	assert_name(&t, 0x11140, "arm", 0);
	assert_name(&t, 0x11180, NULL, 0);
	user_table_free(&t);
}

static void test_long_names(void **state _unused_)
{
	static char name[1 << 16];
	GElf_Sym sym = { .st_value = 0x11100,
			 .st_info = GELF_ST_INFO(STB_GLOBAL, STT_FUNC),
			 .st_shndx = 1 };
	struct user_table t;

	memset(name, 'x', sizeof(name));
	table_begin(&t, EM_X86_64);
	/* no end within what may be read, or none that makes sense */
	assert_int_equal(user_table_add(&t, &sym, name, 8), -E2BIG);
	assert_int_equal(user_table_add(&t, &sym, name, sizeof(name)), -E2BIG);
	assert_int_equal(user_table_add(&t, &sym, name, 0), 0);
	assert_int_equal(t.functions.n, 0);
	name[10000] = '\0';
	assert_int_equal(user_table_add(&t, &sym, name, sizeof(name)), 0);
	assert_int_equal(t.functions.n, 1);
	user_table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_arm),
		cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
