// SPDX-License-Identifier: GPL-2.0
/* The books of page faults: what the golden scripts do not reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/faults.h"
#include "fixture.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define COUNTS "0 cpu0 start hooked=196608\n" /* and mappings */
#define LOOK   "4 cpu0 snapshot file=vmstat <<X\npgfault 100\npgmajfault 3\nX\n"
#define END    "1s cpu0 end\n"

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	faults_consume(arg, records, n);
}

static struct faults play(enum ledger_by by, const char *script)
{
	struct faults f;

	faults_init(&f, by);
	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = &f });
	assert_false(f.stream.oom || f.spaces.oom);
	return f;
}

/* «COMM PID PROCESSES MINOR+MAJOR GUP», by row. */
static const char *rows(const struct faults *f)
{
	static char text[1024];
	size_t n = 0, i;

	text[0] = '\0';
	for (i = 0; i < f->rows.n; i++) {
		const struct fault_row *r = &f->rows.items[i];
		const struct fault_tally *t = &r->tally;

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %u %u %llu+%llu %llu",
				      n ? ", " : "", *r->comm ? r->comm : "-", r->pid, r->processes,
				      (unsigned long long)t->n[FAULT_CLASS_MINOR],
				      (unsigned long long)t->n[FAULT_CLASS_MAJOR],
				      (unsigned long long)(t->gup[0] + t->gup[1]));
		assert_true(n < sizeof(text));
	}
	return text;
}

static void assert_rows(enum ledger_by by, const char *script, const char *expected)
{
	struct faults f = play(by, script);

	assert_string_equal(rows(&f), expected);
	faults_free(&f);
}

/* --- rows ------------------------------------------------------------------------------------------------ */

#define PROGRAMS                                                    \
	"0 cpu0 start n_cpus=2\n"                                   \
	"1 cpu0 process what=there pid=10 comm=sh\n"                \
	"5 cpu0 task pid=10 tid=10 cgroup=1 comm=sh\n"              \
	"5 cpu1 task pid=10 tid=11 cgroup=1 comm=thread\n"          \
	"repeat 3 step_ns=2 6 cpu0 fault address=1 ip=1 pid=10\n"   \
	"repeat 3 step_ns=2 7 cpu1 fault address=1 ip=1 pid=10\n"   \
	"20 cpu0 process what=fork pid=12 parent=10\n"              \
	"20 cpu0 task pid=12 tid=12 cgroup=1 comm=sh\n"             \
	"21 cpu0 fault address=1 ip=1 pid=12\n"                     \
	"22 cpu0 process what=exec pid=12 comm=ls\n"                \
	"22 cpu0 task pid=12 tid=12 cgroup=1 comm=ls\n"             \
	"repeat 2 23 cpu0 fault address=1 ip=1 pid=12 what=major\n" \
	"24 cpu0 process what=exec pid=12 comm=ls\n"                \
	"25 cpu0 fault address=1 ip=1 pid=12\n"                     \
	"26 cpu0 process what=exit pid=12\n"                        \
	"27 cpu0 process what=fork pid=12 parent=10\n"              \
	"27 cpu0 task pid=12 tid=12 cgroup=2 comm=sh\n"             \
	"28 cpu0 fault address=1 ip=1 pid=12\n" END

/* Names that a process goes back to are rows that it goes back to. */
static void test_renamed(void **state _unused_)
{
	assert_rows(LEDGER_BY_PID,
		    "0 cpu0 start n_cpus=1\n"
		    "1 cpu0 process what=there pid=10 comm=idle\n"
		    "5 cpu0 task pid=10 tid=10 cgroup=1 comm=idle\n"
		    "6 cpu0 fault address=1 ip=1 pid=10\n"
		    "7 cpu0 process what=name pid=10 comm=busy\n"
		    "8 cpu0 fault address=1 ip=1 pid=10\n"
		    "9 cpu0 process what=name pid=10 comm=busy\n"
		    "10 cpu0 fault address=1 ip=1 pid=10\n"
		    "11 cpu0 process what=name pid=10 comm=idle\n"
		    "12 cpu0 fault address=1 ip=1 pid=10\n" END,
		    "idle 10 1 2+0 0, busy 10 1 2+0 0");
}

static void test_rows(void **state _unused_)
{
	assert_rows(LEDGER_BY_PID, PROGRAMS,
		    "sh 10 1 6+0 0, sh 12 1 1+0 0, ls 12 1 1+2 0, sh 12 1 1+0 0");
	/* a process is one, however often it executes a program of the same name */
	assert_rows(LEDGER_BY_COMM, PROGRAMS, "sh 0 3 8+0 0, ls 12 1 1+2 0");
	/* … and however many names its threads have */
	assert_rows(LEDGER_BY_CGROUP, PROGRAMS, "- 0 2 8+2 0, - 12 1 1+0 0");
}

