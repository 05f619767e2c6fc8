// SPDX-License-Identifier: GPL-2.0
/*
 * What is in an exported profile, by a decoder that knows the format and nothing of the encoder. With
 * KMSCOPE_KEEP_PROFILE=FILE in the environment the profile is kept, for tools to look at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "render/export.h"
#include "render/proto.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define KERNEL 0xffffffff81000000ull
#define MODULE 0xffffffffc0200000ull

/* --- decoding --------------------------------------------------------------------------------------------- */

struct bytes {
	const uint8_t *at, *end;
};

struct field {
	uint32_t number;
	uint64_t value; /* of a varint */
	struct bytes bytes; /* of what has a length */
	bool has_length;
};

static uint64_t read_varint(struct bytes *b)
{
	uint64_t v = 0;

	for (unsigned int shift = 0;; shift += 7) {
		assert_true(b->at < b->end && shift < 64);
		v |= (uint64_t)(*b->at & 0x7f) << shift;
		if (!(*b->at++ & 0x80))
			return v;
	}
}

/* The next field of a message; false at its end. */
static bool read_field(struct bytes *b, struct field *f)
{
	uint64_t tag, n;

	if (b->at == b->end)
		return false;
	tag = read_varint(b);
	*f = (struct field){ .number = (uint32_t)(tag >> 3), .has_length = (tag & 7) == 2 };
	assert_true((tag & 7) == 0 || (tag & 7) == 2);
	if (!f->has_length) {
		f->value = read_varint(b);
		return true;
	}
	n = read_varint(b);
	assert_true(n <= (uint64_t)(b->end - b->at));
	f->bytes = (struct bytes){ b->at, b->at + n };
	b->at += n;
	return true;
}

/* The @index'th field @number of @message; false: it is not there. */
static bool find_nth(struct bytes message, uint32_t number, size_t index, struct field *ret)
{
	struct field f;

	while (read_field(&message, &f))
		if (f.number == number && index-- == 0) {
			*ret = f;
			return true;
		}
	return false;
}

/* An integer field; 0 if it is not there. */
static uint64_t get(struct bytes message, uint32_t number)
{
	struct field f;

	return find_nth(message, number, 0, &f) ? f.value : 0;
}

static struct bytes nth(struct bytes message, uint32_t number, size_t index)
{
	struct field f = { 0 };

	assert_true(find_nth(message, number, index, &f));
	assert_true(f.has_length);
	return f.bytes;
}

static size_t count(struct bytes message, uint32_t number)
{
	struct field f;
	size_t n = 0;

	while (read_field(&message, &f))
		n += f.number == number;
	return n;
}

/* The last integer field @number of @message. */
static uint64_t find_last(struct bytes message, uint32_t number)
{
	struct field f;

	assert_true(find_nth(message, number, count(message, number) - 1, &f));
	return f.value;
}

static void expect_text(struct bytes profile, uint64_t index, const char *expected)
{
	struct bytes s = nth(profile, 6, index);

	assert_int_equal(s.end - s.at, strlen(expected));
	assert_memory_equal(s.at, expected, strlen(expected));
}

/* The message of a repeated field whose id is @id. */
static struct bytes by_id(struct bytes profile, uint32_t number, uint64_t id)
{
	struct bytes b = profile;
	struct field f;

	while (read_field(&b, &f))
		if (f.number == number && get(f.bytes, 1) == id)
			return f.bytes;
	fail_msg("no %u with id %llu", number, (unsigned long long)id);
	return b;
}

/* --- making ------------------------------------------------------------------------------------------------- */

static const struct column leak_columns[] = {
	{ "site", "", CELL_SITE, 0, 0 },   { "module", "", CELL_MODULE, 0, 0 },
	{ "cache", "", CELL_TEXT, 0, 0 },  { "objects", "", CELL_COUNT, 0, 0 },
	{ "bytes", "", CELL_BYTES, 0, 0 }, { "stacks", "", CELL_STACKS, 0, 0 },
};

static const struct column slab_columns[] = {
	{ "site", "", CELL_SITE, 0, 0 },    { "module", "", CELL_MODULE, 0, 0 },
	{ "allocs", "", CELL_COUNT, 0, 0 }, { "bytes_alloc", "", CELL_BYTES, 0, 0 },
	{ "waste", "", CELL_BYTES, 0, 0 },  { "stacks", "", CELL_STACKS, 0, 0 },
};

