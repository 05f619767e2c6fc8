// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "probe/btfgen.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define DATA "tests/unit/data/format-6.18/"

static const char kmalloc_arm[] =
	"name: kmalloc\nID: 391\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:unsigned long call_site;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:const void * ptr;\toffset:12;\tsize:4;\tsigned:0;\n"
	"\tfield:size_t bytes_req;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:size_t bytes_alloc;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long gfp_flags;\toffset:24;\tsize:4;\tsigned:0;\n"
	"\tfield:int node;\toffset:28;\tsize:4;\tsigned:1;\n";

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

static void btf_freep(struct btf **btf)
{
	btf__free(*btf);
	*btf = NULL;
}

/* What a reader makes of it: the bytes of the memfd, parsed anew. */
static struct btf *read_back(struct btfgen *b)
{
	_cleanup_close_ int fd = -1;
	static char bytes[65536];
	struct btf *btf;
	char path[32];
	ssize_t n;

	assert_int_equal(btfgen_to_memfd(b, path, &fd), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	btf = btf__parse(path, NULL);
	assert_non_null(btf);
	btf__free(btf);
	n = pread(fd, bytes, sizeof(bytes), 0);
	assert_true(n > 0 && n < (ssize_t)sizeof(bytes));
	btf = btf__new(bytes, (__u32)n);
	assert_non_null(btf);
	return btf;
}

static const struct btf_type *find_struct(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	assert_true(id > 0);
	return btf__type_by_id(btf, (__u32)id);
}

/* The type of member @name, whose bit offset is checked. */
static const struct btf_type *member(const struct btf *btf, const struct btf_type *t,
				     const char *name, uint32_t byte_offset)
{
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (strcmp(btf__name_by_offset(btf, m->name_off), name))
			continue;
		assert_int_equal(btf_member_bit_offset(t, i), byte_offset * 8);
		return btf__type_by_id(btf, m->type);
	}
	fail_msg("no member %s", name);
	return NULL;
}

static void assert_int_type(const struct btf *btf, const struct btf_type *t, const char *name,
			    uint32_t size)
{
	assert_int_equal(btf_kind(t), BTF_KIND_INT);
	assert_string_equal(btf__name_by_offset(btf, t->name_off), name);
	assert_int_equal(t->size, size);
	assert_int_equal(btf_int_bits(t), size * 8);
}

static void test_6_18(void **state _unused_)
{
	static const char *const events[] = { "kmalloc", "kmem_cache_alloc", "kmem_cache_free",
					      "kfree" };
	_cleanup_(btfgen_free) struct btfgen *b = btfgen_new(8);
	_cleanup_(btf_freep) struct btf *btf = NULL;
	const struct btf_type *t;
	size_t i;

	assert_non_null(b);
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		_cleanup_(format_free) struct event_format *fmt = NULL;
		char path[128];

		snprintf(path, sizeof(path), DATA "%s", events[i]);
		fmt = parse_file(path);
		assert_int_equal(btfgen_add_event(b, fmt), 0);
		assert_int_equal(btfgen_add_event(b, fmt), -EEXIST);
	}
	btf = read_back(b);
	assert_int_equal(btf__pointer_size(btf), 8);
	t = find_struct(btf, "trace_event_raw_kmem_cache_alloc");
	assert_int_equal(btf_vlen(t), 12);
	assert_int_equal(t->size, 64);
	assert_int_type(btf, member(btf, t, "common_type", 0), "short unsigned int", 2);
	assert_int_type(btf, member(btf, t, "common_pid", 4), "int", 4);
	assert_int_type(btf, member(btf, t, "call_site", 8), "long long unsigned int", 8);
	assert_int_equal(btf_kind(member(btf, t, "ptr", 16)), BTF_KIND_PTR);
	assert_int_type(btf, member(btf, t, "name", 24), "unsigned int", 4);
	assert_int_type(btf, member(btf, t, "node", 56), "int", 4);
	assert_int_type(btf, member(btf, t, "accounted", 60), "unsigned char", 1);
	assert_int_equal(find_struct(btf, "trace_event_raw_kmem_cache_free")->size, 32);
	assert_int_equal(find_struct(btf, "trace_event_raw_kfree")->size, 24);
	assert_int_equal(btf_vlen(find_struct(btf, "trace_event_raw_kmalloc")), 10);
}

