// SPDX-License-Identifier: GPL-2.0
/* perf's records and lines of /proc made by hand, good ones and hostile ones. */
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "source/sideband_records.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* --- perf's records ----------------------------------------------------------------------------- */

/* One of perf's records: a header, a body, what SIDEBAND_SAMPLE puts behind it. */
union made {
	struct perf_event_header h;
	char bytes[65536];
};

static void add(union made *m, const void *from, size_t n)
{
	memcpy(m->bytes + m->h.size, from, n);
	m->h.size = (uint16_t)(m->h.size + n);
}

static void begin(union made *m, uint32_t type, uint16_t misc)
{
	memset(m, 0x5a, sizeof(*m)); /* what lies behind a record is not to be read */
	m->h = (struct perf_event_header){ .type = type, .misc = misc, .size = sizeof(m->h) };
}

static void end(union made *m, uint64_t time)
{
	const uint32_t pid_tid[2] = { 1, 1 }, cpu[2] = { 3, 0 };

	add(m, pid_tid, sizeof(pid_tid));
	add(m, &time, sizeof(time));
	add(m, cpu, sizeof(cpu));
}

/* Padded to 8 bytes with its NUL, as the kernel has it. */
static void add_text(union made *m, const char *text)
{
	add(m, text, strlen(text));
	do
		add(m, "", 1);
	while (m->h.size % 8);
}

static void make_comm(union made *m, uint16_t misc, uint32_t pid, uint32_t tid, const char *comm)
{
	const uint32_t ids[2] = { pid, tid };

	begin(m, PERF_RECORD_COMM, misc);
	add(m, ids, sizeof(ids));
	add_text(m, comm);
	end(m, 100);
}

static void make_task(union made *m, uint32_t type, uint32_t pid, uint32_t ppid, uint32_t tid)
{
	const uint32_t ids[4] = { pid, ppid, tid, ppid };
	const uint64_t time = 1;

	begin(m, type, 0);
	add(m, ids, sizeof(ids));
	add(m, &time, sizeof(time));
	end(m, 101);
}

struct mapping {
	uint32_t pid;
	uint64_t address, bytes, offset, inode;
	uint32_t protection, flags;
};

/* Without its path. */
static void begin_map(union made *m, const struct mapping *map)
{
	const uint32_t ids[2] = { map->pid, 7 };
	const uint32_t device[2] = { map->inode ? 254 : 0, map->inode ? 2 : 0 };
	const uint32_t how[2] = { map->protection, map->flags };
	const uint64_t range[3] = { map->address, map->bytes, map->offset };
	const uint64_t inode[2] = { map->inode, 9 };

	begin(m, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);
	add(m, ids, sizeof(ids));
	add(m, range, sizeof(range));
	add(m, device, sizeof(device));
	add(m, inode, sizeof(inode));
	add(m, how, sizeof(how));
}

static void make_map(union made *m, const struct mapping *map, const char *path)
{
	begin_map(m, map);
	add_text(m, path);
	end(m, 102);
}

/* Records must be valid as those of any source. */
static enum sideband_made convert(const union made *m, union sideband_record *ret)
{
	enum sideband_made made;

	memset(ret, 0xa5, sizeof(*ret));
	made = sideband_from_perf(&m->h, ret);
	if (made == SIDEBAND_MADE && ret->h.kind < SIDEBAND_THREAD) {
		assert_true(event_valid(&ret->h, sizeof(*ret)));
		assert_int_equal(sideband_size(&ret->h), event_size(&ret->h));
	}
	return made;
}

static const struct mapping a_map = { 1009, 0x7f0000001000,	   0x3000,     0x2000,
				      77,   PROT_READ | PROT_EXEC, MAP_PRIVATE };