/* One that was not told is named by the task that runs; one that moves is in two cgroups. */
static void test_names(void **state _unused_)
{
	static const char script[] = "0 cpu0 start\n"
				     "1 cpu0 fault address=1 ip=1 pid=3\n"
				     "2 cpu0 task pid=4 tid=4 cgroup=7 comm=0123456789abcdef\n"
				     "3 cpu0 fault address=1 ip=1 pid=4\n"
				     "4 cpu0 task pid=4 tid=4 cgroup=8 comm=other\n"
				     "repeat 2 5 cpu0 fault address=1 ip=1 pid=4\n" END;
	struct faults f;

	assert_rows(LEDGER_BY_PID, script, "- 3 1 1+0 0, 0123456789abcde 4 1 3+0 0");
	f = play(LEDGER_BY_CGROUP, script);
	assert_string_equal(rows(&f), "- 3 1 1+0 0, - 4 1 1+0 0, - 4 1 2+0 0");
	assert_int_equal(f.rows.items[0].key, 0);
	assert_int_equal(f.rows.items[2].key, 8);
	faults_free(&f);
	assert_rows(LEDGER_BY_PID,
		    "0 cpu0 start\n1 cpu0 process what=there pid=1 comm=a\n"
		    "2 cpu0 fault address=1 ip=1 pid=1\n3 cpu0 process what=there pid=1 comm=a\n"
		    "4 cpu0 fault address=1 ip=1 pid=1\n5 cpu0 process what=name pid=1 comm=b\n"
		    "6 cpu0 fault address=1 ip=1 pid=1\n" END,
		    "a 1 1 2+0 0, b 1 1 1+0 0");
}

static void fault(struct faults *f, uint64_t time, uint32_t pid)
{
	struct event_fault e = { .h = { .time = time, .kind = EVENT_FAULT, .pid = pid },
				 .address = 0x1000,
				 .ip = 0x2000,
				 .stack = -1 };
	const struct event_header *h = &e.h;

	faults_consume(f, &h, 1);
}

/* Beyond the limit processes are counted by name, and none is lost. */
static void test_folding(void **state _unused_)
{
	struct event_process e = { .h = { .kind = EVENT_PROCESS }, .what = PROCESS_EXEC };
	const struct event_header *h = &e.h;
	uint64_t sum = 0, processes = 0;
	struct faults f;
	uint32_t i;

	faults_init(&f, LEDGER_BY_PID);
	for (i = 1; i <= FAULTS_ROWS_MAX + 107; i++) {
		e.h.pid = i;
		strcpy(e.comm, i % 3 ? "many" : "few");
		faults_consume(&f, &h, 1);
		fault(&f, i, i);
		fault(&f, i, 1);
		assert_true(f.rows_full == (i > FAULTS_ROWS_MAX));
	}
	assert_int_equal(f.rows.n, FAULTS_ROWS_MAX + 2);
	for (i = 0; i < f.rows.n; i++) {
		sum += f.rows.items[i].tally.n[FAULT_CLASS_MINOR];
		processes += f.rows.items[i].processes;
	}
	assert_int_equal(sum, 2 * (FAULTS_ROWS_MAX + 107));
	assert_int_equal(processes, FAULTS_ROWS_MAX + 107);
	assert_int_equal(f.rows.items[FAULTS_ROWS_MAX].pid, 0);
	assert_int_equal(f.rows.items[0].tally.n[FAULT_CLASS_MINOR], FAULTS_ROWS_MAX + 108);
	faults_free(&f);
}

/* --- what get_user_pages() took --------------------------------------------------------------------------- */

static void assert_gup(const char *script, uint64_t counted, uint64_t unknown, const char *expected)
{
	struct faults f = play(LEDGER_BY_PID, script);

	assert_int_equal(f.gup_counted, counted);
	assert_int_equal(f.gup_unknown, unknown);
	assert_string_equal(rows(&f), expected);
	faults_free(&f);
}

/* What was counted at the end, less what was at the start, less what was told. */
static void test_gup_of_what_was_there(void **state _unused_)
{
	assert_gup(COUNTS "1 cpu0 process what=there pid=1 comm=a\n" LOOK
			  "5 cpu0 fault_counts what=start pid=1 minor=1000 major=5\n"
			  "repeat 7 6 cpu0 fault address=1 ip=1 pid=1\n"
			  "repeat 2 6 cpu0 fault address=1 ip=1 pid=1 what=major\n"
			  "7 cpu0 fault_counts what=end pid=1 minor=1018 major=10\n" END,
		   11 + 3, 0, "a 1 1 7+2 14");
	/* what came before the first reading is in it */
	assert_gup(COUNTS "1 cpu0 process what=there pid=1 comm=a\n"
			  "repeat 9 2 cpu0 fault address=1 ip=1 pid=1\n" LOOK
			  "5 cpu0 fault_counts what=start pid=1 minor=1000 major=5\n"
			  "repeat 7 6 cpu0 fault address=1 ip=1 pid=1\n"
			  "7 cpu0 fault_counts what=end pid=1 minor=1009 major=5\n" END,
		   2, 0, "a 1 1 16+0 2");
	/* told more than was counted: the two are not read at once */
	assert_gup(COUNTS LOOK "5 cpu0 fault_counts what=start pid=1 minor=1000 major=5\n"
			       "repeat 7 6 cpu0 fault address=1 ip=1 pid=1\n"
			       "7 cpu0 fault_counts what=end pid=1 minor=1006 major=4\n" END,
		   0, 0, "- 1 1 7+0 0");
}

