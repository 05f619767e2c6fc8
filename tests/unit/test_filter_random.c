// SPDX-License-Identifier: GPL-2.0
/* Random streams: what is said of one task among all is what is said with a selection of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/ledger.h"
#include "analyze/pages.h"
#include "base/vec.h"
#include "filtered.h"

#define EVENTS	 100003
#define TASKS	 5
#define CPUS	 4
#define OBJECTS	 997
#define FRAMES	 4096
#define OWN_TASK 4

union record {
	struct event_header h;
	struct event_alloc alloc;
	struct event_free free;
	struct event_page page;
	struct event_page_free page_free;
	struct event_task task;
	struct event_start start;
};

struct crowd {
	union record *items;
	const struct event_header **records;
	size_t n;
	uint32_t random;
	uint32_t runs[CPUS]; /* whose turn it is */
};

static uint32_t draw(struct crowd *c, uint32_t below)
{
	c->random = c->random * 1664525u + 1013904223u;
	return (c->random >> 8) % below;
}

static union record *add(struct crowd *c, enum event_kind kind, uint32_t cpu)
{
	union record *r = &c->items[c->n];

	r->h.time = 1 + c->n;
	r->h.kind = (uint8_t)kind;
	r->h.cpu = (uint16_t)cpu;
	c->records[c->n++] = &r->h;
	return r;
}

/* Who runs on @cpu from now on. */
static void add_task(struct crowd *c, uint32_t cpu)
{
	union record *r = add(c, EVENT_TASK, cpu);

	c->runs[cpu] = draw(c, TASKS);
	r->h.pid = c->runs[cpu];
	snprintf(r->task.comm, sizeof(r->task.comm), "task%u", c->runs[cpu]);
}

static void by_whom(const struct crowd *c, union record *r)
{
	r->h.pid = c->runs[r->h.cpu];
	if (r->h.pid == OWN_TASK)
		r->h.flags |= EVENT_OWN;
}

/* Objects are given out again without a free, and freed without an allocation. */
static void add_object(struct crowd *c, uint32_t cpu)
{
	uint64_t ptr = 0x1000 + 64ull * draw(c, OBJECTS);
	union record *r;

	if (draw(c, 2)) {
		add(c, EVENT_KFREE, cpu)->free.ptr = ptr;
		return;
	}
	r = add(c, EVENT_KMALLOC, cpu);
	r->h.flags = EVENT_SIZES;
	by_whom(c, r);
	r->alloc.ptr = draw(c, 50) ? ptr : 0;
	r->alloc.site = 1 + draw(c, 7);
	r->alloc.what = event_pack_sizes(1 + draw(c, 64), 64);
	r->alloc.stack = -1;
}

/* The same of blocks, which overlap in every way. */
static void add_block(struct crowd *c, uint32_t cpu)
{
	uint32_t order = MIN(draw(c, 11), draw(c, 11));
	uint64_t pfn = (uint64_t)draw(c, FRAMES >> order) << order;
	union record *r;

	if (draw(c, 2)) {
		add(c, EVENT_PAGE_FREE, cpu)->page_free.block = event_pack_block(pfn, order, 0);
		return;
	}
	r = add(c, EVENT_PAGE_ALLOC, cpu);
	by_whom(c, r);
	r->page.block = event_pack_block(draw(c, 50) ? pfn : EVENT_NO_PFN, order, 1);
	r->page.stack = -1;
}

static void crowd_make(struct crowd *c, void (*event)(struct crowd *c, uint32_t cpu))
{
	uint32_t cpu;
	size_t i;

	*c = (struct crowd){ .random = 3 };
	c->items = calloc(2 * EVENTS + 16, sizeof(*c->items));
	c->records = calloc(2 * EVENTS + 16, sizeof(*c->records));
	assert_true(c->items && c->records);
	add(c, EVENT_START, 0)->start.page_size = 4096;
	for (cpu = 0; cpu < CPUS; cpu++)
		add_task(c, cpu);
	for (i = 0; i < EVENTS; i++) {
		cpu = draw(c, CPUS);
		if (!draw(c, 3))
			add_task(c, cpu);
		event(c, cpu);
	}
	add(c, EVENT_END, 0);
}

static void crowd_free(struct crowd *c)
{
	free(c->items);
	free(c->records);
}

