// SPDX-License-Identifier: GPL-2.0
/* Recordings that keep their newest blocks only. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "damaged.h"
#include "session/replay.h"
#include "source/file.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define KEEP   (128u << 10)
#define CPUS   4
#define CACHES 3
#define STACKS 20
#define BEGAN  1000000u /* time of EVENT_START */
#define MAPPED 3 /* processes that were there */

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

/* --- writing ------------------------------------------------------------------------------------------- */

/* A ring that is being written, and all that was ever told to it. */
struct ring {
	struct record_writer *w;
	const char *path;
	struct list all;
	size_t done; /* of them, those that were added */
	size_t written; /* … and flushed */
	uint64_t time;
	struct chance chance;
};

static void ring_pass(struct ring *r)
{
	record_writer_add(r->w, (const struct event_header *const *)r->all.items + r->done,
			  r->all.n - r->done);
	r->done = r->all.n;
}

static void ring_flush(struct ring *r)
{
	ring_pass(r);
	record_writer_flush(r->w);
	r->written = r->done;
	assert_int_equal(record_writer_error(r->w), 0);
}

/* What a run tells at its beginning. */
static void ring_facts(struct ring *r)
{
	_Alignas(8) uint8_t room[RECORD_ROOM(8)] = { 0 };
	struct event_snapshot *gfp = (struct event_snapshot *)room;
	struct event_map *map = (struct event_map *)room;
	uint32_t i;

	add_start(&r->all, r->time);
	*gfp = (struct event_snapshot){
		.h = { .time = r->time, .kind = EVENT_SNAPSHOT, .flags = SNAPSHOT_GFP }, .size = 2
	};
	memcpy(gfp->data, "x", 2);
	list_add(&r->all, gfp);
	for (i = 0; i < CACHES; i++)
		LIST_ADD(&r->all, event_cache, .h = { .time = r->time, .kind = EVENT_CACHE },
			 .id = i, .object_size = 64);
	for (i = 0; i < STACKS; i++)
		LIST_ADD(&r->all, event_stack, .h = { .time = r->time, .kind = EVENT_STACK },
			 .id = (int32_t)i, .n = 1 + i, .frames = { i });
	for (i = 1; i <= MAPPED; i++) {
		LIST_ADD(&r->all, event_process,
			 .h = { .time = r->time, .kind = EVENT_PROCESS, .pid = i },
			 .what = PROCESS_THERE, .comm = "sh");
		*map = (struct event_map){ .h = { .time = r->time, .kind = EVENT_MAP, .pid = i },
					   .start = i << 12,
					   .bytes = 4096,
					   .size = 5 };
		memcpy(map->path, "/bin", 5);
		list_add(&r->all, map);
	}
}

static struct ring ring_begin(const char *path, uint64_t keep)
{
	static const struct record_text text = { "kernel", "6.12.0" };
	struct record_options o = { .path = path, .force = true, .keep = keep };
	struct ring r = { .path = path, .time = BEGAN, .chance = { keep } };

	r.w = begin_at(&o, &text, 1);
	ring_facts(&r);
	return r;
}

static void ring_free(struct ring *r)
{
	record_writer_free(&r->w);
	list_free(&r->all);
}

/* @n frees, in time order, with what CPUs do in between. */
static void ring_events(struct ring *r, size_t n)
{
	struct chance *c = &r->chance;

	while (n--) {
		uint16_t cpu = (uint16_t)chance_below(c, CPUS);

		r->time += 1 + chance_below(c, 1000);
		LIST_ADD(&r->all, event_free,
			 .h = { .time = r->time, .kind = EVENT_KFREE, .cpu = cpu, .pid = 7 },
			 .ptr = chance_next(c));
		if (!chance_below(c, 100))
			LIST_ADD(&r->all, event_task,
				 .h = { .time = r->time, .kind = EVENT_TASK, .cpu = cpu },
				 .tid = (uint32_t)chance_below(c, 9));
		if (!chance_below(c, 100))
			LIST_ADD(&r->all, event_counters,
				 .h = { .time = r->time, .kind = EVENT_COUNTERS, .cpu = cpu },
				 .lost = { r->time });
		if (!chance_below(c, 300))
			LIST_ADD(&r->all, event_misses,
				 .h = { .time = r->time, .kind = EVENT_MISSES }, .misses = r->time);
	}
}