static void test_arm(void **state _unused_)
{
	_cleanup_(btfgen_free) struct btfgen *b = btfgen_new(4);
	_cleanup_(format_free) struct event_format *fmt = parse(kmalloc_arm);
	_cleanup_(btf_freep) struct btf *btf = NULL;
	const struct btf_type *t;

	assert_non_null(b);
	assert_int_equal(btfgen_add_event(b, fmt), 0);
	btf = read_back(b);
	assert_int_equal(btf__pointer_size(btf), 4);
	assert_int_type(btf,
			btf__type_by_id(btf, (__u32)btf__find_by_name_kind(btf, "long unsigned int",
									   BTF_KIND_INT)),
			"long unsigned int", 4);
	t = find_struct(btf, "trace_event_raw_kmalloc");
	assert_int_equal(t->size, 32);
	assert_int_type(btf, member(btf, t, "call_site", 8), "unsigned int", 4);
	assert_int_equal(btf_kind(member(btf, t, "ptr", 12)), BTF_KIND_PTR);
	assert_int_type(btf, member(btf, t, "bytes_alloc", 20), "unsigned int", 4);
	assert_int_type(btf, member(btf, t, "node", 28), "int", 4);
}

static void assert_array(const struct btf *btf, const struct btf_type *t, uint32_t n, int kind,
			 uint32_t size)
{
	const struct btf_type *element;

	assert_int_equal(btf_kind(t), BTF_KIND_ARRAY);
	assert_int_equal(btf_array(t)->nelems, n);
	element = btf__type_by_id(btf, btf_array(t)->type);
	assert_int_equal(btf_kind(element), kind);
	if (kind == BTF_KIND_INT)
		assert_int_equal(element->size, size);
}

static void test_kinds(void **state _unused_)
{
	_cleanup_(btfgen_free) struct btfgen *b = btfgen_new(8);
	_cleanup_(btf_freep) struct btf *btf = NULL;
	_cleanup_(format_free) struct event_format *fmt =
		parse("name: odd\n"
		      "\tfield:u64 last;\toffset:200;\tsize:8;\tsigned:0;\n"
		      "\tfield:char comm[16];\toffset:0;\tsize:16;\tsigned:1;\n"
		      "\tfield:unsigned long args[6];\toffset:16;\tsize:48;\tsigned:0;\n"
		      "\tfield:void * ptrs[2];\toffset:64;\tsize:16;\tsigned:0;\n"
		      "\tfield:char named[LEN];\toffset:80;\tsize:10;\tsigned:0;\n"
		      "\tfield:struct guid g;\toffset:90;\tsize:16;\tsigned:0;\n"
		      "\tfield:void * narrow;\toffset:108;\tsize:4;\tsigned:0;\n"
		      "\tfield:long long s;\toffset:112;\tsize:8;\tsigned:1;\n"
		      "\tfield:__rel_loc u8[] loc;\toffset:120;\tsize:4;\tsigned:0;\n"
		      "\tfield:short h;\toffset:124;\tsize:2;\tsigned:1;\n"
		      "\tfield:u8 mac[1];\toffset:126;\tsize:1;\tsigned:0;\n"
		      "\tfield:u8 odd[7];\toffset:127;\tsize:9;\tsigned:0;\n");
	const struct btf_type *t;

	assert_non_null(b);
	assert_int_equal(btfgen_add_event(b, fmt), 0);
	btf = read_back(b);
	t = find_struct(btf, "trace_event_raw_odd");
	assert_int_equal(t->size, 208);
	assert_array(btf, member(btf, t, "comm", 0), 16, BTF_KIND_INT, 1);
	assert_array(btf, member(btf, t, "args", 16), 6, BTF_KIND_INT, 8);
	assert_array(btf, member(btf, t, "ptrs", 64), 2, BTF_KIND_PTR, 8);
	assert_array(btf, member(btf, t, "named", 80), 10, BTF_KIND_INT, 1);
	assert_array(btf, member(btf, t, "g", 90), 16, BTF_KIND_INT, 1);
	assert_int_type(btf, member(btf, t, "narrow", 108), "unsigned int", 4);
	assert_int_type(btf, member(btf, t, "s", 112), "long long int", 8);
	assert_int_type(btf, member(btf, t, "loc", 120), "unsigned int", 4);
	assert_int_type(btf, member(btf, t, "h", 124), "short int", 2);
	assert_array(btf, member(btf, t, "mac", 126), 1, BTF_KIND_INT, 1);
	assert_array(btf, member(btf, t, "odd", 127), 9, BTF_KIND_INT, 1);
	assert_int_type(btf, member(btf, t, "last", 200), "long long unsigned int", 8);
}

