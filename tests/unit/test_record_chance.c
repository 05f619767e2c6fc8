// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings that were changed by chance, the same way in each run: whatever is read, no crash, no
 * endless time or memory, and all records are valid. Half of them have checksums that are right, so that
 * decoders and analyzers see what nobody ever wrote.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "analyze/several.h"
#include "analyze/watch.h"
#include "damaged.h"
#include "render/render.h"
#include "source/file.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define CASES	    10000
#define ANALYZED    8 /* of so many cases, one goes through the analyzers */
#define STREAMS	    80 /* of any records */
#define SECONDS_MAX 5 /* of the CPU's, for a case */

/* --- what it costs ------------------------------------------------------------------------------------- */

/* Of the sanitizers' run-time library; where there is none, memory is not measured. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *))
	__attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *p) __attribute__((weak));

/* Hooks have no argument of their own. */
static struct {
	size_t now, most;
} memory;

static void on_malloc(const volatile void *p _unused_, size_t n)
{
	memory.now += n;
	memory.most = MAX(memory.most, memory.now);
}

static void on_free(const volatile void *p)
{
	memory.now -= p ? MIN(memory.now, __sanitizer_get_allocated_size(p)) : 0;
}

struct cost {
	size_t memory;
	double seconds;
};

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct cost cost_begin(void)
{
	memory.most = memory.now;
	return (struct cost){ memory.now, cpu_seconds() };
}

static void cost_end(struct cost began, size_t memory_max, struct cost *most)
{
	struct cost c = { memory.most - began.memory, cpu_seconds() - began.seconds };

	most->memory = MAX(most->memory, c.memory);
	most->seconds = MAX(most->seconds, c.seconds);
	if (c.memory > memory_max)
		fail_msg("%zu bytes of memory", c.memory);
	if (c.seconds > SECONDS_MAX)
		fail_msg("%f seconds", c.seconds);
}

/* --- changes ------------------------------------------------------------------------------------------- */

/* Change some of @n bytes: bits, bytes, a range; near the beginning more often. */
static void change_bytes(struct chance *c, uint8_t *p, size_t n)
{
	size_t times = 1 + chance_below(c, 4), at, k, len;

	while (n && times--) {
		at = chance_below(c, chance_below(c, 2) ? n : MIN(n, (size_t)64));
		len = 1 + chance_below(c, 32);
		len = MIN(n - at, len);
		switch (chance_below(c, 5)) {
		case 0:
			p[at] ^= (uint8_t)(1 << chance_below(c, 8));
			break;
		case 1:
			p[at] = (uint8_t)chance_next(c);
			break;
		case 2:
			p[at] = chance_below(c, 2) ? 0xff : 0;
			break;
		case 3:
			chance_bytes(c, p + at, len);
			break;
		default:
			/* from elsewhere */
			k = chance_below(c, n - len + 1);
			memmove(p + at, p + k, len);
		}
	}
}

/* What its header says, with a checksum that is right. */
static void change_header(struct chance *c, struct record_block *b)
{
	switch (chance_below(c, 6)) {
	case 0:
		b->type = (uint8_t)chance_below(c, chance_below(c, 2) ? BLOCK_TYPES : 256);
		break;
	case 1:
		b->flags ^= (uint8_t)(BLOCK_POOL_FIRST << chance_below(c, 2));
		break;
	case 2:
		b->sequence = chance_below(c, 2) ? chance_below(c, 40) : chance_value(c);
		break;
	case 3:
		b->n = (uint32_t)chance_below(c, RECORD_BLOCK_RECORDS + 1);
		break;
	case 4:
		b->first = chance_value(c);
		break;
	default:
		b->last = chance_value(c);
	}
}

/* Its payload is longer or shorter. */
static void change_length(struct chance *c, struct part *p)
{
	size_t n = p->block.raw;

	if (chance_below(c, 2)) {
		p->block.raw = (uint32_t)chance_below(c, n + 1);
		return;
	}
	p->raw = realloc(p->raw, n + 65);
	p->block.raw += (uint32_t)(1 + chance_below(c, 64));
	chance_bytes(c, p->raw + n, p->block.raw - n);
}

