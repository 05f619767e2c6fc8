// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fixture.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* «kind:time», space-separated; and the last record of each kind. */
struct seen {
	char text[1 << 16];
	size_t n;
	struct event_alloc alloc;
	struct event_cache cache;
	struct event_task task;
	struct event_stack stack;
	struct event_counters counters;
	struct event_misses misses;
	struct event_start start;
	struct event_page page;
	struct event_page_free page_free; /* of all kinds of it */
	struct event_fallback fallback;
	struct event_work work; /* of all kinds of it */
	struct event_fault fault;
	struct event_fault_counts fault_counts;
	struct event_process process;
	struct event_maps_lost maps_lost;
	union {
		struct event_snapshot snapshot;
		char room[4096];
	};
	union {
		struct event_map map;
		char map_room[sizeof(struct event_map) + EVENT_PATH_MAX];
	};
};

static void *last_of(struct seen *s, unsigned int kind)
{
	switch ((enum event_kind)kind) {
	case EVENT_KMALLOC:
	case EVENT_CACHE_ALLOC:
		return &s->alloc;
	case EVENT_CACHE:
		return &s->cache;
	case EVENT_TASK:
		return &s->task;
	case EVENT_STACK:
		return &s->stack;
	case EVENT_COUNTERS:
		return &s->counters;
	case EVENT_MISSES:
		return &s->misses;
	case EVENT_START:
		return &s->start;
	case EVENT_PAGE_ALLOC:
		return &s->page;
	case EVENT_PAGE_FREE:
	case EVENT_PAGE_REFILL:
	case EVENT_PAGE_DRAIN:
		return &s->page_free;
	case EVENT_PAGE_FALLBACK:
		return &s->fallback;
	case EVENT_PAGE_BULK:
	case EVENT_COMPACTION:
	case EVENT_RECLAIM:
		return &s->work;
	case EVENT_FAULT:
		return &s->fault;
	case EVENT_FAULT_COUNTS:
		return &s->fault_counts;
	case EVENT_PROCESS:
		return &s->process;
	case EVENT_MAP:
		return &s->map;
	case EVENT_MAPS_LOST:
		return &s->maps_lost;
	case EVENT_SNAPSHOT:
		return &s->snapshot;
	default:
		return NULL;
	}
}

static void collect(void *arg, const struct event_header *const *records, size_t n)
{
	struct seen *s = arg;
	size_t i;

	for (i = 0; i < n; i++) {
		void *last = last_of(s, records[i]->kind);

		assert_true(event_valid(records[i], event_size(records[i])));
		if (last)
			memcpy(last, records[i], event_size(records[i]));
		if (s->n < sizeof(s->text) - 64)
			s->n += (size_t)sprintf(s->text + s->n, "%s%u:%llu", s->n ? " " : "",
						records[i]->kind,
						(unsigned long long)records[i]->time);
	}
}

static struct seen *play(const char *script)
{
	struct seen *s = calloc(1, sizeof(*s));

	fixture_play(script, &(struct event_sink){ .consume = collect, .arg = s });
	return s;
}

static void test_all_fields(void **state _unused_)
{
	struct seen *s = play(
		"# a comment\n\n"
		"1 cpu0 start page_size=16384 kmalloc_max=32768 gfp_dma=1 gfp_reclaimable=0x10 "
		"gfp_account=0x400000 n_cpus=3 sample=7 wall_ns=99 selected=1 # and here\n"
		"2 cpu2 kmalloc ptr=0xffff888000000040 site=0xffffffff81000010 req=520 alloc=1024 "
		"gfp=0xcc0 pid=17 stack=5 flags=own,reuse\n"
		"3 cpu1 cache id=0x30 object=10 slab=16 name=\"a \\x1b\\\\\\\"#\"\n"
		"4 cpu1 task pid=19 tid=23 cgroup=29 comm=sh\n"
		"5 cpu0 stack id=31 frames=0x37,41\n"
		"6 cpu1 counters lost=43,47 filtered=53 nulls=59 map_full=61\n"
		"7 cpu0 misses misses=71\n"
		"8 cpu0 end\n");

	assert_string_equal(s->text, "36:1 1:2 5:3 6:4 33:5 34:6 35:7 37:8");
	assert_int_equal(s->start.page_size, 16384);
	assert_int_equal(s->start.gfp_account, 0x400000);
	assert_int_equal(s->start.n_cpus, 3);
	assert_int_equal(s->start.sample, 7);
	assert_int_equal(s->start.wall_ns, 99);
	assert_int_equal(s->start.selected, 1);
	assert_true(s->alloc.ptr == 0xffff888000000040 && s->alloc.site == 0xffffffff81000010);
	assert_true(s->alloc.what == event_pack_sizes(520, 1024));
	assert_int_equal(s->alloc.h.flags, EVENT_OWN | EVENT_REUSE | EVENT_SIZES);
	assert_int_equal(s->alloc.h.cpu, 2);
	assert_int_equal(s->alloc.h.pid, 17);
	assert_int_equal(s->alloc.gfp, 0xcc0);
	assert_int_equal(s->alloc.stack, 5);
	assert_string_equal(s->cache.name, "a \033\\\"#");
	assert_true(s->cache.id == 0x30 && s->cache.object_size == 10 && s->cache.slab_size == 16);
	assert_true(s->task.h.pid == 19 && s->task.tid == 23 && s->task.cgroup == 29);
	assert_string_equal(s->task.comm, "sh");
	assert_true(s->stack.id == 31 && s->stack.n == 2);
	assert_true(s->stack.frames[0] == 0x37 && s->stack.frames[1] == 41);
	assert_true(s->counters.lost[0] == 43 && s->counters.lost[1] == 47);
	assert_true(s->counters.filtered == 53 && s->counters.nulls == 59);
	assert_true(s->counters.map_full == 61);
	assert_int_equal(s->misses.misses, 71);
	free(s);
}

