// SPDX-License-Identifier: GPL-2.0
/* Processes and what they have mapped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "analyze/spaces.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define PAGE 0x1000ull
#define RW   (PROT_READ | PROT_WRITE)
#define RX   (PROT_READ | PROT_EXEC)

struct mapping {
	uint64_t start, bytes, offset;
	const char *path;
	uint32_t protection, shared;
};

static void map_file(struct spaces *s, uint32_t pid, struct mapping m, uint64_t inode)
{
	union {
		struct event_map e;
		char room[sizeof(struct event_map) + 128];
	} u = { .e = { .h = { .time = 7, .kind = EVENT_MAP, .pid = pid },
		       .start = m.start,
		       .bytes = m.bytes,
		       .offset = m.offset,
		       .inode = inode,
		       .protection = m.protection,
		       .shared = m.shared } };

	u.e.size = (uint32_t)strlen(m.path) + 1;
	strcpy(u.e.path, m.path);
	spaces_enter(s, &u.e.h);
}

static void map(struct spaces *s, uint32_t pid, struct mapping m)
{
	map_file(s, pid, m, m.path[0] == '/' && m.path[1] != '/' ? 11 : 0);
}

static void process(struct spaces *s, enum process_change what, uint32_t pid, uint32_t parent,
		    const char *comm)
{
	struct event_process e = { .h = { .time = 5, .kind = EVENT_PROCESS, .pid = pid },
				   .parent = parent,
				   .what = (uint8_t)what };

	strcpy(e.comm, comm);
	spaces_enter(s, &e.h);
}

/* «START-END PATH+OFFSET», in pages, of everything in process @pid. */
static const char *shown(const struct spaces *s, uint32_t pid)
{
	static char text[1024];
	const struct process *p = spaces_known(s, pid);
	size_t i, n = 0;

	text[0] = '\0';
	for (i = 0; p && p->space && i < p->space->n; i++) {
		const struct space_map *m = &p->space->items[i];

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%llu-%llu %s+%llu",
				      n ? ", " : "", (unsigned long long)(m->start / PAGE),
				      (unsigned long long)(m->end / PAGE),
				      s->objects.items[m->object].path,
				      (unsigned long long)(m->offset / PAGE));
		assert_true(n < sizeof(text));
	}
	return text;
}

/* A new mapping [@start, @end) in pages of /b, from its page 100 on, where /a has [10, 20) from its page 3. */
static void assert_insert(uint64_t start, uint64_t end, const char *expected)
{
	struct spaces s;

	spaces_init(&s);
	map(&s, 1, (struct mapping){ 10 * PAGE, 10 * PAGE, 3 * PAGE, "/a", RX, 0 });
	map(&s, 1, (struct mapping){ start * PAGE, (end - start) * PAGE, 100 * PAGE, "/b", RX, 0 });
	assert_string_equal(shown(&s, 1), expected);
	spaces_free(&s);
}

static void test_insert(void **state _unused_)
{
	assert_insert(5, 10, "5-10 /b+100, 10-20 /a+3");
	assert_insert(20, 21, "10-20 /a+3, 20-21 /b+100");
	assert_insert(5, 12, "5-12 /b+100, 12-20 /a+5");
	assert_insert(18, 25, "10-18 /a+3, 18-25 /b+100");
	assert_insert(12, 15, "10-12 /a+3, 12-15 /b+100, 15-20 /a+8");
	assert_insert(10, 20, "10-20 /b+100");
	assert_insert(10, 15, "10-15 /b+100, 15-20 /a+8");
	assert_insert(15, 20, "10-15 /a+3, 15-20 /b+100");
	assert_insert(5, 25, "5-25 /b+100");
	assert_insert(10, 25, "10-25 /b+100");
	assert_insert(5, 20, "5-20 /b+100");
}

/* One that covers parts of several. */
static void test_insert_over_many(void **state _unused_)
{
	struct spaces s;

	spaces_init(&s);
	map(&s, 1, (struct mapping){ 10 * PAGE, 5 * PAGE, 0, "/a", RX, 0 });
	map(&s, 1, (struct mapping){ 20 * PAGE, 5 * PAGE, 0, "/b", RX, 0 });
	map(&s, 1, (struct mapping){ 30 * PAGE, 5 * PAGE, 0, "/c", RX, 0 });
	map(&s, 1, (struct mapping){ 40 * PAGE, 5 * PAGE, 0, "/d", RX, 0 });
	map(&s, 1, (struct mapping){ 13 * PAGE, 19 * PAGE, 0, "//anon", RW, 0 });
	assert_string_equal(shown(&s, 1), "10-13 /a+0, 13-32 //anon+0, 32-35 /c+2, 40-45 /d+0");
	assert_int_equal(s.n_maps, 4);
	spaces_free(&s);
}

