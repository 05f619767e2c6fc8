// SPDX-License-Identifier: GPL-2.0
/* Recordings that were cut off or damaged: what is whole comes out, and it is said what is missing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "record/decode.h"
#include "damaged.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define BLOCKS 6 /* of events, in the recording that is damaged */

struct damaged {
	struct folder folder;
	struct list list;
	uint8_t *bytes;
	size_t n;
	struct parts parts;
	struct memory_file file;
};

static int begin(void **state)
{
	static struct damaged d;
	const char *path;

	folder_make(&d.folder);
	path = folder_name(&d.folder, "one");
	make_some(path, 1, BLOCKS, &d.list);
	d.bytes = load_file(path, &d.n);
	d.parts = parts_of(d.bytes, d.n);
	d.file = memory_file();
	*state = &d;
	return 0;
}

static int end(void **state)
{
	struct damaged *d = *state;

	list_free(&d->list);
	parts_free(&d->parts);
	free(d->bytes);
	close(d->file.fd);
	folder_remove(&d->folder, "one");
	return rmdir(d->folder.path);
}

static void assert_line(const struct failure *f)
{
	assert_true(strlen(f->text) > 10);
	assert_null(strchr(f->text, '\n'));
}

static int count_symbol(void *arg, const struct record_symbol *s)
{
	assert_true(!strcmp(s->name, "a_function") || !strcmp(s->name, "another"));
	++*(size_t *)arg;
	return 0;
}

static int count_code(void *arg, const struct record_code *c)
{
	assert_string_equal(c->path, "/bin/true");
	++*(size_t *)arg;
	return 0;
}

/* Names of each kind that are left; what reading finds is in @ret. */
static size_t read_names(struct record_reader *r)
{
	size_t n = 0;
	const struct record_names_visitor v = { count_symbol, count_code, &n };

	assert_int_equal(record_reader_names(r, &v), 0);
	return n / 3;
}

/* What is left of the file: records, damage. */
static struct list read_left(const struct memory_file *f, struct record_damage *ret)
{
	struct record_reader *r = open_at(f->path);
	struct list l = { 0 };

	record_reader_text(r, "kernel");
	read_names(r);
	read_rest(r, &l);
	read_names(r); /* damage counts once */
	record_reader_damage(r, ret);
	record_reader_free(&r);
	return l;
}

static bool is_events(const struct part *p)
{
	return p->block.type == BLOCK_EVENTS;
}

/* Records of the first @n blocks. */
static size_t records_before(const struct parts *p, size_t n)
{
	size_t i, sum = 0;

	for (i = 0; i < n; i++)
		sum += is_events(&p->items[i]) ? p->items[i].block.n : 0;
	return sum;
}

/* Which block is the @nth of events. */
static size_t nth_events(const struct parts *p, size_t nth)
{
	size_t i;

	for (i = 0; !is_events(&p->items[i]) || nth--; i++)
		;
	return i;
}

/* @got is @all without @n records from @from on, but for what tells again what is missing. */
static void assert_without(const struct list *all, const struct list *got, size_t from, size_t n)
{
	size_t i, extra;

	assert_true(got->n >= all->n - n);
	extra = got->n - (all->n - n);
	for (i = 0; i < from; i++)
		assert_true(same_record(got->items[i], all->items[i]));
	for (; i < from + extra; i++)
		assert_true(got->items[i]->kind == EVENT_TASK ||
			    got->items[i]->kind == EVENT_COUNTERS ||
			    got->items[i]->kind == EVENT_MISSES);
	for (; i < got->n; i++)
		assert_true(same_record(got->items[i], all->items[i + n - extra]));
}

/* --- cut off ------------------------------------------------------------------------------------------- */

/* Blocks that are whole in the first @n bytes, and whether they end there. */
static size_t whole_before(const struct parts *p, size_t n, size_t size, bool *ret_end)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		size_t ends = i + 1 < p->n ? p->items[i + 1].offset : size;

		if (ends > n)
			break;
	}
	*ret_end = i < p->n ? p->items[i].offset == n : true;
	return i;
}

