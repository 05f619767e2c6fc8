// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "render/export.h"
#include "render/intern.h"
#include "render/samples.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define KERNEL 0xffffffff81000000ull

static const struct column leak_columns[] = {
	{ "site", "", CELL_SITE, COLUMN_LEFT, 0 }, { "module", "", CELL_MODULE, COLUMN_LEFT, 0 },
	{ "address", "", CELL_ADDRESS, 0, 0 },	   { "cache", "", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "objects", "", CELL_COUNT, 0, 0 },	   { "bytes", "", CELL_BYTES, 0, 0 },
	{ "growth_bps", "", CELL_RATE, 0, 0 },	   { "frees_seen", "", CELL_BOOL, 0, 0 },
	{ "evidence", "", CELL_TEXTS, 0, 0 },	   { "shown", "", CELL_TEXT, COLUMN_TEXT_ONLY, 0 },
	{ "stacks", "", CELL_STACKS, 0, 0 },
};

static const struct column slab_columns[] = {
	{ "site", "", CELL_SITE, COLUMN_LEFT, 0 }, { "module", "", CELL_MODULE, COLUMN_LEFT, 0 },
	{ "allocs", "", CELL_COUNT, 0, 0 },	   { "bytes_alloc", "", CELL_BYTES, 0, 0 },
	{ "waste", "", CELL_BYTES, 0, 0 },	   { "stacks", "", CELL_STACKS, 0, 0 },
};

static const struct column user_columns[] = {
	{ "comm", "", CELL_TEXT, COLUMN_LEFT, 0 }, { "order", "", CELL_ID, 0, 0 },
	{ "allocs", "", CELL_COUNT, 0, 0 },	   { "failed", "", CELL_COUNT, 0, 0 },
	{ "pages", "", CELL_COUNT, 0, 0 },	   { "live_pages", "", CELL_COUNT, 0, 0 },
	{ "stacks", "", CELL_STACKS, 0, 0 },
};

static const struct column fault_columns[] = {
	{ "symbol", "", CELL_SITE, COLUMN_LEFT, 0 }, { "object", "", CELL_MODULE, COLUMN_LEFT, 0 },
	{ "minor", "", CELL_COUNT, 0, 0 },	     { "major", "", CELL_COUNT, 0, 0 },
	{ "stacks", "", CELL_STACKS, 0, 0 },
};

/* --- reports ------------------------------------------------------------------------------------------- */

/* A call chain of @n functions, innermost first; NULL: a name that is not known. */
static uint32_t add_chain(struct report *r, uint64_t base, const char *module,
			  const char *const *names, size_t n)
{
	uint64_t addresses[8] = { 0 };
	uint32_t id;
	size_t i;

	for (i = 0; i < n; i++)
		addresses[i] = base + 0x100 * i + 0x10 * (uint64_t)(names[i] ? names[i][0] : 1);
	id = report_add_stack(r, addresses, n);
	for (i = 0; i < n; i++) {
		struct frame *f = &r->stacks[id].frames[i];

		if (names[i] && !f->symbol)
			f->symbol = strdup(names[i]);
		if (module && !f->module)
			f->module = strdup(module);
	}
	return id;
}

static void set_code(struct report *r, struct table *t, size_t row, const char *site,
		     const char *module, uint64_t code, const char *text, const char *module_text)
{
	report_set_u64(r, t, row, site, code);
	report_set_u64(r, t, row, module, code);
	if (text)
		table_cell(t, row, site)->text = strdup(text);
	if (module_text)
		table_cell(t, row, module)->text = strdup(module_text);
}

static void share(struct report *r, struct table *t, size_t row, uint32_t stack, uint64_t objects,
		  uint64_t bytes)
{
	report_add_share(
		r, t, row, "stacks",
		(struct stack_share){ .stack = stack, .objects = objects, .bytes = bytes });
}

static struct report *new_report(const char *command)
{
	struct report *r = report_new(command);

	snprintf(r->kernel, sizeof(r->kernel), "6.1");
	snprintf(r->arch, sizeof(r->arch), "x86_64");
	r->start_ns = 1000;
	r->end_ns = 5001000;
	r->start_wall_ns = 1700000000000000000;
	r->has_quality = true;
	r->quality.events = 9;
	r->quality.analysed = 7;
	r->quality.lost = 2;
	r->quality.sample = 1;
	return r;
}