/* What goes on where another one ends is one with it, if nothing else differs. */
static void test_join(void **state _unused_)
{
	struct spaces s;

	spaces_init(&s);
	map(&s, 1, (struct mapping){ 10 * PAGE, 5 * PAGE, 0, "/a", RW, 0 });
	map(&s, 1, (struct mapping){ 15 * PAGE, 5 * PAGE, 5 * PAGE, "/a", RW, 0 });
	assert_string_equal(shown(&s, 1), "10-20 /a+0");
	map(&s, 1, (struct mapping){ 20 * PAGE, 5 * PAGE, 11 * PAGE, "/a", RW, 0 });
	map(&s, 1, (struct mapping){ 25 * PAGE, 5 * PAGE, 16 * PAGE, "/a", RW, 1 });
	map(&s, 1, (struct mapping){ 30 * PAGE, 5 * PAGE, 21 * PAGE, "/a", RX, 1 });
	map(&s, 1, (struct mapping){ 35 * PAGE, 5 * PAGE, 26 * PAGE, "/b", RX, 1 });
	assert_string_equal(shown(&s, 1),
			    "10-20 /a+0, 20-25 /a+11, 25-30 /a+16, 30-35 /a+21, 35-40 /b+26");
	/* memory without a file has no offsets, whatever is told; what was behind it is covered */
	process(&s, PROCESS_EXEC, 1, 0, "a");
	map(&s, 1, (struct mapping){ 10 * PAGE, 5 * PAGE, 0, "//anon", RW, 0 });
	map(&s, 1, (struct mapping){ 17 * PAGE, 5 * PAGE, 0, "/b", RW, 0 });
	map(&s, 1, (struct mapping){ 15 * PAGE, 4 * PAGE, 77 * PAGE, "//anon", RW, 0 });
	assert_string_equal(shown(&s, 1), "10-19 //anon+0, 19-22 /b+2");
	spaces_free(&s);
}

static void test_find(void **state _unused_)
{
	struct spaces s;
	const struct process *p;

	spaces_init(&s);
	assert_null(spaces_known(&s, 1));
	p = spaces_process(&s, 1);
	assert_null(spaces_find(p, 0));
	map(&s, 1, (struct mapping){ 10 * PAGE, 2 * PAGE, 0, "/a", RX, 0 });
	map(&s, 1, (struct mapping){ 0, 1, 0, "/b", RW, 1 });
	map(&s, 1, (struct mapping){ UINT64_MAX - PAGE, PAGE, 0, "/c", RX, 0 });
	p = spaces_known(&s, 1);
	assert_null(spaces_find(p, 10 * PAGE - 1));
	assert_int_equal(spaces_find(p, 10 * PAGE)->object, 0);
	assert_int_equal(spaces_find(p, 12 * PAGE - 1)->object, 0);
	assert_null(spaces_find(p, 12 * PAGE));
	assert_true(spaces_find(p, 0)->shared && !spaces_find(p, 0)->code);
	assert_null(spaces_find(p, 1));
	assert_true(spaces_find(p, UINT64_MAX - 1)->code);
	assert_null(spaces_find(p, UINT64_MAX));
	/* the object says where it was mapped last */
	assert_int_equal(s.objects.items[0].start, 10 * PAGE);
	assert_int_equal(s.objects.items[0].end, 12 * PAGE);
	assert_int_equal(s.objects.items[0].pid, 1);
	assert_int_equal(s.objects.items[0].time, 7);
	spaces_free(&s);
}

