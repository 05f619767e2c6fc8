// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "sym/symbolizer.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static struct symbolizer *open_text(const char *text)
{
	char path[] = "/tmp/kmscope-test-XXXXXX";
	struct symbolizer *s = NULL;
	struct failure f = { 0 };
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	err = kallsyms_open(path, &s, &f);
	unlink(path);
	if (err)
		fail_msg("%d: %s", err, f.text);
	return s;
}

static const char sample[] = "1000 T do_exit\n1100 T alloc_pipe_info\n1200 T ret_fast_syscall\n"
			     "1300 T _etext\n8000 t mod_init\t[mod]\n";

static const struct column columns[] = {
	{ .name = "site", .title = "Site", .type = CELL_SITE },
	{ .name = "module", .title = "Module", .type = CELL_MODULE },
	{ .name = "address", .title = "Address", .type = CELL_ADDRESS },
};

static void add_row(struct report *r, struct table *t, uint64_t address)
{
	size_t row = report_add_row(r, t);

	report_set_u64(r, t, row, "site", address);
	report_set_u64(r, t, row, "module", address);
	report_set_u64(r, t, row, "address", address);
}

static void assert_row(const struct table *t, size_t row, const char *site, const char *module)
{
	const struct cell *s = table_cell(t, row, "site"), *m = table_cell(t, row, "module");

	if (!site) {
		assert_null(s->text);
		assert_null(m->text);
		return;
	}
	assert_non_null(s->text);
	assert_string_equal(s->text, site);
	assert_string_equal(m->text, module);
}

static void test_cells(void **state _unused_)
{
	_cleanup_(symbolizer_free) struct symbolizer *s = open_text(sample);
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = report_add_table(r, "sites", "Sites", columns, ARRAY_SIZE(columns));

	add_row(r, t, 0x115a);
	add_row(r, t, 0x1100); /* the call was do_exit's last instruction */
	add_row(r, t, 0x1000); /* no function before it: as it is */
	add_row(r, t, 0x1200); /* assembly that is returned to at its start */
	add_row(r, t, 0x1300); /* as 0x1100, at the end of the text */
	add_row(r, t, 0x8004);
	add_row(r, t, 0);
	add_row(r, t, 0x7fff);
	report_add_row(r, t); /* CELL_NULL */
	assert_false(r->oom);
	assert_int_equal(symbolize_report(s, NULL, r), 0);
	assert_row(t, 0, "alloc_pipe_info+0x5a", "vmlinux");
	assert_row(t, 1, "do_exit+0x100", "vmlinux");
	assert_row(t, 2, "do_exit+0x0", "vmlinux");
	assert_row(t, 3, "ret_fast_syscall+0x0", "vmlinux");
	assert_row(t, 4, "ret_fast_syscall+0x100", "vmlinux");
	assert_row(t, 5, "mod_init+0x4", "mod");
	assert_row(t, 6, NULL, NULL);
	assert_row(t, 7, NULL, NULL);
	assert_row(t, 8, NULL, NULL);
	assert_null(table_cell(t, 0, "address")->text);
	/* Names that are there already stay, nothing leaks. */
	assert_int_equal(symbolize_report(s, NULL, r), 0);
	assert_row(t, 0, "alloc_pipe_info+0x5a", "vmlinux");
}

static void assert_frame(const struct frame *f, const char *symbol, const char *module,
			 uint64_t offset)
{
	assert_non_null(f->symbol);
	assert_string_equal(f->symbol, symbol);
	assert_string_equal(f->module, module);
	assert_int_equal(f->offset, offset);
}

static void test_frames(void **state _unused_)
{
	_cleanup_(symbolizer_free) struct symbolizer *s = open_text(sample);
	_cleanup_(report_free) struct report *r = report_new("leaks");
	const uint64_t chain[] = { 0x1100, 0x1100, 0x8010, 0x7000, 0x1200 };

	assert_int_equal(report_add_stack(r, chain, ARRAY_SIZE(chain)), 0);
	assert_int_equal(symbolize_report(s, NULL, r), 0);
	assert_frame(&r->stacks[0].frames[0], "alloc_pipe_info", "vmlinux", 0);
	assert_frame(&r->stacks[0].frames[1], "do_exit", "vmlinux", 0x100);
	assert_frame(&r->stacks[0].frames[2], "mod_init", "mod", 0x10);
	assert_null(r->stacks[0].frames[3].symbol);
	assert_null(r->stacks[0].frames[3].module);
	assert_frame(&r->stacks[0].frames[4], "ret_fast_syscall", "vmlinux", 0);
	assert_int_equal(symbolize_report(s, NULL, r), 0);
}

static void test_nothing_to_do(void **state _unused_)
{
	_cleanup_(symbolizer_free) struct symbolizer *s = open_text(sample);
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t;
	struct symbolizer *none = NULL;

	assert_int_equal(symbolize_report(s, NULL, r), 0);
	t = report_add_table(r, "sites", "Sites", columns, ARRAY_SIZE(columns));
	assert_int_equal(symbolize_report(s, NULL, r), 0);
	add_row(r, t, 0x1105);
	assert_int_equal(symbolize_report(NULL, NULL, r), 0);
	assert_row(t, 0, NULL, NULL);
	symbolizer_free(&none);
}

/* Without anybody who knows user symbols, with and without one who knows the kernel's. */
static void test_user_code(void **state _unused_)
{
	struct report_object o = { .path = (char *)"/usr/bin/prog (deleted)", .inode = 1 };

	for (int round = 0; round < 2; round++) {
		_cleanup_(symbolizer_free) struct symbolizer *s = round ? open_text(sample) : NULL;
		_cleanup_(report_free) struct report *r = report_new("faults");
		struct table *t =
			report_add_table(r, "sites", "Sites", columns, ARRAY_SIZE(columns));
		uint64_t code = report_code(report_add_object(r, &o), 0x1105);
		uint64_t chain[] = { 0x1105, code, report_code(2, 0x1105) };
		const struct frame *f;

		add_row(r, t, code);
		add_row(r, t, report_code(2, 0x1105)); /* of no object */
		add_row(r, t, 0x1105);
		assert_int_equal(report_add_stack(r, chain, ARRAY_SIZE(chain)), 0);
		assert_int_equal(symbolize_report(s, NULL, r), 0);
		assert_row(t, 0, "prog+0x1105", o.path);
		assert_row(t, 1, NULL, NULL);
		assert_row(t, 2, round ? "alloc_pipe_info+0x5" : NULL, "vmlinux");
		f = r->stacks[0].frames;
		assert_int_equal(f[0].symbol != NULL, round);
		assert_null(f[1].symbol);
		assert_string_equal(f[1].module, o.path);
		assert_null(f[2].symbol);
		assert_null(f[2].module);
		assert_int_equal(symbolize_report(s, NULL, r), 0);
		assert_row(t, 0, "prog+0x1105", o.path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_user_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