static size_t add_leak(struct report *r, struct table *t, const char *site, uint64_t code,
		       const char *cache, uint64_t objects, uint64_t bytes)
{
	size_t row = report_add_row(r, t);

	set_code(r, t, row, "site", "module", code, site, site ? "vmlinux" : NULL);
	report_set_u64(r, t, row, "address", code);
	report_set_text(r, t, row, "cache", cache);
	report_set_u64(r, t, row, "objects", objects);
	if (bytes)
		report_set_u64(r, t, row, "bytes", bytes);
	return row;
}

/* 7 + 3 + 1 objects of one site by two chains and without one, then sites without any. */
static struct report *leaks_report(void)
{
	static const char *const open_chain[] = { "alloc_file", "do_open", "sys_open" };
	static const char *const exec_chain[] = { "alloc_file", NULL, "sys_execve" };
	struct report *r = new_report("leaks");
	struct table *t =
		report_add_table(r, "candidates", "", leak_columns, ARRAY_SIZE(leak_columns));
	size_t row = add_leak(r, t, "alloc_file+0x12", KERNEL + 0x610, "filp", 11, 2112);

	share(r, t, row, add_chain(r, KERNEL, "vmlinux", open_chain, 3), 7, 1344);
	share(r, t, row, add_chain(r, KERNEL + 0x10000, NULL, exec_chain, 3), 3, 576);
	share(r, t, row, UINT32_MAX, 1, 192);
	report_add_text(r, t, row, "evidence", "none of %d was freed", 11);
	report_add_text(r, t, row, "evidence", "said \"twice\"");
	report_set_u64(r, t, row, "frees_seen", 1);
	report_set_real(r, t, row, "growth_bps", -12.5);
	add_leak(r, t, NULL, KERNEL + 0x7777, NULL, 5, 0);
	add_leak(r, t, "evil;one\n\x1b[31m 3+0x1", KERNEL + 0x8888, "=cmd|' /C calc'!A0", 1, 64);
	return r;
}

/* A row with three chains, whose shares were rounded up and are one too many. */
static struct report *slab_report(void)
{
	static const char *const chains[][2] = { { "site", "a" },
						 { "site", "b" },
						 { "site", "c" } };
	struct report *r = new_report("slab");
	struct table *t = report_add_table(r, "sites", "", slab_columns, ARRAY_SIZE(slab_columns));
	size_t row = report_add_row(r, t), i;

	set_code(r, t, row, "site", "module", KERNEL + 0x730, "site+0x5", "vmlinux");
	report_set_u64(r, t, row, "allocs", 8);
	report_set_u64(r, t, row, "bytes_alloc", 800);
	report_set_u64(r, t, row, "waste", 101);
	for (i = 0; i < 3; i++)
		share(r, t, row, add_chain(r, KERNEL + i * 0x10000, "vmlinux", chains[i], 2), 3,
		      267);
	return r;
}

static struct report *buddy_report(void)
{
	static const char *const chain[] = { "alloc_pages", "filemap_fault" };
	struct report *r = new_report("buddy");
	struct table *t = report_add_table(r, "users", "", user_columns, ARRAY_SIZE(user_columns));
	size_t i;

	for (i = 0; i < 2; i++) {
		size_t row = report_add_row(r, t);

		report_set_text(r, t, row, "comm", i ? "b;sh" : "cc1");
		report_set_u64(r, t, row, "order", 2);
		report_set_u64(r, t, row, "allocs", 10);
		report_set_u64(r, t, row, "failed", 0);
		report_set_u64(r, t, row, "pages", 40);
		report_set_u64(r, t, row, "live_pages", 13);
		if (!i)
			share(r, t, row, add_chain(r, KERNEL, "vmlinux", chain, 2), 10, 163840);
	}
	return r;
}

