// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sym/symbolizer.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static int open_bytes(const char *bytes, size_t n, struct symbolizer **ret, struct failure *f)
{
	char path[] = "/tmp/kmscope-test-XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	close(fd);
	err = kallsyms_open(path, ret, f);
	unlink(path);
	return err;
}

static struct symbolizer *open_text(const char *text)
{
	struct symbolizer *s = NULL;
	struct failure f = { 0 };
	int err = open_bytes(text, strlen(text), &s, &f);

	if (err)
		fail_msg("%d: %s", err, f.text);
	return s;
}

static void assert_symbol(struct symbolizer *s, uint64_t address, const char *name,
			  const char *module, uint64_t start, uint64_t size)
{
	struct symbol sym;

	assert_int_equal(s->ops->lookup(s, address, &sym), 0);
	assert_string_equal(sym.name, name);
	assert_string_equal(sym.module, module);
	assert_int_equal(sym.start, start);
	assert_int_equal(sym.size, size);
}

static void assert_unknown(struct symbolizer *s, uint64_t address)
{
	struct symbol sym = { .start = 42 };

	assert_int_equal(s->ops->lookup(s, address, &sym), -ENOENT);
	assert_int_equal(sym.start, 42);
}

static const char sample[] = "ffffffff81000000 T _stext\n"
			     "ffffffff81000000 T _text\n"
			     "ffffffff81000000 T startup_64\n"
			     "ffffffff810000f0 t __pfx_secondary\n"
			     "ffffffff81000100 t secondary\n"
			     "ffffffff81000200 D some_data\n"
			     "ffffffff81000300 W weak_one\n"
			     "ffffffff81000400 T _etext\n"
			     "ffffffff83000000 T _sinittext\n"
			     "ffffffff83000000 t init_fn\n"
			     "ffffffff83000100 T _einittext\n"
			     "ffffffffc0002000 t last_fn\t[zmod]\n"
			     "ffffffffc0001000 t first_fn\t[zmod]\n"
			     "ffffffffc0003000 d mod_data\t[zmod]\n"
			     "ffffffffc0100000 t amod_fn\t[amod]\n"
			     "ffffffffc0200000 t bpf_prog_6deef7357e7b4530_x\t[bpf]\n"
			     "ffffffffc0201000 t ftrace_trampoline\t[__builtin__ftrace]";

static void test_lookup(void **state _unused_)
{
	_cleanup_(symbolizer_free) struct symbolizer *s = open_text(sample);
	uint64_t k = 0xffffffff81000000, m = 0xffffffffc0000000;

	assert_unknown(s, 0);
	assert_unknown(s, k - 1);
	assert_symbol(s, k, "startup_64", "vmlinux", k, 0x100);
	assert_symbol(s, k + 0xff, "startup_64", "vmlinux", k, 0x100);
	assert_symbol(s, k + 0x100, "secondary", "vmlinux", k + 0x100, 0x200);
	assert_symbol(s, k + 0x3ff, "weak_one", "vmlinux", k + 0x300, 0x100);
	/* Between the kernel's text and its init text there is no code. */
	assert_unknown(s, k + 0x400);
	assert_unknown(s, k + 0x500);
	assert_symbol(s, k + 0x2000000, "init_fn", "vmlinux", k + 0x2000000, 0x100);
	assert_unknown(s, k + 0x2000100);
	/* Modules are not sorted in the file. */
	assert_symbol(s, m + 0x1010, "first_fn", "zmod", m + 0x1000, 0x1000);
	assert_symbol(s, m + 0x2010, "last_fn", "zmod", m + 0x2000, 0x4000);
	assert_unknown(s, m + 0x6000);
	assert_symbol(s, m + 0x200008, "bpf_prog_6deef7357e7b4530_x", "bpf", m + 0x200000, 0x1000);
	assert_symbol(s, m + 0x201000, "ftrace_trampoline", "__builtin__ftrace", m + 0x201000,
		      0x4000);
	assert_unknown(s, UINT64_MAX);
}

