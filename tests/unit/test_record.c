// SPDX-License-Identifier: GPL-2.0
/* Recordings: what goes in comes out. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "record/decode.h"
#include "record/encode.h"
#include "render/render.h"
#include "source/file.h"
#include "fixture.h"
#include "records.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define SCRIPTS "tests/golden/scripts"

static int begin(void **state)
{
	static struct folder folder;

	folder_make(&folder);
	*state = &folder;
	return 0;
}

static int end(void **state)
{
	folder_remove(*state, "one");
	return rmdir(((struct folder *)*state)->path);
}

static void assert_same(const struct list *in, const struct list *out)
{
	size_t i;

	for (i = 0; i < MIN(in->n, out->n); i++)
		if (!same_record(in->items[i], out->items[i]))
			fail_msg("record %zu of kind %u", i, in->items[i]->kind);
	assert_int_equal(in->n, out->n);
}

/* Write @in and see that it comes out; returns the size of the file. */
static uint64_t there_and_back(struct folder *f, const struct list *in, bool deflate)
{
	struct record_options o = { .path = folder_name(f, "one"), .force = true };
	struct record_damage damage;
	struct record_totals totals;
	_cleanup_list_ struct list out = { 0 };
	struct record_writer *w;

	o.deflate = deflate;
	w = begin_at(&o, NULL, 0);
	add_list(w, in);
	record_writer_flush(w);
	record_writer_totals(w, &totals);
	assert_int_equal(totals.records, in->n);
	end_at(w);
	out = read_at(o.path, &damage);
	assert_same(in, &out);
	assert_memory_equal(&damage, &(struct record_damage){ 0 }, sizeof(damage));
	return totals.bytes;
}

/* --- the encoding alone ------------------------------------------------------------------------------- */

/* @in as one block, of which the first @preamble are its preamble. */
static void code_block(const struct list *in, size_t preamble)
{
	struct encoder *e = encoder_new();
	struct decoder *d = decoder_new();
	const struct event_header *const *records;
	struct record_block b = { 0 };
	const uint8_t *payload;
	size_t i, n, size;
	bool early;

	for (i = 0; i < in->n; i++) {
		if (i == preamble)
			encoder_begin(e);
		assert_int_equal(encoder_add(e, in->items[i]), 0);
	}
	encoder_describe(e, &b);
	assert_int_equal(b.n, in->n - preamble);
	payload = encoder_payload(e, &size);
	assert_non_null(payload);
	assert_int_equal(decoder_begin(d, payload, size), 0);
	for (i = 0; i < in->n; i += n) {
		size_t k;

		assert_int_equal(decoder_next(d, &records, &n, &early), 0);
		assert_true(n > 0 && n <= DECODER_BATCH);
		assert_true(early == (i < preamble));
		assert_true(early ? i + n <= preamble : i >= preamble);
		for (k = 0; k < n; k++) {
			assert_true(same_record(in->items[i + k], records[k]));
			if (!early)
				assert_in_range(records[k]->time, b.first, b.last);
		}
	}
	assert_int_equal(decoder_next(d, &records, &n, &early), 0);
	assert_int_equal(n, 0);
	encoder_free(&e);
	decoder_free(&d);
}

static void test_codes(void **state _unused_)
{
	_Alignas(8) uint8_t room[RECORD_ROOM(512)];
	struct chance c = { 1 };
	_cleanup_list_ struct list in = { 0 };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(all_kinds); i++)
		for (k = 0; k < 100; k++) {
			chance_record(&c, all_kinds[i], (uint32_t)chance_below(&c, 513),
				      (struct event_header *)room);
			list_add(&in, room);
		}
	code_block(&in, 0);
	code_block(&in, 1);
	code_block(&in, 1000);
}

/* What is not told of a call chain is not what another one had. */
static void test_stack_behind_its_frames(void **state _unused_)
{
	struct event_stack e = { .h.kind = EVENT_STACK, .n = EVENT_STACK_DEPTH };
	const struct event_header *const *records;
	struct encoder *encoder = encoder_new();
	struct decoder *d = decoder_new();
	const uint8_t *payload;
	size_t i, n;
	bool early;

	memset(e.frames, 0xab, sizeof(e.frames));
	encoder_begin(encoder);
	for (i = 0; i < 2 * DECODER_BATCH; i++) {
		e.n = i % 2 ? 1 : EVENT_STACK_DEPTH;
		assert_int_equal(encoder_add(encoder, &e.h), 0);
	}
	payload = encoder_payload(encoder, &n);
	assert_int_equal(decoder_begin(d, payload, n), 0);
	while (!decoder_next(d, &records, &n, &early) && n)
		for (i = 0; i < n; i++) {
			const struct event_stack *s = (const struct event_stack *)records[i];
			size_t k;

			for (k = s->n; k < EVENT_STACK_DEPTH; k++)
				assert_int_equal(s->frames[k], 0);
		}
	encoder_free(&encoder);
	decoder_free(&d);
}