static void cut_at(const struct damaged *d, size_t n, enum record_state state)
{
	struct record_damage damage;
	_cleanup_list_ struct list l = { 0 };
	bool clean;
	size_t i, whole = whole_before(&d->parts, n, d->n, &clean);

	l = read_left(&d->file, &damage);
	assert_int_equal(l.n, records_before(&d->parts, whole));
	for (i = 0; i < l.n; i++)
		assert_true(same_record(l.items[i], d->list.items[i]));
	assert_int_equal(damage.cut, !clean);
	assert_int_equal(damage.open, state == RECORD_OPEN);
	assert_int_equal(damage.full, state == RECORD_FULL);
	/* how many there were is only known when it was ended */
	assert_int_equal(damage.blocks, state == RECORD_OPEN ? 0 : d->parts.n - whole);
	assert_int_equal(damage.records, 0);
	assert_int_equal(damage.bytes,
			 clean ? 0
			       : n - (whole ? d->parts.items[whole].offset : RECORD_HEADER_SIZE));
}

/* At every byte. */
static void cut_everywhere(struct damaged *d, enum record_state state)
{
	struct record_header h = d->parts.header;
	uint8_t header[RECORD_HEADER_SIZE];
	size_t n;

	memory_fill(&d->file, d->bytes, d->n);
	h.state = (uint8_t)state;
	if (state == RECORD_OPEN)
		h.last = 0;
	record_pack_header(&h, header);
	memory_write(&d->file, header, sizeof(header), 0);
	for (n = d->n + 1; n--;) {
		struct record_reader *r = NULL;
		struct failure f = { .text = "" };

		assert_int_equal(ftruncate(d->file.fd, (off_t)n), 0);
		if (n >= RECORD_HEADER_SIZE) {
			cut_at(d, n, state);
			continue;
		}
		assert_true(record_reader_open(d->file.path, &r, &f) < 0);
		assert_line(&f);
		assert_int_equal(f.kind, FAILURE_USAGE);
		assert_non_null(
			strstr(f.text, n == 0 ? "is empty" : "ends before its header does"));
	}
}

static void test_cut_ended(void **state)
{
	cut_everywhere(*state, RECORD_ENDED);
}

static void test_cut_open(void **state)
{
	cut_everywhere(*state, RECORD_OPEN);
}

static void test_cut_full(void **state)
{
	struct damaged *d = *state;
	size_t n;

	/* the same code, some places only */
	memory_fill(&d->file, d->bytes, d->n);
	d->parts.header.state = RECORD_FULL;
	parts_write(&d->file, &d->parts);
	for (n = d->n; n >= RECORD_HEADER_SIZE; n -= MIN(n, (size_t)97)) {
		assert_int_equal(ftruncate(d->file.fd, (off_t)n), 0);
		cut_at(d, n, RECORD_FULL);
	}
	d->parts.header.state = RECORD_ENDED;
}

/* --- the file's header ---------------------------------------------------------------------------------- */

static void assert_refused(const struct damaged *d, const char *why)
{
	struct record_reader *r = NULL;
	struct failure f = { .text = "" };

	assert_true(record_reader_open(d->file.path, &r, &f) < 0);
	assert_line(&f);
	assert_int_equal(f.kind, FAILURE_USAGE);
	if (!strstr(f.text, why))
		fail_msg("%s", f.text);
}

static void write_header(const struct damaged *d, const struct record_header *h)
{
	uint8_t header[RECORD_HEADER_SIZE];

	memory_fill(&d->file, d->bytes, d->n);
	record_pack_header(h, header);
	memory_write(&d->file, header, sizeof(header), 0);
}

static void test_other_versions(void **state)
{
	const struct damaged *d = *state;
	struct record_header h = d->parts.header;

	h.version = 2;
	write_header(d, &h);
	assert_refused(d, "version 2.");
	h = d->parts.header;
	h.abi = EVENTS_ABI + 1;
	write_header(d, &h);
	assert_refused(d, "use the one that made it");
	h = d->parts.header;
	h.byte_order = 2;
	write_header(d, &h);
	assert_refused(d, "is of a big-endian machine");
}

static void test_foreign(void **state)
{
	const struct damaged *d = *state;

	memory_fill(&d->file,
		    "\177ELF and so on, for more than a header's length: a program, no "
		    "recording",
		    70);
	assert_refused(d, "is no recording");
	memory_fill(&d->file, "short", 5);
	assert_refused(d, "is no recording");
}