static void test_defaults(void **state _unused_)
{
	struct seen *s = play("0 cpu0 start\n1us cpu0 cache_alloc ptr=32 site=1 cache=64\n"
			      "2ms cpu0 misses misses=unknown\n3s cpu0 end");

	assert_string_equal(s->text, "36:0 2:1000 35:2000000 37:3000000000");
	assert_true(s->start.page_size == 4096 && s->start.kmalloc_max == 8192);
	assert_true(s->start.sample == 1 && s->start.n_cpus == 1);
	assert_true(s->alloc.stack == -1 && s->alloc.what == 64 && !s->alloc.h.flags);
	assert_true(s->misses.misses == EVENT_MISSES_UNKNOWN);
	free(s);
}

static void test_page_fields(void **state _unused_)
{
	struct seen *s =
		play("1 cpu0 start\n"
		     "2 cpu1 page_alloc pfn=0x123456789abc order=9 migratetype=3 gfp=0xdc0 "
		     "pid=17 stack=5 flags=own,reuse\n"
		     "3 cpu2 page_free pfn=0x41 order=255 pid=19\n"
		     "4 cpu3 page_fallback pfn=43 order=2 migratetype=4 from_order=9 "
		     "from_migratetype=1 whole=1 stack=7\n"
		     "5 cpu0 end\n");

	assert_string_equal(s->text, "36:1 7:2 8:3 9:4 37:5");
	assert_int_equal(event_pfn(s->page.block), 0x123456789abc);
	assert_int_equal(event_order(s->page.block), 9);
	assert_int_equal(event_migratetype(s->page.block), 3);
	assert_int_equal(s->page.gfp, 0xdc0);
	assert_int_equal(s->page.h.pid, 17);
	assert_int_equal(s->page.h.cpu, 1);
	assert_int_equal(s->page.stack, 5);
	assert_int_equal(s->page.h.flags, EVENT_OWN | EVENT_REUSE);
	assert_int_equal(s->page_free.block, event_pack_block(0x41, 255, 0));
	assert_int_equal(s->page_free.h.pid, 19);
	assert_int_equal(s->fallback.block, event_pack_block(43, 2, 4));
	assert_true(s->fallback.order == 9 && s->fallback.migratetype == 1);
	assert_true(s->fallback.whole == 1 && s->fallback.stack == 7);
	free(s);
	s = play("0 cpu0 start\n1 cpu0 page_alloc order=1 pfn=none migratetype=2\n"
		 "2 cpu0 page_fallback pfn=1 order=0 migratetype=0 from_order=1 "
		 "from_migratetype=1\n3 cpu0 end");
	assert_int_equal(s->page.block, event_pack_block(EVENT_NO_PFN, 1, 2));
	assert_true(s->page.stack == -1 && s->fallback.stack == -1 && !s->fallback.whole);
	free(s);
}

