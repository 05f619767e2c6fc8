// SPDX-License-Identifier: GPL-2.0
/* What a ring of blocks has to say again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "record/pool.h"
#include "records.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define ROOM (1u << 20)

static int take(void *arg, const struct event_header *h)
{
	list_add(arg, h);
	return 0;
}

static struct list told(const struct pool *p, size_t room)
{
	struct list l = { 0 };

	assert_int_equal(pool_each(p, room, take, &l), 0);
	return l;
}

static uint64_t left_out(const struct pool *p, size_t room, enum record_left_out what)
{
	uint64_t all[LEFT_OUT];

	pool_left_out(p, room, all);
	return all[what];
}

static void add(struct pool *p, const void *record)
{
	assert_int_equal(pool_add(p, record), 0);
}

#define ADD(p, type, ...) add(p, &(struct type){ __VA_ARGS__ })

static void add_process(struct pool *p, uint32_t pid, enum process_change what, uint32_t parent,
			const char *comm)
{
	struct event_process e = { .h = { .kind = EVENT_PROCESS, .pid = pid },
				   .what = what,
				   .parent = parent };

	snprintf(e.comm, sizeof(e.comm), "%s", comm);
	add(p, &e);
}

static void add_map(struct pool *p, uint32_t pid, uint64_t start, uint64_t bytes)
{
	_Alignas(8) uint8_t room[sizeof(struct event_map) + 8] = { 0 };
	struct event_map *e = (struct event_map *)room;

	*e = (struct event_map){
		.h = { .kind = EVENT_MAP, .pid = pid }, .start = start, .bytes = bytes, .size = 5
	};
	memcpy(e->path, "/lib", 5);
	add(p, e);
}

/* «COMM(PID) START+BYTES … », as it would be told; a process of several records comes once. */
static const char *processes(const struct pool *p, size_t room)
{
	static char text[4096];
	_cleanup_list_ struct list l = told(p, room);
	size_t i, n = 0;

	text[0] = '\0';
	for (i = 0; i < l.n; i++) {
		const struct event_process *e = (const struct event_process *)l.items[i];
		const struct event_map *m = (const struct event_map *)l.items[i];

		if (e->h.kind == EVENT_PROCESS) {
			assert_int_equal(e->what, PROCESS_THERE);
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s(%u)", n ? " " : "",
					      e->comm, e->h.pid);
		} else if (e->h.kind == EVENT_MAP) {
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %u:%llx+%llx", m->h.pid,
					      (long long)m->start, (long long)m->bytes);
		} else if (e->h.kind == EVENT_MAPS_LOST) {
			n += (size_t)snprintf(
				text + n, sizeof(text) - n, "%slost %llu", n ? " " : "",
				(long long)((const struct event_maps_lost *)e)->records);
		}
		assert_true(n < sizeof(text));
	}
	return text;
}

static void test_empty(void **state _unused_)
{
	struct pool *p = pool_new();
	_cleanup_list_ struct list l = told(p, ROOM);

	assert_int_equal(l.n, 0);
	pool_free(&p);
}

/* The beginning first, then what never changes; of each the newest. */
static void test_order(void **state _unused_)
{
	static const uint8_t kinds[] = { EVENT_START, EVENT_SNAPSHOT, EVENT_CACHE,
					 EVENT_STACK, EVENT_STACK,    EVENT_PROCESS };
	struct pool *p = pool_new();
	_cleanup_list_ struct list l = { 0 };
	size_t i;

	add_process(p, 7, PROCESS_THERE, 0, "sh");
	ADD(p, event_cache, .h.kind = EVENT_CACHE, .id = 1, .object_size = 64);
	ADD(p, event_cache, .h.kind = EVENT_CACHE, .id = 1, .object_size = 128);
	ADD(p, event_stack, .h.kind = EVENT_STACK, .id = EVENT_STACKS_MAX - 1, .n = 1);
	ADD(p, event_stack, .h.kind = EVENT_STACK, .id = 0, .n = 2);
	ADD(p, event_stack, .h.kind = EVENT_STACK, .id = 0, .n = EVENT_STACK_DEPTH);
	ADD(p, event_snapshot, .h = { .kind = EVENT_SNAPSHOT, .flags = SNAPSHOT_GFP });
	ADD(p, event_snapshot, .h = { .kind = EVENT_SNAPSHOT, .flags = SNAPSHOT_MEMINFO });
	ADD(p, event_free, .h.kind = EVENT_KFREE);
	ADD(p, event_start, .h = { .time = 5, .kind = EVENT_START });
	l = told(p, ROOM);
	assert_int_equal(l.n, ARRAY_SIZE(kinds));
	for (i = 0; i < l.n; i++)
		assert_int_equal(l.items[i]->kind, kinds[i]);
	assert_int_equal(l.items[0]->time, 5);
	assert_int_equal(((struct event_stack *)l.items[3])->n, EVENT_STACK_DEPTH);
	assert_int_equal(((struct event_cache *)l.items[2])->object_size, 128);
	pool_free(&p);
}