static void ring_some(struct ring *r)
{
	ring_events(r, 1 + chance_below(&r->chance, 400));
	ring_flush(r);
}

static uint64_t file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

/* --- reading ------------------------------------------------------------------------------------------- */

static bool is_event(const struct event_header *h)
{
	return h->kind == EVENT_KFREE;
}

/* The newest record of @kind and @cpu before the @nth; NULL: there is none. */
static const struct event_header *newest(const struct list *l, size_t nth, uint8_t kind,
					 uint16_t cpu)
{
	while (nth--)
		if (l->items[nth]->kind == kind && l->items[nth]->cpu == cpu)
			return l->items[nth];
	return NULL;
}

static size_t count(const struct list *l, size_t n, uint8_t kind)
{
	size_t i, found = 0;

	for (i = 0; i < n; i++)
		found += l->items[i]->kind == kind;
	return found;
}

/* Where event @h is in @l. */
static size_t find(const struct list *l, const struct event_header *h)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->items[i]->kind == h->kind && same_record(l->items[i], h))
			return i;
	fail_msg("no such event");
	return 0;
}

/* Facts come first, with times before all events. Returns where they end. */
static size_t assert_facts(const struct list *l, uint64_t until)
{
	size_t i;

	assert_int_equal(l->items[0]->kind, EVENT_START);
	assert_int_equal(l->items[0]->time, BEGAN);
	for (i = 0; i < l->n && !is_event(l->items[i]) && l->items[i]->kind != EVENT_TASK &&
		    l->items[i]->kind != EVENT_COUNTERS;
	     i++)
		assert_true(l->items[i]->time <= until);
	assert_int_equal(count(l, i, EVENT_START), 1);
	assert_int_equal(count(l, i, EVENT_SNAPSHOT), 1);
	assert_int_equal(count(l, i, EVENT_CACHE), CACHES);
	assert_int_equal(count(l, i, EVENT_STACK), STACKS);
	return i;
}

/*
 * @got is what it is to be: facts, who runs where, and then all from some event on up to the @last.
 * @again: where something may be missing, it is told again who runs where.
 */
static void assert_ring(const struct ring *r, const struct list *got, size_t last, bool again)
{
	size_t first = 0, from, i, k;
	uint16_t cpu;

	while (!is_event(got->items[first]))
		first++;
	from = find(&r->all, got->items[first]);
	assert_facts(got, got->items[first]->time);
	for (cpu = 0; cpu < CPUS; cpu++) {
		const struct event_task *then = (void *)newest(&r->all, from, EVENT_TASK, cpu);
		const struct event_task *now = (void *)newest(got, first, EVENT_TASK, cpu);
		const struct event_counters *c = (void *)newest(&r->all, from, EVENT_COUNTERS, cpu);
		const struct event_counters *d = (void *)newest(got, first, EVENT_COUNTERS, cpu);

		assert_true(!then || (now && now->tid == then->tid));
		assert_true(!c || (d && d->lost[0] == c->lost[0]));
	}
	/* processes stand somewhere between */
	for (i = first, k = from; i < got->n; i++) {
		uint8_t kind = got->items[i]->kind;

		if (kind == EVENT_PROCESS || kind == EVENT_MAP || kind == EVENT_MAPS_LOST)
			continue;
		if (again && !is_event(got->items[i]) &&
		    (k == last || !same_record(got->items[i], r->all.items[k])))
			continue;
		assert_true(k < last);
		assert_true(same_record(got->items[i], r->all.items[k++]));
	}
	assert_int_equal(k, last);
	assert_true(count(got, got->n, EVENT_PROCESS) <= MAPPED);
}