/* --- whole files --------------------------------------------------------------------------------------- */

static void test_all_kinds(void **state)
{
	_Alignas(8) uint8_t room[RECORD_ROOM(EVENT_PATH_MAX)];
	static const uint32_t tails[] = { 0, 1, 8, 512, 1023, 1024, EVENT_PATH_MAX };
	struct chance c = { 2 };
	_cleanup_list_ struct list in = { 0 };
	size_t i;

	for (i = 0; i < 20000; i++) {
		chance_record(&c, all_kinds[chance_below(&c, ARRAY_SIZE(all_kinds))],
			      tails[chance_below(&c, i % 16 ? 4 : ARRAY_SIZE(tails))],
			      (struct event_header *)room);
		list_add(&in, room);
	}
	there_and_back(*state, &in, false);
	there_and_back(*state, &in, true);
}

static void test_nothing(void **state)
{
	struct list in = { 0 };

	there_and_back(*state, &in, false);
}

/* A late record is not the end, nor is what is told again at the beginning of a block. */
static void test_end_is_told(void **state)
{
	struct record_options o = { .path = folder_name(*state, "one"), .force = true };
	struct record_writer *w = begin_at(&o, NULL, 0);
	_cleanup_list_ struct list in = { 0 };
	struct record_reader *r;

	LIST_ADD(&in, event_start, .h = { .time = 1000, .kind = EVENT_START }, .page_size = 4096);
	LIST_ADD(&in, event_free, .h = { .time = 8000, .kind = EVENT_KFREE });
	LIST_ADD(&in, event_free, .h = { .time = 900, .kind = EVENT_KFREE });
	add_list(w, &in);
	end_at(w);
	r = open_at(o.path);
	assert_int_equal(record_reader_end(r), 7000);
	record_reader_free(&r);
	/* without its start nothing is known of when it was */
	w = begin_at(&o, NULL, 0);
	record_writer_add(w, (const struct event_header *const *)in.items + 1, 2);
	end_at(w);
	r = open_at(o.path);
	assert_int_equal(record_reader_end(r), 0);
	record_reader_free(&r);
}

/* As a kernel has them: a few call sites, addresses near others, and some come late. */
static void add_usual(struct chance *c, struct list *l, uint64_t *time)
{
	uint64_t ptr = 0xffff888100000000ull + chance_below(c, 1 << 16) * 64;

	*time += chance_below(c, 2000);
	if (chance_below(c, 2))
		LIST_ADD(l, event_alloc,
			 .h = { .time = *time - chance_below(c, 100) * (chance_below(c, 8) == 0),
				.kind = EVENT_KMALLOC,
				.flags = EVENT_SIZES,
				.cpu = (uint16_t)chance_below(c, 4),
				.pid = (uint32_t)chance_below(c, 3000) },
			 .ptr = ptr, .site = 0xffffffff81000000ull + chance_below(c, 50) * 16,
			 .what = event_pack_sizes(60, 64), .gfp = 0xcc0, .stack = -1);
	else
		LIST_ADD(l, event_free,
			 .h = { .time = *time,
				.kind = EVENT_KFREE,
				.cpu = (uint16_t)chance_below(c, 4),
				.pid = (uint32_t)chance_below(c, 3000) },
			 .ptr = ptr);
}

/* More than a block has, with more places than an encoder remembers. */
static void test_many(void **state)
{
	struct chance c = { 3 };
	_cleanup_list_ struct list in = { 0 };
	uint64_t time = 1ull << 40;

	while (in.n < 3 * RECORD_BLOCK_RECORDS + 7)
		add_usual(&c, &in, &time);
	assert_in_range(there_and_back(*state, &in, false) / in.n, 4, 11);
}

/* Exactly as many as a block has, and one more or less. */
static void test_block_edges(void **state)
{
	struct chance c = { 4 };
	_cleanup_list_ struct list in = { 0 };
	uint64_t time = 0;

	while (in.n < RECORD_BLOCK_RECORDS - 1)
		add_usual(&c, &in, &time);
	there_and_back(*state, &in, false);
	add_usual(&c, &in, &time);
	there_and_back(*state, &in, false);
	add_usual(&c, &in, &time);
	there_and_back(*state, &in, false);
}