static void test_page_moves(void **state _unused_)
{
	struct seen *s = play("0 cpu0 start\n1 cpu0 page_refill pfn=64 order=3 migratetype=1\n"
			      "2 cpu0 page_drain pfn=72 order=4 migratetype=5\n"
			      "3 cpu0 page_bulk pages=31\n4 cpu0 end");

	assert_string_equal(s->text, "36:0 10:1 11:2 12:3 37:4");
	assert_int_equal(s->page_free.block, event_pack_block(72, 4, 5));
	assert_int_equal(s->work.pages, 31);
	free(s);
	s = play("0 cpu0 start\n1 cpu0 compaction what=end pfn=4096 status=6\n2 cpu0 end");
	assert_true(s->work.h.kind == EVENT_COMPACTION && s->work.what == 1);
	assert_true(s->work.pfn == 4096 && s->work.status == 6);
	free(s);
	s = play("0 cpu0 start\n1 cpu0 reclaim what=end pages=37\n"
		 "2 cpu0 reclaim what=begin order=4\n2 cpu0 end");
	assert_string_equal(s->text, "36:0 14:1 14:2 37:2");
	assert_true(s->work.what == 0 && s->work.order == 4 && !s->work.pages);
	free(s);
}

static void test_faults(void **state _unused_)
{
	struct seen *s =
		play("0 cpu0 start\n"
		     "20 cpu1 fault address=0x7f0000001234 ip=0x401000 began=12 "
		     "what=major,kernel,access,write,exec,present,copied,around,huge,swap pid=17 "
		     "stack=5 flags=own\n"
		     "21 cpu1 fault_counts what=exit minor=23 major=29 tid=31 pid=37\n"
		     "30 cpu0 end\n");

	assert_string_equal(s->text, "36:0 23:20 24:21 37:30");
	assert_true(s->fault.address == 0x7f0000001234 && s->fault.ip == 0x401000);
	assert_true(s->fault.began == 12 && s->fault.h.pid == 17 && s->fault.stack == 5);
	assert_int_equal(s->fault.h.flags, EVENT_OWN);
	assert_int_equal(s->fault.what, 2047 & ~FAULT_GUP);
	assert_int_equal(s->fault_counts.what, COUNTS_EXIT);
	assert_true(s->fault_counts.minor == 23 && s->fault_counts.major == 29);
	assert_true(s->fault_counts.tid == 31 && s->fault_counts.h.pid == 37);
	free(s);
	s = play("0 cpu0 start\nrepeat 3 step_ns=10 step_ptr=0x1000 5 cpu0 fault address=0x1000 "
		 "ip=0 "
		 "what=gup\n50 cpu0 end");
	assert_string_equal(s->text, "36:0 23:5 23:15 23:25 37:50");
	assert_true(s->fault.address == 0x3000 && s->fault.what == FAULT_GUP);
	assert_true(s->fault.stack == -1 && !s->fault.began);
	free(s);
	s = play(
		"0 cpu0 start\nrepeat 3 step_ns=10 5 cpu0 fault address=0 ip=0 what=minor began=4\n"
		"60 cpu0 end");
	assert_int_equal(s->fault.what, 0);
	assert_true(s->fault.h.time == 25 && s->fault.began == 24);
	free(s);
}

/* What comes from /proc goes through no lane: the ring's records that stand above are older, or late. */
static void test_fault_counts(void **state _unused_)
{
	struct seen *s = play("0 cpu0 start\n"
			      "5 cpu1 fault address=1 ip=1\n"
			      "9 cpu1 fault_counts what=exit minor=1 major=0\n"
			      "7 cpu0 fault_counts what=start minor=2 major=0\n"
			      "8 cpu1 fault address=1 ip=1\n"
			      "10 cpu0 fault_counts what=end minor=3 major=1\n"
			      "30 cpu0 end\n");

	assert_string_equal(s->text, "36:0 23:5 24:7 23:8 24:9 24:10 37:30");
	assert_true(s->fault_counts.what == COUNTS_END && s->fault_counts.minor == 3);
	free(s);
}