static struct report *faults_report(void)
{
	static const char *const functions[] = { "touch", NULL };
	struct report *r = new_report("faults");
	uint32_t program =
		report_add_object(r, &(struct report_object){ .path = (char *)"/bin/app" });
	uint32_t libc = report_add_object(
		r, &(struct report_object){ .path = (char *)"/lib/libc.so.6 (deleted)" });
	struct table *t =
		report_add_table(r, "sites", "", fault_columns, ARRAY_SIZE(fault_columns));
	size_t row = report_add_row(r, t);

	set_code(r, t, row, "symbol", "object", report_code(program, 0x1100), "touch+0x10",
		 "/bin/app");
	report_set_u64(r, t, row, "minor", 5);
	report_set_u64(r, t, row, "major", 2);
	share(r, t, row, add_chain(r, report_code(program, 0x1000), "/bin/app", functions, 2), 7,
	      0);
	row = report_add_row(r, t);
	set_code(r, t, row, "symbol", "object", report_code(libc, 0x8123), "libc.so.6+0x8123",
		 "/lib/libc.so.6 (deleted)");
	report_set_u64(r, t, row, "minor", 1);
	report_set_u64(r, t, row, "major", 0);
	return r;
}

struct reports {
	struct report *all[4];
};

static int setup(void **state)
{
	struct reports *r = calloc(1, sizeof(*r));

	r->all[0] = leaks_report();
	r->all[1] = slab_report();
	r->all[2] = buddy_report();
	r->all[3] = faults_report();
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct reports *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(r->all); i++)
		report_free(&r->all[i]);
	free(r);
	return 0;
}

/* What @name writes, and whether it can; the caller frees it. */
static char *export_n(struct report *const *reports, size_t n, const char *name,
		      const struct export_options *o, int expected, size_t *ret_n,
		      struct failure *f)
{
	char *s = NULL;
	FILE *file = open_memstream(&s, ret_n);

	assert_int_equal(exporter_find(name)->write((const struct report *const *)reports, n, o,
						    file, f),
			 expected);
	fclose(file);
	return s;
}

static void expect_text(struct report *const *reports, size_t n, const char *name,
			const struct export_options *o, const char *expected)
{
	struct failure f = { .text = "" };
	size_t size;
	_cleanup_free_ char *got = export_n(reports, n, name, o, 0, &size, &f);

	assert_string_equal(got, expected);
	assert_string_equal(f.text, "");
}

static void expect_usage(struct report *const *reports, size_t n, const char *name,
			 const struct export_options *o, const char *expected)
{
	struct failure f = { .text = "" };
	size_t size;
	_cleanup_free_ char *got = export_n(reports, n, name, o, -EINVAL, &size, &f);

	assert_int_equal(f.kind, FAILURE_USAGE);
	assert_string_equal(f.text, expected);
	assert_int_equal(size, 0);
}

/* --- all ------------------------------------------------------------------------------------------------ */

static const char *const formats[] = { "folded", "pprof", "csv" };

static void test_names(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		assert_string_equal(exporter_find(formats[i])->name, formats[i]);
	assert_null(exporter_find("fold"));
	assert_null(exporter_find(""));
}

static void test_incomplete(void **state)
{
	struct reports *r = *state;

	r->all[1]->oom = true;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct failure f = { .text = "" };
		size_t size;
		_cleanup_free_ char *got =
			export_n(r->all, 4, formats[i],
				 &(struct export_options){ .table = "candidates" }, -ENOMEM, &size,
				 &f);

		assert_int_equal(size, 0);
		assert_string_equal(f.text, "out of memory");
	}
}

static void test_full_disk(void **state)
{
	struct reports *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		const struct exporter *e = exporter_find(formats[i]);
		struct failure f = { .text = "" };
		FILE *file = fopen("/dev/full", "we");

		assert_non_null(file);
		assert_int_equal(e->write((const struct report *const *)r->all, 4,
					  &(struct export_options){ .table = "candidates" }, file,
					  &f),
				 -ENOSPC);
		assert_non_null(strstr(f.text, "No space left"));
		fclose(file);
	}
}

/* --- folded --------------------------------------------------------------------------------------------- */