static void test_map(void **state _unused_)
{
	union sideband_record r;
	union made m;

	make_map(&m, &a_map, "/usr/lib/a b.so");
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_int_equal(r.h.kind, EVENT_MAP);
	assert_int_equal(r.h.time, 102);
	assert_int_equal(r.h.cpu, 3);
	assert_int_equal(r.h.pid, 1009);
	assert_int_equal(r.map.start, 0x7f0000001000);
	assert_int_equal(r.map.bytes, 0x3000);
	assert_int_equal(r.map.offset, 0x2000);
	assert_int_equal(r.map.inode, 77);
	assert_int_equal(r.map.generation, 9);
	assert_int_equal(r.map.major, 254);
	assert_int_equal(r.map.minor, 2);
	assert_int_equal(r.map.protection, PROT_READ | PROT_EXEC);
	assert_int_equal(r.map.shared, 0);
	assert_string_equal(r.map.path, "/usr/lib/a b.so");
	assert_int_equal(r.map.size, strlen("/usr/lib/a b.so") + 1);
}

static void test_map_shared(void **state _unused_)
{
	static const struct {
		uint32_t flags, shared;
	} cases[] = { { MAP_SHARED, 1 },
		      { MAP_SHARED_VALIDATE, 1 },
		      { MAP_SHARED | MAP_HUGETLB, 1 },
		      { MAP_PRIVATE, 0 },
		      { MAP_PRIVATE | MAP_LOCKED, 0 } };
	union sideband_record r;
	struct mapping map = a_map;
	union made m;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		map.flags = cases[i].flags;
		make_map(&m, &map, "/x");
		assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
		assert_int_equal(r.map.shared, cases[i].shared);
	}
}

/* Paths are anybody's. */
static void test_map_paths(void **state _unused_)
{
	static const char *const cases[][2] = {
		{ "//anon", "//anon" },
		{ "", "//anon" },
		{ "/a\nb\n", "/a\\012b\\012" },
		{ "/\x1b[2J\xff\t\\", "/\x1b[2J\xff\t\\" },
		{ "/memfd:x (deleted)", "/memfd:x (deleted)" },
		{ "[heap]", "[heap]" },
	};
	union sideband_record r;
	union made m;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		make_map(&m, &a_map, cases[i][0]);
		assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
		assert_string_equal(r.map.path, cases[i][1]);
	}
}

static void test_map_long_paths(void **state _unused_)
{
	static char path[9000];
	union sideband_record r;
	union made m;

	/* too long */
	memset(path, 'x', sizeof(path) - 1);
	make_map(&m, &a_map, path);
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_int_equal(r.map.size, EVENT_PATH_MAX);
	assert_int_equal(strlen(r.map.path), EVENT_PATH_MAX - 1);
	/* … with newlines: none of them is cut */
	memset(path, '\n', sizeof(path) - 1);
	make_map(&m, &a_map, path);
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_int_equal(strlen(r.map.path), (EVENT_PATH_MAX - 1) / 4 * 4);
	/* no NUL */
	begin_map(&m, &a_map);
	add(&m, "/bin/sed", 8);
	end(&m, 1);
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_string_equal(r.map.path, "/bin/sed");
	/* no path */
	begin_map(&m, &a_map);
	end(&m, 1);
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_string_equal(r.map.path, "//anon");
}

/* The kernel counts pages of such mappings from their address. */
static void test_map_no_file(void **state _unused_)
{
	union sideband_record r;
	struct mapping map = a_map;
	union made m;

	map.inode = 0;
	make_map(&m, &map, "//anon");
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_int_equal(r.map.offset, 0);
}

static void test_map_not_wanted(void **state _unused_)
{
	union sideband_record r;
	struct mapping map = a_map;
	union made m;

	map.pid = UINT32_MAX; /* the kernel's text */
	make_map(&m, &map, "[kernel.kallsyms]_text");
	assert_int_equal(convert(&m, &r), SIDEBAND_NOTHING);
	map = a_map;
	map.bytes = 0;
	make_map(&m, &map, "/x");
	assert_int_equal(convert(&m, &r), SIDEBAND_BAD);
	map.bytes = 0x2000;
	map.address = UINT64_MAX - 0xfff;
	make_map(&m, &map, "/x");
	assert_int_equal(convert(&m, &r), SIDEBAND_BAD);
	map.bytes = 0x1000; /* up to the very end */
	make_map(&m, &map, "/x");
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
}