static void test_processes(void **state _unused_)
{
	struct seen *s = play("0 cpu0 start\n"
			      "1 cpu0 process what=there pid=17 comm=\"a sh\"\n"
			      "2 cpu0 map pid=17 start=0x400000 bytes=0x3000 path=\"/b\\x1b c\" "
			      "offset=0x5000 inode=7 major=8 minor=11 protection=rx shared=1\n"
			      "3 cpu0 process what=fork pid=19 parent=17\n"
			      "4 cpu0 maps_lost records=13\n"
			      "9 cpu0 end\n");

	assert_string_equal(s->text, "36:0 39:1 40:2 39:3 41:4 37:9");
	assert_true(s->map.h.pid == 17 && s->map.start == 0x400000 && s->map.bytes == 0x3000);
	assert_true(s->map.offset == 0x5000 && s->map.inode == 7);
	assert_true(s->map.major == 8 && s->map.minor == 11 && s->map.shared == 1);
	assert_int_equal(s->map.protection, 1 | 4); /* PROT_READ, PROT_EXEC */
	assert_string_equal(s->map.path, "/b\033 c");
	assert_int_equal(s->map.size, 6);
	assert_int_equal(s->process.what, PROCESS_FORK);
	assert_true(s->process.h.pid == 19 && s->process.parent == 17);
	assert_int_equal(s->maps_lost.records, 13);
	free(s);
	s = play("0 cpu0 start\n1 cpu0 process what=exec pid=17 comm=012345678901234\n"
		 "2 cpu0 map pid=1 start=0xfffffffffffff000 bytes=4096 path=\"\"\n3 cpu0 end");
	assert_int_equal(s->process.what, PROCESS_EXEC);
	assert_string_equal(s->process.comm, "012345678901234");
	assert_true(s->map.size == 1 && !s->map.path[0] && !s->map.protection);
	free(s);
	s = play("0 cpu0 start\n1 cpu0 snapshot file=vmstat <<X\npgfault 1\nX\n2 cpu0 end");
	assert_int_equal(s->snapshot.h.flags, SNAPSHOT_VMSTAT);
	free(s);
}

/* A path as long as one can be, and one that is longer. */
static void test_long_path(void **state _unused_)
{
	char script[EVENT_PATH_MAX + 200];
	struct source *source = NULL;
	struct seen *s;
	int n = snprintf(script, sizeof(script),
			 "0 cpu0 start\n1 cpu0 map pid=1 start=4096 bytes=1 path=");

	memset(script + n, 'x', EVENT_PATH_MAX - 1);
	strcpy(script + n + EVENT_PATH_MAX - 1, "\n2 cpu0 end");
	s = play(script);
	assert_int_equal(s->map.size, EVENT_PATH_MAX);
	free(s);
	strcpy(script + n + EVENT_PATH_MAX - 1, "x\n2 cpu0 end");
	assert_int_equal(synth_open(script, &source, NULL), -EINVAL);
}

/* The frame moves; a failed allocation stays one; beyond 48 bits it begins again. */
static void test_step_pfn(void **state _unused_)
{
	struct seen *s = play("0 cpu0 start\nrepeat 3 step_ns=10 step_pfn=8 5 cpu0 page_free "
			      "pfn=0x100 order=3\n"
			      "repeat 5 step_pfn=2 50 cpu0 page_alloc pfn=none order=1 "
			      "migratetype=4\n60 cpu0 end\n");

	assert_string_equal(s->text, "36:0 8:5 8:15 8:25 7:50 7:50 7:50 7:50 7:50 37:60");
	assert_int_equal(s->page_free.block, event_pack_block(0x110, 3, 0));
	assert_int_equal(s->page.block, event_pack_block(EVENT_NO_PFN, 1, 4));
	free(s);
	s = play("0 cpu0 start\nrepeat 2 step_pfn=3 5 cpu0 page_free pfn=0xfffffffffffe order=2\n"
		 "6 cpu0 end");
	assert_int_equal(s->page_free.block, event_pack_block(1, 2, 0));
	free(s);
}

/* Text is taken as it stands, lines like the script's own too. */
static void test_text(void **state _unused_)
{
	struct seen *s = play("0 cpu0 start\n5 cpu0 snapshot file=buddyinfo before=2 <<EOF # why\n"
			      "Node 0, zone # \"a\n\n EOF\nEOF2\n9 cpu0 end\nEOF\n"
			      "7 cpu0 kfree ptr=1\n8 cpu0 end\n");

	assert_string_equal(s->text, "36:0 38:5 3:7 37:8");
	assert_int_equal(s->snapshot.h.flags, SNAPSHOT_BUDDYINFO);
	assert_int_equal(s->snapshot.before, 2);
	assert_string_equal((const char *)s->snapshot.data,
			    "Node 0, zone # \"a\n\n EOF\nEOF2\n9 cpu0 end\n");
	assert_int_equal(s->snapshot.size, strlen((const char *)s->snapshot.data) + 1);
	free(s);
	s = play("0 cpu0 start\n3 cpu1 snapshot file=gfp <<X\nX\n4 cpu0 end");
	assert_true(s->snapshot.h.flags == SNAPSHOT_GFP && s->snapshot.before == 3);
	assert_true(s->snapshot.size == 1 && !s->snapshot.data[0]);
	free(s);
}

