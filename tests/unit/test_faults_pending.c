// SPDX-License-Identifier: GPL-2.0
/* Faults of memory that nothing told of: what a look at /proc makes of them, and what it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analyze/faults.h"
#include "fixture.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* HOOKED_MAPS; process 7 has text at 0x1000 and nothing else that is known of */
#define BEGIN                                                                \
	"0 cpu0 start hooked=131072 n_cpus=1\n"                              \
	"1 cpu0 process what=there pid=7 comm=p\n"                           \
	"1 cpu0 map pid=7 start=0x1000 bytes=0x1000 path=/p protection=rx\n" \
	"5 cpu0 task pid=7 tid=7 cgroup=1 comm=p\n"
/* three faults at 0x200000, two at 0x300000 */
#define FAULTS                                                           \
	"repeat 3 step_ns=1 10 cpu0 fault address=0x200000 ip=1 pid=7\n" \
	"repeat 2 step_ns=1 20 cpu0 fault address=0x300000 ip=1 pid=7\n"
#define LOOK                                                                  \
	"50 cpu0 process what=there pid=7 comm=p\n"                           \
	"50 cpu0 map pid=7 start=0x1000 bytes=0x1000 path=/p protection=rx\n" \
	"50 cpu0 map pid=7 start=0x200000 bytes=0x10000 path=//anon protection=rw\n"
#define END "1s cpu0 end\n"

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	faults_consume(arg, records, n);
}

static struct faults play(const char *script)
{
	struct faults f;

	faults_init(&f, LEDGER_BY_PID);
	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = &f });
	assert_false(f.stream.oom || f.spaces.oom);
	return f;
}

/* Faults in regions of @kind. */
static uint64_t in_kind(const struct faults *f, enum region_kind kind)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < f->regions.n; i++)
		if (f->regions.items[i].kind == kind)
			n += f->regions.items[i].tally.n[0] + f->regions.items[i].tally.n[1];
	return n;
}

static void assert_kinds(const char *script, uint64_t anon, uint64_t unknown)
{
	struct faults f = play(script);

	assert_int_equal(in_kind(&f, REGION_ANON), anon);
	assert_int_equal(in_kind(&f, REGION_UNKNOWN), unknown);
	assert_int_equal(f.tally.n[0], anon + unknown + in_kind(&f, REGION_FILE));
	faults_free(&f);
}

/* What is there is what was there; what is not there stays unknown. */
static void test_known_later(void **state _unused_)
{
	assert_kinds(BEGIN FAULTS END, 0, 5);
	assert_kinds(BEGIN FAULTS LOOK END, 3, 2);
}

/* It is asked for once, and once more after a while. */
static void test_asked(void **state _unused_)
{
	struct faults f = play(BEGIN FAULTS END);

	assert_int_equal(faults_wonder(&f), 7);
	assert_int_equal(faults_wonder(&f), 0);
	faults_free(&f);
	f = play(BEGIN FAULTS "500ms cpu0 fault address=0x200000 ip=1 pid=7\n" END);
	assert_int_equal(faults_wonder(&f), 7);
	assert_int_equal(faults_wonder(&f), 7);
	assert_int_equal(faults_wonder(&f), 0);
	faults_free(&f);
	/* nothing to ask for: all is known; or nothing can be known */
	f = play(BEGIN "10 cpu0 fault address=0x1000 ip=1 pid=7\n" END);
	assert_int_equal(faults_wonder(&f), 0);
	faults_free(&f);
	f = play("0 cpu0 start n_cpus=1\n5 cpu0 task pid=7 tid=7 cgroup=1 comm=p\n" FAULTS END);
	assert_int_equal(faults_wonder(&f), 0);
	faults_free(&f);
}

/* What was mapped after the fault is not what it hit. */
static void test_mapped_since(void **state _unused_)
{
	assert_kinds(
		BEGIN FAULTS
		"30 cpu0 map pid=7 start=0x200000 bytes=0x10000 path=//anon protection=rw\n" LOOK
			END,
		0, 5);
	/* elsewhere, or of another process */
	assert_kinds(
		BEGIN FAULTS
		"30 cpu0 map pid=7 start=0x400000 bytes=0x10000 path=//anon protection=rw\n"
		"30 cpu0 map pid=8 start=0x200000 bytes=0x10000 path=//anon protection=rw\n" LOOK
			END,
		3, 2);
}

/* Another program, or another process of that number, has other memory. */
static void test_other_memory(void **state _unused_)
{
	assert_kinds(BEGIN FAULTS "30 cpu0 process what=exec pid=7 comm=q\n" LOOK END, 0, 5);
	assert_kinds(BEGIN FAULTS "30 cpu0 process what=exit pid=7\n" LOOK END, 0, 5);
	assert_kinds(BEGIN FAULTS "30 cpu0 process what=fork pid=7 parent=1\n" LOOK END, 0, 5);
}