static void change_parts(struct chance *c, struct parts *p)
{
	size_t times = 1 + chance_below(c, 3);

	while (times-- && p->n) {
		size_t i = chance_below(c, p->n), k = chance_below(c, p->n);

		switch (chance_below(c, 12)) {
		case 0:
			parts_swap(p, i, k);
			break;
		case 1:
			parts_remove(p, i);
			break;
		case 2: {
			struct part copy = part_copy(&p->items[i]), *to = vec_add(p);

			*to = copy;
			to->block.sequence = chance_below(c, 2) ? p->n : to->block.sequence;
			break;
		}
		case 3:
			change_header(c, &p->items[i].block);
			break;
		case 4:
			change_length(c, &p->items[i]);
			break;
		case 5:
			p->header.keep = chance_value(c);
			p->header.last = chance_below(c, 30);
			p->header.state = (uint8_t)chance_below(c, RECORD_STATES);
			break;
		default:
			change_bytes(c, p->items[i].raw, p->items[i].block.raw);
		}
	}
}

/* --- reading ------------------------------------------------------------------------------------------- */

static int use_symbol(void *arg, const struct record_symbol *s)
{
	*(size_t *)arg += strlen(s->name) + strlen(s->module);
	return 0;
}

static int use_code(void *arg, const struct record_code *c)
{
	*(size_t *)arg += strlen(c->path) + strlen(c->name);
	return 0;
}

/* All that can be read; whether anything can. */
static bool read_all(const struct memory_file *f)
{
	size_t bytes = 0, n, i;
	const struct record_names_visitor v = { use_symbol, use_code, &bytes };
	const struct event_header *const *records;
	struct record_reader *r = NULL;
	struct failure failure = { .text = "" };
	struct record_damage d;
	uint64_t window;

	if (record_reader_open(f->path, &r, &failure)) {
		assert_true(failure.text[0] && !strchr(failure.text, '\n'));
		return false;
	}
	record_reader_text(r, "kernel");
	assert_int_equal(record_reader_names(r, &v), 0);
	record_reader_window(r, &window);
	while (!record_reader_next(r, &records, &n) && n)
		for (i = 0; i < n; i++)
			if (!event_valid(records[i], event_size(records[i])))
				fail_msg("a record of kind %u", records[i]->kind);
	record_reader_damage(r, &d);
	assert_true(d.bytes <= record_reader_size(r) + RECORD_HEADER_SIZE);
	record_reader_free(&r);
	return true;
}

static void several_consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct analyzer *a = arg;

	a->ops->consume(a, records, n);
	while (a->ops->wonder(a))
		;
}

static struct analyzer *all_analyzers(const struct analyzer_options *o)
{
	struct analyzer *parts[SEVERAL_MAX];
	size_t n;

	for (n = 0; analyzers[n]; n++)
		assert_non_null(parts[n] = analyzers[n]->create(o));
	assert_non_null(parts[n] = &watch_new()->analyzer);
	return several_new(parts, n + 1);
}

static void ignore(void *ctx _unused_, uint64_t address _unused_)
{
}

static void report(struct analyzer *all, FILE *out)
{
	size_t i;

	for (i = 0; analyzers[i]; i++) {
		struct analyzer *a = several_find(all, analyzers[i]->name);
		struct report *r = report_new(a->ops->name);

		assert_int_equal(a->ops->report(a, r), 0);
		assert_int_equal(render_json(r, &(struct render_options){ 0 }, out), 0);
		report_free(&r);
	}
	all->ops->each_live(all, ignore, NULL);
}

static void analyze(const struct memory_file *f, uint64_t choice, FILE *out)
{
	const struct analyzer_options o = {
		.by = choice % (LEDGER_BY_CGROUP + 1),
		.objects = choice & 8,
		.map = choice & 16,
		.timeline = choice & 32,
		.all = choice & 64,
		.stacks = choice & 128,
	};
	struct analyzer *all = all_analyzers(&o);
	struct event_sink sink = { several_consume, all };
	struct source *s = NULL;

	if (!file_open(f->path, &s, NULL)) {
		while (s->ops->read(s, &sink) > 0)
			continue;
		report(all, out);
	}
	source_free(&s);
	analyzer_free(&all);
}

/* --- cases --------------------------------------------------------------------------------------------- */

/* Recordings of several kinds to begin with. */
#define ORIGINALS 4

struct originals {
	struct folder folder;
	struct {
		uint8_t *bytes;
		size_t n;
		struct parts parts;
	} items[ORIGINALS];
	FILE *nowhere;
};

static int begin(void **state)
{
	static struct originals o;
	const char *path;
	size_t i;

	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	folder_make(&o.folder);
	path = folder_name(&o.folder, "one");
	for (i = 0; i < ORIGINALS; i++) {
		struct list l = { 0 };

		make_some(path, 100 + i, 2 + 2 * i, &l);
		list_free(&l);
		o.items[i].bytes = load_file(path, &o.items[i].n);
		o.items[i].parts = parts_of(o.items[i].bytes, o.items[i].n);
	}
	o.nowhere = fopen("/dev/null", "we");
	*state = &o;
	return o.nowhere ? 0 : -1;
}