static void test_runs(void **state _unused_)
{
	struct seen *s = play("0 cpu0 start\n5 cpu0 snapshot file=frames before=1ms first=4096 "
			      "last=1 runs=free:1024,movable:512,unmovable:3,"
			      "hole:0xffffffffffffff\n8 cpu0 end\n");
	const uint64_t runs[] = { snapshot_run(FRAME_FREE, 1024), snapshot_run(FRAME_MOVABLE, 512),
				  snapshot_run(FRAME_UNMOVABLE, 3),
				  snapshot_run(FRAME_HOLE, (1ull << 56) - 1) };

	assert_true(s->snapshot.h.flags == SNAPSHOT_FRAMES && s->snapshot.before == 1000000);
	assert_true(s->snapshot.first == 4096 && s->snapshot.last == 1);
	assert_int_equal(s->snapshot.size, sizeof(runs));
	assert_memory_equal(s->snapshot.data, runs, sizeof(runs));
	free(s);
}

/* A CPU's records stand in the order of its ring; what comes out is in order of time. */
static void test_merged(void **state _unused_)
{
	struct seen *s = play("0 cpu0 start\n"
			      "30 cpu0 kfree ptr=32\n20 cpu0 kfree ptr=32\n"
			      "25 cpu1 kfree ptr=32\n40 cpu1 kfree ptr=32\n"
			      "35 cpu0 tick\n"
			      "33 cpu1 kfree ptr=32\n" /* late */
			      "50 cpu0 end\n");

	assert_string_equal(s->text, "36:0 3:20 3:25 3:30 32:35 3:33 3:40 37:50");
	free(s);
}

/* More than a lane holds: nothing is lost, and nothing late. */
static void test_repeat(void **state _unused_)
{
	struct source *source = NULL;
	struct seen *s = play("0 cpu0 start\n"
			      "repeat 3 step_ns=10 step_ptr=0x40 5 cpu0 kmalloc ptr=0x100 site=1 "
			      "req=1 alloc=8\n"
			      "repeat 2 step_ns=10 8 cpu1 kfree ptr=0x100\n30 cpu0 end\n");

	assert_string_equal(s->text, "36:0 1:5 3:8 1:15 3:18 1:25 37:30");
	assert_int_equal(s->alloc.ptr, 0x180);
	assert_int_equal(synth_open("0 cpu0 start\nrepeat 2 5 cpu0 tick\n6 cpu0 end", &source,
				    NULL),
			 -EINVAL);
	free(s);
}

struct order {
	uint64_t last, n;
	bool sorted;
};

static void check_order(void *arg, const struct event_header *const *records, size_t n)
{
	struct order *o = arg;
	size_t i;

	for (i = 0; i < n; i++, o->n++) {
		o->sorted &= records[i]->time >= o->last;
		o->last = records[i]->time;
	}
}

static void test_more_than_a_lane_holds(void **state _unused_)
{
	struct order o = { .sorted = true };

	fixture_play("0 cpu0 start\n"
		     "repeat 100003 step_ns=10 1 cpu0 kfree ptr=32\n"
		     "repeat 20011 step_ns=1us 2 cpu1 kfree ptr=32\n"
		     "1s cpu0 end\n",
		     &(struct event_sink){ .consume = check_order, .arg = &o });
	assert_int_equal(o.n, 100003 + 20011 + 2);
	assert_true(o.sorted);
}

static void test_reads_one_by_one(void **state _unused_)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct event_sink sink = { .consume = collect, .arg = seen };
	struct source *s = NULL;

	assert_int_equal(synth_open("0 cpu0 start\n5 cpu0 kfree ptr=32\n25 cpu0 kfree ptr=32\n"
				    "20 cpu0 tick\n30 cpu0 tick\n40 cpu0 end",
				    &s, NULL),
			 0);
	assert_int_equal(s->ops->fd(s), -1);
	assert_int_equal(s->ops->start(s, NULL), 0);
	assert_int_equal(s->ops->read(s, &sink), 1);
	assert_string_equal(seen->text, "36:0");
	assert_int_equal(s->ops->read(s, &sink), 1);
	assert_string_equal(seen->text, "36:0 3:5 32:20");
	s->ops->stop(s);
	s->ops->stop(s);
	assert_int_equal(s->ops->read(s, &sink), 0);
	assert_string_equal(seen->text, "36:0 3:5 32:20 3:25 37:25");
	assert_int_equal(s->ops->read(s, &sink), 0);
	assert_string_equal(seen->text, "36:0 3:5 32:20 3:25 37:25");
	source_free(&s);
	assert_null(s);
	free(seen);
}