static const struct column fault_columns[] = {
	{ "symbol", "", CELL_SITE, 0, 0 },   { "object", "", CELL_MODULE, 0, 0 },
	{ "minor", "", CELL_COUNT, 0, 0 },   { "major", "", CELL_COUNT, 0, 0 },
	{ "stacks", "", CELL_STACKS, 0, 0 },
};

static const struct column user_columns[] = {
	{ "comm", "", CELL_TEXT, 0, 0 },   { "order", "", CELL_ID, 0, 0 },
	{ "pages", "", CELL_COUNT, 0, 0 }, { "live_pages", "", CELL_COUNT, 0, 0 },
	{ "gfp", "", CELL_TEXT, 0, 0 },
};

static void name_frame(struct report *r, uint32_t stack, size_t i, const char *symbol,
		       const char *module)
{
	struct frame *f = &r->stacks[stack].frames[i];

	f->symbol = symbol ? strdup(symbol) : NULL;
	f->module = strdup(module);
}

static size_t add_row(struct report *r, struct table *t, const char *symbol, const char *module,
		      uint64_t code, const char *text)
{
	size_t row = report_add_row(r, t);

	report_set_u64(r, t, row, symbol, code);
	report_set_u64(r, t, row, module, code);
	if (text)
		table_cell(t, row, symbol)->text = strdup(text);
	return row;
}

static struct report *leaks_report(void)
{
	const uint64_t open_chain[] = { KERNEL + 0x610, KERNEL + 0x720, KERNEL + 0x830 };
	const uint64_t load_chain[] = { KERNEL + 0x610, MODULE + 0x40 };
	struct report *r = report_new("leaks");
	struct table *t =
		report_add_table(r, "candidates", "", leak_columns, ARRAY_SIZE(leak_columns));
	size_t row = add_row(r, t, "site", "module", KERNEL + 0x610, "alloc_file+0x10");
	uint32_t one = report_add_stack(r, open_chain, 3), two = report_add_stack(r, load_chain, 2);

	snprintf(r->kernel, sizeof(r->kernel), "6.1");
	snprintf(r->arch, sizeof(r->arch), "x86_64");
	r->start_ns = 1000;
	r->end_ns = 5001000;
	r->start_wall_ns = 1700000000000000000;
	r->has_quality = true;
	r->quality = (struct quality){
		.events = 12, .analysed = 7, .lost = 2, .recursion_misses = 3, .sample = 1
	};
	name_frame(r, one, 0, "alloc_file", "vmlinux");
	name_frame(r, one, 1, "do_open", "vmlinux");
	name_frame(r, one, 2, "sys_open", "vmlinux");
	name_frame(r, two, 0, "alloc_file", "vmlinux");
	name_frame(r, two, 1, "ext4_open\x1b", "ext4");
	table_cell(t, row, "module")->text = strdup("vmlinux");
	report_set_text(r, t, row, "cache", "filp");
	report_set_u64(r, t, row, "objects", 13);
	report_set_u64(r, t, row, "bytes", 2496);
	report_add_share(r, t, row, "stacks", (struct stack_share){ one, 7, 1344, false });
	report_add_share(r, t, row, "stacks", (struct stack_share){ two, 3, 576, false });
	return r;
}

static struct report *slab_report(void)
{
	struct report *r = report_new("slab");
	struct table *t = report_add_table(r, "sites", "", slab_columns, ARRAY_SIZE(slab_columns));
	size_t row = add_row(r, t, "site", "module", KERNEL + 0x610, "alloc_file+0x10");

	table_cell(t, row, "module")->text = strdup("vmlinux");
	report_set_u64(r, t, row, "allocs", 100);
	report_set_u64(r, t, row, "bytes_alloc", 19200);
	report_set_u64(r, t, row, "waste", 300);
	row = add_row(r, t, "site", "module", MODULE + 0x80, NULL);
	report_set_u64(r, t, row, "allocs", UINT64_MAX);
	return r;
}

static struct report *buddy_report(void)
{
	struct report *r = report_new("buddy");
	struct table *t = report_add_table(r, "users", "", user_columns, ARRAY_SIZE(user_columns));
	size_t row = report_add_row(r, t);