static void test_comm(void **state _unused_)
{
	union sideband_record r;
	union made m;

	make_comm(&m, PERF_RECORD_MISC_COMM_EXEC, 11, 11, "tr\nue");
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_int_equal(r.process.what, PROCESS_EXEC);
	assert_int_equal(r.h.pid, 11);
	assert_string_equal(r.process.comm, "tr\nue");
	make_comm(&m, 0, 11, 11, "");
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_int_equal(r.process.what, PROCESS_NAME);
	assert_string_equal(r.process.comm, "");
	make_comm(&m, 0, 11, 12, "worker");
	assert_int_equal(convert(&m, &r), SIDEBAND_NOTHING);
	make_comm(&m, 0, 11, 11, "a name of more than fifteen bytes");
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_string_equal(r.process.comm, "a name of more ");
}

static void test_tasks(void **state _unused_)
{
	union sideband_record r;
	union made m;

	make_task(&m, PERF_RECORD_FORK, 13, 11, 13);
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_int_equal(r.h.kind, EVENT_PROCESS);
	assert_int_equal(r.process.what, PROCESS_FORK);
	assert_int_equal(r.h.pid, 13);
	assert_int_equal(r.process.parent, 11);
	make_task(&m, PERF_RECORD_FORK, 13, 13, 14);
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_int_equal(r.h.kind, SIDEBAND_THREAD);
	assert_int_equal(r.thread.tid, 14);
	make_task(&m, PERF_RECORD_EXIT, 13, 11, 14);
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_int_equal(r.h.kind, SIDEBAND_THREAD_EXIT);
	/* of another pid namespace */
	make_task(&m, PERF_RECORD_EXIT, 0, 0, 0);
	assert_int_equal(convert(&m, &r), SIDEBAND_NOTHING);
}

static void make_lost(union made *m, uint64_t n, uint64_t time)
{
	const uint64_t body[2] = { 5, n };

	begin(m, PERF_RECORD_LOST, 0);
	add(m, body, sizeof(body));
	end(m, time);
}

static void test_lost(void **state _unused_)
{
	union sideband_record r;
	union made m;

	make_lost(&m, 1013, 55);
	assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	assert_int_equal(r.h.kind, EVENT_MAPS_LOST);
	assert_int_equal(r.h.time, 55);
	assert_int_equal(r.lost.records, 1013);
}

/* Any record that is cut is bad, whatever its kind; unknown kinds say nothing. */
static void test_cut(void **state _unused_)
{
	static const uint32_t types[] = { PERF_RECORD_LOST, PERF_RECORD_COMM, PERF_RECORD_FORK,
					  PERF_RECORD_EXIT, PERF_RECORD_MMAP2 };
	static const size_t need[] = { 48, 40, 56, 56, 96 };
	union sideband_record r;
	union made m;
	size_t i, size;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		begin(&m, types[i], 0);
		for (size = 8; size < need[i]; size += 8) {
			m.h.size = (uint16_t)size;
			assert_int_equal(convert(&m, &r), SIDEBAND_BAD);
		}
		m.h.size = (uint16_t)size;
		/* a CPU that no kernel has: these bytes are something else */
		assert_int_equal(convert(&m, &r), SIDEBAND_BAD);
		memset(m.bytes + size - 8, 0, 8);
		assert_int_equal(convert(&m, &r), SIDEBAND_MADE);
	}
	begin(&m, 4711, 0);
	assert_int_equal(convert(&m, &r), SIDEBAND_NOTHING);
}

/* --- /proc ---------------------------------------------------------------------------------------- */

static bool from_line(const char *line, union sideband_record *ret)
{
	struct scan s = { .p = line, .end = strchr(line, '\0') };

	memset(ret, 0xa5, sizeof(*ret));
	if (!sideband_from_maps(s, 17, 1000, ret))
		return false;
	assert_true(event_valid(&ret->h, sizeof(*ret)));
	assert_int_equal(ret->h.pid, 17);
	assert_int_equal(ret->h.time, 1000);
	return true;
}