static int take_three(void *arg, const struct event_header *h _unused_)
{
	return ++*(int *)arg == 3 ? -ENOSPC : 0;
}

static void test_stops(void **state _unused_)
{
	struct pool *p = pool_new();
	int n = 0;

	ADD(p, event_start, .h.kind = EVENT_START);
	ADD(p, event_cache, .h.kind = EVENT_CACHE, .id = 1);
	add_process(p, 7, PROCESS_THERE, 0, "sh");
	add_map(p, 7, 0x1000, 0x1000);
	assert_int_equal(pool_each(p, ROOM, take_three, &n), -ENOSPC);
	assert_int_equal(n, 3);
	pool_free(&p);
}

static void test_processes(void **state _unused_)
{
	struct pool *p = pool_new();

	add_process(p, 7, PROCESS_THERE, 0, "sh");
	add_map(p, 7, 0x1000, 0x1000);
	add_map(p, 7, 0x3000, 0x1000);
	add_process(p, 8, PROCESS_FORK, 7, "");
	assert_string_equal(processes(p, ROOM),
			    "sh(7) 7:1000+1000 7:3000+1000 sh(8) 8:1000+1000 8:3000+1000");
	add_process(p, 8, PROCESS_EXEC, 0, "ls");
	add_map(p, 8, 0x5000, 0x1000);
	add_process(p, 7, PROCESS_NAME, 0, "shell");
	assert_string_equal(processes(p, ROOM),
			    "shell(7) 7:1000+1000 7:3000+1000 ls(8) 8:5000+1000");
	add_process(p, 7, PROCESS_EXIT, 0, "");
	add_process(p, 7, PROCESS_EXIT, 0, "");
	assert_string_equal(processes(p, ROOM), "ls(8) 8:5000+1000");
	/* of a parent that is not known */
	add_process(p, 9, PROCESS_FORK, 1234, "");
	add_process(p, 9, PROCESS_EXEC, 0, "top");
	assert_string_equal(processes(p, ROOM), "ls(8) 8:5000+1000 top(9)");
	/* told once more, without what was mapped */
	add_process(p, 8, PROCESS_THERE, 0, "ls");
	assert_string_equal(processes(p, ROOM), "ls(8) top(9)");
	pool_free(&p);
}

/* A child of itself, and process 0, are nothing that a kernel tells of. */
static void test_odd_processes(void **state _unused_)
{
	struct pool *p = pool_new();

	add_process(p, 0, PROCESS_THERE, 0, "nobody");
	add_map(p, 0, 0x1000, 0x1000);
	add_process(p, 7, PROCESS_THERE, 0, "sh");
	add_map(p, 7, 0x3000, 0x1000);
	assert_string_equal(processes(p, ROOM), "nobody(0) 0:1000+1000 sh(7) 7:3000+1000");
	add_process(p, 7, PROCESS_FORK, 7, "");
	assert_string_equal(processes(p, ROOM), "nobody(0) 0:1000+1000 sh(7)");
	add_process(p, 0, PROCESS_EXIT, 0, "");
	assert_string_equal(processes(p, ROOM), "sh(7)");
	pool_free(&p);
}

/* What is wholly covered is gone; the rest stays in the order in which it came. */
static void test_maps(void **state _unused_)
{
	struct pool *p = pool_new();

	add_process(p, 7, PROCESS_THERE, 0, "sh");
	add_map(p, 7, 0x5000, 0x2000);
	add_map(p, 7, 0x1000, 0x1000);
	add_map(p, 7, 0x2000, 0x1000);
	add_map(p, 7, 0x6000, 0x2000);
	add_map(p, 7, 0x1000, 0x1800);
	assert_string_equal(processes(p, ROOM),
			    "sh(7) 7:5000+2000 7:2000+1000 7:6000+2000 7:1000+1800");
	add_map(p, 7, 0, UINT64_MAX);
	assert_string_equal(processes(p, ROOM), "sh(7) 7:0+ffffffffffffffff");
	add_map(p, 7, UINT64_MAX, 1);
	assert_string_equal(processes(p, ROOM), "sh(7) 7:0+ffffffffffffffff 7:ffffffffffffffff+1");
	pool_free(&p);
}