	report_set_text(r, t, row, "comm", "cc1");
	report_set_u64(r, t, row, "order", 3);
	report_set_text(r, t, row, "gfp", "GFP_KERNEL");
	report_set_u64(r, t, row, "pages", 80);
	report_set_u64(r, t, row, "live_pages", 13);
	/* of the same run: what is lost is the same */
	r->has_quality = true;
	r->quality = (struct quality){
		.events = 45, .analysed = 40, .lost = 2, .recursion_misses = 3, .sample = 1
	};
	return r;
}

static struct report *faults_report(void)
{
	struct report *r = report_new("faults");
	uint32_t app = report_add_object(r, &(struct report_object){ .path = (char *)"/bin/app" });
	const uint64_t chain[] = { report_code(app, 0x1100), report_code(app, 0x2200) };
	struct table *t =
		report_add_table(r, "sites", "", fault_columns, ARRAY_SIZE(fault_columns));
	size_t row = add_row(r, t, "symbol", "object", chain[0], "touch+0x10");
	uint32_t stack = report_add_stack(r, chain, 2);

	name_frame(r, stack, 0, "touch", "/bin/app");
	name_frame(r, stack, 1, NULL, "/bin/app");
	report_set_u64(r, t, row, "minor", 5);
	report_set_u64(r, t, row, "major", 2);
	report_add_share(r, t, row, "stacks", (struct stack_share){ stack, 7, 0, false });
	return r;
}

/* An exported profile, as it is in the file and unpacked. */
struct unpacked {
	uint8_t *packed, *plain;
	size_t n_packed;
	struct bytes profile;
};

static struct unpacked export_reports(struct report *const *reports, size_t n)
{
	const size_t most = 1 << 20;
	struct unpacked u = { .plain = malloc(most) };
	struct failure f = { .text = "" };
	char *s = NULL;
	FILE *file = open_memstream(&s, &u.n_packed);
	z_stream z = { 0 };

	assert_int_equal(exporter_find("pprof")->write((const struct report *const *)reports, n,
						       &(struct export_options){ NULL }, file, &f),
			 0);
	fclose(file);
	u.packed = (uint8_t *)s;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = u.packed;
	z.avail_in = (uInt)u.n_packed;
	z.next_out = u.plain;
	z.avail_out = (uInt)most;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	u.profile = (struct bytes){ u.plain, u.plain + z.total_out };
	inflateEnd(&z);
	return u;
}

static void unpacked_free(struct unpacked *u)
{
	free(u->packed);
	free(u->plain);
}

struct state {
	struct report *reports[4];
	struct unpacked u;
};

static int setup(void **state)
{
	struct state *s = calloc(1, sizeof(*s));
	const char *keep = getenv("KMSCOPE_KEEP_PROFILE");
	FILE *file;

	s->reports[0] = leaks_report();
	s->reports[1] = slab_report();
	s->reports[2] = buddy_report();
	s->reports[3] = faults_report();
	s->u = export_reports(s->reports, 4);
	*state = s;
	file = keep ? fopen(keep, "we") : NULL;
	if (file) {
		fwrite(s->u.packed, 1, s->u.n_packed, file);
		fclose(file);
	}
	return 0;
}

static int teardown(void **state)
{
	struct state *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(s->reports); i++)
		report_free(&s->reports[i]);
	unpacked_free(&s->u);
	free(s);
	return 0;
}

/* --- tests --------------------------------------------------------------------------------------------------- */

static void test_types(void **state)
{
	static const char *const names[][2] = {
		{ "inuse_space", "bytes" },  { "inuse_objects", "count" },
		{ "alloc_space", "bytes" },  { "alloc_objects", "count" },
		{ "waste_space", "bytes" },  { "inuse_pages", "count" },
		{ "alloc_pages", "count" },  { "minor_faults", "count" },
		{ "major_faults", "count" },
	};
	struct bytes p = ((struct state *)*state)->u.profile;

	expect_text(p, 0, "");
	assert_int_equal(count(p, 1), ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		expect_text(p, get(nth(p, 1, i), 1), names[i][0]);
		expect_text(p, get(nth(p, 1, i), 2), names[i][1]);
	}
	expect_text(p, get(p, 14), "inuse_space");
	assert_true(get(p, 9) == 1700000000000000000);
	assert_int_equal(get(p, 10), 5000000);
	assert_int_equal(get(p, 12), 1);
}

