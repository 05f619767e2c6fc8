// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "render/render.h"

static const struct render_options options = { 0 };

static const struct column columns[] = {
	{ "site", "site", CELL_SITE, COLUMN_LEFT, 0 },
	{ "module", "module", CELL_MODULE, COLUMN_LEFT, 1 },
	{ "address", "address", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "allocs", "allocs", CELL_COUNT, 0, 0 },
	{ "bytes", "bytes", CELL_BYTES, 0, 0 },
	{ "delta", "delta", CELL_DELTA, 0, 0 },
	{ "age_ns", "age", CELL_NS, 0, 0 },
	{ "rate", "rate", CELL_RATE, 0, 0 },
	{ "waste_pct", "waste", CELL_PERCENT, 0, 0 },
	{ "live", "live", CELL_BOOL, 0, 0 },
	{ "comm", "comm", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "evidence", "evidence", CELL_TEXTS, 0, 0 },
	{ "stacks", "stacks", CELL_STACKS, 0, 0 },
};

/* What the JSON renderer makes of @r; the caller frees it. */
static char *render(const struct report *r)
{
	size_t n;
	char *s = NULL;
	FILE *f = open_memstream(&s, &n);

	assert_int_equal(renderer_find("json")->render(r, &options, f), 0);
	fclose(f);
	assert_int_equal(strlen(s), n);
	return s;
}

static void expect_json(const struct report *r, const char *expected)
{
	_cleanup_free_ char *got = render(r);

	assert_string_equal(got, expected);
}