/* No two have anything in common. */
static void test_a_template_each(void **state)
{
	_cleanup_list_ struct list in = { 0 };
	size_t i;

	for (i = 0; i < 2 * RECORD_BLOCK_RECORDS; i++)
		LIST_ADD(&in, event_maps_lost, .h = { .kind = EVENT_MAPS_LOST }, .records = i);
	there_and_back(*state, &in, false);
}

/* As many CPUs as there can be: what a block's preamble has is not what ends it. */
static void test_many_cpus(void **state)
{
	struct chance c = { 5 };
	_cleanup_list_ struct list in = { 0 };
	uint64_t size;
	size_t i, k;

	for (k = 0; k < 2; k++)
		for (i = 0; i < EVENT_CPUS_MAX; i++) {
			struct event_task t = { .h = { .kind = EVENT_TASK, .cpu = (uint16_t)i } };
			struct event_counters n = { .h = { .kind = EVENT_COUNTERS,
							   .cpu = (uint16_t)i } };

			t.cgroup = chance_next(&c);
			chance_bytes(&c, t.comm, sizeof(t.comm));
			n.lost[0] = chance_next(&c);
			n.filtered = chance_next(&c);
			list_add(&in, &t);
			list_add(&in, &n);
		}
	size = there_and_back(*state, &in, false);
	assert_in_range(size, 1 << 20, 6 << 20);
}

static void test_large_snapshots(void **state)
{
	struct event_snapshot *e = malloc(sizeof(*e) + (8u << 20));
	struct chance c = { 6 };
	_cleanup_list_ struct list in = { 0 };
	size_t i;

	for (i = 0; i < 3; i++) {
		memset(e, 0, sizeof(*e));
		e->h.kind = EVENT_SNAPSHOT;
		e->size = (uint32_t)(8u << (10 * i));
		e->before = e->h.time = chance_next(&c);
		memset(e->data, 'a', e->size);
		chance_text(&c, (char *)e->data + e->size / 2, e->size / 2);
		list_add(&in, e);
		LIST_ADD(&in, event_free, .h = { .kind = EVENT_KFREE }, .ptr = i);
	}
	free(e);
	there_and_back(*state, &in, false);
}

/* Blocks are ended at any moment; it makes no difference. */
static void test_flushes(void **state)
{
	struct record_options o = { .path = folder_name(*state, "one"), .force = true };
	struct record_writer *w = begin_at(&o, NULL, 0);
	_cleanup_list_ struct list in = { 0 }, out = { 0 };
	struct chance c = { 7 };
	uint64_t time = 0;
	size_t i;

	for (i = 0; i < 5000; i++) {
		const struct event_header *record;

		add_usual(&c, &in, &time);
		record = in.items[i];
		record_writer_add(w, &record, 1);
		if (!chance_below(&c, 50))
			record_writer_flush(w);
	}
	end_at(w);
	out = read_at(o.path, NULL);
	assert_same(&in, &out);
}

/* --- texts --------------------------------------------------------------------------------------------- */

static void test_texts(void **state)
{
	static char large[100000];
	static const struct record_text texts[] = {
		{ "kernel", "6.12.0" }, { "empty", "" },
		{ "", "of nothing" },	{ "odd", "\x01\xff \n\"" },
		{ "large", large },	{ "kernel", "what came first holds" },
	};
	struct record_options o = { .path = folder_name(*state, "one"), .force = true };
	struct record_reader *r;
	size_t i;

	memset(large, 'x', sizeof(large) - 1);
	end_at(begin_at(&o, texts, ARRAY_SIZE(texts)));
	r = open_at(o.path);
	for (i = 0; i < ARRAY_SIZE(texts) - 1; i++)
		assert_string_equal(record_reader_text(r, texts[i].key), texts[i].value);
	assert_null(record_reader_text(r, "nobody"));
	assert_null(record_reader_text(r, "6.12.0"));
	assert_string_equal(record_reader_text(r, ""), "of nothing");
	record_reader_free(&r);
}

static void test_no_texts(void **state)
{
	struct record_options o = { .path = folder_name(*state, "one"), .force = true };
	struct record_reader *r;

	end_at(begin_at(&o, NULL, 0));
	r = open_at(o.path);
	assert_null(record_reader_text(r, "kernel"));
	assert_null(record_reader_text(r, ""));
	record_reader_free(&r);
}