static int end(void **state)
{
	struct originals *o = *state;
	size_t i;

	for (i = 0; i < ORIGINALS; i++) {
		parts_free(&o->items[i].parts);
		free(o->items[i].bytes);
	}
	fclose(o->nowhere);
	folder_remove(&o->folder, "one");
	return rmdir(o->folder.path);
}

/* Bytes of the file, as a disk or a network would do it. */
static void change_file(struct chance *c, const struct memory_file *f, const uint8_t *bytes,
			size_t n)
{
	_cleanup_free_ uint8_t *copy = malloc(n);

	memcpy(copy, bytes, n);
	change_bytes(c, copy, n);
	if (!chance_below(c, 4))
		n = chance_below(c, n + 1);
	memory_fill(f, copy, n);
}

static void test_changed(void **state)
{
	const struct originals *o = *state;
	struct memory_file f = memory_file();
	struct cost reading = { 0 }, analyzing = { 0 };
	struct chance c = { 77 };
	size_t i, readable = 0;

	for (i = 0; i < CASES; i++) {
		size_t k = i % ORIGINALS;
		struct cost began;

		c.state = i * 1000003; /* each can be repeated alone */
		if (i / ORIGINALS % 2) {
			struct parts p = parts_copy(&o->items[k].parts);

			change_parts(&c, &p);
			parts_write(&f, &p);
			parts_free(&p);
		} else {
			change_file(&c, &f, o->items[k].bytes, o->items[k].n);
		}
		began = cost_begin();
		readable += read_all(&f);
		cost_end(began, 160u << 20, &reading);
		if (i / ORIGINALS / 2 % ANALYZED)
			continue;
		began = cost_begin();
		analyze(&f, i / ORIGINALS / 2 / ANALYZED, o->nowhere);
		cost_end(began, 256u << 20, &analyzing);
	}
	close(f.fd);
	print_message("# %zu could be read; at most %.1f and %.1f MiB, %.3f and %.3f s\n", readable,
		      (double)reading.memory / (1 << 20), (double)analyzing.memory / (1 << 20),
		      reading.seconds, analyzing.seconds);
	assert_true(readable > CASES * 8 / 10);
}

/* Analyzers have tables of what these are numbers of: large ones take time. */
static void make_few(struct event_header *h)
{
	h->cpu %= 8;
	if (h->kind == EVENT_STACK)
		((struct event_stack *)h)->id %= 64;
}

/*
 * Records that are valid and nothing else, with values at the edges of what fits, straight into the
 * analyzers. What one record makes them keep is bounded.
 */
static void any_records(struct chance *c, struct analyzer *all)
{
	_Alignas(8) uint8_t room[RECORD_ROOM(512)];
	const struct event_header *h = (const struct event_header *)room;
	size_t n = 1 + chance_below(c, 300);
	/* of all kinds, or of a few that are told often */
	size_t first = chance_below(c, ARRAY_SIZE(all_kinds));
	size_t kinds = chance_below(c, 2) ? ARRAY_SIZE(all_kinds) : 1 + chance_below(c, 5);
	bool few = chance_below(c, 16);
	struct event_start start;

	chance_record(c, EVENT_START, 0, &start.h);
	start.h.time = 0;
	h = &start.h;
	all->ops->consume(all, &h, 1);
	h = (const struct event_header *)room;
	while (n--) {
		chance_record(c,
			      all_kinds[(first + chance_below(c, kinds)) % ARRAY_SIZE(all_kinds)],
			      (uint32_t)chance_below(c, 513), (struct event_header *)room);
		if (few)
			make_few((struct event_header *)room);
		assert_true(event_valid(h, event_size(h)));
		several_consume(all, &h, 1);
	}
}

static void test_any_records(void **state)
{
	const struct originals *o = *state;
	struct cost most = { 0 };
	size_t i;

	for (i = 0; i < STREAMS; i++) {
		struct chance c = { i * 1000003 };
		const struct analyzer_options options = {
			.by = i % (LEDGER_BY_CGROUP + 1),
			.objects = i & 8,
			.map = i & 16,
			.timeline = i & 32,
			.all = i & 64,
			.stacks = i & 128,
		};
		struct cost began = cost_begin();
		struct analyzer *all = all_analyzers(&options);

		any_records(&c, all);
		report(all, o->nowhere);
		analyzer_free(&all);
		cost_end(began, 256u << 20, &most);
	}
	print_message("# at most %.1f MiB, %.3f s\n", (double)most.memory / (1 << 20),
		      most.seconds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_any_records),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