/* A child has what its parent had, until one of them maps something. */
static void test_fork(void **state _unused_)
{
	struct spaces s;

	spaces_init(&s);
	process(&s, PROCESS_THERE, 1, 0, "shell");
	map(&s, 1, (struct mapping){ 10 * PAGE, 5 * PAGE, 0, "/a", RX, 0 });
	process(&s, PROCESS_FORK, 2, 1, "");
	process(&s, PROCESS_FORK, 3, 2, "");
	assert_ptr_equal(spaces_known(&s, 1)->space, spaces_known(&s, 3)->space);
	assert_int_equal(s.n_maps, 1);
	assert_string_equal(spaces_known(&s, 3)->comm, "shell");
	assert_false(spaces_known(&s, 3)->executed);
	map(&s, 1, (struct mapping){ 11 * PAGE, PAGE, 0, "/b", RX, 0 });
	assert_string_equal(shown(&s, 1), "10-11 /a+0, 11-12 /b+0, 12-15 /a+2");
	assert_string_equal(shown(&s, 2), "10-15 /a+0");
	assert_int_equal(s.n_maps, 4);
	map(&s, 3, (struct mapping){ 20 * PAGE, PAGE, 0, "/b", RX, 0 });
	assert_string_equal(shown(&s, 2), "10-15 /a+0");
	assert_string_equal(shown(&s, 3), "10-15 /a+0, 20-21 /b+0");
	assert_int_equal(s.n_maps, 6);
	/* the parent ends first; the last one that has it frees it */
	spaces_forget(&s, 1);
	assert_int_equal(s.n_maps, 3);
	spaces_forget(&s, 2);
	spaces_forget(&s, 2);
	spaces_forget(&s, 99);
	assert_int_equal(s.n_maps, 2);
	/* a child of nobody who is known has nothing */
	process(&s, PROCESS_FORK, 4, 77, "");
	assert_non_null(spaces_known(&s, 4));
	assert_string_equal(shown(&s, 4), "");
	process(&s, PROCESS_FORK, 3, 3, "");
	assert_string_equal(shown(&s, 3), "");
	assert_int_equal(s.n_maps, 0);
	spaces_free(&s);
}

static void test_exec(void **state _unused_)
{
	struct spaces s;
	struct process *p;

	spaces_init(&s);
	process(&s, PROCESS_THERE, 1, 0, "shell");
	map(&s, 1, (struct mapping){ 10 * PAGE, 5 * PAGE, 0, "/a", RX, 0 });
	p = spaces_known(&s, 1);
	p->row = 17;
	process(&s, PROCESS_THERE, 1, 0, "shell"); /* told again: what it has follows */
	assert_int_equal(spaces_known(&s, 1)->row, 17);
	assert_string_equal(shown(&s, 1), "");
	map(&s, 1, (struct mapping){ 10 * PAGE, 5 * PAGE, 0, "/a", RX, 0 });
	process(&s, PROCESS_FORK, 2, 1, "");
	assert_int_equal(spaces_known(&s, 2)->row, SPACES_NONE);
	process(&s, PROCESS_EXEC, 2, 0, "ls");
	assert_string_equal(shown(&s, 2), "");
	assert_string_equal(shown(&s, 1), "10-15 /a+0");
	assert_true(spaces_known(&s, 2)->executed);
	assert_string_equal(spaces_known(&s, 2)->comm, "ls");
	map(&s, 2, (struct mapping){ 10 * PAGE, 5 * PAGE, 0, "/ls", RX, 0 });
	process(&s, PROCESS_NAME, 2, 0, "other"); /* keeps what it has */
	assert_string_equal(shown(&s, 2), "10-15 /ls+0");
	assert_string_equal(spaces_known(&s, 2)->comm, "other");
	spaces_free(&s);
}

/* A number is used again: whoever had it before is gone, with its end told or not. */
static void test_pid_again(void **state _unused_)
{
	struct spaces s;
	uint32_t i;

	spaces_init(&s);
	for (i = 0; i < 100; i++) {
		process(&s, PROCESS_FORK, 7, 1, "");
		spaces_known(&s, 7)->told[0] = 5;
		spaces_known(&s, 7)->row = 3;
		map(&s, 7, (struct mapping){ 10 * PAGE, 5 * PAGE, 0, "/a", RX, 0 });
		if (i % 2)
			spaces_forget(&s, 7);
		process(&s, PROCESS_FORK, 8 + i, 7, "");
		if (i % 3)
			spaces_forget(&s, 8 + i);
	}
	process(&s, PROCESS_FORK, 7, 1, "");
	assert_int_equal(spaces_known(&s, 7)->told[0], 0);
	assert_int_equal(spaces_known(&s, 7)->row, SPACES_NONE);
	assert_null(spaces_known(&s, 7)->space);
	/* entries are used again: 34 children live, and it */
	assert_int_equal(s.processes.n, 35);
	spaces_free(&s);
}

static enum region_kind kind_of(const char *path, uint32_t shared)
{
	struct spaces s;
	enum region_kind kind;

	spaces_init(&s);
	map(&s, 1, (struct mapping){ PAGE, PAGE, 0, path, RW, shared });
	kind = spaces_kind(&s, spaces_find(spaces_known(&s, 1), PAGE));
	spaces_free(&s);
	return kind;
}