static void assert_bad(const char *line, const char *said)
{
	char script[400], where[32];
	struct failure f = { 0 };
	struct source *s = NULL;

	snprintf(script, sizeof(script), "0 cpu0 start\n\n%s\n9 cpu0 end\n", line);
	assert_int_equal(synth_open(script, &s, &f), -EINVAL);
	assert_null(s);
	assert_int_equal(f.kind, FAILURE_USAGE);
	snprintf(where, sizeof(where), "line 3: ");
	if (!strstr(f.text, where) || !strstr(f.text, said))
		fail_msg("«%s»: «%s»", line, f.text);
}

static void test_bad_lines(void **state _unused_)
{
	assert_bad("x cpu0 tick", "«x»: not a time");
	assert_bad("-1 cpu0 tick", "not a time");
	assert_bad("1h cpu0 tick", "not a time");
	assert_bad("99999999999999999999 cpu0 tick", "not a time");
	assert_bad("99999999999s cpu0 tick", "not a time");
	assert_bad("1", "cpuN is missing");
	assert_bad("1 0 tick", "cpuN is missing");
	assert_bad("1 cpu256 tick", "«cpu256»");
	assert_bad("1 cpu0", "no such kind");
	assert_bad("1 cpu0 malloc ptr=1", "«malloc»: no such kind");
	assert_bad("1 cpu0 kfree", "«kfree»: a key that it needs is missing");
	assert_bad("1 cpu0 kfree ptr", "not key=value");
	assert_bad("1 cpu0 kfree ptr=", "bad value");
	assert_bad("1 cpu0 kfree ptr=12q", "bad value");
	assert_bad("1 cpu0 kfree ptr=1 ptr=2", "given twice");
	assert_bad("1 cpu0 kfree ptr=1 site=2", "«site=2»: this kind has no such key");
	assert_bad("1 cpu0 kfree pid=4294967296 ptr=1", "bad value");
	assert_bad("1 cpu0 kmalloc ptr=1 site=2 req=3", "missing");
	assert_bad("1 cpu0 kmalloc ptr=1 site=2 req=3 alloc=8 flags=reused", "bad value");
	assert_bad("1 cpu0 kmalloc ptr=1 site=2 req=3 alloc=8 cache=1", "no such key");
	assert_bad("1 cpu0 kmalloc ptr=1 site=2 req=3 alloc=8 stack=2147483648", "bad value");
	assert_bad("1 cpu0 cache_alloc ptr=1 site=2", "either cache=");
	assert_bad("1 cpu0 cache_alloc ptr=1 site=2 req=3", "either cache=");
	assert_bad("1 cpu0 cache_alloc ptr=1 site=2 req=3 cache=4", "either cache=");
	assert_bad("1 cpu0 cache id=1 object=1 slab=1 name=\"\\q\"", "bad value");
	assert_bad("1 cpu0 cache id=1 object=1 slab=1 name=\"\\x1\"", "bad value");
	assert_bad("1 cpu0 cache id=1 object=1 slab=1 name=\"open", "bad value");
	assert_bad("1 cpu0 cache id=1 object=1 slab=1 "
		   "name=012345678901234567890123456789012345678901234567",
		   "bad value");
	assert_bad("1 cpu0 task pid=1 comm=01234567890123456", "bad value");
	assert_bad("1 cpu0 stack id=1 frames=", "bad value");
	assert_bad("1 cpu0 stack id=1 frames=1,", "bad value");
	assert_bad("1 cpu0 stack id=1 frames=1;2", "bad value");
	assert_bad("1 cpu0 counters lost=1", "bad value");
	assert_bad("1 cpu0 counters lost=1,2,3", "bad value");
	assert_bad("1 cpu0 misses misses=none", "bad value");
	assert_bad("repeat", "how often");
	assert_bad("repeat 10000001 1 cpu0 kfree ptr=1", "too much");
	assert_bad("repeat 2 step_pid=1 1 cpu0 kfree ptr=1", "there are only step_ns=");
	assert_bad("repeat 2 step_ns=x 1 cpu0 kfree ptr=1", "not a number");
	assert_bad("repeat 2 step_ns=1", "what to repeat is missing");
	assert_bad("repeat 2 step_ptr=1 step_pfn=1 1 cpu0 kfree ptr=1", "given twice");
	assert_bad("repeat 2 step_pfn=1x 1 cpu0 page_free pfn=1 order=0", "not a number");
	assert_bad("repeat 2 step_pfn=1 1 cpu0 kfree ptr=1", "has not what the step is of");
	assert_bad("repeat 2 step_ptr=1 1 cpu0 page_bulk pages=1", "has not what the step is of");
	assert_bad("1 cpu0 start", "start is the first");
}