static void test_folded(void **state)
{
	struct reports *r = *state;

	expect_text(r->all, 4, "folded", &(struct export_options){ .value = "leaks.objects" },
		    "0xffffffff81007777 5\n"
		    "alloc_file 1\n"
		    "evil:one\\x0a\\x1b[31m_3 1\n"
		    "sys_execve;0xffffffff81010110;alloc_file 3\n"
		    "sys_open;do_open;alloc_file 7\n");
	/* the first value is the default; what has no bytes is not there */
	expect_text(r->all, 4, "folded", &(struct export_options){ NULL },
		    "alloc_file 192\n"
		    "evil:one\\x0a\\x1b[31m_3 64\n"
		    "sys_execve;0xffffffff81010110;alloc_file 576\n"
		    "sys_open;do_open;alloc_file 1344\n");
	expect_text(r->all + 1, 3, "folded", &(struct export_options){ NULL },
		    "a;site 267\nb;site 267\nc;site 266\n");
}

/* 3 + 3 + 3 of 8 objects, and bytes that can't be divided evenly. */
static void test_folded_rounding(void **state)
{
	struct reports *r = *state;

	expect_text(r->all, 4, "folded", &(struct export_options){ .value = "slab.allocs" },
		    "a;site 3\nb;site 3\nc;site 2\n");
	expect_text(r->all, 4, "folded", &(struct export_options){ .value = "slab.waste" },
		    "a;site 34\nb;site 34\nc;site 33\n");
}

static void test_folded_roots(void **state)
{
	struct reports *r = *state;

	expect_text(r->all, 4, "folded", &(struct export_options){ .value = "buddy.live_pages" },
		    "b:sh;[no call chain] 13\ncc1;filemap_fault;alloc_pages 13\n");
	expect_text(r->all, 4, "folded", &(struct export_options){ .value = "faults" },
		    "[app]+0x1110;touch 7\nlibc.so.6;[libc.so.6]+0x8123 1\n");
	expect_text(r->all, 4, "folded", &(struct export_options){ .value = "faults.major" },
		    "[app]+0x1110;touch 2\n");
}

static void test_folded_unknown_value(void **state)
{
	struct reports *r = *state;
	struct report *layout = report_new("layout");

	expect_usage(r->all + 2, 1, "folded", &(struct export_options){ .value = "leeks" },
		     "no value «leeks»; there are: buddy.live_pages buddy.pages buddy.allocs "
		     "buddy.failed buddy.fallbacks");
	expect_usage(r->all + 3, 1, "folded", &(struct export_options){ .value = "slab.waste" },
		     "no slab here; there are: faults faults.minor faults.major");
	expect_usage(&layout, 1, "folded", &(struct export_options){ NULL },
		     "nothing here has call chains");
	expect_usage(&layout, 1, "pprof", &(struct export_options){ NULL },
		     "nothing here has call chains");
	report_free(&layout);
}

/* --- samples ---------------------------------------------------------------------------------------------- */

struct sums {
	uint64_t values[3];
	size_t n;
};