static void test_kinds(void **state _unused_)
{
	struct spaces s;

	spaces_init(&s);
	assert_int_equal(spaces_kind(&s, NULL), REGION_UNKNOWN);
	assert_int_equal(kind_of("[heap]", 0), REGION_HEAP);
	assert_int_equal(kind_of("[stack]", 0), REGION_STACK);
	assert_int_equal(kind_of("[stack:123]", 0), REGION_STACK);
	assert_int_equal(kind_of("[vdso]", 0), REGION_VDSO);
	assert_int_equal(kind_of("[vvar]", 0), REGION_VDSO);
	assert_int_equal(kind_of("[vvar_vclock]", 0), REGION_VDSO);
	assert_int_equal(kind_of("[vsyscall]", 0), REGION_VDSO);
	assert_int_equal(kind_of("[sigpage]", 0), REGION_VDSO);
	assert_int_equal(kind_of("[vectors]", 0), REGION_VDSO);
	assert_int_equal(kind_of("//anon", 0), REGION_ANON);
	assert_int_equal(kind_of("//anon", 1), REGION_SHM);
	assert_int_equal(kind_of("[anon:arena]", 0), REGION_ANON);
	assert_int_equal(kind_of("[anon_shmem:x]", 1), REGION_SHM);
	assert_int_equal(kind_of("/anon_hugepage (deleted)", 0), REGION_ANON);
	assert_int_equal(kind_of("/anon_hugepage (deleted)", 1), REGION_SHM);
	assert_int_equal(kind_of("/dev/zero (deleted)", 1), REGION_SHM);
	assert_int_equal(kind_of("/dev/zero", 0), REGION_ANON);
	assert_int_equal(kind_of("/dev/shm/x", 0), REGION_SHM);
	assert_int_equal(kind_of("/SYSV00000000 (deleted)", 1), REGION_SHM);
	assert_int_equal(kind_of("/memfd:x (deleted)", 1), REGION_SHM);
	assert_int_equal(kind_of("//toolong", 0), REGION_UNKNOWN);
	assert_int_equal(kind_of("/usr/bin/ls", 0), REGION_FILE);
	assert_int_equal(kind_of("/usr/bin/ls", 1), REGION_FILE);
	assert_int_equal(kind_of("/", 0), REGION_FILE);
	assert_int_equal(kind_of("", 0), REGION_FILE);
	spaces_free(&s);
}

static const char *path_at(const struct spaces *s, uint32_t pid, uint64_t address)
{
	const struct space_map *m = spaces_find(spaces_known(s, pid), address);

	return m ? s->objects.items[m->object].path : "";
}

/* A program, its bss and a heap that is not told to be one. */
static void test_heap(void **state _unused_)
{
	const uint64_t program = 0x555555554000, bss = program + 8 * PAGE, heap = 0x555575554000;
	const struct mapping text = { program, 8 * PAGE, 0, "/p", RX, 0 };
	const struct mapping linker = { 0x7f0000000000, 16 * PAGE, 0, "/ld", RX, 0 };
	struct spaces s;

	spaces_init(&s);
	process(&s, PROCESS_EXEC, 1, 0, "p");
	/* nothing is known of a program yet: the stack comes first */
	map(&s, 1, (struct mapping){ 0x7ffc00000000, 2 * PAGE, 0, "[stack]", RW, 0 });
	assert_int_equal(spaces_known(&s, 1)->program, SPACES_NONE);
	map(&s, 1, text);
	map(&s, 1, (struct mapping){ bss, PAGE, 0, "//anon", RW, 0 });
	map(&s, 1, linker);
	map(&s, 1, (struct mapping){ heap, 33 * PAGE, 0, "//anon", RW, 0 });
	map(&s, 1, (struct mapping){ 0x7f1000000000, 2 * PAGE, 0, "//anon", RW, 0 });
	map(&s, 1, (struct mapping){ heap + (1ull << 31), PAGE, 0, "//anon", RW, 0 });
	map(&s, 1, (struct mapping){ heap + (1ull << 20), PAGE, 0, "//anon", RW, 1 });
	assert_string_equal(path_at(&s, 1, bss), "//anon");
	assert_string_equal(path_at(&s, 1, heap), "[heap]");
	assert_string_equal(path_at(&s, 1, 0x7f1000000000), "//anon");
	assert_string_equal(path_at(&s, 1, heap + (1ull << 31)), "//anon");
	assert_string_equal(path_at(&s, 1, heap + (1ull << 20)), "//anon");
	/* told once more, with all that it has become */
	map(&s, 1, (struct mapping){ heap, 66 * PAGE, 0, "[heap]", RW, 0 });
	map(&s, 1, (struct mapping){ bss, PAGE, 0, "//anon", RW, 0 });
	assert_string_equal(path_at(&s, 1, heap), "[heap]");
	assert_string_equal(path_at(&s, 1, heap + 65 * PAGE), "[heap]");
	assert_string_equal(path_at(&s, 1, bss), "//anon");
	/* a child knows what its parent's program is */
	process(&s, PROCESS_FORK, 2, 1, "");
	map(&s, 2, (struct mapping){ heap + 66 * PAGE, PAGE, 0, "//anon", RW, 0 });
	assert_string_equal(path_at(&s, 2, heap + 66 * PAGE), "[heap]");
	/* there is one heap: what else is put near the program is not brk()'s */
	map(&s, 2, (struct mapping){ heap + 90 * PAGE, PAGE, 0, "//anon", RW, 0 });
	assert_string_equal(path_at(&s, 2, heap + 90 * PAGE), "//anon");
	/* of one that was there it is not known */
	process(&s, PROCESS_THERE, 3, 0, "q");
	map(&s, 3, text);
	map(&s, 3, (struct mapping){ heap, PAGE, 0, "//anon", RW, 0 });
	assert_string_equal(path_at(&s, 3, heap), "//anon");
	spaces_free(&s);
}