static int ignore_symbol(void *arg _unused_, const struct record_symbol *s _unused_)
{
	return 0;
}

static int ignore_code(void *arg _unused_, const struct record_code *s _unused_)
{
	return 0;
}

/* Texts and names can be asked for between records: those come from another block. */
static void test_texts_meanwhile(void **state)
{
	const struct record_text text = { "kernel", "6.12.0" };
	const struct record_names_visitor v = { ignore_symbol, ignore_code, NULL };
	const struct record_symbol s = { 1, 2, 3, "name", "module" };
	struct record_options o = { .path = folder_name(*state, "one"), .force = true };
	struct record_writer *w = begin_at(&o, &text, 1);
	_cleanup_list_ struct list in = { 0 };
	const struct event_header *const *records;
	struct record_reader *r;
	struct chance c = { 8 };
	uint64_t time = 0;
	size_t i, n, at = 0;

	while (in.n < 4 * DECODER_BATCH)
		add_usual(&c, &in, &time);
	add_list(w, &in);
	record_writer_flush(w);
	record_writer_names(w, &s, 1, NULL, 0);
	end_at(w);
	r = open_at(o.path);
	while (!record_reader_next(r, &records, &n) && n) {
		for (i = 0; i < n; i++)
			assert_true(same_record(in.items[at++], records[i]));
		assert_string_equal(record_reader_text(r, "kernel"), "6.12.0");
		assert_int_equal(record_reader_names(r, &v), 0);
	}
	assert_int_equal(at, in.n);
	record_reader_free(&r);
}

/* --- names --------------------------------------------------------------------------------------------- */

struct names {
	char *text;
	size_t n;
	FILE *out;
};

static int note_symbol(void *arg, const struct record_symbol *s)
{
	fprintf(((struct names *)arg)->out, "%llx %llx+%llx %s [%s]\n", (long long)s->address,
		(long long)s->start, (long long)s->size, s->name, s->module);
	return 0;
}

static int note_code(void *arg, const struct record_code *c)
{
	fprintf(((struct names *)arg)->out, "%s %u:%u %u %llx.%x %llx-%llx %llx %s+%llx\n", c->path,
		c->major, c->minor, c->pid, (long long)c->inode, c->generation, (long long)c->start,
		(long long)c->end, (long long)c->offset, c->name, (long long)c->into);
	return 0;
}

static void read_names(const char *path, struct names *ret)
{
	struct record_names_visitor v = { note_symbol, note_code, ret };
	struct record_reader *r = open_at(path);

	ret->out = open_memstream(&ret->text, &ret->n);
	assert_int_equal(record_reader_names(r, &v), 0);
	fclose(ret->out);
	record_reader_free(&r);
}

static void test_names(void **state)
{
	static const struct record_symbol symbols[] = {
		{ 0xffffffff81000001, 0xffffffff81000000, 64, "kmalloc_caller", "vmlinux" },
		{ UINT64_MAX, 0, UINT64_MAX, "", "" },
		{ 0, 0, 0, "\xff\x01", "a module" },
	};
	static const struct record_code code[] = {
		{ "/bin/true", 8, 1, 77, 1234567, 0x400000, 0x500000, 0x1234, "main", 12,
		  0xfedcba98 },
		{ "[vdso]", UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, UINT64_MAX, UINT64_MAX, 0, "", 0,
		  0 },
	};
	struct record_options o = { .path = folder_name(*state, "one"), .force = true };
	struct record_writer *w = begin_at(&o, NULL, 0);
	struct names got;

	record_writer_names(w, symbols, 2, code, 0);
	record_writer_names(w, NULL, 0, NULL, 0);
	record_writer_names(w, symbols + 2, 1, code, 2);
	record_writer_names(w, NULL, 0, code, 1);
	end_at(w);
	read_names(o.path, &got);
	assert_string_equal(got.text,
			    "ffffffff81000001 ffffffff81000000+40 kmalloc_caller [vmlinux]\n"
			    "ffffffffffffffff 0+ffffffffffffffff  []\n"
			    "0 0+0 \xff\x01 [a module]\n"
			    "/bin/true 8:1 77 12d687.fedcba98 400000-500000 1234 main+c\n"
			    "[vdso] 4294967295:4294967295 4294967295 0.0 "
			    "ffffffffffffffff-ffffffffffffffff 0 +0\n"
			    "/bin/true 8:1 77 12d687.fedcba98 400000-500000 1234 main+c\n");
	free(got.text);
}