static void expect_parses(const struct report *r)
{
	_cleanup_free_ char *got = render(r);
	json_error_t error;
	json_t *root = json_loads(got, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("%s", error.text);
	assert_ptr_equal(strchr(got, '\n'), got + strlen(got) - 1); /* one line */
	json_decref(root);
}

static struct table *add_table(struct report *r)
{
	return report_add_table(r, "sites", "Sites", columns, ARRAY_SIZE(columns));
}

static void test_empty(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("doctor");

	expect_json(r, "{\"schema\":1,\"command\":\"doctor\",\"kernel\":null,\"arch\":null,"
		       "\"start_ns\":0,\"end_ns\":0,\"start_wall_ns\":0,\"interval\":0,"
		       "\"final\":false,\"program\":null,\"quality\":null,\"tables\":{},"
		       "\"histograms\":{},\"series\":{},\"grids\":{},\"trees\":{},"
		       "\"stacks\":[],\"notes\":[]}\n");
	expect_parses(r);
	add_table(r);
	expect_json(r, "{\"schema\":1,\"command\":\"doctor\",\"kernel\":null,\"arch\":null,"
		       "\"start_ns\":0,\"end_ns\":0,\"start_wall_ns\":0,\"interval\":0,"
		       "\"final\":false,\"program\":null,\"quality\":null,"
		       "\"tables\":{\"sites\":[]},"
		       "\"histograms\":{},\"series\":{},\"grids\":{},\"trees\":{},"
		       "\"stacks\":[],\"notes\":[]}\n");
}

static void fill_row(struct report *r, struct table *t)
{
	size_t row = report_add_row(r, t);

	report_set_u64(r, t, row, "site", 0xffffffff8123405aull);
	report_set_text(r, t, row, "site", "alloc_pipe_info+0x5a");
	report_set_u64(r, t, row, "module", 0xffffffff8123405aull);
	report_set_text(r, t, row, "module", "vmlinux");
	report_set_u64(r, t, row, "address", 0xffffffff8123405aull);
	report_set_u64(r, t, row, "allocs", 1234567);
	report_set_u64(r, t, row, "bytes", INT64_MAX);
	report_set_i64(r, t, row, "delta", INT64_MIN);
	report_set_u64(r, t, row, "age_ns", 1);
	report_set_real(r, t, row, "rate", -12.345);
	report_set_real(r, t, row, "waste_pct", 9.4);
	report_set_u64(r, t, row, "live", 1);
	report_set_text(r, t, row, "comm", "");
	report_add_text(r, t, row, "evidence", "one");
	report_add_text(r, t, row, "evidence", "two");
}

static void test_everything(void **state _unused_)
{
	static const uint64_t chain[] = { 0xffffffff8123405aull, 0xc0de };
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);
	uint32_t id = report_add_stack(r, chain, 2);

	strcpy(r->kernel, "6.18.0");
	strcpy(r->arch, "x86_64");
	r->start_ns = 5;
	r->end_ns = 15;
	r->start_wall_ns = 1700000000000000000ull;
	r->interval = 2;
	r->final = true;
	r->program = (struct program_status){ .present = true, .pid = 7, .exit_code = 3 };
	r->has_quality = true;
	r->quality = (struct quality){
		.events = 100,
		.analysed = 90,
		.lost = 4,
		.lost_by_cpu = calloc(2, sizeof(uint64_t)),
		.n_cpus = 2,
		.late = 1,
		.filtered = 5,
		.own = 6,
		.allocs = 50,
		.failed = 2,
		.frees_matched = 30,
		.frees_unknown = 7,
		.frees_null = 8,
		.frees_implied_reuse = 9,
		.frees_implied_page = QUALITY_UNKNOWN,
		.frees_implied_rcu = 10,
		.map_full = 11,
		.stacks_lost = 12,
		.recursion_misses = QUALITY_UNKNOWN,
		.sample = 1,
		.pages_unexplained = 13,
		.model_off_pages = QUALITY_UNKNOWN,
	};
	r->quality.lost_by_cpu[1] = 4;
	fill_row(r, t);
	report_add_share(r, t, 0, "stacks", (struct stack_share){ id, 60, 11520, true });
	report_add_share(r, t, 0, "stacks", (struct stack_share){ UINT32_MAX, 1, 2, false });
	r->stacks[id].frames[0].symbol = strdup("alloc_pipe_info");
	r->stacks[id].frames[0].module = strdup("vmlinux");
	r->stacks[id].frames[0].offset = 90;
	report_add_note(r, "a \"note\"");
	expect_json(r,
		    "{\"schema\":1,\"command\":\"slab\",\"kernel\":\"6.18.0\",\"arch\":\"x86_64\","
		    "\"start_ns\":5,\"end_ns\":15,\"start_wall_ns\":1700000000000000000,"
		    "\"interval\":2,\"final\":true,"
		    "\"program\":{\"pid\":7,\"exit_code\":3,\"signal\":null},"
		    "\"quality\":{\"events\":100,\"analysed\":90,\"lost\":4,\"lost_by_cpu\":[0,4],"
		    "\"late\":1,\"filtered\":5,\"own\":6,\"allocs\":50,\"failed\":2,"
		    "\"frees_matched\":30,\"frees_unknown\":7,\"frees_null\":8,"
		    "\"frees_implied\":{\"reuse\":9,\"page\":null,\"rcu\":10},\"map_full\":11,"
		    "\"stacks_lost\":12,\"recursion_misses\":null,\"after_end\":0,\"sample\":1,"
		    "\"gup\":0,\"faults_unexplained\":0,\"maps_lost\":0,"
		    "\"pages_unexplained\":13,\"bulk_pages\":0,\"model_off_pages\":null},"
		    "\"tables\":{\"sites\":[{\"site\":\"alloc_pipe_info+0x5a\","
		    "\"module\":\"vmlinux\",\"address\":\"0xffffffff8123405a\",\"allocs\":1234567,"
		    "\"bytes\":9223372036854775807,\"delta\":-9223372036854775808,\"age_ns\":1,"
		    "\"rate\":-12.35,\"waste_pct\":9.4,\"live\":true,\"comm\":\"\","
		    "\"evidence\":[\"one\",\"two\"],"
		    "\"stacks\":[{\"stack\":0,\"objects\":60,\"bytes\":11520,\"estimated\":true},"
		    "{\"stack\":null,\"objects\":1,\"bytes\":2,\"estimated\":false}]}]},"
		    "\"histograms\":{},\"series\":{},\"grids\":{},\"trees\":{},"
		    "\"stacks\":[{\"id\":0,\"frames\":[{\"address\":\"0xffffffff8123405a\","
		    "\"symbol\":\"alloc_pipe_info\",\"module\":\"vmlinux\",\"offset\":90,"
		    "\"file\":null,\"line\":null},{\"address\":\"0xc0de\",\"symbol\":null,"
		    "\"module\":null,\"offset\":null,\"file\":null,\"line\":null}]}],"
		    "\"notes\":[\"a \\\"note\\\"\"]}\n");
	expect_parses(r);
}