/* brk() back to where the heap began, and on from there: the kernel calls it «//anon» as at first. */
static void test_heap_again(void **state _unused_)
{
	const uint64_t heap = 0x555575554000;
	struct spaces s;

	spaces_init(&s);
	/* of a process that was there before, too */
	process(&s, PROCESS_THERE, 1, 0, "p");
	map(&s, 1, (struct mapping){ heap, 10 * PAGE, 0, "[heap]", RW, 0 });
	map(&s, 1, (struct mapping){ heap, 20 * PAGE, 0, "//anon", RW, 0 });
	assert_string_equal(path_at(&s, 1, heap), "[heap]");
	assert_string_equal(path_at(&s, 1, heap + 19 * PAGE), "[heap]");
	process(&s, PROCESS_FORK, 2, 1, "");
	map(&s, 2, (struct mapping){ heap, 30 * PAGE, 0, "//anon", RW, 0 });
	assert_string_equal(path_at(&s, 2, heap + 29 * PAGE), "[heap]");
	/* what brk() does not make */
	map(&s, 2, (struct mapping){ heap, PAGE, 0, "//anon", RX, 0 });
	assert_string_equal(path_at(&s, 2, heap), "//anon");
	map(&s, 1, (struct mapping){ heap, PAGE, 0, "//anon", RW, 1 });
	assert_string_equal(path_at(&s, 1, heap), "//anon");
	spaces_free(&s);
}

/* What turns out not to be there any more is unknown, in one process and with all that was told with it. */
static void test_drop(void **state _unused_)
{
	struct spaces s;

	spaces_init(&s);
	map(&s, 1, (struct mapping){ 10 * PAGE, 5 * PAGE, 0, "/a", RX, 0 });
	map(&s, 1, (struct mapping){ 15 * PAGE, 5 * PAGE, 5 * PAGE, "/a", PROT_READ, 0 });
	map(&s, 1, (struct mapping){ 20 * PAGE, 5 * PAGE, 10 * PAGE, "/a", RW, 0 });
	process(&s, PROCESS_FORK, 2, 1, "");
	spaces_drop(&s, spaces_known(&s, 2), 17 * PAGE);
	assert_string_equal(shown(&s, 1), "10-15 /a+0, 15-20 /a+5, 20-25 /a+10");
	assert_string_equal(shown(&s, 2), "10-15 /a+0, 20-25 /a+10");
	assert_int_equal(s.n_maps, 5);
	spaces_drop(&s, spaces_known(&s, 2), 17 * PAGE);
	spaces_drop(&s, spaces_known(&s, 2), 1);
	assert_string_equal(shown(&s, 2), "10-15 /a+0, 20-25 /a+10");
	spaces_drop(&s, spaces_process(&s, 3), 1);
	spaces_free(&s);
}

