// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "procfs/iomem.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define DATA "tests/unit/data/procfs/"

static struct iomem iomem_of(const char *file)
{
	_cleanup_free_ char *text = fixture_read(file);
	struct iomem m = { 0 };
	struct failure f = { 0 };
	int err = iomem_parse(text, &m, &f);

	if (err)
		fail_msg("%s: %d: %s", file, err, f.text);
	return m;
}

static void assert_found(const struct iomem *m, uint64_t address, const char *name)
{
	const struct iomem_range *range = iomem_find(m, address);

	assert_non_null(range);
	assert_string_equal(range->name, name);
}

static void test_this_machine(void **state)
{
	_cleanup_(iomem_free) struct iomem m = iomem_of(DATA "x86_64-6.18/iomem");

	(void)state;
	assert_false(m.hidden);
	assert_int_equal(m.items[0].start, 0);
	assert_int_equal(m.items[0].end, 0xfff);
	assert_string_equal(m.items[0].name, "Reserved");
	assert_int_equal(m.items[3].depth, 1);
	assert_string_equal(m.items[3].name, "QEMU0002:00");
	assert_found(&m, 0, "Reserved");
	assert_found(&m, 0x1000, "System RAM");
	assert_found(&m, 0x9fbff, "System RAM");
	assert_found(&m, 0x9fc00, "Reserved");
	assert_found(&m, 0xf0000, "System ROM");
	assert_found(&m, 0x1000000, "Kernel code");
	assert_found(&m, 0x63fffffff, "System RAM");
	assert_found(&m, 0x4000000000, "virtio-pci-modern"); /* three levels deep */
	assert_found(&m, 0x7fffffffff, "PCI Bus 0000:00");
	assert_null(iomem_find(&m, 0xc0000000)); /* between two ranges */
	assert_null(iomem_find(&m, 0x640000000));
	assert_null(iomem_find(&m, UINT64_MAX));
}

static void test_boards(void **state)
{
	_cleanup_(iomem_free) struct iomem arm = iomem_of(DATA "armhf-highmem/iomem");
	_cleanup_(iomem_free) struct iomem arm64 = iomem_of(DATA "arm64-64k/iomem");

	(void)state;
	assert_found(&arm, 0x09000000, "9000000.pl011 pl011@9000000");
	assert_found(&arm, 0x40208000, "Kernel code");
	assert_found(&arm, 0xbfffffff, "System RAM");
	assert_found(&arm64, 0x8000000000, "virtio-pci-modern");
	assert_found(&arm64, 0x48000001, "reserved");
	assert_null(iomem_find(&arm64, 0x200000000));
}

static void test_hidden(void **state)
{
	_cleanup_(iomem_free) struct iomem m = iomem_of(DATA "numa/iomem");
	_cleanup_(iomem_free) struct iomem seen = { 0 };

	(void)state;
	assert_true(m.hidden);
	assert_int_equal(m.n, 5);
	assert_null(iomem_find(&m, 0)); /* a hidden range is not one at 0 */
	assert_int_equal(iomem_parse("00000000-00000000 : a\n00000000-00000001 : b\n", &seen, NULL),
			 0);
	assert_false(seen.hidden);
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"00000000-00000fff\n",
		"00000000-00000fff :\n",
		"00000000-0000", /* cut short */
		"00000000 00000fff : a\n",
		"-1-00000fff : a\n",
		"00001000-00000fff : ends before it starts\n",
		"00000000-10000000000000000 : more than 64 bits\n",
		" 00000000-00000fff : half a level\n",
		"  00000000-00000fff : no parent\n",
		"00000000-00000fff : a\n    00000000-00000fff : no parent\n",
		"00000000-00000fff : a\n\n",
		"0000000g-00000fff : a\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct iomem m = { 0 };
		struct failure f = { 0 };

		if (iomem_parse(texts[i], &m, &f) != -EINVAL)
			fail_msg("text %zu is accepted", i);
		assert_null(m.items);
		assert_true(f.text[0]);
	}
}

static void test_names(void **state)
{
	char text[1024] = "00000000-00000fff : a : b \x1b[31m\n00001000-00001fff : ";
	struct iomem m = { 0 };
	size_t n = strlen(text);

	(void)state;
	memset(text + n, 'x', 600); /* and no newline at the end */
	assert_int_equal(iomem_parse(text, &m, NULL), 0);
	assert_string_equal(m.items[0].name, "a : b \x1b[31m");
	assert_int_equal(strlen(m.items[1].name), 255);
	iomem_free(&m);
	iomem_free(&m);
	assert_int_equal(iomem_parse("ffffffffffffffff-ffffffffffffffff : ", &m, NULL), 0);
	assert_string_equal(iomem_find(&m, UINT64_MAX)->name, "");
	iomem_free(&m);
}

static void test_long_text(void **state)
{
	static const char line[] = "00000000-00000fff : a\n";
	size_t n = sizeof(line) - 1, i;
	_cleanup_free_ char *text = calloc(100000, n);
	struct iomem m = { 0 };

	(void)state;
	assert_non_null(text);
	for (i = 0; i < 99999; i++)
		memcpy(text + i * n, line, n);
	assert_int_equal(iomem_parse(text, &m, NULL), -E2BIG);
	text[n * IOMEM_MAX] = '\0';
	assert_int_equal(iomem_parse(text, &m, NULL), 0);
	assert_int_equal(m.n, IOMEM_MAX);
	iomem_free(&m);
}

/* Levels as deep as they go, and one more. */
static void test_depth(void **state)
{
	char text[2048];
	struct iomem m = { 0 };
	size_t n = 0;
	int i;

	(void)state;
	for (i = 0; i <= 15; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%*s0-%x : level %d\n", 2 * i, "",
				      100 - i, i);
	assert_int_equal(iomem_parse(text, &m, NULL), 0);
	assert_string_equal(iomem_find(&m, 85)->name, "level 15");
	assert_string_equal(iomem_find(&m, 100)->name, "level 0");
	iomem_free(&m);
	snprintf(text + n, sizeof(text) - n, "%*s0-1 : level 16\n", 32, "");
	assert_int_equal(iomem_parse(text, &m, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this_machine), cmocka_unit_test(test_boards),
		cmocka_unit_test(test_hidden),	     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),	     cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