/* Threads that end take their counts with them: those of before the first reading are not in it. */
static void test_gup_of_threads(void **state _unused_)
{
	assert_gup(COUNTS LOOK "5 cpu0 fault_counts what=start pid=1 minor=1000 major=5\n"
			       "repeat 7 6 cpu0 fault address=1 ip=1 pid=1\n"
			       "7 cpu0 fault_counts what=exit pid=1 tid=2 minor=100 major=1\n"
			       "8 cpu0 fault_counts what=exit pid=1 tid=3 minor=200 major=1\n"
			       "9 cpu0 fault_counts what=end pid=1 minor=720 major=3\n" END,
		   13, 0, "- 1 1 7+0 13");
	assert_gup(COUNTS "2 cpu0 fault address=1 ip=1 pid=1\n"
			  "3 cpu0 fault_counts what=exit pid=1 tid=2 minor=500 major=2\n" LOOK
			  "5 cpu0 fault_counts what=start pid=1 minor=1000 major=5\n"
			  "repeat 7 6 cpu0 fault address=1 ip=1 pid=1\n"
			  "7 cpu0 fault_counts what=end pid=1 minor=1010 major=5\n" END,
		   3, 0, "- 1 1 8+0 3");
	/* the last ones to end are all of it */
	assert_gup(COUNTS LOOK "5 cpu0 fault_counts what=start pid=1 minor=1000 major=5\n"
			       "repeat 7 6 cpu0 fault address=1 ip=1 pid=1\n"
			       "7 cpu0 fault_counts what=exit pid=1 tid=2 minor=600 major=2\n"
			       "8 cpu0 fault_counts what=exit pid=1 tid=1 minor=409 major=3\n"
			       "9 cpu0 process what=exit pid=1\n" END,
		   2, 0, "- 1 1 7+0 2");
}

static void test_gup_of_what_is_born(void **state _unused_)
{
	/* all that it takes is told */
	assert_gup(COUNTS LOOK
		   "5 cpu0 process what=fork pid=2 parent=1\n"
		   "6 cpu0 fault address=1 ip=1 pid=2\n"
		   "7 cpu0 fault_counts what=start pid=2 minor=1 major=0\n" /* too late */
		   "8 cpu0 process what=exec pid=2 comm=b\n"
		   "9 cpu0 fault address=1 ip=1 pid=2\n"
		   "10 cpu0 fault_counts what=exit pid=2 tid=2 minor=31 major=0\n"
		   "11 cpu0 process what=exit pid=2\n" END,
		   29, 0, "- 2 1 1+0 0, b 2 1 1+0 29");
	/* while programs are being attached: what it took before is not known but by a reading */
	assert_gup(COUNTS "2 cpu0 process what=fork pid=2 parent=1\n" LOOK
			  "5 cpu0 fault address=1 ip=1 pid=2\n"
			  "7 cpu0 fault_counts what=start pid=2 minor=40 major=0\n"
			  "9 cpu0 fault address=1 ip=1 pid=2\n"
			  "10 cpu0 fault_counts what=exit pid=2 tid=2 minor=44 major=0\n"
			  "11 cpu0 process what=exit pid=2\n" END,
		   3, 0, "- 2 1 2+0 3");
	assert_gup(COUNTS "2 cpu0 process what=fork pid=2 parent=1\n" LOOK
			  "9 cpu0 fault address=1 ip=1 pid=2\n"
			  "10 cpu0 fault_counts what=exit pid=2 tid=2 minor=44 major=0\n"
			  "11 cpu0 process what=exit pid=2\n" END,
		   0, 1, "- 2 1 1+0 0");
	/* its end was not told, or its counts were lost */
	assert_gup(COUNTS LOOK "5 cpu0 process what=fork pid=2 parent=1\n"
			       "9 cpu0 fault address=1 ip=1 pid=2\n"
			       "11 cpu0 process what=exit pid=2\n"
			       "12 cpu0 process what=fork pid=2 parent=1\n"
			       "13 cpu0 fault address=1 ip=1 pid=2\n"
			       "14 cpu0 fault_counts what=exit pid=2 tid=2 minor=8 major=0\n"
			       "15 cpu0 process what=exit pid=2\n" END,
		   7, 1, "- 2 1 1+0 0, - 2 1 1+0 7");
}