static void test_bad_page_lines(void **state _unused_)
{
	assert_bad("1 cpu0 page_alloc order=1", "missing");
	assert_bad("1 cpu0 page_alloc pfn=1", "missing");
	assert_bad("1 cpu0 page_alloc pfn=nil order=1", "bad value");
	assert_bad("1 cpu0 page_alloc pfn=0xffffffffffff order=1", "bad value");
	assert_bad("1 cpu0 page_alloc pfn=1 order=256", "bad value");
	assert_bad("1 cpu0 page_alloc pfn=1 order=1 migratetype=256", "bad value");
	assert_bad("1 cpu0 page_alloc pfn=1 order=1 flags=mine", "bad value");
	assert_bad("1 cpu0 page_free pfn=1 order=1 migratetype=1", "no such key");
	assert_bad("1 cpu0 page_fallback pfn=1 order=1 migratetype=1 from_order=1", "missing");
	assert_bad("1 cpu0 page_fallback pfn=1 order=1 migratetype=1 from_order=256 "
		   "from_migratetype=1",
		   "bad value");
	assert_bad("1 cpu0 page_bulk", "missing");
	assert_bad("1 cpu0 page_bulk pages=4294967296", "bad value");
	assert_bad("1 cpu0 compaction pfn=1", "missing");
	assert_bad("1 cpu0 compaction what=2", "bad value");
	assert_bad("1 cpu0 reclaim what=begins", "bad value");
}

static void test_bad_fault_lines(void **state _unused_)
{
	assert_bad("1 cpu0 fault ip=1", "missing");
	assert_bad("1 cpu0 fault address=1", "missing");
	assert_bad("1 cpu0 fault address=1 ip=1 what=big", "bad value");
	assert_bad("1 cpu0 fault address=1 ip=1 what=minor,major", "bad value");
	assert_bad("1 cpu0 fault address=1 ip=1 what=,write", "bad value");
	assert_bad("1 cpu0 fault address=1 ip=1 began=x", "bad value");
	assert_bad("1 cpu0 fault address=1 ip=1 flags=,own", "bad value");
	assert_bad("1 cpu0 fault address=1 ip=1 tid=1", "no such key");
	assert_bad("1 cpu0 fault_counts what=exit minor=1", "missing");
	assert_bad("1 cpu0 fault_counts what=begin minor=1 major=1", "bad value");
	assert_bad("repeat 2 1 cpu0 fault_counts what=end minor=1 major=1", "can't be repeated");
	assert_bad("1 cpu0 process what=there", "«process»: a key that it needs is missing");
	assert_bad("1 cpu0 process pid=1", "missing");
	assert_bad("1 cpu0 process what=clone pid=1", "bad value");
	assert_bad("1 cpu0 process what=fork pid=1", "parent= goes with");
	assert_bad("1 cpu0 process what=exec pid=1 parent=2", "parent= goes with");
	assert_bad("1 cpu0 process what=exit pid=1 comm=a", "have no comm=");
	assert_bad("1 cpu0 process what=fork pid=1 parent=2 comm=a", "have no comm=");
	assert_bad("1 cpu0 process what=name pid=1 comm=0123456789012345", "bad value");
	assert_bad("1 cpu0 map start=0 bytes=1 path=a", "missing");
	assert_bad("1 cpu0 map pid=1 start=0 bytes=1", "missing");
	assert_bad("1 cpu0 map pid=1 start=0 bytes=0 path=a", "addresses");
	assert_bad("1 cpu0 map pid=1 start=0xfffffffffffff000 bytes=4097 path=a", "addresses");
	assert_bad("1 cpu0 map pid=1 start=0 bytes=1 path=a protection=rws", "bad value");
	assert_bad("1 cpu0 maps_lost", "missing");
	assert_bad("repeat 2 1 cpu0 maps_lost records=1", "can't be repeated");
}