/* Read what is there and compare it with what was flushed. Returns how many events there are. */
static size_t check_now(const struct ring *r, const char *path, size_t last, bool ended)
{
	struct record_damage d;
	struct record_reader *reader = open_at(path);
	_cleanup_list_ struct list got = { 0 };
	uint64_t window = 0;
	bool windowed = record_reader_window(reader, &window);
	int what;

	/* nothing is later than what was flushed last */
	assert_int_equal(record_reader_end(reader), r->all.items[last - 1]->time - BEGAN);
	assert_string_equal(record_reader_text(reader, "kernel"), "6.12.0");
	for (what = 0; what < LEFT_OUT; what++)
		assert_int_equal(record_reader_left_out(reader, what), 0);
	read_rest(reader, &got);
	record_reader_damage(reader, &d);
	record_reader_free(&reader);
	assert_int_equal(d.open, !ended);
	assert_false(d.cut || d.full);
	assert_int_equal(d.blocks + d.bytes + d.records, 0);
	assert_ring(r, &got, last, false);
	if (windowed) {
		size_t i = 0;

		while (!is_event(got.items[i]))
			i++;
		/* late records aside, there are none here */
		assert_true(window <= got.items[i]->time - BEGAN);
		assert_int_equal(count(&got, got.n, EVENT_PROCESS), MAPPED);
		assert_int_equal(count(&got, got.n, EVENT_MAP), MAPPED);
	}
	return count(&got, got.n, EVENT_KFREE);
}