static void test_comments(void **state)
{
	static const char *const comments[] = {
		"kmscope " KMSCOPE_VERSION ", Linux 6.1 x86_64",
		"5 events lost or missed, of all areas that were recorded",
		"leaks: 7 events analysed, sample 1 in 1",
		"buddy: 40 events analysed, sample 1 in 1",
	};
	struct bytes p = ((struct state *)*state)->u.profile;
	struct field f;

	assert_int_equal(count(p, 13), ARRAY_SIZE(comments));
	for (size_t i = 0; i < ARRAY_SIZE(comments); i++) {
		assert_true(find_nth(p, 13, i, &f));
		expect_text(p, f.value, comments[i]);
	}
}

/* Each sample: its functions, innermost first, what is not 0 of its values, and its labels. */
static void test_samples(void **state)
{
	static const char *const expected[] = {
		"alloc_file do_open sys_open 0:1344 1:7 cache=filp",
		"alloc_file ext4_open\\x1b 0:576 1:3 cache=filp",
		"alloc_file 0:576 1:3 cache=filp",
		"alloc_file 2:19200 3:100 4:300",
		"0xffffffffc0200080 3:9223372036854775807",
		"[no call chain] 5:13 6:80 comm=cc1 order=3 gfp=GFP_KERNEL",
		"touch [app]+0x2200 7:5 8:2",
	};
	struct bytes p = ((struct state *)*state)->u.profile;

	assert_int_equal(count(p, 2), ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct bytes sample = nth(p, 2, i), list = nth(sample, 1, 0);
		char got[400] = "";
		size_t n = 0;

		while (list.at < list.end) {
			struct bytes location = by_id(p, 4, read_varint(&list));
			struct bytes function = by_id(p, 5, get(nth(location, 4, 0), 1));
			struct bytes name = nth(p, 6, get(function, 2));

			n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%.*s", n ? " " : "",
					      (int)(name.end - name.at), (const char *)name.at);
		}
		list = nth(sample, 2, 0);
		for (size_t v = 0; v < count(p, 1); v++) {
			uint64_t value = read_varint(&list);

			if (value)
				n += (size_t)snprintf(got + n, sizeof(got) - n, " %zu:%llu", v,
						      (unsigned long long)value);
		}
		assert_ptr_equal(list.at, list.end);
		for (size_t l = 0; l < count(sample, 3); l++) {
			struct bytes key = nth(p, 6, get(nth(sample, 3, l), 1));
			struct bytes text = nth(p, 6, get(nth(sample, 3, l), 2));

			n += (size_t)snprintf(got + n, sizeof(got) - n, " %.*s=%.*s",
					      (int)(key.end - key.at), (const char *)key.at,
					      (int)(text.end - text.at), (const char *)text.at);
		}
		assert_string_equal(got, expected[i]);
	}
}

/* Ids begin with 1 and are used once; what has a mapping lies in it. */
static void test_places(void **state)
{
	static const char *const mappings[] = { "[kernel.kallsyms]", "[ext4]", "/bin/app" };
	struct bytes p = ((struct state *)*state)->u.profile;

	assert_int_equal(count(p, 3), ARRAY_SIZE(mappings));
	for (size_t i = 0; i < ARRAY_SIZE(mappings); i++) {
		assert_int_equal(get(nth(p, 3, i), 1), i + 1);
		expect_text(p, get(nth(p, 3, i), 5), mappings[i]);
		assert_int_equal(get(nth(p, 3, i), 7), 1);
	}
	/* alloc_file is at one place, also as a call site without a chain */
	assert_int_equal(count(p, 4), 8);
	for (size_t i = 0; i < count(p, 4); i++) {
		struct bytes location = nth(p, 4, i);
		uint64_t mapping = get(location, 2), address = get(location, 3);

		assert_int_equal(get(location, 1), i + 1);
		if (!mapping)
			continue;
		assert_true(get(by_id(p, 3, mapping), 2) <= address);
		assert_true(get(by_id(p, 3, mapping), 3) > address);
	}
	assert_int_equal(count(p, 5), 8);
	for (size_t i = 0; i < count(p, 5); i++)
		assert_int_equal(get(nth(p, 5, i), 1), i + 1);
}