static void expect_cell(const struct report *r, const char *member)
{
	_cleanup_free_ char *got = render(r);

	if (!strstr(got, member))
		fail_msg("no %s in %s", member, got);
}

static const struct column node_columns[] = {
	{ "name", "name", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "more", "more", CELL_CHANGE, 0, 0 },
};

static void add_node(struct report *r, struct table *t, unsigned int depth, const char *name)
{
	size_t row = report_add_node(r, t, depth);

	report_set_text(r, t, row, "name", name);
	report_set_i64(r, t, row, "more", depth ? -(int64_t)depth : INT64_MAX);
}

static void test_trees(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("layout");
	struct table *t;

	report_add_tree(r, "none", NULL, node_columns, ARRAY_SIZE(node_columns));
	add_table(r); /* between them, and not among them */
	t = report_add_tree(r, "physical", NULL, node_columns, ARRAY_SIZE(node_columns));
	add_node(r, t, 0, "a");
	add_node(r, t, 1, "b");
	add_node(r, t, 2, "c");
	add_node(r, t, 2, "d");
	add_node(r, t, 0, "e");
	add_node(r, t, 1, "f");
	expect_cell(r, "\"tables\":{\"sites\":[]},\"histograms\":{},\"series\":{},\"grids\":{},"
		       "\"trees\":{\"none\":[],\"physical\":["
		       "{\"name\":\"a\",\"more\":9223372036854775807,\"children\":["
		       "{\"name\":\"b\",\"more\":-1,\"children\":["
		       "{\"name\":\"c\",\"more\":-2,\"children\":[]},"
		       "{\"name\":\"d\",\"more\":-2,\"children\":[]}]}]},"
		       "{\"name\":\"e\",\"more\":9223372036854775807,\"children\":["
		       "{\"name\":\"f\",\"more\":-1,\"children\":[]}]}]},\"stacks\":");
	expect_parses(r);
}

/* Nested as deep as somebody likes, it can still be read. */
static void test_deep_tree_parses(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("layout");
	struct table *t = report_add_tree(r, "t", NULL, node_columns, ARRAY_SIZE(node_columns));

	for (unsigned int turn = 0; turn < 3; turn++)
		for (unsigned int depth = 0; depth < 5003; depth++)
			report_add_node(r, t, depth);
	expect_parses(r);
}

static void test_histograms(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("buddy");
	struct histogram *h;

	report_add_histogram(r, "none", NULL, "order", CELL_COUNT);
	h = report_add_histogram(r, "lifetime", "Lifetime", "order", CELL_NS);
	report_add_bucket(r, h, 0, NULL, (struct histogram_bucket){ 0, 1024, 5 });
	report_add_bucket(r, h, 0, NULL, (struct histogram_bucket){ 1024, UINT64_MAX, 0 });
	report_add_bucket(r, h, 3, "evil\033\"", (struct histogram_bucket){ 7, 8, INT64_MAX });
	h = report_add_histogram(r, "sizes", "Sizes", NULL, CELL_BYTES);
	report_add_bucket(r, h, 9, NULL, (struct histogram_bucket){ 0, 1, 2 });
	expect_cell(r, "\"histograms\":{\"none\":{\"unit\":\"count\",\"rows\":[]},"
		       "\"lifetime\":{\"unit\":\"ns\",\"rows\":[{\"order\":0,\"label\":null,"
		       "\"buckets\":[{\"from\":0,\"to\":1024,\"count\":5},"
		       "{\"from\":1024,\"to\":null,\"count\":0}]},"
		       "{\"order\":3,\"label\":\"evil\\u001B\\\"\",\"buckets\":["
		       "{\"from\":7,\"to\":8,\"count\":9223372036854775807}]}]},"
		       "\"sizes\":{\"unit\":\"bytes\",\"rows\":[{\"label\":null,"
		       "\"buckets\":[{\"from\":0,\"to\":1,\"count\":2}]}]}},\"series\":");
	expect_parses(r);
}