/* A piece that is only partly in what is there now is not known to be it. */
static void test_part(void **state _unused_)
{
	assert_kinds(
		BEGIN
		"10 cpu0 fault address=0x20f000 ip=1 pid=7\n"
		"11 cpu0 fault address=0x200000 ip=1 pid=7\n"
		"50 cpu0 process what=there pid=7 comm=p\n"
		"50 cpu0 map pid=7 start=0x200000 bytes=0x8000 path=//anon protection=rw\n" END,
		0, 2);
}

/* A file that is mapped read-only, as is told last; somebody else has it, too */
#define FILE_THERE                                                            \
	"6 cpu0 map pid=7 start=0x200000 bytes=0x8000 path=/f protection=r\n" \
	"6 cpu0 map pid=8 start=0x200000 bytes=0x8000 path=/f protection=r\n"

/* Who writes where that was not allowed writes to something else: it was unmapped, and nothing told. */
static void test_written_though_not_allowed(void **state _unused_)
{
	struct faults f = play(BEGIN FILE_THERE
			       "7 cpu0 fault address=0x201000 ip=1 pid=7 what=access\n"
			       "8 cpu0 fault address=0x201000 ip=1 pid=7 what=access,write\n" END);

	assert_int_equal(in_kind(&f, REGION_FILE), 1);
	assert_int_equal(in_kind(&f, REGION_UNKNOWN), 1);
	assert_int_equal(faults_wonder(&f), 7);
	faults_free(&f);
	/* it is known then to be none of it, until /proc tells what it is */
	assert_kinds(BEGIN FILE_THERE
		     "8 cpu0 fault address=0x201000 ip=1 pid=7 what=access,write\n"
		     "9 cpu0 fault address=0x202000 ip=1 pid=7 what=access\n"
		     "9 cpu0 fault address=0x1000 ip=1 pid=7 what=access,exec\n" END,
		     0, 2);
	assert_kinds(BEGIN FILE_THERE
		     "8 cpu0 fault address=0x201000 ip=1 pid=7 what=access,write\n"
		     "9 cpu0 fault address=0x202000 ip=1 pid=7 what=access\n" LOOK END,
		     2, 0);
	/* … which may be the file: another thread was faster than the report of the fault */
	assert_kinds(BEGIN FILE_THERE
		     "8 cpu0 fault address=0x201000 ip=1 pid=7 what=access,write\n"
		     "50 cpu0 process what=there pid=7 comm=p\n"
		     "50 cpu0 map pid=7 start=0x200000 bytes=0x8000 path=/f protection=r\n" END,
		     0, 0);
	/* a child has its parent's mappings, and loses its own ones only */
	assert_kinds(BEGIN FILE_THERE "7 cpu0 process what=fork pid=9 parent=7\n"
				      "8 cpu0 fault address=0x201000 ip=1 pid=9 what=access,write\n"
				      "9 cpu0 fault address=0x201000 ip=1 pid=7 what=access\n"
				      "9 cpu0 fault address=0x201000 ip=1 pid=8 what=access\n" END,
		     0, 1);
}

/* What tells nothing: what was allowed, is known to be allowed since, or is not known to be a write. */
static void test_written_as_allowed(void **state _unused_)
{
	assert_kinds(
		BEGIN FILE_THERE
		"7 cpu0 map pid=7 start=0x201000 bytes=0x1000 offset=0x1000 path=/f protection=rw\n"
		"8 cpu0 fault address=0x201000 ip=1 pid=7 what=access,write\n"
		"8 cpu0 fault address=0x200000 ip=1 pid=7 what=access\n"
		"8 cpu0 fault address=0x200000 ip=1 pid=7\n"
		/* get_user_pages() may write where the process may not */
		"8 cpu0 fault address=0x200000 ip=1 pid=7 what=gup\n"
		/* a processor or a personality may execute what is only to be read */
		"8 cpu0 fault address=0x200000 ip=0x200000 pid=7 what=access,exec\n" END,
		0, 0);
}

/* More pieces than are kept: the others stay unknown, and no number is lost. */
static void test_limit(void **state _unused_)
{
	struct faults f;
	struct event_fault e = { .h = { .kind = EVENT_FAULT, .pid = 7 }, .ip = 1 };
	const struct event_header *h = &e.h;
	uint32_t i;

	f = play(BEGIN END);
	for (i = 0; i < FAULTS_PENDING_MAX + 5; i++) {
		e.h.time = 100 + i;
		e.address = 0x100000000ull + (uint64_t)i * FAULT_PIECE;
		faults_consume(&f, &h, 1);
	}
	assert_int_equal(f.pending.n, FAULTS_PENDING_MAX);
	assert_int_equal(in_kind(&f, REGION_UNKNOWN), FAULTS_PENDING_MAX + 5);
	faults_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_later),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_mapped_since),
		cmocka_unit_test(test_other_memory),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_written_though_not_allowed),
		cmocka_unit_test(test_written_as_allowed),
	};

	return cmocka_run_group_tests_name("faults_pending", tests, NULL, NULL);
}