/* Reports of @path, which nobody ended, say that call chains were lost, or do not. */
static void assert_notes(const char *path, bool stacks_lost)
{
	_cleanup_(replay_free) struct replay replay = { 0 };
	_cleanup_(report_free) struct report *r = report_new("slab");
	size_t i;
	bool said = false;

	assert_int_equal(replay_open(path, &replay, NULL), 0);
	assert_true(replay_note_damage(&replay, r));
	for (i = 0; i < r->n_notes; i++)
		said |= !strncmp(r->notes[i], "up to 3", 7) &&
			strstr(r->notes[i], " call chains told in what was overwritten are lost");
	assert_int_equal(said, stacks_lost);
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static void test_not_full(void **state)
{
	struct ring r = ring_begin(folder_name(*state, "one"), KEEP);
	struct record_totals t;
	size_t i;

	for (i = 0; i < 10; i++)
		ring_some(&r);
	assert_int_equal(record_writer_end(r.w), 0);
	assert_int_equal(check_now(&r, r.path, r.done, true), count(&r.all, r.all.n, EVENT_KFREE));
	record_writer_totals(r.w, &t);
	assert_int_equal(t.dropped, 0);
	ring_free(&r);
}

/* Many times as much as there is room for. */
static void test_full(void **state)
{
	struct ring r = ring_begin(folder_name(*state, "one"), KEEP);
	struct record_totals t;
	size_t i, left;

	for (i = 0; i < 400; i++) {
		ring_some(&r);
		assert_true(file_size(r.path) <= KEEP);
	}
	assert_int_equal(record_writer_end(r.w), 0);
	left = check_now(&r, r.path, r.done, true);
	/* it is the newest half at least of what has room */
	assert_in_range(left, KEEP / 2 / 14, KEEP / 8);
	record_writer_totals(r.w, &t);
	assert_int_equal(t.events, count(&r.all, r.all.n, EVENT_KFREE));
	assert_int_equal(t.dropped + left, t.events);
	assert_int_equal(t.bytes, file_size(r.path));
	ring_free(&r);
}

/* After each block: whoever writes may be killed. */
static void test_killed(void **state)
{
	struct ring r = ring_begin(folder_name(*state, "one"), KEEP);
	size_t i;

	for (i = 0; i < 250; i++) {
		ring_some(&r);
		if (i > 50 || i % 10 == 0)
			check_now(&r, r.path, r.written, false);
	}
	assert_notes(r.path, false);
	ring_free(&r);
}

/* The newest block of a file. */
static const struct part *newest_part(const struct parts *p)
{
	const struct part *part, *found = p->items;

	vec_for_each(p, part)
		if (part->block.sequence > found->block.sequence)
			found = part;
	return found;
}

/* Blocks of a ring: behind the newest is the rest of one that was overwritten. */
static struct parts ring_parts(const uint8_t *bytes, size_t n)
{
	struct parts p = { 0 };
	size_t at = RECORD_HEADER_SIZE;

	while (at + RECORD_BLOCK_SIZE <= n) {
		struct part part = { .offset = at };

		if (!record_unpack_block(bytes + at, &part.block) ||
		    part.block.size > n - at - RECORD_BLOCK_SIZE ||
		    !record_block_right(bytes + at, bytes + at + RECORD_BLOCK_SIZE,
					part.block.size)) {
			at++;
			continue;
		}
		*(struct part *)vec_add(&p) = part;
		at += RECORD_BLOCK_SIZE + part.block.size;
	}
	return p;
}

/* Killed while the newest block was being written: @at of its bytes were, and behind them is what was. */
static void tear(const struct memory_file *f, const uint8_t *before, size_t n_before,
		 const uint8_t *after, size_t n_after, const struct part *newest_block, size_t at)
{
	size_t size = RECORD_BLOCK_SIZE + newest_block->block.size;
	size_t from = newest_block->offset + at, to = newest_block->offset + size;

	memory_fill(f, after, n_after);
	if (n_before > from)
		memory_write(f, before + from, MIN(n_before, to) - from, from);
	/* it was the end of the file */
	if (to == n_after && n_before < to && ftruncate(f->fd, (off_t)MAX(from, n_before)))
		abort();
}

static void check_torn(const struct ring *r, const struct memory_file *f, size_t last)
{
	struct record_damage d;
	_cleanup_list_ struct list got = read_at(f->path, &d);

	assert_ring(r, &got, last, false);
	assert_true(d.blocks <= 1);
	assert_true(d.open);
}

/* … at any byte of it. */
static void test_killed_within(void **state)
{
	struct ring r = ring_begin(folder_name(*state, "one"), KEEP);
	struct memory_file f = memory_file();
	size_t i, n_before, n_after, at;

	for (i = 0; i < 200; i++) {
		uint8_t *before = load_file(r.path, &n_before), *after;
		size_t last = r.written;
		struct parts p;
		const struct part *block;

		ring_some(&r);
		after = load_file(r.path, &n_after);
		p = ring_parts(after, n_after);
		block = newest_part(&p);
		/* a pool comes after the events, which are whole then */
		if (block->block.type == BLOCK_POOL)
			last = r.written;
		for (at = 0; i > 40 && at < RECORD_BLOCK_SIZE + block->block.size;
		     at += 1 + chance_below(&r.chance, 700)) {
			tear(&f, before, n_before, after, n_after, block, at);
			check_torn(&r, &f, last);
		}
		parts_free(&p);
		free(before);
		free(after);
	}
	close(f.fd);
	ring_free(&r);
}

/* A block that is larger than all leaves room for nothing else, not even for its pool; then it goes on. */
static void test_large_block(void **state)
{
	struct ring r = ring_begin(folder_name(*state, "one"), KEEP);
	struct event_snapshot *e = calloc(1, sizeof(*e) + 3 * KEEP);
	struct chance c = { 1 };
	size_t i;

	for (i = 0; i < 50; i++)
		ring_some(&r);
	e->h = (struct event_header){ .time = r.time,
				      .kind = EVENT_SNAPSHOT,
				      .flags = SNAPSHOT_MEMINFO };
	e->size = 3 * KEEP;
	chance_text(&c, (char *)e->data, e->size);
	list_add(&r.all, e);
	ring_flush(&r);
	assert_true(file_size(r.path) <= 4 * KEEP);
	for (i = 0; i < 100; i++) {
		ring_some(&r);
		if (i < 5 || i % 10 == 0)
			check_now(&r, r.path, r.written, false);
	}
	assert_true(file_size(r.path) <= KEEP);
	free(e);
	ring_free(&r);
}

/* Whoever reads it is told how many call chains have no room: of @all, those that are not there, or more. */
static void assert_left_out(const struct ring *r, uint64_t all)
{
	struct record_reader *reader = open_at(r->path);
	_cleanup_list_ struct list got = { 0 };
	struct record_totals t;
	uint64_t left;

	read_rest(reader, &got);
	left = record_reader_left_out(reader, LEFT_STACKS);
	assert_in_range(left, all - count(&got, got.n, EVENT_STACK), all - 1);
	assert_int_equal(record_reader_left_out(reader, LEFT_CACHES), 0);
	assert_int_equal(record_reader_left_out(reader, LEFT_MAPS), 0);
	/* the newest pool may know of some that came later */
	record_writer_totals(r->w, &t);
	assert_in_range(t.left_out[LEFT_STACKS], left, all - 1);
	assert_string_equal(record_reader_text(reader, "kernel"), "6.12.0");
	record_reader_free(&reader);
}

/* What was counted before the oldest event that is left was before it, however late others of its block came. */
static void test_late(void **state)
{
	struct ring r = ring_begin(folder_name(*state, "one"), KEEP);
	_cleanup_list_ struct list got = { 0 };
	struct record_reader *reader;
	uint64_t window = 0;
	size_t i;

	for (i = 0; i < 130; i++) {
		/* the next ones are older */
		LIST_ADD(&r.all, event_free,
			 .h = { .time = r.time + 9000, .kind = EVENT_KFREE, .pid = 7 }, .ptr = i);
		ring_events(&r, 400);
		ring_flush(&r);
	}
	assert_int_equal(record_writer_end(r.w), 0);
	reader = open_at(r.path);
	assert_true(record_reader_window(reader, &window));
	read_rest(reader, &got);
	record_reader_free(&reader);
	for (i = 0; !is_event(got.items[i]); i++)
		assert_true(got.items[i]->time <= BEGAN + window);
	assert_true(count(&got, i, EVENT_COUNTERS) > 0);
	ring_free(&r);
}

/* More call chains than the ring has room for: each moment there is a whole pool. */
static void test_large_pool(void **state)
{
	struct ring r = ring_begin(folder_name(*state, "one"), KEEP);
	struct event_stack e = { .h.kind = EVENT_STACK, .n = EVENT_STACK_DEPTH };
	size_t i;

	for (i = 0; i < 400; i++) {
		e.id = (int32_t)(STACKS + i * 2);
		e.h.time = r.time;
		chance_bytes(&r.chance, e.frames, sizeof(e.frames));
		list_add(&r.all, &e);
		ring_some(&r);
	}
	for (i = 0; i < 100; i++) {
		_cleanup_list_ struct list got = { 0 };
		struct record_damage d;

		ring_some(&r);
		assert_left_out(&r, 400 + STACKS);
		assert_true(file_size(r.path) <= KEEP);
		got = read_at(r.path, &d);
		assert_int_equal(got.items[0]->kind, EVENT_START);
		assert_int_equal(got.items[0]->time, BEGAN);
		assert_true(count(&got, got.n, EVENT_KFREE) > 100);
	}
	assert_notes(r.path, true);
	ring_free(&r);
}

static int note_name(void *arg, const struct record_symbol *s)
{
	*(uint64_t *)arg |= 1ull << s->address;
	return 0;
}

static int note_code(void *arg _unused_, const struct record_code *c _unused_)
{
	return 0;
}

/* Names are told again each time that earlier ones may be gone; then all are there at any time. */
static void test_names(void **state)
{
	struct ring r = ring_begin(folder_name(*state, "one"), KEEP);
	uint64_t seen = 0, i, known = 0, times = 0;
	const struct record_names_visitor v = { note_name, note_code, &seen };

	assert_false(record_writer_forgot(r.w));
	for (i = 0; i < 300; i++) {
		struct record_reader *reader;

		ring_some(&r);
		if (record_writer_forgot(r.w)) {
			assert_false(record_writer_forgot(r.w));
			known = 0;
			times++;
		}
		for (; known < MIN(i, 50ull); known++) {
			struct record_symbol s = { known, known, 1, "a_name", "vmlinux" };

			record_writer_names(r.w, &s, 1, NULL, 0);
		}
		seen = 0;
		reader = open_at(r.path);
		assert_int_equal(record_reader_names(reader, &v), 0);
		record_reader_free(&reader);
		assert_int_equal(seen, (1ull << MIN(i, 50ull)) - 1);
	}
	assert_true(times > 10);
	ring_free(&r);
}

/* --- damage ---------------------------------------------------------------------------------------------- */

static size_t oldest_of(const struct parts *p, enum record_block_type type, uint8_t flags)
{
	size_t i, found = p->n;

	for (i = 0; i < p->n; i++)
		if (p->items[i].block.type == type && (p->items[i].block.flags & flags) == flags &&
		    (found == p->n || p->items[i].block.sequence < p->items[found].block.sequence))
			found = i;
	assert_true(found < p->n);
	return found;
}

/* A ring that is full, in memory and in parts. */
static struct ring full_ring(struct folder *folder, struct memory_file *f, struct parts *ret)
{
	struct ring r = ring_begin(folder_name(folder, "one"), KEEP);
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t i, n;

	for (i = 0; i < 130; i++)
		ring_some(&r);
	assert_int_equal(record_writer_end(r.w), 0);
	bytes = load_file(r.path, &n);
	memory_fill(f, bytes, n);
	*ret = ring_parts(bytes, n);
	return r;
}

static void spoil(const struct memory_file *f, const struct part *p)
{
	memory_write(f, "\xde\xad\xbe\xef", 4, p->offset + RECORD_BLOCK_SIZE + 3);
}

/* The newest, the oldest: the rest is as it was. */
static void test_damaged_ends(void **state)
{
	struct memory_file f = memory_file();
	struct parts p;
	struct ring r = full_ring(*state, &f, &p);
	struct record_damage d;
	struct list got;
	size_t n;

	got = read_at(f.path, &d);
	assert_int_equal(d.blocks, 0);
	n = count(&got, got.n, EVENT_KFREE);
	list_free(&got);
	spoil(&f, newest_part(&p)); /* of texts */
	spoil(&f, &p.items[oldest_of(&p, BLOCK_EVENTS, 0)]);
	got = read_at(f.path, &d);
	assert_in_range(d.blocks, 1, 2);
	assert_in_range(count(&got, got.n, EVENT_KFREE), n - 500, n - 1);
	assert_ring(&r, &got, r.done, true);
	list_free(&got);
	parts_free(&p);
	close(f.fd);
	ring_free(&r);
}

/* A pool that is damaged is not used; the next one is. */
static void test_damaged_pool(void **state)
{
	struct memory_file f = memory_file();
	struct parts p;
	struct ring r = full_ring(*state, &f, &p);
	const struct part *pool = &p.items[oldest_of(&p, BLOCK_POOL, 0)];
	struct record_damage d;
	struct list got;

	spoil(&f, pool);
	got = read_at(f.path, &d);
	assert_int_equal(d.blocks, 1);
	assert_ring(&r, &got, r.done, true);
	list_free(&got);
	parts_free(&p);
	close(f.fd);
	ring_free(&r);
}

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		list_add(arg, records[i]);
}