static void test_end_of_kernel(void **state _unused_)
{
	_cleanup_(symbolizer_free) struct symbolizer *s =
		open_text("1000 T first\n2000 T only\nffffffffffffffff T top\n");

	assert_symbol(s, 0x2000 + 0xfffff, "only", "vmlinux", 0x2000, 1u << 20);
	assert_unknown(s, 0x2000 + (1u << 20));
	assert_unknown(s, UINT64_MAX); /* a symbol of no bytes */
}

static void test_aliases(void **state _unused_)
{
	_cleanup_(symbolizer_free) struct symbolizer *s =
		open_text("1000 T __hot_text_start\n1000 t local\n"
			  "2000 t __do_sys_sync\n2000 T __ia32_sys_sync\n2000 T __x64_sys_sync\n"
			  "3000 W alloc_page\n3000 T __alloc_page\n"
			  "4000 T __memmove\n4000 T memmove\n"
			  "5000 W weak\n5000 t local2\n6000 T end\n");

	assert_symbol(s, 0x1001, "local", "vmlinux", 0x1000, 0x1000);
	assert_symbol(s, 0x2001, "__ia32_sys_sync", "vmlinux", 0x2000, 0x1000);
	assert_symbol(s, 0x3001, "__alloc_page", "vmlinux", 0x3000, 0x1000);
	assert_symbol(s, 0x4001, "memmove", "vmlinux", 0x4000, 0x1000);
	assert_symbol(s, 0x5001, "weak", "vmlinux", 0x5000, 0x1000);
}

static void test_arm(void **state _unused_)
{
	_cleanup_(symbolizer_free) struct symbolizer *s =
		open_text("c0008000 T stext\nc0008000 t $a\nc0008010 t $d.12\nc0008020 t $t\n"
			  "c0008030 t $x.foo\nc0008038 t .L15\nc0008040 t $dollar\n"
			  "bf000000 t mod_fn\t[mod]\nC0008080 T upper\n");

	assert_symbol(s, 0xc0008030, "stext", "vmlinux", 0xc0008000, 0x40);
	assert_symbol(s, 0xc0008041, "$dollar", "vmlinux", 0xc0008040, 0x40);
	assert_symbol(s, 0xc0008081, "upper", "vmlinux", 0xc0008080, 1u << 20);
	assert_symbol(s, 0xbf000004, "mod_fn", "mod", 0xbf000000, 16u << 10);
	assert_unknown(s, 0xbf004000);
}

static int count_visit(const struct symbol *sym, void *arg)
{
	uint64_t *sum = arg;

	*sum += sym->start;
	return 0;
}

static int stop_visit(const struct symbol *sym, void *arg)
{
	*(const char **)arg = sym->module;
	return 7;
}

static void test_find(void **state _unused_)
{
	_cleanup_(symbolizer_free) struct symbolizer *s =
		open_text("1000 t twice\n2000 t twice\n2000 T better\n3000 t twice\t[mod]\n");
	const char *module = NULL;
	uint64_t sum = 0;

	assert_int_equal(s->ops->find(s, "twice", count_visit, &sum), 0);
	assert_int_equal(sum, 0x6000);
	assert_int_equal(s->ops->find(s, "none", count_visit, &sum), -ENOENT);
	assert_int_equal(s->ops->find(s, "twice", stop_visit, &module), 7);
	assert_string_equal(module, "vmlinux");
}

static void test_module_range(void **state _unused_)
{
	_cleanup_(symbolizer_free) struct symbolizer *s = open_text(sample);
	uint64_t start = 1, end = 2;

	assert_int_equal(s->ops->module_range(s, "zmod", &start, &end), 0);
	assert_int_equal(start, 0xffffffffc0001000);
	assert_int_equal(end, 0xffffffffc0006000);
	assert_int_equal(s->ops->module_range(s, "vmlinux", &start, &end), 0);
	assert_int_equal(start, 0xffffffff81000000);
	assert_int_equal(end, 0xffffffff83000100);
	assert_int_equal(s->ops->module_range(s, "nomod", &start, &end), -ENOENT);
	assert_int_equal(start, 0xffffffff81000000);
}