/* The last thread's counts, or another one's, may come after its end. */
static void test_gup_late(void **state _unused_)
{
	assert_gup(COUNTS LOOK "5 cpu0 process what=fork pid=2 parent=1\n"
			       "9 cpu0 fault address=1 ip=1 pid=2\n"
			       "11 cpu0 process what=exit pid=2\n"
			       "12 cpu0 fault_counts what=exit pid=2 tid=2 minor=8 major=0\n" END,
		   7, 0, "- 2 1 1+0 7");
	assert_gup(COUNTS LOOK "5 cpu0 process what=fork pid=2 parent=1\n"
			       "repeat 5 9 cpu0 fault address=1 ip=1 pid=2\n"
			       "10 cpu0 fault_counts what=exit pid=2 tid=3 minor=2 major=0\n"
			       "11 cpu0 process what=exit pid=2\n"
			       "12 cpu0 fault_counts what=exit pid=2 tid=4 minor=2 major=0\n"
			       "13 cpu0 fault_counts what=exit pid=2 tid=2 minor=4 major=0\n" END,
		   3, 0, "- 2 1 5+0 3");
	/* another process of that number, and none */
	assert_gup(COUNTS LOOK
		   "5 cpu0 process what=fork pid=2 parent=1\n"
		   "9 cpu0 fault address=1 ip=1 pid=2\n"
		   "11 cpu0 process what=exit pid=2\n"
		   "12 cpu0 fault_counts what=exit pid=258 tid=258 minor=8 major=0\n" END,
		   0, 1, "- 2 1 1+0 0");
}

/* What ends between the last reading and the end has been settled. */
static void test_gup_at_the_end(void **state _unused_)
{
	assert_gup(COUNTS LOOK "5 cpu0 process what=fork pid=2 parent=1\n"
			       "9 cpu0 fault address=1 ip=1 pid=2\n"
			       "10 cpu0 fault_counts what=end pid=2 minor=8 major=0\n"
			       "11 cpu0 fault address=1 ip=1 pid=2\n"
			       "12 cpu0 fault_counts what=exit pid=2 tid=2 minor=9 major=0\n"
			       "13 cpu0 process what=exit pid=2\n" END,
		   7, 0, "- 2 1 2+0 7");
}

/* Ours are in the sum, for what /proc/vmstat says; those who took no other faults are in the rows, too. */
static void test_gup_of_whom(void **state _unused_)
{
	struct faults f = play(LEDGER_BY_PID, COUNTS LOOK
			       "5 cpu0 fault_counts what=start pid=1 minor=10 major=0\n"
			       "5 cpu0 fault_counts what=start pid=2 minor=20 major=0\n"
			       "5 cpu0 fault_counts what=start pid=3 minor=30 major=0\n"
			       "6 cpu0 fault address=1 ip=1 pid=1 flags=own\n"
			       "7 cpu0 process what=name pid=2 comm=mlock\n"
			       "9 cpu0 fault_counts what=end pid=1 minor=14 major=0\n"
			       "9 cpu0 fault_counts what=end pid=2 minor=25 major=2\n"
			       "9 cpu0 fault_counts what=end pid=3 minor=30 major=0\n" END);

	assert_int_equal(f.gup_counted, 3 + 7);
	assert_int_equal(f.tally.gup[0] + f.tally.gup[1], 7);
	assert_string_equal(rows(&f), "mlock 2 1 0+0 7");
	assert_int_equal(f.stream.quality.own, 1);
	faults_free(&f);
	/* of a selection only those are told */
	assert_gup("0 cpu0 start hooked=196608 selected=1\n" LOOK
		   "5 cpu0 fault_counts what=start pid=1 minor=10 major=0\n"
		   "9 cpu0 fault_counts what=end pid=1 minor=14 major=0\n" END,
		   0, 0, "");
	/* of one process the counts are read only where that is the one */
	assert_gup("0 cpu0 start hooked=196608 selected=2\n" LOOK
		   "5 cpu0 fault_counts what=start pid=1 minor=10 major=0\n"
		   "6 cpu0 process what=fork pid=2 parent=3\n"
		   "7 cpu0 fault_counts what=exit pid=2 tid=2 minor=5 major=0\n"
		   "8 cpu0 process what=exit pid=2\n"
		   "9 cpu0 fault_counts what=end pid=1 minor=14 major=0\n" END,
		   4, 0, "- 1 1 0+0 4");
	/* a recording may have a process that can't be: nobody has ended */
	assert_gup(COUNTS "5 cpu0 fault_counts what=exit pid=0 minor=10 major=0\n" END, 0, 0, "");
	/* of one fault in four the others are not get_user_pages()' */
	assert_gup("0 cpu0 start hooked=196608 sample=4\n" LOOK
		   "5 cpu0 fault_counts what=start pid=1 minor=10 major=0\n"
		   "6 cpu0 fault address=1 ip=1 pid=1\n"
		   "9 cpu0 fault_counts what=end pid=1 minor=14 major=0\n" END,
		   0, 0, "- 1 1 1+0 0");
}