static void test_maps_lines(void **state _unused_)
{
	static const char *const paths[][2] = {
		{ "7ffe0000-7fff0000 rw-p 00000000 00:00 0                          [stack]",
		  "[stack]" },
		{ "10-20 r-xp 00000000 00:00 0    [vdso]", "[vdso]" },
		{ "10-20 rw-p 00000000 00:00 0 ", "//anon" },
		{ "10-20 rw-p 00000000 00:00 0", "//anon" },
		{ "10-20 rw-p 0 00:00 0 [anon:my name]", "[anon:my name]" },
		{ "10-20 rw-s 0 00:01 4 /dev/zero (deleted)", "/dev/zero (deleted)" },
		{ "10-20 r--p 0 08:01 4   /tmp/a\\012b  c ", "/tmp/a\\012b  c " },
		{ "10-20 r--p 0 08:01 4   /\x1b[31m\xff", "/\x1b[31m\xff" },
	};
	union sideband_record r;
	size_t i;

	assert_true(from_line("7fcceb2c7000-7fcceb32d000 r-xs 0017c000 fe:10f "
			      "18446744073709551615   /usr/lib/libc.so.6",
			      &r));
	assert_int_equal(r.map.start, 0x7fcceb2c7000);
	assert_int_equal(r.map.bytes, 0x66000);
	assert_int_equal(r.map.offset, 0x17c000);
	assert_int_equal(r.map.inode, UINT64_MAX);
	assert_int_equal(r.map.major, 0xfe);
	assert_int_equal(r.map.minor, 0x10f);
	assert_int_equal(r.map.protection, PROT_READ | PROT_EXEC);
	assert_int_equal(r.map.shared, 1);
	assert_true(from_line("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]",
			      &r));
	assert_int_equal(r.map.protection, PROT_EXEC);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_true(from_line(paths[i][0], &r));
		assert_string_equal(r.map.path, paths[i][1]);
	}
}

static void test_maps_garbage(void **state _unused_)
{
	static const char *const lines[] = {
		"",
		"x",
		"10",
		"10-",
		"10-20",
		"20-10 rw-p 0 00:00 0",
		"10-10 rw-p 0 00:00 0",
		"10-20 rw",
		"10-20 rwzp 0 00:00 0",
		"10-20 rw-x 0 00:00 0",
		"10-20 rw-p",
		"10-20 rw-p 0 00 0",
		"10-20 rw-p 0 00:00 ",
		"10-20 rw-p 0 00:00 0x1",
		"10-10000000000000000 rw-p 0 00:00 0",
	};
	union sideband_record r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		assert_false(from_line(lines[i], &r));
}

static void test_stat(void **state _unused_)
{
	static const char *const bad[] = { "",
					   ")",
					   "1 (a)",
					   "1 (a) ",
					   "1 (a) S 1 2 3",
					   "1 (a) S 1 2 3 4 5 6 7 8 9",
					   "1 (a) S 1 2 x 4 5 6 7 8 9 " };
	struct sideband_stat stat;
	size_t i;

	assert_true(sideband_parse_stat("1234 (a) b) S 1 1234 1234 34816 -1 4194304 1019 20 31 0 5",
					&stat));
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.flags, 4194304);
	assert_int_equal(stat.minor, 1019);
	assert_int_equal(stat.major, 31);
	assert_true(sideband_parse_stat("1 () S 9 (\n) Z 0 0 0 0 -1 4 18446744073709551615 0 7 0\n",
					&stat));
	assert_int_equal(stat.state, 'Z');
	assert_true(stat.flags & SIDEBAND_PF_EXITING);
	assert_int_equal(stat.minor, UINT64_MAX);
	assert_int_equal(stat.major, 7);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(sideband_parse_stat(bad[i], &stat));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),	    cmocka_unit_test(test_map_shared),
		cmocka_unit_test(test_map_paths),   cmocka_unit_test(test_map_long_paths),
		cmocka_unit_test(test_map_no_file), cmocka_unit_test(test_map_not_wanted),
		cmocka_unit_test(test_comm),	    cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_lost),	    cmocka_unit_test(test_cut),
		cmocka_unit_test(test_maps_lines),  cmocka_unit_test(test_maps_garbage),
		cmocka_unit_test(test_stat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