/* Blocks speak for themselves; nobody can say whether it was ended. */
static void test_header_damaged(void **state)
{
	const struct damaged *d = *state;
	size_t i;

	for (i = RECORD_MAGIC_LEN; i < RECORD_HEADER_SIZE; i++) {
		struct record_damage damage;
		_cleanup_list_ struct list l = { 0 };
		uint8_t byte = d->bytes[i] ^ 1;

		memory_fill(&d->file, d->bytes, d->n);
		memory_write(&d->file, &byte, 1, i);
		l = read_left(&d->file, &damage);
		assert_int_equal(l.n, d->list.n);
		assert_int_equal(damage.bytes, RECORD_HEADER_SIZE);
		assert_false(damage.open || damage.full || damage.cut);
		assert_int_equal(damage.blocks, 0);
	}
}

/* --- blocks --------------------------------------------------------------------------------------------- */

/* Each byte of a block, its header included, changed: it is left out, and nothing else. */
static void test_block_damaged(void **state)
{
	const struct damaged *d = *state;
	size_t b = nth_events(&d->parts, 2), i;
	const struct part *p = &d->parts.items[b];
	size_t from = records_before(&d->parts, b), n = p->block.n;

	for (i = 0; i < RECORD_BLOCK_SIZE + p->block.size; i++) {
		struct record_damage damage;
		_cleanup_list_ struct list l = { 0 };
		uint8_t byte = d->bytes[p->offset + i] ^ (uint8_t)(1 << i % 8);

		memory_fill(&d->file, d->bytes, d->n);
		memory_write(&d->file, &byte, 1, p->offset + i);
		l = read_left(&d->file, &damage);
		assert_without(&d->list, &l, from, n);
		assert_int_equal(damage.blocks, 1);
		assert_true(damage.records <= RECORD_BLOCK_RECORDS);
		assert_false(damage.cut || damage.open);
		assert_true(damage.bytes <= RECORD_BLOCK_SIZE + p->block.size);
	}
}

/* The same, of any other block: there is one damaged. */
static void test_any_block_damaged(void **state)
{
	const struct damaged *d = *state;
	size_t i, at;

	for (i = 0; i < d->parts.n; i++)
		for (at = 0; at < RECORD_BLOCK_SIZE + 3; at++) {
			const struct part *p = &d->parts.items[i];
			struct record_damage damage;
			_cleanup_list_ struct list l = { 0 };
			uint8_t byte = d->bytes[p->offset + at] ^ 0x40;

			memory_fill(&d->file, d->bytes, d->n);
			memory_write(&d->file, &byte, 1, p->offset + at);
			l = read_left(&d->file, &damage);
			assert_without(&d->list, &l, records_before(&d->parts, i),
				       is_events(p) ? p->block.n : 0);
			assert_int_equal(damage.blocks, 1);
		}
}

/* What comes out is the same whether names were asked for, and found damaged, before or not. */
static void test_names_before(void **state)
{
	const struct damaged *d = *state;
	const struct part *p;

	vec_for_each(&d->parts, p) {
		_cleanup_list_ struct list before = { 0 }, alone = { 0 };
		struct record_damage damage;
		uint8_t byte = d->bytes[p->offset + RECORD_BLOCK_SIZE] ^ 1;

		if (p->block.type != BLOCK_NAMES)
			continue;
		memory_fill(&d->file, d->bytes, d->n);
		memory_write(&d->file, &byte, 1, p->offset + RECORD_BLOCK_SIZE);
		before = read_left(&d->file, &damage);
		alone = read_at(d->file.path, NULL);
		assert_int_equal(before.n, d->list.n);
		assert_int_equal(alone.n, d->list.n);
		assert_int_equal(damage.blocks, 1);
	}
}

/* What is missing is counted, wherever it was: the file's header says how many there were. */
static void test_block_removed(void **state)
{
	const struct damaged *d = *state;
	size_t i;

	for (i = 0; i < d->parts.n; i++) {
		_cleanup_parts_ struct parts p = parts_copy(&d->parts);
		size_t n = is_events(&p.items[i]) ? p.items[i].block.n : 0;
		struct record_damage damage;
		_cleanup_list_ struct list l = { 0 };

		parts_remove(&p, i);
		parts_write(&d->file, &p);
		l = read_left(&d->file, &damage);
		assert_without(&d->list, &l, records_before(&d->parts, i), n);
		assert_int_equal(damage.blocks, 1);
		assert_int_equal(damage.bytes, 0);
	}
}