/* Where calls are told one by one they have regions, and no cost, code or time. */
static void test_gup_events(void **state _unused_)
{
	struct faults f = play(LEDGER_BY_PID,
			       "0 cpu0 start hooked=163840\n"
			       "1 cpu0 map pid=1 start=0x1000 bytes=0x1000 path=[heap]\n"
			       "repeat 3 6 cpu0 fault address=0x1000 ip=0 pid=1 what=gup began=5\n"
			       "repeat 2 6 cpu0 fault address=0x1000 ip=0 pid=1 what=major,gup\n"
			       "7 cpu0 fault address=0x1000 ip=0x1000 pid=1\n" END);

	assert_string_equal(rows(&f), "- 1 1 1+0 5");
	assert_int_equal(f.told, 6);
	assert_int_equal(f.gup, 5);
	assert_int_equal(f.regions.n, 1);
	assert_int_equal(f.regions.items[0].kind, REGION_HEAP);
	assert_int_equal(f.regions.items[0].tally.gup[FAULT_CLASS_MAJOR], 2);
	assert_int_equal(f.sites.n, 1);
	assert_int_equal(f.sites.items[0].n[0], 1);
	assert_int_equal(f.cost[0].n + f.cost[1].n, 0);
	assert_int_equal(f.steps[0][0] + f.steps[1][0], 1);
	assert_int_equal(f.gup_unknown, 0);
	faults_free(&f);
}

/* --- /proc/vmstat ----------------------------------------------------------------------------------------- */

static void test_vmstat(void **state _unused_)
{
	struct faults f = play(
		LEDGER_BY_PID, COUNTS
		"repeat 3 10 cpu0 fault address=1 ip=1 pid=1\n"
		"repeat 5 20 cpu0 fault address=1 ip=1 pid=1\n"
		"25 cpu0 snapshot file=vmstat before=15 <<X\n"
		"pgfault_other 1\npgfault 100\npgmajfault 3\nthp_fault_alloc 7\nX\n"
		"repeat 300 step_ns=1 30 cpu0 fault address=1 ip=1 pid=1\n"
		"repeat 7 400 cpu0 fault address=1 ip=1 pid=1\n"
		"400 cpu0 snapshot file=vmstat before=399 <<X\npgmajfault 9\npgfault 900\nX\n" END);

	assert_true(f.start.known && f.end.known);
	assert_int_equal(f.start.items[VMSTAT_FAULTS], 100);
	assert_int_equal(f.start.items[VMSTAT_HUGE], 7);
	assert_true(f.start.items[VMSTAT_SWAP_IN] == UINT64_MAX);
	assert_int_equal(f.start.told, 8);
	assert_int_equal(f.start.unsure, 5);
	assert_int_equal(f.end.items[VMSTAT_MAJOR], 9);
	assert_true(f.end.items[VMSTAT_HUGE] == UINT64_MAX);
	assert_int_equal(f.end.told, 315);
	assert_int_equal(f.end.unsure, 7);
	faults_free(&f);
	f = play(LEDGER_BY_PID, COUNTS "5 cpu0 snapshot file=vmstat <<X\nnr_free_pages 1\nX\n" END);
	assert_false(f.start.known || f.end.known);
	faults_free(&f);
}

/* --- code ------------------------------------------------------------------------------------------------- */

#define CODE                                                                                 \
	"0 cpu0 start hooked=131072\n"                                                       \
	"1 cpu0 process what=there pid=1 comm=a\n"                                           \
	"1 cpu0 map pid=1 start=0x400000 bytes=0x4000 offset=0x1000 path=/a protection=rx\n" \
	"1 cpu0 map pid=1 start=0x500000 bytes=0x1000 path=[heap] protection=rw\n"           \
	"2 cpu0 stack id=0 frames=0x400010,0x400020,0x400030\n"                              \
	"2 cpu0 stack id=1 frames=0x400020,0x400030,0x500000,0x400040\n"                     \
	"2 cpu0 stack id=2 frames=0x99999000\n"

/* «OBJECT+IP» of each frame; SPACES_NONE is ?, the kernel K. */
static const char *chain(const struct faults *f, size_t i)
{
	static char text[512];
	const struct fault_chain *c = &f->chains.items[i];
	size_t n = 0, k;

	for (k = 0; k < c->n; k++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c+%llx", k ? " " : "",
				      c->frames[k].object == SPACES_NONE	 ? '?'
				      : c->frames[k].object == FAULT_SITE_KERNEL ? 'K'
										 : 'a',
				      (unsigned long long)c->frames[k].ip);
	return text;
}