static void test_series_and_grids(void **state _unused_)
{
	static const struct grid_class classes[] = { { "free", 'f', 32 }, { "in use", '#', 0 } };
	_cleanup_(report_free) struct report *r = report_new("mem");
	struct series *s = report_add_series(r, "free", "Free", CELL_BYTES, 5, 1000000000);
	struct grid *g = report_add_grid(r, "map", "Map", 4096, classes, 2);

	report_add_value(r, s, 0);
	report_add_value(r, s, INT64_MAX);
	report_add_series(r, "none", NULL, CELL_NS, 0, 0);
	report_add_grid_row(r, g, "a\n", 0xffff000000000000ull, (const uint8_t[]){ 0, 1, 1 }, 3);
	report_add_grid_row(r, g, NULL, 0, NULL, 0);
	report_add_grid(r, "empty", NULL, 0, NULL, 0);
	expect_cell(r, "\"series\":{\"free\":{\"unit\":\"bytes\",\"start_ns\":5,"
		       "\"step_ns\":1000000000,\"values\":[0,9223372036854775807]},"
		       "\"none\":{\"unit\":\"ns\",\"start_ns\":0,\"step_ns\":0,\"values\":[]}},"
		       "\"grids\":{\"map\":{\"cell_bytes\":4096,"
		       "\"classes\":{\"f\":\"free\",\"#\":\"in use\"},"
		       "\"rows\":[{\"address\":\"0xffff000000000000\",\"label\":\"a\\n\","
		       "\"cells\":\"f##\"},{\"address\":\"0x0\",\"label\":null,\"cells\":\"\"}]},"
		       "\"empty\":{\"cell_bytes\":0,\"classes\":{},\"rows\":[]}},\"trees\":{}");
	expect_parses(r);
}

static void test_unknown_is_null(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);
	size_t row;

	report_add_row(r, t);
	expect_cell(r, "[{\"site\":null,\"module\":null,\"address\":null,\"allocs\":null,"
		       "\"bytes\":null,\"delta\":null,\"age_ns\":null,\"rate\":null,"
		       "\"waste_pct\":null,\"live\":null,\"comm\":null,\"evidence\":[],"
		       "\"stacks\":[]}]");
	row = report_add_row(r, t);
	report_set_u64(r, t, row, "site", 0x1234); /* not resolved */
	report_set_u64(r, t, row, "module", 0x1234);
	report_set_u64(r, t, row, "bytes", UINT64_MAX);
	report_set_real(r, t, row, "rate", NAN);
	report_set_real(r, t, row, "waste_pct", INFINITY);
	report_set_u64(r, t, row, "live", 0);
	expect_cell(r, "{\"site\":null,\"module\":null,\"address\":null,\"allocs\":null,"
		       "\"bytes\":18446744073709551615,\"delta\":null,\"age_ns\":null,"
		       "\"rate\":null,\"waste_pct\":null,\"live\":false,");
}