/* They are read in the order of their numbers, each once. */
static void test_blocks_elsewhere(void **state)
{
	const struct damaged *d = *state;
	size_t i, k;

	for (i = 0; i < d->parts.n; i++)
		for (k = 0; k < d->parts.n; k++) {
			_cleanup_parts_ struct parts p = parts_copy(&d->parts);
			struct record_damage damage;
			_cleanup_list_ struct list l = { 0 };
			struct part *twice = i == k ? vec_add(&p) : NULL;

			if (twice)
				*twice = part_copy(&p.items[i]);
			else
				parts_swap(&p, i, k);
			parts_write(&d->file, &p);
			l = read_left(&d->file, &damage);
			assert_without(&d->list, &l, 0, 0);
			assert_int_equal(l.n, d->list.n);
			assert_int_equal(damage.blocks, 0);
			assert_false(damage.cut);
			assert_int_equal(damage.bytes != 0, twice != NULL);
		}
}

/* A copy that is not whole does not take the place of one that is. */
static void test_damaged_copy(void **state)
{
	const struct damaged *d = *state;
	_cleanup_parts_ struct parts p = parts_copy(&d->parts);
	size_t at = nth_events(&p, 1);
	struct record_damage damage;
	_cleanup_list_ struct list l = { 0 };
	uint8_t byte = 0;
	struct part first = part_copy(&p.items[at]);

	/* before the right one */
	vec_add(&p);
	memmove(&p.items[at + 1], &p.items[at], (p.n - 1 - at) * sizeof(*p.items));
	p.items[at] = first;
	parts_write(&d->file, &p);
	memory_write(&d->file, &byte, 1, first.offset + RECORD_BLOCK_SIZE + 20);
	l = read_left(&d->file, &damage);
	assert_int_equal(l.n, d->list.n);
	assert_without(&d->list, &l, 0, 0);
	assert_int_equal(damage.blocks, 0);
	assert_int_equal(damage.bytes, RECORD_BLOCK_SIZE + first.block.size);
}

/* What is between blocks is passed over. */
static void test_strange_bytes(void **state)
{
	const struct damaged *d = *state;
	const struct part *p = &d->parts.items[nth_events(&d->parts, 3)];
	struct chance c = { 3 };
	size_t n;

	for (n = 1; n < 200000; n = n * 7 + 1) {
		_cleanup_free_ uint8_t *junk = malloc(n);
		struct record_damage damage;
		_cleanup_list_ struct list l = { 0 };

		chance_bytes(&c, junk, n);
		memory_fill(&d->file, d->bytes, p->offset);
		memory_write(&d->file, junk, n, p->offset);
		memory_write(&d->file, d->bytes + p->offset, d->n - p->offset, p->offset + n);
		l = read_left(&d->file, &damage);
		assert_int_equal(l.n, d->list.n);
		assert_int_equal(damage.bytes, n);
		assert_int_equal(damage.blocks, 0);
		assert_false(damage.cut);
	}
}

/* What a decoder makes no sense of ends its block, and what comes next is read with its preamble. */
static void test_payload_damaged(void **state)
{
	const struct damaged *d = *state;
	size_t b = nth_events(&d->parts, 2), i;

	for (i = 0; i < d->parts.items[b].block.raw; i++) {
		_cleanup_parts_ struct parts p = parts_copy(&d->parts);
		struct record_damage damage;
		_cleanup_list_ struct list l = { 0 };
		size_t k, from = records_before(&p, b);

		p.items[b].raw[i] ^= 0xff;
		parts_write(&d->file, &p);
		l = read_left(&d->file, &damage);
		for (k = 0; k < from; k++)
			assert_true(same_record(l.items[k], d->list.items[k]));
		assert_true(damage.blocks <= 1);
		assert_true(damage.records <= p.items[b].block.n);
		/* those behind it are as they were */
		for (k = 1; k <= d->list.n - from - p.items[b].block.n; k++)
			assert_true(same_record(l.items[l.n - k], d->list.items[d->list.n - k]));
	}
}

/* A block of a type that is not known, or with flags that are not, is passed over. */
static void test_unknown_types(void **state)
{
	const struct damaged *d = *state;
	_cleanup_parts_ struct parts p = parts_copy(&d->parts);
	size_t b = nth_events(&p, 2);
	struct record_damage damage;
	_cleanup_list_ struct list l = { 0 };

	p.items[b].block.type = 255;
	parts_write(&d->file, &p);
	l = read_left(&d->file, &damage);
	assert_without(&d->list, &l, records_before(&p, b), p.items[b].block.n);
}