static void test_chains(void **state _unused_)
{
	struct faults f = play(
		LEDGER_BY_PID, CODE
		"5 cpu0 fault address=0x500000 ip=0x400010 pid=1 stack=0\n"
		/* a chain without its first frame is the same; what is behind junk is cut */
		"6 cpu0 fault address=0x500000 ip=0x400010 pid=1 stack=1\n"
		"7 cpu0 fault address=0x500000 ip=0xffffffff81000000 what=kernel pid=1 stack=1\n"
		"8 cpu0 fault address=0x500000 ip=0x400010 pid=1 stack=2\n"
		/* a jump to nowhere has a caller, and itself is no code that is known */
		"9 cpu0 fault address=0x99999000 ip=0x99999000 what=exec pid=1 stack=2\n"
		"10 cpu0 fault address=0x500000 ip=0x400010 pid=1 stack=-2\n"
		"11 cpu0 fault address=0x500000 ip=0x400010 pid=1\n" END);

	assert_int_equal(f.chains.n, 4);
	assert_string_equal(chain(&f, 0), "a+1010 a+1020 a+1030");
	assert_int_equal(f.chains.items[0].count, 2);
	assert_string_equal(chain(&f, 1), "K+ffffffff81000000 a+1020 a+1030");
	assert_string_equal(chain(&f, 2), "a+1010");
	assert_string_equal(chain(&f, 3), "?+99999000");
	assert_int_equal(f.sites.n, 3);
	assert_int_equal(f.sites.items[0].n[0], 5);
	assert_int_equal(f.sites.items[0].chains, 3);
	assert_int_equal(f.sites.items[1].object, FAULT_SITE_KERNEL);
	assert_int_equal(f.tally.kernel, 1);
	assert_int_equal(f.stream.quality.stacks_lost, 1);
	faults_free(&f);
}

/* The longest chain there is, with the place before it. */
static void test_deep_chain(void **state _unused_)
{
	char script[4096] = CODE "3 cpu0 stack id=3 frames=0x400000";
	size_t n = strlen(script), i;
	struct faults f;

	for (i = 1; i < EVENT_STACK_DEPTH; i++)
		n += (size_t)sprintf(script + n, ",0x%zx", (size_t)0x400000 + i);
	strcpy(script + n, "\n5 cpu0 fault address=1 ip=0x400100 pid=1 stack=3\n"
			   "5 cpu0 fault address=1 ip=0x400000 pid=1 stack=3\n" END);
	f = play(LEDGER_BY_PID, script);
	assert_int_equal(f.chains.n, 2);
	assert_int_equal(f.chains.items[0].n, EVENT_STACK_DEPTH + 1);
	assert_int_equal(f.chains.items[1].n, EVENT_STACK_DEPTH);
	faults_free(&f);
}

/* --- regions, cost and time ------------------------------------------------------------------------------- */

/*
 * Copies of those faults, in memory of all kinds: with @hooked, and of what is written to where nothing is
 * yet, as processors that tell the access do.
 */
static uint64_t copies(uint32_t hooked, const char *faults)
{
	static const char maps[] =
		"1 cpu0 map pid=1 start=0x1000 bytes=0x1000 path=[heap] protection=rw\n"
		"1 cpu0 map pid=1 start=0x3000 bytes=0x1000 path=/dev/shm/x shared=1 "
		"protection=rw\n"
		"1 cpu0 map pid=1 start=0x4000 bytes=0x1000 path=/a inode=7 protection=rw\n"
		"1 cpu0 map pid=1 start=0x5000 bytes=0x1000 path=/b inode=8 protection=rw "
		"shared=1\n"
		"1 cpu0 map pid=1 start=0x6000 bytes=0x1000 path=/memfd:m inode=9 protection=rw\n"
		"1 cpu0 map pid=1 start=0x7000 bytes=0x1000 path=/dev/zero inode=5 protection=rw\n"
		"1 cpu0 map pid=1 start=0x8000 bytes=0x1000 path=//anon protection=rw\n";
	char script[2048];
	uint64_t copied;
	struct faults f;

	snprintf(script, sizeof(script), "0 cpu0 start hooked=%u\n%s%s" END, hooked, maps, faults);
	f = play(LEDGER_BY_PID, script);
	copied = f.tally.copied;
	faults_free(&f);
	return copied;
}