/* A program below 4 GiB with its libraries far up is a 64-bit one, whose heap may be further away. */
static void test_heap_low(void **state _unused_)
{
	struct spaces s;

	spaces_init(&s);
	process(&s, PROCESS_EXEC, 1, 0, "p");
	map(&s, 1, (struct mapping){ 0x7ffc00000000, 2 * PAGE, 0, "[stack]", RW, 0 });
	map(&s, 1, (struct mapping){ 0x400000, 8 * PAGE, 0, "/p", RX, 0 });
	map(&s, 1, (struct mapping){ 0x2000000, PAGE, 0, "//anon", RX, 0 });
	assert_string_equal(path_at(&s, 1, 0x2000000), "//anon");
	map(&s, 1, (struct mapping){ 0x2eab0000, PAGE, 0, "//anon", RW, 0 });
	assert_string_equal(path_at(&s, 1, 0x2eab0000), "[heap]");
	spaces_free(&s);
}

/* Shared memory without a name is one object, however many there are. */
static void test_nameless(void **state _unused_)
{
	static const char *const paths[] = { "/dev/zero (deleted)", "/memfd:x (deleted)",
					     "/SYSV00000000 (deleted)" };
	struct spaces s;
	uint32_t i;

	spaces_init(&s);
	for (i = 0; i < 300; i++) {
		struct mapping m = { (1 + 2 * i) * PAGE, PAGE, 0, paths[i % 3], RW, 1 };

		map_file(&s, 1, m, 1000 + i);
	}
	assert_int_equal(s.objects.n, 3);
	spaces_free(&s);
}

static void test_heap_32(void **state _unused_)
{
	struct spaces s;

	spaces_init(&s);
	process(&s, PROCESS_EXEC, 1, 0, "p");
	map(&s, 1, (struct mapping){ 0x400000, 8 * PAGE, 0, "/p", RX, 0 });
	map(&s, 1, (struct mapping){ 0x2400000, PAGE, 0, "//anon", RW, 0 });
	map(&s, 1, (struct mapping){ 0x40000000, PAGE, 0, "//anon", RW, 0 });
	assert_string_equal(path_at(&s, 1, 0x2400000), "[heap]");
	assert_string_equal(path_at(&s, 1, 0x40000000), "//anon");
	spaces_free(&s);
}

/* Children that copy what a big parent has: beyond the limit they go on with what they had. */
static void test_limit_of_maps(void **state _unused_)
{
	const uint32_t big = SPACES_MAPS_MAX / 16;
	struct spaces s;
	uint32_t i;

	spaces_init(&s);
	for (i = 0; i < big; i++)
		map(&s, 1, (struct mapping){ (1 + 2ull * i) * PAGE, PAGE, 0, "/a", RX, 0 });
	assert_int_equal(s.n_maps, big);
	for (i = 2; i < 20; i++) {
		process(&s, PROCESS_FORK, i, 1, "");
		map(&s, i, (struct mapping){ PAGE, PAGE, 0, "/b", RX, 0 });
	}
	assert_int_equal(s.n_maps, SPACES_MAPS_MAX);
	assert_int_equal(s.left_out, 18 - 15);
	assert_string_equal(path_at(&s, 16, PAGE), "/b");
	/* no room for a list of its own: nothing is known of it any more */
	assert_string_equal(path_at(&s, 17, PAGE), "");
	/* one that needs no more room fits; one that splits does not, and what it hides is not told either */
	map(&s, 2, (struct mapping){ PAGE, PAGE, 0, "/c", RX, 0 });
	assert_string_equal(path_at(&s, 2, PAGE), "/c");
	map(&s, 2, (struct mapping){ 3 * PAGE, 1, 0, "/b", RX, 0 });
	assert_string_equal(path_at(&s, 2, 3 * PAGE), "");
	assert_string_equal(path_at(&s, 2, 3 * PAGE + 1), "/a");
	assert_int_equal(s.left_out, 4);
	/* room comes back */
	spaces_forget(&s, 5);
	map(&s, 2, (struct mapping){ 3 * PAGE, 1, 0, "/b", RX, 0 });
	assert_string_equal(path_at(&s, 2, 3 * PAGE), "/b");
	assert_int_equal(s.n_maps, SPACES_MAPS_MAX - big + 1);
	assert_int_equal(s.left_out, 4);
	assert_false(s.oom);
	spaces_free(&s);
}