/* Without any pool there is still a beginning: little is known of the machine. */
static void test_no_pool(void **state)
{
	struct memory_file f = memory_file();
	struct parts p;
	struct ring r = full_ring(*state, &f, &p);
	_cleanup_list_ struct list got = { 0 };
	struct event_sink sink = { consume, &got };
	struct source *s = NULL;
	const struct part *part;

	vec_for_each(&p, part)
		if (part->block.type == BLOCK_POOL)
			spoil(&f, part);
	assert_int_equal(file_open(f.path, &s, NULL), 0);
	while (s->ops->read(s, &sink) > 0)
		continue;
	source_free(&s);
	assert_int_equal(got.items[0]->kind, EVENT_START);
	assert_int_equal(((struct event_start *)got.items[0])->page_size, sysconf(_SC_PAGESIZE));
	assert_int_equal(count(&got, got.n, EVENT_START), 1);
	assert_int_equal(got.items[got.n - 1]->kind, EVENT_END);
	assert_true(count(&got, got.n, EVENT_KFREE) > 1000);
	parts_free(&p);
	close(f.fd);
	ring_free(&r);
}

/* All sizes of blocks, so that they end everywhere at the ring's end. */
static void test_sizes(void **state)
{
	uint64_t keep;

	for (keep = 20000; keep < 20300; keep += 13) {
		struct ring r = ring_begin(folder_name(*state, "one"), keep);
		size_t i;

		for (i = 0; i < 60; i++) {
			ring_events(&r, 20);
			ring_flush(&r);
			assert_true(file_size(r.path) <= keep);
		}
		check_now(&r, r.path, r.written, false);
		ring_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_full),     cmocka_unit_test(test_full),
		cmocka_unit_test(test_killed),	     cmocka_unit_test(test_killed_within),
		cmocka_unit_test(test_large_block),  cmocka_unit_test(test_large_pool),
		cmocka_unit_test(test_late),	     cmocka_unit_test(test_names),
		cmocka_unit_test(test_damaged_ends), cmocka_unit_test(test_damaged_pool),
		cmocka_unit_test(test_no_pool),	     cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