/* A copy is told by its probe, or guessed from a write to a page that was there. */
static void test_copies(void **state _unused_)
{
	static const char faults[] =
		"2 cpu0 fault address=0x1000 ip=1 pid=1 what=access,write,present\n"
		"2 cpu0 fault address=0x1000 ip=1 pid=1 what=access,write\n"
		"2 cpu0 fault address=0x1000 ip=1 pid=1 what=access,present\n"
		"2 cpu0 fault address=0x3000 ip=1 pid=1 what=access,write,present\n"
		"2 cpu0 fault address=0x9000 ip=1 pid=1 what=access,write,present\n"
		"2 cpu0 fault address=0x1000 ip=1 pid=1 what=copied\n"
		"2 cpu0 fault address=0x1000 ip=1 pid=1 what=copied,huge,around,major,swap\n";

	assert_int_equal(copies(HOOKED_FAULT_ACCESS, faults), 1);
	assert_int_equal(copies(HOOKED_FAULT_ACCESS | HOOKED_COPIED, faults), 2);
}

/* The first write to a page of a private file is a copy, for which no probe tells: do_cow_fault(). */
static void test_copies_of_files(void **state _unused_)
{
	static const struct {
		const char *fault;
		uint64_t copied;
	} cases[] = {
		{ "address=0x4000 what=access,write", 1 },
		{ "address=0x4000 what=access,write,kernel,major", 1 },
		{ "address=0x6000 what=access,write", 1 }, /* memfd */
		{ "address=0x4000 what=access,write,swap", 0 }, /* it was copied before */
		{ "address=0x4000 what=access", 0 },
		{ "address=0x4000 what=gup", 0 },
		{ "address=0x4000 what=major", 0 }, /* not known what it wanted */
		{ "address=0x3000 what=access,write", 0 }, /* the page itself is written to */
		{ "address=0x5000 what=access,write", 0 },
		{ "address=0x1000 what=access,write", 0 }, /* a page of zeros */
		{ "address=0x7000 what=access,write", 0 },
		{ "address=0x8000 what=access,write", 0 },
		{ "address=0x9000 what=access,write", 0 }, /* nothing is known of it */
	};
	char fault[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(fault, sizeof(fault), "2 cpu0 fault ip=1 pid=1 %s\n", cases[i].fault);
		assert_int_equal(copies(HOOKED_FAULT_ACCESS, fault), cases[i].copied);
		assert_int_equal(copies(HOOKED_FAULT_ACCESS | HOOKED_COPIED, fault),
				 cases[i].copied);
	}
}

/* What else a fault is told to have been. */
static void test_how(void **state _unused_)
{
	struct faults f =
		play(LEDGER_BY_PID,
		     "0 cpu0 start hooked=1024\n"
		     "1 cpu0 map pid=1 start=0x1000 bytes=0x1000 path=[heap] protection=rw\n"
		     "2 cpu0 fault address=0x1000 ip=1 pid=1 what=access,write\n"
		     "2 cpu0 fault address=0x1000 ip=1 pid=1 what=access\n"
		     "2 cpu0 fault address=0x9000 ip=1 pid=1 what=access,exec\n"
		     "2 cpu0 fault address=0x1000 ip=1 pid=1 what=huge,around,major,swap\n" END);

	assert_int_equal(f.tally.access, 3);
	assert_int_equal(f.tally.write, 1);
	assert_int_equal(f.tally.exec, 1);
	/* what waited for the disk was not there to be mapped */
	assert_int_equal(f.tally.around, 0);
	assert_true(f.tally.huge == 1 && f.tally.swap == 1);
	assert_int_equal(f.regions.n, 2);
	faults_free(&f);
}

static void test_cost(void **state _unused_)
{
	struct faults f = play(LEDGER_BY_PID,
			       "0 cpu0 start hooked=512\n"
			       "100 cpu0 fault address=1 ip=1 pid=1 began=93\n"
			       "100 cpu0 fault address=1 ip=1 pid=1 began=100\n"
			       "100 cpu0 fault address=1 ip=1 pid=1 began=101\n" /* can't be */
			       "100 cpu0 fault address=1 ip=1 pid=1\n"
			       "9ms cpu0 fault address=1 ip=1 pid=2 what=major began=1ms\n" END);

	assert_int_equal(f.cost[FAULT_CLASS_MINOR].n, 2);
	assert_int_equal(f.cost[FAULT_CLASS_MINOR].sum, 7);
	assert_int_equal(f.cost[FAULT_CLASS_MAJOR].max, 8000000);
	assert_int_equal(f.rows.items[0].cost.n, 2);
	assert_int_equal(f.rows.items[1].cost.sum, 8000000);
	assert_int_equal(f.durations[FAULT_CLASS_MINOR][0], 2);
	faults_free(&f);
}