static void test_limit_of_objects(void **state _unused_)
{
	struct spaces s;
	char path[32];
	uint32_t i;

	spaces_init(&s);
	for (i = 0; i < SPACES_OBJECTS_MAX + 3; i++) {
		snprintf(path, sizeof(path), "/tmp/%u", i);
		map(&s, 1, (struct mapping){ PAGE, PAGE, 0, path, RX, 0 });
	}
	assert_int_equal(s.objects.n, SPACES_OBJECTS_MAX);
	assert_int_equal(s.left_out, 3);
	assert_string_equal(path_at(&s, 1, PAGE), "");
	map(&s, 1, (struct mapping){ PAGE, PAGE, 0, "/tmp/7", RX, 0 }); /* is known */
	assert_string_equal(path_at(&s, 1, PAGE), "/tmp/7");
	assert_int_equal(s.left_out, 3);
	spaces_free(&s);
}

/* The same name on another device, or with another inode, is another file. */
static void test_objects(void **state _unused_)
{
	struct {
		struct event_map e;
		char path[8];
	} m = { .e = { .h = { .kind = EVENT_MAP, .pid = 1 },
		       .start = PAGE,
		       .bytes = PAGE,
		       .size = 3 },
		.path = "/a" };
	struct spaces s;
	size_t round;

	spaces_init(&s);
	for (round = 0; round < 2; round++) {
		for (m.e.inode = 1; m.e.inode < 4; m.e.inode++)
			for (m.e.major = 8; m.e.major < 10; m.e.major++)
				for (m.e.minor = 8; m.e.minor < 10; m.e.minor++)
					spaces_enter(&s, &m.e.h);
		assert_int_equal(s.objects.n, 12);
	}
	spaces_free(&s);
}

/*
 * Files that have had an inode by turns are told apart by its generation. /proc does not tell it: that is the
 * newest such file, and the first that is told of one that was known before is its own.
 */
static void test_generations(void **state _unused_)
{
	static const struct {
		uint32_t generation, object, objects;
	} steps[] = { { 0, 0, 1 }, { 0, 0, 1 }, { 7, 0, 1 }, { 0, 0, 1 }, { 7, 0, 1 },
		      { 8, 1, 2 }, { 7, 0, 2 }, { 0, 1, 2 }, { 9, 2, 3 }, { 8, 1, 3 } };
	struct {
		struct event_map e;
		char path[16];
	} m = { .e = { .h = { .kind = EVENT_MAP, .pid = 1 },
		       .start = PAGE,
		       .bytes = PAGE,
		       .inode = 5,
		       .size = 3 },
		.path = "/a" };
	struct spaces s;
	size_t i;

	spaces_init(&s);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		m.e.generation = steps[i].generation;
		spaces_enter(&s, &m.e.h);
		assert_int_equal(spaces_find(spaces_known(&s, 1), PAGE)->object, steps[i].object);
		assert_int_equal(s.objects.n, steps[i].objects);
	}
	/* how they were told first stays */
	assert_int_equal(s.objects.items[0].generation, 0);
	assert_int_equal(s.objects.items[0].known, 7);
	assert_int_equal(s.objects.items[1].generation, 8);
	/* each memfd has an inode of its own: one row for all */
	strcpy(m.path, "/memfd:x");
	m.e.size = sizeof("/memfd:x");
	for (m.e.generation = 1; m.e.generation < 4; m.e.generation++)
		spaces_enter(&s, &m.e.h);
	assert_int_equal(s.objects.n, 4);
	spaces_free(&s);
}

static void test_lost(void **state _unused_)
{
	struct event_maps_lost e = { .h = { .kind = EVENT_MAPS_LOST }, .records = 17 };
	struct spaces s;

	spaces_init(&s);
	spaces_enter(&s, &e.h);
	e.records = 3;
	spaces_enter(&s, &e.h);
	assert_int_equal(s.lost, 20);
	spaces_free(&s);
}

/* --- against a model: what is at each page, by process ----------------------------------------------- */

#define MODEL_PAGES	256
#define MODEL_PROCESSES 8

struct model_page {
	uint8_t object; /* of model_paths, + 1; 0: nothing */
	uint8_t shared, code, write;
	uint32_t offset; /* pages */
};

struct model {
	bool there[MODEL_PROCESSES];
	struct model_page pages[MODEL_PROCESSES][MODEL_PAGES];
};

static const char *const model_paths[] = { "/a", "/b", "[anon:x]", "[stack]" };