/* What stops a visitor is what it said. */
static int stop_symbol(void *arg, const struct record_symbol *s _unused_)
{
	return ++*(int *)arg == 2 ? -ENOMEM : 0;
}

static void test_names_stop(void **state)
{
	static const struct record_symbol symbols[] = { { 1, 1, 1, "a", "m" },
							{ 2, 2, 2, "b", "m" },
							{ 3, 3, 3, "c", "m" } };
	struct record_options o = { .path = folder_name(*state, "one"), .force = true };
	struct record_writer *w = begin_at(&o, NULL, 0);
	int n = 0;
	const struct record_names_visitor v = { stop_symbol, ignore_code, &n };
	struct record_reader *r;

	record_writer_names(w, symbols, ARRAY_SIZE(symbols), NULL, 0);
	end_at(w);
	r = open_at(o.path);
	assert_int_equal(record_reader_names(r, &v), -ENOMEM);
	assert_int_equal(n, 2);
	record_reader_free(&r);
}

/* --- reports of recordings ------------------------------------------------------------------------------ */

struct play {
	struct analyzer *analyzer;
	struct record_writer *writer;
};

static void play_consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct play *p = arg;

	p->analyzer->ops->consume(p->analyzer, records, n);
	if (!p->writer)
		return;
	record_writer_add(p->writer, records, n);
	if (records[n - 1]->kind == EVENT_TICK)
		record_writer_flush(p->writer);
}

/* The report as JSON, to be freed. */
static char *print(struct analyzer *a)
{
	struct report *r = report_new(a->ops->name);
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(r);
	assert_int_equal(a->ops->report(a, r), 0);
	assert_int_equal(render_json(r, &(struct render_options){ 0 }, out), 0);
	fclose(out);
	report_free(&r);
	return text;
}

static void replay(const char *path, struct analyzer *a)
{
	struct play p = { .analyzer = a };
	struct event_sink sink = { play_consume, &p };
	struct source *s = NULL;

	assert_int_equal(file_open(path, &s, NULL), 0);
	assert_int_equal(s->ops->start(s, NULL), 0);
	while (s->ops->read(s, &sink) > 0)
		continue;
	source_free(&s);
}

static void compare(struct folder *f, const char *script, const struct analyzer_ops *ops,
		    const struct analyzer_options *options)
{
	struct record_options o = { .path = folder_name(f, "one"), .force = true };
	struct play p = { ops->create(options), begin_at(&o, NULL, 0) };
	struct event_sink sink = { play_consume, &p };
	struct analyzer *again = ops->create(options);
	_cleanup_free_ char *direct = NULL, *replayed = NULL;

	fixture_play(script, &sink);
	end_at(p.writer);
	replay(o.path, again);
	direct = print(p.analyzer);
	replayed = print(again);
	assert_string_equal(direct, replayed);
	analyzer_free(&p.analyzer);
	analyzer_free(&again);
}

static void test_reports(void **state)
{
	struct analyzer_options options[] = {
		{ .by = LEDGER_BY_SITE,
		  .all = true,
		  .objects = true,
		  .map = true,
		  .timeline = true },
		{ .by = LEDGER_BY_PID, .stacks = true },
	};
	DIR *d = opendir(SCRIPTS);
	struct dirent *entry;
	size_t i, k, n = 0;

	assert_non_null(d);
	while ((entry = readdir(d))) {
		_cleanup_free_ char *script = NULL;
		char path[512];

		snprintf(path, sizeof(path), SCRIPTS "/%s", entry->d_name);
		if (entry->d_type != DT_REG)
			continue;
		script = fixture_read(path);
		for (i = 0; analyzers[i]; i++)
			for (k = 0; k < ARRAY_SIZE(options); k++)
				compare(*state, script, analyzers[i], &options[k]);
		n++;
	}
	closedir(d);
	assert_true(n >= 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),	    cmocka_unit_test(test_stack_behind_its_frames),
		cmocka_unit_test(test_all_kinds),   cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_end_is_told), cmocka_unit_test(test_many),
		cmocka_unit_test(test_block_edges), cmocka_unit_test(test_a_template_each),
		cmocka_unit_test(test_many_cpus),   cmocka_unit_test(test_large_snapshots),
		cmocka_unit_test(test_flushes),	    cmocka_unit_test(test_texts),
		cmocka_unit_test(test_no_texts),    cmocka_unit_test(test_texts_meanwhile),
		cmocka_unit_test(test_names),	    cmocka_unit_test(test_names_stop),
		cmocka_unit_test(test_reports),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