static void test_bad_snapshots(void **state _unused_)
{
	assert_bad("1 cpu0 snapshot <<END\nEND", "missing");
	assert_bad("1 cpu0 snapshot file=cpuinfo <<END\nEND", "bad value");
	assert_bad("1 cpu0 snapshot file=gfp", "«snapshot»: its text is missing");
	assert_bad("1 cpu0 snapshot file=gfp <<", "«<<»");
	assert_bad("1 cpu0 snapshot file=gfp <<END before=1\nEND",
		   "«before=1»: nothing follows <<");
	assert_bad("1 cpu0 snapshot file=gfp <<END\nx\nEND ", "the end of its text is missing");
	assert_bad("1 cpu0 snapshot file=gfp before=x <<END\nEND", "bad value");
	assert_bad("1 cpu0 snapshot file=gfp first=1 <<END\nEND", "only frames have");
	assert_bad("1 cpu0 snapshot file=frames", "runs= is needed");
	assert_bad("1 cpu0 snapshot file=frames runs=free:1 <<END\nEND", "this has no text");
	assert_bad("1 cpu0 kfree ptr=1 <<END\nEND", "this has no text");
	assert_bad("1 cpu0 snapshot file=frames runs=", "bad value");
	assert_bad("1 cpu0 snapshot file=frames runs=free", "bad value");
	assert_bad("1 cpu0 snapshot file=frames runs=free:", "bad value");
	assert_bad("1 cpu0 snapshot file=frames runs=fre:1", "bad value");
	assert_bad("1 cpu0 snapshot file=frames runs=free:1,", "bad value");
	assert_bad("1 cpu0 snapshot file=frames runs=free:0x100000000000000", "bad value");
	assert_bad("repeat 2 1 cpu0 snapshot file=frames runs=free:1", "can't be repeated");
}

static void test_most_runs(void **state _unused_)
{
	char script[4096] = "0 cpu0 start\n1 cpu0 snapshot file=frames runs=hole:1";
	size_t n = strlen(script);
	struct source *s = NULL;
	struct failure f = { 0 };
	int i;

	for (i = 1; i < 256; i++)
		n += (size_t)sprintf(script + n, ",free:%d", i);
	strcpy(script + n, "\n2 cpu0 end");
	assert_int_equal(synth_open(script, &s, &f), 0);
	source_free(&s);
	strcpy(script + n, ",free:1\n2 cpu0 end");
	assert_int_equal(synth_open(script, &s, &f), -EINVAL);
	assert_non_null(strstr(f.text, "line 2: "));
}

/* Lines of a text count. */
static void test_line_numbers(void **state _unused_)
{
	struct failure f = { 0 };
	struct source *s = NULL;

	assert_int_equal(synth_open("0 cpu0 start\n1 cpu0 snapshot file=gfp <<E\n\n\nE\nbad", &s,
				    &f),
			 -EINVAL);
	assert_non_null(strstr(f.text, "line 6: «bad»"));
	assert_int_equal(synth_open("0 cpu0 start\n1 cpu0 snapshot file=gfp <<E", &s, &f), -EINVAL);
	assert_non_null(strstr(f.text, "line 2: «snapshot»: the end of its text"));
}

static void test_bad_frames(void **state _unused_)
{
	char line[1024] = "1 cpu0 stack id=1 frames=1";
	char script[1200];
	struct failure f = { 0 };
	struct source *s = NULL;
	int i;

	for (i = 1; i < EVENT_STACK_DEPTH; i++)
		strcat(line, ",1");
	snprintf(script, sizeof(script), "0 cpu0 start\n%s\n9 cpu0 end", line);
	assert_int_equal(synth_open(script, &s, &f), 0);
	source_free(&s);
	snprintf(script, sizeof(script), "0 cpu0 start\n%s,1\n9 cpu0 end", line);
	assert_int_equal(synth_open(script, &s, &f), -EINVAL);
}

static void test_ends(void **state _unused_)
{
	struct failure f = { 0 };
	struct source *s = NULL;

	assert_int_equal(synth_open("", &s, &f), -EINVAL);
	assert_non_null(strstr(f.text, "end is missing"));
	assert_int_equal(synth_open("1 cpu0 end", &s, &f), -EINVAL);
	assert_non_null(strstr(f.text, "line 1: «end»: start is the first"));
	assert_int_equal(synth_open("1 cpu0 start\n", &s, &f), -EINVAL);
	assert_non_null(strstr(f.text, "end is missing"));
	assert_int_equal(synth_open("1 cpu0 start\n2 cpu0 end\n3 cpu0 tick", &s, &f), -EINVAL);
	assert_non_null(strstr(f.text, "line 3: «tick»: nothing follows end"));
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fields),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_page_fields),
		cmocka_unit_test(test_page_moves),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_fault_counts),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_step_pfn),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_merged),
		cmocka_unit_test(test_repeat),
		cmocka_unit_test(test_more_than_a_lane_holds),
		cmocka_unit_test(test_reads_one_by_one),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_bad_frames),
		cmocka_unit_test(test_bad_page_lines),
		cmocka_unit_test(test_bad_fault_lines),
		cmocka_unit_test(test_bad_snapshots),
		cmocka_unit_test(test_most_runs),
		cmocka_unit_test(test_line_numbers),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