static void assert_refused(struct event_field *fields, size_t n, int err)
{
	_cleanup_(btfgen_free) struct btfgen *b = btfgen_new(8);
	_cleanup_(btf_freep) struct btf *btf = NULL;
	struct event_format fmt = { .name = (char *)"x", .fields = fields, .n_fields = n };

	assert_non_null(b);
	assert_int_equal(btfgen_add_event(b, &fmt), err);
	/* A refused event leaves nothing behind. */
	btf = read_back(b);
	assert_int_equal(btf__type_cnt(btf), 2);
}

#define FIELD(at, bytes)                                                                \
	{                                                                               \
		.name = (char *)"f", .type = (char *)"int", .offset = at, .size = bytes \
	}

static void test_hostile(void **state _unused_)
{
	struct event_field overlap[] = { FIELD(0, 4), FIELD(8, 4), FIELD(3, 4) };
	struct event_field same[] = { FIELD(0, 4), FIELD(0, 4) };
	struct event_field empty[] = { FIELD(0, 0) };
	struct event_field far_away[] = { FIELD(UINT32_MAX, 4) };
	struct event_field huge[] = { FIELD(0, UINT32_MAX) };
	struct event_field beyond[] = { FIELD(FORMAT_MAX_RECORD - 3, 4) };
	static struct event_field many[10000];
	size_t i;

	assert_refused(overlap, ARRAY_SIZE(overlap), -EINVAL);
	assert_refused(same, ARRAY_SIZE(same), -EINVAL);
	assert_refused(empty, ARRAY_SIZE(empty), -EINVAL);
	assert_refused(empty, 0, -EINVAL);
	assert_refused(far_away, ARRAY_SIZE(far_away), -E2BIG);
	assert_refused(huge, ARRAY_SIZE(huge), -E2BIG);
	assert_refused(beyond, ARRAY_SIZE(beyond), -E2BIG);
	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct event_field)FIELD((uint32_t)i * 4, 4);
	assert_refused(many, ARRAY_SIZE(many), -E2BIG);
}

static void test_limits(void **state _unused_)
{
	_cleanup_(btfgen_free) struct btfgen *b = btfgen_new(8), *none = NULL;
	_cleanup_(btf_freep) struct btf *btf = NULL;
	struct event_field fields[FORMAT_MAX_FIELDS];
	struct event_format fmt = { .name = (char *)"x", .fields = fields };
	const struct btf_type *t;
	size_t i;

	assert_null(btfgen_new(0));
	assert_null(btfgen_new(16));
	btfgen_free(&none);
	assert_non_null(b);
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = (struct event_field)FIELD((uint32_t)i * 256, 256);
	fmt.n_fields = ARRAY_SIZE(fields);
	assert_int_equal(btfgen_add_event(b, &fmt), 0);
	btf = read_back(b);
	t = find_struct(btf, "trace_event_raw_x");
	assert_int_equal(t->size, FORMAT_MAX_RECORD);
	assert_int_equal(btf_vlen(t), FORMAT_MAX_FIELDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_6_18),   cmocka_unit_test(test_arm),
		cmocka_unit_test(test_kinds),  cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