static void model_map(struct model *m, struct spaces *s, uint32_t pid)
{
	uint64_t start = (uint64_t)random() % MODEL_PAGES, end = (uint64_t)random() % MODEL_PAGES,
		 i;
	uint8_t object = (uint8_t)(random() % 4);
	struct mapping new = { .shared = random() % 8 == 0,
			       .protection = random() % 4 ? RW : RX,
			       .path = model_paths[object] };
	uint64_t offset = random() % 2 ? start : (uint64_t)random() % 1000;

	if (end < start)
		return;
	end = random() % 2 ? MIN(end + 1, start + 4) : end + 1;
	new.start = (start + 1) * PAGE;
	new.bytes = (end - start) * PAGE;
	new.offset = offset *PAGE;
	map(s, pid + 1, new);
	m->there[pid] = true;
	for (i = start; i < end; i++)
		m->pages[pid][i] = (struct model_page){ (uint8_t)(object + 1), (uint8_t) new.shared,
							new.protection == RX, new.protection == RW,
							(uint32_t)(offset + i - start) };
}

static void model_check(const struct model *m, const struct spaces *s, uint32_t pid)
{
	const struct process *p = spaces_known(s, pid + 1);
	uint64_t i;

	assert_int_equal(p != NULL, m->there[pid]);
	for (i = 0; p && i < MODEL_PAGES; i++) {
		const struct model_page *page = &m->pages[pid][i];
		uint64_t address = (i + 1) * PAGE + 5;
		const struct space_map *found = spaces_find(p, address);

		assert_int_equal(found != NULL, page->object != 0);
		if (!found)
			continue;
		assert_string_equal(s->objects.items[found->object].path,
				    model_paths[page->object - 1]);
		assert_int_equal(found->shared, page->shared);
		assert_int_equal(found->code, page->code);
		assert_int_equal(found->write, page->write);
		if (page->object <= 2)
			assert_int_equal(address - found->start + found->offset,
					 page->offset * PAGE + 5);
	}
}

/* In order, without overlaps, and counted once however many have it. */
static void check_spaces(const struct spaces *s)
{
	const struct space *seen[MODEL_PROCESSES];
	size_t n_seen = 0, sum = 0, i, k;

	for (i = 0; i < s->processes.n; i++) {
		const struct space *space = s->processes.items[i].space;

		for (k = 0; k < n_seen && seen[k] != space; k++)
			continue;
		if (!space || k < n_seen)
			continue;
		seen[n_seen++] = space;
		sum += space->n;
		for (k = 0; k < space->n; k++) {
			assert_true(space->items[k].start < space->items[k].end);
			assert_true(!k || space->items[k - 1].end <= space->items[k].start);
		}
	}
	assert_int_equal(sum, s->n_maps);
}

static void model_step(struct model *m, struct spaces *s)
{
	uint32_t pid = (uint32_t)random() % MODEL_PROCESSES;
	uint32_t other = (pid + 1 + (uint32_t)random() % (MODEL_PROCESSES - 1)) % MODEL_PROCESSES;
	long what = random() % 100;

	if (what < 85) {
		model_map(m, s, pid);
		return;
	}
	memset(m->pages[pid], 0, sizeof(m->pages[pid]));
	m->there[pid] = what < 95;
	if (what < 92) {
		process(s, PROCESS_FORK, pid + 1, other + 1, "");
		memcpy(m->pages[pid], m->pages[other], sizeof(m->pages[pid]));
	} else if (what < 95) {
		process(s, PROCESS_EXEC, pid + 1, 0, "x");
	} else {
		spaces_forget(s, pid + 1);
	}
}

static void test_model(void **state _unused_)
{
	struct model *m = calloc(1, sizeof(*m));
	struct spaces s;
	uint32_t i, pid;

	srandom(1009);
	spaces_init(&s);
	for (i = 0; i < 20011; i++) {
		model_step(m, &s);
		if (i % 10)
			continue;
		check_spaces(&s);
		for (pid = 0; pid < MODEL_PROCESSES; pid++)
			model_check(m, &s, pid);
	}
	assert_int_equal(s.left_out, 0);
	assert_int_equal(s.objects.n, 4);
	spaces_free(&s);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_insert),	      cmocka_unit_test(test_insert_over_many),
		cmocka_unit_test(test_join),	      cmocka_unit_test(test_find),
		cmocka_unit_test(test_fork),	      cmocka_unit_test(test_exec),
		cmocka_unit_test(test_pid_again),     cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_heap),	      cmocka_unit_test(test_heap_32),
		cmocka_unit_test(test_heap_low),      cmocka_unit_test(test_nameless),
		cmocka_unit_test(test_limit_of_maps), cmocka_unit_test(test_limit_of_objects),
		cmocka_unit_test(test_objects),	      cmocka_unit_test(test_generations),
		cmocka_unit_test(test_lost),	      cmocka_unit_test(test_model),
		cmocka_unit_test(test_heap_again),    cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