static void test_all_quality_unknown(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");

	r->has_quality = true;
	memset(&r->quality, 0xff, sizeof(r->quality));
	r->quality.lost_by_cpu = NULL;
	expect_cell(
		r,
		"\"quality\":{\"events\":null,\"analysed\":null,\"lost\":null,"
		"\"lost_by_cpu\":[],\"late\":null,\"filtered\":null,\"own\":null,"
		"\"allocs\":null,\"failed\":null,\"frees_matched\":null,"
		"\"frees_unknown\":null,\"frees_null\":null,"
		"\"frees_implied\":{\"reuse\":null,\"page\":null,\"rcu\":null},"
		"\"map_full\":null,\"stacks_lost\":null,\"recursion_misses\":null,"
		"\"after_end\":null,\"sample\":null,\"gup\":null,"
		"\"faults_unexplained\":null,\"maps_lost\":null,\"pages_unexplained\":null,\"bulk_"
		"pages\":null,\"model_off_"
		"pages\":null}");
	expect_parses(r);
}

static void test_program_killed(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");

	r->program = (struct program_status){ true, 9, -1, 11 };
	expect_cell(r, "\"program\":{\"pid\":9,\"exit_code\":null,\"signal\":11}");
}

static void test_hostile_strings(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);
	size_t row = report_add_row(r, t);

	report_set_text(r, t, row, "comm", "\033[2J\"\\\n\xff\u202e\xc2\x9b");
	expect_cell(r, "\"comm\":\"\\u001B[2J\\\"\\\\\\n\\uFFFD\\u202E\\u009B\"");
	report_add_note(r, "cut\xe2\x82");
	expect_cell(r, "\"notes\":[\"cut\\uFFFD\\uFFFD\"]");
	expect_parses(r);
}

static void test_many_rows_parse(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);

	for (int i = 0; i < 1009; i++)
		fill_row(r, t);
	expect_parses(r);
}

static void test_write_errors(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	struct table *t = add_table(r);
	FILE *full = fopen("/dev/full", "w");
	FILE *broken;
	int fds[2];

	assert_non_null(full);
	assert_int_equal(render_json(r, &options, full), -ENOSPC); /* fails in the flush */
	for (int i = 0; i < 1009; i++)
		fill_row(r, t);
	assert_int_equal(render_json(r, &options, full), -ENOSPC); /* fails on the way */
	fclose(full);

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	broken = fdopen(fds[1], "w");
	assert_int_equal(render_json(r, &options, broken), -EPIPE);
	fclose(broken);
}

static void test_oom_prints_nothing(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("slab");
	char *s = NULL;
	size_t n;
	FILE *f = open_memstream(&s, &n);

	r->oom = true;
	assert_int_equal(render_json(r, &options, f), -ENOMEM);
	fclose(f);
	assert_int_equal(n, 0);
	free(s);
}

static void test_user_code(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("faults");
	uint64_t chain[] = { report_code(1, 0x1234), 0xffffffff81000000 };
	_cleanup_free_ char *got = NULL;

	assert_int_equal(report_add_stack(r, chain, 2), 0);
	r->stacks[0].frames[0].module = strdup("/usr/bin/prog");
	got = render(r);
	assert_non_null(strstr(got, "{\"address\":\"0x1234\",\"symbol\":null,"
				    "\"module\":\"/usr/bin/prog\",\"offset\":null,"));
	assert_non_null(strstr(got, "{\"address\":\"0xffffffff81000000\",\"symbol\":null,"));
}

static void test_find(void **state _unused_)
{
	assert_string_equal(renderer_find("json")->name, "json");
	assert_string_equal(renderer_find("text")->name, "text");
	assert_null(renderer_find("xml"));
	assert_null(renderer_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_deep_tree_parses),
		cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_series_and_grids),
		cmocka_unit_test(test_unknown_is_null),
		cmocka_unit_test(test_all_quality_unknown),
		cmocka_unit_test(test_program_killed),
		cmocka_unit_test(test_hostile_strings),
		cmocka_unit_test(test_many_rows_parse),
		cmocka_unit_test(test_write_errors),
		cmocka_unit_test(test_oom_prints_nothing),
		cmocka_unit_test(test_user_code),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