static void test_hidden(void **state _unused_)
{
	static const char zeros[] = "0000000000000000 T _text\n0000000000000000 t a\t[mod]\n";
	struct symbolizer *s = NULL;
	struct failure f = { 0 };

	assert_int_equal(open_bytes(zeros, strlen(zeros), &s, &f), -EPERM);
	assert_null(s);
	assert_int_equal(f.kind, FAILURE_UNSUPPORTED);
	assert_non_null(strstr(f.text, "kptr_restrict"));
	assert_null(strchr(f.text, '\n'));
	/* A single address that can be read is enough. */
	s = open_text("0 T hidden\n1000 T shown\n");
	assert_symbol(s, 0x1000, "shown", "vmlinux", 0x1000, 1u << 20);
	assert_unknown(s, 0);
	symbolizer_free(&s);
}

static void test_failures(void **state _unused_)
{
	struct symbolizer *s = NULL;
	struct failure f = { 0 };

	assert_int_equal(kallsyms_open("/nonexistent/kallsyms", &s, &f), -ENOENT);
	assert_non_null(strstr(f.text, "/nonexistent/kallsyms"));
	assert_int_equal(kallsyms_open("/", &s, &f), -EISDIR);
	assert_int_equal(open_bytes("", 0, &s, &f), -ENODATA);
	assert_int_equal(open_bytes("1000 D data\n", 12, &s, &f), -ENODATA);
	assert_int_equal(kallsyms_open("/dev/null", &s, NULL), -ENODATA);
	assert_null(s);
	symbolizer_free(&s);
}

static void test_malformed(void **state _unused_)
{
	static const char bytes[] = "\n\n \nzzz\n1000\n1000 \n1000 T\n1000 T \n1000  T a\n"
				    "11112222333344445 T too_long_address\n1000 T a b\n"
				    "1000 T a\t[\n1000 T a\t[]\n1000 T a\t[m] x\n1000 T a\0b\n"
				    "1000 T \x1b[31mred\n-1 T minus\n0x1000 T prefix\n"
				    "2000 T good\n3000 T last";
	_cleanup_(symbolizer_free) struct symbolizer *s = NULL;
	struct failure f = { 0 };

	assert_int_equal(open_bytes(bytes, sizeof(bytes) - 1, &s, &f), 0);
	assert_unknown(s, 0x1000);
	assert_symbol(s, 0x2000, "good", "vmlinux", 0x2000, 0x1000);
	assert_symbol(s, 0x3000, "last", "vmlinux", 0x3000, 1u << 20);
}

/* Lines that straddle the parser's reads, and one longer than its buffer. */
static void test_long_lines(void **state _unused_)
{
	size_t n = 0, size = 2u << 20, i;
	_cleanup_(symbolizer_free) struct symbolizer *s = NULL;
	_cleanup_free_ char *text = malloc(size);
	struct failure f = { 0 };
	char name[32];

	assert_non_null(text);
	n += (size_t)sprintf(text + n, "1000 T before\n2000 T ");
	memset(text + n, 'x', 400000);
	n += 400000;
	n += (size_t)sprintf(text + n, "\n");
	for (i = 0; i < 50000; i++)
		n += (size_t)sprintf(text + n, "%zx t f%zu\n", 0x10000 + i * 16, i);
	assert_int_equal(open_bytes(text, n, &s, &f), 0);
	for (i = 0; i < 50000 - 1; i++) {
		snprintf(name, sizeof(name), "f%zu", i);
		assert_symbol(s, 0x10000 + i * 16 + 15, name, "vmlinux", 0x10000 + i * 16, 16);
	}
	assert_symbol(s, 0x2000, "before", "vmlinux", 0x1000, 0xf000);
}

static void test_too_many_modules(void **state _unused_)
{
	_cleanup_free_ char *text = malloc(1u << 20);
	struct symbolizer *s = NULL;
	struct failure f = { 0 };
	size_t n = 0, i;

	assert_non_null(text);
	for (i = 0; i < 5000; i++)
		n += (size_t)sprintf(text + n, "%zx t f\t[m%zu]\n", 0x1000 + i, i);
	assert_int_equal(open_bytes(text, n, &s, &f), -E2BIG);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_end_of_kernel),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_arm),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_module_range),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_too_many_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