static void test_same_bytes(void **state)
{
	struct state *s = *state;
	struct unpacked again = export_reports(s->reports, 4);

	assert_int_equal(again.n_packed, s->u.n_packed);
	assert_memory_equal(again.packed, s->u.packed, again.n_packed);
	assert_memory_equal(again.packed, "\x1f\x8b\x08\0\0\0\0\0", 8); /* no time */
	unpacked_free(&again);
}

/* Reports of some commands only: no types of others, and the default is another one. */
static void test_some(void **state)
{
	struct state *s = *state;
	struct unpacked u = export_reports(s->reports + 3, 1);

	assert_int_equal(count(u.profile, 1), 2);
	assert_int_equal(count(u.profile, 2), 1);
	expect_text(u.profile, get(u.profile, 14), "minor_faults");
	assert_int_equal(count(u.profile, 13), 2);
	expect_text(u.profile, find_last(u.profile, 13), "no events lost");
	unpacked_free(&u);
}

/* What was sampled is said, too, if nothing was lost. */
static void test_sampled(void **state)
{
	struct state *s = *state;
	struct quality *q = &s->reports[0]->quality;
	struct unpacked u;
	struct field f;

	*q = (struct quality){ .events = 70,
			       .analysed = 7,
			       .filtered = 63,
			       .recursion_misses = QUALITY_UNKNOWN,
			       .sample = 10 };
	u = export_reports(s->reports, 2);
	assert_int_equal(get(u.profile, 12), 10);
	assert_int_equal(count(u.profile, 13), 3);
	assert_true(find_nth(u.profile, 13, 1, &f));
	expect_text(u.profile, f.value, "no events lost");
	expect_text(u.profile, find_last(u.profile, 13),
		    "leaks: 7 events analysed, sample 1 in 10");
	unpacked_free(&u);
}

static void test_varints(void **state _unused_)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 16383, 16384, 1ull << 63, UINT64_MAX };
	struct proto p = { 0 }, inner = { 0 };
	struct bytes b;
	struct field f;

	proto_uint(&p, 1, 0);
	proto_packed(&p, 1, values, 0);
	assert_int_equal(p.n, 0);
	proto_packed(&inner, 15, values, ARRAY_SIZE(values));
	proto_uint(&inner, 16, UINT64_MAX);
	proto_message(&p, 536870911, &inner);
	assert_int_equal(inner.n, 0);
	proto_message(&p, 1, &inner); /* an empty message is there all the same */
	b = (struct bytes){ p.items, p.items + p.n };
	assert_true(read_field(&b, &f));
	assert_int_equal(f.number, 536870911);
	assert_true(get(f.bytes, 16) == UINT64_MAX);
	f.bytes = nth(f.bytes, 15, 0);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_true(read_varint(&f.bytes) == values[i]);
	assert_ptr_equal(f.bytes.at, f.bytes.end);
	assert_true(read_field(&b, &f));
	assert_ptr_equal(f.bytes.at, f.bytes.end);
	assert_false(read_field(&b, &f));
	proto_free(&p);
	proto_free(&inner);
}

/* More than what is written at once. */
static void test_large(void **state _unused_)
{
	struct report *r = report_new("slab");
	struct table *t = report_add_table(r, "sites", "", slab_columns, ARRAY_SIZE(slab_columns));
	struct unpacked u;
	uint64_t sum = 0;
	char name[64];

	for (size_t i = 0; i < 5000; i++) {
		size_t row;

		snprintf(name, sizeof(name), "f%zx+0x1", i * 2654435761u);
		row = add_row(r, t, "site", "module", KERNEL + i * 977, name);
		report_set_u64(r, t, row, "allocs", i + 1);
	}
	u = export_reports(&r, 1);
	assert_true(u.n_packed > 32768);
	assert_int_equal(count(u.profile, 4), 5000);
	for (struct bytes b = u.profile; b.at < b.end;) {
		struct field f;

		read_field(&b, &f);
		if (f.number != 2)
			continue;
		f.bytes = nth(f.bytes, 2, 0);
		read_varint(&f.bytes);
		sum += read_varint(&f.bytes);
	}
	assert_int_equal(sum, 5000 * 5001 / 2);
	unpacked_free(&u);
	report_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_comments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sampled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_samples, setup, teardown),
		cmocka_unit_test_setup_teardown(test_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_some, setup, teardown),
		cmocka_unit_test(test_varints),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