/* Steps become longer with the time that is told; none of the faults is lost. */
static void test_steps(void **state _unused_)
{
	struct faults f;
	uint64_t sum = 0, first;
	size_t i;

	faults_init(&f, LEDGER_BY_PID);
	first = f.step_ns;
	for (i = 0; i < 100003; i++)
		fault(&f, i * NSEC_PER_MSEC, 1);
	for (i = 0; i < FAULTS_STEPS; i++)
		sum += f.steps[FAULT_CLASS_MINOR][i];
	assert_int_equal(sum, 100003);
	/* 100 s in 128 steps of 1.28 s at most */
	assert_int_equal(f.step_ns, 128 * first);
	assert_int_equal(f.steps[FAULT_CLASS_MINOR][0], 1280);
	assert_int_equal(f.steps[FAULT_CLASS_MINOR][77], 1280);
	assert_int_equal(f.steps[FAULT_CLASS_MINOR][78], 100003 - 78 * 1280);
	fault(&f, UINT64_MAX, 1);
	for (sum = 0, i = 0; i < FAULTS_STEPS; i++)
		sum += f.steps[FAULT_CLASS_MINOR][i];
	assert_int_equal(sum, 100004);
	assert_int_equal(f.steps[FAULT_CLASS_MINOR][0], 100003);
	faults_free(&f);
}

/* --- limits ----------------------------------------------------------------------------------------------- */

/* Each fault is elsewhere, by other code: in the end regions are counted by kind, and sites no more. */
static void test_limits(void **state _unused_)
{
	struct {
		struct event_map e;
		char path[16];
	} m = { .e = { .h = { .kind = EVENT_MAP, .pid = 1 }, .bytes = 0x1000, .size = 16 } };
	struct event_fault e = { .h = { .kind = EVENT_FAULT, .pid = 1 }, .stack = -1 };
	const struct event_header *map = &m.e.h, *h = &e.h;
	uint64_t sum = 0, i;
	struct faults f;

	faults_init(&f, LEDGER_BY_PID);
	for (i = 0; i < FAULTS_REGIONS_MAX + 7; i++) {
		m.e.start = (i + 1) << 13;
		snprintf(m.path, sizeof(m.path), "/%u", (unsigned int)i);
		faults_consume(&f, &map, 1);
		e.address = m.e.start;
		e.ip = i;
		faults_consume(&f, &h, 1);
	}
	assert_int_equal(f.spaces.left_out, 0);
	assert_int_equal(f.regions.n, FAULTS_REGIONS_MAX + 1);
	assert_int_equal(f.regions.items[FAULTS_REGIONS_MAX].row, SPACES_NONE);
	assert_int_equal(f.regions.items[FAULTS_REGIONS_MAX].kind, REGION_FILE);
	assert_int_equal(f.regions.items[FAULTS_REGIONS_MAX].tally.n[0], 7);
	assert_int_equal(f.sites.n, FAULTS_SITES_MAX);
	for (i = 0; i < f.sites.n; i++)
		sum += f.sites.items[i].n[0];
	assert_int_equal(sum, FAULTS_SITES_MAX);
	assert_true(f.regions_full && f.sites_full);
	assert_int_equal(f.tally.n[0], FAULTS_REGIONS_MAX + 7);
	assert_false(f.stream.oom);
	faults_free(&f);
}

static void test_limit_of_chains(void **state _unused_)
{
	struct event_map m = { .h = { .kind = EVENT_MAP, .pid = 1 },
			       .start = 0x1000,
			       .bytes = 1 << 30,
			       .protection = 5,
			       .size = 1 };
	union {
		struct event_map e;
		char room[sizeof(struct event_map) + 8];
	} map = { .e = m };
	struct event_stack s = { .h = { .kind = EVENT_STACK }, .n = 1 };
	struct event_fault e = { .h = { .kind = EVENT_FAULT, .pid = 1 }, .ip = 0x1000 };
	const struct event_header *records[] = { &s.h, &e.h }, *h = &map.e.h;
	struct faults f;
	uint32_t i;

	faults_init(&f, LEDGER_BY_PID);
	faults_consume(&f, &h, 1);
	for (i = 0; i < FAULTS_CHAINS_MAX + 7; i++) {
		s.frames[0] = 0x2000 + i;
		faults_consume(&f, records, 2);
	}
	assert_int_equal(f.chains.n, FAULTS_CHAINS_MAX);
	assert_int_equal(f.stream.quality.stacks_lost, 7);
	assert_int_equal(f.sites.n, 1);
	assert_int_equal(f.sites.items[0].n[0], FAULTS_CHAINS_MAX + 7);
	/* those that are known go on being counted */
	s.frames[0] = 0x2000;
	faults_consume(&f, records, 2);
	assert_int_equal(f.chains.items[0].count, 2);
	assert_int_equal(f.stream.quality.stacks_lost, 7);
	faults_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_folding),
		cmocka_unit_test(test_gup_of_what_was_there),
		cmocka_unit_test(test_gup_of_threads),
		cmocka_unit_test(test_gup_of_what_is_born),
		cmocka_unit_test(test_gup_late),
		cmocka_unit_test(test_gup_at_the_end),
		cmocka_unit_test(test_gup_of_whom),
		cmocka_unit_test(test_gup_events),
		cmocka_unit_test(test_vmstat),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_deep_chain),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_copies_of_files),
		cmocka_unit_test(test_how),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limit_of_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