static int add_up(void *ctx, const struct sample *s)
{
	struct sums *sums = ctx;

	for (size_t i = 0; i < s->n_values; i++)
		sums->values[i] += s->values[i];
	sums->n++;
	return 0;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Whatever shares say, up to the largest numbers: nothing is lost and nothing added. */
static void test_sums(void **state _unused_)
{
	static const char *const columns[] = { "allocs", "bytes_alloc", "waste" };
	static const char *const functions[] = { "x", "y" };
	uint64_t seed = 88172645463325252ull;

	for (int round = 0; round < 2000; round++) {
		_cleanup_(report_free) struct report *r = new_report("slab");
		struct table *t =
			report_add_table(r, "sites", "", slab_columns, ARRAY_SIZE(slab_columns));
		size_t row = report_add_row(r, t), n = next_random(&seed) % 10, i;
		unsigned int shift = (unsigned int)(next_random(&seed) % 64);
		uint64_t expected[3];
		struct sums got = { 0 };

		for (i = 0; i < 3; i++) {
			expected[i] = next_random(&seed) >> shift;
			report_set_u64(r, t, row, columns[i], expected[i]);
		}
		for (i = 0; i < n; i++)
			share(r, t, row,
			      next_random(&seed) % 5
				      ? add_chain(r, KERNEL + i * 0x1000, NULL, functions, 2)
				      : UINT32_MAX,
			      next_random(&seed) >> shift, next_random(&seed) >> shift);
		assert_int_equal(samples_each(r, sample_table_find("slab", "sites"), columns, 3,
					      add_up, &got),
				 0);
		assert_true(got.n <= n + 1);
		for (i = 0; i < 3; i++)
			assert_true(got.values[i] == expected[i]);
	}
}

/* Of a row with as many shares as a report shows, what they leave is of others; else it is rounding. */
static void test_rest(void **state _unused_)
{
	static const char *const columns[] = { "allocs" };
	static const char *const functions[] = { "x", "y" };

	for (size_t n = 7; n <= 8; n++) {
		_cleanup_(report_free) struct report *r = new_report("slab");
		struct table *t =
			report_add_table(r, "sites", "", slab_columns, ARRAY_SIZE(slab_columns));
		size_t row = report_add_row(r, t);
		struct sums got = { 0 };

		report_set_u64(r, t, row, "allocs", n * 10 + 6);
		for (size_t i = 0; i < n; i++)
			share(r, t, row, add_chain(r, KERNEL + i * 0x1000, NULL, functions, 2), 10,
			      0);
		assert_int_equal(samples_each(r, sample_table_find("slab", "sites"), columns, 1,
					      add_up, &got),
				 0);
		assert_int_equal(got.n, n == 7 ? 7 : 9);
		assert_int_equal(got.values[0], n * 10 + 6);
	}
}

static void test_intern(void **state _unused_)
{
	struct intern in = { 0 };
	char buf[16];
	size_t n;

	assert_int_equal(intern_add(&in, "", 0), 0);
	for (int round = 0; round < 2; round++)
		for (unsigned int i = 1; i < 5000; i++) {
			snprintf(buf, sizeof(buf), "%u", i);
			assert_int_equal(intern_add(&in, buf, strlen(buf)), i);
		}
	assert_int_equal(intern_add(&in, "", 0), 0);
	assert_memory_equal(intern_get(&in, 4321, &n), "4321", 4);
	assert_int_equal(n, 4);
	intern_free(&in);
}

/* --- csv -------------------------------------------------------------------------------------------------- */

static void test_csv(void **state)
{
	struct reports *r = *state;

	expect_text(
		r->all, 4, "csv", &(struct export_options){ .table = "candidates" },
		"site,module,address,cache,objects,bytes,growth_bps,frees_seen,evidence,stacks\n"
		"alloc_file+0x12,vmlinux,0xffffffff81000610,filp,11,2112,-12.5,true,"
		"\"none of 11 was freed; said \"\"twice\"\"\","
		"0:7:1344; 1:3:576; :1:192\n"
		",,0xffffffff81007777,,5,,,,,\n"
		"evil;one\\x0a\\x1b[31m 3+0x1,vmlinux,0xffffffff81008888,"
		"'=cmd|' /C calc'!A0,1,64,,,,\n");
	expect_text(r->all + 3, 1, "csv", &(struct export_options){ .table = "stacks" },
		    "stack,frame,address,symbol,module,offset\n"
		    "0,0,0x1740,touch,/bin/app,0\n"
		    "0,1,0x1110,,/bin/app,\n");
}

static void test_csv_texts(void **state _unused_)
{
	static const char *const texts[][2] = {
		{ "plain", "plain" },
		{ "a,b", "\"a,b\"" },
		{ "say \"x\"", "\"say \"\"x\"\"\"" },
		{ "", "" },
		{ " edge", "\" edge\"" },
		{ "edge ", "\"edge \"" },
		{ "-1+1", "'-1+1" },
		{ "@SUM(A1)", "'@SUM(A1)" },
		{ "+1", "'+1" },
		{ "=1,2", "\"'=1,2\"" },
		{ "'quoted", "''quoted" },
		{ "a=b", "a=b" },
		{ "two\r\nlines", "two\\x0d\\x0alines" },
		{ "\xff", "\\xff" },
		{ "grün", "grün" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(report_free) struct report *r = new_report("buddy");
		struct table *t = report_add_table(r, "users", "", user_columns, 2);
		size_t row = report_add_row(r, t);
		char expected[100];

		report_set_text(r, t, row, "comm", texts[i][0]);
		report_set_u64(r, t, row, "order", 1);
		snprintf(expected, sizeof(expected), "comm,order\n%s,1\n", texts[i][1]);
		expect_text(&r, 1, "csv", &(struct export_options){ NULL }, expected);
	}
}

static struct report *shapes_report(void)
{
	static const struct grid_class classes[] = { { "free", '.', 0 }, { "used", '#', 0 } };
	struct report *r = new_report("buddy");
	struct table *t = report_add_tree(r, "orders", "", user_columns, 2);
	size_t row = report_add_node(r, t, 0);
	struct histogram *h = report_add_histogram(r, "orders", NULL, NULL, CELL_COUNT);
	struct series *s;

	report_set_text(r, t, row, "comm", "root");
	row = report_add_node(r, t, 1);
	report_set_text(r, t, row, "comm", "leaf");
	report_add_bucket(r, h, 0, NULL, (struct histogram_bucket){ 0, 1, 7 });
	h = report_add_histogram(r, "lifetime", NULL, "order", CELL_NS);
	report_add_bucket(r, h, 3, "three", (struct histogram_bucket){ 64, UINT64_MAX, 2 });
	s = report_add_series(r, "free_pages", NULL, CELL_COUNT, 100, 10);
	report_add_value(r, s, 5);
	report_add_value(r, s, 6);
	report_add_grid_row(r, report_add_grid(r, "map", NULL, 4096, classes, 2), "DMA", 0x1000,
			    (const uint8_t[]){ 0, 1 }, 2);
	return r;
}

static void test_csv_shapes(void **state _unused_)
{
	static const char *const cases[][2] = {
		{ "orders", "depth,comm,order\n0,root,\n1,leaf,\n" },
		{ "tables.orders", "depth,comm,order\n0,root,\n1,leaf,\n" },
		{ "histograms.orders", "label,from,to,count,unit\n,0,1,7,count\n" },
		{ "buddy.histograms.orders", "label,from,to,count,unit\n,0,1,7,count\n" },
		{ "buddy.lifetime", "order,label,from,to,count,unit\n3,three,64,,2,ns\n" },
		{ "series.free_pages", "time_ns,value,unit\n100,5,count\n110,6,count\n" },
		{ "map",
		  "label,address,bytes,class\nDMA,0x1000,4096,free\nDMA,0x2000,4096,used\n" },
	};
	_cleanup_(report_free) struct report *r = shapes_report();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_text(&r, 1, "csv", &(struct export_options){ .table = cases[i][0] },
			    cases[i][1]);
	expect_usage(&r, 1, "csv", &(struct export_options){ .table = "grids.orders" },
		     "no table «grids.orders»; there are buddy: orders histograms.orders lifetime "
		     "free_pages map");
}

static void test_csv_which(void **state)
{
	struct reports *r = *state;
	size_t n;
	_cleanup_free_ char *got = NULL;
	struct failure f;

	expect_usage(r->all, 4, "csv", &(struct export_options){ NULL },
		     "which table? There are leaks: candidates stacks; slab: sites stacks; "
		     "buddy: users stacks; faults: sites stacks");
	expect_usage(r->all, 4, "csv", &(struct export_options){ .table = "sites" },
		     "several have a table «sites»: leaks: candidates stacks; slab: sites stacks; "
		     "buddy: users stacks; faults: sites stacks");
	expect_usage(r->all, 4, "csv", &(struct export_options){ .table = "leaks.sites" },
		     "no table «leaks.sites»; there are leaks: candidates stacks; slab: sites "
		     "stacks; buddy: users stacks; faults: sites stacks");
	got = export_n(r->all, 4, "csv", &(struct export_options){ .table = "slab.sites" }, 0, &n,
		       &f);
	assert_non_null(strstr(got, "site+0x5,vmlinux,8,800,101,0:3:267; 1:3:267; 2:3:267\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_incomplete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folded_rounding, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folded_roots, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folded_unknown_value, setup, teardown),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_intern),
		cmocka_unit_test_setup_teardown(test_csv, setup, teardown),
		cmocka_unit_test(test_csv_texts),
		cmocka_unit_test(test_csv_shapes),
		cmocka_unit_test_setup_teardown(test_csv_which, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