/* --- what it may cost ----------------------------------------------------------------------------------- */

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Whole blocks between headers that promise more than there is: each is looked into, but not for ever. */
static void test_endless_search(void **state)
{
	const struct damaged *d = *state;
	const size_t size = 24u << 20;
	struct record_block lure = { .type = BLOCK_EVENTS, .sequence = 9 }, whole = lure;
	uint8_t header[RECORD_BLOCK_SIZE], *bytes = calloc(1, size);
	double began = cpu_seconds();
	struct record_reader *r;
	size_t at;

	memcpy(bytes, d->bytes, RECORD_HEADER_SIZE);
	for (at = RECORD_HEADER_SIZE; at < size / 2; at += 2 * sizeof(header)) {
		lure.size = lure.raw =
			(uint32_t)(size / 2 + chance_below(&(struct chance){ at }, 97));
		record_pack_block(&(struct record_block){ 0 }, bytes, header);
		/* a checksum that is wrong, of what is never all read */
		record_put(header + 8, lure.size, 4);
		record_put(header + 12, lure.raw, 4);
		memcpy(bytes + at, header, sizeof(header));
		whole.sequence = at;
		record_pack_block(&whole, bytes, bytes + at + sizeof(header));
	}
	memory_fill(&d->file, bytes, size);
	free(bytes);
	r = open_at(d->file.path);
	record_reader_free(&r);
	assert_true(cpu_seconds() - began < 10);
}

/* Junk between many small blocks: what was searched once is not searched again each time. */
static void test_many_gaps(void **state)
{
	const struct damaged *d = *state;
	const size_t size = 8u << 20, step = RECORD_BLOCK_SIZE + 1;
	struct record_block whole = { .type = BLOCK_EVENTS };
	uint8_t *bytes = calloc(1, size);
	double began = cpu_seconds();
	struct record_reader *r;
	size_t at;

	memcpy(bytes, d->bytes, RECORD_HEADER_SIZE);
	for (at = RECORD_HEADER_SIZE; at + step < size; at += step) {
		whole.sequence = at;
		record_pack_block(&whole, bytes, bytes + at);
	}
	memory_fill(&d->file, bytes, size);
	free(bytes);
	r = open_at(d->file.path);
	record_reader_free(&r);
	assert_true(cpu_seconds() - began < 10);
}

/* No more templates or places than a block can have are ever believed. */
static void test_payload_too_rich(void **state _unused_)
{
	static const uint8_t records[][2] = { { 0, 10 }, { 10, 0 } };
	struct decoder *dec = decoder_new();
	const struct event_header *const *got;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(records); i++) {
		uint8_t *payload = calloc(1, 4u << 20), *p = payload;
		const size_t n = 200000;
		size_t k, all = 0, some;
		bool preamble;

		p = record_put_varint(p, records[i][0] ? n : 0);
		p = record_put_varint(p, records[i][1] ? n : 0);
		p = record_put(p, 0, 8);
		p = record_put_varint(p, 3 * n);
		p = record_put_varint(p, 0);
		p = record_put_varint(p, n);
		p = record_put_varint(p, 0);
		p = record_put_varint(p, 2 * n);
		p = record_put_varint(p, 0);
		for (k = 0; k < n; k++) {
			uint8_t *key = p;

			p = record_put_varint(p, k << 1);
			while (p < key + 3) {
				p[-1] |= 0x80;
				*p++ = 0;
			}
		}
		p += n;
		for (k = 0; k < n; k++) {
			*p++ = EVENT_TICK;
			*p++ = 0;
		}
		if (decoder_begin(dec, payload, (size_t)(p - payload)) == 0)
			while (!decoder_next(dec, &got, &some, &preamble) && some)
				all += some;
		assert_true(all <= RECORD_BLOCK_RECORDS);
		free(payload);
	}
	decoder_free(&dec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_ended),	 cmocka_unit_test(test_cut_open),
		cmocka_unit_test(test_cut_full),	 cmocka_unit_test(test_other_versions),
		cmocka_unit_test(test_foreign),		 cmocka_unit_test(test_header_damaged),
		cmocka_unit_test(test_block_damaged),	 cmocka_unit_test(test_any_block_damaged),
		cmocka_unit_test(test_names_before),	 cmocka_unit_test(test_block_removed),
		cmocka_unit_test(test_blocks_elsewhere), cmocka_unit_test(test_damaged_copy),
		cmocka_unit_test(test_strange_bytes),	 cmocka_unit_test(test_payload_damaged),
		cmocka_unit_test(test_unknown_types),	 cmocka_unit_test(test_endless_search),
		cmocka_unit_test(test_many_gaps),	 cmocka_unit_test(test_payload_too_rich),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