/* What has no room is told as lost, and does not take others' room. */
static void test_room(void **state _unused_)
{
	struct pool *p = pool_new();
	uint64_t i;

	add_process(p, 7, PROCESS_THERE, 0, "java");
	for (i = 0; i < 100; i++)
		add_map(p, 7, i << 12, 4096);
	add_process(p, 8, PROCESS_THERE, 0, "sh");
	add_map(p, 8, 0x1000, 0x1000);
	assert_string_equal(processes(p, 1000), "sh(8) 8:1000+1000 lost 101");
	assert_string_equal(processes(p, 0), "lost 103");
	assert_int_equal(left_out(p, 1000, LEFT_MAPS), 101);
	assert_int_equal(left_out(p, 0, LEFT_MAPS), 103);
	assert_int_equal(left_out(p, ROOM, LEFT_MAPS), 0);
	pool_free(&p);
}

/* Children have all that their parents have: there is an end to that. */
static void test_forks(void **state _unused_)
{
	struct pool *p = pool_new();
	_cleanup_list_ struct list l = { 0 };
	uint32_t pid;
	uint64_t i;

	add_process(p, 1, PROCESS_THERE, 0, "sh");
	for (i = 0; i < 10000; i++)
		add_map(p, 1, i << 12, 4096);
	for (pid = 2; pid < 40; pid++)
		add_process(p, pid, PROCESS_FORK, 1, "");
	l = told(p, SIZE_MAX);
	assert_in_range(l.n, 200000, 300000);
	assert_int_equal(l.items[l.n - 1]->kind, EVENT_MAPS_LOST);
	/* all are in one or the other */
	assert_int_equal(((struct event_maps_lost *)l.items[l.n - 1])->records + l.n - 1,
			 39 * 10001);
	assert_int_equal(left_out(p, SIZE_MAX, LEFT_MAPS) + l.n - 1, 39 * 10001);
	/* room comes back */
	for (pid = 2; pid < 40; pid++)
		add_process(p, pid, PROCESS_EXIT, 0, "");
	add_process(p, 2, PROCESS_FORK, 1, "");
	list_free(&l);
	l = told(p, SIZE_MAX);
	assert_in_range(l.n, 2 * 10001, 2 * 10001 + 1);
	pool_free(&p);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* It is kept while events wait: not for long, however many there are. */
static void test_many(void **state _unused_)
{
	struct pool *p = pool_new();
	double began = cpu_seconds();
	struct chance c = { 1 };
	uint64_t i;

	for (i = 1; i <= 100000; i++)
		add_process(p, (uint32_t)i, PROCESS_THERE, 0, "sh");
	for (i = 0; i < 60000; i++)
		add_map(p, 1, i << 12, 4096);
	for (i = 0; i < 60000; i++)
		add_map(p, 2, (1ull << 40) - (i << 12), 4096);
	for (i = 0; i < 1000; i++)
		add_map(p, 2, (1ull << 40) - (chance_below(&c, 60000) << 12), 4096);
	for (i = 100000; i > 1; i--)
		add_process(p, (uint32_t)i, PROCESS_EXIT, 0, "");
	assert_true(cpu_seconds() - began < 5);
	pool_free(&p);
}

/* Call chains take a part of the ring only. */
static void test_stacks(void **state _unused_)
{
	struct pool *p = pool_new();
	_cleanup_list_ struct list l = { 0 };
	size_t i, bytes = 0;

	for (i = 0; i < 10000; i++)
		ADD(p, event_stack, .h.kind = EVENT_STACK, .id = (int32_t)i,
		    .n = EVENT_STACK_DEPTH);
	l = told(p, 100000);
	for (i = 0; i < l.n; i++)
		bytes += record_bytes(l.items[i]);
	assert_in_range(bytes, 199000, 200000);
	/* all are in one or the other */
	assert_int_equal(left_out(p, 100000, LEFT_STACKS), 10000 - l.n);
	assert_int_equal(left_out(p, 0, LEFT_STACKS), 10000);
	assert_int_equal(left_out(p, SIZE_MAX, LEFT_STACKS), 0);
	pool_free(&p);
}

static void test_caches(void **state _unused_)
{
	struct pool *p = pool_new();
	_cleanup_list_ struct list l = { 0 };
	uint64_t i;

	for (i = 0; i < 70000; i++)
		ADD(p, event_cache, .h.kind = EVENT_CACHE, .id = i);
	l = told(p, ROOM);
	assert_int_equal(l.n, 65536);
	assert_int_equal(left_out(p, ROOM, LEFT_CACHES), 70000 - 65536);
	assert_int_equal(left_out(p, ROOM, LEFT_STACKS) + left_out(p, ROOM, LEFT_MAPS), 0);
	pool_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	      cmocka_unit_test(test_order),
		cmocka_unit_test(test_stops),	      cmocka_unit_test(test_processes),
		cmocka_unit_test(test_odd_processes), cmocka_unit_test(test_maps),
		cmocka_unit_test(test_room),	      cmocka_unit_test(test_forks),
		cmocka_unit_test(test_many),	      cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_caches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