/* To @sink, in batches, with a selection of task @of; TASKS: of all. */
static void crowd_play(const struct crowd *c, uint32_t of, bool by_name,
		       const struct event_sink *sink)
{
	struct filter_options o = by_pid(of);
	struct event_sink to = *sink;
	struct filter *f = NULL;
	char name[16];
	size_t i;

	if (by_name) {
		snprintf(name, sizeof(name), "task%u", of);
		o = by_comm(name);
	}
	if (of < TASKS) {
		assert_int_equal(filter_new(&o, sink, &f), 0);
		to = (struct event_sink){ .consume = filter_consume, .arg = f };
	}
	for (i = 0; i < c->n; i += 300)
		to.consume(to.arg, c->records + i, MIN(c->n - i, (size_t)300));
	assert_false(f && filter_oom(f));
	filter_free(&f);
}

/* --- slab objects --------------------------------------------------------------------------------------- */

struct sums {
	uint64_t allocs, frees, implied, live, failed, bytes;
};

static void ledger_sink(void *arg, const struct event_header *const *records, size_t n)
{
	ledger_consume(arg, records, n);
}

static struct sums ledger_sums(const struct ledger *l, uint32_t pid)
{
	struct sums sums = { 0 };
	const struct ledger_group *g;

	vec_for_each(&l->groups, g) {
		if (l->rows.items[g->row].key != pid)
			continue;
		sums.allocs += g->allocs;
		sums.frees += g->frees;
		sums.implied += g->implied;
		sums.live += g->live;
		sums.failed += g->failed;
		sums.bytes += g->bytes_req;
	}
	return sums;
}

static void test_objects(void **state _unused_)
{
	struct ledger all, one;
	struct crowd c;
	uint32_t task;

	crowd_make(&c, add_object);
	assert_int_equal(ledger_init(&all, LEDGER_BY_PID), 0);
	crowd_play(&c, TASKS, false, &(struct event_sink){ ledger_sink, &all });
	for (task = 0; task < OWN_TASK; task++) {
		struct sums expected = ledger_sums(&all, task), got;

		assert_int_equal(ledger_init(&one, LEDGER_BY_PID), 0);
		crowd_play(&c, task, task % 2, &(struct event_sink){ ledger_sink, &one });
		got = ledger_sums(&one, task);
		assert_true(got.allocs > 1000 && got.frees > 1000 && got.implied > 1000);
		assert_memory_equal(&got, &expected, sizeof(got));
		assert_int_equal(one.rows.n, 1);
		assert_int_equal(one.stream.quality.frees_unknown, 0);
		assert_int_equal(one.stream.quality.own, all.stream.quality.own);
		ledger_free(&one);
	}
	ledger_free(&all);
	crowd_free(&c);
}

/* --- pages ------------------------------------------------------------------------------------------------ */

struct page_sums {
	uint64_t allocs, failed, frees, live_pages;
};

static void pages_sink(void *arg, const struct event_header *const *records, size_t n)
{
	pages_consume(arg, records, n);
}

static struct page_sums page_sums(const struct pages *p, uint32_t task)
{
	struct page_sums sums = { 0 };
	const struct page_user *user;
	char name[16], buf[64];

	snprintf(name, sizeof(name), "task%u", task);
	vec_for_each(&p->users, user) {
		if (strcmp(stream_comm(&p->stream, user->task, buf), name))
			continue;
		sums.allocs += user->allocs;
		sums.failed += user->failed;
		sums.frees += user->frees;
		sums.live_pages += user->live_pages;
	}
	return sums;
}

static void test_blocks(void **state _unused_)
{
	struct pages all, one;
	struct crowd c;
	uint32_t task;

	crowd_make(&c, add_block);
	assert_int_equal(pages_init(&all), 0);
	crowd_play(&c, TASKS, false, &(struct event_sink){ pages_sink, &all });
	for (task = 0; task < OWN_TASK; task++) {
		struct page_sums expected = page_sums(&all, task), got;

		assert_int_equal(pages_init(&one), 0);
		crowd_play(&c, task, task % 2, &(struct event_sink){ pages_sink, &one });
		got = page_sums(&one, task);
		assert_true(got.allocs > 1000 && got.frees > 1000 && got.failed > 100);
		assert_memory_equal(&got, &expected, sizeof(got));
		pages_free(&one);
	}
	pages_free(&all);
	crowd_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
